//! What will be emitted, all of it, before anything is.
//!
//! Comes in: a plan. Goes out: a [`Draft`] and a report. If the report has an error there is nothing to emit. Here stands
//! everything that Litmus does a little differently from the plan, each once.

use super::body::{self, Access, LitmusBody};
use super::condition::{Sample, judge};
use super::names;
use super::probes::{Judged, Probe, cannot_judge, judged};
use super::shape::{CheckStep, OVERHEAD, Part, Shape, Use, shape};
use super::target::{self, Refusal, Target};
use crate::analysis::portability::who_else;
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::drawing;
use crate::engine::native::{WHICH_CONTAINER, first_container, not_here};
use crate::engine::unwatched::unwatched;
use crate::engine::{Approximation, DrawCount, Report, all_at_once};
use crate::plan::{Effect, EngineName, Fault, GuardWhen, Phase, Plan, RecoveryClass};
use crate::source::Span;

/// Everything that is known before the first document.
pub(super) struct Draft<'p> {
    /// The plan.
    pub plan: &'p Plan,
    /// The method.
    pub shape: Shape<'p>,
    /// One for each of the shape's engines.
    pub engines: Vec<Engine<'p>>,
    /// The ChaosExperiments that they name, each once.
    pub experiments: Vec<Experiment>,
    /// Names end in this.
    pub suffix: String,
}

/// A ChaosEngine to be.
pub(super) struct Engine<'p> {
    /// Its use in the method.
    pub used: Use,
    /// An index into `Draft::experiments`.
    pub experiment: usize,
    /// Its own variables.
    pub env: Vec<(String, String)>,
    /// Whom it hits.
    pub target: Target,
    /// What is judged while it runs.
    pub probes: Vec<Probe<'p>>,
}

/// A ChaosExperiment to be, with its account.
pub(super) struct Experiment {
    /// Its name, and that of its account and roles.
    pub name: String,
    /// What it is made from (its `env` is the engines' matter).
    pub body: LitmusBody,
    /// The title of the fault.
    pub title: String,
    /// Where its targets are.
    pub namespaces: Vec<String>,
    /// Where its probes count pods.
    pub counted: Vec<String>,
}

/// Reads the plan as Litmus would have it.
pub(super) fn draft<'p>(plan: &'p Plan, report: &mut Report) -> Draft<'p> {
    if !plan.place.cluster.engines.contains(&EngineName::Litmus) {
        report.diagnostics.push(not_here(plan, EngineName::Litmus, Code::LITMUS_NOT_HERE));
    }
    if let Some(remote) = &plan.place.cluster.remote_cluster {
        let message = format!("Litmus injects where its objects are made, and not in `{remote}`");
        report.diagnostics.push(
            Diagnostic::new(Code::LITMUS_NOT_HERE, plan.span, message)
                .why(format!("the `remote-cluster` of `{}` is the one that is to be hit", plan.place.cluster.name))
                .help(format!("declare `{remote}` as a cluster of its own, with `litmus` among its engines")),
        );
    }
    let shape = shape(plan, &mut report.diagnostics);
    if shape.uses.is_empty() {
        report.diagnostics.push(
            Diagnostic::new(
                Code::LITMUS_STEP,
                plan.span,
                "the method injects nothing, so there is nothing for Litmus to run",
            )
            .help("`perturb run` holds what only watches, where its metrics can be asked from this machine"),
        );
    }
    let judged = judged(plan, &shape.uses, &mut report.diagnostics);
    check_steps(plan, &shape.parts, &mut report.diagnostics);
    let mut draft = Draft { plan, engines: Vec::new(), experiments: Vec::new(), suffix: names::suffix(plan), shape };
    for index in 0..draft.shape.uses.len() {
        engine(&mut draft, index, &judged, report);
    }
    about_the_whole(&draft, &judged, report);
    counts(&draft, report);
    report.diagnostics.sort_by_key(|d| d.span);
    draft
}

