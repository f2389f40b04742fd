//! A small server that asks for a name before it answers, for `tests/local/run.rs`: `asks LISTEN RESOLVER NAME`.
//!
//! 200 with the address that it was told, 503 where it was told none within a second. It asks anew for each request.

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, TYPE};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [listen, resolver, name] = words.as_slice() else { panic!("asks LISTEN RESOLVER NAME") };
    for stream in TcpListener::bind(listen).unwrap().incoming() {
        let mut stream = stream.unwrap();
        let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
        // Who only looks whether anybody listens asks for nothing.
        if !matches!(stream.read(&mut [0; 2048]), Ok(length) if length > 0) {
            continue;
        }
        let (status, body) = match found(resolver, name) {
            Some(address) => ("200 OK", address),
            None => ("503 Service Unavailable", "no address".to_owned()),
        };
        let _ =
            write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    }
}

fn found(resolver: &str, name: &str) -> Option<String> {
    let mut packet = Packet::new_query(7);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let (kind, class) = (QTYPE::TYPE(TYPE::A), QCLASS::CLASS(CLASS::IN));
    packet.questions.push(Question::new(Name::new(name).ok()?, kind, class, false));
    let socket = UdpSocket::bind("127.0.0.1:0").ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    socket.send_to(&packet.build_bytes_vec().ok()?, resolver).ok()?;
    let mut buffer = [0; 1500];
    let length = socket.recv(&mut buffer).ok()?;
    let answer = Packet::parse(buffer.get(..length)?).ok()?;
    answer.answers.iter().find_map(|record| match &record.rdata {
        RData::A(a) => Some(std::net::Ipv4Addr::from(a.address).to_string()),
        _ => None,
    })
}
