//! Cleaning up after a runner that is gone, from the journal alone.

use std::path::Path;
use std::sync::Arc;

use rustix::process::Signal;
use tokio::time::{Instant, sleep, timeout};

use super::claims;
use super::effects::failed;
use super::{is_unfinished, std_time, wall};
use crate::analysis::timeline::UNDO_BOUND;
use crate::engine::drive::Driver;
use crate::engine::local::process::{self, Process};
use crate::plan::RecoveryClass;
use crate::runtime::journal::{Head, Journal, JournalError, Line, Owner, Taken, Writer};
use crate::runtime::machine::{EndedBy, Observed, Open, Outcome, Reason, Record, Subject, Verdict, outstanding};
use crate::types::Duration;

/// One attempt may take this long.
const ATTEMPT: Duration = Duration::from_secs(10);
/// What somebody gave up before is tried again for so long.
const ONCE_MORE: Duration = Duration::from_secs(3);

/// What came of a rescue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rescued {
    /// The run.
    pub run: String,
    /// Its process lives: nothing was done.
    pub is_running: bool,
    /// What was undone: the fault's name and injection's id.
    pub undone: Vec<String>,
    /// What may be left.
    pub left: Vec<Left>,
    /// What is wrong with the journal: of what such a line said nothing was undone.
    pub damaged: Vec<String>,
}

impl Rescued {
    /// Whether somebody has to look.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        !self.left.is_empty() || !self.damaged.is_empty()
    }
}

/// A fault that may be left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its name and its injection's id.
    pub name: String,
    /// Why it could not be undone.
    pub why: String,
    /// What a person does: commands.
    pub by_hand: Vec<String>,
}

/// Undoes everything that unfinished runs of a journal may have left. Runs whose process lives are not touched.
///
/// # Errors
/// The journal cannot be read.
pub async fn recover(path: &Path, drivers: &[Arc<dyn Driver>], by: &str) -> Result<Vec<Rescued>, JournalError> {
    let unfinished: Vec<_> = Journal::open(path)?.runs()?.into_iter().filter(is_unfinished).collect();
    let mut all = Vec::new();
    for run in unfinished {
        let taken = Taken { by: by.to_owned(), because: "its process is gone".to_owned() };
        // One run that cannot be read keeps no other one in.
        all.push(rescue(path, &run.id, drivers, taken, false).await.unwrap_or_else(|error| Rescued {
            run: run.id.to_string(),
            damaged: vec![error.to_string()],
            ..Rescued::default()
        }));
    }
    Ok(all)
}

/// Undoes what one run may have left, the last first. Idempotent: it may itself die at any moment and be done again.
///
/// # Errors
/// The journal cannot be read. That it cannot be written stops no undo.
pub async fn rescue(
    path: &Path,
    run: &str,
    drivers: &[Arc<dyn Driver>],
    taken: Taken,
    even_if_alive: bool,
) -> Result<Rescued, JournalError> {
    let mut journal = Journal::open(path)?;
    let (entries, damaged) = journal.trusted(run)?;
    let last = entries.last().map(|e| e.at).unwrap_or_default();
    let records: Vec<Record> = entries.iter().filter_map(|e| e.line.record().cloned()).collect();
    let open = outstanding(records.iter());
    let has_ended = records.iter().any(|r| matches!(r, Record::Ended { .. }));
    let mut rescued = Rescued { run: run.to_owned(), damaged, ..Rescued::default() };
    if open.is_empty() && has_ended {
        return Ok(rescued);
    }
    // Before it is taken over: then the owner is this process.
    let owner = journal.runs()?.into_iter().find(|row| row.id == run).map(|row| row.owner);
    let head = match journal.take_over(run, taken.clone(), even_if_alive, last, wall()) {
        Ok(Some(head)) => Some(head),
        Ok(None) => {
            rescued.is_running = true;
            return Ok(rescued);
        }
        // A disk that is full must not keep a fault in.
        Err(_) => None,
    };
    if let Some(owner) = &owner {
        end_probes(owner);
    }
    process::end_orphans();
    let mut diary = Diary { journal, head, began: Instant::now(), last };
    for injection in &open {
        let name = name_of(injection);
        let given_up = given_up(&records, injection.injection);
        match undo(injection, given_up, drivers, &mut diary).await {
            Ok(()) => rescued.undone.push(name),
            Err(why) => rescued.left.push(Left { name, why, by_hand: by_hand(injection, drivers) }),
        }
    }
    if !has_ended {
        let declared = entries.iter().find_map(|e| e.line.begun()?.plan()).map(|plan| plan.recovery.class);
        let declared = declared.unwrap_or(RecoveryClass::Unknown);
        let outcome = Outcome { declared, ..outcome(&records, &rescued, &taken, diary.now()) };
        diary.write(Record::Ended { outcome });
    }
    if rescued.left.is_empty() {
        let _ = diary.journal.unlock(run);
        claims::forget(run, path);
    }
    Ok(rescued)
}

/// What the runner had started to look at something goes with it.
fn end_probes(owner: &Owner) {
    if owner.boot != process::boot() || owner.started == 0 {
        return;
    }
    for started in process::started_by(Process { pid: owner.pid, start: owner.started }) {
        let _ = started.signal(Signal::KILL);
    }
}

struct Diary {
    journal: Journal,
    head: Option<Head>,
    began: Instant,
    last: Duration,
}

impl Diary {
    /// The run's own time goes on from its last line.
    fn now(&self) -> Duration {
        let nanos = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(0);
        self.last.plus(Duration::from_nanos(nanos).unwrap_or_default())
    }