fn engine<'p>(draft: &mut Draft<'p>, index: usize, judged: &Judged<'p>, report: &mut Report) {
    let plan = draft.plan;
    let Some(used) = draft.shape.uses.get(index).cloned() else { return };
    let Some(fault) = plan.faults.get(used.fault as usize) else { return };
    let Some(body) = body::read(plan, fault, &mut report.diagnostics) else { return };
    let Some(draw) = plan.draws.get(fault.target as usize) else { return };
    let target = match target::target(plan, draw, &body) {
        Ok(target) => target,
        Err(refusal) => {
            report.diagnostics.push(refused(plan, fault, &draw.text, refusal));
            return;
        }
    };
    for (what, text) in &target.approximations {
        approximate(report, what, text.clone(), draw.span);
    }
    if is_in_a_container(fault, &body) && target.is_without_container() && !body.sets(target::CONTAINER) {
        approximate(report, WHICH_CONTAINER, first_container(plan, fault, EngineName::Litmus), fault.span);
    }
    about_time(&used, fault, report);
    let probes = judged.probes_of(&used);
    let env = env(&used, &body, &target);
    let experiment = experiment(draft, fault, body, &target, &probes);
    draft.engines.push(Engine { used, experiment, env, target, probes });
}

/// Whether a fault is done to one container and not to the pod: what a restart of the container takes away, and what its runtime
/// does once.
fn is_in_a_container(fault: &Fault, body: &LitmusBody) -> bool {
    (body.mounts_runtime || body.may(Access::Exec)) && (fault.lost_on_restart || fault.effect == Effect::Instant)
}

fn refused(plan: &Plan, fault: &Fault, draw: &str, refusal: Refusal) -> Diagnostic {
    let (code, verb, why) = match refusal {
        Refusal::Selection(why) => (Code::LITMUS_TARGET, "select", why),
        Refusal::Count(why) => (Code::LITMUS_COUNT, "draw", why),
    };
    Diagnostic::new(code, fault.span, format!("Litmus cannot {verb} `{draw}`: {why}"))
        .label(format!("the target of `{}`", fault.name))
        .help(format!("write a target that Litmus can take; {}", who_else(plan, fault, EngineName::Litmus)))
}

/// The variables of an engine: time, target, then the fault's own.
fn env(used: &Use, body: &LitmusBody, target: &Target) -> Vec<(String, String)> {
    let seconds = used.seconds.to_string();
    let mut env = vec![("TOTAL_CHAOS_DURATION".to_owned(), seconds.clone())];
    if !body.sets("CHAOS_INTERVAL") {
        // Faults that repeat (pod-delete, container-kill, stopped machines) do so each interval until the time is over:
        // as long as the time means once.
        env.push(("CHAOS_INTERVAL".to_owned(), seconds));
    }
    env.extend(target.env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    env.extend(target.affects.iter().map(|(name, value)| (name.to_string(), value.clone())));
    env.extend(body.env.iter().map(|(name, value)| (name.to_string(), value.clone())));
    env
}

/// The experiment of a body, shared by the engines whose bodies differ in their variables only.
fn experiment(draft: &mut Draft<'_>, fault: &Fault, body: LitmusBody, target: &Target, probes: &[Probe<'_>]) -> usize {
    let body = LitmusBody { env: Vec::new(), ..body };
    let found = draft.experiments.iter().position(|e| e.body == body);
    let index = found.unwrap_or_else(|| {
        let variant = 1 + draft.experiments.iter().filter(|e| e.body.fault == body.fault).count();
        draft.experiments.push(Experiment {
            name: names::experiment(&body.fault, variant, &draft.suffix),
            body,
            title: fault.title.clone(),
            namespaces: Vec::new(),
            counted: Vec::new(),
        });
        draft.experiments.len() - 1
    });
    if let Some(experiment) = draft.experiments.get_mut(index) {
        let targets = target.namespace.iter().map(ToString::to_string);
        add_all(&mut experiment.namespaces, targets);
        add_all(&mut experiment.counted, probes.iter().filter_map(|p| counted(&p.judgement.sample)));
    }
    index
}

