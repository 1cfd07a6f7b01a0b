//! What changes the record alone: adopt, forget, move. Nothing is sent, and what follows is told.

use keycomb::model::*;
use keycomb::plan::{Action, Adopt, Ask, Plan, SealedSecret, Step, Verb, next_generation, sealed_generation};

use crate::builders::*;
use crate::simulate::apply;

fn adopt(world: &mut World, id: &str, at: &str) -> Plan {
    let wanted = Adopt { id: id.into(), secret: None };
    world.ask = Ask { adopt: [(address(at), wanted)].into(), ..Ask::default() };
    world.plan()
}

fn forget(world: &mut World, at: &str) -> Plan {
    world.ask = Ask { forget: [address(at)].into(), ..Ask::default() };
    world.plan()
}

fn mv(world: &mut World, from: &str, to: &str) -> Plan {
    world.ask = Ask { moves: [(address(from), address(to))].into(), ..Ask::default() };
    world.plan()
}

/// `key.production.wanted` is declared and there as `hcxik_wanted`, and not recorded.
fn unmanaged() -> World {
    let mut world = World::production();
    let wanted = ingest("key.production.wanted");
    world.live.keys.push(live_of(&wanted, "wanted"));
    world.declare(wanted);
    world
}

/// A provisional name of another sealed file.
fn mark(at: &str) -> String {
    provisional(&ingest(at), "x", "zzzzzzzzzzzzzzzz", '1', DAY).name
}

#[track_caller]
fn refused(plan: &Plan, code: &str) {
    let [action] = plan.actions.as_slice() else { panic!("{:#?}", plan.actions) };
    assert_eq!(action.blocked.as_ref().map(|b| b.code), Some(code), "{:?}", action.blocked);
    assert_eq!(action.step, Step::Nothing);
}

#[track_caller]
fn only(plan: &Plan) -> &Action {
    let [action] = plan.actions.as_slice() else { panic!("{:#?}", plan.actions) };
    assert!(action.blocked.is_none(), "{:?}", action.blocked);
    assert!(matches!(action.step, Step::Record(_)), "{:?}", action.step);
    action
}

/// Carries the plan's records out, and drops what was asked.
fn carried(world: &mut World) {
    apply(world, 1);
    world.ask = Ask::default();
}

#[test]
fn an_adopted_key_is_recorded_as_it_is_and_the_next_plan_is_empty() {
    let mut world = unmanaged();
    let plan = adopt(&mut world, "hcxik_wanted", "key.production.wanted");
    let action = only(&plan);
    assert_eq!((action.verb, action.generation, action.name.as_str()), (Verb::Adopt, Some(1), "wanted"));
    assert_eq!(plan.findings, []);
    carried(&mut world);
    let entry = world.sealed().key(&key_id("wanted")).unwrap().clone();
    assert_eq!(
        (entry.state, entry.secret, entry.sealed),
        (KeyState::Live, Some(NoSecret::Unavailable), None)
    );
    assert!(world.plan().is_empty());
    assert_eq!(world.drift().findings, []);
}

#[test]
fn what_is_declared_otherwise_is_told_and_not_done() {
    let mut world = unmanaged();
    world.live("wanted").disabled = true;
    world.live("wanted").name = "other".into();
    let plan = adopt(&mut world, "hcxik_wanted", "key.production.wanted");
    only(&plan);
    let [finding] = plan.findings.as_slice() else { panic!("{:#?}", plan.findings) };
    assert_eq!(finding.text, "after this, the next plan would enable it (enabled, name)");
    assert_eq!(finding.changes.len(), 2);
    carried(&mut world);
    assert_eq!(world.plan().actions.iter().map(|a| a.verb).collect::<Vec<_>>(), [Verb::Enable]);
}

#[test]
fn nothing_else_is_done_in_such_a_run() {
    let mut world = unmanaged();
    world.declare(ingest("key.production.new"));
    world.declare_environment("new", "New");
    world.desired.keys.shift_remove(&address("key.production.base"));
    let plan = adopt(&mut world, "hcxik_wanted", "key.production.wanted");
    only(&plan);
    assert_eq!(plan.summary.changes, 1);
}

