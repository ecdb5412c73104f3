//! Each sample of the document decodes.

use biller_core::{Error, ErrorKind, Execution, Operation, Rupiah, Timestamp};
use biller_tests::reply;
use mmbc_pulsa::codes::Reason;
use mmbc_pulsa::model::{State, StatusRequest};
use mmbc_pulsa::operations::{AskPriceList, AskStatus, SendTopUp};
use mmbc_pulsa::price_list::{Availability, ProductKind};
use mmbc_pulsa::{TopUp, Transaction};

const PRICE_LIST: &str = include_str!("../fixtures/mmbc-pulsa/price_list.json");
const TOP_UP_OK: &str = include_str!("../fixtures/mmbc-pulsa/top_up_ok.json");
const TOP_UP_NO: &str = include_str!("../fixtures/mmbc-pulsa/top_up_no.json");
const STATUS_OK: &str = include_str!("../fixtures/mmbc-pulsa/status_ok.json");
const STATUS_NO: &str = include_str!("../fixtures/mmbc-pulsa/status_no.json");

fn top_up() -> SendTopUp {
    SendTopUp(TopUp::new("TEL5", "08123456789").unwrap().with_denomination(Some(Rupiah::new(5000))))
}

fn status() -> AskStatus {
    AskStatus(StatusRequest::about(&top_up().0, "TRX11111").unwrap())
}

/// Everything but the debited amount and the balance, which the status reply lacks.
fn shown(transaction: &Transaction) -> Vec<(&'static str, String)> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    vec![
        ("invoice", text(&transaction.invoice)),
        ("status", text(&transaction.status)),
        ("date", transaction.date.map(Timestamp::to_wib_seconds).unwrap_or_default()),
        ("kind", text(&transaction.kind)),
        ("operator", text(&transaction.operator)),
        ("product_code", text(&transaction.product_code)),
        ("denomination", transaction.denomination.map(|value| value.to_string()).unwrap_or_default()),
        ("destination", text(&transaction.destination)),
        ("serial", transaction.serial.as_ref().map(|serial| serial.expose().to_owned()).unwrap_or_default()),
        ("agent_code", text(&transaction.agent_code)),
        ("description", text(&transaction.description)),
    ]
}

#[test]
fn price_list() {
    let list = AskPriceList.interpret(&reply(200, PRICE_LIST)).unwrap();
    let rows: Vec<_> = list.iter().map(|item| (item.product_code, item.denomination, item.price)).collect();
    let row = |code, value, price| (code, Some(Rupiah::new(value)), Rupiah::new(price));
    assert_eq!(rows, [row("AXM5", 5000, 5850), row("AXM10", 10_000, 10_900), row("AXM25", 25_000, 25_350)]);
    for item in list.iter() {
        assert_eq!((item.kind, item.operator, item.description), (ProductKind::Airtime, "AXIS", Some("Pulsa Reguler")));
        assert_eq!(item.availability, Availability::Ready);
    }
    assert_eq!(list.dropped(), 0);
}

#[test]
fn top_up_ok() {
    let reply = top_up().interpret(&reply(200, TOP_UP_OK)).unwrap();
    assert!(reply.succeeded);
    assert_eq!(
        (reply.transaction.debited, reply.transaction.balance),
        (Some(Rupiah::new(5630)), Some(Rupiah::new(100)))
    );
    insta::assert_debug_snapshot!(shown(&reply.transaction));
}

#[test]
fn top_up_no() {
    let error = top_up().interpret(&reply(200, TOP_UP_NO)).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Refused, Execution::NotExecuted));
    assert_eq!((error.code(), Reason::of(&error)), (Some("62"), Some(Reason::BalanceTooLow)));
    assert!(error.provider_message().unwrap().ends_with("senilai 96950, Saldo JKT-11111: 0"));
    assert!(!error.to_string().contains("96950"));
}

#[test]
fn status_ok() {
    let reply = status().interpret(&reply(200, STATUS_OK)).unwrap();
    assert_eq!(reply.state, State::Succeeded);
    assert_eq!((reply.transaction.debited, reply.transaction.balance), (None, None));
    insta::assert_debug_snapshot!(shown(&reply.transaction));
}

#[test]
fn status_no() {
    let error = status().interpret(&reply(200, STATUS_NO)).unwrap_err();
    assert_eq!((error.kind(), error.execution(), error.code()), (ErrorKind::NotFound, Execution::Unknown, None));
}

/// Every cut of a sample is unreadable, and proves nothing.
#[test]
fn a_cut_reply_is_unreadable() {
    for end in 0..TOP_UP_OK.trim_end().len() {
        let error = top_up().interpret(&reply(200, &TOP_UP_OK[..end])).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::UnreadableReply, Execution::Unknown), "{end}");
    }
    for end in 0..PRICE_LIST.trim_end().len() {
        let error = AskPriceList.interpret(&reply(200, &PRICE_LIST[..end])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnreadableReply, "{end}");
    }
}

proptest::proptest! {
    #[test]
    fn no_body_panics(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), code in 100_u16..600) {
        let response = reply(code, body);
        let unproven = |error: Option<Error>| error.is_none_or(|error| error.execution() == Execution::Unknown);
        proptest::prop_assert!(unproven(top_up().interpret(&response).err()));
        proptest::prop_assert!(unproven(status().interpret(&response).err()));
        let _ = AskPriceList.interpret(&response);
    }

    #[test]
    fn no_values_panic(value in r#"("[^"\\]{0,12}"|[0-9.e-]{1,6}|null|true|\[\]|\{\})"#, field in 0..13_usize) {
        let fields = [
            "result", "tanggal", "invoice", "transaksi", "operator", "kodeoperator", "nominal", "nomortujuan", "serial",
            "debet", "saldo", "status", "reason_code",
        ];
        let body = format!(r#"{{"result":"ok","status":"sukses","{}":{value}}}"#, fields[field]);
        let _ = top_up().interpret(&reply(200, body.clone()));
        let _ = status().interpret(&reply(200, body));
    }
}
