//! The page: its bytes, and that nothing but our own markup is in it. How it looks is for `tests/html`.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use keycomb::plan::{Action, Ahead, Drift, Finding, Plan, SecretEffect, Verb};
use keycomb::render::{KeyMore, Kind, Sheet, StatusRow, emit};
use keycomb::report::Report;
use proptest::prelude::*;

use crate::build::{action, drift, from_to, now, plan, recipients, set};
use crate::everything::{every_outcome, everything};
use crate::tables::{external_rows, status_rows};

/// Elements that the page is made of.
const ELEMENTS: &[&str] = &[
    "html", "head", "meta", "title", "link", "style", "body", "header", "nav", "main", "section", "footer",
    "p", "span", "h1", "h2", "h3", "a", "dl", "dt", "dd", "div", "ol", "ul", "li", "code", "bdi", "strong",
    "del", "ins", "br", "time", "details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td",
    "svg", "path", "circle",
];
/// Elements without an end.
const EMPTY: &[&str] = &["meta", "link", "br"];
const ATTRIBUTES: &[&str] = &[
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "rel",
    "href",
    "class",
    "id",
    "title",
    "scope",
    "colspan",
    "datetime",
    "open",
    "aria-hidden",
    "aria-label",
    "aria-labelledby",
    "viewBox",
    "preserveAspectRatio",
    "width",
    "height",
    "d",
    "cx",
    "cy",
    "r",
];

pub fn page(sheet: &Sheet<'_>) -> String {
    emit(Kind::Html, sheet).unwrap()
}

/// Reads a page more strictly than a browser would: known elements, each attribute known, quoted and there once, every
/// element ended in its turn, no bracket in a text. Gives the texts.
pub fn assert_ours(page: &str) -> String {
    let mut rest = page.strip_prefix("<!DOCTYPE html>").unwrap();
    let (mut open, mut texts) = (vec![], String::new());
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        assert!(!text.contains('>'), "{text:?}");
        texts += text;
        let end = at + rest[at..].find('>').expect("a tag has an end");
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "ended out of turn");
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(ELEMENTS.contains(&name), "<{name}> is not ours");
        assert_attributes(attributes);
        if !EMPTY.contains(&name) {
            open.push(name);
        }
        if name == "style" {
            rest = &rest[rest.find("</style>").unwrap()..];
        }
    }
    assert_eq!((open, rest), (vec![], "\n"));
    texts
}

fn assert_attributes(text: &str) {
    let (mut rest, mut seen) = (text, BTreeSet::new());
    while !rest.is_empty() {
        let length = rest.find(['=', ' ']).unwrap_or(rest.len());
        let name = &rest[..length];
        assert!(ATTRIBUTES.contains(&name) && seen.insert(name), "{name} in {text:?}");
        rest = &rest[length..];
        if let Some(value) = rest.strip_prefix("=\"") {
            let end = value.find('"').expect("a value has an end");
            rest = &value[end + 1..];
        }
        rest = rest.strip_prefix(' ').unwrap_or(rest);
    }
}

fn small() -> (Plan, Vec<StatusRow>) {
    let mut update = action("key.production.checkout", Verb::Update);
    update.changes = vec![from_to("permissions", "run_queries", "manage_slos\nrun_queries")];
    let mut create = action("key.staging.web", Verb::Create);
    create.changes = vec![set("permissions", "create_datasets")];
    create.secret = SecretEffect::Issued { recipients: recipients(&["ops"]) };
    let mut rows = status_rows();
    rows[0].more = KeyMore {
        name: "checkout collectors".into(),
        permissions: vec![keycomb::model::Permission::CreateDatasets],
        unknown_permissions: vec![],
        enabled: true,
        owner: Some("team-checkout".into()),
        ahead: vec![
            Ahead { at: "2026-03-11T08:00:00Z".parse().unwrap(), verb: Verb::Rotate, generation: 2 },
            Ahead { at: "2026-03-18T08:00:00Z".parse().unwrap(), verb: Verb::Disable, generation: 1 },
            Ahead { at: "2026-04-01T08:00:00Z".parse().unwrap(), verb: Verb::Delete, generation: 1 },
        ],
    };
    (plan(vec![update, create], everything().findings), rows)
}

