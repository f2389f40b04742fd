//! A method of more than one step, as an Argo Workflow.
//!
//! Comes in: the draft. Goes out: a Workflow, or for a `verify` a CronWorkflow. A step creates an engine, the next waits
//! for its end, the next reads its ChaosResult: what Litmus itself ships for this (litmus-checker) exits 0 whatever the
//! verdict. Engines are called after the run (`{{workflow.uid}}`), so that every step can name them and two runs never
//! share one.
//!
//! - A step that *fails* ends the method: a stopped engine (a guard), an error, a check. An engine whose expectations
//!   are refuted goes on, as in the language; the last steps ask for `Pass` of every engine, so the Workflow still fails.
//! - Where things run side by side, Argo lets the siblings of a failed step finish. So each branch that fails halts the
//!   whole workflow.
//! - Whatever happened, `clean-up` stops and removes what is left and fails if a target is still marked as injected.
//! - Engines belong to their workflow (`setOwnerReference`): when it is pruned, they go, and the operator undoes.
//!
//! Facts (argo-workflows `workflow/executor/resource.go`): conditions are label selectors over the object's JSON; of a
//! `failureCondition` any part is enough, of a `successCondition` all must hold; polled every 5 s. `schedule` and not
//! `schedules` for CronWorkflows: the controller that comes with ChaosCenter (3.3) knows no other. Must never contain
//! `{{` but for Argo's own values.

use super::check::{Draft, Engine, deadline};
use super::condition::judge;
use super::emit::Writer;
use super::experiment::step_engine;
use super::shape::{CheckStep, Part, patience};
use super::{RUNNER_IMAGE, json, names, shell};
use crate::manifest::{Arena, Node};
use crate::plan::Schedule;

/// The Workflow or CronWorkflow of a plan.
pub(super) fn workflow<'a>(writer: &Writer<'_, '_>, arena: &'a Arena, draft: &Draft<'_>, name: &str) -> Node<'a> {
    let mut maker = Maker { writer, arena, draft, templates: Vec::new(), steps: 0 };
    let spec = maker.spec(name);
    let metadata = writer.workflow_metadata(arena, name, &draft.shape.notes);
    let kind = if draft.plan.schedule.is_some() { "CronWorkflow" } else { "Workflow" };
    let spec = match &draft.plan.schedule {
        None => spec,
        Some(schedule) => cron(writer, arena, schedule, spec),
    };
    arena.map([
        ("apiVersion", Node::Text("argoproj.io/v1alpha1")),
        ("kind", Node::Text(kind)),
        ("metadata", metadata),
        ("spec", spec),
    ])
}

fn cron<'a>(writer: &Writer<'_, '_>, arena: &'a Arena, schedule: &Schedule, spec: Node<'a>) -> Node<'a> {
    let verify = arena.text(&names::fit(&schedule.verify, names::LABEL));
    arena.map([
        ("schedule", arena.text(&schedule.cron)),
        ("timezone", arena.text(&schedule.zone)),
        ("concurrencyPolicy", Node::Text("Forbid")),
        ("startingDeadlineSeconds", Node::Int(starting_deadline(&schedule.cron))),
        ("successfulJobsHistoryLimit", Node::Int(3)),
        ("failedJobsHistoryLimit", Node::Int(5)),
        (
            "workflowMetadata",
            arena.map([("labels", with(arena, writer.labels(arena, &[]), "perturb.dev/verify", verify))]),
        ),
        ("workflowSpec", spec),
    ])
}

fn with<'a>(arena: &'a Arena, map: Node<'a>, key: &'static str, value: Node<'a>) -> Node<'a> {
    match map {
        Node::Map(entries) => arena.map(entries.iter().copied().chain([(key, value)])),
        other => other,
    }
}

/// How late a run may begin: half a period, ten minutes at most. A run that begins in the afternoon because the
/// controller was away in the morning is not the one that was agreed upon.
fn starting_deadline(cron: &str) -> i64 {
    let minutes = cron.split_whitespace().next().unwrap_or_default();
    let every = match minutes {
        "*" => 1,
        other => other.strip_prefix("*/").and_then(|n| n.parse::<i64>().ok()).unwrap_or(60),
    };
    (every * 30).clamp(10, 600)
}

struct Maker<'a, 'm, 'w, 'o, 'd, 'p> {
    writer: &'m Writer<'w, 'o>,
    arena: &'a Arena,
    draft: &'d Draft<'p>,
    templates: Vec<Node<'a>>,
    steps: usize,
}

