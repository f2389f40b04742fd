//! Tests of the whole from outside, in one binary (each binary is linked anew).

mod chaos_mesh;
mod cli;
mod docs;
#[path = "../support/schemas.rs"]
mod engine_schemas;
mod examples;
mod laws;
mod litmus;
mod random;
mod schemas;
mod stdlib;
mod support;
mod syntax;
