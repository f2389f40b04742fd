//! Gates of the proxy, as ratios within one run: it costs hardly more than `copy_bidirectional`, and its faults are exact.
//!
//! `cargo bench -p perturb-benches --bench proxy`, or `-- trip flow delay bandwidth` for some of them. Prints what it
//! measured and fails where a gate is not met. What is compared runs in turns, so that what else the machine does meets
//! both. A delay has nothing to be compared with, so the machine's own timer is measured beside it: a turn in which that
//! came late by more than a delay may says nothing of the proxy, and is taken again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use perturb::engine::local::proxy::{Active, Counters, Distribution, PathFault, Proxy, Sides};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// At most so much longer than `copy_bidirectional` for a round trip of 64 bytes.
const ROUND_TRIP: f64 = 1.1;
/// At least so much of its throughput.
const THROUGHPUT: f64 = 0.9;
/// Milliseconds by which a delay may be off at the median, and for one of a hundred.
const DELAY: (f64, f64) = (0.2, 0.6);
/// By which share a bandwidth may be off.
const BANDWIDTH: f64 = 0.02;
/// How often the throughput of both is compared: how the kernel lays three tasks on two cores changes from turn to turn.
const FLOW_TURNS: usize = 25;
/// How many turns of 1,000 connections a delay is measured over, and how often at most one is begun.
const DELAY_TURNS: (usize, usize) = (3, 12);
/// By how many milliseconds the machine's own timer may be late, for one of a hundred, in a turn that counts.
const TIMER: f64 = 0.3;

fn main() {
    let named: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let wanted = |name: &str| named.is_empty() || named.iter().any(|n| n == name);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut failed = Vec::new();
    runtime.block_on(async {
        if wanted("trip") {
            round_trips(&mut failed).await;
        }
        if wanted("flow") {
            for pairs in [1, 16] {
                throughput(pairs, &mut failed).await;
            }
        }
        if wanted("delay") {
            delay(&mut failed).await;
        }
        if wanted("bandwidth") {
            for megabytes in [1, 10, 100] {
                bandwidth(megabytes, &mut failed).await;
            }
        }
    });
    if !failed.is_empty() {
        println!("not met: {}", failed.join("; "));
        std::process::exit(1);
    }
}

fn judge(what: &str, measured: String, met: bool, failed: &mut Vec<String>) {
    println!("{:<44} {measured:<40} {}", what, if met { "met" } else { "NOT MET" });
    if !met {
        failed.push(what.to_owned());
    }
}

/// What tokio alone does.
async fn plain(upstream: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(upstream).await.unwrap();
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    address
}

async fn ours(upstream: SocketAddr) -> Proxy {
    Proxy::open("127.0.0.1:0", &upstream.to_string()).await.unwrap()
}

async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                stream.set_nodelay(true).unwrap();
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    address
}

/// Sends for ever.
async fn source() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let bytes = vec![7u8; 256 * 1024];
                while stream.write_all(&bytes).await.is_ok() {}
            });
        }
    });
    address
}

async fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

async fn trip(stream: &mut TcpStream) -> Duration {
    let mut bytes = [7u8; 64];
    let began = Instant::now();
    stream.write_all(&bytes).await.unwrap();
    stream.read_exact(&mut bytes).await.unwrap();
    began.elapsed()
}

/// The value below which this share of them lies.
fn quantile(times: &mut [f64], share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * share).round() as usize]
}

async fn round_trips(failed: &mut Vec<String>) {
    let upstream = echo().await;
    let (plain, ours) = (plain(upstream).await, ours(upstream).await);
    let (mut one, mut other) = (connect(plain).await, connect(ours.address).await);
    let (mut plain_times, mut our_times) = (Vec::new(), Vec::new());
    for turn in 0..20_000 {
        let (a, b) = (trip(&mut one).await, trip(&mut other).await);
        // The first ones warm up.
        if turn >= 2_000 {
            plain_times.push(a.as_secs_f64() * 1e6);
            our_times.push(b.as_secs_f64() * 1e6);
        }
    }
    let (a, b) = (quantile(&mut plain_times, 0.5), quantile(&mut our_times, 0.5));
    let ratio = b / a;
    judge("round trip of 64 bytes", format!("{b:.1} µs, tokio {a:.1} µs: {ratio:.3}×"), ratio <= ROUND_TRIP, failed);
}

/// Bytes per second over so many connections for a while.
async fn flow(to: SocketAddr, pairs: usize) -> f64 {
    const LENGTH: Duration = Duration::from_millis(250);
    let mut readers = Vec::new();
    for _ in 0..pairs {
        let mut stream = connect(to).await;
        readers.push(tokio::spawn(async move {
            let mut buffer = vec![0u8; 256 * 1024];
            let (mut total, began) = (0usize, Instant::now());
            while began.elapsed() < LENGTH {
                total += stream.read(&mut buffer).await.unwrap();
            }
            total as f64 / began.elapsed().as_secs_f64()
        }));
    }
    let mut total = 0.0;
    for reader in readers {
        total += reader.await.unwrap();
    }
    total
}

