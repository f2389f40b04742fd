//! Load on processor and memory, in a process of its own.
//!
//! Comes in: arguments. It ends by itself when its time is over, and when its standard input ends: that is the keeper's
//! end of a pipe, which the kernel closes however the keeper dies.

#![expect(clippy::float_arithmetic, reason = "a busy loop is measured in seconds, not in money")]

use std::io::Read;
use std::time::{Duration, Instant};

/// What is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Thousandths of a core.
    Cpu(u64),
    /// Bytes.
    Memory(u64),
}

/// Requests at a steady rate, whether or not earlier ones were answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requests {
    /// Per thousand seconds.
    pub millirate: u64,
    /// `GET` or `HEAD`.
    pub method: String,
    /// To where.
    pub url: String,
}

/// A turn of working and resting: short against what the kernel's own accounting sees.
const TURN: Duration = Duration::from_millis(20);

/// Ends the process when its standard input ends.
fn end_with_input() {
    std::thread::spawn(|| {
        let mut byte = [0u8; 1];
        while matches!(std::io::stdin().read(&mut byte), Ok(n) if n > 0) {}
        std::process::exit(0);
    });
}

/// Sends for `length` at most. Prints `ready` once the first request was answered.
///
/// # Errors
/// That requests cannot be made at all, or that the first gets no answer.
pub async fn send(requests: &Requests, length: Duration) -> Result<(), String> {
    end_with_input();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .build()
        .map_err(|error| error.to_string())?;
    let method = if requests.method == "HEAD" { reqwest::Method::HEAD } else { reqwest::Method::GET };
    let one = || client.request(method.clone(), &requests.url).send();
    let first = one().await.map_err(|error| error.without_url().to_string())?;
    drop(first);
    ready();
    let end = Instant::now() + length;
    let mut turn =
        tokio::time::interval(Duration::from_secs(1000) / u32::try_from(requests.millirate.max(1)).unwrap_or(u32::MAX));
    turn.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    while Instant::now() < end {
        turn.tick().await;
        let request = one();
        tokio::spawn(async move {
            if let Ok(mut answer) = request.await {
                while matches!(answer.chunk().await, Ok(Some(_))) {}
            }
        });
    }
    Ok(())
}

/// Loads for `length` at most. Prints `ready` on standard output once all of it is there.
pub fn run(load: Load, length: Duration) {
    end_with_input();
    let end = Instant::now() + length;
    match load {
        Load::Cpu(millicores) => {
            let workers: Vec<_> =
                shares(millicores).into_iter().map(|share| std::thread::spawn(move || work(share, end))).collect();
            ready();
            for worker in workers {
                let _ = worker.join();
            }
        }
        Load::Memory(bytes) => {
            let held = take(bytes);
            ready();
            while Instant::now() < end {
                std::thread::sleep(Duration::from_millis(100).min(end.saturating_duration_since(Instant::now())));
            }
            drop(held);
        }
    }
}

fn ready() {
    use std::io::Write;
    let mut out = std::io::stdout();
    let _ = out.write_all(b"ready\n");
    let _ = out.flush();
}

/// Full cores, and what is left as a part of one more.
fn shares(millicores: u64) -> Vec<f64> {
    let mut shares = vec![1.0; usize::try_from(millicores / 1000).unwrap_or(0)];
    if !millicores.is_multiple_of(1000) {
        shares.push((millicores % 1000) as f64 / 1000.0);
    }
    shares
}

/// Works for this share of the time. What a turn took too much of (somebody else had the core) the next ones make up for,
/// so that the share holds over time as far as the machine allows.
fn work(share: f64, end: Instant) {
    let start = Instant::now();
    let mut worked = Duration::ZERO;
    let mut number = 1u64;
    while Instant::now() < end {
        let turn = Instant::now();
        let wanted = start.elapsed().mul_f64(share) + TURN.mul_f64(share);
        let now = wanted.saturating_sub(worked).min(TURN * 5);
        while turn.elapsed() < now {
            for _ in 0..1000 {
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            }
            std::hint::black_box(number);
        }
        worked += turn.elapsed();
        let rest = TURN.saturating_sub(turn.elapsed());
        if share < 1.0 && !rest.is_zero() {
            std::thread::sleep(rest);
        }
    }
}

/// Takes memory and writes to every page, so that it is really there.
fn take(bytes: u64) -> Vec<Vec<u8>> {
    const PART: u64 = 16 * 1024 * 1024;
    let mut held = Vec::new();
    let mut left = bytes;
    while left > 0 {
        let now = usize::try_from(left.min(PART)).unwrap_or(0);
        let mut part = vec![0u8; now];
        for page in part.chunks_mut(4096) {
            if let Some(first) = page.first_mut() {
                *first = 1;
            }
        }
        held.push(part);
        left -= now as u64;
    }
    held
}
