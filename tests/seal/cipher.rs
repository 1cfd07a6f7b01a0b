//! Sealing and opening: what was sealed opens for its own entry, and for nothing else.

use std::collections::BTreeSet;

use keycomb::model::{
    Endpoint, EnvironmentId, KeyId, KeyType, Lineage, NoSecret, Sealed, SealedKey, TeamSlug,
};
use keycomb::seal::{Identities, SealError, open, seal};

use super::support::*;

const SECRET: &str = "kR9x\"\\~{1}!-secret";

/// A file with one key, sealed to the identity returned.
fn sample() -> (Sealed, SealedKey, Identities) {
    let (recipient, identities) = identity();
    let sealed = blank();
    let mut entry = key("checkout", "hcxik_1");
    entry.sealed = Some(seal(&payload(&entry, &sealed, SECRET), &[&recipient]).unwrap());
    (sealed, entry, identities)
}

#[test]
fn what_is_sealed_opens_for_its_entry() {
    let (sealed, entry, identities) = sample();
    let opened = open(&entry, &sealed, &identities).unwrap();
    assert_eq!(opened.secret.expose(), SECRET);
    assert_eq!(opened.credential.expose(), format!("hcxik_1{SECRET}"));
    assert_eq!(opened.address, entry.address);
    // And after a turn through the file.
    let mut file = sealed;
    file.keys.push(entry);
    let read = keycomb::seal::text::parse(&keycomb::seal::text::write(&file)).unwrap();
    assert_eq!(open(&read.keys[0], &read, &identities).unwrap().secret.expose(), SECRET);
}

#[test]
fn every_recipient_opens_it_and_nobody_else_does() {
    let people: Vec<_> = (0..3).map(|_| identity()).collect();
    let sealed = blank();
    let mut entry = key("checkout", "hcxik_1");
    let recipients: Vec<_> = people.iter().map(|(recipient, _)| recipient).collect();
    entry.sealed = Some(seal(&payload(&entry, &sealed, SECRET), &recipients).unwrap());
    for (_, identities) in people {
        assert_eq!(open(&entry, &sealed, &identities).unwrap().secret.expose(), SECRET);
    }
    let error = open(&entry, &sealed, &identity().1).unwrap_err();
    assert!(matches!(error, SealError::WrongIdentity { .. }), "{error:?}");
    assert!(error.to_string().contains("`ops` (00112233aabbccdd)"), "{error}");
}

#[test]
fn an_entry_moved_or_copied_onto_another_is_refused() {
    let (sealed, entry, identities) = sample();
    type Change = Box<dyn Fn(&mut SealedKey, &mut Sealed)>;
    let changes: Vec<(&str, Change)> = vec![
        ("address", Box::new(|e, _| e.address = "key.production.other".parse().unwrap())),
        ("address", Box::new(|e, _| e.address = "key.staging.checkout".parse().unwrap())),
        ("generation", Box::new(|e, _| e.generation = 2)),
        ("id", Box::new(|e, _| e.id = KeyId::new("hcxik_2").unwrap())),
        ("type", Box::new(|e, _| e.key_type = KeyType::Configuration)),
        ("environment", Box::new(|e, _| e.environment = EnvironmentId::new("hcxen_2").unwrap())),
        ("lineage", Box::new(|_, s| s.lineage = Lineage::new("zzzzzzzzzzzzzzzz").unwrap())),
        ("team", Box::new(|_, s| s.team = TeamSlug::new("other").unwrap())),
        ("endpoint", Box::new(|_, s| s.endpoint = Endpoint::eu())),
    ];
    for (field, change) in changes {
        let (mut file, mut moved) = (sealed.clone(), entry.clone());
        change(&mut moved, &mut file);
        let Err(SealError::Moved { differs, .. }) = open(&moved, &file, &identities) else {
            panic!("{field}")
        };
        assert!(differs.starts_with(field) && !differs.contains(';'), "{field}: {differs}");
        assert!(!differs.contains("secret"), "{differs}");
    }
}

#[test]
fn an_adopted_key_has_no_secret_to_open() {
    let (sealed, mut entry, identities) = sample();
    entry.sealed = None;
    entry.secret = Some(NoSecret::Unavailable);
    assert!(matches!(open(&entry, &sealed, &identities), Err(SealError::NoSecret { .. })));
}

#[test]
fn the_length_says_nothing_of_the_secret() {
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string().parse().unwrap();
    let entry = key("checkout", "hcxik_1");
    // Of the plaintext: age itself adds some bytes by chance.
    let length = |secret: &str| {
        let armor = seal(&payload(&entry, &blank(), secret), &[&recipient]).unwrap();
        age::decrypt(&identity, armor.as_bytes()).unwrap().len()
    };
    let lengths: BTreeSet<usize> = (1..=64).map(|n| length(&"x".repeat(n))).collect();
    assert_eq!(lengths, BTreeSet::from([1024]));
    assert_eq!(length(&"x".repeat(600)), 2048);
}

