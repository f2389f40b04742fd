//! What it is about, what comes first, and what happens to whom, step by step.

use super::words::{arguments, count, first_sentence, inside, list, moment, numbers, sentence, team, tick};
use super::{Section, Teller, Writing};
use crate::analysis::portability::able_here;
use crate::analysis::timeline::{CONFIRM_BOUND, Lane, Moment, UNDO_BOUND, draws_of};
use crate::plan::{Effect, EngineName, Fault, Phase, RuleVerdict, Step, StepKind, Tier};
use crate::types::{Duration, Value};

/// Of more rounds than this, the first two and the last are told.
const MANY_ROUNDS: usize = 8;

impl Teller<'_> {
    pub(super) fn in_short(&self) -> Section {
        let plan = self.plan;
        let mut out = Writing::new("In short");
        let title = first_sentence(&plan.doc);
        out.of(plan.span, if title.is_empty() { tick(&plan.name) } else { format!("`{}`: {title}", plan.name) });
        if let Some(facts) = plan.services.get(&plan.service) {
            let tier = tier(facts.tier);
            let owner = team(plan, &facts.owner);
            let text = format!("At stake is the resilience of `{}` (tier {tier}), which {owner} owns.", plan.service);
            out.of(plan.span, text);
        }
        if let Some(made) = &plan.made_from {
            let with: Vec<String> = made.arguments.iter().map(|e| format!("{}: {}", e.key, e.value)).collect();
            out.of(plan.span, format!("It is made from the scenario `{}` with {}.", made.scenario, list(&with)));
        }
        for incident in &plan.learned_from {
            let what = format!("It learned from `{}` of {}", incident.name, incident.date);
            let title = sentence(&incident.title);
            out.of(plan.span, if title.is_empty() { format!("{what}.") } else { format!("{what}: {title}") });
        }
        out.say(self.how_long());
        let broken = plan.rules.iter().filter(|r| matches!(r.verdict, RuleVerdict::Broken(_))).count();
        if broken > 0 {
            let rules = if broken == 1 {
                "one rule of a policy does".to_owned()
            } else {
                format!("{broken} rules of policies do")
            };
            out.say(format!("As it stands it may not run here: {rules} not hold (see the end)."));
        }
        out.done()
    }

    fn how_long(&self) -> String {
        let (plan, end) = (self.plan, self.timeline.method_end);
        let (baseline, within) = (plan.baseline, plan.recovery.within);
        format!(
            "The run takes at most {}: {baseline} of baseline, at most {} of steps, at most {within} until recovery has \
             begun to hold, and {baseline} in which it must go on holding.",
            self.timeline.total, end.latest
        )
    }

    pub(super) fn before(&self) -> Section {
        let plan = self.plan;
        let mut out = Writing::new("Before anything is injected");
        out.say(
            "Preflight comes first. It looks whether policies, hours and approvals allow the run, no other run is on what \
             is hit, the engines are there, every selector finds candidates, the real blast radius is allowed, and every \
             guard gives a valid sample and is false.",
        );
        let judged = plan.expectations.iter().filter(|e| e.phase != Phase::OnlyDuringFaults);
        let names: Vec<String> = judged.map(|e| tick(&e.name)).collect();
        if names.is_empty() {
            out.say(format!("The baseline of {} follows; no expectation is judged in it.", plan.baseline));
        } else {
            let all = list(&names);
            out.say(format!("The baseline follows: for {}, every sample of {all} must hold.", plan.baseline));
        }
        out.say("If either fails, nothing is injected and the verdict is `not-run`.");
        out.done()
    }

    pub(super) fn step_by_step(&self) -> Section {
        let mut out = Writing::new("Step by step");
        out.say(format!(
            "Times count from the first step, after the baseline. A fault is there when its injection is confirmed, at \
             most {CONFIRM_BOUND} after the step began, and gone when its undo is confirmed, at most {UNDO_BOUND} after \
             it was due; `3m..4m` is a time that lies between the two. A step begins when the one before it has ended."
        ));
        let mut walk =
            Steps { teller: self, lanes: self.timeline.lanes.iter(), number: 0, told: vec![], on: vec![], branches: 0 };
        walk.block(&mut out, &self.plan.method, 0);
        let end = moment(self.timeline.method_end);
        let undone = match (self.undoes(), self.plan.faults.iter().any(|f| f.irreversible.is_some())) {
            (false, _) => "",
            (true, false) => ", with everything undone",
            (true, true) => ", with everything undone that can be",
        };
        out.say(format!("The method ends at {end}{undone}."));
        out.done()
    }

    /// What a fault hits, with how many that is: `` `slow`: 50% of ledger.pods (1 of 3) ``.
    pub(super) fn target(&self, draw: u32) -> String {
        let Some(found) = self.plan.draws.get(draw as usize) else { return String::new() };
        let pods =
            self.language_count(draw).map(|(hit, ready)| format!("{hit} of {}", count(ready, found.selector.kind())));
        match (&found.name, pods) {
            (Some(name), Some(pods)) => format!("`{name}` (`{}`: {pods})", found.text),
            (Some(name), None) => format!("`{name}` (`{}`)", found.text),
            (None, Some(pods)) => format!("`{}` ({pods})", found.text),
            (None, None) => tick(&found.text),
        }
    }

    /// The engine for which all of the plan is compiled: the first of the cluster's that takes it.
    pub(super) fn compiled_for(&self) -> Option<EngineName> {
        let takes = |e: &&EngineName| self.natives.iter().any(|n| n.engine == **e && n.is_compiled());
        self.plan.place.cluster.engines.iter().find(takes).copied()
    }

    /// The engine that carries a fault at this cluster; where nothing can hold the plan, the first that could.
    pub(super) fn carrier(&self, fault: &Fault) -> Option<EngineName> {
        let able = able_here(self.plan, fault);
        let driven = able.iter().find(|e| self.is_run && e.is_local()).copied();
        driven.or_else(|| self.compiled_for()).or(able.first().copied())
    }
}

