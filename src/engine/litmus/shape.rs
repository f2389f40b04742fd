//! The method as Litmus runs it: which engines there are, how long each lasts, and how they follow each other.
//!
//! Comes in: the plan's steps. Goes out: [`Shape`]. `for each` is unrolled already, `sequence` is what steps are anyway. A
//! `with` around nothing but waits is one engine of that length. Any other `with` is an engine that lasts as long as
//! its block may take at most: an engine ends by its own clock, nothing ends it from outside but an abort, and that one
//! would cost its verdict.

use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Condition, Effect, Plan, Step, StepKind};
use crate::source::Span;
use crate::types::Duration;

/// What an engine takes beside the time of its fault, in seconds: operator, runner, job and helper pods come up, and the undo.
pub(super) const OVERHEAD: u64 = 60;

/// The whole method.
#[derive(Debug, Default)]
pub(super) struct Shape<'p> {
    /// In order.
    pub parts: Vec<Part<'p>>,
    /// Every engine, in the order of its step.
    pub uses: Vec<Use>,
    /// Plain notes, in order.
    pub notes: Vec<&'p str>,
    /// Waits of a fraction of a second, which become longer.
    pub broken_waits: Vec<(Duration, Span)>,
}

/// One engine.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Use {
    /// An index into `Plan::faults`.
    pub fault: u32,
    /// `TOTAL_CHAOS_DURATION`.
    pub seconds: u64,
    /// The time that the plan says, where it says one.
    pub lasts: Option<Duration>,
    /// Whether the fault lasts until it is undone.
    pub lasting: bool,
    /// Whether it is around other steps.
    pub around: bool,
    /// Whether no other engine is around it.
    pub outermost: bool,
    /// Whether nothing was injected before it.
    pub first: bool,
    /// Whether nothing is injected after it.
    pub last: bool,
    /// The step.
    pub span: Span,
}

/// A part of the method.
#[derive(Debug)]
pub(super) enum Part<'p> {
    /// An engine (an index into `Shape::uses`), from its creation to its end.
    Engine(usize),
    /// An engine, and what happens while it lasts.
    Around(usize, Vec<Part<'p>>),
    /// A pause in seconds.
    Wait(u64),
    /// A check.
    Check(CheckStep<'p>),
    /// Branches that begin together.
    Together(Vec<Vec<Part<'p>>>),
}

/// A check of the method.
#[derive(Debug, Clone, Copy)]
pub(super) struct CheckStep<'p> {
    /// Its name.
    pub name: &'p str,
    /// What must become true.
    pub condition: &'p Condition,
    /// In the source's words.
    pub text: &'p str,
    /// At most this long.
    pub within: Option<Duration>,
    /// The step.
    pub span: Span,
}

impl Shape<'_> {
    /// Whether one engine is all there is.
    pub(super) fn is_one_engine(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Engine(_)])
    }
}

/// Reads the method. Steps that no Litmus workflow has are reported.
pub(super) fn shape<'p>(plan: &'p Plan, diagnostics: &mut Vec<Diagnostic>) -> Shape<'p> {
    let mut reader = Reader { plan, diagnostics, shape: Shape::default() };
    let parts = reader.parts(&plan.method, 0);
    let mut shape = reader.shape;
    mark_first(&parts, &mut shape.uses);
    mark_last(&parts, &mut shape.uses);
    shape.parts = parts;
    shape
}

struct Reader<'p, 'r> {
    plan: &'p Plan,
    diagnostics: &'r mut Vec<Diagnostic>,
    shape: Shape<'p>,
}

