//! Operators: signs, sums, comparisons, membership, ranges, and what a `match` must name.

use std::cmp::Ordering;
use std::sync::Arc;

use smol_str::SmolStr;

use super::coerce::article;
use super::convert::base_units;
use super::expr::{negate, too_many};
use super::names::listed;
use super::{Evaluator, MOST_MEMBERS, Val};
use crate::check::program::{Arm, Expr, ExprKind, ItemKind, RecordWord, ShareQuantity};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::{Arithmetic, Comparison, Condition, Operand, Quantity};
use crate::source::Span;
use crate::types::{Bitrate, Bytes, Cores, Decimal, Duration, Offset, Percent, Rate, Type, Value};

/// How two plain values of one type compare; `None` if they do not.
#[must_use]
pub fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Offset(a), Value::Offset(b)) => return Some(a.cmp(b)),
        (Value::Offset(a), Value::Duration(b)) => return Some(a.length().cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => return Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => return Some(a.cmp(b)),
        _ => {}
    }
    if let (Some(a), Some(b)) = (plain_number(left), plain_number(right)) {
        return Some(a.cmp(&b));
    }
    match (base_units(left), base_units(right)) {
        (Some((a, of_a)), Some((b, of_b))) if of_a == of_b => return Some(a.cmp(&b)),
        _ => {}
    }
    match (left.as_text(), right.as_text()) {
        (Some(a), Some(b)) => Some(a.cmp(b)),
        _ => (left == right).then_some(Ordering::Equal),
    }
}

fn plain_number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Int(n) => Some(Decimal::from(*n)),
        Value::Number(n) => Some(*n),
        _ => None,
    }
}

