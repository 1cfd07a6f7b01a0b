//! What changes a plan's intent, and what does not; and what is known of the things that it touches.

use keycomb::model::*;
use keycomb::plan::{Object, Plan, expected};

use super::builders::*;

type Edit = fn(&mut World);

/// An update, a creation in an environment that is there, one in an environment that is to be made, a retirement, a rotation
/// that is due, and something blocked.
fn world() -> World {
    let mut world = World::production();
    world.sealed().serial = 7;
    world.sync(configuration("key.production.changed"), "changed");
    world.desired("key.production.changed").permissions.insert(Permission::RunQueries);
    world.declare(ingest("key.production.new"));
    world.desired.environments.insert(Label::new("staging").unwrap(), environment("staging", "Staging"));
    world.declare(ingest("key.staging.new"));
    world.sync(ingest("key.production.gone"), "gone");
    world.undeclare("key.production.gone");
    world.sync(ingest("key.production.kept"), "kept");
    world.sync(configuration("key.production.due"), "due");
    let rotate = Rotation { every: Period::days(20), overlap: Period::days(7), window: None };
    world.desired("key.production.due").rotate = Some(rotate);
    world.sync(ingest("key.production.held"), "held");
    world.record("held").protected = true;
    world.undeclare("key.production.held");
    world
}

#[test]
fn the_world_of_these_tests_has_all_that_it_needs() {
    assert_eq!(
        world().told(),
        [
            "create environment.staging",
            "rotate key.production.due",
            "create key.production.new",
            "create key.staging.new",
            "update key.production.changed",
            "disable key.production.gone",
            "blocked:disable:protected key.production.held",
        ]
    );
}

fn edited(edit: Edit) -> Plan {
    let mut world = world();
    edit(&mut world);
    world.plan()
}

#[test]
fn whatever_is_done_or_held_is_in_it() {
    let edits: [(&str, Edit); 19] = [
        ("team", |w| w.desired.team = TeamSlug::new("other").unwrap()),
        ("endpoint", |w| w.desired.endpoint = Endpoint::new("https://other.example").unwrap()),
        ("lineage", |w| w.sealed().lineage = Lineage::new("z".repeat(16)).unwrap()),
        ("an attribute that is sent", |w| {
            w.desired("key.production.changed").permissions.insert(Permission::ManageSlos);
        }),
        ("what is granted", |w| w.desired("key.production.new").permissions.clear()),
        ("a name", |w| w.desired("key.production.new").name = "other".into()),
        ("born disabled", |w| w.desired("key.production.new").enabled = false),
        ("an owner", |w| w.desired("key.production.new").owner = Some("team".into())),
        ("a protection", |w| w.desired("key.production.new").protected = true),
        ("an action less", |w| w.undeclare("key.production.new")),
        ("an action more", |w| w.undeclare("key.production.kept")),
        ("another id", |w| {
            w.live("changed").id = key_id("other");
            w.record("changed").id = key_id("other");
        }),
        ("another generation", |w| w.record("due").generation = 2),
        ("a recipient's key", |w| {
            let other = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg".parse().unwrap();
            w.desired.seal.recipients.insert("ops".into(), other);
        }),
        ("a recipient's name", |w| {
            let ops = w.desired.seal.recipients.shift_remove("ops").unwrap();
            w.desired.seal.recipients.insert("others".into(), ops);
        }),
        ("why something is held", |w| {
            w.record("held").protected = false;
            w.desired.policy.disable = Limit { count: Some(0), percent: None };
        }),
        ("a number that is allowed", |w| w.allow.delete = Some(3)),
        ("an address that is allowed", |w| {
            w.allow.addresses.insert(address("key.production.held"));
        }),
        ("a part", |w| w.ask.select.skip = ["nothing.*".parse().unwrap()].into()),
    ];
    let mut seen = std::collections::BTreeMap::from([(world().plan().intent(), "nothing")]);
    for (what, edit) in edits {
        let before = seen.insert(edited(edit).intent(), what);
        assert_eq!(before, None, "{what} gives the same intent");
    }
}

