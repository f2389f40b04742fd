//! Activities of Chaos Toolkit: their keys, pauses and providers, and the actions on pods as faults.

use std::collections::BTreeSet;

use super::super::context::{Context, Unsayable};
use super::super::draft::{Call, Service, Step, StepKind};
use super::super::selector::service_name;
use super::super::spelling::number;
use super::super::yaml::{Node, Value};
use super::{keys, mistake};
use crate::types::{Decimal, Duration};

const KEYS: [&str; 10] =
    ["type", "name", "provider", "background", "pauses", "controls", "secrets", "configuration", "ref", "tolerance"];

/// What every activity has, checked: its keys, its name, its pauses, its provider.
pub(super) fn common(cx: &mut Context<'_>, node: &Node, names: &mut BTreeSet<String>) {
    keys(cx, node, &KEYS, "an activity");
    if let Some(name) = node.get("name").filter(|n| !names.insert(n.text.clone())) {
        let why = "a reference or a control means one of them, and nobody knows which";
        mistake(
            cx,
            name.span,
            format!("a second activity is called `{}`", name.text),
            why,
            "give each a name of its own",
        );
    }
    if let Some(pauses) = node.get("pauses") {
        keys(cx, pauses, &["before", "after"], "`pauses`");
        for entry in pauses.entries().iter().filter(|e| ["before", "after"].contains(&e.key.as_str())) {
            not_negative(cx, &entry.value, &format!("the pause `{}`", entry.key), "seconds from 0 on");
        }
    }
    if let Some(provider) = node.get("provider") {
        self::provider(cx, provider);
    }
}

fn provider(cx: &mut Context<'_>, provider: &Node) {
    let kind = provider.word("type").to_owned();
    let known: &[&str] = match kind.as_str() {
        "process" => &["type", "path", "arguments", "timeout", "env"],
        "http" => &[
            "type",
            "url",
            "method",
            "headers",
            "expected_status",
            "arguments",
            "timeout",
            "verify_tls",
            "secrets",
            "auth",
            "max_retries",
            "retry_status",
        ],
        "python" => &["type", "module", "func", "arguments", "secrets"],
        _ => {
            let at = provider.entry("type").map_or(provider.span, |e| e.value.span);
            mistake(cx, at, format!("there is no provider `{kind}`"), "", "the providers are process, http, python");
            return;
        }
    };
    keys(cx, provider, known, &format!("a provider of type {kind}"));
    if let Some(url) = provider.get("url").filter(|u| !is_url(u.scalar().unwrap_or_default())) {
        mistake(
            cx,
            url.span,
            format!("{} is not a URL", url.describe()),
            "the probe fails each time",
            "it begins with http:// or https:// and has a host",
        );
    }
    match provider.get("timeout") {
        Some(timeout) if matches!(timeout.value, Value::Number) => {
            not_negative(cx, timeout, "the time-out", "seconds above 0")
        }
        _ => {}
    }
    if let (Some("chaosk8s.pod.actions"), Some(arguments)) =
        (provider.get("module").and_then(Node::scalar), provider.get("arguments"))
    {
        pod_arguments(cx, provider.word("func"), arguments);
    }
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let substituted = text.starts_with("${");
    substituted || rest.is_some_and(|r| !r.is_empty() && !r.starts_with(['/', ':']) && !r.contains(' '))
}

fn not_negative(cx: &mut Context<'_>, node: &Node, what: &str, wanted: &str) {
    if node.text.starts_with("${") {
        return;
    }
    match node.scalar().and_then(number) {
        Some(n) if n >= Decimal::ZERO => {}
        Some(_) => mistake(cx, node.span, format!("{what} is negative"), "", &format!("write {wanted}")),
        None => mistake(
            cx,
            node.span,
            format!("{what} is {}, and no number", node.describe()),
            "",
            &format!("write {wanted}"),
        ),
    }
}

/// The arguments of the functions on pods.
fn pod_arguments(cx: &mut Context<'_>, function: &str, arguments: &Node) {
    if function == "terminate_pods" {
        let known =
            ["label_selector", "name_pattern", "all", "rand", "mode", "qty", "grace_period", "ns", "order", "secrets"];
        keys(cx, arguments, &known, "`terminate_pods`");
    }
    for entry in arguments.entries().iter().filter(|e| !e.value.text.starts_with("${")) {
        let value = &entry.value;
        let text = value.scalar().unwrap_or_default();
        let wrong = match entry.key.as_str() {
            "label_selector" if !is_label_selector(text) => "is no selector of labels (`app=checkout,tier=web`)",
            "qty" if number(text).is_none_or(|n| n <= Decimal::ZERO || !n.fract().is_zero()) => "is no number of pods",
            "mode" if !["fixed", "percentage"].contains(&text) => "is no mode: there are fixed and percentage",
            "ns" if !matches!(value.value, Value::Text) => "is no name of a namespace",
            "all" | "rand" if !matches!(value.value, Value::Bool(_)) => {
                "is neither true nor false, and a text counts as true"
            }
            // -1 is the pod's own period.
            "grace_period" if number(text).is_none_or(|n| n < Decimal::NEGATIVE_ONE) => "is no length of time",
            _ => continue,
        };
        mistake(
            cx,
            value.span,
            format!("`{}`: {} {wrong}", entry.key, value.describe()),
            "Chaos Toolkit finds out in the middle of the run, or never",
            "",
        );
    }
}

