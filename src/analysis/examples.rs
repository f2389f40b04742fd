//! Plans for the tests of this layer: what lowering gives for examples of the language, by hand.

use crate::plan::sample::{
    at, compare, duration, entry, network_delay, percent, pod_kill, pods, service, step, stream, tour,
};
use crate::plan::*;
use crate::types::{Bytes, Cores, Decimal, Offset, Rate, Value};

/// A plan at staging without hypothesis, guards and steps.
fn empty(name: &str, doc: &str) -> Plan {
    let mut plan = tour();
    plan.name = name.into();
    plan.doc = doc.into();
    plan.learned_from.clear();
    plan.expectations.clear();
    plan.guards.clear();
    plan.draws.clear();
    plan.faults.clear();
    plan.method.clear();
    plan.streams.clear();
    plan.rules.clear();
    plan
}

fn sealed(mut plan: Plan) -> Plan {
    plan.digest = plan.compute_digest();
    plan
}

fn draw(plan: &mut Plan, name: Option<&str>, quantity: Quantity, selector: Selector, service: &str, text: &str) -> u32 {
    let line = 15 + plan.draws.len() as u32;
    plan.draws.push(Draw {
        name: name.map(Into::into),
        quantity,
        selector,
        service: Some(service.into()),
        text: text.into(),
        span: at(line),
    });
    plan.draws.len() as u32 - 1
}

fn pods_at(app: &str, node: Option<At>, zone: Option<At>) -> Selector {
    Selector::Pods(PodSelector { node, zone, ..pods(app) })
}

fn add_stream(plan: &mut Plan, stream: Stream) -> u32 {
    plan.streams.push(stream);
    plan.streams.len() as u32 - 1
}

fn rate(of: &str, over: &str) -> Stream {
    let text = if over == "1m" { format!("success-rate({of})") } else { format!("success-rate({of}, over: {over})") };
    Stream { service: Some(of.into()), ..stream(&text, "Percent", MetricUnit::Ratio, Some(over)) }
}

fn p99(of: &str) -> Stream {
    Stream { service: Some(of.into()), ..stream(&format!("p99({of})"), "Duration", MetricUnit::S, Some("1m")) }
}

fn requests(of: &str, over: &str) -> Stream {
    let text = if over == "1m" { format!("requests({of})") } else { format!("requests({of}, over: {over})") };
    Stream { service: Some(of.into()), ..stream(&text, "Rate", MetricUnit::PerSecond, Some(over)) }
}

fn unbooked() -> Stream {
    Stream {
        source: Source::Json {
            url: "https://ledger.stg.example/stats".into(),
            pointer: "/unbooked".into(),
            token: Some("ledger-stats".into()),
            headers: Vec::new(),
        },
        every: duration("10s"),
        timeout: duration("10s"),
        patience: duration("30s"),
        service: Some("ledger".into()),
        ..stream("unbooked(ledger)", "Int", MetricUnit::Count, None)
    }
}

fn expect(plan: &mut Plan, name: &str, text: &str, condition: Condition, within: Option<&str>, phase: Phase) {
    let line = 50 + plan.expectations.len() as u32;
    plan.expectations.push(Expectation {
        name: name.into(),
        condition,
        text: text.into(),
        within: within.map(duration),
        phase,
        span: at(line),
    });
}

fn guard(plan: &mut Plan, text: &str, when: GuardWhen, hold: Option<&str>) {
    let line = 60 + plan.guards.len() as u32;
    plan.guards.push(Guard { when, text: text.into(), hold: hold.map(duration), span: at(line) });
}

fn guard_rate(plan: &mut Plan, of: &str, below: &str, hold: &str) {
    let watched = add_stream(plan, rate(of, "15s"));
    let when = GuardWhen::Condition(compare(watched, Comparison::Less, Value::Percent(percent(below))));
    guard(plan, &format!("success-rate({of}, over: 15s) < {below}"), when, Some(hold));
}

fn relaxed(stream: u32, op: Comparison, value: Value, text: &str) -> Phase {
    Phase::Relaxed { condition: compare(stream, op, value), text: text.into() }
}

