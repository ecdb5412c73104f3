use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use biller_core::{BaseUrl, Error, Limits, Schedule, Secret, Settings, Timestamp};

use crate::operations;

/// Where SIDOMPUL is, who asks, and what the document leaves open.
///
/// XL issues the client's id and secret, the `apiid` and `apikey`, and the dealer's PIN.
#[derive(Clone)]
pub struct Config {
    pub(crate) base_url: BaseUrl,
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret,
    pub(crate) keys: Keys,
    pub(crate) own_keys: BTreeMap<&'static str, Keys>,
    pub(crate) pin: Pin,
    pub(crate) inject_key: InjectKey,
    pub(crate) refused_codes: Vec<String>,
    pub(crate) history_snapshot: bool,
    /// Minutes east of UTC in which history rows are dated.
    history_offset: i32,
    pub(crate) connect_timeout: Duration,
    pub(crate) token: Limits,
    pub(crate) call: Limits,
    pub(crate) list: Limits,
    pub(crate) schedule: Schedule,
}

/// The pair that names the partner at the backend.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) key: Secret,
}

/// The dealer's PIN. In both forms it can spend the balance.
#[derive(Clone, Debug)]
pub enum Pin {
    /// As the dealer types it: encrypted once by SIDOMPUL and then kept in memory.
    Plain(Secret),
    /// As SIDOMPUL's encryption call returned it.
    Encrypted(Secret),
}

/// How the voucher id is called in an inject: the document prints `vId`, a published client sends `vid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InjectKey {
    /// `vId`: the default.
    VId,
    /// `vid`.
    Vid,
}

const PRODUCTION: &str = "https://gateway.egw.xl.co.id";
const MIB: usize = 1 << 20;
const WIB_MINUTES: i32 = 7 * 60;

