//! What an editor asks: offsets in, plain data out. One file per question.
//!
//! Comes in: a [`Workspace`], which holds a project's texts as they are in the editor, and a place in one of them. Goes out:
//! data that any protocol can carry. Never: a file, a clock, a position in lines (that is the protocol's), a word about
//! how an editor shows it.
//!
//! May use: everything up to `lower` and `analysis`; of `engine` what each engine refuses, and no manifests.

pub mod actions;
pub mod calls;
pub mod completion;
pub mod definition;
pub mod folding;
pub mod formatting;
mod functions;
pub mod hints;
pub mod hover;
pub mod lenses;
pub mod links;
mod lints;
mod members;
pub mod names;
mod outline;
pub mod rename;
pub mod selection;
pub mod signature;
mod snippet;
pub mod symbols;
pub mod tokens;
mod words;
mod workspace;

pub use snippet::plain as plain_snippet;
pub use workspace::{Changed, Workspace};

use crate::source::Span;

/// A place that an answer leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file's path; `std/network.chaos` for the standard library.
    pub path: String,
    /// Where in it.
    pub span: Span,
}
