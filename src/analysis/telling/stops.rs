//! What ends the run early, how fast, and what happens then; and what the silence of each data source does.

use smol_str::SmolStr;

use super::judged::has;
use super::words::{list, numbers, team, tick};
use super::{Section, Teller, Writing};
use crate::analysis::timeline::{CONFIRM_BOUND, Reaction, budget_gone_after, reaction};
use crate::plan::{
    Condition, Guard, GuardWhen, HttpAnswer, Phase, SentHeader, SentText, Source, Step, StepKind, Stream,
};
use crate::types::Duration;

impl Teller<'_> {
    pub(super) fn stops(&self) -> Section {
        let plan = self.plan;
        let mut out = Writing::new("What ends the run early");
        for (index, guard) in plan.guards.iter().enumerate() {
            if let Some(bound) = reaction(plan, index) {
                out.of(guard.span, self.guard(index + 1, guard, &bound));
            }
        }
        if plan.guards.is_empty() {
            out.say("No guard watches it.");
        }
        if has(&plan.method, &|kind| matches!(kind, StepKind::Check { .. })) {
            out.say("A check that does not come true in its time ends the method; the verdict is `refuted`.");
        }
        let mut asked: Vec<String> = vec![];
        each(&plan.method, &mut |kind| {
            if let StepKind::Ask { who, .. } = kind {
                let who = team(plan, who);
                if !asked.contains(&who) {
                    asked.push(who);
                }
            }
        });
        if !asked.is_empty() {
            let who = list(&asked);
            out.say(format!("\"No\" or silence from {who}, when asked, ends the method; the verdict is `aborted`."));
        }
        out.say("The operator can end it at any moment; the verdict is `aborted`.");
        out.say(format!(
            "A fault whose injection is not confirmed within {CONFIRM_BOUND} ends the method; the verdict is `inconclusive`."
        ));
        out.say(self.what_then());
        if !plan.guards.is_empty() {
            let times = if self.is_run {
                "The times above are those of `perturb run`; a compiled plan adds what its engine's own controllers take"
            } else {
                "To the times above comes what the engine's own controllers take"
            };
            out.say(format!(
                "Guards watch from preflight until recovered. After the last undo they have nothing left to stop here, but they \
                 still stop the verify or game day around the run. {times}, which `perturb compile --report` gives."
            ));
        }
        out.done()
    }

    fn what_then(&self) -> String {
        let undo = if self.undoes() {
            "all that is there is undone, the last first, each undo until it is confirmed"
        } else {
            "there is nothing to undo"
        };
        format!(
            "Whatever ends the method early: no further step begins, {undo}, and recovery is watched as after a whole method. A \
             run can be refuted and cut short; then the verdict is `refuted`, and the report says what ended it."
        )
    }

    fn guard(&self, number: usize, guard: &Guard, bound: &Reaction) -> String {
        let plan = self.plan;
        let fires = match (&guard.when, guard.hold) {
            (GuardWhen::Refuted, _) => {
                "Guard 1 (`refuted`) fires as soon as an expectation or a check is refuted; the verdict stays `refuted`."
                    .replace("Guard 1", &format!("Guard {number}"))
            }
            (GuardWhen::Condition(_), Some(hold)) => format!(
                "Guard {number} (`{}`) fires when this is true of every valid sample for {hold}; the verdict is `aborted`.",
                guard.text
            ),
            (GuardWhen::Condition(_), None) => format!(
                "Guard {number} (`{}`) fires at the first valid sample of which this is true; the verdict is `aborted`.",
                guard.text
            ),
        };
        let stream = bound.stream.and_then(|s| plan.streams.get(s as usize));
        let Some(stream) = stream else {
            return format!("{fires} It samples nothing during faults.");
        };
        let mut text = format!("{fires} {}", self.bound(guard, bound, stream));
        for burn in &bound.burns {
            text += &format!(
                " A budget is a running count, so nothing is added for looking back; in {} a full outage costs {} of the error \
                 budget of `{}`.",
                bound.total, burn.spent, burn.slo
            );
        }
        if let Some(gone) = budget_gone_after(plan, guard) {
            text += &format!(
                " It counts what was spent since this run began: after about {} of a full outage it is true.",
                rounded(gone)
            );
        }
        text
    }

    fn bound(&self, guard: &Guard, bound: &Reaction, stream: &Stream) -> String {
        let mut terms = vec![];
        if !bound.window.is_zero() {
            terms.push(format!("{} that a sample looks back", bound.window));
        }
        if !bound.hold.is_zero() {
            let word = if guard.when == GuardWhen::Refuted { "of the expectation's `within`" } else { "of `for`" };
            terms.push(format!("{} {word}", bound.hold));
        }
        terms.push(format!("{} until the next sample", bound.every));
        terms.push(format!("{} for its answer", bound.timeout));
        let end = if bound.undo.is_zero() {
            "the guard fires"
        } else {
            terms.push(format!("{} for the undo", bound.undo));
            "all is undone"
        };
        let slowest = if guard.when == GuardWhen::Refuted {
            format!(" (the slowest it watches is `{}`)", stream.text)
        } else {
            String::new()
        };
        format!("From the break until {end} it takes at most {}: {}{slowest}.", bound.total, list(&terms))
    }

    pub(super) fn silence(&self) -> Section {
        let mut out = Writing::new("When data falls silent");
        let from = if self.is_run { "this machine" } else { "inside of the cluster, by the gate or by Litmus' probes" };
        out.say(format!(
            "A sample is valid if it comes in time as exactly one finite value of its type; anything else is a missing sample. \
             When none has been valid for longer than the patience of its source, that is a gap. Silence is never taken for \
             health. All sources are asked from {from}."
        ));
        // Streams that are asked alike are told together.
        let mut asked: Vec<(String, Vec<u32>)> = vec![];
        for (index, stream) in (0u32..).zip(&self.plan.streams) {
            let how = format!(
                "{} every {}, with {} for the answer; a gap begins after {}",
                source(&stream.source),
                stream.every,
                stream.timeout,
                stream.patience
            );
            match asked.iter_mut().find(|(words, _)| *words == how) {
                Some((_, all)) => all.push(index),
                None => asked.push((how, vec![index])),
            }
        }
        for (how, all) in asked {
            out.say(format!("Asked is {how}:"));
            for index in all {
                if let Some(stream) = self.plan.streams.get(index as usize) {
                    out.push(self.stream(index, stream), Some(stream.span), 1);
                }
            }
        }
        out.done()
    }

    fn stream(&self, index: u32, stream: &Stream) -> String {
        let plan = self.plan;
        let uses = |condition: &Condition| condition.streams().contains(&index);
        let guards: Vec<(usize, Duration)> = plan
            .guards
            .iter()
            .enumerate()
            .filter(|(_, g)| matches!(&g.when, GuardWhen::Condition(c) if uses(c)))
            .filter_map(|(i, _)| reaction(plan, i).map(|r| (i + 1, r.silence)))
            .collect();
        let expectations: Vec<String> = plan
            .expectations
            .iter()
            .filter(|e| uses(&e.condition) || matches!(&e.phase, Phase::Relaxed { condition, .. } if uses(condition)))
            .map(|e| tick(&e.name))
            .collect();
        let mut checks: Vec<String> = vec![];
        each(&plan.method, &mut |kind| {
            if let StepKind::Check { name, condition, .. } = kind
                && uses(condition)
            {
                checks.push(tick(name));
            }
        });
        let mut effects = vec![];
        if let Some(slowest) = guards.iter().map(|(_, silence)| *silence).max() {
            let all: Vec<usize> = guards.iter().map(|(number, _)| *number).collect();
            let (who, verb) = (numbers("guard", "guards", &all), if all.len() == 1 { "takes" } else { "take" });
            effects.push(format!(
                "{who} {verb} it for true and ends the run, all undone at most {slowest} after the last valid sample"
            ));
        }
        if !expectations.is_empty() {
            effects.push(format!("the verdict is `inconclusive` at best, for {}", list(&expectations)));
        }
        if !checks.is_empty() {
            let verb = if checks.len() == 1 { "waits" } else { "wait" };
            effects.push(format!("the check {} {verb} on, until the time for it is over", list(&checks)));
        }
        if effects.is_empty() {
            effects.push("nothing happens, as nothing is judged by it".to_owned());
        }
        format!("`{}`. In a gap {}.", stream.text, effects.join("; "))
    }
}

