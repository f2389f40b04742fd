//! One run that Chaos Mesh leads: what is known of it, what is to be written on it, and what its checks are answered.
//!
//! Pure. Comes in: looks at the cluster, samples, each with the time since this gate first saw the run. Goes out: samples to ask for
//! ([`Following::asks`]), what to write ([`Following::writes`]), [`Answers`]. Everything is derived anew from what is known,
//! so that a write that failed is simply wanted again at the next look.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::mark::{Mark, Stage};
use super::progress::Progress;
use super::seen::{Fault, Seen, Workflow};
use crate::analysis::timeline::UNDO_BOUND;
use crate::engine::chaos_mesh::GateConfig;
use crate::engine::drive::Was;
use crate::plan::{EngineName, Plan};
use crate::runtime::machine::{Command, Event, Followed, Observed, Outcome, Record, State, Verdict, next_wake, step};
use crate::types::Duration;

/// A look that comes later than this after the one before it has missed something.
const BLIND: Duration = Duration::from_secs(5);
/// What another replica gets beside the longest time between two samples, before its word is not waited for any more.
const GRACE: Duration = Duration::from_secs(2);

/// A sample that the machine asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// An index into `Plan::streams`.
    pub stream: u32,
    /// Its moment.
    pub asked: Duration,
}

/// What is to be written. Wanted again and again until it is seen to be there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Writes {
    /// A merge patch for the Workflow.
    pub workflow: Option<Json>,
    /// A merge patch for its status.
    pub status: Option<Json>,
    /// Faults that must go at once.
    pub pause: Vec<Fault>,
}

/// What the checks are answered. Everything is closed that is not said to be open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// `/baseline`.
    pub baseline: bool,
    /// `/armed`.
    pub armed: bool,
    /// `/guards`.
    pub guards: bool,
    /// `/recovered`.
    pub recovered: bool,
    /// `/clear/N`.
    pub clear: BTreeSet<u32>,
    /// `/check/NAME`.
    pub checks: BTreeSet<String>,
}

/// A run.
pub struct Following {
    config: Arc<GateConfig>,
    plan: Arc<Plan>,
    /// The name of this gate among its replicas.
    me: String,
    uid: String,
    /// `None`: there was a verdict before this gate looked.
    state: Option<State>,
    progress: Progress,
    seen: Arc<Seen>,
    now: Duration,
    looked: Duration,
    guards_asked: Option<Duration>,
    /// What came since the last look, and when.
    held: Vec<(Duration, Event)>,
    asks: Vec<Ask>,
    records: Vec<Record>,
    outcome: Option<(Duration, Outcome)>,
}

impl Following {
    /// A run that this gate sees for the first time. `wall`: seconds since 1970, for open hours.
    #[must_use]
    pub fn begin(
        config: Arc<GateConfig>,
        plan: Arc<Plan>,
        me: &str,
        workflow: &Workflow,
        seen: Arc<Seen>,
        wall: i64,
    ) -> Self {
        let mut run = Self {
            config,
            plan: plan.clone(),
            me: me.to_owned(),
            uid: workflow.uid.clone(),
            state: None,
            progress: Progress::default(),
            seen: seen.clone(),
            now: Duration::ZERO,
            looked: Duration::ZERO,
            guards_asked: None,
            held: Vec::new(),
            asks: Vec::new(),
            records: Vec::new(),
            outcome: None,
        };
        if workflow.mark.verdict.is_some() {
            // For what it left: whose faults are whose.
            run.progress.look(&run.config, &run.uid, true, &seen);
            return run;
        }
        let id = format!("{}/{}", workflow.name, workflow.uid);
        let has_begun = seen.nodes_of(&workflow.uid).iter().any(|n| n.template.starts_with("step-"));
        let joins = has_begun || workflow.mark.stage > Stage::Waiting;
        run.state = Some(if joins {
            State::joining(plan, &id, EngineName::ChaosMesh)
        } else {
            State::following(plan, &id, EngineName::ChaosMesh)
        });
        if joins {
            run.tell(Duration::ZERO, Event::Tick);
        } else {
            run.tell(Duration::ZERO, Event::Begin { wall });
        }
        if has_begun {
            run.late("this gate began to look when the method was under way");
        }
        run.look(Duration::ZERO, seen);
        run
    }

    fn late(&mut self, reason: &str) {
        self.tell(self.now, Event::Followed(Followed::Late { reason: reason.to_owned() }));
    }

