//! Experiments: their parts are read, put together and judged by the policies of the place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smol_str::SmolStr;

use super::{ExperimentRef, Origin, guards, hypothesis, policy, steps, verify};
use crate::analysis::timeline::may_hit;
use crate::check::declared::{self, BODY_FIELDS, check_keys, field};
use crate::check::evaluate::{Bound, Evaluator, Val, text_of};
use crate::check::program::{Body, Expr, ExprKind, Field, Instance, Item, ItemKind, RecordWord, Run, StepItemKind};
use crate::check::scope::DeclId;
use crate::check::{Program, title};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{
    Incident, MadeFrom, PLAN_VERSION, Place, Plan, Schedule, Selector, ServiceFacts, Step, Team, text_digest,
};
use crate::source::Span;
use crate::types::{Duration, Entry, Type, Value};

/// What holds for all plans of a program: its services, its teams, its policies, and who depends on whom.
#[derive(Debug, Default)]
pub struct Catalogue {
    services: BTreeMap<SmolStr, DeclId>,
    teams: BTreeMap<SmolStr, Team>,
    dependents: BTreeMap<SmolStr, Vec<SmolStr>>,
    policies: Vec<DeclId>,
}

/// How long every expectation must hold if the experiment does not say.
const BASELINE: Duration = Duration::from_secs(30);

/// An experiment while it is read.
#[derive(Default)]
struct Parts {
    service: Option<DeclId>,
    learned_from: Vec<DeclId>,
    environments: Option<Vec<DeclId>>,
    baseline: Option<Duration>,
    links: Vec<Entry>,
    hypothesis: hypothesis::Said,
    guards: guards::Said,
    method: steps::Method,
    steps: Vec<Step>,
    incomplete: bool,
}

/// What an experiment is called and where it comes from.
struct Head {
    name: SmolStr,
    doc: String,
    span: Span,
    made_from: Option<MadeFrom>,
    /// The declaration whose text it is, and the arguments that come to it.
    text: (DeclId, Option<String>),
    schedule: Option<Schedule>,
}

/// Checks the body of an experiment or scenario without a place.
pub fn check(ev: &mut Evaluator<'_>, id: DeclId) {
    let program = ev.program;
    let item = program.item(id);
    ev.environments = environments_of(program, id);
    let file = program.file_of(id);
    match &item.kind {
        ItemKind::Experiment(body) => {
            read(ev, body, item, file, Vec::new());
        }
        ItemKind::Scenario(_, body) => {
            let signature = program.signature(id);
            read(ev, body, item, file, signature.unknowns());
        }
        ItemKind::Instance(instance) => {
            let mut parts = Parts::default();
            ev.within(file, Vec::new(), |ev| {
                scenario(ev, instance);
                if let Some(body) = &instance.body {
                    extra(ev, body, &mut parts);
                }
            });
        }
        _ => {}
    }
}

/// The plan of an experiment at the evaluator's place, with or without its digests; `None` if something is wrong or unknown.
pub fn plan(
    ev: &mut Evaluator<'_>,
    catalogue: &Catalogue,
    experiment: &ExperimentRef,
    with_digests: bool,
) -> Option<Plan> {
    let (head, parts) = match &experiment.origin {
        Origin::Declared(id) => declared_experiment(ev, *id)?,
        Origin::Verify { verify, run, among_others, each } => {
            let schedule = verify::schedule(ev, *verify, *among_others);
            let (mut head, parts) = verify_run(ev, *verify, *run, each.as_ref())?;
            head.name = experiment.name.clone();
            head.schedule = Some(schedule?);
            (head, parts)
        }
        Origin::Agenda { gameday, step } => {
            let (mut head, parts) = agenda_run(ev, *gameday, *step)?;
            head.name = experiment.name.clone();
            (head, parts)
        }
    };
    let (declared, arguments) = head.text.clone();
    let mut plan = finish(ev, catalogue, head, parts)?;
    if with_digests {
        let text = ev.program.text_digest(declared);
        plan.text_digest = match arguments {
            Some(arguments) => text_digest(&format!("{text} {arguments}")),
            None => text_digest(text),
        };
        plan.digest = plan.compute_digest();
    }
    Some(plan)
}

