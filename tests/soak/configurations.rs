//! What is soaked.

/// One key of each type, and an environment with nothing but a name.
pub const SMALL: &str = r#"
[environment.production]
[key.collector]
environment = "production"
type = "ingest"
permissions = ["create_datasets"]
[key.dashboards]
environment = "production"
type = "configuration"
permissions = ["run_queries"]
"#;

/// Environments with attributes, a key in several, one that is off, one with another quarantine.
pub const SEVERAL: &str = r#"
[environment.production]
color = "red"
description = "what counts"
[environment.staging]
delete_protected = false
[environment.empty]
[defaults.key]
quarantine = "2d"
[key.collector]
environments = ["production", "staging"]
name = "{key} of {environment}"
type = "ingest"
[key.off]
environment = "staging"
type = "configuration"
enabled = false
[key.agent]
environment = "production"
type = "configuration"
permissions = ["send_events", "create_datasets"]
owner = "team-a"
protected = true
"#;

/// Environments that are only referred to.
pub const REFERENCES: &str = r#"
[environment.theirs]
name = "Theirs"
reference = true
[environment.ours]
[key.a]
environments = ["theirs", "ours"]
type = "configuration"
[key.b]
environment = "theirs"
type = "ingest"
"#;

/// Keys that are rotated, some of them while there is trouble.
pub const ROTATED: &str = r#"
[environment.production]
[defaults.key]
rotate = { every = "10d", overlap = "1d" }
quarantine = "2d"
[key.collector]
environment = "production"
type = "ingest"
[key.dashboards]
environment = "production"
type = "configuration"
permissions = ["run_queries"]
"#;

/// A dozen keys: each run is about some of them.
pub fn many() -> String {
    let mut text = "[environment.one]\n[environment.two]\n".to_owned();
    for number in 0..12 {
        let environment = if number % 3 == 0 { "one" } else { "two" };
        let key_type = if number % 2 == 0 { "ingest" } else { "configuration" };
        text.push_str(&format!(
            "[key.k{number}]\nenvironment = {environment:?}\ntype = {key_type:?}\nowner = \"o\"\n"
        ));
    }
    text
}
