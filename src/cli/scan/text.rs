//! Finds keys in a text that is read piece by piece: no more than one piece is in memory, whatever the text's length.

use std::fmt::Write as _;
use std::io::{self, Read};
use std::ops::Range;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::managed::{Managed, Owner};
use crate::config::{SecretKind, find_secrets};

/// How much is looked at at once, in bytes.
const PIECE: usize = 1024 * 1024;
/// No key is longer: what ends this close to the end of a piece is looked at again with the next one.
const OVERLAP: usize = 512;
/// How much of a text's beginning tells whether it is one.
const HEAD: usize = 8 * 1024;
/// How far around a secret without a mark something must say that it is Honeycomb's.
const AROUND: usize = 160;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The id of a managed key; no secret.
    KeyId,
    /// An ingest key's credential.
    Ingest,
    /// What looks like a configuration key's credential.
    Configuration,
    /// A management key's id and secret.
    Management,
    /// A key of HoneyHive.
    HoneyHive,
    /// An age identity: what opens sealed secrets.
    Identity,
}

impl Kind {
    /// The stable text.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::KeyId => "key_id",
            Self::Ingest => "ingest",
            Self::Configuration => "configuration",
            Self::Management => "management",
            Self::HoneyHive => "honeyhive",
            Self::Identity => "age_identity",
        }
    }
}

/// How grave it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// No secret.
    Note,
    /// It may be one.
    Warning,
    /// It is one.
    High,
}

impl Severity {
    /// The stable text.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::High => "high",
        }
    }
}

/// One finding in one text. Never holds what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    /// From 1.
    pub(super) line: usize,
    /// From 1, in characters.
    pub(super) column: usize,
    pub(super) kind: Kind,
    pub(super) severity: Severity,
    /// The key's id, where what was found has one.
    pub(super) id: Option<String>,
    /// Whose key it is.
    pub(super) owner: Option<Owner>,
    /// The beginning of a hash of it: the same secret in two places has the same one.
    pub(super) fingerprint: String,
}

/// How a text was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Looked {
    /// All of it; so many bytes.
    Whole(u64),
    /// It is no text.
    Binary,
}

/// What a piece is read into. One for all texts, as wiping it takes longer than looking through most of them.
#[derive(Debug)]
pub(super) struct Buffer(Zeroizing<Vec<u8>>);

impl Buffer {
    pub(super) fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(PIECE)))
    }
}

/// Looks through a text. `hint` is whether what it is called says that it is about Honeycomb.
///
/// # Errors
/// When it cannot be read to its end.
pub(super) fn look(
    mut text: impl Read,
    hint: bool,
    managed: &Managed,
    Buffer(piece): &mut Buffer,
    found: &mut Vec<Hit>,
) -> io::Result<Looked> {
    let mut place = Place { line: 1, column: 1, bytes: 0 };
    piece.clear();
    let mut is_first = true;
    loop {
        let room = PIECE.saturating_sub(piece.len());
        let read = (&mut text).take(room as u64).read_to_end(piece)?;
        let is_last = read < room;
        if std::mem::take(&mut is_first) && piece.iter().take(HEAD).any(|byte| *byte == 0) {
            return Ok(Looked::Binary);
        }
        let whole = if is_last { piece.len() } else { cut(piece) };
        let looked = piece.get(..whole).unwrap_or_default();
        look_at(&String::from_utf8_lossy(looked), hint, managed, &place, found);
        place.advance(looked);
        if is_last {
            return Ok(Looked::Whole(place.bytes));
        }
        piece.drain(..whole);
    }
}

/// Where a piece is cut: after its last line, or, in a line without an end, where no word is cut in two.
fn cut(piece: &[u8]) -> usize {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-+/:".contains(byte);
    let after = |at: usize| at + 1;
    let last_line = piece.iter().rposition(|byte| *byte == b'\n').map(after);
    let last_word = || {
        let tail = piece.len().saturating_sub(OVERLAP);
        piece
            .get(tail..)
            .and_then(|rest| rest.iter().rposition(|byte| !is_word(byte)))
            .map(|at| tail + after(at))
    };
    last_line.or_else(last_word).filter(|at| *at > 0).unwrap_or(piece.len())
}

/// Where in the whole text a piece begins.
#[derive(Clone)]
struct Place {
    line: usize,
    column: usize,
    bytes: u64,
}

impl Place {
    fn advance(&mut self, piece: &[u8]) {
        let lines = piece.iter().filter(|byte| **byte == b'\n').count();
        let tail = piece.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let columns = String::from_utf8_lossy(piece.get(tail..).unwrap_or_default()).chars().count();
        self.column = if lines == 0 { self.column + columns } else { 1 + columns };
        self.line += lines;
        self.bytes += piece.len() as u64;
    }
}

