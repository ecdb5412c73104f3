//! What has happened, so that a quiet simulation is noticed.

use std::collections::BTreeMap;
use std::fmt;

/// What happens to every provider.
const EVERYWHERE: [&str; 6] = ["orders", "succeeded", "failed", "left to a person", "price changed", "deposit ran out"];
/// What a provider's own rules are there for.
const OWN: [(&str, &str); 15] = [
    ("klikoo", "a forged callback"),
    ("pln-prepaid", "a forged callback"),
    ("pln-prepaid", "found by advice"),
    ("pln-prepaid", "a stroom token"),
    ("mmbc-pulsa", "sent again"),
    ("mmbc-pulsa", "not sent again on the next day"),
    ("mmbc-pulsa", "not sent again around midnight"),
    ("mmbc-pulsa", "barred by a code"),
    ("mmbc-pulsa", "held back beside an equal purchase"),
    ("biller-v2", "a forged callback"),
    ("biller-v2", "a late status"),
    ("biller-v2", "a stroom token"),
    ("sidompul", "found in history or detail"),
    ("sidompul", "held back beside an equal purchase"),
    ("sidompul", "an inject succeeded"),
];
/// What happens to the processes, the network and the store.
const ANYWHERE: [&str; 12] = [
    "deaths",
    "recovered",
    "jumps of an hour",
    "jumps of 91 days",
    "freezes",
    "store errors",
    "two processes",
    "two providers",
    "callback delivered",
    "callback lost",
    "callback doubled",
    "callback reordered",
];

/// Counts, by provider and by what happened; the provider is empty for what concerns none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen(BTreeMap<(&'static str, &'static str), usize>);

impl Seen {
    pub fn note(&mut self, provider: &'static str, what: &'static str) {
        *self.0.entry((provider, what)).or_default() += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (key, count) in &other.0 {
            *self.0.entry(*key).or_default() += count;
        }
    }

    pub fn assert_everything_happened(&self) {
        let everywhere = crate::sides::ALL.iter().flat_map(|side| EVERYWHERE.map(|what| (side.provider(), what)));
        let faults = crate::faults::NETWORK.map(|what| ("", what));
        let expected: Vec<_> = everywhere.chain(OWN).chain(ANYWHERE.map(|what| ("", what))).chain(faults).collect();
        let missing: Vec<_> = expected.into_iter().filter(|key| !self.0.contains_key(key)).collect();
        assert!(missing.is_empty(), "no seed saw: {missing:?}\n{self}");
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = None;
        for ((provider, what), count) in &self.0 {
            if last != Some(provider) {
                write!(
                    f,
                    "{}  {}:",
                    if last.is_some() { "\n" } else { "" },
                    if provider.is_empty() { "all" } else { provider }
                )?;
            } else {
                f.write_str(",")?;
            }
            write!(f, " {what} {count}")?;
            last = Some(provider);
        }
        Ok(())
    }
}
