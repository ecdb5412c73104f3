//! Signing: RSA for the token call, HMAC for all others.
//!
//! Source: Klikoo Open API, pages "Access Token" and "Digital Signature".

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use biller_core::signing::{base64, hmac_sha512, string_to_sign};
use biller_core::{AccessToken, Authority, Engine, Error, ErrorKind, Execution, Secret, Timestamp, TokenCache};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::value::RawValue;

use crate::config::{Config, MethodCase};
use crate::operations::RequestToken;

const TIMESTAMP: HeaderName = HeaderName::from_static("open-api-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("open-api-signature");

/// Signs the token request with an RSA key, wherever that key is.
///
/// Called once per token, on the token's own task; it may take its time.
pub trait RsaSigner: Send + Sync {
    /// RSASSA-PKCS1-v1_5 with SHA-256 over `message`, as raw bytes. An error fails the call that needed a token; nothing was sent.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>>;
}

/// An RSA key in memory.
pub struct PrivateKey(KeyPair);

impl PrivateKey {
    /// Reads a PEM text: PKCS#8 (`BEGIN PRIVATE KEY`) or PKCS#1 (`BEGIN RSA PRIVATE KEY`), unencrypted, 2048 to 8192 bits.
    ///
    /// ```
    /// use klikoo::auth::PrivateKey;
    ///
    /// let error = PrivateKey::from_pem(&"no key".into()).err().map(|error| error.to_string());
    /// assert!(error.is_some_and(|text| text.contains("private_key: ") && text.contains("BEGIN PRIVATE KEY")));
    /// ```
    pub fn from_pem(pem: &Secret) -> Result<Self, Error> {
        let refuse = || {
            Error::configuration(
                "private_key: not usable; expected an unencrypted RSA key of 2048 to 8192 bits in PEM, \
                 -----BEGIN PRIVATE KEY----- or -----BEGIN RSA PRIVATE KEY-----",
            )
        };
        let key = match PrivateKeyDer::from_pem_slice(pem.expose().as_bytes()).map_err(|_| refuse())? {
            PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(refuse()),
        };
        key.map(Self).map_err(|_| refuse())
    }
}

impl RsaSigner for PrivateKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| "the RSA key cannot sign")?;
        Ok(signature)
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

/// Settings and, for all calls but the token's own, a token: what requests are signed with.
#[derive(Clone)]
pub struct Signer {
    pub(crate) config: Arc<Config>,
    token: Option<AccessToken>,
}

impl Signer {
    /// A signer for the token call.
    pub fn without_token(config: Arc<Config>) -> Self {
        Self { config, token: None }
    }

    /// A signer for all other calls.
    pub fn with_token(config: Arc<Config>, token: AccessToken) -> Self {
        Self { config, token: Some(token) }
    }

    /// The header text of an instant: WIB, with milliseconds unless the setting says otherwise.
    pub fn timestamp(&self, now: Timestamp) -> String {
        if self.config.timestamp_millis { now.to_wib_millis() } else { now.to_wib_seconds() }
    }

    /// The signed token request: `Open-Api-Signature` is base64 of SHA256withRSA over `client_id|timestamp`.
    pub(crate) fn sign_token_request(&self, body: String, now: Timestamp) -> Result<http::Request<Bytes>, Error> {
        let timestamp = self.timestamp(now);
        let signed = format!("{}|{timestamp}", self.config.client_id);
        let signature =
            self.config.key.sign(signed.as_bytes()).map_err(|error| {
                Error::new(ErrorKind::Signing, Execution::NotExecuted).with_detail(error.to_string())
            })?;
        self.request(Method::POST, crate::operations::ACCESS_TOKEN_PATH, body, &timestamp, &base64(&signature))
    }