fn declared_experiment(ev: &mut Evaluator<'_>, id: DeclId) -> Option<(Head, Parts)> {
    let program = ev.program;
    let item = program.item(id);
    let file = program.file_of(id);
    ev.environments = environments_of(program, id);
    let mut head = Head {
        name: item.name.text.clone(),
        doc: item.doc.clone(),
        span: item.name.span,
        made_from: None,
        text: (id, None),
        schedule: None,
    };
    match &item.kind {
        ItemKind::Experiment(body) => Some((head, read(ev, body, item, file, Vec::new()))),
        ItemKind::Instance(instance) => {
            let (scenario, bound) = ev.within(file, Vec::new(), |ev| self::scenario(ev, instance))?;
            let ItemKind::Scenario(_, body) = &program.item(scenario).kind else { return None };
            let mut parts = read(ev, body, program.item(scenario), program.file_of(scenario), bound.values.clone());
            if let Some(more) = &instance.body {
                ev.within(file, Vec::new(), |ev| extra(ev, more, &mut parts));
            }
            head.made_from = made_from(ev, scenario, &bound);
            if head.doc.is_empty() {
                head.doc.clone_from(&program.item(scenario).doc);
            }
            Some((head, parts))
        }
        _ => None,
    }
}

fn verify_run(
    ev: &mut Evaluator<'_>,
    verify: DeclId,
    run: usize,
    each: Option<&(crate::check::program::Name, Val)>,
) -> Option<(Head, Parts)> {
    let program = ev.program;
    let ItemKind::Verify(item) = &program.item(verify).kind else { return None };
    let run = item.runs.get(run)?;
    let file = program.file_of(verify);
    let locals = each.map(|(name, value)| (name.text.clone(), value.clone(), name.span)).into_iter().collect();
    let called = ev.within(file, locals, |ev| called(ev, run));
    of_call(ev, run, called?)
}

/// A `run` of an agenda, with what the agenda has named before it.
fn agenda_run(ev: &mut Evaluator<'_>, gameday: DeclId, step: usize) -> Option<(Head, Parts)> {
    let program = ev.program;
    let ItemKind::Gameday(item) = &program.item(gameday).kind else { return None };
    let steps = item.agendas.first()?.steps.as_slice();
    let StepItemKind::Run(run) = &steps.get(step)?.kind else { return None };
    let called = ev.within(program.file_of(gameday), Vec::new(), |ev| {
        ev.block(|ev| {
            for before in steps.iter().take(step) {
                if let StepItemKind::Let(item) = &before.kind {
                    super::steps::declare(ev, item);
                }
            }
            called(ev, run)
        })
    });
    of_call(ev, run, called?)
}

/// What a `run` names; a scenario with its arguments.
fn called(ev: &mut Evaluator<'_>, run: &Run) -> Option<(DeclId, Option<Bound>)> {
    let Val::Decl(id) = ev.path(&run.path) else { return None };
    match &ev.program.item(id).kind {
        ItemKind::Scenario(..) => {
            let signature = ev.program.signature(id);
            let bound = ev.bind(id, &signature, run.args.as_deref().unwrap_or_default(), run.path.span);
            bound.fine.then_some((id, Some(bound)))
        }
        _ => Some((id, None)),
    }
}

fn of_call(ev: &mut Evaluator<'_>, run: &Run, called: (DeclId, Option<Bound>)) -> Option<(Head, Parts)> {
    let program = ev.program;
    match called {
        (id, None) => declared_experiment(ev, id),
        (id, Some(bound)) => {
            let ItemKind::Scenario(_, body) = &program.item(id).kind else { return None };
            ev.environments = environments_of(program, id);
            let parts = read(ev, body, program.item(id), program.file_of(id), bound.values.clone());
            let made_from = made_from(ev, id, &bound);
            let arguments = made_from
                .as_ref()
                .map(|m| m.arguments.iter().map(|e| format!("{}: {}", e.key, e.value)).collect::<Vec<_>>().join(", "));
            let head = Head {
                name: SmolStr::default(),
                doc: program.item(id).doc.clone(),
                span: run.span,
                text: (id, Some(arguments.unwrap_or_default())),
                made_from,
                schedule: None,
            };
            Some((head, parts))
        }
    }
}

