//! `merge`: nothing is dropped, and it does not matter who merges what first.

use std::collections::{BTreeMap, BTreeSet};

use keycomb::model::{
    AppliedKey, EnvironmentAttributes, EnvironmentId, KeyId, KeyState, Period, Permission, RecipientRef,
    Record, Revocation, Revoked, Sealed, SealedEnvironment, SealedKey, Timestamp,
};
use keycomb::seal::text::{parse, write};
use keycomb::seal::{merge, open, seal};
use proptest::prelude::*;

use super::support::*;

/// As far as versions of one file differ: what never changes follows from the number.
fn keys() -> impl Strategy<Value = SealedKey> {
    use KeyState::{Deleted, Disabled, Dropping, Live, Provisional, Releasing};
    let states = prop::sample::select(vec![Provisional, Releasing, Dropping, Live, Disabled, Deleted]);
    let permissions = prop::collection::btree_set(prop::sample::select(&Permission::ALL[..2]), 0..3);
    let owner = prop::option::of(prop::sample::select(vec!["a", "b"]));
    let head = (0..6u32, states, 0..4i64, any::<bool>(), permissions);
    let revoked = prop::option::weighted(0.3, (any::<bool>(), 0..3i64));
    (head, owner, any::<bool>(), 1..4u64, revoked).prop_map(
        |((n, state, since, enabled, permissions), owner, protected, days, revoked)| {
            SealedKey {
                revoked: revoked.map(|(is_delete, at)| self::revoked(is_delete, at)),
                // 0 and 3, 1 and 4, 2 and 5: the same address and generation, made on two branches.
                address: format!("key.production.k{}", n % 3).parse().unwrap(),
                state,
                since: Timestamp::from_second(1_800_000_000 + since).unwrap(),
                applied: AppliedKey { enabled, permissions },
                owner: owner.map(Into::into),
                protected,
                quarantine: Period::days(days),
                recipients: vec![RecipientRef { name: format!("r{n}"), fingerprint: format!("{n}") }],
                sealed: Some(ARMOR.replace("YWdl", &format!("YWd{n}"))),
                ..key("x", &format!("id_{n}"))
            }
        },
    )
}

fn environments() -> impl Strategy<Value = SealedEnvironment> {
    (0..3u32, prop::option::of(any::<bool>())).prop_map(|(n, delete_protected)| SealedEnvironment {
        address: format!("environment.e{n}").parse().unwrap(),
        id: EnvironmentId::new(format!("en_{n}")).unwrap(),
        name: format!("E{n}"),
        applied: EnvironmentAttributes { delete_protected, ..EnvironmentAttributes::default() },
    })
}

fn versions() -> impl Strategy<Value = Sealed> {
    let records = prop_oneof![
        4 => keys().prop_map(|key| Record::Key { key: Box::new(key) }),
        1 => environments().prop_map(|environment| Record::Environment { environment }),
        1 => (0..4u8).prop_map(|n| intent("lost", n)),
    ];
    (prop::collection::vec(records, 0..10), 0..9u64).prop_map(|(records, serial)| {
        let mut sealed = blank();
        records.into_iter().for_each(|record| sealed.take(record));
        Sealed { serial, ..sealed }
    })
}

fn joined(base: Option<&Sealed>, ours: &Sealed, theirs: &Sealed) -> Sealed {
    let merged = merge(base, ours, theirs).unwrap();
    assert_eq!(merged.undecided, []);
    merged.sealed
}

/// The content: the serial counts saves.
fn content(sealed: Sealed) -> Sealed {
    Sealed { serial: 0, ..sealed }
}

fn ids(sealed: &Sealed) -> BTreeSet<String> {
    let keys = sealed.keys.iter().map(|key| key.id.to_string());
    let environments = sealed.environments.iter().map(|environment| environment.id.to_string());
    keys.chain(environments).chain(sealed.intents.iter().map(|intent| intent.nonce.to_string())).collect()
}

