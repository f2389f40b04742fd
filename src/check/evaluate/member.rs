//! `base.name`: what each declared thing, module and policy fact offers.

use smol_str::SmolStr;

use super::names::listed;
use super::select::parts_of;
use super::{Candidates, Evaluator, FactsOf, Target, Val};
use crate::check::declared::fields_of;
use crate::check::program::{Expr, ItemKind, Name, RecordWord};
use crate::check::scope::{DeclId, Def};
use crate::check::{load::unknown_module, stdlib};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::{ObjectiveFact, Quantity, Selector};
use crate::source::Span;
use crate::types::{TargetKind, Type, Value};

/// `ids | tags`: by what a cloud's things are chosen.
pub(super) fn by_type() -> Type {
    Type::Enum(["ids".into(), "tags".into()].into())
}

/// What a fault's body may ask of a target.
fn members_of_target(kind: TargetKind) -> &'static [&'static str] {
    match kind {
        TargetKind::Pods => &["whole", "namespace", "label"],
        TargetKind::Instances | TargetKind::Disks | TargetKind::Databases | TargetKind::Balancers => &[
            "whole",
            "provider",
            "region",
            "project",
            "zone",
            "subscription",
            "group",
            "scale-set",
            "ids",
            "id",
            "tags",
            "by",
        ],
        _ => &["whole"],
    }
}

