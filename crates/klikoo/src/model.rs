//! Requests and replies as Klikoo defines them. Readers are lenient where the documents contradict themselves and exact where
//! money is; the whole of a reply is kept in `raw`.

use std::fmt;
use std::time::Duration;

use biller_core::{
    InvalidValue, Msisdn, ProductCode, RawJson, Reference, Rupiah, Secret, StroomToken, Timestamp, WibDay, decode,
    shape_of,
};
use serde::{Deserialize, Deserializer, Serialize};

/// What a buy and a prepaid inquiry ask for: the same six fields.
///
/// Source: Klikoo Open API, pages "Inquiry Prepaid" and "Buy Product".
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    pub(crate) reference: Reference,
    pub(crate) product_code: ProductCode,
    pub(crate) value: String,
    pub(crate) msisdn: String,
    pub(crate) amount: Rupiah,
    pub(crate) selling_price: Rupiah,
    pub(crate) inquiry_total: Option<Rupiah>,
}

impl Purchase {
    /// A purchase under the partner's reference (`partner_reference_id`; a version 4 UUID is recommended).
    ///
    /// `value` is the destination: a meter, phone, account or driver number, 1 to 32 of `A–Z a–z 0–9 . _ - @ +`. `amount` is the
    /// partner's buy price in whole rupiah; for open-amount products it is the value wanted. The phone number (`msidn` on the
    /// wire) is the destination and the selling price the amount, unless set otherwise.
    ///
    /// ```
    /// use biller_core::Rupiah;
    /// use klikoo::Purchase;
    ///
    /// let error = Purchase::new("A-1", "PLN20", "01105691111", Rupiah::ZERO).unwrap_err();
    /// assert_eq!(error.to_string(), "amount: Rp0; expected at least Rp1");
    /// ```
    pub fn new(reference: &str, product_code: &str, value: &str, amount: Rupiah) -> Result<Self, InvalidValue> {
        let value = destination("value", value)?;
        let product_code = product(product_code)?;
        let amount = at_least_one("amount", amount)?;
        Ok(Self {
            reference: Reference::parse(reference)?,
            product_code,
            msisdn: value.clone(),
            value,
            amount,
            selling_price: amount,
            inquiry_total: None,
        })
    }

    /// The customer's phone number, where the destination is none; BPJS bills need it.
    #[must_use]
    pub fn with_msisdn(mut self, msisdn: &Msisdn) -> Self {
        self.msisdn = msisdn.to_0();
        self
    }

    /// The price to the customer, for the margin on Klikoo's dashboard.
    pub fn with_selling_price(mut self, price: Rupiah) -> Result<Self, InvalidValue> {
        self.selling_price = at_least_one("selling_price", price)?;
        Ok(self)
    }

    /// The inquiry's total, which replies may name instead of the amount.
    #[must_use]
    pub fn with_inquiry_total(mut self, total: Option<Rupiah>) -> Self {
        self.inquiry_total = total;
        self
    }

    /// The partner's reference.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The partner's buy price.
    pub fn amount(&self) -> Rupiah {
        self.amount
    }

    /// The same purchase under another reference; inquiries use one of their own.
    #[must_use]
    pub fn under(&self, reference: Reference) -> Self {
        Self { reference, ..self.clone() }
    }

    /// The amounts that a reply may name.
    pub(crate) fn amounts(&self) -> Vec<Rupiah> {
        [Some(self.amount), self.inquiry_total].into_iter().flatten().collect()
    }
}

impl fmt::Debug for Purchase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Purchase")
            .field("reference", &self.reference)
            .field("product_code", &self.product_code)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

/// A destination: 1 to 32 characters that no server re-encodes.
pub(crate) fn destination(field: &'static str, text: &str) -> Result<String, InvalidValue> {
    let text = text.trim();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(&byte);
    if text.is_empty() || text.len() > 32 || !text.bytes().all(allowed) {
        return Err(InvalidValue::new(field, shape_of(text), "1 to 32 of A-Z a-z 0-9 . _ - @ +"));
    }
    Ok(text.to_owned())
}

