//! The keeper: one process per project that holds what must outlive a runner.
//!
//! Comes in: requests over a socket ([`protocol`]). It starts what a `service` declares by a command, stands with its
//! proxies in the paths, and carries faults, each until its deadline, or until nobody renews the lease of who injected it.
//! It ends when nobody needs it: what it started ends with it, and so does every fault.

pub mod client;
pub mod held;
mod http;
pub mod protocol;
mod replica;
mod stuck;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;

use self::held::{Held, Scene};
use self::protocol::{Aim, Answer, Injected, Look, ReplicaLook, Request, System, VERSION};
use self::replica::Replica;
use self::stuck::Stuck;
use super::names::{NameServer, Names};
use super::process::{self, Process};
use super::proxy::{Path as ProxyPath, Proxy, lock};
use super::threads;
use crate::plan::{LocalProcess, LocalReplica};

/// How often deadlines and leases are looked at: a fault outlives them by this much at most.
const TICK: Duration = Duration::from_millis(25);
/// How long the system stays up after the last lease ran out though its runner lives: it stands still, or the machine was
/// busy, and it may come back. The faults are gone by then; only the traffic goes on.
const LINGER: Duration = Duration::from_secs(30);

/// How long the end waits for who is still to be answered.
const GOODBYE: Duration = Duration::from_secs(1);

struct Keeper {
    home: PathBuf,
    exe: PathBuf,
    begun: Instant,
    system: tokio::sync::Mutex<Running>,
    faults: tokio::sync::Mutex<BTreeMap<String, Held>>,
    /// Faults that were undone, perhaps before they came.
    undone: Mutex<BTreeSet<String>>,
    /// Faults that ended without being asked, and why.
    ended: Mutex<BTreeMap<String, String>>,
    leases: Mutex<BTreeMap<String, Lease>>,
    /// When the last lease ran out or was given back.
    unneeded_since: Mutex<Option<Instant>>,
    keep: Mutex<bool>,
    /// How many wait for an answer.
    answering: AtomicUsize,
    /// Whether somebody was told of what is in its folder.
    told: AtomicBool,
    end: Notify,
}

/// That a runner needs the system.
#[derive(Debug, Clone)]
struct Lease {
    /// It is over at this moment.
    until: Instant,
    /// The runner, as the kernel knows who asked: the lease ends with it. `None` where the kernel does not say.
    runner: Option<Process>,
}

/// How a lease ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// Its runner ended without giving it back.
    Gone,
    /// Its runner said nothing for so long.
    Silent,
}

impl Lease {
    fn over(&self, now: Instant) -> Option<Over> {
        match &self.runner {
            Some(runner) if !runner.is_alive() => Some(Over::Gone),
            _ => (self.until <= now).then_some(Over::Silent),
        }
    }
}

#[derive(Default)]
struct Running {
    folder: PathBuf,
    replicas: BTreeMap<(String, String), Arc<Replica>>,
    proxies: BTreeMap<String, (String, Proxy)>,
    resolvers: BTreeMap<String, (Option<String>, NameServer)>,
}

/// Runs until nobody needs it. Another keeper of the same home: then this one ends at once, and all is well.
///
/// # Errors
/// That the home or the socket cannot be used.
pub fn run(home: &Path) -> io::Result<()> {
    // The terminal's signals, and its end, are the runner's.
    process::lead_session()?;
    // What a service leaves when its own parent ends comes to the keeper, so that it ends with the rest.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    // Before the lock: who cannot start must not keep others from it.
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let runtime = threads::start(workers)?;
    let Some(guard) = client::own(home)? else { return Ok(()) };
    // What the keeper before it left when it was killed would hold the ports, and answer in the place of what is started now.
    process::end_orphans();
    let done = runtime.block_on(serve(home));
    // Connections that are still open must not hold the process.
    runtime.shutdown_timeout(Duration::from_millis(100));
    match done {
        Ok(Ended::Well) => client::tidy(home, &guard),
        _ => client::tidy_but_logs(home, &guard),
    }
    drop(guard);
    done.map(|_| ())
}

