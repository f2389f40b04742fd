//! Numbers, quantities, dates and clocks: exact values, or what is wrong with the literal.
//!
//! Comes in: the one lexeme that the grammar makes of anything that begins with a digit. Goes out: a value. Floating
//! point is never used. Facts: `types::UNITS`; a day is 24 hours.

use rust_decimal::Decimal;
use smol_str::SmolStr;

use super::Builder;
use super::units::{Foreign, all_of, foreign};
use crate::check::program::{ExprKind, Name};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Span;
use crate::syntax::{SyntaxKind, SyntaxNode};
use crate::types::{Bitrate, Bytes, Cores, Duration, Percent, Rate, UNITS, Unit, UnitOf, Value, parse_decimal};

/// What an exact decimal can hold.
const MOST_DIGITS: usize = 28;

impl Builder {
    /// The value of a number's node; `None` if it has none, which is reported.
    pub(super) fn literal(&mut self, node: &SyntaxNode) -> Option<ExprKind> {
        let span = self.span(node);
        let text = if node.kind() == SyntaxKind::SpacedNumber {
            // `5 m`: the parser has complained of the blank.
            node.text().to_string().replace([' ', '\t'], "")
        } else {
            node.text().to_string()
        };
        match value(&text, span) {
            Ok(value) => Some(ExprKind::Literal(value)),
            Err(diagnostic) => {
                self.report(*diagnostic);
                None
            }
        }
    }

    /// A clock of `only on`: `HH:MM`.
    pub(super) fn check_clock(&mut self, clock: &Name) {
        if !is_clock(&clock.text) {
            self.report(
                Diagnostic::new(Code::BAD_CLOCK, clock.span, format!("`{}` is not a time of day", clock.text))
                    .help("write hours and minutes with two digits each, from `00:00` to `24:00`"),
            );
        }
    }

    /// A date of `never on`.
    pub(super) fn check_date(&mut self, date: &Name) {
        if let Err(diagnostic) = date_value(&date.text, date.span) {
            self.report(*diagnostic);
        }
    }
}

/// Whether a text is a time of day. The end of a day may be written `24:00`.
fn is_clock(text: &str) -> bool {
    let Some((hours, minutes)) = text.split_once(':') else { return false };
    let number = |t: &str| {
        if t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit()) { t.parse::<u8>().ok() } else { None }
    };
    match (number(hours), number(minutes)) {
        (Some(24), Some(minutes)) => minutes == 0,
        (Some(hours), Some(minutes)) => hours < 24 && minutes < 60,
        _ => false,
    }
}

type Refusal = Box<Diagnostic>;

/// The value of a lexeme that begins with a digit.
fn value(text: &str, span: Span) -> Result<Value, Refusal> {
    let plain = |extra: &[char]| text.chars().all(|c| c.is_ascii_digit() || extra.contains(&c));
    if plain(&['-']) && text.contains('-') {
        return date_value(text, span);
    }
    if plain(&[':']) && text.contains(':') {
        return Err(Box::new(
            Diagnostic::new(Code::BAD_CLOCK, span, format!("`{text}` is a time of day, which is no value")).help(
                "times of day stand in `only on mon..thu 10:00..16:00 in \"…\"`; for a length of time write `10m`",
            ),
        ));
    }
    if plain(&['_', '.']) { number_value(text, span) } else { quantity_value(text, span) }
}

fn date_value(text: &str, span: Span) -> Result<Value, Refusal> {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return Err(malformed(text, span, "binary `-` needs a blank on both sides; a date is `2022-03-14`"));
    };
    let numbers = (year.parse::<i16>().ok(), month.parse::<i8>().ok(), day.parse::<i8>().ok());
    let (Some(y), Some(m), Some(d)) = numbers else {
        return Err(malformed(text, span, "a date is written year, month, day: `2022-03-14`"));
    };
    let diagnostic = Diagnostic::new(Code::BAD_DATE, span, format!("`{text}` is not a date"));
    if jiff::civil::Date::new(y, m, d).is_err() {
        return Err(Box::new(
            diagnostic.help("no calendar has this day; a date is written year, month, day: `2022-03-14`"),
        ));
    }
    let written = format!("{y:04}-{m:02}-{d:02}");
    if written != text {
        let fix = format!("write `{written}`");
        return Err(Box::new(
            diagnostic.help("four digits for the year, two for month and day").fix(fix, span, written),
        ));
    }
    Ok(Value::Date(SmolStr::new(text)))
}

