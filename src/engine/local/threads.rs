//! The threads that a runner or a keeper runs on. Where no more can be had, tokio's builder panics or waits for ever, so they
//! are tried first: who cannot start says so, and holds nothing.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::runtime::{Builder, Runtime};

/// How many must be there beside those that work: they wait for the system.
const WAITING: usize = 2;

/// What everything runs on, with so many threads that work.
///
/// # Errors
/// There are too few threads.
pub fn start(workers: usize) -> io::Result<Runtime> {
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let wait = Arc::new(Mutex::new(wait));
    let tried: io::Result<Vec<_>> = (0..workers + WAITING)
        .map(|_| {
            let wait = wait.clone();
            // Each is there until all are.
            std::thread::Builder::new().spawn(move || drop(wait.lock().map(|wait| wait.recv())))
        })
        .collect();
    drop(done);
    for thread in tried? {
        let _ = thread.join();
    }
    Builder::new_multi_thread().worker_threads(workers).enable_all().build()
}
