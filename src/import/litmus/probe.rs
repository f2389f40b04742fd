//! Probes of Litmus as expectations and guards.
//!
//! | mode | becomes |
//! | --- | --- |
//! | `SOT`, `EOT`, `Edge` | `expect … except during faults`: before and after |
//! | `Continuous` | `expect …`: in every phase |
//! | `OnChaos` | `expect … only during faults` |
//! | any of the last two with `stopOnFailure` | `abort when` the opposite |
//!
//! A probe may fail `attempt` times in a row, `interval` apart, before it counts: `within` for an expectation, `for` for a
//! guard. What it asks is [`super::question`]'s. Facts: litmus-go 1b3603f, `pkg/probe`.

use super::super::context::{Context, Unsayable};
use super::super::draft::{Experiment, Said, StepKind, kebab};
use super::super::spelling::go_duration;
use super::super::yaml::{Node, Value};
use super::question::{Question, Times, question};
use crate::types::Duration;

/// One probe, with the comments that stood at it.
pub(super) fn import(cx: &mut Context<'_>, experiment: &mut Experiment, probe: &Node, comments: Vec<String>) {
    let before = cx.lost.len();
    if let Err(what) = said(cx, experiment, probe, comments) {
        cx.lose(what);
    }
    for (_, line) in cx.lost.split_off(before) {
        experiment.steps.insert(0, StepKind::Lost(line.clone()).step());
        cx.lost.push((cx.draft.files.len().saturating_sub(1), line));
    }
}

fn said(
    cx: &mut Context<'_>,
    experiment: &mut Experiment,
    probe: &Node,
    mut comments: Vec<String>,
) -> Result<(), Unsayable> {
    let mode = probe.get("mode");
    let at = mode.map_or(probe.span, |n| n.span);
    let mode = mode.and_then(Node::scalar).unwrap_or_default();
    if !["SOT", "EOT", "Edge", "Continuous", "OnChaos"].contains(&mode) {
        return Err(Unsayable::new(at, format!("there is no mode `{mode}` of a probe"))
            .why("Litmus takes it, and never asks")
            .help("the modes are SOT, EOT, Edge, Continuous and OnChaos")
            .wrong());
    }
    let run = Run::of(probe)?;
    let lasting = matches!(mode, "Continuous" | "OnChaos");
    let times = Times { every: run.polling.filter(|_| lasting), timeout: run.timeout };
    let Question { holds, fails, comment } = question(cx, probe, times)?;
    comments.extend(comment);
    if let Some((at, _)) = run.delay {
        if lasting {
            let what = Unsayable::new(at, "`initialDelay` of a probe that asks all the time has no equivalent")
                .why("an expectation is judged from the begin of its phase")
                .help("leave it out, or give the expectation a `within`");
            cx.lose(what);
        } else {
            cx.note(at, "`initialDelay` is left to Perturb, which asks again until the recovery is over");
        }
    }
    let tail = |word: &str| if run.grace.is_zero() { String::new() } else { format!(" {word} {}", run.grace) };
    let name = unique(experiment, &kebab(probe.word("name")));
    let expect = |comments, text| Said { comments, text };
    match (mode, run.stops) {
        ("Continuous" | "OnChaos", true) => {
            experiment.aborts.push(expect(comments, format!("{fails}{}", tail("for"))));
        }
        ("Continuous", false) => {
            experiment.expects.push(expect(comments, format!("{name}: {holds}{}", tail("within"))));
        }
        ("OnChaos", false) => {
            let text = format!("{name}: {holds}{} only during faults", tail("within"));
            experiment.expects.push(expect(comments, text));
        }
        (mode, _) => {
            match mode {
                "SOT" => {
                    let more = "Litmus asked before the fault only; here it must hold again after it.";
                    comments.push(more.to_owned());
                    cx.differs(at, "a probe of the mode `SOT` is asked after the fault, too", EVERY_PHASE, EDGES);
                }
                "EOT" => {
                    let more = "Litmus asked after the fault only; here it must hold before it, too.";
                    comments.push(more.to_owned());
                    cx.differs(at, "a probe of the mode `EOT` is asked before the fault, too", EVERY_PHASE, EDGES);
                }
                _ => {}
            }
            experiment.expects.push(expect(comments, format!("{name}: {holds} except during faults")));
        }
    }
    Ok(())
}

const EVERY_PHASE: &str = "an expectation holds before and after a fault; one that need not hold again proves nothing";
const EDGES: &str = "write `mode: Edge` if that is what was meant; else change the expectation";

/// A name that no other expectation of the experiment has: engines may have one probe in two of their faults.
fn unique(experiment: &Experiment, base: &str) -> String {
    let taken = |name: &str| {
        experiment.expects.iter().any(|e| e.text.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')))
    };
    let mut name = base.to_owned();
    let mut number = 2u32;
    while taken(&name) {
        name = format!("{base}-{number}");
        number += 1;
    }
    name
}

/// `runProperties`, as Litmus reads them.
struct Run {
    timeout: Duration,
    /// How long it may fail before that counts.
    grace: Duration,
    polling: Option<Duration>,
    delay: Option<(crate::source::Span, Duration)>,
    stops: bool,
}

impl Run {
    fn of(probe: &Node) -> Result<Self, Unsayable> {
        let run = probe.get("runProperties").ok_or_else(|| {
            Unsayable::new(probe.span, format!("the probe `{}` has no `runProperties`", probe.word("name")))
                .why("the API server refuses it")
                .wrong()
        })?;
        let required = |key: &str| {
            length(run, key)?.ok_or_else(|| {
                Unsayable::new(run.span, format!("this probe has no `{key}`")).why("the API server refuses it").wrong()
            })
        };
        let (timeout, interval) = (required("probeTimeout")?, required("interval")?);
        if timeout.is_zero() {
            return Err(Unsayable::new(run.span, "a `probeTimeout` of zero")
                .why("no answer is fast enough for it, so that the probe always fails")
                .wrong());
        }
        let count = |key: &str| run.word(key).parse::<u64>().ok().filter(|n| *n > 0);
        let attempts = count("attempt").or(count("retry")).unwrap_or(1);
        let delay = length(run, "initialDelay")?.filter(|d| !d.is_zero());
        Ok(Self {
            timeout,
            grace: interval.times(attempts.saturating_sub(1)),
            polling: length(run, "probePollingInterval")?.filter(|d| !d.is_zero()),
            delay: delay.and_then(|d| Some((run.entry("initialDelay")?.at, d))),
            stops: run.get("stopOnFailure").and_then(Node::scalar) == Some("true"),
        })
    }
}

/// A length of time as Go reads it.
fn length(run: &Node, key: &str) -> Result<Option<Duration>, Unsayable> {
    let Some(node) = run.get(key).filter(|n| !n.is_empty()) else { return Ok(None) };
    let wrong = |why: &str| {
        Unsayable::new(node.span, format!("`{key}` is {}, and no length of time", node.describe()))
            .why(why.to_owned())
            .help("write it with its unit: `5s`")
            .wrong()
    };
    if !matches!(node.value, Value::Text) {
        return Err(wrong("the API server refuses all but a text here"));
    }
    match node.scalar().and_then(go_duration) {
        Some((false, length)) => Ok(Some(length)),
        _ => Err(wrong("the experiment ends without a verdict where it cannot read a length of time")),
    }
}
