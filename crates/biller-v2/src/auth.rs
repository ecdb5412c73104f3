//! The headers of a request: the key, the token over the payload, and the version.
//!
//! Source: Bill Payment API v2, pages "Token Generation" and "Payment".

use std::sync::Arc;

use biller_core::{Error, ErrorKind, Execution, Secret, signing};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use serde::Serialize;

use crate::config::{Body, Config};

const KEY: HeaderName = HeaderName::from_static("key");
const TOKEN: HeaderName = HeaderName::from_static("token");
const VERSION: HeaderName = HeaderName::from_static("version");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The value of `TOKEN`: a JSON web token, HS256, whose claims are exactly the bytes of `payload`, in the URL alphabet without padding.
///
/// It holds no time, so it never expires and is made anew for every call. The key is the secret's own UTF-8 bytes.
///
/// ```
/// use biller_core::Secret;
///
/// let payload = br#"{"partnerId":"partner-id"}"#;
/// let token = biller_v2::auth::token(payload, &Secret::new("test-api-secret"));
/// assert!(token.expose().ends_with(".FdfWO7M30d1sNPnlULr7fl2Jn-OfDPekGvUyd7prj1E"));
/// ```
pub fn token(payload: &[u8], api_secret: &Secret) -> Secret {
    signing::hs256_token(payload, api_secret)
}

/// What requests are made with.
#[derive(Clone, Debug)]
pub struct Signer {
    pub(crate) config: Arc<Config>,
}

/// The payload of a request: the partner's id first.
#[derive(Serialize)]
struct Payload<'a, T> {
    #[serde(rename = "partnerId")]
    partner_id: &'a str,
    #[serde(flatten)]
    members: &'a T,
}

impl Signer {
    /// Signs with the credentials of `config`.
    pub fn new(config: Config) -> Self {
        Self { config: Arc::new(config) }
    }

    /// A POST of `members`, written down once: the same bytes are signed and sent.
    pub(crate) fn post(&self, path: &str, members: &impl Serialize) -> Result<http::Request<Bytes>, Error> {
        let config = &self.config;
        let payload =
            serde_json::to_vec(&Payload { partner_id: config.api_key.expose(), members }).map_err(unwritable)?;
        let mut request = http::Request::post(config.base_url.join(path))
            .header(KEY, sensitive(config.api_key.expose())?)
            .header(VERSION, HeaderValue::from_static("2.0"))
            .header(CONTENT_TYPE, JSON)
            .header(ACCEPT, JSON);
        if let Some(api_secret) = &config.api_secret {
            request = request.header(TOKEN, sensitive(token(&payload, api_secret).expose())?);
        }
        let body = match config.body {
            Body::Payload => Bytes::from(payload),
            Body::Empty => Bytes::new(),
        };
        request.body(body).map_err(unwritable)
    }
}

fn sensitive(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text).map_err(unwritable)?;
    value.set_sensitive(true);
    Ok(value)
}

fn unwritable(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Signing, Execution::NotExecuted)
        .with_detail("the request cannot be written")
        .with_source(source)
}
