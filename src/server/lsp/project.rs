//! A project that something is open of: its files on the disk with what the editor has over them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::diagnostic::Diagnostic;
use crate::ide::Workspace;
use crate::lint::Levels;
use crate::lower;
use crate::project::Project;
use crate::source::disk::Disk;
use crate::source::{FileId, ReadError, SourceMap, Sources, Span};

/// A project that something is open of.
pub struct Opened {
    /// Its folder.
    pub root: PathBuf,
    /// What is in it.
    pub workspace: Workspace,
    disk: Disk,
    /// Its files, sorted.
    roots: Vec<String>,
    /// Whether there is a `perturb.toml`; else it is no more than what is open.
    has_settings: bool,
    /// When each file was last written, as far as it was read.
    written: BTreeMap<String, Option<SystemTime>>,
    /// Files whose findings are to be told as soon as they are not stale.
    pub pending: BTreeSet<FileId>,
    /// What was last told of each file, where it was anything.
    pub told: BTreeMap<String, Vec<gen_lsp_types::Diagnostic>>,
    /// What is wrong with `perturb.toml` by itself, with its text.
    settings: (Vec<Diagnostic>, SourceMap),
    /// The place that it asks for.
    place: Option<(String, Span)>,
    /// What is wrong with that place, as the files were when all were judged.
    about_place: Option<Diagnostic>,
    /// The teams whose signers it names, each with its place, and what is wrong with their files.
    signers: (Vec<(String, Span)>, Vec<Diagnostic>),
    /// What is wrong with those teams, as the files were when all were judged.
    about_signers: Vec<Diagnostic>,
    /// What its `[lint]` says.
    levels: Levels,
}

/// The project's files, listed from memory: looking at the disk is for when something there has changed.
struct Listed<'a> {
    disk: &'a Disk,
    roots: &'a [String],
}

impl Sources for Listed<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        self.disk.read(path)
    }

    fn list(&self) -> Vec<String> {
        self.roots.to_vec()
    }
}

impl Opened {
    /// Reads the project of a folder, with these texts over its files.
    pub fn new(root: PathBuf, has_settings: bool, open: &[(String, String)]) -> Self {
        let mut opened = Self {
            disk: Disk::new(&root),
            root,
            workspace: Workspace::default(),
            roots: Vec::new(),
            has_settings,
            written: BTreeMap::new(),
            pending: BTreeSet::new(),
            told: BTreeMap::new(),
            settings: (Vec::new(), SourceMap::default()),
            place: None,
            about_place: None,
            signers: (Vec::new(), Vec::new()),
            about_signers: Vec::new(),
            levels: Levels::new(),
        };
        opened.read_settings();
        for (path, text) in open {
            opened.disk.put(path.as_str(), text.clone().into_bytes());
        }
        opened.roots = opened.list(open.iter().map(|(path, _)| path.as_str()));
        opened.workspace = Workspace::open(&Listed { disk: &opened.disk, roots: &opened.roots }, &opened.roots);
        opened.workspace.lint_with(opened.levels.clone(), has_settings);
        opened.watch(open.iter().map(|(path, _)| path.clone()));
        opened.written = opened.roots.iter().map(|path| (path.clone(), opened.written_at(path))).collect();
        opened
    }

    fn read_settings(&mut self) {
        if !self.has_settings {
            return;
        }
        if let Ok(mut project) = Project::open(self.root.clone()) {
            let mut map = SourceMap::default();
            let found = project.report(&mut map);
            let teams = project.settings.signers.iter().map(|(team, named)| (team.clone(), named.team_at)).collect();
            self.signers = (teams, project.missing_signers());
            self.settings = (found, map);
            self.disk = project.disk();
            self.levels = project.settings.lint;
            self.place = project.settings.place;
        }
    }

