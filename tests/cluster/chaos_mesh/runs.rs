//! What a test of a run needs: pods to hit, an experiment compiled for them, and what the controllers made of it.

use std::time::Duration;

use kube::api::{DynamicObject, ListParams};
use perturb::engine::EmitOptions;
use perturb::plan::EngineName;
use serde_json::{Value as Json, json};

use super::gate::Gate;
use crate::control_plane::{Cluster, until};
use crate::emitted;
use crate::support::compile;

/// Longer than anything takes on a busy machine.
pub const SOON: Duration = Duration::from_secs(120);

const CHAOS_MESH: &str = "chaos-mesh.org/v1alpha1";

/// A namespace with a Deployment of three pods, and a gate.
pub struct Place {
    pub cluster: &'static Cluster,
    pub namespace: String,
    pub gate: Gate,
}

impl Place {
    pub async fn new(cluster: &'static Cluster, namespace: &str) -> Self {
        cluster.namespace(namespace).await;
        let labels = json!({ "app": "app" });
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "app", "namespace": namespace },
            "spec": {
                "replicas": 3, "selector": { "matchLabels": labels },
                "template": {
                    "metadata": { "labels": labels },
                    "spec": { "containers": [{ "name": "app", "image": "registry.invalid/app:1" }] },
                },
            },
        });
        cluster.apply(&deployment).await.expect("a Deployment");
        let place = Self { cluster, namespace: namespace.to_owned(), gate: Gate::open(cluster, namespace).await };
        place.all_ready().await;
        place
    }

    /// Compiles the experiment or verify around `method`, for this namespace and gate.
    pub fn compile(&self, method: &str, verify: &str) -> Json {
        let text = format!(
            r##"
import std.{{network, pod, stress, clock}}
team team-a {{ contact: "#a" }}
service app {{
  owner: team-a, tier: high, replicas: 3, container: "app"
  pods: pods(namespace: "{}", labels: {{ app: "app" }})
}}
metric good(of: Service): Percent {{
  prometheus: "sum(rate(good_total{{app=\"${{of.name}}\"}}[5s]))", unit: ratio, window: 5s, every: 1s
}}
cluster test-1 {{ context: "test-1", engines: [chaos-mesh], prometheus: "https://metrics.example" }}
environment test {{ clusters: [test-1] }}
experiment tried {{
  service: app, baseline: 1s
  hypothesis {{ expect fine: good(app) >= 90%, recovery automatic within 1m }}
  guard {{ abort when good(app) < 50% }}
  method {{
    {method}
  }}
}}
{verify}
"##,
            self.namespace
        );
        let compiled = compile(&[("main.chaos", &text)]);
        assert_eq!(compiled.errors(), "", "{text}");
        let wanted =
            compiled.plans.iter().filter_map(|p| p.plan.as_ref()).find(|p| p.schedule.is_some() != verify.is_empty());
        let plan = wanted.expect("a plan");
        // The server is on loopback and no Service, which the compiler cannot know.
        let options = EmitOptions { gate_url: Some(self.gate.url.clone()), gate_image: None };
        let mut documents = emitted::emit(plan, EngineName::ChaosMesh, &options, &plan.name);
        assert_eq!(documents.len(), 1, "with a gate of one's own there is one document");
        let mut document = documents.remove(0).json;
        document["metadata"]["namespace"] = self.namespace.clone().into();
        document
    }

    /// The objects of a kind.
    pub async fn list(&self, api_version: &str, kind: &str) -> Vec<DynamicObject> {
        let api = self.cluster.api(api_version, kind, &self.namespace).await.expect("a known kind");
        api.list(&ListParams::default()).await.expect("a list").items
    }

    /// The objects of a kind of Chaos Mesh's.
    pub async fn chaos(&self, kind: &str) -> Vec<DynamicObject> {
        self.list(CHAOS_MESH, kind).await
    }

    /// The pods, by name: their images, and whether they are ready. Those that are on their way out are none.
    pub async fn pods(&self) -> Vec<(String, String, bool)> {
        let pods = self.list("v1", "Pod").await;
        let mut all: Vec<_> = pods
            .iter()
            .filter(|pod| pod.metadata.deletion_timestamp.is_none())
            .map(|pod| {
                let image = pod.data["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned();
                (pod.metadata.name.clone().unwrap(), image, condition(&pod.data, "Ready"))
            })
            .collect();
        all.sort();
        all
    }

    /// Waits until the three pods are there and ready with their own image.
    pub async fn all_ready(&self) {
        until("three ready pods", SOON, async || {
            let pods = self.pods().await;
            (pods.len() == 3 && pods.iter().all(|(_, image, ready)| *ready && image.ends_with("app:1"))).then_some(())
        })
        .await;
    }

    /// Waits until the only Workflow has come to its end, and gives its nodes in the order in which they began.
    pub async fn accomplished(&self) -> Vec<Node> {
        until("the Workflow is accomplished", SOON, async || {
            let workflows = self.chaos("Workflow").await;
            (!workflows.is_empty() && workflows.iter().all(|w| condition(&w.data, "Accomplished"))).then_some(())
        })
        .await;
        self.nodes().await
    }

    /// The nodes so far, in the order in which they began.
    pub async fn nodes(&self) -> Vec<Node> {
        let mut nodes: Vec<Node> = self
            .chaos("WorkflowNode")
            .await
            .iter()
            .map(|node| Node {
                template: node.data["spec"]["templateName"].as_str().unwrap_or_default().to_owned(),
                began: node.metadata.creation_timestamp.as_ref().map(|t| t.0.to_string()).unwrap_or_default(),
                aborted: condition(&node.data, "Aborted"),
            })
            .collect();
        nodes.sort_by(|a, b| a.began.cmp(&b.began));
        nodes
    }

    /// Deletes what was applied; nothing of Chaos Mesh's may be left but its empty record of each pod.
    pub async fn leaves_nothing(&self, applied: &Json) {
        self.cluster.delete(applied).await;
        for kind in [
            "Workflow",
            "WorkflowNode",
            "StatusCheck",
            "Schedule",
            "PodChaos",
            "NetworkChaos",
            "StressChaos",
            "TimeChaos",
        ] {
            until(&format!("no {kind} is left"), SOON, async || self.chaos(kind).await.is_empty().then_some(())).await;
        }
        for record in self.chaos("PodNetworkChaos").await {
            let spec = record.data["spec"].as_object().cloned().unwrap_or_default();
            let empty = |v: &Json| v.is_null() || v.as_array().is_some_and(Vec::is_empty);
            assert!(spec.values().all(empty), "rules are left: {spec:?}");
        }
        self.all_ready().await;
    }
}

/// A node of a Workflow.
#[derive(Debug)]
pub struct Node {
    pub template: String,
    pub began: String,
    pub aborted: bool,
}

/// Whether a condition of a status is true.
pub fn condition(object: &Json, kind: &str) -> bool {
    let all = object["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().any(|c| c["type"] == kind && c["status"] == "True")
}
