//! Publishing, one crate after those that it is built upon, each tagged as soon as it is out.
//!
//! Nothing is remembered between two runs but what registry and tags say, so an interrupted run is finished by running it again.

use std::fs;
use std::path::Path;

use clap::Args;

use super::commit::{Change, commits};
use super::plan::released;
use super::registry::{self, State};
use super::{Target, changelog, require_clean};
use crate::Result;
use crate::command::{self, cargo, git, text};
use crate::workspace::{Package, packages};

#[derive(Args)]
pub struct Publish {
    /// Do it. Without this, only what would be done is shown.
    #[arg(long)]
    execute: bool,
    #[command(flatten)]
    target: Target,
}

/// What is left to do for one crate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Nothing,
    /// Nothing, and nothing can be built upon this version.
    Withdrawn,
    /// Published by a run that was interrupted before it could tag.
    Tag,
    PublishAndTag,
}

impl Publish {
    pub fn run(self, root: &Path) -> Result<()> {
        require_clean(root)?;
        let packages = packages(root)?;
        // Everything is looked at before anything is published.
        let mut steps = Vec::new();
        for package in &packages {
            steps.push(self.step(root, package, &steps)?);
        }
        let left = steps.iter().any(|(_, step)| matches!(step, Step::Tag | Step::PublishAndTag));
        if steps.iter().any(|(_, step)| *step == Step::Tag) {
            println!("an earlier run was interrupted: what it published stays, the rest follows");
        }
        for (package, step) in steps {
            self.carry_out(root, package, step)?;
        }
        println!(
            "{}",
            match (left, self.execute) {
                (false, _) => "nothing to publish",
                (true, true) => "done; send the tags: git push --tags",
                (true, false) => "nothing was done; --execute does it",
            }
        );
        Ok(())
    }

    fn step<'a>(
        &self,
        root: &Path,
        package: &'a Package,
        before: &[(&'a Package, Step)],
    ) -> Result<(&'a Package, Step)> {
        let (name, version, tag) = (&package.name, &package.version, package.tag());
        let tagged = !text(&mut git(root, ["tag", "--list", tag.as_str()]))?.is_empty();
        let step = match (registry::state(&self.target, name, version)?, tagged) {
            (State::Published, true) => Step::Nothing,
            (State::Published, false) => Step::Tag,
            (State::Yanked, _) => Step::Withdrawn,
            (State::Absent, false) => Step::PublishAndTag,
            (State::Absent, true) => {
                return Err(format!(
                    "{name} {version} has its tag {tag} but is not in the registry. A tag is set only after publishing, so this one was \
                     set by hand or for another registry: delete it with `git tag -d {tag}`, or name the registry with --registry"
                )
                .into());
            }
        };
        if matches!(step, Step::Tag | Step::PublishAndTag) {
            require_prepared(root, package)?;
        }
        let upon = before
            .iter()
            .find(|(before, step)| *step == Step::Withdrawn && package.dependencies.contains(&before.name));
        match (step, upon) {
            (Step::PublishAndTag, Some((withdrawn, _))) => Err(format!(
                "{name} {version} is built upon {} {}, which was yanked. Release {} under a new version first: \
                 `cargo xtask release prepare --set {}=VERSION`",
                withdrawn.name, withdrawn.version, withdrawn.name, withdrawn.name
            )
            .into()),
            _ => Ok((package, step)),
        }
    }

    fn carry_out(&self, root: &Path, package: &Package, step: Step) -> Result<()> {
        let (name, version) = (&package.name, &package.version);
        let tag = package.tag();
        match (step, self.execute) {
            (Step::Nothing, _) => println!("{name} {version}: is published"),
            (Step::Withdrawn, _) => {
                println!("{name} {version}: was yanked; new projects get an older one, and the number is used up")
            }
            (Step::Tag, false) => println!("{name} {version}: is published; would tag {tag}"),
            (Step::PublishAndTag, false) => println!("{name} {version}: would publish and tag {tag}"),
            (Step::Tag, true) => {
                self::tag(root, package)?;
                println!("{name} {version}: was published, now tagged {tag}");
            }
            (Step::PublishAndTag, true) => {
                let mut arguments = vec!["publish", "--locked", "--package", name];
                arguments.extend(self.target.arguments());
                command::run(&mut cargo(root, arguments))?;
                self::tag(root, package)?;
                println!("{name} {version}: published and tagged {tag}");
            }
        }
        Ok(())
    }
}

fn tag(root: &Path, package: &Package) -> Result<()> {
    let message = format!("{} {}", package.name, package.version);
    text(&mut git(root, ["tag", "--annotate", "--message", &message, &package.tag()])).map(drop)
}

/// Fails when the changelog lacks the version, or when the crate has changed since its section was written.
fn require_prepared(root: &Path, package: &Package) -> Result<()> {
    let (name, version) = (&package.name, &package.version);
    let path = format!("{}/CHANGELOG.md", package.folder);
    if !changelog::has(&fs::read_to_string(root.join(&path))?, version) {
        return Err(format!(
            "{name} {version} is not prepared: {path} has no section for it; run `cargo xtask release prepare`"
        )
        .into());
    }
    // A first release lists no commits, so later ones cannot be missing.
    if released(root, name)?.is_none() {
        return Ok(());
    }
    let written = text(&mut git(root, ["log", "-1", "--format=%H", "--", path.as_str()]))?;
    let later = commits(root, &package.folder, Some(written.trim()))?;
    match later.iter().find(|commit| commit.change > Change::Nothing) {
        Some(commit) => Err(format!(
            "{name} has changed since {version} was prepared ({} {}); run `cargo xtask release prepare` again",
            commit.id, commit.summary
        )
        .into()),
        None => Ok(()),
    }
}
