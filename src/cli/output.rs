//! Writes output folders: whole or not at all, touching only what changed, and never what others wrote.
//!
//! Comes in: the files that a folder should hold ([`Folder`]). Goes out: the folder, and what was changed. What may be
//! changed is decided in [`crate::manifest::folder`]; here are only the effects.
//!
//! How a write is whole: new files are written and synced in `.perturb.stage` inside the folder; then a journal of what
//! will be done is put there (from here on the write can be undone); then each file is renamed into place, the one that
//! it replaces kept in the stage; then the journal is removed (from here on the write is done). An error on the way
//! undoes what was done. A kill, Ctrl-C or a power cut leaves the journal, and the next write undoes by it first, so
//! there is no signal to catch. `check` says so and changes nothing.
//!
//! It must never follow a link out of the folder, and never leave a folder that neither the old nor the new files
//! describe without a journal beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::manifest::folder::{self, Changes, Conflict, Digest, Drift, Folder, Found, INDEX, Index, IndexError};

#[cfg(test)]
mod tests;

/// Where new and old files wait. `Folder` refuses the name for a file.
const STAGE: &str = ".perturb.stage";
/// The list of steps, in the stage.
const JOURNAL: &str = "journal";

/// Why a folder could not be written or looked at. Unless a variant says otherwise, nothing in the folder changed.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Files are in the way that must not be touched. Not to be retried: a person decides.
    #[error("nothing was written to `{}`:{}", dir.display(), lines(conflicts))]
    Conflicts {
        /// The folder.
        dir: PathBuf,
        /// What is in the way.
        conflicts: Vec<Conflict>,
    },
    /// The list of what was written is damaged (a merge conflict?). A person mends or removes it.
    #[error("cannot read `{}`, the list of what perturb wrote: {source}; restore it, or remove it and compile again", path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// Where.
        source: IndexError,
    },
    /// Another process writes into the folder. May be retried once that has ended.
    #[error("another perturb is writing to `{}`; wait until it has ended", .0.display())]
    Busy(PathBuf),
    /// The file system refused. May be retried when space or permission is there.
    #[error("cannot {doing} `{}`: {source}; nothing in the output folder changed", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file system refused, and refused again when the folder was to be put back. The next write puts it back first.
    #[error("`{}` is half written and could not be put back: {source}; mend the cause and compile again, that puts it back first", dir.display())]
    HalfWritten {
        /// The folder.
        dir: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

fn lines(conflicts: &[Conflict]) -> String {
    conflicts.iter().map(|conflict| format!("\n  {conflict}")).collect()
}

/// What becomes of files that an earlier compilation wrote, and that this one does not make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// They go: the folder holds what was compiled, and no more.
    Removed,
    /// They stay as they are, in the list too: only some experiments were compiled.
    Kept,
}

/// What a write goes by.
struct Lists {
    /// What is to be there, as far as this write is about it.
    wanted: Index,
    /// What was there, as far as this write is about it.
    before: Index,
    /// The list of files as it is.
    old: Index,
    /// The list of files as it is to be.
    new: Index,
}

impl Lists {
    fn of(dir: &Path, folder: &Folder, rest: Rest) -> Result<Self, OutputError> {
        let (wanted, old) = (folder.index(), read_index(dir)?);
        Ok(match rest {
            Rest::Removed => Self { new: wanted.clone(), before: old.clone(), wanted, old },
            Rest::Kept => {
                let (others, before) = old.clone().split(&wanted);
                Self { new: wanted.clone().and(others), before, wanted, old }
            }
        })
    }
}

/// Makes `dir` hold the files of `folder`, beside those of others, and tells what changed.
///
/// # Errors
/// [`OutputError`]; the folder is then as it was, but for [`OutputError::HalfWritten`].
pub fn write(dir: &Path, folder: &Folder, rest: Rest, force: bool) -> Result<Changes, OutputError> {
    write_watched(dir, folder, rest, force, &mut || Ok(()))
}

/// How `dir` differs from the files of `folder`. Changes nothing.
///
/// # Errors
/// [`OutputError`] if the folder cannot be read.
pub fn check(dir: &Path, folder: &Folder, rest: Rest) -> Result<Drift, OutputError> {
    let Lists { wanted, before, .. } = Lists::of(dir, folder, rest)?;
    let found = look(dir, &wanted, &before)?;
    let mut drift = folder::drift(&wanted, &before, |path| found.get(path).copied().unwrap_or(Found::Nothing));
    drift.interrupted = dir.join(STAGE).join(JOURNAL).exists();
    Ok(drift)
}

