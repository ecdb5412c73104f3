use biller_tests::text_of;
use mmbc_pulsa::TopUp;
use mmbc_pulsa::model::StatusRequest;

use crate::{Bench, credential};

/// Everything that was sent, secrets replaced by their names.
fn sent(bench: &Bench) -> String {
    let (username, password) = (credential("username"), credential("password"));
    let secrets = [("password", password.as_str()), ("username", username.as_str())];
    bench.tape.sent().iter().map(|request| text_of(request, &secrets)).collect::<Vec<_>>().join("\n----\n")
}

#[tokio::test]
async fn price_list() {
    let bench = Bench::new();
    bench.mmbc.client().price_list().await.unwrap();
    insta::assert_snapshot!(sent(&bench));
}

#[tokio::test]
async fn top_up() {
    let bench = Bench::new();
    bench.mmbc.client().top_up(&TopUp::new("TEL5", "081213456781").unwrap()).await.unwrap();
    insta::assert_snapshot!(sent(&bench));
}

#[tokio::test]
async fn a_second_equal_top_up() {
    let bench = Bench::new();
    let top_up = TopUp::new("SI100", "+62 812-1345-6781").unwrap().with_repeat(2).unwrap();
    bench.mmbc.client().top_up(&top_up).await.unwrap();
    insta::assert_snapshot!(sent(&bench));
}

#[tokio::test]
async fn transaction_status() {
    let bench = Bench::new();
    let request = StatusRequest::new("TRX11111", "6281213456781").unwrap();
    bench.mmbc.client().transaction_status(&request).await.unwrap_err();
    insta::assert_snapshot!(sent(&bench));
}

#[tokio::test]
async fn odd_characters_in_credentials_are_encoded() {
    let config = mmbc_pulsa::Config::new("a&b=c", "p+ä %&username=x").unwrap();
    let tape = biller_tests::Tape::new(biller_tests::Invented(|_: &http::Request<bytes::Bytes>| None));
    let wiring = biller_core::Wiring::over(tape.clone()).with_retry(biller_core::RetryPolicy::never());
    mmbc_pulsa::Client::with_wiring(config, wiring).price_list().await.unwrap_err();
    let sent = tape.sent();
    assert_eq!(sent[0].uri(), "https://klikmbc.co.id/json/pulsa/daftarharga");
    assert_eq!(sent[0].body(), "username=a%26b%3Dc&password=p%2B%C3%A4+%25%26username%3Dx");
}

#[tokio::test]
async fn the_sandbox_accepts_every_call() {
    let bench = Bench::new();
    let client = bench.mmbc.client();
    client.price_list().await.unwrap();
    let bought = client.top_up(&TopUp::new("TEL5", "081213456781").unwrap()).await.unwrap();
    let invoice = bought.transaction.invoice.unwrap();
    client.transaction_status(&StatusRequest::new(&invoice, "081213456781").unwrap()).await.unwrap();
    for request in bench.sandbox.requests() {
        assert!(request.verdict.accepted, "{}: {:?}", request.path, request.verdict.explanation);
    }
}
