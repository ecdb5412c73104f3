//! A token whose payment's reply gets lost, and how it is had in the end. Runs against the sandbox, in process.

#![allow(clippy::print_stdout)]

use biller_core::{Biller, MemoryRecords, Order, Outcome, Rupiah, Wiring};
use biller_sandbox::{Fault, FaultKind, Operation, Sandbox};
use pln_prepaid::auth::SelfSigned;
use pln_prepaid::{Client, Config, PlnPrepaid, Struk, Transaction};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::new();
    let given = sandbox.credentials("pln").ok_or("no such provider")?;
    let text = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| given[name].as_i64().unwrap_or_default();
    let (username, jwt_secret) = (text("merchant_outlet_username"), text("jwt_secret"));
    let token = SelfSigned::new(number("merchant_id"), number("merchant_outlet_id"), username, jwt_secret);
    let config = Config::new("http://127.0.0.1/pln", text("api_secret"), token)?;
    let pln = PlnPrepaid::new(Client::with_wiring(config, Wiring::over(sandbox.transport())));

    let order = Order::new("INV-2026-0002", "PLNPR20", "86034655976")?.with_expected_price(Rupiah::new(20_500));
    let records = MemoryRecords::default();
    let mut attempt = pln.prepare(order).await?;

    sandbox.arm(Fault::new("pln", FaultKind::LoseReply).on(Operation::Payment))?;
    let outcome = pln.pay(&mut attempt, &records).await;
    println!("after the payment: {}", outcome.word());

    let outcome = pln.resolve(&mut attempt, &records).await;
    println!("after the advice:  {}, {} charge(s) in the ledger\n", outcome.word(), sandbox.charges().len());
    if let Outcome::Succeeded(receipt) = outcome
        && let Some(transaction) = Transaction::of(&receipt)
        && let Some(struk) = Struk::of(&transaction)
    {
        println!("{}", struk.with_shop("TOKO MAJU").with_admin_fee(Rupiah::new(2_500)).render());
    }
    Ok(())
}
