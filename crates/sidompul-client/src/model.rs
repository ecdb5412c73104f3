//! Requests and replies as SIDOMPUL defines them. Readers are lenient where the document and its samples disagree and exact where
//! money is; the whole of a row is kept in `raw`.

use std::fmt;
use std::time::Duration;

use biller_core::{
    InvalidValue, Msisdn, ProductCode, RawJson, Rupiah, Secret, Timestamp, Verdict, WibDay, decode, shape_of,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codes::status_verdict;
use crate::gateway::scalar;

/// An enum over the provider's words that keeps those that it does not know.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)+
            /// A word that the document does not list, as it stands.
            Other(String),
        }

        impl $name {
            /// The word on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::from(String::deserialize(deserializer)?.as_str()))
            }
        }
    };
}

/// The envelope around every reply of the provider itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope {
    #[serde(default, deserialize_with = "decode::integer_or_absent")]
    pub(crate) status_code: Option<i64>,
    #[serde(default)]
    pub(crate) result: Option<EnvelopeResult>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnvelopeResult {
    #[serde(default, deserialize_with = "decode::text")]
    pub(crate) error_code: Option<String>,
    #[serde(default, deserialize_with = "decode::text")]
    pub(crate) error_message: Option<String>,
    #[serde(default)]
    pub(crate) data: Option<RawJson>,
}

/// A token as issued.
pub struct IssuedToken {
    /// The token; opaque.
    pub secret: Secret,
    /// How long it lives; none where the reply does not say so in seconds above zero, and then it is not kept.
    pub lifetime: Option<Duration>,
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
pub(crate) struct TokenData {
    pub(crate) access_token: Secret,
    #[serde(default, deserialize_with = "decode::integer_or_absent")]
    pub(crate) expires_in: Option<i64>,
}

#[derive(Default, Deserialize)]
pub(crate) struct TokenRefusal {
    #[serde(default, deserialize_with = "decode::text")]
    pub(crate) error: Option<String>,
    #[serde(default, deserialize_with = "decode::text")]
    pub(crate) error_description: Option<String>,
}

/// A package for a customer, paid from the dealer's dompul balance or pulsa.
///
/// Source: SIDOMPUL Open API 1.5, Purchase Package and Purchase Package Deduct Pulsa.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchasePackage {
    /// Who gets it.
    pub msisdn: Msisdn,
    /// The code from the product list.
    pub product_code: ProductCode,
}

impl PurchasePackage {
    /// Reads the number in any usual writing.
    ///
    /// ```
    /// use sidompul_client::PurchasePackage;
    ///
    /// let error = PurchasePackage::new("6281213123", "XTRA_EDUKASI").unwrap_err();
    /// assert_eq!(error.field(), "msisdn");
    /// ```
    pub fn new(msisdn: &str, product_code: &str) -> Result<Self, InvalidValue> {
        Ok(Self {
            msisdn: Msisdn::parse(msisdn)?,
            product_code: ProductCode::parse(product_code).map_err(|error| error.in_field("product_code"))?,
        })
    }
}

/// Pulsa for a customer, paid from the dealer's dompul balance.
///
/// Source: SIDOMPUL Open API 1.5, Reload Pulsa (W2P).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadPulsa {
    /// Who gets it.
    pub msisdn: Msisdn,
    /// The denomination in whole rupiah. The document lists none; 5.000 to 500.000 have been seen.
    pub denomination: Rupiah,
}

impl ReloadPulsa {
    /// Reads the number in any usual writing; the denomination is at least one rupiah.
    pub fn new(msisdn: &str, denomination: Rupiah) -> Result<Self, InvalidValue> {
        if !denomination.is_positive() {
            return Err(InvalidValue::new("denomination", denomination.to_string(), "at least Rp1"));
        }
        Ok(Self { msisdn: Msisdn::parse(msisdn)?, denomination })
    }
}

