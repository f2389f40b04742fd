//! Sources that are asked by one GET: what is sent along, and what of the answer counts.

use smol_str::SmolStr;

use super::measure::{secret, text, words};
use super::{Evaluator, Val};
use crate::check::Signature;
use crate::check::declared::field;
use crate::check::program::{Arg, Expr, ExprKind, Field, Metric};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{HttpAnswer, SentHeader, SentText, Source};
use crate::source::Span;
use crate::types::{BadPattern, Pattern, Type, Value};

/// Headers that are there to say who asks: what they hold is for nobody else's eyes.
pub const SECRET_HEADERS: &[&str] =
    &["authorization", "proxy-authorization", "x-api-key", "api-key", "x-auth-token", "x-access-token"];

/// Headers about the body of a request, and a GET has none.
const HEADERS_OF_A_BODY: &[&str] = &["content-length", "transfer-encoding"];

impl Evaluator<'_> {
    /// `json: { url, pointer, token, headers }`.
    pub(super) fn json(&mut self, field: &Field) -> Option<Source> {
        let record = self.record_of(
            field,
            &[
                ("url", Type::Url, true),
                ("pointer", Type::String, true),
                ("token", Type::Secret, false),
                ("headers", Type::Record, false),
            ],
        )?;
        let pointer = text(&record, "pointer")?;
        if !pointer.is_empty() && !pointer.starts_with('/') {
            self.report(
                Diagnostic::new(Code::METRIC_SOURCE, field.value.span, format!("`{pointer}` is not a JSON pointer"))
                    .help("a pointer begins with `/`, for example `/stats/unbooked`"),
            );
            return None;
        }
        let headers = self.headers(field, &record)?;
        Some(Source::Json { url: text(&record, "url")?, pointer, token: secret(&record), headers })
    }

    /// `http: { url, answer, pattern, header, token, headers }`.
    pub(super) fn http(&mut self, outer: &Field, result: &Type) -> Option<Source> {
        let record = self.record_of(
            outer,
            &[
                ("url", Type::Url, true),
                ("answer", words(&["status", "time", "ok", "body", "header"]), true),
                ("pattern", Type::String, false),
                ("header", Type::String, false),
                ("token", Type::Secret, false),
                ("headers", Type::Record, false),
            ],
        )?;
        let word = text(&record, "answer")?;
        for (key, whose, words) in [
            ("pattern", "`answer: body` or `answer: header`", &["body", "header"][..]),
            ("header", "`answer: header`", &["header"][..]),
        ] {
            if let Some(given) = part(outer, key).filter(|_| !words.contains(&word.as_str())) {
                let message = format!("`{key}` belongs to {whose}, and to nothing else");
                self.report(Diagnostic::new(Code::METRIC_SOURCE, given.key.span, message));
                return None;
            }
        }
        let pattern = match part(outer, "pattern") {
            Some(given) => Some(self.pattern(&text(&record, "pattern")?, &given.value, result)?),
            None => None,
        };
        let name = match part(outer, "header") {
            Some(given) => Some(self.header_name(&text(&record, "header")?, given.value.span)?),
            None => None,
        };
        let answer = match (word.as_str(), pattern, name) {
            ("status", ..) => HttpAnswer::Status,
            ("time", ..) => HttpAnswer::Time,
            ("body", Some(pattern), _) => HttpAnswer::Body { pattern },
            ("body", ..) => return self.asks_for_more(outer, "which words of the body?", "pattern: \"status: up\""),
            // What matches everything says no more than that the header is there.
            ("header", pattern, Some(name)) => {
                HttpAnswer::Header { name, pattern: pattern.filter(|pattern| !pattern.is_empty()) }
            }
            ("header", ..) => return self.asks_for_more(outer, "which header?", "header: \"retry-after\""),
            _ => HttpAnswer::Ok,
        };
        let headers = self.headers(outer, &record)?;
        Some(Source::Http { url: text(&record, "url")?, answer, token: secret(&record), headers })
    }

    fn asks_for_more(&mut self, outer: &Field, question: &str, example: &str) -> Option<Source> {
        let at = part(outer, "answer").map_or(outer.key.span, |given| given.value.span);
        self.report(Diagnostic::new(Code::MISSING_FIELD, at, question).help(format!("write for example `{example}`")));
        None
    }

    /// The headers that are sent along; `None`: something about them is unknown or wrong.
    pub(super) fn headers(&mut self, outer: &Field, record: &[(SmolStr, Val)]) -> Option<Vec<SentHeader>> {
        let Some((_, Val::Record(entries))) = record.iter().find(|(key, _)| key == "headers") else {
            return Some(Vec::new());
        };
        let token = part(outer, "token").map(|given| given.key.span);
        let written = part(outer, "headers").map(|given| &given.value);
        let mut sent: Vec<SentHeader> = Vec::new();
        let mut fine = true;
        for (key, value, span) in entries.iter() {
            // Where the record comes from elsewhere, its keys are the nearest place that is known.
            let at = written.and_then(|written| entry(written, key)).map_or(*span, |given| given.value.span);
            let (Some(name), Some(says)) = (self.header_name(key, *span), self.header_text(key, value, at)) else {
                fine = false;
                continue;
            };
            let twice = sent.iter().any(|other| other.name.eq_ignore_ascii_case(&name));
            if let Some(token) = token.filter(|_| name.eq_ignore_ascii_case("authorization")) {
                let message = "`token` is sent in `authorization`, which is here a second time";
                self.report(Diagnostic::new(Code::METRIC_SOURCE, *span, message).also(token, "the first is here"));
                fine = false;
            } else if twice {
                self.report(Diagnostic::new(Code::GIVEN_TWICE, *span, format!("the header `{name}` is given twice")));
                fine = false;
            }
            sent.push(SentHeader { name, value: says });
        }
        fine.then_some(sent)
    }

    fn header_name(&mut self, name: &str, at: Span) -> Option<SmolStr> {
        let is_sign = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(is_sign) {
            self.report(
                Diagnostic::new(Code::METRIC_SOURCE, at, format!("`{name}` is not the name of a header"))
                    .help("a name has letters, digits and hyphens, for example `retry-after`"),
            );
            return None;
        }
        Some(name.into())
    }

    /// What a header says; `None`: unknown, or reported.
    fn header_text(&mut self, name: &str, value: &Val, at: Span) -> Option<SentText> {
        let among = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        if among(HEADERS_OF_A_BODY) {
            let message = format!("`{name}` is about the body of a request, and this one has none");
            self.report(Diagnostic::new(Code::METRIC_SOURCE, at, message));
            return None;
        }
        let said = match value {
            Val::Plain(Value::Secret(secret)) => return Some(SentText::Secret(secret.clone())),
            Val::Plain(Value::String(said) | Value::Url(said) | Value::Host(said)) => said,
            Val::Unknown(_) => return None,
            other => {
                let message =
                    format!("the header `{name}` is {}, and text or a secret is wanted", self.describe(other));
                self.report(
                    Diagnostic::new(Code::TYPE_MISMATCH, at, message)
                        .help("write it in quotes, or `secret(\"name\")` where nobody may read it"),
                );
                return None;
            }
        };
        if among(SECRET_HEADERS) {
            self.report(
                Diagnostic::new(Code::SECRET_IN_THE_OPEN, at, format!("what `{name}` says would be in the open"))
                    .why("texts are printed, and kept in plans and journals; a secret is looked up when it is sent")
                    .help(format!(
                        "write for example `{name}: secret(\"shop\")`; the secret is all that the header says"
                    )),
            );
            return None;
        }
        if !said.chars().all(|c| (' '..='~').contains(&c)) {
            let message = format!("the header `{name}` holds what no header can carry");
            self.report(Diagnostic::new(Code::METRIC_SOURCE, at, message).help("printable ASCII, on one line"));
            return None;
        }
        Some(SentText::Text(said.clone()))
    }

    /// A pattern that can be used for a metric of this type.
    fn pattern(&mut self, text: &str, written: &Expr, result: &Type) -> Option<SmolStr> {
        match Pattern::read(text) {
            Err(bad) => self.bad_pattern(text, written, &bad),
            Ok(pattern) if is_number(result) && pattern.groups() != 1 => {
                let message = match pattern.groups() {
                    0 => format!("`{text}` has no group: which part of it is the number?"),
                    many => format!("`{text}` has {many} groups: which is the number?"),
                };
                self.report(
                    Diagnostic::new(Code::PATTERN, written.span, message)
                        .why("the sample is the number that the group finds")
                        .help("put brackets around the number, and no others: `length: ([0-9]+)`; `(?:…)` is no group"),
                );
            }
            Ok(_) => return Some(text.into()),
        }
        None
    }

    fn bad_pattern(&mut self, text: &str, written: &Expr, bad: &BadPattern) {
        let part = bad.at.clone().and_then(|at| Some((text.get(at.clone())?, at)));
        let at = part.as_ref().and_then(|(_, at)| inside(text, written, at.start, at.end)).unwrap_or(written.span);
        let message = match part {
            Some((part, _)) if !part.is_empty() => format!("`{text}` is no pattern: {} at `{part}`", bad.reason),
            _ => format!("`{text}` is no pattern: {}", bad.reason),
        };
        let mut diagnostic = Diagnostic::new(Code::PATTERN, at, message);
        if bad.reason.contains("not supported") {
            diagnostic =
                diagnostic.why("a pattern is searched for in linear time, and with these nobody could promise that");
        }
        self.report(diagnostic);
    }

    /// Whether the patterns that a call gives to a metric can be used. Those that stand in the metric are reported there, and
    /// these where they were written.
    pub(super) fn patterns_given(&mut self, metric: &Metric, result: &Type, args: &[Arg], of: &Signature) -> bool {
        let pattern = field(&metric.fields, "http").and_then(|http| part(http, "pattern"));
        let Some(ExprKind::Name(param)) = pattern.map(|given| &given.value.kind) else { return true };
        let is_first = of.params.first().is_some_and(|first| first.name == *param);
        let given = args.iter().enumerate().find(|(place, arg)| match &arg.name {
            Some(name) => name.text == *param,
            None => *place == 0 && is_first,
        });
        let Some((_, given)) = given else { return true };
        match super::text_of(&self.apart(|ev| ev.value(&given.value, &Type::String))) {
            Some(text) => self.pattern(&text, &given.value, result).is_some(),
            None => true,
        }
    }
}

