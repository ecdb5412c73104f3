use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::decode::DecodeError;
use crate::{Execution, InvalidValue, Reference};

/// What went wrong. Says nothing about the money: [`Error::execution`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting or credential is missing or unusable. Nothing was sent.
    Configuration,
    /// A value from the caller is not what the provider takes. Nothing was sent.
    InvalidInput,
    /// The request could not be signed. Nothing was sent.
    Signing,
    /// The token that the call needs could not be had. The call itself was not sent.
    NoToken,
    /// The transport proved that nothing was sent.
    NotSent,
    /// The connection failed when the request may already have arrived.
    Connection,
    /// No reply within the time limit; the request may have arrived.
    Timeout,
    /// The reply was larger than the limit and was cut off.
    ReplyTooLarge,
    /// The reply is empty, no JSON, cut, or carries no code: nothing can be concluded from it.
    UnreadableReply,
    /// A code that the provider's table lists as a refusal.
    Refused,
    /// The provider refused the token before running anything. The engine renews it once and sends once more.
    TokenRefused,
    /// The provider asks to slow down.
    Throttled,
    /// The provider reports trouble of its own.
    Unavailable,
    /// A purchase with the same key exists already: look at that one.
    Duplicate,
    /// The provider does not know the transaction. Proves nothing about a purchase.
    NotFound,
    /// The provider's price is not the expected one; nothing was bought.
    PriceChanged,
    /// A code or status word that the provider's table lists as proving nothing.
    Unproven,
    /// A code or status word that no table lists.
    Unlisted,
    /// The provider's own answers contradict each other.
    Contradiction,
    /// The reply speaks of another reference, customer, product or amount than was asked. A person decides.
    Mismatch,
    /// Several transactions could be the purchase. A person decides.
    Ambiguous,
    /// The provider asks for something that only a person can do.
    NeedsPerson,
    /// The provider has no such operation.
    Unsupported,
    /// The attempt has been sent before and is not sent again.
    AlreadySent,
    /// The attempt could not be written down, so it was not sent.
    NotRecorded,
}

impl ErrorKind {
    /// Whether only a person can settle a purchase that ended so.
    pub fn needs_person(self) -> bool {
        matches!(self, Self::Mismatch | Self::Ambiguous | Self::NeedsPerson | Self::Contradiction)
    }

    fn phrase(self) -> &'static str {
        match self {
            Self::Configuration => "unusable setting",
            Self::InvalidInput => "invalid input",
            Self::Signing => "could not be signed",
            Self::NoToken => "no token to be had",
            Self::NotSent => "not sent",
            Self::Connection => "connection failed",
            Self::Timeout => "no reply in time",
            Self::ReplyTooLarge => "reply too large",
            Self::UnreadableReply => "unreadable reply",
            Self::Refused => "refused",
            Self::TokenRefused => "token refused",
            Self::Throttled => "throttled",
            Self::Unavailable => "provider in trouble",
            Self::Duplicate => "duplicate of an earlier purchase",
            Self::NotFound => "not known to the provider",
            Self::PriceChanged => "price changed",
            Self::Unproven => "answer without proof",
            Self::Unlisted => "unlisted answer",
            Self::Contradiction => "contradictory answers",
            Self::Mismatch => "answer about something else",
            Self::Ambiguous => "several possible transactions",
            Self::NeedsPerson => "a person has to act",
            Self::Unsupported => "not offered by the provider",
            Self::AlreadySent => "sent before",
            Self::NotRecorded => "could not be written down",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.phrase())
    }
}

