//! What a team takes in with one of our crates, against a committed budget.

use std::fs;
use std::path::Path;
use std::time::Instant;

use clap::Args;
use syn::visit::{self, Visit};
use syn::{ImplItemFn, Item, Visibility};

use crate::Result;
use crate::command::{cargo, run, text};
use crate::workspace::{packages, providers};

#[derive(Args)]
pub struct Metrics {
    /// Also build bare reqwest and each provider from nothing, optimised: takes minutes, and wants a quiet machine.
    #[arg(long)]
    build: bool,
}

/// One measured figure and what it may be.
struct Figure {
    name: String,
    value: u64,
    limit: Option<u64>,
}

/// What a build took and made.
struct Built {
    milliseconds: u64,
    bytes: u64,
}

impl Metrics {
    pub fn run(self, root: &Path) -> Result<()> {
        let mut figures = counted(root)?;
        if self.build {
            figures.extend(built(root)?);
        }
        for Figure { name, value, limit } in &figures {
            println!("{name:44} {value:8}{}", limit.map(|limit| format!(" of {limit}")).unwrap_or_default());
        }
        judge(&figures)
    }
}

/// Fails when a figure that can be had without building exceeds its budget.
pub fn check(root: &Path) -> Result<()> {
    judge(&counted(root)?)
}

fn judge(figures: &[Figure]) -> Result<()> {
    let over: Vec<String> = figures
        .iter()
        .filter_map(|figure| match figure.limit {
            None => Some(format!("{} is {} and has no budget", figure.name, figure.value)),
            Some(limit) if figure.value > limit => Some(format!("{} is {}, over {limit}", figure.name, figure.value)),
            Some(_) => None,
        })
        .collect();
    if over.is_empty() { Ok(()) } else { Err(format!("xtask/budget.toml:\n{}", over.join("\n")).into()) }
}

/// Hundredths of a whole.
fn ratio(value: u64, whole: u64) -> u64 {
    (value * 100).div_ceil(whole.max(1))
}

struct Budget(toml::Table);

impl Budget {
    fn read(root: &Path) -> Result<Self> {
        Ok(Self(fs::read_to_string(root.join("xtask/budget.toml"))?.parse()?))
    }

    fn limit(&self, table: &str, key: &str) -> Option<u64> {
        self.0.get(table)?.get(key)?.as_integer()?.try_into().ok()
    }
}

/// Crates and public items.
fn counted(root: &Path) -> Result<Vec<Figure>> {
    let budget = Budget::read(root)?;
    let mut figures = Vec::new();
    let mut figure = |name: String, value, table, key| {
        figures.push(Figure { name, value, limit: budget.limit(table, key) });
    };
    let probe = probe(root, None)?;
    let bare = crates(probe.path(), &[])?;
    for provider in providers(root)? {
        let crates = crates(root, &["--locked", "--package", &provider])?;
        figure(format!("{provider}: crates"), crates, "provider", "crates");
        figure(format!("{provider}: crates, % of reqwest's {bare}"), ratio(crates, bare), "provider", "crates_ratio");
    }
    let core = ["--locked", "--package", "biller-core", "--no-default-features", "--features", "signing"];
    figure("biller-core without HTTP: crates".to_owned(), crates(root, &core)?, "core", "crates");
    for package in packages(root)?.iter().filter(|package| package.library) {
        let items = public_items(&root.join(&package.folder).join("src"))?;
        figure(format!("{}: public items", package.name), items, "public_items", &package.name);
    }
    Ok(figures)
}

/// The crates of a tree, the program itself included.
fn crates(folder: &Path, selection: &[&str]) -> Result<u64> {
    let arguments = ["tree", "--edges", "normal", "--prefix", "none", "--no-dedupe", "--format", "{p}"];
    let tree = text(&mut cargo(folder, arguments.into_iter().chain(selection.iter().copied())))?;
    let crates: std::collections::BTreeSet<&str> = tree.lines().filter(|line| !line.is_empty()).collect();
    Ok(crates.len().try_into()?)
}

fn public_items(folder: &Path) -> Result<u64> {
    let mut counter = PublicItems(0);
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                counter.visit_file(&syn::parse_file(&fs::read_to_string(&path)?)?);
            }
        }
    }
    Ok(counter.0)
}

/// Counts what is `pub` without a restriction; fields, variants and re-exports are not counted.
struct PublicItems(u64);

impl<'ast> Visit<'ast> for PublicItems {
    fn visit_item(&mut self, item: &'ast Item) {
        let visibility = match item {
            Item::Const(item) => Some(&item.vis),
            Item::Enum(item) => Some(&item.vis),
            Item::Fn(item) => Some(&item.vis),
            Item::Mod(item) => Some(&item.vis),
            Item::Static(item) => Some(&item.vis),
            Item::Struct(item) => Some(&item.vis),
            Item::Trait(item) => Some(&item.vis),
            Item::Type(item) => Some(&item.vis),
            _ => None,
        };
        self.0 += u64::from(matches!(visibility, Some(Visibility::Public(_))));
        visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.0 += u64::from(matches!(function.vis, Visibility::Public(_)));
    }
}

