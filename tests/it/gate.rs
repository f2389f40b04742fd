//! `perturb gate` on a command line that cannot work: it says why, and serves nothing.

use std::process::Command;

use perturb::engine::EmitOptions;
use perturb::engine::chaos_mesh;
use perturb::manifest::Arena;
use serde_json::Value as Json;

use crate::support::{chaos_files, compile, to_json};

/// The two files of each gate of the examples, by experiment.
fn gates() -> Vec<(String, String)> {
    let files = chaos_files("examples");
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut all = Vec::new();
    for plan in compile(&files).plans.into_iter().filter_map(|p| p.plan) {
        let arena = Arena::new();
        chaos_mesh::emit(&plan, &EmitOptions::default(), &arena, &mut |node| {
            let object = to_json(node);
            if object["kind"] == "ConfigMap" {
                let text = |key: &str| object["data"][key].as_str().expect("a file").to_owned();
                all.push((text("gate.json"), text("plan.json")));
            }
        });
    }
    all
}

fn said(config: &str, plan: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let output = Command::new(env!("CARGO_BIN_EXE_perturb"))
        .args(["gate", "--listen=127.0.0.1:0", "--config"])
        .arg(write("gate.json", config))
        .arg("--plan")
        .arg(write("plan.json", plan))
        .env("KUBECONFIG", folder.path().join("nowhere"))
        .env_remove("KUBERNETES_SERVICE_HOST")
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_gate_that_cannot_work_says_why() {
    let gates = gates();
    assert!(gates.len() > 3, "the examples have gates");
    let (config, plan) = &gates[0];
    let other = gates.iter().find(|(_, other)| other != plan).expect("another plan");
    let mut newer: Json = serde_json::from_str(config).unwrap();
    newer["version"] = 2.into();
    let mut changed: Json = serde_json::from_str(plan).unwrap();
    changed["name"] = "another".into();
    let table = [
        ("{}", plan.as_str(), "is no configuration of a gate"),
        (config.as_str(), "{}", "is no plan"),
        (config, &changed.to_string(), "was changed after it was made"),
        (config, &other.1, "made for another plan"),
        (&newer.to_string(), plan, "version 2"),
        (config, plan, "no cluster is found"),
    ];
    for (config, plan, says) in table {
        let (code, text) = said(config, plan);
        assert!(code == Some(2) && text.contains(says), "{says}: {code:?} {text}");
    }
}
