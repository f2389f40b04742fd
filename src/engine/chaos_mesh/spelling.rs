//! Values in the one spelling that Chaos Mesh reads right in every place.
//!
//! Comes in: a value of a fault's body and the shape that its field takes. Goes out: a node, or a diagnostic.
//! Durations are one integer and one unit (`90s`): `1m30s` is refused by NetworkChaos, `0.5s` injects nothing there and
//! hangs in IOChaos and HTTPChaos (T14, T15). Speeds are integers with a bit unit in lower case, as `10Mbps` means bytes
//! to Chaos Mesh (T16). Shares are quoted decimals without `%`. Nothing empty is ever printed (T2).

use rust_decimal::prelude::ToPrimitive;

use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::manifest::{Arena, Node};
use crate::plan::Fault;
use crate::types::{Decimal, Duration, Entry, Offset, Value, decimal_text};

use super::context::{Context, other_ways};
use super::schema::{Field, Shape};
use super::selector;

/// One integer and one unit, the largest that divides it; `0ms` for no time, which is how Chaos Mesh writes it.
pub(super) fn time(arena: &Arena, length: Duration) -> Node<'_> {
    const UNITS: [(&str, u64); 6] = [
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
    ];
    let nanos = length.as_nanos();
    match UNITS.iter().find(|(_, size)| nanos > 0 && nanos.is_multiple_of(*size)) {
        Some((unit, size)) => arena.format(format_args!("{}{unit}", nanos / size)),
        None => Node::Text("0ms"),
    }
}

/// A signed Go duration; a day is no unit of Go, so hours are the largest.
fn offset(arena: &Arena, offset: Offset) -> Node<'_> {
    match (offset.is_negative(), time(arena, offset.length())) {
        (true, Node::Text(length)) => arena.format(format_args!("-{length}")),
        (_, length) => length,
    }
}

/// Bits per second with the largest unit that divides them.
fn speed(arena: &Arena, bits: u64) -> Node<'_> {
    const UNITS: [(&str, u64); 4] =
        [("tbit", 1_000_000_000_000), ("gbit", 1_000_000_000), ("mbit", 1_000_000), ("kbit", 1_000)];
    match UNITS.iter().find(|(_, size)| bits > 0 && bits.is_multiple_of(*size)) {
        Some((unit, size)) => arena.format(format_args!("{}{unit}", bits / size)),
        None => arena.format(format_args!("{bits}bit")),
    }
}

/// Whether a value prints nothing: as [`Value::is_absent`], and empty text too (T2).
pub(super) fn is_absent(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Record(entries) => entries.iter().all(|e| is_absent(&e.value)),
        other => other.is_absent(),
    }
}

/// The fields of a record as entries of a map.
pub(super) fn fields<'a, 'c>(
    cx: &'c mut Context<'a>,
    fault: &'a Fault,
    entries: &'a [Entry],
    known: &'static [Field],
) -> impl Iterator<Item = (&'a str, Node<'a>)> + use<'a, 'c> {
    entries.iter().filter(|e| !is_absent(&e.value)).filter_map(move |e| {
        match known.iter().find(|(key, _)| *key == e.key) {
            Some((_, shape)) => spell(cx, fault, &e.key, &e.value, *shape).map(|node| (e.key.as_str(), node)),
            None => {
                unknown_field(cx, fault, &e.key, known);
                None
            }
        }
    })
}

