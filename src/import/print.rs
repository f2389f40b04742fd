//! A draft as `.chaos` text, in the layout of `perturb fmt`.
//!
//! Comes in: a [`Draft`]. Goes out: files. Everything that the importer writes is written here; where lines end and what is
//! aligned is `format`'s alone.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::draft::{Call, Container, Draft, Experiment, File, Metric, Service, Step, StepKind, Verify};
use crate::format::format_text;
use crate::types::{Duration, Value};

/// Where selectors, the team and the place go.
pub const CATALOGUE: &str = "catalogue.chaos";
/// How long the recovery is watched: no manifest says it, and `check` wants it.
const RECOVERY: &str = "recovery unknown within 5m";

/// Texts with names: the catalogue and a file for each input, or all in one.
pub(super) fn files(draft: &Draft, together: bool) -> Vec<(String, String)> {
    if together {
        let mut text = String::new();
        let _ = writeln!(text, "//! Imported from {}.\n", sources(draft));
        let experiments: Vec<&File> = draft.files.iter().collect();
        let mut heads: Vec<&[String]> = Vec::new();
        for file in &draft.files {
            if !file.is_empty() && !file.comments.is_empty() && !heads.contains(&file.comments.as_slice()) {
                comments(&file.comments, "", &mut text);
                text.push('\n');
                heads.push(&file.comments);
            }
        }
        text.push_str(&std_import(&modules(experiments.iter().flat_map(|f| &f.experiments))));
        text.push_str(&catalogue(draft));
        for file in experiments {
            body(file, &mut text);
        }
        return vec![("imported.chaos".to_owned(), format_text(&text).text)];
    }
    let mut names: BTreeSet<String> = BTreeSet::from([CATALOGUE.to_owned()]);
    let mut all = Vec::new();
    let mut head = format!("//! What the manifests say of services and places: {}.\n\n", sources(draft));
    head.push_str(&catalogue(draft));
    all.push((CATALOGUE.to_owned(), format_text(&head).text));
    for file in draft.files.iter().filter(|f| !f.is_empty()) {
        let mut text = format!("//! Imported from {}.\n\n", file.source);
        comments(&file.comments, "", &mut text);
        text.push('\n');
        text.push_str(&std_import(&modules(file.experiments.iter())));
        let mut used: BTreeSet<&str> = file.experiments.iter().flat_map(|e| used_services(draft, e)).collect();
        if !file.verifies.is_empty() {
            used.insert("imported");
        }
        if !used.is_empty() {
            let used: Vec<&str> = used.into_iter().collect();
            if text.ends_with("}\n\n") {
                text.pop();
            }
            let _ = writeln!(text, "import \"{CATALOGUE}\".{{{}}}\n", used.join(", "));
        }
        body(file, &mut text);
        all.push((file_name(&file.source, &mut names), format_text(&text).text));
    }
    all
}

impl File {
    fn is_empty(&self) -> bool {
        self.experiments.is_empty() && self.verifies.is_empty() && self.lost.is_empty()
    }
}

fn sources(draft: &Draft) -> String {
    let mut names: Vec<&str> = draft.files.iter().filter(|f| !f.is_empty()).map(|f| f.source.as_str()).collect();
    let more = names.len().saturating_sub(3);
    names.truncate(3);
    let list = names.join(", ");
    match (names.is_empty(), more) {
        (true, _) => "nothing".to_owned(),
        (false, 0) => list,
        (false, more) => format!("{list} and {more} more"),
    }
}

fn file_name(source: &str, taken: &mut BTreeSet<String>) -> String {
    let last = source.rsplit(['/', '\\']).next().unwrap_or(source);
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    let base = super::draft::kebab(stem);
    let mut name = format!("{base}.chaos");
    let mut number = 2u32;
    while !taken.insert(name.clone()) {
        name = format!("{base}-{number}.chaos");
        number += 1;
    }
    name
}

fn std_import(modules: &BTreeSet<String>) -> String {
    if modules.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = modules.iter().map(String::as_str).collect();
    format!("import std.{{{}}}\n\n", names.join(", "))
}

/// The modules of the library whose names stand in an experiment.
fn modules<'e>(experiments: impl Iterator<Item = &'e Experiment>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for experiment in experiments {
        let mut calls = Vec::new();
        for_each_call(&experiment.steps, &mut |call| calls.push(call.fault.clone()));
        found.extend(calls.iter().filter_map(|f| f.split_once('.')).map(|(module, _)| module.to_owned()));
        let said = experiment.expects.iter().chain(&experiment.aborts);
        let mut conditions: Vec<&String> = said.map(|s| &s.text).collect();
        let mut checks = Vec::new();
        for_each_check(&experiment.steps, &mut |text| checks.push(text.clone()));
        conditions.extend(&checks);
        if conditions.iter().any(|text| text.contains("probe.")) {
            found.insert("probe".to_owned());
        }
    }
    found
}

