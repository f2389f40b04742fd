//! The pure half, against a small cluster of plain data: what is read off it, what is written on it, what checks are told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value as Json, json};

use super::board::{Board, Check, Row};
use super::mark::{Mark, Stage};
use super::run::{Answers, Following};
use super::seen::{Fault, Node, Seen, Workflow, is_name_of};
use crate::engine::chaos_mesh::{GateConfig, GateStep};
use crate::plan::sample::{duration, percent};
use crate::plan::{Plan, Step};
use crate::runtime::machine::tests::world::{lasting, small};
use crate::runtime::machine::{Event, Reason, Subject, Verdict};
use crate::types::{Duration, Value};

/// A cluster with one Workflow, and gates that look at it.
struct World {
    plan: Arc<Plan>,
    config: Arc<GateConfig>,
    annotations: BTreeMap<String, String>,
    workflow: Workflow,
    seen: Seen,
    gates: Vec<(Following, Duration)>,
    now: Duration,
    /// The expectation's stream, and the guard's; `None`: silent.
    metrics: [Option<i64>; 2],
    /// Writes of gates arrive.
    writes: bool,
    paused: Vec<Fault>,
    /// A gate that no check of the guards ever comes to.
    unasked: Option<usize>,
}

fn config(plan: &Plan, scheduled: bool) -> GateConfig {
    GateConfig {
        version: 1,
        namespace: "chaos".into(),
        name: "tried".into(),
        scheduled,
        plan: plan.digest.clone(),
        resources: vec!["networkchaos".into()],
        steps: vec![GateStep {
            number: 1,
            template: "step-1-network-delay".into(),
            kind: "NetworkChaos".into(),
            resource: "networkchaos".into(),
            fault: 0,
            undone: true,
        }],
        interval: 1,
        timeout: 1,
        failures: 7,
    }
}

fn node(uid: &str, owner: &str, template: &str) -> Node {
    Node {
        uid: uid.into(),
        owners: vec![owner.into()],
        template: template.into(),
        created: "2026-11-29T10:00:00Z".into(),
        conditions: BTreeMap::new(),
    }
}

fn fault(name: &str, owner: &str) -> Fault {
    Fault {
        resource: "networkchaos".into(),
        name: name.into(),
        workflow: "tried".into(),
        owners: vec![owner.into()],
        injected: true,
        ..Fault::default()
    }
}

impl World {
    fn new() -> Self {
        Self::of(vec![lasting(0, "30s")])
    }

    fn of(method: Vec<Step>) -> Self {
        let plan = Arc::new(small(method));
        let workflow = Workflow { name: "tried".into(), uid: "w1".into(), version: "1".into(), ..Workflow::default() };
        Self {
            config: Arc::new(config(&plan, false)),
            plan,
            annotations: BTreeMap::new(),
            workflow,
            seen: Seen::default(),
            gates: Vec::new(),
            now: Duration::ZERO,
            metrics: [Some(100), Some(100)],
            writes: true,
            paused: Vec::new(),
            unasked: None,
        }
    }

    fn look(&mut self) -> Arc<Seen> {
        self.workflow.mark = Mark::read(&self.annotations, &self.workflow.uid);
        self.workflow.aborted = self.annotations.get(super::seen::ABORT).is_some_and(|v| v == "true");
        Arc::new(Seen { workflows: vec![self.workflow.clone()], ..self.seen.clone() })
    }

    /// A gate that begins now.
    fn join(&mut self, name: &str) -> usize {
        let seen = self.look();
        let (config, plan) = (self.config.clone(), self.plan.clone());
        let run = Following::begin(config, plan, name, &self.workflow, seen, 1_764_000_000);
        self.gates.push((run, self.now));
        self.gates.len() - 1
    }

