//! SIDOMPUL Open API 1.5.

mod catalogue;
mod gateway;
mod reply;
mod sales;
#[cfg(test)]
mod tests;
mod vouchers;

use http::Method;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use self::catalogue::Brand;
use self::gateway::Tokens;
use self::reply::{accepted, bad_request, done, refused};
use self::sales::{Sale, State};
use self::vouchers::{Injection, Shelf};
use crate::clock::wib;
use crate::context::Context;
use crate::crypto::{base64, hmac_sha256, redacted, same};
use crate::ledger::{ChargeState, NewCharge};
use crate::provider::{Operation, Profile, Provider, Reply, Request};
use crate::requests::Verdict;

static PROFILE: Profile = Profile {
    name: "sidompul",
    operations: &[
        Operation::Token,
        Operation::Inquiry,
        Operation::Payment,
        Operation::Status,
        Operation::PriceList,
        Operation::Balance,
        Operation::History,
    ],
    balance: 2_500_000,
    tokens: true,
    can_lose_transactions: &[Operation::Status, Operation::History],
    callback_retries: &[],
};

const CLIENT_ID: &str = "sbx-sidompul-client";
const CLIENT_SECRET: &str = "sbx-sidompul-secret";
const API_ID: &str = "sbx-api-id";
const API_KEY: &str = "sbx-api-key";
const PIN: &str = "1234";
const DEALER: &str = "6287700000000";
/// The dealer's pulsa at first.
const PULSA: i64 = 500_000;
/// What a reload costs beyond its denomination.
const RELOAD_FEE: i64 = 850;
/// Longer texts are not encrypted.
const LONGEST_PLAIN: usize = 15;
const IN_PROCESS: &str = "Transaksi sedang di proses";

/// The calls under this path, each with its method and fault group.
const API: &str = "/sidompul/openapi/v1/";
const CALLS: [(&str, Method, Operation); 17] = [
    ("post-encrypt", Method::POST, Operation::Inquiry),
    ("post-package", Method::POST, Operation::Payment),
    ("get-transaction-history", Method::GET, Operation::History),
    ("post-w2p", Method::POST, Operation::Payment),
    ("get-dompul-balance", Method::GET, Operation::Balance),
    ("get-pulsa-balance", Method::GET, Operation::Balance),
    ("get-product-list", Method::GET, Operation::PriceList),
    ("post-package-pulsa", Method::POST, Operation::Payment),
    ("get-awg-stock", Method::GET, Operation::PriceList),
    ("get-awg-transaction-info", Method::GET, Operation::History),
    ("post-awg-transaction-info-detail", Method::POST, Operation::Status),
    ("post-awg-tembak", Method::POST, Operation::Payment),
    ("get-xwg-stock", Method::GET, Operation::PriceList),
    ("get-xwg-transaction-info", Method::GET, Operation::History),
    ("post-xwg-transaction-info-detail", Method::POST, Operation::Status),
    ("post-xwg-tembak", Method::POST, Operation::Payment),
    ("get-transaction-history-detail", Method::GET, Operation::Status),
];

pub(crate) fn provider(seed: u64) -> Box<dyn Provider> {
    let pin_key = format!("sidompul-pin:{seed}").into_bytes();
    Box::new(Sidompul {
        encrypted_pin: encrypt(&pin_key, PIN),
        pin_key,
        tokens: Tokens::default(),
        sales: sales::old_sales(seed),
        awg: Shelf::new(Brand::Awg, seed),
        xwg: Shelf::new(Brand::Xwg, seed),
        pulsa: PULSA,
        awaited: Vec::new(),
    })
}

struct Sidompul {
    pin_key: Vec<u8>,
    encrypted_pin: String,
    tokens: Tokens,
    sales: Vec<Sale>,
    awg: Shelf,
    xwg: Shelf,
    pulsa: i64,
    /// What is not final yet; the index is the key of the settlement.
    awaited: Vec<Awaited>,
}

/// A purchase that settles later, by its place.
#[derive(Clone, Copy)]
enum Awaited {
    Sale(usize),
    Injection(Brand, usize),
}

/// An answer, or the answer to a request that a check refused.
type Answer = Result<Reply, Reply>;

