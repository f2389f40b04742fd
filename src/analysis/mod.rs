//! What is proved or refused about a plan: bounds, conflicts, guards, policy, portability. One file per proof.
//!
//! Comes in: a [`crate::plan::Plan`]. Goes out: diagnostics, and the [`timeline`] that they and the telling stand on.
//! Never: an engine's manifests, a clock, a cluster. What only a cluster can tell is preflight's.
//!
//! May use: `source` (spans), `diagnostic`, `types`, `plan`.

mod blind;
mod catalogue;
mod conflicts;
pub mod cron;
#[cfg(test)]
mod examples;
mod expectations;
mod facts;
mod guards;
mod hours;
mod kube_names;
mod local;
mod names;
pub mod picture;
pub mod portability;
mod radius;
mod ranges;
mod restart;
mod schedule;
mod self_harm;
mod teams;
pub mod telling;
#[cfg(test)]
mod tests;
pub mod timeline;
mod truth;
mod windows;

pub use catalogue::{KnownIncident, analyse_catalogue, unlearned};
pub use conflicts::conflicts_for;
pub use cron::Cron;
pub use hours::{alone as hours_alone, open_at};
pub use names::LONGEST_NAME;
pub(crate) use radius::whole_service;
pub use ranges::ranges;
pub use schedule::alone as schedule_alone;
pub use truth::number;

use timeline::Timeline;

use crate::diagnostic::{Diagnostic, tidy};
use crate::plan::Plan;

/// Everything that is proved or refused about one plan, in the order of the source.
#[must_use]
pub fn analyse(plan: &Plan) -> Vec<Diagnostic> {
    analyse_over(plan, &timeline::timeline(plan))
}

/// The same for callers that have laid the plan out over time already.
#[must_use]
pub fn analyse_over(plan: &Plan, timeline: &Timeline) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    conflicts::check(plan, timeline, &mut out);
    expectations::check(plan, timeline, &mut out);
    guards::check(plan, timeline, &mut out);
    windows::check(plan, timeline, &mut out);
    ranges::check(plan, &mut out);
    blind::check(plan, &mut out);
    self_harm::check(plan, &mut out);
    teams::check(plan, &mut out);
    hours::check(plan, timeline, &mut out);
    schedule::check(plan, timeline, &mut out);
    restart::check(plan, timeline, &mut out);
    radius::check(plan, timeline, &mut out);
    portability::check(plan, &mut out);
    local::check(plan, &mut out);
    names::check(plan, &mut out);
    tidy(&mut out);
    out
}
