//! A repository in the shape of this one, small, with a registry beside it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::registry::Registry;

/// The crates and what they are built upon.
const CRATES: &[(&str, &[&str])] = &[
    ("biller-cli", &["billers"]),
    ("biller-core", &[]),
    ("billers", &["biller-core", "klikoo", "mmbc-pulsa"]),
    ("klikoo", &["biller-core"]),
    ("mmbc-pulsa", &["biller-core"]),
];

pub struct Scratch {
    pub registry: Registry,
    folder: TempDir,
    /// Whether cargo-semver-checks runs, or a program in its place.
    finds_breaks: bool,
}

impl Scratch {
    /// Committed, with nothing released.
    pub fn new() -> Self {
        let scratch = Self { registry: Registry::start(), folder: tempfile::tempdir().unwrap(), finds_breaks: false };
        let table: String = CRATES
            .iter()
            .map(|(name, _)| {
                format!("{name} = {{ path = \"crates/{name}\", version = \"0.1\", registry = \"local\" }}\n")
            })
            .collect();
        scratch.write(
            "Cargo.toml",
            &format!(
                "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\", \"tests\"]\n\n[workspace.dependencies]\n# A line, never a patch.\n{table}"
            ),
        );
        scratch.write(".gitignore", "/target\n");
        for (name, upon) in CRATES {
            let upon: String = upon.iter().map(|name| format!("{name}.workspace = true\n")).collect();
            let (source, text) = match *name {
                "biller-cli" => ("src/main.rs", "fn main() {}\n"),
                "klikoo" => ("src/lib.rs", "pub fn balance() {}\npub enum Outcome { Succeeded }\n"),
                _ => ("src/lib.rs", ""),
            };
            scratch.write(
                &format!("crates/{name}/Cargo.toml"),
                &format!(
                    "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\nlicense = \"MIT\"\ndescription = \"{name}\"\n\n[dependencies]\n{upon}"
                ),
            );
            scratch.write(&format!("crates/{name}/README.md"), &format!("# {name}\n"));
            for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
                scratch.write(&format!("crates/{name}/{licence}"), "Anyone may use this.\n");
            }
            scratch.write(
                &format!("crates/{name}/CHANGELOG.md"),
                &format!("# Changelog of {name}\n\n## Unreleased\n\nThe first words about {name}.\n"),
            );
            scratch.write(&format!("crates/{name}/{source}"), text);
        }
        scratch.write(
            "tests/Cargo.toml",
            "[package]\nname = \"biller-tests\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[dependencies]\nklikoo.workspace = true\n",
        );
        scratch.write("tests/src/lib.rs", "");
        scratch
            .write_beside("semver-checks", "#!/bin/sh\ncat \"${0%/*}/breaks-$2\" 2>/dev/null && exit 100 || exit 0\n");
        fs::set_permissions(scratch.beside("semver-checks"), fs::Permissions::from_mode(0o755)).unwrap();
        scratch.git(&["init", "--quiet", "--initial-branch", "main"]);
        assert!(scratch.command("cargo", &["generate-lockfile"]).status().unwrap().success());
        scratch.commit("feat: begin");
        scratch
    }

    /// With every crate released as 0.1.0.
    pub fn released() -> Self {
        let scratch = Self::new();
        scratch.succeed(&["prepare"]);
        scratch.commit("chore: release everything");
        scratch.succeed(&["publish", "--execute", "--registry", "local"]);
        scratch
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    /// Adds a line at the end of a file.
    pub fn append(&self, path: &str, line: &str) {
        self.write(path, &format!("{}{line}\n", self.read(path)));
    }

    /// Reports what cargo-semver-checks found when this package's function was gone and its enum had grown.
    pub fn record_breaks(&self, package: &str) {
        self.write_beside(&format!("breaks-{package}"), include_str!("semver-checks.txt"));
    }

    /// Has cargo-semver-checks run from here on. Where it is missing, this says so, and panics when every tool is required.
    pub fn finds_breaks_itself(&mut self) -> bool {
        self.finds_breaks = self.command("cargo", &["semver-checks", "--version"]).output().unwrap().status.success();
        if !self.finds_breaks {
            let missing = "NOT RUN: cargo-semver-checks is missing; `cargo xtask tools` installs it";
            assert!(std::env::var_os("BILLER_REQUIRE_TOOLS").is_none(), "{missing}");
            // The harness would keep back what is printed.
            writeln!(std::io::stderr(), "{missing}").unwrap();
        }
        self.finds_breaks
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let output = self.command("git", arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn tags(&self) -> Vec<String> {
        self.git(&["tag", "--list"]).lines().map(str::to_owned).collect()
    }

    /// What `xtask release` writes when it succeeds.
    pub fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.release(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What `xtask release` says when it fails.
    pub fn fail(&self, arguments: &[&str]) -> String {
        let output = self.release(arguments);
        assert!(!output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }

    /// `xtask release`, running, with every process that it starts in one group.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.xtask(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn().unwrap()
    }

    fn release(&self, arguments: &[&str]) -> Output {
        self.xtask(arguments).output().unwrap()
    }

    fn xtask(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_xtask"), &["release"]);
        command.args(arguments);
        command
    }

    /// A command in the repository that knows this registry alone and shares nothing with the machine's settings.
    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let program = if program == "cargo" { env!("CARGO") } else { program };
        let mut command = Command::new(program);
        command.current_dir(self.root()).args(arguments);
        for name in ["CARGO_TARGET_DIR", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "GIT_DIR"] {
            command.env_remove(name);
        }
        command
            .env("CARGO", env!("CARGO"))
            .env("CARGO_HOME", self.beside("cargo"))
            .env("CARGO_REGISTRIES_LOCAL_INDEX", self.registry.index())
            .env("CARGO_REGISTRIES_LOCAL_TOKEN", "token")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        if !self.finds_breaks {
            command.env("XTASK_SEMVER_CHECKS", self.beside("semver-checks"));
        }
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Maintainer");
            command.env(format!("GIT_{role}_EMAIL"), "maintainer@example.com");
            command.env(format!("GIT_{role}_DATE"), "2026-01-02T03:04:05+07:00");
        }
        command
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_beside(&self, name: &str, text: &str) {
        fs::write(self.beside(name), text).unwrap();
    }
}

/// Ends a process and all that it started, at once.
pub fn kill_group(mut leader: Child) {
    let killed = Command::new("kill").args(["-KILL", "--", &format!("-{}", leader.id())]).status().unwrap();
    assert!(killed.success());
    leader.wait().unwrap();
}

/// The text of several files, each under its name.
pub fn files(scratch: &Scratch, paths: &[&str]) -> String {
    paths.iter().map(|path| format!("==> {path}\n{}\n", scratch.read(Path::new(path).to_str().unwrap()))).collect()
}
