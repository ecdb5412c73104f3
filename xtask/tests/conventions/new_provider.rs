//! A new provider is registered everywhere, and told what is missing.

use std::collections::BTreeSet;

use crate::copy::Copy;

#[test]
fn it_is_tidy_but_for_the_sources_of_its_effects() {
    let copy = Copy::new();
    let before = copy.findings();
    let made = copy.xtask(&["new-provider", "acme-pulsa"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let operations = "crates/acme-pulsa/src/operations.rs";
    let missing = ["PAYMENT_SPEC", "STATUS_SPEC"]
        .map(|spec| format!("{operations}: {spec} names no document as the source of its effect (effects)"));
    assert_eq!(copy.findings().difference(&before).cloned().collect::<BTreeSet<_>>(), BTreeSet::from(missing));
    assert!(copy.read("crates/biller-sandbox/src/lib.rs").contains("acme_pulsa::provider(seed)"));
    assert!(copy.read("tests/conformance/main.rs").contains("&acme_pulsa::AcmePulsa"));
    assert_eq!(copy.read("tests/fixtures/acme-pulsa/.gitkeep"), "");

    let again = copy.xtask(&["new-provider", "acme-pulsa"]);
    assert_eq!(String::from_utf8(again.stderr).unwrap(), "xtask: crates/acme-pulsa exists\n");
}

#[test]
fn names_that_no_crate_should_have_are_refused() {
    let copy = Copy::new();
    for name in ["Acme", "acme_pulsa", "acme-", "4acme", "../acme"] {
        let refused = String::from_utf8(copy.xtask(&["new-provider", name]).stderr).unwrap();
        assert_eq!(refused, format!("xtask: {name}: expected lower-case words joined by -, such as acme-pulsa\n"));
    }
}

#[test]
fn a_place_that_is_not_found_leaves_everything_as_it_was() {
    let copy = Copy::new();
    copy.replace("tests/conformance/main.rs", "static SUBJECTS", "static OTHERS");
    let failed = copy.xtask(&["new-provider", "acme-pulsa"]);
    assert!(String::from_utf8(failed.stderr).unwrap().contains("tests/conformance/main.rs has no \"static SUBJECTS"));
    assert!(!copy.read("Cargo.toml").contains("acme-pulsa"));
    assert!(!copy.read("crates/billers/Cargo.toml").contains("acme-pulsa"));
}
