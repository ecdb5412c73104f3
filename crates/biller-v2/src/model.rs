//! Requests and replies as the provider defines them. Readers are lenient where the documents contradict themselves and exact where
//! money is; the whole of a reply's `data` is kept in `raw`.
//!
//! Source: Bill Payment API v2, the page of each product.

use std::fmt;

use biller_core::decode::{self, DecodeError};
use biller_core::{InvalidValue, ProductCode, RawJson, Reference, Rupiah, Secret, StroomToken, shape_of};
use serde::{Deserialize, Deserializer, Serialize};

/// The languages of the provider's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// `EN`.
    #[default]
    English,
    /// `ID`.
    Indonesian,
}

/// What the provider says to people, in two languages. Never a reason for a decision: one code comes with different texts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// `ID`.
    pub indonesian: Option<String>,
    /// `EN`.
    pub english: Option<String>,
}

impl Message {
    /// The text in this language, else in the other one.
    pub fn text(&self, language: Language) -> Option<&str> {
        let (first, second) = match language {
            Language::English => (&self.english, &self.indonesian),
            Language::Indonesian => (&self.indonesian, &self.english),
        };
        first.as_deref().or(second.as_deref())
    }

    fn read(raw: &RawJson) -> Self {
        let text = |raw: RawJson| raw.parse().ok().filter(|text: &String| !text.is_empty());
        match text(raw.clone()) {
            Some(both) => Self { indonesian: Some(both.clone()), english: Some(both) },
            None => Self { indonesian: raw.get("ID").and_then(text), english: raw.get("EN").and_then(text) },
        }
    }
}

/// Texts may name customers.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Message(..)")
    }
}

/// The envelope of every reply and callback.
pub(crate) struct Envelope {
    /// None where it is absent, given twice, or nothing that can be relied on.
    pub(crate) code: Option<u64>,
    /// Whether there was a code at all, usable or not.
    pub(crate) has_code: bool,
    pub(crate) message: Message,
    /// None for null and `{}` too.
    pub(crate) data: Option<RawJson>,
}

impl Envelope {
    /// Reads a body. JSON that is no object has no code and no data.
    pub(crate) fn read(body: &[u8]) -> Result<Self, DecodeError> {
        let members = RawJson::from_slice(body)?.members();
        let all = |name: &str| members.iter().filter(|(member, _)| member == name).map(|(_, value)| value).collect();
        let (codes, data): (Vec<&RawJson>, Vec<&RawJson>) = (all("responseCode"), all("data"));
        let code = match (codes.as_slice(), data.len()) {
            ([code], 0 | 1) => usable_code(code),
            _ => None,
        };
        let message = members.iter().find(|(name, _)| name == "message").map(|(_, value)| Message::read(value));
        let data = data.first().filter(|data| data.as_str() != "null" && !is_empty_object(data));
        Ok(Self {
            code,
            has_code: !codes.is_empty(),
            message: message.unwrap_or_default(),
            data: data.map(|data| (*data).clone()),
        })
    }
}

fn is_empty_object(raw: &RawJson) -> bool {
    raw.as_str().starts_with('{') && raw.members().is_empty()
}

/// An integer, or a string of 1 to 4 digits; never a fraction, an exponent, a sign.
fn usable_code(raw: &RawJson) -> Option<u64> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits(raw.as_str()) {
        return raw.as_str().parse().ok();
    }
    let text: String = raw.parse().ok()?;
    (digits(&text) && text.len() <= 4).then(|| text.parse().ok()).flatten()
}

/// What an inquiry asks about.
///
/// Source: Bill Payment API v2, page "Inquiry" and the pages of the products.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InquiryRequest {
    pub(crate) product_code: ProductCode,
    pub(crate) account_number: String,
    pub(crate) amount: Option<Rupiah>,
    pub(crate) zone_id: Option<String>,
    pub(crate) month: Option<u32>,
}

impl InquiryRequest {
    /// An inquiry about an account: a customer or meter number, a phone number (in the form `0812…`), an e-mail address, a number
    /// plate; 1 to 64 printable ASCII characters, blanks around them dropped.
    pub fn new(product_code: &str, account_number: &str) -> Result<Self, InvalidValue> {
        Ok(Self {
            product_code: ProductCode::parse(product_code)?,
            account_number: printable("account_number", account_number)?,
            amount: None,
            zone_id: None,
            month: None,
        })
    }

