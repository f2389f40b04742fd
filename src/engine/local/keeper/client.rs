//! Asking the keeper, and starting it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::protocol::{Answer, Request, VERSION};
use crate::engine::local::{process, shim};

/// A keeper that does not answer after this time is started once more; where two are, the second ends.
const AGAIN: Duration = Duration::from_secs(1);

/// In a home: held locked by its keeper.
const LOCK: &str = "keeper.lock";

/// Why the keeper gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Nobody listens: there is no keeper, and nothing that only a keeper could hold.
    #[error("no keeper is running")]
    NotThere,
    /// It listens and says nothing, or nothing that can be read.
    #[error("the keeper does not answer: {0}")]
    Silent(String),
}

/// Where a keeper of this project lives: a folder that only its owner can read, with a path short enough for a socket.
#[must_use]
pub fn home(project: &Path) -> PathBuf {
    let whole = project.canonicalize().unwrap_or_else(|_| project.to_owned());
    let digest = Sha256::digest(whole.as_os_str().as_encoded_bytes());
    let short: String = digest.iter().take(6).map(|b| format!("{b:02x}")).collect();
    let user = rustix::process::getuid().as_raw();
    match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|d| d.is_dir()) {
        Some(folder) => folder.join(format!("perturb-{short}")),
        None => std::env::temp_dir().join(format!("perturb-{user}-{short}")),
    }
}

/// The socket in a keeper's home.
#[must_use]
pub fn socket(home: &Path) -> PathBuf {
    home.join("keeper.sock")
}

/// Makes this home one's own: whoever has it is its keeper. `None`: another one has it.
///
/// # Errors
/// That the folder cannot be used.
pub fn own(home: &Path) -> std::io::Result<Option<File>> {
    loop {
        std::fs::create_dir_all(home)?;
        let path = home.join(LOCK);
        let file = match File::options().create(true).truncate(false).write(true).open(&path) {
            // Its last keeper takes the folder away just now.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            opened => opened?,
        };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(None);
        }
        let (own, there) = (rustix::fs::fstat(&file)?, rustix::fs::stat(&path));
        if there.is_ok_and(|there| (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino)) {
            return Ok(Some(file));
        }
    }
}

/// Takes away what a keeper had in its home, and the home, for whoever [`own`]s it. What somebody else has put there stays.
pub fn tidy(home: &Path, own: &File) {
    clear(home, own, &|_| false);
}

/// The same, but what services wrote stays: somebody was told of it.
pub fn tidy_but_logs(home: &Path, own: &File) {
    clear(home, own, &|path| {
        path.extension().is_some_and(|end| end == "log") && std::fs::metadata(path).is_ok_and(|about| about.len() > 0)
    });
}

fn clear(home: &Path, _own: &File, stays: &dyn Fn(&Path) -> bool) {
    let is_ours = |name: &str| {
        [".log", ".clock", ".next", ".owner"].iter().any(|end| name.ends_with(end)) || name == "keeper.sock"
    };
    for entry in std::fs::read_dir(home).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|end| end == shim::OWNER) {
            shim::forget_remembered(&entry.path());
        }
        if entry.file_name().to_str().is_some_and(is_ours) && !stays(&entry.path()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    // Last, and while it is locked: who opens it from now on has another file.
    let _ = std::fs::remove_file(home.join(LOCK));
    let _ = std::fs::remove_dir(home);
}

/// Takes away what a keeper that was killed left: processes, and what is in its home.
pub fn bury(home: &Path) {
    process::end_orphans();
    if home.is_dir()
        && let Ok(Some(own)) = own(home)
    {
        tidy(home, &own);
    }
}

/// Asks, and waits for the answer so long at most.
///
/// # Errors
/// That there is no keeper, or no answer.
pub async fn ask(home: &Path, request: &Request, within: Duration) -> Result<Answer, NoAnswer> {
    let silent = |error: &dyn std::fmt::Display| NoAnswer::Silent(error.to_string());
    let asked = async {
        let mut stream = match UnixStream::connect(socket(home)).await {
            Ok(stream) => stream,
            Err(error) => {
                return Err(match error.kind() {
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => NoAnswer::NotThere,
                    _ => silent(&error),
                });
            }
        };
        let mut line = serde_json::to_vec(request).map_err(|e| silent(&e))?;
        line.push(b'\n');
        stream.write_all(&line).await.map_err(|e| silent(&e))?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).await.map_err(|e| silent(&e))?;
        if answer.is_empty() {
            return Err(NoAnswer::Silent("it closed the connection".to_owned()));
        }
        serde_json::from_str(&answer).map_err(|e| silent(&e))
    };
    match tokio::time::timeout(within, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(NoAnswer::Silent(format!("nothing came within {} s", within.as_secs()))),
    }
}

/// Starts a keeper if there is none, and returns once it answers.
///
/// # Errors
/// What went wrong, in words, with the last line of its log.
pub async fn start(exe: &Path, home: &Path) -> Result<(), String> {
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut started: Option<Instant> = None;
    loop {
        match ask(home, &Request::Hello, Duration::from_secs(2)).await {
            Ok(Answer::Hello { version: VERSION, .. }) => return Ok(()),
            Ok(Answer::Hello { version, .. }) => {
                return Err(format!(
                    "a keeper of another version of Perturb ({version}) is running: end it with `perturb local down`"
                ));
            }
            Ok(other) => return Err(format!("the keeper answered something else: {other:?}")),
            // Again, if it did not come: one whose predecessor was dying when it began ended at once.
            Err(NoAnswer::NotThere) if started.is_none_or(|at| at.elapsed() > AGAIN) && Instant::now() < deadline => {
                match spawn(exe, home) {
                    Ok(()) => started = Some(Instant::now()),
                    // The last keeper takes its folder away just now.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound && exe.is_file() => {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    Err(error) => return Err(format!("cannot start the keeper in {}: {error}", home.display())),
                }
            }
            Err(_) if Instant::now() < deadline => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => return Err(format!("{error}{}", last_words(home))),
        }
    }
}

fn last_words(home: &Path) -> String {
    std::fs::read_to_string(home.join("keeper.log"))
        .ok()
        .and_then(|log| log.lines().last().map(|line| format!("; its log ends with: {line}")))
        .unwrap_or_default()
}

fn spawn(exe: &Path, home: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).recursive(true).create(home)?;
    let own = rustix::process::getuid().as_raw();
    // Somebody else's folder of this name would let them answer in the keeper's place.
    if rustix::fs::stat(home)?.st_uid != own {
        return Err(std::io::Error::other("the folder belongs to another user"));
    }
    let log = File::options().create(true).append(true).open(home.join("keeper.log"))?;
    Command::new(exe)
        .args(["__local", "keeper"])
        .arg(home)
        // Whoever started this process is not who started the keeper's services.
        .env_remove(process::KEEPER)
        .env_remove(process::RUNNER)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .map(|_| ())
}
