//! One suite for all providers: every operation under every fault, judged by the ledger of the other side.
//!
//! Trials are named `provider::operation::case`. A provider crate that is not registered here fails the suite.

#![allow(clippy::unwrap_used)]

mod bench;
mod biller_v2;
mod cases;
mod faults;
mod klikoo;
mod mmbc_pulsa;
mod planted;
mod pln_prepaid;
mod raw_tcp;
mod registry;
mod rules;
mod sidompul;
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
    &sidompul::Sidompul, //
    &pln_prepaid::PlnPrepaid,
    &mmbc_pulsa::MmbcPulsa,
    &klikoo::Klikoo,
    &biller_v2::BillerV2,
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Thousands of lines help only whoever asks for some of them.
    if arguments.filter.is_none() && arguments.format.is_none() && !arguments.list {
        arguments.format = Some(FormatSetting::Terse);
    }
    // Of a provider that is not all there, the registry tells what is missing.
    let subjects: Vec<&dyn Subject> =
        SUBJECTS.iter().copied().filter(|subject| registry::is_complete(*subject)).collect();
    let cases: Vec<(&dyn Subject, Vec<Case>)> =
        subjects.iter().map(|subject| (*subject, cases::of(*subject))).collect();
    let counts: Vec<String> = cases
        .iter()
        .map(|(subject, cases)| {
            let raw = cases.iter().filter(|case| case.is_raw_tcp()).count();
            format!("{} {} ({raw} over raw TCP)", subject.folder(), cases.len())
        })
        .collect();

    let mut trials = registry::trials();
    trials.extend(snapshots::trials(&subjects));
    trials.extend(twins::trials(&subjects));
    trials.extend(planted::trials(&cases));
    trials.extend(
        cases
            .into_iter()
            .flat_map(|(_, cases)| cases)
            .map(|case| Trial::test(case.name.clone(), move || case.judge().map_err(Into::into))),
    );
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        planted::print_table();
        eprintln!("fault matrix, cases: {}", counts.join(", "));
    }
    conclusion.exit_code()
}
