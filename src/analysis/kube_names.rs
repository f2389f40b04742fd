//! What Kubernetes accepts as names, label keys and label values (RFC 1123 and the API's own rules).
//!
//! Comes in: text. Goes out: why it is refused, if it is. Pure text, no plan.

/// Why a text is no DNS label (namespaces, and what generated names are made of).
pub fn dns_label_fault(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        Some("it is empty")
    } else if text.len() > 63 {
        Some("it is longer than 63 characters")
    } else if !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        Some("only lower-case letters, digits and `-` may stand in it")
    } else if text.starts_with('-') || text.ends_with('-') {
        Some("it must begin and end with a letter or digit")
    } else {
        None
    }
}

/// Why a text is no DNS subdomain (names of pods and nodes, prefixes of label keys).
pub fn dns_subdomain_fault(text: &str) -> Option<&'static str> {
    if text.len() > 253 {
        return Some("it is longer than 253 characters");
    }
    text.split('.').find_map(|part| match dns_label_fault(part) {
        // Only the whole is bounded here.
        Some("it is longer than 63 characters") => None,
        fault => fault,
    })
}

/// Why a text is no label value.
pub fn label_value_fault(text: &str) -> Option<&'static str> {
    if text.is_empty() { None } else { qualified_fault(text) }
}

/// Why a text is no label key: an optional prefix, `/`, and a name.
pub fn label_key_fault(text: &str) -> Option<&'static str> {
    match text.split_once('/') {
        None => qualified_fault(text),
        Some(("", _)) => Some("nothing stands before its `/`"),
        Some((prefix, name)) => dns_subdomain_fault(prefix).or_else(|| qualified_fault(name)),
    }
}

fn qualified_fault(text: &str) -> Option<&'static str> {
    let alphanumeric = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    if text.is_empty() {
        Some("it is empty")
    } else if text.len() > 63 {
        Some("it is longer than 63 characters")
    } else if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        Some("only letters, digits, `-`, `_` and `.` may stand in it")
    } else if !alphanumeric(text.bytes().next()) || !alphanumeric(text.bytes().last()) {
        Some("it must begin and end with a letter or digit")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_api_servers_rules() {
        assert_eq!(dns_label_fault("pay-test"), None);
        assert!(dns_label_fault("Pay").is_some());
        assert!(dns_label_fault("-pay").is_some());
        assert!(dns_label_fault(&"a".repeat(64)).is_some());
        assert_eq!(dns_subdomain_fault("checkout-5d8.pay"), None);
        assert_eq!(dns_subdomain_fault(&"a".repeat(70)), None);
        assert!(dns_subdomain_fault("a..b").is_some());
        assert_eq!(label_value_fault(""), None);
        assert_eq!(label_value_fault("Ledger_v1.2"), None);
        assert!(label_value_fault("ledger!").is_some());
        assert!(label_value_fault("ledger-").is_some());
        assert_eq!(label_key_fault("app.kubernetes.io/name"), None);
        assert!(label_key_fault("/name").is_some());
        assert!(label_key_fault("a b").is_some());
        assert!(label_key_fault("Example.io/name").is_some());
    }
}
