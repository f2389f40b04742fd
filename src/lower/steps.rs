//! `method`: steps, with loops unrolled, faults called, and each distinct target one draw.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::draws::{Draws, round_title};
use super::hypothesis::{condition, condition_text, optional_time, time};
use crate::check::evaluate::{Evaluator, Target, Val, text_of, word_of};
use crate::check::faults::{BodyCall, FaultCall, instantiate};
use crate::check::program::{Block, Call, Expr, ItemKind, Let, Name, Over, StepItem, StepItemKind};
use crate::check::scope::DeclId;
use crate::check::title;
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Fix};
use crate::plan::{Body, Effect, Fault, Step, StepKind};
use crate::source::Span;
use crate::types::{Entry, Type, Value};

/// More steps than this in one plan, loops unrolled, and it is an error.
const MOST_STEPS: usize = 10_000;

/// A method while it is read.
#[derive(Debug, Default)]
pub struct Method {
    /// What is drawn.
    pub draws: Draws,
    /// Each fault step's fault.
    pub faults: Vec<Fault>,
    /// Teams that are asked.
    pub teams: Vec<DeclId>,
    /// Whether a part is unknown or wrong.
    pub incomplete: bool,
    injections: usize,
    count: usize,
    checks: BTreeMap<String, Span>,
    rounds: Vec<u32>,
}

/// Reads the steps of a method; in order, whatever is missing being left out and noted in `method.incomplete`.
pub fn read(ev: &mut Evaluator<'_>, block: &Block, method: &mut Method) -> Vec<Step> {
    let steps = method.block(ev, block);
    if method.injections == 0 {
        ev.report(
            Diagnostic::new(Code::EMPTY_METHOD, block.span, "this method injects nothing")
                .why("a run in which nothing went wrong proves nothing")
                .help("name a fault: `pod.kill(one of ledger.pods)`"),
        );
        method.incomplete = true;
    }
    steps
}

impl Method {
    fn block(&mut self, ev: &mut Evaluator<'_>, block: &Block) -> Vec<Step> {
        ev.block(|ev| block.steps.iter().filter_map(|step| self.step(ev, step)).collect())
    }

    /// A part that is needed; without it the plan is incomplete.
    fn need<T>(&mut self, part: Option<T>) -> Option<T> {
        self.incomplete |= part.is_none();
        part
    }

    fn step(&mut self, ev: &mut Evaluator<'_>, item: &StepItem) -> Option<Step> {
        self.count += 1;
        if self.count > MOST_STEPS {
            if self.count == MOST_STEPS + 1 {
                ev.report(
                    Diagnostic::new(
                        Code::TOO_MANY_MEMBERS,
                        item.span,
                        format!("more than {MOST_STEPS} steps, loops unrolled"),
                    )
                    .why("nobody can read such a plan"),
                );
            }
            self.incomplete = true;
            return None;
        }
        let kind = match &item.kind {
            StepItemKind::Let(item) => {
                declare(ev, item);
                return None;
            }
            StepItemKind::Inject(call, lasts) => self.inject(ev, call, lasts.as_ref(), item.span),
            StepItemKind::With(call, block) => self.with(ev, call, block, item.span),
            StepItemKind::Wait(length) => {
                let length = time(ev, length, "wait");
                self.need(length).map(StepKind::Wait)
            }
            StepItemKind::Check { name, condition, within } => self.check(ev, name, condition, within.as_ref()),
            StepItemKind::Parallel(block) => self.parallel(ev, block),
            StepItemKind::Sequence(block) => Some(StepKind::Sequence(self.block(ev, block))),
            StepItemKind::Each(over, block) => return self.each(ev, over, block, item.span),
            StepItemKind::Ask { who, question, within } => self.ask(ev, who, question, within.as_ref()),
            StepItemKind::Note { who, text, within } => self.note(ev, who.as_ref(), text, within.as_ref()),
            StepItemKind::Run(_) => {
                ev.report(
                    Diagnostic::new(Code::STEP_NOT_HERE, item.span, "`run` means nothing in a method")
                        .help("a `verify` or the `agenda` of a game day runs experiments; a method injects faults"),
                );
                self.incomplete = true;
                None
            }
            StepItemKind::Error => {
                self.incomplete = true;
                None
            }
        };
        kind.map(|kind| Step { kind, span: item.span })
    }

