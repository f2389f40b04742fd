//! Losing packets on the way to an address of this machine, with Linux's own packet filter.
//!
//! Comes in: addresses, a share, and how long it may last. Goes out: one table of nftables per fault. Its name is known
//! before it is made, so that whoever holds the record can remove it; and what it drops is the member of a set whose time
//! runs out in the kernel, so that a fault ends by itself if nobody is left to end it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::process::{Command, Stdio};

use super::proxy::{Side, Sides};
use crate::engine::drive::named_after;

/// Where the program is, beside what `PATH` says: it is an administrator's, and `PATH` of a user may not name its folder.
const PROGRAMS: &[&str] = &["/usr/sbin/nft", "/sbin/nft", "nft"];

/// What is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Where others reach the targets.
    pub addresses: Vec<SocketAddr>,
    /// Of ten thousand.
    pub share: u32,
    /// Which packets, seen from the targets.
    pub sides: Sides,
    /// In milliseconds.
    pub at_most: u64,
}

/// The table of an injection.
#[must_use]
pub fn table_of(injection: &str) -> String {
    format!("perturb_{}", named_after(injection, '_'))
}

/// Whether this machine can do it: root, the program, and a kernel with what the rules need.
///
/// # Errors
/// Why not, in words.
pub fn possible() -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        return Err("only Linux has nftables".to_owned());
    }
    // An address of every kind, so that what holds here holds for any.
    let loopback = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 1));
    let loss = Loss {
        addresses: [[0, 0, 0, 0], [127, 0, 0, 1]].map(|ip| (ip, 1).into()).into_iter().chain([loopback]).collect(),
        share: 1,
        sides: Sides::Both,
        at_most: 1,
    };
    // `-c`: everything but the change itself.
    nft(&["-c", "-f", "-"], &script("perturb_survey", &loss)).map(|_| ())
}

/// Begins to drop.
///
/// # Errors
/// That it is not possible; then nothing is dropped, as all rules go in at once.
pub fn begin(table: &str, loss: &Loss) -> Result<(), String> {
    nft(&["-f", "-"], &script(table, loss)).map(|_| ())
}

/// How many packets were dropped; `None`: the table is not there.
///
/// # Errors
/// That nobody can be asked.
pub fn dropped(table: &str) -> Result<Option<u64>, String> {
    match nft(&["list", "table", "inet", table], "") {
        Ok(text) => Ok(Some(counted(&text))),
        Err(error) if error.contains("No such file or directory") => Ok(None),
        Err(error) => Err(error),
    }
}

/// Stops dropping. Right also if nothing was dropped.
///
/// # Errors
/// That something may be left.
pub fn end(table: &str) -> Result<(), String> {
    // Made and taken away in one step: no error if it is not there.
    nft(&["-f", "-"], &format!("table inet {table}\ndelete table inet {table}\n")).map(|_| ())
}

/// All packets to an address are seen where they come in, those from it where they go out: on the loopback, where every packet
/// does both, each is looked at once.
fn script(table: &str, loss: &Loss) -> String {
    // A table of this name is one that an earlier try left.
    let mut text = format!("table inet {table}\ndelete table inet {table}\ntable inet {table} {{\n");
    let mut chains = String::new();
    // A share of all is none that could be drawn.
    let share = if loss.share >= 10_000 { String::new() } else { format!("numgen random mod 10000 < {} ", loss.share) };
    for (side, hook, port, address) in
        [(Side::Incoming, "input", "dport", "daddr"), (Side::Outgoing, "output", "sport", "saddr")]
    {
        if !loss.sides.has(side) {
            continue;
        }
        let _ = writeln!(chains, "  chain {hook} {{\n    type filter hook {hook} priority 0; policy accept;");
        for (family, kind) in [("ip", "v4"), ("ip6", "v6"), ("", "any")] {
            let matched = match family {
                "" => format!("meta l4proto {{ tcp, udp }} th {port} @{kind}"),
                _ => format!("meta l4proto {{ tcp, udp }} {family} {address} . th {port} @{kind}"),
            };
            if loss.addresses.iter().any(|a| set_of(a) == kind) {
                let _ = writeln!(chains, "    {matched} {share}counter drop");
            }
        }
        chains.push_str("  }\n");
    }
    for (kind, of) in [("v4", "ipv4_addr . inet_service"), ("v6", "ipv6_addr . inet_service"), ("any", "inet_service")]
    {
        let members: Vec<String> = loss
            .addresses
            .iter()
            .filter(|a| set_of(a) == kind)
            .map(|a| match kind {
                "any" => format!("{} timeout {}ms", a.port(), loss.at_most),
                _ => format!("{} . {} timeout {}ms", a.ip(), a.port(), loss.at_most),
            })
            .collect();
        if !members.is_empty() {
            let _ = writeln!(
                text,
                "  set {kind} {{\n    type {of}; flags timeout;\n    elements = {{ {} }}\n  }}",
                members.join(", ")
            );
        }
    }
    text.push_str(&chains);
    text.push_str("}\n");
    text
}

/// The set that an address belongs to: one that stands for all of the machine's is known by its port alone.
fn set_of(address: &SocketAddr) -> &'static str {
    match address.ip() {
        ip if ip.is_unspecified() => "any",
        IpAddr::V4(_) => "v4",
        IpAddr::V6(_) => "v6",
    }
}

/// The sum of `counter packets N bytes M`.
fn counted(text: &str) -> u64 {
    text.split("counter packets ").skip(1).filter_map(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).sum()
}

fn nft(arguments: &[&str], input: &str) -> Result<String, String> {
    let mut missing = "the program `nft` is not on this machine: install `nftables`".to_owned();
    for program in PROGRAMS {
        let child = Command::new(program)
            .args(arguments)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                missing = format!("cannot start `{program}`: {error}");
                continue;
            }
        };
        if let Some(mut pipe) = child.stdin.take() {
            // One that does not read says why on its standard error.
            let _ = pipe.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(|error| format!("`{program}` cannot be waited for: {error}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let first = said.lines().next().unwrap_or("it says nothing");
        return Err(match first.contains("Operation not permitted") {
            true => "only root may change the packet filter".to_owned(),
            false => format!("`nft` refuses: {first}"),
        });
    }
    Err(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_packet_is_looked_at_once_and_every_member_ends_by_itself() {
        let loss = Loss {
            addresses: vec![
                "127.0.0.1:8001".parse().unwrap(),
                "0.0.0.0:8002".parse().unwrap(),
                "[::1]:1".parse().unwrap(),
            ],
            share: 250,
            sides: Sides::Both,
            at_most: 30_000,
        };
        let text = script("perturb_x", &loss);
        assert_eq!(text.matches("timeout 30000ms").count(), 3, "{text}");
        assert_eq!(text.matches("numgen random mod 10000 < 250 counter drop").count(), 6, "{text}");
        let incoming = script("perturb_x", &Loss { sides: Sides::Incoming, share: 10_000, ..loss });
        assert!(!incoming.contains("numgen"), "{incoming}");
        assert!(incoming.contains("hook input") && !incoming.contains("hook output"), "{incoming}");
    }

    #[test]
    fn counters_are_added() {
        assert_eq!(counted("x counter packets 3 bytes 9 drop\n y counter packets 40 bytes 1 drop"), 43);
        assert_eq!(counted(""), 0);
    }
}
