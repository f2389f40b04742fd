//! The five cron fields as the engines' controllers read them, and when they fire. No clock: time is an argument.
//!
//! Comes in: cron text. Goes out: [`Cron`], or why it is refused. The dialect is what Chaos Mesh's, Argo's and
//! Kubernetes' controllers share (`chaos-mesh.md` §5.2, run there): five fields, lists, ranges, steps, `?`, names of months and
//! days, days of the week 0..6. Cron libraries also take 7, `L`, `W` and `#`, which those controllers refuse, and bring
//! the machine's own time zones in; so this is a parser of our own.

use jiff::civil::{Date, DateTime, Time, Weekday};

/// When something fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// With both restricted, either is enough; with one of them `*`, both must fit.
    either_day: bool,
}

struct Field {
    what: &'static str,
    least: u32,
    greatest: u32,
    names: &'static [&'static str],
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [Field; 5] = [
    Field { what: "minute", least: 0, greatest: 59, names: &[] },
    Field { what: "hour", least: 0, greatest: 23, names: &[] },
    Field { what: "day of the month", least: 1, greatest: 31, names: &[] },
    Field { what: "month", least: 1, greatest: 12, names: &MONTHS },
    Field { what: "day of the week", least: 0, greatest: 6, names: &WEEKDAYS },
];

impl Cron {
    /// Reads five fields.
    ///
    /// # Errors
    /// What is wrong, in a few words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('@') {
            return Err(format!("`{text}` is a shorthand; write the five fields, as in `0 10 * * tue`"));
        }
        let parts: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = parts.as_slice() else {
            return Err(format!(
                "five fields are wanted (minute, hour, day of the month, month, day of the week), and it has {}",
                parts.len()
            ));
        };
        let [f_minute, f_hour, f_day, f_month, f_weekday] = &FIELDS;
        let ((days, any_day), (weekdays, any_weekday)) = (field(day, f_day)?, field(weekday, f_weekday)?);
        Ok(Self {
            minutes: field(minute, f_minute)?.0,
            hours: field(hour, f_hour)?.0,
            days,
            months: field(month, f_month)?.0,
            weekdays,
            either_day: !any_day && !any_weekday,
        })
    }

    /// Whether there is any date at all on which it fires: 31 February never comes.
    #[must_use]
    pub fn ever_fires(&self) -> bool {
        const LENGTHS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        self.either_day
            || LENGTHS
                .iter()
                .zip(1..)
                .any(|(length, month)| has(self.months, month) && (1..=*length).any(|day| has(self.days, day)))
    }

    /// The times of a day at which it fires, in minutes since midnight, in order.
    pub fn minutes_of_day(&self) -> impl Iterator<Item = u32> + '_ {
        (0..24)
            .filter(|h| has(self.hours, *h))
            .flat_map(|hour| (0..60).filter(|m| has(self.minutes, *m)).map(move |minute| hour * 60 + minute))
    }

    /// Whether it fires on a date.
    #[must_use]
    pub fn fires_on(&self, date: Date) -> bool {
        let day = has(self.days, u32::from(date.day().unsigned_abs()));
        let weekday = has(self.weekdays, sunday_first(date.weekday()));
        has(self.months, u32::from(date.month().unsigned_abs()))
            && if self.either_day { day || weekday } else { day && weekday }
    }

    /// All moments of a date at which it fires, on the wall clock.
    pub fn on(&self, date: Date) -> Vec<DateTime> {
        if !self.fires_on(date) {
            return Vec::new();
        }
        let at = |minute: u32| {
            let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
            Time::new(hour, minute, 0, 0).ok().map(|time| date.to_datetime(time))
        };
        self.minutes_of_day().filter_map(at).collect()
    }
}

fn sunday_first(weekday: Weekday) -> u32 {
    u32::from(weekday.to_sunday_zero_offset().unsigned_abs())
}

fn has(set: u64, member: u32) -> bool {
    set >> member & 1 == 1
}

