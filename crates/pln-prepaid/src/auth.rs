//! Tokens that the client signs itself, and the signature of every request.
//!
//! Source: MyBills documentation, introduction (credentials, signing). No endpoint hands out tokens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use biller_core::signing::{base64, hex, hmac_sha256, hmac_sha512, hs256_token, string_to_sign};
use biller_core::{Authority, BoxFuture, Clock, Error, ErrorKind, Execution, Secret, Timestamp};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use serde::Serialize;

use crate::config::{Config, SignatureForm};

const TIMESTAMP: HeaderName = HeaderName::from_static("x-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("x-signature");

/// Where the token of a request comes from.
#[derive(Clone)]
pub struct Token(Source);

#[derive(Clone)]
enum Source {
    SelfSigned(SelfSigned),
    Supplied(Arc<dyn TokenSupplier>),
}

/// Brings tokens that somebody else makes.
///
/// ```
/// use biller_core::{BoxFuture, Secret};
/// use pln_prepaid::auth::{SupplierError, Token, TokenSupplier};
///
/// struct FromVault;
///
/// impl TokenSupplier for FromVault {
///     fn token<'a>(&'a self, refused: Option<&'a Secret>) -> BoxFuture<'a, Result<Secret, SupplierError>> {
///         Box::pin(async move { Ok(Secret::new(if refused.is_some() { "a.new.one" } else { "the.current.one" })) })
///     }
/// }
///
/// let token = Token::supplied(FromVault);
/// ```
pub trait TokenSupplier: Send + Sync {
    /// The token for the next request. `refused` is the one that the provider has just refused; where no different one can be had,
    /// the same is returned and the request is not repeated.
    fn token<'a>(&'a self, refused: Option<&'a Secret>) -> BoxFuture<'a, Result<Secret, SupplierError>>;
}

/// Why no token could be had; its text must hold no secret.
pub type SupplierError = Box<dyn std::error::Error + Send + Sync>;

/// Always the same token.
impl TokenSupplier for Secret {
    fn token<'a>(&'a self, _refused: Option<&'a Secret>) -> BoxFuture<'a, Result<Secret, SupplierError>> {
        Box::pin(async { Ok(self.clone()) })
    }
}

impl Token {
    /// A token of the caller's: a [`Secret`] that stays, or a [`TokenSupplier`] that renews it.
    pub fn supplied(supplier: impl TokenSupplier + 'static) -> Self {
        Self(Source::Supplied(Arc::new(supplier)))
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        match &self.0 {
            Source::SelfSigned(token) if token.jwt_secret.is_empty() => {
                Err(Error::configuration("jwt_secret is empty"))
            }
            Source::SelfSigned(token) if token.outlet_username.is_empty() => {
                Err(Error::configuration("merchant_outlet_username is empty"))
            }
            _ => Ok(()),
        }
    }

    async fn get(&self, refused: Option<&Secret>, now: Timestamp) -> Result<Secret, Error> {
        match &self.0 {
            Source::SelfSigned(token) => token.sign(now),
            Source::Supplied(supplier) => supplier
                .token(refused)
                .await
                .map_err(|error| Error::new(ErrorKind::NoToken, Execution::NotExecuted).with_detail(error.to_string())),
        }
    }
}

impl From<SelfSigned> for Token {
    fn from(token: SelfSigned) -> Self {
        Self(Source::SelfSigned(token))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::SelfSigned(token) => token.fmt(f),
            Source::Supplied(_) => f.write_str("Supplied(..)"),
        }
    }
}

/// A token that the client makes anew for every request: who the merchant is, signed with the JWT secret.
///
/// The documents name no lifetime, so there is none by default; yet they list a code for an expired token. With a
/// [lifetime](Self::with_lifetime) the token says when it was made and when it ends.
#[derive(Clone)]
pub struct SelfSigned {
    merchant_id: i64,
    outlet_id: i64,
    outlet_username: String,
    device_id: Option<String>,
    lifetime: Option<Duration>,
    jwt_secret: Secret,
}

/// The payload; the order of the members is the documents'.
#[derive(Serialize)]
struct Claims<'a> {
    #[serde(rename = "merchantID")]
    merchant_id: i64,
    #[serde(rename = "merchantOutletID")]
    outlet_id: i64,
    #[serde(rename = "merchantOutletUsername")]
    outlet_username: &'a str,
    #[serde(rename = "merchantOutletDeviceID", skip_serializing_if = "Option::is_none")]
    device_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
}

impl SelfSigned {
    /// The credentials that every token names, and the secret that signs it. The user name is an opaque text, 32 hexadecimal digits
    /// in the documents' sample.
    pub fn new(
        merchant_id: i64,
        merchant_outlet_id: i64,
        merchant_outlet_username: impl Into<String>,
        jwt_secret: impl Into<Secret>,
    ) -> Self {
        Self {
            merchant_id,
            outlet_id: merchant_outlet_id,
            outlet_username: merchant_outlet_username.into(),
            device_id: None,
            lifetime: None,
            jwt_secret: jwt_secret.into(),
        }
    }

