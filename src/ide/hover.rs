//! What something is: its type, its doc comment, what each engine makes of a fault, what an experiment does and how bad it
//! can get.

use std::fmt::Write as _;

use super::Workspace;
use super::functions::function;
use super::names::{self, Symbol};
use super::outline;
use super::words;
use crate::analysis::portability::runs_here;
use crate::analysis::telling::{Telling, tell};
use crate::analysis::timeline::timeline;
use crate::check::evaluate::word_of;
use crate::check::program::ItemKind;
use crate::check::scope::DeclId;
use crate::check::sheet::{FaultSheet, sheet_of};
use crate::engine::native::natives;
use crate::lower::{ExperimentRef, PlaceRef};
use crate::plan::{EngineName, Plan};
use crate::source::Span;
use crate::syntax::{SyntaxKind, SyntaxToken};
use crate::types::UNITS;

/// What an editor shows for a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hover {
    /// What it is about.
    pub span: Span,
    /// In Markdown.
    pub markdown: String,
}

/// What is at an offset.
#[must_use]
pub fn hover(workspace: &Workspace, file: usize, offset: u32) -> Option<Hover> {
    let program = workspace.program();
    if let Some(found) = names::at(program, file, offset) {
        let markdown = match found.symbol {
            Symbol::Decl(id) => item_markdown(workspace, id),
            Symbol::Param(id, index) => param_markdown(workspace, id, index)?,
            Symbol::Local(span) => local_markdown(workspace, span)?,
            Symbol::Module(module) => {
                let loaded = program.files.get(module)?;
                format!("```chaos\n{}\n```\n\n{}", workspace.path(module), loaded.file.doc)
            }
            Symbol::Std => "The standard library: faults and probes.".to_owned(),
        };
        return Some(Hover { span: found.span, markdown });
    }
    let root = workspace.parse(file).syntax();
    let at = root.token_at_offset(offset.into());
    let token = at.clone().right_biased().filter(is_word).or_else(|| at.left_biased())?;
    let markdown = of_token(workspace, file, &token)?;
    let range = token.text_range();
    Some(Hover { span: Span::new(workspace.id(file), range.start().into(), range.end().into()), markdown })
}

fn is_word(token: &SyntaxToken) -> bool {
    matches!(token.kind(), SyntaxKind::Word | SyntaxKind::Keyword | SyntaxKind::Number)
}

fn of_token(workspace: &Workspace, file: usize, token: &SyntaxToken) -> Option<String> {
    match token.kind() {
        SyntaxKind::Keyword => {
            let doc = words::doc_of_line(token.text()).or(match token.text() {
                "within" => Some("A time in which it must begin to hold, or may be false at most."),
                "because" => Some("Why, for whoever is refused."),
                "during" => Some("The phase from the first injection to the last confirmed undo."),
                "but" => Some("A weaker bound while faults are there."),
                "of" => Some("How many of a selector: a target, drawn when the method gets there."),
                "match" => Some("One value for each word of an enumeration; every word must be named."),
                _ => None,
            })?;
            let span = token
                .parent()
                .map(|p| p.text_range())
                .map(|r| Span::new(workspace.id(file), r.start().into(), r.end().into()));
            let told = span.map(|span| told_of(workspace, file, span)).unwrap_or_default();
            Some(format!("**{}** — {doc}{told}", token.text()))
        }
        SyntaxKind::Word => {
            let is_called =
                workspace.text(file).get(token.text_range().end().into()..).is_some_and(|t| t.starts_with('('));
            if let Some(function) = function(token.text()).filter(|_| is_called) {
                return Some(format!("```chaos\n{}\n```\n\n{}", function.label().0, function.about));
            }
            let node = token.parent()?;
            let (place, _) = outline::block_of(&node)?;
            let key = outline::key(&node).filter(|key| key == token.text())?;
            Some(format!("**{key}** — {}", words::doc_of_field(place, &key)?))
        }
        SyntaxKind::Number => {
            let text = token.text();
            let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '_' | '.'));
            let unit = UNITS.iter().find(|u| u.text == unit)?;
            let base = match unit.of {
                crate::types::UnitOf::Duration => "a Duration",
                crate::types::UnitOf::Percent => "a Percent: a share, never a bare number",
                crate::types::UnitOf::Bytes => "Bytes",
                crate::types::UnitOf::Bitrate => "a Bitrate, in bits and not in bytes",
                crate::types::UnitOf::Cores => "Cores",
                crate::types::UnitOf::Rate => "a Rate: so many a second",
            };
            Some(format!("`{text}` is {base}"))
        }
        _ => None,
    }
}

