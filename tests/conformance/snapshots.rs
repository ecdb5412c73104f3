//! What reviewers should see change: the effect of every operation with its source, and the bytes of its request.

use libtest_mimic::Trial;

use biller_tests::text_of;

use crate::SUBJECTS;
use crate::bench::Bench;
use crate::cases::earlier_purchase;
use crate::subject::Subject;

pub fn trials() -> Vec<Trial> {
    SUBJECTS
        .iter()
        .flat_map(|subject| {
            let name = subject.folder();
            [
                Trial::test(format!("{name}::all::effects"), move || {
                    insta::assert_snapshot!(format!("{name}-effects"), effects(*subject));
                    Ok(())
                }),
                Trial::test(format!("{name}::all::requests"), move || {
                    for (at, call) in subject.calls().iter().enumerate() {
                        let title = format!("{name}-request-{at:02}-{}", call.operation.replace(' ', "-"));
                        insta::assert_snapshot!(title, request(*subject, at));
                    }
                    Ok(())
                }),
            ]
        })
        .collect()
}

fn effects(subject: &dyn Subject) -> String {
    let rows = subject.specs().iter().map(|spec| format!("{}\n    {}\n    {}\n", spec.name, spec.effect, spec.source));
    rows.collect()
}

/// The request of one call at a fixed time, secrets replaced by what they are.
fn request(subject: &'static dyn Subject, at: usize) -> String {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    let bench = Bench::new(subject, None);
    runtime.block_on(async {
        earlier_purchase(&bench).await;
        let call = &subject.calls()[at];
        drop((call.run)(bench.wiring()).await);
        let sent = bench.line.seen().into_iter().rfind(|seen| seen.operation == call.operation);
        let secrets = bench.secrets();
        let secrets: Vec<(&str, &str)> = secrets.iter().map(|secret| ("secret", secret.as_str())).collect();
        text_of(&sent.expect("it was sent").request, &secrets)
    })
}
