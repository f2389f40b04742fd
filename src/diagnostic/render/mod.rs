//! Diagnostics as people and machines read them: one file per form, all from the same data.
//!
//! Comes in: diagnostics with the texts that their spans point into. Goes out: one text. Never reads a file, a terminal or
//! the environment: what a terminal can show comes in as a [`Look`].
//!
//! May use: `source`, `diagnostic`.

pub mod github;
pub mod json;
pub mod junit;
pub mod place;
mod printable;
pub mod sarif;
mod suggestion;
pub mod terminal;

pub use printable::wrap;

use super::{Diagnostic, Severity};
use crate::source::SourceMap;

/// The forms in which diagnostics are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people at a terminal.
    Human,
    /// One JSON object; `perturb schema diagnostics` describes it.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands, which GitHub shows beside the changed lines.
    Github,
    /// A JUnit report, for build servers.
    Junit,
}

/// What the place of printing can show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Whether escape codes for colours are understood.
    pub color: bool,
    /// Whether lines and arrows may be drawn with characters beyond ASCII.
    pub unicode: bool,
    /// Columns.
    pub width: usize,
    /// What stands before a project's paths so that they lead there from the working folder: empty or ending in `/`.
    pub prefix: String,
}

impl Default for Look {
    fn default() -> Self {
        Self { color: false, unicode: true, width: 100, prefix: String::new() }
    }
}

/// How many there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Summary {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Files in which at least one of them lies.
    pub files: usize,
}

impl Summary {
    /// Counts.
    #[must_use]
    pub fn of(diagnostics: &[Diagnostic]) -> Self {
        let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
        let files: std::collections::BTreeSet<_> = diagnostics.iter().map(|d| d.span.file).collect();
        Self { errors, warnings: diagnostics.len() - errors, files: files.len() }
    }
}

/// `2 errors, 1 warning in 3 files`; what there is none of is not named.
impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts = Vec::new();
        if self.errors > 0 {
            parts.push(counted(self.errors, "error"));
        }
        if self.warnings > 0 {
            parts.push(counted(self.warnings, "warning"));
        }
        if parts.is_empty() {
            return f.write_str("no errors, no warnings");
        }
        write!(f, "{} in {}", parts.join(", "), counted(self.files, "file"))
    }
}

/// `1 file`, `3 files`.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Prints diagnostics in one of the forms.
#[must_use]
pub fn render(format: Format, diagnostics: &[Diagnostic], sources: &SourceMap, look: &Look) -> String {
    match format {
        Format::Human => terminal::render(diagnostics, sources, look),
        Format::Json => json::render(diagnostics, sources, look),
        Format::Sarif => sarif::render(diagnostics, sources, look),
        Format::Github => github::render(diagnostics, sources, look),
        Format::Junit => junit::render(diagnostics, sources, look),
    }
}