    /// The amount that the customer wants; for products with an open amount only.
    pub fn with_amount(mut self, amount: Rupiah) -> Result<Self, InvalidValue> {
        self.amount = Some(at_least_one("amount", amount)?);
        Ok(self)
    }

    /// The zone of a game; for games vouchers only.
    pub fn with_zone_id(mut self, zone_id: &str) -> Result<Self, InvalidValue> {
        self.zone_id = Some(printable("zone_id", zone_id)?);
        Ok(self)
    }

    /// The number of months to pay; for BPJS Ketenagakerjaan BPU only.
    pub fn with_month(mut self, month: u32) -> Result<Self, InvalidValue> {
        if month == 0 {
            return Err(InvalidValue::new("month", "0", "a number of months from 1"));
        }
        self.month = Some(month);
        Ok(self)
    }
}

impl fmt::Debug for InquiryRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InquiryRequest")
            .field("product_code", &self.product_code)
            .field("amount", &self.amount)
            .field("month", &self.month)
            .finish_non_exhaustive()
    }
}

fn printable(field: &'static str, text: &str) -> Result<String, InvalidValue> {
    let text = text.trim();
    if text.is_empty() || text.len() > 64 || !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(InvalidValue::new(field, shape_of(text), "1 to 64 printable ASCII characters"));
    }
    Ok(text.to_owned())
}

fn at_least_one(field: &'static str, amount: Rupiah) -> Result<Rupiah, InvalidValue> {
    if amount.is_positive() { Ok(amount) } else { Err(InvalidValue::new(field, amount.to_string(), "at least Rp1")) }
}

pub(crate) fn callback_url(url: &str) -> Result<String, InvalidValue> {
    let usable = url.parse::<http::Uri>().is_ok_and(|uri| {
        uri.host().is_some_and(|host| !host.is_empty()) && matches!(uri.scheme_str(), Some("http" | "https"))
    });
    if usable {
        Ok(url.to_owned())
    } else {
        Err(InvalidValue::new("callback_urls", shape_of(url), "an absolute address"))
    }
}

/// What an inquiry tells.
///
/// Source: Bill Payment API v2, page "Inquiry" and the pages of the products.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InquiryReply {
    /// The id to pay with; never 0 in a reply that is handed out.
    #[serde(default, deserialize_with = "id")]
    pub inquiry_id: i64,
    /// The account, which may be written otherwise than in the request.
    #[serde(default, deserialize_with = "something")]
    pub account_number: Option<String>,
    /// The customer's name.
    #[serde(default, deserialize_with = "name")]
    pub customer_name: Option<String>,
    /// Name of the product.
    #[serde(default, deserialize_with = "something")]
    pub product_name: Option<String>,
    /// Product code, which may be an upstream one; never compared.
    #[serde(default, deserialize_with = "something")]
    pub product_code: Option<String>,
    /// Category; an open list, see the crate's documentation.
    #[serde(default, deserialize_with = "something")]
    pub category: Option<String>,
    /// What is to be paid, in rupiah; 0 where the caller knows it (Google Play). Always there in a reply that is handed out.
    #[serde(default, deserialize_with = "decode::rupiah_or_absent")]
    pub amount: Option<Rupiah>,
    /// Administration fee in rupiah, which is part of the amount for most products and comes on top for some.
    #[serde(default, deserialize_with = "decode::rupiah_or_absent")]
    pub total_admin: Option<Rupiah>,
    /// Processing fee in rupiah.
    #[serde(default, deserialize_with = "decode::rupiah_or_absent")]
    pub processing_fee: Option<Rupiah>,
    /// Not explained by the documents.
    #[serde(default, deserialize_with = "something")]
    pub denom: Option<String>,
    /// Not explained by the documents.
    #[serde(default, deserialize_with = "something")]
    pub validity: Option<String>,
    #[serde(default, deserialize_with = "rows")]
    customer_details: Vec<DetailRow>,
    #[serde(default, deserialize_with = "rows")]
    customer_detail: Vec<DetailRow>,
    /// The bills. There is no documented way to pay some of them only.
    #[serde(default, deserialize_with = "bill_rows")]
    pub bill_details: Vec<BillRow>,
    /// About the product.
    #[serde(default, deserialize_with = "rows")]
    pub product_details: Vec<DetailRow>,
    /// Anything else.
    #[serde(default, deserialize_with = "rows")]
    pub extra_fields: Vec<DetailRow>,
    /// The provider's own id of the inquiry; e-wallets only.
    #[serde(default, deserialize_with = "something")]
    pub request_id: Option<String>,
    /// What the provider says to people.
    #[serde(skip)]
    pub message: Message,
    /// Whether [`account_number`](Self::account_number) differs from the one asked about.
    #[serde(skip)]
    pub account_differs: bool,
    /// The whole of `data`.
    #[serde(skip)]
    pub raw: Option<RawJson>,
}