    fn write(&mut self, record: Record) {
        let line = (self.now(), wall(), Line::Record(Box::new(record)));
        if let Some(head) = &mut self.head {
            let _ = self.journal.append(head, Writer::Rescue, &[line]);
        }
    }
}

/// What may be left of a run as its journal tells it, with what a person can do about it.
///
/// # Errors
/// The journal cannot be read.
pub fn left_of(path: &Path, run: &str, drivers: &[Arc<dyn Driver>]) -> Result<Vec<Left>, JournalError> {
    let records = Journal::open(path)?.records(run)?;
    let left = |open: Open| Left {
        name: name_of(&open),
        why: given_up(&records, open.injection).unwrap_or("its undo was not confirmed").to_owned(),
        by_hand: by_hand(&open, drivers),
    };
    Ok(outstanding(records.iter()).into_iter().map(left).collect())
}

/// The fault's name and its injection's id.
fn name_of(open: &Open) -> String {
    format!("{} ({})", open.fault, open.undo.injection)
}

fn by_hand(open: &Open, drivers: &[Arc<dyn Driver>]) -> Vec<String> {
    let driver = drivers.iter().find(|d| d.engine() == open.undo.engine);
    driver.map(|driver| driver.by_hand(&open.undo)).unwrap_or_default()
}

/// Why whoever tried before gave up, if somebody did.
fn given_up(records: &[Record], wanted: u32) -> Option<&str> {
    let may_be_left = records.iter().rev().find_map(|record| match record {
        Record::MayBeLeft { injection, reason } if *injection == wanted => Some(reason.as_str()),
        _ => None,
    })?;
    let failed = records.iter().rev().find_map(|record| match record {
        Record::UndoFailed { injection, reason, .. } if *injection == wanted => Some(reason.as_str()),
        _ => None,
    });
    Some(failed.unwrap_or(may_be_left))
}

/// Tries until its bound. What was given up before is tried for a moment only: whoever mended what was in its way calls again, and
/// nobody else should wait for what is impossible. The journal says once what failed, not at each attempt.
async fn undo(
    open: &Open,
    given_up: Option<&str>,
    drivers: &[Arc<dyn Driver>],
    diary: &mut Diary,
) -> Result<(), String> {
    let injection = open.injection;
    let Some(driver) = drivers.iter().find(|d| d.engine() == open.undo.engine) else {
        let reason = format!("{} cannot be driven from here", open.undo.engine);
        diary.write(Record::MayBeLeft { injection, reason: reason.clone() });
        return Err(reason);
    };
    let bound = if given_up.is_some() { ONCE_MORE } else { UNDO_BOUND };
    let deadline = Instant::now() + std_time(bound);
    let mut pause = std::time::Duration::from_millis(250);
    let mut attempt = 0;
    let mut said = given_up.map(str::to_owned);
    diary.write(Record::Undoing { injection, attempt: 1 });
    loop {
        attempt += 1;
        let (is_final, reason) = match timeout(std_time(ATTEMPT), driver.undo(&open.undo)).await {
            Ok(Ok(_)) => {
                diary.write(Record::Undone { injection, early: None });
                return Ok(());
            }
            Ok(Err(error)) => {
                let failed = failed(&error);
                (failed.is_final, failed.reason)
            }
            Err(_) => (false, format!("no answer within {ATTEMPT}")),
        };
        if said.as_ref() != Some(&reason) {
            diary.write(Record::UndoFailed { injection, attempt, reason: reason.clone() });
            said = Some(reason.clone());
        }
        if is_final || Instant::now() + pause >= deadline {
            if given_up != Some(reason.as_str()) {
                diary.write(Record::MayBeLeft { injection, reason: reason.clone() });
            }
            return Err(reason);
        }
        sleep(pause).await;
        pause = (pause * 2).min(std::time::Duration::from_secs(4));
    }
}

/// The end of a run whose process is gone: what it had found stays, and it is never green.
fn outcome(records: &[Record], rescued: &Rescued, taken: &Taken, at: Duration) -> Outcome {
    let reason = |verdict, subject, text: String| Reason { verdict, at, subject, text };
    let mut reasons = Vec::new();
    for Left { name, why, .. } in &rescued.left {
        reasons.push(reason(Verdict::Error, Subject::Run, format!("{name} may be left: {why}")));
    }
    for why in &rescued.damaged {
        reasons.push(reason(Verdict::Error, Subject::Run, format!("the journal is damaged: {why}")));
    }
    for record in records {
        if let Record::Refuted { subject, text } = record {
            reasons.push(reason(Verdict::Refuted, subject.clone(), text.clone()));
        }
    }
    let text = format!("the process that held the run is gone ({}); cleaned up by {}", taken.because, taken.by);
    reasons.push(reason(Verdict::Aborted, Subject::Run, text));
    let injected = records.iter().filter(|r| matches!(r, Record::Intent { .. })).count();
    Outcome {
        verdict: reasons.iter().map(|r| r.verdict).min().unwrap_or(Verdict::Aborted),
        ended_by: EndedBy::Operator(format!("the end of its process, seen by {}", taken.by)),
        reasons,
        declared: RecoveryClass::Unknown,
        observed: Observed::NotObserved,
        left: rescued.left.iter().map(|left| left.name.clone()).collect(),
        injected: u32::try_from(injected).unwrap_or(u32::MAX),
        stops_series: true,
    }
}
