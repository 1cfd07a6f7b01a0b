//! The journal's lines: a header that says which file it belongs to, then one record a line, each with a checksum.
//!
//! A line is `CHECKSUM JSON`; the checksum covers the line and, through the checksum before it, all lines before:
//! a line that was changed, removed, repeated or moved is seen.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::text;
use crate::model::{Endpoint, Lineage, Record, Sealed, TeamSlug};

/// The newest format of the journal that this version reads, and the one it writes.
pub(super) const FORMAT: u32 = 1;

/// What the records are to be applied to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    // First in the line: a torn header is recognised by it.
    pub format: u32,
    pub team: TeamSlug,
    pub endpoint: Endpoint,
    pub lineage: Lineage,
    /// The sealed file's serial when the journal was begun; for people.
    pub serial: u64,
    /// A digest of the sealed file's content when the journal was begun.
    pub base: String,
}

impl Header {
    /// The header of a journal that is begun on this content.
    pub(super) fn of(base: &Sealed) -> Self {
        Self {
            format: FORMAT,
            team: base.team.clone(),
            endpoint: base.endpoint.clone(),
            lineage: base.lineage.clone(),
            serial: base.serial,
            base: digest(base),
        }
    }

    /// Whether it was begun on exactly this content.
    pub(super) fn is_of(&self, base: &Sealed) -> bool {
        self.base == digest(base)
    }
}

/// Of the content, not of the file's bytes: git may change line ends.
fn digest(sealed: &Sealed) -> String {
    hex(&Sha256::digest(text::write(sealed).as_bytes()), 16)
}

/// The checksum of the last line.
#[derive(Debug, Clone, Default)]
pub(super) struct Chain(String);

impl Chain {
    /// The next line, with its line end.
    pub(super) fn line(&mut self, content: &impl Serialize) -> serde_json::Result<Vec<u8>> {
        Ok(self.text(&serde_json::to_string(content)?))
    }

    /// The next line, of JSON without a line end.
    pub(super) fn text(&mut self, json: &str) -> Vec<u8> {
        self.0 = self.next(json);
        format!("{} {json}\n", self.0).into_bytes()
    }

    fn next(&self, json: &str) -> String {
        hex(&Sha256::new().chain_update(&self.0).chain_update(json).finalize(), 8)
    }

    /// The JSON of a line that follows the last one.
    fn check<'a>(&mut self, line: &'a [u8]) -> Option<&'a str> {
        let (sum, json) = std::str::from_utf8(line).ok()?.split_once(' ')?;
        let expected = self.next(json);
        if sum != expected {
            return None;
        }
        self.0 = expected;
        Some(json)
    }
}

fn hex(bytes: &[u8], length: usize) -> String {
    bytes.iter().take(length).map(|byte| format!("{byte:02x}")).collect()
}

/// A journal's content.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Journal {
    pub header: Header,
    pub records: Vec<Record>,
}

/// Why bytes are no journal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum JournalProblem {
    /// The line (from 1) is not what was written there.
    Damaged { line: usize },
    /// Written by a newer keycomb.
    Newer { found: u32 },
}

/// Reads a journal. What follows the last line end was being written when the process or the machine died, and
/// nothing was done on the strength of it: it is dropped. `None` when that is all there is.
pub(super) fn decode(bytes: &[u8]) -> Result<Option<Journal>, JournalProblem> {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let torn = lines.pop().unwrap_or_default();
    let mut lines = lines.into_iter().enumerate();
    let Some((_, first)) = lines.next() else {
        return if is_torn_header(torn) { Ok(None) } else { Err(JournalProblem::Damaged { line: 1 }) };
    };
    let mut chain = Chain::default();
    let header = read_header(chain.check(first).ok_or(JournalProblem::Damaged { line: 1 })?)?;
    let record = |(index, line)| {
        let json = chain.check(line);
        json.and_then(|json| serde_json::from_str(json).ok())
            .ok_or(JournalProblem::Damaged { line: index + 1 })
    };
    let records = lines.map(record).collect::<Result<_, _>>()?;
    Ok(Some(Journal { header, records }))
}

