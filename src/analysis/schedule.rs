//! Proof: a `verify` comes round, not before the last run can have ended, and at times when it may run.
//!
//! Comes in: a plan's schedule, hours and bound. Goes out: P0464–P0469 (P0504 for the zone). A verify that fires outside
//! of open hours waits for them; so each of its periods must hold a stretch in which the run fits.

use jiff::tz::TimeZone;

use super::cron::Cron;
use super::hours::{self, Stretch, YEAR};
use super::timeline::Timeline;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Plan, Schedule};
use crate::source::Span;
use crate::types::Duration;

/// Adds what is wrong with the schedule of the plan.
pub fn check(plan: &Plan, timeline: &Timeline, out: &mut Vec<Diagnostic>) {
    let Some(schedule) = &plan.schedule else { return };
    let Some(cron) = alone(&schedule.cron, &schedule.zone, schedule.span, out) else { return };
    if let Some(zone) = hours::zone(&schedule.zone) {
        stale(schedule, &cron, &zone, out);
        times(plan, schedule, &cron, &zone, timeline.total, out);
    }
}

/// A verdict that does not count until the next start, whichever that is: most of the time there would be no proof.
fn stale(schedule: &Schedule, cron: &Cron, zone: &TimeZone, out: &mut Vec<Diagnostic>) {
    let Some(fresh) = schedule.fresh_for else { return };
    let fires = firings(cron, zone);
    let Some(gap) = fires.windows(2).filter_map(|w| Some(w.last()? - w.first()?)).min() else { return };
    let gap = Duration::from_secs(u32::try_from(gap).unwrap_or(u32::MAX));
    if fresh < gap {
        out.push(
            Diagnostic::new(
                Code::STALE_VERDICT,
                schedule.span,
                format!("a verdict of `{}` counts for {fresh}, and the next one comes after {gap}", schedule.verify),
            )
            .why("each verdict is stale before the next start, so that for a part of the time nothing is proved")
            .help(format!("write `fresh-for: {gap}` or longer, or run it more often")),
        );
    }
}

/// Adds what is wrong with a schedule whatever it runs; the times, if they can be read.
pub fn alone(cron: &str, zone: &str, span: Span, out: &mut Vec<Diagnostic>) -> Option<Cron> {
    hours::unknown_zone(zone, span, out);
    let parsed = match Cron::parse(cron) {
        Ok(parsed) => parsed,
        Err(reason) => {
            let message = format!("`{cron}` is not a cron text: {reason}");
            out.push(
                Diagnostic::new(Code::BAD_CRON, span, message)
                    .why("the engines' controllers read five fields, days of the week from 0 (Sunday) to 6")
                    .help("minute, hour, day of the month, month, day of the week: `0 10 * * tue`"),
            );
            return None;
        }
    };
    if !parsed.ever_fires() {
        let message = format!("`{cron}` never comes: no month that it names has such a day");
        out.push(
            Diagnostic::new(Code::CRON_NEVER, span, message)
                .why("the proof would never be made, and nothing would say so")
                .help("check the day of the month and the month: the third and fourth field"),
        );
        return None;
    }
    Some(parsed)
}

fn times(plan: &Plan, schedule: &Schedule, cron: &Cron, zone: &TimeZone, total: Duration, out: &mut Vec<Diagnostic>) {
    let needed = i64::try_from(total.as_secs_ceil()).unwrap_or(i64::MAX);
    let restricted = plan.hours.iter().any(|h| !h.only.is_empty());
    // An hour less for the day on which the clocks change.
    if !restricted && least_gap(cron) - 3600 >= needed {
        return;
    }
    let fires = firings(cron, zone);
    let gap = fires.windows(2).filter_map(|w| Some(w.last()? - w.first()?)).min();
    if let Some(gap) = gap.filter(|gap| *gap < needed) {
        let gap = Duration::from_secs(u32::try_from(gap).unwrap_or(u32::MAX));
        let message = format!("it comes again after {gap}, and one run may take {total}");
        out.push(
            Diagnostic::new(Code::PERIOD_TOO_SHORT, schedule.span, message)
                .also(plan.span, format!("`{}` takes {total} at most", plan.name))
                .why(
                    "a start that finds the last run unfinished is skipped, and nobody notices that proofs are missing",
                )
                .help(format!("leave {total} at least between two starts")),
        );
        return;
    }
    if restricted {
        within_hours(plan, schedule, &fires, needed, total, out);
    }
}

/// The least time between two starts, were every day a day on which it fires.
fn least_gap(cron: &Cron) -> i64 {
    const DAY: i64 = 24 * 60;
    let minutes: Vec<i64> = cron.minutes_of_day().map(i64::from).collect();
    let within = minutes.windows(2).filter_map(|w| Some(w.last()? - w.first()?));
    let over_midnight = minutes.first().zip(minutes.last()).map(|(first, last)| first + DAY - last);
    within.chain(over_midnight).min().unwrap_or(DAY) * 60
}

/// The first starts of four years, so that a leap day is among them; sixty are enough to see the rhythm.
fn firings(cron: &Cron, zone: &TimeZone) -> Vec<i64> {
    let mut found: Vec<i64> = YEAR
        .series(jiff::Span::new().days(1))
        .take(4 * 366)
        .flat_map(|day| cron.on(day))
        .filter_map(|at| Some(zone.to_ambiguous_zoned(at).compatible().ok()?.timestamp().as_second()))
        .take(60)
        .collect();
    found.dedup();
    found
}

/// Each period, from one start to the next, holds an open stretch in which the run fits.
fn within_hours(
    plan: &Plan,
    schedule: &Schedule,
    fires: &[i64],
    needed: i64,
    total: Duration,
    out: &mut Vec<Diagnostic>,
) {
    let (Some(first), Some(last)) = (fires.first(), fires.last()) else { return };
    let days = u16::try_from((last - first) / 86_400 + 3).unwrap_or(u16::MAX);
    let begin = jiff::Timestamp::from_second(*first).map_or(YEAR, |t| TimeZone::UTC.to_datetime(t).date());
    let open = hours::open_stretches(&plan.hours, begin.yesterday().unwrap_or(begin), days);
    let periods: Vec<Stretch> = fires.windows(2).filter_map(|w| Some((*w.first()?, *w.last()?))).collect();
    let fits = |period: &&Stretch| open.iter().any(|(from, to)| to.min(&period.1) - from.max(&period.0) >= needed);
    let good = periods.iter().filter(fits).count();
    if good == periods.len() {
        return;
    }
    let message = if good == 0 {
        format!("between two starts it is never open for the {total} that a run may take")
    } else {
        format!("not every start is followed by {total} of open hours before the next one")
    };
    let code = if good == 0 { Code::NEVER_IN_HOURS } else { Code::SOMETIMES_NOT_IN_HOURS };
    let mut diagnostic = Diagnostic::new(code, schedule.span, message)
        .why("a start outside of open hours waits for them, and is lost when the next one comes first")
        .help("let it start when it is open");
    for open in plan.hours.iter().flat_map(|h| &h.only) {
        diagnostic = diagnostic.also(open.span, "open then");
    }
    out.push(diagnostic);
}
