//! Policies: every rule of every policy of the environment must hold; what only preflight can tell is said so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smol_str::SmolStr;

use super::guards;
use crate::analysis::timeline::{Timeline, natively, timeline};
use crate::check::Program;
use crate::check::declared::{check_keys, check_links, field};
use crate::check::evaluate::{Evaluator, PolicyFacts, Val, text_of};
use crate::check::faults::names_in;
use crate::check::program::{Expr, ExprKind, ItemKind, Policy, RecordWord, RuleItem};
use crate::check::scope::DeclId;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Effect, EngineName, Fault, GuardWhen, Plan, Rule, RuleVerdict, Selector};
use crate::source::Span;
use crate::types::{Decimal, Percent, Type, Value};

/// What a rule may ask of an experiment, with its type.
fn experiment_facts() -> [(&'static str, Type); 8] {
    [
        ("name", Type::String),
        ("service", Type::Service),
        ("environments", Type::List(Arc::new(Type::Environment))),
        ("recovery", crate::check::declared::recovered_type()),
        ("duration", Type::Duration),
        ("blast-radius", Type::Percent),
        ("abort-guards", Type::Int),
        ("budget-cost", Type::Percent),
    ]
}

/// What a rule may ask of a fault, with its type.
fn fault_facts() -> [(&'static str, Type); 6] {
    [
        ("", Type::Fault),
        ("effect", crate::check::declared::effect_type()),
        ("duration", Type::Duration),
        ("mechanism", Type::String),
        ("reversible", Type::Bool),
        ("blast-radius", Type::Percent),
    ]
}

/// Checks a policy without an experiment.
pub fn check(ev: &mut Evaluator<'_>, id: DeclId, policy: &Policy) {
    let item = ev.program.item(id);
    let name = item.name.text.clone();
    let file = ev.program.file_of(id);
    let unknown = |facts: &[(&'static str, Type)]| {
        facts.iter().map(|(name, ty)| (SmolStr::from(*name), Val::Unknown(ty.clone()))).collect()
    };
    ev.policy = Some(PolicyFacts {
        experiment: unknown(&experiment_facts()),
        fault: unknown(&fault_facts()),
        preflight: Vec::new(),
    });
    ev.within(file, Vec::new(), |ev| {
        check_keys(ev, &policy.fields, &["environments", "links"], "a policy");
        match field(&policy.fields, "environments") {
            Some(given) => {
                let covered = ev.value(&given.value, &Type::List(Arc::new(Type::Environment)));
                if matches!(&covered, Val::List(all) if all.is_empty()) {
                    ev.report(
                        Diagnostic::new(
                            Code::EMPTY_POLICY,
                            given.value.span,
                            format!("`{name}` covers no environment"),
                        )
                        .why("its rules are asked nowhere, and it reads as if they were")
                        .help("name the environments that it is for, or take the policy away"),
                    );
                }
            }
            None => ev.report(
                Diagnostic::new(Code::MISSING_FIELD, item.name.span, format!("`{name}` has no `environments`"))
                    .why("a policy that covers no environment protects nothing"),
            ),
        }
        if let Some(links) = field(&policy.fields, "links") {
            check_links(ev, links);
        }
        for rule in &policy.rules {
            let before = ev.diagnostics.len();
            ev.value(&rule.condition, &Type::Bool);
            if ev.diagnostics.len() == before {
                without_effect(ev, rule);
            }
            ev.reason(&rule.because);
        }
        if policy.rules.is_empty() && policy.hours.is_empty() && policy.approvals.is_empty() {
            ev.report(
                Diagnostic::new(Code::EMPTY_POLICY, item.name.span, format!("`{name}` asks for nothing"))
                    .why("an environment that it covers counts as protected by it, and everything may run there")
                    .help("write a rule (`require … because \"…\"`), open hours (`only on …`) or `approval by TEAM`"),
            );
        }
        guards::hours(ev, &policy.hours, Some(&name));
        for item in &policy.approvals {
            guards::approval(ev, item, Some(&name));
        }
    });
    ev.policy = None;
}

/// A rule that holds whatever is asked: `require true`, or one of its lists is empty.
fn without_effect(ev: &mut Evaluator<'_>, rule: &RuleItem) {
    let word = if rule.forbid { "forbid" } else { "require" };
    let report = |ev: &mut Evaluator<'_>, at: Span, message: String, help: &str| {
        ev.report(
            Diagnostic::new(Code::RULE_WITHOUT_EFFECT, at, message)
                .why("it reads as if something were kept out, and keeps nothing out")
                .help(help),
        );
    };
    if let Some(list) = empty_list(ev, &rule.condition) {
        let message = format!("nothing is in this list, so `{word}` has nothing to decide");
        return report(ev, list, message, "name what is meant, or take the rule away");
    }
    if matches!(&rule.condition.kind, ExprKind::Literal(Value::Bool(holds)) if *holds != rule.forbid) {
        let message = format!("no experiment can break `{word} {}`", rule_text(&rule.condition));
        report(ev, rule.condition.span, message, "ask for something of the `experiment` or of each `fault`");
    }
}

/// The first list behind `in` that has no member.
fn empty_list(ev: &mut Evaluator<'_>, condition: &Expr) -> Option<Span> {
    match &condition.kind {
        ExprKind::In { list, .. } => {
            let before = ev.diagnostics.len();
            let value = ev.value(list, &Type::Any);
            ev.told_elsewhere(before);
            matches!(&value, Val::List(all) if all.is_empty()).then_some(list.span)
        }
        ExprKind::Not(inner) | ExprKind::Group(inner) => empty_list(ev, inner),
        ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().find_map(|part| empty_list(ev, part)),
        _ => None,
    }
}

/// Whether each protected environment is covered by a policy.
pub fn check_coverage(ev: &mut Evaluator<'_>) {
    let program = ev.program;
    let covered: BTreeSet<DeclId> = {
        let declared = declared(program);
        policies(ev, &declared).into_iter().flat_map(|(_, _, environments)| environments).collect()
    };
    for environment in &program.environments {
        if environment.protected && !covered.contains(&environment.decl) {
            let item = program.item(environment.decl);
            ev.report(
                Diagnostic::new(
                    Code::PROTECTED_WITHOUT_POLICY,
                    item.name.span,
                    format!("`{}` is protected, and no policy covers it", environment.name),
                )
                .why("nothing may run in a protected environment without a policy, so nothing ever would")
                .help(format!("write `policy NAME {{ environments: [{}] … }}`", environment.name)),
            );
        }
    }
}

/// The policies of a program, in the order of files and places.
pub fn declared(program: &Program) -> Vec<DeclId> {
    program.own_decls().filter(|(_, item)| matches!(item.kind, ItemKind::Policy(_))).map(|(id, _)| id).collect()
}

/// These policies, each with the environments that it covers.
fn policies<'p>(ev: &mut Evaluator<'p>, declared: &[DeclId]) -> Vec<(DeclId, &'p Policy, Vec<DeclId>)> {
    let program = ev.program;
    let before = ev.diagnostics.len();
    let mut found = Vec::new();
    for id in declared.iter().copied() {
        let ItemKind::Policy(policy) = &program.item(id).kind else { continue };
        let Some(given) = field(&policy.fields, "environments") else { continue };
        let value = ev.within(program.file_of(id), Vec::new(), |ev| {
            ev.value(&given.value, &Type::List(Arc::new(Type::Environment)))
        });
        let environments = match value {
            Val::List(items) => {
                items.iter().filter_map(|v| if let Val::Decl(id) = v { Some(*id) } else { None }).collect()
            }
            _ => Vec::new(),
        };
        found.push((id, policy, environments));
    }
    // What is wrong in a policy is reported where it is checked.
    ev.told_elsewhere(before);
    found
}

/// Puts the rules, hours and approvals of the place's policies into the plan, and reports the rules that are broken.
pub fn judge(ev: &mut Evaluator<'_>, declared: &[DeclId], plan: &mut Plan) {
    let Some(place) = ev.place else { return };
    let program = ev.program;
    let environment = program.environment(place).decl;
    let applying: Vec<_> = policies(ev, declared).into_iter().filter(|(_, _, e)| e.contains(&environment)).collect();
    if applying.is_empty() {
        return;
    }
    let timeline = timeline(plan);
    let natively = EngineName::NATIVE.into_iter().filter_map(|engine| Some((engine, natively(plan, engine)?)));
    let natively = natively.map(|(engine, timeline)| (engine, facts_of_experiment(ev, plan, &timeline))).collect();
    let facts = Facts { experiment: facts_of_experiment(ev, plan, &timeline), natively, timeline };
    for (id, policy, _) in applying {
        let name = program.item(id).name.text.clone();
        ev.within(program.file_of(id), Vec::new(), |ev| {
            let before = ev.diagnostics.len();
            if let Some(Some(hours)) = guards::hours(ev, &policy.hours, Some(&name)) {
                plan.hours.push(hours);
            }
            for item in &policy.approvals {
                if let Some(approval) = guards::approval(ev, item, Some(&name)) {
                    plan.approvals.push(approval);
                }
            }
            ev.told_elsewhere(before);
            for rule in &policy.rules {
                judge_rule(ev, plan, &facts, &name, rule);
            }
        });
    }
    ev.policy = None;
}

/// What the rules of a plan's policies may ask.
struct Facts {
    timeline: Timeline,
    /// Of the experiment.
    experiment: BTreeMap<SmolStr, Val>,
    /// The same where these engines draw, if that makes a difference.
    natively: Vec<(EngineName, BTreeMap<SmolStr, Val>)>,
}

fn judge_rule(ev: &mut Evaluator<'_>, plan: &mut Plan, facts: &Facts, policy: &SmolStr, rule: &RuleItem) {
    let before = ev.diagnostics.len();
    let because = text_of(&ev.value(&rule.because, &Type::String)).unwrap_or_default().to_string();
    let word = if rule.forbid { "forbid" } else { "require" };
    let text = format!("{word} {}", rule_text(&rule.condition));
    let judged = worst_verdict(ev, plan, &facts.timeline, &facts.experiment, rule);
    let mut broken_by = BTreeMap::new();
    if let Some((RuleVerdict::Holds(_), _)) = &judged {
        for (engine, there) in &facts.natively {
            if let Some((RuleVerdict::Broken(found), _)) = worst_verdict(ev, plan, &facts.timeline, there, rule) {
                broken_by.insert(*engine, found);
            }
        }
    }
    ev.told_elsewhere(before);
    let Some((verdict, at)) = judged else { return };
    if let RuleVerdict::Broken(found) = &verdict {
        let environment = plan.place.environment.clone();
        ev.report(
            Diagnostic::new(
                Code::POLICY_BROKEN,
                at.unwrap_or(plan.span),
                format!("`{}` may not run in `{environment}`: `{policy}` says `{text}`", plan.name),
            )
            .label(found.clone())
            .also(rule.span, format!("because {because}"))
            .why(format!("{because}; rules of policies are joined by \"and\", and nothing loosens one"))
            .help(format!("change the experiment, or name its environments without `{environment}`")),
        );
    }
    plan.rules.push(Rule { policy: policy.clone(), text, because, verdict, broken_by, span: rule.span });
}

/// The worst verdict on a rule, and the fault that it is about: a rule about faults is asked of each.
fn worst_verdict(
    ev: &mut Evaluator<'_>,
    plan: &Plan,
    timeline: &Timeline,
    experiment: &BTreeMap<SmolStr, Val>,
    rule: &RuleItem,
) -> Option<(RuleVerdict, Option<Span>)> {
    let mut named = BTreeSet::new();
    names_in(&rule.condition, &mut named);
    let faults: Vec<Option<&Fault>> =
        if named.contains("fault") { plan.faults.iter().map(Some).collect() } else { vec![None] };
    let mut worst: Option<(RuleVerdict, Option<Span>)> = None;
    for fault in faults {
        let facts = fault.map(|f| facts_of_fault(ev, plan, timeline, f)).unwrap_or_default();
        ev.policy = Some(PolicyFacts { experiment: experiment.clone(), fault: facts, preflight: Vec::new() });
        let before = ev.diagnostics.len();
        let value = ev.value(&rule.condition, &Type::Bool);
        let verdict = verdict(ev, rule, &value, fault, before);
        let rank = |v: &RuleVerdict| match v {
            RuleVerdict::Broken(_) => 2,
            RuleVerdict::AtPreflight(_) => 1,
            RuleVerdict::Holds(_) => 0,
        };
        if worst.as_ref().is_none_or(|(w, _)| rank(&verdict) > rank(w)) {
            worst = Some((verdict, fault.map(|f| f.span)));
        }
    }
    worst
}

/// The verdict on a rule whose condition gave `value`; what was found in it is in the findings since `before`.
fn verdict(ev: &mut Evaluator<'_>, rule: &RuleItem, value: &Val, fault: Option<&Fault>, before: usize) -> RuleVerdict {
    let found = found(ev, &rule.condition, fault);
    // A rule that cannot be judged here, for a reason that did not show where it is declared, protects nothing.
    if let Some(error) = ev.diagnostics.get(before..).and_then(|new| new.iter().find(|d| d.is_error())) {
        return RuleVerdict::Broken(format!("it cannot be judged: {}", error.message));
    }
    match value {
        Val::Plain(Value::Bool(value)) if *value != rule.forbid => RuleVerdict::Holds(found),
        Val::Plain(Value::Bool(_)) => RuleVerdict::Broken(found),
        _ => {
            let mut reasons = ev.policy.take().map(|p| p.preflight).unwrap_or_default();
            reasons.dedup();
            RuleVerdict::AtPreflight(if reasons.is_empty() {
                "how much is really hit is known in the cluster only".to_owned()
            } else {
                reasons.join("; ")
            })
        }
    }
}

/// What was found for the facts that a condition asks for: `duration 8m30s`.
fn found(ev: &Evaluator<'_>, condition: &Expr, fault: Option<&Fault>) -> String {
    let mut parts = Vec::new();
    if let Some(fault) = fault {
        parts.push(fault.name.to_string());
    }
    facts_in(condition, &mut |word, fact| {
        let facts = ev.policy.as_ref().map(|p| if word == "fault" { &p.fault } else { &p.experiment });
        if let Some(value) = facts.and_then(|f| f.get(fact)) {
            let text = match value {
                Val::Unknown(_) => "not known yet".to_owned(),
                known => ev.val_text(known),
            };
            let part = format!("{fact} {text}");
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
    });
    parts.join(", ")
}

fn facts_in(expr: &Expr, f: &mut impl FnMut(&str, &str)) {
    match &expr.kind {
        ExprKind::Member { base, name, .. } => match &base.kind {
            ExprKind::Name(word) if word == "experiment" || word == "fault" => f(word, &name.text),
            _ => facts_in(base, f),
        },
        ExprKind::Compare { left, right, .. } | ExprKind::Arithmetic { left, right, .. } => {
            facts_in(left, f);
            facts_in(right, f);
        }
        ExprKind::In { item, list, .. } => {
            facts_in(item, f);
            facts_in(list, f);
        }
        ExprKind::Not(inner) | ExprKind::Group(inner) => facts_in(inner, f),
        // Whether it was confirmed there is asked of those environments in which it may run.
        ExprKind::Call { callee, .. } if matches!(&callee.kind, ExprKind::Member { name, .. } if name.text == "confirmed-in") =>
        {
            f("experiment", "environments");
        }
        ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().for_each(|p| facts_in(p, f)),
        _ => {}
    }
}

/// A rule's condition in words.
fn rule_text(expr: &Expr) -> String {
    let joined = |parts: &[Expr], word: &str| parts.iter().map(rule_text).collect::<Vec<_>>().join(word);
    match &expr.kind {
        ExprKind::Literal(value) => value.to_string(),
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Member { base, name, optional } => {
            format!("{}{}{}", rule_text(base), if *optional { "?." } else { "." }, name.text)
        }
        ExprKind::Call { callee, args } => {
            let args: Vec<String> = args
                .iter()
                .map(|arg| match &arg.name {
                    Some(name) => format!("{}: {}", name.text, rule_text(&arg.value)),
                    None => rule_text(&arg.value),
                })
                .collect();
            format!("{}({})", rule_text(callee), args.join(", "))
        }
        ExprKind::List(items) => format!("[{}]", joined(items, ", ")),
        ExprKind::Compare { left, op, right } => {
            format!("{} {} {}", rule_text(left), op.text(), rule_text(right))
        }
        ExprKind::Arithmetic { left, op, right } => {
            format!("{} {} {}", rule_text(left), op.text(), rule_text(right))
        }
        ExprKind::In { item, list, negated } => {
            format!("{} {} {}", rule_text(item), if *negated { "not in" } else { "in" }, rule_text(list))
        }
        ExprKind::Range { from, to, .. } => format!("{}..{}", rule_text(from), rule_text(to)),
        ExprKind::Sign { negative, of } => format!("{}{}", if *negative { "-" } else { "+" }, rule_text(of)),
        ExprKind::Convert { of, unit } => format!("{} as {}", rule_text(of), unit.text),
        ExprKind::Not(inner) => format!("not {}", rule_text(inner)),
        ExprKind::Group(inner) => format!("({})", rule_text(inner)),
        ExprKind::And(parts) => joined(parts, " and "),
        ExprKind::Or(parts) => joined(parts, " or "),
        _ => "…".to_owned(),
    }
}

fn facts_of_experiment(ev: &mut Evaluator<'_>, plan: &Plan, timeline: &Timeline) -> BTreeMap<SmolStr, Val> {
    let program = ev.program;
    let decl = |name: &SmolStr, word: RecordWord| {
        program
            .own_decls()
            .find(|(_, i)| i.name.text == *name && matches!(&i.kind, ItemKind::Record(w, _) if *w == word))
            .map_or(Val::error(), |(id, _)| Val::Decl(id))
    };
    let environments = plan.environments.iter().filter_map(|e| program.environment_named(e)).map(Val::Decl);
    let guards = plan.guards.iter().filter(|g| matches!(g.when, GuardWhen::Condition(_) | GuardWhen::Refuted)).count();
    let recovery = match plan.recovery.class {
        crate::plan::RecoveryClass::Automatic => "automatic",
        crate::plan::RecoveryClass::Manual => "manual",
        crate::plan::RecoveryClass::Unknown => "unknown",
    };
    let percent = |share: Option<Percent>| match share {
        Some(share) => Val::Plain(Value::Percent(share)),
        None => Val::Unknown(Type::Percent),
    };
    let cost = budget_cost(ev, plan, timeline);
    BTreeMap::from([
        ("name".into(), Val::text(plan.name.clone())),
        ("service".into(), decl(&plan.service, RecordWord::Service)),
        ("environments".into(), Val::list(environments)),
        ("recovery".into(), Val::Plain(Value::Word(recovery.into()))),
        ("duration".into(), Val::Plain(Value::Duration(timeline.total))),
        ("blast-radius".into(), percent(timeline.worst)),
        ("abort-guards".into(), Val::Plain(Value::Int(guards as i64))),
        ("budget-cost".into(), percent(cost)),
    ])
}

/// The share of the error budget that the run may cost at worst: radius × fault time ÷ budget, over the service's SLOs.
fn budget_cost(ev: &mut Evaluator<'_>, plan: &Plan, timeline: &Timeline) -> Option<Percent> {
    let program = ev.program;
    let mut worst = Percent(Decimal::ZERO);
    let before = ev.diagnostics.len();
    for (id, item) in program.own_decls() {
        let ItemKind::Record(RecordWord::Slo, fields) = &item.kind else { continue };
        let of = field(fields, "service").map(|f| &f.value.kind);
        if !matches!(of, Some(ExprKind::Name(name)) if *name == plan.service) {
            continue;
        }
        let mut get = |key: &str, ty: &Type| {
            let given = field(fields, key)?;
            Some(ev.within(program.file_of(id), Vec::new(), |ev| ev.value(&given.value, ty)))
        };
        let (Some(Val::Plain(Value::Percent(objective))), Some(Val::Plain(Value::Duration(window)))) =
            (get("objective", &Type::Percent), get("window", &Type::Duration))
        else {
            continue;
        };
        let hundred = Decimal::from(100);
        let budget = window.as_secs_decimal() * (hundred - objective.0) / hundred;
        let time = timeline.method_end.latest.as_secs_decimal();
        let cost = timeline.worst?.0 * time / budget;
        worst = worst.max(Percent(cost.round_dp(1).normalize()));
    }
    ev.told_elsewhere(before);
    Some(worst)
}

fn facts_of_fault(ev: &Evaluator<'_>, plan: &Plan, timeline: &Timeline, fault: &Fault) -> BTreeMap<SmolStr, Val> {
    let program = ev.program;
    let decl = program.decls().find(|(id, item)| {
        matches!(item.kind, ItemKind::Fault(_)) && program.qualified_name(*id) == fault.name.as_str()
    });
    let index = plan.faults.iter().position(|f| std::ptr::eq(f, fault)).map(|i| i as u32);
    let lane = timeline
        .lanes
        .iter()
        .find(|lane| matches!(lane.kind, crate::analysis::timeline::LaneKind::Fault(i) if Some(i) == index));
    let duration = lane.map(|l| l.to.latest.minus(l.from.earliest));
    let radius = fault_radius(plan, fault);
    let effect = match fault.effect {
        Effect::Lasting => "lasting",
        Effect::Instant => "instant",
    };
    BTreeMap::from([
        (SmolStr::default(), decl.map_or(Val::Unknown(Type::Fault), |(id, _)| Val::Decl(id))),
        ("effect".into(), Val::Plain(Value::Word(effect.into()))),
        ("duration".into(), duration.map_or(Val::Unknown(Type::Duration), |d| Val::Plain(Value::Duration(d)))),
        ("mechanism".into(), Val::text(fault.mechanism.clone())),
        ("reversible".into(), Val::Plain(Value::Bool(fault.irreversible.is_none()))),
        ("blast-radius".into(), radius.map_or(Val::Unknown(Type::Percent), |p| Val::Plain(Value::Percent(p)))),
    ])
}

/// The share of its service's pods that one fault hits, where the catalogue knows.
fn fault_radius(plan: &Plan, fault: &Fault) -> Option<Percent> {
    let draw = plan.draws.get(fault.target as usize)?;
    let Selector::Pods(pods) = &draw.selector else { return None };
    let replicas = plan.services.get(draw.service.as_ref()?)?.replicas?;
    if pods.zone.is_some() || pods.node.is_some() || replicas == 0 {
        return None;
    }
    let hit = draw.quantity.of(replicas).min(replicas);
    Some(Percent((Decimal::from(hit) * Decimal::from(100) / Decimal::from(replicas)).round_dp(1).normalize()))
}
