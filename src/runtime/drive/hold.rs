//! Holds a run: one loop that tells the machine what happened and does what it says.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::claims::{Claims, Refused};
use super::effects::{Effects, Shared};
use super::{HoldError, Parts, Viewer, rescue, std_time, wall};
use crate::engine::local::threads;
use crate::plan::Plan;
use crate::runtime::journal::{Begun, Head, Journal, Line, RunRow, Taken, Writer};
use crate::runtime::machine::{Command, Event, Outcome, PhaseName, Record, State, next_wake, step};
use crate::runtime::watchdog::Watchdog;
use crate::types::Duration;

/// Samples are written together, this often at least; everything else at once.
const TOGETHER: std::time::Duration = std::time::Duration::from_millis(500);

/// The machine before its first event, which knows who can be asked.
fn begin(plan: &Arc<Plan>, run: &str, parts: &Parts) -> State {
    let mut state = State::new(plan.clone(), run, &parts.drivable());
    if !parts.people.are_there() {
        state.nobody_is_there();
    }
    state
}

/// Runs the plan to its end.
///
/// # Errors
/// It could not begin: nothing was injected. A run that began ends with an [`Outcome`], whatever happens.
pub fn hold(
    plan: Arc<Plan>,
    run: &RunRow,
    begun: Begun,
    mut journal: Journal,
    mut parts: Parts,
) -> Result<Outcome, HoldError> {
    let system = |what| move |source| HoldError::System { what, source };
    let runtime = threads::start(2).map_err(system("start threads"))?;
    let head = journal.begin(run, begun, wall())?;
    let state = begin(&plan, &run.id, &parts);
    let drivers = parts.drivers.clone();
    let path = journal.path().to_owned();
    let viewer = std::mem::replace(&mut parts.viewer, Box::new(Blind));
    let result = runtime.block_on(async {
        let signals = Signals::new().map_err(system("listen to signals"))?;
        let watchdog = match parts.watchdog.take() {
            Some(program) => Some(Watchdog::start(program, &path, &run.id).map_err(system("start the watchdog"))?),
            None => None,
        };
        let (events, told) = unbounded_channel();
        let shared = Arc::new(Shared::of(&parts));
        let holder = Holder {
            effects: Effects::new(plan, shared, events.clone()),
            state,
            journal,
            claims: Arc::new(Mutex::new(Claims::of(&run.id, &path))),
            head,
            is_lost: false,
            is_alone: false,
            waiting: Vec::new(),
            viewer,
            watchdog,
            since: Instant::now(),
            queue: VecDeque::new(),
            outcome: None,
        };
        let held = AssertUnwindSafe(holder.run(told, parts.operator, signals));
        // A mistake in Perturb must not leave anything either.
        Ok::<_, HoldError>(caught(held).await)
    });
    let result = match result {
        Ok(held) => held,
        Err(error) => {
            // It was begun in the journal, and there it ends.
            let taken = Taken { by: "run".to_owned(), because: error.to_string() };
            let _ = runtime.block_on(rescue(&path, &run.id, &drivers, taken, true));
            return Err(error);
        }
    };
    let outcome = result.map_err(|panic| {
        let taken = Taken { by: "run".to_owned(), because: format!("it broke off: {panic}") };
        let rescued = runtime.block_on(rescue(&path, &run.id, &drivers, taken, true));
        let said = match rescued {
            Ok(rescued) => format!("{panic}, {} undone, {} left", rescued.undone.len(), rescued.left.len()),
            Err(error) => format!("{panic}; {error}"),
        };
        HoldError::Broken(said, run.id.to_string())
    });
    // What hangs (a probe, an engine) is not waited for.
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    outcome
}

/// Polls a future and gives a panic back as its message.
async fn caught<T>(future: AssertUnwindSafe<impl Future<Output = T>>) -> Result<T, String> {
    let mut future = Box::pin(future.0);
    std::future::poll_fn(move |context| {
        match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(std::task::Poll::Pending) => std::task::Poll::Pending,
            Ok(std::task::Poll::Ready(done)) => std::task::Poll::Ready(Ok(done)),
            Err(panic) => {
                let said = panic.downcast_ref::<String>().map(String::as_str);
                let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
                std::task::Poll::Ready(Err(said.to_owned()))
            }
        }
    })
    .await
}

struct Blind;