    /// Time goes by, in looks of half a second.
    fn go(&mut self, length: &str) {
        let end = self.now.plus(duration(length));
        while self.now < end {
            self.now = self.now.plus(duration("500ms"));
            for index in 0..self.gates.len() {
                let seen = self.look();
                let (now, metrics) = (self.now, self.metrics);
                let (run, began) = &mut self.gates[index];
                let at = now.minus(*began);
                if self.unasked != Some(index) {
                    run.guards_were_asked(at);
                }
                run.look(at, seen);
                for ask in run.asks() {
                    let result = metrics[ask.stream as usize]
                        .map(|v| Value::Percent(percent(&format!("{v}%"))).into())
                        .ok_or_else(|| "silent".to_owned());
                    run.hear(
                        at.plus(duration("50ms")),
                        Event::Sampled { stream: ask.stream, asked: ask.asked, result },
                    );
                }
                let writes = run.writes();
                self.paused.extend(writes.pause);
                if let Some(patch) = writes.workflow.filter(|_| self.writes) {
                    self.write(&patch);
                }
            }
        }
    }

    /// Until an annotation of ours is this.
    fn go_until(&mut self, key: &str, value: &str) {
        let end = self.now.plus(duration("2m"));
        while self.get(key) != Some(value) {
            assert!(self.now < end, "{key} never became {value}: {:?}", self.annotations);
            self.go("500ms");
        }
    }

    fn write(&mut self, patch: &Json) {
        for (key, value) in patch["metadata"]["annotations"].as_object().unwrap() {
            match value.as_str() {
                Some(value) => drop(self.annotations.insert(key.clone(), value.to_owned())),
                None => drop(self.annotations.remove(key)),
            }
        }
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.annotations.get(&format!("perturb.dev/{key}")).map(String::as_str)
    }

    fn answers(&self, gate: usize) -> Answers {
        self.gates[gate].0.answers()
    }

    /// What Chaos Mesh does until the fault is there.
    fn inject(&mut self) {
        self.seen.nodes.push(node("n1", "w1", "method"));
        self.seen.nodes.push(node("n2", "n1", "step-1-network-delay"));
        self.seen.faults.push(fault("step-1-network-delay-abcde", "n2"));
    }

    /// What it does at the end of the fault's time.
    fn end(&mut self) {
        self.condition("n2", "DeadlineExceed", "NodeDeadlineExceed");
        self.seen.faults.clear();
        self.condition("n1", "Accomplished", "");
    }

    fn condition(&mut self, node: &str, condition: &str, reason: &str) {
        let node = self.seen.nodes.iter_mut().find(|n| n.uid == node).expect("a node");
        node.conditions.insert(condition.into(), reason.into());
    }
}

#[test]
fn a_run_goes_through_its_stages_and_each_is_written_before_it_is_answered() {
    let mut world = World::new();
    world.writes = false;
    let gate = world.join("a");
    world.go("20s");
    // The baseline has held, and that cannot be written down.
    assert_eq!(world.answers(gate), Answers::default());
    world.writes = true;
    world.go("500ms");
    assert_eq!((world.get("stage"), world.get("run")), (Some("ready"), Some("w1")));
    assert_eq!(world.answers(gate), Answers::default(), "written, and not yet seen to be");
    world.go("500ms");
    assert!(world.answers(gate).baseline && world.answers(gate).guards && !world.answers(gate).recovered);
    world.go("1s");
    assert_eq!(world.get("stage"), Some("armed"));
    assert!(world.answers(gate).armed && world.answers(gate).clear.is_empty());
    world.inject();
    world.go("32s");
    assert!(!world.answers(gate).clear.contains(&1), "it is still there");
    world.end();
    world.go("1s");
    assert!(world.answers(gate).clear.contains(&1));
    assert_eq!((world.get("stage"), world.get("verdict")), (Some("over"), None));
    assert!(!world.answers(gate).recovered);
    world.go("15s");
    assert_eq!((world.get("stage"), world.get("verdict")), (Some("recovered"), Some("confirmed")));
    assert!(world.answers(gate).recovered && world.answers(gate).guards);
    assert!(world.paused.is_empty() && !world.annotations.contains_key(super::seen::ABORT));
}

