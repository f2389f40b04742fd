//! The plans that a command is about: from sources or a plan.json.

use std::path::Path;

use super::compile::read_plan;
use super::exit::{Exit, Failure};
use super::findings::{self, FindingsArguments, show};
use super::input::{Input, StdinArguments};
use super::place::{self, Wanted};
use super::terminal::{Stream, Terminal};
use super::which::Which;
use super::work;
use crate::check::stdlib::Library;
use crate::plan::Plan;

/// The one plan that is meant; or how the command ends, where the sources are not right.
pub(super) fn plan(path: &Path, which: &Which, terminal: &Terminal) -> Result<Result<Plan, Exit>, Failure> {
    let mut plans = match plans(path, which, terminal)? {
        Ok(plans) => plans,
        Err(exit) => return Ok(Err(exit)),
    };
    if plans.len() > 1 {
        let list: Vec<&str> = plans.iter().map(|p| p.name.as_str()).collect();
        return Err(Failure::new(format!("`{}` has {} experiments", path.display(), plans.len()))
            .help(format!("choose with --experiment: {}", list.join(", "))));
    }
    Ok(plans.pop().ok_or(Exit::Usage))
}

/// All plans that are meant, in the order of the text, at least one; or how the command ends, where the sources are not right.
pub(super) fn plans(path: &Path, which: &Which, terminal: &Terminal) -> Result<Result<Vec<Plan>, Exit>, Failure> {
    if path.extension().is_some_and(|e| e == "json") {
        let plan = read_plan(path)?;
        work::named_plan(&plan, &Vec::from_iter(which.experiment.clone()))?;
        return Ok(Ok(vec![plan]));
    }
    let mut loaded = Input::find(&[path.to_owned()], &StdinArguments::default(), terminal)?.load(Library::Whole)?;
    let all = std::mem::take(&mut loaded.experiments);
    let places = work::all_places(&all);
    let (default, about_place) = work::place_of_settings(&loaded.project.settings, &places);
    let wanted = which.place.as_deref().map(Wanted::parse);
    if let Some(wanted) = &wanted {
        place::find(wanted, &places)?;
    }
    let meant: Vec<_> = match &which.experiment {
        Some(name) => work::named(all, std::slice::from_ref(name))?,
        None => all.into_iter().filter(|(e, _)| loaded.is_chosen(&e.path)).collect(),
    };
    if meant.is_empty() && loaded.checked.diagnostics.is_empty() {
        return Err(Failure::new(format!("`{}` has no experiment", path.display()))
            .help("give a file that declares one, or a plan.json"));
    }
    let mut found = Vec::from_iter(about_place);
    let mut plans = Vec::new();
    let mut judge = work::Judge::new(&loaded.checked.program);
    for (experiment, places) in meant {
        let at = place::one(wanted.as_ref().or(default.as_ref()), &places)?.clone();
        let lowered = judge.judged(&experiment, &at);
        found.extend(lowered.diagnostics);
        plans.extend(lowered.plan);
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
    if !plans.is_empty() && findings::exit(&found, false) == Exit::Clean {
        Ok(Ok(plans))
    } else {
        // What is wrong with the text is a mistake of the command line's input, not a verdict about a system.
        Ok(Err(Exit::Usage))
    }
}
