//! A case, played: the machine runs through it in virtual time.

use std::sync::Arc;

use super::Teller;
use super::cases::{Act, Case, Expects, Moment, stream_of, unknown, value_of};
use super::{Scripted, run, well};
use crate::diagnostic::Diagnostic;
use crate::plan::{EngineName, Plan};
use crate::runtime::machine::{Command, EndedBy, Event, Outcome, PhaseName, Record, State, Verdict};
use crate::types::{Duration, Value};

/// How long a simulated answer takes: an answer of no time at all would hide what waits for it.
const ANSWER: Duration = Duration::from_millis(20);

/// What came of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Played {
    /// The end of the run.
    pub outcome: Outcome,
    /// Everything that was written down, with the time since the run began.
    pub records: Vec<(Duration, Record)>,
    /// When the first step of the method began, since the run began.
    pub zero: Duration,
    /// What was expected and is not so.
    pub wrong: Vec<String>,
}

/// Plays a case.
///
/// # Errors
/// P0855, P0856: the case names what the plan has not.
pub fn play(plan: &Plan, case: &Case, entropy: u64) -> Result<Played, Vec<Diagnostic>> {
    let script = Script::of(plan, case)?;
    // Where the first step begins is not known before: a first run, in which all is well until then, tells.
    let zero = first_step(plan, &script, case, entropy);
    let (outcome, records) = once(plan, &script, case, entropy, zero);
    let zero = zero_of(&records).unwrap_or(zero);
    // What happens at a moment is noticed by the next sample, and decided by its answer.
    let slack = plan.streams.iter().map(|s| s.every).max().unwrap_or_default().plus(Duration::from_secs(1));
    let wrong = case.expects.iter().flat_map(|e| differs(e, &outcome, &records, zero, slack)).collect();
    Ok(Played { outcome, records, zero, wrong })
}

/// What streams say, by index.
struct Script {
    well: Vec<Option<Value>>,
    says: Vec<Said>,
}

/// A line of a case: which stream, since when, for how long, what (`None`: it is missing).
type Said = (u32, Option<Moment>, Option<Duration>, Option<Value>);

impl Script {
    fn of(plan: &Plan, case: &Case) -> Result<Self, Vec<Diagnostic>> {
        let mut says = Vec::new();
        let mut errors = Vec::new();
        for line in &case.says {
            let read = stream_of(plan, &line.stream).and_then(|stream| {
                let value = line.value.as_ref().map(|words| value_of(plan, stream, words)).transpose()?;
                Ok((stream, line.at, line.lasts, value))
            });
            match read {
                Ok(said) => says.push(said),
                Err(error) => errors.push(*error),
            }
        }
        let faults: Vec<&str> = plan.faults.iter().map(|f| f.name.as_str()).collect();
        for name in case.not_there.iter().filter(|name| !faults.contains(&name.text.as_str())) {
            errors.push(unknown("fault", name, &format!("`{}`", plan.name), &faults));
        }
        if errors.is_empty() { Ok(Self { well: well(plan), says }) } else { Err(errors) }
    }

    /// What a stream says at a moment: the last line that speaks of it.
    fn says(&self, stream: u32, at: Duration, zero: Duration) -> Result<Value, String> {
        let speaks = |(of, from, lasts, _): &&Said| {
            let Some(from) = from else { return *of == stream };
            let begin = moment(*from, zero);
            // What began before the run began is over by so much earlier.
            let before = if from.is_before { from.length.minus(zero) } else { Duration::ZERO };
            *of == stream && begin <= at && lasts.is_none_or(|lasts| at < begin.plus(lasts.minus(before)))
        };
        match self.says.iter().rev().find(speaks) {
            Some((_, _, _, Some(value))) => Ok(value.clone()),
            Some((_, _, _, None)) => Err("the case says so".to_owned()),
            None => match self.well.get(stream as usize) {
                Some(Some(value)) => Ok(value.clone()),
                _ => Err("the case does not say what it is, and nothing can be guessed".to_owned()),
            },
        }
    }
}

