//! `local: { … }` of a service: its replicas on the machine that Perturb runs on.
//!
//! Comes in: the field. Goes out: [`LocalReplica`]s, and what does not fit together. Each replica is a process (started
//! from a command, or found by pid file, port or name), a path that leads to it, or both. Whether the ports are free and
//! the program exists is found out when it runs.

use std::sync::Arc;

use smol_str::SmolStr;

use super::declared::{check_keys, field};
use super::evaluate::{Evaluator, Val, text_of};
use super::program::{Expr, ExprKind, Field};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{LocalCommand, LocalPath, LocalProcess, LocalReplica, LocalResolver, Readiness, ReadyProbe};
use crate::source::Span;
use crate::types::{Bounds, Duration, Type, Value};

/// The fields of a replica.
const REPLICA: &[&str] = &[
    "command",
    "folder",
    "env",
    "log",
    "restart",
    "stop-within",
    "movable-clock",
    "pid-file",
    "listening",
    "program",
    "address",
    "upstream",
    "port",
    "proxy",
    "ready",
    "resolver",
    "resolver-upstream",
];
/// Those that say how the process is found.
const PROCESS: &[&str] = &["command", "pid-file", "listening", "program"];
/// Those that mean something only beside `command`.
const OF_COMMAND: &[&str] = &["folder", "env", "log", "restart", "stop-within", "movable-clock"];
/// How long a process may take to become ready if it does not say.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// How long a process may take to end if it does not say.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// The replicas of a `local:` field; `None` if something is wrong (then it was reported) or unknown at this place.
pub fn replicas(ev: &mut Evaluator<'_>, given: &Field) -> Option<Vec<LocalReplica>> {
    let ExprKind::Record(entries) = &given.value.kind else {
        // `match environment { … }`: what it gives is a value without the places of its parts.
        return chosen(ev, &given.value);
    };
    read_all(ev, entries, given.key.span)
}

/// The arm of a `match environment` that holds here, read as if it stood alone.
fn chosen(ev: &mut Evaluator<'_>, expr: &Expr) -> Option<Vec<LocalReplica>> {
    match ev.value(expr, &Type::Record) {
        Val::Plain(Value::None) => Some(Vec::new()),
        Val::Unknown(_) => None,
        Val::Record(_) => {
            ev.report(
                Diagnostic::new(
                    Code::LOCAL_REPLICA,
                    expr.span,
                    "the replicas of `local` are written where they are named",
                )
                .help("write `local: { a: { command: […] } }`; a `match environment` may stand inside of it"),
            );
            None
        }
        _ => None,
    }
}

fn read_all(ev: &mut Evaluator<'_>, entries: &[Field], at: Span) -> Option<Vec<LocalReplica>> {
    let mut found: Vec<LocalReplica> = Vec::new();
    let mut fine = true;
    if entries.is_empty() {
        ev.report(
            Diagnostic::new(Code::LOCAL_REPLICA, at, "a `local` without a replica")
                .help("name at least one: `local: { a: { command: [\"./server\"] } }`"),
        );
        return None;
    }
    for (index, entry) in entries.iter().enumerate() {
        if let Some(first) = entries.iter().take(index).find(|e| e.key.text == entry.key.text) {
            ev.report(super::evaluate::expr::twice(&entry.key, first.key.span));
            fine = false;
        }
        let ExprKind::Record(fields) = &entry.value.kind else {
            ev.value(&entry.value, &Type::Record);
            fine = false;
            continue;
        };
        match replica(ev, &entry.key.text, fields, entry.key.span) {
            Some(replica) => {
                if let Some((other, what)) = same_address(&found, &replica) {
                    ev.report(Diagnostic::new(
                        Code::LOCAL_REPLICA,
                        entry.key.span,
                        format!("`{}` and `{other}` {what} at the same address", replica.name),
                    ));
                    fine = false;
                }
                found.push(replica);
            }
            None => fine = false,
        }
    }
    fine.then_some(found)
}

