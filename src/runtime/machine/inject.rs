//! Injections: drawn, locked, prepared, kept on disk, injected, confirmed, undone. In this order and no other.

use super::draw::draw;
use super::event::{Command, Failed};
use super::preflight::{target_lock, too_few};
use super::state::{Life, NodeKind, Stage, State};
use super::{EndedBy, Record, Subject, Verdict};
use crate::analysis::timeline::{CONFIRM_BOUND, UNDO_BOUND};
use crate::engine::drive::{Confirmation, Injection, Target, UndoRecord, Was};
use crate::plan::{At, Body, Effect, Fault, PodSelector, Selector};
use crate::types::{Duration, Value};

/// A fault that is not seen yet is looked for again after this time.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// An attempt to undo that has not answered by then is dropped and made again.
const ATTEMPT: Duration = Duration::from_secs(10);
/// A failed attempt is followed by the next after this time, doubled each time.
const FIRST_RETRY: Duration = Duration::from_millis(250);
/// But not more than this.
const LONGEST_RETRY: Duration = Duration::from_secs(4);

/// The draws of a fault: its target, then what its other arguments name.
pub(super) fn draws_of(fault: &Fault) -> Vec<u32> {
    fn of(value: &Value, found: &mut Vec<u32>) {
        match value {
            Value::Draw(draw) if !found.contains(draw) => found.push(*draw),
            Value::List(items) => items.iter().for_each(|item| of(item, found)),
            Value::Record(entries) => entries.iter().for_each(|entry| of(&entry.value, found)),
            _ => {}
        }
    }
    let mut found = vec![fault.target];
    fault.arguments.iter().for_each(|argument| of(&argument.value, &mut found));
    found
}

/// The draws that must be made before a selector has candidates.
pub(super) fn depends(selector: &Selector) -> Vec<u32> {
    fn at(place: Option<&At>) -> Option<u32> {
        match place {
            Some(At::Drawn(draw)) => Some(*draw),
            _ => None,
        }
    }
    fn of_pods(pods: &PodSelector) -> Vec<u32> {
        let among = pods.nodes.as_ref().and_then(|nodes| at(nodes.zone.as_ref()));
        let places = [at(pods.node.as_ref()), at(pods.zone.as_ref()), among];
        places.into_iter().flatten().chain(pods.except.iter().copied()).collect()
    }
    match selector {
        Selector::Pods(pods) | Selector::Zones(pods) | Selector::Workloads(pods) => of_pods(pods),
        Selector::Nodes(nodes) => {
            let mut found: Vec<u32> = at(nodes.zone.as_ref()).into_iter().collect();
            found.extend(nodes.holding.iter().flat_map(of_pods));
            found
        }
        _ => Vec::new(),
    }
}

impl State {
    pub(super) fn begin_life(&mut self, node: u32, fault_index: u32, at_most: Duration) {
        let plan = self.plan.clone();
        let engine = self.run.engines.get(fault_index as usize).cloned();
        let (Some(fault), Some(Ok(engine))) = (plan.faults.get(fault_index as usize), engine) else {
            // Preflight refused it; a plan that was written by hand may point nowhere.
            self.reason(Verdict::NotRun, Subject::Run, "a step names a fault that nothing can inject");
            return self.end_method(EndedBy::Fault("?".to_owned()), "a fault that nothing can inject");
        };
        let body = match fault.bodies.get(&engine) {
            Some(Body::Expressed(entries)) => entries.clone(),
            _ => Vec::new(),
        };
        let index = self.run.lives.len();
        self.run.lives.push(Life {
            node,
            fault: fault_index,
            stage: Stage::Drawing,
            engine,
            what: Injection {
                id: format!("{}/{}", self.run.id, index + 1).into(),
                fault: fault.name.clone(),
                mechanism: fault.mechanism.clone(),
                effect: fault.effect,
                body,
                targets: Vec::new(),
                at_most,
            },
            order: 0,
            refreshed: false,
            deadline: self.run.now.plus(CONFIRM_BOUND),
            since: None,
            hindered: None,
        });
        self.draw_for(index);
    }

