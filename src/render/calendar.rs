//! What falls due as a calendar (RFC 5545).

use std::fmt::Write as _;

use super::status::{ExternalRow, StatusRow};
use crate::model::{TeamSlug, Timestamp, brief};
use crate::plan::Next;

/// How long a line may be, in octets, its line end apart (RFC 5545, 3.1).
const LINE: usize = 75;

/// What has a date, as all-day events: the same rows at the same instant give the same bytes. `now` is the service's clock.
pub fn calendar(rows: &[StatusRow], watched: &[ExternalRow], team: &TeamSlug, now: Timestamp) -> String {
    let mut text = String::new();
    put(&mut text, "BEGIN:VCALENDAR");
    put(&mut text, "VERSION:2.0");
    put(&mut text, "PRODID:-//keycomb//keycomb//EN");
    for row in rows {
        if let Some(Next { verb, at: Some(at) }) = row.next {
            put(&mut text, "BEGIN:VEVENT");
            put_step(&mut text, row, team, (verb.as_str(), at));
            put_end(&mut text, at, now);
        }
    }
    for row in watched {
        if let Some(due) = row.due {
            put(&mut text, "BEGIN:VEVENT");
            put_due(&mut text, row, team);
            put_end(&mut text, due, now);
        }
    }
    put(&mut text, "END:VCALENDAR");
    text
}

/// What an apply does with a key.
fn put_step(text: &mut String, row: &StatusRow, team: &TeamSlug, (verb, at): (&str, Timestamp)) {
    let StatusRow { address, generation, id, phase, .. } = row;
    let generation = generation.unwrap_or_default();
    // The same step has the same one, whenever it is asked for: it moves, and is not doubled.
    put(text, &format!("UID:{}", escaped(&format!("{team}-{address}-{generation}-{verb}@keycomb"))));
    put(text, &format!("SUMMARY:{}", escaped(&format!("{verb} {address} (generation {generation})"))));
    let id = id.as_deref().map(brief).unwrap_or_default();
    let description =
        format!("keycomb, team {team}: an apply from {at:.0} on does it.\nKey {id}, {}.", phase.as_str());
    put(text, &format!("DESCRIPTION:{}", escaped(&description)));
}

/// What people do with a key that is only watched.
fn put_due(text: &mut String, row: &ExternalRow, team: &TeamSlug) {
    let ExternalRow { label, kind, owner, .. } = row;
    put(text, &format!("UID:{}", escaped(&format!("{team}-external_key.{label}-replace@keycomb"))));
    put(text, &format!("SUMMARY:{}", escaped(&format!("replace external_key.{label} ({})", kind.as_str()))));
    let owner = owner.as_deref().map(|owner| format!("\nOwner: {}.", brief(owner))).unwrap_or_default();
    let description = format!("keycomb, team {team}: by hand, by this day at the latest.{owner}");
    put(text, &format!("DESCRIPTION:{}", escaped(&description)));
}

fn put_end(text: &mut String, day: Timestamp, now: Timestamp) {
    put(text, &format!("DTSTAMP:{}", now.strftime("%Y%m%dT%H%M%SZ")));
    put(text, &format!("DTSTART;VALUE=DATE:{}", day.strftime("%Y%m%d")));
    put(text, "TRANSP:TRANSPARENT");
    put(text, "END:VEVENT");
}

