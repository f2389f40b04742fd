//! Argo Workflows that carry ChaosEngines as texts: what ChaosCenter writes, and the workflows of the public hub.
//!
//! Comes in: a Workflow, CronWorkflow or WorkflowTemplate. Goes out: its engines as documents with their places in the file,
//! in the order of its steps, and the ChaosExperiments that it installs; a CronWorkflow is a schedule of them. Argo puts its
//! parameters in before anybody reads a text, and so does this. What a step does beside that has no equivalent.

use std::collections::{BTreeMap, BTreeSet};

use super::super::context::{Context, Unsayable};
use super::super::draft::Verify;
use super::super::schedule::five_fields;
use super::super::yaml::{self, Comment, Document, Entry, Node};
use super::{Repeated, Waited, Waiting, lost};
use crate::source::Span;

/// Templates inside each other.
const DEEPEST: usize = 40;
/// Steps of one Workflow: templates may be used several times, and each use several times again.
const MOST_STEPS: usize = 1_000;
/// What stands for Argo's braces while YAML is read: as long as they are, and in no text.
const OPEN: char = '\u{7fe}';
const CLOSE: char = '\u{7ff}';
/// What tells a step how often, or whether.
const CONDITIONS: [&str; 4] = ["when", "withItems", "withParam", "withSequence"];

/// Values by name: `workflow.parameters.appNamespace`.
type Bindings = BTreeMap<String, String>;

/// One document of Argo; whether engines are in it. `text`: the file.
pub(super) fn document(cx: &mut Context<'_>, waiting: &mut Waiting, text: &str, document: &Document) -> bool {
    let root = &document.root;
    let spec = root.at(&["spec", "workflowSpec"]).or(root.get("spec"));
    let Some(spec) = spec else { return false };
    let templates = spec.get("templates").map_or(&[][..], Node::items);
    let has_engine = |t: &Node| artifacts(t).iter().any(|data| data.value.text.contains("ChaosEngine"));
    if !templates.iter().any(has_engine) {
        return false;
    }
    let by = match root.word("kind") {
        "CronWorkflow" => Some(repeated(cx, waiting, document)),
        _ => None,
    };
    let bindings = parameters(spec.get("arguments"), "workflow.parameters");
    let mut reader = Reader { cx, waiting, text, templates, by, open: BTreeSet::new(), steps: 0, engines: 0 };
    let entry = spec.word("entrypoint").to_owned();
    let at = spec.get("entrypoint").map_or(spec.span.before(), |n| n.span);
    reader.named(&entry, at, &bindings);
    if let Some(exit) = spec.get("onExit") {
        reader.named(exit.scalar().unwrap_or_default(), exit.span, &bindings);
    }
    if reader.engines > 1 && by.is_none() {
        cx.note(at, "the engines become experiments in the order of the steps; a run is of one at a time");
    }
    true
}

/// `arguments` or `inputs` by name.
fn parameters(of: Option<&Node>, prefix: &str) -> Bindings {
    let all = of.and_then(|n| n.get("parameters")).map_or(&[][..], Node::items);
    let value = |p: &Node| p.get("value").or(p.get("default")).and_then(Node::scalar).map(str::to_owned);
    all.iter().filter_map(|p| Some((format!("{prefix}.{}", p.word("name")), value(p)?))).collect()
}

/// The texts of objects that a template brings into the cluster: what it gets as files, and what Argo itself creates.
fn artifacts(template: &Node) -> Vec<&Entry> {
    let all = template.at(&["inputs", "artifacts"]).map_or(&[][..], Node::items);
    let files = all.iter().filter_map(|a| a.get("raw")?.entry("data"));
    let resource = template.get("resource").filter(|r| ["create", "apply"].contains(&r.word("action")));
    files.chain(resource.and_then(|r| r.entry("manifest"))).collect()
}

