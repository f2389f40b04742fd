//! Parameters and their types, read once for each declaration that has some.

use std::sync::Arc;

use smol_str::SmolStr;

use super::Program;
use super::evaluate::{Evaluator, Val, article, listed, order};
use super::program::{Expr, ExprKind, ItemKind, Param, TypeExpr, TypeExprKind};
use super::scope::DeclId;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Span;
use crate::types::{Bounds, TargetKind, Type};

/// A parameter.
#[derive(Debug, Clone)]
pub struct ParamInfo {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: Type,
    /// Where.
    pub span: Span,
    /// Its place among the parameters.
    pub index: usize,
}

/// The parameters of a declaration, and what it gives.
#[derive(Debug, Clone, Default)]
pub struct Signature {
    /// In order.
    pub params: Vec<ParamInfo>,
    /// What a metric measures.
    pub result: Option<Type>,
}

impl Signature {
    /// The default of a parameter.
    #[must_use]
    pub fn default_of<'p>(&self, program: &'p Program, id: DeclId, param: &ParamInfo) -> Option<&'p Expr> {
        params_of(&program.item(id).kind).get(param.index).and_then(|p| p.default.as_ref())
    }

    /// Every parameter as a value of which only the type is known: what a body is checked with.
    #[must_use]
    pub fn unknowns(&self) -> Vec<(SmolStr, Val, Span)> {
        self.params.iter().map(|p| (p.name.clone(), Val::Unknown(p.ty.clone()), p.span)).collect()
    }
}

/// The parameters of an item, if it has some.
#[must_use]
pub fn params_of(kind: &ItemKind) -> &[Param] {
    match kind {
        ItemKind::Metric(metric) => &metric.params,
        ItemKind::Fault(fault) => &fault.params,
        ItemKind::Scenario(params, _) => params,
        _ => &[],
    }
}

/// The signatures of a file's declarations, as long as none of the program is known; those of the standard library are
/// tested with it, and read like any other.
pub fn read(program: &Program, file: usize) -> (Vec<Option<Arc<Signature>>>, Vec<Diagnostic>) {
    let mut signatures = Vec::new();
    let mut ev = Evaluator::new(program, None);
    for (_, item) in program.decls_of(file) {
        let params = params_of(&item.kind);
        let result = match &item.kind {
            ItemKind::Metric(metric) => Some(&metric.ty),
            _ => None,
        };
        if params.is_empty() && result.is_none() {
            signatures.push(None);
            continue;
        }
        let of_fault = matches!(item.kind, ItemKind::Fault(_));
        let signature = ev.within(file, Vec::new(), |ev| signature(ev, params, result, of_fault));
        signatures.push(Some(Arc::new(signature)));
    }
    (signatures, ev.diagnostics)
}

/// Checks the defaults of a declaration's parameters. They may name earlier parameters and call metrics, so this is done
/// once all signatures are there.
pub fn check_defaults(ev: &mut Evaluator<'_>, id: DeclId, params: &[Param]) {
    let signature = ev.program.signature(id);
    for (at, (param, info)) in params.iter().zip(&signature.params).enumerate() {
        let Some(default) = &param.default else { continue };
        let earlier = signature.unknowns().into_iter().take(at).collect();
        ev.within(ev.program.file_of(id), earlier, |ev| ev.value(default, &info.ty));
    }
}

fn signature(ev: &mut Evaluator<'_>, params: &[Param], result: Option<&TypeExpr>, of_fault: bool) -> Signature {
    let mut found: Vec<ParamInfo> = Vec::with_capacity(params.len());
    ev.block(|ev| {
        for (index, param) in params.iter().enumerate() {
            let ty = ev.ty(&param.ty);
            let value = Val::Unknown(ty.clone());
            if of_fault {
                ev.declare_fault_param(&param.name, value);
            } else {
                ev.declare(&param.name, value);
            }
            found.push(ParamInfo { name: param.name.text.clone(), ty, span: param.name.span, index });
        }
    });
    Signature { params: found, result: result.map(|ty| ev.ty(ty)) }
}

