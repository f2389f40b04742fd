//! The words of the language with what each does: one table behind completion and hover.
//!
//! Facts: `docs/language.md`; a test holds that each word opens a line where the table says, and that each field is one.

/// Where a word or field may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum In {
    /// At the top of a file.
    File,
    /// In an experiment or scenario.
    Body,
    /// In `hypothesis`.
    Hypothesis,
    /// In `guard`.
    Guard,
    /// In `method`, or any block in it.
    Method,
    /// In a game day's `agenda`.
    Agenda,
    /// In `verify`.
    Verify,
    /// In `policy`.
    Policy,
    /// In `gameday`.
    Gameday,
    /// In `fault`.
    Fault,
    /// In an engine's body.
    Engine,
    /// In `metric`.
    Metric,
    /// In a record: `service`, `team`, ….
    Record(&'static str),
}

/// A word that opens an item or a line: where, the word, what is inserted, what it does.
pub const LINES: &[(In, &str, &str, &str)] = &[
    (
        In::File,
        "import",
        "import ${1:std.{network, probe}}",
        "Makes names of another file or of the standard library visible.",
    ),
    (In::File, "let", "let ${1:name} = ${2:value}", "A value with a name."),
    (
        In::File,
        "experiment",
        "/// ${1:What should hold.}\nexperiment ${2:name} {\n  service: ${3}\n\n  hypothesis {\n    expect ${4:success}: ${5}\n    recovery automatic within ${6:90s}\n  }\n  guard {\n    abort when ${7}\n  }\n  method {\n    ${0}\n  }\n}",
        "Something that is done to a service, and what is expected to hold meanwhile.",
    ),
    (
        In::File,
        "scenario",
        "/// ${1:What should hold.}\nscenario ${2:name}(${3:subject: Service}) {\n  service: ${4:subject}\n\n  hypothesis {\n    expect ${5:success}: ${6}\n    recovery automatic within ${7:90s}\n  }\n  method {\n    ${0}\n  }\n}",
        "An experiment with parameters: experiments and verifies are made from it.",
    ),
    (
        In::File,
        "service",
        "service ${1:name} {\n  owner: ${2}, tier: ${3|critical,high,medium,low|}\n  pods: pods(namespace: \"${4}\", labels: { app: \"${1:name}\" })\n}",
        "Something that runs and that somebody owns.",
    ),
    (
        In::File,
        "team",
        "team ${1:name} { contact: \"${2:#channel}\" }",
        "Who owns services, answers questions and approves.",
    ),
    (
        In::File,
        "cluster",
        "cluster ${1:name} { context: \"${1:name}\", engines: [${2:chaos-mesh}] }",
        "A Kubernetes cluster, and the engines that are installed there.",
    ),
    (
        In::File,
        "environment",
        "environment ${1:name} { clusters: [${2}] }",
        "Clusters that belong together, and whether they are protected.",
    ),
    (
        In::File,
        "slo",
        "slo ${1:name} { service: ${2}, indicator: ${3}, objective: ${4:99.9%}, window: ${5:30d} }",
        "What is promised about a service.",
    ),
    (
        In::File,
        "incident",
        "/// ${1:What happened.}\nincident ${2:name} {\n  date: ${3:2026-01-31}, services: [${4}], recovered: ${5|manual,automatic,unknown|}\n  lessons: [\"${6}\"]\n}",
        "What went wrong before, and what was learned.",
    ),
    (
        In::File,
        "metric",
        "metric ${1:name}(of: Service, over: Duration = 1m): ${2|Percent,Duration,Int,Number,Rate,Bytes,Cores,Bool|} {\n  prometheus: \"\"\"\n    ${3}\n  \"\"\"\n  unit: ${4|ratio,percent,s,ms,bytes,per-second,cores,count|}, window: over\n}",
        "A number that can be asked for again and again, with its type.",
    ),
    (
        In::File,
        "fault",
        "fault ${1:name}(on: Pods) {\n  effect: ${2|lasting,instant|}, mechanism: \"${3}\"\n  engine ${4|chaos-mesh,litmus,kubernetes,local,toxiproxy|} {\n    ${0}\n  }\n}",
        "Something that can be done to a target, and how each engine does it.",
    ),
    (
        In::File,
        "verify",
        "verify ${1:name} {\n  in: one of ${2:staging}.clusters\n  every \"${3:0 10 * * tue}\" in \"${4:UTC}\"\n  run ${0}\n}",
        "Experiments that are run again and again.",
    ),
    (
        In::File,
        "policy",
        "policy ${1:name} {\n  environments: [${2}]\n  require ${3} because \"${4}\"\n}",
        "What must hold for whatever runs in these environments.",
    ),
    (
        In::File,
        "gameday",
        "gameday ${1:name} {\n  in: one of ${2:staging}.clusters\n  roles: { ${3:lead}: ${4} }\n  agenda {\n    ${0}\n  }\n}",
        "A day on which people run experiments together.",
    ),
    (
        In::Body,
        "hypothesis",
        "hypothesis {\n  expect ${1:success}: ${2}\n  recovery automatic within ${3:90s}\n}",
        "What is expected to hold, and how soon the service recovers.",
    ),
    (In::Body, "guard", "guard {\n  abort when ${1}\n}", "What ends the run before it does harm."),
    (In::Body, "method", "method {\n  ${0}\n}", "What is done: steps, one after the other."),
    (
        In::Body,
        "let",
        "let ${1:name} = ${2:one of }${3}",
        "A value with a name; a target is drawn once and hit by every step that names it.",
    ),
    (
        In::Hypothesis,
        "expect",
        "expect ${1:name}: ${2}",
        "A condition that every valid sample must fulfil; one that does not refutes.",
    ),
    (
        In::Hypothesis,
        "recovery",
        "recovery ${1|automatic,manual,unknown|} within ${2:90s}",
        "How the service recovers, and within which time after the last undo.",
    ),
    (
        In::Guard,
        "abort",
        "abort when ${1} for ${2:10s}",
        "Ends the method at once if the condition is true for that long; a gap in the samples counts as true.",
    ),
    (
        In::Guard,
        "only",
        "only on ${1:mon}..${2:thu} ${3:10:00}..${4:16:00} in \"${5:UTC}\"",
        "Hours in which it may run.",
    ),
    (In::Guard, "never", "never on ${1:2026-12-24}..${2:2027-01-02} because \"${3}\"", "Days on which it may not run."),
    (In::Guard, "approval", "approval by ${1}", "A team that must agree before it runs."),
    (In::Method, "with", "with ${1}(${2}) {\n  ${0}\n}", "A fault that lasts as long as its block."),
    (In::Method, "wait", "wait ${1:1m}", "Lets time pass."),
    (
        In::Method,
        "check",
        "check ${1:name}: ${2} within ${3:1m}",
        "Waits until the condition holds; if it does not in that time, the run is refuted and ends.",
    ),
    (In::Method, "parallel", "parallel {\n  ${0}\n}", "Steps that begin together; it ends with the last of them."),
    (In::Method, "sequence", "sequence {\n  ${0}\n}", "Several steps as one branch of `parallel`."),
    (
        In::Method,
        "for",
        "for each ${1:share} in ${2:5%..20% by 5%} {\n  ${0}\n}",
        "The block once for each member, one round after the other.",
    ),
    (
        In::Method,
        "let",
        "let ${1:hit} = ${2:one of }${3}",
        "A value with a name; a target is drawn once and hit by every step that names it.",
    ),
    (In::Method, "ask", "ask ${1} \"${2}\" within ${3:5m}", "Asks somebody; no or silence ends the method."),
    (In::Method, "note", "note \"${1}\"", "A line in the journal."),
    (In::Agenda, "run", "run ${1}", "Runs an experiment; it goes on after any verdict but `aborted` and `error`."),
    (In::Agenda, "ask", "ask ${1} \"${2}\" within ${3:5m}", "Asks a role or a team; no or silence ends the agenda."),
    (In::Agenda, "note", "note ${1} \"${2}\" within ${3:5m}", "Somebody's own words in the journal."),
    (In::Agenda, "wait", "wait ${1:5m}", "Lets time pass."),
    (
        In::Verify,
        "every",
        "every \"${1:0 10 * * tue}\" in \"${2:UTC}\"",
        "When it runs: a cron text, and the time zone that it is read in.",
    ),
    (In::Verify, "run", "run ${1}", "What is run; `for each` runs a scenario for each member of a list."),
    (In::Policy, "require", "require ${1} because \"${2}\"", "A condition that must hold for whatever runs there."),
    (In::Policy, "forbid", "forbid ${1} because \"${2}\"", "A condition that must not hold for whatever runs there."),
    (
        In::Policy,
        "only",
        "only on ${1:mon}..${2:thu} ${3:10:00}..${4:16:00} in \"${5:UTC}\"",
        "Hours in which anything may run there.",
    ),
    (
        In::Policy,
        "never",
        "never on ${1:2026-12-24}..${2:2027-01-02} because \"${3}\"",
        "Days on which nothing may run there.",
    ),
    (In::Policy, "approval", "approval by ${1}", "A team that must agree before anything runs there."),
    (In::Gameday, "agenda", "agenda {\n  ${0}\n}", "What is done on that day, one after the other."),
    (
        In::Fault,
        "engine",
        "engine ${1|chaos-mesh,litmus,kubernetes,local,toxiproxy|} {\n  ${0}\n}",
        "How an engine does it.",
    ),
    (In::Engine, "forbid", "forbid ${1} because \"${2}\"", "Arguments that this engine cannot express."),
    (In::Engine, "require", "require ${1} because \"${2}\"", "What must hold of the arguments for this engine."),
];

