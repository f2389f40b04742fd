//! The experiment over time: when each thing begins and ends at the earliest and at the latest, and how much is hit.
//!
//! Comes in: a [`Plan`]. Goes out: a [`Timeline`], each guard's [`Reaction`], and whether two draws may [`meet`]. It must
//! never judge: what is too long or too much is for the proofs and policies that read it.
//!
//! Time zero is the first step of the method; the baseline lies before it. Checks, asks and notes end when they are
//! answered, so what follows them has an earliest and a latest begin. Injection and undo take time that nobody declares:
//! the bounds below are what the interpreter holds itself to (an unconfirmed injection or undo past them ends the run).
//! The meaning of each step is `docs/language.md`, "Steps".

mod meeting;
#[cfg(test)]
mod properties;
mod radius;
mod reaction;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::Serialize;
use smol_str::SmolStr;

use crate::plan::{Condition, EngineName, Plan, Step, StepKind};
use crate::source::Span;
use crate::types::{Duration, Percent};

pub use meeting::{Meeting, meet};
pub use radius::{draws_of, may_hit};
pub use reaction::{Burn, Reaction, SHORTEST_BUDGET, budget_gone_after, outage_spends, outage_until, reaction};

/// An injection is confirmed within this time, or the method ends.
pub const CONFIRM_BOUND: Duration = Duration::from_secs(30);
/// An undo is confirmed within this time, or the verdict is `error`.
pub const UNDO_BOUND: Duration = Duration::from_secs(30);

/// A moment that is not known exactly, counted from the first step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// Not before this.
    pub earliest: Duration,
    /// Not after this.
    pub latest: Duration,
}

impl Moment {
    /// The first step's begin.
    pub const ZERO: Self = Self { earliest: Duration::ZERO, latest: Duration::ZERO };

    /// This moment put off by exactly `by`.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self { earliest: self.earliest.plus(by), latest: self.latest.plus(by) }
    }

    /// This moment put off by anything from nothing to `by`.
    #[must_use]
    pub fn plus_up_to(self, by: Duration) -> Self {
        Self { earliest: self.earliest, latest: self.latest.plus(by) }
    }

    /// When both have come.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { earliest: self.earliest.max(other.earliest), latest: self.latest.max(other.latest) }
    }
}

/// What a lane shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LaneKind {
    /// A fault (an index into `Plan::faults`).
    Fault(u32),
    /// `wait`.
    Wait,
    /// A check, by name.
    Check(String),
    /// A question to this team.
    Ask(SmolStr),
    /// A note; whose words, if it waits for a team's.
    Note(Option<SmolStr>),
}

/// One thing that happens from a moment to a moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lane {
    /// What.
    pub kind: LaneKind,
    /// When it begins (a fault: when its injection is confirmed).
    pub from: Moment,
    /// When it ends (a fault: when its undo is confirmed); an instant fault ends when it begins.
    pub to: Moment,
    /// How many `with` blocks it is in.
    pub depth: u32,
    /// The title of the round of `for each` that it is in, if any; rounds in rounds are joined by `, `.
    pub round: Option<String>,
    /// The step.
    pub span: Span,
}

/// How much of one service is hit in a stretch of time, in the worst case.
///
/// Counted are all faults that may be there at once, each from its earliest begin to its latest confirmed undo. Steps
/// that follow each other are never there at once, however uncertain their times. An instant fault counts at its moment
/// (from its earliest begin until it is confirmed at the latest) and no longer: what it leaves behind, such as a pod
/// that restarts, is the system's recovery and nobody knows how long that takes. A fault that cannot be undone counts
/// until the run has ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Radius {
    /// From.
    pub from: Duration,
    /// To.
    pub to: Duration,
    /// The service.
    pub service: String,
    /// Hit pods ÷ ready pods, at most 100%, rounded to one decimal; `None`: only preflight can tell, as the catalogue
    /// gives no replica count, or as what is hit depends on what runs on a node or in a zone.
    pub share: Option<Percent>,
    /// Hit pods and ready pods, where the replica count is known.
    pub pods: Option<(u32, u32)>,
    /// The faults of the worst case: those that hit it at once then (indices into `Plan::faults`).
    pub faults: Vec<u32>,
}