impl Evaluator<'_> {
    pub(super) fn sign(&mut self, negative: bool, of: &Expr, want: &Type) -> Val {
        match self.value(of, &Type::Any) {
            Val::Plain(Value::Duration(length)) => Val::Plain(super::coerce::offset(length, negative)),
            Val::Plain(Value::Int(n)) => Val::Plain(Value::Int(if negative { n.saturating_neg() } else { n })),
            Val::Plain(Value::Number(n)) => Val::Plain(Value::Number(if negative { -n } else { n })),
            Val::Unknown(ty) => match ty.base() {
                Type::Duration => Val::Unknown(Type::Offset),
                _ => Val::Unknown(ty),
            },
            other => {
                let found = self.describe(&other);
                let _ = want;
                self.report(
                    Diagnostic::new(Code::TYPE_MISMATCH, of.span, format!("{found} has no sign"))
                        .help("a sign makes a duration an offset, or a number negative"),
                );
                Val::error()
            }
        }
    }

    pub(super) fn arithmetic(&mut self, left: &Expr, op: Arithmetic, right: &Expr, want: &Type) -> Val {
        // `floor + 1` where an Int is wanted; quantities are what they are.
        let wanted = if matches!(want.base(), Type::Number) { &Type::Any } else { want };
        let _ = wanted;
        let a = self.value(left, &Type::Any);
        let b = self.value(right, &Type::Any);
        if a.is_error() || b.is_error() {
            return Val::error();
        }
        if let (Val::List(x), Arithmetic::Add, Val::List(y)) = (&a, op, &b) {
            let count = x.len() + y.len();
            if count > MOST_MEMBERS {
                self.report(too_many(left.span.to(right.span), count));
                return Val::error();
            }
            return Val::list(x.iter().chain(y.iter()).cloned());
        }
        if let (Val::Plain(x), Val::Plain(y)) = (&a, &b) {
            return match combine(x, op, y) {
                Some(Ok(value)) => Val::Plain(value),
                Some(Err(why)) => {
                    self.report(Diagnostic::new(Code::NOT_A_NUMBER, left.span.to(right.span), why));
                    Val::error()
                }
                None => self.do_not_combine(&a, op, &b, left, right),
            };
        }
        let Some(ty) = combined_type(&self.measured(&a), op, &self.measured(&b)) else {
            return self.do_not_combine(&a, op, &b, left, right);
        };
        match (operand(&a), operand(&b)) {
            (Some(x), Some(y)) => {
                Val::Sampled(Arc::new(Operand::Combine { left: Box::new(x), op, right: Box::new(y) }), ty)
            }
            _ if self.is_sampled(&a) || self.is_sampled(&b) => Val::Unknown(Type::Sampled(Arc::new(ty))),
            _ => Val::Unknown(ty),
        }
    }

    fn do_not_combine(&mut self, a: &Val, op: Arithmetic, b: &Val, left: &Expr, right: &Expr) -> Val {
        let (x, y) = (self.describe(a), self.describe(b));
        self.report(
            Diagnostic::new(Code::TYPE_MISMATCH, right.span, format!("`{}` does not go with {x} and {y}", op.text()))
                .label(y)
                .also(left.span, x)
                .help("both sides have one type, or one is a plain number that multiplies or divides"),
        );
        Val::error()
    }

    fn is_sampled(&self, value: &Val) -> bool {
        matches!(value, Val::Sampled(..) | Val::Unknown(Type::Sampled(_)))
    }

    /// The type of a value, of its samples if it is measured.
    fn measured(&self, value: &Val) -> Type {
        match value {
            Val::Sampled(_, ty) => ty.base().clone(),
            other => match self.type_of(other).base() {
                Type::Sampled(inner) => inner.base().clone(),
                ty => ty.clone(),
            },
        }
    }

    pub(super) fn compare(&mut self, left: &Expr, op: Comparison, right: &Expr) -> Val {
        let a = self.value(left, &Type::Any);
        // `a < b < c` has been reported, and compares nothing.
        if matches!(left.kind, ExprKind::Compare { .. }) {
            return Val::error();
        }
        // Beside something wrong nobody knows which words fit: one mistake, one diagnostic.
        if a.is_error() && matches!(&right.kind, ExprKind::Name(name) if !self.means_something(name)) {
            return a;
        }
        // `tier == critical`: the words of the left side are looked for first on the right.
        let want = match &a {
            Val::Plain(Value::Word(_) | Value::None) | Val::Unknown(Type::Enum(_)) => self.words_of_expr(left, &a),
            // `clocks != [realtime]`: a list of words has the words of its members.
            Val::Unknown(list @ Type::List(_)) => list.clone(),
            Val::List(_) => match self.words_of_expr(left, &a) {
                words @ Type::Enum(_) => Type::List(Arc::new(words)),
                _ => Type::Any,
            },
            Val::Decl(id) if matches!(self.program.item(*id).kind, ItemKind::Record(RecordWord::Environment, _)) => {
                Type::Environment
            }
            Val::Unknown(Type::Environment) => Type::Environment,
            _ => Type::Any,
        };
        let b = self.value(right, &want);
        self.compare_values(&a, op, &b, left, right)
    }

    /// The comparison of two values; conditions where one of them is measured.
    pub fn compare_values(&mut self, a: &Val, op: Comparison, b: &Val, left: &Expr, right: &Expr) -> Val {
        if a.is_error() || b.is_error() {
            return Val::error();
        }
        if let Some(diagnostic) = self.not_called(a, left).or_else(|| self.not_called(b, right)) {
            self.report(diagnostic);
            return Val::error();
        }
        if let Some(equal) = same_or_none(a, b) {
            return match op {
                Comparison::Equal | Comparison::NotEqual => Val::Plain(Value::Bool((op == Comparison::Equal) == equal)),
                _ => Val::error(),
            };
        }
        let (of_a, of_b) = (self.measured(a), self.measured(b));
        let is_open = |ty: &Type| matches!(ty, Type::List(_) | Type::Optional(_) | Type::Map);
        let is_unknown = matches!(a, Val::Unknown(_)) || matches!(b, Val::Unknown(_));
        if is_unknown && (is_open(&of_a) || is_open(&of_b)) {
            return Val::Unknown(Type::Bool);
        }
        if !comparable(&of_a, &of_b) {
            return self.do_not_compare(a, b, &of_a, &of_b, left, right);
        }
        let ordered = !matches!(of_a, Type::Bool | Type::Enum(_) | Type::String | Type::Url | Type::Host)
            && !matches!(a, Val::Decl(_));
        if !ordered && !matches!(op, Comparison::Equal | Comparison::NotEqual) {
            self.report(
                Diagnostic::new(
                    Code::TYPE_MISMATCH,
                    left.span.to(right.span),
                    format!("{} has no order, so `{}` says nothing", self.describe(a), op.text()),
                )
                .help("compare with `==` or `!=`"),
            );
            return Val::error();
        }
        match (a, b) {
            (Val::Plain(x), Val::Plain(y)) => match order(x, y) {
                Some(ordering) => Val::Plain(Value::Bool(op.holds(ordering))),
                None => Val::error(),
            },
            (Val::Decl(x), Val::Decl(y)) => {
                Val::Plain(Value::Bool(op.holds(if x == y { Ordering::Equal } else { Ordering::Less })))
            }
            _ => match (operand(a), operand(b)) {
                (Some(left), Some(right)) => Val::Condition(Arc::new(Condition::Compare { left, op, right })),
                _ => Val::Unknown(Type::Bool),
            },
        }
    }

    fn do_not_compare(&mut self, a: &Val, b: &Val, of_a: &Type, of_b: &Type, left: &Expr, right: &Expr) -> Val {
        // A bare number beside a quantity is the most common slip: it has its own words.
        let measured_quantity = !matches!(of_a, Type::Int | Type::Number);
        if measured_quantity && matches!(b, Val::Plain(Value::Int(_) | Value::Number(_))) {
            return self.fit(b.clone(), of_a, right);
        }
        let (x, y) = (self.describe(a), self.describe(b));
        self.report(
            Diagnostic::new(Code::NOT_COMPARABLE, right.span, format!("{x} does not compare with {y}"))
                .label(format!("this is {}", article(of_b)))
                .also(left.span, format!("this is {}", article(of_a)))
                .why("what a metric measures compares only with the same kind of thing"),
        );
        Val::error()
    }

    /// A metric that is named where its samples are wanted.
    pub(super) fn not_called(&self, value: &Val, expr: &Expr) -> Option<Diagnostic> {
        let Val::Decl(id) = value else { return None };
        let item = self.program.item(*id);
        let ItemKind::Metric(_) = &item.kind else { return None };
        let name = &item.name.text;
        Some(
            Diagnostic::new(
                Code::TYPE_MISMATCH,
                expr.span,
                format!("the metric `{name}` is named here, and not asked"),
            )
            .also(item.name.span, "declared here")
            .help(format!("say of what: `{name}(checkout)`; brackets stay even if they are empty")),
        )
    }

    pub(super) fn is_in(&mut self, item: &Expr, list: &Expr, negated: bool) -> Val {
        // `dev not in experiment.environments`: a name that is not visible may be a word of what the list holds.
        let first = match &item.kind {
            ExprKind::Name(name) if !self.means_something(name) => {
                let found = self.value(list, &Type::Any);
                match self.type_of(&found) {
                    Type::List(inner) => (*inner).clone(),
                    _ => Type::Any,
                }
            }
            _ => Type::Any,
        };
        let a = self.value(item, &first);
        let each = match &a {
            Val::Plain(Value::Word(_)) | Val::Unknown(Type::Enum(_)) => self.words_of_expr(item, &a),
            Val::Facts(super::FactsOf::Fault) => Type::Fault,
            Val::Decl(_) | Val::Unknown(_) => match self.type_of(&a) {
                ty @ Type::Environment => ty,
                _ => Type::Any,
            },
            _ => Type::Any,
        };
        let want = match &list.kind {
            ExprKind::Range { .. } => Type::Any,
            _ => Type::List(Arc::new(each)),
        };
        let b = self.value(list, &want);
        if a.is_error() || b.is_error() {
            return Val::error();
        }
        let a = match a {
            Val::Facts(super::FactsOf::Fault) => {
                self.policy.as_ref().and_then(|p| p.fault.get("").cloned()).unwrap_or(Val::Unknown(Type::Fault))
            }
            other => other,
        };
        let members = match &b {
            Val::List(items) | Val::Range(items) => items.clone(),
            Val::Unknown(_) => return Val::Unknown(Type::Bool),
            other => {
                let found = self.describe(other);
                self.report(
                    Diagnostic::new(
                        Code::TYPE_MISMATCH,
                        list.span,
                        format!("`in` looks into a list or range, and this is {found}"),
                    )
                    .help("write `[a, b]` or `a..b`"),
                );
                return Val::error();
            }
        };
        if self.is_sampled(&a) {
            let found = self.is_measured_in(&a, &b, &members, item, list);
            return if negated { negate(found) } else { found };
        }
        let found = match &a {
            Val::Plain(x) if let Some((first, last)) = ends(&b) => is_between(x, first, last),
            Val::Plain(x) => members.iter().any(|m| matches!(m, Val::Plain(y) if order(x, y) == Some(Ordering::Equal))),
            Val::Decl(x) => members.iter().any(|m| matches!(m, Val::Decl(y) if x == y)),
            _ => return Val::Unknown(Type::Bool),
        };
        if !found && members.iter().any(Val::is_unknown) {
            return Val::Unknown(Type::Bool);
        }
        Val::Plain(Value::Bool(found != negated))
    }

    /// `status() in [200, 204]`, `time() in 1ms..60s`: what is measured, compared with each member or with both ends.
    fn is_measured_in(&mut self, a: &Val, within: &Val, members: &[Val], item: &Expr, list: &Expr) -> Val {
        let between = ends(within).map(|(first, last)| {
            let end = |value: &Value| Val::Plain(value.clone());
            vec![(Comparison::GreaterOrEqual, end(first)), (Comparison::LessOrEqual, end(last))]
        });
        let is_between = between.is_some();
        let wanted = between.unwrap_or_else(|| members.iter().map(|m| (Comparison::Equal, m.clone())).collect());
        let mut conditions = Vec::new();
        for (op, member) in wanted {
            match self.compare_values(a, op, &member, item, list) {
                Val::Condition(condition) => conditions.push(Arc::unwrap_or_clone(condition)),
                unknown => return unknown,
            }
        }
        Val::Condition(Arc::new(if is_between { Condition::All(conditions) } else { Condition::Any(conditions) }))
    }

    pub(super) fn range(&mut self, from: &Expr, to: &Expr, by: Option<&Expr>, want: &Type) -> Val {
        let each = match want {
            Type::List(inner) => (**inner).clone(),
            _ => Type::Any,
        };
        let a = self.value(from, &each);
        let b = self.value(to, &self.type_of(&a));
        let step = by.map(|by| self.value(by, &self.type_of(&a)));
        let (Val::Plain(first), Val::Plain(last)) = (&a, &b) else {
            return Val::Unknown(Type::List(Arc::new(self.type_of(&a))));
        };
        let step = match step {
            None => match first {
                Value::Int(_) => Value::Int(1),
                _ => {
                    // `1ms..60s` is a range of a type or of `in`: only its ends are asked for.
                    return Val::Range(Arc::new(vec![a.clone(), b.clone()]));
                }
            },
            Some(Val::Plain(step)) => step,
            Some(_) => return Val::Unknown(Type::List(Arc::new(self.type_of(&a)))),
        };
        self.members(first.clone(), last, &step, from.span.to(to.span))
    }

    fn members(&mut self, first: Value, last: &Value, step: &Value, span: Span) -> Val {
        let zero = combine(step, Arithmetic::Subtract, step).and_then(Result::ok);
        if zero.is_none_or(|zero| order(step, &zero).is_none_or(Ordering::is_le)) {
            self.report(Diagnostic::new(Code::OUT_OF_RANGE, span, "a range goes upwards by more than nothing"));
            return Val::error();
        }
        if order(&first, last).is_none_or(Ordering::is_gt) {
            self.report(
                Diagnostic::new(Code::OUT_OF_RANGE, span, format!("the range `{first}..{last}` is empty"))
                    .help("the smaller end comes first"),
            );
            return Val::error();
        }
        let mut members = Vec::new();
        let mut at = first;
        while order(&at, last).is_some_and(Ordering::is_le) {
            members.push(Val::Plain(at.clone()));
            if members.len() > MOST_MEMBERS {
                self.report(too_many(span, members.len()));
                return Val::error();
            }
            match combine(&at, Arithmetic::Add, step) {
                Some(Ok(next)) => at = next,
                _ => break,
            }
        }
        Val::Range(Arc::new(members))
    }

    pub(super) fn quantity(&mut self, quantity: &ShareQuantity) -> Option<Quantity> {
        let expr = match quantity {
            ShareQuantity::One => return Some(Quantity::Exactly(1)),
            ShareQuantity::All => return Some(Quantity::All),
            ShareQuantity::Of(expr) => expr,
        };
        match self.value(expr, &Type::Any) {
            Val::Plain(Value::Int(n)) => match u32::try_from(n) {
                Ok(n) if n > 0 => Some(Quantity::Exactly(n)),
                _ => {
                    self.report(
                        Diagnostic::new(Code::OUT_OF_RANGE, expr.span, format!("`{n} of` hits nothing"))
                            .help("write how many are hit: `one of`, `2 of`, `50% of`, `all of`"),
                    );
                    None
                }
            },
            Val::Plain(Value::Percent(p)) if p.0 > Decimal::ZERO && p.0 <= Decimal::from(100) => {
                Some(Quantity::Share(p))
            }
            Val::Plain(Value::Percent(p)) => {
                self.report(
                    Diagnostic::new(Code::OUT_OF_RANGE, expr.span, format!("`{p} of` is out of range"))
                        .help("a share is more than 0% and at most 100%"),
                );
                None
            }
            Val::Unknown(ty) if matches!(ty.base(), Type::Int | Type::Percent | Type::Any) => None,
            other => {
                let found = self.describe(&other);
                self.report(
                    Diagnostic::new(Code::TYPE_MISMATCH, expr.span, format!("{found} is no quantity of targets"))
                        .help("write `one of`, `2 of`, `50% of` or `all of`"),
                );
                None
            }
        }
    }

    /// The words that a `match` must name, and whether all of them must be there.
    pub(super) fn match_words(&mut self, scrutinee: &Val, on: &Expr) -> Option<Words> {
        match scrutinee {
            Val::Decl(id) if matches!(self.program.item(*id).kind, ItemKind::Record(RecordWord::Environment, _)) => {
                Some(self.environment_words())
            }
            Val::Unknown(Type::Environment) => Some(self.environment_words()),
            Val::Plain(Value::Bool(_)) | Val::Unknown(Type::Bool) => {
                Some(Words { known: vec!["true".into(), "false".into()], needed: vec!["true".into(), "false".into()] })
            }
            Val::Plain(Value::Word(_)) | Val::Unknown(Type::Enum(_)) | Val::List(_) => {
                match self.words_of_expr(on, scrutinee) {
                    Type::Enum(words) => Some(Words { known: words.to_vec(), needed: words.to_vec() }),
                    _ => None,
                }
            }
            Val::Unknown(Type::List(inner)) => match inner.base() {
                Type::Enum(words) => Some(Words { known: words.to_vec(), needed: words.to_vec() }),
                _ => None,
            },
            Val::Unknown(Type::Any) => None,
            other => {
                let found = self.describe(other);
                self.report(
                    Diagnostic::new(
                        Code::TYPE_MISMATCH,
                        on.span,
                        format!("`match` chooses by a word, and this is {found}"),
                    )
                    .help("match an enumeration's parameter, or `environment`"),
                );
                None
            }
        }
    }

    fn environment_words(&self) -> Words {
        let known: Vec<SmolStr> = self.program.environments.iter().map(|e| e.name.clone()).collect();
        let needed = match &self.environments {
            Some(allowed) => allowed.iter().map(|id| self.program.item(*id).name.text.clone()).collect(),
            None => known.clone(),
        };
        Words { known, needed }
    }

    pub(super) fn match_coverage(&mut self, words: &Words, arms: &[Arm], span: Span) {
        if words.known.is_empty() {
            // One file of a project that was checked alone: say it once, not for each word.
            self.report(
                Diagnostic::new(Code::UNKNOWN_WORD, span, "no environment is declared, so none can be matched")
                    .help("declare one, `environment dev { clusters: […] }`, or check the whole project: its folder"),
            );
            return;
        }
        let mut seen: Vec<(&SmolStr, Span)> = Vec::new();
        for name in arms.iter().flat_map(|arm| &arm.words) {
            if let Some((_, first)) = seen.iter().find(|(w, _)| **w == name.text) {
                let first = *first;
                self.report(super::expr::twice(name, first));
            }
            seen.push((&name.text, name.span));
            if words.known.contains(&name.text) {
                continue;
            }
            let diagnostic =
                Diagnostic::new(Code::UNKNOWN_WORD, name.span, format!("`{}` can never be matched here", name.text))
                    .help(format!("the words are {}", listed(&words.known)));
            self.report(match nearest(&name.text, words.known.iter().map(SmolStr::as_str)) {
                Some(near) => diagnostic.choice(format!("did you mean `{near}`?"), name.span, near),
                None => diagnostic,
            });
        }
        let missing: Vec<&SmolStr> = words.needed.iter().filter(|w| !seen.iter().any(|(s, _)| s == w)).collect();
        // A word that is misspelled is missing as well: that is one mistake.
        let misspelled = seen.iter().any(|(word, _)| nearest(word, missing.iter().map(|m| m.as_str())).is_some());
        if !missing.is_empty() && !misspelled {
            self.report(
                Diagnostic::new(
                    Code::MATCH_NOT_COMPLETE,
                    span,
                    format!("this `match` says nothing for {}", listed(&missing)),
                )
                .why("a value that is missing in one place would be found out there, in the middle of a run")
                .help("name every word; words that share a value are joined with `|`"),
            );
        }
    }

    /// The enumeration of an expression whose value is a word: a parameter's or field's type.
    pub(super) fn words_of_expr(&self, expr: &Expr, value: &Val) -> Type {
        if let Val::Unknown(ty @ Type::Enum(_)) = value {
            return ty.clone();
        }
        match &expr.kind {
            ExprKind::Member { name, .. } if name.text == "tier" => super::super::declared::tier_type(),
            ExprKind::Member { name, .. } if name.text == "provider" => super::select::provider_type(),
            ExprKind::Member { name, .. } if name.text == "by" => super::member::by_type(),
            ExprKind::Member { name, .. } if matches!(name.text.as_str(), "recovery" | "recovered") => {
                super::super::declared::recovered_type()
            }
            ExprKind::Member { name, .. } if name.text == "effect" => super::super::declared::effect_type(),
            ExprKind::Name(name) => {
                self.frame.word_types.iter().rev().find(|(n, _)| n == name).map_or(Type::Any, |(_, ty)| ty.clone())
            }
            _ => Type::Any,
        }
    }
}

