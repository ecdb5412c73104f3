use std::collections::BTreeMap;

use biller_core::{BaseUrl, Biller, Error, ErrorKind, Execution, Order, Rupiah, Settings, WibDay};
use biller_tests::{Invented, reply, sandbox, shared_clock};
use sidompul_client::model::{
    AllowType, AwgInjectCommand, Inject, ServiceType, StockItem, Target, WgTransactionQuery, XwgInjectCommand,
};
use sidompul_client::{Config, PurchasePackage, ReloadPulsa};

use crate::{Bench, awg, over, package, pulsa, xwg};

/// Bad orders are refused by name before anything that could cost money is sent.
#[tokio::test]
async fn bad_orders_are_refused() {
    let order = |product: &str, customer: &str| Order::new("B-1", product, customer).unwrap();
    let bench = Bench::new();
    let mut lines = Vec::new();
    for order in [
        order("W2P", "6287700000011"),
        pulsa("B-1", "6281213123"),
        pulsa("B-1", "0211234567"),
        order("W2P", "6287700000011").with_amount(Rupiah::ZERO),
        order("XC_FLEX_S", "01105691111"),
        order("XC_FLEX_S", "6287700000011").with_option("pay_from", "cash"),
        order("NO_SUCH", "6287700000011"),
        order("AX-RM580808TK-TSP", "6287700000011").with_option("stock", "ywg"),
        awg("B-1", "12345"),
        awg("B-1", "1026220002320751"),
        awg("B-1", "6287700000011").with_option("command", "tembak-fivi"),
        awg("B-1", "6287700000011").with_option("command", "tembak-paket-pv"),
        xwg("B-1", "6287700000011").with_option("command", "tembak-paket"),
        order("AX-RM577310-TSP", "6287700000011").with_option("stock", "awg"),
        order("AX-RM490021-T", "6287700000011").with_option("stock", "awg"),
        order("AX-NONE", "6287700000011").with_option("stock", "awg"),
    ] {
        let error = bench.sidompul.prepare(order).await.unwrap_err();
        lines.push(error.to_string());
    }
    assert_eq!(bench.purchases(), 0);
    insta::assert_snapshot!(lines.join("\n"));
}