fn look_at(piece: &str, hint: bool, managed: &Managed, place: &Place, found: &mut Vec<Hit>) {
    let secrets = find_secrets(piece);
    let mut hits: Vec<(Range<usize>, Kind, Severity)> = secrets
        .into_iter()
        .filter_map(|(range, kind)| {
            let (kind, severity) = judge(piece, &range, kind, hint)?;
            Some((range, kind, severity))
        })
        .collect();
    let is_inside = |at: usize, hits: &[(Range<usize>, Kind, Severity)]| {
        hits.binary_search_by(|(range, ..)| {
            if range.end <= at {
                std::cmp::Ordering::Less
            } else if range.start > at {
                std::cmp::Ordering::Greater
            } else {
                std::cmp::Ordering::Equal
            }
        })
        .is_ok()
    };
    let ids = ids(piece).filter(|range| {
        !is_inside(range.start, &hits)
            && managed.owner(piece.get(range.clone()).unwrap_or_default()).is_some()
    });
    let ids: Vec<_> = ids.map(|range| (range, Kind::KeyId, Severity::Note)).collect();
    hits.extend(ids);
    hits.sort_by_key(|(range, ..)| range.start);
    let (mut here, mut at) = (place.clone(), 0);
    for (range, kind, severity) in hits {
        let text = piece.get(range.clone()).unwrap_or_default();
        here.advance(piece.get(at..range.start).unwrap_or_default().as_bytes());
        at = range.start;
        let Place { line, column, .. } = here;
        let id = matches!(kind, Kind::KeyId | Kind::Ingest | Kind::Management)
            .then(|| text.get(..ID).unwrap_or(text).to_owned());
        let owner = id.as_deref().and_then(|id| managed.owner(id)).cloned();
        // What only documentation and sandboxes have; but not where it is a key that is managed.
        let is_sample = id.as_deref().is_some_and(|id| id.starts_with("hcx")) && owner.is_none();
        let severity = if is_sample { Severity::Note } else { severity };
        found.push(Hit { line, column, kind, severity, id, owner, fingerprint: fingerprint(text) });
    }
}

/// `hc`, three letters, `_`, 26 characters (Honeycomb's documentation: identifiers).
const ID: usize = 32;

/// Whatever may be an id: each begins with `hc` and is as long as one, or as long as it goes.
fn ids(piece: &str) -> impl Iterator<Item = Range<usize>> {
    piece.match_indices("hc").map(|(start, _)| {
        let rest = piece.as_bytes().get(start..).unwrap_or_default();
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
        start..start + rest.iter().take(ID + 1).take_while(is_part).count()
    })
}

fn judge(piece: &str, range: &Range<usize>, kind: SecretKind, hint: bool) -> Option<(Kind, Severity)> {
    let text = piece.get(range.clone()).unwrap_or_default();
    match kind {
        SecretKind::Honeycomb => Some((Kind::Ingest, Severity::High)),
        SecretKind::Management => Some((Kind::Management, Severity::High)),
        SecretKind::HoneyHive => Some((Kind::HoneyHive, Severity::High)),
        SecretKind::AgeIdentity => Some((Kind::Identity, Severity::High)),
        SecretKind::Unmarked if hint || is_about_honeycomb(piece, range) => {
            // 32 hexadecimal digits are a Classic key, and any MD5 sum.
            let severity = if text.len() == 32 { Severity::Warning } else { Severity::High };
            Some((Kind::Configuration, severity))
        }
        SecretKind::Unmarked | SecretKind::PrivateKey | SecretKind::Password => None,
    }
}

/// Whether something close to a secret says whose it is.
fn is_about_honeycomb(piece: &str, range: &Range<usize>) -> bool {
    const WORDS: &[&str] = &["honeycomb", "hny", "libhoney", "writekey", "write_key"];
    let bytes = piece.as_bytes();
    let around = range.start.saturating_sub(AROUND)..(range.end + AROUND).min(bytes.len());
    let around = bytes.get(around).unwrap_or_default().to_ascii_lowercase();
    WORDS.iter().any(|word| around.windows(word.len()).any(|window| window == word.as_bytes()))
}

