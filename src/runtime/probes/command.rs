//! A program: its exit code, or the number in its last line. Killed, with everything that it started, when its time is over.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use smol_str::SmolStr;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::{Missing, convert};
use crate::engine::local::process::{Process, RUNNER};
use crate::plan::{CommandAnswer, Stream};
use crate::runtime::machine::Answer;
use crate::types::Decimal;

/// The last line of an output is the sample; of the rest, no more than this is kept.
const KEPT_BYTES: usize = 64 * 1024;

/// Ends the group of a program unless it ended by itself: also when the question is given up.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

pub async fn sample(command: &[SmolStr], answer: CommandAnswer, stream: &Stream) -> Result<Answer, Missing> {
    let [program, arguments @ ..] = command else { return Err(Missing::new("the command is empty")) };
    let mut child = Command::new(program.as_str())
        .args(arguments.iter().map(SmolStr::as_str))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .env(RUNNER, runner())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Missing(format!("cannot run `{program}`: {error}")))?;
    let group = Group(child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw));
    let output = match child.stdout.take() {
        Some(out) => last_of(out).await.map_err(|e| Missing(format!("cannot read what `{program}` says: {e}")))?,
        None => Vec::new(),
    };
    let status = child.wait().await.map_err(|error| Missing(format!("cannot wait for `{program}`: {error}")))?;
    // What it left running in its group ends, too.
    drop(group);
    let number = |n: Decimal| convert::value(n, stream.unit, &stream.of_type).map(Answer::from);
    match (answer, status.code()) {
        (CommandAnswer::Ok, Some(0)) => convert::truth(true, &stream.of_type).map(Answer::from),
        (CommandAnswer::Ok, Some(code)) => convert::refusal(failed(program, code), &stream.of_type),
        (CommandAnswer::Ok, None) => convert::refusal(ended(program), &stream.of_type),
        (_, None) => Err(Missing(ended(program))),
        (CommandAnswer::Exit, Some(code)) => number(Decimal::from(code)),
        (CommandAnswer::Output, Some(0)) => {
            let text = String::from_utf8_lossy(&output);
            match text.lines().rev().find(|line| !line.trim().is_empty()) {
                Some(last) if last.len() >= KEPT_BYTES => {
                    Err(Missing(format!("the last line that `{program}` says has no end")))
                }
                Some(last) => number(convert::number(last)?),
                None => Err(Missing(format!("`{program}` says nothing"))),
            }
        }
        (CommandAnswer::Output, Some(code)) => Err(Missing(failed(program, code))),
    }
}

/// This process, as whoever cleans up after it knows it.
fn runner() -> String {
    Process::of(std::process::id()).map_or_else(String::new, |own| own.to_string())
}

fn failed(program: &str, code: i32) -> String {
    format!("`{program}` failed with exit code {code}")
}

fn ended(program: &str) -> String {
    format!("`{program}` was ended by a signal")
}

/// The end of what a program says. All of it is read: who writes into a pipe that nobody reads any more is killed by it, and
/// that would be taken for a failure of what it looks at.
async fn last_of(mut out: tokio::process::ChildStdout) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let mut piece = vec![0; 16 * 1024];
    loop {
        let read = out.read(&mut piece).await?;
        if read == 0 {
            return Ok(kept);
        }
        kept.extend_from_slice(piece.get(..read).unwrap_or_default());
        if kept.len() > 2 * KEPT_BYTES {
            kept.drain(..kept.len() - KEPT_BYTES);
        }
    }
}
