//! Metric calls and SLOs: from a declaration and its arguments to a stream of samples.

use std::sync::Arc;

use smol_str::SmolStr;

use super::call::Bound;
use super::select::{label_is_no_text, text_of};
use super::{Evaluator, Val, names};
use crate::check::declared::{self, field};
use crate::check::program::{Arg, ExprKind, Field, ItemKind, Metric};
use crate::check::scope::DeclId;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{
    CommandAnswer, DnsAnswer, HttpAnswer, KubernetesFact, MetricUnit, ObjectiveFact, Operand, PodSelector, SLO_WINDOW,
    ScrapeAnswer, Selector, Source, Stream, TcpAnswer,
};
use crate::source::Span;
use crate::types::{Duration, Percent, TargetKind, Type, Value};

/// A call of a metric that has its stream: an expectation and a guard often ask for the same.
#[derive(Debug)]
pub(super) struct Measured {
    metric: DeclId,
    bound: Bound,
    stream: u32,
}

impl Evaluator<'_> {
    /// A call of a metric: one stream for each distinct call.
    pub(super) fn measure(&mut self, id: DeclId, args: &[Arg], span: Span) -> Val {
        let signature = self.program.signature(id);
        let bound = self.bind(id, &signature, args, span);
        let result = signature.result.clone().unwrap_or(Type::Any);
        let sampled = Type::Sampled(Arc::new(result.clone()));
        if !bound.fine {
            return Val::Unknown(sampled);
        }
        let ItemKind::Metric(metric) = &self.program.item(id).kind else { return Val::error() };
        if let Some(known) = self.measured.iter().find(|known| known.metric == id && known.bound.is_same(&bound, 0)) {
            return Val::Sampled(Arc::new(Operand::Stream(known.stream)), result);
        }
        if !self.patterns_given(metric, &result, args, &signature) {
            return Val::Unknown(sampled);
        }
        let text = self.call_text(id, &bound);
        let made = self.making(id, None, |ev| ev.stream(id, metric, &result, &bound.values, text)).flatten();
        match made {
            Some(mut stream) => {
                stream.service = bound.values.first().and_then(|(_, v, _)| match v {
                    Val::Decl(service) => Some(self.program.item(*service).name.text.clone()),
                    _ => None,
                });
                let stream = self.register(stream);
                self.measured.push(Measured { metric: id, bound, stream });
                Val::Sampled(Arc::new(Operand::Stream(stream)), result)
            }
            None => Val::Unknown(sampled),
        }
    }

    /// The index of a stream, which is new or one that was asked for already.
    fn register(&mut self, stream: Stream) -> u32 {
        let known = self.streams.iter().position(|s| *s == stream);
        (match known {
            Some(index) => index,
            None => {
                self.streams.push(stream);
                self.streams.len() - 1
            }
        }) as u32
    }

    /// `success-rate(checkout, over: 15s)`: what is the default is left out.
    fn call_text(&self, id: DeclId, bound: &Bound) -> String {
        let mut text = self.program.qualified_name(id);
        text.push('(');
        for (i, (name, value, _)) in bound.values.iter().enumerate() {
            if !bound.given.contains(name) {
                continue;
            }
            if i > 0 {
                if !text.ends_with('(') {
                    text.push_str(", ");
                }
                text.push_str(name);
                text.push_str(": ");
            }
            text.push_str(&self.val_text(value));
        }
        text.push(')');
        text
    }

    /// A value as people would write it.
    pub fn val_text(&self, value: &Val) -> String {
        match value {
            Val::Plain(plain) => plain.to_string(),
            Val::Decl(id) => self.program.item(*id).name.text.to_string(),
            Val::List(items) | Val::Range(items) => {
                let items: Vec<String> = items.iter().map(|i| self.val_text(i)).collect();
                format!("[{}]", items.join(", "))
            }
            Val::Selector(candidates) => candidates.text.clone(),
            Val::Target(target) => target.name.as_ref().map_or_else(|| target.text.clone(), ToString::to_string),
            Val::Record(_) => "{ … }".into(),
            _ => "…".into(),
        }
    }

    /// The stream of a metric with these parameters; `None` where something is unknown or wrong.
    pub(crate) fn stream(
        &mut self,
        id: DeclId,
        metric: &Metric,
        result: &Type,
        params: &[(SmolStr, Val, Span)],
        text: String,
    ) -> Option<Stream> {
        let file = self.program.file_of(id);
        let item = self.program.item(id);
        let name = self.program.qualified_name(id);
        self.within(file, params.to_vec(), |ev| {
            let signature = ev.program.signature(id);
            for param in &signature.params {
                ev.declare_type(&param.name, &param.ty);
            }
            let source = ev.source(&metric.fields, result, item.name.span);
            let source = source.filter(|source| ev.gives(source, result, item.name.span));
            let unit = ev.metric_unit(&metric.fields, result, item.name.span);
            let window = ev.optional_duration(&metric.fields, "window");
            let every = ev.optional_duration(&metric.fields, "every");
            let timeout = ev.optional_duration(&metric.fields, "timeout");
            let patience = ev.optional_duration(&metric.fields, "patience");
            if let (Some(Source::Scrape { answer, .. }), Some(None)) = (&source, &window)
                && *answer != ScrapeAnswer::Value
            {
                ev.report(
                    Diagnostic::new(Code::MISSING_FIELD, item.name.span, "over which time is it measured?")
                        .why("a page of metrics holds totals since the start: how they grew needs two looks")
                        .help("write for example `window: 15s`"),
                );
                return None;
            }
            let every = every?.unwrap_or(Duration::from_secs(5));
            let patience = patience?.unwrap_or(every.times(3));
            if patience <= every {
                ev.impatient(&metric.fields, patience, every, item.name.span);
                return None;
            }
            Some(Stream {
                text,
                metric: name.into(),
                service: None,
                of_type: result.base().to_string().into(),
                source: source?,
                unit: unit?,
                window: window?,
                every,
                timeout: timeout?.unwrap_or(every),
                patience,
                span: item.name.span,
            })
        })
    }

    /// A patience that is over before another sample can be there.
    fn impatient(&mut self, fields: &[Field], patience: Duration, every: Duration, name: Span) {
        let at = field(fields, "patience").map_or(name, |f| f.value.span);
        let asked = match field(fields, "every") {
            Some(_) => format!("asked each {every}"),
            None => format!("asked each {every}, as nothing else is said"),
        };
        let message = format!("a patience of {patience} is over before the next sample can come: it is {asked}");
        self.report(
            Diagnostic::new(Code::PATIENCE_TOO_SHORT, at, message)
                .why("there would be a gap after each sample: a guard fires in a gap, and an expectation is inconclusive")
                .help(format!(
                    "leave `patience` away ({}, three times `every`), or ask more often (`every`)",
                    every.times(3)
                )),
        );
    }

    /// A field that is a duration: `None` unknown or wrong, `Some(None)` not given or `none`.
    fn optional_duration(&mut self, fields: &[Field], key: &str) -> Option<Option<Duration>> {
        let Some(field) = field(fields, key) else { return Some(None) };
        match self.value(&field.value, &Type::Optional(Arc::new(Type::Duration))) {
            Val::Plain(Value::Duration(d)) if d.is_zero() => {
                self.report(
                    Diagnostic::new(Code::ZERO_TIME, field.value.span, format!("`{key}` of no time at all"))
                        .help("write how long it is, for example `15s`"),
                );
                None
            }
            Val::Plain(Value::Duration(d)) => Some(Some(d)),
            Val::Plain(Value::None) => Some(None),
            _ => None,
        }
    }

    /// The one field that says where samples come from.
    fn source(&mut self, fields: &[Field], result: &Type, at: Span) -> Option<Source> {
        let given: Vec<&Field> = fields.iter().filter(|f| declared::SOURCES.contains(&f.key.text.as_str())).collect();
        let [field] = given.as_slice() else {
            // A source that does not exist has its own diagnostic, with the list of those that do.
            let is_foreign = |f: &Field| !declared::METRIC_FIELDS.contains(&f.key.text.as_str());
            if given.is_empty() && fields.iter().any(is_foreign) {
                return None;
            }
            let diagnostic = match given.as_slice() {
                [] => Diagnostic::new(Code::METRIC_SOURCE, at, "where do the samples of this metric come from?"),
                [first, second, ..] => {
                    Diagnostic::new(Code::METRIC_SOURCE, second.key.span, "a metric has one source of samples")
                        .also(first.key.span, "the first is here")
                }
                [_] => return None,
            };
            self.report(diagnostic.help(
                "write one of `prometheus`, `scrape`, `json`, `http`, `tcp`, `dns`, `tls`, `command`, `kubernetes`",
            ));
            return None;
        };
        match field.key.text.as_str() {
            "prometheus" => match self.value(&field.value, &Type::String) {
                Val::Plain(Value::String(query)) => self.prometheus(query),
                _ => None,
            },
            "json" => self.json(field),
            "http" => self.http(field, result),
            "kubernetes" => self.kubernetes(field),
            "scrape" => self.scrape(field),
            "tcp" => self.tcp(field),
            "dns" => self.dns(field),
            "command" => self.command(field),
            _ => {
                let record = self.record_of(field, &[("url", Type::Url, true)])?;
                Some(Source::Tls { url: text(&record, "url")? })
            }
        }
    }

    /// Whether what a source gives, whatever is asked, can be of the metric's type.
    fn gives(&mut self, source: &Source, result: &Type, at: Span) -> bool {
        let result = result.base();
        let is_truth = matches!(result, Type::Bool | Type::Int | Type::Number | Type::Any);
        let (what, fits) = match source {
            Source::Http { answer: HttpAnswer::Time, .. }
            | Source::Tcp { answer: TcpAnswer::Time, .. }
            | Source::Dns { answer: DnsAnswer::Time, .. }
            | Source::Tls { .. } => ("a time", matches!(result, Type::Duration | Type::Any)),
            Source::Http { answer: HttpAnswer::Ok, .. }
            | Source::Tcp { answer: TcpAnswer::Ok, .. }
            | Source::Dns { answer: DnsAnswer::Ok, .. }
            | Source::Command { answer: CommandAnswer::Ok, .. } => ("a truth value", is_truth),
            Source::Http { answer: HttpAnswer::Status, .. } => {
                ("a whole number", matches!(result, Type::Int | Type::Number | Type::Any))
            }
            _ => return true,
        };
        if !fits {
            let message = format!("its samples are {what}, and it is said to give {result}");
            self.report(Diagnostic::new(Code::TYPE_MISMATCH, at, message));
        }
        fits
    }

    fn prometheus(&mut self, query: SmolStr) -> Option<Source> {
        // Without a place nobody knows which server answers.
        let place = self.place?;
        let cluster = &self.program.cluster(place).facts;
        Some(Source::Prometheus { server: cluster.prometheus.clone(), query: query.trim().to_owned() })
    }

    fn kubernetes(&mut self, field: &Field) -> Option<Source> {
        let facts =
            Type::Enum(["ready-pods".into(), "ready-zones".into(), "restarts".into(), "rolled-out".into()].into());
        let record =
            self.record_of(field, &[("fact", facts, true), ("pods", Type::Selector(TargetKind::Pods), true)])?;
        let what = match text(&record, "fact")?.as_str() {
            "ready-pods" => KubernetesFact::ReadyPods,
            "ready-zones" => KubernetesFact::ReadyZones,
            "restarts" => KubernetesFact::Restarts,
            _ => KubernetesFact::RolledOut,
        };
        let selected = record.iter().find_map(|(key, value)| match value {
            Val::Selector(candidates) if key == "pods" => Some(candidates.clone()),
            _ => None,
        })?;
        if let Selector::Processes(of) = &selected.selector {
            if of.except.is_empty() {
                return Some(Source::Processes { what, of: of.clone() });
            }
            self.looks_at_a_draw(field);
            return None;
        }
        let pods = selected.selector.pods().cloned()?;
        if pods.except.is_empty() && is_still(&pods) {
            return Some(Source::Kubernetes { what, pods });
        }
        self.looks_at_a_draw(field);
        None
    }

    fn looks_at_a_draw(&mut self, field: &Field) {
        self.report(
            Diagnostic::new(Code::METRIC_SOURCE, field.value.span, "a metric cannot look at what a draw hit")
                .help("give it a service's pods: `pods: of.pods`"),
        );
    }

    /// `scrape: { url, metric, labels, answer, quantile, token }`.
    fn scrape(&mut self, field: &Field) -> Option<Source> {
        let record = self.record_of(
            field,
            &[
                ("url", Type::Url, true),
                ("metric", Type::String, true),
                ("labels", Type::Record, false),
                ("among", Type::Record, false),
                ("answer", words(&["value", "rate", "increase", "share", "quantile"]), true),
                ("quantile", Type::Percent, false),
                ("token", Type::Secret, false),
                ("headers", Type::Record, false),
            ],
        )?;
        let quantile = record.iter().find_map(|(key, value)| match value {
            Val::Plain(Value::Percent(share)) if key == "quantile" => Some(*share),
            _ => None,
        });
        let answer = match (text(&record, "answer")?.as_str(), quantile) {
            ("quantile", Some(share)) => ScrapeAnswer::Quantile(share),
            ("quantile", None) => {
                self.report(
                    Diagnostic::new(Code::MISSING_FIELD, field.key.span, "which quantile?")
                        .help("write for example `quantile: 99%`"),
                );
                return None;
            }
            (_, Some(_)) => {
                self.report(Diagnostic::new(
                    Code::METRIC_SOURCE,
                    field.key.span,
                    "`quantile` belongs to `answer: quantile`, and to nothing else",
                ));
                return None;
            }
            ("value", None) => ScrapeAnswer::Value,
            ("rate", None) => ScrapeAnswer::Rate,
            ("increase", None) => ScrapeAnswer::Increase,
            (_, None) => ScrapeAnswer::Share,
        };
        let labels = self.label_pairs(field, &record, "labels");
        let among = self.label_pairs(field, &record, "among");
        let (labels, among) = (labels?, among?);
        if answer != ScrapeAnswer::Share && !among.is_empty() {
            self.report(
                Diagnostic::new(
                    Code::METRIC_SOURCE,
                    field.key.span,
                    "`among` says what a share is of, and this is no share",
                )
                .help("write all labels into `labels`, or `answer: share`"),
            );
            return None;
        }
        Some(Source::Scrape {
            url: text(&record, "url")?,
            name: text(&record, "metric")?,
            labels,
            among,
            answer,
            token: secret(&record),
            headers: self.headers(field, &record)?,
        })
    }

    /// `tcp: { address, answer }`.
    fn tcp(&mut self, field: &Field) -> Option<Source> {
        let record =
            self.record_of(field, &[("address", Type::String, true), ("answer", words(&["ok", "time"]), true)])?;
        let answer = match text(&record, "answer")?.as_str() {
            "ok" => TcpAnswer::Ok,
            _ => TcpAnswer::Time,
        };
        Some(Source::Tcp { address: self.address_in(field, "address")?, answer })
    }

    /// `dns: { name, server, answer }`.
    fn dns(&mut self, field: &Field) -> Option<Source> {
        let record = self.record_of(
            field,
            &[
                ("name", Type::Host, true),
                ("server", Type::String, false),
                ("answer", words(&["ok", "time", "addresses"]), true),
            ],
        )?;
        let answer = match text(&record, "answer")?.as_str() {
            "ok" => DnsAnswer::Ok,
            "time" => DnsAnswer::Time,
            _ => DnsAnswer::Addresses,
        };
        let server = match text(&record, "server") {
            Some(_) => Some(self.address_in(field, "server")?),
            None => None,
        };
        Some(Source::Dns { name: text(&record, "name")?, server, answer })
    }

    /// `command: { run, answer }`.
    fn command(&mut self, field: &Field) -> Option<Source> {
        let record = self.record_of(
            field,
            &[("run", Type::List(Arc::new(Type::String)), true), ("answer", words(&["output", "exit", "ok"]), true)],
        )?;
        let answer = match text(&record, "answer")?.as_str() {
            "output" => CommandAnswer::Output,
            "exit" => CommandAnswer::Exit,
            _ => CommandAnswer::Ok,
        };
        let command = record.iter().find_map(|(key, value)| match value {
            Val::List(items) if key == "run" => items.iter().map(super::select::text_of).collect::<Option<Vec<_>>>(),
            _ => None,
        })?;
        if command.first().is_none_or(SmolStr::is_empty) {
            self.report(Diagnostic::new(Code::METRIC_SOURCE, field.value.span, "a command without a program"));
            return None;
        }
        Some(Source::Command { command, answer })
    }

    /// A field of a record that is an address.
    fn address_in(&mut self, outer: &Field, key: &str) -> Option<SmolStr> {
        let ExprKind::Record(fields) = &outer.value.kind else { return None };
        crate::check::local::address(self, declared::field(fields, key)?)
    }

    /// The fields of a record, each with its type; `None` if one is unknown or wrong.
    pub(super) fn record_of(&mut self, field: &Field, wanted: &[(&str, Type, bool)]) -> Option<Vec<(SmolStr, Val)>> {
        let ExprKind::Record(fields) = &field.value.kind else {
            self.value(&field.value, &Type::Record);
            return None;
        };
        let known: Vec<&str> = wanted.iter().map(|(key, ..)| *key).collect();
        declared::check_keys(self, fields, &known, &format!("`{}`", field.key.text));
        let mut values = Vec::new();
        let mut fine = true;
        for (key, ty, required) in wanted {
            match declared::field(fields, key) {
                Some(given) => {
                    let value = self.value(&given.value, ty);
                    fine &= !matches!(value, Val::Unknown(_));
                    values.push((SmolStr::from(*key), value));
                }
                None if *required => {
                    fine = false;
                    let message = format!("`{}` also needs `{key}`", field.key.text);
                    let help = match names::words_of(ty) {
                        Some(words) => format!("add `{key}:` with one of {}", names::listed(&words)),
                        None => format!("add `{key}:`, of the type {ty}"),
                    };
                    self.report(Diagnostic::new(Code::MISSING_FIELD, field.key.span, message).help(help));
                }
                None => {}
            }
        }
        fine.then_some(values)
    }

    /// The labels in the record's `key`; `None`: some of them are no text, which is told.
    fn label_pairs(&mut self, field: &Field, record: &[(SmolStr, Val)], key: &str) -> Option<Vec<(SmolStr, SmolStr)>> {
        let Some((_, Val::Record(entries))) = record.iter().find(|(k, _)| k == key) else {
            return Some(Vec::new());
        };
        let mut pairs = Some(Vec::new());
        for (label, value, _) in entries.iter() {
            if let Some(text) = text_of(value) {
                pairs.iter_mut().for_each(|pairs| pairs.push((label.clone(), text.clone())));
                continue;
            }
            pairs = None;
            let written = match &field.value.kind {
                ExprKind::Record(fields) => declared::field(fields, key).map_or(&field.value, |given| &given.value),
                _ => &field.value,
            };
            match value {
                Val::Unknown(_) => {}
                Val::List(_) => {
                    let at = match &written.kind {
                        ExprKind::Record(labels) => declared::field(labels, label).map(|given| given.value.span),
                        _ => None,
                    };
                    let message = format!("one value of the label `{label}` is counted, and this is a list");
                    let diagnostic = Diagnostic::new(Code::TYPE_MISMATCH, at.unwrap_or(written.span), message);
                    self.report(diagnostic.help("declare a metric for each value"));
                }
                _ => self.report(label_is_no_text(written, label, value)),
            }
        }
        pairs
    }

    fn metric_unit(&mut self, fields: &[Field], result: &Type, at: Span) -> Option<MetricUnit> {
        let fitting: &[(&str, MetricUnit)] = match result.base() {
            Type::Percent => &[("ratio", MetricUnit::Ratio), ("percent", MetricUnit::Percent)],
            Type::Duration => &[("s", MetricUnit::S), ("ms", MetricUnit::Ms)],
            Type::Bytes => &[("bytes", MetricUnit::Bytes)],
            Type::Rate => &[("per-second", MetricUnit::PerSecond)],
            Type::Cores => &[("cores", MetricUnit::Cores)],
            Type::Int | Type::Number | Type::Bool => &[("count", MetricUnit::Count)],
            _ => &[],
        };
        let words: Vec<SmolStr> = fitting.iter().map(|(word, _)| SmolStr::from(*word)).collect();
        match (fitting, field(fields, "unit")) {
            // The type itself was reported.
            ([], _) if matches!(result.base(), Type::Any) => None,
            ([], _) => {
                self.report(
                    Diagnostic::new(Code::METRIC_TYPE, at, format!("nothing can be measured as {result}"))
                        .help("a metric gives Bool, Int, Number, Percent, Duration, Bytes, Rate or Cores"),
                );
                None
            }
            (_, Some(given)) => {
                let value = self.value(&given.value, &Type::Enum(words.into()));
                let word = super::select::text_of(&value)?;
                fitting.iter().find(|(w, _)| *w == word).map(|(_, unit)| *unit)
            }
            ([(_, MetricUnit::Count)], None) => Some(MetricUnit::Count),
            (_, None) => {
                self.report(
                    Diagnostic::new(Code::MISSING_FIELD, at, "what does the bare number of a sample mean?")
                        .why("0.995 and 99.5 can both mean 99.5%, and only whoever wrote the query knows")
                        .help(format!("write `unit:` with {}", super::names::listed(&words))),
                );
                None
            }
        }
    }

    /// `checkout-availability.budget-left` and its kin.
    pub(super) fn objective(&mut self, id: DeclId, what: ObjectiveFact, over: Option<Duration>, span: Span) -> Val {
        let ty = match what {
            ObjectiveFact::BurnRate => Type::Number,
            _ => Type::Percent,
        };
        let unknown = Val::Unknown(Type::Sampled(Arc::new(ty.clone())));
        let item = self.program.item(id);
        let ItemKind::Record(_, fields) = &item.kind else { return Val::error() };
        let file = self.program.file_of(id);
        let make = |ev: &mut Self| ev.within(file, Vec::new(), |ev| ev.objective_parts(fields));
        // What is wrong in the SLO is reported where it is declared.
        let parts = self.apart(|ev| ev.making(id, Some("indicator"), make)).flatten();
        let Some((indicator, objective, window)) = parts else { return unknown };
        let fact = match (what, over) {
            (ObjectiveFact::BudgetLeft, _) => "budget-left".to_owned(),
            (ObjectiveFact::BudgetSpent, _) => "budget-spent".to_owned(),
            (ObjectiveFact::BurnRate, Some(over)) => format!("burn-rate(over: {over})"),
            (ObjectiveFact::BurnRate, None) => return unknown,
        };
        let name = item.name.text.clone();
        let service = self.service_of_objective(fields);
        let _ = span;
        let index = self.register(Stream {
            text: format!("{name}.{fact}"),
            metric: format!("{name}.{}", fact.split('(').next().unwrap_or_default()).into(),
            service,
            of_type: ty.to_string().into(),
            unit: match ty {
                Type::Percent => MetricUnit::Percent,
                _ => MetricUnit::Count,
            },
            source: Source::Objective {
                slo: name,
                what,
                indicator: Box::new(indicator.source),
                indicator_unit: indicator.unit,
                objective,
                window,
            },
            window: over,
            every: indicator.every,
            timeout: indicator.timeout,
            patience: indicator.patience,
            span: item.name.span,
        });
        Val::Sampled(Arc::new(Operand::Stream(index)), ty)
    }

    fn service_of_objective(&self, fields: &[Field]) -> Option<SmolStr> {
        match &field(fields, "service")?.value.kind {
            ExprKind::Name(name) => Some(name.clone()),
            _ => None,
        }
    }

    fn objective_parts(&mut self, fields: &[Field]) -> Option<(Stream, Percent, Duration)> {
        let Val::Plain(Value::Percent(objective)) = self.value(&field(fields, "objective")?.value, &Type::Percent)
        else {
            return None;
        };
        let Val::Plain(Value::Duration(window)) = self.value(&field(fields, "window")?.value, &Type::Duration) else {
            return None;
        };
        let ExprKind::Call { callee, args } = &field(fields, "indicator")?.value.kind else { return None };
        let Val::Decl(id) = self.value(callee, &Type::Any) else { return None };
        let ItemKind::Metric(metric) = &self.program.item(id).kind else { return None };
        let signature = self.program.signature(id);
        let mut bound = self.bind(id, &signature, args, callee.span);
        if !bound.fine {
            return None;
        }
        // The judge puts the window that it needs: the SLO's, the run's so far, or the burn rate's.
        for (name, value, _) in &mut bound.values {
            if name == "over" {
                *value = Val::text(SLO_WINDOW);
            }
        }
        let fields: Vec<Field> = metric.fields.iter().filter(|f| f.key.text != "window").cloned().collect();
        let metric = Metric { params: Vec::new(), ty: metric.ty.clone(), fields };
        let result = signature.result.clone().unwrap_or(Type::Any);
        let stream = self.stream(id, &metric, &result, &bound.values, String::new())?;
        Some((stream, objective, window))
    }
}

pub(super) fn words(words: &[&str]) -> Type {
    Type::Enum(words.iter().map(|w| SmolStr::from(*w)).collect())
}

pub(super) fn text(record: &[(SmolStr, Val)], key: &str) -> Option<SmolStr> {
    record.iter().find(|(k, _)| k == key).and_then(|(_, v)| text_of(v))
}

pub(super) fn secret(record: &[(SmolStr, Val)]) -> Option<SmolStr> {
    record.iter().find_map(|(key, value)| match value {
        Val::Plain(Value::Secret(name)) if key == "token" => Some(name.clone()),
        _ => None,
    })
}

/// Whether a selector speaks of no draw.
fn is_still(pods: &PodSelector) -> bool {
    let drawn = |at: &Option<crate::plan::At>| matches!(at, Some(crate::plan::At::Drawn(_)));
    !drawn(&pods.zone) && !drawn(&pods.node) && pods.nodes.as_ref().is_none_or(|nodes| !drawn(&nodes.zone))
}