/// The one error of all crates: what went wrong, where, and above all whether the provider acted.
///
/// `Display` is one line without address, body or secret. What the provider wrote, which may name customers and balances, is
/// shown only by [`provider_message`](Self::provider_message) and [`reply`](Self::reply).
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    execution: Execution,
    provider: Option<&'static str>,
    operation: Option<&'static str>,
    reference: Option<String>,
    detail: Cow<'static, str>,
    code: Option<String>,
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
    provider_message: Option<String>,
    reply: Option<Bytes>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this kind. Whoever makes one has to say what is proven about execution; in doubt it is
    /// [`Execution::Unknown`].
    pub fn new(kind: ErrorKind, execution: Execution) -> Self {
        Self(Box::new(Inner {
            kind,
            execution,
            provider: None,
            operation: None,
            reference: None,
            detail: Cow::Borrowed(""),
            code: None,
            status: None,
            retry_after: None,
            provider_message: None,
            reply: None,
            source: None,
        }))
    }

    /// A setting is missing or unusable; nothing was sent.
    pub fn configuration(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Configuration, Execution::NotExecuted).with_detail(detail)
    }

    /// The provider has no such operation; nothing was sent.
    pub fn unsupported(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Unsupported, Execution::NotExecuted).with_detail(detail)
    }

    /// The reply could not be read, which proves nothing about execution.
    pub fn unreadable(source: DecodeError) -> Self {
        Self::new(ErrorKind::UnreadableReply, Execution::Unknown).with_detail(source.to_string()).with_source(source)
    }

    /// The product is not among the `read` rows of a list that is empty or was not read whole, which proves nothing about the product. Nothing
    /// was bought.
    pub fn not_among(read: usize) -> Self {
        let detail = format!("the product is not among {read} that could be read of the list");
        Self::new(ErrorKind::UnreadableReply, Execution::NotExecuted).with_detail(detail)
    }

    /// Adds one line of explanation. It must hold no secret, address or text of the provider's.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// Adds the provider's code. Whatever is no letter, digit, `-` or `_` is dropped, and so is what follows 32 characters.
    #[must_use]
    pub fn with_code(mut self, code: impl AsRef<str>) -> Self {
        let code: String =
            code.as_ref().chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).take(32).collect();
        self.0.code = (!code.is_empty()).then_some(code);
        self
    }

    /// Adds the provider's own text, for [`provider_message`](Self::provider_message).
    #[must_use]
    pub fn with_provider_message(mut self, message: Option<impl Into<String>>) -> Self {
        self.0.provider_message = message.map(Into::into);
        self
    }

    /// Adds the time after which the provider wants to be asked again.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    /// Adds the underlying error; its text must hold no secret, address or body.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// Says where the error arose; what is already said stays.
    #[must_use]
    pub fn at(mut self, provider: &'static str, operation: &'static str, reference: Option<&str>) -> Self {
        self.0.provider.get_or_insert(provider);
        self.0.operation.get_or_insert(operation);
        match reference {
            Some(reference) => self.with_reference(reference),
            None => self,
        }
    }

    /// An error while a purchase was prepared: whatever it says about the call that failed, nothing has been bought.
    #[must_use]
    pub fn while_preparing(mut self, provider: &'static str, reference: &Reference) -> Self {
        self.0.execution = Execution::NotExecuted;
        self.at(provider, "prepare", Some(reference.as_str()))
    }

    /// What an error while asking says about the purchase: nothing.
    #[must_use]
    pub(crate) fn about_the_purchase(mut self) -> Self {
        self.0.execution = Execution::Unknown;
        self
    }

    /// Names the purchase; what is already said stays.
    #[must_use]
    pub fn with_reference(mut self, reference: &str) -> Self {
        self.0.reference.get_or_insert_with(|| reference.to_owned());
        self
    }

    /// Attaches the reply that was read: its status, its body and its `Retry-After`.
    #[must_use]
    pub(crate) fn with_reply(mut self, response: &http::Response<Bytes>, retry_after: Option<Duration>) -> Self {
        self.0.status = Some(response.status());
        self.0.reply = Some(response.body().clone());
        self.0.retry_after = self.0.retry_after.or(retry_after);
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the provider acted on the request: the question that decides about money.
    pub fn execution(&self) -> Execution {
        self.0.execution
    }

    /// The provider, by the name of its feature in the facade.
    pub fn provider(&self) -> Option<&'static str> {
        self.0.provider
    }

    /// The operation's name.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The partner's reference of the purchase, where the operation carries one.
    pub fn reference(&self) -> Option<&str> {
        self.0.reference.as_deref()
    }

    /// The provider's code.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The HTTP status of the reply.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// How long the provider asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The provider's own words. They may name customers and balances: show them to the operator, do not log them.
    pub fn provider_message(&self) -> Option<&str> {
        self.0.provider_message.as_deref()
    }

    /// The body of the reply. It may hold bearer money: never log it.
    pub fn reply(&self) -> Option<&Bytes> {
        self.0.reply.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        match (inner.provider, inner.operation) {
            (Some(provider), Some(operation)) => write!(f, "{provider} {operation}: ")?,
            (Some(name), None) | (None, Some(name)) => write!(f, "{name}: ")?,
            (None, None) => {}
        }
        f.write_str(inner.kind.phrase())?;
        if !inner.detail.is_empty() {
            write!(f, ": {}", inner.detail)?;
        }
        if let Some(code) = &inner.code {
            write!(f, ", code {code}")?;
        }
        if let Some(status) = inner.status {
            write!(f, ", HTTP {}", status.as_u16())?;
        }
        if let Some(reference) = &inner.reference {
            write!(f, ", reference {reference}")?;
        }
        write!(f, " ({})", inner.execution)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("execution", &inner.execution)
            .field("provider", &inner.provider)
            .field("operation", &inner.operation)
            .field("reference", &inner.reference)
            .field("detail", &inner.detail)
            .field("code", &inner.code)
            .field("status", &inner.status)
            .field("reply_bytes", &inner.reply.as_ref().map(Bytes::len))
            .field("source", &inner.source)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// A value from the caller; nothing was sent.
impl From<InvalidValue> for Error {
    fn from(value: InvalidValue) -> Self {
        Self::new(ErrorKind::InvalidInput, Execution::NotExecuted).with_detail(value.to_string()).with_source(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_that_ends_with_what_is_known_about_the_money() {
        let error = Error::new(ErrorKind::Unlisted, Execution::Unknown)
            .with_code("999029999\r\nSet-Cookie: x")
            .with_provider_message(Some("saldo 12.000"))
            .at("klikoo", "buy", Some("A-1"));
        assert_eq!(
            error.to_string(),
            "klikoo buy: unlisted answer, code 999029999Set-Cookiex, reference A-1 (may have been executed)"
        );
        assert!(!format!("{error:?}").contains("12.000"));
    }

    #[test]
    fn the_first_place_named_stays() {
        let error = Error::configuration("base_url missing").at("klikoo", "access token", None).at(
            "klikoo",
            "buy",
            Some("A-1"),
        );
        assert_eq!(error.operation(), Some("access token"));
        assert_eq!(error.reference(), Some("A-1"));
        assert_eq!(error.execution(), Execution::NotExecuted);
    }

    #[test]
    fn neither_display_nor_debug_shows_what_the_provider_wrote() {
        let reply = http::Response::builder().status(200).body(Bytes::from_static(b"SERIAL-4711")).expect("a reply");
        let error = Error::new(ErrorKind::Unproven, Execution::Unknown)
            .with_detail("answer without proof")
            .with_provider_message(Some("saldo 12.000"))
            .with_reply(&reply, Some(Duration::from_secs(7)));
        assert_eq!(error.provider_message(), Some("saldo 12.000"));
        assert_eq!(error.reply().map(|body| &body[..]), Some(&b"SERIAL-4711"[..]));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        for shown in [error.to_string(), format!("{error:?}"), format!("{:#?}", crate::Outcome::Unknown(error))] {
            assert!(!shown.contains("12.000") && !shown.contains("4711"), "{shown}");
        }
    }

    #[test]
    fn a_code_is_short_and_plain_or_absent() {
        let code = |text: &str| Error::new(ErrorKind::Unlisted, Execution::Unknown).with_code(text);
        assert_eq!(code("E_0-1").code(), Some("E_0-1"));
        assert_eq!(code(&"9".repeat(40)).code(), Some("9".repeat(32).as_str()));
        assert_eq!(code(" \n").code(), None);
    }
}
