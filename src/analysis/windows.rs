//! Proof: what is measured looks back no further than what it should see.
//!
//! Comes in: a plan and its timeline. Goes out: P0430, P0431. Budgets of objectives are running counts: their window is
//! the objective's own and is not judged here.

use super::facts;
use super::timeline::Timeline;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Effect, Phase, Plan, Source, Stream};
use crate::types::Duration;

/// Adds windows that are longer than the faults or the recovery.
pub fn check(plan: &Plan, timeline: &Timeline, out: &mut Vec<Diagnostic>) {
    longer_than_faults(plan, timeline, out);
    longer_than_recovery(plan, out);
}

/// The window of a stream that looks back over it.
fn window(stream: &Stream) -> Option<Duration> {
    match stream.source {
        Source::Objective { .. } => None,
        _ => stream.window,
    }
}

fn longer_than_faults(plan: &Plan, timeline: &Timeline, out: &mut Vec<Diagnostic>) {
    let Some(faults) = facts::faults_phase(plan, timeline).filter(|_| facts::has_lasting(plan)) else { return };
    for expectation in plan.expectations.iter().filter(|e| facts::judged_during_faults(&e.phase)) {
        let streams = facts::streams_of(plan, &expectation.condition);
        let longest = streams.iter().filter_map(|s| Some((window(s)?, s))).max_by_key(|(w, _)| *w);
        let Some((window, stream)) = longest.filter(|(w, _)| *w > faults.written) else { continue };
        let message = format!("`{}` looks back {window}, but the faults last {}", stream.text, faults.written);
        let mut diagnostic = Diagnostic::new(Code::WINDOW_LONGER_THAN_FAULT, expectation.span, message)
            .label(format!("no sample of `{}` speaks of the faults alone", expectation.name))
            .also(stream.span, format!("its window is {window}"))
            .why("each sample mixes the time before the faults in, so that what they do looks smaller than it is")
            .help(format!("let the faults last longer than {window}, or ask with a shorter window"));
        for fault in plan.faults.iter().filter(|f| f.effect == Effect::Lasting) {
            diagnostic = diagnostic.also(fault.span, "too short to be seen in full");
        }
        out.push(diagnostic);
    }
}

fn longer_than_recovery(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let within = plan.recovery.within;
    for expectation in plan.expectations.iter().filter(|e| e.phase != Phase::OnlyDuringFaults) {
        let streams = facts::streams_of(plan, &expectation.condition);
        let needs = |s: &Stream| window(s).unwrap_or(Duration::ZERO).max(s.every);
        let Some(slowest) = streams.iter().max_by_key(|s| needs(s)).filter(|s| needs(s) > within) else { continue };
        let message =
            format!("recovery may take {within}, but `{}` tells of it only after {}", slowest.text, needs(slowest));
        out.push(
            Diagnostic::new(Code::WINDOW_LONGER_THAN_RECOVERY, plan.recovery.span, message)
                .label("shorter than a metric needs to see it")
                .also(expectation.span, format!("`{}` has to hold again", expectation.name))
                .also(slowest.span, "declared here")
                .why("until the faults have left its window, the metric says that the system is still hurt")
                .help(format!("allow {} at least, or ask with a shorter window", needs(slowest))),
        );
    }
}
