//! Where the service's documentation is silent or speaks twice, both readings, to choose from.

use super::spec::SpecError;

/// The form of `Retry-After` on a 429.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetryAfterForm {
    /// `Fri, 22 Mar 2024 18:37:53 GMT`, as documented (Honeycomb docs: api/rate-limit).
    #[default]
    HttpDate,
    /// Seconds from now.
    Seconds,
    /// `2024-03-22T18:37:53Z`, as the service did until mid-2025 (terraform-provider-honeycombio, pull request 686).
    Rfc3339,
    /// No header: most 429 responses have one, not all (Honeycomb docs: api/rate-limit).
    Absent,
}

/// What becomes of a field that a PATCH may not change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IgnoreOrRefuse {
    /// Nothing changes, 200.
    #[default]
    Ignore,
    /// 422.
    Refuse,
}

/// What becomes of a field whose place in a PATCH is undocumented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HonourOrIgnore {
    /// It is changed.
    #[default]
    Honour,
    /// Nothing changes, 200.
    Ignore,
}

/// What stands for `creator` and `editor` of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RelationshipForm {
    /// The names are left out.
    Absent,
    /// `null` in place of the relationship object.
    #[default]
    Null,
    /// A relationship to a user.
    User,
}

/// The open questions of the emulator. The default is the likelier reading of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// Spell the header `RateLimitPolicy` (the OpenAPI document) instead of `RateLimit-Policy` (the docs).
    pub policy_header_without_hyphen: bool,
    /// The form of `Retry-After`.
    pub retry_after: RetryAfterForm,
    /// Whether `links.next` repeats `filter[type]`. Default: true.
    pub filter_in_next: bool,
    /// Whether `links.next` writes `%5B` and `%5D` for the brackets.
    pub encode_brackets: bool,
    /// What POST of a key into an unknown environment answers: 404 (default) or 422.
    pub unknown_environment_status: u16,
    /// What PATCH of the permissions of an ingest key does.
    pub ingest_permission_patch: IgnoreOrRefuse,
    /// What PATCH of `manage_signals` does; the OpenAPI document has it in the POST schema only.
    pub manage_signals_patch: HonourOrIgnore,
    /// Whether creating an environment also creates a configuration key in it, as the web interface does.
    pub key_with_new_environment: bool,
    /// What stands for `creator` and `editor`.
    pub relationship_form: RelationshipForm,
    /// Answer 401 on `/2/...` with `{"error": ...}` instead of JSON:API.
    pub legacy_unauthorized: bool,
    /// The team is barred from the Management API: 403 on every `/2/...` call, with `{"error": ...}`.
    pub barred_team: bool,
    /// A service that does not honour `disabled: true` in POST: the key is enabled, and the answer says so.
    pub ignore_disabled_on_create: bool,
    /// As `ignore_disabled_on_create`, but the answer claims `disabled: true`.
    pub lie_about_disabled: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            policy_header_without_hyphen: false,
            retry_after: RetryAfterForm::default(),
            filter_in_next: true,
            encode_brackets: false,
            unknown_environment_status: 404,
            ingest_permission_patch: IgnoreOrRefuse::default(),
            manage_signals_patch: HonourOrIgnore::default(),
            key_with_new_environment: false,
            relationship_form: RelationshipForm::default(),
            legacy_unauthorized: false,
            barred_team: false,
            ignore_disabled_on_create: false,
            lie_about_disabled: false,
        }
    }
}

const NAMES: [&str; 13] = [
    "policy_header_without_hyphen",
    "retry_after",
    "filter_in_next",
    "encode_brackets",
    "unknown_environment_status",
    "ingest_permission_patch",
    "manage_signals_patch",
    "key_with_new_environment",
    "relationship_form",
    "legacy_unauthorized",
    "barred_team",
    "ignore_disabled_on_create",
    "lie_about_disabled",
];

