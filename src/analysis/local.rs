//! Proof: what is done to processes on the machine that Perturb runs on can be done to each of those that may be drawn.
//!
//! Comes in: the plan's faults and what its services say of their replicas here. Goes out: P0720, P0721, P0723, P0724. An action of the
//! local engine says by its first word what it needs: `proxy.…`, `http.…` and `packets.…` a path, `process.…` a process, `dns.…`
//! a resolver, `clock.…` a process that is started so that its clock can be moved.

use std::collections::BTreeMap;
use std::net::IpAddr;

use smol_str::SmolStr;

use super::facts;
use super::portability::engine_of;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Draw, EngineName, Fault, LocalProcess, LocalReplica, Plan, Selector, ServiceFacts};
use crate::types::Value;

/// Adds faults that some of their candidates cannot suffer, and replicas that would be hit by the faults of others.
pub fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    shared(plan, out);
    for fault in &plan.faults {
        let Some(draw) = facts::draw(plan, fault.target) else { continue };
        let Selector::Processes(of) = &draw.selector else { continue };
        let Some(service) = plan.services.get(&of.service) else { continue };
        let candidates = service.local.iter().filter(|r| of.names.is_empty() || of.names.contains(&r.name));
        if let Some(unknown) = of.names.iter().find(|n| !service.local.iter().any(|r| r.name == **n)) {
            out.push(
                Diagnostic::new(
                    Code::LOCAL_NO_PROCESS,
                    draw.span,
                    format!("`{}` has no replica `{unknown}` here", of.service),
                )
                .also(service.span, "its `local` names others"),
            );
        }
        for replica in candidates {
            if let Some(diagnostic) = unfit(plan, fault, draw, replica) {
                out.push(diagnostic.also(service.span, "declared here"));
                break;
            }
        }
    }
}

/// Two services that are reached, or ask for names, at one address: only one of them could be there, and what is done to it is done
/// to the other. Within a service the text alone says so, and was refused before.
fn shared(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<(&str, &SmolStr), (&SmolStr, &ServiceFacts, &LocalReplica)> = BTreeMap::new();
    for (name, facts) in &plan.services {
        for replica in &facts.local {
            let address = replica.path.as_ref().and_then(|p| p.address.as_ref()).map(|a| ("are reached", a));
            let resolver = replica.resolver.as_ref().map(|r| ("ask for names", &r.address));
            for (what, at) in address.into_iter().chain(resolver) {
                let (other, theirs, same) = *seen.entry((what, at)).or_insert((name, facts, replica));
                if other == name {
                    continue;
                }
                let message =
                    format!("`{name}/{}` and `{other}/{}` {what} at the same address, {at}", replica.name, same.name);
                out.push(
                    Diagnostic::new(Code::LOCAL_REPLICA, facts.span, message)
                        .also(theirs.span, "the other is here")
                        .why("Perturb listens there once, for one of them, and what is done to one would be done to the other")
                        .help("give each an address of its own"),
                );
            }
        }
    }
}

fn unfit(plan: &Plan, fault: &Fault, draw: &Draw, replica: &LocalReplica) -> Option<Diagnostic> {
    let engine = engine_of(plan, fault).ok()?;
    let body = fault.bodies.get(&engine)?;
    let name = format!("{}/{}", draw.service.as_deref().unwrap_or_default(), replica.name);
    if engine == EngineName::Toxiproxy {
        let proxy = replica.path.as_ref().and_then(|p| p.proxy.as_ref());
        return proxy.is_none().then(|| {
            no_path(fault, format!("no Toxiproxy stands before `{name}`"), "name the proxy there: `proxy: \"ledger\"`")
        });
    }
    let action = body.field("action").and_then(Value::as_text)?;
    match action.split('.').next()? {
        "proxy" | "http" | "packets" => match replica.path.as_ref().filter(|p| p.address.is_some()) {
            None => Some(no_path(
                fault,
                format!("no proxy stands before `{name}`, so nothing can happen on the way to it"),
                "give it `address`, where others reach it, and `upstream`, where it listens",
            )),
            Some(path) => match body.field("port") {
                Some(Value::Int(port)) if !u16::try_from(*port).is_ok_and(|p| path.stands_for(p)) => Some(no_path(
                    fault,
                    format!("`port: {port}` is not a port of `{name}`"),
                    "say in its `local` which port the path stands for: `port: 8080`",
                )),
                _ => None,
            },
        },
        "dns" if body.field("address").and_then(Value::as_text).is_some_and(|a| a.parse::<IpAddr>().is_err()) => Some(
            Diagnostic::new(Code::LOCAL_ADDRESS, fault.span, "a name is answered with an address, not with another name")
                .help("write an address of IPv4 or IPv6, `address: \"192.0.2.1\"`, or use `dns.spoof` for another name"),
        ),
        "dns" if replica.resolver.is_none() => Some(
            Diagnostic::new(Code::LOCAL_NO_PATH, fault.span, format!("`{name}` does not ask Perturb for names"))
                .why("only who is asked can answer wrongly")
                .help("give it `resolver`, an address at which Perturb answers, and point the process at it"),
        ),
        "clock" if !is_movable(replica) => Some(
            Diagnostic::new(Code::LOCAL_NO_PROCESS, fault.span, format!("the clock of `{name}` cannot be moved"))
                .why("only a process that was started so reads a clock of its own")
                .help("give it a `command` with `movable-clock: true`; `perturb engines local` says whether this machine can do it"),
        ),
        "process" if replica.process.is_none() => Some(
            Diagnostic::new(Code::LOCAL_NO_PROCESS, fault.span, format!("nobody can find the process of `{name}`"))
                .why("it declares a path only, and this fault is one of a process")
                .help("say how it is found: `command`, `pid-file`, `listening` or `program`"),
        ),
        "process" if action == "process.restart" && !matches!(replica.process, Some(LocalProcess::Command(_))) => Some(
            Diagnostic::new(Code::LOCAL_NO_PROCESS, fault.span, format!("Perturb cannot start `{name}` again"))
                .why("it did not start it: whoever did knows how")
                .help("give it a `command`, or kill it, and let its own supervisor start it"),
        ),
        _ => None,
    }
}

fn is_movable(replica: &LocalReplica) -> bool {
    matches!(&replica.process, Some(LocalProcess::Command(command)) if command.movable_clock)
}

fn no_path(fault: &Fault, message: String, help: &str) -> Diagnostic {
    Diagnostic::new(Code::LOCAL_NO_PATH, fault.span, message).help(help.to_owned())
}