/// A text value (RFC 5545, 3.3.11).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// A content line, folded between characters, never within one.
fn put(text: &mut String, line: &str) {
    let mut length = 0;
    for c in line.chars() {
        if length + c.len_utf8() > LINE {
            text.push_str("\r\n ");
            length = 1;
        }
        // Writing into a String cannot fail.
        let _ = write!(text, "{c}");
        length += c.len_utf8();
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::KeyType;
    use crate::plan::{LifeStage, Verb};

    fn row(key: &str, next: Option<Next>) -> StatusRow {
        StatusRow {
            address: format!("key.production.{key}").parse().unwrap(),
            id: Some("hcxik_1;x,y\\z".into()),
            key_type: KeyType::Ingest,
            age: None,
            generation: Some(2),
            phase: LifeStage::Live,
            recipients: vec![],
            next,
            revoked: None,
            more: crate::render::KeyMore::default(),
        }
    }

    fn written(rows: &[StatusRow], now: &str) -> String {
        calendar(rows, &[], &TeamSlug::new("acme").unwrap(), now.parse().unwrap())
    }

    #[test]
    fn a_watched_key_with_a_date_is_an_event_for_people() {
        let dated = ExternalRow {
            label: crate::model::Label::new("reconciler").unwrap(),
            kind: crate::model::ExternalKind::Management,
            owner: Some("platform; team\n".into()),
            age: None,
            state: "no source".into(),
            due: Some("2027-02-01T23:00:00Z".parse().unwrap()),
            severity: None,
        };
        let undated = ExternalRow { due: None, ..dated.clone() };
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        let text = calendar(&[], &[undated, dated], &TeamSlug::new("acme").unwrap(), now);
        assert_eq!(text.matches("BEGIN:VEVENT\r\n").count(), 1);
        for line in [
            "UID:acme-external_key.reconciler-replace@keycomb",
            "DTSTART;VALUE=DATE:20270201",
            "SUMMARY:replace external_key.reconciler (management)",
        ] {
            assert!(text.contains(&format!("{line}\r\n")), "{line}\n{text}");
        }
        assert!(text.replace("\r\n ", "").contains("Owner: platform\\; team"), "{text}");
    }

    fn rotate(at: &str) -> Option<Next> {
        Some(Next { verb: Verb::Rotate, at: Some(at.parse().unwrap()) })
    }

    #[test]
    fn what_has_a_date_is_an_event_and_nothing_else_is() {
        let rows = [
            row("a", rotate("2026-12-01T23:59:59Z")),
            row("b", Some(Next { verb: Verb::Create, at: None })),
            row("c", None),
        ];
        let text = written(&rows, "2026-11-21T12:00:00Z");
        assert_eq!(text.matches("BEGIN:VEVENT\r\n").count(), 1);
        for line in [
            "UID:acme-key.production.a-2-rotate@keycomb",
            "DTSTAMP:20261121T120000Z",
            "DTSTART;VALUE=DATE:20261201",
            "SUMMARY:rotate key.production.a (generation 2)",
        ] {
            assert!(text.contains(&format!("{line}\r\n")), "{line}\n{text}");
        }
        assert!(
            text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n") && text.ends_with("END:VCALENDAR\r\n")
        );
    }

    #[test]
    fn text_is_escaped_and_lines_are_folded_between_characters() {
        let long = "a".repeat(40);
        let text = written(&[row(&long, rotate("2026-12-01T00:00:00Z"))], "2026-11-21T12:00:00Z");
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
        assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
        let unfolded = text.replace("\r\n ", "");
        assert!(unfolded.contains("on does it.\\nKey hcxik_1\\;x\\,y"), "{unfolded}");
        let mut folded = String::new();
        put(&mut folded, &"ü".repeat(60));
        assert!(folded.split("\r\n").all(|line| line.len() <= 75));
        assert_eq!(folded.replace("\r\n ", ""), "ü".repeat(60) + "\r\n");
    }

    #[test]
    fn the_same_step_keeps_its_name_when_its_date_moves() {
        let uid = |at, now| {
            let text = written(&[row("a", rotate(at))], now);
            text.lines().find(|line| line.starts_with("UID:")).unwrap().to_owned()
        };
        let first = uid("2026-12-01T00:00:00Z", "2026-11-21T12:00:00Z");
        assert_eq!(first, uid("2026-12-09T00:00:00Z", "2026-11-25T12:00:00Z"));
    }
}