/// One value for one field; `None` after a diagnostic.
fn spell<'a>(cx: &mut Context<'a>, fault: &'a Fault, key: &'a str, value: &'a Value, shape: Shape) -> Option<Node<'a>> {
    let arena = cx.arena;
    let before = cx.report.diagnostics.len();
    let node = match (shape, value) {
        (Shape::Record(known), Value::Record(entries)) => Some(arena.map(fields(cx, fault, entries, known))),
        (Shape::Words(words), _) => word(cx, fault, key, value, words),
        (Shape::Text, _) => text(arena, value),
        (Shape::Share, _) => return share(cx, fault, key, value),
        (Shape::Time, Value::Duration(d)) => Some(time(arena, *d)),
        (Shape::Offset, Value::Offset(o)) => Some(offset(arena, *o)),
        (Shape::Offset, Value::Duration(d)) => Some(time(arena, *d)),
        (Shape::Speed, Value::Bitrate(rate)) => Some(speed(arena, rate.0)),
        (Shape::Size, Value::Bytes(size)) => Some(arena.format(format_args!("{size}"))),
        (Shape::MachineSize, Value::Bytes(size)) => Some(arena.format(format_args!("{}c", size.0))),
        (Shape::MachineSpeed, Value::Bitrate(rate)) if rate.0 >= 8 && rate.0.is_multiple_of(8) => {
            Some(arena.format(format_args!("{}bps", rate.0 / 8)))
        }
        (Shape::SecondsText, Value::Duration(d)) => {
            whole_units(*d, 1_000_000_000).map(|n| arena.format(format_args!("{n}")))
        }
        (Shape::IntText(least, most), Value::Int(n)) if (least..=most).contains(n) => {
            Some(arena.format(format_args!("{n}")))
        }
        (Shape::Millis, Value::Duration(d)) => whole_units(*d, 1_000_000).map(Node::Int),
        (Shape::Seconds, Value::Duration(d)) => whole_units(*d, 1_000_000_000).map(Node::Int),
        (Shape::Millis, _) => return int(cx, fault, key, value, 1, i64::MAX),
        (Shape::Seconds, _) => return int(cx, fault, key, value, 0, i64::MAX),
        (Shape::Int(least, most), _) => return int(cx, fault, key, value, least, most),
        (Shape::Bool, Value::Bool(b)) => Some(Node::Bool(*b)),
        (Shape::Texts, Value::List(items)) => Some(arena.list(items.iter().filter_map(|v| member(cx, fault, key, v)))),
        (Shape::WordList(words), Value::List(items)) => {
            Some(arena.list(items.iter().filter_map(|v| word(cx, fault, key, v, words))))
        }
        (Shape::TextMap, Value::Record(entries)) => Some(
            arena.map(entries.iter().filter_map(|e| member(cx, fault, &e.key, &e.value).map(|n| (e.key.as_str(), n)))),
        ),
        (Shape::Pairs, Value::List(items)) => pairs(arena, items),
        (Shape::Pairs, Value::Record(entries)) => entries
            .iter()
            .map(|e| Some(arena.list([Node::Text(e.key.as_str()), text(arena, &e.value)?])))
            .collect::<Option<Vec<_>>>()
            .map(|all| arena.list(all)),
        (Shape::Base64, _) => value.as_text().map(|t| Node::Text(arena.str(&base64(t.as_bytes())))),
        (Shape::Target, Value::Draw(draw)) => selector::target(cx, *draw),
        _ => None,
    };
    if node.is_none() && cx.report.diagnostics.len() == before {
        no_spelling(cx, fault, key, value, shape);
    }
    node
}

/// Any value that has a text.
fn text<'a>(arena: &'a Arena, value: &'a Value) -> Option<Node<'a>> {
    Some(match value {
        Value::Int(n) => arena.format(format_args!("{n}")),
        Value::Number(n) => arena.text(&decimal_text(*n)),
        Value::Bool(b) => Node::Text(if *b { "true" } else { "false" }),
        Value::Percent(p) => arena.text(&decimal_text(p.0)),
        Value::Duration(d) => time(arena, *d),
        Value::Offset(o) => offset(arena, *o),
        Value::Bytes(size) => arena.format(format_args!("{size}")),
        Value::Bitrate(rate) => speed(arena, rate.0),
        other => return other.as_text().map(Node::Text),
    })
}

/// A member of a list or map of texts. An empty one matches nothing, or everything (T10, T34).
fn member<'a>(cx: &mut Context<'a>, fault: &'a Fault, key: &str, value: &'a Value) -> Option<Node<'a>> {
    if is_absent(value) {
        if *value != Value::None {
            let message = format!("`{key}` of `{}` holds an empty text", fault.name);
            cx.trap(fault, message, "Chaos Mesh takes it and then matches nothing, or everything", "leave it out");
        }
        return None;
    }
    let node = text(cx.arena, value);
    if node.is_none() {
        no_spelling(cx, fault, key, value, Shape::Text);
    }
    node
}

