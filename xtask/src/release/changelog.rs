//! A crate's changelog: what people wrote stays on top of each version's section, what the commits say follows.

use semver::Version;

use super::commit::Change;
use super::plan::Planned;

const UNRELEASED: &str = "Unreleased";

/// The changelog with the section of the next version. Unreleased text, and that of a version prepared before, becomes its paragraph.
pub fn with_release(old: &str, planned: &Planned, next: &Version, day: &str) -> String {
    let (head, sections) = split(old);
    let (mut released, unreleased): (Vec<_>, Vec<_>) =
        sections.into_iter().partition(|section| is_released(section.title, planned.released.as_ref()));
    let mut parts = vec![head.trim_end().to_owned(), format!("## {next} ({day})")];
    parts.extend(unreleased.iter().map(|section| section.paragraph()).filter(|text| !text.is_empty()));
    parts.extend(listed(planned));
    parts.extend(released.drain(..).map(|section| section.text.trim_end().to_owned()));
    parts.join("\n\n") + "\n"
}

/// Whether the changelog has a section for the version.
pub fn has(text: &str, version: &Version) -> bool {
    split(text).1.iter().any(|section| section.version().as_ref() == Some(version))
}

/// The lists under their headings. A first release has none: everything is new.
fn listed(planned: &Planned) -> Vec<String> {
    let of = |change: Change| {
        planned.commits.iter().filter(move |commit| commit.change == change).map(|commit| commit.summary.clone())
    };
    let breaking = if planned.package.library { "Breaking changes" } else { "Dependencies" };
    [
        (breaking, planned.breaks.iter().cloned().chain(of(Change::Break)).collect()),
        ("Features", of(Change::Feature).collect()),
        ("Fixes", of(Change::Fix).collect::<Vec<String>>()),
    ]
    .into_iter()
    .filter(|(_, entries)| !entries.is_empty())
    .map(|(title, entries)| {
        let entries: Vec<String> = entries.iter().map(|entry| format!("- {entry}")).collect();
        format!("### {title}\n\n{}", entries.join("\n"))
    })
    .collect()
}

struct Section<'a> {
    title: &'a str,
    text: &'a str,
}

impl Section<'_> {
    /// What people wrote: all before the first list.
    fn paragraph(&self) -> String {
        let body = self.text.split_once('\n').map_or("", |(_, body)| body);
        let end = if body.starts_with("### ") { 0 } else { body.find("\n### ").unwrap_or(body.len()) };
        body[..end].trim().to_owned()
    }

    fn version(&self) -> Option<Version> {
        self.title.split_whitespace().next()?.parse().ok()
    }
}

fn is_released(title: &str, released: Option<&Version>) -> bool {
    if title == UNRELEASED {
        return false;
    }
    let version = title.split_whitespace().next().and_then(|word| word.parse::<Version>().ok());
    version.is_none_or(|version| released.is_some_and(|released| version <= *released))
}

/// What stands before the first section, and the sections with their titles.
fn split(text: &str) -> (&str, Vec<Section<'_>>) {
    let mut starts: Vec<usize> = text.match_indices("\n## ").map(|(at, _)| at + 1).collect();
    if text.starts_with("## ") {
        starts.insert(0, 0);
    }
    let head = &text[..starts.first().copied().unwrap_or(text.len())];
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let sections = starts.iter().copied().zip(ends).map(|(start, end)| {
        let text = &text[start..end];
        Section { title: text.lines().next().unwrap_or_default().trim_start_matches("## ").trim(), text }
    });
    (head, sections.collect())
}
