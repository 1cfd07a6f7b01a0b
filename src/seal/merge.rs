//! Two versions of one sealed file to one: the union of their entries. Pure.
//!
//! Entries are told apart by the service's ids. What only one side has is kept, also where the other side took it out:
//! an entry too many is tidied away by a later apply, an entry too few may be the only copy of a secret. What both
//! have is merged field by field: the side that changed a field since `base` counts, and where both did, a fixed order
//! decides that does not depend on which side is ours.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use miette::Diagnostic;

use super::{merge_forgotten as forgotten, merge_holders as holders, merge_moves as moves, text};
use crate::model::{
    EnvironmentAttributes, EnvironmentId, Intent, KeyId, KeyState, Nonce, Sealed, SealedEnvironment,
    SealedKey, Timestamp,
};

/// What a merge made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The union; where a person must decide, it has the entry of ours.
    pub sealed: Sealed,
    /// The entries about which a person must decide, sorted by `what`; empty when the merge is whole.
    pub undecided: Vec<Undecided>,
}

/// An entry that both sides changed in a way that cannot be joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// Which: "key `key.production.checkout` (id `hcxik_…`)".
    pub what: String,
    ours: String,
    theirs: String,
}

impl Merged {
    /// The file's text. What a person must decide stands in it twice, between conflict markers, so that the file
    /// cannot be used before that.
    pub fn text(&self) -> String {
        self.undecided.iter().fold(text::write(&self.sealed), |text, Undecided { ours, theirs, .. }| {
            text.replacen(ours, &marked(ours, theirs), 1)
        })
    }
}

/// Both texts between conflict markers, as git writes them.
pub(super) fn marked(ours: &str, theirs: &str) -> String {
    let line = |text: &str| if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let (after_ours, after_theirs) = (line(ours), line(theirs));
    format!("<<<<<<< ours\n{ours}{after_ours}=======\n{theirs}{after_theirs}>>>>>>> theirs\n")
}

/// Merges two versions of a sealed file; `base` is what both came from, where that is known.
///
/// The serial is one more than the higher one, or the higher one where that side has it all already.
///
/// # Errors
/// When the two are not versions of one file.
pub fn merge(base: Option<&Sealed>, ours: &Sealed, theirs: &Sealed) -> Result<Merged, Unrelated> {
    refuse_unrelated(ours, theirs)?;
    let (ours, theirs) = (&sorted(ours), &sorted(theirs));
    // A base of another file says nothing about the entries of these.
    let base = base.filter(|base| base.lineage == ours.lineage).map(sorted);
    let base = base.as_ref();
    let mut undecided = vec![];
    let mut sealed = Sealed {
        version: ours.version.max(theirs.version),
        team: ours.team.clone(),
        endpoint: ours.endpoint.clone(),
        lineage: ours.lineage.clone(),
        serial: ours.serial.max(theirs.serial),
        environments: merge_environments(base, ours, theirs, &mut undecided),
        keys: merge_keys(base, ours, theirs, &mut undecided),
        intents: merge_intents(ours, theirs),
        forgotten: vec![],
        challenges: holders::merge_challenges(ours, theirs),
        former: holders::merge_former(ours, theirs),
        applied_plans: vec![],
    };
    forgotten::merge(base, ours, theirs, &mut sealed);
    moves::follow(ours, theirs, &mut sealed);
    // The newest of both: what one side has carried out is carried out.
    for plan in ours.applied_plans.iter().chain(&theirs.applied_plans) {
        sealed.put_applied_plan(plan.clone());
    }
    sealed.forget_former_readers_of_the_gone();
    text::sort(&mut sealed);
    undecided.sort_by(|a, b| a.what.cmp(&b.what));
    if !undecided.is_empty() || sealed != *ours && sealed != *theirs {
        sealed.serial = sealed.serial.saturating_add(1);
    }
    Ok(Merged { sealed, undecided })
}

fn sorted(sealed: &Sealed) -> Sealed {
    let mut sealed = sealed.clone();
    text::sort(&mut sealed);
    sealed
}

fn refuse_unrelated(ours: &Sealed, theirs: &Sealed) -> Result<(), Unrelated> {
    let differs =
        |what, ours: &str, theirs: &str| Unrelated { what, ours: ours.to_owned(), theirs: theirs.to_owned() };
    let pairs = [
        ("team", ours.team.as_str(), theirs.team.as_str()),
        ("endpoint", ours.endpoint.as_str(), theirs.endpoint.as_str()),
        ("lineage", ours.lineage.as_str(), theirs.lineage.as_str()),
    ];
    match pairs.into_iter().find(|(_, ours, theirs)| ours != theirs) {
        Some((what, ours, theirs)) => Err(differs(what, ours, theirs)),
        None => Ok(()),
    }
}

