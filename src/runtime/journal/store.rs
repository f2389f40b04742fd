//! The SQLite file.

#![expect(
    clippy::disallowed_methods,
    reason = "the edge: whether the file is there, and whether its log is empty, is asked of the disk"
)]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration as Pause;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};
use sha2::{Digest, Sha256};
use smol_str::SmolStr;

use super::line::{Begun, Line, Taken};
use super::{JOURNAL_VERSION, Owner};
use crate::runtime::machine::{Record, locked_thing};
use crate::types::Duration;

/// How long another process's transaction is waited for. None takes longer than a write to disk.
const BUSY: Pause = Pause::from_secs(5);

/// Why a journal could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// SQLite says no: a full disk, a file that is no journal, no permission.
    #[error("{path}: {source}")]
    Store {
        /// The file.
        path: String,
        /// Why.
        source: rusqlite::Error,
    },
    /// It was written by a newer Perturb.
    #[error("{path} has version {found} of the journal's form, and this Perturb reads {JOURNAL_VERSION}")]
    Newer {
        /// The file.
        path: String,
        /// Its version.
        found: u32,
    },
    /// It is a database, and another one.
    #[error("{path} is no journal: {why}")]
    Other {
        /// The file.
        path: String,
        /// How that is known.
        why: &'static str,
    },
    /// Another process took the run over.
    #[error("another process took the run `{run}` over")]
    TakenOver {
        /// The run.
        run: SmolStr,
    },
    /// Something is held by another run.
    #[error("{} is held by the run `{by}`", locked_thing(key))]
    Held {
        /// What.
        key: SmolStr,
        /// By whom.
        by: SmolStr,
    },
    /// A line cannot be read: it was changed.
    #[error("line {seq} of the run `{run}` cannot be read: {why}")]
    Unreadable {
        /// The run.
        run: SmolStr,
        /// The line.
        seq: u64,
        /// Why.
        why: String,
    },
    /// There is no such run.
    #[error("there is no run `{0}`")]
    Unknown(String),
    /// Several runs begin so.
    #[error("{1} runs begin with `{0}`: give more of the id")]
    Several(String, usize),
    /// The file was taken away, or another put in its place, while it was open.
    #[error("{path} was taken away while the run went on: what is written now would be seen by nobody")]
    TakenAway {
        /// The file.
        path: String,
    },
}

impl JournalError {
    /// Whether it could be that the file can only be read.
    fn is_about_writing(&self) -> bool {
        matches!(self, Self::Store { source, .. } if wants_to_write(source))
    }
}

/// Whether SQLite failed where it writes: a disk that is full, or can only be read.
fn wants_to_write(source: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, DiskFull, ReadOnly, SystemIoFailure};
    matches!(source.sqlite_error_code(), Some(CannotOpen | DiskFull | ReadOnly | SystemIoFailure))
}

/// Who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// The process that holds the run.
    Runner,
    /// One that cleans up after it.
    Rescue,
}

impl Writer {
    fn text(self) -> &'static str {
        match self {
            Self::Runner => "runner",
            Self::Rescue => "rescue",
        }
    }
}

/// One line as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// From 1.
    pub seq: u64,
    /// Since the run began.
    pub at: Duration,
    /// Milliseconds since 1970.
    pub wall: i64,
    /// `runner` or `rescue`.
    pub writer: String,
    /// What it says.
    pub line: Line,
    /// Its digest.
    pub digest: String,
}

/// A run as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// Its id.
    pub id: SmolStr,
    /// When it began, milliseconds since 1970.
    pub began: i64,
    /// The experiment.
    pub experiment: String,
    /// `ENVIRONMENT/CLUSTER`.
    pub place: String,
    /// The digest of the experiment's text.
    pub text_digest: String,
    /// Its verdict; `None`: it has not ended.
    pub verdict: Option<String>,
    /// The process that it belongs to.
    pub owner: Owner,
}

