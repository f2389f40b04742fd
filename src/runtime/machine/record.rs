//! What the machine writes down. This is the body of a journal's record; `docs/journal.md` is its description.
//!
//! Every field can be read by a person who does not know the machine, and nothing here can hold a secret.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::{Observed, Outcome};
use crate::engine::drive::{Target, UndoRecord};
use crate::plan::Effect;
use crate::types::{Duration, Value};

/// A phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseName {
    /// May it run at all?
    Preflight,
    /// Is the system well? Until the first injection.
    Baseline,
    /// From the first injection to the last confirmed undo.
    Faults,
    /// Until every expectation has held for `baseline`.
    Recovering,
    /// After that.
    Recovered,
}

impl PhaseName {
    /// As it is written.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Baseline => "baseline",
            Self::Faults => "faults",
            Self::Recovering => "recovering",
            Self::Recovered => "recovered",
        }
    }
}

/// What a reason is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The run itself.
    Run,
    /// An expectation, by name.
    Expectation(SmolStr),
    /// A check, by name.
    Check(SmolStr),
    /// A guard, in the source's words.
    Guard(String),
    /// A stream, in the source's words.
    Stream(String),
    /// An injection, by id.
    Injection(SmolStr),
    /// How it recovers.
    Recovery,
    /// A question or a note.
    Question(String),
    /// A rule, hours, an approval.
    Policy(String),
}

/// One line of a journal, without its number, time and digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "record")]
pub enum Record {
    /// A phase begins.
    Phase {
        /// Which.
        phase: PhaseName,
    },
    /// Something that preflight looked at.
    Preflight {
        /// What.
        what: String,
        /// Whether it allows the run.
        ok: bool,
        /// What was found.
        found: String,
    },
    /// Somebody approved this plan.
    Approval {
        /// For which team.
        team: SmolStr,
        /// Who, and how it is known.
        by: String,
    },
    /// A draw.
    Draw {
        /// An index into `Plan::draws`.
        draw: u32,
        /// In the source's words.
        text: String,
        /// The chance that decided.
        entropy: u64,
        /// Every candidate, by id, sorted.
        candidates: Vec<SmolStr>,
        /// What was drawn.
        targets: Vec<Target>,
    },
    /// A fault is going to be injected, and this is what its undo needs. On disk before anything happens.
    Intent {
        /// The number within the run: undo goes in reverse.
        injection: u32,
        /// The fault's qualified name.
        fault: SmolStr,
        /// How it ends.
        effect: Effect,
        /// Why it cannot be undone, if it cannot.
        irreversible: Option<String>,
        /// What is hit.
        targets: Vec<SmolStr>,
        /// The longest time that it may be there.
        at_most: Duration,
        /// All that an undo needs.
        undo: UndoRecord,
    },
    /// The engine says that the fault is in.
    Injected {
        /// Which.
        injection: u32,
    },
    /// The fault was seen to be there.
    There {
        /// Which.
        injection: u32,
        /// How it was seen.
        seen: String,
    },
    /// The fault could not be prepared, injected or confirmed.
    NotThere {
        /// Which.
        injection: u32,
        /// Why.
        reason: String,
    },
    /// An undo begins, or is tried again.
    Undoing {
        /// Which.
        injection: u32,
        /// From 1.
        attempt: u32,
    },
    /// An attempt to undo failed.
    UndoFailed {
        /// Which.
        injection: u32,
        /// From 1.
        attempt: u32,
        /// Why.
        reason: String,
    },
    /// The fault is seen to be gone; or, for an instant one, nothing is there to undo.
    Undone {
        /// Which.
        injection: u32,
        /// It was over before its undo came, and how that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        early: Option<String>,
    },
    /// The undo was not confirmed within its bound: something may be left.
    MayBeLeft {
        /// Which.
        injection: u32,
        /// Why.
        reason: String,
    },
    /// A sample, or why there is none.
    Sample {
        /// An index into `Plan::streams`.
        stream: u32,
        /// When it was asked: its moment.
        asked: Duration,
        /// The value.
        value: Option<Value>,
        /// Why there is none.
        missing: Option<String>,
        /// Why the value is what it is, where it alone does not tell: nobody answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<String>,
        /// The expectations and guards whose condition it decided, each with what it says now.
        judged: Vec<(SmolStr, bool)>,
    },
    /// A stream has been without a valid sample for longer than its patience.
    Gap {
        /// An index into `Plan::streams`.
        stream: u32,
    },
    /// An expectation or check is refuted.
    Refuted {
        /// Which.
        subject: Subject,
        /// Why.
        text: String,
    },
    /// A guard fired.
    GuardFired {
        /// In the source's words.
        guard: String,
        /// Why.
        text: String,
    },
    /// A step begins.
    StepBegan {
        /// Its number in the order of the text, from 0.
        node: u32,
        /// In words.
        text: String,
    },
    /// A step has ended.
    StepEnded {
        /// Its number.
        node: u32,
    },
    /// A question was put.
    Asked {
        /// To whom.
        who: SmolStr,
        /// The question.
        question: String,
    },
    /// It was answered.
    Answered {
        /// By whom.
        who: String,
        /// Whether it goes on.
        yes: bool,
    },
    /// A note.
    Note {
        /// Whose words; `None`: the experiment's own.
        who: Option<String>,
        /// The words.
        words: String,
    },
    /// People stepped in.
    Intervened {
        /// Who.
        who: String,
        /// What they did.
        what: String,
    },
    /// The method ends early.
    Ending {
        /// Why.
        reason: String,
    },
    /// Every expectation has held for `baseline`.
    Recovered {
        /// How.
        observed: Observed,
    },
    /// The end.
    Ended {
        /// The verdict and all that is said with it.
        outcome: Outcome,
    },
}

impl Record {
    /// Whether it says that something is not as it should be, for those who mark such moments.
    #[must_use]
    pub fn is_a_break(&self) -> bool {
        matches!(self, Self::Refuted { .. } | Self::GuardFired { .. } | Self::NotThere { .. } | Self::Gap { .. })
    }
}

/// An injection that may still be there, as a journal tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    /// Its number within the run.
    pub injection: u32,
    /// The fault's qualified name.
    pub fault: SmolStr,
    /// What its undo needs.
    pub undo: UndoRecord,
}

/// What may still be there after these records: what was to be injected and is not known to be gone, the last first. This
/// alone is what another process needs to clean up.
pub fn outstanding<'r>(records: impl Iterator<Item = &'r Record>) -> Vec<Open> {
    let mut open: Vec<Open> = Vec::new();
    for record in records {
        match record {
            Record::Intent { injection, fault, undo, .. } => {
                open.push(Open { injection: *injection, fault: fault.clone(), undo: undo.clone() });
            }
            Record::Undone { injection, .. } => open.retain(|o| o.injection != *injection),
            _ => {}
        }
    }
    open.reverse();
    open
}