/// What is sent along: a secret by its name, a header by its own.
fn sent(token: Option<&SmolStr>, headers: &[SentHeader]) -> String {
    let token = token.map(|name| format!("the secret `{name}`"));
    let headers = headers.iter().map(|header| match &header.value {
        SentText::Text(_) => format!("the header `{}`", header.name),
        SentText::Secret(secret) => format!("the secret `{secret}` as `{}`", header.name),
    });
    let all: Vec<String> = token.into_iter().chain(headers).collect();
    if all.is_empty() { String::new() } else { format!(" (with {})", list(&all)) }
}

/// Where samples come from, in words.
fn source(source: &Source) -> String {
    match source {
        Source::Prometheus { server: Some(server), .. } => format!("the Prometheus at {server}"),
        Source::Prometheus { server: None, .. } => {
            "a Prometheus, of which the cluster declares none (so no sample will be valid),".to_owned()
        }
        Source::Json { url, pointer, token, headers } => {
            format!("{url}{} for the number at `{pointer}`", sent(token.as_ref(), headers))
        }
        Source::Http { url, answer, token, headers } => {
            let answer = match answer {
                HttpAnswer::Status => "its status".to_owned(),
                HttpAnswer::Time => "the time that its answer takes".to_owned(),
                HttpAnswer::Ok => "whether it answers with 200 to 299".to_owned(),
                HttpAnswer::Body { pattern } => format!("what `{pattern}` finds in its body"),
                HttpAnswer::Header { name, pattern: None } => format!("its header `{name}`"),
                HttpAnswer::Header { name, pattern: Some(pattern) } => {
                    format!("what `{pattern}` finds in its header `{name}`")
                }
            };
            format!("{url}{} for {answer}", sent(token.as_ref(), headers))
        }
        Source::Kubernetes { .. } => "the Kubernetes API".to_owned(),
        Source::Processes { .. } => "this machine".to_owned(),
        Source::Scrape { url, token, headers, .. } => format!("{url}{}", sent(token.as_ref(), headers)),
        Source::Tcp { address, .. } => format!("{address} for a connection"),
        Source::Dns { name, server: None, .. } => format!("this machine's name server for `{name}`"),
        Source::Dns { name, server: Some(server), .. } => format!("{server} for `{name}`"),
        Source::Command { command, .. } => {
            format!("the program `{}`", command.first().map_or("", smol_str::SmolStr::as_str))
        }
        Source::Tls { url } => format!("{url} for its certificate"),
        Source::Objective { slo, indicator, .. } => {
            format!("{}, for the objective `{slo}`,", self::source(indicator).trim_end_matches(','))
        }
    }
}

/// A duration to the nearest second.
fn rounded(length: Duration) -> Duration {
    const SECOND: u64 = 1_000_000_000;
    Duration::from_nanos((length.as_nanos() + SECOND / 2) / SECOND * SECOND).unwrap_or(length)
}

/// Calls `f` with each step, in order.
fn each(steps: &[Step], f: &mut dyn FnMut(&StepKind)) {
    for step in steps {
        f(&step.kind);
        match &step.kind {
            StepKind::With { steps, .. }
            | StepKind::Parallel(steps)
            | StepKind::Sequence(steps)
            | StepKind::Round { steps, .. } => each(steps, f),
            _ => {}
        }
    }
}