pub(super) fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Critical => "critical",
        Tier::High => "high",
        Tier::Medium => "medium",
        Tier::Low => "low",
    }
}

/// Tells the steps in the order of the text, beside the timeline's lanes.
struct Steps<'t, 'p> {
    teller: &'t Teller<'p>,
    lanes: std::slice::Iter<'p, Lane>,
    number: usize,
    /// Faults whose title was told.
    told: Vec<String>,
    /// The numbers of the `with` steps around.
    on: Vec<usize>,
    /// How many `parallel` blocks are around.
    branches: usize,
}

impl Steps<'_, '_> {
    fn block(&mut self, out: &mut Writing, steps: &[Step], depth: u32) {
        let rounds = steps.iter().filter(|s| matches!(s.kind, StepKind::Round { .. })).count();
        for step in steps {
            if let StepKind::Round { number, of, .. } = &step.kind
                && rounds > MANY_ROUNDS
                && *number > 2
                && number < of
            {
                self.pass_over(out, step, depth, *number, *of);
            } else {
                self.step(out, step, depth);
            }
        }
    }

    /// A round that goes as those before it: only its steps are counted.
    fn pass_over(&mut self, out: &mut Writing, step: &Step, depth: u32, number: u32, of: u32) {
        let before = self.number;
        let mut unheard = Writing::new("");
        let told = self.told.clone();
        self.step(&mut unheard, step, depth);
        self.told = told;
        if number == 3 {
            let steps = self.number.saturating_sub(before);
            out.push(
                format!(
                    "Rounds 3 to {} go the same way, {steps} steps each, with the values of their own rounds; the plan as \
                     data has them one by one.",
                    of.saturating_sub(1)
                ),
                Some(step.span),
                depth,
            );
        }
    }

    fn next(&mut self) -> (usize, Moment, Moment) {
        self.number += 1;
        match self.lanes.next() {
            Some(lane) => (self.number, lane.from, lane.to),
            None => (self.number, Moment::ZERO, Moment::ZERO),
        }
    }