/// How a keeper ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Nothing went wrong: nobody needs its folder any more.
    Well,
    /// Something did, and its logs say what.
    Told,
}

async fn serve(home: &Path) -> io::Result<Ended> {
    let path = client::socket(home);
    // Whoever held the lock before is dead: its socket leads nowhere.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    let keeper = Arc::new(Keeper {
        home: home.to_owned(),
        exe: std::env::current_exe()?,
        begun: Instant::now(),
        system: tokio::sync::Mutex::default(),
        faults: tokio::sync::Mutex::default(),
        undone: Mutex::default(),
        ended: Mutex::default(),
        leases: Mutex::default(),
        unneeded_since: Mutex::new(None),
        keep: Mutex::new(false),
        answering: AtomicUsize::new(0),
        told: AtomicBool::new(false),
        end: Notify::new(),
    });
    let watch = tokio::spawn(watch(keeper.clone()));
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    // A lost terminal is no reason to end.
    let mut hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    let keeper = keeper.clone();
                    tokio::spawn(async move { let _ = converse(&keeper, stream).await; });
                }
            }
            () = keeper.end.notified() => break,
            _ = term.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => {}
        }
    }
    watch.abort();
    let left = keeper.down().await;
    // Who asked for the end is told of it.
    let last = Instant::now() + GOODBYE;
    while keeper.answering.load(Ordering::Acquire) > 0 && Instant::now() < last {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let _ = std::fs::remove_file(&path);
    if let Err(left) = left {
        note(&format!("the keeper ends, and this is left: {left}"));
        return Ok(Ended::Told);
    }
    Ok(if keeper.told.load(Ordering::Acquire) { Ended::Told } else { Ended::Well })
}

async fn converse(keeper: &Arc<Keeper>, stream: UnixStream) -> io::Result<()> {
    let asker = stream.peer_cred().ok().and_then(|cred| Process::of(u32::try_from(cred.pid()?).ok()?));
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    keeper.answering.fetch_add(1, Ordering::AcqRel);
    let told = tell(keeper, stream, &line, asker).await;
    keeper.answering.fetch_sub(1, Ordering::AcqRel);
    told
}

async fn tell(
    keeper: &Arc<Keeper>,
    mut stream: BufReader<UnixStream>,
    line: &str,
    asker: Option<Process>,
) -> io::Result<()> {
    let answer = match serde_json::from_str::<Request>(line) {
        // A client that goes away does not undo half of what it asked for.
        Ok(request) => {
            let own = keeper.clone();
            tokio::spawn(async move { own.answer(request, asker).await })
                .await
                .unwrap_or_else(|error| failed(format!("the keeper failed: {error}"), false))
        }
        Err(error) => failed(format!("this cannot be read: {error}"), false),
    };
    let mut bytes = serde_json::to_vec(&answer).map_err(io::Error::other)?;
    bytes.push(b'\n');
    stream.get_mut().write_all(&bytes).await
}

/// A line in the keeper's log.
fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

fn failed(reason: String, passing: bool) -> Answer {
    Answer::Failed { reason, passing }
}

/// Looks at deadlines and leases.
async fn watch(keeper: Arc<Keeper>) {
    loop {
        tokio::time::sleep(TICK).await;
        keeper.heal_expired().await;
        if keeper.is_unneeded().await {
            keeper.end.notify_one();
            return;
        }
    }
}

