//! Cases: what streams say over time, and how the run must end. Unit tests for experiments.
//!
//! ```text
//! // A slow ledger is noticed before customers are.
//! case guard-ends-it for checkout-survives-slow-ledger
//!   success-rate(checkout) is 99.9%
//!   at 2m success-rate(checkout) is 97% for 20s
//!   at 3m p99(checkout) is missing
//!   at 4m operator aborts
//!   expect aborted at 2m20s
//! ```
//!
//! Pure. Comes in: a text, and the plan that a case names. Goes out: [`Case`]s, and what came of them. Time zero is the first
//! step of the method, as in `perturb plan`; what is not said is well ([`well`](super::well())). docs/testing.md is the reference.

use crate::plan::{MetricUnit, Plan};
use crate::runtime::machine::Verdict;
use crate::types::{Duration, Value};

/// What is wrong with a text, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl CaseError {
    fn new(line: usize, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { line, message: message.into(), help: help.into() }
    }
}

/// One case, before its plan is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// The experiment.
    pub experiment: String,
    /// `ENVIRONMENT[/CLUSTER]`, if it says where.
    pub place: Option<String>,
    /// The line of its head.
    pub line: usize,
    /// What streams say.
    pub says: Vec<Says>,
    /// What people do.
    pub acts: Vec<Act>,
    /// Faults that are never seen to be there.
    pub not_there: Vec<String>,
    /// How it must end.
    pub expects: Vec<Expects>,
}

/// What a stream says from a moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Says {
    /// The line.
    pub line: usize,
    /// The stream, in the words of the experiment.
    pub stream: String,
    /// Since the first step; `None`: always.
    pub at: Option<Moment>,
    /// For how long; `None`: from then on.
    pub lasts: Option<Duration>,
    /// The words of the value; `None`: missing.
    pub value: Option<String>,
}

/// A moment before or after the first step of the method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Whether it lies before.
    pub is_before: bool,
    /// How far away.
    pub length: Duration,
}

/// What people do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// `operator aborts`.
    Abort(Moment),
    /// `operator repairs`: people step in.
    Repair(Moment),
    /// `people say no`: to every question.
    SayNo,
}

/// How a case must end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expects {
    /// The line.
    pub line: usize,
    /// The verdict.
    pub verdict: Verdict,
    /// When the method ended (`aborted`), the expectation broke (`refuted`), or the run ended.
    pub at: Option<Moment>,
    /// A part of the reason.
    pub because: Option<String>,
}

/// Reads a file of cases. Every mistake is found, not only the first.
///
/// # Errors
/// What is wrong, line by line.
pub fn parse(text: &str) -> Result<Vec<Case>, Vec<CaseError>> {
    let mut cases: Vec<Case> = Vec::new();
    let mut errors = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let line = line.split_once("//").map_or(line, |(before, _)| before).trim();
        if line.is_empty() {
            continue;
        }
        let done = match (line.strip_prefix("case "), cases.last_mut()) {
            (Some(head), _) => head_of(head, number).map(|case| cases.push(case)),
            (None, Some(case)) => body(line, number, case),
            (None, None) => {
                Err(CaseError::new(number, "this belongs to no case", "begin with `case NAME for EXPERIMENT`"))
            }
        };
        errors.extend(done.err());
    }
    for case in &cases {
        if case.expects.is_empty() {
            let message = format!("the case `{}` expects nothing", case.name);
            errors.push(CaseError::new(case.line, message, "end it with `expect confirmed`, or how else it ends"));
        }
        if let Some(other) = cases.iter().find(|c| c.name == case.name && c.line < case.line) {
            let message = format!("there is a case `{}` in line {}", case.name, other.line);
            errors.push(CaseError::new(case.line, message, "give it another name"));
        }
    }
    if errors.is_empty() { Ok(cases) } else { Err(errors) }
}

const HEAD: &str = "write `case NAME for EXPERIMENT`, or `case NAME for EXPERIMENT in ENVIRONMENT/CLUSTER`";

