//! Proof: every guard can fire, not at once, and in time; every fault that lasts has one; what cannot be undone is said.
//!
//! Comes in: a plan and its timeline. Goes out: P0420–P0425. A gap in the samples counts as true for a guard, so "can
//! never fire" speaks of valid samples.

use super::facts;
use super::timeline::{SHORTEST_BUDGET, Timeline, outage_spends, outage_until, reaction};
use super::truth::{Truth, fastest_burn, truth};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Comparison, Condition, Effect, Guard, ObjectiveFact, Operand, Plan, Source};
use crate::types::Value;

/// Adds what is wrong with the guards of the plan.
pub fn check(plan: &Plan, timeline: &Timeline, out: &mut Vec<Diagnostic>) {
    for (index, guard) in plan.guards.iter().enumerate() {
        if !decided(plan, guard, out)
            && !longer_than_run(guard, timeline, out)
            && !more_than_the_run_can_spend(plan, guard, timeline, out)
        {
            between_samples(plan, guard, out);
            quiet_in_silence(plan, guard, out);
            too_late(plan, timeline, index, guard, out);
        }
    }
    unguarded(plan, out);
    irreversible(plan, out);
}

/// A guard whose condition is known before the run.
fn decided(plan: &Plan, guard: &Guard, out: &mut Vec<Diagnostic>) -> bool {
    let Some(condition) = facts::guard_condition(&guard.when) else { return false };
    let text = &guard.text;
    let diagnostic = match truth(plan, condition) {
        Truth::Depends => return false,
        Truth::Always => Diagnostic::new(
            Code::GUARD_ALWAYS,
            guard.span,
            format!("this guard fires at once: `{text}` is always true"),
        )
        .why("the experiment would never get as far as its first fault")
        .help("compare with the value at which you would want somebody to stop it"),
        Truth::Never => {
            Diagnostic::new(Code::GUARD_NEVER, guard.span, format!("this guard can never fire: `{text}` is never true"))
                .why("it looks like protection and is none; only silence of its data source would make it act")
                .help(
                    possible_burn(plan, condition)
                        .unwrap_or_else(|| "compare with a value that the metric can have".to_owned()),
                )
        }
    };
    out.push(diagnostic);
    true
}

/// What a burn rate can be, where the condition is about one: few people know it by heart.
fn possible_burn(plan: &Plan, condition: &Condition) -> Option<String> {
    condition.streams().into_iter().filter_map(|s| facts::stream(plan, s)).find_map(|stream| match &stream.source {
        Source::Objective { what: ObjectiveFact::BurnRate, objective, .. } => Some(format!(
            "with an objective of {objective} the burn rate is {} at most: then everything fails",
            fastest_burn(*objective)?.round_dp(1).normalize()
        )),
        _ => None,
    })
}

/// `abort when alarm()`, asked of something that answers well or not at all: to a question whether something is well silence is a
/// no, so this guard sleeps while nobody answers.
fn quiet_in_silence(plan: &Plan, guard: &Guard, out: &mut Vec<Diagnostic>) {
    let Some(condition) = facts::guard_condition(&guard.when) else { return };
    let Some(stream) = needs_a_yes(condition, true).and_then(|stream| facts::stream(plan, stream)) else { return };
    if stream.unanswered() != Some(Value::Bool(false)) {
        return;
    }
    let message = format!("this guard stays quiet while nobody answers: then `{}` is false", stream.text);
    out.push(
        Diagnostic::new(Code::QUIET_IN_SILENCE, guard.span, message)
            .also(stream.span, "`answer: ok` takes a missing answer for a no")
            .why("of other guards the silence of their source counts as true; a run that nobody can watch is to end")
            .help("ask the other way round, whether something is well (`abort when not …`), or take the program's `exit` or `output`"),
    );
}

/// A stream that must say yes for the condition to be what is `wanted`.
fn needs_a_yes(condition: &Condition, wanted: bool) -> Option<u32> {
    match condition {
        Condition::Holds(stream) => wanted.then_some(*stream),
        Condition::Compare { left: Operand::Stream(stream), op, right: Operand::Constant(Value::Bool(value)) } => {
            let is_equal = *op == Comparison::Equal;
            ((is_equal == *value) == wanted).then_some(*stream)
        }
        Condition::Not(inner) => needs_a_yes(inner, !wanted),
        Condition::All(inner) | Condition::Any(inner) => inner.iter().find_map(|one| needs_a_yes(one, wanted)),
        Condition::Constant(_) | Condition::Compare { .. } => None,
    }
}

/// `for D` as long as the whole run.
fn longer_than_run(guard: &Guard, timeline: &Timeline, out: &mut Vec<Diagnostic>) -> bool {
    let Some(hold) = guard.hold.filter(|hold| *hold >= timeline.total) else { return false };
    let total = timeline.total;
    let message = format!("this guard can never fire: it waits for {hold}, and the whole run takes {total} at most");
    out.push(
        Diagnostic::new(Code::GUARD_NEVER, guard.span, message)
            .label(format!("`for {hold}`"))
            .why("it looks like protection and is none")
            .help("wait for seconds rather than minutes: `for` only has to outlast a single bad sample"),
    );
    true
}

