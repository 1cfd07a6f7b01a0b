//! What a revocation would do. The keys that are to go are read one by one where the service cannot be listed whole: only a
//! successor needs the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::lost::{self, Lost};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::known::Known;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::config;
use crate::model::{Address, Desired, KeyState, Live, LiveKey, Provisional, Sealed, SealedKey, Timestamp};
use crate::plan::{self, Action, Allow, Ask, Plan, Revoke, Verb};
use crate::ports::ReadLive as _;
use crate::report::Users;

/// For how long a listing may hold a deletion up.
const LISTING_TIME: Duration = Duration::from_secs(60);

/// What is known of a revocation before anything is done.
pub(super) struct Decided {
    /// What would be done.
    pub(super) plan: Plan,
    /// Whom to tell.
    pub(super) users: Users,
    /// Why the service was not listed whole, so that no successor can be made.
    pub(super) unlisted: Option<Failure>,
    /// The renaming that waits for something else, so that no successor can be made at the new address.
    pub(super) unmoved: Option<Failure>,
    /// Generations of the address that live, and that only another version of the sealed file knows.
    pub(super) lost: Vec<Lost>,
}

/// Reads what there is, and decides.
///
/// # Errors
/// Nothing is recorded at the address, nor where it was before (3).
pub(super) async fn decide(
    revoke: &Revoke,
    session: &Session,
    sealed: &Sealed,
    output: &Output,
) -> Result<Decided, Failure> {
    let at = recorded_at(&revoke.address, sealed, &session.desired)?;
    let (live, unlisted) = look(session, sealed, |entry| entry.address == at).await;
    let elsewhere = match unlisted {
        None => session.elsewhere(Some(sealed), &live, output).await,
        Some(_) => BTreeMap::new(),
    };
    let places = places(&revoke.address, &at, sealed);
    let mut lost = lost::find(session, sealed, &live, &elsewhere).await;
    lost.retain(|lost| lost.is_at(&places));
    let users = users(&revoke.address, sealed.generations(&at), &session.desired, &live);
    let known = Known { sealed: Some(sealed), live, elsewhere };
    let decide = |address: &Address| {
        let revoke = Revoke { address: address.clone(), ..revoke.clone() };
        let ask = Ask { revoke: Some(revoke), ..Ask::default() };
        plan::plan(&known.input(&session.desired, Allow::default(), ask))
    };
    let mut plan = decide(&revoke.address);
    let mut unmoved = None;
    if at != revoke.address {
        output.say(&format!("`{}` is recorded as `{at}`: it was renamed in the files since", revoke.address));
        let is_held = |action: &Action| action.blocked.as_ref().is_some_and(|b| b.verb == Verb::Move);
        if plan.actions.iter().any(is_held) {
            plan = decide(&at);
            unmoved = Some(waiting(&at, &revoke.address));
        }
    }
    Ok(Decided { plan, users, unlisted, unmoved, lost })
}

/// Where the record has what is declared at an address: there, or where it was before a renaming that is not applied.
fn recorded_at(address: &Address, sealed: &Sealed, desired: &Desired) -> Result<Address, Failure> {
    let new = Address::Environment(address.environment().clone());
    let renamed = desired.environments.get(address.environment());
    let old = renamed.and_then(|environment| environment.moved_from.clone()).map(Address::Environment);
    let moved = desired.keys.get(address).and_then(|key| key.moved_from.clone());
    let mut candidates = vec![address.clone()];
    candidates.extend(moved);
    let in_old = |known: &Address| old.as_ref().and_then(|old| known.moved(&new, old));
    let before: Vec<Address> = candidates.iter().filter_map(in_old).collect();
    candidates.extend(before);
    let found = candidates.into_iter().find(|known| sealed.generations(known).next().is_some());
    found.ok_or_else(|| {
        let known: Vec<String> = sealed.keys.iter().map(|key| key.address.to_string()).collect();
        let help = config::closest(&address.to_string(), known.iter().map(String::as_str)).map_or_else(
            || "`keycomb status` shows what is managed".to_owned(),
            |name| format!("did you mean `{name}`?"),
        );
        let message = format!("nothing is recorded at `{address}`, so there is nothing to revoke");
        Failure::words(Exit::Config, message, help)
    })
}