fn head_of(head: &str, line: usize) -> Result<Case, CaseError> {
    let words: Vec<&str> = head.split_whitespace().collect();
    let (name, experiment, place) = match words.as_slice() {
        [name, "for", experiment] => (*name, *experiment, None),
        [name, "for", experiment, "in", place] => (*name, *experiment, Some((*place).to_owned())),
        _ => return Err(CaseError::new(line, "this is not how a case begins", HEAD)),
    };
    Ok(Case {
        name: name.to_owned(),
        experiment: experiment.to_owned(),
        place,
        line,
        says: Vec::new(),
        acts: Vec::new(),
        not_there: Vec::new(),
        expects: Vec::new(),
    })
}

fn body(line: &str, number: usize, case: &mut Case) -> Result<(), CaseError> {
    if let Some(rest) = line.strip_prefix("expect ") {
        case.expects.push(expects(rest, number)?);
        return Ok(());
    }
    let (at, rest) = match line.strip_prefix("at ") {
        Some(rest) => {
            let (moment, rest) = rest.trim_start().split_once(' ').ok_or_else(|| unknown(number))?;
            (Some(moment_of(moment, number)?), rest.trim())
        }
        None => (None, line),
    };
    match (at, rest) {
        (Some(at), "operator aborts") => case.acts.push(Act::Abort(at)),
        (Some(at), "operator repairs") => case.acts.push(Act::Repair(at)),
        (None, "people say no") => case.acts.push(Act::SayNo),
        _ => {
            let (stream, value) = rest.rsplit_once(" is ").ok_or_else(|| unknown(number))?;
            let (value, lasts) = match value.rsplit_once(" for ") {
                Some((value, lasts)) => (value.trim(), Some(length(lasts, number)?)),
                None => (value.trim(), None),
            };
            if value == "not there" {
                case.not_there.push(stream.trim().to_owned());
                return Ok(());
            }
            if lasts.is_some() && at.is_none() {
                return Err(CaseError::new(number, "for how long, but not from when", "write `at 2m … is … for 20s`"));
            }
            let value = (value != "missing").then(|| value.to_owned());
            case.says.push(Says { line: number, stream: stream.trim().to_owned(), at, lasts, value });
        }
    }
    Ok(())
}

fn unknown(line: usize) -> CaseError {
    let help = "write `at 2m METRIC is VALUE for 20s`, `METRIC is missing`, `FAULT is not there`, `at 2m operator aborts`, \
                `at 2m operator repairs`, `people say no`, or `expect VERDICT at TIME because \"…\"`";
    CaseError::new(line, "this says nothing that a case can say", help)
}

fn length(text: &str, line: usize) -> Result<Duration, CaseError> {
    let wrong = |()| CaseError::new(line, format!("`{text}` is no length of time"), "write `20s`, `1m30s`, `250ms`");
    text.trim().parse().map_err(wrong)
}

fn moment_of(text: &str, line: usize) -> Result<Moment, CaseError> {
    match text.strip_prefix('-') {
        Some(before) => Ok(Moment { is_before: true, length: length(before, line)? }),
        None => Ok(Moment { is_before: false, length: length(text, line)? }),
    }
}

fn expects(rest: &str, line: usize) -> Result<Expects, CaseError> {
    let (rest, because) = match rest.split_once(" because ") {
        Some((rest, because)) => (rest, Some(because.trim().trim_matches('"').to_owned())),
        None => (rest, None),
    };
    let (verdict, at) = match rest.split_once(" at ") {
        Some((verdict, at)) => (verdict, Some(moment_of(at.trim(), line)?)),
        None => (rest, None),
    };
    let verdict = verdict.trim();
    let Some(verdict) = Verdict::parse(verdict) else {
        let known: Vec<&str> = Verdict::ALL.iter().map(|v| v.text()).collect();
        let help = match crate::diagnostic::nearest(verdict, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? there are: {}", known.join(", ")),
            None => format!("there are: {}", known.join(", ")),
        };
        return Err(CaseError::new(line, format!("there is no verdict `{verdict}`"), help));
    };
    Ok(Expects { line, verdict, at, because })
}

/// The stream that a case's words mean: the whole call, or the metric's name where one stream has it.
///
/// # Errors
/// There is none, or several.
pub fn stream_of(plan: &Plan, words: &str, line: usize) -> Result<u32, CaseError> {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join("");
    let wanted = squeeze(words);
    let index = |found: usize| u32::try_from(found).unwrap_or(u32::MAX);
    if let Some(found) = plan.streams.iter().position(|s| squeeze(&s.text) == wanted) {
        return Ok(index(found));
    }
    let mut named = plan.streams.iter().enumerate().filter(|(_, s)| s.metric == words);
    if let (Some((found, _)), None) = (named.next(), named.next()) {
        return Ok(index(found));
    }
    let known: Vec<&str> = plan.streams.iter().map(|s| s.text.as_str()).collect();
    let message = format!("`{}` has no metric `{words}`", plan.name);
    let help = match crate::diagnostic::nearest(words, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? it has: {}", known.join(", ")),
        None => format!("it has: {}", known.join(", ")),
    };
    Err(CaseError::new(line, message, help))
}

