//! What the machine is told, and what it asks for. Data alone.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::{Followed, Outcome, Record};
use crate::engine::drive::{Confirmation, Injection, Target, UndoRecord, Was};
use crate::plan::{EngineName, Stream};
use crate::types::{Duration, Value};

/// Why an effect did not come about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Failed {
    /// Whether trying again cannot help.
    pub is_final: bool,
    /// In words.
    pub reason: String,
}

/// What a source answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The value.
    pub value: Value,
    /// Why it is that, where the value alone does not tell: nobody answered, or somebody said no.
    pub because: Option<String>,
}

impl Answer {
    /// What it says that nobody answered in time.
    ///
    /// # Errors
    /// Why there is no answer: to most sources silence is no value.
    pub fn silence(stream: &Stream) -> Result<Self, String> {
        let because = format!("no answer within {}", stream.timeout);
        match stream.unanswered() {
            Some(value) => Ok(Self { value, because: Some(because) }),
            None => Err(because),
        }
    }
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self { value, because: None }
    }
}

/// What happened. Answers may come twice, late, or never: the machine holds its own deadlines.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Time went by.
    Tick,
    /// The run begins.
    Begin {
        /// Seconds since 1970, for open hours.
        wall: i64,
    },
    /// To [`Command::Ready`].
    Ready {
        /// Which engine.
        engine: EngineName,
        /// What is missing.
        result: Result<(), String>,
    },
    /// To [`Command::Judge`].
    Judged {
        /// An index into `Plan::rules`.
        rule: u32,
        /// What was found; or what breaks the rule.
        result: Result<String, String>,
    },
    /// To [`Command::Approve`].
    Approved {
        /// An index into `Plan::approvals`.
        approval: u32,
        /// Who approved and how; or why nobody did.
        result: Result<String, String>,
    },
    /// To [`Command::Find`].
    Found {
        /// An index into `Plan::draws`.
        draw: u32,
        /// The candidates.
        result: Result<Vec<Target>, String>,
        /// The chance that decides which of them are hit.
        entropy: u64,
    },
    /// To [`Command::Left`]: which of the drawn things are still there.
    Left {
        /// An index into `Plan::draws`.
        draw: u32,
        /// Those that are left.
        result: Result<Vec<Target>, String>,
    },
    /// To [`Command::Lock`].
    Locked {
        /// The number of the request.
        request: u32,
        /// Who holds one of them.
        result: Result<(), String>,
    },
    /// To [`Command::Sample`].
    Sampled {
        /// An index into `Plan::streams`.
        stream: u32,
        /// When it was asked: the sample's moment.
        asked: Duration,
        /// The answer; or why there is none.
        result: Result<Answer, String>,
    },
    /// To [`Command::Prepare`].
    Prepared {
        /// Which injection (a number of this run).
        injection: u32,
        /// What its undo needs.
        result: Result<UndoRecord, Failed>,
    },
    /// To [`Command::Keep`]: the undo is on disk.
    Kept {
        /// Which injection.
        injection: u32,
    },
    /// To [`Command::Inject`].
    Injected {
        /// Which injection.
        injection: u32,
        /// Why it is not there, or only in part.
        result: Result<(), Failed>,
    },
    /// To [`Command::Confirm`].
    Confirmed {
        /// Which injection.
        injection: u32,
        /// What was seen.
        result: Result<Confirmation, Failed>,
    },
    /// What was seen to be there is gone, and nobody undid it.
    Vanished {
        /// Which injection.
        injection: u32,
        /// How that is known.
        reason: String,
    },
    /// To [`Command::Undo`].
    Undone {
        /// Which injection.
        injection: u32,
        /// Which attempt, from 1.
        attempt: u32,
        /// What it found; or why something may be left.
        result: Result<Was, Failed>,
    },
    /// To [`Command::Ask`].
    Answered {
        /// The step.
        node: u32,
        /// Whether it goes on.
        yes: bool,
        /// Who said so.
        who: String,
    },
    /// To [`Command::Prompt`].
    Noted {
        /// The step.
        node: u32,
        /// Who wrote it.
        who: String,
        /// Their words.
        words: String,
    },
    /// An operator, or a signal, ends the run: undo everything.
    Abort {
        /// Who, or which signal.
        by: String,
    },
    /// Said again: waits are cut short, no undo is skipped.
    Hurry,
    /// People stepped in to mend the system.
    Intervened {
        /// Who.
        who: String,
        /// What they did.
        what: String,
    },
    /// In a run that is followed: what the engine that holds it was seen to do.
    Followed(Followed),
    /// Something can no longer be written down: everything is undone.
    JournalFailed {
        /// Why.
        reason: String,
    },
}

/// A question to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The step that waits.
    pub node: u32,
    /// A team.
    pub who: SmolStr,
    /// The question or prompt.
    pub text: String,
    /// Until when it is waited for.
    pub until: Duration,
}

/// What is to be done. In the order given; each may run beside the others but for [`Command::Write`], which is done at once.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Write this into the journal.
    Write(Record),
    /// Is the engine there, and does it let us?
    Ready {
        /// Which.
        engine: EngineName,
    },
    /// Judge a rule that only preflight can.
    Judge {
        /// An index into `Plan::rules`.
        rule: u32,
    },
    /// Get an approval of this plan.
    Approve {
        /// An index into `Plan::approvals`.
        approval: u32,
    },
    /// Find the candidates of a draw.
    Find {
        /// An index into `Plan::draws`.
        draw: u32,
    },
    /// Which of these are still there?
    Left {
        /// An index into `Plan::draws`.
        draw: u32,
        /// What was drawn.
        targets: Vec<Target>,
    },
    /// Take these locks, all or none.
    Lock {
        /// The number of the request.
        request: u32,
        /// What is locked.
        keys: Vec<SmolStr>,
    },
    /// Ask a stream.
    Sample {
        /// An index into `Plan::streams`.
        stream: u32,
        /// Now.
        asked: Duration,
        /// How long the answer may take.
        timeout: Duration,
    },
    /// Find out what the undo needs; no effect.
    Prepare {
        /// Which injection.
        injection: u32,
        /// What is to be injected.
        what: Injection,
        /// By which engine.
        engine: EngineName,
    },
    /// Write the undo to disk, and say so when it is there.
    Keep {
        /// Which injection.
        injection: u32,
        /// [`Record::Intent`].
        record: Record,
    },
    /// Inject. Its undo is on disk.
    Inject {
        /// Which injection.
        injection: u32,
    },
    /// Look whether it is there.
    Confirm {
        /// Which injection.
        injection: u32,
        /// Not before this time.
        at: Duration,
    },
    /// Take it away. Whatever is under way for this injection is dropped first.
    Undo {
        /// Which injection.
        injection: u32,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// Ask people whether it goes on.
    Ask(Question),
    /// Ask people for their words.
    Prompt(Question),
    /// Nobody waits for the answer any more.
    Withdraw {
        /// The step.
        node: u32,
    },
    /// The run is over.
    End(Box<Outcome>),
}
