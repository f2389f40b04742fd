//! A run at a moment, as lines.
//!
//! Comes in: what is known of the run, the time, and the room that there is. Goes out: rows; nothing here asks a clock or a
//! terminal. From top to bottom: where the run is and what time is left, its phases, the steps of the method, what is
//! injected, and each expectation and guard with its latest value. Where the room is short, the steps around the one that
//! runs are shown, and of the judgements first those that are not as they should be.

use super::piece::{Row, Style, cell, columns};
use super::seen::{Injected, Progress, Said, Seen, Stage};
use super::spark::sparkline;
use crate::plan::{Expectation, Guard, GuardWhen, Phase};
use crate::runtime::machine::briefly;
use crate::runtime::machine::{Outlined, Pace, PhaseName};
use crate::types::{Duration, Value};

/// The room of a terminal, and whether it shows more than ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Space {
    pub columns: usize,
    pub rows: usize,
    pub unicode: bool,
}

/// Lines above the frame that stay in sight, where there is room for more than the frame: fewer on a low terminal.
const STORY: usize = 4;
/// So many steps are always shown.
const STEPS: usize = 3;
/// So many injections are always shown.
const INJECTED: usize = 4;

/// What is drawn instead of words.
struct Marks {
    good: &'static str,
    bad: &'static str,
    runs: &'static str,
    todo: &'static str,
    hot: &'static str,
    rule: &'static str,
    full: &'static str,
    empty: &'static str,
    more: &'static str,
    dot: &'static str,
}

const UNICODE: Marks = Marks {
    good: "✓",
    bad: "✗",
    runs: "▸",
    todo: "·",
    hot: "▲",
    rule: "─",
    full: "━",
    empty: "╌",
    more: "⋮",
    dot: "·",
};
const ASCII: Marks = Marks {
    good: "+",
    bad: "x",
    runs: ">",
    todo: ".",
    hot: "^",
    rule: "-",
    full: "=",
    empty: "-",
    more: ":",
    dot: "-",
};

impl Space {
    fn marks(self) -> &'static Marks {
        if self.unicode { &UNICODE } else { &ASCII }
    }
}

