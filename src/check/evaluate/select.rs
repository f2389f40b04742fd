//! Selectors and draws.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{Candidates, Evaluator, Target, Val};
use crate::check::declared::Service;
use crate::check::program::{Arg, Expr, ExprKind, Name};
use crate::check::scope::DeclId;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{At, CloudSelector, MachineSelector, NodeSelector, PodSelector, ProcessSelector, Quantity, Selector};
use crate::source::Span;
use crate::types::{TargetKind, Type, Value};

/// What narrows pods.
const POD_PARTS: &[&str] =
    &["namespace", "labels", "without", "annotations", "fields", "phase", "names", "zone", "node", "except"];
/// What narrows nodes.
const NODE_PARTS: &[&str] = &["labels", "names", "zone"];
/// What narrows the processes of a service on one machine.
const PROCESS_PARTS: &[&str] = &["names", "except"];
/// What narrows machines.
const MACHINE_PARTS: &[&str] = &["namespace", "labels", "without", "annotations", "address", "names"];
/// What a selector of a cloud's things takes.
pub(super) const CLOUD_PARTS: &[&str] =
    &["provider", "region", "project", "zone", "subscription", "group", "scale-set", "tags", "ids"];

/// What narrows candidates of which only the kind is known; nothing where a selector says all of it.
pub(super) fn parts_of(kind: TargetKind) -> &'static [&'static str] {
    match kind {
        TargetKind::Pods => POD_PARTS,
        TargetKind::Nodes => NODE_PARTS,
        TargetKind::Processes => PROCESS_PARTS,
        _ => &[],
    }
}

/// `aws | gcp | azure | vmware`.
pub(super) fn provider_type() -> Type {
    Type::Enum(["aws", "gcp", "azure", "vmware"].iter().map(|w| SmolStr::from(*w)).collect())
}

/// Draws that a selector speaks of are numbered by their target's id until a plan gives them their index.
fn drawn(target: &Target) -> At {
    At::Drawn(target.id)
}

