//! Compares what the service says with what was asked of it, and with what the plan saw.

use crate::model::{EnvironmentAttributes, LiveEnvironment, LiveKey, brief};
use crate::plan::{Change, environment_value, key_value};
use crate::ports::{CreatedKey, KeyChange, NewKey};

/// What the answer to a request for a key says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Echo {
    /// What was asked for, disabled.
    AsAsked,
    /// Ours, and otherwise than asked in these fields. It is disabled.
    Differs(Vec<&'static str>),
    /// Ours by its name, and enabled: its secret is not sealed yet.
    Enabled,
    /// Not what was asked for by its very name: nothing proves that it is ours.
    Foreign {
        /// Whether it is enabled.
        enabled: bool,
    },
}

/// Step 5: is this the key that was asked for?
///
/// A permission too few is left to the reading back after the release (the answer to the request may leave them
/// out); one too many must not be enabled.
pub(super) fn echo(asked: &NewKey, created: &CreatedKey) -> Echo {
    let CreatedKey { key, secret } = created;
    if key.name != asked.name {
        return Echo::Foreign { enabled: !key.disabled };
    }
    if !key.disabled {
        return Echo::Enabled;
    }
    let differs = [
        ("type", key.key_type != asked.key_type),
        ("environment", key.environment != asked.environment),
        ("permissions", !key.permissions.is_subset(&asked.permissions)),
        // Refused here, for it could not be opened again.
        ("secret", !secret.is_printable()),
    ];
    let fields: Vec<_> =
        differs.into_iter().filter_map(|(field, differs)| differs.then_some(field)).collect();
    if fields.is_empty() { Echo::AsAsked } else { Echo::Differs(fields) }
}

/// The fields of a key that are not as they were asked for.
pub(super) fn key_differs(asked: &KeyChange, live: &LiveKey) -> Vec<&'static str> {
    let KeyChange { name, disabled, permissions } = asked;
    let differs = [
        ("name", name.as_ref().is_some_and(|name| name != &live.name)),
        ("enabled", disabled.is_some_and(|disabled| disabled != live.disabled)),
        ("permissions", permissions.as_ref().is_some_and(|permissions| permissions != &live.permissions)),
    ];
    differs.into_iter().filter_map(|(field, differs)| differs.then_some(field)).collect()
}

/// The attributes of an environment that are not as they were asked for.
pub(super) fn environment_differs(
    asked: &EnvironmentAttributes,
    live: &LiveEnvironment,
) -> Vec<&'static str> {
    let EnvironmentAttributes { description, color, delete_protected } = asked;
    let differs = [
        ("description", description.as_ref().is_some_and(|description| description != &live.description)),
        ("color", color.is_some_and(|color| Some(color) != live.color)),
        ("delete_protected", delete_protected.is_some_and(|protected| protected != live.delete_protected)),
    ];
    differs.into_iter().filter_map(|(field, differs)| differs.then_some(field)).collect()
}

/// What of a key is no longer as the plan saw it: `field` was `before`, is `now`. Empty when all is.
pub(super) fn key_moved(changes: &[Change], live: &LiveKey) -> Vec<String> {
    moved(changes, |field| key_value(field, live))
}

/// What of an environment is no longer as the plan saw it.
pub(super) fn environment_moved(changes: &[Change], live: &LiveEnvironment) -> Vec<String> {
    moved(changes, |field| environment_value(field, live))
}

fn moved(changes: &[Change], now: impl Fn(&str) -> Option<String>) -> Vec<String> {
    changes
        .iter()
        .filter_map(|change| {
            let (before, now) = (change.before.as_ref()?, now(change.field)?);
            let told = || format!("`{}` was `{}`, is `{}`", change.field, one_line(before), one_line(&now));
            (now != *before).then(told)
        })
        .collect()
}

