//! Chaos Mesh's Schedule as a `verify`.
//!
//! Comes in: the object. Goes out: an experiment and the schedule that repeats it. A `verify` never overlaps itself and comes
//! at times of the clock; what a Schedule can say beyond that is refused.

use super::chaos_mesh::{Object, add, add_verify, fault, lost, missing, positive, service};
use super::context::{Context, Unsayable};
use super::draft::{Step, StepKind, Verify};
use super::spelling::go_duration;
use super::workflow;
use super::yaml::{Entry, Node};
use crate::plan::Effect;
use crate::source::Span;

/// Fields that only keep house: how many finished runs are kept, and how late a start may be.
const HOUSEKEEPING: [&str; 2] = ["historyLimit", "startingDeadlineSeconds"];

/// A Schedule.
pub(super) fn import(cx: &mut Context<'_>, object: &Object<'_>, spec: &Node) {
    let kind = spec.word("type").to_owned();
    let Some(inner) = inner(spec, &kind) else {
        let at = spec.entry("type").map_or(spec.span, |e| e.value.span);
        missing(cx, at, &format!("this Schedule has no body of its type `{kind}`"));
        return;
    };
    let before = cx.diagnostics.len();
    let (cron, zone, mut lines) = match cron(spec) {
        Ok((cron, zone)) => (cron, zone, Vec::new()),
        Err(what) => {
            let near = period(spec).and_then(from_period);
            let line = cx.lose(what);
            match (cx.lossy, near) {
                (true, Some(cron)) => (cron, "UTC".to_owned(), vec![line]),
                _ => (String::new(), "UTC".to_owned(), vec![line]),
            }
        }
    };
    lines.extend(unlike(cx, object, spec, &kind, &inner.key));
    if spec.word("schedule").starts_with(|c: char| c.is_ascii_digit() || c == '*') && before == cx.diagnostics.len() {
        let at = spec.entry("schedule").map_or(spec.span, |e| e.at);
        cx.note(at, "a Schedule without a zone goes by the clock of Chaos Mesh's controller: taken for UTC");
    }
    let verify_name = object.mark("labels", "perturb.dev/verify").unwrap_or(&object.name).to_owned();
    let verify_name = cx.draft.name(&verify_name);
    let experiment = if kind == "Workflow" {
        workflow::experiment(cx, object, &inner.value, &verify_name)
    } else {
        once(cx, object, &kind, &inner.value, &verify_name)
    };
    let Some(experiment) = experiment else { return };
    let runs = vec![experiment.name.clone()];
    add(cx, experiment);
    if cron.is_empty() {
        if let (true, Some(file)) = (cx.lossy, cx.draft.files.last_mut()) {
            file.lost.extend(lines);
        }
        return;
    }
    add_verify(cx, Verify { name: verify_name, comments: Vec::new(), cron, zone, runs, lost: lines });
}

/// The embedded body: `podChaos` for `PodChaos`, `workflow` for `Workflow`.
fn inner<'n>(spec: &'n Node, kind: &str) -> Option<&'n Entry> {
    spec.entries().iter().find(|e| !kind.is_empty() && e.key.eq_ignore_ascii_case(kind) && !e.value.is_empty())
}

/// One fault, as an experiment of its own.
fn once(
    cx: &mut Context<'_>,
    object: &Object<'_>,
    kind: &str,
    body: &Node,
    verify: &str,
) -> Option<super::draft::Experiment> {
    let fault = match fault(cx, object, kind, body, body.span) {
        Ok(fault) => fault,
        Err(what) => {
            lost(cx, what);
            return None;
        }
    };
    let length = body.entry("duration").and_then(|e| positive(&e.value));
    let length = match (fault.effect, length) {
        (Effect::Instant, _) => None,
        (Effect::Lasting, Some(length)) => Some(length),
        (Effect::Lasting, None) => {
            let why = "each run would last until somebody deletes it, so that a second one never comes";
            cx.wrong(body.span, "this scheduled fault has no `duration`", why, "write the `duration` that was meant");
            return None;
        }
    };
    let mut experiment = object.experiment(cx);
    if experiment.name != verify && object.mark("labels", "perturb.dev/experiment").is_none() {
        experiment.name = renamed(cx, verify, &experiment.name);
    }
    experiment.service = service(cx, object, &fault.target.service);
    experiment.steps = fault.lost;
    let comments = object.comments_in(Span { end: u32::MAX, ..body.span });
    experiment.steps.push(Step { comments, kind: StepKind::Inject(fault.call, length) });
    Some(experiment)
}

/// The schedule keeps the object's name; what it runs is called after it.
pub(super) fn renamed(cx: &mut Context<'_>, verify: &str, given: &str) -> String {
    cx.draft.names.remove(given);
    cx.draft.name(&format!("{verify}-once"))
}

