//! Engines' spellings as values: what `90ms`, `"25"`, `10GB` and `100kbps` mean where an engine reads them.
//!
//! Comes in: a node and the type that is wanted. Goes out: the value that the *engine* would take, or why there is none;
//! and, the other way round, whether a node says a value. Facts: Chaos Mesh 2.8 (Go durations, `tc` rates where `bps` is
//! bytes, sizes in steps of 10^3 and 2^10), Litmus 3.x (numbers in text).

use std::str::FromStr;

use crate::types::{Bitrate, Bytes, Cores, Decimal, Duration, Offset, Percent, Rate, Type, Value as Typed};

use super::yaml::{Node, Value};

/// A length of time in Go's spelling, with its sign.
pub(super) fn go_duration(text: &str) -> Option<(bool, Duration)> {
    const UNITS: [(&str, u64); 8] = [
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("μs", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Some((negative, Duration::ZERO));
    }
    let mut total = 0u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, next) = tail.split_at_checked(end)?;
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let nanos = Decimal::from_str(number).ok()?.checked_mul(Decimal::from(*size))?;
        total = total.checked_add(u64::try_from(nanos.trunc()).ok()?)?;
        rest = next;
    }
    text.ends_with(|c: char| c.is_alphabetic()).then_some(())?;
    Some((negative, Duration::from_nanos(total)?))
}

/// A number of bits per second as Chaos Mesh 2.7 and later read it.
fn rate(text: &str) -> Option<Bitrate> {
    const UNITS: [(&str, u64); 10] = [
        ("tbit", 1_000_000_000_000),
        ("gbit", 1_000_000_000),
        ("mbit", 1_000_000),
        ("kbit", 1_000),
        ("bit", 1),
        ("tbps", 8_000_000_000_000),
        ("gbps", 8_000_000_000),
        ("mbps", 8_000_000),
        ("kbps", 8_000),
        ("bps", 8),
    ];
    let text = text.trim().to_ascii_lowercase();
    let (unit, size) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
    let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    number.checked_mul(*size).map(Bitrate)
}

/// A size as Chaos Mesh reads it; a share of a node's memory is none.
fn size(text: &str) -> Option<Bytes> {
    const UNITS: [(&str, u64); 11] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        ("kB", 1_000),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("B", 1),
        ("", 1),
    ];
    let text = text.trim();
    let (unit, size) = UNITS.iter().find(|(unit, _)| {
        text.strip_suffix(unit).is_some_and(|number| number.ends_with(|c: char| c.is_ascii_digit()))
    })?;
    whole(number(text.strip_suffix(unit)?)?, *size).map(Bytes)
}

/// A size as `dd` and chaosd read it, in bytes; nothing where it is none.
pub(super) fn dd_size(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 12] = [
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("c", 1),
        ("w", 2),
        ("b", 512),
        ("K", 1 << 10),
        ("M", 1 << 20),
        ("G", 1 << 30),
        ("T", 1 << 40),
        ("", 1),
    ];
    let (unit, size) = UNITS.iter().find(|(unit, _)| {
        text.strip_suffix(unit).is_some_and(|number| number.ends_with(|c: char| c.is_ascii_digit()))
    })?;
    whole(number(text.strip_suffix(unit)?)?, *size)
}

/// A number as it is written in manifests.
pub(super) fn number(text: &str) -> Option<Decimal> {
    let text = text.trim();
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.contains('_') {
        return None;
    }
    Decimal::from_str(digits).or_else(|_| Decimal::from_scientific(digits)).ok()
}

fn whole(number: Decimal, factor: u64) -> Option<u64> {
    let product = number.checked_mul(Decimal::from(factor))?;
    if product.fract().is_zero() { u64::try_from(product).ok() } else { None }
}

