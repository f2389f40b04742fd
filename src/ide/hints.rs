//! What the text does not say and the plan knows: when a step ends, how many a share is.

use super::Workspace;
use crate::analysis::timeline::{Moment, timeline};
use crate::lower::ExperimentRef;
use crate::plan::{Plan, Quantity};
use crate::source::Span;
use crate::types::TargetKind;

/// A few words behind a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Behind this byte.
    pub offset: u32,
    /// The words.
    pub text: String,
    /// What they mean.
    pub about: String,
}

/// The hints of a file between two offsets, in order.
#[must_use]
pub fn hints(workspace: &Workspace, file: usize, within: Span) -> Vec<Hint> {
    let mut found = Vec::new();
    for (experiment, _) in workspace.experiments(file) {
        if let Some(plan) = plan_in(workspace, file, &experiment, within) {
            ends(&plan, workspace, file, within, &mut found);
            shares(&plan, workspace, file, within, &mut found);
        }
    }
    found.sort_by(|a, b| (a.offset, &a.text).cmp(&(b.offset, &b.text)));
    found.dedup();
    found
}

/// The plan of an experiment that is declared in the span.
fn plan_in(workspace: &Workspace, file: usize, experiment: &ExperimentRef, within: Span) -> Option<Plan> {
    let mut items = workspace.program().decls_of(file);
    let (_, item) = items.find(|(_, item)| item.name.span == experiment.span)?;
    let is_seen = item.span.start <= within.end && within.start <= item.span.end;
    if is_seen { workspace.plan(experiment) } else { None }
}

/// When each step has ended. Rounds of a loop stand at one place, so the last one counts.
fn ends(plan: &Plan, workspace: &Workspace, file: usize, within: Span, found: &mut Vec<Hint>) {
    let mut lanes: std::collections::BTreeMap<Span, Moment> = std::collections::BTreeMap::new();
    for lane in timeline(plan).lanes {
        lanes.entry(lane.span).and_modify(|to| *to = to.max(lane.to)).or_insert(lane.to);
    }
    for (span, to) in lanes {
        if span.file != workspace.id(file) || span.start < within.start || span.end > within.end {
            continue;
        }
        // A `with` is told at its first line.
        let text = workspace.sources().text(span);
        let first = text.lines().next().unwrap_or("");
        let end = span.start + first.trim_end().len() as u32;
        let about = format!("At `{}`, counted from the first injection.", plan.place);
        found.push(Hint { offset: end, text: format!("ends at {}", moment(to)), about });
    }
}

fn moment(to: Moment) -> String {
    if to.earliest == to.latest { to.latest.to_string() } else { format!("{}–{}", to.earliest, to.latest) }
}

/// How many a share is, where the catalogue says of how many.
fn shares(plan: &Plan, workspace: &Workspace, file: usize, within: Span, found: &mut Vec<Hint>) {
    for draw in &plan.draws {
        let is_here =
            draw.span.file == workspace.id(file) && within.start <= draw.span.start && draw.span.end <= within.end;
        let Quantity::Share(_) = draw.quantity else { continue };
        let replicas = draw.service.as_ref().and_then(|name| plan.services.get(name)).and_then(|s| s.replicas);
        // A narrowed selector has fewer candidates than the service has pods, and nobody knows how many.
        let is_narrowed = draw.text.ends_with(')');
        if let (true, false, Some(replicas)) = (is_here, is_narrowed, replicas) {
            let kind = draw.selector.kind();
            if kind != TargetKind::Pods {
                continue;
            }
            let hit = draw.quantity.of(replicas);
            let text = format!("{hit} of {replicas}");
            let about =
                format!("With the {replicas} replicas that the catalogue gives at `{}`.", plan.place.environment);
            found.push(Hint { offset: draw.span.end, text, about });
        }
    }
}
