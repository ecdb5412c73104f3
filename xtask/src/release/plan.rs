//! Which crates have to be released, under which versions, and why.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use clap::Args;
use semver::Version;

use super::commit::{Change, Commit, commits};
use super::semver_checks;
use crate::Result;
use crate::command::{git, text};
use crate::workspace::{Package, packages};

#[derive(Args)]
pub struct Options {
    /// Decide from commit messages alone, without cargo-semver-checks.
    #[arg(long)]
    trust_commits: bool,
    /// Release this crate under this version, such as `klikoo=1.0.0`; one that hides a break is refused.
    #[arg(long = "set", value_name = "NAME=VERSION")]
    versions: Vec<String>,
}

/// What has to be released, in dependency order.
pub struct Plan {
    pub crates: Vec<Planned>,
}

/// One crate and its next version.
pub struct Planned {
    pub package: Package,
    /// The released version; none before the first release.
    pub released: Option<Version>,
    /// The next version; none when there is nothing to release.
    pub next: Option<Version>,
    pub commits: Vec<Commit>,
    /// Breaks that no commit declares: found in the interface, or carried from a dependency.
    pub breaks: Vec<String>,
}

impl Plan {
    pub fn new(root: &Path, options: &Options) -> Result<Self> {
        let mut wanted = wanted(&options.versions)?;
        let mut crates: Vec<Planned> = Vec::new();
        for package in packages(root)? {
            let wanted = wanted.remove(&package.name);
            let planned = plan(root, package, &crates, options.trust_commits, wanted)?;
            crates.push(planned);
        }
        if let Some(name) = wanted.keys().next() {
            return Err(format!("--set {name}: no published crate of this workspace").into());
        }
        Ok(Self { crates })
    }
}

fn wanted(versions: &[String]) -> Result<BTreeMap<String, Version>> {
    versions
        .iter()
        .map(|text| {
            let (name, version) = text.split_once('=').ok_or_else(|| format!("--set {text}: expected NAME=VERSION"))?;
            Ok((name.to_owned(), version.parse().map_err(|error| format!("--set {text}: {error}"))?))
        })
        .collect()
}

fn plan(
    root: &Path,
    package: Package,
    before: &[Planned],
    trust_commits: bool,
    wanted: Option<Version>,
) -> Result<Planned> {
    let Some(released) = self::released(root, &package.name)? else {
        let next = Some(wanted.unwrap_or_else(|| package.version.clone()));
        return Ok(Planned { package, released: None, next, commits: Vec::new(), breaks: Vec::new() });
    };
    let tag = format!("{}-v{released}", package.name);
    let commits = commits(root, &package.folder, Some(&tag))?;
    let mut change = commits.iter().map(|commit| commit.change).max().unwrap_or(Change::Nothing);
    let mut breaks = Vec::new();
    if package.library && !commits.is_empty() && change < Change::Break && !trust_commits {
        semver_checks::require(root)?;
        breaks = semver_checks::breaks(root, &package, &tag)?;
    }
    if !breaks.is_empty() {
        change = Change::Break;
    }
    for dependency in before.iter().filter(|planned| package.dependencies.contains(&planned.package.name)) {
        if let Some(next) = dependency.breaking_version() {
            // Types of a dependency stand in a library's interface; nothing is built upon a program.
            change = change.max(if package.library { Change::Break } else { Change::Fix });
            breaks.push(format!("built upon {} {next}", dependency.package.name));
        }
    }
    let least = grown(&released, change);
    let next = match wanted {
        Some(version) if version < least => {
            let reasons: Vec<&str> = breaks
                .iter()
                .map(String::as_str)
                .chain(commits.iter().filter(|commit| commit.change == change).map(|commit| commit.summary.as_str()))
                .collect();
            return Err(format!(
                "{} {version} is refused after {released}: at least {least} is needed\n  {}",
                package.name,
                reasons.join("\n  ")
            )
            .into());
        }
        Some(version) => Some(version),
        None if change == Change::Nothing => None,
        // A version that is prepared already stays, unless more has changed since.
        None => Some(least.max(package.version.clone())),
    };
    Ok(Planned { package, released: Some(released), next, commits, breaks })
}

