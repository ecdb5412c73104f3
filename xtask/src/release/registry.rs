//! What a registry has of a version, asked through cargo.

use std::fs;

use semver::Version;

use super::Target;
use crate::Result;
use crate::command::{cargo, output};

/// What a registry has of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Absent,
    Published,
    /// Published and withdrawn: the number is used up, and no new project gets it.
    Yanked,
}

/// Has cargo resolve exactly this version for an empty crate, and reads what it says.
pub fn state(target: &Target, name: &str, version: &Version) -> Result<State> {
    let probe = tempfile::tempdir()?;
    fs::create_dir(probe.path().join("src"))?;
    fs::write(probe.path().join("src/lib.rs"), "")?;
    let registry = target.registry.as_ref().map(|name| format!(", registry = \"{name}\"")).unwrap_or_default();
    let manifest = format!(
        "[package]\nname = \"probe\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{name} = {{ version = \"={version}\", default-features = false{registry} }}\n"
    );
    fs::write(probe.path().join("Cargo.toml"), manifest)?;
    let output = output(&mut cargo(probe.path(), ["generate-lockfile", "--color", "never"]))?;
    if output.status.success() {
        return Ok(State::Published);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let requirement = format!("for the requirement `{name} = \"={version}\"`");
    if said.contains(&format!("no matching package named `{name}` found")) {
        Ok(State::Absent)
    } else if said.contains(&requirement) && said.contains(&format!("version {version} is yanked")) {
        Ok(State::Yanked)
    } else if said.contains(&requirement) && said.contains("candidate versions found which didn't match") {
        Ok(State::Absent)
    } else if said.contains(&format!("which satisfies dependency `{name} = \"={version}\"`")) {
        // It is there, and what fails is something that it is built upon.
        Ok(State::Published)
    } else {
        Err(format!("cannot tell whether {name} {version} is published:\n{}", said.trim_end()).into())
    }
}
