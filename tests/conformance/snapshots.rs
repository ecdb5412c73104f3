//! What reviewers should see change: the effect of every operation with its source, and the bytes of its request.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use libtest_mimic::Trial;

use biller_tests::text_of;

use crate::bench::{Bench, runtime};
use crate::cases::earlier_purchase;
use crate::registry::none;
use crate::subject::Subject;

pub fn trials(subjects: &[&'static dyn Subject]) -> Vec<Trial> {
    let each = subjects.iter().flat_map(|subject| {
        let subject = *subject;
        let name = subject.folder();
        [
            Trial::test(format!("{name}::all::effects"), move || {
                insta::assert_snapshot!(format!("{name}-effects"), effects(subject));
                Ok(())
            }),
            Trial::test(format!("{name}::all::requests"), move || {
                for (at, title) in titles(subject).into_iter().enumerate() {
                    insta::assert_snapshot!(title, request(subject, at));
                }
                Ok(())
            }),
        ]
    });
    let expected: BTreeSet<String> = subjects.iter().flat_map(|subject| files(*subject)).collect();
    let all = Trial::test("suite::snapshots::every operation stands in one, and none is left over", move || {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/snapshots");
        let found = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let found: BTreeSet<String> = found.collect::<Result<_, std::io::Error>>()?;
        none(
            &expected
                .symmetric_difference(&found)
                .map(|file| format!("{file}: missing or left over"))
                .collect::<Vec<_>>(),
        )
    });
    each.chain([all]).collect()
}

/// The snapshots of a provider; every operation has a call, as the registry sees to.
fn files(subject: &dyn Subject) -> Vec<String> {
    let effects = format!("{}-effects", subject.folder());
    titles(subject).into_iter().chain([effects]).map(|title| format!("conformance__snapshots__{title}.snap")).collect()
}

fn titles(subject: &dyn Subject) -> Vec<String> {
    let calls = subject.calls();
    let title = |(at, call): (usize, &crate::subject::Call)| {
        format!("{}-request-{at:02}-{}", subject.folder(), call.operation.replace(' ', "-"))
    };
    calls.iter().enumerate().map(title).collect()
}

fn effects(subject: &dyn Subject) -> String {
    let rows = subject.specs().iter().map(|spec| format!("{}\n    {}\n    {}\n", spec.name, spec.effect, spec.source));
    rows.collect()
}

/// The request of one call at a fixed time, secrets replaced by what they are.
fn request(subject: &'static dyn Subject, at: usize) -> String {
    let runtime = runtime();
    let bench = Bench::new(subject);
    runtime.block_on(async {
        earlier_purchase(&bench).await.unwrap();
        let call = &subject.calls()[at];
        drop((call.run)(bench.wiring()).await);
        let sent = bench.line.seen().into_iter().rfind(|seen| seen.operation == call.operation);
        let secrets = bench.secrets();
        let secrets: Vec<(&str, &str)> = secrets.iter().map(|secret| ("secret", secret.as_str())).collect();
        text_of(&sent.expect("it was sent").request, &secrets)
    })
}
