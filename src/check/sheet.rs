//! A fault's declaration as a sheet for people: what it does, its parameters, which engine can do what.
//!
//! Comes in: a declaration and its text. Goes out: plain data, made from the declaration and its doc comment alone, so that
//! a user's own fault has the same sheet as one of the standard library. Nothing is evaluated.

use std::collections::BTreeSet;

use super::faults::names_in;
use super::program::{EngineBody, Expr, FaultItem, Item, ItemKind, Param};
use super::scope::DeclId;
use super::{Program, stdlib, title};
use crate::plan::EngineName;
use crate::source::{SourceMap, Span};

/// What a person wants to know of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultSheet {
    /// `network.delay`; a project's own fault has no dot.
    pub name: String,
    /// The file that declares it.
    pub path: String,
    /// The doc comment's first sentence.
    pub title: String,
    /// The doc comment without what it says of single parameters.
    pub about: String,
    /// The first is what is hit.
    pub parameters: Vec<ParameterSheet>,
    /// `effect`, `mechanism`, … with their values as written.
    pub facts: Vec<(String, String)>,
    /// The engines that have a body, in the order of [`EngineName::ALL`].
    pub engines: Vec<EngineSheet>,
}

/// What a person wants to know of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterSheet {
    /// Its name.
    pub name: String,
    /// Its type and range as written: `Duration in 1ms..60s`.
    pub ty: String,
    /// Its default as written; without one it must be given.
    pub default: Option<String>,
    /// What the doc comment says of it.
    pub about: String,
}

/// What one engine can do of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSheet {
    /// The engine.
    pub engine: EngineName,
    /// Parameters that cannot be expressed there: any value but the default is an error.
    pub without: Vec<String>,
    /// What else is refused.
    pub limits: Vec<Limit>,
}

/// A rule of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Whether it must not hold (`forbid`), or must (`require`).
    pub forbid: bool,
    /// The condition as written.
    pub condition: String,
    /// The reason.
    pub reason: String,
}

/// The sheets of all faults that a program declares, by name, the project's own last.
#[must_use]
pub fn sheets(program: &Program, sources: &SourceMap) -> Vec<FaultSheet> {
    let mut all: Vec<(bool, FaultSheet)> = Vec::new();
    for loaded in &program.files {
        let module = loaded.path.strip_prefix(stdlib::PREFIX).and_then(|p| p.strip_suffix(".chaos"));
        for item in &loaded.file.items {
            let ItemKind::Fault(fault) = &item.kind else { continue };
            let name = module.map_or_else(|| item.name.text.to_string(), |m| format!("{m}.{}", item.name.text));
            let mut sheet = sheet(name, &loaded.path, item, fault, sources);
            explain_from_file(&mut sheet, &loaded.file.doc);
            all.push((module.is_none(), sheet));
        }
    }
    all.sort_by(|a, b| (a.0, &a.1.name).cmp(&(b.0, &b.1.name)));
    all.into_iter().map(|(_, sheet)| sheet).collect()
}

/// The sheet of one declaration, if it is a fault.
#[must_use]
pub fn sheet_of(program: &Program, sources: &SourceMap, id: DeclId) -> Option<FaultSheet> {
    let ItemKind::Fault(fault) = &program.item(id).kind else { return None };
    let loaded = program.files.get(program.file_of(id))?;
    let mut sheet = sheet(program.qualified_name(id), &loaded.path, program.item(id), fault, sources);
    explain_from_file(&mut sheet, &loaded.file.doc);
    Some(sheet)
}

fn sheet(name: String, path: &str, item: &Item, fault: &FaultItem, sources: &SourceMap) -> FaultSheet {
    let (about, of_parameters) = split_doc(&item.doc);
    let parameters = fault.params.iter().map(|p| parameter(p, &of_parameters, sources)).collect();
    let facts =
        fault.fields.iter().map(|f| (f.key.text.to_string(), unquoted(&written(f.value.span, sources)))).collect();
    let engines = EngineName::ALL
        .into_iter()
        .filter_map(|e| fault.engines.iter().find(|body| body.engine.text == e.text()).map(|body| (e, body)))
        .map(|(engine, body)| engine_sheet(engine, body, fault, sources))
        .collect();
    FaultSheet { name, path: path.to_owned(), title: title(&item.doc), about, parameters, facts, engines }
}

fn parameter(param: &Param, docs: &[(String, String)], sources: &SourceMap) -> ParameterSheet {
    let name = param.name.text.to_string();
    let about = docs.iter().find(|(n, _)| *n == name).map(|(_, text)| text.clone()).unwrap_or_default();
    ParameterSheet {
        ty: written(param.ty.span, sources),
        default: param.default.as_ref().map(|d: &Expr| written(d.span, sources)),
        name,
        about,
    }
}

fn engine_sheet(engine: EngineName, body: &EngineBody, fault: &FaultItem, sources: &SourceMap) -> EngineSheet {
    let mut named = BTreeSet::new();
    body.fields.iter().for_each(|field| names_in(&field.value, &mut named));
    let without =
        fault.params.iter().skip(1).map(|p| &p.name.text).filter(|n| !named.contains(*n)).map(ToString::to_string);
    let limits = body.rules.iter().map(|rule| {
        let condition = written(rule.condition.span, sources);
        Limit { forbid: rule.forbid, condition, reason: unquoted(&written(rule.because.span, sources)) }
    });
    EngineSheet { engine, without: without.collect(), limits: limits.collect() }
}

/// What the file's own comment says once for all of its faults ("- `peer` limits …") counts where a fault says nothing.
fn explain_from_file(sheet: &mut FaultSheet, doc: &str) {
    for parameter in sheet.parameters.iter_mut().filter(|p| p.about.is_empty()) {
        let begin = format!("- `{}` ", parameter.name);
        let mut lines = doc.lines().skip_while(|line| !line.starts_with(&begin));
        let Some(first) = lines.next().and_then(|line| line.strip_prefix(begin.as_str())) else { continue };
        let rest = lines.take_while(|line| line.starts_with("  ")).map(str::trim);
        parameter.about = std::iter::once(first).chain(rest).collect::<Vec<_>>().join(" ");
    }
}

/// The text under a span on one line.
fn written(span: Span, sources: &SourceMap) -> String {
    sources.text(span).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unquoted(text: &str) -> String {
    text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text).to_owned()
}

/// A doc comment without its "- `parameter`: …" points, and those points.
fn split_doc(doc: &str) -> (String, Vec<(String, String)>) {
    let mut about: Vec<&str> = Vec::new();
    let mut points: Vec<(String, String)> = Vec::new();
    let mut in_point = false;
    for line in doc.lines() {
        let point = line.strip_prefix("- `").and_then(|rest| rest.split_once("`: "));
        match point {
            Some((name, text)) => {
                points.push((name.to_owned(), text.trim().to_owned()));
                in_point = true;
            }
            None if in_point && line.starts_with(' ') => {
                if let Some((_, text)) = points.last_mut() {
                    text.push(' ');
                    text.push_str(line.trim());
                }
            }
            None => {
                in_point = false;
                about.push(line);
            }
        }
    }
    (about.join("\n").trim().to_owned(), points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_a_doc_comment_go_to_their_parameters() {
        let (about, points) =
            split_doc("Delays.\n\nMore.\n\n- `latency`: how long\n  it takes.\n- `jitter`: how far.\n\nLast.");
        assert_eq!(about, "Delays.\n\nMore.\n\n\nLast.");
        let want = [("latency", "how long it takes."), ("jitter", "how far.")];
        assert_eq!(points, want.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }
}
