//! Targets get their place in the plan: each distinct target is one draw.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::evaluate::{Target, Val};
use crate::check::{Program, evaluate};
use crate::plan::{At, Draw, NodeSelector, PodSelector, ProcessSelector, Selector};
use crate::types::{Entry, Value};

/// The draws of a plan, in the order of their first use.
#[derive(Debug, Default)]
pub struct Draws {
    /// What the plan will hold.
    pub draws: Vec<Draw>,
    index: BTreeMap<u32, u32>,
}

impl Draws {
    /// The index of a target's draw, which is new or one that a step named already.
    pub fn of(&mut self, target: &Arc<Target>) -> u32 {
        if let Some(index) = self.index.get(&target.id) {
            return *index;
        }
        // What a selector speaks of is drawn before it.
        for used in &target.of.uses {
            self.of(used);
        }
        let index = self.draws.len() as u32;
        self.index.insert(target.id, index);
        self.draws.push(Draw {
            name: target.name.clone(),
            quantity: target.quantity,
            selector: self.selector(&target.of.selector),
            service: target.of.service.clone(),
            text: target.text.clone(),
            span: target.span,
        });
        index
    }

    fn at(&self, at: &Option<At>) -> Option<At> {
        at.as_ref().map(|at| match at {
            At::Drawn(id) => At::Drawn(self.index.get(id).copied().unwrap_or(u32::MAX)),
            named => named.clone(),
        })
    }

    fn pods(&self, pods: &PodSelector) -> PodSelector {
        PodSelector {
            node: self.at(&pods.node),
            nodes: pods.nodes.as_ref().map(|nodes| Box::new(self.nodes(nodes))),
            zone: self.at(&pods.zone),
            except: self.drawn_before(&pods.except),
            ..pods.clone()
        }
    }

    fn nodes(&self, nodes: &NodeSelector) -> NodeSelector {
        NodeSelector {
            zone: self.at(&nodes.zone),
            holding: nodes.holding.as_ref().map(|p| self.pods(p)),
            ..nodes.clone()
        }
    }

    fn drawn_before(&self, targets: &[u32]) -> Vec<u32> {
        targets.iter().filter_map(|id| self.index.get(id).copied()).collect()
    }

    fn selector(&self, selector: &Selector) -> Selector {
        match selector {
            Selector::Pods(pods) => Selector::Pods(self.pods(pods)),
            Selector::Zones(pods) => Selector::Zones(self.pods(pods)),
            Selector::Workloads(pods) => Selector::Workloads(self.pods(pods)),
            Selector::Nodes(nodes) => Selector::Nodes(self.nodes(nodes)),
            Selector::Processes(processes) => Selector::Processes(ProcessSelector {
                except: self.drawn_before(&processes.except),
                ..processes.clone()
            }),
            other => other.clone(),
        }
    }

    /// A value as plain data; `None` while something in it is unknown, or is nothing that a plan can hold.
    pub fn value(&mut self, program: &Program, value: &Val) -> Option<Value> {
        Some(match value {
            Val::Plain(plain) => plain.clone(),
            Val::List(items) | Val::Range(items) => {
                Value::List(items.iter().map(|item| self.value(program, item)).collect::<Option<_>>()?)
            }
            Val::Record(entries) => Value::Record(
                entries
                    .iter()
                    .map(|(key, value, _)| Some(Entry { key: key.clone(), value: self.value(program, value)? }))
                    .collect::<Option<_>>()?,
            ),
            Val::Decl(id) => Value::Declared(program.item(*id).name.text.clone()),
            Val::Target(target) => Value::Draw(self.of(target)),
            Val::Selector(candidates) => match &candidates.selector {
                Selector::Endpoints(urls) => Value::List(urls.iter().cloned().map(Value::Url).collect()),
                _ => return None,
            },
            Val::Unknown(_) | Val::Sampled(..) | Val::Condition(_) | Val::Module(_) | Val::Facts(_) => return None,
        })
    }
}

/// The title of a round of `for each`: `share = 5%`.
pub fn round_title(ev: &evaluate::Evaluator<'_>, name: &str, value: &Val) -> String {
    format!("{name} = {}", ev.val_text(value))
}
