//! Environments (OpenAPI: `Environment`, `CreateEnvironmentRequest`, `UpdateEnvironmentRequest`).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Text, one, page};
use crate::honeycomb::pages::Page;
use crate::model::{EnvironmentAttributes, EnvironmentId, LiveEnvironment};
use crate::ports::NewEnvironment;

#[derive(Debug, Deserialize)]
struct EnvironmentBody<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    attributes: Attributes<'a>,
}

#[derive(Debug, Deserialize)]
struct Attributes<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    slug: Cow<'a, str>,
    #[serde(borrow)]
    description: Option<Text<'a>>,
    #[serde(borrow)]
    color: Option<Text<'a>>,
    settings: Option<Settings>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Settings {
    delete_protected: Option<bool>,
}

/// Reads one environment.
pub(in crate::honeycomb) fn environment(body: &[u8]) -> Result<LiveEnvironment, String> {
    one(body, live)
}

/// Reads a page of environments.
pub(in crate::honeycomb) fn environments(body: &[u8]) -> Result<Page<LiveEnvironment>, String> {
    page(body, live, held)
}

fn held(environment: &LiveEnvironment) -> usize {
    let LiveEnvironment { id: _, name, slug, description, color: _, delete_protected: _ } = environment;
    size_of::<LiveEnvironment>() + name.len() + slug.len() + description.len()
}

fn live(body: EnvironmentBody<'_>) -> Result<LiveEnvironment, String> {
    let EnvironmentBody { id, attributes: Attributes { name, slug, description, color, settings } } = body;
    Ok(LiveEnvironment {
        id: EnvironmentId::new(id.0).map_err(|error| format!("`id` is not an id ({error})"))?,
        name: name.into_owned(),
        slug: slug.into_owned(),
        description: description.unwrap_or_default().0.into_owned(),
        color: color.and_then(|color| color.0.parse().ok()),
        // Not said: taken for protected, so that nothing is deleted on the strength of it.
        delete_protected: settings.and_then(|settings| settings.delete_protected).unwrap_or(true),
    })
}

#[derive(Serialize)]
struct Request<'a> {
    data: RequestData<'a>,
}

#[derive(Serialize)]
struct RequestData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    r#type: &'static str,
    attributes: RequestAttributes<'a>,
}

#[derive(Serialize)]
struct RequestAttributes<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<Settings>,
}

/// The body that asks for an environment. Protection cannot be asked for: the service always protects.
pub(in crate::honeycomb) fn create_environment(new: &NewEnvironment) -> Vec<u8> {
    let NewEnvironment { name, description, color } = new;
    let attributes = RequestAttributes {
        name: Some(name),
        description: description.as_deref(),
        color: color.map(|color| color.as_str()),
        settings: None,
    };
    bytes(&Request { data: RequestData { id: None, r#type: "environments", attributes } })
}

/// The body that changes what is set.
pub(in crate::honeycomb) fn update_environment(
    id: &EnvironmentId,
    change: &EnvironmentAttributes,
) -> Vec<u8> {
    let EnvironmentAttributes { description, color, delete_protected } = change;
    let attributes = RequestAttributes {
        name: None,
        description: description.as_deref(),
        color: color.map(|color| color.as_str()),
        settings: delete_protected
            .map(|delete_protected| Settings { delete_protected: Some(delete_protected) }),
    };
    bytes(&Request { data: RequestData { id: Some(id.as_str()), r#type: "environments", attributes } })
}

fn bytes(request: &Request<'_>) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "text and flags always have a JSON form")]
    serde_json::to_vec(request).expect("text and flags always have a JSON form")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Color;

    #[test]
    fn what_is_not_said_is_taken_for_the_careful_value() {
        let body = br#"{"data":{"id":"hcxen_1","type":"environments","attributes":
            {"name":"P\u00e4","slug":"p","description":null,"color":"mauve"},"x":1}}"#;
        let live = environment(body).unwrap();
        assert_eq!((live.name.as_str(), live.description.as_str()), ("Pä", ""));
        assert_eq!((live.color, live.delete_protected), (None, true));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (body, expected) in [
            (
                r#"{"data":{"id":"a","attributes":{"slug":"s"}}}"#,
                "field `name` is missing at `data.attributes`",
            ),
            (
                r#"{"data":{"id":"a/b","attributes":{"name":"n","slug":"s"}}}"#,
                "`id` is not an id (an id is 1 to 128 of the characters A-Z a-z 0-9 _ -) at `data`",
            ),
        ] {
            assert_eq!(environment(body.as_bytes()).unwrap_err(), expected);
        }
    }

    #[test]
    fn requests_hold_what_is_set_and_nothing_else() {
        let new = NewEnvironment { name: "Prod".into(), description: None, color: Some(Color::LightRed) };
        assert_eq!(
            String::from_utf8(create_environment(&new)).unwrap(),
            r#"{"data":{"type":"environments","attributes":{"name":"Prod","color":"lightRed"}}}"#
        );
        let id = EnvironmentId::new("hcxen_1").unwrap();
        let change = EnvironmentAttributes { delete_protected: Some(false), ..Default::default() };
        assert_eq!(
            String::from_utf8(update_environment(&id, &change)).unwrap(),
            r#"{"data":{"id":"hcxen_1","type":"environments","attributes":{"settings":{"delete_protected":false}}}}"#
        );
    }
}
