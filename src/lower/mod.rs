//! From the typed program to plans: the one place that names both.
//!
//! Comes in: a [`Program`], an experiment of it, a place. Goes out: a [`Plan`], or what is wrong. The same code checks
//! bodies of which not everything is known (a scenario, whatever depends on the place): then no plan comes out, only
//! diagnostics.
//!
//! May use: `source`, `diagnostic`, `types`, `check`, `plan`, `analysis` (policy rules ask for bounds).

mod body;
mod draws;
mod gameday;
mod guards;
mod hypothesis;
mod learned;
pub mod place;
mod policy;
pub mod series;
pub mod signers;
mod steps;
mod verify;

use std::sync::Arc;

use rayon::prelude::*;
use smol_str::SmolStr;

pub use body::Catalogue;

use crate::check::evaluate::{Evaluator, Val};
use crate::check::program::{ItemKind, Name};
use crate::check::scope::DeclId;
use crate::check::{PlaceId, Program};
use crate::diagnostic::{Code, Diagnostic, tidy};
use crate::plan::Plan;
use crate::source::Span;

/// An experiment of the program, or an instance that a `verify` makes.
#[derive(Debug, Clone)]
pub struct ExperimentRef {
    /// Its name, unique in the project.
    pub name: SmolStr,
    /// The `verify` whose instance it is, if any.
    pub verify: Option<SmolStr>,
    /// The file that declares it (the `verify`'s file for an instance).
    pub path: SmolStr,
    /// Where it is declared.
    pub span: Span,
    pub(crate) origin: Origin,
}

/// What an experiment is made of.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// A declared experiment.
    Declared(DeclId),
    /// One run of a `verify`.
    Verify {
        /// The `verify`.
        verify: DeclId,
        /// Which `run` of it.
        run: usize,
        /// Whether it makes other runs.
        among_others: bool,
        /// The value of `for each`.
        each: Option<(Name, Val)>,
    },
    /// A scenario with arguments that the agenda of a `gameday` runs.
    Agenda {
        /// The game day.
        gameday: DeclId,
        /// Which step of its agenda.
        step: usize,
    },
}

/// An environment and one of its clusters, by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaceRef {
    /// The environment.
    pub environment: SmolStr,
    /// The cluster.
    pub cluster: SmolStr,
}

impl std::fmt::Display for PlaceRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.environment, self.cluster)
    }
}

/// A plan with what was found wrong.
#[derive(Debug, Default)]
pub struct Lowered {
    /// The plan; `None` where an error leaves none.
    pub plan: Option<Plan>,
    /// What was found, of this experiment at this place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Every experiment and every instance of every `verify`, in order of file and place.
#[must_use]
pub fn experiments(program: &Program) -> Vec<ExperimentRef> {
    (0..program.files.len()).flat_map(|file| experiments_of(program, file)).collect()
}

/// Those of one file of the project.
#[must_use]
pub fn experiments_of(program: &Program, file: usize) -> Vec<ExperimentRef> {
    let Some(loaded) = program.files.get(file).filter(|f| !f.is_std()) else { return Vec::new() };
    program.decls_of(file).flat_map(|(id, _)| declared_by(program, id, &loaded.path, &mut Vec::new())).collect()
}

/// The experiments that one declaration makes; what is wrong with the names of a `verify`'s runs goes to `found`.
fn declared_by(program: &Program, id: DeclId, path: &SmolStr, found: &mut Vec<Diagnostic>) -> Vec<ExperimentRef> {
    let item = program.item(id);
    match &item.kind {
        ItemKind::Experiment(_) | ItemKind::Instance(_) => vec![ExperimentRef {
            name: item.name.text.clone(),
            verify: None,
            path: path.clone(),
            span: item.name.span,
            origin: Origin::Declared(id),
        }],
        ItemKind::Verify(_) => verify::instances(program, id, path, found),
        _ => Vec::new(),
    }
}

/// An experiment with every place where it may run.
pub type Placed = (ExperimentRef, Arc<[PlaceRef]>);

/// The experiments, each with the places where it may run, as [`places`] gives them: looked up once for each declaration, as
/// a `verify` may make thousands of runs.
#[must_use]
pub fn with_places(program: &Program, experiments: Vec<ExperimentRef>) -> Vec<Placed> {
    let mut last: Option<(DeclId, Arc<[PlaceRef]>)> = None;
    let mut places_of = |experiment: &ExperimentRef| match (&experiment.origin, &last) {
        (Origin::Verify { verify, .. }, Some((known, places))) if verify == known => Arc::clone(places),
        (Origin::Declared(id) | Origin::Verify { verify: id, .. } | Origin::Agenda { gameday: id, .. }, _) => {
            let places: Arc<[PlaceRef]> = places(program, experiment).into();
            last = Some((*id, Arc::clone(&places)));
            places
        }
    };
    let placed = experiments.into_iter().map(|experiment| {
        let places = places_of(&experiment);
        (experiment, places)
    });
    placed.collect()
}

/// Every place in which the experiment may run, in the order of declaration.
#[must_use]
pub fn places(program: &Program, experiment: &ExperimentRef) -> Vec<PlaceRef> {
    let allowed = match &experiment.origin {
        Origin::Declared(id) => body::environments_of(program, *id).map(|envs| (envs, None)),
        Origin::Verify { verify, .. } => verify::places_of(program, *verify).map(|(e, c)| (vec![e], Some(c))),
        // It is run where the game day is held, whatever that draws.
        Origin::Agenda { gameday, .. } => {
            return series::of_gameday(program, *gameday).map_or_else(Vec::new, |w| w.places);
        }
    };
    let place_ref = |place: PlaceId| PlaceRef {
        environment: program.environment(place).name.clone(),
        cluster: program.cluster(place).facts.name.clone(),
    };
    program
        .places()
        .filter(|place| match &allowed {
            None => true,
            Some((environments, clusters)) => {
                environments.contains(&program.environment(*place).decl)
                    && clusters.as_ref().is_none_or(|c| c.contains(&program.cluster(*place).facts.name))
            }
        })
        .map(place_ref)
        .collect()
}

/// Makes the plans of one place, keeping what they share.
pub struct Planner<'p> {
    ev: Evaluator<'p>,
    catalogue: Arc<Catalogue>,
    with_digests: bool,
}

