//! Breaks of an interface, found by cargo-semver-checks.

use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::command::{cargo, output};
use crate::{tools, workspace::Package};

/// The variable that names another program in place of `cargo semver-checks`: it takes the same arguments and answers alike.
const OTHER_PROGRAM: &str = "XTASK_SEMVER_CHECKS";
/// How the tool ends when it has compared everything and found breaks.
const BROKEN: i32 = 100;

/// Fails when the tool is missing.
pub fn require(root: &Path) -> Result<()> {
    if std::env::var_os(OTHER_PROGRAM).is_some() {
        return Ok(());
    }
    tools::require(root, &["cargo-semver-checks"])
        .map_err(|error| format!("{error}\nor pass --trust-commits to believe what the commits say").into())
}

/// What breaks between the tag and the working tree: the rule and the item.
pub fn breaks(root: &Path, package: &Package, tag: &str) -> Result<Vec<String>> {
    let mut command = match std::env::var_os(OTHER_PROGRAM) {
        Some(program) => Command::new(program),
        None => cargo(root, ["semver-checks"]),
    };
    // As if a minor version followed, so that only what breaks is reported.
    let arguments = ["--package", &package.name, "--baseline-rev", tag, "--release-type", "minor", "--color", "never"];
    let output = output(command.current_dir(root).args(arguments))?;
    let found = findings(&String::from_utf8_lossy(&output.stdout), &package.folder);
    match output.status.code() {
        Some(0) => Ok(Vec::new()),
        Some(BROKEN) if !found.is_empty() => Ok(found),
        _ => {
            let said = String::from_utf8_lossy(&output.stderr);
            let name = &package.name;
            Err(format!("cargo-semver-checks on {name} since {tag}: {}\n{}", output.status, said.trim_end()).into())
        }
    }
}

/// Each failed rule's name before each of the items under "Failed in:". The tool has no other report than this one for people.
fn findings(report: &str, folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rule = None;
    let mut listing = false;
    for line in report.lines() {
        if let Some(failure) = line.strip_prefix("--- failure ") {
            rule = failure.split(':').next();
            listing = false;
        } else if line.starts_with("--- ") {
            rule = None;
        } else if line.starts_with("Failed in:") {
            listing = true;
        } else if let (Some(rule), true, Some(item)) = (rule, listing, line.strip_prefix("  ")) {
            // Files are named as they lie in the repository, not in the checkout of the tag.
            let words: Vec<&str> =
                item.split(' ').map(|word| word.rfind(folder).map_or(word, |at| &word[at..])).collect();
            found.push(format!("{rule}: {}", words.join(" ")));
        } else {
            listing = false;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::findings;

    /// What version 0.51.0 reported.
    const REPORT: &str = include_str!("../../tests/release/semver-checks.txt");

    #[test]
    fn every_item_of_a_failure_is_named_and_no_warning() {
        let expected = [
            "enum_variant_added: variant Outcome:Late in crates/klikoo/src/lib.rs:1",
            "function_missing: function klikoo::balance, previously in file crates/klikoo/src/lib.rs:1",
        ];
        assert_eq!(findings(REPORT, "crates/klikoo"), expected);
        let (_, second) = expected.split_at(1);
        let warned = REPORT.replace("--- failure enum_variant_added", "--- warning enum_variant_added");
        assert_eq!(findings(&warned, "crates/klikoo"), second);
        assert!(findings("", "crates/klikoo").is_empty());
    }
}
