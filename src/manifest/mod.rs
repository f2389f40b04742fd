//! Manifests as trees in an arena, and the YAML that is written from them.
//!
//! One document is built, written and forgotten; the arena's memory serves the next one. Nothing here knows Kubernetes.
//!
//! May use: nothing of ours.

pub mod folder;
pub mod yaml;

use bumpalo::Bump;

/// A node of a manifest. Absent things are not nodes: builders leave them out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Node<'a> {
    /// `true`, `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text; quoted where YAML 1.1 or 1.2 could read it as something else.
    Text(&'a str),
    /// A sequence.
    List(&'a [Node<'a>]),
    /// A mapping in the order given; keys are unique.
    Map(&'a [(&'a str, Node<'a>)]),
}

/// Where nodes live while their document is written.
#[derive(Debug, Default)]
pub struct Arena {
    bump: Bump,
}

impl Arena {
    /// An empty arena.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets all nodes and keeps the memory.
    pub fn reset(&mut self) {
        self.bump.reset();
    }

    /// A text node.
    pub fn text(&self, text: &str) -> Node<'_> {
        Node::Text(self.bump.alloc_str(text))
    }

    /// A text in the arena, for keys.
    pub fn str(&self, text: &str) -> &str {
        self.bump.alloc_str(text)
    }

    /// A formatted text node: `arena.format(format_args!("{n}s"))`.
    pub fn format(&self, args: std::fmt::Arguments<'_>) -> Node<'_> {
        Node::Text(bumpalo::format!(in &self.bump, "{}", args).into_bump_str())
    }

    /// A sequence.
    pub fn list<'a>(&'a self, items: impl IntoIterator<Item = Node<'a>>) -> Node<'a> {
        let mut all = bumpalo::collections::Vec::new_in(&self.bump);
        all.extend(items);
        Node::List(all.into_bump_slice())
    }

    /// A mapping.
    pub fn map<'a>(&'a self, entries: impl IntoIterator<Item = (&'a str, Node<'a>)>) -> Node<'a> {
        let mut all = bumpalo::collections::Vec::new_in(&self.bump);
        all.extend(entries);
        Node::Map(all.into_bump_slice())
    }

    /// A mapping of the entries that are there.
    pub fn map_some<'a>(&'a self, entries: impl IntoIterator<Item = Option<(&'a str, Node<'a>)>>) -> Node<'a> {
        self.map(entries.into_iter().flatten())
    }
}
