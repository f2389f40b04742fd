//! What an engine must be able to do so that Perturb can hold an experiment itself: find candidates, say what an undo will
//! need *before* anything happens, inject, confirm, undo.
//!
//! Comes in: the plan's own types and an [`Injection`]. Goes out: what was done, as data that a journal can keep. The
//! order of calls is the runtime's, and it is a promise: `prepare` has no effect; what it returns is on disk before
//! `inject` is called; `undo` takes nothing but that record, so that another process, started after a crash, can call it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::plan::{Effect, EngineName, Plan, Selector};
use crate::types::{Duration, Entry};

/// A thing that can be hit, as an engine found it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Target {
    /// Never given to another thing, not even after this one is gone: `process:4711@882310` (id and start time),
    /// `pod:pay/ledger-0/UID`, `endpoint:http://127.0.0.1:9001`.
    pub id: SmolStr,
    /// The service that it belongs to, if the catalogue knows.
    pub service: Option<SmolStr>,
    /// What the engine needs to reach it again, and people to recognise it: `pid`, `name`, `node`, ….
    pub facts: BTreeMap<SmolStr, SmolStr>,
}

/// One fault on the things that were drawn for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Injection {
    /// Unique among all runs: `RUN/STEP`.
    pub id: SmolStr,
    /// The fault's qualified name, for people.
    pub fault: SmolStr,
    /// What must not be used twice at once on one target.
    pub mechanism: SmolStr,
    /// How it ends.
    pub effect: Effect,
    /// The engine's body, evaluated.
    pub body: Vec<Entry>,
    /// What is hit.
    pub targets: Vec<Target>,
    /// The longest time that the fault may be there. The engine carries it near the place where the fault acts, so that a
    /// dead runner can only shorten a fault.
    pub at_most: Duration,
}

/// All that an undo needs. It must be enough for another process on the same machine (or, for clusters, on any).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct UndoRecord {
    /// Who can undo it.
    pub engine: EngineName,
    /// [`Injection::id`].
    pub injection: SmolStr,
    /// The form of `data`; an engine reads all forms that it ever wrote.
    pub form: u32,
    /// The engine's own.
    pub data: serde_json::Value,
}

/// An injection's id as a part of a name that takes letters and digits only; `between` stands for the rest.
#[must_use]
pub fn named_after(injection: &str, between: char) -> String {
    injection.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { between }).collect()
}

/// Whether a fault is really there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confirmation {
    /// It is, and how that was seen: `the proxy delayed 14 chunks`.
    There(String),
    /// It is not, or nobody could see it, and why.
    NotSeen(String),
}

/// What an undo found when it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Was {
    /// The fault as it was put in; or nobody can tell.
    AsLeft,
    /// The fault was over already, and how that is known: it did not last as long as it should have.
    GoneBefore(String),
}

/// What went wrong with an effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DriveError {
    /// It may go better a moment later; the same call may be made again.
    #[error("{what}: {reason}")]
    Passing {
        /// What was tried, on what.
        what: String,
        /// Why it did not work.
        reason: String,
    },
    /// Trying again changes nothing.
    #[error("{what}: {reason}")]
    Final {
        /// What was tried, on what.
        what: String,
        /// Why it cannot work.
        reason: String,
    },
}

/// An engine that Perturb drives itself.
///
/// Every call may be dropped at any await (its caller has a deadline) and may be made again afterwards.
#[async_trait::async_trait]
pub trait Driver: Send + Sync {
    /// Which engine it is.
    fn engine(&self) -> EngineName;

    /// Whether the engine is there and lets us do what the plan asks of it.
    ///
    /// # Errors
    /// What is missing, and who can mend it.
    async fn ready(&self, plan: &Plan) -> Result<(), DriveError>;

    /// Everything that a selector of the plan finds now, sorted by id. `drawn` gives what earlier draws hit.
    ///
    /// # Errors
    /// That nobody answers, or that the engine has no such targets.
    async fn candidates(
        &self,
        plan: &Plan,
        selector: &Selector,
        drawn: &BTreeMap<u32, Vec<Target>>,
    ) -> Result<Vec<Target>, DriveError>;

    /// Which of these, drawn before, are still there: what a later step with the same draw can hit.
    ///
    /// # Errors
    /// That nobody answers.
    async fn left(&self, targets: &[Target]) -> Result<Vec<Target>, DriveError> {
        Ok(targets.to_vec())
    }

    /// What of a target no two runs on this machine may hit at once, in words: runs of different journals meet only here. Empty
    /// for what is another engine's, or is not on this machine.
    fn exclusive(&self, _target: &Target) -> Vec<String> {
        Vec::new()
    }

    /// What the undo will need. Has no effect on any target.
    ///
    /// # Errors
    /// That the fault cannot be injected into these targets.
    async fn prepare(&self, injection: &Injection) -> Result<UndoRecord, DriveError>;

    /// Injects. Called again with the same record, it does not inject twice.
    ///
    /// # Errors
    /// That it is not there, or only in part: the caller undoes in either case.
    async fn inject(&self, injection: &Injection, undo: &UndoRecord) -> Result<(), DriveError>;

    /// Whether the fault is really there, by looking at the system and not at what we asked of it.
    ///
    /// # Errors
    /// That looking failed.
    async fn confirm(&self, injection: &Injection, undo: &UndoRecord) -> Result<Confirmation, DriveError>;

    /// Why a lasting fault that was seen to be there is there no more, though nobody undid it. `None`: it is, or nobody can tell.
    /// Asked again and again while it should be there.
    async fn vanished(&self, _undo: &UndoRecord) -> Option<String> {
        None
    }

    /// Takes the fault away and returns once it is seen to be gone, with whether it was there until then. Idempotent; right also
    /// if `inject` never ran, ran in part, or the target is gone.
    ///
    /// # Errors
    /// That something may be left.
    async fn undo(&self, undo: &UndoRecord) -> Result<Was, DriveError>;

    /// What a person does where [`Driver::undo`] cannot: one command a line, right to be copied.
    fn by_hand(&self, _undo: &UndoRecord) -> Vec<String> {
        Vec::new()
    }

    /// Nothing more will be asked: what [`Driver::ready`] started for this run may end. Called after the last undo. Without
    /// it (the runner died) an engine ends it by itself, some time later.
    ///
    /// # Errors
    /// That something may be left.
    async fn release(&self) -> Result<(), DriveError> {
        Ok(())
    }
}