/// What a node says where a value of the type is wanted; else what was wanted, for a message.
pub(super) fn value(node: &Node, ty: &Type) -> Result<Typed, String> {
    let wanted = |what: &str| format!("{} is not {what}", node.describe());
    match ty.base() {
        Type::Optional(inner) => value(node, inner),
        Type::List(inner) => match &node.value {
            Value::List(items) => {
                items.iter().map(|item| value(item, inner)).collect::<Result<Vec<_>, _>>().map(Typed::List)
            }
            _ => Err(wanted("a list")),
        },
        Type::Bool => match (&node.value, node.text.as_str()) {
            (Value::Bool(b), _) => Ok(Typed::Bool(*b)),
            (Value::Text, "true") => Ok(Typed::Bool(true)),
            (Value::Text, "false") => Ok(Typed::Bool(false)),
            _ => Err(wanted("true or false")),
        },
        Type::Map => {
            let entry = |e: &super::yaml::Entry| {
                let text = e.value.scalar().ok_or_else(|| wanted("a map of texts"))?;
                Ok(crate::types::Entry { key: e.key.as_str().into(), value: Typed::String(text.into()) })
            };
            match &node.value {
                Value::Map(entries) => entries.iter().map(entry).collect::<Result<_, String>>().map(Typed::Record),
                _ => Err(wanted("a map of texts")),
            }
        }
        // Where Chaos Mesh has a bare number for a length of time, it counts milliseconds (JVMChaos).
        Type::Duration if node.value == Value::Number => number(&node.text)
            .and_then(|n| quantity(n.checked_mul(Decimal::from(1_000_000))?, &Type::Duration))
            .ok_or_else(|| wanted("a number of milliseconds")),
        Type::Record | Type::Any => untyped(node).ok_or_else(|| wanted("a value")),
        other => {
            let text = node.scalar().ok_or_else(|| wanted("a single value"))?;
            from_text(text, other).map_err(|what| wanted(&what))
        }
    }
}

/// A text where a value of the type is wanted; else what was wanted.
pub(super) fn from_text(text: &str, ty: &Type) -> Result<Typed, String> {
    let as_number = |what: &str| number(text).ok_or_else(|| what.to_owned());
    let is_http = |t: &str| t.starts_with("http://") || t.starts_with("https://");
    Ok(match ty.base() {
        Type::Optional(inner) => return from_text(text, inner),
        Type::Int => Typed::Int(text.trim().parse().map_err(|_| "a whole number".to_owned())?),
        Type::Number => Typed::Number(as_number("a number")?.normalize()),
        Type::Duration => match go_duration(text) {
            Some((false, length)) => Typed::Duration(length),
            _ => return Err("a length of time with its unit".to_owned()),
        },
        Type::Offset => match go_duration(text) {
            Some((negative, length)) => Typed::Offset(Offset::new(length, negative)),
            None => return Err("an offset of time with its unit".to_owned()),
        },
        Type::Percent => Typed::Percent(Percent(as_number("a percentage")?.normalize())),
        Type::Bytes => Typed::Bytes(size(text).ok_or("a size in bytes")?),
        Type::Bitrate => Typed::Bitrate(rate(text).ok_or("a rate with its unit")?),
        Type::Cores => Typed::Cores(Cores(as_number("a number of cores")?.normalize())),
        Type::Rate => Typed::Rate(Rate(as_number("a rate")?.normalize())),
        Type::Bool => match text {
            "true" => Typed::Bool(true),
            "false" => Typed::Bool(false),
            _ => return Err("true or false".to_owned()),
        },
        Type::Host => Typed::Host(text.into()),
        Type::Url if is_http(text) => Typed::Url(text.into()),
        Type::Url => return Err("a URL".to_owned()),
        Type::String => Typed::String(text.into()),
        Type::Enum(words) => match words.iter().find(|word| *word == text) {
            Some(word) => Typed::Word(word.clone()),
            None => return Err(format!("one of {}", words.join(", "))),
        },
        other => return Err(format!("a value of the type {other}")),
    })
}

/// A node as data, where only its form is known.
pub(super) fn untyped(node: &Node) -> Option<Typed> {
    Some(match &node.value {
        Value::Null => Typed::None,
        Value::Bool(b) => Typed::Bool(*b),
        Value::Number => match node.text.parse() {
            Ok(n) => Typed::Int(n),
            Err(_) => Typed::Number(number(&node.text)?),
        },
        Value::Text => Typed::String(node.text.as_str().into()),
        Value::List(items) => Typed::List(items.iter().map(untyped).collect::<Option<_>>()?),
        Value::Map(entries) => Typed::Record(
            entries
                .iter()
                .map(|e| Some(crate::types::Entry { key: e.key.as_str().into(), value: untyped(&e.value)? }))
                .collect::<Option<_>>()?,
        ),
    })
}

/// A quantity from an amount of base units (nanoseconds, percent, bytes, bit/s, cores, per second), or a plain number.
pub(super) fn quantity(amount: Decimal, ty: &Type) -> Option<Typed> {
    let count = || if amount.fract().is_zero() { u64::try_from(amount).ok() } else { None };
    Some(match ty.base() {
        Type::Optional(inner) => return quantity(amount, inner),
        Type::Duration => Typed::Duration(Duration::from_nanos(count()?)?),
        Type::Offset => {
            let length = Duration::from_nanos(u64::try_from(amount.abs()).ok()?)?;
            Typed::Offset(Offset::new(length, amount.is_sign_negative()))
        }
        Type::Percent => Typed::Percent(Percent(amount.normalize())),
        Type::Bytes => Typed::Bytes(Bytes(count()?)),
        Type::Bitrate => Typed::Bitrate(Bitrate(count()?)),
        Type::Cores => Typed::Cores(Cores(amount.normalize())),
        Type::Rate => Typed::Rate(Rate(amount.normalize())),
        Type::Int if amount.fract().is_zero() => Typed::Int(i64::try_from(amount).ok()?),
        Type::Number | Type::Any => Typed::Number(amount.normalize()),
        _ => return None,
    })
}

