//! A fault's engine body, read backwards: from what an engine was told to the arguments that say it.
//!
//! Comes in: a body (an expression over the fault's parameters) and what stands in a manifest. Goes out: the arguments with
//! which the body gives just that, or the first place that does not fit and why. What cannot be turned round (`max`, a
//! calculation with two unknowns) is left open; at the end the body is evaluated *forwards* with what was found and compared
//! with the manifest, so that a wrong guess is a refusal, never a wrong import.

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::SmolStr;

use super::arithmetic::{Equation, Known, solve};
use super::asked::Asked;
use super::library::{self, Pattern};
use super::spelling;
use super::yaml::{Entry, Node, Value};
use crate::check::Signature;
use crate::check::evaluate::{Bound, Candidates, Evaluator, Target, Val, order};
use crate::check::faults::{BodyCall, instantiate};
use crate::check::program::{Arg, Arm, Expr, ExprKind, Field, TextPart};
use crate::plan::{Effect, Quantity, Selector};
use crate::source::Span;
use crate::types::{Type, Value as Typed};

/// An argument.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Argument {
    /// A value.
    Value(Typed),
    /// Another target: the node says which.
    Target(Node),
}

/// The arguments of a fault.
#[derive(Debug, Clone)]
pub(super) struct Solved {
    /// `network.delay`.
    pub fault: String,
    /// In the order of the parameters; without those that have their default.
    pub arguments: Vec<(SmolStr, Argument)>,
    /// What the first parameter takes.
    pub target: Type,
    /// How it ends.
    pub effect: Effect,
    /// How many fields had a fixed value: the more, the more exactly the fault is meant.
    pub fixed: usize,
    /// What is hit, as far as the body's own fields say it: things of a cloud.
    pub selector: Selector,
}

/// Why a body does not say this.
#[derive(Debug, Clone)]
pub(super) struct Miss {
    /// The place in the manifest.
    pub at: Span,
    /// What is wrong there.
    pub why: String,
    /// The key that has no parameter, if that is what is wrong.
    pub unknown: Option<Vec<String>>,
    /// How many fixed values fitted before: says which fault was meant.
    pub fixed: usize,
}

/// What the body's fields say in the manifest: `spec`, `env`, `secrets`.
pub(super) type Fields<'f> = [(&'f str, &'f Node)];

/// Finds the arguments with which the body is called `name` by its engine, and its fields say what was found.
pub(super) fn unify(
    ev: &mut Evaluator<'_>,
    pattern: Pattern<'_>,
    name: &str,
    fields: &Fields<'_>,
) -> Result<Solved, Miss> {
    let around = fields.first().map_or(Span::new(crate::source::FileId(0), 0, 0), |(_, found)| found.span);
    let signature = ev.program.signature(pattern.id);
    let mut unifier = Unifier {
        signature: &signature,
        values: BTreeMap::new(),
        equations: Vec::new(),
        places: BTreeMap::new(),
        fixed: 0,
        path: Vec::new(),
        whole: around,
        asked: Asked::default(),
    };
    let named = Node { span: around, value: Value::Text, text: name.to_owned() };
    let all: Vec<(&str, &Node)> = std::iter::once((pattern.key, &named)).chain(fields.iter().copied()).collect();
    for (key, node) in &all {
        if let Some(body) = library::field(pattern.body, key) {
            unifier.expr(body, Some(node))?;
        }
    }
    unifier.numbers()?;
    unifier.peers();
    let Unifier { values, places, asked, fixed, .. } = unifier;
    let target = signature.params.first().map_or(Type::Any, |p| p.ty.clone());
    let found = Found { values, places, asked, fixed, around };
    let mut misses: Vec<Miss> = Vec::new();
    // Which cloud it is, no field says: the body's own rules do.
    for selector in found.asked.selectors(&target) {
        match check(ev, pattern, &signature, &found, &selector, &all) {
            Ok((effect, bound)) => {
                let arguments = signature
                    .params
                    .iter()
                    .skip(1)
                    .filter(|p| bound.given.contains(&p.name))
                    .filter_map(|p| found.values.get(&p.name).map(|v| (p.name.clone(), v.clone())))
                    .collect();
                let fault = ev.program.qualified_name(pattern.id);
                return Ok(Solved { fault, arguments, target, effect, fixed: found.fixed, selector });
            }
            Err(miss) => misses.push(miss),
        }
    }
    // Bodies refuse every cloud but their own with one sentence: the other one is of their own.
    let is_own = |miss: &&Miss| misses.iter().filter(|m| m.why == miss.why).count() == 1;
    let miss = misses.iter().find(is_own).or(misses.first()).cloned();
    Err(miss.unwrap_or_else(|| found.miss(around, "nothing says what is hit".to_owned())))
}

