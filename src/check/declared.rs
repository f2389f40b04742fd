//! The declared words: which fields each has, of which type; and what they say once evaluated.
//!
//! A field is a row of one of the tables below: to add one, add its row and read it where it is used.

use std::sync::{Arc, LazyLock};

use smol_str::SmolStr;

use super::evaluate::{Evaluator, Val, expr};
use super::program::{Arg, Expr, ExprKind, Field, ItemKind, Metric, RecordWord};
use super::scope::DeclId;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::{self, EngineName};
use crate::source::Span;
use crate::types::{TargetKind, Type, Value};

/// A field of a declared word.
#[derive(Debug, Clone)]
pub struct FieldSpec {
    /// Its key.
    pub key: &'static str,
    /// Its type.
    pub ty: Type,
    /// Whether it must be there.
    pub required: bool,
}

/// The fields that say where a metric's samples come from.
pub const SOURCES: &[&str] = &["prometheus", "json", "http", "kubernetes", "tls", "scrape", "tcp", "dns", "command"];

/// The fields of a metric.
pub const METRIC_FIELDS: &[&str] = &[
    "prometheus",
    "json",
    "http",
    "kubernetes",
    "tls",
    "scrape",
    "tcp",
    "dns",
    "command",
    "unit",
    "window",
    "every",
    "timeout",
    "patience",
    "links",
];

/// The fields of a fault.
pub const FAULT_FIELDS: &[&str] = &["effect", "mechanism", "irreversible", "lost-on-restart", "ends-after", "links"];

/// The fields of an experiment or scenario.
pub const BODY_FIELDS: &[&str] = &["service", "learned-from", "environments", "baseline", "links"];

/// `critical | high | medium | low`.
#[must_use]
pub fn tier_type() -> Type {
    words(&["critical", "high", "medium", "low"])
}

/// `lasting | instant`.
#[must_use]
pub fn effect_type() -> Type {
    words(&["lasting", "instant"])
}

/// `automatic | manual | unknown`.
#[must_use]
pub fn recovered_type() -> Type {
    words(&["automatic", "manual", "unknown"])
}

fn words(words: &[&str]) -> Type {
    Type::Enum(words.iter().map(|w| SmolStr::from(*w)).collect())
}

fn list(inner: Type) -> Type {
    Type::List(Arc::new(inner))
}

fn row(key: &'static str, ty: Type, required: bool) -> FieldSpec {
    FieldSpec { key, ty, required }
}

/// The fields of a record word.
#[must_use]
pub fn fields_of(word: RecordWord) -> &'static [FieldSpec] {
    static TEAM: LazyLock<Vec<FieldSpec>> = LazyLock::new(|| {
        vec![row("contact", Type::String, true), row("escalation", Type::Url, false), row("links", Type::Record, false)]
    });
    static SERVICE: LazyLock<Vec<FieldSpec>> = LazyLock::new(|| {
        vec![
            row("owner", Type::Team, true),
            row("tier", tier_type(), true),
            row("pods", Type::Selector(TargetKind::Pods), false),
            row("instances", Type::Selector(TargetKind::Instances), false),
            row("container", Type::String, false),
            row("replicas", Type::Int, false),
            row("depends-on", list(Type::Service), false),
            row("hosts", list(Type::Host), false),
            row("endpoints", list(Type::Url), false),
            row("local", Type::Record, false),
            row("links", Type::Record, false),
        ]
    });
    static CLUSTER: LazyLock<Vec<FieldSpec>> = LazyLock::new(|| {
        vec![
            row("context", Type::String, false),
            row("engines", list(words(&EngineName::ALL.map(EngineName::text))), true),
            row("region", Type::String, false),
            row("prometheus", Type::Url, false),
            row("token", Type::Secret, false),
            row("off-limits", list(Type::String), false),
            row("chaos-namespace", Type::String, false),
            row("runtime", words(&["containerd", "docker", "crio"]), false),
            row("runtime-socket", Type::String, false),
            row("remote-cluster", Type::String, false),
            row("toxiproxy", Type::Url, false),
            row("links", Type::Record, false),
        ]
    });
    static ENVIRONMENT: LazyLock<Vec<FieldSpec>> = LazyLock::new(|| {
        vec![
            row("clusters", list(Type::Cluster), true),
            row("protected", Type::Bool, false),
            row("links", Type::Record, false),
        ]
    });
    static SLO: LazyLock<Vec<FieldSpec>> = LazyLock::new(|| {
        vec![
            row("service", Type::Service, true),
            row("indicator", Type::Any, true),
            row("objective", Type::Percent, true),
            row("window", Type::Duration, true),
            row("links", Type::Record, false),
        ]
    });
    static INCIDENT: LazyLock<Vec<FieldSpec>> = LazyLock::new(|| {
        vec![
            row("date", Type::Date, true),
            row("services", list(Type::Service), true),
            row("recovered", recovered_type(), true),
            row("lessons", list(Type::String), true),
            row("report", Type::Url, false),
            row("links", Type::Record, false),
        ]
    });
    match word {
        RecordWord::Team => &TEAM,
        RecordWord::Service => &SERVICE,
        RecordWord::Cluster => &CLUSTER,
        RecordWord::Environment => &ENVIRONMENT,
        RecordWord::Slo => &SLO,
        RecordWord::Incident => &INCIDENT,
    }
}

