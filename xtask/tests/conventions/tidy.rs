//! Every rule of `cargo xtask tidy` finds what breaks it.

use crate::copy::Copy;

/// What a planted violation adds to the findings, which has to be this and nothing else; line numbers are left out.
#[track_caller]
fn assert_adds(plant: impl FnOnce(&Copy), expected: &[&str]) {
    let copy = Copy::new();
    let before = copy.findings();
    plant(&copy);
    let mut added: Vec<String> = copy.findings().difference(&before).map(|finding| without_line(finding)).collect();
    added.sort();
    assert_eq!(added, expected);
}

fn without_line(finding: &str) -> String {
    let (place, text) = finding.split_once(": ").unwrap();
    let path = place.split(':').next().unwrap();
    format!("{path}: {text}")
}

#[test]
fn every_provider_has_the_same_files() {
    assert_adds(
        |copy| {
            copy.remove("crates/klikoo/src/auth.rs");
            copy.remove("crates/klikoo/CHANGELOG.md");
            copy.write("crates/klikoo/src/helpers.rs", "");
            copy.write("crates/klikoo/src/parts/one.rs", "");
        },
        &[
            "crates/klikoo/src/helpers.rs: no other provider has this file, and xtask/tidy.toml does not list it (file names)",
            "crates/klikoo/src/parts.rs: no other provider has this file, and xtask/tidy.toml does not list it (file names)",
            "crates/klikoo: has no CHANGELOG.md (file names)",
            "crates/klikoo: has no src/auth.rs (file names)",
        ],
    );
}

#[test]
fn every_operation_names_the_source_of_its_effect() {
    let operations = "crates/klikoo/src/operations.rs";
    assert_adds(
        |copy| {
            copy.replace(operations, "source: \"Klikoo Open API, Access Token\"", "source: \" \"");
            copy.replace(operations, "    &BUY_SPEC,\n", "");
            copy.append(
                operations,
                "impl Operation for Forgotten { fn spec(&self) -> &'static Spec { &elsewhere::SPEC_OF_IT } }\n",
            );
        },
        &[
            "crates/klikoo/src/operations.rs: BUY_SPEC is missing in ALL (effects)",
            "crates/klikoo/src/operations.rs: TOKEN_SPEC names no document as the source of its effect (effects)",
            "crates/klikoo/src/operations.rs: this operation names no spec of this file (effects)",
        ],
    );
    assert_adds(
        |copy| copy.replace(operations, "pub const ALL:", "pub const SOME:"),
        &["crates/klikoo/src/operations.rs: lists no operations: `pub const ALL: &[&Spec]` names every one (effects)"],
    );
}

#[test]
fn no_catch_all_of_a_code_table_means_failed() {
    let codes = "crates/klikoo/src/codes.rs";
    let planted = [
        "match code { \"00\" => Verdict::Succeeded, _ => Verdict::REFUSED }",
        "match code { \"00\" => Verdict::Succeeded, other => Verdict::Failed(kind(other)) }",
        "match TABLE.first() { Some(row) => row.buy, None => refused(1, 2, \"x\").buy }",
        "TABLE.first().map_or(Verdict::REFUSED, |row| row.buy)",
        "TABLE.first().map(|row| row.buy).unwrap_or_else(|| GONE)",
        "if code == \"00\" { Verdict::Succeeded } else { Verdict::REFUSED }",
        "{ let Some(row) = TABLE.first() else { return Verdict::REFUSED }; row.buy }",
    ];
    let sound = [
        "match code { \"05\" => Verdict::REFUSED, _ => Verdict::UNLISTED }",
        "match code { _ if code.is_empty() => Verdict::REFUSED, _ => Verdict::UNLISTED }",
        "TABLE.first().map_or(Verdict::UNLISTED, |_| Verdict::REFUSED)",
    ];
    let functions = |bodies: &[&str]| -> String {
        bodies.iter().map(|body| format!("fn planted(code: &str) -> Verdict {{ {body} }}\n")).collect()
    };
    let finding = |what: &str| format!("{codes}: {what} means failed; what no row names is unknown (codes)");
    let (arm, default, otherwise) = (finding("a catch-all arm"), finding("a default"), finding("an else"));
    assert_adds(
        |copy| copy.append(codes, &(functions(&planted) + "const GONE: Verdict = Verdict::REFUSED;\n")),
        &[&arm, &arm, &arm, &default, &default, &otherwise, &otherwise],
    );
    assert_adds(|copy| copy.append(codes, &functions(&sound)), &[]);
}

