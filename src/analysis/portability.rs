//! Proof: the cluster's engines can do every fault of the plan, and who else could.
//!
//! Comes in: the faults' evaluated bodies, and the engines of the place in order of preference. Goes out: P0480, P0481,
//! [`engine_of`], which everybody asks who has to know what carries a fault, and [`runs_here`] and [`who_else`], so that no advice
//! names a command that cannot do it. What an engine makes of a plan as a whole ([`Native`]) its own folder judges.

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

/// The engines of the place that can express a fault and reach what it hits, the preferred one first.
#[must_use]
pub fn able_here(plan: &Plan, fault: &Fault) -> Vec<EngineName> {
    let engines = plan.place.cluster.engines.iter().copied();
    engines.filter(|e| is_expressed(fault, *e) && out_of_reach(plan, fault, *e).is_none()).collect()
}

fn is_expressed(fault: &Fault, engine: EngineName) -> bool {
    matches!(fault.bodies.get(&engine), Some(Body::Expressed(_)))
}

/// Whether `perturb run` can inject all of the plan's faults at its place. It drives what is on this machine; what is in a
/// cluster or a cloud is compiled for.
#[must_use]
pub fn runs_here(plan: &Plan) -> bool {
    plan.faults.iter().all(|fault| able_here(plan, fault).iter().any(|e| e.is_local()))
}

/// What `perturb compile` makes of a whole plan for one engine.
#[derive(Debug, Clone, PartialEq)]
pub struct Native {
    /// The engine.
    pub engine: EngineName,
    /// Why it is refused, in the order of the text; nothing, where it is compiled.
    pub refused: Vec<Diagnostic>,
    /// Whom the engine hits where the text does not say so: a sentence each.
    pub whom: Vec<String>,
}

impl Native {
    /// Whether manifests come out.
    #[must_use]
    pub fn is_compiled(&self) -> bool {
        self.refused.is_empty()
    }
}

/// Who else could do a fault with these arguments, and by which command, as a help says it.
#[must_use]
pub fn who_else(plan: &Plan, fault: &Fault, but: EngineName) -> String {
    let all: Vec<EngineName> = engines_that_can(fault).into_iter().filter(|e| *e != but).collect();
    let mut ways: Vec<String> = all
        .iter()
        .filter_map(|engine| match engine {
            EngineName::ChaosMesh | EngineName::Litmus if plan.place.cluster.engines.contains(engine) => {
                Some(format!("{} has this fault: `--engine {engine}`", engine.title()))
            }
            EngineName::ChaosMesh | EngineName::Litmus => {
                Some(format!("{} has this fault, at a cluster that runs it", engine.title()))
            }
            EngineName::Kubernetes | EngineName::Local | EngineName::Toxiproxy => None,
        })
        .collect();
    let driven: Vec<String> = all.iter().filter(|e| e.is_local()).map(|e| format!("`{e}`")).collect();
    if !driven.is_empty() {
        ways.push(format!("`perturb run` has it, at a cluster whose engine is {}", driven.join(" or ")));
    }
    if ways.is_empty() {
        ways.push(match all.as_slice() {
            [] => "no other engine can do it as written, either".to_owned(),
            _ => "only the Kubernetes API could do it, which no command drives yet".to_owned(),
        });
    }
    ways.join("; ")
}

/// The engines that could express a fault with these arguments, wherever they are installed.
#[must_use]
pub fn engines_that_can(fault: &Fault) -> Vec<EngineName> {
    fault.bodies.keys().copied().filter(|engine| is_expressed(fault, *engine)).collect()
}

/// Adds faults that no engine of the place can do, and plans that need two engines where only one can be used.
pub fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let mut first: Option<(EngineName, &Fault)> = None;
    // `perturb run` takes for each fault the engine that can.
    let mut mixed = runs_here(plan);
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
    plan.place.cluster.engines.iter().any(|engine| plan.faults.iter().all(|f| is_expressed(f, *engine)))
}

fn impossible(plan: &Plan, fault: &Fault, reasons: &[(EngineName, String)]) -> Diagnostic {
    let cluster = &plan.place.cluster.name;
    let message = format!("no engine of `{cluster}` can do `{}` as it is written", fault.name);
    let each: Vec<String> =
        reasons.iter().map(|(engine, reason)| format!("{} cannot: {reason}", engine.title())).collect();
    let why = if each.is_empty() { format!("`{cluster}` declares no engine") } else { each.join("; ") };
    // Nothing drives the Kubernetes API yet, so that is no place to go to.
    let able = engines_that_can(fault).into_iter().filter(|e| *e != EngineName::Kubernetes);
    let able: Vec<&str> = able.map(EngineName::title).collect();
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
        .label(format!("wants {}", engine.title()))
        .also(before.span, format!("wants {}", other.title()))
        .why(
            "what is compiled is for one engine, and `perturb run` drives what is on this machine alone: nothing can hold this \
             experiment there",
        )
        .help("write the faults so that one engine can do them all, or make two experiments of it")
}
