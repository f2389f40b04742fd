//! Perturb in Zed: which program the language server is. Zed compiles this when the extension is installed.

use zed_extension_api as zed;

struct Perturb;

impl zed::Extension for Perturb {
    fn new() -> Self {
        Self
    }

    /// The `perturb` of the project's own environment, so that the editor says what the terminal says.
    fn language_server_command(
        &mut self,
        _server: &zed::LanguageServerId,
        worktree: &zed::Worktree,
    ) -> zed::Result<zed::Command> {
        let command = worktree
            .which("perturb")
            .ok_or("`perturb` is not on the PATH: install it, then restart the server")?;
        Ok(zed::Command { command, args: vec!["lsp".to_owned()], env: worktree.shell_env() })
    }
}

zed::register_extension!(Perturb);
