//! The unifier on a fault that has every form of a body.

use super::*;
use crate::check::{Checked, check};
use crate::plan::EngineName;
use crate::source::{FileId, Memory};
use proptest::prelude::*;

const FAULT: &str = r#"
fault everything(on: Pods, wait: Duration in 1ms..60s, share: Percent = 0%, way: out | back = out, load: Cores = 1cores,
                 hosts: [Host] = [], name: String? = none, rate: Bitrate = 8kbit/s, peer: Pods? = none) {
  effect: lasting, mechanism: "test"
  engine chaos-mesh {
    kind: "NetworkChaos"
    spec: {
      action: "delay", delay: { latency: wait, correlation: share }
      direction: match way { out: "to", back: "from" }
      workers: ceil(load as cores), load: ceil(load as cores / ceil(load as cores) * 100)
      hosts: join(hosts, with: ","), label: name, rate: "${rate as bit-per-s}bit", target: peer
      buffer: ceil(max([1_000, rate as bit-per-s / 8]))
    }
    forbid way == back and peer == none because "it needs the peer"
  }
}
"#;

fn checked() -> Checked {
    let checked = check(&Memory::new([("fault.chaos", FAULT)]), &["fault.chaos".to_owned()]);
    assert!(checked.diagnostics.is_empty(), "{:?}", checked.diagnostics);
    checked
}

fn solve(checked: &Checked, yaml: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let documents = super::super::yaml::read(FileId(0), yaml, &mut found);
    assert!(found.is_empty(), "{yaml}: {found:?}");
    let (id, item) = checked.program.own_decls().next().unwrap();
    let crate::check::program::ItemKind::Fault(fault) = &item.kind else { panic!("no fault") };
    let body = fault.engines.iter().find(|b| b.engine.text == EngineName::ChaosMesh.text()).unwrap();
    let pattern = Pattern { id, body, key: "kind" };
    let mut ev = Evaluator::new(&checked.program, None);
    let argument = |(name, value): &(SmolStr, Argument)| match value {
        Argument::Value(value) => format!("{name}: {value}"),
        Argument::Target(_) => format!("{name}: a target"),
    };
    unify(&mut ev, pattern, "NetworkChaos", &[("spec", &documents[0].root)])
        .map(|solved| solved.arguments.iter().map(argument).collect())
        .map_err(|miss| miss.why)
}

const REST: &str = "workers: 1, load: 100, rate: 8000bit, buffer: 1000";

#[test]
fn each_form_is_turned_round() {
    let checked = checked();
    let spec = |more: &str| format!("{{action: delay, direction: to, delay: {{latency: 1m0.5s}}, {more}}}");
    let solve = |more: &str| solve(&checked, &spec(more));
    assert_eq!(solve(REST).unwrap_err(), "`wait` would be 1m500ms, and it takes 1ms..1m");
    let solve = |text: &str| super::tests::solve(&checked, text);
    let whole = "{action: delay, direction: from, delay: {latency: 90ms, correlation: '25.0'}, workers: 2, load: 75, \
                 hosts: 'a.example,10.0.0.0/8', label: x, rate: 16000bit, buffer: 2000, target: {mode: one}}";
    let found = solve(whole).unwrap();
    let wanted = [
        "wait: 90ms",
        "share: 25%",
        "way: back",
        "load: 1.5cores",
        "hosts: [\"a.example\", \"10.0.0.0/8\"]",
        "name: \"x\"",
        "rate: 16kbit/s",
        "peer: a target",
    ];
    assert_eq!(found, wanted);
    // Defaults are not said.
    let bare = format!("{{action: delay, direction: to, delay: {{latency: 90ms}}, {REST}}}");
    assert_eq!(solve(&bare).unwrap(), ["wait: 90ms"]);
}

#[test]
fn what_does_not_fit_is_said_where_it_is() {
    let checked = checked();
    let solve = |text: &str| solve(&checked, text).unwrap_err();
    let of = |more: &str| format!("{{action: delay, direction: to, delay: {{latency: 90ms}}, {more}}}");
    assert_eq!(solve("{action: loss}"), "`loss` is not `delay`");
    assert_eq!(solve(&of(&format!("{REST}, device: eth0"))), "no parameter says `device`");
    assert!(
        solve(&of("workers: 1, load: 100, rate: 8000bit, buffer: 999")).starts_with("no arguments give this value")
    );
    assert!(
        solve(&of("workers: 2, load: 40, rate: 8000bit, buffer: 1000")).contains("together with the other numbers")
    );
    assert!(solve(&of(&format!("{REST}, hosts: 'a b'"))).contains("not a host"));
    assert!(solve(&of(REST).replace("to,", "from,")).contains("it needs the peer"));
    assert!(solve(&of(REST).replace("to,", "both,")).contains("no word of `way`"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_load_comes_back_as_one_that_gives_the_same(hundredths in 1u32..25_600) {
        let checked = checked();
        let load = crate::types::Decimal::new(i64::from(hundredths), 2);
        let workers = load.ceil();
        let share = (load / workers * crate::types::Decimal::ONE_HUNDRED).ceil();
        let spec = format!(
            "{{action: delay, direction: to, delay: {{latency: 90ms}}, workers: {workers}, load: {share}, rate: 8000bit, buffer: 1000}}"
        );
        // Forwards it was compared with the manifest, so finding one is enough.
        prop_assert!(solve(&checked, &spec).is_ok(), "{}", spec);
    }
}
