//! A plan as Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::ladder::Rung;
use super::{action, escape, finding, look};
use crate::model::{Label, counted};
use crate::plan::{Action, Allow, Plan, Select, Summary, Terms, Verb};

/// The text, ending in a line break.
pub(super) fn body(plan: &Plan, intent: &str, rung: Rung) -> String {
    let Plan { header, actions, findings, summary } = plan;
    let mut text = format!("## keycomb plan: team {}\n\n", escape::code(header.team.as_str()));
    if header.is_forecast() {
        let _ = writeln!(text, "**A forecast for** {}: nothing carries it out.\n", escape::time(header.now));
    }
    if header.snapshot {
        let _ =
            writeln!(text, "**From a snapshot** of {}: nothing carries it out.\n", escape::time(header.read));
    }
    put_terms(&mut text, &header.terms.select, &header.terms.allow);
    if plan.is_empty() {
        let told = if plan.is_guarded() {
            "**Refused:** the service has what nobody declared, and the policy says `unmanaged = \"fail\"`."
        } else {
            "**No changes:** the service is as declared."
        };
        let _ = writeln!(text, "{told}");
    } else {
        put_counts(&mut text, summary);
    }
    look::put_plan(&mut text, plan, rung);
    put_actions(&mut text, actions, rung);
    finding::put_all(&mut text, findings, rung);
    put_how(&mut text, plan, intent);
    text + &rung.left_out("keycomb plan")
}

/// A line of counts, then a table by verb.
fn put_counts(text: &mut String, summary: &Summary) {
    let Summary {
        verbs,
        changes,
        blocked,
        guarded: _,
        issued,
        stopping,
        irreversible,
        drifted: _,
        findings,
        ignored,
    } = summary;
    let mut parts = vec![format!("**{}**", counted(*changes, "change"))];
    let stop = if *stopping == 1 {
        "1 key stops working".to_owned()
    } else {
        format!("{stopping} keys stop working")
    };
    parts.extend((*blocked > 0).then(|| format!("**{blocked} blocked**")));
    parts.push(format!("{} issued", counted(*issued, "secret")));
    parts.push(stop);
    parts.push(format!("{irreversible} cannot be undone"));
    parts.push(counted(*findings, "finding"));
    parts.extend((*ignored > 0).then(|| format!("{ignored} ignored")));
    let _ = writeln!(text, "{}\n", parts.join(", "));
    text.push_str("| verb | actions |\n|---|--:|\n");
    for (verb, count) in verbs {
        let _ = writeln!(text, "| {} | {count} |", verb.as_str());
    }
}

/// The actions, folded by environment; or how many there are of each verb.
fn put_actions(text: &mut String, actions: &[Action], rung: Rung) {
    if actions.is_empty() || rung == Rung::Counts {
        return;
    }
    let mut environments: BTreeMap<&Label, Vec<&Action>> = BTreeMap::new();
    for action in actions {
        environments.entry(action.address.environment()).or_default().push(action);
    }
    text.push_str("\n### Actions\n\n");
    if !rung.has_lines() {
        let rows: Vec<(&Label, BTreeMap<Verb, usize>)> =
            environments.iter().map(|(label, actions)| (*label, verbs(actions))).collect();
        put_matrix(text, &rows);
        return;
    }
    for (label, actions) in environments {
        let counts: Vec<String> =
            verbs(&actions).into_iter().map(|(verb, count)| format!("{count} {}", verb.as_str())).collect();
        // A label is of letters, digits, `_` and `-` alone.
        let _ = writeln!(text, "<details><summary><code>{label}</code>: {}</summary>\n", counts.join(", "));
        for action in actions {
            action::put(text, action, rung);
        }
        text.push_str("\n</details>\n\n");
    }
}

fn verbs(actions: &[&Action]) -> BTreeMap<Verb, usize> {
    let mut verbs: BTreeMap<Verb, usize> = BTreeMap::new();
    for action in actions {
        *verbs.entry(action.verb).or_default() += 1;
    }
    verbs
}

fn put_matrix(text: &mut String, rows: &[(&Label, BTreeMap<Verb, usize>)]) {
    let mut known: Vec<Verb> = rows.iter().flat_map(|(_, verbs)| verbs.keys().copied()).collect();
    known.sort_unstable();
    known.dedup();
    let names: Vec<&str> = known.iter().map(|verb| verb.as_str()).collect();
    let _ = writeln!(text, "| environment | {} |", names.join(" | "));
    let _ = writeln!(text, "|---|{}", "--:|".repeat(known.len()));
    for (label, verbs) in rows {
        let counts: Vec<String> =
            known.iter().map(|verb| verbs.get(verb).copied().unwrap_or_default().to_string()).collect();
        let _ = writeln!(text, "| {} | {} |", escape::code(label.as_str()), counts.join(" | "));
    }
}

/// Says that it is not all, and which part; and which guards were lifted for it.
pub(super) fn put_terms(text: &mut String, select: &Select, allow: &Allow) {
    const SHOWN: usize = 20;
    if !select.is_all() {
        let _ = writeln!(text, "**Only a part**, chosen with {}.\n", escape::code(&select.options()));
    }
    let words = allow.words();
    if !words.is_empty() {
        let shown: Vec<String> = words.iter().take(SHOWN).map(|word| escape::code(word)).collect();
        let more = match words.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let _ = writeln!(text, "**Guards lifted:** {}{more}.\n", shown.join(", "));
    }
}

/// How to carry it out, and what binds that to what was read here.
fn put_how(text: &mut String, plan: &Plan, intent: &str) {
    let Terms { select, allow } = &plan.header.terms;
    text.push_str("\n### To apply\n\n");
    let blocked = plan.summary.blocked;
    if plan.summary.changes == 0 || !plan.header.may_be_applied() {
        text.push_str("There is nothing to carry out. ");
    } else {
        let command = |options: &[String]| {
            let words = [&["keycomb apply".to_owned()], options, &[format!("--expect {intent}")]].concat();
            words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        };
        let whole = command(&[select.options(), allow.options()]);
        // Cut off it would be another command.
        let (command, same) = match escape::whole(&whole) {
            Some(whole) => (whole, ""),
            None => (escape::code(&command(&[])), ", with the same options,"),
        };
        let _ = write!(text, "{command}{same} carries out this and nothing else. ");
    }
    if blocked > 0 {
        let _ = write!(text, "What is blocked ({blocked}) is not done. ");
    }
    let _ = writeln!(text, "Intent: `{intent}`");
}
