//! Conflicts, self-harm, other teams, blast radius, restarts.

use super::*;

fn selector(plan: &mut Plan, draw: usize) -> &mut PodSelector {
    match &mut plan.draws[draw].selector {
        Selector::Pods(pods) => pods,
        _ => panic!(),
    }
}

/// The delay on `slow`, and beside it a delay on another draw.
fn two_delays(plan: &mut Plan, second: u32) {
    plan.faults[2].target = second;
    let branch =
        |fault: u32| sample::step(StepKind::Inject { fault, lasts: Some(duration("5m")) }, at(16 + 4 * (fault / 2)));
    plan.method = vec![sample::step(StepKind::Parallel(vec![branch(0), branch(2)]), at(15))];
}

#[test]
fn two_faults_of_one_mechanism() {
    let found = finds_one(Code::CONFLICT, |p| two_delays(p, 0));
    assert_eq!((found.span, found.labels[0].span), (at(20), at(16)));
    let found = finds_one(Code::CONFLICT, |p| two_delays(p, 1));
    // In a cluster each engine draws for itself, and `except` would be refused.
    assert!(found.help.unwrap().contains("narrow both by labels"));
    clean(|p| {
        two_delays(p, 1);
        selector(p, 1).except = vec![0];
    });
    clean(|p| {
        two_delays(p, 0);
        p.faults[2].mechanism = "clock".into();
    });
    // The engine's body says otherwise.
    clean(|p| {
        two_delays(p, 0);
        let Some(Body::Expressed(body)) = p.faults[2].bodies.get_mut(&EngineName::ChaosMesh) else { panic!() };
        body.push(sample::entry("mechanism", Value::String("proxy".into())));
    });
    // … and a native compilation for the other engine is another matter.
    let mut plan = tour();
    two_delays(&mut plan, 0);
    let Some(Body::Expressed(body)) = plan.faults[2].bodies.get_mut(&EngineName::ChaosMesh) else { panic!() };
    body.push(sample::entry("mechanism", Value::String("proxy".into())));
    let timeline = crate::analysis::timeline::timeline(&plan);
    let in_engine = |engine| crate::analysis::conflicts_for(&plan, &timeline, engine).len();
    assert_eq!((in_engine(EngineName::ChaosMesh), in_engine(EngineName::Litmus)), (0, 1));
    finds_one(Code::POSSIBLE_CONFLICT, |p| {
        two_delays(p, 1);
        p.draws[1].service = Some("checkout".into());
        selector(p, 1).labels = vec![("tier".into(), "front".into())];
    });
}

#[test]
fn faults_meet_only_at_the_same_time() {
    // One after the other in a branch, and in branches that never overlap.
    clean(|p| {
        p.faults[2].target = 0;
        let late = StepKind::Sequence(vec![
            sample::step(StepKind::Wait(duration("6m")), at(17)),
            sample::step(StepKind::Inject { fault: 2, lasts: Some(duration("2m")) }, at(20)),
        ]);
        let early = StepKind::Inject { fault: 0, lasts: Some(duration("3m")) };
        p.method = vec![sample::step(
            StepKind::Parallel(vec![sample::step(early, at(16)), sample::step(late, at(17))]),
            at(15),
        )];
    });
    finds(Code::CONFLICT, |p| {
        let inner = sample::step(StepKind::Inject { fault: 2, lasts: Some(duration("2m")) }, at(20));
        let wait = sample::step(StepKind::Wait(duration("3m")), at(17));
        p.method = vec![sample::step(StepKind::With { fault: 0, steps: vec![wait, inner] }, at(16))];
    });
}

#[test]
fn a_peer_is_hit_where_packets_from_it_are_changed() {
    let partition = |p: &mut Plan, direction: &str| {
        two_delays(p, 1);
        // Checkout's pods, cut from the ledger's.
        p.draws.push(Draw {
            name: None,
            quantity: Quantity::Exactly(1),
            selector: Selector::Pods(sample::pods("checkout")),
            service: Some("checkout".into()),
            text: "one of checkout.pods".into(),
            span: at(15),
        });
        p.faults[2].target = 2;
        for argument in &mut p.faults[2].arguments {
            match argument.key.as_str() {
                "direction" => argument.value = Value::Word(direction.into()),
                "peer" => argument.value = Value::Draw(0),
                _ => {}
            }
        }
    };
    clean(|p| partition(p, "outgoing"));
    finds_one(Code::CONFLICT, |p| partition(p, "both"));
}

