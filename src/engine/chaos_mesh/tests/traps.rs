//! The traps of Chaos Mesh that emission meets, each by its number.

use super::*;
use crate::plan::sample::{network_delay, percent};
use crate::plan::{At, PodSelector, Schedule, Selector};
use crate::types::{Bitrate, Bytes, Cores, Decimal, Offset, Percent};

fn duration(text: &str) -> Value {
    Value::Duration(seconds(text))
}

/// The codes of a lone lasting fault of this kind.
fn refused(kind: &str, spec: Vec<Entry>) -> Vec<String> {
    let emitted = lasting(kind, spec);
    assert!(emitted.json.is_empty(), "{:?}", emitted.yaml);
    emitted.codes()
}

/// The spec of a lone lasting fault of this kind.
fn spec(kind: &str, fields: Vec<Entry>) -> Json {
    let emitted = lasting(kind, fields);
    assert_eq!(emitted.codes(), [""; 0], "{:?}", emitted.report.diagnostics);
    emitted.json[0]["spec"].clone()
}

fn with_draw(change: impl FnOnce(&mut crate::plan::Draw)) -> Emitted {
    let mut plan = lone(network_delay(0, "300ms", at(16)), Some("5m"));
    change(&mut plan.draws[0]);
    run(&resealed(plan))
}

fn narrowed(change: impl FnOnce(&mut PodSelector)) -> Emitted {
    with_draw(|draw| {
        let mut selector = pods("ledger");
        change(&mut selector);
        draw.selector = Selector::Pods(selector);
        draw.quantity = Quantity::Exactly(1);
    })
}

#[test]
fn t1_a_selector_always_says_its_namespace() {
    assert_eq!(narrowed(|s| s.namespaces.clear()).codes(), ["P0602"]);
    let selector = narrowed(|_| ()).json[0]["spec"]["selector"].clone();
    assert_eq!(selector["namespaces"], serde_json::json!(["pay-test"]));
    assert_eq!(selector["labelSelectors"], serde_json::json!({"app": "ledger"}));
}

#[test]
fn t2_nothing_empty_is_printed() {
    fn walk(json: &Json, path: &str) {
        match json {
            Json::Object(map) => {
                // Kubernetes' own way to say "any namespace", in an object that is not Chaos Mesh's.
                assert!(!map.is_empty() || path.ends_with("namespaceSelector"), "{path} is empty");
                map.iter().for_each(|(k, v)| walk(v, &format!("{path}.{k}")));
            }
            Json::Array(items) => {
                assert!(!items.is_empty(), "{path} is empty");
                items.iter().for_each(|v| walk(v, path));
            }
            Json::String(text) => assert!(!text.is_empty() || path.ends_with("apiGroups"), "{path} is empty"),
            Json::Null => panic!("{path} is null"),
            _ => {}
        }
    }
    run(&tour()).json.iter().for_each(|d| walk(d, ""));
    let quiet = spec(
        "DNSChaos",
        vec![
            entry("action", word("error")),
            entry("patterns", Value::List(vec![])),
            entry("containerNames", Value::None),
        ],
    );
    assert!(quiet.get("patterns").is_none());
    // 0 percent of the calls would come back as 100.
    let io = vec![
        entry("action", word("fault")),
        entry("volumePath", word("/data")),
        entry("errno", Value::Int(5)),
        entry("percent", Value::Int(0)),
    ];
    assert_eq!(refused("IOChaos", io), ["P0608"]);
}

#[test]
fn t3_a_field_that_would_be_dropped_is_refused() {
    let emitted = lasting(
        "NetworkChaos",
        vec![entry("action", word("loss")), entry("loss", record(vec![entry("los", Value::Percent(percent("5%")))]))],
    );
    assert_eq!(emitted.codes(), ["P0607"]);
    assert_eq!(emitted.report.diagnostics[0].help.as_deref(), Some("did you mean `loss`?"));
    let own = vec![entry("action", word("pod-failure")), entry("duration", duration("1m"))];
    assert_eq!(refused("PodChaos", own), ["P0607"], "the length comes from the step");
}

#[test]
fn t4_only_running_pods_are_drawn() {
    assert_eq!(narrowed(|_| ()).json[0]["spec"]["selector"]["podPhaseSelectors"], serde_json::json!(["Running"]));
}