/// How many base units a unit of `as` has: `ms` is a million nanoseconds.
pub(super) fn unit_size(unit: &str) -> Option<Decimal> {
    const SIZES: [(&str, u64); 22] = [
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
        ("d", 86_400_000_000_000),
        ("percent", 1),
        ("ratio", 100),
        ("bytes", 1),
        ("kb", 1_000),
        ("mb", 1_000_000),
        ("gb", 1_000_000_000),
        ("kib", 1 << 10),
        ("mib", 1 << 20),
        ("gib", 1 << 30),
        ("bit-per-s", 1),
        ("kbit-per-s", 1_000),
        ("mbit-per-s", 1_000_000),
        ("gbit-per-s", 1_000_000_000),
        ("cores", 1),
        ("per-s", 1),
    ];
    if unit == "millicores" {
        return Some(Decimal::new(1, 3));
    }
    SIZES.iter().find(|(name, _)| *name == unit).map(|(_, size)| Decimal::from(*size))
}

/// Whether a node says this value: what the compiler would print for it, in whatever spelling.
pub(super) fn says(node: Option<&Node>, typed: &Typed) -> bool {
    let Some(node) = node.filter(|n| !n.is_empty()) else {
        // An engine takes a missing number or flag for its zero.
        return match typed {
            Typed::Int(0) | Typed::Bool(false) => true,
            Typed::Number(n) | Typed::Percent(Percent(n)) => n.is_zero(),
            Typed::Duration(d) => d.is_zero(),
            Typed::String(t) => t.is_empty(),
            other => other.is_absent(),
        };
    };
    let scalar = node.scalar().unwrap_or_default();
    match typed {
        Typed::None => false,
        Typed::Int(n) => number(scalar) == Some(Decimal::from(*n)),
        Typed::Number(n) | Typed::Percent(Percent(n)) => number(scalar) == Some(n.normalize()),
        Typed::Bool(b) => scalar == if *b { "true" } else { "false" },
        Typed::Duration(d) if node.value == Value::Number => {
            number(scalar) == Some(Decimal::from(d.as_nanos()) / Decimal::from(1_000_000)).map(|n| n.normalize())
        }
        Typed::Duration(d) => go_duration(scalar) == Some((false, *d)),
        Typed::Offset(o) => go_duration(scalar).is_some_and(|(negative, length)| Offset::new(length, negative) == *o),
        Typed::Bytes(b) => size(scalar) == Some(*b),
        Typed::Bitrate(r) => rate(scalar) == Some(*r),
        Typed::Cores(Cores(n)) | Typed::Rate(Rate(n)) => number(scalar) == Some(n.normalize()),
        Typed::List(items) => {
            node.items().len() == items.len() && node.items().iter().zip(items).all(|(n, v)| says(Some(n), v))
        }
        Typed::Record(entries) => {
            let known = node.entries().iter().all(|e| e.value.is_empty() || entries.iter().any(|v| v.key == e.key));
            known && entries.iter().all(|e| says(node.get(&e.key), &e.value))
        }
        other => other.as_text() == Some(scalar),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_go_s() {
        let of = |text: &str| go_duration(text).map(|(n, d)| (n, d.as_nanos()));
        assert_eq!(of("1h30m"), Some((false, 5_400_000_000_000)));
        assert_eq!(of("-10m100ns"), Some((true, 600_000_000_100)));
        assert_eq!(of("1.5s"), Some((false, 1_500_000_000)));
        assert_eq!(of("0"), Some((false, 0)));
        for bad in ["", "5", "1d", "5 m", "ms", "-", "999999999999h"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn rates_and_sizes_mean_what_chaos_mesh_takes() {
        assert_eq!(rate("10Mbps"), Some(Bitrate(80_000_000)));
        assert_eq!(rate("10mbit"), Some(Bitrate(10_000_000)));
        assert_eq!(rate("1.5mbps"), None);
        assert_eq!(size("10GB"), Some(Bytes(10_000_000_000)));
        assert_eq!(size("256MiB"), Some(Bytes(268_435_456)));
        assert_eq!(size("1024"), Some(Bytes(1024)));
        assert_eq!(size("50%"), None);
        assert_eq!(size("256Mi"), None);
        assert_eq!(number("1e1"), Some(Decimal::from(10)));
    }
}