fn made_from(ev: &Evaluator<'_>, scenario: DeclId, bound: &Bound) -> Option<MadeFrom> {
    let mut draws = super::draws::Draws::default();
    let arguments = bound
        .values
        .iter()
        .map(|(name, value, _)| Some(Entry { key: name.clone(), value: draws.value(ev.program, value)? }))
        .collect::<Option<Vec<_>>>()?;
    Some(MadeFrom { scenario: ev.program.item(scenario).name.text.clone(), arguments })
}

/// The scenario that an experiment is made from, with its arguments.
fn scenario(ev: &mut Evaluator<'_>, instance: &Instance) -> Option<(DeclId, Bound)> {
    let call = &instance.call;
    match ev.path(&call.path) {
        Val::Decl(id) if matches!(ev.program.item(id).kind, ItemKind::Scenario(..)) => {
            let signature = ev.program.signature(id);
            let bound = ev.bind(id, &signature, &call.args, call.span);
            bound.fine.then_some((id, bound))
        }
        value if value.is_error() => None,
        _ => {
            ev.report(
                Diagnostic::new(
                    Code::NOT_RUNNABLE,
                    call.path.span,
                    format!("`{}` is no scenario, and an experiment is made from one", call.path.text()),
                )
                .help("write `experiment NAME { … }` for an experiment of its own"),
            );
            None
        }
    }
}

/// The environments that an experiment or scenario names; `None`: all.
pub fn environments_of(program: &Program, id: DeclId) -> Option<Vec<DeclId>> {
    let item = program.item(id);
    let (body, file, outer) = match &item.kind {
        ItemKind::Experiment(body) | ItemKind::Scenario(_, body) => (Some(body), program.file_of(id), None),
        ItemKind::Instance(instance) => {
            (instance.body.as_ref(), program.file_of(id), scenario_environments(program, id, instance))
        }
        _ => (None, 0, None),
    };
    let given = body.and_then(|body| field(&body.fields, "environments"));
    let Some(given) = given else { return outer };
    let mut ev = Evaluator::new(program, None);
    let value = ev.within(file, Vec::new(), |ev| ev.value(&given.value, &Type::List(Arc::new(Type::Environment))));
    decls(&value)
}

fn scenario_environments(program: &Program, id: DeclId, instance: &Instance) -> Option<Vec<DeclId>> {
    let mut ev = Evaluator::new(program, None);
    match ev.within(program.file_of(id), Vec::new(), |ev| ev.path(&instance.call.path)) {
        Val::Decl(scenario) if matches!(program.item(scenario).kind, ItemKind::Scenario(..)) => {
            environments_of(program, scenario)
        }
        _ => None,
    }
}

fn decls(value: &Val) -> Option<Vec<DeclId>> {
    match value {
        Val::List(items) => {
            Some(items.iter().filter_map(|item| if let Val::Decl(id) = item { Some(*id) } else { None }).collect())
        }
        _ => None,
    }
}

/// Reads a whole body, with the names of its file and its parameters.
fn read(ev: &mut Evaluator<'_>, body: &Body, item: &Item, file: usize, params: Vec<(SmolStr, Val, Span)>) -> Parts {
    let mut parts = Parts::default();
    ev.within(file, params, |ev| {
        check_keys(ev, &body.fields, BODY_FIELDS, "an experiment");
        fields(ev, &body.fields, &mut parts);
        if field(&body.fields, "service").is_none() {
            parts.incomplete = true;
            ev.report(
                Diagnostic::new(Code::MISSING_FIELD, item.name.span, format!("`{}` has no `service`", item.name.text))
                    .why("a verdict is about a service and goes to its owner")
                    .help("name the service whose resilience is at stake: `service: checkout`"),
            );
        }
        for item in &body.lets {
            steps::declare(ev, item);
        }
        if let Some(block) = one_block(ev, (&body.hypotheses, body.broken), "hypothesis", item, |b| b.span, &mut parts)
        {
            parts.hypothesis = hypothesis::read(ev, block);
        }
        for block in &body.guards {
            guards::read(ev, block, &mut parts.guards);
        }
        if let [first, second, ..] = body.guards.as_slice() {
            ev.report(two_blocks("guard", first.span, second.span));
        }
        if let Some(block) = one_block(ev, (&body.methods, body.broken), "method", item, |b| b.span, &mut parts) {
            parts.steps = steps::read(ev, block, &mut parts.method);
        }
    });
    parts
}

