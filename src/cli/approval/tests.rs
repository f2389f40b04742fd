//! Signatures by the real ssh-keygen, and every way in which one must not count.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{Ed25519KeyPair, KeyPair};

use super::sshsig::{PublicKey, signer};
use super::*;
use crate::plan::sample::tour;

/// Made once by ssh-keygen of OpenSSH, so that something is verified on machines without one, too.
const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIPd7EySHS8funlt3cIuqpDTL3did8VaDPZt9D0hAA7BL";
const SIGNED: &str = "-----BEGIN SSH SIGNATURE-----\n\
    U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg93sTJIdLx+6eW3dwi6qkNMvd2J\n\
    3xVoM9m30PSEADsEsAAAAQcGVydHVyYi1hcHByb3ZhbAAAAAAAAAAGc2hhNTEyAAAAUwAA\n\
    AAtzc2gtZWQyNTUxOQAAAEASigTfCRAFdhPkpfg7p3OultvP48qnyzB/YZaP4OoOcGt3l1\n\
    GeSdefahkWxcM7WFa/oa+TWLjS6adzjsGJSywM\n\
    -----END SSH SIGNATURE-----";
const MESSAGE: &[u8] = b"what was signed\n";

#[test]
fn a_signature_of_openssh_is_verified() {
    let key = signer(SIGNED, MESSAGE, NAMESPACE).unwrap();
    assert_eq!(Some(key.clone()), PublicKey::of_base64(KEY));
    assert_eq!(
        (key.kind().as_str(), key.fingerprint().as_str()),
        ("ssh-ed25519", "SHA256:gPDkEpyUMGfQAs1TPSE7FCJyZAWuJ0nhomhEQhTNEeI")
    );
    assert!(signer(SIGNED, b"what was signed", NAMESPACE).unwrap_err().contains("one of the two was changed"));
    assert!(signer(SIGNED, MESSAGE, "git").unwrap_err().contains("made for `perturb-approval`, not for `git`"));
    assert!(signer("hello", MESSAGE, NAMESPACE).unwrap_err().contains("no SSH signature"));
}

/// No bit of it can be changed, and no part taken away; nothing that it says of itself makes it panic.
#[test]
fn a_broken_signature_never_counts() {
    let inner: String = SIGNED.lines().filter(|line| !line.starts_with('-')).collect();
    let blob = STANDARD.decode(inner).unwrap();
    let framed = |blob: &[u8]| {
        format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", STANDARD.encode(blob))
    };
    assert!(signer(&framed(&blob), MESSAGE, NAMESPACE).is_ok());
    for end in 0..blob.len() {
        assert!(signer(&framed(&blob[..end]), MESSAGE, NAMESPACE).is_err(), "{end}");
    }
    for bit in 0..blob.len() * 8 {
        let mut changed = blob.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(signer(&framed(&changed), MESSAGE, NAMESPACE).is_err(), "{bit}");
    }
    assert!(signer(&framed(&[blob, vec![0]].concat()), MESSAGE, NAMESPACE).is_err());
}

/// A key on a token signs its flags along: what nobody touched does not count. There is no token here, so it is made by hand.
#[test]
fn a_token_must_be_touched() {
    fn put(out: &mut Vec<u8>, bytes: &[u8]) {
        out.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
        out.extend(bytes);
    }
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let kind = b"sk-ssh-ed25519@openssh.com";
    let sha = |bytes: &[u8]| ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().to_vec();
    let made = |flags: u8| {
        let (mut covered, mut key, mut inner, mut whole) = (b"SSHSIG".to_vec(), vec![], vec![], b"SSHSIG".to_vec());
        for part in [NAMESPACE.as_bytes(), b"", b"sha256", &sha(MESSAGE)] {
            put(&mut covered, part);
        }
        for part in [&kind[..], pair.public_key().as_ref(), b"ssh:"] {
            put(&mut key, part);
        }
        let counted = [&[flags][..], &9u32.to_be_bytes()].concat();
        let signed = pair.sign(&[sha(b"ssh:"), counted.clone(), sha(&covered)].concat());
        put(&mut inner, kind);
        put(&mut inner, signed.as_ref());
        inner.extend(counted);
        whole.extend(1u32.to_be_bytes());
        for part in [&key[..], NAMESPACE.as_bytes(), b"", b"sha256", &inner] {
            put(&mut whole, part);
        }
        format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", STANDARD.encode(whole))
    };
    assert_eq!(signer(&made(1), MESSAGE, NAMESPACE).map(|key| key.kind()), Ok("sk-ssh-ed25519@openssh.com".to_owned()));
    assert!(signer(&made(0), MESSAGE, NAMESPACE).unwrap_err().contains("nobody touched the token"));
}

