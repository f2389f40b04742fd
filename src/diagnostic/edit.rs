//! Fixes applied to texts. Comes in: fixes, and the texts that they change. Goes out: which can be applied together, and the
//! texts afterwards. Pure.

use super::{Applicability, Diagnostic, Edit, Fix};
use crate::source::FileId;

/// The fixes that may be applied together: the first of each diagnostic that fits, none that touches what another changes.
/// A fix is taken whole or not at all.
#[must_use]
pub fn choose(found: &[Diagnostic], guesses: bool) -> Vec<&Fix> {
    let mut chosen: Vec<&Fix> = Vec::new();
    for diagnostic in found {
        let fits = |fix: &&Fix| {
            let may = fix.applicability == Applicability::Certain || guesses;
            may && !fix.edits.is_empty() && !chosen.contains(fix) && fix.edits.iter().all(|e| is_free(e, &chosen))
        };
        if diagnostic.fixes.iter().any(|fix| chosen.contains(&fix)) {
            continue;
        }
        if let Some(fix) = diagnostic.fixes.iter().find(fits) {
            chosen.push(fix);
        }
    }
    chosen
}

/// Whether nothing that is chosen touches this edit. Two insertions at one place would have an order, so they touch.
fn is_free(edit: &Edit, chosen: &[&Fix]) -> bool {
    let touches = |other: &Edit| {
        other.span.file == edit.span.file && other.span.start <= edit.span.end && edit.span.start <= other.span.end
    };
    !chosen.iter().flat_map(|fix| &fix.edits).any(touches)
}

/// A text with the edits of these fixes that concern its file; `None` if an edit does not lie in the text.
#[must_use]
pub fn apply(text: &str, file: FileId, fixes: &[&Fix]) -> Option<String> {
    let mut edits: Vec<&Edit> = fixes.iter().flat_map(|f| &f.edits).filter(|e| e.span.file == file).collect();
    edits.sort_by_key(|e| (e.span.start, e.span.end));
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for edit in edits {
        out.push_str(text.get(done..edit.span.start as usize)?);
        out.push_str(&edit.text);
        done = edit.span.end as usize;
    }
    out.push_str(text.get(done..)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use crate::source::Span;

    fn fix(edits: &[(u32, u32, &str)], applicability: Applicability) -> Fix {
        let edit = |(start, end, text): &(u32, u32, &str)| Edit {
            span: Span::new(FileId(0), *start, *end),
            text: (*text).to_owned(),
        };
        Fix { title: "x".into(), edits: edits.iter().map(edit).collect(), applicability }
    }

    fn found(fixes: Vec<Fix>) -> Diagnostic {
        let mut diagnostic = Diagnostic::new(Code::SYNTAX, Span::new(FileId(0), 0, 1), "x");
        diagnostic.fixes = fixes;
        diagnostic
    }

    #[test]
    fn fixes_that_touch_are_not_applied_together() {
        let certain = |edits: &[(u32, u32, &str)]| found(vec![fix(edits, Applicability::Certain)]);
        let all = [certain(&[(0, 1, "A"), (4, 5, "E")]), certain(&[(3, 4, "x")]), certain(&[(2, 3, "C")])];
        let chosen = choose(&all, false);
        assert_eq!(chosen.len(), 2);
        assert_eq!(apply("abcdef", FileId(0), &chosen).as_deref(), Some("AbCdEf"));
        assert_eq!(apply("abcdef", FileId(1), &chosen).as_deref(), Some("abcdef"));
        assert_eq!(apply("ab", FileId(0), &chosen), None);
    }

    #[test]
    fn guesses_are_taken_only_when_asked_for_and_the_first_only() {
        let guess = |text| fix(&[(0, 1, text)], Applicability::Maybe);
        let all = [found(vec![guess("B"), guess("C")])];
        assert_eq!(choose(&all, false), Vec::<&Fix>::new());
        assert_eq!(apply("a", FileId(0), &choose(&all, true)).as_deref(), Some("B"));
    }

    #[test]
    fn one_fix_of_two_findings_is_applied_once() {
        let certain = || found(vec![fix(&[(1, 1, "!")], Applicability::Certain)]);
        assert_eq!(apply("ab", FileId(0), &choose(&[certain(), certain()], false)).as_deref(), Some("a!b"));
    }
}
