//! Whole documents as people read them, and what holds for every document.

use super::*;
use crate::plan::Schedule;

/// The stream under a digest that stays, whatever fields plans get.
fn under_one_digest(mut plan: Plan) -> String {
    plan.digest = "sha256:feedbeef00".to_owned();
    emitted(&plan).sound().yaml
}

#[test]
fn one_fault_is_an_engine_and_what_it_needs() {
    insta::assert_snapshot!(under_one_digest(single()));
}

#[test]
fn a_method_of_several_steps_is_a_workflow() {
    insta::assert_snapshot!(under_one_digest(tour()));
}

#[test]
fn what_is_approximate_is_said() {
    let emitted = emitted(&tour()).sound();
    let said: Vec<String> = emitted.report.approximations.iter().map(|a| format!("{}: {}", a.what, a.text)).collect();
    insta::assert_snapshot!(said.join("\n"));
    insta::assert_debug_snapshot!(emitted.report.counts);
}

#[test]
fn a_verify_is_a_cron_workflow_that_never_overlaps_itself() {
    let mut plan = single();
    plan.schedule = Some(Schedule {
        verify: "weekly".into(),
        cron: "0 10 * * tue".into(),
        zone: "Asia/Jakarta".into(),
        fresh_for: None,
        among_others: false,
        drawn: None,
        span: at(40),
    });
    let emitted = emitted(&plan).sound();
    let cron = emitted.only("CronWorkflow");
    assert_eq!(cron["spec"]["schedule"], "0 10 * * tue");
    assert_eq!(cron["spec"]["timezone"], "Asia/Jakarta");
    assert_eq!(cron["spec"]["concurrencyPolicy"], "Forbid");
    assert_eq!(cron["spec"]["startingDeadlineSeconds"], 600);
    assert_eq!(cron["spec"]["workflowMetadata"]["labels"]["perturb.dev/verify"], "weekly");
    // What runs again and again keeps its name: pruned under a new one it would be missing to a run that is under way.
    let name = cron["metadata"]["name"].as_str().unwrap();
    assert_eq!(name, "checkout-survives-slow-ledger");
    let experiment = emitted.only("ChaosExperiment")["metadata"]["name"].as_str().unwrap().to_owned();
    plan.baseline = "31s".parse().unwrap();
    plan.digest = plan.compute_digest();
    let again = super::emitted(&plan).sound();
    assert_eq!(again.only("ChaosExperiment")["metadata"]["name"], experiment.as_str());
    // Several runs are one after another in the plan, and at once here.
    let order = |emitted: &super::Emitted| emitted.report.approximations.iter().any(|a| a.what == "order");
    assert!(!order(&again));
    plan.schedule.as_mut().unwrap().among_others = true;
    plan.digest = plan.compute_digest();
    assert!(order(&super::emitted(&plan).sound()));
}

#[test]
fn a_wait_of_a_fraction_is_said_to_become_longer() {
    let said = |text: &str| {
        let mut plan = tour();
        plan.method.push(crate::plan::sample::step(StepKind::Wait(text.parse().unwrap()), at(50)));
        plan.digest = plan.compute_digest();
        emitted(&plan).report.approximations.iter().any(|a| a.what == "time" && a.text.contains("so it lasts 2s"))
    };
    assert!(said("1500ms"));
    assert!(!said("2s"));
}

#[test]
fn one_of_several_clusters_is_nobodys_draw() {
    let mut plan = single();
    plan.schedule = Some(Schedule {
        verify: "weekly".into(),
        cron: "0 10 * * tue".into(),
        zone: "Asia/Jakarta".into(),
        fresh_for: None,
        among_others: false,
        drawn: Some("one of 2 clusters".into()),
        span: at(40),
    });
    plan.digest = plan.compute_digest();
    let unwatched = emitted(&plan).report.unwatched;
    assert!(unwatched.iter().any(|u| u.what == "clusters" && u.text.contains("one of 2 clusters")), "{unwatched:?}");
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    assert_eq!(emitted(&tour()).yaml, emitted(&tour()).yaml);
}

#[test]
fn names_of_what_runs_once_carry_the_digest_and_fit() {
    let mut plan = tour();
    plan.name = "an-experiment-with-a-name-as-long-as-people-can-bear-it-and-longer".into();
    plan.digest = plan.compute_digest();
    let digest = plan.short_digest().to_owned();
    let emitted = emitted(&plan).sound();
    for document in &emitted.documents {
        let name = document["metadata"]["name"].as_str().unwrap();
        assert!(name.contains(&digest), "{name}");
        for (_, value) in document["metadata"]["labels"].as_object().unwrap() {
            assert!(value.as_str().unwrap().len() <= 63);
        }
    }
    assert!(emitted.only("Workflow")["metadata"]["name"].as_str().unwrap().len() <= 52);
    for engine in emitted.engines() {
        let name = engine["metadata"]["name"].as_str().unwrap().replace("{{workflow.uid}}", &"u".repeat(36));
        assert!(name.len() <= 63, "{name}: the runner pod has it as a label");
    }
}

#[test]
fn flux_leaves_every_object_alone() {
    for plan in [tour(), single()] {
        for document in emitted(&plan).sound().documents {
            assert_eq!(document["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/substitute"], "disabled");
        }
    }
}
