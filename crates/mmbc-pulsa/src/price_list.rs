//! The price list: decoded in one pass, searched, and compared with an earlier one.
//!
//! Rows keep no text of their own. They point into the reply, so that a list of a hundred thousand rows costs little more than its
//! body, and can be fetched again all day.

use std::collections::HashMap;
use std::fmt;

use biller_core::decode::{self, DecodeError};
use biller_core::{Msisdn, OperatorPrefixes, Rupiah};
use bytes::Bytes;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// All products and prices, as MMBC sent them.
///
/// A row that lacks what every product has (type, operator, code, price, status), or whose price is no number, is dropped and
/// counted; the rest of the list survives. Source: MMBC API Pulsa 3.1, Daftar Harga Pulsa.
///
/// ```
/// use biller_core::{Msisdn, OperatorPrefixes, Rupiah};
/// use mmbc_pulsa::PriceList;
///
/// let list = PriceList::parse(
///     r#"[{"tipe": "PULSA", "operator": "AXIS", "kodeoperator": "AXM5", "keterangan": "Pulsa Reguler",
///          "nominal": "5000", "harga": "5850", "status": "Ready"}]"#,
/// )?;
/// let number = Msisdn::parse("0831 1234 5678").expect("a mobile number");
/// let prefixes = OperatorPrefixes::default();
/// let item = list.suggested_for(&number, &prefixes).next().expect("one of AXIS");
/// assert_eq!((item.product_code, item.price, item.is_ready()), ("AXM5", Rupiah::new(5850), true));
/// # Ok::<(), biller_core::decode::DecodeError>(())
/// ```
#[derive(Clone, Default)]
pub struct PriceList {
    body: Bytes,
    /// Texts that the reply holds in escaped form only.
    unescaped: String,
    rows: Vec<Row>,
    dropped: usize,
}

/// A product and its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PriceItem<'a> {
    /// What kind of product it is (`tipe`).
    pub kind: ProductKind<'a>,
    /// The operator, such as `TELKOMSEL`.
    pub operator: &'a str,
    /// The code to order it by (`kodeoperator`); opaque.
    pub product_code: &'a str,
    /// A note, for data packages usually the quota (`keterangan`).
    pub description: Option<&'a str>,
    /// The face value in rupiah (`nominal`); data packages may have none.
    pub denomination: Option<Rupiah>,
    /// What the partner pays, in rupiah (`harga`).
    pub price: Rupiah,
    /// Whether it is sold at the moment (`status`).
    pub availability: Availability<'a>,
}

impl PriceItem<'_> {
    /// Whether it can be bought now. Any status that is not documented counts as not for sale.
    pub fn is_ready(&self) -> bool {
        self.availability == Availability::Ready
    }
}

/// The kind of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProductKind<'a> {
    /// `PULSA`: airtime.
    Airtime,
    /// `PAKET DATA`: a data package.
    Data,
    /// A kind that the document does not know.
    Other(&'a str),
}

/// Whether a product is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability<'a> {
    /// `Ready`.
    Ready,
    /// `Close`.
    Closed,
    /// A status that the document does not know.
    Other(&'a str),
}

/// What differs between two lists for one product. A product whose price and status both changed has two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// What happened.
    pub kind: ChangeKind,
    /// The product in the earlier list; none for a new one.
    pub before: Option<PriceItem<'a>>,
    /// The product in the later list; none for one that is gone.
    pub after: Option<PriceItem<'a>>,
}

/// What happened to a product between two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It was not in the earlier list.
    New,
    /// It is no longer in the list.
    Gone,
    /// It costs more.
    PriceUp,
    /// It costs less.
    PriceDown,
    /// It can be bought again.
    Opened,
    /// It can no longer be bought.
    Closed,
}

