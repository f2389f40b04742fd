//! Each way in which a judged run ends while its gate is well.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kube::api::{ListParams, Patch, PatchParams};
use perturb::engine::chaos_mesh::reaction_bound;

use serde_json::json;

use super::super::runs::{SOON, condition};
use super::rig::{DELAY, Rig, parts, turn};
use crate::control_plane::until;

/// Holds where the guard is true.
const LENIENT: &str = "expect fine: good(app) >= 30%";

#[test]
fn a_run_in_which_metrics_hold_is_confirmed() {
    let Some(parts) = parts("a_run_in_which_metrics_hold_is_confirmed") else { return };
    let (cluster, tool) = (parts.0, parts.1.with_file_name("promtool"));
    cluster.run(async {
        let _turn = turn().await;
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
            let all = events.list(&ListParams::default()).await.ok()?.items;
            all.iter().any(|e| e.data["reason"] == "Verdict" && e.data["type"] == "Normal").then_some(())
        })
        .await;
        assert_eq!(rig.page().await["verdict"], "confirmed");
        let (_, metrics) = rig.get("/metrics").await.unwrap();
        assert!(metrics.contains("verdict=\"confirmed\"} 1"), "{metrics}");
        promtool(&tool, &metrics);
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

/// Prometheus' own judgement of a page of metrics. It comes with the server.
fn promtool(tool: &Path, page: &str) {
    let mut child = Command::new(tool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("promtool");
    child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let said = child.wait_with_output().unwrap();
    assert!(said.status.success(), "{}\n{page}", String::from_utf8_lossy(&said.stdout));
}

#[test]
fn every_kind_of_step_is_followed() {
    let Some(parts) = parts("every_kind_of_step_is_followed") else { return };
    parts.0.run(async {
        let _turn = turn().await;
        let method = "wait 1s\n\
            with network.delay(one of app.pods, latency: 100ms) {\n\
              check held: good(app) >= 90% within 5s\n\
              wait 1s\n\
            }\n\
            parallel {\n\
              pod.kill(one of app.pods)\n\
              network.loss(one of app.pods, loss: 10%) for 2s\n\
            }\n\
            check after: good(app) >= 90% within 10s";
        let rig = Rig::new(parts, "judged-steps", method, "").await;
        let gate = rig.gate().await;
        rig.apply().await;
        let (verdict, reason) = rig.verdict().await;
        assert_eq!(verdict, "confirmed", "{reason}\n{}", gate.log());
        assert_eq!(rig.page().await["outcome"]["injected"], 3);
        rig.clean().await;
    });
}

#[test]
fn what_kubernetes_knows_is_asked_with_the_emitted_rights() {
    let Some(parts) = parts("what_kubernetes_knows_is_asked_with_the_emitted_rights") else { return };
    let again = parts.clone();
    let cluster = parts.0;
    cluster.run(async {
        let _turn = turn().await;
        // Nodes that run nothing do not know where they are.
        let nodes = cluster.api("v1", "Node", "").await.unwrap();
        let zone = json!({ "metadata": { "labels": { "topology.kubernetes.io/zone": "a" } } });
        for node in nodes.list(&ListParams::default()).await.unwrap().items {
            let name = node.metadata.name.unwrap();
            nodes.patch(&name, &PatchParams::default(), &Patch::Merge(&zone)).await.expect("a zone");
        }
        let expected = "expect ready: probe.ready-pods(app) >= 3\n\
            expect spread: probe.ready-zones(app) == 1\n\
            expect calm: probe.restarts(app) == 0\n\
            expect rolled: probe.rolled-out(app)";
        let rig = Rig::expecting(parts, "judged-facts", expected, DELAY, "").await;
        let gate = rig.gate().await;
        rig.apply().await;
        let (verdict, reason) = rig.verdict().await;
        assert_eq!(verdict, "confirmed", "{reason}\n{}", gate.log());
        rig.clean().await;
        // A pod that is not there is missed.
        let rig = Rig::expecting(
            again,
            "judged-facts-2",
            "expect ready: probe.ready-pods(app) >= 3",
            "pod.fail(one of app.pods) for 8s",
            "",
        )
        .await;
        let gate = rig.gate().await;
        rig.apply().await;
        let (verdict, reason) = rig.verdict().await;
        assert_eq!(verdict, "refuted", "{reason}\n{}", gate.log());
        rig.clean().await;
    });
}

#[test]
fn a_run_in_which_metrics_do_not_hold_is_refuted() {
    let Some(parts) = parts("a_run_in_which_metrics_do_not_hold_is_refuted") else { return };
    parts.0.run(async {
        let _turn = turn().await;
        let rig = Rig::new(parts, "judged-ill", DELAY, "").await;
        let _gate = rig.gate().await;
        rig.apply().await;
        rig.injected().await;
        rig.metrics.set(Some("0.85"));
        tokio::time::sleep(Duration::from_secs(3)).await;
        rig.metrics.set(Some("0.99"));
        let (verdict, reason) = rig.verdict().await;
        assert_eq!(verdict, "refuted", "{reason}");
        assert!(reason.contains(">= 90%"), "{reason}");
        let workflow = rig.workflow().await.unwrap();
        assert!(!condition(&workflow.data, "Verdict"), "only a pass is true");
        rig.clean().await;
    });
}

#[test]
fn a_check_that_fails_ends_the_run_before_the_next_fault() {
    let Some(parts) = parts("a_check_that_fails_ends_the_run_before_the_next_fault") else { return };
    parts.0.run(async {
        let _turn = turn().await;
        let method = "network.delay(one of app.pods, latency: 100ms) for 3s\n\
            check held: good(app) >= 99.5% within 4s\n\
            pod.kill(all of app.pods)";
        let rig = Rig::new(parts, "judged-check", method, "").await;
        let _gate = rig.gate().await;
        let before = rig.place.pods().await;
        rig.apply().await;
        let (verdict, reason) = rig.verdict().await;
        assert_eq!(verdict, "refuted", "{reason}");
        assert!(reason.contains("99.5%"), "{reason}");
        until("the Workflow is aborted", SOON, async || {
            condition(&rig.workflow().await?.data, "Accomplished").then_some(())
        })
        .await;
        assert_eq!(rig.place.pods().await, before, "the step behind the check never came");
        rig.clean().await;
    });
}

#[test]
fn a_guard_takes_the_fault_away_within_its_bound() {
    let Some(parts) = parts("a_guard_takes_the_fault_away_within_its_bound") else { return };
    parts.0.run(async {
        let _turn = turn().await;
        let long = "network.delay(one of app.pods, latency: 100ms) for 10m";
        let rig = Rig::expecting(parts, "judged-guard", LENIENT, long, "").await;
        let _gate = rig.gate().await;
        rig.apply().await;
        rig.injected().await;
        let broken = Instant::now();
        rig.metrics.set(Some("0.40"));
        rig.nothing_left().await;
        let took = broken.elapsed();
        let bound = reaction_bound(&rig.plan, 0).expect("a guard").total;
        eprintln!("from the breach to the last fault's end: {took:?} of {bound}");
        assert!(took.as_nanos() <= u128::from(bound.as_nanos()), "{took:?} of {bound}");
        rig.metrics.set(Some("0.99"));
        let (verdict, reason) = rig.verdict().await;
        assert_eq!(verdict, "aborted", "{reason}");
        assert!(reason.contains("< 50%"), "{reason}");
        assert_eq!(rig.annotation("workflow.chaos-mesh.org/abort").await.as_deref(), Some("true"));
        assert_eq!(rig.check("guards").await, Some(503), "latched");
        // Who takes the abort away gets it back: the run does not go on.
        rig.annotate("workflow.chaos-mesh.org/abort", None).await;
        until("it is aborted again", SOON, async || {
            rig.annotation("workflow.chaos-mesh.org/abort").await.filter(|v| v == "true").map(drop)
        })
        .await;
        rig.clean().await;
    });
}

#[test]
fn a_baseline_that_does_not_hold_is_not_run() {
    let Some(parts) = parts("a_baseline_that_does_not_hold_is_not_run") else { return };
    parts.0.run(async {
        let _turn = turn().await;
        let rig = Rig::new(parts, "judged-baseline", DELAY, "").await;
        let _gate = rig.gate().await;
        rig.metrics.set(Some("0.80"));
        tokio::time::sleep(Duration::from_secs(1)).await;
        // More than once: what keeps the fault out is a race that must never be lost.
        for round in 0..3 {
            rig.apply().await;
            let (verdict, reason) = rig.verdict().await;
            assert_eq!(verdict, "not-run", "{round}: {reason}");
            until("the Workflow is aborted", SOON, async || {
                condition(&rig.workflow().await?.data, "Accomplished").then_some(())
            })
            .await;
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert!(!rig.has_stepped().await && rig.faults().await == 0, "{round}: a step began");
            rig.clean().await;
        }
    });
}

#[test]
fn a_copied_verdict_is_none() {
    let Some(parts) = parts("a_copied_verdict_is_none") else { return };
    parts.0.run(async {
        let _turn = turn().await;
        let mut rig = Rig::new(parts, "judged-copied", DELAY, "").await;
        rig.metrics.set(Some("0.80"));
        let _gate = rig.gate().await;
        let annotations = rig.object["metadata"]["annotations"].as_object_mut().expect("annotations");
        for (key, value) in [("run", "of-another"), ("verdict", "confirmed"), ("stage", "armed")] {
            annotations.insert(format!("perturb.dev/{key}"), value.into());
        }
        rig.apply().await;
        let verdict = until("its own verdict", SOON, async || {
            rig.annotation("perturb.dev/verdict").await.filter(|v| v != "confirmed")
        })
        .await;
        assert_eq!(verdict, "not-run");
        assert!(!rig.has_stepped().await);
        rig.clean().await;
    });
}

#[test]
fn a_deletion_in_mid_run_leaves_nothing_and_is_no_pass() {
    let Some(parts) = parts("a_deletion_in_mid_run_leaves_nothing_and_is_no_pass") else { return };
    parts.0.run(async {
        let _turn = turn().await;
        let rig = Rig::new(parts, "judged-deleted", "network.delay(one of app.pods, latency: 100ms) for 1m", "").await;
        let _gate = rig.gate().await;
        rig.apply().await;
        rig.injected().await;
        rig.clean().await;
        until("the gate says so", SOON, async || (rig.page().await["verdict"] == "aborted").then_some(())).await;
        // The same name again is another run.
        rig.apply().await;
        let (first, again) = (rig.page().await["run"].clone(), rig.workflow().await.unwrap().metadata.uid.unwrap());
        assert_ne!(first, again.as_str());
        rig.injected().await;
        assert_eq!(rig.page().await["run"], again.as_str());
        rig.clean().await;
    });
}

#[test]
fn a_scheduled_run_is_judged_and_aborts() {
    let Some(parts) = parts("a_scheduled_run_is_judged_and_aborts") else { return };
    parts.0.run(async {
        let _turn = turn().await;
        let verify = "verify often { in: one of test.clusters\nevery \"0 10 * * tue\" in \"UTC\"\nrun tried }";
        let long = "network.delay(one of app.pods, latency: 100ms) for 1m";
        let mut rig = Rig::expecting(parts, "judged-often", LENIENT, long, verify).await;
        // Nobody waits for Tuesday: Chaos Mesh's cron has a field for seconds in front.
        rig.object["spec"]["schedule"] = "CRON_TZ=UTC */5 * * * * *".into();
        let _gate = rig.gate().await;
        rig.apply().await;
        rig.injected().await;
        rig.metrics.set(Some("0.40"));
        let reason = rig.some_verdict("aborted").await;
        assert!(reason.contains("< 50%"), "{reason}");
        rig.nothing_left().await;
        // The next one finds a guard that is true already.
        rig.some_verdict("not-run").await;
        rig.clean().await;
    });
}
