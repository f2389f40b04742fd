//! Selectors: Chaos Mesh's real controllers select the pods that the text means, and no others.
//!
//! Each case is a selector and the pods that it means, of a few that differ in one thing each. What is compiled is applied;
//! the records in the fault's status are what was selected. `all of`, so that a draw has one outcome.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use perturb::engine::EmitOptions;
use perturb::plan::EngineName;
use serde_json::{Value as Json, json};

use super::runs::{SOON, condition};
use crate::control_plane::{Cluster, cluster, until};
use crate::emitted;
use crate::import_support::unjudged;
use crate::support::compile;

const HERE: &str = "select-a";
const THERE: &str = "select-b";

/// Selectors, and the pods that they mean.
const CASES: &[(&str, &[&str])] = &[
    ("s.pods", &["web", "cache", "db", "dev", "bare"]),
    ("s.pods(labels: { tier: \"web\" })", &["web", "dev"]),
    ("s.pods(labels: { tier: [\"web\", \"cache\"] })", &["web", "cache", "dev"]),
    ("s.pods(labels: { tier: any })", &["web", "cache", "db", "dev"]),
    ("s.pods(without: { env: [\"dev\", \"test\"] })", &["web", "cache", "db", "bare"]),
    ("s.pods(without: { canary: any })", &["web", "cache", "dev", "bare"]),
    ("s.pods(labels: { tier: [\"web\", \"cache\"], env: any }, without: { env: [\"dev\"] })", &["cache"]),
    ("s.pods(annotations: { \"team/pager\": \"on\" })", &["web"]),
    ("s.pods(fields: { \"spec.serviceAccountName\": \"search\" })", &["cache"]),
    ("s.pods(fields: { \"spec.restartPolicy\": \"Never\" })", &["db"]),
    ("s.pods(names: [\"web\", \"db\"])", &["web", "db"]),
    ("s.pods(node: nodes(labels: { disk: \"ssd\" }))", &["web"]),
    ("s.pods(node: nodes(names: [\"fake-ssd\", \"fake-hdd\"]))", &["web", "db"]),
    ("s.pods(zone: \"jkt-a\")", &["web"]),
    ("s.pods(phase: pending)", &["waiting"]),
    ("s.pods(phase: [pending, running], labels: { env: any })", &["cache", "dev", "waiting"]),
    ("pods(namespace: [\"select-a\", \"select-b\"], labels: { tier: \"web\" })", &["web", "dev", "select-b/other"]),
];

#[test]
fn selectors_select_what_they_mean() {
    let Some(cluster) = cluster("selectors_select_what_they_mean") else { return };
    let mut wrong = String::new();
    cluster.run(async {
        pods(cluster).await;
        for (number, (selector, meant)) in CASES.iter().enumerate() {
            let fault = fault(selector, number);
            let meant: BTreeSet<String> = meant
                .iter()
                .map(|pod| if pod.contains('/') { (*pod).to_owned() } else { format!("{HERE}/{pod}") })
                .collect();
            let selected = selected(cluster, &fault).await;
            if selected != meant {
                let _ =
                    writeln!(wrong, "{selector}: {selected:?}, and it means {meant:?}\n{}", fault["spec"]["selector"]);
            }
        }
    });
    assert!(wrong.is_empty(), "{wrong}");
}

/// Pods that differ, on nodes that differ.
async fn pods(cluster: &Cluster) {
    for (name, disk, zone) in [("fake-ssd", "ssd", "jkt-a"), ("fake-hdd", "hdd", "jkt-b")] {
        let node = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": { "name": name, "labels": { "disk": disk, "topology.kubernetes.io/zone": zone } },
        });
        cluster.apply(&node).await.expect("a node");
    }
    cluster.namespace(HERE).await;
    cluster.namespace(THERE).await;
    let account =
        json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "search", "namespace": HERE } });
    cluster.apply(&account).await.expect("an account");
    let all = [
        (HERE, "web", json!({ "tier": "web" }), json!({ "nodeName": "fake-ssd" })),
        (HERE, "cache", json!({ "tier": "cache", "env": "prod" }), json!({ "serviceAccountName": "search" })),
        (
            HERE,
            "db",
            json!({ "tier": "db", "canary": "yes" }),
            json!({ "nodeName": "fake-hdd", "restartPolicy": "Never" }),
        ),
        (HERE, "dev", json!({ "tier": "web", "env": "dev" }), json!({})),
        (HERE, "bare", json!({}), json!({})),
        // Nothing binds it while its gate is closed.
        (HERE, "waiting", json!({ "env": "test" }), json!({ "schedulingGates": [{ "name": "perturb.dev/closed" }] })),
        (THERE, "other", json!({ "tier": "web" }), json!({})),
    ];
    for (namespace, name, mut labels, mut spec) in all {
        labels["app"] = "s".into();
        spec["containers"] = json!([{ "name": "app", "image": "registry.invalid/app:1" }]);
        let annotations = if name == "web" { json!({ "team/pager": "on" }) } else { json!({}) };
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "spec": spec,
            "metadata": { "name": name, "namespace": namespace, "labels": labels, "annotations": annotations },
        });
        cluster.apply(&pod).await.expect("a pod");
        if name != "waiting" {
            let api = cluster.api("v1", "Pod", namespace).await.unwrap();
            until("the pod is ready", SOON, async || condition(&api.get(name).await.ok()?.data, "Ready").then_some(()))
                .await;
        }
    }
}

/// A fault on all that a selector means: one that needs no daemon.
fn fault(selector: &str, number: usize) -> Json {
    let text = format!(
        r##"
import std.{{pod}}
team team-a {{ contact: "#a" }}
service s {{ owner: team-a, tier: high, pods: pods(namespace: "{HERE}", labels: {{ app: "s" }}) }}
metric good(): Bool {{ prometheus: "max(up)" }}
cluster test-1 {{ context: "test-1", engines: [chaos-mesh], prometheus: "https://metrics.example" }}
environment test {{ clusters: [test-1] }}
experiment select-{number} {{
  service: s
  hypothesis {{ expect fine: good(), recovery automatic within 1m }}
  guard {{ abort when not good() }}
  method {{ pod.fail(all of {selector}) for 1m }}
}}
"##
    );
    let compiled = compile(&[("main.chaos", &text)]);
    assert_eq!(compiled.errors(), "", "{text}");
    let plan = compiled.plans.iter().find_map(|p| p.plan.as_ref()).expect("a plan");
    let mut documents = emitted::emit(&unjudged(plan), EngineName::ChaosMesh, &EmitOptions::default(), selector);
    let mut object = documents.remove(0).json;
    assert_eq!(object["kind"], "PodChaos", "{object}");
    object["metadata"]["namespace"] = HERE.into();
    object
}

/// What Chaos Mesh selected: `namespace/pod`.
async fn selected(cluster: &Cluster, fault: &Json) -> BTreeSet<String> {
    let api = cluster.api("chaos-mesh.org/v1alpha1", "PodChaos", HERE).await.unwrap();
    let name = fault["metadata"]["name"].as_str().unwrap();
    cluster.apply(fault).await.unwrap_or_else(|e| panic!("{name}: {e}\n{fault}"));
    let records = until(&format!("{name} has selected"), SOON, async || {
        let object = api.get(name).await.ok()?;
        let records = object.data["status"]["experiment"]["containerRecords"].as_array()?.clone();
        condition(&object.data, "Selected").then_some(records)
    })
    .await;
    cluster.delete(fault).await;
    records.iter().filter_map(|r| r["id"].as_str()).map(str::to_owned).collect()
}
