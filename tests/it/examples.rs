//! The examples: one project, in which everything compiles.

use perturb::diagnostic::Code;

use crate::support::{chaos_files, check_beside, compile};

#[test]
fn every_example_compiles_in_every_place() {
    let files = chaos_files("examples");
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let compiled = compile(&files);
    assert_eq!(compiled.errors(), "");
    assert!(compiled.plans.len() > 40, "{} plans", compiled.plans.len());
    assert!(compiled.plans.iter().all(|p| p.plan.is_some()), "a plan is missing without a word");
}

/// Two need a second engine, and their first lines say so.
#[test]
fn every_example_but_two_can_be_held_wherever_it_may_run() {
    let files = chaos_files("examples");
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let checked = check_beside(&files, &[]);
    let codes: Vec<Code> = checked.diagnostics.iter().map(|d| d.code).collect();
    assert_eq!(codes, [Code::TWO_ENGINES; 2], "{}", checked.findings());
}
