//! Proof: the cluster's engines can do every fault of the plan, and who else could.
//!
//! Comes in: the faults' evaluated bodies, and the engines of the place in order of preference. Goes out: P0480, P0481,
//! and [`engine_of`], which everybody asks who has to know what carries a fault.

use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Body, EngineName, Fault, Plan};
use crate::types::TargetKind;

/// The engine that carries a fault at the plan's place: the first of the cluster's that can express it.
///
/// # Errors
/// Why each of the cluster's engines cannot, in their order.
pub fn engine_of(plan: &Plan, fault: &Fault) -> Result<EngineName, Vec<(EngineName, String)>> {
    let mut reasons = Vec::new();
    for engine in &plan.place.cluster.engines {
        match fault.bodies.get(engine) {
            Some(Body::Expressed(_)) => match out_of_reach(plan, fault, *engine) {
                None => return Ok(*engine),
                Some(reason) => reasons.push((*engine, reason)),
            },
            Some(Body::Refused { construct, reason }) => reasons.push((*engine, format!("`{construct}`: {reason}"))),
            None => reasons.push((*engine, format!("`{}` has no body for it", fault.name))),
        }
    }
    Err(reasons)
}

/// Why an engine does not reach what the fault hits, if it does not: processes are on the machine that Perturb runs on,
/// everything else in a cluster or the cloud. (URLs are reached from anywhere.)
#[must_use]
pub fn out_of_reach(plan: &Plan, fault: &Fault, engine: EngineName) -> Option<String> {
    let kind = plan.draws.get(fault.target as usize)?.selector.kind();
    let reached = match kind {
        TargetKind::Endpoints => true,
        TargetKind::Processes => engine.is_local(),
        _ => !engine.is_local(),
    };
    (!reached).then(|| format!("it does not reach {}", kind.noun(2)))
}

/// The engines that could express a fault with these arguments, wherever they are installed.
#[must_use]
pub fn engines_that_can(fault: &Fault) -> Vec<EngineName> {
    fault.bodies.iter().filter(|(_, body)| matches!(body, Body::Expressed(_))).map(|(engine, _)| *engine).collect()
}

/// Adds faults that no engine of the place can do, and plans that need two engines.
pub fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let mut first: Option<(EngineName, &Fault)> = None;
    let mut mixed = false;
    for fault in &plan.faults {
        match (engine_of(plan, fault), first) {
            (Err(reasons), _) => out.push(impossible(plan, fault, &reasons)),
            (Ok(engine), None) => first = Some((engine, fault)),
            (Ok(engine), Some((other, before))) if other != engine && !mixed && !shared(plan) => {
                mixed = true;
                out.push(two_engines(fault, engine, before, other));
            }
            (Ok(_), Some(_)) => {}
        }
    }
}

/// Whether one engine of the place could do all faults: then a native compilation takes that one.
fn shared(plan: &Plan) -> bool {
    plan.place
        .cluster
        .engines
        .iter()
        .any(|engine| plan.faults.iter().all(|f| matches!(f.bodies.get(engine), Some(Body::Expressed(_)))))
}

fn impossible(plan: &Plan, fault: &Fault, reasons: &[(EngineName, String)]) -> Diagnostic {
    let cluster = &plan.place.cluster.name;
    let message = format!("no engine of `{cluster}` can do `{}` as it is written", fault.name);
    let each: Vec<String> =
        reasons.iter().map(|(engine, reason)| format!("{} cannot: {reason}", engine.title())).collect();
    let why = if each.is_empty() { format!("`{cluster}` declares no engine") } else { each.join("; ") };
    let able: Vec<&str> = engines_that_can(fault).into_iter().map(EngineName::title).collect();
    let constructs: Vec<String> = reasons
        .iter()
        .filter_map(|(engine, _)| match fault.bodies.get(engine) {
            Some(Body::Refused { construct, .. }) => Some(format!("give up `{construct}` for {}", engine.title())),
            _ => None,
        })
        .collect();
    let mut ways = constructs;
    if able.is_empty() {
        ways.push("no other engine can, either".to_owned());
    } else {
        ways.push(format!("run it where there is {}", able.join(" or ")));
    }
    ways.push(format!("or leave `{}` out of the experiment's `environments`", plan.place.environment));
    Diagnostic::new(Code::NO_ENGINE, fault.span, message)
        .label(format!("in `{}`", plan.place.environment))
        .why(why)
        .help(ways.join("; "))
}

fn two_engines(fault: &Fault, engine: EngineName, before: &Fault, other: EngineName) -> Diagnostic {
    let message = format!("`{}` needs {}, and `{}` needs {}", before.name, other.title(), fault.name, engine.title());
    Diagnostic::new(Code::TWO_ENGINES, fault.span, message)
        .label(format!("carried by {}", engine.title()))
        .also(before.span, format!("carried by {}", other.title()))
        .why("`perturb run` uses both, but no single engine can hold this experiment: `compile` refuses it")
        .help("run it with `perturb run`, or write the faults so that one engine can do them all")
}
