//! The experiment over time: when each thing begins and ends at the earliest and at the latest, and how much is hit.
//!
//! Time zero is the first step of the method; the baseline lies before it. Checks, asks and notes end when they are
//! answered, so what follows them has an earliest and a latest begin. Injection and undo take time that nobody declares:
//! the bounds below are what the interpreter holds itself to (an unconfirmed injection or undo past them ends the run).

use serde::Serialize;

use crate::plan::Plan;
use crate::source::Span;
use crate::types::{Duration, Percent};

/// An injection is confirmed within this time, or the method ends.
pub const CONFIRM_BOUND: Duration = Duration::from_secs(30);
/// An undo is confirmed within this time, or the verdict is `error`.
pub const UNDO_BOUND: Duration = Duration::from_secs(30);

/// A moment that is not known exactly, counted from the first step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// Not before this.
    pub earliest: Duration,
    /// Not after this.
    pub latest: Duration,
}

/// What a lane shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LaneKind {
    /// A fault (an index into `Plan::faults`).
    Fault(u32),
    /// `wait`.
    Wait,
    /// A check, by name.
    Check(String),
    /// A question to people.
    Ask,
    /// A note.
    Note,
}

/// One thing that happens from a moment to a moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lane {
    /// What.
    pub kind: LaneKind,
    /// When it begins (a fault: when its injection is confirmed).
    pub from: Moment,
    /// When it ends (a fault: when its undo is confirmed); an instant fault ends when it begins.
    pub to: Moment,
    /// The title of the round of `for each` that it is in, if any.
    pub round: Option<String>,
    /// The step.
    pub span: Span,
}

/// How much of one service is hit in a stretch of time, in the worst case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Radius {
    /// From.
    pub from: Duration,
    /// To.
    pub to: Duration,
    /// The service.
    pub service: String,
    /// Hit pods ÷ ready pods, at most 100%; `None`: the catalogue gives no replica count and the draw is not a share.
    pub share: Option<Percent>,
    /// Hit pods and ready pods, where the replica count is known.
    pub pods: Option<(u32, u32)>,
    /// The faults that hit it then (indices into `Plan::faults`).
    pub faults: Vec<u32>,
}

/// The whole picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timeline {
    /// In the order of their steps.
    pub lanes: Vec<Lane>,
    /// When the method ends, all undone.
    pub method_end: Moment,
    /// The bound of the whole run: baseline + method + recovery + baseline, everything at its latest.
    pub total: Duration,
    /// Stretches of time in which something is hit, in order.
    pub radius: Vec<Radius>,
    /// The largest share of any service at any moment; `None` if any part of it is unknown.
    pub worst: Option<Percent>,
}

/// Lays the plan out over time.
#[must_use]
pub fn timeline(_plan: &Plan) -> Timeline {
    todo!()
}
