use biller_core::{Rupiah, Secret, WibDay};
use biller_tests::text_of;
use sidompul_client::model::{
    AwgDetailCommand, AwgInjectCommand, HistoryDetailQuery, HistoryQuery, Inject, MasterTrxId, ServiceType, StockQuery,
    Target, WgDetailQuery, WgTransactionQuery, XwgDetailCommand, XwgInjectCommand,
};
use sidompul_client::{Client, Config, InjectKey, PurchasePackage, ReloadPulsa};

use crate::{Bench, credential};

fn day(text: &str) -> WibDay {
    WibDay::parse(text).unwrap()
}

fn october() -> HistoryQuery {
    HistoryQuery::new(day("2022-10-01"), day("2022-10-25"))
}

fn sold() -> WgTransactionQuery {
    WgTransactionQuery { begin: day("2022-11-01"), end: day("2022-11-22"), service_type: ServiceType::SellVoucher }
}

fn reload() -> ReloadPulsa {
    ReloadPulsa::new("0877 0000 0011", Rupiah::new(5_000)).unwrap()
}

fn edukasi() -> PurchasePackage {
    PurchasePackage::new("6287700000011", "XTRA_EDUKASI").unwrap()
}

async fn from_awg(client: &Client) -> Inject {
    let item = client.awg_stock(&StockQuery::default()).await.unwrap().remove(0);
    Inject::new(&item, &AwgInjectCommand::ToNumber, vec![Target::parse("6287700000011").unwrap()]).unwrap()
}

async fn from_xwg(client: &Client) -> Inject {
    let item = client.xwg_stock(&StockQuery::default()).await.unwrap().remove(0);
    let targets = ["1011640000921101", "1011640000921105"].map(|serial| Target::parse(serial).unwrap());
    Inject::new(&item, &XwgInjectCommand::IntoVoucher, targets.to_vec()).unwrap()
}

/// The last request and the decoded reply, with secrets replaced by their names.
fn shown(bench: &Bench, decoded: &dyn std::fmt::Debug) -> String {
    let sent = bench.tape.sent();
    let request = sent.last().unwrap();
    let mut secrets = vec![("client_secret".to_owned(), credential("client_secret"))];
    for (name, header) in [("token", "authorization"), ("api_key", "apikey")] {
        if let Some(value) = request.headers().get(header) {
            secrets.push((name.to_owned(), value.to_str().unwrap().trim_start_matches("Bearer ").to_owned()));
        }
    }
    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap_or_default();
    for (name, member) in [("encrypted pin", "pin"), ("voucher id", "vId"), ("voucher id", "vid"), ("pin", "data")] {
        if let Some(value) = body[member].as_str() {
            secrets.push((name.to_owned(), value.to_owned()));
        }
    }
    let secrets: Vec<_> = secrets.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    format!("{}\n\n=> {decoded:#?}", text_of(request, &secrets))
}

macro_rules! requests {
    ($($name:ident: |$client:ident| $call:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let bench = Bench::new();
            let $client = bench.client().clone();
            let decoded = $call;
            insta::assert_snapshot!(shown(&bench, &decoded));
        }
    )*};
}

requests! {
    fetch_token: |client| client.fetch_token().await.unwrap();
    encrypt_pin: |client| client.encrypt_pin(&Secret::new("9876")).await.unwrap();
    purchase_package: |client| client.purchase_package(&edukasi()).await.unwrap();
    purchase_package_with_pulsa: |client| client.purchase_package_with_pulsa(&edukasi()).await.unwrap();
    reload_pulsa: |client| client.reload_pulsa(&reload()).await.unwrap();
    dompul_balance: |client| client.dompul_balance().await.unwrap();
    pulsa_balance: |client| client.pulsa_balance().await.unwrap();
    list_products: |client| {
        let list = client.list_products().await.unwrap();
        (list.products.len(), list.dropped, list.products[0].clone())
    };
    transaction_history: |client| client.transaction_history(&october()).await.unwrap();
    transaction_history_detail: |client| {
        let query = HistoryDetailQuery {
            transaction_id: None,
            msisdn: Some("6287799000011".parse().unwrap()),
            order_status: Some("SUCCESS".to_owned()),
        };
        client.transaction_history_detail(&query).await.unwrap()
    };
    transaction_history_detail_with_an_id: |client| {
        let transaction_id = Some("18ac bb64&x=1".to_owned());
        client.transaction_history_detail(&HistoryDetailQuery { transaction_id, ..Default::default() }).await.unwrap()
    };
    awg_stock: |client| client.awg_stock(&StockQuery::default()).await.unwrap().remove(0);
    xwg_stock: |client| client.xwg_stock(&StockQuery { ro_type: Some("MINI-GROSIR".to_owned()) }).await.unwrap().remove(0);
    awg_transactions: |client| client.awg_transactions(&sold()).await.unwrap();
    xwg_transactions: |client| client.xwg_transactions(&sold()).await.unwrap();
    awg_transaction_detail: |client| {
        let master_trx_id = client.awg_transactions(&sold()).await.unwrap().remove(0).master_trx_id;
        client.awg_transaction_detail(&WgDetailQuery { command: AwgDetailCommand::ToNumber, master_trx_id }).await.unwrap()
    };
    xwg_transaction_detail: |client| {
        let master_trx_id = MasterTrxId("ISI101162221111140458319".to_owned());
        client.xwg_transaction_detail(&WgDetailQuery { command: XwgDetailCommand::IntoVoucher, master_trx_id }).await.unwrap()
    };
    awg_inject: |client| client.awg_inject(&from_awg(&client).await).await.unwrap();
    xwg_inject: |client| client.xwg_inject(&from_xwg(&client).await).await.unwrap();
}

