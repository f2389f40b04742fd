//! A load: requests at a steady rate, whether or not earlier ones were answered, as customers come.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::page::{Tally, page, serve};
use crate::cli::exit::Failure;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where it shows its metrics
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// What it calls a service, and where that is; once for each
    #[arg(long, value_name = "NAME=URL", required = true)]
    to: Vec<String>,
    /// Requests per second to each
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// When a customer gives up
    #[arg(long, value_parser = super::duration, default_value = "10s", value_name = "DURATION")]
    patience: Duration,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let client = super::client()?;
    let mut all: Vec<(String, Arc<Tally>)> = Vec::new();
    for to in &arguments.to {
        let (name, url) = to.split_once('=').ok_or_else(|| Failure::new(format!("`{to}` is not NAME=URL")))?;
        let tally = Arc::new(Tally::default());
        all.push((name.to_owned(), tally.clone()));
        tokio::spawn(send(client.clone(), url.to_owned(), arguments.rate, arguments.patience, tally));
    }
    let all = Arc::new(all);
    serve(arguments.listen, move |_| {
        let all = all.clone();
        async move {
            let mut text = String::new();
            for (name, tally) in all.iter() {
                tally.write(name, &mut text);
            }
            page(200, text)
        }
    })
    .await
}

async fn send(client: reqwest::Client, url: String, rate: u32, patience: Duration, tally: Arc<Tally>) {
    let mut turn = tokio::time::interval(Duration::from_secs(1) / rate);
    turn.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    loop {
        turn.tick().await;
        let (client, url, tally) = (client.clone(), url.clone(), tally.clone());
        tokio::spawn(async move {
            let began = Instant::now();
            let answer = async { client.get(&url).timeout(patience).send().await?.error_for_status()?.bytes().await };
            let ok = answer.await.is_ok();
            tally.count(ok, began.elapsed());
        });
    }
}
