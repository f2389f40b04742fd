//! One side of a connection: bytes from one socket to the other, as the path's fault says.
//!
//! While nothing is on the path it reads and writes, and compares one number between the two. With a fault, what was read
//! waits in a queue, each piece with the moment at which it may go: reading goes on meanwhile, so that a delay costs time
//! and no throughput.

#![expect(clippy::float_arithmetic, reason = "random waits: their distributions have no exact form")]

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::clock::Clock;
use super::link::Link;
use super::{Active, Distribution, PathFault, Side};

/// What is read at once. A read that does not fill its buffer tells tokio that the socket is empty, and the next one waits for
/// the kernel to say that it is not: on a busy machine one connection gets through half as much with 64 KiB as with this. 8 KiB,
/// tokio's own, costs many connections a sixth.
pub const PIECE: usize = 16 * 1024;
/// What may wait per side. A second at 32 MB/s; beyond it the sender has to wait, as with a full queue of a router.
const MOST_WAITING: usize = 32 * 1024 * 1024;
/// Under a bandwidth limit a piece is at most this much of a second, so that it flows and does not come in lumps.
const PARTS_OF_A_SECOND: u64 = 200;
/// And at most so many such pieces wait: a twentieth of a second, as in front of a slow link. It is what a busy machine may
/// come late by without loss of speed; more would only be read to lie about.
const PIECES_WAITING: usize = 10;

/// Why a pump stopped.
pub enum Stopped {
    /// The sender ended, and the end was passed on.
    Ended,
    /// A request begins here, and something is done to requests now: these bytes are its first.
    Request(Vec<u8>),
}

struct Piece {
    due: Instant,
    bytes: Vec<u8>,
}

/// Copies until the end.
pub async fn pump<R, W>(from: &mut R, to: &mut W, side: Side, link: &Link, first: Vec<u8>) -> io::Result<Stopped>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut buffer = vec![0u8; PIECE];
    if !first.is_empty() {
        link.busy(side, true);
        to.write_all(&first).await?;
        link.busy(side, false);
    }
    loop {
        let (version, active) = link.now();
        if let Some(active) = active.filter(|a| touches(&a.fault, side)) {
            let mut held = Held::new()?;
            if held.hold(from, to, link, version, &active, &mut buffer).await? {
                return Ok(Stopped::Ended);
            }
            continue;
        }
        let read = tokio::select! {
            biased;
            read = from.read(&mut buffer) => read?,
            () = link.changed(version) => continue,
        };
        // Only now is it sure under which fault these bytes came.
        let (later, active) = link.now();
        let bytes = buffer.get(..read).unwrap_or_default();
        match active {
            _ if later == version => {}
            Some(active) if touches(&active.fault, side) => {
                let mut held = Held::new()?;
                held.take(bytes, &active);
                if held.hold(from, to, link, later, &active, &mut buffer).await? {
                    return Ok(Stopped::Ended);
                }
                continue;
            }
            _ => {}
        }
        if read == 0 {
            to.shutdown().await?;
            return Ok(Stopped::Ended);
        }
        if side == Side::Incoming && link.wants_requests() && link.is_quiet() && super::message::begins_request(bytes) {
            return Ok(Stopped::Request(bytes.to_vec()));
        }
        link.busy(side, true);
        to.write_all(bytes).await?;
        link.busy(side, false);
    }
}

/// Whether a fault holds bytes of this side back.
fn touches(fault: &PathFault, side: Side) -> bool {
    match fault {
        PathFault::Delay { sides, .. }
        | PathFault::Bandwidth { sides, .. }
        | PathFault::Stall { sides, .. }
        | PathFault::Cut { sides }
        | PathFault::SlowClose { sides, .. } => sides.has(side),
        PathFault::Reset { .. } | PathFault::HalfOpen | PathFault::Http(_) => false,
    }
}

/// What one side holds back.
struct Held {
    queue: VecDeque<Piece>,
    bytes: usize,
    /// When the last piece goes: bytes stay in order, so no later one goes before.
    last: Option<Instant>,
    /// The end was read, and goes at this moment.
    end: Option<Instant>,
    clock: Clock,
}

impl Held {
    fn new() -> io::Result<Self> {
        Ok(Self { queue: VecDeque::new(), bytes: 0, last: None, end: None, clock: Clock::new()? })
    }