#[test]
fn a_guard_latches_pauses_and_aborts() {
    let mut world = World::new();
    let gate = world.join("a");
    world.go("20s");
    world.inject();
    world.go("5s");
    world.metrics[1] = Some(10);
    world.go("15s");
    assert!(world.paused.iter().any(|f| f.name == "step-1-network-delay-abcde"), "{:?}", world.paused);
    assert_eq!(world.annotations.get(super::seen::ABORT).map(String::as_str), Some("true"));
    assert_eq!(world.get("verdict"), None, "something of it is still there");
    world.metrics[1] = Some(100);
    world.go("5s");
    assert_eq!(world.answers(gate), Answers::default());
    world.seen.faults.clear();
    world.go("20s");
    assert_eq!(world.get("verdict"), Some("aborted"));
    // Who takes the abort away finds it there again, also by a gate that begins only now.
    world.annotations.remove(super::seen::ABORT);
    world.gates.clear();
    world.join("b");
    world.go("1s");
    assert_eq!(world.annotations.get(super::seen::ABORT).map(String::as_str), Some("true"));
}

#[test]
fn a_fault_that_stays_is_an_error() {
    let mut world = World::new();
    world.join("a");
    world.go("20s");
    world.inject();
    world.go("5s");
    world.annotations.insert(super::seen::ABORT.into(), "true".into());
    world.go("2m");
    assert_eq!(world.get("verdict"), Some("error"));
    assert!(!world.gates[0].0.is_finished(), "it is watched on");
}

#[test]
fn a_baseline_that_fails_opens_nothing_and_says_not_run() {
    let mut world = World::new();
    let gate = world.join("a");
    world.go("3s");
    world.metrics[0] = Some(50);
    world.go_until("verdict", "not-run");
    assert_eq!(world.annotations.get(super::seen::ABORT).map(String::as_str), Some("true"));
    world.metrics[0] = Some(100);
    world.go("60s");
    assert_eq!(world.answers(gate), Answers::default());
}

#[test]
fn what_began_unseen_is_never_not_run() {
    let mut world = World::new();
    world.join("a");
    world.go("20s");
    // The guard fires before any look shows the fault, which begins before the abort arrives.
    world.metrics[1] = Some(10);
    while world.get("broken").is_none() {
        world.go("500ms");
    }
    assert_eq!(world.get("verdict"), None, "the Workflow has not stopped yet");
    world.inject();
    world.go("2s");
    world.seen.faults.clear();
    world.workflow.accomplished = true;
    world.go("30s");
    assert_eq!(world.get("verdict"), Some("inconclusive"), "{:?}", world.get("reason"));
}

#[test]
fn who_comes_late_does_not_confirm() {
    let mut world = World::new();
    world.join("a");
    world.go("20s");
    world.inject();
    world.go("5s");
    world.gates.clear();
    world.join("a");
    world.go("27s");
    world.end();
    world.go("30s");
    assert_eq!(world.get("verdict"), Some("inconclusive"));
    // Before the first fault nothing was missed.
    let mut world = World::new();
    world.join("a");
    world.go("20s");
    world.gates.clear();
    world.join("a");
    world.go("2s");
    world.inject();
    world.go("32s");
    world.end();
    world.go("30s");
    assert_eq!(world.get("verdict"), Some("confirmed"), "{:?}", world.get("reason"));
}

#[test]
fn who_could_not_look_does_not_confirm() {
    let mut world = World::new();
    world.join("a");
    world.go("20s");
    world.inject();
    world.go("5s");
    // No look for ten seconds.
    world.now = world.now.plus(duration("10s"));
    world.go("20s");
    world.end();
    world.go("30s");
    assert_eq!(world.get("verdict"), Some("inconclusive"));
    assert!(world.get("reason").unwrap().contains("API server"), "{:?}", world.get("reason"));
}

