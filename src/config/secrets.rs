//! Finds text of the shape of a secret, so that it is refused and never repeated.
//!
//! The whole text is searched, comments and bare words too: a secret pasted in the wrong place is rarely a well-formed
//! value. Two kinds of rule keep ordinary words out:
//!
//! - marked secrets (`hcaik_…`, `AGE-SECRET-KEY-1…`, PEM private keys, passwords in addresses) are found anywhere;
//! - secrets without a mark (a configuration key's 22 or 23 mixed-case letters and digits, an ingest or management key's
//!   32 lower-case ones) only as whole tokens, and only if they look random: the kind of character changes often.
//!   `CheckoutCollectorsProd1` has 22 characters' width too, but changes at its few word borders only.
//!   A token ends where none of `A-Z a-z 0-9 _ - + /` follows, so base64 of SSH keys, ids (`hcxik_…`) and paths are
//!   longer tokens with other characters in them, and pass.
//!
//! Shapes: Honeycomb docs (best practices for API keys), libhoney's key checks.

use std::borrow::Cow;
use std::ops::Range;

/// What a text looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An ingest key's credential: id and secret.
    Honeycomb,
    /// A management key's id and secret.
    Management,
    /// A secret without a mark: a configuration key's, or half of another's.
    Unmarked,
    /// Any key of HoneyHive.
    HoneyHive,
    /// An age identity.
    AgeIdentity,
    /// A private key in PEM.
    PrivateKey,
    /// A user's name and password in an address.
    Password,
}

impl Kind {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Honeycomb => "a Honeycomb key with its secret",
            Self::Management => "a Honeycomb management key with its secret",
            Self::Unmarked => "a Honeycomb secret",
            Self::HoneyHive => "a HoneyHive key",
            Self::AgeIdentity => "an age identity (a private key)",
            Self::PrivateKey => "a private key",
            Self::Password => "a password in an address",
        }
    }
}

/// All secrets in `text`: byte ranges, sorted and apart.
pub fn find(text: &str) -> Vec<(Range<usize>, Kind)> {
    let mut hits = Vec::new();
    find_private_keys(text, &mut hits);
    find_age_identities(text, &mut hits);
    find_honeycomb(text, &mut hits);
    find_honeyhive(text, &mut hits);
    find_passwords(text, &mut hits);
    find_unmarked(text, &mut hits);
    hits.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    merge(hits)
}

/// The text with every secret in it as `•`, character by character.
pub fn mask(text: &str) -> Cow<'_, str> {
    let hits = find(text);
    if hits.is_empty() {
        return Cow::Borrowed(text);
    }
    let is_secret = |at: usize| hits.iter().any(|(range, _)| range.contains(&at));
    text.char_indices().map(|(at, c)| if is_secret(at) { '•' } else { c }).collect::<String>().into()
}

fn merge(hits: Vec<(Range<usize>, Kind)>) -> Vec<(Range<usize>, Kind)> {
    let mut merged: Vec<(Range<usize>, Kind)> = Vec::with_capacity(hits.len());
    for (range, kind) in hits {
        match merged.last_mut() {
            Some((last, _)) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push((range, kind)),
        }
    }
    merged
}

/// From `-----BEGIN … PRIVATE KEY` to the end line; to the end of the text where that was cut off.
fn find_private_keys(text: &str, hits: &mut Vec<(Range<usize>, Kind)>) {
    let mut from = 0;
    while let Some(start) = find_from(text, "-----BEGIN ", from) {
        let title = text.get(start..).unwrap_or_default().chars().take(64).collect::<String>();
        from = start + 1;
        if title.contains("PRIVATE KEY") {
            let end = find_from(text, "-----END ", start)
                .and_then(|at| find_from(text, "-----", at + 9))
                .map_or(text.len(), |at| at + 5);
            hits.push((start..end, Kind::PrivateKey));
            from = end;
        }
    }
}

fn find_age_identities(text: &str, hits: &mut Vec<(Range<usize>, Kind)>) {
    const MARK: &str = "AGE-SECRET-KEY-";
    // Upper-casing ASCII keeps every offset.
    let upper = text.to_ascii_uppercase();
    for (start, _) in upper.match_indices(MARK) {
        let body = run_after(text, start + MARK.len(), |b| b.is_ascii_alphanumeric() || b == b'-');
        // "AGE-SECRET-KEY-1…" in a comment is no key.
        if body.len() >= 10 {
            hits.push((start..body.end, Kind::AgeIdentity));
        }
    }
}