impl InquiryReply {
    /// About the customer.
    pub fn customer_details(&self) -> &[DetailRow] {
        &self.customer_details
    }

    /// None where the reply lacks what a payment needs: an id and an amount.
    pub(crate) fn read(raw: RawJson, message: Message, request: &InquiryRequest) -> Result<Option<Self>, DecodeError> {
        let mut reply: Self = raw.parse()?;
        let misspelt = std::mem::take(&mut reply.customer_detail);
        reply.customer_details.extend(misspelt);
        reply.account_differs =
            reply.account_number.as_deref().is_some_and(|account| account.trim() != request.account_number);
        let usable = reply.inquiry_id > 0 && reply.amount.is_some();
        Ok(usable.then_some(Self { message, raw: Some(raw), ..reply }))
    }
}

impl fmt::Debug for InquiryReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InquiryReply")
            .field("inquiry_id", &self.inquiry_id)
            .field("product_code", &self.product_code)
            .field("category", &self.category)
            .field("amount", &self.amount)
            .field("total_admin", &self.total_admin)
            .field("bill_details", &self.bill_details)
            .field("account_differs", &self.account_differs)
            .finish_non_exhaustive()
    }
}

/// A row of details. Keys repeat, none is certain to be there, and their order is the provider's.
#[derive(Clone, PartialEq, Eq)]
pub struct DetailRow {
    /// What it is, in the provider's words.
    pub key: String,
    /// The value, which can be a number in one answer and a string of digits in another.
    pub value: RowValue,
}

/// Values can be names, tokens and serials.
impl fmt::Debug for DetailRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetailRow").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A bill, or the administration that comes with the bills.
#[derive(Clone, PartialEq, Eq)]
pub struct BillRow {
    /// `0` for the administration, `1` and on for bills, in all samples.
    pub bill_id: Option<String>,
    /// What belongs to this bill.
    pub bill_info: Vec<DetailRow>,
    /// Whether it has to be paid; inquiries only. Absent says nothing.
    pub is_mandatory: Option<bool>,
    /// What it is, in the provider's words.
    pub key: String,
    /// How much it is.
    pub value: RowValue,
}

impl fmt::Debug for BillRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BillRow")
            .field("bill_id", &self.bill_id)
            .field("is_mandatory", &self.is_mandatory)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// A row's value. It has no Debug, because it may be bearer money.
#[derive(Clone, PartialEq, Eq)]
pub enum RowValue {
    /// An integer.
    Number(i64),
    /// A string, as it came: trailing blanks and dates in whatever order are kept.
    Text(String),
    /// Any other JSON.
    Other(RawJson),
}

impl RowValue {
    /// The number, also of a string of digits.
    pub fn as_number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => {
                text.trim().bytes().all(|byte| byte.is_ascii_digit()).then(|| text.trim().parse().ok())?
            }
            Self::Other(_) => None,
        }
    }

    /// For display: a string as it came, anything else as JSON.
    pub fn to_text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Other(raw) => raw.as_str().to_owned(),
        }
    }

    fn read(raw: RawJson) -> Self {
        if let Ok(number) = raw.as_str().parse() {
            return Self::Number(number);
        }
        match raw.parse() {
            Ok(text) => Self::Text(text),
            Err(_) => Self::Other(raw),
        }
    }
}

/// What a payment says and what its answers may name: made from an inquiry and its reply.
///
/// Source: Bill Payment API v2, page "Payment".
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    pub(crate) reference: Reference,
    pub(crate) product_code: ProductCode,
    pub(crate) account_number: String,
    pub(crate) amount: Rupiah,
    pub(crate) inquiry_id: i64,
    /// Not written down: an address that only the provider knows is what makes a callback worth reading.
    #[serde(skip)]
    pub(crate) callback_urls: Vec<String>,
    /// Every account number that an answer may name: asked, answered, and what the inquiry shows of the customer.
    known_accounts: Vec<String>,
}

