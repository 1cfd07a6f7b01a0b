//! The picture of a plan in the README is what the binary prints.

use std::fs;

use crate::team::{Ran, Team, keycomb};

const BEFORE: &str = r#"
[environment.production]
name = "Production"

[environment.legacy]

[key.checkout]
environment = "production"
type = "ingest"
permissions = ["create_datasets"]

[key.ci]
environment = "production"
type = "configuration"
permissions = ["manage_markers", "run_queries"]

[key.old]
environment = "production"
type = "ingest"
"#;

const AFTER: &str = r#"
[environment.production]
name = "Production"

[key.checkout]
environment = "production"
type = "ingest"
permissions = ["create_datasets"]

[key.frontend]
environment = "production"
type = "ingest"
permissions = ["create_datasets"]
owner = "team-web"

[key.ci]
environment = "production"
type = "configuration"
permissions = ["manage_markers", "manage_slos"]
"#;

#[test]
fn the_readme_shows_a_plan_as_it_is_printed() {
    let team = Team::new();
    let run = |arguments: &[&str]| -> Ran {
        keycomb().current_dir(team.folder.path()).args(arguments).output().unwrap().into()
    };
    team.declare(BEFORE);
    run(&["apply", "--sandbox", "--yes"]).exits(0);
    team.declare(AFTER);
    let printed = run(&["plan", "--sandbox"]).exits(0).stdout;
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, rest) = readme.split_once("```text\n").unwrap();
    let (picture, _) = rest.split_once("```").unwrap();
    assert_eq!(without_passing(picture), without_passing(&printed));
}

/// Ids and line numbers differ from run to run, or from layout to layout of the same declarations.
fn without_passing(text: &str) -> Vec<String> {
    let is_passing = |word: &str| word.starts_with("hcx") || word.starts_with("keycomb.toml:");
    text.lines()
        .map(|line| {
            line.split(' ')
                .filter(|word| !is_passing(word))
                .collect::<Vec<_>>()
                .join(" ")
                .trim_end()
                .to_owned()
        })
        .collect()
}
