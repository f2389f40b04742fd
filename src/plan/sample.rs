//! A plan for the unit tests of the layers above: the language's tour at `staging/stg-1`, by hand.

use std::collections::BTreeMap;

use super::*;
use crate::source::{FileId, Span};
use crate::types::{Decimal, Duration, Entry, Percent, Value};

/// A span that tells steps apart: line `n` of file 0.
pub(crate) fn at(n: u32) -> Span {
    Span::new(FileId(0), n * 100, n * 100 + 40)
}

pub(crate) fn percent(text: &str) -> Percent {
    text.parse().unwrap()
}

pub(crate) fn duration(text: &str) -> Duration {
    text.parse().unwrap()
}

pub(crate) fn entry(key: &str, value: Value) -> Entry {
    Entry { key: key.into(), value }
}

pub(crate) fn pods(app: &str) -> PodSelector {
    PodSelector {
        namespaces: vec!["pay-test".into()],
        labels: vec![("app".into(), app.into())],
        ..PodSelector::default()
    }
}

pub(crate) fn service(owner: &str, app: &str, replicas: Option<u32>, depends_on: &[&str]) -> ServiceFacts {
    ServiceFacts {
        local: Vec::new(),
        owner: owner.into(),
        tier: Tier::Critical,
        pods: Some(pods(app)),
        replicas,
        container: Some("app".into()),
        depends_on: depends_on.iter().map(|s| (*s).into()).collect(),
        hosts: vec![],
        endpoints: vec![],
        links: vec![],
        span: at(1),
    }
}

pub(crate) fn stream(text: &str, of_type: &str, unit: MetricUnit, window: Option<&str>) -> Stream {
    Stream {
        text: text.into(),
        metric: text.split('(').next().unwrap_or_default().into(),
        service: Some("checkout".into()),
        of_type: of_type.into(),
        source: Source::Prometheus {
            server: Some("http://prometheus.observability.svc:9090".into()),
            query: format!("sum(rate(http_requests_total{{app=\"checkout\"}}[{}]))", window.unwrap_or("1m")),
        },
        unit,
        window: window.map(duration),
        every: duration("5s"),
        timeout: duration("5s"),
        patience: duration("15s"),
        span: at(2),
    }
}

pub(crate) fn compare(stream: u32, op: Comparison, value: Value) -> Condition {
    Condition::Compare { left: Operand::Stream(stream), op, right: Operand::Constant(value) }
}

/// `network.delay` with the bodies that the standard library gives it.
pub(crate) fn network_delay(target: u32, latency: &str, span: Span) -> Fault {
    let latency = Value::Duration(duration(latency));
    let jitter = Value::Duration(duration("50ms"));
    let correlation = Value::Percent(percent("0%"));
    Fault {
        name: "network.delay".into(),
        title: "Delays the packets that leave (or reach) the targets.".into(),
        target,
        arguments: vec![
            entry("latency", latency.clone()),
            entry("jitter", jitter.clone()),
            entry("correlation", correlation.clone()),
            entry("direction", Value::Word("outgoing".into())),
            entry("peer", Value::None),
            entry("hosts", Value::List(vec![])),
        ],
        given: vec!["latency".into(), "jitter".into()],
        effect: Effect::Lasting,
        mechanism: "netem".into(),
        irreversible: None,
        lost_on_restart: false,
        ends_after: None,
        bodies: BTreeMap::from([
            (
                EngineName::ChaosMesh,
                Body::Expressed(vec![
                    entry("kind", Value::String("NetworkChaos".into())),
                    entry(
                        "spec",
                        Value::Record(vec![
                            entry("action", Value::String("delay".into())),
                            entry("direction", Value::String("to".into())),
                            entry(
                                "delay",
                                Value::Record(vec![
                                    entry("latency", latency.clone()),
                                    entry("jitter", jitter),
                                    entry("correlation", correlation),
                                ]),
                            ),
                            entry("target", Value::None),
                            entry("externalTargets", Value::List(vec![])),
                        ]),
                    ),
                ]),
            ),
            (
                EngineName::Litmus,
                Body::Expressed(vec![
                    entry("fault", Value::String("pod-network-latency".into())),
                    entry(
                        "env",
                        Value::Record(vec![
                            entry("NETWORK_LATENCY", Value::Int(300)),
                            entry("JITTER", Value::Int(50)),
                            entry("CORRELATION", Value::Int(0)),
                        ]),
                    ),
                ]),
            ),
        ]),
        span,
    }
}

