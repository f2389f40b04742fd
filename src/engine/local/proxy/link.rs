//! One connection: its two sides, and what ends them together.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::pump::{Current, Stopped, falls, pump};
use super::{Path, PathFault, Side, http};

/// A connection's view of its path.
pub struct Link {
    path: Arc<Path>,
    id: u64,
    notify: Arc<Notify>,
    busy: [AtomicBool; 2],
}

impl Link {
    /// The fault now, and the number by which a change is known.
    pub fn now(&self) -> (u64, Current) {
        // The number first: a fault that comes between the two is looked at twice, and never missed.
        let version = self.path.version();
        (version, if version == 0 { None } else { self.path.active() })
    }

    /// Returns once the fault is another than that of `version`.
    pub async fn changed(&self, version: u64) {
        loop {
            let notified = self.notify.notified();
            if self.path.version() != version {
                return;
            }
            notified.await;
        }
    }

    /// Whether something is done to requests now.
    pub fn wants_requests(&self) -> bool {
        self.path.version() != 0 && self.path.active().is_some_and(|a| matches!(a.fault, PathFault::Http(_)))
    }

    /// Notes that a side has read what it has not yet written.
    pub fn busy(&self, side: Side, busy: bool) {
        let [incoming, outgoing] = &self.busy;
        let flag = if side == Side::Incoming { incoming } else { outgoing };
        flag.store(busy, Ordering::Relaxed);
    }

    /// Whether no byte is on its way to the client: the side can be taken from its pump without loss.
    pub fn is_quiet(&self) -> bool {
        let [_, outgoing] = &self.busy;
        !outgoing.load(Ordering::Relaxed)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.path.leave(self.id);
    }
}

/// What happens to a whole connection.
enum Event {
    Done,
    /// Both sides get a reset.
    Reset,
    /// The upstream's side is closed, the client's stays.
    HalfOpen,
    Requests(Vec<u8>),
}

/// Serves one connection to its end. Errors are the connection's own: the peers see them as they would without a proxy.
pub async fn serve(client: TcpStream, upstream: String, path: Arc<Path>) {
    let (id, notify) = path.join();
    let link = Link { path, id, notify, busy: [AtomicBool::new(false), AtomicBool::new(false)] };
    let _ = client.set_nodelay(true);
    if let (_, Some(active)) = link.now() {
        match &active.fault {
            PathFault::Reset { share } if falls(*share) => {
                active.counters.connection();
                reset(client);
                return;
            }
            PathFault::Cut { .. } => active.counters.connection(),
            _ => {}
        }
    }
    let Ok(server) = TcpStream::connect(&upstream).await else {
        // Nobody listens: the client would have been refused; a reset is the nearest that is left.
        reset(client);
        return;
    };
    let _ = server.set_nodelay(true);
    let _ = carry(client, server, &link).await;
}

fn reset(stream: TcpStream) {
    let _ = stream.set_zero_linger();
    drop(stream);
}

async fn carry(mut client: TcpStream, mut server: TcpStream, link: &Link) -> io::Result<()> {
    let mut first = Vec::new();
    if link.wants_requests() {
        match http::serve(&mut client, &mut server, Vec::new(), link).await? {
            http::Left::Closed => return Ok(()),
            http::Left::Aborted => {
                reset(client);
                return Ok(());
            }
            http::Left::Raw(rest) => first = rest,
        }
    }
    loop {
        let event = match both(&mut client, &mut server, std::mem::take(&mut first), link).await {
            Ok(event) => event,
            // One peer was reset: without a proxy the other would have seen it.
            Err(_) => Event::Reset,
        };
        match event {
            Event::Done => return Ok(()),
            Event::Reset => {
                reset(client);
                reset(server);
                return Ok(());
            }
            Event::HalfOpen => return half_open(client, server, link).await,
            Event::Requests(begin) => match http::serve(&mut client, &mut server, begin, link).await? {
                http::Left::Closed => return Ok(()),
                http::Left::Aborted => {
                    reset(client);
                    return Ok(());
                }
                http::Left::Raw(rest) => first = rest,
            },
        }
    }
}

/// Both sides until both ended, or until something happens to the connection as a whole.
async fn both(client: &mut TcpStream, server: &mut TcpStream, first: Vec<u8>, link: &Link) -> io::Result<Event> {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let incoming = async {
        match pump(&mut from_client, &mut to_server, Side::Incoming, link, first).await? {
            Stopped::Request(bytes) => Ok::<_, io::Error>(Some(bytes)),
            Stopped::Ended => Ok(None),
        }
    };
    let outgoing = pump(&mut from_server, &mut to_client, Side::Outgoing, link, Vec::new());
    let (mut incoming, mut outgoing) = (std::pin::pin!(incoming), std::pin::pin!(outgoing));
    let mut fate = std::pin::pin!(fate(link));
    let (mut incoming_done, mut outgoing_done) = (false, false);
    loop {
        tokio::select! {
            biased;
            stopped = &mut incoming, if !incoming_done => match stopped? {
                // A side that ended alone leaves the other open: half-closed connections work on.
                None => incoming_done = true,
                Some(begin) => return Ok(Event::Requests(begin)),
            },
            stopped = &mut outgoing, if !outgoing_done => {
                stopped?;
                outgoing_done = true;
            }
            event = &mut fate => return Ok(event),
        }
        if incoming_done && outgoing_done {
            return Ok(Event::Done);
        }
    }
}

/// Waits for a fault that ends the connection as a whole.
async fn fate(link: &Link) -> Event {
    loop {
        let (version, active) = link.now();
        match active.as_deref().map(|a| (&a.fault, &a.counters)) {
            Some((PathFault::Reset { share }, counters)) if falls(*share) => {
                counters.connection();
                return Event::Reset;
            }
            Some((PathFault::HalfOpen, counters)) => {
                counters.connection();
                return Event::HalfOpen;
            }
            _ => {}
        }
        link.changed(version).await;
    }
}

/// The upstream is gone, and the client is not told: what it sends is read and lost, until the fault ends. Then it gets
/// the reset that it should have had.
async fn half_open(mut client: TcpStream, mut server: TcpStream, link: &Link) -> io::Result<()> {
    let _ = server.shutdown().await;
    drop(server);
    let mut lost = vec![0u8; 16 * 1024];
    loop {
        let (version, active) = link.now();
        if !active.is_some_and(|a| a.fault == PathFault::HalfOpen) {
            reset(client);
            return Ok(());
        }
        tokio::select! {
            read = client.read(&mut lost) => if read? == 0 { return Ok(()) },
            () = link.changed(version) => {}
        }
    }
}
