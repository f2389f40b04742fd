//! What the Workflow and the gate agree on: the addresses, and what the compiler tells the gate beside the plan.
//!
//! Comes in: a plan and the built method. Goes out: the base address of the checks, and [`GateConfig`] as JSON, which
//! lies beside the plan in the gate's ConfigMap.
//!
//! # The contract
//! `GET {base}/…` answers `204` (which has no body) or `503` with `Content-Length: 0`, and `Connection: close`, in one write:
//! Chaos Mesh throws away a result whose body stalls, and then neither aborts nor says so (G6). Answers come from memory;
//! stale data is 503. `{base}` is `http://GATE.NAMESPACE.svc:8080/v1/NAMESPACE/NAME`, NAME being the Workflow's or the
//! Schedule's; state is kept per *UID* of the Workflow, as a second run may bear the same name (G9).
//!
//! | path | 204 if and only if |
//! | --- | --- |
//! | `/baseline` | one unfinished Workflow fits; no fault object of another run is left (G10); the hours of the plan are open; every expectation has held for the plan's `baseline`. Before that answer the gate annotates the Workflow: a Schedule's child has no annotation, and its abort would panic (G3) |
//! | `/armed` | the baseline has held; `/guards` was asked within 2 i + t; the guards hold; there is no abort annotation |
//! | `/guards` | no guard has fired, no `check` has failed, every injection was confirmed in its bound, data is fresh; latched once broken |
//! | `/check/NAME` | the check has held; its `within` counts from the *confirmed* end of the step before it, and its failure breaks `/guards` |
//! | `/clear/N` | no object of the fault of step N is left |
//! | `/recovered` | no fault object of the run is left, every expectation has held for `baseline`, and the verdict is on the Workflow; recovery counts from the last object's end |
//! | `/verdict` | JSON, 200 |
//!
//! On a breach the gate pauses the run's fault objects, aborts the Workflow and writes its verdict (`docs/gate.md`): it needs to
//! patch both, and the Workflow's status.

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Code, Diagnostic};
use crate::engine::EmitOptions;
use crate::plan::Plan;
use crate::source::Span;

use super::constants::{FAILURES, GATE_PORT, INTERVAL, TIMEOUT};
use super::context::Context;
use super::names::{self, Names};

/// What the compiler tells the gate beside the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct GateConfig {
    /// The form of this text; 1.
    pub version: u32,
    /// Where the Workflow and its fault objects are.
    pub namespace: String,
    /// The Workflow's name; for a schedule the Schedule's, whose children carry it in their label `managed-by`.
    pub name: String,
    /// Whether `name` is a Schedule's.
    pub scheduled: bool,
    /// The plan's digest.
    pub plan: String,
    /// The resources of the faults, each once: what to list to know that nothing is left.
    pub resources: Vec<String>,
    /// The steps that inject, in order.
    pub steps: Vec<GateStep>,
    /// How often the checks ask, in seconds.
    pub interval: i64,
    /// How long they wait for an answer, in seconds.
    pub timeout: i64,
    /// How many failures of the guards in a row abort without the gate.
    pub failures: i64,
}

/// A step that injects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct GateStep {
    /// Its number in the method: from 1, every step counted, depth first.
    pub number: u32,
    /// The template of its node; objects of the fault are named after the node.
    pub template: String,
    /// `NetworkChaos`.
    pub kind: String,
    /// `networkchaos`.
    pub resource: String,
    /// An index into the plan's faults.
    pub fault: u32,
    /// Whether it lasts and is undone; then `/clear/NUMBER` is asked.
    pub undone: bool,
}

impl GateConfig {
    /// What the gate of this plan must know.
    pub(super) fn new(plan: &Plan, names: Names<'_>, steps: Vec<GateStep>) -> Self {
        let mut resources: Vec<String> = steps.iter().map(|s| s.resource.clone()).collect();
        resources.sort();
        resources.dedup();
        let scheduled = plan.schedule.is_some();
        Self {
            version: 1,
            namespace: plan.place.cluster.chaos_namespace.to_string(),
            name: if scheduled { names.schedule } else { names.run }.to_owned(),
            scheduled,
            plan: plan.digest.clone(),
            resources,
            steps,
            interval: INTERVAL,
            timeout: TIMEOUT,
            failures: FAILURES,
        }
    }
}

/// Where the gate answers for this plan; nothing after a diagnostic.
pub(super) fn base<'a>(cx: &mut Context<'a>, of: Names<'a>, options: &EmitOptions) -> Option<&'a str> {
    let namespace = cx.plan.place.cluster.chaos_namespace.as_str();
    let name = if cx.plan.schedule.is_some() { of.schedule } else { of.run };
    let Some(url) = options.gate_url.as_deref() else {
        let gate = of.gate;
        return Some(names::text(
            cx.arena,
            format_args!("http://{gate}.{namespace}.svc:{GATE_PORT}/v1/{namespace}/{name}"),
        ));
    };
    if let Some(reason) = unusable(url) {
        let message = format!("Chaos Mesh's checks cannot ask a gate at `{url}`: {reason}");
        let span: Span = cx.plan.span;
        cx.refuse(
            Diagnostic::new(Code::GATE_URL, span, message)
                .why("a check that is redirected, or that cannot connect, does not say what the gate thinks")
                .help("give the gate's own address in the cluster: `--gate-url http://gate.NAMESPACE.svc:8080`"),
        );
        return None;
    }
    Some(names::text(cx.arena, format_args!("{}/v1/{namespace}/{name}", url.trim_end_matches('/'))))
}

/// Why an address is no gate's (G7).
fn unusable(url: &str) -> Option<&'static str> {
    let Some(rest) = url.strip_prefix("http://") else {
        return Some("it must begin with `http://`");
    };
    let host = rest.split('/').next().unwrap_or_default();
    if host.is_empty() || host.starts_with(':') {
        Some("it has no host")
    } else if rest.contains(['?', '#', '@', ' ']) {
        Some("it may only have a host, a port and a path")
    } else {
        None
    }
}
