//! What the objects must and must not hold. Numbers in comments are sections of litmus-go's and the operator's facts as
//! the files above cite them.

use super::*;

#[test]
fn an_engine_that_is_applied_says_no_state_so_that_a_sync_cannot_run_it_again() {
    // `active` over a finished engine runs the fault again; the operator takes an absent state for `active` once.
    let emitted = emitted(&single()).sound();
    assert!(emitted.only("ChaosEngine")["spec"].get("engineState").is_none());
    // One that a workflow creates is created once.
    for engine in super::emitted(&tour()).sound().engines() {
        assert_eq!(engine["spec"]["engineState"], "active");
    }
}

#[test]
fn engines_have_no_annotations_as_chaoscenter_reads_each_as_json() {
    for plan in [tour(), single()] {
        for engine in emitted(&plan).sound().engines() {
            assert!(engine["metadata"].get("annotations").is_none());
        }
    }
}

#[test]
fn an_engine_names_an_experiment_and_account_that_are_emitted() {
    for plan in [tour(), single()] {
        let emitted = emitted(&plan).sound();
        for engine in emitted.engines() {
            let name = &engine["spec"]["experiments"][0]["name"];
            assert_eq!(&engine["spec"]["chaosServiceAccount"], name);
            assert!(emitted.of_kind("ChaosExperiment").iter().any(|e| e["metadata"]["name"] == *name));
            assert!(emitted.of_kind("ServiceAccount").iter().any(|a| a["metadata"]["name"] == *name));
            assert!(emitted.of_kind("RoleBinding").iter().any(|b| b["subjects"][0]["name"] == *name));
        }
    }
}

#[test]
fn two_engines_of_one_fault_share_its_experiment() {
    let emitted = emitted(&tour()).sound();
    assert_eq!(emitted.engines().len(), 3);
    assert_eq!(emitted.of_kind("ChaosExperiment").len(), 2);
}

#[test]
fn an_experiment_has_labels_without_which_the_runner_crashes_and_a_pinned_image() {
    for experiment in emitted(&tour()).sound().of_kind("ChaosExperiment") {
        let definition = &experiment["spec"]["definition"];
        assert!(!definition["labels"].as_object().unwrap().is_empty());
        let image = definition["image"].as_str().unwrap();
        assert!(!image.ends_with(":latest"));
        assert_eq!(definition["imagePullPolicy"], "IfNotPresent");
        let library = definition["env"].as_array().unwrap().iter().find(|v| v["name"] == "LIB_IMAGE").unwrap();
        assert_eq!(library["value"], image, "helpers would else take `latest`");
        let health =
            definition["env"].as_array().unwrap().iter().find(|v| v["name"] == "DEFAULT_HEALTH_CHECK").unwrap();
        assert_eq!(health["value"], "false");
    }
}

#[test]
fn the_code_path_may_have_another_name_than_the_fault() {
    let mut plan = single();
    set(&mut plan.faults[2], "fault", Value::String("ec2-stop-by-id".into()));
    set(&mut plan.faults[2], "run", Value::String("ec2-terminate-by-id".into()));
    let emitted = emitted(&plan).sound();
    let experiment = emitted.only("ChaosExperiment");
    assert!(experiment["metadata"]["name"].as_str().unwrap().starts_with("ec2-stop-by-id-"));
    assert_eq!(experiment["spec"]["definition"]["args"][1], "./experiments -name ec2-terminate-by-id");
}

#[test]
fn every_variable_is_a_text_and_times_are_bare_seconds() {
    let engines = emitted(&tour()).sound().engines();
    for engine in &engines {
        for (name, value) in env(engine) {
            if name != "FORCE" && name != "TARGET_CONTAINER" {
                assert!(value.parse::<i64>().is_ok(), "{name}={value}");
            }
        }
    }
    assert_eq!(variable(&engines[2], "TOTAL_CHAOS_DURATION").unwrap(), "120");
    assert_eq!(variable(&engines[2], "CHAOS_INTERVAL").unwrap(), "120");
    assert_eq!(variable(&engines[2], "NETWORK_LATENCY").unwrap(), "300");
}

