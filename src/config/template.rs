//! A key's name: text with `{key}` and `{environment}`.

use serde_json::json;
use toml::de::DeValue;

use super::collector::Collector;
use super::field::Field;
use super::place::Place;
use super::suggest;
use crate::model::Label;

/// The placeholders there are.
const PLACEHOLDERS: [&str; 2] = ["key", "environment"];

/// A name with placeholders; `{{` and `}}` stand for braces.
#[derive(Debug, Clone)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Key,
    Environment,
}

impl Template {
    /// `{key}`
    pub(super) fn key() -> Self {
        Self(vec![Part::Key])
    }

    /// The name of one key in one environment; labels, not the service's names, are filled in.
    pub(super) fn fill(&self, key: &Label, environment: &Label) -> String {
        let part = |part: &'_ Part| match part {
            Part::Text(text) => text.clone(),
            Part::Key => key.to_string(),
            Part::Environment => environment.to_string(),
        };
        self.0.iter().map(part).collect()
    }

    /// # Errors
    /// A message and a help.
    fn parse(text: &str) -> Result<Self, (String, String)> {
        let mut parts = vec![];
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, found)) = rest.find(['{', '}']).and_then(|at| rest.split_at_checked(at)) {
            literal.push_str(before);
            if let Some(after) = found.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = found.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else {
                let Some((name, after)) = found.strip_prefix('{').and_then(|inner| inner.split_once('}'))
                else {
                    let help =
                        "placeholders are `{key}` and `{environment}`; write `{{` or `}}` for a brace itself";
                    return Err(("a brace without its counterpart".into(), help.into()));
                };
                parts.push(Part::Text(std::mem::take(&mut literal)));
                parts.push(placeholder(name)?);
                rest = after;
            }
        }
        literal.push_str(rest);
        parts.push(Part::Text(literal));
        Ok(Self(parts))
    }
}

fn placeholder(name: &str) -> Result<Part, (String, String)> {
    match name {
        "key" => Ok(Part::Key),
        "environment" => Ok(Part::Environment),
        _ => {
            let help = suggest::help(name, "placeholders", PLACEHOLDERS);
            Err((format!("unknown placeholder `{name}`"), help))
        }
    }
}

impl Field for Template {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let text = String::read(value, place, out)?;
        match Self::parse(&text) {
            Ok(template) => Some(template),
            Err((message, help)) => {
                out.wrong(place, message).label("in this name").help(help);
                None
            }
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "minLength": 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_braces_kept() {
        let (key, environment) = (Label::new("k").unwrap(), Label::new("e").unwrap());
        for (text, filled) in [
            ("plain", "plain"),
            ("{key}", "k"),
            ("{environment}/{key} x", "e/k x"),
            ("{{key}} {key}", "{key} k"),
            ("", ""),
        ] {
            assert_eq!(Template::parse(text).unwrap().fill(&key, &environment), filled, "{text}");
        }
    }

    #[test]
    fn other_placeholders_and_lone_braces_are_refused() {
        for text in ["{keys}", "{", "}", "a}b", "{}", "{key", "{Key}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