/// An inject that the row's allow type forbids is refused with both named, for every letter and command.
#[test]
fn allow_types_decide_which_commands_are_sent() {
    let number = || vec![Target::parse("6287700000011").unwrap()];
    let voucher = || vec![Target::parse("1026220002320751").unwrap()];
    let mut lines = Vec::new();
    for letters in ["TRS", "VSFU", "T", "V", "F", "RZE", "TRE", "Z", "SURE", ""] {
        let item: StockItem = serde_json::from_str(&format!(r#"{{"vId": "x", "allowType": "{letters}"}}"#)).unwrap();
        for (name, result) in [
            ("awg number", Inject::new(&item, &AwgInjectCommand::ToNumber, number())),
            ("awg fivi", Inject::new(&item, &AwgInjectCommand::FiviToNumber, number())),
            ("awg voucher", Inject::new(&item, &AwgInjectCommand::IntoVoucher, voucher())),
            ("xwg number", Inject::new(&item, &XwgInjectCommand::ToNumber, number())),
            ("xwg voucher", Inject::new(&item, &XwgInjectCommand::IntoVoucher, voucher())),
        ] {
            lines.push(format!(
                "{letters:4} {name}: {}",
                result.map_or_else(|error| error.to_string(), |_| "sent".to_owned())
            ));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn targets_are_checked() {
    let item: StockItem = serde_json::from_str(r#"{"vId": "x", "allowType": "TV"}"#).unwrap();
    let number = Target::parse("0877 0000 0011").unwrap();
    assert_eq!(number.to_wire(), "6287700000011");
    assert!(number.is("6287700000011") && !number.is("6287700000012"));
    let voucher = Target::parse("1026220002320751").unwrap();
    for (targets, expected) in [
        (vec![], "target: an empty list"),
        (vec![number.clone(), Target::parse("6287700000011").unwrap()], "target: one target twice"),
        (vec![number.clone(), voucher.clone()], "target: a target that tembak-paket-ir cannot reach"),
    ] {
        let error = Inject::new(&item, &AwgInjectCommand::ToNumber, targets).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let unknown = Inject::new(&item, &AwgInjectCommand::from("tembak-baru"), vec![number, voucher]);
    assert!(unknown.is_ok(), "a command that the document does not list is left to the provider");
}

/// Words that the document does not list survive, both ways.
#[test]
fn unknown_words_survive() {
    for word in ["SELLVOUCHER", "TEMBAKSTOK", "SOMETHING-NEW"] {
        assert_eq!(ServiceType::from(word).as_str(), word);
        let json = serde_json::to_string(&ServiceType::from(word)).unwrap();
        assert_eq!(serde_json::from_str::<ServiceType>(&json).unwrap().as_str(), word);
    }
    assert_eq!(AwgInjectCommand::from("x"), AwgInjectCommand::Other("x".to_owned()));
    assert_eq!(AllowType::from("QXT").letters().collect::<String>(), "QXT");
}

#[tokio::test]
async fn service_types_of_xl_are_refused_for_axis() {
    let bench = Bench::new();
    let day = WibDay::parse("2024-02-07").unwrap();
    let query = |service_type| WgTransactionQuery { begin: day, end: day, service_type };
    let error = bench.client().awg_transactions(&query(ServiceType::TransferBalance)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(bench.tape.count("/get-awg-transaction-info"), 0);
    bench.client().xwg_transactions(&query(ServiceType::TransferBalance)).await.unwrap();
    let item = bench.client().awg_stock(&Default::default()).await.unwrap().remove(0);
    let inject =
        Inject::new(&item, &AwgInjectCommand::ToNumber, vec![Target::parse("6287700000011").unwrap()]).unwrap();
    assert_eq!(bench.client().xwg_inject(&inject).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(bench.purchases(), 0);
}

#[test]
fn requests_name_what_is_wrong() {
    assert_eq!(PurchasePackage::new("0877", "A").unwrap_err().field(), "msisdn");
    assert_eq!(PurchasePackage::new("6287700000011", "A B").unwrap_err().field(), "product_code");
    assert_eq!(ReloadPulsa::new("6287700000011", Rupiah::new(-5)).unwrap_err().field(), "denomination");
}

fn from_settings(change: &[(&str, &str)]) -> Result<Config, Error> {
    let mut map: BTreeMap<String, String> = [
        ("client_id", "c"),
        ("client_secret", "a secret that is long"),
        ("api_id", "i"),
        ("api_key", "a key that is long"),
        ("pin", "9182"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    map.extend(change.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Config::from_settings(&Settings::from_map(map))
}

#[test]
fn settings_are_checked_by_name() {
    for (change, expected) in [
        (("client_id", ""), "client_id is missing"),
        (("api_key", " "), "api_key is missing"),
        (("pin", ""), "exactly one of pin and encrypted_pin"),
        (("encrypted_pin", "x"), "exactly one of pin and encrypted_pin"),
        (("base_url", "http://gateway.example"), "base_url"),
        (("inject_vid_key", "vld"), "inject_vid_key"),
        (("refused_codes", "12,00"), "refused_codes holds 00"),
        (("history_offset", "7"), "history_offset"),
        (("history_offset", "+15:00"), "history_offset"),
        (("reload_pulsa_api_id", "x"), "reload_pulsa_api_id and reload_pulsa_api_key go together"),
        (("timeout", "soon"), "timeout"),
        (("history_snapshot", "maybe"), "history_snapshot"),
    ] {
        let error = from_settings(&[change]).unwrap_err();
        assert_eq!(
            error.kind(),
            if change.0 == "base_url" { ErrorKind::InvalidInput } else { ErrorKind::Configuration }
        );
        assert!(error.to_string().contains(expected), "{change:?}: {error}");
    }
    let all = [
        ("base_url", "http://10.0.0.7/x"),
        ("allow_insecure_http", "true"),
        ("inject_vid_key", "vid"),
        ("refused_codes", "12, 34"),
        ("history_offset", "+08:00"),
        ("history_snapshot", "false"),
        ("xwg_inject_api_id", "own"),
        ("xwg_inject_api_key", "own key that is long"),
        ("decide_after", "600"),
    ];
    let shown = format!("{:?}", from_settings(&all).unwrap());
    assert!(!shown.contains("that is long") && !shown.contains("9182"), "{shown}");
    insta::assert_snapshot!(shown);
    let operations =
        sidompul_client::operations::ALL.iter().map(|spec| spec.name).filter(|name| *name != "fetch_token");
    assert!(operations.clone().eq(sidompul_client::operations::METHODS.iter().copied()));
    for operation in operations {
        for part in ["api_id", "api_key"] {
            assert!(Config::SETTINGS.contains(&format!("{operation}_{part}").as_str()), "{operation}");
        }
    }
    let error = from_settings(&[]).unwrap().with_own_keys("reload", "a", "b").unwrap_err();
    assert!(error.to_string().contains("reload_pulsa"), "{error}");
    assert!(BaseUrl::parse("https://gateway.egw.xl.co.id").is_ok());
}

/// The zone of history dates is a setting.
#[tokio::test]
async fn history_dates_follow_the_offset() {
    let bench = Bench::with(|config| config.with_history_offset(0).unwrap());
    let day = |text| WibDay::parse(text).unwrap();
    let query = sidompul_client::model::HistoryQuery::new(day("2022-10-07"), day("2022-10-07"));
    let rows = bench.client().transaction_history(&query).await.unwrap();
    assert_eq!(rows[0].date.unwrap().to_wib_seconds(), "2022-10-07T22:08:57+07:00");
}

#[tokio::test]
async fn a_list_that_was_not_read_whole_refuses_no_product() {
    let row = r#"{"productCode":"OTHER","productName":"Other","price":1000}"#;
    for (rows, kind, expected) in [
        (String::new(), ErrorKind::UnreadableReply, "not among 0 that could be read"),
        (format!("{row},7"), ErrorKind::UnreadableReply, "not among 1 that could be read"),
        (row.to_owned(), ErrorKind::NotFound, "the product list has no such code"),
    ] {
        let body =
            format!(r#"{{"statusCode":200,"result":{{"errorCode":"00","errorMessage":"Sukses","data":[{rows}]}}}}"#);
        let clock = shared_clock();
        let invented = Invented(move |request: &http::Request<bytes::Bytes>| {
            request.uri().path().ends_with("/get-product-list").then(|| Ok(reply(200, body.clone())))
        });
        let sidompul = over(invented.over(sandbox(&clock).transport()), &clock, |config| config);
        let error = sidompul.prepare(package("A-1", "6287700000011")).await.unwrap_err();
        assert_eq!((error.kind(), error.execution()), (kind, Execution::NotExecuted));
        assert!(error.to_string().contains(expected), "{error}");
    }
}
