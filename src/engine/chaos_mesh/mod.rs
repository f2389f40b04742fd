//! Chaos Mesh 2.5 to 2.8: from a plan to its objects.
//!
//! Comes in: a [`crate::plan::Plan`]. Goes out: one bare fault object, or a `Workflow` (a `Schedule` around it for a
//! `verify`) with the objects of the gate that judges it, and a [`super::Report`]. Nothing here does anything to a
//! cluster, and nothing here knows what a single fault of the language looks like: it knows the *kinds* of Chaos Mesh.
//!
//! Facts come from Chaos Mesh's API types, admission code and controllers (master after 2.8.3), and from runs of those
//! controllers with a gate. Tests are named after the numbered traps (`t…`) and rules of the gate (`g…`) they hold.
//!
//! # What differs always
//! [`ALWAYS`] says what holds of every native compilation, so that it need not be reported for each.
//!
//! May use: `source` (spans), `diagnostic`, `types`, `plan`, `analysis` (bounds), `manifest`.

mod bounds;
mod check;
mod constants;
mod context;
mod emit;
mod gate;
mod gate_objects;
mod health;
mod machine_schema;
mod names;
mod object;
mod schedule;
mod schema;
mod selector;
mod spelling;
mod workflow;

#[cfg(test)]
mod tests;

pub use bounds::{NativeBounds, ReactionBound, native_bounds, reaction_bound};
pub use constants::{ANNOTATION_PREFIX, GATE_PORT, REASON_ANNOTATION, VERDICT_ANNOTATION, gate_image};
pub use emit::{emit, judge};
pub use gate::{GateConfig, GateStep};
pub use health::{HealthFor, health};

/// What Chaos Mesh does a little differently in every plan. The language says so too ("natively, engines count from the
/// object's creation"), so none of it is an approximation of one plan.
pub const ALWAYS: &[&str] = &[
    "a fault lasts from the creation of its object, not from its confirmed injection, and up to two seconds longer",
    "Chaos Mesh draws among the pods that are running, whether or not they are ready",
    "a step begins up to two seconds after the one before it has ended",
    "what people are told or asked during a run is not part of it",
];
