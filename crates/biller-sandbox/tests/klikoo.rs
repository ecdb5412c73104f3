//! Klikoo's behaviour, call by call.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use biller_sandbox::{Clock as _, Sandbox};
use common::{BALANCE, BUY, INQUIRY, POSTPAID, Partner, order, order_of, rsa, timestamp, token_body};
use serde_json::{Value, json};

fn detail(id: &str) -> String {
    format!("/v1/open-api/transactions/{id}")
}

#[tokio::test]
async fn token_is_a_bearer_for_900_seconds() {
    let partner = Partner::new().await;
    let answer = partner.access_token().await.unwrap();
    assert_eq!(answer.status, 200);
    let reply = answer.json();
    assert_eq!(reply["response_code"], "200012000");
    assert_eq!(reply["data"]["token_type"], "Bearer");
    assert_eq!(reply["data"]["expires_in"], 900);
    assert_eq!(reply["data"]["access_token"].as_str().unwrap().split('.').count(), 3);
    assert!(partner.sandbox.requests()[0].verdict.accepted);

    partner.clock.advance(Duration::from_millis(899_999));
    assert_eq!(partner.get(BALANCE).await.code(), "200032000");
    partner.clock.advance(Duration::from_millis(1));
    let answer = partner.get(BALANCE).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "401016535"));
    assert_eq!(partner.sandbox.requests()[0].verdict.part, Some("token"));
}

#[tokio::test]
async fn earlier_tokens_stay_valid() {
    let partner = Partner::new().await;
    let first = partner.token();
    partner.clock.advance(Duration::from_secs(10));
    partner.log_in().await;
    assert_ne!(partner.token(), first);
    let mut call = partner.prepare("GET", BALANCE, "");
    call.token = first.clone();
    call.signed_token = first;
    assert_eq!(partner.try_call(call).await.unwrap().code(), "200032000");
}