/// `pod.kill`.
pub(crate) fn pod_kill(target: u32, span: Span) -> Fault {
    Fault {
        name: "pod.kill".into(),
        title: "Deletes the targets, as a crash of their node would.".into(),
        target,
        arguments: vec![entry("grace", Value::Duration(Duration::ZERO))],
        given: vec![],
        effect: Effect::Instant,
        mechanism: "pod-delete".into(),
        irreversible: None,
        lost_on_restart: false,
        ends_after: None,
        bodies: BTreeMap::from([
            (
                EngineName::ChaosMesh,
                Body::Expressed(vec![
                    entry("kind", Value::String("PodChaos".into())),
                    entry(
                        "spec",
                        Value::Record(vec![
                            entry("action", Value::String("pod-kill".into())),
                            entry("gracePeriod", Value::Int(0)),
                        ]),
                    ),
                ]),
            ),
            (
                EngineName::Litmus,
                Body::Expressed(vec![
                    entry("fault", Value::String("pod-delete".into())),
                    entry("env", Value::Record(vec![entry("FORCE", Value::String("true".into()))])),
                ]),
            ),
        ]),
        span,
    }
}

pub(crate) fn step(kind: StepKind, span: Span) -> Step {
    Step { kind, span }
}

fn draw(name: Option<&str>, quantity: Quantity, service: &str, text: &str, span: Span) -> Draw {
    Draw {
        name: name.map(Into::into),
        quantity,
        selector: Selector::Pods(pods(service)),
        service: Some(service.into()),
        text: text.into(),
        span,
    }
}

