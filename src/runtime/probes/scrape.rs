//! A page of metrics, read directly: what Prometheus would compute, without a Prometheus.
//!
//! Counters grow and are reset to nothing when their process starts anew; growth over a window is the sum of what each
//! series grew from look to look, a reset counting as growth from nothing. Unlike Prometheus nothing is extrapolated: a
//! window is the looks that lie in it, and its real length is what a rate divides by. Quantiles are computed of a histogram's
//! growth, linear within a bucket, as `histogram_quantile` does.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use smol_str::SmolStr;

use super::{Missing, convert};
use crate::plan::ScrapeAnswer;
use crate::types::Decimal;

/// Labels of a series, sorted.
type Labels = Vec<(String, String)>;
/// Every series of one metric, and of its buckets, with the number that it has, or why that is none.
type Snapshot = BTreeMap<(bool, Labels), Result<Decimal, Missing>>;

/// Earlier looks at one metric of one page.
#[derive(Debug, Default)]
pub struct History(VecDeque<(Instant, Snapshot)>);

/// The series of a metric on a page, and of its buckets (`name_bucket`).
pub fn read(page: &str, name: &str) -> Result<Snapshot, Missing> {
    let bucket = format!("{name}_bucket");
    let mut found = Snapshot::new();
    for line in page.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let Some((own, labels, value)) = line_of(line) else { continue };
        let is_bucket = own == bucket;
        if own == name || is_bucket {
            // A NaN is no number, and says nothing about the others.
            found.insert((is_bucket, labels), convert::number(value));
        }
    }
    if found.is_empty() { Err(Missing(format!("the page has no `{name}`"))) } else { Ok(found) }
}

/// `name{a="b"} 1 1700000000`.
fn line_of(line: &str) -> Option<(&str, Labels, &str)> {
    let Some(open) = line.find('{') else {
        let mut words = line.split_whitespace();
        return Some((words.next()?, Vec::new(), words.next()?));
    };
    let (name, rest) = (line.get(..open)?.trim(), line.get(open + 1..)?);
    let mut labels = Vec::new();
    let mut chars = rest.char_indices().peekable();
    loop {
        while chars.peek().is_some_and(|(_, c)| *c == ',' || c.is_whitespace()) {
            chars.next();
        }
        if chars.peek()?.1 == '}' {
            chars.next();
            break;
        }
        let mut key = String::new();
        for (_, c) in chars.by_ref() {
            if c == '=' {
                break;
            }
            key.push(c);
        }
        if chars.next()?.1 != '"' {
            return None;
        }
        let mut value = String::new();
        loop {
            match chars.next()?.1 {
                '"' => break,
                '\\' => match chars.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                c => value.push(c),
            }
        }
        labels.push((key.trim().to_owned(), value));
    }
    labels.sort();
    let value = chars.peek().and_then(|(at, _)| rest.get(*at..))?.split_whitespace().next()?;
    Some((name, labels, value))
}

fn has(labels: &Labels, wanted: &[(SmolStr, SmolStr)]) -> bool {
    wanted.iter().all(|(key, value)| labels.iter().any(|(k, v)| k == key.as_str() && v == value.as_str()))
}

impl History {
    /// Takes a look, and answers from it and the ones before.
    pub fn look(
        &mut self,
        now: Snapshot,
        labels: &[(SmolStr, SmolStr)],
        among: &[(SmolStr, SmolStr)],
        answer: ScrapeAnswer,
        window: Option<Duration>,
        at: Instant,
    ) -> Result<Decimal, Missing> {
        let value = if answer == ScrapeAnswer::Value { Some(only(&now, labels)) } else { None };
        self.0.push_back((at, now));
        if let Some(value) = value {
            while self.0.len() > 1 {
                self.0.pop_front();
            }
            return value;
        }
        let window = window.ok_or_else(|| Missing::new("the metric declares no `window`"))?;
        // One look at or before the window's begin is kept: it is where growth is counted from.
        while self.0.get(1).is_some_and(|(t, _)| at.duration_since(*t) >= window) {
            self.0.pop_front();
        }
        let first = self.0.front().map_or(at, |(t, _)| *t);
        let length = at.duration_since(first);
        // Looks do not come exactly on time: nine tenths of a window are one.
        if length < window * 9 / 10 {
            return Err(Missing(format!(
                "the page was watched for {} s, and the window is {} s",
                length.as_secs(),
                window.as_secs()
            )));
        }
        self.over(labels, among, answer, length)
    }

