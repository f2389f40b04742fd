//! A fix as the lines that it takes away and adds: a small diff.
//!
//! Comes in: a fix and the texts. Goes out: a few lines, or nothing where they would say less than the fix's title: a fix
//! in several files, of many lines, or in a line too long to read.

use crate::diagnostic::Fix;
use crate::source::SourceMap;

/// More lines than this are no small diff.
const MOST_LINES: u32 = 8;
/// Nobody compares longer lines by eye.
const LONGEST: usize = 200;

/// What a fix changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Lines as they are.
    pub removed: Vec<String>,
    /// Lines as they would be.
    pub added: Vec<String>,
}

/// The lines that a fix changes.
pub(super) fn change(fix: &Fix, sources: &SourceMap) -> Option<Change> {
    let file_id = fix.edits.first()?.span.file;
    if fix.edits.iter().any(|e| e.span.file != file_id) {
        return None;
    }
    let file = sources.get(file_id)?;
    let mut edits: Vec<_> = fix.edits.iter().collect();
    edits.sort_by_key(|e| (e.span.start, e.span.end));
    let first = file.line_of(edits.first()?.span.start);
    let last = file.line_of(edits.iter().map(|e| e.span.end).max()?);
    if last.saturating_sub(first) >= MOST_LINES {
        return None;
    }
    let (from, to) = (file.line_start(first) as usize, file.line_start(last + 1) as usize);
    let before = file.text.get(from..to)?;
    if before.len() > LONGEST * MOST_LINES as usize {
        return None;
    }
    let mut after = String::new();
    let mut at = from;
    for edit in edits {
        after.push_str(file.text.get(at..edit.span.start as usize)?);
        after.push_str(&edit.text);
        at = edit.span.end as usize;
    }
    after.push_str(file.text.get(at..to)?);
    lines_apart(before, &after)
}

/// The lines of two texts without those that are the same, and without common indentation.
fn lines_apart(before: &str, after: &str) -> Option<Change> {
    let mut old: Vec<&str> = before.lines().map(str::trim_end).collect();
    let mut new: Vec<&str> = after.lines().map(str::trim_end).collect();
    while old.last().is_some() && old.last() == new.last() {
        old.pop();
        new.pop();
    }
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (mut old, mut new) = (old.split_off(same), new.split_off(same));
    // Where no line comes or goes, those between two changes are the same ones.
    if old.len() == new.len() {
        (old, new) = old.into_iter().zip(new).filter(|(a, b)| a != b).unzip();
    }
    if new.len() > MOST_LINES as usize || old.iter().chain(&new).any(|line| line.len() > LONGEST) {
        return None;
    }
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let common = old.iter().chain(&new).filter(|l| !l.trim().is_empty()).map(indent).min().unwrap_or(0);
    let cut = |lines: &[&str]| lines.iter().map(|l| l.get(common..).unwrap_or("").to_owned()).collect();
    let change = Change { removed: cut(&old), added: cut(&new) };
    (!(change.removed.is_empty() && change.added.is_empty())).then_some(change)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Applicability, Edit};
    use crate::source::Span;

    fn shown(text: &str, edits: &[(u32, u32, &str)]) -> Option<Change> {
        let mut sources = SourceMap::default();
        let file = sources.add("a.chaos", text);
        let edits = edits
            .iter()
            .map(|(start, end, text)| Edit { span: Span::new(file, *start, *end), text: (*text).to_owned() })
            .collect();
        change(&Fix { title: String::new(), edits, applicability: Applicability::Certain }, &sources)
    }

    #[test]
    fn only_the_lines_that_change_are_shown() {
        let change = shown("a\n  wait 5 m\nb\n", &[(10, 11, "")]).unwrap();
        assert_eq!((change.removed, change.added), (vec!["wait 5 m".to_owned()], vec!["wait 5m".to_owned()]));
    }

    #[test]
    fn an_insertion_takes_nothing_away() {
        let change = shown("a {\n  b\n}\n", &[(4, 4, "  x\n")]).unwrap();
        assert_eq!((change.removed, change.added), (vec![], vec!["x".to_owned()]));
    }

    #[test]
    fn several_places_make_one_change() {
        let change = shown("(a b)", &[(0, 1, "["), (4, 5, "]")]).unwrap();
        assert_eq!((change.removed, change.added), (vec!["(a b)".to_owned()], vec!["[a b]".to_owned()]));
    }

    #[test]
    fn lines_between_two_changes_are_left_out() {
        let change = shown("a x\nb\na y\n", &[(0, 1, "c"), (6, 7, "c")]).unwrap();
        assert_eq!(
            (change.removed, change.added),
            (vec!["a x".to_owned(), "a y".to_owned()], vec!["c x".to_owned(), "c y".to_owned()])
        );
    }

    #[test]
    fn too_much_is_left_to_the_title() {
        assert_eq!(shown(&"x\n".repeat(40), &[(0, 60, "")]), None);
        assert_eq!(shown(&"x".repeat(5000), &[(0, 1, "y")]), None);
    }
}
