//! Whether a condition can be true and can be false, from the types of what it compares.
//!
//! Comes in: a condition and the streams it samples. Goes out: [`Truth`]. Says `Depends` wherever it is not certain:
//! intervals of exact decimals, no guessing about what a metric will give.

use std::cmp::Ordering;

use super::facts;
use crate::plan::{Arithmetic, Comparison, Condition, HttpAnswer, ObjectiveFact, Operand, Plan, Source, Stream};
use crate::types::{Decimal, Percent, Value};

/// What is known of a condition before any sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// True for every valid sample.
    Always,
    /// False for every valid sample.
    Never,
    /// A sample decides.
    Depends,
}

impl Truth {
    fn negate(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::Depends => Self::Depends,
        }
    }
}

/// The values that an operand may take; `None` is unbounded on that side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interval {
    least: Option<Decimal>,
    greatest: Option<Decimal>,
}

const ANYTHING: Interval = Interval { least: None, greatest: None };

/// What is known of a condition before any sample.
pub fn truth(plan: &Plan, condition: &Condition) -> Truth {
    match condition {
        Condition::Constant(true) => Truth::Always,
        Condition::Constant(false) => Truth::Never,
        Condition::Holds(_) => Truth::Depends,
        Condition::Compare { left, op, right } => compare(plan, left, *op, right),
        Condition::Not(inner) => truth(plan, inner).negate(),
        Condition::All(inner) => {
            if inner.iter().any(|c| truth(plan, c) == Truth::Never) || contradicts(inner, false) {
                Truth::Never
            } else if inner.iter().all(|c| truth(plan, c) == Truth::Always) {
                Truth::Always
            } else {
                Truth::Depends
            }
        }
        Condition::Any(inner) => {
            if inner.iter().any(|c| truth(plan, c) == Truth::Always) || contradicts(inner, true) {
                Truth::Always
            } else if inner.iter().all(|c| truth(plan, c) == Truth::Never) {
                Truth::Never
            } else {
                Truth::Depends
            }
        }
    }
}

fn compare(plan: &Plan, left: &Operand, op: Comparison, right: &Operand) -> Truth {
    if left == right {
        return if op.holds(Ordering::Equal) { Truth::Always } else { Truth::Never };
    }
    if let (Operand::Constant(left), Operand::Constant(right)) = (left, right)
        && number(left).is_none()
        && let Comparison::Equal | Comparison::NotEqual = op
    {
        let same = if left == right { Ordering::Equal } else { Ordering::Less };
        return if op.holds(same) { Truth::Always } else { Truth::Never };
    }
    let (l, r) = (interval(plan, left), interval(plan, right));
    let possible = [
        (Ordering::Less, may(l.least, r.greatest, Decimal::lt)),
        (Ordering::Greater, may(r.least, l.greatest, Decimal::lt)),
        (Ordering::Equal, may(l.least, r.greatest, Decimal::le) && may(r.least, l.greatest, Decimal::le)),
    ];
    let mut outcomes = possible.iter().filter(|(_, may)| *may).map(|(ordering, _)| op.holds(*ordering));
    match (outcomes.clone().all(|o| o), outcomes.any(|o| o)) {
        (true, true) => Truth::Always,
        (false, false) => Truth::Never,
        _ => Truth::Depends,
    }
}

/// Whether the least of one side may stand in this order to the greatest of the other.
fn may(least: Option<Decimal>, greatest: Option<Decimal>, order: fn(&Decimal, &Decimal) -> bool) -> bool {
    match (least, greatest) {
        (Some(least), Some(greatest)) => order(&least, &greatest),
        _ => true,
    }
}

fn interval(plan: &Plan, operand: &Operand) -> Interval {
    match operand {
        Operand::Constant(value) => match number(value) {
            Some(n) => Interval { least: Some(n), greatest: Some(n) },
            None => ANYTHING,
        },
        Operand::Stream(index) => facts::stream(plan, *index).map_or(ANYTHING, domain),
        Operand::Combine { left, op, right } => combine(plan, left, *op, right),
    }
}

fn combine(plan: &Plan, left: &Operand, op: Arithmetic, right: &Operand) -> Interval {
    let (l, r) = (interval(plan, left), interval(plan, right));
    let both = |a: Option<Decimal>, b: Option<Decimal>, f: fn(Decimal, Decimal) -> Option<Decimal>| f(a?, b?);
    match op {
        Arithmetic::Add => Interval {
            least: both(l.least, r.least, Decimal::checked_add),
            greatest: both(l.greatest, r.greatest, Decimal::checked_add),
        },
        Arithmetic::Subtract => Interval {
            least: both(l.least, r.greatest, Decimal::checked_sub),
            greatest: both(l.greatest, r.least, Decimal::checked_sub),
        },
        Arithmetic::Multiply => match (plain(left), plain(right)) {
            (_, Some(factor)) => scale(l, factor),
            (Some(factor), None) => scale(r, factor),
            (None, None) => ANYTHING,
        },
        Arithmetic::Divide => match plain(right).filter(|d| !d.is_zero()) {
            Some(divisor) => Decimal::ONE.checked_div(divisor).map_or(ANYTHING, |factor| scale(l, factor)),
            None => ANYTHING,
        },
    }
}

/// A constant without a unit.
fn plain(operand: &Operand) -> Option<Decimal> {
    match operand {
        Operand::Constant(value @ (Value::Int(_) | Value::Number(_))) => number(value),
        _ => None,
    }
}

fn scale(of: Interval, factor: Decimal) -> Interval {
    let times = |end: Option<Decimal>| end.and_then(|e| e.checked_mul(factor));
    if factor.is_sign_negative() {
        Interval { least: times(of.greatest), greatest: times(of.least) }
    } else {
        Interval { least: times(of.least), greatest: times(of.greatest) }
    }
}

