//! Every quirk that the documents have, in their order.

use biller_core::{Biller, Claim, ErrorKind, Execution, Rupiah};
use bytes::Bytes;
use pln_prepaid::model::AdvisedState;
use pln_prepaid::operations::{Advice, Inquiry, Payment};
use pln_prepaid::{BillDescription, InquiryRequest, callback};

use crate::samples::{ADVICE, CALLBACK, INQUIRY, PAYMENT, inquiry, purchase, read};
use crate::{Bench, LATER, token};

/// The sample of a payment with its `billDesc` replaced by another value.
fn with_bill(value: &str) -> String {
    let mut body: serde_json::Value = serde_json::from_str(PAYMENT).unwrap();
    body["result"]["additionalInfo"]["billDesc"] = serde_json::from_str(value).unwrap();
    body.to_string()
}

#[test]
fn quirk_01_trailing_commas_are_errors_of_the_document() {
    let body = PAYMENT.replace("}\n}", "},\n}");
    assert_ne!(body, PAYMENT);
    let error = read(&Payment(purchase()), &body).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::UnreadableReply, Execution::Unknown));
}

#[test]
fn quirk_02_bill_desc_may_be_a_string_an_object_or_empty() {
    let object = r#"{"stroomToken":"6156 0790 0556 6477 7418"}"#;
    let string = serde_json::to_string(object).unwrap();
    for (value, succeeded) in [
        (object, true),
        (string.as_str(), true),
        (r#""""#, false),
        (r#"" ""#, false),
        ("null", false),
        (r#""no JSON""#, false),
        (r#""[1]""#, false),
        ("7", false),
        ("[]", false),
        ("{}", false),
    ] {
        let paid = read(&Payment(purchase()), &with_bill(value)).unwrap();
        assert_eq!(paid.succeeded, succeeded, "{value}");
        assert_eq!(paid.transaction.bill.is_none(), matches!(value, r#""""# | r#"" ""# | "null"), "{value}");
    }
    let paid = read(&Payment(purchase()), &with_bill(r#""no JSON""#)).unwrap();
    assert!(matches!(paid.transaction.bill, Some(BillDescription::Text(text)) if text == "no JSON"));
}

#[test]
fn quirk_03_names_are_trimmed_and_compared_without_case() {
    let value = r#"{"  NOREF\t":"R","STROOMTOKEN ":"61560790055664777418"," JumlahKwh":"13.50"}"#;
    let paid = read(&Payment(purchase()), &with_bill(value)).unwrap();
    let receipt = paid.transaction.electricity().unwrap();
    assert_eq!(receipt.reference.as_deref(), Some("R"));
    assert_eq!(receipt.energy.as_ref().unwrap().value.unwrap().hundredths(), 1350);
    assert!(paid.succeeded);
}

#[test]
fn quirk_04_both_spellings_of_the_time_with_and_without_milliseconds() {
    for (member, time, expected) in [
        ("responseDatetime", "2022-01-18T13:50:04+07:00", "2022-01-18T13:50:04.000+07:00"),
        ("responseDateTime", "2022-01-18T13:50:04.125+07:00", "2022-01-18T13:50:04.125+07:00"),
        ("responseDatetime", "2022-01-18T06:50:04Z", "2022-01-18T13:50:04.000+07:00"),
    ] {
        let body =
            ADVICE.replace(r#""responseDatetime": "2022-01-18T13:50:04+07:00""#, &format!(r#""{member}": "{time}""#));
        let advised = read(&Advice(purchase()), &body).unwrap();
        assert_eq!(advised.transaction.at.unwrap().to_wib_millis(), expected, "{member} {time}");
    }
    let absent = ADVICE.replace("responseDatetime", "somethingElse");
    assert!(read(&Advice(purchase()), &absent).unwrap().transaction.at.is_none());
}

#[test]
fn quirk_05_codes_are_texts_of_any_length_and_integers_are_padded() {
    for (code, expected) in [("\"00\"", true), ("0", true), ("\"02\"", false), ("2", false)] {
        let body = PAYMENT.replace(r#""responseCode": "00""#, &format!(r#""responseCode": {code}"#));
        assert_eq!(read(&Payment(purchase()), &body).unwrap().succeeded, expected, "{code}");
    }
    for code in ["\"401\"", "401"] {
        let error = read(&Payment(purchase()), &format!(r#"{{"responseCode":{code}}}"#)).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::TokenRefused, Execution::NotExecuted), "{code}");
    }
    let error = read(&Payment(purchase()), r#"{"responseCode":3}"#).unwrap_err();
    assert_eq!((error.code(), error.execution()), (Some("03"), Execution::NotExecuted));
    let error = read(&Payment(purchase()), r#"{"responseCode":"3"}"#).unwrap_err();
    assert_eq!(error.execution(), Execution::Unknown, "a text is not padded");
}

#[tokio::test]
async fn quirk_06_and_07_scheme_and_form_of_the_signature_are_settings() {
    let bench = Bench::new();
    bench.pln.client().inquiry(&inquiry()).await.unwrap();
    let request = bench.tape.sent().pop().unwrap();
    assert!(request.headers()["authorization"].to_str().unwrap().starts_with("Bearer "));
    assert_eq!(request.headers()["x-signature"].len(), 88);
    let bench = Bench::with(|config| {
        config
            .with_authorization_scheme(pln_prepaid::AuthorizationScheme::Basic)
            .with_signature_form(pln_prepaid::SignatureForm::Sha256Hex)
    });
    bench.pln.client().inquiry(&inquiry()).await.unwrap();
    let request = bench.tape.sent().pop().unwrap();
    assert!(request.headers()["authorization"].to_str().unwrap().starts_with("Basic "));
    assert_eq!(request.headers()["x-signature"].len(), 64);
}

#[test]
fn quirk_08_result_may_be_an_object_nothing_or_an_array_of_one() {
    let body: serde_json::Value = serde_json::from_str(PAYMENT).unwrap();
    let result = body["result"].to_string();
    for (value, succeeded) in [
        (result.clone(), true),
        (format!("[{result}]"), true),
        (format!("[{result},{result}]"), false),
        (r#""""#.to_owned(), false),
        ("null".to_owned(), false),
        ("[]".to_owned(), false),
        ("[[]]".to_owned(), false),
        ("7".to_owned(), false),
    ] {
        let reply = format!(r#"{{"responseCode":"00","partnerReferenceNo":"TRX-000000351","result":{value}}}"#);
        assert_eq!(read(&Payment(purchase()), &reply).unwrap().succeeded, succeeded, "{value}");
    }
    let absent = r#"{"responseCode":"00","partnerReferenceNo":"TRX-000000351"}"#;
    assert!(!read(&Payment(purchase()), absent).unwrap().succeeded);
}

#[test]
fn quirk_09_integers_may_come_as_digit_strings() {
    let body = INQUIRY
        .replace("896", "\"896\"")
        .replace("20500", "\"20500\"")
        .replace(r#""productAdminFee": 0"#, r#""productAdminFee": "0""#);
    let inquired = read(&Inquiry(inquiry()), &body).unwrap();
    assert_eq!(inquired.purchase.price(), Rupiah::new(20_500));
    assert_eq!(inquired.transaction.result.merchant_outlet_id, Some(896));
    assert_eq!(inquired.transaction.result.product_admin_fee, Some(Rupiah::ZERO));
    // A price that cannot be read is no price.
    let error = read(&Inquiry(inquiry()), &INQUIRY.replace("20500", "\"20.500\"")).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::UnreadableReply, Execution::Unknown));
}

#[tokio::test]
async fn quirk_10_advice_goes_to_its_own_path() {
    let bench = Bench::new();
    let (mut attempt, _) = bench.buy("Q-10", LATER).await;
    bench.resolve(&mut attempt).await;
    assert_eq!(bench.tape.sent().pop().unwrap().uri().path(), "/pln/v2.0/advice");
    assert_eq!((bench.payments(), bench.advices()), (1, 1));
}

#[test]
fn quirk_11_the_callback_has_a_number_of_its_own_at_the_top() {
    let request = http::Request::post("/").body(Bytes::from(CALLBACK)).unwrap();
    let hint = callback::parse(&request).unwrap();
    assert_eq!(hint.provider_id.as_deref(), Some("DEV-220118-0000006"));
    let without = CALLBACK.replace(r#""referenceNo": "DEV-220118-0000006""#, r#""x": """#);
    let request = http::Request::post("/").body(Bytes::from(without)).unwrap();
    assert_eq!(callback::parse(&request).unwrap().provider_id, None);
}

#[test]
fn quirk_12_the_number_at_the_top_level_counts_for_an_inquiry() {
    let body = INQUIRY.replacen("DEV-220118-0000006", "DEV-220118-0000007", 1);
    assert_eq!(read(&Inquiry(inquiry()), &body).unwrap().purchase.reference_no(), "DEV-220118-0000007");
    let only_inside = INQUIRY.replacen(r#""referenceNo": "DEV-220118-0000006","#, "", 1);
    assert_eq!(read(&Inquiry(inquiry()), &only_inside).unwrap().purchase.reference_no(), "DEV-220118-0000006");
    // And either place fits for a payment.
    let body = PAYMENT.replacen("DEV-220118-0000006", "DEV-220118-0000007", 1);
    assert!(read(&Payment(purchase()), &body).unwrap().succeeded);
}

#[test]
fn quirk_13_the_serial_number_is_empty_and_never_the_token() {
    let paid = read(&Payment(purchase()), PAYMENT).unwrap();
    assert!(paid.succeeded && paid.transaction.serial_number.is_none());
    // A serial without a token is a success whose token is still owed.
    let body = with_bill(r#""""#).replace(r#""serialNumber":"""#, r#""serialNumber":"61560790055664777418""#);
    let paid = read(&Payment(purchase()), &body).unwrap();
    assert!(!paid.succeeded && paid.transaction.serial_number.is_some());
    assert!(paid.transaction.stroom_token().is_none());
}

#[test]
fn quirk_14_the_numbers_in_the_description_are_not_compared() {
    let paid = read(&Payment(purchase()), PAYMENT).unwrap();
    let receipt = paid.transaction.electricity().unwrap();
    assert_eq!(receipt.meter_number.as_ref().unwrap().text, "45052452799");
    assert_ne!(receipt.meter_number.as_ref().unwrap().text, "86034655976");
    assert!(paid.succeeded);
}

#[test]
fn quirk_15_rupiah_and_kwh_in_their_own_formats() {
    for (member, text, expected) in [
        ("rpStroomToken", "RP18.181,00", Some(18_181)),
        ("rpStroomToken", "1819,00", Some(1_819)),
        ("rpStroomToken", "Rp. 18.181,-", Some(18_181)),
        ("rpStroomToken", "18.181", Some(18_181)),
        ("rpStroomToken", "18.518,52", None),
        ("rpStroomToken", "1,819.00", None),
    ] {
        let bill = format!(r#"{{"{member}":"{text}"}}"#);
        let bill = read(&Payment(purchase()), &with_bill(&bill)).unwrap().transaction.bill.unwrap();
        let printed = bill.electricity().unwrap().energy_cost.clone().unwrap();
        assert_eq!((printed.text.as_str(), printed.value), (text, expected.map(Rupiah::new)));
    }
    for (text, expected) in [("13,50", Some(1350)), ("13.50", Some(1350)), ("71,3", Some(7130)), ("1.000", None)] {
        let bill = format!(r#"{{"jumlahKwh":"{text}"}}"#);
        let bill = read(&Payment(purchase()), &with_bill(&bill)).unwrap().transaction.bill.unwrap();
        let printed = bill.electricity().unwrap().energy.clone().unwrap();
        assert_eq!((printed.text.as_str(), printed.value.map(|kwh| kwh.hundredths())), (text, expected));
    }
}

#[tokio::test]
async fn quirk_16_customers_of_12_digits_are_accepted() {
    let bench = Bench::new();
    let (_, outcome) = bench.buy("Q-16", "829374298301").await;
    assert_eq!(outcome.word(), "succeeded");
}

#[tokio::test]
async fn quirk_17_96_is_a_failure_only_from_advice() {
    let bench = Bench::new();
    let (mut attempt, outcome) = bench.buy("Q-17", "829374298304").await;
    assert_eq!(outcome.word(), "unknown");
    assert_eq!(bench.resolve(&mut attempt).await.word(), "failed");
    // The same word at a payment that did go through.
    let (mut attempt, outcome) = bench.buy("Q-17b", "829374298596").await;
    assert_eq!(outcome.word(), "unknown");
    assert_eq!(bench.resolve(&mut attempt).await.word(), "succeeded");
}

#[test]
fn quirk_18_a_listed_code_is_read_at_any_status() {
    use biller_core::Operation;
    for status in [200, 302, 401, 404, 500, 503] {
        let reply = biller_tests::reply(status, ADVICE);
        assert_eq!(Advice(purchase()).interpret(&reply).unwrap().state, AdvisedState::Succeeded, "{status}");
    }
}

#[test]
fn quirk_19_both_spellings_of_the_arrears_of_a_water_bill() {
    let water = r#"{"customerName":"IDA","desc":{"alamat":"Kp.Pecinan 004 01","detail":[{"biayaLain":"00000000","denda":"15000",
        "meterAkhir":"60","meterAwal":"59","nilaiTagihan":"15800","periode":"202008","additionalDetail":{"jatuhTempo":"1 s/d 15",
        "retribusi":"0","tuggakanDanDenda":"4000","adminTutupBuka":"0"}}],"jatuhTempo":"1 s/d 15","lembarTagihan":2,"tarif":"1.1"}}"#;
    for text in [water.to_owned(), water.replace("tuggakanDanDenda", "tunggakanDanDenda")] {
        let raw = biller_core::RawJson::from_slice(serde_json::to_string(&text).unwrap().as_bytes()).unwrap();
        let description = BillDescription::read(&raw).unwrap();
        assert_eq!(description.customer_name().as_deref(), Some("IDA"));
        assert_eq!(description.object().unwrap().as_str(), text, "kept as it came");
        let bill = description.water().unwrap();
        assert_eq!((bill.alamat.as_deref(), bill.tarif.as_deref()), (Some("Kp.Pecinan 004 01"), Some("1.1")));
        assert_eq!((bill.lembar_tagihan, bill.jatuh_tempo.as_deref()), (Some(2), Some("1 s/d 15")));
        let [month] = &bill.detail[..] else { panic!("one month") };
        assert_eq!(month.periode.as_deref(), Some("202008"));
        assert_eq!((month.nilai_tagihan, month.denda), (Some(Rupiah::new(15_800)), Some(Rupiah::new(15_000))));
        assert_eq!((month.biaya_lain, month.tunggakan_dan_denda), (Some(Rupiah::ZERO), Some(Rupiah::new(4_000))));
        assert_eq!((month.meter_awal.as_deref(), month.meter_akhir.as_deref()), (Some("59"), Some("60")));
    }
}

/// Siblings keep their description as JSON.
#[test]
fn siblings_keep_their_description() {
    let inquiry = InquiryRequest::new("E-1", "EWOV20", "081284351131").unwrap();
    let body = r#"{"responseCode":"00","referenceNo":"DEV-1","result":{"productCode":"EWOV20","productPrice":20100,
        "additionalInfo":{"serialNumber":"","billDesc":"{\"customerName\":\"Jh*n D*e\",\"more\":[1.50]}"}}}"#;
    let inquired = read(&Inquiry(inquiry), body).unwrap();
    let bill = inquired.transaction.bill.unwrap();
    assert!(bill.electricity().is_none() && bill.water().is_none());
    assert_eq!(bill.customer_name().as_deref(), Some("Jh*n D*e"));
    assert_eq!(bill.object().unwrap().get("more").unwrap().as_str(), "[1.50]");
    assert!(!inquired.purchase.is_electricity());
}

/// An echo that cannot be read is absent, not different.
#[test]
fn an_unreadable_price_in_a_reply_is_not_compared() {
    assert!(read(&Payment(purchase()), &PAYMENT.replace("20500", "\"20.500\"")).unwrap().succeeded);
}

#[test]
fn a_success_about_something_else_is_unknown_and_needs_a_person() {
    for (from, to) in [
        ("TRX-000000351", "TRX-000000352"),
        ("DEV-220118-0000006", "DEV-220118-0000007"),
        (r#""customerID": "86034655976""#, r#""customerID": "86034655977""#),
        ("\"PLNPR20\"", "\"PLNPR50\""),
        ("20500", "20501"),
    ] {
        let body = PAYMENT.replace(from, to);
        assert_ne!(body, PAYMENT, "{from}");
        let error = read(&Payment(purchase()), &body).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::Mismatch, Execution::Unknown), "{from}");
        let error = read(&Advice(purchase()), &body).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::Mismatch, Execution::Unknown), "{from}");
        // A failure of something else fails nothing of ours.
        let failed = body.replace(r#""responseCode": "00""#, r#""responseCode": "03""#);
        let error = read(&Payment(purchase()), &failed).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::Mismatch, Execution::Unknown), "{from}");
        assert!(error.kind().needs_person());
    }
    let anonymous = PAYMENT.replace("partnerReferenceNo", "x");
    let error = read(&Payment(purchase()), &anonymous).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch, "a success has to name our reference");
}

#[tokio::test]
async fn an_inquiry_of_a_changed_price_stops_the_purchase() {
    let bench = Bench::new();
    let error =
        bench.pln.prepare(token("P-1", crate::CUSTOMER).with_expected_price(Rupiah::new(20_400))).await.unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::PriceChanged, Execution::NotExecuted));
    assert!(error.to_string().contains("Rp20.500 instead of Rp20.400"), "{error}");
    assert_eq!(bench.payments(), 0);
}

#[test]
fn a_callback_of_every_code_is_read() {
    for (code, claim) in
        [("00", Claim::Succeeded), ("02", Claim::Pending), ("03", Claim::Failed), ("99", Claim::Unlisted)]
    {
        let body = CALLBACK.replace(r#""responseCode": "00""#, &format!(r#""responseCode": "{code}""#));
        let request = http::Request::post("/").body(Bytes::from(body)).unwrap();
        assert_eq!(callback::parse(&request).unwrap().claim, claim, "{code}");
    }
}
