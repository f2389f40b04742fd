//! Faults: what a declaration must say, and what a call of one gives for each engine.
//!
//! Nothing here knows a single fault: bodies are evaluated with the call's arguments, and a parameter that a body does not
//! name cannot be expressed there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smol_str::SmolStr;

use super::declared::{FAULT_FIELDS, check_keys, field};
use super::evaluate::{Bound, Evaluator, Target, Val, text_of};
use super::program::{EngineBody, Expr, ExprKind, FaultItem, Field, ItemKind, RuleItem, TextPart};
use super::scope::DeclId;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::{CHAOS_MESH_BODY, Effect, EngineName, LITMUS_ACCESS, LITMUS_BODY};
use crate::types::{Duration, Type, Value};

/// A fault with its arguments, before its draws have their indices.
#[derive(Debug)]
pub struct FaultCall {
    /// Its declaration.
    pub decl: DeclId,
    /// How it ends.
    pub effect: Effect,
    /// What must not be used twice at once on one target.
    pub mechanism: SmolStr,
    /// Why it cannot be undone.
    pub irreversible: Option<String>,
    /// Whether a container's restart takes it away.
    pub lost_on_restart: bool,
    /// When it ends by itself, and not earlier.
    pub ends_after: Option<Duration>,
    /// The bodies, in the order of their declaration.
    pub bodies: Vec<(EngineName, BodyCall)>,
}

/// What an engine makes of the arguments.
#[derive(Debug)]
pub enum BodyCall {
    /// The body's fields.
    Expressed(Vec<(SmolStr, Val)>),
    /// Why not.
    Refused {
        /// The argument or construct to give up.
        construct: String,
        /// The reason.
        reason: String,
    },
}

/// Checks a declaration with parameters of which only the types are known.
pub fn check(ev: &mut Evaluator<'_>, id: DeclId, fault: &FaultItem) {
    let item = ev.program.item(id);
    let signature = ev.program.signature(id);
    match signature.params.first() {
        Some(first) if matches!(first.ty.base(), Type::Target(_) | Type::Any) => {}
        first => {
            let span = first.map_or(item.name.span, |p| p.span);
            ev.report(
                Diagnostic::new(Code::FAULT_TARGET, span, "the first parameter of a fault is what is hit")
                    .help("write for example `fault NAME(on: Pods, …)`"),
            );
        }
    }
    let file = ev.program.file_of(id);
    ev.within(file, signature.unknowns(), |ev| {
        for param in &signature.params {
            ev.declare_type(&param.name, &param.ty);
        }
        check_keys(ev, &fault.fields, FAULT_FIELDS, "a fault");
        head(ev, fault, item.name.span, &item.name.text);
        if fault.engines.is_empty() {
            ev.report(
                Diagnostic::new(
                    Code::FAULT_WITHOUT_ENGINE,
                    item.name.span,
                    format!("no engine can do `{}`", item.name.text),
                )
                .help("add a body for at least one engine: `engine chaos-mesh { … }`"),
            );
        }
        let mut seen: Vec<(&SmolStr, crate::source::Span)> = Vec::new();
        for body in &fault.engines {
            engine_name(ev, body);
            if let Some((_, first)) = seen.iter().find(|(n, _)| **n == body.engine.text) {
                let first = *first;
                ev.report(super::evaluate::expr::twice(&body.engine, first));
            }
            seen.push((&body.engine.text, body.engine.span));
            check_body_keys(ev, body);
            for field in &body.fields {
                ev.value(&field.value, &body_type(&body.engine.text, field));
            }
            for rule in &body.rules {
                ev.value(&rule.condition, &Type::Bool);
                ev.reason(&rule.because);
            }
        }
    });
}

/// The type of a body's field; what an engine takes as it is, is `Any`.
fn body_type(engine: &str, field: &Field) -> Type {
    match (engine, field.key.text.as_str()) {
        ("litmus", "access") => {
            let words = Type::Enum(LITMUS_ACCESS.iter().map(|w| SmolStr::from(*w)).collect());
            // One word, or a list of them.
            let is_list = match &field.value.kind {
                ExprKind::Match { arms, .. } => arms.iter().any(|arm| matches!(arm.value.kind, ExprKind::List(_))),
                kind => matches!(kind, ExprKind::List(_)),
            };
            // The bare word `none` is also the language's own `none`.
            let all = std::sync::Arc::new(words);
            if is_list { Type::List(all) } else { Type::Optional(all) }
        }
        ("litmus", "cluster-wide" | "mounts-runtime" | "many-nodes" | "node-label" | "targetless") => Type::Bool,
        ("litmus", "env" | "secret-env") | ("chaos-mesh", "spec") => Type::Record,
        ("litmus", "affects") => Type::Optional(std::sync::Arc::new(Type::String)),
        ("litmus", "runner") => Type::Enum(["go".into(), "python".into()].into()),
        ("litmus", "fault" | "run" | "hub" | "image")
        | ("chaos-mesh", "kind")
        | ("kubernetes" | "local", "action")
        | (_, "mechanism") => Type::String,
        _ => Type::Any,
    }
}

