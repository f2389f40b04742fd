//! Bodies that Chaos Mesh admits and then does nothing with, or something else: refused here, as nobody would notice.
//!
//! Comes in: a fault's kind and spec. Goes out: diagnostics. Single fields are judged while they are spelled; here stands
//! what takes several fields together. Numbers (`T18`, `W8`) are those of the traps and admission rules that it holds.

use crate::diagnostic::{Code, Diagnostic};
use crate::plan::Effect;
use crate::types::{Entry, Value};

use super::context::{Context, other_ways};
use super::object::Expressed;
use super::spelling::is_absent;

/// One rule that a body breaks: what, why, what to do.
struct Broken {
    what: String,
    why: &'static str,
    help: &'static str,
}

/// Judges one body.
pub(super) fn check(cx: &mut Context<'_>, of: Expressed<'_>) {
    let mut broken = Vec::new();
    let mut say = |what: &str, why: &'static str, help: &'static str| {
        broken.push(Broken { what: what.to_owned(), why, help });
    };
    effect(of, &mut say);
    match of.kind.name {
        "NetworkChaos" => network(of, &mut say),
        "IOChaos" => io(of, &mut say),
        "StressChaos" => stress(of, &mut say),
        "TimeChaos" => time(of, &mut say),
        "DNSChaos" => dns(of, &mut say),
        "HTTPChaos" => http(of, &mut say),
        "JVMChaos" => jvm(of, &mut say),
        "BlockChaos" => block(of, &mut say),
        "AWSChaos" | "GCPChaos" | "AzureChaos" => cloud(of, &mut say),
        "PhysicalMachineChaos" => machine(of, &mut say),
        _ => {}
    }
    for Broken { what, why, help } in broken {
        let diagnostic = Diagnostic::new(Code::CHAOS_MESH_TRAP, of.fault.span, format!("`{}`: {what}", of.fault.name))
            .why(why)
            .help(other_ways(cx.plan, of.fault, help));
        cx.refuse(diagnostic);
    }
    approximate(cx, of);
}

/// How a rule reports.
type Say<'s> = dyn FnMut(&str, &'static str, &'static str) + 's;

/// The length that a number or quantity has, if it is one: zero is what matters.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Int(n) => *n == 0,
        Value::Number(n) => n.is_zero(),
        Value::Duration(d) => d.is_zero(),
        Value::Offset(o) => o.as_nanos() == 0,
        Value::Bytes(b) => b.0 == 0,
        Value::Percent(p) => p.0.is_zero(),
        Value::String(t) => t == "0",
        _ => false,
    }
}

/// A field of a record, if it is printed.
fn field<'v>(record: Option<&'v Value>, key: &str) -> Option<&'v Value> {
    record.and_then(|r| r.get(key)).filter(|v| !is_absent(v))
}

/// T13: the declared effect against what Chaos Mesh does.
fn effect(of: Expressed<'_>, say: &mut Say<'_>) {
    match (of.fault.effect, of.fires_once()) {
        (Effect::Lasting, true) => say(
            "is declared `lasting`, and Chaos Mesh fires it once",
            "it would ignore the length and undo nothing",
            "declare `effect: instant`",
        ),
        (Effect::Instant, false) => say(
            "is declared `instant`, and Chaos Mesh undoes it at the end",
            "it would last for as long as its node happens to live",
            "declare `effect: lasting`",
        ),
        _ => {}
    }
}

