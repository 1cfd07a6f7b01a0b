//! GitLab CI: the jobs' scripts, in their order.

use std::fs;
use std::path::Path;

use serde_yaml_ng::Value;

use super::{Scratch, yaml};
use crate::team::Ran;

/// Runs a job in a clone; artifacts of `before` are there.
fn job(scratch: &Scratch, name: &str, folder: &Path, writes: bool) -> Ran {
    let file = yaml("ci/gitlab-ci.yml");
    let job = file.get(name).unwrap_or_else(|| panic!("no job `{name}`"));
    let read = scratch.key(false);
    let write = scratch.key(true);
    let remote = scratch.remote();
    let mut known = vec![
        ("CI", "true".to_owned()),
        ("GITLAB_CI", "true".to_owned()),
        ("CI_COMMIT_BRANCH", "main".to_owned()),
        ("CI_SERVER_HOST", "gitlab.example.com".to_owned()),
        ("CI_PROJECT_URL", remote.to_str().unwrap().trim_end_matches(".git").to_owned()),
        ("HONEYCOMB_READ_KEY_ID", read.id),
        ("HONEYCOMB_READ_KEY_SECRET", read.secret),
    ];
    if writes {
        // They are protected: only jobs of the default branch see them.
        known.push(("HONEYCOMB_WRITE_KEY_ID", write.id));
        known.push(("HONEYCOMB_WRITE_KEY_SECRET", write.secret));
        known.push(("KEYCOMB_PUSH_TOKEN", "token".to_owned()));
    }
    let mut variables: Vec<(String, String)> =
        known.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    for (name, value) in job["variables"].as_mapping().unwrap() {
        let value = match value {
            Value::String(text) => match text.strip_prefix('$') {
                Some(other) => {
                    let found = known.iter().find(|(known, _)| *known == other);
                    found.unwrap_or_else(|| panic!("${other} is not set for `{name:?}`")).1.clone()
                }
                None => text.clone(),
            },
            Value::Number(number) => number.to_string(),
            other => panic!("{other:?}"),
        };
        variables.push((name.as_str().unwrap().to_owned(), value));
    }
    let lines = |value: &Value| -> Vec<String> {
        value.as_sequence().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
    };
    let script = [lines(&file["default"]["before_script"]), lines(&job["script"])].concat().join("\n");
    scratch.sh(folder, &script, &variables)
}

#[test]
fn a_merge_request_is_planned_and_what_its_pipeline_planned_is_applied_by_hand() {
    let scratch = Scratch::new();
    let branch = scratch.branch("more", "mobile");
    job(&scratch, "keycomb plan", &branch, false).exits(0);
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(branch.join("report.json")).unwrap()).unwrap();
    assert_eq!(report, serde_json::json!({ "create": 1, "update": 0, "delete": 0 }));
    assert!(fs::read_to_string(branch.join("plan.html")).unwrap().contains("key.production.mobile"));
    assert_eq!(scratch.live(), ["checkout", "frontend"]);
    scratch.merge("more");
    let runner = scratch.clone("runner");
    job(&scratch, "keycomb plan", &runner, false).exits(0);
    job(&scratch, "keycomb apply", &runner, true).exits(0);
    assert_eq!(scratch.live(), ["checkout", "frontend", "mobile"]);
    scratch.assert_whole();
}

#[test]
fn drift_fails_the_scheduled_pipeline_with_a_report() {
    let scratch = Scratch::new();
    let clone = scratch.clone("clone");
    job(&scratch, "keycomb drift", &clone, false).exits(0);
    scratch.team.set_disabled(&scratch.team.key_id("checkout"), true);
    job(&scratch, "keycomb drift", &clone, false).exits(2);
    let report = fs::read_to_string(clone.join("drift.xml")).unwrap();
    assert!(report.contains("key.production.checkout") && report.contains("<failure"), "{report}");
}
