//! What a test of the gate needs: metrics to turn, an experiment compiled for them, and the gate as a process.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use perturb::engine::EmitOptions;
use perturb::plan::{EngineName, Plan};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::runs::{Place, SOON};
use crate::control_plane::{Cluster, cluster, until};
use crate::emitted;
use crate::prometheus::{self, Prometheus, free_port};
use crate::support::compile;

/// One fault that lasts long enough to be looked at.
pub const DELAY: &str = "network.delay(one of app.pods, latency: 100ms) for 8s";

/// A run's worth of everything.
pub struct Rig {
    pub cluster: &'static Cluster,
    pub place: Place,
    pub metrics: Prometheus,
    pub plan: Plan,
    /// The Workflow or Schedule.
    pub object: Json,
    /// Its name.
    pub name: String,
    /// Where the checks go.
    pub door: Door,
    /// Where the gate finds the API server.
    pub api_server: Door,
    /// What the emitted Deployment starts the gate with.
    arguments: Vec<String>,
    folder: tempfile::TempDir,
}

/// A port that leads to others in turn, and can be shut.
#[derive(Clone)]
pub struct Door {
    pub port: u16,
    to: Arc<Mutex<Vec<u16>>>,
    conversations: Arc<Mutex<Vec<tokio::task::AbortHandle>>>,
}

impl Door {
    async fn open(to: Vec<u16>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().unwrap().port();
        let door = Self { port, to: Arc::new(Mutex::new(to)), conversations: Arc::default() };
        let inner = door.clone();
        tokio::spawn(async move {
            let mut turn = 0usize;
            while let Ok((mut from, _)) = listener.accept().await {
                turn += 1;
                let to = inner.to.lock().unwrap().clone();
                let Some(port) = to.get(turn % to.len().max(1)).copied() else { continue };
                let task = tokio::spawn(async move {
                    if let Ok(mut to) = tokio::net::TcpStream::connect(("127.0.0.1", port)).await {
                        let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                    }
                });
                inner.conversations.lock().unwrap().push(task.abort_handle());
            }
        });
        door
    }

    /// It leads nowhere. Gives where it led.
    pub fn shut(&self) -> Vec<u16> {
        let before = self.to.lock().unwrap().clone();
        self.lead_to(Vec::new());
        before
    }

    /// From now on it leads there; to nobody: whoever comes is sent away, and who is talking is cut off.
    pub fn lead_to(&self, to: Vec<u16>) {
        *self.to.lock().unwrap() = to;
        self.conversations.lock().unwrap().drain(..).for_each(|task| task.abort());
    }
}

/// A gate's process, killed when it is dropped.
pub struct Process {
    /// Where it listens.
    pub port: u16,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Process {
    /// SIGKILL: nobody has time for anything.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// A signal by name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// What it wrote so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() || std::env::var_os("PERTURB_GATE_LOG").is_some() {
            eprintln!("the gate said:\n{}", self.log());
        }
    }
}

/// The cluster and Prometheus, or `None` after saying that `test` is skipped.
pub fn parts(test: &str) -> Option<(&'static Cluster, PathBuf)> {
    Some((cluster(test)?, prometheus::program(test)?))
}

/// Few judged runs at a time: with more, Chaos Mesh's controllers wait for each other at their default client limit.
pub async fn turn() -> tokio::sync::SemaphorePermit<'static> {
    static TURNS: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(2);
    TURNS.acquire().await.expect("never closed")
}

