//! What is proved or refused about a plan: bounds, conflicts, guards, policy, portability. One file per proof.
//!
//! Comes in: a [`crate::plan::Plan`]. Goes out: diagnostics, and the [`timeline`] that they and the telling stand on.
//!
//! May use: `source` (spans), `diagnostic`, `types`, `plan`.

#[cfg(test)]
mod examples;
pub mod picture;
pub mod timeline;