impl Viewer for Blind {
    fn record(&mut self, _: Duration, _: &Record) {}
    fn tick(&mut self, _: Duration) {}
}

/// The signals that end a run: what a terminal, a shell, a service manager or a cluster sends.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    quit: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.hang_up.recv() => "SIGHUP",
            _ = self.quit.recv() => "SIGQUIT",
        }
    }
}

struct Holder {
    effects: Effects,
    state: State,
    journal: Journal,
    claims: Arc<Mutex<Claims>>,
    head: Head,
    is_lost: bool,
    /// There is no watchdog any more.
    is_alone: bool,
    /// Samples that are not written yet.
    waiting: Vec<(Duration, i64, Line)>,
    viewer: Box<dyn Viewer>,
    watchdog: Option<Watchdog>,
    since: Instant,
    queue: VecDeque<Event>,
    outcome: Option<Outcome>,
}

impl Holder {
    fn now(&self) -> Duration {
        let nanos = u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(nanos).unwrap_or_default()
    }

    async fn run(
        mut self,
        mut told: UnboundedReceiver<Event>,
        mut operator: UnboundedReceiver<Event>,
        mut signals: Signals,
    ) -> Outcome {
        let mut beat = interval(TOGETHER);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut is_aborted = false;
        self.tell(Event::Begin { wall: wall() / 1000 });
        loop {
            if let Some(outcome) = self.outcome.take() {
                return self.end(outcome);
            }
            let wake = next_wake(&self.state).map(|at| self.since + std_time(at));
            let asleep = async {
                match wake {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                biased;
                name = signals.next() => {
                    let event = if is_aborted { Event::Hurry } else { Event::Abort { by: name.to_owned() } };
                    is_aborted = true;
                    event
                }
                Some(event) = operator.recv() => {
                    is_aborted |= matches!(event, Event::Abort { .. });
                    event
                }
                Some(event) = told.recv() => event,
                () = asleep => Event::Tick,
                _ = beat.tick() => {
                    self.beat();
                    continue;
                }
            };
            self.tell(event);
        }
    }

    /// Tells the machine, and does what it says; what comes of that at once is told next.
    fn tell(&mut self, event: Event) {
        self.queue.push_back(event);
        while let Some(event) = self.queue.pop_front() {
            if let Event::Prepared { injection, result: Ok(undo) } = &event {
                self.effects.prepared(*injection, undo);
            }
            let now = self.now();
            for command in step(&mut self.state, now, event) {
                self.carry_out(now, command);
            }
        }
    }

    fn carry_out(&mut self, now: Duration, command: Command) {
        match command {
            Command::Write(record) => {
                self.viewer.record(now, &record);
                self.write(now, record);
            }
            Command::Keep { injection, record } => {
                self.viewer.record(now, &record);
                if self.write(now, record) {
                    self.queue.push_back(Event::Kept { injection });
                }
            }
            Command::Lock { request, keys } => {
                let things = self.effects.things(&self.state.targets_of(&keys));
                let locked = self.journal.lock(&self.head.run, &keys).map_err(|e| Refused::from(e.to_string()));
                let taken = locked.and_then(|()| taken(&self.claims, &things));
                match taken {
                    // What is in the way is undone first.
                    Err(Refused { left_by: Some(holder), .. }) => {
                        self.effects.clear(*holder, self.claims.clone(), things, request);
                    }
                    Ok(()) => self.queue.push_back(Event::Locked { request, result: Ok(()) }),
                    Err(refused) => self.queue.push_back(Event::Locked { request, result: Err(refused.why) }),
                }
            }
            Command::Inject { .. } if !self.is_ours() => {
                self.lost("another process took the run over");
            }
            Command::End(outcome) => self.outcome = Some(*outcome),
            command => self.effects.begin(command, &self.state, self.since),
        }
    }

    fn is_ours(&self) -> bool {
        self.journal.is_ours(&self.head).unwrap_or(false)
    }

    /// Whether it is on disk (a sample: will be soon).
    fn write(&mut self, now: Duration, record: Record) -> bool {
        let can_wait = matches!(record, Record::Sample { .. });
        self.waiting.push((now, wall(), Line::Record(Box::new(record))));
        can_wait || self.flush()
    }

    fn flush(&mut self) -> bool {
        let lines = std::mem::take(&mut self.waiting);
        if lines.is_empty() {
            return true;
        }
        match self.journal.append(&mut self.head, Writer::Runner, &lines) {
            Ok(()) => true,
            Err(error) => {
                self.lost(&error.to_string());
                false
            }
        }
    }

    fn lost(&mut self, reason: &str) {
        // Said once: everything is being undone already.
        if !std::mem::replace(&mut self.is_lost, true) {
            self.queue.push_back(Event::JournalFailed { reason: reason.to_owned() });
        }
    }

    fn beat(&mut self) {
        if !self.flush() {
            let queued: Vec<Event> = self.queue.drain(..).collect();
            queued.into_iter().for_each(|event| self.tell(event));
        }
        // A journal from before this was thought of has no place for it: then nobody can say anything.
        for (who, what) in self.journal.told(&self.head.run).unwrap_or_default() {
            self.tell(Event::Intervened { who, what });
        }
        if let Some(Err(error)) = self.watchdog.as_mut().map(Watchdog::beat) {
            // While this process lives, it undoes; it does not go on without whoever would do it otherwise.
            if !std::mem::replace(&mut self.is_alone, true) {
                self.tell(Event::Abort { by: format!("the watchdog is gone, and another cannot be started: {error}") });
            }
        }
        self.viewer.tick(self.now());
    }

    fn end(mut self, outcome: Outcome) -> Outcome {
        self.flush();
        if outcome.left.is_empty() {
            // Where the journal is lost, locks of a run that has ended are found to be stale.
            let _ = self.journal.unlock(&self.head.run);
            self.claims.lock().unwrap_or_else(PoisonError::into_inner).end();
        }
        if let Some(watchdog) = self.watchdog.take() {
            watchdog.dismiss();
        }
        outcome
    }
}

/// What is hit on this machine is this run's, for runs of any journal.
pub(super) fn taken(claims: &Mutex<Claims>, things: &[String]) -> Result<(), Refused> {
    claims.lock().unwrap_or_else(PoisonError::into_inner).take(things)
}

/// What a dry run found.
#[derive(Debug, Clone, PartialEq)]
pub struct Dry {
    /// What preflight says, in order, each with the time since it began.
    pub records: Vec<(Duration, Record)>,
    /// The end, if preflight did not allow the run.
    pub refused: Option<Outcome>,
}

/// Preflight for real, and nothing after it: engines are asked, targets resolved, guards sampled, locks taken and given back.
///
/// # Errors
/// As [`hold`].
pub fn dry(plan: Arc<Plan>, run: &str, mut journal: Journal, parts: Parts) -> Result<Dry, HoldError> {
    let system = |what| move |source| HoldError::System { what, source };
    let runtime = threads::start(2).map_err(system("start threads"))?;
    let mut claims = Claims::of(run, journal.path());
    let found = runtime.block_on(async {
        let (events, mut told) = unbounded_channel();
        let mut state = begin(&plan, run, &parts);
        let mut effects = Effects::new(plan, Arc::new(Shared::of(&parts)), events);
        let since = Instant::now();
        let mut queue = VecDeque::from([Event::Begin { wall: wall() / 1000 }]);
        let mut found = Dry { records: Vec::new(), refused: None };
        loop {
            while let Some(event) = queue.pop_front() {
                let now =
                    Duration::from_nanos(u64::try_from(since.elapsed().as_nanos()).unwrap_or(0)).unwrap_or_default();
                for command in step(&mut state, now, event) {
                    match command {
                        Command::Write(Record::Phase { phase: PhaseName::Baseline }) => return found,
                        Command::Write(record) => found.records.push((now, record)),
                        Command::Lock { request, keys } => {
                            let things = effects.things(&state.targets_of(&keys));
                            let locked = journal.lock(run, &keys).map_err(|e| e.to_string());
                            let result = locked.and_then(|()| claims.take(&things).map_err(|refused| refused.why));
                            queue.push_back(Event::Locked { request, result });
                        }
                        Command::End(outcome) => {
                            found.refused = Some(*outcome);
                            return found;
                        }
                        command => effects.begin(command, &state, since),
                    }
                }
            }
            let wake = next_wake(&state).map_or_else(Instant::now, |at| since + std_time(at));
            tokio::select! {
                Some(event) = told.recv() => queue.push_back(event),
                () = sleep_until(wake) => queue.push_back(Event::Tick),
            }
        }
    });
    journal.unlock(run)?;
    claims.end();
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    Ok(found)
}
