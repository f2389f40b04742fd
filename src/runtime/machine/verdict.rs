//! Verdicts: which there are, which comes first, and what is said with them.

use serde::{Deserialize, Serialize};

use super::Subject;
use crate::plan::RecoveryClass;
use crate::types::Duration;

/// How a run ended. In this order the first that fits is the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// An undo is not confirmed: something may be left.
    Error,
    /// A valid sample broke an expectation, a check failed, or recovery was late.
    Refuted,
    /// A guard, a question or the operator ended it.
    Aborted,
    /// Samples were missing, or a fault was not confirmed to be there.
    Inconclusive,
    /// Nothing was injected.
    NotRun,
    /// None of the above.
    Confirmed,
}

impl Verdict {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::Error, Self::Refuted, Self::Aborted, Self::Inconclusive, Self::NotRun, Self::Confirmed];

    /// The exit code of `perturb run`.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Confirmed => 0,
            Self::Refuted => 1,
            Self::NotRun => 3,
            Self::Aborted => 4,
            Self::Inconclusive => 5,
            Self::Error => 6,
        }
    }

    /// As it is written.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Refuted => "refuted",
            Self::Aborted => "aborted",
            Self::Inconclusive => "inconclusive",
            Self::NotRun => "not-run",
            Self::Confirmed => "confirmed",
        }
    }

    /// The verdict of a text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.text() == text)
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

/// One reason for a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Reason {
    /// Which verdict it speaks for.
    pub verdict: Verdict,
    /// When, since the run began.
    pub at: Duration,
    /// What it is about.
    pub subject: Subject,
    /// In words.
    pub text: String,
}

/// What ended the method.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EndedBy {
    /// Its last step.
    Completed,
    /// A condition for running was not met.
    Preflight,
    /// The system was not well before anything was injected.
    Baseline,
    /// A guard, in the source's words.
    Guard(String),
    /// A check, by name.
    Check(String),
    /// A question that was answered with no, or not at all.
    Ask(String),
    /// A person or a signal.
    Operator(String),
    /// A fault that could not be injected or confirmed.
    Fault(String),
    /// Nothing could be written down any more.
    Journal,
    /// The engine that led the run ended it; in words.
    Engine(String),
}

/// How the system was seen to recover.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Observed {
    /// By itself, after this time, within the bound.
    WithinBound(Duration),
    /// By itself, after this time, beyond the bound.
    AfterBound(Duration),
    /// After people stepped in; after this time.
    WithHands(Duration),
    /// Not while it was watched.
    NotAtAll,
    /// It was watched, and samples were missing: nobody can say.
    NotSeen,
    /// It was not watched: nothing was injected, or the operator ended the run.
    NotObserved,
}

impl Observed {
    /// For people.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::WithinBound(took) => format!("by itself after {}", rounded(*took)),
            Self::AfterBound(took) => format!("by itself, but only after {}", rounded(*took)),
            Self::WithHands(took) => format!("after people stepped in, in {}", rounded(*took)),
            Self::NotAtAll => "not while it was watched".to_owned(),
            Self::NotSeen => "nobody could see it".to_owned(),
            Self::NotObserved => "not watched".to_owned(),
        }
    }
}

/// To a tenth of a second.
fn rounded(length: Duration) -> Duration {
    let tenth = 100_000_000;
    Duration::from_nanos((length.as_nanos() + tenth / 2) / tenth * tenth).unwrap_or(length)
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// What ended the method.
    pub ended_by: EndedBy,
    /// Everything that speaks for a verdict other than `confirmed`, worst first, then in order of time.
    pub reasons: Vec<Reason>,
    /// How the plan says that it recovers.
    pub declared: RecoveryClass,
    /// How it did.
    pub observed: Observed,
    /// Injections that may still be there.
    pub left: Vec<String>,
    /// How many injections there were.
    pub injected: u32,
    /// A guard fired once nothing was left to undo: what stands around this run stops.
    pub stops_series: bool,
}

impl Outcome {
    /// Whether a verify or game day goes on after it.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        !self.stops_series && matches!(self.verdict, Verdict::Confirmed | Verdict::Refuted | Verdict::NotRun)
    }
}

/// The verdict of these reasons.
pub(super) fn verdict(reasons: &[Reason]) -> Verdict {
    reasons.iter().map(|r| r.verdict).min().unwrap_or(Verdict::Confirmed)
}