fn fingerprint(text: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"keycomb scan 1\n");
    hash.update(text.as_bytes());
    hash.finalize().iter().take(4).fold(String::new(), |mut out, byte| {
        // Writing into a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "k3j9x0q7w2e8r5t1y6u4i0p9a3s7d2f8";
    const ID26: &str = "01k5v7m3t9q4w8x2y6z0a1b2c4";
    const CONFIGURATION: &str = "aB3dE5gH7jK9mN1pQ3sT5v";

    fn hits(text: &[u8]) -> Vec<Hit> {
        let mut found = vec![];
        look(text, false, &Managed::default(), &mut Buffer::new(), &mut found).unwrap();
        found
    }

    fn told(text: &str) -> Vec<(Kind, Severity, usize, usize)> {
        hits(text.as_bytes()).into_iter().map(|h| (h.kind, h.severity, h.line, h.column)).collect()
    }

    #[test]
    fn each_kind_is_told_with_its_place() {
        for (text, kind, severity, line, column) in [
            (format!("a\n  k = hcaik_{ID26}{SECRET}\n"), Kind::Ingest, Severity::High, 2, 7),
            (format!("hcxik_{ID26}{SECRET}"), Kind::Ingest, Severity::Note, 1, 1),
            (format!("ä hcamk_{ID26}:{SECRET}"), Kind::Management, Severity::High, 1, 3),
            (format!("HONEYCOMB_API_KEY={CONFIGURATION}"), Kind::Configuration, Severity::High, 1, 19),
            (
                "x-honeycomb-team: 0123456789abcdef0123456789abcdef".into(),
                Kind::Configuration,
                Severity::Warning,
                1,
                19,
            ),
            (format!("hh_{SECRET}"), Kind::HoneyHive, Severity::High, 1, 1),
            ("AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQ".into(), Kind::Identity, Severity::High, 1, 1),
        ] {
            assert_eq!(told(&text), [(kind, severity, line, column)], "{text}");
        }
    }

    #[test]
    fn what_says_nothing_of_honeycomb_and_has_no_mark_is_left_alone() {
        for text in [
            format!("token = {CONFIGURATION}"),
            "md5 0123456789abcdef0123456789abcdef".to_owned(),
            format!("honeycomb{}{CONFIGURATION}", " ".repeat(400)),
            format!("hcaik_{ID26}"),
        ] {
            assert_eq!(told(&text), [], "{text}");
        }
        let mut found = vec![];
        look(CONFIGURATION.as_bytes(), true, &Managed::default(), &mut Buffer::new(), &mut found).unwrap();
        assert_eq!(found.len(), 1, "but where the file is called so");
    }

    #[test]
    fn the_same_secret_has_the_same_fingerprint_and_no_hit_holds_it() {
        let text = format!("hcaik_{ID26}{SECRET} {SECRET}hcaik_{ID26}{SECRET} hcbik_{ID26}{SECRET}");
        let found = hits(text.as_bytes());
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].fingerprint, found[1].fingerprint);
        assert_ne!(found[0].fingerprint, found[2].fingerprint);
        assert!(!format!("{found:?}").contains(SECRET));
    }

    #[test]
    fn a_text_longer_than_a_piece_is_read_to_its_end_wherever_it_is_cut() {
        let key = format!("hcaik_{ID26}{SECRET}");
        for (filler, per_line) in [("x ", false), ("x\n", true)] {
            for shift in [0, 63, 65, 512] {
                let mut text = filler.repeat(PIECE / 2 - shift);
                let at = text.len();
                text.push_str(&key);
                text.push(' ');
                text.push_str(&filler.repeat(PIECE / 2 + 7));
                let last = text.len();
                text.push_str(&key);
                let found = hits(text.as_bytes());
                let place = |at: usize| if per_line { (1 + at / 2, 1) } else { (1, at + 1) };
                assert_eq!(found.len(), 2, "{filler:?} {shift}");
                assert_eq!((found[0].line, found[0].column), place(at), "{filler:?} {shift}");
                let columns = last
                    - if per_line {
                        text.get(..last).and_then(|before| before.rfind('\n')).unwrap() + 1
                    } else {
                        0
                    };
                assert_eq!(found[1].column, columns + 1, "{filler:?} {shift}");
            }
        }
    }

    #[test]
    fn what_is_no_text_is_told_apart() {
        let mut found = vec![];
        let looked =
            look(&b"ab\0hcaik_"[..], false, &Managed::default(), &mut Buffer::new(), &mut found).unwrap();
        assert_eq!(looked, Looked::Binary);
        assert_eq!(
            look(&b""[..], false, &Managed::default(), &mut Buffer::new(), &mut found).unwrap(),
            Looked::Whole(0)
        );
        let mut odd = b"\xff\xfe ".to_vec();
        odd.extend(format!("hcaik_{ID26}{SECRET} ").bytes());
        odd.push(0xe4);
        assert_eq!(hits(&odd).len(), 1);
    }

    #[test]
    fn a_buffer_that_held_another_text_changes_nothing() {
        let key = format!("hcaik_{ID26}{SECRET}");
        let texts = [
            format!("{}{key}", "x ".repeat(PIECE)),
            "plain".into(),
            format!("ab\0{key}"),
            format!("\n {key}"),
        ];
        let mut buffer = Buffer::new();
        for text in &texts {
            let (mut found, mut alone) = (vec![], vec![]);
            let looked = look(text.as_bytes(), false, &Managed::default(), &mut buffer, &mut found).unwrap();
            let other =
                look(text.as_bytes(), false, &Managed::default(), &mut Buffer::new(), &mut alone).unwrap();
            assert_eq!((looked, &found), (other, &alone));
        }
    }
}
