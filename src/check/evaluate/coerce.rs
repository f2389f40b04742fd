//! Fits a value to the type that is wanted, or says why it does not fit.

use smol_str::SmolStr;

use super::names::listed;
use super::{Evaluator, Val};
use crate::check::program::{Expr, ExprKind, ItemKind, RecordWord};
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Fix};
use crate::source::Span;
use crate::types::{Bounds, Decimal, Offset, TargetKind, Type, Value, decimal_text};

impl Evaluator<'_> {
    /// The value as the wanted type; unknown, with a diagnostic, where it does not fit.
    pub(super) fn fit(&mut self, value: Val, want: &Type, expr: &Expr) -> Val {
        if value.is_error() {
            return value;
        }
        match want {
            Type::Any => value,
            Type::Optional(inner) => match value {
                Val::Plain(Value::None) => value,
                Val::Unknown(Type::Optional(_)) => Val::Unknown(want.clone()),
                other => self.fit(other, inner, expr),
            },
            Type::InRange(inner, bounds) => {
                let fitted = self.fit(value, inner, expr);
                self.in_bounds(fitted, bounds, expr)
            }
            Type::List(inner) => self.fit_list(value, inner, want, expr),
            Type::Bool => match value {
                Val::Plain(Value::Bool(_)) | Val::Condition(_) => value,
                Val::Sampled(operand, Type::Bool) => self.sampled_bool(&operand),
                other => self.fit_plain(other, want, expr),
            },
            _ => self.fit_plain(value, want, expr),
        }
    }

    fn sampled_bool(&self, operand: &crate::plan::Operand) -> Val {
        match operand {
            crate::plan::Operand::Stream(stream) => {
                Val::Condition(std::sync::Arc::new(crate::plan::Condition::Holds(*stream)))
            }
            _ => Val::Unknown(Type::Bool),
        }
    }

    fn fit_list(&mut self, value: Val, inner: &Type, want: &Type, expr: &Expr) -> Val {
        match value {
            Val::List(ref items) if matches!(expr.kind, ExprKind::List(_)) || matches!(inner, Type::Any) => {
                // Members of a list that is written here were fitted one by one.
                let _ = items;
                value
            }
            Val::List(items) => {
                let fitted: Vec<Val> = items.iter().map(|item| self.fit(item.clone(), inner, expr)).collect();
                Val::list(fitted)
            }
            Val::Unknown(Type::List(_)) => Val::Unknown(want.clone()),
            Val::Selector(candidates) => match &candidates.selector {
                crate::plan::Selector::Endpoints(urls) => {
                    Val::list(urls.iter().map(|u| Val::Plain(Value::Url(u.clone()))))
                }
                _ => self.mismatch(&Val::Selector(candidates.clone()), want, expr),
            },
            other => {
                let mut diagnostic = self.mismatch_diagnostic(&other, want, expr);
                let is_text = matches!(other, Val::Plain(Value::String(_)));
                let fits = match inner.base() {
                    Type::Url | Type::Host => is_text,
                    inner => self.type_of(&other).base() == inner,
                };
                if fits {
                    diagnostic = diagnostic.with_fix(Fix {
                        title: "put it into a list".into(),
                        edits: vec![
                            Edit { span: expr.span.before(), text: "[".into() },
                            Edit { span: expr.span.after(), text: "]".into() },
                        ],
                        applicability: Applicability::Certain,
                    });
                }
                self.report(diagnostic);
                Val::error()
            }
        }
    }

    /// A map: any keys, each with text.
    fn map(&mut self, entries: std::sync::Arc<Vec<(SmolStr, Val, crate::source::Span)>>, expr: &Expr) -> Val {
        let wrong = entries.iter().find(|(_, value, _)| !value.is_unknown() && super::text_of(value).is_none());
        let Some((key, value, span)) = wrong else { return Val::Record(entries) };
        let found = self.describe(value);
        let span = if matches!(expr.kind, ExprKind::Record(_)) { *span } else { expr.span };
        self.report(
            Diagnostic::new(Code::TYPE_MISMATCH, span, format!("`{key}` of this map is {found}, and must be text"))
                .help("put it into quotes"),
        );
        Val::error()
    }

    /// A value that is no list, no range and not optional.
    fn fit_plain(&mut self, value: Val, want: &Type, expr: &Expr) -> Val {
        if let Val::Unknown(ty) = &value {
            // Which pods depends on the place; that their number is missing does not.
            if let (Type::Selector(_), Type::Target(_)) = (ty.base(), want) {
                self.report(how_many(&words(expr), expr));
                return Val::error();
            }
            return if self.compatible(ty, want) {
                Val::Unknown(want.clone())
            } else {
                self.mismatch(&value, want, expr)
            };
        }
        match (want, value) {
            (Type::Number, Val::Plain(Value::Int(n))) => Val::Plain(Value::Number(Decimal::from(n))),
            (Type::Url, Val::Plain(Value::String(text))) => self.url(text, expr),
            (Type::Host, Val::Plain(Value::String(text))) => self.host(text, expr),
            (Type::Selector(kind), Val::Selector(s)) if s.selector.kind() == *kind => Val::Selector(s),
            (Type::Target(kind), Val::Target(t)) if t.kind() == *kind => Val::Target(t),
            // What is done to a pod in a cluster is done to a process on one machine.
            (Type::Target(TargetKind::Pods), Val::Target(t)) if t.kind() == TargetKind::Processes => Val::Target(t),
            (Type::Selector(TargetKind::Pods), Val::Selector(s)) if s.selector.kind() == TargetKind::Processes => {
                Val::Selector(s)
            }
            (Type::Target(_), Val::Selector(candidates)) => {
                self.report(how_many(&candidates.text, expr));
                Val::error()
            }
            // `fault in [node.power-off]`: which one is known where the rule is judged.
            (Type::Fault, facts @ Val::Facts(super::FactsOf::Fault)) => facts,
            (Type::Fault, Val::Decl(id)) if matches!(self.program.item(id).kind, ItemKind::Fault(_)) => Val::Decl(id),
            (Type::Record, value @ Val::Record(_)) => value,
            (Type::Map, Val::Record(entries)) => self.map(entries, expr),
            (Type::Enum(words), Val::Plain(Value::Word(word))) if words.contains(&word) => {
                Val::Plain(Value::Word(word))
            }
            (want, value) => {
                if self.type_of(&value) == *want {
                    value
                } else {
                    self.mismatch(&value, want, expr)
                }
            }
        }
    }

    /// Whether a value of which only the type is known may stand where `want` is wanted.
    fn compatible(&self, ty: &Type, want: &Type) -> bool {
        match (ty, want) {
            (Type::Any, _) | (_, Type::Any) => true,
            (Type::InRange(inner, _), want) => self.compatible(inner, want),
            (ty, Type::InRange(inner, _)) => self.compatible(ty, inner),
            (Type::Optional(_), Type::Optional(_)) => true,
            // `none` where it is not allowed is found once the value is known.
            (Type::Optional(inner), want) => self.compatible(inner, want),
            (Type::List(a), Type::List(b)) => self.compatible(a, b),
            (Type::Target(TargetKind::Processes), Type::Target(TargetKind::Pods))
            | (Type::Selector(TargetKind::Processes), Type::Selector(TargetKind::Pods)) => true,
            (Type::Int, Type::Number) | (Type::String, Type::Url | Type::Host) => true,
            (Type::Sampled(inner), want) => self.compatible(inner, want),
            (Type::Map, Type::Record) => true,
            // The words of an enumeration may be a part of those that are wanted.
            (Type::Enum(a), Type::Enum(b)) => a.iter().all(|w| b.contains(w)),
            (ty, want) => ty == want,
        }
    }

    fn mismatch(&mut self, value: &Val, want: &Type, expr: &Expr) -> Val {
        let diagnostic = self.mismatch_diagnostic(value, want, expr);
        self.report(diagnostic);
        Val::error()
    }

    fn mismatch_diagnostic(&self, value: &Val, want: &Type, expr: &Expr) -> Diagnostic {
        if let Some(diagnostic) = self.bare_number(value, want, expr) {
            return diagnostic;
        }
        if let Some(diagnostic) = self.quoted_word(value, want, expr) {
            return diagnostic;
        }
        if let Some(diagnostic) = self.not_called(value, expr) {
            return diagnostic;
        }
        if let (Val::Decl(id), Type::Target(kind)) = (value, want.base()) {
            let item = self.program.item(*id);
            let of_service = !matches!(kind, TargetKind::Clusters);
            if of_service && matches!(item.kind, ItemKind::Record(RecordWord::Service, _)) {
                return how_many_of_service(&item.name.text, *kind, expr);
            }
        }
        let found = self.describe(value);
        let diagnostic = Diagnostic::new(
            Code::TYPE_MISMATCH,
            expr.span,
            format!("{} is wanted here, and this is {found}", article(want)),
        );
        match (value, want.base()) {
            (Val::Plain(Value::Duration(d)), Type::Offset) => diagnostic
                .label("forwards or backwards?")
                .choice(format!("`+{d}` moves forwards"), expr.span, format!("+{d}"))
                .choice(format!("`-{d}` moves backwards"), expr.span, format!("-{d}")),
            // A `+` says nothing more; whoever wrote a `-` may have meant something else altogether.
            (Val::Plain(Value::Offset(o)), Type::Duration) if o.as_nanos() >= 0 => {
                diagnostic.fix(format!("write `{}`", o.length()), expr.span, o.length().to_string())
            }
            (Val::Plain(Value::Offset(o)), Type::Duration) => diagnostic
                .why("a time that something takes is never negative")
                .choice(format!("write `{}`", o.length()), expr.span, o.length().to_string()),
            (Val::Target(t), Type::Selector(_)) => {
                diagnostic.help(format!("`{}` is a draw; a selector has no quantity", t.text))
            }
            (_, Type::Secret) => diagnostic.help("write `secret(\"name\")`: the text of a secret is never in a source"),
            (_, Type::Record) => diagnostic.help("write `{ key: value }`"),
            (_, Type::Map) => diagnostic.help("write `{ key: \"text\" }`"),
            (Val::Sampled(..) | Val::Unknown(Type::Sampled(_)), Type::Bool) => {
                diagnostic.help("compare it with the value that you expect, such as `>= 99%` or `< 800ms`")
            }
            (Val::Plain(Value::Int(0 | 1)), Type::Bool) => diagnostic.help(
                "a truth value is `true` or `false`; it needs no comparison: `breaker-open(…)`, `not breaker-open(…)`",
            ),
            (Val::Plain(Value::String(text)), want) => {
                match quoted_quantity(text, want) {
                    Some(bare) => diagnostic
                        .why("a quantity is a value with its unit, which is checked; text is not")
                        .fix(format!("write `{bare}`, without quotes"), expr.span, bare),
                    None => diagnostic,
                }
            }
            _ => diagnostic,
        }
    }

    /// `latency: 300`: which units fit?
    fn bare_number(&self, value: &Val, want: &Type, expr: &Expr) -> Option<Diagnostic> {
        let number = match value {
            Val::Plain(Value::Int(n)) => Decimal::from(*n),
            Val::Plain(Value::Number(n)) => *n,
            _ => return None,
        };
        let text = decimal_text(number);
        let units: &[&str] = match want.base() {
            Type::Duration => &["ms", "s", "m"],
            Type::Percent => &["%"],
            Type::Bytes => &["MiB", "GiB"],
            Type::Bitrate => &["Mbit/s", "kbit/s"],
            Type::Cores => &["cores"],
            Type::Rate => &["/s"],
            Type::Offset => &["s", "m"],
            _ => return None,
        };
        let mut diagnostic = Diagnostic::new(
            Code::WITHOUT_UNIT,
            expr.span,
            format!("`{text}` has no unit, and {} is wanted here", article(want)),
        )
        .why("a number without its unit is read differently by different people and engines");
        if *want.base() == Type::Percent && number > Decimal::ZERO && number <= Decimal::ONE {
            let percent = decimal_text(number * Decimal::from(100));
            return Some(
                diagnostic
                    .help(format!("a share is written in percent: `{percent}%`"))
                    .choice(format!("write `{percent}%`"), expr.span, format!("{percent}%"))
                    .choice(format!("write `{text}%`"), expr.span, format!("{text}%")),
            );
        }
        if let [only] = units {
            return Some(diagnostic.fix(format!("write `{text}{only}`"), expr.span, format!("{text}{only}")));
        }
        for unit in units {
            diagnostic = diagnostic.choice(format!("`{text}{unit}`"), expr.span, format!("{text}{unit}"));
        }
        Some(diagnostic.help(format!("write the unit behind the number: {}", listed(units))))
    }

    /// `tier: "critical"`: a bare word.
    fn quoted_word(&self, value: &Val, want: &Type, expr: &Expr) -> Option<Diagnostic> {
        let Val::Plain(Value::String(text)) = value else { return None };
        let words: Vec<SmolStr> = match want.base() {
            Type::Enum(words) => words.to_vec(),
            Type::Environment => self.program.environments.iter().map(|e| e.name.clone()).collect(),
            Type::Team | Type::Service | Type::Cluster | Type::Slo | Type::Incident | Type::Fault => {
                return Some(
                    Diagnostic::new(Code::QUOTED_WORD, expr.span, format!("{} is named, not quoted", article(want)))
                        .fix(format!("write `{text}`"), expr.span, text.as_str()),
                );
            }
            _ => return None,
        };
        let diagnostic =
            Diagnostic::new(Code::QUOTED_WORD, expr.span, "this is a word of the language, not text".to_owned())
                .help(format!("write one of {}, without quotes", listed(&words)));
        Some(if words.contains(text) {
            diagnostic.fix(format!("write `{text}`"), expr.span, text.as_str())
        } else {
            diagnostic
        })
    }

    fn in_bounds(&mut self, value: Val, bounds: &Bounds, expr: &Expr) -> Val {
        let Val::Plain(plain) = &value else { return value };
        let inside = super::operate::order(plain, &bounds.least).is_none_or(|o| o.is_ge())
            && super::operate::order(plain, &bounds.greatest).is_none_or(|o| o.is_le());
        if inside {
            return value;
        }
        self.report(
            Diagnostic::new(
                Code::OUT_OF_RANGE,
                expr.span,
                format!("`{plain}` is out of range: {} to {} is allowed", bounds.least, bounds.greatest),
            )
            .label(format!("not in {}..{}", bounds.least, bounds.greatest)),
        );
        Val::error()
    }

    fn url(&mut self, text: SmolStr, expr: &Expr) -> Val {
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let host = rest.map(|r| r.split(['/', '?', '#']).next().unwrap_or_default());
        let fine = host.is_some_and(|h| {
            let (name, port) = h.rsplit_once(':').map_or((h, None), |(n, p)| (n, Some(p)));
            !name.is_empty()
                && !text.chars().any(|c| c.is_whitespace() || c.is_control())
                && port.is_none_or(|p| p.parse::<u16>().is_ok_and(|p| p > 0))
        });
        if let Some((user, _)) = host.and_then(|h| h.rsplit_once('@')).filter(|(user, _)| user.contains(':')) {
            self.report(password_in_url(user, expr.span));
            return Val::error();
        }
        if fine {
            return Val::Plain(Value::Url(text));
        }
        self.report(
            Diagnostic::new(Code::NOT_A_URL, expr.span, format!("`{text}` is not a URL"))
                .help("a URL begins with `http://` or `https://`, then a host, and has no blanks"),
        );
        Val::error()
    }

    fn host(&mut self, text: SmolStr, expr: &Expr) -> Val {
        let label = |l: &str| {
            !l.is_empty()
                && l.len() <= 63
                && !l.starts_with('-')
                && !l.ends_with('-')
                && l.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        let address = text.parse::<std::net::IpAddr>().is_ok();
        let network = text.split_once('/').is_some_and(|(a, bits)| {
            a.parse::<std::net::Ipv4Addr>().is_ok() && bits.parse::<u8>().is_ok_and(|b| b <= 32)
        });
        if address || network || (text.len() <= 253 && text.trim_end_matches('.').split('.').all(label)) {
            return Val::Plain(Value::Host(text));
        }
        let mut diagnostic = Diagnostic::new(Code::NOT_A_HOST, expr.span, format!("`{text}` is not a host"))
            .help("a host is a name such as `api.bank.example`, an address, or an IPv4 network such as `10.0.0.0/8`");
        if text.contains("://") {
            diagnostic = diagnostic.why("a host has no `https://`");
        }
        self.report(diagnostic);
        Val::error()
    }

    /// What a value is, for messages: "a duration", "a selector of pods".
    pub(super) fn describe(&self, value: &Val) -> String {
        match value {
            Val::Plain(Value::Word(word)) => format!("the word `{word}`"),
            Val::Plain(plain) => plain.describe().to_owned(),
            Val::Decl(id) => {
                let item = self.program.item(*id);
                format!("the {} `{}`", word_of(&item.kind), item.name.text)
            }
            Val::Selector(c) => format!("the selector `{}`", c.text),
            Val::Target(t) => format!("the target `{}`", t.text),
            Val::Module(_) => "a module".to_owned(),
            other => article(&self.type_of(other)),
        }
    }

    /// The type of a value.
    pub fn type_of(&self, value: &Val) -> Type {
        match value {
            Val::Unknown(ty) => ty.clone(),
            Val::Plain(plain) => type_of_plain(plain),
            Val::List(items) | Val::Range(items) => {
                Type::List(std::sync::Arc::new(items.first().map_or(Type::Any, |first| self.type_of(first))))
            }
            Val::Record(_) => Type::Record,
            Val::Decl(id) => match &self.program.item(*id).kind {
                ItemKind::Record(word, _) => match word {
                    RecordWord::Team => Type::Team,
                    RecordWord::Service => Type::Service,
                    RecordWord::Cluster => Type::Cluster,
                    RecordWord::Environment => Type::Environment,
                    RecordWord::Slo => Type::Slo,
                    RecordWord::Incident => Type::Incident,
                },
                ItemKind::Fault(_) => Type::Fault,
                _ => Type::Any,
            },
            Val::Selector(c) => Type::Selector(c.selector.kind()),
            Val::Target(t) => Type::Target(t.kind()),
            Val::Sampled(_, ty) => Type::Sampled(std::sync::Arc::new(ty.clone())),
            Val::Condition(_) => Type::Sampled(std::sync::Arc::new(Type::Bool)),
            Val::Module(_) | Val::Facts(_) => Type::Any,
        }
    }
}

