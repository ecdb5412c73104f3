use biller_journal::{Cause, DecideError, Ruling, State};
use biller_sandbox::{Fault, FaultKind, Operation};

use crate::{Bench, pulsa, reference};

/// Unknown for good: the request was lost on its way.
async fn unknown(bench: &Bench, name: &str) {
    bench.sandbox.arm(Fault::new("klikoo", FaultKind::LoseRequest).on(Operation::Payment)).unwrap();
    bench.journal.submit("klikoo", pulsa(name, "081200000001")).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(bench.journal.get(&reference(name)).await.unwrap().unwrap().state, State::Unknown);
}

#[tokio::test(start_paused = true)]
async fn a_person_settles_what_the_machine_cannot() {
    let bench = Bench::new();
    unknown(&bench, "A-1").await;
    let name = reference("A-1");
    assert_eq!(bench.journal.decide(&name, Ruling::NotCharged, " ").await.unwrap_err(), DecideError::NoNote);
    let decided = bench.journal.decide(&name, Ruling::NotCharged, "their hotline says so").await.unwrap();
    assert_eq!((decided.state, decided.reason.as_deref()), (State::Failed, Some("their hotline says so")));
    let last = bench.journal.history(&name).await.unwrap().pop().unwrap();
    assert_eq!((last.cause, last.evidence.as_str()), (Cause::Decided, "their hotline says so"));
    // Nothing is asked any more, and a final state stays.
    let asked = bench.tape.sent().len();
    bench.pass(4000).await;
    assert_eq!(bench.tape.sent().len(), asked);
    let again = bench.journal.decide(&name, Ruling::Charged, "after all").await.unwrap_err();
    assert_eq!(again, DecideError::NotOpen(State::Failed));
    let missing = bench.journal.decide(&reference("A-9"), Ruling::Charged, "x").await.unwrap_err();
    assert_eq!(missing, DecideError::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_late_success_is_surfaced_and_only_a_person_changes_the_end() {
    let bench = Bench::new();
    bench.sandbox.send_callbacks_to("klikoo", "http://127.0.0.1/callback").unwrap();
    bench.sandbox.arm(Fault::new("klikoo", FaultKind::LoseReply).on(Operation::Payment)).unwrap();
    bench.journal.submit("klikoo", pulsa("A-1", "081200000001")).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let name = reference("A-1");
    bench.journal.decide(&name, Ruling::NotCharged, "nobody saw it").await.unwrap();
    // Its callback comes after the verdict.
    for callback in bench.sandbox.take_callbacks() {
        bench.journal.accept_callback("klikoo", &http::Request::post("/").body(callback.body).unwrap()).await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let purchase = bench.journal.get(&name).await.unwrap().unwrap();
    assert_eq!(purchase.state, State::Failed);
    let last = bench.journal.history(&name).await.unwrap().pop().unwrap();
    assert_eq!(last.cause, Cause::LateSuccess);
    let decided = bench.journal.decide(&name, Ruling::Charged, "the callback was right").await.unwrap();
    assert_eq!(decided.state, State::Succeeded);
    assert_eq!(bench.buys(), 1);
}
