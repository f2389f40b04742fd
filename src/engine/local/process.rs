//! Processes of this machine: found, looked at, signalled.
//!
//! A process is its id *and* the moment of its start, as ids are given again. A signal goes through a handle that was
//! opened before the moment was compared, so that it can reach no other. Facts come from Linux's `/proc`; elsewhere nothing
//! is found, and `perturb engines local` says so.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

/// One process, never another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// When it started, in the kernel's ticks since the machine did.
    pub start: u64,
}

/// What the kernel says of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its parent.
    pub parent: u32,
    /// The group that it belongs to, by the process that led it first.
    pub group: u32,
    /// `R`, `S`, `T` (stopped), `Z` (ended, and not yet fetched).
    pub state: char,
    /// When it started.
    pub start: u64,
    /// The name of its program, at most 15 bytes.
    pub name: String,
    /// Processor time so far, in ticks.
    pub ticks: u64,
}

/// What the kernel says of an id now.
#[must_use]
pub fn facts(pid: u32) -> Option<Facts> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in brackets and may hold anything, brackets too: the last one closes it.
    let (before, after) = text.rsplit_once(')')?;
    let name = before.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = after.split_whitespace().collect();
    Some(Facts {
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().unwrap_or(0),
        ticks: fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?,
        start: fields.get(19)?.parse().ok()?,
        name,
    })
}

impl Process {
    /// The process that has this id now.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        facts(pid).filter(|f| f.state != 'Z').map(|f| Self { pid, start: f.start })
    }

    /// What the kernel says of it; `None`: it is gone.
    #[must_use]
    pub fn facts(&self) -> Option<Facts> {
        facts(self.pid).filter(|f| f.start == self.start && f.state != 'Z')
    }

    /// Whether it is there.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.facts().is_some()
    }

    /// Whether it is certain that it is gone. That nothing can be read of it is no proof: this process may have no more files.
    #[must_use]
    pub fn is_surely_gone(&self) -> bool {
        match fs::read_to_string(format!("/proc/{}/stat", self.pid)) {
            Ok(_) => facts(self.pid).is_some_and(|f| f.start != self.start || f.state == 'Z'),
            Err(error) => {
                let no_such = rustix::io::Errno::SRCH.raw_os_error();
                error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(no_such)
            }
        }
    }

    /// Whether it stands still.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.facts().is_some_and(|f| f.state == 'T')
    }

    /// Sends it a signal; `false`: it is gone.
    ///
    /// # Errors
    /// That it belongs to somebody else.
    #[cfg(target_os = "linux")]
    pub fn signal(&self, signal: Signal) -> io::Result<bool> {
        use rustix::io::Errno;
        use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else { return Ok(false) };
        let handle = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(handle) => handle,
            Err(Errno::SRCH | Errno::INVAL) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        if !self.is_alive() {
            return Ok(false);
        }
        match pidfd_send_signal(handle, signal) {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends it a signal; `false`: it is gone.
    ///
    /// # Errors
    /// That it belongs to somebody else.
    #[cfg(not(target_os = "linux"))]
    pub fn signal(&self, signal: Signal) -> io::Result<bool> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else { return Ok(false) };
        if !self.is_alive() {
            return Ok(false);
        }
        rustix::process::kill_process(pid, signal)?;
        Ok(true)
    }
}

/// `PID@START`
impl std::str::FromStr for Process {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (pid, start) = text.split_once('@').unwrap_or((text, ""));
        Ok(Self { pid: pid.parse()?, start: start.parse()? })
    }
}

impl std::fmt::Display for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.pid, self.start)
    }
}

/// The processes without which these would not go on: themselves, all above them up to the first of the machine, and what the first
/// of them started from its own program (a watchdog).
#[must_use]
pub fn carriers(pids: &[u32]) -> BTreeSet<u32> {
    let mut found = BTreeSet::from([1]);
    for pid in pids {
        let mut at = Some(*pid);
        while let Some(pid) = at.filter(|pid| *pid != 0 && found.insert(*pid)) {
            at = facts(pid).map(|facts| facts.parent);
        }
    }
    let program = |pid: u32| fs::read_link(format!("/proc/{pid}/exe")).ok();
    let started = |pid: &u32| {
        let parent = facts(*pid).map(|facts| facts.parent).filter(|parent| pids.first() == Some(parent));
        parent.is_some_and(|parent| program(*pid).is_some_and(|own| program(parent) == Some(own)))
    };
    found.extend(all().into_iter().filter(started));
    found
}

