//! A replica as the keeper holds it: its process started and started again, or found; whether it is ready.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::engine::local::process::{self, Process};
use crate::engine::local::proxy::lock;
use crate::engine::local::shim;
use crate::plan::{LocalCommand, LocalProcess, LocalReplica, ReadyProbe};

/// The first wait before an ended process is started again; it doubles, up to the most.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
const AGAIN_AT_MOST: Duration = Duration::from_secs(10);
/// Who ran so long was not started in vain: the next wait is the first one again.
const RAN_WELL: Duration = Duration::from_secs(10);
/// Who ran so long was there, at least.
const SETTLED: Duration = Duration::from_millis(300);
/// How long one question of readiness may take.
const READY_TIMEOUT: Duration = Duration::from_secs(1);

/// A replica.
pub struct Replica {
    /// Its service.
    pub service: String,
    /// What was declared.
    pub spec: LocalReplica,
    folder: PathBuf,
    log: PathBuf,
    home: PathBuf,
    exe: PathBuf,
    /// Ports of services that somebody else started.
    declared: Vec<u16>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    current: Option<Process>,
    /// Since when it runs.
    since: Option<Instant>,
    starts: u32,
    stopping: bool,
    /// Started again although it says `restart: false`.
    again: bool,
    /// The thread that holds the process has ended.
    over: bool,
    /// It was ready once.
    ready_once: bool,
    last: Option<String>,
}

impl Replica {
    /// A replica; its process is started if it is declared by a command.
    ///
    /// # Errors
    /// That the process cannot be started.
    pub fn begin(
        service: String,
        spec: LocalReplica,
        declared: &[u16],
        folder: &Path,
        home: &Path,
        exe: &Path,
    ) -> io::Result<Arc<Self>> {
        let log = match &spec.process {
            Some(LocalProcess::Command(LocalCommand { log: Some(log), .. })) => folder.join(log.as_str()),
            _ => home.join(format!("{service}-{}.log", spec.name)),
        };
        if log.starts_with(home) {
            // What an earlier system wrote would be taken for this one's last words.
            let _ = std::fs::remove_file(&log);
        }
        let replica = Arc::new(Self {
            service,
            spec,
            folder: folder.to_owned(),
            log,
            home: home.to_owned(),
            exe: exe.to_owned(),
            declared: declared.to_owned(),
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
        });
        if let Some(LocalProcess::Command(command)) = replica.spec.process.clone() {
            if command.movable_clock {
                // No fault is on what nobody holds yet: an offset that is in the file was left by a keeper that was killed.
                shim::put_right(&shim::file_of(home, &replica.service, &replica.spec.name))?;
            }
            let (held, own) = (replica.clone(), command);
            let (tell, told) = std::sync::mpsc::channel();
            // The thread lives as long as its process: the kernel ends a child with the *thread* that started it.
            std::thread::Builder::new()
                .name(format!("{}-{}", replica.service, replica.spec.name))
                .spawn(move || held.hold(&own, &tell))?;
            told.recv().map_err(io::Error::other)??;
        } else {
            lock(&replica.state).over = true;
        }
        Ok(replica)
    }

    /// Starts the process, waits for its end, starts it again.
    fn hold(&self, command: &LocalCommand, tell: &std::sync::mpsc::Sender<io::Result<()>>) {
        let mut wait = AGAIN_AFTER;
        let mut first = true;
        loop {
            let began = Instant::now();
            let mut child = match self.answered_already().and_then(|()| self.spawn(command)) {
                Ok(child) => child,
                Err(error) if first => {
                    let _ = tell.send(Err(error));
                    break;
                }
                Err(error) => {
                    lock(&self.state).last = Some(format!("it could not be started: {error}"));
                    if self.rest(wait) {
                        break;
                    }
                    wait = (wait * 2).min(AGAIN_AT_MOST);
                    continue;
                }
            };
            if command.movable_clock {
                shim::remember(&shim::file_of(&self.home, &self.service, &self.spec.name), child.id());
            }
            {
                let mut state = lock(&self.state);
                state.current = Process::of(child.id());
                state.since = Some(began);
                state.starts += 1;
                state.again = false;
            }
            if first {
                let _ = tell.send(Ok(()));
                first = false;
            }
            let ended = child.wait();
            end_group(child.id(), Duration::from_nanos(command.stop_within.as_nanos()));
            if command.movable_clock {
                shim::forget(child.id());
            }
            let mut state = lock(&self.state);
            state.current = None;
            state.since = None;
            state.last = Some(match ended {
                Ok(status) => format!("it ended: {status}"),
                Err(error) => format!("it cannot be waited for: {error}"),
            });
            let goes_on = !state.stopping && (command.restart || state.again);
            drop(state);
            if !goes_on {
                break;
            }
            wait = if began.elapsed() >= RAN_WELL { AGAIN_AFTER } else { wait };
            if self.rest(wait) {
                break;
            }
            wait = (wait * 2).min(AGAIN_AT_MOST);
        }
        lock(&self.state).over = true;
        self.changed.notify_all();
    }

