//! Engines, names, the catalogue.

use std::collections::BTreeMap;

use super::*;
use crate::analysis::portability::{engine_of, engines_that_can};
use crate::analysis::{KnownIncident, LONGEST_NAME, analyse_catalogue};

#[test]
fn the_engine_is_the_first_that_can() {
    let mut plan = tour();
    assert_eq!(engine_of(&plan, &plan.faults[0]), Ok(EngineName::ChaosMesh));
    plan.place.cluster.engines = vec![EngineName::Toxiproxy, EngineName::Litmus];
    assert_eq!(engine_of(&plan, &plan.faults[0]), Ok(EngineName::Litmus));
    assert_eq!(engines_that_can(&plan.faults[0]), [EngineName::ChaosMesh, EngineName::Litmus]);
    plan.place.cluster.engines = vec![EngineName::Toxiproxy];
    let reasons = engine_of(&plan, &plan.faults[0]).unwrap_err();
    assert_eq!(reasons, [(EngineName::Toxiproxy, "`network.delay` has no body for it".to_owned())]);
}

fn refused() -> Body {
    Body::Refused { construct: "direction: both".into(), reason: "Litmus delays what leaves the pod only".into() }
}

#[test]
fn a_fault_that_no_engine_can_do() {
    let found = finds(Code::NO_ENGINE, |p| {
        p.place.cluster.engines = vec![EngineName::Local, EngineName::Litmus];
        for fault in &mut p.faults {
            fault.bodies.insert(EngineName::Litmus, refused());
        }
    });
    let (why, help) = (found[0].why.as_deref().unwrap(), found[0].help.as_deref().unwrap());
    assert_eq!(found.len(), 3);
    assert!(why.contains("Litmus delays what leaves the pod only") && why.contains("no body"), "{why}");
    assert!(help.contains("`direction: both`") && help.contains("Chaos Mesh"), "{help}");
}

#[test]
fn an_experiment_that_needs_two_engines() {
    let found = finds_one(Code::TWO_ENGINES, |p| {
        p.faults[0].bodies.insert(EngineName::Litmus, refused());
        p.faults[1].bodies.insert(EngineName::ChaosMesh, refused());
    });
    assert_eq!((found.span, found.labels[0].span), (at(18), at(16)));
    // Litmus could do all, though Chaos Mesh is preferred.
    clean(|p| {
        p.faults[1].bodies.insert(EngineName::ChaosMesh, refused());
    });
}

#[test]
fn names() {
    clean(|p| p.name = "a".repeat(LONGEST_NAME).into());
    finds_one(Code::NAME_TOO_LONG, |p| p.name = "a".repeat(LONGEST_NAME + 1).into());
    finds_one(Code::NAME_NOT_FOR_KUBERNETES, |p| p.name = "Checkout".into());
    let instance = |p: &mut Plan, verify: &str| {
        p.name = format!("{verify}--loses-one-replica--a-service-with-a-long-name").into();
        p.schedule = Some(Schedule {
            verify: verify.into(),
            cron: "0 10 * * tue".into(),
            zone: "UTC".into(),
            fresh_for: None,
            among_others: false,
            drawn: None,
            span: at(40),
        });
    };
    clean(|p| instance(p, "weekly"));
    finds_one(Code::NAME_TOO_LONG, |p| instance(p, &"w".repeat(LONGEST_NAME + 1)));
    finds_one(Code::NAME_TOO_LONG, |p| {
        let StepKind::With { steps, .. } = &mut p.method[0].kind else { panic!() };
        let StepKind::Check { name, .. } = &mut steps[2].kind else { panic!() };
        *name = "c".repeat(60).into();
    });
}

#[test]
fn incidents_want_to_be_learned_from() {
    let incident =
        |name: &str, n: u32| KnownIncident { name: name.into(), services: vec!["ledger".into()], span: at(n) };
    let known = [incident("pm-2022-031", 1), incident("pm-2023-007", 2)];
    let found = analyse_catalogue(&known, [&tour()]);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].code, found[0].span), (Code::INCIDENT_NOT_LEARNED_FROM, at(2)));
    assert_eq!(analyse_catalogue(&known, []).len(), 2);
}

#[test]
fn an_index_that_points_nowhere_is_no_panic() {
    let mut plan = tour();
    plan.draws.clear();
    plan.streams.clear();
    plan.services = BTreeMap::new();
    let _ = analyse(&plan);
    plan.faults.clear();
    let _ = analyse(&plan);
}