/// In the environment of what a runner starts to look at something: the runner, so that whoever cleans up after it finds them.
pub const RUNNER: &str = "PERTURB_RUNNER";

/// In the environment of what a keeper starts: the keeper, for the same reason.
pub const KEEPER: &str = "PERTURB_KEEPER";

/// The processes that a runner started to look at something, with what they started.
#[must_use]
pub fn started_by(runner: Process) -> Vec<Process> {
    marked(RUNNER).into_iter().filter(|(_, by)| *by == runner).map(|(process, _)| process).collect()
}

/// The processes that a keeper started, or that they started, and that the keeper's own death has not taken along: they have
/// a session of their own, or another parent.
///
/// Never those that carry this process: it may run inside of what a service started.
#[must_use]
pub fn orphans() -> Vec<Process> {
    let own = carriers(&[std::process::id()]);
    let orphaned = |(process, by): &(Process, Process)| {
        by.is_surely_gone() && process.pid != by.pid && !own.contains(&process.pid)
    };
    marked(KEEPER).into_iter().filter(orphaned).map(|(process, _)| process).collect()
}

/// Ends the [`orphans`] of this machine, and says how many it ended.
pub fn end_orphans() -> usize {
    end(orphans())
}

/// Ends what this process started to look at something, and says how many it ended.
pub fn end_own_probes() -> usize {
    let Some(own) = Process::of(std::process::id()) else { return 0 };
    let carriers = carriers(&[own.pid]);
    end(started_by(own).into_iter().filter(|process| !carriers.contains(&process.pid)).collect())
}

/// Who cannot be signalled is gone, or somebody else's by now.
fn end(all: Vec<Process>) -> usize {
    all.into_iter().filter(|process| matches!(process.signal(Signal::KILL), Ok(true))).count()
}

/// What is in the group that a process leads, or led. Its id is nobody else's as long as anybody is in it.
#[must_use]
pub fn in_group(leader: u32) -> Vec<Process> {
    let is_in = |process: &Process| process.facts().is_some_and(|f| f.group == leader);
    all().into_iter().filter_map(Process::of).filter(is_in).collect()
}

/// Whether this keeper started it, or what it started did.
#[must_use]
pub fn is_of_this_keeper(process: Process) -> bool {
    let keeper = Process::of(std::process::id());
    marked(KEEPER).into_iter().any(|(of, by)| of == process && Some(by) == keeper)
}

/// The processes in whose environment this variable names another process, and that process. Of a container's nothing is
/// said: its ids are its own, and mean others here.
fn marked(variable: &str) -> Vec<(Process, Process)> {
    let space = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let here = space("self");
    let mark = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
        let mut variables = environment.split(|byte| *byte == 0).filter_map(|entry| std::str::from_utf8(entry).ok());
        let by = variables.find_map(|entry| entry.strip_prefix(variable)?.strip_prefix('=')?.parse().ok())?;
        (space(&pid.to_string()) == here).then_some(by)
    };
    all().into_iter().filter_map(|pid| Some((Process::of(pid)?, mark(&pid)?))).collect()
}

/// A signal's word in the language.
#[must_use]
pub fn signal_named(word: &str) -> Option<Signal> {
    Some(match word {
        "kill" => Signal::KILL,
        "term" => Signal::TERM,
        "int" => Signal::INT,
        "hup" => Signal::HUP,
        "quit" => Signal::QUIT,
        "abort" => Signal::ABORT,
        "usr1" => Signal::USR1,
        "usr2" => Signal::USR2,
        _ => return None,
    })
}

/// Every process, sorted by id.
#[must_use]
pub fn all() -> Vec<u32> {
    let mut found: Vec<u32> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    found.sort_unstable();
    found
}

/// The process whose id is in this file.
///
/// # Errors
/// Why there is none, in words.
pub fn from_pid_file(path: &Path) -> Result<Process, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let pid = text
        .split_whitespace()
        .next()
        .and_then(|t| t.parse().ok())
        .ok_or_else(|| format!("{} holds no process id", path.display()))?;
    Process::of(pid).ok_or_else(|| format!("no process {pid}, which {} names", path.display()))
}

