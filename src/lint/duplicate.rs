//! P0915: an experiment or scenario that says word for word what another one says.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, Diagnostic};

use super::Project;
use super::facts::{Body, Facts};

pub(super) fn check(project: &Project<'_>, out: &mut Vec<Diagnostic>) {
    // Which of two came first does not depend on the order in which files were read.
    let mut facts: Vec<&Facts> = project.facts.to_vec();
    facts.sort_by_key(|f| &f.path);
    let mut seen: BTreeMap<_, &Body> = BTreeMap::new();
    for body in facts.iter().flat_map(|f| &f.bodies) {
        let Some(first) = seen.get(&(body.what, body.said)) else {
            seen.insert((body.what, body.said), body);
            continue;
        };
        if !project.files.iter().any(|file| file.id == body.place.file) {
            continue;
        }
        let (what, name, first_name) = (body.what, &body.name, &first.name);
        let message = format!("the {what} `{name}` says what `{first_name}` says");
        out.push(
            Diagnostic::new(Code::DUPLICATE_EXPERIMENT, body.place, message)
                .also(first.place, "the same, word for word")
                .why("the second proves nothing new, and the two will drift apart")
                .help("leave one out, or make a scenario with a parameter for what should differ"),
        );
    }
}