/// Build time and size of each provider's program, as ratios to one with bare reqwest.
fn built(root: &Path) -> Result<Vec<Figure>> {
    let budget = Budget::read(root)?;
    let bare = build(&probe(root, None)?)?;
    println!("bare reqwest: {} ms, {} bytes", bare.milliseconds, bare.bytes);
    let mut figures = Vec::new();
    for provider in providers(root)? {
        let built = build(&probe(root, Some(&provider))?)?;
        println!("{provider}: {} ms, {} bytes", built.milliseconds, built.bytes);
        for (what, value, key) in [
            ("build time", ratio(built.milliseconds, bare.milliseconds), "build_ratio"),
            ("size", ratio(built.bytes, bare.bytes), "size_ratio"),
        ] {
            let name = format!("{provider}: {what}, % of bare reqwest");
            figures.push(Figure { name, value, limit: budget.limit("provider", key) });
        }
    }
    Ok(figures)
}

fn build(probe: &tempfile::TempDir) -> Result<Built> {
    run(&mut cargo(probe.path(), ["fetch"]))?;
    let started = Instant::now();
    run(cargo(probe.path(), ["build", "--release", "--offline", "--quiet"])
        .env("CARGO_TARGET_DIR", probe.path().join("target")))?;
    let milliseconds = started.elapsed().as_millis().try_into()?;
    Ok(Built { milliseconds, bytes: fs::metadata(probe.path().join("target/release/probe"))?.len() })
}

/// A program that contains all of a provider, or bare reqwest with what any client of such an API turns on; with this workspace's lock file.
fn probe(root: &Path, provider: Option<&str>) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let (dependencies, source) = match provider {
        Some(name) => {
            let library = fs::read_to_string(root.join("crates").join(name).join("src/lib.rs"))?;
            let face = library.lines().find_map(|line| line.strip_prefix("pub use biller::")?.strip_suffix(';'));
            let face = format!("{}::{}", name.replace('-', "_"), face.ok_or_else(|| format!("{name} has no biller"))?);
            let crates = root.join("crates");
            (
                format!(
                    "biller-core = {{ path = {:?} }}\n{name} = {{ path = {:?} }}",
                    crates.join("biller-core"),
                    crates.join(name)
                ),
                format!(
                    "fn face(face: {face}) -> Box<dyn biller_core::Biller> {{\n    Box::new(face)\n}}\n\nfn main() {{\n    \
                     std::hint::black_box(face as *const ());\n    std::hint::black_box(biller_core::Wiring::http as *const ());\n}}\n"
                ),
            )
        }
        None => (
            "reqwest = { version = \"0.13\", default-features = false, features = [\"form\", \"json\", \"rustls\"] }"
                .to_owned(),
            "fn main() {\n    std::hint::black_box(reqwest::Client::execute as *const ());\n    let _ = \
             std::hint::black_box(reqwest::Client::builder().build());\n}\n"
                .to_owned(),
        ),
    };
    let manifest = format!(
        "[package]\nname = \"probe\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[workspace]\n\n[dependencies]\n{dependencies}\n"
    );
    fs::create_dir(folder.path().join("src"))?;
    fs::write(folder.path().join("src/main.rs"), source)?;
    fs::write(folder.path().join("Cargo.toml"), manifest)?;
    fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock"))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::{Figure, PublicItems, judge, ratio};
    use syn::visit::Visit as _;

    #[test]
    fn what_exceeds_its_budget_or_has_none_is_named() {
        let figure = |value, limit| Figure { name: "klikoo: crates".to_owned(), value, limit };
        assert!(judge(&[figure(95, Some(95))]).is_ok());
        let over = judge(&[figure(96, Some(95))]).expect_err("too many");
        assert_eq!(over.to_string(), "xtask/budget.toml:\nklikoo: crates is 96, over 95");
        let free = judge(&[figure(96, None)]).expect_err("no budget");
        assert_eq!(free.to_string(), "xtask/budget.toml:\nklikoo: crates is 96 and has no budget");
    }

    #[test]
    fn ratios_are_hundredths_rounded_up() {
        assert_eq!([ratio(115, 100), ratio(1, 3), ratio(0, 5), ratio(3, 3)], [115, 34, 0, 100]);
    }

    #[test]
    fn only_what_everyone_sees_is_counted() {
        let file = "pub struct A; struct B; pub(crate) fn c() {} pub fn d() {} impl A { pub fn e(&self) {} fn f(&self) {} } \
                    pub mod g { pub const H: u8 = 0; } impl Clone for A { fn clone(&self) -> A { A } }";
        let mut counter = PublicItems(0);
        counter.visit_file(&syn::parse_file(file).expect("Rust"));
        assert_eq!(counter.0, 5);
    }
}