/// The ends of a range of quantities: it holds whatever lies between them. One of whole numbers is written out.
fn ends(range: &Val) -> Option<(&Value, &Value)> {
    let Val::Range(items) = range else { return None };
    match items.as_slice() {
        [Val::Plain(Value::Int(_)), _] => None,
        [Val::Plain(first), Val::Plain(last)] => Some((first, last)),
        _ => None,
    }
}

fn is_between(value: &Value, first: &Value, last: &Value) -> bool {
    matches!(order(value, first), Some(Ordering::Equal | Ordering::Greater))
        && matches!(order(value, last), Some(Ordering::Equal | Ordering::Less))
}

/// The words that a `match` may and must name.
pub(super) struct Words {
    known: Vec<SmolStr>,
    needed: Vec<SmolStr>,
}

/// `peer == none`, `hosts != []`: whether the two are the same, where one side is `none` or both are lists.
fn same_or_none(a: &Val, b: &Val) -> Option<bool> {
    match (a, b) {
        (Val::Unknown(_), _) | (_, Val::Unknown(_)) => None,
        (Val::Plain(Value::None), Val::Plain(Value::None)) => Some(true),
        (Val::Plain(Value::None), _) | (_, Val::Plain(Value::None)) => Some(false),
        (Val::List(x), Val::List(y)) => Some(
            x.len() == y.len()
                && x.iter().zip(y.iter()).all(|(x, y)| match (x, y) {
                    (Val::Plain(x), Val::Plain(y)) => order(x, y) == Some(Ordering::Equal),
                    (Val::Decl(x), Val::Decl(y)) => x == y,
                    _ => false,
                }),
        ),
        (Val::Record(x), Val::Record(y)) if x.is_empty() || y.is_empty() => Some(x.len() == y.len()),
        _ => None,
    }
}

