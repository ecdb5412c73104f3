//! A payment whose reply gets lost, and how it is found again. Runs against the sandbox, in process.

#![allow(clippy::print_stdout)]

use biller_core::{Biller, MemoryRecords, Order, Wiring};
use biller_sandbox::{Fault, FaultKind, Operation, Sandbox};
use biller_v2::{BillerV2, Client, Config};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::new();
    let given = sandbox.credentials("biller-v2").ok_or("no such provider")?;
    let credential = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    let config = Config::new("http://127.0.0.1/biller-v2", credential("api_key"), credential("api_secret"))?;
    let biller = BillerV2::new(Client::with_wiring(config, Wiring::over(sandbox.transport())));

    let records = MemoryRecords::default();
    let mut attempt = biller.prepare(Order::new("INV-2026-0002", "SBTV01", "123223341")?).await?;

    sandbox.arm(Fault::new("biller-v2", FaultKind::LoseReply).on(Operation::Payment))?;
    let outcome = biller.pay(&mut attempt, &records).await;
    println!("after the payment: {}", outcome.word());

    let outcome = biller.resolve(&mut attempt, &records).await;
    println!("after asking:      {}, {} charge(s) in the ledger", outcome.word(), sandbox.charges().len());
    Ok(())
}
