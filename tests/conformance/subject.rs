//! What a provider brings to be held to the rules: one file, one implementation of [`Subject`].

use std::sync::{Arc, LazyLock};

use biller_core::{Biller, BoxFuture, Effect, Error, Order, Spec, Verdict, Wiring};
use biller_sandbox::Sandbox;
use bytes::Bytes;
use serde_json::Value;

/// How a purchase goes when nothing disturbs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// The reply says that it succeeded.
    AtOnce,
    /// Pending, and succeeds later.
    Settles,
    /// Pending, and fails later.
    Fails,
}

/// One of the provider's own calls with a valid sample request.
pub struct Call {
    /// The operation, by the name in its `Spec`.
    pub operation: &'static str,
    /// Makes the call; `Ok` is the `Debug` of what came back.
    pub run: fn(Wiring) -> BoxFuture<'static, Result<String, Error>>,
}

/// A decoder or callback parser, which must take any bytes.
pub struct Reader {
    pub name: &'static str,
    /// Reads a body and shows what came of it.
    pub read: fn(Bytes) -> String,
}

/// A member of a reply that repeats what was asked, and another value for it.
pub type Echo = (&'static str, &'static str);

/// Something that is sold in another way than what [`Subject::order`] orders.
pub struct Goods {
    pub name: &'static str,
    /// As [`Subject::order`].
    pub order: fn(Course, &str) -> Option<Order>,
}

pub trait Subject: Send + Sync {
    /// The folder in `crates`.
    fn folder(&self) -> &'static str;

    /// The provider's name in the sandbox.
    fn sandbox_name(&self) -> &'static str;

    /// Every operation, as the crate lists them.
    fn specs(&self) -> &'static [&'static Spec];

    /// Which part of a path belongs to which operation; the first that fits counts.
    fn routes(&self) -> &'static [(&'static str, &'static str)];

    fn biller(&self, wiring: Wiring) -> Arc<dyn Biller>;

    /// An order with this course; `None` where the provider knows no such course.
    fn order(&self, course: Course, reference: &str) -> Option<Order>;

    /// What else it sells, through other operations.
    fn other_goods(&self) -> &'static [Goods] {
        &[]
    }

    /// At least one for every operation. They run after a purchase has succeeded.
    fn calls(&self) -> Vec<Call>;

    /// The provider's codes as the crate's table reads them for this operation; empty where it has none.
    fn codes(&self, operation: &str) -> Vec<(String, Verdict)>;

    /// A reply that says this code: HTTP status and body, made from a valid one.
    fn coded(&self, code: &str, valid: &Value) -> (u16, Value);

    /// What the payment's reply repeats, as JSON pointers.
    fn echoes(&self) -> &'static [Echo];

    /// Which member of the reply to which operation says what a purchase costs.
    fn amounts(&self) -> &'static [(&'static str, &'static str)];

    fn readers(&self) -> Vec<Reader>;

    /// Which of the sandbox's credentials are secret.
    fn secret_names(&self) -> &'static [&'static str];

    /// Whether the specification has a lost payment sent once more, guarded against executing twice.
    fn sends_again_to_resolve(&self) -> bool {
        false
    }

    /// Whether a receipt's serial can be spent. Elsewhere it is a number to find the purchase by, and may stand in attempts.
    fn serials_can_be_spent(&self) -> bool {
        true
    }

    /// Secrets of one request beyond the headers that carry keys, tokens and signatures.
    fn secrets_of(&self, _request: &http::Request<Bytes>) -> Vec<String> {
        Vec::new()
    }

    /// The operation that fetches tokens and the seconds that one lives, where there are tokens.
    fn token(&self) -> Option<(&'static str, u64)> {
        None
    }

    fn operation_of(&self, request: &http::Request<Bytes>) -> &'static str {
        let path = request.uri().path();
        let route = self.routes().iter().find(|(part, _)| path.contains(part));
        route.unwrap_or_else(|| panic!("provider {}: no route for {path}", self.folder())).1
    }

    fn effect(&self, operation: &str) -> Effect {
        let spec = self.specs().iter().find(|spec| spec.name == operation);
        spec.unwrap_or_else(|| panic!("provider {}: no operation {operation}", self.folder())).effect
    }

    fn moves_money(&self, operation: &str) -> bool {
        self.effect(operation).moves_money()
    }

    fn credential(&self, name: &str) -> String {
        static KNOWN: LazyLock<Sandbox> = LazyLock::new(Sandbox::new);
        let all = KNOWN.credentials(self.sandbox_name()).expect("the sandbox knows the provider");
        match &all[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// The secrets that never change; of keys in several lines, every line.
    fn credentials(&self) -> Vec<String> {
        let lines =
            |text: String| text.lines().filter(|line| !line.starts_with("--")).map(str::to_owned).collect::<Vec<_>>();
        self.secret_names().iter().flat_map(|name| lines(self.credential(name))).collect()
    }
}

/// A [`Call`] of a provider file that has a function `client`.
macro_rules! call {
    ($operation:literal, |$client:ident| $call:expr) => {
        Call {
            operation: $operation,
            run: |wiring| {
                Box::pin(async move {
                    let $client = client(wiring);
                    $call.await.map(|reply| format!("{reply:?}"))
                })
            },
        }
    };
}

/// A [`Reader`] that interprets replies to an operation.
macro_rules! reader {
    ($name:literal, $operation:expr) => {
        Reader {
            name: $name,
            read: |body| format!("{:?}", biller_core::Operation::interpret(&$operation, &http::Response::new(body))),
        }
    };
}

pub(crate) use {call, reader};
