//! Requests and replies as MMBC defines them. Readers are lenient where the document contradicts itself and exact where money is;
//! the whole of a reply is kept in `raw`. The price list is in [`price_list`](crate::price_list).

use std::fmt;

use biller_core::{
    Error, ErrorKind, Execution, InvalidValue, Msisdn, ProductCode, RawJson, Reference, Rupiah, Secret, Timestamp,
    decode, shape_of,
};
use serde::{Deserialize, Serialize};

/// What a top-up asks for.
///
/// MMBC takes no reference of the partner's. Within a day it tells equal top-ups (same number, same denomination) apart by
/// `itrx` alone, so whoever makes a second one on purpose gives it the next number; nobody else ever raises it.
///
/// Source: MMBC API Pulsa 3.1, Isi Pulsa.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUp {
    pub(crate) repeat: u32,
    pub(crate) product_code: ProductCode,
    pub(crate) destination: Msisdn,
    pub(crate) denomination: Option<Rupiah>,
    pub(crate) reference: Option<Reference>,
}

impl TopUp {
    /// A top-up by a code of the price list (`kodeoperator`) to a phone number (`nomortujuan`, always sent in the 0-form).
    ///
    /// ```
    /// use mmbc_pulsa::TopUp;
    ///
    /// let error = TopUp::new("TEL5", "0812").unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "destination: 4 characters (4 digits); expected a national mobile number of 9 to 12 digits beginning with 8"
    /// );
    /// ```
    pub fn new(product_code: &str, destination: &str) -> Result<Self, InvalidValue> {
        Ok(Self {
            repeat: 1,
            product_code: ProductCode::parse(product_code).map_err(|value| value.in_field("product_code"))?,
            destination: Msisdn::parse(destination).map_err(|value| value.in_field("destination"))?,
            denomination: None,
            reference: None,
        })
    }

    /// Which of several equal top-ups of the day this is (`itrx`), from 1.
    pub fn with_repeat(mut self, repeat: u32) -> Result<Self, InvalidValue> {
        if repeat == 0 {
            return Err(InvalidValue::new("repeat", "0", "a number from 1"));
        }
        self.repeat = repeat;
        Ok(self)
    }

    /// The face value in the price list, in rupiah: not sent, but compared with what the reply names.
    #[must_use]
    pub fn with_denomination(mut self, denomination: Option<Rupiah>) -> Self {
        self.denomination = denomination;
        self
    }

    /// The partner's own reference: not sent, but named in errors and logs.
    #[must_use]
    pub fn with_reference(mut self, reference: Reference) -> Self {
        self.reference = Some(reference);
        self
    }

    /// Whether MMBC may take the two for the same top-up when they are made on the same day. It goes by the denomination, and for
    /// products without one, or perhaps for all, by the code: both count.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.destination == other.destination
            && self.repeat == other.repeat
            && (self.product_code == other.product_code
                || self.denomination.is_some() && self.denomination == other.denomination)
    }
}

impl fmt::Debug for TopUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TopUp")
            .field("repeat", &self.repeat)
            .field("product_code", &self.product_code)
            .field("destination", &self.destination)
            .finish_non_exhaustive()
    }
}

/// A status question: MMBC's invoice and the number that it is for.
///
/// Source: MMBC API Pulsa 3.1, Cek Status Transaksi Pulsa.
#[derive(Clone)]
pub struct StatusRequest {
    pub(crate) invoice: String,
    pub(crate) destination: Msisdn,
    pub(crate) product_code: Option<ProductCode>,
    pub(crate) reference: Option<Reference>,
}

impl StatusRequest {
    /// Asks by the invoice of a reply, 1 to 64 printable characters, and the phone number.
    pub fn new(invoice: &str, destination: &str) -> Result<Self, InvalidValue> {
        Ok(Self {
            invoice: usable_invoice(invoice)
                .ok_or_else(|| InvalidValue::new("invoice", shape_of(invoice), "MMBC's invoice, such as TRX11111"))?,
            destination: Msisdn::parse(destination).map_err(|value| value.in_field("destination"))?,
            product_code: None,
            reference: None,
        })
    }