    fn inject(&mut self, ev: &mut Evaluator<'_>, call: &Call, lasts: Option<&Expr>, span: Span) -> Option<StepKind> {
        self.injections += 1;
        let lasts_for = optional_time(ev, lasts, "for");
        let decl = self.fault_of(ev, call)?;
        match (effect_of(ev, decl), lasts) {
            (Some(Effect::Lasting), None) => {
                ev.report(without_end(call, span));
                self.incomplete = true;
            }
            (Some(Effect::Instant), Some(lasts)) => {
                ev.report(instant_with_time(ev, decl, call, lasts));
                self.incomplete = true;
            }
            _ => {}
        }
        let fault = self.fault(ev, decl, call);
        let lasts = self.need(lasts_for)?;
        Some(StepKind::Inject { fault: fault?, lasts })
    }

    fn with(&mut self, ev: &mut Evaluator<'_>, call: &Call, block: &Block, span: Span) -> Option<StepKind> {
        self.injections += 1;
        let decl = self.fault_of(ev, call);
        if let Some(decl) = decl
            && effect_of(ev, decl) == Some(Effect::Instant)
        {
            ev.report(
                Diagnostic::new(
                    Code::INSTANT_WITH_TIME,
                    call.path.span,
                    format!(
                        "`{}` happens once and does not last, so nothing can happen while it does",
                        call.path.text()
                    ),
                )
                .also(ev.program.item(decl).name.span, "its effect is `instant`")
                .help("write it as a step of its own"),
            );
            self.incomplete = true;
        }
        let fault = decl.and_then(|decl| self.fault(ev, decl, call));
        let steps = self.block(ev, block);
        if steps.is_empty() && !self.incomplete {
            ev.report(
                Diagnostic::new(
                    Code::LASTING_WITHOUT_END,
                    span,
                    "this fault ends as soon as it has begun: its block is empty",
                )
                .help("put the steps that happen meanwhile into the block, for example `wait 3m`"),
            );
            self.incomplete = true;
        }
        Some(StepKind::With { fault: fault?, steps })
    }

    /// The fault that a call names.
    fn fault_of(&mut self, ev: &mut Evaluator<'_>, call: &Call) -> Option<DeclId> {
        let value = ev.path(&call.path);
        let found = match &value {
            Val::Decl(id) if matches!(ev.program.item(*id).kind, ItemKind::Fault(_)) => Some(*id),
            Val::Decl(id) => {
                let item = ev.program.item(*id);
                let word = word_of(&item.kind);
                let diagnostic = Diagnostic::new(
                    Code::NOT_A_FAULT,
                    call.path.span,
                    format!("`{}` is a {word}, and a step names a fault", call.path.text()),
                )
                .also(item.name.span, "declared here");
                ev.report(match &item.kind {
                    ItemKind::Metric(_) => {
                        diagnostic.help("to wait until something holds, write `check NAME: … within 1m`")
                    }
                    ItemKind::Scenario(..) | ItemKind::Experiment(_) => {
                        diagnostic.help("a `verify` or a game day runs it: `run NAME`")
                    }
                    _ => diagnostic,
                });
                None
            }
            other if other.is_error() => None,
            _ => {
                ev.report(
                    Diagnostic::new(Code::NOT_A_FAULT, call.path.span, format!("`{}` is no fault", call.path.text()))
                        .help("`perturb faults` lists what can be injected"),
                );
                None
            }
        };
        if found.is_none() {
            // What is wrong in the arguments is still worth knowing.
            for arg in &call.args {
                ev.value(&arg.value, &Type::Any);
            }
        }
        self.need(found)
    }

    /// Calls a fault: its index in the plan.
    fn fault(&mut self, ev: &mut Evaluator<'_>, decl: DeclId, call: &Call) -> Option<u32> {
        let signature = ev.program.signature(decl);
        let bound = ev.bind(decl, &signature, &call.args, call.span);
        let called = if bound.fine { instantiate(ev, decl, &bound) } else { None };
        let called = self.need(called)?;
        let fault = self.plan_fault(ev, &called, &bound, call.span);
        self.need(fault)
    }

