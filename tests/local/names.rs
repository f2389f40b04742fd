//! Names: what a process that is pointed at Perturb is told, with a real server behind it.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use perturb::engine::drive::Driver;
use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, ResourceRecord, TYPE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::support::{Rig, plan, port, until};

/// What the real server knows: `other.example` is at 10.2.2.2, everything else at 10.1.1.1.
fn known(question: &[u8]) -> Vec<u8> {
    let asked = Packet::parse(question).unwrap();
    let name = asked.questions[0].qname.clone();
    let address = if name.to_string() == "other.example" { [10, 2, 2, 2] } else { [10, 1, 1, 1] };
    let mut answer = Packet::new_reply(asked.id());
    answer.set_flags(PacketFlag::RESPONSE);
    answer.questions.push(asked.questions[0].clone());
    answer.answers.push(ResourceRecord::new(name, CLASS::IN, 300, RData::A(Ipv4Addr::from(address).into())));
    answer.build_bytes_vec().unwrap()
}

/// A real server, over UDP and TCP.
async fn real_server() -> u16 {
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            break (udp, tcp);
        }
    };
    let port = udp.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut buffer = [0u8; 1500];
        loop {
            let (length, from) = udp.recv_from(&mut buffer).await.unwrap();
            udp.send_to(&known(&buffer[..length]), from).await.unwrap();
        }
    });
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = tcp.accept().await.unwrap();
            // Who only looks whether anybody is there asks nothing.
            let Ok(length) = stream.read_u16().await else { continue };
            let mut question = vec![0u8; usize::from(length)];
            stream.read_exact(&mut question).await.unwrap();
            let answer = known(&question);
            stream.write_u16(answer.len() as u16).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    });
    port
}

fn question(name: &str) -> Vec<u8> {
    let mut packet = Packet::new_query(99);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    packet.questions.push(Question::new(
        Name::new(name).unwrap(),
        QTYPE::TYPE(TYPE::A),
        QCLASS::CLASS(CLASS::IN),
        false,
    ));
    packet.build_bytes_vec().unwrap()
}

/// The code, and address and time to live of the first record.
fn read(bytes: &[u8]) -> (RCODE, Option<(Ipv4Addr, u32)>) {
    let answer = Packet::parse(bytes).unwrap();
    assert_eq!(answer.id(), 99);
    let first = answer.answers.first().map(|r| match &r.rdata {
        RData::A(a) => (Ipv4Addr::from(a.address), r.ttl),
        other => panic!("{other:?}"),
    });
    (answer.rcode(), first)
}

/// Asks over UDP; `None`: nothing came.
async fn ask(port: u16, name: &str) -> Option<(RCODE, Option<(Ipv4Addr, u32)>)> {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(("127.0.0.1", port)).await.unwrap();
    socket.send(&question(name)).await.unwrap();
    let mut buffer = [0u8; 1500];
    let length = tokio::time::timeout(Duration::from_millis(900), socket.recv(&mut buffer)).await.ok()?.ok()?;
    Some(read(&buffer[..length]))
}

async fn ask_over_tcp(port: u16, name: &str) -> (RCODE, Option<(Ipv4Addr, u32)>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let question = question(name);
    stream.write_u16(question.len() as u16).await.unwrap();
    stream.write_all(&question).await.unwrap();
    let mut answer = vec![0u8; usize::from(stream.read_u16().await.unwrap())];
    stream.read_exact(&mut answer).await.unwrap();
    read(&answer)
}