/// A fault with a name, arguments and the engines that carry it.
fn fault(
    plan: &mut Plan,
    name: &str,
    title: &str,
    target: u32,
    arguments: &[(&str, Value)],
    engines: &[EngineName],
) -> u32 {
    let line = 70 + plan.faults.len() as u32;
    let arguments: Vec<_> = arguments.iter().map(|(k, v)| entry(k, v.clone())).collect();
    let given = arguments.iter().map(|e| e.key.clone()).collect();
    plan.faults.push(Fault {
        name: name.into(),
        title: title.into(),
        arguments,
        given,
        mechanism: name.into(),
        bodies: engines.iter().map(|e| (*e, Body::Expressed(vec![]))).collect(),
        ..network_delay(target, "1s", at(line))
    });
    plan.faults.len() as u32 - 1
}

fn inject(fault: u32, lasts: &str) -> Step {
    step(StepKind::Inject { fault, lasts: Some(duration(lasts)) }, at(70 + fault))
}

fn wait(length: &str, line: u32) -> Step {
    step(StepKind::Wait(duration(length)), at(line))
}

fn check(name: &str, text: &str, condition: Condition, within: Option<&str>, line: u32) -> Step {
    let kind = StepKind::Check { name: name.into(), condition, text: text.into(), within: within.map(duration) };
    step(kind, at(line))
}

const BOTH: [EngineName; 2] = [EngineName::ChaosMesh, EngineName::Litmus];

/// Two services that cannot see each other (`direction: both`, a peer).
pub(super) fn partition() -> Plan {
    let mut plan = empty("checkout-ledger-partition", "A cut between checkout and the ledger loses no payment.");
    let (success, books) = (add_stream(&mut plan, rate("checkout", "1m")), add_stream(&mut plan, unbooked()));
    let bound = |p| Value::Percent(percent(p));
    let weaker = relaxed(success, Comparison::GreaterOrEqual, bound("97%"), ">= 97%");
    let condition = compare(success, Comparison::GreaterOrEqual, bound("99.5%"));
    expect(&mut plan, "success", "success-rate(checkout) >= 99.5%", condition, None, weaker);
    let few = compare(books, Comparison::Less, Value::Int(100));
    expect(&mut plan, "booked", "unbooked(ledger) < 100", few.clone(), None, Phase::ExceptDuringFaults);
    guard_rate(&mut plan, "checkout", "95%", "20s");
    plan.recovery.within = duration("2m");
    let one = pods_at("checkout", None, None);
    let one = draw(&mut plan, None, Quantity::Exactly(1), one, "checkout", "one of checkout.pods");
    let all = pods_at("ledger", None, None);
    let all = draw(&mut plan, None, Quantity::All, all, "ledger", "all of ledger.pods");
    let arguments = [("peer", Value::Draw(all)), ("direction", Value::Word("both".into()))];
    let title = "Drops every packet between the targets and their peers.";
    let cut = fault(&mut plan, "network.partition", title, one, &arguments, &[EngineName::ChaosMesh]);
    let reason = "the fault `pod-network-partition` takes no peer pods".to_owned();
    let refused = Body::Refused { construct: "peer".to_owned(), reason };
    plan.faults[cut as usize].bodies.insert(EngineName::Litmus, refused);
    plan.method = vec![inject(cut, "2m"), check("drained", "unbooked(ledger) < 100", few, Some("1m"), 80)];
    sealed(plan)
}

/// Rounds, one draw, `abort when refuted`.
pub(super) fn ramp() -> Plan {
    let mut plan = empty("ledger-loss-ramp", "Checkout bears up to 20 % of packet loss on the way to the ledger.");
    let (success, late) = (add_stream(&mut plan, rate("checkout", "1m")), add_stream(&mut plan, p99("checkout")));
    let condition = compare(success, Comparison::GreaterOrEqual, Value::Percent(percent("99.5%")));
    expect(&mut plan, "success", "success-rate(checkout) >= 99.5%", condition, None, Phase::Always);
    let condition = compare(late, Comparison::Less, Value::Duration(duration("800ms")));
    let weaker = relaxed(late, Comparison::Less, Value::Duration(duration("3s")), "< 3s");
    expect(&mut plan, "latency", "p99(checkout) < 800ms", condition, None, weaker);
    guard(&mut plan, "refuted", GuardWhen::Refuted, None);
    guard_rate(&mut plan, "checkout", "97%", "10s");
    let hit = pods_at("ledger", None, None);
    let hit = draw(&mut plan, Some("hit"), Quantity::Exactly(1), hit, "ledger", "one of ledger.pods");
    for number in 1..=4u32 {
        let share = format!("{}%", number * 5);
        let arguments = [("loss", Value::Percent(percent(&share)))];
        let loss = fault(
            &mut plan,
            "network.loss",
            "Drops a share of the packets that leave the targets.",
            hit,
            &arguments,
            &BOTH,
        );
        let steps = vec![inject(loss, "2m"), wait("30s", 81)];
        let kind = StepKind::Round { title: format!("share = {share}"), number, of: 4, steps };
        plan.method.push(step(kind, at(82)));
    }
    sealed(plan)
}

