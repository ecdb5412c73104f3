use std::sync::Arc;

use biller_core::{Engine, Error, Limits, Operation, Wiring};

use crate::auth::{Signer, TokenAuthority};
use crate::config::Config;
use crate::model::{Advised, Inquired, InquiryRequest, Paid, Purchase};
use crate::operations::{Advice, Inquiry, Payment};

/// MyBills' calls, one method each, for electricity and its siblings alike.
///
/// Cheap to clone; clones share connections and retry budget. Every method's error says whether the provider acted
/// ([`Error::execution`]). For purchases that survive a lost reply, prefer [`PlnPrepaid`](crate::PlnPrepaid).
#[derive(Clone)]
pub struct Client {
    engine: Arc<Engine>,
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
        let authority = TokenAuthority { config: Arc::new(config), clock: Arc::clone(engine.clock()) };
        Self { engine, authority }
    }

    /// Asks who the customer is and what it costs. What it brings is paid with [`payment`](Self::payment).
    ///
    /// Effect: moves no money, but uses up its reference; it is not repeated once it may have been sent. Errors: `Refused` when the
    /// provider refuses customer or product, `Duplicate` for a used reference, `PriceChanged` for another price than the expected one.
    /// None moves money. Source: MyBills documentation, PLN Prepaid, API Inquiry.
    pub async fn inquiry(&self, inquiry: &InquiryRequest) -> Result<Inquired, Error> {
        self.call(&Inquiry(inquiry.clone()), self.config().read).await
    }

    /// Pays.
    ///
    /// Effect: **moves money**; sent once. `Ok` means accepted: done when [`Paid::succeeded`], else still running, or charged while the
    /// token is still owed. An error with [`Execution::NotExecuted`](biller_core::Execution::NotExecuted) means certainly not charged,
    /// or given back; with [`Execution::Unknown`](biller_core::Execution::Unknown) it may have been charged and must not be repeated,
    /// under no reference: `Duplicate`, `Mismatch`, a lost connection and every unlisted code are of that kind.
    /// Source: MyBills documentation, PLN Prepaid, API Payment.
    pub async fn payment(&self, purchase: &Purchase) -> Result<Paid, Error> {
        self.call(&Payment(purchase.clone()), self.config().payment).await
    }

    /// Asks what became of a purchase, as often as needed.
    ///
    /// Effect: read-only. Errors tell nothing about the purchase, `NotFound` included: a failure of the purchase is an answer,
    /// [`AdvisedState::Failed`](crate::model::AdvisedState::Failed). Source: MyBills documentation, PLN Prepaid, API Advice.
    pub async fn advice(&self, purchase: &Purchase) -> Result<Advised, Error> {
        self.call(&Advice(purchase.clone()), self.config().read).await
    }

    pub(crate) fn config(&self) -> &Config {
        &self.authority.config
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    async fn call<O: Operation<Signer = Signer>>(&self, operation: &O, limits: Limits) -> Result<O::Output, Error> {
        self.engine.call(operation, &self.authority, limits).await
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("config", self.config()).finish_non_exhaustive()
    }
}
