//! JUnit: a test for each address, for whatever draws test results.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::emit::Subject;
use super::matter::{Level, Matter, matters};
use super::status::StatusRow;
use crate::model::{Address, cut};
use crate::plan::FindingKind;

/// Characters of a message at most.
const LONGEST: usize = 2_000;

/// The document: a suite for each environment, a test for each address in it, and one for what is at no address.
///
/// A test fails for what failed or is in doubt, what a guard refuses, drift, and grave findings; a change that is to be made is
/// no failure, it is said in the test's output.
pub(super) fn document(subject: &Subject<'_>, keys: &[StatusRow]) -> String {
    let matters = matters(subject);
    let mut addresses: BTreeMap<&Address, Vec<&Matter<'_>>> = BTreeMap::new();
    for row in keys {
        addresses.entry(&row.address).or_default();
    }
    let mut others: Vec<&Matter<'_>> = Vec::new();
    for matter in &matters {
        match matter.address {
            Some(address) => addresses.entry(address).or_default().push(matter),
            None => others.push(matter),
        }
    }
    let run = subject.run().as_str();
    let mut suites: BTreeMap<String, Vec<TestCase>> = BTreeMap::new();
    for (address, matters) in &addresses {
        let suite = format!("environment.{}", address.environment());
        let test = test(&address.to_string(), &suite, matters);
        suites.entry(suite).or_default().push(test);
    }
    let mut report = Report::new(format!("keycomb {run}: team {}", subject.team()));
    for (name, tests) in suites {
        let mut suite = TestSuite::new(name);
        suite.add_test_cases(tests);
        report.add_test_suite(suite);
    }
    let mut rest = TestSuite::new("team");
    rest.add_test_case(test(&format!("keycomb {run}"), "team", &[]));
    rest.add_test_cases(others.iter().map(|matter| {
        let name = match matter.id {
            Some(id) => format!("{} {}", matter.rule, cut(id, LONGEST)),
            None => matter.rule.clone(),
        };
        test(&name, "team", &[matter])
    }));
    report.add_test_suite(rest);
    #[expect(clippy::expect_used, reason = "writing XML to memory does not fail")]
    let text = report.to_string().expect("a report is XML");
    text
}

/// A test that fails for the gravest of its failures.
fn test(name: &str, class: &str, matters: &[&Matter<'_>]) -> TestCase {
    let failure = matters.iter().find(|matter| is_failure(matter));
    let status = failure.map_or_else(TestCaseStatus::success, |matter| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type(matter.rule.clone());
        status.set_message(cut(&matter.text, LONGEST));
        status.set_description(said(matter));
        status
    });
    let mut test = TestCase::new(name, status);
    test.set_classname(class);
    let others: Vec<String> =
        matters.iter().filter(|matter| Some(*matter) != failure).map(|matter| said(matter)).collect();
    if !others.is_empty() {
        test.set_system_out(others.join("\n"));
    }
    test
}

fn is_failure(matter: &Matter<'_>) -> bool {
    let drift = [FindingKind::Drift, FindingKind::Missing, FindingKind::ExternalMismatch];
    let is_drift = matter.verb.is_none() && drift.iter().any(|kind| kind.as_str() == matter.rule);
    let is_blocked = matter.rule.starts_with("blocked");
    matter.level == Level::Error || is_blocked || (is_drift && matter.level > Level::Note)
}

fn said(matter: &Matter<'_>) -> String {
    let text = cut(&matter.text, LONGEST);
    match matter.help {
        Some(help) => format!("{}: {text}. {}", matter.rule, cut(help, LONGEST)),
        None => format!("{}: {text}", matter.rule),
    }
}
