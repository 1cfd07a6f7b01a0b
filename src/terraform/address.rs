//! A resource instance's address: `module.web["eu"].honeycombio_api_key.ingest[0]`.

use std::fmt;

use crate::model::is_dangerous;

/// Where a resource instance stands in the configuration it was made by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceAddress {
    /// The modules it is in, outermost first.
    pub modules: Vec<Step>,
    /// `honeycombio_api_key` or `honeycombio_environment`.
    pub resource_type: &'static str,
    /// The resource's name and the instance's index.
    pub name: Step,
}

/// A name, and which one of several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// A Terraform identifier.
    pub name: String,
    /// Of `count` or `for_each`.
    pub index: Option<Index>,
}

/// Which instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Index {
    /// Of `count`.
    Number(i64),
    /// Of `for_each`: any text.
    Key(String),
}

impl Step {
    /// A step, if its name is an identifier: letters, digits, `_` and `-`, and no digit or `-` in front.
    pub(super) fn new(name: &str, index: Option<Index>) -> Option<Self> {
        let starts = name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
        let continues = name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        (starts && continues && name.len() <= 1024).then(|| Self { name: name.to_owned(), index })
    }
}

impl ResourceAddress {
    /// The address of the whole resource: what `removed` blocks may name, which take no instance keys.
    pub fn of_resource(&self) -> Self {
        let plain = |step: &Step| Step { name: step.name.clone(), index: None };
        Self {
            modules: self.modules.iter().map(plain).collect(),
            resource_type: self.resource_type,
            name: plain(&self.name),
        }
    }

    /// What a label can be made of: all names and indexes, with blanks between them. May hold hostile text.
    pub fn words(&self) -> String {
        let words = self.modules.iter().chain([&self.name]).map(|Step { name, index }| match index {
            None => name.clone(),
            Some(Index::Number(number)) => format!("{name} {number}"),
            Some(Index::Key(key)) => format!("{name} {key}"),
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

/// Reads `module.a["k"].module.b`; the root module is the empty text. `None` for anything else.
pub(super) fn modules(text: &str) -> Option<Vec<Step>> {
    let mut steps = vec![];
    let mut rest = text;
    while !rest.is_empty() {
        if !steps.is_empty() {
            rest = rest.strip_prefix('.')?;
        }
        rest = rest.strip_prefix("module.")?;
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end)?;
        let (index, after) = index(after)?;
        steps.push(Step::new(name, index)?);
        rest = after;
    }
    Some(steps)
}

/// Reads `[0]` or `["key"]` off the front.
fn index(text: &str) -> Option<(Option<Index>, &str)> {
    let Some(inner) = text.strip_prefix('[') else { return Some((None, text)) };
    if let Some(quoted) = inner.strip_prefix('"') {
        let (key, after) = unquote(quoted)?;
        return Some((Some(Index::Key(key)), after.strip_prefix(']')?));
    }
    let (number, after) = inner.split_once(']')?;
    Some((Some(Index::Number(number.parse().ok()?)), after))
}

/// Reads up to the closing quote.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut key = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((key, text.get(at + 1..)?)),
            '\\' => match chars.next()?.1 {
                'n' => key.push('\n'),
                'r' => key.push('\r'),
                't' => key.push('\t'),
                escaped @ ('"' | '\\') => key.push(escaped),
                'u' => key.push(escaped(&mut chars, 4)?),
                'U' => key.push(escaped(&mut chars, 8)?),
                _ => return None,
            },
            // `$${` and `%%{` are how a brace that opens nothing is written.
            '$' | '%' => {
                key.push(c);
                let rest = text.get(at + 1..)?;
                if rest.starts_with(c) && rest.get(1..)?.starts_with('{') {
                    chars.next();
                }
            }
            c => key.push(c),
        }
    }
    None
}

fn escaped(chars: &mut std::str::CharIndices<'_>, digits: usize) -> Option<char> {
    let text: String = chars.take(digits).map(|(_, c)| c).collect();
    if text.len() != digits {
        return None;
    }
    char::from_u32(u32::from_str_radix(&text, 16).ok()?)
}

impl fmt::Display for ResourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for module in &self.modules {
            write!(f, "module.{module}.")?;
        }
        write!(f, "{}.{}", self.resource_type, self.name)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.index {
            None => Ok(()),
            Some(Index::Number(number)) => write!(f, "[{number}]"),
            Some(Index::Key(key)) => write!(f, "[\"{}\"]", quoted(key)),
        }
    }
}

/// As it stands between the quotes in HCL.
fn quoted(key: &str) -> String {
    let mut text = String::with_capacity(key.len());
    let (mut rest, mut previous) = (key.chars().peekable(), None);
    while let Some(c) = rest.next() {
        let before = previous.replace(c);
        match c {
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '"' | '\\' => text.extend(['\\', c]),
            '$' | '%' if rest.peek() == Some(&'{') => text.extend([c, c]),
            // Terraform reads it back; a terminal and a CI log see nothing that they would obey.
            c if is_dangerous(before, c) => {
                let code = u32::from(c);
                text.push_str(&if code > 0xffff {
                    format!("\\U{code:08x}")
                } else {
                    format!("\\u{code:04x}")
                });
            }
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(module: &str, key: Option<Index>) -> ResourceAddress {
        ResourceAddress {
            modules: modules(module).unwrap(),
            resource_type: "honeycombio_api_key",
            name: Step::new("ingest", key).unwrap(),
        }
    }

    #[test]
    fn module_paths_read_back_as_they_are_written() {
        for path in [
            "",
            "module.web",
            "module.web[0].module.keys",
            r#"module.web["eu"].module.k-1["a.b[\"c\"]"]"#,
            r#"module.m["$${x} %%{y} $ % \\ \n"]"#,
            r#"module.m["\u202e\U000e0041 :\u003aerror:\u003a #\u0023["]"#,
        ] {
            let shown = address(path, None).to_string();
            let path = if path.is_empty() { String::new() } else { format!("{path}.") };
            assert_eq!(shown, format!("{path}honeycombio_api_key.ingest"));
        }
    }

    #[test]
    fn what_is_no_module_path_is_refused() {
        for text in [
            "web",
            "module",
            "module.",
            "module.a.",
            "module.a.b",
            "module.a[",
            "module.a[x]",
            "module.a[\"k\"",
            "module.a[\"k]",
            "module.a b",
            "module.0",
            "module.a[\"\\x\"]",
            "module.a[\"\\ud800\"]",
            ".module.a",
            "module.a\nmodule.b",
        ] {
            assert_eq!(modules(text), None, "{text}");
        }
    }

    #[test]
    fn a_whole_resource_has_no_instance_keys() {
        let one = address(r#"module.web["eu"]"#, Some(Index::Key("a\"b".into())));
        assert_eq!(one.to_string(), r#"module.web["eu"].honeycombio_api_key.ingest["a\"b"]"#);
        assert_eq!(one.of_resource().to_string(), "module.web.honeycombio_api_key.ingest");
        assert_eq!(one.words(), "web eu ingest a\"b");
    }
}
