//! Texts that were parsed when the program was built: pest is most of what reading a text costs.
//!
//! Comes in: a text of the program itself and its packed pairs. Goes out: the same text, or some of its items, as [`parse`]
//! would have read it. A test holds the two against each other for every text that is prepared.

use super::packed::{self, Block};
use super::parse::{Pair, Rule};
use super::{Parse, mistakes, tree};
use crate::source::FileId;

/// A text with its pairs.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The text.
    pub text: String,
    pairs: Vec<Pair>,
}

impl Prepared {
    /// All of a text. `packed` is what `build.rs` made of it.
    #[must_use]
    pub fn whole(text: &str, packed: &'static [u8]) -> Self {
        let mut out = Self::empty(text.len(), packed.len() / 4);
        for block in packed::blocks(packed).map(packed::unpack) {
            out.append(&block, 0, 0);
        }
        out.text.push_str(text);
        out.finish()
    }

    /// Some of its items, each without the comments above it: those at whose place among the items `keep` is true.
    #[must_use]
    pub fn some(text: &str, packed: &'static [u8], keep: &[bool]) -> Self {
        let mut out = Self::empty(text.len() / 4, packed.len() / 8);
        let items = packed::blocks(packed).filter(|block| is_item(block));
        for (block, _) in items.zip(keep).filter(|(_, keep)| **keep) {
            let block = packed::unpack(block);
            let Some(item) = block.first() else { continue };
            let above = block.iter().skip(1);
            let comments = above.take_while(|pair| pair.rule == Rule::comment).count();
            let start = block.get(1 + comments).map_or(item.start, |inner| inner.start);
            let Some(own) = text.get(start as usize..item.end as usize) else { continue };
            out.append(&block, comments, start);
            out.text.push_str(own);
            out.text.push('\n');
        }
        out.finish()
    }

    fn empty(bytes: usize, pairs: usize) -> Self {
        let mut out = Self { text: String::with_capacity(bytes), pairs: Vec::with_capacity(pairs) };
        out.pairs.push(Pair { rule: Rule::file, start: 0, end: 0, next: 0 });
        out
    }

    /// Appends a block without the `skip` pairs behind its first; the byte `start` of its text comes to the end of this one.
    fn append(&mut self, block: &Block, skip: usize, start: u32) {
        let (to, first) = (self.text.len() as u32, self.pairs.len() as u32);
        let own = |at: u32| at.max(start) - start + to;
        let (head, rest) = block.split_at(block.len().min(1));
        for pair in head.iter().chain(rest.get(skip..).unwrap_or_default()) {
            let next = first + pair.next - skip as u32;
            self.pairs.push(Pair { rule: pair.rule, start: own(pair.start), end: own(pair.end), next });
        }
    }

    fn finish(mut self) -> Self {
        let (end, next) = (self.text.len() as u32, self.pairs.len() as u32);
        if let Some(file) = self.pairs.first_mut() {
            (file.end, file.next) = (end, next);
        }
        self
    }

    /// What [`super::parse`] gives for the text.
    #[must_use]
    pub fn parse(&self, file: FileId) -> Parse {
        let (green, findings) = tree::of_pairs(&self.text, &self.pairs);
        let told = mistakes::diagnose(file, &self.text, &findings);
        Parse { green, diagnostics: told.diagnostics, broken: told.broken }
    }
}

fn is_item(block: &[u8]) -> bool {
    packed::rule(block) == Some(Rule::item)
}