/// What the body's equations gave.
struct Found {
    values: BTreeMap<SmolStr, Argument>,
    places: BTreeMap<SmolStr, Span>,
    asked: Asked,
    fixed: usize,
    around: Span,
}

impl Found {
    fn miss(&self, at: Span, why: String) -> Miss {
        Miss { at, why, unknown: None, fixed: self.fixed }
    }
}

/// The body forwards, with what was found: it must say what stands in the manifest.
fn check(
    ev: &mut Evaluator<'_>,
    pattern: Pattern<'_>,
    signature: &Signature,
    found: &Found,
    selector: &Selector,
    all: &[(&str, &Node)],
) -> Result<(Effect, Bound), Miss> {
    let place = |name: &str| found.places.get(name).copied().unwrap_or(found.around);
    let bound =
        complete(ev, pattern, signature, found, selector).map_err(|(name, why)| found.miss(place(&name), why))?;
    let Some(call) = instantiate(ev, pattern.id, &bound) else {
        return Err(found.miss(found.around, "its arguments cannot be told from it".to_owned()));
    };
    let engine = crate::plan::EngineName::parse(&pattern.body.engine.text);
    match call.bodies.iter().find(|(name, _)| Some(*name) == engine) {
        Some((_, BodyCall::Expressed(fields))) => {
            for (key, node) in all {
                let said = fields.iter().find(|(k, _)| k == key).map(|(_, v)| v);
                if let Some(wrong) = said.and_then(|said| differs(said, Some(node), found.around)) {
                    return Err(found.miss(wrong, "no arguments give this value together with the others".to_owned()));
                }
            }
            Ok((call.effect, bound))
        }
        Some((_, BodyCall::Refused { construct, reason })) => {
            Err(found.miss(found.around, format!("`{construct}`: {reason}")))
        }
        None => Err(found.miss(found.around, "the fault has no body for this engine".to_owned())),
    }
}

/// All parameters with their values; defaults where nothing was found. The error: what is missing or out of its range.
fn complete(
    ev: &mut Evaluator<'_>,
    pattern: Pattern<'_>,
    signature: &Signature,
    all: &Found,
    selector: &Selector,
) -> Result<Bound, (SmolStr, String)> {
    let (found, span) = (&all.values, all.around);
    let mut bound = Bound { values: Vec::new(), given: std::collections::BTreeSet::new(), fine: true };
    let file = ev.program.file_of(pattern.id);
    for (index, param) in signature.params.iter().enumerate() {
        let default = signature.default_of(ev.program, pattern.id, param).map(|default| {
            let before = ev.diagnostics.len();
            let value = ev.within(file, bound.values.clone(), |ev| ev.value(default, &param.ty));
            ev.diagnostics.truncate(before);
            value
        });
        let value = match found.get(&param.name) {
            _ if index == 0 => some_target(span, selector.clone()),
            Some(Argument::Target(_)) => some_target(span, Selector::Pods(all.asked.pods(&param.name))),
            Some(Argument::Value(value)) => {
                in_range(value, &param.ty)
                    .map_err(|why| format!("`{}` would be {why}", param.name))
                    .and_then(|()| well_formed(ev, value, &param.ty, span))
                    .map_err(|why| (param.name.clone(), why))?;
                known(value)
            }
            None => match &default {
                Some(value) => value.clone(),
                None => return Err((param.name.clone(), format!("nothing says the `{}`", param.name))),
            },
        };
        let is_default = default.is_some_and(|default| same(&default, &value));
        if !is_default && index > 0 && found.contains_key(&param.name) {
            bound.given.insert(param.name.clone());
        }
        bound.values.push((param.name.clone(), value, param.span));
    }
    Ok(bound)
}