fn is_label_selector(text: &str) -> bool {
    let word = |t: &str| {
        !t.is_empty()
            && t.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'))
            && t.starts_with(|c: char| c.is_ascii_alphanumeric())
            && t.ends_with(|c: char| c.is_ascii_alphanumeric())
    };
    !text.is_empty()
        && text.split(',').map(str::trim).all(|part| {
            let (key, value) =
                match part.split_once("!=").or_else(|| part.split_once("==")).or_else(|| part.split_once('=')) {
                    Some((key, value)) => (key.trim(), Some(value.trim())),
                    None => (part.strip_prefix('!').unwrap_or(part), None),
                };
            // Sets (`app in (a, b)`) hold commas and are not taken apart.
            part.contains(['(', ')']) || word(key) && value.is_none_or(|v| v.is_empty() || word(v))
        })
}

/// Something without an equivalent, as a line.
pub(super) fn cannot(cx: &mut Context<'_>, node: &Node, message: &str) -> Option<Step> {
    let at = node.at(&["provider", "type"]).map_or(node.span, |n| n.span);
    let line = cx.lose(Unsayable::new(at, message.to_owned()));
    cx.lossy.then(|| StepKind::Lost(line).step())
}

/// An activity of the method, with its pauses as waits.
pub(super) fn step(
    cx: &mut Context<'_>,
    node: &Node,
    names: &mut BTreeSet<String>,
    service: &mut Option<String>,
) -> Vec<Step> {
    if let Some(reference) = node.get("ref") {
        if !names.contains(&reference.text) {
            mistake(cx, reference.span, format!("there is no activity `{}`", reference.text), "", "");
        }
        let message = format!("the reference to `{}` has no equivalent in a method", reference.text);
        return cannot(cx, node, &message).into_iter().collect();
    }
    common(cx, node, names);
    let mut steps = Vec::new();
    let pause = |key: &str| {
        let text = node.at(&["pauses", key])?.scalar()?.parse::<u32>().ok()?;
        (text > 0).then(|| StepKind::Wait(Duration::from_secs(text)).step())
    };
    steps.extend(pause("before"));
    let provider = node.get("provider");
    let module = provider.map_or("", |p| p.word("module"));
    let function = provider.map_or("", |p| p.word("func"));
    match (module, function, provider.and_then(|p| p.get("arguments"))) {
        ("chaosk8s.pod.actions", "terminate_pods", Some(arguments)) => {
            steps.extend(terminate(cx, node, arguments, service));
        }
        _ => {
            let kind = provider.map_or("nothing", |p| p.word("type"));
            let what = if function.is_empty() { kind.to_owned() } else { format!("{module}.{function}") };
            let message = format!("the {} `{}` ({what}) has no equivalent", node.word("type"), node.word("name"));
            steps.extend(cannot(cx, node, &message));
        }
    }
    steps.extend(pause("after"));
    steps
}

/// Pods that are deleted.
fn terminate(cx: &mut Context<'_>, node: &Node, arguments: &Node, service: &mut Option<String>) -> Option<Step> {
    let selector = arguments.word("label_selector");
    let labels: Option<Vec<(String, String)>> = selector
        .split(',')
        .map(|part| {
            let (key, value) = part.split_once("==").or_else(|| part.split_once('='))?;
            (!key.ends_with('!')).then(|| (key.trim().to_owned(), value.trim().to_owned()))
        })
        .collect();
    let Some(labels) = labels.filter(|_| arguments.get("name_pattern").is_none()) else {
        return cannot(cx, node, "pods that are not selected by equal labels have no equivalent");
    };
    let namespace = arguments.get("ns").and_then(Node::scalar).unwrap_or("default").to_owned();
    let mut wanted = Service { namespaces: vec![namespace], labels, ..Service::default() };
    wanted.name = service_name(&wanted);
    let count = arguments.get("qty").and_then(Node::scalar).unwrap_or("1");
    let is_all = arguments.get("all").and_then(Node::scalar) == Some("true");
    let quantity = match (is_all, arguments.word("mode"), count) {
        (true, _, _) => "all".to_owned(),
        (false, "percentage", n) => format!("{n}%"),
        (false, _, "1") => "one".to_owned(),
        (false, _, n) => n.to_owned(),
    };
    let name = cx.draft.service(&wanted);
    let mut call = Call { fault: "pod.kill".to_owned(), arguments: vec![format!("{quantity} of {name}.pods")] };
    match arguments.get("grace_period").and_then(Node::scalar).unwrap_or("-1") {
        "0" => {}
        "-1" => cx.note(node.span, "the pods' own grace period becomes none at all: Perturb says how long, or 0s"),
        seconds => call.arguments.push(format!("grace: {seconds}s")),
    }
    service.get_or_insert(name);
    Some(StepKind::Inject(call, None).step())
}
