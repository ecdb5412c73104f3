//! What is for sale, and the rows that describe it. Codes and prices are invented.

use jiff::Timestamp;
use serde::Serialize;

use crate::clock::wib;
use crate::random::Random;

/// What differs between the products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    InternetAndTv,
    PlnPrepaid,
    PlnPostpaid,
    Pulsa,
    DataPackage,
    PostpaidMobile,
    EMoney,
    GooglePlay,
    Voucher,
    Game,
    BpjsBpu,
    BpjsPu,
}

pub(super) struct Product {
    pub code: &'static str,
    pub name: &'static str,
    pub biller: &'static str,
    pub kind: Kind,
    /// What each bill row costs, without the administration; empty for an open amount. BPJSTK BPU: one month.
    pub bills: &'static [i64],
    pub admin: i64,
    pub active: bool,
}

const fn product(
    code: &'static str,
    name: &'static str,
    biller: &'static str,
    kind: Kind,
    bills: &'static [i64],
    admin: i64,
) -> Product {
    Product { code, name, biller, kind, bills, admin, active: true }
}

pub(super) const PRODUCTS: &[Product] = &[
    product("SBTV01", "TV Kabel Satu", "TV Satu", Kind::InternetAndTv, &[744_750], 2500),
    product("SBNET01", "Internet Rumah", "Net Rumah", Kind::InternetAndTv, &[330_000], 2500),
    product("SBPLN20", "PLN Prepaid 20.000", "PLN", Kind::PlnPrepaid, &[20_000], 0),
    product("SBPLN50", "PLN Prepaid 50.000", "PLN", Kind::PlnPrepaid, &[50_000], 0),
    product("SBPLN100", "PLN Prepaid 100.000", "PLN", Kind::PlnPrepaid, &[100_000], 0),
    product("SBPLNPOST", "PLN Postpaid", "PLN", Kind::PlnPostpaid, &[86_500], 3000),
    product("SBPLNPOST3", "PLN Postpaid 3 bulan", "PLN", Kind::PlnPostpaid, &[38_500, 46_000, 52_250], 9000),
    product("SBPULSA10", "Pulsa 10.000", "Operator", Kind::Pulsa, &[10_500], 0),
    product("SBPULSA25", "Pulsa 25.000", "Operator", Kind::Pulsa, &[25_400], 0),
    product("SBDATA1", "Paket Data 1 GB", "Operator", Kind::DataPackage, &[12_000], 0),
    product("SBDATA5", "Paket Data 5 GB", "Operator", Kind::DataPackage, &[48_000], 0),
    product("SBHALO", "Pascabayar", "Operator", Kind::PostpaidMobile, &[125_000], 0),
    product("SBEMON50", "Dompet 50.000", "Dompet", Kind::EMoney, &[51_000], 0),
    product("SBEMON100", "Dompet 100.000", "Dompet", Kind::EMoney, &[101_000], 0),
    product("SBEMONOPEN", "Dompet bebas", "Dompet", Kind::EMoney, &[], 0),
    product("SBDRIVER", "Saldo pengemudi", "Pengemudi", Kind::EMoney, &[], 0),
    product("SBGPLAY20", "Google Play 20.000", "Google Play", Kind::GooglePlay, &[20_000], 0),
    product("SBGPLAY50", "Google Play 50.000", "Google Play", Kind::GooglePlay, &[50_000], 0),
    product("SBVOUCH50", "Voucher 50.000", "Voucher", Kind::Voucher, &[50_000], 0),
    product("SBVOUCH100", "Voucher 100.000", "Voucher", Kind::Voucher, &[100_000], 0),
    product("SBGAME70", "Voucher game", "Game", Kind::Game, &[70_000], 0),
    product("SBBPJSBPU", "BPJSTK BPU", "BPJS Ketenagakerjaan", Kind::BpjsBpu, &[36_800], 2500),
    product("SBBPJSPU", "BPJSTK PU", "BPJS Ketenagakerjaan", Kind::BpjsPu, &[108_990], 2500),
    Product { active: false, ..product("SBOFF01", "Internet lama", "Net Lama", Kind::InternetAndTv, &[100_000], 2500) },
];

pub(super) fn find(code: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.code == code)
}

/// The phone number under which Google Play purchases come back.
pub(super) const GOOGLE_PLAY_ACCOUNT: &str = "0811111111111";

