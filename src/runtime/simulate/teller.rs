//! A run in words that need no other: who hears of a record alone knows only numbers of faults and streams.
//!
//! Comes in: the plan, and every record in its order. Goes out: a line for each that matters.

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::SmolStr;

use super::told;
use crate::analysis::timeline::UNDO_BOUND;
use crate::plan::{Effect, Plan};
use crate::runtime::machine::Record;

/// Tells a run, record by record.
#[derive(Debug, Clone)]
pub struct Teller {
    plan: Option<Arc<Plan>>,
    faults: BTreeMap<u32, (SmolStr, Effect)>,
    /// Why an undo failed last: said once for all attempts that fail in the same way.
    hindered: BTreeMap<u32, String>,
}

impl Teller {
    /// For a run of this plan; `None`: it is not known (a journal of another version).
    #[must_use]
    pub fn new(plan: Option<Arc<Plan>>) -> Self {
        Self { plan, faults: BTreeMap::new(), hindered: BTreeMap::new() }
    }

    /// The record in words; `None` for what is only detail.
    pub fn tell(&mut self, record: &Record) -> Option<String> {
        match record {
            Record::Intent { injection, fault, effect, .. } => {
                self.faults.insert(*injection, (fault.clone(), *effect));
                None
            }
            Record::There { injection, seen } => {
                let is = if self.lasts(*injection) { "there" } else { "done" };
                Some(format!("{} is {is}: {seen}", self.fault(*injection)))
            }
            Record::NotThere { injection, reason } => {
                Some(format!("✗ {} is not there: {reason}", self.fault(*injection)))
            }
            Record::Undoing { injection, attempt: 1 } if self.lasts(*injection) => {
                Some(format!("undoing {}", self.fault(*injection)))
            }
            Record::UndoFailed { injection, reason, .. } => {
                let before = self.hindered.insert(*injection, reason.clone());
                (before.as_ref() != Some(reason)).then(|| {
                    let fault = self.fault(*injection);
                    format!("✗ the undo of {fault} failed, and is tried again for {UNDO_BOUND}: {reason}")
                })
            }
            Record::Undone { injection, early: Some(why) } => {
                Some(format!("✗ {} was gone before its undo: {why}", self.fault(*injection)))
            }
            Record::Undone { injection, .. } if self.lasts(*injection) => {
                Some(format!("{} is gone", self.fault(*injection)))
            }
            // Nothing is there to undo, or it is only tried once more.
            Record::Undoing { .. } | Record::Undone { .. } => None,
            Record::MayBeLeft { injection, reason } => {
                Some(format!("✗ {} may be left: {reason}", self.fault(*injection)))
            }
            // The question and the note are told in their own words.
            Record::StepBegan { text, .. } if text.starts_with("ask ") || text.starts_with("note") => None,
            Record::Gap { stream } => self.silent(*stream).or_else(|| told(record)),
            record => told(record),
        }
    }

    fn fault(&self, injection: u32) -> &str {
        self.faults.get(&injection).map_or("a fault", |(name, _)| name.as_str())
    }

    /// Whether there is something to undo.
    fn lasts(&self, injection: u32) -> bool {
        self.faults.get(&injection).is_none_or(|(_, effect)| *effect == Effect::Lasting)
    }

    fn silent(&self, stream: u32) -> Option<String> {
        let stream = self.plan.as_ref()?.streams.get(stream as usize)?;
        Some(format!("{} is silent: no valid sample for {}", stream.text, stream.patience))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::drive::UndoRecord;
    use crate::plan::EngineName;
    use crate::plan::sample::tour;
    use crate::types::Duration;

    fn intent(injection: u32, fault: &str, effect: Effect) -> Record {
        let undo =
            UndoRecord { engine: EngineName::Local, injection: "x".into(), form: 1, data: serde_json::Value::Null };
        let (targets, at_most) = (vec![], Duration::ZERO);
        Record::Intent { injection, fault: fault.into(), effect, irreversible: None, targets, at_most, undo }
    }

    #[test]
    fn faults_and_streams_have_their_names() {
        let mut teller = Teller::new(Some(Arc::new(tour())));
        let mut tell = |record: Record| teller.tell(&record).unwrap_or_default();
        tell(intent(0, "network.delay", Effect::Lasting));
        tell(intent(1, "pod.kill", Effect::Instant));
        assert_eq!(tell(Record::There { injection: 0, seen: "late".into() }), "network.delay is there: late");
        assert_eq!(tell(Record::There { injection: 1, seen: "1 gone".into() }), "pod.kill is done: 1 gone");
        assert_eq!(tell(Record::Undoing { injection: 0, attempt: 1 }), "undoing network.delay");
        let failed = |attempt| Record::UndoFailed { injection: 0, attempt, reason: "it is stuck".into() };
        let said = "✗ the undo of network.delay failed, and is tried again for 30s: it is stuck";
        assert_eq!(tell(failed(1)), said);
        assert_eq!(tell(Record::Undoing { injection: 0, attempt: 2 }) + &tell(failed(2)), "", "said once");
        assert_eq!(tell(Record::Undone { injection: 0, early: None }), "network.delay is gone");
        assert_eq!(tell(Record::Undone { injection: 1, early: None }), "");
        assert!(tell(Record::Gap { stream: 0 }).contains("is silent: no valid sample for"));
    }
}
