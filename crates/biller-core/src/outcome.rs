use crate::{Error, Execution, Receipt, Refusal};

/// What is known of a purchase.
///
/// Exhaustive on purpose: refund the customer only after [`Failed`](Self::Failed), deliver only after
/// [`Succeeded`](Self::Succeeded), and keep asking in between.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The provider's own word for success, about exactly what was asked.
    Succeeded(Receipt),
    /// The provider works on it; money may be held.
    Pending,
    /// Certainly not charged, or charged and given back.
    Failed(Refusal),
    /// May have been charged. The error says why it is not known.
    Unknown(Error),
}

impl Outcome {
    /// One word for tables and logs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Succeeded(_) => "succeeded",
            Self::Pending => "pending",
            Self::Failed(_) => "failed",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Whether nothing further is to be expected.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Succeeded(_) | Self::Failed(_))
    }
}

/// Failed only when the error proves that nothing was executed, else unknown.
impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        match error.execution() {
            Execution::NotExecuted => Self::Failed(Refusal::from(&error)),
            Execution::Executed | Execution::Unknown => Self::Unknown(error),
        }
    }
}
