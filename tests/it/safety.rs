//! `docs/crash-safety.md`: what was measured of Chaos Toolkit, what Perturb does, and the test that shows it.

use std::fmt::Write as _;

use super::{held, peers};

/// The case, what Chaos Toolkit does, what Perturb does, the test.
pub(super) type Row = (&'static str, &'static str, &'static str, &'static str);

const HEAD: &str = "# Crash safety

Written by `tests/it/safety.rs`: do not edit (`PERTURB_BLESS=1 cargo test --test it safety`). Each row is a test: a real process with a
real engine, and a look at what is left. The column of Chaos Toolkit was measured with versions 1.19.0 and 1.21.4.

## What is left behind

Chaos Toolkit with its rollback strategy `always`; its default leaves more. Perturb has no such setting.

";

const MIDDLE: &str = "
## What is green, and what is undone

";

const FOOT: &str = "
The machine itself is explored exhaustively for small plans (every answer lost, repeated, late or a failure, a crash between any two
commands) in `src/runtime/machine/tests/exhaustive.rs`, and through 100,000 random histories of random plans in `histories.rs`
beside it; where an engine leads and the machine only follows (`perturb gate`), in `followed.rs`.
";

fn table(text: &mut String, head: &str, rows: &[Row]) {
    let _ = writeln!(text, "| what happens | {head} | test |\n| --- | --- | --- | --- |");
    for (what, theirs, ours, test) in rows {
        let _ = writeln!(text, "| {what} | {theirs} | {ours} | `{test}` |");
    }
}

#[test]
fn the_tables_name_tests_that_exist_and_the_page_is_theirs() {
    for (_, _, _, test) in held::ROWS.iter().chain(&peers::ROWS) {
        let is_there = peers::SOURCES.iter().any(|source| source.contains(&format!("#[test]\nfn {test}()")));
        assert!(is_there, "there is no test `{test}`");
    }
    let mut page = HEAD.to_owned();
    table(&mut page, "Chaos Toolkit leaves | Perturb leaves", &held::ROWS);
    page.push_str(MIDDLE);
    table(&mut page, "Chaos Toolkit | Perturb", &peers::ROWS);
    page.push_str(FOOT);
    let path = super::support::root().join("docs/crash-safety.md");
    if std::env::var_os("PERTURB_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page, "PERTURB_BLESS=1 writes it");
}
