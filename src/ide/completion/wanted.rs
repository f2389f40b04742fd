//! Which type is wanted where something is being typed, and what the names around that place are.

use super::Asked;
use crate::check::declared::fields_of;
use crate::check::program::RecordWord;
use crate::check::signature::params_of;
use crate::ide::functions::function;
use crate::ide::members::{Meaning, meaning};
use crate::ide::outline;
use crate::ide::words::In;
use crate::syntax::{SyntaxKind, SyntaxNode};
use crate::types::{TargetKind, Type};

impl Asked<'_> {
    /// The type of a field of a block.
    pub(super) fn type_of_field(&self, place: In, key: &str) -> Option<Type> {
        let list = |ty| Type::List(std::sync::Arc::new(ty));
        let words = |all: &[&str]| Type::Enum(all.iter().map(|w| (*w).into()).collect());
        let record = |word| fields_of(word).iter().find(|s| s.key == key).map(|s| s.ty.clone());
        match (place, key) {
            (In::Body, "service") => Some(Type::Service),
            (In::Body, "learned-from") => Some(list(Type::Incident)),
            (In::Body | In::Policy, "environments") => Some(list(Type::Environment)),
            (In::Body, "baseline") | (In::Metric, "window" | "every" | "timeout" | "patience") => Some(Type::Duration),
            (In::Metric, "unit") => {
                Some(words(&["ratio", "percent", "s", "ms", "bytes", "per-second", "cores", "count"]))
            }
            (In::Fault, "effect") => Some(words(&["lasting", "instant"])),
            (In::Verify | In::Gameday, "in") => Some(Type::Target(TargetKind::Clusters)),
            (In::Verify, "fresh-for") => Some(Type::Duration),
            (In::Record("team"), _) => record(RecordWord::Team),
            (In::Record("service"), _) => record(RecordWord::Service),
            (In::Record("cluster"), _) => record(RecordWord::Cluster),
            (In::Record("environment"), _) => record(RecordWord::Environment),
            (In::Record("slo"), "indicator") => Some(Type::Sampled(std::sync::Arc::new(Type::Percent))),
            (In::Record("slo"), _) => record(RecordWord::Slo),
            (In::Record("incident"), _) => record(RecordWord::Incident),
            _ => None,
        }
    }

    /// The type that is wanted where a node's value stands.
    pub(super) fn wanted(&self, node: &SyntaxNode) -> Option<Type> {
        let mut lists = 0;
        for node in node.ancestors() {
            match node.kind() {
                SyntaxKind::List => lists += 1,
                SyntaxKind::Field => {
                    let (place, _) = outline::block_of(&node)?;
                    return element(self.type_of_field(place, &outline::key(&node)?)?, lists);
                }
                SyntaxKind::Arg => {
                    let args = node.parent()?;
                    let before = args.children().take_while(|c| *c != node).count();
                    let ty = self.type_of_argument(&args, outline::key(&node).as_deref(), before)?;
                    return element(ty, lists);
                }
                SyntaxKind::Expect | SyntaxKind::Check | SyntaxKind::Abort => {
                    return Some(Type::Sampled(std::sync::Arc::new(Type::Any)));
                }
                SyntaxKind::Wait | SyntaxKind::Within | SyntaxKind::Hold => return Some(Type::Duration),
                SyntaxKind::Approval | SyntaxKind::Ask => return Some(Type::Team),
                SyntaxKind::Recovery => {
                    return Some(Type::Enum(["automatic", "manual", "unknown"].into_iter().map(Into::into).collect()));
                }
                // A body's rule is about its parameters, a policy's about what is to run.
                SyntaxKind::Demand if node.ancestors().any(|n| n.kind() == SyntaxKind::Engine) => {
                    return Some(Type::Bool);
                }
                SyntaxKind::Demand => return Some(Type::Fault),
                SyntaxKind::Run | SyntaxKind::MadeFrom | SyntaxKind::Block => return None,
                _ => {}
            }
        }
        None
    }

    /// The type of an argument of what is called before the brackets.
    pub(super) fn type_of_argument(&self, args: &SyntaxNode, key: Option<&str>, index: usize) -> Option<Type> {
        let callee = outline::callee(args)?;
        if let (true, Some(key)) = (callee.ends_with("pods") || callee.ends_with("nodes"), key) {
            return (key == "zone").then_some(Type::String);
        }
        let Some(Meaning::Decl(id)) = meaning(self.program, self.file, &callee, &self.locals(args)) else {
            return function(&callee).map(|_| if key.is_some() { Type::String } else { Type::Any });
        };
        let signature = self.program.signature(id);
        let param = match key {
            Some(key) => signature.params.iter().find(|p| p.name == key),
            None => signature.params.get(index),
        };
        param.map(|p| p.ty.clone())
    }

    /// Names of parameters, `let`s and loops around a node, with their types where they are written.
    pub(super) fn locals(&self, node: &SyntaxNode) -> Vec<(String, Type)> {
        let mut found = Vec::new();
        let offset = u32::from(node.text_range().start()).max(self.replace.start);
        if let Some((id, item)) =
            self.program.decls_of(self.file).find(|(_, i)| i.span.start <= offset && offset <= i.span.end)
        {
            let signature = self.program.signature(id);
            if !params_of(&item.kind).is_empty() {
                found.extend(signature.params.iter().map(|p| (p.name.to_string(), p.ty.clone())));
            }
        }
        for block in node.ancestors() {
            if let Some(over) = block.children().find(|c| matches!(c.kind(), SyntaxKind::Over | SyntaxKind::ForEach)) {
                let text = over.text().to_string();
                let mut parts = text.split_whitespace().filter(|w| !matches!(*w, "for" | "each"));
                let ty = if text.contains("services") { Type::Service } else { Type::Any };
                found.extend(parts.next().map(|name| (name.to_owned(), ty)));
            }
            for line in block.children().filter(|c| c.kind() == SyntaxKind::Let) {
                if u32::from(line.text_range().start()) >= offset {
                    continue;
                }
                let text = line.text().to_string();
                let Some((name, value)) = text.trim_start_matches("let").split_once('=') else { continue };
                let ty = if value.contains(".pods") && value.contains(" of ") {
                    Type::Target(TargetKind::Pods)
                } else {
                    Type::Any
                };
                found.push((name.trim().to_owned(), ty));
            }
        }
        found
    }

    /// What the last metric or objective of this line gives: a bound is of the same type.
    pub(super) fn measured(&self) -> Option<Type> {
        let line = self.head.rsplit('\n').next().unwrap_or("");
        let is_of_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let mut paths = line.rsplit(|c| !is_of_path(c)).filter(|path| !path.is_empty());
        paths.find_map(|path| match meaning(self.program, self.file, path, &[])? {
            Meaning::Decl(id) => self.program.signature(id).result.clone(),
            Meaning::Value(ty) => Some(ty),
            _ => None,
        })
    }
}

fn element(ty: Type, lists: usize) -> Option<Type> {
    let mut ty = ty;
    for _ in 0..lists {
        ty = match ty.base() {
            Type::List(inner) => (**inner).clone(),
            _ => return None,
        };
    }
    Some(ty)
}
