//! Names of container images, as far as nobody but a registry knows better.
//!
//! Pure. The grammar is that of the OCI distribution: `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`.

use super::exit::Failure;

/// Holds the name of an image against the grammar: a kubelet would refuse it long after it was applied.
///
/// # Errors
/// It is none; `whose` says where it was given.
pub(super) fn check(image: &str, whose: &str) -> Result<(), Failure> {
    wrong(image).map_or(Ok(()), |why| {
        Err(Failure::new(format!("`{image}`, {whose}, is no name of an image: {why}"))
            .help("write it as `registry.example/perturb:1.2.3`, or with `@sha256:…` for just one image"))
    })
}

/// What is wrong with it.
fn wrong(image: &str) -> Option<&'static str> {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return Some("behind `@` stands `sha256:` and 64 hexadecimal digits");
    }
    // A colon in the last part begins a tag, one before it a port.
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    let (path, tag) = match name.get(last..).and_then(|part| part.split_once(':')) {
        Some((part, tag)) => (name.get(..last + part.len()).unwrap_or_default(), Some(tag)),
        None => (name, None),
    };
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Some("a tag has up to 128 letters, digits, `_`, `.`, `-`, and begins with none of the last two");
    }
    let (host, path) = match path.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (Some(first), rest),
        _ => (None, path),
    };
    if host.is_some_and(|host| !is_host(host)) {
        return Some("its registry is no host, or no host and port");
    }
    if path.len() > 255 || !path.split('/').all(is_part) {
        return Some("its path has small letters and digits, between them single `.`, one or two `_`, or `-`");
    }
    None
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

fn is_tag(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'))
}

fn is_host(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let label = |part: &str| {
        part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    host.split('.').all(label) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// A part of the path between slashes.
fn is_part(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let mut between = String::new();
    for letter in text.chars() {
        match letter {
            'a'..='z' | '0'..='9' if is_separator(&between) => between.clear(),
            '.' | '_' | '-' => between.push(letter),
            _ => return false,
        }
    }
    between.is_empty() && text.bytes().next().is_some_and(word)
}

/// What may stand between two letters, or nothing.
fn is_separator(text: &str) -> bool {
    matches!(text, "" | "." | "_" | "__") || text.bytes().all(|b| b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_images() {
        let digest = format!("a@sha256:{}", "0f".repeat(32));
        for right in [
            "perturb",
            "perturb:1",
            "ghcr.io/team/perturb:v1.2.3-rc.1",
            "localhost/perturb",
            "registry:5000/a/b_c/d__e/f--g.h:latest",
            "10.0.0.7:5000/a",
            &digest,
        ] {
            assert_eq!(wrong(right), None, "{right}");
        }
        for bad in [
            "",
            "bad image!",
            "a:",
            "a:b:c",
            "a/",
            "/a",
            "a//b",
            "A/b",
            "a..b",
            "a___b",
            "a-",
            "-a",
            "x:y/z/a",
            "a@sha256:00",
            "a@",
            "a:-b",
            "https://ghcr.io/a",
            "ghcr.io/a:b@c",
            "a\nb",
            "ä",
            ".io/a",
            "r.io:99999/a",
        ] {
            assert!(wrong(bad).is_some(), "{bad}");
        }
    }
}
