//! `perturb runs` and `perturb show`: what the journal knows.

use std::sync::Arc;

use super::exit::{Exit, Failure};
use super::journal::{JournalArguments, failure};
use super::terminal::Terminal;
use crate::runtime::journal::{Line, RunRow, Verified};
use crate::runtime::machine::Record;
use crate::runtime::simulate::Teller;
use crate::types::Duration;

/// Lists the runs of the journal, the latest first
#[derive(Debug, clap::Args)]
pub(super) struct RunsArguments {
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    journal: JournalArguments,
}

/// A run of which there is no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unended {
    /// Its process lives.
    Running,
    /// Nobody holds it any more.
    BrokenOff,
}

impl Unended {
    /// Which of them it is.
    pub(super) fn of(run: &RunRow) -> Self {
        if run.owner.lives() { Self::Running } else { Self::BrokenOff }
    }

    /// In a list.
    fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::BrokenOff => "broken off",
        }
    }

    /// In the place of a verdict.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Running => "no verdict yet: it is still running",
            Self::BrokenOff => "no verdict: it was broken off",
        }
    }
}

/// When it began, for people: in UTC.
pub(super) fn date(wall: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(wall).map(|t| t.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    time.unwrap_or_default()
}

pub(super) fn runs(arguments: &RunsArguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let runs = arguments.journal.existing()?.runs().map_err(|e| failure(&e))?;
    let mut text = String::new();
    for run in &runs {
        let verdict = run.verdict.clone().unwrap_or_else(|| Unended::of(run).word().to_owned());
        if arguments.json {
            let line = serde_json::json!({
                "run": run.id, "began": run.began, "experiment": run.experiment, "place": run.place, "verdict": verdict,
            });
            text.push_str(&format!("{line}\n"));
        } else {
            text.push_str(&format!("{verdict:<12} {}  {:<22} {}\n", date(run.began), run.place, run.id));
        }
    }
    terminal.print(&text)?;
    Ok(Exit::Clean)
}

/// Shows what happened in a run; with `--verify`, whether anybody changed it since
#[derive(Debug, clap::Args)]
pub(super) struct ShowArguments {
    /// The run: its id, or how it begins
    #[arg(value_name = "RUN")]
    run: String,
    /// Checks the chain of digests; exit code 1 if a line was changed, added or taken away
    #[arg(long)]
    verify: bool,
    /// Every line as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    journal: JournalArguments,
}

pub(super) fn show(arguments: &ShowArguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let journal = arguments.journal.existing()?;
    let run = journal.find(&arguments.run).map_err(|e| unknown(&e, &journal))?;
    if arguments.verify {
        return match journal.verify(&run.id).map_err(|e| failure(&e))? {
            Verified::Whole { lines, digest } => {
                terminal
                    .print(&format!("{}: {lines} lines, none changed; the last digest is sha256:{digest}\n", run.id))?;
                Ok(Exit::Clean)
            }
            Verified::Changed { seq, what } => {
                terminal.print(&format!("{}: CHANGED at line {seq}: {what}\n", run.id))?;
                Ok(Exit::Findings)
            }
        };
    }
    let mut text = String::new();
    let mut teller = Teller::new(None);
    // The list of runs is no part of the chain, and not asked.
    let mut verdict = None;
    for entry in journal.entries(&run.id).map_err(|e| failure(&e))? {
        if let Some(Record::Ended { outcome }) = entry.line.record() {
            verdict = Some(outcome.verdict.text());
        }
        if arguments.json {
            let line = serde_json::json!({
                "seq": entry.seq, "at": entry.at, "wall": entry.wall, "writer": entry.writer, "line": entry.line,
                "digest": entry.digest,
            });
            text.push_str(&format!("{line}\n"));
        } else {
            if let Some(begun) = entry.line.begun() {
                teller = Teller::new(begun.plan().map(Arc::new));
            }
            text.push_str(&shown(&entry.line, entry.at, &mut teller));
        }
    }
    if !arguments.json {
        match verdict {
            Some(verdict) => text.push_str(&format!("verdict: {verdict}\n")),
            None => text.push_str(&format!("{}\n", Unended::of(&run).words())),
        }
    }
    terminal.print(&text)?;
    Ok(Exit::Clean)
}

/// That there is no such run, with those that there are.
pub(super) fn unknown(
    error: &crate::runtime::journal::JournalError,
    journal: &crate::runtime::journal::Journal,
) -> Failure {
    let latest: Vec<String> =
        journal.runs().unwrap_or_default().into_iter().take(5).map(|r| r.id.to_string()).collect();
    Failure::new(error.to_string()).help(format!("the latest are: {}", latest.join(", ")))
}

fn shown(line: &Line, at: Duration, teller: &mut Teller) -> String {
    let seconds = at.as_nanos() / 100_000_000;
    let clock = format!("{:>5}.{}s", seconds / 10, seconds % 10);
    match line {
        Line::Begun { begun } => {
            let plan = &begun.digest;
            let drawn = begun.place.as_ref().map_or_else(String::new, |d| {
                let (drawn, all) = (d.drawn.join(", "), d.candidates.join(", "));
                format!("{clock}  drew {}: {drawn} (of {all}; chance {})\n", d.text, d.entropy)
            });
            format!("{clock}  begun by {} on {} with perturb {}: {plan}\n{drawn}", begun.by, begun.host, begun.perturb)
        }
        Line::Taken { taken } => format!("{clock}  taken over by {}: {}\n", taken.by, taken.because),
        Line::Record(record) => match record.as_ref() {
            Record::Ended { outcome } => {
                let reasons: String =
                    outcome.reasons.iter().map(|r| format!("{:>9} {}: {}\n", "", r.verdict, r.text)).collect();
                format!("{clock}  == {} ==\n{reasons}", outcome.verdict)
            }
            record => teller.tell(record).map_or_else(String::new, |text| format!("{clock}  {text}\n")),
        },
    }
}
