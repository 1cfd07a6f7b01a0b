//! Small worlds: what is declared, live and recorded.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use keycomb::model::*;
use keycomb::plan::{Action, Allow, Ask, Drift, Finding, FindingKind, Input, Plan, Verb, drift, plan};

pub const LINEAGE: &str = "0123456789abcdef";

/// Minutes before "now".
pub const MINUTE: i64 = 60;
/// The one declared recipient.
pub const OPS: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN";
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

pub fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() - seconds).unwrap()
}

pub fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub fn origin(line: usize) -> Origin {
    Origin { file: "keycomb.toml".into(), line, column: 1 }
}

#[derive(Debug, Clone)]
pub struct World {
    pub desired: Desired,
    pub live: Live,
    pub sealed: Option<Sealed>,
    pub allow: Allow,
    pub ask: Ask,
    /// (id, commit)
    pub elsewhere: BTreeMap<KeyId, String>,
}

impl World {
    /// Nothing declared, nothing live, no sealed file.
    pub fn empty() -> Self {
        let ops = OPS;
        Self {
            desired: Desired {
                team: TeamSlug::new("acme").unwrap(),
                endpoint: Endpoint::us(),
                seal: SealSettings {
                    file: "keycomb.sealed.toml".into(),
                    recipients: IndexMap::from([("ops".into(), ops.parse().unwrap())]),
                    environments: IndexMap::new(),
                    min_proven: 0,
                },
                policy: Policy::default(),
                quarantine: Period::days(14),
                environments: IndexMap::new(),
                keys: IndexMap::new(),
                external_keys: IndexMap::new(),
                ignore: vec![],
            },
            live: Live { environments: vec![], keys: vec![], now: now() },
            sealed: None,
            allow: Allow::default(),
            ask: Ask::default(),
            elsewhere: BTreeMap::new(),
        }
    }

    /// `environment.production` in sync, and one key in it that all guards leave alone: the last ingest key.
    pub fn production() -> Self {
        let mut world = Self::empty();
        world.sync_environment("production", "Production");
        world.sync(ingest("key.production.base"), "base");
        world
    }

    pub fn sealed(&mut self) -> &mut Sealed {
        let lineage = Lineage::new(LINEAGE).unwrap();
        let (team, endpoint) = (self.desired.team.clone(), self.desired.endpoint.clone());
        let recipient = self.desired.seal.recipients["ops"].fingerprint();
        self.sealed.get_or_insert_with(|| {
            let challenges = vec![proven(&recipient, &lineage)];
            Sealed { challenges, ..Sealed::new(team, endpoint, lineage) }
        })
    }

    pub fn declare_environment(&mut self, label: &str, name: &str) -> &mut DesiredEnvironment {
        let environment = environment(label, name);
        self.desired.environments.entry(environment.label.clone()).or_insert(environment)
    }

    /// Declared, live and recorded as `hcxen_LABEL`, nothing managed but its being there.
    pub fn sync_environment(&mut self, label: &str, name: &str) {
        self.declare_environment(label, name);
        self.live.environments.push(live_environment(label, name));
        self.sealed().environments.push(recorded_environment(label, name));
    }

    pub fn declare(&mut self, key: DesiredKey) {
        self.desired.keys.insert(key.address.clone(), key);
    }

    /// Declared, live and recorded, all the same; the id is `hcxik_NAME`.
    pub fn sync(&mut self, key: DesiredKey, id: &str) {
        self.live.keys.push(live_of(&key, id));
        self.sealed().keys.push(record_of(&key, id));
        self.declare(key);
    }

    pub fn live(&mut self, id: &str) -> &mut LiveKey {
        let id = key_id(id);
        self.live.keys.iter_mut().find(|k| k.id == id).unwrap()
    }

    pub fn record(&mut self, id: &str) -> &mut SealedKey {
        let id = key_id(id);
        self.sealed().keys.iter_mut().find(|k| k.id == id).unwrap()
    }

    pub fn desired(&mut self, at: &str) -> &mut DesiredKey {
        self.desired.keys.get_mut(&address(at)).unwrap()
    }

    pub fn undeclare(&mut self, at: &str) {
        self.desired.keys.shift_remove(&address(at)).unwrap();
    }

    pub fn delete_live(&mut self, id: &str) {
        let id = key_id(id);
        self.live.keys.retain(|k| k.id != id);
    }

    pub fn input(&self) -> Input<'_> {
        Input {
            desired: &self.desired,
            live: &self.live,
            sealed: self.sealed.as_ref(),
            now: self.live.now,
            allow: self.allow.clone(),
            ask: self.ask.clone(),
            elsewhere: self.elsewhere.clone(),
        }
    }

    pub fn plan(&self) -> Plan {
        plan(&self.input())
    }

    pub fn drift(&self) -> Drift {
        drift(&self.input())
    }

    /// The plan's only action.
    pub fn only(&self) -> Action {
        let plan = self.plan();
        assert_eq!(plan.actions.len(), 1, "{}", told(&plan));
        plan.actions[0].clone()
    }

    /// (intended verb, code, guard) of the plan's only action, which is blocked.
    pub fn only_blocked(&self) -> (Verb, &'static str, bool) {
        let blocked = self.only().blocked.expect("blocked");
        (blocked.verb, blocked.code, blocked.guard)
    }

    /// The plan as short lines: `create key.production.a`, `blocked:delete:protected key.production.b`.
    pub fn told(&self) -> Vec<String> {
        let plan = self.plan();
        plan.actions.iter().map(tell).collect()
    }

    pub fn findings(&self, kind: FindingKind) -> Vec<Finding> {
        self.plan().findings.into_iter().filter(|f| f.kind == kind).collect()
    }
}

