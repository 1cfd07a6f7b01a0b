//! Entries that are moved or forgotten: what still opens, what is refused, and what a merge makes of them.

use keycomb::model::{
    Address, AppliedPlan, EnvironmentAttributes, EnvironmentId, Forgotten, KeyId, KeyState, Record, Sealed,
    SealedEnvironment, SealedKey, digest_of,
};
use keycomb::ports::KeepRecord as _;
use keycomb::seal::text::{parse, write};
use keycomb::seal::{SealError, merge, open, seal};

use super::support::*;

fn address(name: &str) -> Address {
    key(name, "x").address
}

/// Moves what is at an address.
fn moved(sealed: &mut Sealed, from: &str, to: &str) {
    sealed.take(sealed.relocated(&address(from), &address(to)));
}

fn environment(label: &str) -> Record {
    Record::Environment {
        environment: SealedEnvironment {
            address: format!("environment.{label}").parse().unwrap(),
            id: EnvironmentId::new(format!("en_{label}")).unwrap(),
            name: label.into(),
            applied: EnvironmentAttributes::default(),
        },
    }
}

fn with(keys: &[SealedKey], records: &[Record]) -> Sealed {
    let mut sealed = blank();
    for key in keys {
        sealed.take(Record::Key { key: Box::new(key.clone()) });
    }
    records.iter().for_each(|record| sealed.take(record.clone()));
    sealed
}

#[test]
fn a_moved_entry_opens_and_says_where_it_was_sealed() {
    let (recipient, identities) = identity();
    let entry = key("a", "k_a");
    let armor = seal(&payload(&entry, &blank(), "secret"), &[&recipient]).unwrap();
    let entry = SealedKey { sealed: Some(armor), ..entry };
    // Twice, and through the file.
    let mut sealed = with(&[entry], &[]);
    moved(&mut sealed, "a", "b");
    moved(&mut sealed, "b", "c");
    let mut sealed = parse(&write(&sealed)).unwrap();
    let found = sealed.keys[0].clone();
    assert_eq!(
        (&found.address, found.moved_from.as_slice()),
        (&address("c"), [address("a"), address("b")].as_slice())
    );
    let payload = open(&found, &sealed, &identities).unwrap();
    assert_eq!((payload.address, payload.secret.expose()), (address("a"), "secret"));
    // Back again: nothing is left of it.
    moved(&mut sealed, "c", "a");
    assert_eq!(sealed.keys[0].address, address("a"));
    assert!(open(&sealed.keys[0], &sealed, &identities).is_ok());
}

#[test]
fn a_former_address_opens_no_other_key_generation_type_environment_or_file() {
    let (recipient, identities) = identity();
    let (one, other) = (key("a", "k_a"), key("b", "k_b"));
    let armor = seal(&payload(&one, &blank(), "secret"), &[&recipient]).unwrap();
    type Edit = fn(&mut SealedKey);
    let edits: [Edit; 5] = [
        |_| {},
        |e| (e.id, e.generation) = (KeyId::new("k_a").unwrap(), 2),
        |e| (e.id, e.environment) = (KeyId::new("k_a").unwrap(), EnvironmentId::new("hcxen_2").unwrap()),
        |e| (e.id, e.key_type) = (KeyId::new("k_a").unwrap(), keycomb::model::KeyType::Configuration),
        |e| (e.id, e.moved_from) = (KeyId::new("k_a").unwrap(), vec![address("c")]),
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        let mut forged =
            SealedKey { sealed: Some(armor.clone()), moved_from: vec![address("a")], ..other.clone() };
        edit(&mut forged);
        let error = open(&forged, &blank(), &identities).unwrap_err();
        assert!(matches!(error, SealError::Moved { .. }), "{number}: {error:?}");
    }
    let foreign = Sealed { lineage: keycomb::model::Lineage::new("zzzzzzzzzzzzzzzz").unwrap(), ..blank() };
    let moved =
        SealedKey { sealed: Some(armor), moved_from: vec![address("a")], address: address("b"), ..one };
    assert!(matches!(open(&moved, &foreign, &identities), Err(SealError::Moved { .. })));
}

