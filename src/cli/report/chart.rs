//! Pictures of a run as SVG: its timeline, and each stream of samples.
//!
//! Comes in: the plan and the records. Goes out: text for an HTML page. Pure. All pictures have one axis, from the begin of the run
//! to its end, so that what lies above each other happened together. Nothing is told by colour alone: what is red has a mark.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use smol_str::SmolStr;

use super::{escaped, seconds};
use crate::cli::strip::{Window, windows};
use crate::cli::view::target_name;
use crate::plan::{Condition, GuardWhen, Operand, Phase, Plan};
use crate::runtime::machine::briefly;
use crate::runtime::machine::{PhaseName, Record};
use crate::types::{Decimal, Duration, Value};

const WIDTH: u64 = 1000;
/// Of a plot.
const HEIGHT: u64 = 130;
/// Of a row of the timeline.
const ROW: u64 = 22;
/// Below it, for the axis.
const FOOT: u64 = 20;

/// The records of a run with their times, and how long it took.
pub(super) struct Run<'r> {
    pub plan: &'r Plan,
    pub records: &'r [(Duration, &'r Record)],
    pub whole: Duration,
}

/// A stretch of time with its words.
struct Bar {
    from: Duration,
    to: Duration,
    words: String,
}

impl Run<'_> {
    fn across(&self, at: Duration) -> u64 {
        let nanos = u128::from(self.whole.as_nanos().max(1));
        u64::try_from(u128::from(at.as_nanos()) * u128::from(WIDTH) / nanos).unwrap_or(WIDTH).min(WIDTH)
    }

    /// Lines and numbers of the axis, over a picture of this height.
    fn axis(&self, out: &mut String, height: u64) {
        const STEPS: [u64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
        let whole = self.whole.as_nanos() / 1_000_000_000;
        let step = STEPS.into_iter().find(|step| whole / step <= 14).unwrap_or(14_400);
        for second in (0..=whole).step_by(usize::try_from(step).unwrap_or(1)) {
            let at = Duration::from_secs(u32::try_from(second).unwrap_or(u32::MAX));
            let x = self.across(at);
            let _ = write!(out, "<path class=\"grid\" d=\"M{x} 0V{height}\"/>");
            let _ = writeln!(out, "<text class=\"tick\" x=\"{}\" y=\"{}\">{at}</text>", x + 3, height + 14);
        }
    }

    fn phases(&self) -> Vec<Bar> {
        let mut bars: Vec<Bar> = Vec::new();
        for (at, record) in self.records {
            if let Record::Phase { phase } = record {
                if let Some(before) = bars.last_mut() {
                    before.to = *at;
                }
                // It is over as soon as it has begun.
                if *phase != PhaseName::Recovered {
                    bars.push(Bar { from: *at, to: self.whole, words: phase.text().to_owned() });
                }
            }
        }
        bars
    }

    fn steps(&self) -> Vec<Bar> {
        let mut open: BTreeMap<u32, usize> = BTreeMap::new();
        let mut bars: Vec<Bar> = Vec::new();
        for (at, record) in self.records {
            match record {
                Record::StepBegan { node, text } => {
                    open.insert(*node, bars.len());
                    bars.push(Bar { from: *at, to: self.whole, words: text.clone() });
                }
                Record::StepEnded { node } => {
                    if let Some(bar) = open.remove(node).and_then(|index| bars.get_mut(index)) {
                        bar.to = *at;
                    }
                }
                Record::Ending { .. } => {
                    for bar in std::mem::take(&mut open).into_values() {
                        if let Some(bar) = bars.get_mut(bar) {
                            bar.to = *at;
                        }
                    }
                }
                _ => {}
            }
        }
        bars
    }

    /// The stretches in which something was injected.
    fn injected(&self) -> Vec<Bar> {
        let mut names: BTreeMap<&SmolStr, SmolStr> = BTreeMap::new();
        for (_, record) in self.records {
            if let Record::Draw { targets, .. } = record {
                names.extend(targets.iter().filter_map(|t| Some((&t.id, target_name(t)?))));
            }
        }
        let bar = |window: Window<'_>| {
            let on: Vec<&str> = window.targets.iter().map(|id| names.get(id).unwrap_or(id).as_str()).collect();
            let words = format!("{} on {}", window.fault, on.join(", "));
            Bar { from: window.from, to: window.until.unwrap_or(self.whole), words }
        };
        windows(self.records.iter().copied()).into_iter().map(bar).collect()
    }

    /// The moments at which something broke.
    fn broken(&self) -> impl Iterator<Item = Duration> {
        self.records.iter().filter(|(_, record)| record.is_a_break()).map(|(at, _)| *at)
    }

    /// What was when: phases, steps, what was injected; and where something broke.
    pub(super) fn timeline(&self) -> String {
        let (phases, steps, injected) = (self.phases(), self.steps(), self.injected());
        let height = ROW * (phases.len().min(1) + steps.len() + injected.len()) as u64;
        let mut out =
            format!("<figure>\n<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"timeline\">\n", height + FOOT);
        self.axis(&mut out, height);
        let mut top = 0;
        for bar in &phases {
            self.bar(&mut out, bar, 0, "phase");
        }
        top += ROW * phases.len().min(1) as u64;
        for (bars, class) in [(&injected, "hot"), (&steps, "step")] {
            for bar in bars {
                self.bar(&mut out, bar, top, class);
                top += ROW;
            }
        }
        self.marks(&mut out, height);
        out.push_str("</svg>\n<figcaption>Phases, what was injected, and the steps of the method. A red line with a cross: something broke.</figcaption>\n</figure>\n");
        out
    }

    fn bar(&self, out: &mut String, bar: &Bar, top: u64, class: &str) {
        let (left, right) = (self.across(bar.from), self.across(bar.to));
        let words = escaped(&bar.words);
        let width = (right.max(left) - left).max(3);
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{left}\" y=\"{}\" width=\"{width}\" height=\"{}\"/>",
            top + 2,
            ROW - 4
        );
        // Words that would leave the picture at its right end before the bar.
        let (x, anchor) = if left > WIDTH * 6 / 10 && class != "phase" {
            (left.saturating_sub(5), "end")
        } else {
            (left + 5, "start")
        };
        let _ = writeln!(out, "<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{words}</text>", top + ROW - 7);
    }

    fn marks(&self, out: &mut String, height: u64) {
        for at in self.broken() {
            let x = self.across(at);
            let _ = writeln!(
                out,
                "<path class=\"bad\" d=\"M{x} 0V{height}M{} {}l8 8m0 -8l-8 8\"/>",
                x.saturating_sub(4),
                height.saturating_sub(12)
            );
        }
    }

    /// The samples of a stream, with what they are held against.
    pub(super) fn plot(&self, index: u32) -> String {
        let Some(stream) = self.plan.streams.get(index as usize) else { return String::new() };
        let name = escaped(&stream.text);
        let mut out =
            format!("<figure>\n<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{name}\">\n", HEIGHT + FOOT);
        self.axis(&mut out, HEIGHT);
        for bar in self.injected() {
            let (left, right) = (self.across(bar.from), self.across(bar.to));
            let width = (right.max(left) - left).max(3);
            let words = escaped(&bar.words);
            let _ = writeln!(
                out,
                "<rect class=\"hot\" x=\"{left}\" y=\"0\" width=\"{width}\" height=\"{HEIGHT}\"><title>{words}</title></rect>"
            );
        }
        let said = self.lines(&mut out, index);
        self.marks(&mut out, HEIGHT);
        let _ = writeln!(out, "</svg>\n<figcaption>{name}{said}</figcaption>\n</figure>");
        out
    }

    /// Draws samples and bounds; gives what the plot spans, in words.
    fn lines(&self, out: &mut String, index: u32) -> String {
        let mut known: Vec<(Duration, Decimal, &Value, bool)> = Vec::new();
        let mut missing = 0;
        for (_, record) in self.records {
            let Record::Sample { stream, asked, value, judged, .. } = record else { continue };
            if *stream != index {
                continue;
            }
            let broke =
                judged.iter().any(|(name, holds)| !holds && self.plan.expectations.iter().any(|e| e.name == *name));
            match value.as_ref().and_then(|value| Some((number(value)?, value))) {
                Some((n, value)) => known.push((*asked, n, value, broke)),
                None => {
                    missing += 1;
                    let x = self.across(*asked);
                    let _ = writeln!(out, "<path class=\"missing\" d=\"M{x} {HEIGHT}v-10\"/>");
                }
            }
        }
        let bounds = bounds_of(self.plan, index);
        let all = || known.iter().map(|k| (k.1, k.2)).chain(bounds.iter().filter_map(|(_, v)| Some((number(v)?, v))));
        let (Some(least), Some(most)) = (all().min_by_key(|(n, _)| *n), all().max_by_key(|(n, _)| *n)) else {
            return ": no valid sample".to_owned();
        };
        let y = |n: Decimal| height(n, least.0, most.0);
        for (name, bound) in &bounds {
            let Some(n) = number(bound) else { continue };
            let at = y(n);
            let _ = write!(out, "<path class=\"bound\" d=\"M0 {at}H{WIDTH}\"/>");
            let words = escaped(&format!("{name}: {}", briefly(bound)));
            let _ = writeln!(
                out,
                "<text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{words}</text>",
                WIDTH - 4,
                at - 4
            );
        }
        let points: Vec<String> = known.iter().map(|(at, n, ..)| format!("{},{}", self.across(*at), y(*n))).collect();
        let _ = writeln!(out, "<polyline class=\"line\" points=\"{}\"/>", points.join(" "));
        for (at, n, ..) in known.iter().filter(|(.., broke)| *broke) {
            let _ = writeln!(out, "<circle class=\"broke\" cx=\"{}\" cy=\"{}\" r=\"4\"/>", self.across(*at), y(*n));
        }
        let samples = || known.iter().map(|k| (k.1, k.2));
        let (low, high) = (samples().min_by_key(|(n, _)| *n), samples().max_by_key(|(n, _)| *n));
        let range = match (low, high) {
            (Some(low), Some(high)) if low.0 == high.0 => format!("{} throughout", briefly(low.1)),
            (Some(low), Some(high)) => format!("from {} to {}", briefly(low.1), briefly(high.1)),
            _ => "no valid sample".to_owned(),
        };
        let first = known.first().map_or_else(String::new, |k| format!(", the first at {}", seconds(k.0)));
        let without = if missing > 0 { format!(", {missing} missing") } else { String::new() };
        format!(": {range} ({} samples{without}{first})", known.len())
    }
}

fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Bool(b) => Some(Decimal::from(u8::from(*b))),
        value => crate::analysis::number(value),
    }
}

/// How far down a value lies, with room above and below.
fn height(number: Decimal, least: Decimal, most: Decimal) -> u64 {
    use rust_decimal::prelude::ToPrimitive;
    let Some(span) = most.checked_sub(least).filter(|span| !span.is_zero()) else { return HEIGHT / 2 };
    let inner = HEIGHT - 34;
    let up =
        number.checked_sub(least).and_then(|n| n.checked_mul(Decimal::from(inner))).and_then(|x| x.checked_div(span));
    HEIGHT - 12 - up.and_then(|u| u.to_u64()).unwrap_or(0).min(inner)
}

/// What a stream is held against, each with the name of who does.
fn bounds_of(plan: &Plan, stream: u32) -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = Vec::new();
    let mut add = |name: &str, condition: &Condition| {
        let mut values = Vec::new();
        constants(condition, stream, &mut values);
        for value in values {
            if !found.iter().any(|(n, v)| n == name && *v == value) {
                found.push((name.to_owned(), value));
            }
        }
    };
    for expectation in &plan.expectations {
        add(&expectation.name, &expectation.condition);
        if let Phase::Relaxed { condition, .. } = &expectation.phase {
            add(&format!("{} during faults", expectation.name), condition);
        }
    }
    for guard in &plan.guards {
        if let GuardWhen::Condition(condition) = &guard.when {
            add("abort", condition);
        }
    }
    found
}

fn constants(condition: &Condition, wanted: u32, found: &mut Vec<Value>) {
    match condition {
        Condition::Compare { left, right, .. } => match (left, right) {
            (Operand::Stream(stream), Operand::Constant(value))
            | (Operand::Constant(value), Operand::Stream(stream))
                if *stream == wanted =>
            {
                found.push(value.clone());
            }
            _ => {}
        },
        Condition::Not(inner) => constants(inner, wanted, found),
        Condition::All(inner) | Condition::Any(inner) => inner.iter().for_each(|c| constants(c, wanted, found)),
        Condition::Constant(_) | Condition::Holds(_) => {}
    }
}