#[test]
fn nobody_to_seal_to_is_an_error() {
    let entry = key("checkout", "hcxik_1");
    assert!(matches!(seal(&payload(&entry, &blank(), SECRET), &[]), Err(SealError::NoRecipients)));
}

#[test]
fn no_cut_and_no_changed_bit_of_the_armor_opens() {
    let (sealed, entry, identities) = sample();
    let armor = entry.sealed.clone().unwrap();
    let opens = |text: Vec<u8>| {
        let Ok(text) = String::from_utf8(text) else { return false };
        let entry = SealedKey { sealed: Some(text), ..entry.clone() };
        open(&entry, &sealed, &identities).is_ok()
    };
    assert!(opens(armor.clone().into_bytes()));
    for cut in 0..armor.len() {
        assert!(!opens(armor.as_bytes()[..cut].to_vec()), "cut at {cut}");
    }
    for place in 0..armor.len() {
        for bit in 0..8 {
            let mut changed = armor.clone().into_bytes();
            changed[place] ^= 1 << bit;
            assert!(!opens(changed), "byte {place} bit {bit}");
        }
    }
    for around in [format!("{armor}\n"), format!(" {armor}"), format!("{armor}{armor}")] {
        assert!(!opens(around.into_bytes()));
    }
}

#[test]
fn what_is_inside_must_be_a_payload() {
    let (recipient, identities) = identity();
    let recipient: age::x25519::Recipient = recipient.as_str().parse().unwrap();
    let sealed = blank();
    let mut entry = key("checkout", "hcxik_1");
    let whole = payload_json(&entry, &sealed);
    let without = |field: &str| {
        let mut value = whole.clone();
        value.as_object_mut().unwrap().remove(field).unwrap();
        value.to_string()
    };
    let mut bad: Vec<String> = whole.as_object().unwrap().keys().map(|field| without(field)).collect();
    bad.push(String::new());
    bad.push("hunter2".into());
    bad.push(whole.to_string().replacen('{', "{\"secret\":\"twice\",", 1));
    bad.push(whole.to_string().replacen('{', "{\"more\":1,", 1));
    for text in bad {
        entry.sealed = Some(age::encrypt_and_armor(&recipient, text.as_bytes()).unwrap());
        let error = open(&entry, &sealed, &identities).unwrap_err();
        assert!(matches!(error, SealError::Damaged { .. }), "{text}: {error:?}");
        assert!(!format!("{error}{error:?}").contains("hunter2"));
    }
    entry.sealed = Some(age::encrypt_and_armor(&recipient, whole.to_string().as_bytes()).unwrap());
    assert!(open(&entry, &sealed, &identities).is_ok());
}

#[test]
fn what_anybody_could_have_sealed_is_refused() {
    let (recipient, identities) = identity();
    let recipient: age::x25519::Recipient = recipient.as_str().parse().unwrap();
    let sealed = blank();
    let mut entry = key("checkout", "hcxik_1");
    let whole = payload_json(&entry, &sealed);
    let bell = "a\u{7}b";
    let forged = [
        // The credential of another key, which its forger would like to be used.
        ("hunter2", "hcxik_2hunter2"),
        ("hunter2", "hunter2"),
        ("hunter3", "hcxik_1hunter2"),
        ("", "hcxik_1"),
        ("a b", "hcxik_1a b"),
        ("é", "hcxik_1é"),
        ("\u{1b}]0;owned", "hcxik_1\u{1b}]0;owned"),
        (bell, "hcxik_1a\u{7}b"),
        ("a\nb", "hcxik_1a\nb"),
    ];
    for (secret, credential) in forged {
        let mut value = whole.clone();
        value["secret"] = secret.into();
        value["credential"] = credential.into();
        entry.sealed = Some(age::encrypt_and_armor(&recipient, value.to_string().as_bytes()).unwrap());
        let error = open(&entry, &sealed, &identities).unwrap_err();
        assert!(matches!(error, SealError::Forged { .. }), "{credential:?}: {error:?}");
        let told = format!("{error}{error:?}");
        assert!(secret.is_empty() || !told.contains(secret), "{told}");
        assert!(!told.contains("hunter") && told.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{told}");
    }
    // A configuration key's credential is its secret alone.
    entry.key_type = KeyType::Configuration;
    for (credential, is_good) in [("hunter2", true), ("hcxik_1hunter2", false)] {
        let mut value = payload_json(&entry, &sealed);
        value["credential"] = credential.into();
        entry.sealed = Some(age::encrypt_and_armor(&recipient, value.to_string().as_bytes()).unwrap());
        assert_eq!(open(&entry, &sealed, &identities).is_ok(), is_good, "{credential}");
    }
}

/// The plaintext as another program would write it.
pub fn payload_json(entry: &SealedKey, sealed: &Sealed) -> serde_json::Value {
    serde_json::json!({
        "lineage": sealed.lineage, "team": sealed.team, "endpoint": sealed.endpoint,
        "address": entry.address, "generation": entry.generation, "id": entry.id, "type": entry.key_type,
        "environment": entry.environment, "secret": "hunter2", "credential": "hcxik_1hunter2", "pad": "",
    })
}