/// A CronWorkflow's times, kept until its engines are experiments.
fn repeated(cx: &mut Context<'_>, waiting: &mut Waiting, document: &Document) -> usize {
    let root = &document.root;
    let name = cx.draft.name(root.at(&["metadata", "name"]).and_then(Node::scalar).unwrap_or("workflow"));
    let mut verify = Verify { name, zone: "UTC".to_owned(), ..Verify::default() };
    let Some(spec) = root.get("spec") else { return 0 };
    let several = spec.get("schedules").map_or(&[][..], Node::items);
    let when = match several {
        [one] => Some(one),
        [_, second, ..] => {
            let what = Unsayable::new(second.span, "a second schedule has no equivalent")
                .why("a `verify` comes at times that one line says")
                .help("write a CronWorkflow for each");
            verify.lost.push(cx.lose(what));
            several.first()
        }
        [] => spec.get("schedule"),
    };
    let at = when.map_or(spec.span.before(), |n| n.span);
    match five_fields(when.and_then(Node::scalar).unwrap_or_default(), at, "Argo") {
        Ok(cron) => verify.cron = cron,
        Err(what) => verify.lost.push(cx.lose(what)),
    }
    match spec.get("timezone").and_then(Node::scalar) {
        Some(zone) => verify.zone = zone.to_owned(),
        None => cx.note(at, "a CronWorkflow without `timezone` goes by the clock of Argo's controller: taken for UTC"),
    }
    for entry in spec.entries().iter().filter(|e| !e.value.is_empty()) {
        match entry.key.as_str() {
            "schedule" | "schedules" | "timezone" | "workflowSpec" => {}
            "concurrencyPolicy" if entry.value.scalar() != Some("Forbid") => {
                let what = Unsayable::new(entry.value.span, format!("`{}` has no equivalent", entry.value.text))
                    .why("a `verify` never overlaps itself: runs that do pile their faults up, and none can be judged");
                verify.lost.push(cx.lose(what));
            }
            key => cx.note(entry.at, format!("`{key}` is left to Perturb, which sets its own")),
        }
    }
    waiting.repeated.push(Repeated { file: cx.draft.files.len().saturating_sub(1), verify });
    waiting.repeated.len() - 1
}

struct Reader<'c, 'l, 'd> {
    cx: &'c mut Context<'l>,
    waiting: &'c mut Waiting,
    text: &'d str,
    templates: &'d [Node],
    by: Option<usize>,
    /// The templates that are being read, against rings.
    open: BTreeSet<String>,
    steps: usize,
    engines: usize,
}