    /// Asks what became of this top-up; a reply about another product code is refused then.
    pub fn about(top_up: &TopUp, invoice: &str) -> Result<Self, InvalidValue> {
        let request = Self::new(invoice, &top_up.destination.to_0())?;
        let product_code = Some(top_up.product_code.clone());
        Ok(Self { product_code, reference: top_up.reference.clone(), ..request })
    }
}

impl fmt::Debug for StatusRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusRequest")
            .field("invoice", &self.invoice)
            .field("destination", &self.destination)
            .finish_non_exhaustive()
    }
}

/// An invoice that a status call can carry.
pub(crate) fn usable_invoice(text: &str) -> Option<String> {
    let text = text.trim();
    let usable = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    usable.then(|| text.to_owned())
}

/// What MMBC says of a top-up: the fields of the replies to top-up and status, each of them optional.
///
/// Source: MMBC API Pulsa 3.1, Isi Pulsa and Cek Status Transaksi Pulsa.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Transaction {
    /// MMBC's transaction number, the key for the status call.
    pub invoice: Option<String>,
    /// The status word.
    pub status: Option<String>,
    /// When, read as WIB. For display only: the document's pattern allows for a 12-hour clock.
    pub date: Option<Timestamp>,
    /// `PULSA` or `PAKET DATA` (`transaksi`).
    pub kind: Option<String>,
    /// The operator, such as `TELKOMSEL`.
    pub operator: Option<String>,
    /// The product code (`kodeoperator`).
    pub product_code: Option<String>,
    /// The face value in rupiah (`nominal`), where it is a number.
    pub denomination: Option<Rupiah>,
    /// The number that was topped up (`nomortujuan`; the sample of the top-up has `nomorpelanggan`).
    pub destination: Option<String>,
    /// The operator's serial number; absent while pending.
    pub serial: Option<Secret>,
    /// What was taken from the deposit, in rupiah (`debet`; the list of fields has `debit`). In the reply to a top-up only.
    pub debited: Option<Rupiah>,
    /// What is left of the deposit, in rupiah (`saldo`); may be negative. In the reply to a top-up only.
    pub balance: Option<Rupiah>,
    /// The partner's agent code (`kodeagen`).
    pub agent_code: Option<String>,
    /// The story in words, with number and serial in it: never log it. In the reply to a status call only.
    pub description: Option<String>,
    /// The whole reply.
    pub raw: Option<RawJson>,
    /// The number under its other name, where a reply has both: it has to fit too.
    second_destination: Option<String>,
}

impl Transaction {
    /// The name of the first field in which the reply differs from what was asked; what it does not name does not differ.
    pub(crate) fn difference(
        &self,
        destination: &Msisdn,
        product_code: Option<&ProductCode>,
        denomination: Option<Rupiah>,
    ) -> Option<&'static str> {
        let other = |number: &Option<String>| {
            number.as_ref().is_some_and(|number| Msisdn::parse(number).ok().as_ref() != Some(destination))
        };
        let differs =
            |said: Option<&str>, asked: Option<&str>| said.zip(asked).is_some_and(|(said, asked)| said != asked);
        if other(&self.destination) || other(&self.second_destination) {
            Some("nomortujuan")
        } else if differs(self.product_code.as_deref(), product_code.map(ProductCode::as_str)) {
            Some("kodeoperator")
        } else if self.denomination.zip(denomination).is_some_and(|(said, asked)| said != asked) {
            Some("nominal")
        } else {
            None
        }
    }
}