#[test]
fn t5_names_stand_alone() {
    let emitted = narrowed(|s| s.names = vec!["ledger-0".into(), "ledger-1".into()]);
    assert_eq!(
        emitted.json[0]["spec"]["selector"],
        serde_json::json!({"pods": {"pay-test": ["ledger-0", "ledger-1"]}})
    );
    assert_eq!(emitted.approximate(), ["scope"], "labels do not count beside names");
    let both = narrowed(|s| {
        s.names = vec!["ledger-0".into()];
        s.node = Some(At::Named("node-1".into()));
    });
    assert_eq!(both.codes(), ["P0602"]);
}

#[test]
fn t6_a_label_is_one() {
    assert_eq!(narrowed(|s| s.labels[0].1 = "not a label".into()).codes(), ["P0602"]);
    assert_eq!(narrowed(|s| s.labels[0].0 = "app.kubernetes.io/name".into()).codes(), [""; 0]);
}

#[test]
fn t7_shares_are_counted_as_the_language_counts() {
    // Three replicas are known: 50% is one pod, where Chaos Mesh would take two.
    let known = with_draw(|_| ());
    assert_eq!(known.json[0]["spec"]["mode"], "one");
    assert!(known.approximate().is_empty());
    let two = with_draw(|d| d.quantity = Quantity::Share(percent("67%")));
    assert_eq!((&two.json[0]["spec"]["mode"], &two.json[0]["spec"]["value"]), (&Json::from("fixed"), &Json::from("2")));
    // Unknown: a whole percentage is an approximation, any other cannot be said.
    let narrow = |quantity| {
        with_draw(|d| {
            d.selector = Selector::Pods(PodSelector { zone: Some(At::Named("a".into())), ..pods("ledger") });
            d.quantity = quantity;
        })
    };
    let whole = narrow(Quantity::Share(percent("50%")));
    assert_eq!(whole.json[0]["spec"]["mode"], "fixed-percent");
    assert_eq!(whole.json[0]["spec"]["value"], "50", "quoted");
    assert_eq!(whole.approximate(), ["rounding"]);
    // The example shows a difference: of 3 pods 20% are one, here and there.
    let fifth = with_draw(|d| {
        d.quantity = Quantity::Share(percent("20%"));
        d.service = None;
    });
    let text = &fifth.report.approximations[0].text;
    assert!(text.contains("of 6 pods it hits 2, not 1"), "{text}");
    assert_eq!(narrow(Quantity::Share(percent("33.3%"))).codes(), ["P0603"]);
    assert_eq!(narrow(Quantity::Share(percent("100%"))).json[0]["spec"]["mode"], "all");
    assert_eq!(narrow(Quantity::Exactly(2)).approximate(), ["count"]);
    assert!(narrow(Quantity::Exactly(1)).approximate().is_empty());
    // More than there are: silently fewer.
    assert_eq!(with_draw(|d| d.quantity = Quantity::Exactly(4)).codes(), ["P0603"]);
}

#[test]
fn t9_one_draw_for_two_faults_is_two_draws_there() {
    let report = run(&tour()).report;
    let draw = report.approximations.iter().find(|a| a.what == "draw").unwrap();
    assert!(draw.text.contains("bounded by their sum"), "{}", draw.text);
}

#[test]
fn t10_the_services_container_is_named() {
    let stress = || {
        let cpu = vec![entry("workers", Value::Int(1)), entry("load", Value::Int(50))];
        vec![entry("stressors", record(vec![entry("cpu", record(cpu))]))]
    };
    assert_eq!(spec("StressChaos", stress())["containerNames"], serde_json::json!(["app"]));
    let mut own = stress();
    own.push(entry("containerNames", texts(&["sidecar"])));
    assert_eq!(spec("StressChaos", own)["containerNames"], serde_json::json!(["sidecar"]));
    // NetworkChaos has no such field, and pod-failure does not read it.
    assert!(with_draw(|_| ()).json[0]["spec"].get("containerNames").is_none());
    assert!(spec("PodChaos", vec![entry("action", word("pod-failure"))]).get("containerNames").is_none());
    let mut empty = stress();
    empty.push(entry("containerNames", texts(&["", "app"])));
    assert_eq!(refused("StressChaos", empty), ["P0608"]);
}

