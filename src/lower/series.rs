//! What is run one after the other: the agenda of a `gameday`, the runs of a `verify`, and where.
//!
//! Comes in: a program that was checked. Goes out: plain data. What is wrong in a text is said where it is checked (`gameday`,
//! `verify`); what cannot be evaluated here is left out, so whoever runs a series looks for errors first.

use std::collections::BTreeMap;

use smol_str::{SmolStr, format_smolstr};

use super::{ExperimentRef, Origin, PlaceRef, hypothesis, steps, verify};
use crate::check::Program;
use crate::check::declared::field;
use crate::check::evaluate::{Evaluator, Val, text_of};
use crate::check::program::{Expr, ExprKind, Gameday, ItemKind, Run, StepItem, StepItemKind};
use crate::check::scope::DeclId;
use crate::plan::{Quantity, Selector};
use crate::types::{Duration, Type};

/// Some of these places, in the order of declaration.
#[derive(Debug, Clone, PartialEq)]
pub struct Where {
    /// How many of them.
    pub quantity: Quantity,
    /// In the source's words.
    pub text: String,
    /// The candidates.
    pub places: Vec<PlaceRef>,
}

/// A game day.
#[derive(Debug, Clone)]
pub struct Agenda {
    /// Its name.
    pub name: SmolStr,
    /// The file that declares it.
    pub path: SmolStr,
    /// Where it is held.
    pub at: Where,
    /// Its roles, each with the team that fills it.
    pub roles: Vec<(SmolStr, SmolStr)>,
    /// What is done, in order.
    pub points: Vec<Point>,
}

/// One point of an agenda.
#[derive(Debug, Clone)]
pub enum Point {
    /// An experiment is run.
    Run(SmolStr),
    /// A scenario with arguments is run, under this name.
    Scenario(ExperimentRef),
    /// Somebody says whether it goes on.
    Ask {
        /// A role or a team.
        who: SmolStr,
        /// The question.
        question: String,
        /// How long silence is waited for.
        within: Duration,
    },
    /// Words are written down.
    Note {
        /// Whose; `None`: the text's own.
        who: Option<SmolStr>,
        /// The text, or what is asked.
        text: String,
        /// How long they are waited for.
        within: Option<Duration>,
    },
    /// Nothing happens for so long.
    Wait(Duration),
}

/// Every game day of the project, in the order of files and texts.
#[must_use]
pub fn gamedays(program: &Program) -> Vec<Agenda> {
    let agendas = program.own_decls().filter_map(|(id, item)| match &item.kind {
        ItemKind::Gameday(gameday) => agenda(program, id, gameday),
        _ => None,
    });
    agendas.collect()
}

fn agenda(program: &Program, id: DeclId, gameday: &Gameday) -> Option<Agenda> {
    let mut ev = Evaluator::new(program, None);
    let file = program.file_of(id);
    let path = program.files.get(file)?.path.clone();
    let name = program.item(id).name.text.clone();
    let at = place(program, file, &field(&gameday.fields, "in")?.value)?;
    ev.within(file, Vec::new(), |ev| {
        let roles = match field(&gameday.fields, "roles").map(|given| &given.value.kind) {
            Some(ExprKind::Record(fields)) => {
                fields.iter().map(|f| (f.key.text.clone(), team(ev, &f.value).unwrap_or_default())).collect()
            }
            _ => Vec::new(),
        };
        let steps = gameday.agendas.first().map(|agenda| agenda.steps.as_slice()).unwrap_or_default();
        let mut points = ev.block(|ev| {
            let of = |(index, step)| {
                let made = |run: &Run| ExperimentRef {
                    name: format_smolstr!("{name}-{}", run.path.names.last().map_or("run", |n| n.text.as_str())),
                    verify: None,
                    path: path.clone(),
                    span: run.span,
                    origin: Origin::Agenda { gameday: id, step: index },
                };
                point(ev, step, &roles, &made)
            };
            steps.iter().enumerate().filter_map(of).collect::<Vec<_>>()
        });
        tell_apart(&mut points);
        Some(Agenda { name, path, at, roles, points })
    })
}

/// The scenarios that an agenda runs with arguments of their own.
pub(super) fn made_by(program: &Program, id: DeclId, gameday: &Gameday) -> Vec<ExperimentRef> {
    let points = agenda(program, id, gameday).map(|agenda| agenda.points).unwrap_or_default();
    let made = points.into_iter().filter_map(|point| match point {
        Point::Scenario(experiment) => Some(experiment),
        _ => None,
    });
    made.collect()
}

