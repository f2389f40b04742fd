//! How much of the engines' own interfaces the library reaches, and why not the rest.
//!
//! Comes in: the schemas of Chaos Mesh's kinds, the variables of Litmus' faults, everything that the library is compiled to.
//! Goes out: the tables of `docs/conformance.md` (`PERTURB_BLESS=1` writes them). What is not reached stands in
//! `conformance/left-out.txt` with its reason; a row there that is reached after all, or that names nothing, fails the
//! test. Nothing here names a fault.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use perturb::plan::{Body, EngineName, Plan};
use serde_json::Value as Json;

use crate::engine_schemas::Schemas;
use crate::support::{hold, read};
use crate::uses::{emit, other_targets, plan_of, uses};

const LEFT_OUT: &str = "tests/it/conformance/left-out.txt";

/// What stands for all kinds whose selector is one of pods, or of machines.
const PODS: &str = "selector of pods";
const MACHINES: &str = "selector of machines";

/// `PodChaos` → `gracePeriod` → reached by these actions.
type Reached = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// A row of the data file.
struct LeftOut {
    engine: String,
    /// A kind or fault; `*`: all.
    of: String,
    /// A field or variable; a `*` at its end stands for every one that begins so.
    what: String,
    reason: String,
    line: usize,
}

fn left_out() -> Vec<LeftOut> {
    let text = read(LEFT_OUT);
    let rows = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty() && !l.starts_with('#'));
    rows.map(|(index, line)| {
        let (place, reason) = line.split_once(" | ").unwrap_or_else(|| panic!("{LEFT_OUT}:{}: no reason", index + 1));
        let mut words = place.split_whitespace().map(str::to_owned);
        let mut next = || words.next().unwrap_or_else(|| panic!("{LEFT_OUT}:{}: ENGINE OF WHAT", index + 1));
        let (engine, of, what) = (next(), next().replace('_', " "), next());
        LeftOut { engine, of, what, reason: reason.trim().to_owned(), line: index + 1 }
    })
    .collect()
}

impl LeftOut {
    fn means(&self, engine: &str, of: &str, what: &str) -> bool {
        let fits = match self.what.strip_suffix('*') {
            Some(begin) => what.starts_with(begin),
            None => what == self.what,
        };
        self.engine == engine && (self.of == "*" || self.of == of) && fits
    }
}

/// Holds a list of what there is against what is reached and what is left out.
fn hold_complete(engine: &str, all: &BTreeMap<String, BTreeSet<String>>, is_reached: impl Fn(&str, &str) -> bool) {
    let rows: Vec<LeftOut> = left_out().into_iter().filter(|row| row.engine == engine).collect();
    let mut wrong = String::new();
    let mut used = BTreeSet::new();
    for (of, fields) in all {
        for what in fields {
            let row = rows.iter().find(|row| row.means(engine, of, what));
            match (is_reached(of, what), row) {
                (true, Some(row)) if row.of != "*" => {
                    let _ = writeln!(wrong, "{LEFT_OUT}:{}: {of} {what} is reached: the row is stale", row.line);
                }
                (false, None) => {
                    let _ = writeln!(wrong, "{engine} {of} {what}: no fault of the library reaches it");
                }
                (false, Some(row)) => {
                    used.insert(row.line);
                }
                _ => {}
            }
        }
    }
    for row in rows.iter().filter(|row| !used.contains(&row.line)) {
        let _ = writeln!(wrong, "{LEFT_OUT}:{}: nothing is left out by this row", row.line);
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Every document of the library for an engine, with the plan that it came of.
fn for_each_document(engine: EngineName, f: &mut dyn FnMut(&Plan, &Json)) {
    for (uses, compiled) in [uses(), other_targets()] {
        for one in &uses {
            let plan = plan_of(&compiled, &one.experiment);
            if !matches!(plan.faults[0].bodies.get(&engine), Some(Body::Expressed(_))) {
                continue;
            }
            // An engine that cannot draw the target emits nothing.
            emit(plan, engine).0.iter().for_each(|document| f(plan, document));
            let mut elsewhere = plan.clone();
            elsewhere.place.cluster.remote_cluster = Some("elsewhere".into());
            if one.varied.is_none() && engine == EngineName::ChaosMesh {
                emit(&elsewhere, engine).0.iter().for_each(|document| f(&elsewhere, document));
            }
        }
    }
}

/// The fields of a schema that hold a value: `delay.reorder.gap`. Lists and maps count as one, records in lists do not.
fn leaves(schema: &Json, path: &str, found: &mut BTreeSet<String>) {
    let inner = if schema["type"] == "array" { &schema["items"] } else { schema };
    match inner["properties"].as_object() {
        Some(fields) => {
            for (name, field) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(field, &path, found);
            }
        }
        None => {
            found.insert(path.to_owned());
        }
    }
}

/// The same of a document, as deep as the schema knows it.
fn carried(document: &Json, path: &str, known: &BTreeSet<String>, found: &mut BTreeSet<String>) {
    if known.contains(path) {
        found.insert(path.to_owned());
        return;
    }
    for item in document.as_array().into_iter().flatten() {
        carried(item, path, known, found);
    }
    for (name, value) in document.as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        carried(value, &path, known, found);
    }
}

