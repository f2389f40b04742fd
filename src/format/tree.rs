//! The parsed text as the printer wants it: two flat tables, of nodes and of tokens, with comments beside the tokens.
//!
//! Comes in: a parsed text. Goes out: a [`Tree`]. Blanks and commas are gone: the printer writes its own. A comment on the
//! line of a token stands behind that token, any other before the next one. Each node knows how wide it is on one line, or
//! that it does not fit on one: a comment or blank line inside, a text of several lines, a block of statements.

use std::ops::Range;

use super::spacing::{self, Place};
use crate::syntax::{Event, Parse, SyntaxKind};

/// The width of what needs several lines.
pub(super) const NEVER: u32 = u32::MAX;

/// A node, or a token as a leaf.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub kind: SyntaxKind,
    /// Behind the last entry inside of it.
    pub next: u32,
    /// Its tokens: first, and behind the last.
    pub first: u32,
    pub last: u32,
    /// On one line, without what separates it from what stands before; [`NEVER`].
    pub width: u32,
    /// First byte of its first token.
    pub start: u32,
    /// Behind its last byte.
    pub end: u32,
    pub is_token: bool,
}

/// A token that is neither blank, comment nor comma.
#[derive(Debug, Clone)]
pub(super) struct Token<'t> {
    pub text: &'t str,
    /// What stands before it on one line.
    pub gap: Gap,
    /// Comments on lines of their own before it.
    pub before: Range<u32>,
    /// Comments on its line.
    pub behind: Range<u32>,
    /// A blank line right before it, or before the first of its comments.
    pub blank: bool,
}

/// What stands between two tokens of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    Nothing,
    Space,
    Comma,
}

impl Gap {
    pub(super) fn width(self) -> u32 {
        match self {
            Self::Nothing => 0,
            Self::Space => 1,
            Self::Comma => 2,
        }
    }
}

/// A comment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comment<'t> {
    pub kind: SyntaxKind,
    pub text: &'t str,
    /// A blank line stands before it.
    pub blank: bool,
    pub start: u32,
}

/// A text, ready to be printed.
#[derive(Debug)]
pub(super) struct Tree<'t> {
    pub entries: Vec<Entry>,
    pub tokens: Vec<Token<'t>>,
    pub comments: Vec<Comment<'t>>,
    /// The comments behind the last token, on lines of their own.
    pub last_comments: Range<u32>,
    /// What does not fit the grammar, as ranges of bytes, ascending.
    pub wrong: Vec<Range<u32>>,
}

impl<'t> Tree<'t> {
    pub(super) fn of(parse: &'t Parse) -> Self {
        let mut builder = Builder::default();
        parse.walk(&mut |event| builder.event(event));
        let mut tree = builder.finish();
        let errors = parse.diagnostics.iter().filter(|d| d.is_error());
        tree.wrong.extend(errors.map(|d| d.span.start..d.span.end));
        tree.wrong.sort_by_key(|range| (range.start, range.end));
        tree
    }

    /// The entries right inside of one.
    pub(super) fn children(&self, entry: usize) -> impl Iterator<Item = usize> + '_ {
        let end = self.entries.get(entry).map_or(0, |e| e.next as usize);
        let mut at = entry + 1;
        std::iter::from_fn(move || {
            let here = at;
            let found = self.entries.get(at).filter(|_| at < end)?;
            at = found.next as usize;
            Some(here)
        })
    }
}

/// A node that is open while the tree is walked.
struct Open {
    entry: usize,
    /// How many members came so far, in a bracket.
    members: u32,
    /// [`Builder::forced`] when it opened.
    forced: u32,
}

#[derive(Default)]
struct Builder<'t> {
    entries: Vec<Entry>,
    tokens: Vec<Token<'t>>,
    comments: Vec<Comment<'t>>,
    wrong: Vec<Range<u32>>,
    open: Vec<Open>,
    /// Width of all tokens before, with their gaps; one more than there are tokens.
    widths: Vec<u32>,
    /// How many of the tokens before have comments on lines of their own.
    before: Vec<u32>,
    /// How many of the tokens before have comments on their lines.
    behind: Vec<u32>,
    at: u32,
    /// Line ends since the last token or comment.
    line_ends: u32,
    /// Comments that wait for their token.
    waiting: u32,
    /// Counts what makes the nodes around it need several lines.
    forced: u32,
    /// The next token begins a member behind another.
    separated: bool,
    last: Option<Place<'t>>,
}

impl<'t> Builder<'t> {
    fn event(&mut self, event: Event<'t>) {
        match event {
            Event::Enter(kind) => self.enter(kind),
            Event::Token(kind, text) => self.text(kind, text),
            Event::Leave => self.leave(),
        }
    }

    fn enter(&mut self, kind: SyntaxKind) {
        if matches!(kind, SyntaxKind::Error | SyntaxKind::Missing | SyntaxKind::MissingSign) {
            self.wrong.push(self.at..self.at);
        }
        self.member();
        self.open.push(Open { entry: self.entries.len(), members: 0, forced: self.forced });
        let first = self.tokens.len() as u32;
        self.entries.push(Entry {
            kind,
            next: 0,
            first,
            last: first,
            width: 0,
            start: NEVER,
            end: self.at,
            is_token: false,
        });
    }

    /// A child begins: if it is a member of a bracket and not the first, a comma stands before it.
    fn member(&mut self) {
        let Some(open) = self.open.last_mut() else { return };
        if self.entries.get(open.entry).is_some_and(|e| spacing::is_bracket(e.kind)) {
            open.members += 1;
            self.separated = open.members > 1;
        }
    }