#[test]
fn an_environment_takes_its_keys_along_and_nothing_else() {
    let mut elsewhere = key("a", "k_x");
    elsewhere.address = "key.staging.a".parse().unwrap();
    let keys = [key("a", "k_a"), SealedKey { generation: 2, ..key("a", "k_a2") }, key("b", "k_b"), elsewhere];
    let (from, to) = ("environment.production".parse().unwrap(), "environment.prod".parse().unwrap());
    let mut sealed = with(&keys, &[environment("production"), environment("staging")]);
    sealed.take(sealed.relocated(&from, &to));
    let found: Vec<String> = sealed.keys.iter().map(|key| key.address.to_string()).collect();
    assert_eq!(found, ["key.prod.a", "key.prod.a", "key.prod.b", "key.staging.a"]);
    assert_eq!(sealed.environments[0].address.to_string(), "environment.prod");
    assert_eq!(parse(&write(&sealed)).unwrap(), sealed);
}

#[test]
fn nothing_is_moved_onto_something_else_and_a_cut_off_run_moves_whole() {
    let folder = folder();
    let mut keeper = folder.open().unwrap();
    for record in [minted(1, key("a", "k_a")), minted(2, key("b", "k_b")), environment("x"), environment("y")]
    {
        keeper.append(record).unwrap();
    }
    let [a, b, c] = ["a", "b", "c"].map(address);
    let [x, y] = ["environment.x", "environment.y"].map(|text| text.parse().unwrap());
    for (from, to) in [(&a, &b), (&x, &y), (&a, &x), (&x, &a)] {
        let record = keeper.sealed().relocated(from, to);
        keeper.append(record).unwrap_err();
    }
    let record = keeper.sealed().relocated(&a, &c);
    keeper.append(record).unwrap();
    keeper.append(Record::Forgotten { id: KeyId::new("k_b").unwrap() }).unwrap();
    let before = keeper.sealed().clone();
    // Cut off before the fold: the next one has it all.
    drop(keeper);
    assert_eq!(folder.read().unwrap().unwrap().keys, before.keys);
    let keeper = folder.open().unwrap();
    assert_eq!((&keeper.sealed().keys, &keeper.sealed().forgotten), (&before.keys, &before.forgotten));
    let forgotten = Forgotten { id: KeyId::new("k_b").unwrap(), address: address("b"), gone: None };
    assert_eq!(keeper.sealed().forgotten, [forgotten]);
}

#[test]
fn a_file_of_an_earlier_version_reads_and_keeps_its_bytes() {
    let sealed = with(&[key("a", "k_a")], &[environment("production")]);
    let text = write(&sealed);
    assert!(!text.contains("moved_from") && !text.contains("forgotten"), "{text}");
    assert_eq!(write(&parse(&text).unwrap()), text);
    let forgotten = "\n[[forgotten]]\nid = \"k_a\"\naddress = \"key.production.a\"\n";
    assert!(parse(&format!("{text}{forgotten}")).is_ok(), "disputed");
    assert!(parse(&format!("{text}{forgotten}{forgotten}")).is_err());
}

#[test]
fn a_merge_forgets_what_the_other_side_left_as_it_was_and_nothing_else() {
    let base = with(&[key("a", "k_a"), key("b", "k_b")], &[]);
    let id = KeyId::new("k_a").unwrap();
    let forgot = with(&base.keys, &[Record::Forgotten { id: id.clone() }]);
    for (ours, theirs) in [(&forgot, &base), (&base, &forgot), (&forgot, &forgot)] {
        let merged = merge(Some(&base), ours, theirs).unwrap();
        assert_eq!((merged.sealed.keys.len(), &merged.sealed.forgotten), (1, &forgot.forgotten));
    }
    let changed =
        with(&base.keys, &[Record::State { id, state: KeyState::Disabled, since: base.keys[0].since }]);
    for (ours, theirs) in [(&forgot, &changed), (&changed, &forgot)] {
        // Nothing is dropped, and that it was forgotten is not either: a person has to look.
        let merged = merge(Some(&base), ours, theirs).unwrap().sealed;
        assert_eq!((&merged.keys, &merged.forgotten), (&changed.keys, &forgot.forgotten));
        assert_eq!(parse(&write(&merged)).unwrap(), merged);
        // Without a base nobody knows who did what.
        let merged = merge(None, ours, theirs).unwrap().sealed;
        assert_eq!((merged.keys.len(), merged.forgotten.len()), (2, 1));
    }
}