/// Who is hit together with this one, and why.
fn same_address(found: &[LocalReplica], replica: &LocalReplica) -> Option<(SmolStr, &'static str)> {
    let address = |r: &LocalReplica| r.path.as_ref().and_then(|p| p.address.clone());
    let resolver = |r: &LocalReplica| r.resolver.as_ref().map(|r| r.address.clone());
    let same = |of: &dyn Fn(&LocalReplica) -> Option<SmolStr>| {
        let own = of(replica)?;
        found.iter().find(|r| of(r).as_ref() == Some(&own)).map(|r| r.name.clone())
    };
    same(&address).map(|other| (other, "are reached")).or_else(|| same(&resolver).map(|other| (other, "ask for names")))
}

fn replica(ev: &mut Evaluator<'_>, name: &SmolStr, fields: &[Field], at: Span) -> Option<LocalReplica> {
    check_keys(ev, fields, REPLICA, "a local replica");
    let known = fields.iter().all(|f| REPLICA.contains(&f.key.text.as_str()));
    let process = process(ev, name, fields);
    let path = path(ev, name, fields, at);
    let ready = match field(fields, "ready") {
        Some(given) => readiness(ev, given).map(Some),
        None => Some(None),
    };
    let resolver = resolver(ev, name, fields);
    let (process, path, ready, resolver) = (process?, path?, ready?, resolver?);
    if process.is_none() && path.is_none() && resolver.is_none() && known {
        ev.report(
            Diagnostic::new(Code::LOCAL_REPLICA, at, format!("nothing can be done to `{name}`"))
                .why("it names no process, and no path that leads to it")
                .help("say how its process is found (`command`, `pid-file`, `listening`, `program`), or where it is reached (`address` with `upstream`, or `proxy`)"),
        );
        return None;
    }
    known.then(|| LocalReplica { name: name.clone(), process, path, ready, resolver })
}

fn resolver(ev: &mut Evaluator<'_>, name: &str, fields: &[Field]) -> Option<Option<LocalResolver>> {
    let upstream = match field(fields, "resolver-upstream") {
        Some(given) => Some(address(ev, given)?),
        None => None,
    };
    let Some(given) = field(fields, "resolver") else {
        if let Some(stray) = field(fields, "resolver-upstream") {
            ev.report(
                Diagnostic::new(
                    Code::LOCAL_REPLICA,
                    stray.key.span,
                    format!("`{name}` has `resolver-upstream`, and no `resolver`"),
                )
                .help("write `resolver: \"127.0.0.1:9053\"`, where it asks for names; Perturb answers there"),
            );
            return None;
        }
        return Some(None);
    };
    let address = address(ev, given)?;
    if upstream.as_ref() == Some(&address) {
        ev.report(
            Diagnostic::new(Code::LOCAL_REPLICA, given.value.span, format!("`{name}`'s resolver would ask itself"))
                .help("name the server that knows the names in `resolver-upstream`, or leave it out: then the machine's own is asked"),
        );
        return None;
    }
    Some(Some(LocalResolver { address, upstream }))
}

fn process(ev: &mut Evaluator<'_>, name: &str, fields: &[Field]) -> Option<Option<LocalProcess>> {
    let given: Vec<&Field> = fields.iter().filter(|f| PROCESS.contains(&f.key.text.as_str())).collect();
    if let [first, second, ..] = given.as_slice() {
        ev.report(
            Diagnostic::new(Code::LOCAL_REPLICA, second.key.span, format!("`{name}` is one process, found in one way"))
                .also(first.key.span, "the first is here"),
        );
        return None;
    }
    let is_command = given.first().is_some_and(|f| f.key.text == "command");
    if let Some(stray) = fields.iter().find(|f| !is_command && OF_COMMAND.contains(&f.key.text.as_str())) {
        ev.report(
            Diagnostic::new(Code::LOCAL_REPLICA, stray.key.span, format!("`{}` without a `command`", stray.key.text))
                .why("it says how Perturb starts or ends the process, and Perturb does neither here"),
        );
        return None;
    }
    let Some(found) = given.first() else { return Some(None) };
    let process = match found.key.text.as_str() {
        "command" => LocalProcess::Command(command(ev, found, fields)?),
        "pid-file" => LocalProcess::PidFile(text(ev, found)?),
        "listening" => LocalProcess::Listening(port(ev, found)?),
        _ => LocalProcess::Named(text(ev, found)?),
    };
    Some(Some(process))
}

