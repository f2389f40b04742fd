//! Proof: no two faults of one mechanism are on at once on targets that may meet.
//!
//! Comes in: a plan and its timeline. Goes out: P0400 (the same draw, or two draws of the same candidates), P0401 (draws
//! of different candidates that nothing keeps apart). Engines keep one rule set per mechanism and target: the second
//! replaces the first, or what is undone first takes both away (`chaos-mesh.md` T24, T28, T35, T47).

use smol_str::SmolStr;

use super::facts;
use super::portability::{engine_of, runs_here};
use super::timeline::{Meeting, Timeline, meet};
use crate::diagnostic::{Code, Diagnostic, tidy};
use crate::plan::{EngineName, Fault, Plan, Quantity};

/// Adds the pairs of faults that would disturb each other at the plan's place.
pub fn check(plan: &Plan, timeline: &Timeline, out: &mut Vec<Diagnostic>) {
    pairs(plan, timeline, &|fault| mechanism(plan, fault), out);
}

/// The pairs of faults that would disturb each other if one engine, not the preferred one of each fault, carried all: a
/// native compilation for it asks this.
#[must_use]
pub fn conflicts_for(plan: &Plan, timeline: &Timeline, engine: EngineName) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    pairs(plan, timeline, &|fault| mechanism_of(fault, engine), &mut out);
    tidy(&mut out);
    out
}

fn pairs(plan: &Plan, timeline: &Timeline, mechanism_of: &dyn Fn(&Fault) -> SmolStr, out: &mut Vec<Diagnostic>) {
    for (a, b) in facts::together(plan, timeline) {
        let (Some(first), Some(second)) = (facts::fault(plan, a), facts::fault(plan, b)) else { continue };
        let mechanism = mechanism_of(first);
        if mechanism == mechanism_of(second)
            && let Some(overlap) = overlap(plan, first, second)
        {
            out.push(diagnostic(plan, first, second, &mechanism, overlap));
        }
    }
}

/// The mechanism of the body that the place's engine takes, which may differ from the fault's own.
pub fn mechanism(plan: &Plan, fault: &Fault) -> SmolStr {
    engine_of(plan, fault).map_or_else(|_| fault.mechanism.clone(), |engine| mechanism_of(fault, engine))
}

fn mechanism_of(fault: &Fault, engine: EngineName) -> SmolStr {
    let own = fault.bodies.get(&engine).and_then(|body| body.field("mechanism")).and_then(|m| m.as_text());
    own.map_or_else(|| fault.mechanism.clone(), SmolStr::from)
}

/// How two faults meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Overlap {
    /// Nothing keeps two different sets of candidates apart.
    Possible(u32, u32),
    /// Two draws from the same candidates.
    SameCandidates(u32, u32),
    /// One draw.
    Same(u32),
}

fn overlap(plan: &Plan, first: &Fault, second: &Fault) -> Option<Overlap> {
    let pairs =
        facts::hit_draws(first).into_iter().flat_map(|a| facts::hit_draws(second).into_iter().map(move |b| (a, b)));
    pairs
        .filter_map(|(a, b)| match meet(plan, a, b) {
            Meeting::Same => Some(Overlap::Same(a)),
            Meeting::Never => None,
            Meeting::May if takes_all_of_the_same(plan, a, b) => Some(Overlap::Same(a)),
            Meeting::May if same_candidates(plan, a, b) => Some(Overlap::SameCandidates(a, b)),
            Meeting::May => Some(Overlap::Possible(a, b)),
        })
        .max()
}

/// Whether one of them leaves nothing that the other could hit.
fn takes_all_of_the_same(plan: &Plan, a: u32, b: u32) -> bool {
    match (facts::draw(plan, a), facts::draw(plan, b)) {
        (Some(a), Some(b)) => a.selector == b.selector && [a, b].iter().any(|draw| draw.quantity == Quantity::All),
        _ => false,
    }
}

fn same_candidates(plan: &Plan, a: u32, b: u32) -> bool {
    match (facts::draw(plan, a), facts::draw(plan, b)) {
        (Some(a), Some(b)) => (a.service.is_some() && a.service == b.service) || a.selector == b.selector,
        _ => false,
    }
}

fn diagnostic(plan: &Plan, first: &Fault, second: &Fault, mechanism: &str, overlap: Overlap) -> Diagnostic {
    let text = |draw: u32| facts::draw(plan, draw).map_or(String::new(), |d| d.text.clone());
    let (a, b) = (&first.name, &second.name);
    // What leaves out what another hit can only be drawn by whoever drew that; engines draw each for itself.
    let apart = if runs_here(plan) {
        "name the first with `let` and take the second with `except:`, as in `.pods(except: first)`"
    } else {
        "let one end before the other begins, or narrow both by labels that no two share"
    };
    let (code, message, help) = match overlap {
        Overlap::Same(draw) => (
            Code::CONFLICT,
            format!("`{a}` and `{b}` are on at the same time, on the same targets"),
            format!("let one end before the other begins, or hit others than `{}` with one of them", text(draw)),
        ),
        Overlap::SameCandidates(x, y) => (
            Code::CONFLICT,
            format!("`{a}` and `{b}` are on at the same time, and may hit the same targets"),
            format!("`{}` and `{}` are two draws that may meet: {apart}", text(x), text(y)),
        ),
        Overlap::Possible(x, y) => (
            Code::POSSIBLE_CONFLICT,
            format!("`{a}` and `{b}` are on at the same time, and nothing keeps their targets apart"),
            format!("give `{}` and `{}` labels that cannot both fit one pod, or let one end first", text(x), text(y)),
        ),
    };
    let diagnostic = Diagnostic::new(code, second.span, message)
        .label(format!("`{b}`, while the other is on"))
        .why(format!(
            "both work by `{mechanism}`, and of that a target has one: \
                 the second replaces the first, or its end takes both away"
        ))
        .help(help);
    // Two rounds of a loop give one step twice.
    if first.span == second.span { diagnostic } else { diagnostic.also(first.span, format!("`{a}` is on")) }
}