impl<'a> Maker<'a, '_, '_, '_, '_, '_> {
    fn spec(&mut self, account: &str) -> Node<'a> {
        let arena = self.arena;
        let draft = self.draft;
        let mut method = self.groups(&draft.shape.parts);
        let passed = (0..draft.engines.len()).map(|index| {
            let name = format!("engine-{}-passed", index + 1);
            self.call(&name, "passed", &[("result", &self.result_name(index))])
        });
        method.push(arena.list(passed));
        let method = self.steps_template("method", method, &[]);
        let mut templates = vec![method];
        templates.append(&mut self.templates);
        templates.extend(self.shared());
        let security = arena.map([("runAsNonRoot", Node::Bool(true)), ("runAsUser", Node::Int(1000))]);
        arena.map([
            ("entrypoint", Node::Text("method")),
            ("onExit", Node::Text("clean-up")),
            ("serviceAccountName", arena.text(account)),
            ("securityContext", security),
            ("templates", arena.list(templates)),
        ])
    }

    /// Parts in order: each group begins when the one before it has succeeded.
    fn groups(&mut self, parts: &[Part<'_>]) -> Vec<Node<'a>> {
        let mut groups = Vec::new();
        for part in parts {
            match part {
                Part::Engine(index) => self.engine(*index, None, &mut groups),
                Part::Around(index, inner) => self.engine(*index, Some(inner), &mut groups),
                Part::Wait(seconds) => {
                    let name = self.next("wait");
                    groups.push(self.alone(&name, "wait", &[("seconds", &seconds.to_string())]));
                }
                Part::Check(check) => groups.extend(self.check(check)),
                Part::Together(branches) => {
                    let calls: Vec<Node<'a>> = branches.iter().map(|branch| self.branch(branch)).collect();
                    groups.push(self.arena.list(calls));
                }
            }
        }
        groups
    }

    /// Creates an engine, waits for its end (while `inner` runs, if there is any), and looks at its verdict.
    fn engine(&mut self, index: usize, inner: Option<&[Part<'_>]>, groups: &mut Vec<Node<'a>>) {
        let Some(engine) = self.draft.engines.get(index) else { return };
        let (number, name) = (index + 1, self.engine_name(index));
        let wait = deadline(engine).to_string();
        let arguments = [("engine", name.as_str()), ("deadline", wait.as_str())];
        let create = format!("engine-{number}");
        self.create(&create, engine, &name);
        groups.push(self.alone(&create, &create, &[]));
        match inner {
            None => groups.push(self.alone(&format!("{create}-ends"), "ended", &arguments)),
            Some(parts) => {
                groups.push(self.alone(&format!("{create}-runs"), "running", &[("engine", &name)]));
                let lasts = self.call(&format!("{create}-lasts"), "lasts", &arguments);
                let block = self.branch(parts);
                groups.push(self.arena.list([lasts, block]));
            }
        }
        let result = self.result_name(index);
        groups.push(self.alone(&format!("{create}-verdict"), "unharmed", &[("result", &result)]));
    }

    fn engine_name(&self, index: usize) -> String {
        names::step_engine(&self.fault_name(index), index + 1)
    }

    /// `<engine>-<experiment>`: what Litmus calls the result.
    fn result_name(&self, index: usize) -> String {
        let experiment = self.draft.engines.get(index).and_then(|e| self.draft.experiments.get(e.experiment));
        format!("{}-{}", self.engine_name(index), experiment.map_or("", |e| e.name.as_str()))
    }

    fn fault_name(&self, index: usize) -> String {
        let experiment = self.draft.engines.get(index).and_then(|e| self.draft.experiments.get(e.experiment));
        experiment.map_or_else(String::new, |e| e.body.fault.to_string())
    }

    fn create(&mut self, template: &str, engine: &Engine<'_>, name: &str) {
        let arena = self.arena;
        let manifest = step_engine(self.writer, arena, self.draft, engine, name);
        let resource = arena.map([
            ("action", Node::Text("create")),
            ("setOwnerReference", Node::Bool(true)),
            ("manifest", arena.text(&json::text(&manifest))),
        ]);
        self.templates.push(arena.map([("name", arena.text(template)), ("resource", resource)]));
    }

    /// A branch: parts in order; if one fails, the workflow halts.
    fn branch(&mut self, parts: &[Part<'_>]) -> Node<'a> {
        let name = self.next("branch");
        let groups = self.groups(parts);
        let work = format!("{name}-steps");
        let steps = self.steps_template(&work, groups, &[]);
        self.templates.push(steps);
        let guarded = self.halting(&work, &[]);
        let guarded = self.steps_template(&name, guarded, &[]);
        self.templates.push(guarded);
        self.call(&name, &name, &[])
    }

    /// Runs a template; if it fails, halts the workflow.
    fn halting(&self, template: &str, arguments: &[(&'static str, &str)]) -> Vec<Node<'a>> {
        let arena = self.arena;
        let go_on = arena.map([("failed", Node::Bool(true)), ("error", Node::Bool(true))]);
        let work = with(arena, self.call("work", template, arguments), "continueOn", go_on);
        let halt =
            with(arena, self.call("halt", "halt", &[]), "when", Node::Text("{{steps.work.status}} != Succeeded"));
        vec![arena.list([work]), arena.list([halt])]
    }

    fn check(&mut self, check: &CheckStep<'_>) -> Option<Node<'a>> {
        // What cannot be judged is an error of the report, and then nothing is emitted.
        let judgements = judge(self.draft.plan, check.condition, true, false).ok()?;
        let judgement = judgements.first()?;
        let name = format!("check-{}", check.name);
        let seconds = patience(check, self.draft.plan);
        let script = shell::check(check.name, check.text, judgement, seconds, check.within.is_some());
        let template = self.container(&name, &script, seconds + 120);
        self.templates.push(template);
        Some(self.alone(&name, &name, &[]))
    }

    /// A name that no other step has.
    fn next(&mut self, what: &str) -> String {
        self.steps += 1;
        format!("{what}-{}", self.steps)
    }

    fn alone(&self, name: &str, template: &str, arguments: &[(&'static str, &str)]) -> Node<'a> {
        self.arena.list([self.call(name, template, arguments)])
    }

    fn call(&self, name: &str, template: &str, arguments: &[(&'static str, &str)]) -> Node<'a> {
        let arena = self.arena;
        let parameters =
            arguments.iter().map(|(key, value)| arena.map([("name", Node::Text(key)), ("value", arena.text(value))]));
        let arguments =
            (!arguments.is_empty()).then(|| ("arguments", arena.map([("parameters", arena.list(parameters))])));
        arena.map_some([Some(("name", arena.text(name))), Some(("template", arena.text(template))), arguments])
    }

    fn inputs(&self, names: &[&'static str]) -> Option<(&'static str, Node<'a>)> {
        let arena = self.arena;
        let parameters = names.iter().map(|name| arena.map([("name", Node::Text(name))]));
        (!names.is_empty()).then(|| ("inputs", arena.map([("parameters", arena.list(parameters))])))
    }

    fn steps_template(&self, name: &str, groups: Vec<Node<'a>>, inputs: &[&'static str]) -> Node<'a> {
        let arena = self.arena;
        arena.map_some([Some(("name", arena.text(name))), self.inputs(inputs), Some(("steps", arena.list(groups)))])
    }

    /// Templates that all steps share.
    fn shared(&self) -> Vec<Node<'a>> {
        const ENGINE: &str = "{{inputs.parameters.engine}}";
        const RESULT: &str = "{{inputs.parameters.result}}";
        const UP_TO: Node<'static> = Node::Text("{{inputs.parameters.deadline}}");
        let arena = self.arena;
        let seconds = Node::Text("{{inputs.parameters.seconds}}");
        let wait = arena.map_some([
            Some(("name", Node::Text("wait"))),
            self.inputs(&["seconds"]),
            Some(("suspend", arena.map([("duration", seconds)]))),
        ]);
        let lasts = self.halting("ended", &[("engine", ENGINE), ("deadline", "{{inputs.parameters.deadline}}")]);
        let verdict = "status.experimentStatus.verdict";
        vec![
            wait,
            self.steps_template("lasts", lasts, &["engine", "deadline"]),
            self.watch(
                ("running", &["engine"], Node::Int(300)),
                ("ChaosEngine", ENGINE),
                "status.experiments.0.status in (Running, Completed)",
                "status.engineStatus in (completed, stopped)",
            ),
            self.watch(
                ("ended", &["engine", "deadline"], UP_TO),
                ("ChaosEngine", ENGINE),
                "status.engineStatus == completed",
                "status.engineStatus == stopped",
            ),
            self.watch(
                ("unharmed", &["result"], Node::Int(120)),
                ("ChaosResult", RESULT),
                &format!("{verdict} in (Pass, Fail)"),
                &format!("{verdict} in (Stopped, Error)"),
            ),
            self.watch(
                ("passed", &["result"], Node::Int(120)),
                ("ChaosResult", RESULT),
                &format!("{verdict} == Pass"),
                &format!("{verdict} in (Fail, Stopped, Error)"),
            ),
            self.container("halt", &self.halt_script(), 120),
            self.container("clean-up", &self.clean_up_script(), 900),
        ]
    }

    /// Waits until an object is as it should be; fails as soon as it never will be, or at the deadline.
    fn watch(
        &self,
        (name, inputs, deadline): (&'static str, &[&'static str], Node<'a>),
        (kind, object): (&'static str, &str),
        success: &str,
        failure: &str,
    ) -> Node<'a> {
        let arena = self.arena;
        let metadata = arena.map([("name", arena.text(object)), ("namespace", arena.text(self.writer.namespace()))]);
        let manifest = arena.map([
            ("apiVersion", Node::Text("litmuschaos.io/v1alpha1")),
            ("kind", Node::Text(kind)),
            ("metadata", metadata),
        ]);
        let resource = arena.map([
            ("action", Node::Text("get")),
            ("successCondition", arena.text(success)),
            ("failureCondition", arena.text(failure)),
            ("manifest", arena.text(&json::text(&manifest))),
        ]);
        arena.map_some([
            Some(("name", Node::Text(name))),
            self.inputs(inputs),
            Some(("activeDeadlineSeconds", deadline)),
            Some(("resource", resource)),
        ])
    }

    fn container(&self, name: &str, script: &str, seconds: u64) -> Node<'a> {
        let arena = self.arena;
        let security = arena.map([
            ("allowPrivilegeEscalation", Node::Bool(false)),
            ("capabilities", arena.map([("drop", arena.list([Node::Text("ALL")]))])),
        ]);
        let requests = arena.map([("cpu", Node::Text("50m")), ("memory", Node::Text("64Mi"))]);
        let container = arena.map([
            ("image", Node::Text(RUNNER_IMAGE)),
            ("command", arena.list([Node::Text("/bin/sh"), Node::Text("-c")])),
            ("args", arena.list([arena.text(script)])),
            ("securityContext", security),
            ("resources", arena.map([("requests", requests)])),
        ]);
        arena.map([
            ("name", arena.text(name)),
            ("activeDeadlineSeconds", Node::Int(i64::try_from(seconds).unwrap_or(i64::MAX))),
            ("container", container),
        ])
    }

    /// `Stop`, not `Terminate`: the latter leaves `onExit` out.
    fn halt_script(&self) -> String {
        format!(
            "kubectl patch workflow '{{{{workflow.name}}}}' --namespace {} --type merge --patch '{{\"spec\":{{\"shutdown\":\"Stop\"}}}}'\nexit 1\n",
            shell::word(self.writer.namespace())
        )
    }

    fn clean_up_script(&self) -> String {
        let namespace = shell::word(self.writer.namespace());
        let of_run = "perturb.dev/run={{workflow.uid}}";
        let results: Vec<String> = (0..self.draft.engines.len()).map(|index| self.result_name(index)).collect();
        format!(
            "left=0\n\
             engines=$(kubectl get chaosengines --namespace {namespace} --selector {of_run} --output name) || left=1\n\
             for engine in $engines; do\n  kubectl patch \"$engine\" --namespace {namespace} --type merge --patch \
             '{{\"spec\":{{\"engineState\":\"stop\"}}}}' || left=1\ndone\n\
             kubectl delete chaosengines --namespace {namespace} --selector {of_run} --timeout=600s || left=1\n\
             for result in {}; do\n  state=$(kubectl get chaosresult \"$result\" --namespace {namespace} --ignore-not-found --output \
             jsonpath='{{.status.history.targets[*].chaosStatus}}') || left=1\n  case \"$state\" in\n    *injected*)\n      \
             echo \"a target of $result is still marked as injected: undo it by hand\" >&2\n      left=1\n      ;;\n  esac\ndone\n\
             exit $left\n",
            results.join(" ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_run_is_no_run() {
        assert_eq!(starting_deadline("0 10 * * tue"), 600);
        assert_eq!(starting_deadline("*/5 * * * *"), 150);
        assert_eq!(starting_deadline("* * * * *"), 30);
    }
}