/// Every type that has a name.
const NAMED: &[(&str, Type)] = &[
    ("Bool", Type::Bool),
    ("Int", Type::Int),
    ("Number", Type::Number),
    ("String", Type::String),
    ("Duration", Type::Duration),
    ("Offset", Type::Offset),
    ("Percent", Type::Percent),
    ("Bytes", Type::Bytes),
    ("Bitrate", Type::Bitrate),
    ("Cores", Type::Cores),
    ("Rate", Type::Rate),
    ("Date", Type::Date),
    ("Url", Type::Url),
    ("Host", Type::Host),
    ("Secret", Type::Secret),
    ("Map", Type::Map),
    ("Team", Type::Team),
    ("Service", Type::Service),
    ("Cluster", Type::Cluster),
    ("Environment", Type::Environment),
    ("Slo", Type::Slo),
    ("Incident", Type::Incident),
    ("Pods", Type::Target(TargetKind::Pods)),
    ("Nodes", Type::Target(TargetKind::Nodes)),
    ("Zones", Type::Target(TargetKind::Zones)),
    ("Workloads", Type::Target(TargetKind::Workloads)),
    ("Endpoints", Type::Target(TargetKind::Endpoints)),
    ("Instances", Type::Target(TargetKind::Instances)),
    ("Disks", Type::Target(TargetKind::Disks)),
    ("Databases", Type::Target(TargetKind::Databases)),
    ("Balancers", Type::Target(TargetKind::Balancers)),
    ("Machines", Type::Target(TargetKind::Machines)),
    ("Clusters", Type::Target(TargetKind::Clusters)),
    ("Processes", Type::Target(TargetKind::Processes)),
];

impl Evaluator<'_> {
    /// The type that was written.
    pub fn ty(&mut self, written: &TypeExpr) -> Type {
        match &written.kind {
            TypeExprKind::Named(name, range) => {
                let Some((_, ty)) = NAMED.iter().find(|(n, _)| *n == name.text) else {
                    let diagnostic =
                        Diagnostic::new(Code::UNKNOWN_TYPE, name.span, format!("there is no type `{}`", name.text));
                    self.report(match nearest(&name.text, NAMED.iter().map(|(n, _)| *n)) {
                        Some(near) => diagnostic.choice(format!("did you mean `{near}`?"), name.span, near),
                        None => diagnostic.help(format!(
                            "the types are {}; an enumeration is written as its words: `outgoing | incoming`",
                            listed(&NAMED.iter().map(|(n, _)| *n).collect::<Vec<_>>())
                        )),
                    });
                    return Type::Any;
                };
                match range {
                    Some(range) => self.bounded(ty.clone(), range),
                    None => ty.clone(),
                }
            }
            TypeExprKind::List(inner) => Type::List(Arc::new(self.ty(inner))),
            TypeExprKind::Optional(inner) => Type::Optional(Arc::new(self.ty(inner))),
            TypeExprKind::Words(words) => {
                let mut seen: Vec<SmolStr> = Vec::new();
                for word in words {
                    if seen.contains(&word.text) {
                        self.report(Diagnostic::new(
                            Code::GIVEN_TWICE,
                            word.span,
                            format!("`{}` is a word of this enumeration already", word.text),
                        ));
                    } else {
                        seen.push(word.text.clone());
                    }
                }
                Type::Enum(seen.into())
            }
            TypeExprKind::Error => Type::Any,
        }
    }

    fn bounded(&mut self, ty: Type, range: &Expr) -> Type {
        let ExprKind::Range { from, to, by } = &range.kind else {
            self.report(
                Diagnostic::new(Code::TYPE_MISMATCH, range.span, "a type's range is written `A..B`")
                    .help("for example `Duration in 1ms..60s`"),
            );
            return ty;
        };
        if let Some(by) = by {
            self.report(Diagnostic::new(Code::TYPE_MISMATCH, by.span, "a type's range has no step"));
        }
        let (Val::Plain(least), Val::Plain(greatest)) = (self.value(from, &ty), self.value(to, &ty)) else {
            return ty;
        };
        match order(&least, &greatest) {
            Some(o) if o.is_le() => Type::InRange(Arc::new(ty), Arc::new(Bounds { least, greatest })),
            Some(_) => {
                self.report(
                    Diagnostic::new(
                        Code::OUT_OF_RANGE,
                        range.span,
                        format!("the range `{least}..{greatest}` is empty"),
                    )
                    .help("the smaller end comes first"),
                );
                ty
            }
            None => {
                self.report(Diagnostic::new(Code::TYPE_MISMATCH, range.span, format!("{} has no range", article(&ty))));
                ty
            }
        }
    }
}
