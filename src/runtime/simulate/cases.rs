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

use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::Plan;
use crate::runtime::machine::Verdict;
use crate::source::{FileId, Span};
use crate::types::{Duration, Value};

/// A part of the text, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The part.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// One case, before its plan is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// The experiment.
    pub experiment: Words,
    /// `ENVIRONMENT[/CLUSTER]`, if it says where.
    pub place: Option<Words>,
    /// Its head.
    pub span: Span,
    /// What streams say.
    pub says: Vec<Says>,
    /// What people do.
    pub acts: Vec<Act>,
    /// Faults that are never seen to be there.
    pub not_there: Vec<Words>,
    /// How it must end.
    pub expects: Vec<Expects>,
}

/// What a stream says from a moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Says {
    /// The stream, in the words of the experiment.
    pub stream: Words,
    /// Since the first step; `None`: always.
    pub at: Option<Moment>,
    /// For how long; `None`: from then on.
    pub lasts: Option<Duration>,
    /// The words of the value; `None`: missing.
    pub value: Option<Words>,
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
    /// The verdict.
    pub verdict: Verdict,
    /// When the method ended (`aborted`), the expectation broke (`refuted`), or the run ended.
    pub at: Option<Moment>,
    /// A part of the reason.
    pub because: Option<String>,
}

impl Case {
    /// A case that says nothing: all is well, and nothing is expected.
    #[must_use]
    pub fn well(experiment: &str) -> Self {
        let span = Span::new(FileId(0), 0, 0);
        Self {
            name: "well".to_owned(),
            experiment: Words { text: experiment.to_owned(), span },
            place: None,
            span,
            says: Vec::new(),
            acts: Vec::new(),
            not_there: Vec::new(),
            expects: Vec::new(),
        }
    }
}

/// Reads a file of cases. Every mistake is found, not only the first.
///
/// # Errors
/// P0850 to P0854.
pub fn parse(text: &str, file: FileId) -> Result<Vec<Case>, Vec<Diagnostic>> {
    let reader = Reader { text, file };
    let mut cases: Vec<Case> = Vec::new();
    let mut errors = Vec::new();
    // Cases that say how they end, though not in a way that can be read: that is said already.
    let mut tried = Vec::new();
    for line in text.lines() {
        let line = line.split_once("//").map_or(line, |(before, _)| before).trim();
        if line.is_empty() {
            continue;
        }
        if line.starts_with("expect ") {
            tried.push(cases.len());
        }
        let done = match (line.strip_prefix("case "), cases.last_mut()) {
            (Some(head), _) => reader.head(line, head).map(|case| cases.push(case)),
            (None, Some(case)) => reader.body(line, case),
            (None, None) => Err(reader
                .wrong(Code::CASE_SYNTAX, line, "this belongs to no case")
                .help("begin with `case NAME for EXPERIMENT`")
                .into()),
        };
        errors.extend(done.err().map(|found| *found));
    }
    for (index, case) in cases.iter().enumerate() {
        if case.expects.is_empty() && !tried.contains(&(index + 1)) {
            let message = format!("the case `{}` expects nothing", case.name);
            let why = "a case that cannot fail says nothing";
            let help = "end it with `expect confirmed`, or how else it ends";
            errors.push(Diagnostic::new(Code::CASE_EMPTY, case.span, message).why(why).help(help));
        }
        if let Some(first) = cases.iter().take(index).find(|c| c.name == case.name) {
            let message = format!("there is a case `{}` already", case.name);
            let found = Diagnostic::new(Code::CASE_TWICE, case.span, message).help("give one of them another name");
            errors.push(found.also(first.span, "the first"));
        }
    }
    crate::diagnostic::tidy(&mut errors);
    if errors.is_empty() { Ok(cases) } else { Err(errors) }
}

const HEAD: &str = "write `case NAME for EXPERIMENT`, or `case NAME for EXPERIMENT in ENVIRONMENT/CLUSTER`";

/// A text whose parts know where they stand.
struct Reader<'t> {
    text: &'t str,
    file: FileId,
}

