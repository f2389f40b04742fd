//! Faults: what a declaration must say, and what a call of one gives for each engine.
//!
//! Nothing here knows a single fault: bodies are evaluated with the call's arguments, and a parameter that a body does not
//! name cannot be expressed there.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use super::declared::{FAULT_FIELDS, check_keys, field};
use super::evaluate::{Bound, Evaluator, Val, text_of};
use super::program::{EngineBody, Expr, ExprKind, FaultItem, Field, ItemKind, RuleItem, TextPart};
use super::scope::DeclId;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::{Effect, EngineName};
use crate::types::{Type, Value};

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
                ev.value(&field.value, &body_type(&body.engine.text, &field.key.text));
            }
            for rule in &body.rules {
                ev.value(&rule.condition, &Type::Bool);
                ev.value(&rule.because, &Type::String);
            }
        }
    });
}

/// What a Litmus fault may touch: the classes of permissions of its hub.
const ACCESS: &[&str] = &["workloads", "nodes", "drain", "taint", "scale", "network-policies", "secrets", "none"];

/// The type of a body's field; what an engine takes as it is, is `Any`.
fn body_type(engine: &str, key: &str) -> Type {
    match (engine, key) {
        ("litmus", "access") => Type::Enum(ACCESS.iter().map(|w| SmolStr::from(*w)).collect()),
        ("litmus", "cluster-wide" | "mounts-runtime") => Type::Bool,
        ("litmus", "env") | ("chaos-mesh", "spec") => Type::Record,
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
        "chaos-mesh" => (&["kind", "spec", "mechanism"], &["kind", "spec"]),
        "litmus" => (
            &[
                "fault",
                "run",
                "env",
                "hub",
                "image",
                "access",
                "cluster-wide",
                "mounts-runtime",
                "permissions",
                "mechanism",
            ],
            &["fault"],
        ),
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
    Some(Head {
        effect: if effect?.as_str() == "lasting" { Effect::Lasting } else { Effect::Instant },
        mechanism: mechanism?,
        irreversible: irreversible.map(|t| t.to_string()),
        lost_on_restart: matches!(lost, Some(Val::Plain(Value::Bool(true)))),
    })
}

/// What a call gives; `None` where the declaration is wrong (reported where it stands) or an argument is unknown.
pub fn instantiate(ev: &mut Evaluator<'_>, id: DeclId, bound: &Bound) -> Option<FaultCall> {
    let item = ev.program.item(id);
    let ItemKind::Fault(fault) = &item.kind else { return None };
    if bound.values.iter().any(|(_, v, _)| v.is_unknown()) {
        return None;
    }
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
            bodies,
        })
    });
    // What is wrong in the declaration is reported there.
    ev.diagnostics.truncate(before);
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
    for rule in &body.rules {
        if let Some(reason) = broken(ev, rule)? {
            return Some(BodyCall::Refused { construct: condition_text(ev, rule, bound), reason });
        }
    }
    let mut fields = Vec::new();
    for field in &body.fields {
        let value = ev.value(&field.value, &body_type(&body.engine.text, &field.key.text));
        if value.is_unknown() {
            return None;
        }
        fields.push((field.key.text.clone(), value));
    }
    Some(BodyCall::Expressed(fields))
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
    let mut all = |exprs: &[&Expr]| exprs.iter().for_each(|e| names_in(e, into));
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Error => {}
        ExprKind::Name(name) => {
            into.insert(name.clone());
        }
        ExprKind::Text(parts) => parts.iter().for_each(|part| {
            if let TextPart::Expr(inner) = part {
                names_in(inner, into);
            }
        }),
        ExprKind::Member { base, .. } => all(&[base]),
        ExprKind::Call { callee, args } => {
            names_in(callee, into);
            args.iter().for_each(|arg| names_in(&arg.value, into));
        }
        ExprKind::List(items) | ExprKind::And(items) | ExprKind::Or(items) => {
            items.iter().for_each(|item| names_in(item, into));
        }
        ExprKind::Record(fields) => fields.iter().for_each(|f: &Field| names_in(&f.value, into)),
        ExprKind::Sign { of, .. } | ExprKind::Convert { of, .. } => all(&[of]),
        ExprKind::Share { quantity, of } => {
            if let super::program::ShareQuantity::Of(n) = quantity {
                names_in(n, into);
            }
            names_in(of, into);
        }
        ExprKind::Arithmetic { left, right, .. } | ExprKind::Compare { left, right, .. } => all(&[left, right]),
        ExprKind::Range { from, to, by } => {
            names_in(from, into);
            names_in(to, into);
            if let Some(by) = by {
                names_in(by, into);
            }
        }
        ExprKind::In { item, list, .. } => all(&[item, list]),
        ExprKind::Not(inner) | ExprKind::Group(inner) => all(&[inner]),
        ExprKind::Match { on, arms } => {
            names_in(on, into);
            arms.iter().for_each(|arm| names_in(&arm.value, into));
        }
    }
}
