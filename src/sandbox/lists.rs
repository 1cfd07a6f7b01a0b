//! The answer of a list, and what faults make of it.

use serde_json::{Map, Value, json};

use super::answer::{Answer, JSON_API};
use super::page::PageQuery;
use super::service::Call;

/// What is wrong with a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ListFaults {
    /// `links.next` is the cursor that the page was asked with.
    pub(super) repeat_cursor: bool,
    /// There is no `links`.
    pub(super) no_links: bool,
    /// So many of the newest are missing.
    pub(super) stale: usize,
    /// Somebody makes a key after the page.
    pub(super) skew: bool,
}

/// A page; `last` is the id of its last thing if there are more.
pub(super) fn answer_list(
    data: Vec<Value>,
    last: Option<&str>,
    page: &PageQuery,
    call: &Call<'_>,
    faults: &ListFaults,
) -> Answer {
    let cursor = page.after.as_deref().filter(|_| faults.repeat_cursor).or(last);
    let next = cursor.map(|id| page.link(call.path, id, call.switches));
    let mut body = Map::new();
    body.insert("data".to_owned(), data.into());
    if !faults.no_links {
        body.insert("links".to_owned(), json!({ "next": next }));
    }
    Answer::json(200, JSON_API, &body.into())
}
