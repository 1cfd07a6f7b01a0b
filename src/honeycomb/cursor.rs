//! Where a list goes on: the cursor in `links.next`, and nothing else of that link.

use url::Url;

/// Takes `page[after]` out of a link (Honeycomb docs: api/pagination), relative or absolute, brackets raw or encoded.
///
/// # Errors
/// A link that leads anywhere but to the same list at the same endpoint, or has no cursor or several. The text says
/// what is wrong with it and quotes nothing.
pub(super) fn cursor(next: &str, endpoint: &Url, path: &str) -> Result<String, &'static str> {
    let link = endpoint.join(path).and_then(|list| list.join(next)).map_err(|_| "is not a link")?;
    if link.origin() != endpoint.origin() {
        return Err("leads to another host");
    }
    if !link.username().is_empty() || link.password().is_some() {
        return Err("has a user name or password");
    }
    if link.path() != path {
        return Err("leads to another path");
    }
    let mut cursors = link.query_pairs().filter(|(name, _)| name == "page[after]").map(|(_, value)| value);
    match (cursors.next(), cursors.next()) {
        (Some(cursor), None) if !cursor.is_empty() => Ok(cursor.into_owned()),
        (Some(_), Some(_)) => Err("has several cursors"),
        _ => Err("has no cursor"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/2/teams/acme/api-keys";

    fn of(next: &str) -> Result<String, &'static str> {
        cursor(next, &Url::parse("https://api.honeycomb.io").unwrap(), PATH)
    }

    #[test]
    fn the_cursor_is_taken_out_of_every_form_of_link() {
        for next in [
            "/2/teams/acme/api-keys?page[after]=a%2Fb%3D&page[size]=20",
            "/2/teams/acme/api-keys?page%5Bsize%5D=20&page%5Bafter%5D=a%2Fb%3D",
            "/2/teams/acme/api-keys?page[after]=a/b=",
            "https://api.honeycomb.io/2/teams/acme/api-keys?page[after]=a/b=#x",
            "https://api.honeycomb.io:443/2/teams/acme/api-keys?page[after]=a/b=",
            "?page[after]=a/b=",
        ] {
            assert_eq!(of(next).as_deref(), Ok("a/b="), "{next}");
        }
    }

    #[test]
    fn links_that_lead_away_are_refused() {
        for (next, problem) in [
            ("https://evil.example/2/teams/acme/api-keys?page[after]=a", "leads to another host"),
            ("//evil.example/2/teams/acme/api-keys?page[after]=a", "leads to another host"),
            ("http://api.honeycomb.io/2/teams/acme/api-keys?page[after]=a", "leads to another host"),
            ("https://api.honeycomb.io:444/2/teams/acme/api-keys?page[after]=a", "leads to another host"),
            ("https://api.honeycomb.io@evil.example/?page[after]=a", "leads to another host"),
            ("javascript:alert(1)", "leads to another host"),
            (
                "https://u:p@api.honeycomb.io/2/teams/acme/api-keys?page[after]=a",
                "has a user name or password",
            ),
            ("/2/teams/other/api-keys?page[after]=a", "leads to another path"),
            ("/2/teams/acme/api-keys/../environments?page[after]=a", "leads to another path"),
            ("https://[", "is not a link"),
            ("/2/teams/acme/api-keys", "has no cursor"),
            ("/2/teams/acme/api-keys?page[after]=", "has no cursor"),
            ("/2/teams/acme/api-keys?page[after]=a&page[after]=b", "has several cursors"),
        ] {
            assert_eq!(of(next), Err(problem), "{next}");
        }
    }
}
