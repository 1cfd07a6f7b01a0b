//! Blocks of TOML, as a person would write them.

use std::collections::BTreeSet;

use crate::config::{self, SourceFile, mask};
use crate::model::{EnvironmentAttributes, KeyType, Label, Permission, toml_string, visible};

/// A block to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// `[environment.X]`
    Environment(EnvironmentBlock),
    /// `[key.X]`
    Key(KeyBlock),
}

/// `[environment.X]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentBlock {
    /// The table's name.
    pub label: Label,
    /// Its name at the service.
    pub name: String,
    /// What is managed of it.
    pub attributes: EnvironmentAttributes,
    /// Lines above it, without `#`. May hold hostile text; a line that looks like a secret is left out.
    pub comment: Vec<String>,
}

/// `[key.X]`, in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBlock {
    /// The table's name.
    pub label: Label,
    /// The environment's label.
    pub environment: Label,
    /// Its type.
    pub key_type: KeyType,
    /// Its name at the service.
    pub name: String,
    /// What is granted.
    pub permissions: BTreeSet<Permission>,
    /// Whether its credential works.
    pub enabled: bool,
    /// Whether it is protected.
    pub protected: bool,
    /// Lines above it, without `#`. May hold hostile text; a line that looks like a secret is left out.
    pub comment: Vec<String>,
}

impl Block {
    /// The block, ending with a line end.
    pub fn text(&self) -> String {
        match self {
            Self::Environment(block) => block.text(),
            Self::Key(block) => block.text(),
        }
    }

    /// What `check` would say of this block, were it alone; `None` when it can be declared so.
    ///
    /// The service allows what a configuration does not: names with control characters, or that look like a secret.
    pub fn problem(&self) -> Option<String> {
        let home = match self {
            Self::Environment(_) => String::new(),
            Self::Key(key) => format!("[environment.{}]\n", key.environment),
        };
        let text = format!("{ALONE}{home}{}", self.text());
        let file = SourceFile { name: "keycomb.toml".into(), text: text.into_bytes() };
        let problems = config::parse(vec![file]).err()?;
        problems.list().first().map(|problem| problem.message.clone())
    }
}

/// What a configuration has besides; the recipient is nobody's.
const ALONE: &str = "version = 1
[honeycomb]
team = \"x\"
[seal.recipients]
x = \"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\"
";

impl EnvironmentBlock {
    /// The block, ending with a line end.
    pub fn text(&self) -> String {
        let Self { label, name, attributes, comment } = self;
        let EnvironmentAttributes { description, color, delete_protected } = attributes;
        let lines = [
            (name != label.as_str()).then(|| format!("name = {}", toml_string(name))),
            description.as_ref().map(|text| format!("description = {}", toml_string(text))),
            color.map(|color| format!("color = {}", toml_string(color.as_str()))),
            delete_protected.map(|protected| format!("delete_protected = {protected}")),
        ];
        table(&format!("environment.{label}"), comment, lines.into_iter().flatten())
    }

    /// The same without what cannot be written; what was left out, by its TOML key.
    ///
    /// # Errors
    /// Why it cannot be declared at all.
    pub fn writable(mut self) -> Result<(Self, Vec<&'static str>), String> {
        let Some(problem) = Block::Environment(self.clone()).problem() else { return Ok((self, vec![])) };
        if self.attributes.description.take().is_some()
            && Block::Environment(self.clone()).problem().is_none()
        {
            return Ok((self, vec!["description"]));
        }
        Err(problem)
    }
}

impl KeyBlock {
    /// The block, ending with a line end.
    pub fn text(&self) -> String {
        let Self { label, environment, key_type, name, permissions, enabled, protected, comment } = self;
        let mut granted: Vec<&str> = permissions.iter().map(|permission| permission.as_str()).collect();
        granted.sort_unstable();
        let lines = [
            Some(format!("environment = {}", toml_string(environment.as_str()))),
            Some(format!("type = {}", toml_string(key_type.as_str()))),
            (name != label.as_str()).then(|| format!("name = {}", toml_string(&braced(name)))),
            (!granted.is_empty()).then(|| list("permissions", &granted)),
            (!enabled).then(|| "enabled = false".to_owned()),
            protected.then(|| "protected = true".to_owned()),
        ];
        table(&format!("key.{label}"), comment, lines.into_iter().flatten())
    }
}

