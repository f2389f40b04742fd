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
// Tests may do all of this; what is shipped may not. Effects: clippy.toml says which, and how an edge module is licensed.
// Indexing is not in the list: what indexes here are ids that the same table gave out.
#![cfg_attr(
    not(test),
    deny(
        clippy::allow_attributes_without_reason,
        clippy::dbg_macro,
        clippy::disallowed_methods,
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::iter_over_hash_type,
        clippy::mem_forget,
        clippy::panic,
        clippy::print_stderr,
        clippy::print_stdout,
        clippy::string_slice,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

pub mod analysis;
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
pub mod diagnostic;
pub mod engine;
pub mod format;
pub mod ide;
pub mod import;
pub mod lint;
pub mod lower;
pub mod manifest;
pub mod plan;
#[cfg(feature = "cli")]
pub mod project;
#[cfg(feature = "run")]
pub mod runtime;
#[cfg(feature = "lsp")]
pub mod server;
pub mod source;
pub mod syntax;
pub mod types;