impl Product {
    pub(super) fn category(&self) -> &'static str {
        match self.kind {
            Kind::InternetAndTv => "Internet dan TV Kabel",
            Kind::PlnPrepaid | Kind::PlnPostpaid => "Listrik",
            Kind::Pulsa => "Pulsa",
            Kind::DataPackage => "Paket Data",
            Kind::PostpaidMobile => "Pascabayar",
            Kind::EMoney => "eMoney",
            Kind::GooglePlay => "Google Play",
            Kind::Voucher => "Voucher Digital",
            Kind::Game => "Voucher Game",
            Kind::BpjsBpu | Kind::BpjsPu => "BPJS",
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.bills.is_empty()
    }

    pub(super) fn is_bpjs(&self) -> bool {
        matches!(self.kind, Kind::BpjsBpu | Kind::BpjsPu)
    }

    /// Whether its inquiry has no rows, and its answers neither customer name nor validity.
    pub(super) fn is_bare(&self) -> bool {
        matches!(self.kind, Kind::Pulsa | Kind::DataPackage)
    }

    fn is_bill(&self) -> bool {
        matches!(self.kind, Kind::InternetAndTv | Kind::PlnPostpaid | Kind::PostpaidMobile) || self.is_bpjs()
    }

    /// The code of every success that no account number decides otherwise.
    pub(super) fn success_code(&self) -> u16 {
        if self.kind == Kind::DataPackage { 4 } else { 0 }
    }

    /// The code in answers, which may be the upstream's.
    pub(super) fn answered_code(&self) -> String {
        let prefix = if self.kind == Kind::DataPackage { "UP" } else { "" };
        format!("{prefix}{}", self.code)
    }

