//! What a fault makes of a question: bytes in, bytes out, and chance.
//!
//! What cannot be read as a question is passed on as it is: it is the real server's to refuse.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use simple_dns::rdata::{A, AAAA, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, ResourceRecord, TYPE};

use super::{NameChange, NameFault};
use crate::engine::local::proxy::{Distribution, matches, wait};

/// What happens to a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not meant.
    Pass,
    /// It is passed on after so long.
    Later(Duration),
    /// This is asked in its place, and answered under its name.
    Instead(Vec<u8>),
    /// This is its answer.
    Answer(Vec<u8>),
    /// It gets none.
    Silence,
}

/// What a fault makes of these bytes.
pub fn verdict(fault: &NameFault, bytes: &[u8]) -> Verdict {
    let Ok(packet) = Packet::parse(bytes) else { return Verdict::Pass };
    let Some(question) = packet.questions.first().filter(|_| !packet.has_flags(PacketFlag::RESPONSE)) else {
        return Verdict::Pass;
    };
    let name = question.qname.to_string().to_ascii_lowercase();
    if let NameChange::Instead(pairs) = &fault.change {
        let other = pairs.iter().find(|(own, _)| is_named(own, &name, false)).map(|(_, other)| other);
        return other.and_then(|other| instead(bytes, other)).map_or(Verdict::Pass, Verdict::Instead);
    }
    if !fault.names.iter().any(|pattern| is_named(pattern, &name, fault.within)) {
        return Verdict::Pass;
    }
    let made = match &fault.change {
        NameChange::Silence => return Verdict::Silence,
        NameChange::Delay { latency, jitter } => {
            return Verdict::Later(wait(*latency, *jitter, Distribution::Uniform));
        }
        NameChange::Fails | NameChange::Instead(_) => reply(&packet, RCODE::ServerFailure, None),
        NameChange::Missing => reply(&packet, RCODE::NameError, None),
        NameChange::Random => match nowhere(question) {
            Some(address) => reply(&packet, RCODE::NoError, Some(address)),
            // A wrong answer to every other kind of question would be a guess.
            None => reply(&packet, RCODE::ServerFailure, None),
        },
        NameChange::Address(address) => {
            let fits = question.qtype == QTYPE::TYPE(if address.is_ipv4() { TYPE::A } else { TYPE::AAAA });
            // A name that has an address of the other kind only: no error, and nothing.
            reply(&packet, RCODE::NoError, fits.then_some(*address))
        }
    };
    made.map_or(Verdict::Silence, Verdict::Answer)
}

fn is_named(pattern: &str, name: &str, within: bool) -> bool {
    if within && !pattern.contains(['*', '?']) {
        return name.contains(pattern);
    }
    matches(pattern.as_bytes(), name.as_bytes())
}

/// An address of the ranges that are kept for documentation (RFC 5737, RFC 3849): nobody is there, and no stranger is asked.
fn nowhere(question: &Question<'_>) -> Option<IpAddr> {
    match question.qtype {
        QTYPE::TYPE(TYPE::A) => {
            let [a, b, c] = *fastrand::choice(&[[192, 0, 2], [198, 51, 100], [203, 0, 113]])?;
            Some(Ipv4Addr::new(a, b, c, fastrand::u8(1..255)).into())
        }
        QTYPE::TYPE(TYPE::AAAA) => {
            Some(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, fastrand::u16(..), fastrand::u16(..), 0, fastrand::u16(..)).into())
        }
        _ => None,
    }
}

/// The reply to a question, with one address or none.
fn reply(asked: &Packet<'_>, code: RCODE, address: Option<IpAddr>) -> Option<Vec<u8>> {
    let question = asked.questions.first()?;
    let mut packet = Packet::new_reply(asked.id());
    packet.set_flags(PacketFlag::RESPONSE | PacketFlag::RECURSION_AVAILABLE);
    if asked.has_flags(PacketFlag::RECURSION_DESIRED) {
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
    }
    *packet.rcode_mut() = code;
    packet.questions.push(question.clone());
    if let Some(address) = address {
        let data = match address {
            IpAddr::V4(address) => RData::A(A::from(address)),
            IpAddr::V6(address) => RData::AAAA(AAAA::from(address)),
        };
        packet.answers.push(ResourceRecord::new(question.qname.clone(), CLASS::IN, 0, data));
    }
    packet.build_bytes_vec().ok()
}

/// SERVFAIL for a question; `None`: it is none.
pub fn failure(question: &[u8]) -> Option<Vec<u8>> {
    reply(&Packet::parse(question).ok()?, RCODE::ServerFailure, None)
}

/// The same question for another name.
fn instead(bytes: &[u8], other: &str) -> Option<Vec<u8>> {
    let asked = Packet::parse(bytes).ok()?;
    let question = asked.questions.first()?;
    let mut packet = Packet::new_query(asked.id());
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(other).ok()?.into_owned();
    packet.questions.push(Question::new(name, question.qtype, QCLASS::CLASS(CLASS::IN), false));
    packet.build_bytes_vec().ok()
}

