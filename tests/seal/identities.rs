//! Private keys in every form that is read, and a clear word about every form that is not.

use std::cell::RefCell;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use keycomb::model::{Recipient, Secret};
use keycomb::seal::{
    Identities, IdentityProblem, SealError, generate_identity, open, seal, write_new_private,
};
use secrecy::SecretString;

use super::support::*;

const SECRET: &str = "hunter2";

/// Whether what is sealed to the recipient opens with the identities.
pub fn opens(recipient: &Recipient, identities: &Identities) -> bool {
    let (sealed, mut entry) = (blank(), key("checkout", "hcxik_1"));
    entry.sealed = Some(seal(&payload(&entry, &sealed, SECRET), &[recipient]).unwrap());
    open(&entry, &sealed, identities).is_ok_and(|payload| payload.secret.expose() == SECRET)
}

/// `ssh-keygen` with these options; the private key's path.
fn make_ssh_key(folder: &Folder, options: &[&str]) -> PathBuf {
    let path = folder.dir.path().join("ssh");
    let args = [options, &["-q", "-C", "sam@host", "-f", path.to_str().unwrap()]].concat();
    run("ssh-keygen", "openssh-client", &args, b"");
    path
}

/// The private key's path and its recipient.
pub fn ssh_key(folder: &Folder, options: &[&str]) -> (PathBuf, Recipient) {
    let path = make_ssh_key(folder, options);
    let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    (path, public.parse().unwrap())
}

