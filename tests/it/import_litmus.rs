//! What the importer makes of Litmus beside its faults: probes, Argo Workflows, schedules, faults of other hubs.

use std::fmt::Write as _;

use crate::engine_schemas::shared::shared;
use crate::import_support::{filled, findings, imported};
use crate::support::{compile, read};

/// An engine with one probe.
fn probed(probe: &str) -> String {
    let probe: String = probe.lines().map(|line| format!("        {line}\n")).collect();
    format!(
        "apiVersion: litmuschaos.io/v1alpha1
kind: ChaosEngine
metadata: {{name: probed, namespace: litmus}}
spec:
  appinfo: {{appns: shop, applabel: app=web}}
  experiments:
  - name: pod-network-latency
    spec:
      components:
        env:
        - {{name: TOTAL_CHAOS_DURATION, value: \"60\"}}
        - {{name: NETWORK_LATENCY, value: \"2000\"}}
      probe:
      -
{probe}"
    )
}

const RUN: &str = "runProperties: {probeTimeout: 5s, interval: 5s}";

fn http(more: &str, get: &str) -> String {
    format!(
        "name: p\ntype: httpProbe\nmode: Edge\nhttpProbe/inputs: {{url: \"http://x\", {more}method: {{get: {get}}}}}\n{RUN}\n"
    )
}

fn cmd(command: &str, comparator: &str) -> String {
    format!(
        "name: p\ntype: cmdProbe\nmode: Edge\ncmdProbe/inputs: {{command: {command:?}, comparator: {comparator}}}\n{RUN}\n"
    )
}

fn prom(inputs: &str) -> String {
    format!("name: p\ntype: promProbe\nmode: Edge\npromProbe/inputs: {{{inputs}}}\n{RUN}\n")
}

fn k8s(inputs: &str) -> String {
    format!("name: p\ntype: k8sProbe\nmode: Edge\nk8sProbe/inputs: {{version: v1, {inputs}}}\n{RUN}\n")
}

/// Whatever a probe says that the language does not, or that Litmus would misread, is a finding at its place.
#[test]
fn what_a_probe_cannot_say_is_found() {
    let get = "{criteria: ==, responseCode: \"200\"}";
    let good = http("", get);
    let pods = "resource: pods, namespace: shop, labelSelector: app=db";
    let asks = "endpoint: \"http://prom\", comparator: {criteria: \">\", value: \"1\"}";
    let cases = [
        (good.replace("Edge", "edge"), "P0804 there is no mode `edge`"),
        (good.replace("httpProbe", "sloProbe"), "P0804 there is no `sloProbe`"),
        (good.replace(RUN, ""), "P0804 the probe `p` has no `runProperties`"),
        (good.replace("probeTimeout: 5s", "probeTimeout: 5"), "P0804 `probeTimeout` is `5`, and no length of time"),
        (good.replace("interval: 5s", "interval: 1d"), "P0804 `interval` is `1d`, and no length of time"),
        (good.replace("interval: 5s", "attempt: 1"), "P0804 this probe has no `interval`"),
        (good.replace("probeTimeout: 5s", "probeTimeout: 0s"), "P0804 a `probeTimeout` of zero"),
        (
            good.replace("Edge", "OnChaos").replace("5s}", "5s, initialDelay: 3s}"),
            "P0803 `initialDelay` of a probe that asks all the time",
        ),
        (http("insecureSkipVerify: true, ", get), "P0803 `insecureSkipVerify` has no equivalent"),
        (http("", get).replace("get:", "post:"), "P0803 a probe by POST"),
        (http("", get).replace("http://x", "http://{{x}}"), "P0803 `http://{{x}}` is a template"),
        (http("", "{criteria: ~, responseCode: \"200\"}"), "P0804 there is no criterion"),
        (http("", "{criteria: ==, responseCode: \"2xx\"}"), "P0804 `2xx` is not a status"),
        (http("", "{criteria: oneOf, responseCode: \"200\"}"), "P0804 `oneOf` with one member"),
        (http("", "{criteria: oneOf, responseCode: \"200, 201\"}"), "P0804 ` 201` is not a status"),
        (cmd("ls", "{type: int, criteria: \"==\", value: \"1.5\"}"), "P0804 `1.5` is not a whole number"),
        (cmd("ls", "{type: text, criteria: \"==\", value: \"1\"}"), "P0804 there is no comparison by `text`"),
        (cmd("ls", "{type: string, criteria: equals, value: a}"), "P0804 there is no criterion `equals`"),
        (cmd("ls", "{type: string, criteria: equal, value: \"a,b\"}"), "P0804 a text with a comma"),
        (cmd("ls", "{type: string, criteria: matches, value: a+}"), "P0803 `matches` has no equivalent"),
        (cmd("{{ .a }}", "{type: int, criteria: \"==\", value: \"1\"}"), "P0803 `{{ .a }}` is a template"),
        (
            cmd("ls", "{type: int, criteria: \"==\", value: \"1\"}, source: {image: busybox}"),
            "P0803 a command in a pod of its own image",
        ),
        (cmd("ls", "{type: int, criteria: \"==\", value: \"1\"}, source: inline"), "P0804 `source` is `inline`"),
        (prom(&format!("queryPath: /q, {asks}")), "P0803 a query in a file"),
        (prom(&format!("query: 'up{{a=\"b\"}}', {asks}")), "P0804 a bare `\"` in a query"),
        (prom(&format!("query: sum(up) > $x, {asks}")), "P0804 a bare `$` in a query"),
        (k8s(&format!("{pods}, operation: absent")), "P0803 that something is absent"),
        (k8s(&format!("{pods}, operation: create")), "P0803 a probe that does `create`"),
        (k8s(&format!("{pods}, operation: exists")), "P0804 there is no operation `exists`"),
        (k8s("resource: services, namespace: shop, operation: present"), "P0803 whether `services` are there"),
        (k8s("resource: pods, labelSelector: a=b, operation: present"), "P0803 pods of every namespace"),
        (k8s("resource: pods, namespace: shop, operation: present"), "P0803 all pods of a namespace"),
        (
            k8s("resource: pods, namespace: shop, labelSelector: a!=b, operation: present"),
            "P0803 the selector `a!=b` has no equivalent",
        ),
        (k8s(&format!("{pods}, fieldSelector: spec.nodeName=n, operation: present")), "P0803 the fields"),
    ];
    let mut wrong = String::new();
    for (probe, expected) in cases {
        let text = probed(&probe);
        let found = findings(&imported(&[("engine.yaml", &text)], false));
        if !found.contains(expected) {
            let _ = writeln!(wrong, "{expected}: {found}\n{probe}");
        }
        if expected.starts_with("P0803") {
            let lossy = imported(&[("engine.yaml", &text)], true);
            if lossy.counts.lost != 1 || lossy.files.is_empty() {
                let _ = writeln!(wrong, "{expected} under --lossy: {}", findings(&lossy));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let fine = imported(&[("engine.yaml", &probed(&good))], false);
    assert!(fine.diagnostics.is_empty(), "{}", findings(&fine));
}

/// Two probes that ask two servers: a cluster has one.
#[test]
fn a_second_prometheus_is_found() {
    let text = read("tests/corpus/import/litmus-probes.yaml").replacen("prometheus.monitoring", "other", 1);
    assert!(findings(&imported(&[("probes.yaml", &text)], false)).contains("a second Prometheus"));
}

/// What comes out reads well, and compiles.
#[test]
fn probes_and_workflows_read_well() {
    let all = [
        ("litmus_probes", "litmus-probes"),
        ("litmus_argo", "litmus-argo"),
        ("litmus_schedule", "litmus-schedule"),
        ("litmus_own", "litmus-own"),
    ];
    for (name, file) in all {
        let text = read(&format!("tests/corpus/import/{file}.yaml"));
        let imported = imported(&[(&format!("{file}.yaml"), &text)], false);
        assert!(!imported.files.is_empty(), "{name}: {}", findings(&imported));
        let out = &imported.files[0].1;
        let compiled = compile(&[("imported.chaos", filled(out).as_str())]);
        assert!(!compiled.diagnostics.iter().any(|d| d.is_error()), "{name}: {}\n{out}", compiled.errors());
        let notes: String = imported.notes.iter().map(|(_, note)| format!("note: {note}\n")).collect();
        insta::assert_snapshot!(name, format!("{notes}{out}"));
    }
}

/// What a Workflow of Argo, a ChaosSchedule or a fault of one's own cannot say is found at its place; under `--lossy` it is lost
/// and counted.
#[test]
fn what_the_rest_of_litmus_cannot_say_is_found() {
    let (argo, schedule, own) = ("litmus-argo", "litmus-schedule", "litmus-own");
    let install = "- - {name: install, template: install-chaos-faults}";
    let cases = [
        (argo, "0 10 * * 1-5", "@every 1h", "P0803 `@every 1h` has no equivalent"),
        (argo, "0 10 * * 1-5", "soon", "P0804 `soon` is not a schedule"),
        (argo, "concurrencyPolicy: Forbid", "concurrencyPolicy: Allow", "P0803 `Allow` has no equivalent"),
        (argo, "schedule: \"0 10 * * 1-5\"", "schedules: [1 1 * * *, 2 2 * * *]", "P0803 a second schedule"),
        (argo, "entrypoint: chaos", "entrypoint: chaos2", "P0804 no template is called `chaos2`"),
        (argo, "template: pod-delete}", "template: chaos}", "P0804 the template `chaos` contains itself"),
        (argo, "template: pod-delete}", "template: pod-delete, when: \"1 == 1\"}", "P0803 `when` of a step"),
        (argo, "template: pod-delete}", "templateRef: {name: a, template: b}}", "P0803 a template of another object"),
        (argo, "      - - {name: delete", "        - {name: x, template: latency}\n        - {name: delete", "P0803"),
        (argo, "value: shop", "x: shop", "P0803 `{{workflow.parameters.appNamespace}}` is known to Argo only"),
        (
            argo,
            "litmuschaos/k8s:3.31.0\n        command: [sh, -c]\n        args: [\"kubectl delete",
            "shop/loader:1\n        args: [\"x",
            "P0803 the step `cleanup-chaos-resources` has no equivalent: it runs a program",
        ),
        (argo, install, "- - {name: w, template: w}", "P0804 no template is called `w`"),
        (argo, "kind: ChaosEngine\n", "kind: ChaosEngine\n              a: [\n", "P0801"),
        (
            schedule,
            "schedule: {now: true}",
            "schedule: {once: {executionTime: x}}",
            "P0803 a ChaosSchedule that runs `once`",
        ),
        (schedule, "schedule: {now: true}", "schedule: {}", "P0804 a `schedule` is one of"),
        (
            schedule,
            "      workHours",
            "      timeRange: {endTime: x}\n      workHours",
            "P0803 `endTime` has no equivalent",
        ),
        (schedule, "everyNthHour: 4", "everyNthHour: 0", "P0804 these times are not five fields"),
        (schedule, "8-16", "8-99", "P0804 these times are not five fields"),
        (
            schedule,
            "  engineTemplateSpec:\n    appinfo",
            "  engine:\n    appinfo",
            "P0804 this ChaosSchedule has no `engineTemplateSpec`",
        ),
        (own, "./experiments -name revoke-keys", "./revoke", "P0803 `token-revoke-keys` is not started as"),
        (own, "key: SIGNER", "key: other", "P0803 a key of a Secret"),
        (
            own,
            "    secrets: [",
            "    configMaps: [{name: a, mountPath: b}]\n    secrets: [",
            "P0803 ConfigMaps that an experiment",
        ),
        (own, "{name: KEY_SHARE, value: \"20\"}", "{name: KEYS, value: \"20\"}", "P0803 `KEYS` is no variable of"),
        (own, "verbs: [create]}", "verbs: [create], resourceNames: [a]}", "P0803 `resourceNames` of a permission"),
        (
            own,
            "kind: ChaosExperiment\nmetadata: {name: token",
            "kind: X\nmetadata: {name: token",
            "P0803 no fault of the library is Litmus' `token-revoke-keys`",
        ),
    ];
    let mut wrong = String::new();
    for (file, before, after, expected) in cases {
        let text = read(&format!("tests/corpus/import/{file}.yaml"));
        assert!(text.contains(before), "{file}: {before}");
        let text = text.replacen(before, after, 1);
        let found = findings(&imported(&[(file, &text)], false));
        if !found.contains(expected) {
            let _ = writeln!(wrong, "{expected}: {found}");
        }
        if expected.starts_with("P0803") {
            let lossy = imported(&[(file, &text)], true);
            let lost: usize = lossy.files.iter().map(|(_, out)| out.matches("// lost:").count()).sum();
            if lossy.files.is_empty() || lossy.counts.lost == 0 || lossy.counts.lost != lost {
                let _ = writeln!(wrong, "{expected} under --lossy: {} counted, {lost} written", lossy.counts.lost);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Every workflow of the public hub is imported, or stands in the snapshot with everything that it cannot say.
#[test]
fn what_litmus_workflows_cannot_say_is_told() {
    const NAME: &str = "what_litmus_workflows_cannot_say_is_told";
    let Some(shared) = shared(NAME) else { return };
    let folder = shared.join("corpus/litmus/experiments");
    let mut found = String::new();
    let (mut workflows, mut said) = (0, 0);
    for path in crate::import::yaml_files(&folder) {
        let name = path.strip_prefix(&folder).unwrap().to_string_lossy().replace('\\', "/");
        let text = std::fs::read_to_string(&path).unwrap();
        let strict = imported(&[(&name, &text)], false);
        workflows += 1;
        let mut lines: Vec<String> = findings(&strict)
            .lines()
            .map(|line| line.split_once(' ').map_or(line, |(_, rest)| rest).to_owned())
            .collect();
        lines.sort();
        lines.dedup();
        lines.iter().for_each(|line| writeln!(found, "{name} {line}").unwrap());
        // What can be said compiles, or the compiler has something against it.
        let lossy = imported(&[(&name, &text)], true);
        assert_eq!(lossy.counts.lost, lossy.files[0].1.matches("// lost:").count(), "{name}");
        if lossy.counts.experiments > 0 {
            said += lossy.counts.experiments;
            let compiled = compile(&[("imported.chaos", filled(&lossy.files[0].1).as_str())]);
            for d in compiled.diagnostics.iter().filter(|d| d.is_error()) {
                writeln!(found, "{name} imported, then {} {}", d.code, d.message).unwrap();
            }
        }
    }
    eprintln!("{NAME}: {workflows} workflows, {said} experiments");
    assert!(workflows >= 20 && said >= 20, "{workflows} workflows, {said} experiments");
    insta::assert_snapshot!("litmus_workflows", found);
}

/// The shell that a comparison of texts becomes says what Litmus would.
#[test]
fn a_comparison_of_texts_is_the_one_of_litmus() {
    let cases = [
        ("printf 'a b\\n'", "equal", "a b", true),
        ("printf 'a b'", "equal", "a", false),
        ("printf \"it's\"", "contains", "t's", true),
        ("printf '*x'", "contains", "*", true),
        ("printf 'x'", "contains", "*", false),
        ("printf 'x' # why", "notEqual", "y", true),
        ("printf 'x'; false", "equal", "x", false),
        ("exit 3", "notEqual", "x", false),
    ];
    for (command, criteria, value, holds) in cases {
        let value = serde_json::to_string(value).unwrap();
        let probe = cmd(command, &format!("{{type: string, criteria: {criteria}, value: {value}}}"));
        let imported = imported(&[("engine.yaml", &probed(&probe))], false);
        let out = &imported.files.first().unwrap_or_else(|| panic!("{}", findings(&imported))).1;
        let plan = compile(&[("imported.chaos", filled(out).as_str())]).plans.remove(0).plan.expect("it compiles");
        let run = plan.streams.iter().find_map(|s| match &s.source {
            perturb::plan::Source::Command { command, .. } => Some(command.clone()),
            _ => None,
        });
        let run = run.expect("a command");
        let status = std::process::Command::new(run[0].as_str())
            .args(run[1..].iter().map(|a| a.as_str()))
            .status()
            .expect("it runs");
        assert_eq!(status.success(), holds, "{command} {criteria} {value}: {run:?}");
    }
}

/// A variable of a fault of one's own has the type that all its values tell, in whichever engine they stand.
#[test]
fn variables_of_an_own_fault_have_the_type_of_their_values() {
    let text = read("tests/corpus/import/litmus-own.yaml");
    let declared = |text: &str| {
        let imported = imported(&[("own.yaml", text)], false);
        let out = imported.files.first().map_or_else(|| findings(&imported), |(_, text)| text.clone());
        let at = out.find("fault token-revoke-keys").unwrap_or(0);
        out[at..].lines().take_while(|line| !line.contains("effect")).collect::<Vec<_>>().join(" ")
    };
    let cases = [
        ("\"10\"", "\"10\"", "key-share: Int = 10"),
        ("\"10\"", "\"true\"", "key-share: String = \"true\""),
        ("\"10\"", "\"010\"", "key-share: String = \"010\""),
        ("value: expiry", "value: \"true\"", "reason: Bool = true"),
        // The engine gives a text where the hub has a number.
        ("\"20\"", "a-fifth", "key-share: String = \"10\""),
        ("\"20\"", "\"4294967296\"", "key-share: String = \"10\""),
    ];
    for (from, to, wanted) in cases {
        let found = declared(&text.replacen(from, to, 1));
        assert!(found.contains(wanted), "{from} -> {to}: {found}");
    }
}

/// What is imported a little stricter than it was written is told at its place.
#[test]
fn what_asks_more_than_it_did_is_told() {
    let text = read("tests/corpus/import/litmus-probes.yaml");
    let imported = imported(&[("probes.yaml", &text)], false);
    let told: Vec<String> = findings(&imported).lines().filter(|l| l.contains("P0807")).map(str::to_owned).collect();
    assert_eq!(told.len(), 4, "{told:?}");
    let owner = "`appkind: deployment` is imported as pods of any owner";
    for what in ["`present` is imported as *ready*", "`SOT` is asked after", "`EOT` is asked before", owner] {
        assert!(told.iter().any(|line| line.contains(what)), "{what}: {told:?}");
    }
    assert!(!imported.files.is_empty(), "a warning keeps nothing back");
}

/// Kubernetes takes more signs in a variable's name than a word of the language has.
#[test]
fn variables_with_signs_are_keys_in_quotes() {
    let text = read("tests/corpus/import/litmus-own.yaml").replace("KEY_SHARE", "'A_$KEY \"${B}\"'");
    let imported = imported(&[("own.yaml", &text)], false);
    let (_, out) = imported.files.first().unwrap_or_else(|| panic!("{}", findings(&imported)));
    assert!(out.contains(r#""A_$KEY \"$${B}\"": "#), "{out}");
    let parse = perturb::syntax::parse(perturb::source::FileId(0), out);
    assert!(parse.diagnostics.is_empty(), "{out}\n{:?}", parse.diagnostics);
}

/// An engine of a fault with these variables.
fn engine(name: &str, appkind: &str, fault: &str, env: &[(&str, &str)]) -> String {
    let env: Vec<String> = env.iter().map(|(name, value)| format!("{{name: {name}, value: \"{value}\"}}")).collect();
    format!(
        "apiVersion: litmuschaos.io/v1alpha1
kind: ChaosEngine
metadata: {{name: {name}, namespace: litmus}}
spec:
  appinfo: {{appns: shop, applabel: app=web{appkind}}}
  experiments:
  - name: {fault}
    spec:
      components:
        env: [{}]
",
        env.join(", ")
    )
}

/// One after another is not at once; with one target there is no difference.
#[test]
fn a_serial_sequence_is_lost_where_several_are_hit() {
    let time = ("TOTAL_CHAOS_DURATION", "60");
    let latency = ("NETWORK_LATENCY", "2000");
    let serial = |half: &'static str, sequence: &'static str| {
        engine(
            "slow",
            "",
            "pod-network-latency",
            &[time, latency, ("PODS_AFFECTED_PERC", half), ("SEQUENCE", sequence)],
        )
    };
    let found = findings(&imported(&[("engine.yaml", &serial("50", "serial"))], false));
    assert!(found.contains("P0803 `SEQUENCE: serial` has no equivalent"), "{found}");
    let lossy = imported(&[("engine.yaml", &serial("50", "serial"))], true);
    assert_eq!(lossy.counts.lost, 1, "{}", findings(&lossy));
    for fine in [serial("0", "serial"), serial("50", "parallel")] {
        let imported = imported(&[("engine.yaml", &fine)], false);
        assert!(imported.diagnostics.is_empty(), "{}", findings(&imported));
    }
}

/// A selector of pods does not ask who owns them.
#[test]
fn the_kind_of_the_owner_is_said_to_be_left_out() {
    let env = [("TOTAL_CHAOS_DURATION", "60"), ("NETWORK_LATENCY", "2000")];
    let text = engine("slow", ", appkind: deployment", "pod-network-latency", &env);
    let found = findings(&imported(&[("engine.yaml", &text)], false));
    assert!(found.contains("P0807 `appkind: deployment` is imported as pods of any owner"), "{found}");
}

/// What hits the first container must not hit the one that another engine names.
#[test]
fn a_container_that_one_engine_names_is_not_the_other_ones() {
    let time = ("TOTAL_CHAOS_DURATION", "60");
    let latency = ("NETWORK_LATENCY", "2000");
    let hog = |name: &str, more: &[(&'static str, &'static str)]| {
        engine(name, "", "pod-cpu-hog", &[&[time, ("CPU_CORES", "1"), ("CPU_LOAD", "100")][..], more].concat())
    };
    let named = hog("named", &[("TARGET_CONTAINER", "app")]);
    let texts =
        [named.clone(), hog("first", &[]), engine("slow", "", "pod-network-latency", &[time, latency])].join("---\n");
    let imported = imported(&[("engines.yaml", &texts)], false);
    let text: String = imported.files.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(text.matches("container: \"app\"").count(), 1, "{text}");
    assert!(text.contains("stress.cpu(one of web.pods") && text.contains("stress.cpu(one of web-2.pods"), "{text}");
    assert!(text.contains("network.delay(one of web.pods"), "{text}");
}
