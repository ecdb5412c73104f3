//! The conventions of this repository, as checks that fail.

mod codes;
mod effects;
mod file_names;
mod fixtures;
mod licences;
mod readmes;
mod registrations;
mod tree;

use std::path::Path;

use self::tree::{Finding, Tree};
use crate::Result;

type Rule = fn(&Tree) -> Result<Vec<Finding>>;

const RULES: &[(&str, Rule)] = &[
    ("file names", file_names::check),
    ("effects", effects::check),
    ("codes", codes::check),
    ("registrations", registrations::check),
    ("readmes", readmes::check),
    ("fixtures", fixtures::check),
    ("licences", licences::check),
];

/// Prints what breaks a rule, one line each, and fails when there is any.
pub fn run(root: &Path) -> Result<()> {
    let tree = Tree::new(root)?;
    let mut count = 0;
    for (name, rule) in RULES {
        for Finding { place, text } in rule(&tree)? {
            println!("{place}: {text} ({name})");
            count += 1;
        }
    }
    match count {
        0 => println!("tidy: {} rules hold for {} providers", RULES.len(), tree.providers.len()),
        _ => return Err(format!("tidy: {count} findings").into()),
    }
    Ok(())
}
