//! Perturb: a small typed language for chaos engineering, and its toolchain.
//!
//! The path of data is one way, and each arrow is one public function that returns its value *and* its diagnostics:
//!
//! ```text
//! text ─ syntax::parse ─▶ Tree ─ check::check ─▶ Program ─ lower::plan ─▶ Plan ─ engine::emit ─▶ manifests
//!                                                                          └─ analysis::* ─▶ what is proved or refused
//! ```
//!
//! Folders are layers; `tests/architecture.rs` holds which may name which.

#![deny(missing_docs)]

pub mod analysis;
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
pub mod diagnostic;
pub mod engine;
pub mod lower;
pub mod manifest;
pub mod plan;
#[cfg(feature = "cli")]
pub mod project;
pub mod source;
pub mod syntax;
pub mod types;
