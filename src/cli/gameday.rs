//! `perturb run --gameday`: the points of an agenda, one after the other, with the people who hold it.
//!
//! All that is run is planned before anything begins. The game day is a run of the journal of its own, beside those of its
//! experiments: who was there, what was asked and answered, what people wrote, which runs it made. Its verdict is the worst of
//! theirs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use smol_str::SmolStr;
use tokio::signal::unix::{SignalKind, signal};

use super::exit::{Exit, Failure};
use super::journal::failure;
use super::keyboard::Keyboard;
use super::people::{for_words, not_understood, yes, yes_or_no};
use super::run::{self, Holds};
use super::terminal::Terminal;
use super::view::Format;
use super::which::Which;
use super::{experiment, world};
use crate::lower::PlaceRef;
use crate::lower::series::{Agenda, Point};
use crate::plan::{Plan, RecoveryClass};
use crate::runtime::drive::{std_time, wall};
use crate::runtime::journal::{Head, Journal, Line, Owner, RunRow, Writer};
use crate::runtime::machine::{EndedBy, Observed, Outcome, Reason, Record, Subject, Verdict};
use crate::runtime::simulate::told;
use crate::types::Duration;

/// What a point of the agenda is waited for.
enum Heard {
    Line(String),
    /// Nobody is there.
    Nobody,
    Silence,
    Signal(&'static str),
}

/// A game day that is held.
struct Day<'d> {
    agenda: &'d Agenda,
    place: &'d PlaceRef,
    journal: Journal,
    head: Head,
    began: Instant,
    keyboard: Arc<Keyboard>,
    format: Format,
    terminal: &'d Terminal,
    reasons: Vec<Reason>,
}

/// Holds it.
pub(super) fn hold(arguments: &run::Arguments, found: &experiment::Day, terminal: &Terminal) -> Result<Exit, Failure> {
    let plans = match plans(arguments, found, terminal)? {
        Ok(plans) => plans,
        Err(exit) => return Ok(exit),
    };
    let all: Vec<Plan> = plans.values().cloned().collect();
    run::confirm(&all, arguments)?;
    let mut holds = Holds::new(arguments, terminal)?;
    holds.drawn.clone_from(&found.drawn);
    let journal = holds.journal()?;
    let mut day = Day::begin(found, journal, holds.keyboard(), arguments.format(), terminal)?;
    holds.within(&day.head.run);
    let mut ended = day.can_be_answered();
    if ended.is_none() {
        ended = day.take_roles()?;
    }
    for (node, point) in (1u32..).zip(&found.agenda.points) {
        if ended.is_some() {
            break;
        }
        ended = match point {
            Point::Run(name) => day.run(node, name, &plans, &holds)?,
            Point::Scenario(experiment) => day.run(node, &experiment.name, &plans, &holds)?,
            Point::Ask { who, question, within } => day.ask(who, question, *within)?,
            Point::Note { who: None, text, .. } => day.note(text.clone()).map(|()| None)?,
            Point::Note { who: Some(who), text, within } => day.words(who, text, within.unwrap_or_default())?,
            Point::Wait(length) => day.wait(*length)?,
        };
    }
    let outcome = day.end(ended.unwrap_or(EndedBy::Completed))?;
    day.print(&run::summary(&day.head.run, &outcome))?;
    Ok(Exit::Verdict(outcome.verdict.exit_code()))
}

/// The plans of all experiments of the agenda, before any of them is run.
fn plans(
    arguments: &run::Arguments,
    found: &experiment::Day,
    terminal: &Terminal,
) -> Result<Result<BTreeMap<SmolStr, Plan>, Exit>, Failure> {
    let mut plans = found.scenarios.clone();
    for point in &found.agenda.points {
        if let Point::Run(name) = point
            && !plans.contains_key(name)
        {
            let which = Which { experiment: Some(name.to_string()), place: Some(found.place.to_string()) };
            match experiment::plan(arguments.file(), &which, terminal)? {
                Ok(plan) => plans.insert(name.clone(), plan),
                Err(exit) => return Ok(Err(exit)),
            };
        }
    }
    Ok(Ok(plans))
}

