//! A secret in the files is refused, and no word of the answer repeats it.

use keycomb::config::parse;
use keycomb::model::Address;

use crate::support::{OPS, RSA, SSH, file, good, head, main_file, render};

const INGEST: &str = "hcaik_01k5v7m3t9q4w8x2y6z0a1b2c4k3j9x0q7w2e8r5t1y6u4i0p9a3s7d2f8";
const MANAGEMENT: &str = "hcamk_01k5v7m3t9q4w8x2y6z0a1b2c4:k3j9x0q7w2e8r5t1y6u4i0p9a3s7d2f8";
const CONFIGURATION: &str = "aB3dE5gH7jK9mN1pQ3sT5v";
const CLASSIC: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const IDENTITY: &str = "AGE-SECRET-KEY-1GFE6M5525JKTQ0XAZ2PGQ2GHDPJZTENQFCZG8QF8ZVULMDPJ4YAQAM2XKC";

/// No eight characters in a row of the secret are in what a person or a machine gets.
fn assert_kept(secret: &str, text: &str) {
    let problems = parse(vec![file("keycomb.toml", text)]).expect_err(text);
    let shown = render(&problems);
    let json = serde_json::to_string(&problems).unwrap();
    let debug = format!("{problems:?}");
    for window in secret.as_bytes().windows(8) {
        let part = std::str::from_utf8(window).unwrap();
        for output in [&shown, &json, &debug] {
            assert!(!output.contains(part), "`{part}` of\n{text}\nis in\n{output}");
        }
    }
    assert!(problems.list().iter().any(|p| p.message.starts_with("this has the shape of")), "{shown}");
}

#[test]
fn no_secret_is_repeated_wherever_it_stands() {
    for secret in [INGEST, MANAGEMENT, CONFIGURATION, CLASSIC, IDENTITY] {
        for rest in [
            format!("[key.a]\nenvironment = \"production\"\ntype = \"ingest\"\nname = \"{secret}\"\n"),
            format!(
                "[key.a]\nenvironment = \"{secret}\"\ntype = \"{secret}\"\npermissions = [\"{secret}\"]\n"
            ),
            format!("[key.\"{secret}\"]\nenvironment = \"x\"\n"),
            format!("[key.{secret}]\n"),
            format!("\"{secret}\" = 1\n"),
            format!("[policy]\nunmanaged = {secret}\n"),
            format!("[policy]\nunmanaged = \"{secret}\n"),
            format!("[policy]\n{secret}\n"),
            format!("[policy]\nmax_delete = -1 # {secret}\n"),
            format!("# {secret}\n[policy]\nmax_delete = -1\n"),
            format!("[environment.x]\ncolor = '''{secret}'''\ndescription = \"see {secret}, thanks\"\n"),
            format!("[seal.environment]\nproduction = [\"{secret}\"]\n"),
            format!("[key.a]\nname = \"{{{secret}}}\"\n"),
        ] {
            assert_kept(secret, &main_file(&rest));
        }
        assert_kept(secret, &format!("include = [\"{secret}\"]\n{}", head()));
        assert_kept(secret, &head().replace(OPS, secret));
        assert_kept(secret, &head().replace("acme", secret));
        assert_kept(secret, secret);
    }
}

#[test]
fn a_secret_written_with_escapes_is_not_repeated() {
    let escaped: String = INGEST.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    for part in [format!("name = \"{escaped}\"\n"), format!("name = \"hca\\u0069k{}\"\n", &INGEST[5..])] {
        let text = main_file(&format!("[key.a]\nenvironment = \"production\"\ntype = \"ingest\"\n{part}"));
        assert_kept(INGEST, &text);
        let shown = render(&parse(vec![file("keycomb.toml", text)]).unwrap_err());
        assert!(!shown.contains("\\u0069") && shown.contains("•••"), "{shown}");
    }
    assert_kept(INGEST, &main_file(&format!("[key.\"{escaped}\"]\n")));
}

#[test]
fn a_private_key_is_not_repeated() {
    let body = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQyNTUxOQ";
    let pem = format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----");
    assert_kept(body, &head().replace(&format!("\"{OPS}\""), &format!("'''{pem}'''")));
    assert_kept(body, &head().replace(OPS, &pem.replace('\n', "\\n")));
    assert_kept(body, &head().replace(&format!("\"{OPS}\""), &pem));
}

#[test]
fn a_password_in_the_endpoint_is_not_repeated() {
    let text =
        "version = 1\n[honeycomb]\nteam = \"acme\"\nendpoint = \"https://me:correct-horse@example.com\"\n";
    assert_kept("correct-horse", text);
}

#[test]
fn a_secret_in_an_included_file_is_not_repeated() {
    let files =
        vec![file("keycomb.toml", main_file("")), file("a.toml", format!("[key.a]\nname = \"{INGEST}\"\n"))];
    let shown = render(&parse(files).unwrap_err());
    assert!(shown.contains("a.toml") && !shown.contains(&INGEST[10..20]), "{shown}");
}

#[test]
fn ordinary_texts_are_no_secrets() {
    let names = [
        "CheckoutCollectorsProd1",
        "checkout-collectors-eu1",
        "productionIngestKeyWeb2",
        "ABCDEFGHIJKLMNOPQRSTUV1",
        "checkoutcollectorsproduction0001",
        "hcaik_01k5v7m3t9q4w8x2y6z0a1b2c4",
        "550e8400-e29b-41d4-a716-446655440000",
        "deadbeef",
    ];
    for (at, name) in names.iter().enumerate() {
        let label = if at < 5 { name } else { "a" };
        let desired = good(&main_file(&format!(
            "[key.{label}]\nenvironment = \"production\"\ntype = \"ingest\"\nname = \"{name}\"\n# {name}\n"
        )));
        let address: Address = format!("key.production.{label}").parse().unwrap();
        assert_eq!(desired.keys[&address].name, *name);
    }
}

#[test]
fn public_recipients_are_no_secrets() {
    let text =
        head().replace("[seal.recipients]", &format!("[seal.recipients]\nssh = \"{SSH}\"\nrsa = \"{RSA}\""));
    assert_eq!(good(&text).seal.recipients.len(), 4);
}
