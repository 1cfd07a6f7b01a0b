//! `--emit`: the same run, written for other programs too.

use std::fs;

use crate::team::{SAMPLE, Team};

const KINDS: &[&str] = &[
    "json",
    "markdown",
    "github-comment",
    "github-summary",
    "github-annotations",
    "gitlab-report",
    "terraform-plan-json",
    "sarif",
    "junit",
    "openmetrics",
];

fn options(kinds: &[&str], name: &str) -> Vec<String> {
    kinds.iter().flat_map(|kind| ["--emit".to_owned(), format!("{kind}={name}.{kind}")]).collect()
}

fn run(team: &Team, command: &[&str], kinds: &[&str], name: &str) -> crate::team::Ran {
    let options = options(kinds, name);
    let arguments: Vec<&str> = command.iter().copied().chain(options.iter().map(String::as_str)).collect();
    team.run(&arguments)
}

fn read(team: &Team, name: &str) -> String {
    fs::read_to_string(team.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What each begins with, or has.
fn assert_is(kind: &str, command: &str, text: &str) {
    assert!(text.ends_with('\n'), "{kind} of {command}: {text:?}");
    let json = || serde_json::from_str::<serde_json::Value>(text).unwrap();
    match kind {
        "json" => assert!(json()["format"].as_str().unwrap().starts_with("keycomb.")),
        "markdown" | "github-summary" => {
            assert!(text.starts_with(&format!("## keycomb {command}: team `acme`")));
        }
        "github-comment" => {
            assert!(text.starts_with(&format!("<!-- keycomb:acme -->\n## keycomb {command}: team `acme`")));
        }
        "github-annotations" => {
            for line in text.lines() {
                let level = line.strip_prefix("::").and_then(|rest| rest.split_once(" file=")).unwrap();
                assert!(["error", "warning", "notice"].contains(&level.0), "{line}");
            }
        }
        "gitlab-report" => assert_eq!(json(), serde_json::json!({ "create": 5, "update": 0, "delete": 0 })),
        "terraform-plan-json" => assert_eq!(json()["format_version"], "1.2"),
        "sarif" => assert_eq!(json()["version"], "2.1.0"),
        "junit" => {
            assert!(text.starts_with("<?xml") && text.contains(&format!("keycomb {command}: team acme")));
        }
        "openmetrics" => assert!(text.ends_with("\n# EOF\n") && text.contains(&format!("run=\"{command}\""))),
        other => panic!("{other}"),
    }
}

#[test]
fn every_form_of_plan_apply_and_drift() {
    let team = Team::new();
    team.declare(SAMPLE);
    run(&team, &["plan"], KINDS, "plan").exits(0);
    for kind in KINDS {
        assert_is(kind, "plan", &read(&team, &format!("plan.{kind}")));
    }
    let comment = read(&team, "plan.github-comment");
    assert!(comment.contains("| create | 5 |"), "{comment}");
    let intent = comment.split("--expect ").nth(1).unwrap().split('`').next().unwrap().to_owned();

    let of_apply: Vec<&str> = KINDS
        .iter()
        .copied()
        .filter(|kind| !["gitlab-report", "terraform-plan-json"].contains(kind))
        .collect();
    // What the comment tells people to run carries the plan out.
    run(&team, &["apply", "--expect", &intent], &of_apply, "apply").exits(0);
    for kind in &of_apply {
        assert_is(kind, "apply", &read(&team, &format!("apply.{kind}")));
    }
    assert!(
        read(&team, "apply.openmetrics").contains("keycomb_outcomes{team=\"acme\",outcome=\"done\"} 5\n")
    );

    team.set_disabled(&team.key_id("ci"), true);
    let of_drift: Vec<&str> = KINDS.iter().copied().filter(|kind| *kind != "gitlab-report").collect();
    run(&team, &["drift"], &of_drift, "drift").exits(2);
    for kind in &of_drift {
        assert_is(kind, "drift", &read(&team, &format!("drift.{kind}")));
    }
    assert!(read(&team, "drift.junit").contains("type=\"drift\""));
    assert!(read(&team, "drift.sarif").contains("\"ruleId\": \"drift\""));

    let names = KINDS.iter().flat_map(|kind| ["plan", "apply", "drift"].map(|name| format!("{name}.{kind}")));
    let secrets: Vec<String> = team.sandbox.truth().keys.iter().map(|key| key.secret.clone()).collect();
    assert!(!secrets.is_empty());
    for text in names.filter_map(|name| fs::read_to_string(team.path(&name)).ok()) {
        assert!(!secrets.iter().any(|secret| text.contains(secret.as_str())), "a secret in {text}");
    }
}

#[test]
fn a_form_with_nothing_to_say_is_refused_before_anything_is_done() {
    let team = Team::new();
    team.declare(SAMPLE);
    for (command, kind) in [
        (&["apply", "--yes"][..], "gitlab-report"),
        (&["apply", "--yes"], "terraform-plan-json"),
        (&["drift"], "gitlab-report"),
    ] {
        let ran = run(&team, command, &[kind], "x").exits(64);
        assert!(ran.stderr.contains(kind) && ran.stderr.contains(command[0]), "{}", ran.stderr);
    }
    assert!(team.sandbox.truth().keys.is_empty(), "nothing was made");
    assert!(!team.path("keycomb.sealed.toml").exists());
}

#[test]
fn what_is_no_form_or_no_file_is_refused() {
    let team = Team::new();
    team.declare(SAMPLE);
    for wrong in ["x=a", "json", "json=", "=a", "", "SARIF=a"] {
        let ran = team.run(&["plan", "--emit", wrong]).exits(64);
        assert!(ran.stdout.is_empty(), "{wrong}: {}", ran.stdout);
    }
    let twice = team.run(&["plan", "--emit", "sarif=a", "--emit", "junit=a"]).exits(64);
    assert!(twice.stderr.contains("two forms"), "{}", twice.stderr);
    assert!(!team.path("a").exists());
}

#[test]
fn what_cannot_be_written_ends_with_1_and_the_text_was_shown() {
    let team = Team::new();
    team.declare(SAMPLE);
    let ran = team.run(&["plan", "--emit", "sarif=nowhere/a", "--emit", "junit=b"]).exits(1);
    assert!(ran.stdout.contains("Plan: 5 to create"), "{}", ran.stdout);
    assert!(ran.stderr.contains("nowhere/a"), "{}", ran.stderr);
    assert!(team.path("b").exists(), "the others are written");
    let ran = team.run(&["apply", "--yes", "--emit", "github-summary=nowhere/a"]).exits(1);
    assert!(ran.stdout.contains("5 done"), "{}", ran.stdout);
    assert_eq!(team.sandbox.truth().keys.len(), 3, "and it was done");
    team.set_disabled(&team.key_id("ci"), true);
    let ran = team.run(&["drift", "--emit", "markdown=nowhere/a"]).exits(1);
    assert!(ran.stdout.contains("Drift: 1 changed"), "{}", ran.stdout);
}

#[test]
fn a_summary_is_added_and_all_else_is_replaced() {
    let team = Team::new();
    team.declare(SAMPLE);
    fs::write(team.path("summary"), "what another step wrote").unwrap();
    fs::write(team.path("comment"), "what an earlier run wrote").unwrap();
    for _ in 0..2 {
        let emits = ["--emit", "github-summary=summary", "--emit", "github-comment=comment"];
        team.run(&[&["plan"], &emits[..]].concat()).exits(0);
    }
    let summary = read(&team, "summary");
    assert!(summary.starts_with("what another step wrote\n\n## keycomb plan"), "{summary}");
    assert_eq!(summary.matches("\n\n## keycomb plan: team").count(), 2, "{summary}");
    let comment = read(&team, "comment");
    assert!(comment.starts_with("<!-- keycomb:acme -->\n") && !comment.contains("earlier"), "{comment}");
    assert_eq!(comment.matches("## keycomb plan").count(), 1);
}

#[test]
fn lines_count_from_the_root_of_the_repository() {
    let team = Team::new();
    team.declare(SAMPLE);
    fs::create_dir_all(team.path("infra/honeycomb")).unwrap();
    fs::rename(team.path("keycomb.toml"), team.path("infra/honeycomb/keycomb.toml")).unwrap();
    let plan = |workspace: Option<&str>, folder: &str, config: &str| -> String {
        let mut command = team.command(&["plan", "-c", config, "--emit", "github-annotations=-"]);
        command.current_dir(team.path(folder));
        command.env_remove("GITHUB_WORKSPACE").env_remove("CI_PROJECT_DIR");
        if let Some(workspace) = workspace {
            command.env("GITHUB_WORKSPACE", team.path(workspace));
        }
        let ran: crate::team::Ran = command.output().unwrap().into();
        let ran = ran.exits(0);
        let line =
            ran.stdout.lines().find(|line| line.contains("title=secret_issued key.staging.ci")).unwrap();
        line.split("file=").nth(1).unwrap().split(",col").next().unwrap().to_owned()
    };
    let declared = read(&team, "infra/honeycomb/keycomb.toml");
    let line = 1 + declared.lines().position(|line| line == "[key.ci]").unwrap();
    let whole = format!("infra/honeycomb/keycomb.toml,line={line}");
    assert_eq!(plan(None, ".", "infra/honeycomb/keycomb.toml"), whole, "from where we run");
    assert_eq!(
        plan(Some("."), "infra/honeycomb", "keycomb.toml"),
        whole,
        "the runner says where the root is"
    );
    fs::create_dir(team.path(".git")).unwrap();
    assert_eq!(plan(None, "infra", "./honeycomb/keycomb.toml"), whole, "the repository does");
    assert_eq!(plan(Some("elsewhere"), "infra", "honeycomb/keycomb.toml"), whole);
}

#[test]
fn a_saved_plan_has_the_forms_of_the_plan_it_is() {
    let team = Team::new();
    team.declare(SAMPLE);
    team.run(&["plan", "--out", "saved.json", "--emit", "github-comment=a", "--emit", "gitlab-report=b"])
        .exits(0);
    team.run(&["show", "saved.json", "--emit", "github-comment=c", "--emit", "gitlab-report=d"]).exits(0);
    assert_eq!(read(&team, "a"), read(&team, "c"));
    assert_eq!(read(&team, "b"), read(&team, "d"));
}

#[test]
fn stdout_takes_a_form_after_the_text() {
    let team = Team::new();
    team.declare(SAMPLE);
    let ran = team.run(&["plan", "--sandbox", "--emit", "openmetrics=-"]).exits(0);
    assert!(ran.stdout.starts_with("keycomb plan"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("\n# EOF\n"), "{}", ran.stdout);
}

/// The sealed file holds the only copy of the secrets, and a slip of the hand must not cost it.
#[test]
fn no_result_is_written_over_what_keycomb_lives_by() {
    let team = Team::new();
    team.declare(SAMPLE);
    let text = fs::read_to_string(team.path("keycomb.toml")).unwrap();
    fs::create_dir(team.path("keys")).unwrap();
    fs::write(team.path("keys/more.part"), "").unwrap();
    let with = text.replacen("version = 1", "version = 1\ninclude = [\"keys/*.part\"]", 1);
    let with = with.replacen("[seal.recipients]", "[seal]\nfile = \"sealed\"\n[seal.recipients]", 1);
    fs::write(team.path("keycomb.toml"), with).unwrap();
    team.run(&["apply", "--yes"]).exits(0);
    std::os::unix::fs::symlink("sealed", team.path("link")).unwrap();
    let files = ["keycomb.toml", "keys/more.part", "sealed"];
    let all = || files.map(|name| fs::read(team.path(name)).unwrap());
    let before = all();
    for name in [
        "keycomb.toml",
        "./keys/../keys/more.part",
        "sealed",
        "link",
        "other.toml",
        "sealed.journal",
        "sealed.lock",
    ] {
        let emit = format!("json={name}");
        for arguments in [
            &["plan", "--emit", &emit][..],
            &["plan", "--out", name],
            &["drift", "--save-snapshot", name],
            &["drift", "--emit", &emit],
            &["apply", "--yes", "--emit", &emit],
        ] {
            let ran = team.run(arguments).exits(64);
            assert!(ran.stderr.contains("no place for a result"), "{}", ran.stderr);
        }
    }
    assert_eq!(all(), before);
    team.run(&["plan", "--out", "-"]).exits(64);
}

#[test]
fn a_link_stays_one_and_what_is_no_file_is_written_to() {
    let team = Team::new();
    team.declare(SAMPLE);
    fs::write(team.path("target"), "").unwrap();
    std::os::unix::fs::symlink("target", team.path("link")).unwrap();
    // Here a pipe.
    let ran = team.run(&["plan", "--emit", "json=link", "--emit", "junit=/dev/stdout"]).exits(0);
    assert!(ran.stdout.contains("<testsuites"), "{}", ran.stdout);
    assert!(team.path("link").symlink_metadata().unwrap().is_symlink());
    assert!(read(&team, "target").contains("keycomb.plan/1"));
}

#[test]
fn drift_is_marked_where_the_thing_is_declared() {
    let team = Team::new();
    team.declare(SAMPLE);
    team.run(&["apply", "--yes"]).exits(0);
    team.set_disabled(&team.key_id("ci"), true);
    let text = read(&team, "keycomb.toml");
    let line = text.lines().position(|line| line == "[key.ci]").unwrap() + 1;
    let ran = team.run(&["drift", "--emit", "github-annotations=-", "--emit", "sarif=drift.sarif"]).exits(2);
    assert!(ran.stdout.contains(&format!("keycomb.toml,line={line},")), "{}", ran.stdout);
    let sarif: serde_json::Value = serde_json::from_str(&read(&team, "drift.sarif")).unwrap();
    let region = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!(region["startLine"], line, "{sarif}");
}