/// `budget-spent > P` that not even an outage from the first moment to the last would reach.
fn more_than_the_run_can_spend(plan: &Plan, guard: &Guard, timeline: &Timeline, out: &mut Vec<Diagnostic>) -> bool {
    let parts = match facts::guard_condition(&guard.when) {
        // One part that is never true is enough.
        Some(Condition::All(parts)) => parts.as_slice(),
        Some(condition) => std::slice::from_ref(condition),
        None => return false,
    };
    let longest = timeline.total.max(SHORTEST_BUDGET);
    let beyond = parts.iter().find_map(|part| Some((part, outage_until(plan, part).filter(|d| *d > longest)?)));
    let Some((part, needed)) = beyond else { return false };
    let text = &guard.text;
    let message = format!("this guard can never fire: nothing this run does can make `{text}` true");
    let mut diagnostic = Diagnostic::new(Code::GUARD_NEVER, guard.span, message)
        .label(format!("takes {needed} without any answer, and the run takes {} at most", timeline.total))
        .why("it looks like protection and is none; only silence of its data source would make it act");
    if let Some(most) = outage_spends(plan, part, longest) {
        diagnostic = diagnostic.help(format!(
            "if nothing were served for the whole run, {most} of the budget would go: write a share that you would not \
             want to lose, well below that"
        ));
    }
    out.push(diagnostic);
    true
}

/// `for D` shorter than the pause between two samples.
fn between_samples(plan: &Plan, guard: &Guard, out: &mut Vec<Diagnostic>) {
    let Some(hold) = guard.hold else { return };
    let streams = facts::guard_condition(&guard.when).map(|c| facts::streams_of(plan, c)).unwrap_or_default();
    let Some(slowest) = streams.iter().max_by_key(|s| s.every).filter(|s| hold < s.every) else { return };
    let every = slowest.every;
    let message = format!("this guard waits for {hold}, but `{}` is asked each {every}", slowest.text);
    out.push(
        Diagnostic::new(Code::HOLD_BETWEEN_SAMPLES, guard.span, message)
            .label("two samples are needed to see that it stays true")
            .also(slowest.span, format!("asked each {every}"))
            .why(format!("it acts after {every} at the earliest, later than it says"))
            .help(format!("write `for {every}`, or leave `for` away to act on a single sample")),
    );
}

/// A guard that would act after the faults are gone.
fn too_late(plan: &Plan, timeline: &Timeline, index: usize, guard: &Guard, out: &mut Vec<Diagnostic>) {
    // Without a fault that lasts there is nothing to end early: such a guard stops the verify or game day around it.
    let Some(faults) = facts::faults_phase(plan, timeline).filter(|_| facts::has_lasting(plan)) else { return };
    let Some(bound) = reaction(plan, index) else { return };
    let notices = bound.total.minus(bound.undo);
    if notices < faults.longest {
        return;
    }
    let message =
        format!("this guard may need {notices} to notice, and the faults are gone after {} at most", faults.longest);
    let mut diagnostic = Diagnostic::new(Code::GUARD_TOO_LATE, guard.span, message)
        .label(format!(
            "window {} + for {} + every {} + timeout {}",
            bound.window, bound.hold, bound.every, bound.timeout
        ))
        .why("it would stop nothing: what it should prevent has happened by then")
        .help("watch with a shorter window or a shorter `for`");
    for fault in plan.faults.iter().filter(|f| f.effect == Effect::Lasting) {
        diagnostic = diagnostic.also(fault.span, "the fault that it should end");
    }
    out.push(diagnostic);
}

/// A fault that lasts and nothing that would end it early.
fn unguarded(plan: &Plan, out: &mut Vec<Diagnostic>) {
    if facts::has_abort_guard(plan) {
        return;
    }
    let mut lasting = plan.faults.iter().filter(|f| f.effect == Effect::Lasting);
    let Some(first) = lasting.next() else { return };
    let message = format!("`{}` lasts, and no guard would end it early", first.name);
    let mut diagnostic = Diagnostic::new(Code::LASTING_WITHOUT_GUARD, first.span, message)
        .label("stays until its time is over, whatever happens meanwhile")
        .why("when customers are hurt more than was expected, something has to stop the experiment")
        .help(
            "add `guard { abort when … }` with the value at which you would stop it by hand; \
                 `abort when refuted` is the shortest",
        );
    for other in lasting {
        diagnostic = diagnostic.also(other.span, "and this one");
    }
    out.push(diagnostic);
}

/// Faults that nothing can undo.
fn irreversible(plan: &Plan, out: &mut Vec<Diagnostic>) {
    for fault in &plan.faults {
        if let Some(why) = &fault.irreversible {
            out.push(
                Diagnostic::new(Code::IRREVERSIBLE, fault.span, format!("`{}` cannot be undone", fault.name))
                    .label(why.clone())
                    .why("no guard, and nobody at the keyboard, can take it back")
                    .help("use a fault that ends by itself, or have at hand what brings the target back"),
            );
        }
    }
}
