//! What a person or a program sees of a run: a calm view on a terminal, plain lines elsewhere, or a stream of events.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::Arc;

use serde::Serialize;

use crate::plan::Plan;
use crate::runtime::drive::Viewer;
use crate::runtime::machine::{PhaseName, Record};
use crate::runtime::simulate::told;
use crate::types::{Duration, Value};

/// One event of `--format json`, a line each.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct Shown<'r> {
    /// The run's id.
    run: &'r str,
    /// Since the run began.
    at: Duration,
    /// What happened.
    #[serde(flatten)]
    record: &'r Record,
}

/// How a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// A JSON object a line (`perturb schema events`).
    Json,
}

/// The viewer for a format and for where it goes.
pub(super) fn viewer(format: Format, run: &str, plan: &Arc<Plan>, total: Duration) -> Box<dyn Viewer> {
    match format {
        Format::Json => Box::new(Events { run: run.to_owned() }),
        Format::Text if std::io::stdout().is_terminal() => Box::new(Live {
            plan: plan.clone(),
            total,
            phase: PhaseName::Preflight,
            latest: BTreeMap::new(),
            there: BTreeMap::new(),
            is_drawn: false,
        }),
        Format::Text => Box::new(Lines),
    }
}

/// A reader that went away is no reason to stop: the run goes on, and what it injected is undone in its time.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

struct Events {
    run: String,
}

impl Viewer for Events {
    fn record(&mut self, at: Duration, record: &Record) {
        let shown = Shown { run: &self.run, at, record };
        say(&format!("{}\n", serde_json::to_string(&shown).unwrap_or_default()));
    }

    fn tick(&mut self, _: Duration) {}
}

struct Lines;

impl Viewer for Lines {
    fn record(&mut self, at: Duration, record: &Record) {
        if let Some(text) = told(record) {
            say(&format!("{} {text}\n", clock(at)));
        }
    }

    fn tick(&mut self, _: Duration) {}
}

/// `mm:ss.t`
fn clock(at: Duration) -> String {
    let tenths = at.as_nanos() / 100_000_000;
    format!("{:02}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

/// Lines that stay, and below them one that is always of now: phase, what is injected, the latest samples, time.
struct Live {
    plan: Arc<Plan>,
    total: Duration,
    phase: PhaseName,
    latest: BTreeMap<u32, Vec<Option<Value>>>,
    there: BTreeMap<u32, String>,
    is_drawn: bool,
}

/// As many samples as a sparkline shows.
const SPARKS: usize = 12;

impl Viewer for Live {
    fn record(&mut self, at: Duration, record: &Record) {
        match record {
            Record::Phase { phase } => self.phase = *phase,
            Record::Sample { stream, value, .. } => {
                let samples = self.latest.entry(*stream).or_default();
                samples.push(value.clone());
                if samples.len() > SPARKS {
                    samples.remove(0);
                }
            }
            Record::Intent { injection, fault, .. } => {
                self.there.insert(*injection, fault.to_string());
            }
            Record::Undone { injection } | Record::MayBeLeft { injection, .. } => {
                self.there.remove(injection);
            }
            _ => {}
        }
        if let Some(text) = told(record) {
            self.wipe();
            say(&format!("{} {text}\n", clock(at)));
        }
        if !matches!(record, Record::Ended { .. }) {
            self.draw(at);
        }
    }

    fn tick(&mut self, at: Duration) {
        self.draw(at);
    }
}

impl Live {
    fn wipe(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            say("\r\u{1b}[2K");
        }
    }

    fn draw(&mut self, at: Duration) {
        let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
        let there: Vec<&str> = self.there.values().map(String::as_str).collect();
        let there = if there.is_empty() { "nothing injected".to_owned() } else { there.join(" + ") };
        let mut line = format!("{} of {} at most · {} · {there}", clock(at), self.total, self.phase.text());
        for (stream, samples) in &self.latest {
            let Some(of) = self.plan.streams.get(*stream as usize) else { continue };
            let now = samples.last().and_then(Option::as_ref).map_or_else(|| "missing".to_owned(), ToString::to_string);
            line.push_str(&format!(" · {} {now} {}", of.metric, sparkline(samples)));
        }
        let line: String = line.chars().take(width.saturating_sub(1)).collect();
        say(&format!("\r\u{1b}[2K{line}"));
        self.is_drawn = true;
    }
}

/// The samples as small bars, from the least to the greatest among them; a missing one is a gap.
pub(super) fn sparkline(samples: &[Option<Value>]) -> String {
    use rust_decimal::prelude::ToPrimitive;
    let numbers: Vec<Option<crate::types::Decimal>> = samples
        .iter()
        .map(|v| match v {
            Some(Value::Bool(b)) => Some(crate::types::Decimal::from(u8::from(*b))),
            Some(value) => crate::analysis::number(value),
            None => None,
        })
        .collect();
    let known = || numbers.iter().flatten().copied();
    let (Some(least), Some(most)) = (known().min(), known().max()) else { return String::new() };
    let span = most - least;
    let bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    numbers
        .iter()
        .map(|number| match number {
            None => ' ',
            Some(_) if span.is_zero() => '▄',
            Some(n) => {
                let eighth = (*n - least).checked_mul(7.into()).and_then(|x| x.checked_div(span));
                bars.get(eighth.and_then(|e| e.to_usize()).unwrap_or(0)).copied().unwrap_or('█')
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparklines_show_the_shape_and_what_is_missing() {
        let int = |n| Some(Value::Int(n));
        assert_eq!(sparkline(&[int(0), int(7), None, int(14)]), "▁▄ █");
        assert_eq!(sparkline(&[int(3), int(3)]), "▄▄");
        assert_eq!(sparkline(&[None]), "");
        assert_eq!(clock(Duration::from_millis(61_250)), "01:01.2");
    }
}
