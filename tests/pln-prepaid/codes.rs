use biller_core::{Error, ErrorKind, Execution, Operation, Verdict};
use biller_tests::reply;
use pln_prepaid::codes::{Call, TABLE, verdict};
use pln_prepaid::model::AdvisedState;
use pln_prepaid::operations::{Advice, Inquiry, Payment};

use crate::samples::{inquiry, purchase};

#[test]
fn the_whole_table() {
    let mut text = String::new();
    for row in TABLE {
        text.push_str(&format!(
            "{} {} ({})\n  inquiry: {}\n  payment: {}\n  advice: {}\n  callback: {}\n",
            row.code, row.meaning, row.source, row.inquiry, row.payment, row.advice, row.callback
        ));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn every_code_has_one_row() {
    let mut codes: Vec<_> = TABLE.iter().map(|row| row.code).collect();
    codes.sort_unstable();
    assert_eq!(codes.len(), 35);
    codes.dedup();
    assert_eq!(codes.len(), 35);
}

#[test]
fn what_no_row_lists_proves_nothing_on_any_call() {
    for code in ["", "0", "000", "01", "1", "04", "11", "99", "400", "200", "OK", "00 ", "٠٠"] {
        for call in [Call::Inquiry, Call::Payment, Call::Advice, Call::Callback] {
            assert_eq!(verdict(code, call), Verdict::UNLISTED, "{code}");
        }
    }
}

/// No code at a payment fails a purchase unless its row says so; this is the money rule, code by code.
#[test]
fn a_code_is_read_alike_at_every_http_status() {
    for row in TABLE {
        for status in [200, 201, 400, 401, 404, 429, 500, 503] {
            let reply = reply(status, format!(r#"{{"responseCode":"{}"}}"#, row.code));
            let told = |error: Error| (error.execution(), error.kind());
            let paid = Payment(purchase()).interpret(&reply).map(|paid| paid.succeeded).map_err(told);
            let expected = match row.payment {
                // A success without our reference in it is about something else.
                Verdict::Succeeded => Err((Execution::Unknown, ErrorKind::Mismatch)),
                Verdict::Pending => Ok(false),
                Verdict::Failed(kind) => Err((Execution::NotExecuted, kind)),
                Verdict::Unknown(kind) => Err((Execution::Unknown, kind)),
            };
            assert_eq!(paid, expected, "payment {} at {status}", row.code);

            let advised = Advice(purchase()).interpret(&reply).map(|advised| advised.state).map_err(told);
            let expected = match row.advice {
                Verdict::Succeeded => Err((Execution::Unknown, ErrorKind::Mismatch)),
                Verdict::Pending => Ok(AdvisedState::Pending),
                Verdict::Failed(_) => Ok(AdvisedState::Failed),
                // The advice itself was refused before it ran, so its token may be renewed.
                Verdict::Unknown(ErrorKind::TokenRefused) => Err((Execution::NotExecuted, ErrorKind::TokenRefused)),
                Verdict::Unknown(kind) => Err((Execution::Unknown, kind)),
            };
            assert_eq!(advised, expected, "advice {} at {status}", row.code);

            let inquired = Inquiry(inquiry()).interpret(&reply).map(|_| ()).map_err(told);
            let expected = match row.inquiry {
                Verdict::Succeeded => Err((Execution::Unknown, ErrorKind::UnreadableReply)),
                Verdict::Pending => panic!("no inquiry is pending"),
                Verdict::Failed(kind) => Err((Execution::NotExecuted, kind)),
                Verdict::Unknown(kind) => Err((Execution::Unknown, kind)),
            };
            assert_eq!(inquired, expected, "inquiry {} at {status}", row.code);
        }
    }
}

#[test]
fn an_unknown_code_and_an_unusable_body_are_unknown_on_payment() {
    let unusable = [
        r#"{"responseCode":"99"}"#,
        r#"{"responseCode":"0"}"#,
        r#"{"responseCode":"000"}"#,
        r#"{"responseCode":-3}"#,
        r#"{"responseCode":3.0}"#,
        r#"{"responseCode":null}"#,
        r#"{"responseCode":""}"#,
        r#"{"responseCode":["03"]}"#,
        r#"{"responseMessage":"Failed"}"#,
        r#"{"responseCode":"03""#,
        r#"["03"]"#,
        r#"["03","Failed"]"#,
        r#""03""#,
        "03",
        "null",
        "",
        "<html><body>03</body></html>",
        "\u{0}",
    ];
    for body in unusable {
        for status in [200, 302, 400, 401, 404, 429, 500, 502, 503] {
            let reply = reply(status, body);
            let error = Payment(purchase()).interpret(&reply).unwrap_err();
            assert_eq!(error.execution(), Execution::Unknown, "payment {body} at {status}");
            let error = Advice(purchase()).interpret(&reply).unwrap_err();
            assert_eq!(error.execution(), Execution::Unknown, "advice {body} at {status}");
            let error = Inquiry(inquiry()).interpret(&reply).unwrap_err();
            assert_eq!(error.execution(), Execution::Unknown, "inquiry {body} at {status}");
        }
    }
}

#[test]
fn errors_name_the_settings_that_bear_on_them() {
    let told = |code: &str| {
        let reply = reply(401, format!(r#"{{"responseCode":"{code}"}}"#));
        Payment(purchase()).interpret(&reply).unwrap_err().to_string()
    };
    assert!(told("13").contains("api_secret, signature_form, signed_path, version"), "{}", told("13"));
    assert!(told("12").contains("merchant_id") && told("12").contains("authorization_scheme"), "{}", told("12"));
    assert!(told("401").contains("jwt_lifetime"), "{}", told("401"));
    let moment = reply(200, r#"{"responseCode":"40"}"#);
    let error = Inquiry(inquiry()).interpret(&moment).unwrap_err();
    assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(60)));
}
