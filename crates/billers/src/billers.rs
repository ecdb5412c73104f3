use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use biller_core::{Biller, Error, Settings, Wiring};

/// Without an HTTP feature only a given wiring can carry calls. Unused where no provider is on.
#[allow(unused_macros)]
macro_rules! over_http {
    ($client:expr) => {{
        #[cfg(feature = "http-client")]
        {
            $client?
        }
        #[cfg(not(feature = "http-client"))]
        {
            return Err(Error::configuration("no HTTP feature is on; hand in a wiring"));
        }
    }};
}

/// How one provider is built from its settings.
struct Provider {
    /// The name of its feature and of its table in a configuration file.
    name: &'static str,
    /// What its variables begin with in the environment.
    prefix: &'static str,
    settings: &'static [&'static str],
    build: Build,
}

type Build = fn(&Settings, Option<&Wiring>) -> Result<Arc<dyn Biller>, Error>;

/// The providers whose features are on.
const PROVIDERS: &[Provider] = &[
    #[cfg(feature = "klikoo")]
    Provider {
        name: "klikoo",
        prefix: "KLIKOO",
        settings: klikoo::Config::SETTINGS,
        build: |settings, wiring| {
            let config = klikoo::Config::from_settings(settings)?;
            let client = match wiring {
                Some(wiring) => klikoo::Client::with_wiring(config, wiring.clone()),
                None => over_http!(klikoo::Client::new(config)),
            };
            Ok(Arc::new(klikoo::Klikoo::new(client)))
        },
    },
    #[cfg(feature = "pln-prepaid")]
    Provider {
        name: "pln-prepaid",
        prefix: "PLN_PREPAID",
        settings: pln_prepaid::Config::SETTINGS,
        build: |settings, wiring| {
            let config = pln_prepaid::Config::from_settings(settings)?;
            let client = match wiring {
                Some(wiring) => pln_prepaid::Client::with_wiring(config, wiring.clone()),
                None => over_http!(pln_prepaid::Client::new(config)),
            };
            Ok(Arc::new(pln_prepaid::PlnPrepaid::new(client)))
        },
    },
    #[cfg(feature = "mmbc-pulsa")]
    Provider {
        name: "mmbc-pulsa",
        prefix: "MMBC_PULSA",
        settings: mmbc_pulsa::Config::SETTINGS,
        build: |settings, wiring| {
            let config = mmbc_pulsa::Config::from_settings(settings)?;
            let client = match wiring {
                Some(wiring) => mmbc_pulsa::Client::with_wiring(config, wiring.clone()),
                None => over_http!(mmbc_pulsa::Client::new(config)),
            };
            Ok(Arc::new(mmbc_pulsa::MmbcPulsa::new(client)))
        },
    },
    #[cfg(feature = "biller-v2")]
    Provider {
        name: "biller-v2",
        prefix: "BILLER_V2",
        settings: biller_v2::Config::SETTINGS,
        build: |settings, wiring| {
            let config = biller_v2::Config::from_settings(settings)?;
            let client = match wiring {
                Some(wiring) => biller_v2::Client::with_wiring(config, wiring.clone()),
                None => over_http!(biller_v2::Client::new(config)),
            };
            Ok(Arc::new(biller_v2::BillerV2::new(client)))
        },
    },
    #[cfg(feature = "sidompul")]
    Provider {
        name: "sidompul",
        prefix: "SIDOMPUL",
        settings: sidompul_client::Config::SETTINGS,
        build: |settings, wiring| {
            let config = sidompul_client::Config::from_settings(settings)?;
            let client = match wiring {
                Some(wiring) => sidompul_client::Client::with_wiring(config, wiring.clone()),
                None => over_http!(sidompul_client::Client::new(config)),
            };
            Ok(Arc::new(sidompul_client::Sidompul::new(client)))
        },
    },
];

/// The configured providers, each behind the face that all share.
pub struct Billers(BTreeMap<&'static str, Arc<dyn Biller>>);

impl Billers {
    /// From a TOML text with one table per provider, whose keys are the names in the provider's `Config::SETTINGS`.
    ///
    /// Every error is a [`Configuration`](biller_core::ErrorKind::Configuration) error that names the table and the setting; an
    /// unknown table or setting is refused.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        Self::parse(text, None)
    }

    /// As [`from_toml`](Self::from_toml), every provider over this wiring instead of HTTP of its own.
    pub fn from_toml_over(text: &str, wiring: &Wiring) -> Result<Self, Error> {
        Self::parse(text, Some(wiring))
    }

    /// From the environment: `BILLERS` names the providers, separated by commas; each one's settings begin with its name in capitals,
    /// such as `KLIKOO_BASE_URL`.
    pub fn from_env() -> Result<Self, Error> {
        let names = std::env::var("BILLERS").map_err(|_| Error::configuration("BILLERS is missing"))?;
        let mut billers = BTreeMap::new();
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let provider = known(name)?;
            billers.insert(provider.name, provider.built(&Settings::from_env(provider.prefix), None)?);
        }
        Ok(Self(billers))
    }

    /// The provider of this name.
    pub fn get(&self, name: &str) -> Result<Arc<dyn Biller>, Error> {
        self.0.get(name).cloned().ok_or_else(|| {
            let configured: Vec<&str> = self.0.keys().copied().collect();
            Error::configuration(format!("no provider {name} is configured; configured: {}", configured.join(", ")))
        })
    }

    /// All configured providers, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Arc<dyn Biller>)> {
        self.0.iter().map(|(name, biller)| (*name, biller))
    }

    fn parse(text: &str, wiring: Option<&Wiring>) -> Result<Self, Error> {
        // The parser's message would quote the line, and with it a secret.
        let tables: toml::Table =
            text.parse().map_err(|_| Error::configuration("not a TOML text with one table per provider"))?;
        let mut billers = BTreeMap::new();
        for (name, table) in tables {
            let provider = known(&name)?;
            let settings = provider.settings_of(table)?;
            billers.insert(provider.name, provider.built(&settings, wiring)?);
        }
        Ok(Self(billers))
    }
}

fn known(name: &str) -> Result<&'static Provider, Error> {
    PROVIDERS.iter().find(|provider| provider.name == name).ok_or_else(|| {
        let names: Vec<&str> = PROVIDERS.iter().map(|provider| provider.name).collect();
        Error::configuration(format!("unknown provider {name}; with the features that are on: {}", names.join(", ")))
    })
}

impl Provider {
    fn built(&self, settings: &Settings, wiring: Option<&Wiring>) -> Result<Arc<dyn Biller>, Error> {
        (self.build)(settings, wiring).map_err(|error| error.at(self.name, "configuration", None))
    }

    fn settings_of(&self, table: toml::Value) -> Result<Settings, Error> {
        let refuse = |detail: String| Error::configuration(detail).at(self.name, "configuration", None);
        let toml::Value::Table(table) = table else { return Err(refuse("is no table".to_owned())) };
        let mut settings = BTreeMap::new();
        for (name, value) in table {
            if !self.settings.contains(&name.as_str()) {
                return Err(refuse(format!("unknown setting {name}; known: {}", self.settings.join(", "))));
            }
            let value = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Boolean(flag) => flag.to_string(),
                _ => return Err(refuse(format!("{name} is neither text, whole number nor true or false"))),
            };
            settings.insert(name, value);
        }
        Ok(Settings::from_map(settings))
    }
}

impl fmt::Debug for Billers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}
