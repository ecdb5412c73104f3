//! Packages, and what is in them.

use std::fs;
use std::path::Path;

use super::{Target, require_clean};
use crate::Result;
use crate::command::{self, cargo, text};
use crate::workspace::{LICENCES, packages};

/// Files that no package may lack.
const REQUIRED: &[&str] = &["Cargo.toml", "README.md", "CHANGELOG.md"];
/// Folders whose files belong in no package.
const FOREIGN: &[&str] = &["target/", "tests/fixtures/", "tests/snapshots/"];

/// Packages all crates together and builds each from its package, against the packages of the others.
pub fn run(root: &Path, registry: &Target) -> Result<()> {
    require_clean(root)?;
    let packages = packages(root)?;
    let mut arguments = vec!["package", "--locked"];
    for package in &packages {
        contents(root, &package.name)?;
        arguments.extend(["--package", &package.name]);
    }
    arguments.extend(registry.arguments());
    // In a folder of its own each time: cargo takes a version that it has seen in a folder for unchanged, and would build an earlier check's.
    let target = root.join("target");
    fs::create_dir_all(&target)?;
    let folder = tempfile::tempdir_in(target)?;
    command::run(cargo(root, arguments).env("CARGO_TARGET_DIR", folder.path()))?;
    println!("{} crates package and build from their packages", packages.len());
    Ok(())
}

/// Fails when a package lacks a file or has one too many.
pub fn contents(root: &Path, name: &str) -> Result<()> {
    let files = text(&mut cargo(root, ["package", "--locked", "--allow-dirty", "--list", "--package", name]))?;
    if let Some(file) = REQUIRED.iter().chain(&LICENCES).find(|required| !files.lines().any(|file| file == **required))
    {
        return Err(format!("the package of {name} has no {file}").into());
    }
    match files.lines().find(|file| FOREIGN.iter().any(|folder| file.starts_with(folder))) {
        Some(file) => Err(format!("the package of {name} has {file}, which belongs in no package").into()),
        None => Ok(()),
    }
}
