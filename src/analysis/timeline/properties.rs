//! Properties of the timeline on random methods, and a simulation that no bound may fall short of.

use proptest::prelude::*;

use super::{CONFIRM_BOUND, LaneKind, Timeline, UNDO_BOUND, check_bound, reaction, timeline};
use crate::analysis::picture::picture;
use crate::analysis::telling::tell;
use crate::plan::sample::{at, compare, network_delay, percent, pod_kill, pods, step, tour};
use crate::plan::{Comparison, Condition, Draw, Plan, Quantity, Selector, Step, StepKind};
use crate::types::{Decimal, Duration, Percent, Value};

/// Faults 0 to 4 last and hit draws 0 to 4 of the ledger's seven pods; fault 5 is instant and hits draw 0.
fn plan(method: Vec<Step>) -> Plan {
    let mut plan = tour();
    plan.services.get_mut("ledger").unwrap().replicas = Some(7);
    let quantities = [
        Quantity::Exactly(1),
        Quantity::Exactly(2),
        Quantity::Share(percent("50%")),
        Quantity::Share(percent("1%")),
        Quantity::All,
    ];
    plan.draws = quantities
        .into_iter()
        .map(|quantity| Draw {
            name: None,
            quantity,
            selector: Selector::Pods(pods("ledger")),
            service: Some("ledger".into()),
            text: "some of ledger.pods".into(),
            span: at(1),
        })
        .collect();
    plan.faults = (0..5).map(|draw| network_delay(draw, "1s", at(2))).collect();
    plan.faults.push(pod_kill(0, at(3)));
    plan.method = method;
    plan
}

fn condition() -> Condition {
    compare(4, Comparison::GreaterOrEqual, Value::Int(3))
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let seconds = || (1u32..600).prop_map(Duration::from_secs);
    let leaf = prop_oneof![
        (0u32..5, seconds()).prop_map(|(fault, lasts)| StepKind::Inject { fault, lasts: Some(lasts) }),
        Just(StepKind::Inject { fault: 5, lasts: None }),
        seconds().prop_map(StepKind::Wait),
        proptest::option::of(seconds()).prop_map(|within| StepKind::Check {
            name: "c".into(),
            condition: condition(),
            text: "…".into(),
            within
        }),
        seconds().prop_map(|within| StepKind::Ask { who: "platform".into(), question: "?".into(), within }),
        Just(StepKind::Note { who: None, text: "…".into(), within: None }),
    ]
    .prop_map(|kind| step(kind, at(4)));
    let tree = leaf.prop_recursive(4, 24, 4, |inner| {
        let block = || proptest::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            (0u32..5, block()).prop_map(|(fault, steps)| StepKind::With { fault, steps }),
            block().prop_map(StepKind::Parallel),
            block().prop_map(StepKind::Sequence),
            block().prop_map(|steps| StepKind::Round { title: "n = 1".into(), number: 1, of: 1, steps }),
        ]
        .prop_map(|kind| step(kind, at(5)))
    });
    proptest::collection::vec(tree, 1..5)
}

/// One run of the method: each thing that may take from nothing to its bound takes a share of it.
struct Run<'a> {
    plan: &'a Plan,
    shares: &'a [u8],
    next: usize,
    /// Begin and end of each lane, in the order of the text.
    lanes: Vec<(Duration, Duration)>,
}

impl Run<'_> {
    fn some(&mut self, bound: Duration) -> Duration {
        let share = self.shares[self.next % self.shares.len()];
        self.next += 1;
        // Never no time at all: two steps that follow each other are not there at one moment.
        Duration::from_nanos((bound.as_nanos() / 255 * u64::from(share)).max(1)).unwrap()
    }

    fn serial(&mut self, steps: &[Step], now: Duration) -> Duration {
        steps.iter().fold(now, |now, step| self.step(step, now))
    }

    fn step(&mut self, step: &Step, now: Duration) -> Duration {
        let lane = self.lanes.len();
        match &step.kind {
            StepKind::Parallel(steps) => steps.iter().map(|s| self.step(s, now)).max().unwrap_or(now),
            StepKind::Sequence(steps) | StepKind::Round { steps, .. } => self.serial(steps, now),
            StepKind::Inject { lasts, .. } => {
                let begin = now.plus(self.some(CONFIRM_BOUND));
                let end = lasts.map_or(begin, |lasts| begin.plus(lasts).plus(self.some(UNDO_BOUND)));
                self.lanes.push((begin, end));
                end
            }
            StepKind::With { steps, .. } => {
                let begin = now.plus(self.some(CONFIRM_BOUND));
                self.lanes.push((begin, begin));
                let end = self.serial(steps, begin).plus(self.some(UNDO_BOUND));
                self.lanes[lane].1 = end;
                end
            }
            StepKind::Wait(length) => self.leaf(now, now.plus(*length)),
            StepKind::Check { condition, within, .. } => {
                let end = now.plus(self.some(check_bound(self.plan, condition, *within)));
                self.leaf(now, end)
            }
            StepKind::Ask { within, .. } => {
                let end = now.plus(self.some(*within));
                self.leaf(now, end)
            }
            StepKind::Note { .. } => self.leaf(now, now),
        }
    }

    fn leaf(&mut self, from: Duration, to: Duration) -> Duration {
        self.lanes.push((from, to));
        to
    }
}

