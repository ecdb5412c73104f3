//! Format, lints, documentation, and that every crate compiles without its features and the core with each of them.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

pub fn run(_root: &std::path::Path) -> Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])?;
    cargo(&["doc", "--locked", "--workspace", "--no-deps", "--all-features"])?;
    for package in packages()? {
        cargo(&["check", "--locked", "--package", &package, "--no-default-features"])?;
    }
    for feature in features("biller-core")? {
        cargo(&["check", "--locked", "--package", "biller-core", "--no-default-features", "--features", &feature])?;
    }
    Ok(())
}

/// Shows and runs one command at the workspace's root. The documentation's warnings count as errors.
fn cargo(arguments: &[&str]) -> Result<()> {
    eprintln!("$ cargo {}", arguments.join(" "));
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(arguments)
        .current_dir(root())
        .env("RUSTDOCFLAGS", "-D warnings")
        .status()?;
    if status.success() { Ok(()) } else { Err(format!("cargo {}: {status}", arguments.join(" ")).into()) }
}

/// The crates that are published, by name.
fn packages() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root().join("crates"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// The features of a crate, from its manifest.
fn features(package: &str) -> Result<Vec<String>> {
    let manifest = fs::read_to_string(root().join("crates").join(package).join("Cargo.toml"))?;
    let features: Vec<String> = manifest
        .lines()
        .skip_while(|line| *line != "[features]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim().to_owned())
        .collect();
    if features.is_empty() { Err(format!("{package} has no features").into()) } else { Ok(features) }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}
