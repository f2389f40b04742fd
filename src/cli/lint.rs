//! `perturb lint`: what is allowed and should not stay.

use std::path::PathBuf;

use rayon::prelude::*;

use super::baseline::Baseline;
use super::exit::{Exit, Failure};
use super::findings::{FindingsArguments, show};
use super::fix::{Mended, mend};
use super::input::{Input, Loaded, StdinArguments};
use super::terminal::{Stream, Terminal};
use super::work;
use crate::check::stdlib::Library;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::render::counted;
use crate::lint::{self, Facts, File, Project};
use crate::lower::Planner;
use crate::plan::Plan;
use crate::source::{FileId, SourceFile};
use crate::syntax::{self, Parse};

/// Looks for what is no error and should not stay: style, safety, knowledge
///
/// docs/lint.md lists the rules; `[lint]` in perturb.toml gives each its level; `// perturb: allow(P0910) reason` silences one
/// finding. Errors are not told here: `perturb check` does.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files, folders, or `-` for standard input [default: the project of this folder]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    stdin: StdinArguments,
    /// Apply the certain fixes of what is found first
    #[arg(long)]
    fix: bool,
    /// Leave out what this file lists: findings that were there before
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write all that is found into the file of `--baseline`, and end
    #[arg(long, requires = "baseline")]
    write_baseline: bool,
    #[command(flatten)]
    findings: FindingsArguments,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut input = Input::find(&arguments.paths, &arguments.stdin, terminal)?;
    if arguments.fix {
        if arguments.paths.iter().any(|p| p.as_os_str() == "-") {
            return Err(Failure::new("`--fix` changes files, and standard input is none"));
        }
        let mended = mend(&mut input, false, &|loaded| findings(loaded))?;
        mended.write(&input.project.root)?;
        tell(&mended, terminal);
    }
    let loaded = input.load(Library::Whole)?;
    let mut found = findings(&loaded);
    found.extend(loaded.about_project.iter().cloned());
    let sources = &loaded.checked.sources;
    let mut known = 0;
    if let Some(path) = &arguments.baseline {
        if arguments.write_baseline {
            Baseline::of(&found, sources).write(path)?;
            terminal.say(&format!("{} written to `{}`\n", counted(found.len(), "finding"), path.display()));
            return Ok(Exit::Clean);
        }
        let before = found.len();
        found = Baseline::read(path)?.without(found, sources);
        known = before - found.len();
    }
    let clean = format!("{}: nothing found", counted(files(&loaded).count(), "file"));
    let exit = show(&found, sources, &loaded.prefix, &arguments.findings, Stream::Output, terminal, Some(&clean))?;
    if known > 0 {
        terminal.say(&format!("note: {} of before, left out by the baseline\n", counted(known, "finding")));
    }
    let errors = loaded.checked.diagnostics.iter().filter(|d| d.is_error()).count();
    if errors > 0 {
        terminal.say(&format!("note: {} that `perturb check` shows\n", counted(errors, "error")));
    }
    Ok(exit)
}

fn tell(mended: &Mended, terminal: &Terminal) {
    if mended.applied > 0 {
        let count = mended.applied;
        let noun = if count == 1 { "fix" } else { "fixes" };
        terminal.say(&format!("{count} {noun} in {}\n", counted(mended.files.len(), "file")));
    }
}

/// The project's own files that the arguments name.
fn files(loaded: &Loaded) -> impl Iterator<Item = (FileId, &SourceFile)> {
    own(loaded).filter(|(_, file)| loaded.is_chosen(&file.path))
}

fn own(loaded: &Loaded) -> impl Iterator<Item = (FileId, &SourceFile)> {
    let is_own = |path: &str| {
        path.ends_with(".chaos") && !path.starts_with(crate::check::stdlib::PREFIX) || path.starts_with('<')
    };
    loaded.checked.sources.iter().filter(move |(_, file)| is_own(&file.path))
}

/// What the rules find in the files that the arguments name. All of the project is looked at, as names are used across files.
pub(super) fn findings(loaded: &Loaded) -> Vec<Diagnostic> {
    let texts: Vec<(FileId, &SourceFile)> = own(loaded).collect();
    let parses: Vec<Parse> = texts.par_iter().map(|(id, file)| syntax::parse(*id, &file.text)).collect();
    let files: Vec<File<'_>> = texts
        .iter()
        .zip(&parses)
        .map(|((id, file), parse)| File { id: *id, path: &file.path, text: &file.text, parse })
        .collect();
    let of_plans: Vec<Diagnostic> = plans(loaded).iter().flat_map(lint::of_plan).collect();
    let root = &loaded.project.root;
    let exists = |path: &str| root.join(path).exists();
    let facts: Vec<Facts> = files.par_iter().map(Facts::of).collect();
    let facts: Vec<&Facts> = facts.iter().collect();
    let project =
        Project { files: &files, facts: &facts, whole: loaded.is_whole, of_plans: &of_plans, exists: &exists };
    let mut found = lint::lint(&project, &loaded.project.settings.lint);
    loaded.checked.program.drop_echoes(&mut found);
    found.retain(|d| loaded.checked.sources.get(d.span.file).is_some_and(|file| loaded.is_chosen(&file.path)));
    found
}

/// A plan of each experiment at each place, as far as its text allows.
fn plans(loaded: &Loaded) -> Vec<Plan> {
    let program = &loaded.checked.program;
    let experiments: Vec<_> = loaded.chosen_experiments().cloned().collect();
    let mut plans = Vec::new();
    for place in work::all_places(&experiments) {
        let Some(mut planner) = Planner::new(program, &place) else { continue };
        for (experiment, _) in experiments.iter().filter(|(_, places)| places.contains(&place)) {
            plans.extend(planner.plan(experiment).plan);
        }
    }
    plans
}
