//! `/metrics` in Prometheus' text format.
//!
//! Pure. Comes in: [`Facts`]. Goes out: a page that `promtool check metrics` has nothing to say about.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::mark::Stage;
use crate::runtime::machine::Verdict;

/// What is shown.
pub struct Facts<'a> {
    /// `name="value",…`, on everything.
    pub labels: &'a str,
    /// Looks at the cluster: well, failed.
    pub looks: (u64, u64),
    /// How long ago the last good one began.
    pub look_age: Option<Duration>,
    /// Samples: there, missing.
    pub samples: (u64, u64),
    /// Writes to the cluster: done, refused.
    pub writes: (u64, u64),
    /// Answers to checks, by check and status.
    pub answers: &'a BTreeMap<(&'static str, u16), u64>,
    /// Runs by verdict.
    pub verdicts: &'a BTreeMap<&'static str, u64>,
    /// How far the run is that is under way.
    pub stage: Option<&'static str>,
}

/// The page.
#[must_use]
pub fn page(facts: &Facts<'_>) -> String {
    let mut out = String::with_capacity(4096);
    let labels = facts.labels;
    head(&mut out, "perturb_gate_info", "gauge", "What this gate is for.");
    let _ = writeln!(out, "perturb_gate_info{{{labels},version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
    let results = |out: &mut String, name: &str, help: &str, (well, bad): (u64, u64)| {
        head(out, name, "counter", help);
        let _ = writeln!(out, "{name}{{{labels},result=\"ok\"}} {well}");
        let _ = writeln!(out, "{name}{{{labels},result=\"failed\"}} {bad}");
    };
    results(&mut out, "perturb_gate_looks_total", "Looks at the cluster.", facts.looks);
    results(&mut out, "perturb_gate_samples_total", "Samples that the plan asks for.", facts.samples);
    results(&mut out, "perturb_gate_writes_total", "Writes to the cluster.", facts.writes);
    if let Some(age) = facts.look_age {
        head(&mut out, "perturb_gate_look_age_seconds", "gauge", "Time since the last good look at the cluster began.");
        let _ = writeln!(out, "perturb_gate_look_age_seconds{{{labels}}} {:.3}", age.as_secs_f64());
    }
    head(&mut out, "perturb_gate_answers_total", "counter", "Answers to checks: 204 lets through, 503 holds.");
    for ((check, status), count) in facts.answers {
        let _ = writeln!(out, "perturb_gate_answers_total{{{labels},check=\"{check}\",status=\"{status}\"}} {count}");
    }
    head(&mut out, "perturb_gate_verdicts_total", "counter", "Runs that came to their end, by verdict.");
    for verdict in Verdict::ALL {
        let count = facts.verdicts.get(verdict.text()).copied().unwrap_or_default();
        let _ = writeln!(out, "perturb_gate_verdicts_total{{{labels},verdict=\"{verdict}\"}} {count}");
    }
    head(&mut out, "perturb_gate_stage", "gauge", "How far the run is that is under way.");
    let stages = Stage::ALL.into_iter().map(Stage::text).chain(["broken"]);
    for stage in stages {
        let here = u8::from(facts.stage == Some(stage));
        let _ = writeln!(out, "perturb_gate_stage{{{labels},stage=\"{stage}\"}} {here}");
    }
    out
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}
