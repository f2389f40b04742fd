//! Perturb holds an experiment itself.
//!
//! Comes in: a [`crate::plan::Plan`]. Goes out: a verdict, and a journal that another process can read. What happens when is
//! decided by [`machine`], which has no clock, no files and no network; the other folders carry it out.
//!
//! May use: `source` (spans), `types`, `diagnostic`, `plan`, `analysis` (the bounds), `engine` (drivers).

pub mod drive;
pub mod gate;
pub mod journal;
pub mod machine;
pub mod probes;
pub mod simulate;
pub mod watchdog;