fn is_number(result: &Type) -> bool {
    !matches!(result.base(), Type::Bool | Type::Any)
}

/// A field of the record that a field is.
fn part<'f>(outer: &'f Field, key: &str) -> Option<&'f Field> {
    entry(&outer.value, key)
}

fn entry<'f>(record: &'f Expr, key: &str) -> Option<&'f Field> {
    match &record.kind {
        ExprKind::Record(fields) => field(fields, key),
        _ => None,
    }
}

/// Where a part of a text stands in the file, if the text is written there as a literal and that can be told from its length.
fn inside(text: &str, written: &Expr, from: usize, to: usize) -> Option<Span> {
    if !matches!(&written.kind, ExprKind::Literal(Value::String(_))) {
        return None;
    }
    let as_written = |c: char| if matches!(c, '\\' | '"' | '\n' | '\t') { 2 } else { c.len_utf8() };
    let in_quotes = |part: &str| part.chars().map(as_written).sum::<usize>();
    let length = (written.span.end - written.span.start) as usize;
    let (start, end) = match (length == in_quotes(text) + 2, length == text.len() + 6) {
        (true, false) => (1 + in_quotes(text.get(..from)?), 1 + in_quotes(text.get(..to)?)),
        (false, true) => (3 + from, 3 + to),
        _ => return None,
    };
    let at = |offset: usize| u32::try_from(offset).ok().map(|offset| written.span.start + offset);
    Some(Span::new(written.span.file, at(start)?, at(end)?))
}
