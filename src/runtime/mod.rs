//! Perturb holds an experiment itself.

pub mod probes;
