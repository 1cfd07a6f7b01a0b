//! Finds out what a credential is that leaked: by the id in it, by asking the service, by comparing with what is sealed.
//!
//! It is read from stdin and never shown, and only what looks like Honeycomb's is sent, to Honeycomb.

use std::collections::BTreeSet;

use super::decide;
use super::lost::{self, Lost};
use super::shape::{Shape, bare};
use crate::cli::args::Revoke as Args;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::hidden;
use crate::cli::output::Output;
use crate::cli::secrets;
use crate::cli::session::Session;
use crate::honeycomb::Credential;
use crate::model::{
    EnvironmentId, KeyId, KeyState, KeyType, Live, LiveKey, Permission, Sealed, SealedKey, Secret, brief,
    visible,
};
use crate::ports::{Proof, ReadLive as _};
use crate::seal::{self, Identities};

/// What a credential turned out to be.
pub(super) enum Verdict {
    /// A managed key's: this generation is to be revoked.
    Managed(Box<SealedKey>),
    /// All was said; there is nothing that keycomb can do about it.
    Told(Exit),
}

/// Reads the credential: piped, or typed where nobody sees it.
///
/// # Errors
/// When there is none.
pub(super) fn read(given: &str, output: &Output) -> Result<Secret, Failure> {
    let refuse = |message: &str| {
        let help = "pipe it in, as in `keycomb revoke --leaked - < FILE`; or run it on a terminal and paste it there";
        Err(Failure::words(Exit::Usage, message, help))
    };
    if given != "-" {
        return refuse(
            "a credential is never given as an argument: others can read it there; `--leaked -` reads stdin",
        );
    }
    let Ok(text) = hidden::read("the leaked credential", output) else {
        return refuse("what is on stdin is no credential");
    };
    match bare(&text) {
        "" => refuse("there is no credential on stdin"),
        bare => Ok(Secret::new(bare.to_owned())),
    }
}

/// What can be said of a credential without asking anybody; `None` where somebody must be asked.
pub(super) fn by_shape(credential: &Secret, output: &Output) -> Option<Exit> {
    let lines: &[&str] = match Shape::of(credential.expose()) {
        Shape::Ingest(_) | Shape::Configuration | Shape::Management(_) => return None,
        Shape::HoneyHive => &[
            "this is a key of HoneyHive, which has no call to revoke one",
            "revoke it by hand: in HoneyHive, Settings > API Keys of the project, workspace or organization it belongs to, on the \
             tab of its kind; then make another there. Until then take it for working.",
        ],
        Shape::Classic => &[
            "this is an ingest key of a Classic environment, which keycomb does not manage",
            "delete it by hand, in Honeycomb under Team Settings; until then take it for working",
        ],
        Shape::IdAlone(_) => &[
            "this is a key's id without its secret: nobody can use it, and nothing needs to be revoked for it",
            "if the secret leaked too, give it whole, or name the key: `keycomb revoke ADDRESS --reason TEXT`",
        ],
        Shape::Unknown => &[
            "this does not look like a credential of Honeycomb; it was not sent anywhere",
            "ingest: 64 characters that begin with `hc`; configuration: 22 letters and digits; management: ID:SECRET. Give it \
             whole, and alone.",
        ],
    };
    lines.iter().for_each(|line| output.say(line));
    let is_harmless = matches!(Shape::of(credential.expose()), Shape::IdAlone(_));
    Some(if is_harmless { Exit::Done } else { Exit::Unconfirmed })
}

/// What a credential is, with everything that can be asked.
///
/// # Errors
/// When the service does not answer, an identity opens nothing, or it takes one to tell (3).
pub(super) async fn identify(
    credential: &Secret,
    args: &Args,
    session: &Session,
    sealed: Option<&Sealed>,
    output: &Output,
) -> Result<Verdict, Failure> {
    let shape = Shape::of(credential.expose());
    if let Shape::Management(id) = &shape {
        return management(id, credential, session, output).await;
    }
    let proof = session.prove(credential).await?;
    if let Some(proof) = &proof {
        say_what_it_is(proof, output);
        if proof.team != session.desired.team.as_str() {
            let team = brief(&proof.team);
            output.say(&format!("it belongs to the team `{team}`, not to `{}`", session.desired.team));
            output.say("tell them: only they can revoke it. Until then take it for working.");
            return Ok(Verdict::Told(Exit::Unconfirmed));
        }
    } else {
        output.say("it does not work now: the service refuses it");
    }
    let (live, unlisted) = live(&shape, session, sealed).await?;
    let lost = match sealed {
        Some(sealed) => {
            let elsewhere = session.elsewhere(Some(sealed), &live, output).await;
            lost::find(session, sealed, &live, &elsewhere).await
        }
        None => vec![],
    };
    let case = Case { credential, args, session, sealed, live: &live, lost, proof: proof.as_ref(), output };
    match (shape, unlisted) {
        (Shape::Ingest(id), _) => case.ingest(&id),
        // Which it is of several can only be told where all are known, or by what is sealed.
        (_, Some(failure)) if args.identity.is_empty() => Err(failure),
        (_, Some(failure)) => match case.configuration()? {
            Verdict::Managed(entry) => Ok(Verdict::Managed(entry)),
            Verdict::Told(_) => Err(failure),
        },
        (_, None) => case.configuration(),
    }
}