/// Asked before each step that changes the disk. Tests let it fail, or end the process.
type Watch<'w> = dyn FnMut() -> io::Result<()> + 'w;

fn write_watched(
    dir: &Path,
    folder: &Folder,
    rest: Rest,
    force: bool,
    watch: &mut Watch<'_>,
) -> Result<Changes, OutputError> {
    let made = missing_parents(dir);
    fs::create_dir_all(dir).map_err(at("create the folder", dir))?;
    let result = write_existing(dir, folder, rest, force, watch);
    if result.is_err() {
        // Only empty ones go: what was there before is not in the list, and what is in use cannot be removed.
        made.iter().for_each(|made| drop(fs::remove_dir(made)));
    }
    result
}

fn write_existing(
    dir: &Path,
    folder: &Folder,
    rest: Rest,
    force: bool,
    watch: &mut Watch<'_>,
) -> Result<Changes, OutputError> {
    let _lock = lock(dir)?;
    put_back(dir)?;
    let Lists { wanted, before, old, new } = Lists::of(dir, folder, rest)?;
    let found = look(dir, &wanted, &before)?;
    let changes = folder::compare(&wanted, &before, |path| found.get(path).copied().unwrap_or(Found::Nothing), force)
        .map_err(|conflicts| OutputError::Conflicts { dir: dir.to_owned(), conflicts })?;
    if changes.is_empty() && new == old {
        return Ok(changes);
    }
    let stage = Stage { dir, path: dir.join(STAGE) };
    let steps = stage.steps(&changes);
    if let Err(error) = stage.fill(folder, &new, &steps, watch) {
        // No file of the folder was touched yet; should the stage stay, the next write removes it.
        let _ = fs::remove_dir_all(&stage.path);
        return Err(error);
    }
    let done = stage.apply(&steps, watch).and_then(|()| {
        watch().and_then(|()| fs::remove_file(stage.path.join(JOURNAL))).map_err(at("finish writing", &stage.path))
    });
    if let Err(error) = done {
        put_back(dir)?;
        return Err(error);
    }
    // Done. What follows is sweeping, and may fail: the next write sweeps what is left.
    let _ = fs::remove_dir_all(&stage.path);
    changes.remove.iter().for_each(|path| prune(dir, path));
    Ok(changes)
}

/// One step of a write, in the journal. Numbers name files in the stage: `7` is new, `7.old` is what stood there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Step {
    Remove { number: usize, path: String },
    Replace { number: usize, path: String },
    Folder { path: String },
    Create { number: usize, path: String, digest: String },
}

impl Step {
    fn path(&self) -> &str {
        match self {
            Step::Remove { path, .. }
            | Step::Replace { path, .. }
            | Step::Folder { path }
            | Step::Create { path, .. } => path,
        }
    }
}

struct Stage<'d> {
    dir: &'d Path,
    path: PathBuf,
}

