//! A real Prometheus that scrapes one number of the test's own, which the test changes.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

/// The number, as text; `None`: the page is not there.
pub type Dial = Arc<Mutex<Option<String>>>;

/// A running server, until it is dropped.
pub struct Prometheus {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    /// What `dial` shows.
    pub dial: Dial,
    child: Child,
    _folder: tempfile::TempDir,
}

/// The program, or `None` after saying that `test` is skipped.
pub fn program(test: &str) -> Option<PathBuf> {
    let named = std::env::var_os("PERTURB_PROMETHEUS").map(PathBuf::from);
    let found = named.or_else(|| Some(PathBuf::from("/usr/bin/prometheus"))).filter(|p| p.is_file());
    if found.is_none() {
        assert!(
            std::env::var_os("PERTURB_REQUIRE_SERVERS").is_none_or(|v| v != "1"),
            "{test} needs Prometheus, and PERTURB_REQUIRE_SERVERS is set"
        );
        eprintln!("SKIPPED: {test}: there is no Prometheus (`apt-get install prometheus`, or PERTURB_PROMETHEUS)");
    }
    found
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().unwrap().port()
}

impl Prometheus {
    /// Starts one that scrapes the series `dial` five times a second.
    pub fn start(program: &std::path::Path, first: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dial: Dial = Arc::new(Mutex::new(Some(first.to_owned())));
        let page = serve(dial.clone());
        let config = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{ scrape_interval: 200ms, scrape_timeout: 200ms }}\nscrape_configs:\n- job_name: x\n  \
             static_configs: [{{ targets: [\"127.0.0.1:{page}\"] }}]\n"
        );
        std::fs::write(&config, text).unwrap();
        let port = free_port();
        let child = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Prometheus starts");
        Self { url: format!("http://127.0.0.1:{port}"), dial, child, _folder: folder }
    }

    /// From now on the number is this; `None`: the page is gone.
    pub fn set(&self, value: Option<&str>) {
        *self.dial.lock().unwrap() = value.map(str::to_owned);
    }

    /// Stops it.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A page with the number.
fn serve(dial: Dial) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut head = [0u8; 4096];
            let _ = stream.read(&mut head);
            let answer = match dial.lock().unwrap().as_ref() {
                Some(value) => {
                    let body = format!("dial {value}\n");
                    format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                        body.len()
                    )
                }
                None => "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
            };
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}
