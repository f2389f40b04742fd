//! A condition as Litmus can judge it: one measured number against one bound.
//!
//! Comes in: a condition of the plan. Goes out: [`Judgement`]s that hold together exactly when the condition does, or why
//! Litmus cannot judge it. Must never compare in another unit than that of the measured number: `99.5%` of a metric whose
//! unit is a ratio is `0.995`.
//!
//! Facts (litmus-go 1b3603f, `pkg/probe`): a promProbe compares floats and has no place for a token; an httpProbe
//! compares the status code of a GET and has no headers; a cmdProbe compares what a command prints, and passes its
//! command through Go's html/template first, which changes `{{` and `<`.

use super::shell;
use crate::plan::{
    Arithmetic, Comparison, Condition, HttpAnswer, KubernetesFact, MetricUnit, ObjectiveFact, Operand, Plan,
    PodSelector, Source, Stream, over_window,
};
use crate::types::{Decimal, Duration, Value, decimal_text};

/// One number and its bound.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judgement<'p> {
    /// The stream that it comes from.
    pub stream: &'p Stream,
    /// How the number is had.
    pub sample: Sample<'p>,
    /// Litmus' word for the comparison.
    pub criteria: &'static str,
    /// The bound, or two joined by a comma for `between`.
    pub value: String,
}

/// How a number is had.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sample<'p> {
    /// Prometheus at an endpoint, asked this query.
    Prometheus {
        /// Fit to stand bare in a command line.
        endpoint: &'p str,
        /// As Prometheus takes it.
        query: String,
    },
    /// The status code of a GET.
    Http {
        /// What is asked.
        url: &'p str,
    },
    /// How many pods are ready.
    ReadyPods {
        /// Where.
        namespace: &'p str,
        /// `a=b,c=d`: to `kubectl` a comma means *and*. Empty: all.
        labels: String,
    },
}

/// What holds when `condition` is `wanted`. `split`: whether several judgements may stand for it side by side; not where time
/// counts, as each would have its own.
pub(super) fn judge<'p>(
    plan: &'p Plan,
    condition: &Condition,
    wanted: bool,
    split: bool,
) -> Result<Vec<Judgement<'p>>, String> {
    match condition {
        Condition::Constant(_) => Err("nothing is measured in it".to_owned()),
        Condition::Not(inner) => judge(plan, inner, !wanted, split),
        Condition::Holds(stream) => {
            let number = if wanted { Decimal::ONE } else { Decimal::ZERO };
            bool_judgement(plan, stream_of(plan, *stream)?, wanted, number).map(|j| vec![j])
        }
        Condition::Compare { left, op, right } => compare(plan, left, *op, right, wanted).map(|j| vec![j]),
        Condition::All(all) if wanted => several(plan, all, wanted, split),
        Condition::Any(any) if !wanted => several(plan, any, wanted, split),
        Condition::All(some) | Condition::Any(some) => match some.as_slice() {
            [only] => judge(plan, only, wanted, split),
            _ => Err("one of several measurements is enough, and a probe of Litmus judges one".to_owned()),
        },
    }
}

fn several<'p>(plan: &'p Plan, all: &[Condition], wanted: bool, split: bool) -> Result<Vec<Judgement<'p>>, String> {
    if all.len() > 1 && !split {
        return Err(
            "it has a time for several measurements together, and Litmus keeps the time of each by itself".to_owned()
        );
    }
    let mut found = Vec::new();
    for one in all {
        found.extend(judge(plan, one, wanted, split)?);
    }
    Ok(found)
}

fn stream_of(plan: &Plan, stream: u32) -> Result<&Stream, String> {
    plan.streams.get(stream as usize).ok_or_else(|| "it names a measurement that the plan does not have".to_owned())
}

fn bool_judgement<'p>(
    plan: &'p Plan,
    stream: &'p Stream,
    wanted: bool,
    number: Decimal,
) -> Result<Judgement<'p>, String> {
    if let Source::Http { url, answer: HttpAnswer::Ok, token, headers } = &stream.source {
        if !wanted {
            return Err("Litmus can ask for a status from 200 to 299, but not for one outside".to_owned());
        }
        let sample = http(url, token.is_some() || !headers.is_empty())?;
        return Ok(Judgement { stream, sample, criteria: "between", value: "200,299".to_owned() });
    }
    let (sample, _) = sample(plan, stream)?;
    Ok(Judgement { stream, sample, criteria: "==", value: decimal_text(number) })
}

