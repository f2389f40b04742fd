//! Quantities with their units. Exact: integers of the smallest unit, or decimals; floating point is never used.
//!
//! Printing is canonical (`90s` is `1m30s`) and is what `.chaos` accepts, so that print and parse agree.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a unit measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnitOf {
    /// Durations and offsets; factor in nanoseconds.
    Duration,
    /// Shares; factor in percent.
    Percent,
    /// Sizes; factor in bytes.
    Bytes,
    /// Network speed; factor in bits per second.
    Bitrate,
    /// Processor; factor in cores.
    Cores,
    /// Events; factor per second.
    Rate,
}

/// A unit as it is written behind a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// As written.
    pub text: &'static str,
    /// What it measures.
    pub of: UnitOf,
    /// How many base units one of it is.
    pub factor: u64,
}

/// Every unit of the language.
pub const UNITS: &[Unit] = &[
    Unit { text: "us", of: UnitOf::Duration, factor: 1_000 },
    Unit { text: "ms", of: UnitOf::Duration, factor: 1_000_000 },
    Unit { text: "s", of: UnitOf::Duration, factor: 1_000_000_000 },
    Unit { text: "m", of: UnitOf::Duration, factor: 60_000_000_000 },
    Unit { text: "h", of: UnitOf::Duration, factor: 3_600_000_000_000 },
    Unit { text: "d", of: UnitOf::Duration, factor: 86_400_000_000_000 },
    Unit { text: "%", of: UnitOf::Percent, factor: 1 },
    Unit { text: "B", of: UnitOf::Bytes, factor: 1 },
    Unit { text: "kB", of: UnitOf::Bytes, factor: 1_000 },
    Unit { text: "MB", of: UnitOf::Bytes, factor: 1_000_000 },
    Unit { text: "GB", of: UnitOf::Bytes, factor: 1_000_000_000 },
    Unit { text: "TB", of: UnitOf::Bytes, factor: 1_000_000_000_000 },
    Unit { text: "KiB", of: UnitOf::Bytes, factor: 1 << 10 },
    Unit { text: "MiB", of: UnitOf::Bytes, factor: 1 << 20 },
    Unit { text: "GiB", of: UnitOf::Bytes, factor: 1 << 30 },
    Unit { text: "TiB", of: UnitOf::Bytes, factor: 1 << 40 },
    Unit { text: "bit/s", of: UnitOf::Bitrate, factor: 1 },
    Unit { text: "kbit/s", of: UnitOf::Bitrate, factor: 1_000 },
    Unit { text: "Mbit/s", of: UnitOf::Bitrate, factor: 1_000_000 },
    Unit { text: "Gbit/s", of: UnitOf::Bitrate, factor: 1_000_000_000 },
    Unit { text: "cores", of: UnitOf::Cores, factor: 1 },
    Unit { text: "/s", of: UnitOf::Rate, factor: 1 },
];

impl Unit {
    /// The unit of this spelling.
    #[must_use]
    pub fn find(text: &str) -> Option<&'static Self> {
        UNITS.iter().find(|u| u.text == text)
    }
}

/// A decimal without trailing zeros: `99.50` is `99.5`.
#[must_use]
pub fn decimal_text(number: Decimal) -> String {
    number.normalize().to_string()
}

/// A decimal as the language writes it: digits, `_` between digits, at most one point.
#[must_use]
pub fn parse_decimal(text: &str) -> Option<Decimal> {
    Decimal::from_str(&text.replace('_', "")).ok()
}

/// A length of time, never negative, in whole nanoseconds; at most 2^63 − 1 of them (292 years).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(u64);

impl Duration {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// From nanoseconds; `None` above 2^63 − 1.
    #[must_use]
    pub fn from_nanos(nanos: u64) -> Option<Self> {
        (nanos <= i64::MAX as u64).then_some(Self(nanos))
    }

    /// From whole seconds (at most 2^32 − 1, so it always fits).
    #[must_use]
    pub const fn from_secs(secs: u32) -> Self {
        Self(secs as u64 * 1_000_000_000)
    }

    /// From milliseconds (at most 2^32 − 1, so it always fits).
    #[must_use]
    pub const fn from_millis(millis: u32) -> Self {
        Self(millis as u64 * 1_000_000)
    }

