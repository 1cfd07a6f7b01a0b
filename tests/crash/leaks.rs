//! The canary: no secret, in no form, in anything but the sandbox's own state.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// Searches every file below `folder` and everything that was said.
pub fn search(folder: &Path, said: &[(String, Vec<u8>)], secrets: &[String]) -> Result<usize, String> {
    let mut texts: Vec<(String, String)> = Vec::new();
    let read = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for path in files(folder) {
        texts.push((path.display().to_string(), read(&fs::read(&path).unwrap())));
    }
    texts.extend(said.iter().map(|(place, bytes)| (place.clone(), read(bytes))));
    let forms: Vec<String> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    for (place, text) in &texts {
        if forms.iter().any(|form| text.contains(form.as_str())) {
            return Err(format!("S2: a secret is in {place}"));
        }
    }
    Ok(texts.iter().map(|(_, text)| text.len()).sum())
}

/// Every file below a folder: accounts of runs are in one of their own.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// As it is, in hexadecimal, and in base64 wherever it may begin in it.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    forms.push(secret.bytes().map(|byte| format!("{byte:02x}")).collect());
    forms.push(secret.bytes().map(|byte| format!("{byte:02X}")).collect());
    for offset in 0..3 {
        let shifted = [&b"\0\0"[..offset], secret.as_bytes()].concat();
        // Only the characters that hold nothing but the secret.
        let (first, whole) = ((offset * 8).div_ceil(6), shifted.len() * 8 / 6);
        for engine in [&STANDARD, &URL_SAFE] {
            forms.push(engine.encode(&shifted)[first..whole].to_owned());
        }
    }
    forms
}

#[test]
fn the_canary_sees_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let secret = "nyeefn9pi6tmxwi8zj0gmsvg6vvknyda".to_owned();
    let found = |text: String| {
        search(folder.path(), &[("said".into(), text.into_bytes())], std::slice::from_ref(&secret)).is_err()
    };
    assert!(!found("nothing".into()));
    assert!(found(format!("a{secret}b")));
    for before in ["", "1", "12", "123"] {
        assert!(found(STANDARD.encode(format!("{before}{secret}and more"))), "{before}");
    }
    assert!(found(secret.bytes().map(|byte| format!("{byte:02x}")).collect()));
    fs::write(folder.path().join("file"), &secret).unwrap();
    assert!(found(String::new()));
}
