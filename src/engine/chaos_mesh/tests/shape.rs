//! Whole documents as snapshots, and how each form of the method becomes templates.

use super::*;
use crate::engine::chaos_mesh::{HealthFor, health};
use crate::plan::Schedule;

fn inject(fault: u32, lasts: Option<&str>) -> StepKind {
    StepKind::Inject { fault, lasts: lasts.map(seconds) }
}

fn steps(kinds: Vec<StepKind>) -> Vec<crate::plan::Step> {
    kinds.into_iter().map(|k| step(k, at(70))).collect()
}

fn check(name: &str) -> StepKind {
    StepKind::Check {
        name: name.into(),
        condition: crate::plan::Condition::Holds(2),
        text: "probe.alert-firing(\"LedgerSlow\")".into(),
        within: None,
    }
}

/// The documents without what changes with every field that a plan gains.
fn shown(plan: &Plan, text: &str) -> String {
    text.replace(&plan.digest, "sha256:DIGEST")
        .replace(plan.short_digest(), "DIGEST")
        .replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[test]
fn the_tour_as_a_workflow() {
    insta::assert_snapshot!(shown(&tour(), run(&tour()).yaml_of("Workflow")));
}

#[test]
fn the_tours_gate() {
    let emitted = run(&tour());
    let mut all = String::new();
    for (text, json) in emitted.yaml.iter().zip(&emitted.json) {
        if !["ConfigMap", "Workflow"].contains(&json["kind"].as_str().unwrap()) {
            all.push_str(text);
            all.push_str("---\n");
        }
    }
    insta::assert_snapshot!(shown(&tour(), &all));
}

#[test]
fn a_fault_that_nobody_judges() {
    let plan = lone(crate::plan::sample::network_delay(0, "300ms", at(16)), Some("1m30s"));
    let emitted = run(&plan);
    assert_eq!(emitted.json.len(), 1);
    insta::assert_snapshot!(shown(&plan, &emitted.yaml[0]));
}

#[test]
fn a_verify_as_a_schedule() {
    let mut plan = with_method(vec![inject(1, None)]);
    plan.schedule = Some(Schedule {
        verify: "weekly-replica-loss".into(),
        cron: "0 10 * * tue".into(),
        zone: "Asia/Jakarta".into(),
        fresh_for: None,
        among_others: false,
        drawn: None,
        span: at(60),
    });
    let plan = resealed(plan);
    insta::assert_snapshot!(shown(&plan, &run_with(&plan, &foreign_gate()).yaml[0]));
}

#[test]
fn health_checks() {
    let arena = Arena::new();
    let mut text = String::new();
    yaml::write(&health(HealthFor::ArgoCd { namespace: "argocd" }, &arena), &mut text);
    text.push_str("---\n");
    yaml::write(&health(HealthFor::Flux { name: "chaos-plans", namespace: "flux-system" }, &arena), &mut text);
    insta::assert_snapshot!(text);
}

#[test]
fn parallel_sequence_round_and_wait_are_mirrored() {
    let plan = with_method(vec![
        StepKind::Note { who: None, text: "both at once".into(), within: None },
        StepKind::Parallel(steps(vec![
            inject(0, Some("1m")),
            StepKind::Sequence(steps(vec![StepKind::Wait(seconds("500ms")), inject(1, None)])),
        ])),
        StepKind::Round { title: "share = 5%".into(), number: 1, of: 2, steps: steps(vec![inject(2, Some("10s"))]) },
        check("replaced"),
    ]);
    let emitted = run(&plan);
    assert_eq!(emitted.codes(), [""; 0]);
    let children = |name: &str| emitted.template(name)["children"].clone();
    assert_eq!(
        children("method"),
        serde_json::json!(["armed", "step-2-parallel", "step-7-round-1", "step-9-check-replaced"])
    );
    assert_eq!(children("step-2-parallel"), serde_json::json!(["step-3-branch", "step-4-sequence"]));
    assert_eq!(children("step-3-branch"), serde_json::json!(["step-3-network-delay", "clear-3"]));
    assert_eq!(children("step-4-sequence"), serde_json::json!(["step-5-wait", "step-6-pod-kill"]));
    assert_eq!(children("step-7-round-1"), serde_json::json!(["step-8-network-delay", "clear-8"]));
    assert_eq!(emitted.template("step-5-wait")["deadline"], "1s");
    let url = emitted.template("step-9-check-replaced")["statusCheck"]["http"]["url"].as_str().unwrap();
    assert!(url.ends_with("/check/replaced"), "{url}");
    let notes = &emitted.only("Workflow")["metadata"]["annotations"];
    assert_eq!(notes["perturb.dev/note-1"], "both at once");
}

#[test]
fn every_child_is_a_template_and_every_template_has_one_parent() {
    let emitted = run(&tour());
    let names: Vec<_> = emitted.templates().iter().map(|t| t["name"].as_str().unwrap()).collect();
    let mut children: Vec<_> = emitted
        .templates()
        .iter()
        .filter_map(|t| t["children"].as_array())
        .flatten()
        .map(|c| c.as_str().unwrap())
        .chain(["entry"])
        .collect();
    children.sort_unstable();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(children, sorted);
}

#[test]
fn a_with_of_fixed_length_is_exact_and_one_with_a_check_is_not() {
    let fixed = with_method(vec![StepKind::With { fault: 0, steps: steps(vec![StepKind::Wait(seconds("3m"))]) }]);
    let emitted = run(&fixed);
    assert_eq!(emitted.template("step-1-network-delay")["deadline"], "183s");
    assert!(emitted.approximate().is_empty(), "{:?}", emitted.report.approximations);

    let early = with_method(vec![StepKind::With { fault: 0, steps: steps(vec![check("seen")]) }]);
    let approximations = run(&early).report.approximations;
    assert_eq!(approximations[0].what, "time");
    assert!(approximations[0].text.contains("up to 10s"), "{}", approximations[0].text);
}

#[test]
fn a_wait_of_a_fraction_is_said_to_become_longer() {
    let waits = |text: &str| with_method(vec![inject(1, None), StepKind::Wait(seconds(text)), inject(1, None)]);
    let said = |text: &str| {
        let approximations = run(&waits(text)).report.approximations;
        approximations.into_iter().any(|a| a.what == "time" && a.text.contains("this wait lasts 1s500ms"))
    };
    assert!(said("1500ms"));
    assert!(!said("2s"));
}

#[test]
fn an_instant_fault_takes_time_only_before_something_else() {
    assert!(run(&with_method(vec![inject(1, None)])).approximate().is_empty());
    let emitted = run(&with_method(vec![inject(1, None), check("replaced")]));
    assert_eq!(emitted.approximate(), ["time"]);
    assert_eq!(emitted.template("step-1-pod-kill")["deadline"], "10s");
    assert!(emitted.templates().iter().all(|t| t["name"] != "clear-1"), "nothing is there to undo");
}

#[test]
fn people_are_asked_by_perturb_run() {
    let plan = with_method(vec![
        StepKind::Ask { who: "platform".into(), question: "go on?".into(), within: seconds("5m") },
        StepKind::Note { who: Some("platform".into()), text: "what do you see?".into(), within: None },
    ]);
    let emitted = run(&plan);
    assert_eq!((emitted.codes(), emitted.json.len()), (vec!["P0604".to_owned(); 2], 0));
}

#[test]
fn a_fault_without_a_body_names_the_engines_that_can() {
    let mut plan = tour();
    plan.faults[1].bodies.remove(&EngineName::ChaosMesh);
    plan.faults[2].bodies.insert(
        EngineName::ChaosMesh,
        Body::Refused { construct: "signal: term".into(), reason: "it cannot choose a signal".into() },
    );
    let emitted = run(&resealed(plan));
    assert_eq!((emitted.codes(), emitted.json.len()), (vec!["P0601".to_owned(); 2], 0));
    let first = &emitted.report.diagnostics[0];
    assert!(first.help.as_deref().unwrap().contains("litmus"), "{first:?}");
    assert_eq!(emitted.report.diagnostics[1].message, "Chaos Mesh cannot express `signal: term` of `network.delay`");
}

#[test]
fn a_cluster_without_chaos_mesh() {
    let mut plan = tour();
    plan.place.cluster.engines = vec![EngineName::Litmus];
    assert_eq!(run(&resealed(plan)).codes(), ["P0610"]);
}

#[test]
fn hours_and_approvals_are_never_lost_with_a_bare_object() {
    let mut plan = lone(crate::plan::sample::pod_kill(1, at(18)), None);
    plan.approvals = vec![crate::plan::Approval { team: "platform".into(), policy: None, span: at(61) }];
    let emitted = run(&resealed(plan));
    assert_eq!(emitted.all("Workflow").count(), 1);
    let unwatched: Vec<&str> = emitted.report.unwatched.iter().map(|u| u.what).collect();
    assert_eq!(unwatched, ["approval"]);
}

#[test]
fn counts_say_the_languages_number() {
    let emitted = run(&tour());
    let counts: Vec<_> =
        emitted.report.counts.iter().map(|c| (c.draw.as_str(), c.candidates, c.language, c.engine)).collect();
    assert_eq!(counts, [("50% of ledger.pods", 3, 1, 1), ("one of ledger.pods", 3, 1, 1)]);
}

#[test]
fn all_of_them_is_one_draw_however_often() {
    let mut plan = tour();
    plan.draws[0].quantity = Quantity::All;
    let emitted = run(&resealed(plan));
    assert_eq!(emitted.template("step-1-network-delay")["networkChaos"]["mode"], "all");
    assert!(!emitted.approximate().contains(&"draw"), "all of them is the same set");
}
