//! JUnit, read back by an XML parser.

use std::collections::BTreeSet;

use keycomb::render::Kind;
use roxmltree::{Document, Node};

use super::{full, of_apply, of_drift, some_drift};
use crate::everything::{every_outcome, everything};

fn tests<'a>(document: &'a Document<'a>) -> Vec<Node<'a, 'a>> {
    document.descendants().filter(|node| node.has_tag_name("testcase")).collect()
}

fn failures(document: &Document<'_>) -> Vec<(String, String)> {
    let failed = tests(document).into_iter().filter_map(|test| {
        let failure = test.children().find(|child| child.has_tag_name("failure"))?;
        Some((test.attribute("name")?.to_owned(), failure.attribute("type")?.to_owned()))
    });
    failed.collect()
}

fn assert_counts(document: &Document<'_>) {
    let root = document.root_element();
    assert!(root.has_tag_name("testsuites"));
    let number = |node: Node<'_, '_>, name: &str| node.attribute(name).unwrap().parse::<usize>().unwrap();
    assert_eq!(number(root, "tests"), tests(document).len());
    assert_eq!(number(root, "failures"), failures(document).len());
    for suite in root.children().filter(|node| node.is_element()) {
        let tests = suite.children().filter(|node| node.has_tag_name("testcase")).count();
        assert_eq!(number(suite, "tests"), tests);
    }
}

#[test]
fn a_plan_has_a_test_for_each_address_and_fails_for_what_is_blocked_or_drifted() {
    let text = full(Kind::Junit).unwrap();
    let document = Document::parse(&text).unwrap();
    assert_counts(&document);
    let mut addresses: BTreeSet<String> =
        everything().actions.iter().map(|action| action.address.to_string()).collect();
    addresses.extend(["key.staging.quiet", "key.production.new"].map(str::to_owned));
    let names: Vec<&str> = tests(&document).iter().map(|test| test.attribute("name").unwrap()).collect();
    let of_addresses: Vec<&&str> = names.iter().filter(|name| name.contains('.')).collect();
    assert_eq!(of_addresses.len(), addresses.len(), "one each: {of_addresses:?}");
    assert!(of_addresses.iter().all(|name| addresses.contains(**name)));
    assert_eq!(
        failures(&document),
        [
            ("environment.legacy".to_owned(), "blocked/exists".to_owned()),
            ("key.production.payments".to_owned(), "blocked/protected".to_owned()),
            ("key.staging.ci".to_owned(), "drift".to_owned()),
        ]
    );
    let quiet = tests(&document).into_iter().find(|test| test.attribute("name") == Some("key.staging.quiet"));
    assert_eq!(quiet.unwrap().children().count(), 0, "nothing to say");
}

#[test]
fn an_apply_fails_for_what_failed_or_is_in_doubt() {
    let (plan, report) = every_outcome();
    let text = of_apply(Kind::Junit, &plan, &report);
    let document = Document::parse(&text).unwrap();
    assert_counts(&document);
    // Of a key that drifted and failed the failure is told.
    let kinds: BTreeSet<String> = failures(&document).into_iter().map(|(_, kind)| kind).collect();
    let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
    assert_eq!(
        kinds,
        [
            "blocked/exists",
            "blocked/protected",
            "failed/credential",
            "failed/service",
            "in_doubt",
            "unfolded"
        ]
    );
}

#[test]
fn a_drift_fails_for_what_changed_or_is_gone() {
    let text = of_drift(Kind::Junit, &some_drift());
    let document = Document::parse(&text).unwrap();
    assert_counts(&document);
    let failed: Vec<String> = failures(&document).into_iter().map(|(name, _)| name).collect();
    assert_eq!(failed, ["key.production.api", "key.staging.ci"]);
}

#[test]
fn what_is_blocked_fails_whether_or_not_a_guard_does_it() {
    let mut held =
        crate::build::blocked("key.a.b", keycomb::plan::Verb::Create, "ambiguous", "two of them", "choose");
    held.blocked.as_mut().unwrap().guard = false;
    let text = super::of_plan(Kind::Junit, &crate::build::plan(vec![held], vec![]));
    let document = Document::parse(&text).unwrap();
    assert_eq!(failures(&document), [("key.a.b".to_owned(), "blocked/ambiguous".to_owned())]);
}
