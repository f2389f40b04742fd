//! `verify`: which runs it makes, where, and when.

use std::collections::HashMap;
use std::sync::Arc;

use smol_str::SmolStr;

use super::{ExperimentRef, Origin, body, guards, hypothesis, steps};
use crate::check::declared::{check_keys, check_links, field};
use crate::check::evaluate::{Evaluator, Target, Val, text_of};
use crate::check::program::{Expr, ItemKind, Run, Verify};
use crate::check::scope::DeclId;
use crate::check::{PlaceId, Program};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Schedule, Selector};
use crate::source::Span;
use crate::types::{TargetKind, Type};

/// Checks a `verify` without a place.
pub fn check(ev: &mut Evaluator<'_>, id: DeclId) {
    let item = ev.program.item(id);
    let ItemKind::Verify(verify) = &item.kind else { return };
    let file = ev.program.file_of(id);
    ev.within(file, Vec::new(), |ev| {
        check_keys(ev, &verify.fields, &["in", "fresh-for", "links"], "a verify");
        match field(&verify.fields, "in") {
            Some(given) => {
                clusters(ev, &given.value);
            }
            None => ev.report(
                Diagnostic::new(Code::MISSING_FIELD, item.name.span, format!("`{}` has no `in`", item.name.text))
                    .why("an experiment does not say where it runs; whoever runs it does")
                    .help("write `in: one of staging.clusters`"),
            ),
        }
        if let Some(fresh) = field(&verify.fields, "fresh-for") {
            hypothesis::time(ev, &fresh.value, "fresh-for");
        }
        if let Some(links) = field(&verify.fields, "links") {
            check_links(ev, links);
        }
        if let Some((cron, zone, span)) = every(ev, verify, item.name.span, &item.name.text) {
            let mut found = Vec::new();
            crate::analysis::schedule_alone(&cron, &zone, span, &mut found);
            found.into_iter().for_each(|diagnostic| ev.report(diagnostic));
        }
        if verify.runs.is_empty() {
            ev.report(
                Diagnostic::new(Code::INCOMPLETE, item.name.span, format!("`{}` runs nothing", item.name.text))
                    .help("write `run EXPERIMENT`"),
            );
        }
        let environment = field(&verify.fields, "in").and_then(|given| environment_of(ev.program, file, &given.value));
        for run in &verify.runs {
            self::run(ev, run, environment);
        }
    });
}

/// A quantity of clusters.
pub fn clusters(ev: &mut Evaluator<'_>, expr: &Expr) -> Option<Val> {
    match ev.value(expr, &Type::Any) {
        Val::Target(target) if target.kind() == TargetKind::Clusters => Some(Val::Target(target)),
        Val::Unknown(Type::Any) => None,
        Val::Unknown(Type::Target(TargetKind::Clusters)) => None,
        _ => {
            ev.report(
                Diagnostic::new(Code::NOT_CLUSTERS, expr.span, "this is no quantity of clusters")
                    .why("\"production\" should never mean all of it by accident")
                    .help("write `one of production.clusters` or `all of staging.clusters`"),
            );
            None
        }
    }
}

fn every(ev: &mut Evaluator<'_>, verify: &Verify, at: Span, name: &str) -> Option<(SmolStr, SmolStr, Span)> {
    let Some((first, rest)) = verify.every.split_first() else {
        ev.report(
            Diagnostic::new(Code::MISSING_FIELD, at, format!("how often does `{name}` run?"))
                .help("write `every \"0 10 * * tue\" in \"Asia/Jakarta\"`"),
        );
        return None;
    };
    if let Some(second) = rest.first() {
        ev.report(
            Diagnostic::new(Code::GIVEN_TWICE, second.span, "`every` is given twice").also(first.span, "first here"),
        );
    }
    let cron = text_of(&ev.value(&first.cron, &Type::String));
    let zone = guards::time_zone(ev, &first.zone);
    Some((cron?, zone?, first.span))
}

/// Checks one `run`: what it names, its arguments, its loop.
fn run(ev: &mut Evaluator<'_>, run: &Run, environment: Option<DeclId>) {
    let members = run.over.as_ref().map(|over| (over, steps::members(ev, over)));
    ev.block(|ev| {
        if let Some((over, members)) = &members {
            let member = match members.as_ref().and_then(|m| m.first()) {
                Some(first) => Val::Unknown(ev.type_of(first)),
                None => Val::error(),
            };
            ev.declare(&over.name, member);
        }
        runnable_in(ev, run, environment);
    });
}

