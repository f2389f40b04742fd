//! A program that understands its command line and does nothing: what a start costs, for the gate on Perturb's own.
//!
//! It has subcommands with arguments as `perturb` has them, since a bare `clap::Parser` would flatter no one.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Understands its arguments and ends.
#[derive(Debug, Parser)]
#[command(version)]
struct Idle {
    #[command(subcommand)]
    command: Command,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value = "auto")]
    color: Color,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Would check files
    Check {
        /// Files or folders
        paths: Vec<PathBuf>,
        /// The form of what is found
        #[arg(long)]
        format: Option<String>,
    },
    /// Would compile files
    Compile {
        /// Files or folders
        paths: Vec<PathBuf>,
        /// The engine
        #[arg(long)]
        engine: String,
    },
}

fn main() {
    std::hint::black_box(Idle::parse());
}
