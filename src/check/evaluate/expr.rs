//! Expressions to values, one arm for each form.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{Evaluator, MOST_MEMBERS, Val};
use crate::check::program::{Expr, ExprKind, ShareQuantity};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::Condition;
use crate::source::Span;
use crate::types::{Type, Value};

impl Evaluator<'_> {
    /// The value of an expression, fitted to the type that is wanted (`Any`: as it is).
    pub fn value(&mut self, expr: &Expr, want: &Type) -> Val {
        let value = self.raw(expr, want);
        self.fit(value, want, expr)
    }

    /// The value of an expression, before it is fitted.
    pub(super) fn raw(&mut self, expr: &Expr, want: &Type) -> Val {
        let span = expr.span;
        if let Some(diagnostic) = self.bare_text(expr, want) {
            self.report(diagnostic);
            return Val::error();
        }
        match &expr.kind {
            ExprKind::Literal(value) => Val::Plain(value.clone()),
            ExprKind::Text(parts) => self.text(parts),
            ExprKind::Name(name) => self.name(name, span, want),
            ExprKind::Member { base, name, optional } => self.member_of(base, name, *optional, span, want),
            ExprKind::Call { callee, args } => self.call(callee, args, span),
            ExprKind::List(items) => self.list(items, want, span),
            ExprKind::Record(fields) => self.record(fields),
            ExprKind::Sign { negative, of } => self.sign(*negative, of, want),
            ExprKind::Convert { of, unit } => self.convert(of, unit),
            ExprKind::Share { quantity, of } => self.share(quantity, of, span),
            ExprKind::Arithmetic { left, op, right } => self.arithmetic(left, *op, right, want),
            ExprKind::Range { from, to, by } => self.range(from, to, by.as_deref(), want),
            ExprKind::Compare { left, op, right } => self.compare(left, *op, right),
            ExprKind::In { item, list, negated } => self.is_in(item, list, *negated),
            ExprKind::Not(inner) => {
                let value = self.value(inner, &Type::Bool);
                negate(value)
            }
            ExprKind::And(parts) => self.combine(parts, true),
            ExprKind::Or(parts) => self.combine(parts, false),
            ExprKind::Match { on, arms } => self.match_(on, arms, want, span),
            ExprKind::Group(inner) => self.raw(inner, want),
            ExprKind::Error => Val::error(),
        }
    }

    fn list(&mut self, items: &[Expr], want: &Type, span: Span) -> Val {
        let each = match want.base() {
            Type::List(inner) => (**inner).clone(),
            Type::Optional(inner) => match inner.base() {
                Type::List(inner) => (**inner).clone(),
                _ => Type::Any,
            },
            _ => Type::Any,
        };
        if items.len() > MOST_MEMBERS {
            self.report(too_many(span, items.len()));
            return Val::error();
        }
        let values: Vec<Val> = items.iter().map(|item| self.value(item, &each)).collect();
        Val::List(Arc::new(values))
    }

    fn record(&mut self, fields: &[crate::check::program::Field]) -> Val {
        let mut entries: Vec<(smol_str::SmolStr, Val, Span)> = Vec::with_capacity(fields.len());
        for field in fields {
            let value = self.value(&field.value, &Type::Any);
            if let Some((_, _, first)) = entries.iter().find(|(key, ..)| *key == field.key.text) {
                let first = *first;
                self.report(twice(&field.key, first));
                continue;
            }
            entries.push((field.key.text.clone(), value, field.key.span));
        }
        Val::Record(Arc::new(entries))
    }

    /// `and` and `or`, with three truth values: unknown, unless the known ones decide.
    fn combine(&mut self, parts: &[Expr], all: bool) -> Val {
        let mut conditions = Vec::new();
        let mut unknown = false;
        let mut decided = false;
        for part in parts {
            match self.value(part, &Type::Bool) {
                Val::Plain(Value::Bool(value)) => decided |= value != all,
                Val::Condition(condition) => conditions.push((*condition).clone()),
                _ => unknown = true,
            }
        }
        if decided {
            return Val::Plain(Value::Bool(!all));
        }
        if unknown {
            return Val::Unknown(Type::Bool);
        }
        match conditions.len() {
            0 => Val::Plain(Value::Bool(all)),
            1 => Val::Condition(Arc::new(conditions.remove(0))),
            _ if all => Val::Condition(Arc::new(Condition::All(conditions))),
            _ => Val::Condition(Arc::new(Condition::Any(conditions))),
        }
    }

    /// `match on { words: value }`; of a list of words, the list of their values.
    fn match_(&mut self, on: &Expr, arms: &[crate::check::program::Arm], want: &Type, span: Span) -> Val {
        let scrutinee = self.value(on, &Type::Any);
        let words = self.match_words(&scrutinee, on);
        if let Some(words) = &words {
            self.match_coverage(words, arms, span);
        }
        let many = matches!(&scrutinee, Val::List(_) | Val::Unknown(Type::List(_)));
        let chosen: Option<Vec<SmolStr>> = match &scrutinee {
            Val::List(items) => items.iter().map(|item| self.match_word(item)).collect(),
            one => self.match_word(one).map(|word| vec![word]),
        };
        let each = match want.base() {
            Type::List(inner) if many => (**inner).clone(),
            _ => want.clone(),
        };
        let mut values: Vec<(SmolStr, Val)> = Vec::new();
        let mut known_type = None;
        for arm in arms {
            // Every arm is evaluated, so that what is wrong in one is found wherever the plan is for.
            let is_arm = |word: &SmolStr| arm.words.iter().any(|w| w.text == *word);
            let is_chosen = chosen.as_ref().is_some_and(|all| all.iter().any(is_arm));
            let value = if is_chosen { self.value(&arm.value, &each) } else { self.quietly(&arm.value, &each) };
            if known_type.is_none() && !value.is_error() {
                known_type = Some(self.type_of(&value));
            }
            if is_chosen {
                values.extend(arm.words.iter().map(|word| (word.text.clone(), value.clone())));
            }
        }
        let value_of = |word: &SmolStr| values.iter().find(|(w, _)| w == word).map(|(_, value)| value.clone());
        match chosen {
            Some(all) if many => Val::list(all.iter().map(|word| value_of(word).unwrap_or_else(Val::error))),
            Some(all) => all.first().and_then(value_of).unwrap_or_else(Val::error),
            None if words.is_some() && many => Val::Unknown(Type::List(Arc::new(known_type.unwrap_or(Type::Any)))),
            None if words.is_some() => Val::Unknown(known_type.unwrap_or(Type::Any)),
            None => Val::error(),
        }
    }

    /// The word that a `match` goes by.
    fn match_word(&self, value: &Val) -> Option<SmolStr> {
        match value {
            Val::Plain(Value::Word(word)) => Some(word.clone()),
            Val::Plain(Value::Bool(value)) => Some(if *value { "true".into() } else { "false".into() }),
            Val::Decl(id) => Some(self.program.item(*id).name.text.clone()),
            _ => None,
        }
    }

    /// Evaluates for what is wrong in it only: it leaves no stream and no draw behind.
    pub(super) fn quietly(&mut self, expr: &Expr, want: &Type) -> Val {
        let streams = self.streams.len();
        let value = self.value(expr, want);
        self.streams.truncate(streams);
        value
    }

    fn share(&mut self, quantity: &ShareQuantity, of: &Expr, span: Span) -> Val {
        let quantity = self.quantity(quantity);
        let candidates = self.value(of, &Type::Any);
        self.draw(quantity, candidates, of, span)
    }
}

/// `not`.
pub(super) fn negate(value: Val) -> Val {
    match value {
        Val::Plain(Value::Bool(value)) => Val::Plain(Value::Bool(!value)),
        Val::Condition(condition) => Val::Condition(Arc::new(Condition::Not(Box::new((*condition).clone())))),
        _ => Val::Unknown(Type::Bool),
    }
}

pub(super) fn too_many(span: Span, count: usize) -> Diagnostic {
    Diagnostic::new(Code::TOO_MANY_MEMBERS, span, format!("{count} members; at most {MOST_MEMBERS} are allowed"))
        .why("every member becomes a part of the plan that somebody must be able to read")
}

/// A key or field that is given twice.
pub fn twice(key: &crate::check::program::Name, first: Span) -> Diagnostic {
    Diagnostic::new(Code::GIVEN_TWICE, key.span, format!("`{}` is given twice", key.text))
        .label("again here")
        .also(first, "first here")
        .help("keep one of the two")
}
