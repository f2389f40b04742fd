//! Every way in which an approval must not count. Signatures are made here as ssh-keygen makes them, as no test of this binary
//! should start a process (a lock that another test holds would live on in it); `tests/it/approvals.rs` asks the real one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

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

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend(bytes);
}

fn strings(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    parts.iter().for_each(|part| put(&mut out, part));
    out
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().to_vec()
}

/// What is signed, of a message.
fn covered(message: &[u8]) -> Vec<u8> {
    [b"SSHSIG".to_vec(), strings(&[NAMESPACE.as_bytes(), b"", b"sha256", &sha256(message)])].concat()
}

/// A signature with its key, in its frame.
fn framed(key: &[u8], signed: &[u8]) -> String {
    let inner = strings(&[key, NAMESPACE.as_bytes(), b"", b"sha256", signed]);
    let whole = [b"SSHSIG".to_vec(), 1u32.to_be_bytes().to_vec(), inner].concat();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", STANDARD.encode(whole))
}

/// Somebody's key, as a line of allowed signers has it, and their signature of a message.
fn pair(of: u8) -> (String, impl Fn(&[u8]) -> String) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[of; 32]).unwrap();
    let key = strings(&[b"ssh-ed25519", pair.public_key().as_ref()]);
    let public = format!("ssh-ed25519 {}", STANDARD.encode(&key));
    let sign = move |message: &[u8]| framed(&key, &strings(&[b"ssh-ed25519", pair.sign(&covered(message)).as_ref()]));
    (public, sign)
}

/// A number as SSH writes it: no zeros before it, but one where its first bit would mean a sign.
fn mpint(fixed: &[u8]) -> Vec<u8> {
    let start = fixed.iter().position(|b| *b != 0).unwrap_or(fixed.len());
    let sign: &[u8] = if fixed[start..].first().is_some_and(|b| b & 0x80 != 0) { &[0] } else { &[] };
    [sign, &fixed[start..]].concat()
}

/// A number of an ECDSA signature has a byte less now and then: among so many, some have.
#[test]
fn short_numbers_are_numbers() {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
    let kind = b"ecdsa-sha2-nistp256";
    let key = strings(&[kind, b"nistp256", pair.public_key().as_ref()]);
    for _ in 0..600 {
        let signed = pair.sign(&random, &covered(MESSAGE)).unwrap();
        let (r, s) = signed.as_ref().split_at(32);
        let signed = strings(&[kind, &strings(&[&mpint(r), &mpint(s)])]);
        let found = signer(&framed(&key, &signed), MESSAGE, NAMESPACE);
        assert_eq!(found.map(|key| key.kind()), Ok("ecdsa-sha2-nistp256".to_owned()));
    }
}

/// A key on a token signs its flags along: what nobody touched does not count.
#[test]
fn a_token_must_be_touched() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let kind = b"sk-ssh-ed25519@openssh.com";
    let key = strings(&[kind, pair.public_key().as_ref(), b"ssh:"]);
    let made = |flags: u8| {
        let counted = [&[flags][..], &9u32.to_be_bytes()].concat();
        let signed = pair.sign(&[sha256(b"ssh:"), counted.clone(), sha256(&covered(MESSAGE))].concat());
        framed(&key, &[strings(&[kind, signed.as_ref()]), counted].concat())
    };
    assert_eq!(signer(&made(1), MESSAGE, NAMESPACE).map(|key| key.kind()), Ok("sk-ssh-ed25519@openssh.com".to_owned()));
    assert!(signer(&made(0), MESSAGE, NAMESPACE).unwrap_err().contains("nobody touched the token"));
}