    /// Whoever answers before the process is there would be taken for it, and nothing that is done to the process would show.
    fn answered_already(&self) -> io::Result<()> {
        let Some(address) = self.spec.ready.as_ref().and_then(|ready| address(&ready.probe)) else { return Ok(()) };
        let answers =
            |address: &std::net::SocketAddr| std::net::TcpStream::connect_timeout(address, READY_TIMEOUT).is_ok();
        if !address.ip().is_loopback() || !answers(&address) {
            return Ok(());
        }
        let who = match process::listening(address.port()) {
            // A path of ours: the keeper passes on to a process that is not there yet.
            Ok(process) if process.pid == std::process::id() => return Ok(()),
            // Several share an address, or it is a service's that is declared as well: then that one is hit for itself.
            Ok(process) if process::is_of_this_keeper(process) || self.declared.contains(&address.port()) => {
                return Ok(());
            }
            Ok(process) => {
                process.facts().map_or(String::new(), |f| format!(" (process {}, `{}`)", process.pid, f.name))
            }
            Err(_) => String::new(),
        };
        Err(io::Error::other(format!("something else answers at {address} already{who}: end it first")))
    }

    /// Waits; `true` if it should stop.
    fn rest(&self, wait: Duration) -> bool {
        let state = lock(&self.state);
        match self.changed.wait_timeout_while(state, wait, |s| !s.stopping) {
            Ok((state, _)) => state.stopping,
            Err(_) => true,
        }
    }

    fn spawn(&self, command: &LocalCommand) -> io::Result<std::process::Child> {
        let folder = command.folder.as_ref().map_or_else(|| self.folder.clone(), |f| self.folder.join(f.as_str()));
        if let Some(parent) = self.log.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let log = File::options().create(true).append(true).open(&self.log)?;
        let [program, arguments @ ..] = command.command.as_slice() else {
            return Err(io::Error::other("the command is empty"));
        };
        let program = match program.as_str() {
            "perturb" => self.exe.clone(),
            // What has a slash is seen from the folder in which it runs.
            path if path.contains('/') => folder.join(path),
            name => PathBuf::from(name),
        };
        let clock = match command.movable_clock {
            true => shim::environment(&shim::file_of(&self.home, &self.service, &self.spec.name))?,
            false => Vec::new(),
        };
        Command::new(&self.exe)
            .args(["__local", "child", &std::process::id().to_string(), "--"])
            .arg(program)
            .args(arguments.iter().map(smol_str::SmolStr::as_str))
            .envs(command.env.iter().map(|(key, value)| (key.as_str(), value.as_str())))
            .envs(clock)
            .envs(Process::of(std::process::id()).map(|keeper| (process::KEEPER, keeper.to_string())))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // A group of its own: Ctrl-C at a terminal is not for it, and its children can be reached together.
            .process_group(0)
            .spawn()
    }