/// What a purchase with code `00` answers: done or accepted.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PurchaseReply {
    /// Whether the description says that it is done; otherwise it is being processed, and may still fail.
    #[serde(skip)]
    pub succeeded: bool,
    /// The provider's id, 40 hexadecimal digits; the key of the history detail.
    #[serde(default, deserialize_with = "decode::text")]
    pub transaction_id: Option<String>,
    /// The number that the provider speaks of.
    #[serde(default, deserialize_with = "decode::text")]
    pub msisdn: Option<String>,
    /// The denomination that the provider speaks of, in rupiah.
    #[serde(default, deserialize_with = "decode::rupiah_or_absent")]
    pub denomination: Option<Rupiah>,
    /// What happened, in words.
    #[serde(default, deserialize_with = "decode::text")]
    pub description: Option<String>,
    /// The whole of `data`.
    #[serde(skip)]
    pub raw: Option<RawJson>,
}

impl PurchaseReply {
    /// The number after `No.` in the description, such as `TKXL08029355b6`: the same as a detail's trace id.
    pub fn trace_no(&self) -> Option<&str> {
        let (_, after) = self.description.as_deref()?.split_once("No.")?;
        let word = after.split_whitespace().next()?.trim_end_matches(['.', ',']);
        let letters = word.strip_prefix("TK")?;
        let digits = letters.trim_start_matches(|c: char| c.is_ascii_uppercase());
        let formed = digits.len() < letters.len()
            && !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
        formed.then_some(word)
    }
}

/// Shows the number in part, and no serial.
impl fmt::Debug for PurchaseReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PurchaseReply")
            .field("succeeded", &self.succeeded)
            .field("transaction_id", &self.transaction_id)
            .field("msisdn", &redacted(&self.msisdn))
            .field("denomination", &self.denomination)
            .finish_non_exhaustive()
    }
}

/// Which days of the history to list, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryQuery {
    /// The first day; sent as `yyyy-MM-dd`.
    pub start: WibDay,
    /// The last day.
    pub end: WibDay,
}

impl HistoryQuery {
    /// One day, or several when they differ.
    pub fn new(start: WibDay, end: WibDay) -> Self {
        Self { start, end }
    }
}

/// One row of the history. A field that cannot be read is absent; the row survives.
///
/// Source: SIDOMPUL Open API 1.5, Transaction History. The member names are read with `_` and with a blank.
#[derive(Clone)]
#[non_exhaustive]
pub struct HistoryRow {
    /// `fulfillment` for packages, `w2p` for reloads; other words occur.
    pub service_type: Option<String>,
    /// The provider's number; opaque.
    pub serial_number: Option<String>,
    /// The status word; read it with [`status`](Self::status).
    pub status: Option<String>,
    /// The product's name, not its code.
    pub product: Option<String>,
    /// The amount in rupiah.
    pub amount: Option<Rupiah>,
    /// When, read in the zone of the setting `history_offset`.
    pub date: Option<Timestamp>,
    /// Who got it.
    pub dest_number: Option<String>,
    /// The balance afterwards, presumably; text, often empty.
    pub next_bal: Option<String>,
    /// `DOMPUL`, and other words.
    pub payment_method: Option<String>,
    /// The whole row.
    pub raw: RawJson,
}

impl HistoryRow {
    pub(crate) fn read(raw: RawJson) -> Self {
        let members: Vec<(String, RawJson)> =
            raw.members().into_iter().map(|(name, value)| (name.replace(' ', "_"), value)).collect();
        let text = |name: &str| members.iter().rfind(|(member, _)| member == name).and_then(|(_, value)| scalar(value));
        Self {
            service_type: text("service_type"),
            serial_number: text("serial_number"),
            status: text("status"),
            product: text("product"),
            amount: text("amount").and_then(|amount| Rupiah::parse_machine(&amount).ok()),
            date: text("date").and_then(|date| Timestamp::parse_wib(&date).ok()),
            dest_number: text("dest_number"),
            next_bal: text("next_bal"),
            payment_method: text("payment_method"),
            raw,
        }
    }