    fn step(&mut self, out: &mut Writing, step: &Step, depth: u32) {
        match &step.kind {
            StepKind::Inject { fault, lasts } => self.inject(out, step, depth, *fault, *lasts),
            StepKind::With { fault, steps } => self.with(out, step, depth, *fault, steps),
            StepKind::Wait(length) => {
                let (number, from, _) = self.next();
                let on = self.still_on();
                let text = format!("Step {number}, at {}: {length} go by; {on}.", moment(from));
                out.push(text, Some(step.span), depth);
            }
            StepKind::Check { text, within, .. } => self.check(out, step, depth, text, *within),
            StepKind::Parallel(branches) => {
                let text = format!(
                    "The next {} branches begin together; what follows them begins when the last has ended.",
                    branches.len()
                );
                out.push(text, Some(step.span), depth);
                self.branches += 1;
                for branch in branches {
                    self.branch(out, branch, depth + 1);
                }
                self.branches -= 1;
            }
            // Steps follow each other anyway; only as a branch a sequence is worth a word.
            StepKind::Sequence(steps) => self.block(out, steps, depth),
            StepKind::Round { title, number, of, steps } => {
                out.push(format!("Round {number} of {of}, with `{title}`:"), Some(step.span), depth);
                self.block(out, steps, depth + 1);
            }
            StepKind::Ask { who, question, within } => {
                let (number, from, _) = self.next();
                let who = team(self.teller.plan, who);
                let text = format!(
                    "Step {number}, at {}: {who} is asked \"{question}\". \"Yes\" lets the method go on; \"no\", or silence \
                     for {within}, ends it, and the verdict is `aborted`.",
                    moment(from)
                );
                out.push(text, Some(step.span), depth);
            }
            StepKind::Note { who, text, within } => {
                let (number, from, _) = self.next();
                let text = match (who, within) {
                    (Some(who), Some(within)) => format!(
                        "{} is asked for a note, \"{text}\"; the method goes on when it is written, or after {within} \
                         without one",
                        team(self.teller.plan, who)
                    ),
                    _ => format!("the journal gets a line, \"{text}\""),
                };
                out.push(format!("Step {number}, at {}: {text}.", moment(from)), Some(step.span), depth);
            }
        }
    }

    fn branch(&mut self, out: &mut Writing, branch: &Step, depth: u32) {
        if matches!(branch.kind, StepKind::Sequence(_)) {
            out.push("A branch of steps that follow each other:".to_owned(), Some(branch.span), depth);
            self.step(out, branch, depth + 1);
        } else {
            self.step(out, branch, depth);
        }
    }

    fn inject(&mut self, out: &mut Writing, step: &Step, depth: u32, fault: u32, lasts: Option<Duration>) {
        let (number, from, to) = self.next();
        let Some(fault) = self.teller.fault(fault) else { return };
        let ends = match lasts {
            Some(lasts) => format!("It stays for {lasts}, then it is undone; it is gone at {}.", moment(to)),
            None => "It happens once; nothing is left to undo.".to_owned(),
        };
        let text = self.injection(number, from, fault, &ends);
        out.push(text, Some(step.span), depth);
    }

    fn with(&mut self, out: &mut Writing, step: &Step, depth: u32, fault: u32, steps: &[Step]) {
        let (number, from, to) = self.next();
        let inner = lanes_in(steps);
        let last = number + inner;
        if let Some(fault) = self.teller.fault(fault) {
            let block: Vec<usize> = (number + 1..=last).collect();
            let ends = match block.as_slice() {
                [] => format!("Its block is empty, so it is undone at once; it is gone at {}.", moment(to)),
                [_] => format!(
                    "It stays while {} runs, then it is undone; it is gone at {}.",
                    numbers("step", "steps", &block),
                    moment(to)
                ),
                _ => format!(
                    "It stays while {} run, then it is undone; it is gone at {}.",
                    numbers("step", "steps", &block),
                    moment(to)
                ),
            };
            let text = self.injection(number, from, fault, &ends);
            out.push(text, Some(step.span), depth);
        }
        self.on.push(number);
        self.block(out, steps, depth + 1);
        self.on.pop();
    }

