//! The timeline as a picture in text.
//!
//! Comes in: a plan, its timeline, a width, and whether the terminal shows more than ASCII. Goes out: lines with their
//! kinds; colour is the command line's. It must never show a time or a share that the timeline does not hold.
//!
//! Each row has a label and a bar over one linear axis from the baseline's begin to the latest end. A column shows the
//! strongest thing that is true in it: surely there, there in the shortest run, or possibly there.

mod marks;
mod radius;
#[cfg(test)]
mod tests;

use super::timeline::{Lane, LaneKind, Moment, Timeline};
use crate::plan::{Effect, Expectation, GuardWhen, Phase, Plan, StepKind};
use crate::types::Duration;
use marks::{ASCII, Marks, UNICODE};

/// What a line of the picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// Words.
    Text,
    /// The axis.
    Axis,
    /// A phase.
    Phase,
    /// A fault.
    Fault,
    /// A wait, check, question or note.
    Step,
    /// An expectation.
    Expectation,
    /// A guard.
    Guard,
    /// The blast radius.
    Radius,
}

/// One line of the picture, without a line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it shows.
    pub kind: LineKind,
    /// Its text.
    pub text: String,
}

/// More steps than this are counted, not drawn.
const MOST_STEPS: usize = 120;
/// More stretches of the radius than this are counted, not listed.
const MOST_STRETCHES: usize = 12;

/// The picture as text, each line ended. `width` in columns is held between 60 and 200.
#[must_use]
pub fn picture(plan: &Plan, timeline: &Timeline, width: usize, unicode: bool) -> String {
    let mut text = String::new();
    for line in lines(plan, timeline, width, unicode) {
        text.push_str(line.text.trim_end());
        text.push('\n');
    }
    text
}

/// The picture as lines with their kinds, for those who colour it.
#[must_use]
pub fn lines(plan: &Plan, timeline: &Timeline, width: usize, unicode: bool) -> Vec<Line> {
    let marks = if unicode { &UNICODE } else { &ASCII };
    let width = width.clamp(60, 200);
    let mut canvas = Canvas::new(plan, timeline, width, marks);
    canvas.header();
    canvas.axis();
    canvas.phases();
    canvas.steps();
    canvas.judgements();
    canvas.radius();
    canvas.legend();
    canvas.lines
}

struct Canvas<'a> {
    plan: &'a Plan,
    timeline: &'a Timeline,
    marks: &'a Marks,
    label: usize,
    bar: usize,
    lines: Vec<Line>,
}

impl<'a> Canvas<'a> {
    fn new(plan: &'a Plan, timeline: &'a Timeline, width: usize, marks: &'a Marks) -> Self {
        let mut canvas = Self { plan, timeline, marks, label: 0, bar: 0, lines: vec![] };
        let lanes = (1..).zip(timeline.lanes.iter().take(MOST_STEPS));
        let longest = lanes.map(|(number, lane)| canvas.step_label(number, lane).chars().count()).max().unwrap_or(0);
        canvas.label = longest.clamp(24, width * 9 / 20);
        // One column stays free between label and bar, so that the bars stand apart.
        canvas.bar = width.saturating_sub(canvas.label + 1);
        canvas
    }

    fn push(&mut self, kind: LineKind, text: String) {
        self.lines.push(Line { kind, text });
    }

    fn text(&mut self, text: impl Into<String>) {
        self.push(LineKind::Text, text.into());
    }

    /// The column of a time after the first step. A baseline, however short, has the first column for itself.
    fn column(&self, at: Duration) -> usize {
        let total = u128::from(self.timeline.total.as_nanos().max(1));
        let column = u128::from(self.plan.baseline.plus(at).as_nanos()) * self.bar as u128 / total;
        let first = usize::from(!self.plan.baseline.is_zero());
        usize::try_from(column).unwrap_or(self.bar).clamp(first, self.bar)
    }

    fn blank(&self) -> Vec<char> {
        vec![' '; self.bar]
    }

    /// Fills from one column to another (excluded), at least one column.
    fn fill(bar: &mut [char], from: usize, to: usize, mark: char) {
        let last = bar.len().saturating_sub(1);
        let from = from.min(last);
        let to = to.clamp(from + 1, last + 1);
        if let Some(part) = bar.get_mut(from..to) {
            part.fill(mark);
        }
    }

    /// Something that is there from a moment to a moment.
    fn span(&self, bar: &mut [char], from: Moment, to: Moment) {
        let (possible, end) = (self.column(from.earliest), self.column(to.latest));
        Self::fill(bar, possible, end, self.marks.possible);
        if to.earliest > from.earliest {
            Self::fill(bar, possible, self.column(to.earliest), self.marks.shortest);
        } else {
            Self::fill(bar, possible, possible, self.marks.moment);
        }
        if to.earliest > from.latest {
            Self::fill(bar, self.column(from.latest), self.column(to.earliest), self.marks.sure);
        }
    }

