//! What the gate remembers of a run: annotations of its Workflow, so that a restart or the other replica goes on from there.
//!
//! Pure. Comes in: annotations. Goes out: [`Mark`], and the merge patch that makes a Workflow say what it should. A mark
//! counts only if it names the Workflow's own UID: who copies a manifest copies its annotations too, and a verdict with them.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::seen::ABORT;
use crate::engine::chaos_mesh::{REASON_ANNOTATION, VERDICT_ANNOTATION};
use crate::runtime::machine::{Reason, Verdict};

/// The UID of the Workflow that the others are about.
pub const RUN: &str = "perturb.dev/run";
/// How far the run is.
pub const STAGE: &str = "perturb.dev/stage";
/// Why the gate ended the run: reasons as JSON. Once written, nothing opens any more.
pub const BROKEN: &str = "perturb.dev/broken";
/// In front of a replica's name: what it found, or `following`.
pub const REPLICA: &str = "perturb.dev/gate-";
/// What a replica says that has not come to its end.
const FOLLOWING: &str = "following";
/// The longest reason that is written: annotations are for people who read lists.
const LONGEST_REASON: usize = 900;

/// How far a run is. It only goes forward; of two replicas the later word counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The baseline is watched.
    #[default]
    Waiting,
    /// The baseline has held.
    Ready,
    /// The lock is open: faults may begin.
    Armed,
    /// No fault is left, and none will come.
    Over,
    /// There is a verdict, and the system was seen to recover.
    Recovered,
    /// There is a verdict; the system was not seen to recover.
    Done,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [Self::Waiting, Self::Ready, Self::Armed, Self::Over, Self::Recovered, Self::Done];

    /// As it is written.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Armed => "armed",
            Self::Over => "over",
            Self::Recovered => "recovered",
            Self::Done => "done",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.text() == text)
    }
}

/// What the Workflow's annotations say of its own run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mark {
    /// Whether there is one.
    pub is_there: bool,
    /// How far it is.
    pub stage: Stage,
    /// Why it was ended by a gate.
    pub broken: Option<Vec<Reason>>,
    /// The verdict and what is said with it.
    pub verdict: Option<(Verdict, String)>,
    /// What each replica found; `None`: it has not come to its end.
    pub replicas: BTreeMap<String, Option<Verdict>>,
    /// Annotations of ours that are about another run.
    pub stale: Vec<String>,
}

impl Mark {
    /// From the annotations of the Workflow with this UID.
    #[must_use]
    pub fn read(annotations: &BTreeMap<String, String>, uid: &str) -> Self {
        let get = |key: &str| annotations.get(key).map(String::as_str);
        if get(RUN) != Some(uid) {
            let fixed = [RUN, STAGE, BROKEN, VERDICT_ANNOTATION, REASON_ANNOTATION];
            let is_ours = |key: &&String| fixed.contains(&key.as_str()) || key.starts_with(REPLICA);
            return Self { stale: annotations.keys().filter(is_ours).cloned().collect(), ..Self::default() };
        }
        let said = |text: &str| Verdict::parse(text);
        let reason = get(REASON_ANNOTATION).unwrap_or_default().to_owned();
        Self {
            is_there: true,
            stage: get(STAGE).and_then(Stage::parse).unwrap_or_default(),
            // What cannot be read still says that it is broken.
            broken: get(BROKEN).map(|text| serde_json::from_str(text).unwrap_or_default()),
            verdict: get(VERDICT_ANNOTATION).and_then(said).map(|verdict| (verdict, reason)),
            replicas: annotations
                .iter()
                .filter_map(|(key, value)| Some((key.strip_prefix(REPLICA)?.to_owned(), said(value))))
                .collect(),
            stale: Vec::new(),
        }
    }

    /// The merge patch that makes `self` say what `wanted` says; `None`: it does. `version` holds the write to what was read.
    #[must_use]
    pub fn patch(&self, wanted: &Self, uid: &str, version: &str, aborted: bool) -> Option<Json> {
        let mut annotations = Map::new();
        let mut set = |key: &str, value: &str| drop(annotations.insert(key.to_owned(), value.into()));
        if !self.is_there {
            set(RUN, uid);
        }
        if wanted.stage > self.stage || !self.is_there {
            set(STAGE, wanted.stage.text());
        }
        let mut breaks = false;
        if let (Some(reasons), None) = (&wanted.broken, &self.broken) {
            set(BROKEN, &serde_json::to_string(reasons).unwrap_or_default());
            breaks = true;
        }
        if wanted.broken.is_some() && !aborted {
            set(ABORT, "true");
            breaks = true;
        }
        if let Some((verdict, reason)) = &wanted.verdict
            && self.verdict.as_ref().is_none_or(|(old, _)| verdict < old)
        {
            set(VERDICT_ANNOTATION, verdict.text());
            set(REASON_ANNOTATION, &short(reason));
        }
        for (replica, verdict) in &wanted.replicas {
            if self.replicas.get(replica) != Some(verdict) {
                set(&format!("{REPLICA}{replica}"), verdict.map_or(FOLLOWING, Verdict::text));
            }
        }
        // Of another run: taken away, unless it is said anew.
        for key in &self.stale {
            annotations.entry(key.clone()).or_insert(Json::Null);
        }
        if annotations.is_empty() {
            return None;
        }
        let mut metadata = json!({ "annotations": annotations });
        // Nothing may come between what was read and what is written, but an end is an end whatever else was said.
        if !breaks {
            metadata["resourceVersion"] = version.into();
        }
        Some(json!({ "metadata": metadata }))
    }
}

fn short(text: &str) -> String {
    if text.chars().count() <= LONGEST_REASON {
        return text.to_owned();
    }
    text.chars().take(LONGEST_REASON).chain("…".chars()).collect()
}
