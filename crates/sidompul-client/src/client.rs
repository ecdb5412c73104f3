use std::sync::Arc;
use std::time::Duration;

use biller_core::{
    AccessToken, Always, Engine, Error, ErrorKind, Execution, Limits, Operation, Rupiah, Secret, TokenCache, Wiring,
};

use crate::auth::{Signer, TokenAuthority};
use crate::config::{Config, Pin};
use crate::model::{
    AwgDetailCommand, Brand, HistoryDetailQuery, HistoryDetailRow, HistoryQuery, HistoryRow, Inject, Injected,
    IssuedToken, ProductList, PurchasePackage, PurchaseReply, ReloadPulsa, StockItem, StockQuery, WgDetailQuery,
    WgTargetResult, WgTransaction, WgTransactionQuery, XwgDetailCommand,
};
use crate::operations::{
    Balance, BuyPackage, EncryptPin, InjectStock, ListProducts, Payer, Reload, RequestToken, Stock,
    StockTransactionDetail, StockTransactions, TransactionHistory, TransactionHistoryDetail,
};

/// The encrypted PIN never changes; it is kept for as long as the client lives.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// SIDOMPUL's calls, one method each.
///
/// Cheap to clone; clones share connections, token, encrypted PIN and retry budget. Every method's error says whether SIDOMPUL acted
/// ([`Error::execution`]). For purchases that survive a lost reply, prefer [`Sidompul`](crate::Sidompul).
#[derive(Clone)]
pub struct Client {
    authority: TokenAuthority,
    encrypted_pin: TokenCache,
}

impl Client {
    /// A client over HTTP.
    #[cfg(feature = "http-client")]
    pub fn new(config: Config) -> Result<Self, Error> {
        let wiring = Wiring::http(config.connect_timeout)?;
        Ok(Self::with_wiring(config, wiring))
    }

    /// A client over a transport, clock and retry policy of the caller's.
    pub fn with_wiring(config: Config, wiring: Wiring) -> Self {
        let engine = Arc::new(wiring.engine(crate::biller::PROVIDER));
        let authority = TokenAuthority { engine, config: Arc::new(config), tokens: TokenCache::default() };
        Self { authority, encrypted_pin: TokenCache::default() }
    }

    /// Fetches a new access token, without keeping it: to check credentials. All other methods get theirs by themselves.
    ///
    /// Effect: read-only. Errors: `Refused` for unfit credentials. Source: SIDOMPUL Open API 1.5, Get Token.
    pub async fn fetch_token(&self) -> Result<IssuedToken, Error> {
        let TokenAuthority { engine, config, .. } = &self.authority;
        engine.call(&RequestToken, &Always(Signer::without_token(Arc::clone(config))), config.token).await
    }

    /// Has a PIN encrypted. Purchases do that by themselves, once.
    ///
    /// The result is as secret as the PIN. Effect: read-only. Source: SIDOMPUL Open API 1.5, Encrypt.
    pub async fn encrypt_pin(&self, pin: &Secret) -> Result<Secret, Error> {
        self.call(&EncryptPin(pin.clone()), self.config().call).await
    }

    /// Buys a package from the dompul balance.
    ///
    /// Effect: **moves money**; sent once. `Ok` means accepted: done when [`PurchaseReply::succeeded`], else still running. An error
    /// with [`Execution::NotExecuted`] means certainly not charged; with [`Execution::Unknown`] the purchase may have gone through
    /// and must not be repeated: nothing tells two equal purchases apart. Source: SIDOMPUL Open API 1.5, Purchase Package.
    pub async fn purchase_package(&self, package: &PurchasePackage) -> Result<PurchaseReply, Error> {
        let payer = self.payer().await?;
        let operation = BuyPackage { package: package.clone(), with_pulsa: false, payer };
        self.call(&operation, self.config().call).await
    }

    /// Buys a package from the dealer's pulsa. The reply only says that it is being processed: ask the history.
    ///
    /// Effect: **moves money**; as [`purchase_package`](Self::purchase_package). Source: SIDOMPUL Open API 1.5, Purchase Package
    /// Deduct Pulsa.
    pub async fn purchase_package_with_pulsa(&self, package: &PurchasePackage) -> Result<PurchaseReply, Error> {
        let payer = self.payer().await?;
        let operation = BuyPackage { package: package.clone(), with_pulsa: true, payer };
        self.call(&operation, self.config().call).await
    }