fn compare<'p>(
    plan: &'p Plan,
    left: &Operand,
    op: Comparison,
    right: &Operand,
    wanted: bool,
) -> Result<Judgement<'p>, String> {
    let (stream, op, bound) = match (left, right) {
        (Operand::Stream(stream), Operand::Constant(bound)) => (*stream, op, bound),
        (Operand::Constant(bound), Operand::Stream(stream)) => (*stream, turned(op), bound),
        (Operand::Constant(_), Operand::Constant(_)) => return Err("nothing is measured in it".to_owned()),
        _ => return combined(plan, left, op, right, wanted),
    };
    let stream = stream_of(plan, stream)?;
    let (sample, unit) = sample(plan, stream)?;
    let op = if wanted { op } else { opposite(op) };
    let value = in_unit(bound, unit)?;
    Ok(Judgement { stream, sample, criteria: op.text(), value: decimal_text(value) })
}

/// Measurements that are combined: where all of them come from Prometheus in one unit, it can compute the difference of
/// the two sides, and that is compared with 0. A side without a sample leaves no difference, so it is missing too.
fn combined<'p>(
    plan: &'p Plan,
    left: &Operand,
    op: Comparison,
    right: &Operand,
    wanted: bool,
) -> Result<Judgement<'p>, String> {
    let mut streams = Vec::new();
    Condition::Compare { left: left.clone(), op, right: right.clone() }.for_each_stream(&mut |s| streams.push(s));
    let mut all = streams.iter().map(|s| stream_of(plan, *s)).collect::<Result<Vec<_>, _>>()?;
    // Asked as seldom as the slowest: the others have a sample not older than that.
    all.sort_by_key(|s| std::cmp::Reverse(s.every));
    let Some(stream) = all.first().copied() else { return Err("nothing is measured in it".to_owned()) };
    let (Source::Prometheus { server, .. }, true) = (&stream.source, all.iter().all(|s| s.unit == stream.unit)) else {
        return Err(COMBINED.to_owned());
    };
    let query = format!("{} - {}", promql(plan, left, stream.unit)?, promql(plan, right, stream.unit)?);
    let sample = prometheus(plan, server.as_deref(), query)?;
    let op = if wanted { op } else { opposite(op) };
    Ok(Judgement { stream, sample, criteria: op.text(), value: "0".to_owned() })
}

const COMBINED: &str =
    "it combines measurements, and Litmus can only let Prometheus do that, where all of them come from it in one unit";

/// A side of a comparison in PromQL, as a number in the unit of its streams.
fn promql(plan: &Plan, operand: &Operand, unit: MetricUnit) -> Result<String, String> {
    let (left, op, right) = match operand {
        Operand::Constant(value) => return in_unit(value, unit).map(decimal_text),
        Operand::Stream(stream) => {
            return match &stream_of(plan, *stream)?.source {
                Source::Prometheus { query, .. } => Ok(format!("({query})")),
                _ => Err(COMBINED.to_owned()),
            };
        }
        Operand::Combine { left, op, right } => (left, *op, right),
    };
    // A factor is a plain number in every unit; the product of two measurements would be in none.
    let measured = |operand: &Operand| !matches!(operand, Operand::Constant(_));
    match op {
        Arithmetic::Multiply if measured(left) && measured(right) => return Err(COMBINED.to_owned()),
        Arithmetic::Divide if measured(right) => return Err(COMBINED.to_owned()),
        _ => {}
    }
    Ok(format!("({} {} {})", promql(plan, left, unit)?, op.text(), promql(plan, right, unit)?))
}

fn turned(op: Comparison) -> Comparison {
    match op {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        same @ (Comparison::Equal | Comparison::NotEqual) => same,
    }
}