    /// What the status word says.
    pub fn status(&self) -> Verdict {
        self.status.as_deref().map_or(Verdict::UNLISTED, status_verdict)
    }
}

/// Shows the number in part, and no serial.
impl fmt::Debug for HistoryRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistoryRow")
            .field("service_type", &self.service_type)
            .field("status", &self.status)
            .field("product", &self.product)
            .field("amount", &self.amount)
            .field("date", &self.date)
            .field("dest_number", &redacted(&self.dest_number))
            .field("payment_method", &self.payment_method)
            .finish_non_exhaustive()
    }
}

/// Which details to list. What is not given is left out of the request; the provider may answer with more, so compare the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryDetailQuery {
    /// The provider's id of the transaction.
    pub transaction_id: Option<String>,
    /// Who got it.
    pub msisdn: Option<Msisdn>,
    /// `SUCCESS`, `BUSINESSERROR`, or another status word of the provider.
    pub order_status: Option<String>,
}

/// One row of the history detail.
///
/// Source: SIDOMPUL Open API 1.5, Transaction History Detail.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HistoryDetailRow {
    /// The provider's id.
    #[serde(default, deserialize_with = "decode::text")]
    pub transaction_id: Option<String>,
    /// The dealer's number.
    #[serde(default, rename = "msisdnA", deserialize_with = "decode::text")]
    pub msisdn_a: Option<String>,
    /// Who got it.
    #[serde(default, rename = "msisdnB", deserialize_with = "decode::text")]
    pub msisdn_b: Option<String>,
    /// The number that the purchase's description shows.
    #[serde(default, deserialize_with = "decode::text")]
    pub trace_id: Option<String>,
    /// Through which channel it was sold.
    #[serde(default, deserialize_with = "decode::text")]
    pub channel: Option<String>,
    /// The amount in rupiah.
    #[serde(default, deserialize_with = "decode::rupiah_or_absent")]
    pub amount: Option<Rupiah>,
    /// `w2p` for reloads; other words occur.
    #[serde(default, deserialize_with = "decode::text")]
    pub transaction_type: Option<String>,
    /// The status word; read it with [`status`](Self::status).
    #[serde(default, deserialize_with = "decode::text")]
    pub status: Option<String>,
    /// Why, in words.
    #[serde(default, deserialize_with = "decode::text")]
    pub status_code: Option<String>,
    /// Why, in more words.
    #[serde(default, deserialize_with = "decode::text")]
    pub status_detail: Option<String>,
    /// When, read in the zone of the setting `history_offset`.
    #[serde(default, deserialize_with = "wib_time")]
    pub date: Option<Timestamp>,
}

impl HistoryDetailRow {
    /// What the status word says.
    pub fn status(&self) -> Verdict {
        self.status.as_deref().map_or(Verdict::UNLISTED, status_verdict)
    }
}

/// Shows the number in part, and no serial.
impl fmt::Debug for HistoryDetailRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistoryDetailRow")
            .field("transaction_id", &self.transaction_id)
            .field("msisdn_b", &redacted(&self.msisdn_b))
            .field("amount", &self.amount)
            .field("transaction_type", &self.transaction_type)
            .field("status", &self.status)
            .field("status_code", &self.status_code)
            .field("date", &self.date)
            .finish_non_exhaustive()
    }
}

/// The product list.
#[derive(Clone, Debug, Default)]
pub struct ProductList {
    /// What can be bought.
    pub products: Vec<Product>,
    /// Rows that could not be read.
    pub dropped: usize,
}