#[test]
fn a_key_that_one_side_forgot_and_the_other_rotated_is_managed_with_all_its_generations_and_disputed() {
    let base = with(&[key("a", "k_a"), key("b", "k_b")], &[]);
    let forgot = with(&base.keys, &[Record::Forgotten { id: KeyId::new("k_a").unwrap() }]);
    let second = SealedKey { generation: 2, state: KeyState::Live, ..key("a", "k_a2") };
    let rotated = with(&base.keys, &[Record::Key { key: Box::new(second) }]);
    for (ours, theirs) in [(&forgot, &rotated), (&rotated, &forgot)] {
        let merged = merge(Some(&base), ours, theirs).unwrap();
        assert_eq!(merged.undecided, []);
        assert_eq!((&merged.sealed.keys, &merged.sealed.forgotten), (&rotated.keys, &forgot.forgotten));
        // Merged once more with either side nothing changes.
        for side in [ours, theirs] {
            assert_eq!(merge(Some(&base), &merged.sealed, side).unwrap().sealed, merged.sealed);
        }
        // Settled by a write on one branch, it is settled.
        let one = merged.sealed.key(&KeyId::new("k_a").unwrap()).unwrap().clone();
        let mut settled = merged.sealed.clone();
        settled.take(Record::Key { key: Box::new(SealedKey { owner: Some("z".into()), ..one }) });
        assert_eq!(settled.forgotten, []);
        for (ours, theirs) in [(&settled, &merged.sealed), (&merged.sealed, &settled)] {
            assert_eq!(merge(Some(&merged.sealed), ours, theirs).unwrap().sealed.forgotten, []);
        }
    }
    // Taken back on one branch while the other one did nothing, it is just managed.
    let adopted = with(&base.keys, &[]);
    for (ours, theirs) in [(&forgot, &adopted), (&adopted, &forgot)] {
        let merged = merge(Some(&forgot), ours, theirs).unwrap().sealed;
        assert_eq!((merged.keys.len(), merged.forgotten.len()), (2, 0));
    }
}

/// One branch renames a key, the other rotates it.
#[test]
fn a_generation_that_the_other_side_made_follows_the_key_where_it_was_moved() {
    let (recipient, identities) = identity();
    let sealed_for = |entry: SealedKey| {
        let armor = seal(&payload(&entry, &blank(), entry.id.as_str()), &[&recipient]).unwrap();
        SealedKey { sealed: Some(armor), ..entry }
    };
    let live = |name: &str, id: &str, generation| {
        sealed_for(SealedKey { generation, state: KeyState::Live, ..key(name, id) })
    };
    let base = with(&[live("a", "k_1", 1), live("x", "k_x", 1)], &[]);
    let mut renamed = base.clone();
    moved(&mut renamed, "a", "b");
    let staged = SealedKey { state: KeyState::Staged, ..live("a", "k_3", 3) };
    let made = [live("a", "k_2", 2), staged, live("x", "k_y", 2)];
    let rotated = with(&[base.keys.clone(), made.to_vec()].concat(), &[]);
    for (ours, theirs) in [(&renamed, &rotated), (&rotated, &renamed)] {
        let merged = merge(Some(&base), ours, theirs).unwrap();
        assert_eq!(merged.undecided, []);
        let merged = merged.sealed;
        let at = |id: &str| &merged.key(&KeyId::new(id).unwrap()).unwrap().address;
        assert_eq!((at("k_1"), at("k_2")), (&address("b"), &address("b")));
        // What is not released yet has its address in its name at the service; and nothing else moves.
        assert_eq!((at("k_3"), at("k_y")), (&address("a"), &address("x")));
        let read = parse(&write(&merged)).unwrap();
        for entry in &read.keys {
            assert_eq!(open(entry, &read, &identities).unwrap().secret.expose(), entry.id.as_str());
        }
        for side in [ours, theirs] {
            let again = merge(Some(&base), &merged, side).unwrap();
            assert_eq!((again.undecided.len(), &again.sealed), (0, &merged));
        }
    }
}

