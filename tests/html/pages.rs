//! Pages of made-up sheets: the worst, the emptiest, the largest.

use std::time::Duration;

use keycomb::model::{ExternalKind, KeyType, Label, Permission};
use keycomb::plan::{Ahead, FindingKind, LifeStage, Next, Plan, SecretEffect, Severity, Undo, Verb};
use keycomb::render::{ExternalRow, KeyMore, Kind, Sheet, StatusRow, emit};

use crate::browser::Browser;
use crate::build::{action, blocked, finding, from_to, now, plan, recipients, set};
use crate::everything::{every_outcome, everything};
use crate::look::{look, look_everywhere, written};

/// Right to left, invisible, endless, and markup.
const UGLY: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "مفتاح الإنتاج للدفع الإلكتروني",
    "\u{202e}fdp.exe\u{202c} \u{2066}\u{200b}",
    "👩‍👩‍👧‍👦🏳️‍🌈🚀 決済サービスの収集器",
    "averylongnamewithoutanyspacewhatsoeverthatgoesonandonandonandonandonandonandonandonandonandonandonan",
    "</style></title><!-- ]]> &amp; &#x3c;b&#x3e;",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘",
    "a\nb\r\nc\td\u{0}\u{1b}[31m",
];

/// Labels have a hundred characters at most, of few kinds: the longest is as ugly as they get.
fn long_label(n: usize) -> String {
    format!("{}{n}", "w".repeat(60))
}

fn row(environment: &str, key: &str, n: usize) -> StatusRow {
    let stages = [LifeStage::Live, LifeStage::Overlap, LifeStage::Quarantine, LifeStage::Missing];
    let phase = if n.is_multiple_of(9) { stages[n / 9 % 4] } else { LifeStage::Live };
    let at = now().checked_add(Duration::from_secs(n as u64 * 37 % 90 * 86_400)).unwrap();
    let verb = match phase {
        LifeStage::Live => Verb::Rotate,
        LifeStage::Overlap => Verb::Disable,
        _ => Verb::Delete,
    };
    let generation = u32::try_from(n % 4 + 1).unwrap();
    let step = |days: u64, verb, generation| Ahead {
        at: at.checked_add(Duration::from_secs(days * 86_400)).unwrap(),
        verb,
        generation,
    };
    let ahead = match verb {
        Verb::Rotate => vec![step(0, verb, generation + 1), step(7, Verb::Disable, generation)],
        verb => vec![step(0, verb, generation)],
    };
    StatusRow {
        address: format!("key.{environment}.{key}").parse().unwrap(),
        id: Some(format!("hcxik_{n:026}")),
        key_type: KeyType::ALL[n % 2],
        age: Some(Duration::from_secs(n as u64 * 86_400 % 9_000_000)),
        generation: Some(generation),
        phase,
        recipients: vec!["ops".into()],
        next: (phase != LifeStage::Missing).then_some(Next { verb, at: Some(at) }),
        revoked: None,
        more: KeyMore {
            name: key.into(),
            permissions: Permission::of(KeyType::ALL[n % 2]).take(n % 5).collect(),
            unknown_permissions: vec![],
            enabled: true,
            owner: Some("team-platform".into()),
            ahead: if phase == LifeStage::Missing { vec![] } else { ahead },
        },
    }
}

fn html(sheet: &Sheet<'_>) -> String {
    emit(Kind::Html, sheet).unwrap()
}

fn ugly_plan() -> Plan {
    let mut actions = vec![];
    let mut findings = vec![];
    for (n, text) in UGLY.iter().enumerate() {
        let label = format!("key.{}.{}", long_label(1), long_label(n));
        let mut made = action(&label, [Verb::Update, Verb::Create, Verb::Delete][n % 3]);
        made.name = (*text).into();
        made.id = Some((*text).into());
        made.changes =
            vec![from_to("name", text, &text.repeat(3)), set("permissions", &format!("{text}\n{text}"))];
        made.reason.text = (*text).into();
        made.reason.origin.as_mut().unwrap().file = format!("{text}.toml");
        made.secret = SecretEffect::Issued { recipients: recipients(&[text, &long_label(2)]) };
        made.undo = if n % 3 == 2 { Undo::Irreversible } else { Undo::Reversible };
        actions.push(made);
        actions.push(blocked(&label, Verb::Disable, "protected", text, text));
        let mut found = finding(
            [FindingKind::Drift, FindingKind::Unmanaged, FindingKind::Advice][n % 3],
            [Severity::High, Severity::Warning, Severity::Note][n % 3],
            Some(&label),
            text,
        );
        found.id = Some(text.repeat(2));
        found.help = Some((*text).into());
        found.changes = vec![from_to("description", text, "")];
        findings.push(found);
    }
    plan(actions, findings)
}

fn ugly_rows() -> (Vec<StatusRow>, Vec<ExternalRow>) {
    let keys = UGLY.iter().enumerate().map(|(n, text)| {
        let mut row = row(&long_label(n / 4), &long_label(n), n * 9);
        row.id = Some((*text).into());
        row.recipients = vec![(*text).into()];
        row.revoked = Some((*text).into());
        row.more.name = (*text).into();
        row.more.owner = Some((*text).into());
        row.more.permissions = Permission::ALL.to_vec();
        row.more.unknown_permissions = vec![(*text).into()];
        row
    });
    let external = UGLY.iter().enumerate().map(|(n, text)| ExternalRow {
        label: Label::new(long_label(n)).unwrap(),
        kind: ExternalKind::Configuration,
        owner: Some((*text).into()),
        age: Some(Duration::from_secs(n as u64 * 86_400)),
        state: (*text).into(),
        due: Some(now()),
        severity: Some(Severity::High),
    });
    (keys.collect(), external.collect())
}