/// A package.
///
/// Source: SIDOMPUL Open API 1.5, Get List Product Code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// The code to buy it by.
    pub code: ProductCode,
    /// Its name, which the history shows.
    pub name: String,
    /// Its price in rupiah.
    pub price: Rupiah,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProductRow {
    product_code: ProductCode,
    product_name: String,
    #[serde(deserialize_with = "decode::rupiah")]
    price: Option<Rupiah>,
}

impl Product {
    pub(crate) fn read(raw: &RawJson) -> Option<Self> {
        let row: ProductRow = raw.parse().ok()?;
        Some(Self { code: row.product_code, name: row.product_name, price: row.price? })
    }
}

/// Whose voucher stock: the document spells neither word out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Brand {
    /// AXIS.
    Awg,
    /// XL.
    Xwg,
}

impl Brand {
    /// `awg` or `xwg`, as in the paths.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Awg => "awg",
            Self::Xwg => "xwg",
        }
    }
}

/// Which stock to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StockQuery {
    /// The kind of outlet that the stock came from, such as `MINI-GROSIR`; all where absent.
    pub ro_type: Option<String>,
}

/// An encrypted voucher id. It is already percent-encoded and goes back byte for byte; Debug shows nothing of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct VoucherId(Secret);

impl VoucherId {
    /// Takes the text as the stock list has it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::new(text))
    }

    /// The text as the stock list has it.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// Which commands a row of stock permits: a set of letters, kept as the one text that it came as.
///
/// AWG: `V` inject into a printed voucher, `F` "fivi" to a number, `T` to a number. XWG: `V` into a printed voucher, `T` to a
/// number, `Z` both. Other letters occur without an explanation; they permit nothing.
///
/// ```
/// use sidompul_client::model::{AllowType, AwgInjectCommand, XwgInjectCommand};
///
/// let row = AllowType::from("RZE");
/// assert!(row.permits(&XwgInjectCommand::ToNumber) && row.permits(&XwgInjectCommand::IntoVoucher));
/// assert!(!row.permits(&AwgInjectCommand::ToNumber));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AllowType(String);

impl AllowType {
    /// The text as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The letters, in their order.
    pub fn letters(&self) -> impl Iterator<Item = char> + '_ {
        self.0.chars()
    }

    /// Whether a row of this type permits the command. A command that the document does not list is left to the provider.
    pub fn permits(&self, command: &impl InjectCommand) -> bool {
        let letters = command.letters();
        letters.is_empty() || self.letters().any(|letter| letters.contains(&letter))
    }
}

impl From<&str> for AllowType {
    fn from(letters: &str) -> Self {
        Self(letters.to_owned())
    }
}

/// A kind of voucher in stock. Whatever is not documented as certain is optional.
///
/// Source: SIDOMPUL Open API 1.5, AWG Get Stock and XWG Get Stock.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StockItem {
    /// The voucher's id, for injects.
    pub v_id: VoucherId,
    /// Its type: `AX-…` for AWG, `XL-…` for XWG.
    #[serde(default, deserialize_with = "decode::text")]
    pub voucher_type_code: Option<String>,
    /// The package's name.
    #[serde(default, deserialize_with = "decode::text")]
    pub description: Option<String>,
    /// From when it can be injected.
    #[serde(default, deserialize_with = "dmy")]
    pub effective_date: Option<WibDay>,
    /// Until when it can be injected.
    #[serde(default, deserialize_with = "dmy")]
    pub expiration_date: Option<WibDay>,
    /// Pieces in stock.
    #[serde(default, deserialize_with = "decode::integer_or_absent")]
    pub voucher_balance: Option<i64>,
    /// Price of one, in rupiah.
    #[serde(default, deserialize_with = "decode::rupiah_or_absent")]
    pub voucher_price: Option<Rupiah>,
    /// Which commands it permits.
    pub allow_type: AllowType,
    /// When its billing expires.
    #[serde(default, deserialize_with = "dmy")]
    pub vou_exp_date: Option<WibDay>,
}

