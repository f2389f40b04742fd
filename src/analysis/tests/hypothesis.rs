//! Expectations, checks, guards, windows, sources.

use super::*;
use crate::types::Decimal;

#[test]
fn an_expectation_that_cannot_fail() {
    let found = finds_one(Code::CANNOT_FAIL, |p| p.expectations[0].condition = at_least(0, "0%"));
    assert_eq!(found.span, at(10));
    finds(Code::CANNOT_FAIL, |p| {
        p.expectations[0].condition = sample::compare(0, Comparison::LessOrEqual, Value::Percent(percent("100%")));
    });
    finds(Code::CANNOT_FAIL, |p| p.expectations[0].condition = Condition::Constant(true));
    // `x == x`
    finds(Code::CANNOT_FAIL, |p| {
        p.expectations[0].condition =
            Condition::Compare { left: Operand::Stream(0), op: Comparison::Equal, right: Operand::Stream(0) };
    });
    // `x < 5% or x >= 1%`
    finds(Code::CANNOT_FAIL, |p| {
        let below = sample::compare(0, Comparison::Less, Value::Percent(percent("5%")));
        p.expectations[0].condition = Condition::Any(vec![below, at_least(0, "1%")]);
    });
    // a bound during faults that is always met
    let found = finds_one(Code::CANNOT_FAIL, |p| {
        p.expectations[0].phase = Phase::Relaxed { condition: at_least(0, "0%"), text: ">= 0%".into() };
    });
    assert!(found.fixes.is_empty(), "a plan knows values, not the words that the text has for them");
    // a check
    finds(Code::CANNOT_FAIL, |p| {
        let StepKind::With { steps, .. } = &mut p.method[0].kind else { panic!() };
        let StepKind::Check { condition, .. } = &mut steps[2].kind else { panic!() };
        *condition = sample::compare(4, Comparison::GreaterOrEqual, Value::Int(0));
    });
}

#[test]
fn an_expectation_that_cannot_hold() {
    finds_one(Code::CANNOT_HOLD, |p| {
        p.expectations[0].condition = sample::compare(0, Comparison::Greater, Value::Percent(percent("100%")));
    });
    // `x > 5s and x < 3s`
    finds(Code::CANNOT_HOLD, |p| {
        let above = sample::compare(1, Comparison::Greater, Value::Duration(duration("5s")));
        p.expectations[1].phase = Phase::Always;
        p.expectations[1].condition = Condition::All(vec![above, less(1, "3s")]);
    });
    // `3 * x < 0 s`, and its opposite
    let three = Operand::Combine {
        left: Box::new(Operand::Constant(Value::Int(3))),
        op: Arithmetic::Multiply,
        right: Box::new(Operand::Stream(1)),
    };
    finds(Code::CANNOT_HOLD, |p| {
        p.expectations[1].phase = Phase::Always;
        p.expectations[1].condition = Condition::Compare {
            left: three.clone(),
            op: Comparison::Less,
            right: Operand::Constant(Value::Duration(duration("0s"))),
        };
    });
    finds(Code::CANNOT_FAIL, |p| {
        p.expectations[1].phase = Phase::Always;
        p.expectations[1].condition = Condition::Not(Box::new(Condition::Compare {
            left: three,
            op: Comparison::Less,
            right: Operand::Constant(Value::Duration(duration("0s"))),
        }));
    });
    // An overspent budget is less than none, and a count may be below zero.
    clean(|p| {
        p.streams[0].of_type = "Number".into();
        p.expectations[0].condition = sample::compare(0, Comparison::GreaterOrEqual, Value::Number(Decimal::ZERO));
    });
}

#[test]
fn an_expectation_that_may_never_be_judged() {
    let found = finds_one(Code::NEVER_JUDGED, |p| {
        only(p, 1, None);
        p.expectations[2].within = None;
    });
    assert!(found.help.unwrap().contains("check NAME"));
    finds(Code::NEVER_JUDGED, |p| {
        only(p, 0, Some("8s"));
        p.expectations[2].within = None;
        p.expectations.remove(0);
        p.expectations.remove(0);
        p.guards[0].when = GuardWhen::Refuted;
        // Nothing else says what "recovered" means, which is an error of its own.
        p.recovery.class = RecoveryClass::Unknown;
    });
    finds_one(Code::RECOVERY_OF_NOTHING, |p| {
        p.expectations.iter_mut().for_each(|e| e.phase = Phase::OnlyDuringFaults);
        p.expectations.iter_mut().for_each(|e| e.within = None);
    });
}

