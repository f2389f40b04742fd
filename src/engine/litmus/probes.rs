//! The probes of one engine: what the hypothesis and the guards become while it runs.
//!
//! | in the plan | becomes |
//! | --- | --- |
//! | baseline of an expectation | `SOT`, before the first engine; it stops the run, nothing was injected |
//! | an expectation while faults last | `Continuous` at every outermost engine; `OnChaos` if only then |
//! | back to normal within D | `EOT` at the last engine, tried for D |
//! | a guard | `Continuous` at *every* engine, on the opposite condition, with `stopOnFailure` |
//!
//! A probe's `attempt` is how often in a row it must fail, `interval` apart: the runs of false samples that
//! `within D` allows and that `for D` asks for are exactly that (litmus-go 1b3603f: a round ends with the first success,
//! so that a run of failures always begins with a round).
//!
//! Times are Go durations here and nowhere else; everything else in Litmus is seconds without a unit. Names are unique in an
//! engine, as Litmus looks probes up by name (litmus#5179).

use super::condition::{Judgement, Sample, count_ready, judge};
use super::shape::Use;
use super::shell;
use crate::diagnostic::{Code, Diagnostic};
use crate::manifest::{Arena, Node};
use crate::plan::{Condition, GuardWhen, Phase, Plan, RecoveryClass};
use crate::source::Span;
use crate::types::Duration;

/// When a probe looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Before the injection.
    Before,
    /// From before the injection to after the undo.
    Throughout,
    /// From the injection to the end of its time.
    WhileFaulty,
    /// After the undo.
    After,
}

impl Mode {
    fn text(self) -> &'static str {
        match self {
            Self::Before => "SOT",
            Self::Throughout => "Continuous",
            Self::WhileFaulty => "OnChaos",
            Self::After => "EOT",
        }
    }
}

/// A probe without its name and place: what is judged, how often it may fail, whether it stops the engine.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Probe<'p> {
    /// Unique in its engine.
    pub name: String,
    /// When it looks.
    pub mode: Mode,
    /// What it judges.
    pub judgement: Judgement<'p>,
    /// How many failures in a row make it fail.
    pub attempts: u64,
    /// Whether its failure stops the engine.
    pub stops: bool,
}

impl Probe<'_> {
    /// How long one round may take, in seconds.
    pub(super) fn round(&self) -> u64 {
        let every = self.judgement.stream.every.as_secs_ceil() + self.judgement.stream.timeout.as_secs_ceil();
        self.attempts.saturating_mul(every)
    }
}

/// An expectation or guard, judged once for the whole plan; engines take from it what is theirs.
#[derive(Debug)]
pub(super) struct Judged<'p> {
    probes: Vec<(Place, Probe<'p>)>,
}

/// Which engines take a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Outermost,
    /// Outermost, lasting, and longer than this many seconds.
    Longer(u64),
    Last,
    Every,
}

impl Place {
    fn takes(self, engine: &Use) -> bool {
        match self {
            Self::First => engine.first,
            Self::Outermost => engine.outermost,
            Self::Longer(than) => engine.outermost && engine.lasting && engine.seconds > than,
            Self::Last => engine.last,
            Self::Every => true,
        }
    }
}

impl<'p> Judged<'p> {
    /// The probes of an engine, in the order in which they are looked at, with unique names.
    pub(super) fn probes_of(&self, engine: &Use) -> Vec<Probe<'p>> {
        let mut found: Vec<Probe<'p>> = Vec::new();
        for (_, probe) in self.probes.iter().filter(|(place, _)| place.takes(engine)) {
            let mut probe = probe.clone();
            let mut number = 2;
            let base = probe.name.clone();
            while found.iter().any(|p| p.name == probe.name) {
                probe.name = format!("{base}-{number}");
                number += 1;
            }
            found.push(probe);
        }
        found
    }

    /// Whether anything is judged at all.
    pub(super) fn is_empty(&self) -> bool {
        self.probes.is_empty()
    }
}

/// Judges the hypothesis and the guards. What Litmus cannot judge is reported.
pub(super) fn judged<'p>(plan: &'p Plan, uses: &[Use], diagnostics: &mut Vec<Diagnostic>) -> Judged<'p> {
    let stop_when_refuted = plan.guards.iter().any(|g| g.when == GuardWhen::Refuted);
    let mut maker = Maker { plan, uses, diagnostics, stop_when_refuted, probes: Vec::new() };
    for (index, guard) in plan.guards.iter().enumerate() {
        if let GuardWhen::Condition(condition) = &guard.when {
            maker.guard(index + 1, condition, &guard.text, guard.hold, guard.span);
        }
    }
    for expectation in &plan.expectations {
        maker.expectation(expectation);
    }
    Judged { probes: maker.probes }
}

