//! Projects to measure with, made from numbers alone: the same numbers give the same bytes.

use std::fmt::Write as _;

/// Paths and texts.
pub type Files = Vec<(String, String)>;

/// What every project needs: a metric, a cluster, an environment, a team.
fn surroundings() -> String {
    r##"//! Where things run and what is measured.

team platform { contact: "#platform-oncall" }

cluster c-1 { context: "c-1", engines: [chaos-mesh, litmus], prometheus: "http://prometheus.observability.svc:9090" }
environment staging { clusters: [c-1] }

/// Share of requests answered without a server error.
metric success-rate(of: Service, over: Duration = 1m): Percent {
  prometheus: """
    sum(rate(http_requests_total{app="${of.name}",code!~"5.."}[${over}]))
    / sum(rate(http_requests_total{app="${of.name}"}[${over}]))
  """
  unit: ratio, window: over
}
"##
    .to_owned()
}

/// One small file that is a project of its own: what people check all day.
pub fn small() -> Files {
    let mut text = surroundings();
    text.insert_str(0, "import std.{network}\n\n");
    text.push_str(
        r#"
/// Books every movement of money.
service ledger {
  owner: platform, tier: critical, replicas: 3
  pods: pods(namespace: "pay", labels: { app: "ledger" })
}

/// The ledger keeps answering while half of it is slow.
experiment ledger-bears-latency {
  service: ledger
  hypothesis {
    expect success: success-rate(ledger) >= 99.5%
    recovery automatic within 90s
  }
  guard  { abort when success-rate(ledger, over: 15s) < 98% for 10s }
  method { network.delay(50% of ledger.pods, latency: 300ms, jitter: 50ms) for 5m }
}
"#,
    );
    vec![("small.chaos".to_owned(), text)]
}

/// Ten faults, each a call on the scenario's subject.
const FAULTS: [(&str, &str); 10] = [
    ("slow", "network.delay(50% of subject.pods, latency: 300ms, jitter: 50ms)"),
    ("lossy", "network.loss(50% of subject.pods, loss: 10%)"),
    ("doubled", "network.duplicate(50% of subject.pods, share: 20%)"),
    ("damaged", "network.corrupt(50% of subject.pods, share: 5%)"),
    ("thin", "network.bandwidth(50% of subject.pods, rate: 1Mbit/s)"),
    ("isolated", "network.isolate(one of subject.pods)"),
    ("failed", "pod.fail(one of subject.pods)"),
    ("busy", "stress.cpu(one of subject.pods, load: 1.5cores)"),
    ("full", "stress.memory(one of subject.pods, size: 256MiB)"),
    ("nameless", "dns.error(one of subject.pods, names: [\"api.bank.example\"])"),
];

/// How many faults [`fleet`] has.
pub const FAULT_COUNT: usize = FAULTS.len();

/// A fleet: `services` services, ten scenarios of one fault each, and a verification of every service by each of them.
///
/// Services stand in files of 100, as in the repositories of teams.
pub fn fleet(services: usize) -> Files {
    let mut files = vec![
        ("perturb.toml".to_owned(), "[project]\nname = \"fleet\"\n".to_owned()),
        ("surroundings.chaos".to_owned(), surroundings()),
    ];
    let mut scenarios = String::from(
        "//! What every service should bear.\n\nimport std.{dns, network, pod, stress}\nimport \"surroundings.chaos\".{staging, success-rate}\n",
    );
    // Runs follow one another, so the period must hold them all: once a year.
    let mut verify =
        String::from("\nverify yearly {\n  in: all of staging.clusters\n  every \"0 2 1 1 *\" in \"UTC\"\n");
    for (name, call) in FAULTS {
        let _ = write!(
            scenarios,
            r#"
/// A service bears that it is {name}.
scenario bears-{name}(subject: Service) {{
  service: subject
  hypothesis {{
    expect success: success-rate(subject) >= 99.5% but >= 95% during faults
    recovery automatic within 90s
  }}
  guard  {{ abort when success-rate(subject, over: 15s) < 90% for 15s }}
  method {{ {call} for 5m }}
}}
"#
        );
        let _ = writeln!(verify, "  run bears-{name}(s) for each s in services where s.tier == critical");
    }
    verify.push_str("}\n");
    scenarios.push_str(&verify);
    files.push(("scenarios.chaos".to_owned(), scenarios));
    for (number, first) in (0..services).step_by(100).enumerate() {
        let mut text = format!("//! Services of team {number}.\n\nimport \"surroundings.chaos\".{{platform}}\n");
        for service in first..services.min(first + 100) {
            let _ = write!(
                text,
                "\n/// Service number {service}.\nservice s{service} {{\n  owner: platform, tier: critical, replicas: 3\n  pods: pods(namespace: \"team-{number}\", labels: {{ app: \"s{service}\" }})\n}}\n"
            );
        }
        files.push((format!("team-{number}.chaos"), text));
    }
    files
}

/// About `bytes` bytes of valid declarations in one text: what a parser meets.
pub fn text(bytes: usize) -> String {
    let mut out = String::with_capacity(bytes + 2_000);
    let mut number = 0;
    while out.len() < bytes {
        let _ = write!(
            out,
            r#"
/// Checkout keeps its objective while the ledger is slow, time number {number}.
experiment checkout-survives-{number} {{
  service:      checkout
  learned-from: [pm-2022-031]

  hypothesis {{
    expect success: success-rate(checkout) >= 99.5%
    expect latency: p99(checkout) < 800ms but < 2s during faults     // two seconds is what people bear
    expect alerted: probe.alert-firing("LedgerSlow") within 2m only during faults
    recovery automatic within 90s
  }}
  guard {{
    abort when success-rate(checkout, over: 15s) < 98% for 10s
    abort when checkout-availability.budget-left < 30%
  }}
  method {{
    let slow = 50% of ledger.pods
    with network.delay(slow, latency: 300ms, jitter: 50ms) {{
      wait 3m
      pod.kill(one of ledger.pods(labels: {{ zone: "a", "app.kubernetes.io/name": "ledger-{number}" }}))
      check replaced: probe.ready-pods(ledger) >= 3 within 1m
    }}
    network.loss(slow, loss: 10%) for 2m
  }}
}}
"#
        );
        number += 1;
    }
    out
}

/// One file of about 400 KB in which each of `count` experiments has one mistake.
pub fn mistakes(count: usize) -> String {
    let mut out = surroundings();
    out.insert_str(0, "import std.{network}\n\n");
    out.push_str("\nservice ledger { owner: platform, tier: critical, replicas: 3, pods: pods(namespace: \"pay\", labels: { app: \"ledger\" }) }\n");
    for number in 0..count {
        // A latency without a unit, once each; the comment brings the file to its size.
        let _ = write!(
            out,
            r#"
/// The ledger keeps answering while half of it is slow, and nobody has said how slow.
experiment ledger-bears-latency-{number} {{
  service: ledger
  hypothesis {{ expect success: success-rate(ledger) >= 99.5%, recovery automatic within 90s }}
  guard  {{ abort when success-rate(ledger, over: 15s) < 98% for 10s }}
  method {{ network.delay(50% of ledger.pods, latency: 300) for 5m }}
}}
"#
        );
    }
    out
}
