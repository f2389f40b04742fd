//! Proof: there are hours in which the whole run fits.
//!
//! Comes in: the `hours` of a plan (policies' and its own) and the bound of the run. Goes out: P0459–P0463, P0504; also
//! the open stretches for [`super::schedule`]. Time zones are those of the compiler, never the machine's; the days looked
//! at are fixed, so that the same text gives the same answer for ever.

use std::sync::LazyLock;

use jiff::civil::{Date, date};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span as Days, ToSpan};

use super::timeline::Timeline;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{ClosedDays, Hours, OpenHours, Plan};
use crate::source::Span;
use crate::types::Duration;

/// The zones that are compiled in: the machine's own could differ.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Where the year begins that stands for all years.
pub const YEAR: Date = date(2026, 1, 1);

/// Seconds since 1970, from and to.
pub type Stretch = (i64, i64);

/// The time zone of a name such as `Asia/Jakarta`, letter by letter, as engines compare it.
pub fn zone(name: &str) -> Option<TimeZone> {
    ZONES.get(name).ok().filter(|zone| zone.iana_name().is_none_or(|known| known == name))
}

/// Adds hours that cannot be kept.
pub fn check(plan: &Plan, timeline: &Timeline, out: &mut Vec<Diagnostic>) {
    let before = out.len();
    plan.hours.iter().for_each(|hours| alone(hours, out));
    if out.iter().skip(before).any(Diagnostic::is_error) {
        return;
    }
    fits(plan, timeline.total, out);
}

/// Adds what is wrong with hours whatever runs in them: a policy is often written before the first experiment.
pub fn alone(hours: &Hours, out: &mut Vec<Diagnostic>) {
    hours.only.iter().for_each(|open| readable(open, out));
    hours.never.iter().for_each(|closed| closed_days(hours, closed, out));
}

fn readable(open: &OpenHours, out: &mut Vec<Diagnostic>) {
    unknown_zone(&open.zone, open.span, out);
    if open.to_minute <= open.from_minute {
        let (from, to) = (clock(open.from_minute), clock(open.to_minute));
        let message = format!("these hours end before they begin: {from}..{to}");
        out.push(
            Diagnostic::new(Code::HOURS_REVERSED, open.span, message)
                .why("it would never be open")
                .help("for hours that go over midnight write two lines: one until 24:00, one from 00:00"),
        );
    }
}

/// Says that a zone is unknown.
pub fn unknown_zone(name: &str, span: Span, out: &mut Vec<Diagnostic>) {
    if zone(name).is_some() {
        return;
    }
    let known: Vec<String> = ZONES.available().map(|n| n.to_string()).collect();
    let mut diagnostic = Diagnostic::new(Code::UNKNOWN_ZONE, span, format!("there is no time zone `{name}`"))
        .why("without a zone nobody can say when that is");
    diagnostic = match crate::diagnostic::nearest(name, known.iter().map(String::as_str)) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help("write the name of a region and city, such as `Asia/Jakarta`, or `UTC`"),
    };
    out.push(diagnostic);
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// `never on` that ends before it begins, or that closes what is never open.
fn closed_days(hours: &Hours, closed: &ClosedDays, out: &mut Vec<Diagnostic>) {
    let (Ok(from), Ok(to)) = (closed.from.parse::<Date>(), closed.to.parse::<Date>()) else { return };
    if to < from {
        let message = format!("these days end before they begin: {from}..{to}");
        out.push(
            Diagnostic::new(Code::CLOSED_REVERSED, closed.span, message)
                .why("no day would be closed")
                .help(format!("write `{to}..{from}`, if that is what is meant")),
        );
        return;
    }
    let days: Vec<Date> = from.series(Days::new().days(1)).take(7).take_while(|d| *d <= to).collect();
    let open = |day: &Date| hours.only.iter().any(|o| covers(o, *day));
    if !hours.only.is_empty() && !days.iter().any(open) {
        let message = if from == to {
            format!("{from} is never open anyway")
        } else {
            format!("{from}..{to} is never open anyway")
        };
        let mut diagnostic = Diagnostic::new(Code::CLOSED_WITHOUT_EFFECT, closed.span, message)
            .why("a day that closes nothing is often a wrong date")
            .help("check the date, or leave the line away");
        for open in &hours.only {
            diagnostic = diagnostic.also(open.span, "the only open hours");
        }
        out.push(diagnostic);
    }
}

fn covers(open: &OpenHours, day: Date) -> bool {
    let weekday = day.weekday().to_monday_one_offset().unsigned_abs();
    if open.from_day <= open.to_day {
        (open.from_day..=open.to_day).contains(&weekday)
    } else {
        weekday >= open.from_day || weekday <= open.to_day
    }
}