/// What a customer makes happen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scenario {
    Succeeds,
    Pends {
        succeeds: bool,
    },
    Refused,
    /// The gateway answers with this fault, in this writing.
    Fault {
        code: u32,
        xml: bool,
        executes: bool,
    },
}

fn scenario(customer: &str) -> Scenario {
    let digit = customer.bytes().last().unwrap_or_default();
    let code = customer.strip_prefix("62877").filter(|rest| rest.len() == 7).and_then(|rest| rest[..6].parse().ok());
    match (code.filter(|code| gateway::is_fault(*code)), digit) {
        (Some(code), b'0') => Scenario::Fault { code, xml: false, executes: false },
        (Some(code), b'8') => Scenario::Fault { code, xml: true, executes: false },
        (Some(code), b'9') => Scenario::Fault { code, xml: false, executes: true },
        (_, b'2') => Scenario::Pends { succeeds: true },
        (_, b'3') => Scenario::Pends { succeeds: false },
        (_, b'4') => Scenario::Refused,
        _ => Scenario::Succeeds,
    }
}

/// The same data gives the same text: that is how the provider's PINs behave.
fn encrypt(key: &[u8], data: &str) -> String {
    base64(&hmac_sha256(key, data.as_bytes())[..16])
}

impl Scenario {
    /// The state of an accepted purchase.
    fn state(self) -> State {
        match self {
            Self::Pends { succeeds } => State::Pending(succeeds),
            _ => State::Succeeded,
        }
    }
}

fn charge_state(state: State) -> ChargeState {
    match state {
        State::Succeeded => ChargeState::Succeeded,
        State::Pending(_) => ChargeState::Pending,
        State::Failed | State::Refused => ChargeState::Failed,
    }
}

impl Provider for Sidompul {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn credentials(&self) -> Value {
        json!({
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "api_id": API_ID,
            "api_key": API_KEY,
            "pin": PIN,
            "dealer_msisdn": DEALER,
        })
    }

    fn scenarios(&self) -> Value {
        let customers = [
            (
                "6287700000011",
                "1 and every digit not listed: succeeds at once; the reply of post-package-pulsa says in process; an inject gives its masterTrxId",
            ),
            ("6287700000012", "2: in process, succeeds when settled"),
            ("6287700000013", "3: in process, fails when settled; balance or stock is given back"),
            ("6287700000014", "4: refused with errorCode SBX-REFUSED; one such target refuses a whole inject"),
            ("628779009020", "62877, a six-digit gateway code, 0: that fault as JSON, nothing executed"),
            ("628779009028", "62877, a six-digit gateway code, 8: that fault as XML, nothing executed"),
            ("628771015049", "62877, a six-digit gateway code, 9: that fault as JSON, although executed"),
        ];
        let refusals =
            ["SBX-BADREQUEST", "SBX-PIN", "SBX-MSISDN", "SBX-PRODUCT", "SBX-STOCK", "SBX-BALANCE", "SBX-REFUSED"];
        let codes = json!({ "error_codes": refusals, "what": "errorCodes of refusals: HTTP 400, from the package calls HTTP 200" });
        let pair = json!({
            "api_id": format!("{API_ID}.post-w2p"),
            "api_key": format!("{API_KEY}.post-w2p"),
            "what": "a pair with a path's name behind it is accepted on that path only",
        });
        let reload = json!({ "product": "W2P", "amount": format!("the denomination plus {RELOAD_FEE}") });
        let products =
            catalogue::PRODUCTS.map(|(code, name, price)| json!({ "product": code, "name": name, "amount": price }));
        let stock = [&self.awg, &self.xwg].into_iter().flat_map(|shelf| &shelf.items).map(|item| {
            json!({
                "stock": item.code,
                "name": item.description,
                "allow_type": item.allow_type,
                "amount": item.price,
                "pieces": item.pieces,
                "expired": item.expired,
            })
        });
        let customers = customers.map(|(customer, what)| json!({ "customer": customer, "what": what }));
        customers.into_iter().chain([codes, pair, reload]).chain(products).chain(stock).collect()
    }

    fn operation_of(&self, request: &Request) -> Option<Operation> {
        if request.path == "/token" {
            return Some(Operation::Token);
        }
        let name = request.path.strip_prefix(API)?;
        CALLS.iter().find(|(call, ..)| *call == name).map(|(.., operation)| *operation)
    }

