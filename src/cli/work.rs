//! Experiments at places: which there are, and judging them all.
//!
//! A few are done one after the other: a check of one small file should not pay for a pool of threads.

use std::sync::Arc;

use rayon::prelude::*;

use super::exit::Failure;
use super::place::Wanted;
use crate::analysis::analyse;
use crate::check::Program;
use crate::diagnostic::{Diagnostic, tidy};
use crate::engine::native::judged;
pub(super) use crate::lower::Placed;
use crate::lower::{self, Catalogue, ExperimentRef, Lowered, PlaceRef, Planners};
use crate::plan::Plan;
use crate::project::{Project, Settings};

/// Fewer than this are done by one thread: starting others costs more.
const FEW: usize = 16;

/// One experiment at one place.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub experiment: ExperimentRef,
    pub place: PlaceRef,
}

/// Each of these experiments at each of its places.
pub(super) fn jobs<'e>(experiments: impl IntoIterator<Item = &'e Placed>) -> Vec<Job> {
    let mut jobs = Vec::new();
    for (experiment, places) in experiments {
        jobs.extend(places.iter().map(|place| Job { experiment: experiment.clone(), place: place.clone() }));
    }
    jobs
}

/// Every place of these experiments, once, in the order in which they first come.
pub(super) fn all_places(experiments: &[Placed]) -> Vec<PlaceRef> {
    let mut all: Vec<PlaceRef> = Vec::new();
    for place in experiments.iter().flat_map(|(_, places)| places.iter()) {
        if !all.contains(place) {
            all.push(place.clone());
        }
    }
    all
}

/// The experiments of these names.
///
/// # Errors
/// There is none of a name: did you mean, and the list.
pub(super) fn named(experiments: Vec<Placed>, names: &[String]) -> Result<Vec<Placed>, Failure> {
    for name in names {
        if !experiments.iter().any(|(e, _)| e.name == name.as_str()) {
            let known: Vec<String> = experiments.iter().map(|(e, _)| e.name.to_string()).collect();
            return Err(Failure::unknown("experiment", name, &known));
        }
    }
    Ok(experiments
        .into_iter()
        .filter(|(e, _)| names.is_empty() || names.iter().any(|n| e.name == n.as_str()))
        .collect())
}

/// Makes plans and judges them.
pub(super) struct Judge<'p> {
    planners: Planners<'p>,
}

impl<'p> Judge<'p> {
    pub(super) fn new(program: &'p Program) -> Self {
        Self::with(program, &Arc::new(Catalogue::new(program)))
    }

    /// The same with a catalogue that several share.
    pub(super) fn with(program: &'p Program, catalogue: &Arc<Catalogue>) -> Self {
        Self { planners: Planners::new(program, catalogue) }
    }

    /// Only to say what is wrong: nobody sees the plans.
    fn of_findings(program: &'p Program, catalogue: &Arc<Catalogue>) -> Self {
        Self { planners: Planners::new(program, catalogue).without_digests() }
    }

    /// The plan of an experiment at a place, with all that is proved or refused about it.
    pub(super) fn judged(&mut self, experiment: &ExperimentRef, place: &PlaceRef) -> Lowered {
        self.judged_by(experiment, place, analyse)
    }

    /// The same, and whether anything can hold it there.
    pub(super) fn judged_as_whole(&mut self, experiment: &ExperimentRef, place: &PlaceRef) -> Lowered {
        self.judged_by(experiment, place, judged)
    }

    fn judged_by(
        &mut self,
        experiment: &ExperimentRef,
        place: &PlaceRef,
        judge: fn(&Plan) -> Vec<Diagnostic>,
    ) -> Lowered {
        let mut lowered = self.planners.plan(experiment, place);
        if let Some(plan) = &lowered.plan {
            lowered.diagnostics.extend(judge(plan));
        }
        lowered
    }
}

/// What is wrong with any of these.
pub(super) fn judge(program: &Program, jobs: &[Job]) -> Vec<Diagnostic> {
    let one = |judge: &mut Judge<'_>, job: &Job| judge.judged_as_whole(&job.experiment, &job.place).diagnostics;
    let catalogue = Arc::new(Catalogue::new(program));
    let mut found: Vec<Diagnostic> = if jobs.len() < FEW {
        let mut judge = Judge::of_findings(program, &catalogue);
        jobs.iter().flat_map(|job| one(&mut judge, job)).collect()
    } else {
        jobs.par_iter().map_init(|| Judge::of_findings(program, &catalogue), one).flatten_iter().collect()
    };
    // An experiment at two places says most things twice.
    tidy(&mut found);
    found
}

/// The place that `perturb.toml` asks for; and a diagnostic where nothing declares it.
pub(super) fn place_of_settings(settings: &Settings, all: &[PlaceRef]) -> (Option<Wanted>, Option<Diagnostic>) {
    let Some((text, span)) = &settings.place else { return (None, None) };
    match lower::place::check(text, *span, all) {
        None => (Some(Wanted::parse(text)), None),
        wrong => (None, wrong),
    }
}

/// What is wrong with the signers that `perturb.toml` names.
pub(super) fn about_signers(project: &Project, program: &Program) -> Vec<Diagnostic> {
    let named = project.settings.signers.iter().map(|(team, named)| (team.as_str(), named.team_at));
    let mut found = lower::signers::check(named, program);
    found.extend(project.missing_signers());
    found
}

/// Whether the experiment of a plan is one of these names; all are, if there are none.
///
/// # Errors
/// It is another.
pub(super) fn named_plan(plan: &Plan, names: &[String]) -> Result<(), Failure> {
    match names.iter().find(|n| plan.name != n.as_str()) {
        Some(name) => Err(Failure::unknown("experiment", name, &[plan.name.to_string()])),
        None => Ok(()),
    }
}
