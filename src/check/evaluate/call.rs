//! Calls: what is built in, selectors that are narrowed, metrics; and how arguments meet parameters.

use std::collections::BTreeSet;
use std::sync::Arc;

use smol_str::SmolStr;

use super::names::listed;
use super::operate::order;
use super::select::parts_of;
use super::text::push_plain;
use super::{Evaluator, Val};
use crate::check::Signature;
use crate::check::program::{Arg, Expr, ExprKind, ItemKind, Name, RecordWord};
use crate::check::scope::DeclId;
use crate::check::signature::ParamInfo;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::{ObjectiveFact, Selector};
use crate::source::Span;
use crate::types::{Decimal, TargetKind, Type, Value};

/// Parameters with their values.
#[derive(Debug, Clone)]
pub struct Bound {
    /// In the order of the parameters.
    pub values: Vec<(SmolStr, Val, Span)>,
    /// The parameters whose value was given and is not the default.
    pub given: BTreeSet<SmolStr>,
    /// Whether every argument fitted.
    pub fine: bool,
}

impl Bound {
    /// Whether another call of the same declaration was given the same, whatever its first `but` parameters are.
    #[must_use]
    pub fn is_same(&self, other: &Self, but: usize) -> bool {
        let mut values = self.values.iter().zip(&other.values).skip(but);
        self.given == other.given && values.all(|((_, one, _), (_, other, _))| one.is_same(other))
    }

    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Val> {
        self.values.iter().find(|(n, ..)| n == name).map(|(_, v, _)| v)
    }
}

