//! Asking the real name server: the bytes of a question in, the bytes of its answer out.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// How long the real server may take: what the C library waits before it asks again.
const PATIENCE: Duration = Duration::from_secs(5);
/// Who is asked when nobody is named.
const SYSTEM: &str = "/etc/resolv.conf";

/// How a question came, and goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// One packet.
    Udp,
    /// A connection.
    Tcp,
}

/// The server that is asked.
///
/// # Errors
/// That none is named there, or that the name is none.
pub async fn server(named: Option<&str>) -> io::Result<SocketAddr> {
    let text = match named {
        Some(named) => named.to_owned(),
        None => {
            let system = std::fs::read_to_string(SYSTEM)?;
            first_server(&system).ok_or_else(|| io::Error::other(format!("{SYSTEM} names no server to ask")))?
        }
    };
    tokio::net::lookup_host(&text).await?.next().ok_or_else(|| io::Error::other(format!("`{text}` has no address")))
}

fn first_server(system: &str) -> Option<String> {
    let name = system.lines().find_map(|line| line.trim().strip_prefix("nameserver")?.split_whitespace().next())?;
    Some(if name.contains(':') { format!("[{name}]:53") } else { format!("{name}:53") })
}

/// Asks.
///
/// # Errors
/// That it cannot be reached; `TimedOut`: that it says nothing.
pub async fn ask(to: SocketAddr, question: &[u8], way: Way) -> io::Result<Vec<u8>> {
    let asked = async {
        match way {
            Way::Udp => over_udp(to, question).await,
            Way::Tcp => over_tcp(to, question).await,
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn over_udp(to: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let own: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    // A socket for each question: its port is as hard to guess as the client's was.
    let socket = UdpSocket::bind(own).await?;
    socket.connect(to).await?;
    socket.send(question).await?;
    let mut buffer = vec![0u8; usize::from(u16::MAX)];
    loop {
        let length = socket.recv(&mut buffer).await?;
        let answer = buffer.get(..length).unwrap_or_default();
        // The first two bytes say which question it answers.
        if answer.get(..2) == question.get(..2) {
            return Ok(answer.to_vec());
        }
    }
}

async fn over_tcp(to: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(to).await?;
    stream.write_all(&with_length(question)?).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0u8; usize::from(length)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

/// A message as it goes over TCP.
///
/// # Errors
/// That it is longer than one may be.
pub fn with_length(message: &[u8]) -> io::Result<Vec<u8>> {
    let length = u16::try_from(message.len()).map_err(|_| io::Error::other("a message of more than 64 KiB"))?;
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend_from_slice(message);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_server_is_found_in_whatever_way_it_is_written() {
        assert_eq!(
            first_server("# none\nsearch a.b\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n").unwrap(),
            "10.0.0.2:53"
        );
        assert_eq!(first_server("nameserver\tfe80::1\n").unwrap(), "[fe80::1]:53");
        assert_eq!(first_server("options ndots:5\n"), None);
        assert_eq!(first_server(""), None);
    }
}
