//! `perturb init`: a small project that checks clean, to begin with.

use std::fs;
use std::path::PathBuf;

use super::exit::{Exit, Failure};
use super::files::write_whole;
use super::terminal::Terminal;

/// The files of a new project. A test checks that they are clean.
const FILES: [(&str, &str); 4] = [
    ("perturb.toml", include_str!("init/perturb.toml")),
    ("catalogue.chaos", include_str!("init/catalogue.chaos")),
    ("environments.chaos", include_str!("init/environments.chaos")),
    ("lost-replica.chaos", include_str!("init/lost-replica.chaos")),
];

/// Makes a small project to begin with: a catalogue, an environment, one experiment
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The folder; it is made if it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let folder = &arguments.folder;
    let there: Vec<&str> =
        FILES.iter().map(|(name, _)| *name).filter(|name| fs::symlink_metadata(folder.join(name)).is_ok()).collect();
    if !there.is_empty() {
        return Err(Failure::new(format!("`{}` holds {} already", folder.display(), there.join(", ")))
            .help("nothing was written; give another folder"));
    }
    fs::create_dir_all(folder).map_err(|e| Failure::io("make", folder, &e))?;
    for (name, text) in FILES {
        write_whole(&folder.join(name), text)?;
    }
    let names: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
    let shown = folder.join("lost-replica.chaos");
    terminal.print(&format!(
        "made {} in `{}`\n\nnext:\n  perturb check {}\n  perturb plan {}\n",
        names.join(", "),
        folder.display(),
        folder.display(),
        shown.display()
    ))?;
    Ok(Exit::Clean)
}
