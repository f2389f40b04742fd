//! The data of a plan.
//!
//! Indices (`u32`) point into the plan's own lists: `draws`, `faults`, `streams`. Texts named `text` are the source's own
//! words for a condition or rule, one line, for people.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::Condition;
use super::selector::{LabelCondition, PodPhase};
use crate::source::Span;
use crate::types::{Duration, Entry, Percent, TargetKind, Value};

/// One experiment at one place, ready to be judged, emitted or run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    /// [`super::PLAN_VERSION`] when it was made.
    pub version: u32,
    /// `sha256:…` over the plan without this field, its spans and its sources. Binds approvals and generated names.
    pub digest: String,
    /// The digest of what the experiment says before its environment was put in: what `confirmed-in` compares.
    pub text_digest: String,
    /// The experiment's name; for an instance made by a `verify`, `verify-name--scenario--service`.
    pub name: SmolStr,
    /// The doc comment, its first sentence being the title.
    pub doc: String,
    /// The scenario that it was made from, with its arguments, if any.
    pub made_from: Option<MadeFrom>,
    /// The service whose resilience is at stake (a key of `services`).
    pub service: SmolStr,
    /// Where it runs.
    pub place: Place,
    /// Past incidents that it learned from.
    pub learned_from: Vec<Incident>,
    /// Environments in which it may run.
    pub environments: Vec<SmolStr>,
    /// Every service that the plan names, hits, or that depends on one that it hits.
    pub services: BTreeMap<SmolStr, ServiceFacts>,
    /// Every team that the plan names.
    pub teams: BTreeMap<SmolStr, Team>,
    /// Each distinct metric call, sampled once for all that name it.
    pub streams: Vec<Stream>,
    /// How long every expectation must hold before and after.
    pub baseline: Duration,
    /// What is expected.
    pub expectations: Vec<Expectation>,
    /// How it should recover; `None` only if the hypothesis was incomplete.
    pub recovery: Recovery,
    /// What ends the run early.
    pub guards: Vec<Guard>,
    /// When it may run: policy's and the experiment's own. One list per source; each list must be satisfied.
    pub hours: Vec<Hours>,
    /// Who must approve.
    pub approvals: Vec<Approval>,
    /// What is drawn, each once; steps that name the same draw hit the same things.
    pub draws: Vec<Draw>,
    /// Each fault step's fault.
    pub faults: Vec<Fault>,
    /// The method.
    pub method: Vec<Step>,
    /// Every rule of every policy of the environment, with its verdict.
    pub rules: Vec<Rule>,
    /// The `verify` that repeats it, if it was planned for one.
    pub schedule: Option<Schedule>,
    /// `links` of the experiment.
    pub links: Vec<Entry>,
    /// The files that spans point into, by their index.
    pub sources: std::sync::Arc<Vec<String>>,
    /// Where the experiment is declared.
    pub span: Span,
}

/// The scenario and arguments that an experiment was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct MadeFrom {
    /// The scenario's name.
    pub scenario: SmolStr,
    /// Its arguments, defaults included.
    pub arguments: Vec<Entry>,
}

/// An environment and one of its clusters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Place {
    /// The environment's name.
    pub environment: SmolStr,
    /// Whether no run is allowed without a policy that covers it.
    pub protected: bool,
    /// The cluster.
    pub cluster: Cluster,
}

/// `ENVIRONMENT/CLUSTER`
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.environment, self.cluster.name)
    }
}

/// A declared cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Cluster {
    /// Its name.
    pub name: SmolStr,
    /// The kubeconfig context.
    pub context: SmolStr,
    /// Engines installed there, preferred first.
    pub engines: Vec<EngineName>,
    /// Free text such as `jkt`.
    pub region: Option<SmolStr>,
    /// The Prometheus that answers for this cluster.
    pub prometheus: Option<SmolStr>,
    /// The name of the secret with its token.
    pub token: Option<SmolStr>,
    /// Namespaces that are never hit, beside the engines' own and `kube-system`.
    pub off_limits: Vec<SmolStr>,
    /// Where engines' objects are made (Chaos Mesh experiments, Litmus engines, the gate).
    pub chaos_namespace: SmolStr,
    /// The container runtime of its nodes: `containerd`, `docker`, `crio`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<SmolStr>,
    /// The runtime's socket, where it is not at the usual place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_socket: Option<SmolStr>,
    /// The name of the cluster in which Chaos Mesh injects, where its objects are made in another (`RemoteCluster`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_cluster: Option<SmolStr>,
    /// The API of the Toxiproxy server that the engine `toxiproxy` drives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toxiproxy: Option<SmolStr>,
}

