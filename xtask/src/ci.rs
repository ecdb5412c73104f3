//! Every check but the tests.

use std::collections::BTreeSet;
use std::path::Path;

use crate::Result;
use crate::command::{self, cargo};
use crate::workspace::{Package, packages};
use crate::{dependencies, metrics, release, tidy};

pub fn run(root: &Path) -> Result<()> {
    tidy::run(root)?;
    dependencies::check(root)?;
    metrics::check(root)?;
    in_root(root, &["fmt", "--all", "--check"])?;
    in_root(root, &["clippy", "--locked", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])?;
    in_root(root, &["doc", "--locked", "--workspace", "--no-deps", "--all-features"])?;
    for package in packages(root)? {
        release::contents(root, &package.name)?;
        for features in package.combinations() {
            in_root(
                root,
                &["check", "--locked", "--package", &package.name, "--no-default-features", "--features", &features],
            )?;
        }
    }
    Ok(())
}

/// Shows and runs one command at the workspace's root. The documentation's warnings count as errors.
fn in_root(root: &Path, arguments: &[&str]) -> Result<()> {
    command::run(cargo(root, arguments.iter().copied()).env("RUSTDOCFLAGS", "-D warnings"))
}

impl Package {
    /// No feature, each alone, and all pairs; of those that turn on the same features, the first.
    fn combinations(&self) -> Vec<String> {
        let names: Vec<&str> = self.features.keys().map(String::as_str).filter(|name| *name != "default").collect();
        let alone = names.iter().map(|name| vec![*name]);
        let pairs = names.iter().enumerate().flat_map(|(at, one)| names[..at].iter().map(|other| vec![*other, *one]));
        let mut seen: Vec<BTreeSet<String>> = Vec::new();
        let mut combinations = Vec::new();
        for features in std::iter::once(Vec::new()).chain(alone).chain(pairs) {
            let enabled = self.enabled(&features);
            if !seen.contains(&enabled) {
                combinations.push(features.join(","));
                seen.push(enabled);
            }
        }
        combinations
    }

    /// These features and all that they turn on.
    fn enabled(&self, features: &[&str]) -> BTreeSet<String> {
        let mut enabled = BTreeSet::new();
        let mut left: Vec<String> = features.iter().map(|feature| (*feature).to_owned()).collect();
        while let Some(feature) = left.pop() {
            left.extend(self.features.get(&feature).cloned().unwrap_or_default());
            enabled.insert(feature);
        }
        enabled
    }
}

#[cfg(test)]
mod tests {
    use super::Package;

    #[test]
    fn every_feature_alone_and_all_pairs_that_differ() {
        let features =
            [("http", vec![]), ("rustls", vec!["http", "core/rustls"]), ("other", vec![]), ("default", vec!["rustls"])];
        let package = Package {
            name: "klikoo".to_owned(),
            version: semver::Version::new(0, 1, 0),
            folder: "crates/klikoo".to_owned(),
            library: true,
            dependencies: Vec::new(),
            features: features
                .into_iter()
                .map(|(name, enables)| (name.to_owned(), enables.into_iter().map(str::to_owned).collect()))
                .collect(),
        };
        assert_eq!(package.combinations(), ["", "http", "other", "rustls", "http,other", "other,rustls"]);
    }
}
