//! Proof: every expectation and check can fail, can hold, is judged at least once, and is loosened only where it says so.
//!
//! Comes in: a plan and its timeline. Goes out: P0410–P0418. The phases are those of the language's reference, "Meaning
//! of an experiment".

use super::facts::{self, FaultsPhase};
use super::timeline::Timeline;
use super::truth::{Truth, is_weaker, number, truth};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Comparison, Condition, Expectation, Operand, Phase, Plan, RecoveryClass, Source, StepKind, Stream};
use crate::source::Span;
use crate::types::{Decimal, Duration};

/// Adds what is wrong with the expectations and checks of the plan.
pub fn check(plan: &Plan, timeline: &Timeline, out: &mut Vec<Diagnostic>) {
    let faults = facts::faults_phase(plan, timeline);
    for expectation in &plan.expectations {
        decided(plan, &format!("`{}`", expectation.name), &expectation.condition, expectation.span, out);
        relaxed(plan, expectation, out);
        judged(plan, expectation, faults, out);
        grace(plan, expectation, faults, out);
    }
    recovers(plan, out);
    facts::each_step(&plan.method, &mut |step| {
        if let StepKind::Check { name, condition, within, .. } = &step.kind {
            let what = format!("the check `{name}`");
            decided(plan, &what, condition, step.span, out);
            if let Some(within) = within {
                remembers(plan, &format!("{what} waits for {within}"), condition, *within, step.span, out);
                waits(plan, &what, condition, *within, step.span, out);
            }
        }
    });
}

/// A condition whose answer is known before the run.
fn decided(plan: &Plan, what: &str, condition: &Condition, span: Span, out: &mut Vec<Diagnostic>) {
    let of_percent = facts::streams_of(plan, condition).iter().any(|s| s.of_type == "Percent");
    let diagnostic = match truth(plan, condition) {
        Truth::Depends => return,
        Truth::Always => Diagnostic::new(Code::CANNOT_FAIL, span, format!("{what} cannot fail"))
            .label("true for every sample that there can be")
            .why("a run would count it as confirmed without having shown anything")
            .help("compare with the value that would really trouble you"),
        Truth::Never => Diagnostic::new(Code::CANNOT_HOLD, span, format!("{what} cannot hold"))
            .label("false for every sample that there can be")
            .why("a run would be refuted, or end before anything is injected, whatever the system does")
            .help(if of_percent {
                "a percentage lies between 0% and 100%; for what may pass 100%, declare the metric as `Number`"
            } else {
                "compare with a value that the metric can have"
            }),
    };
    out.push(diagnostic);
}

/// `metric op value` as operator and number.
fn bound(condition: &Condition) -> Option<(u32, Comparison, Decimal)> {
    match condition {
        Condition::Compare { left: Operand::Stream(stream), op, right: Operand::Constant(value) } => {
            Some((*stream, *op, number(value)?))
        }
        _ => None,
    }
}

/// `but B during faults` where B is not weaker, or says nothing at all.
fn relaxed(plan: &Plan, expectation: &Expectation, out: &mut Vec<Diagnostic>) {
    let Phase::Relaxed { condition, text } = &expectation.phase else { return };
    let name = &expectation.name;
    if truth(plan, condition) == Truth::Always {
        let message = format!("`{name}` cannot fail during faults: `{text}` is always true");
        let diagnostic = Diagnostic::new(Code::CANNOT_FAIL, expectation.span, message)
            .label("true for every sample that there can be")
            .why("it reads as a promise for the time of the faults, and is none")
            .help("give a bound that could be missed, or write `except during faults`");
        out.push(diagnostic);
        return;
    }
    let (Some((stream, op, strict)), Some((other, weak_op, weak))) = (bound(&expectation.condition), bound(condition))
    else {
        return;
    };
    if stream != other || is_weaker((op, strict), (weak_op, weak)) {
        return;
    }
    let message = format!("`but {text}` is not weaker than what `{name}` asks for anyway");
    let turned = matches!(
        (op, weak_op),
        (Comparison::Less | Comparison::LessOrEqual, Comparison::Greater | Comparison::GreaterOrEqual)
            | (Comparison::Greater | Comparison::GreaterOrEqual, Comparison::Less | Comparison::LessOrEqual)
    );
    let direction = match op {
        _ if turned => "turn the sign after `but` round: both bounds look in one direction",
        Comparison::Less | Comparison::LessOrEqual => "give a larger bound after `but`",
        Comparison::Greater | Comparison::GreaterOrEqual => "give a smaller bound after `but`",
        Comparison::Equal | Comparison::NotEqual => "give a bound after `but` that the expected value itself meets",
    };
    out.push(
        Diagnostic::new(Code::BUT_NOT_WEAKER, expectation.span, message)
            .label(format!("expected: `{}`", expectation.text))
            .why("`but … during faults` loosens an expectation while the system is being hurt; it cannot tighten it")
            .help(format!("{direction}, or leave `but` away so that the same bound holds in every phase")),
    );
}

