//! SIDOMPUL, held to the rules.

use std::sync::{Arc, LazyLock};

use biller_core::{BaseUrl, Biller, Error, Order, Rupiah, Secret, Spec, Verdict, WibDay, Wiring};
use serde_json::{Value, json};
use sidompul_client::codes::{self, GATEWAY};
use sidompul_client::model::{
    AwgDetailCommand, AwgInjectCommand, Brand, HistoryDetailQuery, HistoryQuery, Inject, MasterTrxId, ServiceType,
    StockItem, StockQuery, Target, WgDetailQuery, WgTransactionQuery, XwgDetailCommand, XwgInjectCommand,
};
use sidompul_client::operations as op;
use sidompul_client::{Client, Config, InjectKey, Pin, PurchasePackage, ReloadPulsa};

use crate::subject::{Call, Course, Echo, Goods, Reader, Subject, call, reader};

pub struct Sidompul;

const CUSTOMER: &str = "6287700000021";

fn client(wiring: Wiring) -> Client {
    static CONFIG: LazyLock<Config> = LazyLock::new(|| {
        let credential = |name: &str| Sidompul.credential(name);
        let pin = Pin::Plain(Secret::new(credential("pin")));
        let (id, secret) = (credential("client_id"), credential("client_secret"));
        let config = Config::new(id, secret, credential("api_id"), credential("api_key"), pin).expect("valid settings");
        config.with_base_url(BaseUrl::parse("http://127.0.0.1/sidompul").expect("an address"))
    });
    Client::with_wiring(CONFIG.clone(), wiring)
}

fn customer(course: Course) -> &'static str {
    match course {
        Course::AtOnce => "6287700000011",
        Course::Settles => "6287700000012",
        Course::Fails => "6287700000013",
    }
}

/// Where the reply never says that it is done, only that it was taken.
fn customer_later(course: Course) -> Option<&'static str> {
    (course != Course::AtOnce).then(|| customer(course))
}

fn voucher_later(course: Course) -> Option<&'static str> {
    match course {
        Course::AtOnce => None,
        Course::Settles => Some("1011640000921102"),
        Course::Fails => Some("1011640000921103"),
    }
}

fn priced(reference: &str, product: &str, customer: &str, price: i64) -> Order {
    Order::new(reference, product, customer).expect("a valid order").with_expected_price(Rupiah::new(price))
}

fn day() -> WibDay {
    WibDay::parse("2024-02-07").expect("a day")
}

fn reload() -> ReloadPulsa {
    ReloadPulsa::new(CUSTOMER, Rupiah::new(5_000)).expect("a valid reload")
}

fn package() -> PurchasePackage {
    PurchasePackage::new(CUSTOMER, "XTRA_EDUKASI").expect("a valid purchase")
}

fn sold() -> WgTransactionQuery {
    WgTransactionQuery { begin: day(), end: day(), service_type: ServiceType::SellVoucher }
}

fn awg(items: &[StockItem]) -> Inject {
    let target = Target::parse(CUSTOMER).expect("a target");
    Inject::new(&items[0], &AwgInjectCommand::ToNumber, vec![target]).expect("a valid inject")
}

fn xwg(items: &[StockItem]) -> Inject {
    let target = Target::parse("1011640000921101").expect("a target");
    Inject::new(&items[0], &XwgInjectCommand::IntoVoucher, vec![target]).expect("a valid inject")
}

fn payer() -> op::Payer {
    op::Payer { pin: Secret::new("encrypted"), refused_codes: Arc::new([]) }
}

fn awg_detail() -> WgDetailQuery<AwgDetailCommand> {
    let master_trx_id = MasterTrxId("ISI101162221111140458319".to_owned());
    WgDetailQuery { command: AwgDetailCommand::ToNumber, master_trx_id }
}

fn xwg_detail() -> WgDetailQuery<XwgDetailCommand> {
    let master_trx_id = MasterTrxId("ISI101162221111140458319".to_owned());
    WgDetailQuery { command: XwgDetailCommand::IntoVoucher, master_trx_id }
}

fn stock(brand: Brand) -> op::Stock {
    op::Stock { brand, query: StockQuery::default() }
}

fn transactions(brand: Brand) -> op::StockTransactions {
    op::StockTransactions { brand, query: sold() }
}

