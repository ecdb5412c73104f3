//! The control interface under `/_sandbox`.

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Map, Value, json};

use crate::faults::{Fault, FaultKind};
use crate::provider::Reply;
use crate::sandbox::Sandbox;

/// Where the control interface begins.
const ROOT: &str = "/_sandbox";
/// How many requests are listed when nobody says.
const REQUESTS_LISTED: usize = 100;

/// Why a control call was refused: an unknown name, a fault that makes no sense, a malformed value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    status: u16,
    message: String,
}

impl Refusal {
    /// The call was understood and makes no sense.
    pub(crate) fn unprocessable(message: impl Into<String>) -> Self {
        Self { status: 422, message: message.into() }
    }

    /// A name that nobody has, with those that exist.
    pub(crate) fn unknown(what: &str, name: &str, known: impl IntoIterator<Item = &'static str>) -> Self {
        let known: Vec<_> = known.into_iter().collect();
        Self::unprocessable(format!("unknown {what} `{name}`; known: {}", known.join(", ")))
    }

    /// The HTTP status with which the control interface answers.
    pub fn status(&self) -> u16 {
        self.status
    }
}

/// Whether a path belongs to the control interface.
pub(crate) fn owns(path: &str) -> bool {
    path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a control call.
pub(crate) fn answer(sandbox: &Sandbox, request: &Request<Bytes>) -> Reply {
    let outcome = call(sandbox, request);
    match outcome {
        Ok(body) => Reply::json(200, &body),
        Err(refusal) => Reply::json(refusal.status, &json!({ "error": refusal.message })),
    }
}

fn call(sandbox: &Sandbox, request: &Request<Bytes>) -> Result<Value, Refusal> {
    let path = request.uri().path().strip_prefix(ROOT).unwrap_or_default().trim_end_matches('/');
    let (get, post) = (request.method() == Method::GET, request.method() == Method::POST);
    match path {
        "" if get => Ok(sandbox.overview(&origin(request))),
        "/charges" if get => charges(sandbox, request),
        "/balances" if get => Ok(json!({ "balances": sandbox.balances() })),
        "/requests" if get => requests(sandbox, request),
        "/faults" if post => {
            sandbox.arm(parse_fault(sandbox, &object(request)?)?)?;
            Ok(sandbox.armed())
        }
        "/faults" if request.method() == Method::DELETE => {
            sandbox.clear_faults();
            Ok(sandbox.armed())
        }
        "/callbacks" if post => {
            let body = object(request)?;
            let (provider, url) = (text(&body, "provider")?, text(&body, "url")?);
            sandbox.send_callbacks_to(provider, url)?;
            Ok(json!({ "provider": provider, "url": url }))
        }
        "/settle" if post => Ok(json!({ "settled": sandbox.settle() })),
        "/reset" if post => {
            sandbox.reset();
            Ok(json!({ "reset": true }))
        }
        "" | "/charges" | "/balances" | "/requests" | "/faults" | "/callbacks" | "/settle" | "/reset" => {
            Err(Refusal { status: 405, message: format!("{} is not possible here", request.method()) })
        }
        _ => Err(Refusal {
            status: 404,
            message: "unknown call; known: GET /_sandbox, GET /_sandbox/charges, GET /_sandbox/balances, GET /_sandbox/requests, \
                      POST and DELETE /_sandbox/faults, POST /_sandbox/callbacks, POST /_sandbox/settle, POST /_sandbox/reset"
                .to_owned(),
        }),
    }
}

/// Under which address the client sees this server.
fn origin(request: &Request<Bytes>) -> String {
    let host = request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or(request.uri().authority().map(|authority| authority.as_str()));
    format!("http://{}", host.unwrap_or("localhost"))
}

fn query(request: &Request<Bytes>, name: &str) -> Option<String> {
    let query = request.uri().query()?;
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn charges(sandbox: &Sandbox, request: &Request<Bytes>) -> Result<Value, Refusal> {
    let (provider, reference, customer) =
        (query(request, "provider"), query(request, "reference"), query(request, "customer"));
    if let Some(provider) = &provider {
        sandbox.profile(provider)?;
    }
    let mut charges = sandbox.charges();
    charges.retain(|charge| {
        provider.as_ref().is_none_or(|provider| charge.provider == provider)
            && (reference.is_none() || charge.reference == reference)
            && customer.as_ref().is_none_or(|customer| charge.customer == *customer)
    });
    Ok(json!({ "charges": charges }))
}

fn requests(sandbox: &Sandbox, request: &Request<Bytes>) -> Result<Value, Refusal> {
    let limit = match query(request, "limit") {
        None => REQUESTS_LISTED,
        Some(text) => text.parse().map_err(|_| Refusal::unprocessable("`limit` must be a whole number from 0"))?,
    };
    Ok(json!({ "requests": sandbox.latest_requests(limit) }))
}

fn object(request: &Request<Bytes>) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_slice(request.body())
        .map_err(|_| Refusal { status: 400, message: "the body must be a JSON object".to_owned() })
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a str, Refusal> {
    body.get(name).and_then(Value::as_str).ok_or_else(|| Refusal::unprocessable(format!("`{name}` must be a string")))
}

fn parse_fault(sandbox: &Sandbox, body: &Map<String, Value>) -> Result<Fault, Refusal> {
    let profile = sandbox.profile(text(body, "provider")?)?;
    let operation = match text(body, "operation")? {
        "*" => None,
        name => Some(
            *profile
                .operations
                .iter()
                .find(|operation| operation.name() == name)
                .ok_or_else(|| Refusal::unknown("operation", name, profile.operation_names()))?,
        ),
    };
    let name = text(body, "fault")?;
    let kind = FaultKind::ALL
        .into_iter()
        .find(|kind| kind.name() == name)
        .ok_or_else(|| Refusal::unknown("fault", name, FaultKind::ALL.map(FaultKind::name)))?;
    let number = |name: &str, default: u32| match body.get(name) {
        None => Ok(default),
        Some(value) => value
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .ok_or_else(|| Refusal::unprocessable(format!("`{name}` must be a whole number from 0"))),
    };
    Ok(Fault {
        provider: profile.name.to_owned(),
        operation,
        kind,
        times: number("times", 1)?,
        delay: std::time::Duration::from_millis(number("delay_ms", 0)?.into()),
    })
}