fn text(namespace: &str, metrics: &str, expected: &str, method: &str, verify: &str) -> String {
    format!(
        r##"
import std.{{network, pod, probe}}
team team-a {{ contact: "#a" }}
service app {{
  owner: team-a, tier: high, replicas: 3, container: "app"
  pods: pods(namespace: "{namespace}", labels: {{ app: "app" }})
}}
metric good(of: Service): Percent {{ prometheus: "dial", unit: ratio, every: 1s }}
cluster test-1 {{
  context: "test-1", engines: [chaos-mesh], chaos-namespace: "{namespace}-chaos"
  prometheus: "{metrics}", token: secret("metrics-reader")
}}
environment test {{ clusters: [test-1] }}
experiment tried {{
  service: app, baseline: 2s
  hypothesis {{
    {expected}
    recovery automatic within 30s
  }}
  guard {{ abort when good(app) < 50% }}
  method {{
    {method}
  }}
}}
{verify}
"##
    )
}

impl Rig {
    /// Pods, metrics that are well, the experiment's objects but for the Workflow, which is `object`.
    pub async fn new(parts: (&'static Cluster, PathBuf), namespace: &str, method: &str, verify: &str) -> Self {
        Self::expecting(parts, namespace, "expect fine: good(app) >= 90%", method, verify).await
    }

    /// The same with another hypothesis.
    pub async fn expecting(
        (cluster, program): (&'static Cluster, PathBuf),
        namespace: &str,
        expected: &str,
        method: &str,
        verify: &str,
    ) -> Self {
        let place = Place::new(cluster, namespace).await;
        let metrics = Prometheus::start(&program, "0.99");
        let text = text(namespace, &metrics.url, expected, method, verify);
        let compiled = compile(&[("main.chaos", &text)]);
        assert_eq!(compiled.errors(), "", "{text}");
        let mut plans = compiled.plans.iter().filter_map(|p| p.plan.as_ref());
        let plan = plans.find(|p| p.schedule.is_some() != verify.is_empty()).expect("a plan");
        let folder = tempfile::tempdir().unwrap();
        let (account, arguments) = install(cluster, plan, &folder).await;
        let api_server = write_kubeconfig(cluster, &account, &folder).await;
        let door = Door::open(Vec::new()).await;
        let port = door.port;
        // The gate is on loopback and behind no Service, which the compiler cannot know.
        let options = EmitOptions { gate_url: Some(format!("http://127.0.0.1:{port}")), gate_image: None };
        let object = emitted::emit(plan, EngineName::ChaosMesh, &options, &plan.name).remove(0).json;
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let rig =
            Self { cluster, place, metrics, plan: plan.clone(), object, name, door, api_server, arguments, folder };
        rig.measured().await;
        rig
    }

    /// Waits until Prometheus has a sample.
    async fn measured(&self) {
        let client = self.metrics.url.trim_start_matches("http://").to_owned();
        until("Prometheus has a sample", SOON, async || {
            let (_, body) = get(&client, "/api/v1/query?query=dial").await?;
            body.contains("\"value\"").then_some(())
        })
        .await;
    }

    /// Starts the gate, and waits until it has seen the cluster.
    pub async fn gate(&self) -> Process {
        let gate = self.gate_named("one").await;
        self.door.lead_to(vec![gate.port]);
        gate
    }

    /// The same, as a replica of this name that nobody is led to.
    pub async fn gate_named(&self, name: &str) -> Process {
        let port = free_port();
        let folder = self.folder.path().display().to_string();
        let here = |argument: &String| {
            let argument = argument.replace("/etc/perturb", &folder).replace("/var/run/perturb", &folder);
            argument.replace("0.0.0.0:8080", &format!("127.0.0.1:{port}"))
        };
        let mut child = Command::new(env!("CARGO_BIN_EXE_perturb"))
            .args(self.arguments.iter().map(here))
            .env("KUBECONFIG", self.folder.path().join("kubeconfig"))
            .env("HOSTNAME", name)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the gate starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = BufReader::new(child.stderr.take().unwrap());
        let shared = log.clone();
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                shared.lock().unwrap().push(line);
            }
        });
        let process = Process { port, child, log };
        let at = format!("127.0.0.1:{port}");
        until("the gate is ready", SOON, async || {
            get(&at, "/readyz").await.filter(|(status, _)| *status == 200).map(drop)
        })
        .await;
        process
    }

    /// What the gate says at a path.
    pub async fn get(&self, path: &str) -> Option<(u16, String)> {
        get(&format!("127.0.0.1:{}", self.door.port), path).await
    }

    /// The page `/verdict`.
    pub async fn page(&self) -> Json {
        let (_, page) = self.get("/verdict").await.expect("a page");
        serde_json::from_str(&page).expect("JSON")
    }

    /// What a check of the Workflow would be told.
    pub async fn check(&self, what: &str) -> Option<u16> {
        let namespace = self.object["metadata"]["namespace"].as_str().unwrap();
        self.get(&format!("/v1/{namespace}/{}/{what}", self.name)).await.map(|(status, _)| status)
    }

    fn namespace(&self) -> &str {
        self.object["metadata"]["namespace"].as_str().unwrap()
    }

    async fn api(&self, kind: &str) -> Api<DynamicObject> {
        self.cluster.api("chaos-mesh.org/v1alpha1", kind, self.namespace()).await.expect("a known kind")
    }

    /// The objects of a kind of Chaos Mesh's.
    pub async fn chaos(&self, kind: &str) -> Vec<DynamicObject> {
        self.api(kind).await.list(&kube::api::ListParams::default()).await.expect("a list").items
    }

    /// The newest Workflow.
    pub async fn workflow(&self) -> Option<DynamicObject> {
        let mut all = self.chaos("Workflow").await;
        all.sort_by_key(|w| w.metadata.creation_timestamp.clone());
        all.pop()
    }

    /// An annotation of the newest Workflow.
    pub async fn annotation(&self, key: &str) -> Option<String> {
        self.workflow().await?.metadata.annotations?.get(key).cloned()
    }

    /// Waits until some Workflow bears this verdict, and gives its reason.
    pub async fn some_verdict(&self, wanted: &str) -> String {
        until("some run has the verdict", SOON, async || {
            self.chaos("Workflow").await.into_iter().find_map(|w| {
                let annotations = w.metadata.annotations?;
                let is_it = annotations.get("perturb.dev/verdict").is_some_and(|v| v == wanted);
                is_it.then(|| annotations.get("perturb.dev/reason").cloned().unwrap_or_default())
            })
        })
        .await
    }

    /// Waits for the verdict on the Workflow, and gives it with its reason.
    pub async fn verdict(&self) -> (String, String) {
        let verdict = until("there is a verdict", SOON, async || self.annotation("perturb.dev/verdict").await).await;
        (verdict, self.annotation("perturb.dev/reason").await.unwrap_or_default())
    }

    /// The faults that are there.
    pub async fn faults(&self) -> usize {
        let mut all = 0;
        for kind in ["NetworkChaos", "PodChaos", "StressChaos", "TimeChaos"] {
            all += self.chaos(kind).await.len();
        }
        all
    }

    /// Waits until a fault is injected.
    pub async fn injected(&self) {
        until("a fault is there", SOON, async || {
            let all = self.chaos("NetworkChaos").await;
            all.iter().any(|o| super::super::runs::condition(&o.data, "AllInjected")).then_some(())
        })
        .await;
    }

    /// Waits until none is.
    pub async fn nothing_left(&self) {
        until("no fault is left", SOON, async || (self.faults().await == 0).then_some(())).await;
    }

    /// Writes an annotation on the newest Workflow.
    pub async fn annotate(&self, key: &str, value: Option<&str>) {
        let name = self.workflow().await.and_then(|w| w.metadata.name).expect("a Workflow");
        let patch = json!({ "metadata": { "annotations": { key: value } } });
        self.api("Workflow").await.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("a patch");
    }

    /// Applies the Workflow.
    pub async fn apply(&self) {
        self.cluster.apply(&self.object).await.expect("the Workflow");
    }

    /// Whether a step of the method ever began.
    pub async fn has_stepped(&self) -> bool {
        let nodes = self.chaos("WorkflowNode").await;
        nodes.iter().any(|n| n.data["spec"]["templateName"].as_str().is_some_and(|t| t.starts_with("step-")))
    }

    /// Takes the Workflow away.
    pub async fn clean(&self) {
        self.cluster.delete(&self.object).await;
        self.nothing_left().await;
    }
}

