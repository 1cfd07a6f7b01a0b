//! Which resource a path names.

/// A group of calls with a budget of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Collection {
    ApiKeys,
    Environments,
    Auth,
}

impl Collection {
    /// The name in paths and fault specs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ApiKeys => "api-keys",
            Self::Environments => "environments",
            Self::Auth => "auth",
        }
    }
}

/// A path the service knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    AuthV1,
    AuthV2,
    Environments { team: String },
    Environment { team: String, id: String },
    Keys { team: String },
    Key { team: String, id: String },
}

impl Route {
    /// Reads a path, without its query. A trailing slash is another path.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let owned = |text: &&str| (*text).to_owned();
        let route = match segments.as_slice() {
            ["1", "auth"] => Self::AuthV1,
            ["2", "auth"] => Self::AuthV2,
            ["2", "teams", team, "environments"] => Self::Environments { team: owned(team) },
            ["2", "teams", team, "environments", id] => {
                Self::Environment { team: owned(team), id: owned(id) }
            }
            ["2", "teams", team, "api-keys"] => Self::Keys { team: owned(team) },
            ["2", "teams", team, "api-keys", id] => Self::Key { team: owned(team), id: owned(id) },
            _ => return None,
        };
        segments.iter().all(|segment| !segment.is_empty()).then_some(route)
    }

    pub(super) fn collection(&self) -> Collection {
        match self {
            Self::AuthV1 | Self::AuthV2 => Collection::Auth,
            Self::Environments { .. } | Self::Environment { .. } => Collection::Environments,
            Self::Keys { .. } | Self::Key { .. } => Collection::ApiKeys,
        }
    }

    /// Whether GET of it is a list.
    pub(super) fn is_collection(&self) -> bool {
        matches!(self, Self::Environments { .. } | Self::Keys { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_paths_are_known() {
        assert_eq!(Route::parse("/1/auth"), Some(Route::AuthV1));
        assert_eq!(Route::parse("/2/auth"), Some(Route::AuthV2));
        assert_eq!(Route::parse("/2/teams/acme/api-keys"), Some(Route::Keys { team: "acme".into() }));
        assert_eq!(
            Route::parse("/2/teams/acme/environments/hcxen_1"),
            Some(Route::Environment { team: "acme".into(), id: "hcxen_1".into() })
        );
        for path in [
            "/",
            "/2/auth/",
            "/2/teams/acme/api-keys/",
            "/2/teams//api-keys",
            "/2/teams/acme/boards",
            "2/auth",
        ] {
            assert_eq!(Route::parse(path), None, "{path}");
        }
    }
}