fn problem(found: Result<Identities, SealError>) -> IdentityProblem {
    match found {
        Err(SealError::Identity { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

fn read_text(text: &[u8]) -> Result<Identities, SealError> {
    Identities::read_from(text, "test", &|_| None)
}

#[test]
fn a_generated_identity_opens_what_is_sealed_to_it() {
    let (recipient, text) = generate_identity("2026-11-20T10:00:00.5Z".parse().unwrap()).unwrap();
    let lines: Vec<&str> = text.expose().lines().collect();
    assert_eq!(lines[..2], ["# created: 2026-11-20T10:00:00Z", &format!("# public key: {recipient}")]);
    assert!(lines[2].starts_with("AGE-SECRET-KEY-1") && lines.len() == 3);
    let folder = folder();
    let path = folder.dir.path().join("identity.txt");
    write_new_private(&path, &text).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(opens(&recipient, &Identities::read(&path, &|_| None).unwrap()));
}

#[test]
fn a_private_file_is_never_written_over_anything() {
    let folder = folder();
    let path = folder.dir.path().join("identity.txt");
    let secret = Secret::new("private".into());
    std::fs::write(&path, "precious").unwrap();
    let link = folder.dir.path().join("link");
    std::os::unix::fs::symlink(folder.dir.path().join("nothing"), &link).unwrap();
    for place in [&path, &link] {
        assert!(matches!(write_new_private(place, &secret), Err(SealError::Io { .. })));
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    assert_eq!(std::fs::read_dir(folder.dir.path()).unwrap().count(), 2);
}

#[test]
fn several_identities_in_one_file_and_several_files_all_count() {
    let all: Vec<_> =
        (0..3).map(|_| generate_identity("2026-11-20T10:00:00Z".parse().unwrap()).unwrap()).collect();
    let text = format!("\u{feff}{}\r\n\n{}", all[0].1.expose(), all[1].1.expose().replace('\n', "\r\n"));
    let found = Identities::join([identities(text.as_bytes()), identities(all[2].1.expose().as_bytes())]);
    for (recipient, _) in &all {
        assert!(opens(recipient, &found));
    }
}

#[test]
fn ssh_keys_open() {
    for options in [&["-t", "ed25519", "-N", ""][..], &["-t", "rsa", "-b", "2048", "-N", ""]] {
        let folder = folder();
        let (path, recipient) = ssh_key(&folder, options);
        assert!(opens(&recipient, &Identities::read(&path, &|_| None).unwrap()), "{options:?}");
    }
    let folder = folder();
    let (path, recipient) = ssh_key(&folder, &["-t", "rsa", "-b", "2048", "-N", "", "-m", "PEM"]);
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    assert!(opens(&recipient, &Identities::read(&path, &|_| None).unwrap()));
}

#[test]
fn an_encrypted_ssh_key_asks_for_its_passphrase() {
    let folder = folder();
    let (path, recipient) = ssh_key(&folder, &["-t", "ed25519", "-N", "open sesame", "-a", "1"]);
    let asked = RefCell::new(vec![]);
    let read = |answer: Option<&str>| {
        Identities::read(&path, &|name| {
            asked.borrow_mut().push(name.to_owned());
            answer.map(SecretString::from)
        })
    };
    assert!(opens(&recipient, &read(Some("open sesame")).unwrap()));
    assert!(matches!(problem(read(Some("wrong"))), IdentityProblem::WrongPassphrase));
    assert!(matches!(problem(read(Some(""))), IdentityProblem::WrongPassphrase));
    assert!(matches!(problem(read(None)), IdentityProblem::NoPassphrase));
    assert_eq!(*asked.borrow(), vec![path.display().to_string(); 4]);
}

/// As `age -p` does it, with less work.
fn encrypt_with(passphrase: &str, text: &str, work_factor: u8) -> String {
    let mut recipient = age::scrypt::Recipient::new(SecretString::from(passphrase));
    recipient.set_work_factor(work_factor);
    age::encrypt_and_armor(&recipient, text.as_bytes()).unwrap()
}

#[test]
fn an_encrypted_identity_file_asks_for_its_passphrase() {
    let (recipient, text) = generate_identity("2026-11-20T10:00:00Z".parse().unwrap()).unwrap();
    let armor = encrypt_with("open sesame", text.expose(), 2);
    let read = |passphrase: Option<&str>| {
        Identities::read_from(armor.as_bytes(), "test", &|_| passphrase.map(SecretString::from))
    };
    assert!(opens(&recipient, &read(Some("open sesame")).unwrap()));
    assert!(matches!(problem(read(Some("wrong"))), IdentityProblem::WrongPassphrase));
    assert!(matches!(problem(read(None)), IdentityProblem::NoPassphrase));
    for cut in [60, armor.len() / 2, armor.len() - 40] {
        let asked = Identities::read_from(&armor.as_bytes()[..cut], "test", &|_| Some("open sesame".into()));
        assert!(matches!(problem(asked), IdentityProblem::BrokenAge), "cut at {cut}");
    }
    let to_key = seal(&payload(&key("a", "k"), &blank(), SECRET), &[&recipient]).unwrap();
    assert!(matches!(problem(read_text(to_key.as_bytes())), IdentityProblem::NotByPassphrase));
    // The work factor stands in the header: asking for 2^30 must not be tried.
    let header = "age-encryption.org/v1\n-> scrypt bBjlhJVYZeE4aqUdmtRHfw 30\n\
                  VUZ/FwIhMLiWBVjlkQxGsB1IshYJYoSfcmqpCRvi8HQ\n--- ";
    let armored = [header.as_bytes(), "A".repeat(43).as_bytes(), b"\n", &[0; 40]].concat();
    let asked = Identities::read_from(&armored[..], "test", &|_| Some(SecretString::from("x")));
    assert!(matches!(problem(asked), IdentityProblem::ExcessiveWork));
}

#[test]
fn what_is_no_identity_is_named_and_never_quoted() {
    use IdentityProblem as P;
    let (recipient, text) = generate_identity("2026-11-20T10:00:00Z".parse().unwrap()).unwrap();
    let folder = folder();
    let path = make_ssh_key(&folder, &["-t", "ecdsa", "-N", ""]);
    let ssh = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    let ecdsa = std::fs::read_to_string(path).unwrap();
    let broken = text.expose().trim_end().replace("AGE-SECRET-KEY-1", "AGE-SECRET-KEY-1CANARY");
    type Check = fn(&P) -> bool;
    let table: Vec<(String, Check)> = vec![
        (String::new(), |p| matches!(p, P::Empty)),
        (" \n\t\n".into(), |p| matches!(p, P::Empty)),
        ("# only a comment\n".into(), |p| matches!(p, P::Empty)),
        (recipient.to_string(), |p| matches!(p, P::PublicKey)),
        (ssh, |p| matches!(p, P::PublicKey)),
        ("-----BEGIN PUBLIC KEY-----\nCANARY\n".into(), |p| matches!(p, P::PublicKey)),
        ("-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----\n".into(), |p| {
            matches!(p, P::Pkcs8)
        }),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nCANARY\n".into(), |p| matches!(p, P::Pkcs8)),
        ("-----BEGIN EC PRIVATE KEY-----\nCANARY\n".into(), |p| matches!(p, P::SshKind(k) if k == "ecdsa")),
        (ecdsa, |p| matches!(p, P::SshKind(k) if k == "ecdsa-sha2-nistp256")),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nCANARY\n".into(), |p| matches!(p, P::BrokenSsh)),
        ("AGE-PLUGIN-YUBIKEY-1CANARY\n".into(), |p| matches!(p, P::Plugin)),
        ("AGE-SECRET-KEY-PQ-1CANARY\n".into(), |p| matches!(p, P::PostQuantum)),
        (broken, |p| matches!(p, P::Unknown { line: 3 })),
        (format!("{}CANARY\n", text.expose()), |p| matches!(p, P::Unknown { line: 4 })),
    ];
    for (text, check) in table {
        let error = read_text(text.as_bytes()).unwrap_err();
        let help = miette::Diagnostic::help(&error).unwrap().to_string();
        let shown = format!("{error} {error:?} {help}");
        assert!(!shown.contains("CANARY") && !help.is_empty(), "{shown}");
        let SealError::Identity { problem, .. } = error else { panic!("{error:?}") };
        assert!(check(&problem), "{text}: {problem:?}");
    }
    assert!(matches!(problem(read_text(b"\xff\xfe\x00")), P::Unknown { line: 1 }));
    assert!(matches!(problem(read_text(&vec![b'#'; 2 << 20])), P::TooLarge));
    assert!(matches!(problem(Identities::read(&folder.file, &|_| None)), P::Io(_)));
    assert!(matches!(problem(Identities::read(folder.dir.path(), &|_| None)), P::Io(_)));
}
