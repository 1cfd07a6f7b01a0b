//! Markdown, read back by a CommonMark parser: whatever the texts are and however many, it fits, it is balanced, its counts
//! are right, and nothing of the service's reaches a reader as anything but code.

use std::collections::BTreeMap;

use keycomb::plan::{Action, Finding, Plan, SecretEffect, Undo, Verb};
use keycomb::render::Kind;
use keycomb::report::{Became, Outcome, Report};
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{drift_of, full, of_apply, of_drift, of_plan};
use crate::build::{action, finding, from_to, outcome, plan, report, set};
use crate::everything::{every_outcome, everything};
use crate::harmless::{any_action, any_finding, hostile};

const BUDGET: usize = 60_000;

fn parse(text: &str) -> Vec<Event<'_>> {
    Parser::new_ext(text, Options::all()).collect()
}

/// A line of HTML that is ours: a fold of an environment or of findings, and the mark of a comment.
fn is_ours(line: &str) -> bool {
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || " ,:".contains(c));
    let label = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    if line.is_empty() || line == "</details>" {
        return true;
    }
    if let Some(team) = line.strip_prefix("<!-- keycomb:").and_then(|rest| rest.strip_suffix(" -->")) {
        return label(team);
    }
    let Some(inner) =
        line.strip_prefix("<details><summary>").and_then(|rest| rest.strip_suffix("</summary>"))
    else {
        return false;
    };
    match inner.strip_prefix("<code>").and_then(|rest| rest.split_once("</code>")) {
        Some((name, rest)) => label(name) && plain(rest),
        None => plain(inner),
    }
}

/// Outside of code: what GitHub or GitLab would make something of.
fn assert_means_nothing(text: &str) {
    let marks =
        ['@', '#', '<', '>', '|', '\\', '[', ']', '{', '}', '*', '~', '$', '/', '_', '`', '&', '%', '^'];
    assert!(!text.contains(marks), "{text:?}");
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
        assert!(
            word.len() < 7 || !word.chars().all(|c| c.is_ascii_hexdigit()),
            "a commit? {word:?} in {text:?}"
        );
    }
    for link in ["www.", "://", "GH-", "!1"] {
        assert!(!text.contains(link), "{text:?}");
    }
    let colons: Vec<&str> = text.split(':').collect();
    assert!(colons.iter().skip(1).all(|after| after.is_empty() || after.starts_with(' ')), "emoji? {text:?}");
    assert!(!text.chars().any(|c| c.is_control()), "{text:?}");
}

/// Walks the whole text.
fn assert_safe(text: &str) {
    let mut folds: i64 = 0;
    let mut is_code = false;
    let (mut cells, mut columns) = (0_usize, 0_usize);
    // A text comes in pieces: a mention could be made of two.
    let mut joined = String::new();
    for event in parse(text) {
        if matches!(event, Event::Start(_) | Event::End(_) | Event::SoftBreak | Event::HardBreak) {
            assert_means_nothing(&joined);
            joined.clear();
        }
        match event {
            Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::Emphasis | Tag::Strikethrough)
            | Event::FootnoteReference(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::TaskListMarker(_)
            | Event::InlineHtml(_)
            | Event::Rule => panic!("{event:?} in\n{text}"),
            Event::Html(html) => {
                for line in html.lines() {
                    assert!(is_ours(line), "{line:?} in\n{text}");
                }
                folds += i64::try_from(html.matches("<details>").count()).unwrap();
                folds -= i64::try_from(html.matches("</details>").count()).unwrap();
                assert!((0..=1).contains(&folds), "folds do not nest");
            }
            Event::Start(Tag::CodeBlock(_)) => is_code = true,
            Event::End(TagEnd::CodeBlock) => is_code = false,
            Event::Start(Tag::Table(alignments)) => columns = alignments.len(),
            Event::Start(Tag::TableRow | Tag::TableHead) => cells = 0,
            Event::End(TagEnd::TableCell) => cells += 1,
            Event::End(TagEnd::TableRow | TagEnd::TableHead) => assert_eq!(cells, columns, "{text}"),
            Event::Text(words) if !is_code => joined.push_str(&words),
            Event::Code(code) => {
                assert!(!code.contains(['|', '\n', '\r']), "{code:?}");
                joined.push(' ');
            }
            _ => {}
        }
    }
    assert_eq!(folds, 0, "every fold is closed");
    // The parser fills short rows up: the raw ones have as many pipes as their heads.
    let mut pipes = None;
    for line in text.lines() {
        let count = line.matches('|').count();
        if line.starts_with("| ") || line.starts_with("|-") {
            assert_eq!(*pipes.get_or_insert(count), count, "{line}");
        } else {
            pipes = None;
        }
    }
}

