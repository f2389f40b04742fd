//! Texts: escapes, holes, and the common indentation of long texts.
//!
//! Comes in: a view of a text. Goes out: its value, or its parts if it has holes. In `"…"` the escapes are
//! `\n \t \" \\`; in `"""…"""` a backslash is a backslash, as queries are full of them. `$${` is `${` in both.

use smol_str::SmolStr;

use super::Builder;
use crate::check::program::{Expr, ExprKind, TextPart};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::SyntaxToken;
use crate::syntax::ast::{self, TextPiece, View as _};
use crate::types::Value;

impl Builder {
    /// A text as an expression: a literal if it has no holes.
    pub(super) fn text_expr(&mut self, view: &ast::Text) -> Expr {
        let span = self.span(view.syntax());
        let pieces = if view.is_block() { self.block_pieces(view) } else { self.line_pieces(view) };
        let kind = match pieces.as_slice() {
            [] => ExprKind::Literal(Value::String(SmolStr::default())),
            [TextPart::Plain(text)] => ExprKind::Literal(Value::String(text.clone())),
            _ => ExprKind::Text(pieces),
        };
        Expr { kind, span }
    }

    /// A text that may not have holes: paths of imports, keys in quotes. `None` if it has one (reported).
    pub(super) fn plain_text(&mut self, view: &ast::Text) -> Option<String> {
        match self.text_expr(view).kind {
            ExprKind::Literal(Value::String(text)) => Some(text.to_string()),
            _ => {
                let span = self.span(view.syntax());
                self.report(
                    Diagnostic::new(Code::SYNTAX, span, "`${…}` means nothing in this text")
                        .help("paths of imports and keys are fixed: write the text out"),
                );
                None
            }
        }
    }

    fn line_pieces(&mut self, view: &ast::Text) -> Vec<TextPart> {
        let mut out = Pieces::default();
        for piece in view.pieces() {
            match piece {
                TextPiece::Part(token) => out.plain.push_str(&self.unescape(&token)),
                TextPiece::Hole(node, _) => out.hole(self.child_expr(&node)),
            }
        }
        out.finish()
    }

    /// Resolves the escapes of a part of a `"…"` text.
    fn unescape(&mut self, token: &SyntaxToken) -> String {
        let text = token.text();
        let span = self.token_span(token);
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['\\', '$']) {
            let (before, tail) = rest.split_at(at);
            out.push_str(before);
            let offset = span.start + (text.len() - tail.len()) as u32;
            rest = if let Some(after) = tail.strip_prefix("$${") {
                out.push_str("${");
                after
            } else if let Some(after) = tail.strip_prefix('$') {
                out.push('$');
                after
            } else {
                self.escape(tail, offset, &mut out)
            };
        }
        out.push_str(rest);
        out
    }

    /// One escape at the start of `tail`; gives what follows it.
    fn escape<'t>(&mut self, tail: &'t str, offset: u32, out: &mut String) -> &'t str {
        let mut chars = tail.chars();
        chars.next();
        let escaped = chars.next();
        match escaped {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('"') => out.push('"'),
            Some('\\') => out.push('\\'),
            other => {
                let shown: String = other.into_iter().collect();
                let span = Span::new(self.file, offset, offset + 1 + shown.len() as u32);
                self.report(
                    Diagnostic::new(Code::BAD_ESCAPE, span, format!("`\\{shown}` is not an escape"))
                        .help("escapes are `\\n`, `\\t`, `\\\"` and `\\\\`; in a long text, `\"\"\"…\"\"\"`, a backslash is a backslash")
                        .choice("write a backslash", span, format!("\\\\{shown}")),
                );
                out.push('\\');
                out.push_str(&shown);
            }
        }
        chars.as_str()
    }

    /// The pieces of a `"""…"""` text, without the indentation that all of its lines share. Its first line, if nothing
    /// follows the quotes, and its last, if nothing precedes them, do not count.
    fn block_pieces(&mut self, view: &ast::Text) -> Vec<TextPart> {
        let mut lines = self.lines(view);
        if lines.first().is_some_and(is_blank) && lines.len() > 1 {
            lines.remove(0);
        } else if let Some(first) = lines.first_mut() {
            first.fixed = true;
        }
        if lines.last().is_some_and(is_blank) {
            lines.pop();
        }
        let common = lines.iter().filter(|l| !l.fixed && !is_blank(l)).map(indentation).min().unwrap_or(0);
        let mut out = Pieces::default();
        for (index, line) in lines.into_iter().enumerate() {
            if index > 0 {
                out.plain.push('\n');
            }
            let blank = is_blank(&line);
            let fixed = line.fixed;
            for (at, part) in line.parts.into_iter().enumerate() {
                match part {
                    TextPart::Plain(text) if at == 0 && !fixed => {
                        out.plain.push_str(if blank { "" } else { text.get(common..).unwrap_or_default() });
                    }
                    TextPart::Plain(text) => out.plain.push_str(&text),
                    TextPart::Expr(expr) => out.hole(expr),
                }
            }
        }
        out.finish()
    }

    fn lines(&mut self, view: &ast::Text) -> Vec<Line> {
        let mut lines = vec![Line::default()];
        for piece in view.pieces() {
            match piece {
                TextPiece::Part(token) => {
                    for (index, text) in token.text().split('\n').enumerate() {
                        if index > 0 {
                            lines.push(Line::default());
                        }
                        // A line end of Windows is the same line end; `decode` has warned of it.
                        let text = text.strip_suffix('\r').unwrap_or(text);
                        if let Some(line) = lines.last_mut().filter(|_| !text.is_empty()) {
                            line.parts.push(TextPart::Plain(SmolStr::new(text.replace("$${", "${"))));
                        }
                    }
                }
                TextPiece::Hole(node, _) => {
                    let expr = self.child_expr(&node);
                    if let Some(line) = lines.last_mut() {
                        line.parts.push(TextPart::Expr(expr));
                    }
                }
            }
        }
        lines
    }
}

#[derive(Default)]
struct Line {
    parts: Vec<TextPart>,
    /// It follows the opening quotes, so it has no indentation.
    fixed: bool,
}

fn is_blank(line: &Line) -> bool {
    line.parts.iter().all(|part| matches!(part, TextPart::Plain(text) if text.trim_matches([' ', '\t']).is_empty()))
}

/// How many blanks a line begins with.
fn indentation(line: &Line) -> usize {
    match line.parts.first() {
        Some(TextPart::Plain(text)) => text.len() - text.trim_start_matches([' ', '\t']).len(),
        _ => 0,
    }
}

/// Parts of a text while they are put together; characters that stand side by side become one part.
#[derive(Default)]
struct Pieces {
    done: Vec<TextPart>,
    plain: String,
}

impl Pieces {
    fn flush(&mut self) {
        if !self.plain.is_empty() {
            self.done.push(TextPart::Plain(SmolStr::new(&self.plain)));
            self.plain.clear();
        }
    }

    fn hole(&mut self, expr: Expr) {
        self.flush();
        self.done.push(TextPart::Expr(expr));
    }

    fn finish(mut self) -> Vec<TextPart> {
        self.flush();
        self.done
    }
}
