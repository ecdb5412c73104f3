//! Fuzz targets, one for each provider: all its decoders and its callback parser read the same bytes.
//!
//! The samples of the documents are the seed corpus, of each target the folder of its crate in `tests/fixtures`. What is found goes to
//! the first folder, which has to exist and stays out of the repository. From this folder, for ten minutes each:
//!
//! ```text
//! mkdir -p corpus/biller-v2 corpus/klikoo corpus/mmbc-pulsa corpus/pln-prepaid corpus/sidompul
//! cargo +nightly fuzz run --fuzz-dir . biller-v2   corpus/biller-v2   ../fixtures/biller-v2       -- -max_total_time=600
//! cargo +nightly fuzz run --fuzz-dir . klikoo      corpus/klikoo      ../fixtures/klikoo          -- -max_total_time=600
//! cargo +nightly fuzz run --fuzz-dir . mmbc-pulsa  corpus/mmbc-pulsa  ../fixtures/mmbc-pulsa      -- -max_total_time=600
//! cargo +nightly fuzz run --fuzz-dir . pln-prepaid corpus/pln-prepaid ../fixtures/pln-prepaid     -- -max_total_time=600
//! cargo +nightly fuzz run --fuzz-dir . sidompul    corpus/sidompul    ../fixtures/sidompul-client -- -max_total_time=600
//! ```
//!
//! What the conformance suite runs every day on made-up bytes is the same list of readers.

#![allow(dead_code, unused_imports)]

use bytes::Bytes;

#[path = "../../conformance/biller_v2.rs"]
pub mod biller_v2;
#[path = "../../conformance/klikoo.rs"]
pub mod klikoo;
#[path = "../../conformance/mmbc_pulsa.rs"]
pub mod mmbc_pulsa;
#[path = "../../conformance/pln_prepaid.rs"]
pub mod pln_prepaid;
#[path = "../../conformance/sidompul.rs"]
pub mod sidompul;
#[path = "../../conformance/subject.rs"]
pub mod subject;

/// Has every reader of a provider read these bytes.
pub fn read_all(subject: &dyn subject::Subject, body: &[u8]) {
    let body = Bytes::copy_from_slice(body);
    for reader in subject.readers() {
        let _ = (reader.read)(body.clone());
    }
}
