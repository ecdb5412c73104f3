//! Writes the planned versions into manifests, requirements and changelogs.

use std::fs;
use std::path::{Path, PathBuf};

use semver::{Version, VersionReq};
use toml_edit::{DocumentMut, Item, value};

use super::plan::{Options, Plan, line};
use super::{changelog, require_clean};
use crate::Result;
use crate::command::{cargo, git, text};

pub fn run(root: &Path, options: &Options) -> Result<()> {
    require_clean(root)?;
    let plan = Plan::new(root, options)?;
    print!("{plan}");
    let written = write(root, &plan)?;
    if written.is_empty() {
        println!("nothing to prepare");
        return Ok(());
    }
    // Only the crates of this workspace move in the lock file.
    text(&mut cargo(root, ["update", "--workspace", "--offline", "--quiet"]))?;
    println!(
        "\nprepared; review the changelogs, then commit:\n  git commit -am \"chore: release {}\"",
        written.join(", ")
    );
    Ok(())
}

/// Gives the names and versions that were written.
fn write(root: &Path, plan: &Plan) -> Result<Vec<String>> {
    let day = text(&mut git(root, ["log", "-1", "--format=%cs"]))?;
    let mut table = Manifest::read(root, "Cargo.toml")?;
    let mut written = Vec::new();
    for planned in &plan.crates {
        let Some(next) = &planned.next else { continue };
        let folder = &planned.package.folder;
        let mut manifest = Manifest::read(root, &format!("{folder}/Cargo.toml"))?;
        manifest.document["package"]["version"] = value(next.to_string());
        manifest.write()?;
        require(&mut table.document, &planned.package.name, next)?;
        let path = root.join(folder).join("CHANGELOG.md");
        let old = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        fs::write(&path, changelog::with_release(&old, planned, next, day.trim()))?;
        written.push(format!("{} {next}", planned.package.name));
    }
    table.write()?;
    Ok(written)
}

/// Writes the requirement in the workspace's table, where the present one does not let the version in.
fn require(table: &mut DocumentMut, name: &str, next: &Version) -> Result<()> {
    let Some(dependency) = table["workspace"]["dependencies"].get_mut(name) else { return Ok(()) };
    let Some(requirement) = dependency.get_mut("version") else { return Ok(()) };
    let present: VersionReq = requirement.as_str().unwrap_or_default().parse()?;
    if !present.matches(next) {
        set(requirement, line(next));
    }
    Ok(())
}

/// Replaces a value and keeps the blanks and comments around it.
fn set(item: &mut Item, text: String) {
    let decor = item.as_value().map(|value| value.decor().clone());
    *item = value(text);
    if let (Some(decor), Some(value)) = (decor, item.as_value_mut()) {
        *value.decor_mut() = decor;
    }
}

/// A manifest that is written back as people wrote it.
struct Manifest {
    path: PathBuf,
    document: DocumentMut,
}

impl Manifest {
    fn read(root: &Path, path: &str) -> Result<Self> {
        let path = root.join(path);
        let document = fs::read_to_string(&path)?.parse().map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path, document })
    }

    fn write(&self) -> Result<()> {
        Ok(fs::write(&self.path, self.document.to_string())?)
    }
}
