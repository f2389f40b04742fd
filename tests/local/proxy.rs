//! The proxy's faults, one by one, on real connections.

use std::sync::Arc;
use std::time::{Duration, Instant};

use perturb::engine::local::proxy::{Active, Counters, Distribution, HttpChange, HttpFault, PathFault, Proxy, Sides};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{echo, round_trip};

async fn proxy(upstream: u16) -> Proxy {
    Proxy::open("127.0.0.1:0", &format!("127.0.0.1:{upstream}")).await.unwrap()
}

fn put_in(proxy: &Proxy, fault: PathFault) -> Arc<Active> {
    let active = Arc::new(Active { fault, counters: Counters::default() });
    proxy.path.set(Some(active.clone()));
    active
}

async fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_closed_connection_still_gets_its_answer() {
    // Reads to the end, then answers: what Toxiproxy loses.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut all = Vec::new();
                stream.read_to_end(&mut all).await.unwrap();
                stream.write_all(format!("got {}", all.len()).as_bytes()).await.unwrap();
            });
        }
    });
    let proxy = proxy(port).await;
    let delay =
        PathFault::Delay { latency: 50_000_000, jitter: 0, distribution: Distribution::Uniform, sides: Sides::Both };
    for fault in [None, Some(delay)] {
        if let Some(fault) = fault {
            put_in(&proxy, fault);
        }
        let mut stream = connect(&proxy).await;
        stream.write_all(&vec![7u8; 300_000]).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "got 300000");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_arrives_whole_and_in_order_also_when_the_fault_ends_meanwhile() {
    let proxy = proxy(echo().await).await;
    put_in(
        &proxy,
        PathFault::Delay {
            latency: 30_000_000,
            jitter: 30_000_000,
            distribution: Distribution::Uniform,
            sides: Sides::Both,
        },
    );
    let stream = connect(&proxy).await;
    let (mut from, mut to) = stream.into_split();
    let sent: Vec<u8> = (0..2_000_000u32).map(|n| (n % 251) as u8).collect();
    let copy = sent.clone();
    let path = proxy.path.clone();
    tokio::spawn(async move {
        for (i, piece) in copy.chunks(10_007).enumerate() {
            to.write_all(piece).await.unwrap();
            if i == 100 {
                path.set(None);
            }
        }
        to.shutdown().await.unwrap();
    });
    let mut got = Vec::new();
    from.read_to_end(&mut got).await.unwrap();
    assert!(got == sent, "{} of {} bytes, or in another order", got.len(), sent.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_reset_those_that_are_open_and_those_that_come() {
    let proxy = proxy(echo().await).await;
    let mut open = connect(&proxy).await;
    round_trip(&mut open).await;
    let active = put_in(&proxy, PathFault::Reset { share: 10_000 });
    let error = open.read(&mut [0u8; 1]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    // The reset may come before the client has even seen its connection.
    if let Ok(mut fresh) = TcpStream::connect(proxy.address).await {
        assert!(fresh.read(&mut [0u8; 1]).await.is_err());
    }
    assert_eq!(active.counters.tell(&active.fault).as_deref(), Some("the proxy reset 2 connections"));
    proxy.path.set(None);
    round_trip(&mut connect(&proxy).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_holds_everything_back_and_gives_it_when_it_ends() {
    let proxy = proxy(echo().await).await;
    let mut stream = connect(&proxy).await;
    round_trip(&mut stream).await;
    let active = put_in(&proxy, PathFault::Cut { sides: Sides::Both });
    stream.write_all(b"hello").await.unwrap();
    let mut bytes = [0u8; 5];
    assert!(tokio::time::timeout(Duration::from_millis(200), stream.read_exact(&mut bytes)).await.is_err());
    assert!(active.counters.tell(&active.fault).unwrap().contains("5 bytes"));
    proxy.path.set(None);
    tokio::time::timeout(Duration::from_secs(2), stream.read_exact(&mut bytes)).await.unwrap().unwrap();
    assert_eq!(&bytes, b"hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_open_the_upstream_is_gone_and_the_client_does_not_know() {
    let proxy = proxy(echo().await).await;
    let mut stream = connect(&proxy).await;
    round_trip(&mut stream).await;
    let active = put_in(&proxy, PathFault::HalfOpen);
    // What is on its way when the fault goes in still arrives.
    let begin = std::time::Instant::now();
    while active.counters.tell(&active.fault).is_none() && begin.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for _ in 0..10 {
        stream.write_all(b"anybody there?").await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(tokio::time::timeout(Duration::from_millis(100), stream.read(&mut [0u8; 1])).await.is_err());
    proxy.path.set(None);
    assert!(stream.read(&mut [0u8; 1]).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_comes_late() {
    let proxy = proxy(echo().await).await;
    put_in(&proxy, PathFault::SlowClose { wait: 200_000_000, sides: Sides::Outgoing });
    let mut stream = connect(&proxy).await;
    round_trip(&mut stream).await;
    let began = Instant::now();
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read(&mut [0u8; 1]).await.unwrap(), 0);
    assert!(began.elapsed() >= Duration::from_millis(195), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_flow_as_fast_as_they_may() {
    let proxy = proxy(echo().await).await;
    put_in(&proxy, PathFault::Bandwidth { bits_per_second: 80_000_000, sides: Sides::Outgoing });
    let stream = connect(&proxy).await;
    let (mut from, mut to) = stream.into_split();
    tokio::spawn(async move {
        to.write_all(&vec![0u8; 5_000_000]).await.unwrap();
        to.shutdown().await.unwrap();
    });
    let began = Instant::now();
    let mut got = Vec::new();
    from.read_to_end(&mut got).await.unwrap();
    let took = began.elapsed().as_secs_f64();
    assert_eq!(got.len(), 5_000_000);
    // 5 MB at 10 MB/s. Late by what a busy machine makes of it; early never.
    assert!((0.49..5.0).contains(&took), "{took}");
}

/// An HTTP server that keeps connections: it answers with the path and the body that it got.
async fn http_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = hyper::service::service_fn(|request: hyper::Request<hyper::body::Incoming>| async move {
                use http_body_util::BodyExt;
                let path = request.uri().path().to_owned();
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let text = format!("{path} {}", body.len());
                Ok::<_, std::convert::Infallible>(hyper::Response::new(http_body_util::Full::new(
                    hyper::body::Bytes::from(text),
                )))
            });
            let io = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        }
    });
    port
}

fn http(change: HttpChange, path: Option<&str>, method: Option<&str>) -> PathFault {
    PathFault::Http(HttpFault {
        method: method.map(str::to_owned),
        path: path.map(str::to_owned),
        share: 10_000,
        change,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_changed_as_asked_and_others_are_not() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let proxy = proxy(http_server().await).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let base = format!("http://{}", proxy.address);
    let get = async |path: &str| {
        let answer = client.get(format!("{base}{path}")).send().await.unwrap();
        let status = answer.status().as_u16();
        let kind = answer.headers().get("x-kind").map(|v| v.to_str().unwrap().to_owned());
        let text = answer.text().await.unwrap();
        // The client takes its connection back a moment after the answer; who asks before that gets another one.
        tokio::time::sleep(Duration::from_millis(50)).await;
        (status, kind, text)
    };
    // Before anything: the connection is then kept, and met by the fault all the same.
    assert_eq!(get("/v1/a").await, (200, None, "/v1/a 0".into()));
    assert_eq!(proxy.path.connections(), 1);

    put_in(&proxy, http(HttpChange::Status(503), Some("/v1/*"), None));
    assert_eq!(get("/v1/a").await, (503, None, "/v1/a 0".into()));
    assert_eq!(get("/v2/a").await, (200, None, "/v2/a 0".into()));
    let posted = client.post(format!("{base}/v1/b")).body(vec![1u8; 200_000]).send().await.unwrap();
    assert_eq!((posted.status().as_u16(), posted.text().await.unwrap()), (503, "/v1/b 200000".into()));
    assert_eq!(proxy.path.connections(), 1, "the connection was kept through all of it");

    put_in(&proxy, http(HttpChange::Header("X-Kind".into(), "odd".into()), None, None));
    assert_eq!(get("/x").await, (200, Some("odd".into()), "/x 0".into()));

    let active = put_in(&proxy, http(HttpChange::Body("{".into()), None, Some("GET")));
    assert_eq!(get("/x").await, (200, None, "{".into()));
    let posted = client.post(format!("{base}/x")).send().await.unwrap().text().await.unwrap();
    assert_eq!(posted, "/x 0");
    assert_eq!(active.counters.tell(&active.fault).as_deref(), Some("the proxy changed 1 of 2 requests"));

    put_in(&proxy, http(HttpChange::Delay(150_000_000), None, None));
    let began = Instant::now();
    get("/x").await;
    assert!(began.elapsed() >= Duration::from_millis(150));

    put_in(&proxy, http(HttpChange::Abort, Some("/gone"), None));
    assert!(client.get(format!("{base}/gone")).send().await.is_err());
    assert_eq!(get("/x").await.0, 200);

    proxy.path.set(None);
    assert_eq!(get("/gone").await, (200, None, "/gone 0".into()));
}