fn number_value(text: &str, span: Span) -> Result<Value, Refusal> {
    let number = decimal(text, span)?;
    if text.contains('.') {
        return Ok(Value::Number(number));
    }
    i64::try_from(number).map(Value::Int).map_err(|_| too_large(text, span, "whole numbers end at 9223372036854775807"))
}

/// Digits, perhaps with `_` between them and one point.
fn decimal(text: &str, span: Span) -> Result<Decimal, Refusal> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let well_formed = text.split('.').count() <= 2
        && text.split(['.', '_']).all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    if !well_formed {
        return Err(malformed(text, span, "a number is digits with at most one point; `_` stands between digits"));
    }
    if digits > MOST_DIGITS && text.contains('.') {
        let message = format!("`{}` has too many digits", shown(text));
        return Err(Box::new(
            Diagnostic::new(Code::NUMBER_TOO_LARGE, span, message)
                .help("a number has at most 28 digits, before and behind its point, so that it stays exact"),
        ));
    }
    if digits > MOST_DIGITS {
        return Err(too_large(text, span, "a number has at most 28 digits, so that it stays exact"));
    }
    parse_decimal(text).ok_or_else(|| malformed(text, span, "a number is digits with at most one point"))
}

/// A number with its unit, or several for a length of time.
fn quantity_value(text: &str, span: Span) -> Result<Value, Refusal> {
    let pairs = split(text);
    let mut found: Vec<(Decimal, &'static Unit)> = Vec::with_capacity(pairs.len());
    for (number, unit) in &pairs {
        let Some(known) = Unit::find(unit) else { return Err(unknown_unit(text, span, &pairs, unit)) };
        found.push((decimal(number, span)?, known));
    }
    let Some((_, first)) = found.first() else { return Err(malformed(text, span, "a number comes first")) };
    if found.len() > 1 && found.iter().any(|(_, unit)| unit.of != UnitOf::Duration) {
        return Err(malformed(text, span, "only lengths of time are written in parts, such as `1h30m`"));
    }
    let single = found.first().map_or(Decimal::ZERO, |(number, _)| *number);
    match first.of {
        UnitOf::Duration => {
            let mut total: u64 = 0;
            for (number, unit) in &found {
                let part = whole(*number, unit, text, span)?;
                total = total.checked_add(part).ok_or_else(|| too_large(text, span, "292 years is the longest"))?;
            }
            Duration::from_nanos(total)
                .map(Value::Duration)
                .ok_or_else(|| too_large(text, span, "292 years is the longest length of time"))
        }
        UnitOf::Percent => Ok(Value::Percent(Percent(single))),
        UnitOf::Bytes => whole(single, first, text, span).map(|n| Value::Bytes(Bytes(n))),
        UnitOf::Bitrate => whole(single, first, text, span).map(|n| Value::Bitrate(Bitrate(n))),
        UnitOf::Cores => Ok(Value::Cores(Cores(single))),
        UnitOf::Rate => Ok(Value::Rate(Rate(single))),
    }
}

/// A quantity in its smallest unit, which must be whole.
fn whole(number: Decimal, unit: &Unit, text: &str, span: Span) -> Result<u64, Refusal> {
    let product = number
        .checked_mul(Decimal::from(unit.factor))
        .ok_or_else(|| too_large(text, span, "it does not fit into 64 bits"))?;
    if !product.fract().is_zero() {
        return Err(malformed(
            text,
            span,
            "it is finer than the smallest unit (a nanosecond, a byte, a bit per second)",
        ));
    }
    u64::try_from(product).map_err(|_| too_large(text, span, "it does not fit into 64 bits"))
}

/// `1h30m` as `(1, h) (30, m)`: numbers with what follows each.
fn split(text: &str) -> Vec<(&str, &str)> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit);
        out.push((number, unit));
        rest = next;
    }
    out
}