/// The type of plain data.
#[must_use]
pub fn type_of_plain(value: &Value) -> Type {
    match value {
        Value::None => Type::Optional(std::sync::Arc::new(Type::Any)),
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Number(_) => Type::Number,
        Value::String(_) => Type::String,
        Value::Duration(_) => Type::Duration,
        Value::Offset(_) => Type::Offset,
        Value::Percent(_) => Type::Percent,
        Value::Bytes(_) => Type::Bytes,
        Value::Bitrate(_) => Type::Bitrate,
        Value::Cores(_) => Type::Cores,
        Value::Rate(_) => Type::Rate,
        Value::Date(_) => Type::Date,
        Value::Url(_) => Type::Url,
        Value::Host(_) => Type::Host,
        Value::Secret(_) => Type::Secret,
        Value::Word(word) => Type::Enum([word.clone()].into()),
        Value::Declared(_) | Value::Draw(_) => Type::Any,
        Value::List(items) => Type::List(std::sync::Arc::new(items.first().map_or(Type::Any, type_of_plain))),
        Value::Record(_) => Type::Record,
    }
}

/// "a duration (such as `300ms`)", for messages about what is wanted.
#[must_use]
pub fn article(ty: &Type) -> String {
    match ty {
        Type::Bool => "a truth value".into(),
        Type::Int => "a whole number".into(),
        Type::Number => "a number".into(),
        Type::String => "text in quotes".into(),
        Type::Duration => "a duration (such as `300ms`)".into(),
        Type::Offset => "an offset with its sign (such as `-5m`)".into(),
        Type::Percent => "a percentage (such as `50%`)".into(),
        Type::Bytes => "a size (such as `512MiB`)".into(),
        Type::Bitrate => "a bitrate (such as `10Mbit/s`)".into(),
        Type::Cores => "an amount of processor (such as `0.5cores`)".into(),
        Type::Rate => "a rate (such as `200/s`)".into(),
        Type::Date => "a date (such as `2026-11-24`)".into(),
        Type::Url => "a URL in quotes".into(),
        Type::Host => "a host in quotes".into(),
        Type::Secret => "a secret".into(),
        Type::Enum(words) => format!("one of the words {}", listed(words)),
        Type::Environment => "an environment".into(),
        Type::Team => "a team".into(),
        Type::Service => "a service".into(),
        Type::Cluster => "a cluster".into(),
        Type::Slo => "an SLO".into(),
        Type::Incident => "an incident".into(),
        Type::Fault => "a fault".into(),
        Type::Target(kind) => format!("a target of {}", kind.noun(2)),
        Type::Selector(kind) => format!("a selector of {}", kind.noun(2)),
        Type::List(inner) if **inner == Type::Any => "a list".into(),
        Type::List(inner) => format!("a list of which each member is {}", article(inner)),
        Type::Optional(inner) => format!("{} or `none`", article(inner)),
        Type::InRange(inner, _) => article(inner),
        Type::Record => "a record `{ … }`".into(),
        Type::Map => "a map of texts `{ key: \"text\" }`".into(),
        Type::Sampled(inner) => format!("a measured {}", article(inner).trim_start_matches("a ")),
        Type::Any => "something else".into(),
    }
}

