//! What stands behind a dot, and what a path of names means, without evaluating anything.

use crate::check::program::{ItemKind, RecordWord};
use crate::check::scope::{DeclId, Def};
use crate::check::{Program, stdlib};
use crate::types::{TargetKind, Type};

/// What a path of names means.
#[derive(Debug, Clone, PartialEq)]
pub enum Meaning {
    /// A declaration.
    Decl(DeclId),
    /// A file's names.
    Module(usize),
    /// The standard library.
    Std,
    /// A value of a type.
    Value(Type),
}

/// What a path means in a file; `locals` are the names of parameters and loops with their types.
#[must_use]
pub fn meaning(program: &Program, file: usize, path: &str, locals: &[(String, Type)]) -> Option<Meaning> {
    let mut names = path.split('.');
    let mut found = first(program, file, names.next()?, locals)?;
    for name in names {
        found = match found {
            Meaning::Module(file) => Meaning::Decl(*program.scopes.files.get(file)?.own.get(name)?),
            Meaning::Std => {
                let path = stdlib::module_path(name);
                Meaning::Module(program.files.iter().position(|f| f.path == path)?)
            }
            other => {
                let ty = type_of(program, &other)?;
                let (_, ty, _) = members(&ty).iter().find(|(n, ..)| *n == name)?.clone();
                Meaning::Value(ty)
            }
        };
    }
    Some(found)
}

fn first(program: &Program, file: usize, name: &str, locals: &[(String, Type)]) -> Option<Meaning> {
    if let Some((_, ty)) = locals.iter().rev().find(|(n, _)| n == name) {
        return Some(Meaning::Value(ty.clone()));
    }
    match program.scopes.files.get(file)?.names.get(name) {
        Some((Def::Decl(id), _)) => Some(Meaning::Decl(*id)),
        Some((Def::Module(file), _)) => Some(Meaning::Module(*file)),
        Some((Def::Std, _)) => Some(Meaning::Std),
        Some((Def::Lost, _)) => None,
        None => match name {
            "environment" => Some(Meaning::Value(Type::Environment)),
            "cluster" => Some(Meaning::Value(Type::Cluster)),
            "experiment" | "fault" => Some(Meaning::Value(Type::Fault)),
            _ => program.environment_named(name).map(Meaning::Decl),
        },
    }
}

/// The type of a thing with members.
#[must_use]
pub fn type_of(program: &Program, meaning: &Meaning) -> Option<Type> {
    match meaning {
        Meaning::Value(ty) => Some(ty.clone()),
        Meaning::Decl(id) => match &program.item(*id).kind {
            ItemKind::Record(word, _) => Some(match word {
                RecordWord::Team => Type::Team,
                RecordWord::Service => Type::Service,
                RecordWord::Cluster => Type::Cluster,
                RecordWord::Environment => Type::Environment,
                RecordWord::Slo => Type::Slo,
                RecordWord::Incident => Type::Incident,
            }),
            _ => None,
        },
        Meaning::Module(_) | Meaning::Std => None,
    }
}

/// The members of a type: name, type, what it is.
#[must_use]
pub fn members(ty: &Type) -> Vec<(&'static str, Type, &'static str)> {
    let selector = |kind| Type::Selector(kind);
    match ty.base() {
        Type::Optional(inner) => members(inner),
        Type::Service => vec![
            ("pods", selector(TargetKind::Pods), "Its ready pods."),
            ("nodes", selector(TargetKind::Nodes), "The nodes that hold a ready pod of it."),
            ("zones", selector(TargetKind::Zones), "The zones that hold a ready pod of it."),
            (
                "workloads",
                selector(TargetKind::Workloads),
                "The Deployments, StatefulSets and DaemonSets that own its pods.",
            ),
            ("endpoints", selector(TargetKind::Endpoints), "The URLs that it declares."),
            ("instances", selector(TargetKind::Instances), "Its cloud machines."),
            ("processes", selector(TargetKind::Processes), "Its replicas on the machine that Perturb runs on."),
            ("name", Type::String, "Its name as text."),
            ("tier", Type::Any, "How much depends on it: `critical`, `high`, `medium` or `low`."),
            ("owner", Type::Team, "The team that is called."),
            ("external", Type::Bool, "Whether it has no pods, so that nothing can hit it."),
            ("hosts", Type::List(std::sync::Arc::new(Type::Host)), "The names under which it is reached."),
            ("replicas", Type::Int, "How many pods it has."),
            ("container", Type::String, "The container that faults go into."),
            ("depends-on", Type::List(std::sync::Arc::new(Type::Service)), "The services that it needs."),
        ],
        Type::Environment => vec![
            ("clusters", selector(TargetKind::Clusters), "Its clusters."),
            ("name", Type::String, "Its name as text."),
            ("protected", Type::Bool, "Whether nothing runs there without a policy."),
        ],
        Type::Cluster => vec![
            ("name", Type::String, "Its name as text."),
            ("context", Type::String, "The context of the kubeconfig."),
            ("region", Type::String, "Where it is."),
            ("prometheus", Type::Url, "Where its metrics are asked for."),
        ],
        Type::Slo => vec![
            ("budget-left", Type::Percent, "How much of the error budget is left."),
            ("budget-spent", Type::Percent, "How much of the error budget was spent since this run began."),
            ("burn-rate", Type::Number, "How fast the error budget burns: `burn-rate(over: 1h)`."),
            ("objective", Type::Percent, "What is promised."),
            ("service", Type::Service, "Whose promise it is."),
            ("name", Type::String, "Its name as text."),
        ],
        Type::Team => vec![
            ("name", Type::String, "Its name as text."),
            ("contact", Type::String, "How the team is reached."),
            ("escalation", Type::Url, "Where somebody is called if nobody answers."),
        ],
        Type::Incident => vec![
            ("name", Type::String, "Its name as text."),
            ("date", Type::Date, "When it was."),
            ("recovered", Type::Any, "How it ended."),
            ("services", Type::List(std::sync::Arc::new(Type::Service)), "What it hit."),
        ],
        // What a policy may ask of an experiment or a fault.
        Type::Fault => vec![
            ("name", Type::String, "Its name as text."),
            ("duration", Type::Duration, "The bound on its time, all phases included."),
            ("blast-radius", Type::Percent, "The largest share of any service that is hit at any moment."),
            ("service", Type::Service, "The service whose resilience is at stake (of an experiment)."),
            ("environments", Type::Any, "Where it may run (of an experiment)."),
            ("recovery", Type::Any, "How it says to recover (of an experiment)."),
            ("abort-guards", Type::Int, "How many guards abort it (of an experiment)."),
            ("budget-cost", Type::Percent, "The share of the error budget that it may cost (of an experiment)."),
            (
                "confirmed-in",
                Type::Bool,
                "Whether this very text was confirmed there: `confirmed-in(staging, within: 14d)`.",
            ),
            ("effect", Type::Any, "Whether it lasts (of a fault)."),
            ("mechanism", Type::String, "What it uses (of a fault)."),
            ("reversible", Type::Bool, "Whether it can be undone (of a fault)."),
        ],
        _ => Vec::new(),
    }
}