fn moment(at: Moment, zero: Duration) -> Duration {
    if at.is_before { zero.minus(at.length) } else { zero.plus(at.length) }
}

fn zero_of(records: &[(Duration, Record)]) -> Option<Duration> {
    records.iter().find(|(_, r)| matches!(r, Record::StepBegan { .. })).map(|(at, _)| *at)
}

fn first_step(plan: &Plan, script: &Script, case: &Case, entropy: u64) -> Duration {
    let before =
        Script { well: script.well.clone(), says: script.says.iter().filter(|s| s.1.is_none()).cloned().collect() };
    let quiet = Case { acts: vec![], ..case.clone() };
    zero_of(&once(plan, &before, &quiet, entropy, Duration::ZERO).1).unwrap_or(plan.baseline)
}

fn once(plan: &Plan, script: &Script, case: &Case, entropy: u64, zero: Duration) -> (Outcome, Vec<(Duration, Record)>) {
    let mut world = Scripted {
        samples: Box::new(|stream, at| script.says(stream, at, zero)),
        effect: ANSWER,
        answer: ANSWER,
        entropy,
        yes: !case.acts.contains(&Act::SayNo),
        not_there: case.not_there.iter().map(|fault| fault.text.clone()).collect(),
    };
    let mut plan = plan.clone();
    // A simulation needs no engine, and runs at any hour; what a policy refuses it refuses here too.
    plan.hours.clear();
    let mut state = State::new(Arc::new(plan), "simulated", &EngineName::ALL);
    let mut events = vec![(Duration::ZERO, Event::Begin { wall: 0 })];
    for act in &case.acts {
        match act {
            Act::Abort(at) => events.push((moment(*at, zero), Event::Abort { by: "the operator".to_owned() })),
            Act::Repair(at) => {
                let what = Event::Intervened { who: "the operator".to_owned(), what: "repaired it".to_owned() };
                events.push((moment(*at, zero), what));
            }
            Act::SayNo => {}
        }
    }
    let mut records = Vec::new();
    let outcome = run(&mut state, &mut world, events, &mut |now, command| {
        if let Command::Write(record) | Command::Keep { record, .. } = command {
            records.push((now, record.clone()));
        }
    });
    (outcome.unwrap_or_else(broken), records)
}

/// The machine waited for nothing, which it never does: never green.
fn broken() -> Outcome {
    Outcome {
        verdict: Verdict::Error,
        ended_by: EndedBy::Completed,
        reasons: vec![],
        declared: crate::plan::RecoveryClass::Unknown,
        observed: crate::runtime::machine::Observed::NotObserved,
        left: vec![],
        injected: 0,
        stops_series: true,
    }
}

/// When the verdict was decided: the method's early end, the first refutation, else the run's end.
fn decided(outcome: &Outcome, records: &[(Duration, Record)]) -> Duration {
    let when = |wanted: fn(&Record) -> bool| records.iter().find(|(_, r)| wanted(r)).map(|(at, _)| *at);
    let end = records.last().map_or(Duration::ZERO, |(at, _)| *at);
    match outcome.verdict {
        Verdict::Refuted => when(|r| matches!(r, Record::Refuted { .. })),
        Verdict::Aborted | Verdict::Inconclusive | Verdict::NotRun | Verdict::Error => {
            when(|r| matches!(r, Record::Ending { .. }))
        }
        Verdict::Confirmed => None,
    }
    .unwrap_or(end)
}

fn differs(
    expects: &Expects,
    outcome: &Outcome,
    records: &[(Duration, Record)],
    zero: Duration,
    slack: Duration,
) -> Vec<String> {
    let mut wrong = Vec::new();
    if expects.verdict != outcome.verdict {
        wrong.push(format!("expected {}, and it is {}", expects.verdict, outcome.verdict));
    }
    let at = decided(outcome, records);
    if let Some(wanted) = expects.at {
        let wanted_at = moment(wanted, zero);
        if at.plus(Duration::from_secs(1)) < wanted_at || at > wanted_at.plus(slack) {
            wrong.push(format!("expected it at {}, and it was at {}", shown(wanted_at, zero), shown(at, zero)));
        }
    }
    if let Some(because) = &expects.because
        && !outcome.reasons.iter().any(|r| r.text.contains(because.as_str()))
    {
        let said: Vec<&str> = outcome.reasons.iter().map(|r| r.text.as_str()).collect();
        wrong.push(format!("expected the reason {because:?}, and it is {:?}", said.join("; ")));
    }
    wrong
}

