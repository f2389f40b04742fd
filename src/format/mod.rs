//! Tree to canonical text: one layout, no options.
//!
//! Comes in: a parsed text. Goes out: the same program, the same comments, in the one layout that `docs/format.md` describes.
//! Where lines end, what is aligned, which brackets are open: all of it follows from the words, the comments and the blank
//! lines between members, never from the layout before; so a formatted text stays as it is. An item that does not fit the
//! grammar is copied as it is. Must never lose a comment or change what a text means: [`is_same`] tells.
//!
//! May use: `source`, `diagnostic`, `syntax`.

mod align;
mod print;
mod same;
mod spacing;
mod text;
mod tree;

pub use same::is_same;

use std::ops::Range;

use crate::syntax::Parse;

/// The columns that a line should have at most. Texts, comments and types do not break, so it may have more.
pub const WIDTH: u32 = 100;
/// The columns of one step of indentation.
pub const INDENT: u32 = 2;

/// A text in its canonical layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formatted {
    /// The text.
    pub text: String,
    /// The items that were copied, as they do not fit the grammar: ranges of bytes in the text before.
    pub copied: Vec<Range<u32>>,
}

/// How often a text is formatted again where comments moved: each time at least one finds its place.
const ROUNDS: usize = 4;

/// Formats a text. `source` must be the text that `parse` is of.
#[must_use]
pub fn format(parse: &Parse, source: &str) -> Formatted {
    let (mut formatted, mut moved) = once(parse, source);
    for _ in 0..ROUNDS {
        if !moved {
            break;
        }
        let (again, more) = once(&parse_again(&formatted.text), &formatted.text);
        moved = more && again.text != formatted.text;
        formatted.text = again.text;
    }
    // Beside what does not fit, even a line end may mean something: then nobody knows better than who is typing.
    if !formatted.copied.is_empty() && !is_same(source, &formatted.text) {
        return Formatted { text: source.to_owned(), copied: std::iter::once(0..source.len() as u32).collect() };
    }
    formatted
}

/// Formats a text that nobody has parsed, such as what the importer writes.
#[must_use]
pub fn format_text(source: &str) -> Formatted {
    format(&parse_again(source), source)
}

fn parse_again(text: &str) -> Parse {
    crate::syntax::parse(crate::source::FileId(0), text)
}

/// One round, and whether a comment moved.
fn once(parse: &Parse, source: &str) -> (Formatted, bool) {
    let tree = tree::Tree::of(parse);
    let mut printer = print::Printer::new(&tree, source);
    printer.file();
    let text = align::align(printer.out, &printer.stops);
    (Formatted { text, copied: printer.copied }, printer.moved)
}