    /// A sample came. The machine is told with the next look: before it, nobody knows the phase that it came in.
    pub fn hear(&mut self, at: Duration, event: Event) {
        self.held.push((at, event));
    }

    /// Tells the machine.
    fn tell(&mut self, now: Duration, event: Event) {
        self.now = self.now.max(now);
        let mut events = vec![event];
        while let (Some(state), Some(event)) = (&mut self.state, events.pop()) {
            for command in step(state, self.now, event) {
                match command {
                    Command::Write(record) => self.records.push(record),
                    Command::Sample { stream, asked, .. } => self.asks.push(Ask { stream, asked }),
                    // That the objects of the run are there to be seen is all that can be asked of it.
                    Command::Ready { engine } => events.push(Event::Ready { engine, result: Ok(()) }),
                    Command::Undo { injection, attempt }
                        if state.step_of(injection).is_some_and(|s| self.progress.is_gone(s)) =>
                    {
                        events.push(Event::Undone { injection, attempt, result: Ok(Was::AsLeft) });
                    }
                    Command::End(outcome) => self.outcome = Some((self.now, *outcome)),
                    // A run that is followed draws, locks, asks and injects nothing.
                    _ => {}
                }
            }
        }
    }

    /// A new look at the cluster, which began at `now`. Only here does the machine's time go on, so that it never judges by
    /// what the cluster was before: what the look shows is told as of the look before it, the earliest that it can have
    /// happened; then the samples that came since; then that time went by.
    pub fn look(&mut self, now: Duration, seen: Arc<Seen>) {
        let (before, blind) = (self.now, now.minus(self.looked));
        self.looked = now;
        self.seen = seen.clone();
        let broken = self.is_broken();
        let events = self.progress.look(&self.config, &self.uid, broken, &seen);
        if blind > BLIND && self.outcome.is_none() && self.state.as_ref().is_some_and(State::is_ready) {
            self.late(&format!("nothing was heard of the API server for {} s", blind.as_secs_ceil()));
        }
        for event in events {
            self.tell(before, event);
        }
        let (held, later) = std::mem::take(&mut self.held).into_iter().partition(|(at, _)| *at <= now);
        self.held = later;
        for (at, event) in held {
            self.tell(at, event);
        }
        self.tell(now, Event::Tick);
        let by_other = self.mark().and_then(|m| m.broken.clone());
        if let Some(reasons) = by_other.filter(|_| self.own_break().is_none() && self.outcome.is_none()) {
            for reason in reasons {
                self.tell(now, Event::Followed(Followed::Known(reason)));
            }
            let reason = "another replica of the gate ended it".to_owned();
            self.tell(now, Event::Followed(Followed::Lost { reason }));
        }
    }

    /// `/guards` was asked for this run.
    pub fn guards_were_asked(&mut self, at: Duration) {
        self.guards_asked = Some(self.guards_asked.map_or(at, |before| before.max(at)));
    }

    /// The samples that are asked for, each once.
    pub fn asks(&mut self) -> Vec<Ask> {
        std::mem::take(&mut self.asks)
    }

