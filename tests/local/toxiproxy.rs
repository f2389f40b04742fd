//! The engine `toxiproxy` with a real Toxiproxy.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use perturb::engine::drive::{Confirmation, Driver, Injection};
use perturb::engine::toxiproxy::drive::ToxiproxyDriver;
use perturb::plan::{Body, EngineName};
use perturb::types;
use tokio::net::TcpStream;

use crate::support::{echo, plan, port, round_trip};

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The server's program, or `None` after saying that `test` is skipped.
fn program(test: &str) -> Option<PathBuf> {
    let named = std::env::var_os("PERTURB_TOXIPROXY").map(PathBuf::from);
    let found = named.or_else(|| Some(PathBuf::from("/usr/bin/toxiproxy-server"))).filter(|p| p.is_file());
    if found.is_none() {
        assert!(
            std::env::var_os("PERTURB_REQUIRE_SERVERS").is_none_or(|v| v != "1"),
            "{test} needs Toxiproxy, and PERTURB_REQUIRE_SERVERS is set"
        );
        eprintln!("SKIPPED: {test}: there is no Toxiproxy (PERTURB_TOXIPROXY names its server's program)");
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_toxic_goes_in_and_out_and_all_else_stays_as_it_was() {
    let Some(program) = program("a_toxic_goes_in_and_out_and_all_else_stays_as_it_was") else { return };
    let (api, listen, upstream) = (port(), port(), echo().await);
    let _server = Running(
        Command::new(program)
            .args(["-host", "127.0.0.1", "-port", &api.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    crate::support::until("Toxiproxy", || std::net::TcpStream::connect(("127.0.0.1", api)).is_ok()).await;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let base = format!("http://127.0.0.1:{api}");
    let post = async |path: &str, body: String| {
        let answer = client.post(format!("{base}{path}")).header("user-agent", "test").body(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    };
    let state = async || {
        client.get(format!("{base}/proxies")).header("user-agent", "test").send().await.unwrap().text().await.unwrap()
    };
    post("/proxies", format!(r#"{{"name":"way","listen":"127.0.0.1:{listen}","upstream":"127.0.0.1:{upstream}"}}"#))
        .await;
    // Somebody else's toxic, which has to stay.
    post(
        "/proxies/way/toxics",
        r#"{"name":"own","type":"latency","stream":"upstream","attributes":{"latency":20}}"#.into(),
    )
    .await;
    let before = state().await;

    let mut plan = plan(
        r#"a: { proxy: "way", address: "127.0.0.1:1", upstream: "127.0.0.1:2" }"#,
        "network.delay(one of ledger.pods, latency: 150ms) for 1m",
    );
    plan.place.cluster.engines = vec![EngineName::Toxiproxy];
    plan.place.cluster.toxiproxy = Some(base.as_str().into());
    let driver = ToxiproxyDriver::new();
    driver.ready(&plan).await.unwrap();
    let targets = driver.candidates(&plan, &plan.draws[0].selector, &Default::default()).await.unwrap();
    assert_eq!(targets.len(), 1);
    let Some(Body::Expressed(body)) = plan.faults[0].bodies.get(&EngineName::Toxiproxy) else { panic!() };
    let injection = Injection {
        id: "run-1/1".into(),
        fault: "network.delay".into(),
        mechanism: "toxic-latency".into(),
        effect: plan.faults[0].effect,
        body: body.clone(),
        targets,
        at_most: types::Duration::from_secs(60),
    };
    let undo = driver.prepare(&injection).await.unwrap();
    assert_eq!(state().await, before, "preparing has no effect");
    driver.undo(&undo).await.unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", listen)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    assert!(round_trip(&mut stream).await < Duration::from_millis(120));
    driver.inject(&injection, &undo).await.unwrap();
    driver.inject(&injection, &undo).await.unwrap();
    assert!(matches!(driver.confirm(&injection, &undo).await.unwrap(), Confirmation::There(_)));
    let began = Instant::now();
    round_trip(&mut stream).await;
    assert!(began.elapsed() >= Duration::from_millis(150));
    let record = serde_json::from_str(&serde_json::to_string(&undo).unwrap()).unwrap();
    ToxiproxyDriver::new().undo(&record).await.unwrap();
    assert_eq!(state().await, before);
    assert!(matches!(driver.confirm(&injection, &undo).await.unwrap(), Confirmation::NotSeen(_)));
}
