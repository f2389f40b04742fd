//! What can be mended: each finding's fixes, and all certain ones at once.

use super::Workspace;
use crate::diagnostic::{Applicability, Diagnostic, Edit, Fix};
use crate::source::Span;

/// Something that can be done about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What it does.
    pub title: String,
    /// The replacements; they may be in several files.
    pub edits: Vec<Edit>,
    /// What it is about; `None`: all of the file.
    pub of: Option<Diagnostic>,
    /// Whether it is certain to be what was meant.
    pub is_certain: bool,
}

/// What can be done about the findings that touch a span.
#[must_use]
pub fn actions(workspace: &Workspace, file: usize, within: Span) -> Vec<Action> {
    let found = workspace.found(workspace.id(file));
    let touches = |d: &&Diagnostic| d.span.start <= within.end && within.start <= d.span.end;
    let mut actions: Vec<Action> = Vec::new();
    for diagnostic in found.iter().filter(touches) {
        for fix in &diagnostic.fixes {
            actions.push(Action {
                title: fix.title.clone(),
                edits: fix.edits.clone(),
                of: Some(diagnostic.clone()),
                is_certain: fix.applicability == Applicability::Certain,
            });
        }
    }
    actions
}

/// All certain fixes of a file that do not meet, as one; `None` if there is none.
#[must_use]
pub fn fix_all(workspace: &Workspace, file: usize) -> Option<Action> {
    let found = workspace.found(workspace.id(file));
    let mut edits: Vec<Edit> = Vec::new();
    let mut count = 0;
    for fix in found.iter().filter_map(certain) {
        let meets = |edit: &Edit| edits.iter().any(|other| meet(edit, other));
        if !fix.edits.iter().any(meets) {
            edits.extend(fix.edits.iter().cloned());
            count += 1;
        }
    }
    edits.sort_by_key(|edit| edit.span);
    let title = format!("fix all that is certain ({count})");
    (count > 0).then_some(Action { title, edits, of: None, is_certain: true })
}

/// The first certain fix.
fn certain(diagnostic: &Diagnostic) -> Option<&Fix> {
    diagnostic.fixes.iter().find(|fix| fix.applicability == Applicability::Certain)
}

/// Whether two replacements overlap or insert at one place.
fn meet(a: &Edit, b: &Edit) -> bool {
    a.span.file == b.span.file && a.span.start <= b.span.end && b.span.start <= a.span.end
}
