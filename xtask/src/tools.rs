//! The tools that are driven beside cargo and git.

use std::path::Path;

use crate::Result;
use crate::command::{cargo, output, run};

/// Cargo's subcommands and the versions that `cargo xtask tools` installs; any that is there already will do.
const TOOLS: &[(&str, &str)] = &[("cargo-deny", "0.20.2"), ("cargo-hack", "0.6.46"), ("cargo-semver-checks", "0.51.0")];

/// Installs what is missing: unoptimised and without debug information, since building them costs more time than running them.
pub fn install(root: &Path) -> Result<()> {
    for (tool, version) in TOOLS.iter().filter(|(tool, _)| !is_there(root, tool)) {
        run(&mut cargo(root, command(tool, version).split_whitespace().skip(1)))?;
    }
    Ok(())
}

/// Fails when one of these is missing, with the command that installs it.
pub fn require(root: &Path, names: &[&str]) -> Result<()> {
    let missing: Vec<String> = TOOLS
        .iter()
        .filter(|(tool, _)| names.contains(tool) && !is_there(root, tool))
        .map(|(tool, version)| format!("{tool} is missing; install it: {}", command(tool, version)))
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(missing.join("\n").into()) }
}

fn is_there(root: &Path, tool: &str) -> bool {
    let subcommand = tool.trim_start_matches("cargo-");
    output(&mut cargo(root, [subcommand, "--version"])).is_ok_and(|output| output.status.success())
}

fn command(tool: &str, version: &str) -> String {
    format!(
        "cargo install --locked --debug --config profile.dev.debug=false --target-dir target/tools {tool}@{version}"
    )
}