/// A target of which only that it is one matters.
fn some_target(span: Span, selector: Selector) -> Val {
    let candidates = Candidates { selector, service: None, text: String::new(), uses: Vec::new() };
    Val::Target(Arc::new(Target {
        id: 0,
        quantity: Quantity::All,
        of: Arc::new(candidates),
        text: "the peer".to_owned(),
        span,
        name: None,
    }))
}

fn known(value: &Typed) -> Val {
    match value {
        Typed::List(items) => Val::list(items.iter().map(known)),
        Typed::Record(entries) => Val::Record(Arc::new(
            entries
                .iter()
                .map(|e| (e.key.clone(), known(&e.value), Span::new(crate::source::FileId(0), 0, 0)))
                .collect(),
        )),
        other => Val::Plain(other.clone()),
    }
}

fn same(a: &Val, b: &Val) -> bool {
    match (a, b) {
        (Val::Plain(a), Val::Plain(b)) => a == b || order(a, b).is_some_and(std::cmp::Ordering::is_eq),
        (Val::List(a), Val::List(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b)),
        (Val::Record(a), Val::Record(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.0 == b.0 && same(&a.1, &b.1))
        }
        _ => false,
    }
}

/// Whether a value lies in its type's range; else what it is and what it should be.
fn in_range(value: &Typed, ty: &Type) -> Result<(), String> {
    match (ty, value) {
        (Type::Optional(inner), value) => in_range(value, inner),
        (Type::List(inner), Typed::List(items)) => items.iter().try_for_each(|item| in_range(item, inner)),
        (Type::InRange(inner, bounds), value) => {
            let inside = order(value, &bounds.least).is_none_or(std::cmp::Ordering::is_ge)
                && order(value, &bounds.greatest).is_none_or(std::cmp::Ordering::is_le);
            if !inside {
                return Err(format!("{value}, and it takes {}..{}", bounds.least, bounds.greatest));
            }
            in_range(value, inner)
        }
        _ => Ok(()),
    }
}

/// Whether texts are what their types check: hosts, URLs.
fn well_formed(ev: &mut Evaluator<'_>, value: &Typed, ty: &Type, span: Span) -> Result<(), String> {
    match (ty.base(), value) {
        (Type::Optional(inner), value) => well_formed(ev, value, inner, span),
        (Type::List(inner), Typed::List(items)) => items.iter().try_for_each(|item| well_formed(ev, item, inner, span)),
        (Type::Host | Type::Url, Typed::Host(text) | Typed::Url(text)) => {
            let before = ev.diagnostics.len();
            let literal = Expr { kind: ExprKind::Literal(Typed::String(text.clone())), span };
            ev.within(0, Vec::new(), |ev| ev.value(&literal, ty.base()));
            let found = ev.diagnostics.get(before).map(|d| d.message.clone());
            ev.diagnostics.truncate(before);
            found.map_or(Ok(()), Err)
        }
        _ => Ok(()),
    }
}

/// Where what a body gives is not what the manifest has. Targets are compared by who reads them.
fn differs(said: &Val, found: Option<&Node>, around: Span) -> Option<Span> {
    let at = found.map_or(around, |n| n.span);
    match said {
        Val::Target(_) => found.is_none_or(Node::is_empty).then_some(at),
        Val::Plain(Typed::String(text)) if same_number(text, found) => None,
        Val::Plain(value) => (!spelling::says(found, value)).then_some(at),
        Val::List(items) => {
            let nodes = found.map_or(&[][..], Node::items);
            if nodes.len() != items.len() {
                return Some(at);
            }
            items.iter().zip(nodes).find_map(|(item, node)| differs(item, Some(node), at))
        }
        Val::Record(entries) => {
            let unknown = found
                .map_or(&[][..], Node::entries)
                .iter()
                .find(|e| !e.value.is_empty() && !entries.iter().any(|(key, ..)| *key == e.key))
                .map(|e| e.at);
            unknown.or_else(|| {
                entries.iter().find_map(|(key, value, _)| differs(value, found.and_then(|n| n.get(key)), at))
            })
        }
        // What else a body gives has no text.
        _ => Some(at),
    }
}