    /// Goes on with an injection that waits for draws.
    fn draw_for(&mut self, index: usize) {
        let plan = self.plan.clone();
        let Some(life) = self.run.lives.get(index).filter(|life| life.stage == Stage::Drawing) else { return };
        let (refreshed, Some(fault)) = (life.refreshed, plan.faults.get(life.fault as usize)) else { return };
        for wanted in draws_of(fault) {
            match self.make(wanted, 0) {
                Ok(true) => {}
                Ok(false) => return,
                Err(reason) => return self.fail(index, &reason),
            }
        }
        let Some(state) = self.run.draws.get_mut(fault.target as usize) else { return };
        let targets = state.targets.clone().unwrap_or_default();
        if state.uses > 0 && !refreshed {
            // What was hit before may be gone by now.
            if !state.looking {
                state.looking = true;
                self.out.push(Command::Left { draw: fault.target, targets });
            }
            return;
        }
        state.uses += 1;
        let mut keys: Vec<_> = targets.iter().map(target_lock).collect();
        keys.push(self.mechanism_lock(&fault.mechanism));
        keys.retain(|key| !self.run.locks.contains(key));
        let Some(life) = self.run.lives.get_mut(index) else { return };
        life.what.targets = targets;
        if keys.is_empty() {
            return self.prepare(index);
        }
        let request = self.next_lock();
        if let Some(life) = self.run.lives.get_mut(index) {
            life.stage = Stage::Locking(request);
        }
        self.out.push(Command::Lock { request, keys });
    }

    /// Whether a draw is made; begins it otherwise, after those that it depends on.
    fn make(&mut self, index: u32, depth: u32) -> Result<bool, String> {
        let plan = self.plan.clone();
        let (Some(draw), Some(state)) = (plan.draws.get(index as usize), self.run.draws.get(index as usize)) else {
            return Err("a step names a draw that is not in the plan".to_owned());
        };
        if let Some(reason) = &state.failed {
            return Err(reason.clone());
        }
        if state.targets.is_some() {
            return Ok(true);
        }
        if state.finding {
            return Ok(false);
        }
        if depth > 64 {
            return Err("draws depend on each other in a ring".to_owned());
        }
        for before in depends(&draw.selector) {
            if !self.make(before, depth + 1)? {
                return Ok(false);
            }
        }
        if let Some(state) = self.run.draws.get_mut(index as usize) {
            state.finding = true;
        }
        self.out.push(Command::Find { draw: index });
        Ok(false)
    }

    pub(super) fn found(&mut self, index: u32, result: Result<Vec<Target>, String>, entropy: u64) {
        let Err(result) = self.found_before(index, result) else { return };
        let plan = self.plan.clone();
        let (Some(drawn), Some(state)) = (plan.draws.get(index as usize), self.run.draws.get_mut(index as usize))
        else {
            return;
        };
        if !state.finding {
            return;
        }
        state.finding = false;
        match result {
            Err(reason) => state.failed = Some(format!("{}: {reason}", drawn.text)),
            Ok(mut candidates) => {
                candidates.sort_by(|a, b| a.id.cmp(&b.id));
                candidates.dedup_by(|a, b| a.id == b.id);
                match draw(drawn.quantity, &candidates, entropy) {
                    None => {
                        let reason = too_few(drawn.quantity, candidates.len());
                        state.failed = Some(format!("{}: {reason}", drawn.text));
                    }
                    Some(targets) => {
                        state.targets = Some(targets.clone());
                        let candidates = candidates.into_iter().map(|c| c.id).collect();
                        self.write(Record::Draw {
                            draw: index,
                            text: drawn.text.clone(),
                            entropy,
                            candidates,
                            targets,
                        });
                    }
                }
            }
        }
        (0..self.run.lives.len()).for_each(|life| self.draw_for(life));
    }