pub fn tell(action: &Action) -> String {
    match &action.blocked {
        Some(blocked) => format!("blocked:{}:{} {}", blocked.verb.as_str(), blocked.code, action.address),
        None => format!("{} {}", action.verb.as_str(), action.address),
    }
}

pub fn told(plan: &Plan) -> String {
    plan.actions.iter().map(|a| tell(a) + "\n").collect()
}

/// The one recipient, as the record has it.
pub fn ops() -> RecipientRef {
    OPS.parse::<Recipient>().unwrap().named("ops")
}

/// A challenge that its recipient has answered.
pub fn proven(fingerprint: &str, lineage: &Lineage) -> Challenge {
    let answer = nonce('7');
    Challenge {
        name: "ops".into(),
        fingerprint: fingerprint.into(),
        digest: Challenge::digest_of(lineage, fingerprint, &answer),
        sealed: String::new(),
        answer: Some(answer),
        proven: Some(now()),
    }
}

pub fn key_id(id: &str) -> KeyId {
    KeyId::new(format!("hcxik_{id}")).unwrap()
}

pub fn environment_id(id: &str) -> EnvironmentId {
    EnvironmentId::new(format!("hcxen_{id}")).unwrap()
}

pub fn environment(label: &str, name: &str) -> DesiredEnvironment {
    DesiredEnvironment {
        label: Label::new(label).unwrap(),
        name: name.into(),
        attributes: EnvironmentAttributes::default(),
        reference: false,
        moved_from: None,
        origin: origin(1),
    }
}

pub fn live_environment(id: &str, name: &str) -> LiveEnvironment {
    LiveEnvironment {
        id: environment_id(id),
        name: name.into(),
        slug: name.to_lowercase(),
        description: String::new(),
        color: Some(Color::Blue),
        delete_protected: true,
    }
}

pub fn recorded_environment(label: &str, name: &str) -> SealedEnvironment {
    SealedEnvironment {
        address: address(&format!("environment.{label}")),
        id: environment_id(label),
        name: name.into(),
        applied: EnvironmentAttributes::default(),
    }
}

/// A declared ingest key, named by its label, enabled.
pub fn ingest(at: &str) -> DesiredKey {
    let address = address(at);
    DesiredKey {
        moved_from: None,
        key_type: KeyType::Ingest,
        name: at.rsplit('.').next().unwrap().into(),
        permissions: [Permission::CreateDatasets].into(),
        enabled: true,
        owner: None,
        purpose: None,
        consumers: vec![],
        protected: false,
        rotate: None,
        quarantine: Period::days(14),
        origin: origin(10),
        attribute_origins: IndexMap::from([
            ("permissions".into(), origin(12)),
            ("enabled".into(), origin(13)),
        ]),
        address,
    }
}

/// A declared configuration key that may send events.
pub fn configuration(at: &str) -> DesiredKey {
    DesiredKey {
        key_type: KeyType::Configuration,
        permissions: [Permission::SendEvents].into(),
        ..ingest(at)
    }
}

/// What the service has when the declaration was applied 30 days ago.
pub fn live_of(key: &DesiredKey, id: &str) -> LiveKey {
    LiveKey {
        id: key_id(id),
        key_type: key.key_type,
        name: key.name.clone(),
        environment: environment_id(key.address.environment().as_str()),
        disabled: !key.enabled,
        permissions: key.permissions.clone(),
        unknown_permissions: BTreeMap::new(),
        created: Some(ago(30 * DAY)),
        updated: Some(ago(30 * DAY)),
        editor: None,
    }
}

/// What the record has then.
pub fn record_of(key: &DesiredKey, id: &str) -> SealedKey {
    SealedKey {
        moved_from: vec![],
        in_place_of: vec![],
        address: key.address.clone(),
        generation: 1,
        state: KeyState::Live,
        id: key_id(id),
        key_type: key.key_type,
        environment: environment_id(key.address.environment().as_str()),
        name: key.name.clone(),
        created: ago(30 * DAY),
        since: ago(30 * DAY),
        applied: AppliedKey { enabled: key.enabled, permissions: key.permissions.clone() },
        owner: key.owner.clone(),
        protected: key.protected,
        quarantine: key.quarantine,
        recipients: vec![ops()],
        sealed: Some("armor".into()),
        secret: None,
        revoked: None,
        proof: None,
    }
}

/// A live provisional key for an address, made so many seconds ago, with a nonce of one repeated character.
pub fn provisional(key: &DesiredKey, id: &str, lineage: &str, nonce: char, age: i64) -> LiveKey {
    let lineage = Lineage::new(lineage).unwrap();
    LiveKey {
        name: Provisional::new(&lineage, &key.address, self::nonce(nonce)).name(),
        disabled: true,
        created: Some(ago(age)),
        updated: Some(ago(age)),
        ..live_of(key, id)
    }
}

pub fn nonce(of: char) -> Nonce {
    Nonce::new(of.to_string().repeat(16)).unwrap()
}

pub fn intent(at: &str, of: char) -> Intent {
    Intent { address: address(at), generation: 1, nonce: nonce(of), at: ago(HOUR) }
}
