//! What streams say when all is well: each expectation holds, each check does, no guard is true.
//!
//! Comes in: a plan. Goes out: a value for each stream, so that whoever writes a case says only what goes wrong. It is found
//! by trying the bounds that the plan itself names and what lies next to them; where that is not enough, the case has to say it.

use crate::analysis::number;
use crate::plan::{Condition, GuardWhen, Phase, Plan, Step, StepKind};
use crate::runtime::machine::evaluate;
use crate::types::{Bitrate, Bytes, Cores, Decimal, Duration, Offset, Percent, Rate, Value};

/// A value for each stream; `None` where none is found.
#[must_use]
pub fn well(plan: &Plan) -> Vec<Option<Value>> {
    let mut wanted: Vec<(&Condition, bool)> = Vec::new();
    for expectation in &plan.expectations {
        wanted.push((&expectation.condition, true));
        if let Phase::Relaxed { condition, .. } = &expectation.phase {
            wanted.push((condition, true));
        }
    }
    for guard in &plan.guards {
        if let GuardWhen::Condition(condition) = &guard.when {
            wanted.push((condition, false));
        }
    }
    checks(&plan.method, &mut wanted);
    // Parts that must hold each by themselves are easier to satisfy than the whole.
    let mut parts = Vec::new();
    wanted.into_iter().for_each(|(condition, value)| split(condition, value, &mut parts));
    let streams = 0..u32::try_from(plan.streams.len()).unwrap_or(0);
    streams.map(|stream| for_stream(plan, stream, &parts)).collect()
}

fn checks<'p>(steps: &'p [Step], found: &mut Vec<(&'p Condition, bool)>) {
    for step in steps {
        match &step.kind {
            StepKind::Check { condition, .. } => found.push((condition, true)),
            StepKind::With { steps, .. }
            | StepKind::Parallel(steps)
            | StepKind::Sequence(steps)
            | StepKind::Round { steps, .. } => checks(steps, found),
            _ => {}
        }
    }
}

fn split<'p>(condition: &'p Condition, value: bool, found: &mut Vec<(&'p Condition, bool)>) {
    match (condition, value) {
        (Condition::Not(inner), _) => split(inner, !value, found),
        (Condition::All(inner), true) | (Condition::Any(inner), false) => {
            inner.iter().for_each(|c| split(c, value, found));
        }
        _ => found.push((condition, value)),
    }
}

fn for_stream(plan: &Plan, stream: u32, wanted: &[(&Condition, bool)]) -> Option<Value> {
    let of_type = &plan.streams.get(stream as usize)?.of_type;
    let alone: Vec<&(&Condition, bool)> = wanted.iter().filter(|(c, _)| c.streams() == [stream]).collect();
    let holds = |value: &Value| {
        alone.iter().all(|(c, wanted)| evaluate(c, &|s| (s == stream).then_some(value)) == Some(*wanted))
    };
    let constants: Vec<Value> = alone.iter().flat_map(|(c, _)| c.constants()).collect();
    candidates(of_type, &constants).into_iter().find(holds)
}

/// What a stream of this type might say, the likeliest first.
fn candidates(of_type: &str, constants: &[Value]) -> Vec<Value> {
    if of_type == "Bool" {
        return vec![Value::Bool(true), Value::Bool(false)];
    }
    let mut numbers: Vec<Decimal> = Vec::new();
    for constant in constants.iter().filter_map(number) {
        let half = constant.checked_div(Decimal::TWO);
        let double = constant.checked_mul(Decimal::TWO);
        let next = constant.checked_add(Decimal::ONE);
        let before = constant.checked_sub(Decimal::ONE);
        numbers.extend([half, Some(constant), double, next, before].into_iter().flatten());
    }
    if of_type == "Percent" {
        numbers.insert(0, Decimal::ONE_HUNDRED);
        numbers.retain(|n| *n <= Decimal::ONE_HUNDRED);
    }
    numbers.extend([Decimal::ZERO, Decimal::ONE, Decimal::ONE_HUNDRED]);
    // Between two bounds.
    let sorted = {
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        sorted
    };
    numbers.extend(sorted.windows(2).filter_map(|pair| pair[0].checked_add(pair[1])?.checked_div(Decimal::TWO)));
    let text = constants.iter().filter(|c| number(c).is_none()).cloned();
    numbers.into_iter().filter_map(|n| value_of(of_type, n)).chain(text).collect()
}

/// A number in the base unit of a type, as its value.
pub(super) fn value_of(of_type: &str, number: Decimal) -> Option<Value> {
    use rust_decimal::prelude::ToPrimitive;
    let whole = || number.round().to_u64();
    Some(match of_type {
        "Int" => Value::Int(number.round().to_i64()?),
        "Number" => Value::Number(number),
        "Percent" => Value::Percent(Percent(number)),
        "Duration" => Value::Duration(Duration::from_nanos(whole()?)?),
        "Offset" => {
            Value::Offset(Offset::new(Duration::from_nanos(number.abs().round().to_u64()?)?, number.is_sign_negative()))
        }
        "Bytes" => Value::Bytes(Bytes(whole()?)),
        "Bitrate" => Value::Bitrate(Bitrate(whole()?)),
        "Cores" => Value::Cores(Cores(number)),
        "Rate" => Value::Rate(Rate(number)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample::tour;

    #[test]
    fn the_tour_is_well() {
        let said: Vec<String> =
            well(&tour()).into_iter().map(|v| v.map_or("?".to_owned(), |v| v.to_string())).collect();
        assert_eq!(said, ["100%", "400ms", "true", "100%", "3"]);
    }
}
