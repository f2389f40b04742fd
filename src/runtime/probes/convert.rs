//! From a bare number to a value of the stream's type.

use std::time::Duration;

use rust_decimal::prelude::ToPrimitive;

use super::Missing;
use crate::plan::MetricUnit;
use crate::runtime::machine::Answer;
use crate::types::{self, Bytes, Cores, Decimal, Percent, Rate, Value};

/// The number that a text says, exactly. NaN and infinities are none.
pub fn number(text: &str) -> Result<Decimal, Missing> {
    let text = text.trim();
    // A decimal may be written with them in Rust, and nowhere that is asked here.
    if text.contains('_') {
        return Err(Missing(not_a_number(text)));
    }
    let parsed = Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text));
    match parsed {
        Ok(number) => Ok(number),
        // More digits than a decimal holds, as Prometheus prints floating point: cut, which is far below what is measured.
        Err(_) => text.parse::<Decimal>().map_err(|_| Missing(not_a_number(text))),
    }
}

fn not_a_number(text: &str) -> String {
    match text {
        "NaN" => "the value is NaN: there was nothing to divide by, or nothing to sum".to_owned(),
        "+Inf" | "-Inf" | "Inf" => format!("the value is {text}, and not finite"),
        _ => format!("`{}` is no number", text.chars().take(40).collect::<String>()),
    }
}

/// A value of the type that is called so.
pub fn value(number: Decimal, unit: MetricUnit, of_type: &str) -> Result<Value, Missing> {
    let misfit = || Missing(format!("{number} is no value of {of_type}"));
    let whole = |n: Decimal| n.round().to_u64();
    match of_type {
        "Percent" => {
            let percent =
                if unit == MetricUnit::Ratio { number.checked_mul(Decimal::ONE_HUNDRED) } else { Some(number) };
            percent.map(|p| Value::Percent(Percent(p.normalize()))).ok_or_else(misfit)
        }
        "Duration" => {
            let factor = if unit == MetricUnit::Ms { 1_000_000 } else { 1_000_000_000 };
            let nanos = number.checked_mul(Decimal::from(factor)).and_then(whole);
            nanos.and_then(types::Duration::from_nanos).map(Value::Duration).ok_or_else(misfit)
        }
        "Bytes" => whole(number).map(|n| Value::Bytes(Bytes(n))).ok_or_else(misfit),
        "Rate" => Ok(Value::Rate(Rate(number))),
        "Cores" => Ok(Value::Cores(Cores(number))),
        "Int" if number.fract().is_zero() => number.to_i64().map(Value::Int).ok_or_else(misfit),
        "Number" => Ok(Value::Number(number)),
        "Bool" if number.is_zero() => Ok(Value::Bool(false)),
        "Bool" if number == Decimal::ONE => Ok(Value::Bool(true)),
        _ => Err(misfit()),
    }
}

/// A time that was measured here.
pub fn duration(length: Duration, of_type: &str) -> Result<Value, Missing> {
    let nanos = u64::try_from(length.as_nanos()).ok().and_then(types::Duration::from_nanos);
    match (nanos, of_type) {
        (Some(d), "Duration") => Ok(Value::Duration(d)),
        _ => Err(Missing(format!("a time is no value of {of_type}"))),
    }
}

/// A "no", and what it was made from.
pub fn refusal(because: impl Into<String>, of_type: &str) -> Result<Answer, Missing> {
    Ok(Answer { value: truth(false, of_type)?, because: Some(because.into()) })
}

/// Whether something is so.
pub fn truth(so: bool, of_type: &str) -> Result<Value, Missing> {
    value(Decimal::from(u8::from(so)), MetricUnit::Count, of_type)
}
