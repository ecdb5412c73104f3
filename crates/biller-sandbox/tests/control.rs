//! The control interface.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use biller_sandbox::{ChargeState, Fault, FaultKind, Operation, Sandbox};
use common::{BALANCE, BUY, Partner, order};
use serde_json::{Value, json};

async fn refused(partner: &Partner, path: &str, body: Value) -> (u16, String) {
    let answer = partner.control("POST", path, body).await;
    (answer.status, answer.json()["error"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn overview_holds_all_that_a_client_needs() {
    let partner = Partner::new().await;
    let answer = partner.control("GET", "", Value::Null).await;
    assert_eq!(answer.status, 200);
    let klikoo = &answer.json()["providers"]["klikoo"];
    assert_eq!(klikoo["base_url"], "http://sandbox.test/klikoo");
    assert_eq!(klikoo["credentials"]["client_id"], common::CLIENT_ID);
    assert_eq!(klikoo["credentials"]["client_secret"], common::SECRET);
    assert!(klikoo["credentials"]["private_key_pem"].as_str().unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    let scenarios = klikoo["scenarios"].as_array().unwrap();
    assert_eq!(scenarios[0], json!({ "product": "PLN20", "name": "PLN 20.000", "amount": 20500, "inquiry": true }));
    assert!(scenarios.iter().any(|row| row["customer"] == "081200000003"));
    assert_eq!(partner.control("GET", "/", Value::Null).await, answer);
}

#[tokio::test]
async fn charges_are_filtered() {
    let partner = Partner::new().await;
    partner.post(BUY, &order("a", "081200000001")).await;
    partner.post(BUY, &order("b", "081200000002")).await;
    let count = async |query: &str| {
        let answer = partner.control("GET", &format!("/charges{query}"), Value::Null).await;
        assert_eq!(answer.status, 200);
        answer.json()["charges"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 2);
    assert_eq!(count("?provider=klikoo").await, 2);
    assert_eq!(count("?reference=a").await, 1);
    assert_eq!(count("?customer=081200000002").await, 1);
    assert_eq!(count("?reference=a&customer=081200000002").await, 0);
    let answer = partner.control("GET", "/charges?provider=nobody", Value::Null).await;
    assert_eq!(answer.status, 422);
    assert!(answer.json()["error"].as_str().unwrap().starts_with("unknown provider `nobody`; known: "));
    let charge = &partner.control("GET", "/charges?reference=b", Value::Null).await.json()["charges"][0];
    assert_eq!(
        *charge,
        json!({
            "id": 2, "provider": "klikoo", "reference": "b", "customer": "081200000002", "product": "OVO10",
            "amount": 10150, "state": "pending", "charged_at": "2024-02-07T10:28:35.000+07:00",
        })
    );
}

#[tokio::test]
async fn settle_makes_everything_final() {
    let partner = Partner::new().await;
    partner.post(BUY, &order("a", "081200000002")).await;
    partner.post(BUY, &order("b", "081200000003")).await;
    assert_eq!(partner.control("POST", "/settle", Value::Null).await.json(), json!({ "settled": 2 }));
    assert_eq!(partner.control("POST", "/settle", Value::Null).await.json(), json!({ "settled": 0 }));
    let states: Vec<_> = partner.sandbox.charges().iter().map(|charge| charge.state).collect();
    assert_eq!(states, [ChargeState::Succeeded, ChargeState::Failed]);
    let balances = partner.control("GET", "/balances", Value::Null).await.json();
    assert_eq!(balances["balances"]["klikoo"], 9_989_850);
}

#[tokio::test]
async fn requests_are_listed_newest_first_without_credentials() {
    let partner = Partner::new().await;
    partner.get(BALANCE).await;
    partner.get("/v1/open-api/transactions?page=1&limit=1&password=hunter2hunter2").await;
    partner.arm("balance", "lose_reply").await;
    assert!(partner.try_call(partner.prepare("GET", BALANCE, "")).await.is_err());
    let list = partner.control("GET", "/requests?limit=3", Value::Null).await.json();
    let list = list["requests"].as_array().unwrap();
    assert_eq!(list.len(), 3);
    assert_eq!((&list[0]["status"], &list[0]["operation"]), (&Value::Null, &json!("balance")));
    assert_eq!(list[1]["path"], "/klikoo/v1/open-api/transactions?page=1&limit=1&password=hunt…");
    assert_eq!(
        list[2],
        json!({
            "provider": "klikoo", "operation": "balance", "method": "GET", "path": "/klikoo/v1/open-api/balance", "status": 200,
            "verdict": {
                "accepted": true, "part": null, "explanation": null,
                "variant": "method in upper case, path without query, body as received",
            },
        })
    );
    for limit in ["x", "-1", ""] {
        assert_eq!(partner.control("GET", &format!("/requests?limit={limit}"), Value::Null).await.status, 422);
    }
    let all = partner.control("GET", "/requests", Value::Null).await.json();
    assert_eq!(all["requests"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn the_request_log_forgets() {
    let partner = Partner::new().await;
    for _ in 0..1005 {
        partner.send("GET", "/klikoo/nothing", &[], String::new()).await.unwrap();
    }
    assert_eq!(partner.sandbox.requests().len(), 1000);
    assert!(partner.sandbox.requests().iter().all(|request| request.operation.is_none()));
}

#[tokio::test]
async fn unknown_names_are_refused_with_the_known_ones() {
    let partner = Partner::new().await;
    let fault = |provider: &str, operation: &str, fault: &str| json!({ "provider": provider, "operation": operation, "fault": fault });
    let (status, error) = refused(&partner, "/faults", fault("nobody", "*", "delay")).await;
    assert_eq!(status, 422);
    assert!(error.starts_with("unknown provider `nobody`; known: ") && error.contains("klikoo"), "{error}");
    for operation in ["dance", "price_list"] {
        assert_eq!(
            refused(&partner, "/faults", fault("klikoo", operation, "delay")).await,
            (
                422,
                format!(
                    "unknown operation `{operation}`; known: *, token, inquiry, payment, status, balance, history, callback"
                )
            )
        );
    }
    assert_eq!(
        refused(&partner, "/faults", fault("klikoo", "*", "explode")).await,
        (
            422,
            "unknown fault `explode`; known: lose_request, lose_reply, delay, garble_reply, error_before, error_after, \
             throttle, expire_token, status_not_found, callback_lost, callback_twice, callback_before_reply, \
             callback_conflicting, charge_on_resend"
                .to_owned()
        )
    );
    let (status, error) =
        refused(&partner, "/callbacks", json!({ "provider": "mmbc", "url": "http://127.0.0.1/" })).await;
    assert_eq!(status, 422);
    assert!(error.starts_with("unknown provider with callbacks `mmbc`; known: "), "{error}");
}

#[tokio::test]
async fn senseless_faults_are_refused() {
    let partner = Partner::new().await;
    for (operation, fault) in [
        ("*", "delay"),
        ("payment", "callback_lost"),
        ("callback", "lose_reply"),
        ("callback", "charge_on_resend"),
        ("token", "expire_token"),
        ("history", "status_not_found"),
        ("status", "charge_on_resend"),
    ] {
        let body = json!({ "provider": "klikoo", "operation": operation, "fault": fault });
        assert_eq!(refused(&partner, "/faults", body).await.0, 422, "{operation} {fault}");
    }
    let base = json!({ "provider": "klikoo", "operation": "*", "fault": "lose_reply" });
    for (field, value) in [
        ("times", json!(-1)),
        ("times", json!("2")),
        ("times", json!(1.5)),
        ("times", json!(5_000_000_000_u64)),
        ("delay_ms", json!(null)),
        ("provider", json!(3)),
        ("operation", json!(null)),
        ("fault", json!([])),
    ] {
        let mut body = base.clone();
        body[field] = value;
        assert_eq!(refused(&partner, "/faults", body).await.0, 422, "{field}");
    }
    assert_eq!(partner.control("DELETE", "/faults", Value::Null).await.json(), json!({ "faults": [] }));
    assert!(partner.sandbox.arm(Fault::new("klikoo", FaultKind::Throttle).on(Operation::PriceList)).is_err());
    let refusal = partner.sandbox.arm(Fault::new("nobody", FaultKind::Throttle)).unwrap_err();
    assert_eq!(refusal.status(), 422);
}

#[tokio::test]
async fn arming_shows_what_is_armed() {
    let partner = Partner::new().await;
    partner.arm("payment", "lose_reply").await;
    let delay = json!({ "provider": "klikoo", "operation": "*", "fault": "delay", "times": 0, "delay_ms": 20 });
    let answer = partner.control("POST", "/faults", delay.clone()).await;
    let lose =
        json!({ "provider": "klikoo", "operation": "payment", "fault": "lose_reply", "times": 1, "delay_ms": 0 });
    assert_eq!((answer.status, answer.json()), (200, json!({ "faults": [lose, delay] })));
    let answer = partner.control("DELETE", "/faults", Value::Null).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "faults": [] })));
    assert_eq!(partner.get(BALANCE).await.status, 200);
}

#[tokio::test]
async fn callback_urls_must_be_usable() {
    let partner = Partner::new().await;
    for url in ["", "/path", "https://partner.test/", "http://", "partner.test", "ftp://partner.test/"] {
        assert_eq!(refused(&partner, "/callbacks", json!({ "provider": "klikoo", "url": url })).await.0, 422, "{url}");
    }
    assert_eq!(refused(&partner, "/callbacks", json!({ "provider": "klikoo" })).await.0, 422);
    let body = json!({ "provider": "klikoo", "url": "http://127.0.0.1:9/hook" });
    let answer = partner.control("POST", "/callbacks", body.clone()).await;
    assert_eq!((answer.status, answer.json()), (200, body));
}

#[tokio::test]
async fn malformed_control_calls_are_answered() {
    let partner = Partner::new().await;
    for body in ["", "no json", "[]", "\"text\"", "{", &"[".repeat(100_000)] {
        for path in ["/_sandbox/faults", "/_sandbox/callbacks"] {
            let answer = partner.send("POST", path, &[], body.to_owned()).await.unwrap();
            assert_eq!(answer.status, 400, "{path}");
        }
    }
    for (method, path, status) in [
        ("POST", "", 405),
        ("DELETE", "/charges", 405),
        ("GET", "/settle", 405),
        ("GET", "/reset", 405),
        ("GET", "/faults", 405),
        ("GET", "/nothing", 404),
        ("GET", "/charges/1", 404),
    ] {
        let answer = partner.control(method, path, Value::Null).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(answer.json()["error"].is_string());
    }
    let answer = partner.send("GET", "/_sandboxes", &[], String::new()).await.unwrap();
    assert_eq!((answer.status, &answer.headers["content-type"]), (404, &"text/html".parse().unwrap()));
}

#[tokio::test]
async fn reset_restores_the_initial_state_and_leaves_the_clock() {
    let partner = Partner::new().await;
    let first = partner.post(BUY, &order("a", "081200000001")).await;
    let first_sn = partner.get("/v1/open-api/transactions/14430001").await.json()["data"]["sn"].clone();
    partner.post(BUY, &order("b", "081200000002")).await;
    partner.arm("*", "throttle").await;
    partner.sandbox.send_callbacks_to("klikoo", "http://partner.test/").unwrap();
    partner.clock.advance(Duration::from_secs(60));

    assert_eq!(partner.control("POST", "/reset", Value::Null).await.json(), json!({ "reset": true }));
    assert!(partner.sandbox.charges().is_empty() && partner.sandbox.requests().is_empty());
    assert_eq!(partner.balance(), 10_000_000);
    assert_eq!(partner.get(BALANCE).await.code(), "401016500");
    partner.log_in().await;
    assert_eq!(partner.post(BUY, &order("a", "081200000001")).await.body, first.body);
    assert!(partner.sandbox.take_callbacks().is_empty());
    let reply = partner.get("/v1/open-api/transactions/14430001").await.json();
    assert_eq!(reply["data"]["sn"], first_sn);
    assert_eq!(reply["data"]["transaction_time"], "2024-02-07T03:29:35.000000Z");
    assert_eq!(partner.sandbox.settle(), 0);
}

/// Everything that a client can see of a run with every kind of call.
async fn run(seed: u64) -> Vec<String> {
    let partner = Partner::with(Sandbox::builder().seed(seed)).await;
    partner.sandbox.send_callbacks_to("klikoo", "http://partner.test/").unwrap();
    let mut seen = vec![partner.token()];
    for value in ["081200000001", "081200000002", "081200000003", "081200000004"] {
        let answer = partner.post(BUY, &order(&format!("r-{value}"), value)).await;
        seen.push(format!("{answer:?}"));
    }
    partner.post(BUY, &common::order_of("PLN20", "20500", "pln", "01105691111")).await;
    partner.clock.advance(Duration::from_millis(2500));
    for path in ["?page=1&limit=10", "/14430001", "/14430002"] {
        let answer = partner.get(&format!("/v1/open-api/transactions{path}")).await;
        seen.push(format!("{answer:?}"));
    }
    seen.extend(partner.sandbox.take_callbacks().iter().map(|callback| format!("{callback:?}")));
    seen.extend(partner.sandbox.charges().iter().map(|charge| format!("{charge:?}")));
    seen
}

#[tokio::test]
async fn the_same_seed_and_requests_give_the_same_bytes() {
    let (one, again, other) = (run(1).await, run(1).await, run(2).await);
    assert_eq!(one, again);
    assert_ne!(one, other);
    assert!(one[1].contains("\"date\": \"Wed, 07 Feb 2024 03:28:35 GMT\""), "{}", one[1]);
}

#[tokio::test]
async fn requests_can_be_observed() {
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = lines.clone();
    let partner = Partner::with(Sandbox::builder().observer(move |request| {
        seen.lock().unwrap().push(format!("{} {:?}", request.method, request.status));
    }))
    .await;
    partner.get(BALANCE).await;
    partner.control("GET", "", Value::Null).await;
    assert_eq!(*lines.lock().unwrap(), ["POST Some(200)", "GET Some(200)"]);
}

#[test]
fn another_deposit_holds_at_every_provider_and_after_a_reset() {
    let sandbox = Sandbox::builder().deposit(12_345).build();
    assert_eq!(sandbox.balances().len(), 5);
    assert!(sandbox.balances().values().all(|deposit| *deposit == 12_345), "{:?}", sandbox.balances());
    sandbox.reset();
    assert!(sandbox.balances().values().all(|deposit| *deposit == 12_345), "{:?}", sandbox.balances());
}
