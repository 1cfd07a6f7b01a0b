//! What binds a staged key to its sealed entry: a digest that stands in the key's name until the entry is home.

use std::fmt::Write as _;

use super::{EntryDigest, Lineage, RecipientRef, SealedKey};

impl SealedKey {
    /// A digest of all that must never change in an entry while its key waits to be released.
    ///
    /// What the configuration decides anew at every apply is left out (state and its time, permissions, owner, protection,
    /// quarantine), and whose place it takes; so is how the file is written: line ends and the order of entries have no say.
    pub fn digest(&self, lineage: &Lineage) -> EntryDigest {
        let Self {
            address,
            moved_from,
            in_place_of: _,
            generation,
            state: _,
            id,
            key_type,
            environment,
            name,
            created,
            since: _,
            applied: _,
            owner: _,
            protected: _,
            quarantine: _,
            recipients,
            sealed,
            secret: _,
            revoked: _,
            proof: _,
        } = self;
        let mut bytes = String::from("keycomb staged entry 1\n");
        // Each value with its length before it: no two entries give the same bytes.
        let mut put = |value: &str| {
            // Writing into a String cannot fail.
            let _ = writeln!(bytes, "{} {value}", value.len());
        };
        put(lineage.as_str());
        put(&address.to_string());
        put(&generation.to_string());
        put(id.as_str());
        put(key_type.as_str());
        put(environment.as_str());
        put(name);
        put(&created.to_string());
        let mut sorted: Vec<&RecipientRef> = recipients.iter().collect();
        sorted.sort();
        put(&sorted.len().to_string());
        for RecipientRef { name, fingerprint } in sorted {
            put(name);
            put(fingerprint);
        }
        put(sealed.as_deref().unwrap_or_default());
        // A staged entry is never moved: one that says so is another. Without this line the form is what it always was.
        for address in moved_from {
            put(&address.to_string());
        }
        EntryDigest::of(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::{AppliedKey, KeyState, KeyType, Period, Permission, Revocation, Revoked, Timestamp};

    fn entry() -> SealedKey {
        let recipient = |name: &str| RecipientRef { name: name.into(), fingerprint: format!("print-{name}") };
        SealedKey {
            address: "key.production.checkout".parse().unwrap(),
            moved_from: vec![],
            in_place_of: vec![],
            generation: 1,
            state: KeyState::Provisional,
            id: "hcxik_1".parse().unwrap(),
            key_type: KeyType::Ingest,
            environment: "hcxen_1".parse().unwrap(),
            name: "checkout".into(),
            created: Timestamp::UNIX_EPOCH,
            since: Timestamp::UNIX_EPOCH,
            applied: AppliedKey { enabled: true, permissions: BTreeSet::new() },
            owner: None,
            protected: false,
            quarantine: Period::days(14),
            recipients: vec![recipient("a"), recipient("b")],
            sealed: Some("armor".into()),
            secret: None,
            revoked: None,
            proof: None,
        }
    }

    fn digest(entry: &SealedKey) -> EntryDigest {
        entry.digest(&Lineage::new("0123456789abcdef").unwrap())
    }

    #[test]
    fn whatever_binds_the_secret_to_the_key_changes_the_digest() {
        type Edit = fn(&mut SealedKey);
        let edits: [Edit; 11] = [
            |e| e.address = "key.production.other".parse().unwrap(),
            |e| e.generation = 2,
            |e| e.id = "hcxik_2".parse().unwrap(),
            |e| e.key_type = KeyType::Configuration,
            |e| e.environment = "hcxen_2".parse().unwrap(),
            |e| e.name = "checkout2".into(),
            |e| e.created = Timestamp::MAX,
            |e| e.recipients.truncate(1),
            |e| e.recipients[0].fingerprint = "other".into(),
            |e| e.sealed = Some("armos".into()),
            |e| e.moved_from = vec!["key.production.other".parse().unwrap()],
        ];
        let mut seen =
            BTreeSet::from([digest(&entry()), entry().digest(&Lineage::new("z".repeat(16)).unwrap())]);
        for (number, edit) in edits.into_iter().enumerate() {
            let mut changed = entry();
            edit(&mut changed);
            assert!(seen.insert(digest(&changed)), "edit {number} changes nothing");
        }
    }

    #[test]
    fn what_an_apply_decides_anew_does_not() {
        let mut changed = entry();
        (changed.state, changed.since) = (KeyState::Staged, Timestamp::MAX);
        changed.applied =
            AppliedKey { enabled: false, permissions: BTreeSet::from([Permission::RunQueries]) };
        (changed.owner, changed.protected, changed.quarantine) = (Some("team".into()), true, Period::days(1));
        changed.recipients.reverse();
        changed.revoked =
            Some(Revoked { how: Revocation::Delete, at: Timestamp::MAX, reason: "leaked".into() });
        assert_eq!(digest(&changed), digest(&entry()));
    }

    /// Entries that are staged at the service wait for these very digests: a change of the form would strand them.
    #[test]
    fn the_form_is_fixed() {
        assert_eq!(digest(&entry()).as_str(), "0mjfg1fr760fqaxnenq1t7xcbxtwmfdy");
    }
}
