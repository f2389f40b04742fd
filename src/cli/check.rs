//! `perturb check`: everything that can be said without a cluster.

use std::path::PathBuf;

use super::exit::{Exit, Failure};
use super::findings::{FindingsArguments, show};
use super::input::{Input, Loaded, StdinArguments};
use super::terminal::{Stream, Terminal};
use super::work;
use crate::check::stdlib::Library;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::render::{Summary, counted};

/// Checks files, for every place where their experiments may run
///
/// A project (the folder with `perturb.toml`) is always read whole, as policies and the list of services hold for all of it.
/// PATHs say whose findings are shown: theirs, and those of the files that they import.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files, folders, or `-` for standard input [default: the project of this folder]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    stdin: StdinArguments,
    #[command(flatten)]
    findings: FindingsArguments,
}

/// What was found, and how much was looked at.
struct Judged {
    here: Vec<Diagnostic>,
    elsewhere: Vec<Diagnostic>,
    clean: String,
    loaded: Loaded,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let input = Input::find(&arguments.paths, &arguments.stdin, terminal)?;
    let quick = judge(input.load(Library::Mentioned)?);
    // Findings may be about what the library has besides.
    let is_clean = quick.here.is_empty() && quick.elsewhere.is_empty();
    let Judged { here, elsewhere, clean, loaded } = if is_clean { quick } else { judge(input.load(Library::Whole)?) };

    let sources = &loaded.checked.sources;
    let exit = show(&here, sources, &loaded.prefix, &arguments.findings, Stream::Output, terminal, Some(&clean))?;
    if !elsewhere.is_empty() {
        let summary = Summary::of(&elsewhere);
        terminal.say(&format!("note: {summary} of the project elsewhere; `perturb check` without PATH shows them\n"));
    }
    // The process ends here: giving everything back piece by piece would be a tenth of the work.
    let _leaked = std::mem::ManuallyDrop::new(loaded);
    Ok(exit)
}

fn judge(loaded: Loaded) -> Judged {
    let program = &loaded.checked.program;
    let places = work::all_places(&loaded.experiments);
    // A text with errors has no plans worth judging: what they would say follows from what was said.
    let is_meant = |path: &str| loaded.is_chosen(path);
    let jobs = work::jobs(loaded.chosen_to_judge());
    let mut more = work::judge(program, &jobs);
    more.extend(work::place_of_settings(&loaded.project.settings, &places).1);
    more.extend(work::about_signers(&loaded.project, program));
    let (here, elsewhere) = loaded.findings(more);

    let files = program.files.iter().filter(|f| !f.is_std() && is_meant(&f.path));
    let names: std::collections::BTreeSet<&str> = loaded.chosen_experiments().map(|(e, _)| e.name.as_str()).collect();
    let clean = format!("{}, {}: clean", counted(files.count(), "file"), counted(names.len(), "experiment"));
    Judged { here, elsewhere, clean, loaded }
}
