//! What was seen when a condition broke, in words: `p99(shop) was 812ms`.
//!
//! Comes in: a condition and the latest samples. Goes out: text for people, which stands in every reason of a verdict.

use super::event::Answer;
use super::state::State;
use crate::plan::Condition;
use crate::types::{Decimal, Duration, Percent, Value};

impl State {
    /// In brackets, each stream of the condition with its latest value; `new` is a sample that is not the latest yet, or was
    /// overtaken. Empty if the condition samples nothing.
    pub(super) fn values(&self, condition: &Condition, new: Option<(u32, &Answer)>) -> String {
        let bounds = condition.constants();
        let seen: Vec<String> = condition
            .streams()
            .into_iter()
            .filter_map(|stream| {
                let of = self.plan.streams.get(stream as usize)?;
                let latest = || self.run.streams.get(stream as usize)?.latest.as_ref().map(|(_, answer)| answer);
                let answer = new.filter(|(own, _)| *own == stream).map(|(_, answer)| answer).or_else(latest)?;
                let because = answer.because.as_ref().map_or_else(String::new, |because| format!(": {because}"));
                Some(format!("{} was {}{because}", of.text, beside(&answer.value, &bounds)))
            })
            .collect();
        if seen.is_empty() { String::new() } else { format!(" ({})", seen.join(", ")) }
    }
}

/// Brief, unless that would be the very bound that it missed.
fn beside(value: &Value, bounds: &[Value]) -> String {
    let brief = briefly(value);
    if bounds.iter().any(|bound| bound.to_string() == brief) { value.to_string() } else { brief }
}

/// A value as one reads it in passing: a latency to its third digit, a share to a hundredth of a percent.
#[must_use]
pub fn briefly(value: &Value) -> String {
    match value {
        Value::Duration(length) => Value::Duration(three_digits(*length)).to_string(),
        Value::Percent(share) => Value::Percent(Percent(share.0.round_dp(2).normalize())).to_string(),
        Value::Number(number) if number.abs() >= Decimal::ONE => number.round_dp(2).normalize().to_string(),
        value => value.to_string(),
    }
}

fn three_digits(length: Duration) -> Duration {
    let nanos = length.as_nanos();
    let mut unit = 1u64;
    while nanos / unit >= 1000 {
        unit *= 10;
    }
    let rounded = (nanos + unit / 2) / unit * unit;
    Duration::from_nanos(rounded).unwrap_or(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(text: &str) -> Value {
        Value::Duration(text.parse().unwrap())
    }

    #[test]
    fn values_are_brief() {
        assert_eq!(briefly(&length("1s19ms384us")), "1s20ms");
        assert_eq!(briefly(&length("250ms")), "250ms");
        assert_eq!(briefly(&length("3m2s400ms")), "3m2s");
    }

    #[test]
    fn what_misses_a_bound_by_little_is_not_rounded_to_it() {
        assert_eq!(beside(&length("800ms312us"), &[length("800ms")]), "800ms312us");
        assert_eq!(beside(&length("812ms312us"), &[length("800ms")]), "812ms");
    }
}
