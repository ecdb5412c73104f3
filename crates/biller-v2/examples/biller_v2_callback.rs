//! What a receiver of callbacks does, whatever framework it lives in. Runs against the sandbox, in process.

#![allow(clippy::print_stdout)]

use biller_core::{Biller, MemoryRecords, Order, Wiring};
use biller_sandbox::Sandbox;
use biller_v2::{BillerV2, Client, Config};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::new();
    let given = sandbox.credentials("biller-v2").ok_or("no such provider")?;
    let credential = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    // A long random segment of your own: nobody signs callbacks.
    let config = Config::new("http://127.0.0.1/biller-v2", credential("api_key"), credential("api_secret"))?
        .with_callback_urls(["http://127.0.0.1/callbacks/8f14e45fceea167a"])?;
    let biller = BillerV2::new(Client::with_wiring(config, Wiring::over(sandbox.transport())));

    let records = MemoryRecords::default();
    let mut attempt = biller.prepare(Order::new("INV-2026-0003", "SBPULSA10", "081200000002")?).await?;
    println!("after the payment: {}", biller.pay(&mut attempt, &records).await.word());

    sandbox.settle();
    for callback in sandbox.take_callbacks() {
        let request = http::Request::post(callback.url).body(callback.body)?;
        let hint = biller.parse_callback(&request)?;
        // Store the hint here, then answer: 200, or 503 when storing failed.
        let answer = biller.answer_callback(Ok(&hint));
        println!("callback about {}: answered with {}", hint.reference, answer.status());
        // Only the status call that follows counts.
        println!("after asking:      {}", biller.confirm(&mut attempt, &hint, &records).await.word());
    }
    Ok(())
}
