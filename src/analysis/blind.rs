//! Proof: no guard depends on what a fault of the same plan hits.
//!
//! Comes in: the sources of the streams that guards and expectations sample, and the targets of the faults. Goes out:
//! P0440 (a guard's Prometheus), P0441 (a guard's probe), P0442 (an expectation's Prometheus). What the Kubernetes API
//! says is never blinded. In-cluster hosts are read by their name `SERVICE.NAMESPACE.svc`, others by the `hosts` and
//! `endpoints` of the catalogue; which pods stand behind other names, only preflight could tell.

use super::facts;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Condition, Draw, Fault, Plan, PodSelector, Source, Stream};
use crate::source::Span;

/// Adds guards and expectations that lose sight of what they watch.
pub fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    for guard in &plan.guards {
        if let Some(condition) = facts::guard_condition(&guard.when) {
            watch(plan, condition, &format!("the guard `{}`", guard.text), guard.span, true, out);
        }
    }
    for expectation in plan.expectations.iter().filter(|e| facts::judged_during_faults(&e.phase)) {
        let what = format!("`{}`", expectation.name);
        watch(plan, &expectation.condition, &what, expectation.span, false, out);
    }
}

fn watch(plan: &Plan, condition: &Condition, what: &str, span: Span, guard: bool, out: &mut Vec<Diagnostic>) {
    for stream in facts::streams_of(plan, condition) {
        let Some((url, metrics)) = asked(&stream.source) else { continue };
        let Some(host) = host_of(url) else { continue };
        let code = match (guard, metrics) {
            (true, true) => Code::GUARD_BLINDED,
            (true, false) => Code::GUARD_PROBES_TARGET,
            (false, true) => Code::EXPECTATION_BLINDED,
            // To look at what is hit is what a probe in an expectation is for.
            (false, false) => continue,
        };
        if let Some((fault, draw)) = hit_host(plan, host) {
            out.push(diagnostic(code, what, span, stream, host, (fault, draw)));
            return;
        }
    }
}

fn diagnostic(
    code: Code,
    what: &str,
    span: Span,
    stream: &Stream,
    host: &str,
    (fault, draw): (&Fault, &Draw),
) -> Diagnostic {
    let message = format!("{what} asks `{host}`, which `{}` hits", fault.name);
    let (why, help) = match code {
        Code::GUARD_BLINDED => (
            "silence counts as true for a guard: the run would abort for want of data, whatever the system does",
            "leave the monitoring out of the target, or watch from a Prometheus that runs elsewhere",
        ),
        Code::GUARD_PROBES_TARGET => (
            "a probe that gets no answer counts as true after its patience: the guard may fire because of the fault itself",
            "watch what customers see from outside of the target, and keep the probe for an expectation",
        ),
        _ => (
            "without samples the run can be `inconclusive` at best",
            "leave the monitoring out of the target, or watch from a Prometheus that runs elsewhere",
        ),
    };
    Diagnostic::new(code, span, message)
        .also(fault.span, format!("hits `{}`", draw.text))
        .also(stream.span, format!("`{}` comes from there", stream.text))
        .why(why)
        .help(help)
}

/// What a source asks over the network, and whether that is the cluster's monitoring.
fn asked(source: &Source) -> Option<(&str, bool)> {
    match source {
        Source::Prometheus { server, .. } => server.as_deref().map(|url| (url, true)),
        Source::Json { url, .. } | Source::Http { url, .. } | Source::Tls { url } => Some((url, false)),
        Source::Scrape { url, .. } => Some((url, false)),
        Source::Kubernetes { .. }
        | Source::Processes { .. }
        | Source::Tcp { .. }
        | Source::Dns { .. }
        | Source::Command { .. } => None,
        Source::Objective { indicator, .. } => asked(indicator),
    }
}

/// The host of a URL, without user, port and path.
pub fn host_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = host.split(':').next()?;
    (!host.is_empty()).then_some(host)
}

/// `NAME` and `NAMESPACE` of `NAME.NAMESPACE.svc…`, also behind a pod's own name.
pub fn in_cluster(host: &str) -> Option<(&str, &str)> {
    let parts: Vec<&str> = host.split('.').collect();
    let svc = parts.iter().position(|p| *p == "svc").filter(|i| *i >= 2)?;
    Some((parts.get(svc - 2)?, parts.get(svc - 1)?))
}

/// The first fault that hits what answers under a host name.
fn hit_host<'p>(plan: &'p Plan, host: &str) -> Option<(&'p Fault, &'p Draw)> {
    plan.faults.iter().find_map(|fault| {
        facts::hit_draws(fault).into_iter().find_map(|index| {
            let draw = facts::draw(plan, index)?;
            answers(plan, draw, host).then_some((fault, draw))
        })
    })
}

/// Whether a host name belongs to what a draw takes from.
fn answers(plan: &Plan, draw: &Draw, host: &str) -> bool {
    let service = facts::service_of(plan, draw);
    if service.is_some_and(|(_, facts)| {
        facts.hosts.iter().any(|h| h == host) || facts.endpoints.iter().any(|e| host_of(e) == Some(host))
    }) {
        return true;
    }
    let (Some((name, namespace)), Some(pods)) = (in_cluster(host), draw.selector.pods()) else { return false };
    pods.namespaces.iter().any(|n| n == namespace)
        && (service.is_some_and(|(service, _)| service == name) || selects(pods, name))
}

/// Whether pods of a selector are probably what a Kubernetes Service of this name stands for.
fn selects(pods: &PodSelector, name: &str) -> bool {
    !pods.is_narrowed()
        || pods.labels.iter().any(|(_, value)| value == name)
        || pods.conditions.iter().any(|c| c.is_positive() && c.values().iter().any(|value| value == name))
        || pods.names.iter().any(|pod| pod.starts_with(name))
}
