//! Names, types, evaluation: from trees to one typed program.
//!
//! [`build`] turns one file's tree into plain data ([`program`]), dropping nothing that has a meaning and keeping a span
//! for everything. Names are resolved and expressions typed and evaluated by one partial evaluator (`evaluate`), which
//! works alike on values that are known and on values of which only the type is known (a scenario's parameters).
//!
//! May use: `source`, `diagnostic`, `syntax`, `types`, `plan` (conditions and facts are written in its words).

pub mod build;
pub mod program;

use program::File;

use crate::diagnostic::Diagnostic;
use crate::source::{SourceMap, Sources};

/// Everything that was read, as data, with its names resolved: what `lower` makes plans of.
#[derive(Debug, Default)]
pub struct Program {
    /// All files: the roots, what they import, and the modules of the standard library that they use.
    pub files: Vec<File>,
}

/// A program with what was found wrong.
#[derive(Debug, Default)]
pub struct Checked {
    /// The program; where the text was wrong, without the wrong part.
    pub program: Program,
    /// The texts.
    pub sources: SourceMap,
    /// What was found by syntax, names, types and values, sorted by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads `roots` (paths that `sources` knows) and all that they import, and checks them as one project.
#[must_use]
pub fn check(_sources: &dyn Sources, _roots: &[String]) -> Checked {
    todo!()
}