#[test]
fn an_ugly_team_is_in_order_and_runs_nothing() {
    let (keys, external) = ugly_rows();
    let plan = ugly_plan();
    let page = html(&Sheet { plan: Some(&plan), keys: &keys, external: &external, ..Sheet::default() });
    look_everywhere("ugly", &page);
    let mut browser = Browser::open();
    browser.visit(&written("ugly", &page));
    let found = browser.evaluate(
        "({ foreign: document.querySelectorAll('script, img, iframe, object, form, b, a:not(nav a)').length, \
           handlers: [...document.querySelectorAll('*')].filter(el => [...el.attributes].some(a => a.name.startsWith('on') || a.name === 'style')).length, \
           text: document.body.textContent.includes('<script>alert(1)</script>') })",
    );
    assert_eq!(found, serde_json::json!({ "foreign": 0, "handlers": 0, "text": true }));
}

#[test]
fn every_kind_of_action_and_of_end_is_in_order() {
    let (plan, report) = every_outcome();
    look_everywhere(
        "everything-apply",
        &html(&Sheet { plan: Some(&plan), report: Some(&report), ..Sheet::default() }),
    );
    look_everywhere("everything-plan", &html(&Sheet { plan: Some(&everything()), ..Sheet::default() }));
}

#[test]
fn an_empty_team_is_in_order() {
    let mut plan = plan(vec![], vec![]);
    plan.header.declared = (0, 0);
    plan.header.sealed = None;
    look_everywhere("empty", &html(&Sheet { plan: Some(&plan), ..Sheet::default() }));
}

fn rows(count: usize) -> Vec<StatusRow> {
    let mut rows: Vec<StatusRow> = (0..count)
        .map(|n| row(&format!("environment-{:02}", n % 20), &format!("service-{n:05}"), n))
        .collect();
    rows.sort_by(|a, b| a.address.cmp(&b.address));
    rows
}

#[test]
fn five_hundred_keys_are_in_order() {
    let rows = rows(500);
    let plan = plan(vec![], vec![]);
    look_everywhere("many", &html(&Sheet { plan: Some(&plan), keys: &rows, ..Sheet::default() }));
}

/// What is measured is there to be found wrong.
#[test]
fn the_measures_see_what_is_wrong() {
    let page = "<!DOCTYPE html><html><head><title>x</title></head><body style='margin:0'>\
        <h1>One</h1><h3>Three</h3>\
        <div style='position:relative;height:40px'><b style='position:absolute;left:0'>over</b><i style='position:absolute;left:4px'>lap</i></div>\
        <div style='display:grid'><p style='grid-area:1/1'>a box</p><p style='grid-area:1/1;padding-left:300px'>another one</p></div>\
        <p style='color:#aaa;background:#fff'>faint</p>\
        <div class='table' style='overflow:auto;width:100px'><table class='t'><tr><th>no scope</th><td style='min-width:400px'>far</td></tr></table></div>\
        <details><summary>folded</summary><p>text</p></details>\
        <p style='width:3000px;text-align:right'>wide</p>\
        <img src='http://127.0.0.1:1/x.png'><script>console.error('no')</script></body></html>";
    let path = written("wrong", page);
    let mut browser = Browser::open();
    let seen = look(&mut browser, "wrong", &path, 390, "light");
    for measure in ["complaints", "overlaps", "faint", "headings", "unscoped", "outside", "beside"] {
        assert!(!seen[measure].as_array().unwrap().is_empty(), "{measure} sees nothing: {seen}");
    }
    let overlaps = seen["overlaps"].to_string();
    assert!(overlaps.contains("“over” and i “lap”") && overlaps.contains("p and p in div"), "{overlaps}");
    assert!(seen["wide"].as_f64().unwrap() > 0.0 && seen["folded"] == 1, "{seen}");
    assert!(seen["asked"].to_string().contains("x.png"), "{seen}");
}

/// The figures are printed; what must hold is that it is one page of a few megabytes, folded, that a browser lays out.
#[test]
fn ten_thousand_keys_stay_one_page() {
    let keys = rows(10_000);
    let verbs = [Verb::Update, Verb::Update, Verb::Delete];
    let changed = keys.iter().enumerate().map(|(n, row)| {
        let undo = if n % 3 == 2 { Undo::Irreversible } else { Undo::Reversible };
        keycomb::plan::Action { undo, ..action(&row.address.to_string(), verbs[n % 3]) }
    });
    let actions = changed.collect();
    let plan = plan(actions, vec![]);
    let page = html(&Sheet { plan: Some(&plan), keys: &keys, ..Sheet::default() });
    println!("10,000 keys and as many changes: {} bytes", page.len());
    assert!(page.len() < 16_000_000, "{} bytes", page.len());
    let mut browser = Browser::open();
    let path = written("huge", &page);
    browser.visit(&path);
    let paint = browser.evaluate("performance.getEntriesByType('navigation')[0].domComplete");
    println!("laid out in {paint} ms");
    let rows = browser.evaluate("document.querySelectorAll('.keys tbody tr').length");
    assert_eq!(rows, 10_000);
    let height = browser.evaluate("document.scrollingElement.scrollHeight");
    assert!(height.as_u64().unwrap() < 12_000, "{height} px: it is not folded");
    look(&mut browser, "huge", &path, 1280, "light");
}
