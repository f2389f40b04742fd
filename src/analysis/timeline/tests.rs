//! Tests of the timeline: the tour by hand, what serial and parallel steps add up to, reactions, meetings.

use super::*;
use crate::plan::sample::{at, compare, duration, entry, network_delay, percent, pods, step, tour};
use crate::plan::{Draw, GuardWhen, ObjectiveFact, Quantity, Selector, Source};
use crate::types::{Decimal, Value};

fn moment(earliest: &str, latest: &str) -> Moment {
    Moment { earliest: duration(earliest), latest: duration(latest) }
}

fn draw(plan: &mut Plan, service: &str, quantity: Quantity) -> u32 {
    plan.draws.push(Draw {
        name: None,
        quantity,
        selector: Selector::Pods(pods(service)),
        service: Some(service.into()),
        text: String::new(),
        span: at(40),
    });
    plan.draws.len() as u32 - 1
}

fn delay_for(plan: &mut Plan, target: u32, lasts: &str) -> Step {
    plan.faults.push(network_delay(target, "100ms", at(41)));
    step(StepKind::Inject { fault: plan.faults.len() as u32 - 1, lasts: Some(duration(lasts)) }, at(41))
}

#[test]
fn the_tour_over_time() {
    let plan = tour();
    let line = timeline(&plan);
    let lanes: Vec<(Moment, Moment)> = line.lanes.iter().map(|l| (l.from, l.to)).collect();
    assert_eq!(
        lanes,
        [
            (moment("0s", "30s"), moment("3m", "5m30s")), // with delay
            (moment("0s", "30s"), moment("3m", "3m30s")), // wait 3m
            (moment("3m", "4m"), moment("3m", "4m")),     // kill
            (moment("3m", "4m"), moment("3m", "5m")),     // check within 1m
            (moment("3m", "6m"), moment("5m", "8m30s")),  // loss for 2m
        ]
    );
    assert_eq!(line.lanes.iter().map(|l| l.depth).collect::<Vec<_>>(), [0, 1, 1, 1, 0]);
    assert_eq!(line.method_end, moment("5m", "8m30s"));
    assert_eq!(line.total, duration("11m"));
    // 50% of 3 is one pod; while the kill may happen, two; the two delays never add up, as one follows the other.
    let shares: Vec<_> = line.radius.iter().map(|r| (r.from, r.to, r.pods)).collect();
    assert_eq!(shares[0], (duration("0s"), duration("3m"), Some((1, 3))));
    assert_eq!(shares[1], (duration("3m"), duration("4m"), Some((2, 3))));
    assert!(shares[2..].iter().all(|s| s.2 == Some((1, 3))));
    assert!(line.radius.iter().all(|r| r.service == "ledger"));
    assert_eq!(line.worst, Some(percent("66.7%")));
}

#[test]
fn serial_faults_do_not_add_up_and_parallel_ones_do() {
    let mut plan = tour();
    let (a, b) = (draw(&mut plan, "ledger", Quantity::Exactly(1)), draw(&mut plan, "ledger", Quantity::Exactly(1)));
    let steps = vec![delay_for(&mut plan, a, "10s"), delay_for(&mut plan, b, "10s")];
    plan.method = steps.clone();
    assert_eq!(timeline(&plan).worst, Some(percent("33.3%")));
    plan.method = vec![step(StepKind::Parallel(steps), at(42))];
    assert_eq!(timeline(&plan).worst, Some(percent("66.7%")));
    // The same draw counts once; `all` and one more is all.
    let twice = vec![delay_for(&mut plan, a, "10s"), delay_for(&mut plan, a, "10s")];
    plan.method = vec![step(StepKind::Parallel(twice), at(42))];
    assert_eq!(timeline(&plan).worst, Some(percent("33.3%")));
    let all = draw(&mut plan, "ledger", Quantity::All);
    let steps = vec![delay_for(&mut plan, all, "10s"), delay_for(&mut plan, a, "10s")];
    plan.method = vec![step(StepKind::Parallel(steps), at(42))];
    assert_eq!(timeline(&plan).worst, Some(percent("100%")));
}

#[test]
fn what_cannot_be_undone_stays_hit() {
    let mut plan = tour();
    let (a, b) = (draw(&mut plan, "ledger", Quantity::Exactly(1)), draw(&mut plan, "ledger", Quantity::Exactly(1)));
    plan.method = vec![delay_for(&mut plan, a, "10s"), delay_for(&mut plan, b, "10s")];
    plan.faults[3].irreversible = Some("the data is gone".into());
    let line = timeline(&plan);
    assert_eq!(line.worst, Some(percent("66.7%")));
    assert_eq!(line.radius.last().unwrap().to, line.total.minus(plan.baseline));
}

#[test]
fn unknown_counts_are_unknown() {
    let mut plan = tour();
    plan.services.get_mut("ledger").unwrap().replicas = None;
    let one = draw(&mut plan, "ledger", Quantity::Exactly(1));
    plan.method = vec![delay_for(&mut plan, one, "1m")];
    assert_eq!(timeline(&plan).worst, None);
    let share = draw(&mut plan, "ledger", Quantity::Share(percent("50%")));
    plan.method = vec![delay_for(&mut plan, share, "1m")];
    assert_eq!(timeline(&plan).worst, None, "half of one pod is all of it");
    let all = draw(&mut plan, "ledger", Quantity::All);
    plan.method = vec![delay_for(&mut plan, all, "1m")];
    assert_eq!(timeline(&plan).worst, Some(percent("100%")));
}