impl Cluster {
    /// Whether it is, or has beside a cluster, the machine that Perturb runs on.
    #[must_use]
    pub fn has_local(&self) -> bool {
        self.engines.iter().any(|e| e.is_local())
    }

    /// Whether it is nothing but the machine that Perturb runs on.
    #[must_use]
    pub fn is_local(&self) -> bool {
        !self.engines.is_empty() && self.engines.iter().all(|e| e.is_local())
    }
}

/// An engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EngineName {
    /// Chaos Mesh.
    ChaosMesh,
    /// LitmusChaos.
    Litmus,
    /// Perturb itself through the Kubernetes API.
    Kubernetes,
    /// Perturb itself on the machine it runs on.
    Local,
    /// A Toxiproxy server.
    Toxiproxy,
}

impl EngineName {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::ChaosMesh, Self::Litmus, Self::Kubernetes, Self::Local, Self::Toxiproxy];

    /// Those that `perturb compile` writes manifests for.
    pub const NATIVE: [Self; 2] = [Self::ChaosMesh, Self::Litmus];

    /// As written in `.chaos`.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::ChaosMesh => "chaos-mesh",
            Self::Litmus => "litmus",
            Self::Kubernetes => "kubernetes",
            Self::Local => "local",
            Self::Toxiproxy => "toxiproxy",
        }
    }

    /// As people write its name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::ChaosMesh => "Chaos Mesh",
            Self::Litmus => "Litmus",
            Self::Kubernetes => "the Kubernetes API",
            Self::Local => "the local engine",
            Self::Toxiproxy => "Toxiproxy",
        }
    }

    /// Whether it hits what runs on the machine that Perturb runs on.
    #[must_use]
    pub fn is_local(self) -> bool {
        matches!(self, Self::Local | Self::Toxiproxy)
    }

    /// The engine of a word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.text() == text)
    }
}

impl std::fmt::Display for EngineName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

/// How much a service matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Everything stops without it.
    Critical,
    /// Customers notice.
    High,
    /// Somebody notices.
    Medium,
    /// Nobody notices for a day.
    Low,
}

/// What the catalogue says of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ServiceFacts {
    /// The owning team (a key of `Plan::teams`).
    pub owner: SmolStr,
    /// Its tier.
    pub tier: Tier,
    /// Its pods; `None`: external, nothing can hit it.
    pub pods: Option<PodSelector>,
    /// How many pods it should have at this place, if the catalogue says so.
    pub replicas: Option<u32>,
    /// The container that faults mean; `None`: its only one.
    pub container: Option<SmolStr>,
    /// What it depends on.
    pub depends_on: Vec<SmolStr>,
    /// Host names under which others reach it.
    pub hosts: Vec<SmolStr>,
    /// URLs that it declares.
    pub endpoints: Vec<SmolStr>,
    /// Its replicas on the machine that Perturb runs on; empty at places without a local engine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub local: Vec<LocalReplica>,
    /// Dashboards, runbooks.
    pub links: Vec<Entry>,
    /// Where it is declared.
    pub span: Span,
}

/// A replica of a service on the machine that Perturb runs on: a process, a path that leads to it, or both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LocalReplica {
    /// Its name, unique in its service.
    pub name: SmolStr,
    /// The process; `None`: only the path is ours.
    pub process: Option<LocalProcess>,
    /// The path; `None`: nothing stands before it.
    pub path: Option<LocalPath>,
    /// When it counts as ready; `None`: as soon as its process is there.
    pub ready: Option<Readiness>,
    /// Where it asks for names; `None`: Perturb has no say in that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolver: Option<LocalResolver>,
}

/// Where a replica asks for names: Perturb answers there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LocalResolver {
    /// `host:port` at which Perturb answers.
    pub address: SmolStr,
    /// `host:port` of who knows the names; `None`: the machine's own server.
    pub upstream: Option<SmolStr>,
}

/// How a process on this machine is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LocalProcess {
    /// Perturb starts it, and ends it when it is no longer needed.
    Command(LocalCommand),
    /// Its id is in this file.
    PidFile(SmolStr),
    /// It listens on this TCP port.
    Listening(u16),
    /// Its program is called so.
    Named(SmolStr),
}

