//! `perturb completions`: what a shell needs to complete commands and options.

use clap::CommandFactory as _;

use super::exit::{Exit, Failure};
use super::terminal::Terminal;

/// Prints completions for a shell
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: clap_complete::Shell,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut shown(&super::Cli::command()), "perturb", &mut text);
    terminal.print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Clean)
}

/// The command line without what is hidden: shells would offer it, too.
fn shown(whole: &clap::Command) -> clap::Command {
    clap::Command::new("perturb")
        .version(env!("CARGO_PKG_VERSION"))
        .args(whole.get_arguments().cloned())
        .subcommands(whole.get_subcommands().filter(|c| !c.is_hide_set()).cloned())
}
