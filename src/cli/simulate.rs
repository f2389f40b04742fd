//! `perturb simulate` and `perturb test`: experiments in virtual time, against what a case says.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::exit::{Exit, Failure};
use super::findings::{FindingsArguments, FormatChoice, show};
use super::input::{Input, StdinArguments};
use super::journal::JournalArguments;
use super::place::{self, Wanted};
use super::strip::strip;
use super::terminal::{Stream, Terminal};
use super::which::Which;
use super::work;
use super::{experiment, junit};
use crate::check::stdlib::Library;
use crate::diagnostic::render::counted;
use crate::diagnostic::{Code, Diagnostic};
use crate::lower::PlaceRef;
use crate::plan::Plan;
use crate::runtime::journal::Begun;
use crate::runtime::machine::Record;
use crate::runtime::simulate::cases::{Case, parse, unknown};
use crate::runtime::simulate::{Played, Recorded, Teller, play, replay, shown};
use crate::source::SourceMap;
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
    let mut sources = SourceMap::default();
    let case = match &arguments.samples {
        Some(path) => match read_cases(path, &mut sources)? {
            Ok(cases) => Some(chosen(path, cases, arguments.case.as_deref())?),
            Err(found) => return wrong(&found, &sources, &FindingsArguments::default(), Stream::Error, terminal),
        },
        None => None,
    };
    let given = &arguments.which;
    let name = given.experiment.clone().or_else(|| case.as_ref().map(|case| case.experiment.text.clone()));
    let which = Which { experiment: name, place: given.place.clone() };
    let plan = match experiment::plan(file, &which, terminal)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(exit),
    };
    let case = case.unwrap_or_else(|| Case::well(&plan.name));
    let played = match play(&plan, &case, arguments.seed) {
        Ok(played) => played,
        Err(found) => return wrong(&found, &sources, &FindingsArguments::default(), Stream::Error, terminal),
    };
    terminal.print(&story(&Arc::new(plan), &played.records, played.zero, terminal))?;
    Ok(Exit::Verdict(played.outcome.verdict.exit_code()))
}

