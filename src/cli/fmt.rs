//! `perturb fmt`: files in their one layout.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::exit::{Exit, Failure};
use super::files::{difference, expand, read_text, replace, text_of};
use super::findings::{FindingsArguments, FormatChoice, show};
use super::input::{StdinArguments, read_stdin};
use super::terminal::{Stream, Terminal};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::render::counted;
use crate::source::{FileId, SourceMap, Span};
use crate::{format, syntax};

/// Formats files: one layout, no options
///
/// Comments and blank lines stay; what the text means stays too. An item that does not fit the grammar is left as it is
/// and told, and the exit code is 1.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files, folders, or `-` for standard input, whose text goes to standard output [default: this folder]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing; exit with 1 if a file is not formatted
    #[arg(long)]
    check: bool,
    /// Write nothing; print what would change, and exit with 1 if anything would
    #[arg(long)]
    diff: bool,
    #[command(flatten)]
    stdin: StdinArguments,
}

/// A file, and what came of it.
struct Done {
    path: PathBuf,
    /// The text as it was; with U+FFFD where it was none.
    before: String,
    /// `None`: it is formatted.
    after: Option<String>,
    found: Vec<Diagnostic>,
    failure: Option<Failure>,
    /// Whether its bytes are no text, so that there is nothing to format.
    is_no_text: bool,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let given = if arguments.paths.is_empty() { &[PathBuf::from(".")] } else { arguments.paths.as_slice() };
    let is_stdin = |path: &PathBuf| path.as_os_str() == "-";
    if given.iter().any(is_stdin) {
        if given.len() > 1 {
            return Err(Failure::new("`-` stands alone: standard input goes to standard output, files are rewritten"));
        }
        return standard_input(arguments, terminal);
    }
    if arguments.stdin.stdin_path.is_some() {
        return Err(
            Failure::new("`--stdin-path` goes with the path `-`").help("write `perturb fmt - --stdin-path FILE`")
        );
    }
    let writes = !arguments.check && !arguments.diff;
    let done: Vec<Done> = expand(given)?.into_par_iter().map(|path| file(path, writes)).collect();
    report(&done, arguments, terminal)
}

fn file(path: PathBuf, writes: bool) -> Done {
    let text = match read_text(&path) {
        Ok(Ok(text)) => text,
        Ok(Err(diagnostic)) => {
            let before = std::fs::read(&path).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
            return Done { path, before, after: None, found: vec![*diagnostic], failure: None, is_no_text: true };
        }
        Err(failure) => {
            return Done {
                path,
                before: String::new(),
                after: None,
                found: vec![],
                failure: Some(failure),
                is_no_text: false,
            };
        }
    };
    let mut done = formatted(path, text);
    if let (true, Some(after)) = (writes, &done.after) {
        done.failure = replace(&done.path, after).err();
    }
    done
}

fn formatted(path: PathBuf, before: String) -> Done {
    let parse = syntax::parse(FileId(0), &before);
    let after = format::format(&parse, &before).text;
    let found: Vec<Diagnostic> = parse.diagnostics.iter().filter(|d| d.is_error()).cloned().collect();
    if after == before {
        return Done { path, before, after: None, found, failure: None, is_no_text: false };
    }
    // Before a file of somebody is replaced, that nothing is lost is not only believed.
    if !format::is_same(&before, &after) {
        let message = format!("`{}` is left as it is: its layout would not say the same", path.display());
        let failure = Failure::new(message).help("this is a mistake of perturb's: please report it with the file");
        return Done { path, before, after: None, found, failure: Some(failure), is_no_text: false };
    }
    Done { path, before, after: Some(after), found, failure: None, is_no_text: false }
}

fn standard_input(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let name = arguments.stdin.stdin_path.clone().unwrap_or_else(|| PathBuf::from("<stdin>"));
    let bytes = read_stdin(terminal)?;
    let shown = String::from_utf8_lossy(&bytes).into_owned();
    let done = match text_of(bytes) {
        Ok(text) => formatted(name, text),
        Err(diagnostic) => {
            Done { path: name, before: shown, after: None, found: vec![*diagnostic], failure: None, is_no_text: true }
        }
    };
    if arguments.check || arguments.diff {
        return report(&[done], arguments, terminal);
    }
    if let Some(failure) = done.failure {
        return Err(failure);
    }
    // An editor puts this in place of its text: what cannot be formatted comes back as it was.
    terminal.print(done.after.as_deref().unwrap_or(&done.before))?;
    tell(&[done], terminal)
}

/// Says what is wrong with the files, on standard error.
fn tell(done: &[Done], terminal: &Terminal) -> Result<Exit, Failure> {
    let mut sources = SourceMap::default();
    let mut found = Vec::new();
    for one in done.iter().filter(|d| !d.found.is_empty()) {
        let id = sources.add(name(&one.path), one.before.as_str());
        let moved = |span: Span| Span { file: id, ..span };
        for diagnostic in &one.found {
            let mut diagnostic = diagnostic.clone();
            diagnostic.span = moved(diagnostic.span);
            diagnostic.labels.iter_mut().for_each(|l| l.span = moved(l.span));
            diagnostic.fixes.iter_mut().flat_map(|f| &mut f.edits).for_each(|e| e.span = moved(e.span));
            found.push(diagnostic);
        }
    }
    let plain = FindingsArguments { format: FormatChoice::Human, deny_warnings: false };
    let exit = show(&found, &sources, "", &plain, Stream::Error, terminal, None)?;
    Ok(exit)
}

fn name(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

fn report(done: &[Done], arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let changed: Vec<&Done> = done.iter().filter(|d| d.after.is_some() && d.failure.is_none()).collect();
    let writes = !arguments.check && !arguments.diff;
    for one in &changed {
        if let (true, Some(after)) = (arguments.diff, &one.after) {
            let color = terminal.look(Stream::Output, "").color;
            terminal.print(&difference(&name(&one.path), &one.before, after, color))?;
        } else if arguments.check {
            terminal.print(&format!("{}: not formatted\n", name(&one.path)))?;
        }
    }
    let exit = tell(done, terminal)?;
    let failed = done.iter().filter_map(|d| d.failure.as_ref()).inspect(|f| terminal.failure(f)).count();
    // A file that cannot be read as text is not as it should be, and was not looked at.
    let unread = done.iter().filter(|d| d.is_no_text && d.failure.is_none()).count();
    let rest = counted(done.len() - changed.len() - failed - unread, "file");
    let count = counted(changed.len(), "file");
    let are_some = done.len() > failed + unread;
    terminal.say(&match (changed.is_empty(), writes) {
        (true, _) if !are_some => String::new(),
        (true, _) => format!("{rest} as they should be\n"),
        (false, true) => format!("{count} formatted, {rest} as they were\n"),
        (false, false) => format!("{count} to be formatted, {rest} as they should be\n"),
    });
    Ok(match exit {
        _ if failed > 0 => Exit::Usage,
        Exit::Clean if !writes && !changed.is_empty() => Exit::Findings,
        exit => exit,
    })
}
