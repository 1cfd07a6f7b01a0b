//! What is sent to the service, as JSON.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::record::RecordView;
use crate::model::{AppliedKey, EnvironmentAttributes, KeyId, Permission, Revoked};
use crate::plan::{EnvironmentRef, Leftover, MintKey, Predecessor, Remembered, Step};

/// What is sent to the service, and what is recorded of it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schemars(rename = "Step")]
pub(super) enum StepView<'a> {
    /// Nothing: blocked.
    Nothing,
    /// POST an environment, then PATCH what POST cannot set.
    CreateEnvironment {
        /// Its name.
        name: &'a str,
        /// What is managed of it.
        attributes: AttributesView<'a>,
    },
    /// PATCH an environment.
    UpdateEnvironment {
        /// The service's id.
        id: &'a str,
        /// What differs; null is not sent.
        change: AttributesView<'a>,
        /// All that is managed.
        applied: AttributesView<'a>,
    },
    /// DELETE an environment.
    DeleteEnvironment {
        /// The service's id.
        id: &'a str,
    },
    /// Take an environment that is gone from the service out of the record.
    ForgetEnvironment {
        /// The service's id.
        id: &'a str,
    },
    /// Mint a key: POST disabled, seal, release, read back.
    MintKey {
        /// Where it is made.
        environment: EnvironmentView<'a>,
        /// `ingest` or `configuration`.
        key_type: &'static str,
        /// Its final name.
        name: &'a str,
        /// What is granted, in the service's order.
        permissions: Vec<&'static str>,
        /// Whether it is enabled at its release.
        enabled: bool,
        /// The generation it will be.
        generation: u32,
        /// The generations that it takes the place of, oldest first.
        succeeds: Vec<PredecessorView<'a>>,
        /// Kept in the record, never sent.
        remember: RememberedView<'a>,
    },
    /// Release a key that is sealed and not released.
    ReleaseKey {
        /// The service's id.
        id: &'a str,
        /// Whether it shall be enabled.
        enabled: bool,
        /// The keys that it takes the place of, oldest first.
        succeeds: Vec<PredecessorView<'a>>,
    },
    /// PATCH a key; where nothing is set only the record changes.
    UpdateKey {
        /// The service's id.
        id: &'a str,
        /// The new name; null is not sent.
        name: Option<&'a str>,
        /// All that is granted, the rest is sent as `false`; null is not sent.
        permissions: Option<Vec<&'static str>>,
        /// Enable or disable; null is not sent.
        enabled: Option<bool>,
        /// All that is managed.
        applied: AppliedView,
        /// Kept in the record, never sent.
        remember: RememberedView<'a>,
    },
    /// PATCH a key that is no longer declared, or that a later generation has taken the place of: disabled, and its
    /// quarantine begins.
    RetireKey {
        /// The service's id.
        id: &'a str,
        /// The service's id of the key that has taken its place, which must work then; null for what is no longer declared.
        successor: Option<&'a str>,
    },
    /// DELETE a key past its quarantine.
    DeleteKey {
        /// The service's id.
        id: &'a str,
    },
    /// DELETE or PATCH a key that is revoked, before anything else.
    RevokeKey {
        /// The service's id.
        id: &'a str,
        /// `delete` or `disable`.
        how: &'static str,
        /// Why, in the words of the person who asked.
        reason: &'a str,
        /// When it was asked for, RFC 3339 in UTC.
        at: String,
    },
    /// DELETE a key that was never enabled, if it still is as described here.
    DiscardKey {
        /// The service's id.
        id: &'a str,
        /// Its provisional name.
        name: &'a str,
        /// The service's id of its environment.
        environment: &'a str,
        /// When it was changed last, RFC 3339 in UTC.
        updated: Option<String>,
        /// Whether the person gave up a staged key by naming its address.
        is_given_up: bool,
    },
    /// Nothing is sent; these records are written down, in their order.
    Record {
        /// What is written down.
        records: Vec<RecordView<'a>>,
    },
}

