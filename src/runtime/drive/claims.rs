//! What no two runs on this machine may hit at once, wherever their journals are.
//!
//! Comes in: things in an engine's own words (`process 4711@882310`, `address 127.0.0.1:8080`). Goes out: all of them are this
//! run's until it ends, or the name of the run that has one. A claim is a file that its run holds locked: the kernel lets go of it
//! with the process, however that ends, and what it says tells where the journal is that knows what may be left.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::runtime::journal::{Journal, Owner};
use crate::runtime::machine::outstanding;

/// Who has something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The run.
    pub run: String,
    /// Its journal.
    pub journal: PathBuf,
    /// Its process.
    pub owner: Owner,
    /// What it has.
    pub what: String,
}

impl Holder {
    /// Whether its journal says that something may be left. A journal that is gone says nothing.
    fn has_left_something(&self) -> bool {
        let records = || Journal::open(&self.journal).ok()?.records(&self.run).ok();
        self.journal.is_file() && records().is_some_and(|records| !outstanding(records.iter()).is_empty())
    }
}

/// Why something cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// In words.
    pub why: String,
    /// The run that had it is over and may have left something: once that is undone, it can be taken.
    pub left_by: Option<Box<Holder>>,
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self { why, left_by: None }
    }
}

/// The claims of one run. One that is dropped without being given back (the run broke off, or something may be left) still says
/// whose it was.
#[derive(Debug)]
pub struct Claims {
    folder: PathBuf,
    run: String,
    journal: PathBuf,
    held: BTreeMap<String, (PathBuf, File)>,
}

impl Claims {
    /// None yet.
    #[must_use]
    pub fn of(run: &str, journal: &Path) -> Self {
        Self::within(folder(), run, journal)
    }

    fn within(folder: PathBuf, run: &str, journal: &Path) -> Self {
        Self { folder, run: run.to_owned(), journal: whole(journal), held: BTreeMap::new() }
    }

    /// Takes all of these, or none.
    ///
    /// # Errors
    /// Who has one of them.
    pub fn take(&mut self, things: &[String]) -> Result<(), Refused> {
        let mut fresh = Vec::new();
        for thing in things {
            if self.held.contains_key(thing) {
                continue;
            }
            match self.claim(thing) {
                Ok(claim) => {
                    self.held.insert(thing.clone(), claim);
                    fresh.push(thing.clone());
                }
                Err(reason) => {
                    self.give_back(&fresh);
                    return Err(reason);
                }
            }
        }
        Ok(())
    }

    /// Gives these back.
    pub fn give_back(&mut self, things: &[String]) {
        for thing in things {
            if let Some((path, file)) = self.held.remove(thing) {
                // While it is locked: nobody else has it open as theirs.
                let _ = fs::remove_file(path);
                drop(file);
            }
        }
    }

    /// Gives all back: nothing is left of what they were for.
    pub fn end(&mut self) {
        let all: Vec<String> = self.held.keys().cloned().collect();
        self.give_back(&all);
    }

    fn claim(&self, thing: &str) -> Result<(PathBuf, File), Refused> {
        let failed = |error: io::Error| format!("{thing} cannot be claimed in {}: {error}", self.folder.display());
        make(&self.folder).map_err(failed)?;
        let path = self.folder.join(name_of(thing));
        loop {
            let mut file =
                File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
            if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
                return Err(match read(&mut file) {
                    Some(by) => format!(
                        "{thing} is held by the run `{}` (process {}, journal {})",
                        by.run,
                        by.owner.pid,
                        by.journal.display()
                    ),
                    None => format!("{thing} is held by another run, which begins just now"),
                }
                .into());
            }
            // It was given back between the two calls: this is no longer the file that others open.
            if !is_at(&file, &path) {
                continue;
            }
            if let Some(before) = read(&mut file).filter(Holder::has_left_something) {
                let journal = before.journal.display();
                let why = format!(
                    "{thing} may still be hit by the run `{}`, which is over: perturb recover --journal {journal}",
                    before.run
                );
                return Err(Refused { why, left_by: Some(Box::new(before)) });
            }
            let owner = Owner::this();
            let own = Holder { run: self.run.clone(), journal: self.journal.clone(), owner, what: thing.to_owned() };
            write(&mut file, &own).map_err(failed)?;
            return Ok((path, file));
        }
    }
}

