//! A reload whose reply gets lost, and how it is found again in the history. Runs against the sandbox, in process.

#![allow(clippy::print_stdout)]

use biller_core::{BaseUrl, Biller, MemoryRecords, Order, Rupiah, Wiring};
use biller_sandbox::{Fault, FaultKind, Operation, Sandbox};
use sidompul_client::{Client, Config, Pin, Sidompul};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::new();
    let given = sandbox.credentials("sidompul").ok_or("no such provider")?;
    let credential = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    let config = Config::new(
        credential("client_id"),
        credential("client_secret"),
        credential("api_id"),
        credential("api_key"),
        Pin::Plain(credential("pin").into()),
    )?
    .with_base_url(BaseUrl::parse("http://127.0.0.1/sidompul")?);
    let sidompul = Sidompul::new(Client::with_wiring(config, Wiring::over(sandbox.transport())));

    let order = Order::new("INV-2026-0002", "W2P", "087700000011")?.with_amount(Rupiah::new(25_000));
    let records = MemoryRecords::default();
    let mut attempt = sidompul.prepare(order).await?;

    sandbox.arm(Fault::new("sidompul", FaultKind::LoseReply).on(Operation::Payment))?;
    let outcome = sidompul.pay(&mut attempt, &records).await;
    println!("after the reload: {}", outcome.word());

    let outcome = sidompul.resolve(&mut attempt, &records).await;
    println!("after asking:     {}, {} charge(s) in the ledger", outcome.word(), sandbox.charges().len());
    Ok(())
}
