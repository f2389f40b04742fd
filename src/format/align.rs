//! Lines that stand together are aligned: values behind keys, reasons, comments at the end of lines.
//!
//! Comes in: lines, and the stops in them. Goes out: the lines with blanks put in. A run is broken by anything between: a
//! blank line, a comment, a member of several lines, another kind of line. A run that would not fit is left as it is.

use super::WIDTH;

/// What is aligned with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StopKind {
    Field,
    Expect,
    Check,
    Let,
    Demand,
    /// Before the brace of an item or engine whose word is this long. Words of one length are few: `team` beside `slo`.
    Brace(u32),
    Because,
    Comment,
}

/// A place in a line where blanks may be put in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    pub kind: StopKind,
    pub line: u32,
    pub column: u32,
    pub indent: u32,
    /// The byte.
    pub at: usize,
}

impl Stop {
    /// Stops of one round are aligned with each other; what an earlier round puts in moves the later ones.
    fn round(&self) -> u8 {
        match self.kind {
            StopKind::Because => 1,
            StopKind::Comment => 2,
            _ => 0,
        }
    }
}

/// Puts the blanks in.
pub(super) fn align(text: String, stops: &[Stop]) -> String {
    if stops.len() < 2 {
        return text;
    }
    let mut pads = vec![0_u32; stops.len()];
    for round in 0..3 {
        // Stops are in the order of the text, so those of one round are in the order of the lines.
        let of_round: Vec<usize> =
            (0..stops.len()).filter(|i| stops.get(*i).is_some_and(|s| s.round() == round)).collect();
        let mut from = 0;
        while from < of_round.len() {
            let run = run_length(stops, of_round.get(from..).unwrap_or_default());
            if run > 1 {
                pad(&text, stops, of_round.get(from..from + run).unwrap_or_default(), &mut pads);
            }
            from += run.max(1);
        }
    }
    if pads.iter().all(|p| *p == 0) {
        return text;
    }
    let added: u32 = pads.iter().sum();
    let mut out = String::with_capacity(text.len() + added as usize);
    let mut done = 0;
    for (stop, pad) in stops.iter().zip(&pads) {
        out.push_str(text.get(done..stop.at).unwrap_or(""));
        out.extend(std::iter::repeat_n(' ', *pad as usize));
        done = stop.at;
    }
    out.push_str(text.get(done..).unwrap_or(""));
    out
}

/// How many of these stand together.
fn run_length(stops: &[Stop], indexes: &[usize]) -> usize {
    let mut length = 0;
    let mut last: Option<Stop> = None;
    for index in indexes {
        let Some(stop) = stops.get(*index) else { break };
        let joins = last.is_none_or(|l| l.kind == stop.kind && l.indent == stop.indent && l.line + 1 == stop.line);
        if !joins {
            break;
        }
        last = Some(*stop);
        length += 1;
    }
    length
}

fn pad(text: &str, stops: &[Stop], run: &[usize], pads: &mut [u32]) {
    // What earlier rounds put into the line before the stop.
    let shift = |index: usize, pads: &[u32]| {
        let line = stops.get(index).map(|s| s.line);
        let before = (0..index).rev().take_while(|i| stops.get(*i).map(|s| s.line) == line);
        before.map(|i| pads.get(i).copied().unwrap_or(0)).sum::<u32>()
    };
    let column = |index: usize| stops.get(index).map_or(0, |s| s.column) + shift(index, pads);
    let target = run.iter().map(|i| column(*i)).max().unwrap_or(0);
    let width = |i: &usize| target + stops.get(*i).map_or(0, |s| behind(text, stops, *i, s.at));
    // Comments may be longer than a line, so they always are aligned.
    let is_comment = run.first().and_then(|i| stops.get(*i)).is_some_and(|s| s.kind == StopKind::Comment);
    if let Some(wide) = run.iter().position(|i| !is_comment && width(i) > WIDTH) {
        // The others do without it.
        for part in [run.get(..wide), run.get(wide + 1..)].into_iter().flatten().filter(|part| part.len() > 1) {
            pad(text, stops, part, pads);
        }
        return;
    }
    let wanted: Vec<u32> = run.iter().map(|i| target - column(*i)).collect();
    for (index, pad) in run.iter().zip(wanted) {
        if let Some(slot) = pads.get_mut(*index) {
            *slot = pad;
        }
    }
}

/// The columns from a stop to the end of its line, without the comment at its end unless the stop is that comment's.
fn behind(text: &str, stops: &[Stop], index: usize, at: usize) -> u32 {
    let rest = text.get(at..).unwrap_or("");
    let line_end = rest.find('\n').unwrap_or(rest.len());
    let comment = stops
        .get(index + 1..)
        .and_then(|behind| behind.iter().take(2).find(|s| s.kind == StopKind::Comment && s.at < at + line_end))
        .map_or(line_end, |s| s.at - at);
    rest.get(..comment).map_or(0, |t| t.chars().count()) as u32
}
