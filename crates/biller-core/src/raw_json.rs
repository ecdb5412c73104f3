use std::fmt;

use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::decode::{self, DecodeError};

/// A JSON value kept as the text that was received: what the provider said, unknown fields included.
///
/// It can hold bearer money, so Debug shows only its size and it does not serialise. Equality is on the text.
///
/// ```
/// use biller_core::RawJson;
///
/// let reply = RawJson::from_slice(br#" {"code": "00", "extra": [1.50]} "#)?;
/// assert_eq!(reply.get("extra").map(|extra| extra.as_str().to_owned()).as_deref(), Some("[1.50]"));
/// assert_eq!(reply.get("code").map(|code| code.parse::<String>()), Some(Ok("00".to_owned())));
/// assert_eq!(format!("{reply:?}"), "RawJson(31 bytes)");
/// # Ok::<(), biller_core::decode::DecodeError>(())
/// ```
#[derive(Clone)]
pub struct RawJson(Box<RawValue>);

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        // What a row of a history lost would make it look like another row.
        if raw.get().contains(decode::NO_TEXT) {
            return Err(D::Error::custom("no UTF-8"));
        }
        Ok(Self(raw))
    }
}

impl RawJson {
    /// Takes a whole body; a UTF-8 byte-order mark and white space around the value are dropped.
    ///
    /// # Errors
    /// As [`decode::json`].
    pub fn from_slice(body: &[u8]) -> Result<Self, DecodeError> {
        decode::json(body)
    }

    /// The value's text, every byte as it came.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The members of an object in their order, repeated names included; empty for any other value.
    pub fn members(&self) -> Vec<(String, Self)> {
        serde_json::Deserializer::from_str(self.as_str()).deserialize_map(Members).unwrap_or_default()
    }

    /// The member of that name. Of a repeated name it is the last, which is what most readers of JSON keep.
    pub fn get(&self, name: &str) -> Option<Self> {
        self.members().into_iter().rfind(|(member, _)| member == name).map(|(_, value)| value)
    }

    /// Reads the value as a `T`.
    ///
    /// # Errors
    /// JSON that `T` does not accept.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        decode::json(self.as_str().as_bytes())
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for RawJson {}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawJson({} bytes)", self.as_str().len())
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, RawJson)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    fn raw(text: &str) -> RawJson {
        RawJson::from_slice(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_no_utf_8_is_not_kept() {
        #[derive(Deserialize)]
        struct Reply {
            #[serde(default)]
            rows: Vec<RawJson>,
        }

        assert!(RawJson::from_slice(b"{\"serial\": \"1\xff2\"}").is_err());
        assert!(decode::json::<Reply>(b"{\"rows\": [{\"serial\": \"1\xff2\"}]}").is_err());
        assert!(decode::json::<Reply>(b"{\"else\": \"\xff\"}").unwrap().rows.is_empty());
    }

    #[test]
    fn text_is_kept_as_it_came() {
        for text in ["1000.0", "{ \"a\" :1e3,\n\"a\": 2 }", "\"\\u00e9/\\/\"", "[ ]", "null", "12345678901234567890.10"]
        {
            assert_eq!(raw(&format!("\u{feff} {text}\r\n")).as_str(), text);
        }
    }

    #[test]
    fn members_keep_order_and_repeats() {
        let members = raw(r#"{"b": 1.50, "a": {"c": [null]}, "b": "x", "n": null, "\u0065": 0}"#).members();
        let members: Vec<_> = members.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(members, [("b", "1.50"), ("a", r#"{"c": [null]}"#), ("b", r#""x""#), ("n", "null"), ("e", "0")]);
    }

    #[test]
    fn only_objects_have_members() {
        for text in ["[1]", "null", "\"{}\"", "7", "true", "{}"] {
            assert_eq!(raw(text).members(), [], "{text}");
            assert_eq!(raw(text).get("a"), None, "{text}");
        }
    }

    #[test]
    fn get_takes_the_last_of_a_repeated_name() {
        let object = raw(r#"{"a": 1, "b": 2, "a": 3}"#);
        assert_eq!(object.get("a"), Some(raw("3")));
        assert_eq!(object.get("b"), Some(raw("2")));
        assert_eq!(object.get("c"), None);
    }

    #[test]
    fn parse() {
        assert_eq!(raw("[1, 2]").parse::<Vec<u8>>().unwrap(), [1, 2]);
        assert_eq!(
            raw("\"secret\"").parse::<u8>().unwrap_err().to_string(),
            "JSON of an unexpected shape at line 1, column 8"
        );
    }

    #[test]
    fn as_a_field() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Reply {
            data: RawJson,
            rest: Option<RawJson>,
        }
        let reply: Reply = decode::json(br#"{"data": {"sn": "123"}, "rest": null}"#).unwrap();
        assert_eq!(reply, Reply { data: raw(r#"{"sn": "123"}"#), rest: None });
        assert_eq!(format!("{reply:?}"), "Reply { data: RawJson(13 bytes), rest: None }");
    }

    #[test]
    fn refused() {
        assert_eq!(RawJson::from_slice(b"<html>").unwrap_err().to_string(), "looks like HTML");
        assert_eq!(RawJson::from_slice(b"{\"a\": ").unwrap_err().to_string(), "JSON cut off at line 1, column 5");
        assert!(RawJson::from_slice(b"{} {}").is_err());
    }

    proptest! {
        #[test]
        fn no_body_panics(body in any::<Vec<u8>>()) {
            if let Ok(json) = RawJson::from_slice(&body) {
                let _ = json.members();
            }
        }

        #[test]
        fn members_round_trip(members in proptest::collection::vec((any::<String>(), any::<i64>()), 0..6)) {
            let written: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{}:{value}", serde_json::to_string(name).unwrap()))
                .collect();
            let read: Vec<(String, i64)> = raw(&format!("{{{}}}", written.join(",")))
                .members()
                .into_iter()
                .map(|(name, value)| (name, value.parse().unwrap()))
                .collect();
            prop_assert_eq!(read, members);
        }
    }
}
