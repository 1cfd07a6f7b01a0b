//! The API's JSON, and how it becomes the model's nouns and back.

mod access;
mod environment;
mod key;
mod mint;
mod proof;

use std::borrow::Cow;

use serde::Deserialize;

use super::json;
use super::pages::{Links, Page};

pub(super) use access::access;
pub(super) use environment::{create_environment, environment, environments, update_environment};
pub(super) use key::{create_key, key, keys, update_key};
pub(super) use mint::created_key;
pub(super) use proof::proof;

/// A text of a body, borrowed where it has no escapes.
#[derive(Debug, Default, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A single object.
#[derive(Debug, Deserialize)]
struct One<T> {
    data: T,
}

#[derive(Debug, Deserialize)]
struct Many<T> {
    data: Vec<T>,
    links: Links,
}

/// A link to another object.
#[derive(Debug, Deserialize)]
struct Related<'a> {
    #[serde(borrow)]
    data: RelatedId<'a>,
}

#[derive(Debug, Deserialize)]
struct RelatedId<'a> {
    #[serde(borrow)]
    id: Text<'a>,
}

/// Reads a page; `read` makes an item of its body, and says what is wrong with one; `held` says about how many bytes
/// an item takes.
fn page<'a, B: Deserialize<'a>, T>(
    body: &'a [u8],
    read: impl Fn(B) -> Result<T, String>,
    held: impl Fn(&T) -> usize,
) -> Result<Page<T>, String> {
    let Many { data, links } = json::read::<Many<B>>(body)?;
    let item = |(index, body)| read(body).map_err(|problem| format!("{problem} at `data[{index}]`"));
    let items: Vec<T> = data.into_iter().enumerate().map(item).collect::<Result<_, _>>()?;
    Ok(Page { held: items.iter().map(held).sum(), items, links })
}

fn one<'a, B: Deserialize<'a>, T>(
    body: &'a [u8],
    read: impl Fn(B) -> Result<T, String>,
) -> Result<T, String> {
    read(json::read::<One<B>>(body)?.data).map_err(|problem| format!("{problem} at `data`"))
}
