//! What a commit says about a crate.

use std::path::Path;

use crate::Result;
use crate::command::{git, text};

/// How much a version has to grow, smallest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Nothing that a user of the crate would notice.
    Nothing,
    Fix,
    Feature,
    Break,
}

/// One commit that touches a crate.
pub struct Commit {
    pub id: String,
    pub change: Change,
    /// What to write into the changelog.
    pub summary: String,
    /// Whether the message has a type, such as `fix:`.
    pub typed: bool,
}

/// The commits after `since` (all without one) that touch the folder, oldest first.
pub fn commits(root: &Path, folder: &str, since: Option<&str>) -> Result<Vec<Commit>> {
    let range = since.map_or_else(|| "HEAD".to_owned(), |tag| format!("{tag}..HEAD"));
    let log = text(&mut git(
        root,
        ["log", "--reverse", "--no-merges", "--format=%h%x1f%B%x1e", range.as_str(), "--", folder],
    ))?;
    Ok(log
        .split('\u{1e}')
        .filter_map(|entry| entry.trim().split_once('\u{1f}'))
        .map(|(id, message)| read(id, message))
        .collect())
}

/// A message without a type counts as a fix, since the code may have changed.
fn read(id: &str, message: &str) -> Commit {
    let id = id.to_owned();
    let Ok(parsed) = git_conventional::Commit::parse(message.trim()) else {
        let summary = message.lines().next().unwrap_or_default().to_owned();
        return Commit { id, change: Change::Fix, summary, typed: false };
    };
    let change = match parsed.type_().as_str() {
        _ if parsed.breaking() => Change::Break,
        "feat" => Change::Feature,
        "build" | "chore" | "ci" | "docs" | "refactor" | "style" | "test" => Change::Nothing,
        _ => Change::Fix,
    };
    let summary = parsed.breaking_description().unwrap_or(parsed.description()).to_owned();
    Commit { id, change, summary, typed: true }
}

#[cfg(test)]
mod tests {
    use super::{Change, read};

    #[test]
    fn messages_are_read_for_what_they_change() {
        for (message, change, summary) in [
            ("fix: round up", Change::Fix, "round up"),
            ("fix(client): round up\n\nmore", Change::Fix, "round up"),
            ("feat: sell bills", Change::Feature, "sell bills"),
            ("feat!: sell bills", Change::Break, "sell bills"),
            ("fix: x\n\nBREAKING CHANGE: Order lost a field", Change::Break, "Order lost a field"),
            ("docs: say more", Change::Nothing, "say more"),
            ("docs!: rename", Change::Break, "rename"),
            ("refactor: tidy up", Change::Nothing, "tidy up"),
            ("wording: unheard of", Change::Fix, "unheard of"),
            ("Add the price list\n\nBody", Change::Fix, "Add the price list"),
        ] {
            let commit = read("1", message);
            assert_eq!((commit.change, commit.summary.as_str()), (change, summary), "{message}");
        }
    }
}