#[test]
fn an_instant_fault_happens_once() {
    // pod-delete deletes each interval until the time is over: one second of each is one deletion.
    let engines = emitted(&tour()).sound().engines();
    assert_eq!(variable(&engines[1], "TOTAL_CHAOS_DURATION").unwrap(), "1");
    assert_eq!(variable(&engines[1], "CHAOS_INTERVAL").unwrap(), "1");
    assert_eq!(variable(&engines[1], "FORCE").unwrap(), "true");
}

#[test]
fn a_body_may_set_the_interval_itself() {
    let mut plan = single();
    set_env(&mut plan, 2, "CHAOS_INTERVAL", Value::Int(10));
    let engine = emitted(&plan).sound().engines().remove(0);
    let intervals: Vec<_> = env(&engine).into_iter().filter(|(name, _)| name == "CHAOS_INTERVAL").collect();
    assert_eq!(intervals, vec![("CHAOS_INTERVAL".to_owned(), "10".to_owned())]);
}

#[test]
fn one_label_for_each_kind_of_owner_and_never_a_comma() {
    let engine = emitted(&single()).sound().engines().remove(0);
    let workloads = engine["spec"]["selectors"]["workloads"].as_array().unwrap().clone();
    assert_eq!(workloads.len(), 4);
    for workload in &workloads {
        assert_eq!(workload["labels"], "app=ledger");
        assert_eq!(workload["namespace"], "pay-test");
        assert!(workload.get("names").is_none(), "the CRD wants one of names and labels");
    }
    assert!(engine["spec"].get("appinfo").is_none());
}

#[test]
fn how_many_is_always_said() {
    let engines = emitted(&tour()).sound().engines();
    assert_eq!(variable(&engines[0], "PODS_AFFECTED_PERC").unwrap(), "50");
    assert_eq!(variable(&engines[1], "PODS_AFFECTED_PERC").unwrap(), "0", "0 is one pod to Litmus");
    assert_eq!(variable(&engines[0], "TARGET_CONTAINER").unwrap(), "app");
}

#[test]
fn queries_are_quoted_for_the_shell_between() {
    let engine = emitted(&single()).sound().engines().remove(0);
    let query = probe(&engine, "success")["promProbe/inputs"]["query"].as_str().unwrap().to_owned();
    assert_eq!(query, r#"sum(rate(http_requests_total{app=\"checkout\"}[1m]))"#);
}

#[test]
fn bounds_are_in_the_unit_of_what_is_measured() {
    let engine = emitted(&single()).sound().engines().remove(0);
    let comparator = |name: &str| probe(&engine, name)["promProbe/inputs"]["comparator"].clone();
    assert_eq!(comparator("success"), serde_json::json!({ "criteria": ">=", "value": "0.995" }));
    assert_eq!(
        comparator("latency"),
        serde_json::json!({ "criteria": "<", "value": "2" }),
        "the weaker bound, in seconds"
    );
    assert_eq!(comparator("latency-before"), serde_json::json!({ "criteria": "<", "value": "0.8" }));
    assert_eq!(comparator("alerted"), serde_json::json!({ "criteria": "==", "value": "1" }));
}

#[test]
fn phases_become_modes() {
    let engine = emitted(&single()).sound().engines().remove(0);
    let modes: Vec<String> = probes(&engine)
        .iter()
        .map(|p| format!("{} {}", p["name"].as_str().unwrap(), p["mode"].as_str().unwrap()))
        .collect();
    assert_eq!(
        modes,
        [
            "guard-1 Continuous",
            "success-before SOT",
            "success Continuous",
            "success-after EOT",
            "latency-before SOT",
            "latency Continuous",
            "latency-after EOT",
            "alerted OnChaos",
        ]
    );
}

#[test]
fn guards_and_the_baseline_stop_and_expectations_do_not() {
    let engine = emitted(&single()).sound().engines().remove(0);
    let stops = |name: &str| probe(&engine, name)["runProperties"]["stopOnFailure"].as_bool().unwrap();
    assert!(stops("guard-1") && stops("success-before"));
    assert!(!stops("success") && !stops("success-after") && !stops("alerted"));
    let mut plan = single();
    plan.guards.push(crate::plan::Guard {
        when: crate::plan::GuardWhen::Refuted,
        text: "refuted".into(),
        hold: None,
        span: at(15),
    });
    let engine = emitted(&plan).sound().engines().remove(0);
    assert_eq!(probe(&engine, "success")["runProperties"]["stopOnFailure"], true);
}

#[test]
fn a_guard_is_the_opposite_condition_that_must_fail_so_often_in_a_row() {
    let engine = emitted(&single()).sound().engines().remove(0);
    let guard = probe(&engine, "guard-1");
    assert_eq!(guard["promProbe/inputs"]["comparator"]["criteria"], ">=");
    assert_eq!(guard["runProperties"]["attempt"], 3, "true at 0, 5 and 10 s is `for 10s`");
    assert_eq!(guard["runProperties"]["interval"], "5s");
    let alerted = probe(&engine, "alerted");
    assert_eq!(alerted["runProperties"]["attempt"], 26, "false from 0 to 125 s is longer than `within 2m`");
    let after = probe(&engine, "latency-after");
    assert_eq!(after["runProperties"]["attempt"], 19, "tried at 0, 5, … 90 s");
}

#[test]
fn a_round_that_is_under_way_at_the_end_is_waited_for() {
    let engine = emitted(&single()).sound().engines().remove(0);
    let timeouts = &engine["spec"]["experiments"][0]["spec"]["components"]["statusCheckTimeouts"];
    assert_eq!(timeouts["timeout"], 26 * 10 + 30);
}

#[test]
fn every_probe_has_durations_that_go_reads_and_no_key_that_is_pruned() {
    for engine in emitted(&tour()).sound().engines() {
        let mut names = Vec::new();
        for probe in probes(&engine) {
            names.push(probe["name"].as_str().unwrap().to_owned());
            let run = probe["runProperties"].as_object().unwrap();
            for key in ["probeTimeout", "interval", "probePollingInterval"] {
                let text = run[key].as_str().unwrap();
                assert!(text.ends_with('s') && text.trim_end_matches(['s', 'm']).parse::<u64>().unwrap() > 0, "{text}");
            }
            assert!(run.get("initialDelay").is_none(), "it would end an OnChaos promProbe at once");
            assert!(probe["promProbe/inputs"]["comparator"].get("type").is_none(), "pruned");
        }
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "Litmus looks probes up by name");
    }
}

