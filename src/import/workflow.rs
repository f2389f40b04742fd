//! Chaos Mesh's Workflow as a method.
//!
//! Comes in: `{ entry, templates }`. Goes out: steps. A Serial is steps one after the other, a Parallel is `parallel`, a
//! Suspend waits, a fault lasts as long as its node, a StatusCheck is a `check` (until it passes), an `expect` or a guard
//! (as long as the Workflow goes on). A Workflow that Perturb wrote has its own frame, which is taken off again; what its
//! gate judges is not in it.

use std::collections::BTreeSet;

use super::chaos_mesh::{Object, add, fault, lost, missing, positive, service};
use super::context::{Context, Unsayable};
use super::draft::{Experiment, Said, Step, StepKind, kebab};
use super::print::quoted;
use super::yaml::{Node, comments_of};
use crate::plan::Effect;
use crate::types::Duration;

/// Templates inside each other; a template that contains itself nests for ever in Chaos Mesh.
const DEEPEST: usize = 40;
/// Steps of one method: templates may be used several times, and each use several times again.
const MOST_STEPS: usize = 2_000;
/// What Chaos Mesh cuts off a node's deadline, and Perturb therefore adds to each.
const CUT: Duration = Duration::from_secs(1);

/// A Workflow.
pub(super) fn import(cx: &mut Context<'_>, object: &Object<'_>, spec: &Node) {
    if let Some(experiment) = experiment(cx, object, spec, "") {
        add(cx, experiment);
    }
}

/// The experiment of a Workflow's spec; for a Schedule's with the name of its `verify`.
pub(super) fn experiment(cx: &mut Context<'_>, object: &Object<'_>, spec: &Node, verify: &str) -> Option<Experiment> {
    let entry = spec.word("entry").to_owned();
    let Some(first) = template(spec, &entry) else {
        let at = spec.entry("entry").map_or(spec.span, |e| e.value.span);
        missing(cx, at, &format!("no template has the name of the entry, `{entry}`"));
        return None;
    };
    let mut experiment = object.experiment(cx);
    if !verify.is_empty() && object.mark("labels", "perturb.dev/experiment").is_none() {
        experiment.name = super::schedule::renamed(cx, verify, &experiment.name);
    }
    let mut reader = Reader {
        cx,
        object,
        spec,
        open: BTreeSet::new(),
        count: 0,
        service: None,
        expects: Vec::new(),
        aborts: Vec::new(),
        names: BTreeSet::new(),
    };
    let mut steps = Vec::new();
    reader.template(first, &mut steps, true);
    let Reader { service: hit, expects, aborts, .. } = reader;
    experiment.steps = without_last_wait(steps, object.ours);
    experiment.expects = expects;
    experiment.aborts = aborts;
    let Some(hit) = hit else {
        if !cx.diagnostics.iter().any(crate::diagnostic::Diagnostic::is_error) {
            lost(cx, Unsayable::new(spec.span, "this Workflow injects nothing that the language can say"));
        }
        return None;
    };
    experiment.service = service(cx, object, &hit);
    Some(experiment)
}

/// The node of what happens once lives on for a while: at the very end that means nothing.
fn without_last_wait(mut steps: Vec<Step>, ours: bool) -> Vec<Step> {
    if let [.., Step { kind: StepKind::Inject(_, None), .. }, Step { kind: StepKind::Wait(_), comments }] =
        steps.as_slice()
        && comments.is_empty()
        && !ours
    {
        steps.pop();
    }
    steps
}

fn template<'n>(spec: &'n Node, name: &str) -> Option<&'n Node> {
    spec.get("templates")?.items().iter().find(|t| t.word("name") == name)
}

struct Reader<'c, 'l, 'o> {
    cx: &'c mut Context<'l>,
    object: &'o Object<'o>,
    spec: &'o Node,
    /// The templates that are being read, against rings.
    open: BTreeSet<String>,
    count: usize,
    service: Option<String>,
    expects: Vec<Said>,
    aborts: Vec<Said>,
    names: BTreeSet<String>,
}

