//! The API gateway in front of the provider: tokens, and faults in its two writings.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{CLIENT_ID, CLIENT_SECRET};
use crate::clock::later;
use crate::context::Context;
use crate::crypto::{from_base64, redacted, same};
use crate::provider::{Reply, Request};
use crate::requests::Verdict;

/// Seconds that a token lives.
const LIFETIME: u64 = 3600;

/// The token in force, and those before it.
#[derive(Default)]
pub(super) struct Tokens {
    current: Option<(String, Timestamp)>,
    earlier: Vec<String>,
}

#[derive(Serialize)]
struct TokenReply<'a> {
    access_token: &'a str,
    scope: &'static str,
    token_type: &'static str,
    expires_in: i64,
}

impl Tokens {
    /// Answers the token call. Within a token's life the same one is handed out again.
    pub(super) fn issue(&mut self, context: &mut Context<'_>, request: &Request) -> Reply {
        if request.method != http::Method::POST {
            return status_report(405).refused();
        }
        let is_form = request.header("content-type").is_some_and(|kind| {
            kind.split(';')
                .next()
                .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
        });
        let field = |name: &str| {
            let mut pairs = form_urlencoded::parse(&request.body);
            pairs.find(|(key, _)| is_form && key == name).map(|(_, value)| value.into_owned())
        };
        match field("grant_type").as_deref() {
            Some("client_credentials") => {}
            Some(_) => return refuse(context, 400, "unsupported_grant_type", "the grant is not client_credentials"),
            None => return refuse(context, 400, "invalid_request", "no form field `grant_type`"),
        }
        let (id, secret) = match basic(request) {
            Some(pair) => pair,
            None => (field("client_id").unwrap_or_default(), field("client_secret").unwrap_or_default()),
        };
        if !same(id.as_bytes(), CLIENT_ID.as_bytes()) {
            return refuse(context, 401, "invalid_client", "client_id is missing or not the one in the overview");
        }
        if !same(secret.as_bytes(), CLIENT_SECRET.as_bytes()) {
            return refuse(context, 401, "invalid_client", "client_secret is missing or not the one in the overview");
        }
        context.verdict = Verdict::accepted("client credentials");
        let now = context.now;
        if self.current.as_ref().is_none_or(|(_, end)| *end <= now) {
            self.expire();
            self.current = Some((context.random.uuid(), later(now, std::time::Duration::from_secs(LIFETIME))));
        }
        match &self.current {
            Some((access_token, end)) => Reply::json(
                200,
                &TokenReply {
                    access_token,
                    scope: "am_application_scope default",
                    token_type: "Bearer",
                    expires_in: end.as_second() - now.as_second(),
                },
            ),
            None => Reply::page(500),
        }
    }

    /// Ends the token in force.
    pub(super) fn expire(&mut self) {
        self.earlier.extend(self.current.take().map(|(token, _)| token));
    }

    /// Lets a request with the token in force pass, and answers any other one.
    pub(super) fn check(&self, context: &mut Context<'_>, request: &Request) -> Result<(), Reply> {
        let Some(token) = request.authorization("Bearer").filter(|token| !token.is_empty()) else {
            let found = match request.header("authorization") {
                None => "the header Authorization is missing or empty".to_owned(),
                Some(header) if header.trim().eq_ignore_ascii_case("bearer") => "the token is empty".to_owned(),
                Some(header) => format!("Authorization does not begin with `Bearer `: {}", redacted(header)),
            };
            context.verdict = Verdict::refused("token", found);
            return Err(fault(900_902, 401, context.now));
        };
        let found = match &self.current {
            Some((current, end)) if same(current.as_bytes(), token.as_bytes()) => {
                if *end > context.now {
                    return Ok(());
                }
                "the token has expired"
            }
            _ if self.earlier.iter().any(|earlier| earlier == token) => "the token is an earlier one",
            _ if token.to_ascii_lowercase().starts_with("bearer ") => "the scheme word stands twice",
            _ => "the token was not issued here",
        };
        context.verdict = Verdict::refused("token", format!("{found}: {}", redacted(token)));
        Err(fault(900_901, 401, context.now))
    }
}

fn refuse(context: &mut Context<'_>, status: u16, error: &str, description: &str) -> Reply {
    context.verdict = Verdict::refused("key", description);
    let description = if status == 401 { "Client Authentication failed." } else { description };
    let reply = Reply::json(status, &json!({ "error_description": description, "error": error })).refused();
    if status == 401 { reply.with_header("www-authenticate", "Basic realm=\"sidompul\"") } else { reply }
}

