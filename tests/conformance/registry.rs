//! No provider crate escapes the suite, and no operation escapes its provider's registration.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use libtest_mimic::Trial;

use crate::SUBJECTS;
use crate::subject::{Course, Subject};

/// The folders in `crates` that are no provider.
const OTHERS: [&str; 5] = ["biller-core", "biller-sandbox", "biller-cli", "biller-journal", "billers"];

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("suite::registry::every provider crate is registered", || {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
            let folders: BTreeSet<String> =
                fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect::<Result<_, std::io::Error>>()?;
            let registered: BTreeSet<String> = SUBJECTS.iter().map(|subject| subject.folder().to_owned()).collect();
            let missing: Vec<&String> =
                folders.iter().filter(|name| !OTHERS.contains(&name.as_str()) && !registered.contains(*name)).collect();
            if missing.is_empty() { Ok(()) } else { Err(format!("not registered in the suite: {missing:?}").into()) }
        }),
        Trial::test("suite::registry::every operation has a call and a reader", || {
            let left: Vec<String> = SUBJECTS.iter().flat_map(|subject| left_to_do(*subject)).collect();
            if !left.is_empty() {
                return Err(format!("left to do:\n{}", left.join("\n")).into());
            }
            Ok(())
        }),
    ]
}

/// What a provider's registration lacks.
fn left_to_do(subject: &dyn Subject) -> Vec<String> {
    let called: Vec<&str> = subject.calls().iter().map(|call| call.operation).collect();
    let read: Vec<&str> = subject.readers().iter().map(|reader| reader.name).collect();
    let mut lacking = Vec::new();
    for spec in subject.specs() {
        let routed = subject.routes().iter().any(|(_, operation)| *operation == spec.name);
        for (there, part) in
            [(routed, "route"), (called.contains(&spec.name), "call"), (read.contains(&spec.name), "reader")]
        {
            if !there {
                lacking.push(format!("{}: {} has no {part}", subject.folder(), spec.name));
            }
        }
    }
    if subject.order(Course::AtOnce, "LEFT-1").is_none() {
        lacking.push(format!("{}: no order succeeds at once", subject.folder()));
    }
    lacking
}
