//! The method as a Workflow whose baseline, guards and recovery are judged by the gate.
//!
//! Comes in: a plan whose faults were expressed. Goes out: the Workflow's spec, notes as annotations, and what the gate
//! must know of the steps. The shape was measured on the real controllers; the obvious one (baseline, then the method)
//! injects after a failed baseline. What each part is for:
//!
//! - `baseline` fails to `not-run`. It keeps nothing out: its failure and the next child race (G1).
//! - `armed` is the lock: first child of the method, without any end but success, also if the abort is late or undone by
//!   hand (G8). Checks of the method have the same form: a `check` that fails is ended by the gate through the guards,
//!   so that no fault follows a check that can fail.
//! - `guards` is one check for all guards (G4), always there: it is also the dead man's switch for a gate that is gone,
//!   and what ends a method whose check failed. It has no end of its own but the deadline of `run` (G2).
//! - `clear-N` waits until what step N injected is gone: a fault's node ends when the undo *begins* (T54).
//! - `recovered` waits for the last undo and the hypothesis; its abort is only a mark.
//!
//! The baseline's check has no threshold of failures, as the gate answers 503 while it watches the plan's `baseline`:
//! it fails by its duration. A gate that knows better writes the abort annotation itself.

use crate::diagnostic::{Code, Diagnostic};
use crate::manifest::Node;
use crate::plan::{Step, StepKind};
use crate::types::Duration;

use super::bounds::{NativeBounds, block_deadline, fault_deadline, native_bounds, overstay};
use super::constants::{FAILURES, INTERVAL, NEVER, RECORDS, TIMEOUT};
use super::context::Context;
use super::gate::GateStep;
use super::names;
use super::object::{self, Expressed};
use super::spelling::time;

/// A Workflow's spec, and what else came of the method.
pub(super) struct Built<'a> {
    /// `{ entry, templates }`.
    pub(super) spec: Node<'a>,
    /// Notes of the method, as annotations.
    pub(super) notes: Vec<(&'a str, Node<'a>)>,
    /// What the gate must know of each fault's step.
    pub(super) steps: Vec<GateStep>,
}

/// Builds the spec. `faults` holds each fault of the plan that was expressed; `base` is where the gate answers.
pub(super) fn build<'a>(cx: &mut Context<'a>, faults: &[Option<Expressed<'a>>], base: &'a str) -> Built<'a> {
    let plan = cx.plan;
    let bounds = native_bounds(plan);
    let mut builder = Builder {
        cx,
        faults,
        base,
        templates: Vec::with_capacity(16),
        number: 0,
        notes: Vec::new(),
        steps: Vec::new(),
    };
    builder.frame(&bounds);
    let method = builder.reserve();
    builder.lock();
    let mut children = vec![Node::Text("armed")];
    children.extend(builder.serial(&plan.method, false));
    builder.container(method, "method", "Serial", children);
    builder.last(&bounds);
    let arena = builder.cx.arena;
    let spec = arena.map([("entry", Node::Text("entry")), ("templates", arena.list(builder.templates))]);
    Built { spec, notes: builder.notes, steps: builder.steps }
}

/// How a StatusCheck of ours ends.
#[derive(Debug, Clone, Copy)]
struct Ends {
    mode: &'static str,
    failures: i64,
    duration: Option<Duration>,
    aborts: bool,
}

/// The form that only a success ends.
const LOCK: Ends = Ends { mode: "Synchronous", failures: NEVER, duration: None, aborts: false };

struct Builder<'a, 'c> {
    cx: &'c mut Context<'a>,
    faults: &'c [Option<Expressed<'a>>],
    base: &'a str,
    templates: Vec<Node<'a>>,
    number: u32,
    notes: Vec<(&'a str, Node<'a>)>,
    steps: Vec<GateStep>,
}