/// Checks what a `run` names, and that it may run in this environment.
pub fn runnable_in(ev: &mut Evaluator<'_>, run: &Run, environment: Option<DeclId>) {
    let (Some(id), Some(environment)) = (runnable(ev, run), environment) else { return };
    let program = ev.program;
    let Some(allowed) = body::environments_of(program, id).filter(|allowed| !allowed.contains(&environment)) else {
        return;
    };
    let name = |id: &DeclId| format!("`{}`", program.item(*id).name.text);
    let allowed: Vec<String> = allowed.iter().map(name).collect();
    if allowed.is_empty() {
        return; // Said where it is declared.
    }
    let (what, here) = (run.path.text(), name(&environment));
    ev.report(
        Diagnostic::new(Code::RUN_NOT_ALLOWED, run.path.span, format!("`{what}` may not run in {here}"))
            .also(program.item(id).name.span, format!("its `environments` are {}", allowed.join(", ")))
            .why("who wrote it has judged what it may break there, and nowhere else")
            .help(format!("run it in {}, or add {here} to its `environments`", allowed.join(" or "))),
    );
}

/// What a `run` names, with its arguments checked.
pub fn runnable(ev: &mut Evaluator<'_>, run: &Run) -> Option<DeclId> {
    let value = ev.path(&run.path);
    match value {
        Val::Decl(id) => match &ev.program.item(id).kind {
            ItemKind::Scenario(..) => {
                let signature = ev.program.signature(id);
                let bound = ev.bind(id, &signature, run.args.as_deref().unwrap_or_default(), run.path.span);
                bound.fine.then_some(id)
            }
            ItemKind::Experiment(_) | ItemKind::Instance(_) => {
                if let Some(arg) = run.args.iter().flatten().next() {
                    ev.report(
                        Diagnostic::new(Code::UNKNOWN_ARGUMENT, arg.span, "an experiment takes no arguments")
                            .help("a scenario does"),
                    );
                }
                Some(id)
            }
            _ => {
                ev.report(
                    Diagnostic::new(Code::NOT_RUNNABLE, run.path.span, format!("`{}` cannot be run", run.path.text()))
                        .also(ev.program.item(id).name.span, "declared here")
                        .help("experiments and scenarios are run"),
                );
                None
            }
        },
        other if other.is_error() => None,
        _ => {
            ev.report(
                Diagnostic::new(Code::NOT_RUNNABLE, run.path.span, format!("`{}` cannot be run", run.path.text()))
                    .help("experiments and scenarios are run"),
            );
            None
        }
    }
}

/// The environment and clusters of a `verify`.
pub fn places_of(program: &Program, id: DeclId) -> Option<(DeclId, Vec<SmolStr>)> {
    let ItemKind::Verify(verify) = &program.item(id).kind else { return None };
    places_in(program, program.file_of(id), &field(&verify.fields, "in")?.value)
}

/// The environment of an `in`.
pub fn environment_of(program: &Program, file: usize, given: &Expr) -> Option<DeclId> {
    places_in(program, file, given).map(|(environment, _)| environment)
}

/// The target of an `in`. With an evaluator of its own: it is no draw of a plan.
fn target_in(program: &Program, file: usize, given: &Expr) -> Option<Arc<Target>> {
    let mut ev = Evaluator::new(program, None);
    match ev.within(file, Vec::new(), |ev| clusters(ev, given))? {
        Val::Target(target) => Some(target),
        _ => None,
    }
}

/// The environment and clusters of an `in`.
fn places_in(program: &Program, file: usize, given: &Expr) -> Option<(DeclId, Vec<SmolStr>)> {
    let target = target_in(program, file, given)?;
    let Selector::Clusters(names) = &target.of.selector else { return None };
    let environment = target.of.text.split('.').next().and_then(|name| program.environment_named(name))?;
    Some((environment, names.clone()))
}