/// A drawn zone, parallel branches, a budget guard; in production with policies, hours and an approval.
pub(super) fn zone() -> Plan {
    let mut plan = empty("payments-lose-a-zone", "Payments go on with two zones of three.");
    production(&mut plan);
    let success = add_stream(&mut plan, rate("checkout", "1m"));
    let zones = Stream {
        source: Source::Kubernetes { what: KubernetesFact::ReadyZones, pods: pods("checkout") },
        ..stream("probe.ready-zones(checkout)", "Int", MetricUnit::Count, None)
    };
    let zones = add_stream(&mut plan, zones);
    let condition = compare(success, Comparison::GreaterOrEqual, Value::Percent(percent("99.95%")));
    let weaker = relaxed(success, Comparison::GreaterOrEqual, Value::Percent(percent("99%")), ">= 99%");
    expect(&mut plan, "success", "success-rate(checkout) >= 99.95%", condition, None, weaker);
    let condition = compare(zones, Comparison::GreaterOrEqual, Value::Int(3));
    let weaker = relaxed(zones, Comparison::GreaterOrEqual, Value::Int(2), ">= 2");
    expect(&mut plan, "spread", "probe.ready-zones(checkout) >= 3", condition, None, weaker);
    guard_rate(&mut plan, "checkout", "98%", "20s");
    let budget = budget(&plan);
    let budget = add_stream(&mut plan, budget);
    let when = GuardWhen::Condition(compare(budget, Comparison::Greater, Value::Percent(percent("2%"))));
    guard(&mut plan, "checkout-availability.budget-spent > 2%", when, None);
    plan.recovery.within = duration("3m");
    let lost = Selector::Zones(pods("checkout"));
    let lost = draw(&mut plan, Some("lost"), Quantity::Exactly(1), lost, "checkout", "one of checkout.zones");
    let mut branches = vec![];
    for app in ["checkout", "ledger"] {
        let there = pods_at(app, None, Some(At::Drawn(lost)));
        let text = format!("all of {app}.pods(zone: lost)");
        let there = draw(&mut plan, None, Quantity::All, there, app, &text);
        let title = "Cuts the targets off from everything.";
        let cut = fault(&mut plan, "network.isolate", title, there, &[], &[EngineName::ChaosMesh]);
        branches.push(inject(cut, "5m"));
    }
    plan.method = vec![step(StepKind::Parallel(branches), at(83))];
    sealed(plan)
}

fn budget(plan: &Plan) -> Stream {
    Stream {
        source: Source::Objective {
            slo: "checkout-availability".into(),
            what: ObjectiveFact::BudgetSpent,
            indicator: Box::new(plan.streams[0].source.clone()),
            indicator_unit: MetricUnit::Ratio,
            objective: percent("99.95%"),
            window: duration("30d"),
        },
        ..stream("checkout-availability.budget-spent", "Percent", MetricUnit::Percent, None)
    }
}

