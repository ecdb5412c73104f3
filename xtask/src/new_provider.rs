//! A provider crate in the common shape, registered everywhere, that compiles and can do nothing yet.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::Result;
use crate::command::{cargo, text};
use crate::workspace::LICENCES;

#[derive(Args)]
pub struct NewProvider {
    /// The crate's name, such as `acme-pulsa`: lower-case words joined by `-`.
    name: String,
}

macro_rules! templates {
    ($($path:literal from $template:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../templates/", $template, ".txt")))),*]
    };
}

/// The new files, with the names of the provider in double braces.
const FILES: &[(&str, &str)] = templates![
    "crates/{{name}}/Cargo.toml" from "Cargo.toml",
    "crates/{{name}}/README.md" from "README.md",
    "crates/{{name}}/CHANGELOG.md" from "CHANGELOG.md",
    "crates/{{name}}/src/lib.rs" from "lib.rs",
    "crates/{{name}}/src/auth.rs" from "auth.rs",
    "crates/{{name}}/src/biller.rs" from "biller.rs",
    "crates/{{name}}/src/client.rs" from "client.rs",
    "crates/{{name}}/src/codes.rs" from "codes.rs",
    "crates/{{name}}/src/config.rs" from "config.rs",
    "crates/{{name}}/src/model.rs" from "model.rs",
    "crates/{{name}}/src/operations.rs" from "operations.rs",
    "crates/biller-sandbox/src/{{module}}/mod.rs" from "sandbox.rs",
    "tests/conformance/{{module}}.rs" from "conformance.rs",
];

/// A text for a file that exists: before the first line that begins with `end`, or is empty where that is, after the line that begins
/// with `start`.
struct Registration {
    path: &'static str,
    start: &'static str,
    end: &'static str,
    text: &'static str,
}

const fn register(path: &'static str, start: &'static str, end: &'static str, text: &'static str) -> Registration {
    Registration { path, start, end, text }
}

const REGISTRATIONS: &[Registration] = &[
    register(
        "Cargo.toml",
        "# Crates of this workspace",
        "",
        "{{name}} = { path = \"crates/{{name}}\", version = \"0.1\", default-features = false }\n",
    ),
    register("crates/billers/Cargo.toml", "# Providers;", "# HTTP", "{{name}} = [\"dep:{{name}}\"]\n"),
    register("crates/billers/Cargo.toml", "[dependencies]", "", "{{name}} = { workspace = true, optional = true }\n"),
    register(
        "crates/billers/src/lib.rs",
        "pub use billers::",
        "",
        "#[cfg(feature = \"{{name}}\")]\npub use {{module}};\n",
    ),
    register(
        "crates/billers/src/billers.rs",
        "const PROVIDERS:",
        "];",
        "    #[cfg(feature = \"{{name}}\")]
    Provider {
        name: \"{{name}}\",
        prefix: \"{{PREFIX}}\",
        settings: {{module}}::Config::SETTINGS,
        build: |settings, wiring| {
            let config = {{module}}::Config::from_settings(settings)?;
            let client = match wiring {
                Some(wiring) => {{module}}::Client::with_wiring(config, wiring.clone()),
                None => over_http!({{module}}::Client::new(config)),
            };
            Ok(Arc::new({{module}}::{{type}}::new(client)))
        },
    },
",
    ),
    register("crates/billers/README.md", "| feature ", "", "| `{{name}}` | {{name}} | `{{name}}` |\n"),
    register("README.md", "| [`billers`]", "| [`biller-core`]", "| [`{{name}}`](crates/{{name}}) | {{name}} |\n"),
    register("crates/biller-sandbox/src/lib.rs", "mod ", "", "mod {{module}};\n"),
    register(
        "tests/Cargo.toml",
        "[dev-dependencies]",
        "",
        "{{name}} = { workspace = true, features = [\"rustls\"] }\n",
    ),
    register("tests/conformance/main.rs", "mod ", "", "mod {{module}};\n"),
];

/// Texts that follow another one at once, in lists that may stand on one line.
const LIST_ENTRIES: &[(&str, &str, &str)] = &[
    ("crates/biller-sandbox/src/lib.rs", "    vec![", "{{module}}::provider(seed), "),
    ("tests/conformance/main.rs", "static SUBJECTS: &[&dyn Subject] = &[", "&{{module}}::{{type}}, "),
];

/// The HTTP features of the facade, which every provider that is on follows.
const HTTP_FEATURES: [&str; 5] = ["rustls", "rustls-no-provider", "native-tls", "http2", "http-client"];

impl NewProvider {
    pub fn run(self, root: &Path) -> Result<()> {
        let name = self.name;
        let words: Vec<&str> = name.split('-').collect();
        let is_word = |word: &&str| {
            word.starts_with(|first: char| first.is_ascii_lowercase())
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if !words.iter().all(is_word) {
            return Err(format!("{name}: expected lower-case words joined by -, such as acme-pulsa").into());
        }
        if root.join("crates").join(&name).exists() {
            return Err(format!("crates/{name} exists").into());
        }
        let module = name.replace('-', "_");
        let kind: String = words.iter().map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        let fill = |text: &str| {
            text.replace("{{name}}", &name)
                .replace("{{module}}", &module)
                .replace("{{type}}", &kind)
                .replace("{{PREFIX}}", &module.to_uppercase())
        };
        // All that exists is changed in memory first, so that a place that is not found leaves nothing half done.
        let mut files: Vec<(PathBuf, String)> =
            FILES.iter().map(|(path, text)| (root.join(fill(path)), fill(text))).collect();
        files.push((root.join(fill("tests/fixtures/{{name}}/.gitkeep")), String::new()));
        for registration in REGISTRATIONS {
            registered(root, &mut files, registration, &fill)?;
        }
        for (path, before, text) in LIST_ENTRIES {
            change(root, &mut files, path, |old| {
                let (head, tail) = old.split_once(before).ok_or_else(|| format!("{path} has no {before:?}"))?;
                Ok(format!("{head}{before}{}{tail}", fill(text)))
            })?;
        }
        follow_http_features(root, &mut files, &name)?;
        for (path, text) in &files {
            fs::create_dir_all(path.parent().unwrap_or(root))?;
            fs::write(path, text)?;
        }
        for licence in LICENCES {
            symlink(Path::new("../..").join(licence), root.join("crates").join(&name).join(licence))?;
        }
        text(&mut cargo(root, ["fmt", "--all"]))?;
        println!("crates/{name} is there and registered; now:");
        println!("  cargo test -p biller-tests --test conformance   what is left to do");
        println!("  cargo xtask tidy                                which sources are missing");
        Ok(())
    }
}

/// Changes a file's text in the list, reading it first where it is not there yet.
fn change(
    root: &Path,
    files: &mut Vec<(PathBuf, String)>,
    path: &str,
    change: impl FnOnce(&str) -> Result<String>,
) -> Result<()> {
    let path = root.join(path);
    let at = match files.iter().position(|(known, _)| *known == path) {
        Some(at) => at,
        None => {
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            files.push((path, text));
            files.len() - 1
        }
    };
    files[at].1 = change(&files[at].1)?;
    Ok(())
}

fn registered(
    root: &Path,
    files: &mut Vec<(PathBuf, String)>,
    registration: &Registration,
    fill: &impl Fn(&str) -> String,
) -> Result<()> {
    let Registration { path, start, end, text } = registration;
    change(root, files, path, |old| {
        let mut lines: Vec<&str> = old.split_inclusive('\n').collect();
        let start_at = lines.iter().position(|line| line.starts_with(start));
        let end_at = start_at.and_then(|at| {
            let ends = |line: &&str| if end.is_empty() { line.trim().is_empty() } else { line.starts_with(end) };
            let end_of_file = end.is_empty().then_some(lines.len());
            lines[at..].iter().position(ends).map(|after| at + after).or(end_of_file)
        });
        let end_at = end_at.ok_or_else(|| format!("{path}: no line begins with {start:?} and, after it, {end:?}"))?;
        let text = fill(text);
        lines.insert(end_at, &text);
        Ok(lines.concat())
    })
}

fn follow_http_features(root: &Path, files: &mut Vec<(PathBuf, String)>, name: &str) -> Result<()> {
    change(root, files, "crates/billers/Cargo.toml", |old| {
        let mut manifest: toml_edit::DocumentMut = old.parse()?;
        for feature in HTTP_FEATURES {
            let enables = manifest["features"][feature].as_array_mut();
            enables.ok_or_else(|| format!("billers has no feature {feature}"))?.push(format!("{name}?/{feature}"));
        }
        Ok(manifest.to_string())
    })
}
