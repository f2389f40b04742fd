//! A run as a strip over time: its phases, what was injected when, and the moments at which something broke.
//!
//! Comes in: records with their times, and how they are told. Goes out: text. Pure.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::diagnostic::render::Look;
use crate::runtime::machine::{PhaseName, Record};
use crate::runtime::simulate::shown;
use crate::types::Duration;

/// The strip; empty where nothing broke or nothing was injected, as the story says all then.
pub(super) fn strip(
    records: &[(Duration, Record)],
    told: &[(Duration, &Record, String)],
    zero: Duration,
    look: &Look,
) -> String {
    let broken: Vec<&(Duration, &Record, String)> = told.iter().filter(|(_, record, _)| record.is_a_break()).collect();
    let injected = windows(records.iter().map(|(at, record)| (*at, record)));
    let (Some((end, _)), false) = (records.last(), broken.is_empty() || injected.is_empty()) else {
        return String::new();
    };
    let begin = phases(records).first().map_or(Duration::ZERO, |(_, from)| *from);
    let label = injected.iter().map(|window| window.fault.chars().count()).max().unwrap_or(0).clamp(6, 24);
    let width = look.width.saturating_sub(label + 4).clamp(20, 90);
    let axis = Axis { begin, end: *end, width };
    let (full, rule, mark) = if look.unicode { ('█', '─', '▲') } else { ('#', '-', '^') };
    let mut text = format!("\n{:label$}  {}\n", "", axis.phases(&phases(records), rule));
    for Window { fault, from, until, .. } in injected {
        let (left, right) = (axis.column(from), axis.column(until.unwrap_or(*end)));
        let bar: String = (0..width).map(|c| if (left..=right).contains(&c) { full } else { ' ' }).collect();
        let name: String = fault.chars().take(label).collect();
        text.push_str(&format!("{name:label$}  {}\n", bar.trim_end()));
    }
    for (at, _, words) in broken {
        let column = axis.column(*at);
        let words = words.trim_start_matches("✗ ");
        text.push_str(&format!("{:label$}  {}{mark} {}  {words}\n", "", " ".repeat(column), shown(*at, zero)));
    }
    text
}

/// Time as columns.
struct Axis {
    begin: Duration,
    end: Duration,
    width: usize,
}

impl Axis {
    fn column(&self, at: Duration) -> usize {
        let whole = u128::from(self.end.minus(self.begin).as_nanos().max(1));
        let last = self.width.saturating_sub(1);
        let column = u128::from(at.minus(self.begin).as_nanos()) * last as u128 / whole;
        usize::try_from(column).unwrap_or(last).min(last)
    }

    /// `baseline──faults────────recovering──`
    fn phases(&self, phases: &[(PhaseName, Duration)], rule: char) -> String {
        let mut line = vec![rule; self.width];
        for (index, (phase, from)) in phases.iter().enumerate() {
            let next = phases.get(index + 1).map_or(self.width, |(_, to)| self.column(*to));
            for (at, c) in (self.column(*from)..next.saturating_sub(1)).zip(phase.text().chars()) {
                if let Some(place) = line.get_mut(at) {
                    *place = c;
                }
            }
        }
        line.into_iter().collect()
    }
}

fn phases(records: &[(Duration, Record)]) -> Vec<(PhaseName, Duration)> {
    let begins = |(at, record): &(Duration, Record)| match record {
        Record::Phase { phase } if *phase != PhaseName::Preflight && *phase != PhaseName::Recovered => {
            Some((*phase, *at))
        }
        _ => None,
    };
    records.iter().filter_map(begins).collect()
}

/// When something was injected.
pub(super) struct Window<'r> {
    /// What.
    pub fault: &'r str,
    /// On what, by id.
    pub targets: &'r [SmolStr],
    /// From its intent on.
    pub from: Duration,
    /// Until it was undone; `None`: to the end.
    pub until: Option<Duration>,
}

/// What was injected from when to when.
pub(super) fn windows<'r>(records: impl Iterator<Item = (Duration, &'r Record)>) -> Vec<Window<'r>> {
    let mut found: BTreeMap<u32, Window<'r>> = BTreeMap::new();
    for (at, record) in records {
        match record {
            Record::Intent { injection, fault, targets, .. } => {
                found.insert(*injection, Window { fault, targets, from: at, until: None });
            }
            Record::Undone { injection, .. } => {
                if let Some(window) = found.get_mut(injection) {
                    window.until = Some(at);
                }
            }
            _ => {}
        }
    }
    found.into_values().collect()
}
