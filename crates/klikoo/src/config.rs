use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use biller_core::{BaseUrl, Error, Limits, Schedule, Secret, Settings};

use crate::auth::{PrivateKey, RsaSigner};

/// Where Klikoo is, who asks, and what the documents leave open.
///
/// Get the credentials from Klikoo's dashboard, where the public key is registered too; there is no call for either.
#[derive(Clone)]
pub struct Config {
    pub(crate) base_url: BaseUrl,
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret,
    pub(crate) key: Arc<dyn RsaSigner>,
    pub(crate) timestamp_millis: bool,
    pub(crate) method_case: MethodCase,
    pub(crate) signed_path_prefix: String,
    pub(crate) sign_query: bool,
    pub(crate) connect_timeout: Duration,
    pub(crate) read: Limits,
    pub(crate) buy: Limits,
    pub(crate) schedule: Schedule,
    pub(crate) not_found_final_after: Option<Duration>,
    pub(crate) inquiries: Vec<(String, InquiryKind)>,
}

/// How the HTTP method is written in the text that is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodCase {
    /// `POST`: the default.
    Upper,
    /// `post`, as one of the document's samples has it.
    Lower,
}

/// Which inquiry precedes a purchase through the neutral face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InquiryKind {
    /// The inquiry of prepaid products.
    Prepaid,
    /// The inquiry of bills, which tells what there is to pay.
    Postpaid,
    /// None: the product has no inquiry.
    None,
}