#[test]
fn t11_every_length_is_written_and_read_by_us() {
    assert_eq!(with_draw(|_| ()).json[0]["spec"]["duration"], "5m");
    let shift = spec("TimeChaos", vec![entry("timeOffset", Value::Offset(Offset::new(seconds("5m"), true)))]);
    assert_eq!((&shift["timeOffset"], &shift["duration"]), (&Json::from("-5m"), &Json::from("5m")));
}

#[test]
fn t13_a_one_shot_has_no_length_and_nothing_else_is_one() {
    let kill = run(&lone(crate::plan::sample::pod_kill(1, at(18)), None));
    assert!(kill.json[0]["spec"].get("duration").is_none());
    assert_eq!(refused("PodChaos", vec![entry("action", word("pod-kill"))]), ["P0608"], "declared lasting");
    let instant = fault_of("PodChaos", Effect::Instant, vec![entry("action", word("pod-failure"))]);
    assert_eq!(run(&lone(instant, None)).codes(), ["P0608"], "it lasts");
}

#[test]
fn t14_a_delay_of_nothing_is_refused_and_one_of_half_a_second_is_in_milliseconds() {
    let delay = |text: &str| {
        vec![entry("action", word("delay")), entry("delay", record(vec![entry("latency", duration(text))]))]
    };
    assert_eq!(refused("NetworkChaos", delay("0ms")), ["P0608"]);
    assert_eq!(spec("NetworkChaos", delay("0.5s"))["delay"]["latency"], "500ms");
}

#[test]
fn t15_io_and_http_delays_are_whole() {
    let io = |text: &str| {
        vec![entry("action", word("latency")), entry("volumePath", word("/data")), entry("delay", duration(text))]
    };
    assert_eq!(spec("IOChaos", io("1.5s"))["delay"], "1500ms");
    assert_eq!(refused("IOChaos", io("0ms")), ["P0608"]);
    let http = |text: &str| {
        vec![entry("target", word("Request")), entry("port", Value::Int(80)), entry("delay", duration(text))]
    };
    assert_eq!(spec("HTTPChaos", http("1m30s"))["delay"], "90s");
    assert_eq!(refused("HTTPChaos", http("0ms")), ["P0608"]);
}

#[test]
fn t16_bits_are_never_bytes() {
    let limit = |rate| {
        let fields = vec![entry("rate", rate), entry("limit", Value::Int(1000)), entry("buffer", Value::Int(1000))];
        vec![entry("action", word("bandwidth")), entry("bandwidth", record(fields))]
    };
    let spelled = spec("NetworkChaos", limit(Value::Bitrate(Bitrate(10_000_000))));
    assert_eq!(spelled["bandwidth"]["rate"], "10mbit");
    assert_eq!(refused("NetworkChaos", limit(word("10Mbps"))), ["P0605"]);
}

#[test]
fn t17_a_share_lies_between_0_and_100() {
    let loss = |share| vec![entry("action", word("loss")), entry("loss", record(vec![entry("loss", share)]))];
    assert_eq!(spec("NetworkChaos", loss(Value::Percent(percent("12.50%"))))["loss"]["loss"], "12.5");
    assert_eq!(refused("NetworkChaos", loss(Value::Percent(Percent(Decimal::from(150))))), ["P0608"]);
    assert_eq!(refused("NetworkChaos", loss(word("NaN"))), ["P0605"]);
}

#[test]
fn t18_an_action_has_its_block() {
    for action in ["netem", "delay", "loss", "bandwidth"] {
        assert_eq!(refused("NetworkChaos", vec![entry("action", word(action))]), ["P0608"], "{action}");
    }
    let http = vec![entry("target", word("Request")), entry("port", Value::Int(80))];
    assert_eq!(refused("HTTPChaos", http), ["P0608"]);
}

#[test]
fn t19_an_action_has_no_other_block() {
    let both = vec![
        entry("action", word("loss")),
        entry("loss", record(vec![entry("loss", Value::Percent(percent("5%")))])),
        entry("delay", record(vec![entry("latency", duration("5ms"))])),
    ];
    assert_eq!(refused("NetworkChaos", both), ["P0608"]);
}