#[test]
fn a_good_verdict_waits_for_the_other_replica_and_the_worse_one_counts() {
    let mut world = World::new();
    world.join("a");
    world.join("b");
    world.go("20s");
    world.inject();
    world.go("32s");
    // The second one dies here: its word is waited for, and then not any more.
    world.gates.truncate(1);
    world.end();
    world.go_until("gate-a", "confirmed");
    assert_eq!(
        (world.get("gate-a"), world.get("gate-b"), world.get("verdict")),
        (Some("confirmed"), Some("following"), None)
    );
    world.go_until("verdict", "confirmed");
    // A worse word that comes later still counts.
    let mark = Mark::read(&world.annotations, "w1");
    let mut worse = mark.clone();
    worse.verdict = Some((Verdict::Refuted, "late".into()));
    let patch = mark.patch(&worse, "w1", "1", false).unwrap();
    assert_eq!(patch["metadata"]["annotations"]["perturb.dev/verdict"], "refuted");
    assert_eq!(worse.patch(&mark, "w1", "1", false), None, "and a better one does not");
}

#[test]
fn the_lock_opens_wherever_the_checks_are_led() {
    // A Service that takes turns sends `/guards` to one replica and `/armed` to the other.
    let mut world = World::new();
    world.unasked = Some(world.join("a"));
    world.go("20s");
    assert_eq!((world.get("stage"), world.answers(0).armed), (Some("ready"), false), "nobody is asked for the guards");
    world.join("b");
    world.go("20s");
    assert!(world.answers(0).armed && world.answers(1).armed);
}

#[test]
fn what_another_replica_ended_is_ended() {
    let mut world = World::new();
    let gate = world.join("a");
    world.go("20s");
    world.inject();
    world.go("5s");
    let reason = Reason {
        verdict: Verdict::Refuted,
        at: Duration::ZERO,
        subject: Subject::Run,
        text: "a check that only the other one saw".into(),
    };
    world.annotations.insert("perturb.dev/broken".into(), serde_json::to_string(&vec![reason]).unwrap());
    world.go("1s");
    assert_eq!(world.answers(gate), Answers::default());
    assert!(!world.paused.is_empty(), "two take it away sooner than one");
    world.seen.faults.clear();
    world.go("30s");
    assert_eq!(world.get("verdict"), Some("refuted"));
    assert!(world.get("reason").unwrap().contains("the other one saw"));
}

#[test]
fn a_mark_of_another_run_is_none() {
    let copied = |(k, v): (&str, &str)| (format!("perturb.dev/{k}"), v.to_owned());
    let annotations: BTreeMap<String, String> =
        [("run", "other"), ("stage", "recovered"), ("verdict", "confirmed"), ("gate-a", "confirmed"), ("plan", "p")]
            .map(copied)
            .into();
    let mark = Mark::read(&annotations, "w1");
    assert!(mark.verdict.is_none() && mark.stage == Stage::Waiting && !mark.is_there);
    let patch = mark.patch(&Mark::default(), "w1", "7", false).unwrap();
    let written = &patch["metadata"]["annotations"];
    assert_eq!((&written["perturb.dev/run"], &written["perturb.dev/stage"]), (&json!("w1"), &json!("waiting")));
    assert!(written["perturb.dev/verdict"].is_null() && written["perturb.dev/gate-a"].is_null());
    assert!(written.as_object().unwrap().contains_key("perturb.dev/verdict"), "taken away, not left");
    assert!(!written.as_object().unwrap().contains_key("perturb.dev/plan"), "the compiler's own stays");
    assert_eq!(patch["metadata"]["resourceVersion"], "7");
    // An end is an end, whatever else was written meanwhile.
    let end = Mark { broken: Some(vec![]), ..Mark::default() };
    assert!(mark.patch(&end, "w1", "7", false).unwrap()["metadata"].get("resourceVersion").is_none());
    // What cannot be read still says that it is broken.
    let broken = BTreeMap::from([("run", "w1"), ("broken", "garbage")].map(copied));
    assert_eq!(Mark::read(&broken, "w1").broken, Some(vec![]));
}

#[test]
fn the_rest_of_an_earlier_run_keeps_the_next_one_out() {
    let mut world = World::new();
    let gate = world.join("a");
    // Of the same name, and of nobody's node.
    world.seen.faults.push(fault("step-1-network-delay-zzzzz", "n9"));
    world.go("30s");
    assert_eq!((world.get("stage"), world.answers(gate).baseline), (Some("waiting"), false));
    world.seen.faults.clear();
    world.go("2s");
    assert!(world.answers(gate).baseline);
}

