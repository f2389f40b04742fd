//! The journal: what another process needs to clean up, and evidence of what happened.
//!
//! Comes in: [`Line`]s of a run. Goes out: the same, in order, and whether anybody changed them since. One SQLite file (WAL,
//! `synchronous=FULL`): once a call returns, the line survives a loss of power. Lines are only ever added, and each carries the
//! digest of the one before it. The form is `docs/journal.md`; this folder reads every form that it ever wrote.

mod line;
mod owner;
mod store;
#[cfg(test)]
mod tests;

pub use line::{Begun, Line, PlaceDraw, Taken};
pub use owner::Owner;
pub use store::{Entry, Head, Journal, JournalError, RunRow, Verified, Writer};

/// The version of the form. Raised by every change that an older reader would misread.
pub const JOURNAL_VERSION: u32 = 1;
