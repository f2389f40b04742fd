//! A file in its one layout, as the replacements of lines that get it there.
//!
//! Only lines that differ are replaced, so that cursors, marks and folds of an editor stay where they are.

use similar::{DiffOp, TextDiff};

use super::Workspace;
use crate::diagnostic::Edit;
use crate::format;
use crate::source::Span;

/// The replacements that bring a file into its one layout; those that touch the lines of `within`, if it is given. Items that
/// do not fit the grammar stay as they are. `None`: the layout would not say the same, which is a mistake of the formatter.
#[must_use]
pub fn formatting(workspace: &Workspace, file: usize, within: Option<Span>) -> Option<Vec<Edit>> {
    let before = workspace.text(file);
    let after = format::format(&workspace.parse(file), before).text;
    if after == before {
        return Some(Vec::new());
    }
    let id = workspace.id(file);
    let mut edits = replacements(before, &after, Span::new(id, 0, before.len() as u32));
    if let Some(within) = within {
        edits.retain(|edit| touches(edit.span, within));
    }
    // A part of the lines may not mean what all of them do: then nothing is better.
    let result = if within.is_some() { applied(before, &edits)? } else { after };
    format::is_same(before, &result).then_some(edits)
}

/// Runs of lines that differ. `of` is the span of the whole text.
fn replacements(before: &str, after: &str, of: Span) -> Vec<Edit> {
    let diff = TextDiff::from_lines(before, after);
    let starts = |lines: &[&str]| -> Vec<u32> {
        let mut at = 0;
        let mut starts = vec![0];
        for line in lines {
            at += line.len() as u32;
            starts.push(at);
        }
        starts
    };
    let (old, new) = (starts(diff.old_slices()), starts(diff.new_slices()));
    let at = |starts: &[u32], line: usize| starts.get(line).or(starts.last()).copied().unwrap_or(0);
    let differs = diff.ops().iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    let replaced = differs.map(|op| {
        let (lines, others) = (op.old_range(), op.new_range());
        let text = after.get(at(&new, others.start) as usize..at(&new, others.end) as usize).unwrap_or("");
        Edit { span: Span { start: at(&old, lines.start), end: at(&old, lines.end), ..of }, text: text.to_owned() }
    });
    replaced.collect()
}

/// Whether a run of lines has a part in a selection; what is put between two lines belongs to both.
fn touches(edit: Span, within: Span) -> bool {
    if edit.start == edit.end || within.start == within.end {
        return edit.start <= within.end && within.start <= edit.end;
    }
    edit.start < within.end && within.start < edit.end
}

fn applied(before: &str, edits: &[Edit]) -> Option<String> {
    let (mut out, mut done) = (String::with_capacity(before.len()), 0);
    for edit in edits {
        out.push_str(before.get(done..edit.span.start as usize)?);
        out.push_str(&edit.text);
        done = edit.span.end as usize;
    }
    out.push_str(before.get(done..)?);
    Some(out)
}