/// A process that Perturb starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LocalCommand {
    /// The program and its arguments; no shell. `perturb` is the program that runs the plan.
    pub command: Vec<SmolStr>,
    /// Where it runs, from the project's folder.
    pub folder: Option<SmolStr>,
    /// Added to the environment.
    pub env: Vec<(SmolStr, SmolStr)>,
    /// The file that gets its output, from the project's folder; `None`: one that Perturb chooses.
    pub log: Option<SmolStr>,
    /// Whether it is started again when it ends, as a Deployment would.
    pub restart: bool,
    /// How long it may take to end after SIGTERM before it gets SIGKILL.
    pub stop_within: Duration,
    /// Whether it is started so that its clock can be moved.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub movable_clock: bool,
}

/// A path to a replica: Perturb's proxy, or a Toxiproxy, stands in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LocalPath {
    /// `host:port` at which others reach it; the engine `local` listens here.
    pub address: Option<SmolStr>,
    /// `host:port` behind it.
    pub upstream: Option<SmolStr>,
    /// The port that the path stands for in a cluster; `None`: those of `address` and `upstream`.
    pub port: Option<u16>,
    /// The name of the proxy in the cluster's Toxiproxy.
    pub proxy: Option<SmolStr>,
}

impl LocalPath {
    /// Whether a fault that names this port means this path.
    #[must_use]
    pub fn stands_for(&self, port: u16) -> bool {
        let is = |at: &Option<SmolStr>| {
            at.as_deref().and_then(|a| a.rsplit_once(':')).is_some_and(|(_, p)| p.parse() == Ok(port))
        };
        self.port.map_or_else(|| is(&self.address) || is(&self.upstream), |own| own == port)
    }
}

/// When a replica on this machine counts as ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Readiness {
    /// What is asked.
    pub probe: ReadyProbe,
    /// How long it may take after its start.
    pub within: Duration,
}

/// What is asked to learn whether a replica is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReadyProbe {
    /// A GET is answered with 200 to 299.
    Http(SmolStr),
    /// `host:port` takes a connection.
    Tcp(SmolStr),
}

/// A team.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Team {
    /// Where it is reached.
    pub contact: SmolStr,
    /// Where a pager is.
    pub escalation: Option<SmolStr>,
}

/// A past incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Incident {
    /// Its name.
    pub name: SmolStr,
    /// `2022-03-14`.
    pub date: SmolStr,
    /// The doc comment's first sentence.
    pub title: String,
    /// What was learned.
    pub lessons: Vec<String>,
    /// The report.
    pub report: Option<SmolStr>,
}

/// Which pods: all conditions hold together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PodSelector {
    /// In one of these namespaces; never empty in a valid plan.
    pub namespaces: Vec<SmolStr>,
    /// With these labels.
    pub labels: Vec<(SmolStr, SmolStr)>,
    /// Of which this holds, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<LabelCondition>,
    /// With these annotations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<(SmolStr, SmolStr)>,
    /// Whose fields have these values: paths of [`super::POD_FIELDS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<(SmolStr, SmolStr)>,
    /// In one of these phases, ready or not; empty: ready pods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<PodPhase>,
    /// With one of these names; empty: any.
    pub names: Vec<SmolStr>,
    /// On this node.
    pub node: Option<At>,
    /// On any of these nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Box<NodeSelector>>,
    /// In this zone.
    pub zone: Option<At>,
    /// But not what these draws hit (indices into `Plan::draws`): `one of ledger.pods(except: hit)`.
    pub except: Vec<u32>,
}

/// A node or zone: named, or drawn by the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum At {
    /// By name.
    Named(SmolStr),
    /// What this draw hit (an index into `Plan::draws`; exactly one thing).
    Drawn(u32),
}

/// Which nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct NodeSelector {
    /// With these labels.
    pub labels: Vec<(SmolStr, SmolStr)>,
    /// With one of these names; empty: any.
    pub names: Vec<SmolStr>,
    /// In this zone.
    pub zone: Option<At>,
    /// That hold a ready pod of this.
    pub holding: Option<PodSelector>,
}