    pub(super) fn looked(&mut self, index: u32, result: Result<Vec<Target>, String>) {
        let plan = self.plan.clone();
        let (Some(drawn), Some(state)) = (plan.draws.get(index as usize), self.run.draws.get_mut(index as usize))
        else {
            return;
        };
        if !std::mem::take(&mut state.looking) {
            return;
        }
        match result {
            Err(reason) => state.failed = Some(format!("{}: {reason}", drawn.text)),
            Ok(left) => {
                let was = state.targets.take().unwrap_or_default();
                let left: Vec<Target> = was.into_iter().filter(|t| left.iter().any(|l| l.id == t.id)).collect();
                if left.is_empty() {
                    state.failed = Some(format!("{}: nothing of what was drawn is left", drawn.text));
                } else {
                    state.targets = Some(left);
                }
            }
        }
        for life in 0..self.run.lives.len() {
            let is_its = |l: &Life| plan.faults.get(l.fault as usize).is_some_and(|f| f.target == index);
            if let Some(life) = self.run.lives.get_mut(life).filter(|l| l.stage == Stage::Drawing && is_its(l)) {
                life.refreshed = true;
            }
            self.draw_for(life);
        }
    }

    pub(super) fn locked(&mut self, request: u32, result: Result<(), String>) {
        if self.locked_before(request, &result) {
            return;
        }
        let Some(index) = self.run.lives.iter().position(|l| l.stage == Stage::Locking(request)) else { return };
        match result {
            Ok(()) => {
                let targets = self.run.lives.get(index).map(|l| l.what.targets.clone()).unwrap_or_default();
                self.run.locks.extend(targets.iter().map(target_lock));
                self.prepare(index);
            }
            Err(reason) => self.fail(index, &reason),
        }
    }

    fn prepare(&mut self, index: usize) {
        let Some(life) = self.run.lives.get_mut(index) else { return };
        life.stage = Stage::Preparing;
        let (what, engine) = (life.what.clone(), life.engine);
        self.out.push(Command::Prepare { injection: number(index), what, engine });
    }

    pub(super) fn prepared(&mut self, injection: u32, result: Result<UndoRecord, Failed>) {
        let plan = self.plan.clone();
        let index = injection as usize;
        let Some(life) = self.run.lives.get_mut(index).filter(|l| l.stage == Stage::Preparing) else { return };
        let undo = match result {
            Ok(undo) => undo,
            Err(failed) => return self.fail(index, &failed.reason),
        };
        life.stage = Stage::Keeping;
        self.run.kept += 1;
        life.order = self.run.kept;
        let record = Record::Intent {
            injection,
            fault: life.what.fault.clone(),
            effect: life.what.effect,
            irreversible: plan.faults.get(life.fault as usize).and_then(|f| f.irreversible.clone()),
            targets: life.what.targets.iter().map(|t| t.id.clone()).collect(),
            at_most: life.what.at_most,
            undo,
        };
        self.out.push(Command::Keep { injection, record });
    }

    pub(super) fn kept(&mut self, injection: u32) {
        let Some(life) = self.run.lives.get_mut(injection as usize).filter(|l| l.stage == Stage::Keeping) else {
            return;
        };
        life.stage = Stage::Injecting;
        self.run.injected += 1;
        self.faults_begin();
        self.out.push(Command::Inject { injection });
    }

    pub(super) fn injected(&mut self, injection: u32, result: Result<(), Failed>) {
        let index = injection as usize;
        let Some(life) = self.run.lives.get_mut(index).filter(|l| l.stage == Stage::Injecting) else { return };
        match result {
            Ok(()) => {
                life.stage = Stage::Confirming { looks: 1 };
                self.write(Record::Injected { injection });
                self.out.push(Command::Confirm { injection, at: self.run.now });
            }
            Err(failed) => self.fail(index, &failed.reason),
        }
    }

    pub(super) fn confirmed(&mut self, injection: u32, result: Result<Confirmation, Failed>) {
        let index = injection as usize;
        let now = self.run.now;
        let Some(life) = self.run.lives.get_mut(index) else { return };
        let Stage::Confirming { looks } = &mut life.stage else { return };
        let seen = match result {
            Ok(Confirmation::There(seen)) => seen,
            Err(Failed { is_final: true, reason }) => return self.fail(index, &reason),
            Ok(Confirmation::NotSeen(_)) | Err(_) => {
                *looks += 1;
                return self.out.push(Command::Confirm { injection, at: now.plus(LOOK_AGAIN) });
            }
        };
        life.since = Some(now);
        let (node, is_instant) = (life.node, life.what.effect == Effect::Instant);
        life.stage = if is_instant { Stage::Gone } else { Stage::There };
        self.write(Record::There { injection, seen });
        if is_instant {
            self.write(Record::Undone { injection, early: None });
        }
        match self.run.nodes.get(node as usize).map(|n| n.kind.clone()) {
            _ if self.run.follows => self.is_there(node, is_instant),
            Some(NodeKind::Fault { block: true, .. }) => self.next_child(node),
            Some(NodeKind::Fault { lasts: Some(lasts), .. }) if !is_instant => self.until(node, now.plus(lasts)),
            _ if is_instant => self.finish(node),
            // A lasting fault without a length: the compiler refuses it, and nothing may stay for ever.
            _ => self.fault_ends(node),
        }
    }

