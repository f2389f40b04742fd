//! Whose keys count: files of allowed signers, as OpenSSH and git have them.
//!
//! Comes in: the text of one (`ssh-keygen(1)`, ALLOWED SIGNERS), a key, a namespace and a time. Goes out: whose key it is. Pure.
//! A line that cannot be read, or that asks for something that is not done here (certificates), makes the whole file wrong: a
//! restriction that is skipped over would let a key do more than its owner said.

use super::sshsig::PublicKey;
use crate::engine::local::proxy::matches;

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signer {
    /// `alice@bank.example`, as the line says it.
    pub name: String,
    key: PublicKey,
    namespaces: Option<String>,
    /// Seconds since 1970.
    after: Option<i64>,
    before: Option<i64>,
}

/// The signers of a file.
///
/// # Errors
/// The line, from 1, and what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Vec<Signer>, (usize, String)> {
    let mut signers = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            signers.push(signer(line).map_err(|reason| (number, reason))?);
        }
    }
    Ok(signers)
}

const FORM: &str = "a line is `NAME ssh-ed25519 AAAA…`, as in git's `gpg.ssh.allowedSignersFile`";

fn signer(line: &str) -> Result<Signer, String> {
    let mut words = words(line).into_iter();
    let mut next = || words.next().ok_or_else(|| FORM.to_owned());
    let name = next()?.trim_matches('"').to_owned();
    let second = next()?;
    let (options, kind) = if is_kind(&second) { (String::new(), second) } else { (second, next()?) };
    if !is_kind(&kind) {
        return Err(format!("`{kind}` is no kind of key; {FORM}"));
    }
    let base64 = next()?;
    let key = PublicKey::of_base64(&base64).filter(|key| key.kind() == kind);
    let key = key.ok_or_else(|| format!("the key is broken, or no `{kind}`"))?;
    let mut signer = Signer { name, key, namespaces: None, after: None, before: None };
    for option in split(&options, ',').into_iter().filter(|o| !o.is_empty()) {
        signer.option(&option)?;
    }
    Ok(signer)
}

fn is_kind(word: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-"].iter().any(|prefix| word.starts_with(prefix))
}

/// The words of a line; what is in quotes belongs together.
fn words(line: &str) -> Vec<String> {
    split(line, ' ').into_iter().filter(|word| !word.is_empty()).collect()
}

fn split(text: &str, at: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    for c in text.chars() {
        is_quoted ^= c == '"';
        let ends = !is_quoted && (c == at || (at == ' ' && c == '\t'));
        match (ends, parts.last_mut()) {
            (false, Some(part)) => part.push(c),
            _ => parts.push(String::new()),
        }
    }
    parts
}

impl Signer {
    fn option(&mut self, option: &str) -> Result<(), String> {
        let (name, value) = option.split_once('=').map_or((option, ""), |(n, v)| (n, v.trim_matches('"')));
        match name.to_ascii_lowercase().as_str() {
            "namespaces" => self.namespaces = Some(value.to_owned()),
            "valid-after" => self.after = Some(time(value)?),
            "valid-before" => self.before = Some(time(value)?),
            "cert-authority" => return Err("certificates are not taken here: list the keys themselves".to_owned()),
            _ => return Err(format!("the option `{name}` is not known")),
        }
        Ok(())
    }

    /// Why this key does not count for the namespace at the time; `Ok`: it does.
    fn counts(&self, namespace: &str, now: i64) -> Result<(), String> {
        let is_for =
            |list: &String| list.split(',').any(|pattern| matches(pattern.trim().as_bytes(), namespace.as_bytes()));
        if !self.namespaces.as_ref().is_none_or(is_for) {
            return Err(format!("the key of {} is not for `{namespace}`", self.name));
        }
        if self.after.is_some_and(|after| now < after) {
            return Err(format!("the key of {} does not count yet", self.name));
        }
        if self.before.is_some_and(|before| now >= before) {
            return Err(format!("the key of {} does not count any more", self.name));
        }
        Ok(())
    }
}

