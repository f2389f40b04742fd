//! P0920: an experiment that neither learned from an incident nor says what it is for.

use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::ast::Declaration;

use super::Project;
use super::tree::{declarations, docs, has_field, token_span};

pub(super) fn check(project: &Project<'_>, out: &mut Vec<Diagnostic>) {
    for file in project.files {
        for declaration in declarations(file).filter(|d| matches!(d, Declaration::Experiment(_))) {
            let says_why = !docs(&declaration).is_empty() || has_field(&declaration, "learned-from");
            let Some(name) = declaration.name().filter(|_| !says_why) else { continue };
            out.push(
                Diagnostic::new(
                    Code::NO_RATIONALE,
                    token_span(file.id, &name),
                    format!("nothing says why there is an experiment `{}`", name.text()),
                )
                .why("when it is refuted at night, somebody must know what it was to prove")
                .help("write `/// What should hold, and since when it is in doubt.` above it, or `learned-from: [INCIDENT]`"),
            );
        }
    }
}
