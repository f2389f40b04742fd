//! The one plan that a command is about: from a file of sources or a plan.json.

use std::path::Path;

use super::compile::read_plan;
use super::exit::{Exit, Failure};
use super::findings::{self, FindingsArguments, show};
use super::input::{Input, StdinArguments};
use super::place::{self, Wanted};
use super::terminal::{Stream, Terminal};
use super::work::{self, Job};
use crate::check::stdlib::Library;
use crate::plan::Plan;

/// The plan that is meant; or how the command ends, where the sources are not right.
pub(super) fn plan(
    file: &Path,
    experiment: Option<&str>,
    place: Option<&str>,
    terminal: &Terminal,
) -> Result<Result<Plan, Exit>, Failure> {
    if file.extension().is_some_and(|e| e == "json") {
        let plan = read_plan(file)?;
        work::named_plan(&plan, &Vec::from_iter(experiment.map(str::to_owned)))?;
        return Ok(Ok(plan));
    }
    let loaded = Input::find(&[file.to_owned()], &StdinArguments::default(), terminal)?.load(Library::Whole)?;
    let all = work::experiments(&loaded.checked.program, |_| true);
    let places = work::all_places(&all);
    let (default, about_place) = work::place_of_settings(&loaded.project.settings, &places);
    let wanted = place.map(Wanted::parse);
    if let Some(wanted) = &wanted {
        place::find(wanted, &places)?;
    }
    let meant: Vec<_> = match experiment {
        Some(name) => work::named(all, &[name.to_owned()])?,
        None => all.into_iter().filter(|(e, _)| loaded.is_chosen(&e.path)).collect(),
    };
    let mut found = Vec::from_iter(about_place);
    let mut plan = None;
    match meant.as_slice() {
        [(experiment, places)] => {
            let wanted = wanted.as_ref().or(default.as_ref());
            let at = place::one(wanted, places)?.clone();
            let lowered =
                work::Judge::new(&loaded.checked.program).judged(&Job { experiment: experiment.clone(), place: at });
            found.extend(lowered.diagnostics);
            plan = lowered.plan;
        }
        [] if loaded.checked.diagnostics.is_empty() => {
            return Err(Failure::new(format!("`{}` has no experiment", file.display()))
                .help("give a file that declares one, or a plan.json"));
        }
        [] => {}
        several => {
            let list: Vec<&str> = several.iter().map(|(e, _)| e.name.as_str()).collect();
            return Err(Failure::new(format!("`{}` has {} experiments", file.display(), several.len()))
                .help(format!("choose with --experiment: {}", list.join(", "))));
        }
    }
    let (found, _) = loaded.findings(found);
    show(
        &found,
        &loaded.checked.sources,
        &loaded.prefix,
        &FindingsArguments::default(),
        Stream::Error,
        terminal,
        None,
    )?;
    match plan {
        Some(plan) if findings::exit(&found, false) == Exit::Clean => Ok(Ok(plan)),
        // What is wrong with the text is a mistake of the command line's input, not a verdict about a system.
        _ => Ok(Err(Exit::Usage)),
    }
}
