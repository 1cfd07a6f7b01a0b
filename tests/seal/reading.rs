//! The file's text: its exact form, and what is no sealed file.

use keycomb::model::{
    Color, EnvironmentAttributes, EnvironmentId, NoSecret, RecipientRef, Record, SealedEnvironment,
};
use keycomb::seal::text::{TextError, parse, write};
use keycomb::seal::{SealError, read};

use super::support::*;

fn sample() -> keycomb::model::Sealed {
    let mut sealed = blank();
    sealed.serial = 12;
    sealed.take(Record::Environment {
        environment: SealedEnvironment {
            address: "environment.production".parse().unwrap(),
            id: EnvironmentId::new("hcxen_1").unwrap(),
            name: "Production \"blue\"\n\u{202e}東京".into(),
            applied: EnvironmentAttributes {
                description: None,
                color: Some(Color::LightBlue),
                delete_protected: Some(true),
            },
        },
    });
    sealed.take(minted(1, key("checkout", "hcxik_1")));
    let mut adopted = key("adopted", "hcxik_2");
    adopted.sealed = None;
    adopted.secret = Some(NoSecret::Unavailable);
    adopted.recipients = vec![];
    adopted.owner = None;
    adopted.protected = true;
    adopted.applied.permissions.clear();
    sealed.take(Record::Key { key: Box::new(adopted) });
    sealed.take(intent("lost", 9));
    sealed
}

const TEXT: &str = r#"# The keys that keycomb manages, with their secrets sealed (encrypted) by age.
# Safe to commit. Written by keycomb: change it with keycomb, not by hand.
# To read a secret: `keycomb secrets open ADDRESS -i IDENTITY`, or `age -d -i IDENTITY` on its armored block.

serial = 12

version = 1
team = "acme"
endpoint = "https://api.honeycomb.io"
lineage = "0123456789abcdef"

[[environment]]
address = "environment.production"
id = "hcxen_1"
name = "Production \"blue\"\U0000000a\U0000202e東京"
applied.color = "lightBlue"
applied.delete_protected = true

[[key]]
address = "key.production.adopted"
generation = 1
state = "provisional"
id = "hcxik_2"
type = "ingest"
environment = "hcxen_1"
name = "adopted collectors"
created = "2026-11-20T10:00:00Z"
since = "2026-11-20T10:00:01Z"
applied.enabled = false
applied.permissions = []
protected = true
quarantine = "14d"
secret = "unavailable"

[[key]]
address = "key.production.checkout"
generation = 1
state = "provisional"
id = "hcxik_1"
type = "ingest"
environment = "hcxen_1"
name = "checkout collectors"
created = "2026-11-20T10:00:00Z"
since = "2026-11-20T10:00:01Z"
applied.enabled = false
applied.permissions = [
  "create_datasets",
]
owner = "team-checkout"
quarantine = "14d"
recipients = [
  { name = "ops", fingerprint = "00112233aabbccdd" },
]
sealed = '''
-----BEGIN AGE ENCRYPTED FILE-----
YWdlLWVuY3J5
-----END AGE ENCRYPTED FILE-----
'''

[[intent]]
address = "key.production.lost"
generation = 1
nonce = "0000000000000009"
at = "2026-11-20T10:00:00Z"
"#;

#[test]
fn the_text_is_this_and_reads_back() {
    assert_eq!(write(&sample()), TEXT);
    assert_eq!(parse(TEXT).unwrap(), sample());
}

#[test]
fn order_line_ends_and_byte_order_marks_do_not_matter() {
    let mut shuffled = sample();
    shuffled.keys.reverse();
    shuffled.keys[0].recipients.insert(0, RecipientRef { name: "zoe".into(), fingerprint: "1".into() });
    let mut sorted = shuffled.clone();
    sorted.keys.reverse();
    sorted.keys[1].recipients.reverse();
    assert_eq!(write(&shuffled), write(&sorted));
    // As a merge may leave it: the entries in any order.
    let (head, entries) = TEXT.split_once("[[environment]]").unwrap();
    let mut entries: Vec<String> =
        format!("[[environment]]{entries}").split("\n\n").map(|entry| format!("{entry}\n\n")).collect();
    entries.reverse();
    assert_eq!(parse(&format!("{head}{}", entries.concat())).unwrap(), sample());
    assert_eq!(parse(&format!("\u{feff}{}", TEXT.replace('\n', "\r\n"))).unwrap(), sample());
}

