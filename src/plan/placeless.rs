//! A plan without its places in the source: what its digest covers, and no byte more.
//!
//! For what is named by the digest and may never change under its name. A comment, or a file beside, moves places and no
//! digest.

use std::sync::Arc;

use crate::source::{FileId, Span};

use super::{Plan, Step, StepKind};

/// The span of what has no place.
const NOWHERE: Span = Span { file: FileId(0), start: 0, end: 0 };

impl Plan {
    /// The plan with every span zero and no sources. Its digest is the same; two plans of one digest are equal bytes.
    #[must_use]
    pub fn without_places(&self) -> Self {
        let mut plan = self.clone();
        plan.sources = Arc::default();
        plan.for_each_span(&mut |span| *span = NOWHERE);
        plan
    }

    /// Calls `f` with every span. A test holds it against what serde writes, so that none is forgotten.
    fn for_each_span(&mut self, f: &mut impl FnMut(&mut Span)) {
        f(&mut self.span);
        f(&mut self.recovery.span);
        self.services.values_mut().for_each(|s| f(&mut s.span));
        self.streams.iter_mut().for_each(|s| f(&mut s.span));
        self.expectations.iter_mut().for_each(|e| f(&mut e.span));
        self.guards.iter_mut().for_each(|g| f(&mut g.span));
        for hours in &mut self.hours {
            hours.only.iter_mut().for_each(|h| f(&mut h.span));
            hours.never.iter_mut().for_each(|d| f(&mut d.span));
        }
        self.approvals.iter_mut().for_each(|a| f(&mut a.span));
        self.draws.iter_mut().for_each(|d| f(&mut d.span));
        self.faults.iter_mut().for_each(|s| f(&mut s.span));
        steps(&mut self.method, f);
        self.rules.iter_mut().for_each(|r| f(&mut r.span));
        self.schedule.iter_mut().for_each(|s| f(&mut s.span));
    }
}

fn steps(all: &mut [Step], f: &mut impl FnMut(&mut Span)) {
    for step in all {
        f(&mut step.span);
        match &mut step.kind {
            StepKind::With { steps: inner, .. }
            | StepKind::Parallel(inner)
            | StepKind::Sequence(inner)
            | StepKind::Round { steps: inner, .. } => steps(inner, f),
            StepKind::Inject { .. }
            | StepKind::Wait(_)
            | StepKind::Check { .. }
            | StepKind::Ask { .. }
            | StepKind::Note { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::plan::sample;

    /// How many objects are spans: no other part of a plan has just these keys.
    fn spans(of: &Value, found: &mut Vec<Value>) {
        match of {
            Value::Object(parts) => {
                if parts.len() == 3 && ["file", "start", "end"].iter().all(|key| parts.contains_key(*key)) {
                    found.push(of.clone());
                }
                parts.values().for_each(|part| spans(part, found));
            }
            Value::Array(parts) => parts.iter().for_each(|part| spans(part, found)),
            _ => {}
        }
    }

    #[test]
    fn no_span_is_left_and_the_digest_stays() {
        let plan = sample::tour();
        let bare = plan.without_places();
        assert_eq!(bare.compute_digest(), plan.compute_digest());
        let (mut before, mut after) = (Vec::new(), Vec::new());
        spans(&serde_json::to_value(&plan).unwrap(), &mut before);
        spans(&serde_json::to_value(&bare).unwrap(), &mut after);
        assert!(before.len() > 10, "the sample has few spans: {before:?}");
        assert_eq!(before.len(), after.len());
        after.retain(|span| *span != serde_json::json!({ "file": 0, "start": 0, "end": 0 }));
        assert_eq!(after, Vec::<Value>::new());
        assert!(bare.sources.is_empty());
    }
}
