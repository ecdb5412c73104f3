//! The matching of histories, through the whole of `prepare`, `pay` and `resolve`, against an invented provider whose histories are
//! random: look-alike rows, a clock that differs, rows that come late, replies that get lost, purchases that were never executed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use biller_core::{
    Attempt, Biller, Clock, ErrorKind, MemoryRecords, Order, Outcome, Rupiah, Timestamp, TransportError,
};
use biller_tests::{Invented, SharedClock, reply, shared_clock};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::over;

const NUMBER: &str = "6287700000011";

/// What can be bought: reloads whose prices overlap, and packages that share a price with each other and with a reload.
const GOODS: [(&str, i64, i64); 7] = [
    ("W2P", 5_000, 5_850),
    ("W2P", 5_500, 6_350),
    ("W2P", 6_000, 5_850),
    ("W2P", 10_000, 10_850),
    ("PAKET_A", 5_850, 5_850),
    ("PAKET_B", 5_850, 5_850),
    ("PAKET_C", 13_703, 13_703),
];

/// One purchase of the run.
#[derive(Clone, Debug)]
struct Plan {
    goods: usize,
    /// Seconds after the one before.
    pause: u64,
    executed: bool,
    reply_lost: bool,
    /// Whether a reply that comes tells the numbers by which the row can be recognised.
    tells_trace: bool,
    tells_id: bool,
    /// How much later than its execution the row is dated, and how long after it appears.
    dated: u64,
    appears: u64,
    /// In the detail, and only there, with another delay.
    appears_in_detail: u64,
    status: &'static str,
    /// Whether somebody asks right after the purchase.
    looked_at: bool,
}

fn plan() -> impl Strategy<Value = Plan> {
    let status = prop_oneof![3 => Just("success"), 1 => Just("GAGAL"), 1 => Just("pending"), 1 => Just("REFUND")];
    let times = (1_u64..400, 0_u64..60, 0_u64..1500, 0_u64..1500);
    (0..GOODS.len(), times, any::<[bool; 5]>(), status).prop_map(
        |(goods, (pause, dated, appears, appears_in_detail), flags, status)| {
            let [executed, reply_lost, tells_trace, tells_id, looked_at] = flags;
            Plan {
                goods,
                pause,
                executed,
                reply_lost,
                tells_trace,
                tells_id,
                dated,
                appears,
                appears_in_detail,
                status,
                looked_at,
            }
        },
    )
}

/// A row as the provider knows it.
#[derive(Clone)]
struct Sold {
    /// Which purchase of the run; none for rows that no purchase of ours made.
    owner: Option<usize>,
    serial: String,
    goods: usize,
    date: Timestamp,
    visible: Timestamp,
    visible_in_detail: Timestamp,
    status: &'static str,
    number: &'static str,
}

#[derive(Default)]
struct World {
    plans: Vec<Plan>,
    current: usize,
    rows: Vec<Sold>,
}

fn done(data: Value) -> http::Response<Bytes> {
    reply(200, json!({ "statusCode": 200, "result": { "errorCode": "00", "data": data } }).to_string())
}

fn wib(at: Timestamp) -> String {
    at.to_wib_seconds()[..19].replace('T', " ")
}

