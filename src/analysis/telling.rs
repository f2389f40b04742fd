//! The plan in plain sentences, for a reader who knows Kubernetes and nothing of Perturb.
//!
//! Comes in: a [`Plan`], and what each engine makes of it as a whole. Goes out: sections of sentences as data, each with the place that it speaks of,
//! so that the plan's printing, an editor's hover and a report say the same. It must never say what the plan does not
//! hold, or promise what the language's reference ("Meaning of an experiment") does not.
//!
//! One file per group of questions; `words.rs` has what they share. Times come from the timeline alone.

mod judged;
mod place;
mod steps;
mod stops;
mod targets;
#[cfg(test)]
mod tests;
mod words;

use serde::Serialize;

use super::portability::{Native, runs_here};
use super::timeline::{Lane, LaneKind, Timeline, timeline};
use crate::plan::{Fault, Plan};
use crate::source::Span;

/// What a plan does, in sentences.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Telling {
    /// In the order in which a reader asks.
    pub sections: Vec<Section>,
}

/// Sentences that answer one question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    /// `What ends the run early`.
    pub title: &'static str,
    /// In order.
    pub sentences: Vec<Sentence>,
}

/// One or a few sentences about one thing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sentence {
    /// Whole sentences; names and the user's own text are in backticks.
    pub text: String,
    /// What it speaks of, in the source; `None`: a rule of the language.
    pub span: Option<Span>,
    /// How deep the step is, for indentation; 0 for everything else.
    pub depth: u32,
}

impl Telling {
    /// The sentences that speak of the thing at exactly this place: what an editor shows for it.
    #[must_use]
    pub fn about(&self, span: Span) -> Vec<&Sentence> {
        self.sections.iter().flat_map(|s| &s.sentences).filter(|s| s.span == Some(span)).collect()
    }

    /// As text: titles, and sentences wrapped at `width` columns (40 at least) under them.
    #[must_use]
    pub fn to_text(&self, width: usize) -> String {
        let width = width.max(40);
        let mut text = String::new();
        for (i, section) in self.sections.iter().enumerate() {
            if i > 0 {
                text.push('\n');
            }
            text.push_str(section.title);
            text.push('\n');
            for sentence in &section.sentences {
                let indent = "  ".repeat(sentence.depth.min(8) as usize);
                wrap(&mut text, &sentence.text, &format!("  {indent}- "), &format!("  {indent}  "), width);
            }
        }
        text
    }
}

/// Appends a paragraph with its first and its other indentation. A word longer than the line stands alone.
fn wrap(out: &mut String, text: &str, first: &str, rest: &str, width: usize) {
    out.push_str(first);
    let mut column = first.chars().count();
    let mut fresh = true;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if !fresh && column + 1 + length > width {
            out.push('\n');
            out.push_str(rest);
            column = rest.chars().count();
            fresh = true;
        }
        if !fresh {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
        fresh = false;
    }
    out.push('\n');
}

/// Tells a plan. `natives` are what `perturb compile` makes of it (`engine::native`).
#[must_use]
pub fn tell(plan: &Plan, natives: &[Native]) -> Telling {
    let timeline = timeline(plan);
    let teller = Teller { plan, timeline: &timeline, natives, is_run: runs_here(plan) };
    let sections = vec![
        teller.in_short(),
        teller.before(),
        teller.step_by_step(),
        teller.targets(),
        teller.judged(),
        teller.stops(),
        teller.silence(),
        teller.recovery(),
        teller.verdicts(),
        teller.place(),
        teller.permission(),
    ];
    Telling { sections }
}

/// What every section looks at.
struct Teller<'p> {
    plan: &'p Plan,
    timeline: &'p Timeline,
    natives: &'p [Native],
    /// Whether `perturb run` can hold it here. Elsewhere it can only be compiled.
    is_run: bool,
}

impl<'p> Teller<'p> {
    fn fault(&self, index: u32) -> Option<&'p Fault> {
        self.plan.faults.get(index as usize)
    }

    /// The fault lanes with their step numbers, from 1.
    fn fault_lanes(&self) -> impl Iterator<Item = (usize, &'p Lane, &'p Fault)> {
        (1..).zip(&self.timeline.lanes).filter_map(|(number, lane)| match lane.kind {
            LaneKind::Fault(index) => self.fault(index).map(|fault| (number, lane, fault)),
            _ => None,
        })
    }

    /// Whether any fault lasts, so that there is something to undo.
    fn undoes(&self) -> bool {
        self.plan.faults.iter().any(|f| f.effect == crate::plan::Effect::Lasting)
    }
}

/// A section that grows.
struct Writing {
    section: Section,
}

impl Writing {
    fn new(title: &'static str) -> Self {
        Self { section: Section { title, sentences: vec![] } }
    }

    fn say(&mut self, text: impl Into<String>) {
        self.push(text.into(), None, 0);
    }

    fn of(&mut self, span: Span, text: impl Into<String>) {
        self.push(text.into(), Some(span), 0);
    }

    fn push(&mut self, text: String, span: Option<Span>, depth: u32) {
        self.section.sentences.push(Sentence { text, span, depth });
    }

    fn done(self) -> Section {
        self.section
    }
}