/// The namespace in which a sample counts pods, if it does.
pub(super) fn counted(sample: &Sample<'_>) -> Option<String> {
    match sample {
        Sample::ReadyPods { namespace, .. } => Some((*namespace).to_owned()),
        Sample::Prometheus { .. } | Sample::Http { .. } => None,
    }
}

/// Adds what is not there yet.
pub(super) fn add_all(all: &mut Vec<String>, more: impl Iterator<Item = String>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}

/// Every check must be one that a step of the workflow can judge.
fn check_steps(plan: &Plan, parts: &[Part<'_>], diagnostics: &mut Vec<Diagnostic>) {
    for_each_check(parts, &mut |check| {
        if let Err(why) = judge(plan, check.condition, true, false) {
            diagnostics.push(cannot_judge("the check", check.text, &why, check.span));
        }
    });
}

/// Calls `f` with each check, in order.
pub(super) fn for_each_check<'p>(parts: &[Part<'p>], f: &mut impl FnMut(&CheckStep<'p>)) {
    for part in parts {
        match part {
            Part::Check(check) => f(check),
            Part::Around(_, inner) => for_each_check(inner, f),
            Part::Together(branches) => branches.iter().for_each(|branch| for_each_check(branch, f)),
            Part::Engine(_) | Part::Wait(_) => {}
        }
    }
}

fn approximate(report: &mut Report, what: &'static str, text: String, span: Span) {
    let one = Approximation { what, text, span };
    if !report.approximations.contains(&one) {
        report.approximations.push(one);
    }
}

fn about_time(used: &Use, fault: &Fault, report: &mut Report) {
    if let Some(lasts) = used.lasts
        && !lasts.as_nanos().is_multiple_of(1_000_000_000)
    {
        let text =
            format!("`{}` lasts {lasts}; Litmus counts whole seconds, so it lasts {}s", fault.name, used.seconds);
        approximate(report, "time", text, used.span);
    }
    if used.around {
        let text = format!(
            "`{}` lasts as long as its block; an engine of Litmus ends by its own clock, so it is given the longest time that \
             the block may take, {}s, and stays that long when the block is done earlier",
            fault.name, used.seconds
        );
        approximate(report, "time", text, used.span);
    }
}

/// What is approximate about the experiment, each said once.
fn about_the_whole(draft: &Draft<'_>, judged: &Judged<'_>, report: &mut Report) {
    let plan = draft.plan;
    if !judged.is_empty() {
        about_judging(draft, report);
    }
    for (index, draw) in plan.draws.iter().enumerate() {
        let uses = draft
            .engines
            .iter()
            .filter(|e| plan.faults.get(e.used.fault as usize).is_some_and(|f| f.target as usize == index));
        let whole = draw.quantity == crate::plan::Quantity::All;
        if uses.count() > 1 && !whole {
            let text = format!(
                "`{}` is one draw for several faults; each engine of Litmus draws for itself, so they may hit different ones",
                draw.text
            );
            approximate(report, "draw", text, draw.span);
        }
    }
    for (length, span) in &draft.shape.broken_waits {
        let text =
            format!("this wait lasts {length}; here whole seconds are counted, so it lasts {}s", length.as_secs_ceil());
        approximate(report, "time", text, *span);
    }
    if let Some(schedule) = plan.schedule.as_ref().filter(|s| s.among_others) {
        approximate(report, "order", all_at_once(schedule, "CronWorkflow"), schedule.span);
    }
    report.diagnostics.extend(drawing::refused(plan, EngineName::Litmus));
    report.unwatched = unwatched(plan, false);
}

