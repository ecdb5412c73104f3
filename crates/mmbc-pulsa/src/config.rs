use std::time::Duration;

use biller_core::{BaseUrl, Error, Limits, Schedule, Secret, Settings};

use crate::auth::Credentials;

/// Where MMBC is, who asks, and what the document leaves open.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) base_url: BaseUrl,
    pub(crate) credentials: Credentials,
    pub(crate) guarded_resend: bool,
    pub(crate) connect_timeout: Duration,
    pub(crate) call: Limits,
    pub(crate) price_list: Limits,
    pub(crate) prices_max_age: Duration,
    pub(crate) schedule: Schedule,
}

impl Config {
    /// The names that [`from_settings`](Self::from_settings) reads.
    pub const SETTINGS: &'static [&'static str] = &[
        "base_url",
        "allow_insecure_http",
        "username",
        "password",
        "guarded_resend",
        "connect_timeout",
        "timeout",
        "notice_after",
        "decide_after",
    ];

    /// The address that the document names.
    pub const BASE_URL: &'static str = "https://klikmbc.co.id";

    /// The settings that have no default: the account's username and password.
    pub fn new(username: impl Into<Secret>, password: impl Into<Secret>) -> Result<Self, Error> {
        let timeout = Duration::from_secs(60);
        Ok(Self {
            base_url: BaseUrl::parse(Self::BASE_URL)?,
            credentials: Credentials::new(username, password)?,
            guarded_resend: true,
            connect_timeout: Duration::from_secs(10),
            call: Limits { timeout, max_reply_bytes: 256 << 10 },
            price_list: Limits { timeout, max_reply_bytes: 8 << 20 },
            prices_max_age: Duration::from_secs(600),
            schedule: Schedule::trade(),
        })
    }

    /// From settings by name: [`SETTINGS`](Self::SETTINGS). Times are in seconds; `allow_insecure_http` and `guarded_resend` are
    /// `true` or `false`.
    pub fn from_settings(settings: &Settings) -> Result<Self, Error> {
        let mut config = Self::new(settings.required("username")?, settings.required("password")?)?;
        if let Some(base_url) = settings.optional("base_url") {
            config = match settings.flag("allow_insecure_http")? {
                Some(true) => config.with_base_url_allow_http(&base_url)?,
                _ => config.with_base_url(&base_url)?,
            };
        }
        config.guarded_resend = settings.flag("guarded_resend")?.unwrap_or(config.guarded_resend);
        config.connect_timeout = settings.seconds("connect_timeout")?.unwrap_or(config.connect_timeout);
        config.call.timeout = settings.seconds("timeout")?.unwrap_or(config.call.timeout);
        config.price_list.timeout = config.call.timeout;
        config.schedule.notice_after = settings.seconds("notice_after")?.unwrap_or(config.schedule.notice_after);
        config.schedule.decide_after = settings.seconds("decide_after")?.unwrap_or(config.schedule.decide_after);
        Ok(config)
    }

    /// Another address, with `https`, or with `http` on a loopback host: the password travels in every request.
    pub fn with_base_url(mut self, base_url: &str) -> Result<Self, Error> {
        self.base_url = BaseUrl::parse(base_url)?;
        Ok(self)
    }

    /// Another address, plain `http` allowed: for networks that are trusted end to end.
    pub fn with_base_url_allow_http(mut self, base_url: &str) -> Result<Self, Error> {
        self.base_url = BaseUrl::parse_allow_http(base_url)?;
        Ok(self)
    }

    /// Whether a top-up without an answer may be sent again with the same `itrx`, within the guards that
    /// [`MmbcPulsa`](crate::MmbcPulsa) keeps. **On by default.** It rests on reason code 51, "at most once a day"; ask MMBC before
    /// going live whether that also holds for top-ups that failed in the end. Off leaves every lost reply to a person.
    #[must_use]
    pub fn with_guarded_resend(mut self, on: bool) -> Self {
        self.guarded_resend = on;
        self
    }

    /// How long opening a connection may take: 10 s by default. Has to be shorter than the other limits.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Time and size limits of top-up and status: 60 s and 256 KiB by default.
    #[must_use]
    pub fn with_call_limits(mut self, limits: Limits) -> Self {
        self.call = limits;
        self
    }

    /// Time and size limits of the price list: 60 s and 8 MiB by default.
    #[must_use]
    pub fn with_price_list_limits(mut self, limits: Limits) -> Self {
        self.price_list = limits;
        self
    }

    /// How old the price list may be that a purchase is checked against: 10 min by default.
    #[must_use]
    pub fn with_prices_max_age(mut self, age: Duration) -> Self {
        self.prices_max_age = age;
        self
    }

    /// When to ask what became of a purchase: 10 s, 30 s, 1, 2, 5, 10, 15, 30 and 60 min after sending, then hourly; a person after
    /// 24 h.
    #[must_use]
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }
}
