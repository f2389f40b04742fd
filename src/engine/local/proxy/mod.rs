//! The proxy in the path of an endpoint.
//!
//! Comes in: connections at an address, and at most one [`PathFault`] at a time. Goes out: the same bytes at the upstream,
//! later, fewer or changed as the fault says; and counts, so that a confirmation can look at what really happened. Without
//! a fault it copies, and nothing else.

mod clock;
mod http;
mod link;
mod message;
mod pump;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub use clock::Clock;
pub(crate) use message::matches;
pub(crate) use pump::wait;

/// From where to where bytes go, seen from the upstream (the target of a fault).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// From the client to the upstream.
    Incoming,
    /// From the upstream to the client.
    Outgoing,
}

/// Which sides a fault is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sides {
    /// What the target is sent.
    Incoming,
    /// What it sends.
    Outgoing,
    /// Both.
    Both,
}

impl Sides {
    /// Whether a side is one of them.
    #[must_use]
    pub fn has(self, side: Side) -> bool {
        match self {
            Self::Both => true,
            Self::Incoming => side == Side::Incoming,
            Self::Outgoing => side == Side::Outgoing,
        }
    }
}

/// How waits are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// Within latency ± jitter, each as likely.
    #[default]
    Uniform,
    /// Around latency, with jitter as the deviation.
    Normal,
    /// Latency, and a tail of this mean.
    Exponential,
    /// Latency, and a heavy tail of this mean.
    Pareto,
}

/// What is done to a path. Shares are in parts of ten thousand, times in nanoseconds: exact, and plain to write down.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathFault {
    /// Bytes wait.
    Delay {
        /// How long.
        latency: u64,
        /// How far a wait may be off.
        jitter: u64,
        /// How waits are spread.
        distribution: Distribution,
        /// Which bytes.
        sides: Sides,
    },
    /// Bytes pass at most this fast, per connection and side.
    Bandwidth {
        /// In bits.
        bits_per_second: u64,
        /// Which bytes.
        sides: Sides,
    },
    /// A share of the pieces waits, and all behind them.
    Stall {
        /// Of ten thousand.
        share: u32,
        /// How long.
        stall: u64,
        /// Which bytes.
        sides: Sides,
    },
    /// Nothing passes.
    Cut {
        /// Which bytes.
        sides: Sides,
    },
    /// A share of the connections is reset.
    Reset {
        /// Of ten thousand.
        share: u32,
    },
    /// Connections are closed on the upstream's side only.
    HalfOpen,
    /// The end of a connection is passed on late.
    SlowClose {
        /// How long after it came.
        wait: u64,
        /// Which end.
        sides: Sides,
    },
    /// Something is done to HTTP/1 requests or their answers.
    Http(HttpFault),
}

/// What is done to which requests.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HttpFault {
    /// Only this method, upper case; `None`: any.
    pub method: Option<String>,
    /// Only this path, without its query: `*` is anything, `?` one character; `None`: any.
    pub path: Option<String>,
    /// Of ten thousand.
    pub share: u32,
    /// What.
    pub change: HttpChange,
}

/// What is done to a request or its answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpChange {
    /// The request waits, in nanoseconds.
    Delay(u64),
    /// The connection is reset in place of an answer.
    Abort,
    /// The answer's status.
    Status(u16),
    /// A header of the answer; without a value it is taken away.
    Header(String, String),
    /// The answer's body.
    Body(String),
}

/// What happened since a fault went in.
#[derive(Debug, Default)]
pub struct Counters {
    /// Pieces of a connection that were held back, dropped or slowed.
    pub pieces: AtomicU64,
    /// Bytes in them.
    pub bytes: AtomicU64,
    /// Connections that were reset, half-closed or closed late.
    pub connections: AtomicU64,
    /// Requests or answers that were changed.
    pub requests: AtomicU64,
    /// Requests that were looked at.
    pub looked_at: AtomicU64,
}

impl Counters {
    fn piece(&self, bytes: usize) {
        self.pieces.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// One sentence for people, or `None` while nothing happened.
    #[must_use]
    pub fn tell(&self, fault: &PathFault) -> Option<String> {
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let (pieces, bytes, connections) = (get(&self.pieces), get(&self.bytes), get(&self.connections));
        let (requests, looked_at) = (get(&self.requests), get(&self.looked_at));
        let said = match fault {
            PathFault::Delay { .. } => (pieces, format!("the proxy delayed {pieces} pieces, {bytes} bytes")),
            PathFault::Bandwidth { .. } => (pieces, format!("the proxy paced {bytes} bytes")),
            PathFault::Stall { .. } => (pieces, format!("the proxy stalled {pieces} pieces")),
            PathFault::Cut { .. } => {
                (pieces + connections, format!("the proxy held back {bytes} bytes, and {connections} new connections"))
            }
            PathFault::Reset { .. } => (connections, format!("the proxy reset {connections} connections")),
            PathFault::HalfOpen => (connections, format!("the proxy left {connections} connections half open")),
            PathFault::SlowClose { .. } => (connections, format!("the proxy closed {connections} connections late")),
            PathFault::Http(_) => (requests, format!("the proxy changed {requests} of {looked_at} requests")),
        };
        (said.0 > 0).then_some(said.1)
    }
}

/// A fault on a path, with what it did so far.
#[derive(Debug)]
pub struct Active {
    /// What is done.
    pub fault: PathFault,
    /// What was done.
    pub counters: Counters,
}

/// What all connections of one path share.
#[derive(Debug, Default)]
pub struct Path {
    /// Raised with every change: a connection compares numbers, and looks only when they differ.
    version: AtomicU64,
    active: Mutex<Option<Arc<Active>>>,
    links: Mutex<BTreeMap<u64, Arc<Notify>>>,
    next: AtomicU64,
}

/// A lock whose holder panicked still guards plain data.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Path {
    /// Puts a fault in, or takes it away; connections that are open notice at once.
    pub fn set(&self, active: Option<Arc<Active>>) {
        *lock(&self.active) = active;
        self.version.fetch_add(1, Ordering::Release);
        for link in lock(&self.links).values() {
            link.notify_waiters();
        }
    }

    /// What is on the path now.
    #[must_use]
    pub fn active(&self) -> Option<Arc<Active>> {
        lock(&self.active).clone()
    }

    fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    fn join(&self) -> (u64, Arc<Notify>) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let notify = Arc::new(Notify::new());
        lock(&self.links).insert(id, notify.clone());
        (id, notify)
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        lock(&self.links).len()
    }

    fn leave(&self, id: u64) {
        lock(&self.links).remove(&id);
    }
}

/// A proxy that listens.
#[derive(Debug)]
pub struct Proxy {
    /// Where.
    pub address: SocketAddr,
    /// What its connections share.
    pub path: Arc<Path>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Begins to listen at `address` and to pass on to `upstream` (`host:port`, looked up for each connection).
    ///
    /// # Errors
    /// That the address is taken, or none of this machine.
    pub async fn open(address: &str, upstream: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let path = Arc::new(Path::default());
        let address = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, upstream.to_owned(), path.clone()));
        Ok(Self { address, path, task })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, upstream: String, path: Arc<Path>) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                tokio::spawn(link::serve(client, upstream.clone(), path.clone()));
            }
            // No file descriptors left, or a client that was gone before it was taken: neither ends the proxy.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
}
