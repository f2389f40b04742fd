//! What the catalogue of a whole project asks for, and no experiment does.
//!
//! Comes in: a program. Goes out: what `analysis` says of its incidents. Reads declarations, not plans: an experiment that
//! has no plan yet has learned all the same.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::analysis::{self, KnownIncident};
use crate::check::Program;
use crate::check::program::{Expr, ExprKind, Instance, ItemKind, RecordWord};
use crate::diagnostic::Diagnostic;

/// What is said of each incident that nothing learned from, in the files that `is_meant` chooses.
#[must_use]
pub fn unlearned(program: &Program, is_meant: impl Fn(&str) -> bool) -> Vec<Diagnostic> {
    let mut learned: BTreeSet<SmolStr> = BTreeSet::new();
    let mut incidents = Vec::new();
    for (id, item) in program.own_decls() {
        match &item.kind {
            ItemKind::Experiment(body) | ItemKind::Scenario(_, body) | ItemKind::Instance(Instance { body: Some(body), .. }) => {
                for field in body.fields.iter().filter(|f| f.key.text == "learned-from") {
                    last_names(&field.value, &mut learned);
                }
            }
            ItemKind::Record(RecordWord::Incident, fields) if is_meant(&program.files[program.file_of(id)].path) => {
                let mut services = BTreeSet::new();
                for field in fields.iter().filter(|f| f.key.text == "services") {
                    last_names(&field.value, &mut services);
                }
                incidents.push(KnownIncident {
                    name: item.name.text.clone(),
                    services: services.into_iter().collect(),
                    span: item.name.span,
                });
            }
            _ => {}
        }
    }
    let learned: BTreeSet<&str> = learned.iter().map(SmolStr::as_str).collect();
    analysis::unlearned(&incidents, &learned)
}

/// The names of a list: `a` of `a`, `b` of `catalogue.b`.
fn last_names(expr: &Expr, into: &mut BTreeSet<SmolStr>) {
    match &expr.kind {
        ExprKind::Name(name) => {
            into.insert(name.clone());
        }
        ExprKind::Member { name, .. } => {
            into.insert(name.text.clone());
        }
        ExprKind::List(items) => items.iter().for_each(|item| last_names(item, into)),
        ExprKind::Group(inner) => last_names(inner, into),
        _ => {}
    }
}
