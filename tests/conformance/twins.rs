//! The everyday twins of the fuzz targets: every decoder and callback parser takes any bytes without a panic.

use std::sync::Arc;

use bytes::Bytes;
use libtest_mimic::Trial;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRng, TestRunner};

use crate::SUBJECTS;

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

pub fn trials() -> Vec<Trial> {
    SUBJECTS
        .iter()
        .flat_map(|subject| subject.readers().into_iter().map(move |reader| (subject.folder(), Arc::new(reader))))
        .map(|(provider, reader)| {
            Trial::test(format!("{provider}::{}::takes any bytes", reader.name), move || {
                let config = Config { cases: 256, failure_persistence: None, ..Config::default() };
                let rng = TestRng::deterministic_rng(config.rng_algorithm);
                let mut runner = TestRunner::new_with_rng(config, rng);
                let result = runner.run(&bodies(), |body| {
                    let _ = (reader.read)(Bytes::from(body));
                    Ok(())
                });
                result.map_err(|error| error.to_string().into())
            })
        })
        .collect()
}
