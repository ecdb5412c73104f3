//! Releases of a small workspace, through a registry on the loopback interface.

#![allow(clippy::unwrap_used)]

mod registry;
mod scratch;

use insta::assert_snapshot;

use self::scratch::{Scratch, files, kill_group};

const TO_LOCAL: [&str; 4] = ["publish", "--execute", "--registry", "local"];
const CHANGELOGS: [&str; 5] = [
    "crates/biller-core/CHANGELOG.md",
    "crates/klikoo/CHANGELOG.md",
    "crates/mmbc-pulsa/CHANGELOG.md",
    "crates/billers/CHANGELOG.md",
    "crates/biller-cli/CHANGELOG.md",
];

#[test]
fn the_first_release_publishes_everything_in_order() {
    let scratch = Scratch::new();
    assert_snapshot!("first_plan", scratch.succeed(&["plan"]));
    let unprepared = scratch.fail(&TO_LOCAL);
    assert!(unprepared.contains("biller-core 0.1.0 is not prepared: crates/biller-core/CHANGELOG.md"), "{unprepared}");
    scratch.succeed(&["prepare"]);
    scratch.commit("chore: release everything");
    assert_snapshot!("first_changelog", scratch.read("crates/klikoo/CHANGELOG.md"));
    scratch.succeed(&["check", "--registry", "local"]);
    assert_snapshot!("first_publish_dry", scratch.succeed(&["publish", "--registry", "local"]));
    assert!(scratch.registry.uploads().is_empty() && scratch.tags().is_empty());
    assert_snapshot!("first_publish", scratch.succeed(&TO_LOCAL));
    assert_eq!(
        scratch.registry.uploads(),
        ["biller-core 0.1.0", "klikoo 0.1.0", "mmbc-pulsa 0.1.0", "billers 0.1.0", "biller-cli 0.1.0"]
    );
    assert_eq!(
        scratch.tags(),
        ["biller-cli-v0.1.0", "biller-core-v0.1.0", "billers-v0.1.0", "klikoo-v0.1.0", "mmbc-pulsa-v0.1.0"]
    );
    assert_snapshot!("unchanged_plan", scratch.succeed(&["plan"]));
}

#[test]
fn what_changed_is_released_and_a_killed_publish_is_finished_by_the_next() {
    let scratch = Scratch::released();
    scratch.append("crates/klikoo/src/lib.rs", "// Rounds up.");
    scratch.commit("fix: round prices up");
    scratch.append("crates/mmbc-pulsa/src/lib.rs", "// Sells data.");
    scratch.append("crates/billers/src/lib.rs", "// Sells data.");
    scratch.commit("feat: sell data packages");
    scratch.append("crates/biller-cli/README.md", "More words.");
    scratch.commit("docs: say more about the command");
    assert_snapshot!("small_plan", scratch.succeed(&["plan"]));

    scratch.append("crates/biller-core/src/lib.rs", "pub fn renamed() {}");
    scratch.commit("feat!: name the transport's error by what it proves");
    scratch.append("crates/biller-core/CHANGELOG.md", "");
    let top =
        "# Changelog of biller-core\n\n## Unreleased\n\nErrors now say what they prove.\nChange `Gone` to `NotSent`.\n";
    let rest = scratch.read("crates/biller-core/CHANGELOG.md").replace("# Changelog of biller-core\n", top);
    scratch.write("crates/biller-core/CHANGELOG.md", rest.trim_end());
    scratch.commit("docs: explain the new errors");
    let plan = scratch.succeed(&["plan"]);
    assert_snapshot!("plan", plan);

    scratch.succeed(&["prepare"]);
    assert_snapshot!("changelogs", files(&scratch, &CHANGELOGS));
    assert_snapshot!("manifests", files(&scratch, &["Cargo.toml", "crates/klikoo/Cargo.toml"]));
    assert_snapshot!("prepared_files", scratch.git(&["diff", "--stat=120", "--name-only"]));
    scratch.commit("chore: release");
    assert!(scratch.succeed(&["prepare"]).ends_with("\n"), "a second time changes nothing");
    assert_eq!(scratch.git(&["status", "--porcelain"]), "");
    scratch.succeed(&["check", "--registry", "local"]);

    let before = scratch.registry.uploads().len();
    scratch.registry.answer_only(1);
    let publish = scratch.start(&TO_LOCAL);
    scratch.registry.wait_for_unanswered();
    kill_group(publish);
    assert_eq!(scratch.registry.uploads()[before..], ["biller-core 0.2.0", "klikoo 0.2.0"]);
    assert!(!scratch.tags().contains(&"klikoo-v0.2.0".to_owned()));

    assert_snapshot!("publish_finished", scratch.succeed(&TO_LOCAL));
    assert_eq!(
        scratch.registry.uploads()[before..],
        ["biller-core 0.2.0", "klikoo 0.2.0", "mmbc-pulsa 0.2.0", "billers 0.2.0", "biller-cli 0.1.1"]
    );
    assert_snapshot!("tags", scratch.tags().join("\n"));
    assert_snapshot!("publish_again", scratch.succeed(&TO_LOCAL));
    assert_eq!(scratch.registry.uploads().len(), before + 5);
}

