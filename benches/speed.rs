//! How fast each arrow is, for those who change one: `cargo bench -p perturb-benches --bench speed`. The bounds
//! are in `gates.rs`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use perturb::manifest::{Arena, Node, yaml};

/// A document of about 1 KB, as an engine's emitter builds it.
fn document<'a>(arena: &'a Arena, number: usize) -> Node<'a> {
    let text = Node::Text;
    let name = arena.format(format_args!("bears-slow-s{number}-0123456789"));
    let labels = arena.map([
        ("app.kubernetes.io/managed-by", text("perturb")),
        ("app.kubernetes.io/name", name),
        ("perturb.dev/experiment", arena.format(format_args!("bears-slow-s{number}"))),
    ]);
    let annotations = arena.map([
        ("perturb.dev/digest", text("sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")),
        ("perturb.dev/title", text("A service bears that half of it is slow.")),
        (
            "perturb.dev/query",
            text("sum(rate(http_requests_total{code!~\"5..\"}[1m])) / sum(rate(http_requests_total[1m]))"),
        ),
    ]);
    let selector = arena.map([
        ("namespaces", arena.list([arena.format(format_args!("team-{}", number / 100))])),
        ("labelSelectors", arena.map([("app", arena.format(format_args!("s{number}")))])),
    ]);
    let delay = arena.map([("latency", text("300ms")), ("jitter", text("50ms")), ("correlation", text("25"))]);
    let spec = arena.map([
        ("action", text("delay")),
        ("mode", text("fixed-percent")),
        ("value", text("50")),
        ("selector", selector),
        ("delay", delay),
        ("direction", text("to")),
        ("duration", text("300s")),
    ]);
    let metadata =
        arena.map([("name", name), ("namespace", text("chaos")), ("labels", labels), ("annotations", annotations)]);
    arena.map([
        ("apiVersion", text("chaos-mesh.org/v1alpha1")),
        ("kind", text("NetworkChaos")),
        ("metadata", metadata),
        ("spec", spec),
    ])
}

fn write(criterion: &mut Criterion) {
    const DOCUMENTS: usize = 1_000;
    let (mut arena, mut out) = (Arena::new(), String::new());
    let mut all = || {
        out.clear();
        let mut stream = yaml::Stream::default();
        for number in 0..DOCUMENTS {
            arena.reset();
            stream.document(&document(&arena, number), &mut out);
        }
        out.len()
    };
    let bytes = all();
    let mut group = criterion.benchmark_group("yaml");
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("build and write 1,000 documents", |bencher| bencher.iter(&mut all));
    group.finish();
}

criterion_group!(benches, write);
criterion_main!(benches);
