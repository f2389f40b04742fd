//! What the kernel of a node would be asked for each fault of the library with each value of its parameters, as
//! snapshots: two manifests are the same fault if and only if the daemon is asked the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use perturb::engine::EmitOptions;
use perturb::plan::{Body, EngineName};
use serde_json::{Value as Json, json};

use super::runs::condition;
use crate::control_plane::{Cluster, cluster, until};
use crate::emitted;

/// How long an injection or recovery may take.
const SOON: Duration = Duration::from_secs(60);

/// What no daemon on a node does.
pub(crate) fn without_daemon(kind: &str, spec: &Json) -> Option<&'static str> {
    match (kind, spec["action"].as_str().unwrap_or_default()) {
        ("PodChaos", "pod-kill" | "pod-failure") => Some("the API server does it: see pods.rs"),
        ("AWSChaos" | "GCPChaos" | "AzureChaos", _) => Some("a cloud does it"),
        ("PhysicalMachineChaos", _) => Some("a machine outside of the cluster does it"),
        ("BlockChaos", _) => Some("it wants a volume of a node's own disk"),
        _ => None,
    }
}

/// A fault as an object of its own.
struct Asked {
    /// `network.delay with jitter (1)`.
    from: String,
    /// `network.delay`.
    fault: String,
    /// Whether a parameter has another value than its default.
    varied: bool,
    object: Json,
}

/// Every fault that a daemon is asked for, by module.
fn faults() -> BTreeMap<String, Vec<Asked>> {
    let (uses, compiled) = crate::uses::uses();
    let options = EmitOptions { gate_url: Some("http://127.0.0.1:1".into()), gate_image: None };
    let mut modules: BTreeMap<String, Vec<Asked>> = BTreeMap::new();
    let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
    for one in &uses {
        let plan = compiled.plans.iter().find(|p| p.experiment.name == one.experiment).and_then(|p| p.plan.as_ref());
        let plan = plan.unwrap_or_else(|| panic!("`{}` has no plan", one.experiment));
        if !matches!(plan.faults[0].bodies.get(&EngineName::ChaosMesh), Some(Body::Expressed(_))) {
            continue;
        }
        let varied = one.varied.as_deref().unwrap_or("its defaults");
        let from = format!("{} with {varied}", one.fault);
        let number = numbers.entry(from.clone()).or_default();
        *number += 1;
        // Stable, whatever faults are added: names stand in what the daemon is asked.
        let name = format!("{}-{number}", from.replace([' ', '.'], "-"));
        for document in emitted::emit(plan, EngineName::ChaosMesh, &options, &from) {
            for template in document.json["spec"]["templates"].as_array().into_iter().flatten() {
                let kind = template["templateType"].as_str().unwrap_or_default();
                let embedded = template.as_object().and_then(|t| t.iter().find(|(key, _)| key.ends_with("Chaos")));
                let Some((_, spec)) = embedded else { continue };
                if without_daemon(kind, spec).is_some() {
                    continue;
                }
                let mut spec = spec.clone();
                // A name would be looked up outside of this machine.
                for host in spec.get_mut("externalTargets").and_then(Json::as_array_mut).into_iter().flatten() {
                    *host = "192.0.2.7".into();
                }
                let object = json!({
                    "apiVersion": "chaos-mesh.org/v1alpha1", "kind": kind,
                    "metadata": { "name": name, "namespace": NAMESPACE, "annotations": { "perturb.dev/plan": "x" } },
                    "spec": spec,
                });
                let module = one.fault.split('.').next().unwrap_or_default().to_owned();
                modules.entry(module).or_default().push(Asked {
                    from: format!("{from} ({number})"),
                    fault: one.fault.clone(),
                    varied: one.varied.is_some(),
                    object,
                });
            }
        }
    }
    modules
}

/// The namespace of the library's uses (`tests/support/uses.rs`).
const NAMESPACE: &str = "shop";

/// The pods of the library's uses: one that is hit and one that is its peer, so that draws have one outcome.
async fn pods(cluster: &Cluster) {
    cluster.namespace(NAMESPACE).await;
    let container = |name: &str| json!({ "name": name, "image": "registry.invalid/app:1" });
    for app in ["target", "other"] {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": app, "namespace": NAMESPACE, "labels": { "app": app } },
            "spec": { "containers": [container("app"), container("sidecar")] },
        });
        cluster.apply(&pod).await.expect("a pod");
    }
    // Chaos Mesh's name server: the stand-in answers for it on the daemon's port.
    let labels = json!({ "app": "chaos-dns" });
    let server = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "chaos-dns", "namespace": "chaos-mesh", "labels": labels },
        "spec": { "containers": [container("dns")] },
    });
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "chaos-dns", "namespace": "chaos-mesh" },
        "spec": { "selector": labels, "ports": [{ "port": 53, "protocol": "UDP" }] },
    });
    cluster.apply(&server).await.expect("a pod");
    cluster.apply(&service).await.expect("a service");
    let api = cluster.api("v1", "Pod", "chaos-mesh").await.unwrap();
    until("the name server runs", SOON, async || {
        let pod = api.get("chaos-dns").await.ok()?;
        (pod.data["status"]["phase"] == "Running").then_some(())
    })
    .await;
    let here = json!({ "status": { "podIP": "127.0.0.1", "podIPs": [{ "ip": "127.0.0.1" }] } });
    api.patch_status("chaos-dns", &kube::api::PatchParams::default(), &kube::api::Patch::Merge(&here))
        .await
        .expect("its address");
    for app in ["target", "other"] {
        let api = cluster.api("v1", "Pod", NAMESPACE).await.unwrap();
        until("the pods are ready", SOON, async || condition(&api.get(app).await.ok()?.data, "Ready").then_some(()))
            .await;
    }
}

