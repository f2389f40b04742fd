//! A fault that the keeper holds: put in, looked at, taken away.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::protocol::{Aim, Answer, Injected};
use super::replica::Replica;
use super::stuck::Stuck;
use crate::engine::local::action::Action;
use crate::engine::local::limits::{self, Counted, Limit};
use crate::engine::local::names::{Asked, Names};
use crate::engine::local::packets::{self, Loss};
use crate::engine::local::process::{self, Process};
use crate::engine::local::proxy::{Active, Counters, Path as ProxyPath};
use crate::engine::local::{disk, shim};

/// How long a process may take to stand still or go on: the kernel does it within a tick, if it is not in a call that
/// cannot be interrupted.
const SETTLE: Duration = Duration::from_secs(2);

/// A fault with what it takes to undo it.
pub struct Held {
    /// What was asked.
    pub fault: Injected,
    /// When it was put in: what came last is undone first.
    pub since: Instant,
    /// When it ends by itself.
    pub until: Instant,
    /// Why it is still there, if an attempt to take it away failed.
    pub stuck: Option<Stuck>,
    paths: Vec<Arc<ProxyPath>>,
    active: Option<Arc<Active>>,
    names: Vec<Arc<Names>>,
    asked: Option<Arc<Asked>>,
    stopped: Vec<Process>,
    loads: Vec<Child>,
    clocks: Vec<(Aim, PathBuf)>,
    table: Option<String>,
    file: Option<PathBuf>,
    taken: u64,
    /// What was counted of each limit at the last look.
    counted: Option<(Instant, Vec<Counted>)>,
    /// For actions that happen once: the processes that they happened to, with how often they had been started.
    struck: Vec<(Aim, Vec<Process>, u32)>,
}

/// What a fault is put into.
pub struct Scene<'a> {
    /// The proxy at an address.
    pub path: &'a dyn Fn(&str) -> Option<Arc<ProxyPath>>,
    /// The name server at an address.
    pub names: &'a dyn Fn(&str) -> Option<Arc<Names>>,
    /// The replica of an aim.
    pub replica: &'a dyn Fn(&Aim) -> Option<Arc<Replica>>,
    /// What relative folders begin at.
    pub folder: &'a Path,
    /// The keeper's own folder.
    pub home: &'a Path,
    /// The binary.
    pub exe: &'a Path,
}