/// The same where the whole environment was renamed, with a key that is new on the other branch.
#[test]
fn a_key_that_the_other_side_made_follows_its_environment() {
    let base = with(&[key("a", "k_a")], &[environment("production")]);
    let mut renamed = base.clone();
    let (from, to) = ("environment.production".parse().unwrap(), "environment.prod".parse().unwrap());
    renamed.take(renamed.relocated(&from, &to));
    let fresh = SealedKey { state: KeyState::Live, ..key("new", "k_new") };
    let grown = with(&[key("a", "k_a"), fresh], &[environment("production")]);
    for (ours, theirs) in [(&renamed, &grown), (&grown, &renamed)] {
        let merged = merge(Some(&base), ours, theirs).unwrap();
        let found: Vec<String> = merged.sealed.keys.iter().map(|key| key.address.to_string()).collect();
        assert_eq!((found, merged.undecided.len()), (vec!["key.prod.a".into(), "key.prod.new".into()], 0));
    }
}

#[test]
fn a_saved_plan_that_either_side_carried_out_is_carried_out() {
    let plan = |n: i64, complete| {
        let at = keycomb::model::Timestamp::from_second(n).unwrap();
        Record::AppliedPlan { plan: AppliedPlan { at, sha256: digest_of(n.to_string()), complete } }
    };
    let base = with(&[], &[plan(1, false)]);
    let ours = with(&[], &[plan(1, true), plan(2, true), plan(3, false)]);
    let theirs = with(&[], &[plan(1, false), plan(4, true), plan(5, true), plan(6, true)]);
    for (ours, theirs) in [(&ours, &theirs), (&theirs, &ours)] {
        let merged = merge(Some(&base), ours, theirs).unwrap().sealed;
        let told: Vec<_> = merged.applied_plans.iter().map(|p| (p.at.as_second(), p.complete)).collect();
        // The newest five of six.
        assert_eq!(told, [(2, true), (3, false), (4, true), (5, true), (6, true)]);
        assert_eq!(parse(&write(&merged)).unwrap(), merged);
    }
    let merged = merge(None, &base, &with(&[], &[plan(1, true)])).unwrap().sealed;
    assert!(merged.applied_plan(&digest_of("1")).unwrap().complete);
    let old = write(&Sealed { applied_plans: vec![], ..base });
    assert!(!old.contains("applied_plan"), "{old}");
}

#[test]
fn a_merge_joins_a_move_with_a_change_and_stops_at_two_moves() {
    let base = with(&[key("a", "k_a")], &[]);
    let [mut to_b, mut to_c] = [base.clone(), base.clone()];
    moved(&mut to_b, "a", "b");
    moved(&mut to_c, "a", "c");
    let changed = with(
        &base.keys,
        &[Record::Key { key: Box::new(SealedKey { owner: Some("z".into()), ..key("a", "k_a") }) }],
    );
    for (ours, theirs) in [(&to_b, &changed), (&changed, &to_b)] {
        let merged = merge(Some(&base), ours, theirs).unwrap();
        let [found] = merged.sealed.keys.as_slice() else { panic!("{:?}", merged.sealed.keys) };
        assert_eq!((&found.address, found.moved_from.as_slice()), (&address("b"), [address("a")].as_slice()));
        assert_eq!(found.owner.as_deref(), Some("z"));
    }
    assert_eq!(merge(Some(&base), &to_b, &to_c).unwrap().undecided.len(), 1);
}
