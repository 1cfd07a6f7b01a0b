//! pre-commit.

use std::fs;
use std::path::Path;

use serde_yaml_ng::Value;

use super::{Scratch, yaml};

#[test]
fn the_hooks_are_offered_and_find_what_they_are_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let offered: Value =
        serde_yaml_ng::from_str(&fs::read_to_string(root.join(".pre-commit-hooks.yaml")).unwrap()).unwrap();
    let config = yaml("ci/pre-commit-config.yaml");
    let wanted = config["repos"][0]["hooks"].as_sequence().unwrap();
    let entry = |id: &Value| {
        let found = offered.as_sequence().unwrap().iter().find(|hook| &hook["id"] == id);
        let hook = found.unwrap_or_else(|| panic!("{id:?} is not offered"));
        assert_eq!(hook["pass_filenames"], Value::from(false));
        hook["entry"].as_str().unwrap().to_owned()
    };
    let entries: Vec<String> = wanted.iter().map(|hook| entry(&hook["id"])).collect();
    let scratch = Scratch::new();
    let clone = scratch.clone("clone");
    let run = || -> Vec<i32> { entries.iter().map(|entry| scratch.sh(&clone, entry, &[]).exit).collect() };
    assert_eq!(run(), [0, 0]);
    let text = fs::read_to_string(clone.join("keycomb.toml")).unwrap();
    fs::write(clone.join("keycomb.toml"), format!("{text}[key.x]\nenviroment = \"production\"\n")).unwrap();
    let truth = scratch.team.sandbox.truth();
    let key = truth.live_keys().find(|key| key.name == "checkout").unwrap();
    fs::write(clone.join("notes.txt"), format!("HONEYCOMB_API_KEY={}\n", key.credential)).unwrap();
    assert_eq!(run()[0], 3);
    // A key of a sandbox is a note only; one that looks real is more.
    let real = key.credential.replacen("hcx", "hca", 1);
    fs::write(clone.join("notes.txt"), format!("HONEYCOMB_API_KEY={real}\n")).unwrap();
    assert_eq!(run()[1], 2);
}
