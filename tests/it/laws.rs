//! Laws of the whole way, over the examples: what may change what comes out, and what may not.
//!
//! Comes in: the examples, shuffled, commented, laid out anew, or with one bound changed. Goes out: the same plans and
//! manifests to the byte, or other digests where something else would happen.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;

use perturb::check;
use perturb::diagnostic::Diagnostic;
use perturb::engine::{EmitOptions, chaos_mesh, litmus};
use perturb::lower;
use perturb::manifest::{Arena, Node, yaml};
use perturb::plan::Plan;
use perturb::source::Memory;

use crate::support::chaos_files;

type Files = Vec<(String, String)>;

/// What comes of an experiment at a place: its plan, as JSON, and what both engines make of it.
#[derive(PartialEq)]
struct Made {
    plan: Plan,
    json: String,
    manifests: String,
}

/// `experiment@place` to what is made of it; the files are read in the order given.
fn make(files: &Files) -> BTreeMap<String, Made> {
    let sources = Memory::new(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let roots: Vec<String> = files.iter().map(|(path, _)| path.clone()).collect();
    let checked = check::check(&sources, &roots);
    let errors: Vec<&Diagnostic> = checked.diagnostics.iter().filter(|d| d.is_error()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let mut made = BTreeMap::new();
    for experiment in lower::experiments(&checked.program) {
        for place in lower::places(&checked.program, &experiment) {
            let lowered = lower::plan(&checked.program, &experiment, &place);
            // That each example has a plan is held by `examples`; here is what holds of those that have.
            let Some(plan) = lowered.plan else { continue };
            let json = serde_json::to_string(&plan).unwrap();
            let manifests = manifests(&plan);
            let before = made.insert(format!("{}@{place}", experiment.name), Made { plan, json, manifests });
            assert!(before.is_none(), "{} is there twice at {place}", experiment.name);
        }
    }
    made
}

/// The documents of both engines, and what they say instead where they cannot.
fn manifests(plan: &Plan) -> String {
    let (arena, mut out, mut stream) = (Arena::new(), String::new(), yaml::Stream::default());
    let mut sink = |node: &Node<'_>| stream.document(node, &mut out);
    let options = EmitOptions::default();
    let first = chaos_mesh::emit(plan, &options, &arena, &mut sink);
    let second = litmus::emit(plan, &options, &arena, &mut sink);
    for said in first.diagnostics.iter().chain(&second.diagnostics) {
        out.push_str(&format!("# {} {}\n", said.code, said.message));
    }
    out
}

fn assert_same(what: &str, expected: &BTreeMap<String, Made>, found: &BTreeMap<String, Made>) {
    assert!(expected.keys().eq(found.keys()), "{what}: other experiments or places");
    for (name, made) in expected {
        let other = &found[name];
        assert!(made.json == other.json, "{what}: another plan of {name}\n{}\n{}", made.json, other.json);
        assert!(made.manifests == other.manifests, "{what}: other manifests of {name}");
    }
}

/// A shuffle that a seed repeats.
fn shuffled(files: &Files, seed: u64) -> Files {
    let mut files = files.clone();
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for at in (1..files.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        files.swap(at, (state % (at as u64 + 1)) as usize);
    }
    files
}

fn rewritten(files: &Files, f: impl Fn(&str, &str) -> String) -> Files {
    files.iter().map(|(path, text)| (path.clone(), f(path, text))).collect()
}

/// Every digest is that of `expected`, the plan's own and the text's.
fn assert_digests(what: &str, expected: &BTreeMap<String, Made>, found: &BTreeMap<String, Made>) {
    assert!(expected.keys().eq(found.keys()), "{what}: other experiments or places");
    for (name, made) in expected {
        assert_eq!(made.plan.text_digest, found[name].plan.text_digest, "{what}: the text of {name}");
        assert_eq!(made.plan.digest, found[name].plan.digest, "{what}: the plan of {name}");
    }
}

#[test]
fn the_order_of_files_does_not_matter() {
    let files = chaos_files("examples");
    let expected = make(&files);
    assert!(expected.len() > 30, "{} plans", expected.len());
    for seed in 1..=6 {
        let other = shuffled(&files, seed);
        assert!(other != files, "seed {seed} shuffles nothing");
        assert_same(&format!("seed {seed}"), &expected, &make(&other));
    }
}

/// Calls of faults and metrics that differ in what a planner might remember wrongly: who is hit, what was given, whether it is the
/// default, a cloud's parts, words, lists.
const CALLS: &str = r##"
import std.{aws, network}
team t { contact: "#t" }
cluster c { context: "c", engines: [chaos-mesh, litmus], prometheus: "http://p:9090" }
environment staging { clusters: [c] }
metric rate(of: Service, over: Duration = 1m): Percent { prometheus: "r(${of.name}[${over}])", unit: ratio, window: over }
service a { owner: t, tier: low, replicas: 4, pods: pods(namespace: "n", labels: { app: "a" }) }
service c1 { owner: t, tier: low, replicas: 4, instances: instances(provider: aws, region: "one", ids: ["i-1"]) }
service c2 { owner: t, tier: low, replicas: 4, instances: instances(provider: aws, region: "two", ids: ["i-2"]) }
service b { owner: t, tier: low, replicas: 4, pods: pods(namespace: "n", labels: { app: "b" }) }
fault own(on: Pods, names: [String] = ["x"], how: fast | slow = fast, size: Int = 1) {
  effect: lasting, mechanism: "own"
  engine chaos-mesh {
    kind: "DNSChaos"
    spec: { action: "error", patterns: names, size: size, containerNames: match how { fast: ["f"], slow: ["s"] } }
  }
  engine litmus { fault: "own", env: { NAMES: join(names, with: ","), SIZE: size }, forbid size == 2 because "two is too many" }
}
let lost = one of a.pods
let quick = rate(b, over: 2m) >= 80%
scenario s(of: Service, other: Service, names: [String], how: fast | slow, size: Int, delay: Duration) {
  service: of
  hypothesis {
    expect one: rate(of) >= 99% but >= 95% during faults
    expect two: rate(of, over: 1m) >= 90%
    expect three: rate(other) >= 90%
    recovery automatic within 1m
  }
  guard { abort when rate(of, over: 15s) < 90% for 15s }
  method {
    own(one of of.pods, names: names, how: how) for 10s
    own(50% of other.pods, names: names) for 10s
    own(50% of other.pods, size: size) for 10s
    own(50% of of.pods) for 10s
    own(lost, names: names) for 10s
    check is-quick: quick within 1m
    own(one of of.pods, how: fast) for 10s
    network.delay(one of other.pods, latency: delay) for 10s
    network.delay(one of of.pods, latency: delay, jitter: delay) for 10s
    network.partition(one of of.pods, peer: one of other.pods) for 10s
    network.partition(one of other.pods, peer: one of of.pods) for 10s
  }
}
experiment e1 = s(a, other: b, names: ["x"], how: fast, size: 1, delay: 10ms)
experiment e2 = s(b, other: a, names: ["x"], how: fast, size: 1, delay: 10ms)
experiment e3 = s(a, other: b, names: ["y"], how: fast, size: 1, delay: 10ms)
experiment e4 = s(a, other: b, names: ["x", "y"], how: slow, size: 1, delay: 10ms)
experiment e5 = s(a, other: b, names: ["x"], how: slow, size: 2, delay: 20ms)
experiment e6 = s(b, other: a, names: ["x"], how: fast, size: 1, delay: 20ms)
scenario stopped(of: Service) {
  service: of
  hypothesis { expect one: rate(of) >= 99% but >= 95% during faults, recovery automatic within 1m }
  guard { abort when rate(of, over: 15s) < 90% for 15s }
  method { aws.stop-instance(one of of.instances) for 1m }
}
experiment e7 = stopped(c1)
experiment e8 = stopped(c2)
"##;

#[test]
fn what_a_planner_remembers_changes_no_plan() {
    let mut files = chaos_files("examples");
    for files in [std::mem::take(&mut files), vec![("calls.chaos".to_owned(), CALLS.to_owned())]] {
        let expected = make(&files);
        let sources = Memory::new(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
        let roots: Vec<String> = files.iter().map(|(path, _)| path.clone()).collect();
        let program = check::check(&sources, &roots).program;
        let mut planners = lower::Planners::new(&program, &Arc::new(lower::Catalogue::new(&program)));
        let all = lower::experiments(&program);
        let mut compared = 0;
        for experiment in all.iter().chain(all.iter().rev()) {
            for place in lower::places(&program, experiment) {
                let Some(plan) = planners.plan(experiment, &place).plan else { continue };
                let json = serde_json::to_string(&plan).unwrap();
                assert_eq!(json, expected[&format!("{}@{place}", experiment.name)].json, "{}", experiment.name);
                compared += 1;
            }
        }
        assert_eq!(compared, expected.len() * 2);
    }
}

#[test]
fn the_same_sources_give_the_same_twenty_times() {
    let files = chaos_files("examples");
    let expected = make(&files);
    for turn in 1..20 {
        assert_same(&format!("run {turn}"), &expected, &make(&files));
    }
}

/// `perturb schema plan` is the schema of every example's plan, and refuses what is none.
#[test]
fn every_plan_fits_its_schema_and_survives_it() {
    let output = Command::new(env!("CARGO_BIN_EXE_perturb")).args(["schema", "plan"]).output().unwrap();
    assert!(output.status.success());
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for (name, made) in make(&chaos_files("examples")) {
        let mut value: serde_json::Value = serde_json::from_str(&made.json).unwrap();
        let wrong: Vec<String> = validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(wrong.is_empty(), "{name}: {}", wrong.join("\n"));
        let read: Plan = serde_json::from_str(&made.json).unwrap();
        assert!(read == made.plan, "{name} does not survive its JSON");
        assert_eq!(read.compute_digest(), made.plan.digest, "{name}: its digest");
        assert_eq!(serde_json::to_string(&read).unwrap(), made.json, "{name}: its bytes");
        value.as_object_mut().unwrap().remove("method");
        assert!(!validator.is_valid(&value), "a plan without a method is none");
    }
}

#[test]
fn a_comment_or_the_layout_changes_no_digest() {
    let files = chaos_files("examples");
    let expected = make(&files);
    let remarks = rewritten(&files, |_, text| {
        format!(
            "// A remark.\n{}\n// The end.\n",
            text.replace('\n', "   // why\n")
                // Text over several lines is no place for a remark, nor is what documents something.
                .split("\"\"\"")
                .enumerate()
                .map(|(i, part)| if i % 2 == 1 { part.replace("   // why\n", "\n") } else { part.to_owned() })
                .collect::<Vec<_>>()
                .join("\"\"\"")
        )
    });
    let found = make(&remarks);
    for (name, made) in &expected {
        assert_eq!(made.plan.text_digest, found[name].plan.text_digest, "remarks: the text of {name}");
    }
    let undocumented = |line: &&str| !line.trim_start().starts_with("//");
    let bare =
        rewritten(&files, |_, text| text.lines().filter(undocumented).fold(String::new(), |all, l| all + l + "\n"));
    for (name, made) in &make(&bare) {
        assert_eq!(made.plan.text_digest, expected[name].plan.text_digest, "without comments: the text of {name}");
    }
    let wide = rewritten(&files, |_, text| {
        text.split("\"\"\"")
            .enumerate()
            .map(|(i, part)| if i % 2 == 1 { part.to_owned() } else { part.replace("\n  ", "\n\n      ") })
            .collect::<Vec<_>>()
            .join("\"\"\"")
    });
    assert_digests("another layout", &expected, &make(&wide));
    assert_digests("another order", &expected, &make(&shuffled(&files, 11)));
}

#[test]
fn another_bound_is_another_experiment() {
    let files = chaos_files("examples");
    let expected = make(&files);
    let changes = [
        ("slow-dependency.chaos", "success-rate(checkout) >= 99.5%", "success-rate(checkout) >= 99.4%"),
        ("slow-dependency.chaos", "latency: 300ms", "latency: 301ms"),
        ("slow-dependency.chaos", "for 5m", "for 6m"),
        ("slow-dependency.chaos", "within 90s", "within 91s"),
        ("slow-dependency.chaos", "50% of", "51% of"),
        ("slow-dependency.chaos", "< 98% for 10s", "< 98% for 11s"),
        // What it refers to counts as well.
        ("measures.chaos", "  unit:   s\n", "  unit:   s\n  every:  6s\n"),
    ];
    for (file, from, to) in changes {
        let changed = rewritten(&files, |path, text| {
            if path != file {
                return text.to_owned();
            }
            assert!(text.contains(from), "{file} has no `{from}`");
            text.replacen(from, to, 1)
        });
        let found = make(&changed);
        let mut compared = 0;
        for (name, made) in &expected {
            // Longer or larger, it may be more than a policy allows in one of its places.
            let Some(other) = found.get(name) else { continue };
            let (own, other) = (&made.plan, &other.plan);
            let meant = name.starts_with("checkout-survives-slow-ledger@");
            if meant {
                compared += 1;
                assert_ne!(own.text_digest, other.text_digest, "`{to}`: the text of {name}");
                assert_ne!(own.digest, other.digest, "`{to}`: the plan of {name}");
            } else if file == "slow-dependency.chaos" {
                assert_eq!(own.digest, other.digest, "`{to}` is not of {name}");
            }
        }
        assert!(compared > 0, "`{to}`: no plan is left to compare");
    }
}

/// What `confirmed-in` compares is the same wherever the experiment runs, and the plans differ.
#[test]
fn the_text_is_the_same_in_every_environment() {
    let mut texts: BTreeMap<String, BTreeMap<String, (String, String)>> = BTreeMap::new();
    for (key, made) in make(&chaos_files("examples")) {
        let (name, place) = key.split_once('@').expect("a key has both");
        let digests = (made.plan.text_digest, made.plan.digest);
        texts.entry(name.to_owned()).or_default().insert(place.to_owned(), digests);
    }
    let mut compared = 0;
    for (name, places) in texts {
        let mut digests = places.values();
        let Some((text, plan)) = digests.next() else { continue };
        for (other_text, other_plan) in digests {
            compared += 1;
            assert_eq!(text, other_text, "{name}");
            assert_ne!(plan, other_plan, "{name}: where it runs is a part of the plan");
        }
    }
    assert!(compared > 10, "only {compared} experiments run in two places");
}
