//! What could be written at an offset: words where the grammar allows them, fields that are not given yet, faults with their
//! parameters, whatever the catalogue declares, units behind a number, values of labels; each with what it is.
//!
//! Comes in: a workspace, a file, an offset in half-typed text. Goes out: [`Completion`]s, best first. What another file
//! declares is offered too, with the import that it needs.

mod imports;
mod texts;

use std::collections::BTreeSet;

use super::Workspace;
use super::functions::{FUNCTIONS, function};
use super::hover::{fault_markdown, item_markdown};
use super::members::{self, Meaning, meaning};
use super::outline;
use super::snippet::indented;
use super::words::{self, In};
use crate::check::declared::fields_of;
use crate::check::program::{ExprKind, Item, ItemKind, RecordWord};
use crate::check::scope::{DeclId, Def};
use crate::check::sheet::{FaultSheet, sheet_of};
use crate::check::signature::params_of;
use crate::check::{Program, stdlib};
use crate::diagnostic::Edit;
use crate::source::Span;
use crate::syntax::{SyntaxKind, SyntaxNode, SyntaxToken};
use crate::types::{TargetKind, Type, UNITS, UnitOf};

/// What a completion is, for its picture in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A word of the language.
    Keyword,
    /// A field or a parameter.
    Field,
    /// A fault or metric.
    Function,
    /// A module of the library.
    Module,
    /// A declared thing.
    Value,
    /// A word of an enumeration.
    Word,
    /// A unit.
    Unit,
    /// A local name.
    Local,
    /// A piece of text with places to fill in.
    Snippet,
}

/// Something that could be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What the list shows.
    pub label: String,
    /// For its picture.
    pub kind: Kind,
    /// A few words beside it.
    pub detail: String,
    /// What it is, in Markdown.
    pub doc: String,
    /// What is inserted: a snippet with `${1:…}`.
    pub insert: String,
    /// What it replaces.
    pub replace: Span,
    /// What else changes: an import.
    pub also: Vec<Edit>,
    /// Smaller comes first.
    pub rank: u8,
}

/// What could be written at an offset.
#[must_use]
pub fn complete(workspace: &Workspace, file: usize, offset: u32) -> Vec<Completion> {
    let text = workspace.text(file);
    let Some(head) = text.get(..offset as usize) else { return Vec::new() };
    let start = head.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).len() as u32;
    let root = workspace.parse(file).syntax();
    let mut asked = Asked {
        workspace,
        program: workspace.program(),
        file,
        head: text.get(..start as usize).unwrap_or(""),
        typed: text.get(start as usize..offset as usize).unwrap_or(""),
        replace: Span::new(workspace.id(file), start, offset),
        found: Vec::new(),
    };
    let at = root.token_at_offset(offset.into()).left_biased();
    if let Some(token) = &at {
        match token.kind() {
            SyntaxKind::Comment | SyntaxKind::DocComment | SyntaxKind::FileDoc => return Vec::new(),
            SyntaxKind::TextPart | SyntaxKind::Quote if is_in_text(token, offset) => {
                asked.text_value(token);
                return asked.found;
            }
            _ => {}
        }
    }
    let before = outline::before(&root, start);
    asked.ask(&root, before.as_ref());
    asked.found.sort_by(|a, b| (a.rank, &a.label).cmp(&(b.rank, &b.label)));
    asked.found
}

/// Whether an offset is between the quotes of a text.
fn is_in_text(token: &SyntaxToken, offset: u32) -> bool {
    match token.kind() {
        SyntaxKind::TextPart => true,
        // Behind an opening quote, and not behind a closing one.
        _ => {
            let quotes = token.parent().into_iter().flat_map(|p| p.children_with_tokens());
            let mut quotes = quotes.filter(|e| e.kind() == SyntaxKind::Quote);
            quotes.next().is_some_and(|first| first.text_range() == token.text_range())
                && u32::from(token.text_range().end()) <= offset
        }
    }
}

struct Asked<'w> {
    workspace: &'w Workspace,
    program: &'w Program,
    file: usize,
    /// The text before what is being typed.
    head: &'w str,
    typed: &'w str,
    replace: Span,
    found: Vec<Completion>,
}