/// T14, T18, T19, W8, W9.
fn network(of: Expressed<'_>, say: &mut Say<'_>) {
    const BLOCKS: [&str; 5] = ["delay", "loss", "duplicate", "corrupt", "rate"];
    let action = of.word("action");
    let given = BLOCKS.iter().filter(|b| of.get(b).is_some()).count();
    match action {
        "netem" if given == 0 => say(
            "`action: netem` comes without a block",
            "Chaos Mesh would retry for ever and inject nothing",
            "give `delay`, `loss`, `duplicate`, `corrupt` or `rate`",
        ),
        "delay" | "loss" | "duplicate" | "corrupt" | "bandwidth" if of.get(action).is_none() => say(
            "the block that is named like its `action` is missing",
            "Chaos Mesh would inject nothing; without `bandwidth` its controller crashes in a loop",
            "give the block",
        ),
        "delay" | "loss" | "duplicate" | "corrupt" if given > 1 => say(
            "has a block that is not its `action`",
            "Chaos Mesh applies every block that is there",
            "write `action: \"netem\"` to combine them, or leave one out",
        ),
        "partition" | "bandwidth" if given > 0 => {
            say("has a block that its `action` does not read", "Chaos Mesh would ignore it", "leave the block out")
        }
        _ => {}
    }
    let delay = of.get("delay");
    if delay.is_some() && field(delay, "latency").is_none_or(is_zero) {
        say(
            "the `latency` is zero",
            "Chaos Mesh drops such a delay and injects nothing",
            "give a latency of 1ms or more",
        );
    }
    let bandwidth = of.get("bandwidth");
    if field(bandwidth, "peakrate").is_some() && field(bandwidth, "minburst").is_none() {
        say("has `peakrate` without `minburst`", "Chaos Mesh would ignore it", "give both or none");
    }
    let direction = of.word("direction");
    if matches!(direction, "from" | "both") && action != "partition" {
        if of.get("target").is_none() {
            say(
                "`direction` needs a `target`",
                "Chaos Mesh shapes what leaves a pod, so it must know the other pods",
                "name the peer",
            );
        }
        if of.get("externalTargets").is_some() {
            say(
                "hosts go with direction `to` only",
                "Chaos Mesh refuses them with `from` and `both`",
                "leave the hosts out",
            );
        }
    }
}

/// T15, T18, T25, T26, T28.
fn io(of: Expressed<'_>, say: &mut Say<'_>) {
    match of.word("action") {
        "latency" if of.get("delay").is_none_or(is_zero) => {
            say("has no `delay`", "Chaos Mesh would hang without injecting", "give a delay of 1us or more");
        }
        "fault" if of.get("errno").is_none() => {
            say("has no `errno`", "Chaos Mesh refuses it", "give the error's number")
        }
        "attrOverride" if of.get("attr").is_none() => say("has no `attr`", "Chaos Mesh would do nothing", "give one"),
        "mistake" => {
            let all = ["filling", "maxOccurrences", "maxLength"];
            if all.iter().any(|k| field(of.get("mistake"), k).is_none()) {
                say(
                    "`mistake` needs filling, maxOccurrences and maxLength",
                    "Chaos Mesh would fail for ever",
                    "give all three",
                );
            }
        }
        _ => {}
    }
    let volume = of.word("volumePath");
    if volume.is_empty() || volume == "/" || volume.contains(' ') || !volume.starts_with('/') {
        say(
            "`volumePath` must be the exact mount point of a volume, and neither `/` nor with spaces",
            "Chaos Mesh would hang, and its object could then not be deleted",
            "write the `mountPath` of the pod's volume",
        );
    }
    if malformed_glob(of.word("path")) {
        say(
            "`path` is not a glob that Chaos Mesh understands",
            "it would drop the filter and hit every file of the volume",
            "`**` stands for whole folders (`/data/**/*`), and `[` must be closed",
        );
    }
    if matches!(of.get("containerNames"), Some(Value::List(names)) if names.len() > 1) {
        say("names several containers", "Chaos Mesh hits only the last and reports all", "name one");
    }
}

/// Whether a glob is one that Chaos Mesh drops: `**` beside other characters of its segment, or an open `[`.
fn malformed_glob(path: &str) -> bool {
    path.split('/')
        .any(|part| (part.contains("**") && part != "**") || part.matches('[').count() != part.matches(']').count())
}

/// T30, T31, W11, W12.
fn stress(of: Expressed<'_>, say: &mut Say<'_>) {
    let stressors = of.get("stressors");
    let (cpu, memory) = (field(stressors, "cpu"), field(stressors, "memory"));
    if cpu.is_none() && memory.is_none() {
        say("stresses neither cpu nor memory", "Chaos Mesh refuses it", "give `stressors`");
    }
    for (name, block) in [("cpu", cpu), ("memory", memory)] {
        if block.is_some() && field(block, "workers").is_none() {
            say(
                &format!("`{name}` has no `workers`"),
                "Chaos Mesh takes it as 0 and stresses nothing",
                "give 1 or more",
            );
        }
    }
    if memory.is_some() && field(memory, "size").is_none_or(is_zero) {
        say("`memory` has no `size`", "Chaos Mesh takes it as 0 and stresses nothing", "give a size");
    }
}