impl<'d> Day<'d> {
    fn begin(
        found: &'d experiment::Day,
        mut journal: Journal,
        keyboard: Arc<Keyboard>,
        format: Format,
        terminal: &'d Terminal,
    ) -> Result<Self, Failure> {
        let (agenda, place) = (&found.agenda, &found.place);
        let row = RunRow {
            id: run::new_id(&agenda.name).into(),
            began: wall(),
            experiment: agenda.name.to_string(),
            place: place.to_string(),
            text_digest: String::new(),
            verdict: None,
            owner: Owner::this(),
        };
        let begun = run::begun(serde_json::Value::Null, String::new(), found.drawn.clone());
        let head = journal.begin(&row, begun, wall()).map_err(|e| failure(&e))?;
        let (began, reasons) = (Instant::now(), Vec::new());
        let day = Self { agenda, place, journal, head, began, keyboard, format, terminal, reasons };
        day.print(&format!("game day {} at {place}\n", agenda.name))?;
        Ok(day)
    }

    /// For people: whoever reads events gets these as records.
    fn print(&self, text: &str) -> Result<(), Failure> {
        if self.format != Format::Json {
            run::say(self.terminal, text);
        }
        Ok(())
    }

    /// An experiment is run; what ends the day after it, if anything does.
    fn run(
        &mut self,
        node: u32,
        name: &SmolStr,
        plans: &BTreeMap<SmolStr, Plan>,
        holds: &Holds<'_>,
    ) -> Result<Option<EndedBy>, Failure> {
        let Some(plan) = plans.get(name) else { return Ok(None) };
        self.write(Record::StepBegan { node, text: format!("run {name}") })?;
        self.print(&format!("\nrun {name} at {}\n", self.place))?;
        let Some(held) = holds.one(plan.clone())? else { return Ok(None) };
        let verdict = held.outcome.verdict;
        self.note(format!("{name}: {verdict}, in the run {}", held.id))?;
        if verdict != Verdict::Confirmed {
            self.reason(verdict, Subject::Run, format!("{name}: {verdict}"));
        }
        Ok((!held.outcome.goes_on()).then(|| EndedBy::Operator(format!("the verdict of {name}"))))
    }

    fn now(&self) -> Duration {
        let nanos = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(nanos).unwrap_or_default()
    }

    fn say(&self, text: &str) -> Result<(), Failure> {
        self.print(&format!("{} {text}\n", super::view::clock(self.now())))
    }

    fn write(&mut self, record: Record) -> Result<(), Failure> {
        if self.format == Format::Json {
            super::view::event(&self.head.run, self.now(), None, &record);
        }
        let lines = [(self.now(), wall(), Line::Record(Box::new(record)))];
        self.journal.append(&mut self.head, Writer::Runner, &lines).map_err(|e| failure(&e))
    }

    /// Written down, and said.
    fn tell(&mut self, record: Record) -> Result<(), Failure> {
        let text = told(&record);
        self.write(record)?;
        text.map_or(Ok(()), |text| self.say(&text))
    }

    fn note(&mut self, words: String) -> Result<(), Failure> {
        self.tell(Record::Note { who: None, words })
    }

    fn reason(&mut self, verdict: Verdict, subject: Subject, text: String) {
        let at = self.now();
        self.reasons.push(Reason { verdict, at, subject, text });
    }

    /// `commander (platform)`
    fn person(&self, who: &str) -> String {
        match self.agenda.roles.iter().find(|(role, _)| role == who) {
            Some((role, team)) => format!("{role} ({team})"),
            None => who.to_owned(),
        }
    }

    /// A question that nobody can answer ends the day: so it does not begin.
    fn can_be_answered(&mut self) -> Option<EndedBy> {
        let question = self.agenda.points.iter().find_map(|point| match point {
            Point::Ask { who, question, .. } => Some(format!("{} is asked `{question}`", self.person(who))),
            _ => None,
        })?;
        if self.terminal.input_is_terminal() {
            return None;
        }
        let why = format!("{question}, and nobody is at a terminal to answer: start the day at one");
        self.reason(Verdict::NotRun, Subject::Run, why);
        Some(EndedBy::Preflight)
    }

    /// People take their roles. Who does not answer is not there, which is written down, too; a signal ends the day.
    fn take_roles(&mut self) -> Result<Option<EndedBy>, Failure> {
        for (role, team) in &self.agenda.roles {
            let prompt = format!("{role} ({team}), your name: ");
            let name = match self.hear(Some(prompt), Duration::from_secs(15 * 60))? {
                Heard::Line(name) if !name.is_empty() => name,
                Heard::Line(_) | Heard::Nobody | Heard::Silence => "nobody".to_owned(),
                Heard::Signal(name) => return Ok(Some(self.ended_by(name))),
            };
            self.tell(Record::Note { who: Some(format!("{role} ({team})")), words: name })?;
        }
        Ok(None)
    }