/// The runs that a `verify` makes, each with its name.
pub fn instances(
    program: &Program,
    id: DeclId,
    path: &SmolStr,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<ExperimentRef> {
    let item = program.item(id);
    let ItemKind::Verify(verify) = &item.kind else { return Vec::new() };
    // What a loop goes over may depend on the place: the first one decides, as names must not differ between places.
    let place = places_of(program, id).and_then(|(environment, clusters)| {
        program.places().find(|p: &PlaceId| {
            program.environment(*p).decl == environment && clusters.contains(&program.cluster(*p).facts.name)
        })
    });
    let mut ev = Evaluator::new(program, place);
    let mut found: Vec<ExperimentRef> = Vec::new();
    let mut names: HashMap<SmolStr, Span> = HashMap::new();
    for (index, run) in verify.runs.iter().enumerate() {
        let members = match &run.over {
            None => vec![None],
            Some(over) => {
                let members = ev.within(program.file_of(id), Vec::new(), |ev| steps::members(ev, over));
                match members {
                    Some(members) if members.is_empty() => {
                        diagnostics.push(
                            Diagnostic::new(Code::EMPTY_LOOP, over.span, "this runs nothing: no member fits")
                                .why("a verification of nothing would look like a proof"),
                        );
                        continue;
                    }
                    Some(members) => members.into_iter().map(|m| Some((over.name.clone(), m))).collect(),
                    None => continue,
                }
            }
        };
        let run_name = run.path.names.last().map(|n| n.text.clone()).unwrap_or_default();
        for each in members {
            let tail = each.as_ref().map_or(run_name.to_string(), |(_, value)| slug(&ev.val_text(value)));
            let mut name = SmolStr::from(format!("{}-{tail}", item.name.text));
            if names.contains_key(&name) {
                // Two loops over the same, or one scenario of two services: what was run tells them apart.
                let more = match &each {
                    Some(_) => Some(format!("{run_name}-{tail}")),
                    None => ev
                        .within(program.file_of(id), Vec::new(), |ev| first_argument(ev, run))
                        .map(|of| format!("{run_name}-{}", slug(&of))),
                };
                match more {
                    Some(more) => name = format!("{}-{more}", item.name.text).into(),
                    // Its argument is wrong, which is said where the run is checked.
                    None if run.args.as_ref().is_some_and(|args| !args.is_empty()) => continue,
                    None => {}
                }
            }
            if let Some(first) = names.get(&name).copied() {
                diagnostics.push(
                    Diagnostic::new(Code::SAME_NAME_TWICE, run.span, format!("two runs would be named `{name}`"))
                        .also(first, "the first is here")
                        .why("verdicts are kept by name")
                        .help("put one of them into a `verify` of its own"),
                );
                continue;
            }
            names.insert(name.clone(), run.span);
            found.push(ExperimentRef {
                name,
                verify: Some(item.name.text.clone()),
                path: path.clone(),
                span: run.span,
                origin: Origin::Verify { verify: id, run: index, among_others: false, each },
            });
        }
    }
    let several = found.len() > 1;
    for run in &mut found {
        if let Origin::Verify { among_others, .. } = &mut run.origin {
            *among_others = several;
        }
    }
    found
}

/// The first argument of a run, as text; what is wrong with it is reported where the run is checked.
fn first_argument(ev: &mut Evaluator<'_>, run: &Run) -> Option<String> {
    let arg = run.args.as_deref()?.first()?;
    let before = ev.diagnostics.len();
    let value = ev.value(&arg.value, &Type::Any);
    ev.told_elsewhere(before);
    (!value.is_error()).then(|| ev.val_text(&value))
}

/// As a part of a name: `5%` is `5`.
fn slug(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
        }
    }
    out.trim_end_matches('-').to_owned()
}

/// When it runs, and whether `among_others`.
pub fn schedule(ev: &mut Evaluator<'_>, id: DeclId, among_others: bool) -> Option<Schedule> {
    let item = ev.program.item(id);
    let ItemKind::Verify(verify) = &item.kind else { return None };
    let file = ev.program.file_of(id);
    ev.within(file, Vec::new(), |ev| {
        let before = ev.diagnostics.len();
        let every = every(ev, verify, item.name.span, &item.name.text);
        let fresh_for = match field(&verify.fields, "fresh-for") {
            Some(given) => Some(hypothesis::time(ev, &given.value, "fresh-for")?),
            None => None,
        };
        // What is wrong in a `verify` is reported where it is checked.
        ev.told_elsewhere(before);
        let (cron, zone, span) = every?;
        let drawn = drawn(ev.program, file, verify);
        Some(Schedule { verify: item.name.text.clone(), cron, zone, fresh_for, among_others, drawn, span })
    })
}

/// `one of 2 clusters`, where each run is held in a part of those that there are.
fn drawn(program: &Program, file: usize, verify: &Verify) -> Option<SmolStr> {
    let target = target_in(program, file, &field(&verify.fields, "in")?.value)?;
    let Selector::Clusters(names) = &target.of.selector else { return None };
    let all = names.len() as u32;
    let few = target.quantity.of(all);
    (few < all).then(|| {
        SmolStr::from(if few == 1 { format!("one of {all} clusters") } else { format!("{few} of {all} clusters") })
    })
}

/// No run of a `verify` may have the name of an experiment or of another run.
pub fn unique<'e>(experiments: impl IntoIterator<Item = &'e ExperimentRef>, diagnostics: &mut Vec<Diagnostic>) {
    let mut names: HashMap<&str, &ExperimentRef> = HashMap::new();
    for experiment in experiments {
        let Some(first) = names.insert(&experiment.name, experiment) else { continue };
        // Two experiments of one name are told where they are declared.
        let (run, other) = match (&first.verify, &experiment.verify) {
            (None, None) => continue,
            (_, Some(_)) => (experiment, first),
            (Some(_), None) => (first, experiment),
        };
        diagnostics.push(
            Diagnostic::new(
                Code::SAME_NAME_TWICE,
                run.span,
                format!("two runs of the project would be named `{}`", run.name),
            )
            .also(other.span, "the other is here")
            .why("verdicts are kept by name, and so are manifests"),
        );
    }
}
