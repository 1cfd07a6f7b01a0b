//! Small plans, actions and records.

use keycomb::model::{
    Address, AppliedKey, Endpoint, EnvironmentAttributes, EnvironmentId, KeyId, KeyState, KeyType, Label,
    LiveKey, Period, Permission, Revocation, Revoked, SealedEnvironment, SealedKey, TeamSlug,
};
use keycomb::plan::{
    Action, Change, EnvironmentRef, Header, Leftover, MintKey, Plan, Reason, ReasonCode, Remembered,
    SecretEffect, Step, Summary, Terms, Undo, Verb,
};
use keycomb::report::{Became, Cause, Report};

use crate::world::{Keeper, at};

pub fn plan(actions: Vec<Action>) -> Plan {
    let header = Header {
        team: TeamSlug::new("acme").unwrap(),
        endpoint: Endpoint::us(),
        sealed: None,
        now: at(0),
        read: at(0),
        declared: (0, 0),
        terms: Terms::default(),
        snapshot: false,
    };
    Plan { header, actions, findings: vec![], summary: Summary::default() }
}

pub fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub fn key_id(text: &str) -> KeyId {
    KeyId::new(text).unwrap()
}

pub fn environment_id(text: &str) -> EnvironmentId {
    EnvironmentId::new(text).unwrap()
}

pub fn action(at: &str, verb: Verb, step: Step) -> Action {
    Action {
        address: address(at),
        verb,
        key_type: None,
        generation: None,
        id: None,
        name: String::new(),
        changes: vec![],
        reason: Reason { code: ReasonCode::Declared, text: "declared".into(), origin: None },
        secret: SecretEffect::None,
        undo: Undo::Reversible,
        blocked: None,
        after: vec![],
        step,
    }
}

pub fn after(mut action: Action, addresses: &[&str]) -> Action {
    action.after = addresses.iter().map(|a| address(a)).collect();
    action
}

pub fn was(mut action: Action, field: &'static str, before: &str) -> Action {
    action.changes.push(Change { field, before: Some(before.into()), after: None, undoes_drift: false });
    action
}

pub fn remembered() -> Remembered {
    Remembered { owner: None, protected: false, quarantine: Period::days(14) }
}

/// Mints `key.production.NAME`; its final name at the service is the label.
pub fn mint(label: &str) -> Action {
    mint_in(label, "production", EnvironmentRef::Id(environment_id("hcxen_p")))
}

/// Mints a key in an environment that the same plan makes.
pub fn mint_planned(label: &str, environment: &str) -> Action {
    mint_in(label, environment, EnvironmentRef::Planned(Label::new(environment).unwrap()))
}

fn mint_in(label: &str, in_environment: &str, environment: EnvironmentRef) -> Action {
    let mint = MintKey {
        environment,
        key_type: KeyType::Configuration,
        name: label.into(),
        permissions: [Permission::RunQueries, Permission::ManageSlos].into(),
        enabled: true,
        generation: 1,
        succeeds: vec![],
        remember: remembered(),
    };
    action(&format!("key.{in_environment}.{label}"), Verb::Create, Step::MintKey(Box::new(mint)))
}

pub fn blocked(at: &str) -> Action {
    action(at, Verb::Blocked, Step::Nothing)
}

pub fn create_environment(label: &str, name: &str, attributes: EnvironmentAttributes) -> Action {
    let step = Step::CreateEnvironment { name: name.into(), attributes };
    action(&format!("environment.{label}"), Verb::Create, step)
}

pub fn update(
    at: &str,
    id: &str,
    name: Option<&str>,
    permissions: &[Permission],
    enabled: Option<bool>,
) -> Action {
    let verb = match enabled {
        Some(true) => Verb::Enable,
        Some(false) => Verb::Disable,
        None => Verb::Update,
    };
    let granted = permissions.iter().copied().collect();
    let applied =
        AppliedKey { enabled: enabled.unwrap_or(true), permissions: permissions.iter().copied().collect() };
    let step = Step::UpdateKey {
        id: key_id(id),
        name: name.map(str::to_owned),
        permissions: (!permissions.is_empty()).then_some(granted),
        enabled,
        applied,
        remember: remembered(),
    };
    action(at, verb, step)
}

