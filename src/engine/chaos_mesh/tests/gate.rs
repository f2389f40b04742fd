//! The rules of the gate, each by its number.

use super::*;
use crate::engine::chaos_mesh::{native_bounds, reaction_bound};
use crate::plan::Schedule;

fn weekly() -> Plan {
    let mut plan = tour();
    plan.name = "weekly--checkout-survives-slow-ledger".into();
    plan.schedule = Some(Schedule {
        verify: "weekly".into(),
        cron: "0 10 * * tue".into(),
        zone: "Asia/Jakarta".into(),
        fresh_for: None,
        among_others: false,
        drawn: None,
        span: at(60),
    });
    resealed(plan)
}

fn checks(emitted: &Emitted) -> Vec<&Json> {
    emitted.templates().iter().filter(|t| t["templateType"] == "StatusCheck").collect()
}

#[test]
fn g1_no_fault_follows_a_check_that_can_fail() {
    let emitted = run(&tour());
    assert_eq!(emitted.template("method")["children"][0], "armed");
    for check in checks(&emitted) {
        assert!(check.get("deadline").is_none(), "a deadline opens a check: {check}");
        // All but the frame's own are of the form that only a success ends.
        if !["baseline", "guards", "recovered"].contains(&check["name"].as_str().unwrap()) {
            assert!(check.get("abortWithStatusCheck").is_none(), "{check}");
            assert!(check["statusCheck"].get("duration").is_none(), "{check}");
            assert_eq!(check["statusCheck"]["failureThreshold"], 1_000_000, "{check}");
            assert_eq!(check["statusCheck"]["mode"], "Synchronous", "{check}");
        }
    }
    assert_eq!(emitted.template("entry")["children"], serde_json::json!(["baseline", "run", "recovered"]));
    assert_eq!(emitted.template("run")["children"], serde_json::json!(["guards", "method"]));
}

#[test]
fn g2_only_the_parallels_deadline_ends_the_guards() {
    let plan = tour();
    let emitted = run(&plan);
    let guards = emitted.template("guards");
    assert!(guards.get("deadline").is_none() && guards["statusCheck"].get("duration").is_none());
    assert_eq!(guards["statusCheck"]["mode"], "Continuous");
    // 10 s for arming, the deadline of each step and 2 s, 2 s at the end.
    // `with`: wait 180 + 2, kill 10 + 2, check 60 + 2, so 256 and 1 for cutting; its undo 30 + 2; `for 2m` 121 + 2 + 32.
    let expected = 10 + (257 + 2 + 32) + (121 + 2 + 32) + 2;
    assert_eq!(native_bounds(&plan).run, Duration::from_secs(expected));
    assert_eq!(emitted.template("run")["deadline"], format!("{expected}s"));
    assert_eq!(emitted.template("step-5-network-delay")["deadline"], "121s", "a step gets a second more");
    assert_eq!(emitted.template("step-2-wait")["deadline"], "3m");
}

#[test]
fn g3_every_run_can_be_aborted_also_a_schedules() {
    let emitted = run(&weekly());
    assert!(emitted.only("Schedule")["metadata"]["annotations"].is_object());
    let role = emitted.all("Role").find(|r| r["metadata"]["namespace"] == "chaos").unwrap();
    let workflows = &role["rules"][0];
    assert_eq!(workflows["resources"][0], "workflows");
    assert!(workflows["verbs"].as_array().unwrap().contains(&Json::from("patch")), "the gate annotates the child");
    assert!(!emitted.approximate().contains(&"gate"));
    // Nobody knows what a foreign gate may do: reported, and so refused under --strict.
    assert!(run_with(&weekly(), &foreign_gate()).approximate().contains(&"gate"));
}

#[test]
fn g4_there_is_one_check_for_all_guards() {
    let mut plan = tour();
    let guard = plan.guards[0].clone();
    plan.guards = vec![guard; 20];
    let emitted = run(&resealed(plan));
    assert_eq!(checks(&emitted).iter().filter(|c| c["statusCheck"]["mode"] == "Continuous").count(), 1);
}

#[test]
fn g5_a_threshold_that_is_meant_to_be_reached_has_records_for_it() {
    for check in checks(&run(&tour())) {
        let (threshold, records) =
            (&check["statusCheck"]["failureThreshold"], &check["statusCheck"]["recordsHistoryLimit"]);
        assert!(threshold == 1_000_000 || threshold.as_i64() <= records.as_i64(), "{check}");
    }
    // ceil(5 s restart / 1 s) + 2
    assert_eq!(run(&tour()).template("guards")["statusCheck"]["failureThreshold"], 7);
}

#[test]
fn g6_what_is_asked_of_the_gate_is_small_and_answered_in_time() {
    for check in checks(&run(&tour())) {
        let http = check["statusCheck"]["http"].as_object().unwrap();
        assert_eq!(http["method"], "GET");
        assert!(!http.contains_key("body") && !http.contains_key("headers"));
        assert_eq!(check["statusCheck"]["timeoutSeconds"], 1);
        assert_eq!(check["statusCheck"]["intervalSeconds"], 1);
    }
}