    /// Reloads pulsa.
    ///
    /// Effect: **moves money**; as [`purchase_package`](Self::purchase_package). Source: SIDOMPUL Open API 1.5, Reload Pulsa (W2P).
    pub async fn reload_pulsa(&self, reload: &ReloadPulsa) -> Result<PurchaseReply, Error> {
        let payer = self.payer().await?;
        self.call(&Reload { reload: reload.clone(), payer }, self.config().call).await
    }

    /// Lists reloads and packages of some days. How soon a purchase appears is not documented: a missing one proves nothing.
    ///
    /// Effect: read-only. Source: SIDOMPUL Open API 1.5, Transaction History.
    pub async fn transaction_history(&self, query: &HistoryQuery) -> Result<Vec<HistoryRow>, Error> {
        let mut rows = self.call(&TransactionHistory(*query), self.config().list).await?;
        for row in &mut rows {
            row.date = row.date.map(|date| self.config().history_date(date));
        }
        Ok(rows)
    }

    /// Lists details of reloads and packages. The provider may answer with rows of other transactions and numbers: compare them.
    ///
    /// Effect: read-only. Source: SIDOMPUL Open API 1.5, Transaction History Detail.
    pub async fn transaction_history_detail(&self, query: &HistoryDetailQuery) -> Result<Vec<HistoryDetailRow>, Error> {
        let mut rows = self.call(&TransactionHistoryDetail(query.clone()), self.config().list).await?;
        for row in &mut rows {
            row.date = row.date.map(|date| self.config().history_date(date));
        }
        Ok(rows)
    }

    /// Asks for the dompul balance, in rupiah. Effect: read-only. Source: SIDOMPUL Open API 1.5, Get Dompul Balance.
    pub async fn dompul_balance(&self) -> Result<Rupiah, Error> {
        self.call(&Balance::Dompul, self.config().call).await
    }

    /// Asks for the dealer's pulsa, in rupiah. Effect: read-only. Source: SIDOMPUL Open API 1.5, Get Pulsa Balance.
    pub async fn pulsa_balance(&self) -> Result<Rupiah, Error> {
        self.call(&Balance::Pulsa, self.config().call).await
    }

    /// Lists the packages. Effect: read-only. Source: SIDOMPUL Open API 1.5, Get List Product Code.
    pub async fn list_products(&self) -> Result<ProductList, Error> {
        self.call(&ListProducts, self.config().list).await
    }

    /// Lists AXIS voucher stock. Effect: read-only. Source: SIDOMPUL Open API 1.5, AWG Get Stock.
    pub async fn awg_stock(&self, query: &StockQuery) -> Result<Vec<StockItem>, Error> {
        self.stock(Brand::Awg, query).await
    }

    /// Lists XL voucher stock. Effect: read-only. Source: SIDOMPUL Open API 1.5, XWG Get Stock.
    pub async fn xwg_stock(&self, query: &StockQuery) -> Result<Vec<StockItem>, Error> {
        self.stock(Brand::Xwg, query).await
    }

    /// Lists transactions of AXIS stock. Effect: read-only. Errors: `InvalidInput` for a service type of XL only.
    /// Source: SIDOMPUL Open API 1.5, AWG Get Info Transaction.
    pub async fn awg_transactions(&self, query: &WgTransactionQuery) -> Result<Vec<WgTransaction>, Error> {
        self.stock_transactions(Brand::Awg, query).await
    }

    /// Lists transactions of XL stock. Effect: read-only. Source: SIDOMPUL Open API 1.5, XWG Get Info Transaction.
    pub async fn xwg_transactions(&self, query: &WgTransactionQuery) -> Result<Vec<WgTransaction>, Error> {
        self.stock_transactions(Brand::Xwg, query).await
    }

    /// Asks what became of each target of an inject from AXIS stock.
    ///
    /// Effect: read-only. Source: SIDOMPUL Open API 1.5, AWG Get Info Transaction Detail.
    pub async fn awg_transaction_detail(
        &self,
        query: &WgDetailQuery<AwgDetailCommand>,
    ) -> Result<Vec<WgTargetResult>, Error> {
        self.stock_detail(Brand::Awg, query.command.as_str(), &query.master_trx_id).await
    }