/// What is different in each run, by what stands for it: the pods' identities and addresses.
async fn identities(cluster: &Cluster) -> Vec<(String, String)> {
    let api = cluster.api("v1", "Pod", NAMESPACE).await.unwrap();
    let mut names = Vec::new();
    for app in ["target", "other"] {
        let pod = api.get(app).await.expect("a pod");
        names.push((pod.metadata.uid.expect("an identity"), app.to_owned()));
        names.push((pod.data["status"]["podIP"].as_str().expect("an address").to_owned(), format!("address of {app}")));
    }
    let service = cluster.api("v1", "Service", "chaos-mesh").await.unwrap().get("chaos-dns").await.expect("a service");
    let address = service.data["spec"]["clusterIP"].as_str().expect("an address");
    names.push((address.to_owned(), "name server".to_owned()));
    // Longer ones first: an address may be the beginning of another.
    names.sort_by_key(|(what, _)| std::cmp::Reverse(what.len()));
    names
}

/// What was asked since `seen` bytes of the record about these pods: of each method and container the last, as the
/// controllers may ask the same again.
fn calls(cluster: &Cluster, seen: usize, names: &[(String, String)]) -> (usize, BTreeMap<String, String>) {
    let text = std::fs::read_to_string(&cluster.calls).unwrap_or_default();
    let whole = text.rfind('\n').map_or(0, |at| at + 1);
    let mut found = BTreeMap::new();
    for line in text[seen.min(whole)..whole].lines() {
        let mut call: Json = serde_json::from_str(line).expect("a line is JSON");
        let method = call["method"].as_str().expect("a method").to_owned();
        let mut request = call["request"].take();
        let about = request.to_string();
        // These name no container; nothing else in this cluster leads to them.
        let nameless = method.contains("DNS") || method == "CancelStressors";
        if !nameless && !names.iter().any(|(what, _)| about.contains(what.as_str())) {
            continue;
        }
        if let Some(fields) = request.as_object_mut() {
            // The same in every call.
            fields.remove("enterNS");
            fields.remove("podUid");
        }
        let key = format!("{method} {}", request["containerId"]);
        let mut request = request.to_string();
        for (what, name) in names {
            request = request.replace(what.as_str(), &format!("<{name}>"));
        }
        found.insert(key, format!("{method} {}", request.replace("containerd://", "")));
    }
    (whole, found)
}

/// Injects and recovers one fault, and tells what the daemon was asked; gives what it was asked at the injection, without
/// what is named after the fault.
async fn tell(cluster: &Cluster, asked: &Asked, names: &[(String, String)], text: &mut String) -> String {
    let (before, _) = calls(cluster, usize::MAX, names);
    let api = cluster.api("chaos-mesh.org/v1alpha1", asked.object["kind"].as_str().unwrap(), NAMESPACE).await.unwrap();
    let name = asked.object["metadata"]["name"].as_str().unwrap();
    let applied = cluster.apply(&asked.object).await.unwrap_or_else(|e| panic!("{}: {e}", asked.from));
    let mut names = names.to_vec();
    names.insert(0, (applied.metadata.uid.expect("an identity"), "fault".to_owned()));
    let names = names.as_slice();
    let began = std::time::Instant::now();
    loop {
        let object = api.get(name).await.expect("it was applied");
        if condition(&object.data, "AllInjected") && condition(&object.data, "Selected") {
            break;
        }
        assert!(began.elapsed() < SOON, "{}: not injected: {}", asked.from, object.data["status"]);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let (between, injected) = calls(cluster, before, names);
    cluster.delete(&asked.object).await;
    let (_, recovered) = calls(cluster, between, names);
    let sets = regex::Regex::new("netwo_[0-9a-f]+").expect("a pattern");
    let meant: Vec<String> =
        injected.values().map(|call| sets.replace_all(&call.replace(name, "<fault>"), "<set>").into_owned()).collect();
    let _ = writeln!(text, "{}", asked.from);
    for (what, calls) in [("injected", injected), ("recovered", recovered)] {
        let _ = writeln!(text, "  {what}");
        let calls: BTreeSet<&String> = calls.values().collect();
        for call in calls {
            let _ = writeln!(text, "    {call}");
        }
    }
    meant.join("\n")
}

#[test]
fn the_daemon_is_asked_for_what_the_fault_says() {
    let Some(cluster) = cluster("the_daemon_is_asked_for_what_the_fault_says") else { return };
    let modules = faults();
    assert!(modules.values().map(Vec::len).sum::<usize>() > 50, "only {:?}", modules.keys());
    let (mut told, mut without_effect) = (Vec::new(), Vec::new());
    cluster.run(async {
        pods(cluster).await;
        let names = identities(cluster).await;
        for (module, faults) in &modules {
            let mut text = String::new();
            let mut by_default = BTreeMap::new();
            for asked in faults {
                let meant = tell(cluster, asked, &names, &mut text).await;
                // A use that cannot do without a parameter has it by default, too: then both are one manifest.
                let spec = &asked.object["spec"];
                match by_default.get(asked.fault.as_str()) {
                    Some((other, then)) if asked.varied && *other != spec && *then == meant => {
                        without_effect.push(asked.from.as_str());
                    }
                    Some(_) => {}
                    None => drop(by_default.insert(asked.fault.as_str(), (spec, meant))),
                }
            }
            told.push((module.clone(), text));
        }
    });
    for (module, text) in told {
        insta::assert_snapshot!(format!("daemon_{module}"), text);
    }
    assert!(without_effect.is_empty(), "the daemon is asked the same as by default: {without_effect:#?}");
}
