//! How long a certificate is still valid. The handshake trusts everybody: an expired certificate, or one of an unknown
//! authority, still says when it ends.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::net::TcpStream;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Missing;
use crate::source::disk;

/// Until the certificate of a server ends; nothing, if it has ended.
pub async fn time_left(url: &str) -> Result<Duration, Missing> {
    let parsed = reqwest::Url::parse(url).map_err(|error| Missing(format!("`{url}` is no address: {error}")))?;
    let host = parsed.host_str().ok_or_else(|| Missing(format!("`{url}` names no host")))?.to_owned();
    let port = parsed.port_or_known_default().unwrap_or(443);
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(bare.clone()).map_err(|_| Missing(format!("`{bare}` is no name of a server")))?;
    let stream = TcpStream::connect((bare.as_str(), port))
        .await
        .map_err(|error| Missing(format!("{bare}:{port} takes no connection: {}", disk::plain(&error))))?;
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config()?));
    let stream = connector
        .connect(name, stream)
        .await
        .map_err(|error| Missing(format!("{bare}:{port} makes no TLS connection: {}", disk::plain(&error))))?;
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let first = chain.first().ok_or_else(|| Missing(format!("{bare}:{port} shows no certificate")))?;
    let (_, certificate) = X509Certificate::from_der(first)
        .map_err(|error| Missing(format!("the certificate of {bare}:{port} cannot be read: {error}")))?;
    let end = certificate.validity().not_after.timestamp();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    Ok(Duration::from_secs(u64::try_from(end).unwrap_or(0).saturating_sub(now)))
}

fn config() -> Result<ClientConfig, Missing> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let schemes = provider.signature_verification_algorithms.supported_schemes();
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map(|builder| {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(schemes))).with_no_client_auth()
        })
        .map_err(|error| Missing(format!("cannot make TLS connections: {error}")))
}

/// Looks at a certificate and trusts it: nothing is sent over this connection.
#[derive(Debug)]
struct Anybody(Vec<SignatureScheme>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}