/// What `perturb plan` says of a plan.
#[must_use]
pub fn telling(plan: &Plan) -> Telling {
    tell(plan, &natives(plan))
}

/// The sentences of `perturb plan` about exactly this place.
fn told_of(workspace: &Workspace, file: usize, span: Span) -> String {
    let within = |e: &ExperimentRef| {
        let items = workspace.program().decls_of(file);
        let mut holding = items.filter(|(_, i)| i.span.start <= span.start && span.end <= i.span.end);
        holding.any(|(_, item)| item.name.span == e.span)
    };
    let Some((experiment, _)) = workspace.experiments(file).into_iter().find(|(e, _)| within(e)) else {
        return String::new();
    };
    let Some(plan) = workspace.plan(&experiment) else { return String::new() };
    let told = telling(&plan);
    told.about(span).iter().fold(String::new(), |mut out, sentence| {
        // Writing into a String cannot fail.
        let _ = write!(out, "\n\n{}", sentence.text);
        out
    })
}

/// A declaration, in Markdown.
#[must_use]
pub fn item_markdown(workspace: &Workspace, id: DeclId) -> String {
    let program = workspace.program();
    let item = program.item(id);
    if let Some(sheet) = sheet_of(program, workspace.sources(), id) {
        return fault_markdown(&sheet);
    }
    let mut out = format!("```chaos\n{}\n```\n", head(workspace, id));
    if !item.doc.is_empty() {
        let _ = write!(out, "\n{}\n", item.doc);
    }
    match &item.kind {
        ItemKind::Experiment(_) | ItemKind::Instance(_) => {
            let file = program.file_of(id);
            let mine =
                workspace.experiments(file).into_iter().find(|(e, _)| e.verify.is_none() && e.span == item.name.span);
            if let Some((experiment, _)) = mine {
                out.push_str(&plans_markdown(&workspace.plans(&experiment)));
            }
        }
        ItemKind::Record(_, fields) | ItemKind::Metric(crate::check::program::Metric { fields, .. }) => {
            for field in fields.iter().filter(|f| f.key.text != "links") {
                let value = workspace.sources().text(field.value.span);
                if value.len() <= 80 && !value.contains('\n') {
                    let _ = write!(out, "\n- {}: `{}`", field.key.text, value);
                }
            }
        }
        _ => {}
    }
    out
}

/// The declaration's first line: its word, its name, its parameters.
fn head(workspace: &Workspace, id: DeclId) -> String {
    let program = workspace.program();
    let item = program.item(id);
    let text = workspace.sources().text(item.span);
    let head = match &item.kind {
        ItemKind::Let(value) => {
            let value = workspace.sources().text(value.span);
            format!("let {} = {}", item.name.text, value.lines().next().unwrap_or(""))
        }
        _ => text.split('{').next().unwrap_or("").split_whitespace().collect::<Vec<_>>().join(" "),
    };
    if head.is_empty() { format!("{} {}", word_of(&item.kind), item.name.text) } else { head }
}

/// What an experiment comes to: its worst case at each place first, then what `perturb plan` says.
fn plans_markdown(plans: &[(PlaceRef, Option<Plan>)]) -> String {
    let mut out = String::new();
    // Places of which the same is to be said, in the order in which they come.
    let mut groups: Vec<(Vec<&PlaceRef>, Option<String>)> = Vec::new();
    for (place, plan) in plans {
        let said = plan.as_ref().map(bounds);
        match groups.iter_mut().find(|(_, other)| *other == said) {
            Some((places, _)) => places.push(place),
            None => groups.push((vec![place], said)),
        }
    }
    for (places, bounds) in groups {
        let bounds = bounds.as_deref().unwrap_or("it cannot run; the findings say why.");
        let _ = write!(out, "\n{} {bounds}\n", at(&places));
    }
    if let Some((place, Some(plan))) = plans.iter().find(|(_, plan)| plan.is_some()) {
        if plans.len() > 1 {
            let _ = write!(out, "\nIn detail, at `{place}`:\n");
        }
        for section in telling(plan).sections {
            let _ = write!(out, "\n**{}**\n", section.title);
            for sentence in &section.sentences {
                let _ = write!(out, "\n{}- {}", "  ".repeat(sentence.depth as usize), sentence.text);
            }
            out.push('\n');
        }
    }
    out
}