    /// The injection itself; `from` is when it is confirmed.
    fn injection(&mut self, number: usize, from: Moment, fault: &Fault, ends: &str) -> String {
        let teller = self.teller;
        let begin = Moment { earliest: from.earliest, latest: from.latest.minus(CONFIRM_BOUND) };
        let target = teller.target(fault.target);
        let (verb, to) = if fault.effect == Effect::Lasting { ("injects", "into") } else { ("does", "to") };
        let mut text = format!("Step {number}, at {}: ", moment(begin));
        text += &match teller.carrier(fault) {
            Some(engine) => format!("{} {verb} `{}` {to} {target}", engine.title(), fault.name),
            None => format!("`{}` is meant for {target}", fault.name),
        };
        let (given, default) = arguments(teller.plan, fault);
        match (given.is_empty(), default.is_empty()) {
            (false, false) => text += &format!(", with {} (and by default {})", list(&given), list(&default)),
            (false, true) => text += &format!(", with {}", list(&given)),
            (true, false) => text += &format!(", by default with {}", list(&default)),
            (true, true) => {}
        }
        if teller.carrier(fault).is_none() {
            text += "; no engine of this cluster can carry it";
        }
        text += &format!(". {ends}");
        if !fault.title.is_empty() && !self.told.contains(&fault.name.to_string()) {
            text += &format!(" (What `{}` does: it {}.)", fault.name, inside(&fault.title));
            self.told.push(fault.name.to_string());
        }
        if draws_of(fault).len() > 1 {
            text += " The packets of the peer's own pods are affected, too, so the peer counts as hit.";
        }
        if let Some(why) = &fault.irreversible {
            text += &format!(" What it did cannot be undone: {}", sentence(why));
        }
        if fault.lost_on_restart {
            text += " A container that restarts meanwhile is free of it from then on, and nothing puts it back.";
        }
        if fault.arguments.iter().any(|e| e.key == "peer" && matches!(e.value, Value::Draw(_)))
            && draws_of(fault).len() == 1
        {
            text += " The peer is only the other end of the line and does not count as hit.";
        }
        text
    }

    fn check(&mut self, out: &mut Writing, step: &Step, depth: u32, condition: &str, within: Option<Duration>) {
        let (number, from, to) = self.next();
        let waits = match within {
            Some(within) => format!("waits, at most {within}, for a valid sample of which `{condition}` is true"),
            None => format!(
                "looks whether `{condition}` is true of the next valid sample, for at most {}",
                to.latest.minus(from.latest)
            ),
        };
        // Without `within` the time ends with the patience of its data: silence must not make a run endless.
        let then = if within.is_some() { "If there is one" } else { "If so" };
        let silent = if within.is_none() { " (If no sample is valid in that time, it is `inconclusive`.)" } else { "" };
        let name = match &step.kind {
            StepKind::Check { name, .. } => name.as_str(),
            _ => "",
        };
        let text = format!(
            "Step {number}, at {}: the check `{name}` {waits}. {then}, the next step begins at once; if not, the \
             method ends, as the rest builds on it, and the verdict is `refuted`.{silent}",
            moment(from)
        );
        out.push(text, Some(step.span), depth);
    }

    /// What stays while a `wait` goes by.
    fn still_on(&self) -> String {
        let steps = numbers("step", "steps", &self.on);
        match (self.on.len(), self.branches) {
            (0, 0) => "no fault is there meanwhile".to_owned(),
            (0, _) => "only the other branches go on".to_owned(),
            (1, _) => format!("the fault of {steps} stays"),
            _ => format!("the faults of {steps} stay"),
        }
    }
}

/// How many lanes the steps have.
fn lanes_in(steps: &[Step]) -> usize {
    let of = |step: &Step| match &step.kind {
        StepKind::With { steps, .. } => 1 + lanes_in(steps),
        StepKind::Parallel(steps) | StepKind::Sequence(steps) | StepKind::Round { steps, .. } => lanes_in(steps),
        _ => 1,
    };
    steps.iter().map(of).sum()
}
