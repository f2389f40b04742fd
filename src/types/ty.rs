//! The types of the language.

use std::fmt;
use std::sync::Arc;

use smol_str::SmolStr;

use super::Value;

/// What kind of thing a target or selector hits.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// Ready pods.
    Pods,
    /// Nodes that hold a ready pod of a service, or are named.
    Nodes,
    /// Zones that hold a ready pod of a service.
    Zones,
    /// Deployments, StatefulSets, DaemonSets.
    Workloads,
    /// URLs that a service declares.
    Endpoints,
    /// Machines of a cloud.
    Instances,
    /// Disks of a cloud.
    Disks,
    /// Databases that a cloud runs.
    Databases,
    /// Load balancers of a cloud.
    Balancers,
    /// Machines outside of the cluster that an agent serves.
    Machines,
    /// Clusters of an environment.
    Clusters,
    /// Processes on the machine that Perturb runs on: what a pod is there.
    Processes,
}

impl TargetKind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Pods,
        Self::Nodes,
        Self::Zones,
        Self::Workloads,
        Self::Endpoints,
        Self::Instances,
        Self::Disks,
        Self::Databases,
        Self::Balancers,
        Self::Machines,
        Self::Clusters,
        Self::Processes,
    ];

    /// The type's name: `Pods`.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Pods => "Pods",
            Self::Nodes => "Nodes",
            Self::Zones => "Zones",
            Self::Workloads => "Workloads",
            Self::Endpoints => "Endpoints",
            Self::Instances => "Instances",
            Self::Disks => "Disks",
            Self::Databases => "Databases",
            Self::Balancers => "Balancers",
            Self::Machines => "Machines",
            Self::Clusters => "Clusters",
            Self::Processes => "Processes",
        }
    }

    /// For `count` of them: `pod`, `pods`.
    #[must_use]
    pub fn noun(self, count: u64) -> &'static str {
        match (self, count == 1) {
            (Self::Pods, true) => "pod",
            (Self::Pods, false) => "pods",
            (Self::Nodes, true) => "node",
            (Self::Nodes, false) => "nodes",
            (Self::Zones, true) => "zone",
            (Self::Zones, false) => "zones",
            (Self::Workloads, true) => "workload",
            (Self::Workloads, false) => "workloads",
            (Self::Endpoints, true) => "endpoint",
            (Self::Endpoints, false) => "endpoints",
            (Self::Instances, true) => "instance",
            (Self::Instances, false) => "instances",
            (Self::Disks, true) => "disk",
            (Self::Disks, false) => "disks",
            (Self::Databases, true) => "database",
            (Self::Databases, false) => "databases",
            (Self::Balancers, true) => "balancer",
            (Self::Balancers, false) => "balancers",
            (Self::Machines, true) => "machine",
            (Self::Machines, false) => "machines",
            (Self::Clusters, true) => "cluster",
            (Self::Clusters, false) => "clusters",
            (Self::Processes, true) => "process",
            (Self::Processes, false) => "processes",
        }
    }

    /// The kind of a type's name.
    #[must_use]
    pub fn from_type_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.type_name() == name)
    }
}

/// The bounds of `T in A..B`, both included.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    /// The least value.
    pub least: Value,
    /// The greatest value.
    pub greatest: Value,
}

/// A type.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// `true`, `false`.
    Bool,
    /// A whole number.
    Int,
    /// An exact decimal.
    Number,
    /// Text.
    String,
    /// `5m`.
    Duration,
    /// `-5m`.
    Offset,
    /// `99.5%`.
    Percent,
    /// `512MiB`.
    Bytes,
    /// `10Mbit/s`.
    Bitrate,
    /// `0.5cores`.
    Cores,
    /// `200/s`.
    Rate,
    /// `2022-03-14`.
    Date,
    /// A checked string.
    Url,
    /// A checked string.
    Host,
    /// Only `secret("name")`.
    Secret,
    /// `a | b | c`.
    Enum(Arc<[SmolStr]>),
    /// One of the project's environments.
    Environment,
    /// A declared team.
    Team,
    /// A declared service.
    Service,
    /// A declared cluster.
    Cluster,
    /// A declared objective.
    Slo,
    /// A declared incident.
    Incident,
    /// A declared fault, in `fault in […]`.
    Fault,
    /// A quantity of a selector: `one of ledger.pods`.
    Target(TargetKind),
    /// Candidates without a quantity: `ledger.pods`.
    Selector(TargetKind),
    /// `[T]`.
    List(Arc<Type>),
    /// `T?`: may be `none`.
    Optional(Arc<Type>),
    /// `T in A..B`.
    InRange(Arc<Type>, Arc<Bounds>),
    /// `{ key: value }`; fields are checked by what takes the record.
    Record,
    /// `{ key: "text" }`: any keys, each with text.
    Map,
    /// A condition or value that only a run can tell: a metric's sample of this type.
    Sampled(Arc<Type>),
    /// Anything: after an error, or where the engine's schema decides.
    Any,
}

impl Type {
    /// The type without its range.
    #[must_use]
    pub fn base(&self) -> &Type {
        match self {
            Self::InRange(inner, _) => inner.base(),
            other => other,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("Bool"),
            Self::Int => f.write_str("Int"),
            Self::Number => f.write_str("Number"),
            Self::String => f.write_str("String"),
            Self::Duration => f.write_str("Duration"),
            Self::Offset => f.write_str("Offset"),
            Self::Percent => f.write_str("Percent"),
            Self::Bytes => f.write_str("Bytes"),
            Self::Bitrate => f.write_str("Bitrate"),
            Self::Cores => f.write_str("Cores"),
            Self::Rate => f.write_str("Rate"),
            Self::Date => f.write_str("Date"),
            Self::Url => f.write_str("Url"),
            Self::Host => f.write_str("Host"),
            Self::Secret => f.write_str("Secret"),
            Self::Enum(words) => f.write_str(&words.join(" | ")),
            Self::Environment => f.write_str("Environment"),
            Self::Team => f.write_str("Team"),
            Self::Service => f.write_str("Service"),
            Self::Cluster => f.write_str("Cluster"),
            Self::Slo => f.write_str("Slo"),
            Self::Incident => f.write_str("Incident"),
            Self::Fault => f.write_str("Fault"),
            Self::Target(kind) => f.write_str(kind.type_name()),
            Self::Selector(kind) => write!(f, "selector of {}", kind.noun(2)),
            Self::List(inner) => write!(f, "[{inner}]"),
            Self::Optional(inner) => write!(f, "{inner}?"),
            Self::InRange(inner, bounds) => write!(f, "{inner} in {}..{}", bounds.least, bounds.greatest),
            Self::Record => f.write_str("record"),
            Self::Map => f.write_str("Map"),
            Self::Sampled(inner) => write!(f, "measured {inner}"),
            Self::Any => f.write_str("any"),
        }
    }
}