fn production(plan: &mut Plan) {
    plan.place.environment = "production".into();
    plan.place.protected = true;
    plan.place.cluster.name = "jkt-1".into();
    plan.place.cluster.context = "jkt-1".into();
    plan.place.cluster.token = Some("metrics-reader".into());
    plan.place.cluster.off_limits = vec!["observability".into(), "ingress".into()];
    plan.services.get_mut("checkout").unwrap().replicas = Some(6);
    let rule = |policy: &str, text: &str, because: &str, verdict| Rule {
        policy: policy.into(),
        text: text.into(),
        because: because.into(),
        verdict,
        broken_by: std::collections::BTreeMap::new(),
        span: at(90),
    };
    plan.rules = vec![
        rule(
            "production-safety",
            "require experiment.duration <= 15m",
            "fits between two releases",
            RuleVerdict::Holds("10m".into()),
        ),
        rule(
            "production-safety",
            "require experiment.blast-radius <= 34%",
            "one replica of three, or one zone of three",
            RuleVerdict::AtPreflight("how many pods run in the zone is known when it is drawn".into()),
        ),
        rule(
            "production-safety",
            "require experiment.budget-cost <= 5%",
            "customers pay for what we learn",
            RuleVerdict::Broken("27.8%".into()),
        ),
        rule(
            "promote-to-production",
            "require experiment.confirmed-in(staging, within: 14d)",
            "what customers meet has been met before, word for word",
            RuleVerdict::AtPreflight("the store of verdicts is asked".into()),
        ),
    ];
    let open = OpenHours {
        from_day: 1,
        to_day: 4,
        from_minute: 600,
        to_minute: 960,
        zone: "Asia/Jakarta".into(),
        span: at(91),
    };
    let closed = ClosedDays {
        from: "2026-12-18".into(),
        to: "2027-01-03".into(),
        because: "year-end freeze".into(),
        span: at(92),
    };
    plan.hours = vec![Hours { policy: Some("production-safety".into()), only: vec![open], never: vec![closed] }];
    plan.approvals = vec![
        Approval { team: "platform".into(), policy: Some("production-safety".into()), span: at(93) },
        Approval { team: "ledgers".into(), policy: None, span: at(94) },
    ];
}

/// Load around a delay; measured against measured.
pub(super) fn storm() -> Plan {
    let mut plan = empty(
        "checkout-retry-storm",
        "At double load on a slow ledger, checkout sheds instead of retrying without end.",
    );
    plan.learned_from = tour().learned_from;
    let success = add_stream(&mut plan, rate("checkout", "1m"));
    let (calls, load) = (requests("ledger", "1m"), requests("checkout", "1m"));
    let (calls, load) = (add_stream(&mut plan, calls), add_stream(&mut plan, load));
    let condition = compare(success, Comparison::GreaterOrEqual, Value::Percent(percent("99.5%")));
    let weaker = relaxed(success, Comparison::GreaterOrEqual, Value::Percent(percent("95%")), ">= 95%");
    expect(&mut plan, "success", "success-rate(checkout) >= 99.5%", condition, None, weaker);
    let three = Operand::Combine {
        left: Box::new(Operand::Constant(Value::Int(3))),
        op: Arithmetic::Multiply,
        right: Box::new(Operand::Stream(load)),
    };
    let condition = Condition::Compare { left: Operand::Stream(calls), op: Comparison::Less, right: three };
    expect(&mut plan, "calls", "requests(ledger) < 3 * requests(checkout)", condition, None, Phase::Always);
    let watched = add_stream(&mut plan, requests("ledger", "15s"));
    let limit = Value::Rate(Rate(Decimal::from(2000)));
    let when = GuardWhen::Condition(compare(watched, Comparison::Greater, limit));
    guard(&mut plan, "requests(ledger, over: 15s) > 2_000/s", when, Some("10s"));
    plan.recovery.within = duration("2m");
    let urls = Selector::Endpoints(vec!["https://checkout.pay.svc".into()]);
    let urls = draw(&mut plan, None, Quantity::All, urls, "checkout", "all of checkout.endpoints");
    let slow = pods_at("ledger", None, None);
    let slow = draw(&mut plan, None, Quantity::All, slow, "ledger", "all of ledger.pods");
    let double = [("rate", Value::Rate(Rate(Decimal::from(200))))];
    let load = fault(&mut plan, "load.http", "Sends requests to the targets.", urls, &double, &[EngineName::Local]);
    plan.faults.push(network_delay(slow, "1s", at(71)));
    let steps = vec![wait("1m", 84), inject(1, "3m"), wait("2m", 85)];
    plan.method = vec![step(StepKind::With { fault: load, steps }, at(70))];
    sealed(plan)
}

