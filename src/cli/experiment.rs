//! The plans that a command is about: from sources or a plan.json.

use std::collections::BTreeMap;
use std::path::Path;

use smol_str::SmolStr;

use super::compile::read_plan;
use super::exit::{Exit, Failure};
use super::findings::{self, FindingsArguments, show};
use super::input::{Input, Loaded, StdinArguments};
use super::place::{self, Wanted};
use super::terminal::{Stream, Terminal};
use super::which::Which;
use super::work;
use crate::check::stdlib::Library;
use crate::diagnostic::Diagnostic;
use crate::engine::drive::Target;
use crate::lower::PlaceRef;
use crate::lower::series::{self, Agenda, Point, Where};
use crate::plan::Plan;
use crate::runtime::journal::PlaceDraw;
use crate::runtime::machine::draw;

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
        let failure = Failure::new(format!("`{}` has no experiment", path.display()));
        let days = series::gamedays(&loaded.checked.program);
        return Err(match days.iter().find(|day| loaded.is_chosen(&day.path)) {
            Some(day) => {
                failure.help(format!("it declares a game day: `perturb run {} --gameday {}`", path.display(), day.name))
            }
            None => failure.help("give a file that declares one, or a plan.json"),
        });
    }
    let wanted = wanted.as_ref().or(default.as_ref());
    let meant = there(meant, wanted, terminal)?;
    let mut jobs = Vec::new();
    for (experiment, places) in meant {
        let at = place::of(&experiment.name, wanted, &places)?.clone();
        jobs.push(work::Job { experiment, place: at });
    }
    planned(&loaded, &jobs, Vec::from_iter(about_place), terminal)
}

/// Those of several experiments that may run where it was asked for; the others are named.
///
/// # Errors
/// None may.
fn there(
    mut meant: Vec<work::Placed>,
    wanted: Option<&Wanted>,
    terminal: &Terminal,
) -> Result<Vec<work::Placed>, Failure> {
    let Some(wanted) = wanted else { return Ok(meant) };
    let others: Vec<work::Placed> = meant.extract_if(.., |(_, may)| !place::may_run(wanted, may)).collect();
    if others.is_empty() {
        return Ok(meant);
    }
    if meant.is_empty() {
        let others: Vec<(&str, &[PlaceRef])> = others.iter().map(|(e, may)| (e.name.as_str(), &**may)).collect();
        return Err(place::not_there(&others, wanted));
    }
    let names: Vec<&str> = others.iter().map(|(e, _)| e.name.as_str()).collect();
    terminal.say(&format!("note: left out, as they may not run at {wanted}: {}\n", names.join(", ")));
    Ok(meant)
}

