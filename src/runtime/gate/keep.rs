//! Keeps the gate: one task that looks at the cluster, one per run that judges it and writes, and the server.
//!
//! Comes in: [`Gate`]. Goes out: nothing but its end, which is a mistake: whoever started it starts it again. A task that
//! ends by a mistake stops saying that its answers are fresh, so that everything is closed, and then ends the process.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::board::{Board, Row};
use super::cluster::{Cluster, Refused};
use super::facts::Facts;
use super::run::{Following, Writes};
use super::seen::{Seen, Workflow};
use super::serve::serve;
use crate::engine::chaos_mesh::GateConfig;
use crate::plan::Plan;
use crate::runtime::drive::{std_time, wall};
use crate::runtime::machine::{Event, Record, Verdict};
use crate::runtime::probes::Prober;
use crate::runtime::probes::secret::Secrets;
use crate::types;

/// Between two looks while a run is under way.
const LOOK: Duration = Duration::from_millis(500);
/// Between two looks that somebody waits for, at the least.
const LEAST: Duration = Duration::from_millis(200);
/// Between two glances while none is.
const GLANCE: Duration = Duration::from_secs(1);
/// After a write that was refused.
const AGAIN: Duration = Duration::from_millis(500);
/// What a run says of itself is said anew this often, whatever happens.
const BEAT: Duration = Duration::from_millis(250);

/// Who wants to know what happens: the run's Workflow, and words.
pub type Log = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// A gate for one plan.
pub struct Gate {
    /// What the compiler said beside the plan.
    pub config: GateConfig,
    /// The plan.
    pub plan: Plan,
    /// Where secrets come from.
    pub secrets: Arc<dyn Secrets>,
    /// Where to listen.
    pub listen: SocketAddr,
    /// What tells this replica from the other.
    pub replica: String,
    /// Is told what happens in a run, line by line.
    pub log: Log,
}

