use std::sync::Arc;

use biller_core::{Always, Engine, Error, Wiring};

use crate::config::Config;
use crate::model::{StatusReply, StatusRequest, TopUp, TopUpReply};
use crate::operations::{AskPriceList, AskStatus, SendTopUp};
use crate::price_list::PriceList;

/// MMBC's three calls, one method each.
///
/// Cheap to clone; clones share connections and retry budget. Every method's error says whether MMBC acted
/// ([`Error::execution`]). For purchases that survive a lost reply, prefer [`MmbcPulsa`](crate::MmbcPulsa).
#[derive(Clone)]
pub struct Client {
    engine: Arc<Engine>,
    authority: Always<Arc<Config>>,
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
        Self { engine: Arc::new(wiring.engine(crate::biller::PROVIDER)), authority: Always(Arc::new(config)) }
    }

    /// Asks for all products and prices. MMBC documents no limit; at most one call a minute is advised.
    ///
    /// Effect: read-only. Errors: `Refused` for a wrong username or password.
    /// Source: MMBC API Pulsa 3.1, Daftar Harga Pulsa.
    pub async fn price_list(&self) -> Result<PriceList, Error> {
        self.engine.call(&AskPriceList, &self.authority, self.config().price_list).await
    }

    /// Tops up a phone number.
    ///
    /// Effect: **moves money**; sent once. `Ok` means accepted: done when [`TopUpReply::succeeded`], else still running. An error with
    /// [`Execution::NotExecuted`](biller_core::Execution::NotExecuted) means certainly not charged; with
    /// [`Execution::Unknown`](biller_core::Execution::Unknown) the top-up may have gone through: `Duplicate` (codes 41 and 51),
    /// `NeedsPerson` (21, 81, 82), `Mismatch`, a lost connection and every unlisted code are of that kind.
    /// [`codes::Reason::of`](crate::codes::Reason::of) gives an error's reason.
    /// Source: MMBC API Pulsa 3.1, Isi Pulsa.
    pub async fn top_up(&self, top_up: &TopUp) -> Result<TopUpReply, Error> {
        self.engine.call(&SendTopUp(top_up.clone()), &self.authority, self.config().call).await
    }

    /// Asks what became of a top-up.
    ///
    /// Effect: read-only. Errors tell nothing about the top-up, `NotFound` included.
    /// Source: MMBC API Pulsa 3.1, Cek Status Transaksi Pulsa.
    pub async fn transaction_status(&self, request: &StatusRequest) -> Result<StatusReply, Error> {
        self.engine.call(&AskStatus(request.clone()), &self.authority, self.config().call).await
    }

    pub(crate) fn config(&self) -> &Config {
        &self.authority.0
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("config", self.config()).finish_non_exhaustive()
    }
}