    fn handle(&mut self, context: &mut Context<'_>, request: &Request) -> Reply {
        if request.path == "/token" {
            return self.tokens.issue(context, request);
        }
        match self.checked(context, request) {
            Ok(reply) | Err(reply) => reply,
        }
    }

    fn settle(&mut self, context: &mut Context<'_>, key: u64) {
        let Some(awaited) = usize::try_from(key).ok().and_then(|key| self.awaited.get(key)).copied() else { return };
        let end = |state: &mut State| {
            let State::Pending(succeeds) = *state else { return false };
            *state = if succeeds { State::Succeeded } else { State::Failed };
            true
        };
        match awaited {
            Awaited::Sale(index) => {
                let sale = &mut self.sales[index];
                if !end(&mut sale.state) {
                    return;
                }
                if sale.state == State::Failed {
                    match sale.from_pulsa {
                        true => self.pulsa += sale.amount,
                        false => context.add_to_balance(sale.amount),
                    }
                }
                if let Some(charge) = sale.charge {
                    context.set_charge_state(charge, charge_state(sale.state));
                }
            }
            Awaited::Injection(brand, index) => {
                let shelf = self.shelf(brand);
                let injection = &mut shelf.injections[index];
                if !end(&mut injection.state) {
                    return;
                }
                if injection.state == State::Failed {
                    shelf.items[injection.item].pieces += 1;
                }
                if let Some(charge) = injection.charge {
                    context.set_charge_state(charge, charge_state(injection.state));
                }
            }
        }
    }

    fn expire_token(&mut self, context: &mut Context<'_>, _request: &Request) -> Reply {
        self.tokens.expire();
        gateway::fault(900_901, 401, context.now)
    }

    fn throttled(&self) -> Reply {
        Reply::json(
            429,
            &json!({ "fault": { "code": 900_803, "message": "Application level throttled out",
            "description": "You have exceeded your quota" } }),
        )
        .refused()
    }
}

impl Sidompul {
    fn shelf(&mut self, brand: Brand) -> &mut Shelf {
        match brand {
            Brand::Awg => &mut self.awg,
            Brand::Xwg => &mut self.xwg,
        }
    }

    fn checked(&mut self, context: &mut Context<'_>, request: &Request) -> Answer {
        self.tokens.check(context, request)?;
        context.verdict = Verdict::accepted("bearer token");
        let name = request.path.strip_prefix(API).unwrap_or_default();
        let Some((name, method, _)) = CALLS.iter().find(|(call, ..)| *call == name) else {
            return Err(gateway::status_report(404));
        };
        if request.method != *method {
            return Err(gateway::status_report(405));
        }
        context.verdict = check_keys(request, name);
        if !context.verdict.accepted {
            return Err(refused(401, "SBX-UNAUTHORIZED", "apiid or apikey is missing or wrong"));
        }
        let body = match *method == Method::POST {
            true => request.json_object().ok_or_else(|| bad_request("the body is not a JSON object"))?,
            false => Map::new(),
        };
        let today = wib(context.now).date();
        match *name {
            "post-encrypt" => self.encrypted(&body),
            "post-package" => self.package(context, &body, false),
            "post-package-pulsa" => self.package(context, &body, true),
            "post-w2p" => self.reload(context, &body),
            "get-transaction-history" => {
                let (from, to) = days(request, ["startdate", "enddate"], "%Y-%m-%d")?;
                Ok(listed(context, sales::history(&self.sales, from, to)))
            }
            "get-transaction-history-detail" => {
                let [id, number, status] =
                    ["transactionId", "msisdnB", "orderStatus"].map(|parameter| request.query_value(parameter));
                Ok(listed(context, sales::detail(&self.sales, id.as_deref(), number.as_deref(), status.as_deref())))
            }
            "get-dompul-balance" => Ok(done(context.balance())),
            "get-pulsa-balance" => Ok(done(self.pulsa)),
            "get-product-list" => Ok(done(catalogue::product_rows())),
            _ => {
                let brand = if name.contains("-awg-") { Brand::Awg } else { Brand::Xwg };
                if name.ends_with("-stock") {
                    let ro_type = request.query_value("roType");
                    Ok(done(catalogue::stock_rows(&self.shelf(brand).items, today, ro_type.as_deref())))
                } else if name.ends_with("-info") {
                    let (from, to) = days(request, ["beginDate", "endDate"], "%d-%m-%Y")?;
                    let shelf = self.shelf(brand);
                    let service = request.query_value("servicetype").filter(|service| shelf.has_service(service));
                    let service = service.ok_or_else(|| bad_request("servicetype is missing or unknown"))?;
                    Ok(listed(context, shelf.transactions(&service, from, to)))
                } else if name.ends_with("-info-detail") {
                    let shelf = self.shelf(brand);
                    let (command, master_id) = (text(&body, "command")?, text(&body, "masterTrxId")?);
                    let service = shelf.detail_command(command).ok_or_else(|| bad_request("command is unknown"))?;
                    Ok(listed(context, shelf.detail(service, master_id)))
                } else {
                    self.inject(context, &body, brand)
                }
            }
        }
    }

