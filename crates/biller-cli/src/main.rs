#![doc = include_str!("../README.md")]
#![allow(clippy::print_stdout)]

mod demo;

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
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    match Cli::parse().command {
        Command::Demo(demo) => demo::run(demo).await,
    }
}
