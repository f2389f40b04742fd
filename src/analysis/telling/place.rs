//! Where it runs, which engine carries each fault and why not another, and what allows the run.

use super::words::{list, numbers, sentence, team, tick};
use super::{Section, Teller, Writing};
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
        self.native(&mut out);
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
        let why: Vec<String> = before.map(|e| format!("{}, because {}", e.title(), why_not(fault, *e))).collect();
        match (carrier, why.is_empty()) {
            (Some(engine), true) => format!("is carried by {}, the first of them.", engine.title()),
            (Some(engine), false) => format!("is carried by {}; not by {}.", engine.title(), why.join("; not by ")),
            (None, _) => format!("can be carried by no engine of this cluster: not by {}.", why.join("; not by ")),
        }
    }

    /// Which engines could take the whole plan on their own.
    fn native(&self, out: &mut Writing) {
        let (mut whole, mut parts) = (vec![], vec![]);
        for engine in [EngineName::ChaosMesh, EngineName::Litmus] {
            let refused =
                self.fault_lanes().find(|(_, _, f)| !matches!(f.bodies.get(&engine), Some(Body::Expressed(_))));
            match refused {
                None => whole.push(engine.title().to_owned()),
                Some((number, _, fault)) => parts.push(format!(
                    "{} cannot, because of step {number}: {}",
                    engine.title(),
                    why_not(fault, engine)
                )),
            }
        }
        let lead = "`perturb compile` needs one engine for all of it.";
        let mut text = match whole.as_slice() {
            [] => lead.to_owned(),
            [one] => format!("{lead} {one} can carry all faults."),
            all => format!("{lead} {} can each carry all faults.", list(all)),
        };
        for part in parts {
            text += &format!(" {}", sentence(&part));
        }
        out.say(text);
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

fn why_not(fault: &Fault, engine: EngineName) -> String {
    match fault.bodies.get(&engine) {
        Some(Body::Expressed(_)) => "it can".to_owned(),
        // That a body does not name a parameter is the usual reason, and says no more than the construct itself.
        Some(Body::Refused { construct, reason }) if reason.ends_with("cannot be said there") => {
            format!("`{}` cannot take `{construct}` there", fault.name)
        }
        Some(Body::Refused { construct, reason }) => {
            format!("`{}` cannot take `{construct}` there ({})", fault.name, reason.trim().trim_end_matches('.'))
        }
        None => format!("`{}` is not declared for it", fault.name),
    }
}

fn judged(rule: &Rule) -> String {
    let verdict = match &rule.verdict {
        RuleVerdict::Holds(found) => format!("holds ({found})"),
        RuleVerdict::Broken(found) => format!("does not hold ({found}), so the run is refused"),
        RuleVerdict::AtPreflight(why) => format!("is decided at preflight ({why})"),
    };
    format!("`{}`, because \"{}\" (policy `{}`): {verdict}.", rule.text, rule.because, rule.policy)
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
