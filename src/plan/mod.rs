//! The plan: what will happen, when, to how much. The contract between the compiler, the engines, the interpreter, the
//! linter's policies, the reports and the importer.
//!
//! Plain data: serde, a published JSON Schema, a version, a digest, and for every node the place in the source that it
//! came from. A plan is for one *place*: an environment and one of its clusters. Whoever holds a plan needs no sources.
//!
//! May use: `source` (spans), `types`.

mod bodies;
mod canonical;
mod condition;
mod digest;
mod model;
mod placeless;
#[cfg(test)]
pub(crate) mod sample;
mod selector;

pub use bodies::{CHAOS_MESH_BODY, LITMUS_ACCESS, LITMUS_BODY};
pub use condition::{Arithmetic, Comparison, Condition, Operand};
pub use digest::text_digest;
pub use model::*;
pub use selector::{
    Label, LabelCondition, LabelTest, POD_FIELDS, POD_FIELDS_WITH_WORDS, PodField, PodPhase, conditions_exclude,
};

/// The first sentence of a doc comment, which is the title in plans, reports and manifests: up to the first full stop with
/// white space behind it, on one line.
#[must_use]
pub fn title(doc: &str) -> String {
    let mut title = String::new();
    for word in doc.split_whitespace() {
        if title.ends_with('.') {
            break;
        }
        if !title.is_empty() {
            title.push(' ');
        }
        title.push_str(word);
    }
    title
}

/// Stands in an SLO's query where its indicator takes `over`: whoever asks puts in how far it is to look back.
pub const SLO_WINDOW: &str = "$window";

/// An SLO's query over this window.
#[must_use]
pub fn over_window(query: &str, over: crate::types::Duration) -> String {
    query.replace(SLO_WINDOW, &format!("{}s", over.as_secs_ceil()))
}

/// The version of the form below. Raised by every change that an older reader would misread.
pub const PLAN_VERSION: u32 = 1;
