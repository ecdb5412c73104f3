//! A top-up whose reply gets lost, and how it is found again. Runs against the sandbox, in process, on a clock of its own.

#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::Duration;

use biller_core::{Biller, Clock, ManualClock, MemoryRecords, Order, Timestamp, Wiring};
use biller_sandbox::{Fault, FaultKind, Operation, Sandbox};
use mmbc_pulsa::{Client, Config, MmbcPulsa};

/// One clock for both sides.
#[derive(Clone)]
struct Shared(Arc<ManualClock>);

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clock = Shared(Arc::new(ManualClock::new(Timestamp::parse_wib("2026-03-10 10:00:00")?)));
    let theirs = clock.clone();
    let millis = move || std::time::UNIX_EPOCH + Duration::from_millis(theirs.now().unix_millis().unsigned_abs());
    let sandbox = Sandbox::builder().clock(millis).build();
    let given = sandbox.credentials("mmbc").ok_or("no such provider")?;
    let credential = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    let config = Config::new(credential("username"), credential("password"))?.with_base_url("http://127.0.0.1/mmbc")?;
    let wiring = Wiring::over(sandbox.transport()).with_clock(clock.clone());
    let mmbc = MmbcPulsa::new(Client::with_wiring(config, wiring));

    let records = MemoryRecords::default();
    let mut attempt = mmbc.prepare(Order::new("INV-2026-0002", "TEL5", "081234567891")?).await?;
    sandbox.arm(Fault::new("mmbc", FaultKind::LoseReply).on(Operation::Payment))?;
    let outcome = mmbc.pay(&mut attempt, &records).await;
    println!("after the top-up:    {}", outcome.word());

    let outcome = mmbc.resolve(&mut attempt, &records).await;
    println!("asked too soon:      {}", outcome.word());
    clock.0.advance(Duration::from_secs(120));
    let outcome = mmbc.resolve(&mut attempt, &records).await;
    println!("after two minutes:   {}, {} charge(s) in the ledger", outcome.word(), sandbox.charges().len());
    Ok(())
}
