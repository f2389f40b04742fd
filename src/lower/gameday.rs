//! `gameday`: people's agenda. It is checked here, and run by the interpreter.

use super::{hypothesis, steps, verify};
use crate::check::declared::{check_keys, check_links, field};
use crate::check::evaluate::{Evaluator, Val};
use crate::check::program::{Block, Expr, ExprKind, Gameday, StepItem, StepItemKind};
use crate::check::scope::DeclId;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::Quantity;
use crate::types::Type;

/// Checks a game day.
pub fn check(ev: &mut Evaluator<'_>, id: DeclId, gameday: &Gameday) {
    let item = ev.program.item(id);
    let name = &item.name;
    let file = ev.program.file_of(id);
    ev.within(file, Vec::new(), |ev| {
        check_keys(ev, &gameday.fields, &["in", "roles", "links"], "a game day");
        match field(&gameday.fields, "in") {
            Some(given) => in_one_cluster(ev, &given.value),
            None => ev.report(
                Diagnostic::new(Code::MISSING_FIELD, name.span, format!("`{}` has no `in`", name.text))
                    .help("write `in: one of staging.clusters`"),
            ),
        }
        let roles = match field(&gameday.fields, "roles") {
            Some(given) => roles(ev, &given.value),
            None => {
                ev.report(
                    Diagnostic::new(Code::MISSING_FIELD, name.span, format!("`{}` has no `roles`", name.text))
                        .help("write `roles: { commander: TEAM }`"),
                );
                Vec::new()
            }
        };
        if let Some(links) = field(&gameday.fields, "links") {
            check_links(ev, links);
        }
        match gameday.agendas.as_slice() {
            [] => ev.report(
                Diagnostic::new(Code::INCOMPLETE, name.span, format!("`{}` has no `agenda`", name.text))
                    .help("write `agenda { … }`"),
            ),
            [agenda, rest @ ..] => {
                let environment = field(&gameday.fields, "in");
                let environment = environment.and_then(|given| verify::environment_of(ev.program, file, &given.value));
                agenda_steps(ev, agenda, &roles, environment);
                if let Some(second) = rest.first() {
                    ev.report(
                        Diagnostic::new(Code::TWO_BLOCKS, second.span, "a second `agenda`")
                            .also(agenda.span, "the first is here"),
                    );
                }
            }
        }
    });
}

fn in_one_cluster(ev: &mut Evaluator<'_>, expr: &Expr) {
    if let Some(Val::Target(target)) = verify::clusters(ev, expr)
        && target.quantity != Quantity::Exactly(1)
    {
        ev.report(
            Diagnostic::new(Code::NOT_EXACTLY_ONE, expr.span, "a game day is held in exactly one cluster")
                .help("write `one of`"),
        );
    }
}

fn roles(ev: &mut Evaluator<'_>, expr: &Expr) -> Vec<smol_str::SmolStr> {
    let ExprKind::Record(fields) = &expr.kind else {
        ev.value(expr, &Type::Record);
        return Vec::new();
    };
    for role in fields {
        ev.value(&role.value, &Type::Team);
    }
    fields.iter().map(|f| f.key.text.clone()).collect()
}

fn agenda_steps(ev: &mut Evaluator<'_>, block: &Block, roles: &[smol_str::SmolStr], environment: Option<DeclId>) {
    ev.block(|ev| {
        for step in &block.steps {
            agenda_step(ev, step, roles, environment);
        }
    });
}

fn agenda_step(ev: &mut Evaluator<'_>, step: &StepItem, roles: &[smol_str::SmolStr], environment: Option<DeclId>) {
    match &step.kind {
        StepItemKind::Run(run) => {
            if let Some(over) = &run.over {
                ev.report(
                    Diagnostic::new(Code::STEP_NOT_HERE, over.span, "an agenda names each of its runs")
                        .help("`for each` belongs to a `verify`"),
                );
            }
            verify::runnable_in(ev, run, environment);
        }
        StepItemKind::Ask { who, question, within } => {
            person(ev, who, roles);
            ev.value(question, &Type::String);
            if let Some(within) = within {
                hypothesis::time(ev, within, "within");
            }
        }
        StepItemKind::Note { who, text, within } => {
            if let Some(who) = who {
                person(ev, who, roles);
            }
            ev.value(text, &Type::String);
            if let Some(within) = within {
                hypothesis::time(ev, within, "within");
            }
        }
        StepItemKind::Wait(length) => {
            hypothesis::time(ev, length, "wait");
        }
        StepItemKind::Let(item) => steps::declare(ev, item),
        StepItemKind::Error => {}
        _ => ev.report(Diagnostic::new(Code::STEP_NOT_HERE, step.span, "this step means nothing in an agenda").help(
            "an agenda has `run`, `ask`, `note` and `wait`; faults are injected by the experiments that it runs",
        )),
    }
}

/// A role of the game day, or a team.
fn person(ev: &mut Evaluator<'_>, who: &Expr, roles: &[smol_str::SmolStr]) {
    if let ExprKind::Name(name) = &who.kind {
        if roles.contains(name) {
            return;
        }
        if !ev.is_visible(name) {
            let diagnostic = Diagnostic::new(Code::ROLE_UNKNOWN, who.span, format!("nobody has the role `{name}`"));
            let known = roles.iter().map(smol_str::SmolStr::as_str);
            ev.report(match crate::diagnostic::nearest(name, known) {
                Some(near) => diagnostic.choice(format!("did you mean `{near}`?"), who.span, near),
                None => diagnostic.help("name a role of `roles`, or a team"),
            });
            return;
        }
    }
    let _ = ev.value(who, &Type::Team);
}
