//! The workspace: where it is and which crates it publishes.

use std::path::{Path, PathBuf};

use semver::Version;
use serde_json::Value;

use crate::Result;
use crate::command::{cargo, text};

/// The folders in `crates` that hold no provider.
const NO_PROVIDERS: &[&str] = &["biller-core", "biller-sandbox", "biller-journal", "biller-cli", "billers"];

/// The licences' texts, which stand at the root and, as links to these, in each crate.
pub const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// The folder of the workspace that the current folder belongs to.
pub fn root() -> Result<PathBuf> {
    let here = std::env::current_dir()?;
    let root = here.ancestors().find(|folder| {
        std::fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|manifest| manifest.contains("[workspace]"))
    });
    root.map(Path::to_path_buf).ok_or_else(|| format!("{} lies in no workspace", here.display()).into())
}

/// The names of the provider crates, sorted: every folder in `crates` that is not known to be something else.
pub fn providers(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root.join("crates"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !NO_PROVIDERS.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// A published crate.
pub struct Package {
    pub name: String,
    pub version: Version,
    /// Relative to the root, with `/`.
    pub folder: String,
    /// Whether other crates can depend on it.
    pub library: bool,
    /// The published crates of this workspace that it is built from, tests aside.
    pub dependencies: Vec<String>,
}

/// The published crates, each after those that it depends on.
pub fn packages(root: &Path) -> Result<Vec<Package>> {
    let metadata = text(&mut cargo(root, ["metadata", "--no-deps", "--offline", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let mut waiting = Vec::new();
    for package in list(&metadata["packages"]) {
        // An empty list of registries is how cargo shows `publish = false`.
        if package["publish"].as_array().is_none_or(|registries| !registries.is_empty()) {
            waiting.push(read(root, package)?);
        }
    }
    waiting.sort_by(|one, other| one.name.cmp(&other.name));
    let published: Vec<String> = waiting.iter().map(|package| package.name.clone()).collect();
    for package in &mut waiting {
        package.dependencies.retain(|name| published.contains(name));
    }
    let mut ordered: Vec<Package> = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|package| {
            package.dependencies.iter().all(|name| ordered.iter().any(|before| before.name == *name))
        });
        let ready = ready.ok_or("the crates of this workspace depend on each other in a circle")?;
        ordered.push(waiting.remove(ready));
    }
    Ok(ordered)
}

fn read(root: &Path, package: &Value) -> Result<Package> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let manifest = PathBuf::from(word(&package["manifest_path"]));
    let folder = manifest.parent().unwrap_or(root);
    let folder = folder.strip_prefix(root.canonicalize()?).or_else(|_| folder.strip_prefix(root))?;
    Ok(Package {
        name: word(&package["name"]),
        version: word(&package["version"]).parse()?,
        folder: folder.to_string_lossy().replace('\\', "/"),
        library: list(&package["targets"])
            .iter()
            .any(|target| list(&target["kind"]).iter().any(|kind| kind == "lib" || kind == "proc-macro")),
        dependencies: list(&package["dependencies"])
            .iter()
            .filter(|dependency| dependency["kind"] != "dev" && !dependency["path"].is_null())
            .map(|dependency| word(&dependency["name"]))
            .collect(),
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
