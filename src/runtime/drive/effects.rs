//! One command at a time, as a task of its own: whatever it does, an answer comes or the machine's deadline passes.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::claims::{Claims, Holder};
use super::{Parts, hold, rescue, std_time};
use crate::analysis::timeline::CONFIRM_BOUND;
use crate::engine::drive::{Confirmation, DriveError, Driver, Injection, Target, UndoRecord};
use crate::plan::{Effect, EngineName, Plan};
use crate::runtime::journal::Taken;
use crate::runtime::machine::{Command, Event, Failed, NOBODY, State};
use crate::types::Duration;

/// An attempt to undo may take this long before it is dropped; the machine begins the next one then.
const UNDO_ATTEMPT: Duration = Duration::from_secs(10);
/// How often a fault that should be there is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// A dropped task is given this long to be gone before its injection is undone.
const DROP: Duration = Duration::from_secs(1);

/// What is known of an injection outside of the machine.
struct Known {
    driver: Arc<dyn Driver>,
    what: Arc<Injection>,
    undo: Option<Arc<UndoRecord>>,
    /// What is under way for it.
    task: Option<JoinHandle<()>>,
}

/// Carries commands out.
pub(super) struct Effects {
    plan: Arc<Plan>,
    parts: Arc<Shared>,
    events: UnboundedSender<Event>,
    known: BTreeMap<u32, Known>,
    questions: BTreeMap<u32, JoinHandle<()>>,
}

/// What tasks share.
pub(super) struct Shared {
    pub drivers: Vec<Arc<dyn Driver>>,
    pub sampler: Arc<dyn super::Sampler>,
    pub people: Arc<dyn super::People>,
}

impl Shared {
    pub(super) fn of(parts: &Parts) -> Self {
        Self { drivers: parts.drivers.clone(), sampler: parts.sampler.clone(), people: parts.people.clone() }
    }

    fn driver(&self, engine: EngineName) -> Option<Arc<dyn Driver>> {
        self.drivers.iter().find(|d| d.engine() == engine).cloned()
    }
}

impl Effects {
    pub(super) fn new(plan: Arc<Plan>, parts: Arc<Shared>, events: UnboundedSender<Event>) -> Self {
        Self { plan, parts, events, known: BTreeMap::new(), questions: BTreeMap::new() }
    }

    /// The undo record of an injection came: its later commands need it.
    pub(super) fn prepared(&mut self, injection: u32, undo: &UndoRecord) {
        if let Some(known) = self.known.get_mut(&injection) {
            known.undo = Some(Arc::new(undo.clone()));
        }
    }

    /// What no other run on this machine may hit, whatever its journal.
    pub(super) fn things(&self, targets: &[Target]) -> Vec<String> {
        let all = |driver: &Arc<dyn Driver>| targets.iter().flat_map(|t| driver.exclusive(t)).collect::<Vec<_>>();
        self.parts.drivers.iter().flat_map(all).collect()
    }

    /// Undoes what a run that is over left in the way of this one, and takes what it had.
    pub(super) fn clear(&self, holder: Holder, claims: Arc<Mutex<Claims>>, things: Vec<String>, request: u32) {
        let drivers = self.parts.drivers.clone();
        drop(self.spawn(async move {
            let taken = Taken { by: "run".to_owned(), because: "its process is gone".to_owned() };
            // What could not be undone is named by whoever is refused.
            let _ = rescue(&holder.journal, &holder.run, &drivers, taken, false).await;
            Some(Event::Locked { request, result: hold::taken(&claims, &things).map_err(|refused| refused.why) })
        }));
    }

