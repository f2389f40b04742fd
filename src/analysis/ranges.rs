//! Proof: a Prometheus query looks back exactly as far as its metric's `window` says.
//!
//! Comes in: the queries of a plan's streams. Goes out: P0435, P0436. Reads no more of PromQL than its string literals,
//! comments and `[…]`; a query that this cannot read is left alone. An objective's query has the objective's own window
//! put in and is not judged.

use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Plan, Source, Stream};
use crate::types::Duration;

/// Adds queries whose ranges and windows differ.
pub fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    for stream in &plan.streams {
        if let Source::Prometheus { query, .. } = &stream.source {
            judge(stream, &ranges(query), out);
        }
    }
}

fn judge(stream: &Stream, found: &[Duration], out: &mut Vec<Diagnostic>) {
    let Some(longest) = found.iter().max().copied() else { return };
    let metric = &stream.metric;
    let diagnostic = match stream.window {
        None => {
            let message = format!("the query of `{metric}` looks back {longest}, but the metric declares no `window`");
            Diagnostic::new(Code::RANGE_WITHOUT_WINDOW, stream.span, message)
                .label(format!("the query holds `[{longest}]`"))
                .help(format!(
                    "write `window: {longest}`; better, take `over: Duration = {longest}` \
                 as a parameter, write `[${{over}}]` in the query and `window: over`"
                ))
        }
        // One sample of a subquery reaches as far back as its ranges together.
        Some(window) if window < longest || window > found.iter().fold(Duration::ZERO, |sum, r| sum.plus(*r)) => {
            let message =
                format!("the query of `{metric}` looks back {longest}, but the metric declares a `window` of {window}");
            Diagnostic::new(Code::RANGE_OTHER_THAN_WINDOW, stream.span, message)
                .label(format!("the query holds `[{longest}]`"))
                .help(
                    "take the time as a parameter `over`, write `[${over}]` in the query \
                 and `window: over`: then they cannot differ",
                )
        }
        Some(_) => return,
    };
    out.push(diagnostic.why(
        "the bound on a guard's reaction and the time of recovery are computed from `window`: \
                 what the query really does has to be there",
    ));
}

/// The ranges of a query: `[5m]`, and the first half of `[1h:5m]`.
pub fn ranges(query: &str) -> Vec<Duration> {
    let mut found = Vec::new();
    let mut rest = query;
    while let Some(at) = rest.find(['"', '\'', '`', '#', '[']) {
        let (mark, tail) = rest.split_at(at);
        let _ = mark;
        let Some(opened) = tail.chars().next() else { break };
        // All five are one byte long.
        let inside = tail.get(1..).unwrap_or("");
        let end = match opened {
            '#' => inside.find('\n').map(|e| e + 1),
            '[' => inside.find(']').map(|e| e + 1),
            quote => closing(inside, quote),
        };
        let Some(end) = end else { break };
        if opened == '[' {
            let range = inside.get(..end - 1).and_then(|r| r.split(':').next()).unwrap_or("");
            found.extend(promql_duration(range.trim()));
        }
        rest = inside.get(end..).unwrap_or("");
    }
    found
}

/// The byte behind the closing quote; a backslash escapes in all but raw strings.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// A duration as Prometheus writes it: `1h30m`, also in weeks and years.
fn promql_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = (rest.get(..digits)?, rest.get(digits..)?);
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let nanos: u64 = match tail.get(..unit_end)? {
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            "w" => 7 * 86_400_000_000_000,
            "y" => 365 * 86_400_000_000_000,
            _ => return None,
        };
        total = total.plus(Duration::from_nanos(nanos)?.times(number.parse().ok()?));
        rest = tail.get(unit_end..)?;
    }
    (!total.is_zero()).then_some(total)
}
