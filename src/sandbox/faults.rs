//! The menu of faults, and which requests they are for.

use std::time::Duration;

use axum::http::Method;

use super::route::Collection;

/// Something that goes wrong, for which requests, and when.
///
/// Reads and prints as `KIND[:METHOD[:COLLECTION]][@N|@N+|%P][=ARG]`, for example `drop-after:POST:api-keys@2`,
/// `status:GET=503-html` or `slow%10=200ms`.
///
/// | kind | effect |
/// |---|---|
/// | `drop-before`, `drop-after` | the connection is cut without an answer; the request was not, or was, carried out |
/// | `status=CODE-SHAPE`, `status-after=CODE-SHAPE` | that answer; the request was not, or was, carried out |
/// | `slow=DURATION` | the request is carried out, the answer comes later |
/// | `truncate=N` | the head of the answer, N bytes of its body, then the connection is cut |
/// | `repeat-cursor`, `no-links` | a page whose `links.next` is the cursor it was asked with; a page without `links` |
/// | `duplicate` | the request is carried out twice, the answer is the first's |
/// | `late=DURATION` | the connection is cut, the request is carried out afterwards |
/// | `stale-list=N` | lists of keys lack the N newest; of environments, where the fault names them |
/// | `skew` | a key is made after a page of keys that is not the last |
///
/// METHOD is `GET`, `POST`, `PATCH`, `DELETE` or `*`; COLLECTION is `api-keys`, `environments`, `auth` or `*`; SHAPE is
/// `html`, `text`, `empty`, `jsonapi`, `problem` or `legacy`. `@N` is the Nth matching request (from 1), `@N+` all from
/// the Nth on, `%P` P percent of them, chosen by the seed; without any of them it is every one. `repeat-cursor`,
/// `no-links`, `stale-list` and `skew` match lists only, `skew` lists of keys only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub(super) kind: Kind,
    pub(super) method: Option<Method>,
    pub(super) collection: Option<Collection>,
    pub(super) when: When,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    DropBefore,
    DropAfter,
    Status(Canned),
    StatusAfter(Canned),
    Slow(Duration),
    Truncate(usize),
    RepeatCursor,
    NoLinks,
    Duplicate,
    Late(Duration),
    StaleList(usize),
    Skew,
}

/// An answer that does not come from the service's logic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Canned {
    pub(super) status: u16,
    pub(super) shape: Shape,
}

/// The form of a canned answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Html,
    Text,
    Empty,
    JsonApi,
    Problem,
    Legacy,
}

impl Kind {
    /// Whether it decides if a request is carried out and answered: a request has only one such fate.
    pub(super) fn is_fate(self) -> bool {
        matches!(
            self,
            Self::DropBefore | Self::DropAfter | Self::Status(_) | Self::StatusAfter(_) | Self::Late(_)
        )
    }

    /// Its name in a tally.
    pub(super) fn name(self) -> String {
        match self {
            Self::DropBefore => "drop-before",
            Self::DropAfter => "drop-after",
            Self::Status(canned) => return format!("status={}", canned.status),
            Self::StatusAfter(canned) => return format!("status-after={}", canned.status),
            Self::Slow(_) => "slow",
            Self::Truncate(_) => "truncate",
            Self::RepeatCursor => "repeat-cursor",
            Self::NoLinks => "no-links",
            Self::Duplicate => "duplicate",
            Self::Late(_) => "late",
            Self::StaleList(_) => "stale-list",
            Self::Skew => "skew",
        }
        .to_owned()
    }
}

/// Which of the matching requests a fault meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Always,
    Only(u64),
    From(u64),
    Percent(u8),
}

impl Fault {
    /// Whether a request is of the fault's method and collection, and a list where the fault is about lists.
    pub(super) fn matches(&self, method: &Method, collection: Collection, is_list: bool) -> bool {
        let of_lists = match self.kind {
            Kind::RepeatCursor | Kind::NoLinks => is_list,
            // Environments only where they are named: a lagging list of keys is the common case.
            Kind::StaleList(_) => {
                is_list && (collection == Collection::ApiKeys || self.collection == Some(collection))
            }
            Kind::Skew => is_list && collection == Collection::ApiKeys,
            Kind::DropBefore
            | Kind::DropAfter
            | Kind::Status(_)
            | Kind::StatusAfter(_)
            | Kind::Slow(_)
            | Kind::Truncate(_)
            | Kind::Duplicate
            | Kind::Late(_) => true,
        };
        of_lists
            && self.method.as_ref().is_none_or(|wanted| wanted == method)
            && self.collection.is_none_or(|wanted| wanted == collection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_match_by_method_collection_and_list() {
        let post: Fault = "drop-after:POST:api-keys".parse().unwrap();
        assert!(post.matches(&Method::POST, Collection::ApiKeys, false));
        assert!(!post.matches(&Method::GET, Collection::ApiKeys, true));
        assert!(!post.matches(&Method::POST, Collection::Environments, false));
        let stale: Fault = "stale-list=1".parse().unwrap();
        assert!(stale.matches(&Method::GET, Collection::ApiKeys, true));
        assert!(!stale.matches(&Method::GET, Collection::ApiKeys, false));
        assert!(!stale.matches(&Method::GET, Collection::Environments, true));
        let stale: Fault = "stale-list:GET:environments=1".parse().unwrap();
        assert!(stale.matches(&Method::GET, Collection::Environments, true));
    }
}
