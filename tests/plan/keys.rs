//! Rules for declared keys that are there.

use keycomb::model::*;
use keycomb::plan::{Action, FindingKind, ReasonCode, SecretEffect, Severity, Step, Verb};

use super::builders::*;

/// `key.production.a`, a configuration key in sync.
fn world() -> World {
    let mut world = World::production();
    world.sync(configuration("key.production.a"), "a");
    world
}

struct Sent {
    name: Option<String>,
    permissions: Option<Vec<Permission>>,
    enabled: Option<bool>,
    applied: AppliedKey,
}

fn sent(action: &Action) -> Sent {
    let Step::UpdateKey { name, permissions, enabled, applied, .. } = action.step.clone() else {
        panic!("{action:?}")
    };
    Sent { name, permissions: permissions.map(|p| p.into_iter().collect()), enabled, applied }
}

#[test]
fn what_is_as_declared_plans_nothing() {
    assert!(world().plan().is_empty());
    assert!(world().plan().findings.is_empty());
}

#[test]
fn matching_is_by_id_never_by_name() {
    let mut world = world();
    // A stranger of the same environment, type and name, beside the managed one.
    let twin = LiveKey { id: key_id("twin"), ..world.live("a").clone() };
    world.live.keys.push(twin);
    world.desired("key.production.a").permissions = [Permission::RunQueries].into();
    assert_eq!(world.only().id.as_deref(), Some("hcxik_a"));
}

#[test]
fn permissions_of_a_configuration_key_change_in_place_and_all_are_sent() {
    let mut world = world();
    world.desired("key.production.a").permissions =
        [Permission::SendEvents, Permission::RunQueries, Permission::ManageBoards].into();
    let action = world.only();
    assert_eq!((action.verb, action.reason.code), (Verb::Update, ReasonCode::Changed));
    assert_eq!(action.reason.origin, Some(origin(12)), "the line of `permissions`");
    let change = &action.changes[0];
    assert_eq!(change.before.as_deref(), Some("send_events"));
    assert_eq!(change.after.as_deref(), Some("manage_boards\nrun_queries\nsend_events"));
    let sent = sent(&action);
    assert_eq!(sent.permissions.map(|p| p.len()), Some(3));
    assert_eq!((sent.name, sent.enabled, sent.applied.permissions.len()), (None, None, 3));
}

#[test]
fn a_name_changes_in_place() {
    let mut world = world();
    world.desired("key.production.a").name = "b".into();
    assert_eq!(sent(&world.only()).name.as_deref(), Some("b"));
}

#[test]
fn a_name_the_service_already_has_reaches_the_record() {
    let mut world = world();
    world.desired("key.production.a").name = "b".into();
    world.live("a").name = "b".into();
    let action = world.only();
    assert!(action.changes.is_empty());
    assert_eq!(sent(&action).name.as_deref(), Some("b"));
}

#[test]
fn unknown_permissions_are_left_alone_and_mentioned_once() {
    let mut world = world();
    world.live("a").unknown_permissions.insert("fly".into(), true);
    world.live("base").unknown_permissions.insert("fly".into(), true);
    assert!(world.plan().is_empty());
    let advice = world.findings(FindingKind::Advice);
    assert_eq!(advice.len(), 1);
    assert!(advice[0].text.contains("`fly`"));
}

#[test]
fn enabling_and_disabling_follow_the_declaration() {
    for enabled in [true, false] {
        let mut world = World::production();
        world.sync(DesiredKey { enabled: !enabled, ..configuration("key.production.a") }, "a");
        world.desired("key.production.a").enabled = enabled;
        let action = world.only();
        let (verb, secret) = if enabled {
            (Verb::Enable, SecretEffect::StartsWorking)
        } else {
            (Verb::Disable, SecretEffect::StopsWorking)
        };
        assert_eq!((action.verb, &action.secret), (verb, &secret));
        let sent = sent(&action);
        assert_eq!((sent.enabled, sent.applied.enabled), (Some(enabled), enabled));
    }
}

#[test]
fn all_that_differs_is_one_action_with_the_weightier_verb() {
    let mut world = world();
    let desired = world.desired("key.production.a");
    (desired.enabled, desired.name) = (false, "b".into());
    desired.permissions.insert(Permission::RunQueries);
    let action = world.only();
    assert_eq!(action.verb, Verb::Disable);
    let fields: Vec<_> = action.changes.iter().map(|c| c.field).collect();
    assert_eq!(fields, ["name", "permissions", "enabled"]);
    let sent = sent(&action);
    assert!(sent.name.is_some() && sent.permissions.is_some() && sent.enabled.is_some());
}

#[test]
fn what_only_the_record_keeps_is_updated_without_a_request() {
    type Edit = fn(&mut DesiredKey);
    let edits: [(&str, Edit); 3] = [
        ("owner", |k| k.owner = Some("team".into())),
        ("protected", |k| k.protected = true),
        ("quarantine", |k| k.quarantine = Period::days(1)),
    ];
    for (field, edit) in edits {
        let mut world = world();
        edit(world.desired("key.production.a"));
        let action = world.only();
        let sent = sent(&action);
        assert_eq!((action.verb, action.changes[0].field), (Verb::Update, field));
        assert!(sent.name.is_none() && sent.permissions.is_none() && sent.enabled.is_none());
        assert!(action.reason.text.contains("only keycomb's record changes"));
    }
}

#[test]
fn a_change_at_the_service_that_the_files_accept_reaches_the_record() {
    let mut world = world();
    world.live("a").permissions.insert(Permission::RunQueries);
    world.desired("key.production.a").permissions.insert(Permission::RunQueries);
    let action = world.only();
    let sent = sent(&action);
    assert!(sent.permissions.is_none() && action.changes.is_empty());
    assert_eq!(sent.applied.permissions.len(), 2);
}

