//! When the machine wants to be called again even if nothing has happened.

use super::state::{Node, NodeState, Stage, State};
use crate::types::Duration;

/// The first moment strictly after `longest`.
pub(super) fn after(longest: Duration) -> Duration {
    longest.plus(Duration::from_nanos(1).unwrap_or_default())
}

/// The next moment at which something becomes due; `None` once the run is over, or if it waits for answers alone.
#[must_use]
pub fn next_wake(state: &State) -> Option<Duration> {
    if state.run.over {
        return None;
    }
    let mut due: Vec<Duration> = Vec::new();
    due.extend(state.run.preflight.pending().map(|p| p.until));
    state.stream_wakes(&mut due);
    state.judge_wakes(&mut due);
    due.extend(state.run.nodes.iter().filter_map(node_wake));
    for life in &state.run.lives {
        match &life.stage {
            Stage::There | Stage::Gone | Stage::Never | Stage::Left => {}
            Stage::Undoing { attempt_until, retry_at, .. } => {
                due.push(life.deadline);
                due.push(retry_at.unwrap_or(*attempt_until));
            }
            _ => due.push(life.deadline),
        }
    }
    state.recovery_wakes(&mut due);
    // What is overdue was looked at in the last step; it waits for an answer now.
    due.into_iter().filter(|at| *at > state.run.now).min()
}

fn node_wake(node: &Node) -> Option<Duration> {
    match &node.state {
        NodeState::Running { until, .. } => *until,
        NodeState::Idle | NodeState::Done => None,
    }
}
