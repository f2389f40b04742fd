//! `perturb completions`: what a shell needs to complete commands and options.

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
    clap_complete::generate(arguments.shell, &mut super::command(), "perturb", &mut text);
    terminal.print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Clean)
}
