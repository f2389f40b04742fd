//! Units that people bring along from elsewhere, and what is meant by them.

use crate::types::{UNITS, UnitOf};

/// How a foreign unit is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    /// It can only mean this.
    Is(&'static str),
    /// It means one thing here and another there.
    Either(&'static str, &'static str),
    /// Bits to some tools, and bytes to others, which are eight times as many bits.
    BitsOrBytes(&'static str),
}

/// What a unit that is not ours was meant to be. Units that differ from ours in case only are found by [`nearest`].
pub(super) fn foreign(unit: &str) -> Option<Foreign> {
    let small = unit.to_ascii_lowercase();
    Some(Foreign::Is(match small.as_str() {
        "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "m",
        "hr" | "hrs" | "hour" | "hours" => "h",
        "day" | "days" => "d",
        "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => "ms",
        "µs" | "μs" | "usec" | "usecs" | "micros" | "microsecond" | "microseconds" => "us",
        "percent" | "pct" | "%%" => "%",
        "bits/s" => "bit/s",
        "kbit" => "kbit/s",
        "mbit" => "Mbit/s",
        "gbit" => "Gbit/s",
        // Nothing tells which, not even the case: Chaos Mesh reads `mbps` as bytes, and most people mean bits by `Mbps`.
        "bps" => return Some(Foreign::BitsOrBytes("bit/s")),
        "kbps" => return Some(Foreign::BitsOrBytes("kbit/s")),
        "mbps" => return Some(Foreign::BitsOrBytes("Mbit/s")),
        "gbps" => return Some(Foreign::BitsOrBytes("Gbit/s")),
        "core" | "cpu" | "cpus" | "vcpu" | "vcpus" => "cores",
        "rps" | "qps" | "req/s" | "reqs/s" | "requests/s" | "ops/s" | "/sec" | "/second" => "/s",
        "byte" | "bytes" => "B",
        "ki" => "KiB",
        "mi" => "MiB",
        "gi" => "GiB",
        "ti" => "TiB",
        "k" => return Some(Foreign::Either("kB", "KiB")),
        // A lone small `m` is a minute; a large one is a size in some unit of two.
        "g" => return Some(Foreign::Either("GB", "GiB")),
        "t" => return Some(Foreign::Either("TB", "TiB")),
        _ if unit == "M" => return Some(Foreign::Either("MB", "MiB")),
        _ => return UNITS.iter().find(|u| u.text.eq_ignore_ascii_case(unit)).map(|u| Foreign::Is(u.text)),
    }))
}

/// All units of a kind, for a message: "`us`, `ms`, `s`, `m`, `h` or `d`".
pub(super) fn all_of(kind: UnitOf) -> String {
    let texts: Vec<String> = UNITS.iter().filter(|u| u.of == kind).map(|u| format!("`{}`", u.text)).collect();
    match texts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => texts.join(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Unit;

    #[test]
    fn what_is_offered_is_a_unit() {
        for unit in ["sec", "Mbps", "mbit/s", "Ki", "rps", "KB", "MS", "cpu", "M", "k"] {
            match foreign(unit) {
                Some(Foreign::Is(text) | Foreign::BitsOrBytes(text)) => assert!(Unit::find(text).is_some(), "{unit}"),
                Some(Foreign::Either(a, b)) => assert!(Unit::find(a).is_some() && Unit::find(b).is_some(), "{unit}"),
                None => panic!("{unit}"),
            }
        }
        assert_eq!(foreign("parsec"), None);
    }
}
