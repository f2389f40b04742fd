//! Samples as a line of small bars.

use crate::types::{Decimal, Value};

/// The samples as small bars, from the least to the greatest among them; a missing one is a gap.
pub(super) fn sparkline(samples: &[Option<Value>], unicode: bool) -> String {
    use rust_decimal::prelude::ToPrimitive;
    let bars: &[char] = if unicode {
        &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
    } else {
        &['_', '.', ',', '-', '=', '*', '#', '#']
    };
    let numbers: Vec<Option<Decimal>> = samples.iter().map(|value| value.as_ref().and_then(number)).collect();
    let known = || numbers.iter().flatten().copied();
    let (Some(least), Some(most)) = (known().min(), known().max()) else { return String::new() };
    let span = most.checked_sub(least).unwrap_or_default().max(quiet(samples, most));
    let bar = |n: Decimal| {
        let place = match most == least {
            true => Some(3),
            false => {
                let above = n.checked_sub(least).and_then(|above| above.checked_mul(7.into()));
                above.and_then(|x| x.checked_div(span)).and_then(|e| e.to_usize())
            }
        };
        place.and_then(|place| bars.get(place)).copied().unwrap_or(' ')
    };
    numbers.iter().map(|number| number.map_or(' ', bar)).collect()
}

/// What changes by less than this is drawn as still: a tenth, but for shares, of which each little bit counts.
fn quiet(samples: &[Option<Value>], most: Decimal) -> Decimal {
    let is_share = samples.iter().flatten().any(|value| matches!(value, Value::Percent(_)));
    let tenth = most.abs().checked_div(Decimal::TEN).unwrap_or_default();
    if is_share { Decimal::ZERO } else { tenth }
}

fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Bool(b) => Some(Decimal::from(u8::from(*b))),
        value => crate::analysis::number(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparklines_show_the_shape_and_what_is_missing() {
        let int = |n| Some(Value::Int(n));
        assert_eq!(sparkline(&[int(0), int(7), None, int(14)], true), "▁▄ █");
        assert_eq!(sparkline(&[int(0), int(7), None, int(14)], false), "_- #");
        assert_eq!(sparkline(&[int(3), int(3)], true), "▄▄");
        assert_eq!(sparkline(&[int(1000), int(1001), int(1000)], true), "▁▁▁");
        assert_eq!(sparkline(&[None], true), "");
        // As far apart as numbers can be.
        let far = |n| Some(Value::Number(n));
        assert_eq!(sparkline(&[far(Decimal::MIN), far(Decimal::MAX)], true).chars().count(), 2);
    }
}
