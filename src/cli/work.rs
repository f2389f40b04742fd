//! Experiments at places: which there are, and judging them all.
//!
//! A few are done one after the other: a check of one small file should not pay for a pool of threads.

use std::collections::BTreeSet;

use rayon::prelude::*;
use smol_str::SmolStr;

use super::exit::Failure;
use super::place::{self, Wanted};
use crate::analysis::{self, KnownIncident, analyse};
use crate::check::Program;
use crate::check::program::{Expr, ExprKind, Instance, ItemKind, RecordWord};
use crate::diagnostic::{Code, Diagnostic, tidy};
use crate::lower::{self, ExperimentRef, Lowered, PlaceRef};
use crate::project::Settings;

/// Fewer than this are done by one thread: starting others costs more.
const FEW: usize = 16;

/// One experiment at one place.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub experiment: ExperimentRef,
    pub place: PlaceRef,
}

/// The experiments of the files that are meant, with every place of each.
pub(super) fn experiments(
    program: &Program,
    is_meant: impl Fn(&ExperimentRef) -> bool,
) -> Vec<(ExperimentRef, Vec<PlaceRef>)> {
    lower::experiments(program)
        .into_iter()
        .filter(|e| is_meant(e))
        .map(|e| {
            let places = lower::places(program, &e);
            (e, places)
        })
        .collect()
}

/// Every place of these experiments, once, in the order in which they first come.
pub(super) fn all_places(experiments: &[(ExperimentRef, Vec<PlaceRef>)]) -> Vec<PlaceRef> {
    let mut all: Vec<PlaceRef> = Vec::new();
    for place in experiments.iter().flat_map(|(_, places)| places) {
        if !all.contains(place) {
            all.push(place.clone());
        }
    }
    all
}

/// The experiments of these names.
///
/// # Errors
/// There is none of a name: did you mean, and the list.
pub(super) fn named(
    experiments: Vec<(ExperimentRef, Vec<PlaceRef>)>,
    names: &[String],
) -> Result<Vec<(ExperimentRef, Vec<PlaceRef>)>, Failure> {
    for name in names {
        if !experiments.iter().any(|(e, _)| e.name == name.as_str()) {
            let known: Vec<String> = experiments.iter().map(|(e, _)| e.name.to_string()).collect();
            return Err(Failure::unknown("experiment", name, &known));
        }
    }
    Ok(experiments
        .into_iter()
        .filter(|(e, _)| names.is_empty() || names.iter().any(|n| e.name == n.as_str()))
        .collect())
}

/// The plan of an experiment at a place, with all that is proved or refused about it.
pub(super) fn judged(program: &Program, job: &Job) -> Lowered {
    let mut lowered = lower::plan(program, &job.experiment, &job.place);
    if let Some(plan) = &lowered.plan {
        lowered.diagnostics.extend(analyse(plan));
    }
    lowered
}

/// What is wrong with any of these.
pub(super) fn judge(program: &Program, jobs: &[Job]) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = if jobs.len() < FEW {
        jobs.iter().flat_map(|job| judged(program, job).diagnostics).collect()
    } else {
        jobs.par_iter().flat_map_iter(|job| judged(program, job).diagnostics).collect()
    };
    // An experiment at two places says most things twice.
    tidy(&mut found);
    found
}

/// The place that `perturb.toml` asks for; and a diagnostic where nothing declares it.
pub(super) fn place_of_settings(settings: &Settings, all: &[PlaceRef]) -> (Option<Wanted>, Option<Diagnostic>) {
    let Some((text, span)) = &settings.place else { return (None, None) };
    let wanted = Wanted::parse(text);
    match place::find(&wanted, all) {
        Ok(_) => (Some(wanted), None),
        Err(failure) => {
            let diagnostic = Diagnostic::new(Code::PROJECT_UNKNOWN_PLACE, *span, failure.message);
            (
                None,
                Some(match failure.help {
                    Some(help) => diagnostic.help(help),
                    None => diagnostic,
                }),
            )
        }
    }
}

/// The incidents that nothing learned from, of files that `is_meant` chooses.
pub(super) fn unlearned(program: &Program, is_meant: impl Fn(&str) -> bool) -> Vec<Diagnostic> {
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

/// Whether the experiment of a plan is one of these names; all are, if there are none.
///
/// # Errors
/// It is another.
pub(super) fn named_plan(plan: &crate::plan::Plan, names: &[String]) -> Result<(), Failure> {
    match names.iter().find(|n| plan.name != n.as_str()) {
        Some(name) => Err(Failure::unknown("experiment", name, &[plan.name.to_string()])),
        None => Ok(()),
    }
}