/// A journal's path as claims hold it: whoever reads one stands in another folder.
fn whole(journal: &Path) -> PathBuf {
    std::path::absolute(journal).unwrap_or_else(|_| journal.to_owned())
}

/// Takes away what a run that broke off had claimed, once nothing of it is left; and what runs had claimed whose journal is gone, as
/// nobody will ever undo anything by that.
pub fn forget(run: &str, journal: &Path) {
    forget_within(&folder(), run, journal);
}

fn forget_within(folder: &Path, run: &str, journal: &Path) {
    let journal = whole(journal);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(mut file) = File::options().read(true).write(true).open(&path) else { continue };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() || !is_at(&file, &path) {
            continue;
        }
        let is_theirs = |holder: Holder| holder.run == run && holder.journal == journal || !holder.journal.is_file();
        if read(&mut file).is_some_and(is_theirs) {
            // While it is locked: nobody else has it open as theirs.
            let _ = fs::remove_file(&path);
        }
    }
}

/// The same for every session of a user, whatever its environment says: two runs must meet here.
fn folder() -> PathBuf {
    PathBuf::from(format!("/tmp/perturb-{}-claims", rustix::process::getuid().as_raw()))
}

fn make(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).recursive(true).create(folder)?;
    // Somebody else's folder of this name could hide one run from another.
    if rustix::fs::stat(folder)?.st_uid != rustix::process::getuid().as_raw() {
        return Err(io::Error::other("the folder belongs to another user"));
    }
    Ok(())
}

fn name_of(thing: &str) -> String {
    Sha256::digest(thing.as_bytes()).iter().take(16).map(|b| format!("{b:02x}")).collect()
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write(file: &mut File, holder: &Holder) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&serde_json::to_vec(holder).map_err(io::Error::other)?)
}

fn is_at(file: &File, path: &Path) -> bool {
    match (rustix::fs::fstat(file), rustix::fs::stat(path)) {
        (Ok(own), Ok(there)) => (own.st_dev, own.st_ino) == (there.st_dev, there.st_ino),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_run_has_another_cannot_take_and_it_is_all_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("claims");
        let claims = |run: &str| Claims::within(place.clone(), run, Path::new("j.db"));
        let (mut one, mut two) = (claims("one"), claims("two"));
        one.take(&["a".into(), "b".into()]).unwrap();
        one.take(&["a".into()]).unwrap();
        let said = two.take(&["c".into(), "b".into()]).unwrap_err().why;
        assert!(said.contains("b is held by the run `one`") && said.contains("j.db"), "{said}");
        let mut three = claims("three");
        three.take(&["c".into()]).expect("`c` was given back");
        three.end();
        // What another left is not this run's to forget.
        forget_within(&place, "two", Path::new("j.db"));
        assert_eq!(fs::read_dir(&place).unwrap().count(), 2);
        // It broke off, and its journal is not there: nobody knows of anything that is left.
        drop(one);
        two.take(&["a".into(), "b".into()]).unwrap();
        // It broke off, too, and somebody cleaned up after it.
        drop(two);
        forget_within(&place, "two", Path::new("j.db"));
        assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
        // Of a run whose journal is gone nobody can clean up, and whoever comes by takes its claims away.
        let mut lost = claims("lost");
        lost.take(&["z".into()]).unwrap();
        forget_within(&place, "another", Path::new("other.db"));
        assert_eq!(fs::read_dir(&place).unwrap().count(), 1, "it still goes on");
        drop(lost);
        forget_within(&place, "another", Path::new("other.db"));
        assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
    }
}
