//! What checks clean goes all the way: plans, proofs, manifests of both engines.

#![no_main]

use libfuzzer_sys::fuzz_target;
use perturb::engine::{EmitOptions, chaos_mesh, litmus};
use perturb::manifest::{Arena, Node, yaml};
use perturb::{analysis, check, lower};

#[path = "../project.rs"]
mod project;

fuzz_target!(|bytes: &[u8]| {
    let (sources, roots) = project::read(bytes);
    let checked = check::check(&sources, &roots);
    if checked.diagnostics.iter().any(|diagnostic| diagnostic.is_error()) {
        return;
    }
    let options = EmitOptions::default();
    // A fleet of experiments says little more than its first.
    for experiment in lower::experiments(&checked.program).iter().take(4) {
        for place in lower::places(&checked.program, experiment).iter().take(2) {
            let Some(plan) = lower::plan(&checked.program, experiment, place).plan else { continue };
            let _ = analysis::analyse(&plan);
            let json = serde_json::to_string(&plan).expect("a plan is plain data");
            let read: perturb::plan::Plan = serde_json::from_str(&json).expect("a plan reads what it wrote");
            assert!(read == plan, "a plan survives its JSON");
            let (arena, mut out, mut stream) = (Arena::new(), String::new(), yaml::Stream::default());
            let mut sink = |node: &Node<'_>| stream.document(node, &mut out);
            chaos_mesh::emit(&plan, &options, &arena, &mut sink);
            litmus::emit(&plan, &options, &arena, &mut sink);
        }
    }
});
