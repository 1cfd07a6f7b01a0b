//! Turns the pages of a list, from the first to the last.

use std::collections::HashSet;

use serde::Deserialize;
use url::Url;

use super::call::{Call, Caller};
use super::cursor::cursor;
use super::options::Collection;
use crate::ports::{Failure, OPEN, ServiceError};

/// Objects per page: the most that is allowed (OpenAPI: `page[size]`).
const PAGE_SIZE: &str = "100";
/// No list is longer, in pages: they may hold less than was asked for.
const MOST_PAGES: usize = 10_000;
/// No list is longer, in objects.
const MOST_OBJECTS: usize = 200_000;
/// No list is longer, in bytes of all its pages: an object has about 1 kB, and three lists are held at a time.
const LONGEST_LIST: usize = 64 * 1024 * 1024;

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
/// Any page that cannot be had or read, a link that leads away, a cursor that repeats, more than a list can hold. Never
/// a part of a list.
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
            Err(error) if may_restart && !walk.seen.is_empty() && is_about_cursor(&error.failure) => {
                may_restart = false;
                walk = Walk::default();
            }
            Err(error) => return Err(error),
        }
    }
}

/// A list so far.
pub(super) struct Walk<T> {
    pub(super) items: Vec<T>,
    /// Of all pages so far.
    bytes: usize,
    cursor: Option<String>,
    seen: HashSet<String>,
}

impl<T> Default for Walk<T> {
    fn default() -> Self {
        Self { items: Vec::new(), bytes: 0, cursor: None, seen: HashSet::new() }
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
    let cursor = walk.cursor.take();
    let mut query = vec![("page[size]", PAGE_SIZE)];
    query.extend(list.filter.map(|filter| ("filter[type]", filter)));
    query.extend(cursor.as_deref().map(|cursor| ("page[after]", cursor)));
    let call = Call::page(list.collection, list.path, &query);
    let status = caller.call(&call, OPEN, buffer).await?;
    let unreadable = |problem: String| call.error(Failure::Unreadable { status, problem });
    let page = read(buffer).map_err(unreadable)?;
    walk.turn(page, buffer.len(), &caller.shared().endpoint, list.path).map_err(unreadable)
}

impl<T> Walk<T> {
    /// Takes over a page of so many bytes and goes on to the next; `false` at the end.
    pub(super) fn turn(
        &mut self,
        page: Page<T>,
        bytes: usize,
        endpoint: &Url,
        path: &str,
    ) -> Result<bool, String> {
        self.take(page.items, bytes)?;
        self.follow(page.links.next.as_deref(), endpoint, path)
    }

    /// Takes over a page of so many bytes.
    fn take(&mut self, items: Vec<T>, bytes: usize) -> Result<(), String> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.items.len() + items.len() > MOST_OBJECTS {
            return Err(format!("the list has more than {MOST_OBJECTS} objects"));
        }
        if self.bytes > LONGEST_LIST {
            return Err(format!("the list is longer than {LONGEST_LIST} bytes"));
        }
        self.items.extend(items);
        Ok(())
    }

    /// Goes on to where a page's `links.next` leads; `false` at the end.
    fn follow(&mut self, next: Option<&str>, endpoint: &Url, path: &str) -> Result<bool, String> {
        let next = match next {
            None | Some("") => return Ok(false),
            Some(next) => {
                cursor(next, endpoint, path).map_err(|problem| format!("`links.next` {problem}"))?
            }
        };
        if self.seen.contains(&next) {
            return Err("`links.next` repeats a cursor: the list goes round in circles".into());
        }
        if self.seen.len() + 1 >= MOST_PAGES {
            return Err(format!("the list goes on after {MOST_PAGES} pages"));
        }
        self.seen.insert(next.clone());
        self.cursor = Some(next);
        Ok(true)
    }
}

fn is_about_cursor(failure: &Failure) -> bool {
    matches!(failure, Failure::Answered(answer)
        if (400..500).contains(&answer.status) && !matches!(answer.status, 401 | 403 | 429))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/2/teams/acme/api-keys";

    #[test]
    fn a_list_without_end_is_given_up() {
        let endpoint = Url::parse("https://api.honeycomb.io").unwrap();
        let mut walk = Walk::<()>::default();
        let mut follow = |page| walk.follow(Some(&format!("{PATH}?page[after]={page}")), &endpoint, PATH);
        for page in 1..MOST_PAGES {
            assert_eq!(follow(page), Ok(true), "{page}");
        }
        assert_eq!(follow(MOST_PAGES), Err("the list goes on after 10000 pages".into()));
    }

    #[test]
    fn a_list_of_too_much_is_given_up() {
        let page = || vec![(); 100];
        let mut walk = Walk::default();
        for _ in 0..MOST_OBJECTS / 100 {
            assert_eq!(walk.take(page(), 100), Ok(()));
        }
        assert_eq!(walk.take(vec![], 100), Ok(()));
        assert_eq!(walk.take(vec![()], 100), Err("the list has more than 200000 objects".into()));
        let mut walk = Walk::default();
        assert_eq!(walk.take(page(), LONGEST_LIST), Ok(()));
        assert_eq!(walk.take(page(), 1), Err("the list is longer than 67108864 bytes".into()));
    }
}
