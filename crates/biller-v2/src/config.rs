use std::fmt;
use std::time::Duration;

use biller_core::{BaseUrl, Error, Limits, Schedule, Secret, Settings};

use crate::model::{Language, callback_url};

/// Where the provider is, who asks, and what the documents leave open.
///
/// Address, key and secret come with the contract; no host is published.
#[derive(Clone)]
pub struct Config {
    pub(crate) base_url: BaseUrl,
    pub(crate) api_key: Secret,
    /// None: no token is sent.
    pub(crate) api_secret: Option<Secret>,
    pub(crate) body: Body,
    pub(crate) language: Language,
    pub(crate) callback_urls: Vec<String>,
    pub(crate) connect_timeout: Duration,
    pub(crate) read: Limits,
    pub(crate) products: Limits,
    pub(crate) payment: Limits,
    pub(crate) inquiry_lifetime: Duration,
    pub(crate) unclear_after: Duration,
    pub(crate) schedule: Schedule,
}

/// What stands in the body of a request whose token carries the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// The payload too, byte for byte: the default.
    Payload,
    /// Nothing, as the documents of the token show it.
    Empty,
}

impl Config {
    /// The names that [`from_settings`](Self::from_settings) reads.
    pub const SETTINGS: &'static [&'static str] = &[
        "base_url",
        "allow_http",
        "api_key",
        "api_secret",
        "signing",
        "body",
        "language",
        "callback_urls",
        "connect_timeout",
        "timeout",
        "payment_timeout",
        "inquiry_lifetime",
        "decide_after",
    ];

    /// The settings that have no default: the address, the API key and the API secret, which is used as it was issued.
    ///
    /// `base_url` may carry a path, which is kept: `https://host/prefix`.
    pub fn new(base_url: &str, api_key: impl Into<Secret>, api_secret: impl Into<Secret>) -> Result<Self, Error> {
        Self::at(BaseUrl::parse(base_url)?, api_key.into(), Some(api_secret.into()))
    }

    /// For gateways that take no tokens: the payload stands in the body alone, and nothing is signed.
    pub fn without_token(base_url: &str, api_key: impl Into<Secret>) -> Result<Self, Error> {
        Self::at(BaseUrl::parse(base_url)?, api_key.into(), None)
    }

    fn at(base_url: BaseUrl, api_key: Secret, api_secret: Option<Secret>) -> Result<Self, Error> {
        if api_key.is_empty() || !api_key.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::configuration("api_key is empty, or holds more than printable ASCII without blanks"));
        }
        if api_secret.as_ref().is_some_and(Secret::is_empty) {
            return Err(Error::configuration("api_secret is empty"));
        }
        let limits = |seconds, max_reply_bytes| Limits { timeout: Duration::from_secs(seconds), max_reply_bytes };
        Ok(Self {
            base_url,
            api_key,
            api_secret,
            body: Body::Payload,
            language: Language::English,
            callback_urls: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            read: limits(30, 1 << 20),
            products: limits(30, 16 << 20),
            payment: limits(60, 1 << 20),
            inquiry_lifetime: Duration::from_secs(30 * 60),
            unclear_after: Duration::from_secs(3600),
            schedule: Schedule {
                jitter_percent: 10,
                stop_after: Some(Duration::from_secs(72 * 3600)),
                ..Schedule::from_seconds(&[150, 300, 600, 1200, 2400], 3600)
            },
        })
    }

    /// From settings by name: [`SETTINGS`](Self::SETTINGS). `signing` is `true` or `false`, `body` is `payload` or `empty`,
    /// `language` is `en` or `id`, `callback_urls` are separated by commas, times are in seconds; `allow_http` lets plain http through
    /// for any host.
    pub fn from_settings(settings: &Settings) -> Result<Self, Error> {
        let base_url = settings.required("base_url")?;
        let base_url = match settings.flag("allow_http")? {
            Some(true) => BaseUrl::parse_allow_http(&base_url)?,
            _ => BaseUrl::parse(&base_url)?,
        };
        let api_secret = match settings.flag("signing")? {
            Some(false) => None,
            _ => Some(Secret::new(settings.required("api_secret")?)),
        };
        let mut config = Self::at(base_url, Secret::new(settings.required("api_key")?), api_secret)?;
        config = match settings.optional("body").as_deref() {
            None | Some("payload") => config,
            Some("empty") => config.with_body(Body::Empty)?,
            Some(_) => return Err(Error::configuration("body is not usable; expected payload or empty")),
        };
        config.language = match settings.optional("language").as_deref() {
            None | Some("en") => Language::English,
            Some("id") => Language::Indonesian,
            Some(_) => return Err(Error::configuration("language is not usable; expected en or id")),
        };
        if let Some(urls) = settings.optional("callback_urls") {
            config = config.with_callback_urls(urls.split(',').map(str::trim))?;
        }
        config.connect_timeout = settings.seconds("connect_timeout")?.unwrap_or(config.connect_timeout);
        config.read.timeout = settings.seconds("timeout")?.unwrap_or(config.read.timeout);
        config.products.timeout = config.read.timeout;
        config.payment.timeout = settings.seconds("payment_timeout")?.unwrap_or(config.payment.timeout);
        config.inquiry_lifetime = settings.seconds("inquiry_lifetime")?.unwrap_or(config.inquiry_lifetime);
        config.schedule.decide_after = settings.seconds("decide_after")?.unwrap_or(config.schedule.decide_after);
        Ok(config)
    }

    /// Another address, such as one from [`BaseUrl::parse_allow_http`].
    #[must_use]
    pub fn with_base_url(mut self, base_url: BaseUrl) -> Self {
        self.base_url = base_url;
        self
    }

    /// What stands in the body. The payload by default; without a token nothing else is possible.
    pub fn with_body(mut self, body: Body) -> Result<Self, Error> {
        if body == Body::Empty && self.api_secret.is_none() {
            return Err(Error::configuration(
                "body is empty while signing is off; one of them has to carry the payload",
            ));
        }
        self.body = body;
        Ok(self)
    }

    /// In which language errors quote the provider. English by default.
    #[must_use]
    pub fn with_language(mut self, language: Language) -> Self {
        self.language = language;
        self
    }

    /// Where payments ask for their callbacks, instead of the address registered with the provider. Put a long random segment into
    /// the path: callbacks are not signed.
    pub fn with_callback_urls<'a>(mut self, urls: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        self.callback_urls = urls.into_iter().map(callback_url).collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// How long opening a connection may take: 10 s by default. Has to be shorter than the other limits.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Time and size limits of inquiry, status and balance: 30 s and 1 MiB by default.
    #[must_use]
    pub fn with_read_limits(mut self, limits: Limits) -> Self {
        self.read = limits;
        self
    }

    /// Time and size limits of the product list: 30 s and 16 MiB by default.
    #[must_use]
    pub fn with_product_limits(mut self, limits: Limits) -> Self {
        self.products = limits;
        self
    }

    /// Time and size limits of payments: 60 s and 1 MiB by default.
    #[must_use]
    pub fn with_payment_limits(mut self, limits: Limits) -> Self {
        self.payment = limits;
        self
    }

    /// The age from which an inquiry is made anew before it is paid: 30 min by default. The lifetime is not documented; an inquiry
    /// that is repeated earlier than that is known to be refused (code 330).
    #[must_use]
    pub fn with_inquiry_lifetime(mut self, lifetime: Duration) -> Self {
        self.inquiry_lifetime = lifetime;
        self
    }

    /// Over how long a time three status answers that prove nothing have to be spread to call a person: 1 h by default.
    #[must_use]
    pub fn with_unclear_after(mut self, time: Duration) -> Self {
        self.unclear_after = time;
        self
    }

    /// When to ask what became of a purchase: 150 s after the payment, then after 300, 600, 1200, 2400 s, then every 3600 s, each up
    /// to a tenth off; a person after 24 h; no more after 72 h.
    #[must_use]
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("base_url", &self.base_url)
            .field("api_key", &self.api_key)
            .field("api_secret", &self.api_secret)
            .field("body", &self.body)
            .field("language", &self.language)
            .field("inquiry_lifetime", &self.inquiry_lifetime)
            .finish_non_exhaustive()
    }
}
