//! Failures on demand.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::control::Refusal;
use crate::provider::{Operation, Profile};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Nothing is executed; the connection is closed without a reply.
    LoseRequest,
    /// The request is executed; the connection is closed without a reply.
    LoseReply,
    /// The request is executed; the reply comes late.
    Delay,
    /// The request is executed; the reply is cut in the middle of its JSON.
    GarbleReply,
    /// Nothing is executed; HTTP 503 with an HTML page.
    ErrorBefore,
    /// The request is executed; HTTP 500 with an HTML page.
    ErrorAfter,
    /// Nothing is executed; HTTP 429 with `Retry-After`.
    Throttle,
    /// Nothing is executed; the provider's own answer to an expired token.
    ExpireToken,
    /// The status call says that the transaction is unknown, although it exists.
    StatusNotFound,
    /// A callback is never delivered.
    CallbackLost,
    /// A callback is delivered twice.
    CallbackTwice,
    /// The callback of a payment is delivered before the payment's reply.
    CallbackBeforeReply,
    /// A callback tells the opposite of what happened.
    CallbackConflicting,
    /// A re-sent purchase whose first attempt failed is taken as a new purchase.
    ChargeOnResend,
}

impl FaultKind {
    /// Every fault, in the order of the documentation.
    pub const ALL: [Self; 14] = [
        Self::LoseRequest,
        Self::LoseReply,
        Self::Delay,
        Self::GarbleReply,
        Self::ErrorBefore,
        Self::ErrorAfter,
        Self::Throttle,
        Self::ExpireToken,
        Self::StatusNotFound,
        Self::CallbackLost,
        Self::CallbackTwice,
        Self::CallbackBeforeReply,
        Self::CallbackConflicting,
        Self::ChargeOnResend,
    ];

    /// The name in the control interface, such as `lose_reply`.
    pub fn name(self) -> &'static str {
        match self {
            Self::LoseRequest => "lose_request",
            Self::LoseReply => "lose_reply",
            Self::Delay => "delay",
            Self::GarbleReply => "garble_reply",
            Self::ErrorBefore => "error_before",
            Self::ErrorAfter => "error_after",
            Self::Throttle => "throttle",
            Self::ExpireToken => "expire_token",
            Self::StatusNotFound => "status_not_found",
            Self::CallbackLost => "callback_lost",
            Self::CallbackTwice => "callback_twice",
            Self::CallbackBeforeReply => "callback_before_reply",
            Self::CallbackConflicting => "callback_conflicting",
            Self::ChargeOnResend => "charge_on_resend",
        }
    }

    /// Whether the fault makes sense for one operation of a provider.
    fn fits(self, profile: &Profile, operation: Operation) -> bool {
        match self {
            Self::LoseRequest
            | Self::LoseReply
            | Self::Delay
            | Self::GarbleReply
            | Self::ErrorBefore
            | Self::ErrorAfter
            | Self::Throttle => operation != Operation::Callback,
            Self::ExpireToken => profile.tokens && !matches!(operation, Operation::Token | Operation::Callback),
            Self::StatusNotFound => profile.can_lose_transactions.contains(&operation),
            Self::CallbackLost | Self::CallbackTwice | Self::CallbackBeforeReply | Self::CallbackConflicting => {
                operation == Operation::Callback
            }
            Self::ChargeOnResend => operation == Operation::Payment,
        }
    }

    /// Whether the fault acts on one request, and not on deliveries or on what counts as a new purchase.
    fn acts_on_request(self) -> bool {
        !matches!(
            self,
            Self::CallbackLost
                | Self::CallbackTwice
                | Self::CallbackBeforeReply
                | Self::CallbackConflicting
                | Self::ChargeOnResend
        )
    }
}

/// A failure to arm: where, what, how often.
///
/// ```
/// use biller_sandbox::{Fault, FaultKind, Operation};
///
/// let fault = Fault::new("klikoo", FaultKind::LoseReply).on(Operation::Payment);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub(crate) provider: String,
    pub(crate) operation: Option<Operation>,
    pub(crate) kind: FaultKind,
    pub(crate) times: u32,
    pub(crate) delay: Duration,
}

impl Fault {
    /// Acts once, on the first operation that it fits.
    pub fn new(provider: impl Into<String>, kind: FaultKind) -> Self {
        Self { provider: provider.into(), operation: None, kind, times: 1, delay: Duration::ZERO }
    }

