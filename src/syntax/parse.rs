//! Runs pest. Comes in: a text that is not nested too deeply. Goes out: its pairs as a flat list in the order of the text.
//!
//! Must never fail on any text; that the grammar cannot is a law that tests hold. `set_call_limit` is the last line of
//! defence should a change of the grammar break it.

use std::num::NonZeroUsize;
use std::sync::Mutex;

use pest::{Parser as _, Token};

// The generated parser, alone in a module of its own: its items have no comments.
mod generated {
    #[derive(pest_derive::Parser)]
    #[grammar = "../grammar/chaos.pest"]
    pub struct ChaosParser;
}

pub use generated::Rule;

/// A pair of pest, flat: its children are the pairs from the next index up to `next`.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// Which rule matched.
    pub rule: Rule,
    /// First byte.
    pub start: u32,
    /// Behind the last byte.
    pub end: u32,
    /// Index of the first pair that is not inside of this one.
    pub next: u32,
}

/// Calls of rules per byte of text that are certainly enough: measured are 5 on examples, 30 on the worst odd inputs.
const CALLS_PER_BYTE: usize = 2_000;

/// pest has one limit for all threads, so it only ever grows: to what the longest text so far may need.
fn raise_call_limit(text: &str) {
    static LIMIT: Mutex<usize> = Mutex::new(0);
    let wanted = CALLS_PER_BYTE.saturating_mul(text.len().saturating_add(1_000));
    if let Ok(mut limit) = LIMIT.lock()
        && *limit < wanted
    {
        *limit = wanted;
        pest::set_call_limit(NonZeroUsize::new(wanted));
    }
}

/// The pairs of a text; `None` if pest gave up (its limit of calls). How deep its rules call each other is bounded by the grammar
/// itself (`deeper`).
pub fn pairs(text: &str) -> Option<Vec<Pair>> {
    raise_call_limit(text);
    let parsed = generated::ChaosParser::parse(Rule::file, text).ok()?;
    let mut out: Vec<Pair> = Vec::with_capacity(text.len() / 8 + 8);
    let mut open: Vec<usize> = Vec::new();
    for token in parsed.tokens() {
        match token {
            Token::Start { rule, pos } => {
                open.push(out.len());
                let start = pos.pos() as u32;
                out.push(Pair { rule, start, end: start, next: 0 });
            }
            Token::End { pos, .. } => {
                let next = out.len() as u32;
                if let Some(pair) = open.pop().and_then(|i| out.get_mut(i)) {
                    pair.end = pos.pos() as u32;
                    pair.next = next;
                }
            }
        }
    }
    Some(out)
}
