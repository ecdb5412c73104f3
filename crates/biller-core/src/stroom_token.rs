use std::fmt;

use zeroize::Zeroizing;

use crate::rupiah::is_digits;
use crate::{InvalidValue, shape_of};

/// A prepaid electricity token: twenty decimal digits that carry a number of 66 bits.
///
/// It is bearer money: whoever reads it can use it. So Debug prints no digit, Display and Serialize do not exist, the
/// digits are wiped from memory on drop, and only [`reveal`](Self::reveal) and [`reveal_grouped`](Self::reveal_grouped)
/// give them out. A token cannot be verified without the meter's key. Source: domain rules, Stroom token; IEC 62055-41.
#[derive(Clone, PartialEq, Eq)]
pub struct StroomToken(Zeroizing<String>);

const DIGITS: usize = 20;

impl StroomToken {
    /// Reads twenty digits; blanks and `-` between them are dropped.
    ///
    /// # Errors
    /// Other characters and other lengths are refused. Never show a refused text as a token: several wrong entries can
    /// lock a meter.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        // Room for the whole text, so that no reallocation leaves digits behind.
        let mut digits = Zeroizing::new(String::with_capacity(text.len()));
        digits.extend(text.chars().filter(|c| !c.is_whitespace() && *c != '-'));
        if digits.len() != DIGITS || !is_digits(&digits) {
            return Err(InvalidValue::new("stroom token", shape_of(text), "20 digits"));
        }
        Ok(Self(digits))
    }

    /// The twenty digits. The text is the caller's to protect.
    pub fn reveal(&self) -> String {
        self.0.as_str().to_owned()
    }

    /// The digits in five groups of four joined by `-`, as they are printed. The text is the caller's to protect.
    pub fn reveal_grouped(&self) -> String {
        let digits = &self.0;
        [&digits[..4], &digits[4..8], &digits[8..12], &digits[12..16], &digits[16..]].join("-")
    }

    /// Whether the number is 2^66 or more, which no meter can have been meant to read. A reason to warn, not to refuse.
    pub fn is_out_of_range(&self) -> bool {
        self.value() >> 66 != 0
    }

    /// Whether the token is of the class that transfers credit: bits 27 and 28, counted from 0 at the lowest, are zero.
    pub fn is_credit_class(&self) -> bool {
        (self.value() >> 27) & 0b11 == 0
    }

    fn value(&self) -> u128 {
        self.0.bytes().fold(0, |value, digit| value * 10 + u128::from(digit - b'0'))
    }
}

impl fmt::Debug for StroomToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StroomToken(..)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn vectors() {
        for (text, out_of_range, credit_class) in [
            ("6156-0790-0556-6477-7418", false, true),
            ("61560790055664777418", false, true),
            (" 6156 0790\t0556-6477 7418 ", false, true),
            ("73786976294838206463", false, false),
            ("73786976294838206464", true, true),
            ("99999999999999999999", true, true),
            ("00000000000000000000", false, true),
            ("00000000000134217727", false, true),
            ("00000000000134217728", false, false),
            ("00000000000268435456", false, false),
            ("00000000000536870912", false, true),
        ] {
            let token = StroomToken::parse(text).unwrap();
            assert_eq!(token.is_out_of_range(), out_of_range, "{text:?}");
            assert_eq!(token.is_credit_class(), credit_class, "{text:?}");
        }
    }

    #[test]
    fn refused() {
        for text in [
            "6156079005566477741",
            "615607900556647774180",
            "6156-0790-0556-6477-741x",
            "6156.0790.0556.6477.7418",
            "٦١٥٦٠٧٩٠٠٥",
            "------",
            "",
        ] {
            assert!(StroomToken::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(
            StroomToken::parse("6156079005566477741").unwrap_err().to_string(),
            "stroom token: 19 characters (19 digits); expected 20 digits"
        );
    }

    #[test]
    fn digits_come_out_only_when_asked_for() {
        let token = StroomToken::parse("6156 0790 0556 6477 7418").unwrap();
        assert_eq!(token.reveal(), "61560790055664777418");
        assert_eq!(token.reveal_grouped(), "6156-0790-0556-6477-7418");
        assert_eq!(format!("{token:?}"), "StroomToken(..)");
    }

    #[test]
    fn equality_is_on_the_digits() {
        let token = StroomToken::parse("61560790055664777418").unwrap();
        assert_eq!(token, StroomToken::parse("6156-0790-0556-6477-7418").unwrap());
        assert_ne!(token, StroomToken::parse("61560790055664777419").unwrap());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in prop_oneof![any::<String>(), "[0-9 -]{0,30}"]) {
            let _ = StroomToken::parse(&text);
        }

        #[test]
        fn digits_round_trip(value in 0..100_000_000_000_000_000_000_u128) {
            let digits = format!("{value:020}");
            let token = StroomToken::parse(&digits).unwrap();
            prop_assert_eq!(token.reveal(), digits);
            prop_assert_eq!(StroomToken::parse(&token.reveal_grouped()).unwrap(), token.clone());
            prop_assert_eq!(token.is_out_of_range(), value >= 73_786_976_294_838_206_464);
        }
    }
}