/// A field: where, its key, what it says.
pub const FIELDS: &[(In, &str, &str)] = &[
    (In::Body, "service", "The service whose resilience is at stake; the verdict goes to its owner."),
    (In::Body, "learned-from", "The incidents behind it."),
    (In::Body, "environments", "Where it may run; without it, everywhere."),
    (In::Body, "baseline", "How long everything must hold before and after; `30s` if not given."),
    (In::Body, "links", "Dashboards and runbooks: `{ name: \"https://…\" }`."),
    (In::Record("team"), "contact", "How the team is reached."),
    (In::Record("team"), "escalation", "Where somebody is called if nobody answers."),
    (In::Record("service"), "owner", "The team that is called."),
    (In::Record("service"), "tier", "How much depends on it."),
    (In::Record("service"), "pods", "Its pods; without them it is external and nothing can hit it."),
    (In::Record("service"), "instances", "Its cloud machines."),
    (In::Record("service"), "container", "The container that faults go into; its only one if not given."),
    (In::Record("service"), "replicas", "How many pods it has: what the blast radius is estimated with."),
    (In::Record("service"), "depends-on", "The services that it needs."),
    (In::Record("service"), "hosts", "The names under which it is reached."),
    (In::Record("service"), "endpoints", "The URLs under which it is reached."),
    (In::Record("service"), "local", "How it is started on this machine."),
    (In::Record("cluster"), "context", "The context of the kubeconfig."),
    (In::Record("cluster"), "engines", "What is installed there, preferred first."),
    (In::Record("cluster"), "region", "Where it is."),
    (In::Record("cluster"), "prometheus", "Where its metrics are asked for."),
    (In::Record("cluster"), "token", "The secret that Prometheus asks for."),
    (In::Record("cluster"), "off-limits", "Namespaces that nothing may hit."),
    (In::Record("cluster"), "chaos-namespace", "Where engines' objects are made."),
    (
        In::Record("cluster"),
        "runtime",
        "What runs its containers, as Litmus has to be told; `containerd` if not given.",
    ),
    (In::Record("cluster"), "runtime-socket", "The runtime's socket, where it is not at its usual place."),
    (
        In::Record("cluster"),
        "remote-cluster",
        "The cluster in which Chaos Mesh injects, by the name that it has there.",
    ),
    (In::Record("cluster"), "toxiproxy", "The API of the Toxiproxy server."),
    (In::Record("environment"), "clusters", "Its clusters."),
    (In::Record("environment"), "protected", "Nothing runs there without a policy that covers it."),
    (In::Record("slo"), "service", "Whose promise it is."),
    (In::Record("slo"), "indicator", "What is measured."),
    (In::Record("slo"), "objective", "What is promised."),
    (In::Record("slo"), "window", "Over which time."),
    (In::Record("incident"), "date", "When it was."),
    (In::Record("incident"), "services", "What it hit."),
    (In::Record("incident"), "recovered", "How it ended."),
    (In::Record("incident"), "lessons", "What was learned."),
    (In::Record("incident"), "report", "Where the report is."),
    (In::Metric, "prometheus", "A query in PromQL."),
    (In::Metric, "json", "A number in a JSON document: `{ url: \"https://…\", pointer: \"/queue/length\" }`."),
    (In::Metric, "http", "What an address answers: `{ url: \"https://…\", answer: status }`."),
    (In::Metric, "kubernetes", "What the API server knows."),
    (In::Metric, "tls", "What a certificate says."),
    (
        In::Metric,
        "scrape",
        "A number of a page of metrics: `{ url: \"http://…/metrics\", metric: \"…\", answer: rate }`.",
    ),
    (
        In::Metric,
        "tcp",
        "Whether an address takes connections, or how long that takes: `{ address: \"host:port\", answer: ok }`.",
    ),
    (In::Metric, "dns", "What a name server answers: `{ name: \"…\", server: \"host:port\", answer: addresses }`."),
    (
        In::Metric,
        "command",
        "What a program says: `{ run: [\"./count\"], answer: output }`. It is killed at the end of `timeout`.",
    ),
    (In::Metric, "unit", "What the bare number means."),
    (In::Metric, "window", "How far back one sample looks."),
    (In::Metric, "every", "How often a sample is taken; `5s` if not given."),
    (In::Metric, "timeout", "How long an answer may take; `every` if not given."),
    (In::Metric, "patience", "After how long a silence is a gap; three times `every` if not given."),
    (In::Fault, "effect", "Whether it lasts until it is undone, or happens once."),
    (In::Fault, "mechanism", "What must not be used twice at once on one target."),
    (In::Fault, "irreversible", "Why it cannot be undone."),
    (In::Fault, "lost-on-restart", "Whether a container's restart takes it away."),
    (In::Fault, "ends-after", "When it ends by itself, as nothing can end it earlier."),
    (In::Verify, "in", "Where it runs: a quantity of clusters."),
    (In::Verify, "fresh-for", "How long a verdict counts in reports."),
    (In::Policy, "environments", "Where it holds."),
    (In::Gameday, "in", "The cluster."),
    (In::Gameday, "roles", "Who takes part: `{ lead: platform }`."),
];

