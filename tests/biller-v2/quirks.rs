//! Each quirk of the provider that has to be absorbed, in a test named after it.

use biller_core::{Biller, Error, ErrorKind, Execution, Outcome, Rupiah};
use biller_sandbox::{Fault, FaultKind};
use biller_v2::codes::{Call, verdict};
use biller_v2::model::{Payment, State};
use biller_v2::{InquiryRequest, Purchase, Transaction};

use crate::{Bench, ask_status, bill, inquire, inquired, order, pay, read, rupiah};

const OURS: &str = r#""refNumber":"TESTIdihomeV2Stage""#;

/// The word for what a payment's answer proves.
fn word(result: Result<Payment, Error>) -> &'static str {
    match result {
        Ok(payment) if payment.succeeded => "succeeded",
        Ok(_) => "pending",
        Err(error) if error.execution() == Execution::NotExecuted => "failed",
        Err(error) if error.kind() == ErrorKind::Mismatch => "mismatch",
        Err(_) => "unknown",
    }
}

fn paid(data: &str) -> &'static str {
    word(read(&pay(), 200, &format!(r#"{{"responseCode":0,"data":{{{data}}}}}"#)))
}

fn transaction(data: &str) -> Transaction {
    let body = format!(r#"{{"responseCode":0,"data":{{{OURS},{data}}}}}"#);
    read(&ask_status(), 200, &body).unwrap().transaction
}

#[tokio::test]
async fn quirk_01_the_transaction_id_differs_between_payment_and_status() {
    let bench = Bench::new();
    let (mut attempt, outcome) = bench.buy(bill("Q-1", "123223341")).await;
    let Outcome::Succeeded(paid) = outcome else { panic!("{outcome:?}") };
    let Outcome::Succeeded(asked) = bench.resolve(&mut attempt).await else { panic!("not succeeded") };
    assert_eq!((paid.provider_id.as_deref(), asked.provider_id.as_deref()), (Some("221002"), Some("221001")));
    assert!(attempt.attention().is_empty());
}

#[test]
fn quirk_02_customer_detail_without_s() {
    let row = |name: &str| format!(r#"[{{"key":"{name}","value":1}}]"#);
    let reply =
        inquired("1", &format!(r#""amount":1,"customerDetail":{},"customerDetails":{}"#, row("second"), row("first")));
    let keys: Vec<_> = reply.customer_details().iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys, ["first", "second"]);
    let reply = inquired("1", &format!(r#""amount":1,"customerDetail":{}"#, row("only")));
    assert_eq!(reply.customer_details().len(), 1);
}

#[test]
fn quirk_03_rows_are_null_or_absent() {
    let none = transaction(r#""customerDetails":null,"billDetails":null,"productDetails":null,"extraFields":null"#);
    let absent = transaction(r#""amount":1"#);
    for transaction in [none, absent] {
        assert!(transaction.customer_details().is_empty() && transaction.bill_details.is_empty());
        assert!(transaction.product_details.is_empty() && transaction.extra_fields.is_empty());
    }
    let info = transaction(r#""billDetails":[{"billId":1,"billInfo":null,"key":"k","value":"5"}]"#);
    assert_eq!((info.bill_details[0].bill_id.as_deref(), info.bill_details[0].bill_info.len()), (Some("1"), 0));
}

#[test]
fn quirk_04_data_is_empty_null_or_absent() {
    for data in [r#","data":{}"#, r#","data":null"#, ""] {
        assert_eq!(word(read(&pay(), 200, &format!(r#"{{"responseCode":100{data}}}"#))), "failed", "{data}");
        assert_eq!(word(read(&pay(), 200, &format!(r#"{{"responseCode":299{data}}}"#))), "pending", "{data}");
        assert_eq!(word(read(&pay(), 200, &format!(r#"{{"responseCode":0{data}}}"#))), "succeeded", "{data}");
        let error = read(&inquire("1"), 200, &format!(r#"{{"responseCode":300{data}}}"#)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnreadableReply, "{data}");
    }
}

#[tokio::test]
async fn quirk_05_an_inquiry_carries_the_providers_own_ref_number() {
    let bench = Bench::new();
    let attempt = bench.biller.prepare(order("Q-5", "SBEMON50", "081200000001")).await.unwrap();
    assert!(!serde_json::to_string(&attempt).unwrap().contains("7000001"));
    let reply = bench.biller.client().inquiry(&InquiryRequest::new("SBEMON50", "081200000001").unwrap()).await.unwrap();
    assert_eq!(reply.raw.unwrap().get("refNumber").unwrap().as_str(), "7000002");
}

#[test]
fn quirk_06_values_are_numbers_or_strings_for_one_key() {
    for value in ["36800", r#""36800""#] {
        let transaction = transaction(&format!(r#""billDetails":[{{"key":"Jumlah Tagihan","value":{value}}}]"#));
        assert_eq!(transaction.bill_details[0].value.as_number(), Some(36_800));
        assert_eq!(transaction.bill_details[0].value.to_text(), "36800");
    }
}

#[test]
fn quirk_07_processing_comes_with_success_true_and_false_and_three_texts() {
    for success in ["true", "false", "null", "7"] {
        for text in ["Your transaction is processing", "Pending", "Transaction failed"] {
            let body = format!(r#"{{"responseCode":299,"success":{success},"message":{{"EN":"{text}"}},"data":{{}}}}"#);
            assert_eq!(word(read(&pay(), 200, &body)), "pending", "{success} {text}");
            let failed = body.replace("299", "100");
            assert_eq!(word(read(&pay(), 200, &failed)), "failed", "{success} {text}");
        }
    }
}

#[tokio::test]
async fn quirk_08_a_payment_is_final_at_once_with_0_or_4() {
    for (product, account) in [("SBTV01", "123223341"), ("SBDATA1", "081200000001"), ("SBTV01", "998004000001")] {
        let bench = Bench::new();
        let (_, outcome) = bench.buy(order("Q-8", product, account)).await;
        assert_eq!(outcome.word(), "succeeded", "{product} {account}");
    }
}

#[test]
fn quirk_09_the_code_is_a_digit_string_or_absent_and_absent_is_never_0() {
    for (code, expected) in [
        (r#""0""#, "succeeded"),
        (r#""0004""#, "succeeded"),
        (r#""299""#, "pending"),
        (r#""100""#, "failed"),
        ("100", "failed"),
        (r#""00000""#, "unknown"),
        (r#""""#, "unknown"),
        (r#"" 0""#, "unknown"),
        (r#""OK""#, "unknown"),
        (r#""+0""#, "unknown"),
        ("null", "unknown"),
        ("true", "unknown"),
        ("0.0", "unknown"),
        ("1e2", "unknown"),
        ("-0", "unknown"),
        ("-100", "unknown"),
        ("100.0", "unknown"),
        ("[0]", "unknown"),
        ("{}", "unknown"),
        ("10000", "unknown"),
        ("99999999999999999999999", "unknown"),
    ] {
        let body = format!(r#"{{"responseCode":{code},"success":true,"data":{{{OURS}}}}}"#);
        assert_eq!(word(read(&pay(), 200, &body)), expected, "{code}");
    }
    assert_eq!(word(read(&pay(), 200, &format!(r#"{{"success":true,"data":{{{OURS}}}}}"#))), "unknown");
}

#[test]
fn quirk_10_an_empty_token_and_not_available_are_none() {
    for token in [r#""""#, r#""N/A""#, "null", r#"" ""#] {
        assert!(transaction(&format!(r#""token":{token}"#)).token.is_none(), "{token}");
    }
    assert_eq!(transaction(r#""token":"205A""#).token.unwrap().expose(), "205A");
}

#[tokio::test]
async fn quirk_11_name_and_validity_are_absent_for_pulsa() {
    let bench = Bench::new();
    let (_, outcome) = bench.buy(order("Q-11", "SBPULSA10", "081200000001")).await;
    let Outcome::Succeeded(receipt) = outcome else { panic!("{outcome:?}") };
    assert_eq!((receipt.customer_name, receipt.charged), (None, rupiah(10_500)));
    assert!(receipt.serial.unwrap().expose().starts_with("SN"));
}

#[test]
fn quirk_12_is_mandatory_stands_in_inquiries_only() {
    let rows = r#""billDetails":[{"key":"a","value":1},{"key":"b","value":1,"isMandatory":false}]"#;
    let seen: Vec<_> =
        inquired("1", &format!(r#""amount":1,{rows}"#)).bill_details.iter().map(|row| row.is_mandatory).collect();
    assert_eq!(seen, [None, Some(false)]);
}

#[tokio::test]
async fn quirk_13_an_e_wallets_inquiry_has_other_members_in_another_order() {
    let bench = Bench::new();
    let reply = bench.biller.client().inquiry(&InquiryRequest::new("SBEMON50", "081200000001").unwrap()).await.unwrap();
    assert_eq!((reply.processing_fee, reply.denom.as_deref()), (None, None));
    assert_eq!(reply.request_id.as_deref(), Some("REQ7000001"));
    assert_eq!((reply.inquiry_id, reply.amount), (4_600_001, rupiah(51_000)));
}

#[tokio::test]
async fn quirk_14_google_plays_inquiry_says_0() {
    let bench = Bench::new();
    let play = || order("Q-14", "SBGPLAY20", "pembeli1@contoh.id");
    let error = bench.biller.prepare(play()).await.unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::InvalidInput, Execution::NotExecuted));
    let (attempt, outcome) = bench.buy(play().with_expected_price(Rupiah::new(20_000))).await;
    assert_eq!((outcome.word(), attempt.price()), ("succeeded", rupiah(20_000)));
    assert_eq!(bench.sandbox.charges()[0].amount, 20_000);
}

#[test]
fn quirk_15_the_charged_amount_may_hold_the_fees() {
    for (fees, amount, expected) in [
        ("", 747_250, "succeeded"),
        (r#""totalAdmin":2500,"#, 749_750, "succeeded"),
        (r#""totalAdmin":"2500","processingFee":100,"#, 749_750, "succeeded"),
        (r#""totalAdmin":2500,"processingFee":100,"#, 749_850, "succeeded"),
        (r#""processingFee":100,"#, 747_350, "succeeded"),
        (r#""totalAdmin":2500,"#, 0, "succeeded"),
        (r#""totalAdmin":2500,"#, 744_750, "mismatch"),
        ("", 749_750, "mismatch"),
        (r#""totalAdmin":2500,"#, 749_751, "mismatch"),
    ] {
        assert_eq!(paid(&format!(r#"{fees}"amount":{amount}"#)), expected, "{fees} {amount}");
    }
    assert_eq!(paid(r#""amount":"unreadable""#), "succeeded");
}

#[tokio::test]
async fn quirk_15_what_was_charged_is_what_the_answer_says() {
    let bench = Bench::new();
    let (_, outcome) = bench.buy(order("Q-15", "SBBPJSPU", "3171000000000001")).await;
    let Outcome::Succeeded(receipt) = outcome else { panic!("{outcome:?}") };
    assert_eq!(receipt.charged, rupiah(111_490));
    assert_eq!(bench.sandbox.charges()[0].amount, 111_490);
}

#[tokio::test]
async fn quirk_16_other_accounts_of_the_same_customer_are_accepted() {
    for (product, account, price, sent) in [
        ("SBBPJSPU", "3171000000000002", None, "210800000002"),
        ("SBGPLAY50", "pembeli2@contoh.id", rupiah(50_000), "pembeli2@contoh.id"),
    ] {
        let bench = Bench::new();
        let order = order("Q-16", product, account);
        let (mut attempt, paid) =
            bench.buy(price.map_or(order.clone(), |price| order.with_expected_price(price))).await;
        assert_eq!(paid.word(), "pending", "{product}");
        assert_eq!(bench.sandbox.charges()[0].customer, sent);
        bench.sandbox.settle();
        assert_eq!(bench.resolve(&mut attempt).await.word(), "succeeded", "{product}");
    }
}

#[test]
fn quirk_16_a_strangers_account_is_not() {
    let shown = r#""customerDetails":[{"key":"Nomor Pelanggan","value":"0811111111111"},{"key":"Kode","value":4711}]"#;
    let reply =
        inquired("asked", &format!(r#""amount":5,"accountNumber":"answered","category":"Google Play",{shown}"#));
    assert!(reply.account_differs);
    let mut pay = pay();
    pay.purchase = Purchase::new("TESTIdihomeV2Stage", &inquire("asked").request, &reply, None).unwrap();
    for (account, expected) in [
        (r#""asked""#, "succeeded"),
        (r#"" asked ""#, "succeeded"),
        (r#""answered""#, "succeeded"),
        (r#""0811111111111""#, "succeeded"),
        ("4711", "succeeded"),
        (r#""""#, "succeeded"),
        ("null", "succeeded"),
        (r#""0811111111112""#, "mismatch"),
        ("4712", "mismatch"),
    ] {
        for (code, expected) in [(0, expected), (100, if expected == "succeeded" { "failed" } else { expected })] {
            let body = format!(r#"{{"responseCode":{code},"data":{{"accountNumber":{account}}}}}"#);
            assert_eq!(word(read(&pay, 200, &body)), expected, "{code} {account}");
        }
        let body = format!(r#"{{"responseCode":299,"data":{{"accountNumber":{account}}}}}"#);
        assert_eq!(word(read(&pay, 200, &body)), "pending", "{account}");
    }
}

#[tokio::test]
async fn quirk_17_answers_name_another_product_code() {
    let bench = Bench::new();
    let (mut attempt, paid) = bench.buy(order("Q-17", "SBDATA1", "081200000002")).await;
    assert_eq!(paid.word(), "pending");
    bench.sandbox.settle();
    let Outcome::Succeeded(receipt) = bench.resolve(&mut attempt).await else { panic!("not succeeded") };
    assert_eq!(receipt.product, "SBDATA1");
    assert_eq!(receipt.raw.unwrap().get("productCode").unwrap().as_str(), r#""UPSBDATA1""#);
    let sent = bench.tape.sent();
    assert!(!sent.iter().any(|request| String::from_utf8_lossy(request.body()).contains("UPSBDATA1")));
}

#[test]
fn quirk_18_html_with_200_and_a_failure_with_500_prove_nothing() {
    assert_eq!(word(read(&pay(), 200, "<html>Transaction failed</html>")), "unknown");
    assert_eq!(word(read(&pay(), 500, &format!(r#"{{"responseCode":100,"data":{{{OURS}}}}}"#))), "unknown");
}

#[test]
fn quirk_19_102_108_183_and_188_are_not_final() {
    for code in [102, 108, 183, 188] {
        for success in [true, false] {
            let body = format!(r#"{{"responseCode":{code},"success":{success},"data":{{{OURS}}}}}"#);
            assert_eq!(word(read(&pay(), 200, &body)), "unknown", "{code}");
            assert_eq!(read(&ask_status(), 200, &body).unwrap_err().execution(), Execution::Unknown, "{code}");
            let refused = read(&inquire("1"), 200, &body).unwrap_err();
            assert_eq!(refused.execution(), Execution::NotExecuted, "{code}");
        }
    }
}

#[test]
fn quirk_20_401_402_403_490_495_and_409_on_a_payment_prove_nothing() {
    for code in [401, 402, 403, 490, 495, 409] {
        for status in [200, 401, 409] {
            let body = format!(r#"{{"responseCode":{code},"data":{{{OURS}}}}}"#);
            assert_eq!(word(read(&pay(), status, &body)), "unknown", "{code} {status}");
        }
        assert!(matches!(verdict(code, Call::Inquiry), biller_core::Verdict::Failed(_)), "{code}");
    }
}

#[test]
fn quirk_21_a_status_without_our_reference_is_never_final() {
    for code in [0, 4, 100, 103, 299, 312] {
        for (data, kind) in [
            ("", ErrorKind::UnreadableReply),
            (r#""refNumber":"""#, ErrorKind::UnreadableReply),
            (r#""refNumber":null"#, ErrorKind::UnreadableReply),
            (r#""refNumber":"OTHER""#, ErrorKind::Mismatch),
            (r#""refNumber":7"#, ErrorKind::Mismatch),
        ] {
            let body = format!(r#"{{"responseCode":{code},"data":{{{data}}}}}"#);
            let error = read(&ask_status(), 200, &body).unwrap_err();
            assert_eq!((error.kind(), error.execution()), (kind, Execution::Unknown), "{code} {data}");
        }
    }
    let mut ask = ask_status();
    ask.reference = biller_core::Reference::parse("12345").unwrap();
    let status = read(&ask, 200, r#"{"responseCode":100,"data":{"refNumber":12345}}"#).unwrap();
    assert_eq!(status.state, State::Failed);
}

#[test]
fn quirk_22_unknown_members_are_kept_and_numbers_pass_32_bits() {
    let reply = read(
        &inquire("1"),
        200,
        r#"{"new":[],"responseCode":300,"data":{"inquiryId":9007199254740993,"amount":5000000000,"new":{"a":[1.50]},
        "billDetails":[{"key":"k","value":5000000000,"new":1}]}}"#,
    )
    .unwrap();
    assert_eq!((reply.inquiry_id, reply.amount), (9_007_199_254_740_993, rupiah(5_000_000_000)));
    assert_eq!(reply.bill_details[0].value.as_number(), Some(5_000_000_000));
    assert_eq!(reply.raw.unwrap().get("new").unwrap().as_str(), r#"{"a":[1.50]}"#);
    let digits = read(&inquire("1"), 200, r#"{"responseCode":300,"data":{"inquiryId":"4589282","amount":"747250"}}"#);
    assert_eq!(digits.unwrap().inquiry_id, 4_589_282);
}

#[test]
fn quirk_23_blanks_and_reversed_dates_are_kept() {
    let reply = inquired(
        "1",
        r#""amount":1,"productDetails":[{"key":"Jatuh Tempo","value":"27-08-2021 "},{"key":"Waktu","value":"09:36 | 26 Sep 2023"}]"#,
    );
    let values: Vec<_> = reply.product_details.iter().map(|row| row.value.to_text()).collect();
    assert_eq!(values, ["27-08-2021 ", "09:36 | 26 Sep 2023"]);
}

#[test]
fn quirk_24_the_base_url_has_a_path_with_or_without_a_slash() {
    use biller_core::{Operation, Timestamp};
    use biller_v2::{Config, auth::Signer};
    for (base, address) in [
        ("https://host.test", "https://host.test/api/v2/bill/status"),
        ("https://host.test/", "https://host.test/api/v2/bill/status"),
        ("https://host.test/biller-v2", "https://host.test/biller-v2/api/v2/bill/status"),
        ("https://host.test/biller-v2/", "https://host.test/biller-v2/api/v2/bill/status"),
        ("http://127.0.0.1:8790/biller-v2", "http://127.0.0.1:8790/biller-v2/api/v2/bill/status"),
    ] {
        let signer = Signer::new(Config::new(base, "key", "secret").unwrap());
        let request = ask_status().request(&signer, Timestamp::from_unix_millis(0)).unwrap();
        assert_eq!(request.uri().to_string(), address);
    }
    assert!(Config::new("http://host.test", "key", "secret").is_err());
}

/// An inquiry that is answered without an id or an amount cannot be paid.
#[test]
fn an_inquiry_without_id_or_amount_is_unusable() {
    for data in [
        r#""amount":1"#,
        r#""inquiryId":0,"amount":1"#,
        r#""inquiryId":"x","amount":1"#,
        r#""inquiryId":1.5,"amount":1"#,
        r#""inquiryId":1"#,
        r#""inquiryId":1,"amount":"x""#,
        r#""inquiryId":1,"amount":-1"#,
    ] {
        let error = read(&inquire("1"), 200, &format!(r#"{{"responseCode":300,"data":{{{data}}}}}"#)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnreadableReply, "{data}");
    }
}

/// Pending once, then "not known": it stays open.
#[tokio::test]
async fn pending_stays_pending_when_the_status_is_not_known() {
    let bench = Bench::new();
    let (mut attempt, paid) = bench.buy(bill("Q-188", "123223342")).await;
    assert_eq!(paid.word(), "pending");
    bench.sandbox.arm(Fault::new("biller-v2", FaultKind::StatusNotFound)).unwrap();
    assert_eq!(bench.resolve(&mut attempt).await.word(), "pending");
    bench.sandbox.settle();
    assert_eq!(bench.resolve(&mut attempt).await.word(), "succeeded");
}
