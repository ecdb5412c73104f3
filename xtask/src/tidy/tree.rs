//! What the rules look at.

use std::fs;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;

use crate::Result;
use crate::workspace::providers;

/// The working tree.
pub struct Tree {
    root: PathBuf,
    /// The provider crates, by the name of their folder.
    pub providers: Vec<String>,
    /// The decisions of `xtask/tidy.toml`.
    decisions: toml::Table,
}

/// Something that breaks a rule.
pub struct Finding {
    /// The file, with a line where that helps.
    pub place: String,
    pub text: String,
}

impl Finding {
    pub fn new(place: &str, text: impl Into<String>) -> Self {
        Self { place: place.to_owned(), text: text.into() }
    }

    /// At the beginning of a piece of a Rust file.
    pub fn at(path: &str, piece: &impl Spanned, text: impl Into<String>) -> Self {
        Self { place: format!("{path}:{}", piece.span().start().line), text: text.into() }
    }
}

impl Tree {
    pub fn new(root: &Path) -> Result<Self> {
        let decisions = fs::read_to_string(root.join("xtask/tidy.toml"))?.parse()?;
        Ok(Self { root: root.to_path_buf(), providers: providers(root)?, decisions })
    }

    /// The texts that `xtask/tidy.toml` lists under a table's key.
    pub fn decided(&self, table: &str, key: &str) -> Vec<&str> {
        let list = self.decisions.get(table).and_then(|table| table.get(key)).and_then(toml::Value::as_array);
        list.map(|list| list.iter().filter_map(toml::Value::as_str).collect()).unwrap_or_default()
    }

    pub fn has(&self, path: &str) -> bool {
        self.root.join(path).is_file()
    }

    /// A file's text; empty when it is missing, which the rule about file names reports.
    pub fn text(&self, path: &str) -> Result<String> {
        if self.has(path) { Ok(fs::read_to_string(self.root.join(path))?) } else { Ok(String::new()) }
    }

    pub fn toml(&self, path: &str) -> Result<toml::Table> {
        self.text(path)?.parse().map_err(|error| format!("{path}: {error}").into())
    }

    /// A file of Rust; empty when it is missing.
    pub fn rust(&self, path: &str) -> Result<syn::File> {
        syn::parse_file(&self.text(path)?).map_err(|error| format!("{path}: {error}").into())
    }

    /// All files in a folder and below, sorted; none when it is missing.
    pub fn files(&self, folder: &str) -> Result<Vec<String>> {
        let mut files = Vec::new();
        let mut folders = vec![self.root.join(folder)];
        while let Some(folder) = folders.pop().filter(|folder| folder.is_dir()) {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path.strip_prefix(&self.root)?.to_string_lossy().replace('\\', "/"));
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// The names of the folders in a folder, sorted.
    pub fn folders(&self, folder: &str) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.root.join(folder))? {
            let entry = entry?;
            if entry.path().is_dir() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }
}