/// The whole bound of the run fits into some open stretch.
fn fits(plan: &Plan, total: Duration, out: &mut Vec<Diagnostic>) {
    let lists: Vec<&Hours> = plan.hours.iter().filter(|h| !h.only.is_empty()).collect();
    let Some(first) = lists.iter().find_map(|h| h.only.first()) else { return };
    let needed = i64::try_from(total.as_secs_ceil()).unwrap_or(i64::MAX);
    let alone = |open: &OpenHours| i64::from(open.to_minute.saturating_sub(open.from_minute)) * 60;
    if let [only] = lists.as_slice()
        && only.only.iter().any(|o| alone(o) >= needed)
    {
        return;
    }
    // Two weeks see summer and winter time on both sides of the equator.
    let weeks = [date(2026, 1, 12), date(2026, 7, 13)];
    let longest = weeks.into_iter().flat_map(|week| open_stretches(&plan.hours, week, 8)).map(|(a, b)| b - a).max();
    let Some(longest) = longest else {
        let mut diagnostic = Diagnostic::new(Code::HOURS_NEVER_MEET, first.span, "these open hours never meet")
            .why("every list of open hours must be kept: the experiment's and that of each policy")
            .help("let them overlap by the length of the run at least");
        for open in lists.iter().flat_map(|h| &h.only).filter(|o| o.span != first.span) {
            diagnostic = diagnostic.also(open.span, "and these");
        }
        out.push(diagnostic);
        return;
    };
    if longest >= needed {
        return;
    }
    let longest = Duration::from_secs(u32::try_from(longest).unwrap_or(u32::MAX));
    let message = format!("the run may take {total}, and it is open for {longest} at a time");
    let mut diagnostic = Diagnostic::new(Code::HOURS_TOO_SHORT, first.span, message)
        .label("the whole bound of the run must fit")
        .also(plan.span, format!("`{}` takes {total} at most", plan.name))
        .why("preflight would refuse it at any time of the week")
        .help("make the experiment shorter, or open for longer");
    for open in lists.iter().flat_map(|h| &h.only).filter(|o| o.span != first.span) {
        diagnostic = diagnostic.also(open.span, "and these");
    }
    out.push(diagnostic);
}

/// Whether a run that begins at this moment (seconds since 1970) and takes `total` at most lies within all open hours and
/// touches no closed day.
///
/// A closed day is that date where the open hours of the same list are; without open hours, that date anywhere on Earth.
///
/// # Errors
/// What is closed, and when.
pub fn open_at(plan: &Plan, wall: i64, total: Duration) -> Result<(), String> {
    let end = wall.saturating_add(i64::try_from(total.as_secs_ceil()).unwrap_or(i64::MAX));
    let Ok(moment) = jiff::Timestamp::from_second(wall) else { return Err("the clock is out of range".to_owned()) };
    let today = moment.to_zoned(TimeZone::UTC).date();
    let begin = today.yesterday().unwrap_or(today);
    let days = u16::try_from(total.as_secs_ceil() / 86_400).unwrap_or(u16::MAX).saturating_add(4);
    let fits = |(from, to): &Stretch| *from <= wall && end <= *to;
    if !open_stretches(&plan.hours, begin, days).iter().any(fits) {
        return Err(format!("the run may take {total}, and the open hours do not hold it from now"));
    }
    for hours in &plan.hours {
        for closed in &hours.never {
            let (Ok(from), Ok(to)) = (closed.from.parse::<Date>(), closed.to.parse::<Date>()) else {
                return Err(format!("`{}..{}` cannot be read as days", closed.from, closed.to));
            };
            if wall < ends(hours, to) && begins(hours, from) <= end {
                return Err(format!("closed on {}..{}: {}", closed.from, closed.to, closed.because));
            }
        }
    }
    Ok(())
}

/// When a closed day begins, at the earliest that its list allows to read.
fn begins(hours: &Hours, day: Date) -> i64 {
    moments(hours, day).min().unwrap_or(i64::MIN)
}

/// When a closed day has ended, at the latest.
fn ends(hours: &Hours, day: Date) -> i64 {
    day.tomorrow().ok().and_then(|next| moments(hours, next).max()).unwrap_or(i64::MAX)
}

/// The midnights with which a day begins where the list's open hours are, or at the two ends of the world.
fn moments(hours: &Hours, day: Date) -> impl Iterator<Item = i64> {
    let mut zones: Vec<TimeZone> = hours.only.iter().filter_map(|open| zone(&open.zone)).collect();
    if zones.is_empty() {
        zones = [14, -12].map(|hour| TimeZone::fixed(jiff::tz::offset(hour))).into();
    }
    zones.into_iter().filter_map(move |zone| Some(zone.to_zoned(day.at(0, 0, 0, 0)).ok()?.timestamp().as_second()))
}

/// When all lists of open hours allow a run, from a date on for some days; everything, if none restricts it. Closed days
/// are not taken out: they are dates of one year.
pub fn open_stretches(hours: &[Hours], from: Date, days: u16) -> Vec<Stretch> {
    let mut open: Vec<Stretch> = vec![(i64::MIN / 2, i64::MAX / 2)];
    for list in hours.iter().filter(|h| !h.only.is_empty()) {
        let mut own: Vec<Stretch> = list.only.iter().flat_map(|o| stretches_of(o, from, days)).collect();
        own.sort_unstable();
        open = intersect(&open, &merge(own));
    }
    open
}

fn stretches_of(open: &OpenHours, from: Date, days: u16) -> Vec<Stretch> {
    let Some(zone) = zone(&open.zone) else { return Vec::new() };
    let seconds = |day: Date, minute: u16| -> Option<i64> {
        // 24:00 is the midnight that ends the day.
        let moment = day.at(0, 0, 0, 0).checked_add(i64::from(minute).minutes()).ok()?;
        Some(zone.to_ambiguous_zoned(moment).compatible().ok()?.timestamp().as_second())
    };
    from.series(Days::new().days(1))
        .take(usize::from(days))
        .filter(|day| covers(open, *day))
        .filter_map(|day| Some((seconds(day, open.from_minute)?, seconds(day, open.to_minute)?)))
        .filter(|(from, to)| from < to)
        .collect()
}

/// Joins stretches that touch; they come sorted.
fn merge(stretches: Vec<Stretch>) -> Vec<Stretch> {
    let mut merged: Vec<Stretch> = Vec::new();
    for (from, to) in stretches {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}

fn intersect(a: &[Stretch], b: &[Stretch]) -> Vec<Stretch> {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut both = Vec::new();
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        let (from, to) = (x.0.max(y.0), x.1.min(y.1));
        if from < to {
            both.push((from, to));
        }
        if x.1 < y.1 {
            a.next()
        } else {
            b.next()
        };
    }
    both
}