#[test]
fn every_engine_is_guarded_and_only_the_outer_ones_are_judged() {
    let engines = emitted(&tour()).sound().engines();
    for engine in &engines {
        probe(engine, "guard-1");
    }
    let names =
        |engine: &Json| probes(engine).iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&engines[1]), ["guard-1"]);
    assert!(names(&engines[0]).contains(&"success-before".to_owned()));
    assert!(!names(&engines[0]).contains(&"success-after".to_owned()), "recovery is judged after the last fault");
    assert!(names(&engines[2]).contains(&"success-after".to_owned()));
}

#[test]
fn ready_pods_are_counted_by_a_command_that_fails_when_it_cannot_ask() {
    let mut plan = single();
    plan.expectations.truncate(1);
    plan.expectations[0].condition =
        crate::plan::sample::compare(4, crate::plan::Comparison::GreaterOrEqual, Value::Int(3));
    plan.streams[4].source = crate::plan::Source::Kubernetes {
        what: crate::plan::KubernetesFact::ReadyPods,
        pods: crate::plan::PodSelector {
            labels: vec![("app".into(), "ledger".into()), ("tier".into(), "db".into())],
            ..crate::plan::sample::pods("ledger")
        },
    };
    let emitted = emitted(&plan).sound();
    let engine = emitted.engines().remove(0);
    let probe = probe(&engine, "success");
    assert_eq!(probe["type"], "cmdProbe");
    let command = probe["cmdProbe/inputs"]["command"].as_str().unwrap();
    assert!(command.contains("--selector 'app=ledger,tier=db'"), "to kubectl a comma means and");
    assert!(command.starts_with("set -e; pods=$("));
    // The command goes through html/template, which would change these.
    assert!(!command.contains("{{") && !command.contains('<'));
    assert_eq!(
        probe["cmdProbe/inputs"]["comparator"],
        serde_json::json!({ "type": "int", "criteria": ">=", "value": "3" })
    );
}