    fn plan_fault(
        &mut self,
        ev: &mut Evaluator<'_>,
        called: &FaultCall,
        bound: &crate::check::evaluate::Bound,
        span: Span,
    ) -> Option<u32> {
        let program = ev.program;
        let (first, rest) = bound.values.split_first()?;
        let Val::Target(target) = &first.1 else { return None };
        let target = self.draws.of(target);
        let arguments = rest
            .iter()
            .map(|(name, value, _)| Some(Entry { key: name.clone(), value: self.draws.value(program, value)? }))
            .collect::<Option<Vec<_>>>()?;
        let mut bodies = BTreeMap::new();
        for (engine, body) in &called.bodies {
            let body = match body {
                BodyCall::Refused { construct, reason } => {
                    Body::Refused { construct: construct.clone(), reason: reason.clone() }
                }
                BodyCall::Expressed(fields) => Body::Expressed(
                    fields
                        .iter()
                        .map(|(key, value)| Some(Entry { key: key.clone(), value: self.draws.value(program, value)? }))
                        .collect::<Option<Vec<_>>>()?,
                ),
            };
            bodies.insert(*engine, body);
        }
        let index = self.faults.len() as u32;
        self.faults.push(Fault {
            name: program.qualified_name(called.decl).into(),
            title: title(&program.item(called.decl).doc),
            target,
            arguments,
            given: bound.given.iter().filter(|n| **n != first.0).cloned().collect(),
            effect: called.effect,
            mechanism: called.mechanism.clone(),
            irreversible: called.irreversible.clone(),
            lost_on_restart: called.lost_on_restart,
            ends_after: called.ends_after,
            bodies,
            span,
        });
        Some(index)
    }

    fn check(&mut self, ev: &mut Evaluator<'_>, name: &Name, expr: &Expr, within: Option<&Expr>) -> Option<StepKind> {
        let found = condition(ev, expr);
        let within = optional_time(ev, within, "within");
        // A check in a loop is one check for each round.
        let mut unique = name.text.to_string();
        for round in &self.rounds {
            unique.push_str(&format!("-{round}"));
        }
        if let Some(first) = self.checks.insert(unique.clone(), name.span) {
            ev.report(crate::check::evaluate::expr::twice(name, first));
        }
        let found = self.need(found)?;
        Some(StepKind::Check {
            name: unique.into(),
            text: condition_text(&found, &ev.streams),
            condition: found,
            within: self.need(within)?,
        })
    }

    fn parallel(&mut self, ev: &mut Evaluator<'_>, block: &Block) -> Option<StepKind> {
        for step in &block.steps {
            if let StepItemKind::Wait(length) = &step.kind {
                let _ = length;
                ev.report(
                    Diagnostic::new(
                        Code::BARE_WAIT_BRANCH,
                        step.span,
                        "this waits beside the other branches, and delays none of them",
                    )
                    .why("every step of `parallel` is a branch, and all begin together")
                    .help("put the `wait` and the steps that come after it into one branch: `sequence { … }`")
                    .with_fix(Fix {
                        title: "make it a branch of several steps".into(),
                        edits: vec![
                            Edit { span: step.span.before(), text: "sequence { ".into() },
                            Edit { span: step.span.after(), text: " }".into() },
                        ],
                        applicability: Applicability::Maybe,
                    }),
                );
                self.incomplete = true;
            }
        }
        Some(StepKind::Parallel(self.block(ev, block)))
    }

    fn each(&mut self, ev: &mut Evaluator<'_>, over: &Over, block: &Block, span: Span) -> Option<Step> {
        let Some(members) = members(ev, over) else {
            // The list is unknown: the block is checked once, with a member of which only the type is known.
            let list = ev.value(&over.list, &Type::Any);
            let each = match ev.type_of(&list) {
                Type::List(inner) => (*inner).clone(),
                _ => Type::Any,
            };
            self.incomplete = true;
            self.rounds.push(0);
            ev.block(|ev| {
                ev.declare(&over.name, Val::Unknown(each));
                self.block(ev, block);
            });
            self.rounds.pop();
            return None;
        };
        if members.is_empty() {
            ev.report(
                Diagnostic::new(Code::EMPTY_LOOP, over.span, "this loop has no round")
                    .why("its steps would silently not happen"),
            );
            self.incomplete = true;
            return None;
        }
        let of = members.len() as u32;
        let mut rounds = Vec::with_capacity(members.len());
        for (index, member) in members.into_iter().enumerate() {
            let number = index as u32 + 1;
            let title = round_title(ev, &over.name.text, &member);
            self.rounds.push(number);
            let steps = ev.block(|ev| {
                ev.declare(&over.name, member);
                self.block(ev, block)
            });
            self.rounds.pop();
            rounds.push(Step { kind: StepKind::Round { title, number, of, steps }, span });
        }
        Some(Step { kind: StepKind::Sequence(rounds), span })
    }