fn opposite(op: Comparison) -> Comparison {
    match op {
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
        Comparison::Less => Comparison::GreaterOrEqual,
        Comparison::LessOrEqual => Comparison::Greater,
        Comparison::Greater => Comparison::LessOrEqual,
        Comparison::GreaterOrEqual => Comparison::Less,
    }
}

/// The bound as a bare number in the unit of what is measured.
fn in_unit(bound: &Value, unit: MetricUnit) -> Result<Decimal, String> {
    let misfit = || Err(format!("`{bound}` has no number in the unit of what is measured"));
    match (bound, unit) {
        (Value::Percent(p), MetricUnit::Ratio) => Ok(p.0 / Decimal::ONE_HUNDRED),
        (Value::Percent(p), MetricUnit::Percent) => Ok(p.0),
        (Value::Duration(d), MetricUnit::S) => Ok(d.as_secs_decimal()),
        (Value::Duration(d), MetricUnit::Ms) => Ok(Decimal::from(d.as_nanos()) / Decimal::from(1_000_000)),
        (Value::Bytes(b), MetricUnit::Bytes) => Ok(Decimal::from(b.0)),
        (Value::Rate(r), MetricUnit::PerSecond) => Ok(r.0),
        (Value::Cores(c), MetricUnit::Cores) => Ok(c.0),
        (Value::Int(n), MetricUnit::Count) => Ok(Decimal::from(*n)),
        (Value::Number(n), MetricUnit::Count) => Ok(*n),
        (Value::Bool(b), MetricUnit::Count) => Ok(if *b { Decimal::ONE } else { Decimal::ZERO }),
        // Plain numbers of a metric with a unit compare with it as it is measured.
        (Value::Int(n), _) => Ok(Decimal::from(*n)),
        (Value::Number(n), _) => Ok(*n),
        _ => misfit(),
    }
}

/// How the number of a stream is had, and its unit.
fn sample<'p>(plan: &'p Plan, stream: &'p Stream) -> Result<(Sample<'p>, MetricUnit), String> {
    match &stream.source {
        Source::Prometheus { server, query } => Ok((prometheus(plan, server.as_deref(), query.clone())?, stream.unit)),
        Source::Http { url, answer: HttpAnswer::Status, token, headers } => {
            Ok((http(url, token.is_some() || !headers.is_empty())?, MetricUnit::Count))
        }
        Source::Http { answer: HttpAnswer::Body { .. }, .. } => {
            Err("an HTTP probe of Litmus judges the status, not the body".to_owned())
        }
        Source::Http { answer: HttpAnswer::Header { .. }, .. } => {
            Err("an HTTP probe of Litmus judges the status, and no header".to_owned())
        }
        Source::Http { answer: HttpAnswer::Time, .. } => {
            Err("an HTTP probe of Litmus judges the status, not the time".to_owned())
        }
        Source::Http { answer: HttpAnswer::Ok, .. } => {
            Err("it compares a truth value: write the metric alone, or `not` before it".to_owned())
        }
        Source::Kubernetes { what: KubernetesFact::ReadyPods, pods } => Ok((ready_pods(pods)?, MetricUnit::Count)),
        Source::Kubernetes { .. } => Err("Litmus can count ready pods, but not this".to_owned()),
        Source::Json { .. } => Err("Litmus has no probe that reads a JSON document".to_owned()),
        Source::Processes { .. } => Err("only Perturb itself sees the processes of its machine".to_owned()),
        Source::Scrape { .. } => Err("Litmus has no probe that reads a page of metrics".to_owned()),
        Source::Tcp { .. } | Source::Dns { .. } => Err("Litmus has no probe for that".to_owned()),
        Source::Command { .. } => Err("Litmus would run the program in its own pod, where it is not".to_owned()),
        Source::Tls { .. } => Err("Litmus has no probe that looks at a certificate".to_owned()),
        Source::Objective { what, indicator, indicator_unit, objective, window, .. } => {
            let (over, unit) = match (what, stream.window) {
                (ObjectiveFact::BudgetLeft, _) => (*window, MetricUnit::Ratio),
                (ObjectiveFact::BurnRate, Some(over)) => (over, MetricUnit::Count),
                (ObjectiveFact::BurnRate, None) => (*window, MetricUnit::Count),
                (ObjectiveFact::BudgetSpent, _) => {
                    return Err(
                        "Litmus does not know when the run began, so it cannot judge what was spent since".to_owned()
                    );
                }
            };
            let burn = burn_rate(indicator, *indicator_unit, objective.0, over)?;
            let query = if *what == ObjectiveFact::BudgetLeft { format!("1 - {burn}") } else { burn };
            let server = match &**indicator {
                Source::Prometheus { server, .. } => server.as_deref(),
                _ => None,
            };
            Ok((prometheus(plan, server, query)?, unit))
        }
    }
}