/// One scenario may be run several times, with other arguments: verdicts are kept by name.
fn tell_apart(points: &mut [Point]) {
    let mut seen: BTreeMap<SmolStr, u32> = BTreeMap::new();
    for point in points {
        if let Point::Scenario(experiment) = point {
            let count = seen.entry(experiment.name.clone()).or_default();
            *count += 1;
            if *count > 1 {
                experiment.name = format_smolstr!("{}-{count}", experiment.name);
            }
        }
    }
}

fn team(ev: &mut Evaluator<'_>, expr: &Expr) -> Option<SmolStr> {
    match ev.value(expr, &Type::Team) {
        Val::Decl(id) => Some(ev.program.item(id).name.text.clone()),
        _ => None,
    }
}

fn point(
    ev: &mut Evaluator<'_>,
    step: &StepItem,
    roles: &[(SmolStr, SmolStr)],
    made: &dyn Fn(&Run) -> ExperimentRef,
) -> Option<Point> {
    let person = |ev: &mut Evaluator<'_>, who: &Expr| match &who.kind {
        ExprKind::Name(name) if roles.iter().any(|(role, _)| role == name) => Some(name.clone()),
        _ => team(ev, who),
    };
    Some(match &step.kind {
        StepItemKind::Run(run) => {
            let id = verify::runnable(ev, run)?;
            let item = ev.program.item(id);
            match &item.kind {
                ItemKind::Scenario(..) => Point::Scenario(made(run)),
                _ => Point::Run(item.name.text.clone()),
            }
        }
        StepItemKind::Ask { who, question, within } => Point::Ask {
            who: person(ev, who)?,
            question: text(ev, question)?,
            within: hypothesis::time(ev, within.as_ref()?, "within")?,
        },
        StepItemKind::Note { who, text: words, within } => Point::Note {
            who: match who {
                Some(who) => Some(person(ev, who)?),
                None => None,
            },
            text: text(ev, words)?,
            within: match within {
                Some(within) => Some(hypothesis::time(ev, within, "within")?),
                None => None,
            },
        },
        StepItemKind::Wait(length) => Point::Wait(hypothesis::time(ev, length, "wait")?),
        StepItemKind::Let(item) => {
            steps::declare(ev, item);
            return None;
        }
        _ => return None,
    })
}

fn text(ev: &mut Evaluator<'_>, expr: &Expr) -> Option<String> {
    text_of(&ev.value(expr, &Type::String)).map(|text| text.to_string())
}

/// Where a game day may be held.
pub(super) fn of_gameday(program: &Program, id: DeclId) -> Option<Where> {
    let ItemKind::Gameday(gameday) = &program.item(id).kind else { return None };
    place(program, program.file_of(id), &field(&gameday.fields, "in")?.value)
}

/// Where a `verify` runs what it names; `None`: there is no such `verify`, or its `in` is wrong.
#[must_use]
pub fn of_verify(program: &Program, name: &str) -> Option<Where> {
    let (id, verify) = program.own_decls().find_map(|(id, item)| match &item.kind {
        ItemKind::Verify(verify) if item.name.text == name => Some((id, verify)),
        _ => None,
    })?;
    place(program, program.file_of(id), &field(&verify.fields, "in")?.value)
}

fn place(program: &Program, file: usize, expr: &Expr) -> Option<Where> {
    let mut ev = Evaluator::new(program, None);
    let value = ev.within(file, Vec::new(), |ev| verify::clusters(ev, expr))?;
    let Val::Target(target) = value else { return None };
    let Selector::Clusters(clusters) = &target.of.selector else { return None };
    let environment = target.of.text.split('.').next().and_then(|name| program.environment_named(name))?;
    let is_meant = |place: &crate::check::PlaceId| {
        program.environment(*place).decl == environment && clusters.contains(&program.cluster(*place).facts.name)
    };
    let place = |place: crate::check::PlaceId| PlaceRef {
        environment: program.environment(place).name.clone(),
        cluster: program.cluster(place).facts.name.clone(),
    };
    let places = program.places().filter(is_meant).map(place).collect();
    Some(Where { quantity: target.quantity, text: target.text.clone(), places })
}