#[test]
fn g7_only_204_from_a_plain_address_in_the_cluster() {
    let plan = tour();
    let name = format!("checkout-survives-slow-ledger-{}", plan.short_digest());
    for check in checks(&run(&plan)) {
        let http = &check["statusCheck"]["http"];
        assert_eq!(http["criteria"]["statusCode"], "204");
        let url = http["url"].as_str().unwrap();
        assert!(url.starts_with(&format!("http://{name}-gate.chaos.svc:8080/v1/chaos/{name}/")), "{url}");
    }
    for bad in ["https://gate", "gate:8080", "http://", "http://gate/?x=1", "http://user@gate"] {
        let options = EmitOptions { gate_url: Some(bad.into()), ..EmitOptions::default() };
        let emitted = run_with(&plan, &options);
        assert_eq!((emitted.codes(), emitted.json.len()), (vec!["P0609".to_owned()], 0), "{bad}");
    }
}

#[test]
fn g8_a_lifted_abort_finds_the_lock_closed() {
    // Removing the abort's annotation resumes the Workflow; then `armed` must still stand before the first fault.
    let emitted = run(&tour());
    let armed = emitted.template("armed");
    assert_eq!(emitted.template("method")["children"][0], "armed");
    assert!(armed["statusCheck"].get("duration").is_none() && armed.get("deadline").is_none());
}

#[test]
fn g9_names_say_the_plan_and_never_the_run() {
    let (one, two) = (run(&tour()), run(&tour()));
    assert_eq!(one.yaml, two.yaml, "the same plan is the same bytes, so a second run bears the same name");
    let config: Json = serde_json::from_str(one.only("ConfigMap")["data"]["gate.json"].as_str().unwrap()).unwrap();
    assert!(config.get("uid").is_none(), "the gate finds the run by itself: {config}");
}

#[test]
fn g10_a_scheduled_run_waits_until_nothing_is_left_of_the_one_before() {
    let emitted = run(&weekly());
    assert_eq!(emitted.only("Schedule")["spec"]["concurrencyPolicy"], "Forbid");
    // Forbid alone starts too early: the gate lists every kind that the plan injects before it opens the baseline.
    let config: Json = serde_json::from_str(emitted.only("ConfigMap")["data"]["gate.json"].as_str().unwrap()).unwrap();
    assert_eq!(config["resources"], serde_json::json!(["networkchaos", "podchaos"]));
    assert_eq!(config["scheduled"], true);
    let role = emitted.all("Role").find(|r| r["metadata"]["namespace"] == "chaos").unwrap();
    assert_eq!(role["rules"][3]["resources"], serde_json::json!(["networkchaos", "podchaos"]));
    assert_eq!(role["rules"][3]["verbs"], serde_json::json!(["list", "watch", "patch"]));
}