#[test]
fn a_secret_that_was_given_is_in_the_entry() {
    let mut world = unmanaged();
    let recipients = vec![RecipientRef { name: "ops".into(), fingerprint: "x".into() }];
    let secret = SealedSecret { armor: "armor".into(), recipients, proof: Some(KeyProof::Accepted) };
    let wanted = Adopt { id: "hcxik_wanted".into(), secret: Some(secret) };
    world.ask = Ask { adopt: [(address("key.production.wanted"), wanted)].into(), ..Ask::default() };
    let plan = world.plan();
    assert!(only(&plan).reason.text.ends_with("the given secret is sealed to `ops`"));
    carried(&mut world);
    let entry = world.sealed().key(&key_id("wanted")).unwrap();
    assert_eq!((entry.sealed.as_deref(), entry.secret), (Some("armor"), None));
    assert_eq!(entry.proof, Some(KeyProof::Accepted));
}

#[test]
fn what_cannot_be_adopted_is_refused_with_its_reason() {
    type Edit = fn(&mut World);
    let cases: &[(Edit, &str)] = &[
        (|w| w.live.keys.retain(|k| k.id != key_id("wanted")), "not_there"),
        (|w| drop(w.desired.keys.shift_remove(&address("key.production.wanted"))), "not_declared"),
        (
            |w| {
                let other = record_of(&ingest("key.production.other"), "wanted");
                w.sealed().keys.push(other);
            },
            "managed",
        ),
        (|w| w.live("wanted").name = mark("key.production.wanted"), "provisional"),
        (|w| w.live.environments[0].color = Some(Color::Classic), "classic"),
        (|w| w.live("wanted").key_type = KeyType::Configuration, "type_differs"),
        (
            |w| {
                w.live.environments.push(live_environment("other", "Other"));
                w.live("wanted").environment = environment_id("other");
            },
            "environment_differs",
        ),
        (|w| w.sealed().environments.clear(), "environment_unavailable"),
        (
            |w| {
                let wanted = ingest("key.production.wanted");
                w.live.keys.push(live_of(&wanted, "old"));
                w.sealed().keys.push(record_of(&wanted, "old"));
            },
            "occupied",
        ),
        (|w| drop(w.elsewhere.insert(key_id("wanted"), "abc1234".into())), "unsealed"),
    ];
    for (edit, code) in cases {
        let mut world = unmanaged();
        edit(&mut world);
        refused(&adopt(&mut world, "hcxik_wanted", "key.production.wanted"), code);
    }
}

#[test]
fn a_later_generation_takes_the_place_of_one_that_is_gone() {
    let mut world = unmanaged();
    world.sealed().keys.push(record_of(&ingest("key.production.wanted"), "gone"));
    assert_eq!(next_generation(world.sealed(), &address("key.production.wanted")), 2);
    let plan = adopt(&mut world, "hcxik_wanted", "key.production.wanted");
    assert_eq!(only(&plan).generation, Some(2));
}

#[test]
fn an_environment_is_adopted_with_its_keys_in_one_run() {
    let mut world = unmanaged();
    world.sealed().environments.clear();
    world.sealed().keys.clear();
    world.desired.environments[0].attributes.color = Some(Color::Red);
    world.ask.adopt = [
        ("environment.production", "hcxen_production"),
        ("key.production.base", "hcxik_base"),
        ("key.production.wanted", "hcxik_wanted"),
    ]
    .map(|(at, id)| (address(at), Adopt { id: id.into(), secret: None }))
    .into();
    let plan = world.plan();
    assert_eq!(plan.summary.verbs, [(Verb::Adopt, 3)]);
    assert_eq!(plan.findings.len(), 1, "{:#?}", plan.findings);
    carried(&mut world);
    assert_eq!(world.plan().summary.verbs, [(Verb::Update, 1)]);
    apply(&mut world, 1);
    assert!(world.plan().is_empty());
}