#[tokio::test]
async fn token_checks_come_in_order() {
    let partner = Partner::new().await;
    let good = partner.timestamp();
    let signature = rsa(&format!("{}|{good}", common::CLIENT_ID));
    let changed = |pointer: &str, value: Value| {
        let mut body = token_body();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let secret = "/additional_info/client_secret";
    let mut both = changed("/grant_type", json!("password"));
    *both.pointer_mut(secret).unwrap() = json!("wrong");
    let cases = [
        (json!([]), "2020-01-01T00:00:00+07:00", "", "400016505"),
        (json!([]), good.as_str(), "", "400016510"),
        (json!({ "grant_type": "password" }), &good, "", "400016510"),
        (both, &good, "", "400016569"),
        (changed(secret, json!("wrong")), &good, "", "401016570"),
        (changed("/additional_info/client_id", json!(7)), &good, "", "401016570"),
        (token_body(), &good, "", "400016508"),
        (token_body(), &good, "not base64", "400016508"),
        (token_body(), &good, &signature, "200012000"),
    ];
    for (body, timestamp, signature, code) in cases {
        let answer = partner.ask_token(body.clone(), timestamp, signature).await.unwrap();
        assert_eq!(answer.code(), code, "{body}");
        assert_eq!(answer.status.to_string(), code[..3], "{body}");
    }
}

#[tokio::test]
async fn timestamps_may_be_five_minutes_off() {
    let partner = Partner::new().await;
    let far = |millis: i64| {
        let by = Duration::from_millis(millis.unsigned_abs());
        timestamp(if millis < 0 { partner.clock.now() - by } else { partner.clock.now() + by })
    };
    for (text, code) in [
        (far(300_000), "200032000"),
        (far(-300_000), "200032000"),
        (far(300_001), "400016505"),
        (far(-300_001), "400016505"),
        ("2024-02-07T10:28:35+07:00".to_owned(), "200032000"),
        ("2024-02-07T03:28:35Z".to_owned(), "200032000"),
        ("2024-02-07T10:28:35+07:0".to_owned(), "400016505"),
        ("yesterday".to_owned(), "400016505"),
        (String::new(), "400016505"),
    ] {
        let mut call = partner.prepare("GET", BALANCE, "");
        call.timestamp = text.clone();
        call.signed_timestamp = text.clone();
        assert_eq!(partner.try_call(call).await.unwrap().code(), code, "{text}");
    }
}

#[tokio::test]
async fn checks_of_other_calls_come_in_order() {
    let partner = Partner::new().await;
    let mut call = partner.prepare("POST", BUY, "no json");
    call.token = "unknown".into();
    call.key = b"wrong".to_vec();
    assert_eq!(partner.try_call(call.clone()).await.unwrap().code(), "401016500");
    call.token = partner.token();
    assert_eq!(partner.try_call(call.clone()).await.unwrap().code(), "400016508");
    call.key = common::SECRET.into();
    assert_eq!(partner.try_call(call).await.unwrap().code(), "400026510");
    for body in [json!({}), json!({ "amount": 1 })] {
        assert_eq!(partner.post(BUY, &body).await.code(), "400026512");
    }
    let mut body = order("r1", "081200000001");
    body["msidn"] = json!("");
    assert_eq!(partner.post(BUY, &body).await.code(), "400026512");
    assert_eq!(partner.post(INQUIRY, &body).await.code(), "400026512");
    assert_eq!(partner.post(POSTPAID, &json!({ "account_number": "1" })).await.code(), "400026512");
    assert!(partner.sandbox.charges().is_empty());
}

#[tokio::test]
async fn unknown_paths_and_methods_are_a_page() {
    let partner = Partner::new().await;
    for (method, path) in [
        ("GET", "/v1/open-api/products/buy"),
        ("POST", "/v1/open-api/balance"),
        ("POST", "/v1/open-api/transactions/14430001"),
        ("GET", "/v1/open-api"),
        ("GET", ""),
        ("GET", "/v2/open-api/balance"),
    ] {
        let answer = partner.try_call(partner.prepare(method, path, "")).await.unwrap();
        assert_eq!((answer.status, &answer.headers["content-type"]), (404, &"text/html".parse().unwrap()), "{path}");
        assert_eq!(partner.sandbox.requests()[0].operation, None);
    }
    let answer = partner.send("GET", "/nobody/v1", &[], String::new()).await.unwrap();
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn inquiry_quotes_the_list_price() {
    let partner = Partner::new().await;
    let answer = partner.post(INQUIRY, &order_of("PLN20", "1", "i1", "01105691111")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        std::str::from_utf8(&answer.body).unwrap(),
        r#"{"response_code":"200022000","response_message":"Sukses","data":{"product_name":"PLN 20.000","amount":20500,"total":20546,"product_code":"PLN20","customer_number":"01105691111","customer_name":"PELANGGAN UJI","power_capacity":"R1M/900VA"}}"#
    );
    for (product, asked, amount, total) in [
        ("PLN50", "x", 50_500, 50_546),
        ("PLN100", "1", 100_500, 100_546),
        ("OVO10", "1", 10_150, 10_150),
        ("GOPAY10", "1", 10_250, 10_250),
        ("DN1", "1", 10_086, 10_086),
        ("DNOPEN", "10000", 10_000, 10_000),
        ("DNOPEN", "2000000", 2_000_000, 2_000_000),
        ("MAX5000", "1", 5_300, 5_300),
    ] {
        let reply = partner
            .post(INQUIRY, &order_of(product, asked, &format!("i-{product}-{asked}"), "081200000001"))
            .await
            .json();
        assert_eq!((&reply["data"]["amount"], &reply["data"]["total"]), (&json!(amount), &json!(total)), "{product}");
        assert_eq!(reply["data"].get("power_capacity").is_some(), product.starts_with("PLN"), "{product}");
    }
    for (product, asked, code) in [
        ("NOPE", "1", "404027003"),
        ("S10", "1", "404026525"),
        ("POSTPAIDPLN", "1", "404026525"),
        ("CODE-999029999", "1", "404026525"),
        ("CODEX-999029999", "1", "404026525"),
        ("DNOPEN", "9999", "503029998"),
        ("DNOPEN", "2000001", "503029998"),
        ("DNOPEN", "x", "503029998"),
    ] {
        assert_eq!(
            partner.post(INQUIRY, &order_of(product, asked, "free", "081200000001")).await.code(),
            code,
            "{product}"
        );
    }
    assert_eq!(partner.balance(), 10_000_000);
}

#[tokio::test]
async fn inquiry_of_an_unrecognised_customer_uses_no_reference() {
    let partner = Partner::new().await;
    for value in ["01105601111", "081200000005"] {
        let answer = partner.post(INQUIRY, &order_of("PLN20", "20500", "i1", value)).await;
        assert_eq!(answer.status, 503);
        assert_eq!(
            answer.json(),
            json!({
                "response_code": "503029998",
                "response_message": "CUSTID not recognized. Biller throws exception. Err:5110",
                "data": { "customer_number": value },
            })
        );
    }
    assert_eq!(partner.post(INQUIRY, &order("i1", "081200000001")).await.code(), "200022000");
    assert_eq!(partner.post(INQUIRY, &order("i1", "081200000001")).await.code(), "409026563");
    assert_eq!(partner.post(BUY, &order("i1", "081200000001")).await.code(), "409026563");
}

#[tokio::test]
async fn postpaid_bills_are_quoted_and_bought_at_their_total() {
    let partner = Partner::new().await;
    let ask = async |account: &str, product: &str| {
        partner.post(POSTPAID, &json!({ "account_number": account, "product_code": product })).await
    };
    assert_eq!(
        ask("514040400482", "POSTPAIDPLN").await.json()["data"],
        json!({
            "product_name": "Tagihan POSTPAIDPLN", "amount": 132_000, "total": 134_500, "product_code": "POSTPAIDPLN",
            "customer_number": "514040400482", "customer_name": "PELANGGAN UJI",
        })
    );
    assert_eq!(ask("8888801433177155", "RBASRBPJSKSH").await.code(), "503029998");
    assert_eq!(ask("7", "PDAMMJK").await.json()["data"]["amount"], 57_000);
    assert_eq!(ask("7", "OVO10").await.code(), "404026525");
    assert_eq!(ask("7", "NOPE").await.code(), "404027003");

    assert_eq!(partner.post(BUY, &order_of("POSTPAIDPLN", "132000", "b1", "514040400482")).await.code(), "400026510");
    let bought = partner.post(BUY, &order_of("POSTPAIDPLN", "134500", "b1", "514040400482")).await.json();
    assert_eq!(bought["data"]["status"], "SUCCESS");
    // Printed in the documents, so its last digit 4 does not refuse it.
    let bought = partner.post(BUY, &order_of("PDAMMJK", "76500", "b2", "1726010024")).await.json();
    assert_eq!(bought["data"]["status"], "SUCCESS");
    assert_eq!(partner.balance(), 10_000_000 - 134_500 - 76_500);
}

#[tokio::test]
async fn buy_succeeds_at_once() {
    let partner = Partner::new().await;
    let answer = partner.post(BUY, &order_of("PLN20", "20500", "b1", "01105691111")).await;
    assert_eq!(answer.status, 201);
    assert_eq!(
        std::str::from_utf8(&answer.body).unwrap(),
        r#"{"response_code":"201022001","response_message":"Berhasil dibuat","data":{"transaction_id":"14430001","status":"SUCCESS","partner_reference_id":"b1","amount":"20500","product_code":"PLN20","value":"01105691111"}}"#
    );
    let charges = partner.sandbox.charges();
    assert_eq!(
        serde_json::to_value(&charges).unwrap(),
        json!([{
            "id": 1, "provider": "klikoo", "reference": "b1", "customer": "01105691111", "product": "PLN20",
            "amount": 20500, "state": "succeeded", "charged_at": "2024-02-07T10:28:35.000+07:00",
        }])
    );
    assert_eq!(partner.balance(), 9_979_500);
    assert_eq!(partner.get(BALANCE).await.json()["data"], json!({ "balance": 9_979_500 }));

    let reply = partner.get(&detail("14430001")).await.json();
    let sn = reply["data"]["sn"].as_str().unwrap().to_owned();
    assert_eq!(
        reply["data"],
        json!({
            "transaction_id": "14430001", "status": "SUCCESS", "partner_reference_id": "b1", "amount": "20500",
            "transaction_time": "2024-02-07T03:28:35.000000Z", "reason": "", "product_id": "", "product_name": "PLN 20.000",
            "sn": sn, "value": "01105691111", "customer_name": "PELANGGAN UJI", "current_balance": "9979500",
            "beginning_balance": "10000000", "product_code": "PLN20",
        })
    );
    let (token, rest) = sn.split_once('/').unwrap();
    assert_eq!(rest, "PELANGGAN UJI/R1M/900VA/13.44");
    assert_eq!(token.split('-').map(str::len).collect::<Vec<_>>(), [4; 5]);
    let bits: u128 = token.replace('-', "").parse().unwrap();
    assert!(bits < 1 << 66 && bits >> 27 & 0b11 == 0);
}

#[tokio::test]
async fn pending_buys_debit_only_when_they_succeed() {
    let partner = Partner::new().await;
    assert_eq!(partner.post(BUY, &order("b2", "081200000002")).await.json()["data"]["status"], "PENDING");
    assert_eq!(partner.post(BUY, &order("b3", "081200000003")).await.json()["data"]["status"], "PENDING");
    assert_eq!(partner.balance(), 10_000_000);
    let reply = partner.get(&detail("14430001")).await.json();
    assert_eq!((&reply["data"]["status"], &reply["data"]["sn"]), (&json!("PENDING"), &json!("")));

    partner.clock.advance(Duration::from_millis(1999));
    assert_eq!(partner.get(&detail("14430001")).await.json()["data"]["status"], "PENDING");
    partner.clock.advance(Duration::from_millis(1));
    let reply = partner.get(&detail("14430001")).await.json();
    assert_eq!(reply["data"]["status"], "SUCCESS");
    assert_eq!(reply["data"]["sn"].as_str().unwrap().len(), 20);
    assert_eq!(reply["data"]["current_balance"], "9989850");
    let reply = partner.get(&detail("14430002")).await.json();
    assert_eq!(reply["data"]["status"], "FAILED");
    assert_ne!(reply["data"]["reason"], "");
    assert_eq!(reply["data"]["sn"], "");
    assert_eq!(
        (&reply["data"]["beginning_balance"], &reply["data"]["current_balance"]),
        (&json!("9989850"), &json!("9989850"))
    );
    assert_eq!(partner.balance(), 9_989_850);
    assert_eq!(partner.books(), [("b2".into(), 10_150, "Succeeded".into()), ("b3".into(), 10_150, "Failed".into())]);
}

#[tokio::test]
async fn refused_buys_use_no_reference() {
    let partner = Partner::new().await;
    for (value, code) in [("081200000004", "404027011"), ("081200000005", "404027002"), ("01105601111", "404027002")] {
        assert_eq!(partner.post(BUY, &order("b", value)).await.code(), code);
    }
    assert!(partner.sandbox.charges().is_empty());
    // The last digit anywhere counts, and without one all is well.
    assert_eq!(partner.post(BUY, &order("b", "B4x")).await.code(), "404027011");
    assert_eq!(partner.post(BUY, &order("b", "driver")).await.code(), "201022001");
    assert_eq!(partner.post(BUY, &order("b", "driver")).await.code(), "409026563");
    assert_eq!(partner.sandbox.charges().len(), 1);
}

#[tokio::test]
async fn business_rules_come_in_order() {
    let partner = Partner::new().await;
    partner.post(BUY, &order("used", "081200000001")).await;
    for (product, amount, reference, code) in [
        ("NOPE", "1", "used", "404027003"),
        ("OVO10", "1", "used", "409026563"),
        ("OVO10", "1", "free", "400026510"),
        ("OVO10", "10151", "free", "400026510"),
        ("OVO10", "x", "free", "400026510"),
        ("DNOPEN", "9999", "free", "503029998"),
        ("DNOPEN", "2000001", "free", "503029998"),
        ("S10", "10450", "free", "404027011"),
    ] {
        let answer = partner.post(BUY, &order_of(product, amount, reference, "081200000004")).await;
        assert_eq!(answer.code(), code, "{product} {amount} {reference}");
    }
    assert_eq!(partner.sandbox.charges().len(), 1);
}

#[tokio::test]
async fn pending_charges_bind_the_balance() {
    let partner = Partner::new().await;
    for n in 0..4 {
        let answer = partner.post(BUY, &order_of("DNOPEN", "2000000", &format!("p{n}"), "081200000002")).await;
        assert_eq!(answer.code(), "201022001");
    }
    assert_eq!(partner.post(BUY, &order_of("DNOPEN", "2000000", "s", "081200000001")).await.code(), "201022001");
    let answer = partner.post(BUY, &order("short", "081200000004")).await;
    assert_eq!(answer.json(), json!({ "response_code": "400026510", "response_message": "Saldo tidak cukup" }));
    partner.sandbox.settle();
    assert_eq!(partner.balance(), 0);
    assert_eq!(partner.sandbox.charges().len(), 5);
}

#[tokio::test]
async fn code_products_answer_their_code() {
    let partner = Partner::new().await;
    let buy = async |product: &str, reference: &str| {
        let answer = partner.post(BUY, &order_of(product, "10000", reference, "081200000003")).await;
        (answer.status, answer.code())
    };
    assert_eq!(buy("CODE-400026510", "r").await, (400, "400026510".into()));
    assert_eq!(buy("CODE-999029999", "r").await, (500, "999029999".into()));
    assert_eq!(buy("CODE-12", "r").await, (404, "404027003".into()));
    for truthful in ["CODEX-201022001", "CODEX-400026510", "CODEX-404027011", "CODEX-501029976"] {
        assert_eq!(buy(truthful, "r").await, (404, "404027003".into()));
    }
    assert!(partner.sandbox.charges().is_empty());

    assert_eq!(buy("CODEX-503029991", "x1").await, (503, "503029991".into()));
    assert_eq!(buy("CODEX-999029999", "x2").await, (500, "999029999".into()));
    assert_eq!(buy("CODEX-409026563", "x3").await, (409, "409026563".into()));
    assert_eq!(buy("CODEX-999029999", "x2").await, (409, "409026563".into()));
    assert_eq!(partner.balance(), 9_970_000);
    assert_eq!(partner.get(&detail("14430002")).await.json()["data"]["status"], "SUCCESS");
}

#[tokio::test]
async fn detail_of_an_unknown_transaction() {
    let partner = Partner::new().await;
    for id in ["14430001", "", "inquiry-postpaid", "a/b", "%ff", "%2e"] {
        let answer = partner.get(&detail(id)).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "404027005"), "{id}");
    }
    partner.post(BUY, &order("b", "081200000001")).await;
    assert_eq!(partner.get(&detail("1443000%31")).await.code(), "200022000");
    for id in ["14430002", "014430001", "%2B14430001", "14430000", "18446744073709551616"] {
        assert_eq!(partner.get(&detail(id)).await.code(), "404027005", "{id}");
    }
}

