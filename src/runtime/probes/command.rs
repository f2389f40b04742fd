//! A program: its exit code, or the number in its last line. Killed, with everything that it started, when its time is over.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use smol_str::SmolStr;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::{Missing, convert};
use crate::plan::{CommandAnswer, MetricUnit, Stream};
use crate::types::{Decimal, Value};

/// More than this is no sample.
const MOST_BYTES: u64 = 64 * 1024;

/// Ends the group of a program unless it ended by itself: also when the question is given up.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

pub async fn sample(command: &[SmolStr], answer: CommandAnswer, stream: &Stream) -> Result<Value, Missing> {
    let [program, arguments @ ..] = command else { return Err(Missing::new("the command is empty")) };
    let mut child = Command::new(program.as_str())
        .args(arguments.iter().map(SmolStr::as_str))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Missing(format!("cannot run `{program}`: {error}")))?;
    let group = Group(child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw));
    let mut output = Vec::new();
    if let Some(out) = child.stdout.take() {
        let read = out.take(MOST_BYTES).read_to_end(&mut output).await;
        read.map_err(|error| Missing(format!("cannot read what `{program}` says: {error}")))?;
    }
    let status = child.wait().await.map_err(|error| Missing(format!("cannot wait for `{program}`: {error}")))?;
    // What it left running in its group ends, too.
    drop(group);
    let number = |n: Decimal| convert::value(n, stream.unit, &stream.of_type);
    match (answer, status.code()) {
        (CommandAnswer::Ok, code) => {
            convert::value(Decimal::from(u8::from(code == Some(0))), MetricUnit::Count, &stream.of_type)
        }
        (_, None) => Err(Missing(format!("`{program}` was ended by a signal"))),
        (CommandAnswer::Exit, Some(code)) => number(Decimal::from(code)),
        (CommandAnswer::Output, Some(0)) => {
            let text = String::from_utf8_lossy(&output);
            match text.lines().rev().find(|line| !line.trim().is_empty()) {
                Some(last) => number(convert::number(last)?),
                None => Err(Missing(format!("`{program}` says nothing"))),
            }
        }
        (CommandAnswer::Output, Some(code)) => Err(Missing(format!("`{program}` failed with exit code {code}"))),
    }
}
