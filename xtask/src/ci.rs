//! Every check but the tests.

use std::path::Path;

use crate::Result;
use crate::command::{cargo, run};
use crate::workspace::packages;
use crate::{bounds, metrics, release, tidy, tools};

/// One command of cargo for each line. With cargo-hack each published crate is taken alone, as its users and docs.rs do.
const CHECKS: &[&str] = &[
    "fmt --all --check",
    "clippy --locked --workspace --all-targets --all-features -- -D warnings",
    "deny --locked --all-features --config xtask/deny.toml check bans licenses sources",
    "hack doc --locked --workspace --ignore-private --all-features --no-deps",
    "hack check --locked --workspace --ignore-private --feature-powerset --depth 2 --exclude-features default",
];

pub fn check(root: &Path) -> Result<()> {
    tools::require(root, &["cargo-deny", "cargo-hack"])?;
    tidy::run(root)?;
    metrics::check(root)?;
    for package in packages(root)? {
        release::contents(root, &package.name)?;
    }
    for check in CHECKS {
        run(cargo(root, check.split(' ')).env("RUSTDOCFLAGS", "--cfg docsrs -D warnings"))?;
    }
    advisories(root)?;
    bounds::check(root)
}

/// A database that cannot be had is no finding, and no all-clear either.
fn advisories(root: &Path) -> Result<()> {
    let deny = |arguments: &str| run(&mut cargo(root, arguments.split(' ')));
    if deny("deny --locked --config xtask/deny.toml fetch db").is_err() {
        eprintln!("advisories: NOT CHECKED, their database cannot be fetched");
        return Ok(());
    }
    deny("deny --locked --all-features --config xtask/deny.toml check --disable-fetch advisories")
}