fn by_id(sealed: &Sealed) -> BTreeMap<&KeyId, &SealedKey> {
    sealed.keys.iter().map(|key| (&key.id, key)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_dropped_and_nothing_is_made_up(base in prop::option::of(versions()), a in versions(), b in versions()) {
        let merged = joined(base.as_ref(), &a, &b);
        prop_assert_eq!(ids(&merged), ids(&a).union(&ids(&b)).cloned().collect::<BTreeSet<_>>());
        let (in_a, in_b) = (by_id(&a), by_id(&b));
        for key in &merged.keys {
            let sides: Vec<_> = [in_a.get(&key.id), in_b.get(&key.id)].into_iter().flatten().collect();
            prop_assert!(sides.iter().any(|side| side.sealed == key.sealed && side.recipients == key.recipients));
            prop_assert!(sides.iter().any(|side| (side.state, side.since) == (key.state, key.since)));
            prop_assert_eq!(key.protected, sides.iter().any(|side| side.protected));
        }
    }

    #[test]
    fn the_order_of_merging_does_not_matter(
        base in prop::option::of(versions()), a in versions(), b in versions(), c in versions()
    ) {
        let base = base.as_ref();
        prop_assert_eq!(joined(base, &a, &b), joined(base, &b, &a));
        let left = joined(base, &joined(base, &a, &b), &c);
        let right = joined(base, &a, &joined(base, &b, &c));
        prop_assert_eq!(content(left), content(right));
        prop_assert_eq!(&joined(base, &a, &a), &a);
        let once = joined(base, &a, &b);
        prop_assert_eq!(joined(base, &once, &b), once);
    }

    #[test]
    fn the_result_is_a_file_that_reads_back(base in prop::option::of(versions()), a in versions(), b in versions()) {
        let merged = merge(base.as_ref(), &a, &b).unwrap();
        let text = merged.text();
        prop_assert_eq!(&text, &write(&merged.sealed));
        prop_assert_eq!(&parse(&text).unwrap(), &merged.sealed);
        prop_assert_eq!(write(&parse(&text).unwrap()), text);
        let last = a.serial.max(b.serial);
        prop_assert!(merged.sealed.serial == last + 1 || [&a, &b].iter().any(|side| **side == merged.sealed));
    }

    /// The side that did something is right; the other one only has what both came from.
    #[test]
    fn a_side_that_changed_nothing_has_no_say(base in versions(), a in versions()) {
        let merged = joined(Some(&base), &a, &base);
        for key in &a.keys {
            let mut expected = key.clone();
            expected.protected |= by_id(&base).get(&key.id).is_some_and(|base| base.protected);
            let revoked = by_id(&base).get(&key.id).and_then(|base| base.revoked.clone());
            expected.revoked = expected.revoked.max(revoked);
            prop_assert_eq!(by_id(&merged)[&key.id], &expected);
        }
    }
}

fn with<const N: usize>(keys: [SealedKey; N]) -> Sealed {
    let mut sealed = blank();
    keys.into_iter().for_each(|key| sealed.take(Record::Key { key: Box::new(key) }));
    sealed
}

fn at(state: KeyState, second: i64) -> SealedKey {
    let since = Timestamp::from_second(1_800_000_000 + second).unwrap();
    SealedKey { state, since, ..key("checkout", "k_1") }
}

#[test]
fn the_state_that_is_further_on_counts() {
    use KeyState::{Deleted, Disabled, Dropping, Live, Provisional, Releasing};
    for (one, other, expected) in [
        (at(Provisional, 9), at(Live, 1), at(Live, 1)),
        (at(Provisional, 9), at(Dropping, 1), at(Dropping, 1)),
        (at(Provisional, 9), at(Releasing, 1), at(Releasing, 1)),
        // It may have been enabled, so it must not be taken for a key that never was.
        (at(Dropping, 9), at(Releasing, 1), at(Releasing, 1)),
        (at(Dropping, 9), at(Live, 1), at(Live, 1)),
        (at(Live, 1), at(Disabled, 2), at(Disabled, 2)),
        (at(Live, 2), at(Disabled, 1), at(Live, 2)),
        (at(Live, 2), at(Live, 3), at(Live, 3)),
        (at(Live, 9), at(Deleted, 1), at(Deleted, 1)),
        (at(Disabled, 9), at(Deleted, 1), at(Deleted, 1)),
    ] {
        for (ours, theirs) in [(&one, &other), (&other, &one)] {
            let merged = joined(None, &with([ours.clone()]), &with([theirs.clone()]));
            assert_eq!(merged.keys, std::slice::from_ref(&expected), "{ours:?} {theirs:?}");
        }
    }
}

#[test]
fn two_sides_that_changed_different_fields_keep_both_changes() {
    let base = SealedKey { owner: Some("a".into()), ..at(KeyState::Live, 1) };
    let mut ours = base.clone();
    ours.owner = Some("b".into());
    let mut theirs = base.clone();
    theirs.applied.permissions.clear();
    theirs.quarantine = Period::days(3);
    let mut expected = theirs.clone();
    expected.owner = Some("b".into());
    let [base, ours, theirs] = [base, ours, theirs].map(|key| with([key]));
    assert_eq!(joined(Some(&base), &ours, &theirs).keys, std::slice::from_ref(&expected));
    assert_eq!(joined(Some(&base), &theirs, &ours).keys, [expected]);
}

fn revoked(is_delete: bool, second: i64) -> Revoked {
    let how = if is_delete { Revocation::Delete } else { Revocation::Disable };
    Revoked { how, at: Timestamp::from_second(1_800_000_000 + second).unwrap(), reason: "leaked".into() }
}

#[test]
fn a_revocation_is_never_merged_away_and_the_graver_one_counts() {
    let plain = at(KeyState::Live, 1);
    let with_revoked = |revoked| SealedKey { revoked: Some(revoked), ..plain.clone() };
    let (disabled, deleted) = (with_revoked(revoked(false, 9)), with_revoked(revoked(true, 2)));
    for (base, one, other, expected) in [
        (None, &plain, &disabled, &disabled),
        (Some(&plain), &plain, &deleted, &deleted),
        // One that was put back from before is no decision.
        (Some(&deleted), &plain, &deleted, &deleted),
        (None, &disabled, &deleted, &deleted),
        (Some(&plain), &disabled, &deleted, &deleted),
    ] {
        let base = base.map(|key| with([key.clone()]));
        for (ours, theirs) in [(one, other), (other, one)] {
            let merged = joined(base.as_ref(), &with([ours.clone()]), &with([theirs.clone()]));
            assert_eq!(merged.keys, std::slice::from_ref(expected), "{ours:?} {theirs:?}");
        }
    }
}

#[test]
fn an_entry_that_one_side_took_out_is_kept() {
    let base = with([key("a", "k_a"), key("b", "k_b")]);
    let ours = with([key("a", "k_a")]);
    assert_eq!(joined(Some(&base), &ours, &base).keys.len(), 2);
    assert_eq!(joined(Some(&base), &base, &ours).keys.len(), 2);
}

#[test]
fn two_keys_of_one_generation_are_both_kept() {
    let merged = joined(Some(&blank()), &with([key("a", "k_1")]), &with([key("a", "k_2")]));
    assert_eq!(merged.keys, [key("a", "k_1"), key("a", "k_2")]);
    let folder = folder();
    folder.put(&merged);
    let mut keeper = folder.open().unwrap();
    // Each can still be written, and no third is taken in.
    for id in ["k_1", "k_2"] {
        let key = SealedKey { owner: Some("b".into()), ..key("a", id) };
        keycomb::ports::KeepRecord::append(&mut keeper, Record::Key { key: Box::new(key) }).unwrap();
    }
    let third = Record::Key { key: Box::new(key("a", "k_3")) };
    keycomb::ports::KeepRecord::append(&mut keeper, third).unwrap_err();
    keycomb::ports::KeepRecord::fold(&mut keeper).unwrap();
    assert_eq!(folder.read().unwrap().unwrap().keys.len(), 2);
}

fn resealed(mark: &str) -> SealedKey {
    SealedKey { sealed: Some(ARMOR.replace("YWdl", mark)), ..key("a", "k_1") }
}

#[test]
fn a_seal_made_anew_counts_and_two_of_them_are_for_a_person() {
    let (old, new) = (resealed("AAAA"), resealed("BBBB"));
    let base = with([old]);
    assert_eq!(joined(Some(&base), &with([new.clone()]), &base).keys, std::slice::from_ref(&new));
    assert_eq!(joined(Some(&base), &base, &with([new.clone()])).keys, std::slice::from_ref(&new));
    for base in [Some(&base), None] {
        let theirs = with([resealed("CCCC"), key("b", "k_2")]);
        let merged = merge(base, &with([new.clone()]), &theirs).unwrap();
        assert_eq!(merged.undecided.len(), 1);
        assert_eq!(merged.undecided[0].what, "key `key.production.a` (id `k_1`)");
        assert_eq!(merged.sealed.keys, [new.clone(), key("b", "k_2")]);
        // Both stand in the text, and it cannot be used as it is.
        let text = merged.text();
        assert!(text.contains("BBBB") && text.contains("CCCC") && text.contains("k_2"), "{text}");
        assert!(matches!(parse(&text), Err(keycomb::seal::text::TextError::Conflict { .. })), "{text}");
        let decided: String =
            text.split_inclusive('\n').filter(|line| !line.starts_with("<<<<<<<")).collect();
        let (ours, rest) = decided.split_once("=======\n").unwrap();
        let (_, rest) = rest.split_once(">>>>>>> theirs\n").unwrap();
        assert_eq!(parse(&format!("{ours}{rest}")).unwrap(), merged.sealed);
    }
}

#[test]
fn what_never_changes_is_not_joined() {
    let base = with([key("a", "k_1")]);
    let moved = |name: &str| with([SealedKey { address: key(name, "k").address, ..key("a", "k_1") }]);
    assert_eq!(joined(Some(&base), &moved("b"), &base), Sealed { serial: 0, ..moved("b") });
    assert_eq!(merge(Some(&base), &moved("b"), &moved("c")).unwrap().undecided.len(), 1);
    assert_eq!(merge(None, &moved("b"), &base).unwrap().undecided.len(), 1);
}

#[test]
fn an_environment_made_anew_takes_the_place_of_the_one_both_knew() {
    let environment = |id: &str| {
        let mut sealed = blank();
        sealed.take(Record::Environment {
            environment: SealedEnvironment {
                address: "environment.production".parse().unwrap(),
                id: EnvironmentId::new(id).unwrap(),
                name: "Production".into(),
                applied: EnvironmentAttributes::default(),
            },
        });
        sealed
    };
    let [old, new, other] = ["en_1", "en_2", "en_3"].map(environment);
    assert_eq!(joined(Some(&old), &new, &old).environments, new.environments);
    assert_eq!(joined(Some(&old), &old, &new).environments, new.environments);
    let merged = merge(Some(&old), &new, &other).unwrap();
    assert_eq!(merged.undecided.len(), 1);
    assert!(parse(&merged.text()).is_err());
}

#[test]
fn other_files_are_refused_by_what_differs() {
    type Change = fn(&mut Sealed);
    let changes: [(&str, Change); 3] = [
        ("team", |s| s.team = keycomb::model::TeamSlug::new("other").unwrap()),
        ("endpoint", |s| s.endpoint = keycomb::model::Endpoint::eu()),
        ("lineage", |s| s.lineage = keycomb::model::Lineage::new("zzzzzzzzzzzzzzzz").unwrap()),
    ];
    for (what, change) in changes {
        let mut other = blank();
        change(&mut other);
        let error = merge(None, &blank(), &other).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
        merge(None, &other, &blank()).unwrap_err();
    }
}

#[test]
fn what_was_sealed_on_either_side_opens_after_the_merge() {
    let (recipient, identities) = identity();
    let make = |name: &str, id: &str, secret: &str| {
        let entry = key(name, id);
        let armor = seal(&payload(&entry, &blank(), secret), &[&recipient]).unwrap();
        SealedKey { sealed: Some(armor), ..entry }
    };
    let [a, b, b2] =
        [("a", "k_a"), ("b", "k_b"), ("b", "k_b2")].map(|(name, id)| make(name, id, &format!("of-{id}")));
    let base = with([a.clone()]);
    let merged = joined(Some(&base), &with([a.clone(), b]), &with([a, b2]));
    let read = parse(&write(&merged)).unwrap();
    assert_eq!(read.keys.len(), 3);
    for key in &read.keys {
        assert_eq!(open(key, &read, &identities).unwrap().secret.expose(), format!("of-{}", key.id));
    }
}