    /// Begins a command. `Write`, `Keep` and `End` are not for here. `since` is when the run began.
    pub(super) fn begin(&mut self, command: Command, state: &State, since: tokio::time::Instant) {
        let (plan, parts) = (self.plan.clone(), self.parts.clone());
        match command {
            Command::Write(_) | Command::Keep { .. } | Command::Lock { .. } | Command::End(_) => {}
            Command::Ready { engine } => self.answer(CONFIRM_BOUND, async move {
                let result = match parts.driver(engine) {
                    Some(driver) => driver.ready(&plan).await.map_err(|e| e.to_string()),
                    None => Err(format!("{engine} cannot be driven from here")),
                };
                Event::Ready { engine, result }
            }),
            Command::Judge { rule } => self.answer(CONFIRM_BOUND, async move {
                let result = match plan.rules.get(rule as usize) {
                    Some(found) => parts.people.judge(&plan, found).await,
                    None => Err("there is no such rule".to_owned()),
                };
                Event::Judged { rule, result }
            }),
            // People take their time; the machine has its own bound.
            Command::Approve { approval } => self.answer(Duration::from_secs(86_400), async move {
                let result = match plan.approvals.get(approval as usize) {
                    Some(found) => parts.people.approve(&plan, found).await,
                    None => Err("there is no such approval".to_owned()),
                };
                Event::Approved { approval, result }
            }),
            Command::Find { draw } => {
                let drawn = state.drawn();
                let engine = engine_of(state, draw);
                self.answer(CONFIRM_BOUND, async move {
                    let selector = plan.draws.get(draw as usize).map(|d| &d.selector);
                    let result = match (engine.and_then(|e| parts.driver(e)), selector) {
                        (Some(driver), Some(selector)) => {
                            driver.candidates(&plan, selector, &drawn).await.map_err(|e| e.to_string())
                        }
                        _ => Err("no engine can find its candidates".to_owned()),
                    };
                    Event::Found { draw, result, entropy: entropy() }
                });
            }
            Command::Left { draw, targets } => {
                let engine = engine_of(state, draw);
                self.answer(CONFIRM_BOUND, async move {
                    let result = match engine.and_then(|e| parts.driver(e)) {
                        Some(driver) => driver.left(&targets).await.map_err(|e| e.to_string()),
                        None => Err("no engine can look for it".to_owned()),
                    };
                    Event::Left { draw, result }
                });
            }
            Command::Sample { stream, asked, timeout: bound } => self.answer(bound, async move {
                let result = match plan.streams.get(stream as usize) {
                    Some(found) => parts.sampler.sample(found).await,
                    None => Err("there is no such stream".to_owned()),
                };
                Event::Sampled { stream, asked, result }
            }),
            Command::Prepare { injection, what, engine } => self.prepare(injection, what, engine),
            Command::Inject { injection } => self.act(injection, |driver, what, undo| async move {
                let result = within(CONFIRM_BOUND, driver.inject(&what, &undo)).await;
                Event::Injected { injection, result }
            }),
            Command::Confirm { injection, at } => self.confirm(injection, since + std_time(at)),
            Command::Undo { injection, attempt } => self.undo(injection, attempt),
            Command::Ask(question) => {
                let node = question.node;
                let task = self.spawn(async move {
                    let answer = parts.people.ask(&question).await;
                    let (yes, who) = answer.unwrap_or_else(|| (false, NOBODY.to_owned()));
                    Some(Event::Answered { node, yes, who })
                });
                self.questions.insert(node, task);
            }
            Command::Prompt(question) => {
                let node = question.node;
                let task = self.spawn(async move {
                    let written = parts.people.prompt(&question).await;
                    let (who, words) = written.unwrap_or_else(|| {
                        (NOBODY.to_owned(), format!("nobody is at a terminal to write for {}", question.who))
                    });
                    Some(Event::Noted { node, who, words })
                });
                self.questions.insert(node, task);
            }
            Command::Withdraw { node } => {
                if let Some(task) = self.questions.remove(&node) {
                    task.abort();
                }
            }
        }
    }

    fn spawn(&self, work: impl Future<Output = Option<Event>> + Send + 'static) -> JoinHandle<()> {
        let events = self.events.clone();
        tokio::spawn(async move {
            // In a task of its own: a panic in an engine ends that task and nothing else.
            if let Ok(Some(event)) = Owned(tokio::spawn(work)).join().await {
                let _ = events.send(event);
            }
        })
    }