impl Reader<'_, '_, '_> {
    /// The template of a name.
    fn named(&mut self, name: &str, at: Span, bindings: &Bindings) {
        let Some(template) = self.templates.iter().find(|t| t.word("name") == name) else {
            self.cx.wrong(at, format!("no template is called `{name}`"), "Argo refuses it", "");
            return;
        };
        self.steps += 1;
        if self.open.len() >= DEEPEST || self.steps > MOST_STEPS || !self.open.insert(name.to_owned()) {
            let why = "nobody can say which experiments that would be";
            self.cx.wrong(
                template.span.before(),
                format!("the template `{name}` contains itself, or too much"),
                why,
                "",
            );
            return;
        }
        let mut own: Bindings = bindings.clone();
        own.retain(|key, _| key.starts_with("workflow."));
        own.extend(parameters(template.get("inputs"), "inputs.parameters"));
        own.extend(bindings.iter().filter(|(key, _)| key.starts_with("inputs.")).map(|(k, v)| (k.clone(), v.clone())));
        if let Some(rows) = template.get("steps") {
            for row in rows.items() {
                let row = if row.items().is_empty() { std::slice::from_ref(row) } else { row.items() };
                self.row(row, &own);
            }
        } else if let Some(tasks) = template.at(&["dag", "tasks"]) {
            for row in rows_of(tasks.items()) {
                self.row(&row, &own);
            }
        } else {
            self.leaf(template, &own);
        }
        self.open.remove(name);
    }

    /// Steps that run side by side.
    fn row(&mut self, row: &[Node], bindings: &Bindings) {
        let mut before = None;
        for step in row {
            let engines = self.engines;
            self.step(step, bindings);
            if self.engines > engines && before.replace(()).is_some() {
                let what = Unsayable::new(step.span.before(), "engines side by side have no equivalent")
                    .why("experiments run one after the other, so that each can be judged")
                    .help("give it a step of its own");
                lost(self.cx, what);
            }
        }
    }

    fn step(&mut self, step: &Node, bindings: &Bindings) {
        if let Some(entry) = step.entries().iter().find(|e| CONDITIONS.contains(&e.key.as_str())) {
            let what = Unsayable::new(entry.at, format!("`{}` of a step has no equivalent", entry.key))
                .why("what is run is known before it runs")
                .help("write the steps out");
            return lost(self.cx, what);
        }
        if let Some(other) = step.get("templateRef") {
            let what = Unsayable::new(other.span, "a template of another object is not read")
                .help("put the template into this Workflow");
            return lost(self.cx, what);
        }
        let at = step.get("template").map_or(step.span.before(), |n| n.span);
        let mut inner: Bindings = bindings.clone();
        inner.retain(|key, _| key.starts_with("workflow."));
        let given = parameters(step.get("arguments"), "inputs.parameters");
        inner.extend(given.into_iter().map(|(key, value)| (key, braces(&value, bindings))));
        self.named(step.word("template"), at, &inner);
    }

    /// A template that does something.
    fn leaf(&mut self, template: &Node, bindings: &Bindings) {
        let mut found = 0;
        for data in artifacts(template) {
            for document in self.inside(data, bindings) {
                match document.root.word("kind") {
                    "ChaosExperiment" => self.waiting.experiments.push(document.root),
                    "ChaosEngine" => self.engine(document),
                    _ => continue,
                }
                found += 1;
            }
        }
        let name = template.word("name");
        let at = template.get("name").map_or(template.span.before(), |n| n.span);
        if found > 0 {
            return;
        }
        if is_housekeeping(template) {
            self.cx
                .note(at, format!("the step `{name}` keeps Litmus' own things in order: Perturb does that by itself"));
            return;
        }
        let what = match template.get("suspend") {
            Some(_) => "stops and waits",
            None => "runs a program",
        };
        let what = Unsayable::new(at, format!("the step `{name}` has no equivalent: it {what}"))
            .why("between experiments nothing is run, and inside of one only faults are")
            .help("do it where `perturb run` is called");
        lost(self.cx, what);
    }

    fn engine(&mut self, document: Document) {
        if let Some((at, text)) = unknown(&document.root) {
            let what = Unsayable::new(at, format!("`{text}` is known to Argo only, at run time"))
                .help("write its value, or give the parameter a default");
            return lost(self.cx, what);
        }
        self.engines += 1;
        let file = self.cx.draft.files.len().saturating_sub(1);
        self.waiting.engines.push(Waited { file, document, by: self.by });
    }

    /// The documents of a text inside, with their places in the file.
    fn inside(&mut self, data: &Entry, bindings: &Bindings) -> Vec<Document> {
        let file = data.at.file;
        let block = block(self.text, data.at);
        let text = block.and_then(|(from, to)| self.text.get(from..to)).unwrap_or(&data.value.text);
        let text = hidden(text);
        let mut found = Vec::new();
        let mut documents = yaml::read(file, &text, &mut found);
        let place = |span: Span| match block {
            Some((from, _)) => Span::new(file, span.start + from as u32, span.end + from as u32),
            // A text in quotes: nobody knows where its parts stand.
            None => data.at,
        };
        for mut diagnostic in found {
            diagnostic.span = place(diagnostic.span);
            self.cx.diagnostics.push(diagnostic);
        }
        for document in &mut documents {
            settle(&mut document.root, &place, bindings);
            for Comment { span, text, .. } in &mut document.comments {
                *span = place(*span);
                *text = braces(text, &Bindings::new());
            }
        }
        documents
    }
}

/// Tasks of a graph as rows: each behind those that it waits for.
fn rows_of(tasks: &[Node]) -> Vec<Vec<Node>> {
    let words = |task: &Node| -> BTreeSet<String> {
        let listed = task.get("dependencies").map_or(&[][..], Node::items);
        let text = task.word("depends");
        let said = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')));
        listed.iter().filter_map(Node::scalar).chain(said).map(str::to_owned).collect()
    };
    let names: BTreeSet<&str> = tasks.iter().map(|t| t.word("name")).collect();
    let mut left: Vec<&Node> = tasks.iter().collect();
    let mut done: BTreeSet<String> = BTreeSet::new();
    let mut rows = Vec::new();
    while !left.is_empty() {
        let is_free = |t: &&Node| words(t).iter().all(|w| done.contains(w) || !names.contains(w.as_str()));
        let (free, rest): (Vec<&Node>, Vec<&Node>) = left.iter().copied().partition(is_free);
        // A ring, which Argo refuses: as they stand.
        let (free, rest) = if free.is_empty() { (rest, Vec::new()) } else { (free, rest) };
        done.extend(free.iter().map(|t| t.word("name").to_owned()));
        rows.push(free.into_iter().cloned().collect());
        left = rest;
    }
    rows
}