/// Which machines, disks, databases or load balancers of a cloud.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CloudSelector {
    /// `aws`, `gcp`, `azure`, `vmware`.
    pub provider: Option<SmolStr>,
    /// The region.
    pub region: Option<SmolStr>,
    /// The project (Google Cloud).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<SmolStr>,
    /// The zone (Google Cloud).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<SmolStr>,
    /// The subscription (Azure).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<SmolStr>,
    /// The resource group (Azure).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<SmolStr>,
    /// The scale set (Azure).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_set: Option<SmolStr>,
    /// With these tags.
    pub tags: Vec<(SmolStr, SmolStr)>,
    /// With one of these ids; empty: any.
    pub ids: Vec<SmolStr>,
}

/// Which machines outside of the cluster, by the objects that register them in it (Chaos Mesh's `PhysicalMachine`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct MachineSelector {
    /// Registered in one of these namespaces; never empty in a valid plan.
    pub namespaces: Vec<SmolStr>,
    /// With these labels.
    pub labels: Vec<(SmolStr, SmolStr)>,
    /// Of which this holds, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<LabelCondition>,
    /// With these annotations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<(SmolStr, SmolStr)>,
    /// Whose fields have these values: `spec.address`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<(SmolStr, SmolStr)>,
    /// With one of these names; empty: any.
    pub names: Vec<SmolStr>,
}

/// Which processes on the machine that Perturb runs on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ProcessSelector {
    /// Replicas of this service.
    pub service: SmolStr,
    /// With one of these names; empty: any.
    pub names: Vec<SmolStr>,
    /// But not what these draws hit (indices into `Plan::draws`).
    pub except: Vec<u32>,
}

/// The candidates of a draw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Selector {
    /// Ready pods.
    Pods(PodSelector),
    /// Nodes.
    Nodes(NodeSelector),
    /// Zones that hold a ready pod of this.
    Zones(PodSelector),
    /// Deployments, StatefulSets, DaemonSets that own these pods.
    Workloads(PodSelector),
    /// URLs.
    Endpoints(Vec<SmolStr>),
    /// Machines of a cloud.
    Instances(CloudSelector),
    /// Disks of a cloud.
    Disks(CloudSelector),
    /// Databases that a cloud runs.
    Databases(CloudSelector),
    /// Load balancers of a cloud.
    Balancers(CloudSelector),
    /// Machines outside of the cluster.
    Machines(MachineSelector),
    /// Clusters.
    Clusters(Vec<SmolStr>),
    /// Replicas on the machine that Perturb runs on.
    Processes(ProcessSelector),
}

impl Selector {
    /// What kind of thing it selects.
    #[must_use]
    pub fn kind(&self) -> TargetKind {
        match self {
            Self::Pods(_) => TargetKind::Pods,
            Self::Nodes(_) => TargetKind::Nodes,
            Self::Zones(_) => TargetKind::Zones,
            Self::Workloads(_) => TargetKind::Workloads,
            Self::Endpoints(_) => TargetKind::Endpoints,
            Self::Instances(_) => TargetKind::Instances,
            Self::Disks(_) => TargetKind::Disks,
            Self::Databases(_) => TargetKind::Databases,
            Self::Balancers(_) => TargetKind::Balancers,
            Self::Machines(_) => TargetKind::Machines,
            Self::Clusters(_) => TargetKind::Clusters,
            Self::Processes(_) => TargetKind::Processes,
        }
    }

    /// The pods that it speaks of, if it does.
    #[must_use]
    pub fn pods(&self) -> Option<&PodSelector> {
        match self {
            Self::Pods(pods) | Self::Zones(pods) | Self::Workloads(pods) => Some(pods),
            Self::Nodes(nodes) => nodes.holding.as_ref(),
            Self::Endpoints(_)
            | Self::Instances(_)
            | Self::Disks(_)
            | Self::Databases(_)
            | Self::Balancers(_)
            | Self::Machines(_)
            | Self::Processes(_)
            | Self::Clusters(_) => None,
        }
    }

    /// What of a cloud it speaks of, if it does.
    #[must_use]
    pub fn cloud(&self) -> Option<&CloudSelector> {
        match self {
            Self::Instances(cloud) | Self::Disks(cloud) | Self::Databases(cloud) | Self::Balancers(cloud) => {
                Some(cloud)
            }
            _ => None,
        }
    }
}

/// How many of the candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// Exactly this many, at random.
    Exactly(u32),
    /// ⌊n·P/100⌋, at least one, at random.
    Share(Percent),
    /// Every candidate at the moment of the draw.
    All,
}

