//! A real cluster on loopback for as long as the test process lives: API server, controllers and nodes that run nothing,
//! with the CRDs of both engines and, where they are built, Chaos Mesh's controllers and webhooks.
//!
//! One cluster serves all tests: each takes namespaces of its own. Everything that is started stops when this process
//! ends, however it ends (the programs watch their standard input), and removes its folder.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::discovery::{ApiResource, Scope, pinned_kind};
use kube::{Client, Config};
use serde_json::{Value as Json, json};

use crate::engine_schemas::{documents, yaml_files};
use crate::programs::{Program, program};

#[path = "webhooks.rs"]
mod webhooks;

/// How long a part may take to start on a busy machine.
const START: Duration = Duration::from_secs(120);

/// A running cluster.
pub struct Cluster {
    /// Its API server.
    pub client: Client,
    /// What Chaos Mesh's daemons were asked: a line of JSON for each call.
    pub calls: PathBuf,
    runtime: tokio::runtime::Runtime,
    resources: Mutex<BTreeMap<(String, String), (ApiResource, bool)>>,
    // Their standard input is what keeps them alive.
    _parts: Vec<Child>,
}

/// The cluster, or `None` after saying that `test` is skipped.
pub fn cluster(test: &str) -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    let control_plane = program(test, Program::ControlPlane)?;
    let controllers = program(test, Program::Controllers)?;
    let corpus = crate::engine_schemas::shared::shared(test)?.join("corpus");
    Some(CLUSTER.get_or_init(|| start(&control_plane, &controllers, &corpus)))
}

