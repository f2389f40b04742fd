//! Tests of the telling: snapshots of every example.

use super::{Telling, tell as tell_with};
use crate::analysis::examples;
use crate::analysis::portability::Native;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Body, EngineName, Plan};

/// As if each engine took what it has bodies for. (What engines really say is held in `tests/it/compiling.rs`.)
fn tell(plan: &Plan) -> Telling {
    let refused = |engine: EngineName| {
        let without = plan.faults.iter().filter(move |f| !matches!(f.bodies.get(&engine), Some(Body::Expressed(_))));
        without.map(move |f| {
            Diagnostic::new(Code::LITMUS_FAULT, f.span, format!("{} cannot do `{}`", engine.title(), f.name))
        })
    };
    let native = |engine| Native { engine, refused: refused(engine).collect(), whom: Vec::new() };
    tell_with(plan, &EngineName::NATIVE.map(native))
}

#[test]
fn tellings() {
    // A digest changes with every change of the plan's form, which is no news here.
    insta::with_settings!({ filters => [(r"sha256:[0-9a-f]{64}", "sha256:DIGEST")] }, {
        for (name, plan) in examples::all() {
            insta::assert_snapshot!(name, tell(&plan).to_text(100));
        }
    });
}

#[test]
fn every_step_and_judgement_is_told_at_its_place() {
    for (name, plan) in examples::all() {
        let told = tell(&plan);
        let spans = plan.expectations.iter().map(|e| e.span).chain(plan.guards.iter().map(|g| g.span));
        let rest = plan.draws.iter().map(|d| d.span).chain([plan.recovery.span, plan.span]);
        // Of many rounds the draws are told once.
        let rest = rest.filter(|_| name != "rounds");
        for span in spans.chain(rest) {
            assert!(!told.about(span).is_empty(), "{name}: nothing is told of {span:?}");
        }
        for sentence in told.sections.iter().flat_map(|s| &s.sentences) {
            let text = &sentence.text;
            assert!(text.ends_with(['.', ')', ':']), "{name}: {text}");
            assert!(!text.contains("  ") && !text.contains("..."), "{name}: {text}");
            assert_eq!(text.matches('`').count() % 2, 0, "{name}: {text}");
        }
    }
}

#[test]
fn lines_are_wrapped_and_words_are_kept() {
    let told = tell(&examples::zone());
    let words = |text: &str| text.split_whitespace().filter(|w| *w != "-").map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&told.to_text(50)), words(&told.to_text(120)));
    let longest = |width: usize| told.to_text(width).lines().map(|l| l.chars().count()).max();
    // The digest is one word of 74 columns.
    assert!(longest(100) <= Some(100));
    assert_eq!(told.to_text(0), told.to_text(40));
}

#[test]
fn an_incident_without_words_ends_its_sentence() {
    let mut plan = examples::zone();
    plan.learned_from = vec![crate::plan::Incident {
        name: "pm-1".into(),
        date: "2024-05-01".into(),
        title: String::new(),
        lessons: vec![],
        report: None,
    }];
    let said = |plan: &crate::plan::Plan| tell(plan).to_text(0).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said(&plan).contains("It learned from `pm-1` of 2024-05-01."), "{}", said(&plan));
    plan.learned_from[0].title = "A zone went away".into();
    assert!(said(&plan).contains("It learned from `pm-1` of 2024-05-01: A zone went away."), "{}", said(&plan));
}

#[test]
fn any_one_guard_ends_a_run() {
    let mut plan = examples::zone();
    let said = |plan: &crate::plan::Plan| tell(plan).to_text(0).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said(&plan).contains("ended by guard 1, guard 2 or the operator."), "{}", said(&plan));
    plan.guards.push(plan.guards[0].clone());
    assert!(said(&plan).contains("ended by one of guards 1 to 3 or the operator."), "{}", said(&plan));
}