    fn row(&mut self, kind: LineKind, label: &str, bar: Vec<char>) {
        let length = label.chars().count();
        let mut text: String = label.chars().take(self.label).collect();
        if length > self.label {
            text.pop();
            text.push(self.marks.more);
        }
        let width = self.label + 1;
        let bar: String = bar.into_iter().collect();
        self.push(kind, format!("{text:<width$}{bar}"));
    }

    fn header(&mut self) {
        let (plan, end) = (self.plan, self.timeline.faults_end);
        self.text(format!("{} in {}", plan.name, plan.place));
        let faults = if end.earliest == end.latest {
            end.latest.to_string()
        } else {
            format!("{} to {}", end.earliest, end.latest)
        };
        self.text(format!("{faults} of faults, at most {} in all", self.timeline.total));
        self.text("");
    }

    /// Labels at round times, and the line under them.
    fn axis(&mut self) {
        let step = tick_step(self.timeline.total, self.bar / 6);
        let mut ticks = vec![(0, format!("-{}", self.plan.baseline))];
        if self.plan.baseline.is_zero() {
            ticks.clear();
        }
        let mut at = Duration::ZERO;
        while at <= self.timeline.total.minus(self.plan.baseline) && !step.is_zero() {
            ticks.push((self.column(at), at.to_string()));
            at = at.plus(step);
        }
        let (mut labels, mut line) = (self.blank(), vec![self.marks.axis; self.bar]);
        let mut free = 0;
        for (i, (column, text)) in ticks.iter().enumerate() {
            // The begin of the method is the one label that must be there; the baseline's gives way to it.
            let must_give_way = i == 0 && ticks.get(1).is_some_and(|(next, _)| text.chars().count() >= *next);
            if *column < free || column + text.chars().count() > self.bar || must_give_way {
                continue;
            }
            for (offset, c) in text.chars().enumerate() {
                if let Some(cell) = labels.get_mut(column + offset) {
                    *cell = c;
                }
            }
            if let Some(cell) = line.get_mut(*column) {
                *cell = self.marks.tick;
            }
            free = column + text.chars().count() + 1;
        }
        self.row(LineKind::Axis, "", labels);
        self.row(LineKind::Axis, "", line);
    }

    fn phases(&mut self) {
        let end = self.timeline.faults_end;
        let mut bar = self.blank();
        Self::fill(&mut bar, 0, self.column(Duration::ZERO), self.marks.sure);
        if !self.plan.baseline.is_zero() {
            self.row(LineKind::Phase, "baseline", bar);
        }
        let mut bar = self.blank();
        self.span(&mut bar, Moment::ZERO, end);
        self.row(LineKind::Phase, "faults", bar);
        let mut bar = self.blank();
        let to = end.plus(self.plan.baseline).plus_up_to(self.plan.recovery.within);
        self.span(&mut bar, end, to);
        self.row(LineKind::Phase, "recovering, recovered", bar);
    }

    fn steps(&mut self) {
        self.text("");
        let mut round: Option<&str> = None;
        for (number, lane) in (1..).zip(self.timeline.lanes.iter().take(MOST_STEPS)) {
            if lane.round.as_deref() != round {
                round = lane.round.as_deref();
                if let Some(title) = round {
                    self.text(format!("round {title}"));
                }
            }
            let mut bar = self.blank();
            self.span(&mut bar, lane.from, lane.to);
            let kind = if matches!(lane.kind, LaneKind::Fault(_)) { LineKind::Fault } else { LineKind::Step };
            let label = self.step_label(number, lane);
            self.row(kind, &label, bar);
        }
        let hidden = self.timeline.lanes.len().saturating_sub(MOST_STEPS);
        if hidden > 0 {
            self.text(format!("and {hidden} more steps, not drawn"));
        }
    }

    fn step_label(&self, number: usize, lane: &Lane) -> String {
        let indent = "  ".repeat(lane.depth as usize);
        format!("{indent}{number} {}", self.step_words(lane))
    }

