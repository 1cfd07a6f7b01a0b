//! GitHub Actions: the workflows' jobs, step by step. What an expression stands for is a table; one that is not in it fails.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use serde_yaml_ng::Value;

use super::{Scratch, yaml};
use crate::team::Ran;

const KEYS: [&str; 2] = ["checkout", "frontend"];

/// What GitHub keeps: comments, issues, runs and their artifacts.
struct Service {
    scratch: Scratch,
    state: PathBuf,
}

/// One run of a job.
struct Run<'a> {
    service: &'a Service,
    workspace: PathBuf,
    temporary: PathBuf,
    /// By what is between `${{` and `}}`.
    expressions: Vec<(String, String)>,
    number: u32,
    /// What the steps said.
    said: Vec<(String, Ran)>,
}

impl Service {
    fn new() -> Self {
        let scratch = Scratch::new();
        let state = scratch.team.path("github");
        fs::create_dir(&state).unwrap();
        for file in ["comments", "issues", "runs", "pulls"] {
            fs::write(state.join(format!("{file}.json")), "[]").unwrap();
        }
        let other = json!([{ "id": 1, "user": { "login": "sam" }, "body": "<!-- keycomb: not by us" }]);
        fs::write(state.join("comments.json"), other.to_string()).unwrap();
        Self { scratch, state }
    }

    fn file(&self, name: &str) -> serde_json::Value {
        serde_json::from_str(&fs::read_to_string(self.state.join(name)).unwrap()).unwrap()
    }

    fn add(&self, name: &str, item: serde_json::Value) {
        let mut all = self.file(name);
        all.as_array_mut().unwrap().insert(0, item);
        fs::write(self.state.join(name), all.to_string()).unwrap();
    }

    /// Runs a workflow's only job in a checkout of `reference`; `event` is added to the table of expressions.
    fn run(
        &self,
        number: u32,
        file: &str,
        reference: &str,
        event: &[(&str, &str)],
    ) -> (Run<'_>, Result<(), i32>) {
        let workflow = yaml(&format!("ci/github/{file}"));
        let key = |writes: bool| self.scratch.key(writes);
        let fixed = [
            ("secrets.HONEYCOMB_READ_KEY_ID", key(false).id),
            ("secrets.HONEYCOMB_READ_KEY_SECRET", key(false).secret),
            ("secrets.HONEYCOMB_KEY_ID", key(true).id),
            ("secrets.HONEYCOMB_KEY_SECRET", key(true).secret),
            ("github.token", "token".to_owned()),
            ("runner.temp", self.scratch.team.path(&format!("temp-{number}")).display().to_string()),
        ];
        let mut expressions: Vec<_> = fixed.map(|(name, value)| (name.to_owned(), value)).into();
        // A job has the secrets that its environment and its event give it: the planning jobs never see the writing key.
        if workflow["jobs"].as_mapping().unwrap().values().all(|job| job.get("environment").is_none()) {
            expressions.retain(|(name, _)| {
                name != "secrets.HONEYCOMB_KEY_ID" && name != "secrets.HONEYCOMB_KEY_SECRET"
            });
        }
        expressions.extend(event.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut run = Run {
            service: self,
            workspace: self.scratch.team.path(&format!("run-{number}")),
            temporary: self.scratch.team.path(&format!("temp-{number}")),
            expressions,
            number,
            said: vec![],
        };
        fs::create_dir(&run.temporary).unwrap();
        let jobs = workflow["jobs"].as_mapping().unwrap();
        assert_eq!(jobs.len(), 1, "{file}");
        let job = jobs.values().next().unwrap();
        assert!(workflow["permissions"].is_mapping(), "{file} says what its token may do");
        let ended = run.job(job, reference);
        let commit = self.scratch.head(&run.workspace);
        let name = workflow["name"].as_str().unwrap();
        let status = if ended.is_ok() { "success" } else { "failure" };
        let workflow = format!("{name}.yml");
        self.add(
            "runs.json",
            json!({ "databaseId": number, "workflow": workflow, "commit": commit, "status": status }),
        );
        (run, ended)
    }

    fn comments(&self) -> Vec<String> {
        let all = self.file("comments.json");
        let ours = all.as_array().unwrap().iter().filter(|c| c["user"]["login"] == "github-actions[bot]");
        ours.map(|comment| comment["body"].as_str().unwrap().to_owned()).collect()
    }
}

impl Run<'_> {
    /// Every step; the first that fails skips those after it that do not say `always()`.
    fn job(&mut self, job: &Value, reference: &str) -> Result<(), i32> {
        if let Some(condition) = job.get("if") {
            assert!(self.holds(condition.as_str().unwrap(), true), "the job is skipped");
        }
        let mut ended = Ok(());
        for step in job["steps"].as_sequence().unwrap() {
            let condition = step.get("if").map_or("success()", |condition| condition.as_str().unwrap());
            let is_run =
                (ended.is_ok() || condition.contains("always()")) && self.holds(condition, ended.is_ok());
            if !is_run {
                continue;
            }
            let result = match step.get("uses") {
                Some(action) => self.uses(action.as_str().unwrap(), step, reference),
                None => self.script(step),
            };
            ended = ended.and(result);
        }
        ended
    }

