//! `perturb intervene`: somebody helps the system by hand, and says so to the run that watches it.

use super::exit::{Exit, Failure};
use super::journal::{JournalArguments, failure};
use super::run::user;
use super::runs::unknown;
use super::terminal::Terminal;

/// Tells a run that people stepped in: the system did not recover by itself
///
/// A run sees that the system recovers, and not whether somebody restarted it meanwhile. What is said here is in the run's journal as
/// `intervened`, and its recovery counts as one after people stepped in.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The run: its id, or how it begins
    #[arg(value_name = "RUN")]
    run: String,
    /// What was done: `restarted the replica by hand`
    #[arg(value_name = "WORDS", required = true)]
    what: Vec<String>,
    /// Who did it [default: $USER]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    #[command(flatten)]
    journal: JournalArguments,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut journal = arguments.journal.existing()?;
    let run = journal.find(&arguments.run).map_err(|e| unknown(&e, &journal))?;
    if run.verdict.is_some() || !run.owner.lives() {
        return Err(Failure::new(format!("the run {} is over: nobody would hear it", run.id))
            .help("`perturb runs` lists them with their verdicts"));
    }
    // A game day is a run without a plan, and watches nothing itself.
    let entries = journal.entries(&run.id).map_err(|e| failure(&e))?;
    if entries.first().and_then(|entry| entry.line.begun()?.plan()).is_none() {
        return Err(Failure::new(format!("{} has no plan, and watches no recovery", run.id))
            .help("if it is a game day, tell the run that goes on in it: `perturb runs`"));
    }
    let by = arguments.by.clone().or_else(user).unwrap_or_else(|| "somebody".to_owned());
    journal.tell(&run.id, &by, &arguments.what.join(" ")).map_err(|e| failure(&e))?;
    terminal.print(&format!("told the run {}\n", run.id))?;
    Ok(Exit::Clean)
}