/// The rows of the first table with this head, read back.
fn table(text: &str, head: &str) -> BTreeMap<String, Vec<usize>> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let mut rows = BTreeMap::new();
    for line in lines.by_ref().take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        rows.insert(cells[0].to_owned(), cells[1..].iter().map(|cell| cell.parse().unwrap()).collect());
    }
    rows
}

/// The counts, by somebody who knows nothing of `Summary`.
fn assert_counted(text: &str, plan: &Plan) {
    let rows = table(text, "| verb |");
    let mut verbs: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for action in &plan.actions {
        verbs.entry(action.verb.as_str().to_owned()).or_insert_with(|| vec![0])[0] += 1;
    }
    assert_eq!(rows, verbs);
    if plan.actions.is_empty() {
        return;
    }
    let taken = |is: &dyn Fn(&Action) -> bool| {
        plan.actions.iter().filter(|action| action.blocked.is_none() && is(action)).count()
    };
    let line = text.lines().nth(2 + usize::from(text.starts_with("<!--"))).unwrap().replace("**", "");
    let number = |word: &str| -> usize {
        let part = line.split(", ").find(|part| part.contains(word));
        part.map_or(0, |part| part.split(' ').next().unwrap().parse().unwrap())
    };
    assert_eq!(number("change"), taken(&|_| true), "{line}");
    assert_eq!(number("issued"), taken(&|a| matches!(a.secret, SecretEffect::Issued { .. })), "{line}");
    assert_eq!(number("stop"), taken(&|a| a.secret == SecretEffect::StopsWorking), "{line}");
    assert_eq!(number("undone"), taken(&|a| a.undo == Undo::Irreversible), "{line}");
    assert_eq!(number("blocked"), plan.actions.iter().filter(|a| a.blocked.is_some()).count(), "{line}");
    assert_eq!(number("finding"), plan.findings.len(), "{line}");
    let found: usize = table(text, "| finding |").values().flatten().sum();
    assert_eq!(found, plan.findings.len());
    // What has a line for each has as many lines; what counts by environment comes to the same.
    let bullets = |mark: &str| text.lines().filter(|line| line.starts_with(mark)).count();
    if text.contains("<details><summary><code>") {
        let heads = text.lines().filter(|line| {
            line.starts_with("- **")
                && !line.starts_with("- **high")
                && line.contains("** `")
                && !is_group(line)
        });
        assert_eq!(heads.count(), plan.actions.len());
        let severities = ["- **high** ", "- **warning** ", "- **note** "].map(bullets);
        assert_eq!(severities.iter().sum::<usize>(), plan.findings.len());
    } else if text.contains("| environment |") {
        let counted: usize = table(text, "| environment |").values().flatten().sum();
        assert_eq!(counted, plan.actions.len());
    }
}

/// A title among what is to be looked at first.
fn is_group(line: &str) -> bool {
    line.ends_with(')') && line.contains("** (")
}

fn digest_of(text: &str) -> &str {
    let (_, rest) = text.split_once("Intent: `").expect("no digest");
    let (digest, _) = rest.split_once('`').unwrap();
    assert!(digest.starts_with("kc1:"), "{digest}");
    digest
}

/// So many actions and findings over so many environments, out of a few hostile ones.
fn many(count: usize, environments: usize, pool: &[Action], findings: &[Finding]) -> Plan {
    let actions = (0..count).map(|number| {
        let mut made = pool[number % pool.len()].clone();
        let environment = number % environments;
        made.address = match number % 7 {
            0 => format!("environment.e{environment}-{number}"),
            _ => format!("key.e{environment}.k{number}"),
        }
        .parse()
        .unwrap();
        made
    });
    let findings = findings.iter().cycle().take(if findings.is_empty() { 0 } else { count / 5 });
    plan(actions.collect(), findings.cloned().collect())
}