    fn leave(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let parent = self.open.last().and_then(|o| self.entries.get(o.entry)).map(|e| e.kind);
        let (next, last) = (self.entries.len() as u32, self.tokens.len() as u32);
        let Some(entry) = self.entries.get(open.entry).copied() else { return };
        if spacing::is_always_broken(entry.kind, parent, open.members) {
            self.forced += 1;
        }
        let width = self.width(entry.first as usize, last as usize, open.forced);
        if let Some(entry) = self.entries.get_mut(open.entry) {
            entry.next = next;
            entry.last = last;
            entry.end = self.at;
            entry.width = width;
        }
    }

    fn width(&self, first: usize, last: usize, forced: u32) -> u32 {
        if first >= last {
            return 0;
        }
        let sum = |all: &[u32], from: usize, to: usize| {
            all.get(to).copied().unwrap_or(0).saturating_sub(all.get(from).copied().unwrap_or(0))
        };
        // Comments before the first token and behind the last one stand outside.
        let inside = sum(&self.before, first + 1, last);
        let behind = sum(&self.behind, first, last - 1);
        if self.forced > forced || inside > 0 || behind > 0 {
            return NEVER;
        }
        let gap = self.tokens.get(first).map_or(0, |t| t.gap.width());
        sum(&self.widths, first, last).saturating_sub(gap)
    }

    fn text(&mut self, kind: SyntaxKind, text: &'t str) {
        let start = self.at;
        self.at += text.len() as u32;
        match kind {
            SyntaxKind::Whitespace => self.line_ends += line_ends(text),
            SyntaxKind::Comma => {}
            SyntaxKind::Comment | SyntaxKind::DocComment | SyntaxKind::FileDoc => self.comment(kind, text, start),
            _ => self.token(kind, text, start),
        }
    }

    fn comment(&mut self, kind: SyntaxKind, text: &'t str, start: u32) {
        let comment = Comment { kind, text: text.trim_end(), blank: self.line_ends > 1, start };
        self.comments.push(comment);
        let end = self.comments.len() as u32;
        match self.tokens.last_mut() {
            Some(token) if self.line_ends == 0 && self.waiting == 0 => {
                if token.behind.is_empty() {
                    token.behind = end - 1..end;
                } else {
                    token.behind.end = end;
                }
            }
            _ => self.waiting += 1,
        }
        self.line_ends = 0;
    }

    fn token(&mut self, kind: SyntaxKind, text: &'t str, start: u32) {
        let index = self.tokens.len() as u32;
        let parent = self.open.last().and_then(|o| self.entries.get(o.entry)).copied();
        let parent_kind = parent.map_or(SyntaxKind::File, |p| p.kind);
        let is_first = parent.is_some_and(|p| p.first == index);
        if parent_kind == SyntaxKind::ImportNames && kind == SyntaxKind::Word {
            self.member();
        }
        let text = self.normal(text, parent_kind);
        let place = Place { kind, text, parent: parent_kind, is_first };
        let gap = if std::mem::take(&mut self.separated) {
            Gap::Comma
        } else if self.last.is_some_and(|last| spacing::is_spaced(last, place)) {
            Gap::Space
        } else {
            Gap::Nothing
        };
        let end = self.comments.len() as u32;
        let before = end - self.waiting..end;
        let blank = self.line_ends > 1;
        // A blank line counts between the members of a bracket.
        let above = self.comments.get(before.start as usize).filter(|_| self.waiting > 0).map_or(blank, |c| c.blank);
        if gap == Gap::Comma && above || kind == SyntaxKind::TextPart && text.contains(['\n', '\r']) {
            self.forced += 1;
        }
        let sum = |all: &[u32], more: u32| all.last().copied().unwrap_or(0).saturating_add(more);
        let columns = if text.is_ascii() { text.len() } else { text.chars().count() } as u32;
        if self.widths.is_empty() {
            self.widths.push(0);
            self.before.push(0);
        }
        let is_commented = self.tokens.last().is_some_and(|t| !t.behind.is_empty());
        self.behind.push(sum(&self.behind, u32::from(is_commented)));
        self.widths.push(sum(&self.widths, columns + gap.width()));
        self.before.push(sum(&self.before, u32::from(self.waiting > 0)));
        for open in self.open.iter().rev() {
            match self.entries.get_mut(open.entry) {
                Some(entry) if entry.start == NEVER => entry.start = start,
                _ => break,
            }
        }
        self.tokens.push(Token { text, gap, before, behind: 0..0, blank });
        self.entries.push(Entry {
            kind,
            next: self.entries.len() as u32 + 1,
            first: index,
            last: index + 1,
            width: columns,
            start,
            end: self.at,
            is_token: true,
        });
        self.waiting = 0;
        self.line_ends = 0;
        self.last = Some(place);
    }

    /// `1 of S` is `one of S`.
    fn normal(&self, text: &'t str, parent: SyntaxKind) -> &'t str {
        let index = self.tokens.len() as u32;
        let around =
            self.open.len().checked_sub(2).and_then(|i| self.open.get(i)).and_then(|o| self.entries.get(o.entry));
        let counts = text == "1"
            && parent == SyntaxKind::NumberExpr
            && around.is_some_and(|a| a.kind == SyntaxKind::ShareExpr && a.first == index);
        if counts { "one" } else { text }
    }

    fn finish(self) -> Tree<'t> {
        let end = self.comments.len() as u32;
        Tree {
            entries: self.entries,
            tokens: self.tokens,
            comments: self.comments,
            last_comments: end - self.waiting..end,
            wrong: self.wrong,
        }
    }
}

/// `\r\n` is one line end.
fn line_ends(text: &str) -> u32 {
    let bytes = text.as_bytes();
    let is_end = |i: usize, b: u8| b == b'\n' || b == b'\r' && bytes.get(i + 1) != Some(&b'\n');
    bytes.iter().enumerate().filter(|(i, b)| is_end(*i, **b)).count() as u32
}