    /// The time of a fault is over, or the block in it.
    pub(super) fn fault_ends(&mut self, node: u32) {
        match self.run.lives.iter().position(|l| l.node == node && l.stage == Stage::There) {
            Some(index) => self.undo(index),
            None => self.finish(node),
        }
    }

    pub(super) fn block_ends(&mut self, node: u32) {
        self.fault_ends(node);
    }

    /// It is gone, and nobody undid it: from now on the samples show a system without the fault, which proves nothing.
    pub(super) fn vanished(&mut self, injection: u32, reason: &str) {
        let index = injection as usize;
        if self.run.ended_by.is_none() && self.run.lives.get(index).is_some_and(|life| life.stage == Stage::There) {
            self.fail(index, reason);
        }
    }

    /// It cannot be injected or seen. What may be there is undone, and the method ends.
    pub(super) fn fail(&mut self, index: usize, reason: &str) {
        let verdict = if self.is_untouched() { Verdict::NotRun } else { Verdict::Inconclusive };
        let Some(life) = self.run.lives.get_mut(index) else { return };
        let (id, fault) = (life.id().clone(), life.what.fault.to_string());
        if !life.is_open() {
            life.stage = Stage::Never;
        }
        self.write(Record::NotThere { injection: number(index), reason: reason.to_owned() });
        self.reason(verdict, Subject::Injection(id), format!("{fault}: {reason}"));
        self.end_method(EndedBy::Fault(fault.clone()), &format!("{fault} is not there"));
    }

    /// What has not come to disk never comes to an injection.
    pub(super) fn stop_lives(&mut self) {
        for life in &mut self.run.lives {
            if matches!(life.stage, Stage::Drawing | Stage::Locking(_) | Stage::Preparing) {
                life.stage = Stage::Never;
            }
        }
    }

    pub(super) fn undo(&mut self, index: usize) {
        let now = self.run.now;
        let Some(life) = self.run.lives.get_mut(index) else { return };
        life.deadline = now.plus(UNDO_BOUND);
        self.attempt(index, 1);
    }

    fn attempt(&mut self, index: usize, attempt: u32) {
        let attempt_until = self.run.now.plus(ATTEMPT);
        let Some(life) = self.run.lives.get_mut(index) else { return };
        life.stage = Stage::Undoing { attempt, attempt_until, retry_at: None };
        let injection = number(index);
        self.write(Record::Undoing { injection, attempt });
        self.out.push(Command::Undo { injection, attempt });
    }

    /// After the method's end: what is there is undone, the last first, one after the other.
    pub(super) fn undo_next(&mut self) {
        let is_undoing = |life: &Life| matches!(life.stage, Stage::Undoing { .. });
        if self.run.ended_by.is_none() || self.run.lives.iter().any(is_undoing) {
            return;
        }
        let open = self.run.lives.iter().enumerate().filter(|(_, life)| life.is_open());
        if let Some((index, _)) = open.max_by_key(|(_, life)| life.order) {
            self.undo(index);
        }
    }

