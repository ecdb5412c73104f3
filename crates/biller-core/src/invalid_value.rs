use std::borrow::Cow;

/// A text that is not what a field demands: the field, the shape of the text and what was expected.
///
/// Every parser of this crate's values returns it. The text itself is never held, so the error may be logged and shown
/// even where the value was a stroom token or a customer's number.
///
/// ```
/// use biller_core::Msisdn;
///
/// let error = Msisdn::parse("0812-1345").unwrap_err().in_field("destination");
/// assert_eq!(
///     error.to_string(),
///     "destination: 9 characters (8 digits, 1 other); \
///      expected a national mobile number of 9 to 12 digits beginning with 8"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{field}: {shape}; expected {expected}")]
pub struct InvalidValue {
    field: Cow<'static, str>,
    shape: String,
    expected: Cow<'static, str>,
}

impl InvalidValue {
    /// An error for `field`, whose text has `shape` (see [`shape_of`]) instead of being what `expected` says.
    pub fn new(
        field: impl Into<Cow<'static, str>>,
        shape: impl Into<String>,
        expected: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { field: field.into(), shape: shape.into(), expected: expected.into() }
    }

    /// The same error under the name that the field has where the value came from.
    #[must_use]
    pub fn in_field(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { field: name.into(), ..self }
    }

    /// The field's name, such as `msisdn`.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What the text looked like, such as `13 characters (13 digits)`; never the text.
    pub fn shape(&self) -> &str {
        &self.shape
    }

    /// What would have been accepted.
    pub fn expected(&self) -> &str {
        &self.expected
    }
}

/// Describes a text without showing it: its length in characters, and how many of them are ASCII digits, letters and
/// others. An empty text is `empty`.
///
/// ```
/// assert_eq!(biller_core::shape_of("0812-x"), "6 characters (4 digits, 1 letter, 1 other)");
/// ```
pub fn shape_of(text: &str) -> String {
    if text.is_empty() {
        return "empty".to_owned();
    }
    let (mut digits, mut letters, mut others) = (0, 0, 0);
    for character in text.chars() {
        match character {
            '0'..='9' => digits += 1,
            _ if character.is_alphabetic() => letters += 1,
            _ => others += 1,
        }
    }
    let kinds: Vec<String> = [(digits, "digit"), (letters, "letter"), (others, "other")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| counted(count, kind))
        .collect();
    format!("{} ({})", counted(digits + letters + others, "character"), kinds.join(", "))
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// `FromStr` and `TryFrom<String>` for a type that has `parse(&str) -> Result<Self, InvalidValue>`.
macro_rules! impl_from_text {
    ($type:ty) => {
        impl std::str::FromStr for $type {
            type Err = crate::InvalidValue;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $type {
            type Error = crate::InvalidValue;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }
    };
}
pub(crate) use impl_from_text;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shapes() {
        for (text, shape) in [
            ("", "empty"),
            ("7", "1 character (1 digit)"),
            (" ", "1 character (1 other)"),
            ("6281213456789", "13 characters (13 digits)"),
            ("+62 812", "7 characters (5 digits, 2 others)"),
            ("Rp5", "3 characters (1 digit, 2 letters)"),
            ("é٣", "2 characters (1 letter, 1 other)"),
        ] {
            assert_eq!(shape_of(text), shape, "{text:?}");
        }
    }

    #[test]
    fn display_names_field_shape_and_expectation() {
        let error = InvalidValue::new("reference", shape_of("a b"), "one word");
        assert_eq!(error.to_string(), "reference: 3 characters (2 letters, 1 other); expected one word");
        assert_eq!((error.field(), error.expected()), ("reference", "one word"));
        assert_eq!(error.shape(), "3 characters (2 letters, 1 other)");

        let renamed = error.in_field("refNumber".to_owned());
        assert_eq!(renamed.to_string(), "refNumber: 3 characters (2 letters, 1 other); expected one word");
    }

    proptest! {
        #[test]
        fn a_shape_counts_every_character(text in any::<String>()) {
            let shape = shape_of(&text);
            let length = format!("{} character", text.chars().count());
            prop_assert!(text.is_empty() || shape.starts_with(&length));
        }
    }
}
