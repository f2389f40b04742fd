//! PATH arguments: which project they belong to, which files of it are meant, and the texts, checked.
//!
//! Comes in: files, folders and `-`. Goes out: [`Loaded`]. A project is always read whole, as policies and `services` are
//! project-wide; the arguments say whose findings are shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::exit::Failure;
use super::paths;
use super::terminal::Terminal;
use super::work::Placed;
use crate::check::stdlib::Library;
use crate::check::{Checked, Imported, check_with};
use crate::diagnostic::{Diagnostic, nearest, tidy};
use crate::lower;
use crate::project::Project;
use crate::source::disk::{Disk, slashes};
use crate::source::{FileId, ReadError};

/// What standard input is called where nothing else is said.
const STDIN: &str = "<stdin>";

/// Where texts come from: arguments of every command that reads `.chaos` files.
#[derive(Debug, Default, clap::Args)]
pub(super) struct StdinArguments {
    /// With `-`: the file that standard input stands in for, so that its imports and project are found
    #[arg(long, value_name = "PATH")]
    pub stdin_path: Option<PathBuf>,
}

/// The sources that the arguments name.
#[derive(Debug)]
pub(super) struct Input {
    pub project: Project,
    disk: Disk,
    /// What is read.
    roots: Vec<String>,
    /// The files that the arguments name; `None`: all.
    chosen: Option<BTreeSet<String>>,
    /// Whether all files of the project, or of a folder, are read.
    is_whole: bool,
    /// What leads from the working folder to the project.
    pub prefix: String,
}

/// The sources that the arguments name, checked.
#[derive(Debug)]
pub(super) struct Loaded {
    pub project: Project,
    pub checked: Checked,
    /// Every experiment of what was read, and every run that a `verify` makes.
    pub experiments: Vec<Placed>,
    /// What agendas of game days run with arguments of their own.
    of_agendas: Vec<Placed>,
    /// What is wrong with `perturb.toml`.
    pub about_project: Vec<Diagnostic>,
    pub prefix: String,
    /// Whether all files of the project, or of a folder, were read.
    pub is_whole: bool,
    chosen: Option<BTreeSet<String>>,
}

/// A path argument with its absolute form.
struct Argument {
    shown: PathBuf,
    folder: PathBuf,
    /// `None`: the folder itself is meant.
    file: Option<String>,
}

impl Input {
    /// Finds what the arguments name; without any, the project of the working folder.
    ///
    /// # Errors
    /// A path that is not there, paths of several projects, nothing to read.
    pub(super) fn find(given: &[PathBuf], stdin: &StdinArguments, terminal: &Terminal) -> Result<Self, Failure> {
        let here = fs::canonicalize(".").map_err(|e| Failure::io("open", Path::new("."), &e))?;
        let given: &[PathBuf] = if given.is_empty() { &[PathBuf::from(".")] } else { given };
        let is_stdin = |path: &PathBuf| path.as_os_str() == "-";
        if stdin.stdin_path.is_some() && !given.iter().any(is_stdin) {
            return Err(
                Failure::new("`--stdin-path` goes with the path `-`").help("write `perturb check - --stdin-path FILE`")
            );
        }
        let mut arguments = Vec::new();
        for path in given {
            arguments.push(if is_stdin(path) { stdin_argument(stdin, &here)? } else { argument(path)? });
        }
        let mut input = Self::of(&arguments, &here)?;
        for (path, argument) in given.iter().zip(&arguments) {
            if is_stdin(path) {
                let text = read_stdin(terminal)?;
                input.disk.put(input.relative(argument), text);
            } else if argument.file.is_some() && is_stream(path) {
                // `perturb check <(…)`: a pipe is read once, here.
                let text = fs::read(path).map_err(|e| Failure::io("read", path, &e))?;
                input.disk.put(input.relative(argument), text);
            }
        }
        input.choose(&arguments)?;
        Ok(input)
    }