#[test]
fn a_break_under_a_fix_is_a_break_and_no_smaller_version_passes() {
    let scratch = Scratch::released();
    scratch.record_breaks("klikoo");
    assert_hidden_break_is_found(&scratch);
}

#[test]
fn cargo_semver_checks_itself_finds_the_break_under_a_fix() {
    let mut scratch = Scratch::released();
    if scratch.finds_breaks_itself() {
        assert_hidden_break_is_found(&scratch);
    }
}

fn assert_hidden_break_is_found(scratch: &Scratch) {
    scratch.write("crates/klikoo/src/lib.rs", "pub enum Outcome { Succeeded, Late }\n");
    scratch.commit("fix: tidy up");
    assert_snapshot!("hidden_break", scratch.succeed(&["plan"]));
    assert_snapshot!("refused_version", scratch.fail(&["plan", "--set", "klikoo=0.1.1"]));
    assert!(scratch.succeed(&["plan", "--set", "klikoo=1.0.0"]).contains("klikoo: 0.1.0 -> 1.0.0\n"));
}

#[test]
fn what_changes_after_preparing_has_to_be_prepared_again() {
    let scratch = Scratch::released();
    scratch.append("crates/klikoo/src/lib.rs", "// Rounds up.");
    scratch.commit("fix: round prices up");
    scratch.succeed(&["prepare"]);
    scratch.commit("chore: release klikoo 0.1.1");
    scratch.append("crates/klikoo/src/lib.rs", "// Rounds down.");
    scratch.commit("fix: round fees down");
    let changed = scratch.fail(&TO_LOCAL);
    assert!(changed.contains("klikoo has changed since 0.1.1 was prepared"), "{changed}");
    assert!(changed.contains("round fees down"), "{changed}");
    scratch.succeed(&["prepare"]);
    scratch.commit("chore: release klikoo 0.1.1");
    assert_snapshot!("prepared_again", scratch.read("crates/klikoo/CHANGELOG.md"));
    scratch.succeed(&TO_LOCAL);
    assert_eq!(scratch.registry.uploads().last().unwrap(), "klikoo 0.1.1");
}

#[test]
fn a_yanked_or_half_published_set_is_explained() {
    let scratch = Scratch::released();
    scratch.registry.yank("biller-core", "0.1.0");
    assert_snapshot!("yanked", scratch.succeed(&["publish", "--registry", "local"]));
    scratch.append("crates/klikoo/src/lib.rs", "// Rounds up.");
    scratch.commit("fix: round prices up");
    scratch.succeed(&["prepare"]);
    scratch.commit("chore: release klikoo 0.1.1");
    let upon = scratch.fail(&TO_LOCAL);
    assert!(upon.contains("klikoo 0.1.1 is built upon biller-core 0.1.0, which was yanked"), "{upon}");

    scratch.registry.clear();
    let tagged = scratch.fail(&TO_LOCAL);
    assert!(tagged.contains("biller-core 0.1.0 has its tag biller-core-v0.1.0 but is not in the registry"), "{tagged}");
}

#[test]
fn each_check_builds_what_it_has_packaged_itself() {
    let scratch = Scratch::new();
    scratch.succeed(&["check", "--registry", "local"]);
    scratch.append("crates/biller-core/src/lib.rs", "pub fn fee() {}");
    scratch.append("crates/mmbc-pulsa/src/lib.rs", "pub use biller_core::fee;");
    scratch.commit("feat: charge a fee");
    scratch.succeed(&["check", "--registry", "local"]);
    scratch.write("crates/biller-core/src/lib.rs", "");
    scratch.commit("fix!: charge no fee");
    let failed = scratch.fail(&["check", "--registry", "local"]);
    assert!(failed.contains("no `fee` in the root"), "{failed}");
}

#[test]
fn uncommitted_changes_stop_everything_that_writes() {
    let scratch = Scratch::new();
    scratch.append("crates/klikoo/src/lib.rs", "// Not committed.");
    for task in [&["prepare"][..], &["check"], &["publish"]] {
        let stopped = scratch.fail(task);
        assert_eq!(stopped, "xtask: commit these changes first:\n M crates/klikoo/src/lib.rs\n");
    }
}