impl PriceList {
    /// Decodes a reply in one pass.
    ///
    /// A list that holds what no text or whole number can be read from takes a second, slower pass, which loses no other row.
    ///
    /// # Errors
    /// A body that is no JSON array: empty, HTML, cut off, or an object, which is how a refusal looks.
    pub fn parse(body: impl Into<Bytes>) -> Result<Self, DecodeError> {
        let body = body.into();
        let mut builder = Builder::over(&body);
        if decode::json_seed(&body, &mut builder).is_ok() {
            return Ok(builder.finish(body));
        }
        let mut builder = Builder::over(&body);
        for row in decode::json::<Vec<Box<RawValue>>>(&body)? {
            match decode::json::<LenientRow>(row.get().as_bytes()) {
                Ok(row) => builder.push_lenient(&row),
                Err(_) => builder.dropped += 1,
            }
        }
        Ok(builder.finish(body))
    }

    /// The number of products.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no product.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows could not be read.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// The reply as it came, to be kept and parsed again for a comparison.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// All products in MMBC's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = PriceItem<'_>> {
        self.rows.iter().map(|row| self.item(row))
    }

    /// The product of this code; the case counts. Of a code that is listed twice it is the first.
    pub fn find(&self, product_code: &str) -> Option<PriceItem<'_>> {
        self.iter().find(|item| item.product_code == product_code)
    }

    /// The products of an operator, compared without case.
    pub fn of_operator<'a>(&'a self, operator: &'a str) -> impl Iterator<Item = PriceItem<'a>> {
        self.iter().filter(move |item| item.operator.eq_ignore_ascii_case(operator.trim()))
    }

    /// The products of the operator that the number's prefix points to; all products where the table knows none.
    ///
    /// A hint for choosing, never a reason to refuse another product: numbers change hands.
    pub fn suggested_for<'a>(
        &'a self,
        number: &Msisdn,
        prefixes: &'a OperatorPrefixes,
    ) -> impl Iterator<Item = PriceItem<'a>> + use<'a> {
        let operator = prefixes.operator_of(number);
        self.iter().filter(move |item| operator.is_none_or(|operator| item.operator.eq_ignore_ascii_case(operator)))
    }

    /// The products of this face value.
    pub fn of_denomination(&self, denomination: Rupiah) -> impl Iterator<Item = PriceItem<'_>> {
        self.iter().filter(move |item| item.denomination == Some(denomination))
    }

    /// What changed from this list to a later one: changes and new products in the later list's order, then what is gone.
    ///
    /// Products are told apart by their codes.
    pub fn changes_to<'a>(&'a self, later: &'a Self) -> Vec<Change<'a>> {
        let (before, after) = (self.by_code(), later.by_code());
        let mut changes = Vec::new();
        for item in later.iter().filter(|item| after.get(item.product_code) == Some(item)) {
            match before.get(item.product_code) {
                Some(earlier) => changes.extend(differences(earlier, &item).map(|kind| Change {
                    kind,
                    before: Some(*earlier),
                    after: Some(item),
                })),
                None => changes.push(Change { kind: ChangeKind::New, before: None, after: Some(item) }),
            }
        }
        let gone = self.iter().filter(|item| before.get(item.product_code) == Some(item));
        let gone = gone.filter(|item| !after.contains_key(item.product_code));
        changes.extend(gone.map(|item| Change { kind: ChangeKind::Gone, before: Some(item), after: None }));
        changes
    }

    fn by_code(&self) -> HashMap<&str, PriceItem<'_>> {
        let mut items = HashMap::with_capacity(self.len());
        for item in self.iter() {
            items.entry(item.product_code).or_insert(item);
        }
        items
    }

    fn item(&self, row: &Row) -> PriceItem<'_> {
        PriceItem {
            kind: match self.text(row.kind) {
                word if word.eq_ignore_ascii_case("PULSA") => ProductKind::Airtime,
                word if word.eq_ignore_ascii_case("PAKET DATA") => ProductKind::Data,
                other => ProductKind::Other(other),
            },
            operator: self.text(row.operator),
            product_code: self.text(row.product_code),
            description: Some(self.text(row.description)).filter(|text| !text.is_empty()),
            denomination: row.denomination,
            price: row.price,
            availability: match self.text(row.availability) {
                word if word.eq_ignore_ascii_case("Ready") => Availability::Ready,
                word if word.eq_ignore_ascii_case("Close") => Availability::Closed,
                other => Availability::Other(other),
            },
        }
    }

    fn text(&self, span: Span) -> &str {
        let (start, end) = (span.start as usize, span.start as usize + span.length as usize);
        match start.checked_sub(self.body.len()) {
            Some(start) => self.unescaped.get(start..end - self.body.len()).unwrap_or_default(),
            None => self.body.get(start..end).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default(),
        }
    }
}

