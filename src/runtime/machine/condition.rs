//! Conditions over the latest samples: true, false, or not to be decided.

use std::cmp::Ordering;

use crate::analysis::number;
use crate::plan::{Arithmetic, Comparison, Condition, Operand};
use crate::types::{Bitrate, Bytes, Cores, Decimal, Duration, Offset, Percent, Rate, Value};

/// Whether a condition holds for these samples; `None` if a sample is missing or nothing can be computed from them (a division
/// by zero, values of different types).
pub fn evaluate<'v>(condition: &Condition, sample: &impl Fn(u32) -> Option<&'v Value>) -> Option<bool> {
    match condition {
        Condition::Constant(value) => Some(*value),
        Condition::Holds(stream) => match sample(*stream)? {
            Value::Bool(value) => Some(*value),
            _ => None,
        },
        Condition::Compare { left, op, right } => compare(&operand(left, sample)?, *op, &operand(right, sample)?),
        Condition::Not(inner) => evaluate(inner, sample).map(|value| !value),
        // All have to be decided: a sample of the whole is one where each has a valid one.
        Condition::All(inner) => inner.iter().try_fold(true, |all, c| evaluate(c, sample).map(|value| all && value)),
        Condition::Any(inner) => inner.iter().try_fold(false, |any, c| evaluate(c, sample).map(|value| any || value)),
    }
}

fn compare(left: &Value, op: Comparison, right: &Value) -> Option<bool> {
    if let (Some(l), Some(r)) = (number(left), number(right)) {
        return same_kind(left, right).then(|| op.holds(l.cmp(&r)));
    }
    if std::mem::discriminant(left) != std::mem::discriminant(right) {
        return None;
    }
    match op {
        Comparison::Equal => Some(left == right),
        Comparison::NotEqual => Some(left != right),
        _ => match (left.as_text(), right.as_text()) {
            (Some(l), Some(r)) => Some(op.holds(l.cmp(r))),
            _ => None,
        },
    }
}

/// Whole numbers go with decimals, durations with offsets; every other quantity with its own kind alone.
fn same_kind(left: &Value, right: &Value) -> bool {
    let plain = |v: &Value| matches!(v, Value::Int(_) | Value::Number(_));
    let time = |v: &Value| matches!(v, Value::Duration(_) | Value::Offset(_));
    let same = std::mem::discriminant(left) == std::mem::discriminant(right);
    plain(left) && plain(right) || time(left) && time(right) || same
}

fn operand<'v>(operand_: &Operand, sample: &impl Fn(u32) -> Option<&'v Value>) -> Option<Value> {
    match operand_ {
        Operand::Constant(value) => Some(value.clone()),
        Operand::Stream(stream) => sample(*stream).cloned(),
        Operand::Combine { left, op, right } => combine(&operand(left, sample)?, *op, &operand(right, sample)?),
    }
}

fn combine(left: &Value, op: Arithmetic, right: &Value) -> Option<Value> {
    let (l, r) = (number(left)?, number(right)?);
    let plain = |v: &Value| matches!(v, Value::Int(_) | Value::Number(_));
    match op {
        Arithmetic::Add if same_kind(left, right) => of_kind(left, l.checked_add(r)?),
        Arithmetic::Subtract if same_kind(left, right) => of_kind(left, l.checked_sub(r)?),
        Arithmetic::Multiply if plain(right) => of_kind(left, l.checked_mul(r)?),
        Arithmetic::Multiply if plain(left) => of_kind(right, l.checked_mul(r)?),
        Arithmetic::Divide if plain(right) => of_kind(left, l.checked_div(r)?),
        Arithmetic::Divide if same_kind(left, right) => Some(Value::Number(l.checked_div(r)?)),
        _ => None,
    }
}

/// A number in the base unit of a kind. Nothing is lost in between: what does not fit stays a decimal or is no value.
fn of_kind(kind: &Value, number: Decimal) -> Option<Value> {
    use rust_decimal::prelude::ToPrimitive;
    Some(match kind {
        Value::Int(_) | Value::Number(_) => Value::Number(number),
        Value::Duration(_) | Value::Offset(_) => {
            let length = Duration::from_nanos(number.abs().round().to_u64()?)?;
            // A difference of durations may be negative, and is then still compared with durations by its number.
            if number.is_sign_negative() && !number.is_zero() || matches!(kind, Value::Offset(_)) {
                Value::Offset(Offset::new(length, number.is_sign_negative()))
            } else {
                Value::Duration(length)
            }
        }
        Value::Percent(_) => Value::Percent(Percent(number)),
        Value::Bytes(_) => Value::Bytes(Bytes(number.round().to_u64()?)),
        Value::Bitrate(_) => Value::Bitrate(Bitrate(number.round().to_u64()?)),
        Value::Cores(_) => Value::Cores(Cores(number)),
        Value::Rate(_) => Value::Rate(Rate(number)),
        _ => return None,
    })
}

/// Whether a value is of a stream's type.
#[must_use]
pub fn fits(of_type: &str, value: &Value) -> bool {
    let not_negative = |n: &Decimal| n.cmp(&Decimal::ZERO) != Ordering::Less;
    match (of_type, value) {
        ("Bool", Value::Bool(_))
        | ("Int", Value::Int(_))
        | ("Number", Value::Number(_) | Value::Int(_))
        | ("Duration", Value::Duration(_))
        | ("Offset", Value::Offset(_))
        | ("Percent", Value::Percent(_))
        | ("Bytes", Value::Bytes(_))
        | ("Bitrate", Value::Bitrate(_))
        | ("String", Value::String(_))
        | ("Date", Value::Date(_)) => true,
        ("Cores", Value::Cores(c)) => not_negative(&c.0),
        ("Rate", Value::Rate(r)) => not_negative(&r.0),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(text: &str) -> Value {
        Value::Percent(text.parse().unwrap())
    }

    #[test]
    fn kinds_are_not_mixed() {
        assert_eq!(compare(&percent("99.5%"), Comparison::GreaterOrEqual, &percent("99.5%")), Some(true));
        assert_eq!(compare(&Value::Int(3), Comparison::Less, &Value::Number(Decimal::new(35, 1))), Some(true));
        assert_eq!(compare(&percent("1%"), Comparison::Less, &Value::Int(3)), None);
        assert_eq!(compare(&Value::Bool(true), Comparison::Equal, &Value::Bool(true)), Some(true));
    }

    #[test]
    fn a_whole_is_decided_only_where_each_part_is() {
        let yes = Value::Bool(true);
        let sample = |stream: u32| (stream == 0).then_some(&yes);
        let any = Condition::Any(vec![Condition::Holds(0), Condition::Holds(1)]);
        assert_eq!(evaluate(&any, &sample), None);
        assert_eq!(evaluate(&Condition::Not(Box::new(Condition::Holds(0))), &sample), Some(false));
    }

    #[test]
    fn division_by_zero_is_no_sample() {
        assert_eq!(combine(&percent("1%"), Arithmetic::Divide, &Value::Int(0)), None);
        assert_eq!(
            combine(&percent("1%"), Arithmetic::Divide, &percent("2%")),
            Some(Value::Number(Decimal::new(5, 1)))
        );
    }
}
