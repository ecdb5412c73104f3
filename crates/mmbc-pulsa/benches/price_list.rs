//! The price list beside plain `serde_json` into a struct of borrowed text: time and peak memory, in turns, over 100,000 rows.
//!
//! The limits that it holds itself to: 1.1 times the time, 1.5 times the peak.

#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mmbc_pulsa::PriceList;
use peak_alloc::PeakAlloc;
use serde::Deserialize;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const ROWS: usize = 100_000;
const ROUNDS: usize = 31;

#[derive(Deserialize)]
#[allow(dead_code)]
struct Borrowed<'a> {
    tipe: &'a str,
    operator: &'a str,
    kodeoperator: &'a str,
    keterangan: &'a str,
    nominal: &'a str,
    harga: &'a str,
    status: &'a str,
}

/// A list as MMBC prints it, code and price different in every row.
fn body() -> Bytes {
    let operators = ["TELKOMSEL", "INDOSAT", "XL", "AXIS", "TRI", "SMARTFREN", "BY.U"];
    let rows = (0..ROWS).map(|n| {
        let (kind, note) = if n % 3 == 0 { ("PAKET DATA", "12 GB, 30 hari, semua jaringan") } else { ("PULSA", "Pulsa Reguler") };
        let (operator, status) = (operators[n % operators.len()], if n % 20 == 0 { "Close" } else { "Ready" });
        let nominal = (n % 200 + 1) * 1000;
        format!(
            r#"{{"tipe": "{kind}", "operator": "{operator}", "kodeoperator": "KODE{n}", "keterangan": "{note}", "nominal": "{nominal}", "harga": "{}", "status": "{status}"}}"#,
            nominal + 400 + n % 97
        )
    });
    format!("[\n  {}\n]", rows.collect::<Vec<_>>().join(",\n  ")).into()
}

fn plain(body: &Bytes) -> Vec<Borrowed<'_>> {
    serde_json::from_slice(body).expect("a list")
}

fn ours(body: &Bytes) -> PriceList {
    PriceList::parse(body.clone()).expect("a list")
}

/// How long `work` takes, and the most that it holds at once, in bytes.
fn measure<T>(work: impl FnOnce() -> T) -> (Duration, usize) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let start = Instant::now();
    let value = black_box(work());
    let time = start.elapsed();
    drop(value);
    (time, ALLOCATOR.peak_usage() - before)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// One ratio with two decimals, without floating point.
fn ratio(ours: u128, plain: u128) -> String {
    let hundredths = ours * 100 / plain.max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn main() {
    let body = body();
    assert_eq!((ours(&body).len(), plain(&body).len()), (ROWS, ROWS));
    let (mut plain_times, mut our_times, mut plain_peak, mut our_peak) = (Vec::new(), Vec::new(), 0, 0);
    for _ in 0..ROUNDS {
        let (time, peak) = measure(|| plain(&body));
        plain_times.push(time);
        plain_peak = peak;
        let (time, peak) = measure(|| ours(&body));
        our_times.push(time);
        our_peak = peak;
    }
    let (plain_time, our_time) = (median(plain_times), median(our_times));
    println!("{ROWS} rows, {} bytes, median of {ROUNDS} rounds in turns", body.len());
    println!(
        "time:  plain {plain_time:?}, price list {our_time:?}, ratio {}",
        ratio(our_time.as_micros(), plain_time.as_micros())
    );
    println!(
        "peak:  plain {plain_peak} B, price list {our_peak} B, ratio {}",
        ratio(our_peak as u128, plain_peak as u128)
    );
}
