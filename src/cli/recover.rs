//! `perturb recover`: undoes what a dead run left. And the watchdog, which does the same for one run as soon as it dies.

use std::path::PathBuf;

use super::exit::{Exit, Failure};
use super::journal::{JournalArguments, failure};
use super::run::say_rescued;
use super::terminal::Terminal;
use super::world;
use crate::engine::local::process;
use crate::runtime::drive::{self, Rescued};
use crate::runtime::watchdog::watch;

/// Undoes what runs left whose process is gone, from the journal
///
/// Safe at any time and as often as you like: runs that are still going on are not touched. Exit codes: 0 nothing is left,
/// 6 something may be left.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    journal: JournalArguments,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let path = arguments.journal.existing()?.path().to_owned();
    let drivers = world::drivers(&world::local(&path)?);
    let rescued = world::wait(drive::recover(&path, &drivers, "recover"))?.map_err(|e| failure(&e))?;
    say_rescued(&rescued, terminal);
    // Also where no run has anything open: a keeper that was killed leaves what went its own way.
    let orphans = process::end_orphans();
    if orphans > 0 {
        terminal.say(&format!("ended {orphans} that keepers on this machine had left when they were killed\n"));
    }
    let undone: usize = rescued.iter().map(|r| r.undone.len()).sum();
    let left: usize = rescued.iter().map(|r| r.left.len()).sum();
    let going_on = rescued.iter().filter(|r| r.is_running).count();
    let rest = match (rescued.iter().any(|r| !r.damaged.is_empty()), left, going_on) {
        (true, ..) => format!("{left} may be left, and more that a damaged journal no longer names"),
        (false, 0, 0) => "nothing is left".to_owned(),
        (false, 0, 1) => "nothing is left but what one run has in that goes on".to_owned(),
        (false, 0, _) => format!("nothing is left but what {going_on} runs have in that go on"),
        (false, ..) => format!("{left} may be left"),
    };
    terminal.print(&format!("{undone} undone, {rest}\n"))?;
    if rescued.iter().any(Rescued::is_in_doubt) {
        return Ok(Exit::Verdict(crate::runtime::machine::Verdict::Error.exit_code()));
    }
    Ok(Exit::Clean)
}

/// Watches over one run (started by `perturb run`)
#[derive(Debug, clap::Args)]
pub(super) struct WatchArguments {
    /// The journal
    journal: PathBuf,
    /// The run
    run: String,
}

pub(super) fn watchdog(arguments: &WatchArguments) -> Result<Exit, Failure> {
    watch(&arguments.journal, &arguments.run, &world::drivers(&world::local(&arguments.journal)?))
        .map_err(|e| failure(&e))?;
    Ok(Exit::Clean)
}