/// The pods of the ledger that are hit at a moment of a run, where draws meet as little as they can.
fn hit_at(plan: &Plan, line: &Timeline, run: &Run<'_>, now: Duration) -> u32 {
    let mut draws: Vec<u32> = line
        .lanes
        .iter()
        .zip(&run.lanes)
        .filter(|(_, (from, to))| *from <= now && (now < *to || from == to && now == *from))
        .filter_map(|(lane, _)| match lane.kind {
            LaneKind::Fault(fault) => Some(plan.faults[fault as usize].target),
            _ => None,
        })
        .collect();
    draws.sort_unstable();
    draws.dedup();
    draws.iter().map(|d| plan.draws[*d as usize].quantity.of(7)).sum::<u32>().min(7)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn lanes_and_radius_are_sound(method in steps()) {
        let plan = plan(method);
        let line = timeline(&plan);
        prop_assert_eq!(&line, &timeline(&plan));
        for lane in &line.lanes {
            prop_assert!(lane.from.earliest <= lane.from.latest && lane.to.earliest <= lane.to.latest);
            prop_assert!(lane.from.earliest <= lane.to.earliest && lane.from.latest <= lane.to.latest);
            prop_assert!(lane.to.earliest <= line.method_end.earliest && lane.to.latest <= line.method_end.latest);
        }
        prop_assert!(line.faults_end.latest <= line.method_end.latest);
        prop_assert!(line.total >= line.method_end.latest);
        let all = Percent(Decimal::ONE_HUNDRED);
        for radius in &line.radius {
            prop_assert!(radius.from < radius.to);
            prop_assert!(radius.share.is_some_and(|s| s > Percent(Decimal::ZERO) && s <= all));
        }
        for pair in line.radius.windows(2) {
            prop_assert!(pair[0].to <= pair[1].from);
        }
        prop_assert_eq!(line.worst.unwrap_or_default(), line.radius.iter().filter_map(|r| r.share).max().unwrap_or_default());
        prop_assert!(reaction(&plan, 0).is_some_and(|r| r.total >= r.undo));
    }

    #[test]
    fn no_run_leaves_the_bounds(method in steps(), shares in proptest::collection::vec(any::<u8>(), 1..40)) {
        let plan = plan(method);
        let line = timeline(&plan);
        let mut run = Run { plan: &plan, shares: &shares, next: 0, lanes: vec![] };
        let end = run.serial(&plan.method, Duration::ZERO);
        prop_assert!(line.method_end.earliest <= end && end <= line.method_end.latest);
        prop_assert_eq!(line.lanes.len(), run.lanes.len());
        for (lane, (from, to)) in line.lanes.iter().zip(&run.lanes) {
            prop_assert!(lane.from.earliest <= *from && *from <= lane.from.latest);
            prop_assert!(lane.to.earliest <= *to && *to <= lane.to.latest);
        }
        for (now, _) in &run.lanes {
            let hit = hit_at(&plan, &line, &run, *now);
            let told = line.radius.iter().filter(|r| r.from <= *now && *now <= r.to);
            let told = told.filter_map(|r| r.pods).map(|(pods, _)| pods).max().unwrap_or(0);
            prop_assert!(hit <= told, "{hit} pods are hit at {now}, {told} were told");
        }
    }

    #[test]
    fn every_method_can_be_drawn_and_told(method in steps(), width in 0usize..300, unicode: bool) {
        let plan = plan(method);
        let drawn = picture(&plan, &timeline(&plan), width, unicode);
        prop_assert!(unicode || drawn.is_ascii() || drawn.contains('…'));
        let told = tell(&plan, &[]);
        let steps = told.sections.iter().flat_map(|s| &s.sentences).filter(|s| s.text.starts_with("Step ")).count();
        prop_assert!(steps == timeline(&plan).lanes.len() || steps >= 9);
        prop_assert!(told.to_text(width).lines().count() > 40);
    }
}