impl Reader<'_> {
    /// Where a part of the text stands. It is a slice of it, so the distance of the two is its place.
    fn span(&self, part: &str) -> Span {
        let start = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize).min(self.text.len());
        let end = (start + part.len()).min(self.text.len());
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span::new(self.file, place(start), place(end))
    }

    fn words(&self, part: &str) -> Words {
        Words { text: part.to_owned(), span: self.span(part) }
    }

    fn wrong(&self, code: Code, part: &str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, self.span(part), message)
    }

    fn head(&self, line: &str, head: &str) -> Result<Case, Box<Diagnostic>> {
        let words: Vec<&str> = head.split_whitespace().collect();
        let (name, experiment, place) = match words.as_slice() {
            [name, "for", experiment] => (*name, *experiment, None),
            [name, "for", experiment, "in", place] => (*name, *experiment, Some(self.words(place))),
            _ => return Err(self.wrong(Code::CASE_SYNTAX, line, "this is not how a case begins").help(HEAD).into()),
        };
        let experiment = self.words(experiment);
        Ok(Case { name: name.to_owned(), place, span: self.span(line), experiment, ..Case::well("") })
    }

    fn body(&self, line: &str, case: &mut Case) -> Result<(), Box<Diagnostic>> {
        if let Some(rest) = line.strip_prefix("expect ") {
            case.expects.push(self.expects(rest)?);
            return Ok(());
        }
        let (at, rest) = match line.strip_prefix("at ") {
            Some(rest) => {
                let (moment, rest) = rest.trim_start().split_once(' ').ok_or_else(|| self.unknown(line))?;
                (Some(self.moment(moment)?), rest.trim())
            }
            None => (None, line),
        };
        match (at, rest) {
            (Some(at), "operator aborts") => case.acts.push(Act::Abort(at)),
            (Some(at), "operator repairs") => case.acts.push(Act::Repair(at)),
            (None, "people say no") => case.acts.push(Act::SayNo),
            _ => {
                let (stream, value) = rest.rsplit_once(" is ").ok_or_else(|| self.unknown(line))?;
                let (value, lasts) = match value.rsplit_once(" for ") {
                    Some((value, lasts)) => (value.trim(), Some(self.length(lasts.trim())?)),
                    None => (value.trim(), None),
                };
                let stream = self.words(stream.trim());
                if value == "not there" {
                    case.not_there.push(stream);
                    return Ok(());
                }
                if lasts.is_some() && at.is_none() {
                    let found = self.wrong(Code::CASE_TIME, line, "this says for how long, but not from when");
                    return Err(found.help("write `at 2m … is … for 20s`").into());
                }
                let value = (value != "missing").then(|| self.words(value));
                case.says.push(Says { stream, at, lasts, value });
            }
        }
        Ok(())
    }

    fn unknown(&self, line: &str) -> Diagnostic {
        let help = "write `at 2m METRIC is VALUE for 20s`, `METRIC is missing`, `FAULT is not there`, \
                    `at 2m operator aborts`, `at 2m operator repairs`, `people say no`, or \
                    `expect VERDICT at TIME because \"…\"`";
        self.wrong(Code::CASE_SYNTAX, line, "this says nothing that a case can say").help(help)
    }

    fn length(&self, text: &str) -> Result<Duration, Box<Diagnostic>> {
        let wrong = |()| {
            let message = format!("`{text}` is no length of time");
            Box::new(self.wrong(Code::CASE_TIME, text, message).help("write `20s`, `1m30s`, `250ms`"))
        };
        text.parse().map_err(wrong)
    }

    fn moment(&self, text: &str) -> Result<Moment, Box<Diagnostic>> {
        match text.strip_prefix('-') {
            Some(before) => Ok(Moment { is_before: true, length: self.length(before)? }),
            None => Ok(Moment { is_before: false, length: self.length(text)? }),
        }
    }

    fn expects(&self, rest: &str) -> Result<Expects, Box<Diagnostic>> {
        let (rest, because) = match rest.split_once(" because ") {
            Some((rest, because)) => (rest, Some(because.trim().trim_matches('"').to_owned())),
            None => (rest, None),
        };
        let (verdict, at) = match rest.split_once(" at ") {
            Some((verdict, at)) => (verdict.trim(), Some(self.moment(at.trim())?)),
            None => (rest.trim(), None),
        };
        let Some(verdict) = Verdict::parse(verdict) else {
            let known: Vec<&str> = Verdict::ALL.iter().map(|v| v.text()).collect();
            let found = self.wrong(Code::CASE_VERDICT, verdict, format!("there is no verdict `{verdict}`"));
            return Err(meant(found, verdict, &known).into());
        };
        Ok(Expects { verdict, at, because })
    }
}