#[test]
fn a_bound_during_faults_that_is_not_weaker() {
    let relaxed = |condition: Condition, text: &str| Phase::Relaxed { condition, text: text.into() };
    finds_one(Code::BUT_NOT_WEAKER, |p| p.expectations[1].phase = relaxed(less(1, "500ms"), "< 500ms"));
    finds_one(Code::BUT_NOT_WEAKER, |p| p.expectations[1].phase = relaxed(less(1, "800ms"), "< 800ms"));
    finds_one(Code::BUT_NOT_WEAKER, |p| {
        let above = sample::compare(1, Comparison::Greater, Value::Duration(duration("2s")));
        p.expectations[1].phase = relaxed(above, "> 2s");
    });
    finds_one(Code::BUT_NOT_WEAKER, |p| p.expectations[0].phase = relaxed(at_least(0, "99.9%"), ">= 99.9%"));
    clean(|p| p.expectations[0].phase = relaxed(at_least(0, "97%"), ">= 97%"));
    clean(|p| {
        let condition = sample::compare(1, Comparison::LessOrEqual, Value::Duration(duration("800ms")));
        p.expectations[1].phase = relaxed(condition, "<= 800ms");
    });
}

#[test]
fn a_grace_and_its_phase() {
    let found = finds_one(Code::GRACE_COVERS_PHASE, |p| p.expectations[2].within = Some(duration("6m")));
    assert!(found.message.contains("6m"), "{}", found.message);
    clean(|p| p.expectations[2].within = Some(duration("5m59s")));
    finds_one(Code::GRACE_COVERS_PHASE, |p| p.expectations[0].within = Some(duration("8m")));
    let found = finds_one(Code::GRACE_WITHOUT_EFFECT, |p| {
        p.expectations[0].within = Some(duration("2m"));
        p.expectations[0].phase = Phase::ExceptDuringFaults;
    });
    assert!(found.fixes.is_empty());
    finds_one(Code::GRACE_SHORTER_THAN_WINDOW, |p| p.expectations[0].within = Some(duration("30s")));
    clean(|p| p.expectations[0].within = Some(duration("1m")));
    finds_one(Code::GRACE_SHORTER_THAN_WINDOW, |p| p.streams[4].window = Some(duration("2m")));
}

#[test]
fn a_check_that_sees_one_sample() {
    // The sample of the tour's check is asked each 5s.
    let within = |p: &mut Plan, time: &str| {
        let StepKind::With { steps, .. } = &mut p.method[0].kind else { panic!("{:?}", p.method) };
        let check = steps.iter_mut().find_map(|s| match &mut s.kind {
            StepKind::Check { within, .. } => Some(within),
            _ => None,
        });
        *check.unwrap() = Some(duration(time));
    };
    let found = finds_one(Code::CHECK_SEES_ONE_SAMPLE, |p| within(p, "5s"));
    assert!(found.message.contains("waits for 5s"), "{}", found.message);
    clean(|p| within(p, "6s"));
}

#[test]
fn a_guard_that_never_or_always_fires() {
    finds_one(Code::GUARD_NEVER, |p| {
        p.guards[0].when = GuardWhen::Condition(sample::compare(3, Comparison::Less, Value::Percent(percent("0%"))));
    });
    let found = finds_one(Code::GUARD_NEVER, |p| p.guards[0].hold = Some(duration("1h")));
    assert!(found.message.contains("1h"));
    finds_one(Code::GUARD_ALWAYS, |p| {
        p.guards[0].when =
            GuardWhen::Condition(sample::compare(3, Comparison::LessOrEqual, Value::Percent(percent("100%"))));
    });
}

