//! Readers of the model's own values: colours, permissions, durations, recipients, …

use std::str::FromStr;

use serde_json::json;
use toml::de::DeValue;

use super::collector::Collector;
use super::field::{Field, wrong_type};
use super::place::Place;
use super::suggest;
use crate::model::{
    Color, DRIFT_FIELDS, DriftClass, Endpoint, ExternalKind, Glob, KeyType, Label, OnMissing, Period,
    PeriodError, Permission, Recipient, RecipientError, TeamSlug, Timestamp, Unmanaged, Window, WindowError,
};

/// Reads one of a list of words.
fn choice<T: Copy>(
    value: &DeValue<'_>,
    place: Place,
    (one, many): (&str, &str),
    choices: &[(&str, T)],
    out: &mut Collector,
) -> Option<T> {
    let text = String::read(value, place, out)?;
    let found = choices.iter().find(|(name, _)| *name == text);
    if found.is_none() {
        let help = suggest::help(&text, many, choices.iter().map(|(name, _)| *name));
        out.wrong(place, format!("unknown {one} `{text}`")).label(format!("not a {one}")).help(help);
    }
    found.map(|(_, value)| *value)
}

fn words<T>(choices: &[(&'static str, T)]) -> serde_json::Value {
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    json!({ "type": "string", "enum": names })
}

macro_rules! choice_field {
    ($type:ty, $words:expr, $choices:expr) => {
        impl Field for $type {
            fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
                choice(value, place, $words, &$choices, out)
            }

            fn schema() -> serde_json::Value {
                words(&$choices)
            }
        }
    };
}

choice_field!(KeyType, ("key type", "key types"), named(KeyType::ALL, KeyType::as_str));
choice_field!(Permission, ("permission", "permissions"), named(Permission::ALL, Permission::as_str));
choice_field!(DriftClass, ("class", "classes"), named(DriftClass::ALL, DriftClass::as_str));
choice_field!(ExternalKind, ("kind", "kinds"), named(ExternalKind::ALL, ExternalKind::as_str));
choice_field!(
    Unmanaged,
    ("setting", "settings"),
    [("ignore", Unmanaged::Ignore), ("report", Unmanaged::Report), ("fail", Unmanaged::Fail)]
);
choice_field!(
    OnMissing,
    ("setting", "settings"),
    [("stop", OnMissing::Stop), ("recreate", OnMissing::Recreate)]
);

/// An attribute that can drift.
#[derive(Debug, Clone, Copy)]
pub(super) struct DriftField(pub(super) &'static str);

choice_field!(
    DriftField,
    ("field", "fields"),
    DRIFT_FIELDS.iter().map(|field| (*field, DriftField(field))).collect::<Vec<_>>()
);

impl Field for Glob {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let help = "`*` is any characters, `?` is one, `[ab]` one of these";
        parsed(value, place, ("not a pattern", help), out)
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "minLength": 1, "examples": ["key.production.*"] })
    }
}

/// Where Honeycomb is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Region {
    Us,
    Eu,
}

choice_field!(Region, ("region", "regions"), [("us", Region::Us), ("eu", Region::Eu)]);

fn named<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Vec<(&'static str, T)> {
    all.iter().map(|value| (name(*value), *value)).collect()
}

impl Field for Color {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        if matches!(value, DeValue::String(text) if text == Self::Classic.as_str()) {
            out.wrong(place, "the colour `classic` cannot be chosen").label("read-only").help(
                "it is the service's own mark of a Classic environment; choose another, or leave `color` out",
            );
            return None;
        }
        choice(value, place, ("colour", "colours"), &named(Self::ALL, Self::as_str), out)
    }

    fn schema() -> serde_json::Value {
        words(&named(Self::ALL, Self::as_str))
    }
}

/// Reads a text whose own parser says the form and never repeats the text.
fn parsed<T: FromStr<Err: std::fmt::Display>>(
    value: &DeValue<'_>,
    place: Place,
    (label, help): (&str, &str),
    out: &mut Collector,
) -> Option<T> {
    let text = String::read(value, place, out)?;
    match text.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            out.wrong(place, error.to_string()).label(label).help(help);
            None
        }
    }
}

impl Field for Label {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let text = String::read(value, place, out)?;
        let label = Self::new(text).ok();
        if label.is_none() {
            out.wrong(place, "a name is 1 to 64 of the characters A-Z a-z 0-9 _ -").label("not a name").help(
                "this is the name that these files use for it, without `environment.` or `key.` before it",
            );
        }
        label
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" })
    }
}

