//! The standard library: what each fault promises, each engine keeps. Its uses (`tests/support/uses.rs`) are emitted for the
//! engines that have manifests, and held against their schemas.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use perturb::plan::{Body, EngineName};

use crate::engine_schemas::Schemas;
use crate::support::chaos_files;
use crate::uses::{NEVER, emit, plan_of, uses};

#[test]
fn every_fault_is_expressed_by_each_engine_that_names_its_parameters() {
    let (uses, compiled) = uses();
    assert!(uses.len() > 100, "only {} uses", uses.len());
    let mut wrong = String::new();
    let mut able: BTreeMap<(&str, EngineName), bool> = BTreeMap::new();
    for one in &uses {
        let plan = plan_of(&compiled, &one.experiment);
        let mut expressed = false;
        for engine in &one.bodies {
            let body = &plan.faults[0].bodies[engine];
            let what = format!("{} with {:?} on {engine}", one.fault, one.varied);
            let can = able.entry((&one.fault, *engine)).or_default();
            match body {
                Body::Expressed(entries) => {
                    (expressed, *can) = (true, true);
                    if !one.named_by.contains(engine) {
                        let _ =
                            writeln!(wrong, "{what}: its body does not name the parameter, and yet it is expressed");
                    }
                    // The local engine has no schema: what it makes of a body is the check.
                    if *engine == EngineName::Local
                        && let Err(reason) = perturb::engine::local::action::Action::of_body(entries)
                    {
                        let _ = writeln!(wrong, "{what}: {reason}");
                    }
                    if entries.is_empty() {
                        let _ = writeln!(wrong, "{what}: an empty body");
                    }
                }
                Body::Refused { construct, reason } => {
                    if construct.is_empty() || reason.is_empty() {
                        let _ = writeln!(wrong, "{what}: refused without a word");
                    }
                }
            }
        }
        if !expressed && !one.bodies.is_empty() && !NEVER.contains(&one.fault.as_str()) {
            let bodies = &plan.faults[0].bodies;
            let _ = writeln!(wrong, "{} with {:?}: no engine can do it: {bodies:#?}", one.fault, one.varied);
        }
    }
    for ((fault, engine), can) in able {
        if can == NEVER.contains(&fault) {
            let _ = writeln!(wrong, "{fault}: {engine} has a body; that it can do one of the uses is {can}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_is_emitted_for_each_parameter_fits_the_engines_schemas() {
    let (uses, compiled) = uses();
    let schemas = Schemas::beside("what_is_emitted_for_each_parameter_fits_the_engines_schemas");
    let mut wrong = String::new();
    let mut refused = BTreeSet::new();
    let mut held = 0;
    for one in &uses {
        let plan = plan_of(&compiled, &one.experiment);
        for engine in [EngineName::ChaosMesh, EngineName::Litmus] {
            if !matches!(plan.faults[0].bodies.get(&engine), Some(Body::Expressed(_))) {
                continue;
            }
            let what = format!("{} with {:?} on {engine}", one.fault, one.varied);
            let (documents, report) = emit(plan, engine);
            for d in &report.diagnostics {
                refused.insert(format!("{engine}: {}: {}: {}", one.fault, d.code, d.message));
            }
            for document in &documents {
                let kind = document["kind"].as_str().unwrap_or_default();
                for said in schemas.as_ref().map(|s| s.validate(kind, document)).unwrap_or_default() {
                    let _ = writeln!(wrong, "{what}: {kind}: {said}");
                }
                held += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(held > 500, "only {held} documents");
    assert!(refused.is_empty(), "what a body expresses, its engine can emit: {refused:#?}");
}

#[test]
fn every_declaration_says_what_it_is() {
    for (name, text) in chaos_files("stdlib") {
        assert!(text.starts_with("//! "), "{name} has no header");
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            // The words of one enumeration are not broken by the layout.
            let is_enumeration = line.matches(" | ").count() > 3;
            assert!(is_enumeration || line.chars().count() <= 120, "{name}:{}: longer than 120", index + 1);
            if line.starts_with("fault ") || line.starts_with("metric ") {
                assert!(lines[index - 1].starts_with("///"), "{name}:{}: no doc comment", index + 1);
            }
        }
    }
}

/// A manual says of each fault what people learn from it, how it is undone, and what stays behind if the engine dies: in its own
/// words or, where that is the same for a whole file, in the file's.
#[test]
fn every_fault_says_what_is_learnt_undone_and_left_behind() {
    let words = |line: &str| line.trim_start_matches(['/', '!']).trim().to_owned();
    let mut wrong = String::new();
    for (name, text) in chaos_files("stdlib") {
        let header: Vec<String> = text.lines().filter(|l| l.starts_with("//!")).map(words).collect();
        let header = header.join(" ");
        let mut doc = Vec::new();
        for line in text.lines() {
            if line.starts_with("///") {
                doc.push(words(line));
                continue;
            }
            let said = std::mem::take(&mut doc).join(" ");
            let Some(fault) = line.strip_prefix("fault ") else { continue };
            let both = format!("{said} {header}");
            let says = |of: &str, any: &[&str]| any.iter().any(|word| of.contains(word));
            for (what, there) in [
                ("what people learn", says(&said, &["eople learn", "eople would learn"])),
                (
                    "how it is undone",
                    says(&both, &["ndone", "undo", "puts it back", "gone", "goes back", "comes back"]),
                ),
                (
                    "what stays if the engine dies",
                    says(&both, &["dies", "does not come back", "outlive", "restart", "nothing is left behind"]),
                ),
            ] {
                if !there {
                    let _ = writeln!(wrong, "{name}: {fault} does not say {what}");
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Parameters that are a text because what they name has no unit, no range and no set of words that the language could know.
const TEXTS: &[(&str, &[&str])] = &[
    (
        "names of other systems' things",
        &[
            "calls",
            "class",
            "containers",
            "database",
            "device",
            "document",
            "headers",
            "instance",
            "method",
            "methods",
            "name",
            "peer-device",
            "process",
            "table",
            "topic",
            "user",
            "volume",
            "zones",
            "key",
            "value",
            "metrics",
        ],
    ),
    ("a Secret, or what the target itself keeps secret", &["credentials", "password", "script", "ssh-key"]),
    (
        "a path or a pattern of paths or names",
        &["actuator", "config", "file", "files", "folder", "path", "patterns", "to-path", "from", "to"],
    ),
    ("an address with its port, networks, or a range of addresses", &["address"]),
    ("an image", &["image"]),
    (
        "what a program or a person reads as it is",
        &[
            "arguments",
            "body",
            "command",
            "content-encoding",
            "content-type",
            "exception",
            "merge",
            "options",
            "recover",
            "reload",
            "rule",
            "text",
            "flags",
        ],
    ),
];

/// No parameter is a free text where it has a unit, a range or a set of words: each that is one is listed with what it holds.
#[test]
fn every_text_is_one_for_a_reason() {
    let (_, compiled) = uses();
    let mut wrong = String::new();
    let mut seen = BTreeSet::new();
    for sheet in perturb::check::sheet::sheets(&compiled.program, &compiled.sources) {
        for parameter in sheet.parameters.iter().filter(|p| p.ty.contains("String")) {
            seen.insert(parameter.name.clone());
            if !TEXTS.iter().any(|(_, names)| names.contains(&parameter.name.as_str())) {
                let _ = writeln!(
                    wrong,
                    "{}: `{}` is a text: is there a unit, a range, a set of words?",
                    sheet.name, parameter.name
                );
            }
        }
    }
    for name in TEXTS.iter().flat_map(|(_, names)| names.iter()).filter(|name| !seen.contains(**name)) {
        let _ = writeln!(wrong, "`{name}` is listed, and no parameter of a fault");
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// A name is a text in PromQL's quotes, whatever stands in it.
#[test]
fn the_name_of_an_alert_is_quoted() {
    let text = r##"
import std.{pod, probe}
team core { contact: "#core" }
service s { owner: core, tier: low, replicas: 4, pods: pods(namespace: "n", labels: { app: "s" }) }
cluster a-1 { context: "a-1", engines: [chaos-mesh], prometheus: "http://prom.obs.svc:9090" }
environment live { clusters: [a-1] }
experiment holds {
  service: s
  hypothesis {
    expect quiet: not probe.alert-firing("a\"b\\c"),
    recovery automatic within 2m
  }
  method { pod.kill(one of s.pods) }
}
"##;
    let compiled = crate::support::compile(&[("a.chaos", text)]);
    let plan = compiled.plans[0].plan.as_ref().unwrap();
    let source = format!("{:?}", plan.streams[0].source);
    assert!(
        source.contains(format!("{:?}", r#"ALERTS{alertname="a\"b\\c",alertstate="firing"}"#).trim_matches('"')),
        "{source}"
    );
}
