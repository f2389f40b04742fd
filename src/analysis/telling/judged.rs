//! What is judged, when, against which bound; how recovery is judged; and what the verdicts mean.

use super::words::{list, moment, numbers, tick};
use super::{Section, Teller, Writing};
use crate::plan::{Expectation, GuardWhen, Phase, RecoveryClass, StepKind};
use crate::types::Duration;

impl Teller<'_> {
    pub(super) fn judged(&self) -> Section {
        let plan = self.plan;
        let mut out = Writing::new("What is judged, and when");
        out.say(format!(
            "There are four phases. `baseline` lasts {}, before the first step. `faults` goes from the first injection to the \
             last confirmed undo, with all waits and checks between. `recovering` goes from there until every expectation \
             holds again. `recovered` is the {} after that. A sample is judged by the phase in which it is taken.",
            plan.baseline, plan.baseline
        ));
        for expectation in &plan.expectations {
            out.of(expectation.span, self.expectation(expectation));
        }
        if let Some(text) = self.look_back() {
            out.say(text);
        }
        if !plan.expectations.is_empty() {
            let refuted = plan.guards.iter().any(|g| g.when == GuardWhen::Refuted);
            out.say(if refuted {
                "One valid sample that breaks an expectation settles the verdict, `refuted`; and because of `abort when \
                 refuted`, the method ends there and then."
            } else {
                "One valid sample that breaks an expectation settles the verdict, `refuted`, but does not end the method: the \
                 steps go on to their end, as there is no `abort when refuted`."
            });
        }
        out.done()
    }

    fn expectation(&self, e: &Expectation) -> String {
        let (name, text) = (&e.name, &e.text);
        let grace = |phases: &str| match e.within {
            Some(within) => format!(
                " {phases} it may be false for {within} at most, counted from the first false sample or from the phase's \
                 begin."
            ),
            None => String::new(),
        };
        let several = match e.condition.streams().len() {
            0 | 1 => String::new(),
            many => {
                format!(" It has a sample only where each of its {many} metrics has a valid one within its patience.")
            }
        };
        let text = match &e.phase {
            Phase::Always => {
                let (first, grace) = match e.within {
                    Some(_) => (
                        "In the baseline and once recovered every valid sample must hold.",
                        grace("During faults and while recovering"),
                    ),
                    None => (
                        "It is judged in every phase: baseline, faults, recovering, recovered; every valid sample must hold.",
                        String::new(),
                    ),
                };
                format!("`{name}`: `{text}`. {first}{grace}")
            }
            Phase::Relaxed { text: weaker, .. } => format!(
                "`{name}`: `{text}` in the baseline and once recovered; only `{weaker}` during faults and while \
                 recovering.{}",
                match e.within {
                    Some(_) => grace("During faults and while recovering"),
                    None => " Every valid sample must hold against the bound of its phase.".to_owned(),
                }
            ),
            Phase::ExceptDuringFaults => format!(
                "`{name}`: `{text}` in the baseline and once recovered. During faults and while recovering it is not judged."
            ),
            Phase::OnlyDuringFaults => {
                let must = match e.within {
                    Some(within) => format!(
                        " It must be true within {within} of the phase's begin, and never again be false for longer than \
                         {within}."
                    ),
                    None => " Every valid sample must hold.".to_owned(),
                };
                format!(
                    "`{name}`: `{text}`, during faults only; not in the baseline, not while recovering and not after.{must}"
                )
            }
        };
        text + &several
    }

    /// What a window does at the edge of two phases.
    fn look_back(&self) -> Option<String> {
        let plan = self.plan;
        let streams = plan.expectations.iter().flat_map(|e| match &e.phase {
            Phase::Relaxed { condition, .. } => [e.condition.streams(), condition.streams()].concat(),
            _ => e.condition.streams(),
        });
        let windows = streams.filter_map(|s| plan.streams.get(s as usize).and_then(|s| s.window));
        let longest: Duration = windows.max()?;
        Some(format!(
            "Samples look back, at most over {longest}: one that is taken right after a phase began still shows the phase \
             before it, so a short gap is blurred, and recovery shows only when the faults are out of sight."
        ))
    }

    pub(super) fn recovery(&self) -> Section {
        let plan = self.plan;
        let recovery = &plan.recovery;
        let mut out = Writing::new("Recovery");
        let end = moment(self.timeline.faults_end);
        let from = if self.undoes() { "the last confirmed undo" } else { "the last confirmed injection" };
        let judged: Vec<String> =
            plan.expectations.iter().filter(|e| e.phase != Phase::OnlyDuringFaults).map(|e| tick(&e.name)).collect();
        let later = if self.timeline.method_end == self.timeline.faults_end {
            ""
        } else {
            " The steps that come after the last undo go on meanwhile."
        };
        let who = if judged.is_empty() { "every expectation".to_owned() } else { list(&judged) };
        out.of(
            recovery.span,
            format!(
                "It counts from {from}, at {end}. From there {who} must hold for {} without a break, and that stretch must \
                 begin within {}; its begin is the recovery time. It is watched for {} at most.{later}",
                plan.baseline,
                recovery.within,
                recovery.within.plus(plan.baseline)
            ),
        );
        out.of(
            recovery.span,
            match recovery.class {
                RecoveryClass::Automatic => {
                    "It is declared `automatic`: if it is late, or if people had to step in, the verdict is `refuted`."
                }
                RecoveryClass::Manual => {
                    "It is declared `manual`: people are expected to step in, and the verdict is `refuted` only if it is late. \
                     That people are needed is a finding to be worked off; what was seen is recorded beside it."
                }
                RecoveryClass::Unknown => {
                    "It is declared `unknown`: nobody knows yet, so nothing about it refutes. What was seen is recorded, as a \
                     finding to be worked off."
                }
            },
        );
        out.done()
    }

    pub(super) fn verdicts(&self) -> Section {
        let mut out = Writing::new("Verdicts, the first that fits");
        if self.undoes() {
            out.say(
                "`error` (exit 6): an undo is not confirmed, so something may be left; `perturb recover` removes it.",
            );
        }
        let mut refuted = vec!["a valid sample broke an expectation".to_owned()];
        if has(&self.plan.method, &|kind| matches!(kind, StepKind::Check { .. })) {
            refuted.push("a check failed".to_owned());
        }
        match self.plan.recovery.class {
            RecoveryClass::Automatic => {
                refuted.push("recovery was late or needed people".to_owned());
            }
            RecoveryClass::Manual => refuted.push("recovery was late".to_owned()),
            RecoveryClass::Unknown => {}
        }
        out.say(format!("`refuted` (exit 1): {}.", super::words::either(&refuted)));
        let mut ended = vec![];
        let guards: Vec<usize> = (1..)
            .zip(&self.plan.guards)
            .filter(|(_, g)| g.when != GuardWhen::Refuted)
            .map(|(number, _)| number)
            .collect();
        match guards.as_slice() {
            few @ ([] | [_] | [_, _]) => ended.extend(few.iter().map(|number| format!("guard {number}"))),
            many => ended.push(format!("one of {}", numbers("guard", "guards", many))),
        }
        if has(&self.plan.method, &|kind| matches!(kind, StepKind::Ask { .. })) {
            ended.push("an answer to `ask`".to_owned());
        }
        ended.push("the operator".to_owned());
        out.say(format!("`aborted` (exit 4): ended by {}.", super::words::either(&ended)));
        out.say(
            "`inconclusive` (exit 5): data was silent for too long, a phase had no valid sample, a fault was not confirmed to be \
             there, or nothing was left to hit.",
        );
        out.say("`not-run` (exit 3): preflight or the baseline failed; nothing was injected.");
        out.say("`confirmed` (exit 0): none of these.");
        out.done()
    }
}

/// Whether any step is of this kind.
pub(super) fn has(steps: &[crate::plan::Step], is: &dyn Fn(&StepKind) -> bool) -> bool {
    steps.iter().any(|step| {
        is(&step.kind)
            || match &step.kind {
                StepKind::With { steps, .. }
                | StepKind::Parallel(steps)
                | StepKind::Sequence(steps)
                | StepKind::Round { steps, .. } => has(steps, is),
                _ => false,
            }
    })
}
