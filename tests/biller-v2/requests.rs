use biller_core::Rupiah;
use biller_tests::text_of;
use biller_v2::{Body, Client, Config, InquiryRequest};

use crate::{Bench, config, credential};

/// Everything that was sent, the credentials replaced by their names.
fn sent(bench: &Bench) -> String {
    let (key, secret) = (credential("api_key"), credential("api_secret"));
    let requests = bench.tape.sent();
    let text = requests.iter().map(|request| {
        let token = request.headers().get("token").map_or("no token was sent", |token| token.to_str().unwrap());
        text_of(request, &[("token", token), ("api_key", key.as_str()), ("api_secret", secret.as_str())])
    });
    text.collect::<Vec<_>>().join("\n----\n")
}

type Call = std::pin::Pin<Box<dyn Future<Output = ()>>>;

macro_rules! requests {
    ($($name:ident: $config:expr, $call:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let change: fn(Config) -> Config = $config;
            let bench = Bench::with(change);
            let call: fn(Client) -> Call = $call;
            call(bench.biller.client().clone()).await;
            for request in bench.sandbox.requests() {
                assert!(request.verdict.accepted, "{}: {:?}", request.path, request.verdict.explanation);
            }
            insta::assert_snapshot!(sent(&bench));
        }
    )*};
}

async fn inquire(client: &Client, request: InquiryRequest) -> biller_v2::Purchase {
    let reply = client.inquiry(&request).await.unwrap();
    biller_v2::Purchase::new("BV0000000000000001", &request, &reply, None).unwrap()
}

requests! {
    inquiry_and_payment: |config| config, |client| Box::pin(async move {
        let purchase = inquire(&client, InquiryRequest::new("SBTV01", "123223342").unwrap()).await;
        client.payment(&purchase).await.map(drop).unwrap();
    });
    payment_with_callback_urls: |config| config, |client| Box::pin(async move {
        let purchase = inquire(&client, InquiryRequest::new("SBTV01", "123223342").unwrap()).await;
        let purchase = purchase.with_callback_urls(["http://partner.test/callback/8f14e45fceea"]).unwrap();
        client.payment(&purchase).await.map(drop).unwrap();
    });
    inquiry_of_an_open_amount: |config| config, |client| Box::pin(async move {
        let request = InquiryRequest::new("SBEMONOPEN", "081200000002").unwrap();
        inquire(&client, request.with_amount(Rupiah::new(101_500)).unwrap()).await;
    });
    inquiry_of_a_game: |config| config, |client| Box::pin(async move {
        inquire(&client, InquiryRequest::new("SBGAME70", "1234567").unwrap().with_zone_id("2001").unwrap()).await;
    });
    inquiry_of_months_and_payment_of_the_answered_account: |config| config, |client| Box::pin(async move {
        let request = InquiryRequest::new("SBBPJSBPU", "3171000000000001").unwrap().with_month(2).unwrap();
        let purchase = inquire(&client, request).await;
        client.payment(&purchase).await.map(drop).unwrap();
    });
    status: |config| config, |client| Box::pin(async move {
        client.status(&biller_core::Reference::parse("BV0000000000000001").unwrap()).await.map(drop).unwrap_err();
    });
    product_list: |config| config, |client| Box::pin(async move { client.product_list().await.map(drop).unwrap() });
    balance: |config| config, |client| Box::pin(async move { client.balance().await.map(drop).unwrap() });
    balance_with_an_empty_body: |config| config.with_body(Body::Empty).unwrap(), |client| Box::pin(async move {
        client.balance().await.map(drop).unwrap();
    });
}

/// A gateway without tokens: the payload in the body alone.
#[tokio::test]
async fn without_a_token_the_body_is_the_payload() {
    let key = credential("api_key_body_only");
    let change = |_: Config| Config::without_token("http://127.0.0.1/biller-v2", key.clone()).unwrap();
    let bench = Bench::with(change);
    let (_, outcome) = bench.buy(crate::bill("BODY-1", "123223341")).await;
    assert_eq!(outcome.word(), "succeeded");
    for request in bench.tape.sent() {
        assert!(!request.headers().contains_key("token"));
        assert_eq!(request.headers()["key"], key.as_str());
        assert_eq!(request.headers()["version"], "2.0");
        assert!(String::from_utf8_lossy(request.body()).starts_with(&format!(r#"{{"partnerId":"{key}","#)));
    }
    for request in bench.sandbox.requests() {
        assert_eq!(request.verdict.variant.as_deref(), Some("body only"));
    }
    let error = Config::without_token("https://host.test", "key").unwrap().with_body(Body::Empty).unwrap_err();
    assert_eq!(error.kind(), biller_core::ErrorKind::Configuration);
}

/// What is wrong with the credentials is refused, and costs nothing.
#[tokio::test]
async fn unfit_credentials_are_refused() {
    let bench = Bench::with(|_| Config::new("http://127.0.0.1/biller-v2", credential("api_key"), "wrong").unwrap());
    let error = bench.biller.client().balance().await.unwrap_err();
    assert_eq!((error.code(), error.status().map(|status| status.as_u16())), (Some("401"), Some(401)));
    assert_eq!(bench.sandbox.requests()[0].verdict.part, Some("token"));
    assert_eq!(bench.tape.sent().len(), 1);
    let _ = config("http://127.0.0.1/biller-v2");
}

/// Headers that hold credentials are marked, so that no library prints them.
#[tokio::test]
async fn credentials_in_headers_are_marked() {
    let bench = Bench::new();
    bench.biller.client().balance().await.unwrap();
    let headers = bench.tape.sent()[0].headers().clone();
    assert!(headers["key"].is_sensitive() && headers["token"].is_sensitive());
}