impl Field for TeamSlug {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let help = "it is the part after `ui.honeycomb.io/` in the addresses of the team's pages";
        parsed(value, place, ("not a team slug", help), out)
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,128}$" })
    }
}

impl Field for Endpoint {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let help = "Honeycomb's own are chosen by `region`; leave `endpoint` out for them";
        parsed(value, place, ("not an endpoint", help), out)
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "pattern": "^https?://[^/]+$" })
    }
}

impl Field for Period {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        if let DeValue::Integer(number) = value {
            out.wrong(place, "expected a duration, found an integer").label("no unit").help(format!(
                "write it with its unit and in quotes, such as `\"{}d\"`",
                number.as_str().trim_start_matches('-')
            ));
            return None;
        }
        let DeValue::String(text) = value else {
            wrong_type(value, place, "a duration such as \"90d\"", out);
            return None;
        };
        match text.parse() {
            Ok(period) => Some(period),
            Err(error) => {
                let help = match error {
                    PeriodError::Form => {
                        "units are `w`, `d`, `h`, `m` and `s`; months and years have no fixed length"
                    }
                    PeriodError::NotPositive => "write a positive one, such as `\"14d\"`",
                    PeriodError::NotWhole => "the smallest unit is a second, such as `\"90s\"`",
                };
                out.wrong(place, format!("{error}")).label("not a duration").help(help);
                None
            }
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "minLength": 2, "pattern": "[0-9]", "examples": ["90d", "12h", "1d 6h"] })
    }
}

/// A day, from its beginning in UTC, or an instant; in quotes or as TOML's own dates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Date(pub(super) Timestamp);

impl Field for Date {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let text = match value {
            DeValue::String(text) => text.to_string(),
            DeValue::Datetime(date) => date.to_string(),
            _ => {
                wrong_type(value, place, "a date such as \"2026-01-31\"", out);
                return None;
            }
        };
        // Without an offset it is no instant; and a day is written as one, not as a time of that day.
        let day = || text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == "2026-01-31".len());
        let of_day = |day: jiff::civil::Date| day.to_zoned(jiff::tz::TimeZone::UTC).ok();
        let found = text.parse().ok().or_else(|| Some(of_day(day()?)?.timestamp()));
        if found.is_none() {
            out.wrong(place, "this is not a date").label("not a date").help(
                "write a day such as `\"2026-01-31\"`, or an instant such as `\"2026-01-31T08:00:00Z\"`",
            );
        }
        found.map(Self)
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}", "examples": ["2026-01-31"] })
    }
}

impl Field for Window {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let text = String::read(value, place, out)?;
        match text.parse() {
            Ok(window) => Some(window),
            Err(error) => {
                let help = match error {
                    WindowError::Form | WindowError::Day | WindowError::Hours => {
                        "write it as `\"Mon-Fri 09:00-16:00 Europe/Berlin\"`"
                    }
                    WindowError::Backwards => {
                        "hours over midnight are two, of two days: `Mon-Fri 22:00-24:00,00:00-02:00 UTC`"
                    }
                    WindowError::Zone => "the names are those of `timedatectl list-timezones`",
                };
                out.wrong(place, format!("{error}")).label("not a window").help(help);
                None
            }
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "examples": ["Mon-Fri 09:00-16:00 Europe/Berlin"] })
    }
}

impl Field for Recipient {
    fn read(value: &DeValue<'_>, place: Place, out: &mut Collector) -> Option<Self> {
        let text = String::read(value, place, out)?;
        match text.parse() {
            Ok(recipient) => Some(recipient),
            Err(error) => {
                let help = match error {
                    RecipientError::Identity => {
                        "take it out of the file and make a new one: it is no secret any more"
                    }
                    RecipientError::Passphrase => {
                        "make a key pair with `age-keygen` and write its public half here"
                    }
                    RecipientError::Plugin | RecipientError::SshKind | RecipientError::Invalid => {
                        "`age-keygen` prints one after `Public key:`; an SSH one is the line in `~/.ssh/id_ed25519.pub`"
                    }
                };
                out.wrong(place, format!("{error}")).label("not a recipient").help(help);
                None
            }
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "pattern": "^(age1|ssh-ed25519 |ssh-rsa )" })
    }
}
