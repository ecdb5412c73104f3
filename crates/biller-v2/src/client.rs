use std::fmt;
use std::sync::Arc;

use biller_core::{Always, Engine, Error, Limits, Operation, Reference, Wiring};

use crate::auth::Signer;
use crate::config::Config;
use crate::model::{Balance, InquiryReply, InquiryRequest, Payment, ProductList, Purchase, Status};
use crate::operations::{AskBalance, AskStatus, Inquire, ListProducts, Pay};

/// The provider's calls, one method each.
///
/// Cheap to clone; clones share connections and retry budget. Every method's error says whether the provider acted
/// ([`Error::execution`]). For purchases that survive a lost reply, prefer [`BillerV2`](crate::BillerV2).
#[derive(Clone)]
pub struct Client {
    engine: Arc<Engine>,
    authority: Always<Signer>,
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
        Self { engine, authority: Always(Signer::new(config)) }
    }

    /// Asks who the customer is and what there is to pay. Its reply is needed for a payment, and should be fresh then.
    ///
    /// Effect: read-only. Errors: `Refused` when customer or product is refused, with the code that says why; code 330 means that the
    /// same inquiry must not be repeated within 30 minutes. None moves money.
    /// Source: Bill Payment API v2, Inquiry.
    pub async fn inquiry(&self, request: &InquiryRequest) -> Result<InquiryReply, Error> {
        let language = self.config().language;
        self.call(&Inquire { request: request.clone(), language }, self.config().read).await
    }

    /// Pays what was inquired.
    ///
    /// Effect: **moves money**; sent once. `Ok` means accepted: done when [`Payment::succeeded`], else being processed. An error with
    /// [`Execution::NotExecuted`](biller_core::Execution::NotExecuted) means certainly not charged; with
    /// [`Execution::Unknown`](biller_core::Execution::Unknown) the payment may have gone through and must not be repeated, under no
    /// reference: `Duplicate`, `Mismatch`, a lost connection and every unlisted code are of that kind.
    /// Source: Bill Payment API v2, Payment.
    pub async fn payment(&self, purchase: &Purchase) -> Result<Payment, Error> {
        let language = self.config().language;
        self.call(&Pay { purchase: purchase.clone(), language }, self.config().payment).await
    }

    /// Asks what became of a payment, by the partner's reference.
    ///
    /// Effect: read-only. `Ok` carries a record with that reference. Errors tell nothing about the purchase, `NotFound` included.
    /// Amount and account are left to the caller to compare.
    /// Source: Bill Payment API v2, Status.
    pub async fn status(&self, reference: &Reference) -> Result<Status, Error> {
        let language = self.config().language;
        self.call(&AskStatus { reference: reference.clone(), language }, self.config().read).await
    }

    /// Lists the products.
    ///
    /// Effect: read-only. Errors: `UnreadableReply` where the reply, which is not documented, holds no list where one is looked for.
    /// Source: Bill Payment API v2, Product List.
    pub async fn product_list(&self) -> Result<ProductList, Error> {
        self.call(&ListProducts { language: self.config().language }, self.config().products).await
    }

    /// Asks what is left of the deposit.
    ///
    /// Effect: read-only. Errors: `UnreadableReply` where the reply, which is not documented, holds no balance.
    /// Source: Bill Payment API v2, Check Balance.
    pub async fn balance(&self) -> Result<Balance, Error> {
        self.call(&AskBalance { language: self.config().language }, self.config().read).await
    }

    pub(crate) fn config(&self) -> &Config {
        &self.authority.0.config
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    async fn call<O: Operation<Signer = Signer>>(&self, operation: &O, limits: Limits) -> Result<O::Output, Error> {
        self.engine.call(operation, &self.authority, limits).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", self.config()).finish_non_exhaustive()
    }
}
