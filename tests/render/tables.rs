//! Managed keys and sealed secrets as tables.

use std::time::Duration;

use insta::assert_snapshot;
use keycomb::model::{
    AppliedKey, Endpoint, ExternalKind, FormerReader, KeyState, KeyType, Label, Lineage, NoSecret, Period,
    RecipientRef, SealSettings, Sealed, SealedKey, TeamSlug,
};
use keycomb::plan::{LifeStage, Next, Severity, Verb};
use keycomb::render::{ExternalRow, SecretRow, StatusRow, text};

use crate::build::{ascii, environment_id, now, plain};

pub fn status_rows() -> Vec<StatusRow> {
    let live = StatusRow {
        address: "key.production.checkout".parse().unwrap(),
        id: Some("hcxik_01k5v7m3t9q4w8x2y6z0a1b2c4".into()),
        key_type: KeyType::Ingest,
        age: Some(Duration::from_secs(12 * 86_400 + 5)),
        generation: Some(1),
        phase: LifeStage::Live,
        recipients: vec!["ops".into(), "break_glass".into()],
        next: None,
        revoked: None,
        more: keycomb::render::KeyMore::default(),
    };
    let revoked = StatusRow {
        address: "key.staging.leaked".parse().unwrap(),
        phase: LifeStage::Revoked,
        next: Some(Next { verb: Verb::Delete, at: None }),
        revoked: Some("it is in a build log".into()),
        ..live.clone()
    };
    let retired = StatusRow {
        address: "key.staging.ci".parse().unwrap(),
        key_type: KeyType::Configuration,
        age: Some(Duration::from_secs(5 * 3_600)),
        generation: Some(2),
        phase: LifeStage::Quarantine,
        next: Some(Next { verb: Verb::Delete, at: Some("2026-03-15T08:00:00Z".parse().unwrap()) }),
        ..live.clone()
    };
    let declared = StatusRow {
        address: "key.staging.web".parse().unwrap(),
        id: None,
        age: None,
        generation: None,
        phase: LifeStage::Declared,
        recipients: vec![],
        next: Some(Next { verb: Verb::Create, at: None }),
        ..live.clone()
    };
    vec![live, retired, revoked, declared]
}

pub fn external_rows() -> Vec<ExternalRow> {
    let overdue = ExternalRow {
        label: Label::new("reconciler").unwrap(),
        kind: ExternalKind::Management,
        owner: Some("platform".into()),
        age: Some(Duration::from_secs(200 * 86_400)),
        state: "overdue".into(),
        due: Some("2026-02-01T00:00:00Z".parse().unwrap()),
        severity: Some(Severity::High),
    };
    let unknown = ExternalRow {
        label: Label::new("board").unwrap(),
        kind: ExternalKind::Configuration,
        owner: None,
        age: None,
        state: "works".into(),
        due: None,
        severity: None,
    };
    vec![unknown, overdue]
}

#[test]
fn external_keys_are_a_table_of_their_own() {
    assert_snapshot!("external", text::external(&external_rows(), &plain(100)));
    assert_eq!(text::external(&[], &plain(100)), "");
}

fn sealed() -> Sealed {
    let lineage = Lineage::new("0123456789abcdef").unwrap();
    let mut sealed = Sealed::new(TeamSlug::new("acme").unwrap(), Endpoint::us(), lineage);
    let key = SealedKey {
        moved_from: vec![],
        in_place_of: vec![],
        address: "key.production.checkout".parse().unwrap(),
        generation: 1,
        state: KeyState::Live,
        id: "hcxik_01k5v7m3t9q4w8x2y6z0a1b2c4".parse().unwrap(),
        key_type: KeyType::Ingest,
        environment: environment_id(),
        name: "checkout".into(),
        created: now(),
        since: now(),
        applied: AppliedKey { enabled: true, permissions: [].into() },
        owner: None,
        protected: false,
        quarantine: Period::days(14),
        recipients: vec![
            RecipientRef { name: "ops".into(), fingerprint: settings().recipients["ops"].fingerprint() },
            RecipientRef { name: "break_glass".into(), fingerprint: "f2".into() },
        ],
        sealed: Some("-----BEGIN AGE ENCRYPTED FILE-----".into()),
        secret: None,
        revoked: None,
        proof: None,
    };
    let adopted = SealedKey {
        moved_from: vec![],
        in_place_of: vec![],
        address: "key.staging.old".parse().unwrap(),
        recipients: vec![],
        sealed: None,
        secret: Some(NoSecret::Unavailable),
        ..key.clone()
    };
    let former = FormerReader { id: key.id.clone(), name: "intern".into(), fingerprint: "f3".into() };
    sealed.former = vec![former];
    sealed.keys = vec![key, adopted];
    sealed
}

/// `ops` alone: whoever else is in an entry is no longer a recipient.
fn settings() -> SealSettings {
    let ops = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN";
    SealSettings {
        file: "keycomb.sealed.toml".into(),
        recipients: [("ops".to_owned(), ops.parse().unwrap())].into_iter().collect(),
        environments: indexmap::IndexMap::new(),
        min_proven: 0,
    }
}

pub fn secret_rows() -> Vec<SecretRow> {
    SecretRow::all(&sealed(), &settings())
}

#[test]
fn status_at_three_widths() {
    for width in [60, 80, 120] {
        assert_snapshot!(format!("status_at_{width}"), text::status(&status_rows(), &plain(width)));
    }
}

#[test]
fn secrets_at_two_widths_without_what_is_sealed() {
    for width in [80, 120] {
        let text = text::secrets(&secret_rows(), &plain(width));
        assert!(!text.contains("BEGIN"));
        assert_snapshot!(format!("secrets_at_{width}"), text);
    }
}

#[test]
fn no_keys() {
    assert_eq!(text::status(&[], &plain(80)), "0 keys\n");
    assert_eq!(text::secrets(&[], &ascii(80)), "0 sealed secrets\n");
}

#[test]
fn tables_keep_to_the_width_and_to_ascii() {
    for width in [40, 60, 80, 120] {
        let text =
            text::status(&status_rows(), &ascii(width)) + &text::secrets(&secret_rows(), &ascii(width));
        assert!(text.is_ascii());
        assert!(text.lines().all(|line| line.len() <= width && !line.ends_with(' ')), "{width}\n{text}");
    }
}
