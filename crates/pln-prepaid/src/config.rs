use std::fmt;
use std::time::Duration;

use biller_core::{BaseUrl, Error, InvalidValue, Limits, Schedule, Secret, Settings, shape_of};

use crate::auth::{SelfSigned, Token};

/// Where MyBills is, who asks, and what the documents leave open.
///
/// Credentials and the address come from the provider; the address of its production host is published nowhere.
#[derive(Clone)]
pub struct Config {
    pub(crate) base_url: BaseUrl,
    pub(crate) api_secret: Secret,
    pub(crate) token: Token,
    pub(crate) version: String,
    pub(crate) signature_form: SignatureForm,
    pub(crate) authorization_scheme: AuthorizationScheme,
    pub(crate) signed_path: String,
    pub(crate) connect_timeout: Duration,
    pub(crate) read: Limits,
    pub(crate) payment: Limits,
    pub(crate) schedule: Schedule,
    pub(crate) not_found_final_after: Option<Duration>,
}

/// How `X-SIGNATURE` is made and written.
///
/// Formula and code sample of the documents say HMAC-SHA512 in base64; every raw sample shows 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureForm {
    /// HMAC-SHA512 in base64, 88 characters: the default.
    Sha512Base64,
    /// HMAC-SHA512 in lower-case hexadecimal, 128 characters.
    Sha512Hex,
    /// HMAC-SHA256 in lower-case hexadecimal, 64 characters.
    Sha256Hex,
}

/// The word in front of the token in `Authorization`.
///
/// The raw samples of the documents say Bearer, their header tables Basic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationScheme {
    /// `Bearer`: the default.
    Bearer,
    /// `Basic`.
    Basic,
}

impl AuthorizationScheme {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Basic => "Basic",
        }
    }
}