/// The whole picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timeline {
    /// One for each step that is not a mere frame (`parallel`, `sequence`, rounds), in the order of the text.
    pub lanes: Vec<Lane>,
    /// When the method ends, all undone.
    pub method_end: Moment,
    /// When the phase `faults` ends and recovery begins to count: the last confirmed undo (of instant faults alone: the
    /// last confirmed injection). Steps that come after it (a last check, a wait) are already in `recovering`.
    pub faults_end: Moment,
    /// The bound of the whole run: baseline + method + recovery + baseline, everything at its latest.
    pub total: Duration,
    /// Stretches of time in which something is hit, in order of time, then of the service's name.
    pub radius: Vec<Radius>,
    /// The largest share of any service at any moment; `None` if any part of it is unknown.
    pub worst: Option<Percent>,
}

impl Timeline {
    /// The stretches of the radius as a reader wants them: those of a service that follow each other with the same share
    /// are one, with the faults of all.
    #[must_use]
    pub fn stretches(&self) -> Vec<Radius> {
        let mut parts: Vec<Radius> = Vec::new();
        for part in &self.radius {
            let before = parts.iter_mut().rev().find(|p| p.service == part.service);
            match before {
                Some(same) if same.to == part.from && (same.share, same.pods) == (part.share, part.pods) => {
                    same.to = part.to;
                    same.faults.extend(&part.faults);
                    same.faults.sort_unstable();
                    same.faults.dedup();
                }
                _ => parts.push(part.clone()),
            }
        }
        parts
    }
}

/// Who draws the targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drawing {
    /// The plan: steps that name one draw hit the same things.
    Once,
    /// This engine, each fault for itself: two that name one draw may hit different things.
    By(EngineName),
}

/// Lays the plan out over time.
#[must_use]
pub fn timeline(plan: &Plan) -> Timeline {
    laid_out(plan, Drawing::Once)
}

/// The same where this engine draws, handed manifests: each fault for itself, and counted as it counts. `None`: that makes no
/// difference.
#[must_use]
pub fn natively(plan: &Plan, engine: EngineName) -> Option<Timeline> {
    (!drawn_otherwise(plan, engine).is_empty()).then(|| laid_out(plan, Drawing::By(engine)))
}

/// The draws of which this engine may hit more at once: those that leave a choice and that several faults name, as it draws
/// for each of them anew; and shares that it rounds up.
#[must_use]
pub fn drawn_otherwise(plan: &Plan, engine: EngineName) -> BTreeSet<u32> {
    let mut seen = BTreeSet::new();
    let draws = plan.faults.iter().flat_map(draws_of);
    let more = |draw: &u32| {
        let again = !seen.insert(*draw) && radius::leaves_a_choice(plan, *draw);
        again || plan.draws.get(*draw as usize).is_some_and(|draw| radius::rounds_up(plan, engine, draw))
    };
    draws.filter(more).collect()
}

fn laid_out(plan: &Plan, drawing: Drawing) -> Timeline {
    let mut walk = Walk { plan, lanes: vec![], places: vec![], path: vec![], rounds: vec![], depth: 0 };
    let method_end = walk.serial(&plan.method, Moment::ZERO);
    let total = plan.baseline.plus(method_end.latest).plus(plan.recovery.within).plus(plan.baseline);
    let Walk { lanes, places, .. } = walk;
    // What cannot be undone stays hit until the run has ended; the baseline is counted before time zero.
    let run_end = total.minus(plan.baseline);
    let (radius, worst) = radius::over_time(plan, drawing, &lanes, &places, run_end);
    let faults = lanes.iter().filter(|lane| matches!(lane.kind, LaneKind::Fault(_)));
    let faults_end = faults.map(|lane| lane.to).reduce(Moment::max).unwrap_or(Moment::ZERO);
    Timeline { lanes, method_end, faults_end, total, radius, worst }
}

/// How long the end of the baseline and of the recovery may each wait for answers that are under way: no phase is judged
/// before every question that was asked in it is answered or has timed out. The longest `timeout` of what is expected.
#[must_use]
pub fn settling(plan: &Plan) -> Duration {
    let streams = plan.expectations.iter().flat_map(|e| e.condition.streams());
    let timeouts = streams.filter_map(|s| plan.streams.get(s as usize)).map(|s| s.timeout);
    timeouts.max().unwrap_or(Duration::ZERO)
}

