//! What the sealed file remembers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Address, Challenge, Endpoint, EnvironmentAttributes, EnvironmentId, FormerReader, KeyId, KeyType,
    Lineage, Nonce, Period, Permission, PlanDigest, RecipientRef, Secret, TeamSlug, Timestamp,
};

/// The record of what keycomb manages, with the secrets as age ciphertext.
///
/// Lists are sorted: environments by address, keys by address and generation, intents by nonce, riddles
/// by fingerprint, former readers by id and fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// The format of the file; 1.
    pub version: u32,
    /// The team it belongs to.
    pub team: TeamSlug,
    /// The service it belongs to.
    pub endpoint: Endpoint,
    /// Made once; ties provisional keys and opened secrets to this file.
    pub lineage: Lineage,
    /// One more with each save.
    pub serial: u64,
    /// Managed environments.
    #[serde(default, rename = "environment", skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<SealedEnvironment>,
    /// Managed keys, all generations.
    #[serde(default, rename = "key", skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<SealedKey>,
    /// Tries at making a key or an environment whose outcome is not known: a key that they made was never enabled.
    #[serde(default, rename = "intent", skip_serializing_if = "Vec::is_empty")]
    pub intents: Vec<Intent>,
    /// Keys that were taken out of the record while they are at the service: an older version of the file has their
    /// entries, and that is as it shall be. Sorted by id.
    ///
    /// One that has an entry all the same is disputed: one branch forgot it, another one went on with it, and a merge kept
    /// both. Nothing of its address is stopped before a person has looked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forgotten: Vec<Forgotten>,
    /// Riddles for recipients, by fingerprint.
    #[serde(default, rename = "challenge", skip_serializing_if = "Vec::is_empty")]
    pub challenges: Vec<Challenge>,
    /// Who could open a key's secret before it was sealed anew, by id and fingerprint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<FormerReader>,
    /// The saved plans that were carried out last, or begun; the newest [`AppliedPlan::KEPT`], by time and digest.
    #[serde(default, rename = "applied_plan", skip_serializing_if = "Vec::is_empty")]
    pub applied_plans: Vec<AppliedPlan>,
}

impl Sealed {
    /// An empty record.
    pub fn new(team: TeamSlug, endpoint: Endpoint, lineage: Lineage) -> Self {
        Self {
            version: 1,
            team,
            endpoint,
            lineage,
            serial: 0,
            environments: vec![],
            keys: vec![],
            intents: vec![],
            forgotten: vec![],
            challenges: vec![],
            former: vec![],
            applied_plans: vec![],
        }
    }

    /// The environment recorded at an address.
    pub fn environment(&self, address: &Address) -> Option<&SealedEnvironment> {
        self.environments.iter().find(|e| &e.address == address)
    }

    /// The key recorded with an id.
    pub fn key(&self, id: &KeyId) -> Option<&SealedKey> {
        self.keys.iter().find(|k| &k.id == id)
    }

    /// Whether a key was taken out of the record on one branch at least.
    pub fn is_forgotten(&self, id: &KeyId) -> bool {
        self.forgotten.iter().any(|known| &known.id == id)
    }

    /// What is remembered of a saved plan.
    pub fn applied_plan(&self, sha256: &PlanDigest) -> Option<&AppliedPlan> {
        self.applied_plans.iter().find(|plan| &plan.sha256 == sha256)
    }

    /// Remembers a saved plan. What is complete stays so, and the newest time counts.
    pub fn put_applied_plan(&mut self, plan: AppliedPlan) {
        let known = self.applied_plan(&plan.sha256);
        let at = known.map_or(plan.at, |known| known.at.max(plan.at));
        let complete = plan.complete || known.is_some_and(|known| known.complete);
        self.applied_plans.retain(|known| known.sha256 != plan.sha256);
        self.applied_plans.push(AppliedPlan { at, complete, ..plan });
        self.applied_plans.sort();
        let old = self.applied_plans.len().saturating_sub(AppliedPlan::KEPT);
        self.applied_plans.drain(..old);
    }

    /// The generations recorded at an address, oldest first.
    pub fn generations<'a>(&'a self, address: &'a Address) -> impl Iterator<Item = &'a SealedKey> {
        self.keys.iter().filter(move |k| &k.address == address)
    }
}

/// A saved plan that was carried out, or begun: it is carried out once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppliedPlan {
    /// When it was begun last, or complete, by the service's clock.
    pub at: Timestamp,
    /// The digest that its file ends with.
    pub sha256: PlanDigest,
    /// Whether all of it is done; the same file finishes it where it is not.
    pub complete: bool,
}

impl AppliedPlan {
    /// How many are remembered. One that is older has expired long ago.
    pub const KEPT: usize = 5;
}

/// A key that was taken out of the record by a person, and not because it is gone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forgotten {
    /// The service's id.
    pub id: KeyId,
    /// Where it was declared.
    pub address: Address,
    /// When the service was first found not to have it any more, by its clock; the entry leaves the file a day after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<Timestamp>,
}