#[test]
fn environments_that_cannot_be_adopted_are_refused() {
    type Edit = fn(&mut World);
    let cases: &[(Edit, &str)] = &[
        (|w| w.live.environments.clear(), "not_there"),
        (|w| w.desired.environments.clear(), "not_declared"),
        (|w| w.desired.environments[0].reference = true, "reference"),
        (|w| w.live.environments[0].name = "production".into(), "name_differs"),
        (|w| w.live.environments[0].color = Some(Color::Classic), "classic"),
        (|w| w.live.environments[0].description = mark("key.a.b"), "provisional"),
        (|w| w.sealed().environments.push(recorded_environment("production", "Production")), "managed"),
        (
            |w| {
                let record = recorded_environment("other", "Production");
                w.sealed()
                    .environments
                    .push(SealedEnvironment { address: address("environment.production"), ..record });
            },
            "occupied",
        ),
    ];
    for (edit, code) in cases {
        let mut world = World::production();
        world.sealed = None;
        edit(&mut world);
        refused(&adopt(&mut world, "hcxen_production", "environment.production"), code);
    }
}

#[test]
fn an_unmanaged_policy_does_not_keep_what_is_unmanaged_from_being_adopted() {
    let mut world = unmanaged();
    world.desired.policy.unmanaged = Unmanaged::Fail;
    let plan = adopt(&mut world, "hcxik_wanted", "key.production.wanted");
    only(&plan);
    assert!(!plan.is_guarded());
}

#[test]
fn what_is_forgotten_is_left_alone_from_then_on_whatever_the_history_has() {
    let mut world = unmanaged();
    world.desired.keys.shift_remove(&address("key.production.wanted"));
    let record = record_of(&ingest("key.production.wanted"), "wanted");
    world.sealed().keys.push(record);
    let plan = forget(&mut world, "key.production.wanted");
    assert_eq!(only(&plan).verb, Verb::Forget);
    carried(&mut world);
    assert_eq!(world.sealed().key(&key_id("wanted")), None);
    world.elsewhere.insert(key_id("wanted"), "abc1234".into());
    let plan = world.plan();
    assert!(plan.is_empty() && !plan.is_unsealed(), "{plan:#?}");
    // And taken back by its id.
    world.declare(ingest("key.production.wanted"));
    only(&adopt(&mut world, "hcxik_wanted", "key.production.wanted"));
    carried(&mut world);
    assert_eq!(world.sealed().forgotten, []);
    assert!(world.plan().is_empty());
}

#[test]
fn what_cannot_be_forgotten_is_refused() {
    let mut world = World::production();
    refused(&forget(&mut world, "key.production.nothing"), "not_managed");
    refused(&forget(&mut world, "key.production.base"), "declared");
    refused(&forget(&mut world, "environment.production"), "declared");
    world.desired.environments.clear();
    refused(&forget(&mut world, "environment.production"), "inhabited");
    world.desired.keys.clear();
    world.sealed().keys[0].state = KeyState::Releasing;
    refused(&forget(&mut world, "key.production.base"), "unfinished");
    world.sealed().keys.clear();
    only(&forget(&mut world, "environment.production"));
}

#[test]
fn what_is_revoked_is_not_forgotten_before_it_is_stopped() {
    let at = "key.production.base";
    let mut world = World::production();
    world.desired.keys.clear();
    for how in [Revocation::Delete, Revocation::Disable] {
        let revoked = Revoked { how, at: now(), reason: "in a log".into() };
        world.sealed().keys[0].revoked = Some(revoked);
        refused(&forget(&mut world, at), "revoked");
    }
    world.live.keys[0].disabled = true;
    only(&forget(&mut world, at));
    // Disabled is not deleted.
    world.sealed().keys[0].revoked.as_mut().unwrap().how = Revocation::Delete;
    refused(&forget(&mut world, at), "revoked");
    world.live.keys.clear();
    only(&forget(&mut world, at));
}