impl<'a> StepView<'a> {
    pub(super) fn of(step: &'a Step) -> Self {
        match step {
            Step::Nothing => Self::Nothing,
            Step::CreateEnvironment { name, attributes } => {
                Self::CreateEnvironment { name, attributes: AttributesView::of(attributes) }
            }
            Step::UpdateEnvironment { id, change, applied } => Self::UpdateEnvironment {
                id: id.as_str(),
                change: AttributesView::of(change),
                applied: AttributesView::of(applied),
            },
            Step::DeleteEnvironment { id } => Self::DeleteEnvironment { id: id.as_str() },
            Step::ForgetEnvironment { id } => Self::ForgetEnvironment { id: id.as_str() },
            Step::MintKey(mint) => Self::mint(mint),
            Step::ReleaseKey { id, enabled, succeeds } => Self::ReleaseKey {
                id: id.as_str(),
                enabled: *enabled,
                succeeds: succeeds.iter().map(PredecessorView::of).collect(),
            },
            Step::UpdateKey { id, name, permissions, enabled, applied, remember } => Self::UpdateKey {
                id: id.as_str(),
                name: name.as_deref(),
                permissions: permissions.as_ref().map(names),
                enabled: *enabled,
                applied: AppliedView::of(applied),
                remember: RememberedView::of(remember),
            },
            Step::RetireKey { id, successor } => {
                Self::RetireKey { id: id.as_str(), successor: successor.as_ref().map(KeyId::as_str) }
            }
            Step::DeleteKey { id } => Self::DeleteKey { id: id.as_str() },
            Step::Record(records) => Self::Record { records: records.iter().map(RecordView::of).collect() },
            Step::RevokeKey { id, revoked: Revoked { how, at, reason } } => {
                Self::RevokeKey { id: id.as_str(), how: how.as_str(), reason, at: at.to_string() }
            }
            Step::DiscardKey(leftover) => {
                let Leftover { id, name, environment, updated, is_given_up } = &**leftover;
                Self::DiscardKey {
                    id: id.as_str(),
                    name,
                    environment: environment.as_str(),
                    updated: updated.map(|updated| updated.to_string()),
                    is_given_up: *is_given_up,
                }
            }
        }
    }

    fn mint(mint: &'a MintKey) -> Self {
        let MintKey { environment, key_type, name, permissions, enabled, generation, succeeds, remember } =
            mint;
        Self::MintKey {
            environment: EnvironmentView::of(environment),
            key_type: key_type.as_str(),
            name,
            permissions: names(permissions),
            enabled: *enabled,
            generation: *generation,
            succeeds: succeeds.iter().map(PredecessorView::of).collect(),
            remember: RememberedView::of(remember),
        }
    }
}

/// A generation that another takes the place of.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Predecessor")]
pub(super) struct PredecessorView<'a> {
    /// Its address: another one than the successor's where that is in another environment.
    address: String,
    /// The service's id.
    id: &'a str,
    /// 1, 2, 3 …
    generation: u32,
    /// Until when it works at least, if its successor works from now on, RFC 3339 in UTC; null when it does not work.
    until: Option<String>,
}

impl<'a> PredecessorView<'a> {
    fn of(predecessor: &'a Predecessor) -> Self {
        let Predecessor { address, id, generation, until } = predecessor;
        Self {
            address: address.to_string(),
            id: id.as_str(),
            generation: *generation,
            until: until.map(|until| until.to_string()),
        }
    }
}

fn names(permissions: &BTreeSet<Permission>) -> Vec<&'static str> {
    permissions.iter().map(|permission| permission.as_str()).collect()
}

/// An environment's attributes; null is not managed, or not to be changed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EnvironmentAttributes")]
pub(super) struct AttributesView<'a> {
    /// Its description.
    description: Option<&'a str>,
    /// Its colour.
    color: Option<&'static str>,
    /// Whether the service refuses to delete it.
    delete_protected: Option<bool>,
}

impl<'a> AttributesView<'a> {
    fn of(attributes: &'a EnvironmentAttributes) -> Self {
        let EnvironmentAttributes { description, color, delete_protected } = attributes;
        Self {
            description: description.as_deref(),
            color: color.map(|color| color.as_str()),
            delete_protected: *delete_protected,
        }
    }
}

/// An environment that is there, or that an earlier action of the same plan makes: exactly one of both is set.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EnvironmentRef")]
pub(super) struct EnvironmentView<'a> {
    /// It is there: the service's id.
    id: Option<&'a str>,
    /// It is made by the action at this address.
    planned: Option<String>,
}

impl<'a> EnvironmentView<'a> {
    fn of(environment: &'a EnvironmentRef) -> Self {
        match environment {
            EnvironmentRef::Id(id) => Self { id: Some(id.as_str()), planned: None },
            EnvironmentRef::Planned(label) => {
                Self { id: None, planned: Some(format!("environment.{label}")) }
            }
        }
    }
}

/// A key's attributes, for the record.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AppliedKey")]
pub(super) struct AppliedView {
    /// Whether it is enabled.
    enabled: bool,
    /// What is granted, in the service's order.
    permissions: Vec<&'static str>,
}

impl AppliedView {
    fn of(applied: &AppliedKey) -> Self {
        let AppliedKey { enabled, permissions } = applied;
        Self { enabled: *enabled, permissions: names(permissions) }
    }
}

/// What is kept in the record and never sent to the service.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Remembered")]
pub(super) struct RememberedView<'a> {
    /// For people.
    owner: Option<&'a str>,
    /// Refuses delete and disable.
    protected: bool,
    /// How long it stays disabled before it is deleted, such as `14d`.
    quarantine: String,
}

impl<'a> RememberedView<'a> {
    fn of(remembered: &'a Remembered) -> Self {
        let Remembered { owner, protected, quarantine } = remembered;
        Self { owner: owner.as_deref(), protected: *protected, quarantine: quarantine.to_string() }
    }
}
