//! The bearer token, and the headers of every call.
//!
//! Source: SIDOMPUL Open API 1.5, Get Token and the header tables of the operations.

use std::sync::Arc;

use biller_core::{AccessToken, Always, Authority, Engine, Error, ErrorKind, Execution, Secret, TokenCache};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};

use crate::config::Config;
use crate::operations::RequestToken;

const API_ID: HeaderName = HeaderName::from_static("apiid");
const API_KEY: HeaderName = HeaderName::from_static("apikey");
const LANGUAGE: HeaderName = HeaderName::from_static("language");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// Settings and, for all calls but the token's own, a token: what requests are made with.
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

    /// The token request: a form with the client's id and secret, no Basic header.
    pub(crate) fn token_request(&self) -> Result<http::Request<Bytes>, Error> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("client_secret", self.config.client_secret.expose())
            .finish();
        http::Request::post(self.config.base_url.join("/token"))
            .header(CONTENT_TYPE, FORM)
            .header(ACCEPT, JSON)
            .body(Bytes::from(form))
            .map_err(unsendable)
    }

    /// A request under `/sidompul/openapi/v1/`, with the pair of `operation`.
    pub(crate) fn request(
        &self,
        operation: &str,
        method: Method,
        path_and_query: &str,
        body: String,
    ) -> Result<http::Request<Bytes>, Error> {
        let token = self.token.as_ref().map(AccessToken::secret).ok_or_else(|| {
            Error::new(ErrorKind::NoToken, Execution::NotExecuted).with_detail("the signer holds no token")
        })?;
        let keys = self.config.keys_of(operation);
        http::Request::builder()
            .method(method)
            .uri(self.config.base_url.join(&format!("/sidompul/openapi/v1/{path_and_query}")))
            .header(AUTHORIZATION, hidden("the token", &Secret::new(format!("Bearer {}", token.expose())))?)
            .header(API_ID, HeaderValue::try_from(&keys.id).map_err(|_| unusable("api_id"))?)
            .header(API_KEY, hidden("api_key", &keys.key)?)
            .header(LANGUAGE, HeaderValue::from_static("ID"))
            .header(CONTENT_TYPE, JSON)
            .header(ACCEPT, JSON)
            .body(Bytes::from(body))
            .map_err(unsendable)
    }
}

fn hidden(name: &str, secret: &Secret) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(secret.expose()).map_err(|_| unusable(name))?;
    value.set_sensitive(true);
    Ok(value)
}

fn unusable(name: &str) -> Error {
    Error::configuration(format!("{name} does not fit into a header"))
}

fn unsendable(error: http::Error) -> Error {
    Error::new(ErrorKind::Signing, Execution::NotExecuted).with_source(error)
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("config", &self.config).field("token", &self.token).finish()
    }
}

/// Gets tokens for a client: cached, one fetch at a time, renewed when the gateway refuses one.
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
            let authority = Always(Signer::without_token(Arc::clone(&config)));
            let issued = engine.call(&RequestToken, &authority, config.token).await?;
            Ok(AccessToken::new(issued.secret, asked_at, issued.lifetime))
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
