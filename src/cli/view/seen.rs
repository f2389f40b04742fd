//! What is known of a run from its records alone: where it is, what is injected, what was seen last.
//!
//! Comes in: the plan, and each record with its time. Goes out: plain data for a frame. No clock, no terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smol_str::SmolStr;

use crate::analysis::timeline::{settling, timeline};
use crate::engine::drive::Target;
use crate::plan::{Effect, Plan};
use crate::runtime::machine::{Outlined, Pace, PhaseName, Record, Subject, outline};
use crate::types::{Duration, Value};

/// As many samples of a stream as can ever be shown.
const KEPT: usize = 40;

/// Where a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Todo,
    Running(Duration),
    Done,
}

/// What an injection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    GoingIn,
    There(Duration),
    Undoing,
    MayBeLeft,
}

/// An injection that is not known to be gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Injected {
    pub fault: SmolStr,
    pub on: Vec<SmolStr>,
    pub at_most: Duration,
    pub stage: Stage,
    pub effect: Effect,
}

/// What a condition said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said {
    pub holds: bool,
    /// When it said so last.
    at: Duration,
}

/// All of it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub plan: Arc<Plan>,
    pub steps: Vec<Outlined>,
    /// The bound of the whole run.
    pub at_most: Duration,
    /// How long the method takes, if nothing takes longer than it must.
    pub method: Duration,
    pub phase: PhaseName,
    pub phase_began: Duration,
    pub progress: Vec<Progress>,
    /// The latest samples of each stream; `None`: missing.
    pub streams: Vec<Vec<Option<Value>>>,
    pub injected: BTreeMap<u32, Injected>,
    /// By the name of an expectation or check, `guard-N` for a guard.
    pub said: BTreeMap<SmolStr, Said>,
    pub refuted: BTreeSet<SmolStr>,
    /// Guards that fired, in the source's words.
    pub fired: BTreeSet<String>,
    /// Why the method ends early.
    pub ending: Option<String>,
    /// When an expectation was last seen not to hold.
    unwell: Option<Duration>,
    names: BTreeMap<SmolStr, SmolStr>,
}

impl Seen {
    pub(super) fn new(plan: &Arc<Plan>) -> Self {
        let steps = outline(plan);
        let mut seen = Self {
            at_most: timeline(plan).total.plus(settling(plan).times(2)),
            progress: vec![Progress::Todo; steps.len()],
            streams: vec![Vec::new(); plan.streams.len()],
            plan: plan.clone(),
            steps,
            method: Duration::ZERO,
            phase: PhaseName::Preflight,
            phase_began: Duration::ZERO,
            injected: BTreeMap::new(),
            said: BTreeMap::new(),
            refuted: BTreeSet::new(),
            fired: BTreeSet::new(),
            ending: None,
            unwell: None,
            names: BTreeMap::new(),
        };
        seen.method = seen.method_left(Duration::ZERO);
        seen
    }

    pub(super) fn record(&mut self, at: Duration, record: &Record) {
        match record {
            Record::Phase { phase } => {
                (self.phase, self.phase_began) = (*phase, at);
            }
            Record::StepBegan { node, .. } => self.step(*node, Progress::Running(at)),
            Record::StepEnded { node } => self.step(*node, Progress::Done),
            Record::Draw { targets, .. } => {
                self.names.extend(targets.iter().filter_map(|t| Some((t.id.clone(), target_name(t)?))));
            }
            Record::Intent { injection, fault, targets, at_most, effect, .. } => {
                let on = targets.iter().map(|id| self.names.get(id).unwrap_or(id).clone()).collect();
                let (fault, at_most, effect) = (fault.clone(), *at_most, *effect);
                let stage = Stage::GoingIn;
                self.injected.insert(*injection, Injected { fault, on, at_most, stage, effect });
            }
            Record::There { injection, .. } => self.stage(*injection, Stage::There(at)),
            Record::Undoing { injection, .. } => self.stage(*injection, Stage::Undoing),
            Record::MayBeLeft { injection, .. } => self.stage(*injection, Stage::MayBeLeft),
            Record::Undone { injection, .. } => {
                self.injected.remove(injection);
            }
            Record::Sample { stream, value, judged, .. } => self.sample(at, *stream, value.clone(), judged),
            Record::Refuted { subject: Subject::Expectation(name) | Subject::Check(name), .. } => {
                self.refuted.insert(name.clone());
            }
            Record::GuardFired { guard, .. } => {
                self.fired.insert(guard.clone());
            }
            Record::Ending { reason } => self.ending = Some(reason.clone()),
            _ => {}
        }
    }