impl Config {
    /// The names that [`from_settings`](Self::from_settings) reads.
    pub const SETTINGS: &'static [&'static str] = &[
        "base_url",
        "client_id",
        "client_secret",
        "private_key",
        "private_key_file",
        "timestamp_millis",
        "method_case",
        "signed_path_prefix",
        "sign_query",
        "connect_timeout",
        "timeout",
        "buy_timeout",
        "decide_after",
        "not_found_final_after",
    ];

    /// The settings that have no default: the address, the client's id and secret, and the RSA key.
    ///
    /// `base_url` may carry a deployment prefix; the paths that are signed begin after it. The key is a [`PrivateKey`] or a
    /// caller's own [`RsaSigner`], for keys that never leave a hardware module.
    pub fn new(
        base_url: &str,
        client_id: impl Into<String>,
        client_secret: impl Into<Secret>,
        key: impl RsaSigner + 'static,
    ) -> Result<Self, Error> {
        let config = Self {
            base_url: BaseUrl::parse(base_url)?,
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            key: Arc::new(key),
            timestamp_millis: true,
            method_case: MethodCase::Upper,
            signed_path_prefix: String::new(),
            sign_query: false,
            connect_timeout: Duration::from_secs(5),
            read: Limits { timeout: Duration::from_secs(30), max_reply_bytes: 1 << 20 },
            buy: Limits { timeout: Duration::from_secs(60), max_reply_bytes: 1 << 20 },
            schedule: Schedule::from_seconds(&[5, 15, 30, 60, 120, 300], 600),
            not_found_final_after: None,
            inquiries: [
                ("POSTPAID", InquiryKind::Postpaid),
                ("PDAM", InquiryKind::Postpaid),
                ("FIRSMEDIA", InquiryKind::Postpaid),
                ("RB", InquiryKind::Postpaid),
                ("PLN", InquiryKind::Prepaid),
                ("OVO", InquiryKind::Prepaid),
                ("GOPAY", InquiryKind::Prepaid),
                ("DN", InquiryKind::Prepaid),
                ("MAX", InquiryKind::Prepaid),
            ]
            .map(|(prefix, kind)| (prefix.to_owned(), kind))
            .to_vec(),
        };
        for (name, empty) in
            [("client_id", config.client_id.is_empty()), ("client_secret", config.client_secret.is_empty())]
        {
            if empty {
                return Err(Error::configuration(format!("{name} is empty")));
            }
        }
        Ok(config)
    }

    /// From settings by name: [`SETTINGS`](Self::SETTINGS). `private_key` is PEM text, `private_key_file` the path of a PEM file;
    /// times are in seconds; `method_case` is `upper` or `lower`.
    pub fn from_settings(settings: &Settings) -> Result<Self, Error> {
        let pem = match (settings.optional("private_key"), settings.optional("private_key_file")) {
            (Some(pem), None) => Secret::new(pem),
            (None, Some(path)) => std::fs::read_to_string(path)
                .map(Secret::new)
                .map_err(|error| Error::configuration("private_key_file cannot be read").with_source(error))?,
            _ => return Err(Error::configuration("exactly one of private_key and private_key_file is needed")),
        };
        let mut config = Self::new(
            &settings.required("base_url")?,
            settings.required("client_id")?,
            settings.required("client_secret")?,
            PrivateKey::from_pem(&pem)?,
        )?;
        config.timestamp_millis = settings.flag("timestamp_millis")?.unwrap_or(config.timestamp_millis);
        config.sign_query = settings.flag("sign_query")?.unwrap_or(config.sign_query);
        config.method_case = match settings.optional("method_case").as_deref() {
            None | Some("upper") => MethodCase::Upper,
            Some("lower") => MethodCase::Lower,
            Some(_) => return Err(Error::configuration("method_case is not usable; expected upper or lower")),
        };
        config.signed_path_prefix = settings.optional("signed_path_prefix").unwrap_or_default();
        config.connect_timeout = settings.seconds("connect_timeout")?.unwrap_or(config.connect_timeout);
        config.read.timeout = settings.seconds("timeout")?.unwrap_or(config.read.timeout);
        config.buy.timeout = settings.seconds("buy_timeout")?.unwrap_or(config.buy.timeout);
        config.schedule.decide_after = settings.seconds("decide_after")?.unwrap_or(config.schedule.decide_after);
        config.not_found_final_after = settings.seconds("not_found_final_after")?;
        Ok(config)
    }

    /// Whether timestamps carry milliseconds; both forms occur in the documents. On by default.
    #[must_use]
    pub fn with_timestamp_millis(mut self, millis: bool) -> Self {
        self.timestamp_millis = millis;
        self
    }

    /// How the method is written in the signed text. Upper case by default.
    #[must_use]
    pub fn with_method_case(mut self, case: MethodCase) -> Self {
        self.method_case = case;
        self
    }

    /// What stands before `/v1` in the signed path. Nothing by default.
    #[must_use]
    pub fn with_signed_path_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.signed_path_prefix = prefix.into();
        self
    }

    /// Whether the query string is part of the signed path. Off by default.
    #[must_use]
    pub fn with_signed_query(mut self, signed: bool) -> Self {
        self.sign_query = signed;
        self
    }

    /// How long opening a connection may take: 5 s by default. Has to be shorter than the other limits.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Time and size limits of every call but buy: 30 s and 1 MiB by default.
    #[must_use]
    pub fn with_read_limits(mut self, limits: Limits) -> Self {
        self.read = limits;
        self
    }

    /// Time and size limits of buy: 60 s and 1 MiB by default.
    #[must_use]
    pub fn with_buy_limits(mut self, limits: Limits) -> Self {
        self.buy = limits;
        self
    }

    /// When to ask what became of a purchase: 5 s after the buy, then after 15, 30, 60, 120, 300 s, then every 600 s, and a person
    /// after 24 h.
    #[must_use]
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// After how long a purchase that no search finds counts as failed. **Never by default**: set it only on Klikoo's own word. Even
    /// then the last three complete searches, at least 10 minutes apart, must have found nothing while every row carried a
    /// reference.
    #[must_use]
    pub fn with_not_found_final_after(mut self, time: Option<Duration>) -> Self {
        self.not_found_final_after = time;
        self
    }

    /// Which inquiry precedes which product, by the beginning of its code; the first that fits counts, none means no inquiry.
    #[must_use]
    pub fn with_inquiries(mut self, inquiries: Vec<(String, InquiryKind)>) -> Self {
        self.inquiries = inquiries;
        self
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("base_url", &self.base_url)
            .field("client_id", &self.client_id)
            .field("client_secret", &self.client_secret)
            .field("timestamp_millis", &self.timestamp_millis)
            .field("method_case", &self.method_case)
            .field("signed_path_prefix", &self.signed_path_prefix)
            .field("sign_query", &self.sign_query)
            .finish_non_exhaustive()
    }
}