fn merge_keys(
    base: Option<&Sealed>,
    ours: &Sealed,
    theirs: &Sealed,
    undecided: &mut Vec<Undecided>,
) -> Vec<SealedKey> {
    let by_id = |sealed: &Sealed| -> BTreeMap<KeyId, SealedKey> {
        sealed.keys.iter().map(|key| (key.id.clone(), key.clone())).collect()
    };
    let base = base.map(by_id).unwrap_or_default();
    let mut merged = by_id(ours);
    for (id, theirs) in by_id(theirs) {
        let joined = match merged.get(&id) {
            None => theirs,
            Some(ours) => merge_key(base.get(&id), ours, &theirs).unwrap_or_else(|| {
                undecided.push(Undecided {
                    what: format!("key `{}` (id `{id}`)", ours.address),
                    ours: text::key(ours),
                    theirs: text::key(&theirs),
                });
                ours.clone()
            }),
        };
        merged.insert(id, joined);
    }
    merged.into_values().collect()
}

/// One key's entry out of two; `None` when both sides changed what never changes.
fn merge_key(base: Option<&SealedKey>, ours: &SealedKey, theirs: &SealedKey) -> Option<SealedKey> {
    let lead = lead(ours, theirs);
    // What the armor was sealed for, and to whom: it goes together.
    let seal = |key: &SealedKey| (key.recipients.clone(), key.sealed.clone(), key.secret);
    let (recipients, sealed, secret) = unchanging(base, ours, theirs, seal)?;
    let place = |key: &SealedKey| (key.address.clone(), key.moved_from.clone());
    let place = unchanging(base, ours, theirs, place).or_else(|| moves::later_place(ours, theirs));
    let (address, moved_from) = place?;
    let (_, since, state) = joined(base, ours, theirs, lead, |key| stage(key.state, key.since));
    Some(SealedKey {
        address,
        moved_from,
        in_place_of: unchanging(base, ours, theirs, |key| key.in_place_of.clone())?,
        generation: unchanging(base, ours, theirs, |key| key.generation)?,
        state,
        id: ours.id.clone(),
        key_type: unchanging(base, ours, theirs, |key| key.key_type)?,
        environment: unchanging(base, ours, theirs, |key| key.environment.clone())?,
        name: joined(base, ours, theirs, lead, |key| key.name.clone()),
        created: unchanging(base, ours, theirs, |key| key.created)?,
        since,
        applied: joined(base, ours, theirs, lead, |key| key.applied.clone()),
        owner: joined(base, ours, theirs, lead, |key| key.owner.clone()),
        // Protection that one side took off comes back; the next apply takes it off again, if the files say so.
        protected: ours.protected || theirs.protected,
        quarantine: joined(base, ours, theirs, lead, |key| key.quarantine),
        recipients,
        sealed,
        secret,
        // Never taken back: the graver one, then the later one.
        revoked: ours.revoked.clone().max(theirs.revoked.clone()),
        // What was refused once stops nothing until a person has looked.
        proof: joined(base, ours, theirs, lead, |key| key.proof),
    })
}

/// Which of two entries of one key leads where no base tells who changed what: the one further on in its life.
fn lead(ours: &SealedKey, theirs: &SealedKey) -> Ordering {
    // Neither protection nor the seal nor a revocation, which are merged by rules of their own.
    let plain = |key: &SealedKey| {
        let plain = SealedKey {
            protected: false,
            recipients: vec![],
            sealed: None,
            secret: None,
            revoked: None,
            ..key.clone()
        };
        (stage(key.state, key.since), text::key(&plain))
    };
    plain(ours).cmp(&plain(theirs))
}

/// How far on a key is. Live and disabled can follow each other, so the later one counts. A release that was begun may
/// have enabled the key, so it counts more than the decision to drop it.
fn stage(state: KeyState, since: Timestamp) -> (u8, Timestamp, KeyState) {
    let rank = match state {
        KeyState::Provisional => 0,
        KeyState::Dropping => 1,
        KeyState::Staged | KeyState::Releasing => 2,
        KeyState::Live | KeyState::Disabled => 3,
        KeyState::Deleted => 4,
    };
    (rank, since, state)
}

/// A field that changes in the course of things.
fn joined<E, T: Ord>(base: Option<&E>, ours: &E, theirs: &E, lead: Ordering, field: impl Fn(&E) -> T) -> T {
    let (ours, theirs) = (field(ours), field(theirs));
    match base.map(field) {
        Some(base) if base == ours => theirs,
        Some(base) if base == theirs => ours,
        Some(_) => ours.max(theirs),
        None if lead.is_lt() => theirs,
        None => ours,
    }
}

