//! Makes `src/parser.c` and what belongs to it from the `grammar.js` of a folder. Node.js evaluates the grammar.

use std::path::PathBuf;
use std::process::ExitCode;

use tree_sitter_generate::{OptLevel, generate_parser_in_directory};

/// The format that the oldest editor of ours reads: Debian's Neovim 0.7.
const FORMAT: usize = 14;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: generate FOLDER");
        return ExitCode::from(2);
    };
    let none = None::<PathBuf>;
    let made =
        generate_parser_in_directory(folder, none.clone(), none, FORMAT, None, Some("node"), true, OptLevel::default());
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
