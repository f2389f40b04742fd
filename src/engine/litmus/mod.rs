//! LitmusChaos: a plan becomes ChaosEngines, the ChaosExperiments that they name, their permissions, and, where the
//! method has more than one step, an Argo Workflow that creates the engines in order.
//!
//! Facts are those of litmus-go 1b3603f, chaos-operator af8244e (3.31 and 3.18) and the CRDs that ship with them; each
//! file names the ones it stands on. What no version of Litmus can say is a diagnostic P065x, never an omission.
//!
//! | file | from | to |
//! | --- | --- | --- |
//! | [`emit`] | a plan | documents and a report: the one entry |
//! | `body` | a fault's litmus body | its fields, checked |
//! | `env` | values of the language | the strings that Litmus parses |
//! | `target` | a draw | selectors and the env of the target |
//! | `shape` | the method | engines with their bounds, and how they follow each other |
//! | `condition` | a condition | one measured number and one bound |
//! | `probes` | hypothesis and guards | the probes of one engine |
//! | `access` | access words | roles and bindings |
//! | `experiment` | a fault | ChaosExperiment, ChaosEngine |
//! | `workflow` | the shape | Workflow or CronWorkflow |
//! | `shell` | text | text that a shell leaves as it is; the script of a check |
//! | `names` | long names | names that fit |
//! | `json` | a node | its text, for a manifest inside of a manifest |
//!
//! May use: `source` (spans), `diagnostic`, `types`, `plan`, `manifest`, `engine`'s shared types.

mod access;
mod body;
mod check;
mod condition;
mod emit;
mod env;
mod experiment;
mod json;
mod names;
mod probes;
mod shape;
mod shell;
mod target;
#[cfg(test)]
mod tests;
mod workflow;

pub use emit::{emit, judge};

/// The image that holds every fault, probe tool (`promql`) and `kubectl`: litmus-go `build/Dockerfile` at 3.31.0.
pub const RUNNER_IMAGE: &str = "docker.io/litmuschaos/go-runner:3.31.0";