    /// What happened, each record once.
    pub fn records(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.records)
    }

    /// When something becomes due without any event.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        self.state.as_ref().and_then(next_wake)
    }

    /// The run's Workflow.
    #[must_use]
    pub fn workflow(&self) -> Option<&Workflow> {
        self.seen.workflow(&self.uid)
    }

    fn mark(&self) -> Option<&Mark> {
        self.workflow().map(|w| &w.mark)
    }

    fn stage(&self) -> Stage {
        self.mark().map(|m| m.stage).unwrap_or_default()
    }

    /// Whether this gate's machine ended the run early.
    fn own_break(&self) -> Option<&State> {
        self.state.as_ref().filter(|s| s.broken_by().is_some())
    }

    /// Whether any gate did.
    fn is_broken(&self) -> bool {
        self.own_break().is_some() || self.mark().is_some_and(|m| m.broken.is_some())
    }

    /// Whether it is the one that is under way.
    fn is_current(&self) -> bool {
        self.seen.current().is_some_and(|w| w.uid == self.uid)
    }

    /// Whether a fault of an earlier run is still there.
    fn is_disturbed(&self) -> bool {
        let own: BTreeSet<&Fault> = self.progress.faults(&self.seen).into_iter().collect();
        self.seen.faults.iter().any(|f| f.is_of(&self.config) && !own.contains(f))
    }

    /// Whether the dead man's switch is alive: `/guards` is being asked.
    fn is_watched(&self) -> bool {
        let seconds = u32::try_from(2 * self.config.interval + self.config.timeout).unwrap_or(1);
        self.guards_asked.is_some_and(|at| self.now <= at.plus(Duration::from_secs(seconds)))
    }

    /// The faults that are still there.
    #[must_use]
    pub fn faults(&self) -> Vec<&Fault> {
        self.progress.faults(&self.seen)
    }

    /// What is to be written now.
    #[must_use]
    pub fn writes(&self) -> Writes {
        let mut writes = Writes::default();
        if self.is_broken() {
            let here = |f: &&Fault| !f.paused && !f.leaving;
            writes.pause = self.faults().into_iter().filter(here).cloned().collect();
        }
        let Some(workflow) = self.workflow() else { return writes };
        let wanted = self.wanted(workflow);
        writes.workflow = workflow.mark.patch(&wanted, &self.uid, &workflow.version, workflow.aborted);
        if writes.workflow.is_none() {
            writes.status = status(workflow);
        }
        writes
    }

    /// What the Workflow's annotations should say.
    fn wanted(&self, workflow: &Workflow) -> Mark {
        let mark = &workflow.mark;
        let mut wanted = Mark { stage: mark.stage, broken: mark.broken.clone(), ..Mark::default() };
        // Its end stands, also where somebody took the abort away: that would let the Workflow go on.
        let Some(state) = self.state.as_ref() else { return wanted };
        if state.broken_by().is_some() && wanted.broken.is_none() {
            wanted.broken = Some(state.reasons().to_vec());
        }
        if !self.is_broken() && self.is_current() && !workflow.aborted {
            if wanted.stage < Stage::Ready && state.is_ready() && !self.is_disturbed() {
                wanted.stage = Stage::Ready;
            }
            if wanted.stage == Stage::Ready && mark.stage == Stage::Ready && self.is_watched() {
                wanted.stage = Stage::Armed;
            }
        }
        if state.faults_end().is_some() && wanted.stage >= Stage::Armed {
            wanted.stage = wanted.stage.max(Stage::Over);
        }
        wanted.replicas.insert(self.me.clone(), self.found().map(|(verdict, _)| verdict));
        if let Some((verdict, reason, stage)) = self.verdict_to_publish() {
            wanted.verdict = Some((verdict, reason));
            wanted.stage = wanted.stage.max(stage);
        }
        wanted
    }

    /// What this gate found, once the machine is at its end and nothing is left of the run.
    fn found(&self) -> Option<(Verdict, String)> {
        let (ended, outcome) = self.outcome.as_ref()?;
        if let Some(fault) = self.faults().first() {
            let is_late = self.now >= ended.plus(UNDO_BOUND);
            return is_late.then(|| (Verdict::Error, format!("{} {} is still there", fault.resource, fault.name)));
        }
        if outcome.verdict == Verdict::NotRun && self.progress.has_injected(&self.config) {
            let reason = format!("a fault began that this gate did not see in time; {}", reason(outcome));
            return Some((Verdict::Inconclusive, reason));
        }
        Some((outcome.verdict, reason(outcome)))
    }

    /// The verdict, as soon as it may be said: a good one waits for the other replicas, a bad one does not.
    fn verdict_to_publish(&self) -> Option<(Verdict, String, Stage)> {
        let (ended, outcome) = self.outcome.as_ref()?;
        let (verdict, reason) = self.found()?;
        let mark = self.mark()?;
        let others: Vec<Option<Verdict>> =
            mark.replicas.iter().filter(|(name, _)| **name != self.me).map(|(_, found)| *found).collect();
        let is_waited_for = self.now < ended.plus(self.grace());
        if verdict == Verdict::Confirmed && is_waited_for && others.contains(&None) {
            return None;
        }
        // The lock is open, and the Workflow has not stopped yet: a fault may still begin.
        if verdict == Verdict::NotRun && mark.stage >= Stage::Armed && self.is_current() {
            return None;
        }
        let has_recovered =
            matches!(outcome.observed, Observed::WithinBound(_) | Observed::AfterBound(_) | Observed::WithHands(_));
        let stage = if has_recovered { Stage::Recovered } else { Stage::Done };
        let worst = others.into_iter().flatten().min().filter(|other| *other < verdict);
        Some(match worst {
            Some(other) => (other, "another replica of the gate found it".to_owned(), stage),
            None => (verdict, reason, stage),
        })
    }

    /// How long another replica is waited for.
    fn grace(&self) -> Duration {
        let longest = self.plan.streams.iter().map(|s| s.every.plus(s.timeout)).max().unwrap_or_default();
        longest.plus(GRACE)
    }

    /// What the checks are answered.
    #[must_use]
    pub fn answers(&self) -> Answers {
        let mut answers = Answers::default();
        let stage = self.stage();
        let Some(workflow) = self.workflow().filter(|_| self.is_current()) else { return answers };
        answers.recovered = stage == Stage::Recovered && workflow.mark.verdict.is_some() && self.faults().is_empty();
        if self.is_broken() || workflow.aborted {
            return answers;
        }
        answers.baseline = stage >= Stage::Ready;
        answers.guards = stage >= Stage::Ready;
        let Some(state) = &self.state else { return answers };
        if stage < Stage::Armed {
            return answers;
        }
        // Whichever replica wrote it was asked for the guards then: a Service may send each check to another one.
        answers.armed = true;
        answers.clear = self.config.steps.iter().map(|s| s.number).filter(|n| self.progress.is_gone(*n)).collect();
        answers.checks = state.checks_that_held().into_iter().collect();
        answers
    }

    /// Whether there is nothing left to do for it.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let is_over = self.state.is_none() || self.outcome.is_some();
        match self.workflow() {
            Some(workflow) => {
                let is_written = self.writes() == Writes::default() && workflow.mark.verdict.is_some();
                is_over && is_written && workflow.accomplished && self.faults().is_empty()
            }
            None => is_over && self.faults().is_empty(),
        }
    }

    /// The verdict that counts: what the Workflow says, or, where it is deleted, what this gate found.
    #[must_use]
    pub fn verdict(&self) -> Option<(Verdict, String)> {
        match self.workflow() {
            Some(workflow) => workflow.mark.verdict.clone(),
            None => self.found(),
        }
    }

    /// How far it is, for people.
    #[must_use]
    pub fn stage_text(&self) -> &'static str {
        match (self.is_broken(), self.stage()) {
            (true, stage) if stage < Stage::Recovered => "broken",
            (_, stage) => stage.text(),
        }
    }

    /// The run for `/verdict`.
    #[must_use]
    pub fn told(&self) -> Json {
        let verdict = self.verdict();
        json!({
            "version": 1,
            "run": self.uid,
            "plan": self.config.plan,
            "workflow": self.workflow().map(|w| w.name.clone()),
            "stage": self.stage_text(),
            "verdict": verdict.as_ref().map(|(verdict, _)| verdict.text()),
            "reason": verdict.map(|(_, reason)| reason),
            "reasons": self.state.as_ref().map(|s| s.reasons().to_vec()),
            "outcome": self.outcome.as_ref().map(|(_, outcome)| outcome),
        })
    }

    /// The name of this run's Workflow and its UID.
    #[must_use]
    pub fn uid(&self) -> &str {
        &self.uid
    }
}

