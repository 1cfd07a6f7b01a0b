//! Keys that this sealed file lost: it was rolled back, and an older version of it, in git, has their entries.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::history;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::model::{Address, KeyId, Live, Sealed, SealedKey};
use crate::seal;

/// No more versions are read: they are looked for while somebody waits.
const MOST_VERSIONS: usize = 20;

/// A key at the service that only another version of the sealed file has an entry of.
#[derive(Debug, Clone)]
pub(super) struct Lost {
    /// Its entry there.
    pub(super) entry: SealedKey,
    /// The commit that has it.
    pub(super) commit: String,
    /// Whether its credential is refused.
    pub(super) disabled: bool,
}

impl Lost {
    /// Whether it is a generation of what is, or was, at one of these addresses.
    pub(super) fn is_at(&self, places: &BTreeSet<Address>) -> bool {
        let Self { entry: SealedKey { address, moved_from, .. }, .. } = self;
        std::iter::once(address).chain(moved_from).any(|address| places.contains(address))
    }
}

/// All of them, by id. `elsewhere` says which commits have them; only versions of this very file count, by its lineage.
pub(super) async fn find(
    session: &Session,
    sealed: &Sealed,
    live: &Live,
    elsewhere: &BTreeMap<KeyId, String>,
) -> Vec<Lost> {
    let commits: BTreeSet<&String> = elsewhere.values().collect();
    let mut found = BTreeMap::new();
    for commit in commits.into_iter().take(MOST_VERSIONS) {
        let Some(version) = version(session, sealed, commit).await else { continue };
        for entry in version.keys.into_iter().filter(|entry| elsewhere.get(&entry.id) == Some(commit)) {
            let Some(key) = live.keys.iter().find(|key| key.id == entry.id) else { continue };
            let lost = Lost { entry, commit: commit.clone(), disabled: key.disabled };
            found.insert(lost.entry.id.clone(), lost);
        }
    }
    found.into_values().collect()
}

async fn version(session: &Session, sealed: &Sealed, commit: &str) -> Option<Sealed> {
    let (file, commit) = (session.sealed_path.clone(), commit.to_owned());
    let read = tokio::task::spawn_blocking(move || history::version(&file, &commit, history::LIMIT));
    let version = seal::text::parse(&read.await.ok()??).ok()?;
    let is_ours = version.lineage == sealed.lineage
        && version.team == sealed.team
        && version.endpoint == sealed.endpoint;
    is_ours.then_some(version)
}

/// Says which of them are left as they are, and what to do about each.
pub(super) fn say(lost: &[Lost], address: &Address, session: &Session, output: &Output) {
    let file = &session.desired.seal.file;
    for Lost { entry, commit, disabled } in lost {
        let SealedKey { id, generation, .. } = entry;
        let state = if *disabled { "is disabled, not deleted" } else { "WORKS" };
        output.say(&format!(
            "warning: `{id}`, generation {generation} of `{address}`, {state}, and the sealed file here has no entry of it: it was \
             rolled back, and commit {commit} has it. It is not revoked by this."
        ));
        output.say(&format!(
            "to revoke it, bring its entry here, in the folder of the configuration: `git show {commit}:./{file} > newer.toml`, \
             `keycomb secrets merge newer.toml {file} newer.toml`, then `keycomb revoke {address} --reason TEXT` again; or, if \
             its credential is at hand: `keycomb revoke --leaked -`"
        ));
    }
}
