//! What holds for every plan: no panic, the same answer twice, places inside of the plan.

use proptest::prelude::*;

use super::*;
use crate::types::{Decimal, Duration};

fn some_duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0u32..600).prop_map(Duration::from_secs),
        any::<u64>().prop_map(|n| Duration::from_nanos(n >> 1).unwrap_or_default()),
    ]
}

fn some_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::Int),
        some_duration().prop_map(Value::Duration),
        (any::<i64>(), 0u32..20).prop_map(|(n, scale)| Value::Percent(crate::types::Percent(Decimal::new(n, scale)))),
        Just(Value::Number(Decimal::MAX)),
        Just(Value::Number(Decimal::MIN)),
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
    ]
}

fn some_operand() -> impl Strategy<Value = Operand> {
    let leaf = prop_oneof![(0u32..7).prop_map(Operand::Stream), some_value().prop_map(Operand::Constant)];
    leaf.prop_recursive(2, 6, 2, |inner| {
        let op =
            prop::sample::select(vec![Arithmetic::Add, Arithmetic::Subtract, Arithmetic::Multiply, Arithmetic::Divide]);
        (inner.clone(), op, inner).prop_map(|(left, op, right)| Operand::Combine {
            left: Box::new(left),
            op,
            right: Box::new(right),
        })
    })
}

fn some_condition() -> impl Strategy<Value = Condition> {
    let op = prop::sample::select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ]);
    let leaf = prop_oneof![
        any::<bool>().prop_map(Condition::Constant),
        (0u32..7).prop_map(Condition::Holds),
        (some_operand(), op, some_operand()).prop_map(|(left, op, right)| Condition::Compare { left, op, right }),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|c| Condition::Not(Box::new(c))),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Condition::All),
            prop::collection::vec(inner, 0..3).prop_map(Condition::Any),
        ]
    })
}

fn some_step() -> impl Strategy<Value = Step> {
    let leaf = prop_oneof![
        (0u32..5, prop::option::of(some_duration())).prop_map(|(fault, lasts)| StepKind::Inject { fault, lasts }),
        some_duration().prop_map(StepKind::Wait),
        (some_condition(), prop::option::of(some_duration())).prop_map(|(condition, within)| StepKind::Check {
            name: "c".into(),
            condition,
            text: String::new(),
            within
        }),
    ];
    let leaf = (leaf, 0u32..50).prop_map(|(kind, n)| sample::step(kind, at(n)));
    leaf.prop_recursive(3, 12, 4, |inner| {
        let steps = prop::collection::vec(inner, 0..4);
        let kind = prop_oneof![
            (0u32..5, steps.clone()).prop_map(|(fault, steps)| StepKind::With { fault, steps }),
            steps.clone().prop_map(StepKind::Parallel),
            steps.clone().prop_map(StepKind::Sequence),
            steps.prop_map(|steps| StepKind::Round { title: String::new(), number: 1, of: 1, steps }),
        ];
        (kind, 0u32..50).prop_map(|(kind, n)| sample::step(kind, at(n)))
    })
}

fn some_hours() -> impl Strategy<Value = Hours> {
    let zone = prop::sample::select(vec!["UTC", "Asia/Jakarta", "America/New_York", "Nowhere/At-All"]);
    let line = (any::<u8>(), any::<u8>(), any::<u16>(), any::<u16>(), zone);
    let zero_to_1440 = |n: u16| n % 1441;
    prop::collection::vec(line, 0..3).prop_map(move |lines| {
        let lines: Vec<_> = lines
            .into_iter()
            .map(|(a, b, from, to, z)| (a % 9, b % 9, zero_to_1440(from), zero_to_1440(to), z))
            .collect();
        hours(&lines, 7)
    })
}

fn some_plan() -> impl Strategy<Value = Plan> {
    let faults = prop::collection::vec((0u32..3, any::<bool>(), any::<bool>(), 0usize..2), 0..4);
    let cron = prop::option::of(prop_oneof![
        "[0-9*/,-]{1,4} [0-9*]{1,2} [0-9*?]{1,2} [0-9*]{1,2} [0-6*]",
        Just("0 10 * * tue".to_owned()),
        ".{0,12}",
    ]);
    (
        prop::collection::vec(some_step(), 0..5),
        faults,
        prop::collection::vec((some_condition(), prop::option::of(some_duration())), 0..4),
        (some_duration(), some_duration(), any::<bool>()),
        (prop::collection::vec(some_hours(), 0..3), cron),
        (any::<u32>(), -5i64..500, prop::option::of(any::<u32>())),
    )
        .prop_map(
            |(method, faults, conditions, (recovery, window, protected), (hours, cron), (count, share, replicas))| {
                let mut plan = tour();
                plan.method = method;
                plan.faults = faults
                    .into_iter()
                    .map(|(target, kill, lost, _)| {
                        let mut fault = plan.faults[usize::from(kill)].clone();
                        (fault.target, fault.lost_on_restart) = (target, lost);
                        fault
                    })
                    .collect();
                plan.expectations = conditions
                    .iter()
                    .map(|(condition, within)| Expectation {
                        name: "e".into(),
                        condition: condition.clone(),
                        text: String::new(),
                        within: *within,
                        phase: if protected { Phase::OnlyDuringFaults } else { Phase::Always },
                        span: at(10),
                    })
                    .collect();
                plan.guards = conditions
                    .into_iter()
                    .map(|(condition, hold)| Guard {
                        when: GuardWhen::Condition(condition),
                        text: String::new(),
                        hold,
                        span: at(14),
                    })
                    .collect();
                plan.recovery.within = recovery;
                plan.streams[0].window = Some(window);
                plan.place.protected = protected;
                plan.hours = hours;
                plan.draws[0].quantity = Quantity::Share(crate::types::Percent(Decimal::from(share)));
                plan.draws[1].quantity = Quantity::Exactly(count);
                plan.services.get_mut("ledger").unwrap().replicas = replicas;
                plan.schedule = cron.map(|cron| Schedule {
                    verify: "weekly".into(),
                    cron: cron.into(),
                    zone: "Asia/Jakarta".into(),
                    fresh_for: None,
                    among_others: false,
                    drawn: None,
                    span: at(40),
                });
                plan
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn never_panics_and_says_the_same_twice(plan in some_plan()) {
        let found = analyse(&plan);
        prop_assert_eq!(&found, &analyse(&plan));
        for (index, diagnostic) in found.iter().enumerate() {
            prop_assert!(!diagnostic.message.is_empty());
            prop_assert!(diagnostic.why.is_some());
            prop_assert!(!found[..index].iter().any(|d| d.code == diagnostic.code
                && d.span == diagnostic.span
                && d.message == diagnostic.message));
        }
    }

    #[test]
    fn any_text_is_a_cron_text_or_refused(text in ".{0,40}") {
        let _ = crate::analysis::Cron::parse(&text);
    }

    #[test]
    fn any_query_has_ranges_or_none(text in ".{0,60}") {
        let _ = crate::analysis::ranges::ranges(&text);
    }
}
