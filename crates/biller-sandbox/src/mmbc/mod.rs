//! MMBC API Pulsa 3.1: price list, top-up, status.

mod prices;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Value, json};

use self::prices::Item;
use crate::clock::wib;
use crate::context::Context;
use crate::crypto::{redacted, same};
use crate::ledger::{ChargeState, NewCharge};
use crate::provider::{Operation, Profile, Provider, Reply, Request};
use crate::requests::Verdict;

static PROFILE: Profile = Profile {
    name: "mmbc",
    operations: &[Operation::Payment, Operation::Status, Operation::PriceList],
    balance: 5_000_000,
    tokens: false,
    can_lose_transactions: &[Operation::Status],
    callback_retries: &[],
};

const USERNAME: &str = "sbx-mmbc";
const PASSWORD: &str = "sbx-mmbc-password";
const AGENT: &str = "JKT-11111";
const FIRST_INVOICE: u64 = 11_111;
/// The numbers `08119990`, two digits of a reason code, one digit.
const CODE_CUSTOMER: &str = "08119990";

pub(crate) fn provider() -> Box<dyn Provider> {
    Box::new(Mmbc { prices: prices::list(), transactions: Vec::new() })
}

struct Mmbc {
    prices: Vec<Item>,
    /// Oldest first; the index gives the invoice.
    transactions: Vec<Transaction>,
}

/// A top-up that was accepted.
struct Transaction {
    charge: u64,
    /// Its place in the price list.
    item: usize,
    customer: String,
    repeat: u64,
    at: Timestamp,
    serial: String,
    state: ChargeState,
    /// What a pending one becomes.
    ending: ChargeState,
}

