use std::fmt;

use http::Uri;

use crate::InvalidValue;
use crate::invalid_value::shape_of;

/// Where a provider is reached: scheme, host and, where a deployment has one, a path prefix.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Reads `https://host[:port][/prefix]`; one or more trailing slashes are dropped.
    ///
    /// Plain `http` is accepted for a loopback host only: whoever listens on the way could spend the deposit.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        Self::parse_with(text, false)
    }

    /// As [`parse`](Self::parse), but lets plain `http` through for any host. For networks that are trusted end to end.
    pub fn parse_allow_http(text: &str) -> Result<Self, InvalidValue> {
        Self::parse_with(text, true)
    }

    fn parse_with(text: &str, allow_http: bool) -> Result<Self, InvalidValue> {
        let refuse = |expected: &'static str| InvalidValue::new("base_url", shape_of(text), expected);
        let text = text.trim();
        let uri: Uri = text.parse().map_err(|_| refuse("an address such as https://host/prefix"))?;
        let host = uri.host().unwrap_or_default();
        if host.is_empty() || uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
            return Err(refuse("an address with scheme and host, without user name, such as https://host/prefix"));
        }
        if uri.query().is_some() || text.contains('#') {
            return Err(refuse("an address without query and fragment"));
        }
        let loopback = matches!(host, "localhost" | "[::1]") || host.starts_with("127.");
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if loopback || allow_http => {}
            Some("http") => return Err(refuse("https; plain http needs a loopback host or an explicit permission")),
            _ => return Err(refuse("an address that begins with https://")),
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }

    /// The address without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of `path`, which begins with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn keeps_the_prefix_and_drops_the_slash() {
        let url = BaseUrl::parse("https://host.example/klikoo-b2b/").unwrap();
        assert_eq!(url.join("/v1/open-api"), "https://host.example/klikoo-b2b/v1/open-api");
        assert_eq!(BaseUrl::parse("http://127.0.0.1:8790/pln").unwrap().as_str(), "http://127.0.0.1:8790/pln");
        assert_eq!(BaseUrl::parse_allow_http("http://10.0.0.7").unwrap().as_str(), "http://10.0.0.7");
    }

    #[test]
    fn refuses_what_is_no_base_address() {
        for (text, expected) in [
            ("host.example/v1", "an address such as https://host/prefix"),
            ("", "https://host/prefix"),
            ("ftp://host.example", "begins with https://"),
            ("http://host.example", "plain http needs"),
            ("https://user:word@host.example", "without user name"),
            ("https://host.example/?key=1", "without query"),
            ("https://", "such as https://host/prefix"),
        ] {
            let error = BaseUrl::parse(text).unwrap_err().to_string();
            assert!(error.starts_with("base_url: "), "{error}");
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