impl<'p> Reader<'p, '_> {
    fn parts(&mut self, steps: &'p [Step], depth: usize) -> Vec<Part<'p>> {
        let mut parts = Vec::with_capacity(steps.len());
        for step in steps {
            self.step(step, depth, &mut parts);
        }
        parts
    }

    fn step(&mut self, step: &'p Step, depth: usize, parts: &mut Vec<Part<'p>>) {
        match &step.kind {
            StepKind::Inject { fault, lasts } => {
                let seconds = lasts.map_or(1, Duration::as_secs_ceil).max(1);
                let index = self.engine(*fault, seconds, *lasts, depth, step.span);
                parts.push(Part::Engine(index));
            }
            StepKind::With { fault, steps } => self.with(*fault, steps, depth, step.span, parts),
            StepKind::Wait(time) => {
                if !time.as_nanos().is_multiple_of(1_000_000_000) {
                    self.shape.broken_waits.push((*time, step.span));
                }
                parts.push(Part::Wait(time.as_secs_ceil()));
            }
            StepKind::Check { name, condition, text, within } => {
                parts.push(Part::Check(CheckStep { name, condition, text, within: *within, span: step.span }));
            }
            StepKind::Parallel(branches) => {
                let branches = branches
                    .iter()
                    .map(|branch| {
                        let mut inner = Vec::new();
                        self.step(branch, depth, &mut inner);
                        inner
                    })
                    .collect();
                parts.push(Part::Together(branches));
            }
            StepKind::Sequence(steps) | StepKind::Round { steps, .. } => {
                let inner = self.parts(steps, depth);
                parts.extend(inner);
            }
            StepKind::Note { who: None, text, .. } => self.shape.notes.push(text),
            StepKind::Note { who: Some(who), .. } => self.people(&format!("a note of `{who}`"), step.span),
            StepKind::Ask { who, .. } => self.people(&format!("a question to `{who}`"), step.span),
        }
    }

    fn people(&mut self, what: &str, span: Span) {
        self.diagnostics.push(
            Diagnostic::new(Code::LITMUS_STEP, span, format!("a Litmus workflow cannot wait for {what}"))
                .label("needs people")
                .why("what nobody is asked is decided by nobody")
                .help("leave the step out: `perturb run` asks people and waits for them, but at clusters whose engines are `local` and `toxiproxy`"),
        );
    }

    fn with(&mut self, fault: u32, steps: &'p [Step], depth: usize, span: Span, parts: &mut Vec<Part<'p>>) {
        // The engine around comes before those in its block.
        let index = self.engine(fault, 1, None, depth, span);
        let inner = self.parts(steps, depth + 1);
        let only_waits = inner.iter().all(|part| matches!(part, Part::Wait(_)));
        let seconds = bound(&inner, &self.shape.uses, self.plan).max(1);
        if let Some(engine) = self.shape.uses.get_mut(index) {
            engine.seconds = seconds;
            engine.around = !only_waits;
        }
        parts.push(if only_waits { Part::Engine(index) } else { Part::Around(index, inner) });
    }

    fn engine(&mut self, fault: u32, seconds: u64, lasts: Option<Duration>, depth: usize, span: Span) -> usize {
        let lasting = self.plan.faults.get(fault as usize).is_some_and(|f| f.effect == Effect::Lasting);
        self.shape.uses.push(Use {
            fault,
            seconds,
            lasts,
            lasting,
            around: false,
            outermost: depth == 0,
            first: false,
            last: false,
            span,
        });
        self.shape.uses.len() - 1
    }
}

/// How long these parts may take, in seconds.
pub(super) fn bound(parts: &[Part<'_>], uses: &[Use], plan: &Plan) -> u64 {
    parts
        .iter()
        .map(|part| match part {
            Part::Engine(index) | Part::Around(index, _) => uses.get(*index).map_or(0, |u| u.seconds) + OVERHEAD,
            Part::Wait(seconds) => *seconds,
            Part::Check(check) => patience(check, plan),
            Part::Together(branches) => branches.iter().map(|b| bound(b, uses, plan)).max().unwrap_or(0),
        })
        .fold(0, u64::saturating_add)
}

/// How long a check waits at most, in seconds: what it says, or, for the next sample, the patience of its streams.
pub(super) fn patience(check: &CheckStep<'_>, plan: &Plan) -> u64 {
    let of_streams = check
        .condition
        .streams()
        .into_iter()
        .filter_map(|s| plan.streams.get(s as usize))
        .map(|s| s.patience.as_secs_ceil())
        .max();
    check.within.map_or(of_streams.unwrap_or(1), Duration::as_secs_ceil).max(1)
}

/// Marks the engines before which nothing was injected; `true` if there is one.
fn mark_first(parts: &[Part<'_>], uses: &mut [Use]) -> bool {
    for part in parts {
        match part {
            Part::Engine(index) | Part::Around(index, _) => {
                if let Some(engine) = uses.get_mut(*index) {
                    engine.first = true;
                }
                return true;
            }
            Part::Together(branches) => {
                // Every branch begins at once, so each of them must look first.
                let found = branches.iter().map(|b| mark_first(b, uses)).fold(false, |a, b| a | b);
                if found {
                    return true;
                }
            }
            Part::Wait(_) | Part::Check(_) => {}
        }
    }
    false
}

/// Marks the engine that ends last; `true` if there is one.
fn mark_last(parts: &[Part<'_>], uses: &mut [Use]) -> bool {
    for part in parts.iter().rev() {
        match part {
            Part::Engine(index) | Part::Around(index, _) => {
                if let Some(engine) = uses.get_mut(*index) {
                    engine.last = true;
                }
                return true;
            }
            Part::Together(branches) => {
                // `max_by_key` takes the last of equals; which one does not matter, only that it is always the same.
                let longest = branches.iter().max_by_key(|b| fault_time(b, uses));
                if longest.is_some_and(|branch| mark_last(branch, uses)) {
                    return true;
                }
            }
            Part::Wait(_) | Part::Check(_) => {}
        }
    }
    false
}

/// The end of the last engine of a branch, counted from its begin; `None` without an engine.
fn fault_time(parts: &[Part<'_>], uses: &[Use]) -> Option<u64> {
    let mut now = 0;
    let mut end = None;
    for part in parts {
        match part {
            Part::Engine(index) | Part::Around(index, _) => {
                now += uses.get(*index).map_or(0, |u| u.seconds) + OVERHEAD;
                end = Some(now);
            }
            Part::Wait(seconds) => now += seconds,
            Part::Check(_) => {}
            Part::Together(branches) => {
                if let Some(latest) = branches.iter().filter_map(|b| fault_time(b, uses)).max() {
                    now += latest;
                    end = Some(now);
                }
            }
        }
    }
    end
}
