//! The maintainer's tool: checks, releases, new providers and sizes. It drives cargo and git and writes only what they lack.

#![allow(clippy::print_stdout)]

mod bounds;
mod ci;
mod command;
mod metrics;
mod new_provider;
mod postgres;
mod release;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The maintainer's tool.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Every check but the tests.
    Ci,
    /// Install the tools that the checks and releases drive, where they are missing.
    Tools,
    /// The conventions of this repository, as checks.
    Tidy,
    /// Write a provider crate in the common shape, with its registrations.
    NewProvider(new_provider::NewProvider),
    /// Measure crates, build time, binary size and public items against xtask/budget.toml.
    Metrics(metrics::Metrics),
    /// Start a throw-away PostgreSQL server from the installed binaries, for one command or until interrupted.
    Postgres(postgres::Postgres),
    /// Release crates, each with a version of its own.
    #[command(subcommand)]
    Release(release::Release),
}

fn main() -> ExitCode {
    let result = workspace::root().and_then(|root| {
        match Cli::parse().task {
            Task::Ci => ci::check(&root),
            Task::Tools => tools::install(&root),
            Task::Tidy => tidy::run(&root),
            Task::NewProvider(task) => task.run(&root),
            Task::Metrics(task) => task.run(&root),
            Task::Postgres(task) => return task.run(),
            Task::Release(task) => task.run(&root),
        }
        .map(|()| ExitCode::SUCCESS)
    });
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