/// What a declaration is called.
#[must_use]
pub fn word_of(kind: &ItemKind) -> &'static str {
    match kind {
        ItemKind::Let(_) => "let",
        ItemKind::Record(RecordWord::Team, _) => "team",
        ItemKind::Record(RecordWord::Service, _) => "service",
        ItemKind::Record(RecordWord::Cluster, _) => "cluster",
        ItemKind::Record(RecordWord::Environment, _) => "environment",
        ItemKind::Record(RecordWord::Slo, _) => "SLO",
        ItemKind::Record(RecordWord::Incident, _) => "incident",
        ItemKind::Metric(_) => "metric",
        ItemKind::Fault(_) => "fault",
        ItemKind::Scenario(..) => "scenario",
        ItemKind::Experiment(_) | ItemKind::Instance(_) => "experiment",
        ItemKind::Verify(_) => "verify",
        ItemKind::Policy(_) => "policy",
        ItemKind::Gameday(_) => "game day",
    }
}

/// A selector as it was written: `ledger.pods`.
fn words(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Member { base, name, .. } => format!("{}.{}", words(base), name.text),
        ExprKind::Call { callee, .. } => format!("{}(…)", words(callee)),
        ExprKind::Group(inner) => words(inner),
        _ => "these".to_owned(),
    }
}