fn start(control_plane: &Path, controllers: &Path, corpus: &Path) -> Cluster {
    let dir = tempfile::Builder::new().prefix("perturb-cluster-").tempdir().expect("a folder").keep();
    let up = Command::new(control_plane)
        .args(["up", "--while-stdin", "--remove", "--controllers", "--nodes", "2", "--dir"])
        .arg(&dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("kubecp starts");
    wait_for("the control plane", || dir.join("ready").is_file());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let client = runtime.block_on(connect(&dir.join("admin.kubeconfig")));
    let mut cluster =
        Cluster { client, calls: dir.join("calls.jsonl"), runtime, resources: Mutex::default(), _parts: vec![up] };
    cluster.run(cluster.define_kinds(corpus));
    let started = chaos_mesh(&cluster, controllers, &dir);
    cluster._parts.push(started);
    cluster
}

async fn connect(kubeconfig: &Path) -> Client {
    let text = fs::read_to_string(kubeconfig).expect("a kubeconfig");
    let read = kube::config::Kubeconfig::from_yaml(&text).expect("a kubeconfig");
    let config =
        Config::from_custom_kubeconfig(read, &Default::default()).await.expect("a kubeconfig that is complete");
    Client::try_from(config).expect("a client")
}

/// Chaos Mesh's controllers, and their webhooks.
fn chaos_mesh(cluster: &Cluster, program: &Path, dir: &Path) -> Child {
    let certificates = dir.join("certificates");
    fs::create_dir_all(&certificates).unwrap();
    fs::copy(dir.join("server.crt"), certificates.join("tls.crt")).unwrap();
    fs::copy(dir.join("server.key"), certificates.join("tls.key")).unwrap();
    cluster.run(cluster.namespace("chaos-mesh"));
    let [webhook, metrics, daemon] = free_ports();
    let log = fs::File::create(dir.join("chaos-mesh.log")).unwrap();
    let child = Command::new(program)
        .env("KUBECONFIG", dir.join("admin.kubeconfig"))
        .env("WEBHOOK_HOST", "127.0.0.1")
        .env("WEBHOOK_PORT", webhook.to_string())
        .env("METRICS_HOST", "127.0.0.1")
        .env("METRICS_PORT", metrics.to_string())
        .env("ENABLE_LEADER_ELECTION", "false")
        .env("CERTS_DIR", &certificates)
        .env("CLUSTER_SCOPED", "true")
        .env("SECURITY_MODE", "false")
        .env("NAMESPACE", "chaos-mesh")
        .env("POD_FAILURE_PAUSE_IMAGE", "registry.invalid/pause:latest")
        .env("CHAOS_DAEMON_SERVICE_PORT", daemon.to_string())
        .env("CHAOS_DNS_SERVICE_NAME", "chaos-dns")
        .env("CHAOS_DNS_SERVICE_PORT", daemon.to_string())
        .env("DAEMON_CALLS", &cluster.calls)
        .env("DAEMON_REFUSES", dir.join("refuse.txt"))
        .stdin(Stdio::piped())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .expect("cmstack starts");
    wait_for("Chaos Mesh's webhooks", || std::net::TcpStream::connect(("127.0.0.1", webhook)).is_ok());
    let authority = fs::read(dir.join("ca.crt")).unwrap();
    cluster.run(async {
        for configuration in webhooks::configurations(&authority, webhook) {
            cluster.apply(&configuration).await.expect("a webhook configuration");
        }
    });
    child
}

/// Ports that nobody listens on. They are given back before they are used: a part that loses the race says so.
fn free_ports<const N: usize>() -> [u16; N] {
    let held: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").expect("a port"));
    std::array::from_fn(|i| held[i].local_addr().unwrap().port())
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < START, "{what} did not start within {} s", START.as_secs());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Kinds of Argo Workflows as Argo publishes them ("minimal CRDs": the spec is open, so the API server judges the
/// metadata only). What is in the spec is held by `tests/support/argo.rs`.
fn argo_kinds() -> Vec<Json> {
    let kind = |kind: &str, plural: &str| {
        let schema = json!({
            "type": "object", "required": ["metadata", "spec"],
            "properties": {
                "apiVersion": { "type": "string" }, "kind": { "type": "string" }, "metadata": { "type": "object" },
                "spec": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
                "status": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
            },
        });
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("{plural}.argoproj.io") },
            "spec": {
                "group": "argoproj.io", "scope": "Namespaced",
                "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase(), "listKind": format!("{kind}List") },
                "versions": [{ "name": "v1alpha1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
            },
        })
    };
    vec![
        kind("Workflow", "workflows"),
        kind("CronWorkflow", "cronworkflows"),
        kind("WorkflowTemplate", "workflowtemplates"),
    ]
}

impl Cluster {
    /// Runs a conversation with the cluster to its end.
    pub fn run<T>(&self, conversation: impl Future<Output = T>) -> T {
        self.runtime.block_on(conversation)
    }

    async fn define_kinds(&self, corpus: &Path) {
        let mut definitions = argo_kinds();
        for engine in ["chaos-mesh", "litmus"] {
            for path in yaml_files(&corpus.join(engine).join("crds")) {
                definitions.extend(documents(&fs::read_to_string(path).expect("a definition")));
            }
        }
        let mut names = Vec::new();
        for definition in &definitions {
            names.push(self.apply(definition).await.expect("a definition").metadata.name.unwrap());
        }
        let api = self.api("apiextensions.k8s.io/v1", "CustomResourceDefinition", "").await.unwrap();
        for name in names {
            until("a kind is established", START, async || {
                let got = api.get(&name).await.ok()?;
                let conditions = got.data["status"]["conditions"].as_array()?;
                conditions.iter().any(|c| c["type"] == "Established" && c["status"] == "True").then_some(())
            })
            .await;
        }
    }

    /// The API of a kind, in a namespace where it has them.
    pub async fn api(&self, api_version: &str, kind: &str, namespace: &str) -> Result<Api<DynamicObject>, kube::Error> {
        let key = (api_version.to_owned(), kind.to_owned());
        let known = self.resources.lock().unwrap().get(&key).cloned();
        let (resource, namespaced) = match known {
            Some(known) => known,
            None => {
                let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
                let gvk = GroupVersionKind::gvk(group, version, kind);
                let (resource, capabilities) = pinned_kind(&self.client, &gvk).await?;
                let found = (resource, capabilities.scope == Scope::Namespaced);
                self.resources.lock().unwrap().insert(key, found.clone());
                found
            }
        };
        let client = self.client.clone();
        Ok(match (namespaced, namespace) {
            (false, _) => Api::all_with(client, &resource),
            (true, "") => Api::default_namespaced_with(client, &resource),
            (true, namespace) => Api::namespaced_with(client, namespace, &resource),
        })
    }

    async fn api_of(&self, object: &Json) -> Result<Api<DynamicObject>, kube::Error> {
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        self.api(&text(&object["apiVersion"]), &text(&object["kind"]), &text(&object["metadata"]["namespace"])).await
    }

    /// Server-side apply (or create, where the server makes the name), unknown fields refused.
    pub async fn apply(&self, object: &Json) -> Result<DynamicObject, kube::Error> {
        self.send(object, false).await
    }

    /// The same, as a dry run: everything is judged and nothing kept.
    pub async fn try_apply(&self, object: &Json) -> Result<DynamicObject, kube::Error> {
        self.send(object, true).await
    }

    async fn send(&self, object: &Json, dry: bool) -> Result<DynamicObject, kube::Error> {
        let api = self.api_of(object).await?;
        let Some(name) = object["metadata"]["name"].as_str() else {
            let object = serde_json::from_value(object.clone()).map_err(kube::Error::SerdeError)?;
            return api.create(&PostParams { dry_run: dry, ..PostParams::default() }, &object).await;
        };
        let mut how = PatchParams::apply("perturb").force();
        how.dry_run = dry;
        api.patch(name, &how.validation_strict(), &Patch::Apply(object)).await
    }

    /// A namespace of that name, unless it is there.
    pub async fn namespace(&self, name: &str) {
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        self.apply(&namespace).await.unwrap_or_else(|e| panic!("namespace {name}: {e}"));
    }

    /// Deletes an object, and waits until it is gone.
    pub async fn delete(&self, object: &Json) {
        let api = self.api_of(object).await.expect("a known kind");
        let name = object["metadata"]["name"].as_str().expect("a name");
        match api.delete(name, &DeleteParams::foreground()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => return,
            other => drop(other.unwrap_or_else(|e| panic!("{name} cannot be deleted: {e}"))),
        }
        until(&format!("{name} is gone"), START, async || api.get_opt(name).await.ok()?.is_none().then_some(())).await;
    }
}

/// Asks until there is an answer.
///
/// # Panics
/// If there is none in time.
pub async fn until<T>(what: &str, within: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < within, "not within {} s: {what}", within.as_secs());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