impl Purchase {
    /// Pays what was inquired, under the partner's reference: 1 to 36 of `A–Z a–z 0–9 . _ -`, best beginning with a letter.
    ///
    /// The amount is the inquiry's. Where that is 0 (Google Play), `amount` has to say what to pay; where it is not, `amount` may only
    /// repeat it. The account is the one asked about; for the category `BPJS` it is the one in the inquiry's reply.
    pub fn new(
        reference: &str,
        request: &InquiryRequest,
        reply: &InquiryReply,
        amount: Option<Rupiah>,
    ) -> Result<Self, InvalidValue> {
        if reference.len() > 36 {
            return Err(InvalidValue::new("reference", shape_of(reference), "at most 36 characters"));
        }
        let inquired = reply.amount.filter(|inquired| inquired.is_positive());
        let amount = match (inquired, amount) {
            (Some(inquired), Some(amount)) if inquired != amount => {
                return Err(InvalidValue::new(
                    "amount",
                    amount.to_string(),
                    format!("{inquired}, as the inquiry says"),
                ));
            }
            (Some(inquired), _) => inquired,
            (None, amount) => amount
                .ok_or_else(|| InvalidValue::new("amount", "absent", "what to pay, since the inquiry does not say"))?,
        };
        if reply.inquiry_id <= 0 {
            return Err(InvalidValue::new("inquiry_id", reply.inquiry_id.to_string(), "the id of an inquiry"));
        }
        let answered = reply.account_number.clone();
        let asked = request.account_number.clone();
        let account_number = match (&reply.category, &answered) {
            (Some(category), Some(answered)) if category == "BPJS" => answered.clone(),
            _ => asked.clone(),
        };
        let shown = reply.customer_details.iter().map(|row| row.value.to_text());
        Ok(Self {
            reference: Reference::parse(reference)?,
            product_code: request.product_code.clone(),
            account_number,
            amount: at_least_one("amount", amount)?,
            inquiry_id: reply.inquiry_id,
            callback_urls: Vec::new(),
            known_accounts: [asked].into_iter().chain(answered).chain(shown).collect(),
        })
    }

    /// Where this purchase's callbacks go, instead of the address registered with the provider. Not kept when the purchase is
    /// serialised.
    pub fn with_callback_urls<'a>(mut self, urls: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidValue> {
        self.callback_urls = urls.into_iter().map(callback_url).collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// The partner's reference.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// What is paid, in rupiah.
    pub fn amount(&self) -> Rupiah {
        self.amount
    }

    /// The first field in which an answer speaks of something else, where it names the field at all. The reference is not looked at.
    pub(crate) fn difference(&self, answer: &Transaction) -> Option<&'static str> {
        let with_admin = self.amount.checked_add(answer.total_admin.unwrap_or(Rupiah::ZERO));
        let with_fees = with_admin.and_then(|sum| sum.checked_add(answer.processing_fee.unwrap_or(Rupiah::ZERO)));
        let charged = answer.amount.filter(|amount| *amount != Rupiah::ZERO);
        if charged.is_some_and(|charged| ![Some(self.amount), with_admin, with_fees].contains(&Some(charged))) {
            return Some("amount");
        }
        let mut known = self.known_accounts.iter().chain([&self.account_number]);
        let account = answer.account_number.as_deref().map(str::trim);
        if account.is_some_and(|account| !known.any(|known| known.trim() == account)) {
            return Some("accountNumber");
        }
        None
    }
}

impl fmt::Debug for Purchase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Purchase")
            .field("reference", &self.reference)
            .field("product_code", &self.product_code)
            .field("amount", &self.amount)
            .field("inquiry_id", &self.inquiry_id)
            .finish_non_exhaustive()
    }
}

