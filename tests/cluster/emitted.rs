//! Everything that the compiler emits for the two engines: of every example in every place, of every fault of the
//! library with every value of its parameters, and of what else the language can say around a fault.
//!
//! Nothing here names a fault or an example: they are found, so that a new one is judged without a change.

use std::sync::OnceLock;

use perturb::engine::{EmitOptions, chaos_mesh, litmus};
use perturb::manifest::{Arena, yaml};
use perturb::plan::{Body, EngineName, Plan};
use serde_json::Value as Json;

use crate::support::{chaos_files, compile, to_json};

/// A document, and what it came of.
pub struct Emitted {
    /// `network.delay with jitter on chaos-mesh`, `lost-replica at staging/stg-1 on litmus`.
    pub from: String,
    /// Whose document it is.
    pub engine: EngineName,
    /// As data.
    pub json: Json,
    /// As it is written.
    pub yaml: String,
}

/// All of it, each different document once.
pub fn all() -> &'static [Emitted] {
    static ALL: OnceLock<Vec<Emitted>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all = of_examples();
        all.extend(of_the_library());
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|e| seen.insert(e.yaml.clone()));
        all
    })
}

fn of_examples() -> Vec<Emitted> {
    let files = chaos_files("examples");
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut all = Vec::new();
    for planned in compile(&files).plans {
        let Some(plan) = planned.plan else { continue };
        for engine in [EngineName::ChaosMesh, EngineName::Litmus] {
            if plan.place.cluster.engines.contains(&engine) {
                let from = format!("{} at {} on {engine}", plan.name, planned.place);
                all.extend(emit(&plan, engine, &EmitOptions::default(), &from));
            }
        }
    }
    assert!(all.len() > 200, "the examples give only {} documents", all.len());
    all
}

fn of_the_library() -> Vec<Emitted> {
    let mut all = of_uses(crate::uses::uses());
    assert!(all.len() > 500, "the library gives only {} documents", all.len());
    // Not every engine can draw every target; what it can is judged.
    all.extend(of_uses(crate::uses::other_targets()));
    all
}

fn of_uses((uses, compiled): (Vec<crate::uses::Use>, crate::support::Compiled)) -> Vec<Emitted> {
    let mut all = Vec::new();
    for one in &uses {
        let planned = compiled.plans.iter().find(|p| p.experiment.name == one.experiment);
        let plan = planned.and_then(|p| p.plan.as_ref()).unwrap_or_else(|| panic!("`{}` has no plan", one.experiment));
        for engine in [EngineName::ChaosMesh, EngineName::Litmus] {
            if matches!(plan.faults[0].bodies.get(&engine), Some(Body::Expressed(_))) {
                let varied = one.varied.as_deref().unwrap_or("its defaults");
                let from = format!("{} with {varied} ({}) on {engine}", one.fault, one.experiment);
                all.extend(emit(plan, engine, &EmitOptions::default(), &from));
            }
        }
    }
    all
}

/// The documents of a plan; none if the engine cannot express it (other tests hold when that may be).
pub fn emit(plan: &Plan, engine: EngineName, options: &EmitOptions, from: &str) -> Vec<Emitted> {
    let arena = Arena::new();
    let mut all = Vec::new();
    let mut sink = |node: &perturb::manifest::Node<'_>| {
        let mut text = String::new();
        yaml::write(node, &mut text);
        all.push(Emitted { from: from.to_owned(), engine, json: to_json(node), yaml: text });
    };
    match engine {
        EngineName::Litmus => litmus::emit(plan, options, &arena, &mut sink),
        _ => chaos_mesh::emit(plan, options, &arena, &mut sink),
    };
    all
}