impl Evaluator<'_> {
    pub(super) fn call(&mut self, callee: &Expr, args: &[Arg], span: Span) -> Val {
        if let ExprKind::Name(name) = &callee.kind
            && self.visible_at(name).is_none_or(|at| at.is_none())
            && let Some(value) = self.builtin(name, args, span)
        {
            return value;
        }
        if let ExprKind::Member { base, name, .. } = &callee.kind
            && let Some(value) = self.call_member(base, name, args, span)
        {
            return value;
        }
        let value = self.value(callee, &Type::Any);
        match value {
            Val::Decl(id) => match &self.program.item(id).kind {
                ItemKind::Metric(_) => self.measure(id, args, span),
                _ => self.not_callable(&Val::Decl(id), callee),
            },
            Val::Selector(base) => match base.selector.kind() {
                TargetKind::Processes => match &base.selector {
                    Selector::Processes(of) => self.select_processes(&base, of, args),
                    _ => Val::error(),
                },
                TargetKind::Pods => self.select_pods(Some(&base), args, span),
                TargetKind::Nodes => self.select_nodes(Some(&base), args),
                _ => self.not_callable(&Val::Selector(base), callee),
            },
            Val::Unknown(Type::Selector(kind)) => {
                self.select_unknown(kind, args);
                Val::Unknown(Type::Selector(kind))
            }
            value if value.is_error() => {
                // What is wrong in the arguments is still worth knowing.
                for arg in args {
                    self.quietly(&arg.value, &Type::Any);
                }
                Val::error()
            }
            other => self.not_callable(&other, callee),
        }
    }

    /// Checks the arguments of a selector of which only the kind is known.
    fn select_unknown(&mut self, kind: TargetKind, args: &[Arg]) {
        let known = parts_of(kind);
        for arg in args {
            if self.argument_name(arg, known).is_some() {
                self.value(&arg.value, &Type::Any);
            }
        }
    }

    fn call_member(&mut self, base: &Expr, name: &Name, args: &[Arg], span: Span) -> Option<Val> {
        let value = match name.text.as_str() {
            "burn-rate" | "confirmed-in" => self.value(base, &Type::Any),
            _ => return None,
        };
        match value {
            Val::Facts(super::FactsOf::Experiment) if name.text == "confirmed-in" => {
                Some(self.confirmed_in(args, span))
            }
            Val::Decl(id) if matches!(self.program.item(id).kind, ItemKind::Record(RecordWord::Slo, _)) => {
                let mut over = None;
                for arg in args {
                    if self.argument_name(arg, &["over"]).is_some() {
                        over = Some(self.value(&arg.value, &Type::Duration));
                    }
                }
                match over {
                    Some(Val::Plain(Value::Duration(over))) => {
                        Some(self.objective(id, ObjectiveFact::BurnRate, Some(over), span))
                    }
                    Some(_) => Some(Val::Unknown(Type::Sampled(Arc::new(Type::Number)))),
                    None => {
                        self.report(
                            Diagnostic::new(Code::MISSING_ARGUMENT, span, "over which time is the burn rate measured?")
                                .help("write for example `burn-rate(over: 1h)`"),
                        );
                        Some(Val::error())
                    }
                }
            }
            _ => None,
        }
    }

    /// `experiment.confirmed-in(staging, within: 14d)`: only preflight can tell; but where an experiment may not run, it is never
    /// confirmed.
    fn confirmed_in(&mut self, args: &[Arg], span: Span) -> Val {
        let mut environment = None;
        let mut within = None;
        for (position, arg) in args.iter().enumerate() {
            match &arg.name {
                None if position == 0 => environment = Some(self.value(&arg.value, &Type::Environment)),
                Some(name) if name.text == "within" => within = Some(self.value(&arg.value, &Type::Duration)),
                Some(name) => self.report(unknown_argument(name, &["within"], None)),
                None => {
                    self.report(Diagnostic::new(Code::ARGUMENT_WITHOUT_NAME, arg.span, "this argument needs its name"))
                }
            }
        }
        if environment.is_none() || within.is_none() {
            self.report(
                Diagnostic::new(Code::MISSING_ARGUMENT, span, "confirmed where, and how long ago at most?")
                    .help("write `experiment.confirmed-in(staging, within: 14d)`"),
            );
        }
        if let (Some(Val::Decl(id)), Some(Val::Plain(Value::Duration(within)))) = (&environment, &within) {
            let allowed = self.policy.as_ref().and_then(|p| p.experiment.get("environments"));
            if let Some(Val::List(allowed)) = allowed
                && !allowed.is_empty()
                && !allowed.iter().any(|e| matches!(e, Val::Decl(allowed) if allowed == id))
            {
                return Val::Plain(Value::Bool(false));
            }
            let name = &self.program.item(*id).name.text;
            let reason =
                format!("whether this very text was confirmed in {name} within {within} is known when it is to run");
            if let Some(policy) = &mut self.policy {
                policy.preflight.push(reason);
            }
        }
        Val::Unknown(Type::Bool)
    }

    fn not_callable(&mut self, value: &Val, callee: &Expr) -> Val {
        let found = self.describe(value);
        let mut diagnostic =
            Diagnostic::new(Code::NOT_CALLABLE, callee.span, format!("{found} cannot be called in an expression"));
        if let Val::Decl(id) = value {
            diagnostic = diagnostic.also(self.program.item(*id).name.span, "declared here");
            diagnostic = match &self.program.item(*id).kind {
                ItemKind::Fault(_) => diagnostic.help("a fault is a step of a `method`"),
                ItemKind::Scenario(..) => diagnostic
                    .help("a scenario is run: `experiment NAME = SCENARIO(…)`, or `run SCENARIO(…)` in a `verify`"),
                _ => diagnostic,
            };
        }
        self.report(diagnostic);
        Val::error()
    }

    fn builtin(&mut self, name: &str, args: &[Arg], span: Span) -> Option<Val> {
        Some(match name {
            "pods" => self.select_pods(None, args, span),
            "nodes" => self.select_nodes(None, args),
            "instances" => self.select_cloud(TargetKind::Instances, args),
            "disks" => self.select_cloud(TargetKind::Disks, args),
            "databases" => self.select_cloud(TargetKind::Databases, args),
            "balancers" => self.select_cloud(TargetKind::Balancers, args),
            "machines" => self.select_machines(args, span),
            "secret" => match self.only_argument(args, &Type::String, span) {
                Some(Val::Plain(Value::String(name))) => Val::Plain(Value::Secret(name)),
                _ => Val::Unknown(Type::Secret),
            },
            "ceil" => match self.only_argument(args, &Type::Any, span) {
                Some(Val::Plain(Value::Int(n))) => Val::Plain(Value::Int(n)),
                Some(Val::Plain(Value::Number(n))) => super::convert::number(n.ceil()),
                Some(Val::Unknown(_)) => Val::Unknown(Type::Int),
                Some(other) => {
                    let found = self.describe(&other);
                    self.report(
                        Diagnostic::new(
                            Code::TYPE_MISMATCH,
                            span,
                            format!("`ceil` rounds a number up, and this is {found}"),
                        )
                        .help("convert a quantity first: `ceil(load as cores)`"),
                    );
                    Val::error()
                }
                None => Val::error(),
            },
            "min" | "max" => self.extreme(name, args, span),
            "join" => self.join(args, span),
            "begins" | "ends" | "contains" => self.text_has(name, args, span),
            "json" => match self.only_argument(args, &Type::Any, span) {
                Some(value) if value.is_unknown() => Val::Unknown(Type::String),
                Some(value) => match super::text::json(&value) {
                    Some(text) => Val::text(text),
                    None => {
                        let found = self.describe(super::text::without_json(&value).unwrap_or(&value));
                        self.report(
                            Diagnostic::new(Code::TYPE_MISMATCH, span, format!("{found} cannot be written as JSON"))
                                .help("`json` takes text, numbers, truth values, and lists and maps of these"),
                        );
                        Val::error()
                    }
                },
                None => Val::error(),
            },
            _ => return None,
        })
    }

    fn only_argument(&mut self, args: &[Arg], want: &Type, span: Span) -> Option<Val> {
        match args {
            [arg] => Some(self.value(&arg.value, want)),
            _ => {
                self.report(Diagnostic::new(Code::MISSING_ARGUMENT, span, "exactly one argument is wanted here"));
                None
            }
        }
    }

    fn extreme(&mut self, name: &str, args: &[Arg], span: Span) -> Val {
        let Some(list) = self.only_argument(args, &Type::Any, span) else { return Val::error() };
        let (Val::List(items) | Val::Range(items)) = &list else {
            if !list.is_unknown() {
                let found = self.describe(&list);
                self.report(
                    Diagnostic::new(Code::TYPE_MISMATCH, span, format!("`{name}` takes a list, and this is {found}"))
                        .help(format!("write `{name}([a, b])`")),
                );
            }
            return Val::error();
        };
        let mut best: Option<&Value> = None;
        for item in items.iter() {
            let value = match item {
                Val::Plain(value) => value,
                Val::Unknown(_) => return item.clone(),
                other => {
                    let found = self.describe(other);
                    self.report(
                        Diagnostic::new(
                            Code::TYPE_MISMATCH,
                            span,
                            format!("`{name}` takes values that are known before the run, and this is {found}"),
                        )
                        .help("compare each by itself, and join the conditions with `and` or `or`"),
                    );
                    return Val::error();
                }
            };
            let better = match best {
                None => true,
                Some(b) => match (name, order(value, b)) {
                    ("min", Some(o)) => o.is_lt(),
                    (_, Some(o)) => o.is_gt(),
                    (_, None) => {
                        self.report(Diagnostic::new(
                            Code::NOT_COMPARABLE,
                            span,
                            format!("{} does not compare with {}", value.describe(), b.describe()),
                        ));
                        return Val::error();
                    }
                },
            };
            if better {
                best = Some(value);
            }
        }
        match best {
            Some(value) => Val::Plain(value.clone()),
            None => {
                self.report(Diagnostic::new(Code::MISSING_ARGUMENT, span, format!("`{name}` of nothing")));
                Val::error()
            }
        }
    }

    fn join(&mut self, args: &[Arg], span: Span) -> Val {
        let Some((list, rest)) = args.split_first() else {
            self.report(Diagnostic::new(Code::MISSING_ARGUMENT, span, "`join` takes a list"));
            return Val::error();
        };
        let items = self.value(&list.value, &Type::List(Arc::new(Type::Any)));
        let mut with = Some(SmolStr::new_static(","));
        for arg in rest {
            if self.argument_name(arg, &["with"]).is_some() {
                let value = self.value(&arg.value, &Type::String);
                with = super::select::text_of(&value);
            }
        }
        let (Val::List(items), Some(with)) = (items, with) else { return Val::Unknown(Type::String) };
        let mut text = String::new();
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                text.push_str(&with);
            }
            match item {
                Val::Plain(value) => push_plain(value, &mut text),
                Val::Decl(id) => text.push_str(&self.program.item(*id).name.text),
                _ => return Val::Unknown(Type::String),
            }
        }
        Val::text(text)
    }

    /// Meets arguments with the parameters of a declaration. `first` is the name that the first may do without.
    pub fn bind(&mut self, id: DeclId, signature: &Signature, args: &[Arg], span: Span) -> Bound {
        let known: Vec<&str> = signature.params.iter().map(|p| p.name.as_str()).collect();
        let mut values: Vec<Option<Val>> = vec![None; signature.params.len()];
        let mut fine = true;
        let mut nameless = false;
        for (position, arg) in args.iter().enumerate() {
            let index = match &arg.name {
                Some(name) => known.iter().position(|k| *k == name.text),
                None if position == 0 && !known.is_empty() => Some(0),
                None => None,
            };
            let Some((index, param)) = index.and_then(|i| signature.params.get(i).map(|p| (i, p))) else {
                fine = false;
                nameless |= arg.name.is_none();
                self.quietly(&arg.value, &Type::Any);
                self.report(self.no_such_argument(id, arg, &known, position));
                continue;
            };
            let value = self.value(&arg.value, &param.ty);
            fine &= !value.is_error();
            if let Some(slot) = values.get_mut(index) {
                if slot.is_some() {
                    fine = false;
                    self.report(Diagnostic::new(
                        Code::GIVEN_TWICE,
                        arg.span,
                        format!("`{}` is given twice", param.name),
                    ));
                }
                *slot = Some(value);
            }
        }
        if nameless {
            // Whatever is missing was probably given without its name, which was reported.
            return Bound { values: Vec::new(), given: BTreeSet::new(), fine: false };
        }
        self.complete(id, signature, values, fine, span)
    }

    /// Fills in defaults, evaluated where the parameters are declared.
    fn complete(
        &mut self,
        id: DeclId,
        signature: &Signature,
        values: Vec<Option<Val>>,
        mut fine: bool,
        span: Span,
    ) -> Bound {
        let mut bound = Bound { values: Vec::with_capacity(values.len()), given: BTreeSet::new(), fine: true };
        let mut missing = Vec::new();
        for (param, value) in signature.params.iter().zip(values) {
            let default = signature.default_of(self.program, id, param);
            let value = match (value, default) {
                (Some(value), None) => {
                    bound.given.insert(param.name.clone());
                    value
                }
                (Some(value), Some(default)) => {
                    let default = self.default_value(id, &bound, default, param);
                    if !same(&value, &default) {
                        bound.given.insert(param.name.clone());
                    }
                    value
                }
                (None, Some(default)) => self.default_value(id, &bound, default, param),
                (None, None) => {
                    fine = false;
                    missing.push(param);
                    Val::Unknown(param.ty.clone())
                }
            };
            bound.values.push((param.name.clone(), value, param.span));
        }
        if !missing.is_empty() {
            let names: Vec<&str> = missing.iter().map(|p| p.name.as_str()).collect();
            let item = self.program.item(id);
            let mut diagnostic = Diagnostic::new(
                Code::MISSING_ARGUMENT,
                span,
                format!("`{}` also needs {}", item.name.text, listed(&names).replace(" or ", " and ")),
            );
            for param in &missing {
                diagnostic =
                    diagnostic.also(param.span, format!("`{}` is {}", param.name, super::coerce::article(&param.ty)));
            }
            self.report(diagnostic);
        }
        bound.fine = fine;
        bound
    }

    fn default_value(&mut self, id: DeclId, bound: &Bound, default: &Expr, param: &ParamInfo) -> Val {
        let file = self.program.file_of(id);
        let locals = bound.values.clone();
        let make = |ev: &mut Self| ev.within(file, locals, |ev| ev.value(default, &param.ty));
        self.making(id, Some(&param.name), make).unwrap_or_else(Val::error)
    }

    fn no_such_argument(&self, id: DeclId, arg: &Arg, known: &[&str], position: usize) -> Diagnostic {
        let item = self.program.item(id);
        match &arg.name {
            Some(name) => unknown_argument(name, known, Some((&item.name.text, item.name.span))),
            None if position == 0 => {
                Diagnostic::new(Code::UNKNOWN_ARGUMENT, arg.span, format!("`{}` takes no arguments", item.name.text))
            }
            None => Diagnostic::new(Code::ARGUMENT_WITHOUT_NAME, arg.span, "this argument needs its name")
                .why("only the first argument may stand without its name, so that a call can be read aloud")
                .help(format!("`{}` takes {}", item.name.text, listed(known))),
        }
    }
}