fn operand(value: &Val) -> Option<Operand> {
    match value {
        Val::Plain(plain) => Some(Operand::Constant(plain.clone())),
        Val::Sampled(operand, _) => Some((**operand).clone()),
        Val::Condition(condition) => match **condition {
            Condition::Holds(stream) => Some(Operand::Stream(stream)),
            _ => None,
        },
        _ => None,
    }
}

/// Whether two types compare.
fn comparable(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Any, _) | (_, Type::Any) => true,
        (Type::Int | Type::Number, Type::Int | Type::Number) => true,
        (Type::Enum(_), Type::Enum(_)) => true,
        (Type::Optional(inner), other) | (other, Type::Optional(inner)) => comparable(inner.base(), other.base()),
        (Type::String, Type::Url | Type::Host) | (Type::Url | Type::Host, Type::String) => true,
        (Type::List(_) | Type::Record | Type::Map | Type::Secret | Type::Target(_) | Type::Selector(_), _) => false,
        (a, b) => a == b,
    }
}

fn combined_type(a: &Type, op: Arithmetic, b: &Type) -> Option<Type> {
    let number = |t: &Type| matches!(t, Type::Int | Type::Number);
    match op {
        _ if *a == Type::Any || *b == Type::Any => Some(Type::Any),
        Arithmetic::Add if matches!((a, b), (Type::List(_), Type::List(_))) => Some(a.clone()),
        Arithmetic::Add | Arithmetic::Subtract if a == b && !matches!(a, Type::String | Type::Bool) => Some(a.clone()),
        Arithmetic::Add | Arithmetic::Subtract | Arithmetic::Multiply | Arithmetic::Divide
            if number(a) && number(b) =>
        {
            Some(Type::Number)
        }
        Arithmetic::Multiply if number(a) && quantity_type(b) => Some(b.clone()),
        Arithmetic::Multiply | Arithmetic::Divide if number(b) && quantity_type(a) => Some(a.clone()),
        Arithmetic::Divide if a == b && quantity_type(a) => Some(Type::Number),
        _ => None,
    }
}