/// A body of an engine that knows its fields has no others.
fn check_body_keys(ev: &mut Evaluator<'_>, body: &EngineBody) {
    let (known, required): (&[&str], &[&str]) = match body.engine.text.as_str() {
        "chaos-mesh" => (CHAOS_MESH_BODY, &["kind", "spec"]),
        "litmus" => (LITMUS_BODY, &["fault"]),
        "kubernetes" | "local" => (&[], &["action"]),
        _ => return,
    };
    if !known.is_empty() {
        check_keys(ev, &body.fields, known, &format!("a body for {}", body.engine.text));
    }
    for key in required {
        if field(&body.fields, key).is_none() {
            ev.report(Diagnostic::new(
                Code::MISSING_FIELD,
                body.engine.span,
                format!("this body for {} has no `{key}`", body.engine.text),
            ));
        }
    }
}

fn engine_name(ev: &mut Evaluator<'_>, body: &EngineBody) -> Option<EngineName> {
    let known = EngineName::parse(&body.engine.text);
    if known.is_none() {
        let names = EngineName::ALL.map(EngineName::text);
        let diagnostic =
            Diagnostic::new(Code::UNKNOWN_WORD, body.engine.span, format!("there is no engine `{}`", body.engine.text));
        ev.report(match nearest(&body.engine.text, names) {
            Some(near) => diagnostic.choice(format!("did you mean `{near}`?"), body.engine.span, near),
            None => diagnostic.help(format!("the engines are {}", super::evaluate::listed(&names))),
        });
    }
    known
}

struct Head {
    effect: Effect,
    mechanism: SmolStr,
    irreversible: Option<String>,
    lost_on_restart: bool,
    ends_after: Option<Duration>,
}

fn head(ev: &mut Evaluator<'_>, fault: &FaultItem, at: crate::source::Span, name: &str) -> Option<Head> {
    let effects = Type::Enum(["lasting".into(), "instant".into()].into());
    let mut required = |key: &str, ty: &Type, help: &str| match field(&fault.fields, key) {
        Some(given) => text_of(&ev.value(&given.value, ty)),
        None => {
            ev.report(
                Diagnostic::new(Code::MISSING_FIELD, at, format!("`{name}` has no `{key}`")).help(help.to_owned()),
            );
            None
        }
    };
    let effect = required(
        "effect",
        &effects,
        "write `effect: lasting` if it must be undone, `effect: instant` if it happens once",
    );
    let mechanism = required(
        "mechanism",
        &Type::String,
        "name what must not be used twice at once on one target, for example `mechanism: \"netem\"`",
    );
    let irreversible = field(&fault.fields, "irreversible").and_then(|f| text_of(&ev.value(&f.value, &Type::String)));
    let lost = field(&fault.fields, "lost-on-restart").map(|f| ev.value(&f.value, &Type::Bool));
    let ends_after = field(&fault.fields, "ends-after").map(|f| ev.value(&f.value, &Type::Duration));
    Some(Head {
        effect: if effect?.as_str() == "lasting" { Effect::Lasting } else { Effect::Instant },
        mechanism: mechanism?,
        irreversible: irreversible.map(|t| t.to_string()),
        lost_on_restart: matches!(lost, Some(Val::Plain(Value::Bool(true)))),
        ends_after: match ends_after {
            Some(Val::Plain(Value::Duration(after))) => Some(after),
            _ => None,
        },
    })
}

/// What calls gave, the last of each fault. In a fleet a scenario is run for each of hundreds of services: who is hit changes, and
/// what happens to it does not.
#[derive(Debug, Default)]
pub struct Calls(BTreeMap<DeclId, Known>);

/// What a call with these arguments gives.
#[derive(Debug)]
struct Known {
    bound: Bound,
    call: Arc<FaultCall>,
    /// The declarations that its bodies name.
    named: BTreeSet<DeclId>,
}

