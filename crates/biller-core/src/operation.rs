use std::fmt;

use bytes::Bytes;

use crate::{Error, Timestamp};

/// What a remote call can do, and so whether it may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Changes nothing; may be repeated at will.
    ReadOnly,
    /// Moves no money, but may use up its reference: not repeated once it may have been sent.
    UsesReference,
    /// Moves money, and the provider documents that it refuses the same reference twice. Still sent once.
    Deduplicated,
    /// Moves money. Sent once; repeated only when nothing was sent or the provider refused the token before running it.
    MovesMoney,
}

impl Effect {
    /// Whether the call can cost money.
    pub fn moves_money(self) -> bool {
        matches!(self, Self::Deduplicated | Self::MovesMoney)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadOnly => "read-only",
            Self::UsesReference => "uses its reference",
            Self::Deduplicated => "moves money, deduplicated",
            Self::MovesMoney => "moves money",
        })
    }
}

/// The name of a remote call, what it can do, and which document says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The operation in the field's English terms, such as `buy`.
    pub name: &'static str,
    /// What the call can do.
    pub effect: Effect,
    /// Document and section that the effect is read from.
    pub source: &'static str,
}

/// One remote call as a plain value.
///
/// Pure: no network, no clock and no randomness of its own, so that it can be tested against vectors and printed without
/// sending it. The [`Engine`](crate::Engine) carries it out.
pub trait Operation: Send + Sync {
    /// What signs the request: settings, keys and, where the provider has one, a token.
    type Signer: Send + Sync;
    /// What a usable reply is read into.
    type Output: Send;

    /// Name, effect and source.
    fn spec(&self) -> &'static Spec;

    /// The partner's reference that the call carries, for errors and logs.
    fn reference(&self) -> Option<&str> {
        None
    }

    /// Builds the signed request for the instant `now`.
    ///
    /// Fails with [`Execution::NotExecuted`](crate::Execution::NotExecuted): nothing has been sent yet.
    fn request(&self, signer: &Self::Signer, now: Timestamp) -> Result<http::Request<Bytes>, Error>;

    /// Reads the reply. An error says what it proves about execution; status and body are attached by the engine.
    fn interpret(&self, response: &http::Response<Bytes>) -> Result<Self::Output, Error>;
}

/// Gets what requests are signed with, which may need a call of its own (a token).
pub trait Authority: Send + Sync {
    /// What signs the requests.
    type Signer: Send + Sync;

    /// The signer for the next request.
    fn signer(&self) -> impl Future<Output = Result<Self::Signer, Error>> + Send;

    /// A new signer after the provider refused `refused`; `None` when no different one can be had.
    fn renew(&self, refused: &Self::Signer) -> impl Future<Output = Result<Option<Self::Signer>, Error>> + Send {
        let _ = refused;
        async { Ok(None) }
    }
}

/// The authority of a provider that needs no token: always the same signer.
#[derive(Clone, Debug)]
pub struct Always<S>(pub S);

impl<S: Clone + Send + Sync> Authority for Always<S> {
    type Signer = S;

    async fn signer(&self) -> Result<S, Error> {
        Ok(self.0.clone())
    }
}
