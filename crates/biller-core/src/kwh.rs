use std::fmt;

use serde::{Deserialize, Serialize};

use crate::rupiah::{drop_thousands_dots, is_digits, with_thousands_dots};
use crate::{InvalidValue, shape_of};

/// Electrical energy in hundredths of a kilowatt-hour, as receipts of stroom tokens state it.
///
/// Displayed the Indonesian way with two decimals: `13,44`, `1.234,50`. In JSON it is the integer number of
/// hundredths, both ways. Source: domain rules, Money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kwh(i64);

impl Kwh {
    /// So many hundredths of a kilowatt-hour.
    pub const fn from_hundredths(hundredths: i64) -> Self {
        Self(hundredths)
    }

    /// The number of hundredths of a kilowatt-hour.
    pub const fn hundredths(self) -> i64 {
        self.0
    }

    /// Reads `13`, `13,5`, `13.50` or `1.234,50`, with or without `kWh` (in any case) at the end.
    ///
    /// A comma or a dot before one or two last digits is the decimal mark; dots before every three digits are read as
    /// thousands only where a decimal comma follows.
    ///
    /// # Errors
    /// `1.000` is refused, because it could be one or a thousand; so are signs, exponents and more than two decimals.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        hundredths(strip_unit(text.trim())).map(Self).ok_or_else(|| {
            InvalidValue::new("kwh", shape_of(text), "kilowatt-hours with at most two decimals, such as 13,50")
        })
    }
}

impl fmt::Display for Kwh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let hundredths = self.0.unsigned_abs();
        f.pad(&format!("{sign}{},{:02}", with_thousands_dots(hundredths / 100), hundredths % 100))
    }
}

fn strip_unit(text: &str) -> &str {
    match text.len().checked_sub(3).and_then(|at| text.split_at_checked(at)) {
        Some((number, unit)) if unit.eq_ignore_ascii_case("kwh") => number.trim_end(),
        _ => text,
    }
}

fn hundredths(text: &str) -> Option<i64> {
    let (whole, decimals) = match text.split_once(',') {
        Some((whole, decimals)) => (drop_thousands_dots(whole)?, decimals),
        None => {
            let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
            (whole.to_owned(), decimals)
        }
    };
    if !is_digits(&whole) || !is_digits(decimals) || decimals.len() > 2 {
        return None;
    }
    // One decimal counts tenths.
    let fraction: i64 = format!("{decimals:0<2}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn format() {
        for (text, hundredths) in [
            ("1000.0", Some(100_000)),
            ("10000.00", Some(1_000_000)),
            ("5850", Some(585_000)),
            ("00000500", Some(50_000)),
            ("1.000", None),
            ("18.181", None),
            ("1819,00", Some(181_900)),
            ("RP18.181,00", None),
            ("Rp.410.000", None),
            ("Rp 20.000,-", None),
            ("18.518,52", Some(1_851_852)),
            ("13,50", Some(1350)),
            ("33.7", Some(3370)),
            ("71,3", Some(7130)),
            ("1000.5", Some(100_050)),
            ("-2500", None),
            ("1,819.00", None),
            ("1e3", None),
            ("+5", None),
            ("", None),
            (" 13,44 kWh ", Some(1344)),
            ("13,44KWH", Some(1344)),
            ("1.234.567,8", Some(123_456_780)),
            ("0,05", Some(5)),
            ("kWh", None),
            ("13, 44", None),
            ("13,", None),
            (",44", None),
            (".5", None),
            ("13,445", None),
            ("1234.567,00", None),
            ("1,2,3", None),
            ("92233720368547758,07", Some(i64::MAX)),
            ("92233720368547758,08", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(Kwh::parse(text).ok().map(Kwh::hundredths), hundredths, "{text:?}");
        }
    }

    #[test]
    fn error_names_field_and_form() {
        assert_eq!(
            Kwh::parse("1.000").unwrap_err().to_string(),
            "kwh: 5 characters (4 digits, 1 other); expected kilowatt-hours with at most two decimals, such as 13,50"
        );
    }

    #[test]
    fn display() {
        for (hundredths, text) in [
            (0, "0,00"),
            (5, "0,05"),
            (1344, "13,44"),
            (123_450, "1.234,50"),
            (-5, "-0,05"),
            (i64::MIN, "-92.233.720.368.547.758,08"),
        ] {
            assert_eq!(Kwh::from_hundredths(hundredths).to_string(), text);
        }
    }

    #[test]
    fn json_is_hundredths() {
        assert_eq!(serde_json::to_string(&Kwh::from_hundredths(1344)).unwrap(), "1344");
        assert_eq!(serde_json::from_str::<Kwh>("1344").unwrap(), Kwh::from_hundredths(1344));
        assert!(serde_json::from_str::<Kwh>("13.44").is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in prop_oneof![any::<String>(), "[-+0-9.,kWh ]{0,30}"]) {
            let _ = Kwh::parse(&text);
        }

        #[test]
        fn display_round_trip(hundredths in 0..=i64::MAX) {
            let kwh = Kwh::from_hundredths(hundredths);
            prop_assert_eq!(Kwh::parse(&kwh.to_string()), Ok(kwh));
            prop_assert_eq!(Kwh::parse(&format!("{kwh} kWh")), Ok(kwh));
        }
    }
}
