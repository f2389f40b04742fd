//! Any project is checked to the end, and twice the same.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../project.rs"]
mod project;

fuzz_target!(|bytes: &[u8]| {
    let (sources, roots) = project::read(bytes);
    let first = perturb::check::check(&sources, &roots);
    let second = perturb::check::check(&sources, &roots);
    assert_eq!(first.diagnostics, second.diagnostics, "the same sources give the same diagnostics");
    let bodies = (perturb::lower::check(&first.program).diagnostics, perturb::lower::check(&second.program).diagnostics);
    assert_eq!(bodies.0, bodies.1, "the same program gives the same diagnostics");
});
