//! The entry: a plan's documents, in the order in which they should be applied, and the report.
//!
//! Comes in: a plan. Goes out, into the sink: accounts and roles, ChaosExperiments, then the ChaosEngine, or the Workflow or
//! CronWorkflow that creates the engines. Nothing if the report has an error. All namespaced objects but the roles at
//! the targets lie in the cluster's chaos namespace.
//!
//! Every object carries the label that keeps Flux from replacing `${…}` in it (a label: engines must not have
//! annotations). Accounts and experiments carry sync waves for Argo CD: applied before what uses them, pruned after it.

use super::check::{Draft, add_all, counted, draft, for_each_check};
use super::condition;
use super::{access, experiment, names, workflow};
use crate::engine::{EmitOptions, Report, Sink};
use crate::manifest::{Arena, Node};
use crate::plan::Plan;

/// Emits the documents of a plan for Litmus. Nothing is emitted if the report has an error.
pub fn emit(plan: &Plan, _options: &EmitOptions, arena: &Arena, out: &mut Sink<'_>) -> Report {
    let mut report = Report::default();
    let draft = draft(plan, &mut report);
    if report.diagnostics.iter().any(crate::diagnostic::Diagnostic::is_error) {
        return report;
    }
    let mut writer = Writer { plan, arena, out };
    for one in &draft.experiments {
        access::of_experiment(&mut writer, &one.name, &one.body, &one.namespaces, &one.counted);
    }
    let bare = match (draft.engines.as_slice(), draft.shape.is_one_engine(), &plan.schedule) {
        ([engine], true, None) => Some(engine),
        _ => None,
    };
    let notes = bare.map_or(&[][..], |_| &draft.shape.notes);
    for one in &draft.experiments {
        writer.document(|w, arena| experiment::experiment(w, arena, one, notes));
    }
    if let Some(engine) = bare {
        writer.document(|w, arena| experiment::bare_engine(w, arena, &draft, engine));
    } else {
        let name = names::workflow(plan);
        access::of_workflow(&mut writer, &name, &checked_namespaces(&draft));
        writer.document(|w, arena| workflow::workflow(w, arena, &draft, &name));
    }
    report
}

/// What [`emit`] says of a plan, without the documents.
pub fn judge(plan: &Plan) -> Report {
    let mut report = Report::default();
    draft(plan, &mut report);
    report
}

/// Where the checks of the method count pods.
fn checked_namespaces(draft: &Draft<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for_each_check(&draft.shape.parts, &mut |check| {
        let judgements = condition::judge(draft.plan, check.condition, true, false).unwrap_or_default();
        add_all(&mut found, judgements.iter().filter_map(|j| counted(&j.sample)));
    });
    found
}

/// Puts documents together from what all of them share.
pub(super) struct Writer<'w, 'o> {
    plan: &'w Plan,
    arena: &'w Arena,
    out: &'w mut Sink<'o>,
}

impl<'w> Writer<'w, '_> {
    /// Where Litmus' objects are.
    pub(super) fn namespace(&self) -> &'w str {
        &self.plan.place.cluster.chaos_namespace
    }

    /// Where it runs.
    pub(super) fn cluster(&self) -> &'w crate::plan::Cluster {
        &self.plan.place.cluster
    }

    /// Builds one document and hands it on.
    pub(super) fn document(&mut self, build: impl FnOnce(&Self, &'w Arena) -> Node<'w>) {
        let node = build(self, self.arena);
        (self.out)(&node);
    }

    /// The labels of every object, and more.
    pub(super) fn labels<'a>(&self, arena: &'a Arena, more: &[(&'static str, &str)]) -> Node<'a> {
        let value = |text: &str| arena.text(&names::fit(text, names::LABEL));
        let owner = self.plan.services.get(&self.plan.service).map(|s| s.owner.as_str());
        let common = [
            Some(("app.kubernetes.io/managed-by", Node::Text("perturb"))),
            Some(("kustomize.toolkit.fluxcd.io/substitute", Node::Text("disabled"))),
            Some(("perturb.dev/environment", value(&self.plan.place.environment))),
            Some(("perturb.dev/experiment", value(&self.plan.name))),
            owner.map(|owner| ("perturb.dev/owner", value(owner))),
            Some(("perturb.dev/plan", arena.text(self.plan.short_digest()))),
            Some(("perturb.dev/service", value(&self.plan.service))),
        ];
        let more = more.iter().map(|(key, text)| Some((*key, arena.text(text))));
        arena.map_some(common.into_iter().chain(more))
    }

    fn metadata<'a>(&self, arena: &'a Arena, name: &str, namespace: Option<&str>, notes: Node<'a>) -> Node<'a> {
        arena.map_some([
            Some(("name", arena.text(name))),
            namespace.map(|n| ("namespace", arena.text(n))),
            Some(("labels", self.labels(arena, &[]))),
            Some(("annotations", notes)),
        ])
    }

    fn digest<'a>(&self, arena: &'a Arena) -> (&'static str, Node<'a>) {
        ("perturb.dev/plan", arena.text(&self.plan.digest))
    }

    /// Of accounts, roles and bindings.
    pub(super) fn access_metadata<'a>(&self, arena: &'a Arena, name: &str, namespace: Option<&str>) -> Node<'a> {
        let notes = arena.map([("argocd.argoproj.io/sync-wave", Node::Text("-20")), self.digest(arena)]);
        self.metadata(arena, name, namespace, notes)
    }

    /// Of ChaosExperiments.
    pub(super) fn experiment_metadata<'a>(
        &self,
        arena: &'a Arena,
        name: &str,
        hub: Option<&str>,
        written: &[&str],
    ) -> Node<'a> {
        let first = [("argocd.argoproj.io/sync-wave", Node::Text("-10")), self.digest(arena)];
        let hub = hub.map(|hub| ("perturb.dev/hub", arena.text(hub)));
        let notes = arena.map(first.into_iter().chain(hub).chain(self.notes(arena, written)));
        self.metadata(arena, name, Some(self.namespace()), notes)
    }

    /// The plain notes of the method, as annotations of what carries it out.
    pub(super) fn notes<'a>(&self, arena: &'a Arena, written: &[&str]) -> Vec<(&'a str, Node<'a>)> {
        let note = |(index, text): (usize, &&str)| {
            let key = arena.str(&format!("perturb.dev/note-{}", index + 1));
            (key, arena.text(text))
        };
        written.iter().enumerate().map(note).collect()
    }

    /// Of the workflow, with the plain notes of the method.
    pub(super) fn workflow_metadata<'a>(&self, arena: &'a Arena, name: &str, written: &[&str]) -> Node<'a> {
        let notes = arena.map(std::iter::once(self.digest(arena)).chain(self.notes(arena, written)));
        self.metadata(arena, name, Some(self.namespace()), notes)
    }
}
