//! `Sealed` to text.

use std::fmt::Write as _;

use crate::model::{
    AppliedKey, EnvironmentAttributes, Intent, NoSecret, RecipientRef, Revoked, Sealed, SealedEnvironment,
    SealedKey, is_dangerous,
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
    let Sealed { version, team, endpoint, lineage, serial, environments, keys, intents } = &sorted;
    let mut out = String::from(HEAD);
    out.push('\n');
    // First and apart: git takes changes within a few lines of each other for one, and the serial always changes.
    line(&mut out, "serial", serial);
    out.push('\n');
    line(&mut out, "version", version);
    line(&mut out, "team", &quoted(team.as_str()));
    line(&mut out, "endpoint", &quoted(endpoint.as_str()));
    line(&mut out, "lineage", &quoted(lineage.as_str()));
    for environment in environments {
        write_environment(&mut out, environment);
    }
    for key in keys {
        write_key(&mut out, key);
    }
    for intent in intents {
        write_intent(&mut out, intent);
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
    line(out, "address", &quoted(&address.to_string()));
    line(out, "id", &quoted(id.as_str()));
    line(out, "name", &quoted(name));
    if let Some(description) = description {
        line(out, "applied.description", &quoted(description));
    }
    if let Some(color) = color {
        line(out, "applied.color", &quoted(color.as_str()));
    }
    if let Some(delete_protected) = delete_protected {
        line(out, "applied.delete_protected", delete_protected);
    }
}

fn write_key(out: &mut String, key: &SealedKey) {
    let SealedKey {
        address,
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
    line(out, "address", &quoted(&address.to_string()));
    line(out, "generation", generation);
    line(out, "state", &quoted(state.as_str()));
    line(out, "id", &quoted(id.as_str()));
    line(out, "type", &quoted(key_type.as_str()));
    line(out, "environment", &quoted(environment.as_str()));
    line(out, "name", &quoted(name));
    line(out, "created", &quoted(&created.to_string()));
    line(out, "since", &quoted(&since.to_string()));
    line(out, "applied.enabled", enabled);
    list(out, "applied.permissions", permissions.iter().map(|p| quoted(p.as_str())));
    if let Some(owner) = owner {
        line(out, "owner", &quoted(owner));
    }
    if *protected {
        line(out, "protected", protected);
    }
    line(out, "quarantine", &quoted(&quarantine.to_string()));
    if let Some(Revoked { how, at, reason }) = revoked {
        line(out, "revoked.how", &quoted(how.as_str()));
        line(out, "revoked.at", &quoted(&at.to_string()));
        line(out, "revoked.reason", &quoted(reason));
    }
    if let Some(proof) = proof {
        line(out, "proof", &quoted(proof.as_str()));
    }
    if !recipients.is_empty() {
        list(out, "recipients", recipients.iter().map(recipient));
    }
    if let Some(armor) = sealed {
        line(out, "sealed", &block(armor));
    }
    match secret {
        Some(NoSecret::Unavailable) => line(out, "secret", &quoted("unavailable")),
        None => {}
    }
}

fn write_intent(out: &mut String, intent: &Intent) {
    let Intent { address, generation, nonce, at } = intent;
    out.push_str("\n[[intent]]\n");
    line(out, "address", &quoted(&address.to_string()));
    line(out, "generation", generation);
    line(out, "nonce", &quoted(nonce.as_str()));
    line(out, "at", &quoted(&at.to_string()));
}

fn recipient(recipient: &RecipientRef) -> String {
    let RecipientRef { name, fingerprint } = recipient;
    format!("{{ name = {}, fingerprint = {} }}", quoted(name), quoted(fingerprint))
}

fn line(out: &mut String, field: &str, value: &dyn std::fmt::Display) {
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
fn block(text: &str) -> String {
    if super::is_armor(text) { format!("'''\n{text}'''") } else { quoted(text) }
}

/// A basic string on one line: what a terminal or a CI runner would obey is escaped.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut previous = None;
    for c in text.chars() {
        let is_dangerous = is_dangerous(previous.replace(c), c);
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            _ if is_dangerous => {
                // Writing into a String cannot fail.
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