fn differences(before: &PriceItem<'_>, after: &PriceItem<'_>) -> impl Iterator<Item = ChangeKind> + use<> {
    let price = match after.price.cmp(&before.price) {
        std::cmp::Ordering::Greater => Some(ChangeKind::PriceUp),
        std::cmp::Ordering::Less => Some(ChangeKind::PriceDown),
        std::cmp::Ordering::Equal => None,
    };
    let sale = match (before.is_ready(), after.is_ready()) {
        (false, true) => Some(ChangeKind::Opened),
        (true, false) => Some(ChangeKind::Closed),
        _ => None,
    };
    price.into_iter().chain(sale)
}

impl fmt::Debug for PriceList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PriceList").field("rows", &self.len()).field("dropped", &self.dropped).finish()
    }
}

/// A product, its texts by their places.
#[derive(Clone, Copy)]
struct Row {
    kind: Span,
    operator: Span,
    product_code: Span,
    description: Span,
    availability: Span,
    denomination: Option<Rupiah>,
    price: Rupiah,
}

/// A text in the body, or past its end, in what was unescaped.
#[derive(Clone, Copy)]
struct Span {
    start: u32,
    length: u32,
}

/// The length of a row as MMBC prints them, about.
const USUAL_ROW: usize = 160;

struct Builder {
    /// Where the body lies: a text that stands in it is known by its address.
    base: usize,
    body_length: usize,
    unescaped: String,
    rows: Vec<Row>,
    dropped: usize,
}

impl Builder {
    fn over(body: &Bytes) -> Self {
        let (base, body_length) = (body.as_ptr().addr(), body.len());
        let rows = Vec::with_capacity(body_length / USUAL_ROW);
        Self { base, body_length, unescaped: String::new(), rows, dropped: 0 }
    }

    fn push(&mut self, row: Option<Row>) {
        match row {
            Some(row) => self.rows.push(row),
            None => self.dropped += 1,
        }
    }

    fn push_lenient(&mut self, row: &LenientRow) {
        let found = row.harga.filter(|_| is_code(row.kodeoperator.trim_ascii())).and_then(|price| {
            Some(Row {
                kind: self.place(&row.tipe)?,
                operator: self.place(&row.operator)?,
                product_code: self.place(&row.kodeoperator)?,
                description: self.place(row.keterangan.as_deref().unwrap_or_default())?,
                availability: self.place(&row.status)?,
                denomination: row.nominal,
                price,
            })
        });
        self.push(found);
    }

    /// Where a text stands: in the body, or kept beside it when it was unescaped or mended.
    fn place(&mut self, text: &str) -> Option<Span> {
        let text = text.trim_ascii();
        let from_base = text.as_ptr().addr().wrapping_sub(self.base);
        if from_base.checked_add(text.len()).is_some_and(|end| end <= self.body_length) {
            return Span::new(from_base, text.len());
        }
        let start = self.body_length + self.unescaped.len();
        self.unescaped.push_str(text);
        Span::new(start, text.len())
    }

    fn finish(self, body: Bytes) -> PriceList {
        let Self { unescaped, rows, dropped, .. } = self;
        PriceList { body, unescaped, rows, dropped }
    }
}

impl Span {
    const EMPTY: Self = Self { start: 0, length: 0 };

    fn new(start: usize, length: usize) -> Option<Self> {
        Some(Self { start: u32::try_from(start).ok()?, length: u32::try_from(length).ok()? })
    }
}

