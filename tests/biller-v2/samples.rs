use biller_core::{Error, Operation, Timestamp};
use biller_v2::auth::Signer;
use biller_v2::model::{DetailRow, Language, Message, RowValue, State};
use biller_v2::{Config, Purchase};
use serde_json::Value;

use crate::{ask_status, inquire, pay, read, rupiah};

const INQUIRY: &str = include_str!("../fixtures/biller-v2/inquiry_reply.json");
const PAYMENT: &str = include_str!("../fixtures/biller-v2/payment_reply.json");
const STATUS: &str = include_str!("../fixtures/biller-v2/status_reply.json");

fn rows(rows: &[DetailRow]) -> Vec<(&str, String)> {
    rows.iter().map(|row| (row.key.as_str(), row.value.to_text())).collect()
}

fn texts(message: &Message) -> [Option<&str>; 2] {
    [message.text(Language::Indonesian), message.text(Language::English)]
}

/// The three exchanges of the document: requests member for member.
#[test]
fn the_requests_of_the_document() {
    let signer = Signer::new(Config::new("https://host.test", "partner-id", "test-api-secret").unwrap());
    let now = Timestamp::from_unix_millis(0);
    let payment: Value = serde_json::from_str(include_str!("../fixtures/biller-v2/payment_request.json")).unwrap();
    let inquiry: Value = serde_json::from_str(include_str!("../fixtures/biller-v2/inquiry_request.json")).unwrap();
    for (request, expected) in
        [(inquire("123223345").request(&signer, now), inquiry), (pay().request(&signer, now), payment)]
    {
        assert_eq!(serde_json::from_slice::<Value>(request.unwrap().body()).unwrap(), expected);
    }
}

#[test]
fn the_inquiry_of_the_document_field_by_field() {
    let reply = read(&inquire("123223345"), 200, INQUIRY).unwrap();
    assert_eq!(reply.inquiry_id, 4_589_282);
    assert_eq!(reply.account_number.as_deref(), Some("123223345"));
    assert!(!reply.account_differs);
    assert_eq!(reply.customer_name.as_deref(), Some("TEST"));
    assert_eq!(reply.product_name.as_deref(), Some("product-name"));
    assert_eq!(reply.product_code.as_deref(), Some("product-code"));
    assert_eq!(reply.category.as_deref(), Some("Internet dan TV Kabel"));
    assert_eq!((reply.amount, reply.total_admin, reply.processing_fee), (rupiah(747_250), rupiah(2500), rupiah(0)));
    assert_eq!((reply.denom.as_deref(), reply.validity.as_deref()), (None, None));
    assert_eq!(
        rows(reply.customer_details()),
        [
            ("Nama Pelanggan", "TEST".to_owned()),
            ("Tanggal & Waktu Pembayaran", "28 Dec 2022 | 14:11".to_owned()),
            ("Nomor Pelanggan", "123223345".to_owned()),
        ]
    );
    let [bill, admin] = reply.bill_details.as_slice() else { panic!("{:?}", reply.bill_details) };
    assert_eq!(
        (bill.bill_id.as_deref(), bill.is_mandatory, bill.key.as_str()),
        (Some("1"), Some(true), "Jumlah Tagihan")
    );
    assert_eq!((bill.value.as_number(), rows(&bill.bill_info)), (Some(744_750), vec![("Bulan", "N/A".to_owned())]));
    assert_eq!(
        (admin.bill_id.as_deref(), admin.is_mandatory, admin.key.as_str()),
        (Some("0"), Some(true), "Biaya Administrasi")
    );
    assert_eq!((admin.value.as_number(), rows(&admin.bill_info)), (Some(2500), vec![]));
    assert_eq!(rows(&reply.product_details), [("Periode", "N/A".to_owned())]);
    assert!(reply.extra_fields.is_empty());
    assert_eq!(texts(&reply.message), [Some("Inkuiri berhasil"), Some("Inquiry is successful")]);
}

