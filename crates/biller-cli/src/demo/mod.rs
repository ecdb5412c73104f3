//! `biller demo`: purchases at the sandbox, over real HTTP, held against its ledger.

mod biller_v2;
mod journal;
mod klikoo;
mod mmbc_pulsa;
mod pln_prepaid;
mod report;
mod sidompul;
mod stage;

use std::process::ExitCode;

use clap::Args;

pub use self::journal::{Buyer, buy};
use self::report::Report;
use self::stage::Stage;

/// Buy at the sandbox, lose a reply, kill a process, find out what became of it, and compare with the ledger.
#[derive(Args)]
pub struct Demo {
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// The seed that the sandbox draws tokens and serials from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs every act. The exit code is 1 when the client believes anything that the ledger does not say.
pub async fn run(demo: Demo) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut stage = Stage::open(demo.seed, demo.json).await?;
    sidompul::act(&mut stage).await?;
    pln_prepaid::act(&mut stage).await?;
    mmbc_pulsa::act(&mut stage).await?;
    klikoo::act(&mut stage).await?;
    biller_v2::act(&mut stage).await?;
    journal::act(&mut stage).await?;
    let report = Report::new(stage.close());
    if demo.json {
        report.print_json()?;
    } else {
        report.print_table();
    }
    Ok(if report.agrees() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