/// Branches, one of them a sequence; a drawn node; no replica count.
pub(super) fn noisy() -> Plan {
    let mut plan = empty(
        "checkout-beside-noisy-batch",
        "Checkout's limits protect it from settlement jobs that run wild on its node.",
    );
    plan.services.insert("settlement".into(), service("ledgers", "settlement", None, &[]));
    let success = add_stream(&mut plan, rate("checkout", "1m"));
    let condition = compare(success, Comparison::GreaterOrEqual, Value::Percent(percent("99.9%")));
    expect(&mut plan, "success", "success-rate(checkout) >= 99.9%", condition, None, Phase::Always);
    let watched = add_stream(&mut plan, p99("checkout"));
    let limit = Value::Duration(duration("2s"));
    let when = GuardWhen::Condition(compare(watched, Comparison::Greater, limit));
    guard(&mut plan, "p99(checkout, over: 30s) > 2s", when, Some("15s"));
    plan.recovery.within = duration("60s");
    let nodes = Selector::Nodes(NodeSelector { holding: Some(pods("checkout")), ..NodeSelector::default() });
    let shared = draw(&mut plan, Some("shared"), Quantity::Exactly(1), nodes, "checkout", "one of checkout.nodes");
    let batch = pods_at("settlement", Some(At::Drawn(shared)), None);
    let text = "all of settlement.pods(node: shared)";
    let batch = draw(&mut plan, Some("batch"), Quantity::All, batch, "settlement", text);
    let cores = [("load", Value::Cores(Cores(Decimal::from(2))))];
    let cpu = fault(&mut plan, "stress.cpu", "Keeps processor cores of the targets busy.", batch, &cores, &BOTH);
    let size = [("size", Value::Bytes(Bytes(512 << 20)))];
    let memory = fault(&mut plan, "stress.memory", "Takes memory in the targets.", batch, &size, &BOTH);
    plan.faults[memory as usize].lost_on_restart = true;
    let sequence = StepKind::Sequence(vec![wait("1m", 86), inject(memory, "3m")]);
    plan.method = vec![step(StepKind::Parallel(vec![inject(cpu, "5m"), step(sequence, at(87))]), at(88))];
    sealed(plan)
}

/// Checks, a `with`, a question, notes; people are expected to step in; one fault cannot be undone.
pub(super) fn disk() -> Plan {
    let doc = "The ledger slows down with its disk, refuses writes when it is full, and loses nothing.";
    let mut plan = empty("ledger-db-disk", doc);
    plan.service = "ledger".into();
    plan.services.insert("ledger-db".into(), service("ledgers", "ledger-db", None, &[]));
    let (success, books) = (add_stream(&mut plan, rate("ledger", "1m")), add_stream(&mut plan, unbooked()));
    let condition = compare(success, Comparison::GreaterOrEqual, Value::Percent(percent("99.5%")));
    expect(&mut plan, "success", "success-rate(ledger) >= 99.5%", condition, None, Phase::ExceptDuringFaults);
    let when = GuardWhen::Condition(compare(books, Comparison::Greater, Value::Int(10_000)));
    guard(&mut plan, "unbooked(ledger) > 10_000", when, None);
    plan.recovery.class = RecoveryClass::Manual;
    plan.recovery.within = duration("10m");
    let mut primary = pods("ledger-db");
    primary.labels.push(("role".into(), "primary".into()));
    let text = "all of ledger-db.pods(labels: { role: \"primary\" })";
    let primary = draw(&mut plan, Some("primary"), Quantity::All, Selector::Pods(primary), "ledger-db", text);
    let path = ("path", Value::String("/var/lib/postgresql".into()));
    let slow = [path.clone(), ("latency", Value::Duration(duration("100ms")))];
    let slow = fault(&mut plan, "disk.slow", "Delays reads and writes under a path.", primary, &slow, &BOTH);
    let full = fault(&mut plan, "disk.full", "Fills the disk under a path.", primary, &[path], &[EngineName::Litmus]);
    plan.faults[full as usize].irreversible = Some("what the database could not write is lost".to_owned());
    let few = compare(books, Comparison::Less, Value::Int(100));
    let low = compare(success, Comparison::Less, Value::Percent(percent("50%")));
    let ask = StepKind::Ask {
        who: "ledgers".into(),
        question: "Does the dashboard name the disk as the cause?".to_owned(),
        within: duration("5m"),
    };
    let note = StepKind::Note { who: None, text: "The disk is full now.".to_owned(), within: None };
    let words = StepKind::Note {
        who: Some("ledgers".into()),
        text: "What showed it first?".to_owned(),
        within: Some(duration("10m")),
    };
    plan.method = vec![
        inject(slow, "3m"),
        check("settled", "unbooked(ledger) < 100", few, Some("2m"), 95),
        step(
            StepKind::With {
                fault: full,
                steps: vec![
                    step(note, at(96)),
                    check("refused", "success-rate(ledger) < 50%", low, None, 97),
                    step(ask, at(98)),
                ],
            },
            at(71),
        ),
        step(words, at(99)),
    ];
    sealed(plan)
}

