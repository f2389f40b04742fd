//! The experiment as a state machine: events in, commands out.
//!
//! Comes in: a plan, and then [`Event`]s, each with the time since the run began. Goes out: [`Command`]s, and at the end an
//! [`Outcome`]. It must never read a clock, draw a number, open a file or a socket: whoever carries the commands out tells it
//! what came of them, and [`next_wake`] says when it wants to be called again even if nothing has happened.
//!
//! What the events mean is `docs/semantics.md`. The bounds ([`CONFIRM_BOUND`](crate::analysis::timeline::CONFIRM_BOUND),
//! [`UNDO_BOUND`](crate::analysis::timeline::UNDO_BOUND), [`check_bound`](crate::analysis::timeline::check_bound)) are the
//! compiler's own, so that what it proves is what happens here.

mod clock;
mod condition;
mod draw;
mod event;
mod follow;
mod inject;
mod judge;
mod method;
mod outline;
mod preflight;
mod record;
mod state;
mod step;
#[cfg(test)]
pub(crate) mod tests;
mod values;
mod verdict;

pub use clock::next_wake;
pub use condition::{evaluate, fits};
pub use draw::draw;
pub use event::{Answer, Command, Event, Failed, Question};
pub use follow::Followed;
pub use method::NOBODY;
pub use outline::{Outlined, Pace, outline, words};
pub use preflight::{QUESTIONS, locked_thing};
pub use record::{Open, PhaseName, Record, Subject, outstanding};
pub use state::{State, Waiting};
pub use step::step;
pub use values::briefly;
pub use verdict::{EndedBy, Observed, Outcome, Reason, Verdict};