/// What a customer's number makes happen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scenario<'a> {
    Succeed,
    SucceedLater,
    FailLater,
    Refuse(&'a str),
    /// Executed, and answered as if refused.
    RefuseAfter(&'a str),
}

impl Mmbc {
    fn price_list(&self) -> Reply {
        answer(&self.prices.iter().map(Item::row).collect::<Vec<_>>())
    }

    fn top_up(&mut self, context: &mut Context<'_>, form: &Form) -> Reply {
        let customer = form.get("nomortujuan");
        if !is_destination(customer) {
            return refuse("11");
        }
        let code = form.get("kodeoperator");
        let Some(index) = self.prices.iter().position(|item| item.code == code && item.ready) else {
            return refuse("12");
        };
        let Some(repeat) = form.repeat() else { return refuse("91") };
        match self.earlier(customer, index, repeat, wib(context.now).date()) {
            Some(ChargeState::Pending) => return refuse("41"),
            Some(ChargeState::Succeeded) => return refuse("51"),
            Some(ChargeState::Failed) if !context.charges_resend() => return refuse("12"),
            Some(ChargeState::Failed) | None => {}
        }
        let item = &self.prices[index];
        if context.balance() < item.price {
            let reason = format!(
                "Maaf, Saldo anda tidak cukup untuk isi ulang {} senilai {}, Saldo {AGENT}: {}",
                item.title(),
                item.price,
                context.balance()
            );
            return refuse_with("62", &reason);
        }
        let (state, ending, code) = match scenario(customer) {
            Scenario::Succeed => (ChargeState::Succeeded, ChargeState::Succeeded, None),
            Scenario::SucceedLater => (ChargeState::Pending, ChargeState::Succeeded, None),
            Scenario::FailLater => (ChargeState::Pending, ChargeState::Failed, None),
            Scenario::Refuse(code) => return refuse(code),
            Scenario::RefuseAfter(code) => (ChargeState::Succeeded, ChargeState::Succeeded, Some(code)),
        };
        let number = self.execute(context, index, customer, repeat, state, ending);
        match code {
            Some(code) => refusal(code, reason_of(code)),
            None => answer(&self.top_up_reply(number, context.balance())),
        }
    }

    /// Enters a top-up into the books and returns its place among the transactions.
    fn execute(
        &mut self,
        context: &mut Context<'_>,
        item: usize,
        customer: &str,
        repeat: u64,
        state: ChargeState,
        ending: ChargeState,
    ) -> usize {
        let Item { code, price, .. } = &self.prices[item];
        context.add_to_balance(-price);
        let charge = context.charge(&NewCharge { reference: None, customer, product: code, amount: *price, state });
        let number = self.transactions.len();
        let serial = match state {
            ChargeState::Succeeded => serial(context),
            ChargeState::Pending | ChargeState::Failed => {
                context.settle_later(number as u64);
                String::new()
            }
        };
        let customer = customer.to_owned();
        self.transactions.push(Transaction { charge, item, customer, repeat, at: context.now, serial, state, ending });
        number
    }

    /// What became of the latest top-up with the same key on this day.
    fn earlier(&self, customer: &str, item: usize, repeat: u64, day: Date) -> Option<ChargeState> {
        let key = self.prices[item].daily_key();
        let same = |transaction: &&Transaction| {
            transaction.customer == customer
                && transaction.repeat == repeat
                && self.prices[transaction.item].daily_key() == key
                && wib(transaction.at).date() == day
        };
        self.transactions.iter().rfind(same).map(|transaction| transaction.state)
    }

    fn top_up_reply(&self, number: usize, balance: i64) -> TopUpReply<'_> {
        let transaction = &self.transactions[number];
        let item = &self.prices[transaction.item];
        TopUpReply {
            result: "ok",
            tanggal: date(transaction.at),
            invoice: invoice(number),
            transaksi: item.kind,
            operator: item.operator,
            kodeoperator: &item.code,
            nominal: &item.denomination,
            nomorpelanggan: &transaction.customer,
            serial: &transaction.serial,
            debet: item.price.to_string(),
            saldo: balance.to_string(),
            kodeagen: AGENT,
            status: word(transaction.state),
        }
    }

    fn status(&self, context: &mut Context<'_>, form: &Form) -> Reply {
        let (wanted, customer) = (form.get("invoice"), form.get("nomortujuan"));
        let found = (0..self.transactions.len())
            .find(|number| invoice(*number) == wanted && self.transactions[*number].customer == customer);
        match found {
            Some(number) if !context.hides_transaction() => answer(&self.status_reply(number)),
            _ => {
                let reason = format!(
                    "Tidak ada transaksi pulsa dengan Invoice {wanted} ke nomor tujuan {customer}, silakan anda periksa kembali."
                );
                no(None, &reason).refused()
            }
        }
    }

    fn status_reply(&self, number: usize) -> StatusReply<'_> {
        let transaction = &self.transactions[number];
        let item = &self.prices[transaction.item];
        let invoice = invoice(number);
        let story = match transaction.state {
            ChargeState::Succeeded => {
                format!("sukses berhasil terkirim SN Operator: {}, Silakan cek pulsa di *888#", transaction.serial)
            }
            ChargeState::Pending => "pending sedang diproses, silakan cek kembali".to_owned(),
            ChargeState::Failed => "gagal, saldo anda telah dikembalikan".to_owned(),
        };
        StatusReply {
            result: "ok",
            tanggal: date(transaction.at),
            transaksi: item.kind,
            operator: item.operator,
            kodeoperator: &item.code,
            nominal: &item.denomination,
            nomortujuan: &transaction.customer,
            serial: &transaction.serial,
            description: format!(
                "Status transaksi {} {}({}) dgn Invoice {invoice} ke nomor {} adalah {story}",
                item.kind, item.operator, item.code, transaction.customer
            ),
            invoice,
            kodeagen: AGENT,
            status: word(transaction.state),
        }
    }
}

impl Provider for Mmbc {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn credentials(&self) -> Value {
        json!({ "username": USERNAME, "password": PASSWORD })
    }

    fn scenarios(&self) -> Value {
        let products = self.prices.iter().map(
            |item| json!({ "product": item.code, "name": item.title(), "amount": item.price, "open": item.ready }),
        );
        let digits = [
            ("081234567891", "ok, sukses", "sukses"),
            ("081234567892", "ok, pending", "sukses once settled"),
            ("081234567893", "ok, pending", "gagal once settled, balance given back"),
            ("081234567894", "no, 12, not executed", "-"),
            ("081234567895", "ok, sukses", "sukses"),
        ];
        let digits = digits.map(|(customer, top_up, afterwards)| {
            json!({ "customer": customer, "decides": "last digit", "top_up": top_up, "afterwards": afterwards })
        });
        // 77 stands for every code that the document does not list, 99 for a refusal without a code.
        let codes = REASONS.iter().map(|(code, _)| *code).chain(["77", "99"]);
        let codes = codes.flat_map(|code| {
            let refused = json!({
                "customer": format!("{CODE_CUSTOMER}{code}0"), "decides": "the last three digits",
                "top_up": format!("no, {code}, not executed"),
            });
            let lies = answers_after_executing(code).then(|| {
                json!({
                    "customer": format!("{CODE_CUSTOMER}{code}9"), "decides": "the last three digits",
                    "top_up": format!("executed, then no, {code}"),
                })
            });
            [refused].into_iter().chain(lies)
        });
        Value::Array(products.chain(digits).chain(codes).collect())
    }