/// What a `verify` does otherwise.
fn unlike(cx: &mut Context<'_>, object: &Object<'_>, spec: &Node, kind: &str, body: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in spec.entries().iter().filter(|e| !e.value.is_empty()) {
        match entry.key.as_str() {
            "schedule" | "type" => {}
            key if key == body => {}
            "concurrencyPolicy" => {
                if entry.value.scalar() == Some("Allow") {
                    let what = Unsayable::new(entry.value.span, "`concurrencyPolicy: Allow` has no equivalent")
                        .why("runs that overlap pile their faults up, and none can be judged");
                    lines.push(cx.lose(what));
                }
            }
            key if HOUSEKEEPING.contains(&key) => {
                if !object.ours {
                    cx.note(entry.at, format!("`{key}` is left to Perturb, which sets its own"));
                }
            }
            key => {
                let what = Unsayable::new(entry.at, format!("`{key}` has no equivalent in the schedule of a {kind}"));
                lines.push(cx.lose(what));
            }
        }
    }
    lines
}

/// Five fields and a zone.
fn cron(spec: &Node) -> Result<(String, String), Unsayable> {
    let node = spec.get("schedule");
    let at = node.map_or(spec.span, |n| n.span);
    let whole = node.and_then(Node::scalar).unwrap_or_default().trim();
    let (zone, text) = match whole.strip_prefix("CRON_TZ=").or_else(|| whole.strip_prefix("TZ=")) {
        Some(rest) => rest.split_once(' ').unwrap_or((rest, "")),
        None => ("UTC", whole),
    };
    // `?` is Chaos Mesh's other word for "any".
    Ok((five_fields(text, at, "Chaos Mesh")?.replace('?', "*"), zone.to_owned()))
}

/// A schedule of cron as five fields; `engine` is who refuses what is none.
pub(super) fn five_fields(text: &str, at: Span, engine: &str) -> Result<String, Unsayable> {
    let named = match text.trim() {
        "@yearly" | "@annually" => Some("0 0 1 1 *"),
        "@monthly" => Some("0 0 1 * *"),
        "@weekly" => Some("0 0 * * sun"),
        "@daily" | "@midnight" => Some("0 0 * * *"),
        "@hourly" => Some("0 * * * *"),
        _ => None,
    };
    let fields: Vec<&str> = text.split_whitespace().collect();
    let cron = match (named, fields.as_slice()) {
        (Some(cron), _) => cron.to_owned(),
        (None, [first, ..]) if first.starts_with("@every") => {
            return Err(Unsayable::new(at, format!("`{text}` has no equivalent"))
                .why("it counts from the last start, whenever that was; a `verify` comes at times of the clock")
                .help("write the times as five fields, such as `*/10 * * * *`"));
        }
        (None, [_, _, _, _, _]) => fields.join(" "),
        (None, ["0", rest @ ..]) if rest.len() == 5 => rest.join(" "),
        (None, fields) if fields.len() == 6 => {
            return Err(Unsayable::new(at, "a schedule to the second has no equivalent")
                .why("a `verify` comes at whole minutes")
                .help("leave the first field out"));
        }
        _ => {
            return Err(Unsayable::new(at, format!("`{text}` is not a schedule"))
                .why(format!("{engine} refuses it"))
                .wrong());
        }
    };
    Ok(cron)
}

/// The period of `@every 10m`, in minutes.
fn period(spec: &Node) -> Option<u64> {
    let text = spec.word("schedule").strip_prefix("@every")?.trim();
    let (negative, length) = go_duration(text)?;
    let minute = 60_000_000_000;
    (!negative && length.as_nanos() > 0 && length.as_nanos().is_multiple_of(minute)).then(|| length.as_nanos() / minute)
}

/// The times of the clock that come as often, where there are some.
fn from_period(minutes: u64) -> Option<String> {
    match minutes {
        1 => Some("* * * * *".to_owned()),
        60 => Some("0 * * * *".to_owned()),
        1440 => Some("0 0 * * *".to_owned()),
        m if m < 60 && 60 % m == 0 => Some(format!("*/{m} * * * *")),
        m if m < 1440 && m % 60 == 0 && 24 % (m / 60) == 0 => Some(format!("0 */{} * * *", m / 60)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_that_divide_the_clock_have_times() {
        assert_eq!(from_period(10).as_deref(), Some("*/10 * * * *"));
        assert_eq!(from_period(120).as_deref(), Some("0 */2 * * *"));
        assert_eq!(from_period(7), None);
        assert_eq!(from_period(300), None);
    }
}