/// T33.
fn time(of: Expressed<'_>, say: &mut Say<'_>) {
    if of.get("timeOffset").is_none_or(is_zero) {
        say("does not shift the clock", "Chaos Mesh takes an offset of zero and does nothing", "give an offset");
    }
}

/// T34.
fn dns(of: Expressed<'_>, say: &mut Say<'_>) {
    let Some(Value::List(patterns)) = of.get("patterns") else { return };
    for pattern in patterns.iter().filter_map(Value::as_text) {
        if pattern.chars().any(|c| c.is_ascii_uppercase()) {
            say(
                &format!("the pattern `{pattern}` has a capital letter"),
                "names are compared in lower case, so it would never match",
                "write it in lower case",
            );
        }
        if pattern.find('*').is_some_and(|at| at + 1 != pattern.len()) {
            say(
                &format!("the pattern `{pattern}` has `*` before its end"),
                "Chaos Mesh's name server refuses it at run time, and nothing is injected",
                "`*` may only stand at the end: `ledger.*`",
            );
        }
    }
}

/// T15, T18, T37, T38, W15, W16.
fn http(of: Expressed<'_>, say: &mut Say<'_>) {
    if of.get("port").is_none() {
        say("has no `port`", "Chaos Mesh refuses it", "give the port of the container");
    }
    if matches!(of.get("abort"), Some(Value::Bool(false)) | None)
        && ["delay", "replace", "patch"].iter().all(|k| of.get(k).is_none())
    {
        say(
            "does nothing",
            "Chaos Mesh admits such an object and injects nothing",
            "give `abort`, `delay`, `replace` or `patch`",
        );
    }
    if of.get("delay").is_some_and(is_zero) {
        say("the `delay` is zero", "Chaos Mesh would hang without injecting", "give a delay of 1us or more");
    }
    let (replace, patch) = (of.get("replace"), of.get("patch"));
    let json = field(field(patch, "body"), "value").and_then(Value::as_text);
    if json.is_some_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_err()) {
        say(
            "`patch.body` is no JSON",
            "Chaos Mesh's proxy merges JSON only, and would refuse its whole configuration",
            "write a JSON document: `{\"amount\": -1}`",
        );
    }
    let unread: &[(&str, Option<&Value>)] = match of.word("target") {
        "Request" => &[
            ("replace.code", field(replace, "code")),
            ("code", of.get("code")),
            ("response_headers", of.get("response_headers")),
        ],
        "Response" => &[
            ("replace.path", field(replace, "path")),
            ("replace.method", field(replace, "method")),
            ("replace.queries", field(replace, "queries")),
            ("patch.queries", field(patch, "queries")),
        ],
        _ => &[],
    };
    for (key, _) in unread.iter().filter(|(_, value)| value.is_some()) {
        say(
            &format!("`{key}` is not read with this `target`"),
            "Chaos Mesh would ignore it",
            "leave it out, or choose the other `target`",
        );
    }
}

/// T42, W19 to W25.
fn jvm(of: Expressed<'_>, say: &mut Say<'_>) {
    let action = of.word("action");
    let needs: &[&str] = match action {
        "latency" => &["class", "method", "latency"],
        "return" => &["class", "method", "returnValue"],
        "exception" => &["class", "method", "exception"],
        "ruleData" => &["ruleData"],
        "mysql" => &["mysqlConnectorVersion"],
        _ => &[],
    };
    for key in needs.iter().filter(|k| of.get(k).is_none()) {
        say(&format!("`action: {action}` needs `{key}`"), "Chaos Mesh refuses it without", "give it");
    }
    if action != "ruleData" && of.get("ruleData").is_some() {
        say("has `ruleData` beside another action", "Chaos Mesh then does only what the rule says", "leave one out");
    }
    if action == "stress" && of.get("cpuCount").is_some() == of.get("memType").is_some() {
        say("needs exactly one of `cpuCount` and `memType`", "Chaos Mesh refuses both and none", "give one");
    }
    if action == "mysql" && of.get("exception").is_none() && of.get("latency").is_none() {
        say("needs `exception` or `latency`", "Chaos Mesh refuses it without", "give one");
    }
    match action {
        "exception" => thrown(of.word("exception"), say),
        "mysql" => message(of.word("exception"), say),
        "return" => returned(of.word("returnValue"), say),
        "ruleData" => rule(of.word("ruleData"), say),
        _ => {}
    }
}

