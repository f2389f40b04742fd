//! Each way in which a judged run ends.

use super::super::runs::{SOON, condition};
use super::rig::{Rig, alone, parts};
use crate::control_plane::until;

/// One fault that lasts long enough to be looked at.
const DELAY: &str = "network.delay(one of app.pods, latency: 100ms) for 8s";

#[test]
fn a_run_in_which_metrics_hold_is_confirmed() {
    let Some(parts) = parts("a_run_in_which_metrics_hold_is_confirmed") else { return };
    let cluster = parts.0;
    cluster.run(async {
        let _alone = alone().await;
        let rig = Rig::new(parts, "judged-well", DELAY, "").await;
        let gate = rig.gate().await;
        assert_eq!(rig.check("baseline").await, Some(503), "there is no run");
        rig.apply().await;
        rig.injected().await;
        let (verdict, reason) = rig.verdict().await;
        assert_eq!(verdict, "confirmed", "{reason}\n{}", gate.log());
        assert_eq!(rig.faults().await, 0);
        assert_eq!(rig.annotation("perturb.dev/stage").await.as_deref(), Some("recovered"));
        // The other three places: the status, an event, the gate's own page.
        until("the status says so", SOON, async || condition(&rig.workflow().await?.data, "Verdict").then_some(()))
            .await;
        let events = cluster.api("v1", "Event", "judged-well-chaos").await.unwrap();
        until("an event says so", SOON, async || {
            let all = events.list(&kube::api::ListParams::default()).await.ok()?.items;
            all.iter().any(|e| e.data["reason"] == "Verdict" && e.data["type"] == "Normal").then_some(())
        })
        .await;
        let (_, page) = rig.get("/verdict").await.unwrap();
        let page: serde_json::Value = serde_json::from_str(&page).unwrap();
        assert_eq!(page["verdict"], "confirmed", "{page}");
        // And the Workflow comes to its end without an abort.
        until("the Workflow is accomplished", SOON, async || {
            condition(&rig.workflow().await?.data, "Accomplished").then_some(())
        })
        .await;
        assert_eq!(rig.annotation("workflow.chaos-mesh.org/abort").await, None);
        let nodes = rig.chaos("WorkflowNode").await;
        let recovered = nodes.iter().find(|n| n.data["spec"]["templateName"] == "recovered").expect("a last check");
        assert!(condition(&recovered.data, "Accomplished") && !condition(&recovered.data, "Aborted"));
        assert_eq!(rig.verdict().await.0, "confirmed");
        rig.clean().await;
    });
}