/// Only an instant fault; made from a scenario; repeated by a `verify`.
pub(super) fn weekly() -> Plan {
    let doc = "A service does not notice that one of its pods is gone.";
    let mut plan = empty("weekly-replica-loss--loses-one-replica--ledger", doc);
    plan.service = "ledger".into();
    let back = entry("back-in", Value::Duration(duration("60s")));
    let subject = entry("subject", Value::Declared("ledger".into()));
    plan.made_from = Some(MadeFrom { scenario: "loses-one-replica".into(), arguments: vec![subject, back] });
    plan.schedule = Some(Schedule {
        verify: "weekly-replica-loss".into(),
        cron: "0 2 * * mon".into(),
        zone: "Asia/Jakarta".into(),
        fresh_for: Some(duration("14d")),
        among_others: false,
        drawn: None,
        span: at(45),
    });
    let success = add_stream(&mut plan, rate("ledger", "1m"));
    let condition = compare(success, Comparison::GreaterOrEqual, Value::Percent(percent("99.9%")));
    expect(&mut plan, "success", "success-rate(ledger) >= 99.9%", condition, Some("10s"), Phase::Always);
    guard_rate(&mut plan, "ledger", "95%", "15s");
    plan.recovery.within = duration("60s");
    let one = pods_at("ledger", None, None);
    let one = draw(&mut plan, None, Quantity::Exactly(1), one, "ledger", "one of ledger.pods");
    plan.faults.push(pod_kill(one, at(70)));
    plan.method = vec![step(StepKind::Inject { fault: 0, lasts: None }, at(70))];
    sealed(plan)
}

/// A clock that is wrong; nobody knows how it recovers; the same broker killed in many rounds.
pub(super) fn rounds() -> Plan {
    let mut plan = empty("token-clock-and-rounds", "Twelve kills, then a clock that is behind.");
    plan.recovery.class = RecoveryClass::Unknown;
    for number in 1..=12u32 {
        let one = pods_at("ledger", None, None);
        let one = draw(&mut plan, None, Quantity::Exactly(1), one, "ledger", "one of ledger.pods");
        let line = 70 + number;
        plan.faults.push(pod_kill(one, at(line)));
        let kill = StepKind::Inject { fault: number - 1, lasts: None };
        let steps = vec![step(kill, at(71)), wait("2m", 72)];
        let kind = StepKind::Round { title: format!("turn = {number}"), number, of: 12, steps };
        plan.method.push(step(kind, at(73)));
    }
    let all = pods_at("checkout", None, None);
    let half = Quantity::Share(percent("25%"));
    let all = draw(&mut plan, None, half, all, "checkout", "25% of checkout.pods");
    let by = [("by", Value::Offset(Offset::new(duration("5m"), true)))];
    let skew = fault(&mut plan, "clock.skew", "Moves the clock that the targets see.", all, &by, &[]);
    plan.method.push(inject(skew, "5m"));
    sealed(plan)
}

/// Every example with its name.
pub(super) fn all() -> Vec<(&'static str, Plan)> {
    vec![
        ("tour", tour()),
        ("partition", partition()),
        ("ramp", ramp()),
        ("zone", zone()),
        ("storm", storm()),
        ("noisy", noisy()),
        ("disk", disk()),
        ("weekly", weekly()),
        ("rounds", rounds()),
    ]
}
