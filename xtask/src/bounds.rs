//! Both ends of what the manifests of the published crates let in.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use toml_edit::{Array, DocumentMut, value};

use crate::Result;
use crate::command::{cargo, run};

/// Builds the published crates with the lowest versions that they name, and biller-journal with the newest SQLite that it lets in.
pub fn check(root: &Path) -> Result<()> {
    // A workspace of its own over the same sources, so that Cargo.lock stays as it is.
    let folder = root.join("target/bounds");
    fs::create_dir_all(&folder)?;
    if !folder.join("crates").exists() {
        symlink(root.join("crates"), folder.join("crates"))?;
    }
    let mut manifest: DocumentMut = fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
    manifest["workspace"]["members"] = value(Array::from_iter(["crates/*"]));
    fs::write(folder.join("Cargo.toml"), manifest.to_string())?;

    run(cargo(&folder, ["update", "-Z", "direct-minimal-versions", "--quiet"]).env("RUSTC_BOOTSTRAP", "1"))?;
    build(&folder, "--workspace")?;

    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    // The newest needs a newer Rust than our oldest.
    run(cargo(&folder, ["update", "--package", "rusqlite"]).env("CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS", "allow"))?;
    build(&folder, "--package=biller-journal")
}

fn build(folder: &Path, selection: &str) -> Result<()> {
    // What both workspaces build alike is built once.
    run(&mut cargo(folder, ["check", "--locked", selection, "--all-features", "--target-dir", ".."]))
}