#[test]
fn an_http_probe_asks_for_a_status() {
    let mut plan = single();
    plan.expectations.truncate(1);
    plan.expectations[0].condition = crate::plan::Condition::Holds(4);
    plan.streams[4].source = crate::plan::Source::Http {
        url: "http://checkout.pay-test.svc/healthz?a=1&b=2".into(),
        answer: crate::plan::HttpAnswer::Ok,
        token: None,
        headers: Vec::new(),
    };
    let engine = emitted(&plan).sound().engines().remove(0);
    let probe = probe(&engine, "success");
    assert_eq!(
        probe["httpProbe/inputs"]["method"]["get"],
        serde_json::json!({ "criteria": "between", "responseCode": "200,299" })
    );
    assert_eq!(probe["httpProbe/inputs"]["url"], "http://checkout.pay-test.svc/healthz?a=1&b=2");
    // It waits its interval after each try, also after a success.
    assert!(probe["runProperties"].get("probePollingInterval").is_none());
}

#[test]
fn what_is_left_of_a_budget_is_a_query() {
    let mut plan = single();
    plan.guards[0].hold = None;
    plan.guards[0].when = crate::plan::GuardWhen::Condition(crate::plan::sample::compare(
        3,
        crate::plan::Comparison::Less,
        Value::Percent("30%".parse().unwrap()),
    ));
    let mut indicator = plan.streams[0].source.clone();
    if let crate::plan::Source::Prometheus { query, .. } = &mut indicator {
        *query = query.replace("[1m]", &format!("[{}]", crate::plan::SLO_WINDOW));
    }
    let objective = |what| crate::plan::Source::Objective {
        slo: "checkout-availability".into(),
        what,
        indicator: Box::new(indicator.clone()),
        indicator_unit: crate::plan::MetricUnit::Percent,
        objective: "99.95%".parse().unwrap(),
        window: "30d".parse().unwrap(),
    };
    plan.streams[3].source = objective(crate::plan::ObjectiveFact::BudgetLeft);
    let engine = emitted(&plan).sound().engines().remove(0);
    let inputs = probe(&engine, "guard-1")["promProbe/inputs"].clone();
    assert_eq!(
        inputs["query"],
        r#"1 - (1 - (sum(rate(http_requests_total{app=\"checkout\"}[2592000s]))) / 100) / 0.0005"#
    );
    assert_eq!(inputs["comparator"], serde_json::json!({ "criteria": ">=", "value": "0.3" }));

    // How fast it burns is asked over the minutes that the condition names.
    plan.streams[3].source = objective(crate::plan::ObjectiveFact::BurnRate);
    plan.streams[3].window = Some("5m".parse().unwrap());
    plan.guards[0].when = crate::plan::GuardWhen::Condition(crate::plan::sample::compare(
        3,
        crate::plan::Comparison::Greater,
        Value::Number("14.4".parse().unwrap()),
    ));
    let engine = emitted(&plan).sound().engines().remove(0);
    let inputs = probe(&engine, "guard-1")["promProbe/inputs"].clone();
    assert_eq!(inputs["query"], r#"(1 - (sum(rate(http_requests_total{app=\"checkout\"}[300s]))) / 100) / 0.0005"#);
    assert_eq!(inputs["comparator"], serde_json::json!({ "criteria": "<=", "value": "14.4" }));
}

#[test]
fn permissions_are_parted_by_place() {
    let emitted = emitted(&single()).sound();
    let roles = emitted.of_kind("Role");
    let of = |namespace: &str| {
        let found: Vec<_> = roles.iter().filter(|r| r["metadata"]["namespace"] == namespace).collect();
        assert_eq!(found.len(), 1);
        found[0]["rules"].to_string()
    };
    let (home, targets) = (of("chaos"), of("pay-test"));
    assert!(home.contains("chaosresults") && home.contains("jobs"));
    assert!(!targets.contains("chaosresults") && !targets.contains("jobs") && !targets.contains("\"create\""));
    assert!(!home.contains("pods/exec") && !targets.contains("pods/exec"));
    assert!(!emitted.yaml.contains("'*'") && !emitted.yaml.contains("\"*\""));
    assert!(emitted.of_kind("ClusterRole").is_empty());
}

#[test]
fn what_is_done_to_nodes_needs_the_whole_cluster() {
    let mut plan = single();
    plan.draws[0].selector = crate::plan::Selector::Nodes(crate::plan::NodeSelector {
        holding: Some(crate::plan::sample::pods("ledger")),
        ..crate::plan::NodeSelector::default()
    });
    plan.draws[0].quantity = crate::plan::Quantity::Exactly(1);
    set(&mut plan.faults[2], "access", Value::Word("drain".into()));
    set(&mut plan.faults[2], "env", Value::Record(vec![]));
    let emitted = emitted(&plan).sound();
    let role = emitted.only("ClusterRole");
    assert!(role["rules"].to_string().contains("pods/eviction"));
    assert_eq!(emitted.only("ClusterRoleBinding")["subjects"][0]["namespace"], "chaos");
    assert_eq!(emitted.only("ChaosExperiment")["spec"]["definition"]["scope"], "Cluster");
    let engine = emitted.engines().remove(0);
    // The first label of the first target is what the fault reads, in whatever kind of owner.
    assert_eq!(engine["spec"]["selectors"]["workloads"][0]["labels"], "app=ledger");
    assert!(variable(&engine, "TARGET_NODE").is_none() && variable(&engine, "PODS_AFFECTED_PERC").is_none());
    assert!(emitted.report.approximations.iter().any(|a| a.what == "draw"));
}

#[test]
fn a_private_fault_has_its_own_image_and_permissions() {
    let mut plan = single();
    let fault = &mut plan.faults[2];
    let rule = Value::Record(vec![
        entry("groups", Value::List(vec![Value::String("keys.example".into())])),
        entry("resources", Value::List(vec![Value::String("signingkeys".into())])),
        entry("verbs", Value::List(vec![Value::String("patch".into())])),
    ]);
    set(fault, "hub", Value::String("payments-hub".into()));
    set(fault, "image", Value::String("registry.example/chaos:2.4.1".into()));
    set(fault, "permissions", Value::List(vec![rule]));
    let emitted = emitted(&plan).sound();
    let experiment = emitted.only("ChaosExperiment");
    assert_eq!(experiment["spec"]["definition"]["image"], "registry.example/chaos:2.4.1");
    assert_eq!(experiment["metadata"]["annotations"]["perturb.dev/hub"], "payments-hub");
    assert!(emitted.of_kind("Role").iter().any(|r| r["rules"].to_string().contains("signingkeys")));
}

#[test]
fn the_workflow_creates_waits_and_looks_at_each_verdict() {
    let emitted = emitted(&tour()).sound();
    let templates = emitted.templates();
    let find =
        |name: &str| templates.iter().find(|t| t["name"] == name).unwrap_or_else(|| panic!("no template {name}"));
    let order: Vec<String> = find("method")["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| g.as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect::<Vec<_>>().join(" | "))
        .collect();
    assert_eq!(
        order,
        [
            "engine-1",
            "engine-1-runs",
            "engine-1-lasts | branch-1",
            "engine-1-verdict",
            "engine-3",
            "engine-3-ends",
            "engine-3-verdict",
            "engine-1-passed | engine-2-passed | engine-3-passed",
        ]
    );
    assert_eq!(find("unharmed")["resource"]["failureCondition"], "status.experimentStatus.verdict in (Stopped, Error)");
    assert_eq!(find("passed")["resource"]["successCondition"], "status.experimentStatus.verdict == Pass");
    let result: Json = serde_json::from_str(find("passed")["resource"]["manifest"].as_str().unwrap()).unwrap();
    assert_eq!(result["kind"], "ChaosResult");
    let called = find("method")["steps"][7][0]["arguments"]["parameters"][0]["value"].as_str().unwrap().to_owned();
    let engine = emitted.engines().remove(0);
    let experiment = engine["spec"]["experiments"][0]["name"].as_str().unwrap();
    assert_eq!(called, format!("{}-{experiment}", engine["metadata"]["name"].as_str().unwrap()));
}

#[test]
fn the_block_of_a_with_lasts_at_most_as_long_as_its_fault() {
    let engines = emitted(&tour()).sound().engines();
    // wait 3m, an instant fault with what an engine takes around it, a check of one minute at most.
    assert_eq!(variable(&engines[0], "TOTAL_CHAOS_DURATION").unwrap(), (180 + 1 + 60 + 60).to_string());
}

#[test]
fn a_with_around_waits_alone_is_one_engine() {
    let mut plan = tour();
    let steps =
        vec![step(StepKind::Wait("3m".parse().unwrap()), at(17)), step(StepKind::Wait("30s".parse().unwrap()), at(17))];
    plan.method = vec![step(StepKind::With { fault: 0, steps }, at(16))];
    let emitted = emitted(&plan).sound();
    assert_eq!(variable(emitted.only("ChaosEngine"), "TOTAL_CHAOS_DURATION").unwrap(), "210");
}

#[test]
fn everything_ends_in_a_clean_up_and_engines_go_with_their_workflow() {
    let emitted = emitted(&tour()).sound();
    let workflow = emitted.only("Workflow");
    assert_eq!(workflow["spec"]["onExit"], "clean-up");
    assert!(workflow["spec"].get("ttlStrategy").is_none(), "a finished run that vanishes is made again by git");
    for template in emitted.templates() {
        if template["resource"]["action"] == "create" {
            assert_eq!(template["resource"]["setOwnerReference"], true);
        }
        let waits =
            template.get("resource").is_some_and(|r| r["action"] == "get") || template.get("container").is_some();
        assert!(!waits || !template["activeDeadlineSeconds"].is_null(), "{} may wait for ever", template["name"]);
    }
    let text = emitted.yaml.clone();
    assert!(text.contains("engineState\":\"stop") && text.contains("still marked as injected"));
}

#[test]
fn branches_that_fail_halt_the_workflow() {
    let mut plan = tour();
    let lasts = Some("3m".parse().unwrap());
    plan.method = vec![step(
        StepKind::Parallel(vec![
            step(StepKind::Inject { fault: 2, lasts }, at(20)),
            step(
                StepKind::Sequence(vec![
                    step(StepKind::Wait("30s".parse().unwrap()), at(21)),
                    step(StepKind::Inject { fault: 1, lasts: None }, at(22)),
                ]),
                at(21),
            ),
        ]),
        at(20),
    )];
    let emitted = emitted(&plan).sound();
    let templates = emitted.templates();
    for name in ["branch-1", "branch-2"] {
        let branch = templates.iter().find(|t| t["name"] == name).unwrap();
        assert_eq!(branch["steps"][0][0]["continueOn"]["failed"], true);
        assert_eq!(branch["steps"][1][0]["template"], "halt");
        assert_eq!(branch["steps"][1][0]["when"], "{{steps.work.status}} != Succeeded");
    }
    // Both branches look before they inject; the one that ends last judges the recovery.
    let engines = emitted.engines();
    let has = |index: usize, name: &str| probes(&engines[index]).iter().any(|p| p["name"] == name);
    assert!(has(0, "success-before"));
    assert!(has(1, "success-before"));
    assert!(has(0, "success-after") && !has(1, "success-after"));
}

#[test]
fn notes_stand_on_the_workflow() {
    let mut plan = tour();
    plan.method.insert(0, step(StepKind::Note { who: None, text: "watch the ${queue}".into(), within: None }, at(15)));
    let emitted = emitted(&plan).sound();
    assert_eq!(emitted.only("Workflow")["metadata"]["annotations"]["perturb.dev/note-1"], "watch the ${queue}");
    // Where there is none, on what the one engine is made from.
    let mut plan = single();
    plan.method.insert(0, step(StepKind::Note { who: None, text: "watch it".into(), within: None }, at(15)));
    let emitted = super::emitted(&plan).sound();
    assert_eq!(emitted.only("ChaosExperiment")["metadata"]["annotations"]["perturb.dev/note-1"], "watch it");
}

#[test]
fn argo_finds_no_braces_but_its_own() {
    let emitted = emitted(&tour()).sound();
    let text = serde_json::to_string(emitted.only("Workflow")).unwrap();
    for (index, _) in text.match_indices("{{") {
        let rest = &text[index + 2..];
        assert!(
            ["workflow.", "inputs.", "steps."].iter().any(|own| rest.starts_with(own)),
            "{}",
            &rest[..40.min(rest.len())]
        );
    }
}
