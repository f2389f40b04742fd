//! Which incidents of the project its experiments learned from.
//!
//! Comes in: a [`Program`], read whole. Goes out: P0470 for every incident that no `learned-from` names. Names are read
//! as they stand there: whether they mean anything is checked with the experiment.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::analysis::{KnownIncident, unlearned};
use crate::check::Program;
use crate::check::declared::field;
use crate::check::program::{Expr, ExprKind, Field, Item, ItemKind, RecordWord};
use crate::diagnostic::Diagnostic;

/// The incidents that nothing learned from.
pub(super) fn check(program: &Program) -> Vec<Diagnostic> {
    let mut incidents = Vec::new();
    let mut learned = BTreeSet::new();
    for (id, item) in program.own_decls() {
        match &item.kind {
            // What learned from an incident of a file that is only imported may not have been read.
            ItemKind::Record(RecordWord::Incident, fields) if program.is_root(id) => {
                incidents.push(known(item, fields))
            }
            ItemKind::Scenario(_, body) | ItemKind::Experiment(body) => learn(&body.fields, &mut learned),
            ItemKind::Instance(instance) => {
                if let Some(body) = &instance.body {
                    learn(&body.fields, &mut learned);
                }
            }
            _ => {}
        }
    }
    unlearned(&incidents, &learned)
}

fn known(item: &Item, fields: &[Field]) -> KnownIncident {
    let services = field(fields, "services").map(|f| names(&f.value)).unwrap_or_default();
    let services = services.into_iter().cloned().collect();
    KnownIncident { name: item.name.text.clone(), services, span: item.name.span }
}

fn learn<'p>(fields: &'p [Field], learned: &mut BTreeSet<&'p str>) {
    if let Some(given) = field(fields, "learned-from") {
        learned.extend(names(&given.value).into_iter().map(SmolStr::as_str));
    }
}

/// The names in a list of names.
fn names(list: &Expr) -> Vec<&SmolStr> {
    match &list.kind {
        ExprKind::List(items) => items.iter().flat_map(names).collect(),
        ExprKind::Group(inner) => names(inner),
        ExprKind::Match { arms, .. } => arms.iter().flat_map(|arm| names(&arm.value)).collect(),
        ExprKind::Name(name) => vec![name],
        ExprKind::Member { name, .. } => vec![&name.text],
        _ => Vec::new(),
    }
}
