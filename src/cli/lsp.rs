//! `perturb lsp`: the language server, for editors.

use super::exit::{Exit, Failure};

/// Serves an editor: the Language Server Protocol over standard input and output
///
/// Editors start it themselves; docs/editors.md says how each is set up.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Standard input and output, which is what is always served (some editors say so)
    #[arg(long, hide = true)]
    stdio: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let Arguments { stdio: _ } = arguments;
    match crate::server::lsp::serve() {
        Ok(true) => Ok(Exit::Clean),
        // The client is gone without a word: nothing is left to do, and nobody to tell.
        Ok(false) => Ok(Exit::Findings),
        Err(why) => Err(Failure::new(format!("the language server ended: {why}"))),
    }
}
