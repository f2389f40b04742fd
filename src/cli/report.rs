//! `perturb report`: a run as one HTML file that needs nothing else and can be printed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::exit::{Exit, Failure};
use super::journal::{JournalArguments, failure};
use super::plan::write_whole;
use super::runs::{date, unknown};
use super::terminal::Terminal;
use crate::plan::Plan;
use crate::runtime::journal::{Begun, Entry, Line, RunRow, Verified};
use crate::runtime::machine::{Outcome, Record};
use crate::runtime::simulate::told;
use crate::types::{Decimal, Duration, Value};

/// Writes a run as one HTML file: verdict, reasons, timeline, samples with the faults shaded, plan, versions
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The run: its id, or how it begins
    #[arg(value_name = "RUN")]
    run: String,
    /// The file
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    journal: JournalArguments,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let journal = arguments.journal.existing()?;
    let run = journal.find(&arguments.run).map_err(|e| unknown(&e, &journal))?;
    let entries = journal.entries(&run.id).map_err(|e| failure(&e))?;
    let verified = journal.verify(&run.id).map_err(|e| failure(&e))?;
    write_whole(&arguments.output, &page(&run, &entries, &verified))?;
    terminal.say(&format!("wrote `{}`\n", arguments.output.display()));
    Ok(Exit::Clean)
}