    fn operation_of(&self, request: &Request) -> Option<Operation> {
        match request.path.as_str() {
            _ if request.method != http::Method::POST => None,
            "/json/pulsa/daftarharga" => Some(Operation::PriceList),
            "/json/pulsa/isipulsa" => Some(Operation::Payment),
            "/json/pulsa/cekstatus" => Some(Operation::Status),
            _ => None,
        }
    }

    fn handle(&mut self, context: &mut Context<'_>, request: &Request) -> Reply {
        let Some(operation) = self.operation_of(request) else {
            context.verdict = Verdict::unchecked("only three paths are served, and only by POST");
            return Reply::page(404);
        };
        let form = match login(request) {
            Ok(form) => form,
            Err(verdict) => {
                context.verdict = verdict;
                return no(None, "invalid login").refused();
            }
        };
        context.verdict = Verdict::accepted("username and password in the form body");
        match operation {
            Operation::PriceList => self.price_list(),
            Operation::Payment => self.top_up(context, &form),
            _ => self.status(context, &form),
        }
    }

    fn settle(&mut self, context: &mut Context<'_>, key: u64) {
        let transaction = usize::try_from(key).ok().and_then(|number| self.transactions.get_mut(number));
        let Some(transaction) = transaction else { return };
        transaction.state = transaction.ending;
        context.set_charge_state(transaction.charge, transaction.state);
        if transaction.state == ChargeState::Succeeded {
            transaction.serial = serial(context);
        } else {
            context.add_to_balance(self.prices[transaction.item].price);
        }
    }
}

/// The fields of a form body; the first one where a name is repeated.
struct Form(BTreeMap<String, String>);

impl Form {
    fn parse(body: &[u8]) -> Self {
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            fields.entry(name.into_owned()).or_insert(value.into_owned());
        }
        Self(fields)
    }

    /// A field's value; empty where it is missing.
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// `itrx`: which of several equal top-ups of a day this is; 1 where it is missing, none where it is no number from 1.
    fn repeat(&self) -> Option<u64> {
        let Some(text) = self.0.get("itrx") else { return Some(1) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number| digits && *number >= 1)
    }
}

/// Reads the form and checks the credentials in it.
fn login(request: &Request) -> Result<Form, Verdict> {
    let content_type = request.header("content-type").and_then(|text| text.split(';').next()).unwrap_or_default();
    if !content_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Verdict::refused(
            "body",
            "the body has to be application/x-www-form-urlencoded, by its Content-Type",
        ));
    }
    let form = Form::parse(&request.body);
    let (username, password) = (form.get("username"), form.get("password"));
    if same(username.as_bytes(), USERNAME.as_bytes()) && same(password.as_bytes(), PASSWORD.as_bytes()) {
        return Ok(form);
    }
    let in_query = request.query_value("username").is_some() || request.query_value("password").is_some();
    Err(if username.is_empty() && password.is_empty() && in_query {
        Verdict::refused("body", "credentials belong into the form body; those in the query string are not read")
    } else if username.is_empty() || password.is_empty() {
        Verdict::refused("body", "username and password are required in the form body")
    } else if username != USERNAME {
        Verdict::refused("key", format!("no account has the username {}", redacted(username)))
    } else {
        Verdict::refused("key", format!("the password {} is not that of the account", redacted(password)))
    })
}