/// The field of a key.
#[must_use]
pub fn field<'f>(fields: &'f [Field], key: &str) -> Option<&'f Field> {
    fields.iter().find(|f| f.key.text == key)
}

/// Reports fields that are unknown or given twice.
pub fn check_keys(ev: &mut Evaluator<'_>, fields: &[Field], known: &[&str], what: &str) {
    let mut seen: Vec<(&SmolStr, Span)> = Vec::new();
    for field in fields {
        if let Some((_, first)) = seen.iter().find(|(key, _)| **key == field.key.text) {
            let first = *first;
            ev.report(expr::twice(&field.key, first));
        }
        seen.push((&field.key.text, field.key.span));
        if known.contains(&field.key.text.as_str()) {
            continue;
        }
        let diagnostic =
            Diagnostic::new(Code::UNKNOWN_FIELD, field.key.span, format!("{what} has no field `{}`", field.key.text));
        ev.report(match nearest(&field.key.text, known.iter().copied()) {
            Some(near) => diagnostic.choice(format!("did you mean `{near}`?"), field.key.span, near),
            None => diagnostic.help(format!("it has {}", super::evaluate::listed(known))),
        });
    }
}

/// Evaluates the fields of a record word by its table, reporting what is unknown, missing or of another type.
pub fn check_record(ev: &mut Evaluator<'_>, id: DeclId) {
    let item = ev.program.item(id);
    let ItemKind::Record(word, fields) = &item.kind else { return };
    let specs = fields_of(*word);
    let word_text = super::evaluate::word_of(&item.kind);
    let article = if word_text.starts_with(['e', 'i', 'S']) { "an" } else { "a" };
    let what = format!("{article} {word_text}");
    let known: Vec<&str> = specs.iter().map(|s| s.key).collect();
    let file = ev.program.file_of(id);
    ev.within(file, Vec::new(), |ev| {
        check_keys(ev, fields, &known, &what);
        for spec in specs {
            match field(fields, spec.key) {
                Some(given) if spec.key == "links" => check_links(ev, given),
                Some(given) if spec.key == "local" => {
                    super::local::replicas(ev, given);
                }
                Some(given) if *word == RecordWord::Slo && spec.key == "indicator" => check_indicator(ev, given),
                Some(given) => {
                    let value = ev.value(&given.value, &spec.ty);
                    check_value(ev, *word, spec.key, &value, given);
                }
                None if *word == RecordWord::Cluster && spec.key == "context" => {
                    check_context(ev, &item.name.text, item.name.span, fields, spec, &what);
                }
                None if spec.required => ev.report(missing(&item.name.text, item.name.span, spec, &what)),
                None => {}
            }
        }
    });
}

