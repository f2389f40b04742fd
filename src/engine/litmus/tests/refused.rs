//! What Litmus cannot say is an error with its reason, and nothing is emitted beside it.

use super::*;
use crate::plan::sample::{compare, pods};
use crate::plan::{
    Comparison, Condition, HttpAnswer, NodeSelector, PodSelector, Quantity, Selector, SentHeader, SentText, Source,
};

fn with_selector(selector: Selector, quantity: Quantity) -> Emitted {
    let mut plan = single();
    plan.draws[0].selector = selector;
    plan.draws[0].quantity = quantity;
    emitted(&plan)
}

#[test]
fn a_fault_without_a_body_names_the_engines_that_can() {
    let mut plan = single();
    plan.faults[2].bodies.remove(&EngineName::Litmus);
    let emitted = emitted(&plan);
    assert_eq!(emitted.error("P0650"), "Litmus cannot do `network.delay`: it has no `engine litmus` body");
    assert!(emitted.report.diagnostics[0].help.as_ref().unwrap().starts_with("Chaos Mesh has this fault"));
    plan.faults[2].bodies.insert(
        EngineName::Litmus,
        Body::Refused { construct: "direction: both".into(), reason: "Litmus delays only what leaves the pod".into() },
    );
    assert!(super::emitted(&plan).error("P0650").contains("with `direction: both`"));
}

#[test]
fn several_labels_would_be_an_or() {
    let several = PodSelector { labels: vec![("app".into(), "a".into()), ("tier".into(), "b".into())], ..pods("x") };
    assert!(with_selector(Selector::Pods(several), Quantity::Exactly(1)).error("P0651").contains("*or*"));
}

#[test]
fn targets_that_another_draw_decides() {
    for selector in [
        PodSelector { except: vec![1], ..pods("ledger") },
        PodSelector { zone: Some(crate::plan::At::Drawn(1)), ..pods("ledger") },
        PodSelector { node: Some(crate::plan::At::Named("n1".into())), ..pods("ledger") },
        PodSelector { namespaces: vec!["a".into(), "b".into()], ..pods("ledger") },
    ] {
        with_selector(Selector::Pods(selector), Quantity::Exactly(1)).error("P0651");
    }
    with_selector(Selector::Zones(pods("ledger")), Quantity::Exactly(1)).error("P0651");
    with_selector(Selector::Workloads(pods("ledger")), Quantity::All).error("P0651");
    with_selector(Selector::Endpoints(vec!["http://a".into()]), Quantity::All).error("P0651");
    with_selector(Selector::Nodes(NodeSelector::default()), Quantity::Exactly(1)).error("P0651");
}

#[test]
fn a_fault_that_reads_the_first_label_is_not_given_names() {
    let mut plan = single();
    set(&mut plan.faults[2], "access", Value::Word("network-policies".into()));
    plan.draws[0].quantity = Quantity::All;
    plan.draws[0].selector =
        Selector::Pods(PodSelector { labels: vec![], names: vec!["ledger-0".into()], ..pods("ledger") });
    assert!(emitted(&plan).error("P0651").contains("crashes without one"));
    plan.draws[0].selector = Selector::Pods(pods("ledger"));
    emitted(&plan).sound();
    plan.draws[0].quantity = Quantity::Exactly(1);
    assert!(emitted(&plan).error("P0652").contains("every pod with the label"));
}

#[test]
fn counts_that_no_percentage_gives() {
    let selector = || Selector::Pods(pods("ledger"));
    assert!(with_selector(selector(), Quantity::Exactly(4)).error("P0652").contains("hit every one"));
    let mut plan = single();
    plan.services.get_mut("ledger").unwrap().replicas = None;
    plan.draws[0].quantity = Quantity::Exactly(2);
    assert!(emitted(&plan).error("P0652").contains("give the service `replicas`"));
    plan.draws[0].quantity = Quantity::Share("12.5%".parse().unwrap());
    assert!(emitted(&plan).error("P0652").contains("write 12% or 13%"));
}

#[test]
fn two_of_three_is_a_percentage_and_is_said() {
    let emitted = with_selector(Selector::Pods(pods("ledger")), Quantity::Exactly(2)).sound();
    assert_eq!(variable(&emitted.engines()[0], "PODS_AFFECTED_PERC").unwrap(), "67");
    assert!(emitted.report.approximations.iter().any(|a| a.what == "count"));
    assert_eq!((emitted.report.counts[0].language, emitted.report.counts[0].engine), (2, 2));
}

#[test]
fn named_pods_are_all_hit() {
    let names = |names: &[&str]| {
        let names = names.iter().map(|n| (*n).into()).collect();
        Selector::Pods(PodSelector { labels: vec![], names, ..pods("ledger") })
    };
    let emitted = with_selector(names(&["ledger-0", "ledger-1"]), Quantity::All).sound();
    let engine = &emitted.engines()[0];
    assert_eq!(engine["spec"]["selectors"]["pods"][0]["names"], "ledger-0,ledger-1");
    with_selector(names(&["ledger-0", "ledger-1"]), Quantity::Exactly(1)).error("P0652");
}

#[test]
fn a_bare_quantity_would_be_read_as_zero() {
    let mut plan = single();
    set_env(&mut plan, 2, "JITTER", Value::Duration("50ms".parse().unwrap()));
    assert!(emitted(&plan).error("P0653").contains("Litmus reads `50ms` as 0"));
}