impl Quantity {
    /// How many of `candidates` the *language* hits: `Share` rounds down, but to one at least; 0 only of 0.
    /// `Exactly(n)` gives n even where there are fewer: then nothing is hit and the run is `not-run`.
    #[must_use]
    pub fn of(self, candidates: u32) -> u32 {
        self.rounded(candidates, rust_decimal::Decimal::floor)
    }

    /// The same where a `Share` is rounded up.
    #[must_use]
    pub fn rounded_up(self, candidates: u32) -> u32 {
        self.rounded(candidates, rust_decimal::Decimal::ceil)
    }

    fn rounded(self, candidates: u32, round: fn(&rust_decimal::Decimal) -> rust_decimal::Decimal) -> u32 {
        match self {
            Self::Exactly(n) => n,
            Self::All => candidates,
            Self::Share(percent) => {
                use rust_decimal::prelude::ToPrimitive;
                let exact = percent.0 * rust_decimal::Decimal::from(candidates) / rust_decimal::Decimal::from(100);
                round(&exact).to_u32().unwrap_or(candidates).clamp(candidates.min(1), candidates)
            }
        }
    }
}

/// One draw: made when the method reaches its first use, by Perturb, and written into the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Draw {
    /// The `let` that names it, if any.
    pub name: Option<SmolStr>,
    /// How many.
    pub quantity: Quantity,
    /// Of what.
    pub selector: Selector,
    /// The service whose selector it is, if it came from one (`ledger.pods`).
    pub service: Option<SmolStr>,
    /// In the source's words: `50% of ledger.pods`.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// How a fault ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It lasts until it is undone.
    Lasting,
    /// It happens once; nothing is there to undo.
    Instant,
}

/// A fault as a step uses it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Fault {
    /// Qualified name: `network.delay`; a project's own fault has no dot.
    pub name: SmolStr,
    /// The doc comment's first sentence.
    pub title: String,
    /// What is hit (an index into `Plan::draws`).
    pub target: u32,
    /// All other arguments, defaults included, in the order of the parameters.
    pub arguments: Vec<Entry>,
    /// Names of the arguments whose value is not the default.
    pub given: Vec<SmolStr>,
    /// How it ends.
    pub effect: Effect,
    /// What must not be used twice at once on one target.
    pub mechanism: SmolStr,
    /// Why it cannot be undone, if it cannot.
    pub irreversible: Option<String>,
    /// Whether a restart of the container takes the fault away before its end.
    pub lost_on_restart: bool,
    /// When it ends by itself, if nothing can end it earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_after: Option<Duration>,
    /// For each engine that the declaration has a body for: the body, or why these arguments cannot be expressed there.
    pub bodies: BTreeMap<EngineName, Body>,
    /// Where the step is.
    pub span: Span,
}

/// What one engine makes of a fault with these arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// The body's fields, evaluated. Chaos Mesh: `kind`, `spec`. Litmus: `fault`, `env`, `hub`. Kubernetes: `action`, ….
    Expressed(Vec<Entry>),
    /// Why not.
    Refused {
        /// The argument or construct to give up.
        construct: String,
        /// The reason: the `because`, or that the body does not name the parameter.
        reason: String,
    },
}

impl Body {
    /// A field of an expressed body.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Expressed(entries) => entries.iter().find(|e| e.key == key).map(|e| &e.value),
            Self::Refused { .. } => None,
        }
    }
}

/// One stream of samples: a distinct metric call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Stream {
    /// In the source's words: `success-rate(checkout, over: 15s)`.
    pub text: String,
    /// The metric's name; `probe.http-status` for the standard library's.
    pub metric: SmolStr,
    /// The service that it is about, if its first argument is one.
    pub service: Option<SmolStr>,
    /// Its type's name: `Percent`.
    pub of_type: SmolStr,
    /// Where samples come from.
    pub source: Source,
    /// What the bare number means.
    pub unit: MetricUnit,
    /// How far back one sample looks; `None`: it is of the moment.
    pub window: Option<Duration>,
    /// How often it is asked.
    pub every: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long without a valid sample is a gap.
    pub patience: Duration,
    /// Where the metric is declared.
    pub span: Span,
}

