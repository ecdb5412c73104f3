//! The everyday twins of the fuzz targets: every decoder and callback parser takes any bytes, every sample of the documents, and
//! every cut of a valid reply, without a panic.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use libtest_mimic::{Failed, Trial};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRng, TestRunner};

use crate::cases::valid_reply;
use crate::subject::Subject;

/// Bytes, text, and JSON with members that replies have.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        "-?[0-9]{1,30}(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,3})?",
        any::<String>().prop_map(|text| serde_json::Value::String(text).to_string()),
        "\"[0-9]{0,24}\"",
        "\"[A-Za-z_ ]{0,12}\"",
    ];
    let json = scalar.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(("[A-Za-z_]{1,20}", inner), 0..6).prop_map(|members| {
                let members: Vec<_> = members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    });
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        any::<String>().prop_map(String::into_bytes),
        json.prop_map(String::into_bytes),
    ]
}

/// The samples of the provider's documents, the seed corpus of its fuzz target.
fn samples(subject: &dyn Subject) -> Result<Vec<Bytes>, Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(subject.folder());
    let read = |file: std::io::Result<fs::DirEntry>| Ok(Bytes::from(fs::read(file?.path())?));
    let files: std::io::Result<Vec<Bytes>> = fs::read_dir(&folder).and_then(|files| files.map(read).collect());
    match files {
        Ok(samples) if samples.is_empty() => Err(format!("provider {}: no samples", subject.folder()).into()),
        Ok(samples) => Ok(samples),
        Err(error) => Err(format!("provider {}: no samples: {error}", subject.folder()).into()),
    }
}

pub fn trials(subjects: &[&'static dyn Subject]) -> Vec<Trial> {
    subjects
        .iter()
        .flat_map(|subject| subject.readers().into_iter().map(move |reader| (*subject, Arc::new(reader))))
        .map(|(subject, reader)| {
            Trial::test(format!("{}::{}::takes any bytes", subject.folder(), reader.name), move || {
                let config = Config { cases: 256, failure_persistence: None, ..Config::default() };
                let rng = TestRng::deterministic_rng(config.rng_algorithm);
                let mut runner = TestRunner::new_with_rng(config, rng);
                for sample in samples(subject)? {
                    let _ = (reader.read)(sample);
                }
                let at = subject.calls().iter().position(|call| call.operation == reader.name);
                if let Some(valid) = at.and_then(|at| valid_reply(subject, at)) {
                    let valid = valid.into_body();
                    for end in 0..valid.len() {
                        let _ = (reader.read)(valid.slice(..end));
                    }
                }
                let result = runner.run(&bodies(), |body| {
                    let _ = (reader.read)(Bytes::from(body));
                    Ok(())
                });
                result.map_err(|error| format!("provider {}, reader {}: {error}", subject.folder(), reader.name).into())
            })
        })
        .collect()
}