#[test]
fn a_body_sets_nothing_of_ours_and_no_unknown_field() {
    for name in ["TOTAL_CHAOS_DURATION", "TARGETS", "INSTANCE_ID", "RAMP_TIME", "lower-case"] {
        let mut plan = single();
        set_env(&mut plan, 2, name, Value::Int(1));
        emitted(&plan).error("P0656");
    }
    let mut plan = single();
    set(&mut plan.faults[2], "imag", Value::String("x".into()));
    let emitted = emitted(&plan);
    emitted.error("P0656");
    assert_eq!(emitted.report.diagnostics[0].help.as_deref(), Some("did you mean `image`?"));
}

#[test]
fn a_body_says_what_it_may_touch_and_a_private_one_its_image() {
    let mut plan = crate::plan::sample::tour();
    plan.method = single().method;
    assert!(emitted(&plan).error("P0656").contains("may touch"));
    let mut plan = single();
    set(&mut plan.faults[2], "hub", Value::String("payments-hub".into()));
    assert!(emitted(&plan).error("P0656").contains("names no `image`"));
}

fn expecting(condition: Condition) -> Emitted {
    let mut plan = single();
    plan.expectations.truncate(1);
    plan.expectations[0].condition = condition;
    emitted(&plan)
}

#[test]
fn conditions_over_several_streams() {
    let one = || compare(0, Comparison::GreaterOrEqual, Value::Percent("99%".parse().unwrap()));
    let other = || compare(1, Comparison::Less, Value::Duration("1s".parse().unwrap()));
    assert!(expecting(Condition::Any(vec![one(), other()])).error("P0654").contains("one of several"));
    // All of them are two probes side by side …
    let both = expecting(Condition::All(vec![one(), other()])).sound();
    assert!(probes(&both.engines()[0]).iter().any(|p| p["name"] == "success-2"));
    // … unless a time is measured for them together.
    let mut plan = single();
    plan.expectations[0].condition = Condition::All(vec![one(), other()]);
    plan.expectations[0].within = Some("10s".parse().unwrap());
    assert!(emitted(&plan).error("P0654").contains("time"));
    assert!(expecting(Condition::Constant(true)).error("P0654").contains("nothing is measured"));
}

#[test]
fn sources_that_litmus_has_no_probe_for() {
    let tls = Source::Tls { url: "https://checkout.example".into() };
    let json = Source::Json { url: "http://a".into(), pointer: "/x".into(), token: None, headers: Vec::new() };
    let http = |url: &str, answer| Source::Http { url: url.into(), answer, token: None, headers: Vec::new() };
    let time = http("http://a", HttpAnswer::Time);
    let body = http("http://a", HttpAnswer::Body { pattern: "up".into() });
    let header = http("http://a", HttpAnswer::Header { name: "age".into(), pattern: None });
    let template = http("http://a/{{x}}", HttpAnswer::Status);
    let guarded = Source::Http {
        url: "http://a".into(),
        answer: HttpAnswer::Status,
        token: Some("t".into()),
        headers: Vec::new(),
    };
    let sent = SentHeader { name: "accept".into(), value: SentText::Text("text/html".into()) };
    let with_header =
        Source::Http { url: "http://a".into(), answer: HttpAnswer::Status, token: None, headers: vec![sent] };
    for source in [tls, json, time, body, header, template, guarded, with_header] {
        let mut plan = single();
        plan.streams[0].source = source;
        emitted(&plan).error("P0654");
    }
    let mut plan = single();
    plan.place.cluster.token = Some("metrics-reader".into());
    let emitted = emitted(&plan);
    assert!(emitted.codes().iter().all(|c| c == "P0654") && !emitted.codes().is_empty());
    assert!(emitted.report.diagnostics[0].message.contains("wants a token"));
}

#[test]
fn people_are_not_asked_by_a_workflow() {
    let mut plan = tour();
    let within = "5m".parse().unwrap();
    plan.method.push(step(StepKind::Ask { who: "platform".into(), question: "go on?".into(), within }, at(25)));
    assert!(emitted(&plan).error("P0655").contains("a question to `platform`"));
}

#[test]
fn an_expectation_of_no_engine() {
    let mut plan = single();
    plan.expectations[2].within = Some("10m".parse().unwrap());
    assert!(emitted(&plan).error("P0654").contains("long enough"));
}

#[test]
fn every_error_is_said_at_once() {
    let mut plan = tour();
    plan.faults[0].bodies.remove(&EngineName::Litmus);
    plan.streams[1].source = Source::Tls { url: "https://a".into() };
    let emitted = emitted(&plan);
    assert_eq!(emitted.codes(), ["P0654", "P0650"], "in the order of the text");
}

#[test]
fn measurements_of_one_unit_are_combined_by_prometheus() {
    use crate::plan::{Arithmetic, Operand};
    let three_times = Operand::Combine {
        left: Box::new(Operand::Constant(Value::Int(3))),
        op: Arithmetic::Multiply,
        right: Box::new(Operand::Stream(3)),
    };
    let condition = |right: Operand| Condition::Compare { left: Operand::Stream(0), op: Comparison::Less, right };
    let emitted = expecting(condition(three_times)).sound();
    let inputs = probe(&emitted.engines()[0], "success")["promProbe/inputs"].clone();
    assert_eq!(
        inputs["query"],
        r#"(sum(rate(http_requests_total{app=\"checkout\"}[1m]))) - (3 * (sum(rate(http_requests_total{app=\"checkout\"}[15s]))))"#
    );
    assert_eq!(inputs["comparator"], serde_json::json!({ "criteria": "<", "value": "0" }));
    // A latency and a share have no difference.
    expecting(condition(Operand::Stream(1))).error("P0654");
}