fn unknown_unit(text: &str, span: Span, pairs: &[(&str, &str)], unit: &str) -> Refusal {
    if unit.is_empty() {
        return malformed(text, span, "each part of a length of time has its unit, as in `1h30m`");
    }
    let message = format!("`{}` in `{}` is not a unit", shown(unit), shown(text));
    let diagnostic = Diagnostic::new(Code::UNKNOWN_UNIT, span, message);
    // With the one unit exchanged.
    let with = |better: &str| -> String {
        pairs.iter().map(|(n, u)| format!("{n}{}", if *u == unit { better } else { u })).collect()
    };
    let diagnostic = match foreign(unit) {
        Some(Foreign::Is(better)) => {
            let whole = with(better);
            diagnostic.help(format!("write `{whole}`")).fix(format!("write `{whole}`"), span, whole)
        }
        Some(Foreign::Either(a, b)) => {
            let (a, b) = (with(a), with(b));
            let help = format!("write `{a}` or `{b}`");
            either(diagnostic.help(help), span, a, b)
        }
        Some(Foreign::BitsOrBytes(better)) => {
            let diagnostic = diagnostic.why("`bps` is bits to some tools and bytes to others, Chaos Mesh among them");
            let bits = with(better);
            match eightfold(pairs) {
                Some(number) => {
                    let bytes = format!("{number}{better}");
                    let help = format!("write `{bits}` if bits are meant, and `{bytes}` if bytes");
                    either(diagnostic.help(help), span, bits, bytes)
                }
                None => diagnostic.help(format!("write for example `10{better}`")),
            }
        }
        None => match nearest(unit, UNITS.iter().map(|u| u.text)) {
            Some(near) if unit.len() > 2 => diagnostic.help(format!("did you mean `{}`?", with(near))),
            _ => diagnostic.help(format!(
                "units are {} for time, {} for sizes, {} for network speed, `%`, `cores` and `/s`",
                all_of(UnitOf::Duration),
                all_of(UnitOf::Bytes),
                all_of(UnitOf::Bitrate)
            )),
        },
    };
    Box::new(diagnostic)
}

/// Both readings, of which nobody but the writer knows the right one.
fn either(diagnostic: Diagnostic, span: Span, a: String, b: String) -> Diagnostic {
    let (first, second) = (format!("write `{a}`"), format!("write `{b}`"));
    diagnostic.choice(first, span, a).choice(second, span, b)
}

/// The number of a quantity of one part, times eight.
fn eightfold(pairs: &[(&str, &str)]) -> Option<Decimal> {
    let [(number, _)] = pairs else { return None };
    Some(parse_decimal(number)?.checked_mul(Decimal::from(8))?.normalize())
}

fn malformed(text: &str, span: Span, help: &str) -> Refusal {
    Box::new(
        Diagnostic::new(Code::BAD_NUMBER, span, format!("`{}` is not a number or quantity", shown(text))).help(help),
    )
}

fn too_large(text: &str, span: Span, help: &str) -> Refusal {
    Box::new(Diagnostic::new(Code::NUMBER_TOO_LARGE, span, format!("`{}` is too large", shown(text))).help(help))
}