/// `mm:ss.t`
pub(in crate::cli) fn clock(at: Duration) -> String {
    let tenths = at.as_nanos() / 100_000_000;
    format!("{:02}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

/// To a tenth of a second below ten seconds, else to the second.
fn brief(length: Duration) -> String {
    let tenths = length.as_nanos() / 100_000_000;
    if tenths < 100 {
        return format!("{}.{}s", tenths / 10, tenths % 10);
    }
    Duration::from_secs(u32::try_from(tenths / 10).unwrap_or(u32::MAX)).to_string()
}

/// The whole frame.
pub(super) fn frame(seen: &Seen, at: Duration, space: Space) -> Vec<Row> {
    let mut rows = vec![Row::default().with(Style::Dim, space.marks().rule.repeat(space.columns.min(100)))];
    rows.push(headline(seen, at, space));
    rows.extend(phases(seen, at, space));
    let room = space.rows.saturating_sub(STORY.min(space.rows / 6) + rows.len());
    let injected = injected(seen, at, space);
    let steps_at_least = STEPS.min(room / 4);
    let judged = judgements(seen, space, room.saturating_sub(steps_at_least + injected.len()));
    let steps = steps(seen, at, space, room.saturating_sub(injected.len() + judged.len()));
    for part in [steps, injected, judged] {
        rows.extend(part);
    }
    rows.truncate(space.rows.saturating_sub(1).max(1));
    rows.into_iter().map(|row| row.fit(space.columns, space.unicode)).collect()
}

fn headline(seen: &Seen, at: Duration, space: Space) -> Row {
    let left = seen.left(at);
    let about = if left.is_zero() { String::new() } else { format!("  about {} left", brief(left)) };
    let bound = format!(" {} at most {}  ", space.marks().dot, brief(seen.at_most.minus(at)));
    let row = Row::default().with(Style::Bold, clock(at)).with(Style::Plain, about).with(Style::Dim, bound);
    match &seen.ending {
        Some(reason) => row.with(Style::Bad, format!("the method ends: {reason}")),
        // Last: what a narrow terminal cuts off is what its reader knows.
        None => row.with(Style::Bold, seen.plan.name.as_str()).with(Style::Dim, format!(" on {}", seen.plan.place)),
    }
}

/// The three phases in the lengths that they have if nothing takes longer than it must, and how far the run is.
fn phases(seen: &Seen, at: Duration, space: Space) -> Option<Row> {
    const NAMES: [(&str, PhaseName); 3] =
        [("baseline", PhaseName::Baseline), ("faults", PhaseName::Faults), ("recovering", PhaseName::Recovering)];
    let words: usize = NAMES.iter().map(|(name, _)| name.len() + 1).sum::<usize>() + 4;
    let room = space.columns.min(100).checked_sub(words).filter(|room| *room >= 12)?;
    let lengths = [seen.plan.baseline, seen.method, seen.plan.baseline];
    let whole: u64 = lengths.iter().map(|l| l.as_nanos()).fold(0, u64::saturating_add).max(1);
    let marks = space.marks();
    let mut row = Row::default();
    for ((name, phase), length) in NAMES.into_iter().zip(lengths) {
        let share = u128::from(length.as_nanos()) * (room as u128 - 9) / u128::from(whole);
        let width = 3 + usize::try_from(share).unwrap_or(0);
        let left = if phase == PhaseName::Faults { seen.method_left(at) } else { seen.well_left(at) };
        let done = if seen.phase > phase {
            width
        } else if seen.phase == phase {
            let left = u128::from(left.as_nanos()) * width as u128 / u128::from(length.as_nanos().max(1));
            width.saturating_sub(usize::try_from(left).unwrap_or(width))
        } else {
            0
        };
        let style = if seen.phase == phase { Style::Bold } else { Style::Dim };
        let fill = if phase == PhaseName::Faults { Style::Hot } else { Style::Good };
        let gap = if phase == PhaseName::Baseline { "" } else { "  " };
        row = row
            .with(style, format!("{gap}{name} "))
            .with(fill, marks.full.repeat(done))
            .with(Style::Dim, marks.empty.repeat(width - done));
    }
    Some(row)
}

/// The steps of the method, at most so many lines.
fn steps(seen: &Seen, at: Duration, space: Space, most: usize) -> Vec<Row> {
    // The first is the method itself.
    let all: Vec<&Outlined> = seen.steps.iter().skip(1).collect();
    if most == 0 {
        return Vec::new();
    }
    let marks = space.marks();
    if all.len() <= most {
        return all.into_iter().map(|step| step_row(seen, step, at, marks)).collect();
    }
    let runs = all.iter().rposition(|step| matches!(seen.progress_of(step), Progress::Running(_)));
    let done = all.iter().rposition(|step| seen.progress_of(step) == Progress::Done);
    let current = runs.or(done).unwrap_or(0);
    let shown = most.saturating_sub(2).max(1);
    let from = current.saturating_sub(shown / 2).min(all.len() - shown);
    let more = |count: usize, when: &str| {
        (count > 0 && most > 2).then(|| Row::default().with(Style::Dim, format!("{} {count} more {when}", marks.more)))
    };
    let window = all.iter().skip(from).take(shown).map(|step| step_row(seen, step, at, marks));
    let after = more(all.len() - from - shown, "to come");
    more(from, "before").into_iter().chain(window).chain(after).collect()
}

fn step_row(seen: &Seen, step: &Outlined, at: Duration, marks: &Marks) -> Row {
    let indent = "  ".repeat(step.depth.saturating_sub(1));
    let is_refuted = step.text.strip_prefix("check ").and_then(|t| t.split_once(':'));
    let is_refuted = is_refuted.is_some_and(|(name, _)| seen.refuted.contains(name));
    let is_cut = seen.ending.is_some() && matches!(step.pace, Pace::Lasts(_) | Pace::Open);
    let (mark, style, words) = match seen.progress_of(step) {
        _ if is_refuted => (marks.bad, Style::Bad, Style::Plain),
        Progress::Running(_) if is_cut => (marks.bad, Style::Dim, Style::Dim),
        Progress::Done => (marks.good, Style::Good, Style::Dim),
        Progress::Running(_) => (marks.runs, Style::Bold, Style::Bold),
        Progress::Todo => (marks.todo, Style::Dim, Style::Dim),
    };
    let row = Row::default().with(style, format!("{indent}{mark} ")).with(words, step.text.as_str());
    match (seen.progress_of(step), step.pace) {
        (Progress::Running(_), _) if is_cut => row.with(Style::Dim, "  cut short"),
        (Progress::Running(_), Pace::Lasts(_)) => {
            row.with(Style::Plain, format!("  {} left", brief(seen.left_of(step, at))))
        }
        (Progress::Running(began), Pace::Open) => row.with(Style::Plain, format!("  for {}", brief(at.minus(began)))),
        _ => row,
    }
}

fn injected(seen: &Seen, at: Duration, space: Space) -> Vec<Row> {
    let marks = space.marks();
    if seen.injected.is_empty() {
        return vec![Row::default().with(Style::Dim, format!("{} nothing is injected", marks.todo))];
    }
    let mut rows: Vec<Row> = seen.injected.values().take(INJECTED).map(|i| injected_row(i, at, marks)).collect();
    if let Some(more) = seen.injected.len().checked_sub(INJECTED).filter(|more| *more > 0) {
        rows.push(Row::default().with(Style::Hot, format!("{} and {more} more", marks.more)));
    }
    rows
}

fn injected_row(injected: &Injected, at: Duration, marks: &Marks) -> Row {
    let on: Vec<&str> = injected.on.iter().map(|name| name.as_str()).collect();
    let (style, stage) = match injected.stage {
        Stage::GoingIn => (Style::Hot, "going in".to_owned()),
        Stage::There(since) => {
            (Style::Hot, format!("there for {}, at most {}", brief(at.minus(since)), brief(injected.at_most)))
        }
        Stage::Undoing => (Style::Hot, "being undone".to_owned()),
        Stage::MayBeLeft => (Style::Bad, "may be left".to_owned()),
    };
    Row::default()
        .with(style, format!("{} {}", marks.hot, injected.fault))
        .with(Style::Plain, format!(" on {}: {stage}", on.join(", ")))
}

/// A line of what is judged, before its columns are known.
struct Judged<'s> {
    is_bad: bool,
    mark: &'static str,
    style: Style,
    name: &'s str,
    text: String,
    value: String,
    samples: &'s [Option<Value>],
}

/// Each expectation and each guard, with what was seen last; where there is no room for all, first what is not well.
pub(super) fn judgements(seen: &Seen, space: Space, most: usize) -> Vec<Row> {
    let marks = space.marks();
    let expectations = seen.plan.expectations.iter().map(|e| expectation(seen, e, marks));
    let guards = (1usize..).zip(&seen.plan.guards).map(|(number, g)| guard(seen, number, g, marks));
    let mut all: Vec<Judged<'_>> = expectations.chain(guards).collect();
    let more = all.len().saturating_sub(most);
    if more > 0 {
        // Else each keeps its place, so that a reader finds it again.
        all.sort_by_key(|judged| !judged.is_bad);
        all.truncate(most.saturating_sub(1));
    }
    let widest = |of: &dyn Fn(&Judged<'_>) -> usize| all.iter().map(of).max().unwrap_or(0);
    let name = widest(&|j| columns(j.name)).min(space.columns / 3);
    let value = widest(&|j| columns(&j.value)).min(space.columns / 3);
    let spark = match space.columns {
        0..56 => 0,
        56..90 => 10,
        _ => 24,
    };
    let fixed = 2 + name + 2 + value + if spark > 0 { spark + 2 } else { 0 };
    let text = widest(&|j| columns(&j.text)).min(space.columns.saturating_sub(fixed + 2));
    // Words that are cut to nothing say nothing.
    let text = if text < 8 { 0 } else { text };
    let row = |judged: Judged<'_>| {
        let words = if text == 0 { String::new() } else { format!("  {}", cell(&judged.text, text, space.unicode)) };
        let latest = judged.samples.get(judged.samples.len().saturating_sub(spark)..).unwrap_or_default();
        let value_style = if judged.is_bad { Style::Bad } else { Style::Bold };
        Row::default()
            .with(judged.style, format!("{} ", judged.mark))
            .with(Style::Plain, cell(judged.name, name, space.unicode))
            .with(Style::Dim, words)
            .with(value_style, format!("  {}", cell(&judged.value, value, space.unicode)))
            .with(
                Style::Plain,
                if spark > 0 { format!("  {}", sparkline(latest, space.unicode)) } else { String::new() },
            )
    };
    let left = || Row::default().with(Style::Dim, format!("{} {} more judgements", marks.more, more + 1));
    all.into_iter().map(row).chain((more > 0 && most > 0).then(left)).collect()
}

fn expectation<'s>(seen: &'s Seen, of: &'s Expectation, marks: &Marks) -> Judged<'s> {
    let during = matches!(seen.phase, PhaseName::Faults | PhaseName::Recovering);
    let text = match &of.phase {
        Phase::Relaxed { text, .. } if during => format!("{}, but {text} during faults", of.text),
        _ => of.text.clone(),
    };
    let (value, samples) = latest(seen, &of.condition.streams());
    let is_refuted = seen.refuted.contains(&of.name);
    let (mark, style) = match seen.expectation(&of.name) {
        _ if is_refuted => (marks.bad, Style::Bad),
        Some(Said { holds: true, .. }) => (marks.good, Style::Good),
        Some(_) => ("!", Style::Bad),
        None => (marks.todo, Style::Dim),
    };
    let is_bad = is_refuted || style == Style::Bad;
    Judged { is_bad, mark, style, name: of.name.as_str(), text, value, samples }
}

fn guard<'s>(seen: &'s Seen, number: usize, of: &'s Guard, marks: &Marks) -> Judged<'s> {
    let streams = match &of.when {
        GuardWhen::Condition(condition) => condition.streams(),
        GuardWhen::Refuted => Vec::new(),
    };
    let (mut value, samples) = latest(seen, &streams);
    let hold = of.hold.map_or_else(String::new, |hold| format!(" for {hold}"));
    let said = seen.said.get(format!("guard-{number}").as_str());
    let fired = seen.fired.contains(&of.text);
    let (mark, style) = match said {
        _ if fired => (marks.bad, Style::Bad),
        Some(Said { holds: true, .. }) => ("!", Style::Bad),
        Some(_) => (marks.good, Style::Good),
        None => (marks.todo, Style::Dim),
    };
    if of.when == GuardWhen::Refuted {
        value = String::new();
    }
    // Behind `when not up()` a bare `true` would be read as the condition's.
    if let [one] = streams.as_slice()
        && let Some(stream) = seen.plan.streams.get(*one as usize).filter(|stream| stream.of_type == "Bool")
    {
        value = format!("{} {value}", stream.text);
    }
    let text = format!("when {}{hold}", of.text);
    Judged { is_bad: style == Style::Bad, mark, style, name: "abort", text, value, samples }
}

/// The latest values of streams, and the samples of the first.
fn latest<'s>(seen: &'s Seen, streams: &[u32]) -> (String, &'s [Option<Value>]) {
    let samples = |stream: &u32| seen.streams.get(*stream as usize).map_or(&[][..], Vec::as_slice);
    let value = |stream: &u32| match samples(stream).last() {
        Some(Some(value)) => briefly(value),
        Some(None) => "missing".to_owned(),
        None => "?".to_owned(),
    };
    let values: Vec<String> = streams.iter().map(value).collect();
    (values.join(", "), streams.first().map(samples).unwrap_or_default())
}