fn read_header(json: &str) -> Result<Header, JournalProblem> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let damaged = |_| JournalProblem::Damaged { line: 1 };
    let Format { format } = serde_json::from_str(json).map_err(damaged)?;
    if format > FORMAT {
        return Err(JournalProblem::Newer { found: format });
    }
    serde_json::from_str(json).map_err(damaged)
}

/// Whether a journal's first line could begin like this: anything else is somebody else's file.
fn is_torn_header(torn: &[u8]) -> bool {
    const BEGINNING: &[u8] = b" {\"format\":";
    let sum = torn.iter().take(16).all(u8::is_ascii_hexdigit);
    let rest = torn.get(16..).unwrap_or_default();
    let begins = rest.iter().zip(BEGINNING).all(|(found, expected)| found == expected);
    // A machine that lost power may leave a file of the right length and nothing in it.
    torn.iter().all(|byte| *byte == 0) || sum && begins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Nonce;

    fn sample() -> (Header, Vec<Record>, Vec<u8>) {
        let team = TeamSlug::new("acme").unwrap();
        let base = Sealed::new(team, Endpoint::us(), Lineage::new("0123456789abcdef").unwrap());
        let header = Header::of(&base);
        let over = |c: &str| Record::IntentOver { nonce: Nonce::new(c.repeat(16)).unwrap() };
        let records = vec![over("1"), over("2"), over("3")];
        let mut chain = Chain::default();
        let mut bytes = chain.line(&header).unwrap();
        for record in &records {
            bytes.extend(chain.line(record).unwrap());
        }
        (header, records, bytes)
    }

    #[test]
    fn a_journal_reads_back() {
        let (header, records, bytes) = sample();
        assert_eq!(decode(&bytes), Ok(Some(Journal { header, records })));
    }

    #[test]
    fn every_cut_drops_the_torn_line_and_nothing_else() {
        let (header, records, bytes) = sample();
        for cut in 0..bytes.len() {
            let whole = bytes[..cut].iter().filter(|byte| **byte == b'\n').count();
            let expected = (whole > 0)
                .then(|| Journal { header: header.clone(), records: records[..whole - 1].to_vec() });
            assert_eq!(decode(&bytes[..cut]), Ok(expected), "cut at {cut}");
        }
    }

    #[test]
    fn every_changed_byte_is_seen() {
        let (_, _, bytes) = sample();
        let last_line = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[place] ^= 1 << bit;
                let read = decode(&changed);
                if place == bytes.len() - 1 {
                    // The last line end itself: the last record counts as torn.
                    assert_eq!(read.unwrap().unwrap().records.len(), 2);
                } else {
                    assert!(read.is_err(), "byte {place} bit {bit} after {last_line}");
                }
            }
        }
    }

    #[test]
    fn lines_that_were_removed_repeated_or_swapped_are_seen() {
        let (_, _, bytes) = sample();
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        for (order, line) in
            [(vec![0, 2, 3], 2), (vec![0, 1, 1, 2], 3), (vec![0, 2, 1, 3], 2), (vec![1, 2], 1)]
        {
            let changed: Vec<u8> = order.iter().flat_map(|i| lines[*i]).copied().collect();
            assert_eq!(decode(&changed), Err(JournalProblem::Damaged { line }), "{order:?}");
        }
    }

    #[test]
    fn a_newer_journal_and_somebody_elses_file_are_told_apart() {
        let newer = Chain::default().line(&serde_json::json!({"format": 2, "else": true})).unwrap();
        assert_eq!(decode(&newer), Err(JournalProblem::Newer { found: 2 }));
        for text in ["dear diary", "dear diary\n", "0123456789abcdef dear diary"] {
            assert_eq!(decode(text.as_bytes()), Err(JournalProblem::Damaged { line: 1 }), "{text}");
        }
        assert_eq!(decode(&[0; 300]), Ok(None));
    }
}