    fn uses(&self, action: &str, step: &Value, reference: &str) -> Result<(), i32> {
        let with = |name: &str| step["with"][name].as_str().unwrap().to_owned();
        match action {
            "actions/checkout@v4" => {
                let scratch = &self.service.scratch;
                let name = self.workspace.file_name().unwrap().to_str().unwrap();
                scratch.git(scratch.team.folder.path(), &["clone", "--quiet", "remote.git", name]);
                scratch.git(&self.workspace, &["checkout", "--quiet", reference]);
            }
            "actions/upload-artifact@v4" => {
                let folder = self.service.state.join(format!("artifacts/{}/{}", self.number, with("name")));
                fs::create_dir_all(&folder).unwrap();
                let from = self.workspace.join(with("path"));
                if !from.exists() {
                    return Err(1);
                }
                fs::copy(&from, folder.join(from.file_name().unwrap())).unwrap();
            }
            other => panic!("no action `{other}` is known here"),
        }
        Ok(())
    }

    fn script(&mut self, step: &Value) -> Result<(), i32> {
        let script = step["run"].as_str().unwrap();
        // What a stranger wrote must reach a script as a variable, never as its text.
        assert!(!script.contains("${{"), "an expression in a script: {script}");
        let scratch = &self.service.scratch;
        let path = |name: &str| self.temporary.join(name).display().to_string();
        let mut variables: Vec<(String, String)> = vec![
            ("CI".into(), "true".into()),
            ("GITHUB_ACTIONS".into(), "true".into()),
            ("GITHUB_REPOSITORY".into(), "acme/keys".into()),
            ("GITHUB_WORKSPACE".into(), self.workspace.display().to_string()),
            ("GITHUB_SHA".into(), scratch.head(&self.workspace)),
            ("GITHUB_STEP_SUMMARY".into(), path("summary.md")),
            ("GITHUB_OUTPUT".into(), path("output")),
            ("RUNNER_TEMP".into(), self.temporary.display().to_string()),
            ("GH_STATE".into(), self.service.state.display().to_string()),
        ];
        if let Some(env) = step.get("env") {
            for (name, value) in env.as_mapping().unwrap() {
                let value = self.filled(value.as_str().unwrap());
                variables.push((name.as_str().unwrap().to_owned(), value));
            }
        }
        let _ = fs::remove_file(path("output"));
        let ran = scratch.sh(&self.workspace, script, &variables);
        let exit = ran.exit;
        if let (Some(id), Ok(output)) = (step.get("id"), fs::read_to_string(path("output"))) {
            for (name, value) in output.lines().filter_map(|line| line.split_once('=')) {
                let name = format!("steps.{}.outputs.{name}", id.as_str().unwrap());
                self.expressions.push((name, value.to_owned()));
            }
        }
        let name = step.get("name").and_then(Value::as_str).unwrap_or(script);
        self.said.push((name.to_owned(), ran));
        if exit == 0 { Ok(()) } else { Err(exit) }
    }