#[test]
fn the_gate_has_just_the_rights_of_the_plan() {
    let emitted = run(&tour());
    let target = emitted.all("Role").find(|r| r["metadata"]["namespace"] == "pay-test").unwrap();
    let rules = target["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 1, "no stream reads pods there: {rules:?}");
    assert_eq!(rules[0]["resources"], serde_json::json!(["workflow", "networkchaos", "podchaos"]));
    assert_eq!(rules[0]["verbs"], serde_json::json!(["create", "update"]));
    assert_eq!(emitted.all("ClusterRole").count(), 0);
    let names: Vec<_> = emitted.json.iter().map(|d| d["kind"].as_str().unwrap()).collect();
    let mut expected = vec!["ServiceAccount", "ConfigMap", "Role", "RoleBinding", "Role", "RoleBinding", "Service"];
    expected.extend(["Deployment", "PodDisruptionBudget", "NetworkPolicy", "Workflow"]);
    assert_eq!(names, expected, "in an order in which they can be applied");
}

#[test]
fn streams_of_kubernetes_and_secrets_are_granted() {
    use crate::plan::{KubernetesFact, Source};
    let mut plan = tour();
    plan.streams[4].source = Source::Kubernetes { what: KubernetesFact::RolledOut, pods: pods("ledger") };
    plan.streams[2].source = Source::Kubernetes { what: KubernetesFact::ReadyZones, pods: pods("ledger") };
    plan.place.cluster.token = Some("metrics-reader".into());
    let emitted = run(&resealed(plan));
    let target = emitted.all("Role").find(|r| r["metadata"]["namespace"] == "pay-test").unwrap();
    assert_eq!(target["rules"][1]["resources"], serde_json::json!(["pods"]));
    assert_eq!(target["rules"][2]["apiGroups"], serde_json::json!(["apps"]));
    assert_eq!(emitted.only("ClusterRole")["rules"][0]["resources"], serde_json::json!(["nodes"]));
    let cluster_wide = emitted.only("ClusterRole")["metadata"].as_object().unwrap();
    assert!(!cluster_wide.contains_key("namespace"), "a cluster role has no namespace");
    let pod = &emitted.only("Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["volumes"][1]["secret"]["secretName"], "metrics-reader");
}

/// What a header says is mounted for the gate, as a token is.
#[test]
fn the_secret_of_a_header_is_mounted() {
    use crate::plan::{HttpAnswer, SentHeader, SentText, Source};
    let mut plan = tour();
    plan.streams[2].source = Source::Http {
        url: "https://checkout.example/health".into(),
        answer: HttpAnswer::Ok,
        token: None,
        headers: vec![
            SentHeader { name: "accept".into(), value: SentText::Text("text/plain".into()) },
            SentHeader { name: "x-api-key".into(), value: SentText::Secret("shop-health".into()) },
        ],
    };
    let emitted = run(&resealed(plan));
    let pod = &emitted.only("Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["volumes"][1]["secret"]["secretName"], "shop-health");
    assert_eq!(pod["volumes"].as_array().unwrap().len(), 2);
}

#[test]
fn a_gate_that_runs_already_needs_no_objects() {
    let emitted = run_with(&tour(), &foreign_gate());
    assert_eq!(emitted.json.len(), 1);
    let url = emitted.template("armed")["statusCheck"]["http"]["url"].as_str().unwrap();
    assert!(url.starts_with("http://gate.ops.svc:8080/v1/chaos/checkout-survives-slow-ledger-"), "{url}");
}

#[test]
fn an_image_of_ones_own() {
    let image = "registry.example/perturb@sha256:abc";
    let options = EmitOptions { gate_image: Some(image.into()), ..EmitOptions::default() };
    let container = run_with(&tour(), &options).only("Deployment")["spec"]["template"]["spec"]["containers"][0].clone();
    assert_eq!(container["image"], image);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
}

#[test]
fn the_gate_is_never_hit() {
    let mut plan = tour();
    plan.draws[1].selector = crate::plan::Selector::Pods(crate::plan::PodSelector {
        namespaces: vec!["chaos".into()],
        ..Default::default()
    });
    plan.draws[1].service = None;
    let emitted = run(&resealed(plan));
    assert_eq!((emitted.codes(), emitted.json.len()), (vec!["P0611".to_owned()], 0));
}

#[test]
fn a_guards_bound_is_the_sum_of_its_terms() {
    let bound = reaction_bound(&tour(), 0).unwrap();
    let sum = bound.terms.iter().fold(Duration::ZERO, |sum, (_, d)| sum.plus(*d));
    assert_eq!(bound.total, sum);
    // window 15 + for 10 + every 5 + timeout 5 + evaluation 1 + pause 1 + undo 30
    assert_eq!(bound.total, Duration::from_secs(67));
    // F·max(i, t) + t + i + C
    assert_eq!(bound.without_gate, Duration::from_secs(7 + 1 + 1 + 1));
    assert_eq!(reaction_bound(&tour(), 1), None);
}

#[test]
fn the_last_resort_outlasts_everything() {
    let bounds = native_bounds(&tour());
    let parts = bounds.baseline.plus(bounds.run).plus(bounds.recovered);
    assert_eq!(bounds.total, parts.plus(Duration::from_secs(30)));
    assert_eq!(bounds.baseline, Duration::from_secs(30 + 60));
    assert_eq!(bounds.recovered, Duration::from_secs(90 + 30 + 10));
}

#[test]
fn what_the_gate_must_know_survives_json() {
    let emitted = run(&tour());
    let data = &emitted.only("ConfigMap")["data"];
    let config: crate::engine::chaos_mesh::GateConfig =
        serde_json::from_str(data["gate.json"].as_str().unwrap()).unwrap();
    let steps: Vec<_> = config.steps.iter().map(|s| (s.number, s.template.as_str(), s.undone)).collect();
    assert_eq!(
        steps,
        [(1, "step-1-network-delay", true), (3, "step-3-pod-kill", false), (5, "step-5-network-delay", true)]
    );
    let plan: Plan = serde_json::from_str(data["plan.json"].as_str().unwrap()).unwrap();
    assert_eq!(plan, tour().without_places());
    assert_eq!(plan.compute_digest(), config.plan, "what `perturb gate` holds it against");
}

#[test]
fn the_image_is_what_the_deployment_starts() {
    let file = include_str!("../../../../.ci/Containerfile");
    let pod = run(&tour()).only("Deployment")["spec"]["template"]["spec"].clone();
    assert_eq!(pod["containers"][0]["args"][0], "gate");
    assert!(pod["containers"][0].get("command").is_none(), "the image's own entry is used");
    assert!(file.contains("ENTRYPOINT [\"/usr/local/bin/perturb\"]"), "{file}");
    let (user, group) = (&pod["securityContext"]["runAsUser"], &pod["securityContext"]["runAsGroup"]);
    assert!(file.contains(&format!("USER {user}:{group}")), "{file}");
}
