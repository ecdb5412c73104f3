//! No fixture and no snapshot holds a value in the shape of a secret.
//!
//! Secrets made up for tests say so: their field's name begins with `test_`, or their value has the word "test". Files of signature
//! vectors hold tokens made with such secrets.

use regex::Regex;

use super::tree::{Finding, Tree};
use crate::Result;

/// Shapes that are secret wherever they stand.
const SHAPES: &[(&str, &str)] = &[
    ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    ("a signed token", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}"),
    ("a stroom token", r"\b\d{4}(?:[- ]\d{4}){4}\b|\b\d{20}\b"),
    ("an access key", r"\b(?:AKIA[0-9A-Z]{16}|sk_live_\w{16,}|gh[pousr]_\w{30,})"),
];
/// A named value, in JSON or as `Debug` and forms show it.
const NAMED: &str =
    r#"(?i)\b(\w*(?:secret|password|passwd|\bpin|_pin|api_?key|private_key|token))"?\s*[:=]\s*"([^"\\]{8,})""#;
const VECTORS: &str = "signatures.json";

pub fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let shapes: Vec<(&str, Regex)> =
        SHAPES.iter().map(|(name, shape)| Ok((*name, Regex::new(shape)?))).collect::<Result<_>>()?;
    let named = Regex::new(NAMED)?;
    let published: Vec<String> = tree.decided("fixtures", "published").into_iter().map(digits).collect();
    let mut findings = Vec::new();
    for path in tree.files("tests")?.into_iter().chain(tree.files("crates")?) {
        if !is_fixture(&path) {
            continue;
        }
        let vectors = path.ends_with(VECTORS);
        for (line, number) in tree.text(&path)?.lines().zip(1..) {
            if line.trim_start().starts_with("\"test_") {
                continue;
            }
            let place = format!("{path}:{number}");
            for (name, shape) in &shapes {
                let allowed = |text: &str| published.contains(&digits(text)) || (vectors && *name == "a signed token");
                if shape.find_iter(line).any(|found| !allowed(found.as_str())) {
                    findings.push(Finding::new(&place, format!("holds {name}")));
                }
            }
            for found in named.captures_iter(line) {
                let (name, value) = (&found[1], &found[2]);
                let token = name.to_lowercase().ends_with("token");
                let allowed = published.contains(&digits(value)) || is_made_up(value) || (vectors && token);
                if !allowed {
                    findings.push(Finding::new(
                        &place,
                        format!("{name} has a value that does not say that it is a test's"),
                    ));
                }
            }
        }
    }
    Ok(findings)
}

/// Without the blanks and dashes that group digits.
fn digits(value: &str) -> String {
    value.replace([' ', '-'], "")
}

fn is_fixture(path: &str) -> bool {
    path.contains("/fixtures/") || path.contains("/snapshots/")
}

/// Made up for tests, blanked out, or replaced by its name.
fn is_made_up(value: &str) -> bool {
    value.contains("00000000")
        || value.to_lowercase().contains("test")
        || (value.starts_with(['[', '<']) && value.ends_with([']', '>']))
}
