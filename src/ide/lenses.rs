//! What can be done with an experiment, above its name.

use super::Workspace;
use super::hover::worst_case;
use crate::source::Span;

/// A line above an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lens {
    /// Where.
    pub span: Span,
    /// What it says.
    pub title: String,
    /// What it does: `perturb.plan`.
    pub command: &'static str,
    /// The experiment.
    pub experiment: String,
}

/// The lenses of a file: its worst case, and what can be done with it.
#[must_use]
pub fn lenses(workspace: &Workspace, file: usize) -> Vec<Lens> {
    let mut found = Vec::new();
    for (experiment, places) in workspace.experiments(file) {
        if experiment.verify.is_some() {
            continue;
        }
        let mut put = |title: String, command| {
            let (span, experiment) = (experiment.span, experiment.name.to_string());
            found.push(Lens { span, title, command, experiment });
        };
        let told = workspace.plan(&experiment).map(|plan| worst_case(&plan));
        put("check".to_owned(), "perturb.check");
        if let Some(told) = told {
            let at = places.len();
            put(if at > 1 { format!("plan ({at} places)") } else { "plan".to_owned() }, "perturb.plan");
            put("simulate".to_owned(), "perturb.simulate");
            put(told, "perturb.plan");
        }
    }
    found
}
