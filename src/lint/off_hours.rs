//! P0931: a `verify` whose cron fires in nobody's working hours.

use jiff::civil::{Date, Weekday};

use crate::analysis::cron::Cron;
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::{SyntaxKind, SyntaxNode};

use super::Project;
use super::tree::{node_span, tokens};

/// Minutes of a day between which somebody is at work almost everywhere.
const WORK: std::ops::Range<u32> = 7 * 60..20 * 60;
/// Days that are looked at: a year, and a day for leap years.
const DAYS: usize = 366;

pub(super) fn check(project: &Project<'_>, out: &mut Vec<Diagnostic>) {
    for file in project.files {
        for every in file.parse.syntax().descendants().filter(|n| n.kind() == SyntaxKind::Every) {
            let Some(text) = every.children().find(|c| c.kind() == SyntaxKind::Text) else { continue };
            let Some(cron) = cron(&text) else { continue };
            if cron.ever_fires() && !fires_at_work(&cron) {
                out.push(
                    Diagnostic::new(Code::OFF_HOURS, node_span(file.id, &text), "this fires in nobody's working hours")
                        .label("never on a weekday between 7:00 and 20:00")
                        .why("what goes wrong then wakes somebody, or waits until morning with the fault's traces gone")
                        .help("choose an hour at which the owning team is there, or say with an `allow` why not"),
                );
            }
        }
    }
}

fn cron(text: &SyntaxNode) -> Option<Cron> {
    let plain: String =
        tokens(text).filter(|t| t.kind() == SyntaxKind::TextPart).map(|t| t.text().to_owned()).collect();
    Cron::parse(&plain).ok()
}

fn fires_at_work(cron: &Cron) -> bool {
    // The zone does not matter: both the cron and the hours are those of its wall clock.
    let in_hours = cron.minutes_of_day().any(|minute| WORK.contains(&minute));
    let is_weekday = |date: &Date| !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
    let first = Date::constant(2024, 1, 1);
    in_hours && first.series(jiff::Span::new().days(1)).take(DAYS).any(|date| is_weekday(&date) && cron.fires_on(date))
}