#[test]
fn what_must_not_be_hit() {
    for namespace in ["kube-system", "litmus", "chaos", "ingress"] {
        let found = finds(Code::PROTECTED_NAMESPACE, |p| {
            p.place.cluster.off_limits = vec!["ingress".into()];
            selector(p, 0).namespaces = vec![namespace.into()];
            selector(p, 1).namespaces = vec![namespace.into()];
        });
        assert_eq!(found.len(), 3, "each fault");
        assert!(found[0].message.contains(namespace));
    }
    let wide = |p: &mut Plan, quantity: Quantity| {
        p.draws[0].quantity = quantity;
        p.draws[0].service = None;
        selector(p, 0).labels.clear();
    };
    finds_one(Code::WHOLE_NAMESPACE, |p| wide(p, Quantity::All));
    finds_one(Code::WHOLE_NAMESPACE, |p| wide(p, Quantity::Share(percent("50%"))));
    clean(|p| wide(p, Quantity::Exactly(1)));
    clean(|p| {
        wide(p, Quantity::All);
        selector(p, 0).zone = Some(At::Named("a".into()));
    });
    finds_one(Code::WITHOUT_NAMESPACE, |p| selector(p, 0).namespaces.clear());
    let nodes = |p: &mut Plan, labels: Vec<(&str, &str)>| {
        let labels = labels.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        let holding = Some(sample::pods("ledger"));
        p.draws[1].selector = Selector::Nodes(NodeSelector { labels, holding, ..NodeSelector::default() });
    };
    finds_one(Code::NODE_MAY_HOLD_ENGINE, |p| nodes(p, vec![]));
    clean(|p| nodes(p, vec![("pool", "apps")]));
    finds_one(Code::NODE_MAY_HOLD_ENGINE, |p| p.draws[1].selector = Selector::Zones(sample::pods("ledger")));
    // Perturb itself, through the API, does not run there.
    clean(|p| {
        nodes(p, vec![]);
        p.place.cluster.engines.push(EngineName::Kubernetes);
        let body = p.faults[1].bodies.remove(&EngineName::ChaosMesh).unwrap();
        p.faults[1].bodies.clear();
        p.faults[1].bodies.insert(EngineName::Kubernetes, body.clone());
        for fault in &mut p.faults {
            fault.bodies.insert(EngineName::Kubernetes, body.clone());
        }
    });
}

#[test]
fn selectors_that_kubernetes_cannot_read() {
    finds_one(Code::BAD_SELECTOR, |p| selector(p, 0).labels.push(("app name".into(), "x".into())));
    finds_one(Code::BAD_SELECTOR, |p| selector(p, 0).labels.push(("role".into(), "primary!".into())));
    finds_one(Code::BAD_SELECTOR, |p| selector(p, 0).names = vec!["Ledger_0".into()]);
    finds_one(Code::BAD_SELECTOR, |p| selector(p, 0).node = Some(At::Named("node/1".into())));
    let found = finds_one(Code::BAD_SELECTOR, |p| selector(p, 0).namespaces = vec!["Pay".into()]);
    assert!(found.message.contains("lower-case"), "{}", found.message);
}

#[test]
fn other_teams() {
    let found = finds_one(Code::OTHER_TEAM, |p| p.approvals.clear());
    assert_eq!((found.span, found.labels.len()), (at(16), 3));
    finds_one(Code::OTHER_TEAM_PROTECTED, |p| {
        p.approvals.clear();
        p.place.protected = true;
    });
    // A draw of the same pods by hand is the same service.
    finds_one(Code::OTHER_TEAM, |p| {
        p.approvals.clear();
        p.draws.iter_mut().for_each(|d| d.service = None);
    });
    let unrelated = |p: &mut Plan| {
        p.services.get_mut("checkout").unwrap().depends_on.clear();
    };
    // Said once, with the other steps that hit it.
    let found = finds_one(Code::UNRELATED_SERVICE, unrelated);
    assert_eq!(found.labels.iter().filter(|l| l.text.starts_with("hits ")).count(), 2, "{found:?}");
    // What is measured is reason enough, and so is a shared node.
    clean(|p| {
        unrelated(p);
        p.streams[1].service = Some("ledger".into());
    });
    clean(|p| {
        unrelated(p);
        selector(p, 0).node = Some(At::Drawn(1));
        selector(p, 1).node = Some(At::Named("n1".into()));
    });
}

#[test]
fn the_blast_radius_is_what_was_written() {
    let found = finds_one(Code::MORE_THAN_THERE, |p| p.draws[1].quantity = Quantity::Exactly(4));
    assert!(found.message.contains("3 replicas"));
    let found = finds_one(Code::SHARE_LARGER, |p| p.draws[0].quantity = Quantity::Share(percent("10%")));
    assert!(found.message.contains("33.3%"), "{}", found.message);
    clean(|p| p.draws[0].quantity = Quantity::Share(percent("25%")));
    clean(|p| {
        p.draws[0].quantity = Quantity::Share(percent("10%"));
        p.services.get_mut("ledger").unwrap().replicas = None;
    });
    clean(|p| p.draws[0].quantity = Quantity::All);
    // A peer of which packets are changed counts for the radius, and still serves others.
    clean(|p| {
        p.place.protected = true;
        p.draws[0].quantity = Quantity::All;
        p.draws[0].service = Some("ledger".into());
        let one = Draw {
            service: Some("checkout".into()),
            selector: Selector::Pods(sample::pods("checkout")),
            ..p.draws[1].clone()
        };
        p.draws.push(one);
        only(p, 0, Some("5m"));
        p.faults[0].target = 2;
        for argument in &mut p.faults[0].arguments {
            match argument.key.as_str() {
                "direction" => argument.value = Value::Word("both".into()),
                "peer" => argument.value = Value::Draw(0),
                _ => {}
            }
        }
    });
    finds(Code::WHOLE_CRITICAL, |p| {
        p.draws[0].quantity = Quantity::All;
        p.place.protected = true;
    });
}

#[test]
fn a_fault_that_a_restart_takes_away() {
    let found = finds_one(Code::LOST_ON_RESTART, |p| p.faults[0].lost_on_restart = true);
    assert_eq!((found.span, found.labels[0].span), (at(16), at(18)));
    let found = finds_one(Code::LOST_ON_RESTART, |p| {
        p.faults[0].lost_on_restart = true;
        p.faults[1].mechanism = "memory".into();
    });
    assert!(found.message.contains("memory limit"));
    clean(|p| {
        p.faults[0].lost_on_restart = true;
        selector(p, 1).except = vec![0];
    });
}
