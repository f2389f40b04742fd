//! What the server answers from: written by the runs, read by requests, and closed as soon as it is stale.
//!
//! Comes in: what each run says of itself, how the looks at the cluster went. Goes out: an answer per path, the pages
//! `/verdict` and `/metrics`. A request never waits for anything but this table's lock.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::run::Answers;

/// Answers are good for this long after the look at the cluster that they come from.
const FRESH: Duration = Duration::from_secs(3);
/// Without a look for this long, nobody should be sent here.
const READY: Duration = Duration::from_secs(5);
/// As many runs are remembered after their end.
const REMEMBERED: usize = 20;

/// The table.
#[derive(Default)]
pub struct Board {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// The run that is under way, as the cluster shows it.
    current: Option<String>,
    runs: BTreeMap<String, Row>,
    /// Runs in the order in which they were first seen.
    order: Vec<String>,
    /// When `/guards` was asked last, by run.
    guards_asked: BTreeMap<String, Instant>,
    looked: Option<Instant>,
    looks: (u64, u64),
    samples: (u64, u64),
    writes: (u64, u64),
    answers: BTreeMap<(&'static str, u16), u64>,
    verdicts: BTreeMap<&'static str, u64>,
    last_error: Option<String>,
}

/// What a run says of itself.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// What its checks are answered.
    pub answers: Answers,
    /// How far it is.
    pub stage: &'static str,
    /// For `/verdict`.
    pub told: Json,
    /// The verdict, once there is one.
    pub verdict: Option<&'static str>,
    /// When the look began that this comes from.
    pub looked: Option<Instant>,
}

/// What a check wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// `/baseline`
    Baseline,
    /// `/armed`
    Armed,
    /// `/guards`
    Guards,
    /// `/recovered`
    Recovered,
    /// `/clear/N`
    Clear(u32),
    /// `/check/NAME`
    Holds(String),
}

impl Check {
    /// From what follows the name in the path.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        Some(match path {
            "baseline" => Self::Baseline,
            "armed" => Self::Armed,
            "guards" => Self::Guards,
            "recovered" => Self::Recovered,
            _ => match path.split_once('/')? {
                ("clear", number) => Self::Clear(number.parse().ok()?),
                ("check", name) if !name.contains('/') => Self::Holds(name.to_owned()),
                _ => return None,
            },
        })
    }

    /// For counting.
    #[must_use]
    pub fn text(&self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Armed => "armed",
            Self::Guards => "guards",
            Self::Recovered => "recovered",
            Self::Clear(_) => "clear",
            Self::Holds(_) => "check",
        }
    }

    fn is_open(&self, answers: &Answers) -> bool {
        match self {
            Self::Baseline => answers.baseline,
            Self::Armed => answers.armed,
            Self::Guards => answers.guards,
            Self::Recovered => answers.recovered,
            Self::Clear(step) => answers.clear.contains(step),
            Self::Holds(name) => answers.checks.contains(name),
        }
    }
}

impl Board {
    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A look at the cluster came back.
    pub fn looked(&self, at: Instant, current: Option<String>) {
        let mut inner = self.inner();
        inner.looked = Some(at);
        inner.looks.0 += 1;
        inner.current = current;
        inner.last_error = None;
    }

    /// A look did not. Gives back whether this is news.
    pub fn look_failed(&self, reason: &str) -> bool {
        let mut inner = self.inner();
        inner.looks.1 += 1;
        inner.last_error.replace(reason.to_owned()).is_none()
    }

    /// Counts a sample.
    pub fn sampled(&self, is_there: bool) {
        let samples = &mut self.inner().samples;
        *(if is_there { &mut samples.0 } else { &mut samples.1 }) += 1;
    }

    /// Counts a write.
    pub fn wrote(&self, is_done: bool) {
        let writes = &mut self.inner().writes;
        *(if is_done { &mut writes.0 } else { &mut writes.1 }) += 1;
    }

    /// What a run says of itself now.
    pub fn publish(&self, uid: &str, row: Row) {
        let mut inner = self.inner();
        // A verdict that becomes worse is another one.
        let is_news = inner.runs.get(uid).is_none_or(|before| before.verdict != row.verdict);
        if let (Some(verdict), true) = (row.verdict, is_news) {
            *inner.verdicts.entry(verdict).or_default() += 1;
        }
        if inner.runs.insert(uid.to_owned(), row).is_none() {
            inner.order.push(uid.to_owned());
            if inner.order.len() > REMEMBERED {
                let oldest = inner.order.remove(0);
                inner.runs.remove(&oldest);
                inner.guards_asked.remove(&oldest);
            }
        }
    }

    /// When `/guards` was asked last for a run.
    pub fn guards_asked(&self, uid: &str) -> Option<Instant> {
        self.inner().guards_asked.get(uid).copied()
    }

    /// Whether a check is open: of the run that is under way, by a look that is fresh.
    pub fn ask(&self, check: &Check, now: Instant) -> bool {
        let mut inner = self.inner();
        let is_fresh = |at: Option<Instant>| at.is_some_and(|at| now.saturating_duration_since(at) <= FRESH);
        let is_known = is_fresh(inner.looked);
        let current = inner.current.clone().filter(|_| is_known);
        if let (Check::Guards, Some(uid)) = (check, &current) {
            inner.guards_asked.insert(uid.clone(), now);
        }
        let row = current.and_then(|uid| inner.runs.get(&uid));
        let is_open = row.is_some_and(|row| is_fresh(row.looked) && check.is_open(&row.answers));
        let status = if is_open { 204 } else { 503 };
        *inner.answers.entry((check.text(), status)).or_default() += 1;
        is_open
    }

    /// Whether requests should be sent here.
    pub fn is_ready(&self, now: Instant) -> bool {
        self.inner().looked.is_some_and(|at| now.saturating_duration_since(at) <= READY)
    }

    /// `/verdict`: the run that is under way or was last, and those before it.
    pub fn verdict(&self) -> Json {
        let inner = self.inner();
        let mut told: Vec<Json> =
            inner.order.iter().rev().filter_map(|uid| inner.runs.get(uid)).map(|r| r.told.clone()).collect();
        if told.is_empty() {
            return json!({ "version": 1, "run": null, "verdict": null, "earlier": [] });
        }
        let mut latest = told.remove(0);
        latest["earlier"] = told.into();
        latest
    }

    /// `/metrics`.
    pub fn metrics(&self, now: Instant, labels: &str) -> String {
        let inner = self.inner();
        super::metrics::page(&super::metrics::Facts {
            labels,
            looks: inner.looks,
            look_age: inner.looked.map(|at| now.saturating_duration_since(at)),
            samples: inner.samples,
            writes: inner.writes,
            answers: &inner.answers,
            verdicts: &inner.verdicts,
            stage: inner.current.as_ref().and_then(|uid| inner.runs.get(uid)).map(|r| r.stage),
        })
    }
}
