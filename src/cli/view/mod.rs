//! What a person or a program sees of a run: a calm view on a terminal, plain lines elsewhere, or a stream of events.
//!
//! Comes in: the records of a run, as they are written down. Goes out: text on standard output. `seen` knows what they say
//! and `frame` draws it, both without any effect; `screen` alone writes to the terminal.

mod frame;
mod piece;
mod screen;
mod seen;
mod spark;
#[cfg(test)]
mod tests;

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use serde::Serialize;

use super::terminal::{Stream, Terminal};
use crate::plan::Plan;
use crate::runtime::drive::Viewer;
use crate::runtime::machine::Record;
use crate::runtime::simulate::Teller;
use crate::types::Duration;
pub(super) use frame::clock;
use frame::{frame, judgements};
pub(super) use screen::Screen;
use seen::Seen;
pub(super) use seen::target_name;

/// One event of `--format json`, a line each.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct Shown<'r> {
    /// The run's id.
    run: &'r str,
    /// Since the run began.
    at: Duration,
    /// Of a sample or a gap: the stream in the source's words, `success-rate(checkout, over: 15s)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<&'r str>,
    /// What happened.
    #[serde(flatten)]
    what: What<'r>,
}

/// What an event tells.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(untagged)]
enum What<'r> {
    /// What the journal has, too.
    Record(&'r Record),
    /// What came of a dry run.
    Dry(DryEnd),
}

/// The end of a dry run, of which the journal has nothing.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "record")]
enum DryEnd {
    /// The last event of a dry run.
    DryEnded {
        /// Whether preflight allows the run.
        allowed: bool,
    },
}

/// How a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// A JSON object a line (`perturb schema events`).
    Json,
}

/// The terminal of a run, if it can show a view that is drawn again and again.
pub(super) fn screen(format: Format, terminal: &Terminal) -> Option<Arc<Screen>> {
    let look = terminal.look(Stream::Output, "");
    let is_dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb" || term.is_empty());
    let is_calm = format == Format::Text && std::io::stdout().is_terminal() && !is_dumb;
    is_calm.then(|| Arc::new(Screen::new(look.color, look.unicode)))
}

/// The viewer for a format and for where it goes.
pub(super) fn viewer(
    format: Format,
    run: &str,
    plan: &Arc<Plan>,
    screen: Option<Arc<Screen>>,
    terminal: &Terminal,
) -> Box<dyn Viewer> {
    let teller = Teller::new(Some(plan.clone()));
    match (format, screen) {
        (Format::Json, _) => Box::new(Events { run: run.to_owned(), plan: plan.clone() }),
        (Format::Text, Some(screen)) => Box::new(Live { teller, seen: Seen::new(plan), screen }),
        (Format::Text, None) => {
            // A file or pipe takes all letters.
            let unicode = !std::io::stdout().is_terminal() || terminal.look(Stream::Output, "").unicode;
            Box::new(Lines { teller, unicode })
        }
    }
}

/// A reader that went away is no reason to stop: the run goes on, and what it injected is undone in its time.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// One record as an event; `plan`: whose run it is, if it is one of a plan.
pub(super) fn event(run: &str, at: Duration, plan: Option<&Plan>, record: &Record) {
    let metric = match record {
        Record::Sample { stream, .. } | Record::Gap { stream } => plan.and_then(|p| p.streams.get(*stream as usize)),
        _ => None,
    };
    say_event(&Shown { run, at, metric: metric.map(|m| m.text.as_str()), what: What::Record(record) });
}

/// The last event of a dry run.
pub(super) fn dry_ended(run: &str, at: Duration, allowed: bool) {
    say_event(&Shown { run, at, metric: None, what: What::Dry(DryEnd::DryEnded { allowed }) });
}

fn say_event(event: &Shown<'_>) {
    say(&format!("{}\n", serde_json::to_string(event).unwrap_or_default()));
}

/// A line of the story with marks that the terminal has. What people named stays as it is.
fn marked(text: &str, unicode: bool) -> String {
    if unicode {
        return text.to_owned();
    }
    text.replace('✓', "+").replace('✗', "x").replace('─', "-").replace('…', "~")
}

struct Events {
    run: String,
    plan: Arc<Plan>,
}

impl Viewer for Events {
    fn record(&mut self, at: Duration, record: &Record) {
        event(&self.run, at, Some(&self.plan), record);
    }

    fn tick(&mut self, _: Duration) {}
}

struct Lines {
    teller: Teller,
    unicode: bool,
}

impl Viewer for Lines {
    fn record(&mut self, at: Duration, record: &Record) {
        if let Some(text) = self.teller.tell(record) {
            say(&format!("{} {}\n", clock(at), marked(&text, self.unicode)));
        }
    }

    fn tick(&mut self, _: Duration) {}
}

/// Lines that stay, as [`Lines`] writes them, and below them a frame that is always of now.
struct Live {
    teller: Teller,
    seen: Seen,
    screen: Arc<Screen>,
}

impl Viewer for Live {
    fn record(&mut self, at: Duration, record: &Record) {
        self.seen.record(at, record);
        if let Record::Ending { .. } = record {
            // No answer counts any more, and what is undone should be seen at once.
            self.screen.answered(false);
        }
        if let Some(text) = self.teller.tell(record) {
            self.screen.stay(&format!("{} {text}", clock(at)));
        }
        if let Record::Ended { .. } = record {
            // What was seen last of each expectation and guard stays above the summary.
            self.screen.end(&judgements(&self.seen, self.screen.space(), usize::MAX));
        } else {
            self.draw(at);
        }
    }

    fn tick(&mut self, at: Duration) {
        self.draw(at);
    }
}

impl Live {
    fn draw(&mut self, at: Duration) {
        self.screen.show(at, &|space| frame(&self.seen, at, space));
    }
}