#[test]
fn an_environment_that_becomes_a_reference_keeps_its_keys() {
    let mut world = World::production();
    world.desired.environments[0].reference = true;
    only(&forget(&mut world, "environment.production"));
    carried(&mut world);
    assert!(world.plan().is_empty(), "{:#?}", world.plan().actions);
}

/// `key.production.base` is declared as `key.production.renamed`, its name at the service as before.
fn renamed() -> World {
    let mut world = World::production();
    let old = world.desired.keys.shift_remove(&address("key.production.base")).unwrap();
    world.declare(DesiredKey { address: address("key.production.renamed"), ..old });
    world
}

#[test]
fn a_renamed_key_is_held_with_the_line_that_moves_it_and_moves_with_it() {
    let mut world = renamed();
    let plan = world.plan();
    assert_eq!(plan.summary.changes, 0);
    let helps: Vec<&str> =
        plan.actions.iter().filter_map(|a| a.blocked.as_ref()).map(|b| b.help.as_str()).collect();
    assert_eq!(helps.len(), 2);
    assert!(helps.iter().all(|help| help.contains("`moved_from = \"base\"`")), "{helps:?}");
    world.desired.keys[0].moved_from = Some(address("key.production.base"));
    let plan = world.plan();
    let action = only(&plan);
    assert_eq!((action.verb, &action.address), (Verb::Move, &address("key.production.renamed")));
    assert_eq!(plan.findings, []);
    apply(&mut world, 1);
    assert!(world.plan().is_empty(), "the line may stay");
    let entry = world.sealed().key(&key_id("base")).unwrap();
    assert_eq!(
        (&entry.address, &entry.moved_from),
        (&address("key.production.renamed"), &vec![address("key.production.base")])
    );
}

#[test]
fn a_move_and_a_change_are_one_plan() {
    let mut world = renamed();
    world.desired.keys[0].moved_from = Some(address("key.production.base"));
    world.desired.keys[0].name = "another".into();
    assert_eq!(world.plan().summary.verbs, [(Verb::Update, 1), (Verb::Move, 1)]);
    assert_eq!(world.plan().actions[0].verb, Verb::Move);
    apply(&mut world, 1);
    assert!(world.plan().is_empty());
}

#[test]
fn a_renamed_environment_takes_its_keys_along() {
    let mut world = World::production();
    world.sync(ingest("key.production.other"), "other");
    let old = world.desired.environments.shift_remove(&Label::new("production").unwrap()).unwrap();
    let label = Label::new("prod").unwrap();
    let moved_from = Some(old.label.clone());
    world.desired.environments.insert(label.clone(), DesiredEnvironment { label, moved_from, ..old });
    let keys: Vec<DesiredKey> = std::mem::take(&mut world.desired.keys).into_values().collect();
    for key in keys {
        let to = key.address.moved(&address("environment.production"), &address("environment.prod")).unwrap();
        world.declare(DesiredKey { address: to, ..key });
    }
    // One of them is renamed at the same time.
    let other = world.desired.keys.shift_remove(&address("key.prod.other")).unwrap();
    let moved_from = Some(address("key.prod.other"));
    world.declare(DesiredKey { address: address("key.prod.second"), moved_from, ..other });
    let plan = world.plan();
    assert_eq!(plan.summary.verbs, [(Verb::Move, 2)], "{:#?}", plan.actions);
    assert!(plan.actions[0].reason.text.starts_with("recorded as `environment.production` and its 2 keys"));
    apply(&mut world, 1);
    assert!(world.plan().is_empty(), "{:#?}", world.plan().actions);
}

