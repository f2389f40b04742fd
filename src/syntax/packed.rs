//! Pairs as bytes, for texts that are parsed when the program is built. Comes in: what `build.rs` packed. Goes out: pairs.
//!
//! A block for each pair at the top of the file: how many bytes it has, then its pairs as numbers: the rule, how far the
//! pair begins behind the one before it, its length, how many pairs are inside of it. Every number in base 128, low first.

use super::parse::{Pair, Rule};

/// The pairs of one thing at the top of a file, its own first; `next` counts from there.
pub type Block = Vec<Pair>;

/// The blocks of packed pairs in the order of the text, each still packed.
pub fn blocks(packed: &'static [u8]) -> impl Iterator<Item = &'static [u8]> {
    let mut rest = packed;
    std::iter::from_fn(move || {
        let length = read(&mut rest)? as usize;
        let (block, behind) = rest.split_at_checked(length)?;
        rest = behind;
        Some(block)
    })
}

/// The rule of a block's first pair.
pub fn rule(mut block: &[u8]) -> Option<Rule> {
    Rule::all_rules().get(read(&mut block)? as usize).copied()
}

/// A block unpacked; what is no block gives fewer pairs.
pub fn unpack(mut block: &[u8]) -> Block {
    let rules = Rule::all_rules();
    let mut out = Vec::with_capacity(block.len() / 4);
    let mut start = 0;
    let mut one = |index: u32| {
        let rule = *rules.get(read(&mut block)? as usize)?;
        start += read(&mut block)?;
        let end = start + read(&mut block)?;
        Some(Pair { rule, start, end, next: index + 1 + read(&mut block)? })
    };
    while let Some(pair) = one(out.len() as u32) {
        out.push(pair);
    }
    out
}

fn read(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0;
    for shift in (0..32).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u32::from(byte & 127) << shift;
        if byte & 128 == 0 {
            return Some(number);
        }
    }
    None
}