/// What a word that opens a line does.
#[must_use]
pub fn doc_of_line(word: &str) -> Option<&'static str> {
    LINES.iter().find(|(_, w, _, _)| *w == word).map(|(_, _, _, doc)| *doc)
}

/// What a field says.
#[must_use]
pub fn doc_of_field(place: In, key: &str) -> Option<&'static str> {
    FIELDS.iter().find(|(of, k, _)| *of == place && *k == key).map(|(_, _, doc)| *doc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{ITEM_WORDS, LINE_WORDS};

    #[test]
    fn every_word_of_the_language_is_explained_and_no_other() {
        for word in ITEM_WORDS.iter().chain(LINE_WORDS) {
            assert!(doc_of_line(word).is_some(), "`{word}` opens a line and is not in the table");
        }
        for (_, word, ..) in LINES {
            assert!(ITEM_WORDS.contains(word) || LINE_WORDS.contains(word), "`{word}` opens nothing");
        }
    }

    #[test]
    fn every_field_is_explained_and_no_other() {
        use crate::check::declared::{BODY_FIELDS, FAULT_FIELDS, METRIC_FIELDS, fields_of};
        use crate::check::program::RecordWord::{Cluster, Environment, Incident, Service, Slo, Team};
        let of = |place: In, keys: &[&str]| {
            for key in keys.iter().filter(|k| **k != "links") {
                assert!(doc_of_field(place, key).is_some(), "{place:?} has a field `{key}` that is not in the table");
            }
            for (_, key, _) in FIELDS.iter().filter(|(p, ..)| *p == place) {
                assert!(keys.contains(key), "{place:?} has no field `{key}`");
            }
        };
        of(In::Body, BODY_FIELDS);
        of(In::Fault, FAULT_FIELDS);
        of(In::Metric, METRIC_FIELDS);
        for (word, text) in [
            (Team, "team"),
            (Service, "service"),
            (Cluster, "cluster"),
            (Environment, "environment"),
            (Slo, "slo"),
            (Incident, "incident"),
        ] {
            let keys: Vec<&str> = fields_of(word).iter().map(|spec| spec.key).collect();
            of(In::Record(text), &keys);
        }
    }
}