impl Config {
    /// The names that [`from_settings`](Self::from_settings) reads.
    pub const SETTINGS: &'static [&'static str] = &[
        "base_url",
        "api_secret",
        "merchant_id",
        "merchant_outlet_id",
        "merchant_outlet_username",
        "merchant_outlet_device_id",
        "jwt_secret",
        "jwt_lifetime",
        "token",
        "version",
        "signature_form",
        "authorization_scheme",
        "signed_path",
        "connect_timeout",
        "timeout",
        "payment_timeout",
        "decide_after",
        "not_found_final_after",
    ];

    /// The settings that have no default: the address, the API secret that signs requests, and the token.
    ///
    /// `base_url` may carry a deployment prefix. The token is [`SelfSigned`], or the caller's own: see [`Token`].
    ///
    /// ```
    /// use pln_prepaid::Config;
    /// use pln_prepaid::auth::SelfSigned;
    ///
    /// let token = SelfSigned::new(5, 896, "00112233445566778899aabbccddeeff", "jwt-secret");
    /// let error = Config::new("https://host.example/api/mybillsv2", "", token).err().map(|error| error.to_string());
    /// assert_eq!(error.as_deref(), Some("unusable setting: api_secret is empty (not executed)"));
    /// ```
    pub fn new(base_url: &str, api_secret: impl Into<Secret>, token: impl Into<Token>) -> Result<Self, Error> {
        let (api_secret, token) = (api_secret.into(), token.into());
        if api_secret.is_empty() {
            return Err(Error::configuration("api_secret is empty"));
        }
        token.check()?;
        Ok(Self {
            base_url: BaseUrl::parse(base_url)?,
            api_secret,
            token,
            version: "v2.0".to_owned(),
            signature_form: SignatureForm::Sha512Base64,
            authorization_scheme: AuthorizationScheme::Bearer,
            signed_path: "/{version}/{operation}".to_owned(),
            connect_timeout: Duration::from_secs(5),
            read: Limits { timeout: Duration::from_secs(30), max_reply_bytes: 1 << 20 },
            payment: Limits { timeout: Duration::from_secs(60), max_reply_bytes: 1 << 20 },
            schedule: Schedule::from_seconds(&[5, 15, 30, 60, 120, 300], 600),
            not_found_final_after: None,
        })
    }

    /// From settings by name: [`SETTINGS`](Self::SETTINGS). With `token` that token is sent as it is; without it the merchant's and
    /// outlet's names and `jwt_secret` make one. Times are in seconds; `signature_form` is `sha512-base64`, `sha512-hex` or
    /// `sha256-hex`, `authorization_scheme` is `bearer` or `basic`.
    pub fn from_settings(settings: &Settings) -> Result<Self, Error> {
        let number = |name: &str| {
            let number = settings.parsed::<i64>(name, "a whole number")?;
            number.ok_or_else(|| Error::configuration(format!("{name} is missing")))
        };
        let token = match settings.optional("token") {
            Some(token) => Token::supplied(Secret::new(token)),
            None => {
                let token = SelfSigned::new(
                    number("merchant_id")?,
                    number("merchant_outlet_id")?,
                    settings.required("merchant_outlet_username")?,
                    settings.required("jwt_secret")?,
                );
                let token = token.with_lifetime(settings.seconds("jwt_lifetime")?);
                match settings.optional("merchant_outlet_device_id") {
                    Some(device) => token.with_device_id(device).into(),
                    None => token.into(),
                }
            }
        };
        let mut config = Self::new(&settings.required("base_url")?, settings.required("api_secret")?, token)?;
        if let Some(version) = settings.optional("version") {
            config = config.with_version(&version)?;
        }
        if let Some(template) = settings.optional("signed_path") {
            config = config.with_signed_path(&template)?;
        }
        config.signature_form = match settings.optional("signature_form").as_deref() {
            None | Some("sha512-base64") => SignatureForm::Sha512Base64,
            Some("sha512-hex") => SignatureForm::Sha512Hex,
            Some("sha256-hex") => SignatureForm::Sha256Hex,
            Some(_) => {
                return Err(Error::configuration(
                    "signature_form is not usable; expected sha512-base64, sha512-hex or sha256-hex",
                ));
            }
        };
        config.authorization_scheme = match settings.optional("authorization_scheme").as_deref() {
            None | Some("bearer") => AuthorizationScheme::Bearer,
            Some("basic") => AuthorizationScheme::Basic,
            Some(_) => {
                return Err(Error::configuration("authorization_scheme is not usable; expected bearer or basic"));
            }
        };
        config.connect_timeout = settings.seconds("connect_timeout")?.unwrap_or(config.connect_timeout);
        config.read.timeout = settings.seconds("timeout")?.unwrap_or(config.read.timeout);
        config.payment.timeout = settings.seconds("payment_timeout")?.unwrap_or(config.payment.timeout);
        config.schedule.decide_after = settings.seconds("decide_after")?.unwrap_or(config.schedule.decide_after);
        config.not_found_final_after = settings.seconds("not_found_final_after")?;
        Ok(config)
    }

    /// The version in the path: `v2.0` by default. Letters, digits, `.`, `_` and `-` only.
    pub fn with_version(mut self, version: &str) -> Result<Self, Error> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if version.is_empty() || !version.bytes().all(allowed) {
            return Err(InvalidValue::new("version", shape_of(version), "letters, digits, . _ -, such as v2.0").into());
        }
        self.version = version.to_owned();
        Ok(self)
    }

    /// How the signature is made and written. [`SignatureForm::Sha512Base64`] by default.
    #[must_use]
    pub fn with_signature_form(mut self, form: SignatureForm) -> Self {
        self.signature_form = form;
        self
    }

    /// The word in front of the token. [`AuthorizationScheme::Bearer`] by default.
    #[must_use]
    pub fn with_authorization_scheme(mut self, scheme: AuthorizationScheme) -> Self {
        self.authorization_scheme = scheme;
        self
    }

    /// The path inside the signature, in which `{version}` and `{operation}` are replaced: `/{version}/{operation}` by default.
    /// Whether a deployment prefix or the version belongs to it is not settled by the documents.
    pub fn with_signed_path(mut self, template: &str) -> Result<Self, Error> {
        if !template.starts_with('/') || !template.contains("{operation}") {
            return Err(InvalidValue::new(
                "signed_path",
                shape_of(template),
                "a template that begins with / and names {operation}, such as /{version}/{operation}",
            )
            .into());
        }
        self.signed_path = template.to_owned();
        Ok(self)
    }

    /// How long opening a connection may take: 5 s by default. Has to be shorter than the other limits.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Time and size limits of inquiry and advice: 30 s and 1 MiB by default.
    #[must_use]
    pub fn with_read_limits(mut self, limits: Limits) -> Self {
        self.read = limits;
        self
    }

    /// Time and size limits of payment: 60 s and 1 MiB by default.
    #[must_use]
    pub fn with_payment_limits(mut self, limits: Limits) -> Self {
        self.payment = limits;
        self
    }

    /// When to ask for advice: 5 s after the payment, then after 15, 30, 60, 120, 300 s, then every 600 s, and a person after 24 h.
    #[must_use]
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// After how long a purchase that advice does not know counts as failed. **Never by default**: set it only on the provider's own
    /// word. Even then the last three advices, at least 10 minutes apart, must have said so, and nothing else before.
    #[must_use]
    pub fn with_not_found_final_after(mut self, time: Option<Duration>) -> Self {
        self.not_found_final_after = time;
        self
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("base_url", &self.base_url)
            .field("api_secret", &self.api_secret)
            .field("token", &self.token)
            .field("version", &self.version)
            .field("signature_form", &self.signature_form)
            .field("authorization_scheme", &self.authorization_scheme)
            .field("signed_path", &self.signed_path)
            .finish_non_exhaustive()
    }
}