#[tokio::test]
async fn history_pages_and_searches() {
    let partner = Partner::new().await;
    for n in 1..=5 {
        partner.post(BUY, &order(&format!("ref-{n}"), "081200000001")).await;
        partner.clock.advance(Duration::from_secs(10));
    }
    let list = async |query: &str| partner.get(&format!("/v1/open-api/transactions?{query}")).await;
    let ids = |answer: &common::Answer| -> Vec<String> {
        let rows = answer.json()["data"].as_array().unwrap().clone();
        rows.iter().map(|row| row["partner_reference_id"].as_str().unwrap().to_owned()).collect()
    };
    let first = list("page=1&limit=2").await;
    assert_eq!(ids(&first), ["ref-5", "ref-4"]);
    assert_eq!(
        first.json()["meta"],
        json!({ "current_page": 1, "next_page": 2, "total_pages": 3, "total_rows": 5, "per_page": 2 })
    );
    let row = first.json()["data"][1].clone();
    assert_eq!(
        row,
        json!({
            "transaction_id": "14430004", "partner_reference_id": "ref-4", "status": "SUCCESS", "amount": "10150",
            "product_code": "OVO10", "created_at": "2024-02-07T03:29:05.000000Z", "sn": row["sn"], "value": "081200000001",
        })
    );
    let last = list("page=3&limit=2").await;
    assert_eq!(ids(&last), ["ref-1"]);
    assert_eq!(
        last.json()["meta"],
        json!({ "current_page": 3, "previous_page": 2, "total_pages": 3, "total_rows": 5, "per_page": 2 })
    );
    assert_eq!(list("page=1&limit=101").await.json()["meta"]["per_page"], 100);
    assert_eq!(ids(&list("page=18446744073709551615&limit=100").await), [""; 0]);
    assert_eq!(ids(&list("page=1&limit=50&q=REF-3").await), ["ref-3"]);
    assert_eq!(ids(&list("page=1&limit=50&q=ovo%2010").await).len(), 5);
    assert_eq!(ids(&list("page=1&limit=50&q=081200000001").await).len(), 5);
    assert_eq!(ids(&list("page=1&limit=50&q=nothing").await), [""; 0]);
    let window = list("page=1&limit=50&from=2024-02-07T03:28:45&to=2024-02-07T03:28:55").await;
    assert_eq!(ids(&window), ["ref-3", "ref-2"]);
    for query in ["", "page=1", "limit=1", "page=0&limit=1", "page=1&limit=0", "page=x&limit=1", "page=1&limit=-1"] {
        assert_eq!(list(query).await.code(), "400026512", "{query}");
    }
    assert_eq!(list("page=1&limit=1&from=yesterday").await.code(), "400026510");
}