async fn throughput(pairs: usize, failed: &mut Vec<String>) {
    let upstream = source().await;
    let (plain, ours) = (plain(upstream).await, ours(upstream).await);
    let mut ratios = Vec::new();
    let mut rates = Vec::new();
    for turn in 0..FLOW_TURNS {
        // Who goes first changes, as a machine that slows down or warms up would favour one of the two.
        let (a, b) = if turn % 2 == 0 {
            let a = flow(plain, pairs).await;
            (a, flow(ours.address, pairs).await)
        } else {
            let b = flow(ours.address, pairs).await;
            (flow(plain, pairs).await, b)
        };
        ratios.push(b / a);
        rates.push(b / 1e6);
    }
    let (ratio, rate) = (quantile(&mut ratios, 0.5), quantile(&mut rates, 0.5));
    judge(
        &format!("throughput of {pairs} pairs"),
        format!("{rate:.0} MB/s: {ratio:.2}× tokio"),
        ratio >= THROUGHPUT,
        failed,
    );
}

/// How long the first round trip of so many new connections takes, in milliseconds, one begun every 2 ms.
async fn first_trips(address: SocketAddr, count: usize) -> Vec<f64> {
    let mut trips = Vec::new();
    for _ in 0..count {
        trips.push(tokio::spawn(async move {
            let mut stream = connect(address).await;
            trip(&mut stream).await.as_secs_f64() * 1e3
        }));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut times = Vec::new();
    for one in trips {
        times.push(one.await.unwrap());
    }
    times
}

/// By how many milliseconds the kernel wakes a thread late that does nothing else, until it is told to end.
fn timer(until: Arc<std::sync::atomic::AtomicBool>) -> std::thread::JoinHandle<Vec<f64>> {
    const REST: Duration = Duration::from_millis(2);
    std::thread::spawn(move || {
        let mut late = Vec::new();
        while !until.load(std::sync::atomic::Ordering::Relaxed) {
            let began = Instant::now();
            std::thread::sleep(REST);
            late.push((began.elapsed() - REST).as_secs_f64() * 1e3);
        }
        late
    })
}

async fn delay(failed: &mut Vec<String>) {
    let (mut medians, mut lates) = (Vec::new(), Vec::new());
    let mut begun = 0;
    while medians.len() < DELAY_TURNS.0 && begun < DELAY_TURNS.1 {
        begun += 1;
        let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let timer = timer(over.clone());
        let DelayErrors { median, late, bare } = delay_errors().await;
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        let machine = quantile(&mut timer.join().unwrap(), 0.99);
        let counts = machine <= TIMER;
        println!(
            "  turn {begun}: {median:.3} ms median, {late:.3} ms p99; without a delay {bare:.3} ms p99; the machine's timer \
             {machine:.3} ms p99{}",
            if counts { "" } else { ": does not count" }
        );
        if counts {
            medians.push(median);
            lates.push(late);
        }
    }
    if medians.len() < DELAY_TURNS.0 {
        judge("100 ms over 1,000 connections: error", "the machine is too busy to say".to_owned(), false, failed);
        return;
    }
    let (median, late) = (quantile(&mut medians, 0.5), quantile(&mut lates, 0.5));
    judge(
        "100 ms over 1,000 connections: error",
        format!("{median:.3} ms median, {late:.3} ms p99"),
        median <= DELAY.0 && late <= DELAY.1,
        failed,
    );
}

/// The error of a delay, in milliseconds.
struct DelayErrors {
    median: f64,
    /// For one of a hundred.
    late: f64,
    /// By how much one of a hundred of the same trips is off that nobody delays: nobody is told more of a delay than that.
    bare: f64,
}

async fn delay_errors() -> DelayErrors {
    let proxy = ours(echo().await).await;
    // What the same costs without a delay, with the connection's own beginning: the upstream has to be reached, too.
    let mut trips = first_trips(proxy.address, 1_000).await;
    let usual = quantile(&mut trips, 0.5);
    let mut off: Vec<f64> = trips.iter().map(|one| (one - usual).abs()).collect();
    let bare = quantile(&mut off, 0.99);
    let fault = PathFault::Delay {
        latency: 100_000_000,
        jitter: 0,
        distribution: Distribution::Uniform,
        sides: Sides::Outgoing,
    };
    proxy.path.set(Some(Arc::new(Active { fault, counters: Counters::default() })));
    let trips = first_trips(proxy.address, 1_000).await;
    let mut errors: Vec<f64> = trips.iter().map(|one| (one - 100.0 - usual).abs()).collect();
    DelayErrors { median: quantile(&mut errors, 0.5), late: quantile(&mut errors, 0.99), bare }
}

async fn bandwidth(megabytes: u64, failed: &mut Vec<String>) {
    let proxy = ours(source().await).await;
    let fault = PathFault::Bandwidth { bits_per_second: megabytes * 8_000_000, sides: Sides::Outgoing };
    proxy.path.set(Some(Arc::new(Active { fault, counters: Counters::default() })));
    let mut stream = connect(proxy.address).await;
    let mut buffer = vec![0u8; 256 * 1024];
    // Until it flows.
    let warm = Instant::now();
    while warm.elapsed() < Duration::from_millis(300) {
        assert_ne!(stream.read(&mut buffer).await.unwrap(), 0, "the source goes on");
    }
    let (mut total, began) = (0usize, Instant::now());
    while began.elapsed() < Duration::from_secs(2) {
        total += stream.read(&mut buffer).await.unwrap();
    }
    let rate = total as f64 / began.elapsed().as_secs_f64() / 1e6;
    let error = (rate / megabytes as f64 - 1.0).abs();
    judge(
        &format!("{megabytes} MB/s"),
        format!("{rate:.2} MB/s: off by {:.2} %", error * 100.0),
        error <= BANDWIDTH,
        failed,
    );
}
