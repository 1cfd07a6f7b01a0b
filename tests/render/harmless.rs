//! Whatever the texts are: nothing reaches the terminal raw, no line is too wide, and the counts are right.

use keycomb::model::{ExternalKind, KeyType, Label, RecipientRef};
use keycomb::plan::{
    Action, Blocked, Change, Finding, FindingKind, LifeStage, Plan, Reason, ReasonCode, SecretEffect,
    Severity, Undo, Verb,
};
use keycomb::render::{ExternalRow, Kind, SecretRow, Sheet, StatusRow, Style, emit, json, text};
use keycomb::report::{Became, Cause, Report, Users};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

use crate::build::{action, drift_hiding, finding, outcome, plan, recipients, report};
use crate::emit::{drift_of, external, rows};
use crate::json::assert_fits;

const VERBS: &[Verb] = &[
    Verb::Create,
    Verb::Release,
    Verb::Update,
    Verb::Enable,
    Verb::Disable,
    Verb::Delete,
    Verb::Replace,
    Verb::Rotate,
    Verb::Adopt,
    Verb::Discard,
];

fn reader(name: &str, fingerprint: &str) -> RecipientRef {
    RecipientRef { name: name.to_owned(), fingerprint: fingerprint.to_owned() }
}

/// Letters, and much of what a terminal would obey or hide.
pub fn hostile() -> impl Strategy<Value = String> {
    let evil = prop::sample::select(
        "\u{1b}\u{7}\r\n\t\u{0}\u{7f}\u{85}\u{9b}\u{9d}\u{ad}\u{61c}\u{200b}\u{200d}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{2069}\u{feff}\u{e0041}\u{fff9}\u{3164}"
            .chars()
            .collect::<Vec<_>>(),
    );
    let letter = prop::sample::select("ab  [2Jm]8;52\"\\`·→東京é🚀".chars().collect::<Vec<_>>());
    let command = prop::sample::select(vec![
        "::error::",
        "::set-output name=a::",
        "##[error]",
        "##vso[",
        "#",
        ":",
        "%0A",
    ]);
    let piece = prop_oneof![
        6 => letter.prop_map(String::from),
        2 => evil.prop_map(String::from),
        2 => any::<char>().prop_map(String::from),
        1 => command.prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn change() -> impl Strategy<Value = Change> {
    let field = prop::sample::select(vec!["name", "permissions", "description", "color"]);
    (field, prop::option::of(hostile()), prop::option::of(hostile()), any::<bool>())
        .prop_map(|(field, before, after, undoes_drift)| Change { field, before, after, undoes_drift })
}

pub fn any_action() -> impl Strategy<Value = Action> {
    let texts = prop::collection::vec(hostile(), 6);
    let label = "[a-z]{1,64}".prop_map(|text| Label::new(text).unwrap());
    let choices = (0..VERBS.len(), 0..5_usize, any::<bool>(), any::<bool>(), any::<bool>(), 1..4_u32);
    (label, texts, prop::collection::vec(change(), 0..4), choices).prop_map(
        |(label, texts, changes, (verb, secret, is_blocked, irreversible, is_key, generation))| {
            let address =
                if is_key { format!("key.production.{label}") } else { format!("environment.{label}") };
            let verb = VERBS[verb];
            let help = texts[1].clone();
            let stop = Blocked { verb, code: "exists", text: texts[0].clone(), help, guard: false };
            let codes = [ReasonCode::Declared, ReasonCode::Undeclared, ReasonCode::Changed];
            let mut made = action(&address, if is_blocked { Verb::Blocked } else { verb });
            made.blocked = is_blocked.then_some(stop);
            made.key_type = is_key.then_some(KeyType::Configuration);
            made.generation = is_key.then_some(generation);
            made.id = Some(texts[2].clone());
            made.name = texts[3].clone();
            made.changes = changes;
            made.reason = Reason { code: codes[secret % 3], text: texts[4].clone(), ..made.reason };
            made.reason.origin.as_mut().unwrap().file = texts[5].clone();
            made.undo = if irreversible { Undo::Irreversible } else { Undo::Reversible };
            made.secret = match secret {
                _ if is_blocked => SecretEffect::None,
                0 => SecretEffect::None,
                1 => SecretEffect::StartsWorking,
                2 => SecretEffect::StopsWorking,
                3 => SecretEffect::Destroyed,
                _ => SecretEffect::Issued { recipients: recipients(&[&texts[0], &texts[1]]) },
            };
            made
        },
    )
}

pub fn any_finding() -> impl Strategy<Value = Finding> {
    let severity = prop::sample::select(vec![Severity::Note, Severity::Warning, Severity::High]);
    (hostile(), hostile(), prop::option::of(hostile()), severity, prop::collection::vec(change(), 0..3))
        .prop_map(|(id, words, help, severity, changes)| Finding {
            id: Some(id),
            help,
            changes,
            ..finding(FindingKind::Drift, severity, Some("key.a.b"), &words)
        })
}

pub fn any_plan() -> impl Strategy<Value = Plan> {
    (prop::collection::vec(any_action(), 0..6), prop::collection::vec(any_finding(), 0..3))
        .prop_map(|(actions, findings)| plan(actions, findings))
}

pub fn any_report() -> impl Strategy<Value = Report> {
    let until = "2026-03-08T12:00:00Z".parse().unwrap();
    let became = (0..8_usize, hostile(), hostile()).prop_map(move |(which, why, help)| match which {
        0 => Became::Done { note: Some(why) },
        1 => Became::Failed { why, help: Some(help), cause: Cause::Service },
        2 => Became::NotStarted { why },
        3 => Became::InDoubt { why, help },
        4 => Became::Done { note: None },
        5 => Became::Staged { until, note: Some(why) },
        6 => Became::Left { why },
        _ => Became::Blocked,
    });
    (prop::collection::vec((became, hostile()), 0..6), prop::option::of(hostile())).prop_map(
        |(rows, unfolded)| {
            let outcomes = rows.into_iter().map(|(became, id)| {
                let mut outcome = outcome("key.production.checkout", Verb::Create, became);
                outcome.id = Some(id);
                outcome
            });
            let users = unfolded.clone().map(|text| Users {
                address: "key.production.checkout".parse().unwrap(),
                environment: text.clone(),
                name: text.clone(),
                owner: Some(text.clone()),
                purpose: Some(text.clone()),
                consumers: vec![text],
            });
            Report { unfolded, users, ..report(outcomes.collect()) }
        },
    )
}

fn any_style() -> impl Strategy<Value = Style> {
    (any::<bool>(), any::<bool>(), 0..140_usize).prop_map(|(color, unicode, width)| Style {
        color,
        unicode,
        width,
    })
}

/// Written apart from `model::visible` on purpose.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' | '\u{3164}')
}

/// Takes out the colours that are ours: `ESC [` digits and semicolons `m`.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut bare = parts.next().unwrap().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('m').expect("an escape sequence that is no colour");
        assert!(code.chars().all(|c| c.is_ascii_digit() || c == ';'), "no colour: {code:?}");
        bare.push_str(rest);
    }
    bare
}

