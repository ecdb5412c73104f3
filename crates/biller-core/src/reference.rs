use std::fmt;

use serde::{Deserialize, Serialize};

use crate::invalid_value::impl_from_text;
use crate::{InvalidValue, shape_of};

/// The partner's own id of a purchase: 1 to 64 of `A–Z a–z 0–9 . _ -`.
///
/// A new reference is a new purchase, so it is chosen once by the caller or the journal and stored before anything is
/// sent. Providers narrow the length further. In JSON it is a string. Source: domain rules, Life-cycle of a purchase.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Reference(String);

impl Reference {
    /// Takes the text as it is: nothing is trimmed or changed.
    ///
    /// # Errors
    /// An empty text, one of more than 64 characters and any other character are refused.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if !(1..=64).contains(&text.len()) || !text.bytes().all(allowed) {
            return Err(InvalidValue::new(
                "reference",
                shape_of(text),
                "1 to 64 letters, digits, dots, underscores or hyphens",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl_from_text!(Reference);

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accepted_as_they_are() {
        let longest = "x".repeat(64);
        for text in ["1", "INV-2024.05_21", "-", "aZ09", longest.as_str()] {
            assert_eq!(Reference::parse(text).unwrap().as_str(), text);
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refused() {
        for text in ["", " ", "a b", "a ", "a/b", "a:b", "é", "a\n", &"x".repeat(65)] {
            assert!(Reference::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(
            Reference::parse("a/1").unwrap_err().to_string(),
            "reference: 3 characters (1 digit, 1 letter, 1 other); \
             expected 1 to 64 letters, digits, dots, underscores or hyphens"
        );
    }

    #[test]
    fn json_is_a_checked_string() {
        let reference = Reference::parse("INV-1").unwrap();
        assert_eq!(serde_json::to_string(&reference).unwrap(), "\"INV-1\"");
        assert_eq!(serde_json::from_str::<Reference>("\"INV-1\"").unwrap(), reference);
        assert!(serde_json::from_str::<Reference>("\"INV 1\"").is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = Reference::parse(&text);
        }

        #[test]
        fn round_trip(text in "[A-Za-z0-9._-]{1,64}") {
            let reference = Reference::parse(&text).unwrap();
            prop_assert_eq!(reference.to_string(), text);
            let json = serde_json::to_string(&reference).unwrap();
            prop_assert_eq!(serde_json::from_str::<Reference>(&json).unwrap(), reference);
        }
    }
}
