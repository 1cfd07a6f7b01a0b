//! Both ways with the stock `age` program (Debian's 1.1.1): what keycomb seals, `age` opens, and the other way round.

use std::path::Path;

use keycomb::model::Recipient;
use keycomb::seal::{Identities, generate_identity, open, seal, write_new_private};

use super::cipher::payload_json;
use super::identities::ssh_key;
use super::support::*;

fn age(args: &[&str], stdin: &[u8]) -> Vec<u8> {
    run("age", "age", args, stdin)
}

fn both_ways(identity: &Path, recipient: &Recipient) {
    let (sealed, mut entry) = (blank(), key("checkout", "hcxik_1"));

    let armor = seal(&payload(&entry, &sealed, "from keycomb"), &[recipient]).unwrap();
    let plaintext = age(&["-d", "-i", identity.to_str().unwrap()], armor.as_bytes());
    assert_eq!(plaintext.len() % 1024, 0);
    let object: serde_json::Value = serde_json::from_slice(&plaintext).unwrap();
    assert_eq!(object["secret"], "from keycomb");
    assert_eq!(object["credential"], "hcxik_1from keycomb");
    assert_eq!(object["address"], "key.production.checkout");

    let json = payload_json(&entry, &sealed).to_string();
    let armor = age(&["-a", "-r", recipient.as_str()], json.as_bytes());
    entry.sealed = Some(String::from_utf8(armor).unwrap());
    let identities = Identities::read(identity, &|_| None).unwrap();
    assert_eq!(open(&entry, &sealed, &identities).unwrap().secret.expose(), "hunter2");
}

#[test]
fn age_x25519_both_ways() {
    let folder = folder();
    let path = folder.dir.path().join("identity.txt");
    let (recipient, text) = generate_identity("2026-11-20T10:00:00Z".parse().unwrap()).unwrap();
    write_new_private(&path, &text).unwrap();
    both_ways(&path, &recipient);
    let public = run("age-keygen", "age", &["-y", path.to_str().unwrap()], b"");
    assert_eq!(String::from_utf8(public).unwrap().trim(), recipient.as_str());
}

#[test]
fn an_identity_of_age_keygen_both_ways() {
    let folder = folder();
    let path = folder.dir.path().join("identity.txt");
    run("age-keygen", "age", &["-o", path.to_str().unwrap()], b"");
    let public = run("age-keygen", "age", &["-y", path.to_str().unwrap()], b"");
    both_ways(&path, &String::from_utf8(public).unwrap().parse().unwrap());
}

#[test]
fn ssh_ed25519_both_ways() {
    let folder = folder();
    let (path, recipient) = ssh_key(&folder, &["-t", "ed25519", "-N", ""]);
    both_ways(&path, &recipient);
}

#[test]
fn ssh_rsa_both_ways() {
    let folder = folder();
    let (path, recipient) = ssh_key(&folder, &["-t", "rsa", "-b", "2048", "-N", ""]);
    both_ways(&path, &recipient);
}

#[test]
fn the_armored_block_cut_out_of_the_file_opens() {
    let folder = folder();
    let path = folder.dir.path().join("identity.txt");
    let (recipient, text) = generate_identity("2026-11-20T10:00:00Z".parse().unwrap()).unwrap();
    write_new_private(&path, &text).unwrap();
    let (mut sealed, mut entry) = (blank(), key("checkout", "hcxik_1"));
    entry.sealed = Some(seal(&payload(&entry, &sealed, "from keycomb"), &[&recipient]).unwrap());
    sealed.keys.push(entry);
    let file = keycomb::seal::text::write(&sealed);
    let block: String = file
        .lines()
        .skip_while(|line| !line.starts_with("-----BEGIN"))
        .take_while(|line| *line != "'''")
        .map(|line| format!("{line}\n"))
        .collect();
    let plaintext = age(&["-d", "-i", path.to_str().unwrap()], block.as_bytes());
    assert!(String::from_utf8(plaintext).unwrap().contains("from keycomb"));
}
