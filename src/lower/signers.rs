//! The teams that `[approvals]` of perturb.toml names.
//!
//! Comes in: their names with their places, and a program. Goes out: P0707 for each that nothing declares.

use crate::check::Program;
use crate::check::program::{ItemKind, RecordWord};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Span;

/// What is wrong with the teams that have signers.
#[must_use]
pub fn check<'a>(named: impl Iterator<Item = (&'a str, Span)>, program: &Program) -> Vec<Diagnostic> {
    let teams: Vec<&str> = program
        .own_decls()
        .filter(|(_, item)| matches!(item.kind, ItemKind::Record(RecordWord::Team, _)))
        .map(|(_, item)| item.name.text.as_str())
        .collect();
    let unknown = named.filter(|(team, _)| !teams.contains(team));
    unknown
        .map(|(team, at)| {
            let message = format!("no team is named `{team}`");
            let diagnostic = Diagnostic::new(Code::PROJECT_UNKNOWN_TEAM, at, message)
                .why("an `approval by` asks for its team by name: these signers would be asked for nothing");
            match nearest(team, teams.iter().copied()) {
                Some(near) => diagnostic.choice(format!("did you mean `{near}`?"), at, near),
                None if teams.is_empty() => diagnostic.help("declare it: `team NAME { contact: \"#channel\" }`"),
                None => {
                    let known: Vec<String> = teams.iter().map(|t| format!("`{t}`")).collect();
                    diagnostic.help(format!("the teams are {}", known.join(", ")))
                }
            }
        })
        .collect()
}
