//! A gate that is absent, dies, hangs or cannot see: no fault stays, and nothing is a pass.

use std::time::Duration;

use super::super::runs::{SOON, condition};
use super::rig::{DELAY, Rig, get, parts, turn};
use crate::control_plane::until;

/// Long enough that it does not end by itself while a test looks.
const LONG: &str = "network.delay(one of app.pods, latency: 100ms) for 10m";

#[test]
fn without_a_gate_nothing_begins() {
    let Some(parts) = parts("without_a_gate_nothing_begins") else { return };
    parts.0.run(async {
        let rig = Rig::new(parts, "gate-absent", DELAY, "").await;
        rig.apply().await;
        until("the baseline's time is over", SOON, async || {
            condition(&rig.workflow().await?.data, "Accomplished").then_some(())
        })
        .await;
        assert!(!rig.has_stepped().await && rig.faults().await == 0);
        assert_eq!(rig.annotation("perturb.dev/verdict").await, None);
        // Who comes too late says what it sees.
        let _gate = rig.gate().await;
        let (verdict, reason) = rig.verdict().await;
        assert_eq!(verdict, "not-run", "{reason}");
        rig.clean().await;
    });
}

#[test]
fn a_gate_that_dies_takes_the_fault_with_it() {
    let Some(parts) = parts("a_gate_that_dies_takes_the_fault_with_it") else { return };
    parts.0.run(async {
        let _turn = turn().await;
        let rig = Rig::new(parts, "gate-killed", LONG, "").await;
        let mut gate = rig.gate().await;
        rig.apply().await;
        rig.injected().await;
        gate.kill();
        rig.nothing_left().await;
        assert_eq!(rig.annotation("perturb.dev/verdict").await, None);
        let _again = rig.gate().await;
        let (verdict, reason) = rig.verdict().await;
        assert_eq!(verdict, "aborted", "{reason}");
        rig.clean().await;
    });
}

#[test]
fn a_gate_that_hangs_takes_the_fault_with_it() {
    let Some(parts) = parts("a_gate_that_hangs_takes_the_fault_with_it") else { return };
    parts.0.run(async {
        let _turn = turn().await;
        let rig = Rig::new(parts, "gate-hangs", LONG, "").await;
        let gate = rig.gate().await;
        rig.apply().await;
        rig.injected().await;
        gate.signal("STOP");
        rig.nothing_left().await;
        assert_eq!(rig.annotation("perturb.dev/verdict").await, None);
        gate.signal("CONT");
        let (verdict, reason) = rig.verdict().await;
        assert_eq!(verdict, "aborted", "{reason}");
        rig.clean().await;
    });
}

#[test]
fn a_gate_that_is_started_again_in_mid_run_does_not_confirm() {
    let Some(parts) = parts("a_gate_that_is_started_again_in_mid_run_does_not_confirm") else { return };
    parts.0.run(async {
        let _turn = turn().await;
        let rig = Rig::new(parts, "gate-again", DELAY, "").await;
        let mut gate = rig.gate().await;
        rig.apply().await;
        rig.injected().await;
        gate.kill();
        let again = rig.gate().await;
        let (verdict, reason) = rig.verdict().await;
        assert_eq!(verdict, "inconclusive", "{reason}\n{}", again.log());
        assert!(reason.contains("under way"), "{reason}");
        assert_eq!(rig.annotation("workflow.chaos-mesh.org/abort").await, None, "a short outage ends nothing");
        rig.clean().await;
    });
}

#[test]
fn of_two_replicas_the_worse_verdict_counts() {
    let Some(parts) = parts("of_two_replicas_the_worse_verdict_counts") else { return };
    parts.0.run(async {
        let _turn = turn().await;
        let rig = Rig::new(parts, "gate-two", DELAY, "").await;
        let (one, mut two) = (rig.gate_named("one").await, rig.gate_named("two").await);
        rig.door.lead_to(vec![one.port, two.port]);
        rig.apply().await;
        let (verdict, reason) = rig.verdict().await;
        assert_eq!(verdict, "confirmed", "{reason}\n{}\n{}", one.log(), two.log());
        let annotations = rig.workflow().await.unwrap().metadata.annotations.unwrap();
        let said: Vec<_> = annotations.iter().filter(|(k, _)| k.starts_with("perturb.dev/gate-")).collect();
        assert!(said.len() == 2 && said.iter().all(|(_, v)| *v == "confirmed"), "{said:?}");
        rig.clean().await;
        // One of them is not there when the first fault begins.
        rig.apply().await;
        rig.injected().await;
        two.kill();
        rig.door.lead_to(vec![one.port]);
        let two = rig.gate_named("two").await;
        rig.door.lead_to(vec![one.port, two.port]);
        let (verdict, reason) = rig.verdict().await;
        assert_eq!(verdict, "inconclusive", "{reason}\n{}\n{}", one.log(), two.log());
        rig.clean().await;
    });
}

#[test]
fn a_gate_that_sees_no_metrics_lets_nothing_pass() {
    let Some(parts) = parts("a_gate_that_sees_no_metrics_lets_nothing_pass") else { return };
    parts.0.run(async {
        let _turn = turn().await;
        let mut rig = Rig::new(parts, "gate-blind", LONG, "").await;
        let _gate = rig.gate().await;
        rig.apply().await;
        rig.injected().await;
        rig.metrics.stop();
        rig.nothing_left().await;
        let (verdict, reason) = rig.verdict().await;
        // That it recovered, nobody saw either.
        assert!(["aborted", "refuted"].contains(&verdict.as_str()), "{verdict}: {reason}");
        assert!(reason.contains("missing"), "{reason}");
        rig.clean().await;
        // And from the start: nothing begins.
        rig.apply().await;
        let (verdict, reason) = rig.verdict().await;
        assert_eq!(verdict, "not-run", "{reason}");
        assert!(!rig.has_stepped().await);
        rig.clean().await;
    });
}

#[test]
fn a_gate_that_cannot_see_the_cluster_lets_nothing_pass() {
    let Some(parts) = parts("a_gate_that_cannot_see_the_cluster_lets_nothing_pass") else { return };
    parts.0.run(async {
        let _turn = turn().await;
        let rig = Rig::new(parts, "gate-cut-off", LONG, "").await;
        let gate = rig.gate().await;
        rig.apply().await;
        rig.injected().await;
        assert_eq!(rig.check("guards").await, Some(204));
        let server = rig.api_server.shut();
        tokio::time::sleep(Duration::from_secs(4)).await;
        for check in ["baseline", "armed", "guards", "recovered", "clear/1"] {
            assert_eq!(rig.check(check).await, Some(503), "{check}");
        }
        // Alive, and nobody should be sent here.
        let at = format!("127.0.0.1:{}", gate.port);
        assert_eq!(get(&at, "/healthz").await.map(|(status, _)| status), Some(200));
        until("it is not ready", SOON, async || {
            get(&at, "/readyz").await.filter(|(status, _)| *status == 503).map(drop)
        })
        .await;
        // Chaos Mesh's own check takes the fault away.
        rig.nothing_left().await;
        rig.api_server.lead_to(server);
        let (verdict, reason) = rig.verdict().await;
        assert_eq!(verdict, "aborted", "{reason}");
        rig.clean().await;
    });
}
