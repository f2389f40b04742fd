//! A run in words that need no other: who hears of a record alone knows only numbers of faults and streams.
//!
//! Comes in: the plan, and every record in its order. Goes out: a line for each that matters.

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::SmolStr;

use super::told;
use crate::plan::{Condition, Effect, Plan};
use crate::runtime::machine::{Record, Subject};
use crate::types::{Decimal, Duration, Percent, Value};

/// Tells a run, record by record.
#[derive(Debug, Clone)]
pub struct Teller {
    plan: Option<Arc<Plan>>,
    faults: BTreeMap<u32, (SmolStr, Effect)>,
    latest: BTreeMap<u32, Value>,
}

impl Teller {
    /// For a run of this plan; `None`: it is not known (a journal of another version).
    #[must_use]
    pub fn new(plan: Option<Arc<Plan>>) -> Self {
        Self { plan, faults: BTreeMap::new(), latest: BTreeMap::new() }
    }

    /// The record in words; `None` for what is only detail.
    pub fn tell(&mut self, record: &Record) -> Option<String> {
        match record {
            Record::Intent { injection, fault, effect, .. } => {
                self.faults.insert(*injection, (fault.clone(), *effect));
                None
            }
            Record::Sample { stream, value, .. } => {
                if let Some(value) = value {
                    self.latest.insert(*stream, value.clone());
                }
                None
            }
            Record::There { injection, seen } => {
                let is = if self.lasts(*injection) { "there" } else { "done" };
                Some(format!("{} is {is}: {seen}", self.fault(*injection)))
            }
            Record::NotThere { injection, reason } => {
                Some(format!("✗ {} is not there: {reason}", self.fault(*injection)))
            }
            Record::Undoing { injection, attempt } if self.lasts(*injection) => {
                let again = if *attempt > 1 { format!(" again ({attempt})") } else { String::new() };
                Some(format!("undoing {}{again}", self.fault(*injection)))
            }
            Record::UndoFailed { injection, reason, .. } => {
                Some(format!("✗ the undo of {} failed: {reason}", self.fault(*injection)))
            }
            Record::Undone { injection } if self.lasts(*injection) => {
                Some(format!("{} is gone", self.fault(*injection)))
            }
            // Nothing is there to undo: it happened, and was told.
            Record::Undoing { .. } | Record::Undone { .. } => None,
            Record::MayBeLeft { injection, reason } => {
                Some(format!("✗ {} may be left: {reason}", self.fault(*injection)))
            }
            // The question and the note are told in their own words.
            Record::StepBegan { text, .. } if text.starts_with("ask ") || text.starts_with("note") => None,
            Record::Gap { stream } => self.silent(*stream).or_else(|| told(record)),
            Record::Refuted { subject, text } => Some(format!("✗ {text}{}", self.values(subject))),
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

    /// What was seen when it broke, in brackets.
    fn values(&self, subject: &Subject) -> String {
        let Some(plan) = &self.plan else { return String::new() };
        let condition: Option<&Condition> = match subject {
            Subject::Expectation(name) => plan.expectations.iter().find(|e| e.name == *name).map(|e| &e.condition),
            _ => None,
        };
        let streams = condition.map(Condition::streams).unwrap_or_default();
        let seen: Vec<String> = streams
            .into_iter()
            .filter_map(|stream| {
                let (of, value) = (plan.streams.get(stream as usize)?, self.latest.get(&stream)?);
                Some(format!("{} was {}", of.text, briefly(value)))
            })
            .collect();
        if seen.is_empty() { String::new() } else { format!(" ({})", seen.join(", ")) }
    }
}

/// A value as one reads it in passing: a latency to its third digit, a share to a hundredth of a percent.
#[must_use]
pub fn briefly(value: &Value) -> String {
    match value {
        Value::Duration(length) => Value::Duration(three_digits(*length)).to_string(),
        Value::Percent(share) => Value::Percent(Percent(share.0.round_dp(2).normalize())).to_string(),
        Value::Number(number) if number.abs() >= Decimal::ONE => number.round_dp(2).normalize().to_string(),
        value => value.to_string(),
    }
}

fn three_digits(length: Duration) -> Duration {
    let nanos = length.as_nanos();
    let mut unit = 1u64;
    while nanos / unit >= 1000 {
        unit *= 10;
    }
    let rounded = (nanos + unit / 2) / unit * unit;
    Duration::from_nanos(rounded).unwrap_or(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::drive::UndoRecord;
    use crate::plan::EngineName;
    use crate::plan::sample::tour;

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
        assert_eq!(tell(Record::Undoing { injection: 0, attempt: 2 }), "undoing network.delay again (2)");
        assert_eq!(tell(Record::Undone { injection: 0 }), "network.delay is gone");
        assert_eq!(tell(Record::Undone { injection: 1 }), "");
        assert!(tell(Record::Gap { stream: 0 }).contains("is silent: no valid sample for"));
        let value = Some(Value::Percent("97.123456%".parse().unwrap()));
        tell(Record::Sample { stream: 0, asked: Duration::ZERO, value, missing: None, judged: vec![] });
        let subject = Subject::Expectation("success".into());
        let said = tell(Record::Refuted { subject, text: "`x` did not hold".into() });
        assert!(
            said.starts_with("✗ `x` did not hold (success-rate(checkout") && said.ends_with("was 97.12%)"),
            "{said}"
        );
    }

    #[test]
    fn values_are_brief() {
        let length = |text: &str| briefly(&Value::Duration(text.parse().unwrap()));
        assert_eq!(length("1s19ms384us"), "1s20ms");
        assert_eq!(length("250ms"), "250ms");
        assert_eq!(length("3m2s400ms"), "3m2s");
    }
}