impl Stage<'_> {
    fn new_file(&self, number: usize) -> PathBuf {
        self.path.join(number.to_string())
    }

    fn old_file(&self, number: usize) -> PathBuf {
        self.path.join(format!("{number}.old"))
    }

    /// What has to be done, in order; the index comes last.
    fn steps(&self, changes: &Changes) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut folders = BTreeSet::new();
        for path in &changes.remove {
            steps.push(Step::Remove { number: steps.len(), path: path.clone() });
        }
        for path in &changes.replace {
            steps.push(Step::Replace { number: steps.len(), path: path.clone() });
        }
        for path in &changes.create {
            for (slash, _) in path.match_indices('/') {
                let parent = path.get(..slash).unwrap_or_default();
                if folders.insert(parent) && !self.dir.join(parent).exists() {
                    steps.push(Step::Folder { path: parent.to_owned() });
                }
            }
            steps.push(Step::Create { number: steps.len(), path: path.clone(), digest: String::new() });
        }
        let (number, path) = (steps.len(), INDEX.to_owned());
        let there = self.dir.join(INDEX).exists();
        steps.push(if there {
            Step::Replace { number, path }
        } else {
            Step::Create { number, path, digest: String::new() }
        });
        steps
    }

    /// Writes the new files and the journal into the stage.
    fn fill(&self, folder: &Folder, list: &Index, steps: &[Step], watch: &mut Watch<'_>) -> Result<(), OutputError> {
        let index = list.text();
        let mut journal = steps.to_vec();
        let mut files = Vec::new();
        watch().and_then(|()| fs::create_dir(&self.path)).map_err(at("create the folder", &self.path))?;
        for step in &mut journal {
            let (number, path) = match &*step {
                Step::Replace { number, path } | Step::Create { number, path, .. } => (*number, path),
                Step::Remove { .. } | Step::Folder { .. } => continue,
            };
            let text = if path == INDEX { &index } else { folder.get(path).unwrap_or_default() };
            let file = self.new_file(number);
            watch().and_then(|()| fs::write(&file, text)).map_err(at("write", &file))?;
            files.push(file);
            if let Step::Create { digest, .. } = step {
                *digest = Digest::of(text.as_bytes()).to_string();
            }
        }
        // All at once: a file system writes a thousand files that wait together far faster than one after the other.
        files.par_iter().try_for_each(|file| sync(file).map_err(at("write", file)))?;
        let (draft, journal_file) = (self.path.join("journal.new"), self.path.join(JOURNAL));
        let text = serde_json::to_string(&journal).map_err(|e| at("write", &draft)(e.into()))?;
        watch()
            .and_then(|()| fs::write(&draft, text))
            .and_then(|()| sync(&draft))
            .and_then(|()| watch())
            .and_then(|()| fs::rename(&draft, &journal_file))
            .and_then(|()| sync_folder(&self.path))
            .map_err(at("write", &journal_file))
    }

    /// Does the steps. The journal is there.
    fn apply(&self, steps: &[Step], watch: &mut Watch<'_>) -> Result<(), OutputError> {
        let mut touched = BTreeSet::from([self.dir.to_owned()]);
        for step in steps {
            let place = self.dir.join(step.path());
            touched.extend(place.parent().map(Path::to_owned));
            watch().and_then(|()| self.apply_one(step, &place, watch)).map_err(at("write", &place))?;
        }
        touched.iter().try_for_each(|folder| sync_folder(folder).map_err(at("write", folder)))
    }

    fn apply_one(&self, step: &Step, place: &Path, watch: &mut Watch<'_>) -> io::Result<()> {
        match step {
            Step::Remove { number, .. } => fs::rename(place, self.old_file(*number)),
            Step::Replace { number, .. } => {
                keep(place, &self.old_file(*number))?;
                watch()?;
                fs::rename(self.new_file(*number), place)
            }
            Step::Folder { .. } => fs::create_dir(place),
            Step::Create { number, .. } => {
                // A link fails where a file has come into being meanwhile; a rename would overwrite it.
                match fs::hard_link(self.new_file(*number), place) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        fs::rename(self.new_file(*number), place)
                    }
                    other => other,
                }
            }
        }
    }
}

/// Keeps the file at `place` as `old` too, without a moment in which it is not at its place.
fn keep(place: &Path, old: &Path) -> io::Result<()> {
    fs::hard_link(place, old).or_else(|_| {
        // A file system without links. The copy must be whole before it counts: it gets its name last.
        let draft = old.with_extension("copy");
        fs::copy(place, &draft)?;
        sync(&draft)?;
        fs::rename(&draft, old)
    })
}

/// Undoes what an earlier write left half done, if any, and removes its stage. May itself be interrupted and done again.
fn put_back(dir: &Path) -> Result<(), OutputError> {
    let stage = Stage { dir, path: dir.join(STAGE) };
    if !stage.path.exists() {
        return Ok(());
    }
    undo(&stage).map_err(|source| OutputError::HalfWritten { dir: dir.to_owned(), source })
}

fn undo(stage: &Stage<'_>) -> io::Result<()> {
    let journal = stage.path.join(JOURNAL);
    if journal.exists() {
        let steps: Vec<Step> = serde_json::from_slice(&fs::read(&journal)?)?;
        for step in steps.iter().rev() {
            // The journal lies in a folder that may come out of git: it is believed no more than an index.
            if !folder::is_inside(step.path()) || leads_elsewhere(stage.dir, step.path()) {
                return Err(io::Error::other(format!("`{}` in its journal leads out of the folder", step.path())));
            }
            undo_one(stage, step, &stage.dir.join(step.path()))?;
        }
        sync_folder(stage.dir)?;
        fs::remove_file(&journal)?;
    }
    fs::remove_dir_all(&stage.path)
}

