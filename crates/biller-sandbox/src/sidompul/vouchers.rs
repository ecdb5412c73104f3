//! Injects of voucher stock: what was injected, as the transaction lists and their details tell it.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::DEALER;
use super::catalogue::{Brand, StockItem, stock};
use super::sales::State;
use crate::clock::wib;

/// One target of an inject, or one movement of stock from before the sandbox was started.
pub(super) struct Injection {
    pub charge: Option<u64>,
    pub master_id: String,
    pub target: String,
    pub service: &'static str,
    pub kind: &'static str,
    pub item: usize,
    pub at: Timestamp,
    pub state: State,
}

/// A command of the inject call: for which letters in the allow type, and whether into printed vouchers.
pub(super) struct Command {
    letters: &'static [char],
    pub printed: bool,
}

impl Command {
    pub(super) fn allowed(&self, allow_type: &str) -> bool {
        allow_type.contains(self.letters)
    }
}

/// One brand's stock and what happened to it.
pub(super) struct Shelf {
    pub brand: Brand,
    pub items: Vec<StockItem>,
    pub injections: Vec<Injection>,
    last_stamp: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TransactionRow<'a> {
    master_trx_id: &'a str,
    status: &'static str,
    description: &'a str,
    voucher_price: i64,
    price_normal: i64,
    created_dtm: String,
    voucher_type_code: &'a str,
    source_msisdn: &'static str,
    destination_msisdn: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DetailRow<'a> {
    master_trx_id: &'a str,
    b_msisdn: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_detail: Option<&'static str>,
}

impl Shelf {
    pub(super) fn new(brand: Brand, seed: u64) -> Self {
        let mut shelf = Self { brand, items: stock(brand, seed), injections: Vec::new(), last_stamp: 0 };
        shelf.injections = shelf.old_injections();
        shelf
    }

    fn old_injections(&mut self) -> Vec<Injection> {
        let rows = [
            ("SELLVOUCHER", "SELLVOUCHER-SATUAN", "6283899000011", "2022-11-15T18:58:33.304", State::Succeeded),
            ("PHYSICALVOUCHER", "PHYSICALVOUCHER-BULK", "1026220002320751", "2022-11-11T13:57:43.435", State::Failed),
            ("BUYSTOCK", "BUYSTOCK", "6287799000018", "2022-11-10T09:12:05.118", State::Succeeded),
        ];
        let injections = rows.into_iter().enumerate().map(|(item, (service, kind, target, at, state))| {
            let at = at.parse::<jiff::civil::DateTime>().ok();
            let at = at.and_then(|at| jiff::tz::offset(7).to_timestamp(at).ok()).unwrap_or(Timestamp::UNIX_EPOCH);
            let master_id = self.master_id(service == "PHYSICALVOUCHER", at);
            Injection { charge: None, master_id, target: target.to_owned(), service, kind, item, at, state }
        });
        injections.collect()
    }

    /// What a command does, if the brand has it.
    pub(super) fn command(&self, name: &str) -> Option<Command> {
        let (letters, printed): (&[char], _) = match (self.brand, name) {
            (Brand::Awg, "tembak-paket-ir") => (&['T'], false),
            (Brand::Awg, "tembak-fivi") => (&['F'], false),
            (Brand::Awg, "tembak-paket-pv") => (&['V'], true),
            (Brand::Xwg, "sell-voucher") => (&['T', 'Z'], false),
            (Brand::Xwg, "tembak-paket") => (&['V', 'Z'], true),
            _ => return None,
        };
        Some(Command { letters, printed })
    }

    /// The service type whose details a command asks for, if the brand has it.
    pub(super) fn detail_command(&self, name: &str) -> Option<&'static str> {
        match (self.brand, name) {
            (Brand::Awg, "info-detail-voucher") | (Brand::Xwg, "sellvoucher-detail") => Some("SELLVOUCHER"),
            (Brand::Awg, "info-detail-pv") | (Brand::Xwg, "physicalvoucher-detail") => Some("PHYSICALVOUCHER"),
            _ => None,
        }
    }

    pub(super) fn has_service(&self, name: &str) -> bool {
        match name {
            "SELLVOUCHER" | "PHYSICALVOUCHER" | "TRANSFER" | "BUYSTOCK" | "EXTENDSTOCK" => true,
            "TRFBALANCE" | "TEMBAKSTOK" => self.brand == Brand::Xwg,
            _ => false,
        }
    }

    /// Letters, a number and the time to the millisecond; a later id never has the time of an earlier one.
    pub(super) fn master_id(&mut self, printed: bool, at: Timestamp) -> String {
        let stamp = at.as_millisecond();
        let stamp = if stamp == self.last_stamp || self.injections.iter().any(|one| one.at.as_millisecond() == stamp) {
            stamp.max(self.last_stamp) + 1
        } else {
            stamp
        };
        self.last_stamp = stamp;
        let at = Timestamp::from_millisecond(stamp).unwrap_or(at);
        let start = match (self.brand, printed) {
            (Brand::Awg, false) => "TEMBAKTXL170178",
            (Brand::Awg, true) => "ISIU170178",
            (Brand::Xwg, false) => "TEMBAK101162",
            (Brand::Xwg, true) => "ISI101162",
        };
        let at = wib(at);
        format!("{start}{}{:03}", at.strftime("%y%m%d%H%M%S"), at.millisecond())
    }

    /// The transactions of a service on the given days, both included, oldest first.
    pub(super) fn transactions(&self, service: &str, from: Date, to: Date) -> Vec<impl Serialize + use<'_>> {
        let shown =
            self.injections.iter().filter(|one| one.service == service && (from..=to).contains(&wib(one.at).date()));
        let rows = shown.map(|one| {
            let item = &self.items[one.item];
            TransactionRow {
                master_trx_id: &one.master_id,
                status: match one.state {
                    State::Succeeded => "SUKSES",
                    State::Pending(_) => "PROSES",
                    State::Failed | State::Refused => "GAGAL",
                },
                description: item.description,
                voucher_price: item.price,
                price_normal: item.normal_price,
                created_dtm: wib(one.at).strftime("%Y-%m-%d").to_string(),
                voucher_type_code: item.code,
                source_msisdn: DEALER,
                destination_msisdn: &one.target,
                kind: one.kind,
            }
        });
        rows.collect()
    }

    /// What became of each target of one inject.
    pub(super) fn detail(&self, service: &str, master_id: &str) -> Vec<impl Serialize + use<'_>> {
        let shown = self.injections.iter().filter(|one| one.service == service && one.master_id == master_id);
        let rows = shown.map(|one| {
            let (awg, xwg, detail) = match one.state {
                State::Succeeded => ("Success", "SUKSES", None),
                State::Pending(_) => ("PROSES", "PROSES", None),
                State::Failed | State::Refused => ("Failed", "GAGAL", Some("INVALID_SID")),
            };
            let is_awg = self.brand == Brand::Awg;
            DetailRow {
                master_trx_id: &one.master_id,
                b_msisdn: &one.target,
                status: if is_awg { awg } else { xwg },
                status_detail: detail.filter(|_| !is_awg),
            }
        });
        rows.collect()
    }
}
