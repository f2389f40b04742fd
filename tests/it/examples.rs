//! The examples: one project, in which everything compiles.

use crate::support::{chaos_files, compile};

#[test]
fn every_example_compiles_in_every_place() {
    let files = chaos_files("examples");
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let compiled = compile(&files);
    assert_eq!(compiled.errors(), "");
    assert!(compiled.plans.len() > 40, "{} plans", compiled.plans.len());
    assert!(compiled.plans.iter().all(|p| p.plan.is_some()), "a plan is missing without a word");
}