/// A cluster needs a context, unless all of its engines work on the machine that Perturb runs on.
fn check_context(ev: &mut Evaluator<'_>, name: &str, at: Span, fields: &[Field], spec: &FieldSpec, what: &str) {
    let words: Vec<Option<EngineName>> = match field(fields, "engines").map(|f| &f.value.kind) {
        Some(super::program::ExprKind::List(items)) => items
            .iter()
            .map(|item| match &item.kind {
                super::program::ExprKind::Name(word) => EngineName::parse(word),
                _ => None,
            })
            .collect(),
        _ => vec![None],
    };
    if words.is_empty() || words.iter().any(|e| e.is_none_or(|e| !e.is_local())) {
        ev.report(missing(name, at, spec, what));
    }
}

fn missing(name: &str, span: Span, spec: &FieldSpec, what: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::MISSING_FIELD, span, format!("`{name}` has no `{}`", spec.key));
    let diagnostic = match spec.key {
        "owner" => diagnostic.why("whoever is called when an experiment finds something must be known before"),
        "tier" => diagnostic.why("the tier decides which proofs a service owes"),
        "lessons" => diagnostic.why("an incident without a lesson teaches nobody"),
        _ => diagnostic,
    };
    let wanted = match spec.key {
        "indicator" => "the metric that it promises: `success-rate(checkout)`".to_owned(),
        _ => super::evaluate::article(&spec.ty),
    };
    diagnostic.help(format!("{what} needs `{}:` {wanted}", spec.key))
}

/// `links: { dashboard: "https://…" }`.
pub fn check_links(ev: &mut Evaluator<'_>, field: &Field) {
    if let super::program::ExprKind::Record(entries) = &field.value.kind {
        for entry in entries {
            ev.value(&entry.value, &Type::Url);
        }
    } else {
        ev.value(&field.value, &Type::Record);
    }
}

fn check_indicator(ev: &mut Evaluator<'_>, field: &Field) {
    let value = ev.value(&field.value, &Type::Any);
    let measured = match ev.type_of(&value) {
        Type::Sampled(inner) => inner.base().clone(),
        Type::Any => return,
        other => other,
    };
    if measured != Type::Percent {
        ev.report(
            Diagnostic::new(
                Code::TYPE_MISMATCH,
                field.value.span,
                "an SLO's indicator is a metric that measures a percentage",
            )
            .help("for example `success-rate(checkout)`"),
        );
        return;
    }
    // A budget is counted by asking the metric over other windows, so it must be the metric that stands there.
    let why = "what is left of a budget is counted by asking that metric over other times";
    if let ExprKind::Call { callee, args } = &field.value.kind
        && let Val::Decl(id) = ev.value(callee, &Type::Any)
        && let ItemKind::Metric(metric) = &ev.program.item(id).kind
    {
        if let Some(wrong) = about_window(ev, id, metric, callee, args) {
            ev.report(wrong.why(why));
        }
        return;
    }
    ev.report(
        Diagnostic::new(Code::TYPE_MISMATCH, field.value.span, "an SLO's indicator is the call of a metric, itself")
            .why(why)
            .help("for example `success-rate(checkout)`"),
    );
}

/// What keeps an SLO from asking its indicator over the windows that it needs.
fn about_window(
    ev: &mut Evaluator<'_>,
    id: DeclId,
    metric: &Metric,
    callee: &Expr,
    args: &[Arg],
) -> Option<Diagnostic> {
    let signature = ev.program.signature(id);
    let name = &ev.program.item(id).name;
    let source = SOURCES.iter().find(|key| self::field(&metric.fields, key).is_some());
    if let Some(other) = source.filter(|source| **source != "prometheus") {
        let message = format!("`{}` asks `{other}`, which knows nothing of weeks ago", name.text);
        return Some(
            Diagnostic::new(Code::INDICATOR_WINDOW, callee.span, message)
                .also(name.span, "the metric is declared here")
                .help("take a metric with a `prometheus` query"),
        );
    }
    let takes = signature.params.iter().any(|p| p.name == "over" && *p.ty.base() == Type::Duration);
    if !takes {
        let message = format!("`{}` takes no `over`, so no budget can be counted with it", name.text);
        return Some(
            Diagnostic::new(Code::INDICATOR_WINDOW, callee.span, message)
                .also(name.span, "it always looks back as far")
                .help("give the metric a parameter `over: Duration`, with a range of `[${over}]` in its query, and `window: over`"),
        );
    }
    let before = ev.diagnostics.len();
    let bound = ev.bind(id, &signature, args, callee.span);
    ev.diagnostics.truncate(before);
    let at = args.iter().find(|arg| arg.name.as_ref().is_some_and(|n| n.text == "over")).or(args.last())?;
    bound.given.iter().any(|given| given == "over").then(|| {
        Diagnostic::new(Code::INDICATOR_WINDOW, at.span, "the SLO puts in `over` itself: this would count for nothing")
            .help("leave `over` out; how far the SLO looks back is its `window`")
    })
}

