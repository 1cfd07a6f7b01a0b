//! The examples are what they say they are.

use std::path::PathBuf;

use keycomb::config::{Loaded, load};
use keycomb::model::{Endpoint, KeyType, Label, Period};

use crate::support::render;

fn example(name: &str) -> Loaded {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples").join(name).join("keycomb.toml");
    load(&path).unwrap_or_else(|problems| panic!("{}", render(&problems)))
}

#[test]
fn quickstart_reads() {
    let desired = example("quickstart").desired;
    assert_eq!(desired.team.as_str(), "acme");
    assert_eq!(desired.environments.len(), 2);
    assert_eq!(desired.keys.len(), 5);
    for key_type in KeyType::ALL {
        assert!(desired.keys.values().any(|key| key.key_type == *key_type), "{key_type}");
    }
}

#[test]
fn quickstart_seals_to_the_demo_identity() {
    let loaded = example("quickstart");
    let text = std::fs::read_to_string(loaded.folder.join("demo-identity.txt")).unwrap();
    let private = text.lines().find(|line| !line.starts_with('#')).unwrap();
    let identity: age::x25519::Identity = private.parse().unwrap();
    let recipients = &loaded.desired.seal.recipients;
    assert_eq!(recipients["demo"].as_str(), identity.to_public().to_string());
    assert_eq!(recipients.len(), 1);
}

#[test]
fn acme_is_four_environments_and_thirty_keys_in_several_files() {
    let loaded = example("acme");
    let names: Vec<&str> = loaded.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "keycomb.toml",
            "environments/environments.toml",
            "keys/checkout.toml",
            "keys/platform.toml",
            "keys/security/audit.toml",
            "keys/web.toml",
        ]
    );
    let desired = loaded.desired;
    assert_eq!(desired.endpoint, Endpoint::eu());
    assert_eq!((desired.environments.len(), desired.keys.len()), (4, 30));
    let readers = |label: &str| {
        let label = Label::new(label).unwrap();
        desired.seal.recipients_of(&label).into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(readers("production"), ["ops", "break_glass"]);
    assert_eq!(readers("security"), ["security", "break_glass"]);
    assert_eq!(readers("staging").len(), 4);
    assert!(desired.keys.values().any(|key| key.protected) && desired.keys.values().any(|key| !key.enabled));
    assert!(desired.keys.values().all(|key| key.owner.is_some()));
    assert_eq!(desired.quarantine, Period::days(30));
    // No example refers to what a fresh sandbox does not have.
    assert!(desired.environments.values().all(|environment| !environment.reference));
}
