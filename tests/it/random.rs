//! Random small programs go the whole way without a panic, say the same twice, and point into their text.
//!
//! Comes in: a catalogue, and an experiment of random steps, conditions and values, most of which fit. Goes out: nothing;
//! whatever is wrong with such a program is a diagnostic.

use std::sync::Arc;

use perturb::analysis::{analyse_over, picture, telling, timeline};
use perturb::check;
use perturb::diagnostic::Diagnostic;
use perturb::engine::native::natives;
use perturb::engine::{EmitOptions, chaos_mesh, litmus};
use perturb::lower::{self, Catalogue, Planners};
use perturb::manifest::{Arena, Node, yaml};
use perturb::plan::Plan;
use perturb::source::{FileId, Memory, SourceMap};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;

const CATALOGUE: &str = r##"
import std.{network, pod, stress, dns, http, disk, clock, node, workload, load, probe}
team platform { contact: "#platform" }
let small = 200ms
service checkout {
  owner: platform, tier: critical, replicas: match environment { staging: 2, production: 6 }
  pods: pods(namespace: "pay", labels: { app: "checkout" }), endpoints: ["https://checkout.example"]
  depends-on: [ledger]
}
service ledger { owner: platform, tier: high, replicas: 3, pods: pods(namespace: "pay", labels: { app: "ledger" }) }
service bank { owner: platform, tier: low, hosts: ["bank.example"] }
metric success(of: Service, over: Duration = 1m): Percent {
  prometheus: "sum(rate(ok{app=\"${of.name}\"}[${over}]))", unit: ratio, window: over
}
metric p99(of: Service): Duration { prometheus: "p99{app=\"${of.name}\"}", unit: s }
metric queue(of: Service): Int { json: { url: "https://${cluster.region}.example/q", pointer: "/q" }, every: 10s }
metric broken(of: Service): Bool { prometheus: "max(open{app=\"${of.name}\"})" }
slo availability { service: checkout, indicator: success(checkout), objective: 99.9%, window: 30d }
cluster stg-1 { context: "stg-1", engines: [chaos-mesh, litmus, kubernetes], region: "stg", prometheus: "https://m.example" }
cluster jkt-1 { context: "jkt-1", engines: [litmus, local], region: "jkt", prometheus: "https://m.example" }
environment staging { clusters: [stg-1] }
environment production { clusters: [jkt-1], protected: true }
policy safety {
  environments: [production]
  only on mon..thu 10:00..16:00 in "Asia/Jakarta"
  require experiment.duration <= 30m because "short"
  require experiment.blast-radius <= 34% because "small"
  require experiment.budget-cost <= 5% because "cheap"
  require fault.reversible because "safe"
}
"##;

/// Values that seldom fit: of every type, at every edge.
const ODD: &[&str] = &[
    "0s",
    "5 - 7s",
    "50%",
    "0%",
    "120%",
    "10Mbit/s",
    "512MiB",
    "2cores",
    "200/s",
    "0",
    "-3",
    "-5m",
    "+25d",
    "\"text\"",
    "none",
    "[]",
    "[\"a.example\"]",
    "checkout",
    "ledger.pods",
    "one of ledger.pods",
    "x",
    "true",
    "environment",
    "cluster.region",
    "1..3",
    "max([1, 2])",
    "5m - 10m",
    "2 * small",
    "secret(\"s\")",
    "services",
    "99999999999999999999999d",
    "1000000000000h",
    "match environment { staging: 1m, production: 2m }",
    "\"${small}\"",
    "10 / 3",
    "\u{1F980}",
    "(",
    "9223372036854775807",
];

/// Mostly what fits, and now and then anything.
fn value(fitting: &'static [&'static str]) -> BoxedStrategy<String> {
    prop_oneof![40 => select(fitting), 1 => select(ODD)].prop_map(str::to_owned).boxed()
}

fn time() -> BoxedStrategy<String> {
    value(&["10s", "1m", "90s", "5m", "2h", "small", "match environment { staging: 1m, production: 2m }", "1ms"])
}

