//! Trees to plain data: one file's views become `program::File`.
//!
//! Comes in: a parsed text. Goes out: the file as data, and what only shows here: literals that mean nothing, lines in
//! blocks where they mean nothing, parts that the grammar lets be absent. Mechanical: must never look a name up. A part
//! that the parser has already complained about is left out or becomes `ExprKind::Error`, without a second complaint.

mod expr;
mod item;
mod line;
mod literal;
mod place;
mod step;
mod text;
mod units;

use smol_str::SmolStr;

use super::program::{Expr, ExprKind, File, Name};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};
use crate::syntax::{Parse, RESERVED, SyntaxNode, SyntaxToken, TextRange, is_name};

/// Builds a file's data from its tree.
///
/// # Errors (as diagnostics)
/// The codes P0030 to P0041 that speak of lines, and P0050 to P0056, which speak of literals.
#[must_use]
pub fn build(file: FileId, parse: &Parse) -> (File, Vec<Diagnostic>) {
    let mut builder = Builder { file, diagnostics: Vec::new() };
    let view = parse.file();
    let mut built = builder.file(&view);
    if !parse.diagnostics.is_empty() {
        built.gaps = builder.gaps(&view);
        built.shaken = parse.broken_lines().map(|(start, end)| Span::new(file, start, end)).collect();
    }
    let mut diagnostics = builder.diagnostics;
    // Where the parser has complained, a misplaced line or a missing part is most likely the same mistake again.
    diagnostics.retain(|d| !parse.is_broken_at(d.span.start) || is_of_literal(d.code));
    (built, diagnostics)
}

/// Whether a code speaks of a literal, which is right or wrong whatever stands around it.
fn is_of_literal(code: Code) -> bool {
    (Code::UNKNOWN_UNIT..=Code::BAD_NUMBER).contains(&code)
}

struct Builder {
    file: FileId,
    diagnostics: Vec<Diagnostic>,
}

impl Builder {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn span(&self, node: &SyntaxNode) -> Span {
        self.range(node.text_range())
    }

    fn range(&self, range: TextRange) -> Span {
        Span::new(self.file, range.start().into(), range.end().into())
    }

    fn token_span(&self, token: &SyntaxToken) -> Span {
        self.range(token.text_range())
    }

    /// A name as it is used: any word.
    fn word(&self, token: &SyntaxToken) -> Name {
        Name { text: SmolStr::new(token.text()), span: self.token_span(token) }
    }

    /// A name where it is declared: kebab-case, as names of Kubernetes objects begin with it.
    fn declared(&mut self, token: Option<SyntaxToken>, at: &SyntaxNode) -> Name {
        let Some(token) = token else {
            return Name { text: SmolStr::default(), span: self.span(at).before() };
        };
        let name = self.word(&token);
        // A replacement character stands for bytes that have been reported.
        if RESERVED.contains(&name.text.as_str()) {
            self.report(
                Diagnostic::new(Code::BAD_NAME, name.span, format!("`{}` is a word of the language", name.text))
                    .why("where the name is used it would be read as that word")
                    .help("choose another name"),
            );
        } else if !is_name(&name.text) && !name.text.contains('\u{fffd}') {
            self.report(bad_name(&name));
        }
        name
    }

    /// What stands where an expression is missing or wrong and has been reported.
    fn wrong(&self, at: &SyntaxNode) -> Expr {
        Expr { kind: ExprKind::Error, span: self.span(at).after() }
    }
}

fn bad_name(name: &Name) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::BAD_NAME, name.span, format!("`{}` is not a name", name.text))
        .why("names lead the names of Kubernetes objects, which allow no others")
        .help("write small letters, digits and single dashes, and begin with a letter: `slow-ledger`");
    match kebab(&name.text) {
        Some(better) => diagnostic.choice(format!("write `{better}`"), name.span, better),
        None => diagnostic,
    }
}

/// `SlowLedger` and `slow_ledger` as `slow-ledger`.
fn kebab(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut previous_small = false;
    for c in text.chars() {
        if c.is_ascii_uppercase() && previous_small {
            out.push('-');
        }
        previous_small = c.is_ascii_lowercase() || c.is_ascii_digit();
        match c {
            '_' | '-' if out.ends_with('-') => {}
            '_' => out.push('-'),
            c => out.push(c.to_ascii_lowercase()),
        }
    }
    let out = out.trim_matches('-').to_owned();
    is_name(&out).then_some(out)
}
