//! Properties over random records.

use keycomb::model::{
    AppliedPlan, Color, EnvironmentAttributes, EnvironmentId, Intent, KeyId, KeyState, KeyType, MovedKey,
    NoSecret, Period, Permission, RecipientRef, Record, Revocation, Revoked, Sealed, SealedEnvironment,
    SealedKey, Timestamp, digest_of,
};
use keycomb::ports::KeepRecord as _;
use keycomb::seal::text::{parse, write};
use proptest::prelude::*;

use super::support::{ARMOR, blank, folder, key, nonce};

fn time() -> impl Strategy<Value = Timestamp> {
    (-62_135_596_800i64..253_402_207_200, 0i32..1_000_000_000)
        .prop_map(|(second, nano)| Timestamp::new(second, nano).unwrap())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[ -~\n']{0,30}", Just("'''".to_owned()), Just("a\r\nb\r".to_owned())]
}

fn states() -> impl Strategy<Value = KeyState> {
    use KeyState::{Deleted, Disabled, Dropping, Live, Provisional, Releasing, Staged};
    prop::sample::select(vec![Provisional, Staged, Releasing, Dropping, Live, Disabled, Deleted])
}

fn secrets() -> impl Strategy<Value = (Option<String>, Option<NoSecret>)> {
    prop_oneof![
        Just((Some(ARMOR.to_owned()), None)),
        "[A-Za-z0-9+/=\n]{0,80}".prop_map(|text| (Some(ARMOR.replace("YWdlLWVuY3J5", &text)), None)),
        Just((None, Some(NoSecret::Unavailable))),
    ]
}

/// The key numbered `n`: its own id, and an address and generation of its own.
fn keys(n: u32) -> impl Strategy<Value = SealedKey> {
    let permissions = prop::collection::btree_set(prop::sample::select(Permission::ALL), 0..4);
    let recipients = prop::collection::btree_set((text(), text()), 0..3);
    let head = (states(), prop::sample::select(KeyType::ALL), text(), time(), time());
    let tail = (any::<bool>(), permissions, prop::option::of(text()), any::<bool>(), 1..1_000_000u64);
    let revoked = prop::option::of((any::<bool>(), time(), text()));
    let revoked = revoked.prop_map(|revoked| {
        revoked.map(|(is_delete, at, reason)| {
            let how = if is_delete { Revocation::Delete } else { Revocation::Disable };
            Revoked { how, at, reason }
        })
    });
    (head, tail, recipients, secrets(), revoked).prop_map(move |(head, tail, recipients, secret, revoked)| {
        let (sealed, secret) = secret;
        let (state, key_type, name, created, since) = head;
        let (enabled, permissions, owner, protected, days) = tail;
        let mut made = key(&format!("k{}", n % 3), &format!("id_{n}"));
        made.generation = n;
        SealedKey {
            state,
            key_type,
            name,
            created,
            since,
            applied: keycomb::model::AppliedKey { enabled, permissions },
            owner,
            protected,
            quarantine: Period::days(days),
            recipients: recipients
                .into_iter()
                .map(|(name, fingerprint)| RecipientRef { name, fingerprint })
                .collect(),
            sealed,
            secret,
            revoked,
            in_place_of: (1..n % 3).map(|other| KeyId::new(format!("id_{other}")).unwrap()).collect(),
            ..made
        }
    })
}

fn environments(n: u32) -> impl Strategy<Value = SealedEnvironment> {
    let color = prop::option::of(prop::sample::select(Color::ALL));
    (text(), prop::option::of(text()), color, prop::option::of(any::<bool>())).prop_map(
        move |(name, description, color, delete_protected)| SealedEnvironment {
            address: format!("environment.e{n}").parse().unwrap(),
            id: EnvironmentId::new(format!("en_{n}")).unwrap(),
            name,
            applied: EnvironmentAttributes { description, color, delete_protected },
        },
    )
}

fn intents(n: u8) -> impl Strategy<Value = Intent> {
    (0..3u8, 1..5u32, time()).prop_map(move |(name, generation, at)| Intent {
        address: format!("key.production.k{name}").parse().unwrap(),
        generation,
        nonce: nonce(n),
        at,
    })
}

fn records() -> impl Strategy<Value = Record> {
    let id = |n: u32| KeyId::new(format!("id_{n}")).unwrap();
    prop_oneof![
        (0..5u8).prop_flat_map(intents).prop_map(|intent| Record::Intent { intent }),
        (0..5u8).prop_map(|n| Record::IntentOver { nonce: nonce(n) }),
        (0..5u8, (0..6u32).prop_flat_map(keys))
            .prop_map(|(n, key)| Record::Minted { nonce: nonce(n), key: Box::new(key) }),
        (0..6u32, states(), time()).prop_map(move |(n, state, since)| Record::State {
            id: id(n),
            state,
            since
        }),
        (0..6u32).prop_flat_map(keys).prop_map(|key| Record::Key { key: Box::new(key) }),
        (0..6u32).prop_map(move |n| Record::KeyGone { id: id(n) }),
        (0..6u32).prop_map(move |n| Record::Forgotten { id: id(n) }),
        (0..6u32, prop::option::of(time()))
            .prop_map(move |(n, gone)| Record::ForgottenSought { id: id(n), gone }),
        (0..6u32, time()).prop_map(move |(n, gone)| Record::ForgottenOver { id: id(n), gone }),
        (0..5u8, time(), any::<bool>()).prop_map(|(n, at, complete)| Record::AppliedPlan {
            plan: AppliedPlan { at, sha256: digest_of(n.to_string()), complete }
        }),
        (0..6u32, 0..3u32).prop_map(move |(n, to)| {
            let address: keycomb::model::Address = format!("key.production.k{to}").parse().unwrap();
            let moved_from = vec![format!("key.production.k{}", n % 3).parse().unwrap()];
            let keys = vec![MovedKey { id: id(n), address: address.clone(), moved_from }];
            Record::Moved { from: address.clone(), to: address, environment: None, keys }
        }),
        (0..3u32).prop_flat_map(environments).prop_map(|environment| Record::Environment { environment }),
        (0..3u32)
            .prop_map(|n| Record::EnvironmentGone { address: format!("environment.e{n}").parse().unwrap() }),
    ]
}

fn with(mut sealed: Sealed, records: &[Record]) -> Sealed {
    for record in records {
        sealed.take(record.clone());
    }
    sealed
}

fn sealed() -> impl Strategy<Value = Sealed> {
    (prop::collection::vec(records(), 0..25), 0..i64::MAX as u64).prop_map(|(records, serial)| {
        let mut sealed = with(blank(), &records);
        sealed.serial = serial;
        sealed
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back(sealed in sealed()) {
        let text = write(&sealed);
        prop_assert_eq!(parse(&text).unwrap(), sealed);
    }

    #[test]
    fn the_same_content_is_the_same_bytes(sealed in sealed(), seed in any::<u64>()) {
        let text = write(&sealed);
        let mut shuffled = sealed;
        let mut random = fastrand::Rng::with_seed(seed);
        random.shuffle(&mut shuffled.keys);
        random.shuffle(&mut shuffled.environments);
        random.shuffle(&mut shuffled.intents);
        for key in &mut shuffled.keys {
            random.shuffle(&mut key.recipients);
        }
        prop_assert_eq!(&write(&shuffled), &text);
        prop_assert_eq!(&write(&parse(&text).unwrap()), &text);
    }

    #[test]
    fn no_character_that_a_terminal_obeys_is_in_the_text(sealed in sealed()) {
        for line in write(&sealed).lines() {
            prop_assert!(matches!(keycomb::model::visible(line), std::borrow::Cow::Borrowed(_)), "{:?}", line);
        }
    }

    #[test]
    fn replaying_twice_changes_nothing_more(
        base in sealed(),
        journal in prop::collection::vec(records(), 0..25),
    ) {
        let once = with(base, &journal);
        prop_assert_eq!(with(once.clone(), &journal), once);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>(), from in 0..400usize, to in 0..400usize) {
        let whole = write(&with(blank(), &[Record::Key { key: Box::new(key("a", "k")) }]));
        let (from, to) = (from.min(whole.len()), to.min(whole.len()));
        let _ = parse(&text);
        let _ = parse(&format!("{}{text}{}", &whole[..from], &whole[to..]));
    }
}

proptest! {
    // Each case is real files and fsyncs.
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_keeper_ends_with_what_it_took_down(journal in prop::collection::vec(records(), 0..12), cut in any::<bool>()) {
        let folder = folder();
        let mut keeper = folder.open().unwrap();
        let mut expected = blank();
        for record in journal {
            // Refused: what would rewrite a secret. Everything else must be there at the end.
            if keeper.append(record.clone()).is_ok() {
                expected.take(record);
            }
        }
        if cut {
            drop(keeper);
            keeper = folder.open().unwrap();
        } else {
            keeper.fold().unwrap();
        }
        let Sealed { keys, environments, intents, forgotten, applied_plans: plans, .. } = &expected;
        let is_blank = [keys.len(), environments.len(), intents.len(), forgotten.len(), plans.len()] == [0; 5];
        expected.serial = u64::from(!is_blank);
        prop_assert_eq!(keeper.sealed(), &expected);
        prop_assert_eq!(folder.read().unwrap().unwrap_or_else(blank), expected);
    }
}