/// `20261231`, `202612312359`, `20261231235900`, in UTC whether `Z` follows or not.
fn time(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no time: write `20261231` or `202612312359Z`");
    let digits = text.strip_suffix('Z').unwrap_or(text);
    if !digits.bytes().all(|b| b.is_ascii_digit()) || ![8, 12, 14].contains(&digits.len()) {
        return Err(wrong());
    }
    let whole = format!("{digits:0<14}");
    let read = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", &whole).map_err(|_| wrong())?;
    let zoned = read.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong())?;
    Ok(zoned.timestamp().as_second())
}

/// Whose key it is.
///
/// # Errors
/// Nobody's, or it does not count for this or now.
pub(super) fn owner<'s>(
    signers: &'s [Signer],
    key: &PublicKey,
    namespace: &str,
    now: i64,
) -> Result<&'s Signer, Option<String>> {
    let mut reason = None;
    for signer in signers.iter().filter(|signer| signer.key == *key) {
        match signer.counts(namespace, now) {
            Ok(()) => return Ok(signer),
            Err(why) => reason = Some(why),
        }
    }
    Err(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIHkDVPwxVgMnqsJuZEvWMtkC3GEYNTzGSYTYQMfWNTZk";

    #[test]
    fn lines_are_those_of_openssh() {
        let text = format!(
            "# whose keys count\n\nalice@bank.example ssh-ed25519 {KEY} laptop\n\
             \"bob\" namespaces=\"git,perturb-*\",valid-after=\"20260101\",valid-before=\"202612312359Z\" ssh-ed25519 {KEY}\n"
        );
        let signers = parse(&text).unwrap();
        assert_eq!(signers.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["alice@bank.example", "bob"]);
        let (key, bob) = (PublicKey::of_base64(KEY).unwrap(), &signers[1..]);
        let at = |time: &str| time.parse::<jiff::Timestamp>().unwrap().as_second();
        let whose = |namespace: &str, time: &str| owner(bob, &key, namespace, at(time)).map(|s| s.name.clone());
        assert_eq!(whose("perturb-approval", "2026-06-01T00:00:00Z"), Ok("bob".to_owned()));
        let refused = |namespace: &str, time: &str| whose(namespace, time).unwrap_err().unwrap();
        assert!(refused("file", "2026-06-01T00:00:00Z").contains("is not for `file`"));
        assert!(refused("git", "2025-12-31T23:59:59Z").contains("not count yet"));
        assert!(refused("git", "2026-12-31T23:59:00Z").contains("any more"));
        assert_eq!(owner(&[], &key, "git", 0), Err(None));
    }

    #[test]
    fn what_cannot_be_read_is_said_and_nothing_is_skipped() {
        let wrong = |line: &str| parse(&format!("# x\n{line}\n")).unwrap_err();
        assert_eq!(wrong("alice").0, 2);
        assert!(wrong("alice ssh-ed25519 AAAA").1.contains("broken"));
        assert!(wrong(&format!("alice ssh-rsa {KEY}")).1.contains("no `ssh-rsa`"));
        assert!(wrong(&format!("*@x cert-authority ssh-ed25519 {KEY}")).1.contains("certificates"));
        assert!(wrong(&format!("alice verify-required ssh-ed25519 {KEY}")).1.contains("not known"));
        assert!(wrong(&format!("alice valid-before=\"tomorrow\" ssh-ed25519 {KEY}")).1.contains("no time"));
        assert!(wrong(&format!("alice valid-before=\"20261341\" ssh-ed25519 {KEY}")).1.contains("no time"));
    }

    #[test]
    fn patterns_are_those_of_openssh() {
        for (pattern, text, wanted) in
            [("*", "", true), ("a*c", "abbc", true), ("a?c", "abc", true), ("a?c", "ac", false), ("a*", "ba", false)]
        {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), wanted, "{pattern} {text}");
        }
    }
}
