//! A purchase whose reply gets lost, and how it is found again. Runs against the sandbox, in process.

#![allow(clippy::print_stdout)]

use biller_core::{Biller, MemoryRecords, Order, Rupiah, Secret, Wiring};
use biller_sandbox::{Fault, FaultKind, Operation, Sandbox};
use klikoo::auth::PrivateKey;
use klikoo::{Client, Config, Klikoo};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::new();
    let given = sandbox.credentials("klikoo").ok_or("no such provider")?;
    let credential = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    let key = PrivateKey::from_pem(&Secret::new(credential("private_key_pem")))?;
    let config = Config::new("http://127.0.0.1/klikoo", credential("client_id"), credential("client_secret"), key)?;
    let klikoo = Klikoo::new(Client::with_wiring(config, Wiring::over(sandbox.transport())));

    let order = Order::new("INV-2026-0002", "S10", "081200000001")?.with_expected_price(Rupiah::new(10_450));
    let records = MemoryRecords::default();
    let mut attempt = klikoo.prepare(order).await?;

    sandbox.arm(Fault::new("klikoo", FaultKind::LoseReply).on(Operation::Payment))?;
    let outcome = klikoo.pay(&mut attempt, &records).await;
    println!("after the buy: {}", outcome.word());

    let outcome = klikoo.resolve(&mut attempt, &records).await;
    println!("after asking:  {}, {} charge(s) in the ledger", outcome.word(), sandbox.charges().len());
    Ok(())
}
