//! Jenkins: the shell blocks of each stage.

use std::path::Path;

use super::{Scratch, read};
use crate::team::Ran;

/// The shell blocks of a stage, and the credential that it asks for.
fn stage(scratch: &Scratch, name: &str, folder: &Path) -> Ran {
    let text = read("ci/Jenkinsfile");
    let after = text.split(&format!("stage('{name}')")).nth(1).unwrap_or_else(|| panic!("no stage `{name}`"));
    let stage = after.split("\n        stage('").next().unwrap();
    let key = match stage.split("credentialsId: '").nth(1).and_then(|rest| rest.split('\'').next()) {
        Some("honeycomb-read") => scratch.key(false),
        Some("honeycomb-write") => scratch.key(true),
        other => panic!("{other:?}"),
    };
    for variable in ["usernameVariable: 'HONEYCOMB_KEY_ID'", "passwordVariable: 'HONEYCOMB_KEY_SECRET'"] {
        assert!(stage.contains(variable), "{name}: {variable}");
    }
    let blocks: Vec<&str> =
        stage.split("sh '''").skip(1).map(|rest| rest.split("'''").next().unwrap()).collect();
    assert!(!blocks.is_empty(), "{name} runs nothing");
    let variables = [("HONEYCOMB_KEY_ID", key.id), ("HONEYCOMB_KEY_SECRET", key.secret)];
    scratch.sh(folder, &blocks.join("\n"), &variables.map(|(name, value)| (name.to_owned(), value)))
}

#[test]
fn a_build_plans_and_after_somebody_agreed_carries_that_plan_out() {
    let scratch = Scratch::new();
    scratch.branch("more", "mobile");
    scratch.merge("more");
    let agent = scratch.clone("agent");
    stage(&scratch, "Plan", &agent).exits(0);
    assert_eq!(scratch.live(), ["checkout", "frontend"]);
    for file in ["plan.json", "plan.html", "plan.xml"] {
        assert!(agent.join(file).exists(), "{file}");
    }
    stage(&scratch, "Apply", &agent).exits(0);
    assert_eq!(scratch.live(), ["checkout", "frontend", "mobile"]);
    scratch.assert_whole();
    stage(&scratch, "Drift", &agent).exits(0);
    scratch.team.set_disabled(&scratch.team.key_id("checkout"), true);
    stage(&scratch, "Drift", &agent).exits(2);
    // What was planned before is not what is there now.
    stage(&scratch, "Apply", &agent).exits(6);
}

#[test]
fn the_file_is_balanced() {
    let text = read("ci/Jenkinsfile");
    for (open, close) in [('{', '}'), ('(', ')'), ('[', ']')] {
        assert_eq!(text.matches(open).count(), text.matches(close).count(), "{open}{close}");
    }
}
