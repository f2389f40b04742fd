//! A system to break: plans from text, ports that are free, servers.

use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use perturb::engine::drive::{Confirmation, Driver, Injection, Target, UndoRecord};
use perturb::engine::local::drive::LocalDriver;
use perturb::plan::{Body, EngineName, Plan};
use perturb::types;
use perturb::{analysis, check, lower, source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The binary.
pub fn exe() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_perturb"))
}

/// A port that nobody uses.
pub fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The plan of an experiment with these `local` replicas of `ledger`, and this method.
pub fn plan(local: &str, method: &str) -> Plan {
    let text = format!(
        r##"
import std.{{clock, disk, dns, http, limit, network, pod, probe, process, proxy, stress}}
team platform {{ contact: "#platform" }}
service ledger {{
  owner: platform, tier: high
  local: {{ {local} }}
}}
cluster laptop {{ engines: [local] }}
environment dev {{ clusters: [laptop] }}
experiment try-it {{
  service: ledger
  hypothesis {{
    expect there: probe.ready-pods(ledger) >= 1
    recovery automatic within 1m
  }}
  guard {{ abort when refuted }}
  method {{ {method} }}
}}
"##
    );
    let sources = source::Memory::new([("test.chaos", text.as_str())]);
    let checked = check::check(&sources, &["test.chaos".to_owned()]);
    let mut found = checked.diagnostics;
    found.extend(lower::check(&checked.program).diagnostics);
    let experiment = lower::experiments(&checked.program).remove(0);
    let place = lower::places(&checked.program, &experiment).remove(0);
    let lowered = lower::plan(&checked.program, &experiment, &place);
    found.extend(lowered.diagnostics);
    let plan = lowered.plan.unwrap_or_else(|| panic!("no plan: {found:#?}"));
    let errors: Vec<String> =
        analysis::analyse(&plan).into_iter().filter(|d| d.is_error()).map(|d| d.message).collect();
    assert!(errors.is_empty(), "{errors:?}");
    plan
}

/// A driver with a keeper of its own, which ends with it.
pub struct Rig {
    pub driver: LocalDriver,
    pub plan: Plan,
    pub folder: tempfile::TempDir,
    home: std::path::PathBuf,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Rig {
    /// Brings the system up.
    pub async fn up(plan: Plan) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let home = std::env::temp_dir().join(format!("perturb-test-{}-{number}", std::process::id()));
        let driver = LocalDriver::at(folder.path(), exe(), home.clone());
        driver.ready(&plan).await.unwrap();
        Self { driver, plan, folder, home }
    }

    /// The targets and the injection of the plan's fault of this number, on all its candidates.
    pub async fn injection(&self, fault: usize) -> Injection {
        let fault = &self.plan.faults[fault];
        let draw = &self.plan.draws[fault.target as usize];
        let targets = self.driver.candidates(&self.plan, &draw.selector, &Default::default()).await.unwrap();
        let Some(Body::Expressed(body)) = fault.bodies.get(&EngineName::Local) else { panic!("{:?}", fault.bodies) };
        Injection {
            id: format!("run-{}/1", NUMBER.fetch_add(1, Ordering::Relaxed)).into(),
            fault: fault.name.clone(),
            mechanism: fault.mechanism.clone(),
            effect: fault.effect,
            body: body.clone(),
            targets,
            at_most: types::Duration::from_secs(60),
        }
    }

    pub async fn put_in(&self, fault: usize) -> (Injection, UndoRecord) {
        let injection = self.injection(fault).await;
        assert!(!injection.targets.is_empty(), "nothing to hit");
        let undo = self.driver.prepare(&injection).await.unwrap();
        self.driver.inject(&injection, &undo).await.unwrap();
        (injection, undo)
    }

    /// Waits until the fault is confirmed, and gives how it was seen.
    pub async fn seen(&self, injection: &Injection, undo: &UndoRecord) -> String {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            match self.driver.confirm(injection, undo).await.unwrap() {
                Confirmation::There(seen) => return seen,
                Confirmation::NotSeen(why) if Instant::now() > end => panic!("not confirmed: {why}"),
                Confirmation::NotSeen(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    pub async fn targets(&self) -> Vec<Target> {
        let draw = &self.plan.draws[0];
        self.driver.candidates(&self.plan, &draw.selector, &Default::default()).await.unwrap()
    }

    /// The keeper's own process.
    pub async fn keeper(&self) -> perturb::engine::local::process::Process {
        use perturb::engine::local::keeper::client::ask;
        use perturb::engine::local::keeper::protocol::{Answer, Request};
        match ask(&self.home, &Request::Hello, Duration::from_secs(5)).await.unwrap() {
            Answer::Hello { keeper, .. } => keeper,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        use std::io::{Read, Write};
        if let Ok(mut socket) = std::os::unix::net::UnixStream::connect(self.home.join("keeper.sock")) {
            let _ = socket.write_all(b"\"down\"\n");
            let _ = socket.read_to_string(&mut String::new());
        }
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

/// The `pid` of a target.
pub fn pid(target: &Target) -> u32 {
    target.facts["pid"].parse().unwrap()
}

/// Waits until something is so.
pub async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !so() {
        assert!(Instant::now() < end, "{what}: not within 30 s");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A server that sends back what it is sent, on a port that it gives.
pub async fn echo() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
                let _ = to.shutdown().await;
            });
        }
    });
    port
}

/// The time of one round trip of a byte.
pub async fn round_trip(stream: &mut TcpStream) -> Duration {
    let began = Instant::now();
    stream.write_all(b"x").await.unwrap();
    let mut byte = [0u8; 1];
    stream.read_exact(&mut byte).await.unwrap();
    began.elapsed()
}
