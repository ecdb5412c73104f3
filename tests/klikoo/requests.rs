use biller_core::{Msisdn, Rupiah, Timestamp};
use biller_tests::text_of;
use klikoo::Purchase;
use klikoo::model::{Bill, HistoryQuery};

use crate::{Bench, credential};

fn purchase() -> Purchase {
    Purchase::new("6d654219-d9b7-4e1a-8b51-99a5cafb11cb", "S10", "081200000001", Rupiah::new(10_450)).unwrap()
}

/// Everything that was sent, tokens and secrets replaced by their names.
fn sent(bench: &Bench) -> String {
    let token = bench.tape.sent().iter().find_map(|request| {
        let bearer = request.headers().get(http::header::AUTHORIZATION)?.to_str().ok()?;
        bearer.strip_prefix("Bearer ").map(str::to_owned)
    });
    let secret = credential("client_secret");
    let secrets = [("client_secret", secret.as_str()), ("token", token.as_deref().unwrap_or("no token was used"))];
    bench.tape.sent().iter().map(|request| text_of(request, &secrets)).collect::<Vec<_>>().join("\n----\n")
}

/// The token request comes first in each; its signature, an RSA one, is the same at the same instant.
macro_rules! requests {
    ($($name:ident: $call:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let bench = Bench::new();
            let call: fn(klikoo::Client) -> std::pin::Pin<Box<dyn Future<Output = ()>>> = $call;
            call(bench.klikoo.client().clone()).await;
            insta::with_settings!({ filters => vec![(r"(?m)^open-api-signature: \S+$", "open-api-signature: [signature]")] }, {
                insta::assert_snapshot!(sent(&bench));
            });
        }
    )*};
}

requests! {
    access_token: |client| Box::pin(async move { client.access_token().await.map(drop).unwrap() });
    buy: |client| Box::pin(async move { client.buy(&purchase()).await.map(drop).unwrap() });
    buy_with_phone_and_selling_price: |client| Box::pin(async move {
        let phone = Msisdn::parse("+62 812-1345-6789").unwrap();
        let purchase = purchase().with_msisdn(&phone).with_selling_price(Rupiah::new(11_000)).unwrap();
        client.buy(&purchase).await.map(drop).unwrap();
    });
    inquiry_prepaid: |client| Box::pin(async move {
        let purchase = Purchase::new("42323-42234-44226-96273", "PLN20", "01105691111", Rupiah::new(20_500)).unwrap();
        client.inquiry_prepaid(&purchase.with_selling_price(Rupiah::new(21_000)).unwrap()).await.map(drop).unwrap();
    });
    inquiry_postpaid: |client| Box::pin(async move {
        let bill = Bill::new("RBASRBPJSKSH", "8888801433177155").unwrap().with_period(Some(1));
        drop(client.inquiry_postpaid(&bill).await);
    });
    inquiry_postpaid_without_period: |client| Box::pin(async move {
        client.inquiry_postpaid(&Bill::new("PDAMMJK", "1726010024").unwrap()).await.map(drop).unwrap();
    });
    transaction_detail: |client| Box::pin(async move { client.transaction_detail("a/b c").await.map(drop).unwrap_err(); });
    transaction_history: |client| Box::pin(async move {
        let now = Timestamp::from_unix_millis(1_707_276_515_000);
        let query = HistoryQuery::new().with_search("6d65 & 4219").with_range(now.wib_day().start(), now);
        client.transaction_history(&query).await.map(drop).unwrap();
    });
    balance: |client| Box::pin(async move { client.balance().await.map(drop).unwrap() });
}

#[tokio::test]
async fn the_sandbox_accepts_the_default_forms_and_names_them() {
    let bench = Bench::new();
    bench.klikoo.client().buy(&purchase()).await.unwrap();
    for request in bench.sandbox.requests() {
        assert!(request.verdict.accepted, "{}: {:?}", request.path, request.verdict.explanation);
    }
}

#[tokio::test]
async fn settings_of_the_signature_are_sent_and_refused_by_name() {
    let bench = Bench::with(|config| config.with_signed_path_prefix("/klikoo"));
    let error = bench.klikoo.client().balance().await.unwrap_err();
    assert_eq!(error.code(), Some("400016508"));
    assert!(error.to_string().contains("signed_path_prefix"), "{error}");
    let refused = bench.sandbox.requests().into_iter().find(|request| !request.verdict.accepted).unwrap();
    assert_eq!(refused.verdict.part, Some("path"));

    for accepted in [
        Bench::with(|config| config.with_method_case(klikoo::MethodCase::Lower)),
        Bench::with(|config| config.with_signed_query(true)),
        Bench::with(|config| config.with_timestamp_millis(false)),
    ] {
        accepted.klikoo.client().transaction_history(&HistoryQuery::new()).await.unwrap();
    }
}