fn outcomes_of(plan: &Plan, words: &[String]) -> Report {
    let outcomes = plan.actions.iter().enumerate().map(|(number, action)| {
        let why = words[number % words.len()].clone();
        let became = match number % 6 {
            _ if action.blocked.is_some() => Became::Blocked,
            0 => Became::Failed { why: why.clone(), help: Some(why), cause: keycomb::report::Cause::Service },
            1 => Became::NotStarted { why },
            2 => Became::InDoubt { why: why.clone(), help: why },
            3 => Became::Done { note: Some(why) },
            _ => Became::Done { note: None },
        };
        Outcome {
            blocked: action.blocked.clone(),
            ..outcome(&action.address.to_string(), action.verb, became)
        }
    });
    Report { unfolded: Some(words[0].clone()), ..report(outcomes.collect()) }
}

/// What people are mentioned by, links are made of, and cells end with.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "@octocat",
        "@acme/team",
        "#12",
        "acme/repo#12",
        "GH-12",
        "!34",
        "%5",
        "~bug",
        "&1",
        "deadbeef",
        "0123456789abcdef0123456789abcdef01234567",
        "www.evil.example",
        "https://evil.example",
        "a@b.example",
        "<img src=x>",
        "<!--",
        "-->",
        "</details>",
        "<details>",
        "</summary>",
        "![x](http://x)",
        "[x](y)",
        "[x]: y",
        "|",
        "||",
        "\\|",
        "\\",
        "`",
        "``",
        "```",
        "~~~",
        "\n",
        "\r\n",
        "\n\n",
        "# h",
        "- x",
        "1. x",
        "> q",
        "---",
        "===",
        "*b*",
        "_i_",
        "**",
        "~~s~~",
        "$x$",
        "$$",
        ":smile:",
        "&lt;",
        "&#64;x",
        "[^1]",
        "[ ]",
        "\t",
        "\u{202e}",
        "word",
        " ",
        "  ",
        "a",
        "é",
        "東京",
    ]);
    prop_oneof![
        3 => prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()),
        1 => hostile(),
    ]
}

fn nasty_action() -> impl Strategy<Value = Action> {
    (any_action(), prop::collection::vec(nasty(), 8)).prop_map(|(mut made, words)| {
        made.name = words[0].clone();
        made.reason.text = words[1].clone();
        made.id = Some(words[2].clone());
        if let Some(blocked) = &mut made.blocked {
            (blocked.text, blocked.help) = (words[3].clone(), words[4].clone());
        }
        for change in &mut made.changes {
            change.before = change.before.as_ref().map(|_| words[5].clone());
            change.after = change.after.as_ref().map(|_| words[6].clone());
        }
        if let SecretEffect::Issued { recipients } = &mut made.secret {
            recipients[0].name = words[7].clone();
        }
        made
    })
}

fn nasty_finding() -> impl Strategy<Value = Finding> {
    (any_finding(), nasty(), nasty()).prop_map(|(found, text, id)| Finding {
        address: None,
        id: Some(id),
        help: Some(text.clone()),
        text,
        ..found
    })
}

fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => 0..40_usize,
        3 => 40..600_usize,
        2 => 600..3_000_usize,
        1 => Just(10_000_usize),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_comment_fits_is_balanced_and_counts_right(
        count in sizes(),
        environments in prop::sample::select(vec![1_usize, 3, 40, 10_000]),
        pool in prop::collection::vec(nasty_action(), 1..12),
        findings in prop::collection::vec(nasty_finding(), 0..6),
        words in prop::collection::vec(nasty(), 1..6),
    ) {
        let plan = many(count, environments, &pool, &findings);
        let text = of_plan(Kind::GithubComment, &plan);
        prop_assert!(text.len() <= BUDGET, "{} bytes", text.len());
        prop_assert!(text.starts_with("<!-- keycomb:acme -->\n"));
        assert_safe(&text);
        assert_counted(&text, &plan);
        let digest = digest_of(&text);

        let report = outcomes_of(&plan, &words);
        let applied = of_apply(Kind::GithubComment, &plan, &report);
        prop_assert!(applied.len() <= BUDGET, "{} bytes", applied.len());
        assert_safe(&applied);
        prop_assert_eq!(digest_of(&applied), digest);
        let counted: usize = table(&applied, "| outcome |").values().flatten().sum();
        prop_assert_eq!(counted, plan.actions.len());

        let drift = of_drift(Kind::Markdown, &drift_of(&plan));
        prop_assert!(drift.len() <= BUDGET, "{} bytes", drift.len());
        assert_safe(&drift);
        let found: usize = table(&drift, "| finding |").values().flatten().sum();
        prop_assert_eq!(found, plan.findings.len());
    }

    #[test]
    fn nothing_of_one_plan_reaches_the_reader_but_as_code(
        actions in prop::collection::vec(nasty_action(), 0..5),
        findings in prop::collection::vec(nasty_finding(), 0..4),
    ) {
        let plan = plan(actions, findings);
        for kind in [Kind::Markdown, Kind::GithubComment, Kind::GithubSummary] {
            let text = of_plan(kind, &plan);
            assert_safe(&text);
            prop_assert!(!text.contains("Shortened"));
        }
    }
}

#[test]
fn every_rung_of_the_ladder_is_reached_and_says_what_it_leaves_out() {
    let mut made = action("key.a.b", Verb::Rotate);
    made.name = "n".repeat(100);
    made.changes = vec![from_to("description", &"x".repeat(200), &"y".repeat(200)), set("color", "red")];
    made.reason.code = keycomb::plan::ReasonCode::RotationDue;
    made.reason.text = "w ".repeat(300);
    let mut said = Vec::new();
    for (count, environments) in [(5, 2), (60, 2), (500, 2), (3_100, 40), (6_000, 6_000)] {
        let plan = many(count, environments, std::slice::from_ref(&made), &[]);
        let text = of_plan(Kind::GithubComment, &plan);
        assert!(text.len() <= BUDGET, "{count}: {} bytes", text.len());
        assert_counted(&text, &plan);
        said.push(text.lines().find(|line| line.contains("Shortened")).unwrap_or("whole").to_owned());
    }
    said.dedup();
    assert_eq!(said.len(), 5, "five forms: {said:#?}");
    assert_eq!(said[0], "whole");
}

/// Sizes so close to each other that each step of the ladder is crossed by little.
#[test]
fn no_size_is_just_too_long() {
    let pool: Vec<Action> = everything().actions;
    let mut longest = 0;
    for count in (100..900).step_by(9) {
        let text = of_plan(Kind::GithubComment, &many(count, 3, &pool, &[]));
        assert!(text.len() <= BUDGET, "{count}: {} bytes", text.len());
        longest = longest.max(text.len());
    }
    assert!(longest > BUDGET - 4_000, "the room is used: {longest}");
}

#[test]
fn three_thousand_changes_fit_and_keep_their_lines() {
    let pool: Vec<Action> = everything().actions;
    let plan = many(3_000, 12, &pool, &everything().findings);
    let text = of_plan(Kind::GithubComment, &plan);
    assert!(text.len() <= BUDGET, "{} bytes", text.len());
    assert_safe(&text);
    assert_counted(&text, &plan);
    assert!(text.contains("Shortened to fit"), "{text}");
    assert!(!of_plan(Kind::GithubSummary, &plan).contains("are only counted"));
}

#[test]
fn what_is_to_be_looked_at_first_comes_first() {
    let text = full(Kind::GithubComment).unwrap();
    let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words:?} in\n{text}"));
    let order = [
        "### Look here first",
        "- **Blocked** (2)",
        "- **Cannot be undone** (3)",
        "- **Stops working** (2)",
        "- **May do more than before** (2)",
        "- **Secrets issued** (3)",
        "- **Drift** (1)",
        "### Actions",
        "### Findings",
        "### To apply",
    ];
    assert!(order.map(place).is_sorted(), "{text}");
    assert!(text.contains("to `ops`, `break_glass`: `key.production.checkout`"), "{text}");
    assert_safe(&text);
    let (plan, report) = every_outcome();
    assert_safe(&of_apply(Kind::GithubComment, &plan, &report));
}

