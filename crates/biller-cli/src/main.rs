#![doc = include_str!("../README.md")]
#![allow(clippy::print_stdout)]

mod demo;
mod sandbox;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A sandbox that behaves like Indonesia's billers, and a demonstration against it.
#[derive(Parser)]
#[command(name = "biller", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Demo),
    #[command(hide = true)]
    DemoBuyer(demo::Buyer),
    Sandbox(sandbox::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Demo(demo) => demo::run(demo).await,
        Command::DemoBuyer(buyer) => demo::buy(buyer).await,
        Command::Sandbox(args) => sandbox::run(args).await,
    };
    outcome.unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "biller: {error}");
        ExitCode::FAILURE
    })
}
