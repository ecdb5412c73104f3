//! Requests and replies as MyBills defines them. Readers are lenient where the documents contradict themselves and exact where
//! money is; the whole of a reply is kept in `raw`.

use std::collections::BTreeMap;
use std::fmt;

use biller_core::{
    InvalidValue, MeterNumber, ProductCode, RawJson, Reference, Rupiah, Secret, StroomToken, Timestamp, decode,
    shape_of,
};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use crate::bill::{BillDescription, ElectricityReceipt};

/// The longest text that the documents allow.
const LONGEST: usize = 64;

/// Whether a product is prepaid electricity, by its code or by its reference code.
pub fn is_electricity(product_code: &str, reference_code: Option<&str>) -> bool {
    product_code.starts_with("PLNPR") || reference_code.is_some_and(|code| code.starts_with("PLNPREPAID"))
}

/// Whether PLN's daily pause for reconciliation is on, from about 23:00 to 01:00 WIB. Sales may then fail, hang, or complete the next
/// day; pending and slow answers are normal and say nothing about the result. A reason to warn, never to refuse.
pub fn in_daily_pause(at: Timestamp) -> bool {
    const HOUR: u64 = 3600;
    let second = at.wib_time_of_day().as_secs();
    !(HOUR..23 * HOUR).contains(&second)
}

/// What an inquiry asks for.
///
/// Source: MyBills documentation, PLN Prepaid, API Inquiry.
#[derive(Clone)]
pub struct InquiryRequest {
    pub(crate) partner_reference_no: Reference,
    pub(crate) product_code: ProductCode,
    pub(crate) expected_price: Option<Rupiah>,
    pub(crate) customer_id: String,
    pub(crate) months: Option<u32>,
}

impl InquiryRequest {
    /// An inquiry under the partner's reference, which it uses up.
    ///
    /// `customer_id` is a meter number or IDPEL of 11 or 12 digits for electricity (product codes that begin with `PLNPR`), in which
    /// blanks and `-` are dropped; for other products a phone, bill or account number of 1 to 64 printable ASCII characters.
    ///
    /// ```
    /// use pln_prepaid::InquiryRequest;
    ///
    /// let error = InquiryRequest::new("A-1", "PLNPR20", "8603465597").err().map(|error| error.to_string());
    /// assert_eq!(error.as_deref(), Some("customer_id: 10 characters (10 digits); expected a meter number of 11 digits or a customer id of 12"));
    /// ```
    pub fn new(partner_reference_no: &str, product_code: &str, customer_id: &str) -> Result<Self, InvalidValue> {
        let product_code = ProductCode::parse(product_code).map_err(|error| error.in_field("product_code"))?;
        Ok(Self {
            partner_reference_no: Reference::parse(partner_reference_no)
                .map_err(|error| error.in_field("partner_reference_no"))?,
            customer_id: customer(&product_code, customer_id)?,
            product_code,
            expected_price: None,
            months: None,
        })
    }

    /// The price that the partner expects; another one at the provider is an error, and nothing is bought.
    #[must_use]
    pub fn with_expected_price(mut self, price: Option<Rupiah>) -> Self {
        self.expected_price = price;
        self
    }

    /// The number of months to pay, for products that leave the choice.
    #[must_use]
    pub fn with_months(mut self, months: Option<u32>) -> Self {
        self.months = months;
        self
    }

    /// The partner's reference.
    pub fn partner_reference_no(&self) -> &Reference {
        &self.partner_reference_no
    }

    /// The same inquiry under another reference.
    #[must_use]
    pub fn under(&self, partner_reference_no: Reference) -> Self {
        Self { partner_reference_no, ..self.clone() }
    }
}

fn customer(product_code: &ProductCode, text: &str) -> Result<String, InvalidValue> {
    if is_electricity(product_code.as_str(), None) {
        let number = MeterNumber::parse(text).map_err(|error| error.in_field("customer_id"))?;
        return Ok(number.as_str().to_owned());
    }
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST || !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(InvalidValue::new("customer_id", shape_of(text), "1 to 64 printable ASCII characters"));
    }
    Ok(text.to_owned())
}

impl fmt::Debug for InquiryRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InquiryRequest")
            .field("partner_reference_no", &self.partner_reference_no)
            .field("product_code", &self.product_code)
            .field("expected_price", &self.expected_price)
            .finish_non_exhaustive()
    }
}

/// What an inquiry brought, and what payment and advice need of it: everything that a reply is compared with, and no secret.
///
/// Serialisable, so that it can be written down before the payment.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    pub(crate) partner_reference_no: Reference,
    pub(crate) reference_no: String,
    pub(crate) partner_approval_no: Reference,
    pub(crate) product_code: ProductCode,
    pub(crate) product_reference_code: Option<String>,
    pub(crate) customer_id: String,
    pub(crate) price: Rupiah,
}

impl Purchase {
    /// The partner's number of the payment, made once its own customer has been debited; unique. The reference of the inquiry unless
    /// set otherwise.
    #[must_use]
    pub fn with_partner_approval_no(mut self, number: Reference) -> Self {
        self.partner_approval_no = number;
        self
    }