/// What a call gives; `None` where the declaration is wrong (reported where it stands) or an argument is unknown.
pub fn instantiate(ev: &mut Evaluator<'_>, id: DeclId, bound: &Bound) -> Option<Arc<FaultCall>> {
    let ItemKind::Fault(fault) = &ev.program.item(id).kind else { return None };
    let (on, hit, _) = bound.values.first()?;
    // Whatever is hit: the first parameter.
    if let Some(known) = ev.fault_calls.0.get(&id).filter(|known| is_any(hit) && known.bound.is_same(bound, 1)) {
        ev.named.extend(known.named.iter().copied());
        return Some(Arc::clone(&known.call));
    }
    if bound.values.iter().any(|(_, v, _)| v.is_unknown()) {
        return None;
    }
    let (call, named) = ev.beside(|ev| evaluate(ev, id, fault, bound));
    ev.named.extend(named.iter().copied());
    let call = Arc::new(call?);
    if is_any(hit) && !asks_for(fault, on) {
        ev.fault_calls.0.insert(id, Known { bound: bound.clone(), call: Arc::clone(&call), named });
    }
    Some(call)
}

/// Whether a target is of a kind of which bodies are told nothing: a cloud's parts (`on.region`) may be asked for, or lost.
fn is_any(on: &Val) -> bool {
    matches!(on, Val::Target(target) if target.of.selector.cloud().is_none())
}

/// Whether anything that a fault says names what is hit.
fn asks_for(fault: &FaultItem, on: &SmolStr) -> bool {
    let mut named = BTreeSet::new();
    let bodies = fault.engines.iter();
    bodies.clone().flat_map(|body| &body.fields).chain(&fault.fields).for_each(|f| names_in(&f.value, &mut named));
    bodies.flat_map(|body| &body.rules).for_each(|rule| {
        names_in(&rule.condition, &mut named);
        names_in(&rule.because, &mut named);
    });
    named.contains(on)
}

fn evaluate(ev: &mut Evaluator<'_>, id: DeclId, fault: &FaultItem, bound: &Bound) -> Option<FaultCall> {
    let item = ev.program.item(id);
    let signature = ev.program.signature(id);
    let file = ev.program.file_of(id);
    let before = ev.diagnostics.len();
    let result = ev.within(file, bound.values.clone(), |ev| {
        for param in &signature.params {
            ev.declare_type(&param.name, &param.ty);
        }
        let head = head(ev, fault, item.name.span, &item.name.text)?;
        let mut bodies = Vec::new();
        for body in &fault.engines {
            if let Some(engine) = EngineName::parse(&body.engine.text) {
                bodies.push((engine, body_of(ev, body, bound)?));
            }
        }
        Some(FaultCall {
            decl: id,
            effect: head.effect,
            mechanism: head.mechanism,
            irreversible: head.irreversible,
            lost_on_restart: head.lost_on_restart,
            ends_after: head.ends_after,
            bodies,
        })
    });
    // What is wrong in the declaration is reported there.
    ev.told_elsewhere(before);
    result
}

fn body_of(ev: &mut Evaluator<'_>, body: &EngineBody, bound: &Bound) -> Option<BodyCall> {
    let mut named = BTreeSet::new();
    body.fields.iter().for_each(|field| names_in(&field.value, &mut named));
    // The first parameter is what is hit; the engine puts it where it belongs.
    for (name, value, _) in bound.values.iter().skip(1) {
        if bound.given.contains(name) && !named.contains(name) {
            return Some(BodyCall::Refused {
                construct: format!("{name}: {}", ev.val_text(value)),
                reason: format!("its `{}` cannot be said there", name),
            });
        }
    }
    if let Some((name, Val::Target(target), _)) = bound.values.first()
        && let Some(part) = unsaid_part(body, name, target)
    {
        return Some(BodyCall::Refused {
            construct: target.text.clone(),
            reason: format!("the `{part}` of what is hit cannot be said there"),
        });
    }
    for rule in &body.rules {
        if let Some(reason) = broken(ev, rule)? {
            return Some(BodyCall::Refused { construct: condition_text(ev, rule, bound), reason });
        }
    }
    let mut fields = Vec::new();
    for field in &body.fields {
        let value = ev.value(&field.value, &body_type(&body.engine.text, field));
        if value.is_unknown() {
            return None;
        }
        fields.push((field.key.text.clone(), value));
    }
    Some(BodyCall::Expressed(fields))
}