    fn over(
        &self,
        labels: &[(SmolStr, SmolStr)],
        among: &[(SmolStr, SmolStr)],
        answer: ScrapeAnswer,
        length: Duration,
    ) -> Result<Decimal, Missing> {
        match answer {
            ScrapeAnswer::Value | ScrapeAnswer::Increase => self.growth(labels),
            ScrapeAnswer::Rate => {
                let micros = Decimal::from(u64::try_from(length.as_micros()).unwrap_or(u64::MAX));
                let million = Decimal::from(1_000_000);
                self.growth(labels)?.checked_mul(million).and_then(|n| n.checked_div(micros)).ok_or_else(too_large)
            }
            ScrapeAnswer::Share => {
                let all = self.growth(among)?;
                let both: Vec<(SmolStr, SmolStr)> = among.iter().chain(labels).cloned().collect();
                // Of something that never happened there is no series yet.
                let part = self.growth(&both).unwrap_or(Decimal::ZERO);
                if all.is_zero() {
                    return Err(Missing::new("nothing happened in the window: of nothing there is no share"));
                }
                part.checked_div(all).ok_or_else(too_large)
            }
            ScrapeAnswer::Quantile(share) => self.quantile(labels, share.0),
        }
    }

    /// By how much the series with these labels grew, together.
    fn growth(&self, labels: &[(SmolStr, SmolStr)]) -> Result<Decimal, Missing> {
        let grown = self.grown(false, labels)?;
        if grown.is_empty() { Err(Missing::new("no series has these labels")) } else { together(grown.into_values()) }
    }

    /// By how much each series grew from the first look to the last.
    fn grown(&self, buckets: bool, labels: &[(SmolStr, SmolStr)]) -> Result<BTreeMap<Labels, Decimal>, Missing> {
        let mut grown: BTreeMap<Labels, Decimal> = BTreeMap::new();
        let looks: Vec<&Snapshot> = self.0.iter().map(|(_, s)| s).collect();
        for pair in looks.windows(2) {
            let [before, after] = pair else { continue };
            for ((is_bucket, own), now) in after.iter().filter(|((b, l), _)| *b == buckets && has(l, labels)) {
                let Ok(now) = now else { continue };
                // A series that was not there begins at nothing.
                let then = match before.get(&(*is_bucket, own.clone())) {
                    Some(Ok(then)) => *then,
                    _ => Decimal::ZERO,
                };
                let by = if *now >= then { now.checked_sub(then).ok_or_else(too_large)? } else { *now };
                let so_far = grown.entry(own.clone()).or_default();
                *so_far = together([*so_far, by])?;
            }
        }
        Ok(grown)
    }

    fn quantile(&self, labels: &[(SmolStr, SmolStr)], percent: Decimal) -> Result<Decimal, Missing> {
        let mut bounds: BTreeMap<Decimal, Decimal> = BTreeMap::new();
        let mut all = Decimal::ZERO;
        let mut known = false;
        for (own, by) in self.grown(true, labels)? {
            let Some((_, bound)) = own.iter().find(|(key, _)| key == "le") else { continue };
            known = true;
            if bound == "+Inf" {
                all = together([all, by])?;
            } else {
                let so_far = bounds.entry(convert::number(bound)?).or_default();
                *so_far = together([*so_far, by])?;
            }
        }
        if !known {
            return Err(Missing::new("no bucket has these labels: is this a histogram?"));
        }
        if all.is_zero() {
            return Err(Missing::new("nothing was observed in the window"));
        }
        let share = percent.checked_div(Decimal::ONE_HUNDRED).ok_or_else(too_large)?;
        let rank = all.checked_mul(share).ok_or_else(too_large)?;
        let (mut below, mut from) = (Decimal::ZERO, Decimal::ZERO);
        for (bound, count) in &bounds {
            if *count >= rank && *count > below {
                let inner = |a: Decimal, b: Decimal| a.checked_sub(b).ok_or_else(too_large);
                let part = inner(rank, below)?.checked_div(inner(*count, below)?).unwrap_or(Decimal::ONE);
                let above = inner(*bound, from)?.checked_mul(part).ok_or_else(too_large)?;
                return together([from, above]);
            }
            (below, from) = (*count, *bound);
        }
        // Beyond the last bound nobody knows more than that: what Prometheus answers, too.
        bounds.keys().next_back().copied().ok_or_else(|| Missing::new("the histogram has no bounds"))
    }
}

/// The one series that has these labels: what is a number of several (a sum, the worst) is not guessed.
fn only(now: &Snapshot, labels: &[(SmolStr, SmolStr)]) -> Result<Decimal, Missing> {
    let mut mine = now.iter().filter(|((b, l), _)| !b && has(l, labels)).map(|(_, v)| v);
    match (mine.next(), mine.count()) {
        (None, _) => Err(Missing::new("no series has these labels")),
        (Some(value), 0) => value.clone(),
        (Some(_), more) => {
            Err(Missing(format!("{} series have these labels, and one is wanted: name more `labels`", more + 1)))
        }
    }
}

/// As much as there is together, where it is a number that can be held.
fn together(numbers: impl IntoIterator<Item = Decimal>) -> Result<Decimal, Missing> {
    let sum = numbers.into_iter().try_fold(Decimal::ZERO, Decimal::checked_add);
    sum.ok_or_else(too_large)
}

fn too_large() -> Missing {
    Missing::new("the numbers are too large")
}