    fn of(arguments: &[Argument], here: &Path) -> Result<Self, Failure> {
        let roots: BTreeMap<Option<PathBuf>, &Argument> =
            arguments.iter().map(|a| (Project::find(&a.folder), a)).collect();
        if roots.len() > 1 {
            let list: Vec<String> = roots
                .iter()
                .map(|(root, a)| match root {
                    Some(root) => format!("`{}` to the project `{}`", a.shown.display(), root.display()),
                    None => format!("`{}` to none", a.shown.display()),
                })
                .collect();
            return Err(Failure::new(format!("these paths are of several projects: {}", list.join(", ")))
                .help("give the paths of one project at a time: each has its own catalogue and policies"));
        }
        let project = match roots.into_keys().next().flatten() {
            Some(root) => {
                Project::open(root.clone()).map_err(|e| Failure::io("read", &root.join("perturb.toml"), &e))?
            }
            None => {
                let folders: Vec<PathBuf> = arguments.iter().map(|a| a.folder.clone()).collect();
                Project::without_settings(paths::common(&folders))
            }
        };
        let prefix = paths::prefix(here, &project.root);
        Ok(Self { disk: project.disk(), project, roots: Vec::new(), chosen: None, is_whole: false, prefix })
    }

    fn relative(&self, argument: &Argument) -> String {
        let folder = argument.folder.strip_prefix(&self.project.root).ok().and_then(slashes).unwrap_or_default();
        match &argument.file {
            None => folder,
            Some(file) if file == STDIN || folder.is_empty() => file.clone(),
            Some(file) => format!("{folder}/{file}"),
        }
    }

    /// Fills in what is read and what is meant.
    fn choose(&mut self, arguments: &[Argument]) -> Result<(), Failure> {
        let mut chosen = BTreeSet::new();
        let mut everything = false;
        for argument in arguments {
            let path = self.relative(argument);
            if argument.file.is_some() {
                chosen.insert(path);
                continue;
            }
            everything |= path.is_empty();
            let files = self.disk.list_under(&path);
            if files.is_empty() {
                return Err(Failure::new(format!("there is no `.chaos` file in `{}`", argument.shown.display()))
                    .help("`perturb init` makes a small project to begin with"));
            }
            chosen.extend(files);
        }
        self.is_whole = self.project.has_settings() || arguments.iter().all(|a| a.file.is_none());
        if self.project.has_settings() {
            let mut roots: BTreeSet<String> = self.disk.list_under("").into_iter().collect();
            // A file that the project excludes, but that is asked for by name, is read too.
            roots.extend(chosen.iter().cloned());
            self.roots = roots.into_iter().collect();
            self.chosen = (!everything).then_some(chosen);
        } else {
            self.roots = chosen.into_iter().collect();
        }
        Ok(())
    }

    /// Puts a text in place of a file, for all that is loaded from now on.
    pub(super) fn put(&mut self, path: &str, text: &str) {
        self.disk.put(path, text.as_bytes().to_vec());
    }

    /// Reads and checks.
    ///
    /// # Errors
    /// A file that is there and cannot be read.
    pub(super) fn load(&self, library: Library) -> Result<Loaded, Failure> {
        let mut checked = check_with(&self.disk, &self.roots, library);
        if let Some(ReadError::Unreadable { path, reason }) = self.disk.unreadable().first() {
            return Err(Failure::new(format!("cannot read `{}{path}`: {reason}", self.prefix)));
        }
        // The bodies of experiments, policies and verifies are checked by the layer that knows what steps mean.
        let mut bodies = lower::check(&checked.program);
        checked.diagnostics.append(&mut bodies.diagnostics);
        let experiments = lower::with_places(&checked.program, bodies.experiments);
        let of_agendas = lower::with_places(&checked.program, bodies.of_agendas);
        let mut project = self.project.clone();
        let about_project = project.report(&mut checked.sources);
        Ok(Loaded {
            project,
            checked,
            experiments,
            of_agendas,
            about_project,
            prefix: self.prefix.clone(),
            is_whole: self.is_whole,
            chosen: self.chosen.clone(),
        })
    }
}

impl Loaded {
    /// Whether the arguments name a file.
    pub(super) fn is_chosen(&self, path: &str) -> bool {
        self.chosen.as_ref().is_none_or(|all| all.contains(path))
    }

    /// The experiments of the files that the arguments name.
    pub(super) fn chosen_experiments(&self) -> impl Iterator<Item = &Placed> {
        self.experiments.iter().filter(|(experiment, _)| self.is_chosen(&experiment.path))
    }

    /// All that is judged of the files that the arguments name: their experiments, and what their agendas run.
    pub(super) fn chosen_to_judge(&self) -> impl Iterator<Item = &Placed> {
        let of_agendas = self.of_agendas.iter().filter(|(experiment, _)| self.is_chosen(&experiment.path));
        self.chosen_experiments().chain(of_agendas)
    }