/// A managed environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedEnvironment {
    /// Where it is declared.
    pub address: Address,
    /// The service's id.
    pub id: EnvironmentId,
    /// The name it was made with.
    pub name: String,
    /// What was last applied of its attributes.
    #[serde(default, skip_serializing_if = "EnvironmentAttributes::is_empty")]
    pub applied: EnvironmentAttributes,
}

/// One generation of a managed key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedKey {
    /// Where it is declared.
    pub address: Address,
    /// Where it was declared before, the oldest first: its secret may be sealed for one of these addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved_from: Vec<Address>,
    /// The keys in other environments that it was made in the place of: the files moved it here, and they work until it has
    /// worked for the overlap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_place_of: Vec<KeyId>,
    /// 1, 2, 3 …
    pub generation: u32,
    /// Where in its life it is.
    pub state: KeyState,
    /// The service's id. A seal belongs to an id, never to an address.
    pub id: KeyId,
    /// Its type.
    #[serde(rename = "type")]
    pub key_type: KeyType,
    /// The service's id of its environment.
    pub environment: EnvironmentId,
    /// The name it has, or will have once released.
    pub name: String,
    /// When it was made, by the service's clock.
    pub created: Timestamp,
    /// When it came into this state, by the service's clock.
    pub since: Timestamp,
    /// What was last applied of its attributes.
    pub applied: AppliedKey,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Refuses delete and disable, even when its block is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
    /// How long it stays disabled before it is deleted.
    pub quarantine: Period,
    /// Who can open it, sorted by name; empty when there is no secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<RecipientRef>,
    /// Its secret: ASCII-armored age; the plaintext is a [`Payload`]. Exactly one of this and `secret` is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
    /// `"unavailable"` when nobody gave keycomb the secret: an adopted key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<NoSecret>,
    /// What became of trying its credential after its release; `None`: it could not be tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<KeyProof>,
    /// Set when a person revoked it: it never serves again, whatever became of it at the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revoked>,
}

/// A person's word that a key is not to be trusted any more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// What is done to the key.
    pub how: Revocation,
    /// When it was asked for, by the service's clock.
    pub at: Timestamp,
    /// Why, in the person's words; may hold hostile text.
    pub reason: String,
}

/// What revoking does to a key. The later one is the graver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// It is disabled at once, and deleted after its quarantine. A request to enable it that is under way undoes it.
    Disable,
    /// It is deleted at once. Nothing undoes it.
    Delete,
}

impl Revocation {
    /// The name in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Delete => "delete",
        }
    }
}

/// What the service said to a key's own credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyProof {
    /// It is of the team, environment and type that it should be.
    Accepted,
    /// It does not know it, or takes it for another key.
    Refused,
}

impl KeyProof {
    /// The name in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        }
    }
}

/// A key's attributes as last applied.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppliedKey {
    /// Whether it was enabled.
    pub enabled: bool,
    /// What was granted.
    pub permissions: BTreeSet<Permission>,
}

/// Why an entry has no sealed secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoSecret {
    /// The key was adopted, and the service shows a secret only once.
    Unavailable,
}

/// Where in its life a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Minted and sealed, never enabled.
    Provisional,
    /// Minted, sealed, and its entry's digest is in its name at the service: whoever has this very entry in a checkout may
    /// release it. It may be enabled.
    Staged,
    /// Its release was begun; it may be enabled.
    Releasing,
    /// To be deleted without ever having been enabled.
    Dropping,
    /// Released. Enabled or not as the configuration says.
    Live,
    /// Disabled by keycomb on its way out; deleted after its quarantine.
    Disabled,
    /// Deleted; the entry is kept until the service has answered 404 in two runs a day apart.
    Deleted,
}

impl KeyState {
    /// The name in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisional => "provisional",
            Self::Staged => "staged",
            Self::Releasing => "releasing",
            Self::Dropping => "dropping",
            Self::Live => "live",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }
}

/// A try at making a key or an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// What it was for.
    pub address: Address,
    /// The generation it was to be; 1 for an environment.
    pub generation: u32,
    /// The mark in the provisional name, or in an environment's description.
    pub nonce: Nonce,
    /// The local clock when it was written; for people.
    pub at: Timestamp,
}

/// What is inside the armor: it repeats what the entry says, so that an entry moved onto another is refused.
///
/// On the inside: `{"lineage","address","generation","id","type","team","endpoint","environment","secret","credential"}`.
#[derive(Debug)]
pub struct Payload {
    /// The file it was made for.
    pub lineage: Lineage,
    /// The team.
    pub team: TeamSlug,
    /// The service.
    pub endpoint: Endpoint,
    /// Where it is declared.
    pub address: Address,
    /// The generation.
    pub generation: u32,
    /// The key's id.
    pub id: KeyId,
    /// The key's type.
    pub key_type: KeyType,
    /// The service's id of its environment.
    pub environment: EnvironmentId,
    /// What the service showed once.
    pub secret: Secret,
    /// The header-ready value.
    pub credential: Secret,
}
