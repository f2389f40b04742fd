//! A world in which every effect succeeds at once, and samples are those of a script.

use std::collections::BTreeMap;

use super::World;
use crate::engine::drive::{Confirmation, Target, UndoRecord, Was};
use crate::plan::{EngineName, Plan, Selector};
use crate::runtime::machine::{Answer, Command, Event, State};
use crate::types::{Duration, Value};

/// What a stream says at a moment; and why nothing, where it is missing.
pub type Samples<'s> = dyn FnMut(u32, Duration) -> Result<Value, String> + 's;

/// A world from a script.
pub struct Scripted<'s> {
    /// What streams say.
    pub samples: Box<Samples<'s>>,
    /// How long each answer of an effect takes.
    pub effect: Duration,
    /// How long each answer of a stream takes.
    pub answer: Duration,
    /// The chance of draws; each draw takes the next.
    pub entropy: u64,
    /// What people answer to questions.
    pub yes: bool,
    /// Faults that are never seen to be there, by their qualified names.
    pub not_there: Vec<String>,
}

impl World for Scripted<'_> {
    fn answer(&mut self, now: Duration, command: &Command, state: &State) -> Vec<(Duration, Event)> {
        let soon = now.plus(self.effect);
        match command {
            Command::Write(_) | Command::Withdraw { .. } | Command::End(_) => vec![],
            Command::Ready { engine } => vec![(soon, Event::Ready { engine: *engine, result: Ok(()) })],
            Command::Judge { rule } => {
                let result = Ok("not judged in a simulation".to_owned());
                vec![(soon, Event::Judged { rule: *rule, result })]
            }
            Command::Approve { approval } => {
                let result = Ok("nobody: a simulation".to_owned());
                vec![(soon, Event::Approved { approval: *approval, result })]
            }
            Command::Find { draw } => {
                self.entropy = self.entropy.wrapping_add(1);
                let result = Ok(candidates(&state.plan, *draw, &state.drawn()));
                vec![(soon, Event::Found { draw: *draw, result, entropy: self.entropy })]
            }
            Command::Left { draw, targets } => {
                vec![(soon, Event::Left { draw: *draw, result: Ok(targets.clone()) })]
            }
            Command::Lock { request, .. } => vec![(soon, Event::Locked { request: *request, result: Ok(()) })],
            Command::Sample { stream, asked, .. } => {
                let result = (self.samples)(*stream, *asked).map(Answer::from);
                vec![(now.plus(self.answer), Event::Sampled { stream: *stream, asked: *asked, result })]
            }
            Command::Prepare { injection, what, engine } => {
                let undo = undo_record(*engine, &what.id);
                vec![(soon, Event::Prepared { injection: *injection, result: Ok(undo) })]
            }
            Command::Keep { injection, .. } => vec![(now, Event::Kept { injection: *injection })],
            Command::Inject { injection } => {
                vec![(soon, Event::Injected { injection: *injection, result: Ok(()) })]
            }
            Command::Confirm { injection, at } => {
                let fault =
                    state.run.lives.get(*injection as usize).and_then(|l| state.plan.faults.get(l.fault as usize));
                let hidden = fault.is_some_and(|f| self.not_there.iter().any(|n| *n == f.name));
                let seen = if hidden {
                    Confirmation::NotSeen("the script says so".to_owned())
                } else {
                    Confirmation::There("simulated".to_owned())
                };
                let at = soon.max(*at);
                vec![(at, Event::Confirmed { injection: *injection, result: Ok(seen) })]
            }
            Command::Undo { injection, attempt } => {
                vec![(soon, Event::Undone { injection: *injection, attempt: *attempt, result: Ok(Was::AsLeft) })]
            }
            Command::Ask(question) => {
                let who = format!("{} (simulated)", question.who);
                vec![(soon, Event::Answered { node: question.node, yes: self.yes, who })]
            }
            Command::Prompt(question) => {
                let who = format!("{} (simulated)", question.who);
                vec![(soon, Event::Noted { node: question.node, who, words: String::new() })]
            }
        }
    }
}

fn undo_record(engine: EngineName, injection: &str) -> UndoRecord {
    UndoRecord { engine, injection: injection.into(), form: 0, data: serde_json::Value::Null }
}

/// As many candidates as the catalogue says that there are, at least as many as the draw needs.
#[must_use]
pub fn candidates(plan: &Plan, draw: u32, drawn: &BTreeMap<u32, Vec<Target>>) -> Vec<Target> {
    let Some(draw) = plan.draws.get(draw as usize) else { return vec![] };
    let named = |name: &str, n: usize| Target {
        id: format!("simulated:{name}-{n}").into(),
        service: draw.service.clone(),
        facts: BTreeMap::from([("name".into(), format!("{name}-{n}").into())]),
    };
    if let Selector::Endpoints(urls) = &draw.selector {
        let target = |url: &smol_str::SmolStr| Target {
            id: format!("endpoint:{url}").into(),
            service: draw.service.clone(),
            facts: BTreeMap::new(),
        };
        return urls.iter().map(target).collect();
    }
    let service = draw.service.as_ref().and_then(|name| plan.services.get(name));
    let replicas = service.and_then(|s| s.replicas).unwrap_or(3);
    let needed = match draw.quantity {
        crate::plan::Quantity::Exactly(n) => n,
        _ => 1,
    };
    let except: usize =
        draw.selector.pods().map_or(0, |p| p.except.iter().filter_map(|d| drawn.get(d)).map(Vec::len).sum());
    let name = draw.service.as_deref().unwrap_or("target");
    (except..except + replicas.max(needed) as usize).map(|n| named(name, n)).collect()
}