/// A selector where a target is wanted: how many?
fn how_many(text: &str, expr: &Expr) -> Diagnostic {
    let at = expr.span.before();
    Diagnostic::new(Code::SELECTOR_WITHOUT_QUANTITY, expr.span, format!("how many of `{text}` are hit?"))
        .label("a selector says which, not how many")
        .why("how much is hit is always written, never a default")
        .choice(format!("one, at random: `one of {text}`"), at, "one of ")
        .choice(format!("a share, rounded down to one at least: `50% of {text}`"), at, "50% of ")
        .choice(format!("every one: `all of {text}`"), at, "all of ")
}

/// A service where a target is wanted: how many of what it has?
fn how_many_of_service(name: &str, kind: TargetKind, expr: &Expr) -> Diagnostic {
    let nouns = kind.noun(2);
    let choice = |title: &str, quantity: &str| Fix {
        title: format!("{title}: `{quantity} {name}.{nouns}`"),
        edits: vec![
            Edit { span: expr.span.before(), text: format!("{quantity} ") },
            Edit { span: expr.span.after(), text: format!(".{nouns}") },
        ],
        applicability: Applicability::Maybe,
    };
    let message = format!("`{name}` is a service: how many of its {nouns} are hit?");
    Diagnostic::new(Code::SELECTOR_WITHOUT_QUANTITY, expr.span, message)
        .why("how much is hit is always written, never a default")
        .with_fix(choice("one, at random", "one of"))
        .with_fix(choice("a share, rounded down to one at least", "50% of"))
        .with_fix(choice("every one", "all of"))
}