    /// The customer's name in rows and in most answers.
    pub(super) fn customer_name(&self) -> &'static str {
        match self.kind {
            Kind::Pulsa | Kind::DataPackage | Kind::GooglePlay | Kind::Voucher | Kind::Game => "N/A",
            _ => "PELANGGAN UJI",
        }
    }

    /// What stands for the token while there is none.
    pub(super) fn no_token(&self) -> &'static str {
        if self.category() == "Listrik" { "N/A" } else { "" }
    }

    pub(super) fn new_token(&self, random: &mut Random) -> String {
        let of = |random: &mut Random, alphabet: &[u8], count: usize| -> String {
            (0..count).map(|_| char::from(alphabet[random.below(alphabet.len() as u64) as usize])).collect()
        };
        match self.kind {
            Kind::PlnPrepaid => random.stroom_token(),
            Kind::Pulsa | Kind::DataPackage => format!("SN{}", random.digits(10)),
            Kind::Voucher | Kind::Game => of(random, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 12),
            _ => of(random, b"0123456789ABCDEF", 8),
        }
    }

    /// What the inquiry shows; `wanted` is the customer's choice for an open amount.
    pub(super) fn inquiry_amount(&self, wanted: i64, months: i64) -> i64 {
        match self.kind {
            Kind::GooglePlay => 0,
            Kind::BpjsPu => self.bills[0],
            _ => self.bill_values(wanted, months).iter().sum::<i64>() + self.admin,
        }
    }

    /// The amounts that a payment may name.
    pub(super) fn payable(&self, inquired: i64) -> Vec<i64> {
        match self.kind {
            Kind::GooglePlay => self.bills.to_vec(),
            Kind::BpjsPu => vec![inquired, inquired + self.admin],
            _ => vec![inquired],
        }
    }

    /// What a payment costs, and what its answer names.
    pub(super) fn charged(&self, inquired: i64) -> i64 {
        self.payable(inquired).into_iter().max().unwrap_or(inquired)
    }

    fn bill_values(&self, wanted: i64, months: i64) -> Vec<i64> {
        match self.kind {
            _ if self.is_open() => vec![wanted],
            Kind::BpjsBpu => vec![self.bills[0] * months],
            _ => self.bills.to_vec(),
        }
    }

    /// An account number of the kind that the product takes, ending in the digit.
    pub(super) fn example_account(&self, digit: u8) -> String {
        match self.kind {
            _ if self.code == "SBDRIVER" => format!("B 123{digit} XYZ"),
            Kind::GooglePlay => format!("pembeli{digit}@contoh.id"),
            Kind::PlnPrepaid => format!("3212345678{digit}"),
            Kind::PlnPostpaid => format!("53000000001{digit}"),
            Kind::Pulsa | Kind::DataPackage | Kind::PostpaidMobile | Kind::EMoney => format!("08120000000{digit}"),
            Kind::InternetAndTv | Kind::Voucher | Kind::Game => format!("12322334{digit}"),
            Kind::BpjsBpu | Kind::BpjsPu => format!("317100000000000{digit}"),
        }
    }

    /// As the product list shows it.
    pub(super) fn listed(&self) -> Listed {
        let kind = if self.is_bill() { "postpaid" } else { "prepaid" };
        Listed {
            name: self.name,
            description: if self.kind == Kind::PlnPrepaid { "Token listrik" } else { self.category() },
            code: self.code,
            logo: "",
            amount: if self.is_bill() { 0 } else { self.bills.iter().sum() },
            admin_fee: self.admin,
            biller: self.biller,
            category: self.category(),
            active: self.active,
            kind,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed {
    name: &'static str,
    description: &'static str,
    code: &'static str,
    logo: &'static str,
    amount: i64,
    admin_fee: i64,
    biller: &'static str,
    category: &'static str,
    active: bool,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// What was inquired, and so what can be paid.
#[derive(Clone)]
pub(super) struct Purchase {
    pub product: &'static Product,
    /// The account number of the inquiry's request.
    pub asked: String,
    /// The amount that the customer chose, for an open one.
    pub wanted: i64,
    /// The number of months; 1 where there is no choice.
    pub months: i64,
}

impl Purchase {
    /// The account number of the inquiry's answer.
    pub(super) fn answered_account(&self) -> String {
        if !self.product.is_bpjs() {
            return self.asked.clone();
        }
        let skipped = self.asked.chars().count().saturating_sub(8);
        format!("2108{}", self.asked.chars().skip(skipped).collect::<String>())
    }

    pub(super) fn inquired(&self) -> i64 {
        self.product.inquiry_amount(self.wanted, self.months)
    }
}

/// A detail row.
#[derive(Clone, Serialize)]
pub(super) struct Row {
    key: &'static str,
    value: RowValue,
}

#[derive(Clone, Serialize)]
#[serde(untagged)]
pub(super) enum RowValue {
    Number(i64),
    Text(String),
}

/// A bill row.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BillRow {
    bill_id: String,
    bill_info: Vec<Row>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_mandatory: Option<bool>,
    key: &'static str,
    value: RowValue,
}

/// All rows of an answer; none at all while a purchase is pending or failed.
#[derive(Default)]
pub(super) struct Details {
    pub customer: Vec<Row>,
    pub bills: Vec<BillRow>,
    pub product: Vec<Row>,
}

/// Which answer the rows are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Inquiry,
    Payment,
    Status,
}

fn text(key: &'static str, value: impl Into<String>) -> Row {
    Row { key, value: RowValue::Text(value.into()) }
}

fn number(key: &'static str, value: i64) -> Row {
    Row { key, value: RowValue::Number(value) }
}

/// The rows of an answer. With the inquiry there is no `token`; later ones are about a success.
pub(super) fn details(
    purchase: &Purchase,
    account: &str,
    at: Timestamp,
    token: Option<&str>,
    answer: Answer,
) -> Details {
    let product = purchase.product;
    if product.is_bare() && answer == Answer::Inquiry {
        return Details::default();
    }
    let mut details = Details {
        customer: customer_rows(product, account, at, answer),
        bills: bill_rows(purchase, at, answer),
        product: product_rows(purchase, account, at),
    };
    if let Some(token) = token {
        let key = if product.is_bare() { "Serial Nomor" } else { "Nomor Referensi" };
        details.product.push(text(key, token));
    }
    if product.is_bpjs() && answer == Answer::Status {
        let bills = details.bills.iter_mut().map(|row| &mut row.value);
        for value in details.customer.iter_mut().chain(&mut details.product).map(|row| &mut row.value).chain(bills) {
            if let RowValue::Number(number) = value {
                *value = RowValue::Text(number.to_string());
            }
        }
    }
    details
}

fn customer_rows(product: &Product, account: &str, at: Timestamp, answer: Answer) -> Vec<Row> {
    let form = if product.is_bpjs() && answer == Answer::Inquiry { "%H:%M | %d %b %Y" } else { "%d %b %Y | %H:%M" };
    let time = text("Tanggal & Waktu Pembayaran", wib(at).strftime(form).to_string());
    match product.kind {
        Kind::BpjsBpu => vec![text("Nama", product.customer_name()), text("NIK / ID Billing", account), time],
        Kind::BpjsPu => vec![text("Nama Perusahaan", product.customer_name()), text("Kode Iuran", account), time],
        _ => {
            let number = match product.kind {
                Kind::GooglePlay => text("Nomor Pelanggan", GOOGLE_PLAY_ACCOUNT),
                Kind::PlnPrepaid => text("No Meter", account),
                Kind::Pulsa | Kind::DataPackage | Kind::EMoney => text("Nomor HP", account),
                _ => text("Nomor Pelanggan", account),
            };
            vec![text("Nama Pelanggan", product.customer_name()), time, number]
        }
    }
}

fn bill_rows(purchase: &Purchase, at: Timestamp, answer: Answer) -> Vec<BillRow> {
    let product = purchase.product;
    let (bill, admin) = match product.kind {
        _ if product.is_bare() || product.kind == Kind::GooglePlay => return Vec::new(),
        Kind::PlnPrepaid | Kind::EMoney | Kind::Voucher | Kind::Game => ("Harga Produk", "Biaya Administrasi"),
        _ if product.is_bpjs() => ("Jumlah Tagihan", "Biaya Transaksi"),
        _ => ("Jumlah Tagihan", "Biaya Administrasi"),
    };
    let is_mandatory = (answer == Answer::Inquiry).then_some(true);
    let values = product.bill_values(purchase.wanted, purchase.months);
    let last = values.len();
    let bills = values.iter().enumerate().map(|(index, value)| BillRow {
        bill_id: (index + 1).to_string(),
        bill_info: bill_info(purchase, *value, last - index, at),
        is_mandatory,
        key: bill,
        value: RowValue::Number(*value),
    });
    let admin = BillRow {
        bill_id: "0".to_owned(),
        bill_info: Vec::new(),
        is_mandatory,
        key: admin,
        value: RowValue::Number(product.admin),
    };
    bills.chain([admin]).collect()
}

/// What stands beside a bill row; `months_ago` is 1 for the latest month.
fn bill_info(purchase: &Purchase, value: i64, months_ago: usize, at: Timestamp) -> Vec<Row> {
    let months = purchase.months;
    let share = |key, amount: i64| text(key, (amount * months).to_string());
    match purchase.product.kind {
        Kind::InternetAndTv => vec![text("Bulan", "N/A")],
        Kind::PlnPostpaid => vec![
            number("Rp Tag PLN", value),
            number("Denda", 0),
            text("Jatuh Tempo", wib(at).date().strftime("20-%m-%Y ").to_string()),
            number("Insentif", 0),
            text("Pemakaian", "57"),
            text("Stand Meter", "00012345-00012402"),
            text("Bulan", month(at, months_ago)),
        ],
        Kind::BpjsBpu => vec![share("Iuran JHT", 20_000), share("Iuran JKK", 10_000), share("Iuran JKM", 6800)],
        Kind::BpjsPu => vec![
            share("Iuran JHT", 57_000),
            share("Iuran JKK", 2400),
            share("Iuran JKM", 3000),
            share("Iuran JPK", 16_590),
            share("Iuran JPN", 30_000),
        ],
        _ => Vec::new(),
    }
}

fn product_rows(purchase: &Purchase, account: &str, at: Timestamp) -> Vec<Row> {
    let product = purchase.product;
    let count = product.bills.len();
    match product.kind {
        Kind::InternetAndTv => vec![text("Periode", "N/A")],
        Kind::PlnPrepaid => vec![text("No Meter", account), text("Tarif/Daya", "R1 /1300 VA")],
        Kind::PlnPostpaid => vec![
            number("Total LBR Tagihan", count as i64),
            text("Total Tarif/Daya", "R1 /1300 VA"),
            text("BL/TH", (1..=count).rev().map(|ago| month(at, ago)).collect::<Vec<_>>().join(",")),
            text("Total Pemakaian", (57 * count).to_string()),
            text("Stand Meter", "00012345-00012402"),
        ],
        Kind::GooglePlay => vec![text("Nama Produk", product.name)],
        Kind::BpjsPu => vec![text("NPP", "SB000001"), text("Divisi", "000"), text("Bulan Tagihan", month(at, 1))],
        _ => Vec::new(),
    }
}

/// A month before the present one, such as `NOV22`.
fn month(at: Timestamp, ago: usize) -> String {
    let first = wib(at).date().first_of_month();
    let past = (0..ago).fold(first, |month, _| month.yesterday().map_or(month, |day| day.first_of_month()));
    past.strftime("%b%y").to_string().to_uppercase()
}
