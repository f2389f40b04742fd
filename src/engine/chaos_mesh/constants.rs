//! Every name, port and time that the emitted objects and the gate agree on, in one place.
//!
//! Each number says where it comes from. Nothing here depends on a plan.

use crate::types::Duration;

/// In front of every annotation and label of ours.
pub const ANNOTATION_PREFIX: &str = "perturb.dev";
/// The plan's digest. On every object: a Workflow needs one annotation at least, or its abort panics (T52, G3).
pub(super) const PLAN_ANNOTATION: &str = "perturb.dev/plan";
/// The experiment's title, for people.
pub(super) const TITLE_ANNOTATION: &str = "perturb.dev/title";
/// Where the gate writes its verdict, in the language's words (`confirmed`, `refuted`, …).
pub const VERDICT_ANNOTATION: &str = "perturb.dev/verdict";
/// Where the gate writes what ended the run.
pub const REASON_ANNOTATION: &str = "perturb.dev/reason";
/// Flux rewrites `${…}` in everything that it applies, and queries are full of it.
pub(super) const FLUX_KEEPS_TEXT: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// The label that selects a gate's pods.
pub(super) const GATE_LABEL: &str = "perturb.dev/gate";
/// Where the gate listens.
pub const GATE_PORT: i64 = 8080;
/// Where the plan lies in the gate's pod.
pub(super) const GATE_FOLDER: &str = "/etc/perturb";
/// Where secrets lie in the gate's pod, a folder each with the key `token`.
pub(super) const GATE_SECRETS: &str = "/var/run/perturb/secrets";

/// The released image of `perturb` in this version.
#[must_use]
pub fn gate_image() -> &'static str {
    concat!("ghcr.io/perturb-lang/perturb:", env!("CARGO_PKG_VERSION"))
}

/// API group and version of every kind of Chaos Mesh.
pub(super) const API_VERSION: &str = "chaos-mesh.org/v1alpha1";
/// The API group alone.
pub(super) const API_GROUP: &str = "chaos-mesh.org";

/// How often a StatusCheck asks, in seconds: the shortest that it can.
pub(super) const INTERVAL: i64 = 1;
/// How long it waits for an answer, in seconds: the gate answers from memory.
pub(super) const TIMEOUT: i64 = 1;
/// A gate that is restarted is back within this many seconds; measured with two replicas.
const GATE_RESTART: i64 = 5;
/// How many failures in a row of the guards' check abort: an outage of the gate shorter than a restart must not.
/// The gate itself acts on a breach at once; this check is the dead man's switch behind it.
pub(super) const FAILURES: i64 = GATE_RESTART / INTERVAL + 2;
/// Failures that are never reached: such a check ends by success, by its duration or by its parent only.
pub(super) const NEVER: i64 = 1_000_000;
/// How many records a StatusCheck keeps. Below its `failureThreshold` the check dies silently (G5).
pub(super) const RECORDS: i64 = 100;

/// From the start of `run` until `armed` opens.
pub(super) const ARMING: Duration = Duration::from_secs(10);
/// From the end of a node until the next one runs.
pub(super) const NODE_SLACK: Duration = Duration::from_secs(2);
/// Node deadlines are cut to whole seconds, so that a node ends up to a second early (G2).
pub(super) const CUT: Duration = Duration::from_secs(1);
/// How long the node of an instant fault lives: by then it has been injected, also with four workflows at once.
pub(super) const INSTANT: Duration = Duration::from_secs(10);
/// How long the baseline waits beside its own length: for the gate to start and for an earlier run to be gone (G10).
pub(super) const BASELINE_PATIENCE: Duration = Duration::from_secs(60);
/// What the last check waits beside the plan's own bounds: two probes, and the gate's sample before them.
pub(super) const RECOVERED_SLACK: Duration = Duration::from_secs(10);
/// What the whole Workflow gets beside its parts.
pub(super) const LAST_RESORT: Duration = Duration::from_secs(30);

/// Longest name of a template: with more, Parallel respawns its children on every reconcile (T51).
pub(super) const LONGEST_TEMPLATE: usize = 57;
/// Longest name of a Schedule: its children's names are cut behind it.
pub(super) const LONGEST_SCHEDULE: usize = 57;
/// Longest name of everything else: a Workflow's name is a label's value.
pub(super) const LONGEST_NAME: usize = 63;
