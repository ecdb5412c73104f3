//! What can go wrong on the line: transport failures, replies of other makes, and valid replies that are cut, smudged or altered.

use std::sync::Arc;

use biller_core::{TransportError, Verdict};
use biller_tests::reply;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::subject::Subject;

/// What the client sees.
pub enum Answer {
    Is(Result<http::Response<Bytes>, TransportError>),
    Never,
}

type Answering = dyn Fn(Option<&http::Response<Bytes>>) -> Answer + Send + Sync;

/// Acts on a request.
#[derive(Clone)]
pub struct Fault {
    pub name: String,
    /// Whether the server gets the request.
    pub reaches: bool,
    /// One of very many alike.
    pub is_variation: bool,
    /// What the client gets, made from the server's reply where there is one.
    pub answer: Arc<Answering>,
}

impl Fault {
    fn new(
        name: impl Into<String>,
        reaches: bool,
        answer: impl Fn(Option<&http::Response<Bytes>>) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), reaches, is_variation: false, answer: Arc::new(answer) }
    }

    fn variation(self) -> Self {
        Self { is_variation: true, ..self }
    }

    /// The reply is lost after the server has executed the request.
    pub fn lost_reply() -> Self {
        Self::new("lost after execution", true, |_| lost())
    }

    /// No reply ever comes; the server has executed the request.
    pub fn silence() -> Self {
        Self::new("silence after execution", true, |_| Answer::Never)
    }

    /// No reply ever comes; the server never got the request.
    pub fn silence_before() -> Self {
        Self::new("silence before execution", false, |_| Answer::Never)
    }
}

fn lost() -> Answer {
    Answer::Is(Err(TransportError::maybe_sent("connection lost")))
}

