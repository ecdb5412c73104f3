//! The providers' own requests to the partner.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use tokio::task::JoinSet;

use crate::clock::later;
use crate::sandbox::Sandbox;

/// A receiver that takes longer has failed.
const TRY_LIMIT: Duration = Duration::from_secs(5);
/// A reply on its way to the client goes first.
const REPLY_FIRST: Duration = Duration::from_millis(20);
/// How long the deliverer sleeps at most, because an injected clock may jump.
const LONGEST_NAP: Duration = Duration::from_millis(500);

/// What a provider posts to the partner.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Callback {
    /// The provider's name.
    pub provider: &'static str,
    /// Where it goes.
    pub url: String,
    /// What it carries beside its content type.
    pub headers: HeaderMap,
    /// The JSON body.
    pub body: Bytes,
    /// Whether it overtakes the payment's reply, because of the fault `callback_before_reply`.
    pub before_reply: bool,
}

/// What a provider wants to post.
pub(crate) struct NewCallback {
    /// Where to; empty: to the URL set through the control interface.
    pub urls: Vec<String>,
    pub body: Bytes,
    /// What is posted instead under the fault `callback_conflicting`, in this order.
    pub conflicting: Vec<Bytes>,
}

#[derive(Clone)]
pub(crate) struct Delivery {
    pub provider: &'static str,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub before_reply: bool,
    pub due: Timestamp,
    /// Seconds to wait after each further failure.
    pub retries: &'static [u64],
    /// Deliveries from before a reset are not tried again.
    pub era: u64,
}

/// Where callbacks go, and which ones wait.
#[derive(Default)]
pub(crate) struct Callbacks {
    pub(crate) urls: BTreeMap<&'static str, String>,
    queue: Vec<Delivery>,
    pub(crate) era: u64,
}

impl Callbacks {
    pub(crate) fn push(&mut self, deliveries: impl IntoIterator<Item = Delivery>) {
        let era = self.era;
        self.queue.extend(deliveries.into_iter().filter(|delivery| delivery.era == era));
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.queue.iter().map(|delivery| delivery.due).min()
    }

    /// Removes those whose time has come, in the order of queueing.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Vec<Delivery> {
        self.queue.extract_if(.., |delivery| delivery.due <= now).collect()
    }
}

/// Posts callbacks over HTTP.
pub(crate) struct Poster(Client<HttpConnector, Full<Bytes>>);

impl Poster {
    pub(crate) fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http())
    }

    /// Whether the receiver answered 200 in time. Redirects are not followed.
    pub(crate) async fn post(&self, delivery: &Delivery) -> bool {
        let request = Request::post(&delivery.url)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(delivery.body.clone()));
        let Ok(mut request) = request else { return false };
        request.headers_mut().extend(delivery.headers.clone());
        let reply = tokio::time::timeout(TRY_LIMIT, self.0.request(request)).await;
        matches!(reply, Ok(Ok(reply)) if reply.status() == StatusCode::OK)
    }
}

/// Delivers callbacks as they fall due and lets pending transactions settle in time; never returns.
pub(crate) async fn deliver(sandbox: Sandbox) {
    let poster = sandbox.poster();
    let mut tries = JoinSet::new();
    loop {
        let (due, nap) = sandbox.due_deliveries();
        // One receiver's deliveries stay in order and hold up nobody else's.
        let mut by_url: HashMap<String, Vec<Delivery>> = HashMap::new();
        for delivery in due {
            by_url.entry(delivery.url.clone()).or_default().push(delivery);
        }
        for deliveries in by_url.into_values() {
            let (sandbox, poster) = (sandbox.clone(), poster.clone());
            tries.spawn(async move {
                tokio::time::sleep(REPLY_FIRST).await;
                for delivery in deliveries {
                    if !poster.post(&delivery).await {
                        sandbox.deliver_again(delivery);
                    }
                }
            });
        }
        tokio::select! {
            () = sandbox.woken() => {}
            () = tokio::time::sleep(nap.map_or(LONGEST_NAP, |nap| nap.min(LONGEST_NAP))) => {}
        }
        while tries.try_join_next().is_some() {}
    }
}

/// The delivery's next try, if it has one.
pub(crate) fn next_try(mut delivery: Delivery, now: Timestamp) -> Option<Delivery> {
    let (wait, rest) = delivery.retries.split_first()?;
    delivery.retries = rest;
    delivery.due = later(now, Duration::from_secs(*wait));
    Some(delivery)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_follow_their_waits_and_end() {
        let start = Timestamp::UNIX_EPOCH;
        let mut delivery = Delivery {
            provider: "test",
            url: String::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            before_reply: false,
            due: start,
            retries: &[1, 30],
            era: 0,
        };
        let mut waits = Vec::new();
        while let Some(next) = next_try(delivery.clone(), delivery.due) {
            waits.push(next.due.duration_since(delivery.due).as_secs());
            delivery = next;
        }
        assert_eq!(waits, [1, 30]);
    }

    #[test]
    fn deliveries_from_before_a_reset_are_dropped() {
        let mut callbacks = Callbacks { era: 1, ..Callbacks::default() };
        let delivery = |era| Delivery {
            provider: "test",
            url: String::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            before_reply: false,
            due: Timestamp::UNIX_EPOCH,
            retries: &[],
            era,
        };
        callbacks.push([delivery(0), delivery(1)]);
        assert_eq!(callbacks.take_due(Timestamp::UNIX_EPOCH).len(), 1);
    }
}