impl Reader<'_, '_, '_> {
    /// The steps of a template. `serial`: whether they go into a row of steps, rather than beside others.
    fn template(&mut self, node: &Node, out: &mut Vec<Step>, serial: bool) {
        let name = node.word("name").to_owned();
        self.count += 1;
        if self.open.len() >= DEEPEST || self.count > MOST_STEPS || !self.open.insert(name.clone()) {
            let why = "Chaos Mesh takes it, and makes nodes inside nodes for ever";
            self.cx.wrong(node.span, format!("the template `{name}` contains itself, or too much"), why, "");
            return;
        }
        let (before, expects, aborts) = (out.len(), self.expects.len(), self.aborts.len());
        let kind = node.get("templateType").and_then(Node::scalar).unwrap_or_default().to_owned();
        match kind.as_str() {
            "Serial" => self.serial(node, out, serial),
            "Parallel" => self.parallel(node, out),
            "Suspend" => self.suspend(node, out),
            "StatusCheck" => self.status_check(node, out),
            "Task" => self.task(node, out),
            "Schedule" => {
                let why = "it repeats by the clock, and a method ends by itself";
                self.no_equivalent(node, out, why, "write `for each`");
            }
            _ => self.fault(&kind, node, out),
        }
        let comments = self.comments(node);
        if let Some(first) = out.get_mut(before) {
            first.comments.splice(0..0, comments);
        } else if let Some(said) = self.expects.get_mut(expects).or(self.aborts.get_mut(aborts)) {
            said.comments = comments;
        }
        self.open.remove(&name);
    }

    /// The comments of a template.
    fn comments(&self, node: &Node) -> Vec<String> {
        let Some(entry) = self.spec.entry("templates") else { return Vec::new() };
        let templates = entry.value.items();
        let index = templates.iter().position(|t| t.span == node.span);
        index.map_or_else(Vec::new, |i| comments_of(self.object.comments, templates, i, entry.at.end))
    }

    fn children(&mut self, node: &Node) -> Vec<Node> {
        let mut found = Vec::new();
        for child in node.get("children").map_or(&[][..], Node::items) {
            let name = child.scalar().unwrap_or_default();
            match template(self.spec, name) {
                Some(template) => found.push(template.clone()),
                None => missing(self.cx, child.span, &format!("no template is called `{name}`")),
            }
        }
        found
    }

    fn serial(&mut self, node: &Node, out: &mut Vec<Step>, inline: bool) {
        let mut inner = Vec::new();
        for child in self.children(node) {
            self.template(&child, &mut inner, true);
        }
        self.bounded(node, &mut inner);
        let is_frame = self.object.ours && !node.word("name").starts_with("step-");
        match (inline || is_frame, inner.as_slice()) {
            (true, _) | (_, [] | [Step { kind: StepKind::Inject(..) | StepKind::With(..), .. }]) => {
                out.append(&mut inner)
            }
            _ => out.push(StepKind::Sequence(inner).step()),
        }
    }

    fn parallel(&mut self, node: &Node, out: &mut Vec<Step>) {
        let name = node.word("name");
        if self.object.ours && name.ends_with("-with") {
            return self.with(node, out);
        }
        let mut branches = Vec::new();
        for child in self.children(node) {
            let mut branch = Vec::new();
            self.template(&child, &mut branch, self.object.ours && name == "run");
            match branch.as_slice() {
                [] => {}
                [Step { kind: StepKind::Wait(_) | StepKind::Check(_), .. }] | [_, _, ..]
                    if !(self.object.ours && name == "run") =>
                {
                    branches.push(StepKind::Sequence(branch).step());
                }
                _ => branches.append(&mut branch),
            }
        }
        self.bounded(node, &mut branches);
        // A frame of Perturb's own, or what is left when a check became a guard.
        if branches.len() <= 1 || self.object.ours && name == "run" {
            out.append(&mut flat(branches));
        } else {
            out.push(StepKind::Parallel(branches).step());
        }
    }

    /// Perturb's `with`: the fault beside its block.
    fn with(&mut self, node: &Node, out: &mut Vec<Step>) {
        let mut children = self.children(node).into_iter();
        let mut steps = Vec::new();
        if let Some(fault) = children.next() {
            self.template(&fault, &mut steps, true);
        }
        let mut block = Vec::new();
        for child in children {
            self.template(&child, &mut block, true);
        }
        for step in steps {
            match step.kind {
                StepKind::Inject(call, _) => {
                    out.push(Step { kind: StepKind::With(call, std::mem::take(&mut block)), ..step });
                }
                _ => out.push(step),
            }
        }
        out.append(&mut block);
    }

    /// A deadline around steps: it says nothing where they end before it.
    fn bounded(&mut self, node: &Node, steps: &mut Vec<Step>) {
        let Some(entry) = node.entry("deadline").filter(|e| !e.value.is_empty()) else { return };
        if self.object.ours {
            return;
        }
        let is_parallel = node.word("templateType") == "Parallel";
        let length = if is_parallel { longest(steps) } else { total(steps) };
        let fits = match (positive(&entry.value), length) {
            (Some(deadline), Some(length)) => length <= deadline,
            _ => false,
        };
        if !fits {
            let message = format!("the deadline `{}` may cut its steps short", entry.value.text);
            let what = Unsayable::new(entry.value.span, message)
                .why("a step of a method ends by itself, or a guard ends the method")
                .help("shorten the steps instead");
            let line = self.cx.lose(what);
            steps.insert(0, StepKind::Lost(line).step());
        }
    }

    fn suspend(&mut self, node: &Node, out: &mut Vec<Step>) {
        match node.get("deadline").and_then(positive) {
            Some(length) => out.push(StepKind::Wait(length).step()),
            None => {
                let at = node.entry("deadline").map_or(node.span, |e| e.value.span);
                missing(self.cx, at, "this Suspend has no `deadline` above zero");
            }
        }
    }

    fn fault(&mut self, kind: &str, node: &Node, out: &mut Vec<Step>) {
        let at = node.get("templateType").map_or(node.span, |n| n.span);
        let body = node.entries().iter().find(|e| !kind.is_empty() && e.key.eq_ignore_ascii_case(kind));
        let Some(body) = body else {
            let why = "Chaos Mesh refuses it, or its webhook panics";
            self.cx.wrong(at, format!("this template has no body of its type `{kind}`"), why, "");
            return;
        };
        if let Some(length) = body.value.entry("duration") {
            let why = "Chaos Mesh refuses a duration in a Workflow: the template's `deadline` is the length";
            self.cx.wrong(length.at, "a fault in a Workflow has no `duration`", why, "leave it out");
            return;
        }
        let fault = match fault(self.cx, self.object, kind, &body.value, at) {
            Ok(fault) => fault,
            Err(what) => {
                let line = self.cx.lose(what);
                out.push(StepKind::Lost(line).step());
                return;
            }
        };
        let Some(deadline) = node.get("deadline").and_then(positive) else {
            let why = "without a deadline the node of a fault never ends, and nothing behind it begins";
            self.cx.wrong(
                node.span,
                format!("the template `{}` has no `deadline`", node.word("name")),
                why,
                "give it one",
            );
            return;
        };
        self.service.get_or_insert_with(|| fault.target.service.clone());
        out.extend(fault.lost);
        match (fault.effect, self.object.ours) {
            (Effect::Lasting, false) => out.push(StepKind::Inject(fault.call, Some(deadline)).step()),
            (Effect::Lasting, true) => out.push(StepKind::Inject(fault.call, Some(deadline.minus(CUT))).step()),
            (Effect::Instant, true) => out.push(StepKind::Inject(fault.call, None).step()),
            // What happens once is over at once, and its node goes on until the deadline.
            (Effect::Instant, false) => {
                out.push(StepKind::Inject(fault.call, None).step());
                out.push(StepKind::Wait(deadline).step());
            }
        }
    }

    /// A container of one's own, and perhaps what follows from how it ends.
    fn task(&mut self, node: &Node, out: &mut Vec<Step>) {
        let why = "a Task runs a container, and a method has no step for that";
        self.no_equivalent(node, out, why, "what it tests is a `check` of a `metric` with a `command`");
        if let Some(branches) = node.entry("conditionalBranches").filter(|e| !e.value.is_empty()) {
            let what = Unsayable::new(branches.at, "`conditionalBranches` have no equivalent")
                .why("which faults are injected, on what and for how long is known before a run begins: bounds are proved of it")
                .help("write an experiment for each branch; a `check` that fails ends a method");
            let line = self.cx.lose(what);
            out.push(StepKind::Lost(line).step());
        }
    }

    fn no_equivalent(&mut self, node: &Node, out: &mut Vec<Step>, why: &str, help: &str) {
        let at = node.get("templateType").map_or(node.span, |n| n.span);
        let message = format!("`{}` has no equivalent", node.word("name"));
        let line = self.cx.lose(Unsayable::new(at, message).why(why).help(help));
        out.push(StepKind::Lost(line).step());
    }

    fn status_check(&mut self, node: &Node, out: &mut Vec<Step>) {
        let name = node.word("name").to_owned();
        if self.object.ours {
            self.gate(node, &name, out);
            return;
        }
        let Some(check) = node.get("statusCheck") else {
            missing(self.cx, node.span, "this StatusCheck has no `statusCheck`");
            return;
        };
        let condition = match condition(check) {
            Ok(condition) => condition,
            Err(what) => {
                let line = self.cx.lose(what);
                out.push(StepKind::Lost(line).step());
                return;
            }
        };
        let aborts = node.get("abortWithStatusCheck").and_then(Node::scalar) == Some("true");
        let number = |key: &str, default: u32| check.word(key).parse::<u32>().unwrap_or(default);
        let (interval, failures) = (number("intervalSeconds", 10), number("failureThreshold", 3));
        // So many failures in a row: the first and the last lie this far apart.
        let grace = Duration::from_secs(interval.saturating_mul(failures.saturating_sub(1)));
        let bound = node.get("deadline").or(check.get("duration")).and_then(positive);
        let name = self.unique(&name);
        if check.word("mode") != "Continuous" {
            let within = bound.map_or_else(String::new, |d| format!(" within {d}"));
            out.push(StepKind::Check(format!("{name}: {}{within}", condition.holds)).step());
        } else if aborts {
            let hold = if grace.is_zero() { String::new() } else { format!(" for {grace}") };
            self.aborts.push(Said::new(format!("{}{hold}", condition.fails)));
        } else {
            let within = if grace.is_zero() { String::new() } else { format!(" within {grace}") };
            self.expects.push(Said::new(format!("{name}: {}{within}", condition.holds)));
        }
    }

    /// A check of Perturb's own gate: the frame says nothing of its own, a `check` would need what the gate knows.
    fn gate(&mut self, node: &Node, name: &str, out: &mut Vec<Step>) {
        match name {
            "armed" | "recovered" => {}
            "baseline" => {
                let what = Unsayable::new(
                    node.span,
                    "what is expected is judged by Perturb's gate and is not in the Workflow",
                )
                .why("the Workflow knows the gate's address only")
                .help("import the faults, and take the hypothesis and the guards from the `.chaos` source");
                self.cx.lose(what);
            }
            "guards" => {}
            other if other.starts_with("clear-") => {}
            other => {
                let check = other.split_once("-check-").map_or(other, |(_, name)| name);
                let message = format!("what the check `{check}` waits for is known to Perturb's gate only");
                let line = self.cx.lose(Unsayable::new(node.span, message));
                out.push(StepKind::Lost(line).step());
            }
        }
    }

    fn unique(&mut self, name: &str) -> String {
        let base = kebab(name);
        let mut name = base.clone();
        let mut number = 2u32;
        while !self.names.insert(name.clone()) {
            name = format!("{base}-{number}");
            number += 1;
        }
        name
    }
}