/// All keys; where they cannot be listed whole, those that are recorded and may be meant, and why.
async fn live(
    shape: &Shape,
    session: &Session,
    sealed: Option<&Sealed>,
) -> Result<(Live, Option<Failure>), Failure> {
    let Some(sealed) = sealed else { return Ok((session.live(None).await?, None)) };
    let is_meant = |entry: &SealedKey| match shape {
        Shape::Ingest(id) => entry.id == *id,
        _ => entry.key_type == KeyType::Configuration,
    };
    let (mut live, unlisted) = decide::look(session, sealed, is_meant).await;
    if let (Shape::Ingest(id), Some(_)) = (shape, &unlisted)
        && sealed.key(id).is_none()
    {
        let key = session.reader.key(id).await.map_err(|error| session.explain(&error))?;
        live.keys.extend(key);
    }
    Ok((live, unlisted))
}

/// Everything that is known of a credential.
struct Case<'a> {
    credential: &'a Secret,
    args: &'a Args,
    session: &'a Session,
    sealed: Option<&'a Sealed>,
    live: &'a Live,
    /// What only another version of the sealed file knows.
    lost: Vec<Lost>,
    proof: Option<&'a Proof>,
    output: &'a Output,
}

impl Case<'_> {
    /// What the sealed file has of an ingest key; or another version of it, where the service itself says that this is its
    /// credential. Any branch can hold such a version, so it is not enough that an entry in it opens.
    fn entry(&self, id: &KeyId) -> Option<&SealedKey> {
        let is_proven = self.proof.is_some_and(|proof| proof.id == id.as_str());
        let lost = || self.lost_of(id).filter(|_| is_proven).map(|lost| &lost.entry);
        self.sealed.and_then(|sealed| sealed.key(id)).or_else(lost)
    }

    fn lost_of(&self, id: &KeyId) -> Option<&Lost> {
        self.lost.iter().find(|lost| lost.entry.id == *id)
    }

    fn ingest(&self, id: &KeyId) -> Result<Verdict, Failure> {
        let live = self.live.keys.iter().find(|key| key.id == *id);
        let Some(entry) = self.entry(id) else {
            return Ok(self.unmanaged(&live.into_iter().collect::<Vec<_>>()));
        };
        if live.is_none() && entry.state == KeyState::Deleted {
            self.output.say(&format!("it was a credential of `{}`, `{id}`, which is deleted", entry.address));
            return Ok(Verdict::Told(Exit::Done));
        }
        // Ids are no secrets: whoever knows one could make up a credential with it, to have a key revoked. A key that is
        // switched off or gone is refused with its right secret too.
        let is_same = if self.proof.is_some() { Some(true) } else { self.is_sealed_as(entry)? };
        if is_same != Some(true) {
            let state = live
                .map_or("gone from the service", |key| if key.disabled { "switched off" } else { "enabled" });
            let is_not = is_same == Some(false) || live.is_some_and(|key| !key.disabled);
            self.output.say(&format!(
                "the id in it is that of `{}`, `{id}`, which is {state}, and {}: nothing was revoked",
                entry.address,
                if is_not {
                    "the secret in it is not that key's"
                } else {
                    "such a key cannot be tried, so nothing shows that the secret in it is that key's"
                }
            ));
            if !is_not {
                self.output.say("with `-i IDENTITY`, one that opens it, it is compared with what is sealed");
            }
            self.output.say(&format!(
                "if the key may have leaked all the same: `keycomb revoke {} --reason TEXT`",
                entry.address
            ));
            return Ok(Verdict::Told(Exit::Unconfirmed));
        }
        Ok(self.managed(entry))
    }

    fn configuration(&self) -> Result<Verdict, Failure> {
        if self.proof.is_some_and(|proof| proof.environment.is_empty()) {
            self.output.say("it is a key of a Classic environment, which keycomb does not manage: delete it by hand, in Honeycomb");
            return Ok(Verdict::Told(Exit::Unconfirmed));
        }
        if !self.args.identity.is_empty() {
            return self.compared();
        }
        let suspects: Vec<&LiveKey> = self.live.keys.iter().filter(|key| self.may_be(key)).collect();
        let gone: Vec<&SealedKey> =
            self.sealed.into_iter().flat_map(|sealed| &sealed.keys).filter(|entry| self.was(entry)).collect();
        let managed = |key: &&LiveKey| self.sealed.and_then(|sealed| sealed.key(&key.id));
        match (self.proof, suspects.as_slice()) {
            (Some(_), [only]) if gone.is_empty() => match managed(only) {
                Some(entry) => {
                    self.output.say("no other configuration key of its environment has its permissions");
                    Ok(self.managed(entry))
                }
                None => Ok(self.unmanaged(&suspects)),
            },
            (Some(_), several) if gone.is_empty() && !several.iter().any(|key| managed(key).is_some()) => {
                Ok(self.unmanaged(&suspects))
            }
            (Some(_), several) => {
                let entries = several.iter().filter_map(managed).chain(gone.iter().copied());
                let named: Vec<String> = entries
                    .map(|entry| format!("`{}` generation {}", entry.address, entry.generation))
                    .collect();
                Err(Failure::words(
                    Exit::Config,
                    match several.len() + gone.len() {
                        1 => format!("it may be that of {}, which the service does not list", named.join("")),
                        keys => {
                            format!("it may be that of any of {keys} keys, among them {}", named.join(", "))
                        }
                    },
                    "the credential of a configuration key does not say which it is: with `-i IDENTITY` it is compared with what \
                     is sealed",
                ))
            }
            (None, _) => {
                self.output.say(
                    "whose it was cannot be told: with `-i IDENTITY` it is compared with what is sealed. A key of another \
                     region is refused here too.",
                );
                Ok(Verdict::Told(Exit::Unconfirmed))
            }
        }
    }

    /// Whether a key can be the one that the service recognised. One that is disabled can: for minutes it is accepted still.
    fn may_be(&self, key: &LiveKey) -> bool {
        key.key_type == KeyType::Configuration && self.fits(&key.environment, &key.permissions)
    }

    /// Whether the service can have recognised one that it does not list any more, for the same reason.
    fn was(&self, entry: &SealedKey) -> bool {
        entry.key_type == KeyType::Configuration
            && !self.live.keys.iter().any(|key| key.id == entry.id)
            && self.fits(&entry.environment, &entry.applied.permissions)
    }

    fn fits(&self, environment: &EnvironmentId, permissions: &BTreeSet<Permission>) -> bool {
        let slug = self.live.environments.iter().find(|e| e.id == *environment).map(|e| e.slug.as_str());
        self.proof.is_some_and(|proof| {
            slug == Some(proof.environment.as_str()) && proof.differing(permissions).next().is_none()
        })
    }

    /// Compares with every configuration key's sealed credential.
    fn compared(&self) -> Result<Verdict, Failure> {
        let entries = self.sealed.into_iter().flat_map(|sealed| &sealed.keys);
        let identities = self.identities()?;
        let (mut closed, mut others) = (0, BTreeSet::new());
        for entry in entries.filter(|entry| entry.key_type == KeyType::Configuration) {
            match self.opens_as(entry, &identities) {
                Some(true) => return Ok(self.managed(entry)),
                Some(false) => {
                    others.insert(&entry.id);
                }
                None => closed += 1,
            }
        }
        if closed > 0 {
            self.output.say(&format!(
                "it is none of those that this identity opens; {closed} entries of configuration keys it does not open"
            ));
        }
        let suspects = self.live.keys.iter().filter(|key| self.may_be(key) && !others.contains(&key.id));
        Ok(self.unmanaged(&suspects.collect::<Vec<_>>()))
    }

    /// Whether an entry holds this credential; `None` where no identity opens it.
    fn is_sealed_as(&self, entry: &SealedKey) -> Result<Option<bool>, Failure> {
        if self.args.identity.is_empty() {
            return Ok(None);
        }
        Ok(self.opens_as(entry, &self.identities()?))
    }

    /// Reads the identities, which may ask for passphrases: once.
    fn identities(&self) -> Result<Identities, Failure> {
        secrets::identities_of(&self.args.identity, self.output)
    }

    /// Whether an entry holds this credential; `None` where it cannot be opened.
    fn opens_as(&self, entry: &SealedKey, identities: &Identities) -> Option<bool> {
        let opened = seal::open(entry, self.sealed?, identities).ok()?;
        Some(is_same(&opened.credential, self.credential))
    }

    fn managed(&self, entry: &SealedKey) -> Verdict {
        let SealedKey { address, generation, id, .. } = entry;
        self.output.say(&format!("it is the credential of `{address}`, generation {generation}, `{id}`"));
        if let Some(lost) = self.lost_of(id) {
            self.output.say(&format!(
                "the sealed file here has no entry of it: it was rolled back, and commit {} has it; it comes back as a revoked one",
                lost.commit
            ));
        }
        if let (None, Some(live)) = (self.proof, self.live.keys.iter().find(|key| key.id == *id)) {
            self.output.say(&format!("it could do: {}", permissions(live.permissions.iter())));
        }
        Verdict::Managed(Box::new(entry.clone()))
    }

    /// keycomb never deletes what it does not manage (S8), not even in an emergency.
    fn unmanaged(&self, suspects: &[&LiveKey]) -> Verdict {
        let team = &self.session.desired.team;
        match suspects {
            [] if self.proof.is_none() => self.output.say(&format!(
                "no key of `{team}` at this endpoint is known by it: it is deleted, of another team, or of another region"
            )),
            [] => self.output.say("keycomb does not manage it"),
            several => {
                self.output.say("keycomb does not manage it, and deletes nothing that it does not manage. It is:");
                for key in several {
                    self.output.say(&format!("  `{}`, named `{}`", key.id, brief(&key.name)));
                }
                for lost in several.iter().filter_map(|key| self.lost_of(&key.id)) {
                    lost::say(std::slice::from_ref(lost), &lost.entry.address, self.session, self.output);
                }
                self.output.say(
                    "delete it by hand, in Honeycomb under the environment's API keys; or take it under management \
                     (`keycomb adopt ID --as ADDRESS`) and revoke it then",
                );
            }
        }
        if self.proof.is_some() {
            self.output.say("until then take it for working");
        }
        Verdict::Told(Exit::Unconfirmed)
    }
}

