//! No provider crate escapes the suite, and no operation escapes its provider's registration.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use libtest_mimic::Trial;

use crate::SUBJECTS;

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
            for subject in SUBJECTS {
                let called: Vec<&str> = subject.calls().iter().map(|call| call.operation).collect();
                let read: Vec<&str> = subject.readers().iter().map(|reader| reader.name).collect();
                for spec in subject.specs() {
                    let routed = subject.routes().iter().any(|(_, operation)| *operation == spec.name);
                    if !called.contains(&spec.name) || !read.contains(&spec.name) || !routed {
                        return Err(format!("{}: {} lacks a route, a call or a reader", subject.folder(), spec.name).into());
                    }
                }
            }
            Ok(())
        }),
    ]
}