pub fn retire(at: &str, id: &str) -> Action {
    was(action(at, Verb::Disable, Step::RetireKey { id: key_id(id), successor: None }), "enabled", "true")
}

/// Revokes a key: an action of the plan of an emergency.
pub fn revoke(at_address: &str, id: &str, how: Revocation) -> Action {
    let verb = if how == Revocation::Delete { Verb::Delete } else { Verb::Disable };
    let revoked = Revoked { how, at: at(0), reason: "leaked".into() };
    action(at_address, verb, Step::RevokeKey { id: key_id(id), revoked })
}

pub fn delete(at: &str, id: &str) -> Action {
    action(at, Verb::Delete, Step::DeleteKey { id: key_id(id) })
}

/// Discards a key as it is at the service.
pub fn discard(at: &str, live: &LiveKey) -> Action {
    let LiveKey { id, name, environment, updated, .. } = live.clone();
    let leftover = Leftover { id, name, environment, updated, is_given_up: false };
    action(at, Verb::Discard, Step::DiscardKey(Box::new(leftover)))
}

pub fn release(at: &str, id: &str) -> Action {
    action(at, Verb::Release, Step::ReleaseKey { id: key_id(id), enabled: true, succeeds: vec![] })
}

/// A key that is in the record and at the service.
pub fn managed(keeper: &mut Keeper, at_address: &str, id: &str, state: KeyState, disabled: bool) -> KeyId {
    let id = keeper.world.lock().put_key(id, "hcxen_p", id, disabled);
    record(keeper, at_address, id.as_str(), state);
    id
}

/// An entry in the record.
pub fn record(keeper: &mut Keeper, at_address: &str, id: &str, state: KeyState) {
    keeper.sealed.keys.push(SealedKey {
        moved_from: vec![],
        in_place_of: vec![],
        address: address(at_address),
        generation: 1,
        state,
        id: key_id(id),
        key_type: KeyType::Configuration,
        environment: environment_id("hcxen_p"),
        name: id.into(),
        created: at(0),
        since: at(0),
        applied: AppliedKey { enabled: true, permissions: [Permission::RunQueries].into() },
        owner: None,
        protected: false,
        quarantine: Period::days(14),
        recipients: vec![],
        sealed: Some("armor".into()),
        secret: None,
        revoked: None,
        proof: None,
    });
}

pub fn record_environment(keeper: &mut Keeper, label: &str, id: &str) {
    keeper.sealed.environments.push(SealedEnvironment {
        address: address(&format!("environment.{label}")),
        id: environment_id(id),
        name: label.into(),
        applied: EnvironmentAttributes::default(),
    });
}

/// What became of the action at an address.
pub fn became<'a>(report: &'a Report, at: &str) -> &'a Became {
    &report.outcomes.iter().find(|o| o.address == address(at)).unwrap().became
}

#[track_caller]
pub fn assert_done(report: &Report, at: &str) {
    assert!(matches!(became(report, at), Became::Done { .. }), "{at}: {:?}", became(report, at));
}

#[track_caller]
pub fn assert_failed(report: &Report, at: &str, wanted: Cause) -> String {
    match became(report, at) {
        Became::Failed { why, cause, .. } if *cause == wanted => why.clone(),
        other => panic!("{at}: expected {wanted:?}, got {other:?}"),
    }
}

#[track_caller]
pub fn assert_not_started(report: &Report, at: &str) -> String {
    match became(report, at) {
        Became::NotStarted { why } => why.clone(),
        other => panic!("{at}: {other:?}"),
    }
}

#[track_caller]
pub fn assert_in_doubt(report: &Report, at: &str) -> String {
    match became(report, at) {
        Became::InDoubt { why, .. } => why.clone(),
        other => panic!("{at}: {other:?}"),
    }
}
