use biller_core::{Error, ErrorKind, Execution, Operation, Rupiah};
use biller_tests::reply;
use klikoo::Purchase;
use klikoo::model::{Bill, HistoryQuery};
use klikoo::operations::{
    Balance, Buy, InquiryPostpaid, InquiryPrepaid, RequestToken, TransactionDetail, TransactionHistory,
};

fn purchase(reference: &str, product: &str, value: &str, amount: i64) -> Purchase {
    Purchase::new(reference, product, value, Rupiah::new(amount)).unwrap()
}

fn pln() -> InquiryPrepaid {
    InquiryPrepaid(purchase("42323-42234-44226-96273", "PLN20", "01105691111", 20_500))
}

fn read<O: Operation>(operation: &O, status: u16, body: &str) -> Result<O::Output, Error> {
    operation.interpret(&reply(status, body.to_owned()))
}

const INQUIRY: &str = include_str!("../fixtures/klikoo/inquiry_prepaid.json");
const INQUIRY_REFUSED: &str = include_str!("../fixtures/klikoo/inquiry_refused.json");
const BUY: &str = include_str!("../fixtures/klikoo/buy.json");
const BILL: &str = include_str!("../fixtures/klikoo/inquiry_postpaid.json");
const DETAIL: &str = include_str!("../fixtures/klikoo/transaction_detail.json");
const HISTORY: &str = include_str!("../fixtures/klikoo/transaction_history.json");
const BALANCE: &str = include_str!("../fixtures/klikoo/balance.json");
const TOKEN: &str = include_str!("../fixtures/klikoo/access_token.json");

#[test]
fn token() {
    assert!(read(&RequestToken, 200, TOKEN).is_ok());
}

#[test]
fn inquiry_success() {
    let inquiry = read(&pln(), 200, INQUIRY);
    insta::assert_debug_snapshot!(inquiry.unwrap());
}

/// The HTTP part of the code is 503, yet it is a definite refusal, and part of `data` comes with it.
#[test]
fn inquiry_refused_although_its_code_begins_with_503() {
    let error = read(&pln(), 503, INQUIRY_REFUSED).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Refused, Execution::NotExecuted));
    assert_eq!(error.code(), Some("503029998"));
    assert_eq!(error.provider_message(), Some("CUSTID not recognized. Biller throws exception. Err:5110"));
}

#[test]
fn buy_without_a_status_word_is_pending() {
    let buy = Buy(purchase("6d654219-d9b7-4e1a-8b51-99a5cafb11cb", "DNOPEN", "081200000001", 10_000));
    let bought = read(&buy, 201, BUY).unwrap();
    assert!(!bought.succeeded);
    assert_eq!(bought.transaction.transaction_id.as_deref(), Some("14429004"));
}

#[test]
fn detail() {
    let detail = read(&TransactionDetail { transaction_id: "14429004".into() }, 200, DETAIL).unwrap();
    assert_eq!(detail.amount, Some(Rupiah::new(10_086)));
    assert_eq!(
        (detail.beginning_balance, detail.current_balance),
        (Some(Rupiah::new(2_191_858)), Some(Rupiah::new(2_181_772)))
    );
    assert_eq!(detail.transaction_time.unwrap().to_wib_millis(), "2024-05-21T11:54:18.788+07:00");
    assert_eq!(detail.sn.as_ref().unwrap().expose(), "2024052110121481030100166521802805959/DNID DEFX SUSXXXX");
    assert!(detail.stroom_token().is_none());
    assert_eq!(detail.value.as_deref(), Some("081294482354"));
    assert_eq!(detail.raw.as_ref().unwrap().get("product_name").unwrap().as_str(), "\"DANA 10.000\"");
    insta::assert_debug_snapshot!(detail);
}

#[test]
fn the_stroom_token_in_a_serial() {
    let body = DETAIL.replace(
        "2024052110121481030100166521802805959/DNID DEFX SUSXXXX",
        "2514-1798-8056-2280-2824/NAME/R1M/900VA/33.7",
    );
    let detail = read(&TransactionDetail { transaction_id: "1".into() }, 200, &body).unwrap();
    assert_eq!(detail.stroom_token().unwrap().reveal(), "25141798805622802824");
}

#[test]
fn history() {
    let page = read(&TransactionHistory(HistoryQuery::new()), 200, HISTORY).unwrap();
    assert!(page.meta.is_last());
    assert!(page.transactions[0].sn.is_none());
    insta::assert_debug_snapshot!(page);
}