impl Held {
    /// Puts a fault in. Where it cannot be put into all targets, it is in none.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn inject(fault: Injected, scene: &Scene<'_>) -> Result<Self, String> {
        let since = Instant::now();
        let until = since + Duration::from_millis(fault.at_most);
        let mut held = Self {
            fault,
            since,
            until,
            stuck: None,
            paths: Vec::new(),
            active: None,
            names: Vec::new(),
            asked: None,
            stopped: Vec::new(),
            loads: Vec::new(),
            clocks: Vec::new(),
            table: None,
            file: None,
            taken: 0,
            counted: None,
            struck: Vec::new(),
        };
        match held.put_in(scene) {
            Ok(()) => Ok(held),
            Err(reason) => {
                // What is in already goes out again; the caller undoes, too.
                let undone = held.undo();
                Err(undone.err().map_or(reason.clone(), |left| format!("{reason}; and {left}")))
            }
        }
    }

    fn put_in(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        let targets = self.fault.targets.clone();
        match self.fault.action.clone() {
            Action::Path(fault) => {
                let active = Arc::new(Active { fault, counters: Counters::default() });
                for aim in &targets {
                    let address = aim.address.as_deref().ok_or_else(|| format!("no proxy stands before {aim}"))?;
                    let path = (scene.path)(address).ok_or_else(|| format!("no proxy is open at {address}"))?;
                    if path.active().is_some() {
                        return Err(format!("another fault is on the way to {aim}, and there is room for one"));
                    }
                    path.set(Some(active.clone()));
                    self.paths.push(path);
                }
                self.active = Some(active);
                Ok(())
            }
            Action::Stop => targets.iter().try_for_each(|aim| self.stop(aim)),
            Action::Signal(word) => {
                let signal = process::signal_named(&word).ok_or_else(|| format!("there is no signal `{word}`"))?;
                targets.iter().try_for_each(|aim| self.strike(aim, signal, scene))
            }
            Action::End { grace } => self.end(&targets, grace, false, scene),
            Action::Restart { grace } => self.end(&targets, grace, true, scene),
            Action::Cpu { millicores } => {
                targets.iter().try_for_each(|_| self.load(&["cpu", &millicores.to_string()], scene.exe))
            }
            Action::Memory { bytes } => {
                targets.iter().try_for_each(|_| self.load(&["memory", &bytes.to_string()], scene.exe))
            }
            Action::Load { millirate, path, method } => {
                let share = (millirate / targets.len().max(1) as u64).max(1).to_string();
                targets.iter().try_for_each(|aim| {
                    let url = aim.url.as_deref().ok_or_else(|| format!("{aim} has no URL"))?;
                    let url = format!("{}{path}", url.trim_end_matches('/'));
                    self.load(&["requests", &share, "--method", &method, "--url", &url], scene.exe)
                })
            }
            Action::Names(fault) => {
                let asked = Arc::new(Asked::new(fault));
                for aim in &targets {
                    let address = aim.resolver.as_deref().ok_or_else(|| format!("{aim} does not ask us for names"))?;
                    let names = (scene.names)(address).ok_or_else(|| format!("no name server is open at {address}"))?;
                    if names.active().is_some() {
                        return Err(format!("another fault is on the names of {aim}, and there is room for one"));
                    }
                    names.set(Some(asked.clone()));
                    self.names.push(names);
                }
                self.asked = Some(asked);
                Ok(())
            }
            Action::Clock { by } => targets.iter().try_for_each(|aim| {
                let file = shim::file_of(scene.home, &aim.service, &aim.replica);
                if !file.exists() {
                    return Err(format!("{aim} was not started so that its clock can be moved"));
                }
                self.clocks.push((aim.clone(), file.clone()));
                shim::shift(&file, by).map_err(|error| format!("cannot move the clock of {aim}: {error}"))
            }),
            Action::Loss { share, sides } => {
                let addresses = targets.iter().map(address).collect::<Result<Vec<_>, _>>()?;
                let table = packets::table_of(&self.fault.id);
                self.table = Some(table.clone());
                packets::begin(&table, &Loss { addresses, share, sides, at_most: self.fault.at_most })
            }
            Action::Limit(limit) => targets.iter().try_for_each(|aim| {
                let group = aim.group.as_ref().ok_or_else(|| format!("nobody said where {aim} is to be held"))?;
                limits::begin(group, &limit, living(aim)?).map_err(|error| format!("cannot limit {aim}: {error}"))
            }),
            Action::Fill { folder, amount } => {
                let file = disk::file_of(&scene.folder.join(folder), &self.fault.id);
                self.file = Some(file.clone());
                self.taken =
                    disk::fill(&file, amount).map_err(|error| format!("cannot fill {}: {error}", file.display()))?;
                Ok(())
            }
        }
    }

    fn stop(&mut self, aim: &Aim) -> Result<(), String> {
        let process = living(aim)?;
        for member in std::iter::once(process).chain(process::below(process.pid)) {
            self.stopped.push(member);
            member.signal(Signal::STOP).map_err(|error| format!("cannot stop {aim} ({member}): {error}"))?;
        }
        Ok(())
    }

    /// A signal that is to end a process goes to all of its family, as the loss of a pod does: of a service behind a shell it
    /// would else hit the shell alone. Any other is its own.
    fn strike(&mut self, aim: &Aim, signal: Signal, scene: &Scene<'_>) -> Result<(), String> {
        let process = living(aim)?;
        let ends = [Signal::KILL, Signal::TERM, Signal::INT, Signal::QUIT, Signal::ABORT].contains(&signal);
        let family =
            if ends { std::iter::once(process).chain(process::below(process.pid)).collect() } else { vec![process] };
        let starts = (scene.replica)(aim).map_or(0, |r| r.restarts());
        for member in &family {
            member.signal(signal).map_err(|error| format!("cannot signal {aim} ({member}): {error}"))?;
        }
        self.struck.push((aim.clone(), family, starts));
        Ok(())
    }

    fn end(&mut self, targets: &[Aim], grace: u64, again: bool, scene: &Scene<'_>) -> Result<(), String> {
        for aim in targets {
            if again {
                (scene.replica)(aim).ok_or_else(|| format!("{aim} is not known here"))?.start_again();
            }
            self.strike(aim, if grace == 0 { Signal::KILL } else { Signal::TERM }, scene)?;
        }
        if grace > 0 {
            let all: Vec<Process> = self.struck.iter().flat_map(|(_, family, _)| family.clone()).collect();
            // Whoever does not end in time is ended; nobody has to wait for that.
            std::thread::spawn(move || {
                let end = Instant::now() + Duration::from_nanos(grace);
                while Instant::now() < end && all.iter().any(Process::is_alive) {
                    std::thread::sleep(Duration::from_millis(20));
                }
                for process in all {
                    let _ = process.signal(Signal::KILL);
                }
            });
        }
        Ok(())
    }

    fn load(&mut self, what: &[&str], exe: &Path) -> Result<(), String> {
        let mut child = Command::new(exe)
            .args(["__local", "stress"])
            .args(["--at-most", &self.fault.at_most.to_string()])
            .args(what)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start a process for the load: {error}"))?;
        let out = child.stdout.take();
        self.loads.push(child);
        let mut line = String::new();
        let read = out.map(|out| BufReader::new(out).read_line(&mut line));
        match read {
            Some(Ok(_)) if line == "ready\n" => Ok(()),
            _ => Err("the load did not come up: is there so much memory, and does anybody answer?".to_owned()),
        }
    }

    /// Whether it is really there.
    pub fn confirm(&mut self, replica: &dyn Fn(&Aim) -> Option<Arc<Replica>>) -> Answer {
        match &self.fault.action {
            Action::Path(fault) => match self.active.as_ref().and_then(|a| a.counters.tell(fault)) {
                Some(seen) => Answer::There(seen),
                None => Answer::NotSeen("nothing came by that it could act on".to_owned()),
            },
            Action::Names(_) => match self.asked.as_ref().and_then(|a| a.tell()) {
                Some(seen) => Answer::There(seen),
                None => Answer::NotSeen("nobody asked for a name that is meant".to_owned()),
            },
            Action::Clock { .. } => self.clock_seen(replica),
            Action::Loss { .. } => match self.table.as_deref().map(packets::dropped) {
                Some(Ok(Some(0))) => Answer::NotSeen("no packet was dropped yet".to_owned()),
                Some(Ok(Some(packets))) => Answer::There(format!("{packets} packets were dropped")),
                Some(Err(error)) => Answer::NotSeen(error),
                Some(Ok(None)) | None => Answer::NotSeen("the rules are gone".to_owned()),
            },
            Action::Stop => match self.stopped.iter().find(|p| p.is_alive() && !p.is_stopped()) {
                Some(process) => Answer::NotSeen(format!("process {process} runs on")),
                None if self.stopped.iter().any(Process::is_alive) => {
                    Answer::There(processes(self.stopped.len(), "stands still", "stand still"))
                }
                None => Answer::NotSeen("the process is gone".to_owned()),
            },
            Action::Signal(word) if !matches!(word.as_str(), "kill" | "term" | "int" | "quit" | "abort") => {
                Answer::There(format!("the signal `{word}` was delivered"))
            }
            Action::Signal(_) | Action::End { .. } => self.gone(),
            Action::Restart { .. } => match self.gone() {
                Answer::There(gone) => {
                    let missing = self.struck.iter().find(|(aim, _, starts)| {
                        replica(aim).is_none_or(|r| r.restarts() <= *starts || !matches!(r.process(), Ok(Some(_))))
                    });
                    match missing {
                        Some((aim, ..)) => Answer::NotSeen(format!("{aim} is not started again yet")),
                        None => Answer::There(format!("{gone}, and started again")),
                    }
                }
                other => other,
            },
            Action::Cpu { .. } | Action::Memory { .. } | Action::Load { .. } => {
                let dead = self.loads.iter_mut().any(|child| !matches!(child.try_wait(), Ok(None)));
                if dead {
                    return Answer::NotSeen("the load has ended".to_owned());
                }
                self.load_seen()
            }
            Action::Limit(limit) => {
                let limit = limit.clone();
                self.limit_seen(&limit)
            }
            Action::Fill { .. } => match self.file.as_deref().and_then(disk::taken) {
                Some(bytes) if bytes >= self.taken => Answer::There(format!("{bytes} bytes are taken")),
                Some(bytes) => Answer::NotSeen(format!("{bytes} of {} bytes are taken", self.taken)),
                None => Answer::NotSeen("the file is gone".to_owned()),
            },
        }
    }

    /// How it is known that the fault, which is still held, is no longer there. What the system does about a fault (it ends a
    /// process that stands still, and starts another) is no end of it before its time.
    pub fn gone_before(&mut self) -> Option<String> {
        match &self.fault.action {
            Action::Stop => {
                let runs = self.stopped.iter().find(|p| p.is_alive() && !p.is_stopped())?;
                Some(format!("process {runs} runs on"))
            }
            Action::Cpu { .. } | Action::Memory { .. } | Action::Load { .. } => {
                let ended = self.loads.iter_mut().find_map(|child| child.try_wait().ok().flatten())?;
                Some(format!("the load has ended ({ended})"))
            }
            Action::Fill { .. } => match self.file.as_deref().and_then(disk::taken) {
                Some(bytes) if bytes >= self.taken => None,
                Some(bytes) => Some(format!("{bytes} of {} bytes were taken", self.taken)),
                None => Some("the file that took the space is gone".to_owned()),
            },
            Action::Clock { .. } => {
                let (aim, _) = self.clocks.iter().find(|(_, file)| shim::is_right(file))?;
                Some(format!("the clock of {aim} was put right"))
            }
            Action::Limit(limit) => {
                let mut held = self.fault.targets.iter().filter_map(|aim| Some((aim.group.as_ref()?, aim.process?)));
                held.find_map(|(group, process)| limits::escaped(group, limit, process))
            }
            Action::Loss { .. } => match self.table.as_deref().map(packets::dropped) {
                Some(Ok(None)) => Some("the rules are gone".to_owned()),
                _ => None,
            },
            Action::Path(_) | Action::Names(_) | Action::Signal(_) | Action::End { .. } | Action::Restart { .. } => {
                None
            }
        }
    }

    /// A limit that nobody met did nothing yet. Each target has to meet its own.
    fn limit_seen(&mut self, limit: &Limit) -> Answer {
        let mut told = Vec::new();
        let mut counted = Vec::new();
        let before = self.counted.take();
        for (number, aim) in self.fault.targets.iter().enumerate() {
            let Some((group, process)) = aim.group.as_ref().zip(aim.process) else {
                return Answer::NotSeen(format!("nobody said where {aim} is to be held"));
            };
            if let Some(why) = limits::escaped(group, limit, process) {
                return Answer::NotSeen(why);
            }
            match limits::counted(group, limit) {
                Ok(now) => {
                    let last = before.as_ref().and_then(|(at, all)| Some((*all.get(number)?, at.elapsed())));
                    told.push(now.tell(limit, last).map(|seen| format!("{aim} {seen}")));
                    counted.push(now);
                }
                Err(why) => return Answer::NotSeen(why),
            }
        }
        self.counted = Some((Instant::now(), counted));
        match told.iter().position(Option::is_none).and_then(|number| self.fault.targets.get(number)) {
            Some(aim) => Answer::NotSeen(format!("{aim} did not come to its limit yet")),
            None => Answer::There(told.into_iter().flatten().collect::<Vec<_>>().join(", ")),
        }
    }

    fn gone(&self) -> Answer {
        let all = || self.struck.iter().flat_map(|(_, family, _)| family);
        match all().find(|p| p.is_alive()) {
            Some(process) => Answer::NotSeen(format!("process {process} is still there")),
            None => Answer::There(processes(all().count(), "is gone", "are gone")),
        }
    }

    fn clock_seen(&self, replica: &dyn Fn(&Aim) -> Option<Arc<Replica>>) -> Answer {
        for (aim, file) in &self.clocks {
            let Some(process) = replica(aim).and_then(|r| r.process().ok().flatten()) else {
                return Answer::NotSeen(format!("{aim} is gone"));
            };
            match shim::seen(process, file) {
                shim::Seen::Asked => {}
                shim::Seen::NotYet => return Answer::NotSeen(format!("{aim} did not ask for the time yet")),
                shim::Seen::NoLibrary => {
                    return Answer::NotSeen(format!("libfaketime is not in {aim}: is it linked statically?"));
                }
            }
        }
        Answer::There(processes(self.clocks.len(), "reads a clock that is wrong", "read a clock that is wrong"))
    }

    fn load_seen(&self) -> Answer {
        let facts: Vec<_> = self.loads.iter().filter_map(|child| process::facts(child.id())).collect();
        let ticks: u64 = facts.iter().map(|f| f.ticks).sum();
        match self.fault.action {
            Action::Cpu { .. } if ticks == 0 => Answer::NotSeen("no processor time was used yet".to_owned()),
            Action::Cpu { .. } => Answer::There(format!("{ticks} ticks of processor time were used")),
            // A load says that it is ready once a first request was answered or refused.
            Action::Load { .. } => Answer::There(processes(self.loads.len(), "sends requests", "send requests")),
            _ => {
                let bytes: u64 = self.loads.iter().filter_map(|child| resident(child.id())).sum();
                Answer::There(format!("{bytes} bytes are held"))
            }
        }
    }

    /// Takes it away, and looks whether it is gone.
    ///
    /// # Errors
    /// What is left, in words.
    pub fn undo(&mut self) -> Result<(), String> {
        for path in self.paths.drain(..) {
            path.set(None);
        }
        for names in self.names.drain(..) {
            names.set(None);
        }
        for (aim, file) in &self.clocks {
            shim::put_right(file).map_err(|error| format!("the clock of {aim} is wrong: {error}"))?;
        }
        if let Some(table) = &self.table {
            packets::end(table).map_err(|error| format!("packets to {} may be lost: {error}", self.fault.id))?;
        }
        self.fault.without_limits()?;
        for child in &mut self.loads {
            drop(child.stdin.take());
            let _ = child.kill();
            child.wait().map_err(|error| format!("the load {} is left: {error}", child.id()))?;
        }
        self.loads.clear();
        let stopped = std::mem::take(&mut self.stopped);
        if let Err(error) = go_on(&stopped) {
            self.stopped = stopped;
            return Err(error);
        }
        if let Some(file) = &self.file {
            disk::empty(file).map_err(|error| format!("{} is left: {error}", file.display()))?;
        }
        Ok(())
    }
}

