//! What a journal's line says: what the machine writes, and the few things that only the edge knows.

use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::runtime::machine::Record;

/// The first line of a run: who runs what, with which versions, where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Begun {
    /// The version of the journal's form.
    pub journal: u32,
    /// The version of Perturb.
    pub perturb: String,
    /// The whole plan, as `perturb plan -o` writes it.
    pub plan: serde_json::Value,
    /// Its digest.
    pub digest: String,
    /// Who started it: the name of the account.
    pub by: String,
    /// On which machine.
    pub host: String,
    /// The command line.
    pub command: Vec<String>,
    /// The commit of the sources, if they are in git.
    pub commit: Option<String>,
    /// How its place was drawn, if the text leaves it to chance (`in: one of production.clusters`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceDraw>,
}

/// A draw of clusters, made before the run: the same chance on the same candidates gives the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PlaceDraw {
    /// In the source's words.
    pub text: String,
    /// The chance that decided.
    pub entropy: u64,
    /// Every candidate, `ENVIRONMENT/CLUSTER`, in the order in which they were counted.
    pub candidates: Vec<String>,
    /// What was drawn; each has its own run.
    pub drawn: Vec<String>,
}

/// Another process cleans up after a runner that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Taken {
    /// `watchdog`, `recover`, `run`.
    pub by: String,
    /// Why it was thought to be gone.
    pub because: String,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Line {
    /// The first.
    Begun {
        /// What began.
        begun: Box<Begun>,
    },
    /// The runner is gone.
    Taken {
        /// Who took over.
        taken: Taken,
    },
    /// What the machine writes.
    Record(Box<Record>),
}

impl Begun {
    /// The plan; `None`: there is none (a game day has its agenda), or it is of another version.
    #[must_use]
    pub fn plan(&self) -> Option<Plan> {
        serde_json::from_value(self.plan.clone()).ok()
    }
}

impl Line {
    /// Who began what, if it is the first line.
    #[must_use]
    pub fn begun(&self) -> Option<&Begun> {
        match self {
            Self::Begun { begun } => Some(begun),
            _ => None,
        }
    }

    /// What the machine wrote, if it did.
    #[must_use]
    pub fn record(&self) -> Option<&Record> {
        match self {
            Self::Record(record) => Some(record),
            _ => None,
        }
    }
}