#[tokio::test]
async fn callbacks_tell_the_end_once() {
    let partner = Partner::new().await;
    partner.post(BUY, &order("silent", "081200000001")).await;
    assert!(partner.sandbox.take_callbacks().is_empty());
    partner.sandbox.send_callbacks_to("klikoo", "http://partner.test/klikoo").unwrap();
    partner.post(BUY, &order_of("S10", "10450", "now", "081200000001")).await;
    partner.post(BUY, &order("later", "081200000003")).await;
    let callbacks = partner.sandbox.take_callbacks();
    assert_eq!(callbacks.len(), 1);
    assert_eq!((callbacks[0].provider, callbacks[0].url.as_str()), ("klikoo", "http://partner.test/klikoo"));
    let body: Value = serde_json::from_slice(&callbacks[0].body).unwrap();
    assert_eq!(
        body,
        json!({
            "response_code": "2000200", "response_message": "Success", "partner_reference_id": "now",
            "transaction_id": "14430002", "amount": "10450", "transaction_time": "2024-02-07T03:28:35.000000Z",
            "transaction_status": "SUCCESS", "reason": "", "product_name": "Tsel 10.000", "sn": body["sn"],
            "value": "081200000001", "customer_name": "PELANGGAN UJI", "current_balance": 9_979_400,
            "beginning_balance": 9_989_850, "product_code": "S10",
        })
    );
    assert_eq!(body["sn"].as_str().unwrap().len(), 20);

    partner.clock.advance(Duration::from_secs(2));
    let callbacks = partner.sandbox.take_callbacks();
    let body: Value = serde_json::from_slice(&callbacks[0].body).unwrap();
    assert_eq!((&body["partner_reference_id"], &body["transaction_status"]), (&json!("later"), &json!("FAILED")));
    assert_ne!(body["reason"], "");
    assert!(partner.sandbox.take_callbacks().is_empty());
    assert_eq!(partner.sandbox.settle(), 0);
    assert!(partner.sandbox.take_callbacks().is_empty());
}

#[tokio::test]
async fn settling_time_is_a_setting() {
    let partner = Partner::with(Sandbox::builder().settle_after(Duration::from_secs(60))).await;
    partner.post(BUY, &order("b", "081200000002")).await;
    partner.clock.advance(Duration::from_secs(59));
    assert_eq!(partner.books()[0].2, "Pending");
    partner.clock.advance(Duration::from_secs(1));
    assert_eq!(partner.books()[0].2, "Succeeded");
}