/// Why a gate ended.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The compiler's word is of another plan, or another form.
    #[error("{0}")]
    Config(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {at}: {source}")]
    Listen {
        /// Where.
        at: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// Nobody says where the API server is.
    #[error("no cluster is found: {0}")]
    Cluster(#[from] Refused),
    /// The system does not let it listen to signals.
    #[error("cannot listen to signals: {0}")]
    Signals(std::io::Error),
    /// A mistake in Perturb.
    #[error("a run broke off: {0}")]
    Broken(String),
}

/// What all tasks share.
struct Shared {
    config: Arc<GateConfig>,
    plan: Arc<Plan>,
    secrets: Arc<dyn Secrets>,
    replica: String,
    cluster: Cluster,
    board: Arc<Board>,
    log: Log,
    /// Somebody waits for the next look: a sample came, or something was written.
    wanted: Notify,
}

/// Keeps the gate until SIGTERM or SIGINT. `ready` is told where it listens.
///
/// # Errors
/// It cannot begin, or a mistake ended it.
pub async fn keep(gate: Gate, ready: impl FnOnce(SocketAddr)) -> Result<(), GateError> {
    check(&gate)?;
    let config = Arc::new(gate.config);
    let listen = |source| GateError::Listen { at: gate.listen, source };
    let listener = TcpListener::bind(gate.listen).await.map_err(listen)?;
    let at = listener.local_addr().map_err(listen)?;
    let cluster = Cluster::find(config.clone()).await?;
    let board = Arc::new(Board::default());
    let server = tokio::spawn(serve(listener, config.clone(), board.clone()));
    let shared = Arc::new(Shared {
        config,
        plan: Arc::new(gate.plan),
        secrets: gate.secrets,
        replica: gate.replica,
        cluster,
        board,
        log: gate.log,
        wanted: Notify::new(),
    });
    let mut terminate = signal(SignalKind::terminate()).map_err(GateError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(GateError::Signals)?;
    ready(at);
    tokio::select! {
        broken = watch_runs(&shared) => Err(GateError::Broken(broken)),
        _ = server => Err(GateError::Broken("the server ended".to_owned())),
        // Nothing is undone: what is injected is Chaos Mesh's, and the other replica and the checks watch over it.
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

/// Whether what the compiler said fits.
fn check(gate: &Gate) -> Result<(), GateError> {
    let config = &gate.config;
    if config.version != 1 {
        return Err(GateError::Config(format!(
            "the gate's configuration has version {}, and this is 1",
            config.version
        )));
    }
    if config.plan != gate.plan.digest {
        return Err(GateError::Config("the gate's configuration was made for another plan".to_owned()));
    }
    Ok(())
}

/// A look, with the moment at which it began.
type Look = Option<(Instant, Arc<Seen>)>;

/// Looks again and again, and begins a task for each run. Ends by a mistake only.
async fn watch_runs(shared: &Arc<Shared>) -> String {
    let (tell, _) = watch::channel::<Look>(None);
    let mut tasks: BTreeMap<String, JoinHandle<()>> = BTreeMap::new();
    let mut done: BTreeSet<String> = BTreeSet::new();
    loop {
        let ended: Vec<String> = tasks.iter().filter(|(_, t)| t.is_finished()).map(|(uid, _)| uid.clone()).collect();
        for uid in ended {
            if let Some(task) = tasks.remove(&uid)
                && let Err(error) = task.await
            {
                return error.to_string();
            }
            done.insert(uid);
        }
        let began = Instant::now();
        let pause = match look(shared, &done, !tasks.is_empty()).await {
            Err(refused) => {
                if shared.board.look_failed(&refused.reason) {
                    (shared.log)(&shared.config.name, &format!("the cluster cannot be seen: {refused}"));
                }
                LOOK
            }
            Ok(seen) => {
                let seen = Arc::new(seen);
                shared.board.looked(began, seen.current().map(|w| w.uid.clone()));
                // Who takes an abort away makes a Workflow go on that was over: it is followed again.
                done.retain(|uid| seen.workflow(uid).is_some_and(|w| w.accomplished || w.leaving));
                for workflow in seen.workflows.iter().filter(|w| !done.contains(&w.uid)) {
                    if !tasks.contains_key(&workflow.uid) {
                        let task = follow(shared.clone(), workflow.clone(), (began, seen.clone()), tell.subscribe());
                        tasks.insert(workflow.uid.clone(), tokio::spawn(task));
                    }
                }
                tell.send_replace(Some((began, seen)));
                if tasks.is_empty() { GLANCE } else { LOOK }
            }
        };
        let _ = tokio::time::timeout(pause, shared.wanted.notified()).await;
        tokio::time::sleep(LEAST.saturating_sub(began.elapsed())).await;
    }
}

/// A whole look, or, where nothing is under way, one at the Workflows alone.
async fn look(shared: &Shared, done: &BTreeSet<String>, is_busy: bool) -> Result<Seen, Refused> {
    if !is_busy {
        let workflows = shared.cluster.glance().await?;
        if workflows.iter().all(|w| done.contains(&w.uid)) {
            return Ok(Seen { workflows, ..Seen::default() });
        }
    }
    shared.cluster.look().await
}

/// What a run's task is told by those that it started.
enum Told {
    Event(Event),
    Workflow(Result<(), Refused>),
    Status(Result<(), Refused>),
    Paused(String, Result<(), Refused>),
}

/// Follows one run to its end.
async fn follow(
    shared: Arc<Shared>,
    workflow: Workflow,
    first: (Instant, Arc<Seen>),
    mut looks: watch::Receiver<Look>,
) {
    let began = Instant::now();
    let (mut looked, seen) = first;
    let (config, plan) = (shared.config.clone(), shared.plan.clone());
    let mut run = Following::begin(config, plan.clone(), &shared.replica, &workflow, seen, wall() / 1000);
    let facts = Facts::new(shared.cluster.client());
    let prober =
        Arc::new(Prober::new(shared.secrets.clone()).for_cluster(&plan.place.cluster).with_kubernetes(Arc::new(facts)));
    let (send, mut told) = unbounded_channel();
    let mut busy = Busy::default();
    let mut wanted = None;
    let mut told_verdict = workflow.mark.verdict.as_ref().map(|(verdict, _)| *verdict);
    (shared.log)(&workflow.name, &format!("a run, {}", workflow.uid));
    loop {
        for record in run.records() {
            if let Some(line) = told_record(&record) {
                (shared.log)(&workflow.name, &line);
            }
        }
        for ask in run.asks() {
            sample(&shared, &prober, &plan, ask, &send);
        }
        if let Some(at) = shared.board.guards_asked(run.uid()) {
            run.guards_were_asked(time(at.saturating_duration_since(began)));
        }
        busy.begin(&shared, &workflow.name, run.writes(), &send);
        if let Some((verdict, reason)) = run.verdict().filter(|(verdict, _)| told_verdict != Some(*verdict)) {
            told_verdict = Some(verdict);
            say(&shared, &workflow, verdict, reason);
        }
        shared.board.publish(run.uid(), row(&run, looked));
        if run.is_finished() {
            return;
        }
        // Each due moment wants one look.
        let next = run.due().filter(|at| wanted != Some(*at));
        let due = next.map(|at| std_time(at).saturating_sub(began.elapsed())).filter(|wait| *wait < BEAT);
        tokio::select! {
            biased;
            changed = looks.changed() => {
                if changed.is_err() {
                    return;
                }
                let look = looks.borrow_and_update().clone();
                if let Some((at, seen)) = look {
                    looked = at;
                    run.look(time(at.saturating_duration_since(began)), seen);
                }
            }
            Some(told) = told.recv() => {
                if let Some(event) = busy.end(told, &shared, &workflow.name) {
                    run.hear(time(began.elapsed()), event);
                    shared.wanted.notify_one();
                }
            }
            () = tokio::time::sleep(due.unwrap_or(BEAT)) => {
                if due.is_some() {
                    wanted = next;
                    shared.wanted.notify_one();
                }
            }
        }
    }
}

fn row(run: &Following, looked: Instant) -> Row {
    Row {
        answers: run.answers(),
        stage: run.stage_text(),
        told: run.told(),
        verdict: run.verdict().map(|(verdict, _)| verdict.text()),
        looked: Some(looked),
    }
}

/// The end of a run, where people look for it.
fn say(shared: &Arc<Shared>, workflow: &Workflow, verdict: Verdict, reason: String) {
    (shared.log)(&workflow.name, &format!("{}: {reason}", verdict.text().to_uppercase()));
    let (shared, workflow) = (shared.clone(), workflow.clone());
    tokio::spawn(async move {
        for _ in 0..5 {
            if shared.cluster.tell(&workflow, verdict, &reason).await.is_ok() {
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
    });
}

fn sample(
    shared: &Arc<Shared>,
    prober: &Arc<Prober>,
    plan: &Arc<Plan>,
    ask: super::run::Ask,
    send: &UnboundedSender<Told>,
) {
    let (board, prober, plan, send) = (shared.board.clone(), prober.clone(), plan.clone(), send.clone());
    tokio::spawn(async move {
        let Some(stream) = plan.streams.get(ask.stream as usize) else { return };
        let result = prober.sample(stream).await.map_err(|missing| missing.0);
        board.sampled(result.is_ok());
        let _ = send.send(Told::Event(Event::Sampled { stream: ask.stream, asked: ask.asked, result }));
    });
}

/// What is being written: each thing once at a time.
#[derive(Default)]
struct Busy {
    workflow: bool,
    status: bool,
    pauses: BTreeSet<String>,
    /// Nothing is tried before.
    not_before: Option<Instant>,
    /// What was refused last, so that it is said once.
    said: Option<String>,
}

impl Busy {
    fn begin(&mut self, shared: &Arc<Shared>, name: &str, writes: Writes, send: &UnboundedSender<Told>) {
        // A fault that must go waits for nothing.
        for fault in writes.pause {
            let key = format!("{}/{}", fault.resource, fault.name);
            if self.pauses.insert(key.clone()) {
                let (shared, send) = (shared.clone(), send.clone());
                tokio::spawn(async move {
                    let result = shared.cluster.pause(&fault).await;
                    let _ = send.send(Told::Paused(key, result));
                });
            }
        }
        if self.not_before.is_some_and(|at| Instant::now() < at) {
            return;
        }
        if let Some(patch) = writes.workflow.filter(|_| !self.workflow) {
            self.workflow = true;
            let (shared, send, name) = (shared.clone(), send.clone(), name.to_owned());
            tokio::spawn(async move {
                let result = shared.cluster.write_workflow(&name, &patch).await;
                let _ = send.send(Told::Workflow(result));
            });
        }
        if let Some(patch) = writes.status.filter(|_| !self.status) {
            self.status = true;
            let (shared, send, name) = (shared.clone(), send.clone(), name.to_owned());
            tokio::spawn(async move {
                let result = shared.cluster.write_status(&name, &patch).await;
                let _ = send.send(Told::Status(result));
            });
        }
    }

    fn end(&mut self, told: Told, shared: &Shared, name: &str) -> Option<Event> {
        let result = match told {
            Told::Event(event) => return Some(event),
            Told::Workflow(result) => {
                self.workflow = false;
                result
            }
            Told::Status(result) => {
                self.status = false;
                result
            }
            Told::Paused(key, result) => {
                self.pauses.remove(&key);
                result
            }
        };
        shared.board.wrote(result.is_ok());
        match result {
            // It is wanted until it is seen: look before anything is written again.
            Ok(()) => self.said = None,
            Err(refused) if !refused.is_conflict && self.said.as_ref() != Some(&refused.reason) => {
                (shared.log)(name, &format!("a write was refused: {refused}"));
                self.said = Some(refused.reason);
            }
            Err(_) => {}
        }
        self.not_before = Some(Instant::now() + AGAIN);
        shared.wanted.notify_one();
        None
    }
}

/// Records that are worth a line.
fn told_record(record: &Record) -> Option<String> {
    crate::runtime::simulate::told(record)
}

/// A length of time as the machine has it.
fn time(length: Duration) -> types::Duration {
    types::Duration::from_nanos(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)).unwrap_or_default()
}