impl Config {
    /// The names that [`from_settings`](Self::from_settings) reads. The last ones are pairs of their own for single operations, by the
    /// name of the method of [`Client`](crate::Client).
    pub const SETTINGS: &'static [&'static str] = &[
        "base_url",
        "allow_insecure_http",
        "client_id",
        "client_secret",
        "api_id",
        "api_key",
        "pin",
        "encrypted_pin",
        "inject_vid_key",
        "refused_codes",
        "history_snapshot",
        "history_offset",
        "connect_timeout",
        "timeout",
        "token_timeout",
        "decide_after",
        "encrypt_pin_api_id",
        "encrypt_pin_api_key",
        "purchase_package_api_id",
        "purchase_package_api_key",
        "transaction_history_api_id",
        "transaction_history_api_key",
        "reload_pulsa_api_id",
        "reload_pulsa_api_key",
        "dompul_balance_api_id",
        "dompul_balance_api_key",
        "pulsa_balance_api_id",
        "pulsa_balance_api_key",
        "list_products_api_id",
        "list_products_api_key",
        "purchase_package_with_pulsa_api_id",
        "purchase_package_with_pulsa_api_key",
        "awg_stock_api_id",
        "awg_stock_api_key",
        "awg_transactions_api_id",
        "awg_transactions_api_key",
        "awg_transaction_detail_api_id",
        "awg_transaction_detail_api_key",
        "awg_inject_api_id",
        "awg_inject_api_key",
        "xwg_stock_api_id",
        "xwg_stock_api_key",
        "xwg_transactions_api_id",
        "xwg_transactions_api_key",
        "xwg_transaction_detail_api_id",
        "xwg_transaction_detail_api_key",
        "xwg_inject_api_id",
        "xwg_inject_api_key",
        "transaction_history_detail_api_id",
        "transaction_history_detail_api_key",
    ];

    /// The settings that have no default: the client's id and secret, the default pair, and the PIN.
    pub fn new(
        client_id: impl Into<String>,
        client_secret: impl Into<Secret>,
        api_id: impl Into<String>,
        api_key: impl Into<Secret>,
        pin: Pin,
    ) -> Result<Self, Error> {
        let mut schedule = Schedule::trade();
        schedule.stop_after = Some(schedule.decide_after);
        let config = Self {
            base_url: BaseUrl::parse(PRODUCTION)?,
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            keys: Keys { id: api_id.into(), key: api_key.into() },
            own_keys: BTreeMap::new(),
            pin,
            inject_key: InjectKey::VId,
            refused_codes: Vec::new(),
            history_snapshot: true,
            history_offset: WIB_MINUTES,
            connect_timeout: Duration::from_secs(10),
            token: Limits { timeout: Duration::from_secs(30), max_reply_bytes: MIB },
            call: Limits { timeout: Duration::from_secs(60), max_reply_bytes: MIB },
            list: Limits { timeout: Duration::from_secs(60), max_reply_bytes: 8 * MIB },
            schedule,
        };
        let (Pin::Plain(pin) | Pin::Encrypted(pin)) = &config.pin;
        for (name, empty) in [
            ("client_id", config.client_id.is_empty()),
            ("client_secret", config.client_secret.is_empty()),
            ("api_id", config.keys.id.is_empty()),
            ("api_key", config.keys.key.is_empty()),
            ("pin", pin.is_empty()),
        ] {
            if empty {
                return Err(Error::configuration(format!("{name} is empty")));
            }
        }
        Ok(config)
    }

    /// From settings by name: [`SETTINGS`](Self::SETTINGS). Exactly one of `pin` and `encrypted_pin`; `inject_vid_key` is `vId` or
    /// `vid`; `refused_codes` are separated by commas; `history_offset` is written `+07:00`; times are in seconds.
    pub fn from_settings(settings: &Settings) -> Result<Self, Error> {
        let pin = match (settings.optional("pin"), settings.optional("encrypted_pin")) {
            (Some(pin), None) => Pin::Plain(pin.into()),
            (None, Some(pin)) => Pin::Encrypted(pin.into()),
            _ => return Err(Error::configuration("exactly one of pin and encrypted_pin is needed")),
        };
        let mut config = Self::new(
            settings.required("client_id")?,
            settings.required("client_secret")?,
            settings.required("api_id")?,
            settings.required("api_key")?,
            pin,
        )?;
        if let Some(base_url) = settings.optional("base_url") {
            let insecure = settings.flag("allow_insecure_http")?.unwrap_or(false);
            config.base_url = if insecure { BaseUrl::parse_allow_http(&base_url)? } else { BaseUrl::parse(&base_url)? };
        }
        for operation in operations::METHODS {
            let id = settings.optional(&format!("{operation}_api_id"));
            let key = settings.optional(&format!("{operation}_api_key"));
            config = match (id, key) {
                (None, None) => config,
                (Some(id), Some(key)) => config.with_own_keys(operation, id, key)?,
                _ => {
                    return Err(Error::configuration(format!(
                        "{operation}_api_id and {operation}_api_key go together"
                    )));
                }
            };
        }
        config.inject_key = match settings.optional("inject_vid_key").as_deref() {
            None | Some("vId") => InjectKey::VId,
            Some("vid") => InjectKey::Vid,
            Some(_) => return Err(Error::configuration("inject_vid_key is not usable; expected vId or vid")),
        };
        if let Some(codes) = settings.optional("refused_codes") {
            config = config.with_refused_codes(codes.split(',').map(str::trim))?;
        }
        config.history_snapshot = settings.flag("history_snapshot")?.unwrap_or(config.history_snapshot);
        if let Some(offset) = settings.optional("history_offset") {
            config = config.with_history_offset(minutes_of(&offset)?)?;
        }
        config.connect_timeout = settings.seconds("connect_timeout")?.unwrap_or(config.connect_timeout);
        if let Some(timeout) = settings.seconds("timeout")? {
            config.call.timeout = timeout;
            config.list.timeout = timeout;
        }
        config.token.timeout = settings.seconds("token_timeout")?.unwrap_or(config.token.timeout);
        if let Some(time) = settings.seconds("decide_after")? {
            config.schedule.decide_after = time;
            config.schedule.stop_after = Some(time);
        }
        Ok(config)
    }

    /// Where the gateway is: XL's production gateway by default, read as [`BaseUrl`] does.
    #[must_use]
    pub fn with_base_url(mut self, base_url: BaseUrl) -> Self {
        self.base_url = base_url;
        self
    }

    /// A pair of its own for one operation, by the name of its method of [`Client`](crate::Client), such as `reload_pulsa`; XL
    /// issues different pairs to some partners.
    pub fn with_own_keys(
        mut self,
        operation: &str,
        api_id: impl Into<String>,
        api_key: impl Into<Secret>,
    ) -> Result<Self, Error> {
        let Some(name) = operations::METHODS.iter().find(|name| **name == operation) else {
            let known = operations::METHODS.join(", ");
            return Err(Error::configuration(format!(
                "no operation of this name has a pair of its own; expected {known}"
            )));
        };
        let keys = Keys { id: api_id.into(), key: api_key.into() };
        if keys.id.is_empty() || keys.key.is_empty() {
            return Err(Error::configuration(format!("the pair of {name} is empty")));
        }
        self.own_keys.insert(name, keys);
        Ok(self)
    }

    /// How the voucher id is called in an inject. `vId` by default.
    #[must_use]
    pub fn with_inject_key(mut self, key: InjectKey) -> Self {
        self.inject_key = key;
        self
    }

    /// Error codes that certainly mean "refused, nothing charged". **None by default**, because no list is published: set one only
    /// on XL's own word. `00` is refused here.
    pub fn with_refused_codes<T: Into<String>>(mut self, codes: impl IntoIterator<Item = T>) -> Result<Self, Error> {
        self.refused_codes = codes.into_iter().map(Into::into).filter(|code: &String| !code.is_empty()).collect();
        if self.refused_codes.iter().any(|code| code == "00") {
            return Err(Error::configuration("refused_codes holds 00, which means success"));
        }
        Ok(self)
    }

    /// Whether a purchase through [`Sidompul`](crate::Sidompul) reads the history beforehand, so that older rows can never be taken
    /// for it. On by default.
    #[must_use]
    pub fn with_history_snapshot(mut self, snapshot: bool) -> Self {
        self.history_snapshot = snapshot;
        self
    }

    /// The zone of the dates in history rows, in minutes east of UTC: 420 (WIB) by default. The document names none; verify it with
    /// one small purchase.
    pub fn with_history_offset(mut self, minutes: i32) -> Result<Self, Error> {
        if !(-14 * 60..=14 * 60).contains(&minutes) {
            return Err(Error::configuration("history_offset is not usable; expected at most 14 hours"));
        }
        self.history_offset = minutes;
        Ok(self)
    }

    /// How long opening a connection may take: 10 s by default. Has to be shorter than the other limits.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Time and size limits of all calls but lists: 60 s and 1 MiB by default.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.call = limits;
        self
    }

    /// Time and size limits of lists and histories: 60 s and 8 MiB by default.
    #[must_use]
    pub fn with_list_limits(mut self, limits: Limits) -> Self {
        self.list = limits;
        self
    }

    /// Time and size limits of the token call: 30 s and 1 MiB by default.
    #[must_use]
    pub fn with_token_limits(mut self, limits: Limits) -> Self {
        self.token = limits;
        self
    }

    /// When to ask what became of a purchase: 10 s after it, with growing waits up to an hour; by default the last look is after 24 h, and
    /// calls a person.
    #[must_use]
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    pub(crate) fn keys_of(&self, operation: &str) -> &Keys {
        self.own_keys.get(operation).unwrap_or(&self.keys)
    }

    /// The instant of a history date that was read as WIB.
    pub(crate) fn history_date(&self, read_as_wib: Timestamp) -> Timestamp {
        let shift = i64::from(WIB_MINUTES - self.history_offset) * 60_000;
        Timestamp::from_unix_millis(read_as_wib.unix_millis().saturating_add(shift))
    }
}

/// `+07:00`.
fn minutes_of(offset: &str) -> Result<i32, Error> {
    let refuse = || Error::configuration("history_offset is not usable; expected an offset such as +07:00");
    let (sign, digits) = match offset.trim().split_at_checked(1) {
        Some(("+", digits)) => (1, digits),
        Some(("-", digits)) => (-1, digits),
        _ => return Err(refuse()),
    };
    let number = |text: &str| {
        let two = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        two.then(|| text.parse::<i32>().ok()).flatten().filter(|number| *number < 60)
    };
    let (hours, minutes) = digits.split_once(':').ok_or_else(refuse)?;
    let (hours, minutes) = (number(hours).ok_or_else(refuse)?, number(minutes).ok_or_else(refuse)?);
    Ok(sign * (hours * 60 + minutes))
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("base_url", &self.base_url)
            .field("client_id", &self.client_id)
            .field("api_id", &self.keys.id)
            .field("own_keys", &self.own_keys.keys().collect::<Vec<_>>())
            .field("inject_key", &self.inject_key)
            .field("refused_codes", &self.refused_codes)
            .field("history_snapshot", &self.history_snapshot)
            .field("history_offset", &self.history_offset)
            .finish_non_exhaustive()
    }
}
