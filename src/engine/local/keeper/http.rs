//! One GET, for readiness.

use std::sync::OnceLock;
use std::time::Duration;

/// The client that all readiness probes share. Proxies of the environment are not for this machine's own addresses.
fn client() -> Result<&'static reqwest::Client, String> {
    static CLIENT: OnceLock<Result<reqwest::Client, String>> = OnceLock::new();
    let made = CLIENT.get_or_init(|| {
        // Another part may have chosen already: then that holds.
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(5))
            .build()
            .map_err(|error| error.to_string())
    });
    made.as_ref().map_err(Clone::clone)
}

/// The status that answers a GET.
///
/// # Errors
/// Why there was no answer.
pub async fn status(url: &str) -> Result<u16, String> {
    client()?
        .get(url)
        .send()
        .await
        .map(|answer| answer.status().as_u16())
        .map_err(|error| error.without_url().to_string())
}