fn quantity_type(ty: &Type) -> bool {
    matches!(ty, Type::Duration | Type::Offset | Type::Percent | Type::Bytes | Type::Bitrate | Type::Cores | Type::Rate)
}

/// Two known values combined: `None` if the operator does not go with them, an error if the result is out of range.
fn combine(a: &Value, op: Arithmetic, b: &Value) -> Option<Result<Value, String>> {
    if let (Some(x), Some(y)) = (plain_number(a), plain_number(b)) {
        let whole = matches!((a, b), (Value::Int(_), Value::Int(_)));
        return Some(calculate(x, op, y).map(|n| if whole && op != Arithmetic::Divide { int(n) } else { tidy(n) }));
    }
    match (base_units(a), base_units(b), plain_number(a), plain_number(b)) {
        (Some((x, of)), Some((y, of_b)), ..) if of == of_b && op != Arithmetic::Multiply => {
            let result = calculate(x, op, y);
            Some(match op {
                Arithmetic::Divide => result.map(tidy),
                _ => result.and_then(|n| rebuild(a, n)),
            })
        }
        (Some((x, _)), None, _, Some(y)) if matches!(op, Arithmetic::Multiply | Arithmetic::Divide) => {
            Some(calculate(x, op, y).and_then(|n| rebuild(a, n)))
        }
        (None, Some((y, _)), Some(x), _) if op == Arithmetic::Multiply => {
            Some(calculate(x, op, y).and_then(|n| rebuild(b, n)))
        }
        _ => None,
    }
}