#[test]
fn a_small_plan_as_a_page() {
    let (plan, rows) = small();
    let page =
        page(&Sheet { plan: Some(&plan), keys: &rows, external: &external_rows(), ..Sheet::default() });
    assert_ours(&page);
    let (before, rest) = page.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    // One element a line, and without the looks: a difference is to be read.
    let lines = format!("{before}{after}").replace('<', "\n<").replace("\n</", "</");
    insta::with_settings!({ filters => vec![("sha256-[A-Za-z0-9+/=]+", "sha256-…")] }, {
        assert_snapshot!(lines.trim_start());
    });
}

#[test]
fn what_was_lifted_stands_at_the_top() {
    let (mut plan, _) = small();
    plan.header.terms.allow.delete = Some(50);
    plan.header.terms.allow.addresses.insert("key.prod.x".parse().unwrap());
    let page = page(&Sheet { plan: Some(&plan), ..Sheet::default() });
    assert_ours(&page);
    assert!(page.contains("Guards lifted: <code>delete=50</code>, <code>key.prod.x</code>"), "{page}");
}

#[test]
fn the_same_sheet_gives_the_same_bytes_and_asks_nobody() {
    let (plan, rows) = small();
    let drift = Drift { summary: plan.summary.clone(), ..drift(plan.findings.clone()) };
    let sheet = Sheet { plan: Some(&plan), drift: Some(&drift), keys: &rows, ..Sheet::default() };
    let first = page(&sheet);
    assert_eq!(first, page(&sheet));
    assert!(!first.contains("url(") && !first.contains("@import") && !first.contains("src="), "{first}");
    let links: Vec<&str> = first.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(links.iter().all(|link| link.starts_with('#') || *link == "data:,"), "{links:?}");
    for link in links.iter().filter_map(|link| link.strip_prefix('#')) {
        assert!(first.contains(&format!("id=\"{link}\"")), "{link} leads nowhere");
    }
}

#[test]
fn the_policy_lets_in_this_style_and_nothing_else() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let page = page(&Sheet { plan: Some(&everything()), ..Sheet::default() });
    let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style));
    let policy = format!(
        "content=\"default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'\""
    );
    assert!(page.contains(&policy), "{page}");
    assert!(style.is_ascii() || page.contains("<meta charset=\"utf-8\">"));
}

#[test]
fn what_was_not_read_is_said() {
    let told = |sheet: &Sheet<'_>| assert_ours(&page(sheet));
    let (plan, report) = every_outcome();
    let saved = told(&Sheet { plan: Some(&plan), ..Sheet::default() });
    assert!(saved.contains("The keys are not part of this plan"), "{saved}");
    let applied = told(&Sheet { plan: Some(&plan), report: Some(&report), ..Sheet::default() });
    assert!(applied.contains("The keys were not read again after this apply"), "{applied}");
    let mut none = self::plan(vec![], vec![]);
    none.header.declared = (0, 0);
    let none = told(&Sheet { plan: Some(&none), ..Sheet::default() });
    assert!(none.contains("No key is declared, and none is managed."), "{none}");
    assert_eq!(emit(Kind::Html, &Sheet::default()), None);
}

#[test]
fn every_action_and_outcome_is_told() {
    let (plan, report) = every_outcome();
    let told = assert_ours(&page(&Sheet { plan: Some(&plan), report: Some(&report), ..Sheet::default() }));
    for action in &plan.actions {
        assert!(told.contains(&action.address.to_string()), "{}", action.address);
    }
    for words in [
        "✗ failed",
        "? in doubt",
        "○ not started",
        "! blocked",
        "it was already so",
        "No space left on device",
    ] {
        assert!(told.contains(words), "{words}\n{told}");
    }
    let before = self::plan(vec![], vec![]);
    assert!(page(&Sheet { plan: Some(&before), ..Sheet::default() }).contains("Nothing is to be done."));
}