    /// A signed request: `Open-Api-Signature` is base64 of HMAC-SHA512 over `METHOD:path:token:hash:timestamp`.
    ///
    /// `path_and_query` begins with `/v1`; `body` is canonical JSON, or empty.
    pub(crate) fn sign(
        &self,
        method: Method,
        path_and_query: &str,
        body: String,
        now: Timestamp,
    ) -> Result<http::Request<Bytes>, Error> {
        let token = self.token.as_ref().map(AccessToken::secret).ok_or_else(|| {
            Error::new(ErrorKind::NoToken, Execution::NotExecuted).with_detail("the signer holds no token")
        })?;
        let timestamp = self.timestamp(now);
        let text = self.string_to_sign(&method, path_and_query, token, body.as_bytes(), &timestamp);
        let signature = base64(&hmac_sha512(&self.config.client_secret, text.expose().as_bytes()));
        let mut request = self.request(method, path_and_query, body, &timestamp, &signature)?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose())).map_err(|_| {
            Error::new(ErrorKind::NoToken, Execution::NotExecuted).with_detail("the token does not fit into a header")
        })?;
        bearer.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, bearer);
        Ok(request)
    }

    /// The text that is signed. Method case, path prefix and query follow the settings.
    pub fn string_to_sign(
        &self,
        method: &Method,
        path_and_query: &str,
        token: &Secret,
        body: &[u8],
        timestamp: &str,
    ) -> Secret {
        let method = match self.config.method_case {
            MethodCase::Upper => method.as_str().to_ascii_uppercase(),
            MethodCase::Lower => method.as_str().to_ascii_lowercase(),
        };
        let path = path_and_query.split('?').next().filter(|_| !self.config.sign_query).unwrap_or(path_and_query);
        string_to_sign(&method, &format!("{}{path}", self.config.signed_path_prefix), token, body, timestamp)
    }

    fn request(
        &self,
        method: Method,
        path_and_query: &str,
        body: String,
        timestamp: &str,
        signature: &str,
    ) -> Result<http::Request<Bytes>, Error> {
        http::Request::builder()
            .method(method)
            .uri(self.config.base_url.join(path_and_query))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(TIMESTAMP, timestamp)
            .header(SIGNATURE, signature)
            .body(Bytes::from(body))
            .map_err(|error| Error::new(ErrorKind::Signing, Execution::NotExecuted).with_source(error))
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("config", &self.config).field("token", &self.token).finish()
    }
}

/// Compact JSON with the members of every object sorted by the bytes of their names: exactly what is sent and hashed.
///
/// Numbers keep their text; of a name that is given twice the last value counts.
pub fn canonical_json(text: &str) -> Result<String, serde_json::Error> {
    let mut sorted = String::with_capacity(text.len());
    write_canonical(serde_json::from_str(text)?, &mut sorted)?;
    Ok(sorted)
}

fn write_canonical(value: &RawValue, sorted: &mut String) -> Result<(), serde_json::Error> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
            sorted.push('{');
            for (n, (name, value)) in members.into_iter().enumerate() {
                if n > 0 {
                    sorted.push(',');
                }
                sorted.push_str(&serde_json::to_string(&name)?);
                sorted.push(':');
                write_canonical(value, sorted)?;
            }
            sorted.push('}');
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            sorted.push('[');
            for (n, value) in items.into_iter().enumerate() {
                if n > 0 {
                    sorted.push(',');
                }
                write_canonical(value, sorted)?;
            }
            sorted.push(']');
        }
        Some(b'"') => sorted.push_str(&serde_json::to_string(&serde_json::from_str::<String>(text)?)?),
        _ => sorted.push_str(text),
    }
    Ok(())
}

/// Gets tokens for a client: cached, one fetch at a time, renewed when the provider refuses one.
#[derive(Clone)]
pub(crate) struct TokenAuthority {
    pub(crate) engine: Arc<Engine>,
    pub(crate) config: Arc<Config>,
    pub(crate) tokens: TokenCache,
}

impl Authority for TokenAuthority {
    type Signer = Signer;

    async fn signer(&self) -> Result<Signer, Error> {
        let (engine, config) = (Arc::clone(&self.engine), Arc::clone(&self.config));
        let fetch = || async move {
            let asked_at = engine.clock().now();
            let authority = biller_core::Always(Signer::without_token(Arc::clone(&config)));
            let issued = engine.call(&RequestToken, &authority, config.read).await?;
            Ok(AccessToken::new(issued.secret, asked_at, Some(issued.lifetime)))
        };
        let token = self.tokens.get(self.engine.clock().now(), fetch).await?;
        Ok(Signer::with_token(Arc::clone(&self.config), token))
    }

    async fn renew(&self, refused: &Signer) -> Result<Option<Signer>, Error> {
        if let Some(token) = &refused.token {
            self.tokens.forget(token.secret());
        }
        self.signer().await.map(Some)
    }
}
