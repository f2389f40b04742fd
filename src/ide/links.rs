//! Addresses in a file that can be opened: reports, dashboards, runbooks, and the files that imports name.

use super::Workspace;
use crate::check::Imported;
use crate::check::program::{Expr, ExprKind, Field, ImportFrom, ItemKind};
use crate::source::Span;
use crate::types::Value;

/// What a link leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An address of the web.
    Url(String),
    /// A file of the project.
    File(String),
}

/// The links of a file, in order.
#[must_use]
pub fn links(workspace: &Workspace, file: usize) -> Vec<(Span, Target)> {
    let program = workspace.program();
    let Some(loaded) = program.files.get(file) else { return Vec::new() };
    let mut found = Vec::new();
    for (import, target) in loaded.file.imports.iter().zip(&loaded.imports) {
        if let (ImportFrom::File(_, span), Some(Imported::File(target))) = (&import.from, target) {
            found.push((inside(*span), Target::File(workspace.path(*target).to_owned())));
        }
    }
    for (_, item) in program.decls_of(file) {
        let fields = match &item.kind {
            ItemKind::Record(_, fields) => fields,
            ItemKind::Experiment(body) | ItemKind::Scenario(_, body) => &body.fields,
            ItemKind::Verify(verify) => &verify.fields,
            _ => continue,
        };
        fields.iter().for_each(|field| of_field(field, &mut found));
    }
    found.sort_by_key(|(span, _)| *span);
    found
}

fn of_field(field: &Field, found: &mut Vec<(Span, Target)>) {
    of_expr(&field.value, found);
}

fn of_expr(expr: &Expr, found: &mut Vec<(Span, Target)>) {
    match &expr.kind {
        ExprKind::Literal(Value::String(text)) if text.starts_with("https://") || text.starts_with("http://") => {
            found.push((inside(expr.span), Target::Url(text.to_string())));
        }
        ExprKind::Record(fields) => fields.iter().for_each(|field| of_field(field, found)),
        ExprKind::List(items) => items.iter().for_each(|item| of_expr(item, found)),
        _ => {}
    }
}

/// Without the quotes.
fn inside(span: Span) -> Span {
    Span::new(span.file, span.start + 1, span.end.saturating_sub(1).max(span.start + 1))
}