/// Whether a step takes as long as it takes: a check, which asks its own metrics meanwhile, or a person.
fn waits_for_somebody(plan: &Plan) -> bool {
    let mut found = false;
    facts::each_step(&plan.method, &mut |step| {
        found |=
            matches!(step.kind, StepKind::Check { .. } | StepKind::Ask { .. } | StepKind::Note { who: Some(_), .. });
    });
    found
}

/// A faults phase that may be over before a sample comes. Behind faults that are over at once, the recovery is what an
/// expectation without a phase of its own is about.
fn judged(plan: &Plan, expectation: &Expectation, faults: Option<FaultsPhase>, out: &mut Vec<Diagnostic>) {
    let name = &expectation.name;
    let only = expectation.phase == Phase::OnlyDuringFaults;
    let lasts = faults.map_or(Duration::ZERO, |f| if only { f.shortest } else { f.written });
    let (waits, message) = match expectation.phase {
        Phase::ExceptDuringFaults => return,
        Phase::Always | Phase::Relaxed { .. } if !facts::has_lasting(plan) || waits_for_somebody(plan) => return,
        Phase::OnlyDuringFaults => {
            (true, format!("`{name}` may never be judged: it counts during faults only, and these may last {lasts}"))
        }
        // An answer that comes later says what was true while the faults were there, unless another bound counts then.
        Phase::Always | Phase::Relaxed { .. } => (
            expectation.phase != Phase::Always,
            format!("`{name}` may never be judged while the faults are there: they last {lasts}"),
        ),
    };
    let takes = |s: &Stream| if waits { s.every.plus(s.timeout) } else { s.every };
    let streams = facts::streams_of(plan, &expectation.condition);
    let Some(slowest) = streams.iter().max_by_key(|s| takes(s)) else { return };
    let needed = takes(slowest);
    if lasts >= needed {
        return;
    }
    let (why, help) = if facts::has_lasting(plan) {
        (
            format!("`{}` is asked each {} and has {} to answer", slowest.text, slowest.every, slowest.timeout),
            format!("let the faults last {needed} at least, or ask the metric more often"),
        )
    } else {
        (
            "the method injects nothing that lasts: the faults phase ends as soon as it is there".to_owned(),
            "use `check NAME: … within D` behind the fault, or leave `only during faults` away".to_owned(),
        )
    };
    let mut diagnostic = Diagnostic::new(Code::NEVER_JUDGED, expectation.span, message).why(why).help(help);
    for fault in &plan.faults {
        diagnostic = diagnostic.also(fault.span, "the faults phase");
    }
    out.push(diagnostic);
}

/// A recovery that nothing is looked at for: each expectation holds during faults only.
fn recovers(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let recovered = match plan.recovery.class {
        RecoveryClass::Automatic => "automatic",
        RecoveryClass::Manual => "manual",
        // Nothing is claimed.
        RecoveryClass::Unknown => return,
    };
    if plan.expectations.is_empty() || plan.expectations.iter().any(|e| e.phase != Phase::OnlyDuringFaults) {
        return;
    }
    let message = format!("`recovery {recovered}` cannot fail: nothing says what \"recovered\" means");
    let mut diagnostic = Diagnostic::new(Code::RECOVERY_OF_NOTHING, plan.recovery.span, message)
        .label("counts as soon as the faults are gone, whatever the system does")
        .why("a system has recovered when every expectation holds again, and those `only during faults` are not asked then")
        .help("add an expectation that holds before and after the faults, such as a success rate; `except during faults` if the faults may break it");
    for expectation in &plan.expectations {
        diagnostic = diagnostic.also(expectation.span, "only during faults");
    }
    out.push(diagnostic);
}