/// `http://user:password@host`. The message says the user's name alone: messages are kept, too.
fn password_in_url(user: &str, span: Span) -> Diagnostic {
    let name = user.split_once(':').map_or(user, |(name, _)| name);
    Diagnostic::new(Code::SECRET_IN_THE_OPEN, span, format!("this URL holds the password of `{name}`"))
        .why("a URL is printed, and kept in plans and journals; a secret is looked up when it is sent")
        .help(
            "write the URL without it. A metric or a cluster sends `token: secret(\"…\")` as a bearer token, a metric \
             `headers: { authorization: secret(\"…\") }` as it is (`Basic …`)",
        )
}

/// `"300ms"` where a quantity is wanted: the same without quotes.
fn quoted_quantity(text: &str, want: &Type) -> Option<String> {
    let text = text.replace(' ', "");
    let fits = match want {
        Type::Duration => text.parse::<crate::types::Duration>().is_ok(),
        Type::Offset => text.starts_with(['+', '-']) && text.parse::<Offset>().is_ok(),
        Type::Percent => text.parse::<crate::types::Percent>().is_ok(),
        Type::Bytes => text.parse::<crate::types::Bytes>().is_ok(),
        Type::Bitrate => text.parse::<crate::types::Bitrate>().is_ok(),
        Type::Cores => text.parse::<crate::types::Cores>().is_ok(),
        Type::Rate => text.parse::<crate::types::Rate>().is_ok(),
        Type::Int => text.parse::<i64>().is_ok(),
        Type::Bool => matches!(text.as_str(), "true" | "false"),
        _ => false,
    };
    fits.then_some(text)
}

/// An offset from a signed duration.
pub(super) fn offset(length: crate::types::Duration, negative: bool) -> Value {
    Value::Offset(Offset::new(length, negative))
}