#[test]
fn what_cannot_move_is_refused() {
    let mut world = renamed();
    let (from, to) = ("key.production.base", "key.production.renamed");
    refused(&mv(&mut world, "key.production.nothing", to), "not_managed");
    refused(&mv(&mut world, from, from), "not_managed");
    refused(&mv(&mut world, from, "key.staging.renamed"), "cannot_move");
    refused(&mv(&mut world, from, "environment.production"), "cannot_move");
    refused(&mv(&mut world, from, "key.production.undeclared"), "not_renamed");
    let mut both = world.clone();
    both.declare(ingest(from));
    refused(&mv(&mut both, from, to), "not_renamed");
    let mut other = world.clone();
    other.desired.keys[0].key_type = KeyType::Configuration;
    refused(&mv(&mut other, from, to), "type_differs");
    let mut taken = world.clone();
    let there = ingest(to);
    taken.live.keys.push(live_of(&there, "there"));
    taken.sealed().keys.push(record_of(&there, "there"));
    refused(&mv(&mut taken, from, to), "occupied");
    let mut begun = world.clone();
    begun.sealed().keys[0].state = KeyState::Staged;
    refused(&mv(&mut begun, from, to), "unfinished");
    only(&mv(&mut world, from, to));
    carried(&mut world);
    assert!(world.plan().is_empty());
}

#[test]
fn a_move_takes_nothing_that_a_person_did_not_rename() {
    let mut world = World::production();
    world.sync(ingest("key.production.other"), "other");
    world.desired.keys[0].moved_from = Some(address("key.production.nothing"));
    assert!(world.plan().is_empty());
    let before = world.sealed().clone();
    let (from, to) = (address("key.production.base"), address("key.production.x"));
    let record = before.relocated(&from, &to);
    let mut once = before;
    once.take(record.clone());
    let mut twice = once.clone();
    twice.take(record);
    assert_eq!(once, twice, "replaying a journal twice changes nothing more");
    twice.take(twice.relocated(&to, &from));
    assert_eq!((&twice.keys[0].address, &twice.keys[0].moved_from), (&from, &vec![to]));
}

/// What is declared as it is, and adopted, is in sync, whatever it is.
#[test]
fn whatever_is_declared_as_it_is_and_adopted_needs_nothing_more() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::empty();
        world.declare_environment("production", "Production");
        let mut home = live_environment("production", "Production");
        home.color = *random.choice(&[None, Some(Color::Red), Some(Color::Gold)]).unwrap();
        home.delete_protected = random.bool();
        home.description = random.choice(&["", "a\nb"]).unwrap().to_string();
        let described = random.bool().then(|| home.description.clone());
        world.desired.environments[0].attributes = EnvironmentAttributes {
            description: described,
            color: home.color.filter(|_| random.bool()),
            delete_protected: random.bool().then_some(home.delete_protected),
        };
        world.live.environments.push(home);
        world
            .ask
            .adopt
            .insert(address("environment.production"), Adopt { id: "hcxen_production".into(), secret: None });
        for number in 0..random.usize(0..6) {
            let at = format!("key.production.k{number}");
            let mut key = if random.bool() { ingest(&at) } else { configuration(&at) };
            if random.bool() {
                key.permissions.clear();
            }
            (key.enabled, key.protected) = (random.bool(), random.bool());
            key.owner = random.bool().then(|| "team".to_owned());
            let mut live = live_of(&key, &format!("k{number}"));
            if random.bool() {
                live.unknown_permissions.insert("fly".into(), random.bool());
            }
            live.created = random.bool().then(|| ago(DAY));
            world.ask.adopt.insert(key.address.clone(), Adopt { id: live.id.to_string(), secret: None });
            world.live.keys.push(live);
            world.declare(key);
        }
        let plan = world.plan();
        assert!(plan.findings.is_empty() && plan.summary.blocked == 0, "seed {seed}: {plan:#?}");
        carried(&mut world);
        assert!(world.plan().is_empty(), "seed {seed}: {:#?}", world.plan().actions);
        assert!(!world.drift().is_drifted(), "seed {seed}");
    }
}

#[test]
fn what_is_protected_is_not_forgotten() {
    let mut world = World::production();
    world.desired.keys.clear();
    world.sealed().keys[0].protected = true;
    refused(&forget(&mut world, "key.production.base"), "protected");
    world.sealed().keys[0].protected = false;
    only(&forget(&mut world, "key.production.base"));
}

