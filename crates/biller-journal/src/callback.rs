use biller_core::{Error, ErrorKind, Execution, Hint, Reference};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::journal::Inner;
use crate::lane::Provider;
use crate::{Journal, StoreError, StoredHint};

/// Callbacks about one purchase that are kept; anybody can post more.
const KEPT: usize = 32;
/// Larger callbacks are refused.
const LARGEST: usize = 64 << 10;

/// A callback as it came; always sealed, because it can hold a serial.
#[derive(Serialize, Deserialize)]
struct Posted {
    uri: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Journal {
    /// Takes a callback that `provider` posted, and says what to answer.
    ///
    /// It is stored before it is answered, once however often it comes, and only makes the worker ask the provider at once: nobody
    /// signs callbacks, so none counts by itself. One about a purchase that the journal does not have is answered and dropped.
    pub async fn accept_callback(&self, provider: &str, request: &http::Request<Bytes>) -> http::Response<Bytes> {
        let Some(provider) = self.inner.providers.get(provider) else {
            let mut response = http::Response::new(Bytes::new());
            *response.status_mut() = http::StatusCode::NOT_FOUND;
            return response;
        };
        if request.body().len() > LARGEST {
            let mut response = http::Response::new(Bytes::new());
            *response.status_mut() = http::StatusCode::PAYLOAD_TOO_LARGE;
            return response;
        }
        let accepted = match provider.biller.parse_callback(request) {
            Ok(hint) => self.inner.keep(provider, &hint, request).await.map(|()| hint),
            Err(error) => Err(error),
        };
        if let Err(error) = &accepted {
            tracing::warn!(provider = provider.biller.provider(), %error, "a callback was not taken");
        }
        provider.biller.answer_callback(accepted.as_ref())
    }
}

impl Inner {
    async fn keep(&self, provider: &Provider, hint: &Hint, request: &http::Request<Bytes>) -> Result<(), Error> {
        // What is no reference of ours cannot be about a purchase of ours.
        let Ok(reference) = Reference::parse(&hint.reference) else { return Ok(()) };
        let not_stored =
            |error: StoreError| Error::new(ErrorKind::NotRecorded, Execution::Unknown).with_detail(error.to_string());
        let posted = Posted {
            uri: request.uri().to_string(),
            headers: request
                .headers()
                .iter()
                .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
                .collect(),
            body: request.body().to_vec(),
        };
        let name = provider.biller.provider();
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&posted).unwrap_or_default());
        let sealed = self.key.seal(reference.as_str(), &plain);
        let stored = StoredHint {
            id: 0,
            at: self.clock.now(),
            digest: self.key.digest(&[name.as_bytes(), request.body()]),
            sealed: sealed.map_err(|error| not_stored(StoreError::Unreadable(error.to_string())))?,
            reference,
        };
        let purchase = self.watched(self.store.get(&stored.reference).await).map_err(not_stored)?;
        if purchase.is_none_or(|purchase| purchase.provider != name) {
            tracing::warn!(provider = name, "a callback about an unknown purchase was dropped");
            return Ok(());
        }
        if self.watched(self.store.add_hint(&stored, KEPT).await).map_err(not_stored)? {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// The callback that was stored; `None` when it cannot be read any more.
    pub(crate) fn reopen(&self, provider: &Provider, stored: &StoredHint) -> Option<Hint> {
        let plain = self.key.open(stored.reference.as_str(), &stored.sealed).ok()?;
        let posted: Posted = serde_json::from_slice(&plain).ok()?;
        let mut request = http::Request::post(posted.uri);
        for (name, value) in posted.headers {
            request = request.header(name, value);
        }
        provider.biller.parse_callback(&request.body(Bytes::from(posted.body)).ok()?).ok()
    }
}