#[test]
fn balance_is_looked_for_in_several_places() {
    assert_eq!(read(&Balance, 200, BALANCE).unwrap(), Rupiah::new(10_000_000));
    for (data, expected) in [
        (r#"{"current_balance":"2181772.00"}"#, 2_181_772),
        (r#"{"available_balance":"-5","amount":7}"#, -5),
        (r#"{"balance":null,"amount":"7.0"}"#, 7),
        ("1890248", 1_890_248),
        (r#""1890248""#, 1_890_248),
    ] {
        let body = format!(r#"{{"response_code":"200032000","data":{data}}}"#);
        assert_eq!(read(&Balance, 200, &body).unwrap(), Rupiah::new(expected), "{data}");
    }
    for data in ["{}", "[]", r#"{"balance":1.5}"#, r#"{"balance":"1.000"}"#, "true"] {
        let body = format!(r#"{{"response_code":"200032000","data":{data}}}"#);
        let error = read(&Balance, 200, &body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnreadableReply, "{data}");
    }
}

/// Strings, integers and `.0` for numbers; other decimals are no amount.
#[test]
fn money_comes_as_number_and_as_text() {
    for (amount, expected) in
        [("20500", 20_500), (r#""20500""#, 20_500), ("20500.0", 20_500), (r#""20500.00""#, 20_500)]
    {
        let body = format!(r#"{{"response_code":200022000,"data":{{"amount":{amount}}}}}"#);
        assert_eq!(read(&pln(), 200, &body).unwrap().amount, Some(Rupiah::new(expected)), "{amount}");
    }
    for amount in ["20500.5", r#""20.500""#, r#""Rp20500""#, "2e4", "true", "9223372036854775808"] {
        let body = format!(r#"{{"response_code":200022000,"data":{{"amount":{amount}}}}}"#);
        assert_eq!(read(&pln(), 200, &body).unwrap_err().kind(), ErrorKind::UnreadableReply, "{amount}");
    }
}

#[test]
fn what_is_no_answer_proves_nothing() {
    let buy = Buy(purchase("A-1", "S10", "081200000001", 10_450));
    for (status, body) in [
        (200, ""),
        (200, "<html>ok</html>"),
        (200, "{"),
        (200, "null"),
        (200, "[]"),
        (200, "\"200022000\""),
        (200, "{}"),
        (200, r#"{"response_code":null}"#),
        (200, r#"{"response_code":{}}"#),
        (200, r#"{"response_code":"200022000","response_code":"404027011"}"#),
        (400, "{}"),
        (401, ""),
        (404, "<html>"),
        (429, ""),
        (500, ""),
        (502, "<html>bad gateway</html>"),
        (302, ""),
    ] {
        let error = read(&buy, status, body).unwrap_err();
        assert_eq!(error.execution(), Execution::Unknown, "{status} {body}");
        assert_eq!(error.kind(), ErrorKind::UnreadableReply, "{status} {body}");
    }
}

/// A listed code counts at any HTTP status.
#[test]
fn the_code_counts_whatever_the_status() {
    let buy = Buy(purchase("A-1", "S10", "081200000001", 10_450));
    for status in [200, 400, 404, 500, 503] {
        let error = read(&buy, status, r#"{"response_code":"404027011"}"#).unwrap_err();
        assert_eq!(error.execution(), Execution::NotExecuted, "{status}");
        assert!(read(&buy, status, r#"{"response_code":"201022001"}"#).is_ok(), "{status}");
    }
}

#[test]
fn an_echo_of_something_else_is_a_mismatch() {
    let buy = Buy(purchase("A-1", "S10", "081200000001", 10_450).with_inquiry_total(Some(Rupiah::new(10_500))));
    let data = |data: &str| format!(r#"{{"response_code":"201022001","data":{{"status":"SUCCESS",{data}}}}}"#);
    for same in [
        r#""partner_reference_id":" A-1 ""#,
        r#""value":"+6281200000001""#,
        r#""value":"6281200000001 ""#,
        r#""value":"81200000001""#,
        r#""amount":10450"#,
        r#""amount":"10500""#,
        r#""product_code":"S10""#,
    ] {
        assert!(read(&buy, 201, &data(same)).unwrap().succeeded, "{same}");
    }
    for other in
        [r#""partner_reference_id":"A-2""#, r#""value":"081200000002""#, r#""amount":10451"#, r#""product_code":"S20""#]
    {
        let error = read(&buy, 201, &data(other)).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::Mismatch, Execution::Unknown), "{other}");
    }
}

/// The pairs of product and account that the provider prints for tests.
#[tokio::test]
async fn the_printed_bills_are_served() {
    let bench = crate::Bench::new();
    for (product, accounts) in [
        ("POSTPAIDPLN", &["514040400482", "520511567087", "533512366386"][..]),
        ("PDAMACEHTGR", &["1160026"]),
        ("PDAMMJK", &["1726010024"]),
        ("PDAMABOJ", &["107917"]),
        ("FIRSMEDIA", &["11632498", "12524412", "1778551"]),
        ("RBKREDITBAF", &["547010008701", "225010040304"]),
        ("RBFNFIF", &["607002393411"]),
    ] {
        for account in accounts {
            let reply = bench.klikoo.client().inquiry_postpaid(&Bill::new(product, account).unwrap()).await.unwrap();
            assert_eq!(reply.customer_number.as_deref(), Some(*account));
            assert!(reply.total.unwrap() > reply.amount.unwrap());
        }
    }
}

#[test]
fn a_bill_is_read_like_an_inquiry() {
    let bill = InquiryPostpaid(Bill::new("PDAMMJK", "1726010024").unwrap());
    let known = read(&bill, 200, BILL).unwrap();
    assert_eq!((known.amount, known.total), (Some(Rupiah::new(75_000)), Some(Rupiah::new(77_500))));
    let reply =
        read(&bill, 200, r#"{"response_code":"200022000","data":{"total":"77500","new_field":{"a":1}}}"#).unwrap();
    assert_eq!(reply.total, Some(Rupiah::new(77_500)));
    assert_eq!(reply.raw.unwrap().get("new_field").unwrap().as_str(), r#"{"a":1}"#);
}

proptest::proptest! {
    #[test]
    fn no_body_makes_a_reader_panic(status in 200u16..600, body in ".{0,200}") {
        let _ = read(&pln(), status, &body);
        let _ = read(&Buy(purchase("A-1", "S10", "081200000001", 1)), status, &body);
        let _ = read(&TransactionHistory(HistoryQuery::new()), status, &body);
        let _ = read(&Balance, status, &body);
    }

    #[test]
    fn no_cut_reply_is_believed(at in 0usize..DETAIL.len() - 1) {
        let error = read(&TransactionDetail { transaction_id: "1".into() }, 200, &DETAIL[..at]).unwrap_err();
        assert_eq!(error.execution(), Execution::Unknown);
    }
}