/// A product code that no server re-encodes.
fn product(text: &str) -> Result<ProductCode, InvalidValue> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    ProductCode::parse(text)
        .ok()
        .filter(|code| code.as_str().bytes().all(allowed))
        .ok_or_else(|| InvalidValue::new("product_code", shape_of(text), "1 to 64 of A-Z a-z 0-9 . _ -"))
}

fn at_least_one(field: &'static str, amount: Rupiah) -> Result<Rupiah, InvalidValue> {
    if amount.is_positive() { Ok(amount) } else { Err(InvalidValue::new(field, amount.to_string(), "at least Rp1")) }
}

/// Whether two customer numbers are the same: trimmed, and `+62`, `62` and `0` in front of an `8` count alike.
pub(crate) fn same_customer(one: &str, other: &str) -> bool {
    fn national(text: &str) -> &str {
        let text = text.trim();
        ["+62", "62", "0"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix).filter(|rest| rest.starts_with('8')))
            .unwrap_or(text)
    }
    national(one) == national(other)
}

/// The envelope of every reply.
#[derive(Deserialize)]
pub(crate) struct Envelope {
    #[serde(default, deserialize_with = "decode::text")]
    pub(crate) response_code: Option<String>,
    #[serde(default, deserialize_with = "decode::text")]
    pub(crate) response_message: Option<String>,
    #[serde(default)]
    pub(crate) data: Option<RawJson>,
    #[serde(default)]
    pub(crate) meta: Option<RawJson>,
}

/// A token as issued.
pub struct IssuedToken {
    /// The token; opaque, never decoded.
    pub secret: Secret,
    /// How long it lives; 900 s where the reply does not say.
    pub lifetime: Duration,
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
pub(crate) struct TokenData {
    pub(crate) access_token: Secret,
    #[serde(default, deserialize_with = "decode::integer")]
    pub(crate) expires_in: Option<i64>,
}

/// What an inquiry tells. Every field is optional: a refusal carries part of them, and those of bills are not documented.
///
/// Source: Klikoo Open API, pages "Inquiry Prepaid" and "Inquiry Postpaid".
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct InquiryReply {
    /// Name of the product.
    #[serde(default, deserialize_with = "decode::text")]
    pub product_name: Option<String>,
    /// The partner's buy price, in rupiah.
    #[serde(default, deserialize_with = "decode::rupiah")]
    pub amount: Option<Rupiah>,
    /// Total amount of the transaction, in rupiah; what it holds beyond the amount is not documented. For bills: what is to be paid.
    #[serde(default, deserialize_with = "decode::rupiah")]
    pub total: Option<Rupiah>,
    /// Product code.
    #[serde(default, deserialize_with = "decode::text")]
    pub product_code: Option<String>,
    /// Customer number.
    #[serde(default, deserialize_with = "decode::text")]
    pub customer_number: Option<String>,
    /// Customer name.
    #[serde(default, deserialize_with = "decode::text")]
    pub customer_name: Option<String>,
    /// PLN: tariff and power, such as `R1/2200VA`.
    #[serde(default, deserialize_with = "decode::text")]
    pub power_capacity: Option<String>,
    /// The whole of `data`.
    #[serde(skip)]
    pub raw: Option<RawJson>,
}

/// A bill to ask for.
///
/// Source: Klikoo Open API, page "Inquiry Postpaid".
#[derive(Clone)]
pub struct Bill {
    pub(crate) account_number: String,
    pub(crate) product_code: ProductCode,
    pub(crate) period: Option<u32>,
}

impl Bill {
    /// The bill of an account, 1 to 32 of `A–Z a–z 0–9 . _ - @ +`.
    pub fn new(product_code: &str, account_number: &str) -> Result<Self, InvalidValue> {
        Ok(Self {
            account_number: destination("account_number", account_number)?,
            product_code: product(product_code)?,
            period: None,
        })
    }

