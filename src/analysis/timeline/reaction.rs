//! How long a guard may take from the moment something breaks to the moment everything is undone.
//!
//! Comes in: a plan and one of its guards. Goes out: the bound with its terms. This is the bound of Perturb's own
//! interpreter and gate; an engine's own controllers add to it when they carry the abort, and its emitter says how much.

use serde::Serialize;

use super::UNDO_BOUND;
use crate::plan::{
    Comparison, Condition, Effect, Guard, GuardWhen, ObjectiveFact, Operand, Phase, Plan, Source, Step, StepKind,
    Stream,
};
use crate::types::{Decimal, Duration, Percent, Value};

/// The bound of a guard's reaction: `window + for + every + timeout + undo`, of the slowest stream that it watches.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reaction {
    /// The slowest stream (an index into `Plan::streams`); `None`: the guard samples nothing during faults.
    pub stream: Option<u32>,
    /// How far back one sample looks. Zero for a budget: it is a running count, which the first bad minute moves.
    pub window: Duration,
    /// The guard's `for` (for `abort when refuted`: the expectation's `within`), in whole samples, rounded up.
    pub hold: Duration,
    /// Until the next sample.
    pub every: Duration,
    /// Until its answer.
    pub timeout: Duration,
    /// Until all that is there at once is undone, in reverse order, one after the other.
    pub undo: Duration,
    /// The sum.
    pub total: Duration,
    /// The bound when the data falls silent: patience + `for` + undo.
    pub silence: Duration,
    /// What a full outage costs meanwhile, for each SLO that the guard watches.
    pub burns: Vec<Burn>,
}

/// What goes of an error budget while a guard reacts, if nothing is served at all.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Burn {
    /// The SLO.
    pub slo: String,
    /// The share of its budget: total ÷ (window × (1 − objective)).
    pub spent: Percent,
}

/// The reaction bound of a guard (an index into `Plan::guards`); `None` if the plan has no such guard.
#[must_use]
pub fn reaction(plan: &Plan, guard: usize) -> Option<Reaction> {
    let guard = plan.guards.get(guard)?;
    let undo = UNDO_BOUND.times(most_at_once(plan, &plan.method));
    let watched = watched(plan, guard);
    let slowest = watched.iter().copied().reduce(|a, b| if b.sum() > a.sum() { b } else { a });
    let terms = slowest.unwrap_or_default();
    let total = terms.sum().plus(undo);
    let silence = watched.iter().map(|w| w.patience.plus(w.hold)).max().unwrap_or_default().plus(undo);
    let burns = match &guard.when {
        GuardWhen::Condition(condition) => burns(plan, condition, total),
        GuardWhen::Refuted => vec![],
    };
    let Watched { stream, window, hold, every, timeout, .. } = terms;
    Some(Reaction { stream, window, hold, every, timeout, undo, total, silence, burns })
}

/// After how long a full outage alone makes a budget guard's condition true: for `budget-spent > P`,
/// P × window × (1 − objective). `None` for every other condition.
#[must_use]
pub fn budget_gone_after(plan: &Plan, guard: &Guard) -> Option<Duration> {
    match &guard.when {
        GuardWhen::Condition(condition) => outage_until(plan, condition),
        GuardWhen::Refuted => None,
    }
}

/// What was spent of a budget is counted over at least this time, however short the run is.
pub const SHORTEST_BUDGET: Duration = Duration::from_secs(60);

/// How long nothing must be served until `budget-spent > P` is true. `None` for every other condition.
#[must_use]
pub fn outage_until(plan: &Plan, condition: &Condition) -> Option<Duration> {
    use rust_decimal::prelude::ToPrimitive;
    let (share, objective, window) = spent_more_than(plan, condition)?;
    let nanos = budget(objective, window)?.checked_mul(share.0)?.checked_div(Decimal::ONE_HUNDRED)?;
    Duration::from_nanos(nanos.round().to_u64()?)
}

/// What of the budget in `budget-spent > P` goes if nothing is served for this long.
#[must_use]
pub fn outage_spends(plan: &Plan, condition: &Condition, length: Duration) -> Option<Percent> {
    let (_, objective, window) = spent_more_than(plan, condition)?;
    spent(length, objective, window)
}

/// The share in `budget-spent > P`, with the SLO's objective and window.
fn spent_more_than(plan: &Plan, condition: &Condition) -> Option<(Percent, Percent, Duration)> {
    let Condition::Compare { left: Operand::Stream(stream), op, right } = condition else { return None };
    let Operand::Constant(Value::Percent(share)) = right else { return None };
    if !matches!(op, Comparison::Greater | Comparison::GreaterOrEqual) {
        return None;
    }
    match &plan.streams.get(*stream as usize)?.source {
        Source::Objective { what: ObjectiveFact::BudgetSpent, objective, window, .. } => {
            Some((*share, *objective, *window))
        }
        _ => None,
    }
}