#[test]
fn t21_t22_the_other_side_is_hit_too() {
    let mut fault = network_delay(0, "300ms", at(16));
    let Some(Body::Expressed(body)) = fault.bodies.get_mut(&EngineName::ChaosMesh) else { panic!() };
    let Value::Record(fields) = &mut body[1].value else { panic!() };
    fields[1].value = word("both");
    fields[3].value = Value::Draw(1);
    let emitted = run(&lone(fault, Some("5m")));
    assert_eq!(emitted.approximate(), ["direction", "scope"]);
    let target = &emitted.json[0]["spec"]["target"];
    assert_eq!(target["mode"], "one");
    assert_eq!(target["selector"]["namespaces"], serde_json::json!(["pay-test"]));
}

#[test]
fn t25_t26_t27_t28_files_are_named_exactly() {
    let io = |path: &str, glob: &str, methods: &[&str], containers: &[&str]| {
        vec![
            entry("action", word("fault")),
            entry("errno", Value::Int(5)),
            entry("volumePath", word(path)),
            entry("path", word(glob)),
            entry("methods", texts(methods)),
            entry("containerNames", texts(containers)),
        ]
    };
    assert_eq!(spec("IOChaos", io("/data", "/data/**/*", &["write"], &["app"]))["percent"], 100);
    assert_eq!(refused("IOChaos", io("/", "", &[], &[])), ["P0608"], "t25");
    assert_eq!(refused("IOChaos", io("/data", "/data/a**", &[], &[])), ["P0608"], "t26");
    assert_eq!(refused("IOChaos", io("/data", "", &["writ"], &[])), ["P0608"], "t27");
    assert_eq!(refused("IOChaos", io("/data", "", &[], &["a", "b"])), ["P0608"], "t28");
}

#[test]
fn t29_t32_t40_what_is_there_and_broken_is_no_field() {
    let attr = record(vec![entry("mtime", record(vec![entry("sec", Value::Int(1))]))]);
    let io = vec![entry("action", word("attrOverride")), entry("volumePath", word("/data")), entry("attr", attr)];
    assert_eq!(refused("IOChaos", io), ["P0607"], "t29");
    let stress = lasting("StressChaos", vec![entry("stressngStressors", word("--cpu 1"))]);
    assert!(stress.codes().contains(&"P0607".to_owned()), "t32");
    let tls = vec![
        entry("target", word("Request")),
        entry("port", Value::Int(443)),
        entry("abort", Value::Bool(true)),
        entry("tls", record(vec![entry("secretName", word("x"))])),
    ];
    assert_eq!(refused("HTTPChaos", tls), ["P0607"], "t40");
}

#[test]
fn t30_t31_stress_has_workers_and_a_size() {
    let memory = |fields| vec![entry("stressors", record(vec![entry("memory", record(fields))]))];
    let size = || entry("size", Value::Bytes(Bytes(256 << 20)));
    let good = spec("StressChaos", memory(vec![entry("workers", Value::Int(1)), size()]));
    assert_eq!(good["stressors"]["memory"]["size"], "256MiB");
    assert_eq!(refused("StressChaos", memory(vec![entry("workers", Value::Int(0)), size()])), ["P0608"]);
    assert_eq!(refused("StressChaos", memory(vec![size()])), ["P0608"]);
    let share = entry("size", Value::Percent(percent("50%")));
    assert_eq!(refused("StressChaos", memory(vec![entry("workers", Value::Int(1)), share])), ["P0605"], "of the node");
}

#[test]
fn t33_a_clock_is_shifted() {
    assert_eq!(refused("TimeChaos", vec![entry("timeOffset", Value::Offset(Offset::default()))]), ["P0608"]);
    let clock = vec![
        entry("timeOffset", Value::Offset(Offset::new(seconds("25d"), false))),
        entry("clockIds", texts(&["CLOCK_REAL"])),
    ];
    assert_eq!(refused("TimeChaos", clock), ["P0608"]);
}