    /// The number of months; for BPJS only.
    #[must_use]
    pub fn with_period(mut self, months: Option<u32>) -> Self {
        self.period = months;
        self
    }
}

/// A transaction as buy, detail, history and callback tell of it. Every field is optional.
///
/// Source: Klikoo Open API, pages "Buy Product", "Transaction Detail", "Transaction History" and "Purchase Callback API".
#[derive(Clone, Default, Deserialize)]
#[non_exhaustive]
pub struct Transaction {
    /// Klikoo's id.
    #[serde(default, deserialize_with = "decode::text")]
    pub transaction_id: Option<String>,
    /// The partner's reference.
    #[serde(default, deserialize_with = "decode::text")]
    pub partner_reference_id: Option<String>,
    /// The status word; `transaction_status` in callbacks.
    #[serde(default, alias = "transaction_status", deserialize_with = "decode::text")]
    pub status: Option<String>,
    /// The partner's buy price, in rupiah.
    #[serde(default, deserialize_with = "decode::rupiah")]
    pub amount: Option<Rupiah>,
    /// When it happened; UTC on the wire.
    #[serde(default, alias = "created_at", deserialize_with = "lenient_time")]
    pub transaction_time: Option<Timestamp>,
    /// Why it failed.
    #[serde(default, deserialize_with = "decode::text")]
    pub reason: Option<String>,
    /// Klikoo's id of the product.
    #[serde(default, deserialize_with = "decode::text")]
    pub product_id: Option<String>,
    /// Name of the product.
    #[serde(default, deserialize_with = "decode::text")]
    pub product_name: Option<String>,
    /// Product code.
    #[serde(default, deserialize_with = "decode::text")]
    pub product_code: Option<String>,
    /// The serial number, which may be a PLN token and so bearer money.
    #[serde(default, deserialize_with = "lenient_secret")]
    pub sn: Option<Secret>,
    /// The destination.
    #[serde(default, deserialize_with = "decode::text")]
    pub value: Option<String>,
    /// Customer name.
    #[serde(default, deserialize_with = "decode::text")]
    pub customer_name: Option<String>,
    /// The partner's balance afterwards, in rupiah.
    #[serde(default, deserialize_with = "decode::signed_rupiah")]
    pub current_balance: Option<Rupiah>,
    /// The partner's balance before, in rupiah.
    #[serde(default, deserialize_with = "decode::signed_rupiah")]
    pub beginning_balance: Option<Rupiah>,
    /// The whole record.
    #[serde(skip)]
    pub raw: Option<RawJson>,
}

impl Transaction {
    /// Reads a record and keeps the whole of it.
    pub(crate) fn read(raw: RawJson) -> Result<Self, decode::DecodeError> {
        let transaction: Self = raw.parse()?;
        Ok(Self { raw: Some(raw), ..transaction })
    }

    /// The part of `sn` before the first `/`, where that is a stroom token.
    pub fn stroom_token(&self) -> Option<StroomToken> {
        let text = self.sn.as_ref()?.expose();
        StroomToken::parse(text.split('/').next().unwrap_or(text)).ok()
    }

    /// The first field in which the record differs from the purchase, where it names the field at all.
    pub(crate) fn difference(&self, purchase: &Purchase) -> Option<&'static str> {
        let differs = |named: &Option<String>, ours: &str| named.as_deref().is_some_and(|named| named.trim() != ours);
        if differs(&self.partner_reference_id, purchase.reference.as_str()) {
            Some("partner_reference_id")
        } else if self.value.as_deref().is_some_and(|value| !same_customer(value, &purchase.value)) {
            Some("value")
        } else if differs(&self.product_code, purchase.product_code.as_str()) {
            Some("product_code")
        } else if self.amount.is_some_and(|amount| !purchase.amounts().contains(&amount)) {
            Some("amount")
        } else {
            None
        }
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("transaction_id", &self.transaction_id)
            .field("partner_reference_id", &self.partner_reference_id)
            .field("status", &self.status)
            .field("amount", &self.amount)
            .field("transaction_time", &self.transaction_time)
            .field("product_code", &self.product_code)
            .field("sn", &self.sn)
            .finish_non_exhaustive()
    }
}