impl<'p> Planner<'p> {
    /// A planner for a place; `None` if the program has no such place.
    #[must_use]
    pub fn new(program: &'p Program, place: &PlaceRef) -> Option<Self> {
        Self::with(program, place, &Arc::new(Catalogue::new(program)))
    }

    /// The same with a catalogue that planners share: reading it takes as long as the plan of a small experiment.
    #[must_use]
    pub fn with(program: &'p Program, place: &PlaceRef, catalogue: &Arc<Catalogue>) -> Option<Self> {
        let id = program.places().find(|p| {
            program.environment(*p).name == place.environment && program.cluster(*p).facts.name == place.cluster
        })?;
        Some(Self { ev: Evaluator::new(program, Some(id)), catalogue: Arc::clone(catalogue), with_digests: true })
    }

    /// Leaves the digests of its plans empty: for plans that are judged and then dropped, as the digests are a tenth of what
    /// the check of a small file takes.
    #[must_use]
    pub fn without_digests(mut self) -> Self {
        self.with_digests = false;
        self
    }

    /// The plan of one experiment.
    pub fn plan(&mut self, experiment: &ExperimentRef) -> Lowered {
        self.ev.begin();
        let plan = body::plan(&mut self.ev, &self.catalogue, experiment, self.with_digests);
        let mut diagnostics = std::mem::take(&mut self.ev.diagnostics);
        tidy(&mut diagnostics);
        let wrong = diagnostics.iter().any(Diagnostic::is_error);
        if plan.is_none() && !wrong {
            diagnostics.push(without_plan(experiment, self.ev.left_out.as_deref()));
        }
        Lowered { plan: plan.filter(|_| !wrong), diagnostics }
    }
}

/// What is said of an experiment that has no plan: `tidy` takes it away where something else says why.
fn without_plan(experiment: &ExperimentRef, left_out: Option<&Diagnostic>) -> Diagnostic {
    let name = &experiment.name;
    let why = "what cannot be planned is not checked, not compiled and not run: silence would look like success";
    match left_out {
        Some(reason) => {
            Diagnostic::new(Code::NO_PLAN, experiment.span, format!("`{name}` has no plan: {}", reason.message))
                .also(reason.span, "here, with what this experiment puts into it")
                .why(why)
                .help(
                    reason.help.clone().unwrap_or_else(|| "put something else into it, or let it take this".to_owned()),
                )
        }
        None => Diagnostic::new(Code::NO_PLAN, experiment.span, format!("`{name}` has no plan, and nothing says why"))
            .why(why)
            .help("this is a mistake of Perturb's: please report it, with the file"),
    }
}

/// Makes plans at any place, with one planner for each.
pub struct Planners<'p> {
    program: &'p Program,
    catalogue: Arc<Catalogue>,
    with_digests: bool,
    at: Vec<(PlaceRef, Planner<'p>)>,
}

