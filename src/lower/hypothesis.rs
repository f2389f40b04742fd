//! `hypothesis`: what is expected, when it is judged, and how the system recovers.

use std::fmt::Write as _;

use crate::check::evaluate::{Evaluator, Val, positive};
use crate::check::program::{Expect, Expr, ExprKind, Hypothesis, PhaseKind, RecoveryItem};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Condition, Expectation, Operand, Phase, Recovery, RecoveryClass, Stream};
use crate::source::Span;
use crate::types::{Duration, Type, Value};

/// What a hypothesis says; parts that are unknown or wrong are missing, and `complete` is false then.
#[derive(Debug, Default)]
pub struct Said {
    /// What is expected.
    pub expectations: Vec<Expectation>,
    /// How it recovers.
    pub recovery: Option<Recovery>,
    /// Whether nothing is missing.
    pub complete: bool,
}

/// Reads a hypothesis.
pub fn read(ev: &mut Evaluator<'_>, hypothesis: &Hypothesis) -> Said {
    let mut said = Said { complete: true, ..Said::default() };
    if hypothesis.expects.is_empty() && hypothesis.broken {
        said.complete = false;
    } else if hypothesis.expects.is_empty() {
        ev.report(
            Diagnostic::new(Code::INCOMPLETE, hypothesis.span, "this hypothesis expects nothing")
                .why("a run that judges nothing would be green whatever happens")
                .help("write what must hold: `expect success: success-rate(checkout) >= 99.5%`"),
        );
        said.complete = false;
    }
    let mut names: Vec<(&str, Span)> = Vec::new();
    for expect in &hypothesis.expects {
        if let Some((_, first)) = names.iter().find(|(n, _)| *n == expect.name.text) {
            let first = *first;
            ev.report(crate::check::evaluate::expr::twice(&expect.name, first));
        }
        names.push((&expect.name.text, expect.name.span));
        match self::expect(ev, expect) {
            Some(expectation) => said.expectations.push(expectation),
            None => said.complete = false,
        }
    }
    said.recovery = recovery(ev, hypothesis);
    said.complete &= said.recovery.is_some();
    said
}

fn expect(ev: &mut Evaluator<'_>, expect: &Expect) -> Option<Expectation> {
    let condition = self::condition(ev, &expect.condition);
    let within = optional_time(ev, expect.within.as_ref(), "within");
    let phase = match &expect.phase {
        None => Some(Phase::Always),
        Some(phase) => match &phase.kind {
            PhaseKind::Only => Some(Phase::OnlyDuringFaults),
            PhaseKind::Except => Some(Phase::ExceptDuringFaults),
            PhaseKind::But(op, bound) => relaxed(ev, &expect.condition, *op, bound, phase.span),
        },
    };
    let condition = condition?;
    Some(Expectation {
        name: expect.name.text.clone(),
        text: condition_text(&condition, &ev.streams),
        condition,
        within: within?,
        phase: phase?,
        span: expect.span,
    })
}

/// `but < B during faults`: the same measurement against a weaker bound.
fn relaxed(
    ev: &mut Evaluator<'_>,
    condition: &Expr,
    op: crate::plan::Comparison,
    bound: &Expr,
    span: Span,
) -> Option<Phase> {
    let inner = ungrouped(condition);
    let ExprKind::Compare { left, .. } = &inner.kind else {
        ev.report(
            Diagnostic::new(Code::BUT_WITHOUT_BOUND, span, "`but` weakens a bound, and there is none before it")
                .also(condition.span, "this is no comparison with a bound")
                .help("write `metric < BOUND but < WEAKER during faults`"),
        );
        return None;
    };
    let measured = ev.value(left, &Type::Any);
    let bound_value = ev.value(bound, &Type::Any);
    match ev.compare_values(&measured, op, &bound_value, left, bound) {
        Val::Condition(condition) => {
            let mut text = String::new();
            if let Condition::Compare { op, right, .. } = &*condition {
                let _ = write!(text, "{} {}", op.text(), operand_text(right, &ev.streams));
            }
            Some(Phase::Relaxed { condition: (*condition).clone(), text })
        }
        _ => None,
    }
}

fn ungrouped(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Group(inner) => ungrouped(inner),
        _ => expr,
    }
}

/// A condition over samples; `None` if it is unknown, wrong, or measures nothing.
pub fn condition(ev: &mut Evaluator<'_>, expr: &Expr) -> Option<Condition> {
    match ev.value(expr, &Type::Bool) {
        Val::Condition(condition) => Some((*condition).clone()),
        Val::Plain(Value::Bool(value)) => {
            ev.report(
                Diagnostic::new(
                    Code::NOT_A_CONDITION,
                    expr.span,
                    format!("this is always {value}: nothing is measured"),
                )
                .why("what measures nothing proves nothing")
                .help("name a metric: `success-rate(checkout) >= 99.5%`"),
            );
            None
        }
        _ => None,
    }
}

