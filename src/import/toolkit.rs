//! Experiments of Chaos Toolkit (YAML or JSON): what is wrong in them, and what can be said of them.
//!
//! Comes in: a document. Goes out: every mistake at its place, and an experiment. `chaos validate` takes a misspelt key, a
//! range that nothing lies in or a variable that nobody defines without a word (chaostoolkit-lib 1.44); a run then goes
//! another way than it reads. Facts: the specification of experiments 1.0, and `chaosk8s.pod.actions`.

mod activity;
mod question;

use std::collections::BTreeSet;

use super::chaos_mesh::add;
use super::context::{Context, Unsayable};
use super::draft::{Experiment, Said, Step, StepKind};
use super::yaml::{Document, Node, Value};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Span;

const TOP: [&str; 13] = [
    "version",
    "title",
    "description",
    "tags",
    "contributions",
    "configuration",
    "secrets",
    "extensions",
    "runtime",
    "controls",
    "steady-state-hypothesis",
    "method",
    "rollbacks",
];

/// Whether a document is one of Chaos Toolkit's.
pub(super) fn is_one(root: &Node) -> bool {
    root.get("apiVersion").is_none()
        && root.get("method").is_some_and(|m| matches!(m.value, Value::List(_)))
        && (root.get("title").is_some() || root.get("steady-state-hypothesis").is_some())
}

/// A mistake.
pub(super) fn mistake(cx: &mut Context<'_>, at: Span, message: impl Into<String>, why: &str, help: &str) {
    let mut diagnostic = Diagnostic::new(Code::IMPORT_TOOLKIT, at, message);
    if !why.is_empty() {
        diagnostic = diagnostic.why(why);
    }
    if !help.is_empty() {
        diagnostic = diagnostic.help(help);
    }
    cx.diagnostics.push(diagnostic);
}

/// Every key must be one of these.
fn keys(cx: &mut Context<'_>, node: &Node, known: &[&str], what: &str) {
    for entry in node.entries().iter().filter(|e| !known.contains(&e.key.as_str())) {
        let help = match nearest(&entry.key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("{what} has {}", known.join(", ")),
        };
        let message = format!("{what} has no `{}`", entry.key);
        mistake(cx, entry.at, message, "Chaos Toolkit passes over it without a word", &help);
    }
}

/// One experiment.
pub(super) fn document(cx: &mut Context<'_>, document: &Document) {
    let root = &document.root;
    let before = cx.diagnostics.len();
    keys(cx, root, &TOP, "an experiment of Chaos Toolkit");
    runtime(cx, root);
    controls(cx, root);
    variables(cx, root, root);
    let title = root.word("title").to_owned();
    let mut experiment = Experiment { name: cx.draft.name(&title), ..Experiment::default() };
    experiment.doc.push(with_stop(&title));
    let description = root.word("description");
    experiment.doc.extend(description.lines().map(with_stop));
    experiment.comments = Vec::new();
    let mut names = BTreeSet::new();
    let hypothesis = root.get("steady-state-hypothesis");
    if let Some(hypothesis) = hypothesis {
        keys(cx, hypothesis, &["title", "probes", "controls"], "a hypothesis");
        for probe in hypothesis.get("probes").map_or(&[][..], Node::items) {
            if let Some(expect) = self::probe(cx, probe, &mut names) {
                experiment.expects.push(Said::new(expect));
            }
        }
    }
    let mut service = None;
    for activity in root.get("method").map_or(&[][..], Node::items) {
        experiment.steps.extend(activity::step(cx, activity, &mut names, &mut service));
    }
    rollbacks(cx, root, &names, &mut experiment);
    // What is wrong is said; what is left of it would be somebody else's experiment.
    if cx.diagnostics.iter().skip(before).any(Diagnostic::is_error) {
        return;
    }
    match service {
        Some(service) => experiment.service = service,
        None => {
            let what = Unsayable::new(root.span, "this experiment hits nothing that the language can say");
            super::chaos_mesh::lost(cx, what);
            return;
        }
    }
    add(cx, experiment);
    if let Some(file) = cx.draft.files.last_mut() {
        // The faults are the library's; `kubernetes` is the engine that does what Chaos Toolkit did.
        file.engines.remove("chaos-mesh");
        file.engines.insert("kubernetes");
    }
}