const PODS: &[&str] = &[
    "one of ledger.pods",
    "3 of checkout.pods",
    "50% of ledger.pods",
    "all of ledger.pods",
    "1% of checkout.pods",
    "hit",
    "one of ledger.pods(except: hit)",
    "all of ledger.pods(zone: lost)",
    "one of checkout.pods(labels: { role: \"a\" })",
    "all of pods(namespace: \"pay\")",
    "one of pods(namespace: \"kube-system\", labels: { k8s-app: \"dns\" })",
];

/// A call of a fault: its name, what it hits, its other arguments with `@` for a value.
fn fault(
    name: &'static str,
    on: &'static [&'static str],
    args: &'static str,
    values: &'static [&'static str],
) -> BoxedStrategy<String> {
    (value(on), value(values)).prop_map(move |(t, v)| format!("{name}({t}{})", args.replace('@', &v))).boxed()
}

fn lasting() -> BoxedStrategy<String> {
    prop_oneof![
        fault("network.delay", PODS, ", latency: @", &["300ms", "small", "60s", "1ms"]),
        fault("network.delay", PODS, ", latency: 1s, peer: @, direction: both", &["all of checkout.pods", "hit"]),
        fault("network.loss", PODS, ", loss: @", &["5%", "100%", "0.1%", "33.3%"]),
        fault("network.partition", PODS, ", peer: @", &["all of ledger.pods", "one of checkout.pods"]),
        fault("pod.fail", PODS, "", &["1"]),
        fault("stress.cpu", PODS, ", load: @", &["2cores", "0.5cores"]),
        fault("stress.memory", PODS, ", size: @", &["512MiB", "1GB"]),
        fault("dns.error", PODS, ", names: @", &["[\"a.example\"]", "bank.hosts"]),
        fault("http.status", PODS, ", port: 8080, code: @", &["503"]),
        fault("http.delay", PODS, ", port: 80, latency: @, share: 50%", &["1s", "1500us"]),
        fault("disk.full", PODS, ", path: @", &["\"/data\"", "none"]),
        fault("clock.skew", PODS, ", by: @", &["-5m", "+25d", "+0s"]),
        fault("node.drain", &["one of ledger.nodes", "all of checkout.nodes"], "", &["1"]),
        fault("load.http", &["all of checkout.endpoints"], ", rate: @", &["50/s"]),
    ]
    .boxed()
}

fn instant() -> BoxedStrategy<String> {
    prop_oneof![
        fault("pod.kill", PODS, "", &["1"]),
        fault("pod.kill", PODS, ", grace: @", &["30s"]),
        fault("workload.restart", &["all of checkout.workloads"], "", &["1"]),
    ]
    .boxed()
}

fn condition() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        value(&["99.5%", "0%", "100%"]).prop_map(|v| format!("success(checkout) >= {v}")),
        (time(), value(&["95%", "0%"])).prop_map(|(d, v)| format!("success(ledger, over: {d}) < {v}")),
        value(&["800ms", "0s", "2 * small"]).prop_map(|v| format!("p99(checkout) < {v}")),
        value(&["100", "0", "3 * queue(checkout)", "queue(ledger) + 1"]).prop_map(|v| format!("queue(ledger) < {v}")),
        Just("not broken(checkout)".to_owned()),
        value(&["30%"]).prop_map(|v| format!("availability.budget-left < {v}")),
        value(&["14"]).prop_map(|v| format!("availability.burn-rate(over: 1m) > {v}")),
        Just("probe.http-status(\"https://checkout.pay.svc/\") == 200".to_owned()),
        Just("probe.ready-pods(ledger) >= 2".to_owned()),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} and {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
    .boxed()
}