#[test]
fn t34_names_are_lower_case_and_end_in_the_star() {
    let dns = |name: &str| vec![entry("action", word("error")), entry("patterns", texts(&[name]))];
    for bad in ["*.example.com", "Api.example.com", "a*b", ""] {
        assert_eq!(refused("DNSChaos", dns(bad)), ["P0608"], "{bad}");
    }
    assert_eq!(spec("DNSChaos", dns("ledger.*"))["patterns"], serde_json::json!(["ledger.*"]));
}

#[test]
fn t36_t37_t38_t39_http_is_spelled_as_the_api_reads_it() {
    let http = |more: Vec<Entry>| {
        let mut all = vec![entry("target", word("Response")), entry("port", Value::Int(8080))];
        all.extend(more);
        all
    };
    let abort = || entry("abort", Value::Bool(true));
    let headers = || record(vec![entry("x-user", Value::Int(7))]);
    let good = spec("HTTPChaos", http(vec![abort(), entry("request_headers", headers())]));
    assert_eq!(good["request_headers"], serde_json::json!({"x-user": "7"}), "texts, in the API's own spelling");
    assert_eq!(refused("HTTPChaos", http(vec![abort(), entry("requestHeaders", headers())])), ["P0607"], "t36");
    assert_eq!(refused("HTTPChaos", http(vec![abort(), entry("method", word("get"))])), ["P0608"], "t37");
    let path = entry("replace", record(vec![entry("path", word("/x"))]));
    assert_eq!(refused("HTTPChaos", http(vec![path])), ["P0608"], "t37: a response has no path");
    let body = entry("replace", record(vec![entry("body", word("test"))]));
    assert_eq!(spec("HTTPChaos", http(vec![body]))["replace"]["body"], "dGVzdA==", "t38");
    let triple = entry("patch", record(vec![entry("headers", Value::List(vec![texts(&["a", "b", "c"])]))]));
    assert_eq!(refused("HTTPChaos", http(vec![triple])), ["P0605"], "t38");
    let port = vec![entry("target", word("Request")), entry("port", Value::Int(70_000)), abort()];
    assert_eq!(refused("HTTPChaos", port), ["P0608"], "t39");
}

#[test]
fn t41_t42_a_rule_of_the_jvm_compiles_and_has_a_name() {
    let java = |more: Vec<Entry>| {
        let mut all = vec![entry("action", word("return")), entry("class", word("a.B")), entry("method", word("c"))];
        all.extend(more);
        all
    };
    let good = spec("JVMChaos", java(vec![entry("returnValue", word("9"))]));
    assert!(good["name"].as_str().unwrap().starts_with("checkout-survives-slow-ledger-"), "{good}");
    let old = lasting("JVMChaos", java(vec![entry("value", word("9"))]));
    assert!(old.codes().contains(&"P0607".to_owned()), "t41: it would be the number of pods");
    let rule = java(vec![entry("returnValue", word("9")), entry("ruleData", word("RULE x"))]);
    assert_eq!(refused("JVMChaos", rule), ["P0608"], "t42");
    // Byteman's grammar: `THROW NEW name ( … )`; a bare word is a variable; a rule goes from RULE to ENDRULE.
    let thrown = |text: &str| {
        let fields = [("action", "exception"), ("class", "a.B"), ("method", "c"), ("exception", text)];
        fields.map(|(key, value)| entry(key, word(value))).to_vec()
    };
    for right in ["java.io.IOException(\"a (b) c\")", "IOException()", "a.B$C( $1, 2 )"] {
        spec("JVMChaos", thrown(right));
    }
    for wrong in ["java.io.IOException", "new a.B()", "(\"x\")", "a.B(\"x\");", "a..B()", "9x()"] {
        assert_eq!(refused("JVMChaos", thrown(wrong)), ["P0608"], "t42: {wrong}");
    }
    for right in ["9", "true", "null", "\"closed\"", "$1", "java.lang.Long.MAX_VALUE", "a.B.c()"] {
        spec("JVMChaos", java(vec![entry("returnValue", word(right))]));
    }
    for wrong in ["closed", "MAX_VALUE"] {
        assert_eq!(refused("JVMChaos", java(vec![entry("returnValue", word(wrong))])), ["P0608"], "t42: {wrong}");
    }
    let written = |text: &str| vec![entry("action", word("ruleData")), entry("ruleData", word(text))];
    spec("JVMChaos", written("# mine\nRULE r\nCLASS a.B\nMETHOD c\nDO return\nENDRULE\n"));
    for wrong in ["DO return", "RULE r\nDO return", "DO return\nENDRULE"] {
        assert_eq!(refused("JVMChaos", written(wrong)), ["P0608"], "t42: {wrong}");
    }
}