fn basic(request: &Request) -> Option<(String, String)> {
    let pair = String::from_utf8(from_base64(request.authorization("Basic")?)?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// The faults with an official text of their own.
const FAULTS: [(u32, &str); 30] = [
    (101_000, "Receiver input/output error sending"),
    (101_001, "Receiver input/output error receiving"),
    (101_500, "Sender input/output error sending"),
    (101_501, "Sender input/output error receiving"),
    (101_503, "Connection failed"),
    (101_504, "Connection timed out"),
    (101_505, "Connection closed"),
    (102_511, "Incomplete payload"),
    (303_000, "Load balance endpoint is not ready"),
    (303_001, "Endpoint is suspended"),
    (303_002, "Endpoint state switched off"),
    (700_700, "API blocked"),
    (900_800, "Message throttled out"),
    (900_801, "Hard limit exceeded"),
    (900_802, "Resource level throttled out"),
    (900_803, "Application level throttled out"),
    (900_804, "Subscription level throttled out"),
    (900_805, "Message blocked"),
    (900_806, "Custom policy throttled out"),
    (900_807, "Burst limit exceeded"),
    (900_900, "Unclassified Authentication Failure"),
    (900_901, "Invalid Credentials"),
    (900_902, "Missing Credentials"),
    (900_903, "Access Token Expired"),
    (900_904, "Access Token Inactive"),
    (900_905, "Incorrect Access Token Type"),
    (900_906, "No matching resource found"),
    (900_907, "API temporarily blocked"),
    (900_908, "Resource forbidden"),
    (900_909, "Subscription inactive"),
];

/// Whether the gateway has such a fault.
pub(super) fn is_fault(code: u32) -> bool {
    matches!(code, 101_000..=101_599 | 900_910 | 900_911) || FAULTS.iter().any(|(listed, _)| *listed == code)
}

fn message(code: u32) -> &'static str {
    let listed = FAULTS.iter().find(|(listed, _)| *listed == code).map(|(_, message)| *message);
    listed.unwrap_or(match code {
        900_910 | 900_911 => "Access not allowed",
        _ => "Transport error",
    })
}

/// The HTTP status that goes with a fault on a purchase.
pub(super) fn status_of(code: u32) -> u16 {
    match code {
        900_800 | 900_802..=900_807 => 429,
        900_801 | 700_700 | 303_001 => 503,
        900_906 | 900_908 | 900_910 => 403,
        900_900 => 500,
        900_901..=900_999 => 401,
        101_504 => 504,
        _ => 500,
    }
}

/// A fault as JSON. Nothing was executed unless the caller did it before.
pub(super) fn fault(code: u32, status: u16, now: Timestamp) -> Reply {
    let mut fault = json!({ "code": code, "message": message(code), "description": description(code) });
    if is_throttle(code) {
        let next = jiff::tz::offset(0).to_datetime(later(now, std::time::Duration::from_secs(60)));
        fault["nextAccessTime"] = Value::from(next.strftime("%Y-%b-%d %H:%M:%S+0000 UTC").to_string());
    }
    Reply::json(status, &json!({ "fault": fault })).refused()
}

/// A fault as XML.
pub(super) fn xml_fault(code: u32, status: u16) -> Reply {
    let (prefix, namespace, kind) = match code {
        900_900..=900_999 => ("ams", "/security", ""),
        900_800..=900_899 | 700_700 => ("amt", "/throttling", ""),
        _ => ("am", "", "<am:type>Status report</am:type>"),
    };
    let body = format!(
        "<{prefix}:fault xmlns:{prefix}=\"http://wso2.org/apimanager{namespace}\"><{prefix}:code>{code}</{prefix}:code>{kind}\
         <{prefix}:message>{}</{prefix}:message><{prefix}:description>{}</{prefix}:description></{prefix}:fault>",
        message(code),
        description(code)
    );
    Reply::new(status, "application/xml; charset=UTF-8", body).refused()
}

/// The gateway's answer where it has no such API, resource or method.
pub(super) fn status_report(status: u16) -> Reply {
    let (message, description) = match status {
        405 => ("Method Not Allowed", "Method not allowed for given API resource"),
        _ => ("Not Found", "The requested resource is not available."),
    };
    let body =
        json!({ "code": status.to_string(), "type": "Status report", "message": message, "description": description });
    Reply::json(status, &body).refused()
}

fn is_throttle(code: u32) -> bool {
    (900_800..=900_807).contains(&code)
}

fn description(code: u32) -> &'static str {
    match code {
        900_902 => "Required OAuth credentials not provided.",
        900_900..=900_999 => "Access failure for API: /sidompul/openapi/v1",
        _ if is_throttle(code) => "You have exceeded your quota",
        _ => "Error in the gateway",
    }
}