fn check_value(ev: &mut Evaluator<'_>, word: RecordWord, key: &str, value: &Val, field: &Field) {
    let out_of_range = |message: &str, help: &str| {
        Diagnostic::new(Code::OUT_OF_RANGE, field.value.span, message.to_owned()).help(help.to_owned())
    };
    match (word, key, value) {
        (RecordWord::Service, "replicas", Val::Plain(Value::Int(n))) if !(1..=100_000).contains(n) => {
            ev.report(out_of_range("a service has 1 to 100000 replicas", "leave `replicas` out if nobody knows"));
        }
        (RecordWord::Slo, "objective", Val::Plain(Value::Percent(p)))
            if p.0 <= crate::types::Decimal::ZERO || p.0 >= crate::types::Decimal::from(100) =>
        {
            ev.report(out_of_range(
                "an objective is more than 0% and less than 100%",
                "100% leaves no error budget at all",
            ));
        }
        (RecordWord::Team, "contact", Val::Plain(Value::String(text))) if text == "unknown" => {
            ev.report(
                Diagnostic::new(Code::NOBODY_REACHED, field.value.span, "nobody is reached at `unknown`")
                    .why("a verdict goes to the owner of its service, and this is a place that was kept free for one")
                    .help("put in the true team, with its contact, and the true owner and tier of each service"),
            );
        }
        (RecordWord::Slo, "window", Val::Plain(Value::Duration(d))) if d.is_zero() => {
            ev.report(
                Diagnostic::new(Code::ZERO_TIME, field.value.span, "a window of no time at all")
                    .help("write for example `30d`"),
            );
        }
        (RecordWord::Environment, "clusters", Val::List(items)) if items.is_empty() => {
            ev.report(out_of_range("an environment without a cluster runs nothing", "name at least one cluster"));
        }
        (RecordWord::Cluster, "engines", Val::List(items)) if items.is_empty() => {
            ev.report(out_of_range("a cluster without an engine runs nothing", "name at least one engine"));
        }
        _ => {}
    }
}

/// What a service says at a place.
#[derive(Debug)]
pub struct Service {
    /// Its name.
    pub name: SmolStr,
    /// Its owner, if the name is right.
    pub owner: Option<DeclId>,
    /// A word.
    pub tier: Val,
    /// Whether it declares pods at all.
    pub has_pods: bool,
    /// A selector, or unknown.
    pub pods: Val,
    /// Whether it declares replicas on this machine.
    pub has_local: bool,
    /// Those, at a place with a local engine; `None`: something is wrong or unknown.
    pub local: Option<Vec<plan::LocalReplica>>,
    /// A selector, `none`, or unknown.
    pub instances: Val,
    /// Text or `none`.
    pub container: Val,
    /// A whole number or `none`.
    pub replicas: Val,
    /// What it depends on.
    pub depends_on: Vec<DeclId>,
    /// Hosts.
    pub hosts: Val,
    /// URLs.
    pub endpoints: Val,
    /// The facts that a plan holds; `None` while something is unknown.
    pub facts: Option<plan::ServiceFacts>,
}