    /// Nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds, rounded up.
    #[must_use]
    pub const fn as_secs_ceil(self) -> u64 {
        self.0.div_ceil(1_000_000_000)
    }

    /// Seconds as an exact decimal.
    #[must_use]
    pub fn as_secs_decimal(self) -> Decimal {
        Decimal::from(self.0) / Decimal::from(1_000_000_000u64)
    }

    /// Whether it is no time at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, held at the largest duration.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0).min(i64::MAX as u64))
    }

    /// The difference, not below zero.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The product, held at the largest duration.
    #[must_use]
    pub fn times(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor).min(i64::MAX as u64))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PARTS: [(&str, u64); 5] = [
            ("d", 86_400_000_000_000),
            ("h", 3_600_000_000_000),
            ("m", 60_000_000_000),
            ("s", 1_000_000_000),
            ("ms", 1_000_000),
        ];
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, size) in PARTS {
            // A day is 24h; durations below two days read better in hours.
            if unit == "d" && !rest.is_multiple_of(size) {
                continue;
            }
            let count = rest / size;
            if count > 0 {
                write!(f, "{count}{unit}")?;
                rest %= size;
            }
        }
        // The smallest unit carries what is left: `1ms19.228us`.
        if rest > 0 { write!(f, "{}us", (Decimal::from(rest) / Decimal::from(1000)).normalize()) } else { Ok(()) }
    }
}

/// A signed length of time, in whole nanoseconds: `-5m`, `+25d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Offset(i64);

impl Offset {
    /// From a duration and a direction.
    #[must_use]
    pub fn new(length: Duration, negative: bool) -> Self {
        // A duration is at most i64::MAX, so it has a negation.
        let nanos = length.0 as i64;
        Self(if negative { -nanos } else { nanos })
    }

    /// Its length without the sign.
    #[must_use]
    pub fn length(self) -> Duration {
        Duration(self.0.unsigned_abs())
    }

    /// Whether it points into the past.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Nanoseconds.
    #[must_use]
    pub fn as_nanos(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.0 < 0 { '-' } else { '+' }, self.length())
    }
}

/// A share in percent: `99.95%` holds 99.95.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Percent(pub Decimal);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0.normalize())
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_largest(f, self.0, UnitOf::Bytes)
    }
}

/// A network speed in bits per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bitrate(pub u64);

impl fmt::Display for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_largest(f, self.0, UnitOf::Bitrate)
    }
}

/// An amount of processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Cores(pub Decimal);

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}cores", self.0.normalize())
    }
}

/// Events per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Rate(pub Decimal);

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0.normalize())
    }
}

/// Prints an integer quantity in the largest unit that divides it.
fn print_largest(f: &mut fmt::Formatter<'_>, amount: u64, of: UnitOf) -> fmt::Result {
    let unit = UNITS
        .iter()
        .filter(|u| u.of == of && amount > 0 && amount.is_multiple_of(u.factor))
        .max_by_key(|u| u.factor)
        .or_else(|| UNITS.iter().find(|u| u.of == of));
    match unit {
        Some(unit) => write!(f, "{}{}", amount / unit.factor, unit.text),
        None => write!(f, "{amount}"),
    }
}

/// Splits `1h30m` or `99.5%` into `(number, unit)` pairs; `None` if it is not made of such pairs.
fn pairs(text: &str) -> Option<Vec<(Decimal, &'static Unit)>> {
    let mut rest = text;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_'))?;
        let number = parse_decimal(rest.get(..digits)?)?;
        let tail = rest.get(digits..)?;
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        found.push((number, Unit::find(tail.get(..unit_end)?)?));
        rest = tail.get(unit_end..)?;
    }
    (!found.is_empty()).then_some(found)
}

fn whole(number: Decimal, factor: u64) -> Option<u64> {
    let product = number.checked_mul(Decimal::from(factor))?;
    if product.fract().is_zero() { u64::try_from(product).ok() } else { None }
}

fn single(text: &str, of: UnitOf) -> Option<(Decimal, &'static Unit)> {
    match pairs(text)?.as_slice() {
        [(number, unit)] if unit.of == of => Some((*number, unit)),
        _ => None,
    }
}