/// What a message shows of a literal: a number of a million digits not as a whole.
fn shown(text: &str) -> String {
    let dots = if text.chars().nth(40).is_some() { "…" } else { "" };
    text.chars().take(40).chain(dots.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    fn of(text: &str) -> Result<Value, Refusal> {
        value(text, Span::new(FileId(0), 0, text.len() as u32))
    }

    #[test]
    fn literals_are_exact() {
        assert_eq!(of("10_000"), Ok(Value::Int(10_000)));
        assert_eq!(of("1h30m"), Ok(Value::Duration(Duration::from_secs(5400))));
        assert_eq!(of("99.95%").map(|v| v.to_string()), Ok("99.95%".into()));
        assert_eq!(of("2_000/s").map(|v| v.to_string()), Ok("2000/s".into()));
        assert_eq!(of("10Mbit/s"), Ok(Value::Bitrate(Bitrate(10_000_000))));
        assert_eq!(of("0.5cores").map(|v| v.to_string()), Ok("0.5cores".into()));
        assert_eq!(of("512MiB"), Ok(Value::Bytes(Bytes(512 << 20))));
        assert_eq!(of("2022-03-14"), Ok(Value::Date("2022-03-14".into())));
        assert_eq!(of("0.5").map(|v| v.to_string()), Ok("0.5".into()));
    }

    #[test]
    fn what_is_wrong_has_its_own_code_and_its_fix() {
        let refused = |text: &str| {
            let d = of(text).unwrap_err();
            (d.code, d.fixes.first().map(|f| f.edits[0].text.clone()))
        };
        assert_eq!(refused("10mbit"), (Code::UNKNOWN_UNIT, Some("10Mbit/s".into())));
        assert_eq!(refused("5mins"), (Code::UNKNOWN_UNIT, Some("5m".into())));
        assert_eq!(refused("1h30min"), (Code::UNKNOWN_UNIT, Some("1h30m".into())));
        assert_eq!(refused("2022-02-31"), (Code::BAD_DATE, None));
        assert_eq!(refused("2022-3-14"), (Code::BAD_DATE, Some("2022-03-14".into())));
        assert_eq!(refused("25:00").0, Code::BAD_CLOCK);
        assert_eq!(refused("99999999999999999999").0, Code::NUMBER_TOO_LARGE);
        assert_eq!(refused("400000000000h").0, Code::NUMBER_TOO_LARGE);
        assert_eq!(refused("1__0").0, Code::BAD_NUMBER);
        assert_eq!(refused("1.2.3").0, Code::BAD_NUMBER);
        assert_eq!(refused("5m3%").0, Code::BAD_NUMBER);
        assert_eq!(refused("0.3B").0, Code::BAD_NUMBER);
        assert_eq!(refused("5parsec").0, Code::UNKNOWN_UNIT);
    }

    /// Eight times too little or too much: neither reading may be written unasked.
    #[test]
    fn bits_or_bytes_is_for_people_to_say() {
        for (text, bits, bytes) in [
            ("10Mbps", "10Mbit/s", "80Mbit/s"),
            ("10MBps", "10Mbit/s", "80Mbit/s"),
            ("1_000mbps", "1_000Mbit/s", "8000Mbit/s"),
            ("1.5kbps", "1.5kbit/s", "12kbit/s"),
            ("0.25GBps", "0.25Gbit/s", "2Gbit/s"),
        ] {
            let found = of(text).unwrap_err();
            let written: Vec<&str> = found.fixes.iter().map(|f| f.edits[0].text.as_str()).collect();
            assert_eq!(written, [bits, bytes], "{text}");
            assert!(found.fixes.iter().all(|f| f.applicability == crate::diagnostic::Applicability::Maybe), "{text}");
        }
        assert_eq!(of("1h2mbps").unwrap_err().fixes, []);
    }

    #[test]
    fn a_number_that_is_too_fine_is_not_too_large() {
        let message = of("0.0000000000000000000000000001%").unwrap_err().message;
        assert!(message.ends_with("has too many digits"), "{message}");
        let message = of("99999999999999999999999999999").unwrap_err().message;
        assert!(message.ends_with("is too large"), "{message}");
    }

    #[test]
    fn clocks_end_at_midnight() {
        for good in ["00:00", "09:30", "23:59", "24:00"] {
            assert!(is_clock(good), "{good}");
        }
        for bad in ["25:00", "24:01", "12:60", "9:00", "12", "12:0", "+1:00"] {
            assert!(!is_clock(bad), "{bad}");
        }
    }
}
