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
//! guard.

use super::super::context::{Context, Unsayable};
use super::super::draft::{Experiment, Said, kebab};
use super::super::print::quoted;
use super::super::spelling::go_duration;
use super::super::yaml::Node;
use crate::types::Duration;

/// One probe.
pub(super) fn import(cx: &mut Context<'_>, experiment: &mut Experiment, probe: &Node) {
    match condition(probe) {
        Ok((holds, fails)) => {
            let name = kebab(probe.word("name"));
            let run = probe.get("runProperties");
            let tries = run.map_or("", |r| r.word("attempt")).parse::<u64>().unwrap_or(1);
            let every = run.and_then(|r| r.get("interval")).and_then(Node::scalar).and_then(go_duration);
            let every = every.map_or(Duration::ZERO, |(_, d)| d);
            let grace = every.times(tries.saturating_sub(1));
            let tail = |word: &str| if grace.is_zero() { String::new() } else { format!(" {word} {grace}") };
            let stops = run.and_then(|r| r.get("stopOnFailure")).and_then(Node::scalar) == Some("true");
            match (probe.word("mode"), stops) {
                ("Continuous" | "OnChaos", true) => {
                    experiment.aborts.push(Said::new(format!("{fails}{}", tail("for"))))
                }
                ("Continuous", false) => {
                    experiment.expects.push(Said::new(format!("{name}: {holds}{}", tail("within"))));
                }
                ("OnChaos", false) => {
                    let text = format!("{name}: {holds}{} only during faults", tail("within"));
                    experiment.expects.push(Said::new(text));
                }
                _ => experiment.expects.push(Said::new(format!("{name}: {holds} except during faults"))),
            }
        }
        Err(what) => {
            let line = cx.lose(what);
            if cx.lossy {
                experiment.steps.insert(0, super::super::draft::StepKind::Lost(line).step());
            }
        }
    }
}

/// What holds, and its opposite.
fn condition(probe: &Node) -> Result<(String, String), Unsayable> {
    let kind = probe.word("type");
    let at = probe.get("type").map_or(probe.span, |n| n.span);
    let name = probe.word("name");
    if kind != "httpProbe" {
        return Err(Unsayable::new(at, format!("the {kind} `{name}` has no equivalent"))
            .why(match kind {
                "promProbe" => "what its number means (a share, seconds, a count) is not said",
                "cmdProbe" => "a command can do anything, and Perturb runs none",
                _ => "the library has no probe for it",
            })
            .help("declare a `metric` with its unit, and expect something of it"));
    }
    let inputs = probe.get("httpProbe/inputs").ok_or_else(|| Unsayable::new(at, format!("`{name}` asks nothing")))?;
    if let Some(post) = inputs.at(&["method", "post"]) {
        return Err(Unsayable::new(post.span, "a probe by POST has no equivalent")
            .why("probes of the library send a plain GET"));
    }
    let url = inputs.get("url").ok_or_else(|| Unsayable::new(inputs.span, format!("`{name}` has no `url`")))?;
    let get =
        inputs.at(&["method", "get"]).ok_or_else(|| Unsayable::new(inputs.span, format!("`{name}` has no `get`")))?;
    let text = url.scalar().unwrap_or_default();
    if !(text.starts_with("http://") || text.starts_with("https://")) || text.contains("{{") {
        return Err(Unsayable::new(url.span, format!("{} is no URL that a probe could ask", url.describe())));
    }
    let code = get.get("responseCode");
    let status = code.and_then(Node::scalar).and_then(|t| t.parse::<u16>().ok()).filter(|n| (100..=599).contains(n));
    let Some(status) = status else {
        let at = code.map_or(get.span, |n| n.span);
        return Err(Unsayable::new(at, "this status has no equivalent").help("one status can be said"));
    };
    let opposite = match get.word("criteria") {
        "==" => "!=",
        "!=" => "==",
        "<" => ">=",
        ">" => "<=",
        "<=" => ">",
        ">=" => "<",
        other => {
            let at = get.get("criteria").map_or(get.span, |n| n.span);
            return Err(Unsayable::new(at, format!("the criterion `{other}` has no equivalent")));
        }
    };
    let call = format!("probe.http-status({})", quoted(text));
    Ok((format!("{call} {} {status}", get.word("criteria")), format!("{call} {opposite} {status}")))
}
