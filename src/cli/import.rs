//! `perturb import`: manifests of others as `.chaos` files.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use super::exit::{Exit, Failure};
use super::findings::{FindingsArguments, show};
use super::terminal::{Stream, Terminal};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::render::counted;
use crate::import::{Given, Imported, Options, import};
use crate::source::{SourceMap, Span};

/// Ends of the names of files that are read in folders.
const MANIFESTS: [&str; 3] = ["yaml", "yml", "json"];

/// Turns manifests of Chaos Mesh and Litmus, and experiments of Chaos Toolkit, into .chaos files
///
/// Kinds become faults with units, selectors become services in a catalogue, Workflows become methods, Schedules become
/// verifies; comments are kept. Nothing is written if something has no equivalent, unless `--lossy` says to leave it out.
/// What comes out still needs you: manifests say neither what must hold nor who owns a service, and `perturb check` points
/// at each place.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files, folders (their .yaml, .yml and .json files), or `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The folder to write a catalogue and a file for each manifest into, or `-` for one text
    #[arg(short, long, value_name = "DIR", default_value = "-")]
    output: PathBuf,
    /// Leaves out what has no equivalent, with a `// lost:` comment in its place
    #[arg(long)]
    lossy: bool,
    /// Says what was made, what was left to Perturb, and how much was lost
    #[arg(long)]
    report: bool,
    /// Writes over files that are there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    findings: FindingsArguments,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let given = read(&arguments.files)?;
    let together = arguments.output.as_os_str() == "-";
    let imported = import(&given, Options { lossy: arguments.lossy, together });
    let Imported { files, sources, diagnostics, .. } = &imported;
    let exit = show(diagnostics, sources, "", &arguments.findings, Stream::Error, terminal, None)?;
    if arguments.report {
        terminal.say(&report(&imported, given.len()));
    }
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Ok(Exit::Findings);
    }
    if together {
        files.iter().try_for_each(|(_, text)| terminal.print(text))?;
    } else {
        write(&arguments.output, files, arguments.force)?;
        terminal.say(&format!("`{}`: {} written\n", arguments.output.display(), counted(files.len(), "file")));
    }
    Ok(exit)
}

/// What was made, and what not.
fn report(imported: &Imported, given: usize) -> String {
    let Imported { sources, notes, counts, .. } = imported;
    let mut text = format!(
        "{}: {}, {}, {}; {} lost, {} passed over\n",
        counted(given, "file"),
        counted(counts.experiments, "experiment"),
        counted(counts.verifies, "schedule"),
        counted(counts.services, "service"),
        counts.lost,
        counted(counts.passed_over, "document"),
    );
    for (span, note) in notes {
        let _ = writeln!(text, "  {}: {note}", place(sources, *span));
    }
    text
}

fn place(sources: &SourceMap, span: Span) -> String {
    let Some(file) = sources.get(span.file) else { return String::new() };
    let at = file.line_column(span.start);
    format!("{}:{}:{}", file.path, at.line, at.column)
}

/// Every file that is meant, in order; those of a folder sorted.
fn read(paths: &[PathBuf]) -> Result<Vec<Given>, Failure> {
    let mut given = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            let limit = crate::source::disk::LARGEST;
            std::io::stdin()
                .take(limit + 1)
                .read_to_end(&mut bytes)
                .map_err(|e| Failure::io("read", Path::new("standard input"), &e))?;
            if bytes.len() as u64 > limit {
                return Err(Failure::new(format!("standard input has more than {limit} bytes")));
            }
            given.push(Given { name: "standard input".to_owned(), bytes });
        } else if path.is_dir() {
            let found = folder(path)?;
            if found.is_empty() {
                return Err(Failure::new(format!("there is no manifest in `{}`", path.display()))
                    .help(format!("in folders, files are read whose names end in .{}", MANIFESTS.join(", ."))));
            }
            for path in found {
                given.push(file(&path)?);
            }
        } else {
            given.push(file(path)?);
        }
    }
    Ok(given)
}

fn file(path: &Path) -> Result<Given, Failure> {
    let bytes = crate::source::disk::read_file(path).map_err(|e| Failure::io("read", path, &e))?;
    let name = path.display().to_string().replace('\\', "/");
    Ok(Given { name: name.strip_prefix("./").unwrap_or(&name).to_owned(), bytes })
}

fn folder(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in WalkBuilder::new(path).follow_links(false).require_git(false).git_global(false).build() {
        let entry = entry.map_err(|e| Failure::new(format!("cannot read `{}`: {e}", path.display())))?;
        let is_manifest = entry.path().extension().and_then(|e| e.to_str()).is_some_and(|e| MANIFESTS.contains(&e));
        if is_manifest && entry.file_type().is_some_and(|t| t.is_file()) {
            found.push(entry.into_path());
        }
    }
    found.sort();
    Ok(found)
}

/// Writes all files or none: what is there already stops it, unless it is to be written over.
fn write(folder: &Path, files: &[(String, String)], force: bool) -> Result<(), Failure> {
    if !force {
        let there: Vec<String> =
            files.iter().filter(|(name, _)| folder.join(name).exists()).map(|(name, _)| format!("`{name}`")).collect();
        if !there.is_empty() {
            return Err(Failure::new(format!(
                "nothing was written: `{}` has {} already",
                folder.display(),
                there.join(", ")
            ))
            .help("choose another folder, or write over them with `--force`"));
        }
    }
    std::fs::create_dir_all(folder).map_err(|e| Failure::io("make", folder, &e))?;
    // All new files first, then each put in its place: a full disk leaves what was there.
    let mut ready = Vec::with_capacity(files.len());
    for (name, text) in files {
        let mut new = new_file(folder).map_err(|e| Failure::io("write", folder, &e))?;
        std::io::Write::write_all(&mut new, text.as_bytes()).map_err(|e| Failure::io("write", folder, &e))?;
        ready.push((new, folder.join(name)));
    }
    for (new, path) in ready {
        new.persist(&path).map_err(|e| Failure::io("write", &path, &e.error))?;
    }
    Ok(())
}

/// A temporary file is private; these are sources, which others read.
fn new_file(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o644));
    }
    builder.tempfile_in(folder)
}