/// The experiment of the language's tour.
pub(crate) fn tour() -> Plan {
    let mut plan = Plan {
        version: PLAN_VERSION,
        digest: String::new(),
        text_digest: text_digest("tour"),
        name: "checkout-survives-slow-ledger".into(),
        doc: "Checkout keeps its objective while the ledger is slow.".into(),
        made_from: None,
        service: "checkout".into(),
        place: Place {
            environment: "staging".into(),
            protected: false,
            cluster: Cluster {
                name: "stg-1".into(),
                context: "stg-1".into(),
                engines: vec![EngineName::ChaosMesh, EngineName::Litmus],
                region: Some("stg".into()),
                prometheus: Some("http://prometheus.observability.svc:9090".into()),
                token: None,
                off_limits: vec![],
                chaos_namespace: "chaos".into(),
                runtime: None,
                runtime_socket: None,
                remote_cluster: None,
                toxiproxy: None,
            },
        },
        learned_from: vec![Incident {
            name: "pm-2022-031".into(),
            date: "2022-03-14".into(),
            title: "Checkout hung on a slow ledger.".into(),
            lessons: vec!["The ledger client had no time-out.".into()],
            report: None,
        }],
        environments: vec!["dev".into(), "staging".into(), "production".into()],
        services: BTreeMap::from([
            ("checkout".into(), service("platform", "checkout", Some(2), &["ledger"])),
            ("ledger".into(), service("ledgers", "ledger", Some(3), &[])),
        ]),
        teams: BTreeMap::from([
            ("platform".into(), Team { contact: "#platform-oncall".into(), escalation: None }),
            ("ledgers".into(), Team { contact: "#ledger-oncall".into(), escalation: None }),
        ]),
        streams: vec![
            stream("success-rate(checkout)", "Percent", MetricUnit::Ratio, Some("1m")),
            stream("p99(checkout)", "Duration", MetricUnit::S, Some("1m")),
            stream("probe.alert-firing(\"LedgerSlow\")", "Bool", MetricUnit::Count, None),
            stream("success-rate(checkout, over: 15s)", "Percent", MetricUnit::Ratio, Some("15s")),
            stream("probe.ready-pods(ledger)", "Int", MetricUnit::Count, None),
        ],
        baseline: duration("30s"),
        expectations: vec![
            Expectation {
                name: "success".into(),
                condition: compare(0, Comparison::GreaterOrEqual, Value::Percent(percent("99.5%"))),
                text: "success-rate(checkout) >= 99.5%".into(),
                within: None,
                phase: Phase::Always,
                span: at(10),
            },
            Expectation {
                name: "latency".into(),
                condition: compare(1, Comparison::Less, Value::Duration(duration("800ms"))),
                text: "p99(checkout) < 800ms".into(),
                within: None,
                phase: Phase::Relaxed {
                    condition: compare(1, Comparison::Less, Value::Duration(duration("2s"))),
                    text: "< 2s".into(),
                },
                span: at(11),
            },
            Expectation {
                name: "alerted".into(),
                condition: Condition::Holds(2),
                text: "probe.alert-firing(\"LedgerSlow\")".into(),
                within: Some(duration("2m")),
                phase: Phase::OnlyDuringFaults,
                span: at(12),
            },
        ],
        recovery: Recovery { class: RecoveryClass::Automatic, within: duration("90s"), span: at(13) },
        guards: vec![Guard {
            when: GuardWhen::Condition(compare(3, Comparison::Less, Value::Percent(percent("98%")))),
            text: "success-rate(checkout, over: 15s) < 98%".into(),
            hold: Some(duration("10s")),
            span: at(14),
        }],
        hours: vec![],
        approvals: vec![],
        draws: vec![
            draw(Some("slow"), Quantity::Share(percent("50%")), "ledger", "50% of ledger.pods", at(15)),
            draw(None, Quantity::Exactly(1), "ledger", "one of ledger.pods", at(18)),
        ],
        faults: vec![network_delay(0, "300ms", at(16)), pod_kill(1, at(18)), network_delay(0, "10ms", at(20))],
        method: vec![
            step(
                StepKind::With {
                    fault: 0,
                    steps: vec![
                        step(StepKind::Wait(duration("3m")), at(17)),
                        step(StepKind::Inject { fault: 1, lasts: None }, at(18)),
                        step(
                            StepKind::Check {
                                name: "replaced".into(),
                                condition: compare(4, Comparison::GreaterOrEqual, Value::Int(3)),
                                text: "probe.ready-pods(ledger) >= 3".into(),
                                within: Some(duration("1m")),
                            },
                            at(19),
                        ),
                    ],
                },
                at(16),
            ),
            step(StepKind::Inject { fault: 2, lasts: Some(duration("2m")) }, at(20)),
        ],
        rules: vec![Rule {
            policy: "shared-clusters".into(),
            text: "require experiment.duration <= 30m".into(),
            because: "nobody watches for longer".into(),
            verdict: RuleVerdict::Holds("10m30s".into()),
            broken_by: std::collections::BTreeMap::new(),
            span: at(30),
        }],
        schedule: None,
        links: vec![],
        sources: std::sync::Arc::new(vec!["tour.chaos".into()]),
        span: at(9),
    };
    plan.digest = plan.compute_digest();
    plan
}

#[test]
fn survives_serde_and_keeps_its_digest() {
    let plan = tour();
    let json = serde_json::to_string(&plan).unwrap();
    let again: Plan = serde_json::from_str(&json).unwrap();
    assert_eq!(again, plan);
    assert_eq!(again.compute_digest(), plan.digest);
    assert_eq!(Quantity::Share(Percent(Decimal::from(50))).of(3), 1);
    assert_eq!(Quantity::Share(Percent(Decimal::from(1))).of(3), 1);
    assert_eq!(Quantity::Share(Percent(Decimal::from(1))).of(0), 0);
}
