//! The engine `toxiproxy` with a real Toxiproxy.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use perturb::engine::drive::{Confirmation, DriveError, Driver, Injection, UndoRecord};
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

/// A server with one proxy, `way`, before an echo, and somebody else's toxic on it.
struct Rig {
    program: PathBuf,
    server: Running,
    api: u16,
    listen: u16,
    upstream: u16,
    client: reqwest::Client,
}

impl Rig {
    async fn up(test: &str) -> Option<Self> {
        let program = program(test)?;
        let (api, listen, upstream) = (port(), port(), echo().await);
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
        let server = start(&program, api).await;
        let rig = Self { program, server, api, listen, upstream, client };
        rig.make_proxy().await;
        Some(rig)
    }

    async fn make_proxy(&self) {
        let (listen, upstream) = (self.listen, self.upstream);
        let way = format!(r#"{{"name":"way","listen":"127.0.0.1:{listen}","upstream":"127.0.0.1:{upstream}"}}"#);
        self.send(reqwest::Method::POST, "/proxies", &way).await;
        let own = r#"{"name":"own","type":"latency","stream":"upstream","attributes":{"latency":20}}"#;
        self.send(reqwest::Method::POST, "/proxies/way/toxics", own).await;
    }

    fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.api)
    }

    async fn send(&self, method: reqwest::Method, path: &str, body: &str) -> String {
        let request = self.client.request(method, format!("{}{path}", self.base())).header("user-agent", "test");
        let answer = request.body(body.to_owned()).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        text
    }

    async fn state(&self) -> String {
        self.send(reqwest::Method::GET, "/proxies", "").await
    }

    async fn injection(&self, driver: &ToxiproxyDriver, id: &str) -> Injection {
        let mut plan = plan(
            r#"a: { proxy: "way", address: "127.0.0.1:1", upstream: "127.0.0.1:2" }"#,
            "network.delay(one of ledger.pods, latency: 150ms) for 1m",
        );
        plan.place.cluster.engines = vec![EngineName::Toxiproxy];
        plan.place.cluster.toxiproxy = Some(self.base().as_str().into());
        driver.ready(&plan).await.unwrap();
        let targets = driver.candidates(&plan, &plan.draws[0].selector, &Default::default()).await.unwrap();
        assert_eq!(targets.len(), 1);
        let Some(Body::Expressed(body)) = plan.faults[0].bodies.get(&EngineName::Toxiproxy) else { panic!() };
        Injection {
            id: id.into(),
            fault: "network.delay".into(),
            mechanism: "toxic-latency".into(),
            effect: plan.faults[0].effect,
            body: body.clone(),
            targets,
            at_most: types::Duration::from_secs(60),
        }
    }

    async fn put_in(&self, driver: &ToxiproxyDriver) -> (Injection, UndoRecord) {
        let injection = self.injection(driver, "run-1/1").await;
        let undo = driver.prepare(&injection).await.unwrap();
        driver.inject(&injection, &undo).await.unwrap();
        (injection, undo)
    }
}