    fn ask(&mut self, ev: &mut Evaluator<'_>, who: &Expr, question: &Expr, within: Option<&Expr>) -> Option<StepKind> {
        let who = self.team(ev, who);
        let question = text_of(&ev.value(question, &Type::String));
        let within = within.and_then(|within| time(ev, within, "within"));
        Some(StepKind::Ask {
            who: self.need(who)?,
            question: self.need(question)?.to_string(),
            within: self.need(within)?,
        })
    }

    fn note(
        &mut self,
        ev: &mut Evaluator<'_>,
        who: Option<&Expr>,
        text: &Expr,
        within: Option<&Expr>,
    ) -> Option<StepKind> {
        let who = match who {
            Some(who) => {
                let who = self.team(ev, who);
                Some(self.need(who)?)
            }
            None => None,
        };
        let text = text_of(&ev.value(text, &Type::String));
        let within = optional_time(ev, within, "within");
        Some(StepKind::Note { who, text: self.need(text)?.to_string(), within: self.need(within)? })
    }

    fn team(&mut self, ev: &mut Evaluator<'_>, who: &Expr) -> Option<smol_str::SmolStr> {
        match ev.value(who, &Type::Team) {
            Val::Decl(id) => {
                self.teams.push(id);
                Some(ev.program.item(id).name.text.clone())
            }
            _ => None,
        }
    }
}

/// The members of a loop; `None` while they are unknown.
pub fn members(ev: &mut Evaluator<'_>, over: &Over) -> Option<Vec<Val>> {
    let list = match ev.value(&over.list, &Type::Any) {
        Val::List(items) | Val::Range(items) => items,
        Val::Unknown(_) => return None,
        other => {
            let ty = ev.type_of(&other);
            ev.report(
                Diagnostic::new(
                    Code::TYPE_MISMATCH,
                    over.list.span,
                    format!("a loop goes over a list or range, and this is {}", crate::check::evaluate::article(&ty)),
                )
                .help("write `[a, b]`, `1..3` or `5%..20% by 5%`"),
            );
            return None;
        }
    };
    let mut found = Vec::new();
    for item in list.iter() {
        let keep = match &over.condition {
            None => Some(true),
            Some(condition) => ev.block(|ev| {
                ev.declare(&over.name, item.clone());
                match ev.value(condition, &Type::Bool) {
                    Val::Plain(Value::Bool(keep)) => Some(keep),
                    _ => None,
                }
            }),
        };
        if keep? {
            found.push(item.clone());
        }
    }
    Some(found)
}

/// `let`: a target that is named is one draw for all who name it.
pub fn declare(ev: &mut Evaluator<'_>, item: &Let) {
    let value = match ev.value(&item.value, &Type::Any) {
        Val::Target(target) => Val::Target(Arc::new(Target {
            name: Some(item.name.text.clone()),
            id: target.id,
            quantity: target.quantity,
            of: target.of.clone(),
            text: target.text.clone(),
            span: target.span,
        })),
        other => other,
    };
    ev.declare(&item.name, value);
}

fn effect_of(ev: &Evaluator<'_>, decl: DeclId) -> Option<Effect> {
    let ItemKind::Fault(fault) = &ev.program.item(decl).kind else { return None };
    let field = crate::check::declared::field(&fault.fields, "effect")?;
    match &field.value.kind {
        crate::check::program::ExprKind::Name(word) if word == "lasting" => Some(Effect::Lasting),
        crate::check::program::ExprKind::Name(word) if word == "instant" => Some(Effect::Instant),
        _ => None,
    }
}

fn without_end(call: &Call, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::LASTING_WITHOUT_END,
        span,
        format!("`{}` lasts until it is undone: for how long?", call.path.text()),
    )
    .why("how long something is hit is always written, never a default")
    .help("write `for 5m` behind it; to do other things meanwhile, write `with … { }`")
    .choice("last for a time", span.after(), " for 5m")
    .with_fix(Fix {
        title: "last as long as a block".into(),
        edits: vec![
            Edit { span: span.before(), text: "with ".into() },
            Edit { span: span.after(), text: " {\n  wait 5m\n}".into() },
        ],
        applicability: Applicability::Maybe,
    })
}

fn instant_with_time(ev: &Evaluator<'_>, decl: DeclId, call: &Call, lasts: &Expr) -> Diagnostic {
    let tail = Span { start: call.span.end, ..lasts.span };
    Diagnostic::new(Code::INSTANT_WITH_TIME, tail, format!("`{}` happens once and does not last", call.path.text()))
        .also(ev.program.item(decl).name.span, "its effect is `instant`")
        .fix("leave `for` out", tail, "")
}