/// `0.70` where the body makes `0.7` of a number. Only with a point: a name of digits alone is spelled in one way.
fn same_number(text: &str, found: Option<&Node>) -> bool {
    let Some(there) = found.and_then(Node::scalar).filter(|t| t.contains('.')) else { return false };
    let (said, there) = (spelling::number(text), spelling::number(there));
    said.is_some() && said == there
}

struct Unifier<'s> {
    signature: &'s Signature,
    values: BTreeMap<SmolStr, Argument>,
    equations: Vec<Equation<'s>>,
    /// Where each value was found.
    places: BTreeMap<SmolStr, Span>,
    fixed: usize,
    path: Vec<String>,
    whole: Span,
    /// What the body asks of targets.
    asked: Asked,
}

/// What a choice can be taken back to.
struct Mark {
    values: BTreeMap<SmolStr, Argument>,
    equations: usize,
    fixed: usize,
    asked: Asked,
}

impl<'s> Unifier<'s> {
    fn miss(&self, at: Span, why: impl Into<String>) -> Miss {
        Miss { at, why: why.into(), unknown: None, fixed: self.fixed }
    }

    fn mark(&self) -> Mark {
        let asked = self.asked.clone();
        Mark { values: self.values.clone(), equations: self.equations.len(), fixed: self.fixed, asked }
    }

    fn take_back(&mut self, mark: &Mark) {
        self.values.clone_from(&mark.values);
        self.equations.truncate(mark.equations);
        self.fixed = mark.fixed;
        self.asked.clone_from(&mark.asked);
    }