#[test]
fn what_is_no_sealed_file_is_refused_by_place_and_never_quoted() {
    fn wrong(place: &'static str) -> impl Fn(&TextError) -> bool {
        move |error| matches!(error, TextError::Wrong { place: found, .. } if found == place)
    }
    type Check = Box<dyn Fn(&TextError) -> bool>;
    let canary = "hunter2hunter2";
    let table: Vec<(&str, String, Check)> = vec![
        ("[[intent]]", canary.to_owned(), Box::new(|e| matches!(e, TextError::Syntax { line: 60, .. }))),
        ("team = \"acme\"", format!("team = \"{canary} {canary}\""), Box::new(wrong("team"))),
        (
            "team = \"acme\"",
            String::new(),
            Box::new(|e| matches!(e, TextError::Missing { field: "team", .. })),
        ),
        ("team =", format!("{canary} = 1\nteam ="), Box::new(|e| matches!(e, TextError::Unknown { .. }))),
        ("serial = 12", format!("serial = \"{canary}\""), Box::new(wrong("serial"))),
        ("serial = 12", "serial = -1".into(), Box::new(wrong("serial"))),
        ("version = 1", format!("version = \"{canary}\""), Box::new(wrong("version"))),
        ("version = 1", "version = 0".into(), Box::new(wrong("version"))),
        ("version = 1", "".into(), Box::new(|e| matches!(e, TextError::Missing { field: "version", .. }))),
        (
            "version = 1",
            "version = 2\nsomething = \"new\"".into(),
            Box::new(|e| *e == TextError::NewerVersion { found: 2 }),
        ),
        ("id = \"hcxik_1\"", format!("id = \"{canary}/..\""), Box::new(wrong("key[2].id"))),
        ("\"create_datasets\"", format!("\"{canary}\""), Box::new(wrong("key[2].applied.permissions[1]"))),
        (
            "owner = \"team-checkout\"",
            format!("{canary} = \"{canary}\""),
            Box::new(|e| matches!(e, TextError::Unknown { line: 49, place } if place == "key[2]")),
        ),
        (
            "quarantine = \"14d\"\nsecret = \"unavailable\"",
            format!("quarantine = \"{canary}\""),
            Box::new(wrong("key[1].quarantine")),
        ),
        ("secret = \"unavailable\"", String::new(), Box::new(|e| matches!(e, TextError::Secret { .. }))),
        (
            "quarantine = \"14d\"\nrecipients",
            "quarantine = \"14d\"\nsecret = \"unavailable\"\nrecipients".into(),
            Box::new(|e| matches!(e, TextError::Secret { .. })),
        ),
        ("YWdlLWVuY3J5", "ä".into(), Box::new(|e| matches!(e, TextError::Armor { .. }))),
        ("-----END AGE", format!("-----{canary}"), Box::new(|e| matches!(e, TextError::Armor { .. }))),
        ("\"hcxik_2\"", "\"hcxik_1\"".into(), Box::new(|e| matches!(e, TextError::Twice { .. }))),
        (
            "\"key.production.adopted\"",
            "\"environment.production\"".into(),
            Box::new(|e| matches!(e, TextError::WrongKind { .. })),
        ),
        (
            "serial = 12",
            format!("<<<<<<< ours\nserial = 12\n=======\nserial = 13\n>>>>>>> {canary}"),
            Box::new(|e| *e == TextError::Conflict { line: 5 }),
        ),
        ("[[environment]]", format!("[{canary}]"), Box::new(|e| matches!(e, TextError::Unknown { .. }))),
        (
            "[[environment]]",
            "[environment]".into(),
            Box::new(|e| matches!(e, TextError::Wrong { place, .. } if place == "environment")),
        ),
    ];
    for (from, to, check) in table {
        assert_eq!(TEXT.matches(from).count().min(1), 1, "{from}");
        let changed = TEXT.replacen(from, &to, 1);
        let error = parse(&changed).expect_err(&to);
        assert!(check(&error), "{from} → {to}: {error:?}");
        let shown = format!("{error} {error:?} {}", miette::Diagnostic::help(&error).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn files_that_are_something_else_are_errors_and_not_a_fresh_start() {
    let folder = folder();
    for bytes in [&b""[..], b"\n", b"\xff\xfe\x00", b"\0\0\0\0", b"{}", b"version = 1\n"] {
        std::fs::write(&folder.file, bytes).unwrap();
        assert!(read(&folder.file, None).is_err(), "{bytes:?}");
        assert!(folder.open().is_err(), "{bytes:?}");
        assert_eq!(std::fs::read(&folder.file).unwrap(), bytes);
    }
    std::fs::write(&folder.file, TEXT.replace("version = 1", "version = 3")).unwrap();
    assert!(matches!(folder.read(), Err(SealError::NewerVersion { found: 3, known: 1, .. })));
}

#[test]
fn a_cut_file_never_has_a_part_of_a_key() {
    for cut in 0..TEXT.len() {
        let Some(text) = TEXT.get(..cut) else { continue };
        // Where an entry ends, a shorter file is a file too. No key is ever there in part, or without its secret.
        if let Ok(sealed) = parse(text) {
            let whole = sample();
            assert!(sealed.keys.iter().all(|key| whole.keys.contains(key)), "cut at {cut}: {sealed:?}");
            assert!(
                sealed.intents.iter().all(|intent| whole.intents.contains(intent)),
                "cut at {cut}: {sealed:?}"
            );
        }
    }
}