fn with_stop(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

fn runtime(cx: &mut Context<'_>, root: &Node) {
    let Some(runtime) = root.get("runtime") else { return };
    keys(cx, runtime, &["rollbacks", "hypothesis"], "`runtime`");
    let strategies: [(&str, &[&str], &[&str], &str); 2] = [
        (
            "rollbacks",
            &["strategy"],
            &["default", "always", "never", "deviated"],
            "with a word that it does not know, Chaos Toolkit never plays the rollbacks",
        ),
        (
            "hypothesis",
            &["strategy", "frequency", "fail_fast", "fail_fast_ratio"],
            &["default", "before-method-only", "after-method-only", "during-method-only", "continuously"],
            "with a word that it does not know, Chaos Toolkit looks before and after the method only",
        ),
    ];
    for (part, known, words, why) in strategies {
        let Some(node) = runtime.get(part) else { continue };
        keys(cx, node, known, &format!("`runtime.{part}`"));
        if let Some(strategy) = node.get("strategy").filter(|s| !words.contains(&s.scalar().unwrap_or_default())) {
            let help = match nearest(&strategy.text, words.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the strategies are {}", words.join(", ")),
            };
            mistake(cx, strategy.span, format!("there is no strategy {}", strategy.describe()), why, &help);
        }
    }
}

/// Controls are code of Python that runs around everything: nothing here can load it.
fn controls(cx: &mut Context<'_>, root: &Node) {
    for control in root.get("controls").map_or(&[][..], Node::items) {
        keys(cx, control, &["name", "provider", "scope", "automatic", "ref"], "a control");
        let Some(module) = control.at(&["provider", "module"]) else { continue };
        let message =
            format!("the control `{}` cannot be taken over: `{}` is code of Python", control.word("name"), module.text);
        let why = "if it cannot be loaded, Chaos Toolkit says so in its log and goes on without it: what it was to guard is not";
        mistake(
            cx,
            module.span,
            message,
            why,
            "write what it does as a guard (`only on mon..thu 10:00..16:00 in \"…\"`) and leave it out",
        );
    }
}

/// `${name}` must be defined in `configuration` or `secrets`.
fn variables(cx: &mut Context<'_>, root: &Node, node: &Node) {
    match &node.value {
        Value::Map(entries) => entries.iter().for_each(|e| variables(cx, root, &e.value)),
        Value::List(items) => items.iter().for_each(|n| variables(cx, root, n)),
        Value::Text => {
            let mut rest = node.text.as_str();
            while let Some((_, tail)) = rest.split_once("${") {
                let Some((name, behind)) = tail.split_once('}') else { break };
                rest = behind;
                let name = name.trim();
                let known = |part: &str| root.get(part).is_some_and(|n| n.entry(name).is_some());
                if !known("configuration") && !known("secrets") {
                    let why = "Chaos Toolkit leaves the text as it is, or stops in the middle of the run";
                    mistake(
                        cx,
                        node.span,
                        format!("nothing defines `${{{name}}}`"),
                        why,
                        "define it in `configuration`",
                    );
                }
            }
        }
        _ => {}
    }
}

/// A probe of the hypothesis, as an expectation: looked at before and after the method.
fn probe(cx: &mut Context<'_>, node: &Node, names: &mut BTreeSet<String>) -> Option<String> {
    activity::common(cx, node, names);
    let provider = node.get("provider")?;
    let kind = provider.word("type").to_owned();
    let Some(tolerance) = node.get("tolerance") else {
        mistake(cx, node.span, "a probe of the hypothesis has no `tolerance`", "Chaos Toolkit refuses it", "");
        return None;
    };
    range(cx, tolerance);
    if kind != "http" {
        // Under `--lossy` the line stands at the end of the file: a hypothesis has no place for it.
        activity::cannot(cx, node, &format!("a probe by {kind} has no equivalent"));
        return None;
    }
    let name = super::draft::kebab(node.word("name"));
    question::http(cx, node, tolerance).map(|holds| format!("{name}: {holds} except during faults"))
}

/// A range from a lower to an upper end.
fn range(cx: &mut Context<'_>, tolerance: &Node) {
    let Some(range) = tolerance.get("range") else { return };
    let ends: Vec<_> = range.items().iter().filter_map(|n| super::spelling::number(n.scalar()?)).collect();
    match ends.as_slice() {
        [low, high] if low <= high => {}
        [_, _] => mistake(
            cx,
            range.span,
            "this range ends before it begins",
            "nothing lies in it, so the probe never holds",
            "the smaller end comes first",
        ),
        _ => mistake(cx, range.span, "a range has two numbers", "Chaos Toolkit refuses it", ""),
    }
}

/// What a rollback does is undone by Perturb itself; one that refers to nothing fails when it is needed.
fn rollbacks(cx: &mut Context<'_>, root: &Node, names: &BTreeSet<String>, experiment: &mut Experiment) {
    for rollback in root.get("rollbacks").map_or(&[][..], Node::items) {
        if let Some(reference) = rollback.get("ref") {
            if !names.contains(&reference.text) {
                let why = "Chaos Toolkit finds out when the fault is in already, and then undoes nothing";
                mistake(cx, reference.span, format!("there is no activity `{}`", reference.text), why, "");
            }
            continue;
        }
        let mut own = names.clone();
        activity::common(cx, rollback, &mut own);
        let message = format!("the rollback `{}` has no equivalent", rollback.word("name"));
        let what = Unsayable::new(rollback.span, message)
            .why("a fault undoes itself, whatever happens; nothing else is undone");
        let line = cx.lose(what);
        experiment.steps.push(Step { comments: Vec::new(), kind: StepKind::Lost(line) });
    }
}