/// T42: what stands behind `throw new` of a rule. Byteman's grammar (`ECAGrammar.cup`, `throw_return_expr`) wants a name and
/// its arguments in parentheses, be there none.
fn thrown(exception: &str, say: &mut Say<'_>) {
    let text = exception.trim();
    if text.starts_with("new ") {
        say(
            "`exception` begins with `new`",
            "Chaos Mesh writes it itself, and the rule would not compile",
            "leave it out",
        );
    } else if !text.is_empty()
        && !text.split_once('(').is_some_and(|(name, _)| is_java_name(name) && text.ends_with(')'))
    {
        say(
            "`exception` is no name of a class with arguments behind it",
            "Byteman refuses a rule that throws anything else, and Chaos Mesh would try for ever",
            "write `java.io.IOException(\"broken pipe\")`, or `java.io.IOException()`",
        );
    }
}

/// T42: the text of an error stands between double quotes of a rule.
fn message(exception: &str, say: &mut Say<'_>) {
    if exception.contains(['"', '\\', '\n']) {
        say(
            "`exception` has a double quote, a backslash or a line end",
            "it is put between double quotes of a rule as it is, and the rule would not compile",
            "write it without",
        );
    }
}

/// T42: a bare word is a variable to Byteman, and the rules that Chaos Mesh writes bind none.
fn returned(value: &str, say: &mut Say<'_>) {
    let is_known = ["true", "false", "null"].iter().any(|known| value.trim().eq_ignore_ascii_case(known));
    if is_java_name(value) && !value.contains('.') && !value.trim_start().starts_with('$') && !is_known {
        say(
            "`returnValue` is a bare word",
            "Byteman takes it for a variable that nobody declared, and the rule would not compile",
            "write text with its own quotes: `\"\\\"closed\\\"\"`",
        );
    }
}

/// T42: the form of a rule (`ECAGrammar.cup`): a line that begins with `RULE`, and `ENDRULE` at the end.
fn rule(rule: &str, say: &mut Say<'_>) {
    let begins = rule.lines().any(|line| line.trim_start().starts_with("RULE "));
    let is_whole = begins && rule.trim_end().ends_with("ENDRULE");
    if !is_whole && !rule.trim().is_empty() {
        say(
            "is no rule from `RULE` to `ENDRULE`",
            "Byteman would refuse it, and Chaos Mesh would try for ever",
            "write the whole rule, its name behind `RULE`",
        );
    }
}

/// Whether a text is a name of Java, with its package or without.
fn is_java_name(text: &str) -> bool {
    text.trim().split('.').all(|part| {
        let mut letters = part.chars();
        letters.next().is_some_and(|c| c.is_alphabetic() || c == '_' || c == '$')
            && letters.all(|c| c.is_alphanumeric() || c == '_' || c == '$')
    })
}

/// T43, W27.
fn block(of: Expressed<'_>, say: &mut Say<'_>) {
    if of.get("delay").is_none_or(|d| field(Some(d), "latency").is_none_or(is_zero)) {
        say("has no latency", "Chaos Mesh would fail for ever", "give `delay` with a latency");
    }
    if of.fault.irreversible.is_none() {
        say(
            "is not declared `irreversible`",
            "Chaos Mesh changes the disk's scheduler for the whole node and does not put it back",
            "declare `irreversible` with this reason",
        );
    }
}

/// T44, W28 to W31: an id that is empty is admitted, and the controller then fails for ever, or falls over.
fn cloud(of: Expressed<'_>, say: &mut Say<'_>) {
    let needs: &[&str] = match (of.kind.name, of.word("action")) {
        ("AWSChaos", "detach-volume") => &["awsRegion", "ec2Instance", "volumeID", "deviceName"],
        ("AWSChaos", _) => &["awsRegion", "ec2Instance"],
        ("GCPChaos", "disk-loss") => &["project", "zone", "instance", "deviceNames"],
        ("GCPChaos", _) => &["project", "zone", "instance"],
        ("AzureChaos", "disk-detach") => {
            &["subscriptionID", "resourceGroupName", "vmName", "secretName", "diskName", "lun"]
        }
        _ => &["subscriptionID", "resourceGroupName", "vmName", "secretName"],
    };
    for key in needs.iter().filter(|key| of.get(key).is_none()) {
        say(
            &format!("has no `{key}`"),
            "Chaos Mesh admits it, and its controller then fails for ever, or falls over",
            "give it: where it stands in the selector or a parameter, the fault's page says",
        );
    }
}