#[test]
fn a_change_that_takes_back_drift_says_so_with_editor_and_time() {
    let mut world = world();
    let live = world.live("a");
    (live.disabled, live.editor, live.updated) = (true, Some("hcxus_eve".into()), Some(ago(HOUR)));
    let action = world.only();
    assert_eq!((action.verb, action.reason.code), (Verb::Enable, ReasonCode::Drifted));
    assert!(action.changes[0].undoes_drift);
    assert!(action.reason.text.contains("`hcxus_eve` at 2026-11-21T11:00:00Z"), "{}", action.reason.text);
}

#[test]
fn type_environment_and_ingest_permissions_need_a_replacement() {
    type Edit = fn(&mut World);
    let edits: [(&str, Edit); 3] = [
        ("type", |w| w.desired("key.production.b").key_type = KeyType::Configuration),
        ("environment", |w| w.live("b").environment = environment_id("elsewhere")),
        ("permissions", |w| w.desired("key.production.b").permissions.clear()),
    ];
    for (field, edit) in edits {
        let mut world = World::production();
        world.sync(ingest("key.production.b"), "b");
        edit(&mut world);
        let action = world.only();
        assert_eq!((action.verb, action.generation, action.id), (Verb::Replace, Some(2), None), "{field}");
        assert_eq!(action.changes[0].field, field);
    }
}

#[test]
fn a_replacement_takes_what_could_change_in_place_with_it_unless_it_is_held() {
    let mut world = World::production();
    world.sync(ingest("key.production.b"), "b");
    let desired = world.desired("key.production.b");
    desired.permissions.clear();
    desired.name = "c".into();
    let action = world.only();
    assert_eq!((action.verb, action.name.as_str()), (Verb::Replace, "c"));
    world.desired.policy.replace = Limit { count: Some(0), percent: None };
    assert_eq!(world.only_blocked(), (Verb::Replace, "guard_replace", true));

    // A second generation that still works keeps a third from being made: what can be had in place is.
    let mut old = live_of(&ingest("key.production.b"), "old");
    old.name = "old".into();
    world.live.keys.push(old);
    let record = SealedKey { generation: 1, ..record_of(&ingest("key.production.b"), "old") };
    world.sealed().keys.push(record);
    (world.record("b").generation, world.record("b").since) = (2, ago(DAY));
    assert_eq!(world.told(), ["update key.production.b", "blocked:replace:rotating key.production.b"]);
    let sent = sent(&world.plan().actions[0]);
    assert_eq!(sent.permissions, None);
    assert_eq!(sent.applied.permissions, [Permission::CreateDatasets].into(), "what it truly has");
}

#[test]
fn a_rotation_is_due_by_the_age_that_the_service_tells() {
    let mut world = world();
    let rotate =
        |every| Some(Rotation { every: Period::days(every), overlap: Period::days(7), window: None });
    world.desired("key.production.a").rotate = rotate(31);
    assert!(world.plan().is_empty());
    world.desired("key.production.a").rotate = rotate(30);
    assert_eq!((world.only().verb, world.only().reason.code), (Verb::Rotate, ReasonCode::RotationDue));
    world.live("a").created = Some(ago(29 * DAY));
    assert!(world.plan().is_empty());
}

#[test]
fn a_key_that_is_gone_is_a_finding_and_blocked() {
    let mut world = world();
    world.delete_live("a");
    assert_eq!(world.only_blocked(), (Verb::Create, "missing", false));
    assert_eq!(world.findings(FindingKind::Missing)[0].severity, Severity::High);
}

#[test]
fn a_key_that_is_gone_is_made_again_only_when_asked_as_the_next_generation() {
    let mut world = world();
    world.delete_live("a");
    world.desired.policy.on_missing = OnMissing::Recreate;
    let action = world.only();
    assert_eq!(
        (action.verb, action.reason.code, action.generation),
        (Verb::Create, ReasonCode::Missing, Some(2))
    );
    assert_eq!(world.findings(FindingKind::Missing).len(), 1);
}

#[test]
fn a_key_declared_again_while_on_its_way_out_is_enabled_again() {
    let mut world = world();
    world.record("a").state = KeyState::Disabled;
    world.live("a").disabled = true;
    let action = world.only();
    assert_eq!((action.verb, action.generation), (Verb::Enable, Some(1)));
    assert!(!action.changes[0].undoes_drift);
    // And one that is declared disabled comes back into the record as live, without a request.
    world.desired("key.production.a").enabled = false;
    assert_eq!(sent(&world.only()).enabled, None);
}

#[test]
fn a_key_on_its_way_out_is_not_enabled_again_beside_one_that_took_its_place_elsewhere() {
    let mut world = world();
    world.record("a").state = KeyState::Disabled;
    world.live("a").disabled = true;
    let other = LiveKey { id: key_id("b"), disabled: false, ..world.live("a").clone() };
    world.live.keys.push(other);
    assert_eq!(world.told(), ["blocked:enable:exists key.production.a"]);
    // A key that does not work is in nobody's way.
    world.live("b").disabled = true;
    assert_eq!(world.told(), ["enable key.production.a"]);
}

#[test]
fn a_key_whose_environment_is_gone_from_the_record_is_still_updated() {
    let mut world = world();
    world.sealed().environments.clear();
    world.desired("key.production.a").name = "b".into();
    assert_eq!(world.told(), ["update key.production.a", "blocked:adopt:exists environment.production"]);
}