/// `within D` that covers all of what it should bound, is shorter than a metric's own memory, or has no effect.
fn grace(plan: &Plan, expectation: &Expectation, faults: Option<FaultsPhase>, out: &mut Vec<Diagnostic>) {
    let (Some(within), Some(faults)) = (expectation.within, faults) else { return };
    let name = &expectation.name;
    let recovery = plan.recovery.within;
    let covered = match expectation.phase {
        Phase::ExceptDuringFaults => {
            let message = format!("`within {within}` of `{name}` has no effect");
            let diagnostic = Diagnostic::new(Code::GRACE_WITHOUT_EFFECT, expectation.span, message)
                .why("a grace counts during faults and while recovering, and there `except during faults` asks nothing")
                .help("leave `within` away");
            out.push(diagnostic);
            return;
        }
        Phase::OnlyDuringFaults => within >= faults.written && !faults.written.is_zero(),
        Phase::Always | Phase::Relaxed { .. } => within >= faults.written.plus(recovery),
    };
    if covered {
        let (phase, length) = match expectation.phase {
            Phase::OnlyDuringFaults => ("the faults", faults.written),
            _ => ("the faults and the recovery together", faults.written.plus(recovery)),
        };
        let message = format!("`{name}` may be false for {within}, and {phase} last {length}");
        let diagnostic = Diagnostic::new(Code::GRACE_COVERS_PHASE, expectation.span, message)
            .label("this grace is not shorter than its phase")
            .why("it could be false from the first injection to the end and still be confirmed")
            .help(format!("give a `within` shorter than {length}, or let the faults last longer"));
        out.push(match expectation.phase {
            Phase::OnlyDuringFaults => diagnostic,
            _ => diagnostic.also(plan.recovery.span, format!("recovery begins within {recovery}")),
        });
        return;
    }
    let what = format!("`{name}` may be false for {within}");
    remembers(plan, &what, &expectation.condition, within, expectation.span, out);
}

/// A grace shorter than the window of its metric: one bad moment stays in the samples for longer than it may last.
fn remembers(plan: &Plan, what: &str, condition: &Condition, within: Duration, span: Span, out: &mut Vec<Diagnostic>) {
    let streams = facts::streams_of(plan, condition);
    let windows = streams.iter().filter(|s| !matches!(s.source, Source::Objective { .. }));
    let longest = windows.filter_map(|s| Some((s.window?, s))).max_by_key(|(w, _)| *w);
    let Some((window, stream)) = longest.filter(|(window, _)| *window > within) else { return };
    let message = format!("{what}, but one sample of `{}` looks back {window}", stream.text);
    out.push(
        Diagnostic::new(Code::GRACE_SHORTER_THAN_WINDOW, span, message)
            .also(stream.span, format!("its window is {window}"))
            .why("a moment of errors stays in the samples for the whole window, long after the system is well again")
            .help(format!(
                "ask with a shorter window (such as `over: {within}`, if the metric takes it), or allow {window} at least"
            )),
    );
}

/// A check that waits for less than the pause between two samples: only the one at its begin counts.
fn waits(plan: &Plan, what: &str, condition: &Condition, within: Duration, span: Span, out: &mut Vec<Diagnostic>) {
    let streams = facts::streams_of(plan, condition);
    let Some(slowest) = streams.iter().max_by_key(|s| s.every).filter(|s| s.every >= within) else { return };
    let every = slowest.every;
    out.push(
        Diagnostic::new(Code::CHECK_SEES_ONE_SAMPLE, span, format!("{what} waits for {within}, and sees one sample"))
            .also(slowest.span, format!("asked when the check begins, and again {every} later"))
            .why("what is not so yet when the check begins cannot be seen to come about before it ends")
            .help(format!("wait for longer than {every}, or ask the metric more often (`every: 1s`)")),
    );
}