    fn param(&self, name: &str) -> Option<&'s Type> {
        self.signature.params.iter().skip(1).find(|p| p.name == name).map(|p| &p.ty)
    }

    fn is_target(&self, name: &str) -> bool {
        self.signature.params.iter().any(|p| p.name == name && is_target(&p.ty))
    }

    /// `on.region`, `join(on.ids, with: ",")`, `peer?.label`: a part of a target.
    fn ask(&mut self, of: &SmolStr, part: &SmolStr, found: Option<&Node>) -> Result<(), Miss> {
        let at = self.place(found);
        let texts: Vec<SmolStr> = match found.map(|n| &n.value) {
            None => Vec::new(),
            Some(Value::List(items)) => items.iter().filter_map(Node::scalar).map(SmolStr::from).collect(),
            Some(_) => found.and_then(Node::scalar).map(SmolStr::from).into_iter().collect(),
        };
        let fits = self.asked.put(of, if part == "id" { "ids" } else { part }, texts);
        if fits { Ok(()) } else { Err(self.miss(at, format!("`{of}` would have two values for `{part}`"))) }
    }

    /// Other targets of which the body asked parts, as they would stand in a selector of Chaos Mesh.
    fn peers(&mut self) {
        for param in self.signature.params.iter().skip(1).filter(|p| is_target(&p.ty)) {
            if let (false, Some(node)) =
                (self.values.contains_key(&param.name), self.asked.node(&param.name, self.whole))
            {
                self.values.insert(param.name.clone(), Argument::Target(node));
            }
        }
    }

    fn is_list(&self, expr: &Expr) -> bool {
        let ExprKind::Name(name) = &expr.kind else { return false };
        self.param(name).is_some_and(|ty| matches!(ty.base(), Type::List(_)))
    }

    fn place(&self, found: Option<&Node>) -> Span {
        found.map_or(self.whole, |n| n.span)
    }

    /// The expression must say what was found; nothing where the manifest has nothing.
    fn expr(&mut self, expr: &'s Expr, found: Option<&Node>) -> Result<(), Miss> {
        let found = found.filter(|n| !n.is_empty());
        match &expr.kind {
            ExprKind::Group(inner) => self.expr(inner, found),
            ExprKind::Literal(value) => self.literal(value, found),
            ExprKind::Name(name) => match self.param(name) {
                Some(ty) => self.bind_node(name, ty, found),
                // A bare word of an enumeration.
                None => self.literal(&Typed::Word(name.clone()), found),
            },
            ExprKind::Member { base, name, .. } => match &base.kind {
                ExprKind::Name(of) if self.is_target(of) => self.ask(of, &name.text, found),
                _ => Ok(()),
            },
            ExprKind::Record(fields) => self.record(fields, found),
            ExprKind::List(items) => self.list(items, found),
            ExprKind::Match { on, arms } => self.choose(on, arms, found),
            ExprKind::Text(parts) => match found.and_then(Node::scalar) {
                Some(text) => self.text(parts, text, self.place(found)),
                None => Err(self.miss(self.place(found), "a text is wanted here")),
            },
            ExprKind::Call { callee, args } => self.call(expr, callee, args, found),
            ExprKind::Convert { of, unit } if unit.text == "text" => self.expr(of, found),
            ExprKind::Arithmetic { left, op: crate::plan::Arithmetic::Add, right } if self.is_list(left) => {
                self.lists(left, right, found)
            }
            ExprKind::Convert { .. } | ExprKind::Arithmetic { .. } | ExprKind::Sign { .. } => self.number(expr, found),
            ExprKind::Not(inner) => self.opposite(inner, found),
            // Compared forwards, at the end.
            _ => Ok(()),
        }
    }

    /// `not own-grace`, of a parameter; anything else is compared forwards.
    fn opposite(&mut self, inner: &'s Expr, found: Option<&Node>) -> Result<(), Miss> {
        let (ExprKind::Name(name), Some(node)) = (&inner.kind, found) else { return Ok(()) };
        if self.param(name).is_none() {
            return Ok(());
        }
        match spelling::value(node, &Type::Bool) {
            Ok(Typed::Bool(said)) => self.bind(name, Argument::Value(Typed::Bool(!said)), node.span),
            Ok(_) => Ok(()),
            Err(why) => Err(self.miss(node.span, why)),
        }
    }

    fn literal(&mut self, value: &Typed, found: Option<&Node>) -> Result<(), Miss> {
        if spelling::says(found, value) {
            self.fixed += usize::from(found.is_some());
            return Ok(());
        }
        let why = match found {
            Some(node) => format!("{} is not `{}`", node.describe(), plain(value)),
            None => format!("`{}` is not said", plain(value)),
        };
        Err(self.miss(self.place(found), why))
    }

    fn bind(&mut self, name: &SmolStr, argument: Argument, at: Span) -> Result<(), Miss> {
        match self.values.get(name) {
            Some(known) if *known != argument => {
                Err(self.miss(at, format!("`{name}` would have two values, and has one")))
            }
            _ => {
                self.places.insert(name.clone(), at);
                self.values.insert(name.clone(), argument);
                Ok(())
            }
        }
    }

    fn bind_node(&mut self, name: &SmolStr, ty: &Type, found: Option<&Node>) -> Result<(), Miss> {
        let at = self.place(found);
        let Some(node) = found else {
            // Nothing is `none`, an empty list, or the zero that the engine takes it for.
            let value = absent(ty).ok_or_else(|| self.miss(at, format!("nothing says the `{name}`")))?;
            return self.bind(name, Argument::Value(value), at);
        };
        if is_target(ty) {
            return self.bind(name, Argument::Target(node.clone()), at);
        }
        let value = spelling::value(node, ty).map_err(|why| self.miss(at, why))?;
        self.bind(name, Argument::Value(value), at)
    }

    fn record(&mut self, fields: &'s [Field], found: Option<&Node>) -> Result<(), Miss> {
        let entries = found.map_or(&[][..], Node::entries);
        if found.is_some_and(|n| !matches!(n.value, Value::Map(_))) {
            return Err(self.miss(self.place(found), "a map is wanted here"));
        }
        // Words first: they say which fault is meant.
        let (words, others): (Vec<&Field>, Vec<&Field>) =
            fields.iter().partition(|f| matches!(f.value.kind, ExprKind::Literal(_)));
        for field in words.into_iter().chain(others) {
            let entry = entries.iter().find(|e| e.key == field.key.text);
            self.path.push(field.key.text.to_string());
            let around = found.map_or(self.whole, |n| n.span);
            let whole = std::mem::replace(&mut self.whole, around);
            let result = self.expr(&field.value, entry.map(|e| &e.value));
            self.whole = whole;
            self.path.pop();
            result?;
        }
        let is_known = |e: &Entry| fields.iter().any(|f| f.key.text == e.key);
        if let Some(entry) = entries.iter().find(|e| !is_known(e) && !e.value.is_empty()) {
            let mut path = self.path.clone();
            path.push(entry.key.clone());
            return Err(Miss {
                at: entry.at.to(entry.value.span),
                why: format!("no parameter says `{}`", path.join(".")),
                unknown: Some(path),
                fixed: self.fixed,
            });
        }
        Ok(())
    }

    fn list(&mut self, items: &'s [Expr], found: Option<&Node>) -> Result<(), Miss> {
        let nodes = found.map_or(&[][..], Node::items);
        if nodes.len() != items.len() {
            return Err(self.miss(self.place(found), format!("{} members are wanted here", items.len())));
        }
        items.iter().zip(nodes).try_for_each(|(item, node)| self.expr(item, Some(node)))?;
        self.fixed += usize::from(!items.is_empty());
        Ok(())
    }

    /// `match p { a: X, b: Y }`: the word whose value this is.
    fn choose(&mut self, on: &'s Expr, arms: &'s [Arm], found: Option<&Node>) -> Result<(), Miss> {
        // By what a cloud's things are chosen is a word like any other.
        let by = match &on.kind {
            ExprKind::Member { base, name, .. } if name.text == "by" => match &base.kind {
                ExprKind::Name(of) if self.is_target(of) => Some(SmolStr::from(format!("{of}.by"))),
                _ => None,
            },
            _ => None,
        };
        let name = match (&on.kind, &by) {
            (ExprKind::Name(name), _) | (_, Some(name)) => name,
            _ => return self.choose_any(arms, found),
        };
        if self.param(name).is_some_and(|ty| matches!(ty.base(), Type::List(_))) {
            return self.choose_each(name, arms, found);
        }
        let mark = self.mark();
        let mut first = None;
        for arm in arms {
            if self.expr(&arm.value, found).is_err() {
                self.take_back(&mark);
                continue;
            }
            for word in &arm.words {
                let word = Argument::Value(Typed::Word(word.text.clone()));
                match self.values.get(name) {
                    // Said elsewhere already: this arm agrees.
                    Some(known) if *known == word => return Ok(()),
                    None if first.is_none() => first = Some((arm, word)),
                    _ => {}
                }
            }
            self.take_back(&mark);
        }
        match first {
            Some((arm, word)) => {
                self.expr(&arm.value, found)?;
                self.bind(name, word, self.place(found))
            }
            None => {
                let what = found.map_or_else(|| "nothing".to_owned(), Node::describe);
                Err(self.miss(self.place(found), format!("no word of `{name}` says {what}")))
            }
        }
    }

    /// `match (p == none) { … }`: the first arm that says it, fixed values before others. Whether the condition then holds is
    /// seen forwards, at the end.
    fn choose_any(&mut self, arms: &'s [Arm], found: Option<&Node>) -> Result<(), Miss> {
        let is_fixed = |arm: &&Arm| matches!(arm.value.kind, ExprKind::Literal(_));
        let (fixed, others): (Vec<&Arm>, Vec<&Arm>) = arms.iter().partition(is_fixed);
        let mark = self.mark();
        let mut miss = None;
        for arm in fixed.into_iter().chain(others) {
            match self.expr(&arm.value, found) {
                Ok(()) => return Ok(()),
                Err(why) => miss = Some(why),
            }
            self.take_back(&mark);
        }
        miss.map_or(Ok(()), Err)
    }

    /// `names + patterns`: the hosts at the begin, then the others.
    fn lists(&mut self, left: &'s Expr, right: &'s Expr, found: Option<&Node>) -> Result<(), Miss> {
        let nodes = found.map_or(&[][..], Node::items);
        let is_host = |n: &&Node| !n.text.contains(['*', '?', ' ']);
        let hosts = nodes.iter().take_while(is_host).count();
        let (first, rest) = nodes.split_at_checked(hosts).unwrap_or((nodes, &[]));
        let list =
            |items: &[Node]| Node { span: self.place(found), value: Value::List(items.to_vec()), text: String::new() };
        let (first, rest) = (list(first), list(rest));
        self.expr(left, Some(&first))?;
        self.expr(right, Some(&rest))
    }

    /// `match p { … }` of a list of words: the word of each member.
    fn choose_each(&mut self, name: &SmolStr, arms: &'s [Arm], found: Option<&Node>) -> Result<(), Miss> {
        let mut words = Vec::new();
        for node in found.map_or(&[][..], Node::items) {
            let mark = self.mark();
            let mut arm = None;
            for candidate in arms {
                if self.expr(&candidate.value, Some(node)).is_ok() {
                    arm = candidate.words.first();
                    break;
                }
                self.take_back(&mark);
            }
            match arm {
                Some(word) => words.push(Typed::Word(word.text.clone())),
                None => return Err(self.miss(node.span, format!("no word of `{name}` says {}", node.describe()))),
            }
        }
        self.bind(name, Argument::Value(Typed::List(words)), self.place(found))
    }

    /// `"${a}bit"`: what stands between the fixed parts.
    fn text(&mut self, parts: &'s [TextPart], text: &str, at: Span) -> Result<(), Miss> {
        let Some((part, rest)) = parts.split_first() else {
            return if text.is_empty() { Ok(()) } else { Err(self.miss(at, format!("`{text}` is too much here"))) };
        };
        match part {
            TextPart::Plain(plain) => match text.strip_prefix(plain.as_str()) {
                Some(behind) => {
                    self.fixed += 1;
                    self.text(rest, behind, at)
                }
                None => Err(self.miss(at, format!("`{plain}` is wanted here"))),
            },
            TextPart::Expr(inner) => {
                let end = match rest.first() {
                    Some(TextPart::Plain(plain)) => text.find(plain.as_str()),
                    Some(TextPart::Expr(_)) => return Ok(()),
                    None => Some(text.len()),
                };
                let cut = end.and_then(|end| text.split_at_checked(end));
                let Some((own, behind)) = cut else { return Err(self.miss(at, "the text ends too early")) };
                let node = Node { span: at, value: Value::Text, text: own.to_owned() };
                self.expr(inner, Some(&node))?;
                self.text(rest, behind, at)
            }
        }
    }

    fn call(&mut self, whole: &'s Expr, callee: &'s Expr, args: &'s [Arg], found: Option<&Node>) -> Result<(), Miss> {
        let ExprKind::Name(name) = &callee.kind else { return Ok(()) };
        match name.as_str() {
            "join" => self.join(args, found),
            "json" => self.json(args, found),
            "ceil" | "min" | "max" => self.number(whole, found),
            _ => Ok(()),
        }
    }

    fn join(&mut self, args: &'s [Arg], found: Option<&Node>) -> Result<(), Miss> {
        let at = self.place(found);
        let separator = args.iter().find(|a| a.name.as_ref().is_some_and(|n| n.text == "with")).map(|a| &a.value.kind);
        let separator = match separator {
            Some(ExprKind::Literal(Typed::String(text))) => text.as_str(),
            _ => ",",
        };
        let text = found.and_then(Node::scalar).unwrap_or_default();
        let items = text.split(separator).map(str::trim).filter(|part| !part.is_empty());
        let items = items.map(|part| Node { span: at, value: Value::Text, text: part.to_owned() }).collect();
        let list = Node { span: at, value: Value::List(items), text: String::new() };
        match args.first() {
            Some(first) => self.expr(&first.value, Some(&list)),
            None => Ok(()),
        }
    }

    /// `json(x)`: the text as data.
    fn json(&mut self, args: &'s [Arg], found: Option<&Node>) -> Result<(), Miss> {
        let at = self.place(found);
        let text = found.and_then(Node::scalar).unwrap_or("null");
        let data = serde_json::from_str(text).map_err(|_| self.miss(at, "this is not JSON"))?;
        match args.first() {
            Some(first) => self.expr(&first.value, Some(&of_json(&data, at))),
            None => Ok(()),
        }
    }

    /// A calculation: kept until all are known.
    fn number(&mut self, expr: &'s Expr, found: Option<&Node>) -> Result<(), Miss> {
        let at = self.place(found);
        let text = found.and_then(Node::scalar).unwrap_or("0");
        match spelling::number(text) {
            Some(value) => {
                self.equations.push(Equation { expr, value, at });
                Ok(())
            }
            None => Err(self.miss(at, format!("`{text}` is not a number"))),
        }
    }

    /// Solves the calculations.
    fn numbers(&mut self) -> Result<(), Miss> {
        let equations = std::mem::take(&mut self.equations);
        let values = &self.values;
        let known = Known {
            equations: &equations,
            value: &|name| match values.get(name) {
                Some(Argument::Value(value)) => Some(value.clone()),
                _ => None,
            },
        };
        let found = solve(&known).map_err(|(at, why)| self.miss(at, why))?;
        for (name, (amount, at)) in found {
            let Some(ty) = self.param(&name) else { continue };
            let value = spelling::quantity(amount, ty)
                .ok_or_else(|| self.miss(at, format!("`{name}` would be a fraction, and takes none")))?;
            self.bind(&name, Argument::Value(value), at)?;
        }
        Ok(())
    }
}

