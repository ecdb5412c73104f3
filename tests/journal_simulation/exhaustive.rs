//! One purchase: death at every step, beside every fault of the sandbox, and every pair of deaths; at every provider.

use std::time::{Duration, Instant};

use biller_core::Order;
use biller_sandbox::{Fault, FaultKind, Operation, Sandbox};

use crate::on_all_cores;
use crate::play::scripted;
use crate::sides::{ALL, Side};

/// No fault, then each that the provider can have, where it hurts most.
fn faults(side: &dyn Side) -> Vec<Option<Fault>> {
    let sandbox = Sandbox::new();
    let each = FaultKind::ALL.into_iter().flat_map(|kind| {
        let fault = Fault::new(side.sandbox(), kind);
        match kind {
            FaultKind::Delay => vec![fault.on(Operation::Payment).delay(Duration::from_secs(90))],
            FaultKind::StatusNotFound => vec![fault.clone().on(Operation::Status), fault.on(Operation::History)],
            kind if kind.name().starts_with("callback") => vec![fault.on(Operation::Callback)],
            _ => vec![fault.on(Operation::Payment)],
        }
    });
    let possible = each.filter(|fault| sandbox.arm(fault.clone()).is_ok());
    std::iter::once(None).chain(possible.map(Some)).collect()
}

fn rules_hold(side: &'static dyn Side, order: &Order, deaths: &[u32], fault: Option<&Fault>) -> u32 {
    scripted(side, order, deaths, fault).unwrap_or_else(|broken| {
        panic!("{broken}; deaths after {deaths:?} steps, {side:?}, customer {}, {fault:?}", order.customer())
    })
}

#[test]
fn a_death_at_every_step_beside_every_fault() {
    for side in ALL {
        let (began, faults, orders) = (Instant::now(), faults(side), side.courses());
        let cases: Vec<(Option<&Fault>, &Order, u32)> = faults
            .iter()
            .flat_map(|fault| orders.iter().map(move |order| (fault.as_ref(), order)))
            .flat_map(|(fault, order)| {
                let steps = rules_hold(side, order, &[], fault);
                assert!(steps > 10, "{steps} steps are too few to be a purchase at {side:?}");
                (1..=steps).map(move |step| (fault, order, step))
            })
            .collect();
        on_all_cores(0..cases.len() as u64, |n| {
            let (fault, order, step) = cases[n as usize];
            rules_hold(side, order, &[step], fault);
        });
        println!(
            "{side:?}: {} deaths beside {} faults and none, in {} s",
            cases.len(),
            faults.len() - 1,
            began.elapsed().as_secs()
        );
    }
}

#[test]
fn every_pair_of_deaths() {
    for side in ALL {
        let (began, [order, ..]) = (Instant::now(), side.courses());
        // A second process begins in the middle, so it may take more steps than the first one had left.
        let span = u64::from(rules_hold(side, &order, &[], None));
        on_all_cores(0..span * span, |n| {
            let pair = [n / span, n % span].map(|step| u32::try_from(step).unwrap() + 1);
            rules_hold(side, &order, &pair, None);
        });
        println!("{side:?}: {} pairs of deaths, in {} s", span * span, began.elapsed().as_secs());
    }
}
