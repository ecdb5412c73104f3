use std::fmt;

use serde::{Deserialize, Serialize};

use crate::invalid_value::impl_from_text;
use crate::{InvalidValue, shape_of};

/// A provider's code of a product: 1 to 64 printable ASCII characters without blanks.
///
/// Codes are the provider's own and compared exactly; the case counts. In JSON it is a string. Source: domain rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ProductCode(String);

impl ProductCode {
    /// Takes the text as it is: nothing is trimmed or changed.
    ///
    /// # Errors
    /// An empty text, one of more than 64 characters and any other character are refused.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let allowed = |byte: u8| byte.is_ascii_graphic();
        if !(1..=64).contains(&text.len()) || !text.bytes().all(allowed) {
            return Err(InvalidValue::new(
                "product code",
                shape_of(text),
                "1 to 64 printable ASCII characters without blanks",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl_from_text!(ProductCode);

impl fmt::Display for ProductCode {
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
        for text in ["S5", "PLN/20.000+ADM", "~!\"", "si100", longest.as_str()] {
            assert_eq!(ProductCode::parse(text).unwrap().as_str(), text);
            assert_eq!(text.parse::<ProductCode>().unwrap().to_string(), text);
        }
        assert_ne!(ProductCode::parse("SI100"), ProductCode::parse("si100"));
    }

    #[test]
    fn refused() {
        for text in ["", " ", "S 5", "S5 ", "é", "S5\t", "S5\u{7f}", &"x".repeat(65)] {
            assert!(ProductCode::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(
            ProductCode::parse("S 5").unwrap_err().to_string(),
            "product code: 3 characters (1 digit, 1 letter, 1 other); \
             expected 1 to 64 printable ASCII characters without blanks"
        );
    }

    #[test]
    fn json_is_a_checked_string() {
        let code = ProductCode::parse("S5").unwrap();
        assert_eq!(serde_json::to_string(&code).unwrap(), "\"S5\"");
        assert_eq!(serde_json::from_str::<ProductCode>("\"S5\"").unwrap(), code);
        assert!(serde_json::from_str::<ProductCode>("\"\"").is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = ProductCode::parse(&text);
        }

        #[test]
        fn round_trip(text in "[!-~]{1,64}") {
            let code = ProductCode::parse(&text).unwrap();
            prop_assert_eq!(code.to_string(), text);
            let json = serde_json::to_string(&code).unwrap();
            prop_assert_eq!(serde_json::from_str::<ProductCode>(&json).unwrap(), code);
        }
    }
}