fn undo_one(stage: &Stage<'_>, step: &Step, place: &Path) -> io::Result<()> {
    match step {
        Step::Remove { number, .. } | Step::Replace { number, .. } => {
            let old = stage.old_file(*number);
            if old.exists() { fs::rename(old, place) } else { Ok(()) }
        }
        Step::Create { digest, .. } => match fs::read(place) {
            Ok(bytes) if Digest::of(&bytes).to_string() == *digest => fs::remove_file(place),
            // Not come to, or somebody else's by now.
            _ => Ok(()),
        },
        Step::Folder { .. } => {
            // Not come to, or somebody put a file there meanwhile: then it stays.
            let _ = fs::remove_dir(place);
            Ok(())
        }
    }
}

/// What is at each path of the two indices.
fn look(dir: &Path, wanted: &Index, before: &Index) -> Result<BTreeMap<String, Found>, OutputError> {
    let paths: BTreeSet<&str> = wanted.paths().chain(before.paths()).collect();
    paths.into_par_iter().map(|path| Ok((path.to_owned(), look_at(dir, path)?))).collect()
}

fn look_at(dir: &Path, path: &str) -> Result<Found, OutputError> {
    if leads_elsewhere(dir, path) {
        return Ok(Found::Other);
    }
    let place = dir.join(path);
    match fs::symlink_metadata(&place) {
        Ok(there) if there.is_file() => {
            let bytes = fs::read(&place).map_err(at("read", &place))?;
            Ok(Found::File(Digest::of(&bytes)))
        }
        Ok(_) => Ok(Found::Other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(at("look at", &place)(error)),
    }
}

/// Whether one of the folders on the way to `path` is no folder, but a link or a file.
fn leads_elsewhere(dir: &Path, path: &str) -> bool {
    path.match_indices('/').any(|(slash, _)| {
        let parent = dir.join(path.get(..slash).unwrap_or_default());
        fs::symlink_metadata(parent).is_ok_and(|there| !there.is_dir())
    })
}

fn read_index(dir: &Path) -> Result<Index, OutputError> {
    let path = dir.join(INDEX);
    match fs::read_to_string(&path) {
        Ok(text) => Index::parse(&text).map_err(|source| OutputError::Index { path, source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Index::default()),
        Err(error) => Err(at("read", &path)(error)),
    }
}

/// One writer at a time: the operating system gives the lock back when a process ends, however it ends. A child that is being
/// started holds the locks of its parent for a moment, so one that was just given back may not be free at once.
#[cfg(unix)]
fn lock(dir: &Path) -> Result<fs::File, OutputError> {
    const TRIES: u32 = 20;
    const BETWEEN: std::time::Duration = std::time::Duration::from_millis(10);
    let file = fs::File::open(dir).map_err(at("open", dir))?;
    for _ in 0..TRIES {
        match file.try_lock() {
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(BETWEEN),
            // Some network file systems know no locks; there people have to take care themselves.
            Err(fs::TryLockError::Error(_)) | Ok(()) => return Ok(file),
        }
    }
    Err(OutputError::Busy(dir.to_owned()))
}

/// Folders cannot be locked here.
#[cfg(not(unix))]
fn lock(_dir: &Path) -> Result<(), OutputError> {
    Ok(())
}

/// Removes the folders that led to a removed file, as far as nothing else is in them.
fn prune(dir: &Path, path: &str) {
    for (slash, _) in path.rmatch_indices('/') {
        if fs::remove_dir(dir.join(path.get(..slash).unwrap_or_default())).is_err() {
            return;
        }
    }
}

/// The folders that have to be made for `dir`, innermost first.
fn missing_parents(dir: &Path) -> Vec<PathBuf> {
    dir.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists()).map(Path::to_owned).collect()
}

fn sync(file: &Path) -> io::Result<()> {
    fs::OpenOptions::new().write(true).open(file)?.sync_all()
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Folders cannot be synced here.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

fn at(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OutputError {
    let path = path.to_owned();
    move |source| OutputError::Io { doing, path, source }
}