/// What a field says, or what holds without it; `None`: it says neither.
fn yes_or_no(ev: &mut Evaluator<'_>, fields: &[Field], key: &str, without: bool) -> Option<bool> {
    match field(fields, key).map(|f| ev.value(&f.value, &Type::Bool)) {
        Some(Val::Plain(Value::Bool(said))) => Some(said),
        Some(_) => None,
        None => Some(without),
    }
}

fn command(ev: &mut Evaluator<'_>, given: &Field, fields: &[Field]) -> Option<LocalCommand> {
    let words = match ev.value(&given.value, &Type::List(Arc::new(Type::String))) {
        Val::List(items) => items.iter().map(text_of).collect::<Option<Vec<_>>>()?,
        _ => return None,
    };
    if words.first().is_none_or(SmolStr::is_empty) {
        ev.report(Diagnostic::new(Code::LOCAL_REPLICA, given.value.span, "a command without a program").help(
            "write the program and its arguments, each in quotes: `command: [\"./server\", \"--port\", \"9001\"]`",
        ));
        return None;
    }
    let optional = |ev: &mut Evaluator<'_>, key: &str| match field(fields, key) {
        Some(given) => text(ev, given).map(Some),
        None => Some(None),
    };
    let folder = optional(ev, "folder");
    let log = optional(ev, "log");
    let env = match field(fields, "env") {
        Some(given) => environment(ev, given),
        None => Some(Vec::new()),
    };
    let restart = yes_or_no(ev, fields, "restart", true);
    let stop_within = match field(fields, "stop-within") {
        Some(given) => time(ev, &given.value, "stop-within"),
        None => Some(STOP_WITHIN),
    };
    let movable_clock = yes_or_no(ev, fields, "movable-clock", false);
    Some(LocalCommand {
        command: words,
        folder: folder?,
        env: env?,
        log: log?,
        restart: restart?,
        stop_within: stop_within?,
        movable_clock: movable_clock?,
    })
}

fn environment(ev: &mut Evaluator<'_>, given: &Field) -> Option<Vec<(SmolStr, SmolStr)>> {
    let ExprKind::Record(entries) = &given.value.kind else {
        ev.value(&given.value, &Type::Record);
        return None;
    };
    entries
        .iter()
        .map(|entry| {
            let value = ev.value(&entry.value, &Type::String);
            Some((entry.key.text.clone(), text_of(&value)?))
        })
        .collect()
}

fn path(ev: &mut Evaluator<'_>, name: &str, fields: &[Field], replica: Span) -> Option<Option<LocalPath>> {
    let get = |ev: &mut Evaluator<'_>, key: &str| match field(fields, key) {
        Some(given) => address(ev, given).map(Some),
        None => Some(None),
    };
    let address = get(ev, "address");
    let upstream = get(ev, "upstream");
    let proxy = match field(fields, "proxy") {
        Some(given) => text(ev, given).map(Some),
        None => Some(None),
    };
    let port = match field(fields, "port") {
        Some(given) => port(ev, given).map(Some),
        None => Some(None),
    };
    let (address, upstream, proxy, port) = (address?, upstream?, proxy?, port?);
    let half = match (&address, &upstream) {
        (Some(_), None) => Some(("address", "upstream", "where the proxy passes on what it takes")),
        (None, Some(_)) => Some(("upstream", "address", "where others reach it; the proxy listens there")),
        _ => None,
    };
    if let Some((has, lacks, what)) = half {
        let at = field(fields, has).map_or(replica, |f| f.key.span);
        ev.report(
            Diagnostic::new(Code::LOCAL_REPLICA, at, format!("`{name}` has `{has}`, and no `{lacks}`"))
                .help(format!("write `{lacks}: \"127.0.0.1:9001\"`, {what}")),
        );
        return None;
    }
    if address.is_some() && address == upstream {
        let at = field(fields, "upstream").map_or(replica, |f| f.value.span);
        ev.report(
            Diagnostic::new(Code::LOCAL_REPLICA, at, format!("`{name}` would be its own upstream"))
                .why("the proxy listens at `address` and passes on to `upstream`; both at one place is a circle")
                .help("let the process listen on another port, and let others use `address`"),
        );
        return None;
    }
    if address.is_none() && proxy.is_none() {
        if let Some(stray) = field(fields, "port") {
            ev.report(
                Diagnostic::new(Code::LOCAL_REPLICA, stray.key.span, "`port` without a path that it could stand for")
                    .help("write `address` and `upstream`, or `proxy`"),
            );
            return None;
        }
        return Some(None);
    }
    Some(Some(LocalPath { address, upstream, port, proxy }))
}

