//! `perturb report`: a run as one HTML file that needs nothing else and can be printed.

mod chart;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use super::exit::{Exit, Failure};
use super::files::write_whole;
use super::journal::{JournalArguments, failure};
use super::run::ended_by;
use super::runs::{Unended, date, unknown};
use super::terminal::Terminal;
use crate::plan::{Plan, RecoveryClass};
use crate::runtime::journal::{Begun, Entry, RunRow, Verified};
use crate::runtime::machine::{Observed, Outcome, Record};
use crate::runtime::simulate::Teller;
use crate::types::{Duration, Entry as Named};
use chart::Run;

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
svg{width:100%;height:auto;break-inside:avoid;font:12px system-ui,sans-serif}
.grid{stroke:#eaeef2}.tick{fill:#57606a;font-size:11px}.phase{fill:#eaeef2}.hot{fill:#d4a72c;fill-opacity:.3}.step{fill:#b6d4fe;fill-opacity:.7}
.bad{stroke:#b42318;fill:none;stroke-width:1.5}.missing{stroke:#b42318;stroke-width:2}.bound{stroke:#57606a;stroke-dasharray:6 4;fill:none}
.line{stroke:#0550ae;stroke-width:2;fill:none}.broke{fill:#b42318}pre{white-space:pre-wrap;font-size:12px;background:#f6f8fa;padding:.6rem}
figure{margin:1rem 0;break-inside:avoid}figcaption{font-size:.9rem;color:#57606a}
@media screen and (prefers-color-scheme:dark){:root{color-scheme:dark}body{color:#e6edf3;background:#0d1117}h2{border-color:#30363d}svg{fill:#e6edf3}a{color:#79c0ff}
td:first-child,figcaption{color:#9198a1}.tick{fill:#9198a1}.grid{stroke:#21262d}.phase{fill:#21262d}.step{fill:#1f4a80}.bound{stroke:#9198a1}.line{stroke:#79c0ff}pre{background:#161b22}
.confirmed{color:#3fb950}.refuted,.error{color:#ff7b72}.aborted,.inconclusive,.not-run,.none{color:#d29922}.bad,.missing{stroke:#ff7b72}.broke{fill:#ff7b72}}
@media print{body{margin:0;max-width:none;print-color-adjust:exact;-webkit-print-color-adjust:exact}h2{break-after:avoid}tr{break-inside:avoid}details{display:block}details>*{display:block}}
";

fn page(run: &RunRow, entries: &[Entry], verified: &Verified) -> String {
    let begun = entries.iter().find_map(|e| e.line.begun());
    let plan = begun.and_then(Begun::plan).map(Arc::new);
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
    let said = outcome.map_or_else(|| Unended::of(run).words(), |o| o.verdict.text());
    let whole = records.last().map_or(Duration::ZERO, |(at, _)| *at);
    let when = format!("{} at {}, {}, {}", run.id, run.place, date(run.began), seconds(whole));
    let _ = writeln!(out, "<p><span class=\"verdict {word}\">{said}</span></p>\n<p>{}</p>", escaped(&when));
    if let Some(outcome) = outcome {
        reasons(&mut out, outcome, plan.as_deref());
    }
    if let Some(plan) = &plan {
        let run = Run { plan, records: &records, whole };
        let _ = write!(out, "<h2>Timeline</h2>\n{}", run.timeline());
        out.push_str("<h2>Samples</h2>\n<p>Shaded: something was injected. Dashed: what the samples are held against. A red dot: a sample that broke an expectation. A short red line: a sample is missing.</p>\n");
        for (index, _) in (0u32..).zip(&plan.streams) {
            out.push_str(&run.plot(index));
        }
    }
    story(&mut out, &records, plan.clone());
    if let Some(plan) = &plan {
        environment(&mut out, plan);
    }
    evidence(&mut out, run, begun, verified, entries.len());
    if let Some(plan) = &plan {
        let text = crate::analysis::telling::tell(plan, &crate::engine::native::natives(plan)).to_text(100);
        let _ = writeln!(out, "<h2>The plan</h2>\n<pre>{}</pre>", escaped(&text));
    }
    out.push_str("</html>\n");
    out
}

/// What was found, first of all.
fn reasons(out: &mut String, outcome: &Outcome, plan: Option<&Plan>) {
    out.push_str("<h2>Findings</h2>\n<table>\n");
    for reason in &outcome.reasons {
        let row = (seconds(reason.at), reason.verdict, escaped(&reason.text));
        let _ = writeln!(out, "<tr><td>{}</td><td>{}</td><td>{}</td></tr>", row.0, row.1, row.2);
    }
    let mut row = |name: &str, text: String| {
        let _ = writeln!(out, "<tr><td>{name}</td><td colspan=\"2\">{}</td></tr>", escaped(&text));
    };
    if outcome.reasons.is_empty() {
        row("nothing", "every expectation held, every check did, no guard fired".to_owned());
    }
    let declared = match outcome.declared {
        RecoveryClass::Automatic => "automatic",
        RecoveryClass::Manual => "manual",
        RecoveryClass::Unknown => "unknown",
    };
    let within = plan.map_or_else(String::new, |plan| format!(" within {}", plan.recovery.within));
    let differs = match (&outcome.declared, &outcome.observed) {
        (_, Observed::NotObserved) | (RecoveryClass::Automatic, Observed::WithinBound(_)) => "",
        (RecoveryClass::Manual, Observed::WithHands(_)) => "",
        _ => ": that is not what was declared, and to be worked off",
    };
    row("recovery", format!("{} (declared: {declared}{within}){differs}", outcome.observed.words()));
    row("ended by", ended_by(outcome));
    row("injected", format!("{} faults", outcome.injected));
    for left in &outcome.left {
        row("may be left", left.clone());
    }
    out.push_str("</table>\n");
}

/// Whose system it is, and what it runs in.
fn environment(out: &mut String, plan: &Plan) {
    out.push_str("<h2>Environment</h2>\n<table>\n");
    let mut row = |name: &str, html: String| {
        let _ = writeln!(out, "<tr><td>{name}</td><td>{html}</td></tr>");
    };
    let cluster = &plan.place.cluster;
    let engines: Vec<&str> = cluster.engines.iter().map(|e| e.title()).collect();
    let protected = if plan.place.protected { ", protected" } else { "" };
    row("environment", escaped(&format!("{}{protected}", plan.place.environment)));
    row("cluster", escaped(&format!("{}, with {}", cluster.name, engines.join(", "))));
    for (name, service) in &plan.services {
        let contact = plan.teams.get(&service.owner).map_or("", |team| team.contact.as_str());
        let text = escaped(&format!("{name}, of {} ({contact})", service.owner));
        row("service", format!("{text}{}", links(&service.links)));
    }
    for incident in &plan.learned_from {
        let text = format!("{} ({}): {} {}", incident.name, incident.date, incident.title, incident.lessons.join(" "));
        row("learned from", escaped(&text));
    }
    if !plan.links.is_empty() {
        row("links", links(&plan.links));
    }
    out.push_str("</table>\n");
}

/// Links, where a value is one.
fn links(all: &[Named]) -> String {
    let mut html = String::new();
    for entry in all {
        let text = entry.value.to_string();
        let target = text.trim_matches('"');
        let name = escaped(&entry.key);
        // A page that is opened by others follows no address but those of the web.
        if target.starts_with("https://") || target.starts_with("http://") {
            let _ = write!(html, " <a href=\"{}\">{name}</a>", escaped(target));
        } else {
            let _ = write!(html, " {name}: {}", escaped(target));
        }
    }
    html
}

fn story(out: &mut String, records: &[(Duration, &Record)], plan: Option<Arc<Plan>>) {
    let mut teller = Teller::new(plan);
    out.push_str("<h2>What happened</h2>\n<table>\n");
    for (at, record) in records {
        if let Some(text) = teller.tell(record) {
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