/// One stream as a guard sees it.
#[derive(Debug, Clone, Copy, Default)]
struct Watched {
    stream: Option<u32>,
    window: Duration,
    hold: Duration,
    every: Duration,
    timeout: Duration,
    patience: Duration,
}

impl Watched {
    fn new(index: u32, stream: &Stream, hold: Option<Duration>) -> Self {
        Self {
            stream: Some(index),
            window: looks_back(stream),
            hold: whole_samples(hold.unwrap_or_default(), stream.every),
            every: stream.every,
            timeout: stream.timeout,
            patience: stream.patience,
        }
    }

    fn sum(&self) -> Duration {
        self.window.plus(self.hold).plus(self.every).plus(self.timeout)
    }
}

/// True samples from u to v with v − u ≥ `hold` need whole steps of `every`.
fn whole_samples(hold: Duration, every: Duration) -> Duration {
    match (hold.as_nanos(), every.as_nanos()) {
        (_, 0) => hold,
        (hold, step) => every.times(hold.div_ceil(step)),
    }
}

/// How long an old sample can hide a new fault.
fn looks_back(stream: &Stream) -> Duration {
    match &stream.source {
        Source::Objective { what: ObjectiveFact::BudgetLeft | ObjectiveFact::BudgetSpent, .. } => Duration::ZERO,
        _ => stream.window.unwrap_or_default(),
    }
}

/// What a guard watches while faults are on. `abort when refuted` watches every expectation that is judged then; a check
/// that fails ends the method by itself.
fn watched(plan: &Plan, guard: &Guard) -> Vec<Watched> {
    let of = |condition: &Condition, hold: Option<Duration>| -> Vec<Watched> {
        let streams = condition.streams().into_iter();
        streams.filter_map(|i| plan.streams.get(i as usize).map(|s| Watched::new(i, s, hold))).collect()
    };
    match &guard.when {
        GuardWhen::Condition(condition) => of(condition, guard.hold),
        GuardWhen::Refuted => plan
            .expectations
            .iter()
            .flat_map(|e| match &e.phase {
                Phase::ExceptDuringFaults => vec![],
                Phase::Relaxed { condition, .. } => of(condition, e.within),
                Phase::Always | Phase::OnlyDuringFaults => of(&e.condition, e.within),
            })
            .collect(),
    }
}

fn burns(plan: &Plan, condition: &Condition, total: Duration) -> Vec<Burn> {
    let mut found: Vec<Burn> = Vec::new();
    for stream in condition.streams().into_iter().filter_map(|s| plan.streams.get(s as usize)) {
        if let Source::Objective { slo, what, objective, window, .. } = &stream.source
            && matches!(what, ObjectiveFact::BudgetLeft | ObjectiveFact::BudgetSpent)
            && found.iter().all(|b| b.slo != slo.as_str())
            && let Some(spent) = spent(total, *objective, *window)
        {
            found.push(Burn { slo: slo.to_string(), spent });
        }
    }
    found
}

/// An error budget as time without any answer, in nanoseconds; `None` where there is no budget (an objective of 100%).
fn budget(objective: Percent, window: Duration) -> Option<Decimal> {
    let allowed = Decimal::ONE_HUNDRED.checked_sub(objective.0)?.checked_div(Decimal::ONE_HUNDRED)?;
    Decimal::from(window.as_nanos()).checked_mul(allowed).filter(|b| *b > Decimal::ZERO)
}

/// The share of the budget that `length` without any answer costs, to one decimal, rounded up.
fn spent(length: Duration, objective: Percent, window: Duration) -> Option<Percent> {
    let share = Decimal::from(length.as_nanos()).checked_mul(Decimal::ONE_HUNDRED)?;
    let share = share.checked_div(budget(objective, window)?)?;
    Some(Percent(share.round_dp_with_strategy(1, rust_decimal::RoundingStrategy::AwayFromZero).normalize()))
}

/// How many lasting faults are there at once, at most.
fn most_at_once(plan: &Plan, steps: &[Step]) -> u64 {
    let of = |step: &Step| match &step.kind {
        StepKind::Inject { fault, .. } => lasting(plan, *fault),
        StepKind::With { fault, steps } => lasting(plan, *fault).saturating_add(most_at_once(plan, steps)),
        StepKind::Parallel(branches) => {
            branches.iter().map(|b| most_at_once(plan, std::slice::from_ref(b))).fold(0, u64::saturating_add)
        }
        StepKind::Sequence(steps) | StepKind::Round { steps, .. } => most_at_once(plan, steps),
        StepKind::Wait(_) | StepKind::Check { .. } | StepKind::Ask { .. } | StepKind::Note { .. } => 0,
    };
    steps.iter().map(of).max().unwrap_or(0)
}

fn lasting(plan: &Plan, fault: u32) -> u64 {
    u64::from(plan.faults.get(fault as usize).is_some_and(|f| f.effect == Effect::Lasting))
}