    fn encrypted(&self, body: &Map<String, Value>) -> Answer {
        let data = text(body, "data")?;
        if data.len() > LONGEST_PLAIN {
            return Err(bad_request("data is longer than 15 bytes"));
        }
        Ok(done(encrypt(&self.pin_key, data)))
    }

    fn package(&mut self, context: &mut Context<'_>, body: &Map<String, Value>, from_pulsa: bool) -> Answer {
        let (customer, pin, code) = (text(body, "msisdn")?, text(body, "pin")?, text(body, "productCode")?);
        let refuse = |code, message| refused(200, code, message);
        self.check_pin(pin, 200)?;
        if !is_number(customer) {
            return Err(refuse("SBX-MSISDN", "Nomor tidak valid"));
        }
        let (name, price) = catalogue::product(code).ok_or_else(|| refuse("SBX-PRODUCT", "Produk tidak ditemukan"))?;
        let available = if from_pulsa { self.pulsa } else { context.balance() };
        if available < price {
            return Err(refuse("SBX-BALANCE", "Saldo tidak cukup"));
        }
        self.sell(context, customer, code, price, |transaction_id, trace, at| Sale {
            charge: None,
            transaction_id,
            trace,
            is_reload: false,
            product: name.to_owned(),
            destination: customer.to_owned(),
            amount: price,
            from_pulsa,
            at,
            state: State::Refused,
        })
    }