/// The plans of these; or how the command ends, where the sources are not right.
fn planned(
    loaded: &Loaded,
    jobs: &[work::Job],
    mut found: Vec<Diagnostic>,
    terminal: &Terminal,
) -> Result<Result<Vec<Plan>, Exit>, Failure> {
    let mut plans = Vec::new();
    let mut judge = work::Judge::new(&loaded.checked.program);
    for job in jobs {
        let lowered = judge.judged_as_whole(&job.experiment, &job.place);
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

/// Plans, and how their place was drawn, if chance decided it.
pub(super) type Series = (Vec<Plan>, Option<PlaceDraw>);

/// The runs of a `verify`, each at each of its places: clusters one after the other, and within one the runs as they are named.
pub(super) fn of_verify(
    path: &Path,
    name: &str,
    place: Option<&str>,
    terminal: &Terminal,
) -> Result<Result<Series, Exit>, Failure> {
    let mut loaded = Input::find(&[path.to_owned()], &StdinArguments::default(), terminal)?.load(Library::Whole)?;
    let all = std::mem::take(&mut loaded.experiments);
    let meant: Vec<&work::Placed> = all.iter().filter(|(e, _)| e.verify.as_deref() == Some(name)).collect();
    let Some(at) = series::of_verify(&loaded.checked.program, name).filter(|_| !meant.is_empty()) else {
        let mut known: Vec<String> =
            all.iter().filter_map(|(e, _)| e.verify.as_ref().map(ToString::to_string)).collect();
        known.dedup();
        if loaded.checked.diagnostics.iter().any(Diagnostic::is_error) {
            return Ok(planned(&loaded, &[], Vec::new(), terminal)?.map(|plans| (plans, None)));
        }
        return Err(Failure::unknown("verify", name, &known));
    };
    let (places, drawn) = chosen(&at, place, terminal)?;
    let job = |place: &PlaceRef, (experiment, _): &work::Placed| work::Job {
        experiment: experiment.clone(),
        place: place.clone(),
    };
    let jobs: Vec<work::Job> =
        places.iter().flat_map(|place| meant.iter().map(move |placed| job(place, placed))).collect();
    Ok(planned(&loaded, &jobs, Vec::new(), terminal)?.map(|plans| (plans, drawn)))
}

/// A game day as it is held.
pub(super) struct Day {
    pub agenda: Agenda,
    pub place: PlaceRef,
    /// How the place was drawn.
    pub drawn: Option<PlaceDraw>,
    /// The plans of scenarios that its agenda runs with arguments of their own, by name.
    pub scenarios: BTreeMap<SmolStr, Plan>,
}

/// A game day, and where it is held; or how the command ends, where the sources are not right.
pub(super) fn gameday(
    path: &Path,
    name: &str,
    place: Option<&str>,
    terminal: &Terminal,
) -> Result<Result<Day, Exit>, Failure> {
    let loaded = Input::find(&[path.to_owned()], &StdinArguments::default(), terminal)?.load(Library::Whole)?;
    if loaded.checked.diagnostics.iter().any(Diagnostic::is_error) {
        // It says what is wrong, and plans nothing.
        let exit = planned(&loaded, &[], Vec::new(), terminal)?.err();
        return Ok(Err(exit.unwrap_or(Exit::Usage)));
    }
    let days = series::gamedays(&loaded.checked.program);
    let Some(day) = days.iter().find(|day| day.name == name) else {
        let known: Vec<String> = days.iter().map(|day| day.name.to_string()).collect();
        return Err(Failure::unknown("game day", name, &known));
    };
    let (places, drawn) = chosen(&day.at, place, terminal)?;
    let Some(place) = places.into_iter().next() else {
        return Err(Failure::new(format!("`{name}` has no cluster to be held in")));
    };
    let scenarios = day.points.iter().filter_map(|point| match point {
        Point::Scenario(experiment) => Some(work::Job { experiment: experiment.clone(), place: place.clone() }),
        _ => None,
    });
    let jobs: Vec<work::Job> = scenarios.collect();
    let scenarios = match planned(&loaded, &jobs, Vec::new(), terminal)? {
        Ok(plans) => plans.into_iter().map(|plan| (plan.name.clone(), plan)).collect(),
        Err(_) if jobs.is_empty() => BTreeMap::new(),
        Err(exit) => return Ok(Err(exit)),
    };
    Ok(Ok(Day { agenda: day.clone(), place, drawn, scenarios }))
}

/// The clusters that are meant: those that were asked for, else as many as the text says, drawn as targets are.
fn chosen(at: &Where, place: Option<&str>, terminal: &Terminal) -> Result<(Vec<PlaceRef>, Option<PlaceDraw>), Failure> {
    if let Some(wanted) = place {
        return Ok((place::find(&Wanted::parse(wanted), &at.places)?.into_iter().cloned().collect(), None));
    }
    let bare = |place: &PlaceRef| Target { id: place.to_string().into(), service: None, facts: BTreeMap::new() };
    let mut candidates: Vec<Target> = at.places.iter().map(bare).collect();
    candidates.sort();
    let entropy = fastrand::u64(..);
    let Some(drawn) = draw(at.quantity, &candidates, entropy) else {
        let all = u32::try_from(at.places.len()).unwrap_or(u32::MAX);
        return Err(Failure::new(format!("`{}` asks for {} of {all} clusters", at.text, at.quantity.of(all))));
    };
    let is_drawn = |place: &&PlaceRef| drawn.iter().any(|target| target.id == place.to_string());
    let places: Vec<PlaceRef> = at.places.iter().filter(is_drawn).cloned().collect();
    if places.len() == at.places.len() {
        return Ok((places, None));
    }
    let names = |targets: &[Target]| targets.iter().map(|target| target.id.to_string()).collect::<Vec<_>>();
    let made = PlaceDraw { text: at.text.clone(), entropy, candidates: names(&candidates), drawn: names(&drawn) };
    terminal.say(&format!("note: drew {}: {}\n", at.text, made.drawn.join(", ")));
    Ok((places, Some(made)))
}