#[test]
fn every_provider_is_registered_everywhere() {
    assert_adds(
        |copy| {
            copy.replace("crates/billers/Cargo.toml", "\"dep:klikoo\"", "");
            copy.replace("crates/billers/src/lib.rs", "pub use klikoo;", "");
            copy.replace("crates/billers/src/billers.rs", "klikoo::Config::from_settings", "todo");
            copy.replace("crates/billers/README.md", "| `klikoo` |", "| `other` |");
            copy.replace("README.md", "(crates/klikoo)", "(crates/other)");
            copy.replace("tests/conformance/klikoo.rs", "\"klikoo\"", "\"other\"");
        },
        &[
            "README.md: klikoo has no row in the table (registrations)",
            "crates/billers/Cargo.toml: klikoo has no feature (registrations)",
            "crates/billers/README.md: klikoo has no row in the table (registrations)",
            "crates/billers/src/billers.rs: klikoo cannot be configured (registrations)",
            "crates/billers/src/lib.rs: klikoo is not re-exported (registrations)",
            "tests/conformance: klikoo is not registered in the suite (registrations)",
        ],
    );
}

#[test]
fn readmes_are_the_documentation_of_their_crates() {
    assert_adds(
        |copy| {
            copy.replace("crates/klikoo/src/lib.rs", "#![doc = include_str!(\"../README.md\")]", "//! Klikoo.");
            copy.append("crates/biller-cli/src/main.rs", "//! More.\n");
            copy.write("crates/biller-core/README.md", "Core.\n");
        },
        &[
            "crates/biller-cli/src/main.rs: has documentation that the README lacks (readmes)",
            "crates/biller-core/README.md: begins with \"Core.\", not with the crate's name as its title (readmes)",
            "crates/klikoo/src/lib.rs: does not begin with #![doc = include_str!(\"../README.md\")] (readmes)",
            "crates/klikoo/src/lib.rs: has documentation that the README lacks (readmes)",
        ],
    );
}

#[test]
fn every_crate_carries_the_licences() {
    assert_adds(
        |copy| {
            copy.remove("crates/klikoo/LICENSE-MIT");
            copy.append("crates/billers/LICENSE-APACHE", "But not for you.\n");
        },
        &[
            "crates/billers/LICENSE-APACHE: is not the repository's LICENSE-APACHE (licences)",
            "crates/klikoo/LICENSE-MIT: is missing (licences)",
        ],
    );
}

#[test]
fn no_fixture_holds_a_secret() {
    let token = ["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0NTY3ODkwIn0", "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"].join(".");
    let key = ["-----BEGIN RSA", "PRIVATE KEY-----"].join(" ");
    let named = "has a value that does not say that it is a test's";
    let planted = [
        (format!("{{\"key\": \"{key}\"}}"), "holds a private key".to_owned()),
        (format!("{{\"jwt\": \"{token}\"}}"), "holds a signed token".to_owned()),
        ("serial 1234-5678-9012-3456-7890".to_owned(), "holds a stroom token".to_owned()),
        ("serial 12345678901234567890".to_owned(), "holds a stroom token".to_owned()),
        (format!("id AKIA{}", "ABCDEFGHIJKLMNOP"), "holds an access key".to_owned()),
        ("{\"client_secret\": \"h7Gk29sLmQp0\"}".to_owned(), format!("client_secret {named}")),
        ("Config { api_key: \"h7Gk29sLmQp0\" }".to_owned(), format!("api_key {named}")),
    ];
    let sound = [
        "{\"client_secret\": \"test0client1secret\"}".to_owned(),
        "{\"client_secret\": \"[client_secret]\"}".to_owned(),
        format!("\"test_private_key_pem\": \"{key}\""),
    ];
    let lines: Vec<&str> = planted.iter().map(|(line, _)| line).chain(&sound).map(String::as_str).collect();
    for path in ["tests/fixtures/klikoo/planted.json", "crates/klikoo/tests/snapshots/planted.snap"] {
        let mut expected: Vec<String> = planted.iter().map(|(_, text)| format!("{path}: {text} (fixtures)")).collect();
        expected.sort();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        assert_adds(|copy| copy.write(path, &lines.join("\n")), &expected);
    }
}