    fn step_words(&self, lane: &Lane) -> String {
        match &lane.kind {
            LaneKind::Fault(index) => {
                let Some(fault) = self.plan.faults.get(*index as usize) else { return String::new() };
                let on = self.plan.draws.get(fault.target as usize).and_then(|d| d.service.as_deref());
                let on = on.map_or_else(String::new, |service| format!(" on {service}"));
                match (fault.effect, lasts(self.plan, *index)) {
                    (Effect::Instant, _) => format!("{}{on}", fault.name),
                    (Effect::Lasting, Some(lasts)) => format!("{} for {lasts}{on}", fault.name),
                    (Effect::Lasting, None) => format!("with {}{on}", fault.name),
                }
            }
            LaneKind::Wait => format!("wait {}", lane.to.latest.minus(lane.from.latest)),
            LaneKind::Check(name) => format!("check {name}, up to {}", lane.to.latest.minus(lane.from.latest)),
            LaneKind::Ask(who) => format!("ask {who}, up to {}", lane.to.latest.minus(lane.from.latest)),
            LaneKind::Note(Some(who)) => format!("note {who}, up to {}", lane.to.latest.minus(lane.from.latest)),
            LaneKind::Note(None) => "note".to_owned(),
        }
    }

    fn judgements(&mut self) {
        if !self.plan.expectations.is_empty() || !self.plan.guards.is_empty() {
            self.text("");
        }
        for expectation in &self.plan.expectations {
            let bar = self.expectation(expectation);
            self.row(LineKind::Expectation, &format!("expect {}", expectation.name), bar);
        }
        let undone = self.column(self.timeline.faults_end.latest);
        for (number, guard) in (1..).zip(&self.plan.guards) {
            let mut bar = vec![self.marks.armed; self.bar];
            Self::fill(&mut bar, undone, self.bar, self.marks.powerless);
            let label = match guard.when {
                GuardWhen::Refuted => format!("guard {number} abort when refuted"),
                GuardWhen::Condition(_) => format!("guard {number} {}", guard.text),
            };
            self.row(LineKind::Guard, &label, bar);
        }
    }

    /// Against what an expectation is judged, everything taking its longest.
    fn expectation(&self, expectation: &Expectation) -> Vec<char> {
        let marks = self.marks;
        let (begin, undone) = (self.column(Duration::ZERO), self.column(self.timeline.faults_end.latest));
        let recovered = self.column(self.timeline.faults_end.latest.plus(self.plan.recovery.within));
        let mut bar = self.blank();
        match expectation.phase {
            Phase::Always => bar.fill(marks.judged),
            Phase::Relaxed { .. } => {
                bar.fill(marks.judged);
                Self::fill(&mut bar, begin, recovered, marks.weaker);
            }
            Phase::ExceptDuringFaults => {
                bar.fill(marks.judged);
                Self::fill(&mut bar, begin, recovered, ' ');
            }
            Phase::OnlyDuringFaults => Self::fill(&mut bar, begin, undone, marks.judged),
        }
        bar
    }

    fn legend(&mut self) {
        self.text("");
        for line in self.marks.legend() {
            self.text(line);
        }
    }
}

/// `step 1`, `steps 1 and 3`, `steps 1 to 4, 7`.
#[must_use]
pub fn numbers(one: &str, many: &str, numbers: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    let texts = runs.iter().flat_map(|(from, to)| match to - from {
        0 => vec![from.to_string()],
        1 => vec![from.to_string(), to.to_string()],
        _ => vec![format!("{from} to {to}")],
    });
    let texts: Vec<String> = texts.collect();
    match texts.as_slice() {
        [only] if numbers.len() == 1 => format!("{one} {only}"),
        [a, b] => format!("{many} {a} and {b}"),
        all => format!("{many} {}", all.join(", ")),
    }
}

/// How long the fault of an `Inject` step lasts; `None` for that of a `with`.
fn lasts(plan: &Plan, fault: u32) -> Option<Duration> {
    let mut open: Vec<&crate::plan::Step> = plan.method.iter().collect();
    while let Some(step) = open.pop() {
        match &step.kind {
            StepKind::Inject { fault: index, lasts } if *index == fault => return *lasts,
            StepKind::With { steps, .. }
            | StepKind::Parallel(steps)
            | StepKind::Sequence(steps)
            | StepKind::Round { steps, .. } => open.extend(steps),
            _ => {}
        }
    }
    None
}

/// The distance of the axis' labels: the smallest round time that gives at most `most` of them.
fn tick_step(total: Duration, most: usize) -> Duration {
    const STEPS: [u32; 18] =
        [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400];
    let most = most.max(1) as u64;
    let fits = |step: &Duration| total.as_nanos() / step.as_nanos().max(1) < most;
    STEPS.into_iter().map(Duration::from_secs).find(fits).unwrap_or_else(|| {
        let days = Duration::from_secs(86_400);
        days.times(total.as_nanos().div_ceil(days.as_nanos().saturating_mul(most).max(1)).max(1))
    })
}