struct Maker<'p, 'r> {
    plan: &'p Plan,
    uses: &'r [Use],
    diagnostics: &'r mut Vec<Diagnostic>,
    stop_when_refuted: bool,
    probes: Vec<(Place, Probe<'p>)>,
}

impl<'p> Maker<'p, '_> {
    fn guard(&mut self, number: usize, condition: &Condition, text: &str, hold: Option<Duration>, span: Span) {
        // The probe must hold, so it asks for the opposite of what the guard fires on.
        let Some(judgements) = self.judge(condition, false, hold.is_none(), "the guard", text, span) else { return };
        for judgement in judgements {
            // True from u to v with v − u ≥ hold: one sample more than there are intervals in it.
            let attempts = hold.map_or(1, |hold| ceil(hold, judgement.stream.every) + 1);
            self.push(Place::Every, format!("guard-{number}"), Mode::Throughout, judgement, attempts, true);
        }
    }

    fn expectation(&mut self, expectation: &'p crate::plan::Expectation) {
        let (name, span) = (expectation.name.as_str(), expectation.span);
        let split = expectation.within.is_none();
        let Some(strict) = self.judge(&expectation.condition, true, split, "the expectation", &expectation.text, span)
        else {
            return;
        };
        match &expectation.phase {
            Phase::Always => {
                self.before(name, &strict);
                self.during(Place::Outermost, name, Mode::Throughout, &strict, expectation.within);
                for judgement in strict {
                    let attempts = allowed(expectation.within, &judgement);
                    self.push(Place::Last, format!("{name}-after"), Mode::After, judgement, attempts, false);
                }
            }
            Phase::Relaxed { condition, text } => {
                let whole = format!("{} but {text} during faults", expectation.text);
                let Some(weak) = self.judge(condition, true, split, "the expectation", &whole, span) else { return };
                self.before(name, &strict);
                self.during(Place::Outermost, name, Mode::Throughout, &weak, expectation.within);
                self.recovered(name, strict);
            }
            Phase::ExceptDuringFaults => {
                self.before(name, &strict);
                self.recovered(name, strict);
            }
            Phase::OnlyDuringFaults => self.only_during(name, &expectation.text, strict, expectation.within, span),
        }
    }

    fn before(&mut self, name: &str, judgements: &[Judgement<'p>]) {
        for judgement in judgements {
            self.push(Place::First, format!("{name}-before"), Mode::Before, judgement.clone(), 1, true);
        }
    }

    fn during(&mut self, place: Place, name: &str, mode: Mode, judgements: &[Judgement<'p>], within: Option<Duration>) {
        let stops = self.stop_when_refuted;
        for judgement in judgements {
            let attempts = allowed(within, judgement);
            self.push(place, name.to_owned(), mode, judgement.clone(), attempts, stops);
        }
    }

    fn only_during(
        &mut self,
        name: &str,
        text: &str,
        judgements: Vec<Judgement<'p>>,
        within: Option<Duration>,
        span: Span,
    ) {
        let place = Place::Longer(within.map_or(0, Duration::as_secs_ceil));
        if !self.uses.iter().any(|engine| place.takes(engine)) {
            self.cannot("the expectation", text, "no engine lasts long enough to judge it while it runs", span);
            return;
        }
        self.during(place, name, Mode::WhileFaulty, &judgements, within);
    }

    /// Back to normal in time: the first sample that holds, tried for as long as the recovery may take.
    fn recovered(&mut self, name: &str, judgements: Vec<Judgement<'p>>) {
        let recovery = &self.plan.recovery;
        if recovery.class == RecoveryClass::Unknown {
            return;
        }
        for judgement in judgements {
            let attempts = floor(recovery.within, judgement.stream.every) + 1;
            self.push(Place::Last, format!("{name}-after"), Mode::After, judgement, attempts, false);
        }
    }

    fn push(&mut self, place: Place, name: String, mode: Mode, judgement: Judgement<'p>, attempts: u64, stops: bool) {
        self.probes.push((place, Probe { name, mode, judgement, attempts, stops }));
    }

    fn judge(
        &mut self,
        condition: &Condition,
        wanted: bool,
        split: bool,
        what: &str,
        text: &str,
        span: Span,
    ) -> Option<Vec<Judgement<'p>>> {
        match judge(self.plan, condition, wanted, split) {
            Ok(judgements) => Some(judgements),
            Err(why) => {
                self.cannot(what, text, &why, span);
                None
            }
        }
    }

    fn cannot(&mut self, what: &str, text: &str, why: &str, span: Span) {
        self.diagnostics.push(cannot_judge(what, text, why, span));
    }
}

/// P0654.
pub(super) fn cannot_judge(what: &str, text: &str, why: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::LITMUS_PROBE, span, format!("Litmus cannot judge {what} `{text}`: {why}"))
        .label("has no probe of Litmus")
        .help("judge it another way, or compile it for Chaos Mesh, where that is installed: Perturb's gate judges every condition")
}