/// Lets stopped processes go on, children first, and looks whether they do.
///
/// # Errors
/// Which stands still.
pub fn go_on(stopped: &[Process]) -> Result<(), String> {
    for process in stopped.iter().rev() {
        process.signal(Signal::CONT).map_err(|error| format!("process {process} stands still: {error}"))?;
    }
    let end = Instant::now() + SETTLE;
    while let Some(process) = stopped.iter().find(|p| p.is_stopped()) {
        if Instant::now() > end {
            return Err(format!("process {process} stands still"));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// Where others reach an aim, as an address.
fn address(aim: &Aim) -> Result<std::net::SocketAddr, String> {
    use std::net::ToSocketAddrs;
    let text = aim.address.as_deref().ok_or_else(|| format!("no path leads to {aim}"))?;
    let found = text.to_socket_addrs().map_err(|error| format!("`{text}` is no address: {error}"))?.next();
    found.ok_or_else(|| format!("`{text}` is no address"))
}

/// The process of an aim, as it was drawn.
fn living(aim: &Aim) -> Result<Process, String> {
    let process = aim.process.ok_or_else(|| format!("{aim} has no process"))?;
    if process.is_alive() { Ok(process) } else { Err(format!("{aim} is gone: process {process} ended")) }
}

/// So many processes, and what they do.
fn processes(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 process {one}"),
        _ => format!("{count} processes {many}"),
    }
}

fn resident(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
