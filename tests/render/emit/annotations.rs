//! Workflow commands, read back as GitHub's runner does.

use keycomb::plan::{FindingKind, Severity, Verb};
use keycomb::render::Kind;

use super::{CONFIG, full, of_drift, of_plan, some_drift};
use crate::build::{action, blocked, finding, plan};

#[derive(Debug)]
pub struct Command {
    pub name: String,
    pub properties: Vec<(String, String)>,
    pub message: String,
}

impl Command {
    fn get(&self, name: &str) -> &str {
        &self.properties.iter().find(|(known, _)| known == name).unwrap().1
    }
}

/// As `ActionCommand.TryParseV2` of the runner: `::name key=value,key=value::message`.
pub fn parse(line: &str) -> Command {
    let rest = line.strip_prefix("::").unwrap_or_else(|| panic!("no command: {line:?}"));
    let (head, message) = rest.split_once("::").unwrap();
    let (name, properties) = head.split_once(' ').unwrap();
    let properties = properties.split(',').map(|pair| {
        let (key, value) = pair.split_once('=').unwrap();
        let value = value.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",");
        (key.to_owned(), value.replace("%25", "%"))
    });
    let data = message.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
    Command { name: name.to_owned(), properties: properties.collect(), message: data }
}

#[test]
fn they_sit_on_the_line_that_causes_the_change() {
    let text = full(Kind::GithubAnnotations).unwrap();
    let commands: Vec<Command> = text.lines().map(parse).collect();
    let rotate = commands.iter().find(|c| c.get("title").ends_with("key.staging.web")).unwrap();
    assert_eq!(rotate.get("file"), "infra/honeycomb/keys/staging.toml");
    assert_eq!((rotate.get("line"), rotate.get("col")), ("12", "1"));
    // No line causes an absence: the start of the main file.
    let removed = commands.iter().find(|c| c.get("title").ends_with("key.staging.batch")).unwrap();
    assert_eq!((removed.get("file"), removed.get("line")), (CONFIG, "1"));
}

#[test]
fn the_worst_come_first_and_each_level_has_ten_at_most() {
    let mut actions: Vec<_> =
        (0..30).map(|number| action(&format!("key.a.k{number}"), Verb::Create)).collect();
    actions.extend(
        (0..25).map(|number| {
            blocked(&format!("key.a.b{number}"), Verb::Delete, "guard_delete", "too many", "x")
        }),
    );
    let findings =
        (0..10).map(|_| finding(FindingKind::Unmanaged, Severity::Warning, None, "nobody's")).collect();
    let text = of_plan(Kind::GithubAnnotations, &plan(actions, findings));
    let names: Vec<String> = text.lines().map(|line| parse(line).name).collect();
    let expected: Vec<&str> =
        [["error"; 10].as_slice(), ["warning"; 10].as_slice(), ["notice"; 10].as_slice()].concat();
    assert_eq!(names, expected);
    assert!(parse(text.lines().nth(9).unwrap()).message.starts_with("16 more of this level"), "{text}");
    assert!(parse(text.lines().nth(29).unwrap()).message.starts_with("21 more of this level"), "{text}");
    assert!(!text.lines().any(|line| line.starts_with("::warning") && line.contains("more of this level")));
}

#[test]
fn what_a_command_is_made_of_cannot_come_from_a_name() {
    let mut evil = finding(FindingKind::Drift, Severity::High, None, "100% a\r\n::error::x,y:z");
    evil.help = Some("%0A::set-env".into());
    let mut made = action("key.a.b", Verb::Create);
    made.reason.origin.as_mut().unwrap().file = "a,b:c%0A\n::x.toml".into();
    let text = of_plan(Kind::GithubAnnotations, &plan(vec![made], vec![evil]));
    assert_eq!(text.lines().count(), 2, "{text}");
    for line in text.lines() {
        let command = parse(line);
        let keys: Vec<&str> = command.properties.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["file", "line", "col", "title"], "{line}");
        assert!(!command.message.contains(['\n', '\r']), "{line}");
        assert_eq!(line.matches("::").count(), 2, "{line}");
    }
    assert!(parse(text.lines().next().unwrap()).message.starts_with("100% a\\u{d}\\u{a}"), "{text}");
}

#[test]
fn of_a_drift_they_are_its_findings() {
    let text = of_drift(Kind::GithubAnnotations, &some_drift());
    let levels: Vec<String> = text.lines().map(|line| parse(line).name).collect();
    assert_eq!(levels, ["error", "error", "error", "warning", "notice"]);
}
