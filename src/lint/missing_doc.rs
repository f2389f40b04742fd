//! P0913: a declaration without a doc comment where people other than its author read its title.

use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::ast::Declaration;

use super::Project;
use super::tree::{declarations, docs, token_span};

pub(super) fn check(project: &Project<'_>, out: &mut Vec<Diagnostic>) {
    for file in project.files {
        for declaration in declarations(file) {
            // An experiment has a rule of its own.
            let what = match declaration {
                Declaration::Fault(_) => "fault",
                Declaration::Scenario(_) => "scenario",
                Declaration::Policy(_) => "policy",
                Declaration::Verify(_) => "verify",
                Declaration::Gameday(_) => "game day",
                _ => continue,
            };
            let Some(name) = declaration.name().filter(|_| docs(&declaration).is_empty()) else { continue };
            out.push(
                Diagnostic::new(
                    Code::MISSING_DOC,
                    token_span(file.id, &name),
                    format!("the {what} `{}` has no doc comment", name.text()),
                )
                .why("its first sentence is the title in plans, reports and the editor")
                .help("write a line that begins with `///` above it: what it is for, in one sentence"),
            );
        }
    }
}
