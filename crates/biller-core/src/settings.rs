use std::collections::BTreeMap;
use std::time::Duration;

use crate::Error;

/// Settings of one provider by name, from the environment or from a configuration file.
///
/// Every error names the setting and what was expected, never its value.
pub struct Settings(Lookup);

type Lookup = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

impl Settings {
    /// Reads `PREFIX_NAME` from the environment, the name in capitals: `base_url` under the prefix `KLIKOO` is `KLIKOO_BASE_URL`.
    pub fn from_env(prefix: &'static str) -> Self {
        Self(Box::new(move |name| std::env::var(format!("{prefix}_{}", name.to_ascii_uppercase())).ok()))
    }

    /// Reads from a map, as a table of a configuration file gives it.
    pub fn from_map(map: BTreeMap<String, String>) -> Self {
        Self(Box::new(move |name| map.get(name).cloned()))
    }

    /// The setting, where it is given and not empty.
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.trim().is_empty())
    }

    /// The setting; without it the configuration is refused.
    pub fn required(&self, name: &str) -> Result<String, Error> {
        self.optional(name).ok_or_else(|| Error::configuration(format!("{name} is missing")))
    }

    /// `true` or `false`, where given.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Error> {
        self.parsed(name, "true or false")
    }

    /// A whole number of seconds, where given.
    pub fn seconds(&self, name: &str) -> Result<Option<Duration>, Error> {
        Ok(self.parsed(name, "a whole number of seconds")?.map(Duration::from_secs))
    }

    /// Anything that is parsed from text, where given; `expected` says what it should look like.
    pub fn parsed<T: std::str::FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, Error> {
        self.optional(name)
            .map(|value| {
                value
                    .trim()
                    .parse()
                    .map_err(|_| Error::configuration(format!("{name} is not usable; expected {expected}")))
            })
            .transpose()
    }
}