/// A moment as the plan's timeline shows it, to the second.
#[must_use]
pub fn shown(at: Duration, zero: Duration) -> String {
    let seconds =
        |length: Duration| Duration::from_secs(u32::try_from(length.as_nanos() / 1_000_000_000).unwrap_or(u32::MAX));
    let before = seconds(zero.minus(at));
    if at < zero && !before.is_zero() { format!("-{before}") } else { seconds(at.minus(zero)).to_string() }
}

impl Played {
    /// The phase, the moments and the words of what mattered, for people.
    #[must_use]
    pub fn story(&self) -> Vec<(String, String)> {
        // As a run tells it: which fault, by its name. Times are told here, so no plan is needed for them.
        let mut teller = Teller::new(None);
        self.records.iter().filter_map(|(at, record)| Some((shown(*at, self.zero), teller.tell(record)?))).collect()
    }

    /// When the verdict was decided, on the plan's timeline.
    #[must_use]
    pub fn decided(&self) -> String {
        shown(decided(&self.outcome, &self.records), self.zero)
    }

    /// How many phases it went through.
    #[must_use]
    pub fn reached(&self, phase: PhaseName) -> bool {
        self.records.iter().any(|(_, r)| matches!(r, Record::Phase { phase: p } if *p == phase))
    }
}

/// A record in words; `None` for what is only detail.
#[must_use]
pub fn told(record: &Record) -> Option<String> {
    Some(match record {
        Record::Phase { phase } => format!("── {} ──", phase.text()),
        Record::Preflight { what, ok, found } => format!("{} {what}: {found}", if *ok { "✓" } else { "✗" }),
        Record::Approval { team, by } => format!("✓ approved for {team} by {by}"),
        Record::Draw { text, targets, .. } => {
            let names: Vec<&str> =
                targets.iter().map(|t| t.facts.get("name").map_or(t.id.as_str(), |n| n.as_str())).collect();
            format!("drew {text}: {}", names.join(", "))
        }
        Record::There { seen, .. } => format!("the fault is there: {seen}"),
        Record::NotThere { reason, .. } => format!("✗ the fault is not there: {reason}"),
        Record::Undoing { attempt: 1, .. } => "undoing".to_owned(),
        Record::Undoing { attempt, .. } => format!("undoing again ({attempt})"),
        Record::UndoFailed { reason, .. } => format!("✗ the undo failed: {reason}"),
        Record::Undone { .. } => "the fault is gone".to_owned(),
        Record::MayBeLeft { reason, .. } => format!("✗ something may be left: {reason}"),
        Record::Gap { .. } => "a stream is silent".to_owned(),
        Record::Refuted { text, .. } => format!("✗ {text}"),
        Record::GuardFired { guard, text } => format!("✗ guard: {guard}: {text}"),
        Record::StepBegan { text, .. } => text.clone(),
        Record::Asked { who, question } => format!("? {who}: {question}"),
        Record::Answered { who, yes } => format!("{who}: {}", if *yes { "yes" } else { "no" }),
        Record::Note { who: Some(who), words } => format!("{who}: {words}"),
        Record::Note { who: None, words } => words.clone(),
        Record::Intervened { who, what } => format!("{who} stepped in: {what}"),
        Record::Ending { reason } => format!("the method ends: {reason}"),
        Record::Recovered { observed } => format!("recovered: {}", observed.words()),
        Record::Ended { outcome } => format!("== {} ==", outcome.verdict),
        Record::Intent { .. } | Record::Injected { .. } | Record::Sample { .. } | Record::StepEnded { .. } => {
            return None;
        }
    })
}