impl StockItem {
    /// Why nothing can be injected from it on `day`, as far as the row says; `None` when it can.
    pub fn unusable_on(&self, day: WibDay) -> Option<&'static str> {
        if self.voucher_balance.is_some_and(|pieces| pieces < 1) {
            return Some("none left in stock");
        }
        if self.expiration_date.is_some_and(|last| last < day) {
            return Some("the stock has expired");
        }
        self.effective_date.is_some_and(|first| first > day).then_some("the stock is not valid yet")
    }
}

words! {
    /// What a list of stock transactions holds.
    ///
    /// Source: SIDOMPUL Open API 1.5, AWG and XWG Get Info Transaction.
    ServiceType {
        /// Injects to a number.
        SellVoucher = "SELLVOUCHER",
        /// Injects into printed vouchers.
        PhysicalVoucher = "PHYSICALVOUCHER",
        /// Stock received by transfer.
        Transfer = "TRANSFER",
        /// Stock bought from a mini grosir.
        BuyStock = "BUYSTOCK",
        /// Expired stock extended.
        ExtendStock = "EXTENDSTOCK",
        /// Balance transferred to the parent; XWG only.
        TransferBalance = "TRFBALANCE",
        /// Injects from the parent's stock; XWG only.
        InjectParentStock = "TEMBAKSTOK",
    }
}

impl ServiceType {
    /// Whether the brand is documented to have it; unlisted words are left to the provider.
    pub fn is_of(&self, brand: Brand) -> bool {
        brand == Brand::Xwg || !matches!(self, Self::TransferBalance | Self::InjectParentStock)
    }
}

/// Which stock transactions to list: days of WIB, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WgTransactionQuery {
    /// The first day; sent as `dd-MM-yyyy`.
    pub begin: WibDay,
    /// The last day.
    pub end: WibDay,
    /// What to list.
    pub service_type: ServiceType,
}

/// One stock transaction, for one target.
///
/// Source: SIDOMPUL Open API 1.5, AWG and XWG Get Info Transaction.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WgTransaction {
    /// The provider's id of the inject.
    pub master_trx_id: MasterTrxId,
    /// The status word; read it with [`status`](Self::status).
    #[serde(default, deserialize_with = "decode::text")]
    pub status: Option<String>,
    /// The package's name.
    #[serde(default, deserialize_with = "decode::text")]
    pub description: Option<String>,
    /// Price of one, in rupiah.
    #[serde(default, deserialize_with = "decode::rupiah_or_absent")]
    pub voucher_price: Option<Rupiah>,
    /// Its normal price, in rupiah.
    #[serde(default, deserialize_with = "decode::rupiah_or_absent")]
    pub price_normal: Option<Rupiah>,
    /// On which day; `yyyy-MM-dd`.
    #[serde(default, deserialize_with = "ymd")]
    pub created_dtm: Option<WibDay>,
    /// The voucher's type.
    #[serde(default, deserialize_with = "decode::text")]
    pub voucher_type_code: Option<String>,
    /// The dealer's number.
    #[serde(default, deserialize_with = "decode::text")]
    pub source_msisdn: Option<String>,
    /// The target: a number, or the serial of a printed voucher.
    #[serde(default, deserialize_with = "decode::text")]
    pub destination_msisdn: Option<String>,
    /// `SELLVOUCHER-SATUAN`, `PHYSICALVOUCHER-BULK`, …
    #[serde(default, rename = "type", deserialize_with = "decode::text")]
    pub kind: Option<String>,
}

impl WgTransaction {
    /// What the status word says.
    pub fn status(&self) -> Verdict {
        self.status.as_deref().map_or(Verdict::UNLISTED, status_verdict)
    }
}

/// Leaves the target out: it may be a voucher's serial.
impl fmt::Debug for WgTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WgTransaction")
            .field("master_trx_id", &self.master_trx_id)
            .field("status", &self.status)
            .field("voucher_type_code", &self.voucher_type_code)
            .field("voucher_price", &self.voucher_price)
            .field("created_dtm", &self.created_dtm)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// The provider's id of one inject, whatever the number of its targets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MasterTrxId(pub String);