    /// Acts on this operation only.
    #[must_use]
    pub fn on(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Acts this often; 0 means until cleared.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// How late a reply with [`FaultKind::Delay`] comes; whole milliseconds count.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    fn check(&self, profile: &Profile) -> Result<(), Refusal> {
        let (provider, kind) = (profile.name, self.kind.name());
        if let Some(operation) = self.operation {
            profile.check_operation(operation)?;
        }
        let fitting: Vec<_> = profile
            .operations
            .iter()
            .filter(|operation| self.kind.fits(profile, **operation))
            .map(|o| o.name())
            .collect();
        if fitting.is_empty() {
            return Err(Refusal::unprocessable(format!("fault `{kind}` makes no sense for provider `{provider}`")));
        }
        match self.operation {
            Some(operation) if !self.kind.fits(profile, operation) => Err(Refusal::unprocessable(format!(
                "fault `{kind}` of provider `{provider}` cannot act on operation `{}`; it can on: *, {}",
                operation.name(),
                fitting.join(", ")
            ))),
            _ if self.kind == FaultKind::Delay && self.delay.is_zero() => {
                Err(Refusal::unprocessable("fault `delay` needs `delay_ms`, at least 1"))
            }
            _ => Ok(()),
        }
    }
}

struct Armed {
    id: u64,
    fault: Fault,
    /// None: until cleared.
    left: Option<u32>,
}

/// The fault that acts on a request.
#[derive(Clone, Copy)]
pub(crate) struct Acting {
    id: u64,
    pub(crate) kind: FaultKind,
    pub(crate) delay: Duration,
}

/// What is armed, in the order of arming.
#[derive(Default)]
pub(crate) struct Faults {
    armed: Vec<Armed>,
    last_id: u64,
}

impl Faults {
    pub(crate) fn arm(&mut self, profile: &Profile, fault: Fault) -> Result<(), Refusal> {
        fault.check(profile)?;
        self.last_id += 1;
        self.armed.push(Armed { id: self.last_id, left: (fault.times > 0).then_some(fault.times), fault });
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.armed.clear();
    }

    /// The first armed fault that acts on a request of this operation.
    pub(crate) fn on_request(&self, profile: &Profile, operation: Operation) -> Option<Acting> {
        self.first(profile, operation, FaultKind::acts_on_request)
    }

    /// The first armed fault on a delivery. While the payment's reply is still due, that may be
    /// [`FaultKind::CallbackBeforeReply`]; afterwards that one no longer fits.
    pub(crate) fn on_delivery(&self, profile: &Profile, reply_due: bool) -> Option<Acting> {
        self.first(profile, Operation::Callback, |kind| reply_due || kind != FaultKind::CallbackBeforeReply)
    }

    /// An armed [`FaultKind::ChargeOnResend`].
    pub(crate) fn on_resend(&self, profile: &Profile) -> Option<Acting> {
        self.first(profile, Operation::Payment, |kind| kind == FaultKind::ChargeOnResend)
    }

    fn first(&self, profile: &Profile, operation: Operation, wanted: impl Fn(FaultKind) -> bool) -> Option<Acting> {
        self.armed
            .iter()
            .find(|Armed { fault, .. }| {
                fault.provider == profile.name
                    && fault.operation.is_none_or(|only| only == operation)
                    && fault.kind.fits(profile, operation)
                    && wanted(fault.kind)
            })
            .map(|Armed { id, fault, .. }| Acting { id: *id, kind: fault.kind, delay: fault.delay })
    }

    pub(crate) fn use_up(&mut self, acting: Acting) {
        self.armed.retain_mut(|armed| {
            if armed.id == acting.id {
                armed.left = armed.left.map(|left| left - 1);
            }
            armed.left != Some(0)
        });
    }

    /// As the control interface shows them; `times` is what is left.
    pub(crate) fn to_json(&self) -> Value {
        let faults = self.armed.iter().map(|Armed { fault, left, .. }| {
            json!({
                "provider": fault.provider,
                "operation": fault.operation.map_or("*", Operation::name),
                "fault": fault.kind,
                "times": left.unwrap_or(0),
                "delay_ms": fault.delay.as_millis() as u64,
            })
        });
        json!({ "faults": faults.collect::<Vec<_>>() })
    }
}