    /// The process now.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn process(&self) -> Result<Option<Process>, String> {
        match &self.spec.process {
            None => Ok(None),
            Some(LocalProcess::Command(_)) => {
                let state = lock(&self.state);
                match state.current.filter(Process::is_alive) {
                    Some(process) => Ok(Some(process)),
                    None => Err(state.last.clone().unwrap_or_else(|| "it is being started".to_owned())),
                }
            }
            Some(LocalProcess::PidFile(file)) => process::from_pid_file(&self.folder.join(file.as_str())).map(Some),
            Some(LocalProcess::Listening(port)) => process::listening(*port).map(Some),
            Some(LocalProcess::Named(name)) => process::named(name).map(Some),
        }
    }

    /// How often its process was started again.
    pub fn restarts(&self) -> u32 {
        lock(&self.state).starts.saturating_sub(1)
    }

    /// Lets it be started again once it has ended.
    pub fn start_again(&self) {
        lock(&self.state).again = true;
    }

    /// Whether its process is there and answers.
    ///
    /// # Errors
    /// Why not, in words.
    pub async fn ready(&self) -> Result<Option<Process>, String> {
        let process = self.process()?;
        let Some(ready) = &self.spec.ready else { return Ok(process) };
        match tokio::time::timeout(READY_TIMEOUT, probe(&ready.probe)).await {
            Ok(answer) => answer.map(|()| process),
            Err(_) => Err("its readiness probe gets no answer".to_owned()),
        }
    }

    /// Whether it was ready once since it was declared.
    pub fn was_ready(&self) -> bool {
        lock(&self.state).ready_once
    }

    /// Whether it has run for a moment, where nothing else says that it is ready: a program that is not there is started, too,
    /// and ends at once.
    pub fn has_settled(&self) -> bool {
        let is_asked = self.spec.ready.is_some() || !matches!(self.spec.process, Some(LocalProcess::Command(_)));
        is_asked || lock(&self.state).since.is_some_and(|since| since.elapsed() >= SETTLED)
    }

    /// Notes that it is.
    pub fn is_ready(&self) {
        lock(&self.state).ready_once = true;
    }

    /// How long it may take to become ready.
    pub fn ready_within(&self) -> Duration {
        self.spec.ready.as_ref().map_or(Duration::from_secs(10), |r| Duration::from_nanos(r.within.as_nanos()))
    }

    /// The last lines of what it wrote.
    pub fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        // What was started again and again says the same each time.
        let mut lines: Vec<&str> = text.lines().rev().filter(|line| !line.trim().is_empty()).take(3).collect();
        lines.dedup();
        if lines.is_empty() {
            return String::new();
        }
        format!("; {} ends with: {}", self.log.display(), lines.into_iter().rev().collect::<Vec<_>>().join(" / "))
    }

    /// Ends its process if Perturb started it, and waits for that.
    pub fn end(&self) {
        let Some(LocalProcess::Command(command)) = &self.spec.process else { return };
        let current = {
            let mut state = lock(&self.state);
            state.stopping = true;
            state.current
        };
        self.changed.notify_all();
        if let Some(process) = current {
            signal_group(process, Signal::TERM);
            // One that stands still would never see it.
            signal_group(process, Signal::CONT);
        }
        if !self.wait_over(Duration::from_nanos(command.stop_within.as_nanos())) {
            if let Some(process) = current {
                signal_group(process, Signal::KILL);
            }
            self.wait_over(Duration::from_secs(5));
        }
    }

    fn wait_over(&self, within: Duration) -> bool {
        let state = lock(&self.state);
        self.changed.wait_timeout_while(state, within, |s| !s.over).is_ok_and(|(state, _)| state.over)
    }
}

/// Where a readiness probe on this machine asks.
fn address(probe: &ReadyProbe) -> Option<std::net::SocketAddr> {
    match probe {
        ReadyProbe::Tcp(address) => address.replace("localhost:", "127.0.0.1:").parse().ok(),
        ReadyProbe::Http(url) => {
            let url = reqwest::Url::parse(url).ok()?;
            let ip = match url.host_str()? {
                "localhost" => std::net::Ipv4Addr::LOCALHOST.into(),
                host => host.trim_matches(['[', ']']).parse().ok()?,
            };
            Some(std::net::SocketAddr::new(ip, url.port_or_known_default()?))
        }
    }
}

/// Ends what is left of the group that a process led which has ended, as in a container: it would hold the port of what is
/// started next. Behind a shell it is the service itself, which may take its time to end well.
fn end_group(leader: u32, within: Duration) {
    // Once, and right behind its end: later the id of an empty group may be another's.
    let mut left = process::in_group(leader);
    left.iter().for_each(|process| drop(process.signal(Signal::TERM)));
    let end = Instant::now() + within;
    while !left.is_empty() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
        left.retain(Process::is_alive);
    }
    left.iter().for_each(|process| drop(process.signal(Signal::KILL)));
}

/// Signals the group that a started process leads.
fn signal_group(process: Process, signal: Signal) {
    let group = i32::try_from(process.pid).ok().and_then(rustix::process::Pid::from_raw);
    if let (Some(group), true) = (group, process.is_alive()) {
        let _ = rustix::process::kill_process_group(group, signal);
    }
}

async fn probe(probe: &ReadyProbe) -> Result<(), String> {
    match probe {
        ReadyProbe::Tcp(address) => {
            tokio::net::TcpStream::connect(address.as_str()).await.map(|_| ()).map_err(|e| format!("{address}: {e}"))
        }
        ReadyProbe::Http(url) => {
            let status = super::http::status(url).await.map_err(|e| format!("{url}: {e}"))?;
            if (200..300).contains(&status) { Ok(()) } else { Err(format!("{url} answers {status}")) }
        }
    }
}