impl<'p> Planners<'p> {
    /// Of a program, with its catalogue.
    #[must_use]
    pub fn new(program: &'p Program, catalogue: &Arc<Catalogue>) -> Self {
        Self { program, catalogue: Arc::clone(catalogue), with_digests: true, at: Vec::new() }
    }

    /// See [`Planner::without_digests`].
    #[must_use]
    pub fn without_digests(mut self) -> Self {
        self.with_digests = false;
        self
    }

    /// The plan of one experiment at one place; nothing, if the program has no such place.
    pub fn plan(&mut self, experiment: &ExperimentRef, place: &PlaceRef) -> Lowered {
        let known = self.at.iter().position(|(known, _)| known == place);
        if known.is_none() {
            let Some(planner) = Planner::with(self.program, place, &self.catalogue) else { return Lowered::default() };
            let planner = if self.with_digests { planner } else { planner.without_digests() };
            self.at.push((place.clone(), planner));
        }
        let planner = match known {
            Some(index) => self.at.get_mut(index),
            None => self.at.last_mut(),
        };
        planner.map_or_else(Lowered::default, |(_, planner)| planner.plan(experiment))
    }
}

/// The plan of one experiment at one place.
#[must_use]
pub fn plan(program: &Program, experiment: &ExperimentRef, place: &PlaceRef) -> Lowered {
    Planner::new(program, place).map_or_else(Lowered::default, |mut planner| planner.plan(experiment))
}

/// What the bodies of some files show.
#[derive(Debug, Default)]
pub struct Bodies {
    /// What is wrong with them.
    pub diagnostics: Vec<Diagnostic>,
    /// The experiments that they declare, and every instance of every `verify`, in order of file and place.
    pub experiments: Vec<ExperimentRef>,
    /// What the agendas of their game days run with arguments of their own: judged like the others, and run by nobody else.
    pub of_agendas: Vec<ExperimentRef>,
}

/// Projects of less text than this are checked by one thread: starting others costs more.
const SMALL: usize = 64 * 1024;

/// Checks every body of the project without a place: scenarios, experiments, verifies, policies, game days.
#[must_use]
pub fn check(program: &Program) -> Bodies {
    let own = || program.files.iter().take_while(|file| !file.is_std());
    let files = 0..own().count();
    let each: Vec<Bodies> = if own().map(|file| file.text.len()).sum::<usize>() > SMALL {
        files.into_par_iter().map(|file| check_file(program, file)).collect()
    } else {
        files.map(|file| check_file(program, file)).collect()
    };
    let mut all = Bodies::default();
    for mut file in each {
        all.diagnostics.append(&mut file.diagnostics);
        all.experiments.append(&mut file.experiments);
        all.of_agendas.append(&mut file.of_agendas);
    }
    all.diagnostics.extend(check_project(program, &all.experiments));
    tidy(&mut all.diagnostics);
    program.drop_echoes(&mut all.diagnostics);
    all
}

/// Checks the bodies of one file of the project.
#[must_use]
pub fn check_file(program: &Program, file: usize) -> Bodies {
    let mut ev = Evaluator::new(program, None);
    let (mut experiments, mut of_agendas) = (Vec::new(), Vec::new());
    let Some(loaded) = program.files.get(file).filter(|f| !f.is_std()) else { return Bodies::default() };
    for (id, item) in program.decls_of(file) {
        ev.begin();
        match &item.kind {
            ItemKind::Scenario(..) | ItemKind::Experiment(_) | ItemKind::Instance(_) => body::check(&mut ev, id),
            ItemKind::Verify(_) => verify::check(&mut ev, id),
            ItemKind::Policy(policy) => policy::check(&mut ev, id, policy),
            ItemKind::Gameday(gameday) => {
                gameday::check(&mut ev, id, gameday);
                of_agendas.append(&mut series::made_by(program, id, gameday));
            }
            _ => {}
        }
        experiments.append(&mut declared_by(program, id, &loaded.path, &mut ev.diagnostics));
    }
    Bodies { diagnostics: ev.diagnostics, experiments, of_agendas }
}

/// Checks what concerns several files at once. `experiments` are all of the project, as [`experiments`] gives them.
#[must_use]
pub fn check_project<'e>(
    program: &Program,
    experiments: impl IntoIterator<Item = &'e ExperimentRef>,
) -> Vec<Diagnostic> {
    let mut ev = Evaluator::new(program, None);
    policy::check_coverage(&mut ev);
    verify::unique(experiments, &mut ev.diagnostics);
    let mut diagnostics = ev.diagnostics;
    diagnostics.extend(learned::check(program));
    diagnostics
}