impl Stream {
    /// What it says if nobody answers in time. Where the question is whether something answers well, silence is a "no"; to
    /// everything else it is no answer.
    #[must_use]
    pub fn unanswered(&self) -> Option<Value> {
        let asks_whether_it_is_well = matches!(
            self.source,
            Source::Http { answer: HttpAnswer::Ok, .. }
                | Source::Tcp { answer: TcpAnswer::Ok, .. }
                | Source::Dns { answer: DnsAnswer::Ok, .. }
                | Source::Command { answer: CommandAnswer::Ok, .. }
        );
        match self.of_type.as_str() {
            "Bool" if asks_whether_it_is_well => Some(Value::Bool(false)),
            // A count of those that are well.
            "Int" if asks_whether_it_is_well => Some(Value::Int(0)),
            _ => None,
        }
    }
}

/// Where samples come from. All are asked from where Perturb runs (the machine of `perturb run`, the gate's pod).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// An instant query against the cluster's Prometheus.
    Prometheus {
        /// The server; `None`: the cluster declares none.
        server: Option<SmolStr>,
        /// The query.
        query: String,
    },
    /// A number in a JSON document.
    Json {
        /// The document.
        url: SmolStr,
        /// RFC 6901.
        pointer: SmolStr,
        /// The name of the secret with its bearer token.
        token: Option<SmolStr>,
        /// Headers that are sent along.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        headers: Vec<SentHeader>,
    },
    /// An HTTP request.
    Http {
        /// What is asked.
        url: SmolStr,
        /// What the sample is.
        answer: HttpAnswer,
        /// The name of the secret with its bearer token.
        token: Option<SmolStr>,
        /// Headers that are sent along.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        headers: Vec<SentHeader>,
    },
    /// What the Kubernetes API says.
    Kubernetes {
        /// What is counted or tested.
        what: KubernetesFact,
        /// Of which pods.
        pods: PodSelector,
    },
    /// What Perturb sees of a service's replicas on its own machine: what `Kubernetes` is for a cluster.
    Processes {
        /// What is counted or tested.
        what: KubernetesFact,
        /// Of which replicas.
        of: ProcessSelector,
    },
    /// A number that a page of metrics (Prometheus' text format) gives, computed here: no server is needed.
    Scrape {
        /// The page.
        url: SmolStr,
        /// The metric's name; of a histogram without `_bucket`.
        name: SmolStr,
        /// With these labels.
        labels: Vec<(SmolStr, SmolStr)>,
        /// For a share: of those with these labels; else empty.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        among: Vec<(SmolStr, SmolStr)>,
        /// What is computed of it.
        answer: ScrapeAnswer,
        /// The name of the secret with its bearer token.
        token: Option<SmolStr>,
        /// Headers that are sent along.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        headers: Vec<SentHeader>,
    },
    /// A TCP connection.
    Tcp {
        /// `host:port`.
        address: SmolStr,
        /// What the sample is.
        answer: TcpAnswer,
    },
    /// A look-up of a name.
    Dns {
        /// The name.
        name: SmolStr,
        /// `host:port` of the server; `None`: the machine's own.
        server: Option<SmolStr>,
        /// What the sample is.
        answer: DnsAnswer,
    },
    /// A program, whose output's last line is the sample.
    Command {
        /// The program and its arguments; no shell.
        command: Vec<SmolStr>,
        /// What the sample is.
        answer: CommandAnswer,
    },
    /// A TLS handshake: how long the certificate is still valid.
    Tls {
        /// `https://host[:port]`.
        url: SmolStr,
    },
    /// An SLO of the catalogue, computed from its indicator.
    Objective {
        /// The SLO's name.
        slo: SmolStr,
        /// What of it.
        what: ObjectiveFact,
        /// The indicator's source, with the SLO's own window put in where the metric takes `over`.
        indicator: Box<Source>,
        /// What the indicator's bare number means.
        indicator_unit: MetricUnit,
        /// The objective.
        objective: Percent,
        /// The SLO's window.
        window: Duration,
    },
}

/// A header that is sent along with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SentHeader {
    /// Its name.
    pub name: SmolStr,
    /// What it says.
    pub value: SentText,
}

/// What a header says that is sent along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SentText {
    /// These words.
    Text(SmolStr),
    /// The text of the secret of this name, whole.
    Secret(SmolStr),
}

