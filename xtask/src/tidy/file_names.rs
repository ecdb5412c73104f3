//! Every provider crate has the same files.

use super::tree::{Finding, Tree};
use crate::Result;

const CRATE: &[&str] = &["CHANGELOG.md", "Cargo.toml", "README.md"];
const SOURCES: &[&str] =
    &["auth.rs", "biller.rs", "client.rs", "codes.rs", "config.rs", "lib.rs", "model.rs", "operations.rs"];
/// Only where the provider posts results.
const OPTIONAL: &[&str] = &["callback.rs"];

pub fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for provider in &tree.providers {
        let folder = format!("crates/{provider}");
        for name in CRATE.iter().filter(|name| !tree.has(&format!("{folder}/{name}"))) {
            findings.push(Finding::new(&folder, format!("has no {name}")));
        }
        let sources = tree.files(&format!("{folder}/src"))?;
        let mut nouns: Vec<String> = sources.iter().filter_map(|path| noun(path, &folder)).collect();
        nouns.dedup();
        for name in SOURCES.iter().filter(|name| !nouns.iter().any(|noun| noun == **name)) {
            findings.push(Finding::new(&folder, format!("has no src/{name}")));
        }
        let further = tree.decided("further_files", provider);
        for noun in nouns {
            if ![SOURCES, OPTIONAL, &further].iter().any(|names| names.contains(&noun.as_str())) {
                findings.push(Finding::new(
                    &format!("{folder}/src/{noun}"),
                    "no other provider has this file, and xtask/tidy.toml does not list it",
                ));
            }
        }
    }
    Ok(findings)
}

/// The file that a source belongs to: a folder stands for the file of its name.
fn noun(path: &str, folder: &str) -> Option<String> {
    let path = path.strip_prefix(folder)?.strip_prefix("/src/")?;
    Some(path.split_once('/').map_or_else(|| path.to_owned(), |(folder, _)| format!("{folder}.rs")))
}
