//! Tests of the machine: rows of tables as scenarios, then proofs by exhaustion and by chance.

mod bounds;
mod exhaustive;
mod follow;
mod followed;
mod histories;
mod scenarios;
pub(crate) mod world;