impl Evaluator<'_> {
    /// `SERVICE.pods` and its kin.
    pub(super) fn service_selector(&mut self, id: DeclId, service: &Service, kind: TargetKind, name: &Name) -> Val {
        // On one machine a service's processes are what its pods are in a cluster: one text holds in both.
        let processes = kind == TargetKind::Processes
            || kind == TargetKind::Pods
                && service.has_local
                && (self.is_local() || self.place.is_none() && !service.has_pods);
        let selector = match kind {
            _ if processes && !service.has_local => return self.not_ours(id, name, "declares no `local` replicas"),
            _ if processes => Some(Selector::Processes(ProcessSelector {
                service: service.name.clone(),
                ..ProcessSelector::default()
            })),
            TargetKind::Endpoints => match &service.endpoints {
                Val::List(urls) => {
                    let known: Vec<SmolStr> = urls.iter().filter_map(text_of).collect();
                    if known.len() == urls.len() { Some(Selector::Endpoints(known)) } else { None }
                }
                _ => None,
            },
            TargetKind::Instances => match &service.instances {
                Val::Selector(candidates) => Some(candidates.selector.clone()),
                Val::Plain(Value::None) => return self.not_ours(id, name, "declares no `instances`"),
                _ => None,
            },
            _ if !service.has_pods => return self.not_ours(id, name, "declares no `pods`: it is not ours to hit"),
            _ => match &service.pods {
                Val::Selector(candidates) => candidates.selector.pods().map(|pods| of_pods(kind, pods.clone())),
                _ => None,
            },
        };
        match selector {
            Some(selector) => Val::Selector(Arc::new(Candidates {
                selector,
                service: Some(service.name.clone()),
                text: format!("{}.{}", service.name, name.text),
                uses: Vec::new(),
            })),
            None => Val::Unknown(Type::Selector(kind)),
        }
    }

    fn not_ours(&mut self, id: DeclId, name: &Name, why: &str) -> Val {
        let item = self.program.item(id);
        self.report(
            Diagnostic::new(Code::NOTHING_TO_HIT, name.span, format!("`{}` {why}", item.name.text))
                .also(item.name.span, "declared here"),
        );
        Val::error()
    }

    /// `pods(…)`, `ledger.pods(…)`: all conditions hold together.
    pub(super) fn select_pods(&mut self, base: Option<&Candidates>, args: &[Arg], span: Span) -> Val {
        let mut pods = PodSelector::default();
        let mut uses = base.map(|b| b.uses.clone()).unwrap_or_default();
        let mut parts = Vec::new();
        let mut known = true;
        for arg in args {
            let Some(key) = self.argument_name(arg, POD_PARTS) else {
                known = false;
                continue;
            };
            let value = &arg.value;
            let fine = match key.as_str() {
                "namespace" => self.namespaces(value, &mut pods.namespaces, &mut parts),
                "labels" => self.label_conditions(value, &mut pods.labels, &mut pods.conditions, &mut parts),
                "without" => self.without(value, &mut pods.conditions, &mut parts),
                "annotations" => self.equalities(value, &mut pods.annotations, &mut parts, "annotations"),
                "fields" => self.pod_fields(value, &mut pods.fields, &mut parts),
                "phase" => self.phases(value, &mut pods.phases, &mut parts),
                "names" => self.names(value, &mut pods.names, &mut parts, "names"),
                "zone" => self.at(value, TargetKind::Zones, &mut pods.zone, &mut uses, &mut parts, "zone"),
                "node" => self.on_node(value, &mut pods, &mut uses, &mut parts),
                _ => self.except(&arg.value, &mut pods.except, &mut uses, &mut parts),
            };
            known &= fine;
        }
        if !known {
            return Val::Unknown(Type::Selector(TargetKind::Pods));
        }
        if let Some((base, all)) = base.and_then(|base| Some((base, base.selector.pods()?))) {
            pods = match all.narrowed_by(&pods) {
                Ok(narrower) => narrower,
                Err(part) => {
                    self.not_narrower(base, all, part, args, span);
                    return Val::error();
                }
            };
        }
        if pods.namespaces.is_empty() {
            self.report(
                Diagnostic::new(Code::WITHOUT_NAMESPACE, span, "in which namespace are these pods?")
                    .why("without a namespace an engine takes its own, or every one")
                    .help("write `namespace: \"pay\"`"),
            );
            return Val::error();
        }
        let text = match base {
            Some(base) => narrowed(&base.text, &parts),
            None => format!("pods({})", parts.join(", ")),
        };
        Val::Selector(Arc::new(Candidates {
            selector: Selector::Pods(pods),
            service: base.and_then(|b| b.service.clone()),
            text,
            uses,
        }))
    }

    /// `ledger.pods(labels: …)` that asks for what the pods of `ledger` are not.
    fn not_narrower(&mut self, base: &Candidates, all: &PodSelector, part: &str, args: &[Arg], span: Span) {
        let at = args.iter().find(|arg| arg.name.as_ref().is_some_and(|name| name.text == part));
        let own = match part {
            "namespace" => format!("are in the namespace `{}`", all.namespaces.join("` or `")),
            "labels" | "without" => format!("have `{}`", all.label_query()),
            _ => format!("say `{part}` themselves"),
        };
        self.report(
            Diagnostic::new(
                Code::NOT_NARROWER,
                at.map_or(span, |arg| arg.span),
                format!("none of `{}` is like this: they {own}", base.text),
            )
            .why("what narrows a selector holds together with what it says already, and nothing widens it")
            .help("for other pods write `pods(…)`, or a service of their own in the catalogue"),
        );
    }

    /// `ledger.processes(…)`, and `ledger.pods(…)` on one machine.
    pub(super) fn select_processes(&mut self, base: &Candidates, of: &ProcessSelector, args: &[Arg]) -> Val {
        let mut processes = of.clone();
        let mut uses = base.uses.clone();
        let mut parts = Vec::new();
        let mut known = true;
        for arg in args {
            let of_pods = |name: &str| POD_PARTS.contains(&name) && !PROCESS_PARTS.contains(&name);
            if let Some(name) = arg.name.as_ref().filter(|n| of_pods(&n.text)) {
                self.report(
                    Diagnostic::new(
                        Code::LOCAL_NARROWED,
                        arg.span,
                        format!("`{}` are processes on one machine: they have no {}", base.text, name.text),
                    )
                    .help("narrow them by `names` or `except`, or leave this place out of the experiment's `environments`"),
                );
                known = false;
                continue;
            }
            let Some(key) = self.argument_name(arg, PROCESS_PARTS) else {
                known = false;
                continue;
            };
            known &= match key.as_str() {
                "names" => self.names(&arg.value, &mut processes.names, &mut parts, "names"),
                _ => self.except(&arg.value, &mut processes.except, &mut uses, &mut parts),
            };
        }
        if !known {
            return Val::Unknown(Type::Selector(TargetKind::Processes));
        }
        Val::Selector(Arc::new(Candidates {
            selector: Selector::Processes(processes),
            service: base.service.clone(),
            text: narrowed(&base.text, &parts),
            uses,
        }))
    }

    /// `nodes(…)`, `checkout.nodes(…)`.
    pub(super) fn select_nodes(&mut self, base: Option<&Candidates>, args: &[Arg]) -> Val {
        let mut nodes = match base.map(|b| &b.selector) {
            Some(Selector::Nodes(nodes)) => nodes.clone(),
            _ => NodeSelector::default(),
        };
        let mut uses = base.map(|b| b.uses.clone()).unwrap_or_default();
        let mut parts = Vec::new();
        let mut known = true;
        for arg in args {
            let Some(key) = self.argument_name(arg, NODE_PARTS) else {
                known = false;
                continue;
            };
            known &= match key.as_str() {
                "labels" => self.labels(&arg.value, &mut nodes.labels, &mut parts),
                "names" => self.names(&arg.value, &mut nodes.names, &mut parts, "names"),
                _ => self.at(&arg.value, TargetKind::Zones, &mut nodes.zone, &mut uses, &mut parts, "zone"),
            };
        }
        if !known {
            return Val::Unknown(Type::Selector(TargetKind::Nodes));
        }
        let text = match base {
            Some(base) => narrowed(&base.text, &parts),
            None => format!("nodes({})", parts.join(", ")),
        };
        Val::Selector(Arc::new(Candidates {
            selector: Selector::Nodes(nodes),
            service: base.and_then(|b| b.service.clone()),
            text,
            uses,
        }))
    }

    /// `instances(…)`, `disks(…)`, `databases(…)`, `balancers(…)`: what a cloud has.
    pub(super) fn select_cloud(&mut self, kind: TargetKind, args: &[Arg]) -> Val {
        let mut found = CloudSelector::default();
        let mut parts = Vec::new();
        let mut known = true;
        for arg in args {
            let Some(key) = self.argument_name(arg, CLOUD_PARTS) else {
                known = false;
                continue;
            };
            let place = match key.as_str() {
                "tags" => {
                    known &= self.labels(&arg.value, &mut found.tags, &mut parts);
                    if let Some(last) = parts.last_mut() {
                        *last = last.replacen("labels:", "tags:", 1);
                    }
                    continue;
                }
                "ids" => {
                    known &= self.names(&arg.value, &mut found.ids, &mut parts, "ids");
                    continue;
                }
                "provider" => &mut found.provider,
                "region" => &mut found.region,
                "project" => &mut found.project,
                "zone" => &mut found.zone,
                "subscription" => &mut found.subscription,
                "group" => &mut found.group,
                _ => &mut found.scale_set,
            };
            let want = if key == "provider" { provider_type() } else { Type::String };
            *place = text_of(&self.value(&arg.value, &want));
            known &= place.is_some();
            if let Some(place) = place {
                parts.push(if key == "provider" { format!("{key}: {place}") } else { format!("{key}: {place:?}") });
            }
        }
        if !known {
            return Val::Unknown(Type::Selector(kind));
        }
        let text = format!("{}({})", kind.noun(2), parts.join(", "));
        let selector = match kind {
            TargetKind::Disks => Selector::Disks(found),
            TargetKind::Databases => Selector::Databases(found),
            TargetKind::Balancers => Selector::Balancers(found),
            _ => Selector::Instances(found),
        };
        Val::Selector(Arc::new(Candidates { selector, service: None, text, uses: Vec::new() }))
    }

    /// `machines(…)`: what is registered in the cluster and runs outside of it.
    pub(super) fn select_machines(&mut self, args: &[Arg], span: Span) -> Val {
        let mut found = MachineSelector::default();
        let mut parts = Vec::new();
        let mut known = true;
        for arg in args {
            let Some(key) = self.argument_name(arg, MACHINE_PARTS) else {
                known = false;
                continue;
            };
            let value = &arg.value;
            known &= match key.as_str() {
                "labels" => self.label_conditions(value, &mut found.labels, &mut found.conditions, &mut parts),
                "without" => self.without(value, &mut found.conditions, &mut parts),
                "annotations" => self.equalities(value, &mut found.annotations, &mut parts, "annotations"),
                "address" => match text_of(&self.value(value, &Type::Url)) {
                    Some(address) => {
                        parts.push(format!("address: {address:?}"));
                        found.fields = vec![("spec.address".into(), address)];
                        true
                    }
                    None => false,
                },
                "names" => self.names(value, &mut found.names, &mut parts, "names"),
                _ => self.namespaces(value, &mut found.namespaces, &mut parts),
            };
        }
        if !known {
            return Val::Unknown(Type::Selector(TargetKind::Machines));
        }
        if found.namespaces.is_empty() {
            self.report(
                Diagnostic::new(Code::WITHOUT_NAMESPACE, span, "in which namespace are these machines registered?")
                    .why("without a namespace every machine that the cluster knows is a candidate")
                    .help("write `namespace: \"machines\"`"),
            );
            return Val::error();
        }
        let text = format!("machines({})", parts.join(", "));
        let selector = Selector::Machines(found);
        Val::Selector(Arc::new(Candidates { selector, service: None, text, uses: Vec::new() }))
    }

    /// The name of an argument, which must be one of `known`.
    pub(super) fn argument_name(&mut self, arg: &Arg, known: &[&str]) -> Option<SmolStr> {
        let Some(name) = &arg.name else {
            self.report(
                Diagnostic::new(Code::ARGUMENT_WITHOUT_NAME, arg.span, "this argument needs its name")
                    .help(format!("it takes {}", super::names::listed(known))),
            );
            return None;
        };
        if known.contains(&name.text.as_str()) {
            return Some(name.text.clone());
        }
        self.report(super::call::unknown_argument(name, known, None));
        None
    }

    fn labels(&mut self, expr: &Expr, into: &mut Vec<(SmolStr, SmolStr)>, parts: &mut Vec<String>) -> bool {
        let Val::Record(entries) = self.value(expr, &Type::Record) else { return false };
        let mut known = true;
        let mut written = Vec::new();
        for (key, value, _) in entries.iter() {
            match text_of(value) {
                Some(text) => {
                    written.push(format!("{key}: {text:?}"));
                    match into.iter_mut().find(|(k, _)| k == key) {
                        Some(entry) => entry.1 = text,
                        None => into.push((key.clone(), text)),
                    }
                }
                None if value.is_unknown() => known = false,
                None => {
                    let diagnostic = label_is_no_text(expr, key, value);
                    self.report(diagnostic);
                    known = false;
                }
            }
        }
        parts.push(format!("labels: {{ {} }}", written.join(", ")));
        known
    }

    fn names(&mut self, expr: &Expr, into: &mut Vec<SmolStr>, parts: &mut Vec<String>, word: &str) -> bool {
        match self.value(expr, &Type::List(Arc::new(Type::String))) {
            Val::List(items) if !items.iter().any(Val::is_unknown) => {
                into.extend(items.iter().filter_map(text_of));
                parts.push(format!("{word}: [{}]", into.join(", ")));
                true
            }
            _ => false,
        }
    }

    /// `zone: lost`: a name, or a draw of exactly one.
    fn at(
        &mut self,
        expr: &Expr,
        kind: TargetKind,
        into: &mut Option<At>,
        uses: &mut Vec<Arc<Target>>,
        parts: &mut Vec<String>,
        word: &str,
    ) -> bool {
        let value = self.value(expr, &Type::Any);
        let Some((at, target)) = self.place(value, expr, kind, parts, word) else { return false };
        *into = Some(at);
        uses.extend(target);
        true
    }

    /// The place of a value: named, or drawn by this target.
    fn place(
        &mut self,
        value: Val,
        expr: &Expr,
        kind: TargetKind,
        parts: &mut Vec<String>,
        word: &str,
    ) -> Option<(At, Option<Arc<Target>>)> {
        match value {
            Val::Plain(Value::String(name)) => {
                parts.push(format!("{word}: {name:?}"));
                Some((At::Named(name), None))
            }
            Val::Target(target) if target.kind() == kind => {
                if target.quantity != Quantity::Exactly(1) {
                    self.report(
                        Diagnostic::new(
                            Code::NOT_EXACTLY_ONE,
                            expr.span,
                            format!("`{word}:` takes exactly one, and `{}` may be more", target.text),
                        )
                        .also(target.span, "drawn here")
                        .help("draw it with `one of`"),
                    );
                    return None;
                }
                parts.push(format!("{word}: {}", target.name.as_ref().map_or(target.text.as_str(), SmolStr::as_str)));
                Some((drawn(&target), Some(target)))
            }
            Val::Unknown(_) => None,
            other => {
                let found = self.describe(&other);
                self.report(
                    Diagnostic::new(
                        Code::TYPE_MISMATCH,
                        expr.span,
                        format!("`{word}:` takes a name in quotes or one {word} that was drawn, and this is {found}"),
                    )
                    .help(format!("for example `let lost = one of checkout.{word}s`, then `{word}: lost`")),
                );
                None
            }
        }
    }

    /// `node: "worker-3"`, `node: lost`, `node: nodes(labels: { disk: "ssd" })`.
    fn on_node(
        &mut self,
        expr: &Expr,
        pods: &mut PodSelector,
        uses: &mut Vec<Arc<Target>>,
        parts: &mut Vec<String>,
    ) -> bool {
        let value = self.value(expr, &Type::Any);
        if let Val::Selector(candidates) = &value
            && let Selector::Nodes(nodes) = &candidates.selector
        {
            parts.push(format!("node: {}", candidates.text));
            pods.nodes = Some(Box::new(nodes.clone()));
            uses.extend(candidates.uses.iter().cloned());
            return true;
        }
        let Some((at, target)) = self.place(value, expr, TargetKind::Nodes, parts, "node") else { return false };
        pods.node = Some(at);
        uses.extend(target);
        true
    }

    /// `except: hit`.
    fn except(
        &mut self,
        expr: &Expr,
        except: &mut Vec<u32>,
        uses: &mut Vec<Arc<Target>>,
        parts: &mut Vec<String>,
    ) -> bool {
        match self.value(expr, &Type::Target(TargetKind::Pods)) {
            Val::Target(target) => {
                parts.push(format!("except: {}", target.name.as_ref().map_or(target.text.as_str(), SmolStr::as_str)));
                except.push(target.id);
                uses.push(target);
                true
            }
            _ => false,
        }
    }

    /// A quantity of candidates: a new draw.
    pub(super) fn draw(&mut self, quantity: Option<Quantity>, of: Val, expr: &Expr, span: Span) -> Val {
        match (quantity, of) {
            (Some(quantity), Val::Selector(candidates)) => {
                let text = match quantity {
                    Quantity::Exactly(1) => format!("one of {}", candidates.text),
                    Quantity::Exactly(n) => format!("{n} of {}", candidates.text),
                    Quantity::Share(p) => format!("{p} of {}", candidates.text),
                    Quantity::All => format!("all of {}", candidates.text),
                };
                let id = self.next_target;
                self.next_target += 1;
                Val::Target(Arc::new(Target { id, quantity, of: candidates, text, span, name: None }))
            }
            (None, Val::Selector(candidates)) => Val::Unknown(Type::Target(candidates.selector.kind())),
            (_, Val::Unknown(ty)) => match ty.base() {
                Type::Selector(kind) => Val::Unknown(Type::Target(*kind)),
                Type::Any => Val::error(),
                other => self.not_a_selector(&Val::Unknown(other.clone()), expr),
            },
            (_, other) => self.not_a_selector(&other, expr),
        }
    }

    fn not_a_selector(&mut self, value: &Val, expr: &Expr) -> Val {
        let found = self.describe(value);
        let mut diagnostic = Diagnostic::new(
            Code::NOT_A_SELECTOR,
            expr.span,
            format!("a quantity is taken of a selector, and this is {found}"),
        );
        diagnostic = match value {
            Val::Decl(_) | Val::Unknown(Type::Service) => {
                diagnostic.fix("its pods", expr.span.after(), ".pods").help("for example `one of ledger.pods`")
            }
            Val::Target(target) => diagnostic
                .also(target.span, "drawn here")
                .help("a draw is hit as it is; draw less of the selector, or use `except:` for those that are left"),
            _ => diagnostic.help("for example `one of ledger.pods`"),
        };
        self.report(diagnostic);
        Val::error()
    }
}