/// What [`ProductCode`](biller_core::ProductCode) takes.
fn is_code(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The whole list; a row of an unexpected type is an error, after which [`LenientRow`] has its turn.
impl<'de> DeserializeSeed<'de> for &mut Builder {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for &mut Builder {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of products")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while let Some(row) = rows.next_element_seed(RowSeed(self))? {
            self.push(row);
        }
        Ok(())
    }
}

/// One row; none where something is missing.
struct RowSeed<'a>(&'a mut Builder);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Field {
    Tipe,
    Operator,
    Kodeoperator,
    Keterangan,
    Nominal,
    Harga,
    Status,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = Option<Row>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Row>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = Option<Row>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a product")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Option<Row>, A::Error> {
        let Self(builder) = self;
        let (mut kind, mut operator, mut product_code, mut availability) = (None, None, None, None);
        let (mut description, mut denomination, mut price) = (Span::EMPTY, None, None);
        while let Some(field) = members.next_key()? {
            match field {
                Field::Tipe => kind = Some(members.next_value_seed(TextSeed(builder))?),
                Field::Operator => operator = Some(members.next_value_seed(TextSeed(builder))?),
                Field::Kodeoperator => product_code = members.next_value_seed(CodeSeed(builder))?,
                Field::Keterangan => description = members.next_value_seed(TextSeed(builder))?,
                Field::Nominal => denomination = members.next_value::<Amount>()?.0,
                Field::Harga => price = members.next_value::<Amount>()?.0,
                Field::Status => availability = Some(members.next_value_seed(TextSeed(builder))?),
                Field::Other => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        let (Some(kind), Some(operator), Some(product_code), Some(availability), Some(price)) =
            (kind, operator, product_code, availability, price)
        else {
            return Ok(None);
        };
        Ok(Some(Row { kind, operator, product_code, description, availability, denomination, price }))
    }
}

/// A text by its place.
struct TextSeed<'a>(&'a mut Builder);

impl<'de> DeserializeSeed<'de> for TextSeed<'_> {
    type Value = Span;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Span, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for TextSeed<'_> {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Span, E> {
        self.0.place(text).ok_or_else(too_large)
    }
}

fn too_large<E: serde::de::Error>() -> E {
    E::custom("a list of more than 4 GiB")
}

/// A product code by its place; none where the text cannot be one.
struct CodeSeed<'a>(&'a mut Builder);

impl<'de> DeserializeSeed<'de> for CodeSeed<'_> {
    type Value = Option<Span>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Span>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for CodeSeed<'_> {
    type Value = Option<Span>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a product code")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Option<Span>, E> {
        is_code(text.trim_ascii()).then(|| TextSeed(self.0).visit_str(text)).transpose()
    }
}

/// An amount in the machine format; none where the text is no amount. A number has to be whole: of another the text is not to be had
/// here.
struct Amount(Option<Rupiah>);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount")
    }

    fn visit_str<E>(self, text: &str) -> Result<Amount, E> {
        Ok(Amount(Rupiah::parse_machine(text).ok()))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Amount, E> {
        self.visit_str(&number.to_string())
    }
}

/// A row in which something has an unexpected type: each field as far as it can be read, numbers from their text.
#[derive(Deserialize)]
struct LenientRow {
    #[serde(deserialize_with = "text")]
    tipe: String,
    #[serde(deserialize_with = "text")]
    operator: String,
    #[serde(deserialize_with = "text")]
    kodeoperator: String,
    #[serde(default, deserialize_with = "decode::text")]
    keterangan: Option<String>,
    #[serde(default, deserialize_with = "decode::rupiah_or_absent")]
    nominal: Option<Rupiah>,
    #[serde(deserialize_with = "decode::rupiah_or_absent")]
    harga: Option<Rupiah>,
    #[serde(deserialize_with = "text")]
    status: String,
}

/// A text that has to be there.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    decode::text(deserializer)?.ok_or_else(|| D::Error::custom("no text"))
}