/// Whether a step only installs faults, waits for an engine, looks at its verdict, or clears away what Litmus left.
fn is_housekeeping(template: &Node) -> bool {
    if let Some(resource) = template.get("resource") {
        return resource.word("manifest").contains("litmuschaos.io/");
    }
    let Some(container) = template.get("container") else { return false };
    let image = container.word("image");
    let image = image.rsplit('/').next().unwrap_or(image);
    let line: Vec<&str> = container.get("args").map_or(&[][..], Node::items).iter().filter_map(Node::scalar).collect();
    let line = line.join(" ");
    let about = ["chaosengine", "chaosexperiment", "chaosresult", "litmus", "/tmp/"];
    image.split([':', '@']).next().is_some_and(|name| ["k8s", "go-runner"].contains(&name))
        && line.contains("kubectl")
        && about.iter().any(|word| line.contains(word))
}

/// A scalar of an engine that still has Argo's braces, where that matters: not in probes, which say so themselves.
fn unknown(root: &Node) -> Option<(Span, String)> {
    fn inside(node: &Node) -> Option<(Span, String)> {
        if node.text.contains("{{") {
            return Some((node.span, yaml::short(&node.text)));
        }
        let entries = node.entries().iter().filter(|e| e.key != "probe").map(|e| &e.value);
        entries.chain(node.items()).find_map(inside)
    }
    root.at(&["metadata", "namespace"]).and_then(inside).or_else(|| root.get("spec").and_then(inside))
}

/// The lines of a literal text behind a key; nothing where it is written otherwise.
fn block(text: &str, key: Span) -> Option<(usize, usize)> {
    let behind = text.get(key.end as usize..)?;
    let head = behind.split_inclusive('\n').next()?;
    let mark = head.trim().strip_prefix(':')?.trim_start();
    let is_literal = mark.strip_prefix('|').is_some_and(|rest| {
        rest.split('#').next().unwrap_or_default().trim().chars().all(|c| c.is_ascii_digit() || c == '-' || c == '+')
    });
    if !is_literal || !head.ends_with('\n') {
        return None;
    }
    let before = text.get(..key.start as usize)?;
    let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
    let from = key.end as usize + head.len();
    let mut to = from;
    for line in text.get(from..)?.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if !line.trim().is_empty() && indent <= column {
            break;
        }
        to += line.len();
    }
    Some((from, to))
}

/// Puts places and values into a document.
fn settle(node: &mut Node, place: &impl Fn(Span) -> Span, bindings: &Bindings) {
    node.span = place(node.span);
    if node.text.contains([OPEN, CLOSE]) {
        node.text = braces(&node.text, bindings);
    }
    match &mut node.value {
        yaml::Value::List(items) => items.iter_mut().for_each(|item| settle(item, place, bindings)),
        yaml::Value::Map(entries) => {
            for entry in entries {
                entry.at = place(entry.at);
                entry.key = braces(&entry.key, bindings);
                settle(&mut entry.value, place, bindings);
            }
        }
        _ => {}
    }
}

/// A text whose templates YAML does not see. Braces of JSON (`]}}`) are none.
fn hidden(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once("{{") {
        out.push_str(before);
        let inside = tail.split_once("}}").filter(|(name, _)| !name.contains(['{', '}', '"', '\n', ':', ',']));
        match inside {
            Some((name, behind)) => {
                out.push(OPEN);
                out.push_str(name);
                out.push(CLOSE);
                rest = behind;
            }
            None => {
                out.push_str("{{");
                rest = tail;
            }
        }
    }
    out.push_str(rest);
    out
}

/// A text with the values of Argo's parameters; what has none keeps its braces.
fn braces(text: &str, bindings: &Bindings) -> String {
    let text = hidden(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, tail)) = rest.split_once(OPEN) {
        out.push_str(before);
        let Some((name, behind)) = tail.split_once(CLOSE) else {
            out.push_str("{{");
            rest = tail;
            continue;
        };
        match bindings.get(name.trim()) {
            Some(value) => out.push_str(value),
            None => {
                out.push_str("{{");
                out.push_str(name);
                out.push_str("}}");
            }
        }
        rest = behind;
    }
    out.push_str(rest);
    out.replace(CLOSE, "}}").replace(OPEN, "{{")
}