/// One branch forgot it, another one rotated it, and a merge kept both: nothing of it stops before a person has looked.
#[test]
fn what_is_disputed_is_neither_stopped_nor_deleted_unless_it_is_named() {
    let mut world = World::production();
    world.sync(configuration("key.production.a"), "one");
    world.sync(configuration("key.production.a"), "two");
    world.record("two").generation = 2;
    let (id, at) = (key_id("one"), address("key.production.a"));
    world.sealed().forgotten.push(Forgotten { id, address: at.clone(), gone: None });
    world.record("two").since = ago(DAY);
    assert!(world.plan().is_empty(), "declared, it goes its way");
    world.undeclare("key.production.a");
    assert_eq!(world.told(), ["blocked:disable:forgotten key.production.a"; 2]);
    assert!(world.plan().actions.iter().all(|action| action.blocked.as_ref().unwrap().guard));
    let mut again = world.clone();
    again.ask.forget.insert(at.clone());
    assert_eq!(again.told(), ["forget key.production.a"]);
    world.allow.addresses.insert(at);
    assert_eq!(world.told(), ["disable key.production.a"; 2]);
}

/// A seal as the command makes it, of which the planner knows no more than to whom it is.
fn given(id: &str) -> Adopt {
    let armor = "-----BEGIN AGE ENCRYPTED FILE-----\nx\n-----END AGE ENCRYPTED FILE-----\n";
    let recipients = vec![RecipientRef { name: "ops".into(), fingerprint: "f1".into() }];
    let secret = SealedSecret { armor: armor.into(), recipients, proof: Some(KeyProof::Accepted) };
    Adopt { id: id.into(), secret: Some(secret) }
}

fn give(world: &mut World, id: &str, at: &str) -> Plan {
    world.ask = Ask { adopt: [(address(at), given(id))].into(), ..Ask::default() };
    world.plan()
}

/// `key.production.base` is managed, and nobody gave its secret.
fn without_secret() -> World {
    let mut world = World::production();
    let entry = world.record("base");
    (entry.sealed, entry.secret, entry.proof) = (None, Some(NoSecret::Unavailable), None);
    entry.recipients.clear();
    world
}

#[test]
fn a_given_secret_comes_into_the_entry_of_a_key_that_is_managed_without_one() {
    let mut world = without_secret();
    let before = world.record("base").clone();
    let sealed = world.sealed().clone();
    assert_eq!(sealed_generation(&sealed, &address("key.production.base"), &key_id("base")), 1);
    assert_eq!(sealed_generation(&sealed, &address("key.production.base"), &key_id("other")), 2);
    let plan = give(&mut world, "hcxik_base", "key.production.base");
    let action = only(&plan);
    assert_eq!((action.verb, action.generation), (Verb::Adopt, Some(1)));
    assert!(action.reason.text.contains("sealed to `ops`, and nothing is sent"), "{}", action.reason.text);
    assert_eq!(action.changes[0].after.as_deref(), Some("sealed to `ops`"));
    carried(&mut world);
    let after = world.record("base").clone();
    let SealedSecret { armor, recipients, proof } = given("x").secret.unwrap();
    let expected = SealedKey { sealed: Some(armor), secret: None, recipients, proof, ..before };
    assert_eq!(after, expected, "the rest of the entry stays as it was");
    // What has a secret keeps it.
    refused(&give(&mut world, "hcxik_base", "key.production.base"), "sealed");
    assert_eq!(*world.record("base"), after);
}

#[test]
fn a_given_secret_does_nothing_else_that_a_plan_would_do() {
    let mut world = without_secret();
    world.desired("key.production.base").name = "other".into();
    world.desired("key.production.base").enabled = false;
    let plan = give(&mut world, "hcxik_base", "key.production.base");
    only(&plan);
    assert_eq!(plan.findings, []);
    // It need not even be declared any more.
    world.undeclare("key.production.base");
    only(&give(&mut world, "hcxik_base", "key.production.base"));
}

