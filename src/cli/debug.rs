//! `perturb debug`: what is between the text and the manifests, for who works on Perturb. Its forms may change.

use std::path::PathBuf;

use super::exit::{Exit, Failure};
use super::input::{Input, StdinArguments};
use super::plan::json;
use super::terminal::Terminal;
use super::work;
use crate::check::stdlib::Library;
use crate::source::disk::read_file;
use crate::source::{FileId, SourceMap};

/// Prints what is between the text and the manifests, for who works on Perturb itself
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What
    #[arg(value_enum, value_name = "WHAT")]
    what: What,
    /// Of which file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum What {
    /// The lossless tree of one file.
    Tree,
    /// The typed program of a file and what it imports.
    Program,
    /// The plans of its experiments, at every place.
    Plan,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    match arguments.what {
        What::Tree => terminal.print(&tree(arguments)?)?,
        What::Program => {
            let loaded = Input::find(std::slice::from_ref(&arguments.file), &StdinArguments::default(), terminal)?
                .load(Library::Whole)?;
            terminal.print(&format!("{:#?}\n", loaded.checked.program))?;
        }
        What::Plan => {
            let loaded = Input::find(std::slice::from_ref(&arguments.file), &StdinArguments::default(), terminal)?
                .load(Library::Whole)?;
            let program = &loaded.checked.program;
            for (experiment, places) in loaded.chosen_experiments() {
                for place in places.iter() {
                    let lowered = work::Judge::new(program).judged(experiment, place);
                    terminal.print(&lowered.plan.as_ref().map(json).unwrap_or_default())?;
                }
            }
        }
    }
    Ok(Exit::Clean)
}

fn tree(arguments: &Arguments) -> Result<String, Failure> {
    let bytes = read_file(&arguments.file).map_err(|e| Failure::io("read", &arguments.file, &e))?;
    let mut sources = SourceMap::default();
    let (text, _) = crate::syntax::decode(FileId(0), &bytes);
    let file = sources.add(arguments.file.to_string_lossy(), text);
    Ok(format!("{:#?}", crate::syntax::parse(file, &sources.file(file).text).syntax()))
}
