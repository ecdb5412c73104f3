//! One purchase: death at every step, beside every fault of the sandbox, and every pair of deaths.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use biller_sandbox::{Fault, FaultKind, Operation};

use crate::on_all_cores;
use crate::world::scripted;

/// Succeeds at once, succeeds later, fails later.
const CUSTOMERS: [&str; 3] = ["081200000001", "081200000002", "081200000003"];

/// No fault, then each where it hurts most.
fn faults() -> Vec<Option<Fault>> {
    let each = FaultKind::ALL.into_iter().map(|kind| {
        let fault = Fault::new("klikoo", kind);
        Some(match kind {
            FaultKind::Delay => fault.on(Operation::Payment).delay(Duration::from_secs(90)),
            FaultKind::StatusNotFound => fault.on(Operation::Status),
            kind if kind.name().starts_with("callback") => fault.on(Operation::Callback),
            _ => fault.on(Operation::Payment),
        })
    });
    std::iter::once(None).chain(each).collect()
}

fn rules_hold(deaths: &[u32], fault: Option<&Fault>, customer: &str) -> u32 {
    scripted(deaths, fault, customer)
        .unwrap_or_else(|broken| panic!("{broken}; deaths after {deaths:?} steps, customer {customer}, {fault:?}"))
}

#[test]
fn a_death_at_every_step_beside_every_fault() {
    let faults = faults();
    let played = AtomicU64::new(0);
    let cases: Vec<(Option<&Fault>, &str, u32)> = faults
        .iter()
        .flat_map(|fault| CUSTOMERS.map(|customer| (fault.as_ref(), customer)))
        .flat_map(|(fault, customer)| {
            let steps = rules_hold(&[], fault, customer);
            assert!(steps > 20, "{steps} steps are too few to be a purchase");
            (1..=steps).map(move |step| (fault, customer, step))
        })
        .collect();
    on_all_cores(0..cases.len() as u64, |n| {
        let (fault, customer, step) = cases[n as usize];
        rules_hold(&[step], fault, customer);
        played.fetch_add(1, Ordering::SeqCst);
    });
    println!("{} deaths beside {} faults", played.into_inner(), faults.len());
}

#[test]
fn every_pair_of_deaths() {
    let steps = rules_hold(&[], None, CUSTOMERS[0]);
    // A second process begins in the middle, so it may take more steps than the first one had left.
    let side = u64::from(steps);
    on_all_cores(0..side * side, |n| {
        let pair = [n / side, n % side].map(|step| u32::try_from(step).unwrap() + 1);
        rules_hold(&pair, None, CUSTOMERS[0]);
    });
    println!("{} pairs of deaths", side * side);
}
