use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// Why a purchase certainly cost nothing: it was refused before anything ran, never sent, or taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    kind: ErrorKind,
    code: Option<String>,
    detail: String,
    #[serde(skip)]
    provider_message: Message,
}

/// Kept out of `Debug`: it may name customers and balances.
#[derive(Clone, Default, PartialEq, Eq)]
struct Message(Option<String>);

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Some(..)" } else { "None" })
    }
}

impl Refusal {
    /// A refusal of this kind, explained in one line without secrets.
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, code: None, detail: detail.into(), provider_message: Message(None) }
    }

    /// Adds the provider's code or status word.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Adds the provider's own words.
    #[must_use]
    pub fn with_provider_message(mut self, message: Option<String>) -> Self {
        self.provider_message = Message(message.filter(|message| !message.is_empty()));
        self
    }

    /// What kind of refusal it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The provider's code or status word.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The provider's own words, not kept when the refusal is stored. Show them to the operator, do not log them.
    pub fn provider_message(&self) -> Option<&str> {
        self.provider_message.0.as_deref()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

/// Of an error that proves that nothing was executed.
impl From<&Error> for Refusal {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            code: error.code().map(str::to_owned),
            detail: error.to_string(),
            provider_message: Message(error.provider_message().map(str::to_owned)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Execution;

    #[test]
    fn tells_what_the_error_told_and_keeps_the_provider_s_words_to_itself() {
        let error = Error::new(ErrorKind::Refused, Execution::NotExecuted)
            .with_code("14")
            .with_provider_message(Some("saldo 12.000"))
            .at("klikoo", "buy", Some("A-1"));
        let refusal = Refusal::from(&error);
        assert_eq!((refusal.kind(), refusal.code()), (ErrorKind::Refused, Some("14")));
        assert_eq!(refusal.provider_message(), Some("saldo 12.000"));
        assert_eq!(refusal.to_string(), "klikoo buy: refused, code 14, reference A-1 (not executed)");
        assert_eq!(
            format!("{refusal:?}"),
            "Refusal { kind: Refused, code: Some(\"14\"), \
             detail: \"klikoo buy: refused, code 14, reference A-1 (not executed)\", provider_message: Some(..) }"
        );
        let stored = serde_json::to_string(&refusal).unwrap();
        assert!(!stored.contains("12.000"), "{stored}");
        assert_eq!(serde_json::from_str::<Refusal>(&stored).unwrap(), refusal.with_provider_message(None));
    }
}
