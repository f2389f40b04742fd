//! The corpus: cases as files, one test each, so that who finds a bug can write its test without Rust.
//!
//! - `check/NAME.chaos`: a line of its own with `//~ P0210` stands under each line on which a diagnostic with that code
//!   begins (several codes: `//~ P0210 P0305`). All diagnostics must be expected, a file without expectations is clean. What
//!   a terminal shows is held by a snapshot. `// file: NAME.chaos` on a line of its own begins another file. A case may
//!   import `catalogue.chaos` and `production.chaos` of the folder. A fix that is marked certain, applied, removes its
//!   diagnostic and adds none; one that is a choice removes it.
//! - `emit/CASE/`: `.chaos` files; `chaos-mesh.yaml`, `litmus.yaml` and `report.txt` are what `perturb compile` makes of them.
//!   `options.txt` may hold more arguments for it.
//! - `format/NAME.chaos` is formatted as `format/NAME.formatted` says; every file of the repository is under the formatter's laws.
//! - `docs/errors/P0123.md`: the wrong text gives exactly its code, the right one nothing at all.
//! - Every file also goes through the laws: a lossless tree and no panic, for the file and for every prefix of it.
//!
//! `PERTURB_BLESS=1 cargo test --test corpus [-- FILTER]` rewrites what is expected, but for the `//~` lines.

mod cases;
mod check;
mod emit;
mod fixes;
mod format;
mod laws;
mod pages;

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    // insta reads its own variable once; the corpus has one variable for everything.
    if std::env::var_os("PERTURB_BLESS").is_some() && std::env::var_os("INSTA_UPDATE").is_none() {
        let me = std::env::current_exe().expect("a running program has a path");
        let status = Command::new(me).args(std::env::args_os().skip(1)).env("INSTA_UPDATE", "always").status();
        return ExitCode::from(u8::from(!status.is_ok_and(|s| s.success())));
    }
    let mut trials: Vec<Trial> = Vec::new();
    trials.extend(check::trials());
    trials.extend(emit::trials());
    trials.extend(pages::trials());
    trials.extend(laws::trials());
    trials.extend(format::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
