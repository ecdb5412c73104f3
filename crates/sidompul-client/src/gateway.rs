//! Faults of the API gateway in front of SIDOMPUL: JSON and XML, with their codes.
//!
//! The code decides, never the HTTP status or the content type: older gateways write XML, newer ones JSON, and one code comes with
//! different statuses. Source: WSO2 API Manager, Error Handling.

use biller_core::{RawJson, Timestamp};

/// What the gateway said instead of passing the request on, or instead of the backend's reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its code, such as 900901; 403, 404 and 405 in a "status report".
    pub code: u32,
    /// Whether it has the form of a status report: no API, resource or method of that name.
    pub is_status_report: bool,
    /// The gateway's own words.
    pub message: Option<String>,
    /// When the quota is full again, for a throttled call.
    pub next_access: Option<Timestamp>,
}

impl Fault {
    /// Reads a fault body; `None` for anything else.
    ///
    /// ```
    /// use sidompul_client::gateway::Fault;
    ///
    /// let xml = br#"<ams:fault xmlns:ams="http://wso2.org/apimanager/security"><ams:code>900901</ams:code></ams:fault>"#;
    /// assert_eq!(Fault::read(xml).map(|fault| fault.code), Some(900_901));
    /// assert_eq!(Fault::read(b"<html><h1>503</h1></html>"), None);
    /// ```
    pub fn read(body: &[u8]) -> Option<Self> {
        if body.trim_ascii().first() == Some(&b'<') {
            return Self::from_xml(std::str::from_utf8(body).ok()?);
        }
        let body = RawJson::from_slice(body).ok()?;
        match body.get("fault") {
            Some(fault) => Self::from_json(&fault),
            None if body.get("type").is_some() && body.get("message").is_some() => Self::from_json(&body),
            None => None,
        }
    }

    fn from_json(fault: &RawJson) -> Option<Self> {
        let text = |name: &str| fault.get(name).and_then(|value| scalar(&value));
        let kind = text("type");
        Some(Self {
            code: text("code")?.parse().ok()?,
            is_status_report: kind.is_some_and(|kind| kind.eq_ignore_ascii_case("status report")),
            message: text("description").or_else(|| text("message")),
            next_access: text("nextAccessTime").as_deref().and_then(next_access),
        })
    }

    fn from_xml(text: &str) -> Option<Self> {
        let fault = element(text, "fault")?;
        let words =
            |name: &str| element(fault, name).map(str::trim).filter(|words| !words.is_empty()).map(str::to_owned);
        Some(Self {
            code: element(fault, "code")?.trim().parse().ok()?,
            is_status_report: words("type").is_some_and(|kind| kind.eq_ignore_ascii_case("status report")),
            message: words("description").or_else(|| words("message")),
            next_access: words("nextAccessTime").as_deref().and_then(next_access),
        })
    }
}

/// The text of a JSON string or number.
pub(crate) fn scalar(value: &RawJson) -> Option<String> {
    match value.as_str().bytes().next()? {
        b'"' => value.parse().ok(),
        b'-' | b'0'..=b'9' => Some(value.as_str().to_owned()),
        _ => None,
    }
}

/// What stands between `<prefix:name …>` and the closing tag, or the end where it is missing.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        let tag_end = after.find(['>', ' ', '\t', '\r', '\n', '/'])?;
        let tag = &after[..tag_end];
        if let Some((prefix, local)) = tag.split_once(':')
            && !prefix.is_empty()
            && local == name
        {
            let (_, inside) = after.split_once('>')?;
            let closing = format!("</{tag}");
            return Some(inside.find(&closing).map_or(inside, |end| &inside[..end]));
        }
        rest = after;
    }
    None
}

/// `2021-Mar-30 05:51:00+0000 UTC`.
fn next_access(text: &str) -> Option<Timestamp> {
    let text = text.trim().trim_end_matches("UTC").trim_end();
    let (date, time) = text.split_once(' ')?;
    let mut date = date.split('-');
    let (year, month, day) = (date.next()?, date.next()?, date.next()?);
    let (time, zone) = time.split_at_checked(8)?;
    Timestamp::parse_http_date(&format!("{day} {month} {year} {time} {}", zone.trim()))
}
