//! Lenient decoding of provider replies, field by field, without a floating-point number on the way.
//!
//! The functions are for `#[serde(default, deserialize_with = "…")]` and give `None` for `null`; `default` covers the
//! missing field. They read the text of a JSON number as it was sent, which needs serde_json and a field that serde
//! does not buffer: they fail inside an untagged enum or a flattened struct. [`RawJson`](crate::RawJson) keeps the rest
//! of a reply there. Formats: domain rules, Money.
//!
//! ```
//! use biller_core::{Rupiah, decode};
//!
//! #[derive(serde::Deserialize)]
//! struct Row {
//!     #[serde(default, deserialize_with = "decode::rupiah")]
//!     price: Option<Rupiah>,
//!     #[serde(default, deserialize_with = "decode::text")]
//!     message: Option<String>,
//! }
//!
//! let row: Row = decode::json(br#"{"price": "1000.0", "message": 404}"#)?;
//! assert_eq!(row.price, Some(Rupiah::new(1000)));
//! assert_eq!(row.message.as_deref(), Some("404"));
//! # Ok::<(), decode::DecodeError>(())
//! ```

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, DeserializeSeed, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::{InvalidValue, Rupiah};

/// A body or a part of it that could not be decoded. Display never shows any of its text.
///
/// It proves nothing about what the provider did: on a call that moves money the outcome is unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct DecodeError(#[from] Fault);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("empty body")]
    Empty,
    #[error("looks like HTML")]
    Html,
    #[error("{} at line {line}, column {column}", describe(*.category))]
    Json { category: Category, line: usize, column: usize },
}

fn describe(category: Category) -> &'static str {
    match category {
        Category::Io => "unreadable JSON",
        Category::Syntax => "malformed JSON",
        Category::Data => "JSON of an unexpected shape",
        Category::Eof => "JSON cut off",
    }
}

/// Decodes a whole body. A UTF-8 byte-order mark and white space around the JSON are dropped. What is no UTF-8 reads as a lone surrogate,
/// from which no text can be had: it may stand where nobody looks, a field of [`text`] that holds it is absent, and a
/// [`RawJson`](crate::RawJson), which is kept as it came, is not read from it.
///
/// Line and column of an error count from 1 in what is left.
///
/// # Errors
/// An empty body, one that begins with `<`, malformed or cut JSON, and JSON that `T` does not accept.
pub fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeError> {
    json_seed(body, PhantomData)
}

/// As [`json`], with a seed: for values that are decoded into something that exists already.
///
/// # Errors
/// As `json`.
pub fn json_seed<T, S>(body: &[u8], seed: S) -> Result<T, DecodeError>
where
    S: for<'de> DeserializeSeed<'de, Value = T>,
{
    let body = body.trim_ascii();
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body).trim_ascii();
    match body.first() {
        None => return Err(Fault::Empty.into()),
        Some(b'<') => return Err(Fault::Html.into()),
        Some(_) => {}
    }
    // Checking the whole body at once is faster than each of its strings.
    let text = std::str::from_utf8(body).map_or_else(|_| mended(body), Cow::Borrowed);
    let mut json = serde_json::Deserializer::from_str(&text);
    let value = seed.deserialize(&mut json).and_then(|value| json.end().map(|()| value));
    value.map_err(|error| Fault::Json { category: error.classify(), line: error.line(), column: error.column() }.into())
}

/// Stands for bytes that are no UTF-8: JSON may hold it, and no text is read from it.
pub(crate) const NO_TEXT: &str = r"\ud800";

fn mended(body: &[u8]) -> Cow<'_, str> {
    let part = |bytes: &[u8]| if bytes.is_empty() { "" } else { NO_TEXT };
    body.utf8_chunks().flat_map(|chunk| [chunk.valid(), part(chunk.invalid())]).collect()
}

/// A text for display: a string, or a number as it was written.
///
/// Anything else is `None`, because a field that is only shown must not sink the reply.
///
/// # Errors
/// Only where the JSON itself is malformed.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(scalar(deserializer)?.into_text())
}

/// An amount in the machine format ([`Rupiah::parse_machine`]), from a number or a string; `null` and a blank string
/// are `None`.
///
/// # Errors
/// Anything else.
pub fn rupiah<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Rupiah>, D::Error> {
    strict(deserializer, "amount", Rupiah::parse_machine)
}

/// As [`rupiah`], but whatever is no amount is `None`: for amounts that are only shown or compared.
///
/// # Errors
/// Only where the JSON itself is malformed.
pub fn rupiah_or_absent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Rupiah>, D::Error> {
    or_absent(deserializer, Rupiah::parse_machine)
}

/// A balance: as [`rupiah`], and it may be negative ([`Rupiah::parse_machine_signed`]).
///
/// # Errors
/// As `rupiah`.
pub fn signed_rupiah<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Rupiah>, D::Error> {
    strict(deserializer, "balance", Rupiah::parse_machine_signed)
}

/// A whole number of at most 18 digits, from a number or a string, also written with `.0` or `.00`; `null` and a blank
/// string are `None`.
///
/// # Errors
/// Anything else.
pub fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    strict(deserializer, "integer", whole_number)
}