/// Whether there is an ssh-keygen; says loudly that a test is skipped if not.
fn has_keygen() -> bool {
    let found = Command::new("ssh-keygen").arg("-?").output().is_ok();
    if !found {
        let required = std::env::var("PERTURB_REQUIRE_SERVERS").is_ok_and(|value| !value.is_empty());
        assert!(!required, "`ssh-keygen` is not there, and PERTURB_REQUIRE_SERVERS says that it must be");
        eprintln!("SKIPPED: `ssh-keygen` is not there");
    }
    found
}

fn keygen(folder: &Path, arguments: &[&str]) {
    let ran = Command::new("ssh-keygen").arg("-q").args(arguments).current_dir(folder).output().unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// A key, and the base64 of its public half.
fn key(folder: &Path, name: &str, kind: &[&str]) -> String {
    keygen(folder, &[kind, &["-N", "", "-C", name, "-f", name]].concat());
    std::fs::read_to_string(folder.join(format!("{name}.pub"))).unwrap()
}

#[test]
fn every_kind_of_key_that_people_have() {
    if !has_keygen() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let kinds: [(&str, &[&str]); 5] = [
        ("ed25519", &["-t", "ed25519"]),
        ("p256", &["-t", "ecdsa", "-b", "256"]),
        ("p384", &["-t", "ecdsa", "-b", "384"]),
        ("rsa", &["-t", "rsa", "-b", "2048"]),
        ("p521", &["-t", "ecdsa", "-b", "521"]),
    ];
    for (name, kind) in kinds {
        let public = key(folder.path(), name, kind);
        // An ECDSA number has a byte less now and then: several signatures meet such.
        for round in 0..if name == "rsa" { 2 } else { 12 } {
            let message = format!("{name} {round}\n");
            std::fs::write(folder.path().join("m"), &message).unwrap();
            let _ = std::fs::remove_file(folder.path().join("m.sig"));
            keygen(folder.path(), &["-Y", "sign", "-n", NAMESPACE, "-f", name, "m"]);
            let signed = std::fs::read_to_string(folder.path().join("m.sig")).unwrap();
            let found = signer(&signed, message.as_bytes(), NAMESPACE);
            if name == "p521" {
                assert!(found.unwrap_err().contains("is not taken"));
                continue;
            }
            assert_eq!(found.ok(), PublicKey::of_base64(public.split_whitespace().nth(1).unwrap()), "{name}");
            assert!(signer(&signed, b"other", NAMESPACE).unwrap_err().contains("was changed"), "{name}");
        }
    }
}

/// A project with the keys of a team, and approvals that its people sign.
struct Project {
    folder: tempfile::TempDir,
    signers: Signers,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let alice = key(folder.path(), "alice", &["-t", "ed25519"]);
        key(folder.path(), "mallory", &["-t", "ed25519"]);
        std::fs::write(folder.path().join("platform"), format!("alice@bank.example {alice}")).unwrap();
        std::fs::write(folder.path().join("perturb.toml"), "[approvals]\nplatform = \"platform\"\n").unwrap();
        let signers = Signers::of(folder.path()).unwrap();
        Self { folder, signers }
    }

    /// An approval of the tour, as it is signed.
    fn signed(&self, by: &str, change: impl Fn(&mut serde_json::Value)) -> Given {
        let mut statement = serde_json::json!({
            "digest": tour().digest, "team": "platform", "experiment": "checkout-survives-slow-ledger",
            "place": "staging/stg-1", "expires": "2026-01-02T00:00:00Z",
        });
        change(&mut statement);
        let path = self.folder.path().join("a.json");
        let _ = std::fs::remove_file(signature_of(&path));
        std::fs::write(&path, serde_json::to_string_pretty(&statement).unwrap()).unwrap();
        if !by.is_empty() {
            keygen(self.folder.path(), &["-Y", "sign", "-n", NAMESPACE, "-f", by, "a.json"]);
        }
        read(&path).unwrap()
    }

    fn judged(&self, given: Given) -> Result<String, String> {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        judge(&[given], &tour(), "platform", &self.signers, now).unwrap()
    }
}