fn of_pods(kind: TargetKind, pods: PodSelector) -> Selector {
    match kind {
        TargetKind::Nodes => Selector::Nodes(NodeSelector { holding: Some(pods), ..NodeSelector::default() }),
        TargetKind::Zones => Selector::Zones(pods),
        TargetKind::Workloads => Selector::Workloads(pods),
        _ => Selector::Pods(pods),
    }
}

fn narrowed(base: &str, parts: &[String]) -> String {
    match base.strip_suffix(')') {
        Some(open) => format!("{open}, {})", parts.join(", ")),
        None => format!("{base}({})", parts.join(", ")),
    }
}

/// The text of a value that is known text.
pub fn text_of(value: &Val) -> Option<SmolStr> {
    match value {
        Val::Plain(plain) => plain.as_text().map(SmolStr::from),
        _ => None,
    }
}

/// `shard: 3`: a label is text. Points at the value where the record is written there.
pub(super) fn label_is_no_text(expr: &Expr, key: &str, value: &Val) -> Diagnostic {
    let entry = match &expr.kind {
        ExprKind::Record(entries) => entries.iter().find(|e| e.key.text == key),
        _ => None,
    };
    let span = entry.map_or(expr.span, |e| e.value.span);
    let message = match value {
        Val::List(items) if items.is_empty() => format!("no value at all is left for the label `{key}`"),
        Val::List(_) => format!("each value of the label `{key}` has to be text in quotes"),
        _ => format!("the value of the label `{key}` has to be text in quotes"),
    };
    let why = match value {
        Val::List(items) if items.is_empty() => "a label that may have no value selects nothing",
        _ => "labels are text, in Kubernetes as in metrics; `true` and `1` without quotes are refused",
    };
    let diagnostic = Diagnostic::new(Code::TYPE_MISMATCH, span, message).why(why);
    match (entry, value) {
        (Some(_), Val::Plain(plain @ (Value::Int(_) | Value::Bool(_)))) => {
            let quoted = format!("\"{plain}\"");
            diagnostic.fix(format!("write `{quoted}`"), span, quoted)
        }
        _ => diagnostic,
    }
}