/// A transaction as payment, status and callback tell of it. Every field is optional.
///
/// Source: Bill Payment API v2, pages "Payment", "Status" and "Callback".
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Transaction {
    /// The partner's reference; a number is taken as its digits.
    #[serde(default, deserialize_with = "something")]
    pub ref_number: Option<String>,
    /// The provider's id. It differs between the payment and the status of one purchase: for people, never a key.
    #[serde(default, deserialize_with = "some_id")]
    pub transaction_id: Option<i64>,
    /// The account.
    #[serde(default, deserialize_with = "something")]
    pub account_number: Option<String>,
    /// What was charged, in rupiah; for some products the administration comes on top of what was paid.
    #[serde(default, deserialize_with = "decode::rupiah_or_absent")]
    pub amount: Option<Rupiah>,
    /// Administration fee, in rupiah.
    #[serde(default, deserialize_with = "decode::rupiah_or_absent")]
    pub total_admin: Option<Rupiah>,
    /// Processing fee, in rupiah.
    #[serde(default, deserialize_with = "decode::rupiah_or_absent")]
    pub processing_fee: Option<Rupiah>,
    /// Not explained by the documents.
    #[serde(default, deserialize_with = "something")]
    pub denom: Option<String>,
    /// Product code, which may be an upstream one; never compared.
    #[serde(default, deserialize_with = "something")]
    pub product_code: Option<String>,
    /// Name of the product.
    #[serde(default, deserialize_with = "something")]
    pub product_name: Option<String>,
    /// Category.
    #[serde(default, deserialize_with = "something")]
    pub category: Option<String>,
    /// Serial number, stroom token, voucher code or reference: the goods themselves.
    #[serde(default, deserialize_with = "goods")]
    pub token: Option<Secret>,
    /// The customer's name.
    #[serde(default, deserialize_with = "name")]
    pub customer_name: Option<String>,
    /// Not explained by the documents.
    #[serde(default, deserialize_with = "something")]
    pub validity: Option<String>,
    #[serde(default, deserialize_with = "rows")]
    customer_details: Vec<DetailRow>,
    #[serde(default, deserialize_with = "rows")]
    customer_detail: Vec<DetailRow>,
    /// The bills.
    #[serde(default, deserialize_with = "bill_rows")]
    pub bill_details: Vec<BillRow>,
    /// About the product; may repeat the token.
    #[serde(default, deserialize_with = "rows")]
    pub product_details: Vec<DetailRow>,
    /// Anything else.
    #[serde(default, deserialize_with = "rows")]
    pub extra_fields: Vec<DetailRow>,
    /// The whole record.
    #[serde(skip)]
    pub raw: Option<RawJson>,
}

impl Transaction {
    /// Reads a record, such as the one in [`Receipt::raw`](biller_core::Receipt::raw), and keeps the whole of it.
    pub fn read(raw: RawJson) -> Result<Self, DecodeError> {
        let mut transaction: Self = raw.parse()?;
        let misspelt = std::mem::take(&mut transaction.customer_detail);
        transaction.customer_details.extend(misspelt);
        Ok(Self { raw: Some(raw), ..transaction })
    }

    /// About the customer.
    pub fn customer_details(&self) -> &[DetailRow] {
        &self.customer_details
    }

    /// The token of an electricity purchase, where it is a stroom token.
    pub fn stroom_token(&self) -> Option<StroomToken> {
        self.category.as_deref().filter(|category| *category == "Listrik")?;
        StroomToken::parse(self.token.as_ref()?.expose()).ok()
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("ref_number", &self.ref_number)
            .field("transaction_id", &self.transaction_id)
            .field("amount", &self.amount)
            .field("total_admin", &self.total_admin)
            .field("product_code", &self.product_code)
            .field("category", &self.category)
            .field("token", &self.token)
            .field("bill_details", &self.bill_details)
            .finish_non_exhaustive()
    }
}

/// A payment that was accepted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Payment {
    /// Whether it is done; else it is being processed.
    pub succeeded: bool,
    /// The code.
    pub code: u64,
    /// What the provider says to people.
    pub message: Message,
    /// What the provider says of the purchase.
    pub transaction: Transaction,
}

/// What the provider knows of a purchase.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// How far it is.
    pub state: State,
    /// The code.
    pub code: u64,
    /// What the provider says to people.
    pub message: Message,
    /// The record, which carries the reference that was asked for.
    pub transaction: Transaction,
}

/// How far a purchase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Charged and delivered.
    Succeeded,
    /// Being processed.
    Pending,
    /// Not charged, or given back.
    Failed,
}

/// The products on offer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProductList {
    /// In the provider's order.
    pub products: Vec<ListedProduct>,
    /// How many entries were left out because they name no usable code.
    pub skipped: usize,
}

