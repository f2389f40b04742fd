//! A connection that is understood as HTTP/1, request by request, while something is done to requests.
//!
//! Comes in: both sockets and what was read already. Goes out: how it ended, or, as soon as nothing is done to requests
//! any more, the bytes that were read and not yet passed on. What is not HTTP/1 is passed on untouched.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::clock::Clock;
use super::link::Link;
use super::message::{self, Chunks, Framing, RequestHead, Seen};
use super::pump::{PIECE, falls};
use super::{Active, HttpChange, PathFault};

/// How it ended.
pub enum Left {
    /// Both ends know.
    Closed,
    /// The client has to be reset.
    Aborted,
    /// Go on without understanding: these bytes go to the upstream first.
    Raw(Vec<u8>),
}

/// Bytes that were read and not yet used.
struct Buffer(Vec<u8>);

impl Buffer {
    async fn more(&mut self, from: &mut TcpStream) -> io::Result<usize> {
        self.0.reserve(PIECE);
        from.read_buf(&mut self.0).await
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.0.split_off(length.min(self.0.len()));
        std::mem::replace(&mut self.0, rest)
    }
}

/// Serves requests until the end, or until nothing is done to them any more.
pub async fn serve(client: &mut TcpStream, server: &mut TcpStream, first: Vec<u8>, link: &Link) -> io::Result<Left> {
    let mut asked = Buffer(first);
    let mut answered = Buffer(Vec::new());
    loop {
        let head = loop {
            match message::request(&asked.0) {
                Seen::Head(head) => break head,
                Seen::Foreign => return Ok(Left::Raw(asked.0)),
                Seen::Partial => {}
            }
            let (version, active) = link.now();
            if !is_http(active.as_ref()) && asked.0.is_empty() {
                return Ok(Left::Raw(asked.0));
            }
            tokio::select! {
                read = asked.more(client) => if read? == 0 {
                    server.shutdown().await?;
                    return Ok(Left::Closed);
                },
                // The upstream may end an idle connection; the client has to see that.
                read = answered.more(server) => {
                    if read? == 0 {
                        client.shutdown().await?;
                        return Ok(Left::Closed);
                    }
                    // An answer that nobody asked for: this is no HTTP that we understand.
                    client.write_all(&answered.0).await?;
                    return Ok(Left::Raw(asked.0));
                }
                () = link.changed(version) => {}
            }
        };
        let (_, active) = link.now();
        let fault = active.filter(|a| is_http(Some(a)));
        let change = fault.as_ref().and_then(|active| meant(active, &head));
        if let (Some(active), Some(HttpChange::Abort)) = (&fault, &change) {
            active.counters.requests.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            return Ok(Left::Aborted);
        }
        if let Some(HttpChange::Delay(nanos)) = change {
            Clock::new()?.until(Instant::now() + Duration::from_nanos(nanos)).await?;
        }
        server.write_all(&asked.take(head.length)).await?;
        relay(client, server, &mut asked, head.framing).await?;
        loop {
            let answer = loop {
                match message::answer(&answered.0, &head.method) {
                    Seen::Head(answer) => break answer,
                    Seen::Foreign => {
                        client.write_all(&answered.0).await?;
                        return Ok(Left::Raw(asked.0));
                    }
                    Seen::Partial => {}
                }
                if answered.more(server).await? == 0 {
                    client.write_all(&answered.0).await?;
                    client.shutdown().await?;
                    return Ok(Left::Closed);
                }
            };
            let bytes = answered.take(answer.length);
            let interim = (100..200).contains(&answer.status);
            if interim {
                client.write_all(&bytes).await?;
                if answer.status == 101 {
                    client.write_all(&answered.0).await?;
                    return Ok(Left::Raw(asked.0));
                }
                continue;
            }
            write_answer(client, server, &mut answered, &bytes, answer.framing, change.as_ref()).await?;
            if let (Some(active), Some(_)) = (&fault, &change) {
                active.counters.requests.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
            if answer.framing == Framing::UntilClose {
                client.shutdown().await?;
                return Ok(Left::Closed);
            }
            break;
        }
    }
}

fn is_http(active: Option<&Arc<Active>>) -> bool {
    active.is_some_and(|a| matches!(a.fault, PathFault::Http(_)))
}

/// What is done to this request, if it is meant and its share falls.
fn meant(active: &Active, head: &RequestHead) -> Option<HttpChange> {
    let PathFault::Http(fault) = &active.fault else { return None };
    active.counters.looked_at.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    (message::meant(fault, head) && falls(fault.share)).then(|| fault.change.clone())
}

async fn write_answer(
    client: &mut TcpStream,
    server: &mut TcpStream,
    answered: &mut Buffer,
    head: &[u8],
    framing: Framing,
    change: Option<&HttpChange>,
) -> io::Result<()> {
    match change {
        Some(HttpChange::Body(body)) if framing != Framing::Empty => {
            swallow(server, answered, framing).await?;
            let mut bytes = message::with_length(head, body.len());
            bytes.extend_from_slice(body.as_bytes());
            client.write_all(&bytes).await
        }
        Some(HttpChange::Status(status)) => {
            client.write_all(&message::with_status(head, *status)).await?;
            relay(server, client, answered, framing).await
        }
        Some(HttpChange::Header(name, value)) => {
            let value = Some(value.as_str()).filter(|v| !v.is_empty());
            client.write_all(&message::with_header(head, name, value)).await?;
            relay(server, client, answered, framing).await
        }
        _ => {
            client.write_all(head).await?;
            relay(server, client, answered, framing).await
        }
    }
}

/// Passes a body on.
async fn relay(from: &mut TcpStream, to: &mut TcpStream, buffer: &mut Buffer, framing: Framing) -> io::Result<()> {
    let mut end = End::new(framing);
    loop {
        let (length, done) = end.take(&buffer.0)?;
        if length > 0 {
            to.write_all(&buffer.take(length)).await?;
        }
        if done {
            return Ok(());
        }
        // A body goes on in both directions: the upstream may refuse before the request is over.
        if buffer.more(from).await? == 0 {
            return if framing == Framing::UntilClose { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
    }
}

/// Reads a body that nobody gets.
async fn swallow(from: &mut TcpStream, buffer: &mut Buffer, framing: Framing) -> io::Result<()> {
    let mut end = End::new(framing);
    loop {
        let (length, done) = end.take(&buffer.0)?;
        drop(buffer.take(length));
        if done || (buffer.more(from).await? == 0) {
            return Ok(());
        }
    }
}

/// Where a body ends.
enum End {
    After(u64),
    Chunks(Chunks),
    Close,
}

impl End {
    fn new(framing: Framing) -> Self {
        match framing {
            Framing::Empty => Self::After(0),
            Framing::Length(length) => Self::After(length),
            Framing::Chunked => Self::Chunks(Chunks::default()),
            Framing::UntilClose => Self::Close,
        }
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<(usize, bool)> {
        match self {
            Self::After(left) => {
                let here = (*left).min(bytes.len() as u64);
                *left -= here;
                Ok((usize::try_from(here).unwrap_or(usize::MAX), *left == 0))
            }
            Self::Chunks(chunks) => chunks.take(bytes).ok_or_else(|| io::ErrorKind::InvalidData.into()),
            Self::Close => Ok((bytes.len(), false)),
        }
    }
}