    /// The files that belong to it: those of the folder, and what is open.
    fn list<'a>(&self, open: impl Iterator<Item = &'a str>) -> Vec<String> {
        let mut all: BTreeSet<String> = open.map(str::to_owned).collect();
        if self.has_settings {
            all.extend(self.disk.list());
        }
        all.into_iter().collect()
    }

    fn written_at(&self, path: &str) -> Option<SystemTime> {
        std::fs::metadata(self.root.join(path)).and_then(|about| about.modified()).ok()
    }

    /// Says which files are open: in these the rules of `lint` look.
    pub fn watch(&mut self, open: impl Iterator<Item = String>) {
        let open: Vec<String> = open.filter(|path| !crate::check::stdlib::is_module(path)).collect();
        self.workspace.watch(&open);
        self.pending.extend(self.workspace.take_changed());
    }

    /// Puts the text of the editor over a file.
    pub fn edit(&mut self, path: &str, text: &str) {
        self.disk.put(path, text.as_bytes().to_vec());
        if self.roots.iter().any(|root| root == path) && self.workspace.file(path).is_some() {
            let sources = Listed { disk: &self.disk, roots: &self.roots };
            self.workspace.edit(&sources, path, text);
        } else {
            let open: Vec<String> = self.roots.iter().cloned().chain([path.to_owned()]).collect();
            self.reopen(open.iter().map(String::as_str));
        }
        self.pending.extend(self.workspace.take_changed());
    }

    /// Takes the text of the editor away: what is on the disk counts again. `open` is what is still open.
    pub fn close(&mut self, path: &str, open: &[String]) {
        self.watch(open.iter().cloned());
        self.disk.take(path);
        self.written.remove(path);
        self.refresh(open);
    }

    fn reopen<'a>(&mut self, open: impl Iterator<Item = &'a str>) {
        self.roots = self.list(open);
        let sources = Listed { disk: &self.disk, roots: &self.roots };
        self.workspace.reopen(&sources, &self.roots);
    }

    /// Reads what has changed on the disk. `open` is what the editor has over it.
    pub fn refresh(&mut self, open: &[String]) {
        let listed = self.list(open.iter().map(String::as_str));
        let mut come_or_gone = listed != self.roots;
        self.roots = listed;
        // Files that are only imported count too: the program knows them.
        let known: Vec<String> =
            self.workspace.program().files.iter().filter(|f| !f.is_std()).map(|f| f.path.to_string()).collect();
        for path in known.into_iter().filter(|path| !open.contains(path)) {
            let written = self.written_at(&path);
            let before = self.written.insert(path.clone(), written);
            if before == Some(written) {
                continue;
            }
            match self.disk.read(&path) {
                Ok(bytes) => {
                    let (text, _) = crate::syntax::decode(FileId(0), &bytes);
                    let index = self.workspace.file(&path);
                    if index.is_some_and(|index| self.workspace.text(index) != text) {
                        let sources = Listed { disk: &self.disk, roots: &self.roots };
                        self.workspace.edit(&sources, &path, &text);
                    }
                }
                Err(_) => come_or_gone = true,
            }
        }
        if come_or_gone {
            let sources = Listed { disk: &self.disk, roots: &self.roots };
            self.workspace.reopen(&sources, &self.roots);
        }
        self.pending.extend(self.workspace.take_changed());
    }

    /// Does one small piece of what an edit or the start has left to do, first for what is open; whether there was any.
    pub fn work(&mut self, open: &[String]) -> bool {
        let is_open = |path: &str| open.iter().any(|o| o == path);
        let root = &self.root;
        let exists = |path: &str| root.join(path).exists();
        let next = self.workspace.next_stale(is_open);
        let did = match next {
            Some(file) if is_open(self.workspace.path(file)) => {
                self.workspace.judge(file);
                true
            }
            _ if self.workspace.lint_one(&exists) => true,
            Some(file) => {
                self.workspace.judge(file);
                true
            }
            None if self.workspace.judge_project() => {
                self.judge_place();
                true
            }
            None => self.workspace.learn_one(),
        };
        self.pending.extend(self.workspace.take_changed());
        did
    }

    /// Whether anything may run at the place that `perturb.toml` asks for, and whether its teams are declared.
    fn judge_place(&mut self) {
        let teams = self.signers.0.iter().map(|(team, at)| (team.as_str(), *at));
        self.about_signers = lower::signers::check(teams, self.workspace.program());
        let Some((text, span)) = &self.place else { return };
        self.about_place = lower::place::check(text, *span, &self.workspace.places());
    }

    /// What is wrong with `perturb.toml`, and its text.
    pub fn found_in_settings(&self) -> (impl Iterator<Item = &Diagnostic>, &SourceMap) {
        let (found, map) = &self.settings;
        (found.iter().chain(&self.about_place).chain(&self.signers.1).chain(&self.about_signers), map)
    }

    /// Looks at this very file with the rules of `lint`, unless its findings are those of its text.
    pub fn lint(&mut self, path: &str) {
        let root = &self.root;
        if let Some(file) = self.workspace.file(path) {
            self.workspace.judge(file);
            self.workspace.lint_now(file, &|path: &str| root.join(path).exists());
            self.pending.extend(self.workspace.take_changed());
        }
    }

    /// Judges this very file.
    pub fn judge(&mut self, path: &str) {
        if let Some(file) = self.workspace.file(path) {
            self.workspace.judge(file);
            self.pending.extend(self.workspace.take_changed());
        }
    }

    /// Files whose findings are to be told now.
    pub fn take_ready(&mut self) -> Vec<FileId> {
        let pending = std::mem::take(&mut self.pending);
        let workspace = &self.workspace;
        let is_stale = |id: &FileId| {
            let path = workspace.sources().get(*id).map(|f| f.path.clone());
            path.and_then(|path| workspace.file(&path)).is_some_and(|file| workspace.is_stale(file))
        };
        let (stale, ready) = pending.into_iter().partition(is_stale);
        self.pending = stale;
        ready.into_iter().collect()
    }

    /// Where a file lies.
    pub fn path_of(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}

/// The folder of a file's project, and whether there is a `perturb.toml`. A file of no project is one of its own.
pub fn root_of(file: &Path) -> (PathBuf, bool) {
    let folder = file.parent().unwrap_or(Path::new("/"));
    match Project::find(folder) {
        Some(root) => (root, true),
        None => (folder.to_path_buf(), false),
    }
}