#[test]
fn t43_t44_t45_broken_and_foreign_kinds_are_refused() {
    for kind in ["KernelChaos", "PodIOChaos", "Workflow", "NetChaos"] {
        assert_eq!(refused(kind, vec![]), ["P0606"], "{kind}");
    }
    // Kinds of clouds and machines draw no pods.
    for kind in ["AWSChaos", "GCPChaos", "AzureChaos", "PhysicalMachineChaos"] {
        assert!(refused(kind, vec![]).contains(&"P0602".to_owned()), "{kind}: {:?}", refused(kind, vec![]));
    }
    let delay = vec![
        entry("action", word("delay")),
        entry("volumeName", word("data")),
        entry("delay", record(vec![entry("latency", duration("10ms"))])),
    ];
    assert_eq!(refused("BlockChaos", delay), ["P0608"], "not declared irreversible");
}

#[test]
fn t46_a_status_is_never_written() {
    assert!(run(&tour()).json.iter().all(|d| d.get("status").is_none()));
}

#[test]
fn t48_t49_every_fault_of_a_workflow_has_a_deadline_of_one_positive_integer_and_unit() {
    let emitted = run(&tour());
    for template in emitted.templates() {
        let kind = template["templateType"].as_str().unwrap();
        if kind.ends_with("Chaos") || kind == "Suspend" {
            let deadline = template["deadline"].as_str().unwrap();
            let digits = deadline.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            assert!(digits.parse::<u32>().is_ok_and(|n| n > 0) && digits.len() < deadline.len(), "{template}");
            assert!(!deadline.ends_with("ms"), "cut to whole seconds: {template}");
        }
    }
}

#[test]
fn t50_no_template_is_its_own_descendant() {
    fn depth(emitted: &Emitted, name: &str, left: u32) -> u32 {
        assert!(left > 0, "{name} is in a ring");
        let children = emitted.template(name)["children"].as_array().cloned().unwrap_or_default();
        1 + children.iter().map(|c| depth(emitted, c.as_str().unwrap(), left - 1)).max().unwrap_or(0)
    }
    assert!(depth(&run(&tour()), "entry", 20) > 3);
}

#[test]
fn t51_names_of_any_length_fit() {
    let mut plan = tour();
    plan.name = "x".repeat(120).into();
    plan.faults[1].name = format!("own.{}", "y".repeat(120)).into();
    let emitted = run(&resealed(plan));
    for template in emitted.templates() {
        assert!(template["name"].as_str().unwrap().len() <= 57, "{template}");
    }
    for document in &emitted.json {
        assert!(document["metadata"]["name"].as_str().unwrap().len() <= 63, "{document}");
        for label in document["metadata"]["labels"].as_object().unwrap().values() {
            assert!(label.as_str().unwrap().len() <= 63, "{document}");
        }
    }
}

#[test]
fn t52_a_workflow_has_annotations() {
    let notes = run(&tour()).only("Workflow")["metadata"]["annotations"].clone();
    assert_eq!(notes["perturb.dev/plan"], tour().digest);
}

#[test]
fn t54_the_next_step_waits_for_the_real_recovery() {
    let emitted = run(&tour());
    let children = emitted.template("method")["children"].as_array().unwrap();
    for (fault, clear) in [("step-1-with", "clear-1"), ("step-5-network-delay", "clear-5")] {
        let at = children.iter().position(|c| c == fault).unwrap();
        assert_eq!(children[at + 1], clear);
        let url = emitted.template(clear)["statusCheck"]["http"]["url"].as_str().unwrap();
        assert!(url.ends_with(&clear.replace('-', "/")), "{url}");
    }
}

fn scheduled(cron: &str) -> Emitted {
    let mut plan = tour();
    plan.schedule = Some(Schedule {
        verify: "weekly".into(),
        cron: cron.into(),
        zone: "Asia/Jakarta".into(),
        fresh_for: None,
        among_others: false,
        drawn: None,
        span: at(60),
    });
    run(&resealed(plan))
}

