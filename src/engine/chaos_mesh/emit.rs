//! A plan as Chaos Mesh's objects: the entry, and what is decided about a plan as a whole.
//!
//! Comes in: a plan, options, an arena. Goes out: documents, each handed over once the whole plan was found expressible,
//! and the report. One fault that nobody judges is a bare object; everything else is a Workflow with its gate.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, Diagnostic};
use crate::engine::drawing;
use crate::engine::native::not_here;
use crate::engine::unwatched::unwatched;
use crate::engine::{EmitOptions, Report, Sink};
use crate::manifest::{Arena, Node};
use crate::plan::{EngineName, Plan, Selector, Step, StepKind};
use crate::types::Duration;

use super::bounds;
use super::check::for_each_draw;
use super::constants::API_VERSION;
use super::context::Context;
use super::gate::{self, GateConfig};
use super::gate_objects;
use super::names::Names;
use super::object::{self, Expressed};
use super::{schedule, selector, workflow};

/// Emits a plan's documents: first the gate's, last what begins the experiment. Nothing is emitted if the report has an
/// error. The same plan and options give the same documents.
pub fn emit(plan: &Plan, options: &EmitOptions, arena: &Arena, out: &mut Sink<'_>) -> Report {
    emit_if(plan, options, arena, Some(out))
}

/// What [`emit`] says of a plan with the gate of its own, without the documents: the gate's are most of the work.
pub fn judge(plan: &Plan, arena: &Arena) -> Report {
    emit_if(plan, &EmitOptions::default(), arena, None)
}

fn emit_if(plan: &Plan, options: &EmitOptions, arena: &Arena, out: Option<&mut Sink<'_>>) -> Report {
    let mut cx = Context::new(plan, arena);
    if !plan.place.cluster.engines.contains(&EngineName::ChaosMesh) {
        cx.refuse(not_here(plan, EngineName::ChaosMesh, Code::CHAOS_MESH_NOT_HERE));
    }
    let names = Names::of(plan, arena);
    let faults = express(&mut cx);
    preflight(&mut cx);
    if let Some((fault, lasts)) = bare_step(plan) {
        if let Some(of) = faults.get(fault as usize).copied().flatten() {
            let object = object::bare(&mut cx, names, of, lasts);
            if let Some(out) = out
                && !cx.failed()
            {
                out(&object);
            }
        }
        return cx.report;
    }
    judged(&mut cx, names, &faults, options, out);
    cx.report
}

/// A Workflow or Schedule, and the gate.
fn judged<'a>(
    cx: &mut Context<'a>,
    names: Names<'a>,
    faults: &[Option<Expressed<'a>>],
    options: &'a EmitOptions,
    out: Option<&mut Sink<'_>>,
) {
    let own_gate = options.gate_url.is_none();
    cx.report.bounds = bounds::told(cx.plan);
    if own_gate {
        keep_gate_safe(cx, names, faults);
    }
    let Some(base) = gate::base(cx, names, options) else { return };
    let built = workflow::build(cx, faults, base);
    let object = match &cx.plan.schedule {
        Some(schedule) => schedule::build(cx, names, schedule, &built, options),
        None => workflow_object(cx, names, &built),
    };
    let Some(out) = out.filter(|_| !cx.failed()) else { return };
    if own_gate {
        let config = GateConfig::new(cx.plan, names, built.steps);
        gate_objects::emit(cx, names, faults, &config, options, out);
    }
    out(&object);
}

/// The Workflow. It has annotations, as an abort without any panics (T52).
fn workflow_object<'a>(cx: &Context<'a>, names: Names<'a>, built: &workflow::Built<'a>) -> Node<'a> {
    let namespace = cx.plan.place.cluster.chaos_namespace.as_str();
    cx.arena.map([
        ("apiVersion", Node::Text(API_VERSION)),
        ("kind", Node::Text("Workflow")),
        ("metadata", object::metadata(cx, names, names.run, namespace, &[], &built.notes)),
        ("spec", built.spec),
    ])
}