fn readiness(ev: &mut Evaluator<'_>, given: &Field) -> Option<Readiness> {
    let ExprKind::Record(fields) = &given.value.kind else {
        ev.value(&given.value, &Type::Record);
        return None;
    };
    check_keys(ev, fields, &["http", "tcp", "within"], "`ready`");
    let probe = match (field(fields, "http"), field(fields, "tcp")) {
        (Some(url), None) => match ev.value(&url.value, &Type::Url) {
            Val::Plain(Value::Url(url)) => ReadyProbe::Http(url),
            _ => return None,
        },
        (None, Some(given)) => ReadyProbe::Tcp(address(ev, given)?),
        _ => {
            ev.report(Diagnostic::new(Code::LOCAL_REPLICA, given.key.span, "`ready` asks one thing").help(
                "write `ready: { http: \"http://127.0.0.1:9001/health\" }` or `ready: { tcp: \"127.0.0.1:9001\" }`",
            ));
            return None;
        }
    };
    let within = match field(fields, "within") {
        Some(given) => time(ev, &given.value, "within")?,
        None => READY_WITHIN,
    };
    Some(Readiness { probe, within })
}

fn time(ev: &mut Evaluator<'_>, expr: &Expr, what: &str) -> Option<Duration> {
    match ev.value(expr, &Type::Duration) {
        Val::Plain(Value::Duration(d)) if d.is_zero() => {
            ev.report(Diagnostic::new(Code::ZERO_TIME, expr.span, format!("`{what}` of no time at all")));
            None
        }
        Val::Plain(Value::Duration(d)) => Some(d),
        _ => None,
    }
}

fn text(ev: &mut Evaluator<'_>, given: &Field) -> Option<SmolStr> {
    let text = text_of(&ev.value(&given.value, &Type::String))?;
    if text.is_empty() {
        ev.report(Diagnostic::new(Code::LOCAL_REPLICA, given.value.span, format!("`{}` is empty", given.key.text)));
        return None;
    }
    Some(text)
}

fn port(ev: &mut Evaluator<'_>, given: &Field) -> Option<u16> {
    let bounds = Arc::new(Bounds { least: Value::Int(1), greatest: Value::Int(65_535) });
    match ev.value(&given.value, &Type::InRange(Arc::new(Type::Int), bounds)) {
        Val::Plain(Value::Int(port)) => u16::try_from(port).ok(),
        _ => None,
    }
}

/// `host:port`.
pub(super) fn address(ev: &mut Evaluator<'_>, given: &Field) -> Option<SmolStr> {
    let text = text_of(&ev.value(&given.value, &Type::String))?;
    if is_address(&text) {
        return Some(text);
    }
    let diagnostic = Diagnostic::new(Code::LOCAL_ADDRESS, given.value.span, format!("`{text}` is not an address"))
        .help("an address is a host and a port: `127.0.0.1:9001`, `db.example:5432`, `[::1]:9001`");
    ev.report(if text.contains("://") { diagnostic.why("an address has no `http://`") } else { diagnostic });
    None
}

fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let host = match bare {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')),
    };
    host && port.parse::<u16>().is_ok_and(|p| p > 0)
}
