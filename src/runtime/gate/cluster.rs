//! The API server: looks, and writes.
//!
//! Comes in: what the gate must know, and what is to be written. Goes out: [`Seen`], or why there is none. Lists, no watches:
//! a list is whole or it fails, and what a watch has missed nobody notices.

use std::sync::Arc;
use std::time::Duration;

use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value as Json, json};

use super::seen::{Fault, Node, OF_SCHEDULE, OF_WORKFLOW, PAUSE, Seen, Workflow};
use crate::engine::chaos_mesh::GateConfig;
use crate::runtime::machine::Verdict;
use crate::source::disk::cause;

/// A look or a write that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(3);
/// Who writes, as the API server notes it.
const WHO: &str = "perturb-gate";

/// Why the cluster did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refused {
    /// In words.
    pub reason: String,
    /// Something changed between the look and the write: the next look shows it.
    pub is_conflict: bool,
}

impl Refused {
    fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_conflict: false }
    }

    fn of(error: &kube::Error) -> Self {
        let is_conflict = matches!(error, kube::Error::Api(status) if status.code == 409);
        Self { reason: plain(error), is_conflict }
    }
}

/// A way to the API server.
pub struct Cluster {
    client: kube::Client,
    config: Arc<GateConfig>,
}

impl Cluster {
    /// The cluster that this process is in, or that its kubeconfig names.
    ///
    /// # Errors
    /// There is none.
    pub async fn find(config: Arc<GateConfig>) -> Result<Self, Refused> {
        // Another part may have chosen already: then that holds.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = kube::Client::try_default().await.map_err(|e| Refused::of(&e))?;
        Ok(Self { client, config })
    }

    /// The client, for others who ask.
    #[must_use]
    pub fn client(&self) -> kube::Client {
        self.client.clone()
    }

    fn api(&self, kind: &str, plural: &str) -> Api<DynamicObject> {
        let resource =
            ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("chaos-mesh.org", "v1alpha1", kind), plural);
        Api::namespaced_with(self.client.clone(), &self.config.namespace, &resource)
    }

    /// One look at everything.
    ///
    /// # Errors
    /// Why there is none. Half a look is none.
    pub async fn look(&self) -> Result<Seen, Refused> {
        within(async {
            // What is made later is looked at first: a fault that is gone has a node that is over, and a node that was cut
            // has a Workflow that was aborted.
            let of_workflow = if self.config.scheduled {
                ListParams::default().labels(OF_WORKFLOW)
            } else {
                ListParams::default().labels(&format!("{OF_WORKFLOW}={}", self.config.name))
            };
            // One after the other: a plan has few kinds, and a busy API server should not get them in a burst.
            let mut seen = Seen::default();
            for resource in &self.config.resources {
                let list = self.api(self.kind(resource), resource).list(&of_workflow).await?;
                seen.faults.extend(list.items.iter().filter_map(|o| Fault::read(&json(o), resource)));
            }
            let nodes = self.api("WorkflowNode", "workflownodes").list(&of_workflow).await?;
            seen.nodes = nodes.items.iter().map(|o| Node::read(&json(o))).collect();
            let workflows = self.api("Workflow", "workflows").list(&self.of_plan()).await?;
            seen.workflows = workflows.items.iter().filter_map(|o| Workflow::read(&json(o), &self.config)).collect();
            Ok(seen)
        })
        .await
    }

    /// Only the Workflows: enough where none is under way.
    ///
    /// # Errors
    /// Why there are none.
    pub async fn glance(&self) -> Result<Vec<Workflow>, Refused> {
        within(async {
            let workflows = self.api("Workflow", "workflows").list(&self.of_plan()).await?;
            Ok(workflows.items.iter().filter_map(|o| Workflow::read(&json(o), &self.config)).collect())
        })
        .await
    }

    fn of_plan(&self) -> ListParams {
        if self.config.scheduled {
            ListParams::default().labels(&format!("{OF_SCHEDULE}={}", self.config.name))
        } else {
            ListParams::default().fields(&format!("metadata.name={}", self.config.name))
        }
    }

    fn kind<'a>(&'a self, resource: &'a str) -> &'a str {
        self.config.steps.iter().find(|s| s.resource == resource).map_or(resource, |s| s.kind.as_str())
    }

    /// Writes annotations of a Workflow.
    ///
    /// # Errors
    /// It changed meanwhile, or may not be written.
    pub async fn write_workflow(&self, name: &str, patch: &Json) -> Result<(), Refused> {
        within(async { self.api("Workflow", "workflows").patch(name, &who(), &Patch::Merge(patch)).await.map(drop) })
            .await
    }

    /// Writes a Workflow's status.
    ///
    /// # Errors
    /// It changed meanwhile, or may not be written.
    pub async fn write_status(&self, name: &str, patch: &Json) -> Result<(), Refused> {
        within(async {
            self.api("Workflow", "workflows").patch_status(name, &who(), &Patch::Merge(patch)).await.map(drop)
        })
        .await
    }

    /// Takes a fault away at once, past the controllers of Workflows.
    ///
    /// # Errors
    /// It may not be written.
    pub async fn pause(&self, fault: &Fault) -> Result<(), Refused> {
        let patch = json!({ "metadata": { "annotations": { PAUSE: "true" } } });
        within(async {
            let api = self.api(self.kind(&fault.resource), &fault.resource);
            match api.patch(&fault.name, &who(), &Patch::Merge(&patch)).await {
                Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
                other => other.map(drop),
            }
        })
        .await
    }

    /// Says a verdict where `kubectl describe` and `kubectl get events` show it. Of two replicas one says it.
    ///
    /// # Errors
    /// It may not be written.
    pub async fn tell(&self, workflow: &Workflow, verdict: Verdict, reason: &str) -> Result<(), Refused> {
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("", "v1", "Event"), "events");
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.config.namespace, &resource);
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let event = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": { "name": format!("{}.{}.{verdict}", workflow.name, workflow.uid), "namespace": self.config.namespace },
            "involvedObject": {
                "apiVersion": "chaos-mesh.org/v1alpha1", "kind": "Workflow",
                "name": workflow.name, "namespace": self.config.namespace, "uid": workflow.uid,
            },
            "type": if verdict == Verdict::Confirmed { "Normal" } else { "Warning" },
            "reason": "Verdict", "message": format!("{verdict}: {reason}"), "count": 1,
            "firstTimestamp": now, "lastTimestamp": now, "source": { "component": WHO },
        });
        let event: DynamicObject = serde_json::from_value(event).map_err(|e| Refused::new(e.to_string()))?;
        match within(async { api.create(&PostParams::default(), &event).await.map(drop) }).await {
            // It is there already.
            Err(refused) if refused.is_conflict => Ok(()),
            other => other,
        }
    }
}

async fn within<T>(work: impl Future<Output = Result<T, kube::Error>>) -> Result<T, Refused> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(|e| Refused::of(&e)),
        Err(_) => Err(Refused::new(format!("the API server gives no answer within {} s", PATIENCE.as_secs()))),
    }
}

/// What the API server says; or why nobody asked it, or it said nothing.
fn plain(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("{} ({})", status.message, status.code),
        kube::Error::Service(_) | kube::Error::HyperError(_) => format!("no answer: {}", cause(error)),
        // Where it looked for a way, and what it found in each place.
        _ => error.to_string(),
    }
}

fn json(object: &DynamicObject) -> Json {
    // What came as JSON goes as JSON.
    serde_json::to_value(object).unwrap_or_default()
}

fn who() -> PatchParams {
    PatchParams { field_manager: Some(WHO.to_owned()), ..PatchParams::default() }
}
