//! `perturb simulate` and `perturb test`: experiments in virtual time, against what a case says.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::exit::{Exit, Failure};
use super::input::{Input, StdinArguments};
use super::journal::JournalArguments;
use super::place::{self, Wanted};
use super::strip::strip;
use super::terminal::{Stream, Terminal};
use super::which::Which;
use super::work;
use super::{experiment, junit};
use crate::check::stdlib::Library;
use crate::plan::Plan;
use crate::runtime::journal::Line;
use crate::runtime::machine::Record;
use crate::runtime::simulate::cases::{Case, CaseError, parse};
use crate::runtime::simulate::{Played, Recorded, Teller, play, replay, shown};
use crate::types::Duration;

/// Runs an experiment in virtual time against scripted or recorded samples, and tells what happens when
///
/// Without `--samples` all is well: each metric says what the experiment expects. With `--run` a run of the journal is held once
/// more, with everything that was answered then at the moment at which it was. The exit code is that of the verdict.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The file with the experiment, or a plan.json
    #[arg(value_name = "FILE", required_unless_present = "run")]
    file: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
    /// A run of the journal, by its id or how it begins, with the plan that it had
    #[arg(long, value_name = "RUN", conflicts_with_all = ["file", "samples", "case", "seed", "experiment", "place"])]
    run: Option<String>,
    #[command(flatten)]
    journal: JournalArguments,
    /// What the metrics say: a file of cases
    #[arg(long, value_name = "FILE")]
    samples: Option<PathBuf>,
    /// Which case of it, if it has several
    #[arg(long, value_name = "NAME", requires = "samples")]
    case: Option<String>,
    /// The chance of draws
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let Some(file) = &arguments.file else { return again(arguments, terminal) };
    let case = match &arguments.samples {
        Some(path) => Some(chosen(path, arguments.case.as_deref())?),
        None => None,
    };
    let given = &arguments.which;
    let name = given.experiment.clone().or_else(|| case.as_ref().map(|(c, _)| c.experiment.clone()));
    let which = Which { experiment: name, place: given.place.clone() };
    let plan = match experiment::plan(file, &which, terminal)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(exit),
    };
    let (case, path) = case.unwrap_or_else(|| (well_case(&plan), PathBuf::from("no samples")));
    let played = play(&plan, &case, arguments.seed).map_err(|errors| bad_cases(&path, &errors))?;
    terminal.print(&story(&Arc::new(plan), &played.records, played.zero, terminal))?;
    Ok(Exit::Verdict(played.outcome.verdict.exit_code()))
}

/// A run of the journal, once more.
fn again(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let journal = arguments.journal.existing()?;
    let id = arguments.run.as_deref().unwrap_or_default();
    let row = journal.find(id).map_err(|e| super::runs::unknown(&e, &journal))?;
    let entries = journal.entries(&row.id).map_err(|e| super::journal::failure(&e))?;
    let begun = entries.iter().find_map(|entry| match &entry.line {
        Line::Begun { begun } => Some(begun),
        _ => None,
    });
    let plan = begun.and_then(|begun| serde_json::from_value::<Plan>(begun.plan.clone()).ok());
    let Some(plan) = plan.map(Arc::new) else {
        return Err(Failure::new(format!("the plan of the run {} cannot be read: it is of another version", row.id)));
    };
    let records = entries.iter().filter_map(|entry| Some((entry.at, entry.line.record()?.clone()))).collect();
    let recorded = Recorded { run: row.id.to_string(), wall: row.began / 1000, records };
    let replayed = replay(&plan, &recorded, &super::world::DRIVABLE);
    terminal.print(&story(&plan, &replayed.records, replayed.zero, terminal))?;
    if let Some(differs) = &replayed.differs {
        terminal.say(&format!("note: this is not what was written down then: {differs}\n"));
    }
    match &replayed.outcome {
        Some(outcome) => Ok(Exit::Verdict(outcome.verdict.exit_code())),
        None => Err(Failure::new(format!("the run {} was broken off: it has no end to be replayed", row.id))),
    }
}

/// What happened, on the timeline of the plan: time zero is the first step of the method. What broke is shown once more, under a
/// bar of the whole run.
fn story(plan: &Arc<Plan>, records: &[(Duration, Record)], zero: Duration, terminal: &Terminal) -> String {
    let mut teller = Teller::new(Some(plan.clone()));
    let mut text = String::new();
    let told: Vec<(Duration, &Record, String)> =
        records.iter().filter_map(|(at, record)| Some((*at, record, teller.tell(record)?))).collect();
    for (at, _, words) in &told {
        text.push_str(&format!("{:>8}  {words}\n", shown(*at, zero)));
    }
    if let Some((_, Record::Ended { outcome })) = records.last() {
        for reason in &outcome.reasons {
            text.push_str(&format!("{:>8}  {}: {}\n", "", reason.verdict, reason.text));
        }
    }
    text + &strip(records, &told, zero, &terminal.look(Stream::Output, ""))
}

/// The case in which nothing is said.
fn well_case(plan: &Plan) -> Case {
    Case {
        name: "well".to_owned(),
        experiment: plan.name.to_string(),
        place: None,
        line: 0,
        says: Vec::new(),
        acts: Vec::new(),
        not_there: Vec::new(),
        expects: Vec::new(),
    }
}

fn read_cases(path: &Path) -> Result<Vec<Case>, Failure> {
    let bytes = crate::source::disk::read_file(path).map_err(|e| Failure::io("read", path, &e))?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::new(format!("`{}` is not UTF-8", path.display())))?;
    parse(&text).map_err(|errors| bad_cases(path, &errors))
}