impl MasterTrxId {
    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MasterTrxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

words! {
    /// Which details of AWG injects to ask for.
    AwgDetailCommand {
        /// Of injects to a number.
        ToNumber = "info-detail-voucher",
        /// Of injects into printed vouchers.
        IntoVoucher = "info-detail-pv",
    }
}

words! {
    /// Which details of XWG injects to ask for.
    XwgDetailCommand {
        /// Of injects to a number.
        ToNumber = "sellvoucher-detail",
        /// Of injects into printed vouchers.
        IntoVoucher = "physicalvoucher-detail",
    }
}

/// Asks what became of each target of an inject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WgDetailQuery<C> {
    /// Of which kind of inject.
    pub command: C,
    /// The inject.
    pub master_trx_id: MasterTrxId,
}

/// What became of one target.
///
/// Source: SIDOMPUL Open API 1.5, AWG and XWG Get Info Transaction Detail.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WgTargetResult {
    /// The inject.
    #[serde(default)]
    pub master_trx_id: Option<MasterTrxId>,
    /// The target: a number, or the serial of a printed voucher.
    #[serde(default, rename = "bMsisdn", deserialize_with = "decode::text")]
    pub target: Option<String>,
    /// The status word; read it with [`status`](Self::status).
    #[serde(default, deserialize_with = "decode::text")]
    pub status: Option<String>,
    /// Why; XWG only.
    #[serde(default, deserialize_with = "decode::text")]
    pub status_detail: Option<String>,
}

impl WgTargetResult {
    /// What the status word says.
    pub fn status(&self) -> Verdict {
        self.status.as_deref().map_or(Verdict::UNLISTED, status_verdict)
    }
}

/// Leaves the target out: it may be a voucher's serial.
impl fmt::Debug for WgTargetResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WgTargetResult")
            .field("master_trx_id", &self.master_trx_id)
            .field("status", &self.status)
            .field("status_detail", &self.status_detail)
            .finish_non_exhaustive()
    }
}

/// What became of one target of an inject of ours.
#[derive(Clone, Debug)]
pub struct InjectOutcome {
    /// The target.
    pub target: Target,
    /// Succeeded, pending (also when no row speaks of it), failed, or unknown where rows contradict each other.
    pub verdict: Verdict,
    /// The provider's word for it.
    pub detail: Option<String>,
}

impl InjectOutcome {
    /// One outcome per target, from the detail of the inject `id`. Rows of other injects and of other targets do not count.
    pub fn of(id: &MasterTrxId, targets: &[Target], rows: &[WgTargetResult]) -> Vec<Self> {
        let outcome = |target: &Target| {
            let ours: Vec<_> = rows
                .iter()
                .filter(|row| row.master_trx_id.as_ref() == Some(id))
                .filter(|row| row.target.as_deref().is_some_and(|other| target.is(other)))
                .collect();
            let detail = ours.iter().find_map(|row| row.status_detail.clone());
            Self { target: target.clone(), verdict: common_verdict(ours.iter().map(|row| row.status())), detail }
        };
        targets.iter().map(outcome).collect()
    }
}

/// The verdict of all rows about one thing: pending without any and while one is, unknown where success and failure stand side by
/// side. Words that no table lists do not count beside others.
pub(crate) fn common_verdict(rows: impl IntoIterator<Item = Verdict>) -> Verdict {
    let rows: Vec<Verdict> = rows.into_iter().collect();
    let failed = rows.iter().find(|verdict| matches!(verdict, Verdict::Failed(_))).copied();
    match (rows.contains(&Verdict::Succeeded), failed) {
        (true, Some(_)) => Verdict::Unknown(biller_core::ErrorKind::Contradiction),
        _ if rows.is_empty() || rows.contains(&Verdict::Pending) => Verdict::Pending,
        (true, None) => Verdict::Succeeded,
        (false, Some(failed)) => failed,
        (false, None) => Verdict::UNLISTED,
    }
}

