//! `perturb engines`: which engine can do which fault.

use std::fmt::Write as _;

use super::exit::{Exit, Failure};
use super::faults;
use super::terminal::Terminal;
use crate::check::sheet::FaultSheet;
use crate::plan::EngineName;

/// Shows which engine can do which fault; or what one engine can do on this machine
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// `local`: what it can do on this machine, and why not the rest
    #[arg(value_name = "ENGINE", value_parser = ["local"])]
    engine: Option<String>,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    match arguments.engine {
        Some(_) => terminal.print(&here()?)?,
        None => terminal.print(&table(&faults::all(terminal)?))?,
    }
    Ok(Exit::Clean)
}

/// What the local engine can do here.
#[cfg(feature = "run")]
fn here() -> Result<String, Failure> {
    let abilities = crate::engine::local::survey::survey();
    let line = |a: &crate::engine::local::survey::Ability| match &a.why_not {
        None => format!("yes  {}\n", a.what),
        Some(why) => format!("no   {}: {why}\n", a.what),
    };
    Ok(abilities.iter().map(line).collect())
}

#[cfg(not(feature = "run"))]
fn here() -> Result<String, Failure> {
    Err(Failure::new("this Perturb was built without `run`: it drives no engine"))
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
