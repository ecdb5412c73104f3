//! A crate's README is its documentation: one text, included, with nothing beside it.

use super::tree::{Finding, Tree};
use crate::Result;

const INCLUDED: &str = "#![doc = include_str!(\"../README.md\")]";

pub fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for name in tree.folders("crates")? {
        let folder = format!("crates/{name}");
        let readme = format!("{folder}/README.md");
        let title = tree.text(&readme)?.lines().next().unwrap_or_default().to_owned();
        if title != format!("# {name}") {
            findings
                .push(Finding::new(&readme, format!("begins with {title:?}, not with the crate's name as its title")));
        }
        let library = format!("{folder}/src/lib.rs");
        let main = if tree.has(&library) { library } else { format!("{folder}/src/main.rs") };
        let text = tree.text(&main)?;
        if text.lines().next() != Some(INCLUDED) {
            findings.push(Finding::new(&main, format!("does not begin with {INCLUDED}")));
        }
        if text.lines().any(|line| line.starts_with("//!")) {
            findings.push(Finding::new(&main, "has documentation that the README lacks"));
        }
    }
    Ok(findings)
}
