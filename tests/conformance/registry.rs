//! No provider crate escapes the suite, and no operation escapes its provider's registration.

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};

use crate::SUBJECTS;
use crate::subject::{Course, Subject};

/// The folders in `crates` that are no provider.
const OTHERS: [&str; 5] = ["biller-core", "biller-sandbox", "biller-cli", "biller-journal", "billers"];

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("suite::registry::every provider crate is registered", || {
            let registered: Vec<&str> = SUBJECTS.iter().map(|subject| subject.folder()).collect();
            none(&unregistered(&registered)?)
        }),
        Trial::test("suite::registry::every operation of every provider is registered", || {
            none(&SUBJECTS.iter().flat_map(|subject| lacks(*subject)).collect::<Vec<_>>())
        }),
        Trial::test("suite::registry::a registration that is removed is missed by name", || {
            for subject in SUBJECTS {
                let name = subject.folder();
                let others: Vec<&str> =
                    SUBJECTS.iter().map(|other| other.folder()).filter(|other| *other != name).collect();
                let expected =
                    format!("{name}: crates/{name} holds a provider that SUBJECTS in tests/conformance/main.rs lacks");
                equal(&unregistered(&others)?, &[expected])?;
            }
            Ok(())
        }),
        Trial::test("suite::registry::every part that is removed is missed by name", || {
            for subject in SUBJECTS {
                let mut expected = Vec::new();
                for spec in subject.specs() {
                    for part in ["a route", "a call", "a reader"] {
                        expected.push(format!("{}: operation {} lacks {part}", subject.folder(), spec.name));
                    }
                }
                equal(&unnamed(*subject, &[], &[], &[]), &expected)?;
            }
            Ok(())
        }),
        Trial::test("suite::registry::every published crate says how its documentation is built", || {
            let mut missing = Vec::new();
            for (name, folder) in crates()? {
                let manifest = fs::read_to_string(folder.join("Cargo.toml"))?;
                if !manifest.contains("publish = false") && !manifest.contains("[package.metadata.docs.rs]") {
                    missing.push(format!("{name}: Cargo.toml has no [package.metadata.docs.rs]"));
                }
            }
            none(&missing)
        }),
    ]
}

/// Whether enough is there to be held to the rules.
pub fn is_complete(subject: &dyn Subject) -> bool {
    lacks(subject).is_empty()
}

/// What a provider owes the suite, one line each.
fn lacks(subject: &dyn Subject) -> Vec<String> {
    let routed: Vec<&str> = subject.routes().iter().map(|(_, operation)| *operation).collect();
    let called: Vec<&str> = subject.calls().iter().map(|call| call.operation).collect();
    let read: Vec<&str> = subject.readers().iter().map(|reader| reader.name).collect();
    let mut lacks = unnamed(subject, &routed, &called, &read);
    let name = subject.folder();
    for operation in routed.iter().chain(&called) {
        if !subject.specs().iter().any(|spec| spec.name == *operation) {
            lacks.push(format!("{name}: {operation} is no operation that the crate lists"));
        }
    }
    for spec in subject.specs() {
        if spec.effect.moves_money() && subject.codes(spec.name).is_empty() {
            lacks.push(format!("{name}: operation {} lacks its codes", spec.name));
        }
        if spec.source.is_empty() {
            lacks.push(format!("{name}: operation {} lacks the source of its effect", spec.name));
        }
    }
    if subject.order(Course::AtOnce, "CASE-0").is_none() {
        lacks.push(format!("{name}: lacks an order that succeeds at once"));
    }
    lacks
}

/// The operations that are missing among those named.
fn unnamed(subject: &dyn Subject, routed: &[&str], called: &[&str], read: &[&str]) -> Vec<String> {
    let parts = [("a route", routed), ("a call", called), ("a reader", read)];
    let of = |operation: &'static str| {
        let missing = parts.iter().filter(move |(_, named)| !named.contains(&operation));
        missing.map(move |(part, _)| format!("{}: operation {operation} lacks {part}", subject.folder()))
    };
    subject.specs().iter().flat_map(|spec| of(spec.name)).collect()
}

/// The provider crates that are not among those registered.
fn unregistered(registered: &[&str]) -> std::io::Result<Vec<String>> {
    let names = crates()?.into_iter().map(|(name, _)| name);
    let providers = names.filter(|name| !OTHERS.contains(&name.as_str()) && !registered.contains(&name.as_str()));
    Ok(providers
        .map(|name| format!("{name}: crates/{name} holds a provider that SUBJECTS in tests/conformance/main.rs lacks"))
        .collect())
}

/// The crates of the workspace by folder.
fn crates() -> std::io::Result<Vec<(String, PathBuf)>> {
    let mut crates = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates"))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() {
            crates.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
        }
    }
    crates.sort();
    Ok(crates)
}

/// Fails with one line for each finding.
pub fn none(findings: &[String]) -> Result<(), Failed> {
    if findings.is_empty() { Ok(()) } else { Err(findings.join("\n").into()) }
}

fn equal(found: &[String], expected: &[String]) -> Result<(), Failed> {
    if found == expected { Ok(()) } else { Err(format!("expected {expected:#?}, found {found:#?}").into()) }
}
