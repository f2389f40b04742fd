//! What a selection grows to: the word, then whatever is around it.

use super::Workspace;
use crate::source::Span;

/// The spans around an offset, the smallest first.
#[must_use]
pub fn ranges(workspace: &Workspace, file: usize, offset: u32) -> Vec<Span> {
    let id = workspace.id(file);
    let root = workspace.parse(file).syntax();
    let at = root.token_at_offset(offset.into());
    let Some(token) = at.clone().right_biased().filter(|t| !t.text().trim().is_empty()).or_else(|| at.left_biased())
    else {
        return Vec::new();
    };
    let ranges = std::iter::once(token.text_range()).chain(token.parent_ancestors().map(|n| n.text_range()));
    let mut found: Vec<Span> = ranges.map(|r| Span::new(id, r.start().into(), r.end().into())).collect();
    found.dedup();
    found
}
