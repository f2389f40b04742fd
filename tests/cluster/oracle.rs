//! Chaos Mesh's own admission code over everything that is emitted for it: strictly decoded, defaulted, validated.
//!
//! It knows the rules between fields (W1 to W62 of `docs/conformance-traps.md`) that a schema cannot say; the schema knows
//! what is required and which words there are. So each document must pass both.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use perturb::plan::EngineName;
use serde_json::Value as Json;

use crate::emitted;
use crate::engine_schemas::Schemas;
use crate::programs::{Program, program};

/// What the oracle says of each document of a stream.
pub fn judge(oracle: &std::path::Path, stream: &str) -> Vec<Json> {
    let mut child = Command::new(oracle)
        .args(["-defaulted", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{}: {e}", oracle.display()));
    let mut stdin = child.stdin.take().expect("a pipe");
    let text = stream.to_owned();
    // It answers while it reads: with one thread both pipes could fill up.
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("its answer");
    writer.join().expect("no panic").expect("it reads all");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

#[test]
fn chaos_meshs_admission_takes_everything() {
    const NAME: &str = "chaos_meshs_admission_takes_everything";
    let Some(oracle) = program(NAME, Program::Oracle) else { return };
    let schemas = Schemas::beside(NAME);
    let documents: Vec<_> = emitted::all().iter().filter(|e| e.engine == EngineName::ChaosMesh).collect();
    let stream: Vec<&str> = documents.iter().map(|d| d.yaml.as_str()).collect();
    let verdicts = judge(&oracle, &stream.join("---\n"));
    // One for one: our YAML is the same documents to Go's reader.
    assert_eq!(verdicts.len(), documents.len());
    let (mut wrong, mut kinds) = (String::new(), BTreeMap::<&str, usize>::new());
    for (document, verdict) in documents.iter().zip(&verdicts) {
        let kind = document.json["kind"].as_str().expect("a kind");
        assert_eq!(verdict["name"], document.json["metadata"]["name"], "{}", document.from);
        let ours = document.json["apiVersion"].as_str().is_some_and(|v| v.starts_with("chaos-mesh.org/"));
        let expected = if ours { "accepted" } else { "skipped" };
        if verdict["verdict"] != expected {
            let _ = writeln!(wrong, "{}: {kind}: {} {}", document.from, verdict["stage"], verdict["error"]);
        }
        for said in schemas.as_ref().map(|s| s.validate(kind, &document.json)).unwrap_or_default() {
            let _ = writeln!(wrong, "{}: {kind}: schema: {said}", document.from);
        }
        if ours {
            *kinds.entry(kind).or_default() += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    eprintln!("{NAME}: {kinds:?}");
    assert!(kinds.values().sum::<usize>() > 100, "only {kinds:?}");
    // A Workflow is judged with the faults in it, and so is a Schedule.
    assert!(kinds.contains_key("Workflow") && kinds.contains_key("Schedule"), "{kinds:?}");
}

/// The oracle refuses what it should: a judge that nods at everything proves nothing.
#[test]
fn chaos_meshs_admission_refuses_what_is_wrong() {
    let Some(oracle) = program("chaos_meshs_admission_refuses_what_is_wrong", Program::Oracle) else { return };
    let mut kinds = BTreeSet::new();
    let mut spoilt = Vec::new();
    for document in emitted::all().iter().filter(|e| e.engine == EngineName::ChaosMesh && e.json["kind"] == "Workflow")
    {
        for index in 0..document.json["spec"]["templates"].as_array().map_or(0, Vec::len) {
            let template = &document.json["spec"]["templates"][index];
            let kind = template["templateType"].as_str().unwrap_or_default().to_owned();
            if !kinds.insert(kind.clone()) {
                continue;
            }
            // Each wrong in its own way: an unknown field, a forbidden duration, no deadline, a child that is not there.
            let mut one = document.json.clone();
            let template = &mut one["spec"]["templates"][index];
            match kind.as_str() {
                "Serial" | "Parallel" => template["children"] = serde_json::json!(["nobody"]),
                "Suspend" => template["deadline"] = Json::Null,
                "StatusCheck" => template["statusChek"] = serde_json::json!({}),
                _ => {
                    let embed = template.as_object().unwrap().keys().find(|k| k.ends_with("Chaos")).unwrap().clone();
                    template[embed.as_str()]["duration"] = "5m".into();
                }
            }
            spoilt.push((kind, one));
        }
    }
    assert!(spoilt.len() > 6, "{kinds:?}");
    let stream: Vec<String> = spoilt.iter().map(|(_, one)| one.to_string()).collect();
    for ((kind, _), verdict) in spoilt.iter().zip(judge(&oracle, &stream.join("\n---\n"))) {
        assert_eq!(verdict["verdict"], "rejected", "{kind}: {verdict}");
    }
}
