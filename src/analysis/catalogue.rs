//! Proof over a whole project: what was learned the hard way is tried again on purpose.
//!
//! Comes in: the project's incidents and the incidents that its experiments learned from, as plain data. Goes out: P0470.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::diagnostic::{Code, Diagnostic};
use crate::plan::Plan;
use crate::source::Span;

/// An incident of the project's catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownIncident {
    /// Its name.
    pub name: SmolStr,
    /// The services that it hurt.
    pub services: Vec<SmolStr>,
    /// Where it is declared.
    pub span: Span,
}

/// What is missing between the catalogue and all plans of a project.
#[must_use]
pub fn analyse_catalogue<'p>(
    incidents: &[KnownIncident],
    plans: impl IntoIterator<Item = &'p Plan>,
) -> Vec<Diagnostic> {
    let learned: BTreeSet<&str> =
        plans.into_iter().flat_map(|p| p.learned_from.iter().map(|i| i.name.as_str())).collect();
    unlearned(incidents, &learned)
}

/// Incidents that no experiment names under `learned-from`; for callers that have no plans at hand.
#[must_use]
pub fn unlearned(incidents: &[KnownIncident], learned: &BTreeSet<&str>) -> Vec<Diagnostic> {
    incidents
        .iter()
        .filter(|incident| !learned.contains(incident.name.as_str()))
        .map(|incident| {
            let name = &incident.name;
            let services: Vec<String> = incident.services.iter().map(|s| format!("`{s}`")).collect();
            let message = format!("no experiment learned from `{name}`");
            let help = if services.is_empty() {
                format!("write an experiment that does the same on purpose, with `learned-from: [{name}]`")
            } else {
                format!(
                    "write an experiment on {} that does the same on purpose, with `learned-from: [{name}]`",
                    services.join(" or ")
                )
            };
            Diagnostic::new(Code::INCIDENT_NOT_LEARNED_FROM, incident.span, message)
                .why("what was mended after it may break again, and nobody would know before the customers do")
                .help(help)
        })
        .collect()
}
