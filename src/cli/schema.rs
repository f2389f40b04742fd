//! `perturb schema`: the JSON Schemas of what Perturb writes.

use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::diagnostic::render::json::Findings;
use crate::plan::Plan;

/// Prints the JSON Schema of what other programs read
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Of what
    #[arg(value_enum, value_name = "WHAT")]
    what: What,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum What {
    /// Of a plan, as `perturb plan --json` prints it.
    Plan,
    /// Of findings, as `--format json` prints them.
    Diagnostics,
    /// Of the events of a run, as `perturb run --format json` prints them, one a line.
    #[cfg(feature = "run")]
    Events,
    /// Of the lines of a journal.
    #[cfg(feature = "run")]
    Journal,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let schema = match arguments.what {
        What::Plan => schemars::schema_for!(Plan),
        What::Diagnostics => schemars::schema_for!(Findings),
        #[cfg(feature = "run")]
        What::Events => schemars::schema_for!(super::view::Shown<'static>),
        #[cfg(feature = "run")]
        What::Journal => schemars::schema_for!(crate::runtime::journal::Line),
    };
    // A schema is plain data with text keys, which always serialises.
    let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    terminal.print(&format!("{text}\n"))?;
    Ok(Exit::Clean)
}
