//! `guard`: what ends the run early, when it may run, who must approve. Hours and approvals are policies' words too.

use jiff::civil::Date;

use super::hypothesis::{condition, condition_text, optional_time};
use crate::check::evaluate::{Evaluator, Val, text_of};
use crate::check::program::{Abort, ApprovalItem, ExprKind, GuardBlock, HoursItem, HoursKind, Name};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::{Approval, ClosedDays, Guard, GuardWhen, Hours, OpenHours};
use crate::types::Type;

/// What guards say; parts that are unknown or wrong are missing, and `complete` is false then.
#[derive(Debug, Default)]
pub struct Said {
    /// What ends the run early.
    pub guards: Vec<Guard>,
    /// When it may run.
    pub hours: Vec<Hours>,
    /// Who must approve.
    pub approvals: Vec<Approval>,
    /// Whether something is missing.
    pub incomplete: bool,
}

/// Reads a guard block into what was said before it.
pub fn read(ev: &mut Evaluator<'_>, block: &GuardBlock, said: &mut Said) {
    for abort in &block.aborts {
        match self::abort(ev, abort) {
            Some(guard) => said.guards.push(guard),
            None => said.incomplete = true,
        }
    }
    match hours(ev, &block.hours, None) {
        Some(Some(hours)) => said.hours.push(hours),
        Some(None) => {}
        None => said.incomplete = true,
    }
    for item in &block.approvals {
        match approval(ev, item, None) {
            Some(approval) => said.approvals.push(approval),
            None => said.incomplete = true,
        }
    }
}

fn abort(ev: &mut Evaluator<'_>, abort: &Abort) -> Option<Guard> {
    let hold = optional_time(ev, abort.hold.as_ref(), "for");
    if matches!(&abort.condition.kind, ExprKind::Name(name) if name == "refuted") {
        if let Some(hold) = &abort.hold {
            ev.report(
                Diagnostic::new(Code::TYPE_MISMATCH, hold.span, "`abort when refuted` acts at once and takes no `for`")
                    .help("leave `for` out"),
            );
            return None;
        }
        return Some(Guard { when: GuardWhen::Refuted, text: "refuted".into(), hold: None, span: abort.span });
    }
    if let ExprKind::Name(name) = &abort.condition.kind
        && !ev.is_visible(name)
        && let Some(near) = nearest(name, ["refuted"])
    {
        let span = abort.condition.span;
        ev.report(Diagnostic::new(Code::UNKNOWN_NAME, span, format!("nothing here is named `{name}`")).choice(
            format!("did you mean `{near}`?"),
            span,
            near,
        ));
        return None;
    }
    let condition = condition(ev, &abort.condition)?;
    Some(Guard {
        text: condition_text(&condition, &ev.streams),
        when: GuardWhen::Condition(condition),
        hold: hold?,
        span: abort.span,
    })
}

/// Hours as data: `Some(None)` if there are none, `None` if a line is wrong.
pub fn hours(ev: &mut Evaluator<'_>, items: &[HoursItem], policy: Option<&str>) -> Option<Option<Hours>> {
    let mut hours = Hours { policy: policy.map(Into::into), only: Vec::new(), never: Vec::new() };
    let mut fine = true;
    for item in items {
        match &item.kind {
            HoursKind::Only { from_day, to_day, from, to, zone } => {
                let days = (day(ev, from_day), to_day.as_ref().map_or(Some(None), |d| day(ev, d).map(Some)));
                let times = (minute(ev, from), minute(ev, to));
                let zone = time_zone(ev, zone);
                match (days, times, zone) {
                    ((Some(first), Some(last)), (Some(open), Some(close)), Some(zone)) => hours.only.push(OpenHours {
                        from_day: first,
                        to_day: last.unwrap_or(first),
                        from_minute: open,
                        to_minute: close,
                        zone,
                        span: item.span,
                    }),
                    _ => fine = false,
                }
            }
            HoursKind::Never { from, to, because } => {
                let days = (date(ev, from), to.as_ref().map_or(Some(None), |d| date(ev, d).map(Some)));
                let because = ev.reason(because);
                match (days, because) {
                    ((Some(first), Some(last)), Some(because)) => hours.never.push(ClosedDays {
                        to: last.unwrap_or_else(|| first.clone()),
                        from: first,
                        because: because.to_string(),
                        span: item.span,
                    }),
                    _ => fine = false,
                }
            }
        }
    }
    let mut found = Vec::new();
    crate::analysis::hours_alone(&hours, &mut found);
    found.into_iter().for_each(|diagnostic| ev.report(diagnostic));
    let empty = hours.only.is_empty() && hours.never.is_empty();
    fine.then(|| (!empty).then_some(hours))
}

