//! No secret is in clear in any file, at any moment of a run.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use keycomb::model::{KeyState, Secret, credential};
use keycomb::ports::KeepRecord as _;
use keycomb::seal::open;

use super::support::*;

const SECRET: &str = "kR9xCanaryCanaryCanary77?>~~?>";

/// The secret as it could stand in a file: raw, hex, base64 at each of three offsets, JSON, reversed.
fn needles() -> Vec<Vec<u8>> {
    let mut needles = vec![SECRET.as_bytes().to_vec(), SECRET.bytes().rev().collect()];
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    needles.push(hex.to_uppercase().into_bytes());
    needles.push(hex.into_bytes());
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        for offset in 0..3 {
            let text = engine.encode([&vec![0; offset][..], SECRET.as_bytes()].concat());
            // Without the characters that depend on what is around it.
            needles.push(text.as_bytes()[4..text.len() - 3].to_vec());
        }
    }
    needles
}

/// Looks at every file, as it is and with line breaks taken out.
fn assert_clear(folder: &Folder, when: &str) {
    let mut files = 0;
    for entry in std::fs::read_dir(folder.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let joined: Vec<u8> =
            String::from_utf8(bytes.clone()).unwrap().replace("\\n", "").replace('\n', "").into();
        for needle in needles() {
            for hay in [&bytes, &joined] {
                let found = hay.windows(needle.len()).any(|window| window == needle);
                assert!(!found, "{when}: {} in {}", String::from_utf8_lossy(&needle), path.display());
            }
        }
        files += 1;
    }
    assert!(files > 1, "{when}: nothing was looked at");
}

#[test]
fn the_search_finds_what_it_looks_for() {
    for (what, text) in [
        ("raw", format!("x{SECRET}x")),
        ("base64", STANDARD_NO_PAD.encode(format!("hcxik_1{SECRET} and more"))),
        ("hex", needles().pop().map(|_| SECRET.bytes().map(|b| format!("{b:02x}")).collect()).unwrap()),
    ] {
        let folder = folder();
        std::fs::write(&folder.file, text).unwrap();
        std::fs::write(folder.beside(".lock"), "").unwrap();
        assert!(std::panic::catch_unwind(|| assert_clear(&folder, what)).is_err(), "{what}");
    }
}

#[test]
fn no_file_holds_a_secret_in_clear() {
    let folder = folder();
    let (recipient, identities) = identity();
    let mut keeper = folder.open().unwrap();
    keeper.preflight(&[("ops", &recipient)]).unwrap();
    keeper.append(intent("checkout", 1)).unwrap();

    let mut entry = key("checkout", "hcxik_1");
    let mut made = payload(&entry, keeper.sealed(), SECRET);
    made.credential = credential(entry.key_type, &entry.id, &Secret::new(SECRET.into()));
    entry.sealed = Some(keeper.seal(&made, &[&recipient]).unwrap());
    assert!(!format!("{made:?}").contains("Canary"));
    assert_clear(&folder, "sealed");
    keeper.append(minted(1, entry)).unwrap();
    assert_clear(&folder, "taken down");
    keeper.append(state("hcxik_1", KeyState::Live)).unwrap();
    drop(keeper);
    assert_clear(&folder, "cut off");
    let keeper = folder.open().unwrap();
    assert_clear(&folder, "folded");

    let sealed = keeper.sealed();
    assert_eq!(open(&sealed.keys[0], sealed, &identities).unwrap().secret.expose(), SECRET);
}
