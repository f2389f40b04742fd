//! A process of its own that undoes what a dead runner left.
//!
//! Comes in: a journal, a run, and a byte on standard input twice a second for as long as the runner lives. Goes out: nothing;
//! or, once the bytes stop, everything undone. It leads a session of its own, so that neither a lost terminal nor a signal to the
//! runner's group reaches it, and it holds no more than the journal.

#![expect(clippy::disallowed_methods, reason = "the edge: it starts a process, and is one")]

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::engine::drive::Driver;
use crate::runtime::drive::{Rescued, rescue};
use crate::runtime::journal::{JournalError, Taken};

/// A runner that says nothing for this long is gone, or stands still: its faults are undone.
pub const LEASE: Duration = Duration::from_secs(5);

/// How many hundredths of a second it has to end once it is told.
const GOODBYE: u32 = 200;

const READY: &str = "r";
const ALIVE: u8 = b'.';
const DONE: u8 = b'q';

/// How a watchdog is started: the program and what it is told before the journal and the run.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program.
    pub program: PathBuf,
    /// Its first arguments; the journal's path and the run's id follow.
    pub arguments: Vec<OsString>,
}

/// The runner's end.
#[derive(Debug)]
pub struct Watchdog {
    program: Program,
    journal: PathBuf,
    run: String,
    child: Child,
}

impl Watchdog {
    /// Starts it, and returns once it watches.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(program: Program, journal: &Path, run: &str) -> std::io::Result<Self> {
        let child = spawn(&program, journal, run)?;
        Ok(Self { program, journal: journal.to_owned(), run: run.to_owned(), child })
    }

    /// The runner lives. A watchdog that died, or no longer listens, is started again.
    ///
    /// # Errors
    /// There is none, and none can be started: nobody would undo anything if the runner died.
    pub fn beat(&mut self) -> std::io::Result<()> {
        let told = self.child.stdin.as_mut().map(|pipe| pipe.write_all(&[ALIVE]));
        if !matches!(told, Some(Ok(()))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
            self.child = spawn(&self.program, &self.journal, &self.run)?;
        }
        Ok(())
    }

    /// The run is over: nothing is left to watch.
    pub fn dismiss(mut self) {
        if let Some(mut pipe) = self.child.stdin.take() {
            let _ = pipe.write_all(&[DONE]);
        }
        // One that stands still is not waited for: it has nothing to undo.
        for _ in 0..GOODBYE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(program: &Program, journal: &Path, run: &str) -> std::io::Result<Child> {
    let mut child = Command::new(&program.program)
        .args(&program.arguments)
        .arg(journal)
        .arg(run)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(pipe) = &child.stdin {
        // One that stands still must not hold its runner once the pipe is full.
        rustix::fs::fcntl_setfl(pipe, rustix::fs::OFlags::NONBLOCK)?;
    }
    let failed = match first_word(&mut child) {
        Ok(word) if word == READY => return Ok(child),
        Ok(word) if word.is_empty() => std::io::Error::other("it ended before it was ready"),
        Ok(word) => std::io::Error::other(word),
        Err(error) => error,
    };
    let _ = child.kill();
    let _ = child.wait();
    Err(failed)
}

/// What it says first, which must not take long: nothing is undone meanwhile.
fn first_word(child: &mut Child) -> std::io::Result<String> {
    let Some(mut out) = child.stdout.take() else { return Ok(String::new()) };
    let (tell, told) = channel();
    std::thread::Builder::new().spawn(move || {
        let mut word = [0; 200];
        let read = out.read(&mut word).map(|n| String::from_utf8_lossy(word.get(..n).unwrap_or_default()).into_owned());
        let _ = tell.send(read);
    })?;
    told.recv_timeout(LEASE).unwrap_or_else(|_| Err(std::io::Error::other("it did not say that it is ready")))
}

/// The watchdog itself: returns when the runner said that it is done, or when everything is undone.
///
/// # Errors
/// The journal cannot be read.
pub fn watch(journal: &Path, run: &str, drivers: &[Arc<dyn Driver>]) -> Result<Option<Rescued>, JournalError> {
    if let Err(error) = crate::engine::local::process::lead_session() {
        let _ = write!(std::io::stdout(), "{error}");
        return Ok(None);
    }
    let (told, heard) = channel();
    std::thread::spawn(move || {
        let mut byte = [0];
        let mut input = std::io::stdin().lock();
        while matches!(input.read(&mut byte), Ok(1)) {
            if told.send(byte[0]).is_err() {
                return;
            }
        }
        // The sender is dropped here: the other end knows that the runner is gone.
    });
    let _ = std::io::stdout().write_all(READY.as_bytes()).and_then(|()| std::io::stdout().flush());
    let because = loop {
        match heard.recv_timeout(LEASE) {
            Ok(DONE) => return Ok(None),
            Ok(_) => {}
            Err(RecvTimeoutError::Disconnected) => break "its process has ended".to_owned(),
            Err(RecvTimeoutError::Timeout) => break format!("it said nothing for {} s", LEASE.as_secs()),
        }
    };
    let taken = Taken { by: "watchdog".to_owned(), because };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(insist(journal, run, drivers, taken)).map(Some),
        Err(_) => Ok(None),
    }
}

/// A journal that cannot be read now may be readable in a moment; nobody else is there to try.
async fn insist(journal: &Path, run: &str, drivers: &[Arc<dyn Driver>], taken: Taken) -> Result<Rescued, JournalError> {
    let mut tries = 0;
    loop {
        match rescue(journal, run, drivers, taken.clone(), true).await {
            Err(_) if tries < TRIES => {
                tries += 1;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            done => return done,
        }
    }
}

/// Every second, for five minutes.
const TRIES: u32 = 300;