/// What an HTTP sample is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HttpAnswer {
    /// The status code.
    Status,
    /// The time to the last byte.
    Time,
    /// Whether the status was 200–299.
    Ok,
    /// What a pattern finds in the body, whatever the status: for a Bool whether it finds anything, else the number in its group.
    Body {
        /// The pattern.
        pattern: SmolStr,
    },
    /// What a header of the answer says, whatever the status: for a Bool whether it is there (and holds the pattern), else the
    /// number in it, or in the pattern's group.
    Header {
        /// Its name.
        name: SmolStr,
        /// The pattern, if not all of it counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pattern: Option<SmolStr>,
    },
}

/// What is computed of a page of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScrapeAnswer {
    /// The sum of what matches, now.
    Value,
    /// How fast a counter grows per second, over the stream's window; resets are seen through.
    Rate,
    /// By how much a counter grew over the stream's window.
    Increase,
    /// Which share of a counter's growth over the stream's window was of those with these labels.
    Share,
    /// The value below which this share of a histogram's observations in the window fell.
    Quantile(Percent),
}

/// What a TCP sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TcpAnswer {
    /// Whether a connection was taken.
    Ok,
    /// The time until it was taken.
    Time,
}

/// What a sample of a name's look-up is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DnsAnswer {
    /// Whether there was an address.
    Ok,
    /// The time until there was an answer.
    Time,
    /// How many addresses there were.
    Addresses,
}

/// What a program's sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CommandAnswer {
    /// The number in the last line of its output; its exit code must be 0.
    Output,
    /// Its exit code.
    Exit,
    /// Whether its exit code is 0.
    Ok,
}

/// What is asked of the Kubernetes API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KubernetesFact {
    /// How many pods are ready.
    ReadyPods,
    /// In how many zones a pod is ready.
    ReadyZones,
    /// How often containers restarted since the run began.
    Restarts,
    /// Whether the workloads that own the pods are rolled out.
    RolledOut,
}

/// What is asked of an SLO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectiveFact {
    /// The share of the error budget that is left in the SLO's window.
    BudgetLeft,
    /// The share of the error budget that was spent since this run began.
    BudgetSpent,
    /// How many times faster than sustainable the budget burns over the stream's window.
    BurnRate,
}

/// What a metric's bare number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MetricUnit {
    /// 0.995 is 99.5%.
    Ratio,
    /// 99.5 is 99.5%.
    Percent,
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Bytes.
    Bytes,
    /// Events per second.
    PerSecond,
    /// Cores.
    Cores,
    /// A count, a plain number, or 0 and 1 for a Bool.
    Count,
}

/// What is expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Expectation {
    /// Its name, unique in the experiment.
    pub name: SmolStr,
    /// What must hold.
    pub condition: Condition,
    /// In the source's words.
    pub text: String,
    /// How long it may be false at most; `None`: not at all.
    pub within: Option<Duration>,
    /// When it is judged, and against what during faults.
    pub phase: Phase,
    /// Where.
    pub span: Span,
}

/// When an expectation is judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// In every phase.
    Always,
    /// During faults and while recovering against a weaker bound.
    Relaxed {
        /// The weaker condition.
        condition: Condition,
        /// In the source's words: `< 2s`.
        text: String,
    },
    /// In every phase but faults and recovering.
    ExceptDuringFaults,
    /// During faults only.
    OnlyDuringFaults,
}

/// How the system recovers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecoveryClass {
    /// By itself.
    Automatic,
    /// By people.
    Manual,
    /// Nobody knows yet.
    Unknown,
}

/// How it should recover.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Recovery {
    /// The declared class.
    pub class: RecoveryClass,
    /// Within which time, from the last confirmed undo.
    pub within: Duration,
    /// Where.
    pub span: Span,
}

/// What ends the run early.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Guard {
    /// When it fires.
    pub when: GuardWhen,
    /// In the source's words.
    pub text: String,
    /// For how long it must be true; `None`: one sample is enough.
    pub hold: Option<Duration>,
    /// Where.
    pub span: Span,
}

/// When a guard fires.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GuardWhen {
    /// When the condition is true (for as long as the guard says), or its data is missing for longer than its patience.
    Condition(Condition),
    /// As soon as an expectation or check is refuted.
    Refuted,
}

/// When it may run. The lines of `only on` are alternatives; no line of `never on` may match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Hours {
    /// The policy that says so; `None`: the experiment itself.
    pub policy: Option<SmolStr>,
    /// Alternatives; empty: any time.
    pub only: Vec<OpenHours>,
    /// Closed days.
    pub never: Vec<ClosedDays>,
}