/// What was answered for another name, as the answer to this question: its addresses, under this name, not to be kept.
pub fn renamed(question: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
    let asked = Packet::parse(question).ok()?;
    let own = asked.questions.first()?;
    let found = Packet::parse(theirs).ok()?;
    let mut packet = Packet::parse(question).ok()?.into_reply();
    packet.set_flags(PacketFlag::RESPONSE | PacketFlag::RECURSION_AVAILABLE | PacketFlag::RECURSION_DESIRED);
    *packet.opt_mut() = None;
    *packet.rcode_mut() = found.rcode();
    packet.additional_records.clear();
    for record in &found.answers {
        if matches!(record.rdata, RData::A(_) | RData::AAAA(_)) {
            packet.answers.push(ResourceRecord::new(own.qname.clone(), CLASS::IN, 0, record.rdata.clone()));
        }
    }
    packet.build_bytes_vec().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(name: &str, kind: TYPE) -> Vec<u8> {
        let mut packet = Packet::new_query(4711);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        packet.questions.push(Question::new(
            Name::new(name).unwrap(),
            QTYPE::TYPE(kind),
            QCLASS::CLASS(CLASS::IN),
            false,
        ));
        packet.build_bytes_vec().unwrap()
    }

    fn fault(names: &[&str], change: NameChange) -> NameFault {
        NameFault { names: names.iter().map(|n| (*n).to_owned()).collect(), within: false, change }
    }

    fn answered(verdict: &Verdict) -> (RCODE, Vec<(u32, String)>) {
        let Verdict::Answer(bytes) = verdict else { panic!("{verdict:?}") };
        let packet = Packet::parse(bytes).unwrap();
        assert!(packet.id() == 4711 && packet.has_flags(PacketFlag::RESPONSE | PacketFlag::RECURSION_DESIRED));
        let text = |r: &ResourceRecord<'_>| match &r.rdata {
            RData::A(a) => (r.ttl, Ipv4Addr::from(a.address).to_string()),
            RData::AAAA(a) => (r.ttl, Ipv6Addr::from(a.address).to_string()),
            other => panic!("{other:?}"),
        };
        (packet.rcode(), packet.answers.iter().map(text).collect())
    }

    #[test]
    fn names_are_meant_whole_in_any_case_and_others_pass() {
        let fails = fault(&["ledger.bank.example", "api.*"], NameChange::Fails);
        for (name, meant) in [
            ("ledger.bank.example", true),
            ("LEDGER.Bank.Example", true),
            ("api.bank.example", true),
            ("ledger.bank.example.org", false),
            ("my.ledger.bank.example", false),
        ] {
            let verdict = verdict(&fails, &question(name, TYPE::A));
            assert_eq!(verdict != Verdict::Pass, meant, "{name}");
        }
        let within = NameFault { within: true, ..fault(&["ledger"], NameChange::Fails) };
        assert_ne!(verdict(&within, &question("my.ledger.example", TYPE::A)), Verdict::Pass);
    }

    #[test]
    fn each_change_is_what_it_says_and_is_not_to_be_kept() {
        let (a, aaaa) = (question("x.example", TYPE::A), question("x.example", TYPE::AAAA));
        let of = |change: NameChange, q: &[u8]| verdict(&fault(&["x.example"], change), q);
        assert_eq!(answered(&of(NameChange::Fails, &a)), (RCODE::ServerFailure, vec![]));
        assert_eq!(answered(&of(NameChange::Missing, &a)), (RCODE::NameError, vec![]));
        assert_eq!(of(NameChange::Silence, &a), Verdict::Silence);
        let fixed = NameChange::Address([10, 0, 0, 9].into());
        assert_eq!(answered(&of(fixed.clone(), &a)), (RCODE::NoError, vec![(0, "10.0.0.9".to_owned())]));
        assert_eq!(answered(&of(fixed, &aaaa)), (RCODE::NoError, vec![]));
        let (code, addresses) = answered(&of(NameChange::Random, &aaaa));
        assert!(code == RCODE::NoError && addresses[0].1.starts_with("2001:db8:"), "{addresses:?}");
        assert_eq!(answered(&of(NameChange::Random, &question("x.example", TYPE::MX))).0, RCODE::ServerFailure);
        assert_eq!(of(NameChange::Delay { latency: 5, jitter: 0 }, &a), Verdict::Later(Duration::from_nanos(5)));
    }

    #[test]
    fn another_name_is_asked_and_answered_under_the_first() {
        let spoof = fault(&[], NameChange::Instead(vec![("x.example".to_owned(), "y.example".to_owned())]));
        let own = question("x.example", TYPE::A);
        let Verdict::Instead(other) = verdict(&spoof, &own) else { panic!("nothing else is asked") };
        let asked = Packet::parse(&other).unwrap();
        assert_eq!(asked.questions[0].qname.to_string(), "y.example");
        let theirs = reply(&asked, RCODE::NoError, Some([10, 0, 0, 7].into())).unwrap();
        let ours = renamed(&own, &theirs).unwrap();
        assert_eq!(answered(&Verdict::Answer(ours.clone())), (RCODE::NoError, vec![(0, "10.0.0.7".to_owned())]));
        assert_eq!(Packet::parse(&ours).unwrap().answers[0].name.to_string(), "x.example");
    }

    #[test]
    fn noise_is_passed_on() {
        let fails = fault(&["*"], NameChange::Fails);
        let whole = question("x.example", TYPE::A);
        for length in 0..whole.len() {
            assert_eq!(verdict(&fails, &whole[..length]), Verdict::Pass, "{length}");
        }
        let mut answer = whole;
        answer[2] |= 0x80;
        assert_eq!(verdict(&fails, &answer), Verdict::Pass);
    }
}