fn about_judging(draft: &Draft<'_>, report: &mut Report) {
    let plan = draft.plan;
    let steady = plan.expectations.iter().any(|e| e.phase != Phase::OnlyDuringFaults);
    if steady && !plan.baseline.is_zero() {
        let text = format!(
            "the baseline is watched for {}; Litmus takes one sample before the first injection",
            plan.baseline
        );
        approximate(report, "judgement", text, plan.span);
    }
    if steady && plan.recovery.class != RecoveryClass::Unknown {
        let text = format!(
            "recovery counts once everything has held for {} without a break; Litmus is content with the first sample that holds \
             within {}",
            plan.baseline, plan.recovery.within
        );
        approximate(report, "judgement", text, plan.recovery.span);
    }
    let outermost = draft.shape.uses.iter().filter(|u| u.outermost).count();
    if outermost > 1 || !draft.shape.is_one_engine() && draft.shape.parts.len() > 1 {
        approximate(
            report,
            "judgement",
            "expectations and guards hold from the first injection to the recovery; Litmus looks only while an engine runs, not \
             between two of them"
                .to_owned(),
            plan.span,
        );
    }
    let only_during = plan.expectations.iter().find(|e| e.phase == Phase::OnlyDuringFaults);
    if let Some(expectation) = only_during {
        approximate(
            report,
            "judgement",
            format!(
                "`{}` is judged from the injection on; Litmus begins some seconds before it, and finishes the tries that it began \
                 after the undo",
                expectation.name
            ),
            expectation.span,
        );
    }
    let all = draft.shape.uses.len();
    for expectation in plan.expectations.iter().filter(|e| e.phase == Phase::OnlyDuringFaults) {
        let Some(within) = expectation.within else { continue };
        let longer = draft.shape.uses.iter().filter(|used| used.seconds > within.as_secs_ceil()).count();
        if longer < all {
            let text = format!(
                "`{}` may be false for {within}, counted from the first injection on; Litmus counts in each engine anew, and judges \
                 it in {longer} of {all}: those that last longer",
                expectation.name
            );
            approximate(report, "judgement", text, expectation.span);
        }
    }
    if plan.guards.iter().any(|g| matches!(g.when, GuardWhen::Condition(_))) || !plan.expectations.is_empty() {
        approximate(
            report,
            "gap",
            "a missing sample is borne until a stream's patience ends; to Litmus one is as bad as a false sample (it stops the \
             engine for a guard, and ends in the verdict `Error` for an expectation)"
                .to_owned(),
            plan.span,
        );
    }
}

fn counts(draft: &Draft<'_>, report: &mut Report) {
    for engine in &draft.engines {
        let Some(count) = engine.target.count else { continue };
        let Some(fault) = draft.plan.faults.get(engine.used.fault as usize) else { continue };
        let Some(draw) = draft.plan.draws.get(fault.target as usize) else { continue };
        let one = DrawCount {
            draw: draw.text.clone(),
            candidates: count.candidates,
            language: count.language,
            engine: count.engine,
        };
        if !report.counts.contains(&one) {
            report.counts.push(one);
        }
    }
}

/// How long a step waits for an engine: its time, what its probes may take after it, and room for images and status checks.
pub(super) fn deadline(engine: &Engine<'_>) -> u64 {
    let rounds = engine.probes.iter().map(Probe::round).fold(0, u64::saturating_add);
    engine.used.seconds.saturating_add(rounds).saturating_add(status_timeout(engine)).saturating_add(5 * OVERHEAD)
}

/// `statusCheckTimeouts.timeout`: Litmus' 180 s, or longer where a probe's round that is under way at the end takes
/// longer; cut off, it would count as failed (litmus-go `checkForErrorInContinuousProbe`).
pub(super) fn status_timeout(engine: &Engine<'_>) -> u64 {
    engine.probes.iter().map(|p| p.round() + 30).max().unwrap_or(0).max(180)
}
