//! Turns the pages of a list, from the first to the last.

use std::collections::HashSet;

use serde::Deserialize;

use super::call::{Call, Caller};
use super::cursor::cursor;
use super::options::Collection;
use crate::ports::{Failure, ServiceError};

/// Objects per page: the most that is allowed (OpenAPI: `page[size]`).
const PAGE_SIZE: &str = "100";
/// No list is longer, in pages.
const MOST_PAGES: usize = 10_000;

/// A list of the service.
#[derive(Debug, Clone, Copy)]
pub(super) struct List<'a> {
    pub(super) collection: Collection,
    pub(super) path: &'a str,
    /// `filter[type]`, sent with every page: whether `links.next` repeats it is not documented.
    pub(super) filter: Option<&'a str>,
}

/// The `links` of a page. `next` may be null, but not left out: a list that ends by accident would
/// look as if objects were gone.
#[derive(Debug, Deserialize)]
pub(super) struct Links {
    #[serde(deserialize_with = "Option::deserialize")]
    next: Option<String>,
}

/// One page, read.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) links: Links,
}

/// Reads a list to its end; the items come in the service's order and may repeat.
///
/// `read` turns a body into a page, or says what is wrong with it.
///
/// # Errors
/// Any page that cannot be had or read, a link that leads away, a cursor that repeats, too many pages. Never a part
/// of a list.
pub(super) async fn walk<T>(
    caller: &Caller,
    list: List<'_>,
    read: impl Fn(&[u8]) -> Result<Page<T>, String>,
) -> Result<Vec<T>, ServiceError> {
    let mut walk = Walk::default();
    let mut may_restart = true;
    let mut buffer = Vec::new();
    loop {
        match turn(caller, list, &mut walk, &mut buffer, &read).await {
            Ok(true) => {}
            Ok(false) => return Ok(walk.items),
            // Cursors go stale (Honeycomb docs: api/pagination): begin anew, once.
            Err(error) if may_restart && walk.cursor.is_some() && is_about_cursor(&error.failure) => {
                may_restart = false;
                walk = Walk::default();
            }
            Err(error) => return Err(error),
        }
    }
}

struct Walk<T> {
    items: Vec<T>,
    cursor: Option<String>,
    seen: HashSet<String>,
    pages: usize,
}

impl<T> Default for Walk<T> {
    fn default() -> Self {
        Self { items: Vec::new(), cursor: None, seen: HashSet::new(), pages: 0 }
    }
}

/// Reads one page; whether there is another.
async fn turn<T>(
    caller: &Caller,
    list: List<'_>,
    walk: &mut Walk<T>,
    buffer: &mut Vec<u8>,
    read: impl Fn(&[u8]) -> Result<Page<T>, String>,
) -> Result<bool, ServiceError> {
    let mut query = vec![("page[size]", PAGE_SIZE)];
    query.extend(list.filter.map(|filter| ("filter[type]", filter)));
    query.extend(walk.cursor.as_deref().map(|cursor| ("page[after]", cursor)));
    let call = Call::page(list.collection, list.path, &query);
    let status = caller.call(&call, buffer).await?;
    let unreadable = |problem: String| call.error(Failure::Unreadable { status, problem });
    let page = read(buffer).map_err(unreadable)?;
    walk.items.extend(page.items);
    walk.pages += 1;
    let next = match page.links.next.as_deref() {
        None | Some("") => return Ok(false),
        Some(next) => next,
    };
    let next = cursor(next, &caller.shared().endpoint, list.path)
        .map_err(|problem| unreadable(format!("`links.next` {problem}")))?;
    if walk.pages >= MOST_PAGES {
        return Err(unreadable(format!("the list goes on after {MOST_PAGES} pages")));
    }
    if !walk.seen.insert(next.clone()) {
        return Err(unreadable("`links.next` repeats a cursor: the list goes round in circles".into()));
    }
    walk.cursor = Some(next);
    Ok(true)
}

fn is_about_cursor(failure: &Failure) -> bool {
    matches!(failure, Failure::Answered(answer)
        if (400..500).contains(&answer.status) && !matches!(answer.status, 401 | 403 | 429))
}
