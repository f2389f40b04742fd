//! The machine in virtual time: the same decisions as in a real run, thousands of times faster.
//!
//! Comes in: a [`State`] and a [`World`] that answers its commands. Goes out: the [`Outcome`]. Nothing here waits: the clock
//! jumps to the next moment at which something happens.

pub mod cases;
mod played;
mod replay;
mod scripted;
mod teller;
mod well;

use std::collections::BTreeMap;

pub use played::{Played, play, shown, told};
pub use replay::{Recorded, Replayed, replay};
pub use scripted::{Scripted, candidates};
pub use teller::Teller;
pub use well::well;

use super::machine::{Command, Event, Outcome, State, next_wake, step};
use crate::types::Duration;

/// Who answers commands.
pub trait World {
    /// The answers to a command, each with the moment at which it comes.
    fn answer(&mut self, now: Duration, command: &Command, state: &State) -> Vec<(Duration, Event)>;
}

/// The most steps that a run may take: a machine that went round in circles would never end.
const MOST_STEPS: u64 = 50_000_000;

/// Runs to the end. `watch` sees each command when it is given. `None`: the machine waited for nothing, which it never does.
pub fn run(
    state: &mut State,
    world: &mut impl World,
    events: Vec<(Duration, Event)>,
    watch: &mut impl FnMut(Duration, &Command),
) -> Option<Outcome> {
    let mut queue: BTreeMap<(Duration, u64), Event> = BTreeMap::new();
    let mut number = 0u64;
    let mut put = |queue: &mut BTreeMap<_, _>, at: Duration, event: Event| {
        number += 1;
        queue.insert((at, number), event);
    };
    for (at, event) in events {
        put(&mut queue, at, event);
    }
    let mut now = Duration::ZERO;
    for _ in 0..MOST_STEPS {
        let event_at = queue.keys().next().map(|(at, _)| *at);
        let wake_at = next_wake(state);
        let event = match (event_at, wake_at) {
            (Some(event_at), wake_at) if wake_at.is_none_or(|wake| event_at <= wake) => {
                now = now.max(event_at);
                queue.pop_first().map_or(Event::Tick, |(_, event)| event)
            }
            (_, Some(wake)) => {
                now = now.max(wake);
                Event::Tick
            }
            (_, None) => return None,
        };
        for command in step(state, now, event) {
            watch(now, &command);
            if let Command::End(outcome) = command {
                return Some(*outcome);
            }
            for (at, event) in world.answer(now, &command, state) {
                put(&mut queue, at.max(now), event);
            }
        }
    }
    None
}