/// The outcome in one sentence or two.
fn reason(outcome: &Outcome) -> String {
    let why: Vec<&str> = outcome.reasons.iter().take(3).map(|r| r.text.as_str()).collect();
    let recovery = outcome.observed.words();
    if why.is_empty() {
        format!("everything that was expected held; recovery: {recovery}")
    } else {
        format!("{}; recovery: {recovery}", why.join("; "))
    }
}

/// Makes the condition `Verdict` of the Workflow's status say what its annotation says. The list is the controllers' own, so
/// it is written only onto what was read.
fn status(workflow: &Workflow) -> Option<Json> {
    let (verdict, _) = workflow.mark.verdict.as_ref()?;
    let reason = camel(*verdict);
    let is_ours = |c: &&Json| c["type"] == "Verdict";
    // Without any, its controllers have not looked at it yet.
    if workflow.conditions.is_empty() || workflow.conditions.iter().find(is_ours).is_some_and(|c| c["reason"] == reason)
    {
        return None;
    }
    let status = if *verdict == Verdict::Confirmed { "True" } else { "False" };
    let mut conditions: Vec<Json> = workflow.conditions.iter().filter(|c| !is_ours(c)).cloned().collect();
    conditions.push(json!({ "type": "Verdict", "status": status, "reason": reason }));
    Some(json!({ "metadata": { "resourceVersion": workflow.version }, "status": { "conditions": conditions } }))
}

/// As reasons of conditions are written.
fn camel(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Error => "Error",
        Verdict::Refuted => "Refuted",
        Verdict::Aborted => "Aborted",
        Verdict::Inconclusive => "Inconclusive",
        Verdict::NotRun => "NotRun",
        Verdict::Confirmed => "Confirmed",
    }
}