#[test]
fn the_payment_of_the_document_field_by_field() {
    let payment = read(&pay(), 200, PAYMENT).unwrap();
    assert_eq!((payment.succeeded, payment.code), (false, 299));
    assert_eq!(
        texts(&payment.message),
        [Some("Transaksi sedang dalam proses"), Some("Your transaction is processing")]
    );
    let transaction = payment.transaction;
    assert_eq!(transaction.ref_number.as_deref(), Some("TESTIdihomeV2Stage"));
    assert_eq!(transaction.transaction_id, Some(220_974));
    assert_eq!(transaction.account_number.as_deref(), Some("123223345"));
    assert_eq!(
        (transaction.amount, transaction.total_admin, transaction.processing_fee),
        (rupiah(747_250), rupiah(2500), rupiah(0))
    );
    assert_eq!(
        (transaction.product_code.as_deref(), transaction.product_name.as_deref()),
        (Some("product-code"), Some("product-name"))
    );
    assert_eq!(transaction.category.as_deref(), Some("Internet dan TV Kabel"));
    assert!(transaction.token.is_none() && transaction.customer_name.is_none());
    assert_eq!((transaction.denom.as_deref(), transaction.validity.as_deref()), (None, None));
    assert!(transaction.customer_details().is_empty() && transaction.bill_details.is_empty());
    assert!(transaction.product_details.is_empty() && transaction.extra_fields.is_empty());
}

#[test]
fn the_status_of_the_document_field_by_field() {
    let status = read(&ask_status(), 200, STATUS).unwrap();
    assert_eq!((status.state, status.code), (State::Succeeded, 0));
    assert_eq!(
        texts(&status.message),
        [Some("Transaksi Anda Telah Berhasil"), Some("Your transaction was successful")]
    );
    let transaction = status.transaction;
    assert_eq!(transaction.transaction_id, Some(220_973));
    assert_eq!(transaction.amount, rupiah(747_250));
    assert_eq!(transaction.token.as_ref().unwrap().expose(), "205A");
    assert_eq!(transaction.customer_name.as_deref(), Some("TEST"));
    assert_eq!(
        rows(transaction.customer_details()),
        [
            ("Nama Pelanggan", "TEST".to_owned()),
            ("Tanggal & Waktu Pembayaran", "28 Dec 2022 | 14:13".to_owned()),
            ("Nomor Pelanggan", "123223345".to_owned()),
        ]
    );
    assert_eq!(transaction.bill_details.len(), 2);
    assert_eq!(transaction.bill_details[0].value.as_number(), Some(744_750));
    assert_eq!(
        rows(&transaction.product_details),
        [("Periode", "N/A".to_owned()), ("Nomor Referensi", "205A".to_owned())]
    );
    assert!(transaction.raw.unwrap().get("productDetails").is_some());
}

/// Replies as they are shown to a log.
#[test]
fn replies_are_shown_without_what_they_hold() {
    insta::assert_debug_snapshot!((
        read(&inquire("123223345"), 200, INQUIRY).unwrap(),
        read(&pay(), 200, PAYMENT).unwrap(),
        read(&ask_status(), 200, STATUS).unwrap(),
    ));
}