fn for_each_call(steps: &[Step], f: &mut impl FnMut(&Call)) {
    for step in steps {
        match &step.kind {
            StepKind::Inject(call, _) => f(call),
            StepKind::With(call, inner) => {
                f(call);
                for_each_call(inner, f);
            }
            StepKind::Parallel(inner) | StepKind::Sequence(inner) | StepKind::Each(_, inner) => for_each_call(inner, f),
            StepKind::Wait(_) | StepKind::Check(_) | StepKind::Lost(_) => {}
        }
    }
}

fn for_each_check(steps: &[Step], f: &mut impl FnMut(&String)) {
    for step in steps {
        match &step.kind {
            StepKind::Check(text) => f(text),
            StepKind::With(_, inner)
            | StepKind::Parallel(inner)
            | StepKind::Sequence(inner)
            | StepKind::Each(_, inner) => for_each_check(inner, f),
            StepKind::Inject(..) | StepKind::Wait(_) | StepKind::Lost(_) => {}
        }
    }
}

fn used_services<'d>(draft: &'d Draft, experiment: &'d Experiment) -> Vec<&'d str> {
    let mut texts = vec![experiment.service.clone()];
    texts.extend(experiment.expects.iter().chain(&experiment.aborts).map(|s| s.text.clone()));
    for_each_call(&experiment.steps, &mut |call| {
        texts.push(call.fault.clone());
        texts.extend(call.arguments.iter().cloned());
    });
    for_each_check(&experiment.steps, &mut |text| texts.push(text.clone()));
    let names = draft.services.iter().map(|s| s.name.as_str()).chain(draft.metrics.iter().map(|m| m.name.as_str()));
    let names = names.chain(draft.faults.iter().map(|f| f.name.as_str()));
    names.filter(|name| texts.iter().any(|text| crate::check::stdlib::mentions(text, name))).collect()
}

/// The team, the place and the services.
fn catalogue(draft: &Draft) -> String {
    let mut text = String::new();
    if draft.services.is_empty() {
        return text;
    }
    text.push_str(
        "/// Nobody yet: manifests do not say who owns a service. Put in the true teams, and the true tiers below.\n\
         team to-be-named { contact: \"unknown\" }\n\n",
    );
    for service in &draft.services {
        text.push_str(&self::service(service));
        text.push('\n');
    }
    for fault in &draft.faults {
        text.push_str(&fault.text);
        text.push('\n');
    }
    for metric in &draft.metrics {
        text.push_str(&self::metric(metric));
        text.push('\n');
    }
    let mut engines: BTreeSet<&str> = draft.files.iter().flat_map(|f| f.engines.iter().copied()).collect();
    if engines.is_empty() {
        engines.insert("chaos-mesh");
    }
    let engines: Vec<&str> = engines.into_iter().collect();
    let prometheus = draft.prometheus.as_ref().map_or_else(String::new, |url| format!(", prometheus: {}", quoted(url)));
    let _ = write!(
        text,
        "// Where the manifests were meant for. `context` is the one of your kubeconfig.\n\
         cluster imported-cluster {{ context: \"unknown\", engines: [{}]{prometheus} }}\n\
         environment imported {{ clusters: [imported-cluster] }}\n\n",
        engines.join(", ")
    );
    text
}

fn service(service: &Service) -> String {
    let Service { name, namespaces, labels, names, container } = service;
    let mut text = format!("service {name} {{\n  owner: to-be-named, tier: medium\n");
    if !namespaces.is_empty() {
        let all: Vec<String> = namespaces.iter().map(|n| quoted(n)).collect();
        let mut parts = vec![match all.as_slice() {
            [one] => format!("namespace: {one}"),
            all => format!("namespace: [{}]", all.join(", ")),
        }];
        if !labels.is_empty() {
            let labels: Vec<String> = labels.iter().map(|(k, v)| format!("{}: {}", key(k), quoted(v))).collect();
            parts.push(format!("labels: {{ {} }}", labels.join(", ")));
        }
        if !names.is_empty() {
            let names: Vec<String> = names.iter().map(|n| quoted(n)).collect();
            parts.push(format!("names: [{}]", names.join(", ")));
        }
        let _ = writeln!(text, "  pods: pods({})", parts.join(", "));
    }
    if let Container::Named(container) = container {
        let _ = writeln!(text, "  container: {}", quoted(container));
    }
    text.push_str("}\n");
    text
}

/// How often is asked where nothing is said.
const EVERY: Duration = Duration::from_secs(5);

fn metric(metric: &Metric) -> String {
    let Metric { name, doc, ty, source, window, every, timeout } = metric;
    let mut text = format!("/// {}\nmetric {name}(): {ty} {{\n  {source}\n", printable(doc));
    let mut line = |key: &str, length: &Duration| {
        let _ = writeln!(text, "  {key}: {length}");
    };
    window.iter().for_each(|w| line("window", w));
    let between = every.unwrap_or(EVERY);
    if between != EVERY {
        line("every", &between);
    }
    if *timeout != between {
        line("timeout", timeout);
    }
    // One slow answer is no gap.
    if *timeout > between {
        line("patience", &timeout.times(3));
    }
    text.push_str("}\n");
    text
}

fn body(file: &File, out: &mut String) {
    for experiment in &file.experiments {
        out.push('\n');
        self::experiment(experiment, out);
    }
    for verify in &file.verifies {
        out.push('\n');
        self::verify(verify, out);
    }
    for lost in &file.lost {
        out.push('\n');
        lost_line(lost, "", out);
    }
}