/// Whom or what an inject reaches: a number, or a printed voucher by its serial of 16 digits.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Target {
    /// A number.
    Number(Msisdn),
    /// The serial of a printed voucher.
    Voucher(String),
}

impl Target {
    /// Sixteen digits are a serial, everything else is read as a number.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let text = text.trim();
        if text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self::Voucher(text.to_owned()));
        }
        Msisdn::parse(text).map(Self::Number).map_err(|_| {
            InvalidValue::new("target", shape_of(text), "a mobile number, or a voucher serial of 16 digits")
        })
    }

    /// As it is sent: a number in its 62-form, a serial as it is.
    pub fn to_wire(&self) -> String {
        match self {
            Self::Number(number) => number.to_62(),
            Self::Voucher(serial) => serial.clone(),
        }
    }

    /// Whether a text of the provider's names this target: numbers compare as numbers, serials digit for digit.
    pub fn is(&self, text: &str) -> bool {
        match self {
            Self::Number(number) => Msisdn::parse(text).is_ok_and(|other| other == *number),
            Self::Voucher(serial) => text.trim() == serial,
        }
    }

    fn is_voucher(&self) -> bool {
        matches!(self, Self::Voucher(_))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => f.debug_tuple("Number").field(number).finish(),
            Self::Voucher(_) => f.write_str("Voucher(..)"),
        }
    }
}

words! {
    /// What an inject from AWG stock does.
    ///
    /// Source: SIDOMPUL Open API 1.5, AWG Inject Stock.
    AwgInjectCommand {
        /// To a number; needs the letter `T`.
        ToNumber = "tembak-paket-ir",
        /// To a number, "fivi"; needs the letter `F`.
        FiviToNumber = "tembak-fivi",
        /// Into a printed voucher; needs the letter `V`.
        IntoVoucher = "tembak-paket-pv",
    }
}

words! {
    /// What an inject from XWG stock does.
    ///
    /// Source: SIDOMPUL Open API 1.5, XWG Inject Stock.
    XwgInjectCommand {
        /// To a number; needs the letter `T` or `Z`.
        ToNumber = "sell-voucher",
        /// Into a printed voucher; needs the letter `V` or `Z`.
        IntoVoucher = "tembak-paket",
    }
}

/// What both brands' commands have in common.
pub trait InjectCommand {
    /// Whose stock it takes from.
    const BRAND: Brand;
    /// The word on the wire.
    fn wire(&self) -> &str;
    /// The letters of which a row's allow type needs one; empty for a command that the document does not list.
    fn letters(&self) -> &'static [char];
    /// Whether it goes into printed vouchers; `None` for a command that the document does not list.
    fn for_vouchers(&self) -> Option<bool>;
}

impl InjectCommand for AwgInjectCommand {
    const BRAND: Brand = Brand::Awg;

    fn wire(&self) -> &str {
        self.as_str()
    }

    fn letters(&self) -> &'static [char] {
        match self {
            Self::ToNumber => &['T'],
            Self::FiviToNumber => &['F'],
            Self::IntoVoucher => &['V'],
            Self::Other(_) => &[],
        }
    }

    fn for_vouchers(&self) -> Option<bool> {
        match self {
            Self::ToNumber | Self::FiviToNumber => Some(false),
            Self::IntoVoucher => Some(true),
            Self::Other(_) => None,
        }
    }
}

impl InjectCommand for XwgInjectCommand {
    const BRAND: Brand = Brand::Xwg;

    fn wire(&self) -> &str {
        self.as_str()
    }