    pub(super) fn undone(&mut self, injection: u32, attempt: u32, result: Result<Was, Failed>) {
        let index = injection as usize;
        let now = self.run.now;
        let plan = self.plan.clone();
        let Some(life) = self.run.lives.get_mut(index) else { return };
        let irreversible = plan.faults.get(life.fault as usize).and_then(|f| f.irreversible.clone());
        match (&mut life.stage, result) {
            // Seen to be gone, whichever attempt it was, and even if it was given up.
            (Stage::Undoing { .. } | Stage::Left, Ok(was)) => {
                // What a second attempt does not find, the first one may have taken away.
                let early = match was {
                    Was::GoneBefore(why) if attempt == 1 && life.since.is_some() => Some(why),
                    _ => None,
                };
                self.gone(index, early);
            }
            (Stage::Undoing { attempt: current, retry_at, .. }, Err(failed))
                if *current == attempt && retry_at.is_none() =>
            {
                let pause = FIRST_RETRY.times(1 << attempt.saturating_sub(1).min(8)).min(LONGEST_RETRY);
                *retry_at = Some(now.plus(pause));
                let reason = failed.reason.clone();
                life.hindered = Some(reason.clone());
                self.write(Record::UndoFailed { injection, attempt, reason: reason.clone() });
                match (failed.is_final, irreversible) {
                    (true, Some(why)) => {
                        self.write(Record::MayBeLeft { injection, reason: format!("it cannot be undone: {why}") });
                        self.gone_quietly(index);
                    }
                    (true, None) => self.give_up(index, &reason),
                    (false, _) => {}
                }
            }
            _ => {}
        }
    }

    /// It is seen to be gone. One that was over before its time was not what the plan says: nothing is confirmed by that.
    fn gone(&mut self, index: usize, early: Option<String>) {
        self.write(Record::Undone { injection: number(index), early: early.clone() });
        self.gone_quietly(index);
        let (Some(why), Some(life)) = (early, self.run.lives.get(index)) else { return };
        let (id, fault) = (life.id().clone(), life.what.fault.to_string());
        let text = format!("{fault} was gone before its undo: {why}");
        self.reason(Verdict::Inconclusive, Subject::Injection(id), text.clone());
        self.end_method(EndedBy::Fault(fault), &text);
    }

    fn gone_quietly(&mut self, index: usize) {
        let Some(life) = self.run.lives.get_mut(index) else { return };
        life.stage = Stage::Gone;
        let node = life.node;
        self.finish(node);
    }

    fn give_up(&mut self, index: usize, reason: &str) {
        let Some(life) = self.run.lives.get_mut(index) else { return };
        life.stage = Stage::Left;
        life.hindered.get_or_insert_with(|| reason.to_owned());
        let fault = life.what.fault.to_string();
        self.write(Record::MayBeLeft { injection: number(index), reason: reason.to_owned() });
        self.end_method(EndedBy::Fault(fault.clone()), &format!("{fault} may be left"));
    }

    pub(super) fn is_something_left(&self) -> bool {
        self.run.lives.iter().any(|life| life.stage == Stage::Left)
    }

    /// Deadlines of injections.
    pub(super) fn life_time(&mut self) {
        let now = self.run.now;
        for index in 0..self.run.lives.len() {
            let Some(life) = self.run.lives.get(index) else { continue };
            match life.stage.clone() {
                Stage::There | Stage::Gone | Stage::Never | Stage::Left => {}
                Stage::Undoing { .. } if life.deadline <= now => {
                    let why = life.hindered.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
                    self.give_up(index, &format!("the undo was not confirmed within {UNDO_BOUND}{why}"));
                }
                Stage::Undoing { attempt, attempt_until, retry_at } if retry_at.unwrap_or(attempt_until) <= now => {
                    self.attempt(index, attempt + 1);
                }
                Stage::Undoing { .. } => {}
                _ if life.deadline <= now && self.run.ended_by.is_none() => {
                    self.fail(index, &format!("it was not seen to be there within {CONFIRM_BOUND}"));
                }
                _ => {}
            }
        }
    }

    /// Waits are cut short; no undo is skipped.
    pub(super) fn hurry(&mut self) {
        let now = self.run.now;
        self.run.leave = true;
        for life in &mut self.run.lives {
            if let Stage::Undoing { retry_at: Some(at), .. } = &mut life.stage {
                *at = now.min(*at);
            }
        }
        if self.run.ended_by.is_none() {
            self.reason(Verdict::Aborted, Subject::Run, "ended by the operator");
            self.end_method(EndedBy::Operator("the operator".to_owned()), "ended by the operator");
        }
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