impl Asked<'_> {
    fn put(&mut self, label: &str, kind: Kind, rank: u8, detail: &str, doc: &str, insert: String) {
        self.put_with(label, kind, rank, detail, doc, insert, Vec::new());
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of a completion, once")]
    fn put_with(
        &mut self,
        label: &str,
        kind: Kind,
        rank: u8,
        detail: &str,
        doc: &str,
        insert: String,
        also: Vec<Edit>,
    ) {
        self.found.push(Completion {
            label: label.to_owned(),
            kind,
            detail: detail.to_owned(),
            doc: doc.to_owned(),
            insert,
            replace: self.replace,
            also,
            rank,
        });
    }

    fn ask(&mut self, root: &SyntaxNode, before: Option<&SyntaxToken>) {
        if self.typed.starts_with(|c: char| c.is_ascii_digit()) {
            return self.units(before);
        }
        if self.head.ends_with('.') && !self.head.ends_with("..") {
            return self.members(before);
        }
        let Some(node) = before.and_then(outline::around) else { return self.lines(In::File, root) };
        if node.ancestors().any(|n| n.kind() == SyntaxKind::Import) && self.imports(&node) {
            return;
        }
        let on_new_line = self.begins_line();
        let opened = before.is_some_and(|t| matches!(t.kind(), SyntaxKind::LeftBrace | SyntaxKind::Comma));
        let innermost = node.ancestors().find(|n| {
            matches!(
                n.kind(),
                SyntaxKind::Block
                    | SyntaxKind::File
                    | SyntaxKind::Args
                    | SyntaxKind::List
                    | SyntaxKind::Hole
                    | SyntaxKind::Params
            )
        });
        let Some(innermost) = innermost else { return };
        match innermost.kind() {
            SyntaxKind::Args => self.argument(&innermost, before),
            SyntaxKind::List | SyntaxKind::Hole => self.values(&self.wanted(&innermost).unwrap_or(Type::Any), before),
            SyntaxKind::Params => self.types(),
            _ if on_new_line || opened => match outline::block_of(&innermost) {
                Some((place, block)) => self.lines(place, &block),
                None => self.keys_of_record(&innermost),
            },
            _ => {
                let wanted = self.wanted(&node).unwrap_or(Type::Any);
                self.values(&wanted, before);
                self.tails(&node);
            }
        }
    }

    fn begins_line(&self) -> bool {
        let line = self.head.rsplit('\n').next().unwrap_or("");
        line.trim().is_empty() || line.trim_end().ends_with(['{', '}'])
    }

    fn indent(&self) -> String {
        let line = self.head.rsplit('\n').next().unwrap_or("");
        line.chars().take_while(|c| *c == ' ').collect()
    }

    /// Words and fields of a block; in a method also faults.
    fn lines(&mut self, place: In, block: &SyntaxNode) {
        let given: BTreeSet<String> = block.children().filter_map(|c| outline::key(&c)).collect();
        let sections: BTreeSet<String> =
            block.children().filter(|c| c.kind() == SyntaxKind::Section).filter_map(|c| outline::word(&c)).collect();
        let indent = self.indent();
        for (_, word, insert, doc) in words::LINES.iter().filter(|(of, ..)| *of == place) {
            if place == In::Body && sections.contains(*word) {
                continue;
            }
            let rank = if place == In::Method { 3 } else { 1 };
            self.put(word, Kind::Keyword, rank, "", doc, indented(insert, &indent));
        }
        for (_, key, doc) in words::FIELDS.iter().filter(|(of, ..)| *of == place) {
            if !given.contains(*key) {
                let detail = self.type_of_field(place, key).map(|ty| ty.to_string()).unwrap_or_default();
                self.put(key, Kind::Field, 0, &detail, doc, format!("{key}: ${{1}}"));
            }
        }
        if place == In::Method {
            self.faults();
        }
    }

    fn type_of_field(&self, place: In, key: &str) -> Option<Type> {
        let list = |ty| Type::List(std::sync::Arc::new(ty));
        let words = |all: &[&str]| Type::Enum(all.iter().map(|w| (*w).into()).collect());
        let record = |word| fields_of(word).iter().find(|s| s.key == key).map(|s| s.ty.clone());
        match (place, key) {
            (In::Body, "service") => Some(Type::Service),
            (In::Body, "learned-from") => Some(list(Type::Incident)),
            (In::Body | In::Policy, "environments") => Some(list(Type::Environment)),
            (In::Body, "baseline") | (In::Metric, "window" | "every" | "timeout" | "patience") => Some(Type::Duration),
            (In::Metric, "unit") => {
                Some(words(&["ratio", "percent", "s", "ms", "bytes", "per-second", "cores", "count"]))
            }
            (In::Fault, "effect") => Some(words(&["lasting", "instant"])),
            (In::Verify | In::Gameday, "in") => Some(Type::Target(TargetKind::Clusters)),
            (In::Verify, "fresh-for") => Some(Type::Duration),
            (In::Record("team"), _) => record(RecordWord::Team),
            (In::Record("service"), _) => record(RecordWord::Service),
            (In::Record("cluster"), _) => record(RecordWord::Cluster),
            (In::Record("environment"), _) => record(RecordWord::Environment),
            (In::Record("slo"), "indicator") => Some(Type::Sampled(std::sync::Arc::new(Type::Percent))),
            (In::Record("slo"), _) => record(RecordWord::Slo),
            (In::Record("incident"), _) => record(RecordWord::Incident),
            _ => None,
        }
    }

    /// The type that is wanted where a node's value stands.
    fn wanted(&self, node: &SyntaxNode) -> Option<Type> {
        let mut lists = 0;
        for node in node.ancestors() {
            match node.kind() {
                SyntaxKind::List => lists += 1,
                SyntaxKind::Field => {
                    let (place, _) = outline::block_of(&node)?;
                    return element(self.type_of_field(place, &outline::key(&node)?)?, lists);
                }
                SyntaxKind::Arg => {
                    let args = node.parent()?;
                    let before = args.children().take_while(|c| *c != node).count();
                    let ty = self.type_of_argument(&args, outline::key(&node).as_deref(), before)?;
                    return element(ty, lists);
                }
                SyntaxKind::Expect | SyntaxKind::Check | SyntaxKind::Abort => {
                    return Some(Type::Sampled(std::sync::Arc::new(Type::Any)));
                }
                SyntaxKind::Wait | SyntaxKind::Within | SyntaxKind::Hold => return Some(Type::Duration),
                SyntaxKind::Approval | SyntaxKind::Ask => return Some(Type::Team),
                SyntaxKind::Recovery => {
                    return Some(Type::Enum(["automatic", "manual", "unknown"].into_iter().map(Into::into).collect()));
                }
                // A body's rule is about its parameters, a policy's about what is to run.
                SyntaxKind::Demand if node.ancestors().any(|n| n.kind() == SyntaxKind::Engine) => {
                    return Some(Type::Bool);
                }
                SyntaxKind::Demand => return Some(Type::Fault),
                SyntaxKind::Run | SyntaxKind::MadeFrom | SyntaxKind::Block => return None,
                _ => {}
            }
        }
        None
    }

    fn type_of_argument(&self, args: &SyntaxNode, key: Option<&str>, index: usize) -> Option<Type> {
        let callee = outline::callee(args)?;
        if let (true, Some(key)) = (callee.ends_with("pods") || callee.ends_with("nodes"), key) {
            return (key == "zone").then_some(Type::String);
        }
        let Some(Meaning::Decl(id)) = meaning(self.program, self.file, &callee, &self.locals(args)) else {
            return function(&callee).map(|_| if key.is_some() { Type::String } else { Type::Any });
        };
        let signature = self.program.signature(id);
        let param = match key {
            Some(key) => signature.params.iter().find(|p| p.name == key),
            None => signature.params.get(index),
        };
        param.map(|p| p.ty.clone())
    }

    /// Parameters that are not given yet, and for the first argument its value.
    fn argument(&mut self, args: &SyntaxNode, before: Option<&SyntaxToken>) {
        let is_value = before.is_some_and(|t| t.kind() == SyntaxKind::Colon);
        if is_value
            || before.is_some_and(|t| !matches!(t.kind(), SyntaxKind::LeftParen | SyntaxKind::Comma))
                && !self.begins_line()
        {
            let node = before.and_then(outline::around).unwrap_or_else(|| args.clone());
            let wanted = self.wanted(&node).or_else(|| self.type_of_argument(args, None, 0));
            return self.values(&wanted.unwrap_or(Type::Any), before);
        }
        let Some(callee) = outline::callee(args) else { return };
        let given: BTreeSet<String> = args.children().filter_map(|c| outline::key(&c)).collect();
        let is_first = before.is_some_and(|t| t.kind() == SyntaxKind::LeftParen);
        if callee.ends_with("pods") || callee.ends_with("nodes") {
            for (key, doc) in [
                ("namespace", "The namespace that the pods are in, or a list of several."),
                (
                    "labels",
                    "Labels that all of them have: `{ app: \"ledger\", tier: [\"web\", \"cache\"], track: any }`.",
                ),
                ("without", "Labels that none of them has: `{ canary: any, env: [\"dev\", \"test\"] }`."),
                ("annotations", "Annotations that all of them have."),
                ("fields", "Fields by which Kubernetes selects: `{ \"spec.serviceAccountName\": \"ledger\" }`."),
                ("phase", "Pods of these phases, ready or not: `pending`, `[running, pending]`."),
                ("names", "Their names."),
                ("zone", "A zone's name, or a target of exactly one zone."),
                ("node", "A node's name, a target of exactly one node, or `nodes(…)`: any of these."),
            ] {
                let of_nodes = ["labels", "names", "zone"].contains(&key);
                if !given.contains(key) && (callee.ends_with("pods") || of_nodes) {
                    let insert =
                        if key == "labels" { "labels: { ${1:app}: \"${2}\" }" } else { &format!("{key}: ${{1}}") };
                    self.put(key, Kind::Field, 0, "", doc, insert.to_owned());
                }
            }
            return;
        }
        let Some(Meaning::Decl(id)) = meaning(self.program, self.file, &callee, &self.locals(args)) else { return };
        let signature = self.program.signature(id);
        let sheet = self.sheet(id);
        for (index, param) in signature.params.iter().enumerate() {
            if given.contains(param.name.as_str()) || index == 0 && !is_first {
                continue;
            }
            let about =
                sheet.as_ref().and_then(|s| s.parameters.get(index)).map(|p| p.about.clone()).unwrap_or_default();
            let has_default = signature.default_of(self.program, id, param).is_some();
            let rank = if has_default { 2 } else { 1 };
            let detail = if has_default { format!("{}, optional", param.ty) } else { param.ty.to_string() };
            self.put(&param.name, Kind::Field, rank, &detail, &about, format!("{}: ${{1}}", param.name));
        }
        if let (true, Some(first)) = (is_first, signature.params.first()) {
            self.values(&first.ty.clone(), before);
        }
    }

    fn sheet(&self, id: DeclId) -> Option<FaultSheet> {
        sheet_of(self.program, self.workspace.sources(), id)
    }

    /// Names of parameters, `let`s and loops around a node, with their types where they are written.
    fn locals(&self, node: &SyntaxNode) -> Vec<(String, Type)> {
        let mut found = Vec::new();
        let offset = u32::from(node.text_range().start()).max(self.replace.start);
        if let Some((id, item)) =
            self.program.decls_of(self.file).find(|(_, i)| i.span.start <= offset && offset <= i.span.end)
        {
            let signature = self.program.signature(id);
            if !params_of(&item.kind).is_empty() {
                found.extend(signature.params.iter().map(|p| (p.name.to_string(), p.ty.clone())));
            }
        }
        for block in node.ancestors() {
            if let Some(over) = block.children().find(|c| matches!(c.kind(), SyntaxKind::Over | SyntaxKind::ForEach)) {
                let text = over.text().to_string();
                let mut parts = text.split_whitespace().filter(|w| !matches!(*w, "for" | "each"));
                let ty = if text.contains("services") { Type::Service } else { Type::Any };
                found.extend(parts.next().map(|name| (name.to_owned(), ty)));
            }
            for line in block.children().filter(|c| c.kind() == SyntaxKind::Let) {
                if u32::from(line.text_range().start()) >= offset {
                    continue;
                }
                let text = line.text().to_string();
                let Some((name, value)) = text.trim_start_matches("let").split_once('=') else { continue };
                let ty = if value.contains(".pods") && value.contains(" of ") {
                    Type::Target(TargetKind::Pods)
                } else {
                    Type::Any
                };
                found.push((name.trim().to_owned(), ty));
            }
        }
        found
    }

    /// Values of a type.
    fn values(&mut self, wanted: &Type, before: Option<&SyntaxToken>) {
        let node = before.and_then(outline::around);
        if let Some(node) = &node {
            for (name, ty) in self.locals(node) {
                let rank = if ty == *wanted.base() { 0 } else { 5 };
                self.put(&name, Kind::Local, rank, &ty.to_string(), "", name.clone());
            }
        }
        match wanted.base() {
            Type::Optional(inner) => {
                self.put("none", Kind::Word, 6, "", "No value.", "none".to_owned());
                self.values(&inner.clone(), None);
            }
            Type::List(inner) => {
                let inner = inner.clone();
                if !self.head.trim_end().ends_with(['[', ',']) {
                    self.put("[ ]", Kind::Snippet, 0, &wanted.to_string(), "A list.", "[${1}]".to_owned());
                }
                self.values(&inner, None);
            }
            Type::Enum(words) => {
                for word in words.clone().iter() {
                    self.put(word, Kind::Word, 0, "", "", word.to_string());
                }
            }
            Type::Bool => {
                for word in ["true", "false"] {
                    self.put(word, Kind::Word, 0, "", "", word.to_owned());
                }
            }
            Type::Service => self.declared(|kind| matches!(kind, ItemKind::Record(RecordWord::Service, _))),
            Type::Team => self.declared(|kind| matches!(kind, ItemKind::Record(RecordWord::Team, _))),
            Type::Cluster => self.declared(|kind| matches!(kind, ItemKind::Record(RecordWord::Cluster, _))),
            Type::Slo => self.declared(|kind| matches!(kind, ItemKind::Record(RecordWord::Slo, _))),
            Type::Incident => self.declared(|kind| matches!(kind, ItemKind::Record(RecordWord::Incident, _))),
            Type::Environment => self.environments(),
            Type::Target(kind) => self.targets(*kind),
            Type::Selector(TargetKind::Pods) => self.put(
                "pods",
                Kind::Function,
                0,
                "",
                "Ready pods that fit.",
                "pods(namespace: \"${1}\", labels: { ${2:app}: \"${3}\" })".to_owned(),
            ),
            Type::Sampled(_) => self.measures(),
            Type::Duration => {
                for (text, doc) in [("30s", "30 seconds"), ("1m", "a minute"), ("5m", "5 minutes"), ("1h", "an hour")] {
                    self.put(text, Kind::Unit, 4, doc, "", text.to_owned());
                }
            }
            Type::Secret => self.put(
                "secret",
                Kind::Function,
                0,
                "",
                "A value that is resolved at run time only.",
                "secret(\"${1}\")".to_owned(),
            ),
            Type::Fault => {
                for word in ["experiment", "fault"] {
                    self.put(word, Kind::Word, 0, "", "What the rule is about.", word.to_owned());
                }
            }
            Type::Any => self.visible(),
            _ => self.declared(|kind| matches!(kind, ItemKind::Let(_))),
        }
        for function in FUNCTIONS.iter().filter(|f| f.fits(wanted)) {
            let label = function.label().0;
            self.put(function.name, Kind::Function, 4, &label, function.about, function.insert.to_owned());
        }
    }

    /// Every visible name.
    fn visible(&mut self) {
        let Some(scope) = self.program.scopes.files.get(self.file) else { return };
        for (name, (def, _)) in &scope.names {
            match def {
                Def::Decl(id) => self.put_decl(*id, name, 2, Vec::new()),
                Def::Module(_) | Def::Std => self.put(name, Kind::Module, 3, "", "", name.to_string()),
            }
        }
        for name in ["services", "environment", "cluster"] {
            self.put(name, Kind::Word, 4, "", "", name.to_owned());
        }
    }

    /// What is declared and fits: visible here, or elsewhere with the import that it needs.
    fn declared(&mut self, fits: impl Fn(&ItemKind) -> bool) {
        let all: Vec<(DeclId, &Item)> = self.program.own_decls().filter(|(_, item)| fits(&item.kind)).collect();
        for (id, item) in all {
            if item.name.text.is_empty() {
                continue;
            }
            match self.visible_name(id) {
                Some(name) => self.put_decl(id, &name, 0, Vec::new()),
                None => {
                    let also = self.import_of(id);
                    self.put_decl(id, &item.name.text, 1, also);
                }
            }
        }
    }

    fn put_decl(&mut self, id: DeclId, name: &str, rank: u8, also: Vec<Edit>) {
        let item = self.program.item(id);
        let detail = detail_of(item);
        let doc = item_markdown(self.workspace, id);
        let insert = match &item.kind {
            ItemKind::Metric(_) | ItemKind::Scenario(..) | ItemKind::Fault(_) => self.call_snippet(id, name),
            _ => name.to_owned(),
        };
        let kind = match &item.kind {
            ItemKind::Metric(_) | ItemKind::Scenario(..) | ItemKind::Fault(_) => Kind::Function,
            _ => Kind::Value,
        };
        self.put_with(name, kind, rank, &detail, &doc, insert, also);
    }

    /// The name under which a declaration is visible in this file.
    fn visible_name(&self, id: DeclId) -> Option<String> {
        let scope = self.program.scopes.files.get(self.file)?;
        scope.names.iter().find(|(_, (def, _))| *def == Def::Decl(id)).map(|(name, _)| name.to_string())
    }

    /// `name(${1}, needed: ${2})`: the parameters without a default.
    fn call_snippet(&self, id: DeclId, name: &str) -> String {
        let signature = self.program.signature(id);
        let mut parts = Vec::new();
        for (index, param) in signature.params.iter().enumerate() {
            if signature.default_of(self.program, id, param).is_some() {
                continue;
            }
            let place = index + 1;
            parts.push(match (index, param.ty.base()) {
                (0, Type::Target(kind)) => format!("${{{place}:one of }}${{{}:{}}}", place + 50, kind.noun(2)),
                (0, _) => format!("${{{place}:{}}}", param.name),
                _ => format!("{}: ${{{place}{}}}", param.name, example(&param.ty)),
            });
        }
        format!("{name}({})", parts.join(", "))
    }

    fn environments(&mut self) {
        for environment in &self.program.environments.clone() {
            let doc = item_markdown(self.workspace, environment.decl);
            self.put(&environment.name, Kind::Value, 0, "environment", &doc, environment.name.to_string());
        }
    }

    /// Quantities of selectors.
    fn targets(&mut self, kind: TargetKind) {
        if kind == TargetKind::Clusters {
            for environment in &self.program.environments.clone() {
                for quantity in ["one of", "all of"] {
                    let text = format!("{quantity} {}.clusters", environment.name);
                    self.put(&text, Kind::Value, 0, "clusters", "", text.clone());
                }
            }
            return;
        }
        let selector = match kind {
            TargetKind::Pods => "pods",
            TargetKind::Nodes => "nodes",
            TargetKind::Zones => "zones",
            TargetKind::Workloads => "workloads",
            TargetKind::Endpoints => "endpoints",
            TargetKind::Processes => "processes",
            _ => "instances",
        };
        let of: Vec<(DeclId, Option<String>)> = self
            .program
            .services()
            .filter(|id| matches!(&self.program.item(*id).kind, ItemKind::Record(_, fields) if fields.iter().any(|f| f.key.text == "pods")))
            .map(|id| (id, self.visible_name(id)))
            .collect();
        for (id, visible) in of {
            let (rank, also) = if visible.is_some() { (0, Vec::new()) } else { (2, self.import_of(id)) };
            let name = visible.unwrap_or_else(|| self.program.item(id).name.text.to_string());
            let doc = item_markdown(self.workspace, id);
            for (label, insert) in [
                (format!("one of {name}.{selector}"), format!("one of {name}.{selector}")),
                (format!("50% of {name}.{selector}"), format!("${{1:50}}% of {name}.{selector}")),
                (format!("all of {name}.{selector}"), format!("all of {name}.{selector}")),
            ] {
                self.put_with(&label, Kind::Value, rank, "", &doc, insert, also.clone());
            }
        }
    }

    /// Metrics, the library's probes and what an objective says.
    fn measures(&mut self) {
        self.declared(|kind| matches!(kind, ItemKind::Metric(_)));
        self.of_modules(|kind| matches!(kind, ItemKind::Metric(_)));
        let slos: Vec<(DeclId, &Item)> = self
            .program
            .own_decls()
            .filter(|(_, item)| matches!(item.kind, ItemKind::Record(RecordWord::Slo, _)))
            .collect();
        for (id, item) in slos {
            let visible = self.visible_name(id);
            let also = if visible.is_some() { Vec::new() } else { self.import_of(id) };
            let name = format!("{}.budget-left", visible.as_deref().unwrap_or(&item.name.text));
            self.put_with(&name, Kind::Value, 2, "Percent", &item_markdown(self.workspace, id), name.clone(), also);
        }
        self.put(
            "refuted",
            Kind::Word,
            4,
            "Bool",
            "Whether an expectation or a check was refuted.",
            "refuted".to_owned(),
        );
    }

    /// Faults with their parameters, and how they end.
    fn faults(&mut self) {
        let own: Vec<(DeclId, &Item)> =
            self.program.own_decls().filter(|(_, item)| matches!(item.kind, ItemKind::Fault(_))).collect();
        for (id, item) in own {
            let visible = self.visible_name(id);
            let also = if visible.is_some() { Vec::new() } else { self.import_of(id) };
            let name = visible.unwrap_or_else(|| item.name.text.to_string());
            self.put_fault(id, &name, 0, also);
        }
        self.of_modules(|kind| matches!(kind, ItemKind::Fault(_)));
    }

    fn put_fault(&mut self, id: DeclId, name: &str, rank: u8, also: Vec<Edit>) {
        let ItemKind::Fault(fault) = &self.program.item(id).kind else { return };
        let lasts = fault
            .fields
            .iter()
            .any(|f| f.key.text == "effect" && matches!(&f.value.kind, ExprKind::Name(n) if n == "lasting"));
        let doc = self.sheet(id).map(|sheet| fault_markdown(&sheet)).unwrap_or_default();
        let call = self.call_snippet(id, name);
        let insert = if lasts { format!("{call} for ${{99:5m}}") } else { call };
        let detail = crate::check::title(&self.program.item(id).doc);
        self.put_with(name, Kind::Function, rank, &detail, &doc, insert, also);
    }

    /// What the modules of the library declare, with the import where it is missing.
    fn of_modules(&mut self, fits: impl Fn(&ItemKind) -> bool) {
        for module in stdlib::modules() {
            let path = stdlib::module_path(module);
            let Some(index) = self.program.files.iter().position(|f| f.path == path) else { continue };
            let visible = self.module_name(index);
            let also = if visible.is_some() { Vec::new() } else { self.import_module(module) };
            let rank = if visible.is_some() { 1 } else { 4 };
            let prefix = visible.unwrap_or_else(|| module.to_owned());
            let ids: Vec<DeclId> =
                self.program.decls_of(index).filter(|(_, i)| fits(&i.kind)).map(|(id, _)| id).collect();
            for id in ids {
                let item = self.program.item(id);
                let name = format!("{prefix}.{}", item.name.text);
                match &item.kind {
                    ItemKind::Fault(_) => self.put_fault(id, &name, rank, also.clone()),
                    _ => self.put_decl(id, &name, rank, also.clone()),
                }
            }
        }
    }

    fn module_name(&self, module: usize) -> Option<String> {
        let scope = self.program.scopes.files.get(self.file)?;
        scope.names.iter().find(|(_, (def, _))| *def == Def::Module(module)).map(|(name, _)| name.to_string())
    }

    /// Units that fit behind a number.
    fn units(&mut self, before: Option<&SyntaxToken>) {
        let digits: String = self.typed.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '_' | '.')).collect();
        let node = before.and_then(outline::around);
        let wanted = node.and_then(|n| self.wanted(&n)).map(|ty| ty.base().clone());
        let wanted = match wanted {
            Some(Type::Sampled(_)) => self.measured(),
            other => other,
        };
        let of = match &wanted {
            Some(Type::Duration | Type::Offset) => Some(UnitOf::Duration),
            Some(Type::Percent | Type::Target(_)) => Some(UnitOf::Percent),
            Some(Type::Bytes) => Some(UnitOf::Bytes),
            Some(Type::Bitrate) => Some(UnitOf::Bitrate),
            Some(Type::Cores) => Some(UnitOf::Cores),
            Some(Type::Rate) => Some(UnitOf::Rate),
            Some(Type::Int | Type::Number) => return,
            _ => None,
        };
        for unit in UNITS.iter().filter(|u| of.is_none_or(|of| u.of == of)) {
            let label = format!("{digits}{}", unit.text);
            let what = match unit.of {
                UnitOf::Duration => "Duration",
                UnitOf::Percent => "Percent",
                UnitOf::Bytes => "Bytes",
                UnitOf::Bitrate => "Bitrate: bits, not bytes",
                UnitOf::Cores => "Cores",
                UnitOf::Rate => "Rate",
            };
            self.put(&label, Kind::Unit, 0, what, "", label.clone());
        }
        if matches!(wanted, Some(Type::Target(_))) {
            let label = format!("{digits}% of ");
            self.put(&label, Kind::Snippet, 0, "a share of a selector", "", label.clone());
        }
    }

    /// What the last metric or objective of this line gives: a bound is of the same type.
    fn measured(&self) -> Option<Type> {
        let line = self.head.rsplit('\n').next().unwrap_or("");
        let is_of_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let mut paths = line.rsplit(|c| !is_of_path(c)).filter(|path| !path.is_empty());
        paths.find_map(|path| match meaning(self.program, self.file, path, &[])? {
            Meaning::Decl(id) => self.program.signature(id).result.clone(),
            Meaning::Value(ty) => Some(ty),
            _ => None,
        })
    }

    /// What stands behind a dot.
    fn members(&mut self, before: Option<&SyntaxToken>) {
        let path: String = {
            let head = self.head.trim_end_matches('.').trim_end_matches('?');
            let start =
                head.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).len();
            head.get(start..).unwrap_or("").to_owned()
        };
        let locals = before.and_then(outline::around).map(|n| self.locals(&n)).unwrap_or_default();
        let Some(found) = meaning(self.program, self.file, &path, &locals) else { return };
        let in_import =
            before.and_then(SyntaxToken::parent).is_some_and(|p| p.ancestors().any(|n| n.kind() == SyntaxKind::Import));
        match found {
            Meaning::Std => self.modules(),
            Meaning::Module(file) => {
                let ids: Vec<(DeclId, String)> =
                    self.program.decls_of(file).map(|(id, item)| (id, item.name.text.to_string())).collect();
                for (id, name) in ids {
                    if matches!(self.program.item(id).kind, ItemKind::Fault(_)) && !in_import {
                        self.put_fault(id, &name, 0, Vec::new());
                    } else {
                        self.put_decl(id, &name, 1, Vec::new());
                    }
                }
            }
            other => {
                let Some(ty) = members::type_of(self.program, &other) else { return };
                for (name, ty, doc) in members::members(&ty) {
                    self.put(name, Kind::Field, 0, &ty.to_string(), doc, name.to_owned());
                }
            }
        }
    }

    fn modules(&mut self) {
        for module in stdlib::modules() {
            let path = stdlib::module_path(module);
            let doc =
                self.program.files.iter().find(|f| f.path == path).map(|f| f.file.doc.clone()).unwrap_or_default();
            self.put(module, Kind::Module, 0, "", &doc, module.to_owned());
        }
    }

    /// What may follow a line's value.
    fn tails(&mut self, node: &SyntaxNode) {
        let line = node.ancestors().find(|n| {
            matches!(
                n.kind(),
                SyntaxKind::Expect
                    | SyntaxKind::Check
                    | SyntaxKind::Abort
                    | SyntaxKind::Inject
                    | SyntaxKind::Demand
                    | SyntaxKind::Recovery
            )
        });
        let tails: &[(&str, &str, &str)] = match line.map(|n| n.kind()) {
            Some(SyntaxKind::Expect) => &[
                ("within", "within ${1:30s}", "It may be false for that long."),
                ("but", "but ${1:<} ${2} during faults", "A weaker bound while faults are there."),
                ("only during faults", "only during faults", "It must hold while faults are there, and only then."),
                ("except during faults", "except during faults", "It need not hold while faults are there."),
            ],
            Some(SyntaxKind::Check | SyntaxKind::Recovery) => &[("within", "within ${1:1m}", "At most that long.")],
            Some(SyntaxKind::Abort) => &[("for", "for ${1:10s}", "Only if it is true for that long.")],
            Some(SyntaxKind::Inject) => &[("for", "for ${1:5m}", "How long it lasts.")],
            Some(SyntaxKind::Demand) => &[("because", "because \"${1}\"", "Why.")],
            _ => return,
        };
        for (label, insert, doc) in tails {
            self.put(label, Kind::Keyword, 7, "", doc, (*insert).to_owned());
        }
    }

    fn types(&mut self) {
        for name in [
            "Service",
            "Duration",
            "Percent",
            "Int",
            "Number",
            "String",
            "Bool",
            "Bytes",
            "Bitrate",
            "Cores",
            "Rate",
            "Date",
            "Url",
            "Host",
            "Team",
            "Cluster",
            "Environment",
            "Slo",
            "Incident",
            "Pods",
            "Nodes",
            "Zones",
            "Workloads",
            "Endpoints",
            "Instances",
            "Clusters",
            "Processes",
        ] {
            self.put(name, Kind::Word, 0, "type", "", name.to_owned());
        }
    }
}

fn element(ty: Type, lists: usize) -> Option<Type> {
    let mut ty = ty;
    for _ in 0..lists {
        ty = match ty.base() {
            Type::List(inner) => (**inner).clone(),
            _ => return None,
        };
    }
    Some(ty)
}

/// What a parameter's placeholder shows.
fn example(ty: &Type) -> String {
    match ty.base() {
        Type::Duration => ":100ms".to_owned(),
        Type::Percent => ":10%".to_owned(),
        Type::Bytes => ":256MiB".to_owned(),
        Type::Bitrate => ":1Mbit/s".to_owned(),
        Type::Int => ":1".to_owned(),
        Type::String | Type::Url | Type::Host => ":\"\"".to_owned(),
        Type::Enum(words) => format!("|{}|", words.join(",")),
        _ => String::new(),
    }
}

fn detail_of(item: &Item) -> String {
    crate::check::evaluate::word_of(&item.kind).to_owned()
}
