//! Where it runs, which engine carries each fault and why not another, and what allows the run.

use super::words::{either, list, numbers, sentence, team, tick};
use super::{Section, Teller, Writing};
use crate::analysis::portability::{Native, out_of_reach};
use crate::plan::{Body, ClosedDays, EngineName, Fault, Hours, OpenHours, Rule, RuleVerdict, Schedule};
use crate::types::Duration;

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

impl Teller<'_> {
    pub(super) fn place(&self) -> Section {
        let (plan, place) = (self.plan, &self.plan.place);
        let mut out = Writing::new("Where it runs");
        let engines: Vec<String> = place.cluster.engines.iter().map(|e| e.title().to_owned()).collect();
        out.say(format!(
            "In the environment `{}`, on the cluster `{}` (context `{}`). Its engines, preferred first: {}.",
            place.environment,
            place.cluster.name,
            place.cluster.context,
            list(&engines)
        ));
        if let Some(remote) = &place.cluster.remote_cluster {
            out.say(format!("Objects of Chaos Mesh are made there and inject in another cluster, `{remote}`."));
        }
        if place.protected {
            out.say(format!(
                "`{}` is protected: no run without a policy that covers it, and the operator types its name.",
                place.environment
            ));
        }
        let mut limits = vec!["`kube-system`".to_owned(), "the engines' own namespaces".to_owned()];
        limits.extend(place.cluster.off_limits.iter().map(tick));
        out.say(format!("Never hit there: {}.", list(&limits)));
        self.carriers(&mut out);
        self.holder(&mut out);
        if let Some(schedule) = &plan.schedule {
            out.of(schedule.span, repeated(schedule));
        }
        out.done()
    }

    /// One sentence for all steps with the same fault, engine and reasons.
    fn carriers(&self, out: &mut Writing) {
        let mut told: Vec<(String, crate::source::Span, Vec<usize>, String)> = vec![];
        for (number, lane, fault) in self.fault_lanes() {
            let words = self.carried(fault);
            let same = told.iter_mut().find(|(name, _, _, w)| *name == fault.name.as_str() && *w == words);
            match same {
                Some((_, _, steps, _)) => steps.push(number),
                None => told.push((fault.name.to_string(), lane.span, vec![number], words)),
            }
        }
        for (name, span, steps, words) in told {
            out.of(span, format!("`{name}` ({}) {words}", numbers("step", "steps", &steps)));
        }
    }

    fn carried(&self, fault: &Fault) -> String {
        let carrier = self.carrier(fault);
        let before = self.plan.place.cluster.engines.iter().take_while(|e| Some(**e) != carrier);
        let why = before.filter_map(|e| Some(format!("{}, because {}", e.title(), self.why_not(fault, *e)?)));
        let why: Vec<String> = why.collect();
        let not = if why.is_empty() { String::new() } else { format!("; not by {}", why.join("; not by ")) };
        match carrier {
            None => format!("can be carried by no engine of this cluster{}.", not.replacen(';', ":", 1)),
            Some(EngineName::Kubernetes) => {
                format!("could be carried by the Kubernetes API, which no command drives yet{not}.")
            }
            Some(engine) if self.is_held() => format!("is carried by {}{not}.", engine.title()),
            Some(engine) => format!("could be carried by {}{not}.", engine.title()),
        }
    }

    /// Whether anything can hold the plan here.
    fn is_held(&self) -> bool {
        self.is_run || self.compiled_for().is_some()
    }

    /// Why an engine cannot do a fault; `None`: it can.
    fn why_not(&self, fault: &Fault, engine: EngineName) -> Option<String> {
        let there = |construct: &str| format!("`{}` cannot take `{construct}` there", fault.name);
        match fault.bodies.get(&engine) {
            Some(Body::Expressed(_)) => out_of_reach(self.plan, fault, engine),
            // That a body does not name a parameter is the usual reason, and says no more than the construct itself.
            Some(Body::Refused { construct, reason }) if reason.ends_with("cannot be said there") => {
                Some(there(construct))
            }
            Some(Body::Refused { construct, reason }) => {
                Some(format!("{} ({})", there(construct), reason.trim().trim_end_matches('.')))
            }
            None => Some(format!("`{}` is not declared for it", fault.name)),
        }
    }

    /// What holds the plan here: `perturb run`, or an engine for which all of it is compiled.
    fn holder(&self, out: &mut Writing) {
        let cluster = &self.plan.place.cluster;
        if self.is_run {
            out.say("`perturb run` holds it here: it drives what is on this machine itself.");
        }
        // Where everything is on this machine nothing is compiled.
        if cluster.is_local() {
            return;
        }
        let here: Vec<&Native> = self.natives.iter().filter(|n| cluster.engines.contains(&n.engine)).collect();
        let able = here.iter().filter(|n| n.is_compiled());
        let able: Vec<String> = able.map(|n| format!("{} (`--engine {}`)", n.engine.title(), n.engine)).collect();
        let lead = if self.is_run {
            ""
        } else {
            "`perturb run` drives what is on this machine, and nothing in a cluster, so here it has to be compiled. "
        };
        let mut text = match (here.as_slice(), able.as_slice()) {
            ([], _) => format!("{lead}None of the cluster's engines can be compiled for."),
            (_, []) => format!("{lead}`perturb compile` needs one engine for all of it, and refuses it for each."),
            (_, able) => format!("{lead}`perturb compile` needs one engine for all of it, and takes {}.", either(able)),
        };
        for native in here {
            text += &refusal(native);
        }
        if !self.is_run && able.is_empty() {
            text += " So nothing can hold it here.";
        }
        out.say(text);
        for native in self.natives.iter().filter(|n| n.is_compiled() && cluster.engines.contains(&n.engine)) {
            for whom in &native.whom {
                out.say(sentence(whom));
            }
        }
    }

    pub(super) fn permission(&self) -> Section {
        let plan = self.plan;
        let mut out = Writing::new("What allows it");
        let allowed: Vec<String> = plan.environments.iter().map(tick).collect();
        if !allowed.is_empty() {
            out.of(plan.span, format!("The experiment may run in {}.", list(&allowed)));
        }
        if plan.rules.is_empty() {
            out.say(format!("No policy has a rule for `{}`.", plan.place.environment));
        }
        for rule in &plan.rules {
            out.of(rule.span, judged(rule));
        }
        for hours in &plan.hours {
            self.hours(&mut out, hours);
        }
        if plan.hours.is_empty() {
            out.say("It may run at any hour.");
        }
        for approval in &plan.approvals {
            let by = approval.policy.as_ref().map_or("the experiment".to_owned(), |p| format!("the policy `{p}`"));
            out.of(
                approval.span,
                format!(
                    "{} must approve it, says {by}; the approval is bound to this plan's digest.",
                    team(plan, &approval.team)
                ),
            );
        }
        if plan.approvals.is_empty() {
            out.say("Nobody has to approve it.");
        }
        let digest = if plan.digest.is_empty() { "not computed".to_owned() } else { tick(&plan.digest) };
        out.say(format!("The plan's digest is {digest}: it changes with anything that changes what happens."));
        out.done()
    }

    fn hours(&self, out: &mut Writing, hours: &Hours) {
        let by = hours.policy.as_ref().map_or("The experiment".to_owned(), |p| format!("The policy `{p}`"));
        let open: Vec<String> = hours.only.iter().map(|o| self.open(o)).collect();
        if let Some(first) = hours.only.first() {
            let total = self.timeline.total;
            out.of(
                first.span,
                format!("{by} opens {}; all of the run, at most {total}, must fit in.", super::words::either(&open)),
            );
        }
        for days in &hours.never {
            out.of(days.span, closed(&by, days));
        }
    }

    fn open(&self, open: &OpenHours) -> String {
        let days = if open.from_day == open.to_day {
            format!("on {}", day(open.from_day))
        } else {
            format!("{} to {}", day(open.from_day), day(open.to_day))
        };
        let (from, to) = (clock(open.from_minute), clock(open.to_minute));
        let length = Duration::from_secs(u32::from(open.to_minute.saturating_sub(open.from_minute)) * 60);
        let needs = u16::try_from(self.timeline.total.as_secs_ceil().div_ceil(60)).unwrap_or(u16::MAX);
        let latest = if self.timeline.total > length {
            ", which is too short for it".to_owned()
        } else {
            format!(" (so the last begin is {})", clock(open.to_minute.saturating_sub(needs)))
        };
        format!("{days}, {from} to {to} in {}{latest}", open.zone)
    }
}