    fn value(&self, name: &str) -> &str {
        let found = self.expressions.iter().find(|(known, _)| known == name);
        found.map_or_else(|| panic!("no expression `{name}` here"), |(_, value)| value)
    }

    fn filled(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            let (name, after) = after.split_once("}}").unwrap();
            filled = filled + before + self.value(name.trim());
            rest = after;
        }
        filled + rest
    }

    /// The few forms that the recipes use: comparisons joined by `&&`.
    fn holds(&self, condition: &str, is_success: bool) -> bool {
        condition.split("&&").map(str::trim).all(|part| match part {
            "always()" => true,
            "success()" => is_success,
            "hashFiles('comment.md') != ''" => self.workspace.join("comment.md").exists(),
            part => {
                let (is_equal, (left, right)) = match part.split_once("!=") {
                    Some(sides) => (false, sides),
                    None => (true, part.split_once("==").unwrap()),
                };
                let side = |text: &str| match text.trim().strip_prefix('\'') {
                    Some(literal) => literal.trim_end_matches('\'').to_owned(),
                    None => self.value(text.trim()).to_owned(),
                };
                (side(left) == side(right)) == is_equal
            }
        })
    }

    fn step(&self, name: &str) -> &Ran {
        let found = self.said.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("the step `{name}` did not run: {:?}", self.said)).1
    }

    fn summary(&self) -> String {
        fs::read_to_string(self.temporary.join("summary.md")).unwrap_or_default()
    }
}

const REQUEST: &[(&str, &str)] = &[
    ("github.event_name", "pull_request"),
    ("github.repository", "acme/keys"),
    ("github.event.pull_request.head.repo.full_name", "acme/keys"),
    ("github.event.pull_request.number", "7"),
];
const PUSH: &[(&str, &str)] = &[("github.event_name", "push"), ("github.repository", "acme/keys")];

fn is_in(folder: &Path, name: &str) -> bool {
    folder.join(name).exists()
}

#[test]
fn a_pull_request_is_planned_with_a_key_that_only_reads_and_what_was_planned_is_applied_on_merge() {
    let service = Service::new();
    let scratch = &service.scratch;
    let branch = scratch.branch("more", "mobile");
    let (run, ended) = service.run(1, "plan.yml", "origin/more", REQUEST);
    assert_eq!(ended, Ok(()), "{:?}", run.said);
    let planned = service.comments();
    assert_eq!(planned.len(), 1);
    assert!(planned[0].contains("key.production.mobile") && planned[0].contains("kc1:"), "{}", planned[0]);
    assert!(run.summary().contains("key.production.mobile"));
    assert!(run.step("Plan").stdout.contains("::"), "no annotation: {}", run.step("Plan").stdout);

    // A second push replaces the comment.
    let text = fs::read_to_string(branch.join("keycomb.toml")).unwrap();
    fs::write(branch.join("keycomb.toml"), text.replace("key.mobile", "key.tablet")).unwrap();
    scratch.git(&branch, &["commit", "--quiet", "--all", "--message", "tablet"]);
    scratch.git(&branch, &["push", "--quiet", "origin", "more"]);
    let (run, ended) = service.run(2, "plan.yml", "origin/more", REQUEST);
    assert_eq!(ended, Ok(()), "{:?}", run.said);
    let planned = service.comments();
    assert_eq!(planned.len(), 1);
    assert!(planned[0].contains("key.production.tablet") && !planned[0].contains("key.production.mobile"));
    assert_eq!(service.file("comments.json").as_array().unwrap().len(), 2, "somebody else's is left alone");

    // Nobody has merged it: nothing was made.
    assert_eq!(scratch.live(), KEYS);
    let head = scratch.head(&branch);
    service.add("pulls.json", json!({ "head": { "sha": head } }));
    scratch.merge("more");
    let (run, ended) = service.run(3, "apply.yml", "main", PUSH);
    assert_eq!(ended, Ok(()), "{:?}", run.said);
    assert_eq!(scratch.live(), ["checkout", "frontend", "tablet"]);
    scratch.assert_whole();

    // The same plan a second time.
    let (run, ended) = service.run(4, "apply.yml", "main", PUSH);
    assert_eq!(ended, Err(6), "{:?}", run.said);
    assert_eq!(scratch.live(), ["checkout", "frontend", "tablet"]);
}

