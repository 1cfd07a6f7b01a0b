//! Plans and drift as text.

use insta::assert_snapshot;
use keycomb::model::Label;
use keycomb::plan::{FindingKind, Plan, SecretEffect, Severity, Verb};
use keycomb::render::text;

use crate::build::{
    action, ascii, blocked, colored, drift, drift_hiding, finding, from_to, plain, plan, recipients, set,
    with_visible_escapes,
};
use crate::everything::everything;

#[test]
fn everything_in_plain_text() {
    assert_snapshot!(text::plan(&everything(), &plain(100)));
}

#[test]
fn everything_in_colour() {
    assert_snapshot!(with_visible_escapes(&text::plan(&everything(), &colored(100))));
}

#[test]
fn everything_in_ascii() {
    let text = text::plan(&everything(), &ascii(100));
    assert!(text.is_ascii());
    assert_snapshot!(text);
}

#[test]
fn everything_at_60_columns() {
    assert_snapshot!(text::plan(&everything(), &plain(60)));
}

#[test]
fn everything_at_80_columns() {
    assert_snapshot!(text::plan(&everything(), &plain(80)));
}

#[test]
fn everything_at_120_columns() {
    assert_snapshot!(text::plan(&everything(), &plain(120)));
}

#[test]
fn colour_changes_nothing_but_the_colour() {
    for width in [60, 80, 100, 120] {
        let stripped = without_colour(&text::plan(&everything(), &colored(width)));
        assert_eq!(stripped, text::plan(&everything(), &plain(width)));
    }
}

fn without_colour(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').unwrap().1)
}

#[test]
fn what_was_lifted_stands_in_the_heading() {
    let mut plan = plan(vec![], vec![]);
    plan.header.terms.allow.delete = Some(50);
    plan.header.terms.allow.addresses.insert("key.prod.x".parse().unwrap());
    let text = text::plan(&plan, &plain(200));
    assert!(text.contains("guards lifted: delete=50, key.prod.x"), "{text}");
}

#[test]
fn an_empty_plan_says_so() {
    assert_snapshot!(text::plan(&plan(vec![], vec![]), &plain(80)));
}

#[test]
fn an_empty_plan_of_a_new_team() {
    let mut plan = plan(vec![], vec![]);
    plan.header.sealed = None;
    plan.header.declared = (0, 1);
    assert_snapshot!(text::plan(&plan, &plain(80)));
}

#[test]
fn findings_without_actions() {
    let mut plan = Plan { actions: vec![], ..everything() };
    plan.summary.guarded = 0;
    assert_snapshot!(text::plan(&plan, &plain(80)));
}

#[test]
fn a_plan_that_is_refused_for_what_nobody_declared_does_not_say_no_changes() {
    let mut plan = plan(vec![], vec![finding(FindingKind::Unmanaged, Severity::High, None, "a key")]);
    plan.summary.guarded = 1;
    let shown = text::plan(&plan, &plain(120));
    assert!(
        shown.contains("Refused: the service has what nobody declared") && !shown.contains("No changes"),
        "{shown}"
    );
}

#[test]
fn blocked_only() {
    let help = "Raise `max_delete` in the policy, or allow exactly these: `--allow delete=7`.";
    let text = "7 keys would be deleted, and the policy allows 5";
    let actions = vec![blocked("key.production.checkout", Verb::Delete, "guard_delete", text, help)];
    assert_snapshot!(text::plan(&plan(actions, vec![]), &plain(80)));
}

