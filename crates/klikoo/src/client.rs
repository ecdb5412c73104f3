use std::sync::Arc;

use biller_core::{Engine, Error, Limits, Operation, Rupiah, TokenCache, Wiring};
use futures_util::Stream;
use futures_util::stream::{self, TryStreamExt};

use crate::auth::{Signer, TokenAuthority};
use crate::config::Config;
use crate::model::{Bill, Bought, HistoryPage, HistoryQuery, InquiryReply, Purchase, Transaction};
use crate::operations::{
    Balance, Buy, InquiryPostpaid, InquiryPrepaid, RequestToken, TransactionDetail, TransactionHistory,
};

/// Klikoo's calls, one method each.
///
/// Cheap to clone; clones share connections, token and retry budget. Every method's error says whether Klikoo acted
/// ([`Error::execution`]). For purchases that survive a lost reply, prefer [`Klikoo`](crate::Klikoo).
#[derive(Clone)]
pub struct Client {
    authority: TokenAuthority,
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
        Self { authority: TokenAuthority { engine, config: Arc::new(config), tokens: TokenCache::default() } }
    }

    /// Fetches a new access token, without keeping it: to check credentials and clock. All other methods get theirs by themselves.
    ///
    /// Effect: read-only. Errors: `Refused` for unfit credentials, signature or time; nothing else is affected by them.
    /// Source: Klikoo Open API, Access Token.
    pub async fn access_token(&self) -> Result<crate::model::IssuedToken, Error> {
        let TokenAuthority { engine, config, .. } = &self.authority;
        engine.call(&RequestToken, &biller_core::Always(Signer::without_token(Arc::clone(config))), config.read).await
    }

    /// Asks who the customer of a prepaid product is and what it costs. PLN, OVO, Gopay, DANA and Maxim only.
    ///
    /// Effect: moves no money, but may use up its reference: give it one of its own
    /// ([`inquiry_reference`](crate::operations::inquiry_reference)); it is not repeated once it may have been sent.
    /// Errors: `Refused` when Klikoo refuses the customer or product, `Duplicate` for a used reference. None moves money.
    /// Source: Klikoo Open API, Inquiry Prepaid.
    pub async fn inquiry_prepaid(&self, purchase: &Purchase) -> Result<InquiryReply, Error> {
        self.read(&InquiryPrepaid(purchase.clone())).await
    }

    /// Buys, or pays a bill.
    ///
    /// Effect: **moves money**; sent once. `Ok` means accepted: done when [`Bought::succeeded`], else still running. An error with
    /// [`Execution::NotExecuted`](biller_core::Execution::NotExecuted) means certainly not charged; with
    /// [`Execution::Unknown`](biller_core::Execution::Unknown) the purchase may have gone through and must not be repeated, under no
    /// reference: `Duplicate`, `Mismatch`, a lost connection and every unlisted code are of that kind.
    /// Source: Klikoo Open API, Buy Product.
    pub async fn buy(&self, purchase: &Purchase) -> Result<Bought, Error> {
        self.call(&Buy(purchase.clone()), self.config().buy).await
    }

    /// Asks what there is to pay on a bill. It is paid with [`buy`](Self::buy), the amount being the reply's total.
    ///
    /// Effect: read-only. Errors: `Refused` when Klikoo refuses account or product. None moves money.
    /// Source: Klikoo Open API, Inquiry Postpaid.
    pub async fn inquiry_postpaid(&self, bill: &Bill) -> Result<InquiryReply, Error> {
        self.read(&InquiryPostpaid(bill.clone())).await
    }

    /// Asks for one transaction by Klikoo's id.
    ///
    /// Effect: read-only. Errors tell nothing about the purchase, `NotFound` included.
    /// Source: Klikoo Open API, Transaction Detail.
    pub async fn transaction_detail(&self, transaction_id: &str) -> Result<Transaction, Error> {
        self.read(&TransactionDetail { transaction_id: transaction_id.to_owned() }).await
    }

    /// Lists transactions, one page.
    ///
    /// Effect: read-only. Errors tell nothing about any purchase.
    /// Source: Klikoo Open API, Transaction History.
    pub async fn transaction_history(&self, query: &HistoryQuery) -> Result<HistoryPage, Error> {
        self.read(&TransactionHistory(query.clone())).await
    }

    /// Lists transactions over all pages from the query's page on, fetching each page when it is needed. Ends after an error.
    ///
    /// ```no_run
    /// # async fn example(client: klikoo::Client) -> Result<(), biller_core::Error> {
    /// use futures_util::TryStreamExt;
    /// use klikoo::model::HistoryQuery;
    ///
    /// let mut rows = std::pin::pin!(client.all_transactions(HistoryQuery::new()));
    /// while let Some(row) = rows.try_next().await? {
    ///     println!("{:?} {:?}", row.partner_reference_id, row.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn all_transactions(&self, query: HistoryQuery) -> impl Stream<Item = Result<Transaction, Error>> + Send + '_ {
        let pages = stream::try_unfold(Some(query), move |query| async move {
            let Some(query) = query else { return Ok(None) };
            let page = self.transaction_history(&query).await?;
            let next = (!page.meta.is_last()).then(|| query.page.checked_add(1)).flatten();
            let next = next.map(|number| query.with_page(number));
            Ok::<_, Error>(Some((stream::iter(page.transactions.into_iter().map(Ok)), next)))
        });
        pages.try_flatten()
    }

    /// Asks what is left of the deposit, in rupiah.
    ///
    /// Effect: read-only. Errors: `UnreadableReply` where the reply, which is not documented, holds no number where one is looked for.
    /// Source: Klikoo Open API, Digital Signature (the path only).
    pub async fn balance(&self) -> Result<Rupiah, Error> {
        self.read(&Balance).await
    }

    pub(crate) fn config(&self) -> &Config {
        &self.authority.config
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.authority.engine
    }

    async fn read<O: Operation<Signer = Signer>>(&self, operation: &O) -> Result<O::Output, Error> {
        self.call(operation, self.config().read).await
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