/// With what was meant, and all that there is.
fn meant(found: Diagnostic, words: &str, known: &[&str]) -> Diagnostic {
    let list = known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
    let found = if known.is_empty() { found.help("there is none") } else { found.help(format!("there are: {list}")) };
    match nearest(words, known.iter().copied()) {
        Some(near) => found.label(format!("did you mean `{near}`?")),
        None => found,
    }
}

/// That something a case names is not there.
#[must_use]
pub fn unknown(what: &str, words: &Words, of: &str, known: &[&str]) -> Diagnostic {
    let message = format!("{of} has no {what} `{}`", words.text);
    meant(Diagnostic::new(Code::CASE_UNKNOWN, words.span, message), &words.text, known)
}

/// The stream that a case's words mean: the whole call, or the metric's name where one stream has it.
///
/// # Errors
/// P0855: there is none, or several.
pub fn stream_of(plan: &Plan, words: &Words) -> Result<u32, Box<Diagnostic>> {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join("");
    let wanted = squeeze(&words.text);
    let index = |found: usize| u32::try_from(found).unwrap_or(u32::MAX);
    if let Some(found) = plan.streams.iter().position(|s| squeeze(&s.text) == wanted) {
        return Ok(index(found));
    }
    let mut named = plan.streams.iter().enumerate().filter(|(_, s)| s.metric == words.text.as_str());
    if let (Some((found, _)), None) = (named.next(), named.next()) {
        return Ok(index(found));
    }
    let known: Vec<&str> = plan.streams.iter().map(|s| s.text.as_str()).collect();
    Err(unknown("metric", words, &format!("`{}`", plan.name), &known).into())
}

/// A value in the language's spelling, of a stream's type.
///
/// # Errors
/// P0856: it is of another type.
pub fn value_of(plan: &Plan, stream: u32, value: &Words) -> Result<Value, Box<Diagnostic>> {
    let words = value.text.as_str();
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
        let message = format!("`{words}` is no {of_type}, which `{text}` is");
        Diagnostic::new(Code::CASE_VALUE, value.span, message).help(format!("write `{example}`")).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "// Title.\ncase guard-ends-it for checkout\n  success-rate(checkout) is 99.9%\n  at 2m success-rate(checkout) is 97% for 20s // dip\n  at -10s p99 is missing\n  network.delay is not there\n  at 3m operator aborts\n  people say no\n  expect aborted at 2m20s because \"guard\"\n";

    #[test]
    fn reads_what_people_would_say() {
        let cases = parse(GOOD, FileId(0)).unwrap();
        assert_eq!(cases.len(), 1);
        let case = &cases[0];
        assert_eq!((case.name.as_str(), case.experiment.text.as_str()), ("guard-ends-it", "checkout"));
        assert_eq!(case.says.len(), 3);
        assert_eq!(case.says[1].lasts, Some("20s".parse().unwrap()));
        assert_eq!(case.says[2].value, None);
        assert!(case.says[2].at.unwrap().is_before);
        assert_eq!(case.not_there[0].text, "network.delay");
        assert_eq!(case.expects[0].because.as_deref(), Some("guard"));
    }

    #[test]
    fn every_mistake_is_found_and_says_what_to_do() {
        let bad = "x is 3\ncase a\ncase b for c\n  at soon x is 3\n  expect abortd\n  nonsense\n  x is 3 for 5s\ncase d for c\n";
        let errors = parse(bad, FileId(0)).unwrap_err();
        let at = |d: &Diagnostic| bad[d.span.start as usize..d.span.end as usize].to_owned();
        let said: Vec<String> = errors.iter().map(|d| format!("{} {}: {}", d.code, at(d), d.message)).collect();
        assert_eq!(
            said,
            [
                "P0850 x is 3: this belongs to no case",
                "P0850 case a: this is not how a case begins",
                "P0851 soon: `soon` is no length of time",
                "P0852 abortd: there is no verdict `abortd`",
                "P0850 nonsense: this says nothing that a case can say",
                "P0851 x is 3 for 5s: this says for how long, but not from when",
                "P0853 case d for c: the case `d` expects nothing",
            ]
        );
        assert_eq!(errors[3].label, "did you mean `aborted`?");
    }

    #[test]
    fn no_prefix_of_a_text_makes_it_fail() {
        for end in (0..=GOOD.len()).filter(|end| GOOD.is_char_boundary(*end)) {
            let _ = parse(&GOOD[..end], FileId(0));
        }
    }
}
