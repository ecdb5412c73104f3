//! Reloads and packages: what was sold, as history and detail tell it.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::DEALER;
use crate::clock::wib;
use crate::crypto::hex;
use crate::random::Random;

/// How far a sale is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Succeeded,
    /// Not final; whether it will succeed.
    Pending(bool),
    /// Was pending, and the money has been given back.
    Failed,
    /// Never accepted.
    Refused,
}

pub(super) struct Sale {
    pub charge: Option<u64>,
    pub transaction_id: String,
    pub trace: String,
    pub is_reload: bool,
    pub product: String,
    pub destination: String,
    pub amount: i64,
    pub from_pulsa: bool,
    pub at: Timestamp,
    pub state: State,
}

#[derive(Serialize)]
struct HistoryRow<'a> {
    service_type: &'static str,
    serial_number: &'a str,
    status: &'static str,
    product: &'a str,
    amount: String,
    date: String,
    dest_number: &'a str,
    next_bal: &'static str,
    payment_method: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DetailRow<'a> {
    transaction_id: &'a str,
    msisdn_a: &'static str,
    msisdn_b: &'a str,
    trace_id: &'a str,
    channel: &'static str,
    amount: String,
    transaction_type: &'static str,
    status: &'static str,
    status_code: &'static str,
    status_detail: &'static str,
    date: String,
}

impl Sale {
    fn history_row(&self) -> HistoryRow<'_> {
        HistoryRow {
            service_type: if self.is_reload { "w2p" } else { "fulfillment" },
            serial_number: &self.trace,
            status: match self.state {
                State::Succeeded => "success",
                State::Pending(_) => "pending",
                State::Failed => "GAGAL",
                State::Refused => "failed",
            },
            product: &self.product,
            amount: format!("{}.0", self.amount),
            date: wib(self.at).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string(),
            dest_number: &self.destination,
            next_bal: "",
            payment_method: if self.from_pulsa { "PULSA" } else { "DOMPUL" },
        }
    }

    fn detail_row(&self) -> DetailRow<'_> {
        let (status, text) = match self.state {
            State::Succeeded => ("SUCCESS", "Success"),
            State::Pending(_) => ("PENDING", "Transaksi sedang di proses"),
            State::Failed => ("BUSINESSERROR", "SBX8 Failed at the operator"),
            State::Refused => ("BUSINESSERROR", "SBX9 Refused for this customer"),
        };
        DetailRow {
            transaction_id: &self.transaction_id,
            msisdn_a: DEALER,
            msisdn_b: &self.destination,
            trace_id: &self.trace,
            channel: "TOKOXL",
            amount: self.amount.to_string(),
            transaction_type: if self.is_reload { "w2p" } else { "package" },
            status,
            status_code: text,
            status_detail: text,
            date: wib(self.at).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        }
    }
}

/// A transaction id: 40 hexadecimal digits.
pub(super) fn transaction_id(random: &mut Random) -> String {
    let bytes: [u8; 20] = random.bytes();
    hex(&bytes)
}

/// The number that the description, the history and the detail show: `TKXL`, day, month and six hexadecimal digits.
pub(super) fn trace(random: &mut Random, at: Timestamp) -> String {
    let bytes: [u8; 3] = random.bytes();
    format!("TKXL{}{}", wib(at).strftime("%d%m"), hex(&bytes))
}

/// Sales from before the sandbox was started.
pub(super) fn old_sales(seed: u64) -> Vec<Sale> {
    let mut random = Random::new(seed, "sidompul sales");
    let rows = [
        (false, "Free Fire 5 Diamonds + 100MB", "6287799000012", 1_000, "2022-10-07 15:08:57", State::Succeeded),
        (true, "Reload Pulsa 5000", "6287799000011", 5_850, "2022-12-09 09:25:02", State::Succeeded),
        (true, "Reload Pulsa 1000", "6287799000014", 1_850, "2023-01-02 11:07:41", State::Refused),
    ];
    let sales = rows.map(|(is_reload, product, destination, amount, date, state)| {
        let at = date.parse::<jiff::civil::DateTime>().ok();
        let at = at.and_then(|at| jiff::tz::offset(7).to_timestamp(at).ok()).unwrap_or(Timestamp::UNIX_EPOCH);
        Sale {
            charge: None,
            transaction_id: transaction_id(&mut random),
            trace: trace(&mut random, at),
            is_reload,
            product: product.to_owned(),
            destination: destination.to_owned(),
            amount,
            from_pulsa: false,
            at,
            state,
        }
    });
    sales.into()
}

/// The history of the given days, both included, oldest first.
pub(super) fn history<'a>(sales: &'a [Sale], from: Date, to: Date) -> Vec<impl Serialize + use<'a>> {
    let in_range = |sale: &&Sale| (from..=to).contains(&wib(sale.at).date());
    sales.iter().filter(in_range).map(Sale::history_row).collect()
}

/// The details that fit every given parameter, oldest first.
pub(super) fn detail<'a>(
    sales: &'a [Sale],
    transaction_id: Option<&str>,
    msisdn_b: Option<&str>,
    order_status: Option<&str>,
) -> Vec<impl Serialize + use<'a>> {
    let rows = sales.iter().map(Sale::detail_row).filter(|row| {
        transaction_id.is_none_or(|id| id == row.transaction_id)
            && msisdn_b.is_none_or(|number| number == row.msisdn_b)
            && order_status.is_none_or(|status| status.eq_ignore_ascii_case(row.status))
    });
    rows.collect()
}
