use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether the provider acted on a request.
///
/// Exhaustive on purpose: code that decides about money has to treat all three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Execution {
    /// The provider certainly did not act; no money moved.
    NotExecuted,
    /// The provider certainly acted.
    Executed,
    /// The provider may have acted. Never a reason to refund or to buy again.
    Unknown,
}

impl fmt::Display for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotExecuted => "not executed",
            Self::Executed => "executed",
            Self::Unknown => "may have been executed",
        })
    }
}