    fn answer(&self, bound: Duration, work: impl Future<Output = Event> + Send + 'static) {
        self.spawn(async move { timeout(std_time(bound), work).await.ok() });
    }

    fn prepare(&mut self, injection: u32, what: Injection, engine: EngineName) {
        let what = Arc::new(what);
        let Some(driver) = self.parts.driver(engine) else { return };
        let task = self.spawn({
            let (driver, what) = (driver.clone(), what.clone());
            async move {
                let result = within(CONFIRM_BOUND, driver.prepare(&what)).await;
                Some(Event::Prepared { injection, result })
            }
        });
        self.known.insert(injection, Known { driver, what, undo: None, task: Some(task) });
    }

    fn act<F, W>(&mut self, injection: u32, work: F)
    where
        F: FnOnce(Arc<dyn Driver>, Arc<Injection>, Arc<UndoRecord>) -> W,
        W: Future<Output = Event> + Send + 'static,
    {
        let Some(known) = self.known.get(&injection) else { return };
        let Some(undo) = known.undo.clone() else { return };
        let work = work(known.driver.clone(), known.what.clone(), undo);
        let task = self.spawn(async move { Some(work.await) });
        if let Some(known) = self.known.get_mut(&injection) {
            known.task = Some(task);
        }
    }

    /// Looks whether it is there; and if it is and lasts, goes on looking until its undo begins.
    fn confirm(&mut self, injection: u32, at: tokio::time::Instant) {
        let events = self.events.clone();
        self.act(injection, move |driver, what, undo| async move {
            tokio::time::sleep_until(at).await;
            let result = within(CONFIRM_BOUND, driver.confirm(&what, &undo)).await;
            let stays = what.effect == Effect::Lasting && matches!(result, Ok(Confirmation::There(_)));
            let confirmed = Event::Confirmed { injection, result };
            if !stays || events.send(confirmed.clone()).is_err() {
                return confirmed;
            }
            loop {
                tokio::time::sleep(std_time(LOOK)).await;
                if let Some(why) = driver.vanished(&undo).await {
                    return Event::Vanished { injection, reason: format!("it was gone before its end: {why}") };
                }
            }
        });
    }

    /// Drops what is under way for the injection, waits until that is gone, and undoes.
    fn undo(&mut self, injection: u32, attempt: u32) {
        let Some(known) = self.known.get_mut(&injection) else { return };
        let before = known.task.take();
        let (driver, Some(undo)) = (known.driver.clone(), known.undo.clone()) else { return };
        let task = self.spawn(async move {
            if let Some(before) = before {
                before.abort();
                let _ = timeout(std_time(DROP), before).await;
            }
            let result = within(UNDO_ATTEMPT, driver.undo(&undo)).await;
            Some(Event::Undone { injection, attempt, result })
        });
        if let Some(known) = self.known.get_mut(&injection) {
            known.task = Some(task);
        }
    }
}

/// A task that is dropped with its holder, so that dropping one drops all that it does.
struct Owned<T>(JoinHandle<T>);

impl<T> Owned<T> {
    async fn join(mut self) -> Result<T, tokio::task::JoinError> {
        (&mut self.0).await
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The engine of the first fault that names a draw.
fn engine_of(state: &State, draw: u32) -> Option<EngineName> {
    state.engine_of_draw(draw)
}

async fn within<T>(bound: Duration, work: impl Future<Output = Result<T, DriveError>>) -> Result<T, Failed> {
    match timeout(std_time(bound), work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(failed(&error)),
        Err(_) => Err(Failed { is_final: false, reason: format!("no answer within {bound}") }),
    }
}

pub(super) fn failed(error: &DriveError) -> Failed {
    Failed { is_final: matches!(error, DriveError::Final { .. }), reason: error.to_string() }
}

/// A number that nobody can foresee: from the keys that the standard library takes from the system for its hash maps.
fn entropy() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