/// `only on mon..thu 10:00..16:00 in "Asia/Jakarta"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct OpenHours {
    /// First day, 1 = Monday … 7 = Sunday.
    pub from_day: u8,
    /// Last day, included; may be before the first (fri..mon).
    pub to_day: u8,
    /// Minutes since midnight.
    pub from_minute: u16,
    /// Minutes since midnight; always later than the first.
    pub to_minute: u16,
    /// IANA name.
    pub zone: SmolStr,
    /// Where.
    pub span: Span,
}

/// `never on 2026-12-18..2027-01-03 because "…"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ClosedDays {
    /// First day.
    pub from: SmolStr,
    /// Last day, included.
    pub to: SmolStr,
    /// Why.
    pub because: String,
    /// Where.
    pub span: Span,
}

/// `approval by TEAM`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Approval {
    /// The team (a key of `Plan::teams`).
    pub team: SmolStr,
    /// The policy that asks for it; `None`: the experiment itself.
    pub policy: Option<SmolStr>,
    /// Where.
    pub span: Span,
}

/// A step of the method. `for each` is unrolled into [`StepKind::Round`]s.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// Where.
    pub span: Span,
}

/// What a step does. A step begins when the one before it has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// `F(…) for D`, or an instant `F(…)`.
    Inject {
        /// An index into `Plan::faults`.
        fault: u32,
        /// How long after its confirmation it is undone; `None` for an instant fault.
        lasts: Option<Duration>,
    },
    /// `with F(…) { … }`: the fault lasts as long as its block.
    With {
        /// An index into `Plan::faults`.
        fault: u32,
        /// The block.
        steps: Vec<Step>,
    },
    /// `wait D`.
    Wait(Duration),
    /// `check n: C within D`.
    Check {
        /// Its name, unique in the experiment.
        name: SmolStr,
        /// What must become true.
        condition: Condition,
        /// In the source's words.
        text: String,
        /// At most this long; `None`: the next sample decides.
        within: Option<Duration>,
    },
    /// Every step is a branch; all begin together.
    Parallel(Vec<Step>),
    /// Several steps as one branch.
    Sequence(Vec<Step>),
    /// One round of `for each`.
    Round {
        /// `share = 5%`.
        title: String,
        /// From 1.
        number: u32,
        /// How many rounds there are.
        of: u32,
        /// The block.
        steps: Vec<Step>,
    },
    /// `ask WHO "…" within D`.
    Ask {
        /// A team (a key of `Plan::teams`).
        who: SmolStr,
        /// The question.
        question: String,
        /// How long silence is waited for.
        within: Duration,
    },
    /// `note "…"`, `note WHO "…" within D`.
    Note {
        /// Whose words; `None`: the text itself is written.
        who: Option<SmolStr>,
        /// The text or prompt.
        text: String,
        /// How long it waits for words.
        within: Option<Duration>,
    },
}

/// A policy's rule, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Rule {
    /// The policy's name.
    pub policy: SmolStr,
    /// In the source's words: `require experiment.duration <= 30m`.
    pub text: String,
    /// Why the rule is there.
    pub because: String,
    /// Whether it holds.
    pub verdict: RuleVerdict,
    /// The engines that break it if they are handed manifests, though it holds here, each with what was found: they draw for
    /// each fault anew, and Chaos Mesh rounds shares up.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub broken_by: BTreeMap<EngineName, String>,
    /// Where the rule is.
    pub span: Span,
}

/// Whether a policy's rule holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RuleVerdict {
    /// It holds, with what was found: `8m30s`.
    Holds(String),
    /// It does not, with what was found.
    Broken(String),
    /// Only preflight can tell, and why.
    AtPreflight(String),
}

/// When a `verify` repeats the experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Schedule {
    /// The `verify`'s name.
    pub verify: SmolStr,
    /// Five cron fields.
    pub cron: SmolStr,
    /// IANA name.
    pub zone: SmolStr,
    /// How long a verdict counts in reports.
    pub fresh_for: Option<Duration>,
    /// Whether the `verify` makes other runs too: they are taken one after another.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub among_others: bool,
    /// How clusters are drawn for each run, where it does not take them all: `one of 2 clusters`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<SmolStr>,
    /// Where.
    pub span: Span,
}