/// What the runners of GitHub, Azure and TeamCity look for: `::` where a line begins, and these anywhere.
fn assert_commands_nothing(line: &str) {
    assert!(!line.trim_start().starts_with("::"), "{line:?}");
    assert!(!["##[", "##vso[", "##teamcity["].iter().any(|word| line.contains(word)), "{line:?}");
}

fn assert_harmless(text: &str, style: &Style) {
    let bare = if style.color { without_colours(text) } else { text.to_owned() };
    let bad: Vec<char> = bare.chars().filter(|c| *c != '\n' && is_dangerous(*c)).collect();
    assert!(bad.is_empty(), "{bad:?} in {text:?}");
    assert!(style.unicode || bare.is_ascii(), "{bare}");
    assert!(bare.ends_with('\n'));
    for line in bare.lines() {
        assert!(line.width() <= style.width.max(40), "{} > {}: {line:?}", line.width(), style.width);
        assert!(!line.ends_with(' '), "{line:?}");
        assert_commands_nothing(line);
    }
    text.lines().for_each(assert_commands_nothing);
}

fn assert_harmless_json(document: &str) {
    assert!(document.chars().all(|c| c == '\n' || !is_dangerous(c)), "{document:?}");
    document.lines().for_each(assert_commands_nothing);
}

