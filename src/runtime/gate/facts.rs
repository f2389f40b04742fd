//! What the plan's streams ask of the Kubernetes API: ready pods, zones, restarts, roll-outs.
//!
//! Comes in: a selector. Goes out: a count, or why there is none. What the selector asks beyond labels is refused here and
//! never guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use kube::api::{Api, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::Value as Json;

use crate::plan::{KubernetesFact, PodSelector};
use crate::runtime::probes::{KubernetesFacts, Missing};
use crate::types::Decimal;

/// Where a node says its zone.
const ZONE: &str = "topology.kubernetes.io/zone";

/// Asks the API server.
pub struct Facts {
    client: kube::Client,
    /// How often the containers of each pod had restarted when they were first looked at.
    restarts: Mutex<BTreeMap<String, u64>>,
}

impl Facts {
    /// For one run: restarts count from its first look.
    #[must_use]
    pub fn new(client: kube::Client) -> Self {
        Self { client, restarts: Mutex::default() }
    }

    async fn list(&self, kind: &str, plural: &str, namespace: &str, how: &ListParams) -> Result<Vec<Json>, Missing> {
        let group = if kind == "Pod" || kind == "Node" { "" } else { "apps" };
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural);
        let api: Api<DynamicObject> = match namespace {
            "" => Api::all_with(self.client.clone(), &resource),
            _ => Api::namespaced_with(self.client.clone(), namespace, &resource),
        };
        let list = api.list(how).await.map_err(|e| Missing(format!("the API server gives no {plural}: {e}")))?;
        Ok(list.items.iter().filter_map(|o| serde_json::to_value(o).ok()).collect())
    }

    async fn pods(&self, of: &PodSelector) -> Result<Vec<Json>, Missing> {
        let is_plain = of.conditions.is_empty()
            && of.annotations.is_empty()
            && of.fields.is_empty()
            && of.phases.is_empty()
            && of.node.is_none()
            && of.nodes.is_none()
            && of.zone.is_none()
            && of.except.is_empty();
        if !is_plain {
            return Err(Missing("only pods by namespace, labels and name can be counted here".to_owned()));
        }
        let labels: Vec<String> = of.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let how = ListParams::default().labels(&labels.join(","));
        let mut pods = Vec::new();
        for namespace in &of.namespaces {
            pods.extend(self.list("Pod", "pods", namespace, &how).await?);
        }
        pods.retain(|pod| {
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            pod["metadata"]["deletionTimestamp"].is_null()
                && (of.names.is_empty() || of.names.iter().any(|n| n == name))
        });
        Ok(pods)
    }

    async fn zones(&self, pods: &[Json]) -> Result<usize, Missing> {
        let nodes = self.list("Node", "nodes", "", &ListParams::default()).await?;
        let zone = |name: &str| {
            let node = nodes.iter().find(|n| n["metadata"]["name"] == name)?;
            node["metadata"]["labels"][ZONE].as_str().map(str::to_owned)
        };
        let mut zones = BTreeSet::new();
        for pod in pods.iter().filter(|p| is_ready(p)) {
            let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
            zones.insert(zone(node).ok_or_else(|| Missing(format!("the node `{node}` does not say its zone")))?);
        }
        Ok(zones.len())
    }

    fn restarted(&self, pods: &[Json]) -> u64 {
        let mut first = self.restarts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = first.is_empty();
        let mut sum = 0;
        for pod in pods {
            let uid = pod["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
            let statuses = pod["status"]["containerStatuses"].as_array().map(Vec::as_slice).unwrap_or_default();
            let now: u64 = statuses.iter().filter_map(|s| s["restartCount"].as_u64()).sum();
            // A pod that came later counts whole.
            let known = *first.entry(uid).or_insert(if is_first { now } else { 0 });
            sum += now.saturating_sub(known);
        }
        sum
    }

    /// Whether every workload that owns one of the pods is as its spec wants it.
    async fn rolled_out(&self, pods: &[Json]) -> Result<bool, Missing> {
        let mut owners: BTreeSet<(String, String, String)> = BTreeSet::new();
        for pod in pods {
            let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
            let (kind, name) = owner(pod).ok_or_else(|| Missing("a pod has no workload".to_owned()))?;
            owners.insert((namespace.to_owned(), kind, name));
        }
        let mut workloads = BTreeSet::new();
        for (namespace, kind, name) in owners {
            if kind != "ReplicaSet" {
                workloads.insert((namespace, kind, name));
                continue;
            }
            let set = self.named("ReplicaSet", &namespace, &name).await?;
            let above = owner(&set).unwrap_or((kind, name));
            workloads.insert((namespace, above.0, above.1));
        }
        for (namespace, kind, name) in workloads {
            let object = self.named(&kind, &namespace, &name).await?;
            if !is_rolled_out(&kind, &object)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn named(&self, kind: &str, namespace: &str, name: &str) -> Result<Json, Missing> {
        let plural = format!("{}s", kind.to_lowercase());
        let how = ListParams::default().fields(&format!("metadata.name={name}"));
        let found = self.list(kind, &plural, namespace, &how).await?.pop();
        found.ok_or_else(|| Missing(format!("there is no {kind} `{name}` any more")))
    }
}

#[async_trait::async_trait]
impl KubernetesFacts for Facts {
    async fn fact(&self, what: KubernetesFact, pods: &PodSelector) -> Result<Decimal, Missing> {
        let pods = self.pods(pods).await?;
        match what {
            KubernetesFact::ReadyPods => Ok(Decimal::from(pods.iter().filter(|p| is_ready(p)).count())),
            KubernetesFact::ReadyZones => Ok(Decimal::from(self.zones(&pods).await?)),
            KubernetesFact::Restarts if pods.is_empty() => Err(Missing("there is no such pod".to_owned())),
            KubernetesFact::Restarts => Ok(Decimal::from(self.restarted(&pods))),
            KubernetesFact::RolledOut if pods.is_empty() => Err(Missing("there is no such pod".to_owned())),
            KubernetesFact::RolledOut => Ok(Decimal::from(u8::from(self.rolled_out(&pods).await?))),
        }
    }
}

fn is_ready(pod: &Json) -> bool {
    let all = pod["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().any(|c| c["type"] == "Ready" && c["status"] == "True")
}

fn owner(object: &Json) -> Option<(String, String)> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    let owner = owners.iter().find(|o| o["controller"] == true)?;
    Some((owner["kind"].as_str()?.to_owned(), owner["name"].as_str()?.to_owned()))
}

fn is_rolled_out(kind: &str, object: &Json) -> Result<bool, Missing> {
    let (status, generation) = (&object["status"], object["metadata"]["generation"].as_i64().unwrap_or(0));
    let count = |field: &str| status[field].as_i64().unwrap_or(0);
    let is_seen = count("observedGeneration") >= generation;
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    Ok(is_seen
        && match kind {
            "Deployment" => {
                count("updatedReplicas") == wanted
                    && count("replicas") == wanted
                    && count("availableReplicas") == wanted
            }
            "StatefulSet" => {
                let is_new = status["updateRevision"] == status["currentRevision"];
                is_new && count("replicas") == wanted && count("readyReplicas") == wanted
            }
            "DaemonSet" => {
                let wanted = count("desiredNumberScheduled");
                count("updatedNumberScheduled") == wanted && count("numberAvailable") == wanted
            }
            "ReplicaSet" => count("replicas") == wanted && count("availableReplicas") == wanted,
            other => return Err(Missing(format!("whether a {other} is rolled out, nobody here knows"))),
        })
}
