//! A gate for the tests: a small HTTP server that answers as `perturb gate` must, and notes what it was asked.
//!
//! It keeps the contract of `src/engine/chaos_mesh/gate.rs`: 204 or 503, no body, the connection closed. `/clear/N` is 204
//! only where no object of a fault is left in the namespace, which it asks the API server. A test closes a path to hold the
//! run there.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use kube::api::ListParams;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::control_plane::Cluster;

/// Kinds of faults that the tests of runs use.
pub const KINDS: [&str; 4] = ["PodChaos", "NetworkChaos", "StressChaos", "TimeChaos"];

/// A running gate.
pub struct Gate {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    closed: BTreeSet<String>,
    asked: Vec<String>,
}

impl Gate {
    /// A gate that lets everything through but what is closed.
    pub async fn open(cluster: &'static Cluster, namespace: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, namespace) = (Arc::clone(&state), namespace.to_owned());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, namespace) = (Arc::clone(&shared), namespace.clone());
                tokio::spawn(async move { answer(cluster, &namespace, &state, stream).await });
            }
        });
        Self { url, state }
    }

    /// From now on 503 for what ends in this.
    pub fn close(&self, what: &str) {
        self.state.lock().unwrap().closed.insert(what.to_owned());
    }

    /// From now on it is let through again.
    pub fn reopen(&self, what: &str) {
        self.state.lock().unwrap().closed.remove(what);
    }

    /// What was asked, in the order of the first time.
    pub fn asked(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let state = self.state.lock().unwrap();
        state.asked.iter().filter(|what| seen.insert((*what).clone())).cloned().collect()
    }

    /// How often.
    pub fn times(&self, what: &str) -> usize {
        self.state.lock().unwrap().asked.iter().filter(|asked| *asked == what).count()
    }
}

/// Every object of a fault in a namespace: `NetworkChaos/step-1-…`.
pub async fn faults(cluster: &Cluster, namespace: &str) -> Vec<String> {
    let mut found = Vec::new();
    for kind in KINDS {
        let api = cluster.api("chaos-mesh.org/v1alpha1", kind, namespace).await.expect("a known kind");
        let list = api.list(&ListParams::default()).await.expect("a list");
        found.extend(list.items.iter().map(|o| format!("{kind}/{}", o.metadata.name.as_deref().unwrap_or_default())));
    }
    found
}

async fn answer(cluster: &Cluster, namespace: &str, state: &Mutex<State>, mut stream: TcpStream) {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|w| w == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(n) if n > 0 => request.extend_from_slice(&buffer[..n]),
            _ => return,
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    // GET /v1/NAMESPACE/NAME/what
    let path = request.split(' ').nth(1).unwrap_or_default();
    let what: String = path.split('/').skip(4).collect::<Vec<_>>().join("/");
    let closed = {
        let mut state = state.lock().unwrap();
        state.asked.push(what.clone());
        state.closed.contains(&what)
    };
    let holds = !closed && (!what.starts_with("clear/") || faults(cluster, namespace).await.is_empty());
    let line = if holds { "204 No Content" } else { "503 Service Unavailable" };
    let _ =
        stream.write_all(format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes()).await;
}