#[test]
fn what_nobody_planned_is_not_applied() {
    let service = Service::new();
    let scratch = &service.scratch;
    scratch.branch("more", "mobile");
    scratch.merge("more");
    // Of no pull request.
    let (run, ended) = service.run(1, "apply.yml", "main", PUSH);
    assert_eq!(ended, Err(1));
    assert!(run.step("Find the plan").stderr.contains("of no pull request"));
    // By hand, with another digest.
    let by_hand =
        |expect: &'static str| [("github.event_name", "workflow_dispatch"), ("inputs.expect", expect)];
    let (run, ended) = service.run(2, "apply.yml", "main", &by_hand("kc1:0000-0000-0000-0000"));
    assert_eq!(ended, Err(6), "{:?}", run.said);
    assert_eq!(scratch.live(), KEYS);
    // By hand, with the one that somebody has read.
    let said = &run.step("Plan again, and compare").stderr;
    let found = said.split_whitespace().find(|word| word.starts_with("kc1:")).unwrap();
    let found: &'static str = Box::leak(found.trim_end_matches(',').to_owned().into_boxed_str());
    let (run, ended) = service.run(3, "apply.yml", "main", &by_hand(found));
    assert_eq!(ended, Ok(()), "{:?}", run.said);
    scratch.assert_whole();
}

#[test]
fn drift_has_one_issue_that_is_opened_updated_and_closed() {
    let service = Service::new();
    let scratch = &service.scratch;
    let key = scratch.team.key_id("checkout");
    let event = &[("github.event_name", "schedule")];
    let issue = || service.file("issues.json");
    let (run, ended) = service.run(1, "drift.yml", "main", event);
    assert_eq!(ended, Ok(()), "{:?}", run.said);
    assert_eq!(issue(), json!([]));
    scratch.team.set_disabled(&key, true);
    let (run, ended) = service.run(2, "drift.yml", "main", event);
    assert_eq!(ended, Ok(()), "{:?}", run.said);
    let opened = issue();
    assert_eq!(opened.as_array().unwrap().len(), 1);
    assert!(opened[0]["body"].as_str().unwrap().contains("key.production.checkout"), "{opened}");
    scratch.team.set_disabled(&scratch.team.key_id("frontend"), true);
    service.run(3, "drift.yml", "main", event).1.unwrap();
    let updated = issue();
    assert_eq!(updated.as_array().unwrap().len(), 1);
    assert!(updated[0]["body"].as_str().unwrap().contains("key.production.frontend"), "{updated}");
    for name in KEYS {
        scratch.team.set_disabled(&scratch.team.key_id(name), false);
    }
    service.run(4, "drift.yml", "main", event).1.unwrap();
    assert_eq!(issue()[0]["state"], "closed");
    assert_eq!(issue()[0]["comments"].as_array().unwrap().len(), 1);
}

#[test]
fn a_fork_is_planned_from_a_snapshot_without_any_credential() {
    let service = Service::new();
    let scratch = &service.scratch;
    let fork = &[
        ("github.event_name", "pull_request"),
        ("github.repository", "acme/keys"),
        ("github.event.pull_request.head.repo.full_name", "stranger/keys"),
    ];
    scratch.branch("more", "mobile");
    let (run, ended) = service.run(1, "plan-forks.yml", "origin/more", fork);
    assert_eq!(ended, Err(1));
    assert!(run.step("Snapshot").stderr.contains("no snapshot yet"));
    service.run(2, "drift.yml", "main", &[("github.event_name", "schedule")]).1.unwrap();
    assert!(is_in(&service.state, "artifacts/2/keycomb-snapshot/snapshot.json"));
    scratch.team.sandbox.clear_requests();
    let (run, ended) = service.run(3, "plan-forks.yml", "origin/more", fork);
    assert_eq!(ended, Ok(()), "{:?}", run.said);
    assert!(run.summary().contains("key.production.mobile"), "{}", run.summary());
    assert!(scratch.team.sandbox.requests().is_empty(), "the service was asked");
}