/// As [`integer`], but whatever is no whole number is `None`.
///
/// # Errors
/// Only where the JSON itself is malformed.
pub fn integer_or_absent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    or_absent(deserializer, whole_number)
}

/// The machine format of signed amounts is the one for every whole number: what is refused there is ambiguous here too.
fn whole_number(text: &str) -> Result<i64, InvalidValue> {
    match Rupiah::parse_machine_signed(text) {
        Ok(number) => Ok(number.get()),
        Err(error) => Err(InvalidValue::new("integer", error.shape(), "a whole number of at most 18 digits")),
    }
}

enum Scalar {
    Null,
    Text(String),
    Other,
}

impl Scalar {
    fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Other => None,
        }
    }
}

fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scalar, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let text = raw.get();
    Ok(match text.bytes().next() {
        Some(b'n') => Scalar::Null,
        Some(b'-' | b'0'..=b'9') => Scalar::Text(text.to_owned()),
        // A lone surrogate is JSON, but no text.
        Some(b'"') => serde_json::from_str(text).map_or(Scalar::Other, Scalar::Text),
        _ => Scalar::Other,
    })
}

fn strict<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    field: &'static str,
    parse: fn(&str) -> Result<T, InvalidValue>,
) -> Result<Option<T>, D::Error> {
    match scalar(deserializer)? {
        Scalar::Null => Ok(None),
        Scalar::Text(text) if text.trim().is_empty() => Ok(None),
        Scalar::Text(text) => parse(&text).map(Some).map_err(|error| D::Error::custom(error.in_field(field))),
        Scalar::Other => Err(D::Error::custom(InvalidValue::new(
            field,
            "an object, array, boolean or broken string",
            "a number or a string",
        ))),
    }
}