    fn reload(&mut self, context: &mut Context<'_>, body: &Map<String, Value>) -> Answer {
        let (customer, pin) = (text(body, "msisdn")?, text(body, "pin")?);
        let denom = body.get("denom").and_then(|denom| match denom {
            Value::String(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
            number => number.as_i64(),
        });
        let denom = denom.filter(|denom| (1..=1_000_000_000).contains(denom));
        let denom: i64 = denom.ok_or_else(|| bad_request("denom is no positive whole number"))?;
        self.check_pin(pin, 400)?;
        if !is_number(customer) {
            return Err(refused(400, "SBX-MSISDN", "Nomor tidak valid"));
        }
        let amount = denom + RELOAD_FEE;
        if context.balance() < amount {
            return Err(refused(400, "SBX-BALANCE", "Saldo tidak cukup"));
        }
        self.sell(context, customer, &format!("W2P-{denom}"), amount, |transaction_id, trace, at| Sale {
            charge: None,
            transaction_id,
            trace,
            is_reload: true,
            product: format!("Reload Pulsa {denom}"),
            destination: customer.to_owned(),
            amount,
            from_pulsa: false,
            at,
            state: State::Refused,
        })
    }

    /// The customer's scenario of a reload or a package that passed all checks.
    fn sell(
        &mut self,
        context: &mut Context<'_>,
        customer: &str,
        product: &str,
        amount: i64,
        sale: impl FnOnce(String, String, jiff::Timestamp) -> Sale,
    ) -> Answer {
        let scenario = scenario(customer);
        if let Some(reply) = unexecuted_fault(scenario, context.now) {
            return Err(reply);
        }
        let (id, trace) = (sales::transaction_id(context.random), sales::trace(context.random, context.now));
        let mut sale = sale(id, trace, context.now);
        if scenario == Scenario::Refused {
            self.sales.push(sale);
            return Err(refused(
                if product.starts_with("W2P-") { 400 } else { 200 },
                "SBX-REFUSED",
                "Transaksi ditolak",
            ));
        }
        sale.state = scenario.state();
        let state = charge_state(sale.state);
        sale.charge = Some(context.charge(&NewCharge { reference: None, customer, product, amount, state }));
        match sale.from_pulsa {
            true => self.pulsa -= amount,
            false => context.add_to_balance(-amount),
        }
        let mut data = json!({});
        if !sale.from_pulsa {
            data = json!({ "transactionId": sale.transaction_id, "msisdn": customer });
            if sale.is_reload {
                data["denomination"] = json!(amount - RELOAD_FEE);
            }
        }
        data["description"] = match sale.state {
            State::Succeeded if !sale.from_pulsa => json!(format!("Transaksi dgn No. {} berhasil.", sale.trace)),
            _ => json!(IN_PROCESS),
        };
        if matches!(sale.state, State::Pending(_)) {
            self.await_settling(context, Awaited::Sale(self.sales.len()));
        }
        self.sales.push(sale);
        Ok(executed_fault(scenario, context.now).unwrap_or_else(|| done(data)))
    }

    fn inject(&mut self, context: &mut Context<'_>, body: &Map<String, Value>, brand: Brand) -> Answer {
        let now = context.now;
        let (pin, command, allow_type) = (text(body, "pin")?, text(body, "command")?, text(body, "allowType")?);
        let v_id = ["vId", "vid", "vld"].iter().find_map(|name| body.get(*name)?.as_str());
        let v_id = v_id.ok_or_else(|| bad_request("vId is missing"))?;
        let targets = targets(body)?;
        let pin_check = self.check_pin(pin, 400);
        let shelf = self.shelf(brand);
        let command = shelf.command(command).ok_or_else(|| bad_request("command is unknown"))?;
        let index = shelf.items.iter().position(|item| item.v_id == v_id);
        if index.is_some_and(|index| shelf.items[index].allow_type != allow_type) {
            return Err(bad_request("allowType is not the one of the stock item"));
        }
        if !command.allowed(allow_type) {
            return Err(bad_request("allowType does not permit the command"));
        }
        pin_check?;
        let fits = |target: &&str| if command.printed { is_serial(target) } else { is_number(target) };
        if !targets.iter().all(fits) {
            return Err(refused(400, "SBX-MSISDN", "Nomor tujuan tidak valid"));
        }
        let usable =
            index.filter(|index| !shelf.items[*index].expired && shelf.items[*index].pieces >= targets.len() as i64);
        let item = usable.ok_or_else(|| refused(400, "SBX-STOCK", "Stok tidak tersedia"))?;
        let scenarios: Vec<_> = targets.iter().map(|target| scenario(target)).collect();
        if scenarios.contains(&Scenario::Refused) {
            return Err(refused(400, "SBX-REFUSED", "Transaksi ditolak"));
        }
        if let Some(reply) = scenarios.iter().find_map(|scenario| unexecuted_fault(*scenario, now)) {
            return Err(reply);
        }
        let master_id = shelf.master_id(command.printed, now);
        let (service, kind) = match (command.printed, targets.len()) {
            (true, _) => ("PHYSICALVOUCHER", "PHYSICALVOUCHER-BULK"),
            (false, 1) => ("SELLVOUCHER", "SELLVOUCHER-SATUAN"),
            (false, _) => ("SELLVOUCHER", "SELLVOUCHER-BULK"),
        };
        let (product, amount) = (shelf.items[item].code, shelf.items[item].price);
        for (target, scenario) in targets.iter().zip(&scenarios) {
            let state = scenario.state();
            let charge = NewCharge { reference: None, customer: target, product, amount, state: charge_state(state) };
            let charge = Some(context.charge(&charge));
            let (target, master_id) = ((*target).to_owned(), master_id.clone());
            let shelf = self.shelf(brand);
            shelf.items[item].pieces -= 1;
            shelf.injections.push(Injection { charge, master_id, target, service, kind, item, at: now, state });
            if matches!(state, State::Pending(_)) {
                let last = shelf.injections.len() - 1;
                self.await_settling(context, Awaited::Injection(brand, last));
            }
        }
        let fault = scenarios.iter().find_map(|scenario| executed_fault(*scenario, now));
        Ok(fault.unwrap_or_else(|| accepted(master_id)))
    }

    fn await_settling(&mut self, context: &mut Context<'_>, awaited: Awaited) {
        context.settle_later(self.awaited.len() as u64);
        self.awaited.push(awaited);
    }

    fn check_pin(&self, pin: &str, status: u16) -> Result<(), Reply> {
        if same(pin.as_bytes(), self.encrypted_pin.as_bytes()) {
            return Ok(());
        }
        Err(refused(status, "SBX-PIN", "PIN salah"))
    }
}

fn unexecuted_fault(scenario: Scenario, now: jiff::Timestamp) -> Option<Reply> {
    match scenario {
        Scenario::Fault { code, xml: true, .. } => Some(gateway::xml_fault(code, gateway::status_of(code))),
        Scenario::Fault { code, executes: false, .. } => Some(gateway::fault(code, gateway::status_of(code), now)),
        _ => None,
    }
}

fn executed_fault(scenario: Scenario, now: jiff::Timestamp) -> Option<Reply> {
    let Scenario::Fault { code, executes: true, .. } = scenario else { return None };
    let reply = gateway::fault(code, gateway::status_of(code), now);
    Some(Reply { passed: true, ..reply })
}

/// Compares `apiid` and `apikey` with the default pair and with the pair of the call.
fn check_keys(request: &Request, call: &str) -> Verdict {
    let (Some(id), Some(key)) = (request.header("apiid"), request.header("apikey")) else {
        return Verdict::refused("key", "the header apiid or apikey is missing or empty");
    };
    let is_pair = |suffix: &str, id: &str, key: &str| {
        same(id.as_bytes(), format!("{API_ID}{suffix}").as_bytes())
            && same(key.as_bytes(), format!("{API_KEY}{suffix}").as_bytes())
    };
    if is_pair("", id, key) {
        return Verdict::accepted("bearer token, default pair");
    }
    if is_pair(&format!(".{call}"), id, key) {
        return Verdict::accepted(format!("bearer token, pair of {call}"));
    }
    let other = CALLS.iter().find(|(other, ..)| is_pair(&format!(".{other}"), id, key));
    let found = match other {
        Some((other, ..)) => format!("apiid and apikey are the pair of {other}"),
        None if is_pair("", key, id) => "apiid and apikey are swapped".to_owned(),
        None if id == CLIENT_ID || key == CLIENT_SECRET => "client_id or client_secret stands in the pair".to_owned(),
        None => format!("apiid {} and apikey {} are no pair", redacted(id), redacted(key)),
    };
    Verdict::refused("key", found)
}

/// A list; empty if the fault `status_not_found` hides what it holds.
fn listed(context: &mut Context<'_>, rows: Vec<impl serde::Serialize>) -> Reply {
    if !rows.is_empty() && context.hides_transaction() { done([(); 0]) } else { done(rows) }
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a str, Reply> {
    let value = body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    value.ok_or_else(|| bad_request(&format!("{name} is missing or no string")))
}

fn targets(body: &Map<String, Value>) -> Result<Vec<&str>, Reply> {
    let targets = body.get("target").and_then(Value::as_array).filter(|targets| !targets.is_empty());
    let targets = targets.and_then(|targets| targets.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
    let targets = targets.ok_or_else(|| bad_request("target is missing, empty or no list of strings"))?;
    let distinct: std::collections::HashSet<_> = targets.iter().collect();
    if distinct.len() < targets.len() { Err(bad_request("a target stands twice")) } else { Ok(targets) }
}

/// Two days of the query in one format.
fn days(request: &Request, names: [&str; 2], format: &str) -> Result<(Date, Date), Reply> {
    let day = |name: &str| {
        let text = request.query_value(name).filter(|text| text.len() == 10);
        let day = text.and_then(|text| Date::strptime(format, text).ok());
        day.ok_or_else(|| bad_request(&format!("{name} is missing or no day in the format {format}")))
    };
    Ok((day(names[0])?, day(names[1])?))
}

/// A mobile number in the form `62…`, no other.
fn is_number(text: &str) -> bool {
    let national = text.strip_prefix("62").filter(|national| (9..=12).contains(&national.len()));
    national.is_some_and(|national| {
        let mut bytes = national.bytes();
        bytes.next() == Some(b'8')
            && bytes.next().is_some_and(|second| (b'1'..=b'9').contains(&second))
            && bytes.all(|byte| byte.is_ascii_digit())
    })
}

fn is_serial(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit())
}
