//! Tests of the whole from outside, in one binary (each binary is linked anew).

#[path = "../support/schemas.rs"]
mod engine_schemas;
mod schemas;