/// The process that listens on this TCP port; of a parent and its children that share it, the parent.
///
/// # Errors
/// Why there is none, in words.
pub fn listening(port: u16) -> Result<Process, String> {
    let inodes = sockets(port);
    if inodes.is_empty() {
        return Err(format!("nothing listens on port {port}"));
    }
    let holders: Vec<u32> = all().into_iter().filter(|pid| holds(*pid, &inodes)).collect();
    first_of_family(&holders).ok_or_else(|| format!("what listens on port {port} belongs to somebody else"))
}

/// The one process whose program is called so (the last part of its path, or the name that it gave itself).
///
/// # Errors
/// That there is none, or more than one family of them.
pub fn named(name: &str) -> Result<Process, String> {
    let own = std::process::id();
    let found: Vec<u32> = all().into_iter().filter(|pid| *pid != own && is_called(*pid, name)).collect();
    let roots = roots(&found);
    match roots.as_slice() {
        [] => Err(format!("no process is called `{name}`")),
        [one] => Process::of(*one).ok_or_else(|| format!("no process is called `{name}`")),
        many => Err(format!("{} processes are called `{name}`: say which by port or pid file", many.len())),
    }
}

fn is_called(pid: u32, name: &str) -> bool {
    let program = fs::read(format!("/proc/{pid}/cmdline")).ok().and_then(|line| {
        let first = line.split(|b| *b == 0).next()?.to_vec();
        let text = String::from_utf8(first).ok()?;
        Some(text.rsplit('/').next().unwrap_or_default().to_owned())
    });
    program.as_deref() == Some(name) || facts(pid).is_some_and(|f| f.name == name)
}

/// Those whose parent is not among them.
fn roots(pids: &[u32]) -> Vec<u32> {
    pids.iter().copied().filter(|pid| facts(*pid).is_some_and(|f| !pids.contains(&f.parent))).collect()
}

fn first_of_family(pids: &[u32]) -> Option<Process> {
    roots(pids).first().copied().and_then(Process::of)
}

/// The sockets that listen on a port, by the number that `/proc/PID/fd` gives them.
fn sockets(port: u16) -> BTreeSet<u64> {
    let listening = |text: String| {
        text.lines()
            .skip(1)
            .filter_map(|line| {
                let fields: Vec<&str> = line.split_whitespace().collect();
                let own = fields.get(1)?.rsplit_once(':')?.1;
                // 0A: TCP_LISTEN.
                (u16::from_str_radix(own, 16).ok()? == port && *fields.get(3)? == "0A").then_some(())?;
                fields.get(9)?.parse().ok()
            })
            .collect::<Vec<u64>>()
    };
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().filter_map(|p| fs::read_to_string(p).ok()).flat_map(listening).collect()
}

fn holds(pid: u32, inodes: &BTreeSet<u64>) -> bool {
    fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().any(|entry| {
        let link = entry.ok().and_then(|e| fs::read_link(e.path()).ok());
        let inode = link.and_then(|l| l.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
        inode.is_some_and(|i| inodes.contains(&i))
    })
}

/// Every process below one, itself first.
#[must_use]
pub fn family(root: u32) -> Vec<u32> {
    std::iter::once(root).chain(below(root).iter().map(|process| process.pid)).collect()
}

/// Every process below one, each as it was when its parent was seen: its id may be another's a moment later.
#[must_use]
pub fn below(root: u32) -> Vec<Process> {
    let seen: Vec<(Process, u32)> =
        all().into_iter().filter_map(|pid| facts(pid).map(|f| (Process { pid, start: f.start }, f.parent))).collect();
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        let children = seen.iter().filter(|(child, of)| *of == parent && child.pid != root).map(|(child, _)| *child);
        let children: Vec<Process> = children.collect();
        parents.extend(children.iter().map(|child| child.pid));
        found.extend(children);
    }
    found
}

/// Which boot of the machine this is: a process of another one is gone, whoever has its id now.
#[must_use]
pub fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// Leads a session of its own from now on: neither the end of a terminal nor a signal to whoever started it reaches it.
///
/// # Errors
/// That it cannot.
pub fn lead_session() -> io::Result<()> {
    use rustix::process::{getpid, getsid, setsid};
    match setsid() {
        // It leads one already.
        Err(_) if getsid(None) == Ok(getpid()) => Ok(()),
        done => done.map(|_| ()).map_err(|error| io::Error::other(format!("no session of its own: {error}"))),
    }
}