/// A word that must be one of the list, as Chaos Mesh drops or misreads others (T27, T29, T33).
fn word<'a>(
    cx: &mut Context<'a>,
    fault: &Fault,
    key: &str,
    value: &'a Value,
    words: &'static [&'static str],
) -> Option<Node<'a>> {
    let Some(Node::Text(found)) = text(cx.arena, value) else { return None };
    if words.contains(&found) {
        return Some(Node::Text(found));
    }
    let meant = nearest(found, words.iter().copied()).map(|w| format!(", perhaps `{w}`")).unwrap_or_default();
    cx.trap(
        fault,
        format!("`{key}` cannot be `{found}` in the Chaos Mesh body of `{}`", fault.name),
        "Chaos Mesh refuses a word that it does not know, or drops it and does something else",
        &format!("write one of: {}{meant}", words.join(", ")),
    );
    None
}

/// A share as quoted decimal. Chaos Mesh takes `150` and `-5` without a word (T17).
fn share<'a>(cx: &mut Context<'a>, fault: &Fault, key: &str, value: &Value) -> Option<Node<'a>> {
    let number = match value {
        Value::Percent(p) => Some(p.0),
        Value::Number(n) => Some(*n),
        Value::Int(n) => Some(Decimal::from(*n)),
        other => other.as_text().and_then(|t| t.parse().ok()),
    };
    let Some(number) = number else {
        no_spelling(cx, fault, key, value, Shape::Share);
        return None;
    };
    if number < Decimal::ZERO || number > Decimal::ONE_HUNDRED {
        let message =
            format!("`{key}` of `{}` is {}, and a share lies between 0 and 100", fault.name, number.normalize());
        cx.trap(
            fault,
            message,
            "Chaos Mesh admits such a share, and what the kernel makes of it nobody knows",
            "write a share from `0%` to `100%`",
        );
        return None;
    }
    Some(if number.is_zero() { Node::Text("0") } else { cx.arena.text(&decimal_text(number)) })
}

/// A whole number in its range.
fn int<'a>(cx: &mut Context<'a>, fault: &Fault, key: &str, value: &Value, least: i64, most: i64) -> Option<Node<'a>> {
    let number = match value {
        Value::Int(n) => Some(*n),
        Value::Number(n) | Value::Percent(crate::types::Percent(n)) if n.fract().is_zero() => n.to_i64(),
        Value::Bytes(size) => i64::try_from(size.0).ok(),
        _ => None,
    };
    match number {
        Some(n) if (least..=most).contains(&n) => Some(Node::Int(n)),
        Some(n) => {
            let range = if most == i64::MAX { format!("at least {least}") } else { format!("{least} to {most}") };
            let message = format!("`{key}` of `{}` is {n} for Chaos Mesh, and only {range} does something", fault.name);
            cx.trap(
                fault,
                message,
                "out of that range Chaos Mesh refuses the object, or takes it and does nothing",
                &format!("give `{key}` a value of {range}"),
            );
            None
        }
        None => {
            no_spelling(cx, fault, key, value, Shape::Int(least, most));
            None
        }
    }
}

/// Pairs of texts: Chaos Mesh hangs on any other length (T38).
fn pairs<'a>(arena: &'a Arena, items: &'a [Value]) -> Option<Node<'a>> {
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Value::List(pair) => match pair.as_slice() {
                [name, value] => all.push(arena.list([text(arena, name)?, text(arena, value)?])),
                _ => return None,
            },
            _ => return None,
        }
    }
    Some(arena.list(all))
}

/// A duration in a unit, if it is a whole number of them.
fn whole_units(length: Duration, nanos: u64) -> Option<i64> {
    if length.as_nanos().is_multiple_of(nanos) { i64::try_from(length.as_nanos() / nanos).ok() } else { None }
}