impl Evaluator<'_> {
    /// What a service says at this place; `None` while it is being evaluated.
    pub fn service(&mut self, id: DeclId) -> Option<Arc<Service>> {
        if let Some(known) = self.known_service(id) {
            return known;
        }
        self.remember_service(id, None);
        let item = self.program.item(id);
        let ItemKind::Record(RecordWord::Service, fields) = &item.kind else { return None };
        let file = self.program.file_of(id);
        // What is wrong in a service is reported where it is declared.
        let read = |ev: &mut Self| ev.within(file, Vec::new(), |ev| ev.read_service(id, fields));
        let service = self.apart(|ev| ev.beside(read)).0;
        let service = Arc::new(service);
        self.remember_service(id, Some(service.clone()));
        Some(service)
    }

    fn read_service(&mut self, id: DeclId, fields: &[Field]) -> Service {
        let item = self.program.item(id);
        let mut get =
            |key: &str| match (field(fields, key), fields_of(RecordWord::Service).iter().find(|s| s.key == key)) {
                (Some(given), Some(spec)) => {
                    self.making(id, Some(key), |ev| ev.value(&given.value, &spec.ty)).unwrap_or_else(Val::error)
                }
                _ => Val::none(),
            };
        let owner = match get("owner") {
            Val::Decl(team) => Some(team),
            _ => None,
        };
        let decls = |value: Val| match value {
            Val::List(items) => {
                items.iter().filter_map(|v| if let Val::Decl(d) = v { Some(*d) } else { None }).collect()
            }
            _ => Vec::new(),
        };
        let mut service = Service {
            name: item.name.text.clone(),
            owner,
            tier: get("tier"),
            has_pods: field(fields, "pods").is_some(),
            has_local: field(fields, "local").is_some(),
            local: Some(Vec::new()),
            pods: get("pods"),
            instances: get("instances"),
            container: get("container"),
            replicas: get("replicas"),
            depends_on: decls(get("depends-on")),
            hosts: empty_if_none(get("hosts")),
            endpoints: empty_if_none(get("endpoints")),
            facts: None,
        };
        let here = self.place.is_some_and(|place| self.program.cluster(place).facts.has_local());
        if let (true, Some(given)) = (here, field(fields, "local")) {
            service.local = super::local::replicas(self, given);
        }
        let links = field(fields, "links").map(|f| self.links(f)).unwrap_or_default();
        service.facts = self.service_facts(&service, links, item.name.span);
        service
    }

    fn service_facts(
        &self,
        service: &Service,
        links: Vec<crate::types::Entry>,
        span: Span,
    ) -> Option<plan::ServiceFacts> {
        let name_of = |id: &DeclId| self.program.item(*id).name.text.clone();
        let texts = |value: &Val| match value {
            Val::List(items) => items.iter().map(super::evaluate::text_of).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        let tier = match super::evaluate::text_of(&service.tier)?.as_str() {
            "critical" => plan::Tier::Critical,
            "high" => plan::Tier::High,
            "medium" => plan::Tier::Medium,
            _ => plan::Tier::Low,
        };
        let pods = match &service.pods {
            Val::Selector(candidates) => Some(candidates.selector.pods()?.clone()),
            Val::Plain(Value::None) => None,
            _ => return None,
        };
        let replicas = match &service.replicas {
            // On one machine nothing has to be estimated: the replicas are written down one by one.
            _ if self.is_local() && service.has_local => Some(u32::try_from(service.local.as_ref()?.len()).ok()?),
            Val::Plain(Value::Int(n)) => Some(u32::try_from(*n).ok()?),
            Val::Plain(Value::None) => None,
            _ => return None,
        };
        Some(plan::ServiceFacts {
            owner: name_of(&service.owner?),
            tier,
            pods,
            replicas,
            container: super::evaluate::text_of(&service.container),
            depends_on: service.depends_on.iter().map(name_of).collect(),
            hosts: texts(&service.hosts)?,
            endpoints: texts(&service.endpoints)?,
            local: service.local.clone()?,
            links,
            span,
        })
    }

    /// Whether the place is nothing but the machine that Perturb runs on.
    pub(super) fn is_local(&self) -> bool {
        self.place.is_some_and(|place| self.program.cluster(place).facts.is_local())
    }

    /// The entries of `links`.
    pub fn links(&mut self, field: &Field) -> Vec<crate::types::Entry> {
        match self.value(&field.value, &Type::Record) {
            Val::Record(entries) => entries
                .iter()
                .filter_map(|(key, value, _)| {
                    let value = Value::Url(super::evaluate::text_of(value)?);
                    Some(crate::types::Entry { key: key.clone(), value })
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}

fn empty_if_none(value: Val) -> Val {
    match value {
        Val::Plain(Value::None) => Val::list([]),
        other => other,
    }
}