    /// Asks what became of each target of an inject from XL stock.
    ///
    /// Effect: read-only. Source: SIDOMPUL Open API 1.5, XWG Get Info Transaction Detail.
    pub async fn xwg_transaction_detail(
        &self,
        query: &WgDetailQuery<XwgDetailCommand>,
    ) -> Result<Vec<WgTargetResult>, Error> {
        self.stock_detail(Brand::Xwg, query.command.as_str(), &query.master_trx_id).await
    }

    /// Injects AXIS stock.
    ///
    /// Effect: **moves money**; sent once. `Ok` means accepted; ask the detail what became of each target. Errors as for
    /// [`purchase_package`](Self::purchase_package), and `InvalidInput` for XL stock. Source: SIDOMPUL Open API 1.5, AWG Inject Stock.
    pub async fn awg_inject(&self, inject: &Inject) -> Result<Injected, Error> {
        self.inject(Brand::Awg, inject).await
    }

    /// Injects XL stock.
    ///
    /// Effect: **moves money**; as [`awg_inject`](Self::awg_inject). Source: SIDOMPUL Open API 1.5, XWG Inject Stock.
    pub async fn xwg_inject(&self, inject: &Inject) -> Result<Injected, Error> {
        self.inject(Brand::Xwg, inject).await
    }

    pub(crate) fn config(&self) -> &Config {
        &self.authority.config
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.authority.engine
    }

    pub(crate) async fn stock(&self, brand: Brand, query: &StockQuery) -> Result<Vec<StockItem>, Error> {
        self.call(&Stock { brand, query: query.clone() }, self.config().list).await
    }

    pub(crate) async fn stock_transactions(
        &self,
        brand: Brand,
        query: &WgTransactionQuery,
    ) -> Result<Vec<WgTransaction>, Error> {
        self.call(&StockTransactions { brand, query: query.clone() }, self.config().list).await
    }

    pub(crate) async fn stock_detail(
        &self,
        brand: Brand,
        command: &str,
        id: &crate::model::MasterTrxId,
    ) -> Result<Vec<WgTargetResult>, Error> {
        let operation = StockTransactionDetail { brand, command: command.to_owned(), master_trx_id: id.clone() };
        self.call(&operation, self.config().list).await
    }

    pub(crate) async fn inject(&self, brand: Brand, inject: &Inject) -> Result<Injected, Error> {
        if inject.brand() != brand {
            let shape = format!("a row of {} stock", inject.brand().as_str());
            return Err(
                biller_core::InvalidValue::new("item", shape, format!("a row of {} stock", brand.as_str())).into()
            );
        }
        let payer = self.payer().await?;
        let operation = InjectStock { inject: inject.clone(), key: self.config().inject_key, payer };
        self.call(&operation, self.config().call).await
    }

    /// The encrypted PIN and what goes with it. Whatever happens here, no purchase has been sent.
    async fn payer(&self) -> Result<Payer, Error> {
        let pin = match &self.config().pin {
            Pin::Encrypted(pin) => pin.clone(),
            Pin::Plain(pin) => {
                let now = self.engine().clock().now();
                let (client, plain) = (self.clone(), pin.clone());
                let fetch = || async move {
                    let encrypted = client.encrypt_pin(&plain).await?;
                    Ok(AccessToken::new(encrypted, now, Some(FOR_EVER)))
                };
                let kept = self.encrypted_pin.get(now, fetch).await.map_err(|error| {
                    Error::new(error.kind(), Execution::NotExecuted)
                        .with_detail(format!("the PIN could not be encrypted: {error}"))
                        .with_retry_after(error.retry_after())
                })?;
                kept.secret().clone()
            }
        };
        if pin.is_empty() {
            return Err(Error::new(ErrorKind::Configuration, Execution::NotExecuted).with_detail("the PIN is empty"));
        }
        Ok(Payer { pin, refused_codes: self.config().refused_codes.clone().into() })
    }

    async fn call<O: Operation<Signer = Signer>>(&self, operation: &O, limits: Limits) -> Result<O::Output, Error> {
        self.engine().call(operation, &self.authority, limits).await
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("config", self.config()).finish_non_exhaustive()
    }
}