fn right() -> (RCODE, Option<(Ipv4Addr, u32)>) {
    (RCODE::NoError, Some(([10, 1, 1, 1].into(), 300)))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_names_is_there_for_the_names_that_are_meant_and_gone_after_it() {
    let (own, real) = (port(), real_server().await);
    let local = format!(r#"a: {{ resolver: "127.0.0.1:{own}", resolver-upstream: "127.0.0.1:{real}" }}"#);
    let faults = [
        r#"dns.error(one of ledger.pods, names: ["bank.example"])"#,
        r#"dns.not-found(one of ledger.processes, patterns: ["bank.*"])"#,
        r#"dns.silence(one of ledger.processes, names: ["bank"], matching: substring)"#,
        r#"dns.random(one of ledger.pods, names: ["bank.example"])"#,
        r#"dns.wrong(one of ledger.processes, names: ["bank.example"], address: "10.9.9.9")"#,
        r#"dns.spoof(one of ledger.pods, answers: { "bank.example": "other.example" })"#,
        r#"dns.delay(one of ledger.processes, names: ["bank.example"], latency: 300ms)"#,
    ];
    let method: String = faults.iter().map(|f| format!("{f} for 1m\n")).collect();
    let rig = Rig::up(plan(&local, &method)).await;
    assert_eq!(ask(own, "bank.example").await, Some(right()));
    for (number, fault) in faults.iter().enumerate() {
        let (injection, undo) = rig.put_in(number).await;
        let began = Instant::now();
        let answer = ask(own, "Bank.example").await;
        let took = began.elapsed();
        let code = answer.as_ref().map(|(code, _)| *code);
        // Who keeps what was made up would carry the fault on.
        let address = answer.and_then(|(_, record)| record).map(|(address, ttl)| {
            assert!(ttl == 0 || number == 6, "{fault}: to be kept for {ttl} s");
            address
        });
        match number {
            0 => assert_eq!((code, address), (Some(RCODE::ServerFailure), None), "{fault}"),
            1 => assert_eq!((code, address), (Some(RCODE::NameError), None), "{fault}"),
            2 => assert_eq!(code, None, "{fault}"),
            3 => assert!(address.unwrap().is_documentation(), "{fault}: {address:?}"),
            4 => assert_eq!(address, Some([10, 9, 9, 9].into()), "{fault}"),
            5 => assert_eq!(address, Some([10, 2, 2, 2].into()), "{fault}"),
            _ => assert!(
                took >= Duration::from_millis(300) && address == Some([10, 1, 1, 1].into()),
                "{fault}: {took:?}"
            ),
        }
        assert_eq!(ask(own, "shop.example").await, Some(right()), "{fault}: a name that is not meant");
        if number != 2 {
            assert_eq!(ask_over_tcp(own, "bank.example").await.0, code.unwrap(), "{fault}: over TCP");
        }
        let seen = rig.seen(&injection, &undo).await;
        assert!(seen.contains("questions for names"), "{seen}");
        rig.driver.undo(&undo).await.unwrap();
        assert_eq!(ask(own, "bank.example").await, Some(right()), "after {fault}");
        assert_eq!(ask_over_tcp(own, "bank.example").await, right(), "after {fault}");
    }
    // What is no question at all does not end it.
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(b"", ("127.0.0.1", own)).await.unwrap();
    socket.send_to(&[0xff; 40], ("127.0.0.1", own)).await.unwrap();
    rig.driver.release().await.unwrap();
    until("the server is gone", || std::net::TcpStream::connect(("127.0.0.1", own)).is_err()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_names_ends_at_its_deadline_and_there_is_room_for_one() {
    let (own, real) = (port(), real_server().await);
    let local = format!(r#"a: {{ resolver: "127.0.0.1:{own}", resolver-upstream: "127.0.0.1:{real}" }}"#);
    let method = "dns.error(one of ledger.pods, names: [\"bank.example\"]) for 1m\n\
                  dns.random(one of ledger.pods, names: [\"bank.example\"]) for 1m";
    let rig = Rig::up(plan(&local, method)).await;
    let mut injection = rig.injection(0).await;
    injection.at_most = perturb::types::Duration::from_millis(600);
    let undo = rig.driver.prepare(&injection).await.unwrap();
    rig.driver.inject(&injection, &undo).await.unwrap();
    assert_eq!(ask(own, "bank.example").await.unwrap().0, RCODE::ServerFailure);
    let second = rig.injection(1).await;
    let record = rig.driver.prepare(&second).await.unwrap();
    let refused = rig.driver.inject(&second, &record).await.unwrap_err().to_string();
    assert!(refused.contains("room for one"), "{refused}");
    rig.driver.undo(&record).await.unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while ask(own, "bank.example").await != Some(right()) {
        assert!(Instant::now() < end, "the fault outlives its deadline");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn that_the_real_server_is_gone_is_said_at_once() {
    let own = port();
    // Nobody is there: the client hears that it failed, at once.
    let local = format!(r#"a: {{ resolver: "127.0.0.1:{own}", resolver-upstream: "127.0.0.1:{}" }}"#, port());
    let _rig = Rig::up(plan(&local, "dns.error(one of ledger.pods, names: [\"bank.example\"]) for 1m")).await;
    assert_eq!(ask(own, "shop.example").await, Some((RCODE::ServerFailure, None)));
}
