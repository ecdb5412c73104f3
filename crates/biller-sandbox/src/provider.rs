//! What a provider has to bring: one module that implements [`Provider`].

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use serde_json::Value;

use crate::context::Context;
use crate::control::Refusal;

/// The operations of all providers; each has some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Fetch an access token.
    Token,
    /// Ask who the customer is and what it costs.
    Inquiry,
    /// The call that moves money.
    Payment,
    /// Ask what became of one purchase; called advice or detail by some.
    Status,
    /// Products and prices.
    PriceList,
    /// The partner's deposit.
    Balance,
    /// The list of purchases.
    History,
    /// The provider's own request to the partner.
    Callback,
}

impl Operation {
    /// Every operation, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Token,
        Self::Inquiry,
        Self::Payment,
        Self::Status,
        Self::PriceList,
        Self::Balance,
        Self::History,
        Self::Callback,
    ];

    /// The name in the control interface, such as `price_list`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Inquiry => "inquiry",
            Self::Payment => "payment",
            Self::Status => "status",
            Self::PriceList => "price_list",
            Self::Balance => "balance",
            Self::History => "history",
            Self::Callback => "callback",
        }
    }
}

/// What never changes about a provider.
pub(crate) struct Profile {
    /// The name in the control interface; the provider's paths begin with `/` and this name.
    pub name: &'static str,
    /// The operations that it has; with [`Operation::Callback`] it posts results.
    pub operations: &'static [Operation],
    /// The partner's deposit at first, in rupiah.
    pub balance: i64,
    /// Whether calls carry a token that can expire.
    pub tokens: bool,
    /// The calls on which the fault `status_not_found` acts.
    pub can_lose_transactions: &'static [Operation],
    /// Seconds to wait after each failed try of a callback; empty: one try only.
    pub callback_retries: &'static [u64],
}

impl Profile {
    pub(crate) fn has_callbacks(&self) -> bool {
        self.operations.contains(&Operation::Callback)
    }

    pub(crate) fn check_operation(&self, operation: Operation) -> Result<(), Refusal> {
        if self.operations.contains(&operation) {
            return Ok(());
        }
        Err(Refusal::unknown("operation", operation.name(), self.operation_names()))
    }

    /// The operations by name, `*` first.
    pub(crate) fn operation_names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once("*").chain(self.operations.iter().map(|operation| operation.name()))
    }
}

/// A request to one provider.
pub(crate) struct Request {
    pub method: Method,
    /// The provider's name: the first segment of the path.
    pub prefix: String,
    /// The rest of the path as received, still percent-encoded; begins with `/` or is empty.
    pub path: String,
    /// The query as received, without `?`.
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Request {
    pub(crate) fn new(request: http::Request<Bytes>) -> Self {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().strip_prefix('/').unwrap_or_default();
        let (prefix, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
        Self {
            method: parts.method,
            prefix: prefix.to_owned(),
            path: rest.to_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers,
            body,
        }
    }

    /// The path as received.
    pub(crate) fn full_path(&self) -> String {
        format!("/{}{}", self.prefix, self.path)
    }

    /// A header's text; none if it is missing, empty, or not visible ASCII.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().filter(|text| !text.is_empty())
    }

    /// What follows the scheme word in `Authorization`, whatever the word's case.
    pub(crate) fn authorization(&self, scheme: &str) -> Option<&str> {
        let (word, rest) = self.header("authorization")?.split_once(' ')?;
        word.eq_ignore_ascii_case(scheme).then(|| rest.trim())
    }

    /// The decoded value of a query parameter; the first one where it is repeated.
    pub(crate) fn query_value(&self, name: &str) -> Option<String> {
        let query = self.query.as_deref()?;
        form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The body as a JSON object.
    pub(crate) fn json_object(&self) -> Option<serde_json::Map<String, Value>> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// A provider's answer.
pub(crate) struct Reply {
    pub status: StatusCode,
    pub headers: Box<HeaderMap>,
    pub body: Bytes,
    /// Whether the request passed the authentication and business checks, so that faults may act on it.
    pub passed: bool,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, headers: Box::new(headers), body: body.into(), passed: true }
    }

    /// A JSON answer to a request that passed; structs keep the order of their members.
    pub(crate) fn json(status: u16, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self::new(status, "application/json", body),
            Err(_) => Self::page(500),
        }
    }

    /// A gateway's HTML page; the request counts as refused.
    pub(crate) fn page(status: u16) -> Self {
        let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
        let title = format!("{status} {reason}");
        let html = format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
        );
        Self::new(status, "text/html", html).refused()
    }

    /// Marks the request as refused by a check: it is answered as it is, and faults leave it alone.
    pub(crate) fn refused(mut self) -> Self {
        self.passed = false;
        self
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }
}

/// A provider's behaviour. All of its state lives in the implementing value and in what [`Context`] keeps for it.
///
/// Calls are made one at a time. A panic is answered with HTTP 500 and changes nothing for others.
pub(crate) trait Provider: Send {
    fn profile(&self) -> &'static Profile;

    /// What a client needs to connect, as the member `credentials` of `GET /_sandbox`.
    fn credentials(&self) -> Value;

    /// Products, customers and what they make happen: an array, the member `scenarios` of `GET /_sandbox`.
    fn scenarios(&self) -> Value;

    /// Which operation the method and path name.
    fn operation_of(&self, request: &Request) -> Option<Operation>;

    /// Checks and executes a request. The verdict of the authentication check goes to [`Context::verdict`].
    fn handle(&mut self, context: &mut Context<'_>, request: &Request) -> Reply;

    /// Makes final what [`Context::settle_later`] or [`Context::settle_on_demand`] announced under `key`. Called once per announcement;
    /// [`Context::now`] is the moment that was due, or the present one on demand.
    fn settle(&mut self, context: &mut Context<'_>, key: u64);

    /// The answer to the fault `expire_token`; called only where the profile has `tokens`. Nothing may be executed.
    fn expire_token(&mut self, context: &mut Context<'_>, request: &Request) -> Reply {
        let _ = (context, request);
        Reply::page(401)
    }

    /// The answer to the fault `throttle`; `Retry-After` is added to it.
    fn throttled(&self) -> Reply {
        Reply::new(429, "text/html", Bytes::new())
    }
}
