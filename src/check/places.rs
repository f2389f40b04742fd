//! Environments and clusters: where things run.

use smol_str::SmolStr;

use super::Program;
use super::declared::{field, fields_of};
use super::evaluate::{Evaluator, Val, text_of};
use super::program::{Field, ItemKind, RecordWord};
use super::scope::DeclId;
use crate::plan::{self, EngineName};
use crate::types::Value;

/// Where engines' objects are made if the cluster does not say.
pub const CHAOS_NAMESPACE: &str = "chaos";

/// A declared environment.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Its name.
    pub name: SmolStr,
    /// Its declaration.
    pub decl: DeclId,
    /// Whether a run needs a policy that covers it.
    pub protected: bool,
    /// Its clusters (indices into `Program::clusters`).
    pub clusters: Vec<usize>,
}

/// A declared cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its declaration.
    pub decl: DeclId,
    /// What it says.
    pub facts: plan::Cluster,
}

/// An environment and one of its clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlaceId {
    /// An index into `Program::environments`.
    pub environment: usize,
    /// An index into `Program::clusters`.
    pub cluster: usize,
}

impl Program {
    /// The environment of a place.
    #[must_use]
    pub fn environment(&self, place: PlaceId) -> &Environment {
        // Places are made by `Program::places` from these lists.
        &self.environments[place.environment]
    }

    /// The cluster of a place.
    #[must_use]
    pub fn cluster(&self, place: PlaceId) -> &Cluster {
        &self.clusters[place.cluster]
    }

    /// Every place of the project, in the order of declaration.
    pub fn places(&self) -> impl Iterator<Item = PlaceId> + '_ {
        self.environments.iter().enumerate().flat_map(|(environment, e)| {
            e.clusters.iter().map(move |cluster| PlaceId { environment, cluster: *cluster })
        })
    }
}

/// Reads environments and clusters into the program. What is wrong in them is reported where they are checked.
pub fn read(program: &mut Program) {
    let records: Vec<(DeclId, RecordWord)> = program
        .own_decls()
        .filter_map(|(id, item)| match &item.kind {
            ItemKind::Record(word @ (RecordWord::Cluster | RecordWord::Environment), _) => Some((id, *word)),
            _ => None,
        })
        .collect();
    // Names first: whatever is evaluated may name an environment.
    for (id, word) in &records {
        if *word == RecordWord::Environment {
            let name = program.item(*id).name.text.clone();
            program.environments.push(Environment { name, decl: *id, protected: false, clusters: Vec::new() });
        }
    }
    let clusters: Vec<Cluster> = records
        .iter()
        .filter(|(_, word)| *word == RecordWord::Cluster)
        .map(|(id, _)| Cluster { decl: *id, facts: cluster(program, *id) })
        .collect();
    program.clusters = clusters;
    let read: Vec<(bool, Vec<usize>)> = program.environments.iter().map(|e| environment(program, e.decl)).collect();
    for (environment, (protected, clusters)) in program.environments.iter_mut().zip(read) {
        environment.protected = protected;
        environment.clusters = clusters;
    }
}

fn fields(program: &Program, id: DeclId) -> &[Field] {
    match &program.item(id).kind {
        ItemKind::Record(_, fields) => fields,
        _ => &[],
    }
}

fn cluster(program: &Program, id: DeclId) -> plan::Cluster {
    let mut ev = Evaluator::new(program, None);
    let fields = fields(program, id);
    let mut get = |key: &str| {
        let spec = fields_of(RecordWord::Cluster).iter().find(|s| s.key == key);
        match (field(fields, key), spec) {
            (Some(given), Some(spec)) => {
                ev.within(program.file_of(id), Vec::new(), |ev| ev.value(&given.value, &spec.ty))
            }
            _ => Val::none(),
        }
    };
    let texts = |value: Val| match value {
        Val::List(items) => items.iter().filter_map(text_of).collect(),
        _ => Vec::new(),
    };
    let name = program.item(id).name.text.clone();
    plan::Cluster {
        context: text_of(&get("context")).unwrap_or_else(|| name.clone()),
        engines: texts(get("engines")).iter().filter_map(|e: &SmolStr| EngineName::parse(e)).collect(),
        region: text_of(&get("region")),
        prometheus: text_of(&get("prometheus")),
        token: match get("token") {
            Val::Plain(Value::Secret(name)) => Some(name),
            _ => None,
        },
        off_limits: texts(get("off-limits")),
        toxiproxy: text_of(&get("toxiproxy")),
        runtime: text_of(&get("runtime")),
        runtime_socket: text_of(&get("runtime-socket")),
        remote_cluster: text_of(&get("remote-cluster")),
        chaos_namespace: text_of(&get("chaos-namespace")).unwrap_or_else(|| CHAOS_NAMESPACE.into()),
        name,
    }
}

fn environment(program: &Program, id: DeclId) -> (bool, Vec<usize>) {
    let mut ev = Evaluator::new(program, None);
    let fields = fields(program, id);
    let mut get = |key: &str| {
        let spec = fields_of(RecordWord::Environment).iter().find(|s| s.key == key);
        match (field(fields, key), spec) {
            (Some(given), Some(spec)) => {
                ev.within(program.file_of(id), Vec::new(), |ev| ev.value(&given.value, &spec.ty))
            }
            _ => Val::none(),
        }
    };
    let clusters = match get("clusters") {
        Val::List(items) => items
            .iter()
            .filter_map(|item| match item {
                Val::Decl(decl) => program.clusters.iter().position(|c| c.decl == *decl),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    (matches!(get("protected"), Val::Plain(Value::Bool(true))), clusters)
}
