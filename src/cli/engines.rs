//! `perturb engines`: which engine can do which fault.

use std::fmt::Write as _;

use super::exit::{Exit, Failure};
use super::faults;
use super::terminal::Terminal;
use crate::check::sheet::FaultSheet;
use crate::plan::EngineName;

/// Shows which engine can do which fault
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {}

pub(super) fn run(_arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    terminal.print(&table(&faults::all(terminal)?))?;
    Ok(Exit::Clean)
}

fn table(faults: &[FaultSheet]) -> String {
    let longest = faults.iter().map(|f| f.name.len()).max().unwrap_or(0).max("fault".len());
    let mut out = format!("{:<longest$}", "fault");
    for engine in EngineName::ALL {
        let _ = write!(out, "  {engine}");
    }
    out.push('\n');
    for fault in faults {
        let mut line = format!("{:<longest$}", fault.name);
        for engine in EngineName::ALL {
            let word = match fault.engines.iter().find(|e| e.engine == engine) {
                None => "-",
                Some(e) if e.without.is_empty() && e.limits.is_empty() => "yes",
                Some(_) => "part",
            };
            let _ = write!(line, "  {word:<width$}", width = engine.text().len());
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out.push_str("\nyes: all of it. part: within limits, which `perturb faults NAME` names. -: not at all.\n");
    out
}