fn recovery(ev: &mut Evaluator<'_>, hypothesis: &Hypothesis) -> Option<Recovery> {
    let (first, rest) = match hypothesis.recoveries.split_first() {
        Some(split) => split,
        None if hypothesis.broken => return None,
        None => {
            ev.report(
                Diagnostic::new(Code::INCOMPLETE, hypothesis.span, "how does the system recover, and how fast?")
                    .why("which failures a system survives by itself, and which need hands, is what is to be learned")
                    .help(
                        "write `recovery automatic within 2m`; `manual` if people act, `unknown` if nobody knows yet",
                    ),
            );
            return None;
        }
    };
    if let Some(second) = rest.first() {
        ev.report(
            Diagnostic::new(Code::GIVEN_TWICE, second.span, "`recovery` is given twice").also(first.span, "first here"),
        );
    }
    one_recovery(ev, first)
}

fn one_recovery(ev: &mut Evaluator<'_>, item: &RecoveryItem) -> Option<Recovery> {
    let class = match item.class.text.as_str() {
        "automatic" => Some(RecoveryClass::Automatic),
        "manual" => Some(RecoveryClass::Manual),
        "unknown" => Some(RecoveryClass::Unknown),
        other => {
            let known = ["automatic", "manual", "unknown"];
            let diagnostic = Diagnostic::new(
                Code::UNKNOWN_WORD,
                item.class.span,
                format!("`{other}` says nothing about a recovery"),
            );
            ev.report(match crate::diagnostic::nearest(other, known) {
                Some(near) => diagnostic.choice(format!("did you mean `{near}`?"), item.class.span, near),
                None => diagnostic.help("write `automatic`, `manual` or `unknown`"),
            });
            None
        }
    };
    let within = item.within.as_ref().and_then(|within| time(ev, within, "within"));
    Some(Recovery { class: class?, within: within?, span: item.span })
}

/// A time that is more than nothing.
pub fn time(ev: &mut Evaluator<'_>, expr: &Expr, word: &str) -> Option<Duration> {
    match ev.value(expr, &Type::Duration) {
        Val::Plain(value @ Value::Duration(duration)) => {
            if !positive(&value) {
                ev.report(
                    Diagnostic::new(Code::ZERO_TIME, expr.span, format!("`{word}` of no time at all"))
                        .help("write how long, for example `30s`"),
                );
                return None;
            }
            Some(duration)
        }
        _ => None,
    }
}

/// `Some(None)` if it is not given.
pub fn optional_time(ev: &mut Evaluator<'_>, expr: Option<&Expr>, word: &str) -> Option<Option<Duration>> {
    match expr {
        None => Some(None),
        Some(expr) => time(ev, expr, word).map(Some),
    }
}

/// A condition in words, with the streams as they are called.
#[must_use]
pub fn condition_text(condition: &Condition, streams: &[Stream]) -> String {
    let joined = |parts: &[Condition], word: &str| {
        let parts: Vec<String> = parts
            .iter()
            .map(|part| match part {
                Condition::All(_) | Condition::Any(_) => format!("({})", condition_text(part, streams)),
                _ => condition_text(part, streams),
            })
            .collect();
        parts.join(word)
    };
    match condition {
        Condition::Constant(value) => value.to_string(),
        Condition::Holds(stream) => stream_text(*stream, streams),
        Condition::Compare { left, op, right } => {
            format!("{} {} {}", operand_text(left, streams), op.text(), operand_text(right, streams))
        }
        Condition::Not(inner) => match &**inner {
            Condition::All(_) | Condition::Any(_) => format!("not ({})", condition_text(inner, streams)),
            _ => format!("not {}", condition_text(inner, streams)),
        },
        Condition::All(parts) => joined(parts, " and "),
        Condition::Any(parts) => joined(parts, " or "),
    }
}

fn operand_text(operand: &Operand, streams: &[Stream]) -> String {
    match operand {
        Operand::Constant(value) => value.to_string(),
        Operand::Stream(stream) => stream_text(*stream, streams),
        Operand::Combine { left, op, right } => {
            let side = |o: &Operand| match o {
                Operand::Combine { .. } => format!("({})", operand_text(o, streams)),
                _ => operand_text(o, streams),
            };
            format!("{} {} {}", side(left), op.text(), side(right))
        }
    }
}

fn stream_text(index: u32, streams: &[Stream]) -> String {
    streams.get(index as usize).map_or_else(|| format!("stream {index}"), |s| s.text.clone())
}