/// A quantity in its base unit, to be compared with others of its type only.
pub fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Int(n) => Some(Decimal::from(*n)),
        Value::Number(n) => Some(*n),
        Value::Duration(d) => Some(Decimal::from(d.as_nanos())),
        Value::Offset(o) => Some(Decimal::from(o.as_nanos())),
        Value::Percent(p) => Some(p.0),
        Value::Bytes(b) => Some(Decimal::from(b.0)),
        Value::Bitrate(b) => Some(Decimal::from(b.0)),
        Value::Cores(c) => Some(c.0),
        Value::Rate(r) => Some(r.0),
        _ => None,
    }
}

/// What samples of a stream can be.
fn domain(stream: &Stream) -> Interval {
    let from_zero = Interval { least: Some(Decimal::ZERO), greatest: None };
    match &stream.source {
        Source::Kubernetes { .. } | Source::Processes { .. } | Source::Tcp { .. } | Source::Dns { .. } => {
            return from_zero;
        }
        Source::Http { answer: HttpAnswer::Status, .. } => {
            return Interval { least: Some(Decimal::from(100)), greatest: Some(Decimal::from(599)) };
        }
        // A budget that is overspent leaves less than nothing.
        Source::Objective { what: ObjectiveFact::BudgetLeft, .. } => {
            return Interval { least: None, greatest: Some(Decimal::ONE_HUNDRED) };
        }
        Source::Objective { what: ObjectiveFact::BudgetSpent, .. } => return from_zero,
        Source::Objective { what: ObjectiveFact::BurnRate, objective, .. } => {
            return Interval { greatest: fastest_burn(*objective), ..from_zero };
        }
        _ => {}
    }
    match stream.of_type.as_str() {
        "Percent" => Interval { least: Some(Decimal::ZERO), greatest: Some(Decimal::ONE_HUNDRED) },
        "Duration" | "Bytes" | "Bitrate" | "Cores" | "Rate" => from_zero,
        _ => ANYTHING,
    }
}

/// How fast an error budget can burn at most: everything is bad.
pub fn fastest_burn(objective: Percent) -> Option<Decimal> {
    Decimal::ONE_HUNDRED.checked_div(Decimal::ONE_HUNDRED.checked_sub(objective.0)?)
}

/// Whether conditions exclude each other: one is the opposite of another, or comparisons of one stream with constants
/// leave no value. With `negated`, whether their opposites do (then one of them is always true).
fn contradicts(conditions: &[Condition], negated: bool) -> bool {
    let is_opposite = |a: &Condition, b: &Condition| matches!(a, Condition::Not(inner) if **inner == *b);
    let opposed =
        |(i, a): (usize, &Condition)| conditions.iter().skip(i + 1).any(|b| is_opposite(a, b) || is_opposite(b, a));
    if conditions.iter().enumerate().any(opposed) {
        return true;
    }
    let bounds: Vec<(u32, Comparison, Decimal)> = conditions.iter().filter_map(|c| bound(c, negated)).collect();
    bounds.iter().enumerate().any(|(i, a)| bounds.iter().skip(i + 1).any(|b| a.0 == b.0 && exclude(a, b)))
}

/// A comparison of a stream with a constant, or of its opposite.
fn bound(condition: &Condition, negated: bool) -> Option<(u32, Comparison, Decimal)> {
    match condition {
        Condition::Compare { left: Operand::Stream(stream), op, right: Operand::Constant(value) } => {
            Some((*stream, if negated { opposite(*op) } else { *op }, number(value)?))
        }
        Condition::Not(inner) => bound(inner, !negated),
        _ => None,
    }
}

fn opposite(op: Comparison) -> Comparison {
    match op {
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
        Comparison::Less => Comparison::GreaterOrEqual,
        Comparison::LessOrEqual => Comparison::Greater,
        Comparison::Greater => Comparison::LessOrEqual,
        Comparison::GreaterOrEqual => Comparison::Less,
    }
}

/// Whether no number satisfies both: it is enough to try the two bounds and a point on each side of and between them.
fn exclude(a: &(u32, Comparison, Decimal), b: &(u32, Comparison, Decimal)) -> bool {
    let (low, high) = if a.2 <= b.2 { (a.2, b.2) } else { (b.2, a.2) };
    let middle = low.checked_add(high).and_then(|sum| sum.checked_div(Decimal::TWO));
    let candidates = [low.checked_sub(Decimal::ONE), Some(low), middle, Some(high), high.checked_add(Decimal::ONE)];
    // Where arithmetic overflows nothing is proved.
    candidates.iter().all(|c| c.is_some_and(|c| !(a.1.holds(c.cmp(&a.2)) && b.1.holds(c.cmp(&b.2)))))
}

/// How the values that satisfy one comparison with a constant lie to those that satisfy another.
pub fn is_weaker(strict: (Comparison, Decimal), weak: (Comparison, Decimal)) -> bool {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    let (op, bound) = strict;
    let (weak_op, weak_bound) = weak;
    match (op, weak_op) {
        (Less, Less) | (LessOrEqual, LessOrEqual | Less) => weak_bound > bound,
        (Less, LessOrEqual) => weak_bound >= bound,
        (Greater, Greater) | (GreaterOrEqual, GreaterOrEqual | Greater) => weak_bound < bound,
        (Greater, GreaterOrEqual) => weak_bound <= bound,
        (Equal, Less | LessOrEqual | Greater | GreaterOrEqual | NotEqual) => weak_op.holds(bound.cmp(&weak_bound)),
        (Less | LessOrEqual | Greater | GreaterOrEqual, NotEqual) => !op.holds(weak_bound.cmp(&bound)),
        _ => false,
    }
}