/// The only step of a plan that nobody judges and nothing restricts: a bare object says all of it.
fn bare_step(plan: &Plan) -> Option<(u32, Option<Duration>)> {
    let judged = !plan.expectations.is_empty() || !plan.guards.is_empty() || plan.schedule.is_some();
    let restricted = !plan.hours.is_empty() || !plan.approvals.is_empty();
    match plan.method.as_slice() {
        [Step { kind: StepKind::Inject { fault, lasts }, .. }] if !judged && !restricted => Some((*fault, *lasts)),
        _ => None,
    }
}

/// Expresses the faults that the method uses and judges the draws that they name, each once.
fn express<'a>(cx: &mut Context<'a>) -> Vec<Option<Expressed<'a>>> {
    let plan = cx.plan;
    let mut all = vec![None; plan.faults.len()];
    // Each draw with the first fault that names it, and how many faults have it as their target.
    let mut draws: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
    for_each_fault(&plan.method, &mut |index| {
        let Some(fault) = plan.faults.get(index as usize) else { return };
        let Some(of) = object::express(cx, fault) else { return };
        draws.entry(fault.target).or_insert((index, 0)).1 += 1;
        for_each_draw(of.spec, &mut |draw| {
            draws.entry(draw).or_insert((index, 0));
        });
        if let Some(slot) = all.get_mut(index as usize) {
            *slot = Some(of);
        }
    });
    for (draw, (fault, uses)) in draws {
        if let Some(fault) = cx.fault(fault) {
            selector::judge(cx, draw, fault, uses);
        }
    }
    all
}

/// Calls `f` with the fault of each step, in order.
fn for_each_fault(steps: &[Step], f: &mut impl FnMut(u32)) {
    for step in steps {
        match &step.kind {
            StepKind::Inject { fault, .. } => f(*fault),
            StepKind::With { fault, steps } => {
                f(*fault);
                for_each_fault(steps, f);
            }
            StepKind::Parallel(steps) | StepKind::Sequence(steps) | StepKind::Round { steps, .. } => {
                for_each_fault(steps, f);
            }
            StepKind::Wait(_) | StepKind::Check { .. } | StepKind::Ask { .. } | StepKind::Note { .. } => {}
        }
    }
}

/// No selector may match the gate's own pods.
fn keep_gate_safe<'a>(cx: &mut Context<'a>, names: Names<'a>, faults: &[Option<Expressed<'a>>]) {
    let plan = cx.plan;
    let labels = gate_objects::pod_labels(names);
    for of in faults.iter().flatten() {
        let Some(draw) = plan.draws.get(of.fault.target as usize) else { continue };
        if let Selector::Pods(pods) = &draw.selector
            && selector::hits_gate(pods, &plan.place.cluster.chaos_namespace, &labels)
        {
            selector::refuse_gate(cx, &draw.text, draw.span);
        }
    }
}

/// What only shows before a run. (Hours are the gate's: it does not open the baseline outside them.)
fn preflight(cx: &mut Context<'_>) {
    let plan = cx.plan;
    if let Some(remote) = &plan.place.cluster.remote_cluster {
        // The gate runs where the objects are made, and sees no pod of the cluster in which they inject.
        let blind = plan.streams.iter().filter(|s| matches!(s.source, crate::plan::Source::Kubernetes { .. }));
        for stream in blind {
            let message = format!("`{}` cannot be asked natively: the faults are injected in `{remote}`", stream.text);
            let diagnostic = Diagnostic::new(Code::CHAOS_MESH_TRAP, plan.span, message)
                .why("the gate counts pods in the cluster that it runs in, which is another")
                .help("judge by a metric of Prometheus or HTTP");
            cx.refuse(diagnostic);
        }
    }
    cx.report.diagnostics.extend(drawing::refused(plan, EngineName::ChaosMesh));
    cx.report.unwatched = unwatched(plan, true);
}
