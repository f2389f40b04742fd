//! A name server for processes that are pointed at it.
//!
//! Comes in: questions over UDP and TCP at an address, and at most one [`NameFault`] at a time. Goes out: for the names that
//! are meant, what the fault says; for all others, the very bytes that the real server answers. What is made up says that
//! it must not be kept (a time to live of 0): a cache must not carry the fault on when it is over.

mod answer;
mod relay;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::proxy::lock;
use answer::Verdict;

/// How many questions may be open at once; beyond it they get no answer, as from a server under too much load.
const MOST_OPEN: usize = 1024;
/// How long a connection over TCP may say nothing.
const IDLE: Duration = Duration::from_secs(30);

/// What is done to which names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NameFault {
    /// Names in lower case without a dot at the end; `*` is anything, `?` one character. With [`NameChange::Instead`] none:
    /// it brings its own.
    pub names: Vec<String>,
    /// Whether a name is meant that only holds one of these.
    pub within: bool,
    /// What.
    pub change: NameChange,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameChange {
    /// SERVFAIL: the server could not find out.
    Fails,
    /// NXDOMAIN: there is no such name.
    Missing,
    /// No answer at all.
    Silence,
    /// An address where nobody is, another one each time.
    Random,
    /// This address.
    Address(IpAddr),
    /// The addresses of another name.
    Instead(Vec<(String, String)>),
    /// The right answer, later. In nanoseconds.
    Delay {
        /// How long.
        latency: u64,
        /// How far a wait may be off.
        jitter: u64,
    },
}

/// A fault on a name server, with what it did so far.
#[derive(Debug)]
pub struct Asked {
    /// What is done.
    pub fault: NameFault,
    /// Questions that it was done to.
    pub done: AtomicU64,
    /// All questions.
    pub all: AtomicU64,
}

impl Asked {
    /// A fault that did nothing yet.
    #[must_use]
    pub fn new(fault: NameFault) -> Self {
        Self { fault, done: AtomicU64::new(0), all: AtomicU64::new(0) }
    }

    /// One sentence for people, or `None` while nothing happened.
    #[must_use]
    pub fn tell(&self) -> Option<String> {
        let (done, all) = (self.done.load(Ordering::Relaxed), self.all.load(Ordering::Relaxed));
        let what = match self.fault.change {
            NameChange::Fails | NameChange::Missing => "refused",
            NameChange::Silence => "left without an answer",
            NameChange::Random | NameChange::Address(_) | NameChange::Instead(_) => "answered wrongly",
            NameChange::Delay { .. } => "answered late",
        };
        (done > 0).then(|| format!("{done} of {all} questions for names were {what}"))
    }
}

/// What a name server and who puts faults on it share.
#[derive(Debug, Default)]
pub struct Names {
    active: Mutex<Option<Arc<Asked>>>,
}

impl Names {
    /// Puts a fault on, or takes it away.
    pub fn set(&self, active: Option<Arc<Asked>>) {
        *lock(&self.active) = active;
    }

    /// What is on it now.
    #[must_use]
    pub fn active(&self) -> Option<Arc<Asked>> {
        lock(&self.active).clone()
    }
}

/// A name server that listens.
#[derive(Debug)]
pub struct NameServer {
    /// Where.
    pub address: SocketAddr,
    /// What is done to names.
    pub names: Arc<Names>,
    tasks: [JoinHandle<()>; 2],
}

impl NameServer {
    /// Begins to answer at `address`, and asks `upstream` for what it does not answer itself (both `host:port`; `None`: the
    /// first server of `/etc/resolv.conf`).
    ///
    /// # Errors
    /// That the address is taken or none of this machine; that there is nobody to ask, or only itself.
    pub async fn open(address: &str, upstream: Option<&str>) -> io::Result<Self> {
        let upstream = relay::server(upstream).await?;
        let udp = UdpSocket::bind(address).await?;
        let address = udp.local_addr()?;
        let tcp = TcpListener::bind(address).await?;
        if upstream == address {
            return Err(io::Error::other("it would ask itself: say which server knows the names, `resolver-upstream`"));
        }
        let names = Arc::new(Names::default());
        let room = Arc::new(Semaphore::new(MOST_OPEN));
        let server = Arc::new(Server { names: names.clone(), upstream, room });
        let tasks = [tokio::spawn(serve_udp(udp, server.clone())), tokio::spawn(serve_tcp(tcp, server))];
        Ok(Self { address, names, tasks })
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

struct Server {
    names: Arc<Names>,
    upstream: SocketAddr,
    room: Arc<Semaphore>,
}

async fn serve_udp(socket: UdpSocket, server: Arc<Server>) {
    let socket = Arc::new(socket);
    let mut buffer = vec![0u8; usize::from(u16::MAX)];
    loop {
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else {
            // What came back from a client that is gone is an error here, and none of the server.
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        };
        let question = buffer.get(..length).unwrap_or_default().to_vec();
        let Ok(room) = server.room.clone().try_acquire_owned() else { continue };
        let (socket, server) = (socket.clone(), server.clone());
        tokio::spawn(async move {
            if let Some(answer) = server.answer(&question, relay::Way::Udp).await {
                let _ = socket.send_to(&answer, client).await;
            }
            drop(room);
        });
    }
}

async fn serve_tcp(listener: TcpListener, server: Arc<Server>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let Ok(room) = server.room.clone().try_acquire_owned() else { continue };
        let server = server.clone();
        tokio::spawn(async move {
            let _ = converse(stream, &server).await;
            drop(room);
        });
    }
}

/// Question by question, each with its length before it.
async fn converse(mut stream: TcpStream, server: &Server) -> io::Result<()> {
    loop {
        let length = match tokio::time::timeout(IDLE, stream.read_u16()).await {
            Ok(length) => length?,
            Err(_) => return Ok(()),
        };
        let mut question = vec![0u8; usize::from(length)];
        match tokio::time::timeout(IDLE, stream.read_exact(&mut question)).await {
            Ok(read) => read?,
            Err(_) => return Ok(()),
        };
        if let Some(answer) = server.answer(&question, relay::Way::Tcp).await {
            stream.write_all(&relay::with_length(&answer)?).await?;
        }
    }
}

impl Server {
    async fn answer(&self, question: &[u8], way: relay::Way) -> Option<Vec<u8>> {
        let active = self.names.active();
        if let Some(active) = &active {
            active.all.fetch_add(1, Ordering::Relaxed);
        }
        let verdict = active.as_ref().map_or(Verdict::Pass, |a| answer::verdict(&a.fault, question));
        if let (Some(active), false) = (&active, matches!(verdict, Verdict::Pass)) {
            active.done.fetch_add(1, Ordering::Relaxed);
        }
        match verdict {
            Verdict::Answer(answer) => Some(answer),
            Verdict::Silence => None,
            Verdict::Pass => self.ask(question, way).await,
            Verdict::Later(wait) => {
                tokio::time::sleep(wait).await;
                self.ask(question, way).await
            }
            Verdict::Instead(other) => match self.ask(&other, way).await {
                Some(theirs) => answer::renamed(question, &theirs).or_else(|| answer::failure(question)),
                None => answer::failure(question),
            },
        }
    }

    /// What the real server says; where it says nothing, so do we: the client knows when to ask again.
    async fn ask(&self, question: &[u8], way: relay::Way) -> Option<Vec<u8>> {
        match relay::ask(self.upstream, question, way).await {
            Ok(answer) => Some(answer),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => None,
            Err(_) => answer::failure(question),
        }
    }
}
