//! How many crates a team takes in with one of ours.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The folders in `crates` that are no provider.
const OTHERS: [&str; 5] = ["biller-core", "biller-sandbox", "biller-cli", "biller-journal", "billers"];

/// The crates that `package` is built from, itself included.
fn tree(package: &str, features: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(["--package", package])
        .args(features)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).filter(|line| !line.is_empty()).collect()
}

fn assert_at_most(limit: usize, package: &str, features: &[&str]) {
    let tree = tree(package, features);
    assert!(tree.iter().any(|line| line.starts_with(&format!("{package} v"))), "{tree:?}");
    eprintln!("{package} {}: {} crates of at most {limit}", features.join(" "), tree.len());
    assert!(tree.len() <= limit, "{package} takes {} crates: {tree:#?}", tree.len());
}

#[test]
fn the_core_without_http_takes_at_most_30_crates() {
    assert_at_most(30, "biller-core", &["--no-default-features", "--features", "signing"]);
}

#[test]
fn a_provider_with_http_and_tls_takes_at_most_95_crates() {
    let mut providers = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !OTHERS.contains(&name.as_str()) {
            assert_at_most(95, &name, &[]);
            providers.push(name);
        }
    }
    assert!(providers.contains(&"klikoo".to_owned()), "{providers:?}");
}