/// JSON as a node, all of it at one place. (What reads JSON bounds its depth.)
fn of_json(data: &serde_json::Value, span: Span) -> Node {
    use serde_json::Value as Json;
    let (value, text) = match data {
        Json::Null => (Value::Null, String::new()),
        Json::Bool(b) => (Value::Bool(*b), b.to_string()),
        Json::Number(n) => (Value::Number, n.to_string()),
        Json::String(text) => (Value::Text, text.clone()),
        Json::Array(items) => (Value::List(items.iter().map(|i| of_json(i, span)).collect()), String::new()),
        Json::Object(fields) => {
            let entry =
                |(key, value): (&String, &Json)| Entry { key: key.clone(), at: span, value: of_json(value, span) };
            (Value::Map(fields.iter().map(entry).collect()), String::new())
        }
    };
    Node { span, value, text }
}

/// What an engine takes nothing for.
fn absent(ty: &Type) -> Option<Typed> {
    Some(match ty.base() {
        Type::Optional(_) => Typed::None,
        Type::List(_) => Typed::List(Vec::new()),
        Type::Bool => Typed::Bool(false),
        Type::Int => Typed::Int(0),
        Type::Record | Type::Map => Typed::Record(Vec::new()),
        Type::String => Typed::String("".into()),
        Type::Enum(_) => return None,
        other => spelling::quantity(crate::types::Decimal::ZERO, other)?,
    })
}

fn is_target(ty: &Type) -> bool {
    match ty.base() {
        Type::Optional(inner) => is_target(inner),
        Type::Target(_) | Type::Selector(_) => true,
        _ => false,
    }
}

/// A value without the language's quotes.
fn plain(value: &Typed) -> String {
    value.as_text().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