/// The members of a field as a set of bits, and whether it leaves everything open (`*`, `?`).
fn field(text: &str, field: &Field) -> Result<(u64, bool), String> {
    let mut set = 0;
    let mut any = false;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(number(step, field)?)),
            None => (part, None),
        };
        if step == Some(0) {
            return Err(format!("`{part}`: a step of 0 never moves on"));
        }
        let (from, to) = if range == "*" || range == "?" {
            // A `*` with a step restricts.
            any |= step.is_none_or(|s| s == 1);
            (field.least, field.greatest)
        } else if let Some((from, to)) = range.split_once('-') {
            (member(from, field)?, member(to, field)?)
        } else {
            let from = member(range, field)?;
            (from, if step.is_some() { field.greatest } else { from })
        };
        if from > to {
            return Err(format!("`{part}`: the {} ends before it begins", field.what));
        }
        let step = usize::try_from(step.unwrap_or(1)).unwrap_or(usize::MAX);
        set |= (from..=to).step_by(step).fold(0, |set, member| set | 1 << member);
    }
    Ok((set, any))
}

fn number(text: &str, field: &Field) -> Result<u32, String> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = if digits { text.parse().ok() } else { None };
    number.ok_or_else(|| format!("`{text}` is not a {}", field.what))
}

fn member(text: &str, field: &Field) -> Result<u32, String> {
    if let Some(at) = field.names.iter().position(|n| n.eq_ignore_ascii_case(text)) {
        return Ok(field.least + u32::try_from(at).unwrap_or(0));
    }
    let found = number(text, field)?;
    if (field.least..=field.greatest).contains(&found) {
        return Ok(found);
    }
    let hint = if field.names.len() == 7 && found == 7 { "; Sunday is 0" } else { "" };
    Err(format!("`{text}` is not a {} ({}..{}){hint}", field.what, field.least, field.greatest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn takes_what_the_controllers_take() {
        for good in [
            "0 10 * * tue",
            "*/5 * * * *",
            "0 0 1,15 * ?",
            "0 9-17/2 * jan-mar MON-FRI",
            "5/20 0 31 12 0",
            "0 0 31 2 *",
        ] {
            assert!(Cron::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "* * * *",
            "0 0 * * * *",
            "0 0 * * 7",
            "0 0 L * *",
            "0 0 15W * *",
            "0 0 * * 1#2",
            "@daily",
            "60 * * * *",
            "5-1 * * * *",
            "*/0 * * * *",
            "a * * * *",
            "0 24 * * *",
            "0 0 0 * *",
            "-1 * * * *",
            "1,,2 * * * *",
            "1- * * * *",
            "99999999999 * * * *",
            "*/-1 * * * *",
            "* * * 13 *",
        ] {
            assert!(Cron::parse(bad).is_err(), "{bad}");
        }
        assert!(Cron::parse("0 0 * * 7").unwrap_err().contains("Sunday is 0"));
    }

    #[test]
    fn fires_when_it_should() {
        let tuesday = Cron::parse("0 10 * * tue").unwrap();
        assert!(tuesday.fires_on(date(2026, 1, 6)));
        assert!(!tuesday.fires_on(date(2026, 1, 7)));
        assert_eq!(tuesday.on(date(2026, 1, 6)), [date(2026, 1, 6).at(10, 0, 0, 0)]);
        let either = Cron::parse("0 0 13 * fri").unwrap();
        assert!(either.fires_on(date(2026, 1, 13)) && either.fires_on(date(2026, 1, 2)));
        assert!(!either.fires_on(date(2026, 1, 14)));
        assert!(!Cron::parse("0 0 31 2 *").unwrap().ever_fires());
        assert!(!Cron::parse("0 0 31 4,6,9,11 ?").unwrap().ever_fires());
        assert!(Cron::parse("0 0 29 2 *").unwrap().ever_fires());
        assert!(Cron::parse("0 0 31 2 mon").unwrap().ever_fires());
        assert_eq!(
            Cron::parse("*/30 8,20 * * *").unwrap().minutes_of_day().collect::<Vec<_>>(),
            [480, 510, 1200, 1230]
        );
    }
}
