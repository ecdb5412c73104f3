//! Every provider is registered in the conformance suite, the facade and the README's table.

use super::tree::{Finding, Tree};
use crate::Result;

const FACADE: &str = "crates/billers/Cargo.toml";
const FACADE_LIBRARY: &str = "crates/billers/src/lib.rs";
const FACADE_BUILDER: &str = "crates/billers/src/billers.rs";
const FACADE_README: &str = "crates/billers/README.md";
const README: &str = "README.md";
const SUITE: &str = "tests/conformance";

pub fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut suite = String::new();
    for path in tree.files(SUITE)? {
        suite += &tree.text(&path)?;
    }
    let facade = tree.toml(FACADE)?;
    let library = tree.text(FACADE_LIBRARY)?;
    let builder = tree.text(FACADE_BUILDER)?;
    let (readme, facade_readme) = (tree.text(README)?, tree.text(FACADE_README)?);
    let mut findings = Vec::new();
    for provider in &tree.providers {
        let module = provider.replace('-', "_");
        let enabled = format!("dep:{provider}");
        let feature = facade.get("features").and_then(toml::Value::as_table).is_some_and(|features| {
            features
                .values()
                .filter_map(toml::Value::as_array)
                .flatten()
                .any(|enables| enables.as_str() == Some(&enabled))
        });
        for (registered, place, missing) in [
            (suite.contains(&format!("\"{provider}\"")), SUITE, "is not registered in the suite"),
            (feature, FACADE, "has no feature"),
            (
                library.contains(&format!("pub use {module};")) || library.contains(&format!("pub use {module} as ")),
                FACADE_LIBRARY,
                "is not re-exported",
            ),
            (builder.contains(&format!("{module}::Config::from_settings")), FACADE_BUILDER, "cannot be configured"),
            (has_row(&readme, &format!("(crates/{provider})")), README, "has no row in the table"),
            (has_row(&facade_readme, &format!("`{provider}`")), FACADE_README, "has no row in the table"),
        ] {
            if !registered {
                findings.push(Finding::new(place, format!("{provider} {missing}")));
            }
        }
    }
    Ok(findings)
}

fn has_row(text: &str, cell: &str) -> bool {
    text.lines().any(|line| line.starts_with('|') && line.contains(cell))
}
