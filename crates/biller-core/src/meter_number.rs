use std::fmt;

use serde::{Deserialize, Serialize};

use crate::invalid_value::impl_from_text;
use crate::rupiah::is_digits;
use crate::{InvalidValue, shape_of};

/// A number that PLN knows a customer by: a meter number (nomor meter, 11 digits) or a customer id (IDPEL, 12 digits).
///
/// Which of the two it is is not enforced, because published samples mix them; no check digit is known. It is a text:
/// a leading 0 belongs to it. Debug shows the [redacted](Self::redacted) form. In JSON it is a string. Source: domain
/// rules, PLN numbers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct MeterNumber(String);

impl MeterNumber {
    /// Reads 11 or 12 digits; blanks and `-` are dropped.
    ///
    /// # Errors
    /// Other characters and other lengths are refused.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let number: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        if !is_digits(&number) || !matches!(number.len(), 11 | 12) {
            return Err(InvalidValue::new(
                "meter number",
                shape_of(text),
                "a meter number of 11 digits or a customer id of 12",
            ));
        }
        Ok(Self(number))
    }

    /// The 11 or 12 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For logs: stars for all but the last four digits, `*******1111`.
    pub fn redacted(&self) -> String {
        let hidden = self.0.len() - 4;
        format!("{}{}", "*".repeat(hidden), &self.0[hidden..])
    }
}

impl_from_text!(MeterNumber);

impl fmt::Debug for MeterNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MeterNumber({})", self.redacted())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        for (text, number) in [
            ("01105691111", Some("01105691111")),
            ("520061321123", Some("520061321123")),
            (" 0110-5691 111\t", Some("01105691111")),
            ("0110569111", None),
            ("5200613211234", None),
            ("0110569111x", None),
            ("01105.691111", None),
            ("٠١١٠٥٦٩١١١١", None),
            ("", None),
        ] {
            assert_eq!(MeterNumber::parse(text).ok().as_ref().map(MeterNumber::as_str), number, "{text:?}");
        }
    }

    #[test]
    fn error_names_both_lengths() {
        assert_eq!(
            MeterNumber::parse("0110569111").unwrap_err().to_string(),
            "meter number: 10 characters (10 digits); expected a meter number of 11 digits or a customer id of 12"
        );
    }

    #[test]
    fn debug_is_redacted() {
        let number: MeterNumber = "01105691111".parse().unwrap();
        assert_eq!(format!("{number:?}"), "MeterNumber(*******1111)");
        assert_eq!(MeterNumber::parse("520061321123").unwrap().redacted(), "********1123");
    }

    #[test]
    fn json_is_a_string() {
        let number = MeterNumber::parse("01105691111").unwrap();
        assert_eq!(serde_json::to_string(&number).unwrap(), "\"01105691111\"");
        assert_eq!(serde_json::from_str::<MeterNumber>("\"0110-5691-111\"").unwrap(), number);
        assert!(serde_json::from_str::<MeterNumber>("\"0110\"").is_err());
        assert!(serde_json::from_str::<MeterNumber>("520061321123").is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in prop_oneof![any::<String>(), "[0-9 -]{0,20}"]) {
            let _ = MeterNumber::parse(&text);
        }

        #[test]
        fn digits_round_trip(digits in "[0-9]{11,12}") {
            let number = MeterNumber::parse(&digits).unwrap();
            prop_assert_eq!(number.as_str(), digits);
            let json = serde_json::to_string(&number).unwrap();
            prop_assert_eq!(serde_json::from_str::<MeterNumber>(&json).unwrap(), number);
        }
    }
}
