//! A copy of this repository that tests may spoil.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// What the rules look at, and what a new provider is registered in.
pub struct Copy(TempDir);

impl Copy {
    pub fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let copy = tempfile::tempdir().unwrap();
        for part in
            [".rustfmt.toml", "Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "crates", "tests", "xtask"]
        {
            copy_all(&root.join(part), &copy.path().join(part));
        }
        Self(copy)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.0.path().join(path)).unwrap();
    }

    /// Replaces a text that has to be there.
    pub fn replace(&self, path: &str, old: &str, new: &str) {
        let text = self.read(path);
        assert!(text.contains(old), "{path} has no {old}");
        self.write(path, &text.replace(old, new));
    }

    pub fn append(&self, path: &str, text: &str) {
        self.write(path, &(self.read(path) + text));
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.path().join(path)).unwrap()
    }

    pub fn xtask(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).current_dir(self.0.path()).output().unwrap()
    }

    /// What `cargo xtask tidy` finds.
    pub fn findings(&self) -> BTreeSet<String> {
        let output = self.xtask(&["tidy"]);
        let text = String::from_utf8(output.stdout).unwrap();
        let findings: BTreeSet<String> =
            text.lines().filter(|line| !line.starts_with("tidy: ")).map(str::to_owned).collect();
        assert_eq!(output.status.success(), findings.is_empty(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        findings
    }
}

fn copy_all(from: &Path, to: &Path) {
    if from.is_dir() {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy_all(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}
