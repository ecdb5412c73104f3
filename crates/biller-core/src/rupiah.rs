use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{InvalidValue, shape_of};

/// Whole rupiah: the only type for anything that moves money.
///
/// There are no sen, because no provider charges fractions, and no floating point. Arithmetic is checked. Negative
/// values occur in balances only. Displayed as `Rp18.181` and `-Rp2.500`; in JSON it is an integer, both ways.
///
/// A field of a provider has exactly one format, so the caller names the parser: `18.181` is 18181 for
/// [`parse_human`](Self::parse_human) and an error for [`parse_machine`](Self::parse_machine). Source: domain rules,
/// Money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rupiah(i64);

/// So many digits at most, leading zeros included: any such number fits an `i64`.
const MAX_DIGITS: usize = 18;

impl Rupiah {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// So many whole rupiah.
    pub const fn new(rupiah: i64) -> Self {
        Self(rupiah)
    }

    /// The number of whole rupiah.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whether this is more than nothing.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// The sum, or `None` beyond the range of an `i64`.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` beyond the range of an `i64`.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// So many times the amount, or `None` beyond the range of an `i64`.
    pub fn checked_mul(self, times: i64) -> Option<Self> {
        self.0.checked_mul(times).map(Self)
    }

    /// Reads an amount that a machine wrote: 1 to 18 digits, then `.0`, `.00` or nothing; blanks around are dropped.
    ///
    /// # Errors
    /// Signs, exponents and thousands marks are refused; so is `1.000`, whose zeros could be a thousand.
    pub fn parse_machine(text: &str) -> Result<Self, InvalidValue> {
        machine(text.trim())
            .ok_or_else(|| invalid(text, "whole rupiah without sign or thousands marks, such as 18181 or 18181.00"))
    }

    /// Reads a balance: as [`parse_machine`](Self::parse_machine), and a minus sign may stand in front.
    ///
    /// # Errors
    /// As `parse_machine`.
    pub fn parse_machine_signed(text: &str) -> Result<Self, InvalidValue> {
        let amount = match text.trim().strip_prefix('-') {
            Some(digits) => machine(digits).map(|Self(amount)| Self(-amount)),
            None => machine(text.trim()),
        };
        amount.ok_or_else(|| invalid(text, "whole rupiah without thousands marks, such as 18181 or -18181.00"))
    }

    /// Reads an amount written for people: `RP18.181,00`, `Rp.410.000`, `Rp 20.000,-`, `IDR 500`, `1819,00`.
    ///
    /// The currency may be missing and its case is free; the digits have a dot before every three or none at all;
    /// `,0`, `,00` or `,-` may end it.
    ///
    /// # Errors
    /// Sen other than zero, signs and the English form `1,819.00` are refused.
    pub fn parse_human(text: &str) -> Result<Self, InvalidValue> {
        let number = strip_currency(text.trim());
        let whole = match number.split_once(',') {
            None => Some(number),
            Some((whole, "0" | "00" | "-")) => Some(whole),
            Some(_) => None,
        };
        whole
            .and_then(drop_thousands_dots)
            .and_then(|digits| whole_rupiah(&digits))
            .ok_or_else(|| invalid(text, "whole rupiah in Indonesian writing, such as Rp18.181 or 18181,00"))
    }
}

impl fmt::Display for Rupiah {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        f.pad(&format!("{sign}Rp{}", with_thousands_dots(self.0.unsigned_abs())))
    }
}

fn invalid(text: &str, expected: &'static str) -> InvalidValue {
    InvalidValue::new("amount", shape_of(text), expected)
}

fn machine(text: &str) -> Option<Rupiah> {
    whole_rupiah(text.strip_suffix(".00").or(text.strip_suffix(".0")).unwrap_or(text))
}

fn whole_rupiah(digits: &str) -> Option<Rupiah> {
    if digits.is_empty() || digits.len() > MAX_DIGITS {
        return None;
    }
    let add = |sum: i64, byte: u8| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'));
    digits.bytes().try_fold(0, add).map(Rupiah)
}

fn strip_currency(text: &str) -> &str {
    let without = |word: &str| {
        let (head, rest) = text.split_at_checked(word.len())?;
        head.eq_ignore_ascii_case(word).then_some(rest)
    };
    let rest = match without("rp") {
        Some(rest) => rest.strip_prefix('.').unwrap_or(rest),
        None => without("idr").unwrap_or(text),
    };
    rest.trim_start()
}

/// Whether the text is one or more ASCII digits and nothing else.
pub(crate) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The digits of a number that has a dot before every three digits, or none at all.
pub(crate) fn drop_thousands_dots(text: &str) -> Option<String> {
    let well_formed = match text.split_once('.') {
        None => is_digits(text),
        Some((first, rest)) => {
            is_digits(first) && first.len() <= 3 && rest.split('.').all(|group| group.len() == 3 && is_digits(group))
        }
    };
    well_formed.then(|| text.replace('.', ""))
}

