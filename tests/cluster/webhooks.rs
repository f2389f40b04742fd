//! The webhook configurations that Chaos Mesh's chart installs, for a server on loopback.

use serde_json::{Value as Json, json};

/// Kinds with a webhook of their own, as their paths spell them.
const KINDS: [&str; 18] = [
    "awschaos",
    "azurechaos",
    "blockchaos",
    "dnschaos",
    "gcpchaos",
    "httpchaos",
    "iochaos",
    "jvmchaos",
    "kernelchaos",
    "networkchaos",
    "physicalmachine",
    "physicalmachinechaos",
    "podchaos",
    "schedule",
    "statuscheck",
    "stresschaos",
    "timechaos",
    "workflow",
];

/// The mutating and the validating one.
pub fn configurations(authority: &[u8], port: u16) -> [Json; 2] {
    let configuration = |kind: &str, verb: &str, operations: &[&str]| {
        let webhooks: Vec<Json> = KINDS
            .iter()
            .map(|of| {
                let plural = if of.ends_with("chaos") { (*of).to_owned() } else { format!("{of}s") };
                json!({
                    "name": format!("{}{of}.chaos-mesh.org", &verb[..1]),
                    "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail", "timeoutSeconds": 5,
                    "clientConfig": {
                        "url": format!("https://127.0.0.1:{port}/{verb}-chaos-mesh-org-v1alpha1-{of}"),
                        "caBundle": base64(authority),
                    },
                    "rules": [{
                        "apiGroups": ["chaos-mesh.org"], "apiVersions": ["v1alpha1"], "operations": operations,
                        "resources": [plural],
                    }],
                })
            })
            .collect();
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": { "name": "chaos-mesh" },
            "webhooks": webhooks,
        })
    };
    [
        configuration("MutatingWebhookConfiguration", "mutate", &["CREATE"]),
        configuration("ValidatingWebhookConfiguration", "validate", &["CREATE", "UPDATE"]),
    ]
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().enumerate().fold(0_u32, |bits, (i, byte)| bits | u32::from(*byte) << (16 - 8 * i));
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place) & 63) as usize;
            text.push(if place <= chunk.len() { char::from(DIGITS[digit]) } else { '=' });
        }
    }
    text
}