/// Applies what the gate needs but for its Deployment, and writes its files as the pod has them. Gives its account (namespace
/// and name), and the Deployment's arguments.
async fn install(cluster: &Cluster, plan: &Plan, folder: &tempfile::TempDir) -> ((String, String), Vec<String>) {
    let namespace = plan.place.cluster.chaos_namespace.to_string();
    cluster.namespace(&namespace).await;
    let (mut account, mut arguments) = (None, Vec::new());
    for document in emitted::emit(plan, EngineName::ChaosMesh, &EmitOptions::default(), &plan.name) {
        let object = document.json;
        match object["kind"].as_str().unwrap() {
            "ServiceAccount" => account = object["metadata"]["name"].as_str().map(str::to_owned),
            "ConfigMap" => {
                for (file, text) in object["data"].as_object().unwrap() {
                    std::fs::write(folder.path().join(file), text.as_str().unwrap()).unwrap();
                }
            }
            "Deployment" => {
                let container = &object["spec"]["template"]["spec"]["containers"][0];
                arguments = serde_json::from_value(container["args"].clone()).expect("arguments");
                for mount in container["volumeMounts"].as_array().unwrap() {
                    // A Secret of the plan, with the key `token`.
                    let path = mount["mountPath"].as_str().unwrap();
                    if let Some(secret) = path.strip_prefix("/var/run/perturb/") {
                        let at = folder.path().join(secret);
                        std::fs::create_dir_all(&at).unwrap();
                        std::fs::write(at.join("token"), "of-no-interest\n").unwrap();
                    }
                }
                continue;
            }
            "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => {}
            _ => continue,
        }
        cluster.apply(&object).await.unwrap_or_else(|e| panic!("{}: {e}", object["kind"]));
    }
    ((namespace, account.expect("an account")), arguments)
}