/// ` For Litmus it is refused: Litmus cannot …`, with the number of further reasons.
fn refusal(native: &Native) -> String {
    let Some(first) = native.refused.first() else { return String::new() };
    let more = match native.refused.len() - 1 {
        0 => String::new(),
        1 => " There is another reason.".to_owned(),
        more => format!(" There are {more} more reasons."),
    };
    format!(" For {} it is refused: {}{more}", native.engine.title(), sentence(&first.message))
}

fn judged(rule: &Rule) -> String {
    let verdict = match &rule.verdict {
        RuleVerdict::Holds(found) => format!("holds ({found})"),
        RuleVerdict::Broken(found) => format!("does not hold ({found}), so the run is refused"),
        RuleVerdict::AtPreflight(why) => format!("is decided at preflight ({why})"),
    };
    let broken = rule
        .broken_by
        .iter()
        .map(|(engine, found)| format!(" It is not compiled for {}, which draws otherwise ({found}).", engine.title()));
    let broken: String = broken.collect();
    format!("`{}`, because \"{}\" (policy `{}`): {verdict}.{broken}", rule.text, rule.because, rule.policy)
}

fn closed(by: &str, days: &ClosedDays) -> String {
    let when =
        if days.from == days.to { format!("on {}", days.from) } else { format!("from {} to {}", days.from, days.to) };
    format!("{by} forbids it {when}: {}", sentence(&days.because))
}