fn comments(lines: &[String], indent: &str, out: &mut String) {
    for line in lines {
        let line = printable(line);
        let _ = writeln!(out, "{indent}//{}{}", if line.is_empty() { "" } else { " " }, line);
    }
}

/// A comment holds one line, and nothing that a terminal would act on.
fn printable(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim_end().to_owned()
}

fn lost_line(text: &str, indent: &str, out: &mut String) {
    let _ = writeln!(out, "{indent}// lost: {}", printable(text));
}

fn experiment(experiment: &Experiment, out: &mut String) {
    for line in &experiment.doc {
        let line = printable(line);
        let _ = writeln!(out, "///{}{}", if line.is_empty() { "" } else { " " }, line);
    }
    comments(&experiment.comments, "", out);
    let _ = write!(out, "experiment {} {{\n  service: {}\n\n", experiment.name, experiment.service);
    if experiment.expects.is_empty() {
        out.push_str("  // What must hold? The manifest judges nothing, so neither does this yet: `expect NAME: …`\n");
    }
    out.push_str("  hypothesis {\n");
    for expect in &experiment.expects {
        comments(&expect.comments, "    ", out);
        let _ = writeln!(out, "    expect {}", expect.text);
    }
    let _ = write!(out, "    {RECOVERY}\n  }}\n\n");
    if !experiment.aborts.is_empty() {
        out.push_str("  guard {\n");
        for abort in &experiment.aborts {
            comments(&abort.comments, "    ", out);
            let _ = writeln!(out, "    abort when {}", abort.text);
        }
        out.push_str("  }\n\n");
    } else if lasts(&experiment.steps) {
        out.push_str("  // When to stop early? Faults that last need `guard { abort when … }`.\n");
    }
    out.push_str("  method {\n");
    steps(&experiment.steps, "    ", out);
    out.push_str("  }\n}\n");
}

fn lasts(steps: &[Step]) -> bool {
    steps.iter().any(|s| match &s.kind {
        StepKind::Inject(_, length) => length.is_some(),
        StepKind::With(..) => true,
        StepKind::Parallel(inner) | StepKind::Sequence(inner) | StepKind::Each(_, inner) => lasts(inner),
        StepKind::Wait(_) | StepKind::Check(_) | StepKind::Lost(_) => false,
    })
}

fn steps(all: &[Step], indent: &str, out: &mut String) {
    for step in all {
        comments(&step.comments, indent, out);
        match &step.kind {
            StepKind::Inject(call, length) => {
                let tail = length.map_or_else(String::new, |d| format!(" for {d}"));
                let _ = writeln!(out, "{indent}{}{tail}", self::call(call));
            }
            StepKind::With(call, inner) => {
                let _ = writeln!(out, "{indent}with {} {{", self::call(call));
                block(inner, indent, out);
            }
            StepKind::Wait(length) => {
                let _ = writeln!(out, "{indent}wait {length}");
            }
            StepKind::Check(text) => {
                let _ = writeln!(out, "{indent}check {text}");
            }
            StepKind::Parallel(inner) => {
                let _ = writeln!(out, "{indent}parallel {{");
                block(inner, indent, out);
            }
            StepKind::Sequence(inner) => {
                let _ = writeln!(out, "{indent}sequence {{");
                block(inner, indent, out);
            }
            StepKind::Each(times, inner) => {
                let _ = writeln!(out, "{indent}for each round in 1..{times} {{");
                block(inner, indent, out);
            }
            StepKind::Lost(text) => lost_line(text, indent, out),
        }
    }
}

fn block(inner: &[Step], indent: &str, out: &mut String) {
    steps(inner, &format!("{indent}  "), out);
    let _ = writeln!(out, "{indent}}}");
}

fn call(call: &Call) -> String {
    format!("{}({})", call.fault, call.arguments.join(", "))
}

fn verify(verify: &Verify, out: &mut String) {
    comments(&verify.comments, "", out);
    let _ = writeln!(out, "verify {} {{\n  in: all of imported.clusters", verify.name);
    for lost in &verify.lost {
        lost_line(lost, "  ", out);
    }
    let _ = writeln!(out, "  every {} in {}", quoted(&verify.cron), quoted(&verify.zone));
    out.push('\n');
    for run in &verify.runs {
        let _ = writeln!(out, "  run {run}");
    }
    out.push_str("}\n");
}

/// A text in the language's quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' if letters.peek() == Some(&'{') => out.push_str("$$"),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// A key of a map: bare where it can be.
pub(super) fn key(text: &str) -> String {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let bare = first
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        && !text.ends_with('-')
        && !text.contains("--");
    if bare { text.to_owned() } else { quoted(text) }
}

/// A value as the language writes it.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(t) | Value::Url(t) | Value::Host(t) => quoted(t),
        Value::List(items) => format!("[{}]", items.iter().map(self::value).collect::<Vec<_>>().join(", ")),
        Value::Record(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|e| format!("{}: {}", key(&e.key), self::value(&e.value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}