/// No answer that is cut, or anything else, is believed.
#[test]
fn what_is_no_answer_proves_nothing() {
    use biller_core::Execution;
    for (status, body) in [
        (200, ""),
        (200, "<html>ok</html>"),
        (200, "{"),
        (200, "null"),
        (200, "[]"),
        (200, "100"),
        (200, "{}"),
        (200, r#"{"success":false,"message":{"EN":"Transaction failed"}}"#),
        (200, r#"{"responseCode":100,"responseCode":100}"#),
        (200, r#"{"responseCode":100,"data":{},"data":{}}"#),
        (400, "{}"),
        (401, ""),
        (404, "<html>"),
        (429, ""),
        (500, ""),
        (502, "<html>bad gateway</html>"),
        (302, ""),
        (304, r#"{"responseCode":299}"#),
        (302, r#"{"responseCode":100}"#),
        (500, r#"{"responseCode":100,"data":{"refNumber":"TESTIdihomeV2Stage"}}"#),
        (503, r#"{"responseCode":0,"data":{"refNumber":"TESTIdihomeV2Stage"}}"#),
    ] {
        let error = read(&pay(), status, body).unwrap_err();
        assert_eq!(error.execution(), Execution::Unknown, "{status} {body}");
        assert!(!error.kind().needs_person(), "{status} {body}");
    }
}

/// With an HTTP error, a final code counts only beside our reference; the trouble of a server counts for nothing but "processing".
#[test]
fn http_errors_beside_a_code() {
    let with = |code: u32, data: &str| format!(r#"{{"responseCode":{code},"data":{{{data}}}}}"#);
    let ours = r#""refNumber":"TESTIdihomeV2Stage""#;
    let word = |result: Result<biller_v2::model::Payment, Error>| match result {
        Ok(payment) if payment.succeeded => "succeeded",
        Ok(_) => "pending",
        Err(error) if error.execution() == biller_core::Execution::NotExecuted => "failed",
        Err(_) => "unknown",
    };
    for (status, code, data, expected) in [
        (200, 0, "", "succeeded"),
        (200, 100, "", "failed"),
        (400, 0, "", "unknown"),
        (400, 100, "", "unknown"),
        (400, 100, r#""refNumber":"""#, "unknown"),
        (400, 100, r#""refNumber":"OTHER""#, "unknown"),
        (400, 0, ours, "succeeded"),
        (422, 100, ours, "failed"),
        (429, 299, "", "pending"),
        (500, 299, "", "pending"),
        (503, 200, ours, "pending"),
        (500, 100, ours, "unknown"),
        (500, 0, ours, "unknown"),
        (500, 300, ours, "unknown"),
    ] {
        assert_eq!(word(read(&pay(), status, &with(code, data))), expected, "{status} {code} {data}");
    }
}

/// Lists: undocumented, so read leniently.
#[test]
fn lists_are_read_leniently() {
    use biller_v2::operations::{AskBalance, ListProducts};
    let language = Language::English;
    let list = ListProducts { language };
    let entries = r#"[{"code":"A","name":"Alpha","amount":"20000","active":false,"extra":[1]},{"name":"no code"},7,{"code":"B"}]"#;
    for body in [
        format!(r#"{{"responseCode":0,"data":{entries}}}"#),
        format!(r#"{{"responseCode":"300","data":{{"products":{entries}}}}}"#),
        format!(r#"{{"data":{entries}}}"#),
    ] {
        let list = read(&list, 200, &body).unwrap();
        let codes: Vec<_> = list.products.iter().map(|product| product.code.as_str()).collect();
        assert_eq!((codes, list.skipped), (vec!["A", "B"], 2), "{body}");
        assert_eq!((list.products[0].amount, list.products[0].active), (rupiah(20_000), Some(false)));
        assert_eq!(list.products[0].raw.as_ref().unwrap().get("extra").unwrap().as_str(), "[1]");
    }
    for (status, body) in [
        (200, r#"{"responseCode":100,"data":[]}"#),
        (200, r#"{"responseCode":"x","data":[]}"#),
        (200, r#"{"responseCode":200,"data":[]}"#),
        (200, r#"{"data":{}}"#),
        (200, r#"{"data":{"products":{}}}"#),
        (201, r#"{"data":[]}"#),
        (401, r#"{"responseCode":401,"data":{}}"#),
        (500, r#"{"responseCode":0,"data":[]}"#),
    ] {
        assert!(read(&list, status, body).is_err(), "{status} {body}");
    }
    let ask = AskBalance { language };
    for (data, expected) in [(r#"{"balance":5}"#, 5), (r#"{"balance":"-2500","currency":"IDR"}"#, -2500)] {
        let balance = read(&ask, 200, &format!(r#"{{"responseCode":0,"data":{data}}}"#)).unwrap();
        assert_eq!(balance.balance.get(), expected);
    }
    for data in ["{}", "[]", r#"{"balance":1.5}"#, r#"{"balance":null}"#] {
        assert!(read(&ask, 200, &format!(r#"{{"data":{data}}}"#)).is_err(), "{data}");
    }
}

#[test]
fn messages_come_in_the_language_that_is_chosen() {
    let body = r#"{"responseCode":304,"success":false,"message":{"ID":"Nomor pelanggan salah","EN":"Wrong customer number"},"data":{}}"#;
    let mut ask = inquire("1");
    assert_eq!(read(&ask, 200, body).unwrap_err().provider_message(), Some("Wrong customer number"));
    ask.language = Language::Indonesian;
    assert_eq!(read(&ask, 200, body).unwrap_err().provider_message(), Some("Nomor pelanggan salah"));
    let only = r#"{"responseCode":304,"message":{"EN":"Wrong customer number"}}"#;
    assert_eq!(read(&ask, 200, only).unwrap_err().provider_message(), Some("Wrong customer number"));
    for message in ["null", "7", "[]", r#"{"ID":7}"#] {
        let body = format!(r#"{{"responseCode":304,"message":{message}}}"#);
        assert_eq!(read(&ask, 200, &body).unwrap_err().provider_message(), None, "{message}");
    }
}

#[test]
fn values_of_rows_are_numbers_texts_or_kept() {
    let reply = crate::inquired(
        "1",
        r#""amount":1,"productDetails":[{"key":"a","value":5},{"key":"a","value":"007"},{"key":"b","value":"x "},
        {"key":"c","value":1.50},{"key":"d","value":null},{"key":"e"},{"value":9223372036854775808},{"key":"f","value":-3},7,"text"]"#,
    );
    let shown: Vec<_> = reply
        .product_details
        .iter()
        .map(|row| (row.key.as_str(), row.value.to_text(), row.value.as_number()))
        .collect();
    assert_eq!(
        shown,
        [
            ("a", "5".to_owned(), Some(5)),
            ("a", "007".to_owned(), Some(7)),
            ("b", "x ".to_owned(), None),
            ("c", "1.50".to_owned(), None),
            ("d", "null".to_owned(), None),
            ("e", String::new(), None),
            ("", "9223372036854775808".to_owned(), None),
            ("f", "-3".to_owned(), Some(-3)),
        ]
    );
    assert!(matches!(reply.product_details[3].value, RowValue::Other(_)));
}

/// Everything that is read is read from the caller's purchase back again.
#[test]
fn a_purchase_survives_being_written_down() {
    let purchase = crate::purchase();
    let text = serde_json::to_string(&purchase).unwrap();
    assert_eq!(serde_json::from_str::<Purchase>(&text).unwrap(), purchase);
    let with_url = purchase.with_callback_urls(["https://example.com/a-secret-path"]).unwrap();
    assert!(!serde_json::to_string(&with_url).unwrap().contains("secret-path"));
}

proptest::proptest! {
    #[test]
    fn no_body_makes_a_reader_panic(status in 200u16..600, body in ".{0,200}") {
        let _ = read(&inquire("1"), status, &body);
        let _ = read(&pay(), status, &body);
        let _ = read(&ask_status(), status, &body);
    }

    #[test]
    fn no_member_makes_a_reader_panic(code in 0u16..1000, name in "[a-zA-Z]{1,16}", value in r#"(null|true|-?[0-9]{1,20}(\.[0-9]+)?|"[^"\\]{0,20}"|\[\]|\{\})"#) {
        let body = format!(r#"{{"responseCode":{code},"data":{{"refNumber":"TESTIdihomeV2Stage","{name}":{value}}}}}"#);
        let _ = read(&inquire("1"), 200, &body);
        let _ = read(&pay(), 200, &body);
        let _ = read(&ask_status(), 200, &body);
    }

    #[test]
    fn no_cut_reply_is_believed(at in 0usize..STATUS.trim_end().len() - 1) {
        proptest::prop_assert!(read(&ask_status(), 200, &STATUS[..at]).is_err());
    }
}
