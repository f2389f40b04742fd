//! What the importer makes of Litmus beside its faults: probes, Argo Workflows, schedules, faults of other hubs.

use std::fmt::Write as _;

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
  appinfo: {{appns: shop, applabel: app=web, appkind: deployment}}
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
    for (name, file) in [("litmus_probes", "litmus-probes")] {
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