/// The provider, `skew` seconds away from our clock.
fn provider(world: Arc<Mutex<World>>, clock: SharedClock, skew: i64) -> impl biller_core::Transport + 'static {
    let answer = move |request: &http::Request<Bytes>| {
        let mut world = world.lock().unwrap();
        let now = clock.now();
        let call = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        let query: BTreeMap<String, String> = request
            .uri()
            .query()
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Some(match call.as_str() {
            "token" => Ok(reply(200, r#"{"access_token": "t", "expires_in": 3600}"#)),
            "post-encrypt" => Ok(done(json!("AAECAwQFBgcICQoLDA0ODw=="))),
            "get-product-list" => Ok(done(json!([
                { "productCode": "PAKET_A", "productName": "Paket A", "price": 5_850 },
                { "productCode": "PAKET_B", "productName": "Paket  B", "price": 5_850 },
                { "productCode": "PAKET_C", "productName": "Paket C", "price": 13_703 },
            ]))),
            "get-transaction-history" => {
                let days = query["startdate"].as_str()..=query["enddate"].as_str();
                let rows = world.rows.iter().filter(|row| row.visible <= now && days.contains(&&wib(row.date)[..10]));
                Ok(done(rows.map(|row| {
                    let (product, face, price) = GOODS[row.goods];
                    let name = if product == "W2P" { format!("Reload Pulsa {face}") } else { product.replace("PAKET_", "paket ") };
                    json!({
                        "service_type": if product == "W2P" { "w2p" } else { "fulfillment" },
                        "serial_number": row.serial, "status": row.status, "product": name,
                        "amount": format!("{price}.0"), "date": format!("{}.000", wib(row.date)), "dest_number": row.number,
                    })
                }).collect()))
            }
            "get-transaction-history-detail" => {
                let rows = world.rows.iter().filter(|row| row.visible_in_detail <= now).filter(|row| {
                    let class = match row.status {
                        "success" => "SUCCESS",
                        "GAGAL" => "BUSINESSERROR",
                        _ => "OTHER",
                    };
                    query.get("orderStatus").is_none_or(|status| status == class)
                });
                Ok(done(rows.map(|row| {
                    let (product, _, price) = GOODS[row.goods];
                    json!({
                        "transactionId": format!("id-{}", row.serial), "msisdnB": row.number, "traceId": row.serial,
                        "amount": price.to_string(), "transactionType": if product == "W2P" { "w2p" } else { "data" },
                        "status": if row.status == "success" { "SUCCESS" } else { "BUSINESSERROR" }, "date": wib(row.date),
                    })
                }).collect()))
            }
            "post-w2p" | "post-package" => {
                let current = world.current;
                let plan = world.plans[current].clone();
                let serial = format!("TKXL{current:06}");
                if plan.executed {
                    let dated = now.unix_millis() + skew * 1000;
                    let date = Timestamp::from_unix_millis(dated).after(Duration::from_secs(plan.dated));
                    world.rows.push(Sold {
                        owner: Some(current),
                        serial: serial.clone(),
                        goods: plan.goods,
                        date,
                        visible: now.after(Duration::from_secs(plan.appears)),
                        visible_in_detail: now.after(Duration::from_secs(plan.appears_in_detail)),
                        status: plan.status,
                        number: NUMBER,
                    });
                }
                if plan.reply_lost || !plan.executed {
                    Err(TransportError::maybe_sent("reset"))
                } else {
                    let word = match (plan.status, plan.tells_trace) {
                        ("success", true) => format!("Transaksi dgn No. {serial} berhasil."),
                        ("success", false) => "Transaksi berhasil.".to_owned(),
                        _ => "Transaksi sedang di proses".to_owned(),
                    };
                    let mut data = json!({ "description": word });
                    if plan.tells_id {
                        data["transactionId"] = json!(format!("id-{serial}"));
                    }
                    Ok(done(data))
                }
            }
            other => panic!("no such call: {other}"),
        })
    };
    Invented(answer)
}

/// What is known of a purchase of the run.
struct Bought {
    index: usize,
    attempt: Attempt,
    last: Outcome,
}

/// The outcome is what happened, and the row that it was credited with is its own.
fn check(bought: &Bought, plan: &Plan) -> Result<(), TestCaseError> {
    let truth = (plan.executed, plan.status);
    match &bought.last {
        Outcome::Succeeded(_) => prop_assert_eq!(truth, (true, "success"), "purchase {}", bought.index),
        Outcome::Failed(refusal) if refusal.kind() == ErrorKind::Duplicate => {}
        Outcome::Failed(_) => prop_assert_eq!(truth, (true, "GAGAL"), "purchase {}", bought.index),
        Outcome::Pending | Outcome::Unknown(_) => {}
    }
    let stored = serde_json::to_value(&bought.attempt).unwrap();
    if let Some(serial) = stored["facts"]["sale"]["Listed"]["claimed"]["serial"].as_str() {
        prop_assert_eq!(serial, format!("TKXL{:06}", bought.index), "credited with the row of another");
    }
    Ok(())
}

async fn run(
    plans: Vec<Plan>,
    skew: i64,
    snapshot: bool,
    strangers: Vec<(usize, u64, bool)>,
) -> Result<usize, TestCaseError> {
    let clock = shared_clock();
    let world = Arc::new(Mutex::new(World { plans: plans.clone(), ..World::default() }));
    // Rows that were there before, and rows about another number at any time.
    for (n, (goods, age, about_us)) in strangers.into_iter().enumerate() {
        let about_us = about_us && snapshot;
        let at = if about_us {
            clock.now().before(Duration::from_secs(age))
        } else {
            clock.now().after(Duration::from_secs(age))
        };
        let number = if about_us { NUMBER } else { "6287700000012" };
        let seen = if about_us { clock.now() } else { at };
        let serial = format!("OLD{n}");
        let row = Sold {
            owner: None,
            serial,
            goods,
            date: at,
            visible: seen,
            visible_in_detail: seen,
            status: "success",
            number,
        };
        world.lock().unwrap().rows.push(row);
    }
    let sidompul = over(provider(Arc::clone(&world), clock.clone(), skew), &clock, |config| {
        config.with_history_snapshot(snapshot)
    });
    let records = MemoryRecords::default();
    let mut all: Vec<Bought> = Vec::new();
    for (index, plan) in plans.iter().enumerate() {
        clock.advance(Duration::from_secs(plan.pause));
        world.lock().unwrap().current = index;
        let (product, face, _) = GOODS[plan.goods];
        let mut order = Order::new(&format!("P-{index}"), product, NUMBER).unwrap();
        if product == "W2P" {
            order = order.with_amount(Rupiah::new(face));
        }
        let mut attempt = sidompul.prepare(order).await.unwrap();
        let last = sidompul.pay(&mut attempt, &records).await;
        let bought = Bought { index, attempt, last };
        check(&bought, plan)?;
        all.push(bought);
        if plan.looked_at {
            look(&sidompul, &records, &mut all, &plans).await?;
        }
    }
    for wait in [10, 60, 600, 1800, 7200] {
        clock.advance(Duration::from_secs(wait));
        look(&sidompul, &records, &mut all, &plans).await?;
    }
    // No row serves two purchases.
    let claims: Vec<String> = all
        .iter()
        .filter_map(|bought| {
            serde_json::to_value(&bought.attempt).unwrap()["facts"]["sale"]["Listed"]["claimed"]["serial"]
                .as_str()
                .map(str::to_owned)
        })
        .collect();
    let distinct: std::collections::BTreeSet<&String> = claims.iter().collect();
    prop_assert_eq!(distinct.len(), claims.len());
    let owners = world.lock().unwrap().rows.iter().filter(|row| row.owner.is_some()).count();
    prop_assert!(claims.len() <= owners);
    Ok(claims.len())
}

async fn look(
    sidompul: &sidompul_client::Sidompul,
    records: &MemoryRecords,
    all: &mut [Bought],
    plans: &[Plan],
) -> Result<(), TestCaseError> {
    for bought in all {
        bought.last = sidompul.resolve(&mut bought.attempt, records).await;
        check(bought, &plans[bought.index])?;
    }
    Ok(())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Never credits a purchase with the row of another, and never says failed or succeeded without its own row.
    #[test]
    fn no_purchase_gets_the_row_of_another(
        plans in prop::collection::vec(plan(), 1..6),
        skew in -110_i64..110,
        snapshot in any::<bool>(),
        strangers in prop::collection::vec((0..GOODS.len(), 0_u64..3000, any::<bool>()), 0..6),
    ) {
        runtime().block_on(run(plans, skew, snapshot, strangers))?;
    }

    /// A single purchase whose reply got lost is found, however the clocks differ and however late its row comes.
    #[test]
    fn a_single_lost_purchase_is_found(
        plan in plan(),
        skew in -110_i64..110,
        strangers in prop::collection::vec((0..GOODS.len(), 200_u64..3000, any::<bool>()), 0..6),
    ) {
        prop_assume!(plan.status != "REFUND");
        let plan = Plan { executed: true, reply_lost: true, ..plan };
        let found = runtime().block_on(run(vec![plan], skew, true, strangers))?;
        prop_assert_eq!(found, 1);
    }
}

/// A purchase whose reply got lost and whose rows come at once.
fn lost(goods: usize) -> Plan {
    Plan {
        goods,
        pause: 1,
        executed: true,
        reply_lost: true,
        tells_trace: false,
        tells_id: false,
        dated: 0,
        appears: 0,
        appears_in_detail: 0,
        status: "success",
        looked_at: false,
    }
}

/// Without a snapshot and with the provider's clock behind, the row of the second purchase is dated before its own sending: still
/// it is not the first one's, which was never executed.
#[tokio::test]
async fn a_slow_clock_lends_no_row() {
    let never = Plan { executed: false, ..lost(0) };
    let told = Plan { pause: 44, dated: 48, reply_lost: false, ..lost(1) };
    let claims = run(vec![never, told], -49, false, Vec::new()).await.unwrap();
    assert_eq!(claims, 0);
}

/// The detail shows the second purchase first, at the price and time of the first one's history row: its id is not the first one's.
#[tokio::test]
async fn a_late_detail_lends_no_id() {
    let first = Plan { appears: 32, appears_in_detail: 287, ..lost(4) };
    let second = Plan { appears: 256, appears_in_detail: 1, reply_lost: false, ..lost(0) };
    let never = Plan { executed: false, ..lost(0) };
    let claims = run(vec![first, second, never], 0, false, Vec::new()).await.unwrap();
    assert_eq!(claims, 1);
}

/// A row of the other kind, of another amount, before the window and after it is never taken.
#[tokio::test]
async fn rows_outside_the_rules() {
    for (goods, seconds, found) in [
        (0, 0, true),
        (0, -119, true),
        (0, -121, false),
        (0, 900, true),
        (0, 901, false),
        (2, 0, true),
        (1, 0, true),
        (3, 0, false),
        (4, 0, false),
    ] {
        let clock = shared_clock();
        let world = Arc::new(Mutex::new(World::default()));
        world.lock().unwrap().plans.push(Plan { executed: false, ..lost(0) });
        let sidompul = over(provider(Arc::clone(&world), clock.clone(), 0), &clock, |config| config);
        let records = MemoryRecords::default();
        let order = Order::new("O-1", "W2P", NUMBER).unwrap().with_amount(Rupiah::new(5_000));
        let mut attempt = sidompul.prepare(order).await.unwrap();
        sidompul.pay(&mut attempt, &records).await;
        let date = Timestamp::from_unix_millis(clock.now().unix_millis() + seconds * 1000);
        let hidden = clock.now().after(Duration::from_secs(9000));
        let row = Sold {
            owner: None,
            serial: "X".to_owned(),
            goods,
            date,
            visible: clock.now(),
            visible_in_detail: hidden,
            status: "success",
            number: NUMBER,
        };
        world.lock().unwrap().rows.push(row);
        clock.advance(Duration::from_secs(1000));
        let outcome = sidompul.resolve(&mut attempt, &records).await;
        assert_eq!(outcome.word() == "succeeded", found, "goods {goods} at {seconds}: {outcome:?}");
    }
}