/// A run of the journal, once more.
fn again(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let journal = arguments.journal.existing()?;
    let id = arguments.run.as_deref().unwrap_or_default();
    let row = journal.find(id).map_err(|e| super::runs::unknown(&e, &journal))?;
    let entries = journal.entries(&row.id).map_err(|e| super::journal::failure(&e))?;
    let begun = entries.iter().find_map(|entry| entry.line.begun());
    if begun.is_some_and(|begun| begun.plan.is_null()) {
        return Err(Failure::new(format!("the run {} is a game day: it has no plan of its own", row.id))
            .help("its notes name the runs that it made: `perturb show`"));
    }
    let Some(plan) = begun.and_then(Begun::plan).map(Arc::new) else {
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

/// What is wrong with cases, at its places. A mistake in a case is one of the command line's input.
fn wrong(
    found: &[Diagnostic],
    sources: &SourceMap,
    arguments: &FindingsArguments,
    stream: Stream,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    show(found, sources, "", arguments, stream, terminal, None)?;
    Ok(Exit::Usage)
}

/// The cases of a file; or what is wrong with them.
fn read_cases(path: &Path, sources: &mut SourceMap) -> Result<Result<Vec<Case>, Vec<Diagnostic>>, Failure> {
    let bytes = crate::source::disk::read_file(path).map_err(|e| Failure::io("read", path, &e))?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::new(format!("`{}` is not UTF-8", path.display())))?;
    let shown = path.strip_prefix(".").unwrap_or(path);
    let file = sources.add(shown.display().to_string(), text.as_str());
    Ok(parse(&text, file))
}

fn chosen(path: &Path, cases: Vec<Case>, name: Option<&str>) -> Result<Case, Failure> {
    let names: Vec<String> = cases.iter().map(|c| c.name.clone()).collect();
    match (name, cases.len()) {
        (Some(name), _) => {
            cases.into_iter().find(|c| c.name == name).ok_or_else(|| Failure::unknown("case", name, &names))
        }
        (None, 1) => cases.into_iter().next().ok_or_else(|| Failure::new("no case")),
        (None, _) => Err(Failure::new(format!("`{}` has {} cases", path.display(), names.len()))
            .help(format!("choose with --case: {}", names.join(", ")))),
    }
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
    /// How mistakes in cases are printed; a form for machines prints nothing else
    #[command(flatten)]
    findings: FindingsArguments,
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
    let (mut sources, mut found, mut broken) = (SourceMap::default(), Vec::new(), Vec::new());
    let is_for_people = arguments.findings.format == FormatChoice::Human;
    for file in &files {
        let cases = match read_cases(file, &mut sources)? {
            Ok(cases) => cases,
            Err(mistakes) => {
                found.extend(mistakes);
                continue;
            }
        };
        let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let loaded = Input::find(&[folder.to_owned()], &StdinArguments::default(), terminal)?.load(Library::Whole)?;
        let mut judge = work::Judge::new(&loaded.checked.program);
        for case in cases.iter().filter(|c| arguments.only.as_ref().is_none_or(|o| c.name.contains(o.as_str()))) {
            let began = Instant::now();
            let (wrong, said) = match plan_of(case, &loaded.experiments, &mut judge) {
                Ok(Ok(plan)) => match play(&plan, case, 1) {
                    Ok(played) => (played.wrong.clone(), line(file, case, &played, began.elapsed())),
                    Err(mistakes) => {
                        found.extend(mistakes);
                        continue;
                    }
                },
                Ok(Err(why)) => {
                    let said = format!("FAILED {} {}: {why}\n", file.display(), case.name);
                    (vec![why], said)
                }
                Err(mistake) => {
                    found.push(*mistake);
                    continue;
                }
            };
            if is_for_people {
                terminal.print(&said)?;
            } else if !wrong.is_empty() {
                broken.push(not_as_expected(case, &wrong));
            }
            results.push((format!("{} {}", file.display(), case.name), wrong));
        }
    }
    let failed = results.iter().filter(|(_, wrong)| !wrong.is_empty()).count();
    if is_for_people && (found.is_empty() || !results.is_empty()) {
        let cases = counted(results.len(), "case");
        terminal.print(&format!("{cases}, {failed} failed, in {:.1?}\n", began.elapsed()))?;
    }
    if let Some(path) = &arguments.junit {
        super::files::write_whole(path, &junit::of_cases("perturb test", &results))?;
    }
    let stream = if is_for_people { Stream::Error } else { Stream::Output };
    if !found.is_empty() || !is_for_people {
        // A program reads of a case that failed as of any other finding, at its place.
        broken.splice(0..0, found.iter().cloned());
        show(&broken, &sources, "", &arguments.findings, stream, terminal, None)?;
    }
    Ok(match (found.is_empty(), failed) {
        (false, _) => Exit::Usage,
        (true, 0) => Exit::Clean,
        (true, _) => Exit::Findings,
    })
}

fn not_as_expected(case: &Case, wrong: &[String]) -> Diagnostic {
    let message = format!("the case `{}` does not end as it expects: {}", case.name, wrong.join("; "));
    Diagnostic::new(Code::CASE_BROKEN, case.span, message)
        .help("`perturb simulate FILE --samples FILE --case NAME` tells its story")
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

/// The plan that a case is about; or why there is none; or what the case names that is not there.
fn plan_of(
    case: &Case,
    all: &[work::Placed],
    judge: &mut work::Judge<'_>,
) -> Result<Result<Plan, String>, Box<Diagnostic>> {
    let wanted = case.experiment.text.as_str();
    let Some((experiment, places)) = all.iter().find(|(e, _)| e.name == wanted) else {
        let known: Vec<&str> = all.iter().map(|(e, _)| e.name.as_str()).collect();
        return Err(Box::new(unknown("experiment", &case.experiment, "the project", &known)));
    };
    let at = match &case.place {
        Some(at) => at_place(wanted, &Wanted::parse(&at.text), all, places).map_err(|failure| {
            let found = Diagnostic::new(Code::CASE_UNKNOWN, at.span, failure.message);
            Box::new(match failure.help {
                Some(help) => found.help(help),
                None => found,
            })
        })?,
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

/// The place that a case names: one that is there, and where the experiment may run.
fn at_place<'a>(
    experiment: &str,
    wanted: &Wanted,
    all: &[work::Placed],
    may: &'a [PlaceRef],
) -> Result<&'a PlaceRef, Failure> {
    place::find(wanted, &work::all_places(all))?;
    place::of(experiment, Some(wanted), may)
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
