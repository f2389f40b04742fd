//! What several rules ask of a tree: places without the blanks around them, where a name is used, which words an item has.

use crate::source::{FileId, Span};
use crate::syntax::ast::Declaration;
use crate::syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

use super::File;

/// The place of a token.
pub(super) fn token_span(file: FileId, token: &SyntaxToken) -> Span {
    let range = token.text_range();
    Span::new(file, range.start().into(), range.end().into())
}

/// The place of a node, without blanks and comments at its ends.
pub(super) fn node_span(file: FileId, node: &SyntaxNode) -> Span {
    let mut tokens = tokens(node).filter(|t| !t.kind().is_trivia());
    match tokens.next() {
        None => Span::new(file, node.text_range().start().into(), node.text_range().end().into()),
        Some(first) => {
            let last = tokens.last().unwrap_or_else(|| first.clone());
            token_span(file, &first).to(token_span(file, &last))
        }
    }
}

/// All tokens inside of a node.
pub(super) fn tokens(node: &SyntaxNode) -> impl Iterator<Item = SyntaxToken> {
    node.descendants_with_tokens().filter_map(|e| e.into_token())
}

/// The declarations of a file.
pub(super) fn declarations(file: &File<'_>) -> impl Iterator<Item = Declaration> {
    let items: Vec<_> = file.parse.file().items().collect();
    items.into_iter().filter_map(|item| item.declaration())
}

/// The `///` lines above a declaration.
pub(super) fn docs(declaration: &Declaration) -> Vec<SyntaxToken> {
    let item = declaration.syntax().parent();
    let tokens = item.into_iter().flat_map(|i| i.children_with_tokens()).filter_map(|e| e.into_token());
    tokens.filter(|t| t.kind() == SyntaxKind::DocComment).collect()
}

/// Whether a token names something that is declared elsewhere: a name in an expression, the first name of a path.
pub(super) fn is_use(token: &SyntaxToken) -> bool {
    let Some(parent) = token.parent().filter(|_| token.kind() == SyntaxKind::Word) else { return false };
    match parent.kind() {
        SyntaxKind::NameExpr => true,
        SyntaxKind::Path => {
            let first = parent.children_with_tokens().filter_map(|e| e.into_token()).find(|t| !t.kind().is_trivia());
            first.is_some_and(|first| first == *token)
        }
        _ => false,
    }
}

/// Whether a name is used inside of a node, other than by the node `but`.
pub(super) fn uses(node: &SyntaxNode, name: &str, but: &SyntaxNode) -> bool {
    tokens(node).any(|t| t.text() == name && is_use(&t) && !but.text_range().contains_range(t.text_range()))
}

/// The field of this name right inside of a declaration's block.
pub(super) fn has_field(declaration: &Declaration, name: &str) -> bool {
    let blocks = declaration.syntax().children().filter(|c| c.kind() == SyntaxKind::Block);
    let mut fields = blocks.flat_map(|b| b.children()).filter(|c| c.kind() == SyntaxKind::Field);
    fields.any(|f| {
        let mut words = f.children_with_tokens().filter_map(|e| e.into_token());
        words.find(|t| t.kind() == SyntaxKind::Word).is_some_and(|t| t.text() == name)
    })
}

/// Whether a text stands alone on its lines, and then the lines with their end.
pub(super) fn whole_lines(text: &str, span: Span) -> Option<Span> {
    let (start, end) = (span.start as usize, span.end as usize);
    let head = text.get(..start)?;
    let blanks = head.len() - head.trim_end_matches([' ', '\t']).len();
    let line_start = start - blanks;
    let is_start = line_start == 0 || text.get(..line_start)?.ends_with('\n');
    let tail = text.get(end..)?;
    let line_end = tail.find('\n').map_or(text.len(), |at| end + at + 1);
    let is_end = text.get(end..line_end)?.trim().is_empty();
    (is_start && is_end).then(|| Span { start: line_start as u32, end: line_end as u32, ..span })
}

/// The words of an item behind its name, as they count: without blanks, comments and commas.
pub(super) fn said(declaration: &Declaration) -> Vec<String> {
    let counts = |t: &SyntaxToken| !t.kind().is_trivia() && t.kind() != SyntaxKind::Comma;
    // Its word, and its name.
    tokens(declaration.syntax()).filter(counts).skip(2).map(|t| t.text().to_owned()).collect()
}