#[test]
fn a_guard_that_comes_too_late() {
    let found = finds_one(Code::HOLD_BETWEEN_SAMPLES, |p| p.guards[0].hold = Some(duration("3s")));
    assert!(found.fixes.is_empty());
    finds_one(Code::GUARD_TOO_LATE, |p| p.guards[0].hold = Some(duration("10m")));
    // Nothing that lasts: the guard is for what stands around the run.
    clean(|p| {
        only(p, 1, None);
        p.expectations.pop();
        p.guards[0].hold = Some(duration("2m"));
    });
}

#[test]
fn a_lasting_fault_wants_a_guard() {
    let found = finds_one(Code::LASTING_WITHOUT_GUARD, |p| p.guards.clear());
    assert_eq!((found.span, found.labels.len()), (at(16), 1));
    clean(|p| {
        only(p, 1, None);
        p.expectations.pop();
        p.guards.clear();
    });
    finds_one(Code::IRREVERSIBLE, |p| p.faults[1].irreversible = Some("the disk is wiped".into()));
}

#[test]
fn windows_longer_than_what_they_should_see() {
    let found = finds(Code::WINDOW_LONGER_THAN_FAULT, |p| {
        only(p, 0, Some("50s"));
        p.expectations.pop();
    });
    assert_eq!(found.len(), 2, "success and latency");
    // A check in the block may take its time, and mostly does.
    clean(|p| {
        let StepKind::With { steps, .. } = &mut p.method[0].kind else { panic!() };
        steps.remove(0);
        p.method.pop();
        p.faults.pop();
        p.expectations.pop();
    });
    finds(Code::WINDOW_LONGER_THAN_RECOVERY, |p| p.recovery.within = duration("45s"));
    clean(|p| p.recovery.within = duration("1m"));
}

#[test]
fn ranges_and_windows() {
    let query = |p: &mut Plan, text: &str| {
        p.streams[0].source = Source::Prometheus { server: None, query: text.into() };
    };
    finds_one(Code::RANGE_WITHOUT_WINDOW, |p| p.streams[0].window = None);
    finds_one(Code::RANGE_OTHER_THAN_WINDOW, |p| query(p, "sum(rate(a[5m]))"));
    finds_one(Code::RANGE_OTHER_THAN_WINDOW, |p| query(p, "sum(rate(a[30s]))"));
    // A subquery looks back over both; text is not a range.
    clean(|p| query(p, "max_over_time(rate(a{b=~\"[5m]\", c='\\'[9m]'}[30s])[30s:5s]) # [9m]\n"));
    clean(|p| {
        query(p, "sum(a{b=~\"x[0-9]m\"})");
        p.streams[0].window = None;
    });
    clean(|p| query(p, "sum(rate(a[1m"));
}

#[test]
fn a_guard_that_its_own_fault_blinds() {
    let monitored = |p: &mut Plan, url: &str| {
        for stream in &mut p.streams {
            if let Source::Prometheus { server, .. } = &mut stream.source {
                *server = Some(url.into());
            }
        }
    };
    let found = {
        let mut plan = tour();
        monitored(&mut plan, "http://ledger.pay-test.svc.cluster.local:9090/prom");
        analyse(&plan)
    };
    let codes: Vec<Code> = found.iter().map(|d| d.code).collect();
    assert_eq!(codes, [Code::EXPECTATION_BLINDED, Code::EXPECTATION_BLINDED, Code::GUARD_BLINDED]);
    clean(|p| monitored(p, "http://prometheus.pay-test.svc:9090"));
    clean(|p| monitored(p, "https://ledger.pay-test.example"));
    finds_one(Code::GUARD_PROBES_TARGET, |p| {
        p.streams[3].source = Source::Json {
            url: "http://user@ledger.pay-test.svc/stats".into(),
            pointer: "/x".into(),
            token: None,
            headers: Vec::new(),
        };
    });
    finds_one(Code::GUARD_PROBES_TARGET, |p| {
        p.streams[3].source = Source::Tls { url: "https://ledger.example:8443".into() };
        p.services.get_mut("ledger").unwrap().endpoints = vec!["https://ledger.example/v1".into()];
    });
}