/// What all kinds with a selector share is counted once.
fn shared(kind: &str, field: &str) -> Option<(&'static str, String)> {
    let field = field.strip_prefix("target.").unwrap_or(field);
    let field = field
        .strip_prefix("selector.")
        .map(str::to_owned)
        .or_else(|| ["mode", "value"].contains(&field).then(|| field.to_owned()))?;
    Some((if kind == "PhysicalMachineChaos" { MACHINES } else { PODS }, field))
}

/// The experiments of a document: itself, or those in the templates of a Workflow, whose deadline is their length.
fn experiments(document: &Json) -> Vec<(String, Json)> {
    let kind = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    if document["kind"] != "Workflow" {
        return vec![(kind(&document["kind"]), document["spec"].clone())];
    }
    let templates = document["spec"]["templates"].as_array().into_iter().flatten();
    templates
        .filter_map(|template| {
            let of = kind(&template["templateType"]);
            let (_, spec) = template.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(&of))?;
            let mut spec = spec.clone();
            spec["duration"] = template["deadline"].clone();
            Some((of, spec))
        })
        .collect()
}

struct ChaosMesh {
    /// Kind → its fields.
    all: BTreeMap<String, BTreeSet<String>>,
    reached: Reached,
}

fn chaos_mesh(schemas: &Schemas) -> ChaosMesh {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut own: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let kinds = schemas.kinds();
    for (kind, spec) in &kinds {
        // Experiments carry a length; what orchestrates or records does not.
        let is_experiment = spec["properties"].get("duration").is_some() && kind != "StatusCheck";
        if !is_experiment {
            continue;
        }
        let mut fields = BTreeSet::new();
        leaves(spec, "", &mut fields);
        for field in &fields {
            match shared(kind, field) {
                Some((of, field)) => all.entry(of.to_owned()).or_default().insert(field),
                None => all.entry(kind.clone()).or_default().insert(field.clone()),
            };
        }
        own.insert(kind.clone(), fields);
    }
    let mut reached = Reached::new();
    for_each_document(EngineName::ChaosMesh, &mut |_, document| {
        for (kind, spec) in experiments(document) {
            let Some(known) = own.get(&kind) else { continue };
            let action = spec["action"].as_str().unwrap_or("–").to_owned();
            let mut found = BTreeSet::new();
            carried(&spec, "", known, &mut found);
            for field in found {
                let (of, field) = match shared(&kind, &field) {
                    Some((of, field)) => (of.to_owned(), field),
                    None => (kind.clone(), field),
                };
                reached.entry(of).or_default().entry(field).or_default().insert(action.clone());
            }
        }
    });
    ChaosMesh { all, reached }
}