/// Keeps number, serial and words to itself.
impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("invoice", &self.invoice)
            .field("status", &self.status)
            .field("date", &self.date)
            .field("kind", &self.kind)
            .field("operator", &self.operator)
            .field("product_code", &self.product_code)
            .field("denomination", &self.denomination)
            .field("debited", &self.debited)
            .finish_non_exhaustive()
    }
}

/// A top-up that MMBC accepted.
#[derive(Clone, Debug)]
pub struct TopUpReply {
    /// Whether it is done; else it is still running, and a status call tells the end.
    pub succeeded: bool,
    /// What MMBC says of it.
    pub transaction: Transaction,
}

/// What became of a top-up.
#[derive(Clone, Debug)]
pub struct StatusReply {
    /// The end, if it is one.
    pub state: State,
    /// What MMBC says of it.
    pub transaction: Transaction,
}

/// How far a top-up is, by the provider's own record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Delivered (`sukses`).
    Succeeded,
    /// Still running (`pending`).
    Pending,
    /// Not delivered (`gagal`), and by the custom of the trade given back.
    Failed,
}

/// A reply of the documented form: an object with `result`.
pub(crate) struct Reply {
    /// `ok` is true, `no` is false.
    pub(crate) accepted: Option<bool>,
    /// Two digits where it is a number.
    pub(crate) reason_code: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) transaction: Transaction,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wire {
    #[serde(deserialize_with = "decode::text")]
    result: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    reason_code: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    reason: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    tanggal: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    invoice: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    transaksi: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    operator: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    kodeoperator: Option<String>,
    #[serde(deserialize_with = "decode::rupiah_or_absent")]
    nominal: Option<Rupiah>,
    #[serde(deserialize_with = "decode::text")]
    nomortujuan: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    nomorpelanggan: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    serial: Option<String>,
    #[serde(deserialize_with = "decode::rupiah_or_absent")]
    debet: Option<Rupiah>,
    #[serde(deserialize_with = "decode::rupiah_or_absent")]
    debit: Option<Rupiah>,
    #[serde(deserialize_with = "decode::text")]
    saldo: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    kodeagen: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    description: Option<String>,
    #[serde(deserialize_with = "decode::text")]
    status: Option<String>,
}

impl Reply {
    /// Reads a body whatever its content type. Anything but an object is an error.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Error> {
        let raw = RawJson::from_slice(body).map_err(Error::unreadable)?;
        // An array would fill the fields by their places.
        if !raw.as_str().starts_with('{') {
            let error = Error::new(ErrorKind::UnreadableReply, Execution::Unknown);
            return Err(error.with_detail("JSON, but no object"));
        }
        let wire: Wire = raw.parse().map_err(Error::unreadable)?;
        let said = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let accepted = match said(wire.result) {
            Some(word) if word.eq_ignore_ascii_case("ok") => Some(true),
            Some(word) if word.eq_ignore_ascii_case("no") => Some(false),
            _ => None,
        };
        let (named, customer) = (said(wire.nomortujuan), said(wire.nomorpelanggan));
        let transaction = Transaction {
            invoice: wire.invoice.as_deref().and_then(usable_invoice),
            status: said(wire.status),
            date: wire.tanggal.and_then(|text| Timestamp::parse_wib(&text).ok()),
            kind: said(wire.transaksi),
            operator: said(wire.operator),
            product_code: said(wire.kodeoperator),
            denomination: wire.nominal,
            destination: named.or(customer.clone()),
            second_destination: customer,
            serial: said(wire.serial).map(Secret::new),
            debited: wire.debet.or(wire.debit),
            balance: wire.saldo.and_then(|text| Rupiah::parse_machine_signed(&text).ok()),
            agent_code: said(wire.kodeagen),
            description: said(wire.description),
            raw: Some(raw),
        };
        // A code that was sent as a number has lost its leading zero.
        let reason_code = said(wire.reason_code).map(|code| if code.len() == 1 { format!("0{code}") } else { code });
        Ok(Self { accepted, reason_code, reason: said(wire.reason), transaction })
    }
}