/// The end of a run's chain as a writer knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The run.
    pub run: SmolStr,
    /// The last line's number.
    pub seq: u64,
    /// Its digest.
    pub digest: String,
}

/// What a check of the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// Every line is as it was written; so many, and the last digest.
    Whole {
        /// How many lines.
        lines: u64,
        /// The last digest: whoever noted it elsewhere can compare.
        digest: String,
    },
    /// This line, or what should be there, is not as it was written.
    Changed {
        /// The line.
        seq: u64,
        /// What is wrong.
        what: String,
    },
}

/// The file.
#[derive(Debug)]
pub struct Journal {
    connection: Connection,
    path: PathBuf,
    /// Which file it is, where the system tells files apart: device and number.
    file: Option<(u64, u64)>,
}

/// Which file is at a path now.
fn file_at(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|about| (about.dev(), about.ino()))
}

/// A run is listed, and its first line written, in one moment: milliseconds that are enough for it on a busy machine.
const BEGINS: u64 = 60_000;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS runs (
  id TEXT PRIMARY KEY, began INTEGER NOT NULL, experiment TEXT NOT NULL, place TEXT NOT NULL, text_digest TEXT NOT NULL,
  verdict TEXT, owner TEXT NOT NULL, seq INTEGER NOT NULL, digest TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS lines (
  run TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, wall INTEGER NOT NULL, writer TEXT NOT NULL,
  body TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS locks (key TEXT PRIMARY KEY, run TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS told (run TEXT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS lines_stay BEFORE UPDATE ON lines BEGIN SELECT RAISE(ABORT, 'lines are only added'); END;
CREATE TRIGGER IF NOT EXISTS lines_remain BEFORE DELETE ON lines BEGIN SELECT RAISE(ABORT, 'lines are only added'); END;
";

/// The form that a file says it has.
fn version(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT value FROM meta WHERE key = 'version'", [], |row| row.get(0)).optional()
}

/// Whether this program knows the form.
fn is_known(path: &Path, found: &str) -> Result<(), JournalError> {
    match found.parse().unwrap_or(u32::MAX) {
        found if found > JOURNAL_VERSION => Err(JournalError::Newer { path: path.display().to_string(), found }),
        _ => Ok(()),
    }
}

fn has_tables(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_master)", [], |row| row.get(0))
}

/// Moves what is in the log into the file itself: who loses the log, or has a damaged one, loses nothing of that. What is in the
/// log is on disk already, so it is no failure if somebody who reads meanwhile is in the way.
fn settle(connection: &Connection) {
    let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
}

impl Journal {
    /// Opens a journal that must be there already.
    ///
    /// # Errors
    /// As [`Journal::open`]; and if nothing was ever written into it.
    pub fn open_existing(path: &Path) -> Result<Self, JournalError> {
        let is_empty = std::fs::metadata(path).is_ok_and(|meta| meta.len() == 0);
        match is_empty {
            true => Err(JournalError::Other { path: path.display().to_string(), why: "the file is empty" }),
            false => Self::open(path),
        }
    }

    /// Opens the file, or makes it. Its folder must be there.
    ///
    /// # Errors
    /// It is no journal, of a newer form, or cannot be written.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        match Self::open_to_write(path) {
            // A disk that turned read-only keeps what is on it, and an undo needs no more: so does whoever only reads.
            Err(error) if error.is_about_writing() && path.is_file() => Self::open_to_read(path).map_err(|_| error),
            done => done,
        }
    }

    /// Opens a journal that cannot be written to: what is added fails.
    fn open_to_read(path: &Path) -> Result<Self, JournalError> {
        let store = |source| JournalError::Store { path: path.display().to_string(), source };
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        // Without lines that still stand in the log, the file is all there is, and SQLite needs no other beside it. With them, those
        // files are there already.
        let is_whole = std::fs::metadata(log).map_or(true, |meta| meta.len() == 0);
        let escaped: String = path.as_os_str().as_encoded_bytes().iter().fold(String::new(), |mut text, byte| {
            let _ = match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                    write!(text, "{}", char::from(*byte))
                }
                byte => write!(text, "%{byte:02x}"),
            };
            text
        });
        let how = if is_whole { "immutable=1" } else { "mode=ro" };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(format!("file:{escaped}?{how}"), flags).map_err(store)?;
        connection.busy_timeout(BUSY).map_err(store)?;
        let found = version(&connection).map_err(store)?;
        is_known(path, &found.ok_or_else(|| store(rusqlite::Error::QueryReturnedNoRows))?)?;
        Ok(Self { connection, path: path.to_owned(), file: file_at(path) })
    }

    fn open_to_write(path: &Path) -> Result<Self, JournalError> {
        let store = |source| JournalError::Store { path: path.display().to_string(), source };
        let connection = Connection::open(path).map_err(store)?;
        connection.busy_timeout(BUSY).map_err(store)?;
        // First it is only read. In somebody else's database, or in one of a newer form, nothing is changed, not even how it is kept. And
        // whoever cleans up after a runner that stands still in the middle of a transaction must not wait for that.
        let is_new = match version(&connection) {
            Ok(Some(found)) => {
                is_known(path, &found)?;
                false
            }
            Err(source) if source.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
                return Err(store(source));
            }
            // SQLite writes to read what is in the log. A journal on a full disk is not damaged.
            Err(source) if wants_to_write(&source) => return Err(store(source)),
            // Of one that lost its tables nobody says that all is well.
            Ok(None) | Err(_) if has_tables(&connection).map_err(store)? => {
                let path = path.display().to_string();
                return Err(JournalError::Other { path, why: "it is a database of something else, or damaged" });
            }
            Ok(None) | Err(_) => true,
        };
        let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).map_err(store)?;
        if mode != "wal" {
            connection.pragma_update(None, "journal_mode", "WAL").map_err(store)?;
        }
        connection.pragma_update(None, "synchronous", "FULL").map_err(store)?;
        let mut journal = Self { connection, path: path.to_owned(), file: file_at(path) };
        if is_new {
            journal.create().map_err(store)?;
        }
        Ok(journal)
    }

    fn create(&mut self) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(SCHEMA)?;
        let ours = JOURNAL_VERSION.to_string();
        transaction.execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('version', ?1)", params![ours])?;
        transaction.commit()?;
        settle(&self.connection);
        Ok(())
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn store(&self, source: rusqlite::Error) -> JournalError {
        store_error(&self.path, source)
    }

    /// Begins a run.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin(&mut self, run: &RunRow, begun: Begun, wall: i64) -> Result<Head, JournalError> {
        let owner = serde_json::to_string(&run.owner).unwrap_or_default();
        let mut head = Head { run: run.id.clone(), seq: 0, digest: String::new() };
        let path = self.path.clone();
        let line = Line::Begun { begun: Box::new(begun) };
        let mut write = || -> rusqlite::Result<()> {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute(
                "INSERT INTO runs (id, began, experiment, place, text_digest, owner, seq, digest)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, '')",
                params![run.id.as_str(), run.began, run.experiment, run.place, run.text_digest, owner],
            )?;
            insert(&transaction, &mut head, Duration::ZERO, wall, Writer::Runner, &line)?;
            transaction.commit()
        };
        write().map_err(|source| store_error(&path, source))?;
        Ok(head)
    }

    /// Adds lines in one transaction: all are on disk when it returns, or none is.
    ///
    /// # Errors
    /// It cannot be written, or another process took the run over.
    pub fn append(
        &mut self,
        head: &mut Head,
        writer: Writer,
        lines: &[(Duration, i64, Line)],
    ) -> Result<(), JournalError> {
        let path = self.path.clone();
        let store = |source| store_error(&path, source);
        if file_at(&path) != self.file {
            return Err(JournalError::TakenAway { path: path.display().to_string() });
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store)?;
        let mut next = head.clone();
        if !is_head(&transaction, head).map_err(store)? {
            return Err(JournalError::TakenOver { run: head.run.clone() });
        }
        for (at, wall, line) in lines {
            insert(&transaction, &mut next, *at, *wall, writer, line).map_err(store)?;
        }
        transaction.commit().map_err(store)?;
        *head = next;
        // What an undo needs does not hang on the log beside the file.
        if lines.iter().any(|(_, _, line)| matches!(line.record(), Some(Record::Intent { .. }))) {
            settle(&self.connection);
        }
        Ok(())
    }

    /// Whether nobody else wrote to the run.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn is_ours(&self, head: &Head) -> Result<bool, JournalError> {
        is_head(&self.connection, head).map_err(|source| self.store(source))
    }

    /// Takes a run over from a process that is gone. `None`: it has ended, or its process lives and `because` is not given.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn take_over(
        &mut self,
        run: &str,
        taken: Taken,
        even_if_alive: bool,
        at: Duration,
        wall: i64,
    ) -> Result<Option<Head>, JournalError> {
        let path = self.path.clone();
        let store = |source| store_error(&path, source);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store)?;
        let row: Option<(i64, String, String)> = transaction
            .query_row("SELECT seq, digest, owner FROM runs WHERE id = ?1", params![run], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()
            .map_err(store)?;
        let Some((seq, digest, owner)) = row else { return Err(JournalError::Unknown(run.to_owned())) };
        let lives = serde_json::from_str::<Owner>(&owner).is_ok_and(|owner| owner.lives());
        if lives && !even_if_alive {
            return Ok(None);
        }
        let mut head = Head { run: run.into(), seq: seq.unsigned_abs(), digest };
        insert(&transaction, &mut head, at, wall, Writer::Rescue, &Line::Taken { taken }).map_err(store)?;
        let owner = serde_json::to_string(&Owner::this()).unwrap_or_default();
        transaction.execute("UPDATE runs SET owner = ?2 WHERE id = ?1", params![run, owner]).map_err(store)?;
        transaction.commit().map_err(store)?;
        Ok(Some(head))
    }

    /// All runs, the latest first.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn runs(&self) -> Result<Vec<RunRow>, JournalError> {
        let read = || -> rusqlite::Result<Vec<RunRow>> {
            let mut statement = self.connection.prepare(
                "SELECT id, began, experiment, place, text_digest, verdict, owner FROM runs ORDER BY began DESC, id DESC",
            )?;
            let rows = statement.query_map([], |row| {
                let owner: String = row.get(6)?;
                let gone = Owner { pid: 0, started: 1, boot: String::new() };
                Ok(RunRow {
                    id: row.get::<_, String>(0)?.into(),
                    began: row.get(1)?,
                    experiment: row.get(2)?,
                    place: row.get(3)?,
                    text_digest: row.get(4)?,
                    verdict: row.get(5)?,
                    owner: serde_json::from_str(&owner).unwrap_or(gone),
                })
            })?;
            rows.collect()
        };
        read().map_err(|source| self.store(source))
    }

    /// The run of an id, or of its beginning if only one has it.
    ///
    /// # Errors
    /// There is none, or several.
    pub fn find(&self, id: &str) -> Result<RunRow, JournalError> {
        let runs = self.runs()?;
        if let Some(run) = runs.iter().find(|r| r.id == id) {
            return Ok(run.clone());
        }
        let near: Vec<RunRow> = runs.into_iter().filter(|r| !id.is_empty() && r.id.starts_with(id)).collect();
        match near.as_slice() {
            [run] => Ok(run.clone()),
            [] => Err(JournalError::Unknown(id.to_owned())),
            several => Err(JournalError::Several(id.to_owned(), several.len())),
        }
    }

    /// Every line of a run.
    ///
    /// # Errors
    /// It cannot be read, or a line is none.
    pub fn entries(&self, run: &str) -> Result<Vec<Entry>, JournalError> {
        let mut entries = Vec::new();
        for raw in self.raw(run)? {
            let line = serde_json::from_str(&raw.body).map_err(|e| JournalError::Unreadable {
                run: run.into(),
                seq: raw.seq,
                why: e.to_string(),
            })?;
            let at = Duration::from_nanos(raw.at.unsigned_abs()).unwrap_or_default();
            entries.push(Entry { seq: raw.seq, at, wall: raw.wall, writer: raw.writer, line, digest: raw.digest });
        }
        Ok(entries)
    }

    /// The lines of a run that are as they were written, each judged by itself; and what is wrong with the others. An undo is made of
    /// these alone: a line that was changed could name what is somebody else's.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn trusted(&self, run: &str) -> Result<(Vec<Entry>, Vec<String>), JournalError> {
        // Somebody else may be writing: the watchdog, while a person recovers.
        let _view = self.connection.unchecked_transaction().map_err(|source| self.store(source))?;
        let (mut whole, mut wrong) = (Vec::new(), Vec::new());
        let (mut before, mut expected) = (String::new(), 1);
        for raw in self.raw(run)? {
            if raw.seq != expected {
                wrong.push(format!("line {expected} of the run `{run}` is missing"));
            }
            let is_whole = raw.digest == digest(&before, run, raw.seq, raw.at, raw.wall, &raw.writer, &raw.body);
            match serde_json::from_str(&raw.body) {
                _ if !is_whole => {
                    wrong.push(format!("line {} of the run `{run}`: its digest is that of other words", raw.seq));
                }
                Err(why) => wrong.push(format!("line {} of the run `{run}` cannot be read: {why}", raw.seq)),
                Ok(line) => {
                    let at = Duration::from_nanos(raw.at.unsigned_abs()).unwrap_or_default();
                    let (seq, wall, digest) = (raw.seq, raw.wall, raw.digest.clone());
                    whole.push(Entry { seq, at, wall, writer: raw.writer, line, digest });
                }
            }
            (before, expected) = (raw.digest, raw.seq + 1);
        }
        let last: Option<i64> = self
            .connection
            .query_row("SELECT seq FROM runs WHERE id = ?1", params![run], |row| row.get(0))
            .optional()
            .map_err(|source| self.store(source))?;
        if last.map(i64::unsigned_abs) != Some(expected - 1) {
            wrong.push(format!("lines at the end of the run `{run}` are missing"));
        }
        Ok((whole, wrong))
    }

    /// What the machine wrote in a run.
    ///
    /// # Errors
    /// As [`Journal::entries`].
    pub fn records(&self, run: &str) -> Result<Vec<Record>, JournalError> {
        let entries = self.entries(run)?;
        Ok(entries.into_iter().filter_map(|e| e.line.record().cloned()).collect())
    }

    fn raw(&self, run: &str) -> Result<Vec<Raw>, JournalError> {
        let read = || -> rusqlite::Result<Vec<Raw>> {
            let mut statement = self
                .connection
                .prepare("SELECT seq, at, wall, writer, body, digest FROM lines WHERE run = ?1 ORDER BY seq")?;
            let rows = statement.query_map(params![run], |row| {
                Ok(Raw {
                    seq: row.get::<_, i64>(0)?.unsigned_abs(),
                    at: row.get(1)?,
                    wall: row.get(2)?,
                    writer: row.get(3)?,
                    body: row.get(4)?,
                    digest: row.get(5)?,
                })
            })?;
            rows.collect()
        };
        read().map_err(|source| self.store(source))
    }

    /// Checks the chain of a run: nothing was changed, added in between or taken away.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn verify(&self, run: &str) -> Result<Verified, JournalError> {
        // One view of the file for both reads: who writes meanwhile has changed nothing.
        let _view = self.connection.unchecked_transaction().map_err(|source| self.store(source))?;
        let head: Option<(i64, String)> = self
            .connection
            .query_row("SELECT seq, digest FROM runs WHERE id = ?1", params![run], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(|source| self.store(source))?;
        let Some((last, head)) = head else { return Err(JournalError::Unknown(run.to_owned())) };
        let mut before = String::new();
        let mut expected = 1;
        for raw in self.raw(run)? {
            if raw.seq != expected {
                return Ok(Verified::Changed { seq: expected, what: "the line is missing".to_owned() });
            }
            let digest = digest(&before, run, raw.seq, raw.at, raw.wall, &raw.writer, &raw.body);
            if digest != raw.digest {
                return Ok(Verified::Changed { seq: raw.seq, what: "its digest is that of other words".to_owned() });
            }
            before = digest;
            expected += 1;
        }
        let lines = expected - 1;
        if lines != last.unsigned_abs() || before != head {
            return Ok(Verified::Changed { seq: lines + 1, what: "lines at the end are missing".to_owned() });
        }
        match self.listed_otherwise(run)? {
            Some(what) => Ok(Verified::Changed { seq: lines, what }),
            None => Ok(Verified::Whole { lines, digest: before }),
        }
    }

    /// What the list of runs says otherwise than the run's own lines, which alone are in the chain.
    fn listed_otherwise(&self, run: &str) -> Result<Option<String>, JournalError> {
        let Some(row) = self.runs()?.into_iter().find(|row| row.id == run) else { return Ok(None) };
        let entries = self.entries(run)?;
        let ended = entries.iter().rev().find_map(|entry| match entry.line.record() {
            Some(Record::Ended { outcome }) => Some(outcome.verdict.text()),
            _ => None,
        });
        let said = |what: &str, list: &str, lines: &str| {
            (list != lines)
                .then(|| format!("the list of runs says that its {what} is `{list}`, and its lines `{lines}`"))
        };
        let verdict = said("verdict", row.verdict.as_deref().unwrap_or("none"), ended.unwrap_or("none"));
        let plan = entries.iter().find_map(|entry| entry.line.begun()?.plan());
        Ok(verdict
            .or_else(|| {
                let plan = plan?;
                said("experiment", &row.experiment, &plan.name)
                    .or_else(|| said("place", &row.place, &plan.place.to_string()))
                    .or_else(|| said("text digest", &row.text_digest, &plan.text_digest))
            })
            .or_else(|| {
                let began = entries.first()?.wall;
                (row.began.abs_diff(began) > BEGINS)
                    .then(|| "the list of runs says that it began at another time".to_owned())
            }))
    }

    /// Takes locks for a run, all or none. What a run holds already it may take again; what a run held that has ended with
    /// nothing left is free.
    ///
    /// # Errors
    /// One is held by another run.
    pub fn lock(&mut self, run: &str, keys: &[SmolStr]) -> Result<(), JournalError> {
        let path = self.path.clone();
        let store = |source| store_error(&path, source);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store)?;
        for key in keys {
            let holder: Option<String> = transaction
                .query_row("SELECT run FROM locks WHERE key = ?1", params![key.as_str()], |row| row.get(0))
                .optional()
                .map_err(store)?;
            if let Some(by) = holder.filter(|by| by != run)
                && holds(&transaction, &by).map_err(store)?
            {
                return Err(JournalError::Held { key: key.clone(), by: by.into() });
            }
            transaction
                .execute("INSERT OR REPLACE INTO locks (key, run) VALUES (?1, ?2)", params![key.as_str(), run])
                .map_err(store)?;
        }
        transaction.commit().map_err(store)
    }

    /// Tells a run something from outside: only its own process writes lines, and it hears this within a second.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn tell(&mut self, run: &str, who: &str, what: &str) -> Result<(), JournalError> {
        let told = self.connection.execute("INSERT INTO told (run, who, what) VALUES (?1, ?2, ?3)", [run, who, what]);
        told.map(|_| ()).map_err(|source| self.store(source))
    }

    /// What a run was told since it asked last: who, and what.
    ///
    /// # Errors
    /// It cannot be read, or not be taken.
    pub fn told(&mut self, run: &str) -> Result<Vec<(String, String)>, JournalError> {
        let heard = || -> rusqlite::Result<Vec<(String, String)>> {
            let is_told = "SELECT EXISTS (SELECT 1 FROM told WHERE run = ?1)";
            // Mostly nobody says anything, and nothing is written then.
            if !self.connection.query_row(is_told, [run], |row| row.get(0))? {
                return Ok(Vec::new());
            }
            let mut statement = self.connection.prepare("DELETE FROM told WHERE run = ?1 RETURNING who, what")?;
            statement.query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        heard().map_err(|source| store_error(&self.path, source))
    }

    /// Gives back all that a run holds.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn unlock(&mut self, run: &str) -> Result<(), JournalError> {
        let done = self.connection.execute("DELETE FROM locks WHERE run = ?1", params![run]);
        done.map(|_| ()).map_err(|source| self.store(source))
    }
}

