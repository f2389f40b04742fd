//! A method as a Workflow: one node after the other, each fault really gone before the next; what a gate that says no
//! does; and that nothing is left.

use std::time::Duration;

use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::gate::faults;
use super::runs::{Place, SOON};
use crate::control_plane::{cluster, until};

/// Long enough for a step that may begin to begin.
const A_WHILE: Duration = Duration::from_secs(4);

#[test]
fn a_workflow_runs_its_nodes_in_order_and_waits_for_recovery() {
    let Some(cluster) = cluster("a_workflow_runs_its_nodes_in_order_and_waits_for_recovery") else { return };
    cluster.run(async {
        let place = Place::new(cluster, "in-order").await;
        let method = "network.delay(one of app.pods, latency: 100ms) for 2s\nwait 1s\npod.kill(one of app.pods)";
        let workflow = place.compile(method, "");
        let before = place.pods().await;
        place.gate.close("clear/1");
        cluster.apply(&workflow).await.expect("the Workflow");
        until("the first fault is there", SOON, async || {
            (!faults(cluster, &place.namespace).await.is_empty()).then_some(())
        })
        .await;
        until("the gate is asked whether it is gone", SOON, async || (place.gate.times("clear/1") > 1).then_some(()))
            .await;
        until("it is gone", SOON, async || faults(cluster, &place.namespace).await.is_empty().then_some(())).await;
        // The fault is gone, and yet the next step does not begin before the gate says so.
        tokio::time::sleep(A_WHILE).await;
        assert_eq!(place.pods().await, before);
        assert!(!place.nodes().await.iter().any(|n| n.template.starts_with("step-2")), "{:?}", place.nodes().await);
        place.gate.reopen("clear/1");
        let nodes = place.accomplished().await;
        let at = |name: &str| {
            nodes.iter().position(|n| n.template.starts_with(name)).unwrap_or_else(|| panic!("{name}: {nodes:?}"))
        };
        let order =
            ["baseline", "armed", "step-1-network-delay", "clear-1", "step-2-wait", "step-3-pod-kill", "recovered"];
        let times: Vec<&str> = order.iter().map(|name| nodes[at(name)].began.as_str()).collect();
        assert!(times.is_sorted(), "{order:?} began at {times:?}");
        assert!(nodes.iter().all(|n| !n.aborted), "{nodes:?}");
        let mut asked = place.gate.asked();
        asked.retain(|what| what != "guards");
        assert_eq!(asked, ["baseline", "armed", "clear/1", "recovered"]);
        assert_ne!(place.pods().await, before, "the last step killed a pod");
        place.leaves_nothing(&workflow).await;
    });
}

#[test]
fn a_baseline_that_fails_keeps_the_fault_out() {
    let Some(cluster) = cluster("a_baseline_that_fails_keeps_the_fault_out") else { return };
    cluster.run(async {
        let place = Place::new(cluster, "no-baseline").await;
        let before = place.pods().await;
        let workflow = place.compile("pod.kill(all of app.pods)", "");
        place.gate.close("baseline");
        place.gate.close("armed");
        cluster.apply(&workflow).await.expect("the Workflow");
        until("the baseline was asked for", SOON, async || (place.gate.times("baseline") > 2).then_some(())).await;
        // The gate knows enough and aborts, as `perturb gate` does.
        let api = cluster.api("chaos-mesh.org/v1alpha1", "Workflow", &place.namespace).await.unwrap();
        let abort = json!({ "metadata": { "annotations": { "workflow.chaos-mesh.org/abort": "true" } } });
        let name = workflow["metadata"]["name"].as_str().unwrap();
        api.patch(name, &PatchParams::default(), &Patch::Merge(&abort)).await.expect("an annotation");
        let nodes = place.accomplished().await;
        tokio::time::sleep(A_WHILE).await;
        assert!(!nodes.iter().any(|n| n.template.starts_with("step-")), "{nodes:?}");
        assert_eq!(place.pods().await, before, "nothing was injected");
        place.leaves_nothing(&workflow).await;
    });
}

#[test]
fn guards_that_fail_abort_and_everything_is_recovered() {
    let Some(cluster) = cluster("guards_that_fail_abort_and_everything_is_recovered") else { return };
    cluster.run(async {
        let place = Place::new(cluster, "guarded").await;
        let method = "with pod.fail(one of app.pods) {\nnetwork.loss(all of app.pods, loss: 10%) for 10m\n}";
        let workflow = place.compile(method, "");
        cluster.apply(&workflow).await.expect("the Workflow");
        until("both faults are there", SOON, async || {
            let failed = place.pods().await.iter().any(|(_, _, ready)| !ready);
            (failed && faults(cluster, &place.namespace).await.len() == 2).then_some(())
        })
        .await;
        place.gate.close("guards");
        let nodes = place.accomplished().await;
        assert!(nodes.iter().any(|n| n.aborted), "{nodes:?}");
        until("no fault is left", SOON, async || faults(cluster, &place.namespace).await.is_empty().then_some(()))
            .await;
        place.all_ready().await;
        place.leaves_nothing(&workflow).await;
    });
}