fn prometheus<'p>(plan: &Plan, server: Option<&'p str>, query: String) -> Result<Sample<'p>, String> {
    let Some(endpoint) = server else {
        return Err(format!("the cluster `{}` declares no `prometheus`", plan.place.cluster.name));
    };
    if plan.place.cluster.token.is_some() {
        return Err(format!(
            "the Prometheus of cluster `{}` wants a token, and Litmus has no place for one",
            plan.place.cluster.name
        ));
    }
    if !shell::is_bare(endpoint) {
        return Err(
            "the address of Prometheus holds characters that mean something to a shell, and Litmus puts it into one"
                .to_owned(),
        );
    }
    if query.contains("{{") {
        return Err("the query holds `{{`, in whose place Argo would put a value of its own".to_owned());
    }
    Ok(Sample::Prometheus { endpoint, query })
}

/// How fast an error budget burns over a window, in PromQL: what went wrong of what may go wrong.
fn burn_rate(indicator: &Source, unit: MetricUnit, objective: Decimal, over: Duration) -> Result<String, String> {
    let Source::Prometheus { query, .. } = indicator else {
        return Err("the SLO's indicator does not come from Prometheus".to_owned());
    };
    let query = over_window(query, over);
    let ratio = match unit {
        MetricUnit::Ratio => format!("({query})"),
        MetricUnit::Percent => format!("({query}) / 100"),
        _ => return Err("the SLO's indicator is neither a ratio nor a percentage".to_owned()),
    };
    let budget = Decimal::ONE - objective / Decimal::ONE_HUNDRED;
    if budget <= Decimal::ZERO {
        return Err("an objective of 100% leaves no budget to speak of".to_owned());
    }
    Ok(format!("(1 - {ratio}) / {}", decimal_text(budget)))
}

fn http<'p>(url: &'p str, sends_headers: bool) -> Result<Sample<'p>, String> {
    if sends_headers {
        return Err("an HTTP probe of Litmus sends no headers, so no token".to_owned());
    }
    if url.contains("{{") || url.contains('<') {
        return Err("the URL holds `{{` or `<`, which Litmus takes for a template".to_owned());
    }
    Ok(Sample::Http { url })
}

fn ready_pods(pods: &PodSelector) -> Result<Sample<'_>, String> {
    // `kubectl` reads whatever Kubernetes reads of labels.
    let by_labels = PodSelector { conditions: Vec::new(), ..pods.clone() };
    let plain = pods.names.is_empty() && by_labels.beyond_labels().is_none();
    let ([namespace], true) = (pods.namespaces.as_slice(), plain) else {
        return Err("Litmus can count ready pods of one namespace by their labels only".to_owned());
    };
    Ok(Sample::ReadyPods { namespace, labels: pods.label_query() })
}

/// A command that prints how many pods are ready, and fails where the API does not answer: an answer of 0 that only
/// means "I could not ask" would pass `== 0`. Pods that are being deleted do not count.
pub(super) fn count_ready(namespace: &str, labels: &str) -> String {
    let selector = if labels.is_empty() { String::new() } else { format!(" --selector {}", shell::word(labels)) };
    let path =
        r#"{range .items[*]}{.metadata.deletionTimestamp}/{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}"#;
    format!(
        "set -e; pods=$(kubectl get pods --namespace {}{selector} --output jsonpath={}); printf '%s\\n' \"$pods\" | grep -c '^/True$' || true",
        shell::word(namespace),
        shell::word(path),
    )
}