/// A name is a template: its braces are doubled.
fn braced(name: &str) -> String {
    name.replace('{', "{{").replace('}', "}}")
}

/// On one line, or one item a line where that would be long.
fn list(field: &str, items: &[&str]) -> String {
    const LONG: usize = 100;
    let quoted: Vec<String> = items.iter().map(|item| toml_string(item)).collect();
    let line = format!("{field} = [{}]", quoted.join(", "));
    if line.len() <= LONG {
        return line;
    }
    format!("{field} = [\n    {},\n]", quoted.join(",\n    "))
}

fn table(path: &str, comment: &[String], lines: impl Iterator<Item = String>) -> String {
    let is_safe = |line: &&String| mask(line) == line.as_str();
    let comment = comment.iter().filter(is_safe).map(|line| format!("# {}\n", visible(line)));
    let head = comment.chain([format!("[{path}]\n")]);
    head.chain(lines.map(|line| format!("{line}\n"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Color;

    fn key(name: &str) -> KeyBlock {
        KeyBlock {
            label: Label::new("checkout").unwrap(),
            environment: Label::new("production").unwrap(),
            key_type: KeyType::Configuration,
            name: name.into(),
            permissions: BTreeSet::new(),
            enabled: true,
            protected: false,
            comment: vec![],
        }
    }

    #[test]
    fn a_block_has_what_differs_from_the_defaults() {
        assert_eq!(
            key("checkout").text(),
            "[key.checkout]\nenvironment = \"production\"\ntype = \"configuration\"\n"
        );
        let full = KeyBlock {
            permissions: Permission::ALL.iter().copied().take(2).collect(),
            enabled: false,
            protected: true,
            comment: vec!["a\nb \u{202e}".into(), "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQ".into()],
            ..key("{a} \"b\"\\")
        };
        assert_eq!(
            full.text(),
            "# a\\u{a}b \\u{202e}\n[key.checkout]\nenvironment = \"production\"\ntype = \"configuration\"\n\
             name = \"{{a}} \\\"b\\\"\\\\\"\npermissions = [\"create_datasets\", \"send_events\"]\nenabled = false\n\
             protected = true\n"
        );
        assert_eq!(Block::Key(full).problem(), None);
    }

    #[test]
    fn what_a_configuration_refuses_is_known_before() {
        let secret = "k3j9x0q7w2e8r5t1y6u4i0p9a3s7d2f8";
        for name in ["a\u{7}", " a", "", &"a".repeat(101), secret, "keycomb-pending.x"] {
            assert!(Block::Key(key(name)).problem().is_some(), "{name:?}");
        }
        for name in ["{", "}}{{", "a\u{200b}", "::error::", "# a", "\"\"\"", "東京 🚀", &"é".repeat(100)]
        {
            assert_eq!(Block::Key(key(name)).problem(), None, "{name:?}");
        }
        let both = [Permission::ManagePrivateBoards, Permission::VisibleTeamMembers].into();
        assert!(Block::Key(KeyBlock { permissions: both, ..key("a") }).problem().is_some());
    }

    #[test]
    fn a_description_that_cannot_be_written_is_left_out() {
        let block = EnvironmentBlock {
            label: Label::new("production").unwrap(),
            name: "Production".into(),
            attributes: EnvironmentAttributes {
                description: Some("a\u{1b}[31m".into()),
                color: Some(Color::Red),
                delete_protected: Some(true),
            },
            comment: vec![],
        };
        let (written, left_out) = block.clone().writable().unwrap();
        assert_eq!(left_out, ["description"]);
        assert_eq!(
            written.text(),
            "[environment.production]\nname = \"Production\"\ncolor = \"red\"\ndelete_protected = true\n"
        );
        assert!(EnvironmentBlock { name: " a".into(), ..block }.writable().is_err());
    }
}
