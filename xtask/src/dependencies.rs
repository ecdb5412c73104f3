//! Where the crates that we are built from come from, and under which licences.

use std::path::Path;

use serde_json::Value;
use spdx::{Expression, ParseMode};

use crate::Result;
use crate::command::{cargo, text};

/// Licences that a program under MIT or Apache-2.0 may contain without further duties than naming them.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Fails when a crate comes from anywhere but the registry, or under a licence that is not listed.
pub fn check(root: &Path) -> Result<()> {
    let metadata = text(&mut cargo(root, ["metadata", "--locked", "--all-features", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let mut found = Vec::new();
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    for package in packages {
        let name = format!(
            "{} {}",
            package["name"].as_str().unwrap_or_default(),
            package["version"].as_str().unwrap_or_default()
        );
        if package["source"].as_str().is_some_and(|source| !source.starts_with("registry+")) {
            found.push(format!("{name} comes from {}", package["source"]));
        }
        let licence = package["license"].as_str().unwrap_or_default();
        if !is_allowed(licence) {
            found.push(format!("{name} has the licence {licence:?}, which is not listed"));
        }
    }
    if found.is_empty() {
        println!("dependencies: {} crates, all from the registry and under listed licences", packages.len());
        return Ok(());
    }
    Err(found.join("\n").into())
}

fn is_allowed(licence: &str) -> bool {
    Expression::parse_mode(licence, ParseMode::LAX).is_ok_and(|expression| {
        expression
            .evaluate(|requirement| requirement.license.id().is_some_and(|licence| LICENCES.contains(&licence.name)))
    })
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn a_licence_is_allowed_where_one_choice_is() {
        for (licence, allowed) in [
            ("MIT OR Apache-2.0", true),
            ("MIT/Apache-2.0", true),
            ("GPL-3.0 OR MIT", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("MIT AND GPL-3.0", false),
            ("GPL-3.0-only", false),
            ("MPL-2.0", false),
            ("Ours", false),
            ("", false),
        ] {
            assert_eq!(is_allowed(licence), allowed, "{licence}");
        }
    }
}