struct Raw {
    seq: u64,
    at: i64,
    wall: i64,
    writer: String,
    body: String,
    digest: String,
}

fn store_error(path: &Path, source: rusqlite::Error) -> JournalError {
    JournalError::Store { path: path.display().to_string(), source }
}

/// Whether a run still needs its locks: it has not ended, or something of it may be left. One that never began (a dry run that
/// died) needs none.
fn holds(connection: &Connection, run: &str) -> rusqlite::Result<bool> {
    let verdict: Option<Option<String>> =
        connection.query_row("SELECT verdict FROM runs WHERE id = ?1", params![run], |row| row.get(0)).optional()?;
    Ok(match verdict {
        None => false,
        Some(None) => true,
        Some(Some(verdict)) => verdict == "error",
    })
}

fn is_head(connection: &Connection, head: &Head) -> rusqlite::Result<bool> {
    let found: Option<(i64, String)> = connection
        .query_row("SELECT seq, digest FROM runs WHERE id = ?1", params![head.run.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(found.is_some_and(|(seq, digest)| seq.unsigned_abs() == head.seq && digest == head.digest))
}

fn insert(
    transaction: &Transaction<'_>,
    head: &mut Head,
    at: Duration,
    wall: i64,
    writer: Writer,
    line: &Line,
) -> rusqlite::Result<()> {
    let body = serde_json::to_string(line).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
    let at = i64::try_from(at.as_nanos()).unwrap_or(i64::MAX);
    let seq = head.seq + 1;
    let digest = digest(&head.digest, &head.run, seq, at, wall, writer.text(), &body);
    let number = i64::try_from(seq).unwrap_or(i64::MAX);
    transaction.execute(
        "INSERT INTO lines (run, seq, at, wall, writer, body, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![head.run.as_str(), number, at, wall, writer.text(), body, digest],
    )?;
    let verdict = match line.record() {
        Some(Record::Ended { outcome }) => Some(outcome.verdict.text()),
        _ => None,
    };
    transaction.execute(
        "UPDATE runs SET seq = ?2, digest = ?3, verdict = coalesce(?4, verdict) WHERE id = ?1",
        params![head.run.as_str(), number, digest, verdict],
    )?;
    head.seq = seq;
    head.digest = digest;
    Ok(())
}

/// The digest of a line: of all that it holds, and of the line before it. Each part is preceded by its length, so that nothing
/// can move from one part into the next.
fn digest(before: &str, run: &str, seq: u64, at: i64, wall: i64, writer: &str, body: &str) -> String {
    let mut hash = Sha256::new();
    for part in [before, run, &seq.to_string(), &at.to_string(), &wall.to_string(), writer, body] {
        hash.update(part.len().to_string());
        hash.update(b":");
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
