//! Signatures as `ssh-keygen -Y sign` makes them.
//!
//! Comes in: the text of a signature, the bytes that were signed, and a namespace. Goes out: the key that signed, or why
//! nobody did. Pure. The form is OpenSSH's PROTOCOL.sshsig (version 1), a few strings with their lengths; the cryptography is
//! ring's. Nothing in a signature is trusted before it is verified, and who a key belongs to is `signers`' to say.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ring::{digest, signature as verify};

const MAGIC: &[u8] = b"SSHSIG";
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// A public key as SSH writes it: its kind and its numbers, each with its length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicKey(pub(super) Vec<u8>);

impl PublicKey {
    /// The key of `ssh-ed25519 AAAA…`.
    pub(super) fn of_base64(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok().filter(|blob| Wire(blob).string().is_some()).map(Self)
    }

    /// `SHA256:…`, as ssh-keygen prints it.
    pub(super) fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(digest::digest(&digest::SHA256, &self.0)))
    }

    /// `ssh-ed25519`.
    pub(super) fn kind(&self) -> String {
        String::from_utf8_lossy(Wire(&self.0).string().unwrap_or_default()).into_owned()
    }
}

/// Reads strings with their lengths; `None` where there are fewer bytes than they say.
struct Wire<'b>(&'b [u8]);

impl<'b> Wire<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn string(&mut self) -> Option<&'b [u8]> {
        let length = self.number()?;
        self.take(usize::try_from(length).ok()?)
    }

    /// A number that is not negative, without the zeros before it.
    fn big_number(&mut self) -> Option<&'b [u8]> {
        let bytes = self.string()?;
        let zeros = bytes.iter().take_while(|b| **b == 0).count();
        bytes.get(zeros..)
    }

    fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

fn put(out: &mut Vec<u8>, string: &[u8]) {
    out.extend(u32::try_from(string.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(string);
}

struct Signature<'b> {
    key: &'b [u8],
    namespace: &'b [u8],
    reserved: &'b [u8],
    hash: &'b [u8],
    signed: &'b [u8],
}

fn parts(blob: &[u8]) -> Option<Signature<'_>> {
    let mut wire = Wire(blob);
    if wire.take(MAGIC.len())? != MAGIC || wire.number()? != 1 {
        return None;
    }
    let key = wire.string()?;
    let (namespace, reserved) = (wire.string()?, wire.string()?);
    let (hash, signed) = (wire.string()?, wire.string()?);
    wire.end()?;
    Some(Signature { key, namespace, reserved, hash, signed })
}

/// The bytes between the two lines that frame a signature.
fn unframed(text: &str) -> Option<Vec<u8>> {
    let inner = text.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let inner: String = inner.split_whitespace().collect();
    STANDARD.decode(inner).ok()
}

/// The key that signed this message for this namespace.
///
/// # Errors
/// Why there is none, in words.
pub(super) fn signer(text: &str, message: &[u8], namespace: &str) -> Result<PublicKey, String> {
    let blob = unframed(text).ok_or("it is no SSH signature (`-----BEGIN SSH SIGNATURE-----`)")?;
    let signature = parts(&blob).ok_or("it is broken, or of another version of the form")?;
    if signature.namespace != namespace.as_bytes() {
        let other = String::from_utf8_lossy(signature.namespace).into_owned();
        return Err(format!("it was made for `{other}`, not for `{namespace}` (`ssh-keygen -Y sign -n {namespace}`)"));
    }
    let hash = match signature.hash {
        b"sha256" => digest::digest(&digest::SHA256, message),
        b"sha512" => digest::digest(&digest::SHA512, message),
        other => return Err(format!("its hash `{}` is not known", String::from_utf8_lossy(other))),
    };
    let mut covered = MAGIC.to_vec();
    for string in [signature.namespace, signature.reserved, signature.hash, hash.as_ref()] {
        put(&mut covered, string);
    }
    match holds(signature.key, signature.signed, &covered) {
        Some(Ok(true)) => Ok(PublicKey(signature.key.to_vec())),
        Some(Ok(false)) => Err("it is not of this file: one of the two was changed".to_owned()),
        Some(Err(reason)) => Err(reason),
        None => Err("its key or its numbers are broken".to_owned()),
    }
}

