//! Whatever the service calls its things and says: nobody's terminal, CI runner or file takes it for more than text.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::team::{Ran, SAMPLE, Team, keycomb};

/// Under a hundred characters each: the service takes them for names.
const NAMES: &[&str] = &[
    "\u{1b}[2J\u{1b}[31mred\u{1b}]0;title\u{7}",
    "\u{1b}]8;;http://evil.example\u{1b}\\link\u{1b}]8;;\u{1b}\\ \u{1b}]52;c;aGk=\u{7}",
    "\u{9b}31m\u{9d}0;x\u{9c}\u{85}\u{0}\u{8}\u{7f}",
    "\r\nPlan: 0 to change\r\n",
    "\n::set-output name=a::b\n::error::x\n##[error]y\n##vso[task.setvariable variable=a]b",
    "::add-mask::x",
    "##[set-env name=PATH]x",
    "##teamcity[message text='x']",
    "%0A::stop-commands::x%0D",
    "\u{202e}gpj.exe\u{2066}\u{2069}\u{200b}\u{200d}\u{feff}\u{ad}\u{e0041}\u{e0042}",
    "[x](http://evil.example) ![y](http://evil.example/y) </details><script>alert(1)</script> @all | ```",
    "'; touch pwned; $(touch pwned) `touch pwned` --help -rf * ../../etc/passwd",
    "\"quoted\" 'single' \\u{1b} \\x1b[31m \"\"\" '''",
];

fn is_raw(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

#[track_caller]
fn assert_harmless(what: &str, text: &str) {
    assert_eq!(text.chars().find(|c| is_raw(*c)), None, "{what} has a raw character:\n{text}");
    for line in text.lines() {
        assert!(!line.trim_start().starts_with("::"), "{what}: {line}");
        assert!(!line.starts_with("Plan: 0 to change"), "{what}: {line}");
        assert!(!["##[", "##vso[", "##teamcity["].iter().any(|word| line.contains(word)), "{what}: {line}");
    }
}

fn escaped(name: &str) -> String {
    serde_json::to_string(name).unwrap()
}

#[test]
fn hostile_names_are_harmless_in_every_output_and_file() {
    let team = Team::new();
    team.declare(SAMPLE).run(&["apply", "--yes"]).exits(0);
    let (ci, environment) = (team.key_id("ci"), team.sandbox.truth().environments[0].id.clone());
    for (number, name) in NAMES.iter().enumerate() {
        let name = escaped(name);
        let key = format!(r#"{{"data":{{"id":"{ci}","type":"api-keys","attributes":{{"name":{name}}}}}}}"#);
        assert_eq!(team.by_hand("PATCH", &format!("/2/teams/acme/api-keys/{ci}"), Some(&key)).0, 200);
        let unmanaged = format!(
            r#"{{"data":{{"type":"api-keys","attributes":{{"key_type":"ingest","name":{name}}},"relationships":{{"environment":{{"data":{{"id":"{environment}","type":"environments"}}}}}}}}}}"#
        );
        assert_eq!(team.by_hand("POST", "/2/teams/acme/api-keys", Some(&unmanaged)).0, 201);
        let made = format!(
            r#"{{"data":{{"type":"environments","attributes":{{"name":{},"description":{name}}}}}}}"#,
            escaped(&format!("{number}{}", NAMES[number]))
        );
        assert_eq!(team.by_hand("POST", "/2/teams/acme/environments", Some(&made)).0, 201);
        for arguments in [
            &["plan"][..],
            &["plan", "-vv", "--color", "never"],
            &["plan", "--format", "json"],
            &["drift", "-vv"],
            &["drift", "--format", "json"],
            &["status", "-vv"],
            &["status", "--format", "json"],
            &["apply", "-vv"],
        ] {
            let ran = team.run(arguments);
            assert_harmless(&format!("{arguments:?} (stdout)"), &ran.stdout);
            assert_harmless(&format!("{arguments:?} (stderr)"), &ran.stderr);
        }
        let json: serde_json::Value =
            serde_json::from_str(&team.run(&["plan", "--format", "json"]).stdout).unwrap();
        let told = json["actions"].to_string() + &json["findings"].to_string();
        assert!(told.contains(&name[1..name.len() - 1]) || told.contains("\\u{"), "{told}");
    }
    let ran = team.run(&["apply", "--yes", "-vv", "--format", "json"]).exits(0);
    assert_harmless("the report", &ran.stdout);
    assert_harmless("what apply says", &ran.stderr);
    for file in ["keycomb.sealed.toml"] {
        assert_harmless(file, &fs::read_to_string(team.path(file)).unwrap());
    }
    assert!(!team.path("pwned").exists());
}

/// Answers each request with the same bytes.
fn server(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 8192];
            let length = stream.read(&mut request).unwrap_or(0);
            let _ = stream.write_all(&answer(&String::from_utf8_lossy(&request[..length])));
        }
    });
    endpoint
}

fn reply(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ndate: Sun, 01 Mar 2026 08:00:00 GMT\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Runs a command against a service that answers so.
fn told_by(arguments: &[&str], answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = server(answer);
    let recipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
    let text = format!(
        "version = 1\n[honeycomb]\nteam = \"acme\"\nendpoint = \"{endpoint}\"\n[seal.recipients]\nops = \"{recipient}\"\n"
    );
    fs::write(folder.path().join("keycomb.toml"), text).unwrap();
    keycomb()
        .current_dir(folder.path())
        .envs([("HONEYCOMB_KEY_ID", "hcxmk_1"), ("HONEYCOMB_KEY_SECRET", "hunter2hunter2")])
        .args(arguments)
        .output()
        .unwrap()
        .into()
}

#[test]
fn hostile_words_in_errors_and_in_the_answer_about_ourselves_are_harmless() {
    for name in NAMES {
        let shown = escaped(name);
        let error = format!(
            r#"{{"errors":[{{"id":{shown},"code":{shown},"title":{shown},"detail":{shown},"source":{{"pointer":{shown}}}}}]}}"#
        );
        for status in [400, 401, 403, 404, 409, 422] {
            let error = error.clone();
            let ran = told_by(&["plan", "-vv"], move |_| reply(status, "", &error));
            assert_harmless("an error", &ran.stderr);
            assert_eq!(ran.stdout, "");
        }
        let access = format!(
            r#"{{"data":{{"id":"hcxmk_1","type":"api-keys","attributes":{{"name":{shown},"key_type":"management","scopes":["environments:read","api-keys:read",{shown}]}},
               "relationships":{{"team":{{"data":{{"id":"hcxtm_1","type":"teams"}}}}}}}},
               "included":[{{"id":"hcxtm_1","type":"teams","attributes":{{"name":{shown},"slug":"acme"}}}}]}}"#
        );
        for form in ["text", "json"] {
            let access = access.clone();
            let ran = told_by(&["auth", "status", "--format", form], move |_| reply(200, "", &access));
            assert_harmless("auth status", &ran.exits(0).stdout);
        }
    }
}
