//! A system with a disk for the tests: what is on it, what is injected, and what must be true of both at every moment.

use std::collections::BTreeMap;

use crate::engine::drive::UndoRecord;
use crate::plan::sample::{at, compare, duration, entry, network_delay, percent, pod_kill, pods, step, stream, tour};
use crate::plan::{
    Comparison, Draw, EngineName, Expectation, Guard, GuardWhen, MetricUnit, Phase, Plan, Quantity, Selector, Step,
};
use crate::runtime::machine::{Command, Record, State, outstanding};
use crate::types::{Duration, Value};

/// A small plan: stream 0 is the success rate (`success >= 99%`), stream 1 the guard's (`< 50%`). Faults 0 to 2 last, 3 is
/// instant; all take a draw of their own from six pods, fault 2 that of fault 0.
pub(crate) fn small(method: Vec<Step>) -> Plan {
    let mut plan = tour();
    plan.services.get_mut("ledger").unwrap().replicas = Some(6);
    let draw = |name: &str| Draw {
        name: Some(name.into()),
        quantity: Quantity::Exactly(1),
        selector: Selector::Pods(pods("ledger")),
        service: Some("ledger".into()),
        text: "one of ledger.pods".into(),
        span: at(1),
    };
    plan.draws = vec![draw("a"), draw("b"), draw("c")];
    plan.faults = vec![network_delay(0, "1s", at(2)), network_delay(1, "1s", at(3)), network_delay(0, "2s", at(4))];
    plan.faults.push(pod_kill(2, at(5)));
    for (fault, name) in plan.faults.iter_mut().zip(["f0", "f1", "f2", "f3"]) {
        fault.mechanism = name.into();
        fault.arguments.retain(|a| a.key != "peer");
        fault.arguments.push(entry("hosts", Value::List(vec![])));
    }
    plan.streams = vec![
        stream("success()", "Percent", MetricUnit::Ratio, None),
        stream("guarded()", "Percent", MetricUnit::Ratio, None),
    ];
    plan.baseline = duration("10s");
    plan.recovery.within = duration("20s");
    plan.expectations = vec![Expectation {
        name: "success".into(),
        condition: compare(0, Comparison::GreaterOrEqual, Value::Percent(percent("99%"))),
        text: "success() >= 99%".into(),
        within: None,
        phase: Phase::Always,
        span: at(6),
    }];
    plan.guards = vec![Guard {
        when: GuardWhen::Condition(compare(1, Comparison::Less, Value::Percent(percent("50%")))),
        text: "guarded() < 50%".into(),
        hold: Some(duration("10s")),
        span: at(7),
    }];
    plan.rules.clear();
    plan.method = method;
    plan.digest = plan.compute_digest();
    plan
}

pub(crate) fn lasting(fault: u32, lasts: &str) -> Step {
    step(crate::plan::StepKind::Inject { fault, lasts: Some(duration(lasts)) }, at(20 + fault))
}

pub(crate) const DRIVABLE: &[EngineName] = &[EngineName::ChaosMesh];

/// The system and the disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct System {
    /// What is on disk, without samples.
    pub disk: Vec<Record>,
    /// Undo records that are on disk, by injection.
    pub kept: BTreeMap<u32, UndoRecord>,
    /// What is really there, in the order in which it came.
    pub present: Vec<u32>,
    /// Injections that were asked for and may still land.
    pub landing: Vec<u32>,
}

impl System {
    pub fn land(&mut self, injection: u32) {
        assert!(self.kept.contains_key(&injection), "injection {injection} is there, and its undo is not on disk");
        self.landing.retain(|i| *i != injection);
        if !self.present.contains(&injection) {
            self.present.push(injection);
        }
    }

    pub fn undo(&mut self, injection: u32) {
        self.landing.retain(|i| *i != injection);
        self.present.retain(|i| *i != injection);
    }