/// The number with a dot before every three digits: `1.234.567`.
pub(crate) fn with_thousands_dots(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('.');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formats() {
        let table: [(&str, Option<i64>, Option<i64>); 21] = [
            ("1000.0", Some(1000), None),
            ("10000.00", Some(10000), None),
            ("5850", Some(5850), Some(5850)),
            ("00000500", Some(500), Some(500)),
            ("1.000", None, Some(1000)),
            ("18.181", None, Some(18181)),
            ("1819,00", None, Some(1819)),
            ("RP18.181,00", None, Some(18181)),
            ("Rp.410.000", None, Some(410_000)),
            ("Rp 20.000,-", None, Some(20_000)),
            ("18.518,52", None, None),
            ("13,50", None, None),
            ("33.7", None, None),
            ("71,3", None, None),
            ("1000.5", None, None),
            ("-2500", None, None),
            ("1,819.00", None, None),
            ("1e3", None, None),
            ("+5", None, None),
            ("", None, None),
            ("  ", None, None),
        ];
        for (text, machine, human) in table {
            assert_eq!(Rupiah::parse_machine(text).ok().map(Rupiah::get), machine, "machine {text:?}");
            assert_eq!(Rupiah::parse_human(text).ok().map(Rupiah::get), human, "human {text:?}");
            let signed = if text == "-2500" { Some(-2500) } else { machine };
            assert_eq!(Rupiah::parse_machine_signed(text).ok().map(Rupiah::get), signed, "signed {text:?}");
        }
    }

    #[test]
    fn machine_edges() {
        let nines = 999_999_999_999_999_999;
        for (text, amount) in [
            ("\t 500 \n", Some(500)),
            ("0", Some(0)),
            ("999999999999999999", Some(nines)),
            ("-999999999999999999.00", Some(-nines)),
            ("1000000000000000000", None),
            ("0000000000000000001", None),
            ("5.", None),
            (".0", None),
            ("-", None),
            ("--5", None),
            ("- 5", None),
            ("-+5", None),
            ("5.000", None),
            ("5.0.0", None),
            ("1 000", None),
            ("٥٠٠", None),
        ] {
            assert_eq!(Rupiah::parse_machine_signed(text).ok().map(Rupiah::get), amount, "{text:?}");
        }
    }

    #[test]
    fn human_edges() {
        for (text, amount) in [
            ("IDR 1.234.567", Some(1_234_567)),
            ("Rp0,00", Some(0)),
            ("Rp. 5.000,0", Some(5000)),
            ("Rp", None),
            ("Rp.", None),
            ("RpRp5", None),
            ("1234.567", None),
            ("1.23", None),
            ("1..000", None),
            (".000", None),
            ("1.000,", None),
            ("1.000,000", None),
            ("1.000,00,-", None),
            ("1.000.-", None),
            ("Rp-5", None),
            ("1.000.000.000.000.000.000", None),
            ("réal", None),
        ] {
            assert_eq!(Rupiah::parse_human(text).ok().map(Rupiah::get), amount, "{text:?}");
        }
    }

    #[test]
    fn errors_do_not_show_the_text() {
        let error = Rupiah::parse_machine("18.181").unwrap_err();
        assert_eq!(
            error.to_string(),
            "amount: 6 characters (5 digits, 1 other); \
             expected whole rupiah without sign or thousands marks, such as 18181 or 18181.00"
        );
    }

    #[test]
    fn display() {
        for (amount, text) in [
            (0, "Rp0"),
            (999, "Rp999"),
            (1000, "Rp1.000"),
            (18_181, "Rp18.181"),
            (-2500, "-Rp2.500"),
            (-100, "-Rp100"),
            (i64::MIN, "-Rp9.223.372.036.854.775.808"),
        ] {
            assert_eq!(Rupiah::new(amount).to_string(), text);
        }
        assert_eq!(format!("{:>10}", Rupiah::new(1000)), "   Rp1.000");
    }

    #[test]
    fn json_is_an_integer_both_ways() {
        assert_eq!(serde_json::to_string(&Rupiah::new(-2500)).unwrap(), "-2500");
        assert_eq!(serde_json::from_str::<Rupiah>("5850").unwrap(), Rupiah::new(5850));
        for json in ["5850.0", "\"5850\"", "null", "9223372036854775808", "1e3"] {
            assert!(serde_json::from_str::<Rupiah>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn arithmetic_is_checked() {
        let max = Rupiah::new(i64::MAX);
        assert_eq!(Rupiah::new(3).checked_add(Rupiah::new(4)), Some(Rupiah::new(7)));
        assert_eq!(Rupiah::new(3).checked_sub(Rupiah::new(4)), Some(Rupiah::new(-1)));
        assert_eq!(Rupiah::new(3).checked_mul(-4), Some(Rupiah::new(-12)));
        assert_eq!(max.checked_add(Rupiah::new(1)), None);
        assert_eq!(Rupiah::new(i64::MIN).checked_sub(Rupiah::new(1)), None);
        assert_eq!(max.checked_mul(2), None);
        assert!(Rupiah::new(1).is_positive());
        assert!(!Rupiah::ZERO.is_positive() && !Rupiah::new(-1).is_positive());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in prop_oneof![any::<String>(), "[-+RpIDR0-9., e]{0,30}"]) {
            let _ = Rupiah::parse_machine(&text);
            let _ = Rupiah::parse_machine_signed(&text);
            let _ = Rupiah::parse_human(&text);
        }

        #[test]
        fn machine_round_trip(amount in -999_999_999_999_999_999_i64..=999_999_999_999_999_999) {
            for text in [amount.to_string(), format!("{amount}.0"), format!(" {amount}.00 ")] {
                prop_assert_eq!(Rupiah::parse_machine_signed(&text), Ok(Rupiah::new(amount)));
            }
        }

        #[test]
        fn display_is_the_human_format(amount in 0..=999_999_999_999_999_999_i64) {
            let shown = Rupiah::new(amount).to_string();
            prop_assert_eq!(Rupiah::parse_human(&shown), Ok(Rupiah::new(amount)));
            prop_assert_eq!(Rupiah::parse_human(&format!("{shown},00")), Ok(Rupiah::new(amount)));
        }

        #[test]
        fn json_round_trip(amount in any::<i64>()) {
            let json = serde_json::to_string(&Rupiah::new(amount)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Rupiah>(&json).unwrap(), Rupiah::new(amount));
        }
    }
}
