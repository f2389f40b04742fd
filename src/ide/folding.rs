//! What can be folded: blocks, long texts, runs of comments and of imports.

use super::Workspace;
use crate::source::Span;
use crate::syntax::SyntaxKind;

/// What is folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FoldKind {
    /// Brackets or a long text.
    Region,
    /// Comments.
    Comment,
    /// Imports.
    Imports,
}

/// What can be folded in a file, each over at least two lines, in order.
#[must_use]
pub fn folds(workspace: &Workspace, file: usize) -> Vec<(Span, FoldKind)> {
    let Some(source) = workspace.source(file) else { return Vec::new() };
    let id = workspace.id(file);
    let root = workspace.parse(file).syntax();
    let mut found: Vec<(Span, FoldKind)> = Vec::new();
    let mut run: Option<(Span, FoldKind)> = None;
    for element in root.descendants_with_tokens() {
        let range = element.text_range();
        let span = Span::new(id, range.start().into(), range.end().into());
        let kind = match element.kind() {
            SyntaxKind::Comment | SyntaxKind::DocComment | SyntaxKind::FileDoc => FoldKind::Comment,
            SyntaxKind::Import => FoldKind::Imports,
            SyntaxKind::Block
            | SyntaxKind::Arms
            | SyntaxKind::List
            | SyntaxKind::Args
            | SyntaxKind::Params
            | SyntaxKind::Text => {
                found.push((span, FoldKind::Region));
                continue;
            }
            _ => continue,
        };
        // Comments, and imports, that follow each other line by line are one run.
        run = match run {
            Some((open, of)) if of == kind && follows(source, open, span) => Some((open.to(span), kind)),
            Some(done) => {
                found.push(done);
                Some((span, kind))
            }
            None => Some((span, kind)),
        };
    }
    found.extend(run);
    found.retain(|(span, _)| source.line_of(span.start) < source.line_of(span.end.saturating_sub(1).max(span.start)));
    found.sort();
    found
}

fn follows(source: &crate::source::SourceFile, open: Span, next: Span) -> bool {
    let line = source.line_of(next.start);
    let alone =
        source.text.get(source.line_start(line) as usize..next.start as usize).is_some_and(|t| t.trim().is_empty());
    alone && source.line_of(open.end.saturating_sub(1)) + 1 == line
}
