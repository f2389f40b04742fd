//! What a file declares, and what the project does.

use super::definition::place;
use super::{Place, Workspace};
use crate::check::evaluate::word_of;
use crate::check::program::{Body, Item, ItemKind, RecordWord};
use crate::source::Span;

/// What a symbol is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SymbolKind {
    /// An experiment or a scenario.
    Experiment,
    /// A service, a cluster, an environment, a team.
    Thing,
    /// A fault or a metric.
    Function,
    /// A value with a name.
    Value,
    /// A policy, a verify, a game day, an objective, an incident.
    Rule,
    /// A part of an experiment.
    Part,
}

/// Something that a file declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// `experiment`, `service`.
    pub detail: String,
    /// What it is.
    pub kind: SymbolKind,
    /// All of it.
    pub span: Span,
    /// Its name.
    pub name_span: Span,
    /// What is in it.
    pub parts: Vec<Symbol>,
}

/// What a file declares, in order.
#[must_use]
pub fn of_file(workspace: &Workspace, file: usize) -> Vec<Symbol> {
    let items = workspace.program().decls_of(file).filter(|(_, item)| !item.name.text.is_empty());
    items.map(|(_, item)| symbol(item)).collect()
}

fn symbol(item: &Item) -> Symbol {
    let (kind, parts) = match &item.kind {
        ItemKind::Experiment(body) | ItemKind::Scenario(_, body) => (SymbolKind::Experiment, parts(body)),
        ItemKind::Instance(_) => (SymbolKind::Experiment, Vec::new()),
        ItemKind::Record(RecordWord::Slo | RecordWord::Incident, _) => (SymbolKind::Rule, Vec::new()),
        ItemKind::Record(..) => (SymbolKind::Thing, Vec::new()),
        ItemKind::Metric(_) | ItemKind::Fault(_) => (SymbolKind::Function, Vec::new()),
        ItemKind::Let(_) => (SymbolKind::Value, Vec::new()),
        ItemKind::Verify(_) | ItemKind::Policy(_) | ItemKind::Gameday(_) => (SymbolKind::Rule, Vec::new()),
    };
    Symbol {
        name: item.name.text.to_string(),
        detail: word_of(&item.kind).to_owned(),
        kind,
        span: item.span.to(item.name.span),
        name_span: item.name.span,
        parts,
    }
}

fn parts(body: &Body) -> Vec<Symbol> {
    let part = |name: &str, span: Span, name_span: Span, parts: Vec<Symbol>| Symbol {
        name: name.to_owned(),
        detail: String::new(),
        kind: SymbolKind::Part,
        span,
        name_span,
        parts,
    };
    let mut found = Vec::new();
    for hypothesis in &body.hypotheses {
        let expects = hypothesis.expects.iter().filter(|e| !e.name.text.is_empty());
        let expects = expects.map(|e| part(&e.name.text, e.span.to(e.name.span), e.name.span, Vec::new())).collect();
        found.push(part("hypothesis", hypothesis.span, hypothesis.span, expects));
    }
    found.extend(body.guards.iter().map(|g| part("guard", g.span, g.span, Vec::new())));
    found.extend(body.methods.iter().map(|m| part("method", m.span, m.span, Vec::new())));
    found
}

/// What the project declares whose name holds the letters of `query` in their order, best first.
#[must_use]
pub fn of_project(workspace: &Workspace, query: &str) -> Vec<(Symbol, Place)> {
    let query = query.to_ascii_lowercase();
    let all = workspace.program().own_decls().filter(|(_, item)| !item.name.text.is_empty());
    let mut found: Vec<(usize, Symbol, Place)> = all
        .filter_map(|(_, item)| {
            let distance = distance(&item.name.text, &query)?;
            Some((distance, symbol(item), place(workspace, item.name.span)))
        })
        .collect();
    found.sort_by(|a, b| (a.0, &a.1.name, &a.2).cmp(&(b.0, &b.1.name, &b.2)));
    found.into_iter().map(|(_, symbol, place)| (symbol, place)).collect()
}

/// How far apart the letters of a query are in a name; `None` if they are not in it.
fn distance(name: &str, query: &str) -> Option<usize> {
    let mut letters = name.char_indices();
    let mut end = 0;
    for wanted in query.chars() {
        end = letters.by_ref().find(|(_, c)| *c == wanted)?.0;
    }
    Some(end)
}