/// Steps that stand beside nothing.
fn flat(branches: Vec<Step>) -> Vec<Step> {
    let mut all = Vec::new();
    for branch in branches {
        match branch.kind {
            StepKind::Sequence(inner) => all.extend(inner),
            _ => all.push(branch),
        }
    }
    all
}

/// How long steps take one after the other, if each says it.
fn total(steps: &[Step]) -> Option<Duration> {
    steps.iter().try_fold(Duration::ZERO, |sum, s| Some(sum.plus(one(s)?)))
}

/// How long the longest of them takes.
fn longest(steps: &[Step]) -> Option<Duration> {
    steps.iter().try_fold(Duration::ZERO, |most, s| Some(most.max(one(s)?)))
}

fn one(step: &Step) -> Option<Duration> {
    match &step.kind {
        StepKind::Inject(_, length) => Some(length.unwrap_or(Duration::ZERO)),
        StepKind::Wait(length) => Some(*length),
        StepKind::Sequence(inner) | StepKind::With(_, inner) => total(inner),
        StepKind::Parallel(inner) => longest(inner),
        StepKind::Each(times, inner) => Some(total(inner)?.times(*times)),
        StepKind::Lost(_) => Some(Duration::ZERO),
        StepKind::Check(_) => None,
    }
}

/// What an HTTP check asks, as a condition.
struct Condition {
    holds: String,
    fails: String,
}

