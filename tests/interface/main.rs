//! No type of the HTTP library stands in any interface but that of the adapter that is made for it.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

const ADAPTER: &str = "biller-core/src/reqwest_transport.rs";

/// Every Rust source of every crate, its tests aside.
fn sources() -> Vec<PathBuf> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut folders: Vec<PathBuf> =
        fs::read_dir(crates).unwrap().map(|entry| entry.unwrap().path().join("src")).collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(path);
            }
        }
    }
    sources
}

/// The lines outside comments that name the library, which is more than a public interface could show.
fn mentions(source: &Path) -> Vec<String> {
    fs::read_to_string(source)
        .unwrap()
        .lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with("//"))
        .filter(|line| line.contains("reqwest::") || line.contains("use reqwest"))
        .map(|line| format!("{}: {line}", source.display()))
        .collect()
}

#[test]
fn only_the_adapter_names_the_http_library() {
    let (adapter, others): (Vec<_>, Vec<_>) = sources().into_iter().partition(|source| source.ends_with(ADAPTER));
    assert!(adapter.iter().flat_map(|source| mentions(source)).any(|line| line.contains("pub fn from_client")));
    assert_eq!(others.iter().flat_map(|source| mentions(source)).collect::<Vec<_>>(), [""; 0]);
}
