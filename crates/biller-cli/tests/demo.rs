//! `biller demo` as a user starts it.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use serde_json::{Value, json};

/// Every purchase of one run, by reference.
fn run(arguments: &[&str]) -> Vec<Value> {
    let demo = Command::new(env!("CARGO_BIN_EXE_biller")).arg("demo").args(arguments).output().unwrap();
    assert!(demo.status.success(), "{}", String::from_utf8_lossy(&demo.stderr));
    let report: Value = serde_json::from_slice(&demo.stdout).unwrap();
    assert_eq!((&report["agree"], &report["unclaimed"]), (&json!(true), &json!([])));
    report["purchases"].as_array().unwrap().clone()
}

#[test]
fn client_and_ledger_agree_and_the_killed_payment_is_charged_once() {
    let purchases = run(&["--json"]);
    assert_eq!(purchases.len(), 21);
    let killed = purchases.last().unwrap();
    assert_eq!((&killed["reference"], &killed["outcome"]), (&json!("JOURNAL-1"), &json!("succeeded")));
    let charges: Vec<_> =
        killed["ledger"].as_array().unwrap().iter().map(|charge| (&charge["state"], &charge["amount"])).collect();
    assert_eq!(charges, [(&json!("succeeded"), &json!(10_450))]);
}

#[test]
fn it_tells_how_the_killed_payment_ended() {
    let demo = Command::new(env!("CARGO_BIN_EXE_biller")).args(["demo", "--seed", "7"]).output().unwrap();
    let told = String::from_utf8(demo.stdout).unwrap();
    let (_, act) = told.split_once("The journal, and a process that dies").unwrap();
    let steps = [
        "1 charge in the ledger",
        "* the process is killed *",
        "the file says: sending",
        "recovered",
        "succeeded   looked",
        "agree",
    ];
    let mut rest = act;
    for step in steps {
        rest = rest.split_once(step).unwrap_or_else(|| panic!("no {step:?} in {act}")).1;
    }
    assert!(told.ends_with("Client and ledger agree.\n"), "{told}");
}