#[test]
fn when_why_and_in_which_words_is_not() {
    let edits: [(&str, Edit); 9] = [
        ("nothing", |_| {}),
        ("the clock", |w| w.live.now = ago(-HOUR)),
        ("the serial", |w| w.sealed().serial = 99),
        ("a key's age", |w| w.live("due").created = Some(ago(29 * DAY))),
        ("when something changed", |w| w.live("changed").updated = Some(ago(5))),
        ("where it is declared", |w| w.desired("key.production.new").origin.line = 99),
        ("a purpose", |w| w.desired("key.production.new").purpose = Some("for people".into())),
        ("a finding", |w| {
            let stray = ingest("key.production.stray");
            w.live.keys.push(live_of(&stray, "stray"));
        }),
        ("the order of the files", |w| w.desired.keys.reverse()),
    ];
    let intent = world().plan().intent();
    for (what, edit) in edits {
        assert_eq!(edited(edit).intent(), intent, "{what}");
    }
}

/// The same plan twice: one from a checkout without a sealed file, one from the empty record that an apply begins with.
#[test]
fn a_lineage_that_is_not_saved_yet_is_not_in_it() {
    let mut world = World::production();
    world.live.environments.clear();
    world.declare(ingest("key.production.new"));
    world.sealed = None;
    let none = world.plan().intent();
    let lineage = Lineage::new(LINEAGE).unwrap();
    let empty = Sealed::new(world.desired.team.clone(), world.desired.endpoint.clone(), lineage);
    world.sealed = Some(empty.clone());
    assert_eq!(world.plan().intent(), none);
    world.sealed = Some(Sealed { serial: 1, ..empty });
    assert_ne!(world.plan().intent(), none);
}

#[test]
fn a_plan_reads_back_as_it_was() {
    let plan = world().plan();
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    let unknown = text.replacen("\"code\":\"protected\"", "\"code\":\"nonsense\"", 1);
    assert_ne!(unknown, text);
    assert!(serde_json::from_str::<Plan>(&unknown).is_err());
    let more = text.replacen("\"header\":{", "\"header\":{\"more\":1,", 1);
    assert!(serde_json::from_str::<Plan>(&more).is_err());
}

#[test]
fn what_is_touched_is_remembered_as_it_is() {
    let world = world();
    let plan = world.plan();
    let before = expected(&plan, &world.live);
    let told: Vec<String> =
        before.iter().map(|e| format!("{} {}", e.address, e.object.id().unwrap_or("is not there"))).collect();
    assert_eq!(
        told,
        [
            "environment.staging is not there",
            "key.production.changed hcxik_changed",
            "key.production.due hcxik_due",
            "key.production.gone hcxik_gone",
            "key.production.new is not there",
            "key.staging.new is not there",
        ]
    );
    assert!(before.iter().all(|expected| expected.object.moved(&world.live).is_none()));
    let edits: [(&str, &str, Edit); 8] = [
        ("key.production.changed", "gone from the service", |w| w.delete_live("changed")),
        ("key.production.changed", "other attributes", |w| w.live("changed").name = "x".into()),
        ("key.production.changed", "other attributes", |w| {
            w.live("changed").unknown_permissions.insert("new".into(), true);
        }),
        ("key.production.changed", "was changed at", |w| w.live("changed").updated = Some(now())),
        ("key.production.due", "other attributes", |w| w.live("due").disabled = true),
        ("key.production.gone", "other attributes", |w| w.live("gone").permissions.clear()),
        ("key.production.new", "a key of its name", |w| {
            w.live.keys.push(live_of(&ingest("key.production.new"), "twin"));
        }),
        ("environment.staging", "an environment of its name", |w| {
            w.live.environments.push(live_environment("other", "Staging"));
        }),
    ];
    for (address, why, edit) in edits {
        let mut world = world.clone();
        edit(&mut world);
        let moved = before.iter().filter_map(|e| Some((e.address.to_string(), e.object.moved(&world.live)?)));
        let moved: Vec<_> = moved.collect();
        assert_eq!(moved.len(), 1, "{why}: {moved:?}");
        assert!(moved[0].0 == address && moved[0].1.contains(why), "{why}: {moved:?}");
    }
}

#[test]
fn an_environments_attributes_count_too() {
    let mut world = World::production();
    let attributes = EnvironmentAttributes { color: Some(Color::Red), ..EnvironmentAttributes::default() };
    world.desired.environments[0].attributes = attributes;
    let before = expected(&world.plan(), &world.live);
    assert!(matches!(before[0].object, Object::Environment { .. }), "{before:?}");
    assert_eq!(before[0].object.moved(&world.live), None);
    world.live.environments[0].description = "other".into();
    assert!(before[0].object.moved(&world.live).is_some());
}