fn one_line(text: &str) -> String {
    brief(&text.lines().collect::<Vec<_>>().join(", ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Color, EnvironmentId, KeyId, KeyType, Permission, Secret};

    fn live() -> LiveKey {
        LiveKey {
            id: KeyId::new("hcxlk_1").unwrap(),
            key_type: KeyType::Configuration,
            name: "n".into(),
            environment: EnvironmentId::new("hcxen_1").unwrap(),
            disabled: true,
            permissions: [Permission::RunQueries, Permission::ManageSlos].into(),
            unknown_permissions: [].into(),
            created: None,
            updated: None,
            editor: None,
        }
    }

    fn asked() -> NewKey {
        NewKey {
            key_type: KeyType::Configuration,
            environment: EnvironmentId::new("hcxen_1").unwrap(),
            name: "n".into(),
            disabled: true,
            permissions: [Permission::RunQueries, Permission::ManageSlos].into(),
        }
    }

    fn echoed(change: impl FnOnce(&mut LiveKey)) -> Echo {
        let mut key = live();
        change(&mut key);
        echo(&asked(), &CreatedKey { key, secret: Secret::new("s".into()) })
    }

    #[test]
    fn step_05_each_field_of_the_answer_counts() {
        assert_eq!(echoed(|_| {}), Echo::AsAsked);
        assert_eq!(echoed(|k| k.permissions.clear()), Echo::AsAsked);
        assert_eq!(echoed(|k| k.disabled = false), Echo::Enabled);
        assert_eq!(echoed(|k| k.name = "N".into()), Echo::Foreign { enabled: false });
        assert_eq!(echoed(|k| k.key_type = KeyType::Ingest), Echo::Differs(vec!["type"]));
        let more = |k: &mut LiveKey| {
            k.permissions.insert(Permission::SendEvents);
        };
        assert_eq!(echoed(more), Echo::Differs(vec!["permissions"]));
        let moved = |k: &mut LiveKey| k.environment = EnvironmentId::new("hcxen_2").unwrap();
        assert_eq!(echoed(moved), Echo::Differs(vec!["environment"]));
        for text in ["", "s s", "s\u{1b}[2J", "é"] {
            let created = CreatedKey { key: live(), secret: Secret::new(text.into()) };
            assert_eq!(echo(&asked(), &created), Echo::Differs(vec!["secret"]), "{text:?}");
        }
    }

    fn change(field: &'static str, before: &str) -> Change {
        Change { field, before: Some(before.into()), after: None, undoes_drift: false }
    }

    #[test]
    fn what_moved_since_the_plan_is_named() {
        let permissions = "manage_slos\nrun_queries";
        let same = [change("name", "n"), change("enabled", "false"), change("permissions", permissions)];
        assert_eq!(key_moved(&same, &live()), Vec::<String>::new());
        assert_eq!(key_moved(&[change("enabled", "true")], &live()), ["`enabled` was `true`, is `false`"]);
        assert_eq!(
            key_moved(&[change("permissions", "run_queries")], &live()),
            ["`permissions` was `run_queries`, is `manage_slos, run_queries`"]
        );
        assert_eq!(key_moved(&[change("owner", "a")], &live()), Vec::<String>::new());
    }

    #[test]
    fn hostile_names_compare_as_they_are_and_are_told_visibly() {
        let mut key = live();
        key.name = "a\u{1b}b".into();
        assert!(key_moved(&[change("name", "a\u{1b}b")], &key).is_empty());
        assert_eq!(key_moved(&[change("name", "ab")], &key), ["`name` was `ab`, is `a\\u{1b}b`"]);
    }

    #[test]
    fn every_attribute_of_an_environment_counts() {
        let mut live = LiveEnvironment {
            id: EnvironmentId::new("hcxen_1").unwrap(),
            name: "n".into(),
            slug: "n".into(),
            description: "one\ntwo".into(),
            color: None,
            delete_protected: true,
        };
        let same = [
            change("description", "one\ntwo"),
            change("color", "(unknown)"),
            change("delete_protected", "true"),
        ];
        assert_eq!(environment_moved(&same, &live), Vec::<String>::new());
        live.description = "two\none".into();
        live.color = Some(Color::Red);
        live.delete_protected = false;
        assert_eq!(
            environment_moved(&same, &live),
            [
                "`description` was `one, two`, is `two, one`",
                "`color` was `(unknown)`, is `red`",
                "`delete_protected` was `true`, is `false`",
            ]
        );
    }
}
