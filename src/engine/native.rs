//! What `perturb compile` makes of a whole plan, engine by engine: asked by whoever tells a plan, and by whoever checks one.
//!
//! Comes in: a plan. Goes out: for each engine that is compiled for what it refuses, by the code that refuses it there; and
//! P0482, where nothing can hold the experiment: no engine as it is compiled, and `perturb run` neither.

use super::{Report, chaos_mesh, litmus};
use crate::analysis::analyse;
use crate::analysis::portability::{Native, runs_here};
use crate::diagnostic::{Code, Diagnostic, tidy};
use crate::manifest::Arena;
use crate::plan::{EngineName, Fault, Plan};

/// What each engine makes of a plan.
#[must_use]
pub fn natives(plan: &Plan) -> Vec<Native> {
    EngineName::NATIVE.into_iter().map(|engine| native(plan, engine)).collect()
}

fn native(plan: &Plan, engine: EngineName) -> Native {
    let Report { diagnostics, approximations, .. } = match engine {
        EngineName::ChaosMesh => chaos_mesh::judge(plan, &Arena::new()),
        _ => litmus::judge(plan),
    };
    let mut refused: Vec<Diagnostic> = diagnostics.into_iter().filter(Diagnostic::is_error).collect();
    refused.sort_by_key(|d| d.span);
    let mut whom: Vec<String> =
        approximations.into_iter().filter(|a| a.what == WHICH_CONTAINER).map(|a| a.text).collect();
    whom.dedup();
    Native { engine, refused, whom }
}

/// What [`first_container`] is about, in a report.
pub(super) const WHICH_CONTAINER: &str = "container";

/// That an engine chooses the container, where nobody says which.
pub(super) fn first_container(plan: &Plan, fault: &Fault, engine: EngineName) -> String {
    let draw = plan.draws.get(fault.target as usize);
    let nobody = match draw.and_then(|d| d.service.as_ref()) {
        Some(service) => format!("the service `{service}` names no `container`"),
        None => format!("`{}` is of no service that names its `container`", draw.map_or("", |d| d.text.as_str())),
    };
    format!(
        "{nobody}, so {} puts `{}` into the first container of each pod, be it a sidecar",
        engine.title(),
        fault.name
    )
}

/// Everything that is proved or refused about one plan, and of one that is right in itself, that nothing can hold it.
#[must_use]
pub fn judged(plan: &Plan) -> Vec<Diagnostic> {
    let mut found = analyse(plan);
    // That it needs two engines says why, and more.
    if !found.iter().any(|d| d.is_error() || d.code == Code::TWO_ENGINES) {
        found.extend(nothing_can(plan));
        tidy(&mut found);
    }
    found
}

fn nothing_can(plan: &Plan) -> Option<Diagnostic> {
    if runs_here(plan) {
        return None;
    }
    let here = EngineName::NATIVE.into_iter().filter(|e| plan.place.cluster.engines.contains(e));
    let mut refused = Vec::new();
    for engine in here {
        let native = native(plan, engine);
        if native.is_compiled() {
            return None;
        }
        refused.push(native);
    }
    Some(nothing_holds(plan, &refused))
}

fn nothing_holds(plan: &Plan, refused: &[Native]) -> Diagnostic {
    let message = format!("nothing can hold `{}` at `{}`", plan.name, plan.place);
    let mut found = Diagnostic::new(Code::NOTHING_HOLDS, plan.span, message);
    for native in refused {
        // One reason each: `perturb compile` gives all of them.
        if let Some(first) = native.refused.first() {
            found = found.also(first.span, first.message.clone());
        }
    }
    let engines: Vec<&str> = refused.iter().map(|n| n.engine.title()).collect();
    let compiled = match engines.as_slice() {
        [] => "the cluster runs no engine that is compiled for".to_owned(),
        all => format!("it cannot be compiled for {}", all.join(", nor for ")),
    };
    let ways = match refused {
        [] => "give the cluster an engine that can be compiled for, or leave".to_owned(),
        all => {
            let all: Vec<String> = all.iter().map(|n| format!("`perturb compile --engine {}`", n.engine)).collect();
            format!("mend what {} says, or leave", all.join(" or "))
        }
    };
    found
        .why(format!("{compiled}; and `perturb run` drives what is on this machine alone, nothing in a cluster"))
        .help(format!("{ways} `{}` out of the experiment's `environments`", plan.place.environment))
}

/// The cluster does not run the engine.
pub(super) fn not_here(plan: &Plan, engine: EngineName, code: Code) -> Diagnostic {
    let cluster = &plan.place.cluster;
    let engines: Vec<&str> = cluster.engines.iter().map(|e| e.text()).collect();
    let hold = if runs_here(plan) { "; `perturb run` holds this experiment there as it is" } else { "" };
    let message = format!("cluster `{}` does not run {}", cluster.name, engine.title());
    Diagnostic::new(code, plan.span, message)
        .why("its objects would be refused, or lie there and do nothing")
        .help(format!("it declares engines: [{}]; add `{engine}` if it is installed{hold}", engines.join(", ")))
}
