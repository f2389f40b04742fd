//! Hours and schedules.

use super::*;

const JAKARTA: &str = "Asia/Jakarta";

fn schedule(p: &mut Plan, cron: &str) {
    p.schedule = Some(Schedule {
        verify: "weekly".into(),
        cron: cron.into(),
        zone: JAKARTA.into(),
        fresh_for: None,
        among_others: false,
        drawn: None,
        span: at(40),
    });
}

#[test]
fn hours_that_cannot_be_kept() {
    let found = finds_one(Code::UNKNOWN_ZONE, |p| p.hours = vec![hours(&[(1, 4, 600, 960, "Asia/Jakrta")], 7)]);
    assert!(found.help.unwrap().contains(JAKARTA));
    finds_one(Code::HOURS_REVERSED, |p| p.hours = vec![hours(&[(1, 4, 960, 600, JAKARTA)], 7)]);
    finds_one(Code::HOURS_TOO_SHORT, |p| p.hours = vec![hours(&[(1, 4, 600, 608, JAKARTA)], 7)]);
    clean(|p| p.hours = vec![hours(&[(1, 4, 600, 608, JAKARTA), (5, 1, 600, 960, JAKARTA)], 7)]);
    // Two lines that join at midnight are one stretch.
    clean(|p| p.hours = vec![hours(&[(1, 7, 1434, 1440, JAKARTA), (1, 7, 0, 6, JAKARTA)], 7)]);
    finds_one(Code::HOURS_NEVER_MEET, |p| {
        p.hours = vec![hours(&[(1, 4, 600, 960, JAKARTA)], 7), hours(&[(6, 7, 600, 960, JAKARTA)], 6)];
    });
    // 16:00 in Jakarta is 9:00 in UTC: ten minutes are common.
    finds_one(Code::HOURS_TOO_SHORT, |p| {
        p.hours = vec![hours(&[(1, 4, 600, 960, JAKARTA)], 7), hours(&[(1, 4, 530, 960, "UTC")], 6)];
    });
    clean(|p| p.hours = vec![hours(&[(1, 4, 600, 960, JAKARTA)], 7), hours(&[(1, 4, 480, 960, "UTC")], 6)]);
}

#[test]
fn closed_days() {
    let closed = |p: &mut Plan, from: &str, to: &str| {
        p.hours = vec![hours(&[(1, 4, 600, 960, JAKARTA)], 7)];
        let because = "year-end freeze".into();
        p.hours[0].never = vec![ClosedDays { from: from.into(), to: to.into(), because, span: at(6) }];
    };
    clean(|p| closed(p, "2026-12-18", "2027-01-03"));
    finds_one(Code::CLOSED_REVERSED, |p| closed(p, "2027-01-03", "2026-12-18"));
    finds_one(Code::CLOSED_WITHOUT_EFFECT, |p| closed(p, "2026-12-19", "2026-12-20"));
    // Not a date: said by whoever reads the literal.
    clean(|p| closed(p, "2026-02-31", "2026-02-31"));
}

#[test]
fn schedules() {
    clean(|p| schedule(p, "0 10 * * tue"));
    let found = finds_one(Code::BAD_CRON, |p| schedule(p, "0 10 * * 7"));
    assert!(found.message.contains("Sunday is 0"), "{}", found.message);
    finds_one(Code::CRON_NEVER, |p| schedule(p, "0 0 31 2 *"));
    let found = finds_one(Code::PERIOD_TOO_SHORT, |p| schedule(p, "*/10 * * * *"));
    assert!(found.message.contains("10m"), "{}", found.message);
    finds_one(Code::PERIOD_TOO_SHORT, |p| schedule(p, "55,0 23,0 * * *"));
    clean(|p| schedule(p, "0 */6 * * *"));
    finds_one(Code::UNKNOWN_ZONE, |p| {
        schedule(p, "0 10 * * tue");
        p.schedule.as_mut().unwrap().zone = "Mars/Olympus".into();
    });
}

#[test]
fn schedules_and_open_hours() {
    let open = |p: &mut Plan, cron: &str| {
        schedule(p, cron);
        p.hours = vec![hours(&[(1, 4, 600, 960, JAKARTA)], 7)];
    };
    clean(|p| open(p, "0 10 * * tue"));
    // It waits from Friday night until Monday.
    clean(|p| open(p, "0 2 * * fri"));
    finds_one(Code::SOMETIMES_NOT_IN_HOURS, |p| open(p, "0 2 * * *"));
    // Six open hours around noon, and a start in the middle of them: three before, three after.
    let around_noon = |p: &mut Plan, recovery: &str| {
        schedule(p, "0 0,12 * * *");
        p.hours = vec![hours(&[(1, 7, 540, 900, JAKARTA)], 7)];
        p.recovery.within = duration(recovery);
    };
    finds_one(Code::NEVER_IN_HOURS, |p| around_noon(p, "4h"));
    clean(|p| around_noon(p, "2h"));
}