/// Every form of a plan, a drift and an apply.
fn assert_forms_are_harmless(plan: &Plan, report: &Report, words: &[String]) {
    let drift = drift_of(plan);
    let mut keys = rows();
    keys[0].id = Some(words[0].clone());
    keys[0].recipients = words.to_vec();
    keys[0].revoked = Some(words[1].clone());
    let mut external = external();
    external[0].owner = Some(words[1].clone());
    external[0].state = words[2].clone();
    let sheets = [
        Sheet { plan: Some(plan), drift: Some(&drift), keys: &keys, external: &external, ..Sheet::default() },
        Sheet { drift: Some(&drift), keys: &keys, ..Sheet::default() },
        Sheet { plan: Some(plan), report: Some(report), ..Sheet::default() },
    ];
    for kind in Kind::ALL {
        for sheet in &sheets {
            let Some(text) = emit(*kind, sheet) else { continue };
            let bad: Vec<char> = text.chars().filter(|c| *c != '\n' && is_dangerous(*c)).collect();
            assert!(bad.is_empty(), "{}: {bad:?} in {text:?}", kind.as_str());
            assert!(text.ends_with('\n'), "{}", kind.as_str());
            match kind {
                // These are commands, and nothing else is.
                Kind::GithubAnnotations => text.lines().for_each(|line| {
                    crate::emit::parse_annotation(line);
                }),
                _ => text.lines().for_each(assert_commands_nothing),
            }
            match kind {
                Kind::Sarif => drop(crate::emit::assert_sarif(&text)),
                Kind::Junit => drop(roxmltree::Document::parse(&text).unwrap()),
                Kind::Openmetrics => drop(crate::emit::samples(&text)),
                Kind::TerraformPlanJson | Kind::GitlabReport => {
                    drop(serde_json::from_str::<serde_json::Value>(&text).unwrap());
                }
                _ => {}
            }
        }
    }
}

/// The counts of the last lines, read by somebody who knows nothing of `Summary`.
fn counted(text: &str, what: &str) -> usize {
    let summary = text.split("Plan: ").last().unwrap();
    let parts = summary.split([',', '·', '\n']).map(str::trim);
    let number = parts.filter_map(|part| part.split_once(' ')).find(|(_, words)| words.starts_with(what));
    number.map_or(0, |(number, _)| number.parse().unwrap())
}

/// A hundred thousand characters, of the worst and of the widest kind.
#[test]
fn endless_names_are_cut_in_text_and_whole_in_json() {
    for endless in
        ["\u{1b}", "東", "a ", "##[", "a\u{301}"].map(|piece| piece.repeat(100_000 / piece.chars().count()))
    {
        let changes = vec![
            Change { field: "name", before: None, after: Some(endless.clone()), undoes_drift: false },
            Change {
                field: "description",
                before: Some(endless.clone()),
                after: Some(format!("{endless}\n.")),
                undoes_drift: false,
            },
        ];
        let mut made = action("key.production.checkout", Verb::Update);
        made.name = endless.clone();
        made.changes = changes;
        let plan =
            plan(vec![made], vec![finding(FindingKind::Drift, Severity::High, Some("key.a.b"), &endless)]);
        for style in [40, 100].map(|width| Style { color: false, unicode: true, width }) {
            let text = text::plan(&plan, &style);
            assert_harmless(&text, &style);
            assert!(text.len() < 200_000 && text.lines().count() < 4_000, "{} bytes", text.len());
            assert!(text.contains("… ("), "{text}");
        }
        let document = json::plan(&plan);
        assert_harmless_json(&document);
        let read: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!(read["actions"][0]["name"], endless.as_str());
    }
}