/// `hcxxx_` with more behind it than the 26 characters of an id, or an id, a colon and something.
fn find_honeycomb(text: &str, hits: &mut Vec<(Range<usize>, Kind)>) {
    const ID: usize = 26;
    for (start, _) in text.match_indices("hc") {
        let letters = run_after(text, start + 2, |b| b.is_ascii_lowercase());
        if !(2..=3).contains(&letters.len()) || text.as_bytes().get(letters.end) != Some(&b'_') {
            continue;
        }
        let body = run_after(text, letters.end + 1, |b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let has_digit = text.get(body.clone()).is_some_and(|b| b.bytes().any(|b| b.is_ascii_digit()));
        if body.len() > ID && has_digit {
            hits.push((start..body.end, Kind::Honeycomb));
        } else if body.len() == ID && text.as_bytes().get(body.end) == Some(&b':') {
            let secret = run_after(text, body.end + 1, |b| b.is_ascii_alphanumeric());
            if !secret.is_empty() {
                hits.push((start..secret.end, Kind::Management));
            }
        }
    }
}

/// `hh_fgdp_ID_SECRET` and its like, and `hh_` with 32 characters behind it or a kind (HoneyHive's client: key formats).
fn find_honeyhive(text: &str, hits: &mut Vec<(Range<usize>, Kind)>) {
    for (start, _) in text.match_indices("hh_") {
        let before = start.checked_sub(1).and_then(|at| text.as_bytes().get(at));
        if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
            continue;
        }
        let body = run_after(text, start + 3, |b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        if text.get(body.clone()).is_some_and(is_honeyhive) {
            hits.push((start..body.end, Kind::HoneyHive));
        }
    }
}

/// Whether what follows `hh_` is a key. Words joined by `_` have few digits.
fn is_honeyhive(body: &str) -> bool {
    let typed = ["fgdp_", "fgcp_", "ingst_"].iter().find_map(|kind| body.strip_prefix(kind));
    if let Some((id, secret)) = typed.and_then(|typed| typed.split_once('_')) {
        // Cut short it is still most of a secret.
        return id.len() == 24 && id.bytes().all(|b| b.is_ascii_alphanumeric()) && secret.len() >= 32;
    }
    let classic = ["ro_", "org_", "ws_", "cp_"].iter().find_map(|kind| body.strip_prefix(kind));
    let classic = classic.unwrap_or(body);
    classic.len() == 32 && classic.bytes().filter(u8::is_ascii_digit).count() >= 2
}

/// `://user:password@`
fn find_passwords(text: &str, hits: &mut Vec<(Range<usize>, Kind)>) {
    for (at, _) in text.match_indices("://") {
        let authority = run_after(text, at + 3, |b| !b.is_ascii_whitespace() && !b"/\"'`<>#".contains(&b));
        let Some(user_end) = text.get(authority.clone()).and_then(|a| a.rfind('@')) else { continue };
        if user_end > 0 {
            hits.push((authority.start..authority.start + user_end, Kind::Password));
        }
    }
}

fn find_unmarked(text: &str, hits: &mut Vec<(Range<usize>, Kind)>) {
    let is_token = |b: &u8| IS_TOKEN.get(usize::from(*b)).is_some_and(|is_token| *is_token);
    let bytes = text.as_bytes();
    let mut start = 0;
    let ends = bytes.iter().enumerate().filter(|(_, byte)| !is_token(byte)).map(|(at, _)| at);
    for end in ends.chain([bytes.len()]) {
        if is_unmarked_secret(bytes.get(start..end).unwrap_or_default()) {
            hits.push((start..end, Kind::Unmarked));
        }
        start = end + 1;
    }
}

/// By byte, whether it can be in a token: a text has few of anything else, and this is most of what finding takes.
const IS_TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "in bounds, or it would not compile")]
        {
            table[byte] =
                (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'_' | b'-' | b'+' | b'/');
        }
        byte += 1;
    }
    table
};

fn is_unmarked_secret(token: &[u8]) -> bool {
    // Most tokens are of none of the lengths.
    if !matches!(token.len(), 22 | 23 | 32) {
        return false;
    }
    let has = |class: fn(&u8) -> bool| token.iter().any(class);
    let (lower, upper, digit) =
        (has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase), has(u8::is_ascii_digit));
    if !digit || !lower || !token.iter().all(u8::is_ascii_alphanumeric) {
        return false;
    }
    match token.len() {
        // Of random ones, 13 changes are usual and fewer than 8 happen once in a hundred.
        22 | 23 => upper && changes(token) >= 8,
        // Of random ones, 12 are usual. A Classic key is 32 hexadecimal digits.
        32 => !upper && (changes(token) >= 6 || token.iter().all(u8::is_ascii_hexdigit)),
        _ => false,
    }
}