    /// Whether it goes on; else what ended it.
    fn ask(&mut self, who: &str, question: &str, within: Duration) -> Result<Option<EndedBy>, Failure> {
        let who = self.person(who);
        self.write(Record::Asked { who: who.clone().into(), question: question.to_owned() })?;
        let why = match self.hear_yes_or_no(yes_or_no(&who, question), within)? {
            Heard::Line(said) if yes(&said) == Some(true) => {
                self.tell(Record::Answered { who, yes: true })?;
                return Ok(None);
            }
            Heard::Line(_) => {
                self.tell(Record::Answered { who: who.clone(), yes: false })?;
                format!("{who} said no")
            }
            Heard::Nobody => format!("nobody is at a terminal to answer for {who}"),
            Heard::Silence => format!("{who} did not answer within {within}"),
            Heard::Signal(name) => return Ok(Some(self.ended_by(name))),
        };
        self.say(&why)?;
        self.reason(Verdict::Aborted, Subject::Question(question.to_owned()), why);
        Ok(Some(EndedBy::Ask(question.to_owned())))
    }

    /// Waits for a yes or a no, asking again where a line is neither.
    fn hear_yes_or_no(&self, mut prompt: String, within: Duration) -> Result<Heard, Failure> {
        let until = self.now().plus(within);
        loop {
            match self.hear(Some(prompt), until.minus(self.now()))? {
                Heard::Line(said) if yes(&said).is_none() => prompt = not_understood(&said),
                heard => return Ok(heard),
            }
        }
    }

    /// Somebody's words are written down; it goes on without them, but not after a signal.
    fn words(&mut self, who: &str, text: &str, within: Duration) -> Result<Option<EndedBy>, Failure> {
        let who = self.person(who);
        match self.hear(Some(for_words(&who, text)), within)? {
            Heard::Line(words) => self.tell(Record::Note { who: Some(who), words }).map(|()| None),
            Heard::Nobody | Heard::Silence => self.note(format!("{who} wrote nothing: {text}")).map(|()| None),
            Heard::Signal(name) => Ok(Some(self.ended_by(name))),
        }
    }

    /// Nothing happens for so long, unless a signal comes.
    fn wait(&mut self, length: Duration) -> Result<Option<EndedBy>, Failure> {
        self.say(&format!("wait {length}"))?;
        match self.hear(None, length)? {
            Heard::Signal(name) => Ok(Some(self.ended_by(name))),
            _ => Ok(None),
        }
    }

    /// A signal ends the day.
    fn ended_by(&mut self, signal: &str) -> EndedBy {
        self.reason(Verdict::Aborted, Subject::Run, format!("ended by {signal}"));
        EndedBy::Operator(signal.to_owned())
    }

    /// Waits for a line, for so long; without a prompt, for a signal alone.
    fn hear(&self, prompt: Option<String>, within: Duration) -> Result<Heard, Failure> {
        let keyboard = self.keyboard.clone();
        world::wait(async move {
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return Heard::Nobody;
            };
            let line = async {
                match prompt {
                    Some(prompt) => keyboard.line(prompt).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                line = line => line.map_or(Heard::Nobody, Heard::Line),
                () = tokio::time::sleep(std_time(within)) => Heard::Silence,
                _ = interrupt.recv() => Heard::Signal("SIGINT"),
                _ = terminate.recv() => Heard::Signal("SIGTERM"),
            }
        })
    }

    fn end(&mut self, ended_by: EndedBy) -> Result<Outcome, Failure> {
        self.reasons.sort_by_key(|reason| (reason.verdict, reason.at));
        // The worst; what is not confirmed has its reason.
        let verdict = self.reasons.first().map_or(Verdict::Confirmed, |reason| reason.verdict);
        let outcome = Outcome {
            verdict,
            ended_by,
            reasons: std::mem::take(&mut self.reasons),
            declared: RecoveryClass::Unknown,
            observed: Observed::NotObserved,
            left: Vec::new(),
            injected: 0,
            stops_series: false,
        };
        self.write(Record::Ended { outcome: outcome.clone() })?;
        Ok(outcome)
    }
}
