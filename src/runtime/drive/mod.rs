//! Carries the machine's commands out: with engines, a source of samples, people, and the journal.
//!
//! Comes in: a plan, and [`Parts`] that reach the world. Goes out: the [`Outcome`](crate::runtime::machine::Outcome). Whatever
//! happens to this process (a signal, a panic, a full disk, a lost terminal, an engine that hangs), what it injected is undone
//! before it ends; if it cannot (SIGKILL, power), [`rescue`] does it from the journal in another process.

#![expect(clippy::disallowed_methods, reason = "the edge: this is where clocks are read and signals arrive")]

pub mod claims;
mod effects;
mod hold;
mod rescue;

use std::sync::Arc;

use crate::engine::drive::Driver;
use crate::plan::{Approval, EngineName, Plan, Rule, Stream};
use crate::runtime::journal::{JournalError, RunRow, Verified};
use crate::runtime::machine::{Answer, Event, Question, Record};
use crate::runtime::watchdog::Program;
use crate::types::Duration;

pub use hold::{Dry, dry, hold};
pub use rescue::{Left, Rescued, left_of, recover, rescue};

/// Where samples come from.
#[async_trait::async_trait]
pub trait Sampler: Send + Sync {
    /// One sample of a stream.
    ///
    /// # Errors
    /// Why there is none, in words.
    async fn sample(&self, stream: &Stream) -> Result<Answer, String>;
}

/// Who answers what only people can.
#[async_trait::async_trait]
pub trait People: Send + Sync {
    /// An approval of this plan: who gave it and how that is known.
    ///
    /// # Errors
    /// Nobody did.
    async fn approve(&self, plan: &Plan, approval: &Approval) -> Result<String, String>;

    /// A rule that only preflight can judge: what was found.
    ///
    /// # Errors
    /// What breaks it, or that nobody can tell.
    async fn judge(&self, plan: &Plan, rule: &Rule) -> Result<String, String>;

    /// Whether anybody can be asked at all.
    fn are_there(&self) -> bool {
        true
    }

    /// Whether it goes on, and who says so; `None`: nobody answers.
    async fn ask(&self, question: &Question) -> Option<(bool, String)>;

    /// Somebody's words; `None`: nobody answers.
    async fn prompt(&self, question: &Question) -> Option<(String, String)>;
}

/// Sees what is written down, when it is.
pub trait Viewer: Send {
    /// A record, with the time since the run began.
    fn record(&mut self, at: Duration, record: &Record);

    /// A moment without any: for clocks that are shown.
    fn tick(&mut self, at: Duration);
}

/// What reaches the world.
pub struct Parts {
    /// The engines that can be driven from here.
    pub drivers: Vec<Arc<dyn Driver>>,
    /// Where samples come from.
    pub sampler: Arc<dyn Sampler>,
    /// Who answers.
    pub people: Arc<dyn People>,
    /// Who looks on.
    pub viewer: Box<dyn Viewer>,
    /// How the watchdog is started; `None`: there is none, which is for tests of what happens without.
    pub watchdog: Option<Program>,
    /// What an operator says meanwhile.
    pub operator: tokio::sync::mpsc::UnboundedReceiver<Event>,
}

impl Parts {
    /// The names of the engines.
    #[must_use]
    pub fn drivable(&self) -> Vec<EngineName> {
        self.drivers.iter().map(|d| d.engine()).collect()
    }
}

/// Why a run could not even begin. Nothing was injected.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The operating system.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it did not work.
        source: std::io::Error,
    },
    /// The machine ended without a word, which is a mistake in Perturb; what was injected is undone.
    #[error("the run broke off: {0}; what was injected has been undone as far as the journal of `{1}` says")]
    Broken(String, String),
}

/// A run that another one finds when it begins.
#[must_use]
pub fn is_unfinished(run: &RunRow) -> bool {
    run.verdict.as_deref().is_none_or(|v| v == "error")
}

/// Whether a journal's chain is whole.
#[must_use]
pub fn is_whole(verified: &Verified) -> bool {
    matches!(verified, Verified::Whole { .. })
}

/// Milliseconds since 1970.
#[must_use]
pub fn wall() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A length of time as the standard library has it.
#[must_use]
pub fn std_time(length: Duration) -> std::time::Duration {
    std::time::Duration::from_nanos(length.as_nanos())
}