/// A field that never changes but by the one command for it; `None` when both sides changed it differently.
fn unchanging<E, T: PartialEq>(base: Option<&E>, ours: &E, theirs: &E, field: impl Fn(&E) -> T) -> Option<T> {
    let (ours, theirs) = (field(ours), field(theirs));
    if ours == theirs {
        return Some(ours);
    }
    match base.map(field)? {
        base if base == ours => Some(theirs),
        base if base == theirs => Some(ours),
        _ => None,
    }
}

fn merge_environments(
    base: Option<&Sealed>,
    ours: &Sealed,
    theirs: &Sealed,
    undecided: &mut Vec<Undecided>,
) -> Vec<SealedEnvironment> {
    let by_id = |sealed: &Sealed| -> BTreeMap<EnvironmentId, SealedEnvironment> {
        sealed.environments.iter().map(|entry| (entry.id.clone(), entry.clone())).collect()
    };
    let base = base.map(by_id).unwrap_or_default();
    let mut merged = by_id(ours);
    for (id, theirs) in by_id(theirs) {
        let joined = match merged.get(&id) {
            None => theirs,
            Some(ours) => merge_environment(base.get(&id), ours, &theirs).unwrap_or_else(|| {
                undecided.push(disputed(ours, &theirs));
                ours.clone()
            }),
        };
        merged.insert(id, joined);
    }
    one_at_each_address(&base, &by_id(ours), merged, undecided)
}

fn merge_environment(
    base: Option<&SealedEnvironment>,
    ours: &SealedEnvironment,
    theirs: &SealedEnvironment,
) -> Option<SealedEnvironment> {
    let lead = text::environment(ours).cmp(&text::environment(theirs));
    let applied = |entry: &SealedEnvironment| entry.applied.clone();
    Some(SealedEnvironment {
        address: unchanging(base, ours, theirs, |entry| entry.address.clone())?,
        id: ours.id.clone(),
        name: unchanging(base, ours, theirs, |entry| entry.name.clone())?,
        applied: EnvironmentAttributes {
            description: joined(base, ours, theirs, lead, |entry| applied(entry).description),
            color: joined(base, ours, theirs, lead, |entry| applied(entry).color),
            delete_protected: joined(base, ours, theirs, lead, |entry| applied(entry).delete_protected),
        },
    })
}

/// An environment that was made anew has the address of the one it follows: that one goes. It is only a note of an id;
/// keys, whose entries hold secrets, may share an address and a generation.
fn one_at_each_address(
    base: &BTreeMap<EnvironmentId, SealedEnvironment>,
    ours: &BTreeMap<EnvironmentId, SealedEnvironment>,
    merged: BTreeMap<EnvironmentId, SealedEnvironment>,
    undecided: &mut Vec<Undecided>,
) -> Vec<SealedEnvironment> {
    let mut places: BTreeMap<_, Vec<SealedEnvironment>> = BTreeMap::new();
    for entry in merged.into_values() {
        places.entry(entry.address.clone()).or_default().push(entry);
    }
    let settle = |mut entries: Vec<SealedEnvironment>| {
        if entries.len() > 1 {
            entries.retain(|entry| base.get(&entry.id).is_none_or(|known| known.address != entry.address));
        }
        // The one of ours first.
        entries.sort_by_key(|entry| !ours.contains_key(&entry.id));
        let mut entries = entries.into_iter();
        let first = entries.next()?;
        undecided.extend(entries.map(|other| disputed(&first, &other)));
        Some(first)
    };
    places.into_values().filter_map(settle).collect()
}

fn disputed(ours: &SealedEnvironment, theirs: &SealedEnvironment) -> Undecided {
    Undecided {
        what: format!("environment `{}` (id `{}`, id `{}`)", ours.address, ours.id, theirs.id),
        ours: text::environment(ours),
        theirs: text::environment(theirs),
    }
}

/// A try whose outcome is known on one side only is kept: closing it again costs a look.
fn merge_intents(ours: &Sealed, theirs: &Sealed) -> Vec<Intent> {
    let key = |intent: &Intent| {
        let Intent { address, generation, nonce, at } = intent;
        (nonce.clone(), address.clone(), *generation, *at)
    };
    let all: BTreeSet<_> = ours.intents.iter().chain(&theirs.intents).map(key).collect();
    let intent = |(nonce, address, generation, at): (Nonce, _, _, _)| {
        (nonce.clone(), Intent { address, generation, nonce, at })
    };
    // The last of a nonce counts.
    all.into_iter().map(intent).collect::<BTreeMap<_, _>>().into_values().collect()
}

/// Two files that are not versions of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
#[error("these are not versions of one sealed file: {what} `{ours}` in ours, `{theirs}` in theirs")]
#[diagnostic(help(
    "what is sealed in one cannot be opened in the other. Keep the one whose keys are in use in its place, and the other one \
     under another name until its keys are deleted"
))]
pub struct Unrelated {
    what: &'static str,
    ours: String,
    theirs: String,
}
