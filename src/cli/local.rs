//! `perturb local`: the system that a project declares on this machine; and, hidden, the processes that the local engine is
//! made of.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::world;
use crate::engine::local::keeper::client::{self, NoAnswer};
use crate::engine::local::keeper::protocol::{Answer, Look, Request};
use crate::engine::local::{keeper, process, stress};

/// The parts of the local engine that are processes of their own
#[derive(Debug, clap::Args)]
pub(super) struct Parts {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, clap::Subcommand)]
enum Part {
    /// Holds proxies, processes and faults of one project
    Keeper {
        /// Its folder
        home: PathBuf,
    },
    /// Becomes a program that ends with whoever started it
    Child {
        /// The id of whoever started it
        parent: u32,
        /// The program and its arguments
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    /// Loads processor or memory
    Stress {
        /// `cpu`, `memory` or `requests`
        what: String,
        /// Thousandths of a core, bytes, or requests per thousand seconds
        amount: u64,
        /// Milliseconds
        #[arg(long)]
        at_most: u64,
        /// Of the requests
        #[arg(long, default_value = "GET")]
        method: String,
        /// Of the requests
        #[arg(long, default_value = "")]
        url: String,
    },
}

pub(super) fn part(parts: &Parts) -> Result<Exit, Failure> {
    match &parts.part {
        Part::Keeper { home } => keeper::run(home)
            .map(|()| Exit::Clean)
            .map_err(|error| Failure::new(format!("the keeper in {}: {error}", home.display()))),
        Part::Child { parent, command } => {
            let error = keeper::child(*parent, command);
            let program = command.first().map(|c| c.to_string_lossy().into_owned()).unwrap_or_default();
            Err(Failure::new(format!("cannot run {program}: {error}")))
        }
        Part::Stress { what, amount, at_most, method, url } => {
            let length = Duration::from_millis(*at_most);
            let load = match what.as_str() {
                "requests" => {
                    let requests = stress::Requests { millirate: *amount, method: method.clone(), url: url.clone() };
                    world::wait(stress::send(&requests, length))?.map_err(Failure::new)?;
                    return Ok(Exit::Clean);
                }
                "cpu" => stress::Load::Cpu(*amount),
                "memory" => stress::Load::Memory(*amount),
                other => return Err(Failure::new(format!("there is no load `{other}`"))),
            };
            stress::run(load, length);
            Ok(Exit::Clean)
        }
    }
}

/// Shows or ends what a project has running on this machine
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// What is running, and whether it is ready
    Status(Place),
    /// Ends it, with every fault
    Down(Place),
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The project's folder
    #[arg(value_name = "FOLDER", default_value = ".")]
    project: PathBuf,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let (place, request) = match &arguments.command {
        Command::Status(place) => (place, Request::Look),
        Command::Down(place) => (place, Request::Down),
    };
    let home = client::home(&place.project);
    // A process may take its ten seconds to end.
    match world::wait(client::ask(&home, &request, Duration::from_secs(60)))? {
        Ok(Answer::Look(look)) => terminal.print(&status(&look))?,
        Ok(Answer::Done) => terminal.print("ended\n")?,
        // It has ended nevertheless.
        Ok(Answer::Failed { reason, .. }) if matches!(arguments.command, Command::Down(_)) => {
            terminal.print(&format!("ended, and this may be left: {reason}\nperturb recover tries again\n"))?;
            return Ok(Exit::Verdict(crate::runtime::machine::Verdict::Error.exit_code()));
        }
        Err(NoAnswer::NotThere) if matches!(arguments.command, Command::Down(_)) => {
            let orphans = process::end_orphans();
            client::bury(&home);
            terminal.print(&match orphans {
                0 => "nothing is running here\n".to_owned(),
                n => format!("ended {n} that keepers on this machine had left when they were killed\n"),
            })?;
        }
        Err(NoAnswer::NotThere) => terminal.print(&match process::orphans().len() {
            0 => "nothing is running here\n".to_owned(),
            n => format!("no keeper is running here; {n} processes of killed ones are on this machine: `perturb local down` ends them\n"),
        })?,
        Ok(other) => return Err(Failure::new(format!("the keeper answered {other:?}"))),
        Err(error) => return Err(Failure::new(error.to_string())),
    }
    Ok(Exit::Clean)
}

fn status(look: &Look) -> String {
    let mut out = String::new();
    for replica in &look.replicas {
        let state = replica.not_ready.as_deref().map_or("ready".to_owned(), |why| format!("not ready: {why}"));
        let process = replica.process.map_or(String::new(), |p| format!("  process {}", p.pid));
        let address = replica.address.as_deref().map_or(String::new(), |a| format!("  at {a}"));
        let restarts =
            if replica.restarts > 0 { format!("  started again {} times", replica.restarts) } else { String::new() };
        out.push_str(&format!("{}/{}  {state}{process}{address}{restarts}\n", replica.service, replica.name));
    }
    for fault in &look.faults {
        let stuck = look.stuck.get(fault).map_or(String::new(), |why| format!("  cannot be undone: {why}"));
        out.push_str(&format!("fault {fault}{stuck}\n"));
    }
    if out.is_empty() { "nothing is running here\n".to_owned() } else { out }
}