fn bad_cases(path: &Path, errors: &[CaseError]) -> Failure {
    let shown = |e: &CaseError| format!("{}:{}: {}\n  help: {}", path.display(), e.line, e.message, e.help);
    let all: Vec<String> = errors.iter().map(shown).collect();
    Failure::new(all.join("\n"))
}

fn chosen(path: &Path, name: Option<&str>) -> Result<(Case, PathBuf), Failure> {
    let cases = read_cases(path)?;
    let names: Vec<String> = cases.iter().map(|c| c.name.clone()).collect();
    let found = match (name, cases.len()) {
        (Some(name), _) => {
            cases.into_iter().find(|c| c.name == name).ok_or_else(|| Failure::unknown("case", name, &names))?
        }
        (None, 1) => cases.into_iter().next().ok_or_else(|| Failure::new("no case"))?,
        (None, _) => {
            return Err(Failure::new(format!("`{}` has {} cases", path.display(), names.len()))
                .help(format!("choose with --case: {}", names.join(", "))));
        }
    };
    Ok((found, path.to_owned()))
}

/// Runs the cases that are kept beside experiments (`*.cases`): unit tests for experiments
///
/// Exit codes: 0 every case ended as expected, 1 one did not, 2 something cannot be read.
#[derive(Debug, clap::Args)]
pub(super) struct TestArguments {
    /// Files of cases, or folders with such files [default: this folder]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only cases whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Writes the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub(super) fn test(arguments: &TestArguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let here = vec![PathBuf::from(".")];
    let files = files_of(if arguments.paths.is_empty() { &here } else { &arguments.paths })?;
    if files.is_empty() {
        return Err(Failure::new("there are no cases here")
            .help("write them into a file NAME.cases beside the experiments; docs/testing.md shows how"));
    }
    let began = Instant::now();
    let mut results: Vec<(String, Vec<String>)> = Vec::new();
    for file in &files {
        let cases = read_cases(file)?;
        let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let loaded = Input::find(&[folder.to_owned()], &StdinArguments::default(), terminal)?.load(Library::Whole)?;
        let mut judge = work::Judge::new(&loaded.checked.program);
        for case in cases.iter().filter(|c| arguments.only.as_ref().is_none_or(|o| c.name.contains(o.as_str()))) {
            let wrong = match plan_of(case, &loaded.experiments, &mut judge, file)? {
                Ok(plan) => {
                    let began = Instant::now();
                    let played = play(&plan, case, 1).map_err(|errors| bad_cases(file, &errors))?;
                    terminal.print(&line(file, case, &played, began.elapsed()))?;
                    played.wrong
                }
                Err(why) => {
                    terminal.print(&format!("FAILED {} {}: {why}\n", file.display(), case.name))?;
                    vec![why]
                }
            };
            results.push((format!("{} {}", file.display(), case.name), wrong));
        }
    }
    let failed = results.iter().filter(|(_, wrong)| !wrong.is_empty()).count();
    terminal.print(&format!("{} cases, {failed} failed, in {:.1?}\n", results.len(), began.elapsed()))?;
    if let Some(path) = &arguments.junit {
        super::plan::write_whole(path, &junit::of_cases("perturb test", &results))?;
    }
    Ok(if failed == 0 { Exit::Clean } else { Exit::Findings })
}

fn line(file: &Path, case: &Case, played: &Played, took: std::time::Duration) -> String {
    let head = if played.wrong.is_empty() { "ok    " } else { "FAILED" };
    let end = format!("{} at {}", played.outcome.verdict, played.decided());
    let mut text = format!("{head} {} {}: {end} ({took:.1?})\n", file.display(), case.name);
    if !played.wrong.is_empty() {
        for wrong in &played.wrong {
            text.push_str(&format!("         {wrong}\n"));
        }
        for (at, words) in played.story() {
            text.push_str(&format!("         {at:>8}  {words}\n"));
        }
    }
    text
}

/// The plan that a case is about; or why there is none.
fn plan_of(
    case: &Case,
    all: &[work::Placed],
    judge: &mut work::Judge<'_>,
    file: &Path,
) -> Result<Result<Plan, String>, Failure> {
    let Some((experiment, places)) = all.iter().find(|(e, _)| e.name == case.experiment.as_str()) else {
        let known: Vec<String> = all.iter().map(|(e, _)| e.name.to_string()).collect();
        let failure = Failure::unknown("experiment", &case.experiment, &known);
        let message = format!("{}:{}: {}", file.display(), case.line, failure.message);
        return Err(Failure::new(message).help(failure.help.unwrap_or_default()));
    };
    let at = match &case.place {
        Some(wanted) => place::one(Some(&Wanted::parse(wanted)), places)?,
        None => match places.first() {
            Some(place) => place,
            None => return Ok(Err("the experiment may run nowhere".to_owned())),
        },
    };
    let lowered = judge.judged(experiment, at);
    let error = lowered.diagnostics.iter().find(|d| d.is_error());
    Ok(match (lowered.plan, error) {
        (_, Some(error)) => Err(format!("the experiment is not right: {}; see `perturb check`", error.message)),
        (Some(plan), None) => Ok(plan),
        (None, None) => Err("the experiment has no plan; see `perturb check`".to_owned()),
    })
}

/// Files of cases below these paths, sorted.
fn files_of(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        let about = std::fs::metadata(path).map_err(|e| Failure::io("read", path, &e))?;
        if about.is_file() {
            files.push(path.clone());
            continue;
        }
        for entry in ignore::WalkBuilder::new(path).build().flatten() {
            if entry.path().extension().is_some_and(|e| e == "cases") && entry.path().is_file() {
                files.push(entry.into_path());
            }
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}