/// A time that cannot be read is absent: it decides nothing.
fn lenient_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(decode::text(deserializer)?.and_then(|text| Timestamp::parse_rfc3339(&text).ok()))
}

/// An empty serial is none.
fn lenient_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(decode::text(deserializer)?.filter(|text| !text.trim().is_empty()).map(Secret::new))
}

/// What a buy brought: accepted, and either done or still running.
#[derive(Clone, Debug)]
pub struct Bought {
    /// Whether the reply itself already says success; else the result comes later.
    pub succeeded: bool,
    /// The record in the reply.
    pub transaction: Transaction,
}

/// Which transactions to list.
///
/// Source: Klikoo Open API, page "Transaction History".
#[derive(Clone, Debug)]
pub struct HistoryQuery {
    pub(crate) page: u32,
    pub(crate) limit: u32,
    pub(crate) search: Option<String>,
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
}

impl Default for HistoryQuery {
    fn default() -> Self {
        Self { page: 1, limit: 50, search: None, from: None, to: None }
    }
}

impl HistoryQuery {
    /// The first page, 50 rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another page, counted from 1.
    #[must_use]
    pub fn with_page(mut self, page: u32) -> Self {
        self.page = page.max(1);
        self
    }

    /// Another number of rows per page; the largest allowed is not documented.
    #[must_use]
    pub fn with_limit(mut self, limit: u32) -> Self {
        self.limit = limit.max(1);
        self
    }

    /// Rows that hold this text (`q`); what is searched is not documented.
    #[must_use]
    pub fn with_search(mut self, text: impl Into<String>) -> Self {
        self.search = Some(text.into());
        self
    }

    /// Rows between two instants, sent in UTC.
    #[must_use]
    pub fn with_range(mut self, from: Timestamp, to: Timestamp) -> Self {
        (self.from, self.to) = (Some(from), Some(to));
        self
    }

    /// Rows of one WIB day.
    #[must_use]
    pub fn with_day(self, day: WibDay) -> Self {
        self.with_range(day.start(), day.start().after(Duration::from_secs(24 * 3600)))
    }
}

/// A page of the history, newest first.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct HistoryPage {
    /// The rows.
    pub transactions: Vec<Transaction>,
    /// Where this page stands.
    pub meta: PageMeta,
}

/// Where a page stands.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct PageMeta {
    /// This page, counted from 1.
    #[serde(default, deserialize_with = "decode::integer_or_absent")]
    pub current_page: Option<i64>,
    /// The page before, where there is one.
    #[serde(default, deserialize_with = "decode::integer_or_absent")]
    pub previous_page: Option<i64>,
    /// The next page, where there is one.
    #[serde(default, deserialize_with = "decode::integer_or_absent")]
    pub next_page: Option<i64>,
    /// The number of pages.
    #[serde(default, deserialize_with = "decode::integer_or_absent")]
    pub total_pages: Option<i64>,
    /// The number of rows on all pages.
    #[serde(default, deserialize_with = "decode::integer_or_absent")]
    pub total_rows: Option<i64>,
    /// The number of rows on a page.
    #[serde(default, deserialize_with = "decode::integer_or_absent")]
    pub per_page: Option<i64>,
}

impl PageMeta {
    /// Whether this is the last page: no next page is named, or the number of pages is reached.
    pub fn is_last(&self) -> bool {
        self.next_page.is_none()
            || self.current_page.zip(self.total_pages).is_some_and(|(current, total)| current >= total)
    }
}