impl Evaluator<'_> {
    pub(super) fn member_of(&mut self, base: &Expr, name: &Name, optional: bool, span: Span, want: &Type) -> Val {
        let value = self.value(base, &Type::Any);
        match value {
            Val::Plain(Value::None) if optional => Val::none(),
            Val::Plain(Value::None) => {
                self.report(
                    Diagnostic::new(Code::TYPE_MISMATCH, base.span, "this is `none`, which has no members")
                        .help(format!("`?.{}` gives `none` there", name.text)),
                );
                Val::error()
            }
            value => self.member(value, name, span, want),
        }
    }

    /// The member of a value.
    pub(super) fn member(&mut self, base: Val, name: &Name, span: Span, want: &Type) -> Val {
        match base {
            Val::Unknown(Type::Any) => Val::error(),
            Val::Unknown(ty) => self.member_of_type(&ty, name),
            Val::Module(Def::Module(file)) => self.member_of_module(file, name),
            Val::Module(_) => self.member_of_std(name),
            Val::Facts(facts) => self.fact(facts, name, want),
            Val::Decl(id) => self.member_of_decl(id, name, span),
            Val::Target(target) => self.member_of_target(&target, name),
            Val::Selector(candidates) => self.member_of_candidates(&candidates, name),
            other => self.no_member(&other, name, &[]),
        }
    }

    /// Candidates have no members: what narrows them stands in brackets.
    fn member_of_candidates(&mut self, candidates: &Candidates, name: &Name) -> Val {
        let (text, name_text) = (&candidates.text, &name.text);
        let diagnostic =
            Diagnostic::new(Code::UNKNOWN_MEMBER, name.span, format!("the selector `{text}` has no `{name_text}`"));
        let parts = parts_of(candidates.selector.kind());
        self.report(match parts {
            [] => diagnostic,
            _ if text.ends_with(')') => diagnostic.help(format!("its brackets narrow it, by {}", listed(parts))),
            _ if parts.contains(&name_text.as_str()) => {
                diagnostic.help(format!("brackets narrow it: `{text}({name_text}: …)`"))
            }
            // In a project of one machine people write the name of a replica as they would write that of a field.
            _ if parts.contains(&"names") => {
                diagnostic.help(format!("the one of this name is `{text}(names: [\"{name_text}\"])`"))
            }
            _ => diagnostic.help(format!("brackets narrow it, by {}", listed(parts))),
        });
        Val::error()
    }

    /// What a fault's body may ask of its target, as the selector says it.
    fn member_of_target(&mut self, target: &Target, name: &Name) -> Val {
        let optional = |text: Option<&SmolStr>| text.map_or(Val::none(), |t| Val::text(t.clone()));
        let texts = |all: &[SmolStr]| Val::list(all.iter().map(|t| Val::text(t.clone())));
        let only = |all: &[SmolStr]| match all {
            [one] => Val::text(one.clone()),
            _ => Val::none(),
        };
        let selector = &target.of.selector;
        if name.text == "whole" {
            return Val::Plain(Value::Bool(target.quantity == Quantity::All));
        }
        let found = match (selector.cloud(), selector) {
            (Some(cloud), _) => match name.text.as_str() {
                "provider" => cloud.provider.clone().map(|word| Val::Plain(Value::Word(word))).or(Some(Val::none())),
                "region" => Some(optional(cloud.region.as_ref())),
                "project" => Some(optional(cloud.project.as_ref())),
                "zone" => Some(optional(cloud.zone.as_ref())),
                "subscription" => Some(optional(cloud.subscription.as_ref())),
                "group" => Some(optional(cloud.group.as_ref())),
                "scale-set" => Some(optional(cloud.scale_set.as_ref())),
                "ids" => Some(texts(&cloud.ids)),
                "id" => Some(only(&cloud.ids)),
                "tags" => Some(Val::list(cloud.tags.iter().map(|(key, value)| Val::text(format!("{key}:{value}"))))),
                "by" => {
                    let word = if cloud.ids.is_empty() { "tags" } else { "ids" };
                    Some(Val::Plain(Value::Word(word.into())))
                }
                _ => None,
            },
            (None, Selector::Pods(pods)) => match name.text.as_str() {
                "namespace" => Some(only(&pods.namespaces)),
                // Only where one label says all: what else narrows them would be lost.
                "label" => Some(match pods.labels.as_slice() {
                    [(key, value)] if pods.names.is_empty() && pods.beyond_labels().is_none() => {
                        Val::text(format!("{key}={value}"))
                    }
                    _ => Val::none(),
                }),
                _ => None,
            },
            _ => None,
        };
        found.unwrap_or_else(|| {
            let value = Val::Unknown(Type::Target(selector.kind()));
            self.no_member(&value, name, members_of_target(selector.kind()))
        })
    }

    /// The same where only the kind of the target is known.
    fn member_of_target_kind(&mut self, kind: TargetKind, name: &Name) -> Val {
        let text = || Type::Optional(std::sync::Arc::new(Type::String));
        let known = members_of_target(kind);
        if !known.contains(&name.text.as_str()) {
            return self.no_member(&Val::Unknown(Type::Target(kind)), name, known);
        }
        Val::Unknown(match name.text.as_str() {
            "whole" => Type::Bool,
            "provider" => super::select::provider_type(),
            "by" => by_type(),
            "ids" | "tags" => Type::List(std::sync::Arc::new(Type::String)),
            _ => text(),
        })
    }

    fn member_of_module(&mut self, file: usize, name: &Name) -> Val {
        let own = &self.program.scopes.files[file].own;
        if let Some(id) = own.get(&name.text) {
            return self.declared(*id);
        }
        let loaded = &self.program.files[file];
        if loaded.is_shaken() {
            return Val::error();
        }
        let path = loaded.path.trim_start_matches(stdlib::PREFIX).trim_end_matches(".chaos");
        let diagnostic = Diagnostic::new(Code::UNKNOWN_NAME, name.span, format!("`{path}` has no `{}`", name.text));
        let known: Vec<&str> = own.keys().map(SmolStr::as_str).collect();
        self.report(match nearest(&name.text, known.iter().copied()) {
            Some(near) => diagnostic.choice(format!("did you mean `{near}`?"), name.span, near),
            None => diagnostic.help(format!("it has {}", listed(&known))),
        });
        Val::error()
    }

    fn member_of_std(&mut self, name: &Name) -> Val {
        let path = stdlib::module_path(&name.text);
        match self.program.files.iter().position(|f| f.path == path) {
            Some(file) => Val::Module(Def::Module(file)),
            None => {
                self.report(unknown_module(&name.text, name.span));
                Val::error()
            }
        }
    }

    fn member_of_decl(&mut self, id: DeclId, name: &Name, span: Span) -> Val {
        let item = self.program.item(id);
        let ItemKind::Record(word, _) = &item.kind else { return self.no_member(&Val::Decl(id), name, &[]) };
        match word {
            RecordWord::Service => self.member_of_service(id, name),
            RecordWord::Environment => match name.text.as_str() {
                "name" => Val::text(item.name.text.clone()),
                "clusters" => self.clusters_of(id),
                "protected" => match self.program.environments.iter().find(|e| e.decl == id) {
                    Some(environment) => Val::Plain(Value::Bool(environment.protected)),
                    None => Val::Unknown(Type::Bool),
                },
                _ => self.no_member(&Val::Decl(id), name, &["name", "clusters", "protected"]),
            },
            RecordWord::Cluster => self.member_of_cluster(id, name),
            RecordWord::Slo => self.member_of_slo(id, name, span),
            RecordWord::Team => match name.text.as_str() {
                "name" => Val::text(item.name.text.clone()),
                "contact" | "escalation" => self.field_of(id, name, &Type::String),
                _ => self.no_member(&Val::Decl(id), name, &["name", "contact", "escalation"]),
            },
            RecordWord::Incident => match name.text.as_str() {
                "name" => Val::text(item.name.text.clone()),
                "date" => self.field_of(id, name, &Type::Date),
                "recovered" => self.field_of(id, name, &super::super::declared::recovered_type()),
                "services" => self.field_of(id, name, &Type::List(std::sync::Arc::new(Type::Service))),
                _ => self.no_member(&Val::Decl(id), name, &["name", "date", "recovered", "services"]),
            },
        }
    }

    /// The value of a declaration's own field, evaluated where it is declared.
    fn field_of(&mut self, id: DeclId, name: &Name, ty: &Type) -> Val {
        let item = self.program.item(id);
        let ItemKind::Record(_, fields) = &item.kind else { return Val::error() };
        let Some(field) = fields.iter().find(|f| f.key.text == name.text) else { return Val::none() };
        let file = self.program.file_of(id);
        let make = |ev: &mut Self| ev.within(file, Vec::new(), |ev| ev.value(&field.value, ty));
        // What is wrong in the field is reported where the declaration is checked.
        self.apart(|ev| ev.making(id, Some(&name.text), make)).unwrap_or_else(Val::error)
    }

    fn member_of_service(&mut self, id: DeclId, name: &Name) -> Val {
        const MEMBERS: &[&str] = &[
            "pods",
            "nodes",
            "zones",
            "workloads",
            "endpoints",
            "instances",
            "processes",
            "name",
            "tier",
            "owner",
            "external",
            "hosts",
            "replicas",
            "container",
            "depends-on",
        ];
        let Some(service) = self.service(id) else {
            return if MEMBERS.contains(&name.text.as_str()) {
                self.member_of_unfinished(id, name)
            } else {
                self.no_member(&Val::Decl(id), name, MEMBERS)
            };
        };
        let own = service.name.clone();
        let selector = |ev: &mut Self, kind: TargetKind| ev.service_selector(id, &service, kind, name);
        match name.text.as_str() {
            "pods" => selector(self, TargetKind::Pods),
            "nodes" => selector(self, TargetKind::Nodes),
            "zones" => selector(self, TargetKind::Zones),
            "workloads" => selector(self, TargetKind::Workloads),
            "instances" => selector(self, TargetKind::Instances),
            "endpoints" => selector(self, TargetKind::Endpoints),
            "processes" => selector(self, TargetKind::Processes),
            "name" => Val::text(own),
            "tier" => service.tier.clone(),
            "owner" => service.owner.map_or(Val::Unknown(Type::Team), Val::Decl),
            "external" => Val::Plain(Value::Bool(!service.has_pods && !service.has_local)),
            "hosts" => service.hosts.clone(),
            "replicas" => service.replicas.clone(),
            "container" => service.container.clone(),
            "depends-on" => Val::list(service.depends_on.iter().map(|d| Val::Decl(*d))),
            _ => self.no_member(&Val::Decl(id), name, MEMBERS),
        }
    }

    /// A member of a service that is being read: one field of it may well be made of others.
    fn member_of_unfinished(&mut self, id: DeclId, name: &Name) -> Val {
        if name.text == "name" {
            return Val::text(self.program.item(id).name.text.clone());
        }
        match fields_of(RecordWord::Service).iter().find(|spec| spec.key == name.text) {
            Some(spec) => self.field_of(id, name, &spec.ty),
            // What is made of several fields.
            None => {
                self.making(id, Some("pods"), |ev| ev.member_of_type(&Type::Service, name)).unwrap_or_else(Val::error)
            }
        }
    }

    fn member_of_cluster(&mut self, id: DeclId, name: &Name) -> Val {
        let item = self.program.item(id);
        // From the text, as clusters are made of each other before any is known: also of themselves, which is found on the way.
        match fields_of(RecordWord::Cluster).iter().find(|spec| spec.key == name.text) {
            _ if name.text == "name" => Val::text(item.name.text.clone()),
            Some(spec) if matches!(spec.key, "context" | "region" | "prometheus") => {
                match (self.field_of(id, name, &spec.ty), spec.key) {
                    // A cluster that is nothing but this machine needs none.
                    (Val::Plain(Value::None), "context") => Val::text(item.name.text.clone()),
                    (value, _) => value,
                }
            }
            _ => self.no_member(&Val::Decl(id), name, &["name", "context", "region", "prometheus"]),
        }
    }

    fn clusters_of(&mut self, id: DeclId) -> Val {
        let Some(environment) = self.program.environments.iter().find(|e| e.decl == id) else {
            return Val::Unknown(Type::Selector(TargetKind::Clusters));
        };
        let names =
            environment.clusters.iter().filter_map(|c| self.program.clusters.get(*c)).map(|c| c.facts.name.clone());
        Val::Selector(std::sync::Arc::new(Candidates {
            selector: Selector::Clusters(names.collect()),
            service: None,
            text: format!("{}.clusters", environment.name),
            uses: Vec::new(),
        }))
    }

    fn member_of_slo(&mut self, id: DeclId, name: &Name, span: Span) -> Val {
        match name.text.as_str() {
            "name" => Val::text(self.program.item(id).name.text.clone()),
            "budget-left" => self.objective(id, ObjectiveFact::BudgetLeft, None, span),
            "budget-spent" => self.objective(id, ObjectiveFact::BudgetSpent, None, span),
            "burn-rate" => {
                self.report(
                    Diagnostic::new(Code::MISSING_ARGUMENT, span, "over which time is the burn rate measured?")
                        .help("write for example `burn-rate(over: 1h)`"),
                );
                Val::error()
            }
            "objective" => self.field_of(id, name, &Type::Percent),
            "service" => self.field_of(id, name, &Type::Service),
            _ => self.no_member(
                &Val::Decl(id),
                name,
                &["budget-left", "budget-spent", "burn-rate", "objective", "service", "name"],
            ),
        }
    }

    /// The member of something of which only the type is known.
    fn member_of_type(&mut self, ty: &Type, name: &Name) -> Val {
        let selector = |kind| Val::Unknown(Type::Selector(kind));

        match ty.base() {
            Type::Optional(inner) => self.member_of_type(&inner.clone(), name),
            Type::Service => match name.text.as_str() {
                "pods" => selector(TargetKind::Pods),
                "nodes" => selector(TargetKind::Nodes),
                "zones" => selector(TargetKind::Zones),
                "workloads" => selector(TargetKind::Workloads),
                "endpoints" => selector(TargetKind::Endpoints),
                "instances" => selector(TargetKind::Instances),
                "processes" => selector(TargetKind::Processes),
                "name" => Val::Unknown(Type::String),
                "container" => Val::Unknown(Type::Optional(std::sync::Arc::new(Type::String))),
                "tier" => Val::Unknown(super::super::declared::tier_type()),
                "owner" => Val::Unknown(Type::Team),
                "external" => Val::Unknown(Type::Bool),
                "hosts" => Val::Unknown(Type::List(std::sync::Arc::new(Type::Host))),
                "replicas" => Val::Unknown(Type::Optional(std::sync::Arc::new(Type::Int))),
                "depends-on" => Val::Unknown(Type::List(std::sync::Arc::new(Type::Service))),
                _ => self.no_member(&Val::Unknown(ty.clone()), name, &["pods", "nodes", "zones", "name", "tier"]),
            },
            Type::Cluster => match name.text.as_str() {
                "name" | "context" => Val::Unknown(Type::String),
                "region" | "prometheus" => Val::Unknown(Type::String),
                _ => self.no_member(&Val::Unknown(ty.clone()), name, &["name", "context", "region", "prometheus"]),
            },
            Type::Environment => match name.text.as_str() {
                "name" => Val::Unknown(Type::String),
                "clusters" => selector(TargetKind::Clusters),
                "protected" => Val::Unknown(Type::Bool),
                _ => self.no_member(&Val::Unknown(ty.clone()), name, &["name", "clusters", "protected"]),
            },
            Type::Slo => match name.text.as_str() {
                "budget-left" | "budget-spent" => Val::Unknown(Type::Sampled(std::sync::Arc::new(Type::Percent))),
                "burn-rate" => Val::Unknown(Type::Sampled(std::sync::Arc::new(Type::Number))),
                _ => self.no_member(&Val::Unknown(ty.clone()), name, &["budget-left", "budget-spent", "burn-rate"]),
            },
            Type::Team => match name.text.as_str() {
                "name" | "contact" => Val::Unknown(Type::String),
                _ => self.no_member(&Val::Unknown(ty.clone()), name, &["name", "contact"]),
            },
            Type::Incident => Val::Unknown(Type::Any),
            Type::Target(kind) => self.member_of_target_kind(*kind, name),
            _ => self.no_member(&Val::Unknown(ty.clone()), name, &[]),
        }
    }

    fn fact(&mut self, facts: FactsOf, name: &Name, want: &Type) -> Val {
        let _ = want;
        let Some(policy) = &self.policy else { return Val::error() };
        let known = match facts {
            FactsOf::Experiment => &policy.experiment,
            FactsOf::Fault => &policy.fault,
        };
        if let Some(value) = known.get(&name.text) {
            return value.clone();
        }
        let names: Vec<&str> = known.keys().map(SmolStr::as_str).filter(|k| !k.is_empty()).collect();
        let word = match facts {
            FactsOf::Experiment => "experiment",
            FactsOf::Fault => "fault",
        };
        let diagnostic =
            Diagnostic::new(Code::UNKNOWN_MEMBER, name.span, format!("a policy cannot ask for `{word}.{}`", name.text));
        let diagnostic = match nearest(&name.text, names.iter().copied()) {
            Some(near) => diagnostic.choice(format!("did you mean `{near}`?"), name.span, near),
            None => diagnostic.help(format!("it can ask for {}", listed(&names))),
        };
        self.report(diagnostic);
        Val::error()
    }

    fn no_member(&mut self, base: &Val, name: &Name, known: &[&str]) -> Val {
        let what = self.describe(base);
        let diagnostic = Diagnostic::new(Code::UNKNOWN_MEMBER, name.span, format!("{what} has no `{}`", name.text));
        self.report(match nearest(&name.text, known.iter().copied()) {
            Some(near) => diagnostic.choice(format!("did you mean `{near}`?"), name.span, near),
            None if known.is_empty() => diagnostic,
            None => diagnostic.help(format!("it has {}", listed(known))),
        });
        Val::error()
    }
}
