//! `perturb explain`: the page of a code.

use std::fmt::Write as _;

use super::exit::{Exit, Failure};
use super::terminal::{Stream, Terminal};
use crate::diagnostic::render::json::severity_word;
use crate::diagnostic::{Code, pages};

/// Explains a code: what it means, why it matters, a wrong text and the same repaired
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The code, such as P0301
    #[arg(value_name = "CODE", required_unless_present = "list")]
    code: Option<String>,
    /// Lists all codes
    #[arg(long, conflicts_with = "code")]
    list: bool,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let color = terminal.look(Stream::Output, "").color;
    let Some(text) = &arguments.code else {
        let mut out = String::new();
        for row in Code::all() {
            let _ = writeln!(out, "{}  {:<7}  {}", row.code, severity_word(row.severity), row.title);
        }
        terminal.print(&out)?;
        return Ok(Exit::Clean);
    };
    let Some(code) = Code::parse(text) else {
        let known: Vec<String> = Code::all().iter().map(|row| row.code.to_string()).collect();
        let failure = Failure::new(format!("there is no code `{text}`"));
        let upper = text.to_ascii_uppercase();
        return Err(match crate::diagnostic::nearest(&upper, known.iter().map(String::as_str)) {
            Some(meant) => failure.help(format!("did you mean `{meant}`? `perturb explain --list` lists them all")),
            None => failure.help("`perturb explain --list` lists them all"),
        });
    };
    let page = pages::text(code);
    terminal.print(&if color { headings(&page) } else { page.into_owned() })?;
    Ok(Exit::Clean)
}

/// The page with its headings in bold.
fn headings(page: &str) -> String {
    let mut fenced = false;
    let mut out = String::new();
    for line in page.lines() {
        fenced ^= line.starts_with("```");
        if line.starts_with('#') && !fenced {
            let _ = writeln!(out, "\u{1b}[1m{line}\u{1b}[0m");
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