    pub fn write(&mut self, record: &Record) {
        if let Record::Undone { injection, .. } = record {
            self.kept.remove(injection);
        }
        self.happened(record);
        // Samples say nothing about what may be left, and most of what is written is samples.
        if !matches!(record, Record::Sample { .. }) {
            self.disk.push(record.clone());
        }
    }

    /// What happens once is not there any more once it was seen, whether that could be written down or not.
    pub fn happened(&mut self, record: &Record) {
        if let Record::Undone { injection, .. } = record {
            let is_instant = |r: &Record| matches!(r, Record::Intent { injection: i, effect: crate::plan::Effect::Instant, .. } if i == injection);
            if self.disk.iter().any(is_instant) {
                self.undo(*injection);
            }
        }
    }

    pub fn keep(&mut self, injection: u32, record: &Record) {
        if let Record::Intent { undo, .. } = record {
            self.kept.insert(injection, undo.clone());
        }
        self.disk.push(record.clone());
    }

    /// The end of the disk.
    fn tail(&self) -> &[Record] {
        &self.disk[self.disk.len().saturating_sub(16)..]
    }

    /// What must be true between any two commands, as the process may die there: whatever is there, or may still come, can be
    /// undone from the disk, by another process.
    pub fn crash_is_survived(&self) {
        let open = outstanding(self.disk.iter());
        let known: Vec<u32> = open.iter().map(|o| o.injection).collect();
        for injection in self.present.iter().chain(&self.landing) {
            assert!(known.contains(injection), "a crash now leaves injection {injection}: {:?}", self.tail());
        }
        // In reverse: the later it was to be injected, the sooner it is undone.
        let intents: Vec<u32> = self
            .disk
            .iter()
            .filter_map(|r| match r {
                Record::Intent { injection, .. } => Some(*injection),
                _ => None,
            })
            .rev()
            .filter(|i| known.contains(i))
            .collect();
        assert_eq!(known, intents);
    }

    /// The order of undoing, seen when an undo is asked for: nothing that came later may still be there, unless it runs beside
    /// in a branch of its own and nothing has ended the method.
    pub fn undo_is_in_order(&self, injection: u32, command: &Command, state: &State, ended: bool) {
        let Command::Undo { attempt: 1, .. } = command else { return };
        let order =
            |i: u32| self.disk.iter().position(|r| matches!(r, Record::Intent { injection, .. } if *injection == i));
        for other in &self.present {
            // What is not on disk was never injected: its undo takes nothing away, whenever it comes.
            let is_later = order(injection).is_some() && order(*other) > order(injection);
            let is_given_up =
                self.disk.iter().any(|r| matches!(r, Record::MayBeLeft { injection, .. } if injection == other));
            let is_going =
                self.disk.iter().any(|r| matches!(r, Record::Undoing { injection, .. } if injection == other));
            let is_within = state.is_within(*other, injection);
            if is_later && !is_given_up && (is_within || ended && !is_going) {
                panic!("{injection} is undone before {other}, which came later: {:?}", self.tail());
            }
        }
    }
}

impl State {
    /// Whether an injection's step is in the block of another's.
    fn is_within(&self, inner: u32, outer: u32) -> bool {
        let node = |injection: u32| self.run.lives.get(injection as usize).map(|l| l.node);
        let (Some(mut at), Some(outer)) = (node(inner), node(outer)) else { return false };
        while let Some(parent) = self.run.nodes[at as usize].parent {
            if parent == outer {
                return true;
            }
            at = parent;
        }
        false
    }
}

/// The length of time in which a run must have ended, if people and engines are not slow in preflight.
pub(crate) fn whole_bound(plan: &Plan) -> Duration {
    use crate::analysis::timeline::{CONFIRM_BOUND, settling, timeline};
    timeline(plan).total.plus(settling(plan).times(2)).plus(CONFIRM_BOUND.times(3)).plus(Duration::from_secs(1))
}
