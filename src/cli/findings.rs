//! Shows what was found, and says with which code to exit.

use super::exit::{Exit, Failure};
use super::terminal::{Stream, Terminal};
use crate::diagnostic::render::{Format, Summary, render, terminal};
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::SourceMap;

/// The forms in which findings are printed, as an argument.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum FormatChoice {
    /// For people.
    #[default]
    Human,
    /// One JSON object (`perturb schema diagnostics`).
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// GitHub workflow commands.
    Github,
    /// A JUnit report, for build servers.
    Junit,
}

impl From<FormatChoice> for Format {
    fn from(choice: FormatChoice) -> Self {
        match choice {
            FormatChoice::Human => Self::Human,
            FormatChoice::Json => Self::Json,
            FormatChoice::Sarif => Self::Sarif,
            FormatChoice::Github => Self::Github,
            FormatChoice::Junit => Self::Junit,
        }
    }
}

/// Arguments of every command that prints findings.
#[derive(Debug, Default, clap::Args)]
pub(super) struct FindingsArguments {
    /// How findings are printed
    #[arg(long, value_enum, value_name = "FORM", default_value = "human")]
    pub format: FormatChoice,
    /// Exit with 1 for warnings too
    #[arg(long)]
    pub deny_warnings: bool,
}

/// The code to exit with.
pub(super) fn exit(found: &[Diagnostic], deny_warnings: bool) -> Exit {
    let counts = |d: &Diagnostic| deny_warnings || d.severity == Severity::Error;
    if found.iter().any(counts) { Exit::Findings } else { Exit::Clean }
}

/// Prints what was found to a stream, and gives the code to exit with. `clean` is said, to people, where there is nothing.
pub(super) fn show(
    found: &[Diagnostic],
    sources: &SourceMap,
    prefix: &str,
    arguments: &FindingsArguments,
    stream: Stream,
    terminal: &Terminal,
    clean: Option<&str>,
) -> Result<Exit, Failure> {
    let look = terminal.look(stream, prefix);
    let format = Format::from(arguments.format);
    // Machines want their form even where it is empty.
    if !found.is_empty() || format != Format::Human {
        terminal.write(stream, &render(format, found, sources, &look))?;
    }
    if format == Format::Human {
        let line = match (found.is_empty(), clean) {
            (false, _) => terminal::summary(&Summary::of(found), &look),
            (true, Some(clean)) => format!("{clean}\n"),
            (true, None) => String::new(),
        };
        terminal.write(stream, &line)?;
    }
    Ok(exit(found, arguments.deny_warnings))
}