/// 10 to 13 digits that begin with 08.
fn is_destination(number: &str) -> bool {
    number.starts_with("08") && (10..=13).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn scenario(customer: &str) -> Scenario<'_> {
    let last = customer.bytes().last().unwrap_or_default();
    if let Some(code) = asked_code(customer) {
        match last {
            b'0' => return Scenario::Refuse(code),
            b'9' if answers_after_executing(code) => return Scenario::RefuseAfter(code),
            _ => {}
        }
    }
    match last {
        b'2' => Scenario::SucceedLater,
        b'3' => Scenario::FailLater,
        b'4' => Scenario::Refuse("12"),
        _ => Scenario::Succeed,
    }
}

/// Codes that say nothing of execution: a top-up may have run before they are answered.
fn answers_after_executing(code: &str) -> bool {
    matches!(code, "00" | "21" | "81" | "82" | "91") || reason_of(code) == UNLISTED_REASON
}

/// The reason code that a code customer asks for; none for the duplicates, which only a duplicate gets.
fn asked_code(customer: &str) -> Option<&str> {
    let code = customer.strip_prefix(CODE_CUSTOMER).filter(|rest| rest.len() == 3)?.get(..2)?;
    (!matches!(code, "41" | "51")).then_some(code)
}

/// The documented codes that a customer can ask for.
const REASONS: [(&str, &str); 11] = [
    ("00", "Sistem sedang gangguan"),
    ("11", "Nomor salah format"),
    ("12", "Nominal sedang gangguan"),
    ("21", "Problem topup kartu kredit"),
    ("31", "Akun mitra tidak diperkenankan transaksi"),
    ("61", "Saldo akun mitra dikunci"),
    ("62", "Saldo akun mitra tidak cukup"),
    ("71", "Akun mitra belum verifikasi"),
    ("81", "Periksa email pemberitahuan"),
    ("82", "Masukkan kode sms"),
    ("91", "Unknown error/Gangguan Biller"),
];
const UNLISTED_REASON: &str = "Transaksi tidak dapat diproses";

fn reason_of(code: &str) -> &'static str {
    match code {
        "41" => "Isi ulang masih dalam proses",
        "51" => "Maksimal 1x sehari ke nomor yang sama di nominal yang sama",
        _ => REASONS.iter().find(|(listed, _)| *listed == code).map_or(UNLISTED_REASON, |(_, reason)| reason),
    }
}

/// A refusal before anything was executed.
fn refuse(code: &str) -> Reply {
    refuse_with(code, reason_of(code))
}

fn refuse_with(code: &str, reason: &str) -> Reply {
    refusal(code, reason).refused()
}

/// The answer to a refused top-up; 99 stands for the refusals of before July 2019, which carry no code.
fn refusal(code: &str, reason: &str) -> Reply {
    no((code != "99").then_some(code), reason)
}

fn no(reason_code: Option<&str>, reason: &str) -> Reply {
    answer(&Refusal { result: "no", reason_code, reason })
}

/// JSON under the content type that the provider's pages have.
fn answer(body: &impl Serialize) -> Reply {
    let mut reply = Reply::json(200, body);
    reply.headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("text/html; charset=UTF-8"));
    reply
}

fn invoice(number: usize) -> String {
    format!("TRX{}", FIRST_INVOICE + number as u64)
}

fn serial(context: &mut Context<'_>) -> String {
    context.random.digits(15)
}

fn date(at: Timestamp) -> String {
    wib(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn word(state: ChargeState) -> &'static str {
    match state {
        ChargeState::Pending => "pending",
        ChargeState::Succeeded => "sukses",
        ChargeState::Failed => "gagal",
    }
}

#[derive(Serialize)]
struct Refusal<'a> {
    result: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_code: Option<&'a str>,
    reason: &'a str,
}

#[derive(Serialize)]
struct TopUpReply<'a> {
    result: &'a str,
    tanggal: String,
    invoice: String,
    transaksi: &'a str,
    operator: &'a str,
    kodeoperator: &'a str,
    nominal: &'a str,
    nomorpelanggan: &'a str,
    serial: &'a str,
    debet: String,
    saldo: String,
    kodeagen: &'a str,
    status: &'a str,
}

#[derive(Serialize)]
struct StatusReply<'a> {
    result: &'a str,
    tanggal: String,
    invoice: String,
    transaksi: &'a str,
    operator: &'a str,
    kodeoperator: &'a str,
    nominal: &'a str,
    nomortujuan: &'a str,
    serial: &'a str,
    description: String,
    kodeagen: &'a str,
    status: &'a str,
}