/// Everywhere that a generation of this key may be recorded in another version of the file.
fn places(address: &Address, at: &Address, sealed: &Sealed) -> BTreeSet<Address> {
    let moved_from = sealed.generations(at).flat_map(|entry| &entry.moved_from);
    moved_from.chain([address, at]).cloned().collect()
}

fn waiting(at: &Address, to: &Address) -> Failure {
    Failure::words(
        Exit::Blocked,
        format!("the record of `{at}` cannot become that of `{to}` yet, so no successor could be made there"),
        "`keycomb plan` says what stands in the way of the renaming; once that is settled, `keycomb apply` makes the successor",
    )
}

/// The whole listing. Where that cannot be had, or not soon, `wanted` alone, each by its id; and why.
pub(super) async fn look(
    session: &Session,
    sealed: &Sealed,
    wanted: impl Fn(&SealedKey) -> bool,
) -> (Live, Option<Failure>) {
    let mut unlisted = match tokio::time::timeout(LISTING_TIME, session.live(Some(sealed))).await {
        Ok(Ok(live)) => return (live, None),
        Ok(Err(failure)) => failure,
        Err(_) => Failure::words(
            Exit::Failed,
            format!("the service did not list its keys within {} s", LISTING_TIME.as_secs()),
            "only the successor needs the whole list: run the same command again, or `keycomb apply`, to make it",
        ),
    };
    // What the deletion needs was there.
    unlisted.exit = if unlisted.exit == Exit::Failed { Exit::Partly } else { unlisted.exit };
    let mut keys = vec![];
    for entry in sealed.keys.iter().filter(|entry| wanted(entry)) {
        match session.reader.key(&entry.id).await {
            Ok(Some(key)) => keys.push(key),
            Ok(None) => {}
            // The deletion is tried all the same, and looks at the key itself.
            Err(_) => keys.extend((entry.state != KeyState::Deleted).then(|| as_recorded(entry))),
        }
    }
    keys.sort_by(|a, b| a.id.cmp(&b.id));
    let now = session.reader.service_now().unwrap_or_else(Timestamp::now);
    (Live { environments: vec![], keys, now }, Some(unlisted))
}

/// A key that cannot be read, for the worse: it works.
fn as_recorded(entry: &SealedKey) -> LiveKey {
    LiveKey {
        id: entry.id.clone(),
        key_type: entry.key_type,
        name: entry.name.clone(),
        environment: entry.environment.clone(),
        disabled: false,
        permissions: entry.applied.permissions.clone(),
        unknown_permissions: BTreeMap::new(),
        created: Some(entry.created),
        updated: None,
        editor: None,
    }
}

/// Who uses a key: what the files say, and where they say nothing the record.
fn users<'a>(
    address: &Address,
    generations: impl Iterator<Item = &'a SealedKey>,
    desired: &Desired,
    live: &Live,
) -> Users {
    let newest = generations.last();
    let declared = desired.keys.get(address);
    let home = newest.and_then(|entry| live.environments.iter().find(|e| e.id == entry.environment));
    let label = address.environment();
    let environment = home
        .map(|environment| environment.name.clone())
        .or_else(|| desired.environments.get(label).map(|environment| environment.name.clone()));
    let is_final = |key: &&LiveKey| Provisional::parse(&key.name).is_none();
    let shown = newest.and_then(|entry| live.keys.iter().find(|key| key.id == entry.id)).filter(is_final);
    let name = shown.map(|key| &key.name).or_else(|| newest.map(|entry| &entry.name));
    Users {
        address: address.clone(),
        environment: environment.unwrap_or_else(|| label.to_string()),
        name: name.cloned().unwrap_or_default(),
        owner: declared.map_or_else(|| newest.and_then(|entry| entry.owner.clone()), |key| key.owner.clone()),
        purpose: declared.and_then(|key| key.purpose.clone()),
        consumers: declared.map(|key| key.consumers.clone()).unwrap_or_default(),
    }
}
