//! Engines, one folder each. `emit.rs` turns plans into manifests (pure); `drive.rs` says what an engine does that
//! Perturb drives itself: inject, confirm, undo.
//!
//! No code here knows what a single fault looks like: bodies come evaluated with the plan ([`crate::plan::Body`]). An
//! engine knows how its objects wrap a body, how it spells quantities, and what it cannot do.
//!
//! May use: `source` (spans), `diagnostic`, `types`, `plan`, `analysis` (bounds), `manifest`.

pub mod chaos_mesh;
mod drawing;
#[cfg(feature = "run")]
pub mod drive;
pub mod litmus;
#[cfg(feature = "run")]
pub mod local;
pub mod native;
#[cfg(feature = "run")]
pub mod toxiproxy;
mod unwatched;

use serde::Serialize;

use crate::diagnostic::Diagnostic;
use crate::plan::Schedule;
use crate::source::Span;

/// What can be asked of a native compilation.
#[derive(Debug, Clone, Default)]
pub struct EmitOptions {
    /// The image of `perturb gate`; `None` and no `gate_url`: the released image of this version.
    pub gate_image: Option<String>,
    /// A gate that runs already; then no objects of the gate are emitted.
    pub gate_url: Option<String>,
}

/// Something that the engine does a little differently from what the plan says. Refused under `--strict`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Approximation {
    /// What: rounding, direction, scope, draw, time, ….
    pub what: &'static str,
    /// One sentence: what the plan says and what the engine does.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// What a compilation says beside its manifests.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Errors (then nothing was emitted) and warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// What is approximate.
    pub approximations: Vec<Approximation>,
    /// What restricts a run and what nothing in the cluster looks at: always said, and refused under `--strict`.
    pub unwatched: Vec<Approximation>,
    /// How long things take natively, where the engine's own controllers add to it: a line each.
    pub bounds: Vec<String>,
    /// How many targets each draw hits in the language and in this engine, for a known replica count.
    pub counts: Vec<DrawCount>,
}

/// How many targets a draw hits, where the catalogue knows the replica count.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DrawCount {
    /// `50% of ledger.pods`.
    pub draw: String,
    /// Of how many.
    pub candidates: u32,
    /// What the language says.
    pub language: u32,
    /// What the engine does.
    pub engine: u32,
}

/// Receives each document as soon as it is built.
pub type Sink<'s> = dyn FnMut(&crate::manifest::Node<'_>) + 's;

/// What the runs of one `verify` do where each has an object of its own that starts it.
fn all_at_once(schedule: &Schedule, object: &str) -> String {
    format!(
        "`{}` makes several runs, one after another, and stops at one that is aborted; here each has a {object} of its own: \
         all start at once, and none looks at the others",
        schedule.verify
    )
}