#[test]
fn keys_that_are_not_taken_are_named() {
    let key = strings(&[b"ecdsa-sha2-nistp521", b"nistp521", b"x"]);
    let found = signer(&framed(&key, &strings(&[b"ecdsa-sha2-nistp521", b"x"])), MESSAGE, NAMESPACE);
    assert!(found.unwrap_err().contains("a key of `ecdsa-sha2-nistp521` with `ecdsa-sha2-nistp521` is not taken"));
    // RSA with SHA-1, which ssh-keygen no longer makes.
    let key = strings(&[b"ssh-rsa", b"x", b"y"]);
    let found = signer(&framed(&key, &strings(&[b"ssh-rsa", b"x"])), MESSAGE, NAMESPACE);
    assert!(found.unwrap_err().contains("`ssh-rsa` with `ssh-rsa` is not taken"));
}

/// A project with the keys of a team, and approvals that its people sign.
struct Project {
    _folder: tempfile::TempDir,
    signers: Signers,
}

const ALICE: u8 = 1;
const MALLORY: u8 = 2;

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("platform"), format!("alice@bank.example {}", pair(ALICE).0)).unwrap();
        std::fs::write(folder.path().join("perturb.toml"), "[approvals]\nplatform = \"platform\"\n").unwrap();
        let signers = Signers::of(folder.path()).unwrap();
        Self { _folder: folder, signers }
    }

    /// An approval of the tour, as it is signed.
    fn signed(&self, by: Option<u8>, change: impl Fn(&mut serde_json::Value)) -> Given {
        let mut statement = serde_json::json!({
            "digest": tour().digest, "team": "platform", "experiment": "checkout-survives-slow-ledger",
            "place": "staging/stg-1", "expires": "2026-01-02T00:00:00Z",
        });
        change(&mut statement);
        let bytes = serde_json::to_vec_pretty(&statement).unwrap();
        let signature = by.map(|by| pair(by).1(&bytes));
        Given { path: "a.json".into(), statement: serde_json::from_value(statement).unwrap(), bytes, signature }
    }

    fn judged(&self, given: Given) -> Result<String, String> {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        judge(&[given], &tour(), "platform", &self.signers, now).unwrap()
    }
}

#[test]
fn who_signs_counts_and_nobody_else() {
    let project = Project::new();
    let said = project.judged(project.signed(Some(ALICE), |_| {})).unwrap();
    assert!(said.starts_with("alice@bank.example (signed with SHA256:"), "{said}");
    assert!(said.contains(", until 2026-01-02T00:00:00Z, sha256:"), "{said}");
    let refused = |by: Option<u8>, change: &dyn Fn(&mut serde_json::Value)| {
        project.judged(project.signed(by, change)).unwrap_err()
    };
    assert!(refused(None, &|_| {}).contains("it is not signed"));
    assert!(refused(Some(MALLORY), &|_| {}).contains("which is no key of `platform` (platform)"));
    assert!(refused(Some(ALICE), &|s| s["digest"] = "sha256:0".into()).contains("the text was changed"));
    assert!(refused(Some(ALICE), &|s| s["place"] = "production/jkt-1".into()).contains("not at staging/stg-1"));
    assert!(refused(Some(ALICE), &|s| s["experiment"] = "x".into()).contains("it approves `x`"));
    assert!(refused(Some(ALICE), &|s| s["expires"] = "2026-01-01T00:00:00Z".into()).contains("it counted until"));
    let endless = refused(Some(ALICE), &|s| drop(s.as_object_mut().unwrap().remove("expires")));
    assert!(endless.contains("not until when it counts"), "{endless}");
    // Changed after it was signed.
    let mut given = project.signed(Some(ALICE), |_| {});
    given.bytes.push(b' ');
    assert!(project.judged(given).unwrap_err().contains("one of the two was changed"));
    // A team whose signers nobody named is no way around: a misspelt name makes nothing weaker.
    let given = project.signed(None, |s| s["team"] = "platfrom".into());
    let judged = judge(&[given], &tour(), "platfrom", &project.signers, jiff::Timestamp::default()).unwrap();
    assert!(judged.unwrap_err().contains("counts signed approvals only"));
    // Of another team: it says nothing about this one.
    let given = project.signed(Some(ALICE), |_| {});
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
