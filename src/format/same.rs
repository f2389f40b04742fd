//! Whether two texts say the same: words, structure and comments, without the layout.
//!
//! Comes in: two texts. Goes out: yes or no. `perturb fmt` asks before it writes; the tests ask of every text they have.

use super::text;
use crate::source::FileId;
use crate::syntax::{Event, Parse, SyntaxKind, parse};

/// Whether two texts differ in nothing but layout: blanks, line ends, commas, and `1 of` for `one of`.
#[must_use]
pub fn is_same(before: &str, after: &str) -> bool {
    before == after || said(&parse(FileId(0), before)) == said(&parse(FileId(0), after))
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    /// Nodes and tokens, in order.
    words: Vec<Word>,
    /// Comments, sorted: one that stood in the middle of a line may have moved to its end.
    comments: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Word {
    Enter(SyntaxKind),
    Token(SyntaxKind, String),
    Leave,
}

fn said(parse: &Parse) -> Said {
    let mut said = Said::default();
    let mut open: Vec<SyntaxKind> = Vec::new();
    // The long text that is open: its parts are put together, so that its indentation can be taken off.
    let mut long: Option<String> = None;
    parse.walk(&mut |event| match event {
        Event::Enter(kind) => {
            open.push(kind);
            said.words.push(Word::Enter(kind));
        }
        Event::Leave => {
            if open.pop() == Some(SyntaxKind::Text)
                && let Some(text) = long.take()
            {
                said.words.push(Word::Token(SyntaxKind::TextPart, text::indented(&text, 0)));
            }
            said.words.push(Word::Leave);
        }
        Event::Token(SyntaxKind::Whitespace | SyntaxKind::Comma, _) => {}
        Event::Token(SyntaxKind::Comment | SyntaxKind::DocComment | SyntaxKind::FileDoc, text) => {
            said.comments.push(text.trim_end().to_owned());
        }
        Event::Token(kind, text) => {
            if kind == SyntaxKind::Quote && text == "\"\"\"" && long.is_none() {
                long = Some(String::new());
            }
            match &mut long {
                Some(long) => long.push_str(text),
                None => said.words.push(Word::Token(kind, text.to_owned())),
            }
        }
    });
    one_of(&mut said.words);
    said.comments.sort();
    said
}

/// `1 of` is `one of`.
fn one_of(words: &mut [Word]) {
    let share = Word::Enter(SyntaxKind::ShareExpr);
    for at in 0..words.len() {
        let Some([first, node, token, ..]) = words.get_mut(at..) else { return };
        if *first == share
            && *node == Word::Enter(SyntaxKind::NumberExpr)
            && matches!(token, Word::Token(SyntaxKind::Number, text) if text == "1")
        {
            *node = Word::Enter(SyntaxKind::NameExpr);
            *token = Word::Token(SyntaxKind::Word, "one".to_owned());
        }
    }
}