/// Whether the signature is of these bytes, by this key; `Err`: its kind is not taken; `None`: it cannot be read.
fn holds(key: &[u8], signed: &[u8], covered: &[u8]) -> Option<Result<bool, String>> {
    let (mut key, mut signed) = (Wire(key), Wire(signed));
    let (kind, algorithm, numbers) = (key.string()?, signed.string()?, signed.string()?);
    let is_security_key = kind.starts_with(b"sk-");
    let mut covered = covered.to_vec();
    let held = match (kind, algorithm) {
        (b"ssh-ed25519", b"ssh-ed25519") => by(&verify::ED25519, key.string()?, &covered, numbers),
        (b"ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp256") => {
            let (_, point) = (key.string()?, key.string()?);
            by(&verify::ECDSA_P256_SHA256_FIXED, point, &covered, &fixed(numbers, 32)?)
        }
        (b"ecdsa-sha2-nistp384", b"ecdsa-sha2-nistp384") => {
            let (_, point) = (key.string()?, key.string()?);
            by(&verify::ECDSA_P384_SHA384_FIXED, point, &covered, &fixed(numbers, 48)?)
        }
        (b"ssh-rsa", b"rsa-sha2-256" | b"rsa-sha2-512") => {
            let (e, n) = (key.big_number()?, key.big_number()?);
            let how = if algorithm == b"rsa-sha2-256" {
                &verify::RSA_PKCS1_2048_8192_SHA256
            } else {
                &verify::RSA_PKCS1_2048_8192_SHA512
            };
            verify::RsaPublicKeyComponents { n, e }.verify(how, &covered, numbers).is_ok()
        }
        // A key on a token signs what it was asked for and says whether somebody touched it.
        (b"sk-ssh-ed25519@openssh.com", b"sk-ssh-ed25519@openssh.com") => {
            let point = key.string()?;
            covered = by_token(key.string()?, &mut signed, &covered)?;
            by(&verify::ED25519, point, &covered, numbers)
        }
        (b"sk-ecdsa-sha2-nistp256@openssh.com", b"sk-ecdsa-sha2-nistp256@openssh.com") => {
            let (_, point) = (key.string()?, key.string()?);
            covered = by_token(key.string()?, &mut signed, &covered)?;
            by(&verify::ECDSA_P256_SHA256_FIXED, point, &covered, &fixed(numbers, 32)?)
        }
        (kind, algorithm) => {
            let (kind, algorithm) = (String::from_utf8_lossy(kind), String::from_utf8_lossy(algorithm));
            let taken = "ed25519, ecdsa on nistp256 or nistp384, RSA with SHA-2, and keys on tokens are";
            return Some(Err(format!("a key of `{kind}` with `{algorithm}` is not taken: {taken}")));
        }
    };
    key.end()?;
    signed.end()?;
    if is_security_key && held && !is_touched(&covered) {
        return Some(Err("nobody touched the token when it signed".to_owned()));
    }
    Some(Ok(held))
}

fn by(how: &'static dyn verify::VerificationAlgorithm, key: &[u8], message: &[u8], numbers: &[u8]) -> bool {
    verify::UnparsedPublicKey::new(how, key).verify(message, numbers).is_ok()
}

/// The two numbers of an ECDSA signature in as many bytes each.
fn fixed(numbers: &[u8], bytes: usize) -> Option<Vec<u8>> {
    let mut wire = Wire(numbers);
    let mut out = Vec::with_capacity(2 * bytes);
    for number in [wire.big_number()?, wire.big_number()?] {
        out.resize(out.len() + bytes.checked_sub(number.len())?, 0);
        out.extend(number);
    }
    wire.end()?;
    Some(out)
}

/// What a token signs: a hash of what it is for, its flags, its counter, a hash of the message.
fn by_token(application: &[u8], signed: &mut Wire<'_>, covered: &[u8]) -> Option<Vec<u8>> {
    let flags_and_counter = signed.take(5)?;
    let mut all = digest::digest(&digest::SHA256, application).as_ref().to_vec();
    all.extend(flags_and_counter);
    all.extend(digest::digest(&digest::SHA256, covered).as_ref());
    Some(all)
}

fn is_touched(by_token: &[u8]) -> bool {
    by_token.get(digest::SHA256.output_len()).is_some_and(|flags| flags & 1 == 1)
}
