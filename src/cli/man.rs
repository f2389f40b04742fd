//! `perturb man`: manual pages, made from the help.

use std::fs;
use std::path::{Path, PathBuf};

use super::exit::{Exit, Failure};
use super::files::write_whole;
use super::terminal::Terminal;

/// Writes manual pages into a folder, one a subcommand, or prints the first
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut command = super::command();
    command.build();
    match &arguments.folder {
        None => terminal.print(&page(&command, "perturb")?)?,
        Some(folder) => {
            fs::create_dir_all(folder).map_err(|e| Failure::io("make", folder, &e))?;
            write_all(&command, "perturb", folder)?;
        }
    }
    Ok(Exit::Clean)
}

fn write_all(command: &clap::Command, name: &str, folder: &Path) -> Result<(), Failure> {
    write_whole(&folder.join(format!("{name}.1")), &page(command, name)?)?;
    for inner in command.get_subcommands().filter(|c| c.get_name() != "help" && !c.is_hide_set()) {
        write_all(inner, &format!("{name}-{}", inner.get_name()), folder)?;
    }
    Ok(())
}

fn page(command: &clap::Command, name: &str) -> Result<String, Failure> {
    // No date: the same version gives the same bytes.
    let page = clap_mangen::Man::new(command.clone().display_name(name.to_owned())).title(name);
    let mut text = Vec::new();
    page.render(&mut text).map_err(|e| Failure::new(format!("cannot make the page of `{name}`: {e}")))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