fn one_block<'b, B>(
    ev: &mut Evaluator<'_>,
    (blocks, broken): (&'b [B], bool),
    word: &str,
    item: &Item,
    span: impl Fn(&B) -> Span,
    parts: &mut Parts,
) -> Option<&'b B> {
    match blocks {
        [] if broken => {
            parts.incomplete = true;
            None
        }
        [] => {
            parts.incomplete = true;
            let why = match word {
                "hypothesis" => "a run that expects nothing would be green whatever happens",
                _ => "a run in which nothing goes wrong proves nothing",
            };
            ev.report(
                Diagnostic::new(Code::INCOMPLETE, item.name.span, format!("`{}` has no `{word}`", item.name.text))
                    .why(why)
                    .help(format!("write `{word} {{ … }}`")),
            );
            None
        }
        [only] => Some(only),
        [first, second, ..] => {
            ev.report(two_blocks(word, span(first), span(second)));
            Some(first)
        }
    }
}

fn two_blocks(word: &str, first: Span, second: Span) -> Diagnostic {
    Diagnostic::new(Code::TWO_BLOCKS, second, format!("a second `{word}`"))
        .also(first, "the first is here")
        .help("put both into one block")
}

fn fields(ev: &mut Evaluator<'_>, fields: &[Field], parts: &mut Parts) {
    for given in fields {
        match given.key.text.as_str() {
            "service" => match ev.value(&given.value, &Type::Service) {
                Val::Decl(id) => parts.service = Some(id),
                _ => parts.incomplete = true,
            },
            "learned-from" => match decls(&ev.value(&given.value, &Type::List(Arc::new(Type::Incident)))) {
                Some(incidents) => parts.learned_from.extend(incidents),
                None => parts.incomplete = true,
            },
            "environments" => match decls(&ev.value(&given.value, &Type::List(Arc::new(Type::Environment)))) {
                Some(environments) if environments.is_empty() => nowhere(ev, &given.value),
                Some(environments) => parts.environments = Some(environments),
                None => parts.incomplete = true,
            },
            "baseline" => match hypothesis::time(ev, &given.value, "baseline") {
                Some(baseline) => parts.baseline = Some(baseline),
                None => parts.incomplete = true,
            },
            "links" => {
                declared::check_links(ev, given);
                parts.links = ev.links(given);
            }
            _ => {}
        }
    }
}

fn nowhere(ev: &mut Evaluator<'_>, expr: &Expr) {
    ev.report(
        Diagnostic::new(Code::NOWHERE_TO_RUN, expr.span, "this experiment may run nowhere")
            .help("name its environments, or leave the field out: then it may run in all of them"),
    );
}

/// What an experiment made from a scenario may add: it replaces nothing.
fn extra(ev: &mut Evaluator<'_>, body: &Body, parts: &mut Parts) {
    const ADDABLE: &[&str] = &["learned-from", "environments", "links"];
    check_keys(ev, &body.fields, ADDABLE, "an experiment made from a scenario");
    let own: Vec<Field> = body.fields.iter().filter(|f| ADDABLE.contains(&f.key.text.as_str())).cloned().collect();
    fields(ev, &own, parts);
    for item in &body.lets {
        steps::declare(ev, item);
    }
    for block in &body.guards {
        guards::read(ev, block, &mut parts.guards);
    }
    let replaced =
        body.hypotheses.iter().map(|b| ("hypothesis", b.span)).chain(body.methods.iter().map(|b| ("method", b.span)));
    for (word, span) in replaced {
        ev.report(
            Diagnostic::new(Code::TWO_BLOCKS, span, format!("the scenario has its `{word}` already"))
                .why("an experiment made from a scenario may add guards and incidents, and replaces nothing")
                .help("give the scenario a parameter, or write an experiment of its own"),
        );
    }
}

