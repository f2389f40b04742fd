//! What this machine can do, and why not the rest.

use std::path::Path;

use super::limits::{self, Controller};

/// One kind of faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ability {
    /// `signals`, `proxy`, ….
    pub what: &'static str,
    /// `None`: it can; else why not, and what would help.
    pub why_not: Option<String>,
}

/// What the local engine can do on this machine.
#[must_use]
pub fn survey() -> Vec<Ability> {
    let linux = cfg!(target_os = "linux");
    let proc = (!Path::new("/proc/self/stat").exists()).then(|| "this system has no `/proc`".to_owned());
    let limits = |controller| limits::possible(controller).err();
    vec![
        Ability { what: "start processes from a command, with readiness and log", why_not: None },
        Ability { what: "signal, stop and restart processes", why_not: proc.clone() },
        Ability { what: "find processes by pid file, port or program", why_not: proc },
        Ability { what: "proxy: delay, bandwidth, stall, cut, reset, half-open, slow close", why_not: None },
        Ability {
            what: "proxy: delays to a tenth of a millisecond",
            why_not: (!linux).then(|| "only Linux has timerfd: delays are right to about 2 ms here".to_owned()),
        },
        Ability { what: "HTTP/1: abort, delay, status, header, body", why_not: None },
        Ability { what: "processor and memory under load", why_not: None },
        Ability { what: "fill a folder or a disk", why_not: None },
        Ability { what: "send a load to URLs", why_not: None },
        Ability { what: "answer for a name server, at a `resolver`", why_not: None },
        Ability {
            what: "move the clock of what is started with `movable-clock`",
            why_not: super::shim::library().err(),
        },
        Ability { what: "lose packets (nftables)", why_not: super::packets::possible().err() },
        Ability { what: "limit the processor of a process (cgroups)", why_not: limits(Controller::Cpu) },
        Ability { what: "limit the memory of a process (cgroups)", why_not: limits(Controller::Memory) },
        Ability { what: "slow the disk of a process (cgroups)", why_not: limits(Controller::Disk) },
    ]
}
