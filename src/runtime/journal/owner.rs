//! Which process a run belongs to, and whether that process still lives. A number alone does not say: it is given again.

#![expect(clippy::disallowed_methods, reason = "the edge: whether a process lives is asked of the machine")]

use serde::{Deserialize, Serialize};

use crate::engine::local::process::boot;

/// A process, so that it is not mistaken for a later one with its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its number.
    pub pid: u32,
    /// When it started, in the kernel's own count; 0 where that cannot be told.
    pub started: u64,
    /// Which boot of the machine it belongs to.
    pub boot: String,
}

impl Owner {
    /// This process.
    #[must_use]
    pub fn this() -> Self {
        let pid = std::process::id();
        Self { pid, started: started(pid).unwrap_or(0), boot: boot() }
    }

    /// Whether it still lives. Where the machine does not say (it is not Linux), the answer is yes: then only its lease tells.
    #[must_use]
    pub fn lives(&self) -> bool {
        if self.boot != boot() {
            return false;
        }
        if self.started == 0 {
            return true;
        }
        started(self.pid) == Some(self.started)
    }
}

/// Field 22 of `/proc/PID/stat` (proc(5)); a zombie has ended.
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in field 2 may hold blanks and brackets; it ends with the last bracket.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}
