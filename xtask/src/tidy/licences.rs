//! Every crate's package carries the licences' texts, the same ones everywhere.

use super::tree::{Finding, Tree};
use crate::Result;
use crate::workspace::LICENCES;

pub fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for name in tree.folders("crates")? {
        for licence in LICENCES {
            let path = format!("crates/{name}/{licence}");
            if !tree.has(&path) {
                findings.push(Finding::new(&path, "is missing"));
            } else if tree.text(&path)? != tree.text(licence)? {
                findings.push(Finding::new(&path, format!("is not the repository's {licence}")));
            }
        }
    }
    Ok(findings)
}
