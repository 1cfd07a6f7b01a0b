//! SARIF 2.1.0: what deserves a look, on the lines of the configuration. GitHub and others show it as code scanning alerts.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::emit::Subject;
use super::json;
use super::matter::{Level, Matter, Spot, matters};
use crate::model::cut;

/// Characters of a message at most.
const LONGEST: usize = 2_000;

/// The document. Without anything to look at it has no results, which closes the alerts of earlier runs.
pub(super) fn document(subject: &Subject<'_>, config: &str) -> String {
    let matters: Vec<Matter<'_>> = matters(subject).into_iter().filter(|matter| matter.needs_look).collect();
    let rules: BTreeSet<&str> = matters.iter().map(|matter| matter.rule.as_str()).collect();
    let run = RunView {
        tool: ToolView {
            driver: DriverView {
                name: "keycomb",
                semantic_version: env!("CARGO_PKG_VERSION"),
                information_uri: env!("CARGO_PKG_REPOSITORY"),
                rules: rules.iter().map(|rule| RuleView::of(rule)).collect(),
            },
        },
        automation_details: AutomationView {
            id: format!("keycomb/{}/{}/", subject.run().as_str(), subject.team()),
        },
        column_kind: "unicodeCodePoints",
        results: matters.iter().map(|matter| ResultView::of(matter, &rules, config)).collect(),
    };
    let log = LogView {
        schema: "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs: [run],
    };
    json::document(&log)
}

#[derive(Serialize)]
struct LogView<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [RunView<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunView<'a> {
    tool: ToolView<'a>,
    automation_details: AutomationView,
    column_kind: &'static str,
    results: Vec<ResultView<'a>>,
}

#[derive(Serialize)]
struct ToolView<'a> {
    driver: DriverView<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DriverView<'a> {
    name: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<RuleView<'a>>,
}

/// Each command and team has its own set of alerts.
#[derive(Serialize)]
struct AutomationView {
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleView<'a> {
    id: &'a str,
    short_description: TextView,
}

impl<'a> RuleView<'a> {
    fn of(rule: &'a str) -> Self {
        Self { id: rule, short_description: TextView { text: about(rule) } }
    }
}

/// What a rule is about, in a sentence.
fn about(rule: &str) -> String {
    let (family, detail) = rule.split_once('/').unwrap_or((rule, ""));
    let text = match family {
        "blocked" => "An action must not be taken",
        "irreversible" => "An action cannot be undone",
        "stops_working" => "A key that works stops working",
        "wider_permissions" => "A key may do more than before",
        "failed" => "An action failed",
        "in_doubt" => "Nobody can say yet whether an action happened",
        "not_started" => "An action was not begun",
        "interrupted" => "The apply was interrupted",
        "unfolded" => "The sealed file could not be replaced",
        "unsealed" => "A managed key has no entry in the sealed file",
        "missing" => "Something managed is gone from the service",
        "drift" => "Something managed was changed at the service",
        "unfinished" => "A key was never finished",
        "rotation" => "A rotation, or a step of one, waits or is late",
        "unmanaged" => "Something at the service is not declared",
        "external_mismatch" => "A key that is only watched is not what is declared",
        "external_due" => "A key that is only watched is to be replaced",
        "advice" => "Something about the declaration deserves a look",
        other => return format!("Finding of the kind {}", other.replace('_', " ")),
    };
    if detail.is_empty() { text.to_owned() } else { format!("{text} ({})", detail.replace('_', " ")) }
}

#[derive(Serialize)]
struct TextView {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultView<'a> {
    rule_id: &'a str,
    rule_index: usize,
    level: &'static str,
    message: TextView,
    locations: [LocationView; 1],
    partial_fingerprints: FingerprintView,
    properties: PropertiesView<'a>,
}

impl<'a> ResultView<'a> {
    fn of(matter: &'a Matter<'a>, rules: &BTreeSet<&str>, config: &str) -> Self {
        let Spot { file, line, column } = Spot::of(config, matter.origin);
        let address = matter.address.map(ToString::to_string);
        Self {
            rule_id: &matter.rule,
            rule_index: rules.iter().position(|rule| *rule == matter.rule).unwrap_or_default(),
            level: match matter.level {
                Level::Error => "error",
                Level::Warning => "warning",
                Level::Note => "note",
            },
            message: TextView { text: message(matter) },
            locations: [LocationView {
                physical_location: PhysicalView {
                    artifact_location: ArtifactView { uri: uri(&file) },
                    region: RegionView { start_line: line.max(1), start_column: column.max(1) },
                },
            }],
            partial_fingerprints: FingerprintView { matter: fingerprint(matter, address.as_deref()) },
            properties: PropertiesView { address, id: matter.id, verb: matter.verb },
        }
    }
}

/// The sentence, and how to go on.
fn message(matter: &Matter<'_>) -> String {
    let text = unlinked(&cut(&matter.text, LONGEST));
    match matter.help {
        Some(help) => format!("{text}. {}", unlinked(&cut(help, LONGEST))),
        None => text,
    }
}

/// In a message `[words](target)` is a link (SARIF 2.1.0, 3.11.6): nobody's text may make one.
fn unlinked(text: &str) -> String {
    text.replace("](", "]\\u{28}")
}

/// A relative reference: everything but the plainest characters as percent escapes.
fn uri(file: &str) -> String {
    let mut uri = String::with_capacity(file.len());
    for byte in file.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

/// The same for the same matter in the next run, wherever its line has moved and whatever the sentence counts.
fn fingerprint(matter: &Matter<'_>, address: Option<&str>) -> String {
    let parts = [matter.rule.as_str(), address.unwrap_or_default(), matter.id.unwrap_or_default()];
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_string());
        hash.update(" ");
        hash.update(part);
    }
    hash.finalize().iter().take(16).fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LocationView {
    physical_location: PhysicalView,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalView {
    artifact_location: ArtifactView,
    region: RegionView,
}

#[derive(Serialize)]
struct ArtifactView {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RegionView {
    start_line: usize,
    start_column: usize,
}

#[derive(Serialize)]
struct FingerprintView {
    #[serde(rename = "keycomb/v1")]
    matter: String,
}

#[derive(Serialize)]
struct PropertiesView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verb: Option<&'static str>,
}
