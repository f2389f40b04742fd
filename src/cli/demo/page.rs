//! A server on a loopback address, and the page of metrics that each part shows.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::cli::exit::Failure;

/// Upper bounds of the histogram, in milliseconds.
const BOUNDS: [u64; 12] = [5, 10, 25, 50, 100, 200, 300, 500, 1000, 2000, 5000, 10_000];

/// An answer.
pub type Page = Response<Full<Bytes>>;

/// Requests by outcome, and how long they took.
#[derive(Debug, Default)]
pub struct Tally {
    ok: AtomicU64,
    failed: AtomicU64,
    buckets: [AtomicU64; BOUNDS.len()],
    micros: AtomicU64,
}

impl Tally {
    /// Counts one request.
    pub fn count(&self, ok: bool, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        (if ok { &self.ok } else { &self.failed }).fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        for (bound, bucket) in BOUNDS.iter().zip(&self.buckets) {
            if micros <= bound * 1000 {
                bucket.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Adds its lines in Prometheus' text format.
    pub fn write(&self, service: &str, out: &mut String) {
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let (ok, failed) = (get(&self.ok), get(&self.failed));
        let _ = writeln!(out, "requests_total{{service=\"{service}\",outcome=\"ok\"}} {ok}");
        let _ = writeln!(out, "requests_total{{service=\"{service}\",outcome=\"failed\"}} {failed}");
        for (bound, bucket) in BOUNDS.iter().zip(&self.buckets) {
            let (whole, part) = (bound / 1000, bound % 1000);
            let count = get(bucket);
            let _ = writeln!(out, "request_seconds_bucket{{service=\"{service}\",le=\"{whole}.{part:03}\"}} {count}");
        }
        let (all, micros) = (ok + failed, get(&self.micros));
        let _ = writeln!(out, "request_seconds_bucket{{service=\"{service}\",le=\"+Inf\"}} {all}");
        let _ = writeln!(
            out,
            "request_seconds_sum{{service=\"{service}\"}} {}.{:06}",
            micros / 1_000_000,
            micros % 1_000_000
        );
        let _ = writeln!(out, "request_seconds_count{{service=\"{service}\"}} {all}");
    }
}

/// An answer with this status and text.
pub fn page(status: u16, text: impl Into<Bytes>) -> Page {
    let mut page = Response::new(Full::new(text.into()));
    *page.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    page
}

/// Answers every request with what `answer` gives.
pub async fn serve<F, A>(address: SocketAddr, answer: F) -> Result<(), Failure>
where
    F: Fn(Request<Incoming>) -> A + Send + Sync + 'static,
    A: Future<Output = Page> + Send + 'static,
{
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Failure::new(format!("cannot listen at {address}: {error}")))?;
    let answer = Arc::new(answer);
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let answer = answer.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let answer = answer.clone();
                async move { Ok::<_, Infallible>(answer(request).await) }
            });
            // A client that goes away in the middle is its own business.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
