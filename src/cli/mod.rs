//! The command line: one file per subcommand. Each takes its arguments, makes one library call, renders, and gives an exit
//! code.
//!
//! Comes in: the process's arguments, environment and standard streams. Goes out: text and an exit code ([`Exit`]). Nothing
//! is prepared before the arguments are understood, as a check of one small file should cost hardly more than its start.

#![expect(
    clippy::disallowed_methods,
    reason = "the edge: a command line reads and writes files, and asks for its environment"
)]

#[cfg(feature = "run")]
mod approval;
mod baseline;
mod check;
mod compile;
mod completions;
mod debug;
#[cfg(feature = "run")]
mod demo;
mod engines;
mod exit;
#[cfg(feature = "run")]
mod experiment;
mod explain;
mod faults;
mod files;
mod findings;
mod fix;
mod fmt;
#[cfg(feature = "run")]
mod gameday;
#[cfg(feature = "run")]
mod gate;
mod image;
mod import;
mod init;
mod input;
#[cfg(feature = "run")]
mod intervene;
#[cfg(feature = "run")]
mod journal;
#[cfg(feature = "run")]
mod junit;
#[cfg(feature = "run")]
mod keyboard;
mod later;
mod lint;
#[cfg(feature = "run")]
mod local;
#[cfg(feature = "lsp")]
mod lsp;
mod man;
pub mod output;
mod paths;
#[cfg(feature = "run")]
mod people;
mod place;
mod plan;
#[cfg(feature = "run")]
mod recover;
#[cfg(feature = "run")]
mod report;
#[cfg(feature = "run")]
mod run;
#[cfg(feature = "run")]
mod runs;
mod schema;
#[cfg(feature = "run")]
mod simulate;
#[cfg(feature = "run")]
mod strip;
mod terminal;
#[cfg(feature = "run")]
mod view;
mod which;
mod work;
#[cfg(feature = "run")]
mod world;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub use exit::{Exit, Failure};
use later::Later;
use terminal::{ColorChoice, Terminal};

/// What every help text ends with.
const EXIT_CODES: &str = "\
Exit codes:
  0  clean
  1  findings: errors, or warnings under --deny-warnings; out of date under compile --check
  2  wrong usage, or input that cannot be read";

/// Chaos experiments as checked text: `.chaos` files in, a checked plan and engine manifests out.
#[derive(Debug, Parser)]
#[command(name = "perturb", version, after_help = EXIT_CODES, max_term_width = 100, subcommand_required = true)]
#[command(arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to use colours; NO_COLOR and CLICOLOR_FORCE count where it is `auto`
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(Later<check::Arguments>),
    Fmt(Later<fmt::Arguments>),
    Lint(Later<lint::Arguments>),
    Fix(Later<fix::Arguments>),
    Plan(Later<plan::Arguments>),
    Compile(Later<compile::Arguments>),
    Import(Later<import::Arguments>),
    Init(Later<init::Arguments>),
    Explain(Later<explain::Arguments>),
    Faults(Later<faults::Arguments>),
    Engines(Later<engines::Arguments>),
    #[cfg(feature = "run")]
    Local(Later<local::Arguments>),
    #[cfg(feature = "run")]
    Demo(Later<demo::Arguments>),
    #[cfg(feature = "run")]
    #[command(name = "__local", hide = true)]
    LocalPart(Later<local::Parts>),

    #[cfg(feature = "lsp")]
    Lsp(Later<lsp::Arguments>),
    #[cfg(feature = "run")]
    Run(Later<run::Arguments>),
    #[cfg(feature = "run")]
    Approve(Later<approval::Arguments>),
    #[cfg(feature = "run")]
    Recover(Later<recover::Arguments>),
    #[cfg(feature = "run")]
    Intervene(Later<intervene::Arguments>),
    #[cfg(feature = "run")]
    Gate(Later<gate::Arguments>),
    #[cfg(feature = "run")]
    Runs(Later<runs::RunsArguments>),
    #[cfg(feature = "run")]
    Show(Later<runs::ShowArguments>),
    #[cfg(feature = "run")]
    Report(Later<report::Arguments>),
    #[cfg(feature = "run")]
    Simulate(Later<simulate::Arguments>),
    #[cfg(feature = "run")]
    Test(Later<simulate::TestArguments>),
    #[cfg(feature = "run")]
    #[command(hide = true)]
    Watchdog(Later<recover::WatchArguments>),
    Schema(Later<schema::Arguments>),
    Debug(Later<debug::Arguments>),
    Completions(Later<completions::Arguments>),
    Man(Later<man::Arguments>),
}