fn finish(ev: &mut Evaluator<'_>, catalogue: &Catalogue, head: Head, parts: Parts) -> Option<Plan> {
    let place = ev.place?;
    let program = ev.program;
    let incomplete =
        parts.incomplete || parts.method.incomplete || parts.guards.incomplete || !parts.hypothesis.complete;
    if incomplete {
        return None;
    }
    let environment = program.environment(place);
    let service = program.item(parts.service?).name.text.clone();
    let environments = match &parts.environments {
        Some(some) => some.iter().map(|id| program.item(*id).name.text.clone()).collect(),
        None => program.environments.iter().map(|e| e.name.clone()).collect(),
    };
    let learned_from = parts.learned_from.iter().filter_map(|id| incident(ev, *id)).collect();
    let mut plan = Plan {
        version: PLAN_VERSION,
        digest: String::new(),
        text_digest: String::new(),
        name: head.name,
        doc: head.doc,
        made_from: head.made_from,
        place: Place {
            environment: environment.name.clone(),
            protected: environment.protected,
            cluster: program.cluster(place).facts.clone(),
        },
        learned_from,
        environments,
        services: BTreeMap::new(),
        teams: BTreeMap::new(),
        streams: std::mem::take(&mut ev.streams),
        baseline: parts.baseline.unwrap_or(BASELINE),
        expectations: parts.hypothesis.expectations,
        recovery: parts.hypothesis.recovery?,
        guards: parts.guards.guards,
        hours: parts.guards.hours,
        approvals: parts.guards.approvals,
        draws: parts.method.draws.draws,
        faults: parts.method.faults,
        method: parts.steps,
        rules: Vec::new(),
        schedule: head.schedule,
        links: parts.links,
        sources: program.paths.clone(),
        span: head.span,
        service,
    };
    // Rules ask how much of a service is hit, so its replicas must be known; and they bring approvals, so teams come last.
    catalogue.add_services(ev, &mut plan)?;
    policy::judge(ev, &catalogue.policies, &mut plan);
    catalogue.add_teams(program, &mut plan, &parts.method.teams);
    Some(plan)
}

fn incident(ev: &mut Evaluator<'_>, id: DeclId) -> Option<Incident> {
    let item = ev.program.item(id);
    let ItemKind::Record(RecordWord::Incident, fields) = &item.kind else { return None };
    let file = ev.program.file_of(id);
    let before = ev.diagnostics.len();
    let found = ev.within(file, Vec::new(), |ev| {
        let mut get = |key: &str, ty: &Type| field(fields, key).map(|f| ev.value(&f.value, ty));
        let date = get("date", &Type::Date).and_then(|v| text_of(&v))?;
        let lessons = match get("lessons", &Type::List(Arc::new(Type::String)))? {
            Val::List(items) => items.iter().filter_map(text_of).map(|t| t.to_string()).collect(),
            _ => Vec::new(),
        };
        let report = get("report", &Type::Url).and_then(|v| text_of(&v));
        Some(Incident { name: item.name.text.clone(), date, title: title(&item.doc), lessons, report })
    });
    ev.told_elsewhere(before);
    found
}

impl Catalogue {
    /// Reads what does not depend on a plan.
    pub fn new(program: &Program) -> Self {
        let mut catalogue = Self { policies: policy::declared(program), ..Self::default() };
        for (id, item) in program.own_decls() {
            match &item.kind {
                ItemKind::Record(RecordWord::Service, fields) => {
                    catalogue.services.insert(item.name.text.clone(), id);
                    for name in dependencies(fields) {
                        catalogue.dependents.entry(name).or_default().push(item.name.text.clone());
                    }
                }
                ItemKind::Record(RecordWord::Team, fields) => {
                    catalogue.teams.insert(item.name.text.clone(), team(fields));
                }
                _ => {}
            }
        }
        catalogue
    }

