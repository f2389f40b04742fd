//! The server: answers from memory, in one write, without a body where a check asks.
//!
//! Comes in: requests. Goes out: 204 or 503 for checks, pages for people and Prometheus. It asks nobody: a check that waits
//! is a check that fails, and one whose answer stalls half-way is thrown away by Chaos Mesh without a word.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::board::{Board, Check};
use crate::engine::chaos_mesh::GateConfig;

/// A request that is not here whole by then is dropped.
const HEADERS: Duration = Duration::from_secs(5);
/// Connections at once; more wait.
const MOST: usize = 256;

type Page = Response<Full<Bytes>>;

/// Answers until the process ends.
pub async fn serve(listener: TcpListener, config: Arc<GateConfig>, board: Arc<Board>) {
    let places = Arc::new(Semaphore::new(MOST));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => {
                // Too many open files, most likely: it gets better when others close.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let (config, board) = (config.clone(), board.clone());
        tokio::spawn(async move {
            let answer = service_fn(move |request: Request<Incoming>| {
                let page = answer(request.method(), request.uri().path(), &config, &board);
                async move { Ok::<_, Infallible>(page) }
            });
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(HEADERS).keep_alive(false);
            // Whoever hangs up gets nothing.
            let _ = server.serve_connection(TokioIo::new(stream), answer).await;
            drop(place);
        });
    }
}

fn answer(method: &Method, path: &str, config: &GateConfig, board: &Board) -> Page {
    if method != Method::GET && method != Method::HEAD {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "");
    }
    let now = Instant::now();
    let closed = StatusCode::SERVICE_UNAVAILABLE;
    let ready = if board.is_ready(now) { StatusCode::OK } else { closed };
    match path {
        "/healthz" => return plain(StatusCode::OK, "ok\n"),
        "/readyz" => return plain(ready, ""),
        "/metrics" => {
            let labels = format!("namespace=\"{}\",experiment=\"{}\"", config.namespace, config.name);
            return page(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", board.metrics(now, &labels));
        }
        "/verdict" => return verdict(board),
        _ => {}
    }
    let base = path.strip_prefix("/v1/").and_then(|p| p.strip_prefix(config.namespace.as_str()));
    let rest = base.and_then(|p| p.strip_prefix('/')).and_then(|p| p.strip_prefix(config.name.as_str()));
    match rest.and_then(|p| p.strip_prefix('/')) {
        Some("verdict") => verdict(board),
        // Whatever else is asked, nobody is let through.
        Some(what) => match Check::parse(what) {
            Some(check) if board.ask(&check, now) => plain(StatusCode::NO_CONTENT, ""),
            _ => plain(closed, ""),
        },
        None => plain(StatusCode::NOT_FOUND, ""),
    }
}

fn verdict(board: &Board) -> Page {
    page(StatusCode::OK, "application/json", format!("{}\n", board.verdict()))
}

fn plain(status: StatusCode, text: &'static str) -> Page {
    page(status, "text/plain; charset=utf-8", text)
}

fn page(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Page {
    let text = text.into();
    let is_empty = text.is_empty();
    let mut page = Response::new(Full::new(text));
    *page.status_mut() = status;
    let headers = page.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if !is_empty {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    page
}