impl Keeper {
    /// Does what was asked, for the process that asked.
    async fn answer(&self, request: Request, asker: Option<Process>) -> Answer {
        match request {
            Request::Hello => match Process::of(std::process::id()) {
                Some(keeper) => Answer::Hello { version: VERSION, keeper },
                None => Answer::Hello { version: VERSION, keeper: Process { pid: std::process::id(), start: 0 } },
            },
            Request::Up { system, holder, lease, keep } => {
                self.renew(&holder, lease, asker);
                if keep {
                    *lock(&self.keep) = true;
                }
                match self.up(system).await {
                    Ok(()) => {
                        self.told.store(false, Ordering::Release);
                        Answer::Done
                    }
                    Err(reason) => {
                        self.told.store(true, Ordering::Release);
                        failed(reason, false)
                    }
                }
            }
            Request::Lease { holder, lease } => {
                self.renew(&holder, lease, asker);
                Answer::Done
            }
            Request::Release { holder } => {
                lock(&self.leases).remove(&holder);
                match self.heal(|held| held.fault.holder == holder).await {
                    Ok(()) => {
                        self.is_given_back();
                        if self.is_unneeded().await {
                            self.end.notify_one();
                        }
                        Answer::Done
                    }
                    Err(reason) => failed(reason, true),
                }
            }
            Request::Inject { fault, lease } => self.inject(fault, lease, asker).await,
            Request::Confirm { id } => self.confirm(&id).await,
            Request::Undo { id } => {
                lock(&self.undone).insert(id.clone());
                let gone = self.gone_before(&id).await;
                match self.heal(|held| held.fault.id == id).await {
                    Ok(()) => gone.map_or(Answer::Done, Answer::GoneBefore),
                    Err(reason) => failed(reason, true),
                }
            }
            Request::Look => Answer::Look(self.look().await),
            Request::Down => {
                *lock(&self.keep) = false;
                let done = self.down().await;
                self.end.notify_one();
                match done {
                    Ok(()) => Answer::Done,
                    Err(left) => failed(left, false),
                }
            }
        }
    }

    fn renew(&self, holder: &str, lease: u64, runner: Option<Process>) {
        let until = Instant::now() + Duration::from_millis(lease);
        lock(&self.leases).insert(holder.to_owned(), Lease { until, runner });
        *lock(&self.unneeded_since) = None;
    }

    /// Starts what is not there; what is there under another declaration is ended first, unless a fault is on it.
    async fn up(&self, system: System) -> Result<(), String> {
        let mut running = self.system.lock().await;
        running.folder.clone_from(&system.folder);
        let mut fresh = Vec::new();
        let listens = |(_, spec): &(String, LocalReplica)| match spec.process {
            Some(LocalProcess::Listening(port)) => Some(port),
            _ => None,
        };
        let declared: Vec<u16> = system.replicas.iter().filter_map(listens).collect();
        for (service, spec) in system.replicas {
            let key = (service.clone(), spec.name.to_string());
            if running.replicas.get(&key).is_some_and(|r| r.spec == spec) {
                continue;
            }
            let is_hit = |aim: &Aim| aim.service == key.0 && aim.replica == key.1;
            let faults = self.faults.lock().await;
            if let Some(held) = faults.values().find(|held| held.fault.targets.iter().any(is_hit)) {
                return Err(format!(
                    "{service}/{} is declared in another way than it runs, and the fault `{}` is on it",
                    spec.name, held.fault.id
                ));
            }
            drop(faults);
            if let Some(old) = running.replicas.remove(&key) {
                tokio::task::block_in_place(|| old.end());
            }
            if let Some((address, upstream)) = ends(&spec) {
                let known = running.proxies.get(&address).is_some_and(|(to, _)| *to == upstream);
                if !known {
                    running.proxies.remove(&address);
                    let proxy = Proxy::open(&address, &upstream).await.map_err(|error| {
                        format!("the proxy for {service}/{} cannot listen at {address}: {error}", spec.name)
                    })?;
                    running.proxies.insert(address, (upstream, proxy));
                }
            }
            if let Some(resolver) = &spec.resolver {
                let (address, upstream) =
                    (resolver.address.to_string(), resolver.upstream.as_ref().map(ToString::to_string));
                let known = running.resolvers.get(&address).is_some_and(|(to, _)| *to == upstream);
                if !known {
                    running.resolvers.remove(&address);
                    let server = NameServer::open(&address, upstream.as_deref()).await.map_err(|error| {
                        format!("nobody can answer {service}/{} for names at {address}: {error}", spec.name)
                    })?;
                    running.resolvers.insert(address, (upstream, server));
                }
            }
            let folder = running.folder.clone();
            let replica = Replica::begin(service.clone(), spec, &declared, &folder, &self.home, &self.exe)
                .map_err(|error| format!("cannot start {service}/{}: {error}", key.1))?;
            running.replicas.insert(key, replica.clone());
            fresh.push(replica);
        }
        let all: Vec<Arc<Replica>> = running.replicas.values().cloned().collect();
        drop(running);
        for replica in all {
            self.wait_ready(&replica, fresh.iter().any(|f| Arc::ptr_eq(f, &replica))).await?;
        }
        Ok(())
    }