proptest! {
    // Each case is read back by six parsers.
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_form_is_harmless(plan in any_plan(), report in any_report(), words in prop::collection::vec(hostile(), 3)) {
        assert_forms_are_harmless(&plan, &report, &words);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn plans_are_harmless(plan in any_plan(), words in hostile(), style in any_style()) {
        assert_harmless(&text::plan(&plan, &style), &style);
        assert_harmless(&text::drift(&drift_hiding(plan.findings.clone(), &words), &style), &style);
        let document = json::plan(&plan);
        assert_harmless_json(&document);
        assert_fits("plan", &document);
        let document = json::drift(&drift_hiding(plan.findings, &words));
        assert_harmless_json(&document);
        assert_fits("drift", &document);
    }

    #[test]
    fn reports_are_harmless(report in any_report(), style in any_style()) {
        assert_harmless(&text::report(&report, None, &style), &style);
        assert_harmless_json(&json::report(&report));
    }

    #[test]
    fn tables_are_harmless(words in prop::collection::vec(hostile(), 4), style in any_style()) {
        let row = StatusRow {
            address: "key.production.checkout".parse().unwrap(),
            id: Some(words[0].clone()),
            key_type: KeyType::Ingest,
            age: None,
            generation: Some(1),
            phase: LifeStage::Live,
            recipients: vec![words[2].clone()],
            next: None,
            revoked: Some(words[3].clone()),
            more: keycomb::render::KeyMore::default(),
        };
        let secret = SecretRow {
            address: row.address.clone(),
            generation: 1,
            id: words[0].clone(),
            state: words[1].clone(),
            recipients: words.clone(),
            sealed: true,
            still_opened_by: words.iter().map(|word| reader(word, "f1")).collect(),
            formerly: words.iter().map(|word| reader(word, "f2")).collect(),
            // Namesakes, so that fingerprints are shown, too.
            declared: words.iter().map(|word| reader(word, "f3")).collect(),
        };
        let used = keycomb::render::VerifyRow {
            address: row.address.clone(),
            generation: 1,
            id: words[0].clone(),
            state: "live",
            result: keycomb::render::Verified::OtherKey,
            is_failed: true,
            detail: Some(words[1].clone()),
        };
        assert_harmless(&text::verified(&[used], &style), &style);
        assert_harmless(&text::status(std::slice::from_ref(&row), &style), &style);
        assert_harmless(&text::secrets(std::slice::from_ref(&secret), &style), &style);
        let external = ExternalRow {
            label: Label::new("a").unwrap(),
            kind: ExternalKind::Other,
            owner: Some(words[0].clone()),
            age: None,
            state: words[1].clone(),
            due: None,
            severity: None,
        };
        assert_harmless(&text::external(std::slice::from_ref(&external), &style), &style);
        assert_harmless_json(&json::status(&[row], &[external]));
        assert_harmless_json(&json::secrets(&[secret]));
    }

    #[test]
    fn the_summary_counts_the_actions(plan in any_plan()) {
        let text = text::plan(&plan, &Style { color: false, unicode: true, width: 100 });
        if plan.is_empty() {
            prop_assert!(text.contains("No changes: the service is as declared."));
            return Ok(());
        }
        let count = |is: &dyn Fn(&Action) -> bool| plan.actions.iter().filter(|a| is(a)).count();
        for verb in VERBS {
            prop_assert_eq!(counted(&text, &format!("to {}", verb.as_str())), count(&|a| a.verb == *verb));
        }
        prop_assert_eq!(counted(&text, "blocked"), count(&|a| a.verb == Verb::Blocked));
        let issued = count(&|a| matches!(a.secret, SecretEffect::Issued { .. }));
        prop_assert_eq!(counted(&text, "secret"), issued);
        prop_assert_eq!(counted(&text, "key"), count(&|a| a.secret == SecretEffect::StopsWorking));
        prop_assert_eq!(counted(&text, "finding"), plan.findings.len());
    }
}