    fn letters(&self) -> &'static [char] {
        match self {
            Self::ToNumber => &['T', 'Z'],
            Self::IntoVoucher => &['V', 'Z'],
            Self::Other(_) => &[],
        }
    }

    fn for_vouchers(&self) -> Option<bool> {
        match self {
            Self::ToNumber => Some(false),
            Self::IntoVoucher => Some(true),
            Self::Other(_) => None,
        }
    }
}

/// An inject of voucher stock: one piece for each target.
#[derive(Clone, Debug)]
pub struct Inject {
    pub(crate) brand: Brand,
    pub(crate) voucher_id: VoucherId,
    pub(crate) allow_type: AllowType,
    pub(crate) command: String,
    pub(crate) targets: Vec<Target>,
}

impl Inject {
    /// An inject from a row of the stock list. Refuses what the provider would: no target, a target twice, a target that the command
    /// cannot reach, a command that the row does not permit.
    ///
    /// ```
    /// use sidompul_client::model::{AwgInjectCommand, Inject, StockItem, Target};
    ///
    /// let row: StockItem = serde_json::from_str(r#"{"vId": "c2FuZGJveA%3D%3D", "allowType": "TRS"}"#)?;
    /// let target = Target::parse("1026220002320751")?;
    /// let error = Inject::new(&row, &AwgInjectCommand::IntoVoucher, vec![target]).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "command: tembak-paket-pv on a row of allow type TRS; expected a row whose allow type holds V"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new<C: InjectCommand>(item: &StockItem, command: &C, targets: Vec<Target>) -> Result<Self, InvalidValue> {
        if targets.is_empty() {
            return Err(InvalidValue::new("target", "an empty list", "at least one number or voucher serial"));
        }
        if targets.iter().enumerate().any(|(n, target)| targets[..n].contains(target)) {
            return Err(InvalidValue::new("target", "one target twice", "each target once"));
        }
        if let Some(for_vouchers) = command.for_vouchers()
            && targets.iter().any(|target| target.is_voucher() != for_vouchers)
        {
            let expected = if for_vouchers { "voucher serials of 16 digits" } else { "mobile numbers" };
            let shape = format!("a target that {} cannot reach", command.wire());
            return Err(InvalidValue::new("target", shape, expected));
        }
        if !item.allow_type.permits(command) {
            let letters: Vec<String> = command.letters().iter().map(char::to_string).collect();
            return Err(InvalidValue::new(
                "command",
                format!("{} on a row of allow type {}", command.wire(), item.allow_type.as_str()),
                format!("a row whose allow type holds {}", letters.join(" or ")),
            ));
        }
        Ok(Self {
            brand: C::BRAND,
            voucher_id: item.v_id.clone(),
            allow_type: item.allow_type.clone(),
            command: command.wire().to_owned(),
            targets,
        })
    }

    /// Whose stock it takes from.
    pub fn brand(&self) -> Brand {
        self.brand
    }
}

/// An inject that was accepted. Each target can still fail.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Injected {
    /// The key of the transaction detail, where the reply named it.
    pub master_trx_id: Option<MasterTrxId>,
}

/// A number with its middle hidden; what is no number is hidden wholly.
fn redacted(number: &Option<String>) -> Option<String> {
    let number = number.as_deref()?;
    Some(Msisdn::parse(number).map_or_else(|_| "..".to_owned(), |number| number.redacted()))
}

/// `yyyy-MM-dd HH:mm:ss` with or without a fraction, read as WIB; anything else is absent.
fn wib_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(decode::text(deserializer)?.and_then(|text| Timestamp::parse_wib(&text).ok()))
}

/// `dd-MM-yyyy`; anything else is absent.
fn dmy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<WibDay>, D::Error> {
    Ok(decode::text(deserializer)?.and_then(|text| WibDay::parse_dmy(&text).ok()))
}

/// `yyyy-MM-dd`; anything else is absent.
fn ymd<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<WibDay>, D::Error> {
    Ok(decode::text(deserializer)?.and_then(|text| WibDay::parse(&text).ok()))
}