fn say_what_it_is(proof: &Proof, output: &Output) {
    let Proof { key_type, environment, permissions: flags, .. } = proof;
    let on = flags.iter().filter(|(_, on)| **on).map(|(permission, _)| permission);
    output.say(&format!(
        "it works: {} {key_type} key of the environment `{}`; it may do: {}",
        if *key_type == KeyType::Ingest { "an" } else { "a" },
        brief(environment),
        permissions(on)
    ));
}

fn permissions<'a>(list: impl Iterator<Item = &'a Permission>) -> String {
    let names: Vec<&str> = list.map(|permission| permission.as_str()).collect();
    if names.is_empty() { "nothing but what every key of its type may".to_owned() } else { names.join(", ") }
}

/// Takes as long wherever the first difference is.
fn is_same(one: &Secret, other: &Secret) -> bool {
    let (one, other) = (one.expose().as_bytes(), other.expose().as_bytes());
    let difference = one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && difference == 0
}

async fn management(
    id: &str,
    credential: &Secret,
    session: &Session,
    output: &Output,
) -> Result<Verdict, Failure> {
    let secret = credential.expose().split_once(':').map_or("", |(_, secret)| secret);
    output.say(&format!("this is a management key, `{}`", visible(id)));
    let credential = Credential { id: id.to_owned(), secret: Secret::new(secret.to_owned()) };
    let Some(access) = session.access_of(credential).await? else {
        output.say("it does not work here: it is deleted, disabled, or of another region");
        return Ok(Verdict::Told(Exit::Unconfirmed));
    };
    output.say(&format!(
        "it works: `{}` of the team `{}`, and may do: {}",
        brief(&access.key_name),
        access.team,
        access.listed_scopes.iter().map(|scope| brief(scope)).collect::<Vec<_>>().join(", ")
    ));
    if access.key_id == session.access.key_id {
        output.say("it is the key that keycomb uses here: make another first, and give it to keycomb");
    }
    output.say(
        "no program can revoke a management key. By hand, now: a team owner deletes it in Honeycomb under Team Settings > API \
         Keys > Management. Until then whoever has it can make, disable and delete keys as far as the above goes: look \
         afterwards at `keycomb drift`, and at keys that are not managed in `keycomb plan`.",
    );
    Ok(Verdict::Told(Exit::Unconfirmed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_secrets_are_the_same_when_all_of_them_is() {
        let secret = |text: &str| Secret::new(text.to_owned());
        assert!(is_same(&secret("abc"), &secret("abc")));
        for other in ["abd", "xbc", "ab", "abcd", ""] {
            assert!(!is_same(&secret("abc"), &secret(other)), "{other}");
        }
    }
}
