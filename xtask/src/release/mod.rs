//! Releases: what has to be released, versions and changelogs, packages, publishing.

mod changelog;
mod check;
mod commit;
mod plan;
mod prepare;
mod publish;
mod registry;
mod semver_checks;

pub use check::contents;

use std::path::Path;

use clap::{Args, Subcommand};

use crate::Result;
use crate::command::{git, text};
use crate::workspace::Package;

/// Release crates, each with a version of its own.
#[derive(Subcommand)]
pub enum Release {
    /// Show which crates have to be released, under which versions and why. Changes nothing.
    Plan(plan::Options),
    /// Write the planned versions and changelogs, for review and commit.
    Prepare(plan::Options),
    /// Package all crates and build each from its package, against each other.
    Check(Target),
    /// Publish what is prepared, in order, and tag it. Can be interrupted and run again.
    Publish(publish::Publish),
}

/// Where crates go to.
#[derive(Args)]
pub struct Target {
    /// A registry of cargo's configuration, instead of the default one.
    #[arg(long, value_name = "NAME")]
    registry: Option<String>,
}

impl Release {
    pub fn run(self, root: &Path) -> Result<()> {
        match self {
            Self::Plan(options) => {
                print!("{}", plan::Plan::new(root, &options)?);
                Ok(())
            }
            Self::Prepare(options) => prepare::run(root, &options),
            Self::Check(target) => check::run(root, &target),
            Self::Publish(publish) => publish.run(root),
        }
    }
}

impl Target {
    /// The registry as arguments for cargo.
    fn arguments(&self) -> Vec<&str> {
        self.registry.iter().flat_map(|name| ["--registry", name.as_str()]).collect()
    }
}

impl Package {
    /// The tag of the version that stands in the manifest.
    fn tag(&self) -> String {
        format!("{}-v{}", self.name, self.version)
    }
}

fn require_clean(root: &Path) -> Result<()> {
    let changes = text(&mut git(root, ["status", "--porcelain"]))?;
    if changes.is_empty() { Ok(()) } else { Err(format!("commit these changes first:\n{}", changes.trim_end()).into()) }
}