    /// Adds the services that the plan names, hits, or that depend on what it hits; and what its service depends on, near
    /// and far.
    fn add_services(&self, ev: &mut Evaluator<'_>, plan: &mut Plan) -> Option<()> {
        let program = ev.program;
        let mut wanted: BTreeSet<SmolStr> = BTreeSet::new();
        for id in &ev.named {
            if let ItemKind::Record(RecordWord::Service, _) = program.item(*id).kind {
                wanted.insert(program.item(*id).name.text.clone());
            }
        }
        for draw in &plan.draws {
            if let Some(service) = &draw.service {
                wanted.insert(service.clone());
                wanted.extend(self.dependents.get(service).into_iter().flatten().cloned());
            }
        }
        let wide = (0..).zip(&plan.draws).filter(|(_, draw)| {
            draw.service.is_none() && matches!(draw.selector, Selector::Pods(_) | Selector::Workloads(_))
        });
        let wide: Vec<u32> = wide.map(|(index, _)| index).collect();
        // A selector of its own may take any service's pods.
        for name in self.services.keys().filter(|_| !wide.is_empty()) {
            let Some(facts) = self.facts(ev, name) else { continue };
            if wide.iter().any(|draw| may_hit(plan, *draw, name, &facts)) {
                wanted.insert(name.clone());
                wanted.extend(self.dependents.get(name).into_iter().flatten().cloned());
            }
        }
        wanted.extend(plan.streams.iter().filter_map(|s| s.service.clone()));
        let (mut open, mut followed) = (vec![plan.service.clone()], BTreeSet::new());
        while let Some(name) = open.pop() {
            if followed.insert(name.clone())
                && let Some(facts) = self.facts(ev, &name)
            {
                open.extend(facts.depends_on);
            }
        }
        wanted.append(&mut followed);
        // A system on one machine is started whole.
        if plan.place.cluster.has_local() {
            for name in self.services.keys() {
                if self.facts(ev, name).is_some_and(|facts| !facts.local.is_empty()) {
                    wanted.insert(name.clone());
                }
            }
        }
        for name in wanted {
            if let Some(facts) = self.facts(ev, &name) {
                plan.services.insert(name, facts);
            }
        }
        // Without its own service a plan has no owner: the catalogue is wrong, and says so where it is.
        plan.services.get(&plan.service).map(|_| ())
    }

    /// Adds the teams that own these services, must approve, or are asked.
    fn add_teams(&self, program: &Program, plan: &mut Plan, asked: &[DeclId]) {
        let owners: BTreeSet<SmolStr> = plan
            .services
            .values()
            .map(|s| s.owner.clone())
            .chain(plan.approvals.iter().map(|a| a.team.clone()))
            .chain(asked.iter().map(|id| program.item(*id).name.text.clone()))
            .collect();
        for owner in owners {
            if let Some(team) = self.teams.get(&owner) {
                plan.teams.insert(owner, team.clone());
            }
        }
    }

    fn facts(&self, ev: &mut Evaluator<'_>, name: &str) -> Option<ServiceFacts> {
        let id = self.services.get(name)?;
        ev.service(*id)?.facts.clone()
    }
}

/// The names in `depends-on`.
fn dependencies(fields: &[Field]) -> Vec<SmolStr> {
    let Some(list) = field(fields, "depends-on") else { return Vec::new() };
    let ExprKind::List(items) = &list.value.kind else { return Vec::new() };
    items
        .iter()
        .filter_map(|item| match &item.kind {
            ExprKind::Name(name) => Some(name.clone()),
            _ => None,
        })
        .collect()
}

fn team(fields: &[Field]) -> Team {
    let text = |key: &str| match &field(fields, key)?.value.kind {
        ExprKind::Literal(Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    Team { contact: text("contact").unwrap_or_default(), escalation: text("escalation") }
}
