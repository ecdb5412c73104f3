//! Breaks of an interface, found by cargo-semver-checks.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::command::output;
use crate::tools;

/// The variable that names another program in place of `cargo semver-checks`: it takes the same arguments and answers alike.
const OTHER_PROGRAM: &str = "XTASK_SEMVER_CHECKS";

/// Fails when the tool is missing.
pub fn require(root: &Path) -> Result<()> {
    if std::env::var_os(OTHER_PROGRAM).is_some() {
        return Ok(());
    }
    tools::require(root, &["cargo-semver-checks"])
        .map_err(|error| format!("{error}\nor pass --trust-commits to believe what the commits say").into())
}

/// What breaks between the tag and the working tree: the rule and the item.
pub fn breaks(root: &Path, package: &str, tag: &str) -> Result<Vec<String>> {
    let mut command = match std::env::var_os(OTHER_PROGRAM) {
        Some(program) => Command::new(program),
        None => {
            let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
            cargo.arg("semver-checks");
            cargo
        }
    };
    // With the release type given, only what breaks is reported.
    let arguments = ["--package", package, "--baseline-rev", tag, "--release-type", "minor", "--color", "never"];
    let output = output(command.current_dir(root).args(arguments))?;
    let report = String::from_utf8_lossy(&output.stdout);
    let found = findings(&report);
    if found.is_empty() && !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(
            format!("cargo-semver-checks on {package} since {tag}: {}\n{}", output.status, said.trim_end()).into()
        );
    }
    Ok(found)
}

/// Each failed rule's name before each of the items under "Failed in:".
fn findings(report: &str) -> Vec<String> {
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
            found.push(format!("{rule}: {}", item.trim()));
        } else {
            listing = false;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::findings;

    const REPORT: &str = "
--- failure function_missing: pub fn removed or renamed ---

Description:
A publicly-visible function cannot be imported by its prior path.
        ref: https://doc.rust-lang.org/cargo/reference/semver.html#item-remove
       impl: https://example.com/function_missing.ron

Failed in:
  function klikoo::one, previously in file src/lib.rs:1
  function klikoo::two, previously in file src/lib.rs:2

--- warning partial_ord: struct fields reordered ---

Failed in:
  klikoo::Row

--- failure enum_variant_added: enum variant added on exhaustive enum ---

Failed in:
  variant Outcome:Late in src/outcome.rs:9
";

    #[test]
    fn every_item_of_a_failure_is_named_and_no_warning() {
        assert_eq!(
            findings(REPORT),
            [
                "function_missing: function klikoo::one, previously in file src/lib.rs:1",
                "function_missing: function klikoo::two, previously in file src/lib.rs:2",
                "enum_variant_added: variant Outcome:Late in src/outcome.rs:9",
            ]
        );
        assert!(findings("").is_empty());
    }
}