fn at(places: &[&PlaceRef]) -> String {
    let list: Vec<String> = places.iter().map(|place| format!("`{place}`")).collect();
    format!("At {}:", list.join(", "))
}

/// One line: where, how long at most, how much is hit at most, what can hold it.
#[must_use]
pub fn worst_case(plan: &Plan) -> String {
    format!("At `{}`: {}", plan.place, bounds(plan))
}

/// How long at most, how much is hit at most, what can hold it.
fn bounds(plan: &Plan) -> String {
    let timeline = timeline(plan);
    let radius =
        timeline.worst.map_or_else(|| "a share that preflight will tell".to_owned(), |share| share.to_string());
    format!("at most {} in all, at most {radius} of a service at once; {}.", timeline.total, holders(plan))
}

/// By which commands the plan can be held at its place.
fn holders(plan: &Plan) -> String {
    let mut ways = Vec::new();
    if runs_here(plan) {
        ways.push("`perturb run` holds it".to_owned());
    }
    let compiled = natives(plan).into_iter().filter(|n| n.is_compiled());
    let engines: Vec<&str> = compiled.map(|n| n.engine.text()).collect();
    if !engines.is_empty() {
        ways.push(format!("it is compiled for {}", engines.join(" or ")));
    }
    if ways.is_empty() { "nothing can hold it there".to_owned() } else { ways.join(", or ") }
}

/// A fault's sheet, in Markdown.
#[must_use]
pub fn fault_markdown(sheet: &FaultSheet) -> String {
    let params: Vec<String> = sheet
        .parameters
        .iter()
        .map(|p| match &p.default {
            Some(default) => format!("{}: {} = {default}", p.name, p.ty),
            None => format!("{}: {}", p.name, p.ty),
        })
        .collect();
    let mut out = format!("```chaos\nfault {}({})\n```\n\n{}\n", sheet.name, params.join(",\n  "), sheet.about);
    for param in sheet.parameters.iter().filter(|p| !p.about.is_empty()) {
        let _ = write!(out, "\n- `{}`: {}", param.name, param.about);
    }
    out.push('\n');
    for (key, value) in &sheet.facts {
        let _ = write!(out, "\n{key}: {value}  ");
    }
    out.push('\n');
    for engine in &sheet.engines {
        let _ = write!(out, "\n- **{}**", engine.engine.text());
        if engine.without.is_empty() && engine.limits.is_empty() {
            out.push_str(": all of it");
        }
        if !engine.without.is_empty() {
            let _ = write!(out, ": without `{}`", engine.without.join("`, `"));
        }
        for limit in &engine.limits {
            let word = if limit.forbid { "not if" } else { "only if" };
            let _ = write!(out, "\n  - {word} `{}`: {}", limit.condition, limit.reason);
        }
    }
    let missing: Vec<&str> = EngineName::ALL
        .into_iter()
        .filter(|e| !sheet.engines.iter().any(|of| of.engine == *e))
        .map(EngineName::text)
        .collect();
    if !missing.is_empty() {
        let _ = write!(out, "\n- not with {}", missing.join(", "));
    }
    out
}

fn param_markdown(workspace: &Workspace, id: DeclId, index: usize) -> Option<String> {
    let program = workspace.program();
    let signature = program.signature(id);
    let param = signature.params.get(index)?;
    let default = signature.default_of(program, id, param).map(|d| workspace.sources().text(d.span));
    let default = default.map(|d| format!(" = {d}")).unwrap_or_default();
    let sheet = sheet_of(program, workspace.sources(), id);
    let about = sheet.and_then(|s| s.parameters.get(index).map(|p| p.about.clone())).unwrap_or_default();
    Some(format!(
        "```chaos\n{}: {}{default}\n```\n\n{about}\n\nA parameter of `{}`.",
        param.name,
        param.ty,
        program.qualified_name(id)
    ))
}

fn local_markdown(workspace: &Workspace, span: Span) -> Option<String> {
    let source = workspace.sources().get(span.file)?;
    let line = source.line_of(span.start);
    let text = source.text.get(source.line_start(line) as usize..source.line_start(line + 1) as usize)?;
    Some(format!("```chaos\n{}\n```", text.trim()))
}