/// How often upper case, lower case and digits take turns.
fn changes(token: &[u8]) -> usize {
    let class = |b: &u8| (b.is_ascii_digit(), b.is_ascii_uppercase());
    token.iter().zip(token.iter().skip(1)).filter(|(a, b)| class(a) != class(b)).count()
}

fn find_from(text: &str, what: &str, from: usize) -> Option<usize> {
    text.get(from..)?.find(what).map(|at| from + at)
}

fn run_after(text: &str, start: usize, is_part: impl Fn(u8) -> bool) -> Range<usize> {
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    start..start + rest.iter().take_while(|byte| is_part(**byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "01k5v7m3t9q4w8x2y6z0a1b2c4";
    const SECRET: &str = "k3j9x0q7w2e8r5t1y6u4i0p9a3s7d2f8";

    fn kinds(text: &str) -> Vec<Kind> {
        find(text).into_iter().map(|(_, kind)| kind).collect()
    }

    #[test]
    fn secrets_are_found() {
        let cases = [
            (format!("name = \"hcaik_{BODY}{SECRET}\""), Kind::Honeycomb),
            (format!("# old: hcxik_{BODY}{SECRET}, to be removed"), Kind::Honeycomb),
            (format!("x-hceic_{BODY}{SECRET}"), Kind::Honeycomb),
            (format!("hcamk_{BODY}:{SECRET}"), Kind::Management),
            (format!("note = '{SECRET}'"), Kind::Unmarked),
            ("name=aB3dE5gH7jK9mN1pQ3sT5v".into(), Kind::Unmarked),
            ("\"Qw9eRt2yUi4oPa6sDf8gHj1\"".into(), Kind::Unmarked),
            ("0123456789abcdef0123456789abcdef".into(), Kind::Unmarked),
            ("\"AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQ\"".into(), Kind::AgeIdentity),
            ("age-secret-key-1qqqqqqqqqqqqqqqq".into(), Kind::AgeIdentity),
            (
                "'''-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----'''".into(),
                Kind::PrivateKey,
            ),
            (format!("hh_fgdp_Ab1Ab1Ab1Ab1Ab1Ab1Ab1Ab1_{SECRET}-_{SECRET}"), Kind::HoneyHive),
            (format!("HH_API_KEY=hh_ingst_Ab1Ab1Ab1Ab1Ab1Ab1Ab1Ab1_{SECRET}"), Kind::HoneyHive),
            (format!("'hh_{SECRET}'"), Kind::HoneyHive),
            (format!("hh_ro_{SECRET};"), Kind::HoneyHive),
            ("endpoint = \"https://me:hunter2@example.com\"".into(), Kind::Password),
        ];
        for (text, kind) in cases {
            assert_eq!(kinds(&text), [kind], "{text}");
            assert!(mask(&text).contains('•'), "{text}");
        }
    }

    #[test]
    fn ordinary_words_pass() {
        for text in [
            "CheckoutCollectorsProd1",
            "checkout-collectors-eu-1",
            "productionCheckoutEurope2",
            "checkoutcollectorsproduction0001",
            "internationalizationservice",
            "hcaik_01k5v7m3t9q4w8x2y6z0a1b2c4",
            "hcore_this_is_a_label_of_ours_and_quite_long",
            "hcare_abcdefghijklmnopqrstuvwxyzabcdef",
            "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN alice@laptop",
            "-----BEGIN PUBLIC KEY-----",
            "# never paste an AGE-SECRET-KEY-1… here",
            "https://api.honeycomb.io see ops@example.com",
            "550e8400-e29b-41d4-a716-446655440000",
            "hh_this_is_a_label_of_ours_and_long",
            "hh_fgdp_short_one",
            "xhh_k3j9x0q7w2e8r5t1y6u4i0p9a3s7d2f",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        ] {
            assert_eq!(kinds(text), [], "{text}");
        }
    }

    #[test]
    fn a_mask_keeps_the_width_and_the_rest() {
        let text = format!("ä hcaik_{BODY}{SECRET} b");
        let masked = mask(&text);
        assert_eq!(masked.chars().count(), text.chars().count());
        assert!(masked.starts_with("ä •") && masked.ends_with("• b"));
    }

    #[test]
    fn a_private_key_without_its_end_is_hidden_to_the_end() {
        let text = "-----BEGIN RSA PRIVATE KEY-----\nMIIE";
        assert_eq!(find(text), [(0..text.len(), Kind::PrivateKey)]);
    }
}