async fn start(program: &std::path::Path, api: u16) -> Running {
    let server = Running(
        Command::new(program)
            .args(["-host", "127.0.0.1", "-port", &api.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    crate::support::until("Toxiproxy", || std::net::TcpStream::connect(("127.0.0.1", api)).is_ok()).await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_missing_or_switched_off_is_named() {
    let Some(rig) = Rig::up("a_proxy_that_is_missing_or_switched_off_is_named").await else { return };
    let why = async |proxies: &[&str]| {
        let replica = |(n, proxy): (usize, &&str)| {
            format!(r#"r{n}: {{ proxy: "{proxy}", address: "127.0.0.1:{n}1", upstream: "127.0.0.1:{n}2" }}"#)
        };
        let local: Vec<String> = (1..).zip(proxies).map(replica).collect();
        let mut plan = plan(&local.join(", "), "network.delay(one of ledger.pods, latency: 150ms) for 1m");
        plan.place.cluster.engines = vec![EngineName::Toxiproxy];
        plan.place.cluster.toxiproxy = Some(rig.base().as_str().into());
        ToxiproxyDriver::new().candidates(&plan, &plan.draws[0].selector, &Default::default()).await
    };
    let missing = why(&["weg"]).await.unwrap_err().to_string();
    assert!(missing.contains("Toxiproxy has no proxy `weg`; it has `way`"), "{missing}");
    // One of two is there: that is the candidate.
    assert_eq!(why(&["weg", "way"]).await.unwrap().len(), 1);
    rig.send(reqwest::Method::POST, "/proxies/way", r#"{"enabled":false}"#).await;
    let off = why(&["weg", "way"]).await.unwrap_err().to_string();
    assert!(off.contains("it has `way`; the proxy `way` is switched off"), "{off}");
    rig.send(reqwest::Method::DELETE, "/proxies/way", "").await;
    let none = why(&["way"]).await.unwrap_err().to_string();
    assert!(none.contains("Toxiproxy has no proxy `way`, and no other"), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_toxic_goes_in_and_out_and_all_else_stays_as_it_was() {
    let Some(rig) = Rig::up("a_toxic_goes_in_and_out_and_all_else_stays_as_it_was").await else { return };
    let before = rig.state().await;
    let driver = ToxiproxyDriver::new();
    let injection = rig.injection(&driver, "run-1/1").await;
    let undo = driver.prepare(&injection).await.unwrap();
    assert_eq!(rig.state().await, before, "preparing has no effect");
    driver.undo(&undo).await.unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", rig.listen)).await.unwrap();
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
    assert_eq!(rig.state().await, before);
    assert!(matches!(driver.confirm(&injection, &undo).await.unwrap(), Confirmation::NotSeen(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_toxic_of_the_same_name_that_was_there_is_left_alone() {
    let Some(rig) = Rig::up("a_toxic_of_the_same_name_that_was_there_is_left_alone").await else { return };
    let same = r#"{"name":"perturb-run-1-1","type":"latency","stream":"downstream","attributes":{"latency":7}}"#;
    rig.send(reqwest::Method::POST, "/proxies/way/toxics", same).await;
    let before = rig.state().await;
    let driver = ToxiproxyDriver::new();
    let refused = driver.prepare(&rig.injection(&driver, "run-1/1").await).await.unwrap_err();
    assert!(matches!(refused, DriveError::Final { .. }) && refused.to_string().contains("not ours"), "{refused}");
    assert_eq!(rig.state().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_changes_meanwhile_stays_and_only_ours_goes() {
    let Some(rig) = Rig::up("what_somebody_changes_meanwhile_stays_and_only_ours_goes").await else { return };
    let driver = ToxiproxyDriver::new();
    let change = async |path: &str, body: &str| rig.send(reqwest::Method::POST, path, body).await;
    let fresh = r#"{"name":"late","type":"slicer","stream":"downstream","attributes":{"average_size":9}}"#;
    let (_, undo) = rig.put_in(&driver).await;
    change("/proxies/way/toxics/own", r#"{"attributes":{"latency":33}}"#).await;
    change("/proxies/way/toxics/perturb-run-1-1", r#"{"attributes":{"latency":44}}"#).await;
    change("/proxies/way/toxics", fresh).await;
    driver.undo(&undo).await.unwrap();
    let after = rig.state().await;
    assert!(after.contains("\"latency\":33") && after.contains("\"late\""), "{after}");
    assert!(!after.contains("perturb"), "{after}");

    // The proxy is switched off: the toxic is not confirmed, and goes all the same.
    let (injection, undo) = rig.put_in(&driver).await;
    change("/proxies/way", r#"{"enabled":false}"#).await;
    assert!(matches!(driver.confirm(&injection, &undo).await.unwrap(), Confirmation::NotSeen(_)));
    driver.undo(&undo).await.unwrap();
    let after = rig.state().await;
    assert!(!after.contains("perturb") && after.contains("\"enabled\":false"), "{after}");

    // The proxy is another one of this name.
    change("/proxies/way", r#"{"enabled":true}"#).await;
    let (injection, undo) = rig.put_in(&driver).await;
    rig.send(reqwest::Method::DELETE, "/proxies/way", "").await;
    assert!(matches!(driver.confirm(&injection, &undo).await.unwrap(), Confirmation::NotSeen(_)));
    rig.make_proxy().await;
    let before = rig.state().await;
    driver.undo(&undo).await.unwrap();
    assert_eq!(rig.state().await, before);
}

/// A toxic that somebody takes away, a proxy that is switched off, a server that dies or forgets: what is measured after that
/// is measured without the fault.
#[tokio::test(flavor = "multi_thread")]
async fn a_toxic_that_is_gone_before_its_end_is_noticed() {
    let Some(mut rig) = Rig::up("a_toxic_that_is_gone_before_its_end_is_noticed").await else { return };
    let driver = ToxiproxyDriver::new();
    let (_, undo) = rig.put_in(&driver).await;
    assert_eq!(driver.vanished(&undo).await, None);
    rig.send(reqwest::Method::POST, "/proxies/way", r#"{"enabled":false}"#).await;
    assert!(driver.vanished(&undo).await.unwrap().contains("switched off"));
    rig.send(reqwest::Method::POST, "/proxies/way", r#"{"enabled":true}"#).await;
    assert_eq!(driver.vanished(&undo).await, None);
    rig.send(reqwest::Method::DELETE, "/proxies/way/toxics/perturb-run-1-1", "").await;
    assert!(driver.vanished(&undo).await.unwrap().contains("not on `way`"));
    driver.undo(&undo).await.unwrap();

    let (_, undo) = rig.put_in(&driver).await;
    let process = perturb::engine::local::process::Process::of(rig.server.0.id()).unwrap();
    process.signal(rustix::process::Signal::STOP).unwrap();
    assert_eq!(driver.vanished(&undo).await, None, "one that hangs may have it");
    process.signal(rustix::process::Signal::CONT).unwrap();
    rig.server = Running(Command::new("true").spawn().unwrap());
    crate::support::until("gone", || std::net::TcpStream::connect(("127.0.0.1", rig.api)).is_err()).await;
    assert!(driver.vanished(&undo).await.unwrap().contains("has ended"));
    rig.server = start(&rig.program, rig.api).await;
    assert!(driver.vanished(&undo).await.unwrap().contains("no proxy `way`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_may_have_it_one_that_is_gone_has_not() {
    let Some(mut rig) = Rig::up("a_server_that_hangs_may_have_it_one_that_is_gone_has_not").await else { return };
    let driver = ToxiproxyDriver::new();
    let (_, undo) = rig.put_in(&driver).await;
    let process = perturb::engine::local::process::Process::of(rig.server.0.id()).unwrap();
    process.signal(rustix::process::Signal::STOP).unwrap();
    let hangs = driver.undo(&undo).await.unwrap_err();
    assert!(matches!(hangs, DriveError::Passing { .. }), "{hangs}");
    process.signal(rustix::process::Signal::CONT).unwrap();
    driver.undo(&undo).await.unwrap();
    assert!(!rig.state().await.contains("perturb"));

    // Killed, and started again: the toxic was in its memory.
    let (injection, undo) = rig.put_in(&driver).await;
    rig.server = Running(Command::new("true").spawn().unwrap());
    crate::support::until("gone", || std::net::TcpStream::connect(("127.0.0.1", rig.api)).is_err()).await;
    driver.undo(&undo).await.unwrap();
    rig.server = start(&rig.program, rig.api).await;
    assert!(matches!(driver.confirm(&injection, &undo).await.unwrap(), Confirmation::NotSeen(_)));
    driver.undo(&undo).await.unwrap();
    rig.make_proxy().await;
    let before = rig.state().await;
    driver.undo(&undo).await.unwrap();
    assert_eq!(rig.state().await, before);

    // The API is gone, and somebody still listens where the proxy did: it may be there.
    let (_, undo) = rig.put_in(&driver).await;
    rig.server = Running(Command::new("true").spawn().unwrap());
    crate::support::until("gone", || std::net::TcpStream::connect(("127.0.0.1", rig.listen)).is_err()).await;
    let other = std::net::TcpListener::bind(("127.0.0.1", rig.listen)).unwrap();
    assert!(driver.undo(&undo).await.is_err());
    drop(other);
    driver.undo(&undo).await.unwrap();
}
