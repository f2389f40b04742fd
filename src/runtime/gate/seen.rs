//! What the cluster shows of the runs of one plan, as plain data.
//!
//! Pure. Comes in: objects as the API server gives them (JSON). Goes out: [`Seen`]. A field that is missing reads as the safe
//! case: not injected, not finished. What belongs to a run is told by owners' UIDs and never by names, which are used again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::mark::Mark;
use crate::engine::chaos_mesh::GateConfig;

/// Ends a Workflow when it is `true`.
pub const ABORT: &str = "workflow.chaos-mesh.org/abort";
/// Takes a fault away while it is `true`.
pub const PAUSE: &str = "experiment.chaos-mesh.org/pause";
/// On nodes and faults of a Workflow: its name.
pub const OF_WORKFLOW: &str = "chaos-mesh.org/workflow";
/// On the children of a Schedule: its name.
pub const OF_SCHEDULE: &str = "managed-by";
/// On every object that was emitted: the digest of its plan.
const OF_PLAN: &str = "perturb.dev/plan";

/// One look at the cluster.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// The Workflows of the plan.
    pub workflows: Vec<Workflow>,
    /// The nodes of Workflows in the namespace.
    pub nodes: Vec<Node>,
    /// The faults in the namespace that a Workflow made, of the kinds of the plan.
    pub faults: Vec<Fault>,
}

/// A Workflow.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Workflow {
    /// Its name.
    pub name: String,
    /// What tells two of one name apart.
    pub uid: String,
    /// Which of its versions was seen.
    pub version: String,
    /// What the gate wrote on it.
    pub mark: Mark,
    /// Whether somebody asked for its end.
    pub aborted: bool,
    /// Whether the controllers are through with it. Faults may still lie.
    pub accomplished: bool,
    /// Whether it is being deleted.
    pub leaving: bool,
    /// The conditions of its status, as they were read.
    pub conditions: Vec<Json>,
}

/// A node of a Workflow.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    /// What tells it from all others.
    pub uid: String,
    /// The UIDs of the nodes or the Workflow that made it.
    pub owners: Vec<String>,
    /// The template that it was made from.
    pub template: String,
    /// When it was created, to the second.
    pub created: String,
    /// The reason of each condition that is true.
    pub conditions: BTreeMap<String, String>,
}

/// An object of a fault.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// `networkchaos`.
    pub resource: String,
    /// Its name.
    pub name: String,
    /// The Workflow's name.
    pub workflow: String,
    /// The UIDs of the nodes that made it.
    pub owners: Vec<String>,
    /// Whether it is in all that were selected, and something was.
    pub injected: bool,
    /// Whether it is being deleted.
    pub leaving: bool,
    /// Whether it was told to go.
    pub paused: bool,
}

impl Workflow {
    /// From the API server; `None`: it was made from another plan.
    #[must_use]
    pub fn read(object: &Json, config: &GateConfig) -> Option<Self> {
        let metadata = &object["metadata"];
        let annotations = texts(&metadata["annotations"]);
        // The children of a Schedule have none.
        if annotations.get(OF_PLAN).is_some_and(|plan| *plan != config.plan) {
            return None;
        }
        let uid = text(&metadata["uid"]);
        Some(Self {
            name: text(&metadata["name"]),
            version: text(&metadata["resourceVersion"]),
            mark: Mark::read(&annotations, &uid),
            uid,
            aborted: annotations.get(ABORT).is_some_and(|v| v == "true"),
            accomplished: conditions(object).contains_key("Accomplished"),
            leaving: !metadata["deletionTimestamp"].is_null(),
            conditions: object["status"]["conditions"].as_array().cloned().unwrap_or_default(),
        })
    }
}

impl Node {
    /// From the API server.
    #[must_use]
    pub fn read(object: &Json) -> Self {
        Self {
            uid: text(&object["metadata"]["uid"]),
            owners: owners(object),
            template: text(&object["spec"]["templateName"]),
            created: text(&object["metadata"]["creationTimestamp"]),
            conditions: conditions(object),
        }
    }

