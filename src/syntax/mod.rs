//! Text to a lossless tree that never fails: the pest grammar, recovery, diagnostics of spelling, typed views.
//!
//! Comes in: any bytes ([`decode`]) or any text ([`parse`]). Goes out: a tree whose text is the input, byte for byte, and
//! what is wrong with it. Nothing here knows what a name means.
//!
//! May use: `source`, `diagnostic`. Only this folder names pest, and the names of its rules never reach a message.

pub mod ast;
mod binding;
mod decode;
mod kind;
mod mistakes;
mod nesting;
mod packed;
mod parse;
mod prepared;
mod tree;
mod walk;
mod words;

pub use decode::decode;
pub use kind::{Chaos, SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken};
pub use prepared::Prepared;
/// A range of bytes in a text, as nodes and tokens give it.
pub use rowan::TextRange;
pub use walk::Event;
pub use words::{ITEM_WORDS, LINE_WORDS, RESERVED, is_name};

use crate::diagnostic::Diagnostic;
use crate::source::FileId;

/// A parsed text: its tree and what is wrong with it. There is always a tree.
#[derive(Debug, Clone)]
pub struct Parse {
    green: rowan::GreenNode,
    /// What is wrong, in the order of the places.
    pub diagnostics: Vec<Diagnostic>,
    broken: Vec<(u32, u32)>,
}

impl Parse {
    /// The root of the tree, a [`SyntaxKind::File`].
    #[must_use]
    pub fn syntax(&self) -> SyntaxNode {
        SyntaxNode::new_root(self.green.clone())
    }

    /// The tree as shared data: cheap to clone, and it may go to another thread.
    #[must_use]
    pub fn green(&self) -> &rowan::GreenNode {
        &self.green
    }

    /// Whether something is missing or unexpected on the line of a byte, so that what else is wrong there may be a
    /// consequence.
    #[must_use]
    pub fn is_broken_at(&self, offset: u32) -> bool {
        let next = self.broken.partition_point(|(start, _)| *start <= offset);
        next.checked_sub(1).and_then(|i| self.broken.get(i)).is_some_and(|(_, end)| offset <= *end)
    }

    /// The first and last byte of each line or run of lines that may not mean what it says, ascending.
    pub fn broken_lines(&self) -> impl Iterator<Item = (u32, u32)> {
        self.broken.iter().copied()
    }

    /// The typed view of the root.
    #[must_use]
    pub fn file(&self) -> ast::File {
        ast::File::of_root(self.syntax())
    }
}

/// Parses a text. Never fails: what is wrong is in the diagnostics, and the tree holds every byte of `text`.
///
/// # Errors (as diagnostics)
/// The codes P0001 to P0049, but for those of [`decode`].
#[must_use]
pub fn parse(file: FileId, text: &str) -> Parse {
    let (green, findings) = tree::parse_tree(text);
    let told = mistakes::diagnose(file, text, &findings);
    Parse { green, diagnostics: told.diagnostics, broken: told.broken }
}