impl Switches {
    /// Sets one switch from `NAME=VALUE`. Names are those of the fields, with `_` or `-`; values are the variants in
    /// lower case (`http-date`, `seconds`, `rfc3339`, `absent`, `ignore`, `refuse`, `honour`, `null`, `user`), `true`,
    /// `false`, or a status.
    ///
    /// # Errors
    ///
    /// [`SpecError::UnknownSwitch`] for a name that is none of the fields, [`SpecError::BadPart`] for a value that
    /// does not fit, or no `=`.
    pub fn set(&mut self, assignment: &str) -> Result<(), SpecError> {
        let Some((name, value)) = assignment.split_once('=') else {
            return Err(bad("switch", assignment, "of the form NAME=VALUE"));
        };
        match name.replace('-', "_").as_str() {
            "policy_header_without_hyphen" => self.policy_header_without_hyphen = yes_or_no(value)?,
            "retry_after" => self.retry_after = retry_after(value)?,
            "filter_in_next" => self.filter_in_next = yes_or_no(value)?,
            "encode_brackets" => self.encode_brackets = yes_or_no(value)?,
            "unknown_environment_status" => {
                self.unknown_environment_status = environment_status(value)?;
            }
            "ingest_permission_patch" => self.ingest_permission_patch = ignore_or_refuse(value)?,
            "manage_signals_patch" => self.manage_signals_patch = honour_or_ignore(value)?,
            "key_with_new_environment" => self.key_with_new_environment = yes_or_no(value)?,
            "relationship_form" => self.relationship_form = relationship_form(value)?,
            "legacy_unauthorized" => self.legacy_unauthorized = yes_or_no(value)?,
            "barred_team" => self.barred_team = yes_or_no(value)?,
            "ignore_disabled_on_create" => self.ignore_disabled_on_create = yes_or_no(value)?,
            "lie_about_disabled" => self.lie_about_disabled = yes_or_no(value)?,
            _ => {
                return Err(SpecError::UnknownSwitch { found: name.to_owned(), expected: NAMES.to_vec() });
            }
        }
        Ok(())
    }
}

fn bad(part: &'static str, found: &str, expected: &'static str) -> SpecError {
    SpecError::BadPart { part, found: found.to_owned(), expected }
}

fn yes_or_no(value: &str) -> Result<bool, SpecError> {
    value.parse().map_err(|_| bad("value", value, "`true` or `false`"))
}

fn retry_after(value: &str) -> Result<RetryAfterForm, SpecError> {
    match value {
        "http-date" => Ok(RetryAfterForm::HttpDate),
        "seconds" => Ok(RetryAfterForm::Seconds),
        "rfc3339" => Ok(RetryAfterForm::Rfc3339),
        "absent" => Ok(RetryAfterForm::Absent),
        _ => Err(bad("value", value, "`http-date`, `seconds`, `rfc3339` or `absent`")),
    }
}

fn environment_status(value: &str) -> Result<u16, SpecError> {
    match value {
        "404" => Ok(404),
        "422" => Ok(422),
        _ => Err(bad("value", value, "`404` or `422`")),
    }
}

fn ignore_or_refuse(value: &str) -> Result<IgnoreOrRefuse, SpecError> {
    match value {
        "ignore" => Ok(IgnoreOrRefuse::Ignore),
        "refuse" => Ok(IgnoreOrRefuse::Refuse),
        _ => Err(bad("value", value, "`ignore` or `refuse`")),
    }
}

fn honour_or_ignore(value: &str) -> Result<HonourOrIgnore, SpecError> {
    match value {
        "honour" => Ok(HonourOrIgnore::Honour),
        "ignore" => Ok(HonourOrIgnore::Ignore),
        _ => Err(bad("value", value, "`honour` or `ignore`")),
    }
}

fn relationship_form(value: &str) -> Result<RelationshipForm, SpecError> {
    match value {
        "absent" => Ok(RelationshipForm::Absent),
        "null" => Ok(RelationshipForm::Null),
        "user" => Ok(RelationshipForm::User),
        _ => Err(bad("value", value, "`absent`, `null` or `user`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_can_be_set_and_changes_something() {
        let values = [
            "true", "seconds", "false", "true", "422", "refuse", "ignore", "true", "user", "true", "true",
            "true", "true",
        ];
        for (name, value) in NAMES.iter().zip(values) {
            let mut switches = Switches::default();
            switches.set(&format!("{name}={value}")).unwrap();
            assert_ne!(switches, Switches::default(), "{name}");
            let mut kebab = Switches::default();
            kebab.set(&format!("{}={value}", name.replace('_', "-"))).unwrap();
            assert_eq!(kebab, switches, "{name}");
            assert!(switches.set(&format!("{name}=perhaps")).is_err(), "{name}");
        }
    }

    #[test]
    fn unknown_switches_and_forms_are_refused() {
        let mut switches = Switches::default();
        assert!(matches!(switches.set("colour=red"), Err(SpecError::UnknownSwitch { .. })));
        assert!(matches!(switches.set("barred_team"), Err(SpecError::BadPart { .. })));
        assert_eq!(switches, Switches::default());
    }
}
