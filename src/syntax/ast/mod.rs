//! Typed views of the tree: what a node holds, by name. One file per group.
//!
//! Comes in: nodes of the tree. Goes out: their parts, each an `Option`, as any of them may be missing. A view is a node
//! and nothing else; it must never compute or check. Facts: `grammar/chaos.pest`.

mod expr;
mod item;
mod line;
mod types;

pub use expr::{Arg, Args, Arm, Expr, ExprForm, Text, TextPiece};
pub use item::{
    Declaration, Experiment, Fault, File, Gameday, Import, Item, MadeFrom, Metric, Policy, RecordItem, Scenario, Verify,
};
pub use line::{Block, Call, Field, Key, Line, Member, Over, Path, Section, Tail};
pub use types::{Param, Params, TypeRef};

use super::kind::{SyntaxKind, SyntaxNode, SyntaxToken};

/// A view of one kind of node.
pub trait View: Sized {
    /// The view, if the node is of its kind.
    fn cast(node: SyntaxNode) -> Option<Self>;

    /// The node.
    fn syntax(&self) -> &SyntaxNode;
}

/// Declares a view of one kind of node.
macro_rules! view {
    ($(#[$doc:meta])* $name:ident, $kind:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(SyntaxNode);

        impl View for $name {
            fn cast(node: SyntaxNode) -> Option<Self> {
                (node.kind() == SyntaxKind::$kind).then_some(Self(node))
            }

            fn syntax(&self) -> &SyntaxNode {
                &self.0
            }
        }
    };
}
pub(crate) use view;

/// The first child of a view's kind.
pub fn child<V: View>(node: &SyntaxNode) -> Option<V> {
    node.children().find_map(V::cast)
}

/// All children of a view's kind.
pub fn children<V: View>(node: &SyntaxNode) -> impl Iterator<Item = V> {
    node.children().filter_map(V::cast)
}

/// The first token of a kind that is a direct child.
pub fn token(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxToken> {
    tokens(node, kind).next()
}

/// All tokens of a kind that are direct children.
pub fn tokens(node: &SyntaxNode, kind: SyntaxKind) -> impl Iterator<Item = SyntaxToken> {
    node.children_with_tokens().filter_map(rowan::NodeOrToken::into_token).filter(move |t| t.kind() == kind)
}

/// Whether a keyword is a direct child.
pub fn has_keyword(node: &SyntaxNode, text: &str) -> bool {
    tokens(node, SyntaxKind::Keyword).any(|t| t.text() == text)
}

/// Whether anything inside of the node is missing or does not belong there. That has been reported.
pub fn is_broken(node: &SyntaxNode) -> bool {
    node.children().any(|c| matches!(c.kind(), SyntaxKind::Missing | SyntaxKind::MissingSign | SyntaxKind::Error))
        || node.next_sibling().is_some_and(|n| n.kind() == SyntaxKind::Error)
}
