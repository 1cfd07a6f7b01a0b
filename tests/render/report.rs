//! Reports as text.

use insta::assert_snapshot;
use keycomb::plan::Verb;
use keycomb::render::text;
use keycomb::report::{Became, Cause, Report};

use crate::build::{ascii, colored, outcome, plain, report, with_visible_escapes};
use crate::everything::every_outcome;

#[test]
fn every_outcome_in_plain_text() {
    let (plan, report) = every_outcome();
    assert_snapshot!(text::report(&report, Some(&plan), &plain(100)));
}

#[test]
fn every_outcome_in_colour() {
    let (plan, report) = every_outcome();
    assert_snapshot!(with_visible_escapes(&text::report(&report, Some(&plan), &colored(100))));
}

#[test]
fn every_outcome_in_ascii_at_60_columns() {
    let (plan, report) = every_outcome();
    let text = text::report(&report, Some(&plan), &ascii(60));
    assert!(text.is_ascii());
    assert_snapshot!(text);
}

#[test]
fn without_the_plan_blocked_is_only_counted() {
    let (_, report) = every_outcome();
    let text = text::report(&report, None, &plain(80));
    assert!(text.ends_with("2 blocked\n") && !text.contains("help: Declare it again"), "{text}");
}

#[test]
fn all_done() {
    let done = |address| outcome(address, Verb::Create, Became::Done { note: None });
    let report = report(vec![done("environment.production"), done("key.production.checkout")]);
    assert_snapshot!(text::report(&report, None, &plain(80)));
}

#[test]
fn staged_says_until_when_and_what_is_left() {
    let until = "2026-03-08T12:00:00Z".parse().unwrap();
    let note = Some("it was staged already".into());
    let report = report(vec![
        outcome("key.production.checkout", Verb::Create, Became::Staged { until, note: None }),
        outcome("key.production.begun", Verb::Release, Became::Staged { until, note }),
        outcome("key.production.old", Verb::Disable, Became::Left { why: "left for the next".into() }),
    ]);
    assert_snapshot!(text::report(&report, None, &plain(100)));
}

#[test]
fn a_plan_that_is_not_the_reports_lends_it_nothing() {
    let (plan, _) = every_outcome();
    let report = report(vec![outcome("key.other.key", Verb::Blocked, Became::Blocked)]);
    let text = text::report(&report, Some(&plan), &plain(80));
    assert!(!text.contains("help:") && text.contains("1 blocked"), "{text}");
}

#[test]
fn nothing_done_still_has_its_counts() {
    assert_snapshot!(text::report(&report(vec![]), None, &plain(80)));
}

#[test]
fn what_could_not_be_written_down_is_not_said_to_be_in_the_journal() {
    let unfolded = |became| {
        let outcomes = vec![outcome("key.production.checkout", Verb::Delete, became)];
        let report = Report { unfolded: Some("no space left on device".into()), ..report(outcomes) };
        text::report(&report, None, &plain(200))
    };
    let whole = unfolded(Became::Done { note: None });
    assert!(whole.contains("its journal holds everything"), "{whole}");
    let why = "gone, and that could not be written down".into();
    let lacking = unfolded(Became::Failed { why, help: None, cause: Cause::Seal });
    assert!(!lacking.contains("holds everything") && lacking.contains("the same command again"), "{lacking}");
}