/// How many false samples in a row refute: one, or so many that they span more than the time allowed.
fn allowed(within: Option<Duration>, judgement: &Judgement<'_>) -> u64 {
    within.map_or(1, |within| floor(within, judgement.stream.every) + 2)
}

fn floor(time: Duration, every: Duration) -> u64 {
    time.as_nanos() / every.as_nanos().max(1)
}

fn ceil(time: Duration, every: Duration) -> u64 {
    time.as_nanos().div_ceil(every.as_nanos().max(1))
}

/// A duration as Go reads it: one whole number and one unit that every parser knows.
pub(super) fn go_duration(time: Duration) -> String {
    let nanos = time.as_nanos();
    for (unit, size) in [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)] {
        if nanos.is_multiple_of(size) {
            return format!("{}{unit}", nanos / size);
        }
    }
    format!("{nanos}ns")
}

/// The probe as Litmus takes it.
pub(super) fn node<'a>(arena: &'a Arena, probe: &Probe<'_>) -> Node<'a> {
    let judgement = &probe.judgement;
    let (kind, inputs) = inputs(arena, judgement);
    let stream = judgement.stream;
    // An HTTP probe waits its interval after a success as well, and would wait twice.
    let polling = if matches!(judgement.sample, Sample::Http { .. }) { None } else { Some(stream.every) };
    let run = arena.map_some([
        Some(("probeTimeout", arena.text(&go_duration(stream.timeout)))),
        Some(("interval", arena.text(&go_duration(stream.every)))),
        Some(("attempt", Node::Int(i64::try_from(probe.attempts).unwrap_or(i64::MAX)))),
        polling.map(|every| ("probePollingInterval", arena.text(&go_duration(every)))),
        Some(("stopOnFailure", Node::Bool(probe.stops))),
    ]);
    let inputs_key = arena.str(&format!("{kind}/inputs"));
    arena.map([
        ("name", arena.text(&probe.name)),
        ("type", arena.text(kind)),
        ("mode", arena.text(probe.mode.text())),
        (inputs_key, inputs),
        ("runProperties", run),
    ])
}

fn inputs<'a>(arena: &'a Arena, judgement: &Judgement<'_>) -> (&'static str, Node<'a>) {
    let criteria = arena.text(judgement.criteria);
    let value = arena.text(&judgement.value);
    match &judgement.sample {
        Sample::Prometheus { endpoint, query } => {
            let comparator = arena.map([("criteria", criteria), ("value", value)]);
            let inputs = arena.map([
                ("endpoint", arena.text(endpoint)),
                ("query", arena.text(&shell::in_double_quotes(query))),
                ("comparator", comparator),
            ]);
            ("promProbe", inputs)
        }
        Sample::Http { url } => {
            let get = arena.map([("criteria", criteria), ("responseCode", value)]);
            ("httpProbe", arena.map([("url", arena.text(url)), ("method", arena.map([("get", get)]))]))
        }
        Sample::ReadyPods { namespace, labels } => {
            let comparator = arena.map([("type", arena.text("int")), ("criteria", criteria), ("value", value)]);
            let command = arena.text(&count_ready(namespace, labels));
            ("cmdProbe", arena.map([("command", command), ("comparator", comparator)]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_reads_our_durations() {
        for (ours, go) in [("90s", "90s"), ("1h30m", "5400s"), ("1.5s", "1500ms"), ("1d", "86400s"), ("0s", "0s")] {
            assert_eq!(go_duration(ours.parse().unwrap()), go);
        }
    }

    #[test]
    fn runs_of_false_samples_are_counted_exactly() {
        let every = "5s".parse().unwrap();
        // `for 10s`, asked each 5s: true at 0, 5 and 10.
        assert_eq!(ceil("10s".parse().unwrap(), every) + 1, 3);
        // `within 10s`: false at 0, 5, 10 is allowed, at 15 it is longer than 10s.
        assert_eq!(floor("10s".parse().unwrap(), every) + 2, 4);
        // `within 12s`: 0, 5, 10 allowed, 15 too long.
        assert_eq!(floor("12s".parse().unwrap(), every) + 2, 4);
    }
}