    /// Whether nothing of it runs any more, for whatever reason.
    #[must_use]
    pub fn is_over(&self) -> bool {
        ["Accomplished", "DeadlineExceed", "Aborted"].iter().any(|c| self.conditions.contains_key(*c))
    }

    /// Whether it was cut by a deadline that is not its own.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.conditions.get("DeadlineExceed").is_some_and(|reason| reason == "ParentNodeDeadlineExceed")
    }
}

impl Fault {
    /// From the API server; `None`: no Workflow made it.
    #[must_use]
    pub fn read(object: &Json, resource: &str) -> Option<Self> {
        let metadata = &object["metadata"];
        let workflow = metadata["labels"][OF_WORKFLOW].as_str()?.to_owned();
        let true_ones = conditions(object);
        let is = |name: &str| true_ones.contains_key(name);
        Some(Self {
            resource: resource.to_owned(),
            name: text(&metadata["name"]),
            workflow,
            owners: owners(object),
            injected: is("AllInjected") && is("Selected"),
            leaving: !metadata["deletionTimestamp"].is_null(),
            paused: metadata["annotations"][PAUSE] == "true",
        })
    }

    /// Whether a Workflow of this plan made it.
    #[must_use]
    pub fn is_of(&self, config: &GateConfig) -> bool {
        is_name_of(&self.workflow, config)
    }
}

/// Whether a Workflow of this name is one of the plan's: a Schedule's child has five signs more than the Schedule.
#[must_use]
pub fn is_name_of(workflow: &str, config: &GateConfig) -> bool {
    match workflow.strip_prefix(config.name.as_str()) {
        Some("") => !config.scheduled,
        Some(rest) => config.scheduled && rest.strip_prefix('-').is_some_and(|r| !r.is_empty() && !r.contains('-')),
        None => false,
    }
}

impl Seen {
    /// The one Workflow that is under way; `None` where there is none, or where nobody could tell which is meant.
    #[must_use]
    pub fn current(&self) -> Option<&Workflow> {
        let mut open = self.workflows.iter().filter(|w| !w.accomplished && !w.leaving);
        open.next().filter(|_| open.next().is_none())
    }

    /// The Workflow of a run.
    #[must_use]
    pub fn workflow(&self, uid: &str) -> Option<&Workflow> {
        self.workflows.iter().find(|w| w.uid == uid)
    }

    /// The nodes of a run, in the order in which they began.
    #[must_use]
    pub fn nodes_of(&self, uid: &str) -> Vec<&Node> {
        let mut known = BTreeSet::from([uid]);
        let mut nodes: Vec<&Node> = Vec::new();
        // A node's owner is the node above it; as long as somebody has an owner that is known, it is known.
        loop {
            let before = nodes.len();
            for node in &self.nodes {
                if !known.contains(node.uid.as_str()) && node.owners.iter().any(|o| known.contains(o.as_str())) {
                    known.insert(node.uid.as_str());
                    nodes.push(node);
                }
            }
            if nodes.len() == before {
                break;
            }
        }
        nodes.sort_by(|a, b| a.created.cmp(&b.created));
        nodes
    }
}

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Json) -> BTreeMap<String, String> {
    value.as_object().into_iter().flatten().map(|(k, v)| (k.clone(), text(v))).collect()
}

fn owners(object: &Json) -> Vec<String> {
    object["metadata"]["ownerReferences"].as_array().into_iter().flatten().map(|o| text(&o["uid"])).collect()
}

/// The conditions of a status that are true, with their reasons.
fn conditions(object: &Json) -> BTreeMap<String, String> {
    let all = object["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter(|c| c["status"] == "True").map(|c| (text(&c["type"]), text(&c["reason"]))).collect()
}
