//! The tree as a row of events, for who reads all of it once and fast (the formatter).
//!
//! Comes in: a parsed text. Goes out: what opens, what closes, and each token with its text, in the order of the text.

use rowan::{GreenNodeData, Language as _, NodeOrToken};

use super::Parse;
use super::kind::{Chaos, SyntaxKind};

/// One step of a walk through the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'t> {
    /// A node begins.
    Enter(SyntaxKind),
    /// A token, blanks and comments too.
    Token(SyntaxKind, &'t str),
    /// The innermost open node ends.
    Leave,
}

impl Parse {
    /// Walks through the tree, from the root to the last token. Nothing is allocated.
    pub fn walk<'t>(&'t self, visit: &mut impl FnMut(Event<'t>)) {
        node(&self.green, visit);
    }
}

/// Depth is bounded: the parser refuses what is nested too deeply.
fn node<'t>(green: &'t GreenNodeData, visit: &mut impl FnMut(Event<'t>)) {
    visit(Event::Enter(Chaos::kind_from_raw(green.kind())));
    for child in green.children() {
        match child {
            NodeOrToken::Node(inner) => node(inner, visit),
            NodeOrToken::Token(token) => visit(Event::Token(Chaos::kind_from_raw(token.kind()), token.text())),
        }
    }
    visit(Event::Leave);
}
