//! A stand-in for Litmus' operator, runner and experiment, and what emitted engines do under it.
//!
//! It plays the transitions of the operator 3.18 on a real API server, which judges every object that it writes: the
//! finalizer, `initialized`, the runner's pod with its targets, the experiment's pod, the ChaosResult, `completed` and
//! `engineState: stop`; the abort by `stop`; the clean-up before a deletion; and the trap that an `active` engine that is
//! completed runs again from scratch.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use perturb::engine::EmitOptions;
use perturb::plan::EngineName;
use serde_json::{Value as Json, json};

use crate::chaos_mesh::runs::{Place, SOON};
use crate::control_plane::{Cluster, cluster, until};
use crate::emitted;
use crate::support::compile;

const LITMUS: &str = "litmuschaos.io/v1alpha1";
const FINALIZER: &str = "chaosengine.litmuschaos.io/finalizer";

/// How long the stand-in's experiment takes.
const EXPERIMENT: Duration = Duration::from_secs(2);

/// The stand-in at work in one namespace.
struct Operator {
    task: tokio::task::JoinHandle<()>,
    /// Names of the engines that it ran, once for each run.
    runs: Arc<Mutex<Vec<String>>>,
}

impl Operator {
    fn start(cluster: &'static Cluster, namespace: &str) -> Self {
        let runs = Arc::new(Mutex::new(Vec::new()));
        let (namespace, noted) = (namespace.to_owned(), Arc::clone(&runs));
        let task = tokio::spawn(async move {
            let work = Work { cluster, namespace, runs: noted };
            loop {
                for engine in work.list("ChaosEngine").await {
                    work.reconcile(&engine).await;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        Self { task, runs }
    }

    fn stop(self) {
        self.task.abort();
    }

    fn runs(&self) -> usize {
        self.runs.lock().unwrap().len()
    }
}

struct Work {
    cluster: &'static Cluster,
    namespace: String,
    runs: Arc<Mutex<Vec<String>>>,
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

fn name(object: &DynamicObject) -> &str {
    object.metadata.name.as_deref().unwrap_or_default()
}

impl Work {
    async fn list(&self, kind: &str) -> Vec<DynamicObject> {
        let api = self.cluster.api(LITMUS, kind, &self.namespace).await.expect("a kind of Litmus");
        api.list(&ListParams::default()).await.expect("a list").items
    }

    async fn patch(&self, engine: &str, change: Json) {
        let api = self.cluster.api(LITMUS, "ChaosEngine", &self.namespace).await.unwrap();
        let as_operator = PatchParams { field_manager: Some("chaos-operator".into()), ..PatchParams::default() };
        match api.patch(engine, &as_operator, &Patch::Merge(change)).await {
            // It was deleted meanwhile.
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            other => drop(other.expect("the API server takes what the operator writes")),
        }
    }

    async fn reconcile(&self, engine: &DynamicObject) {
        let deleted = engine.metadata.deletion_timestamp.is_some();
        let state = text(&engine.data["spec"]["engineState"]);
        let status = text(&engine.data["status"]["engineStatus"]);
        match (deleted, state, status) {
            (true, ..) => self.clean(engine, "Forcefully Aborted", "stopped").await,
            (false, "" | "active", "") => self.initialize(engine).await,
            (false, "" | "active", "initialized") => self.experiment(engine).await,
            (false, "stop", "initialized") => self.clean(engine, "Forcefully Aborted", "stopped").await,
            // From scratch: the trap.
            (false, "active", "stopped" | "completed") => {
                self.patch(name(engine), json!({ "status": { "engineStatus": "", "experiments": null } })).await;
            }
            _ => {}
        }
    }

    /// `kind:ns:[csv];kind:ns:[csv]`, as the runner gets its targets.
    fn targets(engine: &DynamicObject) -> String {
        let all = engine.data["spec"]["selectors"]["workloads"].as_array().cloned().unwrap_or_default();
        let one = |w: &Json| {
            let of = if w["names"].is_null() { text(&w["labels"]) } else { text(&w["names"]) };
            format!("{}:{}:[{of}]", text(&w["kind"]), text(&w["namespace"]))
        };
        all.iter().map(one).collect::<Vec<_>>().join(";")
    }

    async fn initialize(&self, engine: &DynamicObject) {
        let (engine_name, account) = (name(engine), text(&engine.data["spec"]["chaosServiceAccount"]));
        let experiment = text(&engine.data["spec"]["experiments"][0]["name"]);
        let variable = |name: &str, value: &str| json!({ "name": name, "value": value });
        let env = json!([
            variable("CHAOSENGINE", engine_name),
            variable("TARGETS", &Self::targets(engine)),
            variable("EXPERIMENT_LIST", experiment),
            variable("CHAOS_SVC_ACC", account),
            variable("CHAOS_NAMESPACE", &self.namespace),
        ]);
        self.pod(&format!("{engine_name}-runner"), engine, env).await;
        self.patch(
            engine_name,
            json!({ "metadata": { "finalizers": [FINALIZER] }, "status": { "engineStatus": "initialized" } }),
        )
        .await;
    }

    /// A pod of a run. The API server refuses it if its account does not exist.
    async fn pod(&self, pod: &str, engine: &DynamicObject, env: Json) {
        let uid = engine.metadata.uid.as_deref().unwrap_or_default();
        let object = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": pod, "namespace": self.namespace, "labels": { "chaosUID": uid } },
            "spec": {
                "serviceAccountName": engine.data["spec"]["chaosServiceAccount"],
                "containers": [{ "name": "run", "image": "registry.invalid/litmus:1", "env": env }],
            },
        });
        self.cluster.apply(&object).await.unwrap_or_else(|e| panic!("{pod}: {e}"));
    }

    /// The runner and the experiment.
    async fn experiment(&self, engine: &DynamicObject) {
        let (engine_name, spec) = (name(engine), &engine.data["spec"]["experiments"][0]);
        let experiment = text(&spec["name"]);
        let known = self.list("ChaosExperiment").await.into_iter().find(|e| name(e) == experiment);
        let Some(known) = known else {
            let skipped = json!([{ "name": experiment, "status": "ChaosExperiment Not Found", "verdict": "Fail" }]);
            return self.patch(engine_name, json!({ "status": { "experiments": skipped } })).await;
        };
        // The runner writes into this map, and crashes where there is none.
        assert!(known.data["spec"]["definition"]["labels"].is_object(), "{experiment} has no labels");
        self.runs.lock().unwrap().push(engine_name.to_owned());
        let row = |status: &str, verdict: &str| {
            json!([{ "name": experiment, "runner": format!("{engine_name}-runner"), "experimentPod": format!("{engine_name}-job"),
                     "status": status, "verdict": verdict, "lastUpdateTime": "2026-01-01T00:00:00Z" }])
        };
        self.pod(&format!("{engine_name}-job"), engine, spec["spec"]["components"]["env"].clone()).await;
        self.patch(engine_name, json!({ "status": { "experiments": row("Running", "Awaited") } })).await;
        self.result(engine, experiment, "Running", "Awaited", "Awaited").await;
        let hit = self.candidates(engine).await;
        tokio::time::sleep(EXPERIMENT).await;
        if self.is_stopped(engine_name).await {
            return;
        }
        let (phase, verdict, share) =
            if hit.is_empty() { ("Error", "Error", "0") } else { ("Completed", "Pass", "100") };
        self.result(engine, experiment, phase, verdict, share).await;
        let done = json!({
            "spec": { "engineState": "stop" },
            "status": { "engineStatus": "completed", "experiments": row("Completed", verdict) },
        });
        self.patch(engine_name, done).await;
    }

    async fn is_stopped(&self, engine: &str) -> bool {
        let api = self.cluster.api(LITMUS, "ChaosEngine", &self.namespace).await.unwrap();
        let now = api.get_opt(engine).await.expect("an answer");
        now.is_none_or(|e| e.metadata.deletion_timestamp.is_some() || e.data["spec"]["engineState"] == "stop")
    }

    /// The pods that the labels of the engine's targets select: each part of a label list alone, as Litmus has it.
    async fn candidates(&self, engine: &DynamicObject) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for target in engine.data["spec"]["selectors"]["workloads"].as_array().into_iter().flatten() {
            let api = self.cluster.api("v1", "Pod", text(&target["namespace"])).await.unwrap();
            for label in text(&target["labels"]).split(',').filter(|l| !l.is_empty()) {
                let pods =
                    api.list(&ListParams::default().labels(label)).await.expect("a selector that the API server reads");
                found.extend(pods.items.iter().map(|p| name(p).to_owned()));
            }
        }
        found
    }

    async fn result(&self, engine: &DynamicObject, experiment: &str, phase: &str, verdict: &str, share: &str) {
        let engine_name = name(engine);
        let object = json!({
            "apiVersion": LITMUS, "kind": "ChaosResult",
            "metadata": {
                "name": format!("{engine_name}-{experiment}").chars().take(253).collect::<String>(),
                "namespace": self.namespace, "labels": { "chaosUID": engine.metadata.uid },
            },
            "spec": { "engine": engine_name, "experiment": experiment },
            "status": { "experimentStatus": { "phase": phase, "verdict": verdict, "probeSuccessPercentage": share } },
        });
        self.cluster.apply(&object).await.unwrap_or_else(|e| panic!("the result of {engine_name}: {e}"));
    }

    /// What an abort and a deletion have in common: pods of the run go, then the finalizer.
    async fn clean(&self, engine: &DynamicObject, status: &str, engine_status: &str) {
        let uid = engine.metadata.uid.as_deref().unwrap_or_default();
        let pods = self.cluster.api("v1", "Pod", &self.namespace).await.unwrap();
        let ours = ListParams::default().labels(&format!("chaosUID={uid}"));
        pods.delete_collection(&DeleteParams::default(), &ours).await.expect("the pods of the run");
        let experiment = text(&engine.data["spec"]["experiments"][0]["name"]);
        if text(&engine.data["status"]["engineStatus"]) == "initialized" {
            self.result(engine, experiment, "Stopped", "Stopped", "0").await;
        }
        let row = json!([{ "name": experiment, "runner": "", "experimentPod": "", "status": status, "verdict": "Stopped",
                           "lastUpdateTime": "2026-01-01T00:00:00Z" }]);
        let change = json!({ "metadata": { "finalizers": null }, "status": { "engineStatus": engine_status, "experiments": row } });
        self.patch(name(engine), change).await;
    }
}

/// The documents of one lasting fault for Litmus, moved into the place's namespace.
fn documents(place: &Place) -> Vec<Json> {
    let text = format!(
        r##"
import std.{{network}}
team team-a {{ contact: "#a" }}
service app {{
  owner: team-a, tier: high, replicas: 3, container: "app"
  pods: pods(namespace: "{0}", labels: {{ app: "app" }})
}}
metric good(of: Service): Percent {{
  prometheus: "sum(rate(good_total{{app=\"${{of.name}}\"}}[1m]))", unit: ratio, window: 1m
}}
cluster test-1 {{ context: "test-1", engines: [litmus], prometheus: "https://metrics.example" }}
environment test {{ clusters: [test-1] }}
experiment tried {{
  service: app
  hypothesis {{ expect fine: good(app) >= 90%, recovery automatic within 2m }}
  guard {{ abort when good(app) < 50% for 10s }}
  method {{ network.loss(one of app.pods, loss: 10%) for 5m }}
}}
"##,
        place.namespace
    );
    let compiled = compile(&[("main.chaos", &text)]);
    assert_eq!(compiled.errors(), "");
    let plan = compiled.plans[0].plan.as_ref().expect("a plan");
    let own = plan.place.cluster.chaos_namespace.to_string();
    let emitted = emitted::emit(plan, EngineName::Litmus, &EmitOptions::default(), "tried");
    assert!(emitted.iter().any(|e| e.json["kind"] == "ChaosEngine"), "one fault is an engine");
    emitted
        .iter()
        .map(|e| {
            let moved = e
                .json
                .to_string()
                .replace(&format!("\"namespace\":\"{own}\""), &format!("\"namespace\":\"{}\"", place.namespace));
            serde_json::from_str(&moved).unwrap()
        })
        .collect()
}

async fn apply(place: &Place, documents: &[Json]) -> Json {
    for document in documents {
        place.cluster.apply(document).await.unwrap_or_else(|e| panic!("{}: {e}", document["kind"]));
    }
    documents.iter().find(|d| d["kind"] == "ChaosEngine").expect("an engine").clone()
}

async fn engine_status(place: &Place, wanted: &str) {
    until(&format!("the engine is {wanted}"), SOON, async || {
        let engines = place.list(LITMUS, "ChaosEngine").await;
        engines.iter().all(|e| e.data["status"]["engineStatus"] == wanted).then_some(())
    })
    .await;
}

async fn verdicts(place: &Place) -> Vec<String> {
    let results = place.list(LITMUS, "ChaosResult").await;
    results.iter().map(|r| text(&r.data["status"]["experimentStatus"]["verdict"]).to_owned()).collect()
}

#[test]
fn an_engine_runs_once_and_leaves_its_verdict() {
    let Some(cluster) = cluster("an_engine_runs_once_and_leaves_its_verdict") else { return };
    cluster.run(async {
        let place = Place::new(cluster, "litmus-once").await;
        let documents = documents(&place);
        let operator = Operator::start(cluster, &place.namespace);
        let mut engine = apply(&place, &documents).await;
        engine_status(&place, "completed").await;
        assert_eq!((operator.runs(), verdicts(&place).await), (1, vec!["Pass".to_owned()]));
        // What a self-healing GitOps controller does: the same manifests again.
        apply(&place, &documents).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(operator.runs(), 1, "it ran again");
        // And what it would do if we said `active`.
        engine["spec"]["engineState"] = "active".into();
        cluster.apply(&engine).await.expect("an engine");
        until("the trap is real", SOON, async || (operator.runs() == 2).then_some(())).await;
        cluster.delete(&engine).await;
        operator.stop();
    });
}

#[test]
fn an_engine_that_is_stopped_is_cleaned_up() {
    let Some(cluster) = cluster("an_engine_that_is_stopped_is_cleaned_up") else { return };
    cluster.run(async {
        let place = Place::new(cluster, "litmus-stop").await;
        let operator = Operator::start(cluster, &place.namespace);
        let mut engine = apply(&place, &documents(&place)).await;
        until("it runs", SOON, async || (operator.runs() == 1).then_some(())).await;
        engine["spec"]["engineState"] = "stop".into();
        cluster.apply(&engine).await.expect("an engine");
        engine_status(&place, "stopped").await;
        assert_eq!(verdicts(&place).await, ["Stopped"]);
        until("the pods of the run are gone", SOON, async || {
            let pods = place.list("v1", "Pod").await;
            pods.iter().all(|p| !p.metadata.labels.as_ref().is_some_and(|l| l.contains_key("chaosUID"))).then_some(())
        })
        .await;
        cluster.delete(&engine).await;
        operator.stop();
    });
}

#[test]
fn a_deletion_waits_for_the_operator() {
    let Some(cluster) = cluster("a_deletion_waits_for_the_operator") else { return };
    cluster.run(async {
        let place = Place::new(cluster, "litmus-delete").await;
        let operator = Operator::start(cluster, &place.namespace);
        let engine = apply(&place, &documents(&place)).await;
        until("it runs", SOON, async || (operator.runs() == 1).then_some(())).await;
        operator.stop();
        let api = cluster.api(LITMUS, "ChaosEngine", &place.namespace).await.unwrap();
        let engine_name = engine["metadata"]["name"].as_str().unwrap();
        api.delete(engine_name, &DeleteParams::default()).await.expect("a deletion");
        tokio::time::sleep(Duration::from_secs(2)).await;
        let hangs = api.get(engine_name).await.expect("still there");
        assert!(hangs.metadata.deletion_timestamp.is_some(), "it waits for its finalizer");
        let operator = Operator::start(cluster, &place.namespace);
        until("it is gone", SOON, async || api.get_opt(engine_name).await.ok()?.is_none().then_some(())).await;
        operator.stop();
    });
}