fn steps() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        6 => (lasting(), time()).prop_map(|(c, d)| format!("{c} for {d}")),
        3 => instant(),
        1 => time().prop_map(|d| format!("wait {d}")),
        1 => (condition(), time()).prop_map(|(c, d)| format!("check NAME: {c} within {d}")),
        1 => condition().prop_map(|c| format!("check NAME: {c}")),
        1 => time().prop_map(|d| format!("ask platform \"Go on?\" within {d}")),
        1 => time().prop_map(|d| format!("note platform \"What?\" within {d}")),
        1 => Just("note \"A line.\"".to_owned()),
    ];
    let step = leaf.prop_recursive(3, 12, 4, |inner| {
        let block = prop::collection::vec(inner, 1..4).prop_map(|all| all.join("\n"));
        prop_oneof![
            (lasting(), block.clone()).prop_map(|(c, b)| format!("with {c} {{\nwait 1m\n{b}\n}}")),
            block.clone().prop_map(|b| format!("parallel {{\n{b}\n}}")),
            block.clone().prop_map(|b| format!("sequence {{\n{b}\n}}")),
            (value(&["1..3", "5%..20% by 5%", "[1s, 2s]", "1..5 where LOOP > 2"]), block)
                .prop_map(|(l, b)| format!("for each LOOP in {l} {{\n{b}\n}}")),
        ]
    });
    let more = prop::collection::vec(step, 0..4).prop_map(|all| all.join("\n"));
    (instant(), more).prop_map(|(first, more)| numbered(&format!("{first}\n{more}"))).boxed()
}

/// Gives each check and each loop a name of its own.
fn numbered(steps: &str) -> String {
    let mut out = String::new();
    let mut number = 0;
    for line in steps.split_inclusive('\n') {
        number += 1;
        out.push_str(&line.replace("NAME", &format!("seen{number}")).replace("LOOP", &format!("x{number}")));
    }
    out
}

fn program() -> BoxedStrategy<String> {
    let tail = select(vec!["", " except during faults", " only during faults", " within 30s", ""]);
    let expects = prop::collection::vec((condition(), tail), 1..4).prop_map(|all| {
        let lines: Vec<String> = all.iter().enumerate().map(|(i, (c, t))| format!("expect e{i}: {c}{t}")).collect();
        lines.join("\n")
    });
    let guards = prop::collection::vec((condition(), prop::option::of(time())), 1..3).prop_map(|all| {
        let hold = |d: &Option<String>| d.as_ref().map(|d| format!(" for {d}")).unwrap_or_default();
        all.iter().map(|(c, d)| format!("abort when {c}{}", hold(d))).collect::<Vec<_>>().join("\n")
    });
    let class = value(&["automatic", "manual", "unknown"]);
    let scenario = "scenario it(subject: Service, x: Duration = 1m)";
    let kind = prop_oneof![6 => Just("experiment it"), 1 => Just(scenario)];
    (kind, expects, guards, steps(), class, time(), time())
        .prop_map(|(kind, expects, guards, steps, class, recovery, baseline)| {
            format!(
                "{CATALOGUE}\n{kind} {{\nservice: checkout, baseline: {baseline}\n\
                 hypothesis {{\n{expects}\nrecovery {class} within {recovery}\n}}\nguard {{\n{guards}\n}}\n\
                 method {{\nlet hit = one of ledger.pods\nlet lost = one of ledger.zones\n{steps}\n}}\n}}\n\
                 verify often {{ in: one of staging.clusters, every \"0 10 * * tue\" in \"Asia/Jakarta\", run it }}\n"
            )
        })
        .boxed()
}

/// Everything that is made of a program, and all that is said of it.
fn whole(text: &str) -> (Vec<Diagnostic>, SourceMap, usize) {
    let sources = Memory::new([("main.chaos", text)]);
    let checked = check::check(&sources, &["main.chaos".to_owned()]);
    let mut said = checked.diagnostics;
    said.extend(lower::check(&checked.program).diagnostics);
    let mut plans = 0;
    let mut planners = Planners::new(&checked.program, &Arc::new(Catalogue::new(&checked.program)));
    for experiment in lower::experiments(&checked.program) {
        for place in lower::places(&checked.program, &experiment) {
            let lowered = lower::plan(&checked.program, &experiment, &place);
            let kept = planners.plan(&experiment, &place);
            assert!(kept.plan == lowered.plan && kept.diagnostics == lowered.diagnostics, "{}", experiment.name);
            said.extend(lowered.diagnostics);
            if let Some(plan) = &lowered.plan {
                plans += 1;
                all_of(plan, &mut said);
            }
        }
    }
    (said, checked.sources, plans)
}