#[test]
fn t55_t56_a_schedule_keeps_its_results_and_survives_missed_starts() {
    let spec = scheduled("0 10 * * tue").only("Schedule")["spec"].clone();
    assert_eq!(spec["historyLimit"], 5);
    let late = spec["startingDeadlineSeconds"].as_i64().unwrap();
    assert!(late > 0 && late < 100 * 60, "below a hundred periods of the densest cron");
    assert_eq!(spec["type"], "Workflow");
}

#[test]
fn t57_a_schedule_is_unique_and_carries_no_label_of_chaos_meshs_own() {
    let schedule = scheduled("0 10 * * tue").only("Schedule").clone();
    let name = schedule["metadata"]["name"].as_str().unwrap();
    assert!(name.len() <= 57 && !name.contains(tour().short_digest()), "{name}");
    assert!(schedule["metadata"]["labels"].get("managed-by").is_none());
}

#[test]
fn t58_a_cron_has_its_zone() {
    let emitted = scheduled("0 10 * * tue");
    assert_eq!(emitted.only("Schedule")["spec"]["schedule"], "CRON_TZ=Asia/Jakarta 0 10 * * tue");
    assert!(!emitted.approximate().contains(&"order"), "one run has nothing to wait for");
}

#[test]
fn several_runs_of_a_verify_start_at_once_there() {
    let mut plan = tour();
    plan.schedule = Some(Schedule {
        verify: "weekly".into(),
        cron: "0 10 * * tue".into(),
        zone: "Asia/Jakarta".into(),
        fresh_for: None,
        among_others: true,
        drawn: None,
        span: at(60),
    });
    assert!(run(&resealed(plan)).approximate().contains(&"order"));
}

#[test]
fn t59_a_check_connects_and_can_be_true() {
    let emitted = run(&tour());
    for template in emitted.templates().iter().filter(|t| t["templateType"] == "StatusCheck") {
        let check = &template["statusCheck"];
        assert_eq!(check["type"], "HTTP");
        assert!(check["http"]["url"].as_str().unwrap().starts_with("http://"));
        assert_eq!(check["successThreshold"], 1);
    }
}

#[test]
fn t60_what_cannot_be_changed_has_the_plan_in_its_name() {
    let one = with_draw(|_| ());
    let two = with_draw(|d| d.quantity = Quantity::All);
    assert_ne!(one.json[0]["metadata"]["name"], two.json[0]["metadata"]["name"]);
    assert_eq!(one.yaml, with_draw(|_| ()).yaml);
}

#[test]
fn what_chaos_mesh_draws_for_itself_it_cannot_be_told() {
    assert_eq!(narrowed(|s| s.zone = Some(At::Drawn(1))).codes(), ["P0602"]);
    assert_eq!(narrowed(|s| s.node = Some(At::Drawn(1))).codes(), ["P0602"]);
    assert_eq!(narrowed(|s| s.except = vec![1]).codes(), ["P0602"]);
    for selector in [Selector::Zones(pods("ledger")), Selector::Workloads(pods("ledger")), Selector::Clusters(vec![])] {
        assert_eq!(with_draw(|d| d.selector = selector).codes(), ["P0602"]);
    }
    let zone = narrowed(|s| s.zone = Some(At::Named("jkt-a".into())));
    let labels = serde_json::json!({"topology.kubernetes.io/zone": "jkt-a"});
    assert_eq!(zone.json[0]["spec"]["selector"]["nodeSelectors"], labels);
}

#[test]
fn a_value_without_a_spelling_is_refused() {
    let cpu = |workers| vec![entry("stressors", record(vec![entry("cpu", record(vec![entry("workers", workers)]))]))];
    assert_eq!(refused("StressChaos", cpu(Value::Cores(Cores(Decimal::ONE)))), ["P0605"]);
    let secret = vec![entry("action", word("error")), entry("patterns", Value::List(vec![Value::Secret("x".into())]))];
    assert_eq!(refused("DNSChaos", secret), ["P0605"]);
    let several = cpu(Value::Number(Decimal::new(20, 1)));
    assert_eq!(spec("StressChaos", several)["stressors"]["cpu"]["workers"], 2);
}