/// A kubeconfig with the rights of the gate's account. Gives the way to the API server.
async fn write_kubeconfig(cluster: &Cluster, of: &(String, String), folder: &tempfile::TempDir) -> Door {
    let (namespace, account) = of;
    let api: Api<ServiceAccount> = Api::namespaced(cluster.client.clone(), namespace);
    let token = api.create_token_request(account, &PostParams::default(), &TokenRequest::default()).await;
    let token = token.expect("a token").status.expect("a token").token;
    let admin = cluster.calls.parent().unwrap().join("admin.kubeconfig");
    let admin = kube::config::Kubeconfig::read_from(admin).expect("a kubeconfig");
    let of_admin = admin.clusters[0].cluster.clone().expect("a cluster");
    let server = of_admin.server.expect("an address");
    let port = server.rsplit(':').next().and_then(|p| p.trim_end_matches('/').parse().ok()).expect("a port");
    let door = Door::open(vec![port]).await;
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "gate",
        "clusters": [{ "name": "here", "cluster": {
            "server": format!("https://127.0.0.1:{}", door.port), "certificate-authority": of_admin.certificate_authority,
            "certificate-authority-data": of_admin.certificate_authority_data,
        } }],
        "users": [{ "name": "gate", "user": { "token": token } }],
        "contexts": [{ "name": "gate", "context": { "cluster": "here", "user": "gate", "namespace": namespace } }],
    });
    std::fs::write(folder.path().join("kubeconfig"), config.to_string()).unwrap();
    door
}

/// A request and its whole answer; `None`: nobody is there.
pub async fn get(at: &str, path: &str) -> Option<(u16, String)> {
    let ask = async {
        let mut stream = tokio::net::TcpStream::connect(at).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
        Some((status, body))
    };
    tokio::time::timeout(Duration::from_secs(5), ask).await.ok()?
}