fn calculate(x: Decimal, op: Arithmetic, y: Decimal) -> Result<Decimal, String> {
    match op {
        Arithmetic::Add => x.checked_add(y),
        Arithmetic::Subtract => x.checked_sub(y),
        Arithmetic::Multiply => x.checked_mul(y),
        Arithmetic::Divide if y.is_zero() => return Err("nothing can be divided by zero".into()),
        Arithmetic::Divide => x.checked_div(y),
    }
    .ok_or_else(|| "the result is too large".into())
}

fn int(n: Decimal) -> Value {
    i64::try_from(n).map_or(Value::Number(n), Value::Int)
}

fn tidy(n: Decimal) -> Value {
    if n.fract().is_zero() { int(n) } else { Value::Number(n.normalize()) }
}

/// A quantity of `like`'s type from base units.
fn rebuild(like: &Value, amount: Decimal) -> Result<Value, String> {
    let below = || format!("the result is below zero, which {} cannot be", like.describe());
    let whole = |n: Decimal| u64::try_from(n.round()).map_err(|_| below());
    Ok(match like {
        Value::Duration(_) => {
            Value::Duration(Duration::from_nanos(whole(amount)?).ok_or_else(|| "the duration is too long".to_owned())?)
        }
        Value::Offset(_) => {
            let nanos = u64::try_from(amount.abs().round()).ok().and_then(Duration::from_nanos);
            let length = nanos.ok_or_else(|| "the offset is too long".to_owned())?;
            Value::Offset(Offset::new(length, amount.is_sign_negative()))
        }
        Value::Percent(_) if amount.is_sign_negative() && !amount.is_zero() => return Err(below()),
        Value::Percent(_) => Value::Percent(Percent(amount.normalize())),
        Value::Bytes(_) => Value::Bytes(Bytes(whole(amount)?)),
        Value::Bitrate(_) => Value::Bitrate(Bitrate(whole(amount)?)),
        Value::Cores(_) if amount.is_sign_negative() && !amount.is_zero() => return Err(below()),
        Value::Cores(_) => Value::Cores(Cores(amount.normalize())),
        Value::Rate(_) if amount.is_sign_negative() && !amount.is_zero() => return Err(below()),
        Value::Rate(_) => Value::Rate(Rate(amount.normalize())),
        other => return Err(format!("{} has no unit", other.describe())),
    })
}
