//! What a provider brings to be held to the rules: one file, one implementation of [`Subject`].

use std::sync::Arc;

use biller_core::{Biller, BoxFuture, Error, Order, Spec, Verdict, Wiring};
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

    /// At least one for every operation. They run after a purchase has succeeded.
    fn calls(&self) -> Vec<Call>;

    /// The provider's codes as the crate's table reads them for this operation; empty where it has none.
    fn codes(&self, operation: &str) -> Vec<(String, Verdict)>;

    /// A reply that says this code: HTTP status and body, made from a valid one.
    fn coded(&self, code: &str, valid: &Value) -> (u16, Value);

    /// What the payment's reply repeats, as JSON pointers.
    fn echoes(&self) -> &'static [Echo];

    fn readers(&self) -> Vec<Reader>;

    /// Which of the sandbox's credentials are secret.
    fn secret_names(&self) -> &'static [&'static str];

    /// Whether the specification has a lost payment sent once more, guarded against executing twice.
    fn sends_again_to_resolve(&self) -> bool {
        false
    }

    /// Secrets of one request beyond the headers that carry keys, tokens and signatures.
    fn secrets_of(&self, _request: &http::Request<Bytes>) -> Vec<String> {
        Vec::new()
    }

    /// How long a token lives, where there are tokens.
    fn token_seconds(&self) -> Option<u64> {
        None
    }

    fn operation_of(&self, request: &http::Request<Bytes>) -> &'static str {
        let path = request.uri().path();
        self.routes().iter().find(|(part, _)| path.contains(part)).map_or("unknown", |(_, operation)| operation)
    }

    fn moves_money(&self, operation: &str) -> bool {
        self.specs().iter().any(|spec| spec.name == operation && spec.effect.moves_money())
    }

    fn credential(&self, name: &str) -> String {
        let all = Sandbox::new().credentials(self.sandbox_name()).expect("the sandbox knows the provider");
        match &all[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// The secrets that never change; of keys in several lines, every line.
    fn credentials(&self) -> Vec<String> {
        let lines = |text: String| text.lines().filter(|line| !line.starts_with("--")).map(str::to_owned).collect::<Vec<_>>();
        self.secret_names().iter().flat_map(|name| lines(self.credential(name))).collect()
    }
}
