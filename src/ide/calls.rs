//! Who hits whom: the experiments that hit a service, the services that an experiment hits.

use super::definition::place;
use super::names::{self, Symbol};
use super::{Place, Workspace};
use crate::check::evaluate::word_of;
use crate::check::program::{ItemKind, RecordWord};
use crate::check::scope::DeclId;
use crate::source::Span;

/// A service or an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// `service`, `experiment`.
    pub detail: String,
    /// All of it.
    pub span: Span,
    /// Its name's place.
    pub place: Place,
    /// Whether it is a service.
    pub is_service: bool,
}

/// The service or experiment at an offset.
#[must_use]
pub fn prepare(workspace: &Workspace, file: usize, offset: u32) -> Option<Node> {
    let program = workspace.program();
    let found = names::at(program, file, offset)?;
    let Symbol::Decl(id) = found.symbol else { return None };
    match &program.item(id).kind {
        ItemKind::Record(RecordWord::Service, _)
        | ItemKind::Experiment(_)
        | ItemKind::Instance(_)
        | ItemKind::Verify(_) => Some(node(workspace, id)),
        _ => None,
    }
}

fn node(workspace: &Workspace, id: DeclId) -> Node {
    let item = workspace.program().item(id);
    Node {
        name: item.name.text.to_string(),
        detail: word_of(&item.kind).to_owned(),
        span: item.span.to(item.name.span),
        place: place(workspace, item.name.span),
        is_service: matches!(item.kind, ItemKind::Record(..)),
    }
}

/// The experiments that hit a service at the first of their places, each with the steps that do.
#[must_use]
pub fn hit_by(workspace: &Workspace, service: &str) -> Vec<(Node, Vec<Span>)> {
    each_experiment(workspace, |file, experiment, draws| {
        let spans: Vec<Span> = draws.iter().filter(|(name, _)| name == service).map(|(_, span)| *span).collect();
        if spans.is_empty() {
            return None;
        }
        let of = workspace.program().decls_of(file);
        let mut holding = of.filter(|(_, item)| {
            item.span.start <= experiment.start && experiment.end <= item.span.end.max(item.name.span.end)
        });
        let (id, _) = holding.next()?;
        Some((node(workspace, id), spans))
    })
}

/// The services that an experiment (or any run of a `verify`) hits, each with the steps that do.
#[must_use]
pub fn hits(workspace: &Workspace, experiment: &Place) -> Vec<(Node, Vec<Span>)> {
    let program = workspace.program();
    let Some(file) = workspace.file(&experiment.path) else { return Vec::new() };
    let mut of = program.decls_of(file);
    let Some((_, item)) = of.find(|(_, item)| item.name.span == experiment.span) else { return Vec::new() };
    let mut found: Vec<(Node, Vec<Span>)> = Vec::new();
    for (of_file, _) in workspace.experiments(file) {
        if of_file.span.start < item.span.start.min(item.name.span.start)
            || of_file.span.end > item.span.end.max(item.name.span.end)
        {
            continue;
        }
        let Some(plan) = workspace.plan(&of_file) else { continue };
        for draw in &plan.draws {
            let Some(service) = &draw.service else { continue };
            match found.iter_mut().find(|(node, _)| node.name == service.as_str()) {
                Some((_, spans)) => spans.push(draw.span),
                None => {
                    let id = program.services().find(|id| program.item(*id).name.text == *service);
                    found.extend(id.map(|id| (node(workspace, id), vec![draw.span])));
                }
            }
        }
    }
    found
}

/// Calls `f` with each experiment's file and place, and what it draws.
fn each_experiment<R>(workspace: &Workspace, f: impl Fn(usize, Span, &[(String, Span)]) -> Option<R>) -> Vec<R> {
    let mut found = Vec::new();
    for file in 0..workspace.program().files.len() {
        for (experiment, _) in workspace.experiments(file) {
            let Some(plan) = workspace.plan(&experiment) else { continue };
            let draws: Vec<(String, Span)> =
                plan.draws.iter().filter_map(|d| Some((d.service.as_ref()?.to_string(), d.span))).collect();
            found.extend(f(file, experiment.span, &draws));
        }
    }
    found
}