/// A product. Only its code is certain: the list is not documented for version 2.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ListedProduct {
    /// The code to inquire with.
    pub code: ProductCode,
    /// Name.
    #[serde(default, deserialize_with = "something")]
    pub name: Option<String>,
    /// Description.
    #[serde(default, deserialize_with = "something")]
    pub description: Option<String>,
    /// Address of a picture.
    #[serde(default, deserialize_with = "something")]
    pub logo: Option<String>,
    /// The company behind it.
    #[serde(default, deserialize_with = "something")]
    pub biller: Option<String>,
    /// Category.
    #[serde(default, deserialize_with = "something")]
    pub category: Option<String>,
    /// `prepaid` or `postpaid`, as far as it is known.
    #[serde(default, rename = "type", deserialize_with = "something")]
    pub kind: Option<String>,
    /// Price in rupiah; 0 for bills and open amounts.
    #[serde(default, deserialize_with = "decode::rupiah_or_absent")]
    pub amount: Option<Rupiah>,
    /// Administration fee, in rupiah.
    #[serde(default, deserialize_with = "decode::rupiah_or_absent")]
    pub admin_fee: Option<Rupiah>,
    /// Whether it can be bought now.
    #[serde(default, deserialize_with = "flag")]
    pub active: Option<bool>,
    /// The whole entry.
    #[serde(skip)]
    pub raw: Option<RawJson>,
}

impl ProductList {
    pub(crate) fn read(entries: Vec<RawJson>) -> Self {
        let count = entries.len();
        let read =
            |raw: RawJson| raw.parse::<ListedProduct>().ok().map(|product| ListedProduct { raw: Some(raw), ..product });
        let products: Vec<_> = entries.into_iter().filter_map(read).collect();
        Self { skipped: count - products.len(), products }
    }
}

/// The partner's deposit.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Balance {
    /// What is left, in rupiah.
    pub balance: Rupiah,
    /// The currency, as the provider writes it.
    pub currency: Option<String>,
    /// The whole of `data`.
    pub raw: Option<RawJson>,
}

/// A text; an empty one is none.
fn something<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(decode::text(deserializer)?.filter(|text| !text.trim().is_empty()))
}

/// A text; an empty one and `N/A` are none.
fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(something(deserializer)?.filter(|text| text.trim() != "N/A"))
}

fn goods<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(name(deserializer)?.map(Secret::new))
}

/// Up to 64 bits, from a number or a string of digits; anything else is 0.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let digits = decode::text(deserializer)?.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    Ok(digits.and_then(|digits| digits.parse().ok()).unwrap_or(0))
}

/// 0 is none.
fn some_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(Some(id(deserializer)?).filter(|id| *id != 0))
}

/// Anything but true and false is none.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(RawJson::deserialize(deserializer)?.parse().ok())
}

/// The objects of an array; null and anything else are no rows, because rows are only shown.
fn objects<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RawJson>, D::Error> {
    let entries: Vec<RawJson> = RawJson::deserialize(deserializer)?.parse().unwrap_or_default();
    Ok(entries.into_iter().filter(|entry| entry.as_str().starts_with('{')).collect())
}

fn rows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<DetailRow>, D::Error> {
    Ok(objects(deserializer)?.iter().map(detail_row).collect())
}

fn bill_rows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<BillRow>, D::Error> {
    let read = |entry: &RawJson| {
        let DetailRow { key, value } = detail_row(entry);
        let info = entry.get("billInfo").and_then(|info| info.parse::<Vec<RawJson>>().ok()).unwrap_or_default();
        BillRow {
            bill_id: entry.get("billId").map(|id| RowValue::read(id).to_text()),
            bill_info: info.iter().filter(|row| row.as_str().starts_with('{')).map(detail_row).collect(),
            is_mandatory: entry.get("isMandatory").and_then(|flag| flag.parse().ok()),
            key,
            value,
        }
    };
    Ok(objects(deserializer)?.iter().map(read).collect())
}

/// A row without key or value has empty ones.
fn detail_row(entry: &RawJson) -> DetailRow {
    DetailRow {
        key: entry.get("key").map(|key| RowValue::read(key).to_text()).unwrap_or_default(),
        value: entry.get("value").map_or(RowValue::Text(String::new()), RowValue::read),
    }
}
