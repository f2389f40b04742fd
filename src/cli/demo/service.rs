//! One service: `GET /` calls others and answers; `/health` says whether it is there; `/metrics` counts.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::page::{Page, Tally, page, serve};
use crate::cli::exit::Failure;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What it is called in its answers and metrics
    #[arg(long)]
    name: String,
    /// Where it listens
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// What it asks before it answers; with commas, replicas of which one is enough
    #[arg(long, value_name = "URL[,URL]")]
    call: Vec<String>,
    /// How long it waits for each; without it, for ever
    #[arg(long, value_parser = super::duration, value_name = "DURATION")]
    timeout: Option<Duration>,
    /// Whether an answer of before will do where none comes in time
    #[arg(long)]
    remember: bool,
    /// How long its own work takes
    #[arg(long, value_parser = super::duration, default_value = "2ms", value_name = "DURATION")]
    work: Duration,
}

struct Service {
    name: String,
    calls: Vec<Call>,
    timeout: Option<Duration>,
    remember: bool,
    work: Duration,
    client: reqwest::Client,
    tally: Tally,
}

struct Call {
    replicas: Vec<String>,
    last: Mutex<Option<String>>,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let calls = arguments
        .call
        .iter()
        .map(|c| Call { replicas: c.split(',').map(str::to_owned).collect(), last: Mutex::new(None) });
    let service = Arc::new(Service {
        name: arguments.name.clone(),
        calls: calls.collect(),
        timeout: arguments.timeout,
        remember: arguments.remember,
        work: arguments.work,
        client: super::client()?,
        tally: Tally::default(),
    });
    serve(arguments.listen, move |request| {
        let service = service.clone();
        let path = request.uri().path().to_owned();
        async move { service.answer(&path).await }
    })
    .await
}

impl Service {
    async fn answer(&self, path: &str) -> Page {
        match path {
            "/health" => page(200, "well\n"),
            "/metrics" => {
                let mut text = String::new();
                self.tally.write(&self.name, &mut text);
                page(200, text)
            }
            _ => {
                let began = Instant::now();
                let answer = self.work().await;
                self.tally.count(answer.is_ok(), began.elapsed());
                match answer {
                    Ok(text) => page(200, text),
                    Err(reason) => page(503, format!("{}: {reason}\n", self.name)),
                }
            }
        }
    }

    async fn work(&self) -> Result<String, String> {
        let mut text = String::new();
        for call in &self.calls {
            text.push_str(&self.ask(call).await?);
        }
        tokio::time::sleep(self.work).await;
        Ok(format!("{text}{}\n", self.name))
    }

    /// The first replica that answers, or what it answered before.
    async fn ask(&self, call: &Call) -> Result<String, String> {
        let mut reason = String::new();
        for url in &call.replicas {
            let mut request = self.client.get(url);
            if let Some(timeout) = self.timeout {
                request = request.timeout(timeout);
            }
            let answer = async { request.send().await?.error_for_status()?.text().await };
            match answer.await {
                Ok(text) => {
                    *crate::engine::local::proxy::lock(&call.last) = Some(text.clone());
                    return Ok(text);
                }
                Err(error) => reason = error.to_string(),
            }
        }
        let last = crate::engine::local::proxy::lock(&call.last).clone();
        last.filter(|_| self.remember).ok_or(reason)
    }
}
