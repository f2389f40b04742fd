//! P0911: an import that nothing in its file names.

use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Fix};
use crate::source::Span;
use crate::syntax::ast::{Declaration, Import, View as _};
use crate::syntax::{SyntaxKind, SyntaxToken};

use super::tree::{declarations, node_span, token_span, tokens, uses, whole_lines};
use super::{File, Project};

pub(super) fn check(project: &Project<'_>, out: &mut Vec<Diagnostic>) {
    // A line that cannot be read may name what no other does.
    for file in project.files.iter().filter(|file| file.parse.broken_lines().next().is_none()) {
        for declaration in declarations(file) {
            if let Declaration::Import(import) = &declaration {
                import_of(file, import, out);
            }
        }
    }
}

fn import_of(file: &File<'_>, import: &Import, out: &mut Vec<Diagnostic>) {
    let root = file.parse.syntax();
    let is_unused = |name: &SyntaxToken| !uses(&root, name.text(), import.syntax());
    let Some(names) = import.names() else {
        let alias = import.alias().and_then(|a| tokens(&a).find(|t| t.kind() == SyntaxKind::Word));
        if let Some(alias) = alias.filter(is_unused) {
            out.push(finding(file, import, &alias, None));
        }
        return;
    };
    let unused = names.iter().filter(|n| is_unused(n)).count();
    for (index, name) in names.iter().enumerate().filter(|(_, n)| is_unused(n)) {
        let edit = (unused < names.len()).then(|| without(file, &names, index));
        out.push(finding(file, import, name, edit));
    }
}

/// The name with the comma and the blanks between it and its neighbour.
fn without(file: &File<'_>, names: &[SyntaxToken], index: usize) -> Span {
    let span = |i: usize| names.get(i).map(|n| token_span(file.id, n));
    let own = span(index).unwrap_or(Span::new(file.id, 0, 0));
    match (span(index + 1), index.checked_sub(1).and_then(span)) {
        (Some(next), _) => Span { end: next.start, ..own },
        (None, Some(last)) => Span { start: last.end, ..own },
        (None, None) => own,
    }
}

fn finding(file: &File<'_>, import: &Import, name: &SyntaxToken, part: Option<Span>) -> Diagnostic {
    let diagnostic = Diagnostic::new(
        Code::UNUSED_IMPORT,
        token_span(file.id, name),
        format!("nothing in this file names `{}`", name.text()),
    )
    .why("who reads the import believes that the file depends on it")
    .help("leave it out: policies and services hold for the whole project without an import");
    let whole = || whole_lines(file.text, node_span(file.id, import.syntax()));
    let span = part.or_else(whole);
    // A comment among the names would go with them.
    let is_plain = span.is_some_and(|s| {
        let text = file.text.get(s.start as usize..s.end as usize);
        text.is_some_and(|t| !t.contains("//"))
    });
    match span.filter(|_| is_plain) {
        Some(span) => diagnostic.with_fix(Fix {
            title: "leave it out".into(),
            edits: vec![Edit { span, text: String::new() }],
            applicability: Applicability::Certain,
        }),
        None => diagnostic,
    }
}
