//! What could be written at an offset: words where the grammar allows them, fields that are not given yet, faults with their
//! parameters, whatever the catalogue declares, units behind a number, values of labels; each with what it is.
//!
//! Comes in: a workspace, a file, an offset in half-typed text. Goes out: [`Completion`]s, best first. What another file
//! declares is offered too, with the import that it needs.

mod imports;
mod texts;
mod values;
mod wanted;

use std::collections::BTreeSet;

use super::Workspace;
use super::members::{self, Meaning, meaning};
use super::outline;
use super::snippet::indented;
use super::words::{self, In};
use crate::check::program::ItemKind;
use crate::check::scope::DeclId;
use crate::check::sheet::{FaultSheet, sheet_of};
use crate::check::{Program, stdlib};
use crate::diagnostic::Edit;
use crate::source::Span;
use crate::syntax::{SyntaxKind, SyntaxNode, SyntaxToken};
use crate::types::Type;

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
