//! Tests of the whole from outside, in one binary (each binary is linked anew).

mod add_a_fault;
#[cfg(unix)]
mod approvals;
mod cascades;
mod chaos_mesh;
mod cli;
mod compiling;
mod conformance;
mod docs;
#[path = "../support/schemas.rs"]
mod engine_schemas;
mod examples;
mod faults_page;
mod formatting;
mod gate;
#[cfg(unix)]
mod held;
mod import;
mod import_litmus;
#[path = "../support/import.rs"]
mod import_support;
mod laws;
mod linting;
mod litmus;
#[cfg(unix)]
mod peers;
mod random;
mod runs;
#[cfg(unix)]
mod safety;
mod schemas;
mod stdlib;
mod support;
mod syntax;
#[cfg(unix)]
mod terminal;
#[path = "../support/uses.rs"]
mod uses;