/// An argument that nothing takes.
pub(super) fn unknown_argument(name: &Name, known: &[&str], callee: Option<(&SmolStr, Span)>) -> Diagnostic {
    let mut diagnostic = match callee {
        Some((callee, span)) => {
            Diagnostic::new(Code::UNKNOWN_ARGUMENT, name.span, format!("`{callee}` has no parameter `{}`", name.text))
                .also(span, "declared here")
        }
        None => Diagnostic::new(Code::UNKNOWN_ARGUMENT, name.span, format!("nothing here takes `{}`", name.text)),
    };
    diagnostic = match nearest(&name.text, known.iter().copied()) {
        _ if matches!(name.text.as_str(), "duration" | "for" | "time") && !known.is_empty() => {
            diagnostic.help(format!("how long it lasts stands behind the call: `for 5m`; it takes {}", listed(known)))
        }
        Some(near) => diagnostic.choice(format!("did you mean `{near}`?"), name.span, near),
        None if known.is_empty() => diagnostic,
        None => diagnostic.help(format!("it takes {}", listed(known))),
    };
    diagnostic
}

/// Whether a given value is the default after all.
fn same(a: &Val, b: &Val) -> bool {
    match (a, b) {
        (Val::Plain(a), Val::Plain(b)) => a == b,
        (Val::List(a), Val::List(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b)),
        (Val::Record(a), Val::Record(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|((k, x, _), (l, y, _))| k == l && same(x, y))
        }
        (Val::Decl(a), Val::Decl(b)) => a == b,
        _ => false,
    }
}

/// A number of something that must be whole and positive.
#[must_use]
pub fn positive(value: &Value) -> bool {
    match value {
        Value::Int(n) => *n > 0,
        Value::Number(n) => *n > Decimal::ZERO,
        Value::Duration(d) => !d.is_zero(),
        _ => true,
    }
}
