//! A `verify` as a Schedule around the Workflow, which never overlaps itself.
//!
//! Comes in: the plan's schedule and the Workflow's spec. Goes out: the Schedule. A Schedule hands no annotation to its
//! children, and without one an abort panics: the gate annotates each child before it lets it through (G3), so a gate of
//! someone else must be allowed to. `Forbid` looks at Chaos Mesh's "accomplished", which comes before the last undo: the
//! gate's baseline also waits until no fault object of an earlier run is left (G10).

use crate::engine::{EmitOptions, all_at_once};
use crate::manifest::Node;
use crate::plan::Schedule;

use super::constants::API_VERSION;
use super::context::Context;
use super::names::Names;
use super::object;
use super::workflow::Built;

/// A start that is missed by more is skipped, and not run at an hour when nobody expects it. Without one a Schedule is
/// dead after a hundred missed starts; it must also stay below a hundred periods, and no cron of five fields is denser
/// than a minute (T55, T56).
const STARTING_DEADLINE: i64 = 300;
/// Finished runs that are kept. Without it they are deleted at once, and their results with them (T55).
const HISTORY: i64 = 5;

/// The Schedule.
pub(super) fn build<'a>(
    cx: &mut Context<'a>,
    names: Names<'a>,
    schedule: &'a Schedule,
    built: &Built<'a>,
    options: &EmitOptions,
) -> Node<'a> {
    judge(cx, schedule, options);
    let arena = cx.arena;
    let spec = arena.map([
        // The zone of the controller would count otherwise (T58).
        ("schedule", arena.format(format_args!("CRON_TZ={} {}", schedule.zone, schedule.cron))),
        ("type", Node::Text("Workflow")),
        ("concurrencyPolicy", Node::Text("Forbid")),
        ("historyLimit", Node::Int(HISTORY)),
        ("startingDeadlineSeconds", Node::Int(STARTING_DEADLINE)),
        ("workflow", built.spec),
    ]);
    let namespace = cx.plan.place.cluster.chaos_namespace.as_str();
    let labels = [("perturb.dev/verify", Node::Text(super::names::label(arena, &schedule.verify)))];
    arena.map([
        ("apiVersion", Node::Text(API_VERSION)),
        ("kind", Node::Text("Schedule")),
        ("metadata", object::metadata(cx, names, names.schedule, namespace, &labels, &built.notes)),
        ("spec", spec),
    ])
}

/// What a Schedule cannot keep. (A cron that Chaos Mesh refuses is refused for every engine.)
fn judge(cx: &mut Context<'_>, schedule: &Schedule, options: &EmitOptions) {
    if schedule.among_others {
        let text = all_at_once(schedule, "Schedule");
        cx.approximate("order", schedule.span, text);
    }
    if options.gate_url.is_some() {
        let text = "a run of a Schedule has no annotation, without which Chaos Mesh's abort panics: the gate at \
                    `--gate-url` must be allowed to patch Workflows in the namespace of the experiment"
            .to_owned();
        cx.approximate("gate", schedule.span, text);
    }
}