/// A part of a cloud's selector that the body does not ask for (`on.region`): it would be lost.
fn unsaid_part(body: &EngineBody, on: &str, target: &Target) -> Option<&'static str> {
    let cloud = target.of.selector.cloud()?;
    let given = [
        ("provider", cloud.provider.is_some()),
        ("region", cloud.region.is_some()),
        ("project", cloud.project.is_some()),
        ("zone", cloud.zone.is_some()),
        ("subscription", cloud.subscription.is_some()),
        ("group", cloud.group.is_some()),
        ("scale-set", cloud.scale_set.is_some()),
        ("tags", !cloud.tags.is_empty()),
        ("ids", !cloud.ids.is_empty()),
    ];
    let mut asked = BTreeSet::new();
    let said = body.fields.iter().map(|f| &f.value).chain(body.rules.iter().map(|r| &r.condition));
    said.for_each(|expr| members_in(expr, on, &mut asked));
    let is_asked = |part: &str| asked.contains(part) || (part == "ids" && asked.contains("id"));
    given.into_iter().find(|(part, given)| *given && !is_asked(part)).map(|(part, _)| part)
}

/// Every member that an expression asks of a name: `on.region`.
fn members_in(expr: &Expr, of: &str, into: &mut BTreeSet<SmolStr>) {
    walk(expr, &mut |expr| {
        if let ExprKind::Member { base, name, .. } = &expr.kind
            && matches!(&base.kind, ExprKind::Name(base) if base == of)
        {
            into.insert(name.text.clone());
        }
    });
}

/// The reason of a rule that is broken; `None` if it cannot be told.
fn broken(ev: &mut Evaluator<'_>, rule: &RuleItem) -> Option<Option<String>> {
    let Val::Plain(Value::Bool(holds)) = ev.value(&rule.condition, &Type::Bool) else { return None };
    if holds != rule.forbid {
        return Some(None);
    }
    let reason = text_of(&ev.value(&rule.because, &Type::String))?;
    Some(Some(reason.to_string()))
}

/// The arguments that a rule speaks of, as they were given.
fn condition_text(ev: &Evaluator<'_>, rule: &RuleItem, bound: &Bound) -> String {
    let mut named = BTreeSet::new();
    names_in(&rule.condition, &mut named);
    let parts: Vec<String> = bound
        .values
        .iter()
        .filter(|(name, ..)| named.contains(name))
        .map(|(name, value, _)| format!("{name}: {}", ev.val_text(value)))
        .collect();
    parts.join(", ")
}

/// Every name that an expression speaks of.
pub fn names_in(expr: &Expr, into: &mut BTreeSet<SmolStr>) {
    walk(expr, &mut |expr| {
        if let ExprKind::Name(name) = &expr.kind {
            into.insert(name.clone());
        }
    });
}

/// Calls `f` with an expression and everything in it.
fn walk(expr: &Expr, f: &mut impl FnMut(&Expr)) {
    f(expr);
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Error | ExprKind::Name(_) => {}
        ExprKind::Text(parts) => parts.iter().for_each(|part| {
            if let TextPart::Expr(inner) = part {
                walk(inner, f);
            }
        }),
        ExprKind::Member { base, .. } => walk(base, f),
        ExprKind::Call { callee, args } => {
            walk(callee, f);
            args.iter().for_each(|arg| walk(&arg.value, f));
        }
        ExprKind::List(items) | ExprKind::And(items) | ExprKind::Or(items) => {
            items.iter().for_each(|item| walk(item, f));
        }
        ExprKind::Record(fields) => fields.iter().for_each(|field: &Field| walk(&field.value, f)),
        ExprKind::Sign { of, .. } | ExprKind::Convert { of, .. } => walk(of, f),
        ExprKind::Share { quantity, of } => {
            if let super::program::ShareQuantity::Of(n) = quantity {
                walk(n, f);
            }
            walk(of, f);
        }
        ExprKind::Arithmetic { left, right, .. } | ExprKind::Compare { left, right, .. } => {
            walk(left, f);
            walk(right, f);
        }
        ExprKind::Range { from, to, by } => {
            walk(from, f);
            walk(to, f);
            if let Some(by) = by {
                walk(by, f);
            }
        }
        ExprKind::In { item, list, .. } => {
            walk(item, f);
            walk(list, f);
        }
        ExprKind::Not(inner) | ExprKind::Group(inner) => walk(inner, f),
        ExprKind::Match { on, arms } => {
            walk(on, f);
            arms.iter().for_each(|arm| walk(&arm.value, f));
        }
    }
}