fn detail(brand: Brand) -> op::StockTransactionDetail {
    op::StockTransactionDetail { brand, command: "x".to_owned(), master_trx_id: MasterTrxId("1".to_owned()) }
}

impl Subject for Sidompul {
    fn folder(&self) -> &'static str {
        "sidompul-client"
    }

    fn sandbox_name(&self) -> &'static str {
        "sidompul"
    }

    fn specs(&self) -> &'static [&'static Spec] {
        op::ALL
    }

    fn routes(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("/token", "fetch_token"),
            ("/post-encrypt", "encrypt_pin"),
            ("/post-package-pulsa", "purchase_package_with_pulsa"),
            ("/post-package", "purchase_package"),
            ("/get-transaction-history-detail", "transaction_history_detail"),
            ("/get-transaction-history", "transaction_history"),
            ("/post-w2p", "reload_pulsa"),
            ("/get-dompul-balance", "dompul_balance"),
            ("/get-pulsa-balance", "pulsa_balance"),
            ("/get-product-list", "list_products"),
            ("/get-awg-stock", "awg_stock"),
            ("/get-awg-transaction-info", "awg_transactions"),
            ("/post-awg-transaction-info-detail", "awg_transaction_detail"),
            ("/post-awg-tembak", "awg_inject"),
            ("/get-xwg-stock", "xwg_stock"),
            ("/get-xwg-transaction-info", "xwg_transactions"),
            ("/post-xwg-transaction-info-detail", "xwg_transaction_detail"),
            ("/post-xwg-tembak", "xwg_inject"),
        ]
    }

    fn biller(&self, wiring: Wiring) -> Arc<dyn Biller> {
        Arc::new(sidompul_client::Sidompul::new(client(wiring)))
    }

    fn order(&self, course: Course, reference: &str) -> Option<Order> {
        Some(Order::new(reference, "W2P", customer(course)).expect("a valid order").with_amount(Rupiah::new(5_000)))
    }

    fn other_goods(&self) -> &'static [Goods] {
        &[
            Goods {
                name: "package",
                order: |course, reference| Some(priced(reference, "XC_FLEX_S", customer(course), 13_703)),
            },
            Goods {
                name: "package from pulsa",
                order: |course, reference| {
                    let order = priced(reference, "XC_FLEX_S", customer_later(course)?, 13_703);
                    Some(order.with_option("pay_from", "pulsa"))
                },
            },
            Goods {
                name: "AWG stock into a number",
                order: |course, reference| {
                    let order = priced(reference, "AX-RM580808TK-TSP", customer_later(course)?, 6_000);
                    Some(order.with_option("stock", "awg"))
                },
            },
            Goods {
                name: "XWG stock into a voucher",
                order: |course, reference| {
                    let order = priced(reference, "XL-WGXHSAE560658R", voucher_later(course)?, 10_000);
                    Some(order.with_option("stock", "xwg"))
                },
            },
        ]
    }

    fn calls(&self) -> Vec<Call> {
        vec![
            call!("fetch_token", |client| client.fetch_token()),
            call!("encrypt_pin", |client| async move { client.encrypt_pin(&Secret::new("9876")).await }),
            call!("purchase_package", |client| client.purchase_package(&package())),
            call!("transaction_history", |client| async move {
                client.transaction_history(&HistoryQuery::new(day(), day())).await
            }),
            call!("reload_pulsa", |client| client.reload_pulsa(&reload())),
            call!("dompul_balance", |client| client.dompul_balance()),
            call!("pulsa_balance", |client| client.pulsa_balance()),
            call!("list_products", |client| client.list_products()),
            call!("purchase_package_with_pulsa", |client| client.purchase_package_with_pulsa(&package())),
            call!("awg_stock", |client| async move { client.awg_stock(&StockQuery::default()).await }),
            call!("awg_transactions", |client| client.awg_transactions(&sold())),
            call!("awg_transaction_detail", |client| client.awg_transaction_detail(&awg_detail())),
            call!("awg_inject", |client| async move {
                let stock = client.awg_stock(&StockQuery::default()).await?;
                client.awg_inject(&awg(&stock)).await
            }),
            call!("xwg_stock", |client| async move { client.xwg_stock(&StockQuery::default()).await }),
            call!("xwg_transactions", |client| client.xwg_transactions(&sold())),
            call!("xwg_transaction_detail", |client| client.xwg_transaction_detail(&xwg_detail())),
            call!("xwg_inject", |client| async move {
                let stock = client.xwg_stock(&StockQuery::default()).await?;
                client.xwg_inject(&xwg(&stock)).await
            }),
            call!("transaction_history_detail", |client| async move {
                let msisdn = Some("6287700000011".parse().map_err(Error::from)?);
                client.transaction_history_detail(&HistoryDetailQuery { msisdn, ..Default::default() }).await
            }),
        ]
    }

    fn codes(&self, operation: &str) -> Vec<(String, Verdict)> {
        let call = if self.moves_money(operation) { codes::Call::Purchase } else { codes::Call::Read };
        let codes = GATEWAY.iter().flat_map(|row| [*row.codes.start(), *row.codes.end()]);
        codes.map(|code| (code.to_string(), codes::gateway_verdict(code, false, call))).collect()
    }

    fn coded(&self, code: &str, _valid: &Value) -> (u16, Value) {
        let code = code.parse::<u32>().map_or(json!(code), |code| json!(code));
        (500, json!({ "fault": { "code": code, "message": "Runtime Error", "description": "-" } }))
    }

    fn echoes(&self) -> &'static [Echo] {
        &[("/result/data/msisdn", "6287700099999"), ("/result/data/denomination", "10000")]
    }

    fn amounts(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("transaction_history", "amount"),
            ("transaction_history_detail", "amount"),
            ("awg_transactions", "voucherPrice"),
            ("xwg_transactions", "voucherPrice"),
        ]
    }

    fn readers(&self) -> Vec<Reader> {
        fn item() -> StockItem {
            serde_json::from_value(json!({ "vId": "c2FuZGJveA", "allowType": "TV" })).expect("a row of the stock")
        }
        fn inject(inject: Inject) -> op::InjectStock {
            op::InjectStock { inject, key: InjectKey::VId, payer: payer() }
        }
        vec![
            reader!("fetch_token", op::RequestToken),
            reader!("encrypt_pin", op::EncryptPin(Secret::new("9876"))),
            reader!("purchase_package", op::BuyPackage { package: package(), with_pulsa: false, payer: payer() }),
            reader!("transaction_history", op::TransactionHistory(HistoryQuery::new(day(), day()))),
            reader!("reload_pulsa", op::Reload { reload: reload(), payer: payer() }),
            reader!("dompul_balance", op::Balance::Dompul),
            reader!("pulsa_balance", op::Balance::Pulsa),
            reader!("list_products", op::ListProducts),
            reader!(
                "purchase_package_with_pulsa",
                op::BuyPackage { package: package(), with_pulsa: true, payer: payer() }
            ),
            reader!("awg_stock", stock(Brand::Awg)),
            reader!("awg_transactions", transactions(Brand::Awg)),
            reader!("awg_transaction_detail", detail(Brand::Awg)),
            reader!("awg_inject", inject(awg(&[item()]))),
            reader!("xwg_stock", stock(Brand::Xwg)),
            reader!("xwg_transactions", transactions(Brand::Xwg)),
            reader!("xwg_transaction_detail", detail(Brand::Xwg)),
            reader!("xwg_inject", inject(xwg(&[item()]))),
            reader!("transaction_history_detail", op::TransactionHistoryDetail(HistoryDetailQuery::default())),
            Reader { name: "gateway", read: |body| format!("{:?}", sidompul_client::gateway::Fault::read(&body)) },
        ]
    }

    fn secret_names(&self) -> &'static [&'static str] {
        &["client_secret", "api_key"]
    }

    fn serials_can_be_spent(&self) -> bool {
        false
    }

    fn token(&self) -> Option<(&'static str, u64)> {
        Some(("fetch_token", 3600))
    }

    /// The PIN, plain only where it is encrypted, and the voucher's id.
    fn secrets_of(&self, request: &http::Request<bytes::Bytes>) -> Vec<String> {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        ["pin", "vId", "vid"].iter().filter_map(|member| body[*member].as_str().map(str::to_owned)).collect()
    }
}