    /// Until the fault changes and nothing waits any more, or the end was passed on (then `true`).
    async fn hold<R, W>(
        &mut self,
        from: &mut R,
        to: &mut W,
        link: &Link,
        version: u64,
        active: &Active,
        buffer: &mut [u8],
    ) -> io::Result<bool>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            let (now, _) = link.now();
            if now != version {
                // The fault is gone: what waits goes at once, in order.
                return self.let_go(to).await;
            }
            let cut = matches!(active.fault, PathFault::Cut { .. });
            // What is cut is read on for a while, as a network takes packets and loses them; then the window closes.
            let may_read = self.end.is_none() && self.bytes < most_waiting(&active.fault);
            let due = if cut { None } else { self.queue.front().map(|p| p.due).or(self.end) };
            let most = largest(&active.fault).min(buffer.len());
            let part = buffer.get_mut(..most).unwrap_or_default();
            tokio::select! {
                biased;
                () = link.changed(version) => {}
                // Before more is read: a sender that never rests would keep what is due from going.
                waited = self.clock.until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    waited?;
                    if self.send_due(to).await? {
                        return Ok(true);
                    }
                }
                read = from.read(part), if may_read => {
                    let read = read?;
                    let bytes = part.get(..read).unwrap_or_default();
                    self.take(bytes, active);
                }
            }
        }
    }

    /// Takes what was read; nothing is the end.
    fn take(&mut self, bytes: &[u8], active: &Active) {
        let now = Instant::now();
        let after = self.last.map_or(now, |last| last.max(now));
        if bytes.is_empty() {
            let wait = match active.fault {
                PathFault::SlowClose { wait, .. } => {
                    active.counters.connection();
                    Duration::from_nanos(wait)
                }
                _ => Duration::ZERO,
            };
            self.end = Some(after + wait);
            return;
        }
        let due = match active.fault {
            PathFault::Delay { latency, jitter, distribution, .. } => {
                active.counters.piece(bytes.len());
                after.max(now + wait(latency, jitter, distribution))
            }
            PathFault::Bandwidth { bits_per_second, .. } => {
                active.counters.piece(bytes.len());
                after + transfer_time(bytes.len(), bits_per_second)
            }
            PathFault::Stall { share, stall, .. } if falls(share) => {
                active.counters.piece(bytes.len());
                after.max(now + Duration::from_nanos(stall))
            }
            PathFault::Cut { .. } => {
                active.counters.piece(bytes.len());
                after
            }
            _ => after,
        };
        self.last = Some(due);
        self.bytes += bytes.len();
        self.queue.push_back(Piece { due, bytes: bytes.to_vec() });
    }

    /// Sends everything whose moment has come; `true` if that was the end.
    async fn send_due<W: AsyncWrite + Unpin>(&mut self, to: &mut W) -> io::Result<bool> {
        while self.queue.front().is_some_and(|p| p.due <= Instant::now()) {
            let Some(piece) = self.queue.pop_front() else { break };
            self.bytes -= piece.bytes.len();
            to.write_all(&piece.bytes).await?;
        }
        if self.queue.is_empty() && self.end.is_some_and(|at| at <= Instant::now()) {
            to.shutdown().await?;
            return Ok(true);
        }
        Ok(false)
    }

    async fn let_go<W: AsyncWrite + Unpin>(&mut self, to: &mut W) -> io::Result<bool> {
        while let Some(piece) = self.queue.pop_front() {
            to.write_all(&piece.bytes).await?;
        }
        if self.end.is_some() {
            to.shutdown().await?;
        }
        Ok(self.end.is_some())
    }
}

/// The largest piece that is read at once.
fn largest(fault: &PathFault) -> usize {
    match fault {
        PathFault::Bandwidth { bits_per_second, .. } => {
            usize::try_from((bits_per_second / 8 / PARTS_OF_A_SECOND).max(1)).unwrap_or(PIECE)
        }
        _ => PIECE,
    }
}

/// How much may wait.
fn most_waiting(fault: &PathFault) -> usize {
    match fault {
        PathFault::Bandwidth { bits_per_second, .. } => {
            let piece = usize::try_from(bits_per_second / 8 / PARTS_OF_A_SECOND).unwrap_or(MOST_WAITING);
            piece.max(1).saturating_mul(PIECES_WAITING).min(MOST_WAITING)
        }
        _ => MOST_WAITING,
    }
}

fn transfer_time(bytes: usize, bits_per_second: u64) -> Duration {
    let nanos = (bytes as u128 * 8 * 1_000_000_000) / u128::from(bits_per_second.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Whether a share, of ten thousand, falls on this one.
pub fn falls(share: u32) -> bool {
    share >= 10_000 || fastrand::u32(0..10_000) < share
}

/// How long one piece waits.
pub fn wait(latency: u64, jitter: u64, distribution: Distribution) -> Duration {
    if jitter == 0 {
        return Duration::from_nanos(latency);
    }
    let (latency, jitter) = (latency as f64, jitter as f64);
    // Never 0, whose logarithm is none.
    let chance = || 1.0 - fastrand::f64();
    let nanos = match distribution {
        Distribution::Uniform => latency + jitter * (2.0 * fastrand::f64() - 1.0),
        Distribution::Normal => {
            let (u, v) = (chance(), fastrand::f64());
            latency + jitter * (-2.0 * u.ln()).sqrt() * (2.0 * std::f64::consts::PI * v).cos()
        }
        Distribution::Exponential => latency - jitter * chance().ln(),
        // Shape 2 (a finite mean, no finite variance), moved so that its least is `latency` and its tail's mean `jitter`.
        Distribution::Pareto => latency + jitter * (1.0 / chance().sqrt() - 1.0),
    };
    Duration::from_nanos(nanos.max(0.0) as u64)
}

/// The fault of an active one that a pump holds while it runs.
pub type Current = Option<Arc<Active>>;
