//! `Sealed` to text.

use std::fmt::Write as _;

use super::holders;
use crate::model::{
    AppliedKey, AppliedPlan, EnvironmentAttributes, Forgotten, Intent, NoSecret, RecipientRef, Revoked,
    Sealed, SealedEnvironment, SealedKey, toml_string,
};

const HEAD: &str = "\
# The keys that keycomb manages, with their secrets sealed (encrypted) by age.
# Safe to commit. Written by keycomb: change it with keycomb, not by hand.
# To read a secret: `keycomb secrets open ADDRESS -i IDENTITY`, or `age -d -i IDENTITY` on its armored block.
";

/// Writes the file: the same content gives the same bytes, whatever the order of the lists.
///
/// Every value has a line of its own and every entry ends with an empty line, so that git merges branches that
/// touched different entries; only `serial` can be in the way.
pub fn write(sealed: &Sealed) -> String {
    let mut sorted = sealed.clone();
    super::sort(&mut sorted);
    let Sealed {
        version,
        team,
        endpoint,
        lineage,
        serial,
        environments,
        keys,
        intents,
        forgotten,
        challenges,
        former,
        applied_plans,
    } = &sorted;
    let mut out = String::from(HEAD);
    out.push('\n');
    // First and apart: git takes changes within a few lines of each other for one, and the serial always changes.
    line(&mut out, "serial", serial);
    out.push('\n');
    line(&mut out, "version", version);
    line(&mut out, "team", &toml_string(team.as_str()));
    line(&mut out, "endpoint", &toml_string(endpoint.as_str()));
    line(&mut out, "lineage", &toml_string(lineage.as_str()));
    for environment in environments {
        write_environment(&mut out, environment);
    }
    for key in keys {
        write_key(&mut out, key);
    }
    for intent in intents {
        write_intent(&mut out, intent);
    }
    for forgotten in forgotten {
        write_forgotten(&mut out, forgotten);
    }
    for challenge in challenges {
        holders::write_challenge(&mut out, challenge);
    }
    for reader in former {
        holders::write_former(&mut out, reader);
    }
    for plan in applied_plans {
        write_applied_plan(&mut out, plan);
    }
    out
}

/// One environment's entry, as it stands in the file.
pub fn environment(environment: &SealedEnvironment) -> String {
    let mut out = String::new();
    write_environment(&mut out, environment);
    out
}

/// One key's entry, as it stands in the file.
pub fn key(key: &SealedKey) -> String {
    let mut out = String::new();
    write_key(&mut out, key);
    out
}

fn write_environment(out: &mut String, environment: &SealedEnvironment) {
    let SealedEnvironment { address, id, name, applied } = environment;
    let EnvironmentAttributes { description, color, delete_protected } = applied;
    out.push_str("\n[[environment]]\n");
    line(out, "address", &toml_string(&address.to_string()));
    line(out, "id", &toml_string(id.as_str()));
    line(out, "name", &toml_string(name));
    if let Some(description) = description {
        line(out, "applied.description", &toml_string(description));
    }
    if let Some(color) = color {
        line(out, "applied.color", &toml_string(color.as_str()));
    }
    if let Some(delete_protected) = delete_protected {
        line(out, "applied.delete_protected", delete_protected);
    }
}

fn write_key(out: &mut String, key: &SealedKey) {
    let SealedKey {
        address,
        moved_from,
        in_place_of,
        generation,
        state,
        id,
        key_type,
        environment,
        name,
        created,
        since,
        applied: AppliedKey { enabled, permissions },
        owner,
        protected,
        quarantine,
        recipients,
        sealed,
        secret,
        revoked,
        proof,
    } = key;
    out.push_str("\n[[key]]\n");
    line(out, "address", &toml_string(&address.to_string()));
    if !moved_from.is_empty() {
        list(out, "moved_from", moved_from.iter().map(|address| toml_string(&address.to_string())));
    }
    if !in_place_of.is_empty() {
        list(out, "in_place_of", in_place_of.iter().map(|id| toml_string(id.as_str())));
    }
    line(out, "generation", generation);
    line(out, "state", &toml_string(state.as_str()));
    line(out, "id", &toml_string(id.as_str()));
    line(out, "type", &toml_string(key_type.as_str()));
    line(out, "environment", &toml_string(environment.as_str()));
    line(out, "name", &toml_string(name));
    line(out, "created", &toml_string(&created.to_string()));
    line(out, "since", &toml_string(&since.to_string()));
    line(out, "applied.enabled", enabled);
    list(out, "applied.permissions", permissions.iter().map(|p| toml_string(p.as_str())));
    if let Some(owner) = owner {
        line(out, "owner", &toml_string(owner));
    }
    if *protected {
        line(out, "protected", protected);
    }
    line(out, "quarantine", &toml_string(&quarantine.to_string()));
    if let Some(Revoked { how, at, reason }) = revoked {
        line(out, "revoked.how", &toml_string(how.as_str()));
        line(out, "revoked.at", &toml_string(&at.to_string()));
        line(out, "revoked.reason", &toml_string(reason));
    }
    if let Some(proof) = proof {
        line(out, "proof", &toml_string(proof.as_str()));
    }
    if !recipients.is_empty() {
        list(out, "recipients", recipients.iter().map(recipient));
    }
    if let Some(armor) = sealed {
        line(out, "sealed", &block(armor));
    }
    match secret {
        Some(NoSecret::Unavailable) => line(out, "secret", &toml_string("unavailable")),
        None => {}
    }
}

fn write_intent(out: &mut String, intent: &Intent) {
    let Intent { address, generation, nonce, at } = intent;
    out.push_str("\n[[intent]]\n");
    line(out, "address", &toml_string(&address.to_string()));
    line(out, "generation", generation);
    line(out, "nonce", &toml_string(nonce.as_str()));
    line(out, "at", &toml_string(&at.to_string()));
}

fn write_forgotten(out: &mut String, forgotten: &Forgotten) {
    let Forgotten { id, address, gone } = forgotten;
    out.push_str("\n[[forgotten]]\n");
    line(out, "id", &toml_string(id.as_str()));
    line(out, "address", &toml_string(&address.to_string()));
    if let Some(gone) = gone {
        line(out, "gone", &toml_string(&gone.to_string()));
    }
}

fn write_applied_plan(out: &mut String, plan: &AppliedPlan) {
    let AppliedPlan { at, sha256, complete } = plan;
    out.push_str("\n[[applied_plan]]\n");
    line(out, "at", &toml_string(&at.to_string()));
    line(out, "sha256", &toml_string(sha256.as_str()));
    line(out, "complete", complete);
}

fn recipient(recipient: &RecipientRef) -> String {
    let RecipientRef { name, fingerprint } = recipient;
    format!("{{ name = {}, fingerprint = {} }}", toml_string(name), toml_string(fingerprint))
}

pub(super) fn line(out: &mut String, field: &str, value: &dyn std::fmt::Display) {
    // Writing into a String cannot fail.
    let _ = writeln!(out, "{field} = {value}");
}

fn list(out: &mut String, field: &str, items: impl Iterator<Item = String>) {
    let items: String = items.map(|item| format!("  {item},\n")).collect();
    let text = if items.is_empty() { "[]".into() } else { format!("[\n{items}]") };
    line(out, field, &text);
}

/// Armor as a literal block, which a person can cut out and hand to `age`; anything else (which the parser refuses) as
/// a plain string.
pub(super) fn block(text: &str) -> String {
    if super::is_armor(text) { format!("'''\n{text}'''") } else { toml_string(text) }
}
