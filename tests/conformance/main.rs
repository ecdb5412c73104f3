//! One suite for all providers: every operation under every fault, judged by the ledger of the other side.
//!
//! Trials are named `provider::operation::case`. A provider crate that is not registered here fails the suite.

#![allow(clippy::unwrap_used)]

mod bench;
mod cases;
mod faults;
mod klikoo;
mod planted;
mod registry;
mod rules;
mod snapshots;
mod specials;
mod subject;
mod twins;

use std::process::ExitCode;

use libtest_mimic::{Arguments, FormatSetting, Trial};

use crate::cases::Case;
use crate::subject::Subject;

/// The providers; one line each.
static SUBJECTS: &[&dyn Subject] = &[
    &klikoo::Klikoo, //
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Thousands of lines help only whoever asks for some of them.
    if arguments.filter.is_none() && arguments.format.is_none() && !arguments.list {
        arguments.format = Some(FormatSetting::Terse);
    }
    let cases: Vec<Vec<Case>> = SUBJECTS.iter().map(|subject| cases::of(*subject)).collect();
    let counts: Vec<(&str, usize)> =
        SUBJECTS.iter().zip(&cases).map(|(subject, cases)| (subject.folder(), cases.len())).collect();

    let mut trials = registry::trials();
    trials.extend(snapshots::trials());
    trials.extend(twins::trials());
    trials.extend(planted::trials(&cases));
    trials.extend(cases.into_iter().flatten().map(|case| {
        Trial::test(case.name.clone(), move || case.run(None).map_err(|(_, message)| message.into()))
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        planted::print_table();
        let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
        eprintln!("fault matrix: {} cases", counts.join(", "));
    }
    conclusion.exit_code()
}
