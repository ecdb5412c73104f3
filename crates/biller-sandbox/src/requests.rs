//! What the providers were asked lately, and what they made of it.

use std::collections::VecDeque;

use serde::Serialize;

use crate::crypto::redacted;
use crate::provider::{Operation, Request};

/// Older requests are forgotten.
const KEPT: usize = 1000;

/// What the authentication check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verdict {
    /// Whether the check passed.
    pub accepted: bool,
    /// What differs in a refused request: `method`, `path`, `token`, `body`, `timestamp`, `key`, `version`, or `signature` where no
    /// usual slip explains it.
    pub part: Option<&'static str>,
    /// Which of the accepted forms matched.
    pub variant: Option<String>,
    /// For people: what was found, with the string that the server signed; secrets are cut to four characters.
    pub explanation: Option<String>,
}

impl Verdict {
    /// The check passed with this form.
    pub(crate) fn accepted(variant: impl Into<String>) -> Self {
        Self { accepted: true, variant: Some(variant.into()), ..Self::default() }
    }

    /// The check failed, most likely because of `part`.
    pub(crate) fn refused(part: &'static str, explanation: impl Into<String>) -> Self {
        Self { part: Some(part), explanation: Some(explanation.into()), ..Self::default() }
    }

    /// Nothing was checked.
    pub(crate) fn unchecked(explanation: impl Into<String>) -> Self {
        Self { explanation: Some(explanation.into()), ..Self::default() }
    }
}

/// One request to a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LoggedRequest {
    /// The provider's name.
    pub provider: &'static str,
    /// What was asked; none for a path that the provider does not have.
    pub operation: Option<Operation>,
    /// The method as received.
    pub method: String,
    /// Path and query as received, credentials in the query cut to four characters.
    pub path: String,
    /// The HTTP status of the reply; none if the connection was closed without one.
    pub status: Option<u16>,
    /// What the authentication check found.
    pub verdict: Verdict,
}

#[derive(Default)]
pub(crate) struct RequestLog(VecDeque<LoggedRequest>);

impl RequestLog {
    pub(crate) fn push(&mut self, entry: LoggedRequest) {
        self.0.truncate(KEPT - 1);
        self.0.push_front(entry);
    }

    /// Newest first.
    pub(crate) fn latest(&self, limit: usize) -> Vec<LoggedRequest> {
        self.0.iter().take(limit).cloned().collect()
    }
}

/// Path and query of a request without the credentials that a query may hold.
pub(crate) fn redacted_path(request: &Request) -> String {
    let Some(query) = &request.query else { return request.full_path() };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, value)) if is_credential(name) => format!("{name}={}", redacted(value)),
        _ => pair.to_owned(),
    });
    format!("{}?{}", request.full_path(), pairs.collect::<Vec<_>>().join("&"))
}

fn is_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["pass", "secret", "token", "pin", "key", "signature"].iter().any(|word| name.contains(word))
}