    async fn wait_ready(&self, replica: &Replica, fresh: bool) -> Result<(), String> {
        // Another run may have started it a moment ago.
        let fresh = fresh || !replica.was_ready();
        let end = Instant::now() + if fresh { replica.ready_within() } else { Duration::ZERO };
        loop {
            match replica.ready().await {
                Ok(_) if fresh && !replica.has_settled() => tokio::time::sleep(Duration::from_millis(50)).await,
                Ok(_) => {
                    replica.is_ready();
                    return Ok(());
                }
                // What was up before may be down on purpose; preflight counts who is ready.
                Err(_) if !fresh => return Ok(()),
                Err(reason) if Instant::now() >= end => {
                    let (service, name) = (&replica.service, &replica.spec.name);
                    return Err(format!("{service}/{name} is not ready: {reason}{}", replica.last_words()));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn inject(&self, fault: Injected, lease: u64, asker: Option<Process>) -> Answer {
        let running = self.system.lock().await;
        let mut faults = self.faults.lock().await;
        if lock(&self.undone).contains(&fault.id) {
            return failed(format!("`{}` was undone before it came", fault.id), false);
        }
        if faults.contains_key(&fault.id) {
            return Answer::Done;
        }
        if let Some(other) =
            faults.values().find(|held| held.fault.holder != fault.holder && meets(&held.fault, &fault))
        {
            return failed(format!("the fault `{}` of another run is on it", other.fault.id), false);
        }
        self.renew(&fault.holder, lease, asker);
        let path = |address: &str| running.path(address);
        let replica = |aim: &Aim| running.replica(aim);
        let names = |address: &str| running.names(address);
        let (folder, home, exe) = (&running.folder, &self.home, &self.exe);
        let scene = Scene { path: &path, names: &names, replica: &replica, folder, home, exe };
        let id = fault.id.clone();
        match tokio::task::block_in_place(|| Held::inject(fault, &scene)) {
            Ok(held) => {
                faults.insert(id, held);
                Answer::Done
            }
            Err(reason) => failed(reason, false),
        }
    }

    async fn confirm(&self, id: &str) -> Answer {
        let running = self.system.lock().await;
        let mut faults = self.faults.lock().await;
        match faults.get_mut(id) {
            // Looking may ask another program, and the proxies' traffic must not wait for that.
            Some(held) => tokio::task::block_in_place(|| held.confirm(&|aim| running.replica(aim))),
            None => Answer::NotSeen("the keeper does not hold it".to_owned()),
        }
    }

    /// Undoes the faults that are meant.
    async fn heal(&self, meant: impl Fn(&Held) -> bool) -> Result<(), String> {
        let mut faults = self.faults.lock().await;
        // Undone last to first: a later fault may stand on an earlier one.
        let mut ids: Vec<(Instant, String)> =
            faults.iter().filter(|(_, held)| meant(held)).map(|(id, held)| (held.since, id.clone())).collect();
        ids.sort_by(|a, b| b.cmp(a));
        let mut left = Vec::new();
        for (_, id) in ids {
            let Some(mut held) = faults.remove(&id) else { continue };
            if let Err(reason) = tokio::task::block_in_place(|| held.undo()) {
                let now = Instant::now();
                let (stuck, is_new) = Stuck::again(held.stuck.as_ref(), reason.clone(), now);
                if is_new {
                    note(&format!("the fault {id} cannot be undone, and is tried again: {reason}"));
                }
                // Its deadline is over: from now on it is tried again, whoever asks.
                (held.stuck, held.until) = (Some(stuck), now);
                left.push(reason);
                faults.insert(id, held);
            }
        }
        if left.is_empty() { Ok(()) } else { Err(left.join("; ")) }
    }

    /// How it is known that a fault was over before its undo came.
    async fn gone_before(&self, id: &str) -> Option<String> {
        match self.faults.lock().await.get_mut(id) {
            Some(held) => tokio::task::block_in_place(|| held.gone_before()),
            None => {
                let ended = lock(&self.ended).get(id).cloned();
                Some(ended.unwrap_or_else(|| "the keeper that held it ended, and this is another".to_owned()))
            }
        }
    }

    /// Nobody has to be waited for.
    fn is_given_back(&self) {
        *lock(&self.unneeded_since) = self.begun.checked_sub(LINGER).or(Some(self.begun));
    }

    /// Ends the leases whose time or whose runner is over, and gives the holders that are left.
    fn end_leases(&self, now: Instant) -> (BTreeSet<String>, BTreeMap<String, Over>) {
        let mut leases = lock(&self.leases);
        let over: BTreeMap<String, Over> =
            leases.iter().filter_map(|(holder, lease)| Some((holder.clone(), lease.over(now)?))).collect();
        leases.retain(|holder, _| !over.contains_key(holder));
        if leases.is_empty() && !over.is_empty() {
            if over.values().all(|over| *over == Over::Gone) {
                self.is_given_back();
            } else {
                *lock(&self.unneeded_since) = Some(now);
            }
        }
        (leases.keys().cloned().collect(), over)
    }

    async fn heal_expired(&self) {
        let now = Instant::now();
        let (holders, over) = self.end_leases(now);
        let why = |held: &Held| match holders.contains(&held.fault.holder) {
            _ if held.until <= now => Some("the keeper ended it: its longest time was over"),
            true => None,
            false if over.get(&held.fault.holder) == Some(&Over::Gone) => {
                Some("the keeper ended it: its runner is gone")
            }
            false => Some("the keeper ended it: its runner was silent for longer than its lease"),
        };
        let ended = |held: &Held| {
            let is_due = held.stuck.as_ref().is_none_or(|s| s.is_due(now));
            let why = why(held).filter(|_| is_due);
            if let Some(why) = why {
                lock(&self.ended).entry(held.fault.id.clone()).or_insert_with(|| why.to_owned());
            }
            why.is_some()
        };
        let _ = self.heal(ended).await;
    }

    async fn is_unneeded(&self) -> bool {
        if *lock(&self.keep) || !lock(&self.leases).is_empty() || !self.faults.lock().await.is_empty() {
            return false;
        }
        // A keeper that nobody ever asked for anything ends, too.
        let since = lock(&self.unneeded_since).unwrap_or(self.begun);
        since.elapsed() >= LINGER
    }

    async fn look(&self) -> Look {
        let running = self.system.lock().await;
        let replicas: Vec<(Arc<Replica>, Option<String>, u64)> = running
            .replicas
            .values()
            .map(|replica| {
                let address = ends(&replica.spec).map(|(address, _)| address);
                let connections =
                    address.as_deref().and_then(|a| running.path(a)).map_or(0, |p| p.connections() as u64);
                (replica.clone(), address, connections)
            })
            .collect();
        drop(running);
        let mut looks = Vec::new();
        let asked: Vec<_> = replicas
            .into_iter()
            .map(|(replica, address, connections)| {
                tokio::spawn(async move {
                    let ready = replica.ready().await;
                    ReplicaLook {
                        service: replica.service.clone(),
                        name: replica.spec.name.to_string(),
                        process: replica.process().ok().flatten(),
                        not_ready: ready.err(),
                        address,
                        resolver: replica.spec.resolver.as_ref().map(|r| r.address.to_string()),
                        restarts: replica.restarts(),
                        connections,
                    }
                })
            })
            .collect();
        for look in asked {
            looks.extend(look.await.ok());
        }
        let faults = self.faults.lock().await;
        let why = |(id, held): (&String, &Held)| {
            let stuck = held.stuck.as_ref()?;
            Some((id.clone(), format!("{} (tried {} times)", stuck.reason, stuck.tries)))
        };
        Look {
            replicas: looks,
            faults: faults.keys().cloned().collect(),
            stuck: faults.iter().filter_map(why).collect(),
        }
    }

    /// Undoes everything and ends what was started. What cannot be undone keeps nothing else up.
    async fn down(&self) -> Result<(), String> {
        let undone = self.heal(|_| true).await;
        // What is left now is for whoever has its record: this keeper ends.
        self.faults.lock().await.clear();
        let mut running = self.system.lock().await;
        let replicas: Vec<Arc<Replica>> = running.replicas.values().cloned().collect();
        running.replicas.clear();
        tokio::task::block_in_place(|| {
            let ends: Vec<_> = replicas.into_iter().map(|r| std::thread::spawn(move || r.end())).collect();
            for end in ends {
                let _ = end.join();
            }
        });
        running.proxies.clear();
        running.resolvers.clear();
        // What went its own way (another session, a parent that ended) was started for the system, too.
        for process in process::below(std::process::id()) {
            let _ = process.signal(Signal::KILL);
        }
        undone
    }
}

impl Running {
    fn path(&self, address: &str) -> Option<Arc<ProxyPath>> {
        self.proxies.get(address).map(|(_, proxy)| proxy.path.clone())
    }

    fn names(&self, address: &str) -> Option<Arc<Names>> {
        self.resolvers.get(address).map(|(_, server)| server.names.clone())
    }

    fn replica(&self, aim: &Aim) -> Option<Arc<Replica>> {
        self.replicas.get(&(aim.service.clone(), aim.replica.clone())).cloned()
    }
}

/// Whether two faults are on one target.
fn meets(one: &Injected, other: &Injected) -> bool {
    one.targets.iter().any(|a| {
        let same = |b: &Aim| {
            let process = a.process.is_some() && a.process == b.process;
            process || (&a.service, &a.replica) == (&b.service, &b.replica)
        };
        other.targets.iter().any(same)
    })
}

/// Where a replica's proxy listens, and where it passes on.
fn ends(spec: &crate::plan::LocalReplica) -> Option<(String, String)> {
    let path = spec.path.as_ref()?;
    Some((path.address.as_ref()?.to_string(), path.upstream.as_ref()?.to_string()))
}

/// Becomes the program that was asked for; ends with its parent, however that dies.
///
/// # Errors
/// That the program cannot be run. Otherwise this does not return.
pub fn child(parent: u32, command: &[std::ffi::OsString]) -> io::Error {
    use std::os::unix::process::CommandExt;
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(Signal::KILL)) {
        return error.into();
    }
    // It may have died before the signal was asked for.
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    if now.and_then(|pid| u32::try_from(pid).ok()) != Some(parent) {
        return io::Error::other("whoever started this is gone");
    }
    let [program, arguments @ ..] = command else { return io::Error::other("the command is empty") };
    let mut command = std::process::Command::new(program);
    if let Some(library) = std::env::var_os(super::shim::PRELOAD) {
        command.env("LD_PRELOAD", library).env_remove(super::shim::PRELOAD);
    }
    command.args(arguments).exec()
}