/// Quirk: an override pair goes with its own operation, and the default with all others.
#[tokio::test]
async fn own_pairs_go_with_their_operation() {
    let own =
        |config: Config| config.with_own_keys("reload_pulsa", "sbx-api-id.post-w2p", "sbx-api-key.post-w2p").unwrap();
    let bench = Bench::with(own);
    bench.client().reload_pulsa(&reload()).await.unwrap();
    bench.client().purchase_package(&edukasi()).await.unwrap();
    let pairs: Vec<String> = bench
        .tape
        .sent()
        .iter()
        .filter(|request| request.headers().contains_key("apiid"))
        .map(|request| {
            let path = request.uri().path().rsplit('/').next().unwrap();
            format!("{path} {}", request.headers()["apiid"].to_str().unwrap())
        })
        .collect();
    assert_eq!(pairs, ["post-encrypt sbx-api-id", "post-w2p sbx-api-id.post-w2p", "post-package sbx-api-id"]);
    for request in bench.sandbox.requests() {
        assert!(request.verdict.accepted, "{}: {:?}", request.path, request.verdict.explanation);
    }
}

/// Quirk: the voucher id goes back byte for byte, under `vId`, or `vid` with the setting, and never under `vld`.
#[tokio::test]
async fn the_voucher_id_goes_back_byte_for_byte() {
    for (key, name) in [(InjectKey::VId, "vId"), (InjectKey::Vid, "vid")] {
        let bench = Bench::with(|config| config.with_inject_key(key));
        let client = bench.client();
        let item = client.awg_stock(&StockQuery::default()).await.unwrap().remove(0);
        assert!(item.v_id.expose().contains("%2B") && item.v_id.expose().contains("%2F"));
        let target = vec![Target::parse("6287700000011").unwrap()];
        client.awg_inject(&Inject::new(&item, &AwgInjectCommand::ToNumber, target).unwrap()).await.unwrap();
        let sent = bench.tape.sent();
        let body: serde_json::Value = serde_json::from_slice(sent.last().unwrap().body()).unwrap();
        assert_eq!(body[name], item.v_id.expose());
        let others = ["vId", "vid", "vld"].into_iter().filter(|other| *other != name);
        assert!(others.into_iter().all(|other| body.get(other).is_none()));
    }
}

/// The PIN is encrypted once, by the first purchase, and not at all when it was given encrypted.
#[tokio::test]
async fn the_pin_is_encrypted_once() {
    let bench = Bench::new();
    for _ in 0..3 {
        bench.client().reload_pulsa(&reload()).await.unwrap();
    }
    assert_eq!(
        (bench.tape.count("/post-encrypt"), bench.tape.count("/post-w2p"), bench.tape.count("/token")),
        (1, 3, 1)
    );

    let encrypted = bench.client().encrypt_pin(&Secret::new(credential("pin"))).await.unwrap();
    let config = Config::new(
        credential("client_id"),
        credential("client_secret"),
        credential("api_id"),
        credential("api_key"),
        sidompul_client::Pin::Encrypted(encrypted),
    );
    let url = biller_core::BaseUrl::parse("http://127.0.0.1/sidompul").unwrap();
    let given = Bench::with(|_| config.unwrap().with_base_url(url));
    given.client().reload_pulsa(&reload()).await.unwrap();
    assert_eq!(given.tape.count("/post-encrypt"), 0);
}

/// Every operation says what it can do and which section says so.
#[test]
fn operations_name_their_effect_and_source() {
    let all: Vec<String> = sidompul_client::operations::ALL
        .iter()
        .map(|spec| format!("{} | {} | {}", spec.name, spec.effect, spec.source))
        .collect();
    insta::assert_snapshot!(all.join("\n"));
}