fn day(ev: &mut Evaluator<'_>, name: &Name) -> Option<u8> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    if let Some(at) = DAYS.iter().position(|d| *d == name.text) {
        return Some(at as u8 + 1);
    }
    let diagnostic = Diagnostic::new(Code::UNKNOWN_DAY, name.span, format!("`{}` is no day of the week", name.text));
    const WHOLE: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let short = WHOLE.iter().position(|whole| whole.eq_ignore_ascii_case(&name.text)).and_then(|at| DAYS.get(at));
    // As cron writes it.
    let range = name.text.split_once('-').filter(|(from, to)| DAYS.contains(from) && DAYS.contains(to));
    ev.report(match (short, range, nearest(&name.text, DAYS)) {
        (Some(short), ..) => diagnostic.fix(format!("write `{short}`"), name.span, *short),
        (_, Some((from, to)), _) => diagnostic.help("the days from one to another have two dots between them").fix(
            format!("write `{from}..{to}`"),
            name.span,
            format!("{from}..{to}"),
        ),
        (.., Some(near)) => diagnostic.choice(format!("did you mean `{near}`?"), name.span, near),
        _ => diagnostic.help("the days are mon, tue, wed, thu, fri, sat, sun"),
    });
    None
}

/// Minutes since midnight of `10:00`; what is no time of day was reported where it was read.
fn minute(_: &mut Evaluator<'_>, name: &Name) -> Option<u16> {
    let (hours, minutes) = name.text.split_once(':')?;
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 24 && minutes < 60 && (hours < 24 || minutes == 0)).then_some(hours * 60 + minutes)
}

/// A day of the calendar; what is none was reported where it was read.
fn date(_: &mut Evaluator<'_>, name: &Name) -> Option<smol_str::SmolStr> {
    name.text.parse::<Date>().ok().map(|_| name.text.clone())
}

/// An IANA time zone.
pub fn time_zone(ev: &mut Evaluator<'_>, expr: &crate::check::program::Expr) -> Option<smol_str::SmolStr> {
    let name = text_of(&ev.value(expr, &Type::String))?;
    // Engines compare it letter by letter.
    if jiff::tz::TimeZone::get(&name).is_ok_and(|zone| zone.iana_name().is_none_or(|known| known == name)) {
        return Some(name);
    }
    let known: Vec<String> = jiff::tz::db().available().map(|n| n.to_string()).collect();
    let diagnostic = Diagnostic::new(Code::UNKNOWN_ZONE, expr.span, format!("there is no time zone `{name}`"));
    let city = name.to_lowercase();
    let by_city = known.iter().find(|k| k.to_lowercase().ends_with(&format!("/{city}"))).map(String::as_str);
    ev.report(match by_city.or_else(|| nearest(&name, known.iter().map(String::as_str))) {
        Some(near) => diagnostic.choice(format!("did you mean `{near}`?"), expr.span, format!("{near:?}")),
        None => diagnostic.help("write its IANA name, for example `\"Asia/Jakarta\"`"),
    });
    None
}

/// `approval by TEAM`.
pub fn approval(ev: &mut Evaluator<'_>, item: &ApprovalItem, policy: Option<&str>) -> Option<Approval> {
    match ev.value(&item.by, &Type::Team) {
        Val::Decl(id) => Some(Approval {
            team: ev.program.item(id).name.text.clone(),
            policy: policy.map(Into::into),
            span: item.span,
        }),
        _ => None,
    }
}