#[test]
fn a_peer_counts_where_its_own_packets_are_shaped() {
    let mut plan = tour();
    let one = draw(&mut plan, "checkout", Quantity::Exactly(1));
    let peer = draw(&mut plan, "ledger", Quantity::All);
    plan.method = vec![delay_for(&mut plan, one, "1m")];
    let fault = plan.faults.last_mut().unwrap();
    fault.arguments.retain(|e| e.key != "peer");
    fault.arguments.push(entry("peer", Value::Draw(peer)));
    let line = timeline(&plan);
    assert!(line.radius.iter().all(|r| r.service == "checkout"));
    assert_eq!(line.worst, Some(percent("50%")));
    let fault = plan.faults.last_mut().unwrap();
    fault.arguments.iter_mut().find(|e| e.key == "direction").unwrap().value = Value::Word("both".into());
    let line = timeline(&plan);
    assert_eq!(line.radius.iter().map(|r| r.service.as_str()).collect::<Vec<_>>(), ["checkout", "ledger"]);
    assert_eq!(line.worst, Some(percent("100%")));
}

#[test]
fn except_makes_draws_disjoint() {
    let mut plan = tour();
    let one = draw(&mut plan, "ledger", Quantity::Exactly(1));
    let rest = draw(&mut plan, "ledger", Quantity::All);
    let Selector::Pods(selected) = &mut plan.draws[rest as usize].selector else { unreachable!() };
    selected.except = vec![one];
    plan.method = vec![delay_for(&mut plan, rest, "1m")];
    assert_eq!(timeline(&plan).worst, Some(percent("66.7%")));
    assert_eq!(meet(&plan, one, rest), Meeting::Never);
    assert_eq!(meet(&plan, one, one), Meeting::Same);
    assert_eq!(meet(&plan, 0, one), Meeting::May);
    let checkout = draw(&mut plan, "checkout", Quantity::All);
    assert_eq!(meet(&plan, one, checkout), Meeting::Never);
}

#[test]
fn a_guards_reaction_is_the_sum_of_its_terms() {
    let mut plan = tour();
    let bound = reaction(&plan, 0).unwrap();
    assert_eq!(bound.window, duration("15s"));
    assert_eq!(bound.hold, duration("10s"));
    assert_eq!((bound.every, bound.timeout, bound.undo), (duration("5s"), duration("5s"), duration("30s")));
    assert_eq!(bound.total, duration("1m5s"));
    assert_eq!(bound.silence, duration("55s"));
    // `for 12s` needs three whole samples.
    plan.guards[0].hold = Some(duration("12s"));
    assert_eq!(reaction(&plan, 0).unwrap().hold, duration("15s"));
    // Two faults at once are undone one after the other.
    let branches = vec![delay_for(&mut plan, 0, "1m"), delay_for(&mut plan, 0, "1m")];
    plan.method.push(step(StepKind::Parallel(branches), at(43)));
    assert_eq!(reaction(&plan, 0).unwrap().undo, duration("1m"));
    assert_eq!(reaction(&plan, 7), None);
    // Refuted: the slowest expectation that is judged during faults, here `alerted … within 2m`.
    plan.guards[0].when = GuardWhen::Refuted;
    let bound = reaction(&plan, 0).unwrap();
    assert_eq!((bound.stream, bound.hold), (Some(2), duration("2m")));
}

#[test]
fn a_budget_looks_back_over_no_window() {
    let mut plan = tour();
    plan.streams[3].source = Source::Objective {
        slo: "checkout-availability".into(),
        what: ObjectiveFact::BudgetSpent,
        indicator: Box::new(plan.streams[0].source.clone()),
        indicator_unit: plan.streams[0].unit,
        objective: percent("99.95%"),
        window: duration("30d"),
    };
    plan.guards[0].hold = None;
    plan.guards[0].when =
        GuardWhen::Condition(compare(3, crate::plan::Comparison::Greater, Value::Percent(percent("2%"))));
    let bound = reaction(&plan, 0).unwrap();
    assert_eq!((bound.window, bound.total), (Duration::ZERO, duration("40s")));
    // 30d × 0.05% = 21m36s of budget; 40s of it are 3.1%; 2% of it are 25.92s.
    assert_eq!(bound.burns[0].spent, percent("3.1%"));
    assert_eq!(budget_gone_after(&plan, &plan.guards[0]), Some(duration("25.92s")));
    if let Source::Objective { objective, .. } = &mut plan.streams[3].source {
        *objective = Percent(Decimal::ONE_HUNDRED);
    }
    assert!(reaction(&plan, 0).unwrap().burns.is_empty());
    assert_eq!(budget_gone_after(&plan, &plan.guards[0]), None);
}

#[test]
fn large_methods_stay_quick() {
    // A minute for each of these would show in the time of the tests: the work must not grow with the square.
    let mut plan = tour();
    let one = draw(&mut plan, "ledger", Quantity::Exactly(1));
    let steps: Vec<Step> = (0..10_000).map(|i| delay_for(&mut plan, one, &format!("{}s", i % 900 + 1))).collect();
    plan.method = steps.clone();
    assert_eq!(timeline(&plan).worst, Some(percent("33.3%")));
    plan.method = vec![step(StepKind::Parallel(steps), at(42))];
    assert_eq!(timeline(&plan).worst, Some(percent("33.3%")));
    // Branches of several alternatives each: at the limit all that a moment has counts, which is never too little.
    let several: Vec<u32> = (0..3).map(|_| draw(&mut plan, "ledger", Quantity::Exactly(1))).collect();
    let branch = |plan: &mut Plan| {
        let steps = several.iter().map(|d| delay_for(plan, *d, "1m")).collect();
        step(StepKind::Sequence(steps), at(42))
    };
    let branches: Vec<Step> = (0..60).map(|_| branch(&mut plan)).collect();
    plan.method = vec![step(StepKind::Parallel(branches), at(42))];
    assert_eq!(timeline(&plan).worst, Some(percent("66.7%")));
}