#[test]
fn what_nothing_carries_out_has_no_command() {
    let mut snapshot = everything();
    snapshot.header.snapshot = true;
    let mut forecast = everything();
    forecast.header.now = "2026-04-01T12:00:00Z".parse().unwrap();
    for plan in [&snapshot, &forecast] {
        let text = of_plan(Kind::Markdown, plan);
        assert!(text.contains("nothing carries it out") && !text.contains("keycomb apply"), "{text}");
    }
    assert!(of_plan(Kind::Markdown, &everything()).contains("keycomb apply"));
}

fn lifting(count: usize) -> Plan {
    let mut plan = everything();
    let allow = &mut plan.header.terms.allow;
    allow.delete = Some(50);
    allow.addresses = (0..count).map(|number| format!("key.production.k{number}").parse().unwrap()).collect();
    plan
}

#[test]
fn what_was_lifted_is_said_and_is_in_the_command() {
    let plan = lifting(1);
    let text = of_plan(Kind::GithubComment, &plan);
    assert_safe(&text);
    assert!(text.contains("**Guards lifted:** `delete=50`, `key.production.k0`.\n"), "{text}");
    let intent = plan.intent();
    let command =
        format!("`keycomb apply --allow delete=50 --allow key.production.k0 --expect {intent}` carries");
    assert!(text.contains(&command), "{text}");
    let (_, report) = every_outcome();
    let applied = of_apply(Kind::Markdown, &plan, &report);
    assert!(applied.contains("**Guards lifted:** `delete=50`"), "{applied}");
    assert!(!of_plan(Kind::Markdown, &everything()).contains("lifted"));
}

/// A command that is cut off would be another one.
#[test]
fn many_that_are_lifted_are_counted_and_the_command_is_whole_or_says_that_it_is_not() {
    for (count, is_whole) in [(20, true), (400, false)] {
        let text = of_plan(Kind::GithubComment, &lifting(count));
        assert_safe(&text);
        assert!(text.contains(&format!(" and {} more.\n", count + 1 - 20)), "{text}");
        let last = format!("--allow key.production.k{} --expect", if count == 20 { 9 } else { 99 });
        assert_eq!(text.contains(&last), is_whole, "{text}");
        assert_eq!(text.contains(", with the same options, carries out"), !is_whole, "{text}");
    }
}

#[test]
fn a_fence_in_a_description_does_not_close_ours() {
    let mut made = action("environment.a", Verb::Update);
    made.changes =
        vec![from_to("description", "one\n```\n# two\n@octocat", "one\n`````\n</details>\n[x](y)")];
    let text = of_plan(Kind::GithubComment, &plan(vec![made], vec![]));
    assert_safe(&text);
    let code: Vec<String> = {
        let mut is_code = false;
        let mut code = Vec::new();
        for event in parse(&text) {
            match event {
                Event::Start(Tag::CodeBlock(_)) => is_code = true,
                Event::End(TagEnd::CodeBlock) => is_code = false,
                Event::Text(words) if is_code => code.push(words.to_string()),
                _ => {}
            }
        }
        code
    };
    assert_eq!(code.concat(), "  one\n- ```\n- # two\n- @octocat\n+ `````\n+ </details>\n+ [x](y)\n");
}

#[test]
fn a_finding_of_a_drift_has_its_place_in_one_issue() {
    let mut found = finding(
        keycomb::plan::FindingKind::Drift,
        keycomb::plan::Severity::High,
        Some("key.a.b"),
        "was changed by @octocat, see #1",
    );
    found.changes = vec![from_to("permissions", "a", "a\nb")];
    let text = of_drift(Kind::Markdown, &drift_of(&plan(vec![], vec![found])));
    assert_safe(&text);
    assert!(text.contains("was changed by `@octocat,` see `#1`"), "{text}");
    assert!(text.contains("added `b`"), "{text}");
}
