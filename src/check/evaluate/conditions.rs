//! What a selector says of labels, annotations, fields and phases.
//!
//! Comes in: an argument of `pods(…)` or `machines(…)`. Goes out: its conditions as plain data, and the argument as it is
//! told to people. Must never drop a condition that is not understood: the selector would get wider by that.

use std::sync::Arc;

use smol_str::SmolStr;

use super::select::{label_is_no_text, text_of};
use super::{Evaluator, Val};
use crate::check::program::{Expr, ExprKind};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::{Label, LabelCondition, LabelTest, POD_FIELDS, POD_FIELDS_WITH_WORDS, PodPhase};
use crate::source::Span;
use crate::types::{Type, Value};

/// The word for "whatever its value".
const ANY: &str = "any";

/// What is said of a key.
enum Said {
    Equal(SmolStr),
    OneOf(Vec<SmolStr>),
    Any,
}

impl Said {
    fn text(&self) -> String {
        match self {
            Self::Equal(value) => format!("{value:?}"),
            Self::OneOf(values) => {
                format!("[{}]", values.iter().map(|v| format!("{v:?}")).collect::<Vec<_>>().join(", "))
            }
            Self::Any => ANY.to_owned(),
        }
    }
}

impl Evaluator<'_> {
    /// `labels: { app: "ledger", tier: ["web", "cache"], track: any }`: what all of them have.
    pub(super) fn label_conditions(
        &mut self,
        expr: &Expr,
        labels: &mut Vec<Label>,
        conditions: &mut Vec<LabelCondition>,
        parts: &mut Vec<String>,
    ) -> bool {
        let Some(said) = self.said(expr, parts, "labels") else { return false };
        for (key, said) in said {
            match said {
                Said::Equal(value) => match labels.iter_mut().find(|(k, _)| *k == key) {
                    Some(entry) => entry.1 = value,
                    None => labels.push((key, value)),
                },
                Said::OneOf(values) => conditions.push(LabelCondition { key, holds: LabelTest::In(values) }),
                Said::Any => conditions.push(LabelCondition { key, holds: LabelTest::Exists }),
            }
        }
        true
    }

    /// `without: { canary: any, env: ["dev", "test"] }`: what none of them has.
    pub(super) fn without(
        &mut self,
        expr: &Expr,
        conditions: &mut Vec<LabelCondition>,
        parts: &mut Vec<String>,
    ) -> bool {
        let Some(said) = self.said(expr, parts, "without") else { return false };
        conditions.extend(said.into_iter().map(|(key, said)| {
            let holds = match said {
                Said::Equal(value) => LabelTest::NotIn(vec![value]),
                Said::OneOf(values) => LabelTest::NotIn(values),
                Said::Any => LabelTest::DoesNotExist,
            };
            LabelCondition { key, holds }
        }));
        true
    }

    /// The entries of a map of labels; `None` if one is not known, or wrong.
    fn said(&mut self, expr: &Expr, parts: &mut Vec<String>, word: &str) -> Option<Vec<(SmolStr, Said)>> {
        let mut found = Vec::new();
        let mut known = true;
        for (key, value, _) in self.entries(expr)? {
            let said = match &value {
                Val::Plain(Value::Word(any)) if any == ANY => Some(Said::Any),
                Val::List(items) if !items.is_empty() => {
                    let texts: Vec<SmolStr> = items.iter().filter_map(text_of).collect();
                    (texts.len() == items.len()).then_some(Said::OneOf(texts))
                }
                value => text_of(value).map(Said::Equal),
            };
            match said {
                Some(said) => found.push((key, said)),
                None => {
                    known = false;
                    if !value.is_unknown() {
                        let diagnostic = label_is_no_text(expr, &key, &value);
                        self.report(diagnostic);
                    }
                }
            }
        }
        let written: Vec<String> = found.iter().map(|(key, said)| format!("{key}: {}", said.text())).collect();
        parts.push(format!("{word}: {{ {} }}", written.join(", ")));
        known.then_some(found)
    }

    /// The entries of a record with the places of their values; in one that is written here, `any` is a word.
    fn entries(&mut self, expr: &Expr) -> Option<Vec<(SmolStr, Val, Span)>> {
        if let ExprKind::Record(fields) = &expr.kind {
            // Keys that stand twice are found there.
            let is_any = |e: &Expr| matches!(&e.kind, ExprKind::Name(name) if name == ANY);
            if fields.iter().any(|f| is_any(&f.value)) {
                let words = Type::Enum([SmolStr::from(ANY)].into());
                let mut found: Vec<(SmolStr, Val, Span)> = Vec::new();
                for field in fields {
                    let want = if is_any(&field.value) { &words } else { &Type::Any };
                    let value = self.value(&field.value, want);
                    match found.iter().find(|(key, ..)| *key == field.key.text) {
                        Some((_, _, first)) => {
                            let first = *first;
                            self.report(super::expr::twice(&field.key, first));
                        }
                        None => found.push((field.key.text.clone(), value, field.value.span)),
                    }
                }
                return Some(found);
            }
        }
        let Val::Record(entries) = self.value(expr, &Type::Record) else { return None };
        let place = |key: &str| match &expr.kind {
            ExprKind::Record(fields) => fields.iter().find(|f| f.key.text == key).map_or(expr.span, |f| f.value.span),
            _ => expr.span,
        };
        Some(entries.iter().map(|(key, value, _)| (key.clone(), value.clone(), place(key))).collect())
    }

    /// `annotations: { "team/pager": "on" }`: keys that are equal to a text, and nothing else.
    pub(super) fn equalities(
        &mut self,
        expr: &Expr,
        into: &mut Vec<Label>,
        parts: &mut Vec<String>,
        word: &str,
    ) -> bool {
        let Some(entries) = self.entries(expr) else { return false };
        let mut known = true;
        let mut written = Vec::new();
        for (key, value, span) in entries {
            match text_of(&value) {
                Some(text) if !matches!(value, Val::Plain(Value::Word(_))) => {
                    written.push(format!("{key}: {text:?}"));
                    match into.iter_mut().find(|(k, _)| *k == key) {
                        Some(entry) => entry.1 = text,
                        None => into.push((key, text)),
                    }
                }
                _ => {
                    known = false;
                    if !value.is_unknown() {
                        let message = format!("`{key}` has to be equal to a text in quotes here");
                        self.report(Diagnostic::new(Code::TYPE_MISMATCH, span, message).help(
                            "`any`, and a list of which one is enough, are for `labels` and `without`: engines know no more",
                        ));
                    }
                }
            }
        }
        parts.push(format!("{word}: {{ {} }}", written.join(", ")));
        known
    }

    /// `fields: { "spec.serviceAccountName": "ledger" }`: those by which Kubernetes can select pods.
    pub(super) fn pod_fields(&mut self, expr: &Expr, into: &mut Vec<Label>, parts: &mut Vec<String>) -> bool {
        let before = into.len();
        if !self.equalities(expr, into, parts, "fields") {
            return false;
        }
        let given: Vec<Label> = into.iter().skip(before).cloned().collect();
        let mut known = true;
        for (path, value) in given {
            let diagnostic = match POD_FIELDS.iter().find(|f| f.path == path) {
                Some(field) if field.words.is_empty() || field.words.contains(&value.as_str()) => continue,
                Some(field) => Diagnostic::new(
                    Code::TYPE_MISMATCH,
                    expr.span,
                    format!("`{path}` is never `{value}`: it is one of {}", field.words.join(", ")),
                ),
                None => no_pod_field(&path, expr.span),
            };
            self.report(diagnostic);
            known = false;
        }
        known
    }

    /// `phase: pending`, `phase: [pending, running]`.
    pub(super) fn phases(&mut self, expr: &Expr, into: &mut Vec<PodPhase>, parts: &mut Vec<String>) -> bool {
        let words = Type::Enum(PodPhase::ALL.iter().map(|phase| SmolStr::from(phase.text())).collect());
        let is_list = matches!(expr.kind, ExprKind::List(_));
        let want = if is_list { Type::List(Arc::new(words)) } else { words };
        let word = |value: &Val| match value {
            Val::Plain(Value::Word(word)) => PodPhase::parse(word),
            _ => None,
        };
        let value = self.value(expr, &want);
        let found: Option<Vec<PodPhase>> = match &value {
            Val::List(items) => items.iter().map(word).collect(),
            one => word(one).map(|phase| vec![phase]),
        };
        let Some(mut found) = found.filter(|phases| !phases.is_empty()) else {
            if matches!(&value, Val::List(items) if items.is_empty()) {
                self.report(
                    Diagnostic::new(Code::TYPE_MISMATCH, expr.span, "no phase at all selects no pod")
                        .help("leave `phase` out for ready pods, or name one"),
                );
            }
            return false;
        };
        found.dedup();
        let texts: Vec<&str> = found.iter().map(|phase| phase.text()).collect();
        parts.push(match texts.as_slice() {
            [one] if !is_list => format!("phase: {one}"),
            all => format!("phase: [{}]", all.join(", ")),
        });
        *into = found;
        true
    }

    /// `namespace: "pay"`, `namespace: ["pay", "pay-canary"]`.
    pub(super) fn namespaces(&mut self, expr: &Expr, into: &mut Vec<SmolStr>, parts: &mut Vec<String>) -> bool {
        let is_list = matches!(expr.kind, ExprKind::List(_));
        let want = if is_list { Type::List(Arc::new(Type::String)) } else { Type::String };
        match self.value(expr, &want) {
            Val::List(items) if !items.is_empty() && !items.iter().any(Val::is_unknown) => {
                let mut found: Vec<SmolStr> = Vec::new();
                // One that stands twice would have its pods listed twice (Chaos Mesh 2.8).
                for namespace in items.iter().filter_map(text_of) {
                    if !found.contains(&namespace) {
                        found.push(namespace);
                    }
                }
                parts.push(match found.as_slice() {
                    [one] => format!("namespace: {one:?}"),
                    all => format!("namespace: {:?}", all.iter().map(SmolStr::as_str).collect::<Vec<_>>()),
                });
                *into = found;
                true
            }
            value => match text_of(&value) {
                Some(namespace) => {
                    parts.push(format!("namespace: {namespace:?}"));
                    *into = vec![namespace];
                    true
                }
                None => false,
            },
        }
    }
}

/// A path that is no field by which pods are selected.
fn no_pod_field(path: &str, span: Span) -> Diagnostic {
    let known: Vec<&str> = POD_FIELDS.iter().map(|f| f.path).collect();
    if let Some((_, word)) = POD_FIELDS_WITH_WORDS.iter().find(|(field, _)| *field == path) {
        return Diagnostic::new(Code::BAD_SELECTOR, span, format!("`{path}` has a word of its own here: `{word}`"))
            .why("one way to say one thing: proofs look at it there")
            .help(format!("write `{word}:`"));
    }
    let near = nearest(path, known.iter().copied()).map(|n| format!("did you mean `{n}`?"));
    Diagnostic::new(Code::BAD_SELECTOR, span, format!("Kubernetes cannot select pods by `{path}`"))
        .help(near.unwrap_or_else(|| format!("it knows {}", known.join(", "))))
}