#[test]
fn a_name_that_tries_the_terminal() {
    let evil = "a\u{1b}[2J\u{1b}]8;;http://evil\u{7}b\u{1b}]52;c;cm0=\u{7}\r\n+ key.fake.key\u{202e}txt\u{200b}\u{9b}31m\" create \"x";
    let mut create = action("key.production.checkout", Verb::Create);
    create.name = evil.into();
    create.secret = SecretEffect::Issued { recipients: recipients(&[evil]) };
    create.changes = vec![set("owner", evil), set("permissions", evil)];
    let mut update = action("key.production.web", Verb::Update);
    update.changes = vec![from_to("name", evil, "web"), from_to("description", evil, "line\ntwo")];
    update.reason.origin.as_mut().unwrap().file = evil.into();
    let mut note = finding(FindingKind::Unmanaged, Severity::Warning, None, evil);
    note.id = Some(evil.into());
    note.help = Some(evil.into());
    let stop = blocked("key.production.x", Verb::Adopt, "exists", evil, evil);
    assert_snapshot!(text::plan(&plan(vec![create, update, stop], vec![note]), &plain(80)));
}

#[test]
fn addresses_longer_than_the_line_are_broken_and_the_others_stay_aligned() {
    let label = "x".repeat(64);
    assert!(Label::new(label.clone()).is_ok());
    let actions = vec![
        action("key.production.web", Verb::Create),
        action(&format!("key.{label}.{label}"), Verb::Create),
        action("key.production.checkout", Verb::Create),
    ];
    assert_snapshot!(text::plan(&plan(actions, vec![]), &plain(80)));
}

#[test]
fn wide_letters_and_long_names_stay_in_the_columns() {
    let mut wide = action("key.production.web", Verb::Create);
    wide.name = "決済サービスの収集器".repeat(10);
    let mut long = action("key.production.long", Verb::Update);
    long.changes = vec![from_to("name", &"before ".repeat(12), &"after ".repeat(12))];
    let text = text::plan(&plan(vec![wide, long], vec![]), &plain(80));
    assert_snapshot!(text);
}

#[test]
fn drift_says_what_changed() {
    assert_snapshot!(text::drift(&drift(everything().findings), &plain(80)));
    assert_snapshot!(text::drift(&drift(vec![]), &plain(80)));
    let unmanaged =
        finding(FindingKind::Unmanaged, Severity::Note, None, "a key named `jenkins` is not managed");
    assert_snapshot!(text::drift(&drift(vec![unmanaged.clone()]), &plain(80)));
    assert_snapshot!(text::drift(
        &drift_hiding(vec![unmanaged], "made by Terraform, and going with it"),
        &plain(80)
    ));
    let mut saved = drift_hiding(vec![], "x");
    saved.header.snapshot = true;
    assert_snapshot!(text::drift(&saved, &plain(60)));
}

#[test]
fn values_of_one_word_are_quoted_where_they_are_somebodys() {
    let mut update = action("key.production.web", Verb::Update);
    update.changes = vec![
        from_to("name", "(none)", "true"),
        from_to("color", "red", "\u{2192} blue"),
        from_to("description", "", "x"),
    ];
    let text = text::plan(&plan(vec![update], vec![]), &plain(80));
    for line in
        ["name         \"(none)\" → \"true\"", "color        red → \"→ blue\"", "description  \"\" → \"x\""]
    {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn many_unmanaged_keys_do_not_bury_the_rest() {
    let note = |n: usize| {
        finding(FindingKind::Unmanaged, Severity::Note, None, &format!("key {n:03} is not managed"))
    };
    let mut findings =
        vec![finding(FindingKind::Drift, Severity::High, Some("key.a.b"), "it was switched off")];
    findings.extend((0..250).map(note));
    let shown = text::plan(&plan(vec![], findings), &plain(100));
    assert!(
        shown.contains("it was switched off") && shown.contains("key 009") && !shown.contains("key 010"),
        "{shown}"
    );
    assert!(shown.contains("note  240 more are not managed; `--format json` lists them all"), "{shown}");

    let refused = |n: usize| {
        finding(FindingKind::Unmanaged, Severity::High, None, &format!("key {n:03} is not managed"))
    };
    let shown = text::plan(&plan(vec![], (0..20).map(refused).collect()), &plain(100));
    assert!(shown.contains("key 019"), "what stops a plan is shown whole");
}
