//! What is said to the keeper and what it answers: one line of JSON each, over a socket of the file system that only its
//! owner can open.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::engine::local::action::Action;
use crate::engine::local::limits::{self, Group};
use crate::engine::local::process::Process;
use crate::plan::LocalReplica;

/// Raised with every change that an older keeper would misread.
pub const VERSION: u32 = 3;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Who is there?
    Hello,
    /// Starts what is not there, opens the proxies, and waits until all is ready.
    Up {
        /// All of it.
        system: System,
        /// Who needs it.
        holder: String,
        /// For how long, in milliseconds, unless that is renewed.
        lease: u64,
        /// Whether it stays when nobody needs it any more, until `Down`.
        keep: bool,
    },
    /// Renews a lease: faults of this holder may stay.
    Lease {
        /// Whose.
        holder: String,
        /// In milliseconds.
        lease: u64,
    },
    /// This holder needs nothing any more; what it injected is undone.
    Release {
        /// Who.
        holder: String,
    },
    /// Injects, unless it is there already.
    Inject {
        /// What.
        fault: Injected,
        /// The lease of its holder, in milliseconds.
        lease: u64,
    },
    /// Whether a fault is really there.
    Confirm {
        /// Which.
        id: String,
    },
    /// Takes a fault away; done once it is seen to be gone. A fault that comes later under this id is refused.
    Undo {
        /// Which.
        id: String,
    },
    /// What is there.
    Look,
    /// Undoes everything, ends what it started, and ends.
    Down,
}

/// What runs on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct System {
    /// What relative paths begin at.
    pub folder: PathBuf,
    /// Service and replica.
    pub replicas: Vec<(String, LocalReplica)>,
}

/// A fault with its targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Injected {
    /// Unique among all runs.
    pub id: String,
    /// Whose lease it lives by.
    pub holder: String,
    /// What is done.
    pub action: Action,
    /// To what.
    pub targets: Vec<Aim>,
    /// In milliseconds, from the injection; then it is undone whatever the lease.
    pub at_most: u64,
}

impl Injected {
    /// Ends the limits that it set. Right also if there are none.
    ///
    /// # Errors
    /// What is left, in words.
    pub fn without_limits(&self) -> Result<(), String> {
        // One that cannot be ended keeps no other one in.
        let end = |aim: &Aim| limits::end(aim.group.as_ref()?).err();
        let left: Vec<String> = self.targets.iter().filter_map(end).collect();
        if left.is_empty() { Ok(()) } else { Err(left.join("; ")) }
    }
}

/// One target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Aim {
    /// Its service.
    pub service: String,
    /// Its name there.
    pub replica: String,
    /// Its process, as it was drawn.
    pub process: Option<Process>,
    /// Where its path begins.
    pub address: Option<String>,
    /// Its URL, for a load.
    #[serde(default)]
    pub url: Option<String>,
    /// Where it asks for names.
    #[serde(default)]
    pub resolver: Option<String>,
    /// Where it is held, for a limit.
    #[serde(default)]
    pub group: Option<Group>,
}

impl std::fmt::Display for Aim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.service, self.replica)
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It is done.
    Done,
    /// It is undone, and was over before; how that is known.
    GoneBefore(String),
    /// Here I am.
    Hello {
        /// [`VERSION`].
        version: u32,
        /// The keeper itself.
        keeper: Process,
    },
    /// It is there, and how that was seen.
    There(String),
    /// It is not, or nobody could see it, and why.
    NotSeen(String),
    /// What is there.
    Look(Look),
    /// It was not done.
    Failed {
        /// Why.
        reason: String,
        /// Whether it may go better a moment later.
        passing: bool,
    },
}

/// What is there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Look {
    /// Every replica.
    pub replicas: Vec<ReplicaLook>,
    /// The ids of the faults that are there now.
    pub faults: Vec<String>,
    /// Those of them that could not be taken away, each with why.
    #[serde(default)]
    pub stuck: BTreeMap<String, String>,
}

/// What is seen of a replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ReplicaLook {
    /// Its service.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Its process, if it has one and it is there.
    pub process: Option<Process>,
    /// Why it is not ready; `None`: it is.
    pub not_ready: Option<String>,
    /// Where others reach it.
    pub address: Option<String>,
    /// Where it asks for names.
    #[serde(default)]
    pub resolver: Option<String>,
    /// How often the keeper had to start it again.
    pub restarts: u32,
    /// How many connections its proxy carries.
    pub connections: u64,
}
