//! What `import terraform` tells, as a document.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::line;
use super::matching::{Found, Left, SecretFate, Taken};
use crate::config::write::Written;
use crate::model::{Address, KeyType, LiveKey, Timestamp, counted};
use crate::terraform::{self, Place, ResourceAddress, Standing, State, Unusable};

/// `import terraform --format json`, without `--write`.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Import")]
pub struct Document {
    /// `keycomb.import/1`
    format: &'static str,
    /// What is taken over, by address.
    pub(super) taken: Vec<TakenView>,
    /// What keycomb manages already, by address.
    pub(super) managed: Vec<TakenView>,
    /// What stays where it is.
    pub(super) left: Vec<LeftView>,
    /// How many resources of other types the state has.
    pub(super) others: usize,
    /// The files that would be written, by name; empty where everything is declared already.
    pub(super) files: Vec<FileView>,
    /// Keys whose secret lay in the state in clear, the most urgent first.
    pub(super) rotate: Vec<RotateView>,
    /// `removed` blocks for the old repository.
    pub(super) removed: String,
    /// The same as commands, one for each instance.
    pub(super) state_rm: Vec<String>,
    /// Commands for instances of resources of which something is left: a `removed` block would let go of that too.
    pub(super) only_state_rm: Vec<String>,
}

/// Something that is taken over, or managed already.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Taken")]
pub(super) struct TakenView {
    /// Where it is declared.
    pub(super) address: String,
    /// The service's id.
    pub(super) id: String,
    /// Where Terraform has it.
    pub(super) from: String,
    /// `current`, or `tainted`: Terraform would have replaced it.
    pub(super) standing: &'static str,
    /// Of the secret in the state: `none`, `not_wanted` (keycomb has the key's secret, or the key is on its way out),
    /// `in_state`, `sealed`, `sealed_untried`, `not_sealed`.
    pub(super) secret: &'static str,
    /// Why it is not sealed.
    pub(super) why: Option<String>,
}

/// Something that is not taken over.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Left")]
pub(super) struct LeftView {
    /// Where Terraform has it.
    pub(super) from: String,
    /// The service's id, where the state has one.
    pub(super) id: Option<String>,
    /// Why.
    pub(super) why: String,
}

/// A file to write.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "File")]
pub(super) struct FileView {
    /// Relative to the configuration's folder.
    pub(super) name: String,
    /// Whether it is not there yet.
    pub(super) is_new: bool,
    /// All of its text, as it would be.
    pub(super) text: String,
}

/// A key to rotate.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Rotate")]
pub(super) struct RotateView {
    /// Its address.
    pub(super) address: String,
    /// Why it stands where it stands.
    pub(super) why: String,
}

impl Document {
    pub(super) fn of(state: &State, found: &Found<'_>, now: Timestamp) -> Self {
        let unusable = state.unusable.iter().map(|Unusable { address, why }| LeftView {
            from: line(address),
            id: None,
            why: (*why).to_owned(),
        });
        let (removed, state_rm, only_state_rm) = let_go(found);
        Self {
            format: "keycomb.import/1",
            taken: found.taken.iter().map(view).collect(),
            managed: found.managed.iter().map(view).collect(),
            left: found.left.iter().map(left_view).chain(unusable).collect(),
            others: state.others,
            files: files(found),
            rotate: rotate(found, now),
            removed,
            state_rm,
            only_state_rm,
        }
    }
}

fn view((address, taken): (&Address, &Taken<'_>)) -> TakenView {
    let Taken { id, place: Place { address: from, standing }, key: _, secret } = taken;
    let (secret, why) = match secret {
        SecretFate::None => ("none", None),
        SecretFate::NotWanted => ("not_wanted", None),
        SecretFate::InState => ("in_state", None),
        SecretFate::Sealed => ("sealed", None),
        SecretFate::SealedUntried => ("sealed_untried", None),
        SecretFate::NotSealed(why) => ("not_sealed", Some(why.clone())),
    };
    let standing = match standing {
        Standing::Current => "current",
        Standing::Tainted => "tainted",
        Standing::Deposed => "deposed",
    };
    TakenView { address: address.to_string(), id: id.clone(), from: from.to_string(), standing, secret, why }
}

fn left_view(left: &Left<'_>) -> LeftView {
    let Left { place, id, why } = left;
    LeftView { from: place.address.to_string(), id: Some(id.clone()), why: line(why) }
}

fn files(found: &Found<'_>) -> Vec<FileView> {
    let Some((edit, _)) = &found.files else { return vec![] };
    let of = |Written { name, is_new }| {
        let text = edit.text(&name).unwrap_or_default().to_owned();
        FileView { name, is_new, text }
    };
    edit.changes().into_iter().map(of).collect()
}

/// What the old repository is to do: `removed` blocks for resources that are gone from it whole, and commands.
fn let_go(found: &Found<'_>) -> (String, Vec<String>, Vec<String>) {
    let gone: BTreeSet<&ResourceAddress> =
        found.taken.values().chain(found.managed.values()).map(|taken| &taken.place.address).collect();
    let kept: BTreeSet<ResourceAddress> =
        found.left.iter().map(|left| left.place.address.of_resource()).collect();
    let (partly, whole): (Vec<_>, Vec<_>) =
        gone.into_iter().partition(|address| kept.contains(&address.of_resource()));
    let commands =
        |addresses: &[&ResourceAddress]| addresses.iter().map(|a| terraform::state_rm(a)).collect();
    (terraform::removed(whole.iter().copied()), commands(&whole), commands(&partly))
}

/// Enabled ones first; then those that can do most; then the oldest.
fn rotate(found: &Found<'_>, now: Timestamp) -> Vec<RotateView> {
    let all = found.taken.iter().chain(&found.managed);
    let mut exposed: Vec<(&Address, &Taken<'_>, &LiveKey)> = all
        .filter(|(_, taken)| taken.secret != SecretFate::None)
        .filter_map(|(address, taken)| Some((address, taken, &taken.key.as_ref()?.1)))
        .collect();
    exposed.sort_by_key(|(address, _, live)| {
        let is_weak = live.key_type == KeyType::Ingest;
        (live.disabled, is_weak, Reverse(live.permissions.len()), live.created, *address)
    });
    let one = |(address, taken, live): (&Address, &Taken<'_>, &LiveKey)| RotateView {
        address: address.to_string(),
        why: why(taken, live, now),
    };
    exposed.into_iter().map(one).collect()
}

fn why(taken: &Taken<'_>, live: &LiveKey, now: Timestamp) -> String {
    let mut words = vec![
        if live.disabled { "disabled" } else { "enabled" }.to_owned(),
        format!("{} with {}", live.key_type, counted(live.permissions.len(), "permission")),
    ];
    if let Some(created) = live.created {
        let days = now.duration_since(created).as_hours() / 24;
        words.push(format!("{} old", counted(usize::try_from(days).unwrap_or_default(), "day")));
    }
    if taken.place.standing == Standing::Tainted {
        words.push("tainted: Terraform would have replaced it".to_owned());
    }
    if let SecretFate::NotSealed(why) = &taken.secret {
        words.push(format!("the secret in the state is not sealed: {why}"));
    }
    words.join(", ")
}