fn page(status: u16, header: Option<(&'static str, &'static str)>, body: impl Into<Bytes>) -> http::Response<Bytes> {
    let mut page = reply(status, body);
    if let Some((name, value)) = header {
        page.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    page
}

const HTML: &str = "<html><body>Bad gateway</body></html>";

/// Name, status, header, body.
type Page = (&'static str, u16, Option<(&'static str, &'static str)>, &'static str);

/// Replies that no provider makes.
const PAGES: &[Page] = &[
    ("empty body", 200, None, ""),
    ("HTML with 200", 200, None, HTML),
    ("empty object", 200, None, "{}"),
    ("empty list", 200, None, "[]"),
    ("null", 200, None, "null"),
    ("bare text", 200, None, "OK"),
    ("quoted text", 200, None, "\"OK\""),
    ("control characters", 200, None, "\u{0}\u{1}\u{7f}"),
    ("204", 204, None, ""),
    ("301", 301, Some(("location", "https://elsewhere.example/")), ""),
    ("302", 302, Some(("location", "https://elsewhere.example/")), HTML),
    ("303", 303, Some(("location", "https://elsewhere.example/")), ""),
    ("307", 307, Some(("location", "https://elsewhere.example/")), ""),
    ("308", 308, Some(("location", "https://elsewhere.example/")), ""),
    ("400 HTML", 400, None, HTML),
    ("401 empty", 401, None, ""),
    ("401 HTML", 401, None, HTML),
    ("401 object", 401, None, "{\"message\":\"unauthorized\"}"),
    ("403 HTML", 403, None, HTML),
    ("404 HTML", 404, None, HTML),
    ("408", 408, None, ""),
    ("413 HTML", 413, None, HTML),
    ("429", 429, None, ""),
    ("429 with Retry-After", 429, Some(("retry-after", "7")), ""),
    ("429 with a long Retry-After", 429, Some(("retry-after", "86400")), "{}"),
    ("500", 500, None, ""),
    ("500 HTML", 500, None, HTML),
    ("500 object", 500, None, "{\"error\":\"internal\"}"),
    ("502 HTML", 502, None, HTML),
    ("503", 503, Some(("retry-after", "2")), ""),
    ("504 HTML", 504, None, HTML),
];

/// What does not depend on the provider: each before the server got the request, and after it executed it.
pub fn of_the_line() -> Vec<Fault> {
    let mut faults = vec![
        Fault::new("not sent", false, |_| Answer::Is(Err(TransportError::not_sent("no connection")))),
        Fault::new("lost before execution", false, |_| lost()),
        Fault::lost_reply(),
        Fault::silence_before(),
        Fault::silence(),
        Fault::new("too large a reply", true, |_| Answer::Is(Err(TransportError::reply_too_large(1 << 20)))),
    ];
    for (name, status, header, body) in PAGES {
        let answer = || move |_: Option<&_>| Answer::Is(Ok(page(*status, *header, *body)));
        faults.push(Fault::new(format!("{name} before execution"), false, answer()));
        faults.push(Fault::new(format!("{name} after execution"), true, answer()));
    }
    faults
}

/// A valid reply, cut at every byte where money moves, else at places spread over its length.
pub fn cuts(valid: &http::Response<Bytes>, moves_money: bool) -> Vec<Fault> {
    let step = if moves_money { 1 } else { valid.body().len().div_ceil(200).max(1) };
    let cut = |at: usize| {
        Fault::new(format!("cut at byte {at}"), true, move |reply| {
            changed(reply, |body| body.slice(..at.min(body.len())))
        })
        .variation()
    };
    (0..valid.body().len()).step_by(step).map(cut).collect()
}

/// A valid reply with a byte that is no UTF-8, at places spread over its length.
pub fn smudges(valid: &http::Response<Bytes>) -> Vec<Fault> {
    let smudge = |at: usize| {
        Fault::new(format!("no UTF-8 at byte {at}"), true, move |reply| {
            changed(reply, |body| body.iter().enumerate().map(|(n, byte)| if n == at { 0xff } else { *byte }).collect())
        })
        .variation()
    };
    (0..valid.body().len()).step_by(valid.body().len().div_ceil(100).max(1)).map(smudge).collect()
}

/// A valid reply with every member in turn of another type, absent, or doubled.
pub fn other_types(valid: &http::Response<Bytes>) -> Vec<Fault> {
    let Ok(valid) = serde_json::from_slice::<Value>(valid.body()) else { return Vec::new() };
    let others = [
        ("null", json!(null)),
        ("a number", json!(7)),
        ("a text", json!("x")),
        ("a flag", json!(true)),
        ("a list", json!([])),
        ("an object", json!({})),
    ];
    let mut faults = Vec::new();
    for pointer in pointers(&valid) {
        for (name, other) in &others {
            faults.push(altered(format!("{pointer} as {name}"), &pointer, Some(other.clone())).variation());
        }
        faults.push(altered(format!("{pointer} absent"), &pointer, None).variation());
    }
    faults
}

/// A valid payment reply that speaks of something else.
pub fn echoes(subject: &dyn Subject) -> Vec<Fault> {
    subject
        .echoes()
        .iter()
        .map(|(pointer, other)| altered(format!("{pointer} of another purchase"), pointer, Some(json!(other))))
        .collect()
}

/// A valid reply that tells another price.
pub fn amounts(subject: &dyn Subject, operation: &str) -> Vec<Fault> {
    fn replace(value: &mut Value, name: &str) {
        match value {
            Value::Object(members) => {
                for (member, value) in members {
                    match value {
                        Value::Number(_) if member == name => *value = json!(50_500),
                        Value::String(_) if member == name => *value = json!("50500"),
                        _ => replace(value, name),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| replace(item, name)),
            _ => {}
        }
    }
    let members = subject.amounts().iter().filter(|(on, _)| *on == operation);
    members
        .map(|(_, name)| {
            Fault::new(format!("every {name} another amount"), true, move |reply| {
                changed(reply, |body| {
                    let Ok(mut value) = serde_json::from_slice::<Value>(body) else { return body.clone() };
                    replace(&mut value, name);
                    Bytes::from(value.to_string())
                })
            })
        })
        .collect()
}

/// Each listed code, and codes that nobody lists. What a code denies has not been executed; the others come either way.
pub fn codes(
    subject: &'static dyn Subject,
    operation: &str,
    valid: &http::Response<Bytes>,
    tells_fate: bool,
) -> Vec<Fault> {
    let Ok(template) = serde_json::from_slice::<Value>(valid.body()) else { return Vec::new() };
    let listed = subject.codes(operation);
    if listed.is_empty() {
        return Vec::new();
    }
    let unlisted = ["", "x", "-1", "4711", "999029999"].map(|code| (code.to_owned(), Verdict::UNLISTED));
    let mut faults = Vec::new();
    for (code, verdict) in listed.into_iter().chain(unlisted) {
        let (status, body) = subject.coded(&code, &template);
        let body = body.to_string();
        let answer = |body: String| move |_: Option<&_>| Answer::Is(Ok(reply(status, body.clone())));
        match verdict {
            // An answer to "what became of it" that denies a purchase that exists would be a lie, not a fault.
            Verdict::Failed(_) if tells_fate => {}
            Verdict::Failed(_) => faults.push(Fault::new(format!("code {code:?}, refused"), false, answer(body))),
            Verdict::Unknown(_) => {
                faults.push(Fault::new(format!("code {code:?} before execution"), false, answer(body.clone())));
                faults.push(Fault::new(format!("code {code:?} after execution"), true, answer(body)));
            }
            Verdict::Succeeded | Verdict::Pending => {
                faults.push(Fault::new(format!("code {code:?} after execution"), true, answer(body)));
            }
        }
    }
    faults
}

fn altered(name: String, pointer: &str, other: Option<Value>) -> Fault {
    let pointer = pointer.to_owned();
    Fault::new(name, true, move |reply| {
        changed(reply, |body| {
            let Ok(mut value) = serde_json::from_slice::<Value>(body) else { return body.clone() };
            match &other {
                Some(other) => {
                    if let Some(place) = value.pointer_mut(&pointer) {
                        *place = other.clone();
                    }
                }
                None => remove(&mut value, &pointer),
            }
            Bytes::from(value.to_string())
        })
    })
}

fn changed(reply: Option<&http::Response<Bytes>>, change: impl Fn(&Bytes) -> Bytes) -> Answer {
    let Some(reply) = reply else { return lost() };
    let mut changed = reply.clone();
    *changed.body_mut() = change(reply.body());
    Answer::Is(Ok(changed))
}

fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    match value.pointer_mut(parent) {
        Some(Value::Object(members)) => drop(members.remove(name)),
        Some(Value::Array(items)) => {
            drop(name.parse().ok().filter(|at| *at < items.len()).map(|at: usize| items.remove(at)))
        }
        _ => {}
    }
}

/// JSON pointers to every member and item; of lists the first item only.
fn pointers(value: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, found: &mut Vec<String>) {
        let members: Vec<(String, &Value)> = match value {
            Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
            Value::Array(items) => items.first().map(|item| ("0".to_owned(), item)).into_iter().collect(),
            _ => Vec::new(),
        };
        for (name, value) in members {
            let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            found.push(pointer.clone());
            walk(value, &pointer, found);
        }
    }
    let mut found = Vec::new();
    walk(value, "", &mut found);
    found
}