    fn step(&mut self, node: u32, progress: Progress) {
        if let Some(step) = self.progress.get_mut(node as usize) {
            *step = progress;
        }
    }

    fn stage(&mut self, injection: u32, stage: Stage) {
        if let Some(injected) = self.injected.get_mut(&injection) {
            injected.stage = stage;
        }
    }

    fn sample(&mut self, at: Duration, stream: u32, value: Option<Value>, judged: &[(SmolStr, bool)]) {
        if let Some(samples) = self.streams.get_mut(stream as usize) {
            samples.push(value);
            if samples.len() > KEPT {
                samples.remove(0);
            }
        }
        for (name, holds) in judged {
            self.said.insert(name.clone(), Said { holds: *holds, at });
            if !holds && self.plan.expectations.iter().any(|e| e.name == *name) {
                self.unwell = Some(at);
            }
        }
    }

    /// What an expectation says in this phase, as what is judged and against what is of the phase; at the end, what it said last.
    pub(super) fn expectation(&self, name: &str) -> Option<Said> {
        let said = self.said.get(name).copied()?;
        (said.at >= self.phase_began || self.phase == PhaseName::Recovered).then_some(said)
    }

    /// Where a step is; of a mere frame, where its steps are.
    pub(super) fn progress_of(&self, step: &Outlined) -> Progress {
        if step.is_written {
            return self.progress.get(step.node as usize).copied().unwrap_or(Progress::Todo);
        }
        let mut inner = self.inside(step).map(|inner| self.progress_of(inner)).peekable();
        if inner.peek().is_none() {
            return Progress::Done;
        }
        let all: Vec<Progress> = inner.collect();
        let began = |p: &Progress| if let Progress::Running(began) = p { Some(*began) } else { None };
        match all.iter().find_map(began) {
            Some(began) => Progress::Running(began),
            None if all.iter().all(|p| *p == Progress::Done) => Progress::Done,
            None if all.contains(&Progress::Done) => Progress::Running(Duration::ZERO),
            None => Progress::Todo,
        }
    }

    fn inside(&self, step: &Outlined) -> impl Iterator<Item = &Outlined> {
        let node = step.node;
        self.steps.iter().filter(move |s| s.parent == Some(node))
    }

    /// How long a step takes from now on, if nothing takes longer than it must.
    pub(super) fn left_of(&self, step: &Outlined, at: Duration) -> Duration {
        match (self.progress_of(step), step.pace) {
            (Progress::Done, _) | (_, Pace::Open) => Duration::ZERO,
            (Progress::Running(began), Pace::Lasts(length)) => length.minus(at.minus(began)),
            (Progress::Todo, Pace::Lasts(length)) => length,
            (_, Pace::Serial) => self.inside(step).map(|s| self.left_of(s, at)).fold(Duration::ZERO, Duration::plus),
            (_, Pace::Beside) => self.inside(step).map(|s| self.left_of(s, at)).max().unwrap_or_default(),
        }
    }

    /// What is left of the method.
    pub(super) fn method_left(&self, at: Duration) -> Duration {
        let all = self.steps.first().map_or(Duration::ZERO, |method| self.left_of(method, at));
        if self.ending.is_some() || self.phase >= PhaseName::Recovering { Duration::ZERO } else { all }
    }

    /// What is left of a phase that has the baseline's length.
    pub(super) fn well_left(&self, at: Duration) -> Duration {
        let since = self.phase_began.max(self.unwell.unwrap_or_default());
        self.plan.baseline.minus(at.minus(since))
    }

    /// About how long the run takes from now on: if no check has to wait and the system recovers at once.
    pub(super) fn left(&self, at: Duration) -> Duration {
        let (baseline, method) = (self.plan.baseline, self.method_left(at));
        match self.phase {
            PhaseName::Preflight => baseline.plus(method).plus(baseline),
            PhaseName::Baseline => self.well_left(at).plus(method).plus(baseline),
            PhaseName::Faults => method.plus(baseline),
            PhaseName::Recovering => self.well_left(at),
            PhaseName::Recovered => Duration::ZERO,
        }
    }
}

/// A target as people call it. A replica on this machine is called `a`, so its service belongs to its name.
pub(in crate::cli) fn target_name(target: &Target) -> Option<SmolStr> {
    let own = target.facts.get("name")?;
    Some(match &target.service {
        Some(service) if !own.contains(service.as_str()) => format!("{service}/{own}").into(),
        _ => own.clone(),
    })
}
