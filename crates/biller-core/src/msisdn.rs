use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::invalid_value::impl_from_text;
use crate::rupiah::is_digits;
use crate::{InvalidValue, shape_of};

/// An Indonesian mobile number, held as the national significant number: `8`, then a digit from 1 to 9, 9 to 12 digits
/// in all.
///
/// Two numbers are equal when their national numbers are, however they were written. Debug shows the
/// [redacted](Self::redacted) form and there is no Display, because each provider wants its own form. In JSON it is the
/// text of [`to_62`](Self::to_62); any accepted writing is read back. Source: domain rules, MSISDN.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Msisdn(String);

impl Msisdn {
    /// Reads a number in any usual writing: `081213456789`, `+62 812-1345-6789`, `6281213456789`, `006281213456789`,
    /// `81213456789`; a trunk 0 kept after the country code is dropped.
    ///
    /// Blanks, `-`, `.`, `(` and `)` are dropped.
    ///
    /// # Errors
    /// Other characters, other countries, numbers that are not mobile and wrong lengths are refused.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let invalid = |expected| InvalidValue::new("msisdn", shape_of(text), expected);

        let number: String =
            text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '.' | '(' | ')')).collect();
        if !is_digits(number.strip_prefix('+').unwrap_or(&number)) {
            return Err(invalid("digits, with blanks, hyphens, dots, parentheses and one leading + at most"));
        }
        let national = if let Some(international) = number.strip_prefix('+').or_else(|| number.strip_prefix("00")) {
            let national = international.strip_prefix("62").ok_or_else(|| invalid("country code 62 or none"))?;
            national.strip_prefix('0').unwrap_or(national)
        } else if let Some(national) = number.strip_prefix("62") {
            national.strip_prefix('0').unwrap_or(national)
        } else {
            number.strip_prefix('0').unwrap_or(&number)
        };
        if !national.starts_with('8') || !(9..=12).contains(&national.len()) {
            return Err(invalid("a national mobile number of 9 to 12 digits beginning with 8"));
        }
        if national.starts_with("80") {
            return Err(invalid("a national mobile number whose second digit is 1 to 9"));
        }
        Ok(Self(national.to_owned()))
    }

    /// The national significant number, without any prefix: `81213456789`.
    pub fn national(&self) -> &str {
        &self.0
    }

    /// With the country code: `6281213456789`.
    pub fn to_62(&self) -> String {
        format!("62{}", self.0)
    }

    /// With the trunk 0, as it is dialled in the country: `081213456789`.
    pub fn to_0(&self) -> String {
        format!("0{}", self.0)
    }

    /// The international form of E.164: `+6281213456789`.
    pub fn to_e164(&self) -> String {
        format!("+62{}", self.0)
    }

    /// For logs: the first four and the last two digits of the 0-form, stars between, `0812******89`.
    pub fn redacted(&self) -> String {
        let number = self.to_0();
        let hidden = number.len() - 6;
        format!("{}{}{}", &number[..4], "*".repeat(hidden), &number[4 + hidden..])
    }
}

impl_from_text!(Msisdn);

impl fmt::Debug for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Msisdn({})", self.redacted())
    }
}

impl Serialize for Msisdn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_62())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    const MOBILE: &str = "a national mobile number of 9 to 12 digits beginning with 8";
    const SECOND_DIGIT: &str = "a national mobile number whose second digit is 1 to 9";
    const COUNTRY: &str = "country code 62 or none";
    const CHARACTERS: &str = "digits, with blanks, hyphens, dots, parentheses and one leading + at most";

    #[test]
    fn accepted() {
        for (text, national) in [
            ("081213456789", "81213456789"),
            ("+62 812-1345-6789", "81213456789"),
            ("6281213456789", "81213456789"),
            ("0062 81213456789", "81213456789"),
            ("81213456789", "81213456789"),
            ("62081213456789", "81213456789"),
            ("+62081213456789", "81213456789"),
            ("0062081213456789", "81213456789"),
            ("(0812) 1345.6789", "81213456789"),
            ("(+62) 812\u{a0}1345 6789\n", "81213456789"),
            ("0817345544", "817345544"),
            ("08123456789", "8123456789"),
            ("0812345678901", "812345678901"),
        ] {
            assert_eq!(Msisdn::parse(text).unwrap().national(), national, "{text:?}");
            assert_eq!(text.parse::<Msisdn>().unwrap().national(), national, "{text:?}");
        }
    }

    #[test]
    fn refused() {
        for (text, expected) in [
            ("6281213123", MOBILE),
            ("08121345678901", MOBILE),
            ("0211234567", MOBILE),
            ("6221123456789", MOBILE),
            ("620081213456789", MOBILE),
            ("62", MOBILE),
            ("0", MOBILE),
            ("8", MOBILE),
            ("080123456789", SECOND_DIGIT),
            ("+81213456789", COUNTRY),
            ("0081213456789", COUNTRY),
            ("+081213456789", COUNTRY),
            ("00", COUNTRY),
            ("0812x", CHARACTERS),
            ("0812+13456789", CHARACTERS),
            ("++6281213456789", CHARACTERS),
            ("٠٨١٢١٣٤٥٦٧٨٩", CHARACTERS),
            ("+", CHARACTERS),
            ("", CHARACTERS),
        ] {
            let error = Msisdn::parse(text).unwrap_err();
            assert_eq!((error.field(), error.expected()), ("msisdn", expected), "{text:?}");
        }
    }

    #[test]
    fn error_shows_the_shape_only() {
        assert_eq!(
            Msisdn::parse("9981213456789").unwrap_err().to_string(),
            "msisdn: 13 characters (13 digits); expected a national mobile number of 9 to 12 digits beginning with 8"
        );
    }

    #[test]
    fn forms() {
        let number = Msisdn::parse("0812 1345 6789").unwrap();
        assert_eq!(number.to_62(), "6281213456789");
        assert_eq!(number.to_0(), "081213456789");
        assert_eq!(number.to_e164(), "+6281213456789");
        assert_eq!(number.redacted(), "0812******89");
        assert_eq!(format!("{number:?}"), "Msisdn(0812******89)");
        assert_eq!(Msisdn::parse("0817345544").unwrap().redacted(), "0817****44");
    }

    #[test]
    fn json_is_the_62_form() {
        let number = Msisdn::parse("081213456789").unwrap();
        assert_eq!(serde_json::to_string(&number).unwrap(), "\"6281213456789\"");
        assert_eq!(serde_json::from_str::<Msisdn>("\"+62 812-1345-6789\"").unwrap(), number);
        assert!(serde_json::from_str::<Msisdn>("\"0211234567\"").is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in prop_oneof![any::<String>(), "[+()0268. -]{0,20}"]) {
            if let Ok(number) = Msisdn::parse(&text) {
                prop_assert_eq!(number.redacted().len(), number.to_0().len());
            }
        }

        #[test]
        fn every_form_reads_back(national in "8[1-9][0-9]{7,10}") {
            let number = Msisdn::parse(&national).unwrap();
            prop_assert_eq!(number.national(), national);
            for form in [number.to_62(), number.to_0(), number.to_e164(), format!("00{}", number.to_62())] {
                prop_assert_eq!(&Msisdn::parse(&form).unwrap(), &number);
            }
            let json = serde_json::to_string(&number).unwrap();
            prop_assert_eq!(serde_json::from_str::<Msisdn>(&json).unwrap(), number);
        }
    }
}
