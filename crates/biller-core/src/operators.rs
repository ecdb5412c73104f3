use std::collections::BTreeMap;

use crate::rupiah::is_digits;
use crate::{InvalidValue, Msisdn, shape_of};

/// Which operator (brand) gave out the numbers that begin with a prefix: a table that the caller can replace.
///
/// It is a hint for choosing products and for warnings, and never a reason to block a purchase: numbers change hands,
/// lists are incomplete, and the provider decides. The brands XL, AXIS and Smartfren belong to one company and keep
/// their own products. Source: domain rules, Operator prefixes.
///
/// ```
/// use biller_core::{Msisdn, OperatorPrefixes};
///
/// let prefixes = OperatorPrefixes::default();
/// let number = Msisdn::parse("0817 345 544")?;
/// assert_eq!(prefixes.operator_of(&number), Some("XL"));
/// # Ok::<(), biller_core::InvalidValue>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OperatorPrefixes {
    operators: BTreeMap<String, String>,
}

/// 0851 is shared with Telkomsel's brand by.U; 0884 to 0886 are unconfirmed and left out.
const KNOWN: [(&str, &[&str]); 6] = [
    ("Telkomsel", &["0811", "0812", "0813", "0821", "0822", "0823", "0851", "0852", "0853"]),
    ("Indosat", &["0814", "0815", "0816", "0855", "0856", "0857", "0858"]),
    ("XL", &["0817", "0818", "0819", "0859", "0877", "0878", "0879"]),
    ("AXIS", &["0831", "0832", "0833", "0838"]),
    ("Tri", &["0895", "0896", "0897", "0898", "0899"]),
    ("Smartfren", &["0881", "0882", "0883", "0887", "0888", "0889"]),
];

impl OperatorPrefixes {
    /// A table of the caller's own: each row an operator and the prefixes of its numbers in the 0-form, such as `0817`.
    ///
    /// Prefixes may differ in length, up to a whole number of 13 digits.
    ///
    /// # Errors
    /// A row without an operator, a prefix that is no `08` with digits after it, and a prefix given twice are refused.
    pub fn from_rows(rows: impl IntoIterator<Item = (String, Vec<String>)>) -> Result<Self, InvalidValue> {
        let mut operators = BTreeMap::new();
        for (operator, prefixes) in rows {
            if operator.trim().is_empty() {
                return Err(InvalidValue::new("operator", shape_of(&operator), "an operator's name"));
            }
            for prefix in prefixes {
                if !prefix.starts_with("08") || !is_digits(&prefix) || !(3..=13).contains(&prefix.len()) {
                    return Err(InvalidValue::new("prefix", shape_of(&prefix), "3 to 13 digits beginning with 08"));
                }
                if operators.contains_key(&prefix) {
                    return Err(InvalidValue::new("prefix", format!("{prefix} twice"), "each prefix once"));
                }
                operators.insert(prefix, operator.clone());
            }
        }
        Ok(Self { operators })
    }

    /// The operator of the longest prefix that the number begins with, or `None` where the table has none.
    pub fn operator_of(&self, number: &Msisdn) -> Option<&str> {
        let number = number.to_0();
        (1..=number.len()).rev().find_map(|length| self.operators.get(&number[..length])).map(String::as_str)
    }
}

impl Default for OperatorPrefixes {
    /// The prefixes known when this version was made.
    fn default() -> Self {
        let rows = KNOWN.iter().flat_map(|(operator, prefixes)| {
            prefixes.iter().map(|prefix| ((*prefix).to_owned(), (*operator).to_owned()))
        });
        Self { operators: rows.collect() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn row(operator: &str, prefixes: &[&str]) -> (String, Vec<String>) {
        (operator.to_owned(), prefixes.iter().map(|prefix| (*prefix).to_owned()).collect())
    }

    #[test]
    fn known_table_would_be_accepted_as_rows() {
        let rows = KNOWN.iter().map(|(operator, prefixes)| row(operator, prefixes));
        assert_eq!(OperatorPrefixes::from_rows(rows).unwrap(), OperatorPrefixes::default());
    }

    #[test]
    fn every_prefix_of_the_country() {
        let prefixes = OperatorPrefixes::default();
        // One line for each of 081x to 089x, two letters of the operator for each last digit.
        let expected = [
            "-- Te Te Te In In In XL XL XL",
            "-- Te Te Te -- -- -- -- -- --",
            "-- AX AX AX -- -- -- -- AX --",
            "-- -- -- -- -- -- -- -- -- --",
            "-- Te Te Te -- In In In In XL",
            "-- -- -- -- -- -- -- -- -- --",
            "-- -- -- -- -- -- -- XL XL XL",
            "-- Sm Sm Sm -- -- -- Sm Sm Sm",
            "-- -- -- -- -- Tr Tr Tr Tr Tr",
        ];
        for (tens, expected) in (1..).zip(expected) {
            let found: Vec<String> = (0..=9)
                .map(|units| Msisdn::parse(&format!("08{tens}{units}1234567")).unwrap())
                .map(|number| prefixes.operator_of(&number).unwrap_or("--")[..2].to_owned())
                .collect();
            assert_eq!(found.join(" "), expected, "08{tens}x");
        }
    }

    #[test]
    fn longest_prefix_wins() {
        let table = OperatorPrefixes::from_rows([row("A", &["081"]), row("B", &["08121", "0813"])]).unwrap();
        for (number, operator) in
            [("0811234567", Some("A")), ("0812123456", Some("B")), ("0812234567", Some("A")), ("0821234567", None)]
        {
            assert_eq!(table.operator_of(&Msisdn::parse(number).unwrap()), operator, "{number}");
        }
    }

    #[test]
    fn wrong_rows_are_named() {
        for (rows, message) in [
            (vec![row(" ", &["0811"])], "operator: 1 character (1 other); expected an operator's name"),
            (vec![row("A", &["0711"])], "prefix: 4 characters (4 digits); expected 3 to 13 digits beginning with 08"),
            (vec![row("A", &["08"])], "prefix: 2 characters (2 digits); expected 3 to 13 digits beginning with 08"),
            (
                vec![row("A", &["08x1"])],
                "prefix: 4 characters (3 digits, 1 letter); expected 3 to 13 digits beginning with 08",
            ),
            (vec![row("A", &["0811"]), row("B", &["0811"])], "prefix: 0811 twice; expected each prefix once"),
        ] {
            assert_eq!(OperatorPrefixes::from_rows(rows).unwrap_err().to_string(), message);
        }
    }

    proptest! {
        #[test]
        fn no_rows_panic(rows in proptest::collection::vec((any::<String>(), any::<Vec<String>>()), 0..4)) {
            let _ = OperatorPrefixes::from_rows(rows);
        }
    }
}