impl FromStr for Duration {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut total: u64 = 0;
        for (number, unit) in pairs(text).ok_or(())? {
            if unit.of != UnitOf::Duration {
                return Err(());
            }
            total = total.checked_add(whole(number, unit.factor).ok_or(())?).ok_or(())?;
        }
        Self::from_nanos(total).ok_or(())
    }
}

impl FromStr for Offset {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (negative, length) = match (text.strip_prefix('-'), text.strip_prefix('+')) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => (false, text),
        };
        Ok(Self::new(length.parse()?, negative))
    }
}

impl FromStr for Percent {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        single(text, UnitOf::Percent).map(|(n, _)| Self(n)).ok_or(())
    }
}

impl FromStr for Bytes {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        single(text, UnitOf::Bytes).and_then(|(n, u)| whole(n, u.factor)).map(Self).ok_or(())
    }
}

impl FromStr for Bitrate {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        single(text, UnitOf::Bitrate).and_then(|(n, u)| whole(n, u.factor)).map(Self).ok_or(())
    }
}

impl FromStr for Cores {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        single(text, UnitOf::Cores).map(|(n, _)| Self(n)).ok_or(())
    }
}

impl FromStr for Rate {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        single(text, UnitOf::Rate).map(|(n, _)| Self(n)).ok_or(())
    }
}

/// Serde and schema as the text of the language: plans read like sources, and numbers stay exact.
macro_rules! as_text {
    ($($name:ident $pattern:literal;)+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(|()| {
                    serde::de::Error::custom(format!("`{text}` is not a {}", stringify!($name)))
                })
            }
        }
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    )+};
}

as_text! {
    Duration r"^([0-9]+(\.[0-9]+)?(us|ms|s|m|h|d))+$";
    Offset r"^[+-]([0-9]+(\.[0-9]+)?(us|ms|s|m|h|d))+$";
    Percent r"^[0-9]+(\.[0-9]+)?%$";
    Bytes r"^[0-9]+(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$";
    Bitrate r"^[0-9]+(bit/s|kbit/s|Mbit/s|Gbit/s)$";
    Cores r"^[0-9]+(\.[0-9]+)?cores$";
    Rate r"^[0-9]+(\.[0-9]+)?/s$";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prints_in_the_languages_own_spelling() {
        assert_eq!(Duration::from_secs(90).to_string(), "1m30s");
        assert_eq!(Duration::from_secs(86_400).to_string(), "1d");
        assert_eq!(Duration::from_secs(90_000).to_string(), "25h");
        assert_eq!(Duration::ZERO.to_string(), "0s");
        assert_eq!("1h30m".parse::<Duration>().unwrap(), Duration::from_secs(5400));
        assert_eq!("0.5s".parse::<Duration>().unwrap(), Duration::from_millis(500));
        assert_eq!("-5m".parse::<Offset>().unwrap().to_string(), "-5m");
        assert_eq!(Bytes(512 << 20).to_string(), "512MiB");
        assert_eq!(Bytes(10_000_000_000).to_string(), "10GB");
        assert_eq!("10Mbit/s".parse::<Bitrate>().unwrap().0, 10_000_000);
        assert_eq!("99.50%".parse::<Percent>().unwrap().to_string(), "99.5%");
        assert!("5".parse::<Duration>().is_err());
        assert!("5%".parse::<Duration>().is_err());
        assert!("10Mbps".parse::<Bitrate>().is_err());
    }

    proptest! {
        #[test]
        fn print_then_parse_is_the_same(nanos in 0..=i64::MAX as u64, bytes: u64, rate: u64, negative: bool) {
            let duration = Duration::from_nanos(nanos).unwrap();
            prop_assert_eq!(duration.to_string().parse::<Duration>().unwrap(), duration);
            let offset = Offset::new(duration, negative);
            prop_assert_eq!(offset.to_string().parse::<Offset>().unwrap(), offset);
            prop_assert_eq!(Bytes(bytes).to_string().parse::<Bytes>().unwrap(), Bytes(bytes));
            prop_assert_eq!(Bitrate(rate).to_string().parse::<Bitrate>().unwrap(), Bitrate(rate));
        }
    }
}
