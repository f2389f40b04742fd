//! ChaosSchedules as a `verify`.
//!
//! Comes in: the object. Goes out: its engine, and the times at which it is run. Facts: chaos-scheduler 3.18; it makes the
//! same five fields of `repeat`, and reads neither `random` nor `concurrencyPolicy`.

use super::super::context::{Context, Unsayable};
use super::super::draft::Verify;
use super::super::yaml::{Document, Entry, Node, Value};
use super::{Repeated, Waited, Waiting, lost};

/// A ChaosSchedule.
pub(super) fn import(cx: &mut Context<'_>, waiting: &mut Waiting, document: &Document) {
    let root = &document.root;
    let spec = root.get("spec");
    let (Some(spec), Some(engine)) = (spec, spec.and_then(|s| s.entry("engineTemplateSpec"))) else {
        let at = root.get("kind").map_or(root.span.before(), |n| n.span);
        cx.wrong(at, "this ChaosSchedule has no `engineTemplateSpec`", "its controller has nothing to make", "");
        return;
    };
    let name = root.at(&["metadata", "name"]).and_then(Node::scalar).unwrap_or("schedule").to_owned();
    let file = cx.draft.files.len().saturating_sub(1);
    let mut by = None;
    match spec.get("schedule").map(|s| (s, s.entries())) {
        Some((_, [Entry { key, .. }])) if key == "now" => {}
        Some((_, [Entry { key, at, .. }])) if key == "once" => {
            let what = Unsayable::new(*at, "a ChaosSchedule that runs `once` has no equivalent")
                .why("a `verify` repeats; the rest is an experiment, which somebody runs")
                .help("import its engine, and call `perturb run` at that time");
            lost(cx, what);
        }
        Some((at, [Entry { key, value, .. }])) if key == "repeat" => {
            let verify = Verify { name: cx.draft.name(&name), zone: "UTC".to_owned(), ..Verify::default() };
            let verify = repeat(cx, value, Verify { comments: head(document, engine), ..verify });
            cx.note(at.span, "a ChaosSchedule goes by the clock of its controller: taken for UTC");
            waiting.repeated.push(Repeated { file, verify });
            by = Some(waiting.repeated.len() - 1);
        }
        other => {
            let at = other.map_or(spec.span.before(), |(n, _)| n.span.before());
            let why = "the API server wants exactly one of them";
            cx.wrong(at, "a `schedule` is one of `now`, `once` and `repeat`", why, "");
            return;
        }
    }
    for entry in spec.entries() {
        match entry.key.as_str() {
            "schedule" | "engineTemplateSpec" => {}
            "scheduleState" if entry.value.scalar() == Some("active") => {}
            "scheduleState" => {
                cx.note(entry.at, "that the schedule is halted is left out: what is not wanted is not run")
            }
            key => cx.note(entry.at, format!("`{key}` is not read by Litmus either")),
        }
    }
    // The engine stands alone, under the schedule's name or one made from it.
    let own = if by.is_some() { format!("{name}-once") } else { name };
    let text = |text: String| Node { span: root.span, value: Value::Text, text };
    let map = |entries: Vec<Entry>| Node { span: root.span, value: Value::Map(entries), text: String::new() };
    let entry = |key: &str, value: Node| Entry { key: key.to_owned(), at: engine.at, value };
    let mut metadata = vec![entry("name", text(own))];
    metadata.extend(root.at(&["metadata", "namespace"]).map(|n| entry("namespace", n.clone())));
    let comments = document.comments.iter().filter(|c| c.span.start >= engine.at.start).cloned().collect();
    let root = map(vec![entry("metadata", map(metadata)), entry("spec", engine.value.clone())]);
    waiting.engines.push(Waited { file, document: Document { root, comments }, by });
}

/// Comments before the engine speak of the schedule.
fn head(document: &Document, engine: &Entry) -> Vec<String> {
    document.comments.iter().filter(|c| c.span.start < engine.at.start).map(|c| c.text.clone()).collect()
}

/// The five fields that the scheduler makes of it.
fn repeat(cx: &mut Context<'_>, repeat: &Node, mut verify: Verify) -> Verify {
    for key in ["startTime", "endTime"] {
        if let Some(entry) = repeat.get("timeRange").and_then(|r| r.entry(key)) {
            let what = Unsayable::new(entry.at, format!("`{key}` has no equivalent"))
                .why("a `verify` holds as long as it stands in the sources")
                .help("add and remove it on these days");
            verify.lost.push(cx.lose(what));
        }
    }
    let properties = repeat.get("properties");
    if let Some(random) = properties.and_then(|p| p.entry("random")) {
        cx.note(random.at, "`random` is not read by Litmus either");
    }
    let interval = properties.and_then(|p| p.get("minChaosInterval"));
    let at = interval.map_or(repeat.span.before(), |n| n.span);
    let count = |path: &[&str]| interval.and_then(|i| i.at(path)).and_then(Node::scalar)?.parse::<u32>().ok();
    let hours = repeat.at(&["workHours", "includedHours"]).and_then(Node::scalar).unwrap_or("*").replace(' ', "");
    let days = repeat.at(&["workDays", "includedDays"]).and_then(Node::scalar).unwrap_or("*");
    let days = days.replace(' ', "").to_ascii_lowercase();
    // Minutes win where both are written.
    let cron = match (count(&["minute", "everyNthMinute"]), count(&["hour", "everyNthHour"])) {
        (Some(n), _) if n > 0 => Some(format!("{} {hours} * * {days}", every(n))),
        (None, Some(n)) if n > 0 => {
            let minute = count(&["hour", "minuteOfTheHour"]).unwrap_or(0);
            let hours = if n == 1 { hours } else { format!("{hours}/{n}") };
            Some(format!("{minute} {hours} * * {days}"))
        }
        _ => None,
    };
    match cron.filter(|cron| crate::analysis::Cron::parse(cron).is_ok()) {
        Some(cron) => verify.cron = cron,
        None => {
            let what = Unsayable::new(at, "these times are not five fields of cron")
                .why("the scheduler can make no job of them")
                .help("write `minChaosInterval: { hour: { everyNthHour: 2 } }`, hours such as `0-12`, days such as `Mon,Tue`")
                .wrong();
            verify.lost.push(cx.lose(what));
        }
    }
    verify
}

fn every(n: u32) -> String {
    if n == 1 { "*".to_owned() } else { format!("*/{n}") }
}
