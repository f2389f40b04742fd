//! Names of objects and templates.
//!
//! Comes in: a plan, a step's number. Goes out: names that fit RFC 1123 and the lengths at which Chaos Mesh breaks.
//!
//! # What happens when the text changes, or is applied again
//! A Workflow may be edited while it runs, and then runs half of the one text and half of the other; a finished one is
//! inert, whatever is written into it. So a Workflow, a bare fault (immutable, T60) and the gate's objects carry ten
//! digits of the plan's digest: the same plan applied twice is one object and one run, a changed plan is a new object
//! and a new run, and the old one is pruned. To run the same text again, delete the Workflow and apply it. A `Schedule`
//! takes a new text from its next start on and is found by its name in all namespaces (T57), so it carries no digest.

use crate::manifest::{Arena, Node};
use crate::plan::Plan;

use super::constants::{LONGEST_NAME, LONGEST_SCHEDULE, LONGEST_TEMPLATE};

/// The names of a plan's objects.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    /// The Workflow or bare fault: name and digest.
    pub(super) run: &'a str,
    /// The Schedule.
    pub(super) schedule: &'a str,
    /// Everything of the gate.
    pub(super) gate: &'a str,
    /// The gate's rights in the namespaces of targets.
    pub(super) gate_target: &'a str,
    /// The experiment as a label's value.
    pub(super) label: &'a str,
}

impl<'a> Names<'a> {
    /// The names of a plan's objects.
    pub(super) fn of(plan: &'a Plan, arena: &'a Arena) -> Self {
        let digest = plan.short_digest();
        let with = |tail: &str| {
            let base = cut(&plan.name, LONGEST_NAME.saturating_sub(digest.len() + 1 + tail.len()));
            text(arena, format_args!("{base}-{digest}{tail}"))
        };
        Self {
            run: with(""),
            schedule: fitted(arena, &plan.name, LONGEST_SCHEDULE),
            gate: with("-gate"),
            gate_target: with("-gate-target"),
            label: fitted(arena, &plan.name, LONGEST_NAME),
        }
    }
}

/// A formatted text in the arena.
pub(super) fn text<'a>(arena: &'a Arena, args: std::fmt::Arguments<'_>) -> &'a str {
    match arena.format(args) {
        Node::Text(text) => text,
        // The arena makes a text of what it formats.
        _ => "",
    }
}

/// The first characters of a name, not ending in a dash.
fn cut(name: &str, room: usize) -> &str {
    let end = (0..=room.min(name.len())).rev().find(|i| name.is_char_boundary(*i)).unwrap_or(0);
    name.get(..end).unwrap_or(name).trim_end_matches(['-', '.'])
}

/// A name that is too long keeps its beginning and gets eight digits of its own digest, so that two stay two.
fn fitted<'a>(arena: &'a Arena, name: &'a str, room: usize) -> &'a str {
    if name.len() <= room {
        return name;
    }
    let digest = crate::plan::text_digest(name);
    let digits = digest.strip_prefix("sha256:").and_then(|d| d.get(..8)).unwrap_or("");
    text(arena, format_args!("{}-{digits}", cut(name, room.saturating_sub(9))))
}

/// A name as the value of a label.
pub(super) fn label<'a>(arena: &'a Arena, name: &'a str) -> &'a str {
    fitted(arena, name, LONGEST_NAME)
}

/// `step-3-network-delay`: the step's number in the method (from 1, every step counted, depth first) and what it does.
pub(super) fn step<'a>(arena: &'a Arena, number: u32, what: &str) -> &'a str {
    named_step(arena, number, "", what)
}

/// `step-3-check-replaced`: as [`step`], with what kind of step it is.
pub(super) fn named_step<'a>(arena: &'a Arena, number: u32, kind: &str, what: &str) -> &'a str {
    cut(text(arena, format_args!("step-{number}-{kind}{}", Dashed(what))), LONGEST_TEMPLATE)
}

/// `clear-3`: the check that waits until what step 3 injected is gone.
pub(super) fn clear(arena: &Arena, number: u32) -> &str {
    text(arena, format_args!("clear-{number}"))
}

/// A qualified name with dashes: dots are legal in a template's name and not in what is made from it.
struct Dashed<'n>(&'n str);

impl std::fmt::Display for Dashed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write as _;
        self.0.chars().try_for_each(|c| f.write_char(if matches!(c, '.' | '_') { '-' } else { c }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t51_no_template_name_is_longer_than_57() {
        let arena = Arena::new();
        let name = step(&arena, 12, &"very-long.".repeat(20));
        assert!(name.len() <= 57 && name.starts_with("step-12-very-long-"), "{name}");
        assert!(!name.ends_with('-'));
    }

    #[test]
    fn long_names_are_cut_and_stay_two() {
        let arena = Arena::new();
        let (a, b) = (format!("{}-a", "x".repeat(70)), format!("{}-b", "x".repeat(70)));
        let (a, b) = (fitted(&arena, &a, 57).to_owned(), fitted(&arena, &b, 57).to_owned());
        assert_ne!(a, b);
        assert!(a.len() <= 57 && b.len() <= 57);
        assert_eq!(fitted(&arena, "short", 57), "short");
    }
}