impl<'a> Builder<'a, '_> {
    /// `entry`, `baseline`, `run`, `guards`.
    fn frame(&mut self, bounds: &NativeBounds) {
        let arena = self.cx.arena;
        let children = |names: &[&'static str]| arena.list(names.iter().map(|n| Node::Text(n)));
        self.templates.push(arena.map([
            ("name", Node::Text("entry")),
            ("templateType", Node::Text("Serial")),
            ("deadline", time(arena, bounds.total)),
            ("children", children(&["baseline", "run", "recovered"])),
        ]));
        let baseline = Ends { duration: Some(bounds.baseline), aborts: true, ..LOCK };
        self.check("baseline", format_args!("baseline"), baseline);
        self.templates.push(arena.map([
            ("name", Node::Text("run")),
            ("templateType", Node::Text("Parallel")),
            ("deadline", time(arena, bounds.run)),
            ("children", children(&["guards", "method"])),
        ]));
        let guards = Ends { mode: "Continuous", failures: FAILURES, duration: None, aborts: true };
        self.check("guards", format_args!("guards"), guards);
    }

    /// `armed`.
    fn lock(&mut self) {
        self.check("armed", format_args!("armed"), LOCK);
    }

    /// `recovered`.
    fn last(&mut self, bounds: &NativeBounds) {
        self.check(
            "recovered",
            format_args!("recovered"),
            Ends { duration: Some(bounds.recovered), aborts: true, ..LOCK },
        );
    }

    /// A StatusCheck in full: every default written out.
    fn check(&mut self, name: &'a str, path: std::fmt::Arguments<'_>, ends: Ends) {
        let arena = self.cx.arena;
        let http = arena.map([
            ("url", arena.format(format_args!("{}/{path}", self.base))),
            ("method", Node::Text("GET")),
            // Never 200: a login page or a mesh's error page must not pass (G7).
            ("criteria", arena.map([("statusCode", Node::Text("204"))])),
        ]);
        let check = arena.map_some([
            Some(("mode", Node::Text(ends.mode))),
            Some(("type", Node::Text("HTTP"))),
            ends.duration.map(|d| ("duration", time(arena, d))),
            Some(("intervalSeconds", Node::Int(INTERVAL))),
            Some(("timeoutSeconds", Node::Int(TIMEOUT))),
            Some(("failureThreshold", Node::Int(ends.failures))),
            Some(("successThreshold", Node::Int(1))),
            Some(("recordsHistoryLimit", Node::Int(RECORDS))),
            Some(("http", http)),
        ]);
        self.templates.push(arena.map_some([
            Some(("name", Node::Text(name))),
            Some(("templateType", Node::Text("StatusCheck"))),
            ends.aborts.then_some(("abortWithStatusCheck", Node::Bool(true))),
            Some(("statusCheck", check)),
        ]));
    }

    /// A place in the list for a template that is built after its children.
    fn reserve(&mut self) -> usize {
        self.templates.push(Node::Bool(false));
        self.templates.len() - 1
    }

    /// A Serial or Parallel at a reserved place. An explicit empty list of children would be stored (T2).
    fn container(&mut self, place: usize, name: &'a str, kind: &'static str, children: Vec<Node<'a>>) {
        let arena = self.cx.arena;
        let node = arena.map_some([
            Some(("name", Node::Text(name))),
            Some(("templateType", Node::Text(kind))),
            (!children.is_empty()).then(|| ("children", arena.list(children))),
        ]);
        // The place was reserved above, so it is there.
        if let Some(slot) = self.templates.get_mut(place) {
            *slot = node;
        }
    }

    /// Steps one after the other: the names of their templates. `followed`: whether something comes after them.
    fn serial(&mut self, steps: &'a [Step], followed: bool) -> Vec<Node<'a>> {
        let mut names = Vec::with_capacity(steps.len() * 2);
        for (i, step) in steps.iter().enumerate() {
            let rest = steps.get(i + 1..).unwrap_or_default();
            let more = followed || rest.iter().any(|s| !matches!(s.kind, StepKind::Note { .. }));
            self.step(step, more, &mut names);
        }
        names
    }

    /// One step: the names of the templates that stand for it, in order.
    fn step(&mut self, step: &'a Step, followed: bool, names: &mut Vec<Node<'a>>) {
        let arena = self.cx.arena;
        self.number += 1;
        let number = self.number;
        match &step.kind {
            StepKind::Inject { fault, lasts } => {
                if lasts.is_none() && followed {
                    self.instant_takes_time(*fault);
                }
                if let Some(name) = self.inject(number, *fault, *lasts, fault_deadline(*lasts), lasts.is_some()) {
                    names.push(Node::Text(name));
                }
                if lasts.is_some() {
                    names.push(self.clear(number));
                }
            }
            StepKind::With { fault, steps } => self.with(step, number, *fault, steps, names),
            StepKind::Wait(length) => {
                if !length.as_nanos().is_multiple_of(1_000_000_000) {
                    let text = format!("this wait lasts {length}; Chaos Mesh takes whole seconds and rounds up");
                    self.cx.approximate("time", step.span, text);
                }
                let name = names::step(arena, number, "wait");
                self.templates.push(arena.map([
                    ("name", Node::Text(name)),
                    ("templateType", Node::Text("Suspend")),
                    (
                        "deadline",
                        time(arena, Duration::from_secs(u32::try_from(length.as_secs_ceil()).unwrap_or(u32::MAX))),
                    ),
                ]));
                names.push(Node::Text(name));
            }
            StepKind::Check { name: check, .. } => {
                let name = names::named_step(arena, number, "check-", check);
                self.check(name, format_args!("check/{check}"), LOCK);
                names.push(Node::Text(name));
            }
            StepKind::Parallel(branches) => self.parallel(number, branches, followed, names),
            StepKind::Sequence(steps) => self.group(names::step(arena, number, "sequence"), steps, followed, names),
            StepKind::Round { number: round, steps, .. } => {
                let name = names::text(arena, format_args!("step-{number}-round-{round}"));
                self.group(name, steps, followed, names);
            }
            StepKind::Ask { who, .. } => self.people(step, &format!("`ask {who}`"), "nobody can answer it there"),
            StepKind::Note { who: Some(who), .. } => {
                self.people(step, &format!("`note {who}`"), "nobody can write their words there");
            }
            StepKind::Note { who: None, text, .. } => {
                self.notes.push((names::text(arena, format_args!("perturb.dev/note-{number}")), Node::Text(text)));
            }
        }
    }

    /// A fault's node. Its name, or nothing if the fault could not be expressed (which was reported).
    fn inject(
        &mut self,
        number: u32,
        fault: u32,
        lasts: Option<Duration>,
        deadline: Duration,
        undone: bool,
    ) -> Option<&'a str> {
        let arena = self.cx.arena;
        let of = self.faults.get(fault as usize).copied().flatten()?;
        if lasts.is_some_and(|d| !d.as_nanos().is_multiple_of(1_000_000_000)) {
            let text = format!(
                "`{}` lasts a fraction of a second; Chaos Mesh takes whole seconds and rounds up",
                of.fault.name
            );
            self.cx.approximate("time", of.fault.span, text);
        }
        let name = names::step(arena, number, &of.fault.name);
        let spec = object::spec(self.cx, of, name, None);
        self.templates.push(arena.map([
            ("name", Node::Text(name)),
            ("templateType", Node::Text(of.kind.name)),
            ("deadline", time(arena, deadline)),
            (of.kind.embed, spec),
        ]));
        self.steps.push(GateStep {
            number,
            template: name.to_owned(),
            kind: of.kind.name.to_owned(),
            resource: of.kind.resource.to_owned(),
            fault,
            undone,
        });
        Some(name)
    }

    /// `clear-N`.
    fn clear(&mut self, number: u32) -> Node<'a> {
        let name = names::clear(self.cx.arena, number);
        self.check(name, format_args!("clear/{number}"), LOCK);
        Node::Text(name)
    }

    /// `with`: the fault beside its block, for as long as the block can take.
    fn with(&mut self, step: &Step, number: u32, fault: u32, steps: &'a [Step], names: &mut Vec<Node<'a>>) {
        let (arena, plan) = (self.cx.arena, self.cx.plan);
        let overstay = overstay(plan, steps);
        if !overstay.is_zero() {
            let name = self.cx.fault(fault).map_or("the fault", |f| f.name.as_str());
            let text = format!(
                "`with {name}` ends with its block; Chaos Mesh can only end it at a fixed time, so it may go on for up to \
                 {overstay} after a block that is through early"
            );
            self.cx.approximate("time", step.span, text);
        }
        let outer = names::step(arena, number, "with");
        let place = self.reserve();
        let mut children = Vec::with_capacity(2);
        if let Some(name) = self.inject(number, fault, None, block_deadline(plan, steps), true) {
            children.push(Node::Text(name));
        }
        self.group(names::step(arena, number, "block"), steps, true, &mut children);
        self.container(place, outer, "Parallel", children);
        names.push(Node::Text(outer));
        names.push(self.clear(number));
    }

    /// Steps as one node.
    fn group(&mut self, name: &'a str, steps: &'a [Step], followed: bool, names: &mut Vec<Node<'a>>) {
        let place = self.reserve();
        let children = self.serial(steps, followed);
        self.container(place, name, "Serial", children);
        names.push(Node::Text(name));
    }

    /// Branches that begin together. A branch of several nodes becomes a Serial.
    fn parallel(&mut self, number: u32, branches: &'a [Step], followed: bool, names: &mut Vec<Node<'a>>) {
        let arena = self.cx.arena;
        let place = self.reserve();
        let mut children = Vec::with_capacity(branches.len());
        for branch in branches {
            let inner = self.reserve();
            let name = names::step(arena, self.number + 1, "branch");
            let mut nodes = Vec::with_capacity(2);
            self.step(branch, followed, &mut nodes);
            if let [only] = nodes.as_slice() {
                children.push(*only);
                self.templates.remove(inner);
            } else if nodes.is_empty() {
                self.templates.remove(inner);
            } else {
                self.container(inner, name, "Serial", nodes);
                children.push(Node::Text(name));
            }
        }
        let name = names::step(arena, number, "parallel");
        self.container(place, name, "Parallel", children);
        names.push(Node::Text(name));
    }

    /// An instant fault's node lives for a fixed time.
    fn instant_takes_time(&mut self, fault: u32) {
        let Some(fault) = self.cx.fault(fault) else { return };
        let text = format!(
            "`{}` ends when it is confirmed; its node in Chaos Mesh lasts {}, and the next step begins only then (the time \
             of a `check` counts from the confirmation)",
            fault.name,
            fault_deadline(None),
        );
        self.cx.approximate("time", fault.span, text);
    }

    /// A step that needs people.
    fn people(&mut self, step: &Step, construct: &str, reason: &str) {
        let message = format!("a Workflow of Chaos Mesh cannot express {construct}");
        let diagnostic = Diagnostic::new(Code::STEP_NOT_IN_CHAOS_MESH, step.span, message)
            .why(reason)
            .help("leave the step out: `perturb run` asks people and waits for them, but at clusters whose engines are `local` and `toxiproxy`");
        self.cx.refuse(diagnostic);
    }
}
