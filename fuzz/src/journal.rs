//! The journal: whatever stands at its end, no record before that is lost; whatever is in it, the file can be read again.

use keycomb::model::{Endpoint, Lineage, Record, Sealed, TeamSlug};
use keycomb::seal::fuzzing as seal;
use keycomb::seal::text;

/// The input is a journal. Its lines are read as they are, and once more with the checksums that they should have: a
/// fuzzer finds no checksum by itself.
pub fn run(data: &[u8]) {
    if let Ok(Some(records)) = seal::records(data) {
        assert_rewritten(&records);
        assert_whole(data, &records);
    }
    let text = String::from_utf8_lossy(data);
    let lines: Vec<&str> = text.lines().map(json_of).filter(|line| !line.is_empty()).collect();
    let signed = seal::signed(&lines);
    let Ok(Some(records)) = seal::records(&signed) else { return };
    assert_rewritten(&records);
    assert_whole(&signed, &records);
    assert_garbage_takes_nothing(&signed, &records, data);
    assert_folded(records);
}

/// A line without its checksum.
fn json_of(line: &str) -> &str {
    match line.split_once(' ') {
        Some((sum, json)) if sum.len() == 16 && !sum.contains('{') => json,
        _ => line,
    }
}

/// What was read is what would be written.
fn assert_rewritten(records: &[Record]) {
    let written = seal::written(&blank(), records).unwrap();
    assert_eq!(seal::records(&written).as_ref().map(Option::as_deref), Ok(Some(records)));
}

/// Cut anywhere, the whole lines are there and nothing else.
fn assert_whole(journal: &[u8], records: &[Record]) {
    let end = journal.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    for cut in (0..=end).step_by(end / 48 + 1).chain([end]) {
        let lines = journal[..cut].iter().filter(|byte| **byte == b'\n').count();
        let expected = lines.checked_sub(1).map(|count| &records[..count]);
        let read = seal::records(&journal[..cut]).unwrap_or_else(|problem| panic!("cut at {cut}: {problem}"));
        assert_eq!(read.as_deref(), expected, "cut at {cut}");
    }
}

/// After garbage the records are all there, or the journal is refused.
fn assert_garbage_takes_nothing(journal: &[u8], records: &[Record], garbage: &[u8]) {
    for tail in [garbage, &garbage[garbage.len() / 2..], &garbage[garbage.len().saturating_sub(9)..]] {
        let long = [journal, tail].concat();
        match seal::records(&long) {
            Ok(read) => assert!(read.unwrap_or_default().starts_with(records), "records were lost"),
            Err(_) => assert!(tail.contains(&b'\n'), "a torn line is no damage"),
        }
        if let Some(line_end) = tail.iter().position(|byte| *byte == b'\n') {
            let torn = [journal, &tail[..line_end]].concat();
            assert_eq!(seal::records(&torn).unwrap().as_deref(), Some(records));
        }
    }
}

/// What an apply would have taken down can be folded into a file that reads back, once and twice.
fn assert_folded(records: Vec<Record>) {
    let base = blank();
    let mut content = base.clone();
    let mut kept = vec![];
    for record in records {
        if let Ok(next) = seal::taken(content.clone(), record.clone()) {
            assert_seals_kept(&content, &next, &record);
            content = next;
            kept.push(record);
        }
    }
    let journal = seal::written(&base, &kept).unwrap();
    let folded = seal::folded(None, &journal).unwrap();
    let is_changed = content != base;
    content.serial += u64::from(is_changed);
    let Some(folded) = folded else { return assert!(kept.is_empty()) };
    assert_eq!(folded, content);
    let file = text::write(&folded);
    let back = text::parse(&file).unwrap_or_else(|problem| panic!("{problem}\n{file}"));
    assert_eq!(back, folded, "{file}");
    if is_changed && !kept.is_empty() {
        // Cut off between the rename and the removal of the journal: it is replayed onto what it made, or refused.
        if let Ok(again) = seal::folded(Some(&back), &journal) {
            assert_eq!(again, Some(back));
        }
    }
}

/// A sealed entry leaves only by name, and its seal never changes.
fn assert_seals_kept(before: &Sealed, after: &Sealed, record: &Record) {
    for key in before.keys.iter().filter(|key| key.sealed.is_some()) {
        match after.key(&key.id) {
            Some(now) => assert_eq!(now.sealed, key.sealed, "the seal of `{}` changed", key.id),
            None => {
                assert!(matches!(record, Record::KeyGone { id } if *id == key.id), "`{}` is gone", key.id)
            }
        }
    }
}

fn blank() -> Sealed {
    let lineage = Lineage::new("0123456789abcdef").unwrap();
    Sealed::new(TeamSlug::new("acme").unwrap(), Endpoint::us(), lineage)
}
