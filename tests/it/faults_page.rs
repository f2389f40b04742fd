//! `docs/faults.md`: the manual of all faults, written from the library itself.
//!
//! Comes in: the modules of the library. Goes out: a page with a table of what each engine can do, and a section for each
//! fault. `PERTURB_BLESS=1` writes it. Nothing here names a fault.

use std::fmt::Write as _;

use perturb::check::sheet::{EngineSheet, FaultSheet, sheets};
use perturb::plan::EngineName;

use crate::support::{chaos_files, compile, hold};
use crate::uses::NEVER;

#[test]
fn the_manual_of_faults_is_what_the_library_says() {
    let modules: Vec<String> =
        chaos_files("stdlib").iter().map(|(name, _)| name.trim_end_matches(".chaos").to_owned()).collect();
    let text = format!("import std.{{{}}}\n", modules.join(", "));
    let library = compile(&[("library.chaos", text.as_str())]);
    let all = sheets(&library.program, &library.sources);
    assert!(all.len() > 100, "only {} faults", all.len());

    let mut table = String::from("| fault | |");
    for engine in EngineName::ALL {
        let _ = write!(table, " {} |", engine.text());
    }
    table.push_str("\n| --- | --- |");
    table.push_str(&" --- |".repeat(EngineName::ALL.len()));
    table.push('\n');
    for sheet in &all {
        let _ = write!(table, "| [`{}`](#{}) | {} |", sheet.name, anchor(&sheet.name), effect(sheet));
        for engine in EngineName::ALL {
            let _ = write!(table, " {} |", cell(sheet, engine));
        }
        table.push('\n');
    }
    hold("docs/faults.md", "who can do what", &table);

    let mut manual = String::new();
    for module in &modules {
        let of_module: Vec<&FaultSheet> =
            all.iter().filter(|s| s.name.split_once('.').is_some_and(|(m, _)| m == module)).collect();
        if of_module.is_empty() {
            continue;
        }
        let path = format!("std/{module}.chaos");
        let file = library.program.files.iter().find(|f| f.path == path).expect("an imported module is loaded");
        let _ = writeln!(manual, "\n## {module}\n\n{}", file.file.doc.trim());
        for sheet in of_module {
            section(sheet, &mut manual);
        }
    }
    manual.push('\n');
    hold("docs/faults.md", "manual", &manual);
}

fn anchor(name: &str) -> String {
    name.replace('.', "")
}

fn effect(sheet: &FaultSheet) -> String {
    let fact = |key: &str| sheet.facts.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v.as_str());
    let mut text = fact("effect").to_owned();
    if !fact("irreversible").is_empty() {
        text.push_str(", irreversible");
    }
    text
}

/// `yes`, or what that engine lacks.
fn cell(sheet: &FaultSheet, engine: EngineName) -> String {
    let Some(able) = sheet.engines.iter().find(|e| e.engine == engine) else { return "–".into() };
    if NEVER.contains(&sheet.name.as_str()) {
        return "refused".into();
    }
    match (able.without.is_empty(), able.limits.is_empty()) {
        (true, true) => "yes".into(),
        (true, false) => "yes, with limits".into(),
        (false, _) => format!("without {}", ticks(&able.without)),
    }
}

fn ticks(names: &[String]) -> String {
    names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

fn section(sheet: &FaultSheet, out: &mut String) {
    let _ = writeln!(out, "\n### {}\n\n{}\n", sheet.name, sheet.about);
    let facts: Vec<String> = sheet.facts.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    let _ = writeln!(out, "*{}*\n", facts.join("; "));
    out.push_str("| parameter | type | default | |\n| --- | --- | --- | --- |\n");
    for parameter in &sheet.parameters {
        let default = parameter.default.as_ref().map_or("required".to_owned(), |d| format!("`{}`", cell_text(d)));
        let _ = writeln!(
            out,
            "| `{}` | `{}` | {default} | {} |",
            parameter.name,
            cell_text(&parameter.ty),
            cell_text(&parameter.about)
        );
    }
    for engine in &sheet.engines {
        limits(engine, out);
    }
}

fn limits(engine: &EngineSheet, out: &mut String) {
    if engine.without.is_empty() && engine.limits.is_empty() {
        return;
    }
    let without =
        if engine.without.is_empty() { String::new() } else { format!(" without {}", ticks(&engine.without)) };
    let _ = writeln!(out, "\n{}{without}:", engine.engine.title());
    out.push('\n');
    for limit in &engine.limits {
        let word = if limit.forbid { "not" } else { "only" };
        let _ = writeln!(out, "- {word} `{}`: {}", limit.condition.replace('`', "'"), limit.reason);
    }
    if engine.limits.is_empty() {
        out.push_str("- nothing else is refused\n");
    }
}

/// Text in a cell of a table.
fn cell_text(text: &str) -> String {
    text.replace('|', "\\|")
}