/// What the process was started with.
fn parsed(command: clap::Command) -> Result<Cli, clap::Error> {
    // Thousands of small parts, in a process that may be over in two milliseconds: the system takes them back at once.
    let mut command = std::mem::ManuallyDrop::new(command);
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Runs the command line that the process was started with.
#[must_use]
pub fn main() -> std::process::ExitCode {
    let cli = match parsed(Cli::command()) {
        Ok(cli) => cli,
        // What is shown, help or a mistake, may be about any subcommand.
        Err(_) => match parsed(command()) {
            Ok(cli) => cli,
            Err(error) => {
                // clap itself knows to print help on standard output and mistakes on standard error; a closed pipe is quiet.
                let _ = error.print();
                return Exit::of_clap(&error).into();
            }
        },
    };
    let terminal = Terminal::new(cli.color);
    let result = match cli.command {
        Command::Check(arguments) => check::run(&arguments, &terminal),
        Command::Fmt(arguments) => fmt::run(&arguments, &terminal),
        Command::Lint(arguments) => lint::run(&arguments, &terminal),
        Command::Fix(arguments) => fix::run(&arguments, &terminal),
        Command::Plan(arguments) => plan::run(&arguments, &terminal),
        Command::Compile(arguments) => compile::run(&arguments, &terminal),
        Command::Import(arguments) => import::run(&arguments, &terminal),
        Command::Init(arguments) => init::run(&arguments, &terminal),
        Command::Explain(arguments) => explain::run(&arguments, &terminal),
        Command::Faults(arguments) => faults::run(&arguments, &terminal),
        Command::Engines(arguments) => engines::run(&arguments, &terminal),
        #[cfg(feature = "lsp")]
        Command::Lsp(arguments) => lsp::run(&arguments),
        #[cfg(feature = "run")]
        Command::Run(arguments) => run::run(&arguments, &terminal),
        #[cfg(feature = "run")]
        Command::Approve(arguments) => approval::run(&arguments, &terminal),
        #[cfg(feature = "run")]
        Command::Intervene(arguments) => intervene::run(&arguments, &terminal),
        #[cfg(feature = "run")]
        Command::Gate(arguments) => gate::run(&arguments, &terminal),
        #[cfg(feature = "run")]
        Command::Recover(arguments) => recover::run(&arguments, &terminal),
        #[cfg(feature = "run")]
        Command::Runs(arguments) => runs::runs(&arguments, &terminal),
        #[cfg(feature = "run")]
        Command::Show(arguments) => runs::show(&arguments, &terminal),
        #[cfg(feature = "run")]
        Command::Report(arguments) => report::run(&arguments, &terminal),
        #[cfg(feature = "run")]
        Command::Simulate(arguments) => simulate::run(&arguments, &terminal),
        #[cfg(feature = "run")]
        Command::Test(arguments) => simulate::test(&arguments, &terminal),
        #[cfg(feature = "run")]
        Command::Watchdog(arguments) => recover::watchdog(&arguments),
        #[cfg(feature = "run")]
        Command::Local(arguments) => local::run(&arguments, &terminal),
        #[cfg(feature = "run")]
        Command::LocalPart(parts) => local::part(&parts),
        #[cfg(feature = "run")]
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments, &terminal),
        Command::Debug(arguments) => debug::run(&arguments, &terminal),
        Command::Completions(arguments) => completions::run(&arguments, &terminal),
        Command::Man(arguments) => man::run(&arguments, &terminal),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            terminal.failure(&failure);
            Exit::Usage.into()
        }
    }
}

/// The command line's own description: what completions, manual pages and `docs/cli.md` are made from.
#[must_use]
pub fn command() -> clap::Command {
    let mut command = Cli::command();
    command.build();
    command
}

/// `docs/cli.md`: the help of every subcommand, as it is printed.
#[must_use]
pub fn reference() -> String {
    let mut text = String::from(
        "# The command line\n\nWritten by a test from `--help`: do not edit (`PERTURB_BLESS=1 cargo test --test it`).\n",
    );
    let mut root = Cli::command().term_width(100);
    root.build();
    section(&mut root, "perturb", &mut text);
    text
}

fn section(command: &mut clap::Command, title: &str, out: &mut String) {
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    out.push_str(&format!("\n## `{title}`\n\n```text\n{}\n```\n", help.join("\n").trim_end()));
    for inner in command.get_subcommands_mut().filter(|c| c.get_name() != "help" && !c.is_hide_set()) {
        let title = format!("{title} {}", inner.get_name());
        section(inner, &title, out);
    }
}