    /// Names the device, where there is one id per device.
    #[must_use]
    pub fn with_device_id(mut self, device_id: impl Into<String>) -> Self {
        self.device_id = Some(device_id.into());
        self
    }

    /// Limits every token to this time, in whole seconds. No limit by default.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Option<Duration>) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The token of the instant `now`.
    pub fn sign(&self, now: Timestamp) -> Result<Secret, Error> {
        let iat = self.lifetime.map(|_| now.unix_seconds());
        let seconds = self.lifetime.map(|lifetime| i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX));
        let claims = Claims {
            merchant_id: self.merchant_id,
            outlet_id: self.outlet_id,
            outlet_username: &self.outlet_username,
            device_id: self.device_id.as_deref(),
            iat,
            exp: iat.zip(seconds).map(|(iat, seconds)| iat.saturating_add(seconds)),
        };
        let payload = serde_json::to_vec(&claims).map_err(|error| {
            Error::new(ErrorKind::Signing, Execution::NotExecuted)
                .with_detail("the token's claims cannot be written")
                .with_source(error)
        })?;
        Ok(hs256_token(&payload, &self.jwt_secret))
    }
}

impl fmt::Debug for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfSigned")
            .field("merchant_id", &self.merchant_id)
            .field("outlet_id", &self.outlet_id)
            .field("lifetime", &self.lifetime)
            .field("jwt_secret", &self.jwt_secret)
            .finish_non_exhaustive()
    }
}

/// Settings and a token: what requests are signed with.
#[derive(Clone, Debug)]
pub struct Signer {
    pub(crate) config: Arc<Config>,
    token: Secret,
}

impl Signer {
    /// Signs with this token.
    pub fn new(config: Arc<Config>, token: Secret) -> Self {
        Self { config, token }
    }

    /// The path that is signed: the setting `signed_path` with its two names replaced.
    pub fn signed_path(&self, operation: &str) -> String {
        self.config.signed_path.replace("{version}", &self.config.version).replace("{operation}", operation)
    }

    /// The text that is signed, `POST:path:token:hash:timestamp`; the hash is the lower-case hexadecimal SHA-256 of the body.
    pub fn string_to_sign(&self, operation: &str, body: &[u8], timestamp: &str) -> Secret {
        string_to_sign("POST", &self.signed_path(operation), &self.token, body, timestamp)
    }

    /// `X-SIGNATURE` of that text, in the form that the settings say.
    pub fn signature(&self, text: &Secret) -> String {
        let (key, text) = (&self.config.api_secret, text.expose().as_bytes());
        match self.config.signature_form {
            SignatureForm::Sha512Base64 => base64(&hmac_sha512(key, text)),
            SignatureForm::Sha512Hex => hex(&hmac_sha512(key, text)),
            SignatureForm::Sha256Hex => hex(&hmac_sha256(key, text)),
        }
    }

    /// The value of `Authorization`. The text is the caller's to protect.
    pub fn authorization(&self) -> String {
        format!("{} {}", self.config.authorization_scheme.word(), self.token.expose())
    }

    /// The signed request. The body is sent exactly as it is hashed.
    pub(crate) fn sign(&self, operation: &str, body: String, now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let config = &self.config;
        let timestamp = now.to_wib_seconds();
        let signature = self.signature(&self.string_to_sign(operation, body.as_bytes(), &timestamp));
        let mut authorization = HeaderValue::try_from(self.authorization()).map_err(|_| {
            Error::new(ErrorKind::NoToken, Execution::NotExecuted).with_detail("the token does not fit into a header")
        })?;
        authorization.set_sensitive(true);
        let mut signature = HeaderValue::try_from(signature)
            .map_err(|error| Error::new(ErrorKind::Signing, Execution::NotExecuted).with_source(error))?;
        signature.set_sensitive(true);
        http::Request::post(config.base_url.join(&format!("/{}/{operation}", config.version)))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(TIMESTAMP, timestamp)
            .header(SIGNATURE, signature)
            .header(AUTHORIZATION, authorization)
            .body(Bytes::from(body))
            .map_err(|error| Error::new(ErrorKind::Signing, Execution::NotExecuted).with_source(error))
    }
}

/// Gets a signer for each call, and a different token when the provider refuses one.
#[derive(Clone)]
pub(crate) struct TokenAuthority {
    pub(crate) config: Arc<Config>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl TokenAuthority {
    async fn signer_after(&self, refused: Option<&Secret>) -> Result<Signer, Error> {
        let token = self.config.token.get(refused, self.clock.now()).await?;
        Ok(Signer::new(Arc::clone(&self.config), token))
    }
}

impl Authority for TokenAuthority {
    type Signer = Signer;

    async fn signer(&self) -> Result<Signer, Error> {
        self.signer_after(None).await
    }

    /// The same bytes once more would be refused once more.
    async fn renew(&self, refused: &Signer) -> Result<Option<Signer>, Error> {
        let signer = self.signer_after(Some(&refused.token)).await?;
        Ok((signer.token.expose() != refused.token.expose()).then_some(signer))
    }
}