/// RFC 4648 with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |i: usize| chunk.get(i).copied().map_or(0, u32::from);
        let group = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4u32 {
            let digit = (group >> (18 - 6 * i)) & 63;
            // `digit` is below 64, so there always is one.
            let digit = DIGITS.get(digit as usize).copied().unwrap_or(b'=');
            out.push(if i as usize <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

/// A value that the field cannot take.
fn no_spelling(cx: &mut Context<'_>, fault: &Fault, key: &str, value: &Value, shape: Shape) {
    let message =
        format!("`{key}` of `{}` is {}, and Chaos Mesh takes {} there", fault.name, value.describe(), wanted(shape));
    let diagnostic = Diagnostic::new(Code::NO_SPELLING_IN_CHAOS_MESH, fault.span, message)
        .why("a value that an engine cannot spell would be lost, or read as something else")
        .help(other_ways(
            cx.plan,
            fault,
            "convert it in the fault's `engine chaos-mesh` body (`x as ms`, `x as text`)",
        ));
    cx.refuse(diagnostic);
}

/// What a shape takes, for messages.
fn wanted(shape: Shape) -> &'static str {
    match shape {
        Shape::Text | Shape::Base64 => "text",
        Shape::Words(_) => "one of a few words",
        Shape::Share => "a percentage",
        Shape::Time => "a duration",
        Shape::Millis => "a whole number of milliseconds",
        Shape::Seconds | Shape::SecondsText => "a whole number of seconds",
        Shape::MachineSize => "a size",
        Shape::MachineSpeed => "a bitrate of whole bytes per second",
        Shape::IntText(..) => "a whole number",
        Shape::Offset => "an offset",
        Shape::Speed => "a bitrate",
        Shape::Size => "a size",
        Shape::Int(..) => "a whole number",
        Shape::Bool => "a truth value",
        Shape::Texts => "a list of texts",
        Shape::WordList(_) => "a list of words",
        Shape::TextMap => "a record of texts",
        Shape::Pairs => "a list of pairs of texts",
        Shape::Target => "a target",
        Shape::Record(_) => "a record",
    }
}

/// A field that Chaos Mesh would drop (T3).
fn unknown_field(cx: &mut Context<'_>, fault: &Fault, key: &str, known: &'static [Field]) {
    const ENGINES_OWN: [&str; 6] = ["selector", "mode", "value", "duration", "remoteCluster", "status"];
    let (message, help) = if ENGINES_OWN.contains(&key) {
        (
            format!("the Chaos Mesh body of `{}` writes `{key}` itself", fault.name),
            "leave it out: the target and the length come from the step".to_owned(),
        )
    } else {
        let help = match nearest(key, known.iter().map(|(k, _)| *k)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("fields here are: {}", known.iter().map(|(k, _)| *k).collect::<Vec<_>>().join(", ")),
        };
        (format!("Chaos Mesh has no working field `{key}` for the body of `{}`", fault.name), help)
    };
    let diagnostic = Diagnostic::new(Code::UNKNOWN_CHAOS_MESH_FIELD, fault.span, message)
        .why("Chaos Mesh drops a field that it does not know without a word, and injects something else")
        .help(help);
    cx.refuse(diagnostic);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Duration;

    fn spelled(text: &str) -> String {
        let arena = Arena::new();
        match time(&arena, text.parse::<Duration>().unwrap()) {
            Node::Text(t) => t.to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn t14_t15_a_duration_is_one_integer_and_one_unit() {
        for (written, printed) in
            [("1m30s", "90s"), ("0.5s", "500ms"), ("1h", "1h"), ("30d", "720h"), ("1.5ms", "1500us"), ("0s", "0ms")]
        {
            assert_eq!(spelled(written), printed);
        }
    }

    #[test]
    fn t16_a_bitrate_is_an_integer_and_a_bit_unit() {
        let arena = Arena::new();
        assert_eq!(speed(&arena, 10_000_000), Node::Text("10mbit"));
        assert_eq!(speed(&arena, 1_500_000), Node::Text("1500kbit"));
        assert_eq!(speed(&arena, 7), Node::Text("7bit"));
    }

    #[test]
    fn offsets_are_signed_go_durations() {
        let arena = Arena::new();
        let of = |text: &str| offset(&arena, text.parse().unwrap());
        assert_eq!(of("-5m"), Node::Text("-5m"));
        assert_eq!(of("+25d"), Node::Text("600h"));
    }

    #[test]
    fn t38_text_becomes_base64() {
        for (text, out) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("test", "dGVzdA==")] {
            assert_eq!(base64(text.as_bytes()), out);
        }
    }
}
