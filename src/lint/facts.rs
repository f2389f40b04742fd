//! What rules must know of the files that are not before them: what is imported, which experiments say what.
//!
//! Small enough to be kept of every file of a project, so that an editor can look at one file with the project in mind.

use sha2::{Digest as _, Sha256};

use super::File;
use super::tree::{declarations, said, token_span, tokens};
use crate::source::{FileId, Span};
use crate::syntax::SyntaxKind;
use crate::syntax::ast::{Declaration, View as _};

/// What others must know of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub(super) id: FileId,
    pub(super) path: String,
    pub(super) imports: Vec<Imported>,
    pub(super) bodies: Vec<Body>,
}

/// An import of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Imported {
    /// The path as it is written.
    path: String,
    /// `None`: all of it.
    names: Option<Vec<String>>,
}

/// An experiment or a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Body {
    /// `experiment` or `scenario`.
    pub what: &'static str,
    /// Its name.
    pub name: String,
    /// Where its name stands.
    pub place: Span,
    /// What it says behind its name: equal for what is equal word for word.
    pub said: [u8; 32],
}

impl Facts {
    /// What is to be known of a file.
    #[must_use]
    pub fn of(file: &File<'_>) -> Self {
        let mut facts = Self { id: file.id, path: file.path.to_owned(), imports: Vec::new(), bodies: Vec::new() };
        for declaration in declarations(file) {
            let what = match &declaration {
                Declaration::Import(import) => {
                    let parts = tokens(import.syntax()).filter(|t| t.kind() == SyntaxKind::TextPart);
                    let path: String = parts.map(|t| t.text().to_owned()).collect();
                    let names = import.names().map(|all| all.iter().map(|n| n.text().to_owned()).collect());
                    if !path.is_empty() {
                        facts.imports.push(Imported { path, names });
                    }
                    continue;
                }
                Declaration::Experiment(_) => "experiment",
                Declaration::Scenario(_) => "scenario",
                _ => continue,
            };
            let (Some(name), words) = (declaration.name(), said(&declaration)) else { continue };
            // An item without a body is broken, and said to be.
            if words.len() < 3 {
                continue;
            }
            let mut digest = Sha256::new();
            for word in &words {
                digest.update((word.len() as u64).to_le_bytes());
                digest.update(word);
            }
            let (place, name) = (token_span(file.id, &name), name.text().to_owned());
            facts.bodies.push(Body { what, name, place, said: digest.finalize().into() });
        }
        facts
    }

    /// Whether this file imports a name from another, or all of it.
    pub(super) fn imports(&self, from: &str, name: &str) -> bool {
        let stem = from.rsplit('/').next().unwrap_or(from);
        let names = |i: &Imported| i.names.as_ref().is_none_or(|all| all.iter().any(|n| n == name));
        self.imports.iter().any(|i| i.path.ends_with(stem) && names(i))
    }

    /// Whether another file would hear the same of these as of those, but for places.
    #[must_use]
    pub fn is_alike(&self, other: &Self) -> bool {
        let said = |facts: &Self| -> Vec<_> { facts.bodies.iter().map(|b| (b.what, b.name.clone(), b.said)).collect() };
        self.imports == other.imports && said(self) == said(other)
    }
}