const STYLE: &str = "
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.5rem;margin-bottom:0}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid #d0d7de}
.verdict{display:inline-block;padding:.2rem .8rem;border:2px solid;border-radius:.4rem;font-weight:700;text-transform:uppercase}
.confirmed{color:#1a7f37}.refuted,.error{color:#b42318}.aborted,.inconclusive,.not-run,.none{color:#7a5b00}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.15rem .6rem .15rem 0;vertical-align:top}
td:first-child{white-space:nowrap;color:#57606a;font-variant-numeric:tabular-nums}
svg{width:100%;height:auto;break-inside:avoid}pre{white-space:pre-wrap;font-size:12px;background:#f6f8fa;padding:.6rem}
figure{margin:1rem 0;break-inside:avoid}figcaption{font-size:.9rem;color:#57606a}
@media print{body{margin:0;max-width:none}details{display:block}details>*{display:block}}
";

fn page(run: &RunRow, entries: &[Entry], verified: &Verified) -> String {
    let begun = entries.iter().find_map(|e| match &e.line {
        Line::Begun { begun } => Some(begun.as_ref()),
        _ => None,
    });
    let plan: Option<Plan> = begun.and_then(|b| serde_json::from_value(b.plan.clone()).ok());
    let records: Vec<(Duration, &Record)> = entries.iter().filter_map(|e| Some((e.at, e.line.record()?))).collect();
    let outcome = records.iter().rev().find_map(|(_, r)| match r {
        Record::Ended { outcome } => Some(outcome),
        _ => None,
    });
    let mut out = String::new();
    let title = escaped(&run.experiment);
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n"
    );
    if let Some(plan) = &plan {
        let _ = writeln!(out, "<p>{}</p>", escaped(plan.doc.trim()));
    }
    let word = outcome.map_or("none", |o| o.verdict.text());
    let said = outcome.map_or("no verdict: it was broken off", |o| o.verdict.text());
    let _ = writeln!(out, "<p><span class=\"verdict {word}\">{said}</span></p>");
    if let Some(outcome) = outcome {
        reasons(&mut out, outcome);
    }
    let whole = records.last().map_or(Duration::ZERO, |(at, _)| *at);
    if let Some(plan) = &plan {
        plots(&mut out, plan, &records, whole);
    }
    story(&mut out, &records);
    evidence(&mut out, run, begun, verified, entries.len());
    if let Some(plan) = &plan {
        let text = crate::analysis::telling::tell(plan).to_text(100);
        let _ = writeln!(out, "<h2>The plan</h2>\n<pre>{}</pre>", escaped(&text));
    }
    out.push_str("</html>\n");
    out
}

fn reasons(out: &mut String, outcome: &Outcome) {
    out.push_str("<table>\n");
    for reason in &outcome.reasons {
        let row = (seconds(reason.at), reason.verdict, escaped(&reason.text));
        let _ = writeln!(out, "<tr><td>{}</td><td>{}</td><td>{}</td></tr>", row.0, row.1, row.2);
    }
    let _ = writeln!(out, "<tr><td>recovery</td><td colspan=\"2\">{}</td></tr>", escaped(&outcome.observed.words()));
    let _ = writeln!(out, "<tr><td>injected</td><td colspan=\"2\">{} faults</td></tr>", outcome.injected);
    for left in &outcome.left {
        let _ = writeln!(out, "<tr><td>may be left</td><td colspan=\"2\">{}</td></tr>", escaped(left));
    }
    out.push_str("</table>\n");
}

/// The stretches in which something was injected.
fn windows(records: &[(Duration, &Record)], end: Duration) -> Vec<(Duration, Duration, String)> {
    let mut open: BTreeMap<u32, (Duration, String)> = BTreeMap::new();
    let mut found = Vec::new();
    for (at, record) in records {
        match record {
            Record::Intent { injection, fault, .. } => {
                open.insert(*injection, (*at, fault.to_string()));
            }
            Record::Undone { injection } => {
                found.extend(open.remove(injection).map(|(from, name)| (from, *at, name)));
            }
            _ => {}
        }
    }
    found.extend(open.into_values().map(|(from, name)| (from, end, name)));
    found
}

const WIDTH: u64 = 1000;
const HEIGHT: u64 = 120;

fn across(at: Duration, whole: Duration) -> u64 {
    let nanos = u128::from(whole.as_nanos().max(1));
    u64::try_from(u128::from(at.as_nanos()) * u128::from(WIDTH) / nanos).unwrap_or(WIDTH).min(WIDTH)
}

fn plots(out: &mut String, plan: &Plan, records: &[(Duration, &Record)], whole: Duration) {
    out.push_str("<h2>Samples</h2>\n<p>Shaded: something was injected. A red line: a sample is missing.</p>\n");
    let windows = windows(records, whole);
    for (index, stream) in (0u32..).zip(&plan.streams) {
        let samples: Vec<(Duration, Option<&Value>)> = records
            .iter()
            .filter_map(|(_, record)| match record {
                Record::Sample { stream, asked, value, .. } if *stream == index => Some((*asked, value.as_ref())),
                _ => None,
            })
            .collect();
        let _ = write!(
            out,
            "<figure>\n<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\">\n",
            HEIGHT + 4,
            escaped(&stream.text)
        );
        for (from, to, name) in &windows {
            let (left, right) = (across(*from, whole), across(*to, whole));
            let _ = writeln!(
                out,
                "<rect x=\"{left}\" y=\"0\" width=\"{}\" height=\"{HEIGHT}\" fill=\"#d4a72c\" fill-opacity=\".25\"><title>{}</title></rect>",
                (right - left.min(right)).max(1),
                escaped(name)
            );
        }
        let range = plot(out, &samples, whole);
        let _ = writeln!(out, "</svg>\n<figcaption>{}{range}</figcaption>\n</figure>", escaped(&stream.text));
    }
}

/// Draws one stream; gives the range that the plot spans, in words.
fn plot(out: &mut String, samples: &[(Duration, Option<&Value>)], whole: Duration) -> String {
    let number = |value: &Value| match value {
        Value::Bool(b) => Some(Decimal::from(u8::from(*b))),
        value => crate::analysis::number(value),
    };
    let known: Vec<(Duration, Decimal, &Value)> =
        samples.iter().filter_map(|(at, value)| Some((*at, number((*value)?)?, (*value)?))).collect();
    for (at, _) in samples.iter().filter(|(_, value)| value.is_none()) {
        let x = across(*at, whole);
        let _ = writeln!(out, "<path d=\"M{x} {HEIGHT}V{}\" stroke=\"#b42318\" stroke-width=\"2\"/>", HEIGHT - 12);
    }
    let least = known.iter().min_by_key(|(_, n, _)| *n);
    let most = known.iter().max_by_key(|(_, n, _)| *n);
    let (Some(least), Some(most)) = (least, most) else { return ": no valid sample".to_owned() };
    let points: Vec<String> =
        known.iter().map(|(at, n, _)| format!("{},{}", across(*at, whole), height(*n, least.1, most.1))).collect();
    let _ = writeln!(
        out,
        "<polyline fill=\"none\" stroke=\"#0550ae\" stroke-width=\"2\" points=\"{}\"/>",
        points.join(" ")
    );
    if least.1 == most.1 { format!(": {} throughout", least.2) } else { format!(": from {} to {}", least.2, most.2) }
}

/// How far down a value lies, with a margin above and below.
fn height(number: Decimal, least: Decimal, most: Decimal) -> u64 {
    use rust_decimal::prelude::ToPrimitive;
    let span = most - least;
    if span.is_zero() {
        return HEIGHT / 2;
    }
    let inner = HEIGHT - 16;
    let up = (number - least).checked_mul(Decimal::from(inner)).and_then(|x| x.checked_div(span));
    HEIGHT - 8 - up.and_then(|u| u.to_u64()).unwrap_or(0).min(inner)
}

fn story(out: &mut String, records: &[(Duration, &Record)]) {
    out.push_str("<h2>What happened</h2>\n<table>\n");
    for (at, record) in records {
        if let Some(text) = told(record) {
            let _ = writeln!(out, "<tr><td>{}</td><td>{}</td></tr>", seconds(*at), escaped(&text));
        }
    }
    out.push_str("</table>\n");
}

fn evidence(out: &mut String, run: &RunRow, begun: Option<&Begun>, verified: &Verified, lines: usize) {
    out.push_str("<h2>Evidence</h2>\n<table>\n");
    let mut row = |name: &str, value: String| {
        let _ = writeln!(out, "<tr><td>{name}</td><td>{}</td></tr>", escaped(&value));
    };
    row("run", run.id.to_string());
    row("began", date(run.began));
    row("where", run.place.clone());
    if let Some(begun) = begun {
        row("by", format!("{} on {}", begun.by, begun.host));
        row("plan", begun.digest.clone());
        row("versions", format!("perturb {}, journal {}", begun.perturb, begun.journal));
        row("commit", begun.commit.clone().unwrap_or_else(|| "not in git".to_owned()));
        row("command", begun.command.join(" "));
    }
    let chain = match verified {
        Verified::Whole { lines, digest } => format!("{lines} lines, none changed; the last digest is sha256:{digest}"),
        Verified::Changed { seq, what } => format!("CHANGED at line {seq} of {lines}: {what}"),
    };
    row("journal", chain);
    out.push_str("</table>\n");
}

fn seconds(at: Duration) -> String {
    let tenths = at.as_nanos() / 100_000_000;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