/// A value in the language's spelling, of a stream's type.
///
/// # Errors
/// It is of another type.
pub fn value_of(plan: &Plan, stream: u32, words: &str, line: usize) -> Result<Value, CaseError> {
    let of_type = plan.streams.get(stream as usize).map_or("Number", |s| s.of_type.as_str());
    let read = || -> Option<Value> {
        Some(match of_type {
            "Bool" => Value::Bool(words.parse().ok()?),
            "Int" => Value::Int(words.replace('_', "").parse().ok()?),
            "Number" => Value::Number(crate::types::parse_decimal(words)?),
            "Percent" => Value::Percent(words.parse().ok()?),
            "Duration" => Value::Duration(words.parse().ok()?),
            "Offset" => Value::Offset(words.parse().ok()?),
            "Bytes" => Value::Bytes(words.parse().ok()?),
            "Bitrate" => Value::Bitrate(words.parse().ok()?),
            "Cores" => Value::Cores(words.parse().ok()?),
            "Rate" => Value::Rate(words.parse().ok()?),
            "String" => Value::String(words.trim_matches('"').into()),
            _ => return None,
        })
    };
    let example = match of_type {
        "Bool" => "true",
        "Percent" => "99.5%",
        "Duration" => "300ms",
        "Bytes" => "512MiB",
        "Bitrate" => "10Mbit/s",
        "Cores" => "0.5cores",
        "Rate" => "200/s",
        _ => "3",
    };
    read().ok_or_else(|| {
        let text = plan.streams.get(stream as usize).map_or("", |s| s.text.as_str());
        CaseError::new(line, format!("`{words}` is no {of_type}, which `{text}` is"), format!("write `{example}`"))
    })
}

/// The unit in which a stream's bare number would be given; for messages.
#[must_use]
pub fn unit_of(plan: &Plan, stream: u32) -> Option<MetricUnit> {
    plan.streams.get(stream as usize).map(|s| s.unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "// Title.\ncase guard-ends-it for checkout\n  success-rate(checkout) is 99.9%\n  at 2m success-rate(checkout) is 97% for 20s // dip\n  at -10s p99 is missing\n  network.delay is not there\n  at 3m operator aborts\n  people say no\n  expect aborted at 2m20s because \"guard\"\n";

    #[test]
    fn reads_what_people_would_say() {
        let cases = parse(GOOD).unwrap();
        assert_eq!(cases.len(), 1);
        let case = &cases[0];
        assert_eq!((case.name.as_str(), case.experiment.as_str()), ("guard-ends-it", "checkout"));
        assert_eq!(case.says.len(), 3);
        assert_eq!(case.says[1].lasts, Some("20s".parse().unwrap()));
        assert_eq!(case.says[2].value, None);
        assert!(case.says[2].at.unwrap().is_before);
        assert_eq!(case.not_there, ["network.delay"]);
        assert_eq!(case.expects[0].because.as_deref(), Some("guard"));
    }

    #[test]
    fn every_mistake_is_found_and_says_what_to_do() {
        let bad = "x is 3\ncase a\ncase b for c\n  at soon x is 3\n  expect abortd\n  nonsense\n  x is 3 for 5s\ncase d for c\n";
        let errors = parse(bad).unwrap_err();
        let said: Vec<String> = errors.iter().map(|e| format!("{}: {}", e.line, e.message)).collect();
        assert_eq!(
            said,
            [
                "1: this belongs to no case",
                "2: this is not how a case begins",
                "4: `soon` is no length of time",
                "5: there is no verdict `abortd`",
                "6: this says nothing that a case can say",
                "7: for how long, but not from when",
                "3: the case `b` expects nothing",
                "8: the case `d` expects nothing",
            ]
        );
        assert!(errors[3].help.starts_with("did you mean `aborted`?"));
    }
}