#[test]
fn a_workflow_of_another_plan_is_nobodys() {
    let plan = small(vec![lasting(0, "30s")]);
    let read = |annotations: Json| {
        let object = json!({ "metadata": { "name": "tried", "uid": "w1", "annotations": annotations } });
        Workflow::read(&object, &config(&plan, false))
    };
    assert!(read(json!({ "perturb.dev/plan": "sha256:other" })).is_none());
    assert!(read(json!({ "perturb.dev/plan": plan.digest })).is_some() && read(Json::Null).is_some());
    // Names of Workflows, and of a Schedule's children.
    let (one, many) = (config(&plan, false), config(&plan, true));
    assert!(is_name_of("tried", &one) && !is_name_of("tried-abcde", &one) && !is_name_of("trieder", &one));
    assert!(is_name_of("tried-abcde", &many) && !is_name_of("tried", &many) && !is_name_of("tried-too-abcde", &many));
}

#[test]
fn what_is_missing_reads_as_not_injected_and_not_finished() {
    let odd = [
        json!(null),
        json!([]),
        json!({ "metadata": 1, "status": "x" }),
        json!({ "status": { "conditions": [1, {}] } }),
    ];
    for object in &odd {
        let node = Node::read(object);
        assert!(!node.is_over() && !node.is_cut());
        assert!(Fault::read(object, "networkchaos").is_none());
    }
    let object = json!({ "metadata": { "labels": { "chaos-mesh.org/workflow": "tried" } } });
    let fault = Fault::read(&object, "networkchaos").unwrap();
    assert!(!fault.injected && !fault.leaving && !fault.paused);
}

#[test]
fn stale_answers_are_closed() {
    let board = Board::default();
    let now = Instant::now();
    let later = now + std::time::Duration::from_secs(4);
    let open = Answers {
        baseline: true,
        guards: true,
        clear: [1].into(),
        checks: ["well".into()].into(),
        ..Answers::default()
    };
    let publish = |at| board.publish("w1", Row { answers: open.clone(), looked: Some(at), ..Row::default() });
    assert!(!board.ask(&Check::Baseline, now), "nothing was looked at");
    board.looked(now, Some("w1".into()));
    assert!(!board.ask(&Check::Baseline, now), "nobody knows the run");
    publish(now);
    for path in ["baseline", "guards", "clear/1", "check/well"] {
        let check = Check::parse(path).unwrap();
        assert!(board.ask(&check, now), "{path}");
        assert!(!board.ask(&check, later), "{path} is stale");
    }
    for path in ["armed", "recovered", "clear/2", "check/other"] {
        assert!(!board.ask(&Check::parse(path).unwrap(), now), "{path}");
    }
    // The cluster is seen, and the run's own task says nothing any more.
    board.looked(later, Some("w1".into()));
    assert!(!board.ask(&Check::Guards, later));
    publish(later);
    board.looked(later, None);
    assert!(!board.ask(&Check::Guards, later), "none is under way, or nobody knows which");
    assert!(board.is_ready(later) && !board.is_ready(later + std::time::Duration::from_secs(6)));
    for odd in ["", "guards/", "clear/x", "clear/-1", "check", "check/a/b", "verdict"] {
        assert_eq!(Check::parse(odd), None, "{odd}");
    }
}

#[test]
fn a_verdict_is_counted_once_and_old_runs_are_forgotten() {
    let board = Board::default();
    for number in 0..30 {
        for verdict in [None, Some("confirmed"), Some("confirmed")] {
            let row = Row { told: json!({ "run": number }), verdict, ..Row::default() };
            board.publish(&format!("w{number}"), row);
        }
    }
    let told = board.verdict();
    assert_eq!((&told["run"], told["earlier"].as_array().unwrap().len()), (&json!(29), 19));
    let page = board.metrics(Instant::now(), "namespace=\"chaos\",experiment=\"tried\"");
    insta::assert_snapshot!(page.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}