fn all_of(plan: &Plan, said: &mut Vec<Diagnostic>) {
    let timeline = timeline::timeline(plan);
    said.extend(analyse_over(plan, &timeline));
    for (width, unicode) in [(20, true), (100, false)] {
        assert!(!picture::picture(plan, &timeline, width, unicode).is_empty());
    }
    assert!(!telling::tell(plan, &natives(plan)).to_text(80).is_empty());
    let (arena, mut out, mut stream) = (Arena::new(), String::new(), yaml::Stream::default());
    let mut sink = |node: &Node<'_>| stream.document(node, &mut out);
    let options = EmitOptions::default();
    said.extend(chaos_mesh::emit(plan, &options, &arena, &mut sink).diagnostics);
    said.extend(litmus::emit(plan, &options, &arena, &mut sink).diagnostics);
    let json = serde_json::to_string(plan).unwrap();
    let read: Plan = serde_json::from_str(&json).unwrap();
    assert!(read == *plan && read.compute_digest() == plan.digest, "a plan survives its JSON");
}

/// Labels and edits lie in their files, on the borders of characters.
fn points_into(sources: &SourceMap, diagnostic: &Diagnostic) -> bool {
    let spans = std::iter::once(diagnostic.span)
        .chain(diagnostic.labels.iter().map(|label| label.span))
        .chain(diagnostic.fixes.iter().flat_map(|fix| fix.edits.iter().map(|edit| edit.span)));
    spans.into_iter().all(|span| {
        sources.get(span.file).is_some_and(|file| file.text.get(span.start as usize..span.end as usize).is_some())
    })
}

/// `PROPTEST_CASES` asks for more than the usual.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(96)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn any_program_goes_the_whole_way(text in program()) {
        let (said, sources, _) = whole(&text);
        for diagnostic in &said {
            prop_assert!(points_into(&sources, diagnostic), "{:?}", diagnostic);
            prop_assert!(!diagnostic.message.is_empty() && !diagnostic.message.ends_with('.'), "{:?}", diagnostic.message);
        }
        let (again, ..) = whole(&text);
        prop_assert_eq!(said, again);
    }
}

/// The digests of all plans of a program.
fn digests(text: &str) -> Vec<(String, String)> {
    let sources = Memory::new([("main.chaos", text)]);
    let checked = check::check(&sources, &["main.chaos".to_owned()]);
    let all = lower::experiments(&checked.program);
    let plans = all.iter().flat_map(|e| lower::places(&checked.program, e).into_iter().map(move |p| (e, p)));
    let plans = plans.filter_map(|(e, place)| lower::plan(&checked.program, e, &place).plan);
    plans.map(|plan| (plan.digest.to_string(), plan.text_digest.to_string())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn formatting_changes_no_plan(text in program()) {
        let formatted = |text: &str| perturb::format::format(&perturb::syntax::parse(FileId(0), text), text).text;
        let after = formatted(&text);
        prop_assert!(perturb::format::is_same(&text, &after), "{}", after);
        prop_assert_eq!(&formatted(&after), &after);
        prop_assert_eq!(digests(&text), digests(&after));
    }
}

/// The generator is worth something: a good part of what it makes comes as far as a plan.
#[test]
fn many_random_programs_give_plans() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let tried = 60;
    let planned = (0..tried)
        .filter(|_| {
            let text = program().new_tree(&mut runner).unwrap().current();
            whole(&text).2 > 0
        })
        .count();
    assert!(planned * 4 >= tried, "only {planned} of {tried}");
}
