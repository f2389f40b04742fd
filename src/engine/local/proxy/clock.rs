//! Waiting to a tenth of a millisecond.
//!
//! tokio's timer works in whole milliseconds and rounds up, which is more than a fault of 1 ms can bear. On Linux a
//! timerfd wakes the task through the same poll as its sockets; elsewhere tokio's timer has to do.

use std::io;
use std::time::Instant;

#[cfg(target_os = "linux")]
mod of_system {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::{Duration, Instant};

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// A timer of its own for whoever waits, and the moment that it is set to.
    #[derive(Debug)]
    pub struct Clock(AsyncFd<OwnedFd>, Option<Instant>);

    impl Clock {
        pub fn new() -> io::Result<Self> {
            let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            // Deprecated for types that might give away another descriptor; an `OwnedFd` cannot.
            #[expect(deprecated, reason = "the other constructors are unsafe, and nothing here is")]
            let registered = AsyncFd::with_interest(fd, Interest::READABLE)?;
            Ok(Self(registered, None))
        }

        pub async fn until(&mut self, at: Instant) -> io::Result<()> {
            let left = at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            // A wait that was given up for a moment goes on: the timer runs meanwhile.
            if self.1 != Some(at) {
                timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once(left))?;
                self.1 = Some(at);
            }
            loop {
                let mut ready = self.0.readable().await?;
                let mut count = [0u8; 8];
                // A wait that was given up may have left the descriptor marked as ready: the read says whether it is.
                match ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut count)?)) {
                    Ok(Ok(_)) => {
                        self.1 = None;
                        return Ok(());
                    }
                    Ok(Err(error)) => return Err(error),
                    Err(_) => {}
                }
            }
        }
    }

    fn once(after: Duration) -> Itimerspec {
        Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: Timespec {
                tv_sec: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: after.subsec_nanos().into(),
            },
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod of_system {
    use std::io;
    use std::time::Instant;

    /// tokio's timer, to a millisecond.
    #[derive(Debug)]
    pub struct Clock;

    impl Clock {
        pub fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub async fn until(&mut self, at: Instant) -> io::Result<()> {
            tokio::time::sleep_until(at.into()).await;
            Ok(())
        }
    }
}

/// A timer. Waiting can be given up and begun again.
#[derive(Debug)]
pub struct Clock(of_system::Clock);

impl Clock {
    /// A timer of its own for whoever waits.
    ///
    /// # Errors
    /// That the system has no file descriptor left.
    pub fn new() -> io::Result<Self> {
        of_system::Clock::new().map(Self)
    }

    /// Returns at `at`, or at once if that is over.
    ///
    /// # Errors
    /// That the system's timer failed.
    pub async fn until(&mut self, at: Instant) -> io::Result<()> {
        self.0.until(at).await
    }
}
