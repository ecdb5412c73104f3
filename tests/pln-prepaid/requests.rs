//! The exact bytes of every request, at a fixed clock.

use biller_core::{Reference, Rupiah};
use biller_sandbox::{ManualClock, Sandbox};
use biller_tests::text_of;
use pln_prepaid::{AuthorizationScheme, Client, Config, InquiryRequest, SignatureForm};

use crate::samples::{inquiry, purchase};
use crate::{Bench, credential, self_signed};

/// The last request as text, without token and signature.
fn sent(bench: &Bench) -> String {
    let request = bench.tape.sent().pop().unwrap();
    let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
    let (authorization, signature) = (header("authorization"), header("x-signature"));
    let token = authorization.split_once(' ').unwrap().1.to_owned();
    text_of(&request, &[("token", &token), ("signature", &signature)])
}

#[tokio::test]
async fn an_inquiry() {
    let bench = Bench::new();
    let inquiry = inquiry().with_expected_price(Some(Rupiah::new(20_500)));
    bench.pln.client().inquiry(&inquiry).await.unwrap();
    insta::assert_snapshot!(sent(&bench));
}

#[tokio::test]
async fn an_inquiry_without_price_for_several_months() {
    let bench = Bench::new();
    let inquiry = InquiryRequest::new("A/1", "PDAMKABTANGERANG", "735711761");
    assert!(inquiry.is_err());
    let inquiry = InquiryRequest::new("A-1", "PDAMKABTANGERANG", " 735711761 ").unwrap().with_months(Some(3));
    bench.pln.client().inquiry(&inquiry).await.unwrap();
    insta::assert_snapshot!(sent(&bench));
}

#[tokio::test]
async fn a_payment() {
    let bench = Bench::new();
    let purchase = purchase().with_partner_approval_no(Reference::parse("ytyui876543").unwrap());
    bench.pln.client().payment(&purchase).await.unwrap_err();
    insta::assert_snapshot!(sent(&bench));
}

#[tokio::test]
async fn a_payment_is_approved_under_its_reference_unless_said_otherwise() {
    let bench = Bench::new();
    bench.pln.client().payment(&purchase()).await.unwrap_err();
    let body = bench.tape.sent().pop().unwrap().into_body();
    assert_eq!(
        body,
        r#"{"partnerApprovalNo":"TRX-000000351","partnerReferenceNo":"TRX-000000351","referenceNo":"DEV-220118-0000006"}"#
    );
}

#[tokio::test]
async fn an_advice() {
    let bench = Bench::new();
    bench.pln.client().advice(&purchase()).await.unwrap_err();
    insta::assert_snapshot!(sent(&bench));
}

/// The defaults match what the sandbox calls the usual form, and each alternative another one.
#[tokio::test]
async fn settings_choose_what_the_documents_leave_open() {
    type Change = fn(Config) -> Config;
    let changes: [(Change, &str); 6] = [
        (|config| config, "Bearer, sha512-base64, /{version}/{operation}, body as received"),
        (
            |config| config.with_authorization_scheme(AuthorizationScheme::Basic),
            "Basic, sha512-base64, /{version}/{operation}, body as received",
        ),
        (
            |config| config.with_signature_form(SignatureForm::Sha512Hex),
            "Bearer, sha512-hex, /{version}/{operation}, body as received",
        ),
        (
            |config| config.with_signature_form(SignatureForm::Sha256Hex),
            "Bearer, sha256-hex, /{version}/{operation}, body as received",
        ),
        (
            |config| config.with_signed_path("/{operation}").unwrap(),
            "Bearer, sha512-base64, /{operation}, body as received",
        ),
        (
            |config| config.with_signed_path("/pln/{version}/{operation}").unwrap(),
            "Bearer, sha512-base64, /pln/{version}/{operation}, body as received",
        ),
    ];
    for (change, variant) in changes {
        let bench = Bench::with(change);
        bench.pln.client().inquiry(&inquiry()).await.unwrap();
        assert_eq!(bench.sandbox.requests()[0].verdict.variant.as_deref(), Some(variant));
    }
}

/// The header is cut to the second, never rounded.
#[tokio::test]
async fn milliseconds_are_cut_off() {
    let clock = biller_core::ManualClock::new(biller_core::Timestamp::from_unix_millis(1_642_488_604_999));
    let sandbox = Sandbox::builder().clock(ManualClock::at_unix(1_642_488_604)).build();
    let tape = biller_tests::Tape::new(sandbox.transport());
    let wiring = biller_core::Wiring::over(tape.clone()).with_clock(clock);
    let config = Config::new("http://127.0.0.1/pln", credential("api_secret"), self_signed()).unwrap();
    Client::with_wiring(config, wiring).inquiry(&inquiry()).await.unwrap();
    assert_eq!(tape.sent()[0].headers()["x-timestamp"], "2022-01-18T13:50:04+07:00");
}