#[test]
fn who_signs_counts_and_nobody_else() {
    if !has_keygen() {
        return;
    }
    let project = Project::new();
    let said = project.judged(project.signed("alice", |_| {})).unwrap();
    assert!(said.starts_with("alice@bank.example (signed with SHA256:"), "{said}");
    assert!(said.contains(", until 2026-01-02T00:00:00Z, sha256:"), "{said}");
    let refused =
        |by: &str, change: &dyn Fn(&mut serde_json::Value)| project.judged(project.signed(by, change)).unwrap_err();
    assert!(refused("", &|_| {}).contains("it is not signed"));
    assert!(refused("mallory", &|_| {}).contains("which is no key of `platform` (platform)"));
    assert!(refused("alice", &|s| s["digest"] = "sha256:0".into()).contains("the text was changed"));
    assert!(refused("alice", &|s| s["place"] = "production/jkt-1".into()).contains("not at staging/stg-1"));
    assert!(refused("alice", &|s| s["experiment"] = "x".into()).contains("it approves `x`"));
    assert!(refused("alice", &|s| s["expires"] = "2026-01-01T00:00:00Z".into()).contains("it counted until"));
    let endless = refused("alice", &|s| drop(s.as_object_mut().unwrap().remove("expires")));
    assert!(endless.contains("not until when it counts"), "{endless}");
    // Changed after it was signed.
    let mut given = project.signed("alice", |_| {});
    given.bytes.push(b' ');
    assert!(project.judged(given).unwrap_err().contains("one of the two was changed"));
    // A team whose signers nobody named is no way around: a misspelt name makes nothing weaker.
    let given = project.signed("", |s| s["team"] = "platfrom".into());
    let judged = judge(&[given], &tour(), "platfrom", &project.signers, jiff::Timestamp::default()).unwrap();
    assert!(judged.unwrap_err().contains("counts signed approvals only"));
    // Of another team: it says nothing about this one.
    let given = project.signed("alice", |_| {});
    assert_eq!(judge(&[given], &tour(), "ledgers", &project.signers, jiff::Timestamp::default()), None);
}

#[test]
fn what_is_not_signed_counts_where_nobody_asks_for_more() {
    let statement = |by: Option<&str>| Statement {
        digest: tour().digest,
        team: "platform".into(),
        experiment: None,
        place: None,
        by: by.map(str::to_owned),
        expires: None,
    };
    let given = |by| Given { path: "a.json".into(), bytes: vec![], statement: statement(by), signature: None };
    let mut plan = tour();
    let mut judged = |by, is_protected| {
        plan.place.protected = is_protected;
        judge(&[given(by)], &plan, "platform", &Signers::default(), jiff::Timestamp::default()).unwrap()
    };
    assert_eq!(judged(Some("Alice"), false), Ok("Alice (by file, not signed)".to_owned()));
    assert!(judged(None, false).unwrap_err().contains("says not who approves"));
    assert!(judged(Some("Alice"), true).unwrap_err().contains("where the environment is protected"));
}