fn day(number: u8) -> &'static str {
    DAYS.get(usize::from(number.wrapping_sub(1))).copied().unwrap_or("an unknown day")
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn repeated(schedule: &Schedule) -> String {
    let fresh = schedule.fresh_for.map_or_else(String::new, |d| format!(" Its verdict counts in reports for {d}."));
    let when = cron(&schedule.cron).unwrap_or_else(|| format!("by the cron line `{}`", schedule.cron));
    format!(
        "`{}` repeats it {when}, in {}. Runs are taken one after another and never overlap; it waits for open hours, and stops \
         at `aborted` or `error`.{fresh}",
        schedule.verify, schedule.zone
    )
}

/// A cron line in words, where it names one minute and hour of every day or of one weekday.
fn cron(line: &str) -> Option<String> {
    let mut fields = line.split_whitespace();
    let minute: u16 = fields.next()?.parse().ok()?;
    let hour: u16 = fields.next()?.parse().ok()?;
    let (date, month, weekday) = (fields.next()?, fields.next()?, fields.next()?);
    if date != "*" || month != "*" || fields.next().is_some() || minute > 59 || hour > 23 {
        return None;
    }
    let at = clock(hour * 60 + minute);
    let short = weekday.to_lowercase();
    let named = DAYS.iter().find(|d| d.to_lowercase().starts_with(&short) && short.len() == 3);
    match (weekday, named, weekday.parse::<u8>()) {
        ("*", _, _) => Some(format!("every day at {at}")),
        (_, Some(day), _) => Some(format!("every {day} at {at}")),
        (_, None, Ok(number)) if number <= 7 => {
            Some(format!("every {} at {at}", day(if number == 0 { 7 } else { number })))
        }
        _ => None,
    }
}