    /// The files that the arguments name, and all that those import.
    fn reached(&self) -> Option<BTreeSet<FileId>> {
        let chosen = self.chosen.as_ref()?;
        let files = &self.checked.program.files;
        let mut open: Vec<usize> =
            files.iter().enumerate().filter(|(_, f)| chosen.contains(f.path.as_str())).map(|(i, _)| i).collect();
        let mut reached: BTreeSet<usize> = open.iter().copied().collect();
        while let Some(file) = open.pop().and_then(|i| files.get(i)) {
            for imported in file.imports.iter().flatten() {
                if let Imported::File(index) = imported
                    && reached.insert(*index)
                {
                    open.push(*index);
                }
            }
        }
        Some(reached.into_iter().filter_map(|i| files.get(i)).map(|f| f.file.id).collect())
    }

    /// Everything that was found, `more` included, in the files that the arguments name and all that those import; and how
    /// much was found elsewhere.
    pub(super) fn findings(&self, more: Vec<Diagnostic>) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
        let mut all = more;
        all.extend(self.checked.diagnostics.iter().cloned());
        tidy(&mut all);
        self.checked.program.drop_echoes(&mut all);
        self.checked.program.tell_names_once(&mut all);
        let (mut here, mut elsewhere) = match self.reached() {
            None => (all, Vec::new()),
            Some(reached) => all.into_iter().partition(|d| reached.contains(&d.span.file)),
        };
        // The settings concern every file.
        here.extend(self.about_project.iter().cloned());
        tidy(&mut here);
        tidy(&mut elsewhere);
        (here, elsewhere)
    }
}

fn argument(path: &Path) -> Result<Argument, Failure> {
    let about = fs::metadata(path).map_err(|error| missing(path, &error))?;
    let absolute = |path: &Path| fs::canonicalize(path).map_err(|e| Failure::io("open", path, &e));
    if about.is_dir() {
        return Ok(Argument { shown: path.to_owned(), folder: absolute(path)?, file: None });
    }
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(name) = path.file_name().and_then(|n| n.to_str()) else {
        return Err(Failure::new(format!("the name of `{}` is not UTF-8", path.display())));
    };
    Ok(Argument { shown: path.to_owned(), folder: absolute(parent)?, file: Some(name.to_owned()) })
}

pub(super) fn missing(path: &Path, error: &std::io::Error) -> Failure {
    let failure = Failure::io("read", path, error);
    if error.kind() != std::io::ErrorKind::NotFound {
        return failure;
    }
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut names: Vec<String> = fs::read_dir(parent)
        .map(|all| all.flatten().filter_map(|e| e.file_name().into_string().ok()).collect())
        .unwrap_or_default();
    names.sort();
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    match nearest(name, names.iter().map(String::as_str)) {
        Some(meant) => failure.help(format!("did you mean `{}`?", path.with_file_name(meant).display())),
        None => failure,
    }
}

/// Standard input stands in for a file that need not be there, in a folder that must be.
fn stdin_argument(stdin: &StdinArguments, here: &Path) -> Result<Argument, Failure> {
    let Some(path) = &stdin.stdin_path else {
        return Ok(Argument { shown: PathBuf::from("-"), folder: here.to_owned(), file: Some(STDIN.to_owned()) });
    };
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = fs::canonicalize(parent).map_err(|e| Failure::io("open", parent, &e))?;
    let Some(name) = path.file_name().and_then(|n| n.to_str()) else {
        return Err(Failure::new(format!("`--stdin-path {}` names no file", path.display())));
    };
    Ok(Argument { shown: path.clone(), folder, file: Some(name.to_owned()) })
}

pub(super) fn read_stdin(terminal: &Terminal) -> Result<Vec<u8>, Failure> {
    if terminal.input_is_terminal() {
        terminal.say("reading standard input; end it with Ctrl-D\n");
    }
    let mut text = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut text)
        .map_err(|e| Failure::new(format!("cannot read standard input: {}", crate::source::disk::plain(&e))))?;
    Ok(text)
}

#[cfg(unix)]
fn is_stream(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    fs::metadata(path).is_ok_and(|m| m.file_type().is_fifo() || m.file_type().is_char_device())
}

#[cfg(not(unix))]
fn is_stream(_path: &Path) -> bool {
    false
}
