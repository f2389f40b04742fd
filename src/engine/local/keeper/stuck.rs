//! A fault that cannot be taken away: tried again ever less often, and said once.
//!
//! Comes in: that an attempt failed, and why. Goes out: when the next one is due, and whether that is worth a line in the log.

use std::time::{Duration, Instant};

/// After the first attempt that failed; doubled each time.
const FIRST: Duration = Duration::from_millis(250);
/// But not more than this: whoever mends what is in the way waits no longer for the undo.
const LONGEST: Duration = Duration::from_secs(5);

/// Why a fault is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// What the last attempt said.
    pub reason: String,
    /// How many attempts have failed.
    pub tries: u32,
    next: Instant,
    pause: Duration,
}

impl Stuck {
    /// An attempt failed `now`, after those that are known. And whether it failed in a new way, which is said.
    #[must_use]
    pub fn again(before: Option<&Self>, reason: String, now: Instant) -> (Self, bool) {
        let is_new = before.is_none_or(|b| b.reason != reason);
        let pause = before.map_or(FIRST, |b| (b.pause * 2).min(LONGEST));
        (Self { reason, tries: before.map_or(1, |b| b.tries.saturating_add(1)), next: now + pause, pause }, is_new)
    }

    /// Whether it is time for the next attempt.
    #[must_use]
    pub fn is_due(&self, now: Instant) -> bool {
        self.next <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_become_rare_and_a_reason_is_said_once() {
        let begun = Instant::now();
        let (mut now, mut stuck, mut said) = (begun, None::<Stuck>, 0);
        while now < begun + Duration::from_secs(60) {
            if stuck.as_ref().is_none_or(|s| s.is_due(now)) {
                let (next, is_new) = Stuck::again(stuck.as_ref(), "the folder is gone".to_owned(), now);
                said += u32::from(is_new);
                stuck = Some(next);
            }
            now += Duration::from_millis(25);
        }
        let stuck = stuck.unwrap();
        assert_eq!((stuck.tries, said), (16, 1));
        assert!(Stuck::again(Some(&stuck), "no permission".to_owned(), now).1, "another reason is news");
    }
}