#[test]
fn every_field_of_chaos_mesh_is_reached_or_left_out_with_a_reason() {
    let Some(schemas) = Schemas::beside("every_field_of_chaos_mesh_is_reached_or_left_out_with_a_reason") else {
        return;
    };
    let found = chaos_mesh(&schemas);
    assert_eq!(found.all.len(), 16, "14 kinds and two selectors: {:?}", found.all.keys());
    let is_reached = |of: &str, what: &str| found.reached.get(of).is_some_and(|fields| fields.contains_key(what));
    hold_complete("chaos-mesh", &found.all, is_reached);
    let mut table = String::from("| kind | action | fields |\n| --- | --- | --- |\n");
    for (kind, fields) in &found.all {
        let reached = found.reached.get(kind);
        let count = reached.map_or(0, BTreeMap::len);
        let _ = writeln!(table, "| **{kind}** | | **{count} of {}** |", fields.len());
        let actions: BTreeSet<&String> = reached.into_iter().flat_map(|fields| fields.values().flatten()).collect();
        // Selectors are the same for every action.
        for action in actions.into_iter().filter(|_| kind != PODS && kind != MACHINES) {
            let of_action = reached.into_iter().flat_map(|f| f.values()).filter(|by| by.contains(action)).count();
            let _ = writeln!(table, "| | `{action}` | {of_action} |");
        }
    }
    hold("docs/conformance.md", "chaos-mesh fields", &table);
}

#[test]
fn every_variable_of_litmus_is_reached_or_left_out_with_a_reason() {
    let test = "every_variable_of_litmus_is_reached_or_left_out_with_a_reason";
    let Some(schemas) = Schemas::beside(test) else { return };
    let path = schemas.corpus().join("../reference/litmus-faults.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let hub: BTreeMap<String, Json> = serde_json::from_str(&text).unwrap();
    assert_eq!(hub.len(), 53);
    let names = |value: &Json| value.as_object().into_iter().flatten().map(|(n, _)| n.clone()).collect::<Vec<_>>();
    let all: BTreeMap<String, BTreeSet<String>> = hub
        .iter()
        .map(|(fault, facts)| {
            (fault.clone(), names(&facts["env"]).into_iter().chain(names(&facts["goOnlyEnv"])).collect())
        })
        .collect();
    let mut reached: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for_each_document(EngineName::Litmus, &mut |plan, document| {
        let body = &plan.faults[0].bodies[&EngineName::Litmus];
        let fault = body.field("fault").and_then(|v| v.as_text()).unwrap_or_default().to_owned();
        for pointer in ["/spec/definition/env", "/spec/experiments/0/spec/components/env"] {
            for variable in document.pointer(pointer).and_then(Json::as_array).into_iter().flatten() {
                let name = variable["name"].as_str().unwrap_or_default().to_owned();
                reached.entry(fault.clone()).or_default().insert(name);
            }
        }
    });
    let is_reached = |of: &str, what: &str| reached.get(of).is_some_and(|names| names.contains(what));
    hold_complete("litmus", &all, is_reached);
    let mut table = String::from("| fault | variables |\n| --- | --- |\n");
    for (fault, names) in &all {
        let count = names.iter().filter(|name| is_reached(fault, name)).count();
        let _ = writeln!(table, "| `{fault}` | {count} of {} |", names.len());
    }
    hold("docs/conformance.md", "litmus variables", &table);
}

#[test]
fn what_is_left_out_is_told() {
    let mut table = String::from("| engine | of | what | why |\n| --- | --- | --- | --- |\n");
    for row in left_out() {
        let of = if row.of == "*" { "every one".to_owned() } else { format!("`{}`", row.of) };
        let _ = writeln!(table, "| {} | {of} | `{}` | {} |", row.engine, row.what, row.reason);
    }
    hold("docs/conformance.md", "left out", &table);
}