/// How long a check without `within` may take: until the next sample, or until its silence is a gap.
/// With `within`, exactly that.
#[must_use]
pub fn check_bound(plan: &Plan, condition: &Condition, within: Option<Duration>) -> Duration {
    within.unwrap_or_else(|| {
        let streams = condition.streams().into_iter().filter_map(|s| plan.streams.get(s as usize));
        streams.map(|s| s.every.plus(s.timeout).max(s.patience)).max().unwrap_or(Duration::ZERO)
    })
}

/// One step down in the tree of steps: which child, and whether its siblings run beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn {
    beside: bool,
    child: u32,
}

/// Walks the method once and lays each step out.
struct Walk<'p> {
    plan: &'p Plan,
    lanes: Vec<Lane>,
    /// For each lane, where in the tree of steps it is.
    places: Vec<Vec<Turn>>,
    path: Vec<Turn>,
    rounds: Vec<&'p str>,
    depth: u32,
}

impl<'p> Walk<'p> {
    fn lane(&mut self, kind: LaneKind, from: Moment, to: Moment, span: Span) -> usize {
        let round = (!self.rounds.is_empty()).then(|| self.rounds.join(", "));
        self.lanes.push(Lane { kind, from, to, depth: self.depth, round, span });
        self.places.push(self.path.clone());
        self.lanes.len() - 1
    }

    fn serial(&mut self, steps: &'p [Step], begin: Moment) -> Moment {
        let mut now = begin;
        for (child, step) in (0..).zip(steps) {
            self.path.push(Turn { beside: false, child });
            now = self.step(step, now);
            self.path.pop();
        }
        now
    }

    fn parallel(&mut self, branches: &'p [Step], begin: Moment) -> Moment {
        let mut end = begin;
        for (child, branch) in (0..).zip(branches) {
            self.path.push(Turn { beside: true, child });
            end = end.max(self.step(branch, begin));
            self.path.pop();
        }
        end
    }

    /// Lays out one step that begins at `now`; gives when it ends.
    fn step(&mut self, step: &'p Step, now: Moment) -> Moment {
        match &step.kind {
            StepKind::Inject { fault, lasts } => {
                let from = now.plus_up_to(CONFIRM_BOUND);
                let to = lasts.map_or(from, |lasts| from.plus(lasts).plus_up_to(UNDO_BOUND));
                self.lane(LaneKind::Fault(*fault), from, to, step.span);
                to
            }
            StepKind::With { fault, steps } => {
                let from = now.plus_up_to(CONFIRM_BOUND);
                let lane = self.lane(LaneKind::Fault(*fault), from, from, step.span);
                self.depth += 1;
                let to = self.serial(steps, from).plus_up_to(UNDO_BOUND);
                self.depth -= 1;
                if let Some(lane) = self.lanes.get_mut(lane) {
                    lane.to = to;
                }
                to
            }
            StepKind::Wait(length) => {
                let to = now.plus(*length);
                self.lane(LaneKind::Wait, now, to, step.span);
                to
            }
            StepKind::Check { name, condition, within, .. } => {
                let to = now.plus_up_to(check_bound(self.plan, condition, *within));
                self.lane(LaneKind::Check(name.to_string()), now, to, step.span);
                to
            }
            StepKind::Parallel(branches) => self.parallel(branches, now),
            StepKind::Sequence(steps) => self.serial(steps, now),
            StepKind::Round { title, steps, .. } => {
                self.rounds.push(title);
                let to = self.serial(steps, now);
                self.rounds.pop();
                to
            }
            StepKind::Ask { who, within, .. } => {
                let to = now.plus_up_to(*within);
                self.lane(LaneKind::Ask(who.clone()), now, to, step.span);
                to
            }
            StepKind::Note { who, within, .. } => {
                let to = now.plus_up_to(within.unwrap_or(Duration::ZERO));
                self.lane(LaneKind::Note(who.clone()), now, to, step.span);
                to
            }
        }
    }
}
