//! Connections and names.

use std::net::SocketAddr;
use std::time::Instant;

use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE, rdata::RData};
use tokio::net::{TcpStream, UdpSocket};

use super::{Missing, convert};
use crate::plan::{DnsAnswer, TcpAnswer};
use crate::runtime::machine::Answer;
use crate::source::disk;
use crate::types::Decimal;

/// Whether, or after which time, a connection is taken.
pub async fn tcp(address: &str, answer: TcpAnswer, of_type: &str) -> Result<Answer, Missing> {
    let began = Instant::now();
    let connected = TcpStream::connect(address).await;
    let took = began.elapsed();
    match (answer, connected) {
        (TcpAnswer::Ok, Ok(_)) => convert::truth(true, of_type).map(Answer::from),
        (TcpAnswer::Ok, Err(error)) => convert::refusal(disk::plain(&error), of_type),
        (TcpAnswer::Time, Ok(_)) => convert::duration(took, of_type).map(Answer::from),
        (TcpAnswer::Time, Err(error)) => {
            Err(Missing(format!("{address} takes no connection: {}", disk::plain(&error))))
        }
    }
}

/// What a look-up gives.
pub async fn dns(name: &str, server: Option<&str>, answer: DnsAnswer, of_type: &str) -> Result<Answer, Missing> {
    let began = Instant::now();
    let found = match server {
        None => match tokio::net::lookup_host((name, 0)).await {
            Ok(addresses) => Ok(addresses.map(|a| a.ip()).collect::<std::collections::BTreeSet<_>>().len()),
            Err(error) => Err(Missing(format!("`{name}` is not found: {}", disk::plain(&error)))),
        },
        Some(server) => ask_server(name, server).await,
    };
    let took = began.elapsed();
    match (answer, found) {
        (DnsAnswer::Ok, Ok(0)) => convert::refusal(format!("`{name}` has no address"), of_type),
        (DnsAnswer::Ok, Ok(_)) => convert::truth(true, of_type).map(Answer::from),
        (DnsAnswer::Ok, Err(Missing(why))) => convert::refusal(why, of_type),
        (DnsAnswer::Time, Ok(_)) => convert::duration(took, of_type).map(Answer::from),
        (DnsAnswer::Addresses, Ok(n)) => {
            convert::value(Decimal::from(n), crate::plan::MetricUnit::Count, of_type).map(Answer::from)
        }
        (_, Err(error)) => Err(error),
    }
}

/// How many IPv4 addresses a server gives.
async fn ask_server(name: &str, server: &str) -> Result<usize, Missing> {
    let failed = |error: &dyn std::fmt::Display| Missing(format!("{server} does not answer: {error}"));
    let unheard = |error: std::io::Error| failed(&disk::plain(&error));
    let to: SocketAddr = tokio::net::lookup_host(server)
        .await
        .map_err(unheard)?
        .next()
        .ok_or_else(|| Missing(format!("`{server}` is no address")))?;
    let own: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(own).await.map_err(unheard)?;
    socket.connect(to).await.map_err(unheard)?;
    let id = fastrand::u16(..);
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let asked = Name::new(name).map_err(|e| failed(&e))?.into_owned();
    packet.questions.push(Question::new(asked, QTYPE::TYPE(TYPE::A), QCLASS::CLASS(CLASS::IN), false));
    let bytes = packet.build_bytes_vec().map_err(|e| failed(&e))?;
    socket.send(&bytes).await.map_err(unheard)?;
    let mut buffer = [0u8; 4096];
    loop {
        let length = socket.recv(&mut buffer).await.map_err(unheard)?;
        let Ok(answer) = Packet::parse(buffer.get(..length).unwrap_or_default()) else { continue };
        if answer.id() != id {
            continue;
        }
        return match answer.rcode() {
            RCODE::NoError => Ok(answer.answers.iter().filter(|a| matches!(a.rdata, RData::A(_))).count()),
            code => Err(Missing(format!("{server} answers {code:?} for `{name}`"))),
        };
    }
}