fn condition(check: &Node) -> Result<Condition, Unsayable> {
    let http = check.get("http").ok_or_else(|| Unsayable::new(check.span, "this StatusCheck asks nothing"))?;
    for key in ["headers", "body"] {
        if let Some(entry) = http.entry(key).filter(|e| !e.value.is_empty()) {
            return Err(Unsayable::new(entry.at, format!("`{key}` of a check has no equivalent"))
                .why("the probes of the library send a plain GET"));
        }
    }
    if let Some(method) = http.get("method").filter(|m| m.scalar() != Some("GET")) {
        return Err(Unsayable::new(method.span, format!("a check by {} has no equivalent", method.text))
            .why("the probes of the library send a plain GET"));
    }
    let url = http.get("url").ok_or_else(|| Unsayable::new(http.span, "this StatusCheck has no `url`"))?;
    let text = url.scalar().unwrap_or_default();
    if !(text.starts_with("http://") || text.starts_with("https://")) {
        return Err(Unsayable::new(url.span, format!("`{text}` is no URL that a check could ask")));
    }
    let status = http.at(&["criteria", "statusCode"]);
    let at = status.map_or(http.span, |n| n.span);
    let code = status.and_then(Node::scalar).unwrap_or_default();
    let url = quoted(text);
    match code {
        "200-299" => {
            Ok(Condition { holds: format!("probe.http-ok({url})"), fails: format!("not probe.http-ok({url})") })
        }
        _ => match code.parse::<u16>() {
            Ok(n) if (100..=599).contains(&n) => Ok(Condition {
                holds: format!("probe.http-status({url}) == {n}"),
                fails: format!("probe.http-status({url}) != {n}"),
            }),
            _ => Err(Unsayable::new(at, format!("the status `{code}` has no equivalent"))
                .help("one status (`\"200\"`) or all that are well (`\"200-299\"`)")),
        },
    }
}