/// T45, W32: the block that is named like the action, and in it what the action needs.
fn machine(of: Expressed<'_>, say: &mut Say<'_>) {
    let action = of.word("action");
    let block = of.get(action);
    if block.is_none() {
        say("the block that is named like its `action` is missing", "Chaos Mesh refuses it", "give the block");
    }
    let others = of.spec.iter().filter(|e| e.key != action && super::machine_schema::ACTIONS.contains(&e.key.as_str()));
    for other in others.filter(|e| !is_absent(&e.value)) {
        say(
            &format!("has the block `{}`, which its `action` does not read", other.key),
            "Chaos Mesh would ignore it",
            "leave the block out",
        );
    }
    for key in machine_needs(action).iter().filter(|key| field(block, key).is_none()) {
        say(&format!("`{action}` needs `{key}`"), "Chaos Mesh refuses it without", "give it");
    }
    let word = |key| field(block, key).and_then(Value::as_text).unwrap_or_default();
    match action {
        "jvm-exception" => thrown(word("exception"), say),
        "jvm-mysql" => message(word("exception"), say),
        "jvm-return" => returned(word("value"), say),
        "jvm-rule-data" => rule(word("rule-data"), say),
        _ => {}
    }
}

fn machine_needs(action: &str) -> &'static [&'static str] {
    match action {
        "stress-cpu" => &["load", "workers"],
        "stress-mem" | "disk-fill" => &["size"],
        "disk-read-payload" | "disk-write-payload" => &["size", "payload-process-num"],
        "network-corrupt" | "network-duplicate" | "network-loss" => &["device", "percent"],
        "network-delay" => &["device", "latency"],
        "network-partition" => &["device", "direction"],
        "network-bandwidth" => &["device", "rate", "limit", "buffer"],
        "network-flood" => &["ip-address", "port", "rate", "duration"],
        "network-down" => &["device", "duration"],
        "process" => &["process", "signal"],
        "jvm-exception" => &["pid", "class", "method", "exception"],
        "jvm-return" => &["pid", "class", "method", "value"],
        "jvm-latency" => &["pid", "class", "method", "latency"],
        "jvm-stress" | "jvm-gc" => &["pid"],
        "jvm-rule-data" => &["pid", "rule-data"],
        "jvm-mysql" => &["mysqlConnectorVersion"],
        "clock" => &["pid", "time-offset"],
        "redis-expiration" | "redis-cacheLimit" | "redis-stop" => &["addr"],
        "redis-penetration" => &["addr", "requestNum"],
        "redis-restart" => &["addr", "conf"],
        "kafka-fill" => &["host", "port", "maxBytes", "reloadCommand"],
        "kafka-flood" => &["host", "port", "threads"],
        "file-modify" => &["file-name", "privilege"],
        "file-rename" => &["source-file", "dest-file"],
        "file-append" => &["file-name", "data"],
        "file-replace" => &["file-name", "origin-string", "dest-string"],
        "vm" => &["vm-name"],
        "user_defined" => &["attackCmd", "recoverCmd"],
        _ => &[],
    }
}

/// What Chaos Mesh does with a right body that the plan does not say.
fn approximate(cx: &mut Context<'_>, of: Expressed<'_>) {
    if of.kind.name != "NetworkChaos" {
        return;
    }
    let peer = match of.get("target") {
        Some(Value::Draw(draw)) => cx.draw(*draw).map(|d| d.text.clone()),
        _ => None,
    };
    let Some(peer) = peer else { return };
    if matches!(of.word("direction"), "from" | "both") {
        let text = format!(
            "Chaos Mesh shapes what leaves a pod, so for this direction of `{}` it also changes the pods of `{peer}`: they \
             are hit too",
            of.fault.name
        );
        cx.approximate("direction", of.fault.span, text);
    }
    let text = format!(
        "Chaos Mesh knows `{peer}` by the pods' own addresses: what reaches them through a Service's address may not be \
         touched by `{}`",
        of.fault.name
    );
    cx.approximate("scope", of.fault.span, text);
}

/// Whether a list of entries holds a draw, at any depth: the other side of a fault.
pub(super) fn for_each_draw(entries: &[Entry], f: &mut impl FnMut(u32)) {
    for entry in entries {
        match &entry.value {
            Value::Draw(draw) => f(*draw),
            Value::Record(inner) => for_each_draw(inner, f),
            _ => {}
        }
    }
}
