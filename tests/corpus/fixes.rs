//! The law of fixes: applied, a fix removes the diagnostic that offers it; one that is marked certain adds none, too.
//!
//! Comes in: files, and what was found in them. Goes out: the first fix that breaks the law, with what it makes of the text.

use libtest_mimic::Failed;
use perturb::diagnostic::{Applicability, Diagnostic, Fix};
use perturb::source::SourceMap;

use crate::cases::{NamedText, findings_beside};

/// What stays the same of a diagnostic when the text before it moves.
type Said = (String, String, String);

/// Applies every fix, each alone.
pub fn hold(
    files: &[NamedText],
    beside: &[NamedText],
    found: &[Diagnostic],
    sources: &SourceMap,
) -> Result<(), Failed> {
    let before = said(found, sources);
    for (diagnostic, own) in found.iter().zip(&before) {
        for fix in &diagnostic.fixes {
            let mended = apply(files, fix, sources)?;
            let (now, after_sources) = findings_beside(&mended, beside);
            let mut after = said(&now, &after_sources);
            let broken = |what: &str, after: &[Said]| -> Failed {
                let text: String = mended.iter().map(|(name, text)| format!("// file: {name}\n{text}")).collect();
                format!("{own:?}: its fix `{}` {what}:\n{after:#?}\n{text}", fix.title).into()
            };
            let count = |all: &[Said]| all.iter().filter(|s| *s == own).count();
            if count(&after) >= count(&before) {
                return Err(broken("leaves it", &after));
            }
            if fix.applicability == Applicability::Certain {
                for old in &before {
                    if let Some(at) = after.iter().position(|s| s == old) {
                        after.remove(at);
                    }
                }
                if !after.is_empty() {
                    return Err(broken("is marked certain and adds", &after));
                }
            }
        }
    }
    Ok(())
}

fn said(found: &[Diagnostic], sources: &SourceMap) -> Vec<Said> {
    found.iter().map(|d| (sources.file(d.span.file).path.to_string(), d.code.to_string(), d.message.clone())).collect()
}

/// The files with the edits of one fix.
fn apply(files: &[NamedText], fix: &Fix, sources: &SourceMap) -> Result<Vec<NamedText>, Failed> {
    let mut mended = files.to_vec();
    let mut edits: Vec<_> = fix.edits.iter().collect();
    // From the end, so that the places before stay right.
    edits.sort_by_key(|edit| std::cmp::Reverse((edit.span.start, edit.span.end)));
    for edit in edits {
        let path = sources.file(edit.span.file).path.to_string();
        let (_, text) = mended
            .iter_mut()
            .find(|(name, _)| *name == path)
            .ok_or_else(|| format!("the fix `{}` changes {path}, which is not of this case", fix.title))?;
        let range = edit.span.start as usize..edit.span.end as usize;
        if text.get(range.clone()).is_none() {
            return Err(format!("the fix `{}` changes a place that is no text", fix.title).into());
        }
        text.replace_range(range, &edit.text);
    }
    Ok(mended)
}