/// What a browser would carry out, if it were let.
fn hostile() -> impl Strategy<Value = String> {
    let markup = prop::sample::select(vec![
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "\"><b>",
        "' onmouseover='alert(1)",
        "</style>",
        "</title>",
        "<!--",
        "-->",
        "]]>",
        "&lt;",
        "&#x3c;",
        "<",
        ">",
        "\"",
        "'",
        "&",
        "`",
        "javascript:alert(1)",
        "</bdi>",
        "<svg/onload=alert(1)>",
        "\u{202e}",
        "\u{2066}",
        "\u{200b}",
        "\u{1b}[31m",
        "\r\n",
        "\u{0}",
        "مفتاح",
        "🚀",
        "ab ",
    ]);
    prop::collection::vec(markup, 0..12).prop_map(|pieces| pieces.concat())
}

fn ugly(texts: &[String]) -> (Plan, Report, Vec<StatusRow>) {
    let text = |n: usize| texts[n % texts.len()].clone();
    let (mut plan, mut report) = every_outcome();
    for (n, Action { name, id, changes, reason, secret, blocked, .. }) in plan.actions.iter_mut().enumerate()
    {
        (*name, *id, reason.text) = (text(n), Some(text(n + 1)), text(n + 2));
        if let Some(origin) = &mut reason.origin {
            origin.file = text(n + 3);
        }
        for (m, change) in changes.iter_mut().enumerate() {
            (change.before, change.after) = (Some(text(n + m)), Some(text(n + m + 1)));
        }
        if let SecretEffect::Issued { recipients } = secret {
            for (recipient, text) in recipients.iter_mut().zip(texts) {
                recipient.name = text.clone();
            }
        }
        if let Some(blocked) = blocked {
            (blocked.text, blocked.help) = (text(n), text(n + 1));
        }
    }
    for Finding { id, text: told, help, changes, .. } in &mut plan.findings {
        (*id, *told, *help) = (Some(text(0)), text(1), Some(text(2)));
        for change in changes {
            (change.before, change.after) = (Some(text(3)), Some(text(4)));
        }
    }
    for outcome in &mut report.outcomes {
        use keycomb::report::Became::{Done, Failed, InDoubt, Left, NotStarted};
        match &mut outcome.became {
            Failed { why, help, .. } => (*why, *help) = (text(0), Some(text(1))),
            InDoubt { why, help } => (*why, *help) = (text(1), text(2)),
            NotStarted { why } | Left { why } => *why = text(2),
            Done { note } => *note = Some(text(3)),
            _ => {}
        }
    }
    report.unfolded = Some(text(4));
    let mut rows = status_rows();
    for row in &mut rows {
        (row.id, row.recipients, row.revoked) = (Some(text(0)), texts.to_vec(), Some(text(1)));
        row.more = KeyMore {
            name: text(2),
            unknown_permissions: texts.to_vec(),
            owner: Some(text(3)),
            ahead: vec![Ahead { at: now(), verb: Verb::Delete, generation: 1 }],
            ..KeyMore::default()
        };
    }
    (plan, report, rows)
}

fn is_hidden(c: char) -> bool {
    c.is_control() && c != '\n'
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_markup(texts in prop::collection::vec(hostile(), 5)) {
        let (plan, report, keys) = ugly(&texts);
        let mut external = external_rows();
        for row in &mut external {
            (row.owner, row.state) = (Some(texts[0].clone()), texts[1].clone());
        }
        let drift = Drift { summary: plan.summary.clone(), ..drift(plan.findings.clone()) };
        let sheet = Sheet { plan: Some(&plan), drift: Some(&drift), keys: &keys, external: &external, ..Sheet::default() };
        for sheet in [sheet, Sheet { report: Some(&report), ..sheet }, Sheet { plan: None, ..sheet }] {
            let page = page(&sheet);
            assert_ours(&page);
            let bad: Vec<char> = page.split("</style>").nth(1).unwrap().chars().filter(|c| is_hidden(*c)).collect();
            prop_assert!(bad.is_empty(), "{bad:?}");
        }
    }
}
