//! Who asks: username and password, as two fields of every form.
//!
//! There is no token and no signature. Source: MMBC API Pulsa 3.1, the required parameters of all three calls.

use std::fmt;

use biller_core::{Error, Secret};
use bytes::Bytes;

/// The partner's account. It travels in form bodies and is shown nowhere.
#[derive(Clone)]
pub struct Credentials {
    username: Secret,
    password: Secret,
}

impl Credentials {
    /// Takes both into custody; neither may be empty.
    pub fn new(username: impl Into<Secret>, password: impl Into<Secret>) -> Result<Self, Error> {
        let (username, password) = (username.into(), password.into());
        for (name, secret) in [("username", &username), ("password", &password)] {
            if secret.is_empty() {
                return Err(Error::configuration(format!("{name} is empty")));
            }
        }
        Ok(Self { username, password })
    }

    /// The form body of a call: the credentials, then the call's own fields in the given order, in UTF-8.
    ///
    /// ```
    /// use mmbc_pulsa::auth::Credentials;
    ///
    /// let credentials = Credentials::new("dummy", "dummy & 123")?;
    /// let body = credentials.form(&[("itrx", "1"), ("kodeoperator", "TEL5")]);
    /// assert_eq!(body, "username=dummy&password=dummy+%26+123&itrx=1&kodeoperator=TEL5");
    /// # Ok::<(), biller_core::Error>(())
    /// ```
    pub fn form(&self, fields: &[(&str, &str)]) -> Bytes {
        form_urlencoded::Serializer::new(String::new())
            .append_pair("username", self.username.expose())
            .append_pair("password", self.password.expose())
            .extend_pairs(fields)
            .finish()
            .into()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}
