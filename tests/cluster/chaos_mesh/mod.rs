//! Chaos Mesh's real controllers carry out what is emitted for them. Only its daemon is a stand-in, which records what the
//! kernel of a node would have been asked.

pub(crate) mod daemon;
mod gate;
mod judged;
mod pods;
pub mod runs;
mod schedule;
mod selectors;
mod workflow;
