//! `perturb gate`: judges for Chaos Mesh. It answers a Workflow's checks, ends the run when a guard fires, and says the verdict.
//!
//! Comes in: a plan, what the compiler said beside it ([`GateConfig`](crate::engine::chaos_mesh::GateConfig)), the objects of
//! the run in the cluster, samples. Goes out: 204 or 503; annotations, a condition and an event on the Workflow; the pause of
//! faults. It injects nothing. What is judged, and when, is decided by the same [`super::machine`] that decides it for
//! `perturb run`, told by `progress` what Chaos Mesh was seen to do.
//!
//! Who dies leaves everything closed: `docs/gate.md` has the table.

#![expect(clippy::disallowed_methods, reason = "the edge: a server that asks a cluster, with a clock")]

mod board;
mod cluster;
mod facts;
mod keep;
mod mark;
mod metrics;
mod progress;
mod run;
mod seen;
mod serve;
#[cfg(test)]
mod tests;

pub use keep::{Gate, GateError, Log, keep};
