//! P0915: an experiment or scenario that says word for word what another one says.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::Declaration;

use super::Project;
use super::tree::{declarations, said, token_span};

pub(super) fn check(project: &Project<'_>, out: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<(&str, Vec<String>), (String, Span)> = BTreeMap::new();
    for file in project.files {
        for declaration in declarations(file) {
            let what = match declaration {
                Declaration::Experiment(_) => "experiment",
                Declaration::Scenario(_) => "scenario",
                _ => continue,
            };
            let (Some(name), words) = (declaration.name(), said(&declaration)) else { continue };
            // An item without a body is broken, and said to be.
            if words.len() < 3 {
                continue;
            }
            let span = token_span(file.id, &name);
            match seen.get(&(what, words.clone())) {
                Some((first, place)) => out.push(
                    Diagnostic::new(
                        Code::DUPLICATE_EXPERIMENT,
                        span,
                        format!("the {what} `{}` says what `{first}` says", name.text()),
                    )
                    .also(*place, "the same, word for word")
                    .why("the second proves nothing new, and the two will drift apart")
                    .help("leave one out, or make a scenario with a parameter for what should differ"),
                ),
                None => {
                    seen.insert((what, words), (name.text().to_owned(), span));
                }
            }
        }
    }
}