fn or_absent<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: fn(&str) -> Result<T, InvalidValue>,
) -> Result<Option<T>, D::Error> {
    Ok(scalar(deserializer)?.into_text().and_then(|text| parse(&text).ok()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Fields {
        #[serde(deserialize_with = "text")]
        text: Option<String>,
        #[serde(deserialize_with = "rupiah")]
        rupiah: Option<Rupiah>,
        #[serde(deserialize_with = "rupiah_or_absent")]
        rupiah_or_absent: Option<Rupiah>,
        #[serde(deserialize_with = "signed_rupiah")]
        signed_rupiah: Option<Rupiah>,
        #[serde(deserialize_with = "integer")]
        integer: Option<i64>,
        #[serde(deserialize_with = "integer_or_absent")]
        integer_or_absent: Option<i64>,
    }

    fn field(name: &str, value: &str) -> Result<Fields, DecodeError> {
        json(format!("{{\"{name}\": {value}}}").as_bytes())
    }

    #[test]
    fn texts() {
        for (value, expected) in [
            (r#""senilai 96950""#, Some("senilai 96950")),
            (r#""a\u00e9\n""#, Some("aé\n")),
            (r#""""#, Some("")),
            ("1000.0", Some("1000.0")),
            ("-5", Some("-5")),
            ("1e3", Some("1e3")),
            ("12345678901234567890123", Some("12345678901234567890123")),
            ("null", None),
            ("true", None),
            (r#"{"a": 1}"#, None),
            ("[1]", None),
            (r#""\ud800""#, None),
        ] {
            assert_eq!(field("text", value).unwrap().text.as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn amounts() {
        let error = Err(());
        for (value, amount, balance) in [
            ("5850", Ok(Some(5850)), Ok(Some(5850))),
            ("1000.0", Ok(Some(1000)), Ok(Some(1000))),
            ("10000.00", Ok(Some(10000)), Ok(Some(10000))),
            (r#"" 00000500 ""#, Ok(Some(500)), Ok(Some(500))),
            (r#""10000.00""#, Ok(Some(10000)), Ok(Some(10000))),
            ("999999999999999999", Ok(Some(999_999_999_999_999_999)), Ok(Some(999_999_999_999_999_999))),
            ("null", Ok(None), Ok(None)),
            (r#""""#, Ok(None), Ok(None)),
            (r#"" ""#, Ok(None), Ok(None)),
            ("-2500", error, Ok(Some(-2500))),
            (r#""-2500.00""#, error, Ok(Some(-2500))),
            ("1.000", error, error),
            ("18.181", error, error),
            ("1000.5", error, error),
            ("1e3", error, error),
            ("1000000000000000000", error, error),
            (r#""1819,00""#, error, error),
            (r#""Rp5""#, error, error),
            ("true", error, error),
            ("{}", error, error),
            ("[5]", error, error),
        ] {
            let got = |value: Option<Rupiah>| value.map(Rupiah::get);
            assert_eq!(field("rupiah", value).map(|f| got(f.rupiah)).map_err(drop), amount, "{value}");
            assert_eq!(field("signed_rupiah", value).map(|f| got(f.signed_rupiah)).map_err(drop), balance, "{value}");
            let lenient = got(field("rupiah_or_absent", value).unwrap().rupiah_or_absent);
            assert_eq!(lenient, amount.unwrap_or(None), "{value}");
        }
    }

    #[test]
    fn integers() {
        let error = Err(());
        for (value, expected) in [
            ("7", Ok(Some(7))),
            ("-7", Ok(Some(-7))),
            ("7.0", Ok(Some(7))),
            (r#""07.00""#, Ok(Some(7))),
            (r#""""#, Ok(None)),
            ("null", Ok(None)),
            ("7.5", error),
            ("7.000", error),
            ("7e1", error),
            (r#""+7""#, error),
            (r#""seven""#, error),
            ("false", error),
        ] {
            assert_eq!(field("integer", value).map(|f| f.integer).map_err(drop), expected, "{value}");
            let lenient = field("integer_or_absent", value).unwrap().integer_or_absent;
            assert_eq!(lenient, expected.unwrap_or(None), "{value}");
        }
    }

    #[test]
    fn missing_fields_are_absent() {
        assert_eq!(json::<Fields>(b"{}").unwrap(), Fields::default());
    }

    #[test]
    fn field_errors_name_shape_and_expectation() {
        let message = |json: &str| serde_json::from_str::<Fields>(json).unwrap_err().to_string();
        assert_eq!(
            message(r#"{"rupiah":"18.181"}"#),
            "amount: 6 characters (5 digits, 1 other); \
             expected whole rupiah without sign or thousands marks, such as 18181 or 18181.00 at line 1 column 19"
        );
        assert_eq!(
            message(r#"{"integer":7.5}"#),
            "integer: 3 characters (2 digits, 1 other); \
             expected a whole number of at most 18 digits at line 1 column 15"
        );
    }

    #[test]
    fn fields_decode_from_a_value_and_a_reader() {
        let text = r#"{"rupiah": "5850.0", "text": 12}"#;
        let expected = Fields { rupiah: Some(Rupiah::new(5850)), text: Some("12".to_owned()), ..Fields::default() };
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::from_value::<Fields>(value).unwrap(), expected);
        assert_eq!(serde_json::from_reader::<_, Fields>(text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn bodies() {
        for (body, expected) in [
            (&b"7"[..], Ok(7)),
            (b" \r\n7\t", Ok(7)),
            (b"\xef\xbb\xbf7", Ok(7)),
            (b"\xef\xbb\xbf \n7\n", Ok(7)),
            (b"\n\xef\xbb\xbf7", Ok(7)),
            (b"", Err("empty body")),
            (b" \n", Err("empty body")),
            (b"\xef\xbb\xbf\n", Err("empty body")),
            (b"\n<!DOCTYPE html>", Err("looks like HTML")),
            (b"7 secret", Err("malformed JSON at line 1, column 3")),
            (b"\xff\xfe", Err("malformed JSON at line 1, column 1")),
            (b"\"secret", Err("JSON cut off at line 1, column 7")),
            (b"{\n \"secret\": 1}", Err("JSON of an unexpected shape at line 1, column 0")),
            (b"\"secret\"", Err("JSON of an unexpected shape at line 1, column 8")),
        ] {
            let decoded = json::<u8>(body).map_err(|error| error.to_string());
            assert_eq!(decoded, expected.map_err(str::to_owned), "{body:?}");
        }
    }

    #[test]
    fn what_is_no_utf_8_is_no_text_and_sinks_nothing_else() {
        let read = json::<Fields>(b"{\"text\": \"a\xffb\", \"else\": \"\xc3\", \"rupiah\": 5}").unwrap();
        assert_eq!((read.text, read.rupiah), (None, Some(Rupiah::new(5))));
        for body in [&b"{\"rupiah\": \"5\xb2\"}"[..], b"{\"te\xffxt\": \"a\"}", b"{\xff}"] {
            assert!(json::<Fields>(body).is_err(), "{body:?}");
        }
        assert!(json::<String>(b"\"a\xffb\"").is_err());
    }

    #[test]
    fn neither_debug_nor_source_shows_the_body() {
        let error = json::<u8>(b"\"secret\"").unwrap_err();
        assert_eq!(format!("{error:?}"), "DecodeError(Json { category: Data, line: 1, column: 8 })");
        assert!(std::error::Error::source(&error).is_none());
    }

    proptest! {
        #[test]
        fn no_body_panics(body in any::<Vec<u8>>()) {
            let _ = json::<Fields>(&body);
        }

        #[test]
        fn no_value_sinks_a_lenient_field(value in any::<String>(), number in any::<i64>()) {
            let quoted = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(field("text", &quoted).unwrap().text, Some(value));
            prop_assert!(field("rupiah_or_absent", &quoted).is_ok());
            prop_assert!(field("integer_or_absent", &quoted).is_ok());
            prop_assert!(field("rupiah_or_absent", &number.to_string()).is_ok());
        }

        #[test]
        fn numbers_and_their_strings_read_alike(number in 0..=999_999_999_999_999_999_i64) {
            for value in [format!("{number}"), format!("\"{number}\""), format!("{number}.0")] {
                prop_assert_eq!(field("rupiah", &value).unwrap().rupiah, Some(Rupiah::new(number)));
                prop_assert_eq!(field("integer", &value).unwrap().integer, Some(number));
            }
        }
    }
}