    /// The reference of the inquiry.
    pub fn partner_reference_no(&self) -> &Reference {
        &self.partner_reference_no
    }

    /// The provider's number of the transaction.
    pub fn reference_no(&self) -> &str {
        &self.reference_no
    }

    /// What the partner pays.
    pub fn price(&self) -> Rupiah {
        self.price
    }

    /// Whether a token is owed.
    pub fn is_electricity(&self) -> bool {
        is_electricity(self.product_code.as_str(), self.product_reference_code.as_deref())
    }
}

impl fmt::Debug for Purchase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Purchase")
            .field("partner_reference_no", &self.partner_reference_no)
            .field("reference_no", &self.reference_no)
            .field("product_code", &self.product_code)
            .field("price", &self.price)
            .finish_non_exhaustive()
    }
}

/// What an inquiry brought.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inquired {
    /// What is paid next.
    pub purchase: Purchase,
    /// The reply.
    pub transaction: Transaction,
}

/// What a payment brought: accepted, and either done or still running.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Paid {
    /// Whether the reply itself already says success, with the token where one is owed; else the result comes later.
    pub succeeded: bool,
    /// The reply.
    pub transaction: Transaction,
}

/// What an advice says of the purchase.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Advised {
    /// How far the purchase is.
    pub state: AdvisedState,
    /// The reply.
    pub transaction: Transaction,
}

/// How far a purchase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdvisedState {
    /// Charged and delivered.
    Succeeded,
    /// Still running, or charged while the token is still owed.
    Pending,
    /// Not charged, or charged and given back.
    Failed,
}

/// A transaction as replies and callbacks tell of it. Every field is optional.
///
/// Source: MyBills documentation, PLN Prepaid, all sample responses.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Transaction {
    /// The code (`responseCode`), as text; an integer of one digit is padded to two.
    pub code: Option<String>,
    /// Its text, for display only.
    pub message: Option<String>,
    /// When the reply was made (`responseDatetime` or `responseDateTime`).
    pub at: Option<Timestamp>,
    /// The partner's reference: top level first, then `result`.
    pub partner_reference_no: Option<String>,
    /// The provider's number: top level first, then `result`. In a callback the top level has a number of its own.
    pub reference_no: Option<String>,
    /// What stands in `result`.
    pub result: TransactionResult,
    /// When the transaction happened.
    pub transaction_date: Option<Timestamp>,
    /// `additionalInfo.serialNumber`: empty on a successful payment of electricity. **Not** the stroom token.
    pub serial_number: Option<Secret>,
    /// `additionalInfo.billDesc`.
    pub bill: Option<BillDescription>,
    /// The whole reply.
    pub raw: Option<RawJson>,
}

/// What stands in `result`.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct TransactionResult {
    /// The partner's number of the payment.
    #[serde(deserialize_with = "filled")]
    pub partner_approval_no: Option<String>,
    /// The partner's reference.
    #[serde(deserialize_with = "filled")]
    pub partner_reference_no: Option<String>,
    /// The provider's number.
    #[serde(deserialize_with = "filled")]
    pub reference_no: Option<String>,
    /// Name of the merchant.
    #[serde(deserialize_with = "filled")]
    pub merchant_store_name: Option<String>,
    /// Id of the outlet.
    #[serde(rename = "merchantOutletID", deserialize_with = "decode::integer_or_absent")]
    pub merchant_outlet_id: Option<i64>,
    /// Name of the outlet.
    #[serde(deserialize_with = "filled")]
    pub merchant_outlet_name: Option<String>,
    /// The family of the product, such as `PLNPREPAIDV2`.
    #[serde(deserialize_with = "filled")]
    pub product_reference_code: Option<String>,
    /// 1 prepaid, 2 postpaid.
    #[serde(rename = "productTypeID", deserialize_with = "decode::integer_or_absent")]
    pub product_type_id: Option<i64>,
    /// Product code.
    #[serde(deserialize_with = "filled")]
    pub product_code: Option<String>,
    /// Name of the product.
    #[serde(deserialize_with = "filled")]
    pub product_name: Option<String>,
    /// What the partner pays: price of the product or total of the bill.
    #[serde(deserialize_with = "decode::rupiah_or_absent")]
    pub product_price: Option<Rupiah>,
    /// Fixed fee for the customer.
    #[serde(deserialize_with = "decode::rupiah_or_absent")]
    pub product_admin_fee: Option<Rupiah>,
    /// The partner's share.
    #[serde(deserialize_with = "decode::rupiah_or_absent")]
    pub product_merchant_fee: Option<Rupiah>,
    /// When the transaction happened, as text.
    #[serde(deserialize_with = "filled")]
    pub(crate) transaction_date: Option<String>,
    /// The customer, as asked.
    #[serde(rename = "customerID", deserialize_with = "filled")]
    pub customer_id: Option<String>,
    pub(crate) additional_info: Option<RawJson>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Envelope {
    response_code: Option<RawJson>,
    #[serde(deserialize_with = "filled")]
    response_message: Option<String>,
    #[serde(deserialize_with = "filled")]
    response_datetime: Option<String>,
    #[serde(deserialize_with = "filled")]
    response_date_time: Option<String>,
    #[serde(deserialize_with = "filled")]
    partner_reference_no: Option<String>,
    #[serde(deserialize_with = "filled")]
    reference_no: Option<String>,
    result: Option<RawJson>,
}