#[test]
fn a_given_secret_of_a_key_on_its_way_out_or_gone_is_refused() {
    let give = |edit: &dyn Fn(&mut World)| {
        let mut world = without_secret();
        edit(&mut world);
        give(&mut world, "hcxik_base", "key.production.base")
    };
    let revoked = Revoked { how: Revocation::Disable, at: now(), reason: "in a log".into() };
    refused(&give(&|w| w.record("base").revoked = Some(revoked.clone())), "not_live");
    refused(&give(&|w| w.record("base").state = KeyState::Deleted), "not_live");
    refused(&give(&|w| w.delete_live("base")), "not_there");
    // At another address it is another one's key.
    let mut world = without_secret();
    world.declare(ingest("key.production.other"));
    refused(&self::give(&mut world, "hcxik_base", "key.production.other"), "managed");
}

/// A seal belongs to a key id: whatever is asked, an entry that has a secret keeps the very bytes, and a seal comes into the
/// entry of its id or into none.
#[test]
fn no_seal_ever_comes_into_another_keys_entry() {
    for seed in 0..500 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::production();
        for number in 0..4 {
            let at = format!("key.production.k{number}");
            let key = if random.bool() { ingest(&at) } else { configuration(&at) };
            let id = format!("k{number}");
            match random.u8(0..3) {
                0 => {
                    world.live.keys.push(live_of(&key, &id));
                    world.declare(key);
                }
                1 => world.sync(key, &id),
                _ => {
                    world.sync(key, &id);
                    let entry = world.record(&id);
                    (entry.sealed, entry.secret) = (None, Some(NoSecret::Unavailable));
                    entry.recipients.clear();
                }
            }
        }
        let before = world.sealed().clone();
        let ids: Vec<String> = world.live.keys.iter().map(|key| key.id.to_string()).collect();
        for number in 0..4 {
            if random.bool() {
                let mut wanted = given(random.choice(&ids).unwrap());
                wanted.secret.as_mut().unwrap().armor.push_str(&wanted.id);
                world.ask.adopt.insert(address(&format!("key.production.k{number}")), wanted);
            }
        }
        carried(&mut world);
        for entry in &world.sealed().keys {
            let armor = entry.sealed.as_deref();
            match before.key(&entry.id) {
                Some(known) if known.sealed.is_some() => assert_eq!(known, entry, "seed {seed}"),
                _ => assert!(
                    armor.is_none_or(|armor| armor.ends_with(entry.id.as_str())),
                    "seed {seed}: {entry:#?}"
                ),
            }
        }
        assert!(before.keys.iter().all(|known| world.sealed().key(&known.id).is_some()), "seed {seed}");
    }
}

/// What `plan` proposes must not be refused by `adopt`.
#[test]
fn where_an_address_has_a_key_nobody_is_told_to_adopt_another_one_there() {
    let mut world = World::production();
    world.desired("key.production.base").permissions.clear();
    let twin = LiveKey { id: key_id("twin"), ..world.live("base").clone() };
    world.live.keys.push(twin);
    let plan = world.plan();
    let blocked =
        plan.actions.iter().find_map(|action| action.blocked.as_ref()).expect("the twin is in the way");
    assert_eq!(blocked.code, "exists");
    assert!(!blocked.help.contains("keycomb adopt") && blocked.help.contains("Rename"), "{}", blocked.help);
    let plan = adopt(&mut world, "hcxik_twin", "key.production.base");
    refused(&plan, "occupied");
    assert!(plan.actions[0].blocked.as_ref().unwrap().help.contains("another `name`"));
    // The help is true: with another name it is adopted, and renamed by the next apply.
    world.declare(DesiredKey { name: "second".into(), ..ingest("key.production.second") });
    world.desired("key.production.base").permissions = world.live("base").permissions.clone();
    let name = world.live("base").name.clone();
    assert_eq!(world.live("twin").name, name);
    let plan = adopt(&mut world, "hcxik_twin", "key.production.second");
    only(&plan);
}
