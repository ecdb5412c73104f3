use std::fmt;

use crate::{Error, ErrorKind, Execution, Stage};

/// What one row of a provider's code table says about a call.
///
/// Tables name every code that is known; what no row names is [`Verdict::UNLISTED`], which never means failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Done.
    Succeeded,
    /// Accepted; the result comes later.
    Pending,
    /// Certainly not executed, or taken back.
    Failed(ErrorKind),
    /// Proves nothing.
    Unknown(ErrorKind),
}

impl Verdict {
    /// For whatever a table does not list.
    pub const UNLISTED: Self = Self::Unknown(ErrorKind::Unlisted);
    /// For a refusal like any other.
    pub const REFUSED: Self = Self::Failed(ErrorKind::Refused);
    /// For a listed answer that leaves everything open.
    pub const UNPROVEN: Self = Self::Unknown(ErrorKind::Unproven);

    /// How far a purchase is of which this is said; `None` where it proves nothing.
    pub fn stage(self) -> Option<Stage> {
        match self {
            Self::Succeeded => Some(Stage::Succeeded),
            Self::Pending => Some(Stage::Pending),
            Self::Failed(_) => Some(Stage::Failed),
            Self::Unknown(_) => None,
        }
    }

    /// The error that this verdict stands for; `None` for success and pending.
    pub fn error(self) -> Option<Error> {
        match self {
            Self::Succeeded | Self::Pending => None,
            Self::Failed(kind) => Some(Error::new(kind, Execution::NotExecuted)),
            Self::Unknown(kind) => Some(Error::new(kind, Execution::Unknown)),
        }
    }
}

/// `succeeded`, `pending`, `failed: refused`, `unknown: unlisted answer`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded => f.write_str("succeeded"),
            Self::Pending => f.write_str("pending"),
            Self::Failed(kind) => write!(f, "failed: {kind}"),
            Self::Unknown(kind) => write!(f, "unknown: {kind}"),
        }
    }
}