impl Transaction {
    /// Reads a reply or callback and keeps the whole of it. Only a value that is no JSON object is refused.
    pub fn read(raw: RawJson) -> Result<Self, decode::DecodeError> {
        // A derived reader would take an array for an object.
        raw.parse::<BTreeMap<String, IgnoredAny>>()?;
        let envelope: Envelope = raw.parse()?;
        let result = envelope.result.as_ref().and_then(object).unwrap_or_default();
        let info = result.additional_info.as_ref();
        let time = |text: &Option<String>| text.as_deref().and_then(|text| Timestamp::parse_rfc3339(text).ok());
        let serial = info.and_then(|info| info.get("serialNumber")).and_then(|serial| scalar(&serial));
        Ok(Self {
            code: envelope.response_code.as_ref().and_then(code),
            message: envelope.response_message,
            at: time(&envelope.response_datetime).or(time(&envelope.response_date_time)),
            partner_reference_no: envelope.partner_reference_no.or_else(|| result.partner_reference_no.clone()),
            reference_no: envelope.reference_no.or_else(|| result.reference_no.clone()),
            transaction_date: time(&result.transaction_date),
            serial_number: serial.filter(|serial| !serial.trim().is_empty()).map(Secret::new),
            bill: info.and_then(|info| info.get("billDesc")).and_then(|bill| BillDescription::read(&bill)),
            result,
            raw: Some(raw),
        })
    }

    /// The transaction behind a receipt of this crate.
    pub fn of(receipt: &biller_core::Receipt) -> Option<Self> {
        receipt.raw.clone().and_then(|raw| Self::read(raw).ok())
    }

    /// The receipt of prepaid electricity, where it is one.
    pub fn electricity(&self) -> Option<&ElectricityReceipt> {
        self.bill.as_ref().and_then(BillDescription::electricity)
    }

    /// The token, where there is a readable one.
    pub fn stroom_token(&self) -> Option<&StroomToken> {
        self.electricity().and_then(|receipt| receipt.stroom_token.as_ref())
    }

    /// The first field in which the reply differs from the purchase, where it names the field at all.
    ///
    /// `idPelanggan` and `nomorMeter` of the description are not compared: the documents' samples differ there.
    pub(crate) fn difference(&self, purchase: &Purchase) -> Option<&'static str> {
        let differs = |named: &Option<String>, ours: &str| named.as_deref().is_some_and(|named| named.trim() != ours);
        let references = [&self.reference_no, &self.result.reference_no];
        let named: Vec<_> = references.into_iter().flatten().collect();
        let ours = purchase.partner_reference_no.as_str();
        if differs(&self.partner_reference_no, ours) || differs(&self.result.partner_reference_no, ours) {
            Some("partnerReferenceNo")
        } else if !named.is_empty() && named.iter().all(|named| named.trim() != purchase.reference_no) {
            Some("referenceNo")
        } else if differs(&self.result.customer_id, &purchase.customer_id) {
            Some("customerID")
        } else if differs(&self.result.product_code, purchase.product_code.as_str()) {
            Some("productCode")
        } else if self.result.product_price.is_some_and(|price| price != purchase.price) {
            Some("productPrice")
        } else {
            None
        }
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("code", &self.code)
            .field("at", &self.at)
            .field("partner_reference_no", &self.partner_reference_no)
            .field("reference_no", &self.reference_no)
            .field("product_code", &self.result.product_code)
            .field("product_price", &self.result.product_price)
            .field("serial_number", &self.serial_number)
            .field("bill", &self.bill)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TransactionResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionResult")
            .field("reference_no", &self.reference_no)
            .field("product_code", &self.product_code)
            .field("product_price", &self.product_price)
            .finish_non_exhaustive()
    }
}

/// Codes are texts; an integer of one digit is padded to two.
fn code(raw: &RawJson) -> Option<String> {
    match raw.parse::<String>() {
        Ok(code) => Some(code).filter(|code| !code.is_empty()),
        Err(_) => scalar(raw).map(|number| if number.len() == 1 { format!("0{number}") } else { number }),
    }
}

/// The text of a string or number.
fn scalar(raw: &RawJson) -> Option<String> {
    match raw.parse::<String>() {
        Ok(text) => Some(text),
        Err(_) => raw.as_str().starts_with(|c: char| c == '-' || c.is_ascii_digit()).then(|| raw.as_str().to_owned()),
    }
}

/// `result` is an object, an array of one object, or something without content.
fn object(raw: &RawJson) -> Option<TransactionResult> {
    match raw.as_str().as_bytes().first() {
        Some(b'{') => raw.parse().ok(),
        Some(b'[') => match &raw.parse::<Vec<RawJson>>().ok()?[..] {
            [only] if only.as_str().starts_with('{') => only.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// A text that is not empty.
fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(decode::text(deserializer)?.filter(|text| !text.trim().is_empty()))
}
