//! `perturb faults`: what there is to inject, with its parameters and which engine can do what.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::exit::{Exit, Failure};
use super::input::{Input, StdinArguments};
use super::terminal::{Stream, Terminal};
use crate::check::sheet::{FaultSheet, sheets};
use crate::check::stdlib::Library;
use crate::check::{check, stdlib};
use crate::diagnostic::nearest;
use crate::diagnostic::render::wrap;
use crate::project::Project;
use crate::source::Memory;

/// Lists the faults, or shows all about one: parameters, units, ranges, defaults, engines
///
/// Beside those of the standard library the faults are listed that the project of this folder declares.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The fault, such as network.delay; a module such as `network` for all of it
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let all = all(terminal)?;
    let width = terminal.look(Stream::Output, "").width;
    let Some(name) = &arguments.name else {
        terminal.print(&list(&all))?;
        return Ok(Exit::Clean);
    };
    let module = format!("{name}.");
    let meant: Vec<&FaultSheet> = all.iter().filter(|f| f.name == *name || f.name.starts_with(&module)).collect();
    if meant.is_empty() {
        // The list of all faults is long: it has its own command.
        let help = match meant_by(name, &all).as_slice() {
            [] => String::new(),
            names => format!("did you mean {}? ", names.join(" or ")),
        };
        let failure = Failure::new(format!("there is no fault `{name}`"));
        return Err(failure.help(format!("{help}`perturb faults` lists them all")));
    }
    let sheets: Vec<String> = meant.into_iter().map(|fault| shown(fault, width)).collect();
    terminal.print(&sheets.join("\n\n"))?;
    Ok(Exit::Clean)
}

/// What somebody meant who gave a name that does not exist: the faults whose own name is given without its module, else what is
/// spelt nearest.
fn meant_by(name: &str, all: &[FaultSheet]) -> Vec<String> {
    let parts = || all.iter().filter_map(|fault| fault.name.split_once('.'));
    let of_own = |word: &str| -> Vec<String> {
        parts().filter(|(_, own)| *own == word).map(|(module, own)| format!("`{module}.{own}`")).collect()
    };
    let exact = of_own(name);
    if !exact.is_empty() {
        return exact;
    }
    match nearest(name, all.iter().map(|fault| fault.name.as_str()).chain(parts().map(|(module, _)| module))) {
        Some(near) => vec![format!("`{near}`")],
        None => nearest(name, parts().map(|(_, own)| own)).map_or_else(Vec::new, of_own),
    }
}

/// The faults of the standard library and of the project of this folder, if there is one.
pub(super) fn all(terminal: &Terminal) -> Result<Vec<FaultSheet>, Failure> {
    let imports: String = stdlib::modules().map(|m| format!("import std.{m}\n")).collect();
    let library = check(&Memory::new([("all.chaos", imports)]), &["all.chaos".to_owned()]);
    let mut all = sheets(&library.program, &library.sources);
    let here = std::fs::canonicalize(".").map_err(|e| Failure::io("open", &PathBuf::from("."), &e))?;
    if Project::find(&here).is_some() {
        let loaded = Input::find(&[], &StdinArguments::default(), terminal)?.load(Library::Whole)?;
        let own = sheets(&loaded.checked.program, &loaded.checked.sources);
        all.extend(own.into_iter().filter(|sheet| !sheet.path.starts_with(stdlib::PREFIX)));
    }
    Ok(all)
}

fn list(all: &[FaultSheet]) -> String {
    let longest = all.iter().map(|f| f.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for fault in all {
        let _ = writeln!(out, "{:<longest$}  {}", fault.name, fault.title);
    }
    out
}

fn shown(fault: &FaultSheet, width: usize) -> String {
    let mut out = format!("{}\n", fault.name);
    for paragraph in fault.about.split("\n\n").map(str::trim).filter(|p| !p.is_empty()) {
        out.push('\n');
        // Points of a list stay lines of their own.
        let points = paragraph.lines().any(|line| line.starts_with("- "));
        let flat = if points { paragraph.to_owned() } else { paragraph.replace('\n', " ") };
        indented(&flat, 2, width, &mut out);
    }
    out.push_str("\nparameters\n");
    for (index, parameter) in fault.parameters.iter().enumerate() {
        let what = match (&parameter.default, index) {
            (Some(default), _) => format!(" = {default}"),
            (None, 0) => " (what is hit; the only one that may stand without its name)".to_owned(),
            (None, _) => " (must be given)".to_owned(),
        };
        let _ = writeln!(out, "  {}: {}{what}", parameter.name, parameter.ty);
        indented(&parameter.about, 6, width, &mut out);
    }
    out.push_str("\nfacts\n");
    for (key, value) in &fault.facts {
        let _ = writeln!(out, "  {key}: {value}");
    }
    out.push_str("\nengines\n");
    for engine in &fault.engines {
        let limited = !(engine.without.is_empty() && engine.limits.is_empty());
        let _ = writeln!(out, "  {}: {}", engine.engine, if limited { "can, but" } else { "can do all of it" });
        if !engine.without.is_empty() {
            indented(&format!("- cannot say `{}`", engine.without.join("`, `")), 6, width, &mut out);
        }
        for limit in &engine.limits {
            let word = if limit.forbid { "refuses" } else { "wants" };
            indented(&format!("- {word} `{}`: {}", limit.condition, limit.reason), 6, width, &mut out);
        }
    }
    out
}

/// The text, wrapped and moved in; what goes on after a list's dash stands under its first word.
fn indented(text: &str, indent: usize, width: usize, out: &mut String) {
    let hang = if text.starts_with("- ") { 2 } else { 0 };
    let lines = wrap(text, width.saturating_sub(indent + hang).max(20));
    for (index, line) in lines.iter().filter(|line| !line.is_empty()).enumerate() {
        let indent = if index == 0 { indent } else { indent + hang };
        let _ = writeln!(out, "{:indent$}{line}", "");
    }
}