/// The highest version with a tag in this history.
pub fn released(root: &Path, name: &str) -> Result<Option<Version>> {
    let prefix = format!("{name}-v");
    let tags = text(&mut git(root, ["tag", "--merged", "HEAD", "--list", format!("{prefix}*").as_str()]))?;
    Ok(tags.lines().filter_map(|tag| tag.strip_prefix(&prefix)?.parse().ok()).max())
}

/// The next version as cargo reads versions: below 1.0 a break raises the middle number, below 0.1 the last.
fn grown(version: &Version, change: Change) -> Version {
    let Version { major, minor, patch, .. } = *version;
    match (change, major, minor) {
        (Change::Nothing, ..) => version.clone(),
        (Change::Break, 0, 0) => Version::new(0, 0, patch + 1),
        (Change::Break, 0, _) => Version::new(0, minor + 1, 0),
        (Change::Break, ..) => Version::new(major + 1, 0, 0),
        (Change::Feature, 1.., _) => Version::new(major, minor + 1, 0),
        (Change::Feature | Change::Fix, ..) => Version::new(major, minor, patch + 1),
    }
}

/// The requirement that names a version's compatible line.
pub fn line(version: &Version) -> String {
    match (version.major, version.minor) {
        (0, 0) => format!("0.0.{}", version.patch),
        (0, minor) => format!("0.{minor}"),
        (major, _) => major.to_string(),
    }
}

impl Planned {
    /// The next version, when what worked with the released one may stop working.
    fn breaking_version(&self) -> Option<&Version> {
        let (released, next) = (self.released.as_ref()?, self.next.as_ref()?);
        (line(released) != line(next)).then_some(next)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for planned in &self.crates {
            writeln!(f, "{planned}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.package.name;
        match (&self.released, &self.next) {
            (None, Some(next)) => return write!(f, "{name}: {next}, the first release"),
            (Some(released), Some(next)) => write!(f, "{name}: {released} -> {next}")?,
            (Some(released), None) if self.commits.is_empty() => return write!(f, "{name}: {released}, unchanged"),
            (Some(released), None) => write!(f, "{name}: {released}, nothing to release")?,
            (None, None) => return write!(f, "{name}: nothing"),
        }
        let declared = self.commits.iter().map(|commit| commit.change).max();
        if !self.breaks.is_empty() && declared < Some(Change::Break) && self.package.library {
            write!(f, "\n  a smaller version is refused:")?;
        }
        for found in &self.breaks {
            write!(f, "\n  break    {found}")?;
        }
        for commit in &self.commits {
            let word = match commit.change {
                Change::Nothing => "-",
                Change::Fix if !commit.typed => "untyped",
                Change::Fix => "fix",
                Change::Feature => "feature",
                Change::Break => "break",
            };
            write!(f, "\n  {word:8} {}", commit.summary)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, grown, line};

    #[test]
    fn versions_grow_as_cargo_reads_them() {
        for (from, change, to, requirement) in [
            ("0.0.3", Change::Fix, "0.0.4", "0.0.4"),
            ("0.0.3", Change::Break, "0.0.4", "0.0.4"),
            ("0.1.2", Change::Nothing, "0.1.2", "0.1"),
            ("0.1.2", Change::Fix, "0.1.3", "0.1"),
            ("0.1.2", Change::Feature, "0.1.3", "0.1"),
            ("0.1.2", Change::Break, "0.2.0", "0.2"),
            ("1.4.2", Change::Fix, "1.4.3", "1"),
            ("1.4.2", Change::Feature, "1.5.0", "1"),
            ("1.4.2", Change::Break, "2.0.0", "2"),
        ] {
            let next = grown(&from.parse().expect("a version"), change);
            assert_eq!((next.to_string().as_str(), line(&next).as_str()), (to, requirement), "{from} {change:?}");
        }
    }
}
